#!/bin/bash
# ladder.sh - what settles a doubt on ClickHouse 18.16.1, rung by rung, beside a server of its own that
# is killed and started anew, with its log of queries and without; and the operator's word
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/servers.sh"
. "$case_root/tests/support/again.sh"

export AMIG_STATE=sqlite:$scratch/state.db

# migration_of NAME CLAUSE…: one operation that fills t from s.
migration_of() {
	local name=$1
	shift
	{
		printf 'migration "%s" {\n  needs clickhouse\n  operation "it" on clickhouse {\n' "$name"
		printf '    %s\n' "$@"
		printf '  }\n}\n'
	} >"$scratch/$name.amig"
}
fill='forward sql"INSERT INTO t SELECT x FROM s"'
migration_of 0001_plain "$fill" 'rollback sql"DROP TABLE t"'
migration_of 0002_probed 'done when clickhouse.exists(sql"SELECT 1 FROM t WHERE x = 9")' "$fill" 'rollback nothing'
migration_of 0003_idempotent idempotent "$fill" 'rollback nothing'
migration_of 0004_undone 'in doubt undo' "$fill" \
	'rollback { clickhouse.exec(sql"DROP TABLE IF EXISTS t")
		    clickhouse.exec(sql"CREATE TABLE t (x Int64) ENGINE = MergeTree ORDER BY x") }'
migration_of 0005_made 'forward sql"CREATE TABLE made (x Int8) ENGINE = Memory"' 'rollback sql"DROP TABLE made"'
migration_of 0006_mutation 'forward sql"ALTER TABLE s UPDATE y = y + 1 WHERE x < 5 OR x = 7"' 'rollback nothing'
migration_of 0007_far 'forward sql"INSERT INTO far SELECT x FROM s"' 'rollback nothing'
migration_of 0008_two 'forward { clickhouse.exec(sql"INSERT INTO t SELECT x FROM s")
		clickhouse.exec(sql"INSERT INTO t SELECT x + 100 FROM s") }' 'rollback nothing'

ask() { clickhouse ladder "$1"; }
# fresh [USER]
fresh() {
	rm -f "$scratch"/state.db*
	AMIG_CLICKHOUSE_URL=$(new_clickhouse ladder)
	AMIG_CLICKHOUSE_URL=${AMIG_CLICKHOUSE_URL/amig:/${1:-amig}:}
	export AMIG_CLICKHOUSE_URL
	ask 'CREATE TABLE s (x Int64, y Int64) ENGINE = MergeTree ORDER BY x'
	ask 'CREATE TABLE t (x Int64) ENGINE = MergeTree ORDER BY x'
	ask 'INSERT INTO s SELECT number, 0 FROM numbers(10)'
}
rows() { ask 'SELECT count(), uniqExact(x) FROM t' | tr '\t' ' '; }
dies() { AMIG_FAULT=$1 expect 137 "$AMIGRUN" run "$2"; }
resolved_as() { has "the event" "$(state "SELECT detail FROM @event WHERE kind = 'doubt_resolved'")" "$@"; }

recorded_as_finished_is_done() {
	fresh
	dies after_effect:1 0001_plain
	expect 0 "$AMIGRUN" resume 0001_plain
	is "the rows" "$(rows)" "10 10"
	resolved_as "it has happened" "finished"
}
recorded_as_not_begun_is_made_again() {
	fresh
	dies before_effect:1 0001_plain
	expect 0 "$AMIGRUN" resume 0001_plain
	is "the rows" "$(rows)" "10 10"
	resolved_as "it is made again" "whole over its time"
}
the_second_of_two_is_not_begun() {
	fresh
	dies before_effect:2 0008_two
	expect 0 "$AMIGRUN" resume 0008_two
	is "the rows" "$(rows)" "20 20"
}
a_mutation_is_asked_too() {
	local place
	for place in before_effect after_effect; do
		fresh
		dies $place:1 0006_mutation
		expect 0 "$AMIGRUN" resume 0006_mutation
		await_that 20 mutated
		is "the sum" "$(ask 'SELECT sum(y) FROM s')" 6
	done
}
mutated() { [ "$(ask "SELECT count(), sum(is_done) FROM system.mutations WHERE database = 'ladder'")" = '1	1' ]; }

# A request may be on its way still: without a condition that refuses it nothing is said by silence.
silence_about_what_carries_no_condition_is_no_proof() {
	fresh
	dies before_effect:1 0005_made
	expect 6 "$AMIGRUN" resume 0005_made
	has "the message" "$output" "says nothing of it" "amigrun resolve 0005_made" "CREATE TABLE made"
	fresh
	dies after_effect:1 0005_made
	expect 0 "$AMIGRUN" resume 0005_made
	resolved_as "it has happened" "finished"
}
a_distributed_table_has_no_condition() {
	fresh
	ask 'CREATE TABLE far (x Int64) ENGINE = Distributed(itself, ladder, t)'
	dies before_effect:1 0007_far
	has "the query id" "$(state 'SELECT query_id FROM @effect')" amig:
	case "$(state 'SELECT query_id FROM @effect')" in *f) die "it carries a condition" ;; esac
	expect 6 "$AMIGRUN" resume 0007_far
}

# What was in the memory of a killed server is not in its log.
a_server_that_was_killed_proves_nothing_by_silence() {
	fresh
	dies before_effect:1 0001_plain
	again clickhouse KILL
	sleep 4
	expect 6 "$AMIGRUN" resume 0001_plain
	has "the message" "$output" "effect 1 on clickhouse" "need not have all of its time" "INSERT INTO t"
	is "the rows" "$(rows)" "0 0"
	expect 0 "$AMIGRUN" resolve 0001_plain --again
	expect 0 "$AMIGRUN" resume 0001_plain
	is "the rows" "$(rows)" "10 10"
}

# What came before the effect is in the log and what comes after it too, and the effect is not: it was in
# the memory of the server that was killed in between.
a_server_that_was_killed_in_between_proves_nothing() {
	fresh
	expect 5 "$AMIGRUN" run 0010_steps --operations 1
	ask 'SYSTEM FLUSH LOGS'
	AMIG_FAULT=after_effect:1 expect 137 "$AMIGRUN" resume 0010_steps
	again clickhouse KILL
	sleep 4
	is "what the log has of it" "$(clickhouse default "SELECT count() FROM system.query_log
		WHERE query_id = '$(state 'SELECT query_id FROM @effect WHERE number = 2')'")" 0
	expect 6 "$AMIGRUN" resume 0010_steps
	has "the message" "$output" "need not have all of its time"
	expect 0 "$AMIGRUN" resolve 0010_steps --done
	expect 0 "$AMIGRUN" resume 0010_steps
	is "the rows" "$(rows)" "20 10"
}

# Without a log: each rung below it.
no_log_and_nothing_else_is_asked_about() {
	fresh "${1-}"
	dies after_effect:1 0001_plain
	expect 6 "$AMIGRUN" resume 0001_plain
	has "the message" "$output" "it is not known whether effect 1 on clickhouse" "cannot be asked" \
		"amigrun resolve 0001_plain --done"
	is "the row" "$(migration 0001_plain status current_operation_index)" "errored|0"
	is "the rows" "$(rows)" "10 10"
	expect 6 "$AMIGRUN" resume 0001_plain
	expect 0 "$AMIGRUN" resolve 0001_plain --done
	expect 0 "$AMIGRUN" resume 0001_plain
	is "the rows" "$(rows)" "10 10"
	is "the row" "$(migration 0001_plain status)" completed
}
no_log_and_it_is_said_to_be_made_again() {
	fresh
	dies before_effect:1 0001_plain
	expect 6 "$AMIGRUN" resume 0001_plain
	expect 0 "$AMIGRUN" resolve 0001_plain --again
	expect 0 "$AMIGRUN" resume 0001_plain
	is "the rows" "$(rows)" "10 10"
}
no_log_and_done_when() {
	local place
	for place in before_effect after_effect; do
		fresh
		dies $place:1 0002_probed
		expect 0 "$AMIGRUN" resume 0002_probed
		is "the rows" "$(rows)" "10 10"
	done
}
# The same INSERT twice: `idempotent` is the author's word.
no_log_and_idempotent() {
	fresh
	dies after_effect:1 0003_idempotent
	expect 0 "$AMIGRUN" resume 0003_idempotent
	is "the rows" "$(rows)" "20 10"
}
a_log_comes_before_idempotent() {
	fresh
	dies after_effect:1 0003_idempotent
	expect 0 "$AMIGRUN" resume 0003_idempotent
	is "the rows" "$(rows)" "10 10"
}
no_log_and_undo() {
	fresh
	dies after_effect:1 0004_undone
	expect 0 "$AMIGRUN" resume 0004_undone
	is "the rows" "$(rows)" "10 10"
	resolved_as "undone and begins anew"
}

# ---- the operator's word ----

who() { state "SELECT who FROM @event WHERE kind = 'resolved'"; }
the_word_is_kept_with_who_said_it() {
	fresh
	dies after_effect:1 0001_plain
	expect 6 "$AMIGRUN" resume 0001_plain
	expect 0 "$AMIGRUN" resolve 0001_plain --again --json
	has "the answer" "$output" '"resolved":"again"' '"name":"0001_plain"'
	expect 0 "$AMIGRUN" resolve 0001_plain --done
	has "the answer" "$output" "effect 1 of operation 0 on clickhouse counts as done" "amigrun resume"
	has "the events" "$(state "SELECT group_concat(detail, ' / ') FROM @event WHERE kind = 'resolved'")" \
		"is to be made again / operation 0, effect 1" "it has happened"
	has "who" "$(who)" "$(id -un)@$(hostname)"
	expect 0 "$AMIGRUN" resume 0001_plain
	is "the rows" "$(rows)" "10 10"
	is "the outcome" "$(state 'SELECT outcome, error_code FROM @effect')" "done|"
}
nothing_to_resolve_is_refused() {
	fresh
	expect 2 "$AMIGRUN" resolve 0001_plain
	has "the message" "$output" "--done or --again"
	expect 2 "$AMIGRUN" resolve 0001_plain --done --again
	expect 2 "$AMIGRUN" resolve 0999_nobody --done
	expect 0 "$AMIGRUN" run 0001_plain
	expect 3 "$AMIGRUN" resolve 0001_plain --done
	has "the message" "$output" "Completed successfully" "no effect of it is in doubt"
	expect 5 "$AMIGRUN" run 0010_steps --operations 1
	expect 3 "$AMIGRUN" resolve 0010_steps --again
	is "the events" "$(state "SELECT count(*) FROM @event WHERE kind = 'resolved'")" 0
}
cat >"$scratch/0010_steps.amig" <<'A'
migration "0010_steps" {
  needs clickhouse
  operation "one" on clickhouse {
    forward sql"INSERT INTO t SELECT x FROM s"
    rollback nothing
  }
  operation "two" on clickhouse {
    forward sql"INSERT INTO t SELECT x FROM s"
    rollback nothing
  }
}
A
slow_one_runs() {
	[ "$(clickhouse default "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO t SELECT%'")" = 1 ]
}
a_run_that_goes_on_is_not_spoken_of() {
	fresh
	ask 'DROP TABLE s'
	ask 'CREATE TABLE s (x Int64, z UInt8 MATERIALIZED 1) ENGINE = MergeTree ORDER BY x'
	ask 'INSERT INTO s (x) SELECT number FROM numbers(10)'
	"$AMIGRUN" run 0009_slow >"$scratch/out" 2>&1 &
	local pid=$!
	await_that 20 slow_one_runs
	expect 3 "$AMIGRUN" resolve 0009_slow --done
	has "the message" "$output" "is running in the process"
	wait $pid
	is "the exit status" $? 0
	is "the rows" "$(rows)" "10 10"
}
migration_of 0009_slow 'forward sql"INSERT INTO t SELECT x + sleepEachRow(0.2) FROM s"' 'rollback nothing'

# The word is on the open attempt, and what the state says by hand is believed only if it is one.
a_word_that_is_none_is_refused() {
	fresh
	dies after_effect:1 0001_plain
	state "UPDATE @effect SET error_code = 'perhaps'"
	expect 7 "$AMIGRUN" resume 0001_plain
	has "the message" "$output" error_code perhaps
}

trap 'kept_end; rm -rf "$scratch"' EXIT
keep_servers clickhouse || { failed "crash, ladder/server"; exit 1; }
sleep 4 # times are told in seconds: what comes after the server's start must be seen to do so
build ladder "$scratch"/*.amig >"$scratch/build.log" || { failed "crash, ladder/build" "$scratch/build.log"; exit 1; }
check "crash, ladder/recorded as finished: done" recorded_as_finished_is_done
check "crash, ladder/recorded as not begun: made again" recorded_as_not_begun_is_made_again
check "crash, ladder/the second effect of two is recorded as not begun" the_second_of_two_is_not_begun
check "crash, ladder/a mutation is made once, killed before and after it" a_mutation_is_asked_too
check "crash, ladder/that the log is silent about a statement without a condition is no proof" \
	silence_about_what_carries_no_condition_is_no_proof
check "crash, ladder/what other servers may carry out has no condition" a_distributed_table_has_no_condition
check "crash, ladder/the log comes before 'idempotent'" a_log_comes_before_idempotent
check "crash, ladder/a log that may not be read: asked about" no_log_and_nothing_else_is_asked_about narrow
check "crash, ladder/where nothing is in doubt nothing is resolved" nothing_to_resolve_is_refused
check "crash, ladder/while a process has the run nothing is resolved" a_run_that_goes_on_is_not_spoken_of
check "crash, ladder/a word in the state that is none is refused" a_word_that_is_none_is_refused
clickhouse_log_slow
check "crash, ladder/the log of a server that was killed proves nothing by silence" \
	a_server_that_was_killed_proves_nothing_by_silence
check "crash, ladder/nor does one that has what came before and after" a_server_that_was_killed_in_between_proves_nothing
clickhouse_log_off
check "crash, ladder/no log and nothing else: asked about, and it is done" no_log_and_nothing_else_is_asked_about
check "crash, ladder/no log and nothing else: asked about, and it is to be made again" no_log_and_it_is_said_to_be_made_again
check "crash, ladder/no log: 'done when'" no_log_and_done_when
check "crash, ladder/no log: 'idempotent'" no_log_and_idempotent
check "crash, ladder/no log: 'in doubt undo'" no_log_and_undo
check "crash, ladder/an operator's word is kept with who said it, the last one counts" the_word_is_kept_with_who_said_it
report_end
