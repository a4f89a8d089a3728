#!/bin/bash
# doubt.sh - what settles a doubt and what cannot: an operation of several effects, half of an
# effect, an effect that may have happened
set -u
. "$(dirname "$0")/../support/case.sh"

export AMIG_STATE=sqlite:$scratch/state.db AMIG_DB_URL=$scratch/target.db

# operation_of NAME CLAUSE…: a migration of one operation.
operation_of() {
	{
		printf 'migration "%s" {\n  needs db: sqlite\n  operation "it" on db {\n    no transaction\n' "$1"
		shift
		printf '    %s\n' "$@"
		printf '  }\n}\n'
	} >"$scratch/$1.amig"
}
operation_of 0001_two_effects \
	'done when db.exists(sql"SELECT 1 FROM t WHERE x = 2")' \
	'forward { db.exec(sql"INSERT INTO t (x) VALUES (1)")
		   db.exec(sql"INSERT INTO t (x) VALUES (2)") }' \
	'rollback { db.exec(sql"DELETE FROM t WHERE x = 2")
		    db.exec(sql"DELETE FROM t WHERE x = 1") }'
operation_of 0002_one_effect \
	'done when db.exists(sql"SELECT 1 FROM t WHERE x = 1")' \
	'forward sql"INSERT INTO t (x) VALUES (1)"' \
	'rollback sql"DELETE FROM t WHERE x = 1"'
operation_of 0003_half \
	'in doubt undo' \
	'done when db.exists(sql"SELECT 1 FROM t WHERE x = 2")' \
	'forward sql"INSERT INTO t (x) VALUES (1); INSERT INTO t (x) SELECT 2 FROM gate"' \
	'rollback sql"DELETE FROM t; CREATE TABLE IF NOT EXISTS gate AS SELECT 1"'
operation_of 0004_irreversible \
	'idempotent' \
	'retry 0 backoff 1ms .. 2ms' \
	'forward sql"INSERT INTO t (x) VALUES (1); INSERT INTO gate (x) VALUES (1)"' \
	'irreversible "it is gone"'

operation_of 0005_never_completed \
	'done when db.exists(sql"SELECT 1 FROM sqlite_master WHERE name = '\''b'\''")' \
	'forward { db.exec(sql"CREATE TABLE a (x)")
		   db.exec(sql"CREATE TABLE b AS SELECT * FROM nowhere") }' \
	'rollback sql"DROP TABLE IF EXISTS a; DROP TABLE IF EXISTS b"'
operation_of 0006_away \
	'done when db.exists(sql"SELECT 1 FROM t WHERE x = 1")' \
	'forward sql"INSERT INTO t (x) VALUES (1)"' \
	'rollback sql"DELETE FROM t WHERE x = 1"'

fresh() {
	rm -f "$scratch"/*.db*
	sqlite3 "$AMIG_DB_URL" 'CREATE TABLE t (x)'
}
rows() { sqlite3 "$AMIG_DB_URL" 'SELECT group_concat(x) FROM t'; }
# dies FAULT COMMAND…
dies() {
	local fault=$1
	shift
	AMIG_FAULT=$fault expect 137 "$AMIGRUN" "$@"
}

says_nothing_of_one_effect_of_several() {
	fresh
	dies after_effect:1 run 0001_two_effects
	expect 6 "$AMIGRUN" resume 0001_two_effects
	has "the message" "$output" "effect 1 on db"
	is "the rows" "$(rows)" 1
	expect 0 "$AMIGRUN" rollback 0001_two_effects --yes
	is "the rows after the rollback" "$(rows)" ''
}
says_that_all_effects_have_happened() {
	fresh
	dies after_effect:2 run 0001_two_effects
	expect 0 "$AMIGRUN" resume 0001_two_effects
	is "the rows" "$(rows)" 1,2
}
says_nothing_of_one_of_several_undone() {
	fresh
	expect 0 "$AMIGRUN" run 0001_two_effects
	dies before_effect:2 rollback 0001_two_effects --yes
	expect 6 "$AMIGRUN" rollback 0001_two_effects --yes
	is "the rows" "$(rows)" 1
}
decides_for_an_only_effect() {
	local place
	for place in before_effect after_effect; do
		fresh
		dies $place:1 run 0002_one_effect
		expect 0 "$AMIGRUN" resume 0002_one_effect
		is "the rows" "$(rows)" 1
		dies $place:1 rollback 0002_one_effect --yes
		expect 0 "$AMIGRUN" rollback 0002_one_effect --yes
		is "the rows after the rollback" "$(rows)" ''
	done
}
# That `done when` does not hold says nothing of the undoing of what never was done.
what_was_never_completed_is_undone_all_the_same() {
	fresh
	dies before_effect:3 run 0005_never_completed
	expect 1 "$AMIGRUN" resume 0005_never_completed
	is "the table" "$(sqlite3 "$AMIG_DB_URL" "SELECT count(*) FROM sqlite_master WHERE name = 'a'")" 0
	is "the status" "$(migration 0005_never_completed status)" rolled_back
}
a_half_is_undone() {
	fresh
	expect 0 "$AMIGRUN" run 0003_half
	is "the rows" "$(rows)" 1,2
}
what_may_have_happened_is_irreversible() {
	fresh
	expect 1 "$AMIGRUN" run 0004_irreversible
	is "the status" "$(migration 0004_irreversible status)" errored
	has "the message" "$output" "it is gone"
}

build doubt "$scratch"/*.amig >"$scratch/build.log" || { failed "crash, doubt/build" "$scratch/build.log"; exit 1; }
is_asked_when_it_is_there_again() {
	fresh
	dies after_effect:1 run 0006_away
	AMIG_DB_URL=$scratch/away/target.db expect 4 "$AMIGRUN" resume 0006_away
	has "the message" "$output" "amigrun resume 0006_away"
	case "$output" in *"amigrun resolve"*) die "nobody need decide it" ;; esac
	expect 0 "$AMIGRUN" resume 0006_away
	is "the rows" "$(rows)" 1
	is "the effects" "$(state 'SELECT number, attempt, outcome FROM @effect')" "1|1|done"
}

check "crash, doubt/'done when' that does not hold says nothing of one effect of several" says_nothing_of_one_effect_of_several
check "crash, doubt/what was never completed is undone all the same" what_was_never_completed_is_undone_all_the_same
check "crash, doubt/'done when' that holds says that all effects have happened" says_that_all_effects_have_happened
check "crash, doubt/'done when' says nothing of one of several effects that are undone" says_nothing_of_one_of_several_undone
check "crash, doubt/'done when' decides for an only effect, forwards and backwards" decides_for_an_only_effect
check "crash, doubt/a half of what is not done is undone first" a_half_is_undone
check "crash, doubt/what may have happened stands against a rollback" what_may_have_happened_is_irreversible
check "crash, doubt/a target that is away is asked when it is there again" is_asked_when_it_is_there_again
report_end
