#!/bin/bash
# windows.sh - windows of `batches … parallel` that are killed: at each place, and twenty times at random
#
# AMIG_CRASH=small: at a few passages of each place.
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/kill.sh"
. "$case_root/tests/support/windows.sh"

for kind in postgres clickhouse; do
	clause=
	[ $kind != clickhouse ] || clause=idempotent
	at_once 0001_windows_$kind $kind 'ident("t") by id size 180 parallel 3' \
		"$(effect 'INSERT INTO seen SELECT count(*) FROM t WHERE ${w.where}'
			effect 'INSERT INTO seen VALUES (1000)')" $clause
done
at_once 0002_often_postgres postgres 'ident("big") by id size 50 parallel 4' \
	"$(effect 'UPDATE big SET times = times + 1 FROM pg_sleep(0.05) WHERE ${w.where}')"
# Made again it makes the same rows again.
at_once 0002_often_clickhouse clickhouse 'ident("big") by id size 50 parallel 4' \
	"$(effect 'INSERT INTO changed SELECT id FROM big WHERE ${w.where} AND sleep(0.05) = 0')" idempotent

seen() { ask 'SELECT count(*) - 1, sum(n), max(n) FROM seen'; }
where_the_state_is() {
	rm -f "$scratch"/*.db*
	export AMIG_STATE=sqlite:$scratch/state.db
	[ "$1" = sqlite ] || AMIG_STATE=$(new_postgres "${windows_database}_state")
}
reset() {
	where_the_state_is "$state_kind"
	fresh "$kind"
}
finish() { "$AMIGRUN" run "0001_windows_$kind"; }
# Six windows of two effects each.
compare() {
	is "effects, rows, most" "$(seen)" "12|7000|1000"
	is "open effects" "$(state "SELECT count(*) FROM @effect e WHERE outcome IS NULL AND NOT EXISTS
		(SELECT 1 FROM @effect l WHERE l.number = e.number AND l.attempt > e.attempt)")" 0
}

# killed_at_random RUNNING: twenty times, after up to half a second.
killed_at_random() {
	local name=$1 runner kills=0
	"$AMIGRUN" run "$name" >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	while [ $kills -lt 20 ]; do
		sleep 0.$((RANDOM % 5))$((RANDOM % 10))
		kill -KILL $runner 2>/dev/null || break
		wait $runner 2>/dev/null
		kills=$((kills + 1))
		"$AMIGRUN" run "$name" >>"$scratch/out" 2>&1 </dev/null &
		runner=$!
	done
	wait $runner
	is "how it ended after $kills kills" $? 0 || cat "$scratch/out"
	is "kills" $kills 20
}
every_row_is_changed_once() {
	where_the_state_is "$1"
	fresh postgres
	ask 'CREATE TABLE big AS SELECT n AS id, 0 AS times FROM generate_series(1, 20000) AS n'
	ask 'ALTER TABLE big ADD PRIMARY KEY (id)'
	killed_at_random 0002_often_postgres
	is "rows by how often they were changed" \
		"$(ask 'SELECT times, count(*) FROM big GROUP BY times ORDER BY times')" "1|20000"
}
every_row_arrives() {
	where_the_state_is "$1"
	fresh clickhouse
	ask 'CREATE TABLE big (id UInt64) ENGINE = MergeTree ORDER BY id'
	ask 'CREATE TABLE changed (id UInt64) ENGINE = MergeTree ORDER BY id'
	ask 'INSERT INTO big SELECT number FROM system.numbers LIMIT 5000'
	killed_at_random 0002_often_clickhouse
	is "rows" "$(ask 'SELECT uniqExact(id) FROM changed')" 5000
}

build windows "$scratch"/*.amig >"$scratch/build.log" || { failed "crash, windows/build" "$scratch/build.log"; exit 1; }
for state_kind in sqlite postgres; do
	check "crash, windows/killed twenty times, every row of postgres is changed once, the state in $state_kind" \
		every_row_is_changed_once $state_kind
done
check "crash, windows/killed twenty times, every row arrives in clickhouse" every_row_arrives sqlite
for kind in postgres clickhouse; do
	for state_kind in sqlite postgres; do
		[ "${AMIG_CRASH-}" != small ] || [ $kind$state_kind = postgressqlite ] || continue
		kill_matrix "crash, windows of $kind, the state in $state_kind" reset finish compare
	done
done
report_end
