#!/bin/bash
# endings.sh - `finally`, `on complete` and `on error` killed at every place of fault.def, behind a
# completion, a failure that is rolled back, and a rollback: finally once, a notice at least once and
# with one key
#
# AMIG_CRASH=small: what fails, on SQLite with the state in another file.
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/kill.sh"
export AMIG_LEASE=1s

start_hook
printf '204\n' >"$scratch/answers"

migration_on() {
	cat >"$scratch/0001_ends.amig" <<-A
	migration "0001_ends" {
	  needs db: $1
	  finally {
	    db.exec(sql"INSERT INTO t VALUES (8)")
	    db.exec(sql"INSERT INTO t VALUES (9)")
	  }
	  on complete { http post "http://127.0.0.1:$port/complete" }
	  on error { http post "http://127.0.0.1:$port/error" }
	  operation "only one" on db {
	    forward {
	      exec sql"INSERT INTO t VALUES (1)"
	      require not db.exists(sql"SELECT 1 FROM wish") else "as wished"
	    }
	    rollback sql"INSERT INTO t VALUES (-1)"
	  }
	}
	A
	build ends "$scratch/0001_ends.amig"
}
target() { ask_kind "$kind" "$AMIG_DB_URL" "$1"; }
reset() {
	export AMIG_DB_URL AMIG_STATE AMIG_ALLOW_LOCAL=127.0.0.1
	rm -f "$scratch"/*.db*
	case $kind in
	sqlite) AMIG_DB_URL=$scratch/target.db AMIG_STATE=sqlite:$AMIG_DB_URL ;;
	postgres) AMIG_DB_URL=$(new_postgres crash_endings) AMIG_STATE=$AMIG_DB_URL ;;
	esac
	[ $place = beside ] || AMIG_STATE=sqlite:$scratch/state.db
	target 'CREATE TABLE t (x int); CREATE TABLE wish (x int)'
	: >"$scratch/log"
}
it_fails() { reset && target 'INSERT INTO wish VALUES (1)'; }
completed_first() {
	reset
	"$AMIGRUN" run 0001_ends || die "the run before the rollback failed"
	: >"$scratch/log"
}
forwards() { "$AMIGRUN" run 0001_ends; }
# Its failure is told by whoever goes on with it, too; one that is done with is not begun anew.
fails() {
	[ "$(migration 0001_ends status 2>&1)" = rolled_back ] || "$AMIGRUN" run 0001_ends
	local status=$?
	[ $status = 1 ] && status=0
	return $status
}
undo() {
	[ "$(migration 0001_ends status)" = rolled_back ] || "$AMIGRUN" rollback 0001_ends --yes
}
is_so() {
	is "the row" "$(migration 0001_ends status current_operation_index)" "$1"
	is "the rows" "$(target 'SELECT x FROM t' | paste -sd ' ')" "$2"
	is "the notices" "$(cut -d'|' -f2 "$scratch/log" | sort -u | paste -sd ' ')" "$3"
	[ -z "$3" ] || is "the keys" "$(cut -d'|' -f3 "$scratch/log" | sort -u | wc -l)" 1
	is "the errors" "$(state 'SELECT count(*) FROM @error')" "$4"
}
it_is_completed() { is_so "completed|1" "1 8 9" /complete 0; }
it_has_failed() { is_so "rolled_back|0" "1 -1 8 9" /error 1; }
it_is_undone() { is_so "rolled_back|0" "1 8 9 -1 8 9" "" 0; }

for combination in 'sqlite apart' 'sqlite beside' 'postgres apart' 'postgres beside'; do
	read -r kind place <<<"$combination"
	migration_on $kind
	kill_matrix "crash, endings on $kind, state $place, failing" it_fails fails it_has_failed
	[ "${AMIG_CRASH-}" != small ] || break
	kill_matrix "crash, endings on $kind, state $place" reset forwards it_is_completed
	backwards=yes kill_matrix "crash, endings on $kind, state $place, undoing" completed_first undo it_is_undone
done
report_end
