/* isa_verify.c - what the verifier lets through, and what it refuses with which words */
#include "vm/isa/assemble.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define CAUGHT "CAUGHT {class: string, code: string, message: string}\n"

static const struct {
	const char *what;
	const char *source;
	const char *refusal;		/* NULL: it is right */
} cases[] = {
	{ "an empty migration is right", "", NULL },
	{ "a function may add two ints",
	  "function f int int -> int\nLOAD 0\nLOAD 1\nADD_INT\nRETURN\nend\n", NULL },
	{ "an int is not a string",
	  "function f int string -> int\nLOAD 0\nLOAD 1\nADD_INT\nRETURN\nend\n",
	  "function 0 (f), instruction 2 (ADD_INT): expects int, finds string" },
	{ "the stack must hold what is taken", "function f -> int\nINT 1\nADD_INT\nRETURN\nend\n",
	  "takes more from the stack than there is" },
	{ "the result must be there", "function f -> int\nRETURN\nend\n",
	  "takes more from the stack than there is" },
	{ "the result must be of its type", "function f -> int\nBOOL 1\nRETURN\nend\n",
	  "expects int, finds bool" },
	{ "a function must end", "function f\nINT 1\nPOP\nend\n", "does not end here" },
	{ "a jump back at the end ends too", "function f\nagain:\nINT 1\nPOP\nJUMP again\nend\n",
	  NULL },
	{ "a conditional jump is no end",
	  "function f bool\nagain:\nLOAD 0\nJUMP_IF_TRUE again\nend\n", "does not end here" },
	{ "FAIL ends a function", "function f -> int\nCONSTANT \"no\"\nFAIL\nend\n", NULL },
	{ "a local must have been stored to", "function f -> int\nlocal int\nLOAD 0\nRETURN\nend\n",
	  "local 0 is not stored to on every way here" },
	{ "a local must have been stored to on every way",
	  "function f bool -> int\nlocal int\nLOAD 0\nJUMP_IF_FALSE over\nINT 1\nSTORE "
	  "1\nover:\nLOAD 1\nRETURN\nend\n",
	  "local 1 is not stored to on every way here" },
	{ "a local stored to on both ways is there",
	  "function f bool -> int\nlocal int\nLOAD 0\nJUMP_IF_FALSE other\nINT 1\nSTORE 1\nJUMP "
	  "on\n"
	  "other:\nINT 2\nSTORE 1\non:\nLOAD 1\nRETURN\nend\n",
	  NULL },
	{ "a loop that stores only within leaves it unstored",
	  "function f bool -> int\nlocal int\nagain:\nLOAD 0\nJUMP_IF_FALSE out\nINT 1\nSTORE "
	  "1\nJUMP again\n"
	  "out:\nLOAD 1\nRETURN\nend\n",
	  "local 1 is not stored to on every way here" },
	{ "a local takes its type only", "function f\nlocal int\nNULL\nSTORE 0\nRETURN\nend\n",
	  "expects int, finds null" },
	{ "an optional local takes null", "function f\nlocal int?\nNULL\nSTORE 0\nRETURN\nend\n",
	  NULL },
	{ "ways must meet with the same depth",
	  "function f bool -> int\nLOAD 0\nJUMP_IF_FALSE over\nINT 1\nover:\nINT 2\nRETURN\nend\n",
	  "comes to instruction 3 with" },
	{ "ways must meet with types that go together",
	  "function f bool -> int\nLOAD 0\nJUMP_IF_FALSE other\nINT 1\nJUMP on\nother:\nBOOL "
	  "1\non:\nRETURN\nend\n",
	  "another way with" },
	{ "a null and an optional meet as the optional",
	  "function f bool -> int?\nLOAD 0\nJUMP_IF_FALSE other\nINT 1\nWIDEN int?\nJUMP "
	  "on\nother:\nNULL\non:\nRETURN\nend\n",
	  NULL },
	{ "a wider type on a later way widens what follows",
	  "function f bool -> int\nLOAD 0\nJUMP_IF_FALSE other\nINT 1\nJUMP on\nother:\nINT "
	  "1\nWIDEN int?\non:\nRETURN\nend\n",
	  "expects int, finds int?" },
	{ "a jump stays within the function", "function f\nJUMP 9\nend\n", "its operand a is 9" },
	{ "an unknown instruction is none", "function f\nRAW 255 0 0\nRETURN\nend\n",
	  "there is no instruction 255" },
	{ "an unused operand is zero", "function f\nRAW 25 7 0\nend\n", "its operand a is 7" },
	{ "an unused second operand is zero", "function f\nRAW 25 0 7\nend\n",
	  "its operand b is 7" },
	{ "a flag is 0 or 1", "function f\nBOOL 2\nPOP\nRETURN\nend\n", "its operand a is 2" },
	{ "a constant must be there", "function f\nRAW 1 0 0\nPOP\nRETURN\nend\n",
	  "its operand a is 0" },
	{ "a local must be there", "function f\nLOAD 0\nRETURN\nend\n", "its operand a is 0" },
	{ "a type must be there", "function f\nRAW 70 999 0\nPOP\nRETURN\nend\n",
	  "its operand a is 999" },
	{ "nothing is no type of a value", "function f\nLIST nothing 0\nPOP\nRETURN\nend\n",
	  "its operand a is 1" },
	{ "a function must be there", "function f\nRAW 24 77 0\nRETURN\nend\n",
	  "its operand a is 77" },
	{ "a built-in must be there", "function f\nBUILTIN 250\nRETURN\nend\n",
	  "its operand a is 250" },
	{ "a template must be there", "function f\nSQL 0\nPOP\nRETURN\nend\n",
	  "its operand a is 0" },
	{ "a parameter must be there", "function f\nPARAM 0\nPOP\nRETURN\nend\n",
	  "its operand a is 0" },
	{ "a frozen value must be there", "function f\nFROZEN 3\nPOP\nRETURN\nend\n",
	  "its operand a is 3" },
	{ "a connection must be there", "function f\nCONNECTION 0\nPOP\nRETURN\nend\n",
	  "its operand a is 0" },
	{ "an operation must be there",
	  "plan p\nfunction p\nCONSTANT \"x\"\nNULL\nPLAN 0\nRETURN\nend\n", "its operand a is 0" },
	{ "a shape must be one",
	  "need c sqlite\ntemplate t \"SELECT\"\nfunction f\nCONNECTION c\nSQL t\nQUERY "
	  "9\nPOP\nRETURN\nend\n",
	  "its operand b is 9" },
	{ "a call takes the parameters' types",
	  "function g int\nRETURN\nend\nfunction f\nBOOL 1\nCALL g\nRETURN\nend\n",
	  "expects int, finds bool" },
	{ "a call gives the result",
	  "function g -> string\nCONSTANT \"x\"\nRETURN\nend\n"
	  "function f -> string\nCALL g\nRETURN\nend\n",
	  NULL },
	{ "a function without a result gives nothing",
	  "function g\nRETURN\nend\nfunction f\nCALL g\nPOP\nRETURN\nend\n",
	  "takes more from the stack than there is" },
	{ "a built-in takes its types",
	  "function f -> bool\nCONSTANT \"x\"\nINT 1\nBUILTIN contains\nRETURN\nend\n",
	  "expects string, finds int" },
	{ "a built-in for any list takes one",
	  "function f [bool] -> int\nLOAD 0\nBUILTIN 10\nRETURN\nend\n", NULL },
	{ "a string is no list", "function f -> int\nCONSTANT \"x\"\nBUILTIN 10\nRETURN\nend\n",
	  "expects a list, finds string" },
	{ "an element has the list's type",
	  "function f [string] -> string\nLOAD 0\nINT 0\nLIST_GET\nRETURN\nend\n", NULL },
	{ "appending null makes a list of optionals",
	  "function f -> [int?]\nINT 1\nLIST int 1\nNULL\nWIDEN int?\nLIST_APPEND\nRETURN\nend\n",
	  NULL },
	{ "and it is no list of ints any more",
	  "function f -> [int]\nINT 1\nLIST int 1\nNULL\nWIDEN int?\nLIST_APPEND\nRETURN\nend\n",
	  "expects [int], finds [int?]" },
	{ "a string can't be appended to ints",
	  "function f\nLIST int 0\nCONSTANT \"x\"\nLIST_APPEND\nPOP\nRETURN\nend\n",
	  "expects int, finds string" },
	{ "a record is made of its fields",
	  "function f -> {a: int, b: string}\nINT 1\nCONSTANT \"x\"\nRECORD {a: int, b: "
	  "string}\nRETURN\nend\n",
	  NULL },
	{ "in their order",
	  "function f -> {a: int, b: string}\nCONSTANT \"x\"\nINT 1\nRECORD {a: int, b: "
	  "string}\nRETURN\nend\n",
	  "expects string, finds int" },
	{ "a record is of a record type", "function f -> int\nRECORD int\nRETURN\nend\n",
	  "which is none" },
	{ "a field has its type",
	  "function f {a: int, b: string} -> string\nLOAD 0\nFIELD 1\nRETURN\nend\n", NULL },
	{ "a field must be there", "function f {a: int} -> int\nLOAD 0\nFIELD 1\nRETURN\nend\n",
	  "there is no field 1" },
	{ "an int has no fields", "function f int -> int\nLOAD 0\nFIELD 0\nRETURN\nend\n",
	  "expects a record, finds int" },
	{ "only any can be taken with `as`",
	  "need c sqlite\nfunction f -> string\nCONNECTION c\nAS string\nRETURN\nend\n",
	  "expects any, finds sqlite" },
	{ "`as` gives no connection", "function f any\nLOAD 0\nAS [sqlite]\nPOP\nRETURN\nend\n",
	  "no query gives a connection" },
	{ "unwrapping takes the null away",
	  "function f int? -> int\nLOAD 0\nUNWRAP none\nRETURN\nnone:\nINT 0\nRETURN\nend\n",
	  NULL },
	{ "what was null is gone at the target",
	  "function f int? -> int\nLOAD 0\nUNWRAP none\nRETURN\nnone:\nRETURN\nend\n",
	  "takes more from the stack than there is" },
	{ "WIDEN only widens", "function f -> int\nNULL\nWIDEN int\nRETURN\nend\n",
	  "expects int, finds null" },
	{ "bools have no order", "function f -> bool\nBOOL 0\nBOOL 1\nLESS\nRETURN\nend\n",
	  "expects a type that has an order" },
	{ "what is compared is of one type",
	  "function f -> bool\nINT 1\nCONSTANT 1.5\nLESS\nRETURN\nend\n",
	  "expects int, finds float" },
	{ "an effect needs a function that may",
	  "need c sqlite\ntemplate t \"DELETE\"\nfunction f\nCONNECTION c\nSQL "
	  "t\nEXEC\nPOP\nRETURN\nend\n",
	  "changes the world" },
	{ "an effect is right in one that may",
	  "need c sqlite\ntemplate t \"DELETE\"\nfunction f effect\nCONNECTION c\nSQL "
	  "t\nEXEC\nPOP\nRETURN\nend\n",
	  NULL },
	{ "nor may it call one that may",
	  "function g effect\nRETURN\nend\nfunction f\nCALL g\nRETURN\nend\n",
	  "changes the world" },
	{ "a hole takes its type",
	  "template t \"a \" int \" b\"\nfunction f -> sql\nCONSTANT \"x\"\nSQL t\nRETURN\nend\n",
	  "expects int, finds string" },
	{ "a record is no hole", "template t \"a \" {x: int} \" b\"\n",
	  "hole 0 has a type that SQL has no literal for" },
	{ "any is no hole", "template t \"a \" any \" b\"\n",
	  "hole 0 has a type that SQL has no literal for" },
	{ "a list of lists is no hole", "template t \"a \" [[int]] \" b\"\n", "hole 0 has a type" },
	{ "a list of optionals is a hole", "template t \"a \" [int?] \" b\"\n", NULL },
	{ "planning is for the plan",
	  "operation \"x\" forward g\nfunction g effect\nRETURN\nend\n"
	  "function f\nCONSTANT \"x\"\nNULL\nPLAN 0\nRETURN\nend\n",
	  "only the migration's plan may plan" },
	{ "the plan names label, options and captures",
	  "operation \"x\" capture int options {retry: int} forward g\nplan p\n"
	  "function g effect int\nRETURN\nend\n"
	  "function p\nCONSTANT \"x\"\nINT 3\nRECORD {retry: int}\nINT 5\nPLAN 0\nRETURN\nend\n",
	  NULL },
	{ "a capture has its type",
	  "operation \"x\" capture int forward g\nplan p\nfunction g effect int\nRETURN\nend\n"
	  "function p\nCONSTANT \"x\"\nNULL\nBOOL 1\nPLAN 0\nRETURN\nend\n",
	  "expects int, finds bool" },
	{ "nobody calls the plan",
	  "plan p\nfunction p\nRETURN\nend\nfunction f\nCALL p\nRETURN\nend\n",
	  "the plan can't be called" },
	{ "an unknown option is refused",
	  "operation \"x\" options {speed: int} forward g\nfunction g effect\nRETURN\nend\n",
	  "its option `speed` is unknown" },
	{ "an option has its type",
	  "operation \"x\" options {retry: string} forward g\nfunction g effect\nRETURN\nend\n",
	  "its option `retry` is unknown or of another type" },
	{ "forward takes the captures",
	  "operation \"x\" capture int forward g\nfunction g effect\nRETURN\nend\n",
	  "takes 0 values instead of 1" },
	{ "forward must be there", "operation \"x\"\n",
	  "an operation's forward: there is no function" },
	{ "rollback takes the captures",
	  "operation \"x\" forward g rollback h\nfunction g effect\nRETURN\nend\n"
	  "function h effect int\nRETURN\nend\n",
	  "an operation's rollback: function 1 takes 1 values" },
	{ "`done when` gives a bool",
	  "operation \"x\" forward g done h\nfunction g effect\nRETURN\nend\nfunction "
	  "h\nRETURN\nend\n",
	  "gives another type" },
	{ "`done when` changes nothing",
	  "operation \"x\" forward g done h\nfunction g effect\nRETURN\nend\n"
	  "function h effect -> bool\nBOOL 1\nRETURN\nend\n",
	  "may change the world" },
	{ "an operation is on a connection that there is",
	  "operation \"x\" on 3 forward g\nfunction g effect\nRETURN\nend\n",
	  "there is no connection 3" },
	{ "a check takes nothing", "check pre \"x\" f\nfunction f int\nRETURN\nend\n",
	  "takes 1 values instead of 0" },
	{ "a healthcheck has its time", "check health \"x\" f 0\nfunction f\nRETURN\nend\n",
	  "every 0 ms" },
	{ "setup gives the frozen values",
	  "frozen a int\nsetup s\nfunction s -> {a: int}\nINT 1\nRECORD {a: int}\nRETURN\nend\n",
	  NULL },
	{ "setup gives no others",
	  "frozen a int\nsetup s\nfunction s -> {b: int}\nINT 1\nRECORD {b: int}\nRETURN\nend\n",
	  "its value 0 is not the frozen value" },
	{ "setup gives all", "frozen a int\nsetup s\nfunction s\nRETURN\nend\n",
	  "does not give the frozen values" },
	{ "a default is of the parameter's type",
	  "param n int default d\nfunction d -> string\nCONSTANT \"x\"\nRETURN\nend\n",
	  "a parameter's default: function 0 gives another type" },
	{ "a check of a parameter says why not",
	  "param n int check d\nfunction d int -> string?\nNULL\nRETURN\nend\n", NULL },
	{ "a parameter is no connection", "param n sqlite\n", "a connection can't be one" },
	{ "what a TRY catches has class, code and message",
	  "function f -> string\nTRY caught\nCONSTANT \"no\"\nFAIL\n"
	  "caught:\n" CAUGHT "FIELD 2\nRETURN\nend\n",
	  NULL },
	{ "nothing else is caught",
	  "function f\nTRY caught\nRETURN\ncaught:\nCAUGHT {message: string}\nPOP\nRETURN\nend\n",
	  "what is caught has class, code and message" },
	{ "a failure goes on at a CAUGHT",
	  "function f\nTRY caught\nRETURN\ncaught:\nRETURN\nend\n",
	  "its target is no CAUGHT behind it" },
	{ "a failure goes on further down",
	  "function f\ncaught:\n" CAUGHT "POP\n"
	  "TRY caught\nRETURN\nend\n",
	  "its target is no CAUGHT behind it" },
	{ "a TRY begins between statements",
	  "function f\nINT 1\nTRY caught\nPOP\nRETURN\n"
	  "caught:\n" CAUGHT "POP\nRETURN\nend\n",
	  "begins with 1 values on the stack" },
	{ "a region is entered through its TRY only",
	  "function f bool\nLOAD 0\nJUMP_IF_TRUE within\nTRY caught\nwithin:\nRETURN\n"
	  "caught:\n" CAUGHT "POP\nRETURN\nend\n",
	  "jumps into the region of a TRY" },
	{ "a region may be left and lie in another",
	  "function f bool\nTRY outer\nTRY inner\nLOAD 0\nJUMP_IF_TRUE end\nJUMP end\n"
	  "inner:\n" CAUGHT "POP\nJUMP end\n"
	  "outer:\n" CAUGHT "POP\nend:\nRETURN\nend\n",
	  NULL },
	{ "regions do not overlap",
	  "function f\nTRY first\nTRY second\nRETURN\n"
	  "first:\n" CAUGHT "POP\nRETURN\n"
	  "second:\n" CAUGHT "POP\nRETURN\nend\n",
	  "its region leaves the one that it lies in" },
	{ "what was stored behind the TRY may be missing where it is caught",
	  "function f -> int\nlocal int\nTRY caught\nINT 1\nSTORE 0\nLOAD 0\nRETURN\n"
	  "caught:\n" CAUGHT "POP\nLOAD 0\nRETURN\nend\n",
	  "local 0 is not stored to on every way here" },
	{ "keys have an order",
	  "function f [int] [[int]] -> [int]\nLOAD 0\nLOAD 1\nSORT_BY\nRETURN\nend\n",
	  "expects a type that has an order" },
	{ "a window has its fields",
	  "need c sqlite\nfunction f effect\nCONNECTION c\nCONSTANT \"t\"\nLIST string 1\n"
	  "BUILTIN ident\nLIST string 0\nNULL\nNULL\nWINDOW int?\nPOP\nRETURN\nend\n",
	  "a window is null or has after" },
	{ "only a plan has operations that run at once",
	  "function f\nINT 2\nPARALLEL\nRETURN\nend\n", "only the migration's plan" },
	{ "a version is one", "versions \"1.2\" \"\"\n", "`1.2` is no version" },
	{ "a list that is put into itself in a loop is refused",
	  "function f\nLIST never 0\nagain:\nDUP\nLIST_APPEND\nJUMP again\nend\n",
	  "nests too deep" },
	{ "an element of the empty list is never there",
	  "function f -> string\nLIST never 0\nINT 0\nLIST_GET\nRETURN\nend\n", NULL },
};

static void refuses_what_is_wrong_and_says_where(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct module m;
		struct buf why = { 0 };
		struct error err = { 0 };
		char *image;
		if (!assemble_module(str_c(cases[i].source), &m, &image, &why))
			fail_msg("%s: %s", cases[i].what, buf_view(&why).ptr);
		enum outcome outcome = module_verify(&m, &err);
		if (!cases[i].refusal && outcome != OUTCOME_OK)
			fail_msg("%s: %s", cases[i].what, err.message);
		if (cases[i].refusal && outcome != OUTCOME_DAMAGED)
			fail_msg("%s: was let through", cases[i].what);
		if (cases[i].refusal && !strstr(err.message, cases[i].refusal))
			fail_msg("%s: %s", cases[i].what, err.message);
		assert_int_equal(m.verified, outcome == OUTCOME_OK);
		error_clear(&err);
		module_clear(&m);
		free(image);
	}
}

static void finds_the_largest_stack(void **state)
{
	(void)state;
	struct module m;
	struct buf why = { 0 };
	struct error err = { 0 };
	char *image;
	assert_true(assemble_module(
		STR("function f\nINT 1\nINT 2\nINT 3\nLIST int 3\nPOP\nINT 1\nPOP\nRETURN\nend\n"),
		&m, &image, &why));
	assert_int_equal(module_verify(&m, &err), OUTCOME_OK);
	assert_int_equal(m.functions[0].max_stack, 3);
	module_clear(&m);
	free(image);
}

/* A stack of FUNCTION_STACK_MAX values is right, one more is not. */
static void bounds_the_stack(void **state)
{
	(void)state;
	for (uint32_t more = 0; more < 2; more++) {
		struct module m;
		struct buf why = { 0 }, source = { 0 };
		struct error err = { 0 };
		char *image;
		buf_text(&source, "function f\n");
		for (uint32_t i = 0; i < FUNCTION_STACK_MAX + more; i++)
			buf_text(&source, "NULL\n");
		buf_text(&source, "RETURN\nend\n");
		assert_true(assemble_module(buf_view(&source), &m, &image, &why));
		assert_int_equal(module_verify(&m, &err), more ? OUTCOME_DAMAGED : OUTCOME_OK);
		error_clear(&err);
		module_clear(&m);
		buf_clear(&source);
		free(image);
	}
}

static void tells_what_holds_before_an_instruction(void **state)
{
	(void)state;
	struct module m;
	struct buf why = { 0 };
	struct error err = { 0 };
	struct arena a = { 0 };
	struct frame_map map;
	char *image;
	assert_true(assemble_module(
		STR("function f bool\nlocal int\nINT 7\nLOAD 0\nJUMP_IF_FALSE out\nINT 1\nSTORE 1\n"
		    "out:\nPOP\nRETURN\nNULL\nRETURN\nend\n"),
		&m, &image, &why));
	assert_int_equal(module_verify(&m, &err), OUTCOME_OK);
	assert_true(module_frame(&m, 0, 4, &a, &map));
	assert_int_equal(map.depth, 2);
	assert_int_equal(map.stack[0], TYPE_INT);
	assert_int_equal(map.stored[0], 1);
	assert_true(module_frame(&m, 0, 5, &a, &map));
	assert_int_equal(map.depth, 1);
	assert_int_equal(map.stored[0], 1);
	assert_false(module_frame(&m, 0, 7, &a, &map));
	assert_false(module_frame(&m, 0, 99, &a, &map));
	arena_clear(&a);
	module_clear(&m);
	free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_wrong_and_says_where),
		cmocka_unit_test(finds_the_largest_stack),
		cmocka_unit_test(bounds_the_stack),
		cmocka_unit_test(tells_what_holds_before_an_instruction),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
