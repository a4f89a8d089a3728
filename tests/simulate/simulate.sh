#!/bin/bash
# simulate.sh - a small cut of the simulation: thousands of schedules hold, a seed replays, and
# guards that are left out are noticed
#
# `make simulate` and `make simulate-mutants` do it at length.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/report.sh
build=${AMIG_BUILD:-build/simulate}
simulate() { "$build/simulate" "$build/simulate.amb" "$@"; }

replays() {
	local first second
	first=$(simulate --seed 7 | md5sum)
	second=$(simulate --seed 7 | md5sum)
	[ "$(simulate --seed 7 | wc -l)" -gt 20 ] && [ "$first" = "$second" ]
}
is_noticed() { simulate --mutant "$1" --schedules 1000 | grep -E "^seed [0-9]+: [a-z]+: "; }
# What is found among many at once is found alone, too.
is_shown() {
	local seed
	seed=$(simulate --mutant epoch --schedules 300 | sed -nE 's/^seed ([0-9]+):.*/\1/p')
	[ -n "$seed" ] && simulate --mutant epoch --seed "$seed" | grep -F VIOLATED
}

check "simulate/schedules hold" simulate --schedules "${AMIG_TEST_SCHEDULES:-1000}"
check "simulate/a seed gives the same schedule each time" replays
check "simulate/a seed that was found shows what is violated" is_shown
for mutant in epoch outcome-first no-checkpoint no-marker no-end worker-clock no-lease guess no-intent \
	stale-find lost-stop stops says-again same-window lane-verdict forgets-above undo-order early; do
	check "simulate/the guard $mutant is missed when it is left out" is_noticed $mutant
done
report_end
