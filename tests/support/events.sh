# events.sh - `events` on ClickHouse over 16 months, the migration that gives it another sort key,
# and what must be so after it
# shellcheck shell=bash

events=0002_events_sample_by

events_ready() {
	build events "$case_root/migrations.d"/0001_events_sample_by.amig "$case_root/migrations.d/$events.amig"
	export AMIG_APP_VERSION=1.33.5
}

# events_reset DATABASE ROWS [COLUMN]: fresh databases for target and state; COLUMN is one more in
# the table. EVENTS_DAYS and EVENTS_MONTHS: over which time, 16 months if they are not set.
events_reset() {
	database=$1
	AMIG_CLICKHOUSE_URL=$(new_clickhouse "$1")
	AMIG_STATE=$(new_postgres "$1")
	export AMIG_CLICKHOUSE_URL AMIG_STATE
	clickhouse "$1" "CREATE TABLE events (uuid String, event String, properties String, timestamp DateTime, team_id Int64,
		distinct_id String, created_at DateTime, _timestamp DateTime, _offset UInt64 ${3:+, $3})
		ENGINE = ReplacingMergeTree(_timestamp) PARTITION BY toYYYYMM(timestamp)
		ORDER BY (team_id, toDate(timestamp), distinct_id, uuid)"
	clickhouse "$1" "INSERT INTO events
		(uuid, event, properties, timestamp, team_id, distinct_id, created_at, _timestamp, _offset)
		SELECT concat('00000000-0000-4000-8000-', substring(toString(1000000000000 + number), 2)),
		concat('event', toString(number % 17)),
		concat('{\"n\": ', toString(cityHash64(number)), '}'),
		toDateTime('2020-01-01 00:00:00') + (number * 7919 % ${EVENTS_DAYS:-486}) * 86400 + number % 86400, number % 23,
		toString(cityHash64(number % 50000)), toDateTime('2021-06-01 00:00:00'),
		toDateTime('2021-06-01 00:00:00'), number
		FROM numbers($2)"
	is "the rows to begin with" "$(clickhouse "$1" 'SELECT count(), uniq(toYYYYMM(timestamp)) FROM events')" \
		"$2	${EVENTS_MONTHS:-16}"
	before=$(events_hash events)
	row_count=$2
	expect 0 "$AMIGRUN" run 0001_events_sample_by
}

# The rows of a table in one line: how many, and two sums over a hash of each that no order changes.
events_hash() {
	local row='uuid, event, properties, timestamp, team_id, distinct_id, created_at, _timestamp, _offset'
	clickhouse "$database" "SELECT count(), sum(cityHash64($row)), groupBitXor(cityHash64($row)) FROM $1"
}
engine_of_events() { clickhouse "$database" "SHOW CREATE TABLE events"; }
# The fence of the runs stays.
events_tables() { clickhouse "$database" "SHOW TABLES" | grep -vx amig_fence | sort | tr '\n' ' '; }

# A run whose plan is stored goes on without --accept: the version was accepted when it began.
migrate() { if [ "${1-run}" = run ]; then "$AMIGRUN" run $events --accept clickhouse=18.16.1; else "$AMIGRUN" "$1" $events; fi; }

events_are_migrated() {
	local count
	count=$(state "SELECT operation_count FROM @run r JOIN @migration m ON m.current_run = r.id WHERE m.name = '$events'")
	[ "$count" -ge $((${EVENTS_MONTHS:-16} + 2)) ] || die "the plan has $count operations"
	is "the row of the migration" "$(migration $events status progress current_operation_index)" "completed|100|$count"
	is "the rows of events" "$(events_hash events)" "$before"
	is "the rows of the backup" "$(events_hash events_backup_0002)" "$before"
	has "the new table" "$(engine_of_events)" 'cityHash64(distinct_id)' 'SAMPLE BY'
	is "the tables" "$(events_tables)" "events events_backup_0002 "
	is "operations not done" "$(state "SELECT label, o.status FROM @operation o JOIN @migration m ON m.current_run = o.run
		WHERE m.name = '$events' AND o.status <> 'done'")" ""
}

# Every statement that the server saw is one of the journal, and those of a copy ended well as often
# as its months were copied.
journal_is_the_servers_log() {
	local unknown
	clickhouse default 'SYSTEM FLUSH LOGS'
	unknown=$(clickhouse default "SELECT DISTINCT query_id FROM system.query_log WHERE query LIKE 'INSERT INTO%$database%'
		AND query NOT LIKE 'INSERT INTO events%'" | grep -vxFf <(state 'SELECT query_id FROM @effect'))
	is "the statements that no journal knows" "$unknown" ""
}
finished_copies() {
	clickhouse default 'SYSTEM FLUSH LOGS'
	clickhouse default "SELECT count() FROM system.query_log WHERE type = 2
		AND query LIKE 'INSERT INTO%$database%temp_events_0002%'"
}
