/* format_line.c - lines: what stands in columns, and the text in the end */
#include "grammar/layout.h"

struct line *layout_line(struct layout *l, uint32_t indent, bool blank_before)
{
	struct line *line;

	if (l->lines.count)
		l->lines.at[l->lines.count - 1].end = l->text.len;
	vec_push(&l->lines, (struct line){
				    .start = l->text.len,
				    .end = l->text.len,
				    .indent = indent,
				    .blank_before = blank_before && l->lines.count,
			    });
	line = &l->lines.at[l->lines.count - 1];
	l->indent = indent;
	l->starts = false;
	return line;
}

static uint32_t columns(const struct layout *l, const struct line *line, size_t length)
{
	uint32_t count = 0;

	for (size_t i = line->start; i < line->start + length; i++)
		count += ((unsigned char)l->text.ptr[i] & 0xc0) != 0x80;
	return count;
}

static bool is_neighbour(const struct line *line)
{
	return !line->blank_before && line->indent == line[-1].indent;
}

static size_t align_cells(struct layout *l, size_t from)
{
	struct line *at = l->lines.at;
	size_t to = from;
	uint32_t widest = 0;

	while (to < l->lines.count && at[to].column && at[to].column == at[from].column &&
		at[to].is_whole && (to == from || is_neighbour(&at[to]))) {
		at[to].pad = columns(l, &at[to], at[to].cell);
		widest = at[to].pad > widest ? at[to].pad : widest;
		to++;
	}
	for (size_t i = from; i < to; i++)
		at[i].pad = widest - at[i].pad;
	return to > from ? to : from + 1;
}

static size_t align_comments(struct layout *l, size_t from)
{
	struct line *at = l->lines.at;
	size_t to = from;
	uint32_t widest = 0;

	while (to < l->lines.count && at[to].comment.len && at[to].end > at[to].start &&
		(to == from || is_neighbour(&at[to]))) {
		at[to].comment_pad =
			at[to].pad + columns(l, &at[to], at[to].end - at[to].start);
		widest = at[to].comment_pad > widest ? at[to].comment_pad : widest;
		to++;
	}
	for (size_t i = from; i < to; i++)
		at[i].comment_pad = widest - at[i].comment_pad + 2;
	return to > from ? to : from + 1;
}

static void spaces(struct buf *out, uint32_t count)
{
	static const char some[] = "                                ";

	for (; count > sizeof(some) - 1 && !out->failed; count -= (uint32_t)sizeof(some) - 1)
		buf_add(out, some, sizeof(some) - 1);
	buf_add(out, some, count < sizeof(some) - 1 ? count : sizeof(some) - 1);
}

void layout_print(struct layout *l, struct buf *out)
{
	if (l->lines.count)
		l->lines.at[l->lines.count - 1].end = l->text.len;
	for (size_t i = 0; i < l->lines.count;)
		i = align_cells(l, i);
	for (size_t i = 0; i < l->lines.count;)
		i = align_comments(l, i);
	for (size_t i = 0; i < l->lines.count && !out->failed; i++) {
		const struct line *line = &l->lines.at[i];
		struct str text = buf_view(&l->text);

		if (line->blank_before)
			buf_byte(out, '\n');
		if (line->end > line->start || line->comment.len)
			spaces(out, line->indent);
		buf_add(out, text.ptr + line->start, line->cell);
		spaces(out, line->pad);
		buf_add(out, text.ptr + line->start + line->cell,
			line->end - line->start - line->cell);
		spaces(out, line->comment_pad);
		buf_str(out, line->comment);
		buf_byte(out, '\n');
	}
}
