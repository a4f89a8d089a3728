#!/bin/bash
# postgres.sh - seven operations on PostgreSQL: in full, undone, stuck, step by step, undone half
# way, not there
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/seven.sh"

runs_in_full() {
	seven_reset
	expect 0 "$AMIGRUN" run $seven
	seven_is_completed
	is "the errors" "$(state 'SELECT count(*) FROM @error')" 0
	is "range and day" "$(migration $seven min_version max_version 'finished_at::date = now()::date')" "1.29.0|1.30.0|t"
	is "the query id is one of the journal" "$(state "SELECT count(*) FROM @effect e JOIN @migration m
		ON e.query_id = m.current_query_id")" 1
}

undoes_a_completed_one() {
	seven_reset
	expect 0 "$AMIGRUN" run $seven
	expect 0 "$AMIGRUN" rollback $seven --yes
	is "the table is there" "$(table_is_there)" f
	is "the row" "$(migration $seven status progress)" "rolled_back|0"
	is "done and undone" "$(counters)" "3|3"
}

stays_where_a_rollback_fails() {
	seven_reset
	expect 0 "$AMIGRUN" run 0101_stuck
	expect 1 "$AMIGRUN" rollback 0101_stuck --yes
	has "the message" "$output" "count two" "division by zero"
	is "the row" "$(migration 0101_stuck status current_operation_index)" "errored|1"
	is "the counters" "$(postgres "$AMIG_POSTGRES_URL" "SELECT name, undone FROM counter WHERE undone > 0")" "three|1"
}

# Mended, it goes on with the operation that failed: nothing is undone twice, and nothing goes forward.
goes_on_when_a_rollback_is_mended() {
	local way
	for way in "rollback --yes" resume run; do
		stays_where_a_rollback_fails
		postgres "$AMIG_POSTGRES_URL" "INSERT INTO counter (name) VALUES ('mended')"
		# shellcheck disable=SC2086
		expect "$([ "${way%% *}" = rollback ] && echo 0 || echo 1)" "$AMIGRUN" $way 0101_stuck
		is "the row" "$(migration 0101_stuck status progress current_operation_index)" "rolled_back|0|0"
		is "the counters" "$(postgres "$AMIG_POSTGRES_URL" "SELECT name, done, undone FROM counter WHERE done > 0
			ORDER BY name")" \
			"one|1|1
three|1|1
two|1|1"
	done
}

# Each call does one operation more: at the end of it the index and the progress say so.
steps() {
	local index
	seven_reset
	for index in 1 2 3 4 5 6; do
		expect 5 "$AMIGRUN" run $seven --operations 1
		is "index and progress" "$(migration $seven status current_operation_index progress)" \
			"stopped|$index|$((100 * index / 7))"
		[ $index != 3 ] || is "the table after three" "$(rows)" "a|b"
	done
	expect 0 "$AMIGRUN" run $seven --operations 1
	seven_is_completed
}

# The rollback of the current operation belongs to it, for it may be half done.
undoes_half_way() {
	seven_reset
	expect 5 "$AMIGRUN" run $seven --operations 4
	is "index" "$(migration $seven current_operation_index)" 4
	is "done and undone" "$(counters)" "1|0"
	expect 0 "$AMIGRUN" rollback $seven --yes
	is "the table is there" "$(table_is_there)" f
	is "the row" "$(migration $seven status progress)" "rolled_back|0"
	is "done and undone" "$(counters)" "1|2"
}

refuses_what_is_not_there() {
	seven_reset
	expect 2 "$AMIGRUN" run 0999_nobody
	has "the message" "$output" 0999_nobody
	is "the rows" "$(state "SELECT count(*) FROM @migration WHERE name = '0999_nobody'")" 0
}

# Known to the state and not in the bundle: there is nothing to start it from.
refuses_what_has_no_definition() {
	seven_reset
	expect 0 "$AMIGRUN" status
	state "INSERT INTO @migration (name, description, min_version, max_version) VALUES ('0999_gone', '', '', '')"
	expect 3 "$AMIGRUN" run 0999_gone
	has "the message" "$output" "Migration definition not available"
	is "the status" "$(migration 0999_gone status)" failed_at_startup
	has "the error" "$("$AMIGRUN" errors 0999_gone)" "Migration definition not available"
}

refuses_another_version() {
	seven_reset
	AMIG_APP_VERSION=1.31.0 expect 3 "$AMIGRUN" run $seven
	has "the message" "$output" 1.31.0 1.29.0 1.30.0
	is "the table is there" "$(table_is_there)" f
	is "the status" "$(migration $seven status)" failed_at_startup
	AMIG_APP_VERSION=1.31.0 expect 0 "$AMIGRUN" run $seven --ignore-app-version
	seven_is_completed
}

# What stands in the way of version 1.32.0, in the words that scripts and people know.
gate_is_closed_until_it_ran() {
	seven_reset
	expect 3 "$AMIGRUN" gate --version 1.32.0
	has "the message" "$output" "List of async migrations to be applied:" \
		"- 0100_seven - Available on versions 1.29.0 - 1.30.0" "Async migrations are not completed."
	expect 0 "$AMIGRUN" gate --version 1.30.0
	expect 5 "$AMIGRUN" run $seven --operations 6
	expect 3 "$AMIGRUN" gate --version 1.32.0
	expect 0 "$AMIGRUN" run $seven
	expect 0 "$AMIGRUN" gate --version 1.32.0
	expect 0 "$AMIGRUN" rollback $seven --yes
	expect 3 "$AMIGRUN" gate --version 1.32.0
}

plan_changes_nothing() {
	seven_reset
	expect 0 "$AMIGRUN" plan $seven
	has "the plan" "$output" "create the table" "CREATE TABLE example" "count three"
	is "the table is there" "$(table_is_there)" f
	is "the operations" "$(state 'SELECT count(*) FROM @operation')" 0
}

# What the run began with is what it ends with, whatever the bundle says by then.
resumes_without_the_bundle() {
	seven_reset
	expect 5 "$AMIGRUN" run $seven --operations 3
	sed "s/value = 'c'/value = 'changed'/" "$case_root/tests/end_to_end/migrations/seven.amig" >"$scratch/changed.amig"
	build changed "$scratch/changed.amig"
	expect 0 "$AMIGRUN" resume $seven
	seven_is_completed
}

# The servers' role is called amig, as the state's schema is: no bare name may mean that schema.
keeps_out_of_the_states_schema() {
	seven_reset
	expect 0 "$AMIGRUN" run $seven
	is "the schema" "$(postgres "$AMIG_POSTGRES_URL" "SELECT schemaname FROM pg_tables WHERE tablename = 'example'")" public
}

build seven "$case_root"/tests/end_to_end/migrations/{seven,stuck}.amig
check "postgres/a run in full" runs_in_full
check "postgres/a completed migration is undone" undoes_a_completed_one
check "postgres/a rollback that fails stays at its operation" stays_where_a_rollback_fails
check "postgres/a rollback that failed and is mended goes on" goes_on_when_a_rollback_is_mended
check "postgres/one operation at a time" steps
check "postgres/undone after four operations, the current one with them" undoes_half_way
check "postgres/a migration that is not there" refuses_what_is_not_there
check "postgres/a migration without a definition fails at startup" refuses_what_has_no_definition
check "postgres/an application version out of range" refuses_another_version
check "postgres/the gate is closed until it ran" gate_is_closed_until_it_ran
check "postgres/bare names never mean the schema of the state" keeps_out_of_the_states_schema
check "postgres/plan changes nothing" plan_changes_nothing
check "postgres/a resume needs nothing of the bundle" resumes_without_the_bundle
export AMIG_TEST_APART=yes
check "postgres, state in another database/a run in full" runs_in_full
check "postgres, state in another database/a completed migration is undone" undoes_a_completed_one
report_end
