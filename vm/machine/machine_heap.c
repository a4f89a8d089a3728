/* machine_heap.c - bounds of the machine's memory, and what it keeps beside its values */
#include "vm/machine/blobs_inside.h"
#include "vm/machine/interpreter.h"

static bool too_much(struct machine *vm)
{
	return machine_fail_here(vm, "the code needs more than %zu MiB of memory",
				 vm->heap_max >> 20);
}

bool machine_tidy(struct machine *vm)
{
	struct heap fresh = { .arena = { .spare = vm->heap.arena.spare } };
	vm->heap.arena.spare = NULL;
	value_copy_all(&fresh, vm->values, (size_t)(vm->cursor.sp - vm->values), true);
	arena_recycle(&vm->heap.arena, &fresh.arena, vm->threshold);
	vm->heap = fresh;
	blobs_forget_places(vm->blobs);
	size_t live = fresh.arena.total_bytes;
	if (live > vm->heap_max)
		return too_much(vm);
	vm->threshold = live * 2 < HEAP_FIRST_THRESHOLD ? HEAP_FIRST_THRESHOLD : live * 2;
	/* Close to the limit, too: not so soon again that the machine does nothing else. */
	size_t close = live + vm->heap_max / 8;
	if (vm->threshold > vm->heap_max)
		vm->threshold = close > vm->heap_max ? close : vm->heap_max;
	return true;
}

bool machine_check_value(struct machine *vm, struct value v)
{
	if (value_depth(v) > VALUE_DEPTH_MAX)
		return machine_fail_here(vm, "the value would nest more than %d deep",
					 VALUE_DEPTH_MAX);
	if (value_bytes_held(v) > VALUE_BYTES_MAX)
		return machine_fail_here(vm, "the value would be larger than %llu MiB",
					 (unsigned long long)(VALUE_BYTES_MAX >> 20));
	return true;
}

bool machine_check_room(struct machine *vm, uint64_t bytes)
{
	if (bytes > VALUE_BYTES_MAX * 2 || bytes > vm->heap_max)
		return too_much(vm);
	return true;
}

const struct str *machine_names(struct machine *vm, uint32_t record_type)
{
	const struct type *type = types_get(&vm->m->types, record_type);
	if (!vm->names[record_type] && type->field_count > 0) {
		struct str *names =
			arena_array(&vm->constant_heap.arena, struct str, type->field_count);
		for (uint32_t i = 0; i < type->field_count; i++)
			names[i] = type->fields[i].name;
		vm->names[record_type] = names;
	}
	return vm->names[record_type];
}
