/* scan_typeset.c - what word processors and web pages make of a source, and other signs that mean
 * nothing here */
#include "grammar/scan.h"
#include "grammar/amig.tab.h"
#include "grammar/foreign.h"
#include <ctype.h>
#include <stdio.h>

static struct span here(const struct scan *s)
{
	return scan_span(s, s->start, s->end);
}

static struct str matched(const struct scan *s)
{
	return scan_text(s, here(s));
}

/* The bytes of the character that begins here, or that ends here. */
static uint32_t length_of(const char *at, int step)
{
	uint32_t length = 1;

	for (at += step; ((unsigned char)at[step > 0 ? 0 : 1] & 0xc0) == 0x80; at += step)
		length++;
	return length;
}

int scan_typographic(struct scan *s)
{
	const char *text = s->text.ptr;
	uint32_t first = length_of(text + s->start, 1), last = length_of(text + s->end - 1, -1);
	size_t number = diag_add(s->diags, here(s), DIAG_SINGLE_QUOTED);

	diag_help(s->diags, number, "these are typographic quotes: write \"…\"");
	diag_fix(s->diags, number, scan_span(s, s->start, s->start + first), "\"");
	diag_fix(s->diags, number, scan_span(s, s->end - last, s->end), "\"");
	return T_INVALID;
}

/* The character that begins at the byte, as its number. */
static unsigned code_of(const char *at)
{
	const unsigned char *c = (const unsigned char *)at;

	if (c[0] < 0xe0)
		return (c[0] & 0x1fu) << 6 | (c[1] & 0x3fu);
	return (c[0] & 0x0fu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
}

static int characters(struct str text)
{
	int count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
	return count;
}

/* Between two tokens it is as good as a blank: what follows is read as if it were one. */
void scan_invisible(struct scan *s)
{
	unsigned code = code_of(s->text.ptr + s->start);
	bool has_width = code == 0xa0 || (code >= 0x2000 && code <= 0x200a) || code == 0x202f ||
			 code == 0x205f || code == 0x3000;
	char text[16];
	size_t number;

	if (s->muted)
		return;
	snprintf(text, sizeof(text), "U+%04X", code);
	number = diag_add(s->diags, here(s), DIAG_STRAY, text);
	diag_help(s->diags, number, has_width ? "it is a blank of another kind: write a plain one"
					      : "it can't be seen: remove it");
	diag_fix(s->diags, number, here(s), "%*s", has_width ? characters(matched(s)) : 0, "");
}

static void help_foreign(struct scan *s, size_t number)
{
	const char *ours = foreign_sign(matched(s));
	unsigned code = code_of(s->text.ptr + s->start);

	if (ours) {
		diag_help(s->diags, number, "did you mean `%s`?", ours);
		diag_fix(s->diags, number, here(s), "%s", ours);
	} else if (code >= 0x201c && code <= 0x201f) {
		diag_help(s->diags, number, "this is a typographic quote: write \"…\"");
	} else if (code < 0x2000 || code > 0x2fff) {
		diag_help(s->diags, number,
			"names are made of the letters A to Z, digits and `_`; others stand in "
			"texts and comments");
	}
}

static void help_dollar(struct scan *s, size_t number, char next)
{
	if (matched(s).len > 1) {
		diag_help(s->diags, number,
			"SQL stands between `sql\"` and `\"`, or `sql\"\"\"` and `\"\"\"`");
	} else if (isalpha((unsigned char)next) || next == '_') {
		diag_help(s->diags, number, "a name stands without `$`");
		diag_fix(s->diags, number, here(s), "%s", "");
	} else {
		diag_help(s->diags, number, "`${…}` stands inside of texts and SQL only");
	}
}

/* What stands between backticks. */
static void help_backticks(struct scan *s, size_t number)
{
	int kind = s->current.kind;

	if (kind == T_FORWARD || kind == T_ROLLBACK || kind == T_EXEC || kind == '(')
		diag_help(s->diags, number, "SQL stands in a template: `sql\"…\"`");
	else if (kind == T_LOG || kind == T_FAIL || kind == T_OPERATION || kind == '=')
		diag_help(s->diags, number, "a text stands in double quotes: \"…\"");
	else
		diag_help(s->diags, number,
			"names of the database stand in sql\"…\", or are made by ident(\"…\")");
}

int scan_stray(struct scan *s)
{
	struct str text = matched(s);
	unsigned char c = (unsigned char)text.ptr[0];
	char next = s->end < s->text.len ? s->text.ptr[s->end] : '\n', code[8];
	size_t number;

	if (s->muted)
		return T_INVALID;
	if (c < 0x20 || c == 0x7f) {
		/* Of lines that all end so it is said once. */
		if (c == '\r' && s->lone_return)
			return T_INVALID;
		s->lone_return = c == '\r';
		snprintf(code, sizeof(code), "\\x%02X", c);
		number = diag_add(s->diags, here(s), DIAG_STRAY, code);
		if (c == '\r')
			diag_help(s->diags, number, "a line ends with LF, or with CR and LF: save "
						    "the file so");
		return T_INVALID;
	}
	if (c == '`' && text.len > 2)
		text = (struct str){ text.ptr + 1, text.len - 2 };
	number = diag_add(s->diags, here(s), DIAG_STRAY, arena_c(s->arena, text));
	if (c == '`')
		help_backticks(s, number);
	else if (c == '$')
		help_dollar(s, number, next);
	else if (c >= 0x80)
		help_foreign(s, number);
	else if ((c == '^' || c == '~') &&
		 (s->first.kind == T_NEEDS || s->first.kind == T_VERSIONS))
		diag_help(s->diags, number, "%s",
			s->first.kind == T_NEEDS
				? "a range is `>= 12.0.0, < 13.0.0`"
				: "both ends are said: `versions 1.33.0 .. 1.40.0`");
	return T_INVALID;
}
