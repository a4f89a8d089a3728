/*
 * diag_text.c - diagnostics for people
 *
 *	error[E0207]: the message
 *	  --> path:58:3
 *	   |
 *	58 |   the line
 *	   |   ^^^
 *	   = help: what to do
 *	58 +   the line as it should be (`-`: without it)
 *
 * A tab counts as four columns and is printed as such; wide characters count two, combining ones
 * none, so that the caret stands below what it means.
 */
#include "grammar/diag.h"

#define TAB_COLUMNS 4
#define LINE_COLUMNS_MAX 160 /* of a line longer than this the part around the caret is shown */

struct colours {
	const char *error, *warning, *note, *strong, *off;
};

static const struct colours plain = { "", "", "", "", "" };
static const struct colours bright = { "\033[1;31m", "\033[1;33m", "\033[1;36m", "\033[1m",
	"\033[0m" };

struct range {
	uint32_t first, last;
};

/* Code points that take two columns, or none, on a terminal; the common blocks are enough to place
 * a caret. */
static const struct range wide[] = {
	{ 0x1100, 0x115f },
	{ 0x2e80, 0x303e },
	{ 0x3041, 0x33ff },
	{ 0x3400, 0x4dbf },
	{ 0x4e00, 0x9fff },
	{ 0xa000, 0xa4cf },
	{ 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff },
	{ 0xfe30, 0xfe6f },
	{ 0xff00, 0xff60 },
	{ 0xffe0, 0xffe6 },
	{ 0x1f300, 0x1f64f },
	{ 0x1f680, 0x1f6ff },
	{ 0x1f900, 0x1f9ff },
	{ 0x20000, 0x3fffd },
};
static const struct range none[] = {
	{ 0x0300, 0x036f },
	{ 0x200b, 0x200f },
	{ 0x20d0, 0x20ff },
	{ 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f },
};

static bool is_within(uint32_t point, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (point >= ranges[i].first && point <= ranges[i].last)
			return true;
	return false;
}

struct glyph {
	uint32_t length, columns;
	bool is_valid;
};

static struct glyph glyph_at(struct str s, size_t at)
{
	unsigned char lead = (unsigned char)s.ptr[at];
	uint32_t length = lead < 0x80	? 1
			  : lead < 0xc2 ? 0
			  : lead < 0xe0 ? 2
			  : lead < 0xf0 ? 3
			  : lead < 0xf5 ? 4
					: 0;
	uint32_t point = length > 1 ? lead & (0x7fu >> length) : lead;

	if (lead == '\t')
		return (struct glyph){ 1, TAB_COLUMNS, true };
	if (length == 0 || at + length > s.len || lead < 0x20 || lead == 0x7f)
		return (struct glyph){ 1, 1, false };
	for (uint32_t i = 1; i < length; i++) {
		if (((unsigned char)s.ptr[at + i] & 0xc0) != 0x80)
			return (struct glyph){ 1, 1, false };
		point = point << 6 | ((unsigned char)s.ptr[at + i] & 0x3f);
	}
	if (is_within(point, none, ARRAY_SIZE(none)))
		return (struct glyph){ length, 0, true };
	return (struct glyph){ length, is_within(point, wide, ARRAY_SIZE(wide)) ? 2 : 1, true };
}

static void pad(struct buf *out, uint32_t columns)
{
	while (columns-- > 0)
		buf_byte(out, ' ');
}

/* The line from byte `from` on, and the columns of [start, end) in it. */
static void print_line(struct str line, size_t from, size_t start, size_t end, struct buf *out,
	uint32_t *before, uint32_t *under)
{
	uint32_t columns = 0;

	*before = *under = 0;
	if (from) {
		buf_text(out, "… ");
		columns = *before = 2;
	}
	for (size_t i = from; i < line.len;) {
		struct glyph g = glyph_at(line, i);

		if (columns + g.columns > LINE_COLUMNS_MAX) {
			buf_text(out, " …");
			break;
		}
		if (line.ptr[i] == '\t')
			pad(out, TAB_COLUMNS);
		else if (g.is_valid)
			buf_add(out, line.ptr + i, g.length);
		else
			buf_text(out, "\xef\xbf\xbd");
		columns += g.columns;
		if (i < start)
			*before += g.columns;
		else if (i < end)
			*under += g.columns;
		i += g.length;
	}
}

static size_t first_shown(struct str line, size_t start)
{
	size_t from;

	if (start < LINE_COLUMNS_MAX * 2 / 3)
		return 0;
	from = start - LINE_COLUMNS_MAX / 3;
	while (from < start && ((unsigned char)line.ptr[from] & 0xc0) == 0x80)
		from++;
	return from;
}

static uint32_t digits_of(uint32_t number)
{
	uint32_t digits = 1;

	while (number >= 10) {
		number /= 10;
		digits++;
	}
	return digits;
}

static void print_place(struct sources *s, struct span span, uint32_t gutter, const char *mark,
	char under, struct buf *out, const struct colours *c)
{
	struct place place = source_place(s, span.source, span.start);
	const struct source_text *t = &s->all.at[span.source];
	size_t offset = (size_t)(t->text.ptr + span.start - place.line_text.ptr);
	size_t end = span.end > span.start ? offset + (span.end - span.start) : offset + 1;
	uint32_t before, width;

	if (span.start > t->text.len)
		offset = place.line_text.len;
	pad(out, gutter);
	buf_format(out, "--> %.*s:%u:%u\n", STR_ARG(t->path), place.line, place.column);
	pad(out, gutter + 1);
	buf_text(out, "|\n");
	pad(out, gutter - digits_of(place.line));
	buf_format(out, "%u | ", place.line);
	print_line(place.line_text, first_shown(place.line_text, offset), offset, end, out, &before,
		&width);
	buf_byte(out, '\n');
	pad(out, gutter + 1);
	buf_text(out, "| ");
	pad(out, before);
	buf_text(out, mark);
	for (uint32_t i = 0; i < (width ? width : 1); i++)
		buf_byte(out, under);
	buf_text(out, c->off);
	buf_byte(out, '\n');
}

static void print_new_line(struct str line, uint32_t number, uint32_t gutter, char sign,
	struct buf *out, const struct colours *c)
{
	uint32_t before, under;

	pad(out, gutter > digits_of(number) ? gutter - digits_of(number) : 0);
	buf_format(out, "%u %s%c%s ", number, c->strong, sign, c->off);
	print_line(line, 0, 0, 0, out, &before, &under);
	while (out->len && out->ptr[out->len - 1] == ' ')
		out->len--;
	buf_byte(out, '\n');
}

static bool is_blank(struct str line)
{
	return str_trim(line).len == 0;
}

/* The lines that the fix changes, as they are with it; one that it empties as it was. */
static void print_fix(const struct diag *d, struct sources *s, uint32_t gutter, struct buf *out,
	const struct colours *c)
{
	struct str text = s->all.at[d->span.source].text;
	struct buf fixed = { 0 };

	for (size_t i = 0; i < d->fix.count;) {
		struct place place = source_place(s, d->span.source, d->fix.at[i].span.start);
		uint32_t from = (uint32_t)(place.line_text.ptr - text.ptr), number = place.line,
			 to = d->fix.at[i].span.end;
		struct str rest;

		/* All edits that begin on the lines that the first one ends on belong together. */
		while (i < d->fix.count && d->fix.at[i].span.start <= to) {
			struct span span = d->fix.at[i++].span;
			struct place end = source_place(s, span.source, span.end);

			to = (uint32_t)(end.line_text.ptr + end.line_text.len - text.ptr);
			/* Behind a line that goes as a whole the next one is as it was. */
			if (span.end > span.start && text.ptr[span.end - 1] == '\n' &&
				(span.start == 0 || text.ptr[span.start - 1] == '\n'))
				to = span.end;
		}
		buf_reset(&fixed);
		diag_fixed(d, text, from, to, &fixed);
		rest = buf_view(&fixed);
		if (is_blank(rest)) {
			print_new_line(place.line_text, number, gutter, '-', out, c);
			continue;
		}
		while (rest.len) {
			ptrdiff_t end = str_find(rest, STR("\n"));
			size_t len = end < 0 ? rest.len : (size_t)end;

			print_new_line((struct str){ rest.ptr, len }, number++, gutter, '+', out,
				c);
			len += end >= 0;
			rest = (struct str){ rest.ptr + len, rest.len - len };
		}
	}
	buf_clear(&fixed);
}

static void print(const struct diag *d, struct sources *s, const struct colours *c, struct buf *out)
{
	bool is_error = diag_severity(d->code) == SEVERITY_ERROR;
	uint32_t line = source_place(s, d->span.source, d->span.start).line,
		 gutter = digits_of(line);

	for (size_t i = 0; i < d->notes.count; i++) {
		uint32_t digits = digits_of(
			source_place(s, d->notes.at[i].span.source, d->notes.at[i].span.start)
				.line);

		gutter = digits > gutter ? digits : gutter;
	}
	buf_format(out, "%s%s[%s]%s%s: %.*s%s\n", is_error ? c->error : c->warning,
		is_error ? "error" : "warning", diag_code_text(d->code), c->off, c->strong,
		STR_ARG(d->message), c->off);
	print_place(s, d->span, gutter, is_error ? c->error : c->warning, '^', out, c);
	for (size_t i = 0; i < d->notes.count; i++) {
		pad(out, gutter + 1);
		buf_format(out, "= %snote:%s %.*s\n", c->note, c->off,
			STR_ARG(d->notes.at[i].text));
		print_place(s, d->notes.at[i].span, gutter, c->note, '-', out, c);
	}
	if (d->help.len) {
		pad(out, gutter + 1);
		buf_format(out, "= %shelp:%s %.*s\n", c->strong, c->off, STR_ARG(d->help));
	}
	print_fix(d, s, gutter, out, c);
}

void diags_print_text(const struct diags *d, struct sources *s, bool colour, struct buf *out)
{
	for (size_t i = 0; i < d->all.count; i++) {
		if (i)
			buf_byte(out, '\n');
		print(&d->all.at[i], s, colour ? &bright : &plain, out);
	}
}
