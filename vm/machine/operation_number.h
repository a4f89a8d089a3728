/* operation_number.h - bodies of arithmetic and comparison */
#ifndef VM_MACHINE_OPERATION_NUMBER_H
#define VM_MACHINE_OPERATION_NUMBER_H

#include "vm/machine/interpreter.h"

static inline bool done(struct cursor *c)
{
	c->at++;
	return true;
}

/* Two operands of a kind, the result of the first one's kind in its place. */
#define WHOLE_BODY(name, compute, what)                                                            \
	static inline bool do_##name(struct machine *vm, struct cursor *c)                         \
	{                                                                                          \
		struct value *x = c->sp - 2;                                                       \
		int64_t result;                                                                    \
		if (compute(x[0].number, x[1].number, &result))                                    \
			return machine_fail(                                                       \
				vm, c, what " overflow: the result does not fit into 64 bits");    \
		x[0].number = result;                                                              \
		c->sp--;                                                                           \
		return done(c);                                                                    \
	}

WHOLE_BODY(ADD_INT, __builtin_add_overflow, "int")
WHOLE_BODY(SUBTRACT_INT, __builtin_sub_overflow, "int")
WHOLE_BODY(MULTIPLY_INT, __builtin_mul_overflow, "int")
WHOLE_BODY(ADD_DURATION, __builtin_add_overflow, "duration")
WHOLE_BODY(SUBTRACT_DURATION, __builtin_sub_overflow, "duration")
WHOLE_BODY(MULTIPLY_DURATION, __builtin_mul_overflow, "duration")
#undef WHOLE_BODY

static inline bool divide(struct machine *vm, struct cursor *c, bool remainder)
{
	struct value *x = c->sp - 2;
	int64_t by = x[1].number;
	if (by == 0)
		return machine_fail(vm, c, "division by zero");
	if (by == -1) {
		if (!remainder && x[0].number == INT64_MIN)
			return machine_fail(vm, c,
					    "int overflow: the result does not fit into 64 bits");
		x[0].number = remainder ? 0 : -x[0].number;
	} else {
		x[0].number = remainder ? x[0].number % by : x[0].number / by;
	}
	c->sp--;
	return done(c);
}

static inline bool do_DIVIDE_INT(struct machine *vm, struct cursor *c)
{
	return divide(vm, c, false);
}

static inline bool do_REMAINDER_INT(struct machine *vm, struct cursor *c)
{
	return divide(vm, c, true);
}

static inline bool do_DIVIDE_DURATION(struct machine *vm, struct cursor *c)
{
	return divide(vm, c, false);
}

static inline bool do_NEGATE_INT(struct machine *vm, struct cursor *c)
{
	struct value *x = c->sp - 1;
	if (x->number == INT64_MIN)
		return machine_fail(vm, c, "int overflow: the result does not fit into 64 bits");
	x->number = -x->number;
	return done(c);
}

#define REAL_BODY(name, operator) \
	static inline bool do_##name(struct machine *vm UNUSED, struct cursor *c) \
	{ \
		c->sp--; \
		c->sp[-1].real = c->sp[-1].real operator c->sp[0].real; \
		return done(c); \
	}

REAL_BODY(ADD_FLOAT, +)
REAL_BODY(SUBTRACT_FLOAT, -)
REAL_BODY(MULTIPLY_FLOAT, *)
#undef REAL_BODY

static inline bool do_DIVIDE_FLOAT(struct machine *vm, struct cursor *c)
{
	if (c->sp[-1].real == 0.0)
		return machine_fail(vm, c, "division by zero");
	c->sp--;
	c->sp[-1].real /= c->sp[0].real;
	return done(c);
}

static inline bool do_NEGATE_FLOAT(struct machine *vm UNUSED, struct cursor *c)
{
	c->sp[-1].real = -c->sp[-1].real;
	return done(c);
}

/* Times are microseconds, durations milliseconds. */
static inline bool do_ADD_TIME(struct machine *vm, struct cursor *c)
{
	int64_t us;
	if (__builtin_mul_overflow(c->sp[-1].number, 1000, &us) ||
	    __builtin_add_overflow(c->sp[-2].number, us, &us))
		return machine_fail(vm, c, "timestamp overflow: the time is out of range");
	c->sp--;
	c->sp[-1].number = us;
	return done(c);
}

static inline bool do_SUBTRACT_TIME(struct machine *vm, struct cursor *c)
{
	int64_t us;
	if (__builtin_mul_overflow(c->sp[-1].number, 1000, &us) ||
	    __builtin_sub_overflow(c->sp[-2].number, us, &us))
		return machine_fail(vm, c, "timestamp overflow: the time is out of range");
	c->sp--;
	c->sp[-1].number = us;
	return done(c);
}

static inline bool do_TIME_BETWEEN(struct machine *vm, struct cursor *c)
{
	int64_t us;
	if (__builtin_sub_overflow(c->sp[-2].number, c->sp[-1].number, &us))
		return machine_fail(vm, c, "duration overflow: the times are too far apart");
	c->sp--;
	c->sp[-1] = value_duration(us / 1000);
	return done(c);
}

static inline bool tell(struct cursor *c, bool truth)
{
	c->sp--;
	c->sp[-1] = value_bool(truth);
	return done(c);
}

static inline bool do_LESS_INT(struct machine *vm UNUSED, struct cursor *c)
{
	return tell(c, c->sp[-2].number < c->sp[-1].number);
}

static inline bool do_LESS(struct machine *vm UNUSED, struct cursor *c)
{
	return tell(c, value_compare(c->sp[-2], c->sp[-1]) < 0);
}

static inline bool do_LESS_EQUAL(struct machine *vm UNUSED, struct cursor *c)
{
	return tell(c, value_compare(c->sp[-2], c->sp[-1]) <= 0);
}

static inline bool do_EQUAL(struct machine *vm UNUSED, struct cursor *c)
{
	return tell(c, value_equal(c->sp[-2], c->sp[-1]));
}

static inline bool do_NOT(struct machine *vm UNUSED, struct cursor *c)
{
	c->sp[-1].flag = !c->sp[-1].flag;
	return done(c);
}

static inline bool do_IN(struct machine *vm UNUSED, struct cursor *c)
{
	const struct list *list = c->sp[-1].list;
	bool found = false;
	for (size_t i = 0; i < list->count && !found; i++)
		found = value_equal(list->store->at[i], c->sp[-2]);
	return tell(c, found);
}

#endif
