#!/bin/bash
# together.sh - operations on PostgreSQL whose commits go out with the effect behind them: what fails
# is told of the operation that it belongs to, and nothing else is lost
set -u
. "$(dirname "$0")/../support/case.sh"

fresh() {
	AMIG_POSTGRES_URL=$(new_postgres amig_together)
	export AMIG_POSTGRES_URL AMIG_STATE=$AMIG_POSTGRES_URL
	ask "CREATE TABLE done (number int, CONSTRAINT once UNIQUE (number) DEFERRABLE INITIALLY DEFERRED);
		CREATE TABLE mended (x int); CREATE SEQUENCE tries;
		CREATE FUNCTION fails_once() RETURNS int LANGUAGE plpgsql AS \$\$ BEGIN
			IF nextval('tries') = 1 THEN
				RAISE EXCEPTION 'not now' USING ERRCODE = '40001';
			END IF;
			RETURN 3; END \$\$"
}
ask() { psql -XAtq -F '|' "$AMIG_POSTGRES_URL" -c "$1"; }
numbers() { ask "SELECT string_agg(number::text, ',' ORDER BY number) FROM done"; }
states() { state "SELECT string_agg(status, ',' ORDER BY operation_index) FROM @operation"; }
failed_at() { state 'SELECT operation_index, code, sql FROM @error'; }

# five NAME SQL: five operations, of which the third is SQL. In $name.amb.
five() {
	local number
	{
		printf 'migration "%s" {\n  needs postgres\n' "$1"
		for number in 1 2 3 4 5; do
			printf '  operation "number %d" on postgres {\n' $number
			if [ $number = 3 ]; then
				printf '    forward sql"%s"\n' "$2"
			else
				printf '    forward sql"INSERT INTO done VALUES (%d)"\n' $number
			fi
			printf '    rollback sql"DELETE FROM done WHERE number = %d"\n  }\n' $number
		done
		echo '}'
	} >"$scratch/$1.amig"
	build "$1" "$scratch/$1.amig"
	fresh
}

runs_in_full() {
	five 0001_full "INSERT INTO done VALUES (3)"
	expect 0 "$AMIGRUN" run 0001_full
	is "the numbers" "$(numbers)" 1,2,3,4,5
	is "the operations" "$(states)" done,done,done,done,done
	is "rows of the effects" "$(state "SELECT count(*) FROM @effect WHERE outcome = 'done' AND rows = 1")" 5
	is "rows of the operations" "$(state 'SELECT sum(rows) FROM @operation')" 5
}

# fails NAME SQL CODE WORDS
fails() {
	five "$1" "$2"
	expect 1 "$AMIGRUN" run "$1" --no-auto-rollback
	has "the message" "$output" 'Operation 2 "number 3" failed' "$4"
	is "the error" "$(failed_at)" "2|$3|$2"
	is "the row" "$(migration "$1" status current_operation_index)" "errored|2"
	is "the numbers" "$(numbers)" 1,2
	is "the operations" "$(states)" done,done,failed,pending,pending
	expect 1 "$AMIGRUN" resume "$1" --no-auto-rollback
	is "the numbers" "$(numbers)" 1,2
}
effect_fails() {
	fails 0002_zero "INSERT INTO done VALUES (1 / 0)" 22012 "division by zero"
	fails 0003_syntax "INSERT INTO done VALEUS (3)" 42601 "syntax error"
	fails 0004_missing "INSERT INTO nowhere VALUES (3)" 42P01 nowhere
}
# Seen when the fourth operation goes out.
commit_fails() {
	fails 0005_once "INSERT INTO done VALUES (1)" 23505 once
	ask 'ALTER TABLE done DROP CONSTRAINT once'
	expect 0 "$AMIGRUN" resume 0005_once
	is "the numbers" "$(numbers)" 1,1,2,4,5
	is "the operations" "$(states)" done,done,done,done,done
}
commit_fails_and_is_undone() {
	five 0006_undone "INSERT INTO done VALUES (1)"
	expect 1 "$AMIGRUN" run 0006_undone
	has "the message" "$output" "number 3" once
	is "the row" "$(migration 0006_undone status)" rolled_back
	is "the numbers" "$(numbers)" ""
}

is_tried_again() {
	five 0007_again "INSERT INTO done VALUES (fails_once())"
	expect 0 "$AMIGRUN" run 0007_again
	is "the numbers" "$(numbers)" 1,2,3,4,5
	is "the attempts" "$(state 'SELECT attempts FROM @operation ORDER BY operation_index' | tr '\n' ' ')" "1 1 2 1 1 "
}

# What goes out by itself: more than one statement, one that cannot travel with others.
goes_alone() {
	five 0008_alone "INSERT INTO done VALUES (3); INSERT INTO mended VALUES (1)"
	expect 0 "$AMIGRUN" run 0008_alone
	is "the numbers" "$(numbers)" 1,2,3,4,5
	is "the other" "$(ask 'SELECT count(*) FROM mended')" 1
	five 0009_copy "COPY done FROM STDIN"
	expect 1 "$AMIGRUN" run 0009_copy --no-auto-rollback
	is "the row" "$(migration 0009_copy status current_operation_index)" "errored|2"
	is "the numbers" "$(numbers)" 1,2
}

# The next effect is asked for its settings by nobody else: they are the transaction's own.
keeps_its_timeouts() {
	local setting="current_setting('lock_timeout') || current_setting('idle_in_transaction_session_timeout')"
	five 0010_timeouts "INSERT INTO done SELECT CASE $setting WHEN '5s5min' THEN 3 END"
	expect 0 "$AMIGRUN" run 0010_timeouts
	is "the numbers" "$(numbers)" 1,2,3,4,5
}

# The migration is taken by somebody else while the third operation runs: nothing of it stays, and
# nothing behind it is begun.
is_taken_over() {
	five 0011_taken "UPDATE amig.migration SET epoch = epoch + 1 WHERE name = '0011_taken'"
	expect 3 "$AMIGRUN" run 0011_taken
	has "the message" "$output" "another runner took"
	is "the numbers" "$(numbers)" 1,2
	is "the operations" "$(states)" done,done,pending,pending,pending
}

# Its effect goes on without it and comes to its end, but not to a commit.
dies_in_the_middle() {
	five 0012_dies "INSERT INTO done SELECT 3 FROM pg_sleep(3)"
	"$AMIGRUN" run 0012_dies >"$scratch/log" 2>&1 </dev/null &
	local run=$!
	await_that 10 sleeps
	kill -KILL $run
	wait $run
	await_that 30 gone
	is "the numbers" "$(numbers)" 1,2
	is "the operations" "$(states)" done,done,pending,pending,pending
	expect 0 "$AMIGRUN" resume 0012_dies
	is "the numbers" "$(numbers)" 1,2,3,4,5
}
sleeps() { [ -n "$(ask "SELECT 1 FROM pg_stat_activity WHERE query LIKE '/\* amig:%' AND wait_event = 'PgSleep'")" ]; }
gone() { ! sleeps; }

# A statement that travels with a commit hears a stop like any other.
is_stopped_in_the_middle() {
	five 0014_stopped "INSERT INTO done SELECT 3 FROM pg_sleep(60)"
	AMIG_STOP_GRACE=200ms "$AMIGRUN" run 0014_stopped >"$scratch/log" 2>&1 </dev/null &
	local run=$! status
	await_that 10 sleeps
	kill -TERM $run
	wait $run
	status=$?
	is "the exit status" $status 5
	is "the row" "$(migration 0014_stopped status current_operation_index)" "stopped|2"
	is "the numbers" "$(numbers)" 1,2
	is "the operations" "$(states)" done,done,pending,pending,pending
}

completed() { is "the numbers" "$(numbers)" 1,2,3,4,5; is "the operations" "$(states)" done,done,done,done,done; }
again() { five 0013_killed "INSERT INTO done VALUES (3)" >/dev/null; }
goes() { "$AMIGRUN" run 0013_killed; }

check "together/a run in full" runs_in_full
check "together/an effect that fails" effect_fails
check "together/a commit that fails" commit_fails
check "together/a commit that fails, undone" commit_fails_and_is_undone
check "together/an effect that fails once" is_tried_again
check "together/an effect that goes alone" goes_alone
check "together/the transaction's timeouts" keeps_its_timeouts
check "together/taken over" is_taken_over
check "together/stopped while an effect runs" is_stopped_in_the_middle
check "together/killed while an effect runs" dies_in_the_middle
. "$case_root/tests/support/kill.sh"
kill_matrix "together" again goes completed
report_end
