#!/bin/bash
# late.sh - an effect on PostgreSQL that was taken for not happened comes through after all: once
set -u
. "$(dirname "$0")/../support/case.sh"

export AMIG_STATE=sqlite:$scratch/state.db AMIG_POSTGRES_URL=$AMIG_TEST_POSTGRES
cat >"$scratch/0001_late.amig" <<'E'
migration "0001_late" {
  needs postgres
  operation "add" on postgres {
    forward  sql"INSERT INTO late (x) VALUES (1)"
    rollback nothing
  }
}
E
cat >"$scratch/0002_together.amig" <<'E'
migration "0002_together" {
  needs postgres
  operation "add" on postgres {
    forward {
      var n = 0
      transaction {
        exec sql"INSERT INTO late (x) VALUES (1)"
        n = postgres.value(sql"SELECT count(*) FROM late") as int
      }
      exec sql"INSERT INTO late (x) VALUES (${n * 100})"
    }
    rollback nothing
  }
}
E
ask() { psql -XAtq -v ON_ERROR_STOP=1 "$AMIG_POSTGRES_URL" -c "$1"; }
sleeps() {
	[ -n "$(ask "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'BEGIN; INSERT INTO amig_marker%'
		AND wait_event = 'PgSleep'")" ]
}

# Another session does what the dead process sent, and commits only when the next one waits for it.
comes_through_once() {
	ask 'DROP TABLE IF EXISTS late; CREATE TABLE late (x int)'
	AMIG_FAULT=before_effect:1 expect 137 "$AMIGRUN" run 0001_late
	local effect late
	effect=$(state 'SELECT query_id FROM @effect' | sed -E 's/^(amig:[^:]*:)[0-9]*:([0-9]*):.*/\1\2/')
	ask "BEGIN; INSERT INTO amig_marker VALUES ('$effect'); INSERT INTO late VALUES (1);
		SELECT pg_sleep(2); COMMIT" >/dev/null &
	late=$!
	await_that 10 sleeps
	expect 0 "$AMIGRUN" resume 0001_late
	wait $late
	is "the rows" "$(ask 'SELECT count(*) FROM late')" 1
	ask 'DROP TABLE late'
}

# The same of a `transaction`: what it has computed is in the target alone.
together_comes_through_once() {
	rm -f "$scratch"/state.db*
	ask 'DROP TABLE IF EXISTS late; CREATE TABLE late (x int); INSERT INTO late VALUES (9)'
	AMIG_FAULT=after_effect:1 expect 137 "$AMIGRUN" run 0002_together
	local effect late
	effect=$(state 'SELECT query_id FROM @effect' | sed -E 's/^(amig:[^:]*:)[0-9]*:([0-9]*):.*/\1\2/')
	is "the marker" "$(ask "SELECT count(*) FROM amig_marker WHERE effect = '$effect'")" 1
	ask "CREATE TABLE kept AS SELECT * FROM amig_transaction WHERE operation = '${effect%:*}:0';
		DELETE FROM amig_transaction WHERE operation = '${effect%:*}:0';
		DELETE FROM amig_marker WHERE effect = '$effect'; TRUNCATE late"
	ask "BEGIN; INSERT INTO amig_marker VALUES ('$effect'); INSERT INTO late VALUES (1);
		INSERT INTO amig_transaction SELECT * FROM kept; SELECT pg_sleep(2); COMMIT" >/dev/null &
	late=$!
	await_that 10 sleeps
	expect 0 "$AMIGRUN" resume 0002_together
	wait $late
	is "the attempts" "$(state 'SELECT max(attempt) FROM @effect')" 2
	is "the rows" "$(ask 'SELECT x FROM late ORDER BY 1' | tr '\n' ' ')" "1 200 "
	ask 'DROP TABLE late, kept'
}

build late "$scratch"/*.amig >"$scratch/build.log" || { failed "crash, late/build" "$scratch/build.log"; exit 1; }
check "crash, late, trap 9: an effect that comes through after it was looked for is not made again" comes_through_once
check "crash, late, trap 9: nor is a transaction, and what it computed is the target's" together_comes_through_once
report_end
