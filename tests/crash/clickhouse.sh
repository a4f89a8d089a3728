#!/bin/bash
# clickhouse.sh - two months of events on ClickHouse, the state in PostgreSQL, killed at every place
# of fault.def
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/events.sh"
. "$case_root/tests/support/kill.sh"

reset() { events_reset crash_events 8000; }
forwards() { migrate; }
completed_first() {
	reset
	migrate || die "the run before the rollback failed"
}
undo() {
	[ "$(migration $events status)" = rolled_back ] || "$AMIGRUN" rollback $events --yes
}
events_are_as_before() {
	is "the row" "$(migration $events status progress)" "rolled_back|0"
	is "the rows of events" "$(events_hash events)" "$before"
	is "the tables" "$(events_tables)" "events "
}

export EVENTS_DAYS=45 EVENTS_MONTHS=2
events_ready
kill_matrix "crash, clickhouse" reset forwards events_are_migrated
backwards=yes kill_matrix "crash, clickhouse, undoing" completed_first undo events_are_as_before
report_end
