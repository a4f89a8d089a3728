#!/bin/bash
# windows_at_once.sh - `batches … parallel n`: disjoint windows at the same time, each once, whatever dies
set -u
. "$(dirname "$0")/../support/case.sh"
. "$(dirname "$0")/../support/windows.sh"

export AMIG_STATE=sqlite:$scratch/state.db

# at_once NAME KIND HEAD BODY [CLAUSE…]
at_once() {
	local name=$1 kind=$2 head=$3 body=$4
	shift 4
	cat >"$scratch/$name.amig" <<-E
		migration "$name" {
		  needs db: $kind

		  operation "in windows" on db {
		$(printf '    %s\n' "$@")
		    forward {
		      for w in batches of $head {
		$body
		      }
		      exec sql"INSERT INTO seen VALUES (0)"
		    }
		    rollback sql"DELETE FROM seen"
		  }
		}
	E
}
effect() { printf '        exec sql"""\n          %s\n        """\n' "$1"; }

count='INSERT INTO seen SELECT count(*) FROM t WHERE ${w.where}'
slowly='INSERT INTO seen SELECT count(*) FROM t, pg_sleep(0.3) WHERE ${w.where}'
for kind in postgres sqlite clickhouse; do
	clause=
	[ $kind != clickhouse ] || clause=idempotent
	at_once 0001_windows_$kind $kind 'ident("t") by id size 30 parallel 4' "$(effect "$count")" $clause
	at_once 0002_two_effects_$kind $kind 'ident("t") by id size 90 parallel 3' "$(effect "$count"; effect 'INSERT INTO seen VALUES (1000)')" $clause
done
at_once 0003_slowly postgres 'ident("t") by id size 125 parallel 4' "$(effect "$slowly")"
at_once 0004_fails postgres 'ident("t") by id size 100 parallel 3' "$(effect 'INSERT INTO seen SELECT count(*) / (max(id) - 1000) FROM t WHERE ${w.where}')" 'retry 0'
at_once 0005_too_much postgres 'ident("t") by id size 400 parallel 2' \
	"$(effect 'INSERT INTO seen SELECT count(x) FROM (SELECT pg_sleep(0.005) AS x FROM t WHERE ${w.where} LIMIT 300) AS s')" 'timeout 1s'

seen() { ask 'SELECT count(*) - 1, sum(n), max(n) FROM seen'; }

every_row_is_in_one_window() {
	fresh "$1"
	expect 0 "$AMIGRUN" run "0001_windows_$1"
	is "windows, rows, most" "$(seen)" "34|1000|30"
	fresh "$1"
	expect 0 "$AMIGRUN" run "0002_two_effects_$1"
	is "effects, rows, most" "$(seen)" "24|13000|1000"
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
survives_being_killed() {
	local place n
	for place in before_commit after_commit before_effect during_effect after_effect before_read; do
		for n in 3 8 17; do
			fresh "$1"
			AMIG_FAULT=$place:$n expect 137 "$AMIGRUN" run "0002_two_effects_$1"
			expect 0 "$AMIGRUN" resume "0002_two_effects_$1"
			is "effects, rows, most after $place:$n" "$(seen)" "24|13000|1000"
		done
	done
}
build at_once "$scratch"/*.amig >"$scratch/build.log" || { failed "end_to_end, windows at once/build" "$scratch/build.log"; exit 1; }
for kind in postgres sqlite clickhouse; do
	check "end_to_end, windows at once/every row of $kind is in one" every_row_is_in_one_window $kind
done
check "end_to_end, windows at once/they go at once" they_go_at_once
check "end_to_end, windows at once/one that fails ends them" a_window_that_fails_ends_them
check "end_to_end, windows at once/what is too much is halved" what_is_too_much_is_halved
check "end_to_end, windows at once/they survive being killed on postgres" survives_being_killed postgres
report_end
