#!/bin/bash
# at_once.sh - operations of `parallel` that are killed: at each place, forward and backward, and twenty times at random
#
# AMIG_CRASH=small: at the places where something is changed, with the state in SQLite, and ten times at random.
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/kill.sh"
. "$case_root/tests/support/at_once.sh"

in_parallel 0001_parts 2 '1, 2, 3' 'retry 3 backoff 20ms .. 50ms'
in_parallel 0002_often 4 '1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20' 'retry 3 backoff 20ms .. 50ms'

where_the_state_is() {
	rm -f "$scratch"/*.db*
	export AMIG_STATE=sqlite:$scratch/state.db
	[ "$1" = sqlite ] || AMIG_STATE=$(new_postgres "${at_once_database}_state")
}
reset() {
	where_the_state_is "$state_kind"
	fresh_log
}
finish() { "$AMIGRUN" run 0001_parts; }
compare() {
	is "what was logged" "$(logged)" "6|3|9"
	is "the row" "$(migration 0001_parts status progress current_operation_index)" "completed|100|5"
	is "open effects" "$(open_effects)" 0
	is "ends" "$(state 'SELECT count(DISTINCT completion), max(completion) FROM @operation WHERE block = 1')" "3|3"
}
completed_first() {
	reset
	finish || die "the run before the rollback failed"
}
# What was killed before the run was there has nothing to undo.
undo() { [ "$(migration 0001_parts status)" = rolled_back ] || "$AMIGRUN" rollback 0001_parts --yes; }
# An effect of the rollback is made once, too.
is_undone() {
	is "the row" "$(migration 0001_parts status)" rolled_back
	is "what is left" "$(logged)" "0|0|"
	is "the rollback" "$(undone)" "99 $(state 'SELECT operation_index FROM @operation WHERE block = 1
		ORDER BY completion DESC' | xargs) 0"
	is "open effects" "$(open_effects)" 0
}

# Half of it is done when it is undone: whatever was under way is undone once, or was not begun.
died_forward() {
	reset
	AMIG_FAULT=$1 finish
	[ $? = 137 ] || die "it did not die"
}
half_of_it_is_undone() {
	local place
	for place in after_effect:3 before_commit:9 before_effect:4; do
		died_forward $place
		expect 0 "$AMIGRUN" rollback 0001_parts --yes
		is "what is left" "$(logged)" "0|0|"
		is "open effects" "$(open_effects)" 0
		is "each once" "$(ask 'SELECT count(*) - count(DISTINCT p) FROM undone')" 0
	done
}
killed_at_random() {
	local runner kills=0 wanted=20
	[ "${AMIG_CRASH-}" != small ] || wanted=10
	where_the_state_is "$1"
	fresh_log 0.15
	"$AMIGRUN" run 0002_often >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	while [ $kills -lt $wanted ]; do
		sleep 0.$((RANDOM % 3))$((RANDOM % 10))
		kill -KILL $runner 2>/dev/null || break
		wait $runner 2>/dev/null
		kills=$((kills + 1))
		"$AMIGRUN" run 0002_often >>"$scratch/out" 2>&1 </dev/null &
		runner=$!
	done
	wait $runner || { cat "$scratch/out"; die "it did not come to its end after $kills kills"; }
	is "what was logged" "$(logged)" "40|20|60"
	is "open effects" "$(open_effects)" 0
	[ $kills -ge 5 ] || die "$kills kills only"
}

build at_once "$scratch"/*.amig >"$scratch/build.log" || { failed "crash, at once/build" "$scratch/build.log"; exit 1; }
state_kind=sqlite
check "crash, at once/half of it is undone" half_of_it_is_undone
for state_kind in sqlite postgres; do
	[ "${AMIG_CRASH-}$state_kind" != smallpostgres ] || continue
	check "crash, at once/killed at random, every effect is made once, the state in $state_kind" killed_at_random $state_kind
	forward=() back=()
	[ "${AMIG_CRASH-}" != small ] || { forward=(after_effect before_commit); back=(after_commit); }
	kill_matrix "crash, at once, the state in $state_kind" reset finish compare "${forward[@]}"
	backwards=yes kill_matrix "crash, at once, undoing, the state in $state_kind" completed_first undo is_undone "${back[@]}"
done
report_end
