/* scan_line.c - lines: where statements end, what ## says about which, and the way out of a broken
 * statement */
#include "grammar/scan.h"
#include "grammar/amig.tab.h"

int raw_lex_init_extra(struct scan *s, void **raw);
int raw_lex_destroy(void *raw);
void *raw__scan_bytes(const char *bytes, int len, void *raw);

void scan_init(struct scan *s, struct arena *arena, struct diags *diags, uint32_t source,
	struct str text)
{
	*s = (struct scan){ .arena = arena, .diags = diags, .source = source, .text = text };
	s->current.kind = s->first.kind = T_NEWLINE;
	if (raw_lex_init_extra(s, &s->raw) != 0)
		BUG("flex gives no scanner");
	raw__scan_bytes(text.ptr, (int)text.len, s->raw);
}

void scan_clear(struct scan *s)
{
	if (s->raw)
		raw_lex_destroy(s->raw);
	s->raw = NULL;
	vec_clear(&s->doc_lines);
	vec_clear(&s->docs);
}

/* Whether a statement can end with the token. */
static bool can_end(int kind)
{
	switch (kind) {
	case T_NEWLINE:
	case T_LBRACE:
	case T_RANGE:
	case T_GIVES:
	case T_MAPS:
	case T_AND:
	case T_OR:
	case T_NOT:
	case T_IN:
	case T_MATCHES:
	case T_AS:
	case T_ELSE:
	case T_EQUAL:
	case T_NOT_EQUAL:
	case T_LESS_EQUAL:
	case T_GREATER_EQUAL:
	case T_OTHERWISE:
	case '(':
	case '[':
	case '=':
	case '<':
	case '>':
	case '+':
	case '-':
	case '*':
	case '/':
	case '%':
	case '.':
	case ',':
	case ':':
		return false;
	default:
		return true;
	}
}

static size_t skip_blanks(const struct scan *s, size_t at)
{
	while (at < s->text.len && (s->text.ptr[at] == ' ' || s->text.ptr[at] == '\t'))
		at++;
	return at;
}

/* Whether an operand follows the token on its line: then it is no operand itself, but the word of a
 * clause. What can stand behind an operand is none: an operator, the next word of the statement,
 * the `{` of its block. */
static bool has_operand_behind(const struct scan *s, const struct token *t)
{
	static const char *const followers[] = { "and", "as", "backoff", "body", "by", "columns",
		"else", "every", "follow", "in", "into", "limit", "matches", "max", "min", "one",
		"or", "parallel", "pause", "progress", "reject", "size", "target", "timeout",
		"verify", "within" };
	const char *text = s->text.ptr;
	size_t at = skip_blanks(s, t->span.end), end;

	for (end = at;
		end < s->text.len && (text[end] == '_' || (text[end] >= 'a' && text[end] <= 'z'));
		end++)
		;
	for (size_t i = 0; i < ARRAY_SIZE(followers); i++)
		if (str_eq((struct str){ text + at, end - at }, str_c(followers[i])))
			return false;
	return end > at || (at < s->text.len && text[at] == '"');
}

/* What begins a statement and can't go on with an expression, if it is not the key of something. */
static bool begins_statement(const struct scan *s, const struct token *t)
{
	size_t behind = skip_blanks(s, t->span.end);

	if (behind < s->text.len && s->text.ptr[behind] == ':')
		return false;
	/* `c.` and `exec(sql"…")` on the next line are one call, for there any word is a key. */
	if (s->current.kind == '.' && !has_operand_behind(s, t))
		return false;
	switch (t->kind) {
	case T_LET:
	case T_VAR:
	case T_FOR:
	case T_WHILE:
	case T_RETURN:
	case T_REQUIRE:
	case T_FAIL:
	case T_LOG:
	case T_PROGRESS:
	case T_EXEC:
		return true;
	case T_IN:
		behind = skip_blanks(s, t->span.end);
		return str_starts((struct str){ s->text.ptr + behind, s->text.len - behind },
			STR("doubt "));
	default:
		return (t->flags & SCAN_CLAUSE) && has_operand_behind(s, t);
	}
}

static bool in_parens(const struct scan *s)
{
	return s->depth > 0 &&
	       (s->brackets[s->depth - 1].kind == '(' || s->brackets[s->depth - 1].kind == '[');
}

/* The outermost template of one line that is open here: a newline ends it. 0: none. */
static uint32_t quoted_depth(const struct scan *s)
{
	for (uint32_t i = 0; i < s->depth; i++) {
		int kind = s->brackets[i].kind;

		if ((kind == T_STRING_BEGIN || kind == T_SQL_BEGIN) && !s->brackets[i].triple)
			return i + 1;
	}
	return 0;
}

static void report_unterminated(struct scan *s, const struct bracket *b)
{
	diag_add(s->diags, b->span, DIAG_UNTERMINATED,
		b->kind == T_SQL_BEGIN ? "SQL template" : "string");
}

/* operation "copy { */
static void owe_brace(struct scan *s)
{
	s->owes_brace = (s->first.flags & SCAN_CLAUSE) && s->depth < PARSE_DEPTH_MAX &&
			s->end > 0 && s->text.ptr[s->end - 1] == '{';
}

bool scan_newline(struct scan *s)
{
	uint32_t quoted = s->depth ? quoted_depth(s) : 0;

	if (quoted) {
		if (!s->hole_told)
			report_unterminated(s, &s->brackets[quoted - 1]);
		s->depth = quoted - 1;
		s->end = s->start;
		owe_brace(s);
		s->token.depth = s->depth;
		return true;
	}
	if (in_parens(s))
		s->newline_in_parens = true;
	else if (s->depth == 0 || s->brackets[s->depth - 1].kind == T_LBRACE)
		s->newline = true;
	return false;
}

/* Where the next quote behind the line is that of a text of several lines: it ends its line, and no
 * other text begins with it. 0: there is none. */
static uint32_t closing_quote(const struct scan *s)
{
	const char *text = s->text.ptr, *found;
	size_t at, end;

	found = memchr(text + s->start, '"', s->text.len - s->start);
	if (!found)
		return 0;
	at = (size_t)(found - text);
	for (end = at + 1; end < s->text.len && strchr(" \t\r),", text[end]); end++)
		;
	if ((end < s->text.len && text[end] != '\n') ||
		(at >= 3 && memcmp(text + at - 3, "sql", 3) == 0) ||
		memchr(text + s->start, '#', at - s->start))
		return 0;
	return (uint32_t)at;
}

bool scan_runs_on(struct scan *s)
{
	const struct bracket *b = &s->brackets[s->depth - 1];
	size_t number;

	if (s->runs_on > s->start)
		return true;
	s->runs_on = quoted_depth(s) == s->depth ? closing_quote(s) : 0;
	if (!s->runs_on)
		return false;
	number = diag_add(s->diags, b->span, DIAG_UNTERMINATED,
		b->kind == T_SQL_BEGIN ? "SQL template" : "string");
	diag_help(s->diags, number, "one of several lines stands between `%s\"\"\"` and `\"\"\"`",
		b->kind == T_SQL_BEGIN ? "sql" : "");
	diag_fix(s->diags, number, scan_span(s, b->span.end, b->span.end), "\"\"");
	diag_fix(s->diags, number, scan_span(s, s->runs_on, s->runs_on), "\"\"");
	return true;
}

int scan_unterminated(struct scan *s)
{
	s->end = s->start;
	/* Inside the hole of another one the newline ends that too, and one message is enough. */
	if (quoted_depth(s) == s->depth && !s->hole_told)
		report_unterminated(s, &s->brackets[s->depth - 1]);
	s->token.depth = s->depth--;
	owe_brace(s);
	return T_TEMPLATE_END;
}

int scan_unterminated_file(struct scan *s)
{
	report_unterminated(s, &s->brackets[s->depth - 1]);
	s->failed = true;
	return T_INVALID;
}

/* Every block that is open at the end is closed, so that what was understood in it is kept. */
int scan_end(struct scan *s)
{
	const struct bracket *b = s->failed ? NULL : scan_unclosed(s);

	if (b)
		diag_blame(s->diags, diag_add(s->diags, b->span, DIAG_UNCLOSED,
					     arena_c(s->arena, scan_text(s, b->span))));
	s->failed = s->failed || b;
	s->start = s->end = (uint32_t)s->text.len;
	while (s->depth && s->brackets[s->depth - 1].kind != T_LBRACE)
		s->depth--;
	s->token.depth = s->depth;
	if (s->depth == 0)
		return T_END;
	s->depth--;
	return '}';
}

/* ---- documentation ---- */
static uint32_t newlines_between(const struct scan *s, uint32_t start, uint32_t end)
{
	uint32_t count = 0;

	for (uint32_t i = start; i < end; i++)
		count += s->text.ptr[i] == '\n';
	return count;
}

static bool is_first_on_line(const struct scan *s, uint32_t offset)
{
	while (offset > 0 && (s->text.ptr[offset - 1] == ' ' || s->text.ptr[offset - 1] == '\t'))
		offset--;
	return offset == 0 || s->text.ptr[offset - 1] == '\n';
}

static struct str join_doc(struct scan *s)
{
	struct buf text = { 0 };
	struct str doc;

	for (size_t i = 0; i < s->doc_lines.count; i++) {
		if (i)
			buf_byte(&text, '\n');
		buf_str(&text, s->doc_lines.at[i]);
	}
	doc = arena_str(s->arena, buf_view(&text));
	buf_clear(&text);
	s->doc_lines.count = 0;
	return doc;
}

/* The block that ended is the file's own when it is the first thing in it and an empty line
 * follows; else it is nobody's. */
static void end_block(struct scan *s)
{
	bool is_files = s->docs.count == 0 && s->current.kind == T_NEWLINE &&
			s->current.span.end == 0 && !s->file_doc.len;
	struct str doc = join_doc(s);

	if (is_files)
		s->file_doc = doc;
}

void scan_doc(struct scan *s)
{
	struct str line = { s->text.ptr + s->start + 2, s->end - s->start - 2 };

	if (!is_first_on_line(s, s->start))
		return;
	if (s->doc_lines.count && newlines_between(s, s->doc_end, s->start) > 1)
		end_block(s);
	if (line.len && line.ptr[0] == ' ') {
		line.ptr++;
		line.len--;
	}
	while (line.len && strchr(" \t\r", line.ptr[line.len - 1]))
		line.len--;
	vec_push(&s->doc_lines, line);
	s->doc_end = s->end;
}

static void attach_doc(struct scan *s, const struct token *t)
{
	if (newlines_between(s, s->doc_end, t->span.start) > 1 || t->kind == T_END)
		end_block(s);
	else
		vec_push(&s->docs, (struct doc){ join_doc(s), t->span.start });
}

struct str scan_doc_before(const struct scan *s, uint32_t offset)
{
	size_t low = 0, high = s->docs.count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (s->docs.at[middle].before == offset)
			return s->docs.at[middle].text;
		if (s->docs.at[middle].before < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return (struct str){ 0 };
}

/* ---- the tokens that the grammar sees ---- */
static const struct token *take(struct scan *s, const struct token *t)
{
	if (t->kind == T_NEWLINE)
		s->hole_told = false;
	if (s->current.kind == T_NEWLINE || s->current.kind == T_LBRACE)
		s->first = *t;
	s->previous = s->current;
	s->current = *t;
	return &s->current;
}

static struct token newline_before(struct scan *s, const struct token *t, uint32_t depth)
{
	struct token newline = { .kind = T_NEWLINE, .depth = depth };

	newline.span = scan_span(s, s->current.span.end, t->span.start);
	/* Messages point at the end of the line, not at the empty ones that follow. */
	newline.span.start =
		newline.span.end > newline.span.start ? newline.span.start : t->span.start;
	newline.span.end = newline.span.start + (newline.span.end > newline.span.start);
	return newline;
}

const struct token *scan_next(struct scan *s)
{
	struct token *t = &s->token, newline;
	uint32_t depth;

	if (s->made_up) {
		*t = (struct token){ .kind = s->made_up == 2 ? T_LBRACE : '}',
			.flags = SCAN_CAN_END,
			.depth = s->made_up_depth };
		t->span = scan_span(s, s->current.span.start, s->current.span.start);
		s->made_up--;
		return t;
	}
	if (s->owes_brace) {
		s->owes_brace = false;
		s->start = s->end - 1;
		*t = (struct token){ .span = scan_span(s, s->start, s->end) };
		t->kind = scan_open(s, T_LBRACE);
		return take(s, t);
	}
	if (s->again) {
		s->again = false;
		return &s->current;
	}
	if (s->is_holding) {
		s->is_holding = false;
		return take(s, &s->held);
	}
	if (s->failed) {
		*t = (struct token){ .flags = SCAN_CAN_END };
		t->kind = scan_end(s);
		t->span = scan_span(s, s->end, s->end);
		return take(s, t);
	}
	s->newline = s->newline_in_parens = false;
	*t = (struct token){ 0 };
	depth = s->depth;
	t->depth = UINT32_MAX;
	t->kind = raw_lex(s->raw);
	t->span = scan_span(s, s->start, s->end);
	if (t->depth == UINT32_MAX)
		t->depth = s->depth;
	if (can_end(t->kind) || (s->current.kind == '.' && (t->flags & SCAN_RESERVED)))
		t->flags |= SCAN_CAN_END;
	if (s->doc_lines.count)
		attach_doc(s, t);
	if (s->newline_in_parens && begins_statement(s, t)) {
		/* The parenthesis was forgotten: better one error there than one that swallows the
		 * rest of the file. */
		while (in_parens(s))
			s->depth--;
		depth = t->depth = s->depth;
		s->newline = depth == 0 || s->brackets[depth - 1].kind == T_LBRACE;
	}
	/* A line that stops short, before one that certainly begins a statement, is wrong at its
	 * end. */
	if (s->newline &&
		((s->current.flags & SCAN_CAN_END) ||
			(begins_statement(s, t) && s->current.kind != T_LBRACE &&
				s->current.kind != T_NEWLINE)) &&
		t->kind != '}' && t->kind != T_ELSE && t->kind != T_END) {
		s->held = *t;
		s->is_holding = true;
		newline = newline_before(s, t, depth);
		return take(s, &newline);
	}
	return take(s, t);
}

/* The `{` stands on a line of its own: that is the error, and its block is the one meant. */
static bool is_brace_behind(const struct scan *s)
{
	return s->is_holding && s->held.kind == T_LBRACE;
}

void scan_skip(struct scan *s, uint32_t depth)
{
	const struct token *t = &s->current;

	while (t->kind != T_END && !(t->depth == depth && t->kind == '}') &&
		!(t->depth == depth && t->kind == T_NEWLINE && !is_brace_behind(s)) &&
		!(t->kind == '}' && t->depth < depth))
		t = scan_next(s);
	s->muted = false;
	s->again = true;
}

bool scan_begins_declaration(int kind)
{
	return kind == T_USE || kind == T_CONST || kind == T_TYPE || kind == T_FN ||
	       kind == T_OPERATIONS || kind == T_MIGRATION;
}

void scan_skip_to_declaration(struct scan *s)
{
	const struct token *t = &s->current;

	s->skipping = s->muted = true;
	for (; t->kind != T_END; t = scan_next(s)) {
		if (t->kind != T_NEWLINE || t->depth != 0 || !s->is_holding)
			continue;
		if (scan_begins_declaration(s->held.kind))
			break;
	}
	s->skipping = s->muted = false;
	s->again = true;
}

void scan_skip_to_block(struct scan *s, uint32_t depth)
{
	const struct token *t = &s->current;

	s->skipping = true;
	while (t->kind != T_END && !(t->kind == T_LBRACE && t->depth == depth + 1) &&
		!(t->kind == T_NEWLINE && t->depth == depth && !is_brace_behind(s)) &&
		!(t->kind == '}' && t->depth <= depth))
		t = scan_next(s);
	s->skipping = s->muted = false;
	s->again = true;
	if (t->kind != T_LBRACE) {
		if (depth == 0)
			scan_skip_to_declaration(s);
		s->made_up = 2;
		s->made_up_depth = depth + 1;
	}
}
