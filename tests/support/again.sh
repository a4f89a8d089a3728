# again.sh - servers of a script's own that are killed, changed and started anew, on the same ports
#
# For scripts that have sourced servers.sh: keep_servers in place of start_servers, kept_end in place of
# stop_servers. A test is a subshell, which the server that it kills must outlive: so another process
# keeps it (keep).
# shellcheck shell=bash

keepers=()

# keep_one NAME SIGNAL COMMAND…: takes over what start_NAME has started.
keep_one() {
	local folder=$servers_folder/$1 pid=$1_pid signal=$2
	shift 2
	end_process "${!pid}" "$signal"
	declare -g "$pid="
	(cd "$folder" && exec setpriv --pdeathsig TERM "$case_root/tests/support/keep" "$folder/pid" "$@" \
		>>"$folder/output" 2>&1) &
	keepers+=($!)
}

# keep_servers KIND…
keep_servers() {
	local kind port
	local -a as=()
	start_servers "$@" || return 1
	for kind in "$@"; do
		case $kind in
		clickhouse)
			more_users
			keep_one clickhouse TERM clickhouse-server "--config-file=$servers_folder/clickhouse/config.xml"
			clickhouse_ready || return 1 ;;
		postgres)
			port=${AMIG_TEST_POSTGRES##*:}
			[ "$(id -u)" != 0 ] || as=(setpriv --reuid postgres --regid postgres --init-groups)
			touch "$servers_folder/postgres/output"
			keep_one postgres INT "${as[@]}" /usr/lib/postgresql/15/bin/postgres -D "$servers_folder/postgres/data" \
				-p "${port%/*}" -k "$servers_folder/postgres" -h 127.0.0.1 -c fsync=off
			postgres_ready || return 1 ;;
		esac
	done
}
kept_end() {
	[ ${#keepers[@]} = 0 ] || kill "${keepers[@]}" 2>/dev/null
	wait "${keepers[@]}" 2>/dev/null
	stop_servers
}

clickhouse_ready() { await $$ 60 curl -sf "${AMIG_TEST_CLICKHOUSE%/*}/ping" || echo "ClickHouse does not start again"; }
postgres_ready() { await $$ 30 psql -XAtq "$AMIG_TEST_POSTGRES" -c 'SELECT 1' || echo "PostgreSQL does not start again"; }

# is_new NAME PID: there is another one.
is_new() { [ "$(cat "$servers_folder/$1/pid")" != "$2" ]; }
# again NAME SIGNAL: ends it and waits until it answers. QUIT ends PostgreSQL as a crash does.
again() {
	local pid
	pid=$(cat "$servers_folder/$1/pid")
	kill "-$2" "$pid"
	await $$ 60 is_new "$1" "$pid"
	"$1_ready"
}
# clickhouse_with SED: started anew with its configuration edited.
clickhouse_with() {
	sed -i "$1" "$servers_folder/clickhouse/config.xml"
	again clickhouse TERM
}

# Users beside amig, with its password: `narrow` may read so few columns at once that the log of queries
# has too many; `fixed` may make no table, `reader` may change nothing. And the cluster `itself`.
more_users() {
	local user more='' profiles='' port folder=$servers_folder/clickhouse
	for user in narrow fixed reader; do
		more+="<$user><password>$servers_password</password><networks><ip>::/0</ip></networks>"
		more+="<profile>$user</profile><quota>default</quota></$user>"
	done
	profiles='<narrow><log_queries>1</log_queries><max_columns_to_read>3</max_columns_to_read></narrow>'
	profiles+='<fixed><log_queries>1</log_queries><allow_ddl>0</allow_ddl></fixed>'
	profiles+='<reader><readonly>1</readonly></reader>'
	sed -i -e "s#</users>#$more</users>#" -e "s#</profiles>#$profiles</profiles>#" "$folder/users.xml"
	port=$(sed -nE 's#.*<tcp_port>([0-9]+)</tcp_port>.*#\1#p' "$folder/config.xml")
	sed -i "s#</yandex>#<remote_servers><itself><shard><replica><host>127.0.0.1</host><port>$port</port>\
</replica></shard></itself></remote_servers></yandex>#" "$folder/config.xml"
}

# A log that is written once in a minute, and one that is written elsewhere: 18.16 has one in any case.
clickhouse_log_slow() { clickhouse_with 's#>500</flush_interval#>60000</flush_interval#'; }
clickhouse_log_off() {
	clickhouse_with 's#<table>query_log<#<table>log_elsewhere<#'
	clickhouse default 'DROP TABLE IF EXISTS system.query_log'
}
