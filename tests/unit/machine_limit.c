/* machine_limit.c - how deep calls go, and that a loop of any length runs in the same memory */
#include "tests/unit/machine_fixture.h"

/* g(calls - 1), which calls itself down to g(0), with so many locals in each call. */
static void call_down(uint32_t calls, uint32_t locals, struct buf *out)
{
	struct fixture f;
	struct buf source = { 0 };
	buf_format(&source,
		   "function f -> int\nINT %u\nCALL g\nRETURN\nend\nfunction g int -> int\n",
		   calls - 1);
	for (uint32_t i = 1; i < locals; i++)
		buf_text(&source, "local int\n");
	buf_text(&source, "LOAD 0\nINT 1\nLESS_INT\nJUMP_IF_FALSE more\nLOAD 0\nRETURN\nmore:\n"
			  "LOAD 0\nINT 1\nSUBTRACT_INT\nCALL g\nRETURN\nend\n");
	set_up(&f, source.ptr);
	run_to_text(&f, out);
	buf_clear(&source);
	tear_down(&f);
}

static void comes_to(uint32_t calls, uint32_t locals, const char *expected)
{
	struct buf out = { 0 };
	call_down(calls, locals, &out);
	assert_string_equal(out.ptr, expected);
	buf_clear(&out);
}

static void calls_go_so_deep_and_no_deeper(void **state)
{
	(void)state;
	comes_to(MACHINE_FRAMES_MAX, 1, "0");
	comes_to(MACHINE_FRAMES_MAX + 1, 1, "! the calls go too deep: more than 200");
}

static void values_of_all_calls_are_so_many_and_no_more(void **state)
{
	/* Beside its locals a call here has two values on the stack at the most. */
	uint32_t fit = MACHINE_STACK_MAX / FUNCTION_LOCALS_MAX - 1;
	(void)state;
	comes_to(fit, FUNCTION_LOCALS_MAX, "0");
	comes_to(fit + 1, FUNCTION_LOCALS_MAX,
		 "! the calls go too deep: they need more than 65536 values");
}

/* A text that is built up to 1000 pieces and dropped again, over and over: some 700 MB of garbage,
 * and never more memory than after the first of it. */
static void texts_that_are_dropped_leave_no_trace(void **state)
{
	struct fixture f;
	struct buf out = { 0 };
	(void)state;
	set_up(&f, "function f -> string\nlocal int\nlocal string\nINT 0\nSTORE 0\nCONSTANT \"\"\n"
		   "STORE 1\nagain:\nLOAD 0\nINT 200000\nLESS_INT\nJUMP_IF_FALSE out\nLOAD 1\nLOAD "
		   "0\nTO_STRING\nCONSTANT \",\"\nCONCAT 3\nSTORE 1\nLOAD 0\nINT 1000\n"
		   "REMAINDER_INT\nINT 0\nEQUAL\nJUMP_IF_FALSE on\nCONSTANT \"\"\nSTORE 1\non:\n"
		   "LOAD 0\nINT 1\nADD_INT\nSTORE 0\nJUMP again\nout:\nLOAD 1\nRETURN\nend\n");
	machine_start(f.vm, 0, NULL);
	while (machine_run(f.vm, 100000) == MACHINE_PAUSED)
		assert_true(machine_heap(f.vm)->arena.total_bytes < (size_t)5 << 20);
	value_print(machine_result(f.vm), &out);
	assert_true(str_starts(buf_view(&out), STR("199001,199002,")));
	buf_clear(&out);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_go_so_deep_and_no_deeper),
		cmocka_unit_test(values_of_all_calls_are_so_many_and_no_more),
		cmocka_unit_test(texts_that_are_dropped_leave_no_trace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
