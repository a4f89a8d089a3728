#!/bin/bash
# mutations.sh - a mutation on each shard, awaited on every replica, also on one that is away, and over a restart of ZooKeeper
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/servers.sh"
. "$case_root/tests/support/cluster.sh"

# y stays 0 until it is 2 * x.
begin() {
	fresh "$1"
	ask_hosts "CREATE TABLE seen (x Int64, y Int64) ENGINE =
		ReplicatedMergeTree('/amig/$1/{shard}/seen', '{replica}') ORDER BY x" "$1" >/dev/null
	ask_host a1 'INSERT INTO seen (x) SELECT number FROM numbers(100)' "$1"
	ask_host b1 'INSERT INTO seen (x) SELECT number FROM numbers(200)' "$1"
	await_that 20 replicated "$1"
}
replicated() { [ "$(ask_host a2 'SELECT count() FROM seen' "$1") $(ask_host b2 'SELECT count() FROM seen' "$1")" = '100 200' ]; }
is_migrated() {
	is "the row" "$(migration 0702_mutation status current_operation_index)" "completed|6"
	is "the rows" "$(ask_hosts 'SELECT sum(y), min(y = 2 * x) FROM seen FORMAT CSV' "$database")" "a1: 9900,1
a2: 9900,1
b1: 39800,1
b2: 39800,1"
}
is_made_once() { is "the mutations" "$(ask_host b1 "SELECT count() FROM system.mutations WHERE database = '$database'")" 1; }

awaited_on_every_replica() {
	begin mutation_all
	expect 0 "$AMIGRUN" run 0702_mutation
	has "what it did" "$output" "mutations of mutation_all.seen (shard 2, replica 2, $(host_name b2))"
	is_migrated
	is_made_once
}

without_a_replica() {
	begin mutation_absent
	host_down b2
	expect 4 "$AMIGRUN" run 0702_mutation
	has "the message" "$output" "replica 2, $(host_name b2)" "clickhouse@$(host_name b2)"
	is "the row" "$(migration 0702_mutation status current_operation_index)" "errored|5"
	host_up b2
	expect 0 "$AMIGRUN" resume 0702_mutation
	is_migrated
	is_made_once
	is "the effects" "$(state 'SELECT operation_index, attempt, outcome FROM @effect ORDER BY 1, 2')" "0|1|done
1|1|done"
}

# Its tables are read-only meanwhile: whatever the server says, it is as if made once in the end.
zookeeper_restarts() {
	begin mutation_zookeeper
	host_down zookeeper
	"$AMIGRUN" run 0702_mutation --no-auto-rollback >"$scratch/out" 2>&1 &
	runner=$!
	sleep 3
	host_up zookeeper
	if ! wait $runner; then
		cat "$scratch/out"
		await_that 30 is_writable
		expect 0 "$AMIGRUN" resume 0702_mutation
	fi
	is_migrated # by one mutation, or by one, its undoing, and another
}
is_writable() {
	[ "$(ask_hosts "SELECT sum(is_readonly) FROM system.replicas WHERE database = '$database'" | sort -u -k 2)" = 'a1: 0' ]
}

cluster_ready
check "cluster, mutations/awaited on every replica" awaited_on_every_replica
check "cluster, mutations/a replica that is away is missed, and awaited by a resume" without_a_replica
check "cluster, mutations/ZooKeeper away at the beginning" zookeeper_restarts
report_end
