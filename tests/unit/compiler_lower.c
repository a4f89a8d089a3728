/* compiler_lower.c - what a checked migration becomes: the tables of its image */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compiler/lower.h"
#include "vm/isa/image.h"

struct fixture {
	struct unit unit;
	struct buf image;
	struct module module;
	struct error err;
};

static int begin(void **state)
{
	struct fixture *f = must_alloc(sizeof(*f));

	*f = (struct fixture){0};
	unit_init(&f->unit);
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	module_clear(&f->module);
	error_clear(&f->err);
	buf_clear(&f->image);
	unit_clear(&f->unit);
	free(f);
	return 0;
}

static void add(struct fixture *f, const char *path, const char *text)
{
	unit_add_text(&f->unit, str_c(path), str_c(text));
}

/* Lowers the first migration by name and proves the image. */
static const struct module *lower(struct fixture *f)
{
	uint32_t stamp = 0;
	struct buf words = {0};

	unit_check(&f->unit);
	diags_print_text(&f->unit.diags, &f->unit.sources, false, &words);
	if (f->unit.diags.error_count)
		fail_msg("%s", words.ptr);
	buf_clear(&words);
	lower_migration(&f->unit, f->unit.migrations.at[0], NULL, &stamp, &f->image);
	if (f->unit.diags.error_count)
		return NULL;
	if (module_open(&f->module, buf_view(&f->image), &f->err) != OUTCOME_OK ||
	    module_verify(&f->module, &f->err) != OUTCOME_OK)
		fail_msg("%s", f->err.message);
	return &f->module;
}

/* A migration on SQLite around what is given. */
static const struct module *lower_body(struct fixture *f, const char *body)
{
	struct buf text = {0};

	buf_format(&text, "migration \"m\" {\n needs db: sqlite\n needs other: sqlite\n%s\n}\n",
		   body);
	add(f, "m.amig", text.ptr);
	buf_clear(&text);
	return lower(f);
}

static const struct function *function_of(const struct module *m, const char *name)
{
	for (uint32_t i = 0; i < m->function_count; i++)
		if (str_eq(m->functions[i].name, str_c(name)))
			return &m->functions[i];
	return NULL;
}

static uint32_t count_of(const struct function *f, enum opcode op)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < f->code_count; i++)
		count += f->code[i].op == op;
	return count;
}

static void assert_type(const struct module *m, uint32_t type, const char *text)
{
	struct buf printed = {0};

	types_print(&m->types, type, &printed);
	assert_string_equal(printed.ptr, text);
	buf_clear(&printed);
}

#define ONE "operation \"one\" on db {\n forward sql\"SELECT 1\"\n rollback nothing\n}\n"

static void what_an_operation_uses_of_the_plan_is_captured(void **state)
{
	const struct module *m = lower_body(*state,
		"let all = [1, 2]\nlet frozen = \"x\"\n"
		"for n in all {\n let twice = n * 2\n let unused = n\n"
		"  operation \"o ${n}\" on db {\n    forward sql\"SELECT ${twice}, ${frozen}\"\n"
		"    rollback sql\"SELECT ${n}\"\n    done when n == twice\n  }\n}");
	const struct operation *o = &m->operations[0];

	assert_int_equal(m->operation_count, 1);
	assert_true(str_eq(o->label, STR("o ${n}")));
	assert_int_equal(o->capture_count, 2);
	assert_int_equal(o->options, TYPE_NULL);
	assert_int_equal(m->functions[o->forward].param_count, 2);
	assert_int_equal(m->functions[o->forward].flags, FUNCTION_EFFECT);
	assert_int_equal(m->functions[o->rollback].param_count, 2);
	assert_int_equal(m->functions[o->done_when].param_count, 2);
	assert_int_equal(m->functions[o->done_when].result, TYPE_BOOL);
	assert_int_equal(m->functions[o->done_when].flags, 0);
	assert_int_equal(m->frozen_count, 2);
	assert_int_equal(count_of(function_of(m, "setup"), OP_FROZEN), 0);
	assert_int_equal(count_of(function_of(m, "o ${n}/forward"), OP_FROZEN), 1);
}

static void options_hold_the_clauses_that_are_used(void **state)
{
	const struct module *m = lower_body(
		*state, "operation \"one\" on db {\n timeout 5m\n retry 2 backoff 1s .. 9s\n "
			"settings { a: 1, b: true }\n idempotent\n"
			" no transaction\n forward sql\"SELECT 1\"\n rollback nothing\n}");

	assert_type(m, m->operations[0].options,
		    "{timeout: duration, retry: int, backoff_min: duration, "
		    "backoff_max: duration, settings: [{name: string, value: string}]}");
	assert_int_equal(m->operations[0].flags, OPERATION_IDEMPOTENT | OPERATION_NO_TRANSACTION);
	assert_int_equal(m->operations[0].rollback_kind, ROLLBACK_NOTHING);
	assert_int_equal(m->operations[0].rollback, NO_INDEX);
	assert_int_equal(m->operations[0].done_when, NO_INDEX);
}

static void an_include_binds_connections_and_copies_operations(void **state)
{
	struct fixture *f = *state;
	const struct module *m;

	add(f, "m.amig",
	    "operations work(c: sqlite, name: string, suffix: string = \"x\") {\n"
	    "  operation \"do ${name}\" on c {\n    forward sql\"SELECT ${name}, ${suffix}\"\n"
	    "    rollback { c.exec(sql\"SELECT 2\") }\n  }\n}\n"
	    "migration \"m\" {\n  needs db: sqlite\n  needs other: sqlite\n"
	    "  include work(db, \"a\")\n  include other.work(suffix: \"y\", name: \"b\")\n}\n");
	m = lower(f);
	assert_int_equal(m->operation_count, 2);
	assert_int_equal(m->operations[0].need, 0);
	assert_int_equal(m->operations[1].need, 1);
	assert_int_equal(m->functions[m->operations[1].rollback].code[0].op, OP_CONNECTION);
	assert_int_equal(m->functions[m->operations[1].rollback].code[0].a, 1);
	assert_int_equal(m->operations[1].capture_count, 2);
	assert_int_equal(m->operations[1].line >> 10, 2);
}

static void only_functions_that_are_reached_come_along(void **state)
{
	struct fixture *f = *state;
	const struct module *m;

	add(f, "m.amig",
	    "fn used(n: int) -> int { return deeper(n) }\nfn deeper(n: int) -> int { return n + 1 "
	    "}\n"
	    "fn unused() -> int { return used(2) }\n"
	    "migration \"m\" {\n needs db: sqlite\n let n = used(1)\n" ONE "}\n");
	m = lower(f);
	assert_non_null(function_of(m, "used"));
	assert_non_null(function_of(m, "deeper"));
	assert_null(function_of(m, "unused"));
}

static void a_migration_does_not_depend_on_what_is_compiled_with_it(void **state)
{
	struct fixture *f = *state;
	struct buf alone = {0};
	const char *text = "fn g(x: [int]) -> int? { return x[0] }\n"
			   "migration \"a\" {\n needs db: sqlite\n let n = g([1])\n" ONE "}\n";

	add(f, "a.amig", text);
	lower(f);
	buf_str(&alone, buf_view(&f->image));
	end(state);
	begin(state);
	f = *state;
	add(f, "b.amig", "type t = {a: [float], b: {c: bool}}\nfn h(x: t?) -> [t] { return [] }\n"
			 "migration \"b\" {\n needs db: sqlite\n let n = h(null)\n" ONE "}\n");
	add(f, "a.amig", text);
	lower(f);
	assert_int_equal(f->image.len, alone.len);
	assert_memory_equal(f->image.ptr, alone.ptr, alone.len);
	buf_clear(&alone);
}

static void a_requirement_without_words_quotes_itself(void **state)
{
	const struct module *m =
		lower_body(*state, "precheck \"p\" {\n require 1 +\n    1 == 3\n}\n" ONE);
	bool found = false;

	for (uint32_t i = 0; i < m->constant_count; i++)
		found = found || str_eq(m->constants[i].text, STR("1 + 1 == 3"));
	assert_true(found);
}

static void a_param_has_its_default_and_its_bounds_as_functions(void **state)
{
	const struct module *m = lower_body(*state,
		"param n: int = 5 \"How many\" within 1 .. 10\nparam mode: string \"How\"\n" ONE);

	assert_int_equal(m->param_count, 2);
	assert_true(str_eq(m->params[0].doc, STR("How many")));
	assert_int_equal(m->functions[m->params[0].default_value].result, TYPE_INT);
	assert_int_equal(m->functions[m->params[0].check].param_count, 1);
	assert_type(m, m->functions[m->params[0].check].result, "string?");
	assert_int_equal(m->params[1].default_value, NO_INDEX);
	assert_int_equal(m->params[1].check, NO_INDEX);
}

static void sql_loses_the_space_around_it_and_keeps_its_holes(void **state)
{
	const struct module *m = lower_body(
		*state, "operation \"one\" on db {\n  forward sql\"\"\"\n\n      SELECT ${1},\n"
			"        ${\"a\"}\n\n  \"\"\"\n  rollback nothing\n}");
	const struct template *t = &m->templates[0];

	assert_int_equal(t->hole_count, 2);
	assert_true(str_eq(t->pieces[0], STR("SELECT ")));
	assert_true(str_eq(t->pieces[1], STR(",\n  ")));
	assert_true(str_eq(t->pieces[2], STR("")));
	assert_int_equal(t->hole_types[1], TYPE_STRING);
}

static void instructions_know_their_line_and_column(void **state)
{
	struct fixture *f = *state;
	const struct module *m;
	struct buf place = {0};

	add(f, "dir/m.amig",
	    "migration \"m\" {\n  needs db: sqlite\n  let a = \"é\"\n  let b = \"ü\" + a\n" ONE
	    "}\n");
	m = lower(f);
	for (uint32_t i = 0; i < function_of(m, "setup")->code_count; i++)
		if (m->functions[m->migration.setup].code[i].op == OP_LOAD && !place.len)
			module_place(m, m->migration.setup, i, &place);
	assert_string_equal(place.ptr, "dir/m.amig:4:17");
	buf_clear(&place);
}

static void add_lets(struct buf *text, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		buf_format(text, "let v%u = %u\n", i, i);
}

/* The record of n lets has n + 1 parts. */
static void more_lets_than_an_image_holds_are_a_diagnostic(void **state)
{
	struct buf text = {0};

	add_lets(&text, TYPE_PARTS_MAX - 1);
	buf_text(&text, ONE);
	assert_non_null(lower_body(*state, text.ptr));
	end(state);
	begin(state);
	buf_text(&text, "let one_more = 1\n");
	assert_null(lower_body(*state, text.ptr));
	assert_int_equal(((struct fixture *)*state)->unit.diags.error_count, 1);
	buf_clear(&text);
}

static void more_locals_than_a_function_holds_are_a_diagnostic(void **state)
{
	struct buf text = {0};

	buf_text(&text, ONE "precheck \"p\" {\n");
	add_lets(&text, FUNCTION_LOCALS_MAX);
	buf_text(&text, "}\n");
	assert_non_null(lower_body(*state, text.ptr));
	end(state);
	begin(state);
	buf_reset(&text);
	buf_text(&text, ONE "precheck \"p\" {\n");
	add_lets(&text, FUNCTION_LOCALS_MAX + 1);
	buf_text(&text, "}\n");
	assert_null(lower_body(*state, text.ptr));
	assert_int_equal(((struct fixture *)*state)->unit.diags.error_count, 1);
	buf_clear(&text);
}

static void a_type_nested_deeper_than_an_image_holds_is_a_diagnostic(void **state)
{
	struct buf text = {0};

	buf_text(&text, ONE "let deep: ");
	for (uint32_t i = 0; i < TYPE_NEST_MAX; i++)
		buf_text(&text, "[");
	buf_text(&text, "int");
	for (uint32_t i = 0; i < TYPE_NEST_MAX; i++)
		buf_text(&text, "]");
	buf_text(&text, " = []\n");
	assert_null(lower_body(*state, text.ptr));
	assert_int_equal(((struct fixture *)*state)->unit.diags.error_count, 1);
	buf_clear(&text);
}

static void long_texts_and_lists_need_little_stack(void **state)
{
	struct buf text = {0};
	const struct module *m;

	buf_text(&text, "let n = 1\nlet s = \"");
	for (int i = 0; i < 3000; i++)
		buf_text(&text, "${n}");
	buf_text(&text, "\"\nlet l = [1");
	for (int i = 0; i < 3000; i++)
		buf_text(&text, ", n");
	buf_text(&text, "]\n" ONE);
	m = lower_body(*state, text.ptr);
	assert_true(m->functions[m->migration.setup].max_stack < 100);
	buf_clear(&text);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(what_an_operation_uses_of_the_plan_is_captured),
		CASE(options_hold_the_clauses_that_are_used),
		CASE(an_include_binds_connections_and_copies_operations),
		CASE(only_functions_that_are_reached_come_along),
		CASE(a_migration_does_not_depend_on_what_is_compiled_with_it),
		CASE(a_requirement_without_words_quotes_itself),
		CASE(a_param_has_its_default_and_its_bounds_as_functions),
		CASE(sql_loses_the_space_around_it_and_keeps_its_holes),
		CASE(instructions_know_their_line_and_column),
		CASE(more_lets_than_an_image_holds_are_a_diagnostic),
		CASE(more_locals_than_a_function_holds_are_a_diagnostic),
		CASE(a_type_nested_deeper_than_an_image_holds_is_a_diagnostic),
		CASE(long_texts_and_lists_need_little_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
