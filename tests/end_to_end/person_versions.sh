#!/bin/bash
# person_versions.sh - persons by their version, and those of PostgreSQL copied into ClickHouse 18.16.1: to the end, killed again
# and again, undone
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/person.sh"
export AMIG_LEASE=1s

all=person
ask() { clickhouse person_versions "$1"; }
fresh() {
	rm -f "$scratch"/state.db*
	persons_of_postgres
	AMIG_CLICKHOUSE_URL=$(new_clickhouse person_versions)
	export AMIG_CLICKHOUSE_URL AMIG_STATE=sqlite:$scratch/state.db
	ask "CREATE TABLE person ($person_columns) ENGINE = ReplacingMergeTree(_timestamp) ORDER BY (team_id, id)"
	ask "CREATE TABLE kafka_person ($person_columns) ENGINE = Null"
	ask "CREATE MATERIALIZED VIEW person_mv TO person AS SELECT $person_names FROM kafka_person"
	ask "$(persons_of_clickhouse person)"
	before="$(person_hash) $(person_engine)"
}
is_migrated() {
	persons_are_migrated "kafka_person person person_backup_0005 person_mv"
	persons_are_fed
}
is_as_before() {
	is "the row" "$(migration $person status)" rolled_back
	is "the rows and the engine" "$(person_hash) $(person_engine)" "$before"
	is "the tables" "$(person_tables)" "kafka_person person person_mv"
	persons_are_fed
}
to_the_end_and_back() {
	fresh
	expect 0 person_run
	is_migrated
	expect 0 "$AMIGRUN" rollback $person --yes
	is_as_before
	# And once more, as if nothing had been.
	expect 0 "$AMIGRUN" run $person
	is "the row" "$(migration $person status)" completed
}
dying() { AMIG_FAULT=$fault person_run; }
dies_again_and_again() {
	fresh
	fault=$1:5 dies_on 2 dying
	is_migrated
	AMIG_FAULT=$1:2 expect 137 "$AMIGRUN" rollback $person --yes
	AMIG_FAULT=$1:2 expect 137 "$AMIGRUN" rollback $person --yes
	expect 0 "$AMIGRUN" rollback $person --yes
	is_as_before
}
undone_half_way() {
	local at
	for at in 3 5 7; do
		fresh
		expect 5 person_run --operations $at
		expect 0 "$AMIGRUN" rollback $person --yes
		is_as_before
	done
}
# Where nothing feeds it, and where it has been done.
without_a_queue() {
	fresh
	ask 'DROP TABLE person_mv'
	ask 'DROP TABLE kafka_person'
	expect 0 person_run
	persons_are_migrated "person person_backup_0005"
	rm -f "$scratch"/state.db*
	expect 0 person_run
	is "the operations" "$(state 'SELECT count(*) FROM @operation')" 0
}

build person "$case_root/migrations.d/$person.amig" >"$scratch/build.log" 2>&1 ||
	{ failed "person_versions/build" "$scratch/build.log"; exit 1; }
check "person_versions/to the end and back" to_the_end_and_back
check "person_versions/killed after effects" dies_again_and_again after_effect
check "person_versions/killed in effects" dies_again_and_again during_effect
check "person_versions/undone half way" undone_half_way
check "person_versions/without a queue" without_a_queue
report_end
