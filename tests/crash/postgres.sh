#!/bin/bash
# postgres.sh - seven operations on PostgreSQL killed at every place of fault.def, with the state
# beside the data and apart
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

# What cannot be in a transaction leaves no marker. Without a word of the operation about what
# became of it, amigrun says so and does not guess.
says_what_is_in_doubt() {
	cat >"$scratch/doubt.amig" <<-AMIG
	migration "0103_doubt" {
	  needs postgres
	  operation "index the counters" on postgres {
	    forward  sql"CREATE INDEX CONCURRENTLY counter_done ON counter (done)"
	    rollback sql"DROP INDEX IF EXISTS counter_done"
	  }
	}
	AMIG
	seven_reset
	build doubt "$scratch/doubt.amig"
	expect 137 env AMIG_FAULT=after_effect:1 "$AMIGRUN" run 0103_doubt
	expect 6 "$AMIGRUN" resume 0103_doubt
	has "the message" "$output" "index the counters" "it is not known" "query id"
	is "the row" "$(migration 0103_doubt status current_operation_index)" "errored|0"
	is "the indexes" "$(postgres "$AMIG_POSTGRES_URL" "SELECT count(*) FROM pg_class WHERE relname = 'counter_done'")" 1
	expect 0 "$AMIGRUN" rollback 0103_doubt --yes
	is "the row" "$(migration 0103_doubt status progress)" "rolled_back|0"
	is "the indexes" "$(postgres "$AMIG_POSTGRES_URL" "SELECT count(*) FROM pg_class WHERE relname = 'counter_done'")" 0
}

AMIG_TEST_APART=yes
check "crash, postgres: a doubt that nothing resolves is told" says_what_is_in_doubt
kill_matrix "crash, postgres, state in another database" seven_reset forwards seven_is_completed
backwards=yes kill_matrix "crash, postgres, undoing, state in another database" completed_first undo seven_is_undone
report_end
