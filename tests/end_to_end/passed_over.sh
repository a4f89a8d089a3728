#!/bin/bash
# passed_over.sh - `continue on error`: what fails for good is kept and told, and the run goes on
set -u
. "$(dirname "$0")/../support/case.sh"

# Three operations; the forward of the one in the middle is on standard input, the third is $3.
migration_of() {
	cat >"$scratch/$1.amig" <<-E
		migration "$1" {
		  needs db: $2
		  operation "before" on db {
		    forward  sql"INSERT INTO t VALUES (1)"
		    rollback sql"INSERT INTO t VALUES (-1)"
		  }
		  operation "may fail" on db {
		    continue on error
		    retry 2 backoff 1ms .. 2ms
		    $4
		    forward $(cat)
		    rollback sql"INSERT INTO t VALUES (-2)"
		  }
		  $3
		}
	E
}
behind='operation "behind" on db { forward sql"INSERT INTO t VALUES (3)" rollback sql"INSERT INTO t VALUES (-3)" }'
behind=${behind// rollback/$'\n' rollback}
migration_of 0001_fails sqlite "$behind" '' <<<'{
	exec sql"INSERT INTO t VALUES (2)"
	exec sql"INSERT INTO missing VALUES (2)"
	}'
migration_of 0002_deferred sqlite "$behind" '' <<<'sql"INSERT INTO child VALUES (7)"'
migration_of 0003_deferred_last sqlite '' '' <<<'sql"INSERT INTO child VALUES (7)"'
migration_of 0004_deferred_postgres postgres "$behind" '' <<<'sql"INSERT INTO child VALUES (7)"'
migration_of 0005_in_doubt sqlite "$behind" 'no transaction' <<<'sql"INSERT INTO t VALUES (2)"'
migration_of 0006_busy postgres "$behind" 'timeout 200ms' <<<'sql"INSERT INTO t SELECT 2 FROM pg_sleep(5)"'
migration_of 0007_fails_last sqlite 'operation "no way back" on db {
		    continue on error
		    forward sql"INSERT INTO missing VALUES (3)"
		    irreversible "gone is gone"
		  }' '' <<<'{ fail "never" }'

fresh() {
	rm -f "$scratch"/*.db*
	export AMIG_DB_URL=$scratch/target.db AMIG_STATE=sqlite:$scratch/state.db
	[ "${1-}" != same ] || AMIG_STATE=sqlite:$AMIG_DB_URL
	if [ "${1-}" = postgres ]; then
		AMIG_DB_URL=$(new_postgres passed_over)
		AMIG_STATE=$AMIG_DB_URL
		postgres "$AMIG_DB_URL" 'CREATE TABLE t (x int); CREATE TABLE parent (x int PRIMARY KEY);
			CREATE TABLE child (x int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)'
	else
		sqlite3 "$AMIG_DB_URL" 'CREATE TABLE t (x); CREATE TABLE parent (x PRIMARY KEY);
			CREATE TABLE child (x REFERENCES parent DEFERRABLE INITIALLY DEFERRED)'
	fi
}
rows() {
	case $AMIG_DB_URL in
	postgresql:*) postgres "$AMIG_DB_URL" 'SELECT x FROM t' | paste -sd , ;;
	*) sqlite3 -cmd '.timeout 10000' "$AMIG_DB_URL" 'SELECT x FROM t' | paste -sd , ;;
	esac
}
operations() { state "SELECT status FROM @operation ORDER BY operation_index" | paste -sd ,; }
# completes NAME WORDS: although operation 1 fails, and says so everywhere.
completes() {
	expect 0 "$AMIGRUN" run "$1"
	has "what is said" "$output" "goes on, although: Operation 1 \"may fail\" failed: " "$2" \
		'but these failed: 1 "may fail"'
	is "the row" "$(migration "$1" status progress)" "completed|100"
	expect 0 "$AMIGRUN" errors "$1"
	has "the errors" "$output" 'Operation 1 "may fail" failed' "$2"
	expect 0 "$AMIGRUN" status "$1"
	has "the status" "$output" 'failed       may fail' 'but these failed: 1 "may fail"'
}
goes_on_behind_a_failure() {
	fresh "${1-}"
	completes 0001_fails "no such table: missing"
	is "the operations" "$(operations)" "done,failed,done"
	is "the rows" "$(rows)" 1,2,3
	expect 0 "$AMIGRUN" rollback 0001_fails --yes
	is "the operations" "$(operations)" "rolled_back,rolled_back,rolled_back"
	is "the rows" "$(rows)" 1,2,3,-3,-2,-1
}
in_the_file_of_the_state() { goes_on_behind_a_failure same; }
goes_on_behind_a_refused_commit() {
	fresh same
	completes 0002_deferred "FOREIGN KEY"
	is "the rows" "$(rows)" 1,3
	expect 0 "$AMIGRUN" run 0003_deferred_last
	is "the row" "$(migration 0003_deferred_last status)" completed
	has "what is said" "$output" 'but these failed: 1 "may fail"'
	fresh postgres
	completes 0004_deferred_postgres "foreign key"
	is "the rows" "$(rows)" 1,3
}
is_tried_again_first() {
	fresh postgres
	completes 0006_busy "statement timeout"
	is "the attempts" "$(state "SELECT attempts FROM @operation WHERE operation_index = 1")" 3
	is "the rows" "$(rows)" 1,3
}
a_doubt_stops_the_run() {
	fresh
	AMIG_FAULT=after_effect:2 "$AMIGRUN" run 0005_in_doubt
	is "the status of the process" $? 137
	expect 6 "$AMIGRUN" resume 0005_in_doubt
	is "the row" "$(migration 0005_in_doubt status current_operation_index)" "errored|1"
}
several_fail() {
	fresh
	expect 0 "$AMIGRUN" run 0007_fails_last
	has "what is said" "$output" 'but these failed: 1 "may fail", 2 "no way back"'
	expect 3 "$AMIGRUN" rollback 0007_fails_last --yes
	has "the refusal" "$output" "gone is gone"
}
# Behind it the run fails as ever: what was passed over is undone with the rest.
killed_behind_it() {
	fresh
	AMIG_FAULT=before_effect:4 "$AMIGRUN" run 0001_fails
	is "the status of the process" $? 137
	expect 0 "$AMIGRUN" resume 0001_fails
	is "the operations" "$(operations)" "done,failed,done"
	is "the rows" "$(rows)" 1,2,3
}

build passed_over "$scratch"/000*.amig
check "continue on error/the run goes on behind a failure" goes_on_behind_a_failure
check "continue on error/the same in the file of the state" in_the_file_of_the_state
check "continue on error/a commit that is refused is a failure too" goes_on_behind_a_refused_commit
check "continue on error/it is tried again first" is_tried_again_first
check "continue on error/a doubt stops the run" a_doubt_stops_the_run
check "continue on error/several, to the last" several_fail
check "continue on error/killed behind it" killed_behind_it
report_end
