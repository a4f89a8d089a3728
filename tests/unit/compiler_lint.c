/* compiler_lint.c - the limits of the look at SQL, what holes make of it, files known by a head */
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

/* Two that share versions, of which the unit has but the heads; the second one's text is given. */
static void lint_known(struct unit *u, struct str text, struct hash hash)
{
	const struct str first = STR("migration \"a\" {\n  versions 1.0.0 .. 2.0.0\n}\n");
	const struct migration heads[] = {
		{ .name = STR("a"), .min_version = STR("1.0.0"), .max_version = STR("2.0.0") },
		{ .name = STR("b"), .min_version = STR("1.5.0"), .max_version = STR("3.0.0") },
	};

	unit_init(u);
	unit_add_known(u, STR("a.amig"), first, hash_of(first), &heads[0]);
	unit_add_known(u, STR("/nowhere/b.amig"), text, hash, &heads[1]);
	unit_check_together(u);
	lint_together(u);
}

static void of_a_file_that_is_known_the_places_are_found_when_they_are_told(void **state)
{
	const struct str text = STR("# b\nmigration \"b\" { versions 1.5.0 .. 3.0.0 }\n"),
			 allows = STR("migration \"b\" {\n  versions 1.5.0 .. 3.0.0\n"
				      "  allow W0401 \"a test\"\n}\n");
	struct unit u;

	(void)state;
	lint_known(&u, text, hash_of(text));
	assert_false(u.outdated);
	assert_int_equal(told(&u, "W0401"), 1);
	assert_int_equal(u.diags.all.at[0].span.source, 1);
	assert_int_equal(source_place(&u.sources, 1, u.diags.all.at[0].span.start).line, 2);
	assert_int_equal(u.diags.all.at[0].notes.at[0].span.source, 0);
	unit_clear(&u);
	lint_known(&u, allows, hash_of(allows));
	assert_false(u.outdated);
	assert_int_equal(u.diags.all.count, 0);
	unit_clear(&u);
}

static void a_known_file_that_is_changed_or_gone_by_then_is_outdated(void **state)
{
	const struct str text = STR("migration \"b\" { versions 1.5.0 .. 3.0.0 }\n");
	struct unit u;

	(void)state;
	lint_known(&u, text, hash_of(STR("another one")));
	assert_true(u.outdated);
	unit_clear(&u);
	lint_known(&u, (struct str){ 0 }, hash_of(text));
	assert_true(u.outdated);
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
		cmocka_unit_test(of_a_file_that_is_known_the_places_are_found_when_they_are_told),
		cmocka_unit_test(a_known_file_that_is_changed_or_gone_by_then_is_outdated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
