#!/bin/bash
# ddl.sh - ON CLUSTER: every host's answer counts, also of one that is away, and after a death or a stop meanwhile
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/servers.sh"
. "$case_root/tests/support/cluster.sh"

columns_of_seen() {
	ask_hosts "SELECT name FROM system.columns WHERE database = '$database' AND table = 'seen' ORDER BY name FORMAT CSV"
}
on_all() { local name; for name in $cluster_hosts; do echo "$name: $1"; done; }
is_migrated() {
	is "the row" "$(migration 0700_ddl status current_operation_index)" "completed|3"
	is "the tables" "$(ask_hosts "EXISTS TABLE $database.apart")" "$(on_all 1)"
	is "the columns" "$(columns_of_seen)" "$(on_all '"x"
"y"')"
}
# What ends up undone leaves nothing on any host.
is_undone() {
	is "the row" "$(migration 0700_ddl status)" rolled_back
	is "the columns" "$(columns_of_seen)" "$(on_all '')"
}

every_host_does_it() {
	fresh ddl_all
	expect 0 "$AMIGRUN" run 0700_ddl
	is_migrated
	expect 0 "$AMIGRUN" rollback 0700_ddl --yes
	is_undone
}

# 18.16 says nothing but the first error: as if it had not happened anywhere.
one_host_fails() {
	fresh ddl_fails
	ask_host b1 'CREATE TABLE apart (x Int64) ENGINE = Log' ddl_fails
	expect 6 "$AMIGRUN" run 0700_ddl
	has "the message" "$output" "on $(host_name b1): Table ddl_fails.apart already exists" \
		"done on $(host_name a1), $(host_name a2), $(host_name b2)"
	is "the row" "$(migration 0700_ddl status current_operation_index)" "errored|2"
	expect 0 "$AMIGRUN" resolve 0700_ddl --done
	expect 0 "$AMIGRUN" resume 0700_ddl
	is_migrated
}

every_host_fails() {
	fresh ddl_none
	ask_host a1 'CREATE TABLE apart ON CLUSTER main (x Int64) ENGINE = Log' ddl_none
	expect 1 "$AMIGRUN" run 0700_ddl
	has "the message" "$output" "$(host_name a1): " "$(host_name a2): " "$(host_name b1): " "$(host_name b2): "
	is_undone
}

# One replica of a shard makes an ALTER and waits for the other for a while: it is done in the end.
alter_without_a_replica() {
	fresh ddl_alter
	expect 5 "$AMIGRUN" run 0700_ddl --operations 1
	host_down b2
	"$AMIGRUN" resume 0700_ddl >"$scratch/out" 2>&1 &
	runner=$!
	sleep 7
	host_up b2
	wait $runner || die "$(cat "$scratch/out")"
	is_migrated
}

is_begun() { [ "$(state 'SELECT count(*) FROM @effect' 2>/dev/null)" = 1 ]; }
# In the background, until the statement is on its way to three hosts.
begin_without_b2() {
	fresh "$1"
	host_down b2
	"$AMIGRUN" run 0700_ddl >"$scratch/out" 2>&1 &
	runner=$!
	await_that 20 is_begun
}

an_absent_host_is_waited_for() {
	begin_without_b2 ddl_absent
	sleep 7 # longer than the server itself waits
	is "the row" "$(migration 0700_ddl status current_operation_index)" "running|0"
	host_up b2
	wait $runner || die "$(cat "$scratch/out")"
	is_migrated
}

a_stop_does_not_wait_for_an_absent_host() {
	begin_without_b2 ddl_stop
	sleep 1
	expect 0 "$AMIGRUN" stop 0700_ddl --now
	wait $runner
	is "the exit status" $? 5
	host_up b2
	expect 0 "$AMIGRUN" resume 0700_ddl
	has "what it found" "$output" "it has happened"
	is_migrated
}

a_dead_runner_is_followed() {
	begin_without_b2 ddl_dead
	sleep 7 # its server waits no more either
	kill -KILL $runner
	wait $runner
	host_up b2
	expect 0 "$AMIGRUN" resume 0700_ddl
	has "what it found" "$output" "every host has done it"
	is_migrated
}

# With `timeout`: the operation is in doubt then, and the message says who has not done it.
an_absent_host_is_named() {
	fresh ddl_named
	expect 5 "$AMIGRUN" run 0700_ddl --operations 2
	host_down b2
	expect 6 "$AMIGRUN" resume 0700_ddl
	has "the message" "$output" "not yet done on $(host_name b2)" "done on $(host_name a1), $(host_name a2), $(host_name b1)"
	host_up b2
	expect 0 "$AMIGRUN" resume 0700_ddl
	is_migrated
	expect 0 "$AMIGRUN" rollback 0700_ddl --yes
	is_undone
}

zookeeper_restarts() {
	fresh ddl_zookeeper
	host_down zookeeper
	"$AMIGRUN" run 0700_ddl >"$scratch/out" 2>&1 &
	runner=$!
	sleep 3
	host_up zookeeper
	wait $runner || expect 0 "$AMIGRUN" resume 0700_ddl
	cat "$scratch/out"
	is_migrated
}

cluster_ready
check "cluster, ddl/every host does it, and undoes it" every_host_does_it
check "cluster, ddl/where one host fails, the others are named as done, and it is in doubt" one_host_fails
check "cluster, ddl/where every host fails for good, it has not happened" every_host_fails
check "cluster, ddl/a host that is away is waited for" an_absent_host_is_waited_for
check "cluster, ddl/a stop does not wait for a host that is away, a resume finds out" a_stop_does_not_wait_for_an_absent_host
check "cluster, ddl/killed meanwhile, what every host did is found out" a_dead_runner_is_followed
check "cluster, ddl/an ALTER of a shard of which one replica is away" alter_without_a_replica
check "cluster, ddl/behind a timeout the host that is missing is named" an_absent_host_is_named
check "cluster, ddl/ZooKeeper away at the beginning" zookeeper_restarts
report_end
