/* check_template.c - texts with holes, SQL templates, regular expressions */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "compiler/checker.h"
#include "compiler/mend.h"

static bool is_plain(uint32_t type)
{
	return type == TYPE_BOOL || type == TYPE_INT || type == TYPE_FLOAT || type == TYPE_STRING ||
	       type == TYPE_DURATION || type == TYPE_TIMESTAMP || type == TYPE_VERSION;
}

static void help_text_hole(struct checker *c, size_t number, uint32_t type)
{
	enum type_kind kind = type_kind_of(c->unit, type);

	if (kind == TYPE_RECORD)
		diag_help(&c->unit->diags, number, "name the field that is meant");
	else if (kind == TYPE_LIST &&
		 types_get(&c->unit->types, type)->element == TYPE_STRING)
		diag_help(&c->unit->diags, number, "join its elements: `join(…, \", \")`");
	else if (kind == TYPE_LIST)
		diag_help(&c->unit->diags, number,
			  "make one text of it: `join(map(…, x => \"${x}\"), \", \")`");
	else if (kind == TYPE_SQL)
		diag_help(&c->unit->diags, number, "SQL is sent, not shown: say it in words");
}

void check_string(struct checker *c, struct expression *e)
{
	for (struct part *p = e->parts; p; p = p->next) {
		uint32_t type;

		if (!p->hole)
			continue;
		type = check_value(c, p->hole);
		if (type == TYPE_NEVER || is_plain(type) || type == TYPE_IDENT ||
		    unfinished(c, p->hole))
			continue;
		help_text_hole(c,
			       wrong(c, p->hole->span, DIAG_TEXT_HOLE, type_text(c->unit, type)),
			       type);
	}
}

void check_plain(struct checker *c, const struct expression *e, const char *what)
{
	const struct part *p = e && e->kind == EXPRESSION_STRING ? e->parts : NULL;

	for (; p; p = p->next)
		if (p->hole)
			wrong(c, p->span, DIAG_HOLE_IN_NAME, what);
}

/* ---- SQL ---- */

/* Where in SQL a text has brought us, as far as it matters to holes. */
enum inside { INSIDE_NOTHING, INSIDE_QUOTES, INSIDE_LINE_COMMENT, INSIDE_COMMENT };

struct reading {
	enum inside inside;
	char quote;
	bool unsure; /* dollar quotes, backslashes in quotes: dialects differ, nothing is said any
			more */
};

static size_t read_quoted(struct reading *r, struct str text, size_t i)
{
	if (text.ptr[i] == '\\')
		r->unsure = true;
	if (text.ptr[i] == r->quote)
		r->inside = INSIDE_NOTHING;
	return i + 1;
}

static size_t read_plain(struct reading *r, struct str text, size_t i)
{
	char here = text.ptr[i], next = i + 1 < text.len ? text.ptr[i + 1] : '\0';

	if (here == '\'' || here == '"' || here == '`') {
		r->inside = INSIDE_QUOTES;
		r->quote = here;
	} else if (here == '-' && next == '-') {
		r->inside = INSIDE_LINE_COMMENT;
	} else if (here == '/' && next == '*') {
		r->inside = INSIDE_COMMENT;
		return i + 2;
	} else if (here == '$') {
		r->unsure = true;
	}
	return i + 1;
}

static void read_text(struct reading *r, struct str text)
{
	size_t i = 0;

	while (i < text.len) {
		switch (r->inside) {
		case INSIDE_NOTHING:
			i = read_plain(r, text, i);
			break;
		case INSIDE_QUOTES:
			i = read_quoted(r, text, i);
			break;
		case INSIDE_LINE_COMMENT:
			if (text.ptr[i++] == '\n')
				r->inside = INSIDE_NOTHING;
			break;
		case INSIDE_COMMENT:
			if (text.ptr[i] == '*' && i + 1 < text.len && text.ptr[i + 1] == '/') {
				r->inside = INSIDE_NOTHING;
				i++;
			}
			i++;
			break;
		}
	}
}

static bool is_hole_type(const struct unit *u, uint32_t type)
{
	const struct type *t = types_get(&u->types, type);

	if (is_plain(type) || type == TYPE_BYTES || type == TYPE_IDENT || type == TYPE_SQL)
		return true;
	if (t->kind == TYPE_OPTIONAL)
		return is_plain(t->element) || t->element == TYPE_BYTES;
	if (t->kind == TYPE_LIST)
		return is_plain(t->element) || t->element == TYPE_BYTES || t->element == TYPE_IDENT;
	return false;
}

static void wrong_hole(struct checker *c, const struct expression *hole)
{
	enum type_kind kind = type_kind_of(c->unit, hole->type);
	size_t number;

	if (kind == TYPE_ANY) {
		wrong(c, hole->span, DIAG_ANY_USED);
		return;
	}
	if (kind == TYPE_LIST && types_get(&c->unit->types, hole->type)->element == TYPE_NEVER) {
		wrong(c, hole->span, DIAG_LIST_EMPTY);
		return;
	}
	number = wrong(c, hole->span, DIAG_HOLE_TYPE, type_text(c->unit, hole->type));
	if (kind == TYPE_RECORD)
		diag_help(&c->unit->diags, number, "name the field that is meant");
	else if (kind == TYPE_LIST && types_get(&c->unit->types, hole->type)->element == TYPE_SQL)
		diag_help(&c->unit->diags, number,
			  "join the fragments: `sql_join(…, sql\", \")`");
	else if (kind == TYPE_NULL)
		diag_help(&c->unit->diags, number, "write NULL in the SQL itself");
	else if (kind == TYPE_OPTIONAL)
		diag_help(&c->unit->diags, number,
			  "say what stands there when it is null: `… ?? …`");
}

/* w.after of a window, which is null in the first one. */
static bool is_start_of_window(const struct expression *e)
{
	return e->kind == EXPRESSION_FIELD && str_eq(e->field.name.text, STR("after")) &&
	       e->field.base->kind == EXPRESSION_NAME && e->field.base->symbol &&
	       e->field.base->symbol->kind == SYMBOL_WINDOW;
}

void check_sql(struct checker *c, struct expression *e)
{
	struct reading reading = { 0 };

	for (struct part *p = e->parts; p; p = p->next) {
		uint32_t type;

		if (!p->hole) {
			read_text(&reading, p->text);
			continue;
		}
		type = check_value(c, p->hole);
		if (is_start_of_window(p->hole))
			wrong(c, p->hole->span, DIAG_WINDOW_AFTER,
			      kept(c->unit, p->hole->field.base->name.text));
		else if (type != TYPE_NEVER && !is_hole_type(c->unit, type))
			wrong_hole(c, p->hole);
		else if (reading.inside == INSIDE_QUOTES && !reading.unsure)
			mend_quoted_hole(c, wrong(c, p->span, DIAG_HOLE_QUOTED), p->span);
	}
}

/* ---- regular expressions ---- */

void check_pattern(struct checker *c, const struct expression *e)
{
	struct str text;
	pcre2_code *code;
	PCRE2_UCHAR words[160];
	PCRE2_SIZE at;
	int error;

	if (!expression_text(e, &text))
		return;
	code = pcre2_compile((PCRE2_SPTR)text.ptr, text.len, PCRE2_UTF | PCRE2_UCP, &error, &at,
			     NULL);
	if (code) {
		pcre2_code_free(code);
		return;
	}
	pcre2_get_error_message(error, words, sizeof(words));
	wrong(c, e->span, DIAG_PATTERN, (const char *)words, (unsigned)at + 1);
}
