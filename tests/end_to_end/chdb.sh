#!/bin/bash
# chdb.sh - ClickHouse's engine inside of amigrun: values and errors, stops and limits, what settles a
# doubt without a log, and what is said where there is no engine
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/chdb.sh"
sanitized=$AMIGRUN

# migration_of NAME NEEDS CLAUSES FORWARD [ROLLBACK]
migration_of() {
	cat >"$scratch/$1.amig" <<-E
		use clickhouse

		migration "$1" {
		  needs $2
		  operation "it" on db {
		    $3
		    forward $4
		    rollback ${5:-nothing}
		  }
		}
	E
}
all_rows='INSERT INTO t SELECT number FROM numbers(1000)'
slow_rows='INSERT INTO t SETTINGS max_block_size = 10, min_insert_block_size_rows = 10, min_insert_block_size_bytes = 0
	SELECT number + sleepEachRow(0.01) FROM numbers(3000)'
migration_of 0001_values 'db: chdb >= 24.1.0' 'idempotent' '{
	let text = "it'\''s a \\ \t \"é\" \u{1F600}"
	require db.value(sql"SELECT ${text}") as string == text else "text"
	require db.value(sql"SELECT toInt64(-9223372036854775808)") as int == -9223372036854775807 - 1 else "int"
	require db.value(sql"SELECT toUInt64(18446744073709551615)") as string == "18446744073709551615" else "wide"
	require db.value(sql"SELECT ${1.5e300}") as float == 1.5e300 else "float"
	require db.value(sql"SELECT true") as bool else "bool"
	require db.value(sql"SELECT NULL") as string? == null else "null"
	let at = now()
	let back = db.value(sql"SELECT toDateTime64(${at}, 6, '\''UTC'\'')") as timestamp
	require back == at else "time"
	require db.column(sql"SELECT number FROM numbers(3)") as [int] == [0, 1, 2] else "column"
	require db.row(sql"SELECT 1 AS a, '\''x'\'' AS b") as {a: int, b: string} == {a: 1, b: "x"} else "row"
	require not db.exists(sql"SELECT 1 WHERE 0") else "exists"
	require clickhouse.table_exists(db, "system", "parts") and db.has_exchange() else "the library"
	require service_version(db) >= 26.5.0 else "version"
	require (db.exec(sql"CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x") ?? -1) == -1 else "DDL has no rows"
	require (db.exec(sql"'"$all_rows"'") ?? -1) == 1000 else "rows"
	}' '{ db.exec(sql"DROP TABLE t") }'
migration_of 0002_reads 'db: chdb' '' '{ let n = db.value(sql"INSERT INTO t VALUES (1)") as int
	log "${n}" }'
migration_of 0003_several 'db: chdb' 'idempotent' 'sql"INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)"'
migration_of 0004_wrong 'db: chdb' 'idempotent' 'sql"SELECT é FROM FROM t"'
migration_of 0005_settings 'db: chdb' 'idempotent
		    settings { max_threads: 1, nonsense: 3 }' '{
	log "with ${db.value(sql"SELECT getSetting('\''max_threads'\'')") as int}"
	}'
migration_of 0006_slow 'db: chdb' 'in doubt undo
		    retry 0' "sql\"\"\"$slow_rows\"\"\"" 'sql"TRUNCATE TABLE t"'
migration_of 0007_limited 'db: chdb' 'in doubt undo
		    retry 0
		    timeout 500ms' "sql\"\"\"$slow_rows\"\"\"" 'sql"TRUNCATE TABLE t"'
migration_of 0008_checked 'db: chdb' 'in doubt undo' "sql\"\"\"$slow_rows\"\"\"" 'sql"TRUNCATE TABLE t"'
sed -i '/needs/a  healthcheck "room" every 300ms { require not db.exists(sql"SELECT 1 FROM t WHERE x > 100") else "no room" }' \
	"$scratch/0008_checked.amig"
migration_of 0009_probed 'db: chdb' 'done when db.exists(sql"SELECT 1 FROM t")' "sql\"$all_rows\""
migration_of 0010_asked 'db: chdb' '' "sql\"$all_rows\"" 'sql"TRUNCATE TABLE t"'
migration_of 0011_again 'db: chdb' 'idempotent' "sql\"$all_rows\""
migration_of 0012_undone 'db: chdb' 'in doubt undo' "sql\"$all_rows\"" 'sql"TRUNCATE TABLE t"'
migration_of 0013_served 'db: clickhouse >= 24.1.0' 'idempotent' "{
	let rows = db.exec(sql\"$all_rows\") ?? 0
	log \"\${rows} in \${db.database()}\" }"
cat >"$scratch/0014_two.amig" <<'E'
migration "0014_two" {
  needs one: chdb
  needs other: chdb
  operation "it" on one {
    idempotent
    forward { log "${one.value(sql"SELECT 1") as int} ${other.value(sql"SELECT 2") as int}" }
    rollback nothing
  }
}
E
migration_of 0015_large 'db: chdb' '' '{
	for x in db.column(sql"SELECT repeat('\''x'\'', 1000000) FROM numbers(100)") as [string] { log x } }'

fresh() {
	rm -rf "$scratch"/*.db* "$scratch/data"
	export AMIG_STATE=sqlite:$scratch/state.db AMIG_CHDB=$scratch/data
	unset AMIG_DB_URL
	[ "${1-}" = nothing ] || make_table
}
# A question can't make one.
make_table() { AMIG_DB_URL=$AMIG_CHDB AMIG_STATE=sqlite:$scratch/make.db expect 0 "$AMIGRUN" run 0000_table; }
migration_of 0000_table 'db: chdb' 'idempotent' 'sql"CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x"'
rows() { chdb 'SELECT toString(count()) FROM t'; }
status_of() { migration "$1" status; }
# dies FAULT COMMAND…
dies() {
	local fault=$1
	shift
	AMIG_FAULT=$fault expect 137 "$AMIGRUN" "$@"
}
# begin NAME: in the background, until it is in its statement.
begin() {
	rm -f "$scratch/out"
	"$AMIGRUN" run "$1" >"$scratch/out" 2>&1 &
	pid=$!
	await_that 20 grep -qs '\[1/1\]' "$scratch/out"
	sleep "${2:-1}"
}

values_go_there_and_back() {
	fresh nothing
	expect 0 "$AMIGRUN" run 0001_values
	is "the rows" "$(rows)" 1000
	is "the rows that were told" "$(state 'SELECT rows FROM @operation')" 1000
	expect 0 "$AMIGRUN" rollback 0001_values --yes
	has "the answer" "$(rows)" "UNKNOWN_TABLE"
}
a_question_changes_nothing() {
	fresh
	expect 1 "$AMIGRUN" run 0002_reads
	has "the message" "$output" "readonly"
	is "the rows" "$(rows)" 0
}
a_template_is_one_statement() {
	fresh
	expect 1 "$AMIGRUN" run 0003_several
	has "the message" "$output" "several statements at once are not allowed"
	is "the rows" "$(rows)" 0
}
an_error_is_the_engines_own() {
	fresh
	expect 1 "$AMIGRUN" run 0004_wrong
	has "the message" "$output" "Syntax error" "code 62"
	is "the code" "$(state 'SELECT code FROM @error')" 62
}
settings_last_for_an_operation() {
	fresh
	expect 0 "$AMIGRUN" run 0005_settings
	has "what was said" "$output" "with 1" "does not know the setting nonsense: left out"
}
a_limit_ends_a_statement() {
	fresh
	expect 1 "$AMIGRUN" run 0007_limited
	has "the message" "$output" "code 159"
	is "the rows" "$(rows)" 0
}
an_answer_has_a_limit() {
	fresh
	expect 1 "$AMIGRUN" run 0015_large
	has "the message" "$output" "the result is larger than 64 MiB"
}
a_stop_kills_the_statement() {
	fresh
	begin 0006_slow 4 # longer than the lease
	is "the status" "$(status_of 0006_slow)" running
	expect 0 "$AMIGRUN" stop 0006_slow --now
	wait $pid
	is "the status" "$(status_of 0006_slow)" stopped
	[ "$(rows)" -gt 0 ] || die "it did not begin"
	expect 0 "$AMIGRUN" rollback 0006_slow --yes
	is "the rows" "$(rows)" 0
}
a_healthcheck_ends_the_statement() {
	fresh
	begin 0008_checked
	wait $pid
	has "what was said" "$(cat "$scratch/out")" "no room"
	is "the status" "$(status_of 0008_checked)" rolled_back
	is "the rows" "$(rows)" 0
}
the_operations_own_words_settle_a_doubt() {
	fresh
	dies after_effect:1 run 0009_probed
	expect 0 "$AMIGRUN" resume 0009_probed
	is "the rows" "$(rows)" 1000
	fresh
	dies before_effect:1 run 0009_probed
	expect 0 "$AMIGRUN" resume 0009_probed
	is "the rows" "$(rows)" 1000
	fresh
	dies after_effect:1 run 0012_undone
	expect 0 "$AMIGRUN" resume 0012_undone
	is "the rows" "$(rows)" 1000
	fresh
	dies after_effect:1 run 0011_again
	expect 0 "$AMIGRUN" resume 0011_again
	is "the rows" "$(rows)" 2000
}
without_them_a_person_is_asked() {
	fresh
	dies after_effect:1 run 0010_asked
	expect 6 "$AMIGRUN" resume 0010_asked
	has "the message" "$output" "it is not known whether effect 1 on db has happened"
	expect 0 "$AMIGRUN" resolve 0010_asked --done
	expect 0 "$AMIGRUN" resume 0010_asked
	is "the rows" "$(rows)" 1000
}
it_serves_migrations_for_clickhouse() {
	fresh
	AMIG_CLICKHOUSE_URL=chdb:$AMIG_CHDB expect 0 "$AMIGRUN" run 0013_served
	has "what was said" "$output" "1000 in default"
	rm -f "$scratch"/state.db*
	AMIG_CLICKHOUSE_URL="chdb:$AMIG_CHDB?database=none" expect 4 "$AMIGRUN" run 0013_served
	has "the message" "$output" "none"
}
the_state_may_be_postgres() {
	fresh
	AMIG_STATE=$(new_postgres chdb_state)
	dies after_effect:1 run 0009_probed
	expect 0 "$AMIGRUN" resume 0009_probed
	is "the row" "$(status_of 0009_probed)" completed
	is "the rows" "$(rows)" 1000
}
a_folder_is_one_processes() {
	fresh
	begin 0006_slow
	AMIG_STATE=sqlite:$scratch/other.db expect 4 "$AMIGRUN" run 0009_probed
	has "the message" "$output" "another process has chDB's folder $AMIG_CHDB open"
	kill -KILL $pid
	wait $pid
	[ "$(rows)" -ge 0 ] || die "it is not free"
}
a_process_has_one_folder() {
	fresh
	AMIG_OTHER_URL=$scratch/other expect 4 "$AMIGRUN" run 0014_two
	has "the message" "$output" "chDB works in one folder at a time, in this process in $AMIG_CHDB: not in $scratch/other"
	AMIG_OTHER_URL=chdb:$AMIG_CHDB expect 0 "$AMIGRUN" resume 0014_two
	has "what was said" "$output" "1 2"
}
a_missing_library_is_told_in_a_line() {
	local hint='`npm install @chdb/lib-linux-x64-gnu@26.5.3` brings it; then set AMIG_CHDB_LIBRARY'
	fresh
	AMIG_CHDB_LIBRARY=/nowhere.so expect 4 "$AMIGRUN" run 0009_probed
	has "the message" "$output" "chDB's library cannot be loaded: /nowhere.so" "$hint"
	AMIG_CHDB_LIBRARY='' expect 4 "$AMIGRUN" run 0009_probed
	has "the message" "$output" "chDB's library cannot be loaded: libchdb.so" "$hint"
	AMIG_CHDB_LIBRARY=/lib/x86_64-linux-gnu/libz.so.1 expect 4 "$AMIGRUN" run 0009_probed
	has "the message" "$output" "it has no function chdb_connect" "$hint"
	expect 4 "$sanitized" run 0009_probed
	unset AMIG_CHDB
	expect 4 "$AMIGRUN" run 0009_probed
	has "the message" "$output" "set AMIG_DB_URL or AMIG_CHDB"
}

chdb_ready >"$scratch/ready.log" 2>&1 || { failed "chdb/the library from npm" "$scratch/ready.log"; exit 1; }
build chdb "$scratch"/00*.amig >"$scratch/build.log" 2>&1 || { failed "chdb/build" "$scratch/build.log"; exit 1; }
check "chdb/values go there and back" values_go_there_and_back
check "chdb/a question changes nothing" a_question_changes_nothing
check "chdb/a template is one statement" a_template_is_one_statement
check "chdb/an error is the engine's own" an_error_is_the_engines_own
check "chdb/settings last for an operation" settings_last_for_an_operation
check "chdb/a limit ends a statement" a_limit_ends_a_statement
check "chdb/an answer has a limit" an_answer_has_a_limit
check "chdb/a stop kills the statement" a_stop_kills_the_statement
check "chdb/a healthcheck ends the statement" a_healthcheck_ends_the_statement
check "chdb/the operation's own words settle a doubt" the_operations_own_words_settle_a_doubt
check "chdb/without them a person is asked" without_them_a_person_is_asked
check "chdb/it serves migrations for ClickHouse" it_serves_migrations_for_clickhouse
check "chdb/the state may be PostgreSQL" the_state_may_be_postgres
check "chdb/a folder is one process's" a_folder_is_one_processes
check "chdb/a process has one folder" a_process_has_one_folder
check "chdb/a missing library is told in a line" a_missing_library_is_told_in_a_line
report_end
