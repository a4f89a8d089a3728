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
migration_of 0008_short postgres 'exec sql"INSERT INTO log SELECT 2 FROM pg_sleep(1)"
	sleep 1h' 'exec sql"DELETE FROM log WHERE x = 2"'
migration_of 0009_short_rollback postgres 'fail "on purpose"' 'exec sql"INSERT INTO log SELECT 4 FROM pg_sleep(4)"'
migration_of 0010_batch postgres 'for w in batches of ident("t") by id size 25 {
	exec sql"INSERT INTO log SELECT 1000 + count(*) FROM t, pg_sleep(0.4) WHERE ${w.where}"
	}' 'exec sql"DELETE FROM log WHERE x > 1000"'
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

# Both the index and the question for it take as long as somebody naps.
cat >"$scratch/0011_doubt.amig" <<'E'
migration "0011_doubt" {
  needs db: postgres
  operation "first" on db {
    idempotent
    forward  sql"INSERT INTO log SELECT 1"
    rollback nothing
  }
  operation "long" on db {
    done when db.exists(sql"SELECT FROM pg_class WHERE relname = 'i' AND (SELECT count(pg_sleep(s)) FROM nap) >= 0")
    forward  sql"CREATE INDEX CONCURRENTLY i ON log (slowly(x))"
    rollback sql"DROP INDEX i"
  }
}
E

on_postgres() {
	AMIG_DB_URL=$(new_postgres amig_stops)
	postgres "$AMIG_DB_URL" 'CREATE TABLE log (x int); CREATE TABLE t AS SELECT id FROM generate_series(1, 100) AS id'
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

# The effect that runs is let be finished: nothing that comes behind it begins.
is_finished() {
	begins postgres 0008_short
	expect 0 "$AMIGRUN" stop 0008_short
	has "the answer" "$output" "0008_short: Stopped, at operation 1"
	is "the rows" "$(ask 'SELECT count(*) FROM log WHERE x = 2')" 1
	ended_with 5
}
# But not for longer than the grace period.
is_cancelled_in_the_end() {
	export AMIG_STOP_GRACE=300ms
	begins postgres 0001_postgres
	expect 0 "$AMIGRUN" stop 0001_postgres
	is "what goes on there" "$(ask "$running")" 0
	has "the answer" "$output" "0001_postgres: Stopped, at operation 1"
	ended_with 5
}
# The second signal waits for nothing, and loses nothing.
a_second_signal() {
	begins postgres 0001_postgres
	kill -TERM $runner
	await_that 10 heard
	kill -TERM $runner
	ended_with 5
	is "the status" "$(migration 0001_postgres status)" running
	expect 0 "$AMIGRUN" stop 0001_postgres --now
	is "what goes on there" "$(ask "$running")" 0
	is "the status" "$(migration 0001_postgres status)" stopped
}
heard() { grep -q 'stop' "$scratch/out"; }

a_wait() {
	begins postgres 0004_wait rests
	expect 0 "$AMIGRUN" stop 0004_wait "$@"
	has "the answer" "$output" "0004_wait: Stopped, at operation 1"
	ended_with 5
	ask 'INSERT INTO log VALUES (9)'
	expect 0 "$AMIGRUN" resume 0004_wait
}
rests() { [ "$(migration "$1" current_operation_index)" = 1 ] && [ "$(state "SELECT length(state) > 0 FROM @checkpoint")" = 1 ]; }
a_wait_undone() {
	begins postgres 0004_wait rests
	expect 0 "$AMIGRUN" stop 0004_wait "$@"
	has "the answer" "$output" "0004_wait: Rolled back"
	ended_with 5
}

a_batch() {
	begins postgres 0010_batch
	expect 0 "$AMIGRUN" stop 0010_batch "$@"
	is "what goes on there" "$(ask "$running")" 0
	has "the answer" "$output" "0010_batch: Stopped, at operation 1"
	ended_with 5
	[ "$(ask 'SELECT count(*) FROM log WHERE x > 1000')" -lt 4 ] || die "it did not stop"
	expect 0 "$AMIGRUN" resume 0010_batch
	is "the windows" "$(ask 'SELECT count(*), sum(x) - 4000 FROM log WHERE x > 1000')" "4|100"
}
a_batch_undone() {
	begins postgres 0010_batch
	expect 0 "$AMIGRUN" stop 0010_batch "$@"
	has "the answer" "$output" "0010_batch: Rolled back"
	is "what goes on there" "$(ask "$running")" 0
	is "the windows" "$(ask 'SELECT count(*) FROM log WHERE x > 1000')" 0
	ended_with 5
}

a_rollback() {
	export AMIG_STOP_GRACE=300ms
	begins postgres 0005_rollback
	expect 0 "$AMIGRUN" stop 0005_rollback "$@"
	has "the answer" "$output" "0005_rollback: Stopped, at operation 1"
	is "what goes on there" "$(ask "$running")" 0
	ended_with 5
	is "the phase" "$(state 'SELECT phase FROM @run')" backward
}
# It is being undone: who asks for that waits until it is.
a_rollback_is_undone() {
	begins postgres 0009_short_rollback
	expect 0 "$AMIGRUN" stop 0009_short_rollback "$@"
	has "the answer" "$output" "0009_short_rollback: Rolled back"
	is "the rows" "$(ask 'SELECT count(*) FROM log WHERE x = 4')" 1
	ended_with 1
}
# Stopped in the middle it goes on there, and never forward.
a_rollback_goes_on() {
	begins postgres 0009_short_rollback
	expect 0 "$AMIGRUN" stop 0009_short_rollback --now
	has "the answer" "$output" "0009_short_rollback: Stopped, at operation 1"
	is "the rows" "$(ask 'SELECT count(*) FROM log WHERE x = 4')" 0
	ended_with 5
	expect 1 "$AMIGRUN" resume 0009_short_rollback
	is "the row" "$(migration 0009_short_rollback status progress)" "rolled_back|0"
	is "the rows" "$(ask 'SELECT count(*) FROM log WHERE x = 4')" 1
	is "effects that are done twice" "$(state "SELECT number FROM @effect WHERE outcome = 'done'
		GROUP BY 1 HAVING count(*) > 1")" ""
}

a_start() {
	export AMIG_STOP_GRACE=300ms
	begins postgres 0007_start is_starting
	expect 0 "$AMIGRUN" stop 0007_start "$@"
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

# Nobody need decide what is being found out when a stop is heard.
naps='CREATE TABLE nap (s int); CREATE FUNCTION slowly(x int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
	$$ BEGIN PERFORM pg_sleep(s) FROM nap; RETURN x; END $$;'
is_asked() { [ "$(ask "$running AND query LIKE '%pg_class%'")" != 0 ]; }
is_found_out_later() {
	await_that 20 is_asked
	expect 0 "$AMIGRUN" stop 0011_doubt "$@"
	has "the answer" "$output" "0011_doubt: ${answer-Stopped, at operation 1}"
	is "what goes on there" "$(ask "$running")" 0
	ended_with 5
	[ -z "${answer-}" ] || return 0
	is "the errors" "$(state 'SELECT count(*) FROM @error')" 0
	ask 'DELETE FROM nap'
	expect 0 "$AMIGRUN" resume 0011_doubt
	is "the attempts" "$(state 'SELECT attempt, outcome FROM @effect WHERE number = 2')" "1|done"
}
a_doubt() {
	export AMIG_STOP_GRACE=300ms
	on_napping() { on_postgres && ask "$naps INSERT INTO nap VALUES (30)"; }
	begins napping 0011_doubt
	ask "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%CONCURRENTLY%'"
	is_found_out_later "$@"
}
a_doubt_of_before() {
	export AMIG_STOP_GRACE=300ms AMIG_STATE=sqlite:$scratch/state.db AMIG_DB_URL
	rm -f "$scratch"/*.db*
	on_postgres
	ask "$naps"
	AMIG_FAULT=after_effect:2 expect 137 "$AMIGRUN" run 0011_doubt
	ask 'INSERT INTO nap VALUES (30)'
	"$AMIGRUN" resume 0011_doubt >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	is_found_out_later "$@"
}
a_doubt_undone() {
	answer='Rolled back'
	"$1" --now --rollback
}

build stops "$scratch"/*.amig >"$scratch/build.log" || { failed "end_to_end, stops/build" "$scratch/build.log"; exit 1; }
check "end_to_end, stops/--now cancels a statement on PostgreSQL" at_postgres
check "end_to_end, stops/--now cancels a statement on SQLite" at_sqlite
check "end_to_end, stops/--now cancels a statement on ClickHouse" at_clickhouse
check "end_to_end, stops/a statement is let be finished" is_finished
check "end_to_end, stops/but not for longer than the grace period" is_cancelled_in_the_end
check "end_to_end, stops/a second signal ends the process at once" a_second_signal
check "end_to_end, stops/a rollback that was stopped goes on" a_rollback_goes_on
check "end_to_end, stops/--rollback during a rollback" a_rollback_is_undone --rollback
check "end_to_end, stops/--now --rollback during a rollback" a_rollback_is_undone --now --rollback
for how in '' --now; do
	check "end_to_end, stops/${how:+$how }during a wait" a_wait $how
	check "end_to_end, stops/${how:+$how }during a batch" a_batch $how
	check "end_to_end, stops/${how:+$how }while it is found out what became of an effect" a_doubt $how
	check "end_to_end, stops/${how:+$how }and of one of a process that died" a_doubt_of_before $how
	check "end_to_end, stops/${how:+$how }during a rollback" a_rollback $how
	check "end_to_end, stops/${how:+$how }during a start" a_start $how
	check "end_to_end, stops/${how:+$how }--rollback during a wait" a_wait_undone $how --rollback
	check "end_to_end, stops/${how:+$how }--rollback during a batch" a_batch_undone $how --rollback
done
check "end_to_end, stops/--rollback during a start" a_start --rollback
check "end_to_end, stops/--rollback while it is found out what became of an effect" a_doubt_undone a_doubt
check "end_to_end, stops/--rollback and of one of a process that died" a_doubt_undone a_doubt_of_before
check "end_to_end, stops/between two attempts" a_retry
check "end_to_end, stops/--now --rollback undoes the run" rolls_back_at_once
report_end
