#!/bin/bash
# rights.sh - what the databases do not let the run do: told by what is missing, nothing half counted, and gone on with when it
# is given
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/rows.sh"

export AMIG_STATE=sqlite:$scratch/state.db

# statement NAME KIND SQL
statement() {
	cat >"$scratch/$1.amig" <<-E
		migration "$1" {
		  needs b: $2

		  operation "statement" on b {
		    idempotent
		    retry 0
		    forward  sql"$3"
		    rollback nothing
		  }
		}
	E
}
# windows NAME KIND [MORE]
windows() {
	cat >"$scratch/$1.amig" <<-E
		migration "$1" {
		  needs a: $2
		  needs b: $2

		  operation "windows" on a {
		    retry 0
		    forward {
		      for w in batches of ident("source") by a size 40 {
		        copy a sql"SELECT a, b FROM source WHERE \${w.where}" into b ident("t1") columns (a, b)
		        ${3-}
		      }
		    }
		    rollback nothing
		  }
		}
	E
}
for kind in postgres clickhouse; do
	migration_of 0001_copy_$kind $kind 'SELECT a, b FROM source' $kind t1 'a, b' 'retry 0'
	windows 0002_windows_$kind $kind
	statement 0003_insert_$kind $kind 'INSERT INTO t1 SELECT a, b FROM source'
done
statement 0004_create_postgres postgres 'CREATE TABLE t2 (a int)'
statement 0004_create_clickhouse clickhouse 'CREATE TABLE t2 (a Int32) ENGINE = Log'
windows 0005_revoked postgres 'exec sql"REVOKE INSERT ON t1 FROM amig_poor"'

new_databases() {
	AMIG_A_URL=$(fresh $1 amig_rights)
	case $1 in
	postgres)
		postgres "$AMIG_A_URL" "CREATE TABLE source (a int PRIMARY KEY, b int); CREATE TABLE t1 (a int, b int)"
		postgres "$AMIG_A_URL" "INSERT INTO source SELECT n, n FROM generate_series(1, 100) AS n"
		postgres "$AMIG_A_URL" "DROP OWNED BY amig_poor; DROP ROLE amig_poor" >/dev/null
		postgres "$AMIG_A_URL" "CREATE ROLE amig_poor LOGIN PASSWORD 'poor'"
		poor=${AMIG_A_URL/amig:secret/amig_poor:poor} ;;
	clickhouse)
		ask "$(url_of "$AMIG_A_URL")" "CREATE TABLE source ENGINE = MergeTree ORDER BY a AS
			SELECT toInt32(number) AS a, toInt32(number) AS b FROM numbers(100)"
		ask "$(url_of "$AMIG_A_URL")" "CREATE TABLE t1 (a Int32, b Int32) ENGINE = MergeTree ORDER BY a"
		poor=${AMIG_A_URL/amig:/reader:} ;;
	esac
	export AMIG_A_URL AMIG_B_URL=$poor
}
there() { ask "$(url_of "$AMIG_A_URL")" 'SELECT count(*) FROM t1'; }
# is_refused MIGRATION WORDS…: nothing of it is there.
is_refused() {
	local name=$1
	shift
	rm -f "$scratch"/state.db*
	expect 1 "$AMIGRUN" run "$name"
	has "the error" "$output" "$@"
	is "the rows" "$(there)" 0
	is "the effects" "$(state "SELECT count(*) FROM @effect WHERE outcome = 'done' OR outcome IS NULL OR rows > 0")" 0
	is "the migration" "$(migration "$name" status)" rolled_back
}
postgres_says_what_is_missing() {
	local missing='into t1 of b: the role may not insert into column a: GRANT INSERT is missing'
	new_databases postgres
	is_refused 0001_copy_postgres "$missing"
	is_refused 0002_windows_postgres "$missing"
	is_refused 0003_insert_postgres "permission denied for table t1" 42501
	is_refused 0004_create_postgres "permission denied for schema public" 42501
	rm -f "$scratch"/state.db*
	AMIG_A_URL=$poor expect 1 "$AMIGRUN" run 0002_windows_postgres
	has "the error" "$output" "permission denied for table source"
	postgres "$AMIG_A_URL" "GRANT SELECT ON source TO amig_poor; GRANT INSERT ON t1 TO amig_poor"
	AMIG_A_URL=$poor expect 0 "$AMIGRUN" run 0002_windows_postgres
	is "the rows" "$(there)" 100
}
rights_that_go_are_told_at_their_window() {
	new_databases postgres
	postgres "$AMIG_A_URL" "GRANT SELECT ON source TO amig_poor; GRANT INSERT ON t1 TO amig_poor"
	rm -f "$scratch"/state.db*
	expect 1 "$AMIGRUN" run 0005_revoked --no-auto-rollback
	has "the error" "$output" "into t1 of b: the role may not insert"
	is "the rows" "$(there)" 40
	is "the windows" "$(state "SELECT count(*) FROM @effect WHERE outcome = 'done' AND rows > 0")" 1
	AMIG_B_URL=$AMIG_A_URL expect 0 "$AMIGRUN" resume 0005_revoked
	is "the rows" "$(there)" 100
}
clickhouse_says_what_is_missing() {
	local name
	new_databases clickhouse
	for name in 0001_copy 0002_windows 0003_insert; do
		is_refused ${name}_clickhouse "Cannot insert into table in readonly mode (code 164)"
	done
	is_refused 0004_create_clickhouse "Cannot create table in readonly mode (code 164)"
	AMIG_B_URL=$AMIG_A_URL expect 0 "$AMIGRUN" run 0002_windows_clickhouse
	is "the rows" "$(there)" 100
}
# Who may not even come in has a connection that cannot be opened.
a_database_that_is_not_for_us() {
	local name
	new_databases clickhouse
	AMIG_B_URL=${AMIG_A_URL/amig:/elsewhere:}
	for name in 0001_copy 0002_windows 0003_insert; do
		rm -f "$scratch"/state.db*
		expect 4 "$AMIGRUN" run ${name}_clickhouse
		has "the error" "$output" "connection b: Access denied to database amig_rights for user elsewhere (code 291)"
		AMIG_B_URL=$AMIG_A_URL expect 0 "$AMIGRUN" resume ${name}_clickhouse
	done
	is "the rows" "$(there)" 300
}

build rights "$scratch"/*.amig
name="end_to_end, rights"
check "$name/PostgreSQL says what is missing" postgres_says_what_is_missing
check "$name/rights that go in the middle are told at their window" rights_that_go_are_told_at_their_window
check "$name/ClickHouse says what is missing" clickhouse_says_what_is_missing
check "$name/a database that is not for us" a_database_that_is_not_for_us
report_end
