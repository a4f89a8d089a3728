/* connection_guard.c - conditions that refuse late statements on ClickHouse, by
 * their text and on a real server (AMIG_TEST_CLICKHOUSE) */
#include "tests/unit/connection_test.h"
#include "vm/connection/clickhouse_guard.h"

static const char *url;

#define CONDITION                                                                                  \
	"((SELECT throwIf(max(epoch) > 5) FROM amig_fence WHERE run = 'amig:1.1:') "               \
	"= 0)"
static const struct target_fence at_5 = { "amig:1.1:", 5 }, at_6 = { "amig:1.1:", 6 };

/* The text with each @ replaced. */
static void spell(const char *text, struct buf *out)
{
	for (; *text; text++)
		if (*text == '@')
			buf_text(out, CONDITION);
		else
			buf_byte(out, *text);
}

static void a_condition_goes_where_the_shape_is_surely_understood(void **state UNUSED)
{
	static const struct {
		const char *sql, *guarded;
	} rows[] = {
		{ "INSERT INTO t SELECT x FROM s", "INSERT INTO t SELECT x FROM s WHERE @" },
		{ "insert into d.t (a, `b)`) select * from s where a = 1 or b = 2;",
		  "insert into d.t (a, `b)`) select * from s where @ AND ( a = 1 or b = "
		  "2);" },
		{ "INSERT INTO `d`.`t` SELECT a, count() FROM s GROUP BY a ORDER BY a "
		  "LIMIT 5",
		  "INSERT INTO `d`.`t` SELECT a, count() FROM s WHERE @ GROUP BY a ORDER "
		  "BY a "
		  "LIMIT 5" },
		{ "INSERT INTO t SELECT a FROM s PREWHERE a > 1 WHERE b IN (SELECT 1 "
		  "WHERE 2) "
		  "GROUP BY a WITH TOTALS HAVING 1",
		  "INSERT INTO t SELECT a FROM s PREWHERE a > 1 WHERE @ AND ( b IN "
		  "(SELECT 1 "
		  "WHERE 2)) GROUP BY a WITH TOTALS HAVING 1" },
		{ "INSERT INTO t SELECT a FROM s PREWHERE a > 1 -- ; the end",
		  "INSERT INTO t SELECT a FROM s PREWHERE a > 1 WHERE @ -- ; the end" },
		{ "/* WHERE */ INSERT INTO t SELECT ' FROM x WHERE', [1, 2] FROM (SELECT "
		  "1) AS s "
		  "ANY LEFT JOIN j USING k SETTINGS max_threads = 1",
		  "/* WHERE */ INSERT INTO t SELECT ' FROM x WHERE', [1, 2] FROM (SELECT "
		  "1) AS s "
		  "ANY LEFT JOIN j USING k WHERE @ SETTINGS max_threads = 1" },
		{ "INSERT INTO t SELECT a FROM s WHERE x = 'it''s \\' WHERE' ORDER BY a",
		  "INSERT INTO t SELECT a FROM s WHERE @ AND ( x = 'it''s \\' WHERE') "
		  "ORDER BY a" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct guard_place place;
		struct buf got = { 0 }, wanted = { 0 };

		if (!clickhouse_guard_place(str_c(rows[i].sql), &place))
			fail_msg("not understood: %s", rows[i].sql);
		clickhouse_guard_print(str_c(rows[i].sql), &place, &at_5, "q", &got);
		spell(rows[i].guarded, &wanted);
		assert_string_equal(got.ptr, wanted.ptr);
		buf_clear(&got);
		buf_clear(&wanted);
	}
}

static void what_is_not_understood_carries_none(void **state UNUSED)
{
	static const char *const rows[] = {
		"",
		"CREATE TABLE t (x Int8) ENGINE = Memory",
		"CREATE TABLE t ENGINE = Memory AS SELECT 1 FROM s WHERE 1",
		"OPTIMIZE TABLE t FINAL",
		"INSERT INTO t VALUES (1)",
		"INSERT INTO t FORMAT TabSeparated",
		"INSERT INTO t SELECT 1",
		"INSERT INTO t SELECT a FROM s UNION ALL SELECT b FROM s",
		"INSERT INTO t SELECT a FROM s WHERE 1 UNION ALL SELECT b FROM s WHERE 2",
		"INSERT INTO t SELECT a FROM s LIMIT 1 UNION ALL SELECT b FROM s",
		"INSERT INTO t (SELECT a FROM s)",
		"INSERT INTO t WITH 5 AS run SELECT a FROM s",
		"INSERT INTO FUNCTION remote('h', d, t) SELECT a FROM s",
		"INSERT INTO t SELECT a FROM s WHERE a = 1 FORMAT Null",
		"INSERT INTO t SELECT a FROM s WHERE limit > 5",
		"INSERT INTO t SELECT a FROM s WHERE order = 5",
		"INSERT INTO t SELECT group FROM s",
		"INSERT INTO t SELECT s.from FROM s",
		"INSERT INTO t SELECT a FROM s WHERE",
		"INSERT INTO t SELECT a FROM s WHERE GROUP BY a",
		"INSERT INTO t SELECT a FROM s WHERE a = GROUP BY a",
		"INSERT INTO t SELECT a FROM s WHERE a AND",
		"INSERT INTO t SELECT a FROM s WHERE a WHERE b",
		"INSERT INTO t SELECT a FROM s WHERE (a",
		"INSERT INTO t SELECT a FROM s WHERE a)",
		"INSERT INTO t SELECT a FROM s WHERE (a]",
		"INSERT INTO t SELECT a FROM s WHERE a = 'b",
		"INSERT INTO t SELECT a FROM s WHERE a = 'b\\'",
		"INSERT INTO t SELECT a FROM s WHERE a = `b",
		"INSERT INTO t SELECT a FROM s WHERE a = $$b WHERE c$$",
		"INSERT INTO t SELECT a FROM s; SELECT 1",
		"ALTER TABLE t ADD COLUMN x Int8",
		"ALTER TABLE t DROP PARTITION 1",
		"ALTER TABLE t ON CLUSTER c DELETE WHERE x = 1",
		"ALTER TABLE t DELETE WHERE x = 1, ADD COLUMN y Int8",
		"ALTER TABLE t UPDATE x = 1 WHERE y, UPDATE z = 1 WHERE y",
		"ALTER TABLE t DELETE IN PARTITION 1 WHERE x",
		"ALTER TABLE t DELETE WHERE x SETTINGS mutations_sync = 1",
		"ALTER TABLE t DELETE WHERE",
		"ALTER TABLE t UPDATE x = 1",
		"ALTER TABLE IF EXISTS t DELETE WHERE x",
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct guard_place place;

		if (clickhouse_guard_place(str_c(rows[i]), &place))
			fail_msg("understood: %s", rows[i]);
	}
}

/* Any tokens in any order: the places are in the text, and what is put there leaves the rest. */
static void any_tokens_are_survived(void **state UNUSED)
{
	static const char *const words[] = {
		"INSERT", "INTO", "t", ".", "SELECT", "a", "FROM", "s", "WHERE", "PREWHERE",
		"GROUP", "BY", "ORDER", "LIMIT", "5", "SETTINGS", "=", "(", ")", "[", "]",
		"{", "'b'", "'", "`c`", "`", "\"", "\\", "--", "\n", "/*", "*/", ";", ",", "ALTER",
		"TABLE", "UPDATE", "DELETE", "AND", "UNION", "$", "#",
	};
	int understood = 0;

	srand(7);
	for (int i = 0; i < 300000; i++) {
		struct guard_place place;
		struct buf sql = { 0 }, out = { 0 };

		buf_text(&sql, i % 3 ? "INSERT INTO t SELECT a FROM s " : "ALTER TABLE t ");
		for (int n = rand() % 12; n > 0; n--)
			buf_format(&sql, "%s ", words[(size_t)rand() % ARRAY_SIZE(words)]);
		if (clickhouse_guard_place(buf_view(&sql), &place)) {
			understood++;
			assert_true(place.close <= sql.len);
			assert_true(!place.has_where || place.open < place.close);
			clickhouse_guard_print(buf_view(&sql), &place, &at_5, "q", &out);
			assert_true(out.len > sql.len);
			assert_memory_equal(out.ptr, sql.ptr,
					    place.has_where ? place.open : place.close);
		}
		buf_clear(&sql);
		buf_clear(&out);
	}
	assert_true(understood > 1000);
}

static int setup(void **state)
{
	struct connection *c = calloc(1, sizeof(*c));

	*c = must_open(&clickhouse_kind, url);
	must_exec(c, "DROP TABLE IF EXISTS amig_fence");
	must_exec(c, "DROP TABLE IF EXISTS s");
	must_exec(c, "DROP TABLE IF EXISTS t");
	must_exec(c, "CREATE TABLE s (a Int64, b Int64) ENGINE = MergeTree ORDER BY a");
	must_exec(c, "CREATE TABLE t (a Int64, b Int64) ENGINE = MergeTree ORDER BY a");
	must_exec(c, "INSERT INTO s SELECT number, number % 3 FROM numbers(100)");
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	must_exec(*state, "DROP TABLE IF EXISTS amig_fence");
	must_exec(*state, "DROP TABLE s");
	must_exec(*state, "DROP TABLE t");
	connection_close(*state);
	free(*state);
	return 0;
}

static enum outcome raise_to(struct connection *c, const struct target_fence *f, bool *refused)
{
	struct error err = { 0 };
	enum outcome o = c->kind->raise_fence(c, f, NULL, refused, &err);

	if (o != OUTCOME_OK)
		print_message("%s\n", err.message);
	error_clear(&err);
	return o;
}

static void must_raise(struct connection *c, const struct target_fence *f)
{
	bool refused;

	assert_int_equal(raise_to(c, f, &refused), OUTCOME_OK);
}

static enum outcome exec_guarded(struct connection *c, const char *sql,
				 const struct target_fence *f, const char *id, char code[24])
{
	struct buf text = { 0 };
	struct error err = { 0 };
	int64_t rows;

	if (!c->kind->can_guard(c, str_c(sql), NULL))
		fail_msg("no condition for %s", sql);
	c->kind->guard(str_c(sql), f, id, &text);
	struct statement s = { .sql = buf_view(&text), .query_id = id };
	enum outcome o = c->kind->exec(c, &s, NULL, &rows, &err);
	if (o != OUTCOME_OK && strcmp(err.code, "395") != 0)
		fail_msg("%s: %s", text.ptr, err.message);
	snprintf(code, 24, "%s", err.code);
	error_clear(&err);
	buf_clear(&text);
	return o;
}

/* Each does the same as without its condition while the run is its sender's,
 * and nothing after. */
static void a_late_insert_changes_nothing(void **state)
{
	static const struct {
		const char *sql, *count;
	} rows[] = {
		{ "INSERT INTO t SELECT a, b FROM s", "100" },
		{ "INSERT INTO t SELECT a, b FROM s WHERE b = 1 OR a = 0", "34" },
		{ "INSERT INTO t (b, a) SELECT b, count() FROM s GROUP BY b ORDER BY b "
		  "LIMIT 2",
		  "2" },
		{ "INSERT INTO t SELECT a, b FROM s PREWHERE a < 10 WHERE b = 1 OR b = 2", "6" },
		{ "INSERT INTO t SELECT a, b FROM s PREWHERE a < 10", "10" },
		{ "INSERT INTO t SELECT a, n FROM s ANY INNER JOIN (SELECT toInt64(5) AS "
		  "a, 7 AS n) USING a",
		  "1" },
		{ "INSERT INTO t SELECT b, sum(a) FROM s GROUP BY b HAVING b < 2", "2" },
		{ "INSERT INTO t SELECT a, b FROM s WHERE 0", "0" },
		{ "INSERT INTO t SELECT number, 0 FROM numbers(3000000)", "3000000" },
	};
	struct connection *c = *state;
	char code[24];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		must_exec(c, "DROP TABLE t");
		must_exec(c, "CREATE TABLE t (a Int64, b Int64) ENGINE = MergeTree ORDER BY a");
		must_exec(c, "DROP TABLE IF EXISTS amig_fence");
		must_raise(c, &at_5);
		assert_int_equal(exec_guarded(c, rows[i].sql, &at_5, "amig:q", code), OUTCOME_OK);
		expect_cell(c, "SELECT count() FROM t", CELL_INT, rows[i].count);
		must_raise(c, &at_6);
		assert_int_equal(exec_guarded(c, rows[i].sql, &at_5, "amig:q", code),
				 OUTCOME_FAILED);
		assert_string_equal(code, "395");
		expect_cell(c, "SELECT count() FROM t", CELL_INT, rows[i].count);
		assert_int_equal(exec_guarded(c, rows[i].sql, &at_6, "amig:q", code), OUTCOME_OK);
	}
}

static void await_mutations(struct connection *c)
{
	struct result r;
	bool done = false;

	for (int i = 0; i < 200 && !done; i++) {
		must_query(c,
			   "SELECT count() FROM system.mutations WHERE table = 't' AND "
			   "database = currentDatabase() AND NOT is_done",
			   &r);
		done = str_eq(r.rows.at[0][0], STR("0"));
		result_clear(&r);
		usleep(50000);
	}
	assert_true(done);
}

/* A mutation that is under way goes on to its end under a successor: its
 * condition is of the moment in which it was sent. */
static void a_late_mutation_changes_nothing_and_one_under_way_ends(void **state)
{
	struct connection *c = *state;
	char code[24];

	must_raise(c, &at_5);
	must_exec(c, "INSERT INTO t SELECT number, 0 FROM numbers(10)");
	must_exec(c, "SYSTEM STOP MERGES");
	assert_int_equal(
		exec_guarded(c, "ALTER TABLE t DELETE WHERE a > 7 OR b", &at_5, "amig:q1", code),
		OUTCOME_OK);
	must_raise(c, &at_6);
	assert_int_equal(exec_guarded(c, "ALTER TABLE t UPDATE b = b + 1 WHERE a = 1", &at_5,
				      "amig:q2", code),
			 OUTCOME_FAILED);
	assert_string_equal(code, "395");
	must_exec(c, "SYSTEM START MERGES");
	await_mutations(c);
	expect_cell(c, "SELECT count() FROM t", CELL_INT, "8");
	expect_cell(c, "SELECT sum(b) FROM t", CELL_INT, "0");
	assert_int_equal(exec_guarded(c, "ALTER TABLE t UPDATE b = b + 1 WHERE a = 1", &at_6,
				      "amig:q3", code),
			 OUTCOME_OK);
	await_mutations(c);
	expect_cell(c, "SELECT sum(b) FROM t", CELL_INT, "1");
}

static void only_what_is_there_and_kept_is_fenced(void **state)
{
	struct connection *c = *state;

	assert_true(c->kind->can_guard(c, STR("INSERT INTO t SELECT a, b FROM s"), NULL));
	assert_true(c->kind->can_guard(c, STR("ALTER TABLE `t` DELETE WHERE 1"), NULL));
	assert_false(c->kind->can_guard(c, STR("INSERT INTO nowhere SELECT a FROM s"), NULL));
	must_exec(c, "DROP TABLE IF EXISTS far");
	must_exec(c, "CREATE TABLE far (a Int64) ENGINE = Memory");
	assert_false(c->kind->can_guard(c, STR("ALTER TABLE far DELETE WHERE 1"), NULL));
	must_exec(c, "DROP TABLE far");
}

/* A condition is no reason for a long statement not to go out any more. */
static void a_long_statement_carries_one_only_where_it_can_be_sent(void **state)
{
	struct connection *c = *state;
	struct buf list = { 0 }, sql = { 0 };
	char code[24];

	for (int i = 0; i < 9000; i++)
		buf_format(&list, "%s%d", i ? ", " : "", i * 10);
	must_raise(c, &at_5);
	buf_format(&sql, "INSERT INTO t SELECT a, b FROM s WHERE b = 1 AND a IN (%s)", list.ptr);
	assert_int_equal(exec_guarded(c, sql.ptr, &at_5, "amig:q", code), OUTCOME_OK);
	expect_cell(c, "SELECT count() FROM t", CELL_INT, "3");
	buf_reset(&sql);
	buf_format(&sql, "INSERT INTO t SELECT * FROM (SELECT a, b FROM s WHERE a IN (%s))",
		   list.ptr);
	assert_false(c->kind->can_guard(c, buf_view(&sql), NULL));
	must_exec(c, sql.ptr);
	expect_cell(c, "SELECT count() FROM t", CELL_INT, "13");
	buf_clear(&list);
	buf_clear(&sql);
}

static void a_fence_is_never_lowered_and_may_be_refused(void **state)
{
	struct connection *c = *state;
	bool refused = true;

	must_raise(c, &at_6);
	must_raise(c, &at_6);
	assert_int_equal(raise_to(c, &at_5, &refused), OUTCOME_NOT_NOW);
	assert_false(refused);
	expect_cell(c, "SELECT max(epoch) FROM amig_fence", CELL_INT, "6");
	/* Somebody else's table of that name. */
	must_exec(c, "DROP TABLE amig_fence");
	must_exec(c, "CREATE TABLE amig_fence (x Int8) ENGINE = Memory");
	assert_int_not_equal(raise_to(c, &at_6, &refused), OUTCOME_OK);
	assert_true(refused);
}

static enum fate fate_of(struct connection *c, const char *sql, const char *id, bool guarded)
{
	struct statement s = { .sql = str_c(sql), .query_id = id };
	struct buf seen = { 0 };
	enum fate fate = c->kind->ask(c, &s, guarded, &at_6, NULL, &seen);

	print_message("%s: %s\n", id, seen.ptr);
	buf_clear(&seen);
	return fate;
}

static void the_log_says_what_became_of_a_statement(void **state)
{
	static const char insert[] = "INSERT INTO t SELECT a, b FROM s";
	struct connection *c = *state;
	char id[4][60], unique[37];
	int64_t rows;

	os_uuid(unique);
	for (int i = 0; i < 4; i++)
		snprintf(id[i], sizeof(id[i]), "amig:%s:%d", unique, i);
	const struct {
		const char *sql;
		bool works;
	} sent[] = {
		{ insert, true },
		{ "INSERT INTO t SELECT a, b FROM nowhere", false },
		{ "INSERT INTO t SELECT a, throwIf(a = 99) FROM s", false },
		{ "ALTER TABLE t DROP COLUMN nothing", false },
	};
	for (int i = 0; i < 4; i++) {
		struct statement s = { .sql = str_c(sent[i].sql), .query_id = id[i] };
		struct error err = { 0 };

		assert_int_equal(c->kind->exec(c, &s, NULL, &rows, &err) == OUTCOME_OK,
				 sent[i].works);
		error_clear(&err);
	}
	assert_int_equal(fate_of(c, sent[0].sql, id[0], false), FATE_FINISHED);
	assert_int_equal(fate_of(c, sent[1].sql, id[1], false), FATE_NOT_BEGUN);
	assert_int_equal(fate_of(c, sent[2].sql, id[2], false), FATE_UNKNOWN);
	assert_int_equal(fate_of(c, sent[3].sql, id[3], false), FATE_UNKNOWN);
}

/* That nothing is recorded is proof for what would have carried a condition,
 * between two rows. */
static void the_log_says_that_nothing_began_only_where_it_is_whole(void **state)
{
	static const char insert[] = "INSERT INTO t SELECT a, b FROM s";
	struct connection *c = *state;

	assert_int_equal(fate_of(c, insert, "amig:never:1", true), FATE_UNKNOWN);
	must_raise(c, &at_6);
	sleep(3); /* the server must not have begun in the same seconds as the fence
		     was raised */
	assert_int_equal(fate_of(c, insert, "amig:never:1", false), FATE_UNKNOWN);
	assert_int_equal(fate_of(c, insert, "amig:never:1", true), FATE_NOT_BEGUN);
	/* The first raise is not in the log: who knows since when it is written. */
	must_exec(c, "INSERT INTO amig_fence VALUES ('amig:1.1:', 3, now() - 10)");
	assert_int_equal(fate_of(c, insert, "amig:never:1", true), FATE_UNKNOWN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_condition_goes_where_the_shape_is_surely_understood),
		cmocka_unit_test(what_is_not_understood_carries_none),
		cmocka_unit_test(any_tokens_are_survived),
		TEST(a_late_insert_changes_nothing),
		TEST(a_late_mutation_changes_nothing_and_one_under_way_ends),
		TEST(only_what_is_there_and_kept_is_fenced),
		TEST(a_long_statement_carries_one_only_where_it_can_be_sent),
		TEST(a_fence_is_never_lowered_and_may_be_refused),
		TEST(the_log_says_what_became_of_a_statement),
		TEST(the_log_says_that_nothing_began_only_where_it_is_whole),
	};

	url = server_url("AMIG_TEST_CLICKHOUSE");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
