#!/bin/bash
# doctor.sh - what `amigrun doctor` says of the state store and the databases: of good ones word for word, and of
# what is wrong with each, from a password to a log that the server does not keep
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/servers.sh"
. "$case_root/tests/support/again.sh"
. "$case_root/tests/support/seven.sh"
. "$case_root/tests/support/told.sh"

# What differs from one day and machine to the next.
masked() {
	sed -E "s#$scratch#SCRATCH#g; s/(127\.0\.0\.1):[0-9]+/\1:PORT/g; s/PostgreSQL [0-9].*\)/PostgreSQL VERSION/
		s/(ClickHouse|SQLite|chDB) [0-9][0-9.]*/\1 VERSION/; s/[0-9.]+ GiB are free/ROOM GiB are free/"
}
# says STATUS PART…: what the doctor says; it tells no password, and makes no file.
says() {
	local status=$1
	shift
	expect "$status" "$AMIGRUN" doctor
	has "what it says" "$output" "$@"
	case "$output" in *hidden* | *"$servers_password"*) die "it tells a password" ;; esac
}
# finding OF NAME CHECK: its grade.
finding() {
	"$AMIGRUN" doctor --json 2>"$scratch/errors" </dev/null |
		jq -r --arg of "$1" --arg name "$2" --arg check "$3" \
			'.[] | select(.of == $of and .name == $name and .check == $check) | .grade'
}
clickhouse_as() { AMIG_CLICKHOUSE_URL=${AMIG_TEST_CLICKHOUSE/amig:/"$1:"}; }

good() {
	sqlite3 "$scratch/shop.db" 'CREATE TABLE t (x)'
	export AMIG_SHOP_URL=sqlite:$scratch/shop.db
	expect 0 "$AMIGRUN" doctor
	is_told doctor_before.text
	expect 5 "$AMIGRUN" run $seven --operations 3
	expect 0 "$AMIGRUN" doctor
	is_told doctor.text
	expect 0 "$AMIGRUN" doctor --json
	is_told doctor.json
	expect 0 "$AMIGRUN" doctor --quiet
	is "what there is to say" "$output" ""
	expect 0 "$AMIGRUN" doctor $seven
	case "$output" in *clickhouse*) die "$seven needs no clickhouse" ;; esac
	is "the journal of the SQLite file" "$(sqlite3 "$scratch/shop.db" 'PRAGMA journal_mode')" delete
}

# Nothing is made by looking.
nothing_there() {
	unset AMIG_POSTGRES_URL AMIG_CLICKHOUSE_URL AMIG_BUNDLE
	mkdir "$scratch/empty" && cd "$scratch/empty" || return 1
	export AMIG_STATE=sqlite:state.db AMIG_SQLITE=later.db
	says 0 "the file state.db is not there yet" "there are no tables yet" "the file later.db is not there yet"
	expect 2 "$AMIGRUN" doctor 0001_nobody
	is "the folder" "$(ls -A)" ""
	AMIG_STATE=$(new_postgres amig_doctor_new) says 0 "the schema amig can be made" "there are no tables yet"
	is "the schemas" "$(postgres "${AMIG_TEST_POSTGRES%/*}/amig_doctor_new" "SELECT to_regnamespace('amig')")" ""
}

not_configured() {
	unset AMIG_POSTGRES_URL
	says 4 "wrong: it is not configured, and $seven, 0101_stuck cannot run without it" "set AMIG_POSTGRES_URL"
	state "UPDATE @migration SET status = 'completed' WHERE name = '$seven'"
	says 4 "and 0101_stuck cannot run"
}

unreachable() {
	local state=$AMIG_STATE
	AMIG_STATE=postgresql://amig:hidden@127.0.0.1:1/amig says 4 "state: not in order" "Connection refused" \
		"see whether the server runs and lets this machine in, and whether AMIG_STATE names it" \
		"postgres (postgres): in order"
	AMIG_POSTGRES_URL=postgresql://amig:hidden@127.0.0.1:1/amig says 4 "state: in order" "postgres (postgres): not in order" \
		"AMIG_POSTGRES_URL names it" "1 database can't be worked with"
	AMIG_CLICKHOUSE_URL=http://amig:hidden@127.0.0.1:1/x says 4 "cannot reach ClickHouse at 127.0.0.1:1" "AMIG_CLICKHOUSE_URL"
	is "the state" "$AMIG_STATE" "$state"
}

wrong_passwords() {
	local good=$AMIG_POSTGRES_URL
	AMIG_POSTGRES_URL=${good/:secret@/:hidden@} says 4 'password authentication failed for user "amig"' \
		"see whether the user, the password and the database in AMIG_POSTGRES_URL are right"
	AMIG_STATE=${good/:secret@/:hidden@} says 4 "database in AMIG_STATE are right"
	AMIG_POSTGRES_URL=${good}_nowhere says 4 'database "amig_seven_nowhere" does not exist'
	good=$AMIG_CLICKHOUSE_URL
	AMIG_CLICKHOUSE_URL=${good/:secret@/:hidden@} says 4 "Wrong password" "in AMIG_CLICKHOUSE_URL are right"
	AMIG_CLICKHOUSE_URL=${good%/*}/nowhere says 4 "Database nowhere doesn't exist"
}

# A role that may do less and less.
postgres_rights() {
	local url=$AMIG_POSTGRES_URL role=${AMIG_POSTGRES_URL/amig:/amig_poor:}
	postgres "$url" "DROP ROLE IF EXISTS amig_poor; CREATE ROLE amig_poor LOGIN PASSWORD '$servers_password';
		DROP ROLE IF EXISTS amig_other; CREATE ROLE amig_other LOGIN PASSWORD '$servers_password';
		REVOKE CREATE ON SCHEMA public FROM PUBLIC"
	AMIG_POSTGRES_URL=$role says 0 "postgres (postgres): in order, with a warning" \
		"the role may make no tables in the schema public" "GRANT CREATE ON SCHEMA"
	postgres "$url" "CREATE TABLE public.amig_fence (run text PRIMARY KEY, epoch bigint);
		GRANT SELECT, INSERT ON public.amig_fence TO amig_poor"
	AMIG_POSTGRES_URL=$role says 0 "the role may not use amig_fence" "GRANT SELECT, INSERT, UPDATE"
	AMIG_STATE=$role says 4 "the role may not use these tables of the schema amig: blob, checkpoint, " \
		"GRANT SELECT, INSERT, UPDATE, DELETE"
	AMIG_STATE=${role%/*}/postgres says 4 "there is no schema amig, and the role may make none" \
		"CREATE SCHEMA amig AUTHORIZATION"
	postgres "$url" "ALTER ROLE amig_poor SET default_transaction_read_only = on;
		ALTER ROLE amig_poor SET search_path = nowhere"
	AMIG_POSTGRES_URL=$role says 4 "default_transaction_read_only is on" "no schema of the role's search_path is there"
	AMIG_POSTGRES_URL="$url?options=-c%20track_activities%3Doff" says 0 "warning: track_activities is off"
	# Somebody else's amigrun is at work there, whose statements the poor one could not end.
	PGAPPNAME=amig psql -XAtq "${url/amig:/amig_other:}" -c 'SELECT pg_sleep(30)' >/dev/null 2>&1 &
	local sleeper=$!
	await_that 10 is_asleep "$url"
	AMIG_POSTGRES_URL=$role says 4 "sessions of amigrun are here as amig_other: amig_poor can't see nor end"
	postgres "$url" "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)'" >/dev/null
	wait $sleeper
	postgres "$url" "REVOKE ALL ON public.amig_fence FROM amig_poor; DROP ROLE amig_poor;
		DROP ROLE amig_other; DROP TABLE public.amig_fence"
}
is_asleep() { [ "$(postgres "$1" "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)'")" = 1 ]; }

clickhouse_rights() {
	clickhouse_as fixed
	says 0 "but no tables (allow_ddl = 0)" "amig_fence is not there and can't be made" "set allow_ddl = 1"
	clickhouse_as reader
	says 4 "wrong: the user may only read (readonly = 1)" "readonly = 0"
	clickhouse_as narrow
	is "the log" "$(finding connection clickhouse log)" warning
	clickhouse_as amig
	is "the log" "$(finding connection clickhouse log)" fine
	clickhouse default "CREATE TABLE amig_fence (run String, epoch UInt64, raised_at DateTime)
		ENGINE = MergeTree ORDER BY (run, epoch)"
	says 0 "the table amig_fence is there"
	clickhouse default "DROP TABLE amig_fence"
}

no_query_log() {
	clickhouse_log_off
	says 0 "warning: there is no system.query_log: the server keeps none" "turn <query_log> on"
}

sqlite_file() {
	unset AMIG_POSTGRES_URL AMIG_CLICKHOUSE_URL AMIG_BUNDLE
	export AMIG_STATE=sqlite:$scratch/fine.db AMIG_SQLITE=$scratch/odd.db
	echo "this is no database, and long enough to be seen as none" >"$AMIG_SQLITE"
	says 4 "sqlite (sqlite): not in order" "not a database"
	AMIG_SQLITE=$scratch/no/such/odd.db says 4 "the folder $scratch/no/such: No such file" "make the folder"
	AMIG_STATE=sqlite:/nowhere/state.db says 4 "state: not in order" "the folder /nowhere"
	rm "$AMIG_SQLITE"
	sqlite3 "$AMIG_SQLITE" 'CREATE TABLE t (x)'
	mkfifo "$scratch/hold"
	sqlite3 -cmd '.timeout 10000' "$AMIG_SQLITE" <"$scratch/hold" &
	exec 7>"$scratch/hold"
	echo 'BEGIN EXCLUSIVE; SELECT 1;' >&7
	await_that 10 is_locked
	says 0 "sqlite (sqlite): in order, with a warning" "locked"
	exec 7>&-
	wait $!
	says 0 "it takes changes"
}
is_locked() { ! sqlite3 "$AMIG_SQLITE" 'BEGIN IMMEDIATE' 2>/dev/null; }

# In a name space where a file system can be mounted for reading only.
read_only_disk() {
	local own_user=-r
	[ "$(id -u)" != 0 ] || own_user=
	unshare $own_user -m bash -c '
		. "$0/tests/support/case.sh"
		mkdir "$1/small" && mount -t tmpfs -o size=4m tmpfs "$1/small" || exit 1
		trap - EXIT
		sqlite3 "$1/small/a.db" "CREATE TABLE t (x)"
		unset AMIG_POSTGRES_URL AMIG_CLICKHOUSE_URL AMIG_BUNDLE
		export AMIG_STATE=sqlite:$1/fine.db AMIG_SQLITE=$1/small/a.db
		expect 0 "$AMIGRUN" doctor
		has "what it says" "$output" "warning: 0.0 GiB are free on $1/small" "make room"
		mount -o remount,ro "$1/small"
		expect 4 "$AMIGRUN" doctor
		has "what it says" "$output" "nothing can be made in the folder $1/small: Read-only file system"
	' "$case_root" "$scratch"
}

pending_upgrade() {
	state "UPDATE @store SET version = version - 1"
	says 0 "state: in order, with a warning" "an upgrade is pending: the tables have version" "it upgrades them"
	is "the version" "$(state "SELECT count(*) FROM @store WHERE version > 6")" 0
	state "UPDATE @store SET version = version + 2"
	says 7 "state: not in order" "the state store has schema version" "use the amigrun that wrote it"
	state "UPDATE @store SET version = version - 1"
}

damaged_bundle() {
	head -c 100 "$AMIG_BUNDLE" >"$scratch/short.amb"
	AMIG_BUNDLE=$scratch/short.amb says 7 "bundle: " "short.amb" "postgres (postgres): in order" "the bundle is damaged"
	AMIG_BUNDLE=$scratch/nowhere.amb expect 4 "$AMIGRUN" doctor
}

keep_servers clickhouse || exit 1
AMIG_POSTGRES_URL='' AMIG_CLICKHOUSE_URL=$AMIG_TEST_CLICKHOUSE
export AMIG_POSTGRES_URL AMIG_CLICKHOUSE_URL
build seven "$case_root"/tests/end_to_end/migrations/{seven,stuck}.amig
seven_reset
check "doctor/good databases, word for word" good
check "doctor/nothing is there yet, and nothing is made" nothing_there
check "doctor/a connection that is not configured" not_configured
check "doctor/servers that are not there" unreachable
check "doctor/wrong passwords and databases" wrong_passwords
check "doctor/a role of PostgreSQL without rights" postgres_rights
check "doctor/users of ClickHouse without rights" clickhouse_rights
check "doctor/a SQLite file that is none, is nowhere, is locked" sqlite_file
check "doctor/a disk without room, and one that is read only" read_only_disk
check "doctor/a damaged bundle" damaged_bundle
check "doctor/an upgrade that is pending" pending_upgrade
check "doctor/a server without a query log" no_query_log
kept_end
report_end
