/* template.c - the text of strings and SQL templates: escapes undone, the common indentation
 * removed */
#include "grammar/template.h"

struct body {
	struct parser *p;
	bool is_sql, triple;
	struct template_frame frame;
	struct buf out;
};

static uint32_t first_newline(const struct str text, uint32_t from, uint32_t to)
{
	while (from < to && text.ptr[from] != '\n')
		from++;
	return from;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Text may begin behind the line of the opening quotes, and end before the line of the closing
 * ones. */
static uint32_t cut_start(struct str text, uint32_t start, uint32_t end)
{
	uint32_t at = start;

	while (at < end && is_blank(text.ptr[at]))
		at++;
	return at < end && text.ptr[at] == '\n' ? at + 1 : start;
}

static uint32_t cut_end(struct str text, uint32_t start, uint32_t end)
{
	uint32_t at = end;

	while (at > start && is_blank(text.ptr[at - 1]))
		at--;
	if (at == start || text.ptr[at - 1] != '\n')
		return end;
	at--;
	return at > start && text.ptr[at - 1] == '\r' ? at - 1 : at;
}

static void see_line(struct template_frame *f, struct str text, uint32_t start, uint32_t end)
{
	struct str indent = { text.ptr + start, 0 };

	while (start + indent.len < end &&
		(indent.ptr[indent.len] == ' ' || indent.ptr[indent.len] == '\t'))
		indent.len++;
	if (!f->has_lines) {
		f->has_lines = true;
		f->indent = indent;
		return;
	}
	if (indent.len < f->indent.len)
		f->indent.len = indent.len;
	for (size_t i = 0; i < f->indent.len; i++)
		if (f->indent.ptr[i] != indent.ptr[i])
			f->indent.len = i;
}

/* Looks at the lines that begin in [start, end). A line of blanks counts only when a hole follows
 * in it. */
static void see_lines(struct template_frame *f, struct str text, uint32_t start, uint32_t end,
	bool at_line, bool hole_follows)
{
	for (;;) {
		uint32_t line_end = first_newline(text, start, end), at = start;

		while (at < line_end && is_blank(text.ptr[at]))
			at++;
		if (at_line && (at < line_end || (line_end == end && hole_follows)))
			see_line(f, text, start, line_end);
		if (line_end == end)
			return;
		start = line_end + 1;
		at_line = true;
	}
}

struct template_frame template_frame(struct str text, struct span begin, const struct hole *holes,
	struct span end)
{
	struct template_frame f = { .start = begin.end, .stop = end.start };
	uint32_t last = begin.end, from;

	f.start = cut_start(text, begin.end, holes ? holes->open.start : end.start);
	f.at_line = f.start != begin.end;
	for (const struct hole *h = holes; h; h = h->next)
		last = h->close.end;
	if (!holes)
		last = f.start;
	f.stop = cut_end(text, last, end.start);
	from = f.start;
	for (const struct hole *h = holes;; h = h->next) {
		see_lines(&f, text, from, h ? h->open.start : f.stop, f.at_line && h == holes, h);
		if (!h)
			break;
		from = h->close.end;
	}
	return f;
}

static void add_code_point(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_byte(out, (char)c);
	} else if (c < 0x800) {
		buf_byte(out, (char)(0xc0 | c >> 6));
		buf_byte(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_byte(out, (char)(0xe0 | c >> 12));
		buf_byte(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_byte(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_byte(out, (char)(0xf0 | c >> 18));
		buf_byte(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_byte(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_byte(out, (char)(0x80 | (c & 0x3f)));
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* \u{…} at `at`; its length, 0 if it is none. */
static uint32_t unicode_escape(struct str text, uint32_t at, uint32_t end, uint32_t *point)
{
	uint32_t i = at + 3, c = 0;

	if (i >= end || text.ptr[at + 1] != 'u' || text.ptr[at + 2] != '{')
		return 0;
	for (; i < end && i < at + 9 && hex_digit(text.ptr[i]) >= 0; i++)
		c = c << 4 | (uint32_t)hex_digit(text.ptr[i]);
	if (i >= end || i == at + 3 || text.ptr[i] != '}' || c > 0x10ffff ||
		(c >= 0xd800 && c < 0xe000))
		return 0;
	*point = c;
	return i + 1 - at;
}

static uint32_t character_length(struct str text, uint32_t at, uint32_t end)
{
	uint32_t length = 1;

	while (at + length < end && ((unsigned char)text.ptr[at + length] & 0xc0) == 0x80)
		length++;
	return length;
}

/* What the backslash at `at` and what follows it stand for; returns how many bytes they are. */
static uint32_t escape(struct body *b, struct str text, uint32_t at, uint32_t end)
{
	static const char from[] = "nt\"\\$", to[] = "\n\t\"\\$";
	uint32_t point, length;
	const char *known;

	if (at + 1 >= end) {
		buf_byte(&b->out, '\\');
		return 1;
	}
	if (b->is_sql) {
		if (text.ptr[at + 1] != '"' && text.ptr[at + 1] != '$')
			buf_byte(&b->out, '\\');
		/* The second of two backslashes begins nothing; any other character is looked at on
		 * its own. */
		if (text.ptr[at + 1] != '\\' && text.ptr[at + 1] != '"' && text.ptr[at + 1] != '$')
			return 1;
		buf_byte(&b->out, text.ptr[at + 1]);
		return 2;
	}
	known = memchr(from, text.ptr[at + 1], sizeof(from) - 1);
	if (known) {
		buf_byte(&b->out, to[known - from]);
		return 2;
	}
	length = unicode_escape(text, at, end, &point);
	if (length) {
		add_code_point(&b->out, point);
		return length;
	}
	length = 1 + character_length(text, at + 1, end);
	diag_add(b->p->diags, scan_span(&b->p->scan, at, at + length), DIAG_BAD_ESCAPE,
		text.ptr[at + 1] == '\r' || text.ptr[at + 1] == '\n'
			? "\\"
			: arena_c(b->p->arena, (struct str){ text.ptr + at, length }));
	return length;
}

uint32_t template_skip_indent(const struct template_frame *f, struct str text, uint32_t at,
	uint32_t end)
{
	size_t length = 0;

	while (length < f->indent.len && at < end && text.ptr[at] == f->indent.ptr[length]) {
		length++;
		at++;
	}
	return at;
}

/* How many bytes from `at` stand for themselves, and for nothing but that. */
static uint32_t plain_length(struct str text, uint32_t at, uint32_t end)
{
	uint32_t from = at;

	while (at < end && text.ptr[at] != '\\' && text.ptr[at] != '\r' && text.ptr[at] != '\n')
		at++;
	return at - from;
}

static struct part *text_part(struct body *b, uint32_t start, uint32_t end, bool at_line)
{
	struct str text = b->p->scan.text;
	struct part *part = arena_new(b->p->arena, struct part);
	uint32_t at = start;

	part->span = scan_span(&b->p->scan, start, end);
	buf_reset(&b->out);
	while (at < end) {
		uint32_t plain;
		char c;

		if (at_line && b->triple)
			at = template_skip_indent(&b->frame, text, at, end);
		at_line = false;
		plain = plain_length(text, at, end);
		buf_add(&b->out, text.ptr + at, plain);
		at += plain;
		if (at == end)
			break;
		c = text.ptr[at];
		if (c == '\\') {
			at += escape(b, text, at, end);
			continue;
		}
		if (c == '\r' && at + 1 < end && text.ptr[at + 1] == '\n') {
			at++;
			continue;
		}
		buf_byte(&b->out, c);
		at_line = c == '\n';
		at++;
	}
	part->text = arena_str(b->p->arena, buf_view(&b->out));
	return part;
}

struct parts {
	struct part *first, *last;
};

struct expression *expression_template(struct parser *p, enum expression_kind kind,
	struct span begin, struct holes holes, struct span end)
{
	struct body b = { .p = p, .is_sql = kind == EXPRESSION_SQL };
	struct str text = p->scan.text;
	struct expression *e =
		expression_new(p, kind, (struct span){ begin.source, begin.start, end.end });
	uint32_t start = begin.end, stop = end.start;
	struct parts parts = { 0 };
	bool at_line = false;

	b.triple = begin.end - begin.start >= 3 && text.ptr[begin.end - 2] == '"';
	if (b.triple) {
		b.frame = template_frame(text, begin, holes.first, end);
		start = b.frame.start;
		stop = b.frame.stop;
		at_line = b.frame.at_line;
	}
	for (struct hole *h = holes.first;; h = h->next) {
		uint32_t to = h ? h->open.start : stop;
		struct part *part;

		if (to > start || (!h && !holes.first)) {
			part = text_part(&b, start, to, at_line);
			if (part->text.len || !holes.first)
				LIST_ADD(&parts, part);
		}
		at_line = false;
		if (!h)
			break;
		part = arena_new(p->arena, struct part);
		part->span = (struct span){ h->open.source, h->open.start, h->close.end };
		part->hole = h->value;
		LIST_ADD(&parts, part);
		start = h->close.end;
	}
	buf_clear(&b.out);
	e->parts = parts.first;
	if (!e->parts)
		e->parts = arena_new(p->arena, struct part);
	return e;
}

struct str expression_plain(struct parser *p, const struct expression *string, const char *what)
{
	if (string->kind != EXPRESSION_STRING)
		return (struct str){ 0 };
	for (const struct part *part = string->parts; part; part = part->next) {
		if (part->hole) {
			diag_add(p->diags, part->span, DIAG_HOLE_IN_NAME, what);
			return (struct str){ 0 };
		}
	}
	return string->parts->text;
}
