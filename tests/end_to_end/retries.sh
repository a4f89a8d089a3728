#!/bin/bash
# retries.sh - timeouts, and which failures are tried again: what passes by itself is, what stays is
# not, what may have happened is found out first
set -u
. "$(dirname "$0")/../support/case.sh"

# migration_of NAME KIND CLAUSES [RETRIES]: the forward on standard input.
migration_of() {
	cat >"$scratch/$1.amig" <<-E
		migration "$1" {
		  needs db: $2
		  operation "the only one" on db {
		    retry ${4:-2} backoff 100ms .. 200ms
		    $3
		    forward $(cat)
		    rollback nothing
		  }
		}
	E
}
migration_of 0001_waits_briefly postgres 'timeout 200ms' <<<'sql"INSERT INTO t VALUES (1)"'
migration_of 0008_waits_long postgres 'timeout 200ms' 30 <<<'sql"INSERT INTO t VALUES (1)"'
migration_of 0002_wrong postgres '' <<<'sql"INSERT INTO missing VALUES (1)"'
migration_of 0003_cut postgres '' <<<'sql"INSERT INTO t SELECT 1 FROM pg_sleep(3)"'
migration_of 0004_cut_alone postgres 'no transaction' <<<'sql"INSERT INTO t SELECT 1 FROM pg_sleep(3)"'
migration_of 0005_reads postgres '' <<<'{
	let n = db.value(sql"SELECT 1 FROM pg_sleep(2)") as int
	exec sql"INSERT INTO t VALUES (${n})"
	}'
migration_of 0006_sqlite sqlite 'timeout 500ms' <<<'sql"""INSERT INTO t WITH RECURSIVE c(n) AS
	(SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 2000000000) SELECT 2 FROM c WHERE n < 0"""'
migration_of 0007_clickhouse clickhouse 'timeout 1s
		    idempotent
		    settings { max_block_size: 1 }' \
	<<<'sql"INSERT INTO t SELECT 2 FROM (SELECT sleepEachRow(1) FROM numbers(20))"'

# fresh same | other
fresh() {
	AMIG_DB_URL=$(new_postgres retries)
	export AMIG_DB_URL AMIG_STATE=sqlite:$scratch/state.db
	rm -f "$scratch"/*.db*
	[ "$1" != same ] || AMIG_STATE=$AMIG_DB_URL
	postgres "$AMIG_DB_URL" 'CREATE TABLE t (x int)'
}
rows() { postgres "$AMIG_DB_URL" 'SELECT x FROM t' | paste -sd , ; }
attempts() { state "SELECT attempts FROM @operation" | paste -sd ,; }
# Somebody has the table for so long; returns when it is so.
somebody_locks() {
	postgres "$AMIG_DB_URL" "BEGIN; LOCK TABLE t; SELECT pg_sleep($1); COMMIT" >/dev/null &
	locker=$!
	await_that 10 is_locked
}
is_locked() { [ "$(postgres "$AMIG_DB_URL" "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted
	AND relation = 't'::regclass")" = 1 ]; }
what_passes_is_tried_again() {
	fresh "$1"
	somebody_locks 2
	expect 0 "$AMIGRUN" run 0008_waits_long
	wait $locker
	has "what is said" "$output" "tries again after"
	is "the rows" "$(rows)" 1
	[ "$(attempts)" -gt 1 ] || die "it had $(attempts) attempts"
}
passes_same() { what_passes_is_tried_again same; }
passes_other() { what_passes_is_tried_again other; }
what_does_not_pass_fails() {
	fresh "$1"
	somebody_locks 4
	expect 1 "$AMIGRUN" run 0001_waits_briefly
	is "the attempts" "$(attempts)" 3
	kill $locker 2>/dev/null
	wait $locker
	is "the row" "$(migration 0001_waits_briefly status)" rolled_back
	is "the rows" "$(rows)" ""
}
fails_same() { what_does_not_pass_fails same; }
fails_other() { what_does_not_pass_fails other; }
what_is_wrong_is_not_tried_again() {
	local where
	for where in same other; do
		fresh $where
		expect 1 "$AMIGRUN" run 0002_wrong
		is "the attempts" "$(attempts)" 1
	done
}
begins() {
	"$AMIGRUN" run "$1" >"$scratch/out" 2>&1 </dev/null &
	runner=$!
}
sleeping="FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(%' AND pid <> pg_backend_pid()"
sleeps() { [ "$(postgres "$AMIG_DB_URL" "SELECT count(*) $sleeping")" = 1 ]; }
# The server ends the session in the middle of its statement.
cut() {
	begins "$1"
	await_that 20 sleeps
	postgres "$AMIG_DB_URL" "SELECT pg_terminate_backend(pid) $sleeping" >/dev/null
	wait $runner
	is "the status of the process" $? "$2"
}
# The marker says that it did not happen.
what_may_have_happened_is_found_out() {
	fresh other
	cut 0003_cut 0
	is "the rows" "$(rows)" 1
	has "the doubt" "$(state "SELECT detail FROM @event WHERE kind = 'doubt_resolved'")" "it is made again"
	is "the journal" "$(state "SELECT attempt, outcome FROM @effect ORDER BY attempt" | paste -sd ' ')" "1| 2|done"
}
what_cannot_be_found_out_is_not_tried_again() {
	fresh other
	cut 0004_cut_alone 6
	is "the attempts" "$(attempts)" 1
	is "the row" "$(migration 0004_cut_alone status)" errored
}
a_read_is_tried_again() {
	fresh other
	cut 0005_reads 0
	is "the rows" "$(rows)" 1
	has "what is said" "$(cat "$scratch/out")" "tries again after"
}
ends_in_time() {
	local began=$EPOCHREALTIME
	expect 1 "$AMIGRUN" run "$1"
	is "the attempts" "$(attempts)" 3
	is "whether three attempts took long" "$(awk -v a="$began" -v b="$EPOCHREALTIME" -v most="$2" \
		'BEGIN { print (b - a > most ? "yes, " b - a : "no") }')" no
}
times_out_on_sqlite() {
	rm -f "$scratch"/*.db*
	export AMIG_DB_URL=$scratch/target.db AMIG_STATE=sqlite:$scratch/state.db
	sqlite3 "$AMIG_DB_URL" 'CREATE TABLE t (x)'
	ends_in_time 0006_sqlite 6
	has "the message" "$output" "longer than its timeout"
}
times_out_on_clickhouse() {
	rm -f "$scratch"/*.db*
	AMIG_DB_URL=$(new_clickhouse retries)
	export AMIG_DB_URL AMIG_STATE=sqlite:$scratch/state.db
	clickhouse retries 'CREATE TABLE t (x Int32) ENGINE = Memory'
	ends_in_time 0007_clickhouse 15
}

build retries "$scratch"/000*.amig
check "retries/a timeout, a lock that passes, state in the database" passes_same
check "retries/a timeout, a lock that passes" passes_other
check "retries/one that does not pass fails, state in the database" fails_same
check "retries/one that does not pass fails" fails_other
check "retries/what is wrong is not tried again" what_is_wrong_is_not_tried_again
check "retries/what may have happened is found out, then made again" what_may_have_happened_is_found_out
check "retries/what cannot be found out is not tried again" what_cannot_be_found_out_is_not_tried_again
check "retries/a read is made again" a_read_is_tried_again
check "retries/a timeout on SQLite" times_out_on_sqlite
check "retries/a timeout on ClickHouse" times_out_on_clickhouse
report_end
