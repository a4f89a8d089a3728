/* compiler_lower_emit.c - a module under construction: interning, labels, code that nothing reaches
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compiler/emit.h"

struct fixture {
	struct types types;
	struct emit emit;
	struct code code;
};

static int begin(void **state)
{
	struct fixture *f = must_alloc(sizeof(*f));

	*f = (struct fixture){0};
	types_init(&f->types);
	emit_init(&f->emit, &f->types);
	code_begin(&f->code, &f->emit, emit_function(&f->emit), STR("f"), TYPE_NOTHING);
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	if (f->code.emit)
		code_end(&f->code);
	emit_clear(&f->emit);
	types_clear(&f->types);
	free(f);
	return 0;
}

static void equal_constants_are_one(void **state)
{
	struct emit *e = &((struct fixture *)*state)->emit;
	uint32_t a = emit_constant_text(e, CONSTANT_STRING, STR("a")).n;
	uint32_t version = emit_constant_text(e, CONSTANT_VERSION, STR("a")).n;
	uint32_t empty = emit_constant_text(e, CONSTANT_STRING, STR("")).n;
	uint32_t five = emit_constant_number(e, CONSTANT_INT, 5).n;
	uint32_t five_ms = emit_constant_number(e, CONSTANT_DURATION, 5).n;

	assert_int_equal(emit_constant_text(e, CONSTANT_STRING, STR("a")).n, a);
	assert_int_equal(emit_constant_text(e, CONSTANT_STRING, STR("")).n, empty);
	assert_int_equal(emit_constant_number(e, CONSTANT_INT, 5).n, five);
	assert_int_not_equal(a, version);
	assert_int_not_equal(five, five_ms);
	assert_int_equal(e->constants.count, 5);
	assert_int_equal(e->constants.at[five_ms].type, TYPE_DURATION);
}

static void templates_differ_by_pieces_and_types_of_holes(void **state)
{
	struct emit *e = &((struct fixture *)*state)->emit;
	const struct str ab[] = { STR("a"), STR("b") }, abc[] = { STR("ab"), STR("") },
			 one[] = { STR("a") };
	const uint32_t integer = TYPE_INT, string = TYPE_STRING;
	uint32_t first = emit_template(e, ab, &integer, 1).n;

	assert_int_equal(emit_template(e, ab, &integer, 1).n, first);
	assert_int_not_equal(emit_template(e, ab, &string, 1).n, first);
	assert_int_not_equal(emit_template(e, abc, &integer, 1).n, first);
	assert_int_not_equal(emit_template(e, one, NULL, 0).n, first);
	assert_int_equal(e->templates.count, 4);
	assert_true(str_eq(e->templates.at[first].pieces[1], STR("b")));
}

static void only_types_in_use_come_along_after_their_parts(void **state)
{
	struct fixture *f = *state;
	struct type_field fields[] = { { STR("a"), 0 }, { STR("b"), TYPE_INT } };
	uint32_t unused = types_list(&f->types, TYPE_BOOL), list = types_list(&f->types, TYPE_INT),
		 record, own;

	fields[0].type = types_optional(&f->types, list);
	record = types_record(&f->types, fields, 2);
	own = emit_type(&f->emit, record).n;
	assert_int_equal(emit_type(&f->emit, record).n, own);
	assert_int_equal(f->emit.types.all.count, TYPE_SCALAR_COUNT + 3);
	assert_int_equal(types_get(&f->emit.types, own)->kind, TYPE_RECORD);
	assert_true(types_get(&f->emit.types, own)->fields[0].type < own);
	assert_int_equal(emit_type(&f->emit, TYPE_SQL).n, TYPE_SQL);
	assert_true(unused != list);
}

static void jumps_forward_and_back_find_their_labels(void **state)
{
	struct code *c = &((struct fixture *)*state)->code;
	struct label top = {0}, out = {0};

	label_place(c, &top);
	emit_BOOL(c, (struct operand_flag){ true });
	emit_JUMP_IF_FALSE(c, &out);
	emit_BOOL(c, (struct operand_flag){ false });
	emit_JUMP_IF_TRUE(c, &out);
	emit_JUMP(c, &top);
	label_place(c, &out);
	emit_RETURN(c);
	assert_int_equal(c->code.count, 6);
	assert_int_equal(c->code.at[1].a, 5);
	assert_int_equal(c->code.at[3].a, 5);
	assert_int_equal(c->code.at[4].a, 0);
}

static void code_that_nothing_reaches_is_not_written(void **state)
{
	struct code *c = &((struct fixture *)*state)->code;
	struct label never = {0}, back = {0};

	emit_RETURN(c);
	emit_NOW(c);
	label_place(c, &back);
	emit_JUMP(c, &never);
	emit_JUMP(c, &back);
	label_place(c, &never);
	emit_RETURN(c);
	assert_int_equal(c->code.count, 1);
	assert_true(c->dead);
}

static void a_label_that_is_jumped_to_is_reached_again(void **state)
{
	struct code *c = &((struct fixture *)*state)->code;
	struct label later = {0};

	emit_BOOL(c, (struct operand_flag){ true });
	emit_JUMP_IF_TRUE(c, &later);
	emit_RETURN(c);
	assert_true(c->dead);
	label_place(c, &later);
	assert_false(c->dead);
	emit_RETURN(c);
	assert_int_equal(c->code.count, 4);
}

static void a_finished_function_has_its_parts(void **state)
{
	struct fixture *f = *state;
	const struct function *done = NULL;

	code_local(&f->code, TYPE_INT);
	code_local(&f->code, TYPE_STRING);
	f->code.param_count = 1;
	f->code.line = 7 << 10 | 3;
	emit_RETURN(&f->code);
	code_end(&f->code);
	f->code = (struct code){0};
	done = &f->emit.functions.at[0];
	assert_true(str_eq(done->name, STR("f")));
	assert_int_equal(done->param_count, 1);
	assert_int_equal(done->local_count, 2);
	assert_int_equal(done->local_types[1], TYPE_STRING);
	assert_int_equal(done->code_count, 1);
	assert_int_equal(done->code[0].op, OP_RETURN);
	assert_int_equal(done->lines[0], 7 << 10 | 3);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(equal_constants_are_one),
		CASE(templates_differ_by_pieces_and_types_of_holes),
		CASE(only_types_in_use_come_along_after_their_parts),
		CASE(jumps_forward_and_back_find_their_labels),
		CASE(code_that_nothing_reaches_is_not_written),
		CASE(a_label_that_is_jumped_to_is_reached_again),
		CASE(a_finished_function_has_its_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
