#!/bin/bash
# copy_reject.sh - `copy … reject into T limit n`: what the target refuses is in T, each row once
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/rows.sh"

export AMIG_STATE=sqlite:$scratch/state.db

# rejecting NAME LIMIT [MORE]: the migration's copy sets rows aside.
rejecting() { sed -i "s/^      copy .*/& reject into ident(\"bad\") limit $2 ${3-}/" "$scratch/$1.amig"; }
# What each kind of source gives: 1000 numbers with a text, which is too long in some and not there in one.
build_all() {
	local from to
	for from in $kinds; do
		for to in $kinds; do
			migration_of "1001_${from}_$to" $from 'SELECT a, b FROM source ORDER BY a' $to narrow 'a, b' 'retry 0'
			rejecting "1001_${from}_$to" 10 verify
		done
		migration_of "1002_few_$from" postgres 'SELECT a, b FROM source ORDER BY a' $from narrow 'a, b' 'retry 0'
		rejecting "1002_few_$from" 2
	done
	migration_of 1003_constraints_postgres postgres 'SELECT a, b FROM source ORDER BY a' postgres strict 'a, b' 'retry 0'
	migration_of 1003_constraints_sqlite postgres 'SELECT a, b FROM source ORDER BY a' sqlite strict 'a, b' 'retry 0'
	rejecting 1003_constraints_postgres 1000 verify
	rejecting 1003_constraints_sqlite 1000
	migration_of 1004_no_table postgres 'SELECT 1 AS a, 2 AS b' sqlite narrow 'a, b'
	rejecting 1004_no_table 1
}
table_of_bad() {
	case $1 in
	postgres) echo "CREATE TABLE bad (query_id text, row_number bigint, error text, row_text text)" ;;
	clickhouse) echo "CREATE TABLE bad (query_id String, row_number Int64, error String, row_text String)
		ENGINE = MergeTree ORDER BY row_number" ;;
	sqlite) echo "CREATE TABLE bad (query_id text, row_number int, error text, row_text text)" ;;
	esac
}
# Into numbers of 32 bits: 17, 500 and 1000 are none.
new_source() {
	local url kind=$1
	url=$(fresh $kind amig_reject_source)
	case $kind in
	postgres) ask "$url" "CREATE TABLE source AS SELECT n AS a, CASE n WHEN 17 THEN 3000000000 WHEN 500 THEN -3000000000
		WHEN 1000 THEN 9223372036854775807 ELSE n END AS b FROM generate_series(1, 1000) AS n" ;;
	clickhouse) ask "$(url_of "$url")" "CREATE TABLE source ENGINE = Memory AS SELECT toInt32(number + 1) AS a,
		multiIf(a = 17, toInt64(3000000000), a = 500, toInt64(-3000000000), a = 1000, toInt64(9223372036854775807),
		toInt64(a)) AS b FROM numbers(1000)" ;;
	sqlite) ask "$url" "CREATE TABLE source AS WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000)
		SELECT n AS a, CASE n WHEN 17 THEN 'long' WHEN 500 THEN '' WHEN 1000 THEN x'00' ELSE n END AS b FROM c" ;;
	esac
	echo "$url"
}
new_target() {
	local url kind=$1
	url=$(fresh $kind amig_reject_target)
	case $kind in
	postgres) ask "$url" "CREATE TABLE narrow (a int, b int)" ;;
	clickhouse) ask "$(url_of "$url")" "CREATE TABLE narrow (a Int32, b Int32) ENGINE = MergeTree ORDER BY a" ;;
	sqlite) ask "$url" "CREATE TABLE narrow (a int, b int CHECK (typeof(b) = 'integer' AND abs(b) < 2147483648))" ;;
	esac
	ask "$(url_of "$url")" "$(table_of_bad $kind)"
	echo "$url"
}
every_pair_sets_rows_aside() {
	local from to there
	declare -A at
	for kind in $kinds; do
		at[$kind]=$(new_source $kind)
	done
	for to in $kinds; do
		for from in $kinds; do
			rm -f "$scratch"/state.db*
			AMIG_B_URL=$(new_target $to)
			AMIG_A_URL=${at[$from]} AMIG_B_URL=$AMIG_B_URL expect 0 "$AMIGRUN" run "1001_${from}_$to"
			has "what is told" "$output" "set aside: 3 rows that were refused are in bad of b" \
				"verified: narrow of b has what was copied: 997 rows"
			is "the rows of $from in $to" "$(ask "$(url_of "$AMIG_B_URL")" "SELECT count(*), sum(a) FROM narrow" |
				tr '\t' '|')" "997|$((500500 - 1517))"
			there=$(ask "$(url_of "$AMIG_B_URL")" "SELECT row_number, row_text, query_id FROM bad
				ORDER BY row_number")
			has "what is set aside" "$there" 17 500 1000 amig:
			is "the lines" "$(wc -l <<<"$there")" 3
			is "the rows that are told" "$(state "SELECT rows FROM @effect")" 997
		done
	done
	has "the rows of $from" "$there" $'17\tlong' '\0'
}
one_too_many_is_told() {
	rm -f "$scratch"/state.db*
	AMIG_A_URL=$(new_source postgres)
	AMIG_B_URL=$(new_target $1)
	export AMIG_A_URL AMIG_B_URL
	expect 1 "$AMIGRUN" run 1002_few_$1
	has "the error" "$output" "row 1000 is refused, and 2 were set aside already, as many as may be" \
		$'(row: 1000\t9223372036854775807)'
	is "the rows" "$(ask "$(url_of "$AMIG_B_URL")" "SELECT count(*) FROM narrow")" 0
	is "what is set aside" "$(ask "$(url_of "$AMIG_B_URL")" "SELECT count(*) FROM bad")" 0
}
# Of all kinds of constraints, in a table that is checked against another, beside the state and apart from it.
constraints_are_heard() {
	local place kind=$1
	AMIG_A_URL=$(new_postgres amig_reject_source)
	ask "$AMIG_A_URL" "CREATE TABLE source AS SELECT CASE WHEN n % 100 = 0 THEN n - 1 ELSE n END AS a,
		CASE WHEN n % 1000 = 7 THEN NULL WHEN n % 1000 = 8 THEN -1 WHEN n % 1000 = 9 THEN 77 ELSE 1 END AS b
		FROM generate_series(1, 20000) AS n"
	export AMIG_A_URL
	for place in apart beside; do
		rm -f "$scratch"/state.db*
		AMIG_B_URL=$(new_target $kind)
		export AMIG_B_URL
		AMIG_STATE=sqlite:$scratch/state.db
		[ $place = apart ] || AMIG_STATE=${AMIG_B_URL/#\//sqlite:\/}
		ask "$AMIG_B_URL" "CREATE TABLE other (b int PRIMARY KEY)"
		ask "$AMIG_B_URL" "INSERT INTO other VALUES (1)"
		ask "$AMIG_B_URL" "CREATE TABLE strict (a int PRIMARY KEY, b int NOT NULL CHECK (b > 0) REFERENCES other)"
		expect 0 "$AMIGRUN" run 1003_constraints_$kind
		has "what is told" "$output" "260 rows that were refused"
		is "the rows" "$(ask "$AMIG_B_URL" 'SELECT count(*), count(DISTINCT a) FROM strict')" "19740|19740"
		is "what is set aside" "$(ask "$AMIG_B_URL" 'SELECT count(*), count(DISTINCT row_number), min(row_number) FROM bad
			WHERE row_number % 100 = 0')" "200|200|100"
		is "the foreign keys" "$(ask "$AMIG_B_URL" "SELECT count(*), min(row_number) FROM bad
			WHERE lower(error) LIKE '%foreign key%'")" "20|9"
		is "the checks" "$(ask "$AMIG_B_URL" "SELECT count(*) FROM bad WHERE lower(error) LIKE '%check constraint%'")" 20
	done
	export AMIG_STATE=sqlite:$scratch/state.db
}
tables_are_looked_at_first() {
	rm -f "$scratch"/state.db*
	export AMIG_A_URL AMIG_B_URL=$scratch/reject.file
	AMIG_A_URL=$(new_postgres amig_reject_source)
	ask "$AMIG_B_URL" "CREATE TABLE narrow (a int, b int)"
	expect 1 "$AMIGRUN" run 1004_no_table
	has "the error" "$output" "into bad of b, for rows that are refused: there is no such table"
	ask "$AMIG_B_URL" "CREATE TABLE bad (query_id text, row_number int, error text)"
	expect 1 "$AMIGRUN" run 1004_no_table
	has "the error" "$output" "for rows that are refused: the table has no column row_text"
	ask "$AMIG_B_URL" "ALTER TABLE bad ADD COLUMN row_text int"
	expect 1 "$AMIGRUN" run 1004_no_table
	has "the error" "$output" "column row_text is INT, and not a text of any length"
}
# Killed in front of the effect, in it and behind it.
each_is_there_once() {
	local fault
	AMIG_A_URL=$(new_source postgres)
	export AMIG_A_URL
	for fault in before_effect during_effect after_effect; do
		rm -f "$scratch"/state.db*
		AMIG_B_URL=$(new_target $1)
		export AMIG_B_URL
		AMIG_FAULT=$fault:1 expect 137 "$AMIGRUN" run 1001_postgres_$1
		expect 0 "$AMIGRUN" resume 1001_postgres_$1
		is "the rows after $fault" "$(ask "$AMIG_B_URL" "SELECT count(*) FROM narrow")" 997
		is "what is set aside" "$(ask "$AMIG_B_URL" "SELECT count(*) FROM bad")" 3
	done
}

build_all
build reject "$scratch"/*.amig >"$scratch/build.log" || { failed "end_to_end, copy_reject/build" "$scratch/build.log"; exit 1; }
check "end_to_end, copy_reject/every pair sets rows aside" every_pair_sets_rows_aside
for kind in $kinds; do
	check "end_to_end, copy_reject/one too many into $kind is told" one_too_many_is_told $kind
	[ $kind = clickhouse ] || check "end_to_end, copy_reject/what $kind refuses is set aside" constraints_are_heard $kind
	[ $kind = clickhouse ] || check "end_to_end, copy_reject/each is there once in $kind" each_is_there_once $kind
done
check "end_to_end, copy_reject/the table for them is looked at first" tables_are_looked_at_first
report_end
