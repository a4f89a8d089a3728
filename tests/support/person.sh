# person.sh - for the tests of 0005: persons in PostgreSQL, and what ClickHouse has of them
#
# The script says how ClickHouse is asked, ask SQL, and the table $all that has every person.
# shellcheck shell=bash

person=0005_person_replacing_by_version
person_columns='id UUID, created_at DateTime, team_id Int64, properties String, is_identified Int8, is_deleted Int8,
	version UInt64, _timestamp DateTime, _offset UInt64'
person_names='id, created_at, team_id, properties, is_identified, is_deleted, version, _timestamp, _offset'

# 500 persons, every fifth of the versions 1 to 4 and without one.
persons_of_postgres() {
	AMIG_POSTGRES_URL=$(new_postgres amig_person)
	export AMIG_POSTGRES_URL AMIG_APP_VERSION=1.40.0
	postgres "$AMIG_POSTGRES_URL" "CREATE TABLE posthog_person (id bigserial PRIMARY KEY, created_at timestamptz NOT NULL,
		team_id int NOT NULL, properties jsonb NOT NULL, is_identified bool NOT NULL, uuid uuid NOT NULL, version bigint);
		INSERT INTO posthog_person (created_at, team_id, properties, is_identified, uuid, version)
		SELECT '2021-01-01 00:00:00.5Z'::timestamptz + n * interval '1 minute', n % 3,
			jsonb_build_object('of', 'postgres', 'n', n), n % 2 = 0, lpad(n::text, 32, '0')::uuid, nullif(n % 5, 0)
		FROM generate_series(1, 500) AS n"
}
# The first 400 are there in version 2, and one that is deleted.
persons_of_clickhouse() {
	echo "INSERT INTO $1 ($person_names)
		SELECT $(person_id n), now(), n % 3, 'clickhouse', 0, n = 1000, n = 1000 ? 9 : 2, now(), n
		FROM (SELECT number + 1 AS n FROM numbers(400) UNION ALL SELECT toUInt64(1000) AS n)"
}
person_id() { echo "toUUID(concat('00000000-0000-0000-0000-', substring(toString(1000000000000 + $1), 2)))"; }
# Where both had version 2 the later row counts, PostgreSQL's.
persons_are_migrated() {
	is "the row" "$(migration $person status)" completed
	is "all, not from PostgreSQL, their versions, deleted, copied" "$(ask "SELECT count(),
		countIf(properties = 'clickhouse'), sum(version), sum(is_deleted),
		countIf(_timestamp = toDateTime('2020-01-01 00:00:00')) FROM $all FINAL FORMAT CSV")" \
		501,161,1249,1,340
	has "the engine" "$(person_engine)" "version)"
	is "the tables" "$(person_tables)" "$1"
}
person_engine() { ask "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = 'person'"; }
person_hash() { ask "SELECT count(), sum(cityHash64(toString(id), properties, version, team_id)) FROM $all FORMAT CSV"; }
person_tables() {
	ask "SELECT name FROM system.tables WHERE database = currentDatabase() AND name NOT LIKE 'amig_%' ORDER BY name" |
		paste -sd ' '
}
# What comes from the queue goes into the table that is in its place.
persons_are_fed() {
	ask "INSERT INTO kafka_person ($person_names) SELECT $(person_id "toUInt64(2000)"), now(), 1, 'queue', 0, 0, 1, now(), 1"
	is "what came from the queue" "$(ask "SELECT count() FROM $all WHERE properties = 'queue'")" 1
}
# Begins it, or goes on.
person_run() {
	case "$(migration $person current_run 2>/dev/null)" in
	[0-9]*) "$AMIGRUN" resume $person ;;
	*) "$AMIGRUN" run $person --no-auto-rollback --param window=60 "$@" ;;
	esac
}
