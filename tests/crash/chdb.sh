#!/bin/bash
# chdb.sh - a migration inside of amigrun itself, killed at every place of fault.def, at each passage,
# forwards and backwards; and in the middle of what takes time
#
# AMIG_CRASH=small: only at effects.
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/kill.sh"
. "$case_root/tests/support/chdb.sh"
export AMIG_LEASE=1s

cat >"$scratch/0000_before.amig" <<'E'
migration "0000_before" {
  needs db: chdb
  operation "old" on db {
    idempotent
    forward sql"CREATE TABLE old (x UInt64, month UInt8, v UInt64) ENGINE = MergeTree PARTITION BY month ORDER BY x"
    rollback nothing
  }
  operation "rows" on db {
    idempotent
    forward sql"INSERT INTO old SELECT number, number % 3, 0 FROM numbers(3000)"
    rollback nothing
  }
}
E
cat >"$scratch/0001_moves.amig" <<'E'
use clickhouse

migration "0001_moves" {
  needs db: chdb
  param pause: float = 0.0
  let months = db.column(sql"SELECT DISTINCT month FROM old ORDER BY month") as [int]
  operation "new" on db {
    idempotent
    forward sql"CREATE TABLE IF NOT EXISTS new AS old"
    rollback sql"DROP TABLE IF EXISTS new"
  }
  for month in months {
    operation "copy ${month}" on db {
      in doubt undo
      forward sql"INSERT INTO new SELECT * FROM old WHERE month = ${month} AND sleepEachRow(${pause}) = 0"
      rollback sql"ALTER TABLE new DROP PARTITION ${month}"
    }
  }
  operation "count" on db {
    done when db.value(sql"SELECT min(v) FROM new") as int == 1
    settings { mutations_sync: 2 }
    forward sql"ALTER TABLE new UPDATE v = v + 1 + sleepEachRow(${pause}) WHERE 1"
    rollback sql"ALTER TABLE new UPDATE v = v - 1 WHERE v > 0"
  }
  operation "swap" on db {
    done when db.value(sql"SELECT max(v) FROM old") as int == 1
    forward sql"EXCHANGE TABLES old AND new"
    rollback sql"EXCHANGE TABLES new AND old"
  }
}
E
content() {
	chdb "SELECT concat('$1 ', toString(count()), ' ', toString(sum(v)), ' ', toString(sum(cityHash64(x, month)))) FROM $1"
}
reset() {
	rm -rf "$scratch"/state.db* "$scratch/data"
	export AMIG_STATE=sqlite:$scratch/state.db AMIG_DB_URL=$scratch/data AMIG_CHDB=$scratch/data
	cp -r "$scratch/prepared" "$scratch/data"
}
prepare() {
	rm -rf "$scratch/prepared"
	AMIG_STATE=sqlite:$scratch/before.db AMIG_DB_URL=$scratch/prepared "$AMIGRUN" run 0000_before || return 1
	reset
	hash=$(content old) && hash=${hash##* }
}
forwards() { "$AMIGRUN" run 0001_moves; }
completed_first() {
	reset
	forwards || die "the run before the rollback failed"
}
undo() { [ "$(migration 0001_moves status)" = rolled_back ] || "$AMIGRUN" rollback 0001_moves --yes; }
all_is_moved() {
	is "the row" "$(migration 0001_moves status progress)" "completed|100"
	is "the new table" "$(content old)" "old 3000 3000 $hash"
	is "the old table" "$(content new)" "new 3000 0 $hash"
}
all_is_as_before() {
	is "the row" "$(migration 0001_moves status progress)" "rolled_back|0"
	is "the old table" "$(content old)" "old 3000 0 $hash"
	has "the new table" "$(content new)" UNKNOWN_TABLE
}

# Each life is killed in the middle of the operation after the one in which the last one was.
dies_in_the_middle_of_every_operation() {
	local lives=0 pid snapshot='' now
	local first='--param pause=0.0005'
	reset
	while :; do
		rm -f "$scratch/out"
		# shellcheck disable=SC2086
		"$AMIGRUN" run 0001_moves $first >"$scratch/out" 2>&1 &
		pid=$! first=''
		await_that 60 is_in $((lives + 2)) $pid
		kill -0 $pid 2>/dev/null || break
		sleep 0.2
		kill -KILL $pid 2>/dev/null
		wait $pid
		now=$(done_operations)
		[ -z "$snapshot" ] || stays "$snapshot" "$now"
		snapshot=$now
		lives=$((lives + 1))
	done
	wait $pid || die "it failed: $(cat "$scratch/out")"
	[ $lives -ge 4 ] || die "it died $lives times only"
	all_is_moved
}
is_in() { grep -qs "^\[$1/6\]" "$scratch/out" || ! kill -0 "$2" 2>/dev/null; }

chdb_ready >"$scratch/ready.log" 2>&1 || { failed "crash, chdb/the library from npm" "$scratch/ready.log"; exit 1; }
{ build chdb "$scratch"/000*.amig && prepare; } >"$scratch/build.log" 2>&1 ||
	{ failed "crash, chdb/the table before" "$scratch/build.log"; exit 1; }
faults=() faults_back=()
[ "${AMIG_CRASH-}" != small ] || faults=(during_effect after_effect) faults_back=(after_effect)
kill_matrix "crash, chdb" reset forwards all_is_moved "${faults[@]}"
backwards=yes kill_matrix "crash, chdb, undoing" completed_first undo all_is_as_before "${faults_back[@]}"
check "crash, chdb/in the middle of every operation" dies_in_the_middle_of_every_operation
report_end
