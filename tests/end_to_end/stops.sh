#!/bin/bash
# stops.sh - `amigrun stop` while something long is under way: what it says is true when it says it
set -u
. "$(dirname "$0")/../support/case.sh"

# migration_of NAME KIND FORWARD ROLLBACK: one operation, before it one that is done at once.
migration_of() {
	cat >"$scratch/$1.amig" <<-E
		migration "$1" {
		  needs db: $2

		  operation "first" on db {
		    idempotent
		    forward  sql"INSERT INTO log SELECT 1"
		    rollback nothing
		  }

		  operation "long" on db {
		    idempotent
		    in doubt undo
		    forward {
		      $3
		    }
		    rollback {
		      $4
		    }
		  }
		}
	E
}
postgres_long='exec sql"INSERT INTO log SELECT 2 FROM pg_sleep(30)"'
endless='WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 400000000) SELECT count(*) FROM c'
sqlite_long="exec sql\"INSERT INTO log $endless\""
clickhouse_long='exec sql"INSERT INTO log SELECT count() FROM system.numbers"'
migration_of 0001_postgres postgres "$postgres_long" 'exec sql"DELETE FROM log WHERE x = 2"'
migration_of 0002_sqlite sqlite "$sqlite_long" 'exec sql"DELETE FROM log WHERE x = 2"'
migration_of 0003_clickhouse clickhouse "$clickhouse_long" 'exec sql"INSERT INTO log SELECT 3"'
migration_of 0004_wait postgres \
	'wait until db.exists(sql"SELECT 1 FROM log WHERE x = 9") every 20ms timeout 1h' 'exec sql"SELECT 1"'
migration_of 0005_rollback postgres 'fail "on purpose"' "$postgres_long"
migration_of 0006_retry postgres 'exec sql"SELECT pg_terminate_backend(pg_backend_pid())"' 'exec sql"SELECT 1"'
cat >"$scratch/0007_start.amig" <<'E'
migration "0007_start" {
  needs db: postgres
  let slow = db.value(sql"SELECT count(*) FROM pg_sleep(30)") as int
  operation "never" on db {
    forward  sql"INSERT INTO log SELECT ${slow}"
    rollback nothing
  }
}
E

on_postgres() {
	AMIG_DB_URL=$(new_postgres amig_stops)
	postgres "$AMIG_DB_URL" 'CREATE TABLE log (x int)'
	ask() { postgres "$AMIG_DB_URL" "$1"; }
	running="SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
}
on_sqlite() {
	AMIG_DB_URL=$scratch/target.db
	sqlite3 "$AMIG_DB_URL" 'CREATE TABLE log (x int)'
	ask() { sqlite3 -cmd '.timeout 10000' "$AMIG_DB_URL" "$1"; }
	running='SELECT 1'
}
on_clickhouse() {
	AMIG_DB_URL=$(new_clickhouse amig_stops)
	clickhouse amig_stops 'CREATE TABLE log (x UInt64) ENGINE = Log'
	ask() { clickhouse amig_stops "$1"; }
	running="SELECT count() FROM system.processes WHERE query_id LIKE 'amig:%' AND query LIKE '%count() FROM system.numbers%'"
}

# begins KIND NAME: up to where it is long.
begins() {
	rm -f "$scratch"/*.db*
	export AMIG_STATE=sqlite:$scratch/state.db AMIG_DB_URL
	"on_$1"
	"$AMIGRUN" run "$2" >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 20 "${3-is_long}" "$2"
}
is_long() { [ "$(migration "$1" current_operation_index)" = 1 ] && [ "$(ask "$running")" != 0 ]; }
ended_with() {
	wait $runner
	is "how the run ended" $? "$1"
}

is_cancelled() {
	begins "$1" "$2"
	expect 0 "$AMIGRUN" stop "$2" --now
	is "what goes on there" "$(ask "$running")" "$3"
	has "the answer" "$output" "$2: Stopped, at operation 1"
	is "the status" "$(migration "$2" status)" stopped
	ended_with 5
}
at_postgres() { is_cancelled postgres 0001_postgres 0; is "the rows" "$(ask 'SELECT count(*) FROM log')" 1; }
at_sqlite() { is_cancelled sqlite 0002_sqlite 1; is "the rows" "$(ask 'SELECT count(*) FROM log')" 1; }
at_clickhouse() { is_cancelled clickhouse 0003_clickhouse 0; }

a_wait() {
	begins postgres 0004_wait rests
	expect 0 "$AMIGRUN" stop 0004_wait
	has "the answer" "$output" "0004_wait: Stopped, at operation 1"
	ended_with 5
	ask 'INSERT INTO log VALUES (9)'
	expect 0 "$AMIGRUN" resume 0004_wait
}
rests() { [ "$(migration "$1" current_operation_index)" = 1 ] && [ "$(state "SELECT length(state) > 0 FROM @checkpoint")" = 1 ]; }

a_rollback() {
	begins postgres 0005_rollback
	expect 0 "$AMIGRUN" stop 0005_rollback --now
	has "the answer" "$output" "0005_rollback: Stopped, at operation 1"
	is "what goes on there" "$(ask "$running")" 0
	ended_with 5
	is "the phase" "$(state 'SELECT phase FROM @run')" backward
}

a_start() {
	begins postgres 0007_start is_starting
	expect 0 "$AMIGRUN" stop 0007_start --now
	has "the answer" "$output" "0007_start: Not started"
	is "what goes on there" "$(ask "$running")" 0
	ended_with 5
}
is_starting() { [ "$(ask "$running")" != 0 ]; }

a_retry() {
	begins postgres 0006_retry has_failed_once
	expect 0 "$AMIGRUN" stop 0006_retry
	has "the answer" "$output" "0006_retry: Stopped, at operation 1"
	ended_with 5
}
has_failed_once() { grep -q 'tries again' "$scratch/out"; }

rolls_back_at_once() {
	begins postgres 0001_postgres
	expect 0 "$AMIGRUN" stop 0001_postgres --now --rollback
	has "the answer" "$output" "0001_postgres: Rolled back"
	is "what goes on there" "$(ask "$running")" 0
	ended_with 5
}

build stops "$scratch"/*.amig >"$scratch/build.log" || { failed "end_to_end, stops/build" "$scratch/build.log"; exit 1; }
check "end_to_end, stops/--now cancels a statement on PostgreSQL" at_postgres
check "end_to_end, stops/--now cancels a statement on SQLite" at_sqlite
check "end_to_end, stops/--now cancels a statement on ClickHouse" at_clickhouse
check "end_to_end, stops/during a wait" a_wait
check "end_to_end, stops/during a rollback" a_rollback
check "end_to_end, stops/during a start" a_start
check "end_to_end, stops/between two attempts" a_retry
check "end_to_end, stops/--now --rollback undoes the run" rolls_back_at_once
report_end
