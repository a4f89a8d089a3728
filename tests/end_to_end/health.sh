#!/bin/bash
# health.sh - healthchecks before the start, between operations, and on time while one statement or a
# wait runs, on each kind of database
set -u
. "$(dirname "$0")/../support/case.sh"

interval=1

# slow_of NAME KIND CLAUSES [UNDO]: three operations; the statement of the one in the middle is on
# standard input.
slow_of() {
	cat >"$scratch/$1.amig" <<-E
		migration "$1" {
		  needs db: $2
		  needs mood: $2
		  healthcheck "never due" every 1h { require db.exists(sql"SELECT 1 FROM t") else "t is empty" }
		  healthcheck "mood" every ${interval}s {
		    require db.exists(sql"SELECT 1 FROM t")
		    require mood.exists(sql"SELECT 1 FROM mood WHERE good = 1") else "the mood is bad"
		  }
		  operation "before" on db {
		    forward  sql"INSERT INTO t VALUES (1)"
		    rollback sql"INSERT INTO t VALUES (-1)"
		  }
		  operation "slow" on db {
		    $3
		    forward {
		$(cat)
		    }
		    rollback sql"${4:-INSERT INTO t VALUES (-2)}"
		  }
		  operation "behind" on db {
		    forward  sql"INSERT INTO t VALUES (3)"
		    rollback sql"INSERT INTO t VALUES (-3)"
		  }
		}
	E
}
slow_of 0001_sqlite sqlite '' <<<'exec sql"""INSERT INTO t WITH RECURSIVE c(n) AS
	(SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 2000000000) SELECT 2 FROM c WHERE n < 0"""'
slow_of 0002_postgres postgres '' <<<'exec sql"INSERT INTO t SELECT 2 FROM pg_sleep(20)"'
slow_of 0003_clickhouse clickhouse 'in doubt undo
		    settings { max_block_size: 1 }' 'INSERT INTO t SELECT -2 FROM (SELECT sleep(1))' \
	<<<'exec sql"INSERT INTO t SELECT 2 FROM (SELECT sleepEachRow(1) FROM numbers(20))"'
slow_of 0004_sleeps sqlite '' <<<'sleep 20s'
slow_of 0005_waits sqlite '' <<<'wait until db.exists(sql"SELECT 1 FROM t WHERE x = 7") every 100ms timeout 1h'
slow_of 0006_many sqlite '' <<<'var i = 0
	while i < 5_000_000 {
	  let x = db.exists(sql"SELECT 1 FROM t WHERE x = 7")
	  i = i + 1
	}'
slow_of 0007_clickhouse_in_doubt clickhouse 'settings { max_block_size: 1 }' \
	<<<'exec sql"INSERT INTO t SELECT 2 FROM (SELECT sleepEachRow(1) FROM numbers(20))"'
slow_of 0009_waits_postgres postgres '' \
	<<<'wait until db.exists(sql"SELECT 1 FROM t WHERE x = 7") every 100ms timeout 1h'
slow_of 0008_query postgres '' <<<'let x = db.value(sql"SELECT 1 FROM pg_sleep(20)") as int'

cat >"$scratch/0010_slow_check.amig" <<-E
	migration "0010_slow_check" {
	  needs db: postgres
	  healthcheck "takes its time" every 300ms {
	    require db.value(sql"SELECT 1 FROM pg_sleep(0.5)") as int == 1
	  }
	  operation "the only one" on db {
	    forward  sql"INSERT INTO t SELECT 2 FROM pg_sleep(3)"
	    rollback nothing
	  }
	}
E

# target SQL, mood SQL: each in its database.
target() { ask_kind "$kind" "$AMIG_DB_URL" "$1"; }
mood() { ask_kind "$kind" "$AMIG_MOOD_URL" "$1"; }
bad_mood() {
	case $kind in
	clickhouse) mood "DROP TABLE mood" && mood "CREATE TABLE mood (good UInt8) ENGINE = Memory" ;;
	*) mood "UPDATE mood SET good = 0" ;;
	esac
}
fresh() {
	kind=$1
	case $kind in
	sqlite)
		rm -f "$scratch"/*.db*
		export AMIG_DB_URL=$scratch/target.db AMIG_MOOD_URL=$scratch/mood.db
		;;
	postgres)
		AMIG_DB_URL=$(new_postgres health)
		export AMIG_DB_URL AMIG_MOOD_URL=$AMIG_DB_URL
		;;
	clickhouse)
		AMIG_DB_URL=$(new_clickhouse health)
		export AMIG_DB_URL AMIG_MOOD_URL=$AMIG_DB_URL
		;;
	esac
	local engine=
	[ $kind != clickhouse ] || engine='ENGINE = Memory'
	rm -f "$scratch"/state.db*
	export AMIG_STATE=${2:-sqlite:$scratch/state.db}
	[ "$AMIG_STATE" != same ] || case $kind in
	sqlite) export AMIG_STATE=sqlite:$AMIG_DB_URL ;;
	*) export AMIG_STATE=$AMIG_DB_URL ;;
	esac
	local number=int
	[ $kind != clickhouse ] || number=Int32
	target "CREATE TABLE t (x $number) $engine"
	target "INSERT INTO t VALUES (0)"
	mood "CREATE TABLE mood (good $number) $engine"
	mood "INSERT INTO mood VALUES (1)"
}
rows() { target "SELECT x FROM t ORDER BY x" | paste -sd ' '; }
begins() {
	"$AMIGRUN" run "$@" >"$scratch/out" 2>&1 </dev/null &
	runner=$!
}
at_the_second() { [ "$(migration "$1" current_operation_index)" = 1 ]; }
ends_within() {
	local began=$EPOCHREALTIME
	bad_mood
	wait $runner
	status=$?
	cat "$scratch/out"
	is "whether it took longer than its interval and a second" "$(awk -v a="$began" -v b="$EPOCHREALTIME" -v most="$1" \
		'BEGIN { print (b - a > most ? "yes, " b - a : "no") }')" no
}
# What is noticed in time includes here that the process undoes the run and ends.
in_time=$((interval + 2))
goes_bad() {
	begins "$1"
	await_that 20 at_the_second "$1"
	sleep 1.5
	kill -0 $runner || die "it did not wait: $(cat "$scratch/out")"
	ends_within $in_time
	is "the status of the process" $status 1
	has "the message" "$(cat "$scratch/out")" 'Healthcheck "mood" failed: the mood is bad'
	is "the row" "$(migration "$1" status)" rolled_back
	is "the errors" "$(state "SELECT operation_index, description FROM @error" | grep -v ^hint)" \
		'1|Healthcheck "mood" failed: the mood is bad'
	is "the rows" "$(rows)" "-2 -1 0 1"
}
on_sqlite() { fresh sqlite && goes_bad 0001_sqlite; }
on_sqlite_with_the_state() { fresh sqlite same && goes_bad_unseen 0001_sqlite; }
# The state is in the file that is locked: nothing can be asked of it from outside.
goes_bad_unseen() {
	begins "$1"
	sleep 3
	ends_within $in_time
	is "the status of the process" $status 1
	is "the row" "$(migration "$1" status)" rolled_back
	is "the rows" "$(rows)" "-2 -1 0 1"
}
on_postgres() {
	fresh postgres
	goes_bad 0002_postgres
	is "what runs on the server" "$(postgres "$AMIG_DB_URL" "SELECT count(*) FROM pg_stat_activity
		WHERE state = 'active' AND query LIKE '%pg_sleep(20)%' AND pid <> pg_backend_pid()")" 0
}
on_postgres_with_the_state() { fresh postgres same && goes_bad 0002_postgres; }
in_a_query() { fresh postgres && goes_bad 0008_query; }
# What cancels the statement does not cancel what undoes it, which takes a second, twice.
on_clickhouse() {
	in_time=$((interval + 5))
	fresh clickhouse
	begins 0003_clickhouse
	await_that 20 at_the_second 0003_clickhouse
	sleep 1.5
	ends_within $in_time
	is "the status of the process" $status 1
	is "the row" "$(migration 0003_clickhouse status)" rolled_back
	has "the doubt" "$(state "SELECT detail FROM @event WHERE kind = 'doubt_resolved'")" "is undone and begins anew"
	is "what runs on the server" "$(clickhouse default "SELECT count() FROM system.processes
		WHERE query LIKE 'INSERT INTO t SELECT%'")" 0
	has "the rows" "$(rows)" "-2 -2 -1 0 1"
}
in_doubt_on_clickhouse() {
	in_time=$((interval + 3))
	fresh clickhouse
	begins 0007_clickhouse_in_doubt
	await_that 20 at_the_second 0007_clickhouse_in_doubt
	sleep 1.5
	ends_within $in_time
	is "the status of the process" $status 6
	is "the row" "$(migration 0007_clickhouse_in_doubt status)" errored
	has "the message" "$(cat "$scratch/out")" 'the mood is bad' 'it is not known whether effect'
}
in_a_sleep() { fresh sqlite && goes_bad 0004_sleeps; }
in_a_wait() { fresh sqlite && goes_bad 0005_waits; }
between_many_reads() { fresh sqlite && goes_bad 0006_many; }

# What a check asks is waited for like anything else, but no check is asked meanwhile.
a_slow_check_is_asked_alone() {
	fresh postgres
	expect 0 "$AMIGRUN" run 0010_slow_check
	is "the rows" "$(rows)" "0 2"
}
before_the_start() {
	fresh sqlite
	bad_mood
	expect 1 "$AMIGRUN" run 0004_sleeps
	has "the message" "$output" 'Healthcheck "mood" failed: the mood is bad'
	is "the row" "$(migration 0004_sleeps status)" failed_at_startup
	is "the rows" "$(rows)" 0
}
# Left where it is, it is asked again at once when it is resumed, and goes on in the middle.
left_and_resumed() {
	fresh sqlite
	begins 0005_waits --no-auto-rollback
	await_that 20 at_the_second 0005_waits
	sleep 1.2
	ends_within $in_time
	is "the row" "$(migration 0005_waits status current_operation_index)" "errored|1"
	is "the rows" "$(rows)" "0 1"
	expect 1 "$AMIGRUN" resume 0005_waits --no-auto-rollback
	has "the message" "$output" 'Healthcheck "mood" failed'
	mood "UPDATE mood SET good = 1"
	target "INSERT INTO t VALUES (7)"
	expect 0 "$AMIGRUN" resume 0005_waits
	is "the row" "$(migration 0005_waits status)" completed
	is "the rows" "$(rows)" "0 1 3 7"
}
# Not being able to ask is no bad news: a database takes nobody for a while.
what_cannot_be_asked_is_not_bad() {
	fresh postgres
	AMIG_MOOD_URL=$(new_postgres health_mood)
	mood "CREATE TABLE mood AS SELECT 1 AS good"
	begins 0009_waits_postgres
	await_that 20 at_the_second 0009_waits_postgres
	sleep 1.5
	psql -Xq "$AMIG_TEST_POSTGRES" -c "ALTER DATABASE health_mood ALLOW_CONNECTIONS false" \
		-c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'health_mood'" >/dev/null
	await_that 20 grep -q 'asks again, healthcheck' "$scratch/out"
	sleep 1
	kill -0 $runner || die "it ended: $(cat "$scratch/out")"
	psql -Xq "$AMIG_TEST_POSTGRES" -c "ALTER DATABASE health_mood ALLOW_CONNECTIONS true"
	sleep 5
	kill -0 $runner || die "it ended: $(cat "$scratch/out")"
	in_time=6
	ends_within $in_time
	has "the message" "$(cat "$scratch/out")" 'the mood is bad'
}
# A stop is heard while a check is due all the time, and a rollback is not disturbed by one.
a_rollback_is_not_checked() {
	fresh sqlite
	begins 0005_waits
	await_that 20 at_the_second 0005_waits
	kill -TERM $runner
	wait $runner
	is "the status of the process" $? 5
	bad_mood
	expect 0 "$AMIGRUN" rollback 0005_waits
	is "the rows" "$(rows)" "-2 -1 0 1"
}

build health "$scratch"/00*.amig
check "health/a bad check before the start: nothing runs" before_the_start
check "health/on time in a long statement, SQLite" on_sqlite
check "health/on time in a long statement, SQLite with the state" on_sqlite_with_the_state
check "health/on time in a long statement, PostgreSQL" on_postgres
check "health/on time in a long statement, PostgreSQL with the state" on_postgres_with_the_state
check "health/on time in a long query, PostgreSQL" in_a_query
check "health/on time in a long statement, ClickHouse; its doubt is resolved" on_clickhouse
check "health/a doubt that can't be resolved stays one, ClickHouse" in_doubt_on_clickhouse
check "health/on time in a sleep" in_a_sleep
check "health/on time in a wait" in_a_wait
check "health/on time between many short reads" between_many_reads
check "health/a slow check is asked alone" a_slow_check_is_asked_alone
check "health/left where it is, asked again at once on resume" left_and_resumed
check "health/what cannot be asked for a while is not bad" what_cannot_be_asked_is_not_bad
check "health/a stop is heard, a rollback is not checked" a_rollback_is_not_checked
report_end
