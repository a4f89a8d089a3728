/* connection_clickhouse.c - connections of kind clickhouse against a real server
 * (AMIG_TEST_CLICKHOUSE) */
#include "tests/unit/connection_proxy.h"
#include "tests/unit/connection_test.h"
#include "vm/connection/clickhouse_answer.h"
#include "vm/connection/clickhouse_http.h"
#include "vm/connection/clickhouse_text.h"

static const char *url;

static int setup(void **state)
{
	struct connection *c = calloc(1, sizeof(*c));
	*c = must_open(&clickhouse_kind, url);
	struct error err = {0};
	assert_int_equal(c->kind->fence(c, "amig:", NULL, &err), OUTCOME_OK);
	must_exec(c, "DROP TABLE IF EXISTS t");
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
		{ "SELECT toInt64(-9223372036854775808)", CELL_INT, "-9223372036854775808" },
		{ "SELECT toUInt64(5)", CELL_INT, "5" },
		{ "SELECT 18446744073709551615", CELL_STRING, "18446744073709551615" },
		{ "SELECT 0.1", CELL_FLOAT, "0.1" },
		{ "SELECT -inf", CELL_FLOAT, "-inf" },
		{ "SELECT 'a\\tb\\n\\\\\\'\\0'", CELL_STRING, "a\tb\n\\'" },
		{ "SELECT unhex('ff')", CELL_BYTES, "\xff" },
		{ "SELECT NULL", CELL_STRING, NULL },
		{ "SELECT '\\\\N'", CELL_STRING, "\\N" },
		{ "SELECT CAST(NULL AS Nullable(Int32))", CELL_INT, NULL },
		{ "SELECT CAST(7 AS Nullable(UInt64))", CELL_INT, "7" },
		{ "SELECT toDateTime('2026-11-22 08:00:00', 'UTC')", CELL_TIMESTAMP,
		  "2026-11-22T08:00:00.000000Z" },
		{ "SELECT toDateTime(0, 'UTC')", CELL_TIMESTAMP, "1970-01-01T00:00:00.000000Z" },
		{ "SELECT toDateTime(1763798400, 'Asia/Tokyo')", CELL_STRING,
		  "2025-11-22 17:00:00" },
		{ "SELECT toDate('2026-11-22')", CELL_STRING, "2026-11-22" },
		{ "SELECT [1, 2]", CELL_STRING, "[1,2]" },
		{ "SELECT toFixedString('ab', 2)", CELL_STRING, "ab" },
		{ "SELECT CAST('b' AS Enum8('a' = 1, 'b' = 2))", CELL_STRING, "b" },
		{ "SELECT toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')", CELL_STRING,
		  "61f0c404-5cb3-11e7-907b-a6006ad3dba0" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_cell(*state, rows[i].sql, rows[i].type, rows[i].text);
}

static void newer_servers_types_and_times_are_read(void **state UNUSED)
{
	static const struct { const char *body; enum cell_type type; const char *text;
	} rows[] = {
		{ "x\nBool\ntrue\n", CELL_BOOL, "true" },
		{ "x\nLowCardinality(Nullable(String))\n\\N\n", CELL_STRING, NULL },
		{ "x\nUInt256\n12\n", CELL_INT, "12" },
		{ "x\nDateTime64(3)\n2026-11-22T08:00:00.250Z\n", CELL_TIMESTAMP,
		  "2026-11-22T08:00:00.250000Z" },
		{ "x\nDateTime64(3, \\'UTC\\')\n2026-11-22 08:00:00.250\n", CELL_TIMESTAMP,
		  "2026-11-22T08:00:00.250000Z" },
		{ "x\nDecimal(9, 2)\n1.50\n", CELL_STRING, "1.50" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct result r = {0};
		struct error err = {0};
		assert_int_equal(
			clickhouse_answer_rows(str_c(rows[i].body), "Asia/Tokyo", &r, &err),
			OUTCOME_OK);
		assert_int_equal(r.columns[0].type, rows[i].type);
		if (rows[i].text)
			assert_string_equal(r.rows.at[0][0].ptr, rows[i].text);
		else
			assert_null(r.rows.at[0][0].ptr);
		result_clear(&r);
	}
	static const char *const wrong[] = { "{}\n", "a\tb\nInt8\n", "a\nInt8\n1\t2\n",
					     "a\nint\n" };
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct result r = {0};
		struct error err = {0};
		assert_int_equal(clickhouse_answer_rows(str_c(wrong[i]), "UTC", &r, &err),
				 OUTCOME_FAILED);
		result_clear(&r);
		error_clear(&err);
	}
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
		struct str text;
		enum cell_type back;
		const char *read;
	} rows[] = {
		{ CELL_BOOL, { "true", 4 }, CELL_INT, "1" },
		{ CELL_INT, { "-5", 2 }, CELL_INT, "-5" },
		{ CELL_INT, { "-9223372036854775808", 20 }, CELL_INT, "-9223372036854775808" },
		{ CELL_FLOAT, { "3", 1 }, CELL_FLOAT, "3" },
		{ CELL_FLOAT, { "-1.5", 4 }, CELL_FLOAT, "-1.5" },
		{ CELL_FLOAT, { "inf", 3 }, CELL_FLOAT, "inf" },
		{ CELL_FLOAT, { "-inf", 4 }, CELL_FLOAT, "-inf" },
		{ CELL_FLOAT, { "nan", 3 }, CELL_FLOAT, "nan" },
		{ CELL_TIMESTAMP,
		  { "2026-11-22T08:00:00.000000Z", 27 },
		  CELL_TIMESTAMP,
		  "2026-11-22T08:00:00.000000Z" },
		{ CELL_STRING, { NULL, 0 }, CELL_STRING, NULL },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf sql = {0};
		buf_text(&sql, "SELECT ");
		c->kind->quote_literal(&sql, rows[i].type, rows[i].text);
		expect_cell(c, sql.ptr, rows[i].back, rows[i].read);
		buf_clear(&sql);
	}
	struct buf sql = {0};
	buf_text(&sql, "SELECT length(");
	c->kind->quote_literal(&sql, CELL_STRING, STR("a\0b"));
	buf_byte(&sql, ')');
	expect_cell(c, sql.ptr, CELL_INT, "3");
	buf_reset(&sql);
	buf_text(&sql, "SELECT 1-");
	c->kind->quote_literal(&sql, CELL_INT, STR("-5"));
	expect_cell(c, sql.ptr, CELL_INT, "6");
	buf_clear(&sql);
}

static void a_query_changes_nothing(void **state)
{
	must_exec(*state, "CREATE TABLE t (a Int32) ENGINE = MergeTree ORDER BY a");
	expect_failure(*state, true, "INSERT INTO t VALUES (1)", "164", "readonly");
	expect_failure(*state, true, "DROP TABLE t", "164", "readonly");
	expect_failure(*state, true, "SET max_threads = 1; DROP TABLE t", "62", "Multi-statements");
	expect_failure(*state, true, "SELECT 1 FORMAT JSON", "", "TabSeparatedWithNamesAndTypes");
	expect_failure(*state, true, " ", "", "no statement");
	expect_failure(*state, false, "SELECT 1; SELECT 2", "62", "Multi-statements");
	expect_cell(*state, "SELECT count() FROM t", CELL_INT, "0");
}

static void errors_are_told_with_code_class_and_position(void **state)
{
	static const struct {
		const char *sql, *code;
		enum error_class class;
		long position;
	} rows[] = {
		{ "SELECT 'é' FROMM x y", "62", ERROR_PERMANENT, 18 },
		{ "SELECT 1 FROM nowhere", "60", ERROR_PERMANENT, 0 },
		{ "SELECT throwIf(number = 5) FROM numbers(10)", "395", ERROR_PERMANENT, 0 },
		{ "SELECT nope", "47", ERROR_PERMANENT, 0 },
		{ "INSERT INTO nowhere SELECT 1", "60", ERROR_PERMANENT, 0 },
		{ "INSERT INTO t SELECT intDiv(1, 5 - number) FROM numbers(9)", "153",
		  ERROR_UNKNOWN, 0 },
		{ "CREATE TABLE made ENGINE = Log AS SELECT throwIf(number = 5) FROM numbers(9)",
		  "395", ERROR_UNKNOWN, 0 },
	};
	struct connection *c = *state;
	must_exec(c, "CREATE TABLE t (a Int32) ENGINE = MergeTree ORDER BY a");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct statement s = say(rows[i].sql);
		struct error err = {0};
		int64_t affected;
		assert_int_equal(c->kind->exec(c, &s, NULL, &affected, &err), OUTCOME_FAILED);
		assert_string_equal(err.code, rows[i].code);
		assert_int_equal(err.class, rows[i].class);
		assert_int_equal(err.position, rows[i].position);
		assert_string_equal(err.query_id, s.query_id);
		assert_null(strstr(err.message, "e.what()"));
		error_clear(&err);
	}
	must_exec(c, "DROP TABLE IF EXISTS made");
}

static void exceptions_are_found_in_every_versions_form(void **state UNUSED)
{
	static const struct {
		long status;
		const char *body, *header_code, *tag;
		bool reading;
		const char *code;		/* NULL: no error */
		enum error_class class;
	} rows[] = {
		{ 200, "", "", "", false, NULL, 0 },
		{ 200, "a\nInt8\n1\n", "", "", true, NULL, 0 },
		{ 200,
		  "a\nString\nCode: 60, e.displayText() = DB::Exception: a cell that quotes an "
		  "error\n",
		  "", "", true, NULL, 0 },
		{ 500,
		  "Code: 241, e.displayText() = DB::Exception: Memory, e.what() = DB::Exception\n",
		  "", "", false, "241", ERROR_UNKNOWN },
		{ 500,
		  "Code: 75, e.displayText() = DB::ErrnoException: Cannot write to file x, "
		  "errno: 28, strerror: No space left on device, e.what() = "
		  "DB::ErrnoException\n",
		  "", "", false, "75", ERROR_UNKNOWN },
		{ 500,
		  "Poco::Exception. Code: 1000, e.code() = 0, e.displayText() = Cannot write file: "
		  "x, e.what() = Cannot write file\n",
		  "", "", false, "1000", ERROR_UNKNOWN },
		{ 500, "std::exception. Code: 1001, type: St9bad_alloc, e.what() = std::bad_alloc",
		  "", "", false, "1001", ERROR_UNKNOWN },
		{ 500, "Code: 241. DB::Exception: Memory. (MEMORY_LIMIT_EXCEEDED) (version 26.5)\n",
		  "", "", true, "241", ERROR_TRANSIENT },
		{ 200, "Code: 60. DB::Exception: gone", "", "", false, "60", ERROR_PERMANENT },
		{ 200, "anything", "202", "", false, "202", ERROR_TRANSIENT },
		{ 200, "a\nInt8\n1\n__exception__\r\nCode: 394. DB::Exception: killed", "", "",
		  true, "394", ERROR_TRANSIENT },
		{ 200,
		  "a\nInt8\n1\n__exception__\r\nabcd\r\nCode: 395. DB::Exception: x\r\n28 "
		  "abcd\r\n__exception__\r\n",
		  "", "abcd", true, "395", ERROR_PERMANENT },
		{ 502, "<html>Bad Gateway</html>", "", "", false, "", ERROR_UNKNOWN },
		{ 503, "", "", "", true, "", ERROR_TRANSIENT },
		{ 404, "not here", "", "", false, "", ERROR_PERMANENT },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct answer a = { .status = rows[i].status };
		struct request r = { .sql = STR("x"), .reading = rows[i].reading };
		struct error err = {0};
		buf_text(&a.body, rows[i].body);
		strcpy(a.code, rows[i].header_code);
		strcpy(a.tag, rows[i].tag);
		enum outcome o = clickhouse_answer_check(&a, &r, &err);
		if ((o == OUTCOME_OK) != !rows[i].code)
			fail_msg("row %zu: outcome %d", i, (int)o);
		if (o != OUTCOME_OK &&
		    (strcmp(err.code, rows[i].code) != 0 || err.class != rows[i].class))
			fail_msg("row %zu: code %s class %d", i, err.code, (int)err.class);
		error_clear(&err);
		clickhouse_answer_clear(&a);
	}
}

static void a_long_statement_is_sent_so_that_no_part_of_it_runs(void **state)
{
	struct connection *c = *state;
	struct buf sql = {0};
	must_exec(c, "CREATE TABLE t (a Int32) ENGINE = MergeTree ORDER BY a");
	buf_text(&sql, "INSERT INTO t SELECT number FROM numbers(100000) WHERE number IN (0");
	for (int i = 1; i < 20000; i++)
		buf_format(&sql, ",%d", i);
	buf_text(&sql, ") ");
	size_t head;
	assert_true(clickhouse_text_split(buf_view(&sql), 15000, &head));
	assert_int_equal(sql.ptr[head - 1], '(');
	must_exec(c, sql.ptr);
	expect_cell(c, "SELECT count() FROM t", CELL_INT, "20000");
	buf_text(&sql, " OR 1");
	expect_failure(c, false, sql.ptr, "", "too long to be sent safely");
	buf_reset(&sql);
	buf_text(&sql, "SELECT 1 WHERE 'it''s (' = ");
	for (int i = 0; i < 6000; i++)
		buf_text(&sql, "'((('||");
	buf_text(&sql, "')'");
	assert_false(clickhouse_text_split(buf_view(&sql), 15000, &head));
	buf_clear(&sql);
}

static void timeouts_and_wishes_to_cancel_end_a_statement(void **state)
{
	struct connection *c = *state;
	struct statement s = say("SELECT count() FROM system.numbers WHERE NOT ignore(number)");
	struct error err = {0};
	struct result r = {0};
	int64_t affected, start = os_monotonic_ms();
	s.timeout_ms = 800;
	assert_int_equal(c->kind->exec(c, &s, NULL, &affected, &err), OUTCOME_FAILED);
	assert_string_equal(err.code, "159");
	assert_int_equal(err.class, ERROR_UNKNOWN);
	s.timeout_ms = 0;
	int asked = 0;
	struct watch watch = { cancel_soon, &asked };
	assert_int_equal(c->kind->query(c, &s, &watch, &r, &err), OUTCOME_FAILED);
	assert_string_equal(err.code, "394");
	assert_int_equal(err.class, ERROR_TRANSIENT);
	asked = 0;
	watch.ask = abandon_soon;
	assert_int_equal(c->kind->exec(c, &s, &watch, &affected, &err), OUTCOME_STOPPED);
	assert_int_equal(err.class, ERROR_UNKNOWN);
	error_clear(&err);
	struct statement look = say("SELECT count() FROM system.processes WHERE query_id = "
				    "'amig:1:2:3'");
	look.query_id = "amig:other";
	assert_int_equal(c->kind->query(c, &look, NULL, &r, &err), OUTCOME_OK);
	assert_string_equal(r.rows.at[0][0].ptr, "1");
	result_clear(&r);
	assert_int_equal(c->kind->fence(c, "amig:1:", NULL, &err), OUTCOME_OK);
	assert_int_equal(c->kind->query(c, &look, NULL, &r, &err), OUTCOME_OK);
	assert_string_equal(r.rows.at[0][0].ptr, "0");
	result_clear(&r);
	assert_in_range(os_monotonic_ms() - start, 800, 15000);
}

static void settings_go_with_the_statement(void **state)
{
	struct connection *c = *state;
	struct connection_setting setting = { STR("max_block_size"), STR("7") };
	struct statement s = say("SELECT max(blockSize()) FROM numbers(100)");
	struct result r = {0};
	struct error err = {0};
	s.settings = &setting;
	s.setting_count = 1;
	assert_int_equal(c->kind->query(c, &s, NULL, &r, &err), OUTCOME_OK);
	assert_string_equal(r.rows.at[0][0].ptr, "7");
	result_clear(&r);
	setting.name = STR("readonly");
	assert_int_equal(c->kind->query(c, &s, NULL, &r, &err), OUTCOME_FAILED);
	error_clear(&err);
}

/* Of a server that says so of itself, and of 18.16, which can none of it. */
static void what_a_server_can_is_asked_of_it(void **state)
{
	const struct clickhouse *old = ((struct connection *)*state)->state;
	struct clickhouse_capabilities can;
	struct str row[] = { STR("26.5.1.1"), STR("UTC"), STR(" log_queries=1 readonly=1 "),
			     STR("01") };
	struct str *at = row;
	struct result r = { .column_count = 4, .rows = { .at = &at, .count = 1 } };
	char *version, *zone;

	assert_true(clickhouse_capability_learn(&r, &can, &version, &zone));
	assert_string_equal(version, "26.5.1.1");
	assert_false(clickhouse_can(&can, CLICKHOUSE_CAN_EXACT_FLOATS));
	assert_true(clickhouse_can(&can, CLICKHOUSE_CAN_MUTATION_PROGRESS));
	assert_true(can.readonly);
	for (size_t i = 0; clickhouse_setting_at(i); i++)
		assert_int_equal(clickhouse_setting_goes(&can, i, FOR_CHANGE),
				 strcmp(clickhouse_setting_at(i)->name, "log_queries") == 0);
	free(version);
	free(zone);
	row[3] = STR("1"); /* another server's, or a proxy's */
	assert_false(clickhouse_capability_learn(&r, &can, &version, &zone));
	assert_false(old->can.readonly);
	assert_int_equal(old->can.can, 0);
	assert_int_not_equal(old->can.settings, 0);
}

static void a_setting_that_the_server_does_not_know_is_left_out(void **state)
{
	struct connection *c = *state;
	struct connection_setting settings[] = {
		{ STR("max_insert_threads"), STR("4") },	/* younger than 18.16 */
		{ STR("max_block_size"), STR("7") },
		{ STR("no_such_setting"), STR("1") },
	};
	struct statement s = say("CREATE TABLE t ENGINE = Memory AS SELECT blockSize() AS n FROM "
				 "numbers(100)");
	struct result r = { 0 };
	struct error err = { 0 };
	int64_t affected;
	s.settings = settings;
	s.setting_count = 3;
	for (int i = 0; i < 2; i++) {
		if (c->kind->exec(c, &s, NULL, &affected, &err) != OUTCOME_OK)
			fail_msg("%s", err.message);
		expect_cell(c, "SELECT max(n) FROM t", CELL_INT, "7");
		must_exec(c, "DROP TABLE t");
	}
	s.sql = STR("SELECT max(blockSize()) FROM numbers(100)");
	settings[1].value = STR("9");
	assert_int_equal(c->kind->query(c, &s, NULL, &r, &err), OUTCOME_OK);
	assert_string_equal(r.rows.at[0][0].ptr, "9");
	result_clear(&r);
}

/* By the parts that it has not written anew yet; 18.16 waits for no mutation, so it runs on. */
static void a_mutation_is_measured_by_its_parts(void **state)
{
	struct connection *c = *state;
	const struct timespec pause = { 0, 20000000L };
	struct measure m = { 0 };
	int64_t most = 0;

	must_exec(c, "CREATE TABLE parts (x Int64, y Int64) ENGINE = MergeTree ORDER BY x "
		     "PARTITION BY x");
	for (int i = 0; i < 4; i++)
		must_exec(c, "INSERT INTO parts SELECT toInt64(uniqExact(x)) AS x, 0 FROM parts");
	must_exec(c, "ALTER TABLE parts UPDATE y = x + sleepEachRow(0.3) WHERE 'amig:m:1' != ''");
	for (int i = 0; i < 500; i++, nanosleep(&pause, NULL)) {
		assert_true(c->kind->measure(c, "amig:m:1", &m));
		if (m.to_read == 0)
			break;
		assert_int_equal(m.to_read, 4000);
		assert_true(m.read >= most && m.read <= 4000);
		most = m.read;
	}
	assert_int_equal(m.to_read, 0);
	assert_in_range(most, 1000, 3000);
	assert_true(c->kind->measure(c, "amig:m:2", &m));
	assert_int_equal(m.to_read, 0);
}

static void a_result_beyond_the_cap_is_refused(void **state)
{
	expect_failure(*state, true,
		       "SELECT arrayStringConcat(arrayMap(x -> 'xxxxxxxxxx', range(1000))) FROM "
		       "numbers(10000)",
		       "", "larger than 64 MiB");
	expect_cell(*state, "SELECT 1", CELL_INT, "1");
}

static void a_statement_whose_connection_is_lost_is_followed_to_its_end(void **state)
{
	static struct proxy p;
	char through[256];
	start_proxy(&p, url, through, sizeof(through));
	struct connection c = must_open(&clickhouse_kind, through);
	must_exec(*state, "CREATE TABLE t (a Int32) ENGINE = MergeTree ORDER BY a");
	struct statement s = say("INSERT INTO t SELECT number FROM numbers(5) WHERE "
				 "sleepEachRow(0.1) = 0");
	struct error err = {0};
	int64_t affected;
	char id[40];
	snprintf(id, sizeof(id), "amig:9:%lld", (long long)os_wall_us());
	s.query_id = id;
	p.marker = "sleepEachRow";
	assert_int_equal(c.kind->exec(&c, &s, NULL, &affected, &err), OUTCOME_OK);
	assert_int_equal(p.cut, 1);
	expect_cell(*state, "SELECT count() FROM t", CELL_INT, "5");
	p.before = true;
	snprintf(id, sizeof(id), "amig:9:%lld", (long long)os_wall_us());
	assert_int_equal(c.kind->exec(&c, &s, NULL, &affected, &err), OUTCOME_UNREACHABLE);
	assert_int_equal(err.class, ERROR_UNKNOWN);
	assert_string_equal(err.query_id, id);
	assert_int_equal(p.cut, 2);
	error_clear(&err);
	expect_cell(*state, "SELECT count() FROM t", CELL_INT, "5");
	connection_close(&c);
	stop_proxy(&p);
}

/* A read may be sent again. */
static void a_change_is_sent_once_over_a_kept_socket(void **state)
{
	static struct proxy p;
	char through[256], id[40];
	start_proxy(&p, url, through, sizeof(through));
	struct connection c = must_open(&clickhouse_kind, through);
	struct statement s = say("INSERT INTO kept VALUES (1)");
	struct error err = {0};
	int64_t affected;
	int accepted;
	must_exec(*state, "CREATE TABLE kept (a Int32) ENGINE = MergeTree ORDER BY a");
	must_exec(&c, "INSERT INTO kept VALUES (7)");
	accepted = p.accepted;
	must_exec(&c, "INSERT INTO kept VALUES (8)");
	expect_cell(&c, "SELECT count() FROM kept", CELL_INT, "2");
	assert_int_equal(p.accepted, accepted);
	p.marker = "kept%20VALUES%20%281%29";
	p.before = true;
	snprintf(id, sizeof(id), "amig:9:%lld", (long long)os_wall_us());
	s.query_id = id;
	assert_int_equal(c.kind->exec(&c, &s, NULL, &affected, &err), OUTCOME_UNREACHABLE);
	assert_int_equal(err.class, ERROR_UNKNOWN);
	assert_int_equal(p.cut, 1);
	error_clear(&err);
	expect_cell(*state, "SELECT count() FROM kept", CELL_INT, "2");
	connection_close(&c);
	stop_proxy(&p);
}

static void the_secrets_are_in_headers_only(void **state UNUSED)
{
	static struct proxy p;
	char through[256];
	p.marker = "secret@";
	start_proxy(&p, url, through, sizeof(through));
	struct connection c = must_open(&clickhouse_kind, through);
	expect_cell(&c,
		    "SELECT count() FROM system.processes WHERE query LIKE '%secre"
		    "t%' AND query NOT LIKE '%LIKE%'",
		    CELL_INT, "0");
	assert_int_equal(p.cut, 0);
	connection_close(&c);
	stop_proxy(&p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_type_has_its_cells),
		TEST(newer_servers_types_and_times_are_read),
		TEST(what_is_quoted_comes_back_byte_for_byte),
		TEST(literals_are_what_the_database_reads_back),
		TEST(a_query_changes_nothing),
		TEST(errors_are_told_with_code_class_and_position),
		TEST(exceptions_are_found_in_every_versions_form),
		TEST(a_long_statement_is_sent_so_that_no_part_of_it_runs),
		TEST(timeouts_and_wishes_to_cancel_end_a_statement),
		TEST(settings_go_with_the_statement),
		TEST(what_a_server_can_is_asked_of_it),
		TEST(a_setting_that_the_server_does_not_know_is_left_out),
		TEST(a_mutation_is_measured_by_its_parts),
		TEST(a_result_beyond_the_cap_is_refused),
		TEST(a_statement_whose_connection_is_lost_is_followed_to_its_end),
		TEST(a_change_is_sent_once_over_a_kept_socket),
		TEST(the_secrets_are_in_headers_only),
	};
	url = server_url("AMIG_TEST_CLICKHOUSE");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
