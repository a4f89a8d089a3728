/* compiler_check.c - what the checker makes of trees, of several files, and of modules */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "compiler/check.h"
#include "compiler/type.h"
#include "vm/base/os.h"

/* ---- a unit of texts ---- */

struct library { const char *name, *text; };

static const struct library libraries[] = {
	{ "ring_a", "use ring_b\n" },
	{ "ring_b", "use ring_c\n" },
	{ "ring_c", "use ring_a\n" },
	{ "holds_migration", "migration \"0009_x\" {\n}\n" },
	{ "first", "use second\nfn one(c: sqlite) -> int {\n  return second.two(c)\n}\n" },
	{ "second", "fn two(c: sqlite) -> int {\n  return c.value(sql\"SELECT 2\") as int\n}\n" },
	{ "broken", "fn bad() -> int {\n  return \"x\"\n}\n" },
	{ "ops", "operations pair(c: sqlite, table: ident, note: string = \"n\") {\n"
		 "  operation \"a\" on c {\n    forward sql\"DROP TABLE ${table}\"\n    "
		 "irreversible \"gone\"\n  }\n"
		 "  operation \"b\" on c {\n    forward sql\"SELECT ${note}, ${table}\"\n    "
		 "rollback nothing\n  }\n"
		 "}\n" },
};

static struct str read_library(void *context, struct str name, struct str *path)
{
	(void)context;
	for (size_t i = 0; i < ARRAY_SIZE(libraries); i++)
		if (str_eq(name, str_c(libraries[i].name))) {
			*path = str_c(libraries[i].name);
			return str_c(libraries[i].text);
		}
	return (struct str){ NULL, 0 };
}

static void check_texts(struct unit *u, const char *const *texts, size_t count)
{
	unit_init(u);
	u->read_module = read_library;
	for (size_t i = 0; i < count; i++) {
		char path[32];

		snprintf(path, sizeof(path), "%zu.amig", i + 1);
		unit_add_text(u, str_c(path), str_c(texts[i]));
	}
	unit_check(u);
}

static void check_text(struct unit *u, const char *text)
{
	check_texts(u, &text, 1);
}

/* "E0301 E0402": the codes in the order of their places. */
static void assert_codes(struct unit *u, const char *expected)
{
	struct buf codes = { 0 }, printed = { 0 };

	for (size_t i = 0; i < u->diags.all.count; i++)
		buf_format(&codes, "%s%s", i ? " " : "", diag_code_text(u->diags.all.at[i].code));
	if (strcmp(codes.ptr ? codes.ptr : "", expected) != 0) {
		diags_print_text(&u->diags, &u->sources, false, &printed);
		print_error("%s\n", printed.ptr);
	}
	assert_string_equal(codes.ptr ? codes.ptr : "", expected);
	buf_clear(&codes);
	buf_clear(&printed);
}

static void assert_good(struct unit *u)
{
	assert_codes(u, "");
	assert_int_equal(u->diags.error_count, 0);
}

static const struct statement *find_statement(const struct statement *s, enum statement_kind kind)
{
	while (s && s->kind != kind)
		s = s->next;
	assert_non_null(s);
	return s;
}

/* ---- what is set on the tree ---- */

static void an_operation_knows_what_it_captures_in_the_order_of_use(void **state)
{
	struct unit u;
	const struct statement *loop;
	const struct operation_syntax *o;

	(void)state;
	check_text(&u,
		   "migration \"1\" {\n  needs db: sqlite\n  param p: int = 1\n  let frozen = 2\n"
		   "  for n in [1, 2] {\n    let twice = n * 2\n    let unused = 3\n"
		   "    operation \"x ${unused}\" on db {\n      timeout 1m * unused\n"
		   "      forward {\n        let n2 = twice + p + frozen\n        exec sql\"${n2} "
		   "${n} ${twice}\"\n      }\n"
		   "      rollback sql\"${n}\"\n      done when n == 3\n    }\n  }\n}\n");
	assert_good(&u);
	assert_int_equal(u.migrations.count, 1);
	assert_int_equal(u.migrations.at[0]->frozen_count, 1);
	assert_int_equal(u.migrations.at[0]->param_count, 1);
	assert_int_equal(u.migrations.at[0]->operation_count, 1);
	loop = find_statement(u.migrations.at[0]->declaration->migration->plan, STATEMENT_FOR);
	o = find_statement(loop->loop.body->first, STATEMENT_OPERATION)->operation;
	assert_int_equal(o->capture_count, 2);
	assert_true(str_eq(o->captures[0]->name, STR("twice")));
	assert_true(str_eq(o->captures[1]->name, STR("n")));
	assert_int_equal(o->captures[1]->kind, SYMBOL_PLAN_LOOP);
	assert_ptr_equal(operation_connection(o), u.migrations.at[0]->needs[0]);
	unit_clear(&u);
}

static void the_values_of_a_call_are_in_the_order_of_the_parameters(void **state)
{
	struct unit u;
	const struct statement *s;
	const struct expression *call;

	(void)state;
	check_text(&u, "use ops\nmigration \"1\" {\n  needs sqlite\n  include sqlite.pair(table: "
		       "ident(\"a\", \"b\"))\n}\n");
	assert_good(&u);
	s = find_statement(u.migrations.at[0]->declaration->migration->plan, STATEMENT_INCLUDE);
	call = s->expression;
	assert_int_equal(call->symbol->kind, SYMBOL_OPERATIONS);
	assert_int_equal(call->call.value_count, 3);
	assert_ptr_equal(call->call.values[0]->symbol, u.migrations.at[0]->needs[0]);
	assert_int_equal(call->call.values[1]->type, TYPE_IDENT);
	assert_int_equal(call->call.values[1]->call.value_count, 1);
	assert_int_equal(call->call.values[1]->call.values[0]->kind, EXPRESSION_LIST);
	assert_null(call->call.values[2]);
	unit_clear(&u);
}

static void a_cluster_without_a_connection_is_that_of_the_operation(void **state)
{
	struct unit u;
	const struct operation_syntax *o;
	const struct expression *call;

	(void)state;
	check_text(&u, "migration \"1\" {\n  needs a: clickhouse\n  needs b: clickhouse\n  "
		       "operation \"x\" on b {\n"
		       "    forward sql\"DROP TABLE t ${on_cluster()}\"\n    irreversible "
		       "\"gone\"\n  }\n}\n");
	assert_good(&u);
	o = find_statement(u.migrations.at[0]->declaration->migration->plan, STATEMENT_OPERATION)
		    ->operation;
	call = o->forward->sql->parts->next->hole;
	assert_int_equal(call->symbol->kind, SYMBOL_SPECIAL);
	assert_int_equal(call->symbol->number, SPECIAL_ON_CLUSTER);
	assert_int_equal(call->call.value_count, 1);
	assert_ptr_equal(call->call.values[0]->symbol, u.migrations.at[0]->needs[1]);
	unit_clear(&u);
}

static void an_overload_is_chosen_by_the_type_of_its_argument(void **state)
{
	struct unit u;
	const struct statement *s;

	(void)state;
	check_text(
		&u,
		"migration \"1\" {\n  needs sqlite\n  let a = len(\"x\")\n  let b = len([1])\n}\n");
	assert_good(&u);
	s = u.migrations.at[0]->declaration->migration->plan;
	assert_string_equal(builtin_table[s->let.value->symbol->number].signature,
			    "(text: string) -> int");
	assert_string_equal(builtin_table[s->next->let.value->symbol->number].signature,
			    "(list: [T]) -> int");
	unit_clear(&u);
}

static void values_have_the_types_that_an_author_expects(void **state)
{
	static const struct { const char *value, *type; } cases[] = {
		{ "1 + 2", "int" },
		{ "1.5 * 2.0", "float" },
		{ "\"a\" + \"b\"", "string" },
		{ "now() - now()", "duration" },
		{ "now() + 1d", "timestamp" },
		{ "2 * 30s", "duration" },
		{ "env(\"X\") ?? \"y\"", "string" },
		{ "[1, null]", "[int?]" },
		{ "{a: 1, b: [\"x\"]}", "{a: int, b: [string]}" },
		{ "if true { 1 } else { null }", "int?" },
		{ "service_version(sqlite) > 3.0.0", "bool" },
		{ "sqlite.exists(sql\"SELECT 1\")", "bool" },
		{ "sqlite.rows(sql\"SELECT 1 AS n\") as [{n: int}]", "[{n: int}]" },
		{ "split(\"a,b\", \",\")[0]", "string" },
		{ "ident(\"a\")", "ident" },
		{ "sql_join([sql\"a\"], sql\",\")", "sql" },
		{ "cluster()", "string?" },
		{ "100MB", "int" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct unit u;
		struct buf text = { 0 };

		buf_format(&text, "migration \"1\" {\n  needs sqlite\n  let x = %s\n}\n",
			   cases[i].value);
		check_text(&u, text.ptr);
		assert_good(&u);
		assert_string_equal(type_text(&u, u.migrations.at[0]->frozens[0]->type),
				    cases[i].type);
		unit_clear(&u);
		buf_clear(&text);
	}
}

static void the_compiler_knows_constants_and_their_sums(void **state)
{
	static const struct { const char *value; int64_t number; bool known; } cases[] = {
		{ "3 * 4 + 1", 13, true },
		{ "half * 2", 60000, true },
		{ "-(7 % 4)", -3, true },
		{ "7 / 0", 0, false },
		{ "9223372036854775807 + 1", 0, false },
		{ "len(\"x\")", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct unit u;
		struct buf text = { 0 };
		struct folded folded;

		buf_format(&text, "const half = 30s\nmigration \"1\" {\n  let x = %s\n}\n",
			   cases[i].value);
		check_text(&u, text.ptr);
		assert_good(&u);
		assert_int_equal(expression_fold(u.migrations.at[0]->frozens[0]->value, &folded),
				 cases[i].known);
		if (cases[i].known)
			assert_int_equal(folded.number, cases[i].number);
		unit_clear(&u);
		buf_clear(&text);
	}
}

static void a_label_is_shown_as_it_was_written(void **state)
{
	struct unit u;
	const struct statement *loop;
	const struct operation_syntax *o;

	(void)state;
	check_text(&u, "migration \"1\" {\n  needs sqlite\n  for m in [1] {\n    operation \"copy "
		       "${m} of ${m + 1}\" on sqlite {\n"
		       "      forward sql\"SELECT 1\"\n      rollback nothing\n    }\n  }\n}\n");
	assert_good(&u);
	loop = find_statement(u.migrations.at[0]->declaration->migration->plan, STATEMENT_FOR);
	o = find_statement(loop->loop.body->first, STATEMENT_OPERATION)->operation;
	assert_string_equal(expression_label(&u.arena, o->label).ptr, "copy ${m} of ${…}");
	unit_clear(&u);
}

/* ---- several files ---- */

#define OPERATION                                                                                  \
	"  operation \"x\" on sqlite {\n    forward sql\"SELECT 1\"\n    rollback nothing\n  }\n"
#define MIGRATION(name, clauses)                                                                   \
	"migration \"" name "\" {\n" clauses "  needs sqlite\n" OPERATION "}\n"

static void migrations_are_sorted_and_linked_across_files(void **state)
{
	const char *texts[] = { MIGRATION("0003", "  depends on \"0001\", \"0002\"\n"),
				MIGRATION("0001", ""),
				MIGRATION("0002", "  depends on \"0001\"\n") };
	struct unit u;

	(void)state;
	check_texts(&u, texts, 3);
	assert_good(&u);
	assert_int_equal(u.migrations.count, 3);
	assert_true(str_eq(u.migrations.at[0]->name, STR("0001")));
	assert_true(str_eq(u.migrations.at[2]->name, STR("0003")));
	assert_int_equal(u.migrations.at[2]->depends_count, 2);
	assert_ptr_equal(u.migrations.at[2]->depends[1], u.migrations.at[1]);
	unit_clear(&u);
}

static void a_circle_of_migrations_is_told_once_with_its_way(void **state)
{
	const char *texts[] = { MIGRATION("0001", "  depends on \"0003\"\n"),
				MIGRATION("0002", "  depends on \"0001\"\n"),
				MIGRATION("0003", "  depends on \"0002\"\n"),
				MIGRATION("0004", "  depends on \"0003\"\n") };
	struct unit u;

	(void)state;
	check_texts(&u, texts, 4);
	assert_codes(&u, "E0611");
	assert_true(str_find(u.diags.all.at[0].message,
			     STR("\"0001\" → \"0003\" → \"0002\" → \"0001\"")) >= 0);
	unit_clear(&u);
}

static void two_migrations_of_one_name_are_told_with_the_first_ones_place(void **state)
{
	const char *texts[] = { MIGRATION("0001", ""), MIGRATION("0001", "") };
	struct unit u;

	(void)state;
	check_texts(&u, texts, 2);
	assert_codes(&u, "E0613");
	assert_int_equal(u.diags.all.at[0].span.source, 1);
	assert_int_equal(u.diags.all.at[0].notes.count, 1);
	assert_int_equal(u.diags.all.at[0].notes.at[0].span.source, 0);
	unit_clear(&u);
}

static bool has_0001(void *context, struct str path, struct str name)
{
	(void)context;
	return str_eq(path, STR("x.amig")) && str_eq(name, STR("0001"));
}

static void a_migration_beside_the_file_may_be_depended_on(void **state)
{
	struct unit u;

	(void)state;
	unit_init(&u);
	u.has_migration = has_0001;
	unit_add_text(&u, STR("x.amig"),
		      STR(MIGRATION("0002", "  depends on \"0001\", \"0000\"\n")));
	unit_check(&u);
	assert_codes(&u, "E0610");
	unit_clear(&u);
}

static void modules_that_use_each_other_are_told(void **state)
{
	struct unit u;

	(void)state;
	check_text(&u, "use ring_a\n");
	assert_codes(&u, "E0306");
	unit_clear(&u);
	check_text(&u, "use holds_migration\n");
	assert_codes(&u, "E0624");
	assert_int_equal(u.migrations.count, 0);
	unit_clear(&u);
	check_text(&u, "use broken\n");
	assert_codes(&u, "E0401");
	unit_clear(&u);
}

static void a_module_hands_on_its_own_words_only(void **state)
{
	struct unit u;

	(void)state;
	check_text(&u, "use first\nfn f(c: sqlite) -> int {\n  return c.one() + first.one(c)\n}\n");
	assert_good(&u);
	unit_clear(&u);
	check_text(&u, "use first\nfn f(c: sqlite) -> int {\n  return c.two()\n}\n");
	assert_codes(&u, "E0308");
	unit_clear(&u);
}

/* ---- whatever the text ---- */

static void every_beginning_of_the_example_is_checked_without_a_crash(void **state)
{
	struct buf text = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(os_read_file("migrations.d/0002_events_sample_by.amig", 0, &text, &err),
			 OUTCOME_OK);
	for (size_t len = 0; len < text.len; len += 3) {
		struct unit u;

		unit_init(&u);
		u.read_module = read_library;
		unit_add_text(&u, STR("example"), (struct str){ text.ptr, len });
		unit_check(&u);
		assert_true(len < 60 || u.diags.error_count > 0);
		unit_clear(&u);
	}
	buf_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_operation_knows_what_it_captures_in_the_order_of_use),
		cmocka_unit_test(the_values_of_a_call_are_in_the_order_of_the_parameters),
		cmocka_unit_test(a_cluster_without_a_connection_is_that_of_the_operation),
		cmocka_unit_test(an_overload_is_chosen_by_the_type_of_its_argument),
		cmocka_unit_test(values_have_the_types_that_an_author_expects),
		cmocka_unit_test(the_compiler_knows_constants_and_their_sums),
		cmocka_unit_test(a_label_is_shown_as_it_was_written),
		cmocka_unit_test(migrations_are_sorted_and_linked_across_files),
		cmocka_unit_test(a_circle_of_migrations_is_told_once_with_its_way),
		cmocka_unit_test(two_migrations_of_one_name_are_told_with_the_first_ones_place),
		cmocka_unit_test(a_migration_beside_the_file_may_be_depended_on),
		cmocka_unit_test(modules_that_use_each_other_are_told),
		cmocka_unit_test(a_module_hands_on_its_own_words_only),
		cmocka_unit_test(every_beginning_of_the_example_is_checked_without_a_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
