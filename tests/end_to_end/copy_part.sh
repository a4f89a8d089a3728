#!/bin/bash
# copy_part.sh - copies that end in the middle, for all that can happen to them: told at the row, and nothing half counted
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/rows.sh"

export AMIG_STATE=sqlite:$scratch/state.db
small_blocks='settings { max_insert_block_size: 1000, min_insert_block_size_rows: 1000, min_insert_block_size_bytes: 1 }'

build_all() {
	local late='SELECT n AS a, CASE WHEN n = 30000 THEN 3000000000 ELSE n END AS b FROM generate_series(1, 30000) AS n'
	for name in 0001_late 0003_again; do
		migration_of $name postgres "$late" clickhouse t1 'a, b' "$small_blocks"
		sed -i 's/rollback nothing/rollback sql"ALTER TABLE t1 DELETE WHERE a > 0"/' "$scratch/$name.amig"
	done
	sed -i 's/^    settings/    idempotent\n&/' "$scratch/0003_again.amig"
	migration_of 0002_caught postgres "$late" clickhouse t1 'a, b' "$small_blocks"
	sed -i 's/^      copy .*/      try {\n  &\n      } catch e {\n        log e.message\n      }/' "$scratch/0002_caught.amig"
}
new_target() {
	rm -f "$scratch"/state.db*
	export AMIG_A_URL AMIG_B_URL
	AMIG_A_URL=$(new_postgres amig_part_source)
	AMIG_B_URL=$(new_clickhouse amig_part_target)
	ask "$(url_of "$AMIG_B_URL")" "CREATE TABLE t1 (a Int32, b Int32) ENGINE = MergeTree ORDER BY a"
}
rows_there() { ask "$(url_of "$AMIG_B_URL")" "SELECT count() FROM t1"; }
are_gone() { [ "$(rows_there)" = 0 ]; }
told='row 30000, column b (bigint into Int32): 3000000000: it is outside of what the type can hold'
what_is_there_in_part_is_undone() {
	new_target
	expect 1 "$AMIGRUN" run 0001_late
	has "the error" "$output" "$told" "it did not come to its end, and some of its rows may be in the table" "rolled back"
	is "the migration" "$(migration 0001_late status)" rolled_back
	is "the effects" "$(state "SELECT backward, outcome FROM @effect ORDER BY number")" $'0|failed\n1|done'
	await_that 10 are_gone
}
nobody_goes_on_over_it() {
	new_target
	expect 1 "$AMIGRUN" run 0001_late --no-auto-rollback
	has "the error" "$output" "$told"
	[ "$(rows_there)" -gt 0 ] || die "no row was there"
	expect 6 "$AMIGRUN" resume 0001_late --no-auto-rollback
	has "the error" "$output" "it is not known whether effect 1 on b has happened"
	expect 0 "$AMIGRUN" rollback 0001_late
	await_that 10 are_gone
}
what_is_caught_is_in_doubt() {
	new_target
	expect 6 "$AMIGRUN" run 0002_caught
	has "the error" "$output" "$told"
}
it_is_not_made_again_for_nothing() {
	new_target
	expect 1 "$AMIGRUN" run 0003_again
	has "the error" "$output" "$told"
	is "the attempts" "$(state "SELECT count(*) FROM @effect WHERE NOT backward")" 1
}

build_all
build part "$scratch"/*.amig >"$scratch/build.log" || { failed "end_to_end, copy_part/build" "$scratch/build.log"; exit 1; }
check "end_to_end, copy_part/what is there in part is undone" what_is_there_in_part_is_undone
check "end_to_end, copy_part/nobody goes on over what is there in part" nobody_goes_on_over_it
check "end_to_end, copy_part/what the code would outlive is in doubt" what_is_caught_is_in_doubt
check "end_to_end, copy_part/what would be refused again is not made again" it_is_not_made_again_for_nothing
report_end
