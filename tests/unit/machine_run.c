/* machine_run.c - what code computes and how it fails, over the assembler: no compiler, no database */
#include "vm/isa/assemble.h"
#include "vm/machine/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

struct fixture {
	struct module m;
	char *image;
	struct machine *vm;
	struct heap heap;
};

static void set_up(struct fixture *f, const char *source)
{
	struct buf why = { 0 };
	struct error err = { 0 };
	*f = (struct fixture){ 0 };
	if (!assemble_module(str_c(source), &f->m, &f->image, &why))
		fail_msg("%s: %s", source, buf_view(&why).ptr);
	if (module_verify(&f->m, &err) != OUTCOME_OK)
		fail_msg("%s: %s", source, err.message);
	f->vm = machine_new(&f->m);
}

static void tear_down(struct fixture *f)
{
	machine_free(f->vm);
	heap_clear(&f->heap);
	module_clear(&f->m);
	free(f->image);
}

/* What came out, or "! why". */
static void run_to_text(struct fixture *f, struct buf *out)
{
	machine_start(f->vm, 0, NULL);
	enum machine_state state = machine_run(f->vm, 0);
	if (state == MACHINE_RETURNED)
		value_print(machine_result(f->vm), out);
	else if (state == MACHINE_FAILED)
		buf_format(out, "! %.*s", STR_ARG(machine_failure(f->vm, NULL, NULL, NULL)));
	else
		buf_text(out, "it asks");
}

static const struct { const char *what, *source, *result; } cases[] = {
	{ "ints add", "function f -> int\nINT 2\nINT 40\nADD_INT\nRETURN\nend\n", "42" },
	{ "an int too large fails", "function f -> int\nCONSTANT 9223372036854775807\nINT 1\nADD_INT\nRETURN\nend\n",
	  "! int overflow: the result does not fit into 64 bits" },
	{ "an int too small fails", "function f -> int\nCONSTANT -9223372036854775808\nINT 1\nSUBTRACT_INT\nRETURN\nend\n",
	  "! int overflow: the result does not fit into 64 bits" },
	{ "a product too large fails", "function f -> int\nCONSTANT 4611686018427387904\nINT 2\nMULTIPLY_INT\nRETURN\nend\n",
	  "! int overflow: the result does not fit into 64 bits" },
	{ "division goes towards zero", "function f -> int\nINT -7\nINT 2\nDIVIDE_INT\nRETURN\nend\n", "-3" },
	{ "division by zero fails", "function f -> int\nINT 1\nINT 0\nDIVIDE_INT\nRETURN\nend\n", "! division by zero" },
	{ "the least int divided by -1 fails", "function f -> int\nCONSTANT -9223372036854775808\nINT -1\nDIVIDE_INT\nRETURN\nend\n",
	  "! int overflow: the result does not fit into 64 bits" },
	{ "its remainder is 0", "function f -> int\nCONSTANT -9223372036854775808\nINT -1\nREMAINDER_INT\nRETURN\nend\n", "0" },
	{ "a remainder has the dividend's sign", "function f -> int\nINT -7\nINT 3\nREMAINDER_INT\nRETURN\nend\n", "-1" },
	{ "a remainder by zero fails", "function f -> int\nINT 1\nINT 0\nREMAINDER_INT\nRETURN\nend\n", "! division by zero" },
	{ "the least int can't be negated", "function f -> int\nCONSTANT -9223372036854775808\nNEGATE_INT\nRETURN\nend\n",
	  "! int overflow: the result does not fit into 64 bits" },
	{ "floats add", "function f -> float\nCONSTANT 0.1\nCONSTANT 0.2\nADD_FLOAT\nRETURN\nend\n", "0.30000000000000004" },
	{ "whole floats show a point", "function f -> float\nCONSTANT 1.5\nCONSTANT 2.0\nMULTIPLY_FLOAT\nRETURN\nend\n", "3.0" },
	{ "a float divided by zero fails", "function f -> float\nCONSTANT 1.5\nCONSTANT 0.0\nDIVIDE_FLOAT\nRETURN\nend\n",
	  "! division by zero" },
	{ "durations multiply", "function f -> duration\nCONSTANT 90s\nINT 2\nMULTIPLY_DURATION\nRETURN\nend\n", "3m" },
	{ "a time and a duration make a time", "function f -> timestamp\nCONSTANT @0\nCONSTANT 1s\nADD_TIME\nRETURN\nend\n",
	  "1970-01-01T00:00:01.000000Z" },
	{ "times have a duration between", "function f -> duration\nCONSTANT @5000000\nCONSTANT @2000000\nTIME_BETWEEN\nRETURN\nend\n",
	  "3s" },
	{ "a time out of range fails", "function f -> timestamp\nCONSTANT @9223372036854775807\nCONSTANT 1s\nADD_TIME\nRETURN\nend\n",
	  "! timestamp overflow: the time is out of range" },
	{ "texts join", "function f -> string\nCONSTANT \"a\"\nINT 7\nTO_STRING\nCONSTANT \"c\"\nCONCAT 3\nRETURN\nend\n", "a7c" },
	{ "none joined is empty", "function f -> string\nCONCAT 0\nRETURN\nend\n", "" },
	{ "equal records are equal", "function f -> bool\nINT 1\nRECORD {a: int}\nINT 1\nRECORD {a: int}\nEQUAL\nRETURN\nend\n", "true" },
	{ "null equals null only", "function f -> bool\nNULL\nWIDEN int?\nINT 0\nEQUAL\nRETURN\nend\n", "false" },
	{ "versions have their order", "function f -> bool\nCONSTANT v1.9.0\nCONSTANT v1.10.0\nLESS\nRETURN\nend\n", "true" },
	{ "a release comes after its candidate", "function f -> bool\nCONSTANT v1.0.0\nCONSTANT v1.0.0-rc.1\nLESS_EQUAL\nRETURN\nend\n",
	  "false" },
	{ "a list has its elements", "function f -> bool\nINT 2\nINT 1\nINT 2\nLIST int 2\nIN\nRETURN\nend\n", "true" },
	{ "and no others", "function f -> bool\nINT 3\nINT 1\nINT 2\nLIST int 2\nIN\nRETURN\nend\n", "false" },
	{ "elements count from 0", "function f -> int\nINT 5\nINT 6\nLIST int 2\nINT 1\nLIST_GET\nRETURN\nend\n", "6" },
	{ "there is none behind the last", "function f -> int\nINT 5\nLIST int 1\nINT 1\nLIST_GET\nRETURN\nend\n",
	  "! there is no element 1 in a list of 1" },
	{ "nor before the first", "function f -> int\nINT 5\nLIST int 1\nINT -1\nLIST_GET\nRETURN\nend\n",
	  "! there is no element -1 in a list of 1" },
	{ "appending leaves the old list", "function f -> string\nlocal [int]\nlocal [int]\nINT 1\nLIST int 1\nINT 2\nLIST_APPEND\n"
	  "STORE 0\nLOAD 0\nINT 3\nLIST_APPEND\nSTORE 1\nLOAD 0\nINT 4\nLIST_APPEND\nTO_STRING\nLOAD 0\nTO_STRING\nLOAD 1\nTO_STRING\n"
	  "CONCAT 3\nRETURN\nend\n", "[1, 2, 4][1, 2][1, 2, 3]" },
	{ "records show their names", "function f -> string\nINT 1\nCONSTANT \"x\"\nRECORD {a: int, b: string}\nTO_STRING\nRETURN\nend\n",
	  "{a: 1, b: \"x\"}" },
	{ "a field is taken by its position", "function f -> string\nINT 1\nCONSTANT \"x\"\nRECORD {a: int, b: string}\nFIELD 1\nRETURN\nend\n",
	  "x" },
	{ "UNWRAP keeps what is there", "function f -> int\nINT 3\nWIDEN int?\nUNWRAP no\nRETURN\nno:\nINT 0\nRETURN\nend\n", "3" },
	{ "UNWRAP jumps at null", "function f -> int\nNULL\nWIDEN int?\nUNWRAP no\nRETURN\nno:\nINT 9\nRETURN\nend\n", "9" },
	{ "a call passes and returns", "function f -> int\nINT 1\nINT 20\nINT 3\nCALL g\nADD_INT\nRETURN\nend\n"
	  "function g int int -> int\nlocal int\nLOAD 0\nLOAD 1\nMULTIPLY_INT\nSTORE 2\nLOAD 2\nRETURN\nend\n", "61" },
	{ "recursion works", "function f -> int\nINT 10\nCALL g\nRETURN\nend\nfunction g int -> int\nLOAD 0\nINT 2\nLESS_INT\n"
	  "JUMP_IF_FALSE more\nLOAD 0\nRETURN\nmore:\nLOAD 0\nINT 1\nSUBTRACT_INT\nCALL g\nLOAD 0\nINT 2\nSUBTRACT_INT\nCALL g\n"
	  "ADD_INT\nRETURN\nend\n", "55" },
	{ "endless recursion fails", "function f -> int\nCALL f\nRETURN\nend\n", "! the calls go too deep: more than 200" },
	{ "recursion with many locals fails", "function f -> int\nLIST int 0\nCALL g\nRETURN\nend\n"
	  "function g [int] -> int\nLOAD 0\nCALL g\nRETURN\nend\n", "! the calls go too deep: more than 200" },
	{ "FAIL fails with its words", "function f\nCONSTANT \"enough\"\nFAIL\nend\n", "! enough" },
	{ "SQL keeps its holes apart", "template t \"a = \" int \" or b = \" string \"\"\nfunction f -> string\nINT 1\nCONSTANT \"it's\"\n"
	  "SQL t\nTO_STRING\nRETURN\nend\n", "a = 1 or b = \"it's\"" },
	{ "SQL that is put into itself forever fails", "template q \"\" sql \" and \" sql \"\"\ntemplate t \"x\"\nfunction f\nlocal sql\nSQL t\n"
	  "STORE 0\nagain:\nLOAD 0\nLOAD 0\nSQL q\nSTORE 0\nJUMP again\nend\n", "! the value would be larger than 256 MiB" },
	{ "SQL that nests forever fails", "template q \"not \" sql \"\"\ntemplate t \"x\"\nfunction f\nlocal sql\nSQL t\n"
	  "STORE 0\nagain:\nLOAD 0\nSQL q\nSTORE 0\nJUMP again\nend\n", "! the value would nest more than 64 deep" },
	{ "a text that doubles forever fails", "function f\nlocal string\nCONSTANT \"x\"\nSTORE 0\nagain:\nLOAD 0\nLOAD 0\nCONCAT 2\n"
	  "STORE 0\nJUMP again\nend\n", "! the value would be larger than 256 MiB" },
	{ "params that are not set fail", "param n int\nfunction f -> int\nPARAM n\nRETURN\nend\n", "! the parameters are not known yet" },
	{ "contains", "function f -> bool\nCONSTANT \"abc\"\nCONSTANT \"bc\"\nBUILTIN contains\nRETURN\nend\n", "true" },
	{ "starts_with", "function f -> bool\nCONSTANT \"abc\"\nCONSTANT \"bc\"\nBUILTIN starts_with\nRETURN\nend\n", "false" },
	{ "ends_with", "function f -> bool\nCONSTANT \"abc\"\nCONSTANT \"bc\"\nBUILTIN ends_with\nRETURN\nend\n", "true" },
	{ "lower", "function f -> string\nCONSTANT \"AZÄ[\"\nBUILTIN lower\nRETURN\nend\n", "azÄ[" },
	{ "upper", "function f -> string\nCONSTANT \"azä{\"\nBUILTIN upper\nRETURN\nend\n", "AZä{" },
	{ "trim", "function f -> string\nCONSTANT \" \\n a b\\t\"\nBUILTIN trim\nRETURN\nend\n", "a b" },
	{ "split", "function f -> string\nCONSTANT \"a,,b\"\nCONSTANT \",\"\nBUILTIN split\nTO_STRING\nRETURN\nend\n", "[\"a\", \"\", \"b\"]" },
	{ "split of nothing", "function f -> string\nCONSTANT \"\"\nCONSTANT \",\"\nBUILTIN split\nTO_STRING\nRETURN\nend\n", "[\"\"]" },
	{ "split by nothing fails", "function f -> [string]\nCONSTANT \"a\"\nCONSTANT \"\"\nBUILTIN split\nRETURN\nend\n",
	  "! split: the separator is empty" },
	{ "join", "function f -> string\nCONSTANT \"a\"\nCONSTANT \"b\"\nLIST string 2\nCONSTANT \", \"\nBUILTIN join\nRETURN\nend\n", "a, b" },
	{ "len counts characters", "function f -> int\nCONSTANT \"äöü\"\nBUILTIN 9\nRETURN\nend\n", "3" },
	{ "len counts elements", "function f -> int\nINT 1\nINT 1\nLIST int 2\nBUILTIN 10\nRETURN\nend\n", "2" },
	{ "replace", "function f -> string\nCONSTANT \"a1b22\"\nCONSTANT \"([0-9]+)\"\nCONSTANT \"<$1>\"\nBUILTIN replace\nRETURN\nend\n",
	  "a<1>b<22>" },
	{ "replace that grows", "function f -> string\nCONSTANT \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\nCONSTANT \"a\"\nCONSTANT \"0123456789\"\n"
	  "BUILTIN replace\nBUILTIN 9\nTO_STRING\nRETURN\nend\n", "320" },
	{ "matches", "function f -> bool\nCONSTANT \"MergeTree\"\nCONSTANT \"^Merge\"\nBUILTIN matches\nRETURN\nend\n", "true" },
	{ "matches not", "function f -> bool\nCONSTANT \"MergeTree\"\nCONSTANT \"^Tree\"\nBUILTIN matches\nRETURN\nend\n", "false" },
	{ "a pattern that is none fails", "function f -> bool\nCONSTANT \"x\"\nCONSTANT \"(\"\nBUILTIN matches\nRETURN\nend\n",
	  "! the regular expression \"(\": missing closing parenthesis" },
	{ "a pattern that never ends is stopped", "function f -> bool\nCONSTANT \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"\n"
	  "CONSTANT \"^(([a-z])+.)+[A-Z]([a-z])+$\"\nBUILTIN matches\nRETURN\nend\n",
	  "! the regular expression \"^(([a-z])+.)+[A-Z]([a-z])+$\": match limit exceeded" },
	{ "a class without an end fails", "function f -> bool\nCONSTANT \"x\"\nCONSTANT \"[\"\nBUILTIN matches\nRETURN\nend\n",
	  "! the regular expression \"[\": missing terminating ] for character class" },
	{ "ident", "function f -> string\nCONSTANT \"db\"\nCONSTANT \"t\"\nLIST string 2\nBUILTIN ident\nTO_STRING\nRETURN\nend\n", "db.t" },
	{ "an ident of nothing fails", "function f -> ident\nLIST string 0\nBUILTIN ident\nRETURN\nend\n",
	  "! ident: a name has one part or more" },
	{ "sql_join", "template a \"x\"\ntemplate s \" AND \"\nfunction f -> string\nSQL a\nSQL a\nSQL a\nLIST sql 3\nSQL s\n"
	  "BUILTIN sql_join\nTO_STRING\nRETURN\nend\n", "x AND x AND x" },
	{ "sql_join of nothing", "template s \" AND \"\nfunction f -> string\nLIST sql 0\nSQL s\nBUILTIN sql_join\nTO_STRING\nRETURN\nend\n", "" },
	{ "raw", "function f -> string\nCONSTANT \"now()\"\nBUILTIN raw\nTO_STRING\nRETURN\nend\n", "now()" },
	{ "format_time", "function f -> string\nCONSTANT @1700000000000000\nCONSTANT \"%Y-%m-%d %H:%M:%S\"\nBUILTIN format_time\nRETURN\nend\n",
	  "2023-11-14 22:13:20" },
	{ "format_time before 1970", "function f -> string\nCONSTANT @-1\nCONSTANT \"%Y-%m-%d %H:%M:%S\"\nBUILTIN format_time\nRETURN\nend\n",
	  "1969-12-31 23:59:59" },
	{ "format_time of nothing", "function f -> string\nCONSTANT @0\nCONSTANT \"\"\nBUILTIN format_time\nRETURN\nend\n", "" },
	{ "format_time refuses widths", "function f -> string\nCONSTANT @0\nCONSTANT \"%999999999d\"\nBUILTIN format_time\nRETURN\nend\n",
	  "! format_time: \"%999999999d\" is no format" },
	{ "float", "function f -> float\nINT 3\nBUILTIN float\nRETURN\nend\n", "3.0" },
	{ "int", "function f -> int\nCONSTANT -3.9\nBUILTIN int\nRETURN\nend\n", "-3" },
	{ "int of too much fails", "function f -> int\nCONSTANT 1e19\nBUILTIN int\nRETURN\nend\n", "! int: the number does not fit into 64 bits" },
};

static void computes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		struct buf out = { 0 };
		set_up(&f, cases[i].source);
		run_to_text(&f, &out);
		if (!str_eq(buf_view(&out), str_c(cases[i].result)))
			fail_msg("%s: %s", cases[i].what, buf_view(&out).ptr);
		buf_clear(&out);
		tear_down(&f);
	}
}

/* Each built-in is called by some case above: a new one without a case fails here. */
static void every_builtin_has_a_case(void **state)
{
	(void)state;
	for (uint32_t b = 0; b <= BUILTIN_MAX; b++) {
		bool found = !builtin_table[b].name;
		for (size_t i = 0; !found && i < ARRAY_SIZE(cases); i++) {
			struct fixture f;
			set_up(&f, cases[i].source);
			for (uint32_t pc = 0; pc < f.m.functions[0].code_count; pc++)
				found |= f.m.functions[0].code[pc].op == OP_BUILTIN && f.m.functions[0].code[pc].a == b;
			tear_down(&f);
		}
		if (!found)
			fail_msg("no case calls %s", builtin_table[b].name);
	}
}

#define QUERY_OF(type) \
	"need c sqlite\ntemplate t \"SELECT n\"\nfunction f -> string\nCONNECTION c\nSQL t\nQUERY value\nAS " type "\nTO_STRING\nRETURN\nend\n"

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
		return value_list(h, (struct value[]){ row_of(h, abc, value_int(1)), row_of(h, abc, value_null()) }, 2);
	return abc;
}

static void takes_answers_for_their_type(void **state)
{
	static const struct { const char *source, *answer, *result; } takes[] = {
		{ QUERY_OF("int"), "int", "7" },
		{ QUERY_OF("int"), "string", "! SELECT n: expected int, found string \"abc\"" },
		{ QUERY_OF("int"), "null", "! SELECT n: expected int, found null" },
		{ QUERY_OF("int?"), "null", "null" },
		{ QUERY_OF("int?"), "float", "! SELECT n: expected int, found float 7.0" },
		{ QUERY_OF("float"), "int", "! SELECT n: expected float, found int 7" },
		{ QUERY_OF("any"), "row", "{b: \"abc\", n: 1, extra: null}" },
		{ QUERY_OF("[int]"), "ints", "[1, 2]" },
		{ QUERY_OF("[int]"), "mixed", "! SELECT n: element 1: expected int, found string \"abc\"" },
		{ QUERY_OF("[int]"), "int", "! SELECT n: expected [int], found int 7" },
		{ QUERY_OF("{n: int, b: string}"), "row", "{n: 1, b: \"abc\"}" },
		{ QUERY_OF("{n: string}"), "row", "! SELECT n: column \"n\": expected string, found int 1" },
		{ QUERY_OF("{m: int}"), "row", "! SELECT n: there is no column \"m\"" },
		{ QUERY_OF("[{n: int}]"), "rows", "! SELECT n: element 1: column \"n\": expected int, found null" },
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
		machine_answer(f.vm, answer_of(machine_heap(f.vm), takes[i].answer), STR("SELECT n"));
		if (machine_run(f.vm, 0) == MACHINE_RETURNED)
			value_print(machine_result(f.vm), &out);
		else
			buf_format(&out, "! %.*s", STR_ARG(machine_failure(f.vm, NULL, NULL, NULL)));
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
	set_up(&f, "need c sqlite\ntemplate t \"x\"\nfunction f -> int\nlocal any\nlocal any\nCONNECTION c\nSQL t\nQUERY value\nSTORE 0\n"
	       "CONNECTION c\nSQL t\nQUERY value\nSTORE 1\nLOAD 0\nAS int\nRETURN\nend\n");
	machine_start(f.vm, 0, NULL);
	machine_run(f.vm, 0);
	machine_answer(f.vm, value_null(), STR("the first"));
	machine_run(f.vm, 0);
	machine_answer(f.vm, value_null(), STR("the second"));
	assert_int_equal(machine_run(f.vm, 0), MACHINE_FAILED);
	assert_string_equal(machine_failure(f.vm, NULL, NULL, NULL).ptr, "the first: expected int, found null");
	tear_down(&f);
}

static void says_where_it_failed_and_whether_the_author_did(void **state)
{
	(void)state;
	struct fixture f;
	uint32_t function, pc;
	bool thrown;
	struct buf place = { 0 };
	set_up(&f, "function f\nCALL g\nRETURN\nend\nfunction g\nINT 1\nINT 0\nDIVIDE_INT\nPOP\nRETURN\nend\n");
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
	set_up(&f, "need c sqlite\nneed d clickhouse\ntemplate t \"DELETE \" int \"\"\nfunction f effect -> int?\nCONNECTION d\nINT 5\nSQL t\nEXEC\n"
	       "POP\nCONNECTION c\nINT 6\nSQL t\nEXEC\nRETURN\nend\n");
	machine_start(f.vm, 0, NULL);
	assert_int_equal(machine_run(f.vm, 0), MACHINE_ASKS);
	const struct machine_request *q = machine_request(f.vm);
	assert_int_equal(q->op, OP_EXEC);
	assert_int_equal(q->need, 1);
	assert_true(q->answer_unused);
	assert_int_equal(q->value.kind, VALUE_SQL);
	assert_int_equal(q->value.list->store->at[1].number, 5);
	assert_int_equal(q->pc, 3);
	machine_answer(f.vm, value_null(), STR(""));
	assert_int_equal(machine_run(f.vm, 0), MACHINE_ASKS);
	assert_int_equal(machine_request(f.vm)->need, 0);
	assert_false(machine_request(f.vm)->answer_unused);
	machine_answer(f.vm, value_int(12), STR(""));
	assert_int_equal(machine_run(f.vm, 0), MACHINE_RETURNED);
	assert_int_equal(machine_result(f.vm).number, 12);
	tear_down(&f);
}

static void plans_with_label_options_and_captures(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f, "operation \"x\" capture int capture string options {retry: int} forward g\nplan p\n"
	       "function p\nCONSTANT \"copy 1\"\nINT 3\nRECORD {retry: int}\nINT 5\nCONSTANT \"a\"\nPLAN 0\nRETURN\nend\n"
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
	machine_answer_failure(f.vm, STR("no luck"));
	assert_int_equal(machine_run(f.vm, 0), MACHINE_FAILED);
	assert_string_equal(machine_failure(f.vm, NULL, &pc, NULL).ptr, "no luck");
	assert_int_equal(pc, 2);
	tear_down(&f);
}

static void pauses_when_its_fuel_is_used(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f, "function f -> int\nlocal int\nINT 0\nSTORE 0\nagain:\nLOAD 0\nINT 1000\nLESS_INT\nJUMP_IF_FALSE out\nLOAD 0\nINT 1\nADD_INT\n"
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
	set_up(&f, "param n int\nfrozen s string\nsetup g\nfunction f -> string\nPARAM n\nTO_STRING\nFROZEN s\nCONCAT 2\nRETURN\nend\n"
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
	set_up(&f, "function f -> string\nlocal int\nlocal [string]\nlocal string\nINT 0\nSTORE 0\nCONSTANT \"kept\"\nLIST string 1\nSTORE 1\n"
	       "again:\nLOAD 0\nINT 200000\nLESS_INT\nJUMP_IF_FALSE out\n"
	       "CONSTANT \"a longer text, so that there is something to throw away: \"\nLOAD 0\nTO_STRING\nCONCAT 2\nSTORE 2\n"
	       "LOAD 0\nINT 50000\nREMAINDER_INT\nINT 0\nEQUAL\nJUMP_IF_FALSE on\nLOAD 1\nLOAD 2\nLIST_APPEND\nSTORE 1\n"
	       "on:\nLOAD 0\nINT 1\nADD_INT\nSTORE 0\nJUMP again\nout:\nLOAD 1\nTO_STRING\nRETURN\nend\n");
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
	set_up(&f, "function f\nlocal [string]\nLIST string 0\nSTORE 0\nagain:\nLOAD 0\nCONSTANT \"x\"\nINT 1\nTO_STRING\nCONCAT 2\nLIST_APPEND\n"
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
	set_up(&f, "function f -> int\nlocal int\nlocal [int]\nINT 0\nSTORE 0\nLIST int 0\nSTORE 1\nagain:\nLOAD 0\nINT 300000\nLESS_INT\n"
	       "JUMP_IF_FALSE out\nLOAD 1\nLOAD 0\nLIST_APPEND\nSTORE 1\nLOAD 0\nINT 1\nADD_INT\nSTORE 0\nJUMP again\n"
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
		cmocka_unit_test(computes),
		cmocka_unit_test(every_builtin_has_a_case),
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
