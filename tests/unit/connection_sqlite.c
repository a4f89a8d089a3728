/* connection_sqlite.c - connections of kind sqlite against real files */
#include "tests/unit/connection_test.h"
#include "vm/connection/sqlite_kind.h"

struct fixture {
	char folder[64];
	char path[128];
	struct connection c;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error err = {0};
	strcpy(f->folder, "/tmp/amig-sqlite.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/a.db", f->folder);
	assert_int_equal(connection_open(&f->c, "main", &sqlite_kind, f->path, NULL, &err),
			 OUTCOME_OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];
	connection_close(&f->c);
	snprintf(command, sizeof(command), "rm -rf %s", f->folder);
	if (system(command) != 0)
		fail_msg("%s", command);
	free(f);
	return 0;
}

static void columns_get_the_type_that_all_their_cells_have(void **state)
{
	struct connection *c = &((struct fixture *)*state)->c;
	expect_cell(c, "SELECT 1", CELL_INT, "1");
	expect_cell(c, "SELECT -9223372036854775808", CELL_INT, "-9223372036854775808");
	expect_cell(c, "SELECT 0.1", CELL_FLOAT, "0.1");
	expect_cell(c, "SELECT 1e300*10", CELL_FLOAT, "1e+301");
	expect_cell(c, "SELECT 'a'", CELL_STRING, "a");
	expect_cell(c, "SELECT NULL", CELL_STRING, NULL);
	expect_cell(c, "SELECT x'4100'", CELL_BYTES, "A");
	must_exec(c, "CREATE TABLE t(b BOOLEAN, d DATETIME); INSERT INTO t VALUES (1, '2026-11-22 "
		     "08:00:00')");
	expect_cell(c, "SELECT b FROM t", CELL_BOOL, "true");
	expect_cell(c, "SELECT d FROM t", CELL_TIMESTAMP, "2026-11-22T08:00:00.000000Z");
	must_exec(c, "UPDATE t SET b = 2, d = 'never'");
	expect_cell(c, "SELECT b FROM t", CELL_INT, "2");
	expect_cell(c, "SELECT d FROM t", CELL_STRING, "never");
}

static void what_is_quoted_comes_back_byte_for_byte(void **state)
{
	expect_quoting_to_round_trip(&((struct fixture *)*state)->c);
}

static void literals_are_what_the_database_reads_back(void **state)
{
	struct connection *c = &((struct fixture *)*state)->c;
	static const struct {
		enum cell_type type;
		const char *text;
		enum cell_type back;
		const char *read;
	} rows[] = {
		{ CELL_BOOL, "true", CELL_INT, "1" },
		{ CELL_BOOL, "false", CELL_INT, "0" },
		{ CELL_INT, "-5", CELL_INT, "-5" },
		{ CELL_INT, "-9223372036854775808", CELL_INT, "-9223372036854775808" },
		{ CELL_FLOAT, "3", CELL_FLOAT, "3" },
		{ CELL_FLOAT, "-1.5e10", CELL_FLOAT, "-15000000000" },
		{ CELL_FLOAT, "inf", CELL_FLOAT, "inf" },
		{ CELL_FLOAT, "-inf", CELL_FLOAT, "-inf" },
		{ CELL_FLOAT, "nan", CELL_STRING, NULL },
		{ CELL_TIMESTAMP, "2026-11-22T08:00:00.000000Z", CELL_STRING,
		  "2026-11-22 08:00:00" },
		{ CELL_TIMESTAMP, "2026-11-22T08:00:00.250000Z", CELL_STRING,
		  "2026-11-22 08:00:00.25" },
		{ CELL_STRING, NULL, CELL_STRING, NULL },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf sql = {0};
		buf_text(&sql, "SELECT ");
		c->kind->quote_literal(&sql, rows[i].type, str_c(rows[i].text));
		expect_cell(c, sql.ptr, rows[i].back, rows[i].read);
		buf_clear(&sql);
	}
	struct buf sql = {0};
	buf_text(&sql, "SELECT length(CAST(");
	c->kind->quote_literal(&sql, CELL_STRING, STR("a\0b"));
	buf_text(&sql, " AS BLOB))");
	expect_cell(c, sql.ptr, CELL_INT, "3");
	buf_clear(&sql);
}

static void several_statements_are_one_transaction(void **state)
{
	struct connection *c = &((struct fixture *)*state)->c;
	assert_int_equal(must_exec(c, "CREATE TABLE t(a INTEGER PRIMARY KEY); INSERT INTO t VALUES "
				      "(1), (2)"),
			 2);
	expect_failure(c, false, "INSERT INTO t VALUES (3); INSERT INTO t VALUES (1)",
		       "SQLITE_CONSTRAINT", "t.a");
	expect_cell(c, "SELECT count(*) FROM t", CELL_INT, "2");
	assert_int_equal(must_exec(c, "DELETE FROM t WHERE a > 5"), 0);
	assert_int_equal(must_exec(c, "WITH x AS (SELECT 7 AS v) INSERT INTO t SELECT v FROM x"),
			 1);
	assert_int_equal(must_exec(c, "INSERT INTO t VALUES (8); CREATE INDEX j ON t(a);"), 1);
	assert_int_equal(must_exec(c, "-- note\n/* note */ DELETE FROM t WHERE a = 8"), 1);
	assert_int_equal(must_exec(c, "CREATE INDEX i ON t(a)"), -1);
	must_exec(c, "VACUUM");
}

static void a_transaction_of_several_is_there_whole_or_not_at_all(void **state)
{
	struct fixture *f = *state;
	struct connection other = must_open(&sqlite_kind, f->path);
	must_exec(&f->c, "CREATE TABLE t (x int)");
	expect_several_to_be_one(&f->c, &other);
	connection_close(&other);
}

static void a_query_changes_nothing(void **state)
{
	struct connection *c = &((struct fixture *)*state)->c;
	must_exec(c, "CREATE TABLE t(a)");
	expect_failure(c, true, "INSERT INTO t VALUES (1)", "SQLITE_READONLY", "must not change");
	expect_failure(c, true, "SELECT 1; DELETE FROM t", "SQLITE_READONLY", "must not change");
	expect_failure(c, true, "INSERT INTO t VALUES (1) RETURNING a", "SQLITE_READONLY",
		       "must not change");
	expect_failure(c, true, "PRAGMA foreign_keys=OFF", "SQLITE_READONLY", "must not change");
	expect_failure(c, true, "BEGIN", "", "not for a migration");
	expect_failure(c, true, " -- nothing", "", "no statement");
	expect_cell(c, "PRAGMA foreign_keys", CELL_INT, "1");
	expect_cell(c, "SELECT count(*) FROM pragma_table_info('t')", CELL_INT, "1");
}

static void errors_tell_code_and_position(void **state)
{
	struct connection *c = &((struct fixture *)*state)->c;
	struct statement s = say("CREATE TABLE é(a); SELECT nope FROM é");
	struct error err = {0};
	int64_t affected;
	assert_int_equal(c->kind->exec(c, &s, NULL, &affected, &err), OUTCOME_FAILED);
	assert_string_equal(err.code, "SQLITE_ERROR");
	assert_int_equal(err.position, 27);
	assert_int_equal(err.class, ERROR_PERMANENT);
	error_clear(&err);
	expect_failure(c, false, "ATTACH 'x.db' AS x", "", "not for a migration");
	expect_failure(c, false, "COMMIT", "", "not for a migration");
	struct connection_setting setting = { STR("max_threads"), STR("1") };
	s = say("SELECT 1");
	s.settings = &setting;
	s.setting_count = 1;
	assert_int_equal(c->kind->exec(c, &s, NULL, &affected, &err), OUTCOME_FAILED);
	assert_non_null(strstr(err.message, "max_threads"));
	error_clear(&err);
}

static void foreign_keys_hold_at_every_commit(void **state)
{
	struct connection *c = &((struct fixture *)*state)->c;
	must_exec(c, "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE k(p REFERENCES p(id));"
		     "INSERT INTO p VALUES (1); INSERT INTO k VALUES (1)");
	expect_failure(c, false, "INSERT INTO k VALUES (2)", "SQLITE_CONSTRAINT", "FOREIGN KEY");
	struct statement s = say("PRAGMA foreign_keys=OFF; DROP TABLE p; CREATE TABLE p(id INTEGER "
				 "PRIMARY KEY)");
	struct error err = {0};
	int64_t affected;
	assert_false(c->kind->transactional(s.sql));
	s.no_transaction = true;
	assert_int_equal(c->kind->exec(c, &s, NULL, &affected, &err), OUTCOME_FAILED);
	assert_non_null(strstr(err.message, "row 1 of k points to a row of p"));
	error_clear(&err);
	must_exec(c, "PRAGMA foreign_keys=OFF; CREATE TABLE n(id INTEGER PRIMARY KEY, x); INSERT "
		     "INTO n(id) SELECT id FROM p;"
		     "DROP TABLE p; ALTER TABLE n RENAME TO p");
	expect_cell(c, "SELECT count(*) FROM k", CELL_INT, "1");
	expect_cell(c, "PRAGMA foreign_keys", CELL_INT, "1");
}

static void what_failed_behind_a_part_that_is_done_is_in_doubt(void **state)
{
	struct connection *c = &((struct fixture *)*state)->c;
	static const struct {
		const char *sql;
		enum error_class class;
	} rows[] = {
		{ "INSERT INTO t VALUES (1); INSERT INTO nowhere VALUES (1)", ERROR_UNKNOWN },
		{ "INSERT INTO nowhere VALUES (1); INSERT INTO t VALUES (1)", ERROR_PERMANENT },
	};
	must_exec(c, "CREATE TABLE t(a)");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct statement s = say(rows[i].sql);
		struct error err = { 0 };
		int64_t affected;
		s.no_transaction = true;
		assert_int_equal(c->kind->exec(c, &s, NULL, &affected, &err), OUTCOME_FAILED);
		assert_int_equal(err.class, rows[i].class);
		error_clear(&err);
	}
	expect_cell(c, "SELECT count(*) FROM t", CELL_INT, "1");
}

static const char endless[] = "INSERT INTO t WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + "
			      "1 FROM r) SELECT n FROM r";

static void a_wish_to_cancel_and_a_timeout_interrupt(void **state)
{
	struct connection *c = &((struct fixture *)*state)->c;
	int asked = 0;
	struct watch watch = { cancel_soon, &asked };
	struct statement s = say(endless);
	struct error err = {0};
	int64_t affected;
	must_exec(c, "CREATE TABLE t(a)");
	assert_int_equal(c->kind->exec(c, &s, &watch, &affected, &err), OUTCOME_FAILED);
	assert_int_equal(err.class, ERROR_TRANSIENT);
	assert_string_equal(err.code, "SQLITE_INTERRUPT");
	assert_int_equal(asked, 3);
	s.timeout_ms = 150;
	int64_t start = os_monotonic_ms();
	assert_int_equal(c->kind->exec(c, &s, NULL, &affected, &err), OUTCOME_FAILED);
	assert_in_range(os_monotonic_ms() - start, 149, 2000);
	assert_non_null(strstr(err.message, "timeout"));
	error_clear(&err);
	expect_cell(c, "SELECT count(*) FROM t", CELL_INT, "0");
}

static void the_stores_session_is_shared_when_it_is_the_same_file(void **state)
{
	struct fixture *f = *state;
	struct sqlite store, other;
	struct error err = {0};
	char path[160];
	snprintf(path, sizeof(path), "%s/../%s/a.db", f->folder, strrchr(f->folder, '/') + 1);
	assert_int_equal(sqlite_open(&store, path, &err), OUTCOME_OK);
	snprintf(path, sizeof(path), "%s/other.db", f->folder);
	assert_int_equal(sqlite_open(&other, path, &err), OUTCOME_OK);
	assert_false(f->c.kind->share(&f->c, &other));
	assert_false(f->c.shared);
	assert_true(f->c.kind->share(&f->c, &store));
	assert_true(f->c.shared);
	must_exec(&f->c, "CREATE TABLE t(a INTEGER PRIMARY KEY)");
	assert_int_equal(sqlite3_exec(store.db, "BEGIN IMMEDIATE; INSERT INTO t VALUES (1)", NULL,
				      NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(must_exec(&f->c, "INSERT INTO t VALUES (2)"), 1);
	assert_true(sqlite_in_transaction(&store));
	expect_cell(&f->c, "SELECT count(*) FROM t", CELL_INT, "2");
	expect_failure(&f->c, false, "PRAGMA synchronous=OFF", "", "state store");
	sqlite_rollback(&store);
	expect_cell(&f->c, "SELECT count(*) FROM t", CELL_INT, "0");
	connection_close(&f->c);
	assert_non_null(store.db);
	sqlite_close(&store);
	sqlite_close(&other);
}

static void a_result_beyond_the_cap_is_refused(void **state)
{
	struct connection *c = &((struct fixture *)*state)->c;
	expect_failure(c, true,
		       "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT 100) "
		       "SELECT randomblob(1000000) FROM r",
		       "", "larger than 64 MiB");
	expect_cell(c, "SELECT 1", CELL_INT, "1");
}

static void files_that_cannot_serve_are_told_apart(void **state)
{
	struct fixture *f = *state;
	struct error err = {0};
	struct sqlite s;
	char path[160];
	assert_int_equal(sqlite_open(&s, "/nowhere/a.db", &err), OUTCOME_UNREACHABLE);
	assert_string_equal(err.code, "SQLITE_CANTOPEN");
	assert_int_equal(sqlite_open(&s, f->folder, &err), OUTCOME_UNREACHABLE);
	assert_int_equal(sqlite_open(&s, "", &err), OUTCOME_UNREACHABLE);
	snprintf(path, sizeof(path), "%s/text", f->folder);
	struct buf text = {0};
	for (int i = 0; i < 100; i++)
		buf_text(&text, "this is not a database\n");
	assert_int_equal(os_write_file(path, buf_view(&text), &err), OUTCOME_OK);
	buf_clear(&text);
	assert_int_equal(sqlite_open(&s, path, &err), OUTCOME_DAMAGED);
	assert_string_equal(err.code, "SQLITE_NOTADB");
	assert_non_null(strstr(err.message, path));
	error_clear(&err);
}

static void a_full_database_is_unreachable_and_its_transaction_over(void **state)
{
	struct connection *c = &((struct fixture *)*state)->c;
	must_exec(c, "CREATE TABLE t(a)");
	must_exec(c, "PRAGMA max_page_count=20");
	struct statement s = say("INSERT INTO t VALUES (1); INSERT INTO t VALUES "
				 "(randomblob(1000000))");
	struct error err = {0};
	int64_t affected;
	assert_int_equal(c->kind->exec(c, &s, NULL, &affected, &err), OUTCOME_UNREACHABLE);
	assert_string_equal(err.code, "SQLITE_FULL");
	assert_int_equal(err.class, ERROR_TRANSIENT);
	error_clear(&err);
	expect_cell(c, "SELECT count(*) FROM t", CELL_INT, "0");
}

static void a_lock_held_by_another_is_waited_for_as_long_as_the_timeout(void **state)
{
	struct fixture *f = *state;
	struct sqlite other;
	struct error err = {0};
	must_exec(&f->c, "CREATE TABLE t(a)");
	assert_int_equal(sqlite_open(&other, f->path, &err), OUTCOME_OK);
	assert_int_equal(sqlite3_exec(other.db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	struct statement s = say("INSERT INTO t VALUES (1)");
	s.timeout_ms = 200;
	int64_t affected, start = os_monotonic_ms();
	assert_int_not_equal(f->c.kind->exec(&f->c, &s, NULL, &affected, &err), OUTCOME_OK);
	assert_in_range(os_monotonic_ms() - start, 199, 3000);
	assert_int_equal(err.class, ERROR_TRANSIENT);
	assert_string_equal(err.code, "SQLITE_BUSY");
	error_clear(&err);
	sqlite_close(&other);
	must_exec(&f->c, "INSERT INTO t VALUES (1)");
}

static void statements_without_a_transaction_are_known(void **state UNUSED)
{
	static const struct { const char *sql; bool transactional;
	} rows[] = {
		{ "CREATE TABLE t(a)", true },
		{ "VACUUM", false },
		{ "/* x */ -- y\n vacuum into 'f'", false },
		{ "SELECT 'VACUUM'; SELECT \"vacuum\"", true },
		{ "INSERT INTO t VALUES (1); PRAGMA journal_mode=WAL", false },
		{ "PRAGMA main.foreign_keys = OFF", false },
		{ "PRAGMA user_version = 7", true },
		{ "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; "
		  "DELETE FROM t; END",
		  true },
		{ "", true },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (sqlite_kind.transactional(str_c(rows[i].sql)) != rows[i].transactional)
			fail_msg("%s", rows[i].sql);
}

static void a_trigger_is_one_statement(void **state)
{
	struct connection *c = &((struct fixture *)*state)->c;
	must_exec(c, "CREATE TABLE t(a); CREATE TRIGGER x AFTER INSERT ON t BEGIN "
		     "UPDATE t SET a = CASE a WHEN 1 THEN 2 ELSE 3 END; DELETE FROM t WHERE a = 3; "
		     "END; INSERT INTO t VALUES (1)");
	expect_cell(c, "SELECT a FROM t", CELL_INT, "2");
}

/* The store goes on in the same session: a timeout is of the statement that it was said for. */
static void the_timeout_of_a_stream_ends_with_its_statement(void **state)
{
	struct connection *c = &((struct fixture *)*state)->c;
	const struct sqlite_state *of = c->state;
	const struct str table = STR("t"), column = STR("a");
	const struct stream_target target = { &table, 1, &column, 1 };
	struct statement s = { .sql = STR(""), .query_id = "amig:1:2:3", .timeout_ms = 100 };
	struct stream stream;
	struct error err = { 0 };
	must_exec(c, "CREATE TABLE t(a)");
	assert_int_equal(sqlite_stream.open_target(c, &target, &s, NULL, &stream, &err),
			 OUTCOME_OK);
	assert_int_equal(sqlite_stream.begin(&stream, &s, NULL, &err), OUTCOME_OK);
	assert_int_equal(sqlite_stream.write(&stream, STR("i7\n"), 1, NULL, &err), OUTCOME_OK);
	assert_int_equal(sqlite_stream.finish(&stream, NULL, &err), OUTCOME_OK);
	os_sleep_ms(110);
	assert_int_equal(sqlite3_exec(of->session->db,
				      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
				      "FROM n WHERE i < 20000) SELECT count(*) FROM n",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	stream_close(&stream, NULL);
	expect_cell(c, "SELECT a FROM t", CELL_INT, "7");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(columns_get_the_type_that_all_their_cells_have),
		TEST(what_is_quoted_comes_back_byte_for_byte),
		TEST(literals_are_what_the_database_reads_back),
		TEST(several_statements_are_one_transaction),
		TEST(a_transaction_of_several_is_there_whole_or_not_at_all),
		TEST(a_query_changes_nothing),
		TEST(errors_tell_code_and_position),
		TEST(foreign_keys_hold_at_every_commit),
		TEST(what_failed_behind_a_part_that_is_done_is_in_doubt),
		TEST(a_wish_to_cancel_and_a_timeout_interrupt),
		TEST(the_stores_session_is_shared_when_it_is_the_same_file),
		TEST(a_result_beyond_the_cap_is_refused),
		TEST(files_that_cannot_serve_are_told_apart),
		TEST(a_full_database_is_unreachable_and_its_transaction_over),
		TEST(a_lock_held_by_another_is_waited_for_as_long_as_the_timeout),
		TEST(statements_without_a_transaction_are_known),
		TEST(a_trigger_is_one_statement),
		TEST(the_timeout_of_a_stream_ends_with_its_statement),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
