#!/bin/bash
# at_once.sh - `parallel n { … }`: operations at the same time, each once, whatever ends them; and back in the order
# in which they came to their ends
set -u
. "$(dirname "$0")/../support/case.sh"
. "$(dirname "$0")/../support/told.sh"
. "$(dirname "$0")/../support/at_once.sh"

export AMIG_STATE=sqlite:$scratch/state.db

in_parallel 0001_plain 3 '1, 2, 3, 4, 5, 6' 'retry 0'
in_parallel 0002_passed 2 '1, 2, 3, 4' 'retry 0' 'continue on error'
in_parallel 0003_sick 3 '1, 2, 3, 4, 5' 'retry 0'
check_gate='  healthcheck "gate" every 100ms {\n    require not db.exists(sql"SELECT 1 FROM gate") else "the gate is shut"\n  }'
sed -i "/needs db/a \\$check_gate" "$scratch/0003_sick.amig"
in_parallel 0004_in_doubt 3 '1, 2, 3, 4' 'no transaction'
in_parallel 0005_undone 3 '1, 2, 3, 4' 'no transaction' 'in doubt undo'
in_parallel 0006_tried 2 '1, 2, 3' 'retry 5 backoff 50ms .. 100ms' 'settings { lock_timeout: "100ms" }'
cat >"$scratch/0007_anything.amig" <<'E'
migration "0007_anything" {
  needs db: postgres

  parallel 4 {
    operation "wait" on db {
      forward {
        wait until db.exists(sql"SELECT 1 FROM log WHERE p = 7") every 20ms timeout 30s
        exec sql"INSERT INTO log VALUES (1, 1)"
      }
      rollback nothing
    }
    operation "sleep" on db {
      forward {
        sleep 300ms
        exec sql"INSERT INTO log VALUES (2, 1)"
      }
      rollback nothing
    }
    operation "batches" on db {
      forward {
        for w in batches of ident("pace") by p size 6 parallel 2 {
          exec sql"INSERT INTO log SELECT 3, count(*) FROM pace WHERE ${w.where}"
        }
      }
      rollback nothing
    }
    operation "copy" on db {
      forward {
        copy db sql"SELECT p + 100 AS p, 0 AS step FROM pace ORDER BY 1" into db ident("log") columns (p, step)
      }
      rollback nothing
    }
    operation "releases" on db {
      forward {
        sleep 200ms
        exec sql"INSERT INTO log VALUES (7, 1)"
      }
      rollback nothing
    }
    operation "locked" on db {
      forward {
        with lock "one at a time" {
          exec sql"INSERT INTO log SELECT 4, count(*) FROM log WHERE p IN (2, 3) OR p > 100"
        }
      }
      rollback nothing
    }
    operation "in one" on db {
      forward {
        transaction {
          exec sql"INSERT INTO log VALUES (6, 1)"
          exec sql"INSERT INTO log VALUES (6, 2)"
        }
      }
      rollback nothing
    }
    operation "caught" on db {
      forward {
        try {
          exec sql"INSERT INTO log SELECT 5, 1 / 0"
        } catch e {
          exec sql"INSERT INTO log VALUES (5, 1)"
        }
      }
      rollback nothing
    }
  }
}
E
cat >"$scratch/0008_one_is_asked.amig" <<'E'
migration "0008_one_is_asked" {
  needs db: postgres

  parallel 2 {
    operation "found out" on db {
      no transaction
      done when db.exists(sql"SELECT 1 FROM log WHERE p = 1")
      forward  sql"INSERT INTO log SELECT 1, 1 FROM pg_sleep(0.3)"
      rollback nothing
    }
    operation "asked" on db {
      no transaction
      forward  sql"INSERT INTO log SELECT 2, 1 FROM pg_sleep(0.3)"
      rollback nothing
    }
  }
}
E

fresh_state() {
	rm -f "$scratch"/state.db*
	case $1 in
	sqlite) AMIG_STATE=sqlite:$scratch/state.db ;;
	postgres) AMIG_STATE=$(new_postgres "${at_once_database}_state") ;;
	itself) AMIG_STATE=$AMIG_DB_URL ;;
	esac
}
# begin [SECONDS [STATE]]
begin() {
	fresh_log "${1-0}"
	fresh_state "${2-sqlite}"
}
most_at_once() {
	state "SELECT max(n) FROM (SELECT count(*) AS n FROM @effect a JOIN @effect b
		ON b.intent_at <= a.intent_at AND b.outcome_at > a.intent_at GROUP BY a.number) AS q"
}
completions() { state "SELECT operation_index FROM @operation WHERE completion > 0 ORDER BY completion" | tr '\n' ' '; }
backwards() { state "SELECT operation_index FROM @operation WHERE completion > 0 ORDER BY completion DESC" | xargs; }
statuses() { state "SELECT status FROM @operation ORDER BY operation_index" | tr '\n' ' '; }
is_complete() {
	is "the row" "$(migration "$1" status progress current_operation_index)" "completed|100|$2"
	is "open effects" "$(open_effects)" 0
}
under_way() { [ "$(state "SELECT count(*) FROM @effect WHERE outcome IS NULL")" -ge "$1" ]; }
# start NAME WITH_SO_MANY_UNDER_WAY [OPTION…]
start() {
	local name=$1 count=$2
	shift 2
	"$AMIGRUN" run "$@" "$name" >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 10 under_way "$count"
}
ends_with() {
	local status
	wait $runner
	status=$?
	cat "$scratch/out"
	is "how it ended" $status "$1"
	case "$(cat "$scratch/out")" in *Sanitizer* | *'runtime error:'*) die "the sanitizer has something to say" ;; esac
}

# The first one of the block takes longest, and comes last.
goes_at_once() {
	begin 0.1 "$1"
	pace 1 0.6
	expect 0 "$AMIGRUN" plan 0001_plain
	has "the plan" "$output" "1. part 1 (on db), up to 3 at once in block 1" "7. behind (on db)"
	expect 0 "$AMIGRUN" run 0001_plain
	is_complete 0001_plain 8
	is "what was logged" "$(logged)" "12|6|18"
	is "most at the same time" "$(most_at_once)" 3
	is "who came to its end last" "$(completions | awk '{ print $NF }')" 1
	expect 0 "$AMIGRUN" rollback 0001_plain --yes
	is "the rollback" "$(undone)" "99 $(backwards) 0"
	is "what is left" "$(logged)" "0|0|"
}
finished() { [ "$(completions | wc -w)" -ge "$1" ]; }
masked() {
	sed -E 's/[0-9]{4}-[0-9-]{5}T[0-9:]{8}(\.[0-9]+Z)?/TIME/g; s/amig:[0-9a-f]{8}\.1:([0-9]):[0-9]+:/amig:STORE.1:\1:EFFECT:/g
		s/effect [0-9]+/effect EFFECT/; s/"effect": [0-9]+/"effect": "EFFECT"/; s/"who": ".*"/"who": "WHO"/'
}
# Each that is under way is shown with its statement; when their process is gone, each is in doubt.
status_tells_of_each() {
	begin 30
	pace 2 0
	start 0001_plain 3
	await_that 10 finished 1
	await_that 10 under_way 3
	expect 0 "$AMIGRUN" status 0001_plain
	is_told status_at_once.text
	expect 0 "$AMIGRUN" status --json 0001_plain
	is_told status_at_once.json
	kill -KILL $runner
	wait $runner 2>/dev/null
	await_that 10 in_doubt 3
	expect 0 "$AMIGRUN" status --json 0001_plain
	is "under way, and in doubt" \
		"$(jq -c '[(.under_way | length), [.in_doubt[].operation_index]]' <<<"$output")" '[0,[1,3,4]]'
	ask 'UPDATE pace SET s = 0'
	expect 0 "$AMIGRUN" resume 0001_plain
	begin 30 itself
	"$AMIGRUN" run 0001_plain >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 10 is_in_block
	expect 0 "$AMIGRUN" status 0001_plain
	has "the status" "$output" "under way: operations of block 1, with no statement that the journal tells of"
	expect 0 "$AMIGRUN" stop --now 0001_plain
	ends_with 5
}
is_in_block() { [ "$(migration 0001_plain current_operation_index)" = 1 ]; }
in_doubt() { [ "$("$AMIGRUN" status 0001_plain | grep -c '^in doubt: effect')" = "$1" ]; }
# The index is the lowest that is not finished; those above it are shown, and stay done.
index_is_the_lowest() {
	begin 0.05
	pace 1 30
	start 0001_plain 3 --no-auto-rollback
	await_that 10 finished 5
	expect 0 "$AMIGRUN" status 0001_plain
	has "the status" "$output" "finished above the index: 2, 3, 4, 5, 6" "   1. running      part 1" \
		"2. done         part 2, 2 rows, up to 3 at once in block 1"
	expect 0 "$AMIGRUN" status --json 0001_plain
	is "as JSON" "$(jq -c '[.current_operation_index, .finished_above_index, .plan[2].block, .plan[2].at_once, .plan[0].block,
		.plan[1].completion, (.plan[2].completion > 0)]' <<<"$output")" '[1,[2,3,4,5,6],1,3,null,null,true]'
	is "the progress" "$(migration 0001_plain progress current_operation_index)" "75|1"
	kill -KILL $runner
	wait $runner 2>/dev/null
	pace 1 0
	snapshot=$(done_operations)
	expect 0 "$AMIGRUN" resume 0001_plain
	stays "$snapshot" "$(done_operations)"
	is_complete 0001_plain 8
	is "what was logged" "$(logged)" "12|6|18"
}
# One after the other on the state's own database, where each is one commit with it.
follows_in_one_database() {
	begin 0 itself
	expect 0 "$AMIGRUN" run 0001_plain
	is_complete 0001_plain 8
	is "what was logged" "$(logged)" "12|6|18"
	[ "0$(most_at_once)" -le 1 ] || die "$(most_at_once) went at once"
	expect 0 "$AMIGRUN" rollback 0001_plain --yes
	is "the rollback" "$(undone)" "99 $(backwards) 0"
}
holds_anything() {
	begin
	expect 0 "$AMIGRUN" run 0007_anything
	is_complete 0007_anything 8
	is "what was logged" "$(ask "SELECT string_agg(p || ':' || n || ':' || s, ' ' ORDER BY p) FROM (SELECT least(p, 100) AS p,
		count(*) AS n, sum(step) AS s FROM log GROUP BY 1) AS q")" "1:1:1 2:1:1 3:4:20 4:1:25 5:1:1 6:2:3 7:1:1 100:20:0"
}
# Those under way are finished, nothing more is begun; the others stay as they are.
one_that_fails_ends_them() {
	begin 0.6
	ask 'UPDATE pace SET divisor = 0 WHERE p = 2'
	pace 2 0.2
	expect 1 "$AMIGRUN" run --no-auto-rollback 0001_plain
	has "the error" "$output" 'Operation 2 "part 2" failed: ' "division by zero"
	is "the row" "$(migration 0001_plain status current_operation_index)" "errored|1"
	has "the operations" "$(statuses)" "done running failed " " pending pending pending pending "
	is "open effects" "$(open_effects)" 0
	ask 'UPDATE pace SET divisor = 6'
	expect 0 "$AMIGRUN" resume 0001_plain
	is_complete 0001_plain 8
	is "what was logged" "$(logged)" "12|6|18"
	is "effects" "$(state "SELECT count(*) FROM @effect WHERE outcome = 'done'")" 14
}
two_fail() {
	begin 0.3
	ask 'UPDATE pace SET late = 0 WHERE p IN (1, 3)'
	expect 1 "$AMIGRUN" run --no-auto-rollback 0001_plain
	expect 0 "$AMIGRUN" errors 0001_plain
	has "the errors" "$output" 'Operation 1 "part 1" failed' 'Operation 3 "part 3" failed'
	expect 0 "$AMIGRUN" rollback 0001_plain --yes
	has "the operations" "$(statuses)" "rolled_back rolled_back rolled_back rolled_back " "pending pending pending"
	is "open effects" "$(open_effects)" 0
	is "what is left" "$(logged)" "0|0|"
}
# What is half done first, then what came to its end last.
one_that_fails_is_undone_with_them() {
	begin 0.1
	pace 1 1
	ask 'UPDATE pace SET divisor = 0 WHERE p = 5'
	expect 1 "$AMIGRUN" run 0001_plain
	has "the end" "$output" "the run was rolled back"
	is "what is left" "$(logged)" "0|0|"
	is "the rollback" "$(undone)" "$(state "SELECT operation_index FROM @operation WHERE status = 'rolled_back'
		ORDER BY block = 0, completion > 0, completion DESC, operation_index DESC" | xargs)"
	is "open effects" "$(open_effects)" 0
}
what_fails_is_passed_over() {
	begin 0.05
	ask 'UPDATE pace SET divisor = 0 WHERE p IN (1, 4)'
	expect 0 "$AMIGRUN" run 0002_passed
	has "the end" "$output" 'but these failed: 1 "part 1", 4 "part 4"'
	is_complete 0002_passed 6
	is "what was logged" "$(logged)" "6|4|8"
}
# stops_and_goes_on SECONDS [OPTION]
stops_and_goes_on() {
	begin "$1"
	start 0001_plain 3
	expect 0 "$AMIGRUN" stop 0001_plain "${@:2}"
	ends_with 5
	is "open effects" "$(open_effects)" 0
	is "the row" "$(migration 0001_plain status current_operation_index)" \
		"stopped|$(state "SELECT min(operation_index) FROM @operation WHERE status <> 'done'")"
	snapshot=$(done_operations)
	ask 'UPDATE pace SET s = 0'
	expect 0 "$AMIGRUN" resume 0001_plain
	stays "$snapshot" "$(done_operations)"
	is_complete 0001_plain 8
	is "what was logged" "$(logged)" "12|6|18"
}
goes_on_without_threads() {
	begin
	expect 0 without_threads "$AMIGRUN" run 0001_plain
	has "what is told" "$output" "the operations go one after the other: no thread can be started"
	is "most at the same time" "$(most_at_once)" 1
	is_complete 0001_plain 8
	is "what was logged" "$(logged)" "12|6|18"
	begin 20
	without_threads "$AMIGRUN" run 0001_plain >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 10 under_way 1
	expect 0 "$AMIGRUN" stop --now 0001_plain
	ends_with 5
	ask 'UPDATE pace SET s = 0'
	expect 0 without_threads "$AMIGRUN" resume 0001_plain
	is_complete 0001_plain 8
	is "what was logged" "$(logged)" "12|6|18"
}
# stops_and_is_undone SECONDS [OPTION]
stops_and_is_undone() {
	begin "$1"
	start 0001_plain 3
	expect 0 "$AMIGRUN" stop --rollback 0001_plain "${@:2}"
	ends_with 5
	is "the row" "$(migration 0001_plain status)" rolled_back
	is "what is left" "$(logged)" "0|0|"
	is "open effects" "$(open_effects)" 0
}
stops_after_so_many() {
	local i
	begin
	for i in 1 2 3 4 5 6 7; do
		expect 5 "$AMIGRUN" run --operations 1 0001_plain
		is "operations that are done" "$(state "SELECT count(*) FROM @operation WHERE status = 'done'")" $i
	done
	expect 0 "$AMIGRUN" resume 0001_plain
	is "what was logged" "$(logged)" "12|6|18"
}
a_bad_check_ends_them() {
	begin 20
	ask 'CREATE TABLE gate AS SELECT 1 AS n WHERE false'
	start 0003_sick 3 --no-auto-rollback
	ask 'INSERT INTO gate VALUES (1)'
	ends_with 1
	has "the error" "$(cat "$scratch/out")" "the gate is shut"
	is "open effects" "$(open_effects)" 0
	ask 'DELETE FROM gate'
	ask 'UPDATE pace SET s = 0'
	expect 0 "$AMIGRUN" resume 0003_sick
	is_complete 0003_sick 7
	is "what was logged" "$(logged)" "10|5|15"
}
# Who has lost the run changes nothing more, and who goes on makes each effect once.
a_lost_lease_ends_them() {
	begin 20
	start 0001_plain 3
	state "UPDATE @migration SET epoch = epoch + 1"
	ends_with 3
	ask 'UPDATE pace SET s = 0'
	await_that 10 "$AMIGRUN" resume --quiet 0001_plain
	is_complete 0001_plain 8
	is "what was logged" "$(logged)" "12|6|18"
}
doubts_are_resolved_one_by_one() {
	local left open
	begin 0.1
	AMIG_FAULT=after_effect:3 expect 137 "$AMIGRUN" run 0004_in_doubt
	open=$(open_effects)
	[ "$open" -ge 2 ] || die "$open effects are open"
	expect 6 "$AMIGRUN" resume 0004_in_doubt
	is "lines of the status" "$("$AMIGRUN" status 0004_in_doubt | grep -c '^in doubt: effect')" "$open"
	is "open effects" "$(open_effects)" "$open"
	for ((left = open; left > 0; left--)); do
		expect 0 "$AMIGRUN" resolve 0004_in_doubt --again
		[ $left = 1 ] || expect 6 "$AMIGRUN" resume 0004_in_doubt
	done
	ask 'DELETE FROM log WHERE p BETWEEN 1 AND 98'
	expect 0 "$AMIGRUN" resume 0004_in_doubt
	is_complete 0004_in_doubt 6
	is "each doubt" "$(state "SELECT count(*) FROM @event WHERE kind = 'resolved'")" "$open"
}
# Which was the last to be said to be in doubt, not the first that is open.
a_word_is_of_the_one_that_was_asked_about() {
	begin
	AMIG_FAULT=after_effect:1 expect 137 "$AMIGRUN" run 0008_one_is_asked
	is "open effects" "$(open_effects)" 2
	ask 'DELETE FROM log WHERE p < 99'
	expect 6 "$AMIGRUN" resume 0008_one_is_asked
	has "the error" "$output" "effect 2 on db"
	expect 0 "$AMIGRUN" resolve 0008_one_is_asked --done
	has "the answer" "$output" "effect 2 of operation 1"
	expect 0 "$AMIGRUN" resolve 0008_one_is_asked --done # once more: it is no word on the other
	has "the answer" "$output" "effect 2 of operation 1"
	expect 0 "$AMIGRUN" resume 0008_one_is_asked
	is "what was logged" "$(ask 'SELECT p FROM log WHERE p < 99')" 1
}
what_is_in_doubt_is_undone() {
	local place
	for place in after_effect:3 before_commit:8; do
		begin 0.1
		AMIG_FAULT=$place expect 137 "$AMIGRUN" run 0005_undone
		expect 0 "$AMIGRUN" resume 0005_undone
		is_complete 0005_undone 6
		is "what was logged" "$(logged)" "8|4|12"
	done
}
# The session of one of them is cut: what became of it is found out, and the others go on.
one_session_is_cut() {
	begin 0.5
	pace 1 2
	pace 2 1
	start 0006_tried 2
	ask "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'PgSleep'
		AND datname = current_database() AND query LIKE '%p = 1 OFFSET%'"
	ends_with 0
	is_complete 0006_tried 5
	is "what was logged" "$(logged)" "6|3|9"
	is "attempts" "$(state "SELECT operation_index, max(attempt) FROM @effect GROUP BY 1 ORDER BY 1" | tr '\n' ' ')" \
		"0|1 1|2 2|1 3|1 4|1 "
}
refused() {
	expect 7 "$AMIGRUN" resume 0001_plain
	has "the refusal" "$output" "$@"
	expect 7 "$AMIGRUN" doctor
}
change() { state "UPDATE @operation SET $1 WHERE operation_index = $2"; }
nonsense_is_refused() {
	begin 0.05
	pace 1 30
	start 0001_plain 3
	await_that 10 finished 5
	kill -KILL $runner
	wait $runner 2>/dev/null
	state "UPDATE @migration SET status = 'stopped', lease_owner = '', lease_expires_at = NULL"
	snapshot=$(state "SELECT completion FROM @operation WHERE operation_index = 2")
	change "completion = 0" 2
	refused "operation_index = 2" "column completion: it does not go with the status"
	change "completion = (SELECT completion FROM @operation WHERE operation_index = 3)" 2
	refused "column completion: another operation has the same"
	change "completion = 99" 2
	refused "column completion: 99 is not between 0 and 8"
	change "completion = $snapshot" 2
	change "completion = 8" 0
	refused "operation_index = 0" "column completion: only an operation of a block has one; write 0"
	change "completion = 0" 0
	change "block = 2" 3
	refused "its plan_hash differs"
	change "block = 1, at_once = 0" 3
	refused "its plan_hash differs"
	change "at_once = 3" 3
	state "UPDATE @migration SET current_operation_index = 2"
	refused "column current_operation_index: 2" "the first one without an end is 1"
	state "UPDATE @migration SET current_operation_index = 1"
	state "UPDATE @effect SET operation_index = 2 WHERE outcome IS NULL"
	refused "is open for operation 2, which has come to its end"
	state "UPDATE @effect SET operation_index = 1 WHERE outcome IS NULL"
	pace 1 0
	expect 0 "$AMIGRUN" resume 0001_plain
	is_complete 0001_plain 8
	is "what was logged" "$(logged)" "12|6|18"
}

build at_once "$scratch"/*.amig >"$scratch/build.log" || { failed "end_to_end, at once/build" "$scratch/build.log"; exit 1; }
for kind in sqlite postgres; do
	check "end_to_end, at once/they go at once and back in their order, the state in $kind" goes_at_once $kind
done
check "end_to_end, at once/the index is the lowest that is not finished" index_is_the_lowest
check "end_to_end, at once/the status tells of each" status_tells_of_each
check "end_to_end, at once/in the state's own database they follow one another" follows_in_one_database
check "end_to_end, at once/anything can be in them" holds_anything
check "end_to_end, at once/one that fails ends them" one_that_fails_ends_them
check "end_to_end, at once/two that fail" two_fail
check "end_to_end, at once/one that fails is undone with them" one_that_fails_is_undone_with_them
check "end_to_end, at once/what fails is passed over" what_fails_is_passed_over
check "end_to_end, at once/they stop and go on" stops_and_goes_on 0.5
check "end_to_end, at once/they are cancelled and go on" stops_and_goes_on 20 --now
check_without_threads "end_to_end, at once/they go on where no thread can be started" goes_on_without_threads
check "end_to_end, at once/they stop and are undone" stops_and_is_undone 0.5
check "end_to_end, at once/they are cancelled and undone" stops_and_is_undone 20 --now
check "end_to_end, at once/they stop after so many" stops_after_so_many
check "end_to_end, at once/a bad check ends them" a_bad_check_ends_them
check "end_to_end, at once/a lost lease ends them" a_lost_lease_ends_them
check "end_to_end, at once/doubts are resolved one by one" doubts_are_resolved_one_by_one
check "end_to_end, at once/a word is of the one that was asked about" a_word_is_of_the_one_that_was_asked_about
check "end_to_end, at once/what is in doubt is undone" what_is_in_doubt_is_undone
check "end_to_end, at once/one session is cut" one_session_is_cut
check "end_to_end, at once/nonsense is refused" nonsense_is_refused
report_end
