#!/bin/bash
# postgres.sh - seven operations on PostgreSQL killed at every place of fault.def, with the state beside the data and apart
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/seven.sh"
. "$case_root/tests/support/kill.sh"

forwards() { "$AMIGRUN" run $seven; }
completed_first() {
	seven_reset
	"$AMIGRUN" run $seven || die "the run before the rollback failed"
}
undo() {
	[ "$(migration $seven status)" = rolled_back ] || "$AMIGRUN" rollback $seven --yes
}
seven_is_undone() {
	is "the row" "$(migration $seven status progress)" "rolled_back|0"
	is "the table is there" "$(table_is_there)" f
	is "done and undone" "$(counters)" "3|3"
}

sed 's/pg_sleep(0.2)/pg_sleep(0.01)/' "$case_root/tests/end_to_end/migrations/seven.amig" >"$scratch/seven.amig"
build seven "$scratch/seven.amig"
kill_matrix "crash, postgres" seven_reset forwards seven_is_completed
backwards=yes kill_matrix "crash, postgres, undoing" completed_first undo seven_is_undone
sed 's/pg_sleep(0.2)/pg_sleep(1)/' "$case_root/tests/end_to_end/migrations/seven.amig" >"$scratch/seven.amig"
build slow "$scratch/seven.amig"
kill_matrix "crash, postgres, while a statement runs" seven_reset forwards seven_is_completed during_effect

# Without a word of the operation about what became of an effect, amigrun says so and does not guess.
says_what_is_in_doubt() {
	seven_reset
	expect 137 env AMIG_FAULT=after_effect:2 "$AMIGRUN" run $seven
	is "done and undone" "$(counters)" "1|0"
	expect 6 "$AMIGRUN" resume $seven
	has "the message" "$output" "count one" "it is not known" "query id"
	is "the row" "$(migration $seven status current_operation_index)" "errored|1"
	is "done and undone" "$(counters)" "1|0"
	expect 0 "$AMIGRUN" rollback $seven --yes
	is "the row" "$(migration $seven status progress)" "rolled_back|0"
	is "done and undone" "$(counters)" "1|1"
}

AMIG_TEST_APART=yes
check "crash, postgres, state in another database: a doubt that nothing resolves is told" says_what_is_in_doubt
build seven "$case_root/tests/end_to_end/migrations/probed/seven.amig"
kill_matrix "crash, postgres, state in another database" seven_reset forwards seven_is_completed
backwards=yes kill_matrix "crash, postgres, undoing, state in another database" completed_first undo seven_is_undone
report_end
