/* scan.c - where the statements of an SQL text begin and with which words */
#include "vm/connection/scan.h"
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

static void skip_comment(struct scan *s)
{
	int depth = 0;
	do {
		if (peek(s->rest, 0) == '/' && peek(s->rest, 1) == '*' &&
		    (depth == 0 || s->dialect == SCAN_POSTGRES)) {
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
static void skip_quoted(struct scan *s, char end, bool backslash)
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
static bool skip_dollar(struct scan *s)
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

enum token { TOKEN_END, TOKEN_WORD, TOKEN_QUOTED, TOKEN_SEMICOLON, TOKEN_OTHER };

static enum token next_word(struct scan *s, struct str *text)
{
	size_t n = 0;
	while (n < s->rest.len && is_word_byte(s->rest.ptr[n]))
		n++;
	*text = (struct str){ s->rest.ptr, n };
	skip(&s->rest, n);
	/* E'…' has escapes; U&, B, X and N in front of a string change nothing here */
	bool escape =
		n == 1 && (*text->ptr == 'e' || *text->ptr == 'E') && s->dialect == SCAN_POSTGRES;
	if (escape && peek(s->rest, 0) == '\'') {
		skip_quoted(s, '\'', true);
		return TOKEN_OTHER;
	}
	return TOKEN_WORD;
}

/* The space and the comments in front of it are skipped; *begin is where the token begins. */
static enum token next_token(struct scan *s, struct str *text, const char **begin)
{
	while (s->rest.len) {
		char c = s->rest.ptr[0], d = peek(s->rest, 1);
		*begin = s->rest.ptr;
		if (isspace((unsigned char)c)) {
			skip(&s->rest, 1);
		} else if ((c == '-' && d == '-') || (c == '#' && s->dialect == SCAN_CLICKHOUSE)) {
			const char *end = memchr(s->rest.ptr, '\n', s->rest.len);
			skip(&s->rest, end ? (size_t)(end - s->rest.ptr) + 1 : s->rest.len);
		} else if (c == '/' && d == '*') {
			skip_comment(s);
		} else if (c == '\'') {
			skip_quoted(s, c, s->dialect == SCAN_CLICKHOUSE);
			return TOKEN_OTHER;
		} else if (c == '"' || (c == '`' && s->dialect != SCAN_POSTGRES)) {
			skip_quoted(s, c, s->dialect == SCAN_CLICKHOUSE);
			return TOKEN_QUOTED;
		} else if (c == '[' && s->dialect == SCAN_SQLITE) {
			skip_quoted(s, ']', false);
			return TOKEN_QUOTED;
		} else if (c == '$' && s->dialect == SCAN_POSTGRES && skip_dollar(s)) {
			return TOKEN_OTHER;
		} else if (is_word_byte(c)) {
			return next_word(s, text);
		} else {
			skip(&s->rest, 1);
			return c == ';' ? TOKEN_SEMICOLON : TOKEN_OTHER;
		}
	}
	return TOKEN_END;
}

static bool same_word(struct str word, const char *other)
{
	return word.len == strlen(other) && strncasecmp(word.ptr, other, word.len) == 0;
}

bool scan_is(const struct scan_statement *s, size_t i, const char *word)
{
	return i < s->word_count && same_word(s->words[i], word);
}

bool scan_has(const struct scan_statement *s, const char *word)
{
	for (size_t i = 0; i < s->word_count; i++)
		if (scan_is(s, i, word))
			return true;
	return false;
}

bool scan_begins(const struct scan_statement *s, const char *words)
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
static bool opens_body(enum scan_dialect dialect, const struct scan_statement *s, struct str word)
{
	if (!scan_is(s, 0, "create"))
		return false;
	if (dialect == SCAN_SQLITE)
		return same_word(word, "begin") &&
		       (scan_is(s, 1, "trigger") || scan_is(s, 2, "trigger"));
	return dialect == SCAN_POSTGRES && same_word(word, "atomic") && s->word_count > 0 &&
	       same_word(s->words[s->word_count - 1], "begin");
}

bool scan_next(struct scan *s, struct scan_statement *out)
{
	struct str word = { "", 0 };
	int depth = 0;
	*out = (struct scan_statement){0};
	for (;;) {
		const char *begin = s->rest.ptr;
		enum token token = next_token(s, &word, &begin);
		if (token == TOKEN_SEMICOLON && !out->text.ptr)
			continue;
		if (token == TOKEN_END || (token == TOKEN_SEMICOLON && depth == 0))
			return out->text.ptr != NULL;
		if (!out->text.ptr)
			out->text.ptr = begin;
		out->text.len = (size_t)(s->rest.ptr - out->text.ptr);
		if (token == TOKEN_WORD) {
			if (depth > 0 && same_word(word, "end"))
				depth--;
			else if (opens_body(s->dialect, out, word) ||
				 (depth > 0 && same_word(word, "case")))
				depth++;
		}
		if ((token == TOKEN_WORD || token == TOKEN_QUOTED) &&
		    out->word_count < SCAN_WORDS_MAX)
			out->words[out->word_count++] = token == TOKEN_WORD ? word : STR("");
	}
}
