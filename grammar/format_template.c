/* format_template.c - the text of templates, moved with the statement that they stand in */
#include "grammar/layout.h"
#include "grammar/amig.tab.h"

static struct span span_of(const struct piece *p)
{
	return (struct span){ 0, p->start, p->end };
}

void layout_frame(struct layout *l, size_t at, struct open *open)
{
	const struct piece *pieces = l->pieces.all.at;
	struct holes holes = { 0 };
	uint32_t depth = 0;
	size_t i = at + 1;

	open->is_triple = pieces[at].end - pieces[at].start >= 3 &&
			  l->pieces.text.ptr[pieces[at].end - 2] == '"';
	if (!open->is_triple)
		return;
	for (; depth || pieces[i].kind != T_TEMPLATE_END; i++) {
		if (pieces[i].kind == T_HOLE_BEGIN && !depth) {
			struct hole *hole = arena_new(&l->arena, struct hole);

			hole->open = span_of(&pieces[i]);
			LIST_ADD(&holes, hole);
		}
		if (piece_opens(&pieces[i]))
			depth++;
		else if (piece_closes(&pieces[i]) || pieces[i].kind == T_TEMPLATE_END)
			depth--;
		if (!depth && holes.last && pieces[i].kind == T_HOLE_END)
			holes.last->close = span_of(&pieces[i]);
	}
	open->frame = template_frame(l->pieces.text, span_of(&pieces[at]), holes.first,
		span_of(&pieces[i]));
}

/* The end of a line: its \r\n becomes \n, unless the text itself ends with \r: that one would be
 * taken for a part of the end. */
static uint32_t without_return(struct str text, uint32_t from, uint32_t end)
{
	if (end > from && text.ptr[end - 1] == '\r' &&
		!(end - 1 > from && text.ptr[end - 2] == '\r'))
		return end - 1;
	return end;
}

/* Writes what lies in [at, end), which may be several lines. */
static void write_lines(struct layout *l, const struct open *t, uint32_t at, uint32_t end,
	bool at_line)
{
	struct str text = l->pieces.text;
	uint32_t indent = t->frame.has_lines ? t->indent + 2 : 0;

	for (;;) {
		uint32_t line_end = at;

		if (at_line) {
			layout_line(l, indent, false);
			l->indent = t->indent + 2;
			line_end = at = template_skip_indent(&t->frame, text, at, end);
		}
		while (line_end < end && text.ptr[line_end] != '\n')
			line_end++;
		if (line_end == end) {
			buf_add(&l->text, text.ptr + at, end - at);
			return;
		}
		buf_add(&l->text, text.ptr + at, without_return(text, at, line_end) - at);
		at = line_end + 1;
		at_line = true;
	}
}

void layout_text(struct layout *l, size_t at)
{
	const struct open *t = &l->open[l->depth];
	uint32_t from = l->pieces.all.at[at - 1].end, to = l->pieces.all.at[at].start;
	bool is_first = l->pieces.all.at[at - 1].kind != T_HOLE_END;
	bool is_last = l->pieces.all.at[at].kind == T_TEMPLATE_END;

	if (!t->is_triple) {
		buf_add(&l->text, l->pieces.text.ptr + from, to - from);
		return;
	}
	write_lines(l, t, is_first ? t->frame.start : from, is_last ? t->frame.stop : to,
		is_first && t->frame.at_line);
	if (is_last && t->frame.stop != to) {
		if (t->frame.stop > from && l->pieces.text.ptr[t->frame.stop - 1] == '\r')
			buf_byte(&l->text, '\r');
		layout_line(l, t->indent, false);
		l->indent = t->indent;
	}
}
