/* operation_value.h - bodies of texts, lists, records and SQL; what allocates is in
 * operation_value.c */
#ifndef VM_MACHINE_OPERATION_VALUE_H
#define VM_MACHINE_OPERATION_VALUE_H

#include "vm/machine/operation_number.h"

#define HEAVY_BODY(name, body) \
	static inline bool do_##name(struct machine *vm, struct cursor *c) \
	{ \
		return heavy(vm, c, body); \
	}

HEAVY_BODY(CONCAT, make_concat)
HEAVY_BODY(TO_STRING, make_string)
HEAVY_BODY(LIST, make_list)
HEAVY_BODY(LIST_APPEND, make_append)
HEAVY_BODY(RECORD, make_record)
HEAVY_BODY(SQL, make_sql)
HEAVY_BODY(AS, take_as)
HEAVY_BODY(CAUGHT, make_caught)
HEAVY_BODY(SORT_BY, make_sorted)
#undef HEAVY_BODY

static inline bool do_LIST_GET(struct machine *vm, struct cursor *c)
{
	const struct list *list = c->sp[-2].list;
	int64_t at = c->sp[-1].number;
	if (at < 0 || (uint64_t)at >= list->count)
		return machine_fail(vm, c, "there is no element %lld in a list of %zu",
				    (long long)at, list->count);
	c->sp--;
	c->sp[-1] = list->store->at[at];
	return done(c);
}

static inline bool do_LIST_LENGTH(struct machine *vm UNUSED, struct cursor *c)
{
	c->sp[-1] = value_int((int64_t)c->sp[-1].list->count);
	return done(c);
}

static inline bool do_FIELD(struct machine *vm UNUSED, struct cursor *c)
{
	c->sp[-1] = c->sp[-1].record->at[c->at->a];
	return done(c);
}

#endif
