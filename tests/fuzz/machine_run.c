/*
 * machine_run.c - no verified code breaks the machine, nor do any bytes that are restored as its
 * state
 *
 * The input is text for the assembler, a zero byte, then bytes from which answers are made up.
 * Every function without effects of its own parameters runs with bounded fuel; at each question the
 * state is saved, restored and saved again, which must give the same bytes; then it is restored
 * with some of its bytes changed. Large values are what is larger than BLOB_BYTES: most are kept as
 * blobs, and their bytes are changed, too.
 */
#include "vm/isa/assemble.h"
#include "vm/machine/machine.h"

#include <stdlib.h>

#define FUEL 3000
#define QUESTIONS_MAX 30
#define BLOB_BYTES 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct value make_up(struct reader *r, struct heap *h, int depth)
{
	static const struct str names[] = { { "a", 1 }, { "n", 1 }, { "b", 1 } };
	struct value parts[3];
	uint8_t kind = reader_u8(r), count = reader_u8(r) % 4;
	switch (kind % 10) {
	case 0:		return value_null();
	case 1:		return value_int((int64_t)reader_u64(r));
	case 2:		return value_string(h, reader_bytes(r, count));
	case 3:		return value_bool(count & 1);
	case 4:		return value_float((double)reader_u32(r) / 3);
	case 5:		return value_bytes(h, STR("\xff"));
	case 6:		return value_timestamp((int64_t)reader_u64(r));
	default:
		break;
	}
	if (depth == 0)
		return value_int(count);
	for (uint8_t i = 0; i < 3; i++)
		parts[i] = make_up(r, h, depth - 1);
	return kind % 10 == 7 ? value_record(h, names, parts, count % 4)
			      : value_list(h, parts, count % 4);
}

static struct value answer_to(const struct machine_request *q, struct reader *r, struct heap *h)
{
	switch (q->op) {
	case OP_QUERY:
		return q->shape == SHAPE_EXISTS ? value_bool(reader_u8(r) & 1) : make_up(r, h, 3);
	case OP_EXEC:		return reader_u8(r) & 1 ? value_null() : value_int(reader_u32(r));
	case OP_NOW:		return value_timestamp((int64_t)reader_u64(r));
	case OP_UUID:		return value_string(h, STR("0192"));
	case OP_APP_VERSION:
	case OP_SERVICE_VERSION:	return value_version(h, STR("1.2.3"));
	case OP_SETTING:
	case OP_ENV:
	case OP_CLUSTER:
		return reader_u8(r) & 1 ? value_null() : value_string(h, reader_bytes(r, 3));
	default:		return value_null();
	}
}

/* The blobs, one or none of them with a changed byte. */
static struct blobs *changed_blobs(const struct hashed *blobs, size_t count, struct reader *r,
				   char **bytes)
{
	struct blobs *b = blobs_new(BLOB_BYTES);
	uint8_t which = reader_u8(r);
	*bytes = NULL;
	if (which < count && blobs[which].bytes.len > 0) {
		struct str old = blobs[which].bytes;
		*bytes = must_alloc(old.len);
		memcpy(*bytes, old.ptr, old.len);
		(*bytes)[reader_u16(r) % old.len] = (char)reader_u8(r);
		blobs_load(b, &(struct hashed){ blobs[which].hash, { *bytes, old.len } }, 1);
	}
	blobs_load(b, blobs, count);
	return b;
}

/* A state that was let in must run; whatever it does, it does it in bounds. */
static void restore_changed(const struct module *m, struct str state, const struct hashed *blobs,
			    size_t count, struct reader *r)
{
	const size_t head = 4 + 1 + 16, body = head + 8;
	char *blob;
	struct blobs *b = changed_blobs(blobs, count, r, &blob);
	struct error err = { 0 };
	struct machine *vm = machine_new(m);
	char *bytes = must_alloc(state.len);
	memcpy(bytes, state.ptr, state.len);
	for (uint8_t i = reader_u8(r) % 4; i > 0 && state.len > body; i--)
		bytes[body + reader_u16(r) % (state.len - body)] = (char)reader_u8(r);
	uint64_t hash = hash_64((struct str){ bytes + body, state.len - body });
	for (size_t i = 0; i < 8; i++)
		bytes[head + i] = (char)(hash >> (8 * i));
	machine_limit_heap(vm, 1 << 24);
	machine_keep_blobs(vm, b);
	if (machine_restore(vm, (struct str){ bytes, state.len }, &err) == OUTCOME_OK)
		machine_run(vm, FUEL);
	else if (err.outcome != OUTCOME_DAMAGED)
		abort();
	error_clear(&err);
	free(bytes);
	machine_free(vm);
	blobs_free(b);
	free(blob);
}

static struct machine *through_bytes(const struct module *m, struct machine *vm, struct reader *r)
{
	struct buf one = { 0 }, two = { 0 };
	struct error err = { 0 };
	struct machine *other = machine_new(m);
	struct blobs *b = blobs_new(BLOB_BYTES), *again = blobs_new(BLOB_BYTES);
	size_t count, more;
	machine_keep_blobs(vm, b);
	machine_save(vm, &one);
	const struct hashed *blobs = blobs_pending(b, &count);
	blobs_load(again, blobs, count);
	machine_limit_heap(other, 1 << 24);
	machine_keep_blobs(other, again);
	if (machine_restore(other, buf_view(&one), &err) != OUTCOME_OK)
		abort();
	machine_save(other, &two);
	blobs_pending(again, &more);
	/* Locals that are not stored to on every way are forgotten: then the second is shorter,
	 * never longer. */
	if (two.len > one.len || more > 0)
		abort();
	restore_changed(m, buf_view(&one), blobs, count, r);
	machine_keep_blobs(other, NULL);
	buf_clear(&one);
	buf_clear(&two);
	machine_free(vm);
	blobs_free(b);
	blobs_free(again);
	return other;
}

static void run(const struct module *m, uint32_t function, struct reader *r)
{
	struct machine *vm = machine_new(m);
	machine_limit_heap(vm, 1 << 24);
	machine_start(vm, function, NULL);
	for (int i = 0; i < QUESTIONS_MAX; i++) {
		enum machine_state state = machine_run(vm, FUEL);
		if (state == MACHINE_ASKS) {
			vm = through_bytes(m, vm, r);
			if (machine_run(vm, FUEL) != MACHINE_ASKS)
				abort();
			struct value answer = answer_to(machine_request(vm), r, machine_heap(vm));
			machine_answer(vm, answer, STR("a query"));
		} else if (state == MACHINE_PAUSED && i < 3) {
			vm = through_bytes(m, vm, r);
		} else {
			break;
		}
	}
	machine_free(vm);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct module m;
	struct buf why = { 0 };
	struct error err = { 0 };
	char *image;
	if (size == 0 || size > 1 << 14)
		return 0;
	const uint8_t *zero = memchr(data, 0, size);
	size_t text = zero ? (size_t)(zero - data) : size;
	struct reader r = reader_of((struct str){ (const char *)data + text, size - text });
	if (assemble_module((struct str){ (const char *)data, text }, &m, &image, &why)) {
		if (module_verify(&m, &err) == OUTCOME_OK)
			for (uint32_t f = 0; f < m.function_count; f++)
				if (m.functions[f].param_count == 0)
					run(&m, f, &r);
		error_clear(&err);
		module_clear(&m);
		free(image);
	}
	buf_clear(&why);
	return 0;
}
