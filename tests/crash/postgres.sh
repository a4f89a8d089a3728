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
	[ "$(migration $seven status)" = rolled_back ] || "$AMIGRUN" rollback $seven
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
AMIG_TEST_APART=yes
kill_matrix "crash, postgres, state in another database" seven_reset forwards seven_is_completed
backwards=yes kill_matrix "crash, postgres, undoing, state in another database" completed_first undo seven_is_undone
report_end
