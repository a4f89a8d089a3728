#!/bin/bash
# resume.sh - what failed in the middle of an operation goes on there: no effect is lost, none is
# made twice
set -u
. "$(dirname "$0")/../support/case.sh"

export AMIG_DB_URL=$scratch/target.db
unset AMIG_ALLOW_ENV

# migration_of NAME: an operation of the forward block on standard input.
migration_of() {
	cat >"$scratch/$1.amig" <<-E
		migration "$1" {
		  needs db: sqlite
		  param wanted: [int] = []

		  operation "in two effects" on db {
		    forward {
		$(cat)
		    }
		    rollback nothing
		  }
		}
	E
}
migration_of 0001_rendering <<<'db.exec(sql"INSERT INTO t (x) VALUES (1)")
	db.exec(sql"INSERT INTO t (x) SELECT 2 WHERE 2 IN ${wanted}")'
migration_of 0002_env <<<'db.exec(sql"INSERT INTO t (x) VALUES (1)")
	let who = env("AMIG_TEST_WHO")
	db.exec(sql"INSERT INTO t (x) SELECT 2 WHERE ${who} IS NULL")'
migration_of 0003_deferred <<<'db.exec(sql"INSERT INTO t (x) VALUES (1)")
	db.exec(sql"INSERT INTO child (parent) VALUES (7)")'

one_database() { export AMIG_STATE=sqlite:$AMIG_DB_URL; }
two_databases() { export AMIG_STATE=sqlite:$scratch/state.db; }

fresh() {
	rm -f "$scratch"/*.db*
	sqlite3 "$AMIG_DB_URL" 'CREATE TABLE t (x); CREATE TABLE parent (id INTEGER PRIMARY KEY);
		CREATE TABLE child (parent REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)'
}
rows() { sqlite3 "$AMIG_DB_URL" 'SELECT group_concat(x) FROM t'; }

a_statement_that_cannot_be_written() {
	fresh
	expect 1 "$AMIGRUN" run 0001_rendering --no-auto-rollback
	has "the message" "$output" "empty list"
	is "the rows" "$(rows)" 1
	expect 1 "$AMIGRUN" resume 0001_rendering --no-auto-rollback
	is "the rows after going on" "$(rows)" 1
}
a_variable_that_may_not_be_read() {
	fresh
	expect 1 "$AMIGRUN" run 0002_env --no-auto-rollback
	has "the message" "$output" AMIG_TEST_WHO
	AMIG_ALLOW_ENV=AMIG_TEST_WHO expect 0 "$AMIGRUN" resume 0002_env
	is "the rows" "$(rows)" 1,2
}
a_commit_that_is_refused() {
	fresh
	expect 1 "$AMIGRUN" run 0003_deferred --no-auto-rollback
	has "the message" "$output" FOREIGN
	is "the rows" "$(rows)" 1
	sqlite3 "$AMIG_DB_URL" 'INSERT INTO parent VALUES (7)'
	expect 0 "$AMIGRUN" resume 0003_deferred
	is "the rows after going on" "$(rows)" 1
}

build resume "$scratch"/*.amig >"$scratch/build.log" || { failed "resume/build" "$scratch/build.log"; exit 1; }
for databases in one_database two_databases; do
	$databases
	check "resume, $databases/behind a statement that cannot be written" a_statement_that_cannot_be_written
	check "resume, $databases/behind a variable that may not be read" a_variable_that_may_not_be_read
	check "resume, $databases/behind a commit that is refused" a_commit_that_is_refused
done
report_end
