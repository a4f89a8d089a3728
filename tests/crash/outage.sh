#!/bin/bash
# outage.sh - the databases themselves fail: killed in mid-statement, restarted, out of disk, out of
# connections, read-only. A run ends with status 4 or goes on by itself, a worker always does, and
# in the end everything was done once.
#
# AMIG_CRASH=small leaves out what another test shows in much the same way.
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/outage.sh"

runner=
fresh() {
	export AMIG_LEASE=${1:-10s}
	AMIG_DB_URL=$(new_postgres amig_outage)
	AMIG_STATE=$(outage_database amig_outage_state "${2-}")
	export AMIG_STATE AMIG_DB_URL
	postgres "$AMIG_DB_URL" "CREATE TABLE counted (x int UNIQUE); CREATE TABLE pace AS SELECT ${3:-0.15} AS s"
	expect 0 "$AMIGRUN" status
}
starts() {
	"$AMIGRUN" "$@" >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	trap '[ -z "$runner" ] || kill -KILL $runner; cat "$scratch/out"' EXIT
}
ends() {
	kill -TERM "$runner"
	wait "$runner"
	is "how the worker ended" $? 0
	runner=
	! grep -q Sanitizer "$scratch/out" || die "the sanitizer has something to say"
}
rows() { postgres "$AMIG_DB_URL" 'SELECT string_agg(x::text, NULL ORDER BY x) FROM counted'; }
two_are_there() { [[ "$(rows)" = 01* ]]; }
is_now() { [ "$(migration "$1" status)" = "$2" ]; }
is_done_once() {
	is "the rows" "$(rows)" "$2"
	is "the row" "$(migration "$1" status progress)" "completed|100"
	is "effects that are done twice" "$(state "SELECT number, count(*) FROM @effect WHERE outcome = 'done'
		GROUP BY 1 HAVING count(*) > 1")" ""
	is "effects that are not done" "$(state "SELECT DISTINCT number FROM @effect e WHERE NOT EXISTS (SELECT 1 FROM @effect d
		WHERE d.number = e.number AND d.outcome = 'done')")" ""
}

# state_fails BREAK MEND: under a worker, which rides over it by itself; under a run in the
# foreground, which may end, but with status 4, and can be resumed.
state_fails() {
	starts worker
	expect 0 "$AMIGRUN" start 0620_steps
	await_that 20 two_are_there
	"$1"
	sleep 1.5
	"$2"
	await_that 60 is_now 0620_steps completed
	is_done_once 0620_steps 012345678
	ends
	# It does not ask again and again meanwhile.
	[ "$(grep -c 'is to be run' "$scratch/out")" -le 8 ] || die "the worker has no patience"
}
state_fails_a_run() {
	local status
	starts run 0620_steps --no-auto-rollback
	await_that 20 two_are_there
	"$1"
	sleep 1.5
	# While it lasts nothing can be begun, and it is said why.
	[ $# -lt 3 ] || { expect 4 "$AMIGRUN" run 0620_steps; has "the error" "$output" "state store" "$3"; }
	"$2"
	wait $runner
	status=$?
	runner=
	cat "$scratch/out"
	[ $status = 0 ] || [ $status = 4 ] || die "it ended with status $status"
	expect 0 "$AMIGRUN" run 0620_steps
	is_done_once 0620_steps 012345678
}
# With the target's statement under way, which is not sent a second time, whoever sees it end.
state_fails_in_mid_step() {
	fresh 30s
	starts worker
	expect 0 "$AMIGRUN" start 0621_long
	await_that 20 runs_on "$AMIG_DB_URL"
	again postgres
	await_that 60 is_now 0621_long completed
	is_done_once 0621_long 01
	is "the statements" "$(state 'SELECT count(*) FROM @effect')" 2
	ends
}
runs_on() {
	[ "$(postgres "$1" "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND wait_event = 'PgSleep'
		AND datname = current_database()")" = 1 ]
}

dies() { down postgres; }
stops() { fast postgres; }
comes_back() { up postgres; }

cuts_sessions() { psql -XAtq "$outage_postgres" -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
	WHERE datname = 'amig_outage_state' AND pid <> pg_backend_pid() AND query NOT LIKE 'SELECT pg_sleep(600)%'" >/dev/null; }
is_read_only() {
	psql -Xq "$outage_postgres" -c 'ALTER DATABASE amig_outage_state SET default_transaction_read_only = on'
	cuts_sessions
}
is_writable() { psql -Xq "$outage_postgres" -c 'ALTER DATABASE amig_outage_state RESET default_transaction_read_only'; }

# The state's tables lie on a disk of 24 MB of their own; a file takes what is left of it.
small_disk() {
	mkdir -p "$scratch/disk"
	mount -t tmpfs -o size=24m none "$scratch/disk" || return 1
	mkdir "$scratch/disk/space"
	chmod 711 "$scratch"
	chown -R "$([ "$(id -u)" = 0 ] && echo postgres || id -un)": "$scratch/disk"
	psql -Xq "$outage_postgres" -c "DROP TABLESPACE IF EXISTS small" \
		-c "CREATE TABLESPACE small LOCATION '$scratch/disk/space'"
}
fills_the_disk() { ! dd if=/dev/zero of="$scratch/disk/file" bs=8k 2>/dev/null; }
empties_the_disk() { rm -f "$scratch/disk/file"; }
no_small_disk() {
	psql -Xq "$outage_postgres" -c 'DROP DATABASE IF EXISTS amig_outage_state WITH (FORCE)' \
		-c 'DROP TABLESPACE IF EXISTS small'
	umount "$scratch/disk"
}

# The server's log of changes lies on a disk of its own: full, the server panics, and starts only to
# panic again.
wal=
log_disk() {
	wal=$outage_folder/postgres/data/pg_wal
	mkdir -p "$scratch/disk"
	mount -t tmpfs -o size=80m none "$scratch/disk" || return 1
	chmod 711 "$scratch"
	fast postgres
	cp -a "$wal" "$scratch/disk/" && mv "$wal" "$wal.aside" && ln -s "$scratch/disk/pg_wal" "$wal"
	up postgres
}
no_log_disk() {
	empties_the_disk
	fast postgres
	rm "$wal" && cp -a "$scratch/disk/pg_wal" "$wal" && rm -r "$wal.aside"
	umount "$scratch/disk"
	up postgres
}
fills_the_log() {
	fills_the_disk
	for _ in {1..20}; do
		psql -XAtq "$outage_postgres" -c "SELECT pg_logical_emit_message(true, 'amig', repeat('x', 1000000))" \
			-c 'SELECT pg_switch_wal()' >/dev/null 2>&1 || return 0
	done
	die "the disk of the log does not get full"
}
empties_the_log() { empties_the_disk; await_that 60 answers postgres; }
full_log() {
	log_disk || return 1
	trap no_log_disk EXIT
	fresh
	"$1" fills_the_log empties_the_log
	trap - EXIT
	no_log_disk
}

# The server takes 8 sessions, 3 of them of superusers only.
as_an_application() {
	set_postgres max_connections=8 max_wal_senders=0 superuser_reserved_connections=3
	again postgres
	psql -Xq "$outage_postgres" -c 'DROP OWNED BY app' -c 'DROP ROLE app' 2>/dev/null
	psql -Xq "$outage_postgres" -c "CREATE ROLE app LOGIN PASSWORD '$servers_password'"
	fresh 10s 'OWNER app' 0.5
	psql -Xq "$AMIG_STATE" -c 'DROP SCHEMA amig CASCADE' 2>/dev/null
	AMIG_STATE=${AMIG_STATE/amig:/app:}
	expect 0 "$AMIGRUN" status
}
is_full() { ! psql -Xq "$AMIG_STATE" -c '' 2>/dev/null; }
amig_is_there() {
	[ -n "$(psql -XAtq "$outage_postgres" -c "SELECT 1 FROM pg_stat_activity WHERE application_name = 'amig'")" ]
}
takes_all_sessions() {
	local _
	for _ in {1..60}; do
		if is_full; then
			cuts_sessions
			amig_is_there || ! is_full || return 0
		else
			psql -Xq "$AMIG_STATE" -c 'SELECT pg_sleep(600)' >/dev/null 2>&1 &
			sleep 0.05
		fi
	done
	die "the server takes ever more sessions"
}
frees_sessions() { psql -XAtq "$outage_postgres" -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
	WHERE query LIKE 'SELECT pg_sleep(600)%' AND pid <> pg_backend_pid()" >/dev/null; }

restarted() { fresh; state_fails stops comes_back; }
restarted_under_a_run() { fresh; state_fails_a_run stops comes_back "cannot connect to PostgreSQL"; }
killed() { fresh; state_fails dies comes_back; }
read_only() { fresh; state_fails is_read_only is_writable; }
read_only_under_a_run() { fresh; state_fails_a_run is_read_only is_writable "read-only transaction"; }
full_disk() {
	trap no_small_disk EXIT
	small_disk || return 1
	fresh 10s 'TABLESPACE small'
	"$1" fills_the_disk empties_the_disk ${2+"$2"}
	no_small_disk
}
# The same with the state in a SQLite file on that disk.
full_disk_of_a_file() {
	trap no_small_disk EXIT
	small_disk || return 1
	fresh
	export AMIG_STATE=sqlite:$scratch/disk/state.db
	state_fails_a_run fills_the_disk empties_the_disk "full"
	no_small_disk
}
no_sessions() {
	as_an_application
	"$1" takes_all_sessions frees_sessions ${2+"$2"}
	unset_postgres
	again postgres
}

# ---- the target ----

target_dies() {
	AMIG_DB_URL=$(outage_database amig_outage)
	export AMIG_DB_URL AMIG_STATE=sqlite:$scratch/state.db
	rm -f "$scratch"/state.db*
	postgres "$AMIG_DB_URL" 'CREATE TABLE counted (x int UNIQUE)'
	starts worker
	await_that 10 test -e "$scratch/state.db"
	await_that 10 "$AMIGRUN" start 0621_long
	await_that 20 runs_on "$AMIG_DB_URL"
	"$1"
	await_that 60 first_is_there
	await_that 20 runs_on "$AMIG_DB_URL"
	"$1"
	await_that 60 is_now 0621_long completed
	is_done_once 0621_long 01
	ends
}
first_is_there() { [ "$(rows)" = 0 ]; }
postmaster_dies() { again postgres; }
backend_dies() {
	kill -KILL "$(postgres "$AMIG_DB_URL" "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'
		AND datname = current_database()")"
}
house_runs() { [ -n "$(house "SELECT 1 FROM system.processes WHERE query LIKE 'INSERT%'")" ]; }
house() { curl -sS "${outage_clickhouse%/*}/?database=amig_outage" --data-binary "$1"; }
house_dies() {
	curl -sS "${outage_clickhouse%/*}/" --data-binary 'DROP DATABASE IF EXISTS amig_outage'
	curl -sS "${outage_clickhouse%/*}/" --data-binary 'CREATE DATABASE amig_outage'
	house 'CREATE TABLE counted (x UInt64) ENGINE = MergeTree ORDER BY x'
	export AMIG_DB_URL=${outage_clickhouse%/*}/amig_outage AMIG_STATE=sqlite:$scratch/state.db
	rm -f "$scratch"/state.db*
	starts run 0622_house --no-auto-rollback
	await_that 20 house_runs
	sleep 0.5
	again clickhouse
	wait $runner
	is "how it ended" $? 0
	runner=
	is "the rows" "$(house 'SELECT x FROM counted ORDER BY x' | tr '\n' ' ')" "0 1 2 3 4 5 6 7 8 9 "
	is "the status" "$(migration 0622_house status)" completed
}

build outage "$case_root/tests/crash/migrations" >"$scratch/build.log" ||
	{ failed "crash, outage/build" "$scratch/build.log"; exit 1; }
outage_servers >"$scratch/servers.log" 2>&1 || { failed "crash, outage/servers" "$scratch/servers.log"; exit 1; }
all() { [ "${AMIG_CRASH-}" = small ] || check "$@"; }
# A container may not be allowed to mount: then there is no small disk, and that is said.
disk() {
	if [ "$may_mount" = 0 ]; then "$@"; else echo "        (not tried, nothing can be mounted here: $2)"; fi
}
(mkdir "$scratch/disk" && mount -t tmpfs -o size=1m none "$scratch/disk" && umount "$scratch/disk") 2>"$scratch/mount.log"
may_mount=$?
all "crash, outage/a worker rides over a restart of its state" restarted
check "crash, outage/a worker rides over a SIGKILL of its state in mid-step" state_fails_in_mid_step
all "crash, outage/a worker rides over a SIGKILL of its state between steps" killed
all "crash, outage/a run survives a restart of its state" restarted_under_a_run
all "crash, outage/a worker rides over a state that is read-only" read_only
check "crash, outage/a run survives a state that is read-only" read_only_under_a_run
disk all "crash, outage/a worker rides over a state whose disk is full" full_disk state_fails
disk check "crash, outage/a run survives a state whose disk is full" full_disk state_fails_a_run "No space left"
disk all "crash, outage/a run survives a state in SQLite whose disk is full" full_disk_of_a_file
disk all "crash, outage/a worker rides over a state whose log has no room" full_log state_fails
disk all "crash, outage/a run survives a state whose log has no room" full_log state_fails_a_run
all "crash, outage/a worker rides over a state that is out of connections" no_sessions state_fails
all "crash, outage/a run survives a state that is out of connections" no_sessions state_fails_a_run "connection slots"
all "crash, outage/a SIGKILL of PostgreSQL in mid-statement" target_dies postmaster_dies
all "crash, outage/a SIGKILL of PostgreSQL's backend in mid-statement" target_dies backend_dies
check "crash, outage/a SIGKILL of ClickHouse in mid-statement" house_dies
report_end
