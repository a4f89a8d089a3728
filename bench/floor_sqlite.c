/* floor_sqlite.c - the least that a durable operation costs on SQLite: COUNT times effect and state
 * in one commit
 *
 * Usage: floor_sqlite FILE COUNT. The file has a table `done` (number). WAL and synchronous=FULL,
 * as the state store has.
 */
#include "vm/base/attr.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static void must(sqlite3 *db, int got, int wanted)
{
	if (got == wanted)
		return;
	fprintf(stderr, "floor_sqlite: %s\n", sqlite3_errmsg(db));
	exit(1);
}

static sqlite3_stmt *prepared(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;

	must(db, sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL),
	     SQLITE_OK);
	return statement;
}

static void step(sqlite3 *db, sqlite3_stmt *statement)
{
	must(db, sqlite3_step(statement), SQLITE_DONE);
	must(db, sqlite3_reset(statement), SQLITE_OK);
}

int main(int argc, char **argv)
{
	sqlite3 *db;
	sqlite3_stmt *begin, *effect, *state, *commit;
	int count = argc == 3 ? atoi(argv[2]) : 0;

	if (count <= 0) {
		fputs("usage: floor_sqlite FILE COUNT\n", stderr);
		return 2;
	}
	must(NULL, sqlite3_open(argv[1], &db), SQLITE_OK);
	must(db,
	     sqlite3_exec(db,
			  "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
			  "CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY, at INTEGER);"
			  "INSERT OR REPLACE INTO state VALUES (1, 0);",
			  NULL, NULL, NULL),
	     SQLITE_OK);
	begin = prepared(db, "BEGIN IMMEDIATE");
	effect = prepared(db, "INSERT INTO done (number) VALUES (?)");
	state = prepared(db, "UPDATE state SET at = ? WHERE id = 1");
	commit = prepared(db, "COMMIT");
	for (int i = 0; i < count; i++) {
		step(db, begin);
		sqlite3_bind_int(effect, 1, i);
		step(db, effect);
		sqlite3_bind_int(state, 1, i + 1);
		step(db, state);
		step(db, commit);
	}
	sqlite3_finalize(begin);
	sqlite3_finalize(effect);
	sqlite3_finalize(state);
	sqlite3_finalize(commit);
	return sqlite3_close(db) == SQLITE_OK ? 0 : 1;
}
