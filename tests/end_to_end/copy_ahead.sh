#!/bin/bash
# copy_ahead.sh - a `copy` in `batches`: the next window's rows are read while those of this one are inserted
set -u
. "$(dirname "$0")/../support/case.sh"

# windows NAME QUERY [BODY]: of a hundred rows, from p into c.
windows() {
	cat >"$scratch/$1.amig" <<-E
		migration "$1" {
		  needs p: postgres
		  needs c: clickhouse

		  operation "copy" on p {
		    retry 0
		    forward {
		      var total = 0
		      for w in batches of ident("s") by id size 100 {
		        ${3-}
		        copy p sql"$2 \${w.where}" into c ident("t") columns (id, filler, div)
		        total = total + 1
		      }
		      log "\${total} windows"
		    }
		    rollback nothing
		  }
		}
	E
}
windows 0001_plain 'SELECT id, filler, div FROM s WHERE'
windows 0002_broken 'SELECT id, filler, 1 / div FROM s WHERE'
windows 0003_between 'SELECT id, filler, div FROM s WHERE' \
	'p.exec(sql"UPDATE s SET div = 2 WHERE ${w.where}")'

# fresh BYTES: how long a row is. Each insert takes half a second.
fresh() {
	AMIG_P_URL=$(new_postgres amig_copy_ahead)
	AMIG_C_URL=$(new_clickhouse amig_copy_ahead)
	AMIG_STATE=sqlite:$scratch/state.db
	rm -f "$scratch"/*.db*
	export AMIG_P_URL AMIG_C_URL AMIG_STATE
	postgres "$AMIG_P_URL" "CREATE TABLE s AS SELECT n AS id, repeat('x', $1) AS filler, 1 AS div
		FROM generate_series(1, 400) AS n"
	postgres "$AMIG_P_URL" 'ALTER TABLE s ADD PRIMARY KEY (id)'
	clickhouse amig_copy_ahead 'CREATE TABLE t (id Int32, filler String, div Int32) ENGINE = MergeTree ORDER BY id'
	clickhouse amig_copy_ahead 'CREATE MATERIALIZED VIEW slow ENGINE = Memory AS SELECT sleep(0.5) AS s FROM t'
}
arrived() { clickhouse amig_copy_ahead 'SELECT count(), uniqExact(id), sum(div) FROM t' | tr '\t' '|'; }
asked() {
	postgres "$AMIG_P_URL" "SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND query LIKE '%COPY (' || $1 AND pid <> pg_backend_pid()"
}
goes_on_without_threads() {
	fresh 10
	expect 0 without_threads "$AMIGRUN" run 0001_plain
	is "rows" "$(arrived)" "400|400|400"
}
has_asked() { [ "$(asked "$1")" -gt 0 ]; }
# Of the window behind those whose intents are known.
is_ahead() {
	local asked
	for n in 1 2 3; do
		asked=$(asked "'%\"id\" > ${n}00%'")
		[ "$asked" = 0 ] || [ "$(state 'SELECT count(*) FROM @effect')" -gt $n ] || return 0
	done
	return 1
}
in_background() {
	"$AMIGRUN" run "$1" >"$scratch/out" 2>&1 </dev/null &
	runner=$!
}
ends_well() {
	wait $runner
	is "how it ended" $? 0 || cat "$scratch/out"
}

next_window_is_read() {
	fresh 10
	in_background 0001_plain
	await_that 20 is_ahead
	ends_well
	is "what is there" "$(arrived)" "400|400|400"
}
# More than is kept of it: the rest waits in the server, until an operator has the windows wait.
what_is_paused_has_nothing_open() {
	fresh 250000
	in_background 0001_plain
	await_that 20 has_asked "'%> 100%'"
	expect 0 "$AMIGRUN" tune 0001_plain pause=true
	await_that 20 grep -q 'an operator has paused the windows' "$scratch/out"
	is "queries that are open" "$(asked "'%' AND state = 'active'")" 0
	expect 0 "$AMIGRUN" tune 0001_plain pause=false
	ends_well
	is "what is there" "$(arrived)" "400|400|400"
}
what_fails_is_told_in_its_window() {
	fresh 10
	postgres "$AMIG_P_URL" 'UPDATE s SET div = 0 WHERE id = 250'
	expect 1 "$AMIGRUN" run 0002_broken --no-auto-rollback
	has "what is told" "$output" "reading from p:" "division by zero"
	is "what is there" "$(arrived)" "200|200|200"
	postgres "$AMIG_P_URL" 'UPDATE s SET div = 1 WHERE id = 250'
	expect 0 "$AMIGRUN" resume 0002_broken
	is "what is there in the end" "$(arrived)" "400|400|400"
}
what_comes_between_is_seen() {
	fresh 10
	expect 0 "$AMIGRUN" run 0003_between
	is "what is there" "$(arrived)" "400|400|800"
}

build ahead "$scratch"/*.amig >"$scratch/build.log" || { failed "end_to_end, copy_ahead/build" "$scratch/build.log"; exit 1; }
check "end_to_end, copy_ahead/the next window is read while this one is inserted" next_window_is_read
check "end_to_end, copy_ahead/what is paused has no query open" what_is_paused_has_nothing_open
check "end_to_end, copy_ahead/what fails is told in its window" what_fails_is_told_in_its_window
check "end_to_end, copy_ahead/what comes between two copies is seen" what_comes_between_is_seen
check_without_threads "end_to_end, copy_ahead/windows go on where no thread can be started" goes_on_without_threads
report_end
