#!/bin/bash
# http.sh - a migration with requests killed at every place of fault.def, at each passage, forwards
# and backwards: a request may come twice, and has the same key then
#
# AMIG_CRASH=small: only with the state in a file of its own.
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/kill.sh"
export AMIG_LEASE=1s

start_hook
printf '204\n' >"$scratch/answers"
cat >"$scratch/0001_tells.amig" <<-E
	migration "0001_tells" {
	  needs db: sqlite
	  operation "insert" on db {
	    forward {
	      http post "http://127.0.0.1:$port/begin" body "0"
	      for x in [1, 2] {
	        db.exec(sql"INSERT INTO t VALUES (\${x})")
	        http post "http://127.0.0.1:$port/done" body "\${x}"
	      }
	    }
	    rollback {
	      db.exec(sql"DELETE FROM t")
	      http delete "http://127.0.0.1:$port/done"
	    }
	  }
	  operation "end" on db {
	    forward { http put "http://127.0.0.1:$port/end" body "3" }
	    rollback { http delete "http://127.0.0.1:$port/end" }
	  }
	}
E
export AMIG_DB_URL=$scratch/target.db AMIG_ALLOW_LOCAL=127.0.0.1

begin() {
	rm -f "$scratch"/*.db*
	: >"$scratch/log"
	sqlite3 "$AMIG_DB_URL" 'CREATE TABLE t (x)'
}
forwards() { "$AMIGRUN" run 0001_tells; }
completed_first() {
	begin
	"$AMIGRUN" run 0001_tells || die "the run before the rollback failed"
	: >"$scratch/log"
}
undo() { [ "$(migration 0001_tells status)" = rolled_back ] || "$AMIGRUN" rollback 0001_tells --yes; }

# What a server that knows the keys has carried out, in the order in which it came first.
carried_out() { awk -F '|' '!seen[$3]++ { print $1, $2, $6 }' "$scratch/log"; }
all_is_done() {
	is "the row" "$(migration 0001_tells status progress)" "completed|100"
	is "the rows" "$(sqlite3 "$AMIG_DB_URL" 'SELECT group_concat(x) FROM t')" 1,2
	is "what was carried out" "$(carried_out)" "POST /begin 0
POST /done 1
POST /done 2
PUT /end 3"
}
all_is_undone() {
	is "the row" "$(migration 0001_tells status progress)" "rolled_back|0"
	is "the rows" "$(sqlite3 "$AMIG_DB_URL" 'SELECT count(*) FROM t')" 0
	is "what was carried out" "$(carried_out)" "DELETE /end 
DELETE /done "
}

build http "$scratch/0001_tells.amig" >"$scratch/build.log" || { failed "crash, http/build" "$scratch/build.log"; exit 1; }
for AMIG_STATE in sqlite:$AMIG_DB_URL sqlite:$scratch/state.db; do
	export AMIG_STATE
	[ "${AMIG_CRASH-}" != small ] || [ "$AMIG_STATE" != "sqlite:$AMIG_DB_URL" ] || continue
	kill_matrix "crash, http, state in ${AMIG_STATE##*/}" begin forwards all_is_done
	backwards=yes kill_matrix "crash, http, undoing, state in ${AMIG_STATE##*/}" completed_first undo all_is_undone
done
report_end
