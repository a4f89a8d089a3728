#!/bin/bash
# failover.sh - PostgreSQL dies for good while a migration runs, and its replica is promoted: the URL names both
#
# AMIG_CRASH=small leaves out what another test shows in much the same way.
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/outage.sh"

runner=
ends_all() {
	[ -z "$runner" ] || kill -KILL "$runner" 2>/dev/null
	kill -KILL "${supervisors[-1]}" 2>/dev/null
	cat "$scratch/out"
}
# A target with its replica; the state in a file.
fresh() {
	[ ! -e "$outage_folder/postgres/up" ] || down postgres
	unset_postgres
	up postgres
	rm -f "$scratch"/state.db*
	AMIG_DB_URL=$(outage_database amig_outage)
	outage_database amig_outage_state >/dev/null
	postgres "$AMIG_DB_URL" "CREATE TABLE counted (x int UNIQUE); CREATE TABLE pace AS SELECT 0.15 AS s"
	export AMIG_LEASE=10s AMIG_STATE=sqlite:$scratch/state.db AMIG_DB_URL
	: >"$scratch/out"
	trap ends_all EXIT
	replica_starts "$@"
	AMIG_DB_URL=$(either amig_outage)
}
starts() {
	"$AMIGRUN" "$@" >"$scratch/out" 2>&1 </dev/null &
	runner=$!
}
rows() { postgres "$AMIG_DB_URL" 'SELECT string_agg(x::text, NULL ORDER BY x) FROM counted'; }
some_are_there() { [[ "$(rows)" = $1* ]]; }
is_now() { [ "$(migration "$1" status)" = "$2" ]; }
is_done_once() {
	is "the rows" "$(rows)" 012345678
	is "the row" "$(migration 0620_steps status progress)" "completed|100"
	is "effects that are done twice" "$(state "SELECT number, count(*) FROM @effect WHERE outcome = 'done'
		GROUP BY 1 HAVING count(*) > 1")" ""
}

# One is under way when the server dies; the replica has all that was done before.
the_target() {
	fresh confirmed
	starts run 0620_steps --no-auto-rollback
	await_that 20 some_are_there 01
	replica_takes_over
	wait $runner
	is "how the run ended" $? 0
	runner=
	is_done_once
	! grep -q Sanitizer "$scratch/out" || die "the sanitizer has something to say"
}
both_of_them() {
	fresh confirmed
	AMIG_STATE=$(either amig_outage_state) AMIG_LEASE=30s
	starts worker
	await_that 20 "$AMIGRUN" start 0620_steps
	await_that 20 some_are_there 01
	replica_takes_over
	await_that 60 is_now 0620_steps completed
	is_done_once
	kill -TERM $runner
	wait $runner
	is "how the worker ended" $? 0
	runner=
}

# The replica gets nothing any more for a while: what was committed meanwhile is lost with the server.
one_that_had_not_got_all() {
	fresh
	starts run 0620_steps --no-auto-rollback
	await_that 20 some_are_there 0
	on_replica "ALTER SYSTEM SET primary_conninfo = ''"
	on_replica 'SELECT pg_reload_conf()'
	await_that 20 some_are_there 0123
	replica_takes_over
	wait $runner
	is "how the run ended" $? 6
	has "the error" "$(cat "$scratch/out")" "db has lost effect" "which was done" "a replica was promoted" "--again"
	before=$(rows)
	expect 6 "$AMIGRUN" resume 0620_steps
	is "the rows" "$(rows)" "$before"
	# Somebody puts in what is lost, and says so.
	postgres "$AMIG_DB_URL" "INSERT INTO counted SELECT x FROM generate_series(0, (SELECT $(state "SELECT max(number) - 1
		FROM @effect WHERE outcome = 'done'"))) AS x ON CONFLICT DO NOTHING" >/dev/null
	expect 0 "$AMIGRUN" resolve 0620_steps --again
	expect 0 "$AMIGRUN" resume 0620_steps
	is_done_once
}

build failover "$case_root/tests/crash/migrations" >"$scratch/build.log" ||
	{ failed "crash, failover/build" "$scratch/build.log"; exit 1; }
outage_servers postgres >"$scratch/servers.log" 2>&1 || { failed "crash, failover/servers" "$scratch/servers.log"; exit 1; }
all() { [ "${AMIG_CRASH-}" = small ] || check "$@"; }
check "crash, failover/a run goes on at the target's replica" the_target
all "crash, failover/a worker goes on with state and target at the replica" both_of_them
check "crash, failover/a replica that had not got all is noticed" one_that_had_not_got_all
report_end
