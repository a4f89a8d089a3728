/* check_name.c - declaring values, and finding what a name stands for */
#include "compiler/checker.h"
#include "compiler/mend.h"
#include "grammar/foreign.h"

const char *kept(struct unit *u, struct str text)
{
	return arena_c(&u->arena, text);
}

const char *phrase(struct checker *c, const char *format, ...)
{
	struct buf text = { 0 };
	const char *words;
	va_list args;

	va_start(args, format);
	buf_vformat(&text, format, args);
	va_end(args);
	words = kept(c->unit, buf_view(&text));
	buf_clear(&text);
	return words;
}

void suggest(struct checker *c, size_t number, struct nearest near)
{
	diag_suggest(&c->unit->diags, number, near);
}

static bool is_letter(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

static bool has_word(struct str line, struct str word)
{
	for (size_t i = 0; i + word.len <= line.len; i++) {
		if (memcmp(line.ptr + i, word.ptr, word.len) != 0)
			continue;
		if ((i == 0 || !is_letter(line.ptr[i - 1])) &&
		    (i + word.len == line.len || !is_letter(line.ptr[i + word.len])))
			return true;
	}
	return false;
}

bool is_in_broken_line(struct unit *u, struct name name)
{
	uint32_t line = source_place(&u->sources, name.span.source, name.span.start).line;

	for (size_t i = 0; i < u->diags.all.count; i++) {
		const struct diag *d = &u->diags.all.at[i];
		struct place place;

		if (d->span.source != name.span.source ||
		    (d->code != DIAG_SYNTAX && d->code != DIAG_SINGLE_QUOTED &&
		     d->code != DIAG_UNKNOWN_UNIT && d->code != DIAG_STRAY))
			continue;
		place = source_place(&u->sources, d->span.source, d->span.start);
		if (place.line != line && has_word(place.line_text, name.text))
			return true;
	}
	return false;
}

struct scope *scope_open(struct checker *c)
{
	struct scope *outer = c->scope;

	c->scope = unit_scope(c->unit, outer);
	return outer;
}

bool is_free(struct checker *c, const struct symbol *symbol)
{
	const struct symbol *before = scope_find(c->scope, symbol_name_space(symbol), symbol->name);
	size_t number;

	if (!before || before->kind == SYMBOL_ERROR)
		return true;
	number = wrong(c, symbol->span, DIAG_NAME_TAKEN, kept(c->unit, symbol->name),
		       symbol_words(before));
	diag_note(&c->unit->diags, number, before->span, "declared here");
	return false;
}

struct symbol *declare(struct checker *c, enum symbol_kind kind, struct name name, uint32_t type)
{
	struct symbol *symbol = unit_symbol(c->unit, kind, name);

	symbol->type = type;
	symbol->module = c->module;
	if (name.text.len && is_free(c, symbol))
		scope_add(c->scope, symbol);
	return symbol;
}

static bool is_declared_later(const struct checker *c, struct str name)
{
	const struct statement *s =
		c->migration ? c->migration->declaration->migration->plan : NULL;

	for (; s; s = s->next)
		if (s->kind == STATEMENT_LET && str_eq(s->let.name.text, name))
			return true;
	return false;
}

/* An unknown name is told once: from then on it stands for something wrong. */
static uint32_t unknown(struct checker *c, struct expression *e)
{
	struct str name = e->name.text;
	const struct symbol *other = scope_find(c->scope, NAMES_CALLABLE, name);
	struct symbol *symbol;
	size_t number;

	if (other) {
		number = wrong(c, e->span, DIAG_NOT_A_VALUE, kept(c->unit, name),
			       symbol_words(other));
		diag_help(&c->unit->diags, number, "to call it, write `%.*s(…)`", STR_ARG(name));
		return TYPE_NEVER;
	}
	other = scope_find(c->scope, NAMES_MODULE, name);
	if (other) {
		number = wrong(c, e->span, DIAG_NOT_A_VALUE, kept(c->unit, name),
			       symbol_words(other));

		if (type_is_connection_kind(name))
			diag_help(&c->unit->diags, number,
				  "to have the connection, say `needs %.*s` in the migration",
				  STR_ARG(name));
		return TYPE_NEVER;
	}
	if (is_in_broken_line(c->unit, e->name))
		return TYPE_NEVER;
	number = wrong(c, e->span, DIAG_UNKNOWN_NAME, kept(c->unit, name));
	if (is_declared_later(c, name))
		diag_help(&c->unit->diags, number, "it is declared further down: move it up");
	else if (foreign_value(name))
		diag_suggest(&c->unit->diags, number,
			     (struct nearest){ str_c(foreign_value(name)), true });
	else if (foreign_hint(name))
		diag_help(&c->unit->diags, number, "%s", foreign_hint(name));
	else
		suggest(c, number, scope_nearest(c->scope, NAMES_VALUE, name));
	symbol = unit_symbol(c->unit, SYMBOL_ERROR, e->name);
	scope_add(c->scope, symbol);
	e->symbol = symbol;
	return TYPE_NEVER;
}

static void note_capture(struct checker *c, struct symbol *symbol)
{
	if (!c->captures || !symbol_is_captured(symbol, &c->unit->types))
		return;
	for (size_t i = 0; i < c->captures->all.count; i++)
		if (c->captures->all.at[i] == symbol)
			return;
	vec_push(&c->captures->all, symbol);
}

uint32_t check_name(struct checker *c, struct expression *e)
{
	struct symbol *symbol = scope_find(c->scope, NAMES_VALUE, e->name.text);

	if (!symbol)
		return unknown(c, e);
	e->symbol = symbol;
	if (symbol->kind == SYMBOL_CONST)
		check_const(c->unit, symbol, e->span);
	note_capture(c, symbol);
	return symbol->type;
}

struct symbol *name_connection(struct checker *c, const struct expression *e)
{
	struct symbol *symbol;

	if (!e || e->kind != EXPRESSION_NAME)
		return NULL;
	symbol = scope_find(c->scope, NAMES_VALUE, e->name.text);
	return symbol && type_kind_of(c->unit, symbol->type) == TYPE_CONNECTION ? symbol : NULL;
}

/* MODULE.name, unless a value has the name; a connection has no fields: its module keeps its. */
static bool check_module_field(struct checker *c, struct expression *e, uint32_t *type)
{
	const struct expression *base = e->field.base;
	const struct symbol *module, *value;
	struct symbol *symbol;

	if (base->kind != EXPRESSION_NAME)
		return false;
	value = scope_find(c->scope, NAMES_VALUE, base->name.text);
	module = scope_find(c->scope, NAMES_MODULE, base->name.text);
	if (!module || (value && !name_connection(c, base)))
		return false;
	if (value && !scope_find_here(module->module->scope, NAMES_VALUE, e->field.name.text))
		return false;
	*type = TYPE_NEVER;
	symbol = scope_find_here(module->module->scope, NAMES_VALUE, e->field.name.text);
	if (!symbol || symbol->kind == SYMBOL_ERROR) {
		suggest(c,
			wrong(c, e->field.name.span, DIAG_UNKNOWN_MEMBER,
			      kept(c->unit, module->name), kept(c->unit, e->field.name.text)),
			scope_nearest(module->module->scope, NAMES_VALUE, e->field.name.text));
		return true;
	}
	e->symbol = symbol;
	if (symbol->kind == SYMBOL_CONST)
		check_const(c->unit, symbol, e->span);
	*type = symbol->type;
	return true;
}

uint32_t record_field(const struct types *types, uint32_t type, struct str name)
{
	const struct type *t = types_get(types, type);

	if (t->kind == TYPE_RECORD)
		for (uint32_t i = 0; i < t->field_count; i++)
			if (str_eq(t->fields[i].name, name))
				return i;
	return NO_FIELD;
}

static void unknown_field(struct checker *c, const struct expression *e, const struct type *record,
			  uint32_t type)
{
	struct str *names = arena_array(&c->unit->arena, struct str, record->field_count + 1);
	size_t number = wrong(c, e->field.name.span, DIAG_UNKNOWN_FIELD, type_text(c->unit, type),
			      kept(c->unit, e->field.name.text));

	for (uint32_t i = 0; i < record->field_count; i++)
		names[i] = record->fields[i].name;
	suggest(c, number, diag_nearest(e->field.name.text, names, record->field_count));
}

uint32_t check_field(struct checker *c, struct expression *e)
{
	uint32_t type, field;
	const struct type *record;

	if (check_module_field(c, e, &type))
		return type;
	type = check_expression(c, e->field.base);
	record = types_get(&c->unit->types, type);
	if (type == TYPE_NEVER)
		return TYPE_NEVER;
	if (record->kind == TYPE_CONNECTION) {
		size_t number = wrong(c, e->span, DIAG_METHOD_NOT_CALLED,
				      kept(c->unit, e->field.name.text));

		diag_help(&c->unit->diags, number, "call it: `.%.*s(…)`",
			  STR_ARG(e->field.name.text));
		return TYPE_NEVER;
	}
	if (record->kind != TYPE_RECORD) {
		if (!unfinished(c, e->field.base))
			mend_length(c,
				    wrong(c, e->span, DIAG_NOT_A_RECORD,
					  type_text(c->unit, type),
					  kept(c->unit, e->field.name.text)),
				    e, type);
		return TYPE_NEVER;
	}
	field = record_field(&c->unit->types, type, e->field.name.text);
	if (field != NO_FIELD)
		return record->fields[field].type;
	unknown_field(c, e, record, type);
	return TYPE_NEVER;
}
