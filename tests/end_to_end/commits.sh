#!/bin/bash
# commits.sh - on a PostgreSQL whose commits are not waited for (synchronous_commit = off), effects' are, however they are made
set -u
. "$(dirname "$0")/../support/case.sh"
. "$case_root/tests/support/rows.sh"
. "$case_root/tests/support/pgbouncer.sh"

export AMIG_STATE=sqlite:$scratch/state.db
note="INSERT INTO seen SELECT \${what}, current_setting('synchronous_commit')"
cat >"$scratch/0001_every_way.amig" <<E
migration "0001_every_way" {
  needs db: postgres

  operation "statement" on db {
    forward {
      let what = "statement"
      exec sql"$note"
    }
    rollback nothing
  }
  operation "transaction" on db {
    forward {
      let what = "transaction"
      transaction {
        exec sql"$note"
        exec sql"UPDATE seen SET what = what || ' twice' WHERE what = 'transaction'"
      }
    }
    rollback nothing
  }
  operation "copy" on db {
    forward {
      copy db sql"SELECT 'copy' AS what" into db ident("noted") columns (what)
    }
    rollback nothing
  }
  operation "windows" on db {
    forward {
      for w in batches of ident("t") by id size 5 parallel 2 {
        let what = "windows"
        exec sql"$note FROM t WHERE \${w.where} LIMIT 1"
      }
    }
    rollback nothing
  }
}
E
cat >"$scratch/0002_outside.amig" <<E
migration "0002_outside" {
  needs db: postgres
  operation "outside" on db {
    idempotent
    no transaction
    forward {
      let what = "outside"
      exec sql"$note"
    }
    rollback nothing
  }
}
E
# refused NAME SETTINGS SQL
refused() {
	cat >"$scratch/$1.amig" <<-E
		migration "$1" {
		  needs db: postgres
		  operation "it" on db {
		    $2
		    forward  sql"$3"
		    rollback nothing
		  }
		}
	E
}
more="INSERT INTO seen SELECT 'more', current_setting('synchronous_commit')"
refused 0003_more 'settings { synchronous_commit: "on" }' "$more"
refused 0004_less 'settings { synchronous_commit: "OFF" }' "$more"
refused 0005_says '' "SET LOCAL synchronous_commit = off; $more"

fresh_database() {
	rm -f "$scratch"/state.db*
	psql -Xq "$AMIG_TEST_POSTGRES" -c 'DROP DATABASE IF EXISTS amig_commits WITH (FORCE)' 2>/dev/null
	direct=$(new_postgres amig_commits)
	postgres "$direct" "ALTER DATABASE amig_commits SET synchronous_commit = off"
	postgres "$direct" "CREATE TABLE seen (what text, how text); CREATE TABLE noted (what text);
		CREATE TABLE t AS SELECT n AS id FROM generate_series(1, 10) AS n; ALTER TABLE t ADD PRIMARY KEY (id);
		CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
		'BEGIN INSERT INTO seen VALUES (new.what, current_setting(''synchronous_commit'')); RETURN new; END';
		CREATE TRIGGER notes BEFORE INSERT ON noted FOR EACH ROW EXECUTE FUNCTION note()"
	export AMIG_DB_URL=$direct
	[ "$1" = direct ] || AMIG_DB_URL=$(pooled amig_commits)
}
seen() { postgres "$direct" "SELECT what, how, count(*) FROM seen GROUP BY 1, 2 ORDER BY 1" | paste -sd ' '; }
every_way_is_durable() {
	fresh_database "$1"
	expect 0 "$AMIGRUN" run 0001_every_way
	is "how it was committed" "$(seen)" \
		"copy|local|1 statement|local|1 transaction twice|local|1 windows|local|2"
}
also_outside_of_transactions() {
	fresh_database direct
	expect 0 "$AMIGRUN" run 0002_outside
	is "how it was committed" "$(seen)" "outside|local|1"
}
a_pooler_cannot_see_to_it() {
	fresh_database pooled
	expect 1 "$AMIGRUN" run 0002_outside
	has "the error" "$output" "synchronous_commit is off for the role or the database"
	is "what was done" "$(seen)" ""
}
an_author_may_say_more_only() {
	fresh_database direct
	expect 0 "$AMIGRUN" run 0003_more
	is "how it was committed" "$(seen)" "more|on|1"
	expect 1 "$AMIGRUN" run 0004_less
	has "the error" "$output" "synchronous_commit is not below local"
	expect 1 "$AMIGRUN" run 0005_says
	has "the error" "$output" "SET LOCAL synchronous_commit is not for a migration to say"
	is "what was done" "$(seen)" "more|on|1"
}

build commits "$scratch"/*.amig
name="end_to_end, commits"
trap 'pgbouncer_end; rm -rf "$scratch"' EXIT
pgbouncer_start >"$scratch/start.log" 2>&1 || { failed "$name/start of PgBouncer" "$scratch/start.log"; exit 1; }
check "$name/every way is durable" every_way_is_durable direct
check "$name/every way is durable behind PgBouncer" every_way_is_durable pooled
check "$name/also outside of transactions" also_outside_of_transactions
check "$name/outside of transactions a pooler cannot see to it" a_pooler_cannot_see_to_it
check "$name/an author may say more only" an_author_may_say_more_only
report_end
