/* format_piece.c - tokens for the formatter, and the space between two of them */
#include "grammar/layout.h"
#include "grammar/amig.tab.h"

static bool is_operand(int kind)
{
	switch (kind) {
	case T_NAME:
	case T_INT:
	case T_FLOAT:
	case T_DURATION:
	case T_VERSION:
	case T_TEMPLATE_END:
	case T_TRUE_WORD:
	case T_FALSE_WORD:
	case T_NULL_WORD:
	case ')':
	case ']':
	case '}':
		return true;
	default:
		return false;
	}
}

/* What only a look at both neighbours tells. The last piece is the end of the file. */
static void mark_neighbours(struct pieces *p)
{
	for (size_t i = 0; i + 1 < p->all.count; i++) {
		struct piece *at = &p->all.at[i], *next = at + 1;
		const struct piece *before = i ? at - 1 : NULL;

		if (at->kind == T_LBRACE && i + 2 < p->all.count && next[1].kind == ':')
			at->marks |= PIECE_RECORD;
		if (before && before->kind == '.') {
			at->marks |= PIECE_OPERAND;
			at->marks &= ~(unsigned)PIECE_WORD;
		}
		if (at->kind != '-')
			continue;
		/* `timeout -5s` and `timeout - 5`: as it was written. */
		if (!before || (next->marks & PIECE_LEAST) ||
			!(before->marks & (PIECE_OPERAND | PIECE_WORD)) ||
			((before->marks & PIECE_WORD) && before->end < at->start &&
				at->end == next->start))
			at->marks |= PIECE_SIGN;
	}
}

static bool breaks_before(const struct pieces *p, size_t at)
{
	const struct piece *a = &p->all.at[at - 1], *b = &p->all.at[at];

	return memchr(p->text.ptr + a->end, '\n', b->start - a->end) != NULL;
}

/* A block is tall when a line ends behind its `{`, before its `}`, or between two of its
 * statements. */
static void mark_tall(struct pieces *p)
{
	size_t open[PARSE_DEPTH_MAX + 1], depth = 0;

	for (size_t i = 0; i < p->all.count; i++) {
		struct piece *at = &p->all.at[i], *in = depth ? &p->all.at[open[depth - 1]] : NULL;
		bool closes = piece_closes(at) || at->kind == T_TEMPLATE_END;

		if (in && in->kind == T_LBRACE && !(in->marks & PIECE_RECORD) &&
			(closes || (at->marks & PIECE_STARTS)) &&
			((at == in + 1 || closes) ? breaks_before(p, i) : true))
			in->marks |= PIECE_TALL;
		if (closes && in) {
			at->marks |= in->marks & PIECE_TALL;
			depth--;
		}
		if (piece_opens(at) && depth <= PARSE_DEPTH_MAX)
			open[depth++] = i;
	}
}

void pieces_read(struct pieces *p, struct str text)
{
	struct arena arena = { 0 };
	struct diags diags = { 0 };
	struct scan scan;
	struct token t;
	bool starts = true;

	*p = (struct pieces){ .text = text };
	scan_init(&scan, &arena, &diags, 0, text);
	do {
		struct piece piece;

		t = *scan_next(&scan);
		if (t.kind == T_NEWLINE) {
			starts = true;
			continue;
		}
		piece = (struct piece){ t.span.start, t.span.end, t.kind, 0 };
		if (starts && t.kind != '}')
			piece.marks |= PIECE_STARTS;
		if (is_operand(t.kind))
			piece.marks |= PIECE_OPERAND;
		if (t.flags & SCAN_CLAUSE)
			piece.marks |= PIECE_WORD;
		if (t.kind == T_INT && t.number == INT64_MIN)
			piece.marks |= PIECE_LEAST;
		vec_push(&p->all, piece);
		starts = t.kind == T_LBRACE;
	} while (t.kind != T_END);
	mark_neighbours(p);
	mark_tall(p);
	scan_clear(&scan);
	diags_clear(&diags);
	arena_clear(&arena);
}

void pieces_clear(struct pieces *p)
{
	vec_clear(&p->all);
}

bool pieces_eq(const struct pieces *a, const struct pieces *b)
{
	if (a->all.count != b->all.count)
		return false;
	for (size_t i = 0; i < a->all.count; i++) {
		const struct piece *x = &a->all.at[i], *y = &b->all.at[i];

		if (x->kind != y->kind || (x->marks & PIECE_STARTS) != (y->marks & PIECE_STARTS) ||
			!str_eq((struct str){ a->text.ptr + x->start, x->end - x->start },
				(struct str){ b->text.ptr + y->start, y->end - y->start }))
			return false;
	}
	return true;
}

static bool is_template_begin(int kind)
{
	return kind == T_STRING_BEGIN || kind == T_SQL_BEGIN;
}

bool piece_is_template(const struct piece *a, const struct piece *b)
{
	return (is_template_begin(a->kind) || a->kind == T_HOLE_END) &&
	       (b->kind == T_HOLE_BEGIN || b->kind == T_TEMPLATE_END);
}

bool piece_opens(const struct piece *p)
{
	return p->kind == '(' || p->kind == '[' || p->kind == T_LBRACE || p->kind == T_HOLE_BEGIN ||
	       is_template_begin(p->kind);
}

bool piece_closes(const struct piece *p)
{
	return p->kind == ')' || p->kind == ']' || p->kind == '}' || p->kind == T_HOLE_END;
}

bool piece_space(const struct piece *a, const struct piece *b)
{
	switch (a->kind) {
	case '(':
	case '[':
	case '.':
	case T_HOLE_BEGIN:
		return false;
	case '-':
		if (a->marks & PIECE_SIGN)
			return b->kind == '-'; /* -- is something else */
		break;
	case T_LBRACE:
		return b->kind != '}';
	default:
		break;
	}
	switch (b->kind) {
	case ')':
	case ']':
	case ',':
	case ':':
	case T_HOLE_END:
		return false;
	case '?':
		return a->kind == '?'; /* ?? is something else */
	case '.':
		return a->kind == T_VERSION; /* 1.2.3-rc .f */
	case '(':
	case '[':
		if (a->marks & PIECE_WORD) /* `weight(x)` and `when (x)`: as it was written */
			return a->end < b->start;
		return !(a->marks & PIECE_OPERAND);
	default:
		return true;
	}
}
