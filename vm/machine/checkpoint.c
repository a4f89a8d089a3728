/*
 * checkpoint.c - the machine's state as bytes
 *
 *   "amck" u8 format  module identity (16)  u64 XXH3 of the rest
 *   count of blobs that it refers to, their hashes (16 each)
 *   count of frames; per frame: function, pc, count of values, values (locals, then stack): all
 * numbers LEB128
 *
 * The first format had no blobs (blobs.h) and is still read.
 *
 * The last frame is the one that runs; the others wait at their CALL. What is restored is measured
 * against what the verifier proved of each place, so that no bytes can bring the interpreter into a
 * state that no code can.
 */
#include "vm/machine/blobs_inside.h"
#include "vm/machine/interpreter.h"

#define CHECKPOINT_MAGIC "amck"
#define CHECKPOINT_FORMAT 2u
#define CHECKPOINT_FORMAT_PLAIN 1u
#define HEAD_BYTES (sizeof(CHECKPOINT_MAGIC) - 1 + 1 + sizeof(struct hash) + sizeof(uint64_t))

struct str checkpoint_body(struct str bytes)
{
	if (bytes.len < HEAD_BYTES)
		return STR("");
	return (struct str){ bytes.ptr + HEAD_BYTES, bytes.len - HEAD_BYTES };
}

void machine_keep_blobs(struct machine *vm, struct blobs *b)
{
	vm->blobs = b;
	blobs_forget_places(b);
}

static void put_frame(uint32_t function, size_t pc, const struct value *from,
		      const struct value *to, struct blob_writer *w)
{
	buf_varint(&w->body, function);
	buf_varint(&w->body, pc);
	buf_varint(&w->body, (uint64_t)(to - from));
	blob_writer_add(w, from, (size_t)(to - from));
}

bool machine_stands(const struct machine *vm)
{
	return vm->state == MACHINE_ASKS || vm->state == MACHINE_PAUSED;
}

void machine_save(const struct machine *vm, struct buf *out)
{
	struct blob_writer w;
	struct buf body = { 0 };
	const struct cursor *c = &vm->cursor;
	if (!machine_stands(vm))
		BUG("a machine in state %d has no state to keep", (int)vm->state);
	blob_writer_open(&w, vm->blobs, NULL);
	buf_varint(&w.body, (uint64_t)vm->frame_count + 1);
	for (uint32_t i = 0; i < vm->frame_count; i++) {
		const struct frame *f = &vm->frames[i];
		const struct value *end =
			i + 1 < vm->frame_count ? vm->values + vm->frames[i + 1].base : c->locals;
		put_frame(f->function, f->pc, vm->values + f->base, end, &w);
	}
	put_frame(vm->function, (size_t)(c->at - c->code), c->locals, c->sp, &w);
	blob_writer_close(&w, &body);
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

static enum outcome read_head(const struct machine *vm, struct reader *r, bool *has_children,
			      struct error *err)
{
	if (!str_eq(reader_bytes(r, sizeof(CHECKPOINT_MAGIC) - 1), STR(CHECKPOINT_MAGIC)))
		return error_set(err, OUTCOME_DAMAGED,
				 "this is no checkpoint: it does not begin as one");
	uint8_t format = reader_u8(r);
	*has_children = format != CHECKPOINT_FORMAT_PLAIN;
	if (format != CHECKPOINT_FORMAT && format != CHECKPOINT_FORMAT_PLAIN)
		return error_set(err, OUTCOME_DAMAGED,
				 "the checkpoint has format %u, this amigrun reads formats %u and "
				 "%u",
				 format, CHECKPOINT_FORMAT_PLAIN, CHECKPOINT_FORMAT);
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

/* value_is(), and that connections within are of their kind. What shares its parts may be a lot to
 * walk: no more than what code can make. */
static bool is_sound(const struct machine *vm, struct value v, uint32_t number)
{
	const struct types *types = &vm->m->types;
	const struct type *type = types_get(types, number);
	if (type->kind == TYPE_CONNECTION)
		return v.kind == VALUE_CONNECTION && v.need < vm->m->need_count &&
		       str_eq(types_dialect(vm->m->needs[v.need].kind),
			      type->connection);
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

static bool fits(const struct machine *vm, struct value v, uint32_t type)
{
	return value_bytes_held(v) <= VALUE_BYTES_MAX && value_depth(v) <= VALUE_DEPTH_MAX &&
	       is_sound(vm, v, type);
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
		else if (!fits(vm, locals[l], function->local_types[l]))
			return false;
	}
	for (uint32_t i = 0; i < map.depth; i++)
		if (!fits(vm, stack[i], map.stack[i]))
			return false;
	return true;
}

/* Reads one frame's head and values behind those that are there already (at cursor.sp). */
static bool read_frame(struct machine *vm, struct blob_reader *br, struct frame *f, size_t *count)
{
	struct reader *r = &br->r;
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
	vm->cursor.sp += values;
	return blob_reader_take(br, 0, vm->values + f->base, (size_t)values);
}

static bool read_frames(struct machine *vm, struct arena *a, struct blob_reader *br)
{
	struct reader *r = &br->r;
	uint64_t frames = reader_varint(r);
	struct frame waiting = { 0 };
	size_t waiting_count = 0;
	if (r->failed || frames == 0 || frames > MACHINE_FRAMES_MAX + 1)
		return false;
	for (uint64_t i = 0; i < frames; i++) {
		struct frame f;
		size_t count;
		if (!read_frame(vm, br, &f, &count))
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

static enum outcome not_agreeing(const struct machine *vm, struct error *err)
{
	const struct hash *missing = vm->blobs ? blobs_missing(vm->blobs) : NULL;
	char hex[HASH_HEX_SIZE];
	if (!missing)
		return damaged(err, "it does not agree with the code");
	hash_hex(*missing, hex);
	return error_set(err, OUTCOME_DAMAGED,
			 "the checkpoint is damaged: it refers to the value %s, which is not there",
			 hex);
}

enum outcome machine_restore(struct machine *vm, struct str bytes, struct error *err)
{
	struct reader head = reader_of(bytes);
	struct blob_reader br;
	struct arena a = { 0 };
	bool has_children = true;
	enum outcome outcome = read_head(vm, &head, &has_children, err);
	if (outcome != OUTCOME_OK)
		return outcome;
	machine_reset(vm);
	if (vm->blobs)
		blobs_begin_restore(vm->blobs);
	vm->function = 0;
	vm->cursor = (struct cursor){ vm->m->functions[0].code, vm->values, vm->values,
				      vm->m->functions[0].code };
	if (blob_reader_open(&br, vm->blobs, &vm->heap, checkpoint_body(bytes), has_children) &&
	    read_frames(vm, &a, &br)) {
		vm->state = MACHINE_PAUSED;
	} else {
		machine_reset(vm);
		outcome = not_agreeing(vm, err);
	}
	arena_clear(&a);
	return outcome;
}
