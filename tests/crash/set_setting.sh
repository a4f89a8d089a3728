#!/bin/bash
# set_setting.sh - `set setting` killed at every place of fault.def, forward and back: what a setting
# was before is kept once, and put back
#
# AMIG_CRASH=small: undoing only, the state in another file.
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/kill.sh"

cat >"$scratch/0001_sets.amig" <<'A'
migration "0001_sets" {
  needs db: sqlite
  operation "first" on db {
    forward {
      set setting "mine" = 1
      exec sql"INSERT INTO t VALUES (1)"
      set setting "mine" = 2
    }
    rollback nothing
  }
  operation "second" on db {
    forward {
      set setting "mine" = 3
      set setting "new" = true
    }
    rollback sql"INSERT INTO t VALUES (-1)"
  }
}
A
reset() {
	place_state $where crash_set_setting
	sqlite3 "$AMIG_DB_URL" 'CREATE TABLE t (x)'
	"$AMIGRUN" status >/dev/null || die "the tables of the state are not made"
	state "INSERT INTO @setting (name, value, changed_at) VALUES ('mine', '0', CURRENT_TIMESTAMP)"
}
settings() { state "SELECT name, value FROM @setting WHERE name <> 'store_id' ORDER BY name" | paste -sd ' '; }
rows() { sqlite3 -cmd '.timeout 10000' "$AMIG_DB_URL" 'SELECT group_concat(x) FROM t'; }
forwards() { "$AMIGRUN" run 0001_sets; }
it_is_done() {
	is "the row" "$(migration 0001_sets status)" completed
	is "the settings" "$(settings)" "mine|3 new|true"
	is "what is kept" "$(state 'SELECT operation_index, name, value_before, value_set FROM @setting_kept ORDER BY 1, 2' |
		paste -sd ' ')" "0|mine|0|2 1|mine|2|3 1|new||true"
	is "the rows" "$(rows)" 1
}
completed_first() {
	reset
	forwards || die "the run before the rollback failed"
}
undo() {
	[ "$(migration 0001_sets status)" = rolled_back ] || "$AMIGRUN" rollback 0001_sets --yes
}
it_is_undone() {
	is "the row" "$(migration 0001_sets status)" rolled_back
	is "the settings" "$(settings)" "mine|0"
	is "what is kept" "$(state 'SELECT count(*) FROM @setting_kept')" 0
	is "the rows" "$(rows)" 1,-1
}

build sets "$scratch/0001_sets.amig"
export AMIG_DB_URL=$scratch/target.db AMIG_STATE
for where in other same postgres; do
	backwards=yes kill_matrix "crash, set setting, state $where, undoing" completed_first undo it_is_undone
	[ "${AMIG_CRASH-}" != small ] || break
	kill_matrix "crash, set setting, state $where" reset forwards it_is_done
done
report_end
