# seven.sh - the migration of seven operations on PostgreSQL: fresh databases, and what they hold
# shellcheck shell=bash

seven=0100_seven

# seven_reset: target and state in one database, or, with AMIG_TEST_APART, the state in one of its
# own.
seven_reset() {
	AMIG_POSTGRES_URL=$(new_postgres amig_seven)
	AMIG_STATE=$AMIG_POSTGRES_URL
	[ -z "${AMIG_TEST_APART-}" ] || AMIG_STATE=$(new_postgres amig_seven_state)
	export AMIG_POSTGRES_URL AMIG_STATE AMIG_APP_VERSION=1.29.5
	postgres "$AMIG_POSTGRES_URL" "CREATE TABLE counter (name text PRIMARY KEY, done int DEFAULT 0, undone int DEFAULT 0);
		INSERT INTO counter (name) VALUES ('one'), ('two'), ('three')"
}
counters() { postgres "$AMIG_POSTGRES_URL" "SELECT sum(done), sum(undone) FROM counter"; }
rows() { postgres "$AMIG_POSTGRES_URL" "SELECT key, value FROM example"; }
table_is_there() { postgres "$AMIG_POSTGRES_URL" "SELECT to_regclass('example') IS NOT NULL"; }

seven_is_completed() {
	is "the row of the migration" "$(migration $seven status progress current_operation_index)" "completed|100|7"
	is "the table" "$(rows)" "a|c"
	is "done and undone" "$(counters)" "3|0"
}
