#!/bin/bash
# batches_hard.sh - windows that are too much for the server, options that make no sense, rows that come and go meanwhile
set -u
. "$(dirname "$0")/../support/case.sh"
. "$(dirname "$0")/../support/windows.sh"

export AMIG_STATE=sqlite:$scratch/state.db

# windows NAME KIND HEAD BODY [CLAUSE…]
windows() {
	local name=$1 kind=$2 head=$3 body=$4
	shift 4
	cat >"$scratch/$name.amig" <<-E
		migration "$name" {
		  needs db: $kind

		  param rows: int = 100

		  operation "in windows" on db {
		$(printf '    %s\n' "$@")
		    forward {
		      for w in batches of $head {
		$body
		      }
		    }
		    rollback nothing
		  }
		}
	E
}
effect() { printf '        exec sql"""\n          %s\n        """\n' "$1"; }

count='INSERT INTO seen SELECT count(*) FROM t WHERE ${w.where}'
by_id='ident("t") by id size rows'
# A second for a window, of which each row takes ten milliseconds.
windows 0001_slow postgres "$by_id" \
	"$(effect 'INSERT INTO seen SELECT count(x)
            FROM (SELECT pg_sleep(0.01) AS x FROM t WHERE ${w.where} LIMIT 300) AS s')" 'timeout 1s'
# A sort that goes to disk, of which there is 1 MB.
windows 0002_disk postgres "$by_id" \
	"$(effect "INSERT INTO seen SELECT count(*)
            FROM (SELECT repeat('x', 10000) || id AS x FROM t WHERE \${w.where} ORDER BY 1) AS s")" \
	'settings { work_mem: "64kB", temp_file_limit: "2MB" }'
for code in 53200 53100; do
	windows 0003_out_of_$code postgres "$by_id" \
		"$(effect "INSERT INTO seen SELECT must_be_few(count(*)::int, '$code') FROM t WHERE \${w.where}")"
done
# Not the window: it is as much as always.
windows 0004_not_first postgres "$by_id" \
	"$(effect "$count"; effect "SELECT must_be_few(9999, '53200')")" 'retry 0'
many='INSERT INTO seen SELECT count() FROM t WHERE ${w.where} SETTINGS'
windows 0005_rows clickhouse "$by_id" "$(effect "$many max_rows_to_read = 40000")" idempotent
windows 0006_bytes clickhouse "$by_id" "$(effect "$many max_bytes_to_read = 400000")" idempotent
windows 0007_memory clickhouse "$by_id" "$(effect 'INSERT INTO seen
            SELECT intDiv(uniqExact(id * 100 + arrayJoin(range(100))), 100)
            FROM t WHERE ${w.where}')" idempotent 'settings { max_memory_usage: 50000000 }'
windows 0008_time clickhouse "$by_id" "$(effect 'INSERT INTO seen SELECT countIf(sleepEachRow(0.00005) = 0)
            FROM t WHERE ${w.where} SETTINGS max_execution_time = 1, max_block_size = 8192')" idempotent
windows 0009_in_doubt clickhouse "$by_id" "$(effect "$many max_rows_to_read = 40000")"
windows 0010_undone clickhouse "$by_id" "$(effect "$many max_rows_to_read = 40000")" 'in doubt undo'
sed -i 's/rollback nothing/rollback sql"TRUNCATE TABLE seen"/' "$scratch/0010_undone.amig"

for kind in postgres sqlite; do
	windows 0011_bounds_$kind $kind "$by_id" "$(effect "$count")"
	# Ten rows go in front of the window, one comes there, and one where it was.
	windows 0012_moving_$kind $kind "$by_id" "$(effect "$count"
		effect 'DELETE FROM t WHERE id > ${w.upto} AND id <= ${w.upto + 20}'
		effect "INSERT INTO t (id, part, name) VALUES (\${w.upto + 31}, 1, 'front' || \${w.size} || '.' || \${w.upto}),
		  (\${w.upto - 31}, 1, 'behind' || \${w.upto})")"
	# What is left is taken away.
	windows 0013_gone_$kind $kind "$by_id" "$(effect "$count"
		effect 'DELETE FROM t WHERE id > ${w.upto} AND id >= 1000')"
	windows 0014_follow_$kind $kind "$by_id follow" "$(effect "$count"
		effect "INSERT INTO t (id, part, name) SELECT max(id) + 1, 9, 'late' || max(id) FROM t HAVING max(id) < 2005")"
done
windows 0014_follow_clickhouse clickhouse "$by_id follow" "$(effect "$count"
	effect "INSERT INTO t SELECT max(id) + 1, 9, 'late', now(), 1 FROM t HAVING max(id) < 2005")" idempotent

# The rows of a table of 60000 on ClickHouse.
many_rows() {
	fresh clickhouse
	ask 'DROP TABLE t'
	ask 'CREATE TABLE t (id UInt64) ENGINE = MergeTree ORDER BY id'
	ask 'INSERT INTO t SELECT number FROM system.numbers LIMIT 60000'
}
few() { ask "SELECT sum(n), CASE WHEN max(n) <= $1 THEN 1 ELSE 0 END FROM seen"; }

too_slow_is_halved() {
	fresh postgres
	ask 'DELETE FROM t WHERE id > 300'
	expect 0 "$AMIGRUN" run --param rows=400 0001_slow
	has "what is said" "$output" "a window of 400 rows was too much, 200 are tried" "a window of 100 rows was too much, 50"
	is "windows, rows, most" "$(seen)" "3|150|50"
	is "the effects" "$(state "SELECT count(*) FROM @effect WHERE outcome = 'done'")" 3
}
too_much_for_the_disk_is_halved() {
	fresh postgres
	expect 0 "$AMIGRUN" run --param rows=800 0002_disk
	has "what is said" "$output" "a window of 800 rows was too much, 400 are tried" "temp_file_limit"
	is "rows, most" "$(few 400)" "1000|1"
}
too_much_memory_is_halved() {
	local code
	for code in 53200 53100; do
		fresh postgres
		ask "CREATE FUNCTION must_be_few(n int, code text) RETURNS int LANGUAGE plpgsql AS
			\$\$BEGIN IF n > 100 THEN RAISE EXCEPTION 'pgsql_tmp' USING ERRCODE = code; END IF; RETURN n; END\$\$"
		expect 0 "$AMIGRUN" run --param rows=350 0003_out_of_$code
		has "what is said" "$output" "a window of 350 rows was too much, 175 are tried: " "of 175 rows was too much, 87"
		is "windows, rows, most" "$(seen)" "12|1000|87"
	done
}
# Where something was done in the window already there is no going back before it.
what_comes_later_in_it_is_not_halved() {
	fresh postgres
	ask "CREATE FUNCTION must_be_few(n int, code text) RETURNS int LANGUAGE plpgsql AS
		\$\$BEGIN IF n > 100 THEN RAISE EXCEPTION 'pgsql_tmp' USING ERRCODE = code; END IF; RETURN n; END\$\$"
	expect 1 "$AMIGRUN" run --no-auto-rollback 0004_not_first
	case "$output" in *"too much"*) die "it was halved: $output" ;; esac
	is "windows, rows, most" "$(seen)" "1|100|100"
}
# halves NAME ROWS CODE MOST
halves() {
	many_rows
	expect 0 "$AMIGRUN" run --param "rows=$2" "$1"
	has "what is said" "$output" "a window of $2 rows was too much, $(($2 / 2)) are tried"
	is "the code" "$(state "SELECT max(error_code) FROM @effect WHERE error_code <> ''")" "$3"
	is "rows, most" "$(few "$4")" "60000|1"
}
# Half of it may have happened, and nobody says that it may be made again.
what_is_in_doubt_is_not_halved() {
	many_rows
	expect 6 "$AMIGRUN" run --param rows=60000 0009_in_doubt
	has "the error" "$output" "it is not known whether effect"
}
# It is undone, and begins anew with half of it.
what_is_undone_is_halved() {
	many_rows
	expect 0 "$AMIGRUN" run --param rows=60000 0010_undone
	is "rows, most" "$(few 30000)" "60000|1"
	is "windows" "$(state "SELECT count(*) > 2 FROM @effect WHERE NOT backward AND outcome = 'done'")" 1
}

bounds_of_no_sense_are_refused() {
	local rows
	fresh "$1"
	for rows in 0 -5 9223372036854775807; do
		expect 1 "$AMIGRUN" run --param rows=$rows 0011_bounds_"$1"
		has "the error" "$output" '`size`, `min`, `max`, `target` and `parallel` of `batches` are from 1 to'
		expect 0 "$AMIGRUN" status 0011_bounds_"$1"
	done
	is "windows" "$(ask 'SELECT count(*) FROM seen')" 0
}
# Ten windows, each of which takes away ten of the rows of the next and puts one there.
rows_come_and_go() {
	fresh "$1"
	expect 0 "$AMIGRUN" run --param rows=100 0012_moving_"$1"
	is "rows that were seen, and are there or went meanwhile" \
		"$(ask "SELECT sum(n) - (SELECT count(*) FROM t WHERE name NOT LIKE 'behind%' AND id <= 2000) FROM seen")" 0
	is "rows that went" "$(ask "SELECT count(*) < 1000 FROM t WHERE name LIKE 'name %'" | tr t 1)" 1
}
the_end_goes_away() {
	fresh "$1"
	expect 0 "$AMIGRUN" run --param rows=100 0013_gone_"$1"
	is "windows, rows, most" "$(seen)" "5|499|100"
}
what_is_added_is_followed() {
	fresh "$1"
	expect 0 "$AMIGRUN" run 0014_follow_"$1"
	is "rows" "$(ask 'SELECT sum(n) - (SELECT count(*) FROM t), count(*) > 10 FROM seen' | tr t 1)" "0|1"
}
what_is_added_is_followed_after_a_kill() {
	local place n
	for place in before_commit after_effect before_read; do
		for n in 5 20; do
			fresh "$1"
			AMIG_FAULT=$place:$n expect 137 "$AMIGRUN" run 0014_follow_"$1"
			expect 0 "$AMIGRUN" resume 0014_follow_"$1"
			is "rows" "$(ask 'SELECT sum(n) - (SELECT count(*) FROM t), count(*) > 10 FROM seen' | tr t 1)" "0|1"
		done
	done
}

build hard "$scratch"/*.amig >"$scratch/build.log" || { failed "end_to_end, batches/build" "$scratch/build.log"; exit 1; }
check "end_to_end, batches/what takes too long on postgres is halved" too_slow_is_halved
check "end_to_end, batches/what is too much for the disk of postgres is halved" too_much_for_the_disk_is_halved
check "end_to_end, batches/what is too much for the memory of postgres is halved" too_much_memory_is_halved
check "end_to_end, batches/what comes later in a window is not halved" what_comes_later_in_it_is_not_halved
check "end_to_end, batches/too many rows on clickhouse are halved" halves 0005_rows 60000 158 30000
check "end_to_end, batches/too many bytes on clickhouse are halved" halves 0006_bytes 60000 307 30000
check "end_to_end, batches/too much memory on clickhouse is halved" halves 0007_memory 60000 241 30000
check "end_to_end, batches/too much time on clickhouse is halved" halves 0008_time 60000 159 30000
check "end_to_end, batches/what is in doubt is not halved" what_is_in_doubt_is_not_halved
check "end_to_end, batches/what is undone is halved" what_is_undone_is_halved
for kind in postgres sqlite; do
	check "end_to_end, batches/bounds of no sense are refused on $kind" bounds_of_no_sense_are_refused $kind
	check "end_to_end, batches/rows come and go on $kind" rows_come_and_go $kind
	check "end_to_end, batches/the end of the table goes away on $kind" the_end_goes_away $kind
	check "end_to_end, batches/what is added is followed after a kill on $kind" what_is_added_is_followed_after_a_kill $kind
done
for kind in postgres sqlite clickhouse; do
	check "end_to_end, batches/what is added is followed on $kind" what_is_added_is_followed $kind
done
report_end
