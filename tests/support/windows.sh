# windows.sh - for tests of `batches`: a table t of a thousand rows on each database, and a table
# seen that counts the rows of each window
#
# fresh KIND makes them and points AMIG_DB_URL there; ask SQL asks that database.
# shellcheck shell=bash

windows_database=amig_$(basename "$0" .sh)

# windows_of NAME KIND HEAD [CLAUSE]: each window counts its rows into `seen`.
windows_of() {
	cat >"$scratch/$1.amig" <<-E
		migration "$1" {
		  needs db: $2

		  operation "in windows" on db {
		    ${4-}
		    forward {
		      for w in batches of $3 {
		        exec sql"INSERT INTO seen SELECT count(*) FROM t WHERE \${w.where}"
		      }
		    }
		    rollback nothing
		  }
		}
	E
}
ask() {
	case "$AMIG_DB_URL" in
	postgresql:*) postgres "$AMIG_DB_URL" "$1" ;;
	http:*) clickhouse "$windows_database" "$1" | tr '\t' '|' ;;
	*) sqlite3 "$AMIG_DB_URL" "$1" ;;
	esac
}
# A thousand rows with gaps between their keys.
fresh() {
	rm -f "$scratch"/*.db*
	case $1 in
	postgres)
		AMIG_DB_URL=$(new_postgres "$windows_database")
		ask 'CREATE TABLE seen (n int)'
		ask 'CREATE TABLE t (id bigint PRIMARY KEY, part int NOT NULL, name text NOT NULL UNIQUE,
			at timestamptz UNIQUE, maybe int)'
		ask "INSERT INTO t SELECT n * 2, n % 10, 'name ' || md5(n::text), timestamptz '1969-12-31 23:50Z'
			+ n * interval '1 second', nullif(n, 500) FROM generate_series(1, 1000) AS n" ;;
	sqlite)
		AMIG_DB_URL=$scratch/target.db
		ask 'CREATE TABLE seen (n int)'
		ask 'CREATE TABLE t (id INTEGER PRIMARY KEY, part int NOT NULL, name text NOT NULL UNIQUE, maybe int)'
		ask "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000)
			INSERT INTO t SELECT n * 2, n % 10, 'name ' || hex(n), nullif(n, 500) FROM c" ;;
	clickhouse)
		AMIG_DB_URL=$(new_clickhouse "$windows_database")
		ask 'CREATE TABLE seen (n UInt64) ENGINE = MergeTree ORDER BY n'
		ask 'CREATE TABLE t (id UInt64, part Int32, name String, at DateTime, maybe Nullable(Int32))
			ENGINE = MergeTree ORDER BY id'
		ask "INSERT INTO t SELECT number * 2 + 2, number % 10, concat('name ', hex(number)),
			toDateTime(946684800 + number), number = 500 ? NULL : toInt32(number) FROM system.numbers LIMIT 1000" ;;
	esac
	export AMIG_DB_URL
}
seen() { ask 'SELECT count(*), sum(n), max(n) FROM seen'; }

# at_once NAME KIND HEAD BODY [CLAUSE…]
at_once() {
	local name=$1 kind=$2 head=$3 body=$4
	shift 4
	cat >"$scratch/$name.amig" <<-E
		migration "$name" {
		  needs db: $kind

		  operation "in windows" on db {
		$(printf '    %s\n' "$@")
		    forward {
		      for w in batches of $head {
		$body
		      }
		      exec sql"INSERT INTO seen VALUES (0)"
		    }
		    rollback sql"DELETE FROM seen"
		  }
		}
	E
}
effect() { printf '        exec sql"""\n          %s\n        """\n' "$1"; }
