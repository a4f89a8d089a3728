/*
 * operation_fused.h - bodies of the sequences of fusion.def
 *
 * A body does what its instructions would, or, where one of them would fail or meets values that it
 * is not made for, only the first of them: the others come along by themselves and say what is
 * wrong at their own place.
 */
#ifndef VM_MACHINE_OPERATION_FUSED_H
#define VM_MACHINE_OPERATION_FUSED_H

#include "vm/machine/operation_flow.h"
#include "vm/machine/operation_value.h"

static inline bool ahead(struct cursor *c, ptrdiff_t count)
{
	c->at += count;
	return true;
}

/* Both fail where the result does not fit, or there is none. */
static inline bool divide_fails(int64_t x, int64_t by, int64_t *result)
{
	if (by == 0 || (by == -1 && x == INT64_MIN))
		return true;
	*result = x / by;
	return false;
}

static inline bool remainder_fails(int64_t x, int64_t by, int64_t *result)
{
	if (by == 0 || by == -1)
		return true;
	*result = x % by;
	return false;
}

/* Where operands come from: the local or the number of the instruction so many on; the stack. */
#define LOCAL_AT(n) (c->locals[c->at[n].a])
#define NUMBER_AT(n) ((int64_t)(int32_t)c->at[n].a)
#define TOP(n) (c->sp[-(n)])

/* The result goes to the local of the sequence's last instruction, or to the stack; `used` values
 * of the stack are used up. */
#define INTO_LOCAL(count, used) \
	LOCAL_AT((count) - 1) = value_int(result); \
	c->sp -= (used)
#define ONTO_STACK(count, used) \
	c->sp += 1 - (used); \
	c->sp[-1] = value_int(result)

#define ARITHMETIC_BODY(name, fails, x, y, count, used, give, first) \
	static inline bool do_##name(struct machine *vm, struct cursor *c) \
	{ \
		int64_t result; \
		if (fails(x, y, &result)) \
			return do_##first(vm, c); \
		give(count, used); \
		return ahead(c, count); \
	}

#define ARITHMETIC(op, fails) \
	ARITHMETIC_BODY(LOAD_LOAD_##op, fails, LOCAL_AT(0).number, LOCAL_AT(1).number, 3, 0, \
			ONTO_STACK, LOAD) \
	ARITHMETIC_BODY(LOAD_INT_##op, fails, LOCAL_AT(0).number, NUMBER_AT(1), 3, 0, ONTO_STACK, \
			LOAD) \
	ARITHMETIC_BODY(LOAD_##op, fails, TOP(1).number, LOCAL_AT(0).number, 2, 1, ONTO_STACK, \
			LOAD) \
	ARITHMETIC_BODY(INT_##op, fails, TOP(1).number, NUMBER_AT(0), 2, 1, ONTO_STACK, INT) \
	ARITHMETIC_BODY(LOAD_LOAD_##op##_STORE, fails, LOCAL_AT(0).number, LOCAL_AT(1).number, 4, \
			0, INTO_LOCAL, LOAD) \
	ARITHMETIC_BODY(LOAD_INT_##op##_STORE, fails, LOCAL_AT(0).number, NUMBER_AT(1), 4, 0, \
			INTO_LOCAL, LOAD) \
	ARITHMETIC_BODY(LOAD_##op##_STORE, fails, TOP(1).number, LOCAL_AT(0).number, 3, 1, \
			INTO_LOCAL, LOAD) \
	ARITHMETIC_BODY(INT_##op##_STORE, fails, TOP(1).number, NUMBER_AT(0), 3, 1, INTO_LOCAL, \
			INT) \
	ARITHMETIC_BODY(op##_STORE, fails, TOP(2).number, TOP(1).number, 2, 2, INTO_LOCAL, op)

ARITHMETIC(ADD_INT, __builtin_add_overflow)
ARITHMETIC(SUBTRACT_INT, __builtin_sub_overflow)
ARITHMETIC(MULTIPLY_INT, __builtin_mul_overflow)
ARITHMETIC(DIVIDE_INT, divide_fails)
ARITHMETIC(REMAINDER_INT, remainder_fails)
#undef ARITHMETIC
#undef ARITHMETIC_BODY

#define IS_INT(v) ((v).kind == VALUE_INT)
#define ALWAYS(x, y) true
#define BOTH_INTS(x, y) (IS_INT(x) && IS_INT(y))
/* The kinds of the two are the same where there is an order; a number is an int. */
#define ONE_INT(x, y) IS_INT(x)

#define COMPARISON_BODY(name, fits, operator, x, y, number_of_y, count, used, jumps_if, first) \
	static inline bool do_##name(struct machine *vm, struct cursor *c) \
	{ \
		if (!fits(x, y)) \
			return do_##first(vm, c); \
		bool holds = (x).number operator number_of_y; \
		c->sp -= (used); \
		c->at = holds == (jumps_if) ? c->code + c->at[(count) - 1].a : c->at + (count); \
		return true; \
	}

#define COMPARISON(op, jump, fits_two, fits_one, operator, jumps_if) \
	COMPARISON_BODY(LOAD_LOAD_##op##_##jump, fits_two, operator, LOCAL_AT(0), LOCAL_AT(1), \
			LOCAL_AT(1).number, 4, 0, jumps_if, LOAD) \
	COMPARISON_BODY(LOAD_INT_##op##_##jump, fits_one, operator, LOCAL_AT(0), , NUMBER_AT(1), \
			4, 0, jumps_if, LOAD) \
	COMPARISON_BODY(LOAD_##op##_##jump, fits_two, operator, TOP(1), LOCAL_AT(0), \
			LOCAL_AT(0).number, 3, 1, jumps_if, LOAD) \
	COMPARISON_BODY(INT_##op##_##jump, fits_one, operator, TOP(1), , NUMBER_AT(0), 3, 1, \
			jumps_if, INT) \
	COMPARISON_BODY(op##_##jump, fits_two, operator, TOP(2), TOP(1), TOP(1).number, 2, 2, \
			jumps_if, op)

COMPARISON(LESS_INT, JUMP_IF_FALSE, ALWAYS, ALWAYS, <, false)
COMPARISON(LESS_EQUAL, JUMP_IF_FALSE, ONE_INT, ONE_INT, <=, false)
COMPARISON(EQUAL, JUMP_IF_FALSE, BOTH_INTS, ONE_INT, ==, false)
COMPARISON(EQUAL, JUMP_IF_TRUE, BOTH_INTS, ONE_INT, ==, true)
#undef COMPARISON
#undef COMPARISON_BODY

static inline bool do_LOAD_LOAD(struct machine *vm UNUSED, struct cursor *c)
{
	value_move(c->sp, &LOCAL_AT(0));
	value_move(c->sp + 1, &LOCAL_AT(1));
	c->sp += 2;
	return ahead(c, 2);
}

static inline bool do_LOAD_STORE(struct machine *vm UNUSED, struct cursor *c)
{
	value_move(&LOCAL_AT(1), &LOCAL_AT(0));
	return ahead(c, 2);
}

static inline bool do_INT_STORE(struct machine *vm UNUSED, struct cursor *c)
{
	LOCAL_AT(1) = value_int(NUMBER_AT(0));
	return ahead(c, 2);
}

static inline bool do_LOAD_FIELD(struct machine *vm UNUSED, struct cursor *c)
{
	value_move(c->sp++, &LOCAL_AT(0).record->at[c->at[1].a]);
	return ahead(c, 2);
}

/* Negative indices are large ones here. */
static inline bool do_LOAD_LOAD_LIST_GET(struct machine *vm, struct cursor *c)
{
	const struct list *list = LOCAL_AT(0).list;
	uint64_t at = (uint64_t)LOCAL_AT(1).number;
	if (at >= list->count)
		return do_LOAD(vm, c);
	value_move(c->sp++, &list->store->at[at]);
	return ahead(c, 3);
}

static inline bool do_LOAD_LOAD_LIST_GET_STORE(struct machine *vm, struct cursor *c)
{
	const struct list *list = LOCAL_AT(0).list;
	uint64_t at = (uint64_t)LOCAL_AT(1).number;
	if (at >= list->count)
		return do_LOAD(vm, c);
	value_move(&LOCAL_AT(3), &list->store->at[at]);
	return ahead(c, 4);
}

static inline bool do_LOAD_INT_ADD_INT_STORE_JUMP(struct machine *vm, struct cursor *c)
{
	int64_t result;
	if (__builtin_add_overflow(LOCAL_AT(0).number, NUMBER_AT(1), &result))
		return do_LOAD(vm, c);
	LOCAL_AT(3) = value_int(result);
	c->at = c->code + c->at[4].a;
	return true;
}

static inline bool do_LOAD_LIST_LENGTH_LESS_INT_JUMP_IF_FALSE(struct machine *vm UNUSED,
							      struct cursor *c)
{
	bool less = TOP(1).number < (int64_t)LOCAL_AT(0).list->count;
	c->sp--;
	c->at = less ? c->at + 4 : c->code + c->at[3].a;
	return true;
}

#endif
