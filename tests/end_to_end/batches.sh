#!/bin/bash
# batches.sh - windows along a key on each database: every row once, whatever the key is, killed or not
set -u
. "$(dirname "$0")/../support/case.sh"
. "$(dirname "$0")/../support/windows.sh"

export AMIG_STATE=sqlite:$scratch/state.db

kinds="postgres sqlite clickhouse"
for kind in $kinds; do
	again=
	[ $kind != clickhouse ] || again=idempotent
	windows_of 0001_int_$kind $kind 'ident("t") by id size 100' $again
	windows_of 0002_string_$kind $kind 'ident("t") by name: string size 70' $again
	windows_of 0003_pair_$kind $kind 'ident("t") by (part, name: string) size 90' $again
	windows_of 0004_time_$kind $kind 'ident("t") by at: timestamp size 300' $again
	windows_of 0005_wrong_type_$kind $kind 'ident("t") by name size 10' $again
	windows_of 0006_nowhere_$kind $kind 'ident("t") by nowhere size 10' $again
	windows_of 0007_twice_$kind $kind 'ident("t") by part size 100' $again
	windows_of 0008_null_$kind $kind 'ident("t") by maybe size 100' $again
	windows_of 0009_target_$kind $kind 'ident("t") by id size 20 min 10 max 400 target 1h' $again
done
cat >"$scratch/0013_pause.amig" <<'E'
migration "0013_pause" {
  needs db: sqlite

  operation "in windows" on db {
    forward {
      for w in batches of ident("t") by id size 500 pause when db.exists(sql"SELECT 1 FROM gate") {
        exec sql"INSERT INTO seen SELECT count(*) FROM t WHERE ${w.where}"
      }
    }
    rollback nothing
  }
}
E
cat >"$scratch/0014_tables.amig" <<'E'
migration "0014_tables" {
  needs db: sqlite

  for name in ["t", "other"] {
    operation "through ${name}" on db {
      forward {
        for w in batches of ident(name) by id size 500 {
          exec sql"INSERT INTO seen SELECT count(*) FROM ${ident(name)} WHERE ${w.where}"
        }
      }
      rollback nothing
    }
  }
}
E
cat >"$scratch/0015_tuned.amig" <<'E'
migration "0015_tuned" {
  needs db: sqlite

  operation "in windows" on db {
    forward {
      for w in batches of ident("t") by id size 10 min 5 max 20 {
        exec sql"INSERT INTO seen SELECT count(*) FROM t WHERE ${w.where}"
        sleep 50ms
      }
    }
    rollback nothing
  }
}
E
cat >"$scratch/0016_none.amig" <<'E'
migration "0016_none" {
  needs db: sqlite

  operation "nothing" on db {
    forward {
      exec sql"INSERT INTO seen VALUES (0)"
      require false else "no"
    }
    rollback nothing
  }
}
E

every_row_is_in_one_window() {
	fresh "$1"
	expect 0 "$AMIGRUN" run "0001_int_$1"
	is "windows, rows, most" "$(seen)" "10|1000|100"
	fresh "$1"
	expect 0 "$AMIGRUN" run "0002_string_$1"
	is "windows, rows, most" "$(seen)" "15|1000|70"
	fresh "$1"
	expect 0 "$AMIGRUN" run "0003_pair_$1"
	is "windows, rows, most" "$(seen)" "12|1000|90"
}
times_are_keys() {
	fresh "$1"
	expect 0 "$AMIGRUN" run "0004_time_$1"
	is "windows, rows, most" "$(seen)" "4|1000|300"
}
an_empty_table_has_none() {
	fresh "$1"
	ask 'DROP TABLE t'
	case $1 in
	clickhouse) ask 'CREATE TABLE t (id UInt64) ENGINE = MergeTree ORDER BY id' ;;
	*) ask 'CREATE TABLE t (id int PRIMARY KEY)' ;;
	esac
	expect 0 "$AMIGRUN" run "0001_int_$1"
	is "windows" "$(ask 'SELECT count(*) FROM seen')" 0
}
what_is_no_key_is_refused() {
	fresh "$1"
	expect 1 "$AMIGRUN" run "0005_wrong_type_$1"
	has "the error" "$output" "the key of \`batches\` is not int: column name is" "by name: string"
	expect 1 "$AMIGRUN" run "0006_nowhere_$1"
	has "the error" "$output" nowhere
	expect 1 "$AMIGRUN" run "0007_twice_$1"
	has "the error" "$output" "part of t can't be the key of \`batches\`, which is unique and never null: several rows have"
	expect 1 "$AMIGRUN" run "0008_null_$1"
	has "the error" "$output" "maybe of t can't be the key of \`batches\`, which is unique and never null: there are rows"
	is "windows" "$(ask 'SELECT count(*) FROM seen')" 0
}
# Fast windows grow, by a quarter at most, up to the most that is allowed.
the_size_follows_the_target() {
	fresh "$1"
	expect 0 "$AMIGRUN" run "0009_target_$1"
	is "rows, most" "$(ask 'SELECT sum(n), CASE WHEN max(n) > 150 AND max(n) <= 400 THEN 1 ELSE 0 END FROM seen')" "1000|1"
}
it_waits() { grep -q 'it waits: `pause when` holds' "$scratch/out"; }
# And says why.
waits_while_it_is_to_pause() {
	local runner
	fresh sqlite
	ask 'CREATE TABLE gate AS SELECT 1'
	"$AMIGRUN" run 0013_pause >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 10 it_waits
	is "windows" "$(ask 'SELECT count(*) FROM seen')" 0
	ask 'DELETE FROM gate'
	wait $runner
	is "how it ended" $? 0
	is "windows, rows, most" "$(seen)" "2|1000|500"
}
each_table_is_looked_at() {
	fresh sqlite
	ask 'CREATE TABLE other (id int); INSERT INTO other VALUES (1), (2), (2), (3)'
	expect 1 "$AMIGRUN" run 0014_tables
	has "the error" "$output" "id of other can't be the key" "several rows have 2"
	is "windows, rows, most" "$(seen)" "2|1000|500"
}
# stop_after NAME WINDOWS: the run is under way and stopped.
stop_after() {
	local runner
	"$AMIGRUN" run "$1" >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 10 windows_are "$2"
	expect 0 "$AMIGRUN" stop "$1"
	wait $runner
	is "how it ended" $? 5
}
windows_are() { [ "$(ask 'SELECT count(*) FROM seen')" -ge "$1" ]; }
window_of() { [ "$(ask "SELECT count(*) FROM seen WHERE n = $1")" -ge 1 ]; }
is_paused() { grep -q 'an operator has paused the windows' "$scratch/out"; }
an_operator_tunes_a_run() {
	local runner before
	fresh sqlite
	"$AMIGRUN" run 0015_tuned >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 10 windows_are 2
	expect 0 "$AMIGRUN" tune 0015_tuned size=37
	is "what it says" "$output" size=37
	await_that 10 window_of 37
	expect 0 "$AMIGRUN" tune 0015_tuned pause=true max=30 size=30
	await_that 10 is_paused
	before=$(seen)
	sleep 1
	is "windows while it is paused" "$(seen)" "$before"
	has "status" "$("$AMIGRUN" status 0015_tuned)" "windows, as an operator has tuned them:" "  max = 30" "  pause = true" \
		"tuned: size=30 max=30 pause=true, by $(id -un)@"
	is "who" "$(state "SELECT count(*) FROM @event WHERE kind = 'tuned' AND who LIKE '$(id -un)_%'")" 2
	has "JSON" "$("$AMIGRUN" status --json 0015_tuned | tr -d ' \n')" \
		'"tuned":{"max":"30","pause":"true","size":"30"}' '"parameters":{}'
	expect 0 "$AMIGRUN" stop 0015_tuned
	wait $runner
	is "how it ended" $? 5
	"$AMIGRUN" resume 0015_tuned >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 10 is_paused
	is "windows of a resumed run that is paused" "$(seen)" "$before"
	expect 0 "$AMIGRUN" tune 0015_tuned pause=false
	wait $runner
	is "how it ended" $? 0
	is "rows, most" "$(ask 'SELECT sum(n), max(n) FROM seen')" "1000|37"
	expect 3 "$AMIGRUN" tune 0015_tuned size=5
	has "the refusal" "$output" "is Completed successfully: no run of it is under way"
}
# And takes it back; the next run begins as the migration says.
what_was_tuned_is_taken_back() {
	fresh sqlite
	stop_after 0015_tuned 2
	expect 0 "$AMIGRUN" tune 0015_tuned size=40 min=1 target=5s
	is "what it says" "$output" "min=1 size=40 target=5s"
	expect 0 "$AMIGRUN" tune 0015_tuned size=default
	is "what it says" "$output" "min=1 target=5s"
	expect 0 "$AMIGRUN" tune --reset 0015_tuned size=7
	is "what it says" "$output" "size=7"
	expect 0 "$AMIGRUN" tune 0015_tuned
	is "what it says" "$output" "size=7"
	expect 0 "$AMIGRUN" rollback 0015_tuned
	ask 'DELETE FROM seen'
	expect 0 "$AMIGRUN" run 0015_tuned
	is "rows, most" "$(ask 'SELECT sum(n), max(n) FROM seen')" "1000|10"
	expect 0 "$AMIGRUN" tune 0015_tuned
	is "what it says" "$output" "the windows go as the migration says"
}
# refuses_to_tune STATUS PART WORD…
refuses_to_tune() {
	local status=$1 part=$2
	shift 2
	expect "$status" "$AMIGRUN" tune "$@"
	has "the refusal" "$output" "$part"
}
what_cannot_be_tuned_is_refused() {
	fresh sqlite
	refuses_to_tune 2 'there is no migration "0099_none"' 0099_none size=3
	stop_after 0015_tuned 2
	expect 0 "$AMIGRUN" tune 0015_tuned max=20
	refuses_to_tune 2 'size can'"'"'t be "0"' 0015_tuned size=0
	refuses_to_tune 2 'it is a number of rows from 1' 0015_tuned min=many
	refuses_to_tune 2 'size can'"'"'t be "99999999999999999999"' 0015_tuned size=99999999999999999999
	refuses_to_tune 2 'target can'"'"'t be "2"' 0015_tuned target=2
	refuses_to_tune 2 'it is a duration, like 500ms' 0015_tuned target=0s
	refuses_to_tune 2 'it is true or false' 0015_tuned pause=5m
	refuses_to_tune 2 'no "speed" that could be tuned' 0015_tuned speed=3
	refuses_to_tune 2 'wants NAME=VALUE' 0015_tuned size
	refuses_to_tune 2 'min=21 is more than max=20' 0015_tuned min=21
	refuses_to_tune 2 'size=21 is more than max=20' 0015_tuned min=3 size=21
	refuses_to_tune 2 'there is no migration "size=3"' size=3
	expect 0 "$AMIGRUN" tune 0015_tuned
	is "what counts" "$output" "max=20"
	expect 0 "$AMIGRUN" resume 0015_tuned
	expect 1 "$AMIGRUN" run --no-auto-rollback 0016_none
	refuses_to_tune 2 '"0016_none" has no `batches`' 0016_none size=3
}
# Between any two commits: no window is lost and none is done twice.
survives_being_killed() {
	local place n
	for place in before_commit after_commit before_effect after_effect before_read; do
		for n in 3 8; do
			fresh "$1"
			AMIG_FAULT=$place:$n expect 137 "$AMIGRUN" run "0001_int_$1"
			expect 0 "$AMIGRUN" resume "0001_int_$1"
			is "windows, rows, most after $place:$n" "$(seen)" "10|1000|100"
		done
	done
}

build batches "$scratch"/*.amig >"$scratch/build.log" || { failed "end_to_end, batches/build" "$scratch/build.log"; exit 1; }
for kind in $kinds; do
	check "end_to_end, batches/every row of $kind is in one window" every_row_is_in_one_window $kind
	[ $kind = sqlite ] || check "end_to_end, batches/times are keys on $kind" times_are_keys $kind
	check "end_to_end, batches/an empty table has no windows on $kind" an_empty_table_has_none $kind
	check "end_to_end, batches/what is no key is refused on $kind" what_is_no_key_is_refused $kind
	check "end_to_end, batches/the size follows the target on $kind" the_size_follows_the_target $kind
	[ $kind = clickhouse ] || check "end_to_end, batches/windows survive being killed on $kind" survives_being_killed $kind
done
check "end_to_end, batches/a run waits while it is to pause" waits_while_it_is_to_pause
check "end_to_end, batches/each table is looked at" each_table_is_looked_at
check "end_to_end, batches/an operator tunes a run" an_operator_tunes_a_run
check "end_to_end, batches/what was tuned is taken back" what_was_tuned_is_taken_back
check "end_to_end, batches/what cannot be tuned is refused" what_cannot_be_tuned_is_refused
report_end
