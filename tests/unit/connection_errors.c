/* connection_errors.c - what ClickHouse's errors mean, each class with errors of a real server
 * (AMIG_TEST_CLICKHOUSE) */
#include "tests/unit/connection_test.h"
#include <pthread.h>
#include <time.h>

static const char *url;

static int setup(void **state)
{
	struct connection *c = calloc(1, sizeof(*c));
	*c = must_open(&clickhouse_kind, url);
	must_exec(c, "DROP TABLE IF EXISTS t");
	must_exec(c, "DROP TABLE IF EXISTS made");
	must_exec(c, "CREATE TABLE t (a Int32, b Int32) ENGINE = MergeTree ORDER BY a "
		     "SETTINGS index_granularity = 8192, parts_to_delay_insert = 3, "
		     "parts_to_throw_insert = 4");
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	must_exec(*state, "DROP TABLE IF EXISTS t");
	must_exec(*state, "DROP TABLE IF EXISTS made");
	connection_close(*state);
	free(*state);
	return 0;
}

struct provoked {
	const char *sql, *setting, *value, *code;
	enum error_class class;
	enum outcome outcome;
};

static void expect_provoked(struct connection *c, const struct provoked *p, bool reading)
{
	const struct connection_setting setting = { p->setting ? str_c(p->setting) : STR(""),
						    p->value ? str_c(p->value) : STR("") };
	struct statement s = say(p->sql);
	struct error err = { 0 };
	struct result r = { 0 };
	int64_t affected;
	enum outcome o;

	s.settings = &setting;
	s.setting_count = p->setting ? 1 : 0;
	o = reading ? c->kind->query(c, &s, NULL, &r, &err)
		    : c->kind->exec(c, &s, NULL, &affected, &err);
	if (strcmp(err.code, p->code) != 0 || err.class != p->class || o != p->outcome)
		fail_msg("%s: code %s, class %s, outcome %d: %s", p->sql, err.code,
			 error_class_word(err.class), (int)o, err.message ? err.message : "");
	result_clear(&r);
	error_clear(&err);
}

/* The author's: nothing was executed, and again gives the same. */
static void what_is_wrong_stays_so(void **state)
{
	static const struct provoked rows[] = {
		{ "SELECT 1 FROMM t", NULL, NULL, "62", ERROR_PERMANENT, OUTCOME_FAILED },
		{ "INSERT INTO t SELECT nope, 1 FROM t", NULL, NULL, "47", ERROR_PERMANENT,
		  OUTCOME_FAILED },
		{ "INSERT INTO t SELECT nope(1), 1", NULL, NULL, "46", ERROR_PERMANENT,
		  OUTCOME_FAILED },
		{ "INSERT INTO nowhere SELECT 1", NULL, NULL, "60", ERROR_PERMANENT,
		  OUTCOME_FAILED },
		{ "DROP TABLE nowhere.t", NULL, NULL, "81", ERROR_PERMANENT, OUTCOME_FAILED },
		{ "CREATE TABLE t (a Int32) ENGINE = Log", NULL, NULL, "57", ERROR_PERMANENT,
		  OUTCOME_FAILED },
		{ "CREATE TABLE made (a Nope) ENGINE = Log", NULL, NULL, "50", ERROR_PERMANENT,
		  OUTCOME_FAILED },
		{ "INSERT INTO t SELECT 1", NULL, NULL, "20", ERROR_PERMANENT, OUTCOME_FAILED },
		{ "INSERT INTO t (a, nope) SELECT 1, 2", NULL, NULL, "16", ERROR_PERMANENT,
		  OUTCOME_FAILED },
		{ "INSERT INTO t SELECT intDiv(1), 1", NULL, NULL, "42", ERROR_PERMANENT,
		  OUTCOME_FAILED },
		{ "ALTER TABLE t ADD COLUMN a Int32", NULL, NULL, "44", ERROR_PERMANENT,
		  OUTCOME_FAILED },
		{ "ALTER TABLE t UPDATE a = 1 WHERE 1", NULL, NULL, "420", ERROR_PERMANENT,
		  OUTCOME_FAILED },
		{ "ALTER TABLE t MODIFY ORDER BY b", NULL, NULL, "36", ERROR_PERMANENT,
		  OUTCOME_FAILED },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_provoked(*state, &rows[i], false);
	expect_cell(*state, "SELECT count() FROM t", CELL_INT, "0");
}

/* What the server could not do to its end: the blocks before may be there. */
static void what_may_have_happened_in_part_is_in_doubt(void **state)
{
	static const struct provoked rows[] = {
		{ "INSERT INTO made SELECT throwIf(number = 3000000) FROM system.numbers", NULL,
		  NULL, "395", ERROR_UNKNOWN, OUTCOME_FAILED },
		{ "INSERT INTO made SELECT length(groupArray(number)) FROM numbers(10000000)",
		  "max_memory_usage", "1000000", "241", ERROR_UNKNOWN, OUTCOME_FAILED },
		{ "INSERT INTO made SELECT dummy FROM remote('127.0.0.1:1', system.one)", NULL,
		  NULL, "279", ERROR_UNKNOWN, OUTCOME_UNREACHABLE },
		{ "CREATE TABLE gone (a Int32) ENGINE = ReplicatedMergeTree('/a', 'b') ORDER BY a",
		  NULL, NULL, "225", ERROR_UNKNOWN, OUTCOME_UNREACHABLE },
	};
	must_exec(*state, "CREATE TABLE made (a UInt64) ENGINE = MergeTree ORDER BY a");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_provoked(*state, &rows[i], false);
}

/* A question changes nothing, whatever became of it: it may be asked again. */
static void a_question_is_never_in_doubt(void **state)
{
	static const struct provoked rows[] = {
		{ "SELECT groupArray(number) FROM numbers(10000000)", "max_memory_usage",
		  "1000000", "241", ERROR_TRANSIENT, OUTCOME_FAILED },
		{ "SELECT dummy FROM remote('127.0.0.1:1', system.one)", NULL, NULL, "279",
		  ERROR_TRANSIENT, OUTCOME_UNREACHABLE },
		{ "SELECT throwIf(number = 5) FROM numbers(10)", NULL, NULL, "395",
		  ERROR_PERMANENT, OUTCOME_FAILED },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_provoked(*state, &rows[i], true);
}

static void too_many_parts_are_in_doubt(void **state)
{
	struct connection *c = *state;
	struct statement s = say("INSERT INTO t SELECT 1, 1");
	struct error err = { 0 };
	int64_t affected;

	must_exec(c, "SYSTEM STOP MERGES");
	for (int i = 0; i < 9 && !*err.code; i++)
		if (c->kind->exec(c, &s, NULL, &affected, &err) == OUTCOME_OK)
			error_clear(&err);
	must_exec(c, "SYSTEM START MERGES");
	assert_string_equal(err.code, "252");
	assert_int_equal(err.class, ERROR_UNKNOWN);
	error_clear(&err);
}

static void *sleep_there(void *connection)
{
	struct connection *c = connection;
	struct statement s = { .sql = STR("SELECT sleep(2)"), .query_id = "amig:1:2:3" };
	struct error err = { 0 };
	struct result r = { 0 };

	c->kind->query(c, &s, NULL, &r, &err);
	result_clear(&r);
	error_clear(&err);
	return NULL;
}

/* Refused at the door, and one that is there already under the same name. */
static void who_has_to_wait_is_told_so(void **state)
{
	static const struct provoked rows[] = {
		{ "INSERT INTO t SELECT 1, 1", NULL, NULL, "216", ERROR_UNKNOWN, OUTCOME_FAILED },
	};
	struct connection other = must_open(&clickhouse_kind, url);
	struct timespec pause = { 0, 300000000 };
	pthread_t thread;

	pthread_create(&thread, NULL, sleep_there, &other);
	nanosleep(&pause, NULL);
	expect_provoked(*state, &rows[0], false);
	struct statement s = { .sql = STR("INSERT INTO t SELECT 1, 1"), .query_id = "amig:9:9:9" };
	const struct connection_setting one = { STR("max_concurrent_queries_for_user"), STR("1") };
	struct connection *c = *state;
	struct error err = { 0 };
	int64_t affected;
	s.settings = &one;
	s.setting_count = 1;
	assert_int_equal(c->kind->exec(c, &s, NULL, &affected, &err), OUTCOME_FAILED);
	assert_string_equal(err.code, "202");
	assert_int_equal(err.class, ERROR_TRANSIENT);
	error_clear(&err);
	pthread_join(thread, NULL);
	connection_close(&other);
}

static void who_may_not_come_in_is_told_so(void **state UNUSED)
{
	static const struct {
		const char *who, *code;
		enum error_class class;
	} rows[] = {
		{ "http://amig:wrong@", "193", ERROR_PERMANENT },
		{ "http://nobody:wrong@", "192", ERROR_PERMANENT },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct connection c = { 0 };
		struct error err = { 0 };
		char other[256];

		snprintf(other, sizeof(other), "%s%s", rows[i].who, strchr(url, '@') + 1);
		assert_int_equal(connection_open(&c, "x", &clickhouse_kind, other, NULL, &err),
				 OUTCOME_UNREACHABLE);
		assert_string_equal(err.code, rows[i].code);
		assert_int_equal(err.class, rows[i].class);
		assert_null(strstr(err.message, "wrong"));
		error_clear(&err);
		connection_close(&c);
	}
	struct connection c = { 0 };
	struct error err = { 0 };
	assert_int_equal(connection_open(&c, "x", &clickhouse_kind, "http://127.0.0.1:1/", NULL,
					 &err), OUTCOME_UNREACHABLE);
	assert_int_equal(err.class, ERROR_TRANSIENT);
	error_clear(&err);
	connection_close(&c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_wrong_stays_so),
		TEST(what_may_have_happened_in_part_is_in_doubt),
		TEST(a_question_is_never_in_doubt),
		TEST(too_many_parts_are_in_doubt),
		TEST(who_has_to_wait_is_told_so),
		TEST(who_may_not_come_in_is_told_so),
	};
	url = server_url("AMIG_TEST_CLICKHOUSE");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
