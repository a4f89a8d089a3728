/* machine_fusion.c - a fused sequence does what its instructions do one by one, and fails where
 * they fail */
#include "tests/unit/machine_fixture.h"
#include "vm/machine/interpreter.h"

#include <stdio.h>

#define CODE_CAP 4096

static bool met[256];

/* What comes of it, and where: by single instructions (fuel 1) or by whole sequences (fuel 0). */
static void outcome_of(struct fixture *f, uint64_t fuel, struct buf *out)
{
	uint32_t function, pc;
	enum machine_state state;
	machine_start(f->vm, 0, NULL);
	do
		state = machine_run(f->vm, fuel);
	while (state == MACHINE_PAUSED);
	if (state == MACHINE_RETURNED) {
		value_print(machine_result(f->vm), out);
		return;
	}
	struct str why = machine_failure(f->vm, &function, &pc, NULL);
	buf_format(out, "! %.*s at %u of %u", STR_ARG(why), pc, function);
}

static void is_the_same_both_ways(const char *source)
{
	struct fixture f;
	struct buf whole = { 0 }, single = { 0 };
	set_up(&f, source);
	outcome_of(&f, 1, &single);
	outcome_of(&f, 0, &whole);
	if (!str_eq(buf_view(&whole), buf_view(&single)))
		fail_msg("%s: %s, one by one: %s", source, whole.ptr, single.ptr);
	const struct instruction *code = machine_fused(f.vm, 0);
	for (uint32_t pc = 0; pc < f.m.functions[0].code_count; pc++)
		met[code[pc].op] = true;
	buf_clear(&whole);
	buf_clear(&single);
	tear_down(&f);
}

static const int64_t numbers[] = { INT64_MIN, INT32_MIN, -7, -1, 0,
				   1,	      3,	 7,  INT32_MAX, INT64_MAX };

/* In turn: how the operands come, with %lld for each and %s for the instruction. */
static const struct { const char *text; bool small;
} forms[] = {
	{ "CONSTANT %lld\nSTORE 0\nCONSTANT %lld\nSTORE 1\nLOAD 0\nLOAD 1\n%s\n", false },
	{ "CONSTANT %lld\nSTORE 0\nLOAD 0\nINT %lld\n%s\n", true },
	{ "CONSTANT %lld\nCONSTANT %lld\nSTORE 1\nLOAD 1\n%s\n", false },
	{ "CONSTANT %lld\nINT %lld\n%s\n", true },
	{ "CONSTANT %lld\nCONSTANT %lld\n%s\n", false },
};

static void try_form(size_t form, const char *op, const char *tail, int64_t x, int64_t y)
{
	char source[CODE_CAP];
	char code[CODE_CAP / 2];
	if (forms[form].small && (y < INT32_MIN || y > INT32_MAX))
		return;
	_Pragma("GCC diagnostic push")
	_Pragma("GCC diagnostic ignored \"-Wformat-nonliteral\"")
	snprintf(code, sizeof(code), forms[form].text, (long long)x, (long long)y, op);
	_Pragma("GCC diagnostic pop")
	snprintf(source, sizeof(source), "function f -> int\nlocal int\nlocal int\nlocal int\n%s%s",
		 code, tail);
	is_the_same_both_ways(source);
}

static void try_all(const char *op, const char *tail)
{
	for (size_t form = 0; form < ARRAY_SIZE(forms); form++)
		for (size_t x = 0; x < ARRAY_SIZE(numbers); x++)
			for (size_t y = 0; y < ARRAY_SIZE(numbers); y++)
				try_form(form, op, tail, numbers[x], numbers[y]);
}

static void arithmetic_is_the_same(void **state)
{
	static const char *const ops[] = { "ADD_INT", "SUBTRACT_INT", "MULTIPLY_INT", "DIVIDE_INT",
					   "REMAINDER_INT" };
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		try_all(ops[i], "RETURN\nend\n");
		try_all(ops[i], "STORE 2\nLOAD 2\nRETURN\nend\n");
	}
}

static void comparisons_are_the_same(void **state)
{
	(void)state;
	try_all("LESS_INT", "JUMP_IF_FALSE no\nINT 1\nRETURN\nno:\nINT 0\nRETURN\nend\n");
	try_all("LESS_EQUAL", "JUMP_IF_FALSE no\nINT 1\nRETURN\nno:\nINT 0\nRETURN\nend\n");
	try_all("EQUAL", "JUMP_IF_FALSE no\nINT 1\nRETURN\nno:\nINT 0\nRETURN\nend\n");
	try_all("EQUAL", "JUMP_IF_TRUE yes\nINT 0\nRETURN\nyes:\nINT 1\nRETURN\nend\n");
}

/* What is no int, and what fails and is caught, takes the way of the plain instructions. */
static const char *const others[] = {
	"function f -> int\nlocal int\nCONSTANT 9223372036854775807\nSTORE 0\nTRY caught\nLOAD "
	"0\nINT 1\nADD_INT\nSTORE 0\nLOAD 0\nRETURN\ncaught:\nCAUGHT {class: string, code: "
	"string, message: string}\nPOP\nLOAD 0\nINT 1000\nREMAINDER_INT\nRETURN\nend\n",
	"function f -> int\nlocal int\nINT 5\nSTORE 0\nTRY caught\nLOAD 0\nINT 0\nDIVIDE_INT\n"
	"RETURN\ncaught:\nCAUGHT {class: string, code: string, message: string}\nPOP\nINT 9\n"
	"RETURN\nend\n",
	"function f -> int\nlocal string\nlocal string\nCONSTANT \"a\"\nSTORE 0\nCONSTANT "
	"\"b\"\nSTORE 1\nLOAD 0\nLOAD 1\nLESS_EQUAL\nJUMP_IF_FALSE no\nINT 1\nRETURN\nno:\nINT "
	"0\nRETURN\nend\n",
	"function f -> int\nlocal string\nlocal string\nCONSTANT \"a\"\nSTORE 0\nCONSTANT "
	"\"a\"\nSTORE 1\nLOAD 0\nLOAD 1\nEQUAL\nJUMP_IF_TRUE yes\nINT 1\nRETURN\nyes:\nINT "
	"0\nRETURN\nend\n",
	"function f -> int\nlocal int?\nNULL\nSTORE 0\nLOAD 0\nINT 0\nEQUAL\nJUMP_IF_FALSE no\nINT "
	"1\nRETURN\nno:\nINT 0\nRETURN\nend\n",
	"function f -> int\nlocal int?\nNULL\nWIDEN int?\nINT 0\nEQUAL\nJUMP_IF_FALSE no\nINT "
	"1\nRETURN\nno:\nINT 0\nRETURN\nend\n",
	"function f -> int\nlocal int?\nINT 0\nSTORE 0\nLOAD 0\nNULL\nEQUAL\nJUMP_IF_FALSE no\nINT "
	"1\nRETURN\nno:\nINT 0\nRETURN\nend\n",
	"function f -> int\nlocal float\nlocal float\nCONSTANT 1.5\nSTORE 0\nLOAD 0\nLOAD "
	"0\nLESS_EQUAL\nJUMP_IF_FALSE no\nINT 1\nRETURN\nno:\nINT 0\nRETURN\nend\n",
	"function f -> int\nlocal int\nlocal int\nINT 4\nSTORE 0\nLOAD 0\nSTORE 1\nLOAD 0\nLOAD "
	"1\nPOP\nRETURN\nend\n",
	"function f -> string\nlocal {a: int, b: string}\nINT 1\nCONSTANT \"x\"\nRECORD {a: int, "
	"b: string}\nSTORE 0\nLOAD 0\nFIELD 1\nRETURN\nend\n",
};

static void everything_else_is_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		is_the_same_both_ways(others[i]);
}

/* Over a list of three, from an index on; the counter overflows where it starts too high. */
static void loops_over_lists_are_the_same(void **state)
{
	char source[CODE_CAP];
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		snprintf(source, sizeof(source),
			 "function f -> int\nlocal [int]\nlocal int\nlocal int\nINT 5\nINT 6\nINT "
			 "7\nLIST int 3\nSTORE 0\nCONSTANT %lld\nSTORE 1\nLOAD 0\nLOAD 1\nLIST_GET"
			 "\n%sRETURN\nend\n",
			 (long long)numbers[i], i % 2 ? "" : "STORE 2\nLOAD 2\n");
		is_the_same_both_ways(source);
		snprintf(source, sizeof(source),
			 "function f -> int\nlocal [int]\nlocal int\nlocal int\nLIST int 0\nINT "
			 "1\nLIST_APPEND\nSTORE 0\nCONSTANT %lld\nSTORE 1\nINT 0\nSTORE 2\n"
			 "again:\nLOAD 2\nINT 2\nLESS_INT\nJUMP_IF_FALSE out\nLOAD 2\nLOAD 0\n"
			 "LIST_LENGTH\nLESS_INT\nJUMP_IF_FALSE on\non:\nLOAD 1\nINT 1\nADD_INT\n"
			 "STORE 1\nLOAD 2\nINT 1\nADD_INT\nSTORE 2\nJUMP again\nout:\nLOAD 1\n"
			 "RETURN\nend\n",
			 (long long)numbers[i]);
		is_the_same_both_ways(source);
	}
}

/* A jump into a sequence finds the instructions that it is made of. */
static void a_jump_leads_into_the_middle(void **state)
{
	(void)state;
	is_the_same_both_ways("function f -> int\nlocal int\nINT 0\nSTORE 0\nINT 3\nJUMP in\n"
			      "again:\nLOAD 0\nin:\nINT 2\nADD_INT\nSTORE 0\nLOAD 0\nINT 20\n"
			      "LESS_INT\nJUMP_IF_FALSE out\nJUMP again\nout:\nLOAD 0\nRETURN\n"
			      "end\n");
}

/* What runs is the caller's fused code again, also for a caller of whose code nothing ran yet. */
static void callers_go_on_after_a_restore(void **state)
{
	(void)state;
	struct fixture f;
	struct buf bytes = { 0 };
	struct error err = { 0 };
	set_up(&f, "function f -> int\nlocal int\nINT 5\nSTORE 0\nCALL g\nLOAD 0\nADD_INT\nRETURN\n"
		   "end\nfunction g -> int\nlocal int\nINT 1\nSTORE 0\nLOAD 0\nINT 2\nADD_INT\n"
		   "RETURN\nend\n");
	machine_start(f.vm, 0, NULL);
	assert_int_equal(machine_run(f.vm, 5), MACHINE_PAUSED);
	machine_save(f.vm, &bytes);
	struct machine *other = machine_new(&f.m);
	assert_int_equal(machine_restore(other, buf_view(&bytes), &err), OUTCOME_OK);
	assert_int_equal(machine_run(other, 0), MACHINE_RETURNED);
	assert_int_equal(machine_result(other).number, 8);
	machine_free(other);
	buf_clear(&bytes);
	tear_down(&f);
}

/* The last test: each row of fusion.def stood in a program above. */
static void every_sequence_was_met(void **state)
{
	static const struct { uint8_t number; const char *name; } rows[] = {
#define FUSION(number, name, ...) { number, #name },
#include "vm/machine/fusion.def"
#undef FUSION
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_null(opcode_table[rows[i].number].name);
		if (!met[rows[i].number])
			fail_msg("no program has %s", rows[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arithmetic_is_the_same),
		cmocka_unit_test(comparisons_are_the_same),
		cmocka_unit_test(everything_else_is_the_same),
		cmocka_unit_test(loops_over_lists_are_the_same),
		cmocka_unit_test(a_jump_leads_into_the_middle),
		cmocka_unit_test(callers_go_on_after_a_restore),
		cmocka_unit_test(every_sequence_was_met),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
