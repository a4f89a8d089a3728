/* machine_checkpoint.c - a machine's state goes through bytes at any stop, and no other bytes are
 * let in */
#include "vm/isa/assemble.h"
#include "vm/machine/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* A call in the middle of an expression, a loop, a list, an any, an effect in the callee. */
static const char source[] =
	"need c sqlite\ntemplate t \"DELETE \" int \"\"\n"
	"function f effect -> string\nlocal int\nlocal [string]\nlocal any\n"
	"INT 0\nSTORE 0\nLIST string 0\nSTORE 1\n"
	"again:\nLOAD 0\nINT 4\nLESS_INT\nJUMP_IF_FALSE out\n"
	"CONNECTION c\nLOAD 0\nSQL t\nQUERY row\nSTORE 2\n"
	"LOAD 1\nCONSTANT \"n=\"\nCONNECTION c\nLOAD 0\nCALL g\nTO_STRING\nLOAD 2\nAS {a: "
	"int}\nTO_STRING\nCONCAT 3\nLIST_APPEND\nSTORE 1\n"
	"LOAD 0\nINT 1\nADD_INT\nSTORE 0\nJUMP again\n"
	"out:\nLOAD 1\nTO_STRING\nRETURN\nend\n"
	"function g effect sqlite int -> int\nlocal int?\nLOAD 0\nLOAD 1\nSQL t\nEXEC\nSTORE "
	"2\nLOAD 2\nUNWRAP none\nLOAD 1\nADD_INT\nRETURN\n"
	"none:\nINT -1\nRETURN\nend\n";

static const char expected[] =
	"[\"n=10{a: 7}\", \"n=11{a: 7}\", \"n=12{a: 7}\", \"n=13{a: 7}\"]";

static struct module module_of(const char *text, char **image)
{
	struct module m;
	struct buf why = { 0 };
	struct error err = { 0 };
	if (!assemble_module(str_c(text), &m, image, &why))
		fail_msg("%s", buf_view(&why).ptr);
	if (module_verify(&m, &err) != OUTCOME_OK)
		fail_msg("%s", err.message);
	return m;
}

static void answer(struct machine *vm)
{
	static const struct str names[] = { { "a", 1 } };
	struct value seven = value_int(7);
	if (machine_request(vm)->op == OP_EXEC)
		machine_answer(vm, value_int(10), STR(""));
	else
		machine_answer(vm, value_record(machine_heap(vm), names, &seven, 1), STR("row"));
}

static struct machine *through_bytes(const struct module *m, struct machine *vm)
{
	struct buf bytes = { 0 };
	struct error err = { 0 };
	struct machine *other = machine_new(m);
	machine_save(vm, &bytes);
	machine_free(vm);
	assert_true(bytes.len < 1024);
	if (machine_restore(other, buf_view(&bytes), &err) != OUTCOME_OK)
		fail_msg("%s", err.message);
	buf_clear(&bytes);
	return other;
}

/* With every amount of fuel, so that it stops at every instruction; and at every question. */
static void goes_on_where_it_was_saved(void **state)
{
	(void)state;
	char *image;
	struct module m = module_of(source, &image);
	for (uint64_t fuel = 1; fuel < 40; fuel++) {
		struct machine *vm = machine_new(&m);
		machine_start(vm, 0, NULL);
		vm = through_bytes(&m, vm);
		for (;;) {
			enum machine_state is = machine_run(vm, fuel);
			if (is != MACHINE_ASKS && is != MACHINE_PAUSED)
				break;
			vm = through_bytes(&m, vm);
			if (is == MACHINE_ASKS) {
				assert_int_equal(machine_run(vm, 0), MACHINE_ASKS);
				answer(vm);
			}
		}
		assert_string_equal(value_text(machine_result(vm)).ptr, expected);
		machine_free(vm);
	}
	module_clear(&m);
	free(image);
}

static void save_at_first_question(const struct module *m, struct buf *out)
{
	struct machine *vm = machine_new(m);
	machine_start(vm, 0, NULL);
	machine_run(vm, 0);
	answer(vm);
	machine_run(vm, 0);
	machine_save(vm, out);
	machine_free(vm);
}

/* A run of an amigrun that knew no blobs goes on: without their count, and the hash that fits. */
static void a_state_of_the_first_format_is_restored(void **state)
{
	(void)state;
	char *image;
	struct module m = module_of(source, &image);
	struct buf bytes = { 0 };
	struct error err = { 0 };
	struct machine *vm = machine_new(&m);
	const size_t body = 4 + 1 + 16 + 8;
	save_at_first_question(&m, &bytes);
	assert_int_equal(bytes.ptr[body], 0);
	memmove(bytes.ptr + body, bytes.ptr + body + 1, bytes.len - body - 1);
	bytes.len--;
	uint64_t hash = hash_64((struct str){ bytes.ptr + body, bytes.len - body });
	memcpy(bytes.ptr + body - 8, &hash, sizeof(hash));
	bytes.ptr[4] = 1;
	if (machine_restore(vm, buf_view(&bytes), &err) != OUTCOME_OK)
		fail_msg("%s", err.message);
	while (machine_run(vm, 0) == MACHINE_ASKS)
		answer(vm);
	assert_string_equal(value_text(machine_result(vm)).ptr, expected);
	machine_free(vm);
	buf_clear(&bytes);
	module_clear(&m);
	free(image);
}

static void refuses_every_changed_byte_and_every_shorter_state(void **state)
{
	(void)state;
	char *image;
	struct module m = module_of(source, &image);
	struct buf bytes = { 0 };
	struct machine *vm = machine_new(&m);
	save_at_first_question(&m, &bytes);
	for (size_t i = 0; i < bytes.len; i++) {
		struct error err = { 0 };
		bytes.ptr[i] ^= 4;
		assert_int_equal(machine_restore(vm, buf_view(&bytes), &err), OUTCOME_DAMAGED);
		assert_non_null(err.message);
		bytes.ptr[i] ^= 4;
		error_clear(&err);
		assert_int_equal(machine_restore(vm, (struct str){ bytes.ptr, i }, &err),
				 OUTCOME_DAMAGED);
		error_clear(&err);
	}
	machine_free(vm);
	buf_clear(&bytes);
	module_clear(&m);
	free(image);
}

/* With a right hash, so that only the agreement with the code stands between the bytes and the
 * interpreter. */
static void lets_no_forged_state_break_the_interpreter(void **state)
{
	(void)state;
	char *image;
	struct module m = module_of(source, &image);
	struct buf bytes = { 0 };
	const size_t body = 4 + 1 + 16 + 8;
	uint32_t refused = 0;
	save_at_first_question(&m, &bytes);
	for (size_t i = body; i < bytes.len; i++) {
		for (int change = 1; change < 256; change++) {
			struct error err = { 0 };
			struct machine *vm = machine_new(&m);
			bytes.ptr[i] = (char)(bytes.ptr[i] ^ change);
			uint64_t hash = hash_64((struct str){ bytes.ptr + body, bytes.len - body });
			memcpy(bytes.ptr + body - 8, &hash, sizeof(hash));
			enum outcome outcome = machine_restore(vm, buf_view(&bytes), &err);
			if (outcome == OUTCOME_OK)
				machine_run(vm, 1000);
			else
				refused++;
			error_clear(&err);
			bytes.ptr[i] = (char)(bytes.ptr[i] ^ change);
			machine_free(vm);
		}
	}
	assert_true(refused > 1000);
	buf_clear(&bytes);
	module_clear(&m);
	free(image);
}

static void refuses_a_state_of_another_module_by_name(void **state)
{
	(void)state;
	char *image, *other_image;
	struct module m = module_of(source, &image),
		      other = module_of("function f\nRETURN\nend\n", &other_image);
	struct buf bytes = { 0 };
	struct error err = { 0 };
	struct machine *vm = machine_new(&other);
	save_at_first_question(&m, &bytes);
	assert_int_equal(machine_restore(vm, buf_view(&bytes), &err), OUTCOME_DAMAGED);
	assert_string_equal(err.message, "the checkpoint is of another module");
	error_clear(&err);
	bytes.ptr[4]++;
	assert_int_equal(machine_restore(vm, buf_view(&bytes), &err), OUTCOME_DAMAGED);
	assert_string_equal(err.message,
			    "the checkpoint has format 3, this amigrun reads formats 1 and 2");
	error_clear(&err);
	machine_free(vm);
	buf_clear(&bytes);
	module_clear(&m);
	module_clear(&other);
	free(image);
	free(other_image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_on_where_it_was_saved),
		cmocka_unit_test(a_state_of_the_first_format_is_restored),
		cmocka_unit_test(refuses_every_changed_byte_and_every_shorter_state),
		cmocka_unit_test(lets_no_forged_state_break_the_interpreter),
		cmocka_unit_test(refuses_a_state_of_another_module_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
