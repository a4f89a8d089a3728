/*
 * checkpoint.c - the machine's state as bytes
 *
 *   "amck" u8 format  module identity (16)  u64 XXH3 of the rest
 *   count of frames; per frame: function, pc, count of values, values (locals, then stack): all
 * numbers LEB128
 *
 * The last frame is the one that runs; the others wait at their CALL. What is restored is measured
 * against what the verifier proved of each place, so that no bytes can bring the interpreter into a
 * state that no code can.
 */
#include "vm/machine/interpreter.h"

#define CHECKPOINT_MAGIC "amck"
#define CHECKPOINT_FORMAT 1u

static void put_frame(uint32_t function, size_t pc, const struct value *from,
		      const struct value *to, struct buf *out)
{
	buf_varint(out, function);
	buf_varint(out, pc);
	buf_varint(out, (uint64_t)(to - from));
	for (; from < to; from++)
		value_encode(*from, out);
}

void machine_save(const struct machine *vm, struct buf *out)
{
	struct buf body = { 0 };
	const struct cursor *c = &vm->cursor;
	if (vm->state != MACHINE_ASKS && vm->state != MACHINE_PAUSED)
		BUG("a machine in state %d has no state to keep", (int)vm->state);
	buf_varint(&body, (uint64_t)vm->frame_count + 1);
	for (uint32_t i = 0; i < vm->frame_count; i++) {
		const struct frame *f = &vm->frames[i];
		const struct value *end =
			i + 1 < vm->frame_count ? vm->values + vm->frames[i + 1].base : c->locals;
		put_frame(f->function, f->pc, vm->values + f->base, end, &body);
	}
	put_frame(vm->function, (size_t)(c->at - c->code), c->locals, c->sp, &body);
	buf_text(out, CHECKPOINT_MAGIC);
	buf_u8(out, CHECKPOINT_FORMAT);
	buf_add(out, vm->m->identity.bytes, sizeof(vm->m->identity.bytes));
	buf_u64(out, hash_64(buf_view(&body)));
	buf_str(out, buf_view(&body));
	buf_clear(&body);
}

static enum outcome damaged(struct error *err, const char *what)
{
	return error_set(err, OUTCOME_DAMAGED, "the checkpoint is damaged: %s", what);
}

static enum outcome read_head(const struct machine *vm, struct reader *r, struct error *err)
{
	if (!str_eq(reader_bytes(r, sizeof(CHECKPOINT_MAGIC) - 1), STR(CHECKPOINT_MAGIC)))
		return error_set(err, OUTCOME_DAMAGED,
				 "this is no checkpoint: it does not begin as one");
	uint8_t format = reader_u8(r);
	if (format != CHECKPOINT_FORMAT)
		return error_set(err, OUTCOME_DAMAGED,
				 "the checkpoint has format %u, this amigrun reads format %u",
				 format, CHECKPOINT_FORMAT);
	struct hash identity = { 0 };
	struct str bytes = reader_bytes(r, sizeof(identity.bytes));
	if (bytes.len == sizeof(identity.bytes))
		memcpy(identity.bytes, bytes.ptr, bytes.len);
	if (!hash_eq(identity, vm->m->identity))
		return error_set(err, OUTCOME_DAMAGED, "the checkpoint is of another module");
	uint64_t hash = reader_u64(r);
	if (hash != hash_64((struct str){ (const char *)r->at, reader_left(r) }))
		return damaged(err, "its hash is not that of its bytes");
	return OUTCOME_OK;
}

/* value_is(), and that connections within are of their kind. */
static bool is_sound(const struct machine *vm, struct value v, uint32_t number)
{
	const struct types *types = &vm->m->types;
	const struct type *type = types_get(types, number);
	if (type->kind == TYPE_CONNECTION)
		return v.kind == VALUE_CONNECTION && v.need < vm->m->need_count &&
		       str_eq(vm->m->needs[v.need].kind, type->connection);
	if (!value_is(v, types, number) || v.kind == VALUE_NULL)
		return value_is(v, types, number);
	if (type->kind == TYPE_OPTIONAL)
		return is_sound(vm, v, type->element);
	if (type->kind == TYPE_LIST)
		for (size_t i = 0; i < v.list->count; i++)
			if (!is_sound(vm, v.list->store->at[i], type->element))
				return false;
	if (type->kind == TYPE_RECORD)
		for (uint32_t i = 0; i < type->field_count; i++)
			if (!is_sound(vm, v.record->at[i], type->fields[i].type))
				return false;
	return true;
}

/* One frame's values lie at vm->values[base..base + count). called: the function that it waits for,
 * NO_INDEX if it runs. */
static bool agrees(const struct machine *vm, struct arena *a, const struct frame *f, size_t count,
		   uint32_t called)
{
	const struct function *function = &vm->m->functions[f->function];
	struct value *locals = vm->values + f->base, *stack = locals + function->local_count;
	struct frame_map map;
	if (!module_frame(vm->m, f->function, f->pc, a, &map))
		return false;
	if (called != NO_INDEX) {
		const struct instruction *at = &function->code[f->pc];
		if (at->op != OP_CALL || at->a != called)
			return false;
		map.depth -= vm->m->functions[called].param_count;
	}
	if (count != (size_t)function->local_count + map.depth)
		return false;
	for (uint32_t l = 0; l < function->local_count; l++) {
		if (!(map.stored[l / 64] >> (l % 64) & 1))
			locals[l] = value_null();
		else if (!is_sound(vm, locals[l], function->local_types[l]))
			return false;
	}
	for (uint32_t i = 0; i < map.depth; i++)
		if (!is_sound(vm, stack[i], map.stack[i]))
			return false;
	return true;
}

/* Reads one frame's head and values behind those that are there already (at cursor.sp). */
static bool read_frame(struct machine *vm, struct reader *r, struct frame *f, size_t *count)
{
	uint64_t function = reader_varint(r), pc = reader_varint(r), values = reader_varint(r);
	if (r->failed || function >= vm->m->function_count ||
	    pc >= vm->m->functions[function].code_count || values > MACHINE_STACK_MAX ||
	    values > reader_left(r) || values < vm->m->functions[function].local_count)
		return false;
	f->function = (uint32_t)function;
	f->pc = (uint32_t)pc;
	f->base = (size_t)(vm->cursor.sp - vm->values);
	*count = (size_t)values;
	size_t most = (size_t)vm->m->functions[function].local_count +
		      vm->m->functions[function].max_stack;
	if (values > most || !machine_reserve(vm, &vm->cursor, f->base + most))
		return false;
	for (uint64_t i = 0; i < values; i++)
		if (!value_decode(r, &vm->heap, vm->cursor.sp++))
			return false;
	return true;
}

static bool read_frames(struct machine *vm, struct arena *a, struct reader *r)
{
	uint64_t frames = reader_varint(r);
	struct frame waiting = { 0 };
	size_t waiting_count = 0;
	if (r->failed || frames == 0 || frames > MACHINE_FRAMES_MAX + 1)
		return false;
	for (uint64_t i = 0; i < frames; i++) {
		struct frame f;
		size_t count;
		if (!read_frame(vm, r, &f, &count))
			return false;
		if (i > 0) {
			if (!agrees(vm, a, &waiting, waiting_count, f.function))
				return false;
			vm->frames[vm->frame_count++] = waiting;
		}
		waiting = f;
		waiting_count = count;
	}
	if (reader_left(r) > 0 || !agrees(vm, a, &waiting, waiting_count, NO_INDEX))
		return false;
	vm->function = waiting.function;
	vm->cursor.locals = vm->values + waiting.base;
	vm->cursor.code = vm->m->functions[waiting.function].code;
	vm->cursor.at = vm->cursor.code + waiting.pc;
	return true;
}

enum outcome machine_restore(struct machine *vm, struct str bytes, struct error *err)
{
	struct reader r = reader_of(bytes);
	struct arena a = { 0 };
	enum outcome outcome = read_head(vm, &r, err);
	if (outcome != OUTCOME_OK)
		return outcome;
	machine_reset(vm);
	vm->function = 0;
	vm->cursor = (struct cursor){ vm->m->functions[0].code, vm->values, vm->values,
				      vm->m->functions[0].code };
	if (read_frames(vm, &a, &r)) {
		vm->state = MACHINE_PAUSED;
	} else {
		machine_reset(vm);
		outcome = damaged(err, "it does not agree with the code");
	}
	arena_clear(&a);
	return outcome;
}
