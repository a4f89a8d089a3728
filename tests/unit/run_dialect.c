/* run_dialect.c - the table in docs/language.md of what values become in SQL is what the dialects
 * write; the tests run in the root of the sources */
#include "vm/run/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

#define PAGE "docs/language.md"
#define HEADING "| in the source | PostgreSQL | SQLite | ClickHouse |\n"
#define CELLS 4

static const struct connection_kind *const dialects[CELLS] = {
	NULL, &postgres_kind, &sqlite_kind, &clickhouse_kind
};

/* The values of the first column. */
static struct value of_source(struct heap *h, struct str source)
{
	struct value two[2] = { value_int(1), value_int(2) };
	struct value parts[2] = { value_string(h, STR("shop")), value_string(h, STR("invoice")) };
	struct value texts[2] = { value_string(h, STR("eu")), value_string(h, STR("us")) };
	const struct {
		const char *source;
		struct value value;
	} known[] = {
		{ "true", value_bool(true) },
		{ "42", value_int(42) },
		{ "-42", value_int(-42) },
		{ "1.5", value_float(1.5) },
		{ "\"it's\"", value_string(h, STR("it's")) },
		{ "bytes 01 ff", value_bytes(h, STR("\x01\xff")) },
		{ "90s", value_duration(90000) },
		{ "1500ms", value_duration(1500) },
		{ "a timestamp", value_timestamp(INT64_C(1714566600000000)) },
		{ "1.33.0", value_version(h, STR("1.33.0")) },
		{ "null", value_null() },
		{ "[1, 2]", value_list(h, two, 2) },
		{ "[\"eu\", \"us\"]", value_list(h, texts, 2) },
		{ "ident(\"shop\", \"invoice\")", value_ident(h, parts, 2) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (str_eq(source, str_c(known[i].source)))
			return known[i].value;
	print_error("the first column of the table has %.*s\n", STR_ARG(source));
	fail();
	return value_null();
}

/* Without the back quotes that make it code. */
static struct str unquoted(struct str cell)
{
	cell = str_trim(cell);
	while (cell.len > 1 && cell.ptr[0] == '`' && cell.ptr[cell.len - 1] == '`' &&
	       cell.ptr[1] != ' ')
		cell = (struct str){ cell.ptr + 1, cell.len - 2 };
	if (cell.len > 1 && cell.ptr[0] == '`' && cell.ptr[1] == ' ')
		cell = (struct str){ cell.ptr + 1, cell.len - 2 };
	return str_trim(cell);
}

static void check_row(char *line)
{
	struct heap h = { 0 };
	struct value v = value_null();
	char *rest = line + 1;

	for (size_t i = 0; i < CELLS; i++) {
		char *end = strchr(rest, '|');
		struct value pieces[3] = { value_string(&h, STR("")), v,
					   value_string(&h, STR("")) };
		struct buf out = { 0 };
		struct error err = { 0 };
		struct str cell;

		assert_non_null(end);
		*end = '\0';
		cell = unquoted(str_c(rest));
		rest = end + 1;
		if (i == 0) {
			v = of_source(&h, cell);
			continue;
		}
		assert_int_equal(render_sql(value_sql(&h, pieces, 3), dialects[i], &out, &err),
				 OUTCOME_OK);
		if (!str_eq(str_trim(buf_view(&out)), cell)) {
			print_error("%s writes %s\n", dialects[i]->name, out.ptr);
			fail();
		}
		buf_clear(&out);
	}
	heap_clear(&h);
}

static void the_manual_shows_what_the_dialects_write(void **state UNUSED)
{
	FILE *page = fopen(PAGE, "r");
	char line[512];
	size_t rows = 0;
	bool inside = false;

	assert_non_null(page);
	while (fgets(line, sizeof(line), page)) {
		if (inside && line[0] != '|')
			break;
		if (inside && strncmp(line, "| --- ", 6) != 0) {
			check_row(line);
			rows++;
		}
		inside = inside || strcmp(line, HEADING) == 0;
	}
	fclose(page);
	assert_true(rows >= 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_shows_what_the_dialects_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
