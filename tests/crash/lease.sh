#!/bin/bash
# lease.sh - a process that is paused for longer than its lease, while another one goes on with its
# run, can do nothing more when it wakes: not to the state, nor to the target
set -u
. "$(dirname "$0")/../support/case.sh"

export AMIG_LEASE=1s
cat >"$scratch/0500.amig" <<'AMIG'
migration "0500_lease" {
  needs db: postgres
  operation "count" on db {
    forward {
      for i in [0, 1, 2, 3, 4, 5] {
        exec sql"INSERT INTO counted SELECT ${i} FROM pg_sleep(0.4)"
      }
    }
    rollback sql"DELETE FROM counted"
  }
}
AMIG
cat >"$scratch/0501.amig" <<'AMIG'
migration "0501_outside" {
  needs db: postgres
  operation "outside of transactions" on db {
    no transaction
    idempotent
    forward {
      for i in [0, 1, 2, 3, 4, 5] {
        exec sql"INSERT INTO counted SELECT ${i} FROM pg_sleep(0.4) ON CONFLICT DO NOTHING"
      }
    }
    rollback sql"DELETE FROM counted"
  }
}
AMIG
cat >"$scratch/0502.amig" <<'AMIG'
migration "0502_fails" {
  needs db: postgres
  operation "only one" on db {
    forward {
      sleep 1s
      exec sql"INSERT INTO counted VALUES (7)"
    }
    rollback sql"DELETE FROM counted"
  }
}
AMIG

cat >"$scratch/0503.amig" <<'AMIG'
migration "0503_long" {
  needs db: postgres
  operation "only one" on db {
    forward sql"INSERT INTO counted SELECT 1 FROM pg_sleep(3)"
    rollback sql"DELETE FROM counted"
  }
}
AMIG

# A process that a failed test has left paused would keep its sessions.
fresh() {
	rm -f "$scratch"/state.db*
	[ ! -e "$scratch/pid" ] || kill -KILL "$(cat "$scratch/pid")" 2>"$scratch/ignored"
	AMIG_DB_URL=$(new_postgres amig_lease)
	export AMIG_DB_URL
	postgres "$AMIG_DB_URL" "CREATE TABLE counted (x int UNIQUE)"
}
rows() { postgres "$AMIG_DB_URL" 'SELECT count(*) FROM counted'; }
two_are_there() { [ "$(rows)" -ge 2 ]; }
begins() {
	"$AMIGRUN" run "$1" >"$scratch/first" 2>&1 </dev/null &
	first=$!
	echo $first >"$scratch/pid"
}

# Not while it holds the file of the state, which nobody could write then.
pause() {
	kill -STOP $first
	case "$AMIG_STATE" in sqlite:*) ;; *) return ;; esac
	until sqlite3 "${AMIG_STATE#sqlite:}" 'BEGIN IMMEDIATE; ROLLBACK' 2>"$scratch/ignored"; do
		kill -CONT $first
		sleep 0.05
		kill -STOP $first
	done
}

# The first is paused, the second waits for its lease and goes on, the first wakes.
is_taken_over() {
	fresh
	begins "$1"
	await_that 20 two_are_there
	pause
	until "$AMIGRUN" resume "$1" >"$scratch/second" 2>&1 </dev/null; do
		has "the refusal" "$(cat "$scratch/second")" "is running in the process"
		sleep 0.1
	done
	kill -CONT $first
	wait $first
	is "how the first one ended" $? "$2"
	is "the rows" "$(rows)" 6
	is "the status" "$(migration "$1" status)" completed
	has "the events" "$(state "SELECT detail FROM @event WHERE kind = 'taken_over'")" "from "
}
in_two_databases() { AMIG_STATE=sqlite:$scratch/state.db is_taken_over 0500_lease 3; }
in_one_database() {
	fresh
	# Its session, in whose transaction the effect was, is ended.
	AMIG_STATE=$AMIG_DB_URL is_taken_over 0500_lease 4
}
outside_of_transactions() {
	fresh
	AMIG_STATE=sqlite:$scratch/state.db is_taken_over 0501_outside 3
}

# The successor has undone the operation whose effect the first one has not sent yet.
a_late_effect_is_kept_out_after_a_rollback() {
	export AMIG_STATE=sqlite:$scratch/state.db
	fresh
	AMIG_FAULT=before_effect:1:stop "$AMIGRUN" run 0502_fails >"$scratch/first" 2>&1 </dev/null &
	first=$!
	echo $first >"$scratch/pid"
	await_that 20 is_stopped $first
	until "$AMIGRUN" rollback 0502_fails --yes >"$scratch/second" 2>&1 </dev/null; do
		has "the refusal" "$(cat "$scratch/second")" "is running in the process"
		sleep 0.1
	done
	kill -CONT $first
	wait $first
	is "how the first one ended" $? 3
	is "the rows" "$(rows)" 0
	is "the status" "$(migration 0502_fails status)" rolled_back
}
is_stopped() { grep -q '^State:.*T' "/proc/$1/status"; }

# A long statement is no sign of death.
a_lease_is_renewed_while_a_statement_runs() {
	export AMIG_STATE=$1
	begins 0503_long
	await_that 20 is_running_long
	for _ in 1 2 3 4 5; do
		is "the leases that are over" "$(state "SELECT count(*) FROM @migration
			WHERE status = 'running' AND (lease_expires_at > $2) IS NOT TRUE")" 0
		sleep 0.2
	done
	wait $first
	is "how it ended" $? 0
}
is_running_long() { [ -n "$(postgres "$AMIG_DB_URL" "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'
	AND datname = current_database()")" ]; }
on_sqlite() {
	fresh
	a_lease_is_renewed_while_a_statement_runs "sqlite:$scratch/state.db" "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
}
on_postgres() {
	fresh
	a_lease_is_renewed_while_a_statement_runs "$(new_postgres amig_lease_state)" "now()"
}
in_the_same_database() {
	fresh
	a_lease_is_renewed_while_a_statement_runs "$AMIG_DB_URL" "now()"
}

build lease "$scratch"/*.amig >"$scratch/build.log" || { failed "crash, lease/build" "$scratch/build.log"; exit 1; }
check "crash, lease/a paused process is kept out of a PostgreSQL target" in_two_databases
check "crash, lease/a paused process is kept out of the database of state and target" in_one_database
check "crash, lease/a paused process sends nothing outside of transactions when it wakes" outside_of_transactions
check "crash, lease/an effect that comes after its rollback is refused" a_late_effect_is_kept_out_after_a_rollback
check "crash, lease/a long statement's lease lasts, state in SQLite" on_sqlite
check "crash, lease/a long statement's lease lasts, state in PostgreSQL" on_postgres
check "crash, lease/a long statement's lease lasts, state and target in one database" in_the_same_database
report_end
