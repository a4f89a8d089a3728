/* lint_hole.c - holes: a text where a name should stand, and what looks like a hole and is none */
#include "compiler/linter.h"
#include <ctype.h>
#include <strings.h>

/* ---- a text where SQL wants a name ---- */

/* The word that a text ends with, blanks behind it; empty where it ends otherwise. */
static struct str last_word(struct str text)
{
	size_t end = text.len, start;

	while (end && isspace((unsigned char)text.ptr[end - 1]))
		end--;
	for (start = end; start && isalpha((unsigned char)text.ptr[start - 1]); start--)
		;
	return end < text.len ? (struct str){ text.ptr + start, end - start } : (struct str){ 0 };
}

/* After these no database should be given a value. */
static bool wants_name(struct str word)
{
	static const char *const words[] = { "TABLE", "INTO", "UPDATE", "JOIN", "VIEW", "INDEX",
					     "COLUMN", "SCHEMA", "DATABASE", "TRUNCATE",
					     "REFERENCES" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (word.len == strlen(words[i]) &&
		    strncasecmp(word.ptr, words[i], word.len) == 0)
			return true;
	return false;
}

/* Nor after these; a FROM alone may be that of substring(x FROM 2). */
static bool wants_name_behind(struct str text)
{
	text = str_trim(text);
	return str_ends(text, STR("IF EXISTS")) || str_ends(text, STR("IF NOT EXISTS")) ||
	       str_ends(text, STR("DELETE FROM")) || str_ends(text, STR("delete from")) ||
	       str_ends(text, STR("* FROM")) || str_ends(text, STR("* from"));
}

static void look_at_sql(struct lint *l, const struct expression *e)
{
	struct str before = { 0 };

	for (const struct part *p = e->parts; p; p = p->next) {
		if (p->hole && p->hole->type == TYPE_STRING &&
		    (wants_name(last_word(before)) || wants_name_behind(before)))
			lint_warn(l, p->hole->span, DIAG_LINT_TEXT_AS_NAME);
		before = p->hole ? (struct str){ 0 } : p->text;
	}
}

/* ---- what is a hole elsewhere ---- */

struct names {
	struct lint *l;
	struct map values;	/* of the file: symbols */
};

static void note_statement(void *context, struct statement *s)
{
	struct names *n = context;

	if ((s->kind == STATEMENT_LET || s->kind == STATEMENT_VAR) && s->symbol)
		map_add(&n->values, s->let.name.text, s->symbol);
	else if (s->kind == STATEMENT_FOR && s->symbol)
		map_add(&n->values, s->loop.name.text, s->symbol);
}

static void note_declaration(struct names *n, const struct declaration *d)
{
	if (d->kind == DECLARATION_FN || d->kind == DECLARATION_OPERATIONS)
		for (struct parameter *p = d->fn.parameters; p; p = p->next)
			if (p->symbol)
				map_add(&n->values, p->name.text, p->symbol);
	if (d->kind == DECLARATION_MIGRATION && d->migration)
		for (struct param_syntax *p = d->migration->params; p; p = p->next)
			if (p->symbol)
				map_add(&n->values, p->name.text, p->symbol);
}

static size_t skip_blanks(struct str text, size_t at)
{
	while (at < text.len && text.ptr[at] == ' ')
		at++;
	return at;
}

static size_t skip_name(struct str text, size_t at)
{
	while (at < text.len && (isalnum((unsigned char)text.ptr[at]) || text.ptr[at] == '_'))
		at++;
	return at;
}

static bool may_begin_hole(char c)
{
	return c == '$' || c == '#' || c == '{';
}

/* Reads `#{name}`, `{{ name }}`, `$name` at a byte; gives the bytes that it takes, or 0. `$name$`
 * is a quote of PostgreSQL. */
static size_t foreign_hole(struct str text, size_t at, struct str *name)
{
	bool is_dollar = text.ptr[at] == '$';
	struct str rest = { text.ptr + at, text.len - at };
	size_t begin, end, closing = is_dollar ? 0 : text.ptr[at] == '{' ? 2 : 1;

	if (!is_dollar && !str_starts(rest, STR("#{")) && !str_starts(rest, STR("{{")))
		return 0;
	begin = is_dollar ? at + 1 : skip_blanks(text, at + 2);
	end = skip_name(text, begin);
	*name = (struct str){ text.ptr + begin, end - begin };
	if (is_dollar)
		return end < text.len && text.ptr[end] == '$' ? 0 : end - at;
	end = skip_blanks(text, end);
	for (size_t i = 0; i < closing; i++, end++)
		if (end >= text.len || text.ptr[end] != '}')
			return 0;
	return end - at;
}

/* The text as it stands in the source: what has escapes is left alone. */
static void look_at_text(const struct names *n, const struct part *p)
{
	struct str text = n->l->unit->sources.all.at[p->span.source].text, name;
	struct symbol *symbol;
	size_t length;

	text.len = p->span.end;
	for (size_t at = p->span.start; at < text.len; at += length ? length : 1) {
		struct span span = { p->span.source, (uint32_t)at, 0 };
		size_t number;

		length = 0;
		if (!may_begin_hole(text.ptr[at]))
			continue;
		length = at && text.ptr[at - 1] == '\\' ? 0 : foreign_hole(text, at, &name);
		symbol = length ? map_get(&n->values, name) : NULL;
		if (!symbol)
			continue;
		/* It was meant to be: lint_unused() has nothing to add. */
		symbol->used = true;
		span.end = (uint32_t)(at + length);
		number = lint_warn(n->l, span, DIAG_LINT_FOREIGN_HOLE,
				   lint_c(n->l, (struct str){ text.ptr + at, length }));
		if (number == LINT_SILENT)
			continue;
		diag_help(&n->l->unit->diags, number, "write `${%.*s}`", STR_ARG(name));
	}
}

static void look_at_template(const struct names *n, const struct expression *e)
{
	if (e->kind == EXPRESSION_SQL)
		look_at_sql(n->l, e);
	if (e->kind != EXPRESSION_SQL && e->kind != EXPRESSION_STRING)
		return;
	for (const struct part *p = e->parts; p; p = p->next)
		if (!p->hole)
			look_at_text(n, p);
}

void lint_holes(struct lint *l)
{
	struct names names = { .l = l };
	struct walk noting = { .statement = note_statement, .context = &names };

	for (struct declaration *d = l->file->tree->first; d; d = d->next) {
		walk_declaration(&noting, d);
		note_declaration(&names, d);
	}
	for (size_t i = 0; i < l->expressions.count; i++)
		look_at_template(&names, l->expressions.at[i]);
	map_clear(&names.values);
}
