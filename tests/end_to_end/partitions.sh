#!/bin/bash
# partitions.sh - the partitions of `events` that a query finds are moved away, by parameters: with
# MOVE PARTITION in today's ClickHouse inside of amigrun, by staging on 18.16.1; to the end, killed in
# every operation, undone
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/chdb.sh"
export AMIG_LEASE=1s
migration=0010_move_old_partitions
columns='uuid UInt64, event String, timestamp DateTime, team_id Int64'
table="CREATE TABLE events ($columns) ENGINE = MergeTree PARTITION BY toYYYYMM(timestamp) ORDER BY (team_id, uuid)"
# Six months of 2020.
rows="INSERT INTO events SELECT number, toString(number), toDateTime('2020-01-15 00:00:00') + 86400 * 31 * (number % 6),
	number % 3 FROM numbers(6000)"
cat >"$scratch/0000_before.amig" <<E
migration "0000_before" {
  needs db: chdb
  operation "all" on db {
    idempotent
    forward {
      exec sql"""$table"""
      exec sql"""$rows"""
    }
    rollback nothing
  }
}
E

export AMIG_STATE=sqlite:$scratch/state.db AMIG_APP_VERSION=1.45.0
fresh() { rm -rf "$scratch"/*.db* "$scratch/data"; "fresh_$engine"; before=$(hash_of "SELECT * FROM events"); }
fresh_chdb() {
	export AMIG_CHDB=$scratch/data AMIG_CLICKHOUSE_URL=chdb:$scratch/data
	AMIG_DB_URL=$AMIG_CHDB AMIG_STATE=sqlite:$scratch/before.db expect 0 "$AMIGRUN" run 0000_before
}
fresh_server() {
	AMIG_CLICKHOUSE_URL=$(new_clickhouse partitions)
	export AMIG_CLICKHOUSE_URL
	# So that what is dropped is gone in seconds, not in eight minutes.
	clickhouse partitions "$table SETTINGS index_granularity = 8192, old_parts_lifetime = 1"
	clickhouse partitions "$rows"
}
ask() { if [ $engine = chdb ]; then chdb "$1"; else clickhouse partitions "$1"; fi; }
hash_of() { ask "SELECT concat(toString(count()), ' ', toString(sum(cityHash64(uuid, event, timestamp, team_id)))) FROM ($1)"; }
months() {
	ask "SELECT arrayStringConcat(groupArray(toString(m)), ' ')
		FROM (SELECT DISTINCT toYYYYMM(timestamp) AS m FROM $1 ORDER BY m)"
}
all_moved() {
	[ $engine != chdb ] || { echo 'SELECT * FROM events_backup_0010'; return; }
	local table tables=''
	for table in 202001 202006; do tables+="${tables:+ UNION ALL }SELECT * FROM events_backup_0010_$table"; done
	echo "$tables"
}
is_moved() {
	is "the row" "$(migration $migration status)" completed
	is "what is left" "$(months events)" "202002 202003 202004 202005"
	is "all rows" "$(hash_of "SELECT * FROM events UNION ALL $(all_moved)")" "$before"
}
is_as_before() {
	is "the row" "$(migration $migration status)" rolled_back
	is "the rows" "$(hash_of "SELECT * FROM events")" "$before"
	is "the tables" "$(ask "SELECT name FROM system.tables
		WHERE database = currentDatabase() AND name NOT LIKE 'amig_%'")" events
}
run_it() { "$AMIGRUN" run $migration --param oldest_to_keep=202002 --param newest_to_keep=202005 "$@"; }
go_on() {
	case "$(migration $migration current_run 2>/dev/null)" in
	[0-9]*) "$AMIGRUN" resume $migration ;;
	*) run_it --param optimize=false ;;
	esac
}

to_the_end_and_back() {
	fresh
	expect 0 run_it --param optimize=true
	is_moved
	expect 0 "$AMIGRUN" rollback $migration --yes
	is_as_before
}
killed_again_and_again() {
	local lives=0
	fresh
	until AMIG_FAULT=$1:$2 go_on; do
		lives=$((lives + 1))
		[ $lives -lt 40 ] || die "no progress after 40 lives"
	done
	[ $lives -ge 1 ] || die "it died $lives times only"
	is_moved
	AMIG_FAULT=$1:1 expect 137 "$AMIGRUN" rollback $migration --yes
	AMIG_FAULT=$1:2 expect 137 "$AMIGRUN" rollback $migration --yes
	expect 0 "$AMIGRUN" rollback $migration --yes
	is_as_before
}
killed_after_effects() { killed_again_and_again after_effect 1; }
# What was killed so early is made again before the next dies.
killed_in_effects() { killed_again_and_again during_effect 2; }
undone_from_every_operation() {
	local at
	for at in 1 2 3; do
		# There it takes a while to clean up.
		[ $engine = chdb ] || [ $at = 3 ] || continue
		[ $engine = server ] || [ $at != 3 ] || continue
		fresh
		expect 5 run_it --operations $at
		expect 0 "$AMIGRUN" rollback $migration --yes
		is_as_before
	done
}
nothing_to_move() {
	fresh
	expect 0 "$AMIGRUN" run $migration
	is "what is left" "$(months events)" "202001 202002 202003 202004 202005 202006"
	fresh
	expect 2 "$AMIGRUN" run $migration --param oldest_to_keep="202002' OR 1=1"
	expect 2 "$AMIGRUN" run $migration --param oldest_to_keep=7
}

sanitized=$AMIGRUN
chdb_ready >"$scratch/ready.log" 2>&1 || { failed "partitions/the library from npm" "$scratch/ready.log"; exit 1; }
build partitions "$scratch"/0000_before.amig "$case_root/migrations.d/$migration.amig" >"$scratch/build.log" 2>&1 ||
	{ failed "partitions/build" "$scratch/build.log"; exit 1; }
for engine in chdb server; do
	[ $engine = chdb ] || AMIGRUN=$sanitized
	check "partitions/$engine/to the end and back" to_the_end_and_back
	check "partitions/$engine/killed after effects" killed_after_effects
	check "partitions/$engine/killed in effects" killed_in_effects
	check "partitions/$engine/undone from every operation" undone_from_every_operation
	check "partitions/$engine/nothing to move" nothing_to_move
done
report_end
