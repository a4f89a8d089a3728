# cluster.sh - a private cluster for the tests: two shards of two ClickHouse 18.16.1 servers each, and ZooKeeper
#
# For scripts that have sourced servers.sh: start_cluster, stop_cluster. All of it lives in one temporary folder, on free
# ports of 127.0.0.1, and ends with the shell that started it. Each server is kept by supervise: host_down and host_up end one
# and start it again. Exported: AMIG_TEST_CLUSTER, the folder, which has NAME/{pid,http,tcp} of each of a1 a2 b1 b2 (shard and
# replica) and zookeeper; AMIG_TEST_CLUSTER_URL, a connection through a1 to the cluster `main`.
# shellcheck shell=bash

cluster_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cluster_hosts='a1 a2 b1 b2'
cluster_keepers=()

# host_port NAME http|tcp
host_port() { cat "$AMIG_TEST_CLUSTER/$1/$2"; }
# host_name NAME: as system.clusters and amigrun call it.
host_name() { echo "127.0.0.1:$(host_port "$1" tcp)"; }

# ask_host NAME SQL [DATABASE]
ask_host() { curl -sS "http://127.0.0.1:$(host_port "$1" http)/?database=${3:-default}" --data-binary "$2"; }
# ask_hosts SQL: of every server, a line each.
ask_hosts() {
	local name
	for name in $cluster_hosts; do echo "$name: $(ask_host "$name" "$1" "${2:-default}")"; done
}
host_answers() { [ "$(ask_host "$1" 'SELECT 1')" = 1 ]; }

# free_ports COUNT: ports that are free and different from each other.
free_ports() {
	local -A taken=()
	while [ ${#taken[@]} -lt "$1" ]; do taken[$(free_port)]=1; done
	echo "${!taken[@]}"
}

host_remotes() {
	local shard replica
	for shard in a b; do
		echo "<shard><internal_replication>true</internal_replication>"
		for replica in 1 2; do
			echo "<replica><host>127.0.0.1</host><port>$(host_port $shard$replica tcp)</port></replica>"
		done
		echo "</shard>"
	done
}

# host_config NAME INTERSERVER_PORT
host_config() {
	local folder=$AMIG_TEST_CLUSTER/$1
	clickhouse_users "$folder" 127.0.0.1 \
		"<max_threads>2</max_threads><replication_alter_columns_timeout>5</replication_alter_columns_timeout>"
	cat >"$folder/config.xml" <<-XML
	<yandex>
	  <logger><level>information</level><log>$folder/log</log><errorlog>$folder/errors</errorlog></logger>
	  <http_port>$(host_port "$1" http)</http_port><tcp_port>$(host_port "$1" tcp)</tcp_port>
	  <interserver_http_port>$2</interserver_http_port><interserver_http_host>127.0.0.1</interserver_http_host>
	  <listen_host>127.0.0.1</listen_host><max_concurrent_queries>50</max_concurrent_queries>
	  <background_pool_size>4</background_pool_size><background_schedule_pool_size>4</background_schedule_pool_size>
	  <path>$folder/data/</path><tmp_path>$folder/tmp/</tmp_path><mark_cache_size>16777216</mark_cache_size>
	  <users_config>$folder/users.xml</users_config>
	  <default_profile>default</default_profile><default_database>default</default_database>
	  <query_log><database>system</database><table>query_log</table>
	    <flush_interval_milliseconds>500</flush_interval_milliseconds></query_log>
	  <zookeeper><node><host>127.0.0.1</host><port>$(host_port zookeeper tcp)</port></node>
	    <session_timeout_ms>4000</session_timeout_ms></zookeeper>
	  <macros><shard>${1%?}</shard><replica>${1#?}</replica></macros>
	  <distributed_ddl><path>/clickhouse/task_queue/ddl</path></distributed_ddl>
	  <remote_servers><main>$(host_remotes)</main></remote_servers>
	</yandex>
	XML
}

zookeeper_config() {
	local folder=$AMIG_TEST_CLUSTER/zookeeper
	cat >"$folder/zoo.cfg" <<-CFG
	tickTime=500
	initLimit=5
	syncLimit=2
	dataDir=$folder/data
	clientPort=$(host_port zookeeper tcp)
	clientPortAddress=127.0.0.1
	admin.enableServer=false
	CFG
}

# start_kept NAME COMMAND…
start_kept() {
	local folder=$AMIG_TEST_CLUSTER/$1
	shift
	touch "$folder/up"
	(cd "$folder" && exec "$cluster_root/tests/support/supervise" "$folder" "$@") &
	cluster_keepers+=($!)
}

zookeeper_listens() { (: <"/dev/tcp/127.0.0.1/$(host_port zookeeper tcp)") 2>/dev/null; }

start_cluster() {
	local name
	local -a ports
	[ -z "${AMIG_TEST_CLUSTER-}" ] || return 0
	AMIG_TEST_CLUSTER=$(mktemp -d "${TMPDIR:-/tmp}/amig-cluster.XXXXXX")
	export AMIG_TEST_CLUSTER
	read -ra ports < <(free_ports 14)
	for name in zookeeper $cluster_hosts; do
		mkdir "$AMIG_TEST_CLUSTER/$name"
		echo "${ports[0]}" >"$AMIG_TEST_CLUSTER/$name/tcp"
		echo "${ports[1]-}" >"$AMIG_TEST_CLUSTER/$name/http"
		ports=("${ports[@]:2}")
	done
	zookeeper_config
	start_kept zookeeper java -cp "/usr/share/java/zookeeper.jar:/usr/share/java/*" -Xmx128m -XX:+UseSerialGC \
		-XX:TieredStopAtLevel=1 -Dzookeeper.log.dir="$AMIG_TEST_CLUSTER/zookeeper" \
		org.apache.zookeeper.server.quorum.QuorumPeerMain "$AMIG_TEST_CLUSTER/zookeeper/zoo.cfg"
	await $$ 30 zookeeper_listens || { cat "$AMIG_TEST_CLUSTER/zookeeper/output" >&2; return 1; }
	for name in $cluster_hosts; do
		host_config "$name" "${ports[0]}"
		ports=("${ports[@]:1}")
		start_kept "$name" clickhouse-server --config-file="$AMIG_TEST_CLUSTER/$name/config.xml"
	done
	AMIG_TEST_CLUSTER_URL="http://amig:$servers_password@127.0.0.1:$(host_port a1 http)/default?cluster=main"
	for name in $cluster_hosts; do
		await $$ 60 host_answers "$name" || { tail -n 30 "$AMIG_TEST_CLUSTER/$name/log" >&2; return 1; }
		AMIG_TEST_CLUSTER_URL+="&host=$(host_name "$name")=127.0.0.1:$(host_port "$name" http)"
	done
	export AMIG_TEST_CLUSTER_URL
}

stop_cluster() {
	[ ${#cluster_keepers[@]} -gt 0 ] || return 0
	kill "${cluster_keepers[@]}" 2>/dev/null
	wait "${cluster_keepers[@]}" 2>/dev/null
	cluster_keepers=()
	rm -rf "$AMIG_TEST_CLUSTER"
}

host_is_gone() { ! kill -0 "$1" 2>/dev/null; }
# host_down NAME [SIGNAL]: one that stays away.
host_down() {
	local pid
	pid=$(cat "$AMIG_TEST_CLUSTER/$1/pid")
	rm -f "$AMIG_TEST_CLUSTER/$1/up"
	kill "-${2:-KILL}" "$pid"
	await $$ 30 host_is_gone "$pid"
}
host_comes() { touch "$AMIG_TEST_CLUSTER/$1/up"; }
host_up() {
	host_comes "$1"
	case $1 in
	zookeeper) await $$ 30 zookeeper_listens ;;
	*) await $$ 60 host_answers "$1" ;;
	esac
}

# cluster_ready: for scripts that have sourced case.sh; the cluster that is there, or one of the script's own.
cluster_ready() {
	trap 'stop_cluster; rm -rf "$scratch"' EXIT
	start_cluster || { failed "the cluster did not start"; exit 1; }
	export AMIG_BUNDLE=$scratch/cluster.amb
	"$AMIGC" build "$cluster_root/tests/cluster/migrations" -o "$AMIG_BUNDLE" >"$scratch/build.log" 2>&1 && return
	failed build "$scratch/build.log"
	exit 1
}
# fresh NAME: an empty database of that name on every host, and a new state.
fresh() {
	local name
	database=$1
	# A test that failed may have left one down.
	for name in zookeeper $cluster_hosts; do [ -e "$AMIG_TEST_CLUSTER/$name/up" ] || host_up "$name"; done
	ask_hosts "DROP DATABASE IF EXISTS $1" >/dev/null
	ask_hosts "CREATE DATABASE $1" >/dev/null
	AMIG_CLICKHOUSE_URL=${AMIG_TEST_CLUSTER_URL/\/default\?/\/$1\?}
	AMIG_STATE=sqlite:$scratch/$1.db
	export AMIG_STATE AMIG_CLICKHOUSE_URL
}
