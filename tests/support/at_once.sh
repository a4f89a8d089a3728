# at_once.sh - for tests of `parallel n { … }`: operations on a table `log`, how long each takes stands in `pace`
#
# fresh_log makes the tables and points AMIG_DB_URL there; ask SQL asks that database.
# shellcheck shell=bash

at_once_database=amig_$(basename "$0" .sh)

# in_parallel NAME N PARTS [CLAUSE…]: before and behind the block stands an operation.
in_parallel() {
	local name=$1 n=$2 parts=$3
	shift 3
	cat >"$scratch/$name.amig" <<-E
		migration "$name" {
		  needs db: postgres

		  operation "before" on db {
		    forward  sql"INSERT INTO log VALUES (0, 0)"
		    rollback sql"INSERT INTO undone (p) VALUES (0)"
		  }

		  parallel $n {
		    for p in [$parts] {
		      operation "part \${p}" on db {
		$(printf '        %s\n' "$@")
		        forward {
		          exec sql"""
		            INSERT INTO log SELECT \${p}, v FROM (
		              SELECT pg_sleep(s), 1 / late AS v FROM pace WHERE p = \${p} OFFSET 0) AS q
		          """
		          exec sql"INSERT INTO log SELECT \${p}, 12 / (SELECT divisor FROM pace WHERE p = \${p})"
		        }
		        rollback {
		          exec sql"INSERT INTO undone (p) VALUES (\${p})"
		          exec sql"DELETE FROM log WHERE p = \${p}"
		        }
		      }
		    }
		  }

		  operation "behind" on db {
		    forward  sql"INSERT INTO log VALUES (99, 0)"
		    rollback sql"INSERT INTO undone (p) VALUES (99)"
		  }
		}
	E
}
ask() { postgres "$AMIG_DB_URL" "$1"; }
# fresh_log [SECONDS]: of each part's first statement
fresh_log() {
	AMIG_DB_URL=$(new_postgres "$at_once_database")
	export AMIG_DB_URL
	ask "CREATE TABLE log (p int, step int); CREATE TABLE undone (p int, at serial);
		CREATE TABLE pace (p int PRIMARY KEY, s float, divisor int, late int);
		INSERT INTO pace SELECT n, ${1-0}, 6, 1 FROM generate_series(1, 20) AS n"
}
pace() { ask "UPDATE pace SET s = $2 WHERE p = $1"; }
# Each part's two rows.
logged() { ask 'SELECT count(*), count(DISTINCT p), sum(step) FROM log WHERE p BETWEEN 1 AND 98'; }
undone() { ask "SELECT string_agg(p::text, ' ' ORDER BY at) FROM undone"; }
open_effects() {
	state "SELECT count(*) FROM @effect e WHERE outcome IS NULL AND NOT EXISTS
		(SELECT 1 FROM @effect l WHERE l.run = e.run AND l.number = e.number AND l.attempt > e.attempt)"
}
