/* operation_sort.c - a list in the order of its keys */
#include "vm/machine/interpreter.h"

#include <stdlib.h>

struct sorted {
	struct value key, value;
	size_t at;
};

/* Equal keys keep their order. */
static int by_key(const void *left, const void *right)
{
	const struct sorted *a = left, *b = right;
	int order = value_compare(a->key, b->key);

	return order ? order : (a->at > b->at) - (a->at < b->at);
}

bool make_sorted(struct machine *vm)
{
	const struct value *operands = vm->cursor.sp - 2;
	const struct list *list = operands[0].list, *keys = operands[1].list;
	size_t count = list->count;
	struct sorted *all;
	struct value *values, v;

	if (count != keys->count)
		return machine_fail_here(vm, "there are %zu keys for %zu elements", keys->count,
					 count);
	if (!machine_check_room(vm, (uint64_t)count * 2 * sizeof(struct value)))
		return false;
	all = must_alloc((count + 1) * sizeof(*all));
	for (size_t i = 0; i < count; i++)
		all[i] = (struct sorted){ keys->store->at[i], list->store->at[i], i };
	qsort(all, count, sizeof(*all), by_key);
	values = must_alloc((count + 1) * sizeof(*values));
	for (size_t i = 0; i < count; i++)
		values[i] = all[i].value;
	v = value_list(&vm->heap, values, count);
	free(all);
	free(values);
	if (!machine_check_value(vm, v))
		return false;
	vm->cursor.sp -= 2;
	*vm->cursor.sp++ = v;
	vm->cursor.at++;
	return true;
}
