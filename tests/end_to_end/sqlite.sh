#!/bin/bash
# sqlite.sh - the demo's migration on a million rows of SQLite: to the end, stopped, killed at every
# operation, undone
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/payments.sh"
name=$payments

same_file() { export AMIG_STATE=sqlite:$AMIG_SQLITE; }
own_file() { export AMIG_STATE=sqlite:$scratch/state.db; }

runs_to_the_end() {
	payments_reset
	expect 0 "$AMIGRUN" run $name
	payments_are_converted
	expect 0 "$AMIGRUN" status
	has "the status" "$output" $name "Completed successfully"
	expect 0 "$AMIGRUN" status $name --json
	is "the status in JSON" "$(jq -r '[.name, .status, .progress, .current_operation_index] |
		join("|")' <<<"$output")" \
		"$name|completed|100|15"
	before_again=$(done_operations)
	expect 0 "$AMIGRUN" run $name
	is "the operations after a second run" "$(done_operations)" "$before_again"
}

# Each life of amigrun does one operation more and dies in the next one, at the place that is given.
dies_in_every_operation() {
	payments_reset
	AMIG_FAULT=$1 dies_on 14 "$AMIGRUN" run $name
	payments_are_converted
}

stops_and_resumes() {
	payments_reset
	"$AMIGRUN" run $name >"$scratch/out" 2>&1 &
	local pid=$! status
	await_that 60 reached 4
	kill -TERM $pid
	wait $pid
	status=$?
	cat "$scratch/out"
	is "the exit status" $status 5
	is "the status" "$(migration $name status)" stopped
	local index snapshot
	index=$(migration $name current_operation_index)
	snapshot=$(done_operations)
	is "the operations done" "$(wc -l <<<"$snapshot")" "$index"
	expect 0 "$AMIGRUN" resume $name
	stays "$snapshot" "$(done_operations)"
	payments_are_converted
}
reached() { [ "$(migration $name current_operation_index 2>/dev/null | grep -E '^[0-9]+$' || echo -1)" -ge "$1" ]; }

stops_when_another_process_says_so() {
	payments_reset
	"$AMIGRUN" run $name >"$scratch/out" 2>&1 &
	local pid=$! status
	await_that 60 reached 3
	expect 0 "$AMIGRUN" stop $name
	wait $pid
	status=$?
	cat "$scratch/out"
	is "the exit status" $status 5
	expect 0 "$AMIGRUN" resume $name
	payments_are_converted
}

undoes_a_completed_migration() {
	payments_reset
	expect 0 "$AMIGRUN" run $name
	expect 0 "$AMIGRUN" rollback $name --yes
	is "the row" "$(migration $name status progress)" "rolled_back|0"
	is "the content" "$(payments_content "$AMIG_SQLITE")" "$before"
	expect 0 "$AMIGRUN" run $name
	is "the content, run again" "$(payments_content "$AMIG_SQLITE")" "$after"
}

rolls_back_what_fails() {
	payments_reset
	sqlite3 "$AMIG_SQLITE" 'CREATE TABLE payment_old (x)'
	expect 1 "$AMIGRUN" run $name
	has "the message" "$output" "put the new table in place" "payment_old"
	is "the row" "$(migration $name status progress current_operation_index)" "rolled_back|0|0"
	sqlite3 "$AMIG_SQLITE" 'DROP TABLE payment_old'
	is "the content" "$(payments_content "$AMIG_SQLITE")" "$before"
	expect 0 "$AMIGRUN" errors $name
	has "the errors" "$output" "payment_old"
}

keeps_what_fails_when_told_so() {
	payments_reset
	sqlite3 "$AMIG_SQLITE" 'CREATE TABLE payment_old (x)'
	expect 1 "$AMIGRUN" run $name --no-auto-rollback
	is "the row" "$(migration $name status current_operation_index)" "errored|14"
	sqlite3 "$AMIG_SQLITE" 'DROP TABLE payment_old'
	local snapshot
	snapshot=$(done_operations)
	expect 0 "$AMIGRUN" resume $name
	stays "$snapshot" "$(done_operations)"
	payments_are_converted
}

# rows COUNT: what they become is learned from a run that nothing disturbs.
rows() {
	payments_ready "$1" && same_file && payments_learn && return
	failed "sqlite/the first run" "$scratch/learn.log"
	exit 1
}
rows 1000000
check "sqlite/a million rows are converted" runs_to_the_end
check "sqlite/a million rows, killed in every operation after its effect" dies_in_every_operation after_effect:2
rm "$scratch/template.db"*
rows 300000
check "sqlite/killed in every operation before its effect" dies_in_every_operation before_effect:2
check "sqlite/a SIGTERM stops between operations and the resume goes on there" stops_and_resumes
check "sqlite/amigrun stop stops a run in another process" stops_when_another_process_says_so
check "sqlite/a completed migration is undone and can run again" undoes_a_completed_migration
check "sqlite/what fails is rolled back" rolls_back_what_fails
check "sqlite/what fails is kept with --no-auto-rollback and resumes" keeps_what_fails_when_told_so
own_file
check "sqlite, state in a file of its own/they are converted" runs_to_the_end
check "sqlite, state in a file of its own/killed in every operation after its effect" dies_in_every_operation after_effect:1
report_end
