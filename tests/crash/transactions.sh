#!/bin/bash
# transactions.sh - `transaction` killed at every place of fault.def: its effects are there together
# and once, and what it computed goes on; in the state's own database, and in another one
#
# AMIG_CRASH=small: SQLite in another file only.
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/kill.sh"

migration_on() {
	cat >"$scratch/0001_together.amig" <<-A
	migration "0001_together" {
	  needs db: $1

	  operation "twice" on db {
	    forward {
	      var sum = 0
	      for i in [1, 2] {
	        transaction {
	          exec sql"INSERT INTO t VALUES (\${i}, 'a')"
	          exec sql"UPDATE total SET n = n + \${i}"
	          sum = sum + (db.value(sql"SELECT n FROM total") as int)
	        }
	      }
	      exec sql"INSERT INTO t VALUES (\${sum}, 'sum')"
	      try {
	        transaction {
	          exec sql"INSERT INTO t VALUES (9, 'never')"
	          sum = 100
	          fail "out"
	        }
	      } catch e { exec sql"INSERT INTO t VALUES (\${sum}, \${e.message})" }
	    }
	    rollback {
	      transaction {
	        exec sql"DELETE FROM t"
	        exec sql"UPDATE total SET n = n - 3"
	      }
	    }
	  }
	}
	A
	build together "$scratch/0001_together.amig"
}
target() { ask_kind "$kind" "$AMIG_DB_URL" "$1"; }
reset() {
	case $kind in
	sqlite)
		rm -f "$scratch"/*.db*
		AMIG_DB_URL=$scratch/target.db AMIG_STATE=sqlite:$scratch/state.db
		[ $place = apart ] || AMIG_STATE=sqlite:$AMIG_DB_URL
		;;
	postgres)
		AMIG_DB_URL=$(new_postgres amig_together)
		AMIG_STATE=$AMIG_DB_URL
		[ $place = beside ] || AMIG_STATE=sqlite:$scratch/state.db
		rm -f "$scratch"/*.db*
		;;
	esac
	export AMIG_DB_URL AMIG_STATE
	target 'CREATE TABLE t (n int, what text); CREATE TABLE total (n int); INSERT INTO total VALUES (0)'
}
forwards() { "$AMIGRUN" run 0001_together; }
it_is_done() {
	is "the row" "$(migration 0001_together status)" completed
	is "what there is" "$(target "SELECT n, what FROM t ORDER BY what, n" | tr '\n' ' ')" '1|a 2|a 4|out 4|sum '
	is "the total" "$(target "SELECT n FROM total")" 3
}
completed_first() {
	reset
	forwards || die "the run before the rollback failed"
}
undo() {
	[ "$(migration 0001_together status)" = rolled_back ] || "$AMIGRUN" rollback 0001_together --yes
}
it_is_undone() {
	is "the row" "$(migration 0001_together status)" rolled_back
	is "what there is" "$(target "SELECT count(*) FROM t")" 0
	is "the total" "$(target "SELECT n FROM total")" 0
}

for kind in sqlite postgres; do
	migration_on $kind
	for place in apart beside; do
		kill_matrix "crash, transactions on $kind, state $place" reset forwards it_is_done
		[ "${AMIG_CRASH-}" != small ] || break 2
		backwards=yes kill_matrix "crash, transactions on $kind, state $place, undoing" completed_first undo it_is_undone
	done
done
report_end
