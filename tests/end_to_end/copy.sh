#!/bin/bash
# copy.sh - rows between every two kinds of databases: there and back they are equal, what can't be kept is refused
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/rows.sh"

export AMIG_STATE=sqlite:$scratch/state.db

# The rows begin in PostgreSQL and go once around: to the kind, within it, and back.
build_rounds() {
	for kind in $kinds; do
		migration_of "0001_out_$kind" postgres "SELECT $columns FROM t" $kind t1 "$columns" idempotent
		migration_of "0002_within_$kind" $kind "SELECT $columns FROM t1" $kind t2 "$columns" idempotent
		migration_of "0003_back_$kind" $kind "SELECT $columns FROM t2" postgres t3 "$columns" idempotent
	done
}
rows_come_back_equal() {
	local kind=$1 fill=$2 origin middle
	echo "SEED=$seed"
	rm -f "$scratch"/state.db*
	origin=$(new_postgres amig_copy_a)
	middle=$(fresh $kind amig_copy_b)
	ask "$origin" "$(table_of postgres t)"
	ask "$origin" "$(table_of postgres t3)"
	ask "$origin" "$($fill 1000)"
	ask "$(url_of "$middle")" "$(table_of $kind t1)"
	ask "$(url_of "$middle")" "$(table_of $kind t2)"
	AMIG_A_URL=$origin AMIG_B_URL=$middle expect 0 "$AMIGRUN" run "0001_out_$kind"
	AMIG_A_URL=$middle AMIG_B_URL=$middle expect 0 "$AMIGRUN" run "0002_within_$kind"
	AMIG_A_URL=$middle AMIG_B_URL=$origin expect 0 "$AMIGRUN" run "0003_back_$kind"
	is "what is in the middle" "$(dump "$(url_of "$middle")" t1)" "$(dump "$(url_of "$middle")" t2)"
	is "what came back" "$(dump "$origin" t3)" "$(dump "$origin" t)"
	is "the rows that are told" "$(state "SELECT sum(rows) FROM @effect")" "$(ask "$origin" 'SELECT 3 * count(*) FROM t')"
}

# What is refused: a query of a kind, a type of another, and what is said. Each into a table of one column, which stays empty.
refusals=(
	'postgres|SELECT 1.5::numeric AS a|clickhouse|Float64|column a: numeric does not go into Float64'
	"postgres|SELECT now()::timestamp AS a|clickhouse|DateTime|a time without a zone is not a time with a zone"
	"postgres|SELECT now() AS a|postgres|timestamp|a time with a zone is not a time without a zone"
	"postgres|SELECT 1::float8 AS a|clickhouse|Float32|double precision does not go into Float32: it would lose digits"
	"postgres|SELECT 1::numeric(10, 4) AS a|clickhouse|Decimal(10, 2)|it would lose digits behind the point"
	"postgres|SELECT 1.555::numeric AS a|clickhouse|Decimal(10, 2)|numeric into Decimal(10, 2)): 1.555: the type has"
	"postgres|SELECT 123456789.5::numeric AS a|clickhouse|Decimal(10, 2)|the type has 8 digits in front of the point"
	"postgres|SELECT 'NaN'::numeric AS a|clickhouse|Decimal(10, 2)|it is no decimal number"
	"postgres|SELECT 1.005::numeric AS a|postgres|numeric(10, 2)|row 1, column a"
	"postgres|SELECT nullif(n, 3) AS a FROM generate_series(1, 5) n|clickhouse|Int32|row 3, column a (integer into"
	"postgres|SELECT nullif(n, 3) AS a FROM generate_series(1, 5) n|postgres|int NOT NULL|row 3, column a"
	"postgres|SELECT nullif(n, 3) AS a FROM generate_series(1, 5) n|sqlite|int NOT NULL|row 3, column a"
	"postgres|SELECT 3000000000 AS a|clickhouse|Int32|row 1, column a (bigint into Int32): 3000000000: it is outside"
	"postgres|SELECT 128 AS a|clickhouse|Int8|it is outside"
	"postgres|SELECT -1 AS a|clickhouse|UInt32|row 1, column a (integer into UInt32): -1: it is outside"
	"postgres|SELECT date '1969-12-31' AS a|clickhouse|Date|1969-12-31: the type holds 1970-01-01 to"
	"postgres|SELECT date '2106-01-01' AS a|clickhouse|Date|2106-01-01: the type holds"
	"postgres|SELECT date 'infinity' AS a|clickhouse|Date|it is outside of what the type can hold"
	"postgres|SELECT date '0044-03-15 BC' AS a|clickhouse|Date|it is outside of what the type can hold"
	"postgres|SELECT timestamptz '1969-12-31 23:59:59Z' AS a|clickhouse|DateTime|the type holds 1970-01-01 00:00:00"
	"postgres|SELECT timestamptz '2106-02-07 06:28:16Z' AS a|clickhouse|DateTime|the type holds"
	"postgres|SELECT timestamptz '2026-01-01 00:00:00.5Z' AS a|clickhouse|DateTime|the type has 0 digits behind a second"
	"postgres|SELECT timestamptz '2026-01-01 00:00:00.5Z' AS a|postgres|timestamptz(0)|the type has 0 digits behind a second"
	"postgres|SELECT 'abcd'::text AS a|clickhouse|FixedString(3)|it has not just 3 bytes"
	"postgres|SELECT 'abcd'::text AS a|postgres|varchar(3)|value too long for type character varying(3)"
	"postgres|SELECT 'c'::text AS a|clickhouse|Enum8('a' = 1, 'b' = 2)|the type has no such word"
	"postgres|SELECT ARRAY[[1, 2], [3, 4]] AS a|clickhouse|Array(Int32)|the array has other dimensions than the type"
	"postgres|SELECT ARRAY[1, NULL] AS a|clickhouse|Array(Int32)|an element of the column can't be NULL"
	"postgres|SELECT ARRAY[1, 300] AS a|clickhouse|Array(UInt8)|it is outside"
	"postgres|SELECT ARRAY[1] AS a|sqlite|text|SQLite has no arrays"
	"postgres|SELECT interval '1 day' AS a|clickhouse|Int64|column a: interval does not go into Int64"
	"postgres|SELECT 'NaN'::float8 AS a|sqlite|real|SQLite has NULL only"
	"postgres|SELECT 1234567890123.4567::numeric AS a|sqlite|decimal(20, 4)|with fewer digits"
	"postgres|SELECT '0012'::text AS a|sqlite|numeric|SQLite would make a number of the text"
	"postgres|SELECT 'x'::text AS a|sqlite|int|column a: text does not go into INT: a text is not a whole number"
	"clickhouse|SELECT unhex('6100') AS a|postgres|text|a\\0: a text can't hold the character U+0000"
	"clickhouse|SELECT unhex('ff') AS a|postgres|text|invalid byte sequence for encoding"
	"clickhouse|SELECT toUInt64(18446744073709551615) AS a|postgres|bigint|18446744073709551615: it is outside"
	"clickhouse|SELECT toUInt64(9223372036854775808) AS a|sqlite|int|9223372036854775808: it is"
	"clickhouse|SELECT toUInt8(2) AS a|postgres|boolean|row 1, column a (UInt8 into boolean): 2: it is neither 0 nor 1"
	"clickhouse|SELECT 1.5 AS a|postgres|numeric|column a: Float64 does not go into numeric"
	"clickhouse|SELECT 'x' AS a|postgres|uuid|a text is not a UUID"
	"clickhouse|SELECT (1, 2) AS a|postgres|int[]|column a: Tuple(UInt8, UInt8) does not go into integer[]"
	"clickhouse|SELECT throwIf(number = 99999) AS a FROM numbers(100000)|postgres|int|reading from a: Value passed to"
	"clickhouse|SELECT throwIf(number = 99999) AS a FROM numbers(100000)|sqlite|int|reading from a: Value passed to"
	"sqlite|SELECT 'x' AS a|postgres|int|row 1, column a (any into integer): tx: it is a text here, not a whole number"
	"sqlite|SELECT 1.5 AS a|postgres|int|it is a floating point number here, not a whole number"
	"sqlite|SELECT x'ff' AS a|postgres|text|it is bytes here, not a text"
	"sqlite|SELECT 'a' AS a|postgres|bytea|it is a text here, not bytes"
	"sqlite|SELECT 2 AS a|postgres|boolean|not a boolean"
	"sqlite|SELECT 9007199254740993 AS a|postgres|float8|the type would not keep all of its digits"
	"sqlite|SELECT 0.1 AS a|postgres|real|the type would not keep all of its digits"
	"sqlite|SELECT '2026-01-01 25:00' AS a|postgres|timestamptz|it is not written as 2026-11-22 08:00:00"
	"sqlite|SELECT 'abc' AS a|clickhouse|UUID|it is no UUID"
	"sqlite|SELECT NULL AS a|clickhouse|String|row 1, column a (any into String): NULL"
	"postgres|SELECT 1 AS a, 2 AS b|clickhouse|Int32|the query gives 2 columns (a, b), and 1 are listed"
	"postgres|SELECT 1 AS a) TO STDOUT; DROP TABLE t; COPY (SELECT 2|sqlite|int|syntax error"
	"postgres|DELETE FROM t RETURNING id AS a|sqlite|int|cannot execute DELETE in a read-only transaction"
	"clickhouse|SELECT nowhere AS a|sqlite|int|reading from a: "
	"sqlite|DELETE FROM t RETURNING 1|postgres|int|a query must not change anything"
	"sqlite|SELECT 1; SELECT 2|postgres|int|\`copy\` takes one query"
)
refusal() {
	IFS='|' read -r from query to type words <<<"${refusals[$1]}"
	name=1$(printf %03d "$1")_refused
}
build_refusals() {
	local i
	for i in "${!refusals[@]}"; do
		refusal "$i"
		migration_of "$name" "$from" "$query" "$to" r$i a
	done
}
is_refused() {
	local from query to type words name target origin
	refusal "$1"
	rm -f "$scratch"/state.db*
	origin=${sources[$from]}
	target=${targets[$to]}
	if [ $to = clickhouse ]; then
		ask "$(url_of "$target")" "CREATE TABLE r$1 (a $type) ENGINE = MergeTree ORDER BY tuple()"
	else
		ask "$target" "CREATE TABLE r$1 (a $type)"
	fi
	AMIG_A_URL=$origin AMIG_B_URL=$target expect 1 "$AMIGRUN" run "$name"
	has "the error" "$output" "$words"
	is "the rows" "$(ask "$(url_of "$target")" "SELECT count(*) FROM r$1")" 0
}
all_refusals() {
	local i
	declare -A sources targets
	for kind in $kinds; do
		sources[$kind]=$(fresh $kind amig_copy_a)
		targets[$kind]=$(fresh $kind amig_copy_b)
		ask "$(url_of "${sources[$kind]}")" "$(table_of $kind t)"
	done
	local wrong=0
	for i in "${!refusals[@]}"; do
		output=$(is_refused "$i" 2>&1) || { echo "${refusals[$i]}"; echo "$output"; wrong=1; }
	done
	return $wrong
}

# Of one kind only, or large.
build_others() {
	migration_of 2001_arrays postgres 'SELECT id, i, s, d, b FROM t' clickhouse t1 'id, i, s, d, b' idempotent
	migration_of 2002_arrays_back clickhouse 'SELECT id, i, s, d, b FROM t1' postgres t2 'id, i, s, d, b'
	local all='id, f, r, a, t, n, d, at, day, u, e, x'
	migration_of 2003_floats postgres "SELECT $all FROM t" clickhouse t1 "$all" idempotent
	sed -i 's/^      copy .*/& verify/' "$scratch/2003_floats.amig"
	migration_of 2004_floats_back clickhouse "SELECT $all FROM t1" postgres t2 "$all"
	local forms='o, j, w, c, v, n, d, b, at'
	migration_of 2011_bytes postgres "SELECT $forms FROM t" clickhouse as_bytes "$forms" idempotent
	migration_of 2012_text postgres "SELECT $forms FROM t" clickhouse as_text "$forms" idempotent
	sed -i 's/^      copy .*/& verify/' "$scratch/2012_text.amig"
	migration_of 2013_rounded postgres 'SELECT f, x FROM t' sqlite t1 'f, x' idempotent
	sed -i 's/^      copy .*/& verify/' "$scratch/2013_rounded.amig"
	migration_of 2014_between postgres 'SELECT a FROM t' clickhouse t1 a 'retry 0'
	migration_of 2005_json postgres 'SELECT id, j FROM t' clickhouse t1 'id, j' idempotent
	migration_of 2006_json_back clickhouse 'SELECT id, j FROM t1' postgres t2 'id, j'
	migration_of 2007_json_sqlite postgres 'SELECT id, j FROM t' sqlite t1 'id, j'
	migration_of 2008_json_sqlite_back sqlite 'SELECT id, j FROM t1' postgres t2 'id, j'
	migration_of 2009_words clickhouse 'SELECT id, e, f FROM t' clickhouse t1 'id, e, f' idempotent
	migration_of 2010_words_postgres clickhouse 'SELECT id, e, f FROM t1' postgres t2 'id, e, f'
	for from in $kinds; do
		for to in $kinds; do
			migration_of "3001_large_${from}_$to" $from 'SELECT id, a, b FROM large' \
				$to "large_$from" 'id, a, b' idempotent
		done
	done
	migration_of 4001_rights postgres 'SELECT 1 AS a' postgres nobodys a
	migration_of 4002_no_table postgres 'SELECT 1 AS a' sqlite nowhere a
	migration_of 4003_no_column postgres 'SELECT 1 AS a, 2 AS b' postgres scarce 'a, nowhere'
	migration_of 4004_required postgres 'SELECT 1 AS a' postgres scarce a
	migration_of 4005_swapped postgres 'SELECT 1 AS b, 2 AS a' postgres scarce 'a, b'
	migration_of 4006_generated postgres 'SELECT 1 AS a, 2 AS b, 3 AS g' postgres scarce 'a, b, g'
	migration_of 4007_constraint postgres 'SELECT n AS a, n % 3 AS b FROM generate_series(1, 5) AS n' postgres scarce 'a, b'
	local slow="SELECT n AS a, n::text || pg_sleep(0.1)::text AS b FROM generate_series(1, 600) AS n"
	for to in $kinds; do
		migration_of 5001_slow_$to postgres "$slow" $to t1 'a, b' idempotent
		migration_of 5002_timeout_$to postgres "$slow" $to t1 'a, b' 'timeout 1s
		    retry 0'
	done
	migration_of 5003_slow_house clickhouse 'SELECT number AS a, toString(sleep(0.5)) AS b FROM numbers(10000000)' \
		sqlite t1 'a, b'
	migration_of 4011_noisy postgres 'SELECT n AS a, n AS b FROM generate_series(1, 300000) AS n' postgres noisy 'a, b'
	migration_of 4010_early postgres 'SELECT generate_series(1, 2000000000) AS a, 1 AS b' postgres scarce 'a, b'
	migration_of 4008_empty postgres 'SELECT 1 AS a, 2 AS b WHERE false' clickhouse t1 'a, b' idempotent
	migration_of 4009_empty_back clickhouse 'SELECT a, b FROM t1' postgres scarce 'a, b'
}
arrays_come_back_equal() {
	local origin middle
	rm -f "$scratch"/state.db*
	origin=$(new_postgres amig_copy_a)
	middle=$(new_clickhouse amig_copy_b)
	for table in t t2; do
		ask "$origin" "CREATE TABLE $table (id int PRIMARY KEY, i int[] NOT NULL, s text[] NOT NULL, d date[] NOT NULL,
			b boolean[] NOT NULL)"
	done
	ask "$origin" "INSERT INTO t VALUES (2, '{1,-2147483648,NULL}', ARRAY['', NULL, 'NULL', 'a,b', 'q\"uote', 'single''s',
		E'back\\\\slash', E'tab\tline\n', '{}', 'ü🐘', ' ', E'\\\\N', ']', '[''x'']'],
		'{1970-01-01,2105-12-31}', '{t,f,NULL}'),
		(1, '{}', '{}', '{}', '{}')" >/dev/null
	ask "$(url_of "$middle")" "CREATE TABLE t1 (id Int32, i Array(Nullable(Int32)), s Array(Nullable(String)), d Array(Date),
		b Array(Nullable(UInt8))) ENGINE = MergeTree ORDER BY id"
	AMIG_A_URL=$origin AMIG_B_URL=$middle expect 0 "$AMIGRUN" run 2001_arrays
	AMIG_A_URL=$middle AMIG_B_URL=$origin expect 0 "$AMIGRUN" run 2002_arrays_back
	is "what came back" "$(ask "$origin" 'SELECT * FROM t2 ORDER BY id')" "$(ask "$origin" 'SELECT * FROM t ORDER BY id')"
	is "the rows" "$(ask "$origin" 'SELECT count(*) FROM t2')" 2
}
# Doubles of 17 digits and floats of 32 bits of every size, in a table of all types; also alone, in arrays.
floats_come_back_equal() {
	local origin middle all="id, f, r, a, t, n, d, at, day, u, e, x"
	rm -f "$scratch"/state.db*
	origin=$(new_postgres amig_copy_a)
	middle=$(new_clickhouse amig_copy_b)
	for table in t t2; do
		ask "$origin" "CREATE TABLE $table (id int PRIMARY KEY, f float8, r real, a float8[] NOT NULL, t text,
			n numeric(30, 10), d numeric(9, 2) NOT NULL, at timestamptz(0), day date, u uuid, e text,
			x bytea NOT NULL)"
	done
	ask "$origin" "SELECT setseed($seed / 32768.0);
		INSERT INTO t SELECT n, CASE n % 3 WHEN 0 THEN random() WHEN 1 THEN (random() - 0.5) * power(10, n % 300)
				ELSE random() * power(10, -(n % 300)) END,
			((random() - 0.5) * power(10, n % 76 - 37))::real, ARRAY[random(), random() * 1e9],
			repeat(E'ü\\t', n % 200), (random() - 0.5)::numeric * 1e19, -(n % 7) - 0.5,
			timestamptz '2000-01-01Z' + n * interval '1 day', date '1970-01-01' + n, md5(n::text)::uuid,
			(ARRAY['a', 'b''c', NULL])[n % 3 + 1], decode(lpad(to_hex(n), 8, '0'), 'hex')
		FROM generate_series(10, 3000) AS n"
	ask "$origin" "INSERT INTO t SELECT n, (ARRAY['NaN', 'Infinity', '-Infinity', '-0', '1e22', '0.30000000000000004',
			'1.7976931348623157e308', '5e-324'])[n + 1]::float8,
			(ARRAY['NaN', 'Infinity', '-Infinity', '-0', '123456789', '16777217', '3.4028235e38', '1e-45']
			)[n + 1]::real, '{}', NULL, NULL, 0, NULL, NULL, NULL, NULL, '' FROM generate_series(0, 7) AS n"
	ask "$(url_of "$middle")" "CREATE TABLE t1 (id Int32, f Nullable(Float64), r Nullable(Float32), a Array(Float64),
		t Nullable(String), n Nullable(Decimal(30, 10)), d Decimal(9, 2), at Nullable(DateTime), day Nullable(Date),
		u Nullable(UUID), e Nullable(Enum8('a' = 1, 'b\\'c' = -2)), x String) ENGINE = MergeTree ORDER BY id"
	AMIG_A_URL=$origin AMIG_B_URL=$middle expect 0 "$AMIGRUN" run 2003_floats
	has "what is told" "$output" "verified: t1 of b has what was copied: 2999 rows"
	AMIG_A_URL=$middle AMIG_B_URL=$origin expect 0 "$AMIGRUN" run 2004_floats_back
	is "what is lost" "$(ask "$origin" "SELECT count(*) FROM (SELECT $all FROM t EXCEPT ALL SELECT $all FROM t2) AS l")" 0
	is "the rows" "$(ask "$origin" 'SELECT count(*) FROM t2')" 2999
	# The sign of a zero is no difference to SQL.
	is "the texts" "$(ask "$origin" 'SELECT * FROM t2 ORDER BY id')" "$(ask "$origin" 'SELECT * FROM t ORDER BY id')"
}
# Bytes go straight from PostgreSQL to ClickHouse, unless they are to be verified as text.
sent_as() {
	[ "$(ask "$AMIG_TEST_CLICKHOUSE" "SELECT extract(query, 'FORMAT (\\\\w+)') FROM system.query_log WHERE type = 1
		AND query LIKE 'INSERT INTO _$1_ (%'")" = "$2" ]
}
bytes_say_the_same() {
	local origin middle table
	rm -f "$scratch"/state.db*
	origin=$(new_postgres amig_copy_a)
	middle=$(new_clickhouse amig_copy_forms)
	ask "$origin" "CREATE TYPE word AS ENUM ('one', E't\\two');
		CREATE TABLE t (o oid, j jsonb, w word, c char(3), v varchar(9), n name, d numeric, b boolean,
			at timestamptz NOT NULL);
		INSERT INTO t VALUES (0, '{}', 'one', '', '', '', 0, false, '1970-01-01Z'),
			(4294967295, '{\"a\": [1, \"\\n\"]}', E't\\two', 'ü', E'\\\\N', 'n', -12.5000, true,
				'2026-11-22 08:00+02'),
			(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2106-02-07 06:28:15Z'),
			(1, '1', 'one', 'abc', E'\\t', 'x', 9999999999999999999999999999.9999999999, true, '2000-01-01Z'),
			(1, 'null', 'one', 'abc', 'x', 'x', -0.0000000001, true, '1999-12-31 23:59:59Z')"
	for table in as_bytes as_text; do
		ask "$(url_of "$middle")" "CREATE TABLE $table (o Nullable(UInt32), j Nullable(String), w Nullable(String),
			c Nullable(String), v Nullable(String), n Nullable(String), d Nullable(Decimal(38, 10)),
			b Nullable(UInt8), at DateTime) ENGINE = Log"
	done
	AMIG_A_URL=$origin AMIG_B_URL=$middle expect 0 "$AMIGRUN" run 2011_bytes
	AMIG_A_URL=$origin AMIG_B_URL=$middle expect 0 "$AMIGRUN" run 2012_text
	is "what went as bytes" "$(ask "$(url_of "$middle")" 'SELECT * FROM as_bytes')" \
		"$(ask "$(url_of "$middle")" 'SELECT * FROM as_text')"
	is "the rows" "$(ask "$(url_of "$middle")" 'SELECT count() FROM as_bytes')" 5
	await_that 20 sent_as as_bytes RowBinary
	await_that 20 sent_as as_text TabSeparated
}
# As a role may have it set, for people to read.
a_change_in_between_is_noticed() {
	local runner kind=$1
	rm -f "$scratch"/state.db*
	export AMIG_A_URL AMIG_B_URL
	AMIG_A_URL=$(new_postgres amig_copy_a)
	AMIG_B_URL=$(new_clickhouse amig_copy_b)
	ask "$AMIG_A_URL" "CREATE TABLE t (a bigint NOT NULL); INSERT INTO t VALUES (1), (2)"
	ask "$(url_of "$AMIG_B_URL")" "CREATE TABLE t1 (a Int64) ENGINE = MergeTree ORDER BY tuple()"
	AMIG_FAULT=before_read:1:stop "$AMIGRUN" run 2014_between >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 20 is_paused $runner
	case $kind in
	postgres) ask "$AMIG_A_URL" "ALTER TABLE t ALTER COLUMN a TYPE double precision" ;;
	clickhouse) ask "$(url_of "$AMIG_B_URL")" "ALTER TABLE t1 MODIFY COLUMN a Float64" ;;
	esac
	kill -CONT $runner
	wait $runner
	is "how it ended" $? 1
	has "the error" "$(<"$scratch/out")" "columns were changed meanwhile"
	is "the rows" "$(ask "$(url_of "$AMIG_B_URL")" 'SELECT count() FROM t1')" 0
}
is_paused() { grep -q '^State:.*stopped' "/proc/$1/status"; }
nothing_is_rounded() {
	local origin file=$scratch/rounded.file
	rm -f "$scratch"/state.db* "$file"
	origin=$(new_postgres amig_copy_a)
	ask "$origin" "ALTER DATABASE amig_copy_a SET extra_float_digits = 0;
		ALTER DATABASE amig_copy_a SET bytea_output = 'escape'"
	ask "$origin" "CREATE TABLE t (f float8, x bytea); INSERT INTO t VALUES (0.30000000000000004, '\\x005c')"
	ask "$file" "CREATE TABLE t1 (f double, x blob)"
	AMIG_A_URL=$origin AMIG_B_URL=$file expect 0 "$AMIGRUN" run 2013_rounded
	has "what is told" "$output" "verified"
	is "the row" "$(ask "$file" "SELECT f = 0.30000000000000004, hex(x) FROM t1")" "1|005C"
}
json_comes_back_equal() {
	local origin middle file=$scratch/json.file
	rm -f "$scratch"/state.db* "$file"
	origin=$(new_postgres amig_copy_a)
	middle=$(new_clickhouse amig_copy_b)
	ask "$origin" "CREATE TABLE t (id int PRIMARY KEY, j jsonb)"
	ask "$origin" "CREATE TABLE t2 (id int, j jsonb)"
	ask "$origin" "INSERT INTO t VALUES (1, '{\"a\": [1, \"x\\\\ny\\\\\\\\\", null], \"ü\": {\"b\": 1.50}}'),
		(2, 'null'), (3, NULL), (4, '\"\"')"
	ask "$(url_of "$middle")" "CREATE TABLE t1 (id Int32, j Nullable(String)) ENGINE = MergeTree ORDER BY id"
	sqlite3 "$file" 'CREATE TABLE t1 (id int, j json)'
	AMIG_A_URL=$origin AMIG_B_URL=$middle expect 0 "$AMIGRUN" run 2005_json
	AMIG_A_URL=$middle AMIG_B_URL=$origin expect 0 "$AMIGRUN" run 2006_json_back
	is "what came back" "$(ask "$origin" 'SELECT * FROM t2 ORDER BY id')" "$(ask "$origin" 'SELECT * FROM t ORDER BY id')"
	AMIG_A_URL=$origin AMIG_B_URL=$file expect 0 "$AMIGRUN" run 2007_json_sqlite
	ask "$origin" 'TRUNCATE t2'
	AMIG_A_URL=$file AMIG_B_URL=$origin expect 0 "$AMIGRUN" run 2008_json_sqlite_back
	is "what came back" "$(ask "$origin" 'SELECT * FROM t2 ORDER BY id')" "$(ask "$origin" 'SELECT * FROM t ORDER BY id')"
}
words_and_lengths() {
	local middle origin
	rm -f "$scratch"/state.db*
	origin=$(new_postgres amig_copy_a)
	middle=$(new_clickhouse amig_copy_b)
	for table in t t1; do
		ask "$(url_of "$middle")" "CREATE TABLE $table (id UInt64, e Enum8('a' = 1, 'b\\'c' = 2), f FixedString(3))
			ENGINE = MergeTree ORDER BY id"
	done
	ask "$(url_of "$middle")" "INSERT INTO t VALUES (0, 'a', 'xyz'), (18446744073709551615, 'b\\'c', 'tab')"
	ask "$origin" 'CREATE TABLE t2 (id numeric(20), e text, f bytea)'
	AMIG_A_URL=$middle AMIG_B_URL=$middle expect 0 "$AMIGRUN" run 2009_words
	AMIG_A_URL=$middle AMIG_B_URL=$origin expect 0 "$AMIGRUN" run 2010_words_postgres
	is "the rows" "$(ask "$origin" 'SELECT * FROM t2 ORDER BY id')" "0|a|\\x78797a
18446744073709551615|b'c|\\x746162"
}
# Values of 10 MB, between every two kinds.
large_values_arrive() {
	local from to sum there
	declare -A at
	rm -f "$scratch"/state.db*
	for kind in $kinds; do
		at[$kind]=$(fresh $kind amig_copy_a)
	done
	for table in large large_postgres large_clickhouse large_sqlite; do
		ask "${at[postgres]}" "CREATE TABLE $table (id int, a text, b bytea)"
		ask "${at[sqlite]}" "CREATE TABLE $table (id int, a text, b blob)"
		ask "$(url_of "${at[clickhouse]}")" "CREATE TABLE $table (id Int32, a String, b String)
			ENGINE = MergeTree ORDER BY id"
	done
	ask "${at[postgres]}" "INSERT INTO large SELECT n, repeat(E'ü\\tb\\\\', 2000000),
		decode(repeat('0009ff5c', 2500000), 'hex') FROM generate_series(1, 2) AS n"
	sum='2|10000000|20000000'
	for from in postgres clickhouse sqlite; do
		for to in $kinds; do
			AMIG_A_URL=${at[$from]} AMIG_B_URL=${at[$to]} expect 0 "$AMIGRUN" run "3001_large_${from}_$to"
			case $to in
			postgres) there=$(ask "${at[$to]}" "SELECT count(*), max(octet_length(a)), sum(octet_length(b))
				FROM large_$from WHERE a = repeat(E'ü\\tb\\\\', 2000000)
				AND b = decode(repeat('0009ff5c', 2500000), 'hex')") ;;
			clickhouse) there=$(ask "$(url_of "${at[$to]}")" "SELECT count(), max(length(a)), sum(length(b))
				FROM large_$from WHERE
				substring(a, 9999996) = concat('ü', unhex('09'), 'b', unhex('5C'))" | tr '\t' '|') ;;
			sqlite) there=$(ask "${at[$to]}" "SELECT count(*), max(length(CAST(a AS blob))), sum(length(b))
				FROM large_$from WHERE substr(a, 1, 5) = 'ü' || char(9) || 'b\\ü'
				AND hex(substr(b, 9999997)) = '0009FF5C'") ;;
			esac
			is "$from to $to" "$there" "$sum"
		done
		# From PostgreSQL into the tables that the others are read from.
		[ $from != postgres ] || for to in clickhouse sqlite; do
			ask "$(url_of "${at[$to]}")" "INSERT INTO large SELECT * FROM large_postgres"
		done
	done
}
tables_are_looked_at_first() {
	local origin target
	rm -f "$scratch"/state.db*
	origin=$(new_postgres amig_copy_a)
	target=$(new_postgres amig_copy_b)
	ask "$target" "CREATE TABLE scarce (a int PRIMARY KEY, b int NOT NULL UNIQUE, g int GENERATED ALWAYS AS (a + 1) STORED)"
	ask "$target" "CREATE TABLE nobodys (a int); DROP OWNED BY amig_poor; DROP ROLE amig_poor" >/dev/null
	ask "$target" "CREATE TABLE nobodys (a int)" >/dev/null
	ask "$target" "CREATE ROLE amig_poor LOGIN PASSWORD 'poor'"
	export AMIG_A_URL=$origin AMIG_B_URL=${target/amig:secret/amig_poor:poor}
	expect 1 "$AMIGRUN" run 4001_rights
	has "the error" "$output" "the role may not insert into column a"
	AMIG_B_URL=$scratch/other.file
	expect 1 "$AMIGRUN" run 4002_no_table
	has "the error" "$output" "into nowhere of b: there is no such table"
	AMIG_B_URL=$target
	expect 1 "$AMIGRUN" run 4003_no_column
	has "the error" "$output" "into scarce of b: the table has no column nowhere"
	expect 1 "$AMIGRUN" run 4004_required
	has "the error" "$output" "column b of the table can't be NULL, has no default and is not among"
	expect 1 "$AMIGRUN" run 4005_swapped
	has "the error" "$output" "column b is number 1 of the query and number 2 of those that are listed"
	expect 1 "$AMIGRUN" run 4006_generated
	has "the error" "$output" "column g is generated by the server"
	expect 1 "$AMIGRUN" run 4007_constraint
	has "the error" "$output" "duplicate key value" "line 4"
	# And the rest, which takes many minutes, is not sent.
	expect 1 timeout 60 "$AMIGRUN" run 4010_early
	has "the error" "$output" "duplicate key value" "line 2"
	is "the rows" "$(ask "$target" 'SELECT count(*) FROM scarce')" 0
	ask "$target" "CREATE TABLE noisy (a int, b int)"
	ask "$target" "CREATE FUNCTION speak() RETURNS trigger LANGUAGE plpgsql AS
		'BEGIN IF new.a % 10 = 0 THEN RAISE NOTICE ''a row with a number: %'', new.a; END IF; RETURN new; END'"
	ask "$target" "CREATE TRIGGER speaks BEFORE INSERT ON noisy FOR EACH ROW EXECUTE FUNCTION speak()"
	expect 0 "$AMIGRUN" run 4011_noisy --quiet
	is "the rows" "$(ask "$target" 'SELECT count(*) FROM noisy')" 300000
	AMIG_B_URL=$(new_clickhouse amig_copy_b)
	ask "$(url_of "$AMIG_B_URL")" "CREATE TABLE t1 (a Int32, b Int32) ENGINE = MergeTree ORDER BY a"
	expect 0 "$AMIGRUN" run 4008_empty
	AMIG_A_URL=$AMIG_B_URL AMIG_B_URL=$target
	expect 0 "$AMIGRUN" run 4009_empty_back
	is "the rows" "$(ask "$target" 'SELECT count(*) FROM scarce')" 0
}

# slow_target KIND: a table for the slow rows.
slow_target() {
	rm -f "$scratch"/state.db*
	export AMIG_A_URL AMIG_B_URL
	AMIG_A_URL=$(new_postgres amig_copy_a)
	AMIG_B_URL=$(fresh $1 amig_copy_b)
	case $1 in
	clickhouse) ask "$(url_of "$AMIG_B_URL")" "CREATE TABLE t1 (a Int32, b String) ENGINE = MergeTree ORDER BY a" ;;
	*) ask "$AMIG_B_URL" "CREATE TABLE t1 (a int, b text)" ;;
	esac
}
nothing_runs() {
	[ "$(clickhouse default "SELECT count() FROM system.processes WHERE query LIKE '%sleep(0.5)%'
		AND query NOT LIKE '%processes%'")" = 0 ] &&
		[ "$(postgres "${AMIG_TEST_POSTGRES%/*}/amig_copy_a" "SELECT count(*) FROM pg_stat_activity
		WHERE query LIKE '%pg_sleep%' AND state <> 'idle' AND pid <> pg_backend_pid()
		AND datname = current_database()")" = 0 ]
}
# While the source makes its rows slowly, at the target and before there is one.
a_stop_is_heard() {
	local name=$2 begun
	slow_target $1
	[ $name != 5003_slow_house ] || AMIG_A_URL=$(new_clickhouse amig_copy_a)
	"$AMIGRUN" run "$name" >"$scratch/out" 2>&1 </dev/null &
	sleep 1
	begun=$SECONDS
	expect 0 "$AMIGRUN" stop --now "$name"
	wait $!
	is "how it ended" $? 5
	[ $((SECONDS - begun)) -le 4 ] || die "it was heard late"
	is "the migration" "$(migration "$name" status)" stopped
	is "the rows" "$(ask "$(url_of "$AMIG_B_URL")" 'SELECT count(*) FROM t1')" 0
	await_that 5 nothing_runs
}
a_timeout_ends_it() {
	slow_target $1
	expect 1 "$AMIGRUN" run 5002_timeout_$1
	is "the rows" "$(ask "$(url_of "$AMIG_B_URL")" 'SELECT count(*) FROM t1')" 0
}

build_rounds
build_refusals
build_others
build copy "$scratch"/*.amig >"$scratch/build.log" || { failed "end_to_end, copy/build" "$scratch/build.log"; exit 1; }
for kind in $kinds; do
	check "end_to_end, copy/rows go to $kind, through it and back" rows_come_back_equal $kind fill_postgres
	check "end_to_end, copy/rows of chance go to $kind, through it and back" rows_come_back_equal $kind fill_at_random
done
check "end_to_end, copy/what cannot be kept is refused before a row is there" all_refusals
check "end_to_end, copy/arrays come back equal" arrays_come_back_equal
check "end_to_end, copy/floats come back equal" floats_come_back_equal
check "end_to_end, copy/bytes say what text does" bytes_say_the_same
for kind in postgres clickhouse; do
	check "end_to_end, copy/types that $kind changes behind the look at them are noticed" a_change_in_between_is_noticed $kind
done
check "end_to_end, copy/nothing is rounded, whatever is set for a role" nothing_is_rounded
check "end_to_end, copy/JSON comes back equal" json_comes_back_equal
check "end_to_end, copy/words of a list and texts of a length" words_and_lengths
check "end_to_end, copy/values of 10 MB arrive" large_values_arrive
check "end_to_end, copy/tables are looked at before anything moves" tables_are_looked_at_first
for kind in $kinds; do
	check "end_to_end, copy/a stop is heard while rows go to $kind" a_stop_is_heard $kind 5001_slow_$kind
	check "end_to_end, copy/a timeout ends a copy into $kind" a_timeout_ends_it $kind
done
check "end_to_end, copy/a stop is heard while rows come from clickhouse" a_stop_is_heard sqlite 5003_slow_house
report_end
