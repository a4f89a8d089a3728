#!/bin/bash
# persons.sh - what is known of persons and groups is put onto events, with dictionaries and one
# mutation, in ClickHouse's engine inside of amigrun: to the end, killed again and again, undone,
# with a bad result
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/chdb.sh"
export AMIG_LEASE=1s
migration=0007_persons_on_events

# Two distinct ids of one person, an older version of a person, a deleted person, events out of the
# range, of another team, and in a group that nobody knows.
cat >"$scratch/0000_before.amig" <<'E'
migration "0000_before" {
  needs db: chdb
  param rows: int = 1000
  param lost: int = 0
  param known: int = 0
  operation "all" on db {
    idempotent
    forward {
      exec sql"""CREATE TABLE person (id UUID, team_id Int64, properties String, created_at DateTime,
        is_deleted Int8, version UInt64)
        ENGINE = ReplacingMergeTree(version) ORDER BY (team_id, id)"""
      exec sql"""CREATE TABLE person_distinct_id2 (team_id Int64, distinct_id String, person_id UUID,
        is_deleted Int8, version Int64)
        ENGINE = ReplacingMergeTree(version) ORDER BY (team_id, distinct_id)"""
      exec sql"""CREATE TABLE groups (group_type_index UInt8, group_key String, created_at DateTime, team_id Int64,
        group_properties String, _timestamp DateTime) ENGINE = ReplacingMergeTree(_timestamp)
        ORDER BY (team_id, group_type_index, group_key)"""
      exec sql"""CREATE TABLE events (uuid UInt64, team_id Int64, distinct_id String, timestamp DateTime, person_id UUID,
        person_properties String, person_created_at DateTime, `$group_0` String, `$group_1` String, `$group_2` String,
        `$group_3` String, `$group_4` String, group0_properties String, group1_properties String, group2_properties String,
        group3_properties String, group4_properties String, group0_created_at DateTime, group1_created_at DateTime,
        group2_created_at DateTime, group3_created_at DateTime, group4_created_at DateTime)
        ENGINE = MergeTree PARTITION BY toYYYYMM(timestamp) ORDER BY (team_id, uuid)"""
      exec sql"SYSTEM STOP MERGES"
      exec sql"""INSERT INTO person SELECT reinterpretAsUUID(toUInt128(number + 1)), 1, concat('{"n":', toString(number), '}'),
        toDateTime('2021-01-01 00:00:00') + number, 0, 2 FROM numbers(50)"""
      exec sql"""INSERT INTO person SELECT id, team_id, '{"old":1}', created_at, 0, 1 FROM person
        WHERE id < reinterpretAsUUID(toUInt128(10))"""
      exec sql"INSERT INTO person VALUES (reinterpretAsUUID(toUInt128(100)), 1, '{\"gone\":1}', now(), 1, 3)"
      exec sql"""INSERT INTO person_distinct_id2 SELECT 1, concat('u', toString(number)),
        reinterpretAsUUID(toUInt128(intDiv(number, 2) + 1)), 0, 1 FROM numbers(100)"""
      exec sql"""INSERT INTO groups VALUES (0, 'g', '2020-05-05 00:00:00', 1, '{"g":0}', now()),
        (1, 'g', '2020-06-06 00:00:00', 1, '{"g":1}', now())"""
      exec sql"""INSERT INTO events (uuid, team_id, distinct_id, timestamp, `$group_0`, `$group_1`)
        SELECT number, 1, concat('u', toString(number % 100)), toDateTime('2021-01-15 00:00:00') + 86400 * 31 * (number % 12),
        'g', if(number % 2 = 0, 'g', 'nobody') FROM numbers(${rows})"""
      exec sql"""INSERT INTO events (uuid, team_id, distinct_id, timestamp) VALUES
        (4000000001, 1, 'u1', '2019-01-01 00:00:00'), (4000000002, 2, 'u1', '2021-02-02 00:00:00')"""
      exec sql"""INSERT INTO events (uuid, team_id, distinct_id, timestamp)
        SELECT 5000000000 + number, 1, 'nobody', toDateTime('2021-03-03 00:00:00') FROM numbers(${lost})"""
      exec sql"""INSERT INTO events (uuid, team_id, distinct_id, timestamp, person_id, group0_properties)
        SELECT 6000000003, 1, 'u1', toDateTime('2021-02-02 00:00:00'), toUUID('00000000-0000-0000-0000-000000000007'), 'known'
        FROM numbers(${known})"""
    }
    rollback nothing
  }
}
E

export AMIG_STATE=sqlite:$scratch/state.db AMIG_CHDB=$scratch/data AMIG_CLICKHOUSE_URL=chdb:$scratch/data
export AMIG_APP_VERSION=1.41.0
# fresh [--param NAME=VALUE…]
fresh() {
	rm -rf "$scratch"/*.db* "$scratch/data" "$scratch/out"
	AMIG_DB_URL=$AMIG_CHDB AMIG_STATE=sqlite:$scratch/before.db expect 0 "$AMIGRUN" run 0000_before "$@"
}
tables() { chdb 'SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name' | paste -sd ' '; }
# Events that are as they should be, of so many.
filled() {
	chdb "SELECT concat(toString(countIf(
		person_id = reinterpretAsUUID(toUInt128(intDiv(toUInt64(substring(distinct_id, 2)), 2) + 1))
		AND person_properties = concat('{\"n\":', toString(intDiv(toUInt64(substring(distinct_id, 2)), 2)), '}')
		AND toYear(person_created_at) = 2021 AND group0_properties = '{\"g\":0}' AND toYear(group0_created_at) = 2020
		AND group1_properties = if(uuid % 2 = 0, '{\"g\":1}', '{}') AND group2_properties = '{}')), ' of ',
		toString(count()))
		FROM events WHERE uuid < 1000000000"
}
untouched() {
	chdb "SELECT toString(count()) FROM events WHERE uuid = $1 AND person_properties = '' AND group0_properties = ''"
}
codec() { chdb "SELECT compression_codec FROM system.columns WHERE table = 'events' AND name = 'person_properties'"; }
unfinished() { chdb "SELECT toString(countIf(NOT is_done)) FROM system.mutations WHERE table = 'events'"; }
only='events groups person person_distinct_id2'

fills_every_event() {
	fresh
	expect 0 "$AMIGRUN" run $migration --param worst=0.01
	is "what is filled" "$(filled)" "1000 of 1000"
	is "what is out of the range" "$(untouched 4000000001)" 1
	is "the tables" "$(tables)" "$only"
	is "the codec" "$(codec)" "CODEC(ZSTD(3))"
	expect 0 "$AMIGRUN" run $migration
}
of_one_team() {
	fresh
	expect 0 "$AMIGRUN" run $migration --param team=1
	is "the other team's" "$(untouched 4000000002)" 1
	is "what is filled" "$(filled)" "1000 of 1000"
}
nothing_is_done_where_all_is_filled() {
	fresh
	expect 0 "$AMIGRUN" run $migration --param worst=1.0
	rm -f "$scratch"/state.db*
	chdb "SELECT toString(count()) FROM events WHERE empty(person_id)"
	expect 0 "$AMIGRUN" run $migration
}
# Each life makes again what was in doubt, and a bit more.
dies_again_and_again() {
	fresh
	AMIG_FAULT=$1 dies_on 6 "$AMIGRUN" run $migration
	is "what is filled" "$(filled)" "1000 of 1000"
	is "the tables" "$(tables)" "$only"
	is "the mutations of events" "$(unfinished)" 0
}
after_effects() { dies_again_and_again after_effect:4; }
in_effects() { dies_again_and_again during_effect:4; }
the_progress_is_the_mutations() {
	local pid seen
	fresh --param rows=1500000
	"$AMIGRUN" run $migration >"$scratch/out" 2>&1 &
	pid=$!
	await_that 60 grep -qs 'fill the events' "$scratch/out"
	while kill -0 $pid 2>/dev/null; do
		migration $migration progress
		sleep 0.2
	done >"$scratch/progress"
	wait $pid || die "$(cat "$scratch/out")"
	is "what is filled" "$(filled)" "1500000 of 1500000"
	seen=$(sort -u "$scratch/progress" | wc -l)
	[ "$seen" -ge 4 ] || die "the progress was $(sort -un "$scratch/progress" | paste -sd ' ')"
}
a_mutation_that_was_killed_goes_on() {
	local pid
	fresh --param rows=1500000
	"$AMIGRUN" run $migration >"$scratch/out" 2>&1 &
	pid=$!
	await_that 60 grep -qs 'fill the events' "$scratch/out"
	sleep 0.5
	kill -KILL $pid
	wait $pid
	expect 0 "$AMIGRUN" resume $migration
	is "what is filled" "$(filled)" "1500000 of 1500000"
	is "the mutations of events" "$(chdb "SELECT toString(count()) FROM system.mutations WHERE table = 'events'
		AND position(command, 'backfill') > 0")" 1
}
# As it was: what came filled stays so.
is_undone() {
	local at
	for at in 19 all; do
		fresh --param known=1
		before=$(events)
		if [ $at = all ]; then
			expect 0 "$AMIGRUN" run $migration
			is "what came filled" "$(chdb "SELECT concat(group0_properties, ' ', toString(person_id)) FROM events
				WHERE uuid = 6000000003")" \
				"known 00000000-0000-0000-0000-000000000007"
		else
			expect 5 "$AMIGRUN" run $migration --operations $at
		fi
		[ "$(events)" != "$before" ] || die "nothing was filled"
		[ $at != all ] || AMIG_FAULT=during_effect:3 expect 137 "$AMIGRUN" rollback $migration --yes
		expect 0 "$AMIGRUN" rollback $migration --yes
		is "the row" "$(migration $migration status)" rolled_back
		is "the tables" "$(tables)" "$only"
		is "the codec" "$(codec)" "CODEC(LZ4)"
		is "the events" "$(events)" "$before"
		is "the column" "$(chdb "SELECT toString(count()) FROM system.columns WHERE name = 'filled_0007'")" 0
	done
}
events() {
	chdb "SELECT toString(sum(cityHash64(uuid, person_id, person_properties, person_created_at, group0_properties,
		group1_properties, group2_properties, group0_created_at, group1_created_at))) FROM events"
}
is_not_undoable() {
	fresh
	expect 0 "$AMIGRUN" run $migration --param undoable=false
	is "the column" "$(chdb "SELECT toString(count()) FROM system.columns WHERE name = 'filled_0007'")" 0
	expect 3 "$AMIGRUN" rollback $migration --yes
	has "the message" "$output" "it is not known any more what was empty"
	is "what is filled" "$(filled)" "1000 of 1000"
}
a_bad_result_is_told_and_undone() {
	fresh --param lost=30
	expect 1 "$AMIGRUN" run $migration
	has "the message" "$output" "3 % of the events have no person"
	is "the row" "$(migration $migration status)" rolled_back
	is "the tables" "$(tables)" "$only"
	expect 0 "$AMIGRUN" run $migration --param worst=0.05
	is "what is filled" "$(filled)" "1000 of 1000"
}

chdb_ready >"$scratch/ready.log" 2>&1 || { failed "persons/the library from npm" "$scratch/ready.log"; exit 1; }
build persons "$scratch"/0000_before.amig "$case_root/migrations.d/$migration.amig" >"$scratch/build.log" 2>&1 ||
	{ failed "persons/build" "$scratch/build.log"; exit 1; }
check "persons/fills every event" fills_every_event
check "persons/of one team" of_one_team
check "persons/nothing is done where all is filled" nothing_is_done_where_all_is_filled
check "persons/killed after effects" after_effects
check "persons/killed in effects" in_effects
check "persons/the progress is the mutation's" the_progress_is_the_mutations
check "persons/a mutation that was killed goes on" a_mutation_that_was_killed_goes_on
check "persons/is undone" is_undone
check "persons/is not undoable, if it is told so" is_not_undoable
check "persons/a bad result is told and undone" a_bad_result_is_told_and_undone
report_end
