# pgbouncer.sh - PgBouncer in transaction mode in front of the tests' PostgreSQL
#
# pgbouncer_start starts one on a free port; pooled URL is that database through it, narrow URL the same through a
# pool of one session. Each transaction goes to another session of the server than the one before, while there are
# several. pgbouncer_end ends it; so does the end of the script.
# shellcheck shell=bash

. "$case_root/tests/support/servers.sh"

pgbouncer_pid=
pgbouncer_start() {
	local folder=$scratch/pgbouncer at=${AMIG_TEST_POSTGRES#*@}
	local -a as=(setpriv --pdeathsig KILL)
	mkdir "$folder"
	chmod 711 "$scratch"
	at=${at%%/*}
	pgbouncer_port=$(free_port)
	echo "\"amig\" \"$servers_password\"" >"$folder/users"
	cat >"$folder/ini" <<-I
	[databases]
	amig_narrow = host=${at%:*} port=${at##*:} dbname=amig_pooled pool_size=1
	* = host=${at%:*} port=${at##*:}
	[pgbouncer]
	listen_addr = 127.0.0.1
	listen_port = $pgbouncer_port
	unix_socket_dir =
	auth_type = scram-sha-256
	auth_file = $folder/users
	admin_users = amig
	pool_mode = transaction
	default_pool_size = 4
	min_pool_size = 3
	server_round_robin = 1
	I
	if [ "$(id -u)" = 0 ]; then
		chown -R postgres: "$folder"
		as=(setpriv --reuid postgres --regid postgres --init-groups --pdeathsig KILL)
	fi
	"${as[@]}" /usr/sbin/pgbouncer "$folder/ini" >"$folder/log" 2>&1 </dev/null &
	pgbouncer_pid=$!
	await $pgbouncer_pid 20 /usr/lib/postgresql/15/bin/pg_isready -q -h 127.0.0.1 -p "$pgbouncer_port" && return 0
	cat "$folder/log"
	return 1
}
pgbouncer_end() { end_process "$pgbouncer_pid" TERM; }
pooled() { echo "postgresql://amig:$servers_password@127.0.0.1:$pgbouncer_port/${1##*/}"; }
# waiting DATABASE: how many clients wait for a session of its pool.
waiting() { psql -XAtq -F ' ' "$(pooled pgbouncer)" -c 'SHOW POOLS' | awk -v of="$1" '$1 == of { print $4 }'; }
