#!/bin/bash
# sqlite.sh - the demo's migration killed at every place of fault.def, at each passage, forwards and
# backwards
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/payments.sh"
. "$case_root/tests/support/kill.sh"

forwards() { "$AMIGRUN" run $payments; }

completed_first() {
	payments_reset
	"$AMIGRUN" run $payments || die "the run before the rollback failed"
}
# A rollback that has begun goes on with `rollback`; one that has ended has nothing left to do.
undo() {
	[ "$(migration $payments status)" = rolled_back ] || "$AMIGRUN" rollback $payments --yes
}
payments_are_as_before() {
	is "the row" "$(migration $payments status progress)" "rolled_back|0"
	is "the content" "$(payments_content "$AMIG_SQLITE")" "$before"
}

export AMIG_STATE=sqlite:$scratch/payments.db
payments_ready 2000 && payments_learn || { failed "crash, sqlite/the first run" "$scratch/learn.log"; exit 1; }
kill_matrix "crash, sqlite" payments_reset forwards payments_are_converted
backwards=yes kill_matrix "crash, sqlite, undoing" completed_first undo payments_are_as_before
export AMIG_STATE=sqlite:$scratch/state.db
kill_matrix "crash, sqlite, state in a file of its own" payments_reset forwards payments_are_converted
report_end
