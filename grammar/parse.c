/* parse.c - from a source to its tree */
#include "grammar/parse.h"
#include "grammar/tree.h"
#include "grammar/amig.tab.h"
#include <stdlib.h>

int amig_lex(AMIG_STYPE *value, AMIG_LTYPE *place, struct parser *p)
{
	const struct token *t = scan_next(&p->scan);

	*place = t->span;
	switch (t->kind) {
	case T_LBRACE:
	case T_FOR:
	case T_IF:
	case T_LET:
	case T_OPERATION:
	case T_VAR:
	case T_WHILE:
		value->T_LBRACE = t->depth;
		break;
	case T_INT:
		value->T_INT = *t;
		break;
	case T_DURATION:
		value->T_DURATION = *t;
		break;
	case T_FLOAT:
		value->T_FLOAT = *t;
		break;
	default:
		break;
	}
	return t->kind;
}

/* bison's own word, of which there is one: its stack is full. */
void amig_error(const AMIG_LTYPE *place, struct parser *p, const char *text)
{
	(void)text;
	diag_add(p->diags, *place, DIAG_TOO_DEEP);
}

/* Where the first byte that begins no valid character is; the length of the text if all is well. */
static uint32_t first_not_utf8(struct str text)
{
	size_t low = 0, high = text.len;

	if (str_is_utf8(text))
		return (uint32_t)text.len;
	/* The longest valid start, by halving; cut only where a character begins. */
	while (low < high) {
		size_t middle = low + (high - low + 1) / 2, cut = middle;

		while (cut < text.len && cut > low &&
			((unsigned char)text.ptr[cut] & 0xc0) == 0x80 && middle - cut < 4)
			cut--;
		if (str_is_utf8((struct str){ text.ptr, cut }) && cut > low)
			low = cut;
		else
			high = middle - 1;
	}
	return (uint32_t)low;
}

/* Whether the bytes are text at all; one message if not. */
static bool is_text(struct str text, uint32_t source, struct diags *diags)
{
	const char *nul;
	uint32_t bad;

	if (text.len > SOURCE_MAX_BYTES) {
		diag_add(diags, (struct span){ source, 0, 0 }, DIAG_TOO_LARGE, "16 MiB");
		return false;
	}
	nul = text.len ? memchr(text.ptr, '\0', text.len) : NULL;
	bad = first_not_utf8(text);
	if (nul && (size_t)(nul - text.ptr) < bad) {
		uint32_t at = (uint32_t)(nul - text.ptr);

		diag_add(diags, (struct span){ source, at, at + 1 }, DIAG_NUL_BYTE);
		return false;
	}
	if (bad < text.len) {
		diag_add(diags, (struct span){ source, bad, bad + 1 }, DIAG_NOT_UTF8);
		return false;
	}
	return true;
}

struct file *parse(struct arena *arena, struct sources *sources, uint32_t source,
	struct diags *diags)
{
	struct str text = sources->all.at[source].text;
	struct file *file = arena_new(arena, struct file);
	struct parser *p;

	file->source = source;
	if (!is_text(text, source, diags))
		return file;
	p = must_alloc(sizeof(*p));
	memset(p, 0, sizeof(*p));
	p->arena = arena;
	p->diags = diags;
	p->file = file;
	scan_init(&p->scan, arena, diags, source, text);
	amig_parse(p);
	file->doc = p->scan.file_doc;
	scan_clear(&p->scan);
	free(p);
	return file;
}
