/* mend.c - see mend.h */
#include "compiler/mend.h"
#include "vm/base/semver.h"
#include "vm/base/units.h"

static struct str text_of(const struct unit *u, struct span span)
{
	struct str text = u->sources.all.at[span.source].text;

	return (struct str){ text.ptr + span.start, span.end - span.start };
}

static struct span part(struct span span, uint32_t start, uint32_t end)
{
	return (struct span){ span.source, start, end };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* ---- literals ---- */

/* Whether a text is a literal of the type, as it stands. */
static bool reads_as(struct str text, enum type_kind kind)
{
	struct semver version;
	int64_t number;

	switch ((int)kind) {
	case TYPE_INT:
		return str_to_int(text, &number);
	case TYPE_DURATION:
		return duration_parse(text, &number);
	case TYPE_VERSION:
		return semver_parse(text, &version);
	case TYPE_BOOL:
		return str_eq(text, STR("true")) || str_eq(text, STR("false"));
	default:
		return false;
	}
}

void mend_literal(struct checker *c, size_t number, const struct expression *e, uint32_t wanted)
{
	struct diags *diags = &c->unit->diags;
	enum type_kind kind = type_kind_of(c->unit, wanted);
	struct str written = text_of(c->unit, e->span), text;
	int64_t whole;

	if (e->kind == EXPRESSION_INT && kind == TYPE_FLOAT && str_to_int(written, &whole)) {
		diag_fix(diags, number, part(e->span, e->span.end, e->span.end), ".0");
		return;
	}
	if ((e->kind == EXPRESSION_INT || e->kind == EXPRESSION_DURATION ||
	     e->kind == EXPRESSION_FLOAT || e->kind == EXPRESSION_VERSION) &&
	    kind == TYPE_STRING && memchr("0123456789", written.ptr[0], 10)) {
		diag_fix(diags, number, e->span, "\"%.*s\"", STR_ARG(written));
		return;
	}
	if (e->kind != EXPRESSION_STRING)
		return;
	/* In SQL a backslash is the SQL's own: with one in it the text would change its meaning. */
	if (kind == TYPE_SQL && !memchr(written.ptr, '\\', written.len))
		diag_fix(diags, number, part(e->span, e->span.start, e->span.start), "sql");
	else if (kind == TYPE_IDENT && expression_text(e, &text) && text.len &&
		 !memchr(text.ptr, '.', text.len))
		diag_fix(diags, number, e->span, "ident(%.*s)", STR_ARG(written));
	else if (expression_text(e, &text) && reads_as(text, kind))
		diag_fix(diags, number, e->span, "%.*s", STR_ARG(text));
}

/* ---- expressions ---- */

void mend_needless_as(struct checker *c, size_t number, const struct expression *e)
{
	struct str text = c->unit->sources.all.at[e->span.source].text;
	uint32_t at = e->as.type->span.start;

	if (e->as.value->type != e->type)
		return;
	while (at > e->span.start && is_blank(text.ptr[at - 1]))
		at--;
	if (at < e->span.start + 2 || text.ptr[at - 1] != 's' || text.ptr[at - 2] != 'a')
		return;
	at -= 2;
	while (at > e->span.start && is_blank(text.ptr[at - 1]))
		at--;
	diag_fix(&c->unit->diags, number, part(e->span, at, e->span.end), "%s", "");
}

void mend_method(struct checker *c, size_t number, const struct expression *call)
{
	const struct expression *callee = call->call.callee, *base = callee->field.base;
	const struct argument *first = call->call.arguments;
	struct str name = callee->field.name.text;
	struct span between = part(call->span, base->span.end, call->span.end);

	/* `(a + b).upper()`: the value's own place is within the parentheses. */
	if (text_of(c->unit, call->span).ptr[0] == '(')
		return;
	if (first)
		between.end = first->name.text.len ? first->name.span.start
						   : first->value->span.start;
	diag_fix(&c->unit->diags, number, part(call->span, call->span.start, call->span.start),
		 "%.*s(", STR_ARG(name));
	diag_fix(&c->unit->diags, number, between, first ? ", " : ")");
}

void mend_length(struct checker *c, size_t number, const struct expression *field, uint32_t type)
{
	static const char *const names[] = { "length", "len", "size", "count" };
	const struct expression *base = field->field.base;
	struct str written = text_of(c->unit, base->span);

	if (type != TYPE_STRING && type_kind_of(c->unit, type) != TYPE_LIST)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!str_eq(field->field.name.text, str_c(names[i])))
			continue;
		diag_help(&c->unit->diags, number, "its length is `len(…)`");
		if (base->span.start == field->span.start)
			diag_fix(&c->unit->diags, number, field->span, "len(%.*s)",
				 STR_ARG(written));
	}
}

/* `for r in c.rows(…) as {id: int}` */
void mend_list(struct checker *c, size_t number, const struct expression *e)
{
	const struct type_syntax *type = e->kind == EXPRESSION_AS ? e->as.type : NULL;

	if (!type) {
		if (e->type == TYPE_INT)
			diag_help(&c->unit->diags, number, "to count, use `while`");
		return;
	}
	diag_help(&c->unit->diags, number, "several of them are a list: `as [%s]`",
		  type_text(c->unit, e->type));
	diag_fix(&c->unit->diags, number, part(type->span, type->span.start, type->span.start),
		 "[");
	diag_fix(&c->unit->diags, number, part(type->span, type->span.end, type->span.end), "]");
}

/* `row["id"]` */
void mend_index(struct checker *c, size_t number, const struct expression *e)
{
	struct str name;

	if (type_kind_of(c->unit, e->index.base->type) != TYPE_RECORD)
		return;
	if (e->index.index->kind != EXPRESSION_STRING ||
	    !expression_text(e->index.index, &name) || !name.len) {
		diag_help(&c->unit->diags, number, "a record's fields have names: `row.name`");
		return;
	}
	diag_help(&c->unit->diags, number, "a field is named behind a point: `.%.*s`",
		  STR_ARG(name));
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] != '_' && (name.ptr[i] < 'a' || name.ptr[i] > 'z'))
			return;
	diag_fix(&c->unit->diags, number,
		 part(e->span, e->index.base->span.end, e->span.end), ".%.*s", STR_ARG(name));
}

void mend_quoted_hole(struct checker *c, size_t number, struct span hole)
{
	struct str text = c->unit->sources.all.at[hole.source].text;
	const char *t = text.ptr;

	if (hole.start < 2 || hole.end + 1 >= text.len || t[hole.start - 1] != '\'' ||
	    t[hole.end] != '\'' || t[hole.start - 2] == '\'' || t[hole.end + 1] == '\'')
		return;
	diag_fix(&c->unit->diags, number, part(hole, hole.start - 1, hole.start), "%s", "");
	diag_fix(&c->unit->diags, number, part(hole, hole.end, hole.end + 1), "%s", "");
}

void mend_table(struct checker *c, size_t number, const struct expression *e)
{
	if (e->kind != EXPRESSION_NAME ||
	    c->unit->diags.all.at[number].code != DIAG_UNKNOWN_NAME ||
	    c->unit->diags.all.at[number].help.len)
		return;
	diag_help(&c->unit->diags, number, "a table is named by `ident(\"%.*s\")`",
		  STR_ARG(e->name.text));
	diag_fix(&c->unit->diags, number, e->span, "ident(\"%.*s\")", STR_ARG(e->name.text));
}

void mend_never_null(struct checker *c, size_t number, const struct expression *left,
		     const struct expression *right)
{
	struct str between = text_of(c->unit, part(left->span, left->span.end, right->span.start));

	diag_help(&c->unit->diags, number, "remove the `?? …`");
	/* With a parenthesis in between the text to go is not known so well. */
	if (str_eq(str_trim(between), STR("??")))
		diag_fix(&c->unit->diags, number,
			 part(left->span, left->span.end, right->span.end), "%s", "");
}

/* ---- declarations and clauses ---- */

void mend_let(struct checker *c, size_t number, const struct symbol *symbol)
{
	struct str text = c->unit->sources.all.at[symbol->span.source].text;
	uint32_t at = symbol->span.start;

	while (at && is_blank(text.ptr[at - 1]))
		at--;
	if (at < 3 || !str_eq((struct str){ text.ptr + at - 3, 3 }, STR("let")))
		return;
	/* `if let` makes no variable. */
	for (uint32_t i = at - 3; i >= 3 && is_blank(text.ptr[i - 1]); i--)
		if (text.ptr[i - 2] == 'f' && text.ptr[i - 3] == 'i')
			return;
	diag_fix(&c->unit->diags, number, part(symbol->span, at - 3, at), "var");
}

void mend_on(struct checker *c, size_t number, const struct operation_syntax *o)
{
	uint32_t at = o->label->span.end;

	if (!c->migration || c->migration->need_count != 1 ||
	    c->migration->needs[0]->kind != SYMBOL_NEED)
		return;
	diag_help(&c->unit->diags, number, "add `on %.*s`", STR_ARG(c->migration->needs[0]->name));
	diag_fix(&c->unit->diags, number, part(o->head, at, at), " on %.*s",
		 STR_ARG(c->migration->needs[0]->name));
}

void mend_element(struct unit *u, size_t number, struct span element)
{
	struct str text = u->sources.all.at[element.source].text;
	uint32_t at = element.start;

	while (at && is_blank(text.ptr[at - 1]))
		at--;
	if (at && text.ptr[at - 1] == ',')
		diag_fix(&u->diags, number, part(element, at - 1, element.end), "%s", "");
}
