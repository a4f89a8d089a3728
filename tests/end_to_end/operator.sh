#!/bin/bash
# operator.sh - what waits for a person: `halt` with its instruction, `approval` and `amigrun approve`
set -u
. "$(dirname "$0")/../support/case.sh"

cat >"$scratch/0001_halts.amig" <<'A'
migration "0001_halts" {
  needs db: sqlite
  operation "half by hand" on db {
    forward {
      var n = 1
      exec sql"INSERT INTO t VALUES (1)"
      n = n + 1
      halt "load file ${n}, then resume"
      exec sql"INSERT INTO t VALUES (${n})"
    }
    rollback {
      exec sql"INSERT INTO t VALUES (-1)"
      halt "take the file away, then resume"
      exec sql"INSERT INTO t VALUES (-2)"
    }
  }
}
A
cat >"$scratch/0002_asks.amig" <<'A'
migration "0002_asks" {
  needs db: sqlite
  healthcheck "the table is healthy" every 100ms {
    require not db.exists(sql"SELECT 1 FROM sick") else "it is sick"
  }
  operation "before" on db {
    forward sql"INSERT INTO t VALUES (1)"
    rollback sql"INSERT INTO t VALUES (-1)"
  }
  approval "cut over" "the tables are swapped next"
  operation "after" on db {
    forward sql"INSERT INTO t VALUES (2)"
    rollback sql"INSERT INTO t VALUES (-2)"
  }
}
A

fresh() {
	export AMIG_DB_URL=$scratch/target.db
	place_state $where operator
	sqlite3 "$AMIG_DB_URL" 'CREATE TABLE t (x); CREATE TABLE sick (x)'
}
target() { sqlite3 -cmd '.timeout 10000' "$AMIG_DB_URL" "$1"; }
rows() { target 'SELECT group_concat(x) FROM t'; }
instruction() { migration "$1" instruction; }

stops_with_an_instruction() {
	fresh
	expect 0 "$AMIGRUN" plan 0001_halts
	has "the plan" "$output" "it stops here, until it is resumed: load file 2, then resume"
	expect 5 "$AMIGRUN" run 0001_halts
	has "the message" "$output" "load file 2, then resume" "amigrun resume 0001_halts"
	is "the row" "$(migration 0001_halts status current_operation_index)" "stopped|0"
	is "the rows" "$(rows)" 1
	expect 0 "$AMIGRUN" status 0001_halts
	has "the status" "$output" "To do:" "load file 2, then resume" "halted"
	expect 0 "$AMIGRUN" status --json
	has "the status" "$output" '"instruction": "load file 2, then resume"'
	expect 0 "$AMIGRUN" resume 0001_halts
	is "the rows" "$(rows)" 1,2
	is "the instruction" "$(instruction 0001_halts)" ""
	expect 5 "$AMIGRUN" rollback 0001_halts --yes
	has "the message" "$output" "take the file away"
	is "the rows" "$(rows)" 1,2,-1
	expect 0 "$AMIGRUN" rollback 0001_halts --yes
	is "the rows" "$(rows)" 1,2,-1,-2
}
# A worker leaves it to the operator, too.
stays_stopped_for_workers() {
	fresh
	expect 0 "$AMIGRUN" start 0001_halts
	"$AMIGRUN" worker >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 20 is_stopped
	expect 0 "$AMIGRUN" start 0001_halts
	await_that 20 is_completed
	kill -TERM $runner
	wait $runner
	is "the rows" "$(rows)" 1,2
}
is_stopped() { [ "$(migration 0001_halts status)" = stopped ]; }
is_completed() { [ "$(migration 0001_halts status)" = completed ]; }

begins() {
	"$AMIGRUN" "$@" >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 20 waits
}
waits() { [ "$(instruction 0002_asks)" = 'approve "cut over": the tables are swapped next' ] && is_at_work; }
is_at_work() { [[ $(migration 0002_asks status lease_owner) == running*$runner* ]]; }
ends_with() {
	wait $runner
	is "the status of the process" $? "$1"
}
waits_for_a_yes() {
	fresh
	expect 2 "$AMIGRUN" approve
	expect 2 "$AMIGRUN" approve 0009_unknown
	expect 0 "$AMIGRUN" plan 0002_asks
	has "the plan" "$output" "   forward: it waits here, until it is approved: the tables are swapped next"
	begins run 0002_asks
	expect 0 "$AMIGRUN" status
	has "the status" "$output" "To do:" "the tables are swapped next"
	expect 0 "$AMIGRUN" approve 0002_asks
	has "the answer" "$output" '"cut over" is approved'
	ends_with 0
	has "what run says" "$(cat "$scratch/out")" 'waits for an operator to: approve "cut over": the tables are swapped next'
	is "the rows" "$(rows)" 1,2
	is "the instruction" "$(instruction 0002_asks)" ""
	is "the events" "$(state "SELECT kind, detail FROM @event WHERE kind LIKE 'appr%' ORDER BY id" | tr '\n' ' ')" \
		'approval_awaited|approve "cut over": the tables are swapped next approved|cut over '
	expect 3 "$AMIGRUN" approve 0002_asks
	has "the answer" "$output" "waits for no approval"
}
waits_on_after_a_death_and_a_stop() {
	fresh
	begins run 0002_asks
	kill -KILL $runner
	ends_with 137
	begins resume 0002_asks
	expect 0 "$AMIGRUN" stop 0002_asks
	ends_with 5
	expect 0 "$AMIGRUN" status
	has "the status" "$output" "Stopped" "the tables are swapped next"
	expect 0 "$AMIGRUN" approve 0002_asks --json
	has "the answer" "$output" '"approved":"cut over"'
	expect 3 "$AMIGRUN" approve 0002_asks
	expect 0 "$AMIGRUN" resume 0002_asks
	is "the rows" "$(rows)" 1,2
	is "the events" "$(state "SELECT count(*) FROM @event WHERE kind = 'approval_awaited'")" 1
}
is_asked_for_its_health_while_it_waits() {
	fresh
	begins run 0002_asks --no-auto-rollback
	target 'INSERT INTO sick VALUES (1)'
	ends_with 1
	has "what run says" "$(cat "$scratch/out")" "it is sick"
	is "the row" "$(migration 0002_asks status current_operation_index)" "errored|1"
	target 'DELETE FROM sick'
	begins resume 0002_asks
	expect 0 "$AMIGRUN" approve 0002_asks
	ends_with 0
}
is_undone_instead() {
	fresh
	begins run 0002_asks
	expect 0 "$AMIGRUN" stop --rollback 0002_asks
	ends_with 5
	is "the row" "$(migration 0002_asks status)" rolled_back
	is "the rows" "$(rows)" 1,-1
	expect 3 "$AMIGRUN" approve 0002_asks
	# What was said to another run does not count.
	begins run 0002_asks
	expect 0 "$AMIGRUN" approve 0002_asks
	ends_with 0
	is "the rows" "$(rows)" 1,-1,1,2
}

build operator "$scratch"/*.amig
for where in same other postgres; do
	check "operator, state $where: halt stops with an instruction" stops_with_an_instruction
	check "operator, state $where: a worker stays halted" stays_stopped_for_workers
	check "operator, state $where: an approval waits for a yes" waits_for_a_yes
	check "operator, state $where: it waits on after a death and a stop" waits_on_after_a_death_and_a_stop
	check "operator, state $where: healthchecks are asked meanwhile" is_asked_for_its_health_while_it_waits
	check "operator, state $where: it is undone instead" is_undone_instead
done
report_end
