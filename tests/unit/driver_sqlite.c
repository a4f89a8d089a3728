/* driver_sqlite.c - SQLite sessions */
#include "vm/driver/sqlite.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct fixture {
	char folder[64], path[128];
	struct sqlite s;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error err = {0};
	strcpy(f->folder, "/tmp/amig-driver.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/a.db", f->folder);
	assert_int_equal(sqlite_open(&f->s, f->path, &err), OUTCOME_OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];
	sqlite_close(&f->s);
	snprintf(command, sizeof(command), "rm -rf %s", f->folder);
	if (system(command) != 0)
		fail_msg("%s", command);
	free(f);
	return 0;
}

static int64_t ask(struct sqlite *s, const char *sql)
{
	sqlite3_stmt *statement;
	assert_int_equal(sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return n;
}

static void a_session_is_durable_and_keeps_foreign_keys(void **state)
{
	struct sqlite *s = &((struct fixture *)*state)->s;
	assert_int_equal(ask(s, "PRAGMA synchronous"), 2);
	assert_int_equal(ask(s, "PRAGMA foreign_keys"), 1);
	assert_int_equal(ask(s, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
}

static void a_kept_statement_is_prepared_once_and_comes_clean(void **state)
{
	struct sqlite *s = &((struct fixture *)*state)->s;
	static const char sql[] = "SELECT ?1 IS NULL";
	struct error err = {0};
	sqlite3_stmt *first, *second;
	assert_int_equal(sqlite_prepare_kept(s, sql, &first, &err), OUTCOME_OK);
	assert_int_equal(sqlite3_bind_int(first, 1, 5), SQLITE_OK);
	assert_int_equal(sqlite3_step(first), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(first, 0), 0);
	assert_int_equal(sqlite_prepare_kept(s, sql, &second, &err), OUTCOME_OK);
	assert_ptr_equal(first, second);
	assert_int_equal(sqlite3_step(second), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(second, 0), 1);
	sqlite3_reset(second);
	assert_int_equal(sqlite_prepare_kept(s, "SELECT nope", &first, &err), OUTCOME_FAILED);
	error_clear(&err);
}

static void an_interrupted_write_ends_the_whole_transaction(void **state)
{
	struct sqlite *s = &((struct fixture *)*state)->s;
	struct error err = {0};
	assert_int_equal(sqlite3_exec(s->db,
				      "CREATE TABLE t(a); BEGIN IMMEDIATE; INSERT INTO t "
				      "VALUES (1)", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_true(sqlite_in_transaction(s));
	sqlite_watch(s, NULL, 100);
	int rc = sqlite3_exec(s->db,
			      "INSERT INTO t WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + "
			      "1 FROM r) SELECT n FROM r",
			      NULL, NULL, NULL);
	assert_int_equal(rc, SQLITE_INTERRUPT);
	assert_int_equal(sqlite_fail(s, &err), OUTCOME_FAILED);
	assert_non_null(strstr(err.message, "timeout"));
	sqlite_unwatch(s);
	assert_false(sqlite_in_transaction(s));
	assert_int_equal(ask(s, "SELECT count(*) FROM t"), 0);
	error_clear(&err);
}

static void the_same_file_is_known_under_other_names(void **state)
{
	struct fixture *f = *state;
	char other[160];
	snprintf(other, sizeof(other), "%s/link.db", f->folder);
	assert_int_equal(symlink(f->path, other), 0);
	assert_true(sqlite_same_file(f->path, other));
	assert_false(sqlite_same_file(f->path, "/nowhere"));
	assert_false(sqlite_same_file(f->path, f->folder));
}

static void a_nul_in_the_text_is_refused_not_cut_at(void **state)
{
	struct sqlite *s = &((struct fixture *)*state)->s;
	struct error err = {0};
	struct str sql = STR("CREATE TABLE t(a); \0 DROP TABLE t"), rest = sql;
	sqlite3_stmt *statement;
	assert_int_equal(sqlite_next(s, sql, &rest, &statement, &err), OUTCOME_FAILED);
	assert_null(statement);
	assert_non_null(strstr(err.message, "U+0000"));
	error_clear(&err);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_session_is_durable_and_keeps_foreign_keys),
		TEST(a_kept_statement_is_prepared_once_and_comes_clean),
		TEST(an_interrupted_write_ends_the_whole_transaction),
		TEST(the_same_file_is_known_under_other_names),
		TEST(a_nul_in_the_text_is_refused_not_cut_at),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
