/*
 * store_fixture.h - a new store of each kind for each test, and a way behind its back
 *
 * PostgreSQL: a database of its own on the server of AMIG_TEST_POSTGRES
 * (tests/support/with-servers), made by the program and dropped at its end; SQLite: a file in a
 * temporary folder. BOTH(test) runs a test on both.
 */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "vm/driver/postgres.h"
#include "vm/driver/sqlite.h"
#include "vm/store/dialect.h"
#include "vm/store/store.h"

struct place {
	enum dialect dialect;
	char where[512]; /* for store_open() */
	char file[300]; /* SQLite's */
	struct store *s;
	struct arena arena;
};
static struct place places[DIALECT_COUNT];
static char scratch_folder[] = "/tmp/amig-store-XXXXXX";
static char database[64];

#define BOTH(test)                                                                             \
	{ #test " (postgres)", test, fixture_open, fixture_close, &places[DIALECT_POSTGRES] }, \
	{                                                                                      \
#test " (sqlite)", test, fixture_open, fixture_close, &places[DIALECT_SQLITE]  \
	}
#define ONLY(test, number)                                                \
	{                                                                 \
#test, test, fixture_open, fixture_close, &places[number] \
	}

/* Fails the test with the error's words if the call failed. */
#define must(call)                                                                             \
	do {                                                                                   \
		struct error err_ = { 0 };                                                     \
		struct error *err = &err_;                                                     \
		if ((call) != OUTCOME_OK)                                                      \
			fail_msg("%s: %s", #call, err_.message ? err_.message : "no message"); \
		error_clear(&err_);                                                            \
	} while (0)
/* Fails the test unless the call ends so, with these words in its message. */
#define must_refuse(outcome_, words_, call)                                                     \
	do {                                                                                    \
		struct error err_ = { 0 };                                                      \
		struct error *err = &err_;                                                      \
		enum outcome o_ = (call);                                                       \
		if (o_ != (outcome_) || err_.outcome != o_ || !err_.message ||                  \
		    !strstr(err_.message, (words_)))                                            \
			fail_msg("%s: outcome %d, '%s'; expected %d with '%s'", #call, (int)o_, \
				 err_.message ? err_.message : "no message", (int)(outcome_),   \
				 (words_));                                                     \
		error_clear(&err_);                                                             \
	} while (0)

static void admin(const char *url, const char *sql)
{
	PGconn *pg = PQconnectdb(url);
	PGresult *r = PQexec(pg, sql);
	ExecStatusType status = PQresultStatus(r);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(pg));
	PQclear(r);
	PQfinish(pg);
}

/* Several statements behind the store's back, in its dialect. */
UNUSED static void behind(const struct place *p, const char *text)
{
	struct buf sql = { 0 };
	dialect_format(&sql, p->dialect, text);
	if (p->dialect == DIALECT_POSTGRES) {
		admin(p->where, sql.ptr);
	} else {
		sqlite3 *db;
		char *why = NULL;
		assert_int_equal(sqlite3_open(p->file, &db), SQLITE_OK);
		sqlite3_busy_timeout(db, 10000);
		if (sqlite3_exec(db, sql.ptr, NULL, NULL, &why) != SQLITE_OK)
			fail_msg("%s: %s", sql.ptr, why);
		sqlite3_close(db);
	}
	buf_clear(&sql);
}

/* As a store was before the second step of schema.def. */
UNUSED static void back_to_version_1(const struct place *p)
{
	behind(p, "DROP TABLE @lock; DROP TABLE @run_blob; DROP TABLE @setting_kept;"
		  "ALTER TABLE @operation DROP COLUMN block;"
		  "ALTER TABLE @operation DROP COLUMN at_once;"
		  "ALTER TABLE @operation DROP COLUMN completion;"
		  "ALTER TABLE @migration DROP COLUMN instruction;"
		  "ALTER TABLE @operation DROP COLUMN approved_by;"
		  "ALTER TABLE @migration DROP COLUMN stop_now;"
		  "ALTER TABLE @migration DROP COLUMN stop_rollback;"
		  "ALTER TABLE @migration DROP COLUMN wanted; UPDATE @store SET version = 1");
}

/* One number behind the store's back. */
UNUSED static int64_t number_of(const struct place *p, const char *text)
{
	struct buf sql = { 0 };
	int64_t n = -1;
	dialect_format(&sql, p->dialect, text);
	if (p->dialect == DIALECT_POSTGRES) {
		PGconn *pg = PQconnectdb(p->where);
		PGresult *r = PQexec(pg, sql.ptr);
		if (PQresultStatus(r) != PGRES_TUPLES_OK)
			fail_msg("%s: %s", sql.ptr, PQerrorMessage(pg));
		assert_true(str_to_int(str_c(PQgetvalue(r, 0, 0)), &n));
		PQclear(r);
		PQfinish(pg);
	} else {
		sqlite3 *db;
		sqlite3_stmt *st;
		assert_int_equal(sqlite3_open(p->file, &db), SQLITE_OK);
		sqlite3_busy_timeout(db, 10000);
		assert_int_equal(sqlite3_prepare_v2(db, sql.ptr, -1, &st, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(st), SQLITE_ROW);
		n = sqlite3_column_int64(st, 0);
		sqlite3_finalize(st);
		sqlite3_close(db);
	}
	buf_clear(&sql);
	return n;
}

/* SQL of an effect inside the store's session. */
UNUSED static enum outcome effect(struct store *s, const char *sql, struct error *err)
{
	if (strcmp(store_kind(s), "postgres") == 0)
		return postgres_query(store_session(s), sql, NULL, NULL, err);
	struct sqlite *session = store_session(s);
	return sqlite3_exec(session->db, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? OUTCOME_OK
		       : sqlite_fail(session, err);
}

/* Nothing is there yet. */
static void wipe(const struct place *p)
{
	if (p->dialect == DIALECT_POSTGRES) {
		admin(p->where,
		      "SET client_min_messages = error; DROP SCHEMA IF EXISTS amig CASCADE; "
		      "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
		return;
	}
	static const char *const tails[] = { "", "-wal", "-shm" };
	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		char path[400];
		snprintf(path, sizeof(path), "%s%s", p->file, tails[i]);
		unlink(path);
	}
}

static int fixture_open(void **state)
{
	struct place *p = *state;
	wipe(p);
	must(store_open(&p->s, p->where, err));
	return 0;
}

static int fixture_close(void **state)
{
	struct place *p = *state;
	store_close(p->s);
	p->s = NULL;
	arena_clear(&p->arena);
	return 0;
}

/* Opens anew, as another process would. */
UNUSED static void reopen(struct place *p)
{
	store_close(p->s);
	p->s = NULL;
	must(store_open(&p->s, p->where, err));
}

static int fixture_begin(void **state)
{
	(void)state;
	const char *url = getenv("AMIG_TEST_POSTGRES");
	if (!url || !*url) {
		fprintf(stderr,
			"AMIG_TEST_POSTGRES is not set: run this by tests/support/with-servers\n");
		return -1;
	}
	if (!mkdtemp(scratch_folder))
		return -1;
	char sql[128];
	snprintf(database, sizeof(database), "amig_store_%d", (int)getpid());
	snprintf(sql, sizeof(sql), "CREATE DATABASE %s", database);
	admin(url, sql);
	/* scheme://authority/database?more */
	const char *authority = strstr(url, "://") + 3;
	const char *more = strchr(authority, '?');
	size_t len = strcspn(authority, "/?");
	struct place *p = &places[DIALECT_POSTGRES];
	p->dialect = DIALECT_POSTGRES;
	snprintf(p->where, sizeof(p->where), "%.*s/%s%s", (int)(authority - url + (ptrdiff_t)len),
		 url, database, more ? more : "");
	p = &places[DIALECT_SQLITE];
	p->dialect = DIALECT_SQLITE;
	snprintf(p->file, sizeof(p->file), "%s/state.db", scratch_folder);
	snprintf(p->where, sizeof(p->where), "sqlite:%s", p->file);
	return 0;
}

static int fixture_end(void **state)
{
	(void)state;
	char sql[128];
	snprintf(sql, sizeof(sql), "DROP DATABASE %s WITH (FORCE)", database);
	admin(getenv("AMIG_TEST_POSTGRES"), sql);
	wipe(&places[DIALECT_SQLITE]);
	rmdir(scratch_folder);
	return 0;
}

/* ---- a run to work on ---- */

#define NAME STR("0001_example")
#define FROM_ANY ((1u << STATUS_COUNT) - 1)
#define PLAN_COUNT 3
static const struct operation_row plan_of_three[PLAN_COUNT] = {
	{ .index = 0,
	  .label = { "first", 5 },
	  .operation = 4,
	  .options = { "\0o", 2 },
	  .captures = { "", 0 },
	  .connection = { "db", 2 },
	  .rows = -1 },
	{ .index = 1,
	  .label = { "sécond", 7 },
	  .operation = 5,
	  .options = { "", 0 },
	  .captures = { "\1\0\377", 3 },
	  .connection = { "", 0 },
	  .rows = -1 },
	{ .index = 2,
	  .label = { "third", 5 },
	  .operation = 5,
	  .options = { "", 0 },
	  .captures = { "x", 1 },
	  .connection = { "db", 2 },
	  .rows = -1 },
};
#define IMAGE STR("AMIGMOD\n\0 these are the bytes of a module")

/* Claims it as it stands now, as from the dead, if its status is one of `from` (1 << status). */
UNUSED static enum outcome claim(struct store *s, struct str name, unsigned from,
				 enum migration_status to, int max_running, const char *owner,
				 int64_t *epoch, struct error *err)
{
	struct arena arena = { 0 };
	struct migration_row row;
	bool found;
	enum outcome o = store_migration(s, name, &arena, &row, &found, err);
	if (o == OUTCOME_OK && (!found || !(from & 1u << row.status)))
		o = error_set(err, OUTCOME_NOT_NOW, "it has another status");
	if (o == OUTCOME_OK)
		o = store_claim_read(s, &row, to, max_running, owner, CLAIM_FROM_DEAD, epoch, err);
	arena_clear(&arena);
	return o;
}

/* Registered, claimed, started: at index 0 of the plan of three. */
UNUSED static struct step started(struct place *p)
{
	struct step step = { .migration = NAME };
	struct run_row run = {
		.migration = NAME,
		.app_version = STR("1.2.3"),
		.module_hash = hash_of(STR("identity")),
		.params = STR("\0params"),
		.frozens = STR("frozens"),
		.operation_count = PLAN_COUNT,
	};
	must(store_register(p->s, NAME, STR("An example"), STR("1.0.0"), STR("1.9.0"), err));
	must(claim(p->s, NAME, FROM_ANY, STATUS_STARTING, 1, "host:1", &step.epoch, err));
	must(store_start(p->s, &run, IMAGE, plan_of_three, step.epoch, err));
	step.run = run.id;
	return step;
}

UNUSED static struct migration_row row_of(struct place *p)
{
	struct migration_row row;
	bool found;
	must(store_migration(p->s, NAME, &p->arena, &row, &found, err));
	assert_true(found);
	return row;
}

#define assert_str(s, text)                                                  \
	do {                                                                 \
		struct str s_ = (s);                                         \
		if (!str_eq(s_, str_c(text)))                                \
			fail_msg("'%.*s' is not '%s'", STR_ARG(s_), (text)); \
	} while (0)

#endif
