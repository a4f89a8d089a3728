#!/bin/bash
# progress.sh - how far a statement has come that a server carries out: seen in the status while it runs
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/chdb.sh"

mkdir "$scratch/sources"
cat >"$scratch/sources/0001_slow.amig" <<'AMIG'
migration "0001_slow" {
  needs clickhouse

  operation "copy" on clickhouse {
    idempotent
    settings { max_block_size: 100, min_insert_block_size_rows: 100, max_threads: 1 }
    forward  sql"INSERT INTO copied SELECT x FROM seen"
    rollback nothing
  }
}
AMIG
cat >"$scratch/sources/0002_mutation.amig" <<'AMIG'
use clickhouse

migration "0002_mutation" {
  needs db: clickhouse

  operation "double" on db {
    idempotent
    forward  sql"ALTER TABLE seen UPDATE y = x * 2 + sleepEachRow(0.01) WHERE 1"
    rollback nothing
  }
  operation "its end" on db {
    forward {
      let name = db.database()
      wait until db.mutations_are_done(name, "seen") every 200ms timeout 1m progress db.mutations_share(name, "seen")
    }
    rollback nothing
  }
}
AMIG
cat >"$scratch/sources/0003_postgres.amig" <<'AMIG'
migration "0003_postgres" {
  needs db: postgres

  operation "index" on db {
    no transaction
    idempotent
    forward  sql"CREATE INDEX CONCURRENTLY t_slow ON t (slow(x))"
    rollback nothing
  }
  operation "count" on db {
    forward  sql"COPY (SELECT slow(x) FROM generate_series(1, 4000) AS x) TO '/dev/null'"
    rollback nothing
  }
}
AMIG
cat >"$scratch/sources/0004_chdb.amig" <<'AMIG'
migration "0004_chdb" {
  needs db: chdb

  operation "table" on db {
    idempotent
    forward {
      exec sql"CREATE TABLE IF NOT EXISTS seen (x Int64, y Int64) ENGINE = MergeTree ORDER BY x PARTITION BY intDiv(x, 1000)"
      exec sql"INSERT INTO seen SELECT (1 + number % 6) * 1000 + intDiv(number, 6), 0 FROM numbers(600)"
    }
    rollback nothing
  }
  operation "double" on db {
    idempotent
    forward  sql"ALTER TABLE seen UPDATE y = x * 2 + sleepEachRow(0.02) WHERE 1"
    rollback nothing
  }
}
AMIG
build progress "$scratch/sources" >"$scratch/build.log" || { failed progress/build "$scratch/build.log"; exit 1; }

begin() {
	AMIG_CLICKHOUSE_URL=$(new_clickhouse amig_progress)
	export AMIG_CLICKHOUSE_URL AMIG_STATE=sqlite:$scratch/progress.db
	clickhouse amig_progress 'CREATE TABLE seen (x Int64) ENGINE = MergeTree ORDER BY x SETTINGS index_granularity = 100'
	clickhouse amig_progress 'CREATE TABLE copied (x Int64, pause UInt8 MATERIALIZED sleepEachRow(0.001)) ENGINE = Log'
	clickhouse amig_progress 'INSERT INTO seen SELECT number FROM numbers(8000)'
}
shows_both() {
	local progress rows
	progress=$(migration 0001_slow progress)
	rows=$(state 'SELECT rows FROM @operation')
	[ "${progress:-0}" -gt 0 ] && [ "$progress" -lt 100 ] && [ "${rows:--1}" -gt 0 ] && [ "$rows" -lt 8000 ]
}
is_told() {
	begin
	"$AMIGRUN" run 0001_slow >"$scratch/out" 2>&1 &
	runner=$!
	await_that 20 shows_both
	expect 0 "$AMIGRUN" status 0001_slow
	has "the status" "$output" "running      copy" " rows"
	wait $runner || die "$(cat "$scratch/out")"
	is "the row" "$(migration 0001_slow status progress)" "completed|100"
	is "the copies" "$(clickhouse amig_progress 'SELECT count(), uniqExact(x) FROM copied FORMAT CSV')" 8000,8000
}

# Between the mutation's beginning and its end, twice at least: what comes before it is 0 or 50.
run_and_see_it_move() {
	local seen
	"$AMIGRUN" run "$1" >"$scratch/out" 2>&1 &
	runner=$!
	seen=$(while kill -0 $runner 2>/dev/null; do
		migration "$1" progress
		sleep 0.1
	done | sort -un)
	wait $runner || die "$(cat "$scratch/out")"
	[ "$(grep -c '^[5-9][1-9]$' <<<"$seen")" -ge 2 ] || die "the progress was $seen"
}
of_a_mutation() {
	local n
	AMIG_DB_URL=$(new_clickhouse amig_progress)
	export AMIG_DB_URL AMIG_STATE=sqlite:$scratch/mutation.db
	clickhouse amig_progress 'CREATE TABLE seen (x Int64, y Int64) ENGINE = MergeTree ORDER BY x PARTITION BY intDiv(x, 1000)'
	for n in 1 2 3 4; do
		clickhouse amig_progress "INSERT INTO seen SELECT $n * 1000 + number, 0 FROM numbers($((n * 25)))"
	done
	run_and_see_it_move 0002_mutation
	is "the rows" "$(clickhouse amig_progress 'SELECT count(), min(y = 2 * x) FROM seen FORMAT CSV')" 250,1
}
# The statement waits for its mutation; a part of it is told within its parts too.
of_a_mutation_that_is_waited_for() {
	chdb_ready || die "there is no library"
	export AMIG_CHDB=$scratch/engine AMIG_STATE=sqlite:$scratch/chdb.db
	run_and_see_it_move 0004_chdb
	is "the rows" "$(chdb "SELECT toString((count(), min(y = 2 * x))) FROM seen")" "(600,1)"
}
of_commands_of_postgres() {
	AMIG_DB_URL=$(new_postgres amig_progress)
	export AMIG_DB_URL AMIG_STATE=sqlite:$scratch/postgres.db
	postgres "$AMIG_DB_URL" "CREATE TABLE t AS SELECT x FROM generate_series(1, 2500) AS x;
		CREATE FUNCTION slow(x int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
		'BEGIN PERFORM pg_sleep(0.001); RETURN x; END'"
	"$AMIGRUN" run 0003_postgres >"$scratch/out" 2>&1 &
	runner=$!
	await_that 20 is_between 0 50 "SELECT progress FROM @migration"
	await_that 20 is_between 0 4000 "SELECT rows FROM @operation WHERE operation_index = 1"
	wait $runner || die "$(cat "$scratch/out")"
}
is_between() {
	local n
	n=$(state "$3")
	[[ $n =~ ^[0-9]+$ ]] && [ "$n" -gt "$1" ] && [ "$n" -lt "$2" ]
}

check "progress/of a statement on ClickHouse, while it runs" is_told
check "progress/of a mutation, by the parts that are left" of_a_mutation
check "progress/of a mutation that is waited for, on chDB" of_a_mutation_that_is_waited_for
check "progress/of commands of PostgreSQL, by its views" of_commands_of_postgres
report_end
