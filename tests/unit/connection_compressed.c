/* connection_compressed.c - what goes to ClickHouse and comes from it compressed, on a real server
 * (AMIG_TEST_CLICKHOUSE) */
#include "tests/unit/connection_proxy.h"
#include "vm/connection/stream.h"

static const char *url;

static size_t answered_bytes(const char *option)
{
	struct proxy p = {0};
	char through[256], with[300];
	start_proxy(&p, url, through, sizeof(through));
	snprintf(with, sizeof(with), "%s%s", through, option);
	struct connection c = must_open(&clickhouse_kind, with);
	struct statement s = { .sql = STR("SELECT number, 'the same again' FROM numbers(20000)"),
			       .query_id = "amig:compressed" };
	struct result r = {0};
	struct error err = {0};
	assert_int_equal(c.kind->query(&c, &s, NULL, &r, &err), OUTCOME_OK);
	assert_int_equal(r.rows.count, 20000);
	assert_true(str_eq(r.rows.at[19999][0], STR("19999")));
	result_clear(&r);
	s.sql = STR("SELECT throwIf(number = 1000) FROM numbers(20000)");
	assert_int_not_equal(c.kind->query(&c, &s, NULL, &r, &err), OUTCOME_OK);
	assert_string_equal(err.code, "395");
	error_clear(&err);
	connection_close(&c);
	stop_proxy(&p);
	return p.answered;
}

static void results_come_compressed_where_that_is_wanted(void **state UNUSED)
{
	size_t plain = answered_bytes(""), packed = answered_bytes("?compress=1");
	assert_true(plain > 400000);
	assert_true(packed > 0 && packed < plain / 3);
}

/* So many rows of a copy; what is sent of them. */
static size_t sent_bytes(const char *option, int chunks)
{
	static const struct str table[] = { { "t", 1 } }, columns[] = { { "a", 1 }, { "b", 1 } };
	const struct stream_target target = { table, 1, columns, 2 };
	const struct stream_kind *kind = clickhouse_kind.stream;
	struct proxy p = { 0 };
	struct stream t = { 0 };
	struct error err = { 0 };
	struct buf rows = { 0 };
	char through[256], with[300], cell[40];

	start_proxy(&p, url, through, sizeof(through));
	snprintf(with, sizeof(with), "%s%s", through, option);
	struct connection c = must_open(&clickhouse_kind, with);
	must_exec(&c, "DROP TABLE IF EXISTS t");
	must_exec(&c, "CREATE TABLE t (a Int32, b String) ENGINE = Log");
	struct statement s = { .query_id = "amig:compressed" };
	p.asked = 0;
	assert_int_equal(kind->open_target(&c, &target, &s, NULL, &t, &err), OUTCOME_OK);
	assert_int_equal(kind->begin(&t, &s, NULL, &err), OUTCOME_OK);
	for (int i = 0; i < chunks; i++) {
		buf_reset(&rows);
		for (int k = 0; k < 1000; k++)
			buf_format(&rows, "%d\tthe same again\n", i * 1000 + k);
		assert_int_equal(kind->write(&t, buf_view(&rows), 1000, NULL, &err), OUTCOME_OK);
	}
	assert_int_equal(kind->finish(&t, NULL, &err), OUTCOME_OK);
	stream_close(&t, &err);
	snprintf(cell, sizeof(cell), "%d", chunks * 1000);
	expect_cell(&c, "SELECT uniqExact(a) FROM t WHERE b = 'the same again'", CELL_INT, cell);
	must_exec(&c, "DROP TABLE t");
	connection_close(&c);
	stop_proxy(&p);
	buf_clear(&rows);
	return p.asked;
}

static void rows_go_compressed_where_that_is_wanted(void **state UNUSED)
{
	size_t plain = sent_bytes("", 30), packed = sent_bytes("?compress=1", 30);

	assert_true(plain > 400000);
	assert_true(packed > 0 && packed < plain / 3);
	sent_bytes("?compress=1", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_come_compressed_where_that_is_wanted),
		cmocka_unit_test(rows_go_compressed_where_that_is_wanted),
	};
	url = server_url("AMIG_TEST_CLICKHOUSE");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
