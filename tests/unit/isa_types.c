/* isa_types.c - types, and the patterns of opcodes.def and builtins.def */
#include "vm/isa/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct types types;

static uint32_t record(uint32_t a, uint32_t b)
{
	struct type_field fields[] = { { STR("a"), a }, { STR("b"), b } };
	return types_record(&types, fields, 2);
}

static uint32_t list(uint32_t element)
{
	return types_list(&types, element);
}

static uint32_t optional(uint32_t element)
{
	return types_optional(&types, element);
}

static void equal_types_have_equal_numbers(void **state)
{
	(void)state;
	assert_int_equal(list(TYPE_INT), list(TYPE_INT));
	assert_int_not_equal(list(TYPE_INT), list(TYPE_FLOAT));
	assert_int_equal(record(TYPE_INT, TYPE_ANY), record(TYPE_INT, TYPE_ANY));
	assert_int_not_equal(record(TYPE_INT, TYPE_ANY), record(TYPE_ANY, TYPE_INT));
	assert_int_equal(optional(optional(TYPE_INT)), optional(TYPE_INT));
	assert_int_equal(optional(TYPE_ANY), TYPE_ANY);
	assert_int_equal(optional(TYPE_NULL), TYPE_NULL);
	assert_int_equal(types_connection(&types, STR("sqlite")),
			 types_connection(&types, STR("sqlite")));
	assert_int_not_equal(types_connection(&types, STR("int")), TYPE_INT);
	assert_int_equal(types_connection(&types, STR("chdb")),
			 types_connection(&types, STR("clickhouse")));
}

static void types_print_as_an_author_writes_them(void **state)
{
	(void)state;
	struct buf out = { 0 };
	types_print(&types, list(optional(record(TYPE_INT, list(TYPE_STRING)))), &out);
	assert_string_equal(buf_view(&out).ptr, "[{a: int, b: [string]}?]");
	buf_clear(&out);
}

static void assignability(void **state)
{
	(void)state;
	uint32_t connection = types_connection(&types, STR("sqlite"));
	const struct { uint32_t from, to; bool may; } cases[] = {
		{ TYPE_INT, TYPE_INT, true },
		{ TYPE_INT, TYPE_FLOAT, false },
		{ TYPE_NEVER, TYPE_INT, true },
		{ TYPE_INT, TYPE_NEVER, false },
		{ TYPE_NULL, optional(TYPE_INT), true },
		{ TYPE_INT, optional(TYPE_INT), true },
		{ optional(TYPE_INT), TYPE_INT, false },
		{ TYPE_NULL, TYPE_INT, false },
		{ TYPE_INT, TYPE_ANY, true },
		{ TYPE_ANY, TYPE_INT, false },
		{ TYPE_NOTHING, TYPE_ANY, false },
		{ connection, TYPE_ANY, false },
		{ list(connection), TYPE_ANY, false },
		{ record(TYPE_INT, connection), TYPE_ANY, false },
		{ connection, types_connection(&types, STR("postgres")), false },
		{ list(TYPE_NEVER), list(TYPE_INT), true },
		{ list(TYPE_INT), list(optional(TYPE_INT)), true },
		{ list(optional(TYPE_INT)), list(TYPE_INT), false },
		{ record(TYPE_INT, TYPE_NULL), record(TYPE_INT, optional(TYPE_INT)), true },
		{ record(TYPE_INT, TYPE_NULL), record(TYPE_INT, TYPE_INT), false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (types_assignable(&types, cases[i].from, cases[i].to) != cases[i].may)
			fail_msg("case %zu is wrong", i);
}

static void joins(void **state)
{
	(void)state;
	const struct { uint32_t a, b, join;
	} cases[] = {
		{ TYPE_INT, TYPE_INT, TYPE_INT },
		{ TYPE_INT, TYPE_NULL, optional(TYPE_INT) },
		{ TYPE_INT, TYPE_NEVER, TYPE_INT },
		{ TYPE_INT, TYPE_FLOAT, UINT32_MAX },
		{ optional(TYPE_INT), TYPE_STRING, UINT32_MAX },
		{ list(TYPE_NULL), list(TYPE_INT), list(optional(TYPE_INT)) },
		{ record(TYPE_INT, TYPE_NULL), record(TYPE_NULL, TYPE_INT),
		  record(optional(TYPE_INT), optional(TYPE_INT)) },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t there = UINT32_MAX, back = UINT32_MAX;
		if (!types_join(&types, cases[i].a, cases[i].b, &there))
			there = UINT32_MAX;
		if (!types_join(&types, cases[i].b, cases[i].a, &back))
			back = UINT32_MAX;
		if (there != cases[i].join || back != cases[i].join)
			fail_msg("case %zu gives %u and %u", i, there, back);
	}
}

/* What a word of a pattern asks of operand a; a row whose operand is of another kind would read
 * another table. */
static bool fits(const struct pattern_item *item, const struct opcode_info *info)
{
	if ((item->repeat == REPEAT_A && info->a != OPERAND_COUNT) ||
	    (item->repeat == REPEAT_B && info->b != OPERAND_COUNT))
		return false;
	switch (item->word) {
	case WORD_TYPE:
	case WORD_FIELDS:	return info->a == OPERAND_TYPE;
	case WORD_LOCAL:	return info->a == OPERAND_LOCAL;
	case WORD_CONSTANT:	return info->a == OPERAND_CONSTANT;
	case WORD_PARAM:	return info->a == OPERAND_PARAM;
	case WORD_FROZEN:	return info->a == OPERAND_FROZEN;
	case WORD_NEED:		return info->a == OPERAND_NEED;
	case WORD_RECORD:
	case WORD_FIELD:	return info->a == OPERAND_FIELD;
	case WORD_PARAMS:
	case WORD_RESULT:	return info->a == OPERAND_FUNCTION || info->a == OPERAND_BUILTIN;
	case WORD_HOLES:	return info->a == OPERAND_TEMPLATE;
	case WORD_OPTIONS:
	case WORD_CAPTURES:	return info->a == OPERAND_OPERATION;
	case WORD_ANSWER:	return info->b == OPERAND_SHAPE;
	default:		return true;
	}
}

static void every_row_of_opcodes_is_well_formed(void **state)
{
	(void)state;
	for (int op = 0; op < 256; op++) {
		const struct opcode_info *info = &opcode_table[op];
		struct pattern pops, pushes;
		if (!info->name)
			continue;
		if (!pattern_parse(info->pops, &pops) || !pattern_parse(info->pushes, &pushes))
			fail_msg("%s: a malformed effect on the stack", info->name);
		for (uint32_t i = 0; i < pops.count; i++)
			if (!fits(&pops.items[i], info))
				fail_msg("%s: what it pops does not go with its operands",
					 info->name);
		for (uint32_t i = 0; i < pushes.count; i++)
			if (!fits(&pushes.items[i], info) || pushes.items[i].repeat != REPEAT_ONCE)
				fail_msg("%s: what it pushes does not go with its operands",
					 info->name);
		if (info->sentence[strlen(info->sentence) - 1] != '.')
			fail_msg("%s: a sentence ends with a full stop", info->name);
	}
}

static void every_row_of_builtins_is_well_formed(void **state)
{
	(void)state;
	for (uint32_t b = 0; b <= BUILTIN_MAX; b++) {
		struct pattern params;
		struct pattern_item result;
		if (builtin_table[b].name &&
		    !signature_parse(builtin_table[b].signature, &params, &result))
			fail_msg("%s: a malformed signature", builtin_table[b].name);
	}
}

static void malformed_patterns_are_none(void **state)
{
	static const char *const patterns[] = { " ",
						"int ",
						"int  int",
						"integer",
						"[int",
						"int??",
						"c*int",
						"a*",
						"nothing",
						"[]",
						"?",
						"own result",
						"T T T T T T T T T" };
	static const char *const signatures[] = { "",
						  "()",
						  "() ->",
						  "() -> ",
						  "(int) -> int",
						  "(a:int) -> int",
						  "(a: int,b: int) -> int",
						  "(a: params) -> int",
						  "(a: int) -> nothing",
						  "(a: int",
						  "(: int) -> int",
						  "(a: int) => int" };
	(void)state;
	struct pattern pattern;
	struct pattern_item item;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		if (pattern_parse(patterns[i], &pattern))
			fail_msg("\"%s\" was taken", patterns[i]);
	for (size_t i = 0; i < ARRAY_SIZE(signatures); i++)
		if (signature_parse(signatures[i], &pattern, &item))
			fail_msg("\"%s\" was taken", signatures[i]);
	assert_true(pattern_parse("[T] int? b*type", &pattern));
	assert_int_equal(pattern.count, 3);
	assert_int_equal(pattern.items[0].wrap, WRAP_LIST);
	assert_int_equal(pattern.items[2].repeat, REPEAT_B);
	assert_true(signature_parse("(a: [T], b: int) -> T?", &pattern, &item));
	assert_int_equal(pattern.count, 2);
	assert_int_equal(item.wrap, WRAP_OPTIONAL);
}

static int make_types(void **state)
{
	(void)state;
	types_init(&types);
	return 0;
}

static int drop_types(void **state)
{
	(void)state;
	types_clear(&types);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_types_have_equal_numbers),
		cmocka_unit_test(types_print_as_an_author_writes_them),
		cmocka_unit_test(assignability),
		cmocka_unit_test(joins),
		cmocka_unit_test(every_row_of_opcodes_is_well_formed),
		cmocka_unit_test(every_row_of_builtins_is_well_formed),
		cmocka_unit_test(malformed_patterns_are_none),
	};
	return cmocka_run_group_tests(tests, make_types, drop_types);
}
