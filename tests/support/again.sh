# again.sh - the ClickHouse server of start_servers killed, changed and started anew, on the same port
#
# For scripts that have sourced servers.sh and started a server of their own.
# shellcheck shell=bash

# clickhouse_again [SIGNAL [SED…]]: ends it, edits its configuration, starts it.
clickhouse_again() {
	local folder=$servers_folder/clickhouse signal=${1:-TERM}
	shift
	end_process "$clickhouse_pid" "$signal"
	[ $# = 0 ] || sed -i "$@" "$folder/config.xml"
	(cd "$folder" && exec setpriv --pdeathsig KILL clickhouse-server --config-file="$folder/config.xml" \
		>"$folder/output" 2>&1 </dev/null) &
	clickhouse_pid=$!
	await $clickhouse_pid 60 curl -sf "${AMIG_TEST_CLICKHOUSE%/*}/ping" || echo "ClickHouse does not start again"
}

# Users beside amig, with its password: `narrow` may read so few columns at once that the log of queries
# has too many; `fixed` may make no table. And the cluster `itself`.
ladder_users() {
	local user more='' profiles='' port
	for user in narrow fixed; do
		more+="<$user><password>$servers_password</password><networks><ip>::/0</ip></networks>"
		more+="<profile>$user</profile><quota>default</quota></$user>"
	done
	profiles='<narrow><log_queries>1</log_queries><max_columns_to_read>3</max_columns_to_read></narrow>'
	profiles+='<fixed><log_queries>1</log_queries><allow_ddl>0</allow_ddl></fixed>'
	sed -i -e "s#</users>#$more</users>#" -e "s#</profiles>#$profiles</profiles>#" "$servers_folder/clickhouse/users.xml"
	port=$(sed -nE 's#.*<tcp_port>([0-9]+)</tcp_port>.*#\1#p' "$servers_folder/clickhouse/config.xml")
	clickhouse_again TERM "s#</yandex>#<remote_servers><itself><shard><replica><host>127.0.0.1</host>\
<port>$port</port></replica></shard></itself></remote_servers></yandex>#"
}

# A log that is written once in a minute, and one that is written elsewhere: 18.16 has one in any case.
clickhouse_log_slow() { clickhouse_again TERM 's#>500</flush_interval#>60000</flush_interval#'; }
clickhouse_log_off() {
	clickhouse_again TERM 's#<table>query_log<#<table>log_elsewhere<#'
	clickhouse default 'DROP TABLE IF EXISTS system.query_log'
}
