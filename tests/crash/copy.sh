#!/bin/bash
# copy.sh - `copy` between every two kinds, killed everywhere and gone on with: every row is there once
#
# AMIG_CRASH=small: into each kind from one that is another. In the middle of a copy into ClickHouse some of its blocks are in
# the table already.
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/kill.sh"

rows=30000
for from in postgres clickhouse sqlite; do
	for to in postgres clickhouse sqlite; do
		clauses='' rollback='exec sql"DELETE FROM t"'
		[ $to != clickhouse ] || clauses='in doubt undo
    settings { max_insert_block_size: 1000, min_insert_block_size_rows: 1000 }' rollback='exec sql"DROP TABLE t"
      exec sql"CREATE TABLE t (a Int64, b String) ENGINE = MergeTree ORDER BY a"'
		cat >"$scratch/0001_${from}_$to.amig" <<-E
			migration "0001_${from}_$to" {
			  needs a: $from
			  needs b: $to

			  operation "copy" on b {
			    $clauses
			    forward {
			      copy a sql"SELECT a, b FROM s" into b ident("t") columns (a, b)
			    }
			    rollback {
			      $rollback
			    }
			  }
			}
		E
	done
done

house_s="CREATE TABLE s ENGINE = Memory AS SELECT toInt64(number) AS a, concat(toString(number), unhex('09')) AS b
	FROM numbers($rows)"
house_t='CREATE TABLE t (a Int64, b String) ENGINE = MergeTree ORDER BY a'
# In windows that are verified, into a table of many partitions: nothing in the operation says what is to be done about a
# doubt.
for to in postgres clickhouse sqlite; do
	cat >"$scratch/0002_windows_$to.amig" <<-E
		migration "0002_windows_$to" {
		  needs a: postgres
		  needs b: $to

		  operation "copy" on a {
		    forward {
		      for w in batches of ident("s") by a size 8000 {
		        copy a sql"SELECT a, b FROM s WHERE \${w.where}" into b ident("t") columns (a, b) verify
		      }
		    }
		    rollback nothing
		  }
		}
	E
done

# fresh KIND NAME SQL…: an empty database, its URL.
fresh() {
	local kind=$1 name=$2 url
	shift 2
	case $kind in
	postgres)
		url=${AMIG_TEST_POSTGRES%/*}/$name
		psql -Xq "$url" -c 'DROP SCHEMA IF EXISTS amig, public CASCADE; CREATE SCHEMA public' >/dev/null 2>&1 ||
			url=$(new_postgres "$name") ;;
	clickhouse) url=$(new_clickhouse "$name") ;;
	sqlite) url=$scratch/$name.db ;;
	esac
	echo "$url"
}
# Between two of a kind the rows stay in one database.
reset() {
	rm -f "$scratch"/*.db*
	AMIG_A_URL=$(fresh $from copy_source)
	AMIG_B_URL=$AMIG_A_URL
	[ $from = $to ] || AMIG_B_URL=$(fresh $to copy_target)
	case $from in
	postgres) postgres "$AMIG_A_URL" "CREATE TABLE s AS SELECT n AS a, n || E'\t' AS b
		FROM generate_series(0, $rows - 1) AS n" ;;
	clickhouse) clickhouse copy_source "$house_s" ;;
	sqlite) sqlite3 "$AMIG_A_URL" "CREATE TABLE s AS WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c
		WHERE n < $rows - 1) SELECT n AS a, n || char(9) AS b FROM c" ;;
	esac
	case $to in
	postgres) postgres "$AMIG_B_URL" 'CREATE TABLE t (a bigint, b text)' ;;
	clickhouse) clickhouse "${AMIG_B_URL##*/}" "$house_t" ;;
	sqlite) sqlite3 "$AMIG_B_URL" 'CREATE TABLE t (a int, b text)' ;;
	esac
	AMIG_STATE=sqlite:$scratch/state.db
	[ $place = apart ] || case $to in
	postgres) AMIG_STATE=$AMIG_B_URL ;;
	sqlite) AMIG_STATE=sqlite:$AMIG_B_URL ;;
	esac
	export AMIG_A_URL AMIG_B_URL AMIG_STATE
}
forwards() { "$AMIGRUN" run "$name" --no-auto-rollback; }
is_there_once() { is_there 30000 1; }
windows_are_there_once() { is_there '8000, 6000' 4; }
# is_there ROWS EFFECTS
is_there() {
	local question="SELECT count(*), count(DISTINCT a), sum(a), sum(length(b)) FROM t" there
	case $to in
	postgres) there=$(postgres "$AMIG_B_URL" "$question") ;;
	clickhouse) there=$(clickhouse "${AMIG_B_URL##*/}" "$question" | tr '\t' '|') ;;
	sqlite) there=$(sqlite3 "$AMIG_B_URL" "$question") ;;
	esac
	is "what is in the table" "$there" "30000|30000|449985000|168890"
	is "the migration" "$(migration "$name" status)" completed
	# Of one that was in doubt only whether it has happened is known.
	is "the effect" "$(state "SELECT count(*) FROM @effect WHERE outcome = 'done' AND NOT backward AND
		coalesce(rows, -1) IN (-1, $1)")" $2
}

build copy "$scratch"/*.amig >"$scratch/build.log" || { failed "crash, copy/build" "$scratch/build.log"; exit 1; }
for from in postgres clickhouse sqlite; do
	for to in postgres clickhouse sqlite; do
		[ "${AMIG_CRASH-}" != small ] || case $from$to in
		postgresclickhouse | clickhousesqlite | sqlitepostgres) ;;
		*) continue ;;
		esac
		for place in beside apart; do
			[ "${AMIG_CRASH-}" != small ] || [ $place = apart ] || continue
			[ $place = apart ] || [ $to != clickhouse ] || continue
			name=0001_${from}_$to
			kill_matrix "crash, copy/from $from into $to, state $place" reset forwards is_there_once
		done
	done
done
from=postgres
house_t='CREATE TABLE t (a Int64, b String) ENGINE = MergeTree PARTITION BY intDiv(a, 2000) ORDER BY a'
for to in postgres clickhouse sqlite; do
	[ "${AMIG_CRASH-}" != small ] || [ $to = clickhouse ] || continue
	name=0002_windows_$to
	for place in beside apart; do
		[ "${AMIG_CRASH-}" != small ] || [ $place = apart ] || continue
		[ $place = apart ] || [ $to != clickhouse ] || continue
		kill_matrix "crash, copy/in windows into $to, state $place" reset forwards windows_are_there_once
	done
done
# Of a window that a server has died over, some partitions are there.
half_a_window_is_taken_out() {
	reset
	AMIG_FAULT=during_effect:2 expect 137 forwards
	clickhouse "${AMIG_B_URL##*/}" "INSERT INTO t SELECT toInt64(number + 8000), 'half' FROM numbers(3000)"
	is "what is there" "$(clickhouse "${AMIG_B_URL##*/}" "SELECT count(*) FROM t")" 11000
	expect 0 forwards
	has "what is told" "$output" "the table had rows of its window that are not the query's and were taken out"
	windows_are_there_once
}
# What was lost is only that it has happened.
a_window_that_is_there_is_left_there() {
	reset
	AMIG_FAULT=during_effect:2 expect 137 forwards
	clickhouse "${AMIG_B_URL##*/}" "INSERT INTO t SELECT toInt64(number + 8000) AS a, concat(toString(a), unhex('09'))
		FROM numbers(8000)"
	expect 0 forwards
	has "what is told" "$output" "it has happened" "the table has its window as the query gives it: 8000 rows, checksum "
	is "mutations" "$(clickhouse "${AMIG_B_URL##*/}" "SELECT count() FROM system.mutations
		WHERE database = currentDatabase()")" 0
	windows_are_there_once
}
place=apart to=clickhouse name=0002_windows_clickhouse
check "crash, copy/half a window is taken out before it is copied again" half_a_window_is_taken_out
check "crash, copy/a window that is there is left there" a_window_that_is_there_is_left_there
report_end
