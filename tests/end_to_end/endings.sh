#!/bin/bash
# endings.sh - `finally`, `on complete` and `on error`: when they come, what their failures change and
# what they do not, and how a run goes on in them
set -u
. "$(dirname "$0")/../support/case.sh"

start_hook

# migration_of NAME KIND REST: two operations that go by what is in table `wish`.
migration_of() {
	cat >"$scratch/$1.amig" <<-E
		migration "$1" {
		  needs db: $2
		  $3
		  operation "one" on db {
		    forward  sql"INSERT INTO t VALUES (1)"
		    rollback sql"INSERT INTO t VALUES (-1)"
		  }
		  operation "two" on db {
		    forward {
		      exec sql"INSERT INTO t VALUES (2)"
		      require not db.exists(sql"SELECT 1 FROM wish WHERE x = 'fail'") else "two failed"
		    }
		    rollback {
		      exec sql"INSERT INTO t VALUES (-2)"
		      require not db.exists(sql"SELECT 1 FROM wish WHERE x = 'fail back'") else "two failed back"
		    }
		  }
		}
	E
}
at_end='finally {
		    db.exec(sql"INSERT INTO t VALUES (8)")
		    require not db.exists(sql"SELECT 1 FROM wish WHERE x = '"'fail at last'"'") else "no end"
		    db.exec(sql"INSERT INTO t VALUES (9)")
		  }'
notices="on complete { http post \"$hook/complete\" }
		  on error { http post \"$hook/error\" }"
for kind in sqlite postgres; do
	migration_of 0001_ends_$kind $kind "$at_end"
	migration_of 0002_tells_$kind $kind "$at_end
		  $notices"
done
migration_of 0003_checked sqlite "$at_end
		  postcheck \"eight is not there\" {
		    db.exists(sql\"SELECT 1 FROM wish WHERE x = 'slow'\")
		    require not db.exists(sql\"SELECT 1 FROM t WHERE x = 8\") else \"there is an eight\"
		  }"
sed -i 's/db.exists(sql.*slow.*$/log "checked"/' "$scratch/0003_checked.amig"

fresh() {
	rm -f "$scratch"/*.db*
	export AMIG_DB_URL AMIG_STATE AMIG_ALLOW_LOCAL=127.0.0.1:$port
	case $kind in
	postgres) AMIG_DB_URL=$(new_postgres endings) AMIG_STATE=$AMIG_DB_URL ;;
	sqlite) AMIG_DB_URL=$scratch/target.db AMIG_STATE=sqlite:$AMIG_DB_URL ;;
	esac
	[ $place = beside ] || AMIG_STATE=sqlite:$scratch/state.db
	target 'CREATE TABLE t (x int); CREATE TABLE wish (x text)'
	echo 204 >"$scratch/answers"
	: >"$scratch/log"
}
target() { ask_kind "$kind" "$AMIG_DB_URL" "$1"; }
wish() { target "INSERT INTO wish VALUES ('$1')"; }
granted() { target 'DELETE FROM wish'; }
rows() { target 'SELECT x FROM t' | paste -sd ' '; }
row() { migration "$1" status current_operation_index progress; }
endings() { state "SELECT label, status FROM @operation WHERE operation_index > 1 ORDER BY operation_index" | paste -sd ' '; }
requests() { cut -d'|' -f2 "$scratch/log" | paste -sd ' '; }

comes_when_it_is_completed() {
	fresh
	expect 0 "$AMIGRUN" plan 0001_ends_$kind
	has "the plan" "$output" "2. finally" "INSERT INTO t VALUES (9)"
	expect 0 "$AMIGRUN" run 0001_ends_$kind
	is "the rows" "$(rows)" "1 2 8 9"
	is "the row" "$(row 0001_ends_$kind)" "completed|2|100"
	is "the end" "$(endings)" "finally|done"
	expect 0 "$AMIGRUN" run 0001_ends_$kind
	is "the rows" "$(rows)" "1 2 8 9"
	# What is undone ends once more.
	expect 0 "$AMIGRUN" rollback 0001_ends_$kind --yes
	is "the rows" "$(rows)" "1 2 8 9 -2 -1 8 9"
	is "the row" "$(row 0001_ends_$kind)" "rolled_back|0|0"
}
comes_when_it_is_rolled_back() {
	fresh
	wish fail
	expect 1 "$AMIGRUN" run 0001_ends_$kind
	has "the message" "$output" "two failed"
	is "the rows" "$(rows)" "1 2 -2 -1 8 9"
	is "the row" "$(row 0001_ends_$kind)" "rolled_back|0|0"
}
waits_while_the_run_can_be_resumed() {
	fresh
	wish fail
	expect 1 "$AMIGRUN" run 0001_ends_$kind --no-auto-rollback
	is "the rows" "$(rows)" "1 2"
	granted
	expect 0 "$AMIGRUN" resume 0001_ends_$kind
	is "the rows" "$(rows)" "1 2 8 9"
}
fails_and_is_gone_on_with() {
	fresh
	wish "fail at last"
	expect 1 "$AMIGRUN" run 0001_ends_$kind
	has "the message" "$output" '`finally` failed: no end'
	is "the row" "$(row 0001_ends_$kind)" "errored|2|100"
	is "the rows" "$(rows)" "1 2 8"
	granted
	expect 0 "$AMIGRUN" resume 0001_ends_$kind
	is "the rows" "$(rows)" "1 2 8 9"
	is "the row" "$(row 0001_ends_$kind)" "completed|2|100"
}
hides_no_failure_before_it() {
	fresh
	wish fail
	wish "fail at last"
	expect 1 "$AMIGRUN" run 0001_ends_$kind
	has "the message" "$output" "two failed" '`finally` failed: no end'
	is "the row" "$(migration 0001_ends_$kind status)" errored
	is "the rows" "$(rows)" "1 2 -2 -1 8"
	is "the errors" "$(state "SELECT count(*) FROM @error")" 2
	granted
	expect 0 "$AMIGRUN" rollback 0001_ends_$kind --yes
	is "the rows" "$(rows)" "1 2 -2 -1 8 9"
	is "the row" "$(row 0001_ends_$kind)" "rolled_back|0|0"
}
is_undone_with_what_it_ends() {
	fresh
	wish "fail at last"
	expect 1 "$AMIGRUN" run 0001_ends_$kind
	granted
	expect 0 "$AMIGRUN" rollback 0001_ends_$kind --yes
	is "the rows" "$(rows)" "1 2 8 -2 -1 8 9"
}
comes_behind_the_postchecks() {
	fresh
	expect 0 "$AMIGRUN" run 0003_checked
	is "the rows" "$(rows)" "1 2 8 9"
	fresh
	target 'INSERT INTO t VALUES (8)'
	expect 1 "$AMIGRUN" run 0003_checked
	is "the rows" "$(rows)" "8 1 2 -2 -1 8 9"
	# They are not asked again where a run goes on in its end.
	fresh
	wish "fail at last"
	expect 1 "$AMIGRUN" run 0003_checked
	granted
	expect 0 "$AMIGRUN" resume 0003_checked
	is "the rows" "$(rows)" "1 2 8 9"
}

tells_of_the_completion() {
	fresh
	expect 0 "$AMIGRUN" run 0002_tells_$kind
	is "the requests" "$(requests)" /complete
	is "the ends" "$(endings)" "finally|done on complete|done on error|pending"
	is "the effects" "$(state "SELECT count(*) FROM @effect")" 4
}
tells_of_each_error() {
	fresh
	wish fail
	expect 1 "$AMIGRUN" run 0002_tells_$kind --no-auto-rollback
	expect 1 "$AMIGRUN" resume 0002_tells_$kind --no-auto-rollback
	is "the requests" "$(requests)" "/error /error"
	is "the keys" "$(cut -d'|' -f3 "$scratch/log" | sed 's/.*://' | paste -sd ' ')" "1.1 2.1"
	granted
	expect 0 "$AMIGRUN" resume 0002_tells_$kind
	is "the requests" "$(requests)" "/error /error /complete"
	fresh
	wish fail
	wish "fail back"
	expect 1 "$AMIGRUN" run 0002_tells_$kind
	is "the requests" "$(requests)" "/error /error"
	is "the rows" "$(rows)" "1 2 -2"
}
tells_before_it_is_undone() {
	fresh
	wish fail
	expect 1 "$AMIGRUN" run 0002_tells_$kind
	is "the requests" "$(requests)" /error
	is "the rows" "$(rows)" "1 2 -2 -1 8 9"
	is "the row" "$(row 0002_tells_$kind)" "rolled_back|0|0"
}
changes_nothing_when_it_fails() {
	fresh
	echo 400 >"$scratch/answers"
	expect 0 "$AMIGRUN" run 0002_tells_$kind
	has "what run says" "$output" "could not tell of it: on complete: POST $hook/complete was answered with 400"
	is "the row" "$(row 0002_tells_$kind)" "completed|2|100"
	is "the ends" "$(endings)" "finally|done on complete|failed on error|pending"
	is "the events" "$(state "SELECT count(*) FROM @event WHERE kind = 'notice_failed'")" 1
	fresh
	echo 400 >"$scratch/answers"
	wish fail
	expect 1 "$AMIGRUN" run 0002_tells_$kind
	has "the message" "$output" "two failed"
	is "the row" "$(row 0002_tells_$kind)" "rolled_back|0|0"
}
is_told_by_who_goes_on() {
	fresh
	wish fail
	printf '204 after 30\n204\n' >"$scratch/answers"
	"$AMIGRUN" run 0002_tells_$kind >"$scratch/out" 2>&1 </dev/null &
	local runner=$!
	await_that 20 [ -s "$scratch/log" ]
	kill -KILL $runner
	wait $runner
	expect 1 "$AMIGRUN" resume 0002_tells_$kind
	has "the message" "$output" "two failed"
	is "the requests" "$(requests)" "/error /error"
	is "the number of keys" "$(cut -d'|' -f3 "$scratch/log" | sort -u | wc -l)" 1
	is "the rows" "$(rows)" "1 2 -2 -1 8 9"
	is "the errors" "$(state "SELECT count(*) FROM @error")" 1
}

build endings "$scratch"/*.amig
for combination in 'sqlite apart' 'postgres beside'; do
	read -r kind place <<<"$combination"
	where="endings, $kind, state $place"
	check "$where: finally comes when the run is completed" comes_when_it_is_completed
	check "$where: finally comes when it is rolled back" comes_when_it_is_rolled_back
	check "$where: finally waits while it can be resumed" waits_while_the_run_can_be_resumed
	check "$where: finally fails and is gone on with" fails_and_is_gone_on_with
	check "$where: finally hides no failure before it" hides_no_failure_before_it
	check "$where: a failed finally can be undone" is_undone_with_what_it_ends
	check "$where: a completion is told" tells_of_the_completion
	check "$where: each error is told" tells_of_each_error
	check "$where: an error is told before it is undone" tells_before_it_is_undone
	check "$where: a notice that fails changes nothing" changes_nothing_when_it_fails
	check "$where: a notice that is owed is given by who goes on" is_told_by_who_goes_on
done
kind=sqlite place=apart
check "endings: finally comes behind the postchecks" comes_behind_the_postchecks
report_end
