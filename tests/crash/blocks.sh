#!/bin/bash
# blocks.sh - several effects in one operation, and each way of settling a doubt, killed at every
# place of fault.def, on SQLite with the state in the same file and in another
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/kill.sh"

blocks=0300_blocks

reset() {
	rm -f "$scratch"/{target,state}.db*
	sqlite3 "$AMIG_SQLITE" "CREATE TABLE entry (x); CREATE TABLE probe AS SELECT 0 AS done, 0 AS undone;
		CREATE TABLE like_it (x PRIMARY KEY); CREATE TABLE pair (x); CREATE TABLE once (x PRIMARY KEY)"
}
content() {
	sqlite3 -cmd '.timeout 10000' "$AMIG_SQLITE" "SELECT 'entry', (SELECT group_concat(x, ' ') FROM entry),
		'probe', (SELECT done || ' ' || undone FROM probe), 'like_it', (SELECT count(*) FROM like_it),
		'pair', (SELECT group_concat(x, ' ') FROM pair), 'once', (SELECT group_concat(x, ' ') FROM once)" 2>&1
}
forwards() { "$AMIGRUN" run $blocks; }
blocks_are_done() {
	is "the row" "$(migration $blocks status progress current_operation_index)" "completed|100|5"
	is "the tables" "$(content)" "entry|1 2 3 6 100|probe|1 0|like_it|1|pair|a b|once|7 8"
}
completed_first() {
	reset
	"$AMIGRUN" run $blocks || die "the run before the rollback failed"
}
undo() {
	[ "$(migration $blocks status)" = rolled_back ] || "$AMIGRUN" rollback $blocks --yes
}
blocks_are_undone() {
	is "the row" "$(migration $blocks status progress)" "rolled_back|0"
	is "the tables" "$(content)" "entry|1 2 3 6 100 -6 -3 -2 -1|probe|0 1|like_it|0|pair||once|"
}

build blocks "$case_root/tests/end_to_end/migrations/blocks.amig"
export AMIG_SQLITE=$scratch/target.db AMIG_STATE=sqlite:$scratch/target.db
kill_matrix "crash, blocks" reset forwards blocks_are_done
backwards=yes kill_matrix "crash, blocks, undoing" completed_first undo blocks_are_undone
export AMIG_STATE=sqlite:$scratch/state.db
kill_matrix "crash, blocks, state in a file of its own" reset forwards blocks_are_done
backwards=yes kill_matrix "crash, blocks, undoing, state in a file of its own" completed_first undo blocks_are_undone
report_end
