#!/bin/bash
# person_versions.sh - persons by their version, and those of PostgreSQL copied into a cluster, each shard having its part:
# to the end, killed again and again, undone
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/servers.sh"
. "$case_root/tests/support/cluster.sh"
. "$case_root/tests/support/person.sh"

all=everyone
ask() { ask_host a1 "$1" "$database"; }
# begin NAME
begin() {
	local path
	fresh "$1"
	persons_of_postgres
	path="/amig/$1/{shard}/person"
	ask_hosts "CREATE TABLE person ($person_columns) ENGINE = ReplicatedReplacingMergeTree('$path', '{replica}', _timestamp)
		ORDER BY (team_id, id)" "$1" >/dev/null
	ask_hosts "CREATE TABLE everyone AS person ENGINE = Distributed(main, $1, person, cityHash64(toString(id)))" \
		"$1" >/dev/null
	ask_hosts "CREATE TABLE kafka_person ($person_columns) ENGINE = Null" "$1" >/dev/null
	ask_hosts "CREATE MATERIALIZED VIEW person_mv TO person AS SELECT $person_names FROM kafka_person" "$1" >/dev/null
	curl -sS "http://127.0.0.1:$(host_port a1 http)/?database=$1&insert_distributed_sync=1" \
		--data-binary "$(persons_of_clickhouse everyone)"
	await_that 20 replicated person
	before=$(person_hash)
}
# Both replicas of each shard have the same.
replicated() {
	local shard sum
	sum="SELECT count(), sum(cityHash64(toString(id), version, properties)) FROM $1"
	for shard in a b; do
		[ "$(ask_host ${shard}1 "$sum" "$database")" = "$(ask_host ${shard}2 "$sum" "$database")" ] || return 1
	done
}
tables_everywhere() {
	ask_hosts "SELECT groupArray(name) FROM (SELECT name FROM system.tables WHERE database = '$database'
		AND name NOT LIKE 'amig_%' ORDER BY name)" | cut -d' ' -f2- | sort -u
}
is_migrated() {
	await_that 20 replicated person
	persons_are_migrated "everyone kafka_person person person_backup_0005 person_mv"
	is "the tables of each host" "$(tables_everywhere)" \
		"['everyone','kafka_person','person','person_backup_0005','person_mv']"
}
is_as_before() {
	is "the row" "$(migration $person status)" rolled_back
	is "the rows" "$(person_hash)" "$before"
	is "the tables of each host" "$(tables_everywhere)" "['everyone','kafka_person','person','person_mv']"
	persons_are_fed
}
to_the_end_and_back() {
	begin person_all
	expect 0 person_run --param goal=everyone
	is_migrated
	expect 0 "$AMIGRUN" rollback $person --yes
	is_as_before
}
dying() { AMIG_FAULT=after_effect:5 person_run --param goal=everyone; }
dies_again_and_again() {
	begin person_dies
	dies_on 2 dying
	is_migrated
	AMIG_FAULT=during_effect:2 expect 137 "$AMIGRUN" rollback $person --yes
	expect 0 "$AMIGRUN" rollback $person --yes
	is_as_before
}

cluster_ready
build person "$case_root/migrations.d/$person.amig" >"$scratch/build.log" 2>&1 ||
	{ failed "cluster, person_versions/build"; exit 1; }
check "cluster, person_versions/to the end and back" to_the_end_and_back
check "cluster, person_versions/killed again and again" dies_again_and_again
report_end
