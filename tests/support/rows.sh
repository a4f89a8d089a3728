# rows.sh - tables of every kind of database, with the same rows, for the tests of `copy`; sourced behind case.sh
# shellcheck shell=bash disable=SC2154,SC2034

kinds="postgres clickhouse sqlite"

# migration_of NAME KIND QUERY KIND TABLE COLUMNS [CLAUSE]: rows of a go into a table of b.
migration_of() {
	cat >"$scratch/$1.amig" <<-E
		migration "$1" {
		  needs a: $2
		  needs b: $4

		  operation "copy" on b {
		    ${7-}
		    forward {
		      copy a sql"$3" into b ident("$5") columns ($6)
		    }
		    rollback nothing
		  }
		}
	E
}

# ask URL SQL
ask() {
	case "$1" in
	postgresql:*) postgres "$1" "$2" ;;
	http:*) curl -sS "$1" --data-binary "$2" ;;
	*) sqlite3 -nullvalue '\N' "$1" "$2" 2>&1 ;;
	esac
}
# fresh KIND NAME: an empty database; its URL.
fresh() {
	case $1 in
	postgres) new_postgres "$2" ;;
	clickhouse) new_clickhouse "$2" ;;
	sqlite) rm -f "$scratch/$2.file"*; echo "$scratch/$2.file" ;;
	esac
}
# Of a URL as amig has it, how curl asks.
url_of() {
	case "$1" in
	http:*) echo "${1%/*}/?database=${1##*/}" ;;
	*) echo "$1" ;;
	esac
}

columns="id, small, medium, flag, single, double, money, name, bytes, day, at, uuid"
# table_of KIND NAME: with all of these columns.
table_of() {
	case $1 in
	postgres) echo "CREATE TABLE $2 (id bigint PRIMARY KEY, small smallint, medium integer, flag boolean, single real,
		double double precision, money numeric(18, 4), name text, bytes bytea, day date, at timestamptz(0), uuid uuid)" ;;
	clickhouse) echo "CREATE TABLE $2 (id Int64, small Nullable(Int16), medium Nullable(Int32), flag Nullable(UInt8),
		single Nullable(Float32), double Nullable(Float64), money Nullable(Decimal(18, 4)), name Nullable(String),
		bytes Nullable(String), day Nullable(Date), at Nullable(DateTime), uuid Nullable(UUID))
		ENGINE = MergeTree ORDER BY id" ;;
	sqlite) echo "CREATE TABLE $2 (id INTEGER PRIMARY KEY, small smallint, medium int, flag boolean, single real,
		double double, money text, name text, bytes blob, day date, at datetime, uuid uuid)" ;;
	esac
}
# Every edge that all of them can hold. NaN and what only one of them has are looked at below.
fill_postgres() {
	cat <<-'E'
	INSERT INTO t VALUES
	(1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(-9223372036854775808, -32768, -2147483648, false, 1.5, -1.5, -99999999999999.9999, '', '', '1970-01-01',
		'1970-01-01 00:00:00Z', '00000000-0000-0000-0000-000000000000'),
	(9223372036854775807, 32767, 2147483647, true, 'Infinity', '-Infinity', 99999999999999.9999,
		E'tab\tline\nreturn\rback\\slash\b\f\v', '\x00010208090a0b0c0d1b5c7f80ff', '2105-12-31', '2106-02-07 06:28:15Z',
		'ffffffff-ffff-ffff-ffff-ffffffffffff'),
	(2, 0, 0, false, 0.1, 0.1, 0.1, 'ünïcödé 漢字 🐘 ''quotes'' "double"', '\x5c4e', '2000-02-29', '2000-02-29 23:59:59Z',
		'01234567-89ab-cdef-0123-456789abcdef'),
	(3, 1, -1, true, -0.5, 0.30000000000000004, -0.0001, '\N', '\x', '2026-11-22', '2001-09-09 01:46:40Z',
		'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'),
	(4, 7, 7, true, 16777216, 123456789.12345679, 1000000, '\', '\x00', '1999-12-31', '1970-01-01 00:00:01Z', NULL),
	(5, 7, 7, true, 16777216, 9007199254740992, 1.5, E'\n\n', '\x0a0a', '1999-12-31', '1970-01-01 00:00:01Z', NULL),
	(6, 7, 7, true, 1e-3, 1e-3, 12.3400, 'Code: 241, e.displayText() = DB::Exception: of old', '\x00', NULL, NULL, NULL)
	E
}
# A table of chance: as many rows as are asked for, a tenth of all values NULL. SEED=n makes the same again.
seed=${SEED:-$RANDOM}
fill_at_random() {
	local letters="chr((ARRAY[1, 7, 8, 9, 10, 11, 12, 13, 27, 32, 34, 39, 44, 48, 78, 92, 92, 110, 120, 123, 127, 228, 8364,
		28450, 128024])[1 + floor(random() * 25)::int])"
	cat <<-E
		SELECT setseed($seed / 32768.0);
		INSERT INTO t SELECT n, floor(random() * 65536)::int - 32768, floor(random() * 4294967296)::bigint - 2147483648,
			random() < 0.5, (random() * 1000)::real::numeric(9, 3)::real, (random() * 1e9)::numeric(18, 6)::float8,
			((random() - 0.5) * 1e9)::numeric(18, 4),
			(SELECT string_agg($letters, '') FROM generate_series(0, (random() * 30)::int) WHERE n > 0),
			(SELECT decode(string_agg(lpad(to_hex(floor(random() * 256)::int), 2, '0'), ''), 'hex')
				FROM generate_series(0, (random() * 30)::int) WHERE n > 0),
			date '1970-01-01' + floor(random() * 49672)::int,
			to_timestamp(floor(random() * 4294967295)), md5(random()::text)::uuid FROM generate_series(1, $1) AS n;
		$(for column in small medium flag single double money name bytes day at uuid; do
			echo "UPDATE t SET $column = NULL WHERE random() < 0.1;"
		done)
	E
}
# Sorted, so that it can be compared.
dump() {
	case "$1" in
	http:*) ask "$1" "SELECT $columns FROM $2 ORDER BY id" ;;
	*) ask "$1" "SELECT $columns FROM $2 ORDER BY id" ;;
	esac
}
