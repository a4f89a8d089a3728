#!/bin/bash
# workers.sh - workers that share a state store: what they take, hear, leave to each other; and what
# `amigrun stop` answers
set -u
. "$(dirname "$0")/../support/case.sh"

export AMIG_LEASE=1s AMIG_DB_URL=$scratch/target.db

# migration_of NAME CLAUSES: the forward block of one operation on standard input.
migration_of() {
	cat >"$scratch/$1.amig" <<-E
		migration "$1" {
		  needs db: sqlite
		  ${2-}

		  operation "the only one" on db {
		    forward {
		$(cat)
		    }
		    rollback sql"DELETE FROM t"
		  }
		}
	E
}
migration_of 0001_first <<<'exec sql"INSERT INTO t (x) VALUES (1)"'
migration_of 0002_second 'depends on "0001_first"' <<<'exec sql"INSERT INTO t (x) VALUES (2)"'
migration_of 0003_slow <<<'exec sql"INSERT INTO t (x) VALUES (3)"
	sleep 2s
	exec sql"INSERT INTO t (x) VALUES (4)"'
cat >"$scratch/0000_for_good.amig" <<'E'
migration "0000_for_good" {
  needs db: sqlite
  operation "the only one" on db {
    forward sql"INSERT INTO t (x) VALUES (0)"
    irreversible "it is gone"
  }
}
E
migration_of 0004_later 'versions 9.0.0 .. 9.9.9' <<<'exec sql"INSERT INTO t (x) VALUES (9)"'

rows() { sqlite3 -cmd '.timeout 10000' "$AMIG_DB_URL" 'SELECT group_concat(x) FROM t'; }
fresh() {
	rm -f "$scratch"/*.db*
	sqlite3 "$AMIG_DB_URL" 'CREATE TABLE t (x int)'
	export AMIG_STATE=sqlite:$scratch/state.db
	[ "${1-}" != postgres ] || AMIG_STATE=$(new_postgres amig_workers)
}
# worker NUMBER
worker() {
	"$AMIGRUN" worker >"$scratch/worker$1" 2>&1 </dev/null &
	workers[$1]=$!
}
is_now() { [ "$(migration "$1" status)" = "$2" ]; }
row_is_there() { [ "$(rows)" = "$1" ]; }
# ends NUMBER: a worker that is told to end does, and well.
ends() {
	kill -TERM "${workers[$1]}"
	wait "${workers[$1]}"
	is "how worker $1 ended" $? 0
}

starts_what_is_asked_for() {
	fresh "$1"
	worker 1
	expect 0 "$AMIGRUN" start 0001_first
	await_that 10 is_now 0001_first completed
	is "the rows" "$(rows)" 1
	expect 0 "$AMIGRUN" start 0001_first --rollback
	await_that 10 is_now 0001_first rolled_back
	is "the rows" "$(rows)" ""
	ends 1
}
on_sqlite() { starts_what_is_asked_for sqlite; }
on_postgres() { starts_what_is_asked_for postgres; }

goes_along_the_dependencies() {
	fresh
	expect 0 "$AMIGRUN" set auto_start=true
	worker 1
	await_that 20 is_now 0003_slow completed
	is "the rows" "$(rows)" 0,1,2,3,4
	# It is for another version of the application.
	is "the status" "$(migration 0004_later status)" ""
	ends 1
}

takes_over_what_died() {
	fresh "$1"
	worker 1
	worker 2
	expect 0 "$AMIGRUN" start 0003_slow
	await_that 10 row_is_there 3
	kill -KILL "${workers[1]}" "${workers[2]}"
	wait "${workers[1]}" "${workers[2]}"
	worker 3
	await_that 10 is_now 0003_slow completed
	is "the rows" "$(rows)" 3,4
	ends 3
}
dead_on_sqlite() { takes_over_what_died sqlite; }
dead_on_postgres() { takes_over_what_died postgres; }

# Killed, and its parent has not waited for it: no lease need be waited for.
a_zombie_is_dead() {
	fresh
	export AMIG_LEASE=1h
	bash -c '"$0" run 0003_slow >"$1/out" 2>&1 & echo $! >"$1/pid"; exec sleep 60' "$AMIGRUN" "$scratch" &
	local parent=$!
	await_that 10 row_is_there 3
	kill -KILL "$(cat "$scratch/pid")"
	await_that 10 is_zombie "$(cat "$scratch/pid")"
	expect 0 "$AMIGRUN" resume 0003_slow
	is "the rows" "$(rows)" 3,4
	kill $parent
}
is_zombie() { grep -q '^State:.Z' "/proc/$1/status"; }

leaves_its_run_to_the_others() {
	fresh
	worker 1
	expect 0 "$AMIGRUN" start 0003_slow
	await_that 10 row_is_there 3
	ends 1
	is "the run" "$(migration 0003_slow status lease_owner)" "running|"
	worker 2
	await_that 10 is_now 0003_slow completed
	is "the rows" "$(rows)" 3,4
	ends 2
}

only_one_takes_a_run() {
	fresh "$1"
	for n in 1 2 3 4; do worker $n; done
	expect 0 "$AMIGRUN" start 0003_slow
	await_that 20 is_now 0003_slow completed
	is "the rows" "$(rows)" 3,4
	is "the epoch" "$(migration 0003_slow epoch)" 1
	for n in 1 2 3 4; do ends $n; done
}
four_on_sqlite() { only_one_takes_a_run sqlite; }
four_on_postgres() { only_one_takes_a_run postgres; }

# begins NAME: in the foreground of another process, up to its first row.
begins() {
	"$AMIGRUN" run "$1" >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 10 row_is_there 3
}

is_stopped_when_it_says_so() {
	fresh
	begins 0003_slow
	expect 0 "$AMIGRUN" stop 0003_slow
	has "the answer" "$output" "0003_slow: Stopped, at operation 0"
	is "the status" "$(migration 0003_slow status)" stopped
	wait $runner
	is "how the run ended" $? 5
	expect 3 "$AMIGRUN" stop 0003_slow
	has "the refusal" "$output" "is not running"
}

is_undone_when_it_says_so() {
	fresh
	begins 0003_slow
	expect 0 "$AMIGRUN" stop 0003_slow --rollback
	has "the answer" "$output" "0003_slow: Rolled back"
	is "the rows" "$(rows)" ""
	wait $runner
	is "how the run ended" $? 5
}

# The process that had it is dead: nobody else would answer.
an_orphan_is_stopped() {
	fresh
	begins 0003_slow
	kill -KILL $runner
	wait $runner
	expect 0 "$AMIGRUN" stop 0003_slow
	has "the answer" "$output" "0003_slow: Stopped, at operation 0"
	expect 0 "$AMIGRUN" resume 0003_slow
	is "the rows" "$(rows)" 3,4
}

# Who takes a run over was asked what the dead one was asked.
a_request_outlives_its_worker() {
	fresh "$1"
	begins 0003_slow
	kill -KILL $runner
	wait $runner
	expect 0 "$AMIGRUN" stop 0003_slow --no-wait --rollback
	worker 1
	await_that 10 is_now 0003_slow rolled_back
	is "the rows" "$(rows)" ""
	ends 1
}
outlives_on_sqlite() { a_request_outlives_its_worker sqlite; }
outlives_on_postgres() { a_request_outlives_its_worker postgres; }

# Said while it could be undone, or by somebody else's hand.
refusals_hold_up_nobody() {
	fresh
	expect 0 "$AMIGRUN" run 0000_for_good
	expect 3 "$AMIGRUN" start 0000_for_good --rollback
	has "the refusal" "$output" "irreversible: it is gone"
	state "UPDATE @migration SET wanted = 'rollback' WHERE name = '0000_for_good'"
	is "the word" "$(migration 0000_for_good wanted)" rollback
	expect 0 "$AMIGRUN" start 0001_first
	worker 1
	await_that 10 is_now 0001_first completed
	is "the word" "$(migration 0000_for_good wanted)" ""
	is "the refusals" "$(grep -c 'irreversible: it is gone' "$scratch/worker1")" 1
	ends 1
}

# A word that leads to nothing is forgotten, and does not keep the worker from others.
vain_words_are_forgotten() {
	fresh
	expect 3 "$AMIGRUN" start 0001_first --rollback
	has "the refusal" "$output" "there is nothing to roll back"
	expect 0 "$AMIGRUN" run 0001_first
	expect 0 "$AMIGRUN" start 0001_first
	expect 0 "$AMIGRUN" start 0002_second
	worker 1
	await_that 10 is_now 0002_second completed
	is "the word" "$(migration 0001_first wanted)" ""
	ends 1
}

# One that may not run now is left as it was, not between two states.
no_more_run_than_may() {
	fresh "$1"
	begins 0003_slow
	expect 3 "$AMIGRUN" run 0001_first
	has "the refusal" "$output" "0003_slow" "at most 1 may run" "max_running"
	is "the row" "$(migration 0001_first status wanted lease_owner)" "not_started||"
	# What a worker is asked for waits until it may.
	worker 1
	expect 0 "$AMIGRUN" start 0001_first
	wait $runner
	is "how it ended" $? 0
	await_that 20 is_now 0001_first completed
	is "the rows" "$(rows)" 3,4,1
	ends 1
	fresh "$1"
	expect 0 "$AMIGRUN" set max_running=2
	begins 0003_slow
	expect 0 "$AMIGRUN" run 0001_first
	is "the status" "$(migration 0003_slow status)" running
	wait $runner
	is "the rows" "$(rows)" 3,1,4
}
# An idle one looks by itself every ten seconds: what it does before that it has been told of.
hears_at_once() {
	local began
	fresh "$1"
	worker 1
	expect 0 "$AMIGRUN" start 0001_first
	await_that 20 is_now 0001_first completed
	sleep 0.5
	began=$EPOCHREALTIME
	expect 0 "$AMIGRUN" start 0003_slow
	await_that 20 row_is_there 1,3
	expect 0 "$AMIGRUN" stop 0003_slow
	is "whether it was heard late" "$(awk -v a="$began" -v b="$EPOCHREALTIME" \
		'BEGIN { print (b - a > 5 ? "yes, " b - a : "no") }')" no
	is "the rows" "$(rows)" 1,3
	ends 1
}

# worker_by NUMBER SECONDS: one whose machine's clock is wrong by so much.
worker_by() {
	AMIG_TEST_CLOCK=$2 "$AMIGRUN" worker >"$scratch/worker$1" 2>&1 </dev/null &
	workers[$1]=$!
}
# Whoever's clock it is that is ahead: nothing is taken from who lives, and a wait ends when it would have.
clocks_decide_nothing() {
	local ahead
	for ahead in 7200 -7200; do
		fresh "$1"
		worker_by 1 $ahead
		expect 0 "$AMIGRUN" start 0003_slow
		await_that 10 row_is_there 3
		worker_by 2 $((-ahead))
		sleep 0.5
		is "the epoch" "$(migration 0003_slow epoch)" 1
		is "the rows" "$(rows)" 3
		kill -KILL "${workers[1]}"
		wait "${workers[1]}"
		await_that 10 is_now 0003_slow completed
		is "the rows" "$(rows)" 3,4
		is "the epoch" "$(migration 0003_slow epoch)" 2
		ends 2
	done
}

settings_are_checked() {
	fresh
	expect 2 "$AMIGRUN" set max_running=0
	has "the refusal" "$output" "the setting max_running can't be \"0\"" "a number from 1 to 1000"
	expect 2 "$AMIGRUN" set auto_start=yes
	has "the refusal" "$output" "it is true or false"
	expect 2 "$AMIGRUN" set colour=red
	has "the refusal" "$output" "there is no setting \"colour\"" "auto_rollback, auto_start, max_running"
	expect 0 "$AMIGRUN" set max_running=3
	expect 0 "$AMIGRUN" settings
	has "the settings" "$output" "max_running    3" "auto_start     false"
}

build workers "$scratch"/*.amig >"$scratch/build.log" || { failed "end_to_end, workers/build" "$scratch/build.log"; exit 1; }
check "end_to_end, workers/a worker does what it is asked to, state in SQLite" on_sqlite
check "end_to_end, workers/a worker does what it is asked to, state in PostgreSQL" on_postgres
check "end_to_end, workers/a worker starts what is ready, along the dependencies" goes_along_the_dependencies
check "end_to_end, workers/a worker takes over what others died over, state in SQLite" dead_on_sqlite
check "end_to_end, workers/a worker takes over what others died over, state in PostgreSQL" dead_on_postgres
check "end_to_end, workers/a process that is killed and not waited for is dead" a_zombie_is_dead
check "end_to_end, workers/a worker that is told to end leaves its run to the others" leaves_its_run_to_the_others
check "end_to_end, workers/one of four takes a run, state in SQLite" four_on_sqlite
check "end_to_end, workers/one of four takes a run, state in PostgreSQL" four_on_postgres
check "end_to_end, workers/stop answers when the run has stopped" is_stopped_when_it_says_so
check "end_to_end, workers/stop --rollback answers when the run is undone" is_undone_when_it_says_so
check "end_to_end, workers/stop stops a run whose process is dead" an_orphan_is_stopped
check "end_to_end, workers/a request to stop outlives the worker, state in SQLite" outlives_on_sqlite
check "end_to_end, workers/a request to stop outlives the worker, state in PostgreSQL" outlives_on_postgres
check "end_to_end, workers/a word for a worker that leads to nothing is forgotten" vain_words_are_forgotten
check "end_to_end, workers/what is refused holds up nobody" refusals_hold_up_nobody
check "end_to_end, workers/no more run than may, state in SQLite" no_more_run_than_may sqlite
check "end_to_end, workers/no more run than may, state in PostgreSQL" no_more_run_than_may postgres
check "end_to_end, workers/an idle worker hears at once, state in SQLite" hears_at_once sqlite
check "end_to_end, workers/an idle worker hears at once, state in PostgreSQL" hears_at_once postgres
check "end_to_end, workers/clocks that are wrong decide nothing, state in SQLite" clocks_decide_nothing sqlite
check "end_to_end, workers/clocks that are wrong decide nothing, state in PostgreSQL" clocks_decide_nothing postgres
check "end_to_end, workers/settings are checked, kept and shown" settings_are_checked
report_end
