#!/bin/bash
# operator.sh - `halt` and `approval` killed at every place of fault.def: each is come to once, and
# what follows an approval does not happen before it
#
# AMIG_CRASH=small: the state in another file only.
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/kill.sh"

cat >"$scratch/0001_asks.amig" <<'A'
migration "0001_asks" {
  needs db: sqlite
  operation "halts" on db {
    forward {
      exec sql"INSERT INTO t VALUES (1)"
      halt "look"
      exec sql"INSERT INTO t VALUES (2)"
    }
    rollback nothing
  }
  approval "cut over" "three is next"
  operation "after" on db {
    forward sql"INSERT INTO t SELECT 3 + (SELECT 10 * (count(*) = 0) FROM said)"
    rollback nothing
  }
}
A
reset() {
	rm -f "$scratch"/{target,state}.db*
	[ -z "$store" ] || AMIG_STATE=$(new_postgres crash_operator)
	sqlite3 "$AMIG_DB_URL" 'CREATE TABLE t (x); CREATE TABLE said (x)'
}
target() { sqlite3 -cmd '.timeout 10000' "$AMIG_DB_URL" "$1"; }
asked="SELECT count(*) FROM @operation WHERE operation_index = 1 AND approved_by = ''"
# Says yes as soon as it is asked for.
forwards() {
	local runner status
	while :; do
		"$AMIGRUN" run 0001_asks &
		runner=$!
		while kill -0 $runner 2>/dev/null; do
			if [ "$(state "$asked")" = 1 ]; then
				target 'INSERT INTO said VALUES (1)'
				env -u AMIG_FAULT "$AMIGRUN" approve 0001_asks
			fi
			sleep 0.02
		done
		wait $runner
		status=$?
		[ $status = 5 ] || return $status
	done
}
it_is_done() {
	is "the row" "$(migration 0001_asks status current_operation_index instruction)" "completed|3|"
	is "the rows" "$(target 'SELECT group_concat(x) FROM t')" 1,2,3
	is "the events" "$(state "SELECT kind, count(*) FROM @event WHERE kind IN ('halted', 'approval_awaited', 'approved')
		GROUP BY kind ORDER BY kind" | tr '\n' ' ')" "approval_awaited|1 approved|1 halted|1 "
}

build operator "$scratch/0001_asks.amig"
export AMIG_DB_URL=$scratch/target.db AMIG_STATE store
AMIG_STATE=sqlite:$scratch/state.db store=
kill_matrix "crash, operator" reset forwards it_is_done
if [ "${AMIG_CRASH-}" != small ]; then
	store=postgres
	kill_matrix "crash, operator, state in PostgreSQL" reset forwards it_is_done
fi
report_end
