/* value.c - making, measuring and comparing values */
#include "vm/machine/value.h"

#include "vm/base/semver.h"

#define TEXT_HEAD_BYTES 16u /* what a value is taken to need beside its bytes or parts */

static struct value text_of(struct heap *h, enum value_kind kind, struct str s)
{
	struct text *text = arena_take(&h->arena, sizeof(*text) + s.len + 1);
	text->len = s.len;
	if (s.len > 0)
		memcpy(text->bytes, s.ptr, s.len);
	text->bytes[s.len] = '\0';
	return (struct value){ .kind = kind, .text = text };
}

struct str value_text(struct value v)
{
	if (v.kind != VALUE_STRING && v.kind != VALUE_BYTES && v.kind != VALUE_VERSION)
		BUG("a value of kind %d is no text", (int)v.kind);
	return (struct str){ v.text->bytes, v.text->len };
}

struct value value_null(void)
{
	return (struct value){ .kind = VALUE_NULL };
}

struct value value_bool(bool flag)
{
	return (struct value){ .kind = VALUE_BOOL, .flag = flag };
}

struct value value_int(int64_t number)
{
	return (struct value){ .kind = VALUE_INT, .number = number };
}

struct value value_float(double real)
{
	return (struct value){ .kind = VALUE_FLOAT, .real = real };
}

struct value value_duration(int64_t ms)
{
	return (struct value){ .kind = VALUE_DURATION, .number = ms };
}

struct value value_timestamp(int64_t us)
{
	return (struct value){ .kind = VALUE_TIMESTAMP, .number = us };
}

struct value value_connection(uint32_t need)
{
	return (struct value){ .kind = VALUE_CONNECTION, .need = need };
}

struct value value_string(struct heap *h, struct str s)
{
	return text_of(h, VALUE_STRING, s);
}

struct value value_bytes(struct heap *h, struct str s)
{
	return text_of(h, VALUE_BYTES, s);
}

struct value value_version(struct heap *h, struct str s)
{
	return text_of(h, VALUE_VERSION, s);
}

uint64_t value_bytes_held(struct value v)
{
	switch (v.kind) {
	case VALUE_STRING:
	case VALUE_BYTES:
	case VALUE_VERSION:
		return TEXT_HEAD_BYTES + v.text->len;
	case VALUE_LIST:
	case VALUE_IDENT:
	case VALUE_SQL:
		return v.list->bytes;
	case VALUE_RECORD:
		return v.record->bytes;
	default:
		return TEXT_HEAD_BYTES;
	}
}

uint32_t value_depth(struct value v)
{
	switch (v.kind) {
	case VALUE_LIST:
	case VALUE_IDENT:
	case VALUE_SQL:
		return v.list->depth;
	case VALUE_RECORD:
		return v.record->depth;
	default:
		return 0;
	}
}

/* Saturates: what is refused above VALUE_BYTES_MAX must not come round to be small. */
static void measure(struct value part, uint64_t *bytes, uint32_t *depth)
{
	uint64_t more = value_bytes_held(part);
	*bytes = *bytes > UINT64_MAX - more ? UINT64_MAX : *bytes + more;
	if (*depth < value_depth(part) + 1)
		*depth = value_depth(part) + 1;
}

static struct list_store *new_store(struct heap *h, size_t room)
{
	struct list_store *store =
		arena_take(&h->arena, sizeof(*store) + arena_bytes(sizeof(struct value), room));
	store->room = room;
	return store;
}

static struct value list_of(struct heap *h, enum value_kind kind, const struct value *at,
			    size_t count)
{
	struct list *list = arena_take(&h->arena, sizeof(*list));
	list->count = count;
	list->store = new_store(h, count);
	list->store->used = count;
	list->bytes = TEXT_HEAD_BYTES;
	list->depth = 1;
	for (size_t i = 0; i < count; i++) {
		list->store->at[i] = at[i];
		measure(at[i], &list->bytes, &list->depth);
	}
	return (struct value){ .kind = kind, .list = list };
}

struct value value_list(struct heap *h, const struct value *at, size_t count)
{
	return list_of(h, VALUE_LIST, at, count);
}

struct value value_ident(struct heap *h, const struct value *parts, size_t count)
{
	return list_of(h, VALUE_IDENT, parts, count);
}

struct value value_sql(struct heap *h, const struct value *pieces, size_t count)
{
	return list_of(h, VALUE_SQL, pieces, count);
}

struct value value_append(struct heap *h, struct value v, struct value element)
{
	const struct list *old = v.list;
	struct list *list = arena_take(&h->arena, sizeof(*list));
	*list = *old;
	if (old->store->used != old->count || old->store->room == old->count) {
		list->store = new_store(h, old->count < 4 ? 8 : old->count * 2);
		if (old->count > 0)
			memcpy(list->store->at, old->store->at, old->count * sizeof(struct value));
	}
	list->store->at[list->count++] = element;
	list->store->used = list->count;
	measure(element, &list->bytes, &list->depth);
	return (struct value){ .kind = v.kind, .list = list };
}

struct value value_record(struct heap *h, const struct str *names, const struct value *at,
			  uint32_t count)
{
	struct record *record =
		arena_take(&h->arena, sizeof(*record) + arena_bytes(sizeof(struct value), count));
	record->count = count;
	record->names = names;
	record->bytes = TEXT_HEAD_BYTES;
	record->depth = 1;
	for (uint32_t i = 0; i < count; i++) {
		record->at[i] = at[i];
		measure(at[i], &record->bytes, &record->depth);
		if (names)
			record->bytes += names[i].len;
	}
	return (struct value){ .kind = VALUE_RECORD, .record = record };
}

static bool equal_parts(const struct value *a, const struct value *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!value_equal(a[i], b[i]))
			return false;
	return true;
}

bool value_equal(struct value a, struct value b)
{
	if (a.kind != b.kind)
		return false;
	switch (a.kind) {
	case VALUE_NULL:
		return true;
	case VALUE_BOOL:
		return a.flag == b.flag;
	case VALUE_INT:
	case VALUE_DURATION:
	case VALUE_TIMESTAMP:
		return a.number == b.number;
	case VALUE_FLOAT:
	case VALUE_VERSION:
		return value_compare(a, b) == 0;
	case VALUE_STRING:
	case VALUE_BYTES:
		return str_eq(value_text(a), value_text(b));
	case VALUE_CONNECTION:
		return a.need == b.need;
	case VALUE_LIST:
	case VALUE_IDENT:
	case VALUE_SQL:
		return a.list == b.list || (a.list->count == b.list->count &&
		       equal_parts(a.list->store->at, b.list->store->at, a.list->count));
	case VALUE_RECORD:
		return a.record == b.record || (a.record->count == b.record->count &&
		       equal_parts(a.record->at, b.record->at, a.record->count));
	case VALUE_KIND_COUNT:
		break;
	}
	BUG("value of kind %d", (int)a.kind);
}

static int compare_floats(double a, double b)
{
	if (a != a || b != b)
		return (a != a) - (b != b);
	return (a > b) - (a < b);
}

static int compare_versions(struct str a, struct str b)
{
	struct semver va, vb;
	if (!semver_parse(a, &va) || !semver_parse(b, &vb))
		return str_compare(a, b);
	return semver_compare(va, vb);
}

int value_compare(struct value a, struct value b)
{
	switch (a.kind) {
	case VALUE_INT:
	case VALUE_DURATION:
	case VALUE_TIMESTAMP:
		return (a.number > b.number) - (a.number < b.number);
	case VALUE_FLOAT:
		return compare_floats(a.real, b.real);
	case VALUE_STRING:
		return str_compare(value_text(a), value_text(b));
	case VALUE_VERSION:
		return compare_versions(value_text(a), value_text(b));
	default:
		BUG("values of kind %d have no order", (int)a.kind);
	}
}

static bool is_record(struct value v, const struct types *types, const struct type *type)
{
	if (v.kind != VALUE_RECORD || v.record->count != type->field_count)
		return false;
	for (uint32_t i = 0; i < type->field_count; i++) {
		if (v.record->names && !str_eq(v.record->names[i], type->fields[i].name))
			return false;
		if (!value_is(v.record->at[i], types, type->fields[i].type))
			return false;
	}
	return true;
}

static bool is_list(struct value v, const struct types *types, uint32_t element)
{
	if (v.kind != VALUE_LIST)
		return false;
	for (size_t i = 0; i < v.list->count; i++)
		if (!value_is(v.list->store->at[i], types, element))
			return false;
	return true;
}

bool value_is(struct value v, const struct types *types, uint32_t number)
{
	static const enum value_kind kinds[TYPE_KIND_COUNT] = {
		[TYPE_NULL] = VALUE_NULL,		[TYPE_BOOL] = VALUE_BOOL,
		[TYPE_INT] = VALUE_INT,			[TYPE_FLOAT] = VALUE_FLOAT,
		[TYPE_STRING] = VALUE_STRING,		[TYPE_BYTES] = VALUE_BYTES,
		[TYPE_DURATION] = VALUE_DURATION,	[TYPE_TIMESTAMP] = VALUE_TIMESTAMP,
		[TYPE_VERSION] = VALUE_VERSION,		[TYPE_IDENT] = VALUE_IDENT,
		[TYPE_SQL] = VALUE_SQL,			[TYPE_CONNECTION] = VALUE_CONNECTION,
	};
	const struct type *type = types_get(types, number);
	switch (type->kind) {
	case TYPE_NEVER:
	case TYPE_NOTHING:
		return false;
	case TYPE_ANY:
		return v.kind != VALUE_CONNECTION;
	case TYPE_OPTIONAL:
		return v.kind == VALUE_NULL || value_is(v, types, type->element);
	case TYPE_LIST:
		return is_list(v, types, type->element);
	case TYPE_RECORD:
		return is_record(v, types, type);
	default:
		return v.kind == kinds[type->kind];
	}
}
