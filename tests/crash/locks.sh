#!/bin/bash
# locks.sh - a lock that is taken, taken over and given back, forward and back, killed at every place
# of fault.def, on SQLite, the state in a file and in PostgreSQL
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/kill.sh"

cat >"$scratch/0001_locks.amig" <<'A'
migration "0001_locks" {
  needs db: sqlite

  operation "twice" on db {
    forward {
      with lock "a" { exec sql"INSERT INTO t VALUES (1)" }
      try {
	with lock "b" {
	  exec sql"INSERT INTO t VALUES (10)"
	  fail "out"
	}
      } catch e { exec sql"INSERT INTO t VALUES (100)" }
    }
    rollback {
      with lock "a" { exec sql"INSERT INTO t VALUES (-1)" }
    }
  }
  operation "may fail" on db {
    continue on error
    forward {
      with lock "a" {
	exec sql"INSERT INTO t VALUES (3)"
	exec sql"INSERT INTO missing VALUES (3)"
      }
    }
    rollback sql"INSERT INTO t VALUES (-2)"
  }
}
A

reset() {
	rm -f "$scratch"/{target,state}.db*
	sqlite3 "$AMIG_DB_URL" "CREATE TABLE t (x)"
	[ -z "$store" ] || AMIG_STATE=$(new_postgres crash_locks)
	# The tables, and a lock that another run has left.
	"$AMIGRUN" status >/dev/null
	state "INSERT INTO @lock (run, depth, name, migration, epoch, held, taken_at)
		VALUES (99, 1, 'a', '0009_other', 1, ${store:+1 = }1, CURRENT_TIMESTAMP)"
}
rows() { sqlite3 -cmd '.timeout 10000' "$AMIG_DB_URL" 'SELECT group_concat(x) FROM t'; }
locks() { state "SELECT run, name FROM @lock WHERE held AND 1 = 1 OR run <> 99"; }
forwards() { "$AMIGRUN" run 0001_locks; }
it_is_done() {
	is "the row" "$(migration 0001_locks status current_operation_index)" "completed|2"
	is "the rows" "$(rows)" 1,10,100,3
	is "the locks" "$(locks)" ""
}
completed_first() {
	reset
	forwards || die "the run before the rollback failed"
}
undo() {
	[ "$(migration 0001_locks status)" = rolled_back ] || "$AMIGRUN" rollback 0001_locks --yes
}
it_is_undone() {
	is "the row" "$(migration 0001_locks status)" rolled_back
	is "the rows" "$(rows)" 1,10,100,3,-2,-1
	is "the locks" "$(locks)" ""
}

build locks "$scratch/0001_locks.amig"
export AMIG_DB_URL=$scratch/target.db AMIG_STATE store
AMIG_STATE=sqlite:$scratch/state.db store=
kill_matrix "crash, locks" reset forwards it_is_done
backwards=yes kill_matrix "crash, locks, undoing" completed_first undo it_is_undone
store=postgres
kill_matrix "crash, locks, state in PostgreSQL" reset forwards it_is_done
report_end
