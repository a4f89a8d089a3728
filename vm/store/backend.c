/* backend.c - what both backends and all of the store's functions share */
#include "vm/store/backend.h"
#include "vm/base/fault.h"
#include <stdarg.h>
#include <stdio.h>

static const enum miss misses[] = {
#define STATEMENT(name, miss, sql) MISS_##miss,
#include "vm/store/statement.def"
#undef STATEMENT
};

enum miss statement_miss(enum statement_id id)
{
	return misses[id];
}

/* Damage that a step meets: what else it wrote may stand (statement.def). */
static enum outcome gone(struct store *s, const char *table, const char *words, struct error *err)
{
	enum outcome o = damaged(s, err, table, "of this run", "%s", words);
	error_hint(err, "docs/state.md says what may be mended by hand, and how");
	return o;
}

enum outcome store_miss(struct store *s, enum miss miss, struct error *err)
{
	switch (miss) {
	case MISS_NONE:
		break;
	case MISS_TAKEN:
		error_set(err, OUTCOME_NOT_NOW,
			  "another runner took the migration over; nothing was written");
		error_hint(err, "amigrun status shows who has it");
		return OUTCOME_NOT_NOW;
	case MISS_OPERATION:
		return gone(s, "operation", "a row of the plan is missing", err);
	case MISS_EFFECT:
		return gone(s, "effect",
			    "the row of the effect that has just ended is missing or has an "
			    "outcome already",
			    err);
	case MISS_CHECKPOINT:
		return gone(s, "checkpoint", "the row is missing", err);
	case MISS_RUN:
		return gone(s, "run", "the row is missing", err);
	}
	BUG("no such miss");
}

enum outcome damaged(struct store *s, struct error *err, const char *table, const char *row,
		     const char *format, ...)
{
	struct buf name = { 0 }, words = { 0 };
	char at_table[64];
	snprintf(at_table, sizeof(at_table), "@%s", table);
	dialect_format(&name, s->backend->dialect, at_table);
	va_list args;
	va_start(args, format);
	buf_vformat(&words, format, args);
	va_end(args);
	error_set(err, OUTCOME_DAMAGED, "the state is damaged: table %s, row %s: %s", name.ptr, row,
		  words.ptr);
	error_hint(err,
		   "nothing was changed; docs/state.md says what may be mended by hand, and how");
	buf_clear(&name);
	buf_clear(&words);
	return OUTCOME_DAMAGED;
}

enum outcome store_read_all(struct store *s, enum statement_id id, struct arena *a,
			    struct rows *rows, struct error *err)
{
	return store_ask(s, id, NULL, 0, a, rows, err);
}

enum outcome store_ask(struct store *s, enum statement_id id, const struct field *fields,
		       size_t count, struct arena *a, struct rows *rows, struct error *err)
{
	fault_pass(FAULT_BEFORE_ASK);
	enum outcome o = s->backend->read(s, id, fields, count, a, rows, err);
	fault_pass(FAULT_AFTER_ASK);
	return o;
}

enum outcome store_end(struct store *s, enum outcome o, struct error *err)
{
	if (o == OUTCOME_OK)
		o = s->backend->commit(s, err);
	if (o != OUTCOME_OK)
		s->backend->rollback(s);
	s->begun = s->expected.sent = false;
	arena_clear(&s->scratch);
	return o;
}

/* The length of the UTF-8 sequence at text, 0 if it is none. */
static size_t sequence(struct str text)
{
	for (size_t len = 1; len <= 4 && len <= text.len; len++)
		if (str_is_utf8((struct str){ text.ptr, len }))
			return len;
	return 0;
}

struct field field_clean(struct store *s, struct str text, size_t cap_bytes)
{
	bool cut = cap_bytes && text.len > cap_bytes;
	if (!text.ptr || (!cut && str_is_utf8(text) && !memchr(text.ptr, 0, text.len)))
		return field_text(text);
	struct buf b = { 0 };
	struct str left = { text.ptr, cut ? cap_bytes : text.len };
	while (left.len) {
		size_t len = *left.ptr ? sequence(left) : 0;
		if (len)
			buf_add(&b, left.ptr, len);
		else if (!cut || left.len >= 4)
			buf_text(&b, "\xef\xbf\xbd");
		len = len ? len : 1;
		left = (struct str){ left.ptr + len, left.len - len };
	}
	if (cut)
		buf_format(&b, "… (%zu bytes in all)", text.len);
	struct str kept = arena_str(&s->scratch, buf_view(&b));
	buf_clear(&b);
	return field_text(kept);
}

void checkpoint_seal(struct store *s, int64_t run, struct str state, char out[HASH_HEX_SIZE])
{
	struct buf b = { 0 };
	buf_sized(&b, str_c(s->id));
	buf_u64(&b, (uint64_t)run);
	buf_sized(&b, state);
	hash_hex(hash_of(buf_view(&b)), out);
	buf_clear(&b);
}

void plan_hash(const struct operation_row *plan, size_t count, struct hash *out)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < count; i++) {
		buf_u64(&b, (uint64_t)plan[i].index);
		buf_sized(&b, plan[i].label);
		buf_u32(&b, plan[i].operation);
		buf_sized(&b, plan[i].options);
		buf_sized(&b, plan[i].captures);
		buf_sized(&b, plan[i].connection);
		if (plan[i].block) {
			buf_u64(&b, (uint64_t)plan[i].block);
			buf_u64(&b, (uint64_t)plan[i].at_once);
		}
	}
	*out = hash_of(buf_view(&b));
	buf_clear(&b);
}
