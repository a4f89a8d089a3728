#!/bin/bash
# clickhouse.sh - `events` gets another sort key on ClickHouse 18.16.1, the state in PostgreSQL: to
# the end, killed, stopped, failing
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/events.sh"

# Copying a month of 25,000 rows takes a quarter of a second with it: time to be killed in.
slow_column='pause UInt8 MATERIALIZED sleepEachRow(0.00001)'

runs_to_the_end() {
	events_reset e2e_whole 4000000
	expect 3 "$AMIGRUN" run $events
	has "the refusal" "$output" clickhouse 18.16.1 21.6.0 --accept
	expect 0 migrate
	events_are_migrated
	is "the copies on the server" "$(finished_copies)" 16
	journal_is_the_servers_log
	expect 0 migrate
	is "the copies on the server after a second run" "$(finished_copies)" 16
}

# Each life finds out in the server's log what became of the last effect of the one before, makes it
# again if it did not begin, and dies in the next operation.
dies_in_every_operation() {
	events_reset "$1" 400000
	AMIG_FAULT=$2 dies_on 14 migrate
	events_are_migrated
	journal_is_the_servers_log
}

# The month that is being copied, as the server sees it.
running_copy() {
	clickhouse default "SELECT extract(query, '= (20[0-9]{4})') FROM system.processes
		WHERE query LIKE 'INSERT INTO%$database%temp_events%'"
}

dies_in_the_middle_of_every_copy() {
	local killed='' pid snapshot='' now month lives=0
	events_reset e2e_middle 400000 "$slow_column"
	while :; do
		"$AMIGRUN" run $events --accept clickhouse=18.16.1 &
		pid=$!
		while kill -0 $pid 2>/dev/null; do
			month=$(running_copy)
			case " $killed " in *" ${month:-none} "*) sleep 0.02; continue ;; esac
			[ -n "$month" ] || continue
			kill -KILL $pid
			killed="$killed $month"
			break
		done
		wait $pid && break
		lives=$((lives + 1))
		[ $lives = "$(wc -w <<<"$killed")" ] || die "it ended by itself"
		now=$(done_operations)
		[ -z "$snapshot" ] || stays "$snapshot" "$now"
		snapshot=$now
	done
	is "the copies killed in their middle" "$(wc -w <<<"$killed")" 16
	stays "$snapshot" "$(done_operations)"
	events_are_migrated
	journal_is_the_servers_log
}

reached() { [ "$(migration $events current_operation_index | grep -E '^[0-9]+$' || echo -1)" -ge "$1" ]; }

stops_and_resumes() {
	events_reset e2e_stop 400000 "$slow_column"
	"$AMIGRUN" run $events --accept clickhouse=18.16.1 >"$scratch/out" 2>&1 &
	local pid=$! status snapshot
	await_that 60 reached 5
	kill -TERM $pid
	wait $pid
	status=$?
	cat "$scratch/out"
	is "the exit status" $status 5
	is "the status" "$(migration $events status)" stopped
	snapshot=$(done_operations)
	expect 0 migrate resume
	stays "$snapshot" "$(done_operations)"
	events_are_migrated
	is "the copies on the server" "$(finished_copies)" 16
}

# Somebody has a table where the backup should go.
rolls_back_what_fails() {
	events_reset e2e_fails 400000
	local engine
	engine=$(engine_of_events)
	clickhouse "$database" "CREATE TABLE events_backup_0002 (x UInt8) ENGINE = Memory"
	expect 1 migrate
	has "the message" "$output" events_backup_0002
	clickhouse "$database" "DROP TABLE events_backup_0002"
	is "the row" "$(migration $events status progress current_operation_index)" "rolled_back|0|0"
	is "the rows of events" "$(events_hash events)" "$before"
	is "the table" "$(engine_of_events)" "$engine"
	is "the tables" "$(events_tables)" "events "
	expect 0 "$AMIGRUN" errors $events
	has "the errors" "$output" events_backup_0002
	expect 0 migrate
	events_are_migrated
}

undoes_a_completed_one() {
	events_reset e2e_undo 400000
	expect 0 migrate
	expect 0 "$AMIGRUN" rollback $events --yes
	is "the row" "$(migration $events status progress)" "rolled_back|0"
	is "the rows of events" "$(events_hash events)" "$before"
	is "the tables" "$(events_tables)" "events "
}

events_ready
check "clickhouse/four million rows over 16 months" runs_to_the_end
check "clickhouse/killed after every operation, before the next one's effect" dies_in_every_operation e2e_before before_effect:2
check "clickhouse/killed in every operation, after its effect" dies_in_every_operation e2e_after after_effect:1
check "clickhouse/killed in the middle of every copy" dies_in_the_middle_of_every_copy
check "clickhouse/stopped in a copy and resumed" stops_and_resumes
check "clickhouse/what fails is rolled back" rolls_back_what_fails
check "clickhouse/a completed migration is undone" undoes_a_completed_one
report_end
