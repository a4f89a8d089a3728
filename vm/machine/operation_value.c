/* operation_value.c - bodies that make texts, lists, records and SQL */
#include "vm/machine/interpreter.h"

/* Puts v where `count` operands were, if it may be. */
static bool give(struct machine *vm, size_t count, struct value v)
{
	if (!machine_check_value(vm, v))
		return false;
	vm->cursor.sp -= count;
	*vm->cursor.sp++ = v;
	vm->cursor.at++;
	return true;
}

bool make_constant(struct machine *vm)
{
	uint32_t number = vm->cursor.at->a;
	const struct constant *it = &vm->m->constants[number];
	struct heap *h = &vm->constant_heap;
	struct value v = value_null();
	switch (it->kind) {
	case CONSTANT_INT:		v = value_int(it->number); break;
	case CONSTANT_FLOAT:
		v = value_float(0);
		memcpy(&v.real, &it->number, sizeof(v.real));
		break;
	case CONSTANT_STRING:		v = value_string(h, it->text); break;
	case CONSTANT_BYTES:		v = value_bytes(h, it->text); break;
	case CONSTANT_DURATION:		v = value_duration(it->number); break;
	case CONSTANT_TIMESTAMP:	v = value_timestamp(it->number); break;
	case CONSTANT_VERSION:		v = value_version(h, it->text); break;
	case CONSTANT_LIMIT:		BUG("constant %u has no kind", number);
	}
	vm->constants[number] = v;
	return give(vm, 0, v);
}

bool make_concat(struct machine *vm)
{
	size_t count = vm->cursor.at->a, len = 0;
	const struct value *parts = vm->cursor.sp - count;
	for (size_t i = 0; i < count; i++)
		len += parts[i].text->len;
	if (!machine_check_room(vm, len))
		return false;
	struct text *text = arena_take(&vm->heap.arena, sizeof(*text) + len + 1);
	text->len = 0;
	for (size_t i = 0; i < count; i++) {
		memcpy(text->bytes + text->len, parts[i].text->bytes, parts[i].text->len);
		text->len += parts[i].text->len;
	}
	text->bytes[len] = '\0';
	return give(vm, count, (struct value){ .kind = VALUE_STRING, .text = text });
}

bool make_string(struct machine *vm)
{
	struct value v = vm->cursor.sp[-1];
	if (v.kind != VALUE_STRING) {
		struct buf text = { .cap_bytes = VALUE_BYTES_MAX };
		value_print(v, &text);
		v = value_string(&vm->heap, buf_view(&text));
		bool cut = text.failed;
		buf_clear(&text);
		if (cut)
			return machine_fail_here(vm, "the text would be too long");
	}
	return give(vm, 1, v);
}

bool make_list(struct machine *vm)
{
	size_t count = vm->cursor.at->b;
	return give(vm, count, value_list(&vm->heap, vm->cursor.sp - count, count));
}

bool make_append(struct machine *vm)
{
	const struct value *operands = vm->cursor.sp - 2;
	return machine_check_room(vm, operands[0].list->count * 2 * sizeof(struct value)) &&
	       give(vm, 2, value_append(&vm->heap, operands[0], operands[1]));
}

bool make_record(struct machine *vm)
{
	uint32_t type = vm->cursor.at->a, count = types_get(&vm->m->types, type)->field_count;
	return give(vm, count,
		    value_record(&vm->heap, machine_names(vm, type), vm->cursor.sp - count, count));
}

static struct value *pieces_of(struct machine *vm, uint32_t number)
{
	const struct template *t = &vm->m->templates[number];
	if (!vm->pieces[number]) {
		vm->pieces[number] = arena_array(&vm->constant_heap.arena, struct value,
						 (size_t)t->hole_count + 1);
		for (uint32_t i = 0; i <= t->hole_count; i++)
			vm->pieces[number][i] = value_string(&vm->constant_heap, t->pieces[i]);
	}
	return vm->pieces[number];
}

bool make_sql(struct machine *vm)
{
	uint32_t number = vm->cursor.at->a, holes = vm->m->templates[number].hole_count;
	const struct value *pieces = pieces_of(vm, number), *values = vm->cursor.sp - holes;
	size_t count = 2 * (size_t)holes + 1;
	struct value *all = arena_array(&vm->heap.arena, struct value, count);
	for (size_t i = 0; i < count; i++)
		all[i] = i % 2 == 0 ? pieces[i / 2] : values[i / 2];
	return give(vm, holes, value_sql(&vm->heap, all, count));
}
