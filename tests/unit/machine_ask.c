/* machine_ask.c - questions and answers, `as`, failures, fuel and memory */
#include "tests/unit/machine_fixture.h"

#define QUERY_OF(type)                                                                             \
	"need c sqlite\ntemplate t \"SELECT n\"\nfunction f -> string\nCONNECTION c\nSQL "         \
	"t\nQUERY value\nAS " type "\nTO_STRING\nRETURN\nend\n"

static const struct str row_names[] = { { "b", 1 }, { "n", 1 }, { "extra", 5 } };

static struct value row_of(struct heap *h, struct value b, struct value n)
{
	const struct value at[] = { b, n, value_null() };
	return value_record(h, row_names, at, 3);
}

static struct value answer_of(struct heap *h, const char *kind)
{
	struct value abc = value_string(h, STR("abc"));
	if (strcmp(kind, "int") == 0)
		return value_int(7);
	if (strcmp(kind, "float") == 0)
		return value_float(7);
	if (strcmp(kind, "null") == 0)
		return value_null();
	if (strcmp(kind, "row") == 0)
		return row_of(h, abc, value_int(1));
	if (strcmp(kind, "ints") == 0)
		return value_list(h, (struct value[]){ value_int(1), value_int(2) }, 2);
	if (strcmp(kind, "mixed") == 0)
		return value_list(h, (struct value[]){ value_int(1), abc }, 2);
	if (strcmp(kind, "rows") == 0)
		return value_list(h,
				  (struct value[]){ row_of(h, abc, value_int(1)),
						    row_of(h, abc, value_null()) },
				  2);
	return abc;
}

static void takes_answers_for_their_type(void **state)
{
	static const struct { const char *source, *answer, *result;
	} takes[] = {
		{ QUERY_OF("int"), "int", "7" },
		{ QUERY_OF("int"), "string", "! SELECT n: expected int, found string \"abc\"" },
		{ QUERY_OF("int"), "null", "! SELECT n: expected int, found null" },
		{ QUERY_OF("int?"), "null", "null" },
		{ QUERY_OF("int?"), "float", "! SELECT n: expected int, found float 7.0" },
		{ QUERY_OF("float"), "int", "! SELECT n: expected float, found int 7" },
		{ QUERY_OF("any"), "row", "{b: \"abc\", n: 1, extra: null}" },
		{ QUERY_OF("[int]"), "ints", "[1, 2]" },
		{ QUERY_OF("[int]"), "mixed",
		  "! SELECT n: element 1: expected int, found string \"abc\"" },
		{ QUERY_OF("[int]"), "int", "! SELECT n: expected [int], found int 7" },
		{ QUERY_OF("{n: int, b: string}"), "row", "{n: 1, b: \"abc\"}" },
		{ QUERY_OF("{n: string}"), "row",
		  "! SELECT n: column \"n\": expected string, found int 1" },
		{ QUERY_OF("{m: int}"), "row", "! SELECT n: there is no column \"m\"" },
		{ QUERY_OF("[{n: int}]"), "rows",
		  "! SELECT n: element 1: column \"n\": expected int, found null" },
		{ QUERY_OF("[{n: int?}]"), "rows", "[{n: 1}, {n: null}]" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(takes); i++) {
		struct fixture f;
		struct buf out = { 0 };
		set_up(&f, takes[i].source);
		machine_start(f.vm, 0, NULL);
		assert_int_equal(machine_run(f.vm, 0), MACHINE_ASKS);
		assert_int_equal(machine_request(f.vm)->op, OP_QUERY);
		machine_answer(f.vm, answer_of(machine_heap(f.vm), takes[i].answer),
			       STR("SELECT n"));
		if (machine_run(f.vm, 0) == MACHINE_RETURNED)
			value_print(machine_result(f.vm), &out);
		else
			buf_format(&out, "! %.*s",
				   STR_ARG(machine_failure(f.vm, NULL, NULL, NULL)));
		if (!str_eq(buf_view(&out), str_c(takes[i].result)))
			fail_msg("%s: %s", takes[i].result, buf_view(&out).ptr);
		buf_clear(&out);
		tear_down(&f);
	}
}

static void names_the_query_of_each_answer(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f, "need c sqlite\ntemplate t \"x\"\nfunction f -> int\nlocal any\nlocal "
		   "any\nCONNECTION c\nSQL t\nQUERY value\nSTORE 0\n"
		   "CONNECTION c\nSQL t\nQUERY value\nSTORE 1\nLOAD 0\nAS int\nRETURN\nend\n");
	machine_start(f.vm, 0, NULL);
	machine_run(f.vm, 0);
	machine_answer(f.vm, value_null(), STR("the first"));
	machine_run(f.vm, 0);
	machine_answer(f.vm, value_null(), STR("the second"));
	assert_int_equal(machine_run(f.vm, 0), MACHINE_FAILED);
	assert_string_equal(machine_failure(f.vm, NULL, NULL, NULL).ptr,
			    "the first: expected int, found null");
	tear_down(&f);
}

static void says_where_it_failed_and_whether_the_author_did(void **state)
{
	(void)state;
	struct fixture f;
	uint32_t function, pc;
	bool thrown;
	struct buf place = { 0 };
	set_up(&f, "function f\nCALL g\nRETURN\nend\nfunction g\nINT 1\nINT "
		   "0\nDIVIDE_INT\nPOP\nRETURN\nend\n");
	machine_start(f.vm, 0, NULL);
	assert_int_equal(machine_run(f.vm, 0), MACHINE_FAILED);
	machine_failure(f.vm, &function, &pc, &thrown);
	assert_int_equal(function, 1);
	assert_int_equal(pc, 2);
	assert_false(thrown);
	module_place(&f.m, function, pc, &place);
	assert_string_equal(buf_view(&place).ptr, "assembled:8:1");
	buf_clear(&place);
	tear_down(&f);
	set_up(&f, "function f\nCONSTANT \"x\"\nFAIL\nend\n");
	machine_start(f.vm, 0, NULL);
	assert_int_equal(machine_run(f.vm, 0), MACHINE_FAILED);
	machine_failure(f.vm, NULL, NULL, &thrown);
	assert_true(thrown);
	tear_down(&f);
}

static void asks_for_an_effect_with_its_sql(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f, "need c sqlite\nneed d clickhouse\ntemplate t \"DELETE \" int \"\"\nfunction f "
		   "effect -> int?\nCONNECTION d\nINT 5\nSQL t\nEXEC\n"
		   "POP\nCONNECTION c\nINT 6\nSQL t\nEXEC\nRETURN\nend\n");
	machine_start(f.vm, 0, NULL);
	assert_int_equal(machine_run(f.vm, 0), MACHINE_ASKS);
	const struct machine_request *q = machine_request(f.vm);
	assert_int_equal(q->op, OP_EXEC);
	assert_int_equal(q->need, 1);
	assert_false(q->ends);
	assert_int_equal(q->value.kind, VALUE_SQL);
	assert_int_equal(q->value.list->store->at[1].number, 5);
	assert_int_equal(q->pc, 3);
	machine_answer(f.vm, value_null(), STR(""));
	assert_int_equal(machine_run(f.vm, 0), MACHINE_ASKS);
	assert_int_equal(machine_request(f.vm)->need, 0);
	assert_false(machine_request(f.vm)->ends);
	machine_answer(f.vm, value_int(12), STR(""));
	assert_int_equal(machine_run(f.vm, 0), MACHINE_RETURNED);
	assert_int_equal(machine_result(f.vm).number, 12);
	tear_down(&f);
}

static void plans_with_label_options_and_captures(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f,
	       "operation \"x\" capture int capture string options {retry: int} forward g\nplan p\n"
	       "function p\nCONSTANT \"copy 1\"\nINT 3\nRECORD {retry: int}\nINT 5\nCONSTANT "
	       "\"a\"\nPLAN 0\nRETURN\nend\n"
	       "function g effect int string\nRETURN\nend\n");
	machine_start(f.vm, 0, NULL);
	assert_int_equal(machine_run(f.vm, 0), MACHINE_ASKS);
	const struct machine_request *q = machine_request(f.vm);
	assert_int_equal(q->op, OP_PLAN);
	assert_int_equal(q->operation, 0);
	assert_string_equal(value_text(q->value).ptr, "copy 1");
	assert_int_equal(q->options.record->at[0].number, 3);
	assert_int_equal(q->captures[0].number, 5);
	assert_string_equal(value_text(q->captures[1]).ptr, "a");
	machine_answer(f.vm, value_null(), STR(""));
	assert_int_equal(machine_run(f.vm, 0), MACHINE_RETURNED);
	tear_down(&f);
}

static void a_failed_request_fails_at_its_place(void **state)
{
	(void)state;
	struct fixture f;
	uint32_t pc;
	set_up(&f, "function f -> string\nINT 1\nPOP\nUUID\nRETURN\nend\n");
	machine_start(f.vm, 0, NULL);
	assert_int_equal(machine_run(f.vm, 0), MACHINE_ASKS);
	machine_answer_failure(f.vm, STR("permanent"), STR("42"), STR("no luck"));
	assert_int_equal(machine_run(f.vm, 0), MACHINE_FAILED);
	assert_string_equal(machine_failure(f.vm, NULL, &pc, NULL).ptr, "no luck");
	assert_int_equal(pc, 2);
	tear_down(&f);
}

static void pauses_when_its_fuel_is_used(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f, "function f -> int\nlocal int\nINT 0\nSTORE 0\nagain:\nLOAD 0\nINT "
		   "1000\nLESS_INT\nJUMP_IF_FALSE out\nLOAD 0\nINT 1\nADD_INT\n"
		   "STORE 0\nJUMP again\nout:\nLOAD 0\nRETURN\nend\n");
	machine_start(f.vm, 0, NULL);
	uint32_t pauses = 0;
	while (machine_run(f.vm, 100) == MACHINE_PAUSED)
		pauses++;
	assert_in_range(pauses, 85, 95);
	assert_int_equal(machine_result(f.vm).number, 1000);
	tear_down(&f);
}

static void params_and_frozens_are_seen(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f, "param n int\nfrozen s string\nsetup g\nfunction f -> string\nPARAM "
		   "n\nTO_STRING\nFROZEN s\nCONCAT 2\nRETURN\nend\n"
		   "function g -> {s: string}\nCONSTANT \"x\"\nRECORD {s: string}\nRETURN\nend\n");
	struct value n = value_int(4), s = value_string(&f.heap, STR("!"));
	machine_set_params(f.vm, &n);
	machine_set_frozens(f.vm, &s);
	heap_clear(&f.heap);
	struct buf out = { 0 };
	run_to_text(&f, &out);
	assert_string_equal(buf_view(&out).ptr, "4!");
	buf_clear(&out);
	tear_down(&f);
}

/* Garbage of many times the limit, and live values that stay, in a machine of 8 MiB. */
static void long_loops_run_in_bounded_memory(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f, "function f -> string\nlocal int\nlocal [string]\nlocal string\nINT 0\nSTORE "
		   "0\nCONSTANT \"kept\"\nLIST string 1\nSTORE 1\n"
		   "again:\nLOAD 0\nINT 200000\nLESS_INT\nJUMP_IF_FALSE out\n"
		   "CONSTANT \"a longer text, so that there is something to throw away: \"\nLOAD "
		   "0\nTO_STRING\nCONCAT 2\nSTORE 2\n"
		   "LOAD 0\nINT 50000\nREMAINDER_INT\nINT 0\nEQUAL\nJUMP_IF_FALSE on\nLOAD 1\nLOAD "
		   "2\nLIST_APPEND\nSTORE 1\n"
		   "on:\nLOAD 0\nINT 1\nADD_INT\nSTORE 0\nJUMP again\nout:\nLOAD "
		   "1\nTO_STRING\nRETURN\nend\n");
	machine_limit_heap(f.vm, (size_t)8 << 20);
	struct buf out = { 0 };
	run_to_text(&f, &out);
	assert_true(str_starts(buf_view(&out), STR("[\"kept\", \"a longer text")));
	assert_true(str_ends(buf_view(&out), STR("throw away: 150000\"]")));
	assert_true(machine_heap(f.vm)->arena.total_bytes < (size_t)9 << 20);
	buf_clear(&out);
	tear_down(&f);
}

static void too_much_memory_is_a_failure(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f, "function f\nlocal [string]\nLIST string 0\nSTORE 0\nagain:\nLOAD 0\nCONSTANT "
		   "\"x\"\nINT 1\nTO_STRING\nCONCAT 2\nLIST_APPEND\n"
		   "STORE 0\nJUMP again\nend\n");
	machine_limit_heap(f.vm, (size_t)8 << 20);
	struct buf out = { 0 };
	run_to_text(&f, &out);
	assert_string_equal(buf_view(&out).ptr, "! the code needs more than 8 MiB of memory");
	buf_clear(&out);
	tear_down(&f);
}

/* Quadratic appending would take minutes here. */
static void appending_is_cheap(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f, "function f -> int\nlocal int\nlocal [int]\nINT 0\nSTORE 0\nLIST int 0\nSTORE "
		   "1\nagain:\nLOAD 0\nINT 300000\nLESS_INT\n"
		   "JUMP_IF_FALSE out\nLOAD 1\nLOAD 0\nLIST_APPEND\nSTORE 1\nLOAD 0\nINT "
		   "1\nADD_INT\nSTORE 0\nJUMP again\n"
		   "out:\nLOAD 1\nINT 299999\nLIST_GET\nRETURN\nend\n");
	struct buf out = { 0 };
	run_to_text(&f, &out);
	assert_string_equal(buf_view(&out).ptr, "299999");
	buf_clear(&out);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_answers_for_their_type),
		cmocka_unit_test(names_the_query_of_each_answer),
		cmocka_unit_test(says_where_it_failed_and_whether_the_author_did),
		cmocka_unit_test(asks_for_an_effect_with_its_sql),
		cmocka_unit_test(plans_with_label_options_and_captures),
		cmocka_unit_test(a_failed_request_fails_at_its_place),
		cmocka_unit_test(pauses_when_its_fuel_is_used),
		cmocka_unit_test(params_and_frozens_are_seen),
		cmocka_unit_test(long_loops_run_in_bounded_memory),
		cmocka_unit_test(too_much_memory_is_a_failure),
		cmocka_unit_test(appending_is_cheap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
