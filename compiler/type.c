/* type.c - see type.h */
#include "compiler/type.h"
#include "grammar/foreign.h"
#include "compiler/checker.h"

enum { RESOLVING = 1, RESOLVED };

const char *const type_connection_kinds[] = { "clickhouse", "postgres", "sqlite", "chdb", NULL };

bool type_is_connection_kind(struct str name)
{
	for (size_t i = 0; type_connection_kinds[i]; i++)
		if (str_eq(name, str_c(type_connection_kinds[i])))
			return true;
	return false;
}

const char *type_text(struct unit *u, uint32_t type)
{
	struct buf text = { 0 }, told = { 0 };
	const char *kept;
	struct str rest;
	ptrdiff_t at;

	types_print(&u->types, type, &text);
	/* The type of what an empty list holds has no name that an author knows. */
	for (rest = buf_view(&text); (at = str_find(rest, STR("[never]"))) >= 0;) {
		size_t past = (size_t)at + sizeof("[never]") - 1;

		buf_add(&told, rest.ptr, (size_t)at);
		buf_text(&told, "[]");
		rest = (struct str){ rest.ptr + past, rest.len - past };
	}
	buf_str(&told, rest);
	kept = arena_c(&u->arena, buf_view(&told));
	buf_clear(&text);
	buf_clear(&told);
	return kept;
}

enum type_kind type_kind_of(const struct unit *u, uint32_t type)
{
	return types_get(&u->types, type)->kind;
}

static uint32_t weigh(const struct types *types, uint32_t type)
{
	const struct type *t = types_get(types, type);
	uint32_t weight = 1;

	if (t->kind == TYPE_LIST || t->kind == TYPE_OPTIONAL)
		return weight + weigh(types, t->element);
	if (t->kind == TYPE_RECORD)
		for (uint32_t i = 0; i < t->field_count; i++)
			weight += weigh(types, t->fields[i].type);
	return weight;
}

uint32_t type_list(struct unit *u, struct span span, uint32_t element)
{
	if (weigh(&u->types, element) < TYPE_WEIGHT_MAX)
		return types_list(&u->types, element);
	diag_add(&u->diags, span, DIAG_TYPE_LARGE, TYPE_WEIGHT_MAX);
	return TYPE_NEVER;
}

uint32_t type_record(struct unit *u, struct span span, const struct type_field *fields,
		     uint32_t count)
{
	uint32_t weight = 1;

	for (uint32_t i = 0; i < count && weight <= TYPE_WEIGHT_MAX; i++)
		weight += weigh(&u->types, fields[i].type);
	if (weight <= TYPE_WEIGHT_MAX)
		return types_record(&u->types, fields, count);
	diag_add(&u->diags, span, DIAG_TYPE_LARGE, TYPE_WEIGHT_MAX);
	return TYPE_NEVER;
}

bool type_has(const struct types *types, uint32_t type, enum type_kind kind)
{
	const struct type *t = types_get(types, type);

	if (t->kind == kind)
		return true;
	if (t->kind == TYPE_LIST || t->kind == TYPE_OPTIONAL)
		return type_has(types, t->element, kind);
	if (t->kind == TYPE_RECORD)
		for (uint32_t i = 0; i < t->field_count; i++)
			if (type_has(types, t->fields[i].type, kind))
				return true;
	return false;
}

bool type_is_answer(const struct types *types, uint32_t type)
{
	static const enum type_kind never_answered[] = { TYPE_NOTHING,	TYPE_NULL,
							 TYPE_DURATION, TYPE_VERSION,
							 TYPE_IDENT,	TYPE_SQL,
							 TYPE_ANY,	TYPE_CONNECTION };

	for (size_t i = 0; i < ARRAY_SIZE(never_answered); i++)
		if (type_has(types, type, never_answered[i]))
			return false;
	return true;
}

/* A declared type is resolved when it is first met, in the scope of its own file. */
static uint32_t resolve_declared(struct unit *u, struct symbol *symbol, struct span span)
{
	if (symbol->state == RESOLVING) {
		diag_add(&u->diags, span, DIAG_TYPE_RECURSIVE, kept(u, symbol->name));
		symbol->type = TYPE_NEVER;
		symbol->state = RESOLVED;
	} else if (symbol->declaration && symbol->state == 0) {
		uint32_t type;

		symbol->state = RESOLVING;
		type = type_resolve(u, symbol->module->scope, symbol->declaration->type);
		if (symbol->state == RESOLVING)
			symbol->type = type;
		symbol->state = RESOLVED;
	}
	return symbol->type;
}

static uint32_t resolve_named(struct unit *u, struct scope *scope, struct name name)
{
	struct symbol *symbol = scope_find(scope, NAMES_TYPE, name.text);
	size_t number;

	if (symbol)
		return resolve_declared(u, symbol, name.span);
	symbol = scope_find(scope, NAMES_VALUE, name.text);
	if (symbol && symbol->kind == SYMBOL_ERROR)
		return TYPE_NEVER;
	if (is_in_broken_line(u, name))
		return TYPE_NEVER;
	number = diag_add(&u->diags, name.span, DIAG_UNKNOWN_TYPE, kept(u, name.text));
	if (foreign_type(name.text))
		diag_suggest(&u->diags, number,
			     (struct nearest){ str_c(foreign_type(name.text)), true });
	else
		diag_suggest(&u->diags, number, scope_nearest(scope, NAMES_TYPE, name.text));
	return TYPE_NEVER;
}

static uint32_t resolve_record(struct unit *u, struct scope *scope,
			       const struct type_syntax *syntax)
{
	VEC(struct type_field) fields = { 0 };
	struct map seen = { 0 };
	bool good = true;
	uint32_t type = TYPE_NEVER;

	for (const struct field_syntax *f = syntax->fields; f; f = f->next) {
		struct type_field field = { f->name.text, type_resolve(u, scope, f->type) };

		if (map_add(&seen, f->name.text, &seen)) {
			diag_add(&u->diags, f->name.span, DIAG_FIELD_TWICE, kept(u, f->name.text));
			good = false;
		}
		if (type_has(&u->types, field.type, TYPE_CONNECTION)) {
			diag_add(&u->diags, f->type->span, DIAG_CONNECTION_KEPT);
			good = false;
		}
		if (field.type == TYPE_NEVER)
			good = false;
		vec_push(&fields, field);
	}
	if (good)
		type = type_record(u, syntax->span, fields.at, (uint32_t)fields.count);
	vec_clear(&fields);
	map_clear(&seen);
	return type;
}

uint32_t type_resolve(struct unit *u, struct scope *scope, const struct type_syntax *syntax)
{
	uint32_t element;

	switch (syntax->kind) {
	case SYNTAX_NAMED:
		return syntax->name.text.len ? resolve_named(u, scope, syntax->name) : TYPE_NEVER;
	case SYNTAX_RECORD:
		return resolve_record(u, scope, syntax);
	case SYNTAX_LIST:
	case SYNTAX_OPTIONAL:
		break;
	}
	element = type_resolve(u, scope, syntax->element);
	if (element == TYPE_NEVER)
		return TYPE_NEVER;
	if (types_get(&u->types, element)->kind == TYPE_CONNECTION) {
		diag_add(&u->diags, syntax->span, DIAG_CONNECTION_KEPT);
		return TYPE_NEVER;
	}
	if (syntax->kind == SYNTAX_LIST)
		return type_list(u, syntax->span, element);
	if (types_get(&u->types, element)->kind == TYPE_OPTIONAL || element == TYPE_ANY) {
		diag_fix(&u->diags,
			 diag_add(&u->diags, syntax->span, DIAG_OPTIONAL_TWICE,
				  type_text(u, element)),
			 (struct span){ syntax->span.source, syntax->span.end - 1,
					syntax->span.end }, "%s", "");
		return element;
	}
	return types_optional(&u->types, element);
}

static struct str cut(struct str *rest, char until)
{
	const char *found = memchr(rest->ptr, until, rest->len);
	size_t len = found ? (size_t)(found - rest->ptr) : rest->len;
	struct str part = { rest->ptr, len };

	*rest = (struct str){ rest->ptr + len, rest->len - len };
	if (rest->len)
		*rest = (struct str){ rest->ptr + 1, rest->len - 1 };
	return str_trim(part);
}

void signature_read(const char *text, struct signature *out)
{
	struct str rest = str_c(text), parameters;

	*out = (struct signature){ 0 };
	cut(&rest, '(');
	parameters = cut(&rest, ')');
	cut(&rest, '>');
	out->result = str_trim(rest);
	while (parameters.len) {
		struct str one = cut(&parameters, ',');

		if (out->count == SIGNATURE_MAX)
			BUG("a built-in with more than %d parameters: %s", SIGNATURE_MAX, text);
		out->names[out->count] = cut(&one, ':');
		out->patterns[out->count++] = str_trim(one);
	}
}

static struct str inner(struct str pattern)
{
	return str_trim((struct str){ pattern.ptr + 1, pattern.len - 2 });
}

uint32_t pattern_type(struct types *types, struct str pattern, uint32_t bound)
{
	uint32_t scalar;

	if (str_eq(pattern, STR("T")))
		return bound == NO_TYPE ? TYPE_NEVER : bound;
	if (str_starts(pattern, STR("[")))
		return types_list(types, pattern_type(types, inner(pattern), bound));
	if (str_ends(pattern, STR("?")))
		return types_optional(
			types,
			pattern_type(types, (struct str){ pattern.ptr, pattern.len - 1 }, bound));
	if (!types_scalar(pattern, &scalar))
		BUG("a built-in's signature names the type %.*s", STR_ARG(pattern));
	return scalar;
}

bool pattern_takes(struct types *types, struct str pattern, uint32_t type, uint32_t *bound)
{
	const struct type *t = types_get(types, type);

	if (type == TYPE_NEVER)
		return true;
	if (str_eq(pattern, STR("T"))) {
		if (*bound == NO_TYPE)
			*bound = type;
		return types_assignable(types, type, *bound);
	}
	if (str_starts(pattern, STR("[")))
		return t->kind == TYPE_LIST &&
		       pattern_takes(types, inner(pattern), t->element, bound);
	return types_assignable(types, type, pattern_type(types, pattern, *bound));
}
