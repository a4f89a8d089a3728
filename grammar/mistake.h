/*
 * mistake.h - a sentence that is none, and what may be said and mended of it
 *
 * Inside grammar/ only, for syntax_help.c and syntax_habit.c. A function of theirs that returns
 * true has said what to write; false: the mistake is none of its own.
 */
#ifndef GRAMMAR_MISTAKE_H
#define GRAMMAR_MISTAKE_H

#include "grammar/tree.h"
#include "grammar/amig.tab.h"
#include <ctype.h>

struct mistake {
	struct parser *p;
	const struct expectation *e;
	const struct token *t, *before, *first; /* found, the one before it, of the statement */
	struct str text;			/* of t */
	size_t number;				/* of the diagnostic */
};

static inline bool expects(const struct mistake *m, const char *word)
{
	return expectation_has(m->e, str_c(word));
}

static inline bool expects_only(const struct mistake *m, const char *word)
{
	return m->e->count == 1 && expects(m, word);
}

static inline bool expects_named(const struct mistake *m, const char *name)
{
	for (size_t i = 0; i < m->e->count; i++)
		if (strcmp(m->e->names[i], name) == 0)
			return true;
	return false;
}

static inline bool expects_expression(const struct mistake *m)
{
	return expects_named(m, "a number") && expects_named(m, "a name");
}

static inline bool expects_version(const struct mistake *m)
{
	return expects_named(m, "a version") && !expects_named(m, "a name");
}

static inline bool expects_string(const struct mistake *m)
{
	return m->e->count == 1 && strcmp(m->e->names[0], "a string") == 0;
}

PRINTF_LIKE(2, 3)
static inline bool help(const struct mistake *m, const char *format, ...)
{
	struct buf text = { 0 };
	va_list args;

	va_start(args, format);
	buf_vformat(&text, format, args);
	va_end(args);
	diag_help(m->p->diags, m->number, "%s", text.ptr);
	buf_clear(&text);
	return true;
}

static inline bool replace(const struct mistake *m, struct span span, const char *ours)
{
	diag_fix(m->p->diags, m->number, span, "%s", ours);
	return true;
}

/* Behind the token before, without a blank of its own. */
static inline struct span behind(const struct token *t)
{
	return (struct span){ t->span.source, t->span.end, t->span.end };
}

/* From the end of the token before to that of the one found. */
static inline struct span with_blanks(const struct mistake *m)
{
	return (struct span){ m->t->span.source, m->before->span.end, m->t->span.end };
}

static inline bool is_word(struct str text)
{
	return text.len && (isalpha((unsigned char)text.ptr[0]) || text.ptr[0] == '_');
}

static inline char next_byte(const struct mistake *m)
{
	struct str text = m->p->scan.text;
	uint32_t at = m->t->span.end;

	while (at < text.len && (text.ptr[at] == ' ' || text.ptr[at] == '\t'))
		at++;
	return at < text.len ? text.ptr[at] : '\n';
}

/* What is written here as elsewhere, by habit. */
bool habit_help(const struct mistake *m);

#endif
