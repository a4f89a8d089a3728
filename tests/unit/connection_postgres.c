/* connection_postgres.c - connections of kind postgres against a real server (AMIG_TEST_POSTGRES)
 */
#include "tests/unit/connection_test.h"
#include "vm/driver/postgres.h"
#include <pthread.h>

static const char *url;

static int setup(void **state)
{
	struct connection *c = calloc(1, sizeof(*c));
	*c = must_open(&postgres_kind, url);
	must_exec(c, "DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public");
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	connection_close(*state);
	free(*state);
	return 0;
}

static void every_type_has_its_cells(void **state)
{
	static const struct { const char *sql; enum cell_type type; const char *text;
	} rows[] = {
		{ "SELECT 1", CELL_INT, "1" },
		{ "SELECT 1::int2", CELL_INT, "1" },
		{ "SELECT (-9223372036854775808)::int8", CELL_INT, "-9223372036854775808" },
		{ "SELECT true", CELL_BOOL, "true" },
		{ "SELECT 1 = 2", CELL_BOOL, "false" },
		{ "SELECT 0.1::float8", CELL_FLOAT, "0.1" },
		{ "SELECT 'Infinity'::float8", CELL_FLOAT, "Infinity" },
		{ "SELECT sum(x) FROM (VALUES (1::int8), (2)) t(x)", CELL_INT, "3" },
		{ "SELECT 99999999999999999999::numeric", CELL_STRING, "99999999999999999999" },
		{ "SELECT 1.50", CELL_STRING, "1.50" },
		{ "SELECT 1::numeric(10,2)", CELL_STRING, "1.00" },
		{ "SELECT '\\x0041'::bytea", CELL_BYTES, "" },
		{ "SELECT '2026-11-22 10:00:00+02'::timestamptz", CELL_TIMESTAMP,
		  "2026-11-22T08:00:00.000000Z" },
		{ "SELECT '2026-11-22 08:00:00.25+00'::timestamptz", CELL_TIMESTAMP,
		  "2026-11-22T08:00:00.250000Z" },
		{ "SELECT 'infinity'::timestamptz", CELL_STRING, "infinity" },
		{ "SELECT '2026-11-22 08:00:00'::timestamp", CELL_STRING, "2026-11-22 08:00:00" },
		{ "SELECT NULL::int", CELL_INT, NULL },
		{ "SELECT ARRAY[1,2]", CELL_STRING, "{1,2}" },
		{ "SHOW transaction_read_only", CELL_STRING, "on" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_cell(*state, rows[i].sql, rows[i].type, rows[i].text);
}

static void the_servers_zone_and_styles_do_not_matter(void **state UNUSED)
{
	char other[256];
	snprintf(other, sizeof(other),
		 "%s?options=-ctimezone%%3DAsia/Tokyo%%20-cdatestyle%%3DGerman"
		 "%%20-cbytea_output%%3Descape",
		 url);
	struct connection c = must_open(&postgres_kind, other);
	expect_cell(&c, "SELECT '2026-11-22 08:00:00Z'::timestamptz", CELL_TIMESTAMP,
		    "2026-11-22T08:00:00.000000Z");
	expect_quoting_to_round_trip(&c);
	connection_close(&c);
}

static void what_is_quoted_comes_back_byte_for_byte(void **state)
{
	expect_quoting_to_round_trip(*state);
}

static void literals_are_what_the_database_reads_back(void **state)
{
	struct connection *c = *state;
	static const struct {
		enum cell_type type;
		const char *text;
		enum cell_type back;
		const char *read;
	} rows[] = {
		{ CELL_BOOL, "true", CELL_BOOL, "true" },
		{ CELL_INT, "-5", CELL_INT, "-5" },
		{ CELL_INT, "-9223372036854775808", CELL_INT, "-9223372036854775808" },
		{ CELL_FLOAT, "3", CELL_STRING, "3.0" },
		{ CELL_FLOAT, "inf", CELL_FLOAT, "Infinity" },
		{ CELL_FLOAT, "nan", CELL_FLOAT, "NaN" },
		{ CELL_TIMESTAMP, "2026-11-22T08:00:00.250000Z", CELL_TIMESTAMP,
		  "2026-11-22T08:00:00.250000Z" },
		{ CELL_STRING, "a'b\\c", CELL_STRING, "a'b\\c" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf sql = {0};
		buf_text(&sql, "SELECT ");
		c->kind->quote_literal(&sql, rows[i].type, str_c(rows[i].text));
		expect_cell(c, sql.ptr, rows[i].back, rows[i].read);
		buf_clear(&sql);
	}
	struct statement s = { .sql = STR("SELECT 'a\0b'"), .query_id = "x" };
	struct result r = {0};
	struct error err = {0};
	assert_int_equal(c->kind->query(c, &s, NULL, &r, &err), OUTCOME_FAILED);
	assert_non_null(strstr(err.message, "U+0000"));
	error_clear(&err);
}

static void several_statements_are_one_transaction(void **state)
{
	assert_int_equal(must_exec(*state, "CREATE TABLE t(a int PRIMARY KEY); INSERT INTO t "
					   "VALUES (1), (2) -- two"),
			 2);
	expect_failure(*state, false, "INSERT INTO t VALUES (3); INSERT INTO t VALUES (1)", "23505",
		       "(a)=(1)");
	expect_cell(*state, "SELECT count(*) FROM t", CELL_INT, "2");
	assert_int_equal(must_exec(*state, "DELETE FROM t WHERE a > 5"), 0);
	assert_int_equal(must_exec(*state, "CREATE TABLE u()"), -1);
	assert_int_equal(must_exec(*state, "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN "
					   "ATOMIC SELECT 1; SELECT 2; END"),
			 -1);
	assert_int_equal(must_exec(*state, "DO $x$ BEGIN PERFORM 1; END $x$"), -1);
}

static void a_transaction_of_several_is_there_whole_or_not_at_all(void **state)
{
	struct connection other = must_open(&postgres_kind, url);
	must_exec(*state, "CREATE TABLE t (x int)");
	expect_several_to_be_one(*state, &other);
	connection_close(&other);
}

static void a_query_changes_nothing(void **state)
{
	must_exec(*state, "CREATE TABLE t(a int)");
	expect_failure(*state, true, "INSERT INTO t VALUES (1)", "25006", "read-only");
	expect_failure(*state, true, "SELECT 1; DELETE FROM t", "25006", "read-only");
	expect_failure(*state, true, "SET TRANSACTION READ WRITE; DELETE FROM t", "", "");
	expect_failure(*state, false, "SET search_path TO nowhere", "", "SET without LOCAL");
	expect_failure(*state, false, "RESET ALL", "", "RESET is not for a migration");
	must_exec(*state, "SET LOCAL search_path TO public; SET CONSTRAINTS ALL DEFERRED");
	expect_failure(*state, true, "COMMIT; DELETE FROM t", "", "not for a migration");
	expect_failure(*state, true,
		       "SELECT set_config('transaction_read_only', 'off', true); DELETE FROM t",
		       "25001", "");
	expect_failure(*state, true, "/* nothing */", "", "no statement");
	expect_failure(*state, true, "COPY t TO STDOUT", "", "COPY");
	expect_failure(*state, false, "COPY t FROM STDIN", "57014", "COPY");
	expect_failure(*state, false, "ROLLBACK", "", "not for a migration");
	expect_cell(*state, "SELECT 1; SELECT 'last'", CELL_STRING, "last");
}

static void errors_are_told_with_code_class_and_position(void **state)
{
	static const struct {
		const char *sql, *code;
		enum error_class class;
		long position;
	} rows[] = {
		{ "SELECT é FROM nowhere", "42P01", ERROR_PERMANENT, 15 },
		{ "SELECT 1/0", "22012", ERROR_PERMANENT, 0 },
		{ "SELEC", "42601", ERROR_PERMANENT, 1 },
		{ "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$", "40001", ERROR_TRANSIENT, 0 },
		{ "DO $$ BEGIN RAISE SQLSTATE '53300'; END $$", "53300", ERROR_TRANSIENT, 0 },
		{ "SELECT pg_terminate_backend(pg_backend_pid())", "57P01", ERROR_UNKNOWN, 0 },
	};
	struct connection *c = *state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct statement s = say(rows[i].sql);
		struct error err = {0};
		int64_t affected;
		assert_int_not_equal(c->kind->exec(c, &s, NULL, &affected, &err), OUTCOME_OK);
		assert_string_equal(err.code, rows[i].code);
		assert_int_equal(err.class, rows[i].class);
		assert_int_equal(err.position, rows[i].position);
		assert_string_equal(err.query_id, s.query_id);
		error_clear(&err);
	}
	expect_cell(c, "SELECT 'the session is there again'", CELL_STRING,
		    "the session is there again");
}

static void timeouts_and_wishes_to_cancel_end_a_statement(void **state)
{
	struct connection *c = *state;
	struct statement s = say("SELECT pg_sleep(60)");
	struct error err = {0};
	struct result r = {0};
	int64_t affected, start = os_monotonic_ms();
	s.timeout_ms = 150;
	assert_int_equal(c->kind->exec(c, &s, NULL, &affected, &err), OUTCOME_FAILED);
	assert_string_equal(err.code, "57014");
	s.timeout_ms = 0;
	int asked = 0;
	struct watch watch = { cancel_soon, &asked };
	assert_int_equal(c->kind->query(c, &s, &watch, &r, &err), OUTCOME_FAILED);
	assert_string_equal(err.code, "57014");
	assert_int_equal(err.class, ERROR_TRANSIENT);
	asked = 0;
	watch.ask = abandon_soon;
	assert_int_equal(c->kind->exec(c, &s, &watch, &affected, &err), OUTCOME_STOPPED);
	assert_int_equal(err.class, ERROR_UNKNOWN);
	assert_in_range(os_monotonic_ms() - start, 150, 5000);
	error_clear(&err);
	assert_int_equal(c->kind->fence(c, "amig:1:", NULL, &err), OUTCOME_OK);
	expect_cell(c,
		    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%sleep(60)%' AND pid "
		    "<> pg_backend_pid()",
		    CELL_INT, "0");
}

static void a_lock_is_waited_for_five_seconds_at_most(void **state)
{
	struct connection *c = *state;
	struct postgres other;
	struct error err = {0};
	must_exec(c, "CREATE TABLE t(a int)");
	assert_int_equal(postgres_open(&other, url, NULL, NULL, &err), OUTCOME_OK);
	assert_int_equal(postgres_query(&other, "BEGIN; LOCK t", NULL, NULL, &err), OUTCOME_OK);
	struct statement s = say("ALTER TABLE t ADD b int");
	int64_t affected, start = os_monotonic_ms();
	assert_int_equal(c->kind->exec(c, &s, NULL, &affected, &err), OUTCOME_FAILED);
	assert_in_range(os_monotonic_ms() - start, 4900, 7000);
	assert_string_equal(err.code, "55P03");
	assert_int_equal(err.class, ERROR_TRANSIENT);
	error_clear(&err);
	postgres_close(&other);
}

/* One that broke off leaves an index that is not valid: no reason to fail, and no index. */
static void what_is_left_of_an_index_is_dropped_before_it_is_made_again(void **state)
{
	static const char *const names[][2] = {
		{ "i", "t" },
		{ "\"I x\"", "public.t" },
		{ "IF NOT EXISTS \"I.x\"", "ONLY \"public\".\"t\"" },
	};
	struct connection *c = *state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct buf sql = { 0 };
		struct error err = { 0 };
		int64_t affected;
		buf_format(&sql, "-- the index\ncreate unique index CONCURRENTLY %s on %s (a)",
			   names[i][0], names[i][1]);
		struct statement s = say(sql.ptr);
		s.no_transaction = true;
		must_exec(c, "DROP TABLE IF EXISTS t; CREATE TABLE t(a int); INSERT INTO t VALUES "
			     "(1), (1)");
		for (int again = 0; again < 2; again++) {
			assert_int_equal(c->kind->exec(c, &s, NULL, &affected, &err),
					 OUTCOME_FAILED);
			assert_string_equal(err.code, "23505");
			expect_cell(c, "SELECT indisvalid FROM pg_index WHERE indrelid = "
				       "'t'::regclass", CELL_BOOL, "false");
		}
		must_exec(c, "DELETE FROM t");
		assert_int_equal(c->kind->exec(c, &s, NULL, &affected, &err), OUTCOME_OK);
		expect_cell(c, "SELECT indisvalid FROM pg_index WHERE indrelid = 't'::regclass",
			    CELL_BOOL, "true");
		error_clear(&err);
		buf_clear(&sql);
	}
}

static void *sleep_there(void *connection)
{
	struct connection *c = connection;
	struct statement s = { .sql = STR("SELECT pg_sleep(30)"), .query_id = "amig:77:1" };
	struct error err = {0};
	int64_t affected;
	c->kind->exec(c, &s, NULL, &affected, &err);
	error_clear(&err);
	return NULL;
}

static void the_query_id_is_seen_on_the_server_and_a_fence_ends_it(void **state)
{
	struct connection other = must_open(&postgres_kind, url);
	struct error err = {0};
	pthread_t thread;
	pthread_create(&thread, NULL, sleep_there, &other);
	struct connection *c = *state;
	for (int i = 0; i < 100; i++) {
		struct result r;
		must_query(c, "SELECT 1 FROM pg_stat_activity WHERE application_name = 'amig:77:1'",
			   &r);
		bool there = r.rows.count > 0;
		result_clear(&r);
		if (there)
			break;
		usleep(20000);
	}
	expect_cell(c,
		    "SELECT left(query, 15) FROM pg_stat_activity WHERE application_name = "
		    "'amig:77:1'",
		    CELL_STRING, "/* amig:77:1 */");
	int64_t start = os_monotonic_ms();
	assert_int_equal(c->kind->fence(c, "amig:77:", NULL, &err), OUTCOME_OK);
	pthread_join(thread, NULL);
	assert_in_range(os_monotonic_ms() - start, 0, 5000);
	connection_close(&other);
}

static void statements_without_a_transaction_go_out_alone(void **state)
{
	struct connection *c = *state;
	must_exec(c, "CREATE TABLE t(a int); INSERT INTO t VALUES (1), (1)");
	must_exec(c, "CREATE INDEX CONCURRENTLY i ON t(a)");
	must_exec(c, "VACUUM t");
	expect_cell(c, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass",
		    CELL_BOOL, "true");
	struct statement s = say("CREATE UNIQUE INDEX CONCURRENTLY u ON t(a)");
	struct error err = {0};
	int64_t affected;
	s.no_transaction = true;
	assert_int_equal(c->kind->exec(c, &s, NULL, &affected, &err), OUTCOME_FAILED);
	assert_string_equal(err.code, "23505");
	s = say("VACUUM t; VACUUM t");
	s.no_transaction = true;
	assert_int_equal(c->kind->exec(c, &s, NULL, &affected, &err), OUTCOME_FAILED);
	assert_string_equal(err.code, "25001");
	error_clear(&err);
	expect_cell(c, "SELECT current_setting('application_name')", CELL_STRING, "amig");
}

static void which_statements_want_no_transaction_is_known(void **state UNUSED)
{
	static const struct { const char *sql; bool transactional;
	} rows[] = {
		{ "CREATE INDEX i ON t(a)", true },
		{ "CREATE INDEX CONCURRENTLY i ON t(a)", false },
		{ "create unique index concurrently if not exists i on t(a)", false },
		{ "/* a /* nested */ b */ -- c\n DROP INDEX CONCURRENTLY i", false },
		{ "REINDEX (VERBOSE) INDEX CONCURRENTLY i", false },
		{ "REINDEX (CONCURRENTLY) INDEX i", false },
		{ "REINDEX TABLE t", true },
		{ "REFRESH MATERIALIZED VIEW CONCURRENTLY m", true },
		{ "ALTER TABLE p DETACH PARTITION c CONCURRENTLY", false },
		{ "VACUUM", false },
		{ "SELECT 1; VACUUM FULL t", false },
		{ "SELECT 'VACUUM; VACUUM'", true },
		{ "SELECT E'\\'; VACUUM'", true },
		{ "SELECT $a$; VACUUM $b$ $a$", true },
		{ "SELECT $1; VACUUM", false },
		{ "INSERT INTO \"VACUUM\" VALUES ('CONCURRENTLY')", true },
		{ "ALTER SYSTEM SET work_mem = '1MB'", false },
		{ "CREATE DATABASE d", false },
		{ "ALTER DATABASE d SET TABLESPACE x", false },
		{ "ALTER DATABASE d SET work_mem = '1MB'", true },
		{ "ALTER TYPE e ADD VALUE 'x'", true },
		{ "CLUSTER", false },
		{ "CLUSTER t", true },
		{ "COMMIT PREPARED 'x'", false },
		{ "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE 1 WHEN 1 "
		  "THEN 2 END; END; VACUUM",
		  false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (postgres_kind.transactional(str_c(rows[i].sql)) != rows[i].transactional)
			fail_msg("%s", rows[i].sql);
}

static void the_stores_session_is_shared_when_it_is_the_same_database(void **state)
{
	struct connection *c = *state;
	struct postgres store, other;
	struct error err = {0};
	must_exec(c, "CREATE TABLE t(a int PRIMARY KEY)");
	must_exec(c, "DROP DATABASE IF EXISTS elsewhere");
	must_exec(c, "CREATE DATABASE elsewhere");
	char elsewhere[256];
	snprintf(elsewhere, sizeof(elsewhere), "%.*s/elsewhere", (int)(strrchr(url, '/') - url),
		 url);
	assert_int_equal(postgres_open(&store, url, NULL, NULL, &err), OUTCOME_OK);
	assert_int_equal(postgres_open(&other, elsewhere, NULL, NULL, &err), OUTCOME_OK);
	assert_false(c->kind->share(c, &other));
	assert_true(c->kind->share(c, &store));
	postgres_begin(&store);
	assert_int_equal(must_exec(c, "INSERT INTO t VALUES (1)"), 1);
	assert_int_equal(must_exec(c, "INSERT INTO t VALUES (2)"), 1);
	expect_cell(c, "SELECT count(*) FROM t", CELL_INT, "2");
	expect_failure(c, true, "DELETE FROM t", "25006", "read-only");
	expect_cell(c, "SELECT count(*) FROM t", CELL_INT, "2");
	postgres_rollback(&store);
	expect_cell(c, "SELECT count(*) FROM t", CELL_INT, "0");
	postgres_begin(&store);
	expect_failure(c, false, "INSERT INTO t VALUES (1), (1)", "23505", "t_pkey");
	assert_true(postgres_in_transaction(&store));
	postgres_rollback(&store);
	assert_false(postgres_in_transaction(&store));
	struct statement s = say("SELECT é FROM nowhere");
	int64_t affected;
	postgres_begin(&store);
	assert_int_equal(c->kind->exec(c, &s, NULL, &affected, &err), OUTCOME_FAILED);
	assert_int_equal(err.position, 15);
	error_clear(&err);
	connection_close(c);
	postgres_close(&store);
	postgres_close(&other);
	*c = must_open(&postgres_kind, url);
}

static void a_lost_session_inside_the_stores_transaction_changed_nothing(void **state)
{
	struct connection *c = *state;
	struct postgres store;
	struct error err = {0};
	assert_int_equal(postgres_open(&store, url, NULL, NULL, &err), OUTCOME_OK);
	assert_true(c->kind->share(c, &store));
	postgres_begin(&store);
	struct statement s = say("SELECT pg_terminate_backend(pg_backend_pid())");
	int64_t affected;
	assert_int_equal(c->kind->exec(c, &s, NULL, &affected, &err), OUTCOME_UNREACHABLE);
	assert_int_equal(err.class, ERROR_TRANSIENT);
	assert_false(postgres_is_alive(&store));
	assert_int_equal(postgres_reopen(&store, NULL, &err), OUTCOME_OK);
	error_clear(&err);
	connection_close(c);
	postgres_close(&store);
	*c = must_open(&postgres_kind, url);
}

static void settings_hold_for_the_statement(void **state)
{
	struct connection *c = *state;
	struct connection_setting setting = { STR("work_mem"), STR("7MB") };
	struct statement s = say("SHOW work_mem");
	struct result r = {0};
	struct error err = {0};
	s.settings = &setting;
	s.setting_count = 1;
	assert_int_equal(c->kind->query(c, &s, NULL, &r, &err), OUTCOME_OK);
	assert_string_equal(r.rows.at[0][0].ptr, "7MB");
	result_clear(&r);
	expect_cell(c, "SELECT current_setting('work_mem') <> '7MB'", CELL_BOOL, "true");
	setting.name = STR("work_mem=1;DROP TABLE t;--");
	assert_int_equal(c->kind->query(c, &s, NULL, &r, &err), OUTCOME_FAILED);
	assert_non_null(strstr(err.message, "is not the name of a setting"));
	error_clear(&err);
}

static void a_result_beyond_the_cap_is_refused(void **state)
{
	expect_failure(*state, true, "SELECT repeat('x', 1000000) FROM generate_series(1, 1000)",
		       "", "larger than 64 MiB");
	expect_cell(*state, "SELECT 1", CELL_INT, "1");
}

static void what_cannot_be_opened_is_told_without_secrets(void **state UNUSED)
{
	const char *at = strrchr(url, '@');
	char wrong[8][320];
	snprintf(wrong[0], sizeof(wrong[0]), "postgresql://amig:hunter2hunter2%s", at);
	snprintf(wrong[1], sizeof(wrong[1]), "postgresql://amig:hunter2@hunter2%s", at);
	snprintf(wrong[2], sizeof(wrong[2]), "postgresql://amig:hunter2/hunter2%s", at);
	snprintf(wrong[3], sizeof(wrong[3]), "postgresql://amig:hunter2@127.0.0.1:1/x");
	snprintf(wrong[4], sizeof(wrong[4]),
		 "postgresql://amig:hunter2@127.0.0.1/x?connect_timeot=hunter2");
	snprintf(wrong[5], sizeof(wrong[5]), "host=127.0.0.1 password=hunter2 'hunter2");
	snprintf(wrong[6], sizeof(wrong[6]), "postgresql://amig:hunter2:hunter2%%zz@127.0.0.1/x");
	snprintf(wrong[7], sizeof(wrong[7]), "host=no.such.host.invalid password=hunter2");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct connection c;
		struct error err = {0};
		enum outcome o = connection_open(&c, "main", &postgres_kind, wrong[i], NULL, &err);
		if (o != OUTCOME_UNREACHABLE || strstr(err.message, "hunter") ||
		    (err.hint && strstr(err.hint, "hunter")))
			fail_msg("%zu: %d %s", i, (int)o, err.message ? err.message : "");
		assert_int_equal(err.class, i == 3 || i == 7 ? ERROR_TRANSIENT : ERROR_PERMANENT);
		error_clear(&err);
	}
}

/* The server's words name the user. */
static void a_password_that_is_the_users_name_is_not_shown(void **state UNUSED)
{
	char wrong[320];
	struct connection c;
	struct error err = {0};
	snprintf(wrong, sizeof(wrong), "postgresql://hunter2:hunter2%s", strrchr(url, '@'));
	assert_int_equal(connection_open(&c, "main", &postgres_kind, wrong, NULL, &err),
			 OUTCOME_UNREACHABLE);
	if (strstr(err.message, "hunter2"))
		fail_msg("%s", err.message);
	error_clear(&err);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_type_has_its_cells),
		TEST(the_servers_zone_and_styles_do_not_matter),
		TEST(what_is_quoted_comes_back_byte_for_byte),
		TEST(literals_are_what_the_database_reads_back),
		TEST(several_statements_are_one_transaction),
		TEST(a_transaction_of_several_is_there_whole_or_not_at_all),
		TEST(a_query_changes_nothing),
		TEST(errors_are_told_with_code_class_and_position),
		TEST(timeouts_and_wishes_to_cancel_end_a_statement),
		TEST(a_lock_is_waited_for_five_seconds_at_most),
		TEST(what_is_left_of_an_index_is_dropped_before_it_is_made_again),
		TEST(the_query_id_is_seen_on_the_server_and_a_fence_ends_it),
		TEST(statements_without_a_transaction_go_out_alone),
		TEST(which_statements_want_no_transaction_is_known),
		TEST(the_stores_session_is_shared_when_it_is_the_same_database),
		TEST(a_lost_session_inside_the_stores_transaction_changed_nothing),
		TEST(settings_hold_for_the_statement),
		TEST(a_result_beyond_the_cap_is_refused),
		TEST(what_cannot_be_opened_is_told_without_secrets),
		TEST(a_password_that_is_the_users_name_is_not_shown),
	};
	url = server_url("AMIG_TEST_POSTGRES");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
