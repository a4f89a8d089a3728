#!/bin/bash
# waits.sh - waits that keep their clock over a death and a stop, and failures that are outlived
set -u
. "$(dirname "$0")/../support/case.sh"

export AMIG_DB_URL=$scratch/target.db AMIG_STATE=sqlite:$scratch/state.db

# migration_of NAME: the forward block of one operation on standard input.
migration_of() {
	cat >"$scratch/$1.amig" <<-E
		migration "$1" {
		  needs db: sqlite

		  operation "the only one" on db {
		    forward {
		$(cat)
		    }
		    rollback sql"DELETE FROM t"
		  }
		}
	E
}
migration_of 0001_sleeps <<<'exec sql"INSERT INTO t (x) VALUES (1)"
	sleep 4s
	exec sql"INSERT INTO t (x) VALUES (2)"'
migration_of 0002_waits <<<'wait until db.exists(sql"SELECT 1 FROM t") every 20ms timeout 1h
	exec sql"INSERT INTO t (x) VALUES (2)"'
migration_of 0003_waits_in_vain <<<'exec sql"INSERT INTO t (x) VALUES (1)"
	wait until db.exists(sql"SELECT 1 FROM t WHERE x = 7") every 10ms timeout 50ms'
migration_of 0004_outlives <<<'for x in [1, 1, 2] {
	  try { exec sql"INSERT INTO t (x) VALUES (${x})" } catch e { log "told ${e.class} ${e.code}" }
	}'
migration_of 0006_waits_briefly <<<'exec sql"INSERT INTO t (x) VALUES (1)"
	wait until db.exists(sql"SELECT 1 FROM t WHERE x = 7") every 20ms timeout 3s'
cat >"$scratch/0007_reads_for_long.amig" <<-'E'
	migration "0007_reads_for_long" {
	  needs db: sqlite

	  precheck "takes longer than a lease" {
	    require db.exists(sql"""
	      WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 12000000)
	      SELECT 1 FROM c WHERE x = 12000000
	    """)
	  }
	  operation "the only one" on db {
	    forward  sql"INSERT INTO t (x) VALUES (1)"
	    rollback sql"DELETE FROM t"
	  }
	}
E

fresh() {
	rm -f "$scratch"/*.db*
	sqlite3 "$AMIG_DB_URL" 'CREATE TABLE t (x UNIQUE)'
}
rows() { sqlite3 -cmd '.timeout 10000' "$AMIG_DB_URL" 'SELECT group_concat(x) FROM t'; }
begins() {
	"$AMIGRUN" run "$1" >"$scratch/out" 2>&1 </dev/null &
	runner=$!
}
first_row_is_there() { [ "$(rows)" = 1 ]; }
rests() { [ "$(state "SELECT length(state) > 0 FROM @checkpoint")" = 1 ]; }

a_sleep_that_is_killed_ends_when_it_would_have() {
	local began=$EPOCHREALTIME left
	fresh
	begins 0001_sleeps
	await_that 20 first_row_is_there
	await_that 20 rests
	kill -KILL $runner
	wait $runner
	is "the row" "$(migration 0001_sleeps status)" running
	left=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { l = 5 - (b - a); print (l > 0 ? l : 0) }')
	sleep "$left"
	began=$EPOCHREALTIME
	expect 0 "$AMIGRUN" resume 0001_sleeps
	is "the rows" "$(rows)" 1,2
	is "whether the four seconds were waited again" \
		"$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { print (b - a >= 4 ? "yes" : "no") }')" no
}
a_wait_hears_a_stop_and_goes_on() {
	fresh
	begins 0002_waits
	await_that 20 rests
	kill -TERM $runner
	wait $runner
	is "the status of the process" $? 5
	is "the row" "$(migration 0002_waits status current_operation_index)" "stopped|0"
	sqlite3 "$AMIG_DB_URL" 'INSERT INTO t VALUES (1)'
	expect 0 "$AMIGRUN" resume 0002_waits
	is "the rows" "$(rows)" 1,2
}
a_wait_in_vain_is_a_failure_that_is_undone() {
	fresh
	expect 1 "$AMIGRUN" run 0003_waits_in_vain
	has "the message" "$output" "waited in vain until db.exists"
	is "the row" "$(migration 0003_waits_in_vain status)" rolled_back
	is "the rows" "$(rows)" ""
}
# While the file that holds the state too is only read, another session renews the lease.
a_lease_outlasts_a_read() {
	fresh
	AMIG_STATE=sqlite:$AMIG_DB_URL AMIG_LEASE=1s expect 0 "$AMIGRUN" run 0007_reads_for_long
	is "the rows" "$(rows)" 1
}
# The time while nobody ran it counts: it is over when the run goes on.
a_wait_that_is_killed_ends_when_it_would_have() {
	local began
	fresh
	begins 0006_waits_briefly
	await_that 20 first_row_is_there
	await_that 20 rests
	kill -KILL $runner
	wait $runner
	sleep 3
	began=$EPOCHREALTIME
	expect 1 "$AMIGRUN" resume 0006_waits_briefly
	has "the message" "$output" "waited in vain until db.exists"
	is "whether the three seconds were waited again" \
		"$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { print (b - a >= 3 ? "yes" : "no") }')" no
}
what_fails_is_outlived() {
	fresh
	expect 0 "$AMIGRUN" run 0004_outlives
	has "what was told" "$output" "told permanent SQLITE_CONSTRAINT"
	is "the rows" "$(rows)" 1,2
	is "the outcomes" "$(state "SELECT group_concat(outcome) FROM (SELECT outcome FROM @effect ORDER BY number)")" \
		done,failed,done
}

build waits "$scratch"/000*.amig
check "waits/a sleep that is killed ends when it would have" a_sleep_that_is_killed_ends_when_it_would_have
check "waits/a lease outlasts a read of the file that holds the state" a_lease_outlasts_a_read
check "waits/a wait hears a stop, and goes on" a_wait_hears_a_stop_and_goes_on
check "waits/a wait in vain is a failure, and undone" a_wait_in_vain_is_a_failure_that_is_undone
check "waits/a wait that is killed ends when it would have" a_wait_that_is_killed_ends_when_it_would_have
check "waits/what fails is outlived" what_fails_is_outlived
report_end
