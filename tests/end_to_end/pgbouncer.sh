#!/bin/bash
# pgbouncer.sh - a PostgreSQL target behind PgBouncer in transaction mode, where no session of the server's is ours
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/pgbouncer.sh"

cat >"$scratch/0001_everything.amig" <<'E'
migration "0001_everything" {
  needs db: postgres

  operation "count" on db {
    forward {
      for i in [1, 2, 3, 4, 5] {
        exec sql"UPDATE counter SET n = n + 1 WHERE x = ${i}"
      }
    }
    rollback sql"UPDATE counter SET n = n - 1"
  }

  operation "index" on db {
    no transaction
    done when db.exists(sql"SELECT 1 FROM pg_index WHERE indexrelid = to_regclass('t_part') AND indisvalid")
    forward  sql"CREATE INDEX CONCURRENTLY t_part ON t (part)"
    rollback sql"DROP INDEX IF EXISTS t_part"
  }

  operation "windows" on db {
    forward {
      for w in batches of ident("t") by id size 300 parallel 2 {
        exec sql"UPDATE t SET n = n + 1 WHERE ${w.where}"
      }
    }
    rollback sql"UPDATE t SET n = 0"
  }

  operation "copy" on db {
    forward {
      for w in batches of ident("t") by id size 250 {
        copy db sql"SELECT id, n FROM t WHERE ${w.where}" into db ident("u") columns (id, n)
      }
    }
    rollback sql"DELETE FROM u"
  }
}
E
# operation_of NAME FORWARD [CLAUSE…]
operation_of() {
	local name=$1 forward=$2
	shift 2
	cat >"$scratch/$name.amig" <<-E
		migration "$name" {
		  needs db: postgres

		  operation "first" on db {
		    forward  sql"INSERT INTO log SELECT 1"
		    rollback nothing
		  }

		  operation "second" on db {
		$(printf '    %s\n' "$@")
		    forward {
		      $forward
		    }
		    rollback nothing
		  }
		}
	E
}
operation_of 0002_long 'exec sql"INSERT INTO log SELECT 2 FROM pg_sleep((SELECT s FROM pace))"'
operation_of 0003_queued 'sleep 300ms
      exec sql"INSERT INTO log SELECT 2"'
index='exec sql"CREATE INDEX CONCURRENTLY t_part ON t (part)"'
is_there='done when db.exists(sql"SELECT 1 FROM pg_index WHERE indexrelid = to_regclass('\''t_part'\'')")'
operation_of 0004_set "$index" 'no transaction' "$is_there" 'settings { maintenance_work_mem: "8MB" }'
operation_of 0005_limited "$index" 'no transaction' "$is_there"

fresh() {
	rm -f "$scratch"/state.db*
	psql -Xq "$AMIG_TEST_POSTGRES" -c 'DROP DATABASE IF EXISTS amig_pooled WITH (FORCE)' 2>/dev/null
	direct=$(new_postgres amig_pooled)
	postgres "$direct" "CREATE TABLE counter AS SELECT x, 0 AS n FROM generate_series(1, 5) AS x;
		CREATE TABLE t (id int PRIMARY KEY, part int, n int NOT NULL);
		INSERT INTO t SELECT n, n % 10, 0 FROM generate_series(1, 1000) AS n;
		CREATE TABLE u (id int PRIMARY KEY, n int); CREATE TABLE log (x int); CREATE TABLE pace AS SELECT 30.0 AS s"
	export AMIG_STATE=sqlite:$scratch/state.db AMIG_DB_URL
	AMIG_DB_URL=$(pooled amig_pooled)
}
# No session of the pool is other than it was.
is_clean() {
	local i
	for i in 1 2 3 4; do
		is "session $i of the pool" "$(postgres "$(pooled amig_pooled)" "SELECT current_setting('application_name'),
			current_setting('lock_timeout'), current_setting('statement_timeout'), current_setting('search_path')")" \
			'psql|0|0|"$user", public'
	done
}
everything_is_done() {
	is "the counters" "$(postgres "$direct" 'SELECT string_agg(n::text, NULL ORDER BY x) FROM counter')" 11111
	is "the index" "$(postgres "$direct" "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_part'::regclass")" t
	is "the rows" "$(postgres "$direct" 'SELECT count(*), min(n), max(n) FROM t')" "1000|1|1"
	is "the copy" "$(postgres "$direct" 'SELECT count(*), sum(id), sum(n) FROM u')" "1000|500500|1000"
	is "the status" "$(migration 0001_everything status progress)" "completed|100"
}
goes_through_it() {
	fresh
	expect 0 "$AMIGRUN" run 0001_everything
	everything_is_done
	is_clean
	expect 0 "$AMIGRUN" rollback 0001_everything --yes
	is "the rows" "$(postgres "$direct" 'SELECT max(c.n), max(t.n), (SELECT count(*) FROM u) FROM counter c, t')" "0|0|0"
}
dying() { AMIG_FAULT=$fault "$AMIGRUN" run 0001_everything --no-auto-rollback >"$scratch/out" 2>&1 </dev/null; }
is_killed_again_and_again() {
	fresh
	fault=$1 dies_on "$2" dying
	everything_is_done
	is_clean
}

running() {
	[ "$(postgres "$direct" "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'
		AND datname = 'amig_pooled'")" = "$1" ]
}
begins() {
	"$AMIGRUN" run "$1" >"$scratch/out" 2>&1 </dev/null 9>&- &
	runner=$!
}
is_killed() {
	kill -KILL $runner
	wait $runner 2>/dev/null
}
log_is() { is "the rows" "$(postgres "$direct" 'SELECT string_agg(x::text, NULL ORDER BY x) FROM log')" "$1"; }

# The server goes on with what nobody waits for any more; the session is the pool's, the comment ours.
an_orphan_is_ended() {
	fresh
	begins 0002_long
	await_that 20 running 1
	is_killed
	postgres "$direct" 'UPDATE pace SET s = 0'
	running 1 || die "the orphan has ended by itself"
	expect 0 "$AMIGRUN" resume 0002_long
	log_is 12
	running 0 || die "the orphan goes on"
}
is_cancelled() {
	fresh
	begins 0002_long
	await_that 20 running 1
	expect 0 "$AMIGRUN" stop 0002_long --now
	has "the answer" "$output" "0002_long: Stopped, at operation 1"
	running 0 || die "it goes on"
	wait $runner
	is "how the run ended" $? 5
	is_clean
}

# The pool's one session is another's when the statement comes and its sender dies: what it does then, it does once.
waits_in_the_queue() { [ "$(waiting amig_narrow)" = 1 ]; }
first_is_there() { [ "$(postgres "$direct" 'SELECT count(*) FROM log')" = 1 ]; }
a_late_one_is_no_second() {
	fresh
	AMIG_DB_URL=$(pooled amig_narrow)
	mkfifo "$scratch/other"
	exec 9<>"$scratch/other"
	psql -XAtq "$AMIG_DB_URL" >"$scratch/other.out" 2>&1 <"$scratch/other" 9>&- &
	begins 0003_queued
	await_that 20 first_is_there
	echo 'BEGIN; SELECT 1;' >&9
	await_that 20 test -s "$scratch/other.out"
	await_that 20 waits_in_the_queue
	is_killed
	begins 0003_queued
	sleep 0.3
	echo 'COMMIT; \q' >&9
	wait $runner
	is "how the run ended" $? 0
	log_is 12
}

what_needs_a_session_is_refused() {
	fresh
	expect 1 "$AMIGRUN" run 0004_set --no-auto-rollback
	has "the error" "$output" "behind a pooler no setting" "maintenance_work_mem"
	postgres "$direct" "ALTER DATABASE amig_pooled SET lock_timeout = '1s'"
	psql -XAtq "$(pooled pgbouncer)" -c 'RECONNECT' >/dev/null
	expect 1 "$AMIGRUN" run 0005_limited --no-auto-rollback
	has "the error" "$output" "lock_timeout is set" "ALTER ROLE"
	is "indexes" "$(postgres "$direct" "SELECT count(*) FROM pg_class WHERE relname = 't_part'")" 0
	AMIG_STATE=$AMIG_DB_URL expect 4 "$AMIGRUN" status
	has "the error" "$output" "state store: a pooler gives" "name the server itself"
	AMIG_DB_URL=$(pooled amig_nobody) expect 4 "$AMIGRUN" run 0002_long
}

build pooled "$scratch"/*.amig >"$scratch/build.log" || { failed "end_to_end, pgbouncer/build" "$scratch/build.log"; exit 1; }
pgbouncer_start >"$scratch/start.log" 2>&1 || { failed "end_to_end, pgbouncer/start" "$scratch/start.log"; exit 1; }
trap 'pgbouncer_end; rm -rf "$scratch"' EXIT
check "end_to_end, pgbouncer, trap 11: there and back, and the pool is as it was" goes_through_it
check "end_to_end, pgbouncer/killed after each third effect" is_killed_again_and_again after_effect:3 4
check "end_to_end, pgbouncer/killed before each fourth effect" is_killed_again_and_again before_effect:4 3
check "end_to_end, pgbouncer/a statement whose sender was killed is ended" an_orphan_is_ended
check "end_to_end, pgbouncer/--now cancels a statement" is_cancelled
check "end_to_end, pgbouncer/a statement that waits for a session when its sender dies" a_late_one_is_no_second
check "end_to_end, pgbouncer, trap 11: what needs a session is refused" what_needs_a_session_is_refused
report_end
