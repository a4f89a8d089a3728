#!/bin/bash
# cut.sh - the network between a worker and the state store goes away, and comes back: for longer
# than the lease, so that another worker goes on, and for less
#
# AMIG_CRASH=small leaves out what another test shows in much the same way.
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/proxy.sh"

# Two workers of one store, the first by way of the proxy; its process is on this machine, and lives.
fresh() {
	export AMIG_LEASE=$1 AMIG_DB_URL=${2-}
	AMIG_STATE=$(new_postgres amig_cut_state)
	export AMIG_STATE
	if [ -z "$AMIG_DB_URL" ]; then
		AMIG_DB_URL=$(new_postgres amig_cut)
		postgres "$AMIG_DB_URL" 'CREATE TABLE counted (x int UNIQUE); CREATE TABLE pace AS SELECT 30.0 AS s'
	fi
	expect 0 "$AMIGRUN" status
	proxy_start link "$AMIG_STATE"
	AMIG_STATE=$proxy_url "$AMIGRUN" worker >"$scratch/first" 2>&1 </dev/null &
	first=$!
	second=
	trap 'kill -KILL $first $second; proxies_end' EXIT
}
second_worker() {
	"$AMIGRUN" worker >"$scratch/second" 2>&1 </dev/null &
	second=$!
}
rows() { postgres "$AMIG_DB_URL" 'SELECT string_agg(x::text, NULL ORDER BY x) FROM counted'; }
long_ones() {
	postgres "$AMIG_DB_URL" "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND datname = current_database()
		AND query LIKE '%INSERT INTO counted%' AND pid <> pg_backend_pid()"
}
one_runs() { [ "$(long_ones)" = 1 ]; }
none_runs() { [ "$(long_ones)" = 0 ]; }
is_now() { [ "$(migration "$1" status)" = "$2" ]; }
one_is_there() { [ -n "$(rows)" ]; }
who_has_it() { migration "$1" lease_owner epoch; }
said() { grep -q "$2" "$scratch/$1"; }
# All that a process could have written.
state_rows() {
	local table
	for table in migration run operation effect checkpoint error event; do
		state "SELECT '$table', t::text FROM @$table t ORDER BY 2"
	done
}

# ends_behind NAME: the second one has it and ends it; then the first comes back, and changes nothing.
ends_behind() {
	local before
	await_that 20 is_now "$1" completed
	is "the epoch" "$(migration "$1" epoch)" 2
	before=$(state_rows)
	proxy_back link
	# Its word that it has lost the run, and that it looks for work again.
	await_that 30 said first 'lost its lease\|taken the run over\|took the migration over'
	sleep 1.5
	is "the state" "$(state_rows)" "$before"
	kill -0 $first || die "the first worker ended: $(cat "$scratch/first")"
	! grep -q Sanitizer "$scratch/first" "$scratch/second" || die "the sanitizer has something to say"
}
takes_new_work() {
	kill -KILL $second
	wait $second 2>/dev/null
	second=
	expect 0 "$AMIGRUN" start "$1" --rollback
	await_that 30 is_now "$1" rolled_back
}

long_cut() {
	fresh 2s
	expect 0 "$AMIGRUN" start "$1"
	await_that 20 one_runs
	proxy_away link
	# The target's statement ends although nobody can tell the first worker to; by itself it takes 30 s.
	await_that 8 none_runs
	postgres "$AMIG_DB_URL" 'UPDATE pace SET s = 0'
	second_worker
	ends_behind "$1"
	is "the rows" "$(rows)" 1
	is "the statements that go on" "$(long_ones)" 0
	takes_new_work "$1"
	is "the rows" "$(rows)" ''
}

# It waits for its commit when the link goes.
cut_between() {
	fresh 2s
	expect 0 "$AMIGRUN" start 0612_short_ones
	await_that 20 one_is_there
	proxy_away link
	second_worker
	ends_behind 0612_short_ones
	is "the rows" "$(rows)" 01234567
	is "the journal" "$(state "SELECT count(DISTINCT number) FROM @effect WHERE outcome = 'done'")" 8
}

short_cut() {
	local before
	fresh 6s
	postgres "$AMIG_DB_URL" 'UPDATE pace SET s = 3'
	second_worker
	expect 0 "$AMIGRUN" start 0610_long
	await_that 20 one_runs
	before=$(who_has_it 0610_long)
	proxy_away link
	sleep 1.5
	is "who has it" "$(who_has_it 0610_long)" "$before"
	proxy_back link
	await_that 20 is_now 0610_long completed
	is "the epoch" "$(migration 0610_long epoch)" 1
	is "the attempts" "$(state 'SELECT sum(attempts) FROM @operation')" 1
	is "the rows" "$(rows)" 1
}

house_runs() {
	[ "$(clickhouse default "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO counted%'")" = "$1" ]
}
on_clickhouse() {
	fresh 2s "$(new_clickhouse amig_cut)"
	clickhouse amig_cut 'CREATE TABLE counted (x Int64) ENGINE = MergeTree ORDER BY x'
	clickhouse amig_cut 'CREATE TABLE pace (x Int64) ENGINE = Log'
	clickhouse amig_cut 'INSERT INTO pace SELECT number FROM numbers(60)'
	expect 0 "$AMIGRUN" start 0613_clickhouse
	await_that 20 house_runs 1
	proxy_away link
	await_that 10 house_runs 0
	clickhouse amig_cut 'DROP TABLE pace'
	clickhouse amig_cut 'CREATE TABLE pace (x Int64) ENGINE = Log'
	clickhouse amig_cut 'INSERT INTO pace SELECT number FROM numbers(2)'
	second_worker
	ends_behind 0613_clickhouse
	is "the rows" "$(clickhouse amig_cut 'SELECT x FROM counted ORDER BY x' | tr '\n' ' ')" "0 1 "
}

build cut "$case_root/tests/crash/migrations" >"$scratch/build.log" || { failed "crash, cut/build" "$scratch/build.log"; exit 1; }
all() { [ "${AMIG_CRASH-}" = small ] || check "$@"; }
all "crash, cut/a worker without its state ends its long statement, another goes on" long_cut 0610_long
check "crash, cut/so does one outside of transactions" long_cut 0611_outside
check "crash, cut/so does one on ClickHouse" on_clickhouse
all "crash, cut/a commit that comes after its lease is refused" cut_between
check "crash, cut/a cut shorter than the lease changes nothing" short_cut
report_end
