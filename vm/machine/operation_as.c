/*
 * operation_as.c - `as`: what a query gave, taken for a type
 *
 * Records are matched by the names of their columns and put into the type's order; columns that the
 * type does not have are dropped, a column that it wants must be there. Nothing is converted: an
 * int is no float.
 */
#include "vm/machine/interpreter.h"

#define SHOWN_BYTES 80u

struct taking {
	struct machine *vm;
	struct buf why; /* written from the inside out: what is in front was added later */
};

static void prefix(struct taking *t, const char *format, ...) PRINTF_LIKE(2, 3);
static void prefix(struct taking *t, const char *format, ...)
{
	struct buf whole = { 0 };
	va_list args;
	va_start(args, format);
	buf_vformat(&whole, format, args);
	va_end(args);
	buf_str(&whole, buf_view(&t->why));
	buf_clear(&t->why);
	t->why = whole;
}

static const char *kind_name(enum value_kind kind)
{
	static const char *const names[VALUE_KIND_COUNT] = {
		[VALUE_NULL] = "null",	       [VALUE_BOOL] = "bool",
		[VALUE_INT] = "int",	       [VALUE_FLOAT] = "float",
		[VALUE_STRING] = "string",     [VALUE_BYTES] = "bytes",
		[VALUE_DURATION] = "duration", [VALUE_TIMESTAMP] = "timestamp",
		[VALUE_VERSION] = "version",   [VALUE_IDENT] = "ident",
		[VALUE_SQL] = "sql",	       [VALUE_LIST] = "a list",
		[VALUE_RECORD] = "a record",   [VALUE_CONNECTION] = "a connection",
	};
	return names[kind];
}

/* Cut where a character begins. */
static struct str head(struct str s, size_t bytes)
{
	while (bytes > 0 && bytes < s.len && ((unsigned char)s.ptr[bytes] & 0xc0) == 0x80)
		bytes--;
	return (struct str){ s.ptr, s.len < bytes ? s.len : bytes };
}

static bool refuse(struct taking *t, struct value v, uint32_t type)
{
	buf_reset(&t->why);
	buf_text(&t->why, "expected ");
	types_print(&t->vm->m->types, type, &t->why);
	buf_format(&t->why, ", found %s", kind_name(v.kind));
	if (v.kind == VALUE_STRING || v.kind == VALUE_VERSION) {
		struct str shown = head(value_text(v), SHOWN_BYTES);
		buf_byte(&t->why, ' ');
		buf_json(&t->why, shown);
		if (shown.len < value_text(v).len)
			buf_text(&t->why, "…");
	} else if (v.kind == VALUE_BOOL || v.kind == VALUE_INT || v.kind == VALUE_FLOAT ||
		   v.kind == VALUE_DURATION || v.kind == VALUE_TIMESTAMP) {
		buf_byte(&t->why, ' ');
		value_print(v, &t->why);
	}
	return false;
}

static bool take(struct taking *t, struct value v, uint32_t type, struct value *out);

static bool take_list(struct taking *t, struct value v, uint32_t element, struct value *out)
{
	size_t count = v.list->count;
	struct value *at = arena_array(&t->vm->heap.arena, struct value, count);
	for (size_t i = 0; i < count; i++) {
		struct value part = v.list->store->at[i];
		part.origin = v.origin;
		if (!take(t, part, element, &at[i])) {
			prefix(t, "element %zu: ", i);
			return false;
		}
	}
	*out = value_list(&t->vm->heap, at, count);
	return true;
}

static bool find_column(const struct record *r, struct str name, uint32_t *at)
{
	for (*at = 0; *at < r->count; ++*at)
		if (r->names && str_eq(r->names[*at], name))
			return true;
	return false;
}

static bool take_record(struct taking *t, struct value v, uint32_t type, struct value *out)
{
	const struct type *wanted = types_get(&t->vm->m->types, type);
	struct value *at = arena_array(&t->vm->heap.arena, struct value, wanted->field_count);
	for (uint32_t i = 0; i < wanted->field_count; i++) {
		const struct type_field *field = &wanted->fields[i];
		uint32_t column;
		if (!find_column(v.record, field->name, &column)) {
			buf_reset(&t->why);
			buf_format(&t->why, "there is no column \"%.*s\"", STR_ARG(field->name));
			return false;
		}
		struct value part = v.record->at[column];
		part.origin = v.origin;
		if (!take(t, part, field->type, &at[i])) {
			prefix(t, "column \"%.*s\": ", STR_ARG(field->name));
			return false;
		}
	}
	*out = value_record(&t->vm->heap, machine_names(t->vm, type), at, wanted->field_count);
	return true;
}

static bool take(struct taking *t, struct value v, uint32_t type, struct value *out)
{
	const struct types *types = &t->vm->m->types;
	const struct type *wanted = types_get(types, type);
	*out = v;
	if (wanted->kind == TYPE_OPTIONAL) {
		if (v.kind == VALUE_NULL)
			return true;
		if (take(t, v, wanted->element, out))
			return true;
		return t->why.len > 0 ? false : refuse(t, v, type);
	}
	if (wanted->kind == TYPE_LIST && v.kind == VALUE_LIST)
		return take_list(t, v, wanted->element, out);
	if (wanted->kind == TYPE_RECORD && v.kind == VALUE_RECORD)
		return take_record(t, v, type, out);
	return value_is(v, types, type) || refuse(t, v, type);
}

bool take_as(struct machine *vm)
{
	struct taking t = { .vm = vm };
	struct value v = vm->cursor.sp[-1], taken;
	uint32_t type = vm->cursor.at->a;
	if (!take(&t, v, type, &taken)) {
		struct str origin = machine_origin(vm, v.origin);
		if (origin.len > 0)
			machine_fail_here(vm, "%.*s: %s", STR_ARG(origin), buf_view(&t.why).ptr);
		else
			machine_fail_here(vm, "a query's answer: %s", buf_view(&t.why).ptr);
		buf_clear(&t.why);
		return false;
	}
	buf_clear(&t.why);
	vm->cursor.sp[-1] = taken;
	vm->cursor.at++;
	return true;
}
