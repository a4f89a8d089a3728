#!/bin/bash
# traps.sh - what databases do and their manuals do not say, each by its number, beside servers of its
# own that are killed and started anew; fence.sh, late.sh, ladder.sh and clickhouse.sh have more of them
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/servers.sh"
. "$case_root/tests/support/again.sh"

export AMIG_STATE=sqlite:$scratch/state.db

# migration_of NAME KIND CLAUSE…: one operation.
migration_of() {
	local name=$1 kind=$2
	shift 2
	{
		printf 'migration "%s" {\n  needs %s\n  operation "it" on %s {\n' "$name" "$kind" "$kind"
		printf '    %s\n' "$@"
		printf '  }\n}\n'
	} >"$scratch/$name.amig"
}
anew='rollback { clickhouse.exec(sql"DROP TABLE IF EXISTS t")
		 clickhouse.exec(sql"CREATE TABLE t (x Int64) ENGINE = MergeTree PARTITION BY x % 12 ORDER BY x") }'
fill='forward sql"INSERT INTO t SELECT x FROM s"'
slow='forward sql"INSERT INTO t SELECT x + sleepEachRow(0.003) FROM s"'
small='settings { max_block_size: 100, max_threads: 1, min_insert_block_size_rows: 100 }'
migration_of 0001_modify clickhouse 'forward sql"ALTER TABLE big MODIFY COLUMN y String"' 'rollback nothing'
migration_of 0002_goes_on clickhouse 'in doubt undo' "$small" "$slow" "$anew"
migration_of 0003_halfway clickhouse "$small" 'forward sql"INSERT INTO t SELECT x + throwIf(x = 900) FROM s"' "$anew"
migration_of 0004_partitions clickhouse "$small" "$slow" "$anew"
migration_of 0005_staging clickhouse 'in doubt undo' "$fill" "$anew"
migration_of 0007_long clickhouse "forward sql\"ALTER TABLE s DELETE WHERE x > 5 AND x NOT IN ($(seq -s, 10000 15000))\"" \
	'rollback nothing'
migration_of 0010_late clickhouse 'in doubt undo' "$fill" "$anew"
migration_of 0012_fixed clickhouse 'forward { clickhouse.exec(sql"INSERT INTO t SELECT x FROM s")
		clickhouse.exec(sql"INSERT INTO t SELECT x FROM s") }' 'rollback nothing'
migration_of 0108_in_flight postgres 'forward sql"INSERT INTO t SELECT 1 FROM (SELECT pg_sleep(s) FROM pause) AS p"' \
	'rollback nothing'
migration_of 0109_replicated postgres 'forward sql"INSERT INTO t SELECT 1 FROM (SELECT pg_sleep(s) FROM pause) AS p"' \
	'rollback sql"DELETE FROM t"'
migration_of 0110_invalid postgres 'in doubt undo' \
	'done when postgres.exists(sql"SELECT 1 FROM pg_index WHERE indexrelid = to_regclass('\''i'\'') AND indisvalid")' \
	'forward sql"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (x)"' \
	'rollback sql"DROP INDEX CONCURRENTLY IF EXISTS i"'
migration_of 0112_interrupted sqlite 'forward {
		sqlite.exec(sql"INSERT INTO t VALUES (1)")
		sqlite.exec(sql"""INSERT INTO t SELECT 2 FROM (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL
			SELECT i + 1 FROM n LIMIT (SELECT until FROM lasts)) SELECT count(*) FROM n)""") }' 'rollback nothing'

ask() { clickhouse traps "$1"; }
# fresh [USER]: s has the numbers up to 1000, t none.
fresh() {
	rm -f "$scratch"/state.db*
	AMIG_CLICKHOUSE_URL=$(new_clickhouse traps)
	AMIG_CLICKHOUSE_URL=${AMIG_CLICKHOUSE_URL/amig:/${1:-amig}:}
	export AMIG_CLICKHOUSE_URL
	ask 'CREATE TABLE s (x Int64) ENGINE = MergeTree ORDER BY x'
	ask 'CREATE TABLE t (x Int64) ENGINE = MergeTree PARTITION BY x % 12 ORDER BY x'
	ask 'INSERT INTO s SELECT number FROM numbers(1000)'
}
rows() { ask 'SELECT count(), uniqExact(x) FROM t' | tr '\t' ' '; }
count() { ask 'SELECT count() FROM t'; }
some_are_there() { [ "$(count)" -gt 0 ] 2>/dev/null; }
running() { clickhouse default "SELECT count() FROM system.processes WHERE query_id LIKE 'amig:%' AND query LIKE '$1%'"; }
one_runs() { [ "$(running "$1")" = 1 ]; }
begins() {
	"$AMIGRUN" run "$@" >"$scratch/out" 2>&1 </dev/null &
	runner=$!
}
ends() {
	wait $runner
	local status=$?
	cat "$scratch/out"
	is "the exit status" $status "$1"
}
dies_now() {
	kill -KILL $runner
	wait $runner
}

an_error_says_not_that_nothing_happened() {
	fresh
	ask 'CREATE TABLE big (x Int64, y Int64) ENGINE = MergeTree ORDER BY x'
	ask 'INSERT INTO big SELECT number, number FROM numbers(6000000)'
	begins 0001_modify
	await_that 20 one_runs 'ALTER TABLE big'
	clickhouse default "KILL QUERY WHERE query LIKE 'ALTER TABLE big%' ASYNC"
	ends 6
	has "the message" "$(cat "$scratch/out")" "no proof that nothing happened" "amigrun resolve"
	is "the type" "$(ask "SELECT type FROM system.columns WHERE database = 'traps' AND table = 'big' AND name = 'y'")" String
	expect 0 "$AMIGRUN" resolve 0001_modify --done
	expect 0 "$AMIGRUN" resume 0001_modify
}

what_goes_on_is_ended_first() {
	fresh
	begins 0002_goes_on
	await_that 20 some_are_there
	dies_now
	is "the statements that go on" "$(running 'INSERT INTO t')" 1
	expect 0 "$AMIGRUN" resume 0002_goes_on
	is "the statements that go on" "$(running 'INSERT INTO t')" 0
	is "the rows" "$(rows)" "1000 1000"
}

a_failed_insert_is_half_there() {
	fresh
	expect 6 "$AMIGRUN" run 0003_halfway
	has "the message" "$output" "ended with an error, which is no proof" "throwIf"
	some_are_there || die "there are no rows"
	is "the attempts" "$(state 'SELECT count(*) FROM @effect')" 1
	expect 0 "$AMIGRUN" rollback 0003_halfway --yes
	is "the rows" "$(rows)" "0 0"
}

# Killed with its server, an INSERT into many partitions is in some of them.
partitions_are_not_one() {
	fresh
	begins "$1"
	await_that 20 some_are_there
	again clickhouse KILL
	sleep 4
	ends "$2"
}
partitions_are_asked_about() {
	partitions_are_not_one 0004_partitions 6
	[ "$(count)" -lt 1000 ] || die "all of it is there"
	has "the message" "$(cat "$scratch/out")" "effect 1 on clickhouse"
}
partitions_are_undone() {
	partitions_are_not_one 0002_goes_on 0
	is "the rows" "$(rows)" "1000 1000"
}

# Old parts that were dropped from a table that stays come back on 18.16; those of a dropped table do not.
what_was_undone_stays_so_over_a_restart() {
	fresh
	AMIG_FAULT=during_effect:1 expect 137 "$AMIGRUN" run 0005_staging
	await_that 20 some_are_there
	state "UPDATE @effect SET query_id = query_id || '?'" # so that its log says nothing
	expect 0 "$AMIGRUN" resume 0005_staging
	is "the rows" "$(rows)" "1000 1000"
	again clickhouse TERM
	is "the rows after a restart" "$(rows)" "1000 1000"
	again clickhouse KILL
	is "the rows after a death" "$(rows)" "1000 1000"
}

# through MODE WORDS VALUE COMMAND…: with a proxy between.
proxy() {
	local server=${AMIG_TEST_CLICKHOUSE#*@}
	rm -f "$scratch/port"
	"$case_root/tests/support/proxy" "$scratch/port" "${server%/*}" "$1" "$2" "$3" &
	proxy_pid=$!
	await_that 10 test -e "$scratch/port"
	direct=$AMIG_CLICKHOUSE_URL
	AMIG_CLICKHOUSE_URL=http://amig:$servers_password@127.0.0.1:$(cat "$scratch/port")/traps
}

a_torn_request_does_nothing() {
	fresh
	local bytes
	for bytes in 1 1000 20000; do
		proxy cut ALTER "$bytes"
		rm -f "$scratch"/state.db*
		"$AMIGRUN" run 0007_long && die "it went well"
		kill $proxy_pid
		AMIG_CLICKHOUSE_URL=$direct
		is "the mutations" "$(ask "SELECT count() FROM system.mutations WHERE database = 'traps'")" 0
		is "the rows" "$(ask 'SELECT count() FROM s')" 1000
	done
	rm -f "$scratch"/state.db*
	expect 0 "$AMIGRUN" run 0007_long
	await_that 20 deleted
}
deleted() { [ "$(ask 'SELECT count() FROM s')" = 6 ]; }

held() { [ "$(state 'SELECT count(*) FROM @effect' 2>/dev/null)" = 1 ]; }
# What the dead process sent arrives when its successor has made it already.
late_of_the_server() {
	clickhouse default 'SYSTEM FLUSH LOGS'
	clickhouse default "SELECT count() FROM system.query_log WHERE query_id = '$1' AND exception LIKE 'Code: 395%'"
}
refused() { [ "$(late_of_the_server "$1")" = 1 ]; }
a_late_statement_is_refused() {
	fresh
	local late
	rm -f "$scratch/go"
	proxy hold INSERT%20INTO%20t "$scratch/go"
	begins 0010_late
	await_that 20 held
	sleep 1
	dies_now
	AMIG_CLICKHOUSE_URL=$direct
	late=$(state 'SELECT query_id FROM @effect')
	expect 0 "$AMIGRUN" resume 0010_late
	is "the rows" "$(rows)" "1000 1000"
	touch "$scratch/go"
	await_that 20 refused "$late"
	kill $proxy_pid
	is "the rows" "$(rows)" "1000 1000"
}

# The one that has lost the run lives on, and is answered that it is late: it ends nothing that runs in
# the run's name, for that is its successor's.
a_late_worker_leaves_its_successor_alone() {
	fresh
	local late
	rm -f "$scratch/go"
	proxy hold INSERT%20INTO%20t "$scratch/go"
	begins 0002_goes_on
	await_that 20 held
	sleep 1
	late=$runner
	AMIG_CLICKHOUSE_URL=$direct
	state "UPDATE @migration SET lease_owner = 'elsewhere:1:1', lease_expires_at = NULL"
	"$AMIGRUN" resume 0002_goes_on >"$scratch/successor" 2>&1 &
	runner=$!
	await_that 30 some_are_there
	touch "$scratch/go"
	wait $late
	is "the exit status of the late one" $? 3
	has "its message" "$(cat "$scratch/out")" "another"
	wait $runner
	is "the exit status of the successor" $? 0
	cat "$scratch/successor"
	kill $proxy_pid
	is "the rows" "$(rows)" "1000 1000"
	is "the effects" "$(state "SELECT group_concat(attempt || coalesce(outcome, '')) FROM @effect")" "1,2done"
}

# The fence's table cannot be made by this user.
a_target_without_a_fence_is_said_once() {
	fresh fixed
	expect 0 "$AMIGRUN" run 0012_fixed
	is "the rows" "$(rows)" "2000 1000"
	is "the events" "$(state "SELECT count(*) FROM @event WHERE kind = 'not_fenced'")" 1
	has "the event" "$(state "SELECT detail FROM @event WHERE kind = 'not_fenced'")" amig_fence "without the condition"
	case "$(state 'SELECT query_id FROM @effect')" in *f) die "it carries a condition" ;; esac
}

# A token lets an INSERT be sent twice only where its rows come in one order, and says nothing else: none
# is sent, and nothing relies on one.
no_token_is_relied_on() {
	local where=$case_root
	! grep -rnE 'dedup_?lication_token|insert_dedup' "$where/vm" "$where/stdlib" || die "it does"
	fresh
	AMIG_FAULT=after_effect:1 expect 137 "$AMIGRUN" run 0010_late
	expect 0 "$AMIGRUN" resume 0010_late
	is "the rows" "$(rows)" "1000 1000"
	clickhouse default 'SYSTEM FLUSH LOGS'
	has "what the log has" "$(clickhouse default "SELECT groupUniqArray(query_id) FROM system.query_log
		WHERE query LIKE 'INSERT INTO t SELECT%'")" "$(state 'SELECT query_id FROM @effect')"
	is "the settings that were sent" "$(clickhouse default "SELECT count() FROM system.query_log
		WHERE query_id LIKE 'amig:%' AND arrayExists(s -> s LIKE '%dedup%', Settings.Names)")" 0
}

fresh_postgres() {
	rm -f "$scratch"/state.db*
	AMIG_POSTGRES_URL=$(new_postgres traps)
	export AMIG_POSTGRES_URL
}
pg() { postgres "$AMIG_POSTGRES_URL" "$1"; }
in_flight() {
	[ "$(pg "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(s)%' AND wait_event = 'PgSleep'")" = 1 ]
}
# Nobody is there to replicate to: who waits for it has committed, and is told of an error.
standby() { pg "ALTER SYSTEM SET synchronous_standby_names = '$1'"; pg "SELECT pg_reload_conf()" >"$scratch/reload"; }
waits_for_standby() { [ "$(pg "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")" = 1 ]; }
an_error_is_told_of_what_is_committed() {
	fresh_postgres
	pg 'CREATE TABLE t (x int); CREATE TABLE pause AS SELECT 2 AS s'
	begins 0109_replicated
	await_that 20 in_flight
	standby nobody
	await_that 20 waits_for_standby
	pg "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'" >"$scratch/ended"
	standby ''
	ends 0
	is "the rows" "$(pg 'SELECT count(*) FROM t')" 1
	is "the attempts" "$(state 'SELECT attempt, outcome FROM @effect')" "1|done"
	has "the event" "$(state "SELECT detail FROM @event WHERE kind = 'doubt_resolved'")" "it has happened"
}

a_number_of_a_transaction_comes_back() {
	fresh_postgres
	pg 'CREATE TABLE t (x int); CREATE TABLE pause AS SELECT 30 AS s'
	begins 0108_in_flight
	await_that 20 in_flight
	dies_now
	again postgres QUIT
	# Others take the numbers that the lost transaction had.
	for _ in 1 2 3 4 5; do pg 'UPDATE pause SET s = 0'; done
	expect 0 "$AMIGRUN" resume 0108_in_flight
	has "the event" "$(state "SELECT detail FROM @event WHERE kind = 'doubt_resolved'")" "it is made again"
	is "the rows" "$(pg 'SELECT count(*) FROM t')" 1
}

# IF NOT EXISTS takes the invalid index that a broken CONCURRENTLY left for the index.
an_invalid_index_is_not_taken_for_one() {
	fresh_postgres
	pg 'CREATE TABLE t (x int); INSERT INTO t VALUES (1), (1)'
	AMIG_FAULT=before_effect:1 expect 137 "$AMIGRUN" run 0110_invalid
	pg 'CREATE UNIQUE INDEX CONCURRENTLY i ON t (x)'
	is "the index" "$(pg "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass")" f
	pg 'DELETE FROM t'
	expect 0 "$AMIGRUN" resume 0110_invalid
	is "the index" "$(pg "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass")" t
}

# The whole transaction is gone, with the journal's part in it: not the statement alone.
an_interrupted_write_ends_its_transaction() {
	rm -f "$scratch"/*.db*
	export AMIG_SQLITE=$scratch/t.db AMIG_STATE=sqlite:$scratch/t.db
	sqlite3 "$AMIG_SQLITE" 'CREATE TABLE t (x); CREATE TABLE lasts AS SELECT 2000000000 AS until'
	AMIG_STOP_GRACE=0s begins 0112_interrupted
	sleep 2
	kill -TERM $runner
	ends 5
	is "the rows" "$(sqlite3 "$AMIG_SQLITE" 'SELECT group_concat(x) FROM t')" 1
	is "the effects" "$(state "SELECT count(*) FROM @effect WHERE outcome = 'done'")" 1
	sqlite3 "$AMIG_SQLITE" 'UPDATE lasts SET until = 10'
	expect 0 "$AMIGRUN" resume 0112_interrupted
	is "the rows" "$(sqlite3 "$AMIG_SQLITE" 'SELECT group_concat(x) FROM t')" 1,2
}

trap 'kept_end; rm -rf "$scratch"' EXIT
keep_servers postgres clickhouse || { failed "crash, traps/servers"; exit 1; }
build traps "$scratch"/*.amig >"$scratch/build.log" || { failed "crash, traps/build" "$scratch/build.log"; exit 1; }
check "crash, trap 1: an error does not say that nothing happened" an_error_says_not_that_nothing_happened
check "crash, trap 1: PostgreSQL tells of an error what it has committed" an_error_is_told_of_what_is_committed
check "crash, trap 2: what outlives its amigrun is ended before anything else" what_goes_on_is_ended_first
check "crash, trap 3: an INSERT that failed is half there, and not made again" a_failed_insert_is_half_there
check "crash, trap 4: an INSERT into many partitions is not one when its server is killed" partitions_are_asked_about
check "crash, trap 4: such a one is undone and begins anew" partitions_are_undone
check "crash, trap 5: what was undone with its table stays so when the server starts again" \
	what_was_undone_stays_so_over_a_restart
check "crash, trap 6: no token for rows that come twice is relied on" no_token_is_relied_on
check "crash, trap 7: a request that is torn does nothing" a_torn_request_does_nothing
check "crash, trap 2: a statement that comes late is refused by its condition" a_late_statement_is_refused
check "crash, trap 9: who comes late ends nothing of its successor's" a_late_worker_leaves_its_successor_alone
check "crash, traps/that a target cannot be fenced is said once" a_target_without_a_fence_is_said_once
check "crash, trap 8: the number of a lost transaction comes back, its marker does not" a_number_of_a_transaction_comes_back
check "crash, trap 10: an invalid index is not taken for the index" an_invalid_index_is_not_taken_for_one
check "crash, trap 12: an interrupted write of SQLite ends its whole transaction" an_interrupted_write_ends_its_transaction
report_end
