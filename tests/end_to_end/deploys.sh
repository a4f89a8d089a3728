#!/bin/bash
# deploys.sh - the bundle is replaced, written over, cut short or removed while a run is under way:
# the run finishes on the bytecode that it began with, and so does one that a worker takes over
set -u
. "$(dirname "$0")/../support/case.sh"

export AMIG_DB_URL=$scratch/target.db AMIG_STATE=sqlite:$scratch/state.db AMIG_LEASE=1s

# deployed NAME WORD: a bundle of two migrations that write WORD, long enough for several pages.
deployed() {
	local number
	mkdir -p "$scratch/$1"
	for number in 1 2; do
		cat >"$scratch/$1/000$number.amig" <<-E
			migration "000${number}_words" {
			  needs db: sqlite
			  operation "first" on db {
			    forward  sql"INSERT INTO t VALUES ('$2 1')"
			    rollback nothing
			  }
			  operation "waits" on db {
			    forward {
			      wait until db.exists(sql"SELECT 1 FROM gate") every 20ms timeout 1m
			      exec sql"INSERT INTO t VALUES ('$2 2')"
			    }
			    rollback nothing
			  }
			  for n in [3, 4, 5, 6, 7, 8, 9] {
			    operation "operation \${n}" on db {
			      forward sql"INSERT INTO t SELECT '$2 ' || \${n} /* $(printf '%05000d' 0) */"
			      rollback nothing
			    }
			  }
			}
		E
	done
	expect 0 "$AMIGC" build "$scratch/$1" -o "$scratch/$1.amb"
}
fresh() {
	rm -f "$scratch"/*.db*
	sqlite3 "$AMIG_DB_URL" 'CREATE TABLE t (x); CREATE TABLE gate (x)'
	cp "$scratch/old.amb" "$scratch/here.amb"
	export AMIG_BUNDLE=$scratch/here.amb
}
ask() { sqlite3 -cmd '.timeout 10000' "$AMIG_DB_URL" "$1"; }
words() { ask 'SELECT group_concat(x) FROM t'; }
waits() { [ "$(words)" = "old 1" ]; }
is_now() { [ "$(migration "$1" status)" = "$2" ]; }
all_old="old 1,old 2,old 3,old 4,old 5,old 6,old 7,old 8,old 9"
all_new=${all_old//old/new}

is_moved_over() { cp "$scratch/new.amb" "$scratch/next.amb" && mv "$scratch/next.amb" "$AMIG_BUNDLE"; }
is_written_over() { cat "$scratch/new.amb" >"$AMIG_BUNDLE"; }
is_emptied() { : >"$AMIG_BUNDLE"; }
is_other_bytes() { head -c "$(stat -c %s "$AMIG_BUNDLE")" /dev/zero | dd of="$AMIG_BUNDLE" conv=notrunc status=none; }
is_removed() { rm "$AMIG_BUNDLE"; }

a_run_ends_as_it_began() {
	local runner
	fresh
	"$AMIGRUN" run 0001_words >"$scratch/out" 2>&1 </dev/null &
	runner=$!
	await_that 20 waits
	"$1"
	ask 'INSERT INTO gate VALUES (1)'
	wait $runner
	is "how it ended" "$? $(grep Sanitizer "$scratch/out")" "0 "
	is "the words" "$(words)" "$all_old"
}
# Whoever takes it over needs nothing of what is on the disk.
a_worker_goes_on_with_it() {
	local first second
	fresh
	"$AMIGRUN" worker >"$scratch/first" 2>&1 </dev/null &
	first=$!
	expect 0 "$AMIGRUN" start 0001_words
	await_that 20 waits
	kill -KILL $first
	wait $first
	"$1"
	"$AMIGRUN" worker >"$scratch/out" 2>&1 </dev/null &
	second=$!
	trap 'kill -KILL $second; cat "$scratch/out"' EXIT
	ask 'INSERT INTO gate VALUES (1)'
	await_that 20 is_now 0001_words completed
	is "the words" "$(words)" "$all_old"
	# What has not begun waits for its bundle, which is used as soon as it is there.
	expect 0 env AMIG_BUNDLE="$scratch/old.amb" "$AMIGRUN" start 0002_words
	if [ "$1" != is_moved_over ]; then
		sleep 1.5
		is "the status" "$(migration 0002_words status wanted)" "not_started|run"
		cp "$scratch/new.amb" "$AMIG_BUNDLE"
	fi
	await_that 20 is_now 0002_words completed
	is "the words" "$(words)" "$all_old,$all_new"
	kill -TERM $second
	wait $second
	is "how the worker ended" $? 0
	trap - EXIT
	[ "$(grep -c here.amb "$scratch/out")" -le 2 ] || die "it says it again and again: $(cat "$scratch/out")"
}
status_tells_of_it() {
	fresh
	expect 5 "$AMIGRUN" run 0001_words --operations 1
	case "$("$AMIGRUN" status)" in *"another version"*) die "it is the same" ;; esac
	is_moved_over
	has "the status" "$("$AMIGRUN" status)" "The deployed bundle has another version of it; the run goes on with"
	has "the status" "$("$AMIGRUN" status --json)" '"bundle_differs": true'
	ask 'INSERT INTO gate VALUES (1)'
	expect 0 "$AMIGRUN" run 0001_words
	is "the words" "$(words)" "$all_old"
}

deployed old old
deployed new new
for what in is_moved_over is_written_over is_emptied is_other_bytes is_removed; do
	check "end_to_end, deploys/a run whose bundle ${what//_/ }" a_run_ends_as_it_began $what
done
for what in is_moved_over is_emptied is_removed; do
	check "end_to_end, deploys/a worker takes a run over whose bundle ${what//_/ }" a_worker_goes_on_with_it $what
done
check "end_to_end, deploys/status tells that a run goes on with another version" status_tells_of_it
report_end
