/* scan_foreign.c - signs, quotes and comments of other languages: what they are here */
#include "grammar/scan.h"
#include "grammar/amig.tab.h"

static char before(const struct scan *s)
{
	return s->start ? s->text.ptr[s->start - 1] : '\n';
}

static char behind(const struct scan *s)
{
	return s->end < s->text.len ? s->text.ptr[s->end] : '\n';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct str matched(const struct scan *s)
{
	return scan_text(s, scan_span(s, s->start, s->end));
}

/* The first byte behind blanks. */
static char next(const struct scan *s)
{
	uint32_t at = s->end;

	while (at < s->text.len && (s->text.ptr[at] == ' ' || s->text.ptr[at] == '\t'))
		at++;
	return at < s->text.len ? s->text.ptr[at] : '\n';
}

int scan_foreign(struct scan *s, int kind, const char *ours)
{
	bool is_word = ours[0] >= 'a' && ours[0] <= 'z';
	size_t number;

	if (s->muted)
		return kind;
	/* `n!` */
	if (kind == T_NOT && s->current.span.end == s->start && s->start &&
		(s->current.kind == T_NAME || s->current.kind == ')' || s->current.kind == ']')) {
		number = diag_add(s->diags, scan_span(s, s->start, s->end), DIAG_STRAY, "!");
		diag_help(s->diags, number, "what may be null is met by `x ?? other`, or by `if "
					    "let y = x { … }`");
		return T_INVALID;
	}
	/* SQL joins texts by it. */
	if (kind == T_OR && (s->current.kind == T_TEMPLATE_END || next(s) == '"')) {
		kind = '+';
		ours = "+";
		is_word = false;
	}
	number = diag_add(s->diags, scan_span(s, s->start, s->end), DIAG_FOREIGN_OPERATOR,
		arena_c(s->arena, matched(s)), ours);
	diag_fix(s->diags, number, scan_span(s, s->start, s->end), "%s%s%s",
		is_word && !is_blank(before(s)) && kind != T_NOT ? " " : "", ours,
		is_word && !is_blank(behind(s)) ? " " : "");
	return kind;
}

int scan_compound(struct scan *s)
{
	struct str sign = matched(s);
	size_t number;

	if (s->skipping || s->muted)
		return T_INVALID;
	number = diag_add(s->diags, scan_span(s, s->start, s->end), DIAG_COMPOUND_ASSIGN,
		arena_c(s->arena, sign));

	if (s->current.kind == T_NAME) {
		struct str name = scan_text(s, s->current.span);

		diag_help(s->diags, number, "write `%.*s = %.*s %c …`", STR_ARG(name),
			STR_ARG(name), sign.ptr[0]);
	}
	return T_INVALID;
}

/* A comment that ends with its line, and begins it or not, needs another sign only. */
void scan_foreign_comment(struct scan *s)
{
	struct span span = scan_span(s, s->start, s->end);
	struct str text = matched(s);
	bool is_block = str_starts(text, STR("/*"));
	size_t number;

	if (s->muted)
		return;
	number = diag_add(s->diags, span, DIAG_FOREIGN_COMMENT);
	if (is_block && (next(s) != '\n' || memchr(text.ptr, '\n', text.len)))
		return;
	text = (struct str){ text.ptr + 2, text.len - (is_block ? 4 : 2) };
	while (is_block && text.len && is_blank(text.ptr[text.len - 1]))
		text.len--;
	diag_fix(s->diags, number, span, "#%s%.*s",
		text.len && !is_blank(text.ptr[0]) ? " " : "", STR_ARG(text));
}

/* 'it''s' is read as two: only one that stands alone is certainly a string. */
int scan_single_quoted(struct scan *s)
{
	struct span span = scan_span(s, s->start, s->end);
	struct str text = matched(s);
	bool is_closed = text.len > 1 && text.ptr[text.len - 1] == '\'', is_sql;
	size_t number;

	if (s->muted)
		return T_INVALID;
	number = diag_add(s->diags, span, DIAG_SINGLE_QUOTED);
	is_sql = s->current.kind == T_FORWARD || s->current.kind == T_ROLLBACK ||
		 s->current.kind == T_EXEC;
	if (is_sql)
		diag_help(s->diags, number, "SQL stands in a template: `sql\"…\"`");
	if (!is_closed || before(s) == '\'' || behind(s) == '\'')
		return T_INVALID;
	text = (struct str){ text.ptr + 1, text.len - 2 };
	for (size_t i = 0; i < text.len; i++)
		if (strchr("\"\\$", text.ptr[i]))
			return T_INVALID;
	diag_fix(s->diags, number, span, "%s\"%.*s\"", is_sql ? "sql" : "", STR_ARG(text));
	return T_INVALID;
}

/* Whether the line ends with CR and LF. */
static bool ends_with_return(const struct scan *s)
{
	const char *end = memchr(s->text.ptr + s->end, '\n', s->text.len - s->end);

	return end && end[-1] == '\r';
}

/* Behind the last statement of a line it is one too many; between two it stands for a line's
 * end. */
void scan_semicolon(struct scan *s)
{
	struct span span = scan_span(s, s->start, s->end);
	uint32_t line = s->start, indent;
	size_t number;
	char c = next(s);

	/* `for i = 0; i < n; i++ {` is wrong once. */
	if (s->skipping && s->first.kind == T_FOR)
		return;
	if (s->muted) {
		s->newline = true;
		return;
	}
	number = diag_add(s->diags, span, DIAG_SEMICOLON);
	s->newline = true;
	while (line && s->text.ptr[line - 1] != '\n')
		line--;
	for (indent = line; s->text.ptr[indent] == ' ' || s->text.ptr[indent] == '\t'; indent++)
		;
	if (c == '\n' || c == '\r' || c == '#' || c == '}') {
		diag_fix(s->diags, number, span, "%s", "");
		return;
	}
	while (s->text.ptr[span.end] == ' ' || s->text.ptr[span.end] == '\t')
		span.end++;
	diag_help(s->diags, number, "write the statements on lines of their own");
	diag_fix(s->diags, number, span, "%s%.*s", ends_with_return(s) ? "\r\n" : "\n",
		(int)(indent - line), s->text.ptr + line);
}
