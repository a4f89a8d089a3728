/* compiler_lint.c - the limits of the look at SQL, and what holes make of it */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "compiler/lint.h"

/* A migration with one operation on PostgreSQL, that sends the SQL. */
static void lint_sql(struct unit *u, struct str lets, struct str sql)
{
	struct buf text = { 0 };

	buf_text(&text, "migration \"m\" {\n  needs postgres\n  allow W0302 \"a test\"\n");
	buf_str(&text, lets);
	buf_text(&text, "  operation \"o\" on postgres {\n    forward sql\"\"\"");
	buf_str(&text, sql);
	buf_text(&text, "\"\"\"\n    rollback nothing\n  }\n}\n");
	unit_init(u);
	unit_add_text(u, STR("m.amig"), buf_view(&text));
	unit_check(u);
	lint_files(u);
	lint_together(u);
	buf_clear(&text);
}

/* How often a code was told; W0601 of the `allow` above does not count. */
static size_t told(const struct unit *u, const char *code)
{
	size_t count = 0;

	for (size_t i = 0; i < u->diags.all.count; i++)
		count += strcmp(diag_code_text(u->diags.all.at[i].code), code) == 0;
	return count;
}

static void assert_told(const char *lets, struct str sql, const char *code, size_t count)
{
	struct unit u;

	lint_sql(&u, str_c(lets), sql);
	assert_int_equal(u.diags.error_count, 0);
	assert_int_equal(told(&u, code), count);
	unit_clear(&u);
}

/* UPDATE t SET a = X1, where the X are as many as given. */
static void assert_long(const char *repeated, unsigned times, size_t count)
{
	struct buf sql = { 0 };

	buf_text(&sql, "UPDATE t SET a = ");
	for (unsigned i = 0; i < times; i++)
		buf_text(&sql, repeated);
	buf_text(&sql, "1");
	assert_told("", buf_view(&sql), "W0105", count);
	buf_clear(&sql);
}

/* Each of these is one level of the tree that libpg_query makes, and of its recursion. */
static void statements_of_2000_tokens_are_read_and_longer_ones_are_not(void **state)
{
	(void)state;
	assert_long("1 + ", 997, 1);
	assert_long("1 + ", 998, 0);
	assert_long("not ", 1994, 1);
	assert_long("not ", 1995, 0);
	assert_long("1 + ", 12000, 0);
	assert_long("- ", 30000, 0);
}

static void many_statements_in_a_template_are_read(void **state)
{
	struct buf sql = { 0 };

	(void)state;
	for (unsigned i = 0; i < 300; i++)
		buf_format(&sql, "DELETE FROM t%u;\n", i);
	assert_told("", buf_view(&sql), "W0105", 300);
	buf_clear(&sql);
}

static void templates_are_read_up_to_64_kib(void **state)
{
	struct buf sql = { 0 };

	(void)state;
	buf_text(&sql, "SELECT '");
	while (sql.len < ((size_t)64 << 10) - 100)
		buf_byte(&sql, 'x');
	buf_text(&sql, "'; DELETE FROM t");
	assert_told("", buf_view(&sql), "W0105", 1);
	buf_reset(&sql);
	/* The second part is left out, and with it what it may say. */
	buf_text(&sql, "SELECT '");
	while (sql.len < (size_t)64 << 10)
		buf_byte(&sql, 'x');
	buf_text(&sql, "'; DELETE FROM t ${raw(\"\")}, ${raw(\"\")}");
	assert_told("", buf_view(&sql), "W0105", 0);
	buf_clear(&sql);
}

static void fragments_that_are_known_are_put_in(void **state)
{
	static const char lets[] =
		"  let where = sql\"WHERE closed\"\n"
		"  let table = sql\"account\"\n"
		"  let name = ident(\"public\", \"account\")\n"
		"  let part = postgres.value(sql\"SELECT 1\") as string\n"
		"  allow W0502 \"a test\"\n";

	(void)state;
	assert_told(lets, STR("DELETE FROM ${table} ${where}"), "W0105", 0);
	assert_told(lets, STR("DELETE FROM ${table}"), "W0105", 1);
	assert_told(lets, STR("DELETE FROM ${name}"), "W0105", 1);
	assert_told(lets, STR("DELETE FROM ${name} ${raw(\"WHERE closed\")}"), "W0105", 0);
	assert_told(lets, STR("DELETE FROM ${name} ${raw(\"\")}"), "W0105", 1);
	assert_told(lets, STR("DELETE FROM ${name} ${raw(part)}"), "W0105", 0);
	assert_told(lets, STR("CREATE TABLE public.account (); DELETE FROM ${name}"), "W0105", 0);
}

/* Each doubles the one before it: the text would have 4 GiB. */
static void fragments_that_multiply_are_cut_off(void **state)
{
	struct buf lets = { 0 };
	struct unit u;

	(void)state;
	buf_text(&lets, "  let f0 = sql\"abcdefghijklmnopqrstuvwxyz abcdefghijklmnop\"\n");
	for (unsigned i = 1; i < 26; i++)
		buf_format(&lets, "  let f%u = sql\"${f%u} ${f%u} ${f%u} ${f%u}\"\n", i, i - 1,
			   i - 1, i - 1, i - 1);
	lint_sql(&u, buf_view(&lets), STR("DELETE FROM t ${f25}; DELETE FROM t ${f7}"));
	assert_int_equal(u.diags.error_count, 0);
	assert_int_equal(told(&u, "W0105"), 0);
	unit_clear(&u);
	buf_clear(&lets);
}

static void what_is_no_sql_is_passed_over(void **state)
{
	(void)state;
	assert_told("", STR("DELETE"), "W0105", 0);
	assert_told("", STR(""), "W0105", 0);
	assert_told("", STR(";;;"), "W0105", 0);
	assert_told("", STR("'"), "W0105", 0);
	assert_told("", STR("DELETE FROM t /* never closed"), "W0105", 0);
	assert_told("", STR("DELETE FROM t $x$ never closed"), "W0105", 0);
	assert_told("", STR("DELETE FROM t; E'\\\\"), "W0105", 0);
	assert_told("", STR("ALTER TABLE ONLY"), "W0105", 0);
}

static void a_unit_with_errors_is_not_looked_at(void **state)
{
	struct unit u;

	(void)state;
	lint_sql(&u, STR("  let a = nowhere\n"), STR("DELETE FROM t"));
	assert_int_equal(u.diags.error_count, 1);
	assert_int_equal(u.diags.warning_count, 0);
	unit_clear(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_of_2000_tokens_are_read_and_longer_ones_are_not),
		cmocka_unit_test(many_statements_in_a_template_are_read),
		cmocka_unit_test(templates_are_read_up_to_64_kib),
		cmocka_unit_test(fragments_that_are_known_are_put_in),
		cmocka_unit_test(fragments_that_multiply_are_cut_off),
		cmocka_unit_test(what_is_no_sql_is_passed_over),
		cmocka_unit_test(a_unit_with_errors_is_not_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
