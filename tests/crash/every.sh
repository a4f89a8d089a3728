#!/bin/bash
# every.sh - the kill matrix over every migration of the tests that has none of its own, on every
# kind of connection, with the state beside the target and apart: in the end target, plan, journal
# and index are those of a run that nobody disturbed
#
# AMIG_CRASH=small: of one of them; AMIG_MIGRATION=name: of that one. A migration that is in none of the lists here fails a test.
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/kill.sh"

# What the target holds before; a word of NAME is one of the keys.
entries='CREATE TABLE entry (x); CREATE TABLE forgotten (x); CREATE TABLE marked (x);'
steps='CREATE TABLE counted (x int UNIQUE); CREATE TABLE pace AS SELECT 0.0 AS s;'
house_steps='CREATE TABLE counted (x Int64) ENGINE = MergeTree ORDER BY x;'
declare -A sqlite_before=(
	[0201_params]=$entries [0202_prechecked]=$entries [0203_postchecked]=$entries [0204_dependent]=$entries
	[0205_required]="$entries INSERT INTO entry VALUES (1);" [0206_irreversible]=$entries
	[0207_planned]="$entries INSERT INTO entry VALUES (1), (2), (3);" [0208_slow]=$entries
	[0209_fails_behind]="$entries INSERT INTO entry VALUES (1);"
)
declare -A postgres_before=(
	[0101_stuck]="CREATE TABLE counter (name text PRIMARY KEY, done int DEFAULT 0, undone int DEFAULT 0);
		INSERT INTO counter (name) VALUES ('one'), ('two'), ('three')"
	[0600_counted]='CREATE TABLE counter AS SELECT x, 0 AS n FROM generate_series(1, 8) x'
	[0610_long]=$steps [0611_outside]=$steps [0612_short_ones]=$steps [0620_steps]=$steps [0621_long]=$steps
)
declare -A clickhouse_before=(
	[0601_house]='CREATE TABLE counter (x Int64) ENGINE = Log'
	[0613_clickhouse]="$house_steps CREATE TABLE pace (x Int64) ENGINE = Log;
		INSERT INTO pace SELECT number FROM numbers(2)"
	[0622_house]=$house_steps
)
# Those that have scripts of their own, and one that no server suits.
elsewhere=' 0100_seven 0300_blocks 0210_newer '
before_it=([204]=0203_postchecked)

reset() { "reset_$kind"; }
reset_sqlite() {
	rm -f "$scratch"/*.db*
	export AMIG_SQLITE=$scratch/target.db AMIG_STATE=sqlite:$scratch/state.db
	[ $place = apart ] || AMIG_STATE=sqlite:$AMIG_SQLITE
	sqlite3 "$AMIG_SQLITE" "${sqlite_before[$name]}"
}
# To make a database takes longer than all the rest.
empty_postgres() {
	local url=${AMIG_TEST_POSTGRES%/*}/$1
	psql -Xq "$url" -c 'DROP SCHEMA IF EXISTS amig, public CASCADE; CREATE SCHEMA public' >/dev/null 2>&1 ||
		{ url=$(new_postgres "$1"); psql -Xq "$url" -c 'DROP SCHEMA public; CREATE SCHEMA public'; }
	echo "$url"
}
reset_postgres() {
	AMIG_POSTGRES_URL=$(empty_postgres amig_every)
	AMIG_STATE=$AMIG_POSTGRES_URL
	[ $place = beside ] || AMIG_STATE=$(empty_postgres amig_every_state)
	export AMIG_STATE AMIG_POSTGRES_URL
	postgres "$AMIG_POSTGRES_URL" "${postgres_before[$name]}"
}
reset_clickhouse() {
	local statement
	AMIG_CLICKHOUSE_URL=$(new_clickhouse amig_every)
	AMIG_STATE=sqlite:$scratch/state.db
	rm -f "$scratch"/state.db*
	[ $place = apart ] || AMIG_STATE=$(empty_postgres amig_every_state)
	export AMIG_STATE AMIG_CLICKHOUSE_URL
	while read -r -d ';' statement; do
		[ -z "$statement" ] || clickhouse amig_every "$statement"
	done <<<"${clickhouse_before[$name]};"
}
forwards() {
	local first=${before_it[10#${name%%_*}]-}
	[ -z "$first" ] || "$AMIGRUN" run "$first" || return
	"$AMIGRUN" run "$name" --no-auto-rollback
}

target_sqlite() { sqlite3 -cmd '.timeout 10000' "$AMIG_SQLITE" '.dump entry' '.dump forgotten' '.dump marked'; }
target_postgres() {
	pg_dump -Ox --exclude-schema=amig --exclude-table='amig_*' "$AMIG_POSTGRES_URL" |
		grep -vE '^(--|$|.(un)?restrict )' | sort
}
target_clickhouse() {
	local table
	for table in $(clickhouse amig_every 'SHOW TABLES'); do
		clickhouse amig_every "SHOW CREATE TABLE $table"
		clickhouse amig_every "SELECT * FROM $table ORDER BY x"
	done
}
everything() {
	"target_$kind" 2>&1
	state 'SELECT name, status, progress, current_operation_index FROM @migration ORDER BY 1'
	state 'SELECT operation_index, label, status FROM @operation ORDER BY run, 1'
	# What was undone to be done anew is in the journal, too.
	grep -q 'in doubt undo' "$source" ||
		state "SELECT number, operation_index, backward FROM @effect WHERE outcome = 'done' ORDER BY run, 1"
}
learn() {
	reset
	forwards >"$scratch/learn.log" 2>&1 || die "the undisturbed run failed: $(cat "$scratch/learn.log")"
	undisturbed=$(everything)
	has "the undisturbed state" "$undisturbed" completed
}
is_undisturbed() { is "what there is" "$(everything)" "$undisturbed"; }

# Without the waits that other tests need.
mkdir "$scratch/sources"
for source in "$case_root"/tests/{crash,end_to_end}/migrations/*.amig "$case_root"/tests/end_to_end/migrations/rules/*.amig; do
	sed -E 's/pg_sleep\([0-9.]+\)/pg_sleep(0.01)/; s/sleep\(0\.[0-9]+\) FROM/sleep(0.001) FROM/; s/x < 2000000/x < 2000/' \
		"$source" >"$scratch/sources/$(sed -nE 's/^migration "(\w+)".*/\1/p' "$source").amig"
done
build every "$scratch/sources" >"$scratch/build.log" || { failed "crash, every/build" "$scratch/build.log"; exit 1; }
export AMIG_APP_VERSION=1.29.5
only=${AMIG_MIGRATION-}
[ "${AMIG_CRASH-}" != small ] || only=0202_prechecked
for source in "$scratch"/sources/*.amig; do
	name=$(basename "$source" .amig)
	kind=none
	[ -z "${sqlite_before[$name]-}" ] || kind=sqlite
	[ -z "${postgres_before[$name]-}" ] || kind=postgres
	[ -z "${clickhouse_before[$name]-}" ] || kind=clickhouse
	case "$elsewhere" in *" $name "*) continue ;; esac
	[ $kind != none ] || { failed "crash, every/$name is in no list of tests/crash/every.sh"; continue; }
	[ -z "$only" ] || [ "$name" = "$only" ] || continue
	for place in beside apart; do
		[ "${AMIG_CRASH-}" != small ] || [ $place = apart ] || continue
		learn
		kill_matrix "crash, every/$name, state $place" reset forwards is_undisturbed
	done
done
report_end
