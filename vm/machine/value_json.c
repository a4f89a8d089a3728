/* value_json.c - values as JSON, and JSON as values of a type */
#include "vm/machine/value.h"

#include "vm/base/semver.h"
#include "vm/base/units.h"

#include <jansson.h>

static void json_text(struct value v, struct buf *out)
{
	struct buf text = { 0 };
	value_print(v, &text);
	buf_json(out, buf_view(&text));
	buf_clear(&text);
}

static void json_record(const struct record *r, const struct types *types, const struct type *type,
			struct buf *out)
{
	bool typed = type->kind == TYPE_RECORD && type->field_count == r->count;
	buf_byte(out, '{');
	for (uint32_t i = 0; i < r->count; i++) {
		buf_text(out, i ? ", " : "");
		if (r->names || typed)
			buf_json(out, r->names ? r->names[i] : type->fields[i].name);
		else
			buf_format(out, "\"%u\"", i);
		buf_text(out, ": ");
		value_json(r->at[i], types, typed ? type->fields[i].type : (uint32_t)TYPE_ANY, out);
	}
	buf_byte(out, '}');
}

void value_json(struct value v, const struct types *types, uint32_t number, struct buf *out)
{
	const struct type *type = types_get(types, number);
	while (type->kind == TYPE_OPTIONAL)
		type = types_get(types, type->element);
	switch (v.kind) {
	case VALUE_NULL:
	case VALUE_BOOL:
	case VALUE_INT:
		value_print(v, out);
		return;
	case VALUE_FLOAT:
		/* JSON has no infinities. */
		if (v.real - v.real != 0)
			json_text(v, out);
		else
			value_print(v, out);
		return;
	case VALUE_LIST:
		buf_byte(out, '[');
		for (size_t i = 0; i < v.list->count; i++) {
			buf_text(out, i ? ", " : "");
			value_json(v.list->store->at[i], types,
				   type->kind == TYPE_LIST ? type->element : (uint32_t)TYPE_ANY,
				   out);
		}
		buf_byte(out, ']');
		return;
	case VALUE_RECORD:
		json_record(v.record, types, type, out);
		return;
	default:
		json_text(v, out);
		return;
	}
}

struct parse {
	const struct types *types;
	struct heap *h;
	struct buf *reason;
};

static bool refuse(struct parse *p, const char *found, uint32_t type)
{
	if (p->reason->len > 0)
		return false;
	buf_text(p->reason, "expected ");
	types_print(p->types, type, p->reason);
	buf_format(p->reason, ", found %s", found);
	return false;
}

/* Text for a scalar type that JSON has no form for, and for what people write bare. */
static bool of_text(struct parse *p, struct str text, uint32_t type, struct value *out)
{
	int64_t number;
	struct semver version;
	switch (types_get(p->types, type)->kind) {
	case TYPE_STRING:
		*out = value_string(p->h, text);
		return str_is_utf8(text) || refuse(p, "text that is not UTF-8", type);
	case TYPE_BYTES:
		*out = value_bytes(p->h, text);
		return true;
	case TYPE_INT:
		if (!str_to_int(text, &number) && !size_parse(text, &number))
			break;
		*out = value_int(number);
		return true;
	case TYPE_DURATION:
		if (!duration_parse(text, &number))
			break;
		*out = value_duration(number);
		return true;
	case TYPE_TIMESTAMP:
		if (!timestamp_parse(text, &number))
			break;
		*out = value_timestamp(number);
		return true;
	case TYPE_VERSION:
		if (!semver_parse(text, &version))
			break;
		*out = value_version(p->h, text);
		return true;
	case TYPE_IDENT:
		if (text.len == 0)
			break;
		*out = value_ident(p->h,
				   &(struct value){ .kind = VALUE_STRING,
						    .text = value_string(p->h, text).text },
				   1);
		return true;
	case TYPE_ANY:
		*out = value_string(p->h, text);
		return true;
	default:
		break;
	}
	struct buf found = { 0 };
	buf_json(&found, (struct str){ text.ptr, text.len < 80 ? text.len : 80 });
	refuse(p, buf_view(&found).ptr, type);
	buf_clear(&found);
	return false;
}

static bool of_json(struct parse *p, json_t *json, uint32_t type, uint32_t depth,
		    struct value *out);

static bool of_array(struct parse *p, json_t *json, uint32_t type, uint32_t depth,
		     struct value *out)
{
	const struct type *wanted = types_get(p->types, type);
	size_t count = json_array_size(json);
	uint32_t element = wanted->kind == TYPE_LIST ? wanted->element : (uint32_t)TYPE_STRING;
	if (wanted->kind == TYPE_ANY)
		element = TYPE_ANY;
	else if (wanted->kind != TYPE_LIST && (wanted->kind != TYPE_IDENT || count == 0))
		return refuse(p, "a list", type);
	struct value *at = arena_array(&p->h->arena, struct value, count);
	for (size_t i = 0; i < count; i++)
		if (!of_json(p, json_array_get(json, i), element, depth + 1, &at[i])) {
			buf_format(p->reason, " (element %zu)", i);
			return false;
		}
	*out = wanted->kind == TYPE_IDENT ? value_ident(p->h, at, count)
					  : value_list(p->h, at, count);
	return true;
}

static bool of_any_object(struct parse *p, json_t *json, uint32_t depth, struct value *out)
{
	size_t count = json_object_size(json), i = 0;
	struct str *names = arena_array(&p->h->arena, struct str, count + 1);
	struct value *at = arena_array(&p->h->arena, struct value, count + 1);
	const char *name;
	json_t *part;
	json_object_foreach(json, name, part) {
		names[i] = arena_str(&p->h->arena, str_c(name));
		if (!of_json(p, part, TYPE_ANY, depth + 1, &at[i++]))
			return false;
	}
	*out = value_record(p->h, names, at, (uint32_t)count);
	return true;
}

static bool of_object(struct parse *p, json_t *json, uint32_t type, uint32_t depth,
		      struct value *out)
{
	const struct type *wanted = types_get(p->types, type);
	if (wanted->kind == TYPE_ANY)
		return of_any_object(p, json, depth, out);
	if (wanted->kind != TYPE_RECORD)
		return refuse(p, "a record", type);
	struct value *at = arena_array(&p->h->arena, struct value, wanted->field_count + 1u);
	struct str *names = arena_array(&p->h->arena, struct str, wanted->field_count + 1u);
	size_t found = 0;
	for (uint32_t i = 0; i < wanted->field_count; i++) {
		names[i] = arena_str(&p->h->arena, wanted->fields[i].name);
		json_t *part = json_object_get(json, names[i].ptr);
		at[i] = value_null();
		found += part != NULL;
		if (!part && types_get(p->types, wanted->fields[i].type)->kind == TYPE_OPTIONAL)
			continue;
		if (!part || !of_json(p, part, wanted->fields[i].type, depth + 1, &at[i])) {
			if (!part)
				refuse(p, "a record without it", type);
			buf_format(p->reason, " (field %.*s)", STR_ARG(names[i]));
			return false;
		}
	}
	if (found < json_object_size(json))
		return refuse(p, "a record with other fields", type);
	*out = value_record(p->h, names, at, wanted->field_count);
	return true;
}

static bool of_number(struct parse *p, json_t *json, uint32_t type, struct value *out)
{
	enum type_kind kind = types_get(p->types, type)->kind;
	bool whole = json_is_integer(json);
	if (whole && (kind == TYPE_INT || kind == TYPE_ANY))
		*out = value_int(json_integer_value(json));
	else if (kind == TYPE_FLOAT || kind == TYPE_ANY)
		*out = value_float(json_number_value(json));
	else
		return refuse(p, whole ? "a whole number" : "a number with a fraction", type);
	return true;
}

static bool of_json(struct parse *p, json_t *json, uint32_t type, uint32_t depth, struct value *out)
{
	const struct type *wanted = types_get(p->types, type);
	if (depth > VALUE_DEPTH_MAX)
		return refuse(p, "something that nests too deep", type);
	if (wanted->kind == TYPE_OPTIONAL && !json_is_null(json))
		return of_json(p, json, wanted->element, depth, out);
	switch (json_typeof(json)) {
	case JSON_NULL:
		*out = value_null();
		return wanted->kind == TYPE_OPTIONAL || wanted->kind == TYPE_NULL ||
		       wanted->kind == TYPE_ANY || refuse(p, "null", type);
	case JSON_TRUE:
	case JSON_FALSE:
		*out = value_bool(json_is_true(json));
		return wanted->kind == TYPE_BOOL || wanted->kind == TYPE_ANY ||
		       refuse(p, json_is_true(json) ? "true" : "false", type);
	case JSON_INTEGER:
	case JSON_REAL:
		return of_number(p, json, type, out);
	case JSON_STRING:
		return of_text(p, (struct str){ json_string_value(json), json_string_length(json) },
			       type, out);
	case JSON_ARRAY:
		return of_array(p, json, type, depth, out);
	case JSON_OBJECT:
		return of_object(p, json, type, depth, out);
	}
	return refuse(p, "something else", type);
}

/* Where a text will do, it need not be in quotes: 5m, Berlin, 1.5GiB. */
static bool takes_bare_text(const struct types *types, uint32_t type)
{
	const struct type *it = types_get(types, type);
	if (it->kind == TYPE_OPTIONAL)
		return takes_bare_text(types, it->element);
	return it->kind == TYPE_STRING || it->kind == TYPE_INT || it->kind == TYPE_DURATION ||
	       it->kind == TYPE_TIMESTAMP || it->kind == TYPE_VERSION || it->kind == TYPE_IDENT ||
	       it->kind == TYPE_BYTES;
}

bool value_parse(struct str text, const struct types *types, uint32_t type, struct heap *h,
		 struct value *out, struct buf *reason)
{
	struct parse p = { types, h, reason };
	json_error_t error;
	const struct type *wanted = types_get(types, type);
	bool maybe_null = wanted->kind == TYPE_OPTIONAL;
	uint32_t plain = maybe_null ? wanted->element : type;
	*out = value_null();
	struct str bare = str_trim(text);
	bool quoted = bare.len > 0 && (bare.ptr[0] == '"' || bare.ptr[0] == '[');
	if (takes_bare_text(types, type) && !quoted && !(maybe_null && str_eq(bare, STR("null"))))
		return of_text(&p, types_get(types, plain)->kind == TYPE_STRING ? text : bare,
			       plain, out);
	json_t *json =
		json_loadb(text.ptr, text.len,
			   JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (!json) {
		buf_text(reason, "expected ");
		types_print(types, type, reason);
		buf_format(reason, " as JSON: %s", error.text);
		return false;
	}
	bool taken = of_json(&p, json, type, 0, out);
	json_decref(json);
	return taken;
}
