# outage.sh - a PostgreSQL and a ClickHouse of a test's own that it may kill: outage_servers [KIND…] starts
# them, $outage_postgres and $outage_clickhouse are their URLs
#
# down KIND kills a server, up KIND starts it and waits until it answers, again KIND does both,
# fast KIND ends it as its operator would. They survive a test's subshell, and end with the script.
# shellcheck shell=bash

. "$case_root/tests/support/servers.sh"

outage_servers() {
	local shared_postgres=$AMIG_TEST_POSTGRES shared_clickhouse=${AMIG_TEST_CLICKHOUSE-} kind
	[ $# -gt 0 ] || set -- postgres clickhouse
	trap outage_end EXIT
	start_servers "$@" || return 1
	outage_postgres=$AMIG_TEST_POSTGRES outage_clickhouse=${AMIG_TEST_CLICKHOUSE-}
	export AMIG_TEST_POSTGRES=$shared_postgres AMIG_TEST_CLICKHOUSE=$shared_clickhouse
	outage_folder=$servers_folder
	end_process "$postgres_pid" INT
	end_process "$clickhouse_pid" KILL
	postgres_port=$(port_of "$outage_postgres")
	supervise postgres "${as_postgres[@]}" --pdeathsig INT "$postgres_bin/postgres" -D "$outage_folder/postgres/data" \
		-p "$postgres_port" -k "$outage_folder/postgres" -h 127.0.0.1
	[[ " $* " != *" clickhouse "* ]] || supervise clickhouse setpriv --pdeathsig KILL clickhouse-server \
		--config-file="$outage_folder/clickhouse/config.xml"
	for kind in "$@"; do up $kind || return 1; done
}
outage_end() {
	local pid
	for pid in "${supervisors[@]}"; do kill -TERM "$pid"; wait "$pid" 2>/dev/null; done
	stop_servers
	rm -rf "$scratch"
}
postgres_bin=/usr/lib/postgresql/15/bin
as_postgres=(setpriv)
[ "$(id -u)" != 0 ] || as_postgres=(setpriv --reuid postgres --regid postgres --init-groups)
supervisors=()

port_of() { local at=${1##*@}; at=${at%%/*}; echo "${at##*:}"; }
# supervise KIND COMMAND…: its folder is the one of that name.
supervise() {
	local kind=$1
	shift
	(cd "$outage_folder/$kind" && exec "$case_root/tests/support/supervise" "$outage_folder/$kind" "$@") &
	supervisors+=($!)
}

answers() {
	case $1 in
	clickhouse) curl -sf "http://127.0.0.1:$(port_of "$outage_clickhouse")/ping" >/dev/null ;;
	*) "$postgres_bin/pg_isready" -q -h 127.0.0.1 -p "$(cat "$outage_folder/$1/port" 2>/dev/null || echo "$postgres_port")" ;;
	esac
}
up() {
	touch "$outage_folder/$1/up"
	await_that 60 answers "$1"
}
# The children of a postmaster that was killed see it at once and end.
down() {
	rm -f "$outage_folder/$1/up"
	kill "-${2-KILL}" "$(cat "$outage_folder/$1/pid")" || die "$1 does not run"
	await_that 30 is_down "$1"
}
is_down() { [ ! -e "$outage_folder/$1/pid" ]; }
fast() { down "$1" "$([ "$1" = clickhouse ] && echo TERM || echo INT)"; }
again() { down "$1"; up "$1"; }

# set_postgres NAME=VALUE…: as ALTER SYSTEM would, from its next start on.
set_postgres() { printf '%s\n' "$@" >>"$outage_folder/postgres/data/postgresql.auto.conf"; }
unset_postgres() { : >"$outage_folder/postgres/data/postgresql.auto.conf"; }

# outage_database NAME [CLAUSE]: a fresh one on the server that is killed; its URL.
outage_database() {
	psql -Xq "$outage_postgres" -c "DROP DATABASE IF EXISTS $1 WITH (FORCE)" -c "CREATE DATABASE $1 ${2-}" >&2 2>/dev/null ||
		fatal "no database $1"
	echo "${outage_postgres%/*}/$1"
}

# replica_starts: a replica of the server that is killed, of all that is there; $replica_port is its port, and
# $either_postgres the URL of whichever of the two takes writes, without its database. With `confirmed` the server commits
# when the replica has it.
replica_starts() {
	local replica=$outage_folder/replica
	replica_port=$(free_port)
	[ ! -e "$replica/pid" ] || await_that 20 has_ended "$(cat "$replica/pid")"
	rm -rf "$replica" "$outage_folder/postgres/replica"
	"${as_postgres[@]}" mkdir -m 700 "$outage_folder/postgres/replica"
	"${as_postgres[@]}" "$postgres_bin/pg_basebackup" -D "$outage_folder/postgres/replica" -R -X stream -c fast \
		-d "${outage_postgres%/*}/" || die "no base backup"
	mkdir -p "$replica"
	chmod 777 "$replica"
	echo "$replica_port" >"$replica/port"
	supervise replica "${as_postgres[@]}" --pdeathsig INT "$postgres_bin/postgres" \
		-D "$outage_folder/postgres/replica" -p "$replica_port" -k "$replica" -h 127.0.0.1 -c hot_standby=on
	up replica
	either_postgres="postgresql://amig:$servers_password@127.0.0.1:$postgres_port,127.0.0.1:$replica_port"
	[ "${1-}" != confirmed ] || psql -Xq "$outage_postgres" -c "ALTER SYSTEM SET synchronous_standby_names = '*'" \
		-c 'SELECT pg_reload_conf()' >/dev/null
}
has_ended() { ! kill -0 "$1" 2>/dev/null; }
either() { echo "$either_postgres/$1?target_session_attrs=read-write"; }
on_replica() { psql -XAtq "postgresql://amig:$servers_password@127.0.0.1:$replica_port/postgres" -c "$1" >/dev/null; }
# Only the replica is left, and takes writes.
replica_takes_over() {
	down postgres
	on_replica 'SELECT pg_promote()'
}
