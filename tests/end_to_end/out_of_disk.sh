#!/bin/bash
# out_of_disk.sh - the target's disk is full in the midst of a statement and of a `copy`: told, nothing half counted, and the
# run goes on when there is room; on servers of its own with small disks
set -u
. "$(dirname "$0")/../support/small_disk.sh"
small_disk_enter "$0"
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/rows.sh"
. "$case_root/tests/support/servers.sh"
. "$case_root/tests/support/chdb.sh"

export AMIG_STATE=sqlite:$scratch/state.db
small_blocks='settings { max_insert_block_size: 5000, min_insert_block_size_rows: 5000, min_insert_block_size_bytes: 1,
      max_block_size: 5000, max_threads: 1 }'

# statement NAME KIND SQL [CLAUSES]: it fills t1 of b, and is undone by emptying it.
statement() {
	cat >"$scratch/$1.amig" <<-E
		migration "$1" {
		  needs b: $2

		  operation "fill" on b {
		    retry 0
		    ${4-}
		    forward  sql"""$3"""
		    rollback sql"TRUNCATE TABLE t1"
		  }
		}
	E
}
build_all() {
	local rows='SELECT n AS a, md5(n::text) || md5((n + 1)::text) AS b FROM generate_series(1, 120000) AS n' kind
	local many="INSERT INTO t1 SELECT number, concat(toString(rand64(1)), toString(rand64(2))) FROM numbers(120000)"
	statement 0001_undone clickhouse "$many" "in doubt undo
		    $small_blocks"
	statement 0002_asked clickhouse "$many" "$small_blocks"
	statement 0003_statement_postgres postgres "INSERT INTO t1 $rows"
	statement 0003_statement_sqlite sqlite "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 120000)
		INSERT INTO t1 SELECT n, hex(randomblob(32)) FROM c"
	sed -i 's/TRUNCATE TABLE/DELETE FROM/' "$scratch/0003_statement_sqlite.amig"
	statement 0004_merge clickhouse 'OPTIMIZE TABLE t1 FINAL' 'idempotent
		    settings { optimize_throw_if_noop: 1 }'
	statement 0005_reserved chdb "$many" 'in doubt undo'
	statement 0004_table chdb 'CREATE TABLE t1 (a UInt64, b String) ENGINE = MergeTree ORDER BY a' idempotent
	migration_of 0006_copy_clickhouse postgres "$rows" clickhouse t1 'a, b' "in doubt undo
		    retry 0
		    $small_blocks"
	for kind in postgres sqlite; do
		migration_of 0006_copy_$kind postgres "$rows" $kind t1 'a, b' 'retry 0'
	done
	sed -i 's/rollback nothing/rollback sql"TRUNCATE TABLE t1"/' "$scratch/0006_copy_clickhouse.amig"
	for kind in clickhouse postgres sqlite; do
		cat >"$scratch/0007_windows_$kind.amig" <<-E
			migration "0007_windows_$kind" {
			  needs a: postgres
			  needs b: $kind

			  operation "copy" on a {
			    retry 0
			    forward {
			      for w in batches of ident("source") by a size 20000 {
			        copy a sql"SELECT a, b FROM source WHERE \${w.where}" into b ident("t1") columns (a, b) verify
			      }
			    }
			    rollback nothing
			  }
			}
		E
	done
	build disk "$scratch"/*.amig
}

# Their logs are elsewhere, and of PostgreSQL all but the table; of ClickHouse the database `default` is there.
servers_start() {
	chmod 755 "$scratch"
	servers_folder=$scratch/servers
	mkdir -p "$servers_folder/clickhouse/data/data" "$small_disk/clickhouse/default" "$small_disk/postgres/space"
	ln -s "$small_disk/clickhouse/default" "$servers_folder/clickhouse/data/data/default"
	[ "$(id -u)" != 0 ] || chown postgres: "$small_disk/postgres/space"
	start_clickhouse && start_postgres
}
new_source() {
	AMIG_A_URL=$(new_postgres amig_disk_source)
	export AMIG_A_URL
	postgres "$AMIG_A_URL" "CREATE TABLE source AS SELECT n AS a, md5(n::text) || md5((n + 1)::text) AS b
		FROM generate_series(1, 120000) AS n; ALTER TABLE source ADD PRIMARY KEY (a)"
}
# A table on a disk that has room for a part of the rows.
new_target() {
	rm -rf "$scratch"/state.db* "$small_disk/sqlite/"*
	free_disk "$1"
	export AMIG_B_URL
	case $1 in
	clickhouse)
		AMIG_B_URL=$AMIG_TEST_CLICKHOUSE
		clickhouse default 'DROP TABLE IF EXISTS t1'
		clickhouse default 'CREATE TABLE t1 (a Int32, b String) ENGINE = MergeTree ORDER BY a' ;;
	postgres)
		AMIG_B_URL=$(new_postgres amig_disk)
		psql -Xq "$AMIG_B_URL" -c 'DROP TABLESPACE IF EXISTS small' \
			-c "CREATE TABLESPACE small LOCATION '$small_disk/postgres/space'" 2>/dev/null
		postgres "$AMIG_B_URL" 'CREATE TABLE t1 (a int, b text) TABLESPACE small' ;;
	sqlite)
		AMIG_B_URL=$small_disk/sqlite/target
		ask "$AMIG_B_URL" 'CREATE TABLE t1 (a int, b text)' ;;
	esac
	fill_disk "$1" "$([ "$1" = clickhouse ] && echo 3000 || echo 7000)"
}
there() { ask "$(url_of "$AMIG_B_URL")" 'SELECT count(*), count(DISTINCT a) FROM t1' | tr '\t' '|'; }
says_full() {
	local words='No space left on device'
	[ "$1" != sqlite ] || words='disk is full'
	has "the message" "$output" "$words"
}
# is_full KIND MIGRATION: it ends as what cannot be reached does, to be gone on with.
is_full() {
	expect 4 "$AMIGRUN" run "$2"
	says_full "$1"
	is "the migration" "$(migration "$2" status)" errored
}
goes_on() {
	free_disk "$1"
	expect 0 "$AMIGRUN" resume "$2"
	is "the rows" "$(there)" "120000|120000"
}

what_is_half_there_is_undone() {
	new_target clickhouse
	[ $1 = 0001_undone ] || new_source
	is_full clickhouse $1
	[ "$(clickhouse default 'SELECT count() > 0 AND count() < 120000 FROM t1')" = 1 ] || die "it has written nothing"
	goes_on clickhouse $1
}
what_only_a_person_can_know_is_asked() {
	new_target clickhouse
	"$AMIGRUN" run 0002_asked >"$scratch/out" 2>&1
	# 4, if there was no room for the fence either.
	case $? in 4 | 6) ;; *) die "status $?" ;; esac
	has "the message" "$(<"$scratch/out")" "No space left on device"
	free_disk clickhouse
	expect 6 "$AMIGRUN" resume 0002_asked
	expect 0 "$AMIGRUN" rollback 0002_asked --yes
	is "the rows" "$(there)" "0|0"
}
# 18.16 merges only what it could keep twice.
what_did_not_begin_is_told() {
	new_target clickhouse
	for _ in 1 2; do clickhouse default "INSERT INTO t1 SELECT number, toString(rand64()) FROM numbers(1000)"; done
	expect 1 "$AMIGRUN" run 0004_merge
	has "the message" "$output" "Insufficient available disk space" "(code 388)"
	free_disk clickhouse
}
# Today's engine looks for room before it writes.
what_was_not_reserved_is_told() {
	export AMIG_CHDB=$small_disk/sqlite/engine
	chdb_ready || die "there is no library"
	rm -f "$scratch"/state.db*
	export AMIG_B_URL=$AMIG_CHDB
	expect 0 "$AMIGRUN" run 0004_table
	fill_disk sqlite 100
	expect 4 "$AMIGRUN" run 0005_reserved
	has "the message" "$output" "not enough space. (NOT_ENOUGH_SPACE) (code 243)"
	free_disk sqlite
	expect 0 "$AMIGRUN" resume 0005_reserved
	is "the rows" "$(chdb "SELECT toString(count()) FROM t1")" 120000
}
windows_stay() {
	local before
	new_source
	new_target $1
	is_full $1 0007_windows_$1
	before=$(state "SELECT count(*) FROM @effect WHERE outcome = 'done'")
	[ "$before" -gt 0 ] && [ "$before" -lt 6 ] || die "$before windows were there before"
	goes_on $1 0007_windows_$1
	is "the windows" "$(state "SELECT count(DISTINCT number), sum(rows) FROM @effect WHERE outcome = 'done'")" "6|120000"
}
nothing_of_it_is_there() {
	[ "$2" != 0006_copy_$1 ] || new_source
	new_target $1
	is_full $1 $2
	is "the rows" "$(there)" "0|0"
	goes_on $1 $2
}

build_all
trap 'end_process "$clickhouse_pid" TERM; end_process "$postgres_pid" INT; rm -rf "$scratch"' EXIT
servers_start || { failed "end_to_end, out_of_disk/the servers do not start"; exit 1; }
name="end_to_end, out_of_disk"
check "$name/half a statement on ClickHouse is undone, and made again" what_is_half_there_is_undone 0001_undone
check "$name/half a copy into ClickHouse is undone, and made again" what_is_half_there_is_undone 0006_copy_clickhouse
check "$name/half a statement that nobody may undo is asked about" what_only_a_person_can_know_is_asked
check "$name/a merge without room" what_did_not_begin_is_told
check "$name/what no room could be reserved for on chDB" what_was_not_reserved_is_told
for kind in $kinds; do
	check "$name/windows that are in $kind stay there" windows_stay $kind
	[ $kind != clickhouse ] || continue
	check "$name/nothing of a copy is in $kind" nothing_of_it_is_there $kind 0006_copy_$kind
	check "$name/nothing of a statement is in $kind" nothing_of_it_is_there $kind 0003_statement_$kind
done
report_end
