# copy.sh - the figures of `copy`, sourced by run: a million rows of 150 bytes, each beside the best pipe of a shell
# shellcheck shell=bash disable=SC2154

copy_columns='id, team, name, total, at, note'
copy_rows=1000000
house() { curl -sS "${AMIG_TEST_CLICKHOUSE%/*}/" --data-binary "$1"; }
post() { psql -Xqt "$AMIG_TEST_POSTGRES" "${@/#/-c}"; }
copy_post_table() { post "DROP TABLE IF EXISTS $1" "CREATE TABLE $1 (id bigint PRIMARY KEY, team int NOT NULL, name text NOT NULL,
	total numeric(18, 4) NOT NULL, at timestamptz(0) NOT NULL, note text NOT NULL)" 2>"$work/output"; }
copy_house_table() {
	house "DROP TABLE IF EXISTS $1"
	house "CREATE TABLE $1 (id Int64, team Int32, name String, total Decimal(18, 4), at DateTime, note String)
		ENGINE = MergeTree ORDER BY id"
}
copy_setup() {
	export AMIG_PG_URL=$AMIG_TEST_POSTGRES AMIG_CH_URL=$AMIG_TEST_CLICKHOUSE AMIG_LITE_URL=sqlite:$work/copy.file
	export AMIG_STATE=sqlite:$work/copy.db
	# Where there is a schema of the role's name its tables would go there.
	post 'DROP SCHEMA IF EXISTS amig CASCADE' 2>"$work/output"
	copy_post_table source
	post "INSERT INTO source SELECT n, n % 1000, md5(n::text), n / 7.0, timestamptz '2020-01-01Z' + n * interval '1 second',
		repeat(md5((n + 1)::text), 2) || 'abcdefghijklmnop' FROM generate_series(1, $copy_rows) AS n" \
		'VACUUM ANALYZE source'
	copy_house_table source
	post "COPY (SELECT id, team, name, total, extract(epoch FROM at)::bigint, note FROM source) TO STDOUT" |
		curl -sS -X POST -T - "${AMIG_TEST_CLICKHOUSE%/*}/?query=INSERT%20INTO%20source%20FORMAT%20TabSeparated"
	rm -f "$work/copy.file"
	sqlite3 "$work/copy.file" 'CREATE TABLE source (id INTEGER PRIMARY KEY, team int, name text, total text,
		at text, note text)'
	post "COPY source TO STDOUT" | sqlite3 -cmd '.mode tabs' "$work/copy.file" '.import /dev/stdin source'
	"$amigc" build "$here/copy.d" -o "$work/copy.amb"
}
copy_run() { "$amigrun" run "$1" --bundle "$work/copy.amb" --quiet; }
copy_fresh() { rm -f "$work"/copy.db*; copy_house_table target; copy_post_table target; }

copy_post_house() { copy_run 0001_postgres_clickhouse; }
copy_windows() { copy_run 0002_postgres_clickhouse_windows; }
copy_post_house_pipe() {
	post "COPY (SELECT id, team, name, total, extract(epoch FROM at)::bigint, note FROM source) TO STDOUT" |
		curl -sS -X POST -T - "${AMIG_TEST_CLICKHOUSE%/*}/?query=INSERT%20INTO%20target%20FORMAT%20TabSeparated"
}
copy_house_post() { copy_run 0003_clickhouse_postgres; }
copy_house_post_pipe() {
	house "SELECT $copy_columns FROM source FORMAT TabSeparated" | post "COPY target FROM STDIN"
}
copy_lite_post() { copy_run 0004_sqlite_postgres; }
copy_lite_post_pipe() {
	sqlite3 -cmd '.mode tabs' "$work/copy.file" "SELECT $copy_columns FROM source" | post "COPY target FROM STDIN"
}
# As applications do it by hand; found beside what npm has brought.
copy_reference() {
	cp "$here/reference.mjs" "$build/bench/npm/reference.mjs"
	node "$build/bench/npm/reference.mjs" "$AMIG_TEST_POSTGRES" "$AMIG_TEST_CLICKHOUSE" $copy_rows
}
get_pg() {
	[ -e "$build/bench/npm/node_modules/pg" ] ||
		npm install --silent --no-audit --no-fund --prefix "$build/bench/npm" pg@8.23.1
}
# figure NAME GOAL ours peer: and that both of them bring every row.
copy_figure() {
	wanted "$1" || return 0
	[ -e "$work/copy.amb" ] || copy_setup
	pair "$1" "$2" copy_fresh "$3" copy_fresh "$4"
}
copy_memory() {
	copy_fresh
	lines+=("copy_memory $(peak "$amigrun" run 0001_postgres_clickhouse --bundle "$work/copy.amb" --quiet |
		awk '{ printf "%.0f MB goal 64 %s", $1 / 1024, $1 < 65536 ? "met" : "short" }')")
	[ "$(house 'SELECT count() FROM target')" = $copy_rows ] || { echo "bench: rows are missing" >&2; exit 1; }
}
copy_figures() {
	copy_figure copy_postgres_clickhouse 1.053 copy_post_house copy_post_house_pipe
	copy_figure copy_windows 1.176 copy_windows copy_post_house_pipe
	copy_figure copy_clickhouse_postgres 1.053 copy_house_post copy_house_post_pipe
	copy_figure copy_sqlite_postgres 1.053 copy_lite_post copy_lite_post_pipe
	! wanted copy_postgres_clickhouse || copy_memory
	! wanted copy_reference || get_pg
	copy_figure copy_reference 0.2 copy_windows copy_reference
}
