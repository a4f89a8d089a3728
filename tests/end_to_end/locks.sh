#!/bin/bash
# locks.sh - `with lock`: held over deaths, stops and failures, given back with the block, the rollback
# or the end, waited for, taken over from a run that is not at work
set -u
. "$(dirname "$0")/../support/case.sh"

# migration_of NAME: the forward block of one operation on standard input.
migration_of() {
	cat >"$scratch/$1.amig" <<-E
		migration "$1" {
		  needs db: sqlite

		  operation "the only one" on db {
		    forward {
		$(cat)
		    }
		    rollback sql"INSERT INTO undone VALUES (1)"
		  }
		}
	E
}
migration_of 0001_waits_inside <<<'exec sql"INSERT INTO t VALUES (1)"
	with lock "a" {
	  exec sql"INSERT INTO t VALUES (2)"
	  wait until db.exists(sql"SELECT 1 FROM go") every 20ms timeout 1h
	  exec sql"INSERT INTO t VALUES (3)"
	}
	exec sql"INSERT INTO t VALUES (4)"'
migration_of 0002_waits_before <<<'wait until db.exists(sql"SELECT 1 FROM go") every 20ms timeout 1h
	with lock "a" { exec sql"INSERT INTO t VALUES (5)" }'
thousand='WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 1000) SELECT x FROM c'
migration_of 0003_takes <<<'let many = db.column(sql"'"$thousand"'") as [int]
	sleep 1ms
	with lock "a" { exec sql"INSERT INTO t VALUES (${len(many) - 994})" }'
migration_of 0004_fails_inside <<<'with lock "a" {
	  exec sql"INSERT INTO t VALUES (1)"
	  exec sql"INSERT INTO missing VALUES (2)"
	}
	exec sql"INSERT INTO t VALUES (3)"'
migration_of 0005_outlives <<<'for i in [1, 2, 3] {
	  try {
	    with lock "a" {
	      exec sql"INSERT INTO t VALUES (${i})"
	      if i == 1 { exec sql"INSERT INTO missing VALUES (2)" }
	      require i == 3 else "it is ${i}"
	    }
	  } catch e { log "told ${e.message}" }
	  wait until db.exists(sql"SELECT 1 FROM go") every 20ms timeout 1h
	}'
migration_of 0006_refuses <<<'with lock "a" {
	  exec sql"INSERT INTO t VALUES (1)"
	  fail "no more"
	}'

fresh() {
	export AMIG_DB_URL=$scratch/target.db
	place_state $where locks
	sqlite3 "$AMIG_DB_URL" 'CREATE TABLE t (x); CREATE TABLE go (x); CREATE TABLE undone (x)'
}
target() { sqlite3 -cmd '.timeout 10000' "$AMIG_DB_URL" "$1"; }
rows() { target 'SELECT group_concat(x) FROM t'; }
# Each: name, depth, migration, 1 when held.
locks() { state "SELECT name, depth, migration, CASE WHEN held THEN 1 ELSE 0 END FROM @lock ORDER BY migration, depth"; }
locks_are() { [ "$(locks)" = "$1" ]; }
rests() {
	[ "$(migration "$1" status)" = running ] &&
		[ "$(state "SELECT count(*) FROM @checkpoint WHERE length(state) > 0")" = 1 ]
}
begins() {
	"$AMIGRUN" "$@" >"$scratch/out" 2>&1 </dev/null &
	runner=$!
}
# ended_by SIGNAL STATUS
ended_by() {
	kill "-$1" $runner
	wait $runner
	is "the status of the process" $? "$2"
}
go() { target 'INSERT INTO go VALUES (1)'; }
# Another migration, whose run has the lock.
another_has_it() {
	state "INSERT INTO @migration (name, description, min_version, max_version, status, current_run)
		VALUES ('0009_other', '', '', '', '$1', 99)"
	state "INSERT INTO @lock (run, depth, name, migration, epoch, held, taken_at)
		VALUES (99, 1, 'a', '0009_other', 1, $held, CURRENT_TIMESTAMP)"
}

is_held_over_a_death_and_given_back() {
	fresh
	begins run 0001_waits_inside
	await_that 20 locks_are "a|1|0001_waits_inside|1"
	await_that 20 rests 0001_waits_inside
	ended_by KILL 137
	is "the locks of the dead" "$(locks)" "a|1|0001_waits_inside|1"
	go
	expect 0 "$AMIGRUN" resume 0001_waits_inside
	is "the locks" "$(locks)" ""
	is "the rows" "$(rows)" 1,2,3,4
}
is_kept_while_stopped_and_ends_with_the_rollback() {
	fresh
	begins run 0001_waits_inside
	await_that 20 locks_are "a|1|0001_waits_inside|1"
	ended_by TERM 5
	is "the locks of the stopped" "$(locks)" "a|1|0001_waits_inside|1"
	expect 0 "$AMIGRUN" rollback 0001_waits_inside
	is "the locks" "$(locks)" ""
}
is_taken_over_from_a_stopped_run_that_takes_it_again() {
	fresh
	begins run 0001_waits_inside
	await_that 20 locks_are "a|1|0001_waits_inside|1"
	ended_by TERM 5
	expect 0 "$AMIGRUN" run 0003_takes
	is "the locks" "$(locks)" "a|1|0001_waits_inside|0"
	begins resume 0001_waits_inside
	await_that 20 locks_are "a|1|0001_waits_inside|1"
	go
	wait $runner
	is "the status of the process" $? 0
	is "the locks at the end" "$(locks)" ""
	is "the rows" "$(rows)" 1,2,6,3,4
}
is_waited_for() {
	fresh
	begins run 0002_waits_before
	await_that 20 rests 0002_waits_before
	another_has_it running
	go
	await_that 20 grep -q 'waits for: lock "a", which 0009_other has' "$scratch/out"
	sleep 1
	is "the rows while it waits" "$(rows)" ""
	is "the locks" "$(locks)" "a|1|0009_other|1"
	state "DELETE FROM @lock"
	wait $runner
	is "the status of the process" $? 0
	is "the rows" "$(rows)" 5
	is "the locks at the end" "$(locks)" ""
	is "the events" "$(state "SELECT count(*) FROM @event WHERE kind = 'lock_awaited'")" 1
}
# What may be running still keeps others out.
is_kept_while_an_effect_is_in_doubt() {
	fresh
	begins run 0002_waits_before
	await_that 20 rests 0002_waits_before
	another_has_it errored
	state "INSERT INTO @effect (run, number, attempt, operation_index, backward, query_id, sql, connection, intent_at)
		SELECT 99, 1, 1, 0, NOT held, '', '', 'db', taken_at FROM @lock"
	go
	await_that 20 grep -q 'waits for: lock "a", which 0009_other has' "$scratch/out"
	sleep 1
	is "the locks" "$(locks)" "a|1|0009_other|1"
	state "UPDATE @effect SET outcome = 'failed' WHERE run = 99"
	wait $runner
	is "the status of the process" $? 0
	is "the rows" "$(rows)" 5
}
# The wait is durable; the holder has failed meanwhile, and loses the lock.
ends_in_the_wait() {
	fresh
	begins run 0002_waits_before
	await_that 20 rests 0002_waits_before
	another_has_it rolling_back
	go
	await_that 20 grep -q 'waits for' "$scratch/out"
	ended_by "$1" "$2"
	is "the locks of the other" "$(locks)" "a|1|0009_other|1"
	state "UPDATE @migration SET status = 'errored' WHERE name = '0009_other'"
	expect 0 "$AMIGRUN" resume 0002_waits_before
	is "the rows" "$(rows)" 5
	is "the locks" "$(locks)" "a|1|0009_other|0"
}
hears_a_stop_in_the_wait() { ends_in_the_wait TERM 5; }
dies_in_the_wait() { ends_in_the_wait KILL 137; }
# It has failed in the block and goes on there: the failure is not outlived by giving back the lock.
is_kept_by_a_failed_run() {
	fresh
	expect 1 "$AMIGRUN" run 0004_fails_inside --no-auto-rollback
	is "the locks" "$(locks)" "a|1|0004_fails_inside|1"
	target 'CREATE TABLE missing (x)'
	expect 0 "$AMIGRUN" resume 0004_fails_inside
	is "the rows" "$(rows)" 1,3
	is "the other rows" "$(target 'SELECT x FROM missing')" 2
	is "the locks at the end" "$(locks)" ""
}
ends_with_the_rollback_of_a_failure() {
	fresh
	expect 1 "$AMIGRUN" run 0004_fails_inside
	is "the row" "$(migration 0004_fails_inside status)" rolled_back
	is "the locks" "$(locks)" ""
	expect 1 "$AMIGRUN" run 0006_refuses --no-auto-rollback
	is "the locks" "$(locks)" "a|1|0006_refuses|1"
	expect 1 "$AMIGRUN" resume 0006_refuses
	is "the locks" "$(locks)" ""
}
is_given_back_by_what_is_outlived() {
	fresh
	begins run 0005_outlives
	await_that 20 grep -q 'told.*missing' "$scratch/out"
	await_that 20 rests 0005_outlives
	await_that 20 locks_are ""
	ended_by KILL 137
	go
	expect 0 "$AMIGRUN" resume 0005_outlives
	has "what was told" "$output" "told it is 2"
	is "the rows" "$(rows)" 1,2,3
	is "the locks" "$(locks)" ""
}
is_shown_by_plan() {
	fresh
	expect 0 "$AMIGRUN" plan 0004_fails_inside
	has "the plan" "$output" "INSERT INTO t VALUES (1)"
}

build locks "$scratch"/000*.amig
for where in other same postgres; do
	held=1
	[ $where != postgres ] || held=true
	on="locks, $where"
	check "$on/is held over a death, and given back" is_held_over_a_death_and_given_back
	check "$on/is kept while stopped, ends with the rollback" is_kept_while_stopped_and_ends_with_the_rollback
	check "$on/is taken over from a stopped run, which takes it again" is_taken_over_from_a_stopped_run_that_takes_it_again
	check "$on/is waited for" is_waited_for
	check "$on/is kept while an effect is in doubt" is_kept_while_an_effect_is_in_doubt
	check "$on/a stop is heard in the wait" hears_a_stop_in_the_wait
	check "$on/a death in the wait" dies_in_the_wait
	check "$on/is kept by a failed run, which goes on in the block" is_kept_by_a_failed_run
	check "$on/ends with the rollback of a failure" ends_with_the_rollback_of_a_failure
	check "$on/is given back by what is outlived" is_given_back_by_what_is_outlived
	check "$on/plan shows what is in the block" is_shown_by_plan
done
report_end
