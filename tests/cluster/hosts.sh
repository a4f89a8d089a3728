#!/bin/bash
# hosts.sh - `per shard` and `per replica`: all hosts at once, what is done stays done, also when hosts or amigrun die
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/servers.sh"
. "$case_root/tests/support/cluster.sh"
. "$case_root/tests/support/kill.sh"

# Shard a has 100 rows whose sum is 4950, shard b 200 of 39800; begin NAME [MATERIALIZED COLUMN]
begin() {
	local table
	fresh "$1"
	tables=$((${tables-0} + 1))
	for table in seen copied; do
		ask_hosts "CREATE TABLE $table (x Int64${2+, $2}) ENGINE =
			ReplicatedMergeTree('/amig/$1$tables/{shard}/$table', '{replica}') ORDER BY x" "$1" >/dev/null
	done
	ask_host a1 'INSERT INTO seen (x) SELECT number FROM numbers(100)' "$1"
	ask_host b1 'INSERT INTO seen (x) SELECT number * 2 FROM numbers(200)' "$1"
	await_that 10 replicated seen
}
replicated() {
	[ "$(ask_host a2 "SELECT sum(x) FROM $1" "$database") $(ask_host b2 "SELECT sum(x) FROM $1" "$database")" = '4950 39800' ]
}
copied() { ask_hosts 'SELECT count(), sum(x) FROM copied FORMAT CSV' "$database"; }
noted() { ask_hosts 'EXISTS TABLE noted' "$database"; }
is_migrated() {
	is "the row" "$(migration 0701_hosts status current_operation_index)" "completed|6"
	await_that 40 replicated copied
	is "the copies" "$(copied)" "a1: 100,4950
a2: 100,4950
b1: 200,39800
b2: 200,39800"
	is "the notes" "$(noted | sort -u -k 2)" "a1: 1"
}
is_undone() {
	is "the row" "$(migration 0701_hosts status)" rolled_back
	await_that 40 is_empty
	is "the notes" "$(noted | sort -u -k 2)" "a1: 0"
}
is_empty() { [ "$(copied | sort -u -k 2)" = "a1: 0,0" ]; }

all_hosts_at_once() {
	begin hosts_each
	expect 0 "$AMIGRUN" plan 0701_hosts
	has "the plan" "$output" "0. copy (shard 1, $(host_name a1)) (on clickhouse@$(host_name a1))" \
		"1. copy (shard 2, $(host_name b1))" "5. note (shard 2, replica 2, $(host_name b2))"
	expect 0 "$AMIGRUN" run 0701_hosts
	is_migrated
	is "the journal" "$(state 'SELECT operation_index, connection, count(*) FROM @effect GROUP BY 1, 2 ORDER BY 1')" \
"0|clickhouse@$(host_name a1)|3
1|clickhouse@$(host_name b1)|3
2|clickhouse@$(host_name a1)|1
3|clickhouse@$(host_name a2)|1
4|clickhouse@$(host_name b1)|1
5|clickhouse@$(host_name b2)|1"
	is "the blocks" "$(state 'SELECT block, at_once, count(*) FROM @operation GROUP BY 1, 2 ORDER BY 1' | xargs)" \
		"1|64|2 2|64|4"
	expect 0 "$AMIGRUN" status 0701_hosts
	has "the status" "$output" "done         note (shard 1, replica 2, $(host_name a2)), up to 64 at once in block 2"
	expect 0 "$AMIGRUN" rollback 0701_hosts --yes
	is_undone
}

# Without a cluster the connection's own server is all there is.
one_server() {
	begin hosts_one
	AMIG_CLICKHOUSE_URL="http://amig:$servers_password@127.0.0.1:$(host_port b1 http)/hosts_one"
	expect 0 "$AMIGRUN" run 0701_hosts
	is "the row" "$(migration 0701_hosts status current_operation_index)" "completed|2"
	is "the notes" "$(noted)" "a1: 0
a2: 0
b1: 1
b2: 0"
}

another_replica_stands_for_its_shard() {
	begin hosts_other
	host_down b1
	expect 4 "$AMIGRUN" run 0701_hosts
	has "the message" "$output" "[2/6] copy (shard 2, $(host_name b2))" "note (shard 2, replica 1, $(host_name b1))"
	is "the row" "$(migration 0701_hosts status current_operation_index)" "errored|4"
	host_up b1
	expect 0 "$AMIGRUN" resume 0701_hosts
	is_migrated
	is "the effects that were made" "$(state 'SELECT count(*), max(attempt) FROM @effect')" "10|1"
}

no_replica_of_a_shard() {
	begin hosts_none
	host_down b1
	host_down b2
	expect 4 "$AMIGRUN" run 0701_hosts
	has "the message" "$output" 'no replica of shard 2 of the cluster "main" can be reached' \
		"$(host_name b1): " "$(host_name b2): "
	is "the row" "$(migration 0701_hosts status)" failed_at_startup
	host_up b1
	host_up b2
	expect 0 "$AMIGRUN" run 0701_hosts
	is_migrated
}

copies_on_b1() { [ "$(ask_host b1 "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO copied%'")" = 1 ]; }
copies_on_a1() { [ "$(ask_host a1 "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO copied%'")" = 1 ]; }
copies_on_both() { copies_on_b1 && copies_on_a1; }
# Half a copy is on that host alone, and another takes nothing over: it is waited for, undone and made again there.
a_replica_dies_in_its_part() {
	begin hosts_dies 'pause UInt8 MATERIALIZED sleepEachRow(0.01)'
	"$AMIGRUN" run 0701_hosts >"$scratch/out" 2>&1 &
	runner=$!
	await_that 30 copies_on_b1
	host_down b1
	sleep 1
	host_up b1
	wait $runner || { cat "$scratch/out"; expect 0 "$AMIGRUN" resume 0701_hosts; }
	cat "$scratch/out"
	is_migrated
	is "the first shard's operation" "$(state 'SELECT attempts FROM @operation WHERE operation_index = 0')" 1
}

stops_in_a_part() {
	begin hosts_stop 'pause UInt8 MATERIALIZED sleepEachRow(0.014)' # of 200 rows; more than 3 s a block are refused
	"$AMIGRUN" run 0701_hosts >"$scratch/out" 2>&1 &
	runner=$!
	await_that 30 copies_on_both
	expect 0 "$AMIGRUN" stop 0701_hosts --now
	wait $runner
	is "the exit status" $? 5
	copies_on_b1 && die "it runs on b1 still"
	copies_on_a1 && die "it runs on a1 still"
	snapshot=$(done_operations)
	expect 0 "$AMIGRUN" resume 0701_hosts
	stays "$snapshot" "$(done_operations)"
	is_migrated
}

reset() { begin hosts_killed >/dev/null; rm -f "$scratch/hosts_killed.db"; }
finish() { "$AMIGRUN" run 0701_hosts; }
completed_first() {
	reset
	finish || die "the run before the rollback failed"
}
undo() { [ "$(migration 0701_hosts status)" = rolled_back ] || "$AMIGRUN" rollback 0701_hosts --yes; }

cluster_ready
check "cluster, hosts/all hosts at once, and back" all_hosts_at_once
check "cluster, hosts/one server that is no cluster" one_server
check "cluster, hosts/a replica that is away does not stand for its shard, and is missed where every one is meant" \
	another_replica_stands_for_its_shard
check "cluster, hosts/a shard without a replica: nothing begins" no_replica_of_a_shard
check "cluster, hosts/a replica dies in its part, which is made again there" a_replica_dies_in_its_part
check "cluster, hosts/stopped in a part, on its host" stops_in_a_part
if [ "${AMIG_CRASH-}" = all ]; then
	kill_matrix "cluster, hosts" reset finish is_migrated
	backwards=yes kill_matrix "cluster, hosts, undoing" completed_first undo is_undone
else
	kill_matrix "cluster, hosts" reset finish is_migrated after_effect
	backwards=yes kill_matrix "cluster, hosts, undoing" completed_first undo is_undone after_effect
fi
report_end
