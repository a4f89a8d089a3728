/* run_render.c - values become SQL by dialect; results become values by shape */
#include "vm/run/answer.h"
#include "vm/run/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* sql"…${hole}…" */
static struct value around(struct heap *h, struct value hole)
{
	struct value pieces[3] = { value_string(h, STR("a = ")), hole, value_string(h, STR(";")) };

	return value_sql(h, pieces, 3);
}

static void expect(struct heap *h, const struct connection_kind *kind, struct value hole,
		   const char *text)
{
	struct buf out = { 0 };
	struct error err = { 0 };

	assert_int_equal(render_sql(around(h, hole), kind, &out, &err), OUTCOME_OK);
	assert_string_equal(out.ptr, text);
	buf_clear(&out);
}

static void a_value_is_written_as_a_literal_and_never_pasted(void **state UNUSED)
{
	struct heap h = { 0 };
	struct value two[2] = { value_int(1), value_string(&h, STR("x'y")) };
	struct value parts[2] = { value_string(&h, STR("db")), value_string(&h, STR("ta\"ble")) };

	expect(&h, &sqlite_kind, value_int(-5), "a = (-5);");
	expect(&h, &sqlite_kind, value_null(), "a = NULL;");
	expect(&h, &sqlite_kind, value_string(&h, STR("it's; DROP TABLE t")),
	       "a = 'it''s; DROP TABLE t';");
	expect(&h, &sqlite_kind, value_bytes(&h, STR("\x01\xff")), "a = x'01ff';");
	expect(&h, &sqlite_kind, value_list(&h, two, 2), "a = (1, 'x''y');");
	expect(&h, &sqlite_kind, value_ident(&h, parts, 2), "a = \"db\".\"ta\"\"ble\";");
	expect(&h, &sqlite_kind, value_version(&h, STR("1.2.3")), "a = '1.2.3';");
	expect(&h, &sqlite_kind, around(&h, value_int(2)), "a = a = 2;;");
	heap_clear(&h);
}

static void a_duration_is_written_in_seconds(void **state UNUSED)
{
	struct heap h = { 0 };

	expect(&h, &sqlite_kind, value_duration(90000), "a = 90;");
	expect(&h, &sqlite_kind, value_duration(0), "a = 0;");
	expect(&h, &sqlite_kind, value_duration(-2000), "a = (-2);");
	expect(&h, &sqlite_kind, value_duration(1500), "a = 1.500;");
	expect(&h, &sqlite_kind, value_duration(-50), "a = (-0.050);");
	heap_clear(&h);
}

static void the_same_template_serves_two_dialects(void **state UNUSED)
{
	struct heap h = { 0 };
	struct value part = value_string(&h, STR("t"));

	expect(&h, &sqlite_kind, value_ident(&h, &part, 1), "a = \"t\";");
	expect(&h, &clickhouse_kind, value_ident(&h, &part, 1), "a = `t`;");
	heap_clear(&h);
}

static void what_has_no_form_in_sql_is_refused(void **state UNUSED)
{
	struct heap h = { 0 };
	static const struct str names[] = { { "f", 1 } };
	struct value one = value_int(1);
	const struct {
		struct value hole;
		const char *words;
	} cases[] = {
		{ value_list(&h, NULL, 0), "an empty list" },
		{ value_record(&h, names, &one, 1), "a record" },
		{ value_connection(0), "a connection" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf out = { 0 };
		struct error err = { 0 };

		assert_int_equal(render_sql(around(&h, cases[i].hole), &sqlite_kind, &out, &err),
				 OUTCOME_FAILED);
		assert_non_null(strstr(err.message, cases[i].words));
		buf_clear(&out);
		error_clear(&err);
	}
	heap_clear(&h);
}

/* A result of `count` rows: n (int), s (text); row i is i, "r". The second row's s is NULL. */
static void fill(struct result *r, size_t columns, size_t count)
{
	*r = (struct result){ .column_count = columns };
	r->columns = arena_array(&r->arena, struct column, 2);
	r->columns[0] = (struct column){ STR("n"), CELL_INT, STR("Int64") };
	r->columns[1] = (struct column){ STR("s"), CELL_STRING, STR("String") };
	for (size_t i = 0; i < count; i++) {
		struct str *cells = arena_array(&r->arena, struct str, 2);

		cells[0] = arena_format(&r->arena, "%zu", i);
		cells[1] = i == 1 ? (struct str){ NULL, 0 } : STR("r");
		vec_push(&r->rows, cells);
	}
}

static void a_shape_takes_as_many_rows_and_columns_as_it_names(void **state UNUSED)
{
	static const struct {
		enum query_shape shape;
		size_t columns, rows;
		const char *text, *words;
	} cases[] = {
		{ SHAPE_VALUE, 1, 1, "0", NULL },
		{ SHAPE_VALUE, 1, 0, NULL, "no row" },
		{ SHAPE_VALUE, 1, 2, NULL, "several rows" },
		{ SHAPE_VALUE, 2, 1, NULL, "one column" },
		{ SHAPE_ROW, 2, 1, "{n: 0, s: \"r\"}", NULL },
		{ SHAPE_ROW, 2, 0, NULL, "no row" },
		{ SHAPE_ROW, 2, 3, NULL, "several rows" },
		{ SHAPE_ROWS, 2, 0, "[]", NULL },
		{ SHAPE_ROWS, 2, 2, "[{n: 0, s: \"r\"}, {n: 1, s: null}]", NULL },
		{ SHAPE_COLUMN, 2, 3, "[0, 1, 2]", NULL },
		{ SHAPE_COLUMN, 0, 0, NULL, "wants a column" },
		{ SHAPE_EXISTS, 1, 0, "false", NULL },
		{ SHAPE_EXISTS, 1, 2, "true", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct heap h = { 0 };
		struct result r;
		struct value v;
		struct buf origin = { 0 }, text = { 0 };
		struct error err = { 0 };
		enum outcome o;

		fill(&r, cases[i].columns, cases[i].rows);
		o = answer_value(&r, cases[i].shape, STR("SELECT n"), &h, &v, &origin, &err);
		assert_int_equal(o, cases[i].text ? OUTCOME_OK : OUTCOME_FAILED);
		if (cases[i].text) {
			value_print(v, &text);
			assert_string_equal(text.ptr, cases[i].text);
			assert_non_null(strstr(origin.ptr, "SELECT n"));
		} else {
			assert_non_null(strstr(err.message, cases[i].words));
		}
		buf_clear(&origin);
		buf_clear(&text);
		error_clear(&err);
		result_clear(&r);
		heap_clear(&h);
	}
}

static void a_cell_that_is_not_of_its_columns_type_is_told(void **state UNUSED)
{
	struct heap h = { 0 };
	struct result r;
	struct value v;
	struct buf origin = { 0 };
	struct error err = { 0 };

	fill(&r, 1, 1);
	r.rows.at[0][0] = STR("18446744073709551615");
	assert_int_equal(answer_value(&r, SHAPE_VALUE, STR("SELECT n"), &h, &v, &origin, &err),
			 OUTCOME_FAILED);
	assert_non_null(strstr(err.message, "column n (Int64)"));
	buf_clear(&origin);
	error_clear(&err);
	result_clear(&r);
	heap_clear(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_written_as_a_literal_and_never_pasted),
		cmocka_unit_test(a_duration_is_written_in_seconds),
		cmocka_unit_test(the_same_template_serves_two_dialects),
		cmocka_unit_test(what_has_no_form_in_sql_is_refused),
		cmocka_unit_test(a_shape_takes_as_many_rows_and_columns_as_it_names),
		cmocka_unit_test(a_cell_that_is_not_of_its_columns_type_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
