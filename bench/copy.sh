# copy.sh - the figures of `copy`, sourced by run: a million rows of 150 bytes, each beside the best pipe of a shell
# shellcheck shell=bash disable=SC2154

copy_columns='id, team, name, total, at, note'
copy_rows=1000000
house_url=${AMIG_TEST_CLICKHOUSE%/*}/copies
house() { curl -sS "${house_url%/*}/?database=copies" --data-binary "$1"; }
# insert_into TABLE: lines from the standard input
insert_into() { curl -sS -X POST -T - "${house_url%/*}/?database=copies&query=INSERT%20INTO%20$1%20FORMAT%20TabSeparated"; }
# ClickHouse's tables are in memory if there are 2 GB for them. It syncs nothing anyway, and an ext4 without a journal
# looks for the number of a new file among those of all that were deleted in the last minutes: a quarter of the server's
# time for windows, which are many small files, and nothing for a pipe.
house_database() {
	local room=$AMIG_TEST_SERVERS/clickhouse/data/data/copies
	curl -sS "${AMIG_TEST_CLICKHOUSE%/*}/" --data-binary 'CREATE DATABASE IF NOT EXISTS copies'
	[ -z "$memory" ] && [ "$(df --output=avail -k /dev/shm | tail -1)" -gt 2000000 ] || return 0
	memory=$(mktemp -d /dev/shm/amig-bench.XXXXXX)
	rmdir "$room"
	ln -s "$memory" "$room"
}
post() { psql -Xqt "$AMIG_TEST_POSTGRES" "${@/#/-c}"; }
copy_post_table() { post "DROP TABLE IF EXISTS $1" "CREATE TABLE $1 (id bigint PRIMARY KEY, team int NOT NULL, name text NOT NULL,
	total numeric(18, 4) NOT NULL, at timestamptz(0) NOT NULL, note text NOT NULL)" 2>"$work/output"; }
copy_house_table() {
	house "DROP TABLE IF EXISTS $1"
	house "CREATE TABLE $1 (id Int64, team Int32, name String, total Decimal(18, 4), at DateTime, note String)
		ENGINE = MergeTree ORDER BY id"
}
copy_setup() {
	export AMIG_PG_URL=$AMIG_TEST_POSTGRES AMIG_CH_URL=$house_url AMIG_LITE_URL=sqlite:$work/copy.file
	export AMIG_STATE=sqlite:$work/copy.db
	house_database
	# Where there is a schema of the role's name its tables would go there.
	post 'DROP SCHEMA IF EXISTS amig CASCADE' 2>"$work/output"
	copy_post_table source
	post "INSERT INTO source SELECT n, n % 1000, md5(n::text), n / 7.0, timestamptz '2020-01-01Z' + n * interval '1 second',
		repeat(md5((n + 1)::text), 2) || 'abcdefghijklmnop' FROM generate_series(1, $copy_rows) AS n" \
		'VACUUM ANALYZE source'
	copy_house_table source
	post "COPY (SELECT id, team, name, total, extract(epoch FROM at)::bigint, note FROM source) TO STDOUT" |
		insert_into source
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
		insert_into target
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
	node "$build/bench/npm/reference.mjs" "$AMIG_TEST_POSTGRES" "$house_url" $copy_rows
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
# The most that is resident of COPY_MB (4096) generated megabytes, beyond what is for a single row.
copy_memory_of() {
	local rows=$((${COPY_MB:-4096} * 1000000 / 150)) one all
	rm -f "$work"/copy.db*
	one=$(copy_memory_peak "$1" 1)
	rm -f "$work"/copy.db*
	all=$(copy_memory_peak "$1" $rows)
	lines+=("copy_memory${1#*_memory} $(awk -v a="$all" -v b="$one" -v mb="${COPY_MB:-4096}" 'BEGIN { d = (a - b) / 1024
		printf "%.1f MB above %.1f for %d MB, goal 64 %s", d, b / 1024, mb, d <= 64 ? "met" : "short" }')")
}
copy_memory_peak() {
	peak "$amigrun" run "$1" --param rows="$2" --bundle "$work/memory.amb" --quiet || { cat "$work/output" >&2; exit 1; }
}
# ClickHouse forgets what it is given; PostgreSQL does by a rule of its own, a trigger.
copy_memory() {
	export AMIG_PG_URL=$AMIG_TEST_POSTGRES AMIG_CH_URL=$house_url AMIG_LITE_URL=sqlite:$work/memory.file
	export AMIG_STATE=sqlite:$work/copy.db
	house_database
	house "DROP TABLE IF EXISTS memory"
	house "CREATE TABLE memory (id Int64, team Int32, name String, note String) ENGINE = Null"
	post "DROP TABLE IF EXISTS memory" "CREATE UNLOGGED TABLE memory (id bigint, team int, name text, note text)" \
		"CREATE OR REPLACE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'" \
		"CREATE TRIGGER forgets BEFORE INSERT ON memory FOR EACH ROW EXECUTE FUNCTION forget()" 2>"$work/output"
	"$amigc" build "$here/memory.d" -o "$work/memory.amb"
	copy_memory_of 0011_memory_postgres_clickhouse
	copy_memory_of 0012_memory_clickhouse_postgres
	copy_memory_of 0013_memory_sqlite_clickhouse
}
copy_figures() {
	copy_figure copy_postgres_clickhouse 1.053 copy_post_house copy_post_house_pipe
	copy_figure copy_windows 1.176 copy_windows copy_post_house_pipe
	copy_figure copy_clickhouse_postgres 1.053 copy_house_post copy_house_post_pipe
	copy_figure copy_sqlite_postgres 1.053 copy_lite_post copy_lite_post_pipe
	! wanted copy_memory || copy_memory
	! wanted copy_reference || get_pg
	copy_figure copy_reference 0.2 copy_windows copy_reference
}
