#!/bin/bash
# windows_at_once.sh - `batches … parallel n`: disjoint windows at the same time, each once, whatever dies
set -u
. "$(dirname "$0")/../support/case.sh"
. "$(dirname "$0")/../support/windows.sh"

export AMIG_STATE=sqlite:$scratch/state.db

count='INSERT INTO seen SELECT count(*) FROM t WHERE ${w.where}'
slowly='INSERT INTO seen SELECT count(*) FROM t, pg_sleep(0.3) WHERE ${w.where}'
for kind in postgres sqlite clickhouse; do
	clause=
	[ $kind != clickhouse ] || clause=idempotent
	at_once 0001_windows_$kind $kind 'ident("t") by id size 30 parallel 4' "$(effect "$count")" $clause
	at_once 0002_two_effects_$kind $kind 'ident("t") by id size 90 parallel 3' \
		"$(effect "$count"; effect 'INSERT INTO seen VALUES (1000)')" $clause
done
at_once 0003_slowly postgres 'ident("t") by id size 125 parallel 4' "$(effect "$slowly")"
at_once 0004_fails postgres 'ident("t") by id size 100 parallel 3' \
	"$(effect 'INSERT INTO seen SELECT count(*) / (max(id) - 1000) FROM t WHERE ${w.where}')" 'retry 0'
at_once 0005_too_much postgres 'ident("t") by id size 400 parallel 2' \
	"$(effect 'INSERT INTO seen SELECT count(x)
            FROM (SELECT pg_sleep(0.005) AS x FROM t WHERE ${w.where} LIMIT 300) AS s')" 'timeout 1s'
at_once 0006_wide postgres 'ident("t") by id size 5 parallel 1' \
	"$(effect 'INSERT INTO seen SELECT count(*) FROM t, pg_sleep(0.1) WHERE ${w.where}')"
at_once 0007_in_doubt postgres 'ident("t") by id size 100 parallel 3' \
	"$(effect 'UPDATE t SET maybe = 7 WHERE ${w.where}')" 'no transaction'
at_once 0008_undone clickhouse 'ident("t") by id size 100 parallel 3' "$(effect "$count")" 'in doubt undo'
sed -i 's/DELETE FROM seen/TRUNCATE TABLE seen/' "$scratch/0008_undone.amig" "$scratch/0002_two_effects_clickhouse.amig"
at_once 0009_sick postgres 'ident("t") by id size 50 parallel 4' "$(effect "$slowly")"
at_once 0012_narrow postgres 'ident("t") by id size 500 parallel 2' \
	"$(effect 'INSERT INTO seen SELECT count(*) FROM t,
            pg_sleep((SELECT CASE min(id) WHEN 2 THEN 5 ELSE 0 END FROM t WHERE ${w.where})) WHERE ${w.where}')" 'retry 0'
check_gate='  healthcheck "gate" every 100ms {\n    require not db.exists(sql"SELECT 1 FROM gate") else "the gate is shut"\n  }'
sed -i "/needs db/a \\$check_gate" \
	"$scratch/0009_sick.amig"
at_once 0010_locked postgres 'ident("t") by id size 100 parallel 3' \
	"$(effect "$count"; effect 'UPDATE t SET maybe = 1 WHERE ${w.where}')" 'retry 5 backoff 100ms .. 200ms' \
	'settings { lock_timeout: "100ms" }'
at_once 0011_waits postgres 'ident("t") by id size 100 parallel 3' \
	"$(effect "$count"; effect 'UPDATE t SET maybe = 1 WHERE ${w.where}')" 'retry 5 backoff 20s .. 30s' \
	'settings { lock_timeout: "100ms" }'

seen() { ask 'SELECT count(*) - 1, sum(n), max(n) FROM seen'; }

every_row_is_in_one_window() {
	fresh "$1"
	expect 0 "$AMIGRUN" run "0001_windows_$1"
	is "windows, rows, most" "$(seen)" "34|1000|30"
	fresh "$1"
	expect 0 "$AMIGRUN" run "0002_two_effects_$1"
	is "effects, rows, most" "$(seen)" "24|13000|1000"
}
they_go_on_without_threads() {
	local runner
	fresh postgres
	expect 0 without_threads "$AMIGRUN" run 0003_slowly
	is "windows, rows, most" "$(seen)" "8|1000|125"
	fresh postgres
	without_threads "$AMIGRUN" run 0012_narrow >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 10 runs_at_once 1
	expect 0 "$AMIGRUN" stop --now 0012_narrow
	wait $runner
	is "how it ended" $? 5
	is "windows" "$(ask 'SELECT count(*) - 1 FROM seen')" 0
}
they_go_at_once() {
	local began=$SECONDS
	fresh postgres
	expect 0 "$AMIGRUN" run 0003_slowly
	is "windows, rows, most" "$(seen)" "8|1000|125"
	is "most at the same time" "$(state "SELECT max(n) FROM (SELECT count(*) AS n FROM @effect a JOIN @effect b
		ON b.intent_at <= a.intent_at AND b.outcome_at > a.intent_at GROUP BY a.number) AS q")" 4
}
a_window_that_fails_ends_them() {
	fresh postgres
	expect 1 "$AMIGRUN" run --no-auto-rollback 0004_fails
	has "the error" "$output" "division by zero"
	is "open effects" "$(state "SELECT count(*) FROM @effect WHERE outcome IS NULL")" 0
	ask 'DELETE FROM t WHERE id = 1000'
	expect 0 "$AMIGRUN" resume 0004_fails
	is "windows" "$(ask 'SELECT count(*) - 1 FROM seen')" 10
	fresh postgres
	expect 1 "$AMIGRUN" run 0004_fails
	has "the end" "$output" "rolled back"
	is "windows" "$(ask 'SELECT count(*) FROM seen')" 0
}
what_is_too_much_is_halved() {
	fresh postgres
	expect 0 "$AMIGRUN" run 0005_too_much
	has "what is said" "$output" "a window of 400 rows was too much, 200 are tried"
	is "rows" "$(ask 'SELECT sum(n), CASE WHEN max(n) <= 200 THEN 1 ELSE 0 END FROM seen')" "1000|1"
}
runs_at_once() { [ "$(state "SELECT count(*) FROM @effect WHERE outcome IS NULL")" -ge "$1" ]; }
four_are_under_way() {
	fresh postgres
	"$AMIGRUN" run 0003_slowly >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 10 runs_at_once 4
}
# What is under way is finished; with --now it is cancelled, and made again.
stops_and_goes_on() {
	four_are_under_way
	expect 0 "$AMIGRUN" stop 0003_slowly "$@"
	wait $runner
	is "how it ended" $? 5
	is "open effects" "$(state "SELECT count(*) FROM @effect WHERE outcome IS NULL")" 0
	expect 0 "$AMIGRUN" resume 0003_slowly
	is "windows, rows, most" "$(seen)" "8|1000|125"
}
stops_and_is_undone() {
	four_are_under_way
	expect 0 "$AMIGRUN" stop --rollback 0003_slowly
	wait $runner
	is "windows" "$(ask 'SELECT count(*) FROM seen')" 0
	is "open effects" "$(state "SELECT count(*) FROM @effect WHERE outcome IS NULL")" 0
}
a_bad_check_ends_them() {
	local runner
	fresh postgres
	ask 'CREATE TABLE gate AS SELECT 1 AS n WHERE false'
	"$AMIGRUN" run --no-auto-rollback 0009_sick >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 10 runs_at_once 4
	ask 'INSERT INTO gate VALUES (1)'
	wait $runner
	is "how it ended" $? 1
	has "the error" "$(cat "$scratch/out")" "the gate is shut"
	is "open effects" "$(state "SELECT count(*) FROM @effect WHERE outcome IS NULL")" 0
	ask 'DELETE FROM gate'
	expect 0 "$AMIGRUN" resume 0009_sick
	is "windows, rows, most" "$(seen)" "20|1000|50"
}
is_as_wide() { [ "$(state "SELECT count(*) FROM @effect WHERE outcome IS NULL")" = "$1" ]; }
an_operator_makes_it_wider() {
	local runner
	fresh postgres
	"$AMIGRUN" run 0006_wide >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 10 is_as_wide 1
	expect 0 "$AMIGRUN" tune 0006_wide parallel=5
	await_that 10 is_as_wide 5
	expect 0 "$AMIGRUN" tune 0006_wide parallel=2
	await_that 10 is_as_wide 2
	expect 2 "$AMIGRUN" tune 0006_wide parallel=65
	wait $runner
	is "how it ended" $? 0
	is "windows, rows, most" "$(seen)" "200|1000|5"
}
# Each that is in doubt is decided by itself.
doubts_are_resolved_one_by_one() {
	local left open
	fresh postgres
	AMIG_FAULT=after_effect:5 expect 137 "$AMIGRUN" run 0007_in_doubt
	open=$(state "SELECT count(*) FROM @effect WHERE outcome IS NULL")
	expect 6 "$AMIGRUN" resume 0007_in_doubt
	has "status" "$("$AMIGRUN" status 0007_in_doubt)" "in doubt: effect"
	is "open effects" "$(state "SELECT count(*) FROM @effect WHERE outcome IS NULL")" "$open"
	for ((left = open; left > 0; left--)); do
		expect 0 "$AMIGRUN" resolve 0007_in_doubt --again
		[ $left = 1 ] || expect 6 "$AMIGRUN" resume 0007_in_doubt
	done
	is "resolved" "$(state "SELECT count(*) FROM @event WHERE kind = 'resolved'")" "$open"
	expect 0 "$AMIGRUN" resume 0007_in_doubt
	is "rows" "$(ask 'SELECT count(*) FROM t WHERE maybe = 7')" 1000
	is "windows" "$(state "SELECT count(*) - 1 FROM @effect WHERE outcome = 'done'")" 10
}
what_is_in_doubt_is_undone() {
	local place
	for place in after_effect:5 before_commit:9 during_effect:4; do
		fresh clickhouse
		AMIG_FAULT=$place expect 137 "$AMIGRUN" run 0008_undone
		expect 0 "$AMIGRUN" resume 0008_undone
		is "windows, rows, most" "$(seen)" "10|1000|100"
	done
}
a_rollback_undoes_them_after_a_kill() {
	local place
	for place in after_effect:5 before_commit:9 during_effect:4; do
		fresh "$1"
		AMIG_FAULT=$place expect 137 "$AMIGRUN" run "0002_two_effects_$1"
		expect 0 "$AMIGRUN" rollback "0002_two_effects_$1"
		is "windows" "$(ask 'SELECT count(*) FROM seen')" 0
		is "open effects" "$(state "SELECT count(*) FROM @effect WHERE outcome IS NULL")" 0
	done
}
# What passes by itself is tried again, in the lane that it happened to.
what_passes_is_tried_again() {
	local holder
	fresh postgres
	psql -Xq "$AMIG_DB_URL" -c 'BEGIN; UPDATE t SET maybe = 2 WHERE id = 1200; SELECT pg_sleep(1)' -c COMMIT \
		>"$scratch/holder" 2>&1 &
	holder=$!
	sleep 0.3
	expect 0 "$AMIGRUN" run 0010_locked
	wait $holder
	has "what is said" "$output" "tries again after"
	is "windows, rows, most" "$(seen)" "10|1000|100"
	is "rows" "$(ask 'SELECT count(*) FROM t WHERE maybe = 1')" 1000
}
# While it waits for that, nothing is under way, and so it goes on after a kill.
one_that_waits_is_killed() {
	local holder runner
	fresh postgres
	psql -Xq "$AMIG_DB_URL" -c 'BEGIN; UPDATE t SET maybe = 2 WHERE id = 1200; SELECT pg_sleep(30)' -c COMMIT \
		>"$scratch/holder" 2>&1 &
	holder=$!
	"$AMIGRUN" run 0011_waits >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 10 grep -q "tries again after" "$scratch/out"
	kill -KILL $runner
	wait $runner
	kill $holder
	wait $holder
	ask "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE query LIKE '%pg_sleep(30)%' AND pid <> pg_backend_pid()"
	expect 0 "$AMIGRUN" resume 0011_waits
	is "windows, rows, most" "$(seen)" "10|1000|100"
	is "rows" "$(ask 'SELECT count(*) FROM t WHERE maybe = 1')" 1000
}
# The window that has happened is settled although the one before it, which is made again, can't even be sent.
is_settled_beside_one_that_is_not_sent() {
	local owner
	fresh postgres
	owner=$AMIG_DB_URL
	ask "CREATE ROLE narrow LOGIN PASSWORD 'secret'; GRANT ALL ON t, seen TO narrow; GRANT CREATE ON SCHEMA public TO narrow"
	AMIG_DB_URL=postgresql://narrow:${AMIG_DB_URL#*//amig:}
	AMIG_FAULT=after_effect:1 expect 137 "$AMIGRUN" run 0012_narrow
	postgres "$owner" "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE usename = 'narrow'" \
		>"$scratch/out"
	postgres "$owner" "ALTER ROLE narrow CONNECTION LIMIT 1"
	expect 4 "$AMIGRUN" resume 0012_narrow
	has "what is said" "$output" "too many connections"
	postgres "$owner" "ALTER ROLE narrow CONNECTION LIMIT 9"
	expect 0 "$AMIGRUN" resume 0012_narrow
	is "windows, rows, most" "$(seen)" "2|1000|500"
}
build at_once "$scratch"/*.amig >"$scratch/build.log" ||
	{ failed "end_to_end, windows at once/build" "$scratch/build.log"; exit 1; }
for kind in postgres sqlite clickhouse; do
	check "end_to_end, windows at once/every row of $kind is in one" every_row_is_in_one_window $kind
done
check "end_to_end, windows at once/they go at once" they_go_at_once
check_without_threads "end_to_end, windows at once/they go on where no thread can be started" they_go_on_without_threads
check "end_to_end, windows at once/one that fails ends them" a_window_that_fails_ends_them
check "end_to_end, windows at once/what is too much is halved" what_is_too_much_is_halved
check "end_to_end, windows at once/they stop and go on" stops_and_goes_on
check "end_to_end, windows at once/they are cancelled and go on" stops_and_goes_on --now
check "end_to_end, windows at once/they stop and are undone" stops_and_is_undone
check "end_to_end, windows at once/a bad check ends them" a_bad_check_ends_them
check "end_to_end, windows at once/an operator makes it wider" an_operator_makes_it_wider
check "end_to_end, windows at once/doubts are resolved one by one" doubts_are_resolved_one_by_one
check "end_to_end, windows at once/one that waits to be tried again is killed" one_that_waits_is_killed
check "end_to_end, windows at once/one is settled beside one that is not sent" is_settled_beside_one_that_is_not_sent
check "end_to_end, windows at once/what is in doubt is undone" what_is_in_doubt_is_undone
check "end_to_end, windows at once/what passes is tried again" what_passes_is_tried_again
for kind in postgres clickhouse; do
	check "end_to_end, windows at once/a rollback undoes them after a kill on $kind" a_rollback_undoes_them_after_a_kill $kind
done
report_end
