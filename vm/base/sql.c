/* sql.c - see sql.h */
#include "vm/base/sql.h"
#include <ctype.h>
#include <strings.h>

static bool is_word_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static char peek(struct str s, size_t i)
{
	return i < s.len ? s.ptr[i] : '\0';
}

static void skip(struct str *s, size_t n)
{
	if (n > s->len)
		n = s->len;
	s->ptr += n;
	s->len -= n;
}

static void skip_comment(struct sql_scan *s)
{
	int depth = 0;
	do {
		if (peek(s->rest, 0) == '/' && peek(s->rest, 1) == '*' &&
		    (depth == 0 || s->dialect == SQL_POSTGRES)) {
			depth++;
			skip(&s->rest, 2);
		} else if (peek(s->rest, 0) == '*' && peek(s->rest, 1) == '/') {
			depth--;
			skip(&s->rest, 2);
		} else {
			skip(&s->rest, 1);
		}
	} while (depth > 0 && s->rest.len);
}

/* 'it''s', "a""b", `x`, and with escapes where a backslash is one. */
static void skip_quoted(struct sql_scan *s, char end, bool backslash)
{
	skip(&s->rest, 1);
	while (s->rest.len) {
		char c = s->rest.ptr[0];
		if (backslash && c == '\\') {
			skip(&s->rest, 2);
		} else if (c == end && peek(s->rest, 1) == end && end != ']') {
			skip(&s->rest, 2);
		} else {
			skip(&s->rest, 1);
			if (c == end)
				return;
		}
	}
}

/* $tag$ … $tag$; false if it is a parameter or a lone dollar. */
static bool skip_dollar(struct sql_scan *s)
{
	size_t n = 1;
	if (isdigit((unsigned char)peek(s->rest, 1)))
		return false;
	while (isalnum((unsigned char)peek(s->rest, n)) || peek(s->rest, n) == '_')
		n++;
	if (peek(s->rest, n) != '$')
		return false;
	struct str tag = { s->rest.ptr, n + 1 };
	skip(&s->rest, tag.len);
	ptrdiff_t end = str_find(s->rest, tag);
	skip(&s->rest, end < 0 ? s->rest.len : (size_t)end + tag.len);
	return true;
}

static enum sql_token next_word(struct sql_scan *s)
{
	char first = s->rest.ptr[0];
	size_t n = 0;
	while (n < s->rest.len && is_word_byte(s->rest.ptr[n]))
		n++;
	skip(&s->rest, n);
	/* E'…' has escapes; U&, B, X and N in front of a string change nothing here */
	bool escape = n == 1 && (first == 'e' || first == 'E') && s->dialect == SQL_POSTGRES;
	if (escape && peek(s->rest, 0) == '\'') {
		skip_quoted(s, '\'', true);
		return SQL_TOKEN_OTHER;
	}
	return SQL_TOKEN_WORD;
}

/* The space and the comments in front of it are skipped; *begin is where the token begins. */
static enum sql_token next_token(struct sql_scan *s, const char **begin)
{
	while (s->rest.len) {
		char c = s->rest.ptr[0], d = peek(s->rest, 1);
		*begin = s->rest.ptr;
		if (isspace((unsigned char)c)) {
			skip(&s->rest, 1);
		} else if ((c == '-' && d == '-') || (c == '#' && s->dialect == SQL_CLICKHOUSE)) {
			const char *end = memchr(s->rest.ptr, '\n', s->rest.len);
			skip(&s->rest, end ? (size_t)(end - s->rest.ptr) + 1 : s->rest.len);
		} else if (c == '/' && d == '*') {
			skip_comment(s);
		} else if (c == '\'') {
			skip_quoted(s, c, s->dialect == SQL_CLICKHOUSE);
			return SQL_TOKEN_OTHER;
		} else if (c == '"' || (c == '`' && s->dialect != SQL_POSTGRES)) {
			skip_quoted(s, c, s->dialect == SQL_CLICKHOUSE);
			return SQL_TOKEN_QUOTED;
		} else if (c == '[' && s->dialect == SQL_SQLITE) {
			skip_quoted(s, ']', false);
			return SQL_TOKEN_QUOTED;
		} else if (c == '$' && s->dialect == SQL_POSTGRES && skip_dollar(s)) {
			return SQL_TOKEN_OTHER;
		} else if (is_word_byte(c)) {
			return next_word(s);
		} else {
			skip(&s->rest, 1);
			return c == ';' ? SQL_TOKEN_SEMICOLON : SQL_TOKEN_OTHER;
		}
	}
	return SQL_TOKEN_END;
}

enum sql_token sql_token(struct sql_scan *s, struct str *text)
{
	const char *begin = s->rest.ptr;
	enum sql_token token = next_token(s, &begin);
	if (token == SQL_TOKEN_END)
		begin = s->rest.ptr;
	*text = (struct str){ begin, (size_t)(s->rest.ptr - begin) };
	return token;
}
static bool same_word(struct str word, const char *other)
{
	return word.len == strlen(other) && strncasecmp(word.ptr, other, word.len) == 0;
}

bool sql_is(const struct sql_statement *s, size_t i, const char *word)
{
	return i < s->word_count && same_word(s->words[i], word);
}

bool sql_has(const struct sql_statement *s, const char *word)
{
	for (size_t i = 0; i < s->word_count; i++)
		if (sql_is(s, i, word))
			return true;
	return false;
}

bool sql_begins(const struct sql_statement *s, const char *words)
{
	for (size_t i = 0;; i++) {
		size_t n = strcspn(words, " ");
		if (i >= s->word_count || s->words[i].len != n ||
		    strncasecmp(s->words[i].ptr, words, n) != 0)
			return false;
		if (!words[n])
			return true;
		words += n + 1;
	}
}

/* A body in which ';' does not end the statement begins with this word. */
static bool opens_body(enum sql_dialect dialect, const struct sql_statement *s, struct str word)
{
	if (!sql_is(s, 0, "create"))
		return false;
	if (dialect == SQL_SQLITE)
		return same_word(word, "begin") &&
		       (sql_is(s, 1, "trigger") || sql_is(s, 2, "trigger"));
	return dialect == SQL_POSTGRES && same_word(word, "atomic") && s->word_count > 0 &&
	       same_word(s->words[s->word_count - 1], "begin");
}

bool sql_next(struct sql_scan *s, struct sql_statement *out)
{
	struct str word;
	int depth = 0;
	*out = (struct sql_statement){0};
	for (;;) {
		enum sql_token token = sql_token(s, &word);
		if (token == SQL_TOKEN_SEMICOLON && !out->text.ptr)
			continue;
		if (token == SQL_TOKEN_END || (token == SQL_TOKEN_SEMICOLON && depth == 0))
			return out->text.ptr != NULL;
		if (!out->text.ptr)
			out->text.ptr = word.ptr;
		out->text.len = (size_t)(s->rest.ptr - out->text.ptr);
		if (token == SQL_TOKEN_WORD) {
			if (depth > 0 && same_word(word, "end"))
				depth--;
			else if (opens_body(s->dialect, out, word) ||
				 (depth > 0 && same_word(word, "case")))
				depth++;
		}
		if ((token == SQL_TOKEN_WORD || token == SQL_TOKEN_QUOTED) &&
		    out->word_count < SQL_WORDS_MAX)
			out->words[out->word_count++] = token == SQL_TOKEN_WORD ? word : STR("");
	}
}

bool sql_is_transactional(struct str sql)
{
	static const char *const outside[] = {
#define OUTSIDE(words) words,
#include "vm/base/sql_outside.def"
#undef OUTSIDE
	};
	static const char *const concurrent[] = { "create", "drop", "reindex", "alter" };
	struct sql_scan scan = { SQL_POSTGRES, sql };
	struct sql_statement s;
	while (sql_next(&scan, &s)) {
		for (size_t i = 0; i < ARRAY_SIZE(outside); i++)
			if (sql_begins(&s, outside[i]))
				return false;
		for (size_t i = 0; i < ARRAY_SIZE(concurrent); i++)
			if (sql_is(&s, 0, concurrent[i]) && sql_has(&s, "concurrently"))
				return false;
		if (sql_is(&s, 0, "cluster") && s.word_count == 1)
			return false;
		if (sql_begins(&s, "alter database") && sql_has(&s, "tablespace"))
			return false;
	}
	return true;
}
