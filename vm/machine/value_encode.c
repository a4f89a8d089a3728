/*
 * value_encode.c - values as bytes
 *
 * A byte for the kind, then: BOOL a byte; INT, DURATION, TIMESTAMP zigzag LEB128; FLOAT its 8
 * bytes; texts sized; LIST, IDENT, SQL a count and the parts; RECORD a count, how it is named (0
 * not, 1 names follow, 2 as the record before it), and the parts; CONNECTION its number. A part
 * that is kept elsewhere has VALUE_REFERENCE in its first byte, and what refer() wrote behind it.
 */
#include "vm/machine/value.h"

enum { NAMES_NONE, NAMES_FOLLOW, NAMES_AS_BEFORE };

struct names { const struct str *at; uint32_t count; };

static bool same_names(struct names a, const struct record *b)
{
	if (!a.at || a.count != b->count)
		return false;
	for (uint32_t i = 0; i < a.count; i++)
		if (!str_eq(a.at[i], b->names[i]))
			return false;
	return true;
}

struct encoder { struct names last; const struct value_refs *refs; };

static void encode(struct value v, struct encoder *e, struct buf *out);

static void encode_record(const struct record *r, struct encoder *e, struct buf *out)
{
	buf_varint(out, r->count);
	if (!r->names || r->count == 0) {
		buf_u8(out, NAMES_NONE);
	} else if (same_names(e->last, r)) {
		buf_u8(out, NAMES_AS_BEFORE);
	} else {
		buf_u8(out, NAMES_FOLLOW);
		for (uint32_t i = 0; i < r->count; i++)
			buf_sized(out, r->names[i]);
		e->last = (struct names){ r->names, r->count };
	}
	for (uint32_t i = 0; i < r->count; i++)
		encode(r->at[i], e, out);
}

static void encode(struct value v, struct encoder *e, struct buf *out)
{
	uint64_t bits;
	if (e->refs && e->refs->refer(e->refs->context, v, out))
		return;
	buf_u8(out, (uint8_t)v.kind);
	switch (v.kind) {
	case VALUE_NULL:
		return;
	case VALUE_BOOL:
		buf_u8(out, v.flag);
		return;
	case VALUE_INT:
	case VALUE_DURATION:
	case VALUE_TIMESTAMP:
		buf_varint(out, ((uint64_t)v.number << 1) ^ (v.number < 0 ? UINT64_MAX : 0));
		return;
	case VALUE_FLOAT:
		memcpy(&bits, &v.real, sizeof(bits));
		buf_u64(out, bits);
		return;
	case VALUE_STRING:
	case VALUE_BYTES:
	case VALUE_VERSION:
		buf_sized(out, value_text(v));
		return;
	case VALUE_LIST:
	case VALUE_IDENT:
	case VALUE_SQL:
		buf_varint(out, v.list->count);
		for (size_t i = 0; i < v.list->count; i++)
			encode(v.list->store->at[i], e, out);
		return;
	case VALUE_RECORD:
		encode_record(v.record, e, out);
		return;
	case VALUE_CONNECTION:
		buf_varint(out, v.need);
		return;
	case VALUE_KIND_COUNT:
		break;
	}
	BUG("value of kind %d", (int)v.kind);
}

void value_encode(struct value v, struct buf *out)
{
	value_encode_parts(&v, 1, NULL, out);
}

void value_encode_parts(const struct value *at, size_t count, const struct value_refs *refs,
			struct buf *out)
{
	struct encoder e = { .refs = refs };
	for (size_t i = 0; i < count; i++)
		encode(at[i], &e, out);
}

struct decoder {
	struct reader *r;
	struct heap *h;
	const struct value_refs *refs;
	struct names last;
	uint64_t
		parts_left; /* each takes a byte or more: bounds what counts can make us allocate */
};

static bool take_parts(struct decoder *d, uint64_t count)
{
	if (d->r->failed || count > d->parts_left)
		return false;
	d->parts_left -= count;
	return true;
}

static bool decode(struct decoder *d, uint32_t depth, struct value *out);

static bool decode_parts(struct decoder *d, uint32_t depth, struct value *at, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		if (!decode(d, depth + 1, &at[i]))
			return false;
	return true;
}

/* What others take for granted: an ident is of strings, SQL alternates between strings and values.
 */
static bool is_well_formed(enum value_kind kind, const struct value *at, uint64_t count)
{
	if (kind == VALUE_LIST)
		return true;
	if (count == 0 || (kind == VALUE_SQL && count % 2 == 0))
		return false;
	for (uint64_t i = 0; i < count; i += kind == VALUE_SQL ? 2 : 1)
		if (at[i].kind != VALUE_STRING)
			return false;
	return true;
}

static bool decode_list(struct decoder *d, uint32_t depth, enum value_kind kind, struct value *out)
{
	uint64_t count = reader_varint(d->r);
	if (!take_parts(d, count))
		return false;
	struct value *at = arena_array(&d->h->arena, struct value, count);
	if (!decode_parts(d, depth, at, count) || !is_well_formed(kind, at, count))
		return false;
	*out = kind == VALUE_LIST ? value_list(d->h, at, count) :
	       kind == VALUE_IDENT ? value_ident(d->h, at, count) : value_sql(d->h, at, count);
	return true;
}

static bool decode_names(struct decoder *d, uint32_t count, const struct str **out)
{
	uint8_t how = reader_u8(d->r);
	*out = NULL;
	if (how == NAMES_NONE)
		return true;
	if (how == NAMES_AS_BEFORE) {
		*out = d->last.at;
		return d->last.at && d->last.count == count;
	}
	if (how != NAMES_FOLLOW || count == 0 || !take_parts(d, count))
		return false;
	struct str *names = arena_array(&d->h->arena, struct str, count);
	for (uint32_t i = 0; i < count; i++)
		names[i] = arena_str(&d->h->arena, reader_sized(d->r));
	d->last = (struct names){ names, count };
	*out = names;
	return !d->r->failed;
}

static bool decode_record(struct decoder *d, uint32_t depth, struct value *out)
{
	uint64_t count = reader_varint(d->r);
	const struct str *names;
	if (!take_parts(d, count) || !decode_names(d, (uint32_t)count, &names))
		return false;
	struct value *at = arena_array(&d->h->arena, struct value, count);
	if (!decode_parts(d, depth, at, count))
		return false;
	*out = value_record(d->h, names, at, (uint32_t)count);
	return true;
}

static int64_t decode_number(struct reader *r)
{
	uint64_t zigzag = reader_varint(r);
	return (int64_t)((zigzag >> 1) ^ (zigzag & 1 ? UINT64_MAX : 0));
}

static bool decode(struct decoder *d, uint32_t depth, struct value *out)
{
	uint64_t bits;
	uint8_t kind = reader_u8(d->r);
	if (d->r->failed || depth > VALUE_DEPTH_MAX)
		return false;
	if (kind & VALUE_REFERENCE)
		return d->refs && (kind & ~VALUE_REFERENCE) < VALUE_KIND_COUNT &&
		       d->refs->fetch(d->refs->context, (enum value_kind)(kind & ~VALUE_REFERENCE),
				      depth, d->r, out);
	*out = (struct value){ .kind = (enum value_kind)kind };
	switch (kind) {
	case VALUE_NULL:
		break;
	case VALUE_BOOL:
		bits = reader_u8(d->r);
		out->flag = bits == 1;
		return !d->r->failed && bits <= 1;
	case VALUE_INT:
	case VALUE_DURATION:
	case VALUE_TIMESTAMP:
		out->number = decode_number(d->r);
		break;
	case VALUE_FLOAT:
		bits = reader_u64(d->r);
		memcpy(&out->real, &bits, sizeof(bits));
		break;
	case VALUE_STRING:
		*out = value_string(d->h, reader_sized(d->r));
		break;
	case VALUE_BYTES:
		*out = value_bytes(d->h, reader_sized(d->r));
		break;
	case VALUE_VERSION:
		*out = value_version(d->h, reader_sized(d->r));
		break;
	case VALUE_LIST:
	case VALUE_IDENT:
	case VALUE_SQL:
		return decode_list(d, depth, (enum value_kind)kind, out);
	case VALUE_RECORD:
		return decode_record(d, depth, out);
	case VALUE_CONNECTION:
		bits = reader_varint(d->r);
		out->need = (uint32_t)bits;
		return !d->r->failed && bits <= UINT32_MAX;
	default:
		return false;
	}
	return !d->r->failed;
}

bool value_decode(struct reader *r, struct heap *h, struct value *out)
{
	return value_decode_parts(r, h, NULL, 0, out, 1);
}

bool value_decode_parts(struct reader *r, struct heap *h, const struct value_refs *refs,
			uint32_t depth, struct value *at, size_t count)
{
	struct decoder d = { .r = r, .h = h, .refs = refs, .parts_left = reader_left(r) };
	for (size_t i = 0; i < count; i++)
		at[i] = value_null();
	for (size_t i = 0; i < count; i++) {
		if (decode(&d, depth, &at[i]))
			continue;
		at[i] = value_null();
		return false;
	}
	return true;
}
