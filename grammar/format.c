/* format.c - from a source to the same one in the layout of the language */
#include "grammar/format.h"
#include "grammar/layout.h"
#include "grammar/amig.tab.h"

/* ---- between two tokens ---- */

/* The next comment in [*at, end), which is skipped, and the line ends before it; without one the
 * line ends that are left. */
static struct str next_comment(struct str text, uint32_t *at, uint32_t end, uint32_t *newlines)
{
	*newlines = 0;
	for (; *at < end; ++*at) {
		if (text.ptr[*at] == '\n')
			++*newlines;
		if (text.ptr[*at] == '#') {
			struct str comment = { text.ptr + *at, 0 };

			for (; *at < end && text.ptr[*at] != '\n'; ++*at)
				comment.len++;
			while (strchr(" \t\r", comment.ptr[comment.len - 1]))
				comment.len--;
			return comment;
		}
	}
	return (struct str){ 0 };
}

/* Where a line goes that begins with `b`; `a` stands before it. */
static uint32_t indent_before(const struct layout *l, const struct piece *a, const struct piece *b)
{
	const struct open *in = &l->open[l->depth];
	uint32_t inside = l->depth ? in->indent + 2 : 0;

	if (b->kind == T_END)
		return 0;
	if (piece_closes(b))
		return in->indent;
	if (!a || (b->marks & PIECE_STARTS) || (l->depth && in->kind != T_LBRACE) ||
		(in->is_record && a->kind == ',') || (b->kind == T_ELSE && a->kind == '}'))
		return inside;
	return inside + 2;
}

/* Whether the statement that the line being written began with ends on it. */
static void end_statement(struct layout *l, const struct piece *b)
{
	if (l->lines.count)
		l->lines.at[l->lines.count - 1].is_whole =
			l->starts && l->depth == l->first_depth &&
			((b->marks & PIECE_STARTS) || b->kind == '}' || b->kind == T_END);
}

static bool is_first_on_line(const struct layout *l, size_t at)
{
	return l->first == at &&
	       l->lines.at[l->lines.count - 1].start + l->pieces.all.at[at].end -
			       l->pieces.all.at[at].start ==
		       l->text.len;
}

static void lay_gap(struct layout *l, size_t at)
{
	const struct piece *b = &l->pieces.all.at[at], *a = at ? b - 1 : NULL;
	uint32_t from = a ? a->end : 0, newlines, indent = indent_before(l, a, b);
	bool opened = !a || piece_opens(a), breaks = !a, is_end = piece_closes(b);
	bool is_tall = (is_end ? b->marks : a && opened ? a->marks : 0) & PIECE_TALL;
	struct str comment;

	while ((comment = next_comment(l->pieces.text, &from, b->start, &newlines)).len) {
		end_statement(l, b);
		if (!breaks && !newlines) {
			l->lines.at[l->lines.count - 1].comment = comment;
		} else {
			layout_line(l, is_end ? indent + 2 : indent, newlines > 1 && !opened)
				->comment = comment;
			opened = false;
		}
		breaks = true;
	}
	if (b->kind == T_END) {
		end_statement(l, b);
	} else if (!breaks && newlines && b->kind == T_ELSE && a->kind == '}' &&
		   is_first_on_line(l, at - 1)) {
		buf_byte(&l->text, ' ');
	} else if (breaks || newlines || is_tall) {
		if (!breaks)
			end_statement(l, b);
		layout_line(l, indent, newlines > 1 && !opened && !is_end);
	} else if (piece_space(a, b)) {
		buf_byte(&l->text, ' ');
	}
}

/* ---- tokens ---- */

static bool begins_argument(const struct piece *p)
{
	return (p->marks & (PIECE_OPERAND | PIECE_WORD)) || p->kind == T_STRING_BEGIN ||
	       p->kind == T_SQL_BEGIN || p->kind == T_LBRACE;
}

/* The column that begins with piece `at`, on a line that begins with a statement. */
static enum column column_at(const struct layout *l, size_t at)
{
	const struct piece *first = &l->pieces.all.at[l->first], *p = &l->pieces.all.at[at];
	size_t number = at - l->first;

	switch (first->kind) {
	case T_LET:
		return number == 2 && p->kind == '=' ? COLUMN_LET : COLUMN_NONE;
	case T_VAR:
		return number == 2 && p->kind == '=' ? COLUMN_VAR : COLUMN_NONE;
	case T_CONST:
		return number == 2 && p->kind == '=' ? COLUMN_CONST : COLUMN_NONE;
	case T_DEPENDS:
		return number == 2 && p[-1].kind == T_ON ? COLUMN_HEADER : COLUMN_NONE;
	case T_VERSIONS:
	case T_NEEDS:
		return number == 1 && begins_argument(p) ? COLUMN_HEADER : COLUMN_NONE;
	case T_FORWARD:
	case T_ROLLBACK:
		return number == 1 && begins_argument(p) ? COLUMN_ACTION : COLUMN_NONE;
	default:
		return COLUMN_NONE;
	}
}

static void lay_piece(struct layout *l, size_t at)
{
	const struct piece *p = &l->pieces.all.at[at];
	struct line *line = &l->lines.at[l->lines.count - 1];

	if (line->start == l->text.len) {
		l->first = at;
		l->first_depth = l->depth;
		l->starts = p->marks & PIECE_STARTS;
	} else if (l->starts && !line->column) {
		line->column = column_at(l, at);
		line->cell = line->column ? (uint32_t)(l->text.len - line->start) : 0;
	}
	if (piece_closes(p) || p->kind == T_TEMPLATE_END)
		l->depth--;
	if (piece_opens(p)) {
		l->open[++l->depth] = (struct open){
			.kind = p->kind,
			.indent = l->indent,
			.is_record = p->marks & PIECE_RECORD,
		};
		if (p->kind == T_STRING_BEGIN || p->kind == T_SQL_BEGIN)
			layout_frame(l, at, &l->open[l->depth]);
	}
	buf_add(&l->text, l->pieces.text.ptr + p->start, p->end - p->start);
}

static void lay_out(struct layout *l)
{
	for (size_t at = 0; at < l->pieces.all.count; at++) {
		const struct piece *p = &l->pieces.all.at[at];

		if (at && piece_is_template(p - 1, p))
			layout_text(l, at);
		else
			lay_gap(l, at);
		if (p->kind != T_END)
			lay_piece(l, at);
	}
}

/* What was printed must be the same program; a source is never given up for one that is not. */
static void prove(const struct layout *l, const struct buf *out)
{
	struct pieces printed;

	pieces_read(&printed, buf_view(out));
	if (!pieces_eq(&l->pieces, &printed))
		BUG("the formatted source has other tokens");
	pieces_clear(&printed);
}

bool format_source(struct sources *sources, uint32_t source, struct diags *diags, struct buf *out)
{
	struct arena arena = { 0 };
	size_t errors = diags->error_count;
	struct layout *l;

	parse(&arena, sources, source, diags);
	arena_clear(&arena);
	if (diags->error_count > errors)
		return false;
	l = must_alloc(sizeof(*l));
	*l = (struct layout){ 0 };
	pieces_read(&l->pieces, sources->all.at[source].text);
	lay_out(l);
	out->cap_bytes = SOURCE_MAX_BYTES;
	layout_print(l, out);
	if (out->failed || l->text.failed) {
		buf_reset(out);
		diag_add(diags, (struct span){ source, 0, 0 }, DIAG_TOO_LARGE, "16 MiB");
	} else {
		prove(l, out);
	}
	pieces_clear(&l->pieces);
	vec_clear(&l->lines);
	buf_clear(&l->text);
	arena_clear(&l->arena);
	free(l);
	return diags->error_count == errors;
}

void format_phrase(struct str text, struct buf *out)
{
	struct pieces pieces;

	pieces_read(&pieces, text);
	for (size_t i = 0; i + 1 < pieces.all.count; i++) {
		const struct piece *p = &pieces.all.at[i];

		if (i && piece_is_template(p - 1, p))
			buf_add(out, text.ptr + p[-1].end, p->start - p[-1].end);
		else if (i && piece_space(p - 1, p))
			buf_byte(out, ' ');
		buf_add(out, text.ptr + p->start, p->end - p->start);
	}
	pieces_clear(&pieces);
}
