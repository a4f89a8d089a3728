# batches.sh - the figures of work in pieces, sourced by run: windows and partitions beside the same statements of a shell
# shellcheck shell=bash disable=SC2154

batches_rows=1000000
batches_window=10000
batches_setup() {
	export AMIG_PG_URL=$AMIG_TEST_POSTGRES AMIG_CH_URL=$house_url AMIG_STATE=$AMIG_TEST_POSTGRES
	house_database
	house 'DROP TABLE IF EXISTS parts'
	house 'CREATE TABLE parts (part Int32, id Int64, name String) ENGINE = MergeTree PARTITION BY part ORDER BY id'
	house 'INSERT INTO parts SELECT toInt32(number % 10), toInt64(number), hex(number * 7919)
		FROM system.numbers LIMIT 5000000'
	for ((at = 0; at < batches_rows; at += batches_window)); do
		echo "UPDATE changed SET times = times + 1 WHERE id > $at AND id <= $((at + batches_window));"
	done >"$work/windows.sql"
	"$amigc" build "$here/batches.d" -o "$work/batches.amb"
}
batches_fresh() {
	AMIG_STATE=$AMIG_TEST_POSTGRES
	post 'DROP SCHEMA IF EXISTS amig CASCADE' 'DROP TABLE IF EXISTS changed' \
		'CREATE TABLE changed (id bigint PRIMARY KEY, times int NOT NULL, filler text NOT NULL)' \
		"INSERT INTO changed SELECT n, 0, repeat('x', 60) FROM generate_series(1, $batches_rows) AS n" \
		'VACUUM ANALYZE changed' CHECKPOINT 2>"$work/output"
	AMIG_STATE=$AMIG_TEST_POSTGRES "$amigrun" status --bundle "$work/batches.amb" >"$work/output"
}
batches_update() { "$amigrun" run 0001_update --bundle "$work/batches.amb" --quiet; }
batches_update_psql() { psql -Xq "$AMIG_TEST_POSTGRES" -f "$work/windows.sql"; }
batches_parts_fresh() {
	post 'DROP SCHEMA IF EXISTS amig CASCADE' 2>"$work/output"
	"$amigrun" status --bundle "$work/batches.amb" >"$work/output"
	house 'DROP TABLE IF EXISTS moved'
	house 'CREATE TABLE moved (part Int32, id Int64, name String) ENGINE = MergeTree PARTITION BY part ORDER BY id'
}
batches_parts() { "$amigrun" run 0002_parts --bundle "$work/batches.amb" --quiet; }
batches_parts_curl() {
	for part in 0 1 2 3 4 5 6 7 8 9; do house "INSERT INTO moved SELECT part, id, name FROM parts WHERE part = $part"; done
}
batches_figure() {
	wanted "$1" || return 0
	[ -e "$work/batches.amb" ] || batches_setup
	export AMIG_STATE=$AMIG_TEST_POSTGRES
	pair "$@"
}
batches_figures() {
	batches_figure batches_update 1.05 batches_fresh batches_update batches_fresh batches_update_psql
	batches_figure insert_select 1.02 batches_parts_fresh batches_parts batches_parts_fresh batches_parts_curl
}
