#!/bin/bash
# rules.sh - what a migration says about itself and what an operator may say: parameters, checks,
# dependencies, `required when`, irreversible operations, who has the run, auto_rollback
set -u
. "$(dirname "$0")/../support/case.sh"

fresh() {
	rm -f "$scratch"/{target,state}.db*
	export AMIG_SQLITE=$scratch/target.db AMIG_STATE=sqlite:$scratch/state.db
	target "CREATE TABLE entry (x)"
}
target() { sqlite3 -cmd '.timeout 10000' "$AMIG_SQLITE" "$1" 2>&1; }
entries() { target "SELECT group_concat(x, ' ') FROM (SELECT x FROM entry ORDER BY rowid)"; }

takes_parameters_within_their_bounds() {
	local wrong
	for wrong in number=0 number=11 number=many region=asia size=3; do
		fresh
		expect 2 "$AMIGRUN" run 0201_params --param $wrong
		has "the message" "$output" "${wrong%=*}"
		is "what was entered" "$(entries)" ""
		is "the operations" "$(state 'SELECT count(*) FROM @operation')" 0
	done
	fresh
	expect 0 "$AMIGRUN" run 0201_params
	is "what was entered" "$(entries)" "3 eu"
	fresh
	expect 0 "$AMIGRUN" status
	state "INSERT INTO @parameter (migration, name, value, changed_at) VALUES ('0201_params', 'number', '10', 0)"
	expect 0 "$AMIGRUN" run 0201_params --param region=us
	is "what was entered" "$(entries)" "10 us"
}

refuses_by_a_precheck() {
	fresh
	target "INSERT INTO entry VALUES (1)"
	expect 1 "$AMIGRUN" run 0202_prechecked
	has "the message" "$output" "nobody is there" "somebody is there"
	is "the status" "$(migration 0202_prechecked status)" failed_at_startup
	is "what was entered" "$(entries)" 1
	target "DELETE FROM entry"
	expect 0 "$AMIGRUN" run 0202_prechecked
	is "what was entered" "$(entries)" 2
}

undoes_by_a_postcheck() {
	fresh
	target "INSERT INTO entry VALUES (1)"
	expect 1 "$AMIGRUN" run 0203_postchecked
	has "the message" "$output" "it is alone" "it is not alone"
	is "the row" "$(migration 0203_postchecked status progress)" "rolled_back|0"
	is "what was entered" "$(entries)" 1
	expect 1 "$AMIGRUN" run 0203_postchecked --no-auto-rollback
	is "the row" "$(migration 0203_postchecked status current_operation_index)" "errored|1"
	is "what was entered" "$(entries)" "1 3"
	expect 1 "$AMIGRUN" resume 0203_postchecked --no-auto-rollback
	is "the status" "$(migration 0203_postchecked status)" errored
	target "DELETE FROM entry WHERE x = 1"
	expect 0 "$AMIGRUN" resume 0203_postchecked
	is "the status" "$(migration 0203_postchecked status)" completed
	is "what was entered" "$(entries)" 3
}

skips_postchecks_when_told_so() {
	fresh
	target "INSERT INTO entry VALUES (1)"
	expect 0 "$AMIGRUN" run 0203_postchecked --skip-postchecks
	is "the status" "$(migration 0203_postchecked status)" completed
	is "what was entered" "$(entries)" "1 3"
}

waits_for_what_it_depends_on() {
	fresh
	expect 3 "$AMIGRUN" run 0204_dependent
	has "the message" "$output" "depends on 0203_postchecked"
	is "what was entered" "$(entries)" ""
	expect 0 "$AMIGRUN" run 0203_postchecked
	expect 0 "$AMIGRUN" rollback 0203_postchecked --yes
	expect 3 "$AMIGRUN" run 0204_dependent
	expect 0 "$AMIGRUN" run 0203_postchecked
	expect 0 "$AMIGRUN" run 0204_dependent
	is "what was entered" "$(entries)" "3 4"
}

does_nothing_when_not_required() {
	fresh
	expect 0 "$AMIGRUN" run 0205_required
	is "the row" "$(migration 0205_required status progress)" "completed|100"
	is "what was entered" "$(entries)" ""
	fresh
	target "INSERT INTO entry VALUES (1)"
	expect 0 "$AMIGRUN" run 0205_required
	is "what was entered" "$(entries)" "1 5"
}

# Nothing is undone past an operation that cannot be; one that never began stands in nobody's way.
stays_behind_what_is_irreversible() {
	fresh
	expect 1 "$AMIGRUN" run 0206_irreversible
	is "the row" "$(migration 0206_irreversible status)" rolled_back
	is "what was entered" "$(entries)" ""
	target "CREATE TABLE forgotten (x)"
	expect 1 "$AMIGRUN" run 0206_irreversible
	has "the message" "$output" "it is forgotten"
	is "the row" "$(migration 0206_irreversible status current_operation_index)" "errored|2"
	expect 3 "$AMIGRUN" rollback 0206_irreversible --yes
	has "the message" "$output" "it is forgotten"
	is "the row" "$(migration 0206_irreversible status current_operation_index)" "errored|2"
	is "what was entered" "$(entries)" 6
	target "CREATE TABLE marked (x)"
	expect 0 "$AMIGRUN" resume 0206_irreversible
	is "what was forgotten" "$(target 'SELECT x FROM forgotten')" 6
}

leaves_failed_runs_when_the_setting_says_so() {
	fresh
	expect 3 "$AMIGRUN" run 0204_dependent
	state "INSERT INTO @setting (name, value, changed_at) VALUES ('auto_rollback', 'false', 0)"
	expect 1 "$AMIGRUN" run 0206_irreversible
	is "the row" "$(migration 0206_irreversible status current_operation_index)" "errored|1"
	is "what was entered" "$(entries)" 6
	state "UPDATE @setting SET value = 'true' WHERE name = 'auto_rollback'"
	expect 1 "$AMIGRUN" resume 0206_irreversible
	is "the row" "$(migration 0206_irreversible status)" rolled_back
	is "what was entered" "$(entries)" ""
}

# The plan and the lets are of the moment when the run began, whatever its own operations and others
# make of the tables.
keeps_the_plan_that_it_began_with() {
	fresh
	target "INSERT INTO entry VALUES (1), (2), (3)"
	expect 5 "$AMIGRUN" run 0207_planned --operations 1
	target "INSERT INTO entry VALUES (4)"
	expect 5 "$AMIGRUN" resume 0207_planned --operations 1
	is "what was entered" "$(entries)" "31 32 3 4"
	expect 0 "$AMIGRUN" resume 0207_planned
	is "what was entered" "$(entries)" "31 32 33 4"
	is "the operations" "$(state 'SELECT group_concat(label) FROM @operation')" "move 1,move 2,move 3"
	expect 0 "$AMIGRUN" rollback 0207_planned --yes
	is "what was entered" "$(entries)" "1 2 3 4"
}

is_running() { [ "$(migration 0208_slow status)" = running ]; }

# Asleep it lives, and nobody takes the run from it.
leaves_a_living_runner_alone() {
	fresh
	"$AMIGRUN" run 0208_slow >"$scratch/out" 2>&1 &
	local pid=$! command status
	await_that 60 is_running
	kill -STOP $pid
	is_running || { kill -CONT $pid; die "it was too fast"; }
	for command in run resume "rollback --yes"; do
		# shellcheck disable=SC2086
		(expect 3 "$AMIGRUN" $command 0208_slow; has "the message" "$output" "is running in the process" ":$pid:")
		status=$?
		[ $status = 0 ] || { kill -KILL $pid; exit $status; }
	done
	kill -CONT $pid
	wait $pid
	is "the exit status" $? 0
	is "what was entered" "$(entries)" 2000000
}

# What was made before a failure in the same operation is not made again behind it.
keeps_its_place_behind_a_failure() {
	local file
	for file in state target; do
		fresh
		AMIG_STATE=sqlite:$scratch/$file.db
		expect 1 "$AMIGRUN" run 0209_fails_behind --no-auto-rollback
		has "the message" "$output" "there was nothing before"
		expect 1 "$AMIGRUN" resume 0209_fails_behind --no-auto-rollback
		is "what was entered" "$(entries)" 9
		expect 0 "$AMIGRUN" rollback 0209_fails_behind --yes
		is "what was entered" "$(entries)" ""
	done
}

accepts_exactly_the_version_that_is_said() {
	local version
	fresh
	expect 3 "$AMIGRUN" run 0210_newer
	version=$(sed -nE 's/.*is in version ([0-9]+(\.[0-9]+)+).*/\1/p' <<<"$output" | head -n 1)
	[ -n "$version" ] || die "the message has no version"
	expect 3 "$AMIGRUN" run 0210_newer --accept sqlite=1.2.3
	is "what was entered" "$(entries)" ""
	expect 0 "$AMIGRUN" run 0210_newer --accept "sqlite=$version"
	is "what was entered" "$(entries)" 10
	is "the events" "$(state "SELECT count(*) FROM @event WHERE kind = 'version_accepted'")" 1
}

# Who asked for a run is told that it came to nothing, whichever process ended the rollback.
tells_a_run_that_was_rolled_back() {
	fresh
	AMIG_FAULT=before_effect:3 expect 137 "$AMIGRUN" run 0206_irreversible
	is "the status" "$(migration 0206_irreversible status)" rolling_back
	expect 1 "$AMIGRUN" resume 0206_irreversible
	has "the message" "$output" "rolled back"
	is "the status" "$(migration 0206_irreversible status)" rolled_back
	is "what was entered" "$(entries)" ""
}

build rules "$case_root/tests/end_to_end/migrations/rules"
check "rules/parameters are taken within their bounds" takes_parameters_within_their_bounds
check "rules/a precheck refuses and nothing is changed" refuses_by_a_precheck
check "rules/a postcheck fails a run, which is undone or kept" undoes_by_a_postcheck
check "rules/postchecks are left out when told so" skips_postchecks_when_told_so
check "rules/a dependency must have completed" waits_for_what_it_depends_on
check "rules/what is not required does nothing" does_nothing_when_not_required
check "rules/an irreversible operation is not gone back past" stays_behind_what_is_irreversible
check "rules/failed runs are left as they are by a setting" leaves_failed_runs_when_the_setting_says_so
check "rules/a run keeps the plan that it began with" keeps_the_plan_that_it_began_with
check "rules/a run is not taken from a process that lives" leaves_a_living_runner_alone
check "rules/what stands behind a failure stays made" keeps_its_place_behind_a_failure
check "rules/a server's version is accepted when it is said exactly" accepts_exactly_the_version_that_is_said
check "rules/a run whose rollback another process ends is told as failed" tells_a_run_that_was_rolled_back
report_end
