/* types.c - the table of types */
#include "vm/isa/types.h"

#include <stdlib.h>

#define NEAR_TYPES ((uint32_t)TYPE_SCALAR_COUNT + 32)

static const char *const scalar_names[TYPE_SCALAR_COUNT] = {
	[TYPE_NEVER] = "never",	      [TYPE_NOTHING] = "nothing",
	[TYPE_NULL] = "null",	      [TYPE_BOOL] = "bool",
	[TYPE_INT] = "int",	      [TYPE_FLOAT] = "float",
	[TYPE_STRING] = "string",     [TYPE_BYTES] = "bytes",
	[TYPE_DURATION] = "duration", [TYPE_TIMESTAMP] = "timestamp",
	[TYPE_VERSION] = "version",   [TYPE_IDENT] = "ident",
	[TYPE_SQL] = "sql",	      [TYPE_ANY] = "any",
};

/*
 * The key is what a type is made of, by the numbers of its parts: short however deep the type
 * nests, and free of the ambiguities that odd names in a damaged module could bring into a printed
 * form.
 */
static void key_of(const struct type *type, struct buf *key)
{
	buf_u8(key, (uint8_t)type->kind);
	buf_varint(key, type->element);
	buf_sized(key, type->connection);
	for (uint32_t i = 0; i < type->field_count; i++) {
		buf_sized(key, type->fields[i].name);
		buf_varint(key, type->fields[i].type);
	}
}

/* Most modules have few types: those of one part are found sooner by looking at each than by a key.
 * 0: not there, or there are too many. */
static uint32_t find_near(const struct types *t, enum type_kind kind, uint32_t element)
{
	for (uint32_t i = TYPE_SCALAR_COUNT; i < t->all.count && i < NEAR_TYPES; i++)
		if (t->all.at[i].kind == kind && t->all.at[i].element == element)
			return i;
	return 0;
}

static uint32_t intern(struct types *t, const struct type *type)
{
	struct buf key = { 0 };
	key_of(type, &key);
	const void *known = map_get(&t->by_key, buf_view(&key));
	if (known) {
		buf_clear(&key);
		return (uint32_t)((uintptr_t)known - 1);
	}
	struct type made = *type;
	made.connection = arena_str(&t->arena, type->connection);
	if (type->field_count > 0) {
		struct type_field *fields =
			arena_array(&t->arena, struct type_field, type->field_count);
		for (uint32_t i = 0; i < type->field_count; i++) {
			fields[i].name = arena_str(&t->arena, type->fields[i].name);
			fields[i].type = type->fields[i].type;
		}
		made.fields = fields;
	}
	uint32_t number = (uint32_t)t->all.count;
	vec_push(&t->all, made);
	map_add(&t->by_key, arena_str(&t->arena, buf_view(&key)), (void *)((uintptr_t)number + 1));
	buf_clear(&key);
	return number;
}

/* The scalars need no keys: nobody makes one. Every module has such a table, so it costs little. */
void types_init(struct types *t)
{
	*t = (struct types){ 0 };
	for (int kind = 0; kind < TYPE_SCALAR_COUNT; kind++)
		vec_push(&t->all, (struct type){ .kind = (enum type_kind)kind,
						 .connection = STR("") });
}

void types_clear(struct types *t)
{
	if (!t)
		return;
	vec_clear(&t->all);
	map_clear(&t->by_key);
	arena_clear(&t->arena);
	*t = (struct types){ 0 };
}

const struct type *types_get(const struct types *t, uint32_t type)
{
	if (type >= t->all.count)
		BUG("no type %u among %zu", type, t->all.count);
	return &t->all.at[type];
}

bool types_scalar(struct str name, uint32_t *out)
{
	for (uint32_t i = 0; i < TYPE_SCALAR_COUNT; i++) {
		if (str_eq(name, str_c(scalar_names[i]))) {
			*out = i;
			return true;
		}
	}
	return false;
}

uint32_t types_list(struct types *t, uint32_t element)
{
	uint32_t known = find_near(t, TYPE_LIST, element);
	return known ? known : intern(t, &(struct type){ .kind = TYPE_LIST, .element = element });
}

uint32_t types_optional(struct types *t, uint32_t element)
{
	uint32_t known = find_near(t, TYPE_OPTIONAL, element);
	switch (types_get(t, element)->kind) {
	case TYPE_OPTIONAL:
	case TYPE_NULL:
	case TYPE_ANY:
	case TYPE_NEVER:
		return element;
	default:
		return known ? known
			     : intern(t, &(struct type){ .kind = TYPE_OPTIONAL,
							 .element = element });
	}
}

uint32_t types_record(struct types *t, const struct type_field *fields, uint32_t count)
{
	return intern(
		t, &(struct type){ .kind = TYPE_RECORD, .field_count = count, .fields = fields });
}

struct str types_dialect(struct str kind)
{
	return str_eq(kind, STR("chdb")) ? STR("clickhouse") : kind;
}

uint32_t types_connection(struct types *t, struct str kind)
{
	return intern(t, &(struct type){ .kind = TYPE_CONNECTION,
					 .connection = types_dialect(kind) });
}

static bool has_connection(const struct types *t, uint32_t type)
{
	const struct type *it = types_get(t, type);
	switch (it->kind) {
	case TYPE_CONNECTION:
		return true;
	case TYPE_LIST:
	case TYPE_OPTIONAL:
		return has_connection(t, it->element);
	case TYPE_RECORD:
		for (uint32_t i = 0; i < it->field_count; i++)
			if (has_connection(t, it->fields[i].type))
				return true;
		return false;
	default:
		return false;
	}
}

static bool same_names(const struct type *a, const struct type *b)
{
	if (a->field_count != b->field_count)
		return false;
	for (uint32_t i = 0; i < a->field_count; i++)
		if (!str_eq(a->fields[i].name, b->fields[i].name))
			return false;
	return true;
}

bool types_assignable(const struct types *t, uint32_t from, uint32_t to)
{
	if (from == to || from == TYPE_NEVER)
		return true;
	const struct type *f = types_get(t, from), *w = types_get(t, to);
	if (w->kind == TYPE_ANY)
		return f->kind != TYPE_NOTHING && !has_connection(t, from);
	if (w->kind == TYPE_OPTIONAL) {
		if (f->kind == TYPE_NULL)
			return true;
		return types_assignable(t, f->kind == TYPE_OPTIONAL ? f->element : from,
					w->element);
	}
	if (f->kind != w->kind)
		return false;
	if (w->kind == TYPE_LIST)
		return types_assignable(t, f->element, w->element);
	if (w->kind != TYPE_RECORD || !same_names(f, w))
		return false;
	for (uint32_t i = 0; i < w->field_count; i++)
		if (!types_assignable(t, f->fields[i].type, w->fields[i].type))
			return false;
	return true;
}

static bool join_records(struct types *t, uint32_t a, uint32_t b, uint32_t *out)
{
	uint32_t count = types_get(t, a)->field_count;
	if (!same_names(types_get(t, a), types_get(t, b)))
		return false;
	struct type_field *fields = must_alloc(arena_bytes(sizeof(*fields), count ? count : 1));
	bool joined = true;
	for (uint32_t i = 0; i < count && joined; i++) {
		fields[i].name = types_get(t, a)->fields[i].name;
		joined = types_join(t, types_get(t, a)->fields[i].type,
				    types_get(t, b)->fields[i].type, &fields[i].type);
	}
	if (joined)
		*out = types_record(t, fields, count);
	free(fields);
	return joined;
}

bool types_join(struct types *t, uint32_t a, uint32_t b, uint32_t *out)
{
	if (types_assignable(t, a, b) || types_assignable(t, b, a)) {
		*out = types_assignable(t, a, b) ? b : a;
		return true;
	}
	/* By value: adding a type moves the table. */
	struct type ta = *types_get(t, a), tb = *types_get(t, b);
	if (ta.kind == TYPE_NOTHING || tb.kind == TYPE_NOTHING)
		return false;
	uint32_t part;
	if (ta.kind == TYPE_NULL || tb.kind == TYPE_NULL) {
		*out = types_optional(t, ta.kind == TYPE_NULL ? b : a);
		return true;
	}
	if (ta.kind == TYPE_OPTIONAL || tb.kind == TYPE_OPTIONAL) {
		if (!types_join(t, ta.kind == TYPE_OPTIONAL ? ta.element : a,
				tb.kind == TYPE_OPTIONAL ? tb.element : b, &part))
			return false;
		*out = types_optional(t, part);
		return true;
	}
	if (ta.kind == TYPE_LIST && tb.kind == TYPE_LIST) {
		if (!types_join(t, ta.element, tb.element, &part))
			return false;
		*out = types_list(t, part);
		return true;
	}
	return ta.kind == TYPE_RECORD && tb.kind == TYPE_RECORD && join_records(t, a, b, out);
}

void types_print(const struct types *t, uint32_t type, struct buf *out)
{
	const struct type *it = types_get(t, type);
	switch (it->kind) {
	case TYPE_LIST:
		buf_byte(out, '[');
		types_print(t, it->element, out);
		buf_byte(out, ']');
		return;
	case TYPE_OPTIONAL:
		types_print(t, it->element, out);
		buf_byte(out, '?');
		return;
	case TYPE_RECORD:
		buf_byte(out, '{');
		for (uint32_t i = 0; i < it->field_count; i++) {
			buf_text(out, i ? ", " : "");
			buf_str(out, it->fields[i].name);
			buf_text(out, ": ");
			types_print(t, it->fields[i].type, out);
		}
		buf_byte(out, '}');
		return;
	case TYPE_CONNECTION:
		buf_str(out, it->connection);
		return;
	default:
		buf_text(out, scalar_names[it->kind]);
		return;
	}
}
