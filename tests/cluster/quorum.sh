#!/bin/bash
# quorum.sh - `insert_quorum` with a replica that is down, or that takes nothing over: told, and gone on with when it is back
set -u
. "$(dirname "$0")/../support/case.sh"
. "$(dirname "$0")/../support/servers.sh"
. "$(dirname "$0")/../support/cluster.sh"

cluster_ready
# fill NAME CLAUSE
fill() {
	cat >"$scratch/$1.amig" <<-E
		migration "$1" {
		  needs clickhouse

		  operation "fill" on clickhouse {
		    retry 0
		    ${2-}
		    settings { insert_quorum: 2, insert_quorum_timeout: 500, insert_deduplicate: 0 }
		    forward  sql"INSERT INTO seen SELECT number FROM numbers(1000)"
		    rollback sql"ALTER TABLE seen DROP PARTITION tuple()"
		  }
		}
	E
}
fill 0710_undone 'in doubt undo'
fill 0711_asked
begin() {
	fresh "$1"
	ask_hosts "CREATE TABLE seen (x Int64) ENGINE =
		ReplicatedMergeTree('/amig/$1/{shard}/seen', '{replica}') ORDER BY x" "$1" >/dev/null
}
rows() { ask_hosts 'SELECT count(), uniqExact(x) FROM seen FORMAT CSV' "$database" | head -n 2 | xargs; }
are_there() { [ "$(rows)" = "a1: 1000,1000 a2: 1000,1000" ]; }
is_active() {
	local replicas
	replicas=$(ask_host a1 "SELECT active_replicas FROM system.replicas WHERE database = '$database'" "$database")
	[ "$replicas" = "$1" ]
}
is_refused() {
	expect 4 "$AMIGRUN" run "$1"
	has "the message" "$output" "$2"
	is "the migration" "$(migration "$1" status)" errored
}

a_replica_is_down() {
	begin quorum_down
	host_down a2 TERM
	await_that 20 is_active 1
	is_refused 0710_undone "Number of alive replicas (1) is less than requested quorum (2). (code 285)"
	host_up a2
	await_that 20 is_active 2
	expect 0 "$AMIGRUN" resume 0710_undone
	await_that 20 are_there
}
# What was written stays, unseen by who asks for what the quorum has, and nothing more is taken until it is complete.
a_replica_takes_nothing_over() {
	begin quorum_asked
	ask_host a2 'SYSTEM STOP FETCHES seen' "$database"
	expect 6 "$AMIGRUN" run 0711_asked
	has "the message" "$output" "it is not known" "Timeout while waiting for quorum"
	expect 0 "$AMIGRUN" resolve 0711_asked --again
	expect 6 "$AMIGRUN" resume 0711_asked
	has "the message" "$output" "Quorum for previous write has not been satisfied yet" "part_name: all_0_0_0"
	ask_host a2 'SYSTEM START FETCHES seen' "$database"
	await_that 20 are_there
	expect 0 "$AMIGRUN" resolve 0711_asked --done
	expect 0 "$AMIGRUN" resume 0711_asked
	are_there || die "the rows are $(rows)"
}
what_is_there_without_a_quorum_is_undone() {
	begin quorum_undone
	ask_host a2 'SYSTEM STOP FETCHES seen' "$database"
	is_refused 0710_undone "Timeout while waiting for quorum (code 319)"
	ask_host a2 'SYSTEM START FETCHES seen' "$database"
	await_that 20 are_there
	expect 0 "$AMIGRUN" resume 0710_undone
	has "what is told" "$output" "the operation is undone and begins anew"
	await_that 20 are_there
}

build quorum "$scratch"/*.amig
name="cluster, quorum"
check "$name/a replica is down" a_replica_is_down
check "$name/a replica takes nothing over" a_replica_takes_nothing_over
check "$name/what is there without a quorum is undone" what_is_there_without_a_quorum_is_undone
report_end
