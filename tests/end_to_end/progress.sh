#!/bin/bash
# progress.sh - how far a statement has come that ClickHouse carries out: seen in the status while it runs
set -u
. "$(dirname "$0")/../support/case.sh"

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
check "progress/of a statement on ClickHouse, while it runs" is_told
report_end
