/* driver_postgres.c - libpq sessions against a real server (AMIG_TEST_POSTGRES) */
#include "vm/driver/postgres.h"
#include "vm/base/os.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char *url;

static int setup(void **state)
{
	struct postgres *s = calloc(1, sizeof(*s));
	struct error err = {0};
	if (postgres_open(s, url, "test", NULL, &err) != OUTCOME_OK ||
	    postgres_query(s, "DROP TABLE IF EXISTS t; CREATE TABLE t(a int PRIMARY KEY)", NULL,
			   NULL, &err) != OUTCOME_OK)
		fail_msg("%s", err.message);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	postgres_close(*state);
	free(*state);
	return 0;
}

static void expect(struct postgres *s, const char *sql, const char *answer)
{
	struct error err = {0};
	PGresult *r;
	if (postgres_query(s, sql, NULL, &r, &err) != OUTCOME_OK)
		fail_msg("%s: %s", sql, err.message);
	assert_string_equal(PQgetvalue(r, 0, 0), answer);
	PQclear(r);
}

static void begin_goes_out_with_the_next_statement(void **state)
{
	struct postgres *s = *state;
	struct error err = {0};
	postgres_begin(s);
	assert_true(postgres_in_transaction(s));
	assert_int_equal(PQtransactionStatus(s->pg), PQTRANS_IDLE);
	assert_int_equal(postgres_query(s, "INSERT INTO t VALUES (1)", NULL, NULL, &err),
			 OUTCOME_OK);
	assert_int_equal(PQtransactionStatus(s->pg), PQTRANS_INTRANS);
	postgres_rollback(s);
	assert_false(postgres_in_transaction(s));
	expect(s, "SELECT count(*) FROM t", "0");
	postgres_begin(s);
	postgres_rollback(s);
	assert_false(postgres_in_transaction(s));
	postgres_begin(s);
	const char *one = "1";
	assert_int_equal(
		postgres_query_params(s, "INSERT INTO t VALUES ($1)", 1, &one, NULL, NULL, &err),
		OUTCOME_OK);
	assert_int_equal(PQtransactionStatus(s->pg), PQTRANS_INTRANS);
	postgres_rollback(s);
}

static void a_lost_session_is_told_and_can_be_opened_again(void **state)
{
	struct postgres *s = *state;
	struct error err = {0};
	postgres_begin(s);
	assert_int_equal(postgres_query(s, "INSERT INTO t VALUES (1)", NULL, NULL, &err),
			 OUTCOME_OK);
	assert_int_equal(postgres_query(s, "SELECT pg_terminate_backend(pg_backend_pid())", NULL,
					NULL, &err),
			 OUTCOME_UNREACHABLE);
	assert_int_equal(err.class, ERROR_UNKNOWN);
	assert_false(postgres_is_alive(s));
	assert_int_equal(postgres_query(s, "SELECT 1", NULL, NULL, &err), OUTCOME_UNREACHABLE);
	assert_int_equal(err.class, ERROR_TRANSIENT);
	postgres_rollback(s);
	assert_int_equal(postgres_reopen(s, NULL, &err), OUTCOME_OK);
	assert_false(postgres_in_transaction(s));
	expect(s, "SELECT count(*) FROM t", "0");
	expect(s, "SELECT current_setting('application_name')", "test");
	error_clear(&err);
}

static void a_cancel_ends_what_runs_and_spares_what_follows(void **state)
{
	struct postgres *s = *state;
	for (int i = 0; i < 20; i++) {
		struct error err = {0};
		assert_int_equal(
			postgres_send(s, "", STR("SELECT pg_sleep(0.02)"), "", false, &err),
			OUTCOME_OK);
		postgres_cancel(s);
		PGresult *r;
		do {
			assert_int_equal(postgres_result(s, NULL, &r, &err), OUTCOME_OK);
			PQclear(r);
		} while (r);
		expect(s, "SELECT 'spared'", "spared");
	}
}

static void positions_count_from_the_callers_sql(void **state)
{
	struct postgres *s = *state;
	struct error err = {0};
	PGresult *r;
	postgres_begin(s);
	assert_int_equal(postgres_send(s, "/* é */ SELECT 1;", STR("SELEC 2"), "", false, &err),
			 OUTCOME_OK);
	assert_int_equal(postgres_result(s, NULL, &r, &err), OUTCOME_OK);
	assert_true(postgres_result_failed(r));
	assert_int_equal(postgres_fail(s, r, &err), OUTCOME_FAILED);
	assert_int_equal(err.position, 1);
	assert_string_equal(err.code, "42601");
	PQclear(r);
	assert_int_equal(postgres_result(s, NULL, &r, &err), OUTCOME_OK);
	assert_null(r);
	error_clear(&err);
	postgres_rollback(s);
}

static void a_connect_that_is_not_answered_ends_with_its_timeout(void **state UNUSED)
{
	struct postgres s;
	struct error err = {0};
	int64_t start = os_monotonic_ms();
	/* 192.0.2.0/24 is nobody's: either no answer, or at once "unreachable" */
	assert_int_equal(postgres_open(&s, "host=192.0.2.1 connect_timeout=2 password=hunter2",
				       NULL, NULL, &err),
			 OUTCOME_UNREACHABLE);
	assert_in_range(os_monotonic_ms() - start, 0, 4000);
	assert_null(strstr(err.message, "hunter"));
	assert_null(s.conninfo);
	error_clear(&err);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(begin_goes_out_with_the_next_statement),
		TEST(a_lost_session_is_told_and_can_be_opened_again),
		TEST(a_cancel_ends_what_runs_and_spares_what_follows),
		TEST(positions_count_from_the_callers_sql),
		TEST(a_connect_that_is_not_answered_ends_with_its_timeout),
	};
	url = getenv("AMIG_TEST_POSTGRES");
	if (!url) {
		fprintf(stderr, "AMIG_TEST_POSTGRES is not set: run this through "
				"tests/support/with-servers\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
