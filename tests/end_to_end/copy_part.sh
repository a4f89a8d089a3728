#!/bin/bash
# copy_part.sh - copies that end in the middle, for all that can happen to them: told at the row, and nothing half counted
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/rows.sh"

export AMIG_STATE=sqlite:$scratch/state.db
small_blocks='settings { max_insert_block_size: 1000, min_insert_block_size_rows: 1000, min_insert_block_size_bytes: 1 }'

build_all() {
	local late='SELECT n AS a, CASE WHEN n = 120000 THEN 3000000000 ELSE n END AS b FROM generate_series(1, 120000) AS n'
	for name in 0001_late 0003_again; do
		migration_of $name postgres "$late" clickhouse t1 'a, b' "$small_blocks"
		sed -i 's/rollback nothing/rollback sql"ALTER TABLE t1 DELETE WHERE a > 0"/' "$scratch/$name.amig"
	done
	sed -i 's/^    settings/    idempotent\n&/' "$scratch/0003_again.amig"
	migration_of 0002_caught postgres "$late" clickhouse t1 'a, b' "$small_blocks"
	sed -i 's/^      copy .*/      try {\n  &\n      } catch e {\n        log e.message\n      }/' "$scratch/0002_caught.amig"

	# What the source does meanwhile, and what the target can't take.
	for to in $kinds; do
		cat >"$scratch/0004_changed_$to.amig" <<-E
			migration "0004_changed_$to" {
			  needs a: postgres
			  needs b: $to

			  operation "copy" on a {
			    retry 0
			    forward {
			      for w in batches of ident("source") by a size 400 {
			        copy a sql"SELECT a, b FROM source WHERE \${w.where}" into b ident("t1") columns (a, b)
			        exec sql"ALTER TABLE source ALTER COLUMN b TYPE text"
			      }
			    }
			    rollback nothing
			  }
			}
		E
		cat >"$scratch/0005_sick_$to.amig" <<-E
			migration "0005_sick_$to" {
			  needs a: postgres
			  needs b: $to
			  healthcheck "mood" every 200ms {
			    require a.exists(sql"SELECT 1 FROM mood") else "the mood is bad"
			  }

			  operation "copy" on b {
			    forward {
			      let slow = sql"SELECT n AS a, length(pg_sleep(0.1)::text) AS b FROM generate_series(1, 600) AS n"
			      copy a slow into b ident("t1") columns (a, b)
			    }
			    rollback nothing
			  }
			}
		E
		migration_of "0006_long_$to" postgres \
			"SELECT n AS a, repeat('x', n * 34000000) AS b FROM generate_series(1, 2) AS n" $to long 'a, b' 'retry 0'
	done
	migration_of 0007_full postgres "SELECT n AS a, n AS b FROM generate_series(1, 300000) AS n" sqlite t1 'a, b' 'retry 0'
	migration_of 0008_not_ours postgres 'SELECT a, b FROM secrets' sqlite t1 'a, b' 'retry 0'
}
new_target() {
	rm -f "$scratch"/state.db*
	export AMIG_A_URL AMIG_B_URL
	AMIG_A_URL=$(new_postgres amig_part_source)
	AMIG_B_URL=$(fresh $1 amig_part_target)
	case $1 in
	clickhouse) for table in t1 "long"; do
		ask "$(url_of "$AMIG_B_URL")" "CREATE TABLE $table (a Int32, b $([ $table = t1 ] && echo Int32 || echo String))
			ENGINE = MergeTree ORDER BY a"
	done ;;
	*) ask "$AMIG_B_URL" "CREATE TABLE t1 (a int, b int); CREATE TABLE long (a int, b text)" ;;
	esac
}
rows_there() { ask "$(url_of "$AMIG_B_URL")" "SELECT count(*) FROM t1"; }
are_gone() { [ "$(rows_there)" = 0 ]; }
told='row 120000, column b (bigint into Int32): 3000000000: it is outside of what the type can hold'
what_is_there_in_part_is_undone() {
	new_target clickhouse
	expect 1 "$AMIGRUN" run 0001_late
	has "the error" "$output" "$told" "it did not come to its end, and some of its rows may be in the table" "rolled back"
	is "the migration" "$(migration 0001_late status)" rolled_back
	is "the effects" "$(state "SELECT backward, outcome FROM @effect ORDER BY number")" $'0|failed\n1|done'
	await_that 10 are_gone
}
nobody_goes_on_over_it() {
	new_target clickhouse
	expect 1 "$AMIGRUN" run 0001_late --no-auto-rollback
	has "the error" "$output" "$told"
	[ "$(rows_there)" -gt 0 ] || die "no row was there"
	expect 6 "$AMIGRUN" resume 0001_late --no-auto-rollback
	has "the error" "$output" "it is not known whether effect 1 on b has happened"
	expect 0 "$AMIGRUN" rollback 0001_late
	await_that 10 are_gone
}
what_is_caught_is_in_doubt() {
	new_target clickhouse
	expect 6 "$AMIGRUN" run 0002_caught
	has "the error" "$output" "$told"
}
it_is_not_made_again_for_nothing() {
	new_target clickhouse
	expect 1 "$AMIGRUN" run 0003_again
	has "the error" "$output" "$told"
	is "the attempts" "$(state "SELECT count(*) FROM @effect WHERE NOT backward")" 1
}

a_change_is_noticed() {
	new_target $1
	ask "$AMIG_A_URL" "CREATE TABLE source (a int PRIMARY KEY, b int)"
	ask "$AMIG_A_URL" "INSERT INTO source SELECT n, n FROM generate_series(1, 1000) AS n"
	expect 1 "$AMIGRUN" run 0004_changed_$1 --no-auto-rollback
	has "the error" "$output" "into t1 of b: column b: text does not go into "
	is "the rows" "$(rows_there)" 400
	is "the effects" "$(state "SELECT number, outcome, rows FROM @effect ORDER BY number")" \
		$'1|done|400\n2|done|-1\n3|failed|-1'
}
a_healthcheck_ends_it() {
	new_target $1
	ask "$AMIG_A_URL" "CREATE TABLE mood (good int); INSERT INTO mood VALUES (1)"
	"$AMIGRUN" run 0005_sick_$1 >"$scratch/out" 2>&1 </dev/null &
	await_that 10 grep -q '1/1' "$scratch/out"
	sleep 0.5
	ask "$AMIG_A_URL" "DELETE FROM mood"
	wait $!
	is "how it ended" $? 1
	has "the error" "$(<"$scratch/out")" "the mood is bad"
	is "the rows" "$(rows_there)" 0
}
a_row_too_long_is_told() {
	new_target $1
	expect 1 "$AMIGRUN" run 0006_long_$1
	has "the error" "$output" "behind row 1: it is longer than 64 MiB"
	is "the rows" "$(ask "$(url_of "$AMIG_B_URL")" 'SELECT count(*) FROM long')" 0
}
a_full_disk_is_told() {
	local own_user=-r
	[ "$(id -u)" != 0 ] || own_user=
	new_target sqlite
	mkdir "$scratch/small"
	unshare $own_user -m bash -c '
		mount -t tmpfs -o size=4m tmpfs "$1/small" || exit 7
		cp "$2" "$1/small/target.file" && AMIG_B_URL=$1/small/target.file "$3" run 0007_full
		status=$?
		sqlite3 "$1/small/target.file" "SELECT count(*) || '"' rows'"' FROM t1"
		exit $status' - "$scratch" "$AMIG_B_URL" "$AMIGRUN" >"$scratch/out" 2>&1
	is "how it ended" "$?" 4
	has "the error" "$(<"$scratch/out")" "database or disk is full" "0 rows"
}
rights_that_are_missing_are_told() {
	new_target sqlite
	ask "$AMIG_A_URL" "CREATE TABLE secrets (a int, b int)"
	ask "$AMIG_A_URL" "DROP ROLE IF EXISTS amig_part_poor" >/dev/null
	ask "$AMIG_A_URL" "CREATE ROLE amig_part_poor LOGIN PASSWORD 'poor'"
	AMIG_A_URL=${AMIG_A_URL/amig:secret/amig_part_poor:poor} expect 1 "$AMIGRUN" run 0008_not_ours
	has "the error" "$output" "reading from a: permission denied for table secrets"
	is "the rows" "$(rows_there)" 0
}

build_all
build part "$scratch"/*.amig >"$scratch/build.log" || { failed "end_to_end, copy_part/build" "$scratch/build.log"; exit 1; }
check "end_to_end, copy_part/what is there in part is undone" what_is_there_in_part_is_undone
check "end_to_end, copy_part/nobody goes on over what is there in part" nobody_goes_on_over_it
check "end_to_end, copy_part/what the code would outlive is in doubt" what_is_caught_is_in_doubt
check "end_to_end, copy_part/what would be refused again is not made again" it_is_not_made_again_for_nothing
for kind in $kinds; do
	check "end_to_end, copy_part/a source that changes its type is noticed, into $kind" a_change_is_noticed $kind
	check "end_to_end, copy_part/a healthcheck ends a copy into $kind" a_healthcheck_ends_it $kind
	check "end_to_end, copy_part/a row that is too long for $kind is told" a_row_too_long_is_told $kind
done
check "end_to_end, copy_part/a full disk is told" a_full_disk_is_told
check "end_to_end, copy_part/rights that are missing are told" rights_that_are_missing_are_told
report_end
