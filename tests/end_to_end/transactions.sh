#!/bin/bash
# transactions.sh - `transaction`: its effects happen together or not at all, it sees its own
# writes, begins anew as a whole, and leaves nothing behind when it is abandoned
set -u
. "$(dirname "$0")/../support/case.sh"

# migration_of NAME KIND [CLAUSE…]: the forward block of one operation on standard input.
migration_of() {
	local name=$1 kind=$2
	shift 2
	cat >"$scratch/$name.amig" <<-E
		migration "$name" {
		  needs db: $kind
		  needs other: sqlite

		  operation "the only one" on db {
		    $(printf '%s\n' "$@")
		    forward {
		$(cat)
		    }
		    rollback sql"DELETE FROM t"
		  }
		}
	E
}
together='var n = 7
	transaction {
	  exec sql"INSERT INTO t VALUES (1)"
	  exec sql"INSERT INTO t VALUES (2)"
	  n = db.value(sql"SELECT count(*) FROM t") as int
	  log "inside ${n}"
	}
	exec sql"INSERT INTO t VALUES (${n * 100})"'
abandoned='var n = 7
	try {
	  transaction {
	    exec sql"INSERT INTO t VALUES (1)"
	    n = 8
	    require n == 7 else "n is ${n}"
	  }
	} catch e { exec sql"INSERT INTO log VALUES (${"${n} ${e.class} ${e.message}"})" }
	try {
	  transaction {
	    exec sql"INSERT INTO t VALUES (3)"
	    n = 9
	    exec sql"INSERT INTO missing VALUES (4)"
	  }
	} catch e { exec sql"INSERT INTO log VALUES (${"${n} ${e.class}"})" }
	transaction {
	  exec sql"INSERT INTO t VALUES (5)"
	  fail "for good"
	}'
for kind in postgres sqlite; do
	migration_of "0001_together_$kind" $kind <<<"$together"
	migration_of "0002_abandoned_$kind" $kind <<<"$abandoned"
	migration_of "0003_outside_$kind" $kind <<<'transaction {
		exec sql"INSERT INTO t VALUES (1)"
		exec sql"VACUUM"
	}'
done
# The first attempt is refused in the middle, as after a deadlock.
migration_of 0004_anew postgres 'retry 2 backoff 10ms .. 20ms' <<<'var n = 0
	transaction {
	  exec sql"INSERT INTO t VALUES (1)"
	  n = n + 1
	  exec sql"SELECT refuse_once()"
	  exec sql"INSERT INTO t VALUES (2)"
	}
	exec sql"INSERT INTO t VALUES (${n * 100})"'
# And the second time by COMMIT.
migration_of 0005_refused postgres 'retry 2 backoff 10ms .. 20ms' <<<'exec sql"INSERT INTO log VALUES ('"'before'"')"
	transaction {
	  exec sql"INSERT INTO t VALUES (1)"
	  exec sql"INSERT INTO late VALUES (1)"
	}'
migration_of 0006_long postgres <<<'exec sql"INSERT INTO t VALUES (1)"
	var n = 1
	transaction {
	  n = 2
	  exec sql"INSERT INTO t VALUES (2)"
	  exec sql"SELECT pg_sleep(s) FROM pace"
	  exec sql"INSERT INTO t VALUES (3)"
	}
	exec sql"INSERT INTO log VALUES (${"${n}"})"'

migration_of 0007_sick postgres <<<'transaction {
	  exec sql"INSERT INTO t VALUES (1)"
	  exec sql"SELECT pg_sleep(s) FROM pace"
	}'
sed -i '3a  healthcheck "well" every 100ms { require not db.exists(sql"SELECT 1 FROM log") else "it is sick" }' \
	"$scratch/0007_sick.amig"

fresh() {
	rm -f "$scratch"/*.db*
	sqlite3 "$scratch/other.db" 'CREATE TABLE t (x)'
	export AMIG_OTHER_URL=$scratch/other.db AMIG_DB_URL AMIG_STATE
	case $kind in
	postgres) AMIG_DB_URL=$(new_postgres transactions) AMIG_STATE=$AMIG_DB_URL ;;
	sqlite) AMIG_DB_URL=$scratch/target.db AMIG_STATE=sqlite:$AMIG_DB_URL ;;
	esac
	[ $place = beside ] || AMIG_STATE=sqlite:$scratch/state.db
	target 'CREATE TABLE t (x int); CREATE TABLE log (x text)'
}
target() { ask_kind "$kind" "$AMIG_DB_URL" "$1"; }
rows() { target 'SELECT x FROM t ORDER BY 1' | tr '\n' ' '; }
logged() { target 'SELECT x FROM log' | tr '\n' ';'; }

happens_together_and_sees_itself() {
	fresh
	expect 0 "$AMIGRUN" plan 0001_together_$kind
	has "the plan" "$output" "INSERT INTO t VALUES (1)" "INSERT INTO t VALUES (2)"
	expect 0 "$AMIGRUN" run 0001_together_$kind
	has "what it says" "$output" "inside 2"
	is "the rows" "$(rows)" "1 2 200 "
	is "the effects" "$(state "SELECT number, attempt, outcome, rows FROM @effect ORDER BY number" | tr '\n' ' ')" \
		"1|1|done|2 2|1|done|1 "
	has "the journal" "$(state "SELECT sql FROM @effect WHERE number = 1")" \
		"INSERT INTO t VALUES (1)" "INSERT INTO t VALUES (2)"
}
leaves_nothing_when_it_is_abandoned() {
	fresh
	expect 1 "$AMIGRUN" run 0002_abandoned_$kind --no-auto-rollback
	has "the message" "$output" "for good"
	is "the rows" "$(rows)" ""
	is "what was caught" "$(logged)" "7 failed n is 8;7 permanent;"
}
takes_no_statement_that_wants_none() {
	fresh
	expect 1 "$AMIGRUN" run 0003_outside_$kind --no-auto-rollback
	has "the message" "$output" "cannot be inside of a transaction"
	is "the rows" "$(rows)" ""
}
begins_anew_as_a_whole() {
	fresh
	target "CREATE SEQUENCE tries; CREATE FUNCTION refuse_once() RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN
		IF nextval('tries') = 1 THEN RAISE EXCEPTION 'no' USING ERRCODE = '40P01'; END IF; END \$\$"
	expect 0 "$AMIGRUN" run 0004_anew
	is "the rows" "$(rows)" "1 2 100 "
	is "the attempts" "$(state 'SELECT attempts FROM @operation')" 2
}
begins_anew_when_its_commit_is_refused() {
	fresh
	target "CREATE SEQUENCE tries; CREATE TABLE late (x int);
		CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
			IF nextval('tries') = 1 THEN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END IF; RETURN NULL; END \$\$;
		CREATE CONSTRAINT TRIGGER late AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW EXECUTE FUNCTION refuse()"
	expect 0 "$AMIGRUN" run 0005_refused
	is "the rows" "$(rows)" "1 "
	is "what was once" "$(logged)" "before;"
}
begins() {
	"$AMIGRUN" run 0006_long >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 20 sleeps
}
sleeps() { [ "$(target "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")" = 1 ]; }
is_abandoned_by_stop_now() {
	fresh
	target 'CREATE TABLE pace AS SELECT 30.0 AS s'
	begins
	expect 0 "$AMIGRUN" stop --now 0006_long
	wait $runner
	is "the status of the process" $? 5
	is "the rows" "$(rows)" "1 "
	target 'UPDATE pace SET s = 0'
	expect 0 "$AMIGRUN" resume 0006_long
	is "the rows" "$(rows)" "1 2 3 "
	is "what it computed" "$(logged)" "2;"
}
is_finished_by_a_stop() {
	fresh
	target 'CREATE TABLE pace AS SELECT 1.0 AS s'
	begins
	kill -TERM $runner
	wait $runner
	is "the status of the process" $? 5
	is "the rows" "$(rows)" "1 2 3 "
	expect 0 "$AMIGRUN" resume 0006_long
	is "the rows" "$(rows)" "1 2 3 "
	is "what it computed" "$(logged)" "2;"
}
goes_on_when_its_owner_dies() {
	fresh
	target 'CREATE TABLE pace AS SELECT 30.0 AS s'
	begins
	kill -KILL $runner
	wait $runner
	target 'UPDATE pace SET s = 0'
	expect 0 "$AMIGRUN" resume 0006_long
	is "the rows" "$(rows)" "1 2 3 "
	is "what it computed" "$(logged)" "2;"
}
is_abandoned_when_a_healthcheck_fails() {
	fresh
	target 'CREATE TABLE pace AS SELECT 30.0 AS s'
	"$AMIGRUN" run 0007_sick --no-auto-rollback >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 20 sleeps
	target "INSERT INTO log VALUES ('sick')"
	wait $runner
	is "the status of the process" $? 1
	has "what it says" "$(cat "$scratch/out")" "it is sick"
	is "the rows" "$(rows)" ""
	target 'UPDATE pace SET s = 0; DELETE FROM log'
	expect 0 "$AMIGRUN" resume 0007_sick
	is "the rows" "$(rows)" "1 "
}
# What the target could not tell of itself afterwards is not begun.
needs_its_tables() {
	fresh
	target "DROP ROLE IF EXISTS amig_narrow" >/dev/null
	target "CREATE ROLE amig_narrow LOGIN PASSWORD 'x'" >/dev/null
	target "REVOKE CREATE ON SCHEMA public FROM public; GRANT ALL ON t, log TO amig_narrow" >/dev/null
	AMIG_DB_URL=${AMIG_DB_URL/\/\/*@/\/\/amig_narrow:x@}
	expect 1 "$AMIGRUN" run 0001_together_postgres --no-auto-rollback
	has "the message" "$output" "amig_transaction" "grant CREATE"
	is "the rows" "$(rows)" ""
}

build transactions "$scratch"/*.amig
for kind in postgres sqlite; do
	for place in beside apart; do
		check "transactions, $kind, state $place: happen together and see themselves" happens_together_and_sees_itself
		check "transactions, $kind, state $place: leave nothing when abandoned" leaves_nothing_when_it_is_abandoned
		check "transactions, $kind, state $place: refuse a statement that wants none" takes_no_statement_that_wants_none
		[ $kind = postgres ] || continue
		check "transactions, state $place: begin anew as a whole" begins_anew_as_a_whole
		check "transactions, state $place: begin anew when the commit is refused" begins_anew_when_its_commit_is_refused
		check "transactions, state $place: abandoned by stop --now" is_abandoned_by_stop_now
		check "transactions, state $place: abandoned when a healthcheck fails" is_abandoned_when_a_healthcheck_fails
		check "transactions, state $place: finished by a stop" is_finished_by_a_stop
		check "transactions, state $place: go on when the owner dies" goes_on_when_its_owner_dies
	done
done
kind=postgres place=apart
check "transactions: need their tables elsewhere" needs_its_tables
report_end
