/* clickhouse_guard.c - where a statement's condition goes, by its tokens */
#include "vm/connection/clickhouse_guard.h"
#include "vm/base/sql.h"
#include "vm/connection/clickhouse_text.h"
#include <ctype.h>
#include <strings.h>

/* A token outside of all brackets; what is inside of a pair of them is one. */
enum kind { END, WORD, QUOTED, TEXT, GROUP, SIGN, SEMICOLON, BROKEN };

struct token {
	enum kind kind;
	struct str text;
	size_t begin, end; /* in the statement */
};

struct walk {
	struct str sql;
	struct sql_scan scan;
	struct token before, now, next;
};

/* Whether a quoted text ends with the quote that it begins with, and not
 * before. */
static bool is_closed(struct str text)
{
	for (size_t i = 1; i < text.len; i++) {
		if (text.ptr[i] == '\\')
			i++;
		else if (text.ptr[i] != text.ptr[0])
			continue;
		else if (i + 1 < text.len && text.ptr[i + 1] == text.ptr[0])
			i++;
		else
			return i + 1 == text.len;
	}
	return false;
}

static enum kind kind_of(enum sql_token token, struct str text)
{
	switch (token) {
	case SQL_TOKEN_END:
		return END;
	case SQL_TOKEN_WORD:
		/* $$…$$ is a string of newer servers */
		return memchr(text.ptr, '$', text.len) ? BROKEN : WORD;
	case SQL_TOKEN_QUOTED:
		return is_closed(text) ? QUOTED : BROKEN;
	case SQL_TOKEN_SEMICOLON:
		return SEMICOLON;
	case SQL_TOKEN_OTHER:
		break;
	}
	if (text.ptr[0] == '\'')
		return is_closed(text) ? TEXT : BROKEN;
	return SIGN;
}

static char closing(const struct token *t)
{
	const char *at = t->kind == SIGN ? strchr("([{", t->text.ptr[0]) : NULL;

	return at ? ")]}"[at - "([{"] : '\0';
}

static struct token raw(struct walk *w)
{
	struct token t;
	enum sql_token token = sql_token(&w->scan, &t.text);

	t.kind = kind_of(token, t.text);
	t.begin = (size_t)(t.text.ptr - w->sql.ptr);
	t.end = t.begin + t.text.len;
	return t;
}

#define GUARD_DEPTH_MAX 200

/* A bracket and all up to its partner become one token. */
static struct token take(struct walk *w)
{
	char partners[GUARD_DEPTH_MAX];
	size_t depth = 0;
	struct token first = raw(w), t = first;

	do {
		if (closing(&t) && depth < GUARD_DEPTH_MAX)
			partners[depth++] = closing(&t);
		else if (t.kind == SIGN && strchr(")]}", t.text.ptr[0]) &&
			 (depth == 0 || partners[--depth] != t.text.ptr[0]))
			t.kind = BROKEN;
		else if (closing(&t) || (depth > 0 && t.kind == END))
			t.kind = BROKEN;
		if (t.kind == BROKEN)
			return t;
		if (depth > 0)
			t = raw(w);
	} while (depth > 0);
	if (t.begin != first.begin)
		first.kind = GROUP;
	first.end = t.end;
	return first;
}

static void step(struct walk *w)
{
	w->before = w->now;
	w->now = w->next;
	w->next = take(w);
}

static bool is_word(const struct token *t, const char *word)
{
	return t->kind == WORD && t->text.len == strlen(word) &&
	       strncasecmp(t->text.ptr, word, t->text.len) == 0;
}

static bool is_one_of(const struct token *t, const char *const *words)
{
	for (; *words; words++)
		if (is_word(t, *words))
			return true;
	return false;
}

static bool is_sign(const struct token *t, char sign)
{
	return t->kind == SIGN && t->text.ptr[0] == sign;
}

static bool expect(struct walk *w, const char *word)
{
	bool there = is_word(&w->now, word);

	if (there)
		step(w);
	return there;
}

static bool is_name(const struct token *t)
{
	return t->kind == QUOTED || (t->kind == WORD && !isdigit((unsigned char)t->text.ptr[0]));
}

/* [database.]table */
static bool take_name(struct walk *w, struct guard_place *out)
{
	if (!is_name(&w->now))
		return false;
	out->table = w->now.text;
	step(w);
	if (!is_sign(&w->now, '.'))
		return true;
	step(w);
	out->database = out->table;
	out->table = w->now.text;
	if (!is_name(&w->now))
		return false;
	step(w);
	return true;
}

/* Whether an expression can have ended in front of the token that is now: a
 * clause can begin. */
static bool ended(const struct walk *w)
{
	static const char *const awaiting[] = { "and",	"or",	  "not",   "where", "prewhere",
						"from", "by",	  "on",	   "using", "as",
						"in",	"like",	  "is",	   "join",  "between",
						"then", "else",	  "when",  "case",  "div",
						"mod",	"global", "array", NULL };

	if (w->before.kind == SIGN)
		return false;
	return !is_one_of(&w->before, awaiting);
}

/* What begins a clause behind WHERE, in the one form in which it can be nothing
 * else. *bad: the word, in another form. */
static bool begins_clause(const struct walk *w, bool *bad)
{
	const struct token *next = &w->next;

	*bad = false;
	if (is_word(&w->now, "group") || is_word(&w->now, "order"))
		*bad = !is_word(next, "by");
	else if (is_word(&w->now, "limit"))
		*bad = next->kind != WORD || !isdigit((unsigned char)next->text.ptr[0]);
	else if (is_word(&w->now, "having"))
		*bad = next->kind == SIGN || next->kind == END || next->kind == SEMICOLON;
	else if (is_word(&w->now, "settings"))
		*bad = next->kind != WORD;
	else
		return false;
	*bad = *bad || !ended(w);
	return true;
}

static bool is_end(const struct walk *w)
{
	return w->now.kind == END || (w->now.kind == SEMICOLON && w->next.kind == END);
}

/* The words that make a SELECT, or an ALTER, something that is not understood
 * here. */
static const char *const strange[] = { "select",      "union",	"except",  "intersect",
				       "with",	      "format", "into",	   "window",
				       "qualify",     "offset", "fetch",   "insert",
				       "interpolate", "values", "cluster", NULL };
/* The same behind the clauses that end WHERE. */
static const char *const stranger[] = { "select", "union", "except", "intersect", "from",
					"format", "into",  "where",  "prewhere",  NULL };

/* WHERE or PREWHERE: once each, in this order. */
static bool take_where(struct walk *w, bool *prewhere, struct guard_place *out)
{
	bool pre = is_word(&w->now, "prewhere");

	if (out->has_where || (pre && *prewhere) || !ended(w))
		return false;
	*prewhere = *prewhere || pre;
	out->has_where = !pre;
	out->open = w->now.end;
	return true;
}

static bool is_from(const struct walk *w)
{
	return is_word(&w->now, "from") && !is_sign(&w->before, '.') && !is_sign(&w->before, ',');
}

/* From SELECT's list to the end: notes where WHERE's expression is. */
static bool take_select(struct walk *w, struct guard_place *out)
{
	bool prewhere = false, closed = false, bad = false;

	for (; !is_end(w) && !is_word(&w->now, "from"); step(w))
		if (w->now.kind == BROKEN || w->now.kind == SEMICOLON ||
		    is_one_of(&w->now, strange) || is_one_of(&w->now, stranger) ||
		    begins_clause(w, &bad))
			return false;
	if (!is_from(w))
		return false;
	for (step(w); !is_end(w); step(w)) {
		if (w->now.kind == BROKEN || w->now.kind == SEMICOLON ||
		    is_one_of(&w->now, closed ? stranger : strange))
			return false;
		if (begins_clause(w, &bad)) {
			if (bad)
				return false;
			if (!closed)
				out->close = w->before.end;
			closed = true;
		} else if (is_word(&w->now, "where") || is_word(&w->now, "prewhere")) {
			if (!take_where(w, &prewhere, out))
				return false;
		} else if (is_word(&w->now, "from")) {
			return false;
		}
	}
	if (!closed)
		out->close = w->before.end;
	return ended(w);
}

static bool take_insert(struct walk *w, struct guard_place *out)
{
	static const char *const no_name[] = { "table", "function", NULL };

	if (!expect(w, "insert") || !expect(w, "into") || is_one_of(&w->now, no_name) ||
	    !take_name(w, out))
		return false;
	if (w->now.kind == GROUP && is_word(&w->next, "select"))
		step(w);
	return expect(w, "select") && take_select(w, out);
}

static bool take_alter(struct walk *w, struct guard_place *out)
{
	bool update;

	if (!expect(w, "alter") || !expect(w, "table") || !take_name(w, out))
		return false;
	update = is_word(&w->now, "update");
	if (!update && !is_word(&w->now, "delete"))
		return false;
	out->mutation = true;
	for (step(w); !is_end(w); step(w)) {
		if (w->now.kind == BROKEN || w->now.kind == SEMICOLON ||
		    is_one_of(&w->now, strange) || is_word(&w->now, "partition") ||
		    is_word(&w->now, "settings"))
			return false;
		if (is_word(&w->now, "where")) {
			if (out->has_where || (update && !ended(w)))
				return false;
			out->has_where = true;
			out->open = w->now.end;
		} else if (is_sign(&w->now, ',') && (out->has_where || !update)) {
			return false;
		}
	}
	out->close = w->before.end;
	return out->has_where && ended(w) && out->close > out->open;
}

bool clickhouse_guard_place(struct str sql, struct guard_place *out)
{
	struct walk w = { .sql = sql, .scan = { SQL_CLICKHOUSE, sql } };
	bool good;

	*out = (struct guard_place){ 0 };
	step(&w);
	step(&w);
	w.before = (struct token){ 0 };
	good = is_word(&w.now, "insert") ? take_insert(&w, out) : take_alter(&w, out);
	return good;
}

static void print_condition(const struct guard_place *place, const struct target_fence *fence,
			    const char *query_id, struct buf *out)
{
	buf_format(out, "((SELECT throwIf(max(epoch) > %lld", (long long)fence->epoch);
	if (place->mutation) {
		buf_text(out,
			 " AND (SELECT count() FROM system.mutations WHERE position(command, ");
		clickhouse_text_literal(out, CELL_STRING, str_c(query_id));
		buf_text(out, ") > 0) = 0");
	}
	buf_text(out, ") FROM " CLICKHOUSE_FENCE " WHERE run = ");
	clickhouse_text_literal(out, CELL_STRING, str_c(fence->run));
	buf_text(out, ") = 0)");
}

void clickhouse_guard_print(struct str sql, const struct guard_place *place,
			    const struct target_fence *fence, const char *query_id, struct buf *out)
{
	size_t open = place->has_where ? place->open : place->close;

	buf_str(out, (struct str){ sql.ptr, open });
	buf_text(out, place->has_where ? " " : " WHERE ");
	print_condition(place, fence, query_id, out);
	if (place->has_where) {
		buf_text(out, " AND (");
		buf_str(out, (struct str){ sql.ptr + open, place->close - open });
		buf_text(out, ")");
	}
	buf_str(out, (struct str){ sql.ptr + place->close, sql.len - place->close });
}
