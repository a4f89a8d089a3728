# servers.sh - private PostgreSQL 15 and ClickHouse 18.16.1 for the tests: start_servers,
# stop_servers
#
# Both live in one temporary folder, on free ports of 127.0.0.1, and are children of the shell that
# sources this file: they get a signal when it dies, and stop_servers ends them by process id. As
# root PostgreSQL runs as the user postgres. Exported: AMIG_TEST_POSTGRES=postgresql://…,
# AMIG_TEST_CLICKHOUSE=http://…, AMIG_TEST_SERVERS, the folder with their logs. AMIG_TEST_FSYNC=on
# makes PostgreSQL's commits durable, as the benchmarks need it; the tests kill clients, not
# machines. AMIG_TEST_LOG_MS: how often ClickHouse writes its query_log (as shipped: 7500).
# shellcheck shell=bash

servers_folder=
postgres_pid=
clickhouse_pid=
servers_password=secret

free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 12000))
		(: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}

# await PID SECONDS COMMAND…: until the command succeeds; fails when the process has ended or the
# time is over.
await() {
	local pid=$1 end=$((SECONDS + $2))
	shift 2
	until "$@" >/dev/null 2>&1; do
		kill -0 "$pid" 2>/dev/null || return 1
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

start_postgres() {
	local bin=/usr/lib/postgresql/15/bin folder=$servers_folder/postgres port
	local -a as=(setpriv --pdeathsig INT)
	mkdir "$folder"
	printf '%s\n' "$servers_password" >"$folder/password"
	if [ "$(id -u)" = 0 ]; then
		chown -R postgres: "$folder"
		as=(setpriv --reuid postgres --regid postgres --init-groups --pdeathsig INT)
	fi
	(cd "$folder" && "${as[@]}" "$bin/initdb" -D "$folder/data" -U amig -A scram-sha-256 --pwfile "$folder/password" \
		--no-locale -E UTF8 --no-sync >"$folder/initdb.log" 2>&1) || { cat "$folder/initdb.log" >&2; return 1; }
	for _ in 1 2 3; do
		port=$(free_port)
		(cd "$folder" && exec "${as[@]}" "$bin/postgres" -D "$folder/data" -p "$port" -k "$folder" -h 127.0.0.1 \
			-c fsync="${AMIG_TEST_FSYNC:-off}" -c max_connections=60 -c log_statement=none \
			>"$folder/log" 2>&1 </dev/null) &
		postgres_pid=$!
		if await $postgres_pid 30 "$bin/pg_isready" -q -h 127.0.0.1 -p "$port"; then
			export AMIG_TEST_POSTGRES="postgresql://amig:$servers_password@127.0.0.1:$port/postgres"
			return 0
		fi
		end_process "$postgres_pid" INT
	done
	cat "$folder/log" >&2
	return 1
}

# clickhouse_users FOLDER NETWORK [SETTINGS]: who may log in from where, and what else their profile says. `reader` may only
# read, `elsewhere` only be in the database of that name.
clickhouse_users() {
	cat >"$1/users.xml" <<-XML
	<yandex>
	  <profiles><default><log_queries>1</log_queries>${3-}</default><reading><readonly>1</readonly></reading></profiles>
	  <users>
	    <amig><password>$servers_password</password><networks><ip>$2</ip></networks>
	      <profile>default</profile><quota>default</quota></amig>
	    <default><password></password><networks><ip>127.0.0.1</ip></networks>
	      <profile>default</profile><quota>default</quota></default>
	    <reader><password>$servers_password</password><networks><ip>$2</ip></networks>
	      <profile>reading</profile><quota>default</quota></reader>
	    <elsewhere><password>$servers_password</password><networks><ip>$2</ip></networks>
	      <profile>default</profile><quota>default</quota>
	      <allow_databases><database>elsewhere</database></allow_databases></elsewhere>
	  </users>
	  <quotas><default></default></quotas>
	</yandex>
	XML
}

start_clickhouse() {
	local folder=$servers_folder/clickhouse http tcp
	mkdir -p "$folder"
	clickhouse_users "$folder" ::/0
	for _ in 1 2 3; do
		http=$(free_port)
		tcp=$(free_port)
		[ "$http" != "$tcp" ] || continue
		cat >"$folder/config.xml" <<-XML
		<yandex>
		  <logger><level>information</level><log>$folder/log</log><errorlog>$folder/errors</errorlog></logger>
		  <http_port>$http</http_port><tcp_port>$tcp</tcp_port><listen_host>127.0.0.1</listen_host>
		  <path>$folder/data/</path><tmp_path>$folder/tmp/</tmp_path><mark_cache_size>536870912</mark_cache_size>
		  <users_config>$folder/users.xml</users_config>
		  <default_profile>default</default_profile><default_database>default</default_database>
		  <query_log><database>system</database><table>query_log</table>
		    <flush_interval_milliseconds>${AMIG_TEST_LOG_MS:-500}</flush_interval_milliseconds></query_log>
		</yandex>
		XML
		(cd "$folder" && exec setpriv --pdeathsig KILL clickhouse-server --config-file="$folder/config.xml" \
			>"$folder/output" 2>&1 </dev/null) &
		clickhouse_pid=$!
		if await $clickhouse_pid 60 curl -sf "http://127.0.0.1:$http/ping"; then
			export AMIG_TEST_CLICKHOUSE="http://amig:$servers_password@127.0.0.1:$http/default"
			return 0
		fi
		end_process "$clickhouse_pid" KILL
	done
	tail -n 30 "$folder/log" "$folder/output" >&2
	return 1
}

# end_process PID SIGNAL: signals it, waits for its end, and after 20 seconds kills it.
end_process() {
	[ -n "$1" ] || return 0
	kill "-$2" "$1" 2>/dev/null
	for _ in {1..200}; do
		kill -0 "$1" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	return 0
}

# start_servers [postgres] [clickhouse]: both when none is named.
start_servers() {
	[ $# -gt 0 ] || set -- postgres clickhouse
	servers_folder=$(mktemp -d "${TMPDIR:-/tmp}/amig-servers.XXXXXX")
	chmod 755 "$servers_folder"
	export AMIG_TEST_SERVERS=$servers_folder
	local kind
	for kind in "$@"; do
		"start_$kind" || { echo "servers: $kind did not start" >&2; return 1; }
	done
}

stop_servers() {
	end_process "$clickhouse_pid" TERM
	end_process "$postgres_pid" INT
	clickhouse_pid=
	postgres_pid=
	[ -z "$servers_folder" ] || rm -rf "$servers_folder"
	servers_folder=
}
