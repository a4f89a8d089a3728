/* diag_fix.c - what certainly mends a source, made in its text */
#include "grammar/diag.h"
#include <stdlib.h>

void diag_fixed(const struct diag *d, struct str text, uint32_t from, uint32_t to, struct buf *out)
{
	uint32_t at = from;

	for (size_t i = 0; i < d->fix.count; i++) {
		const struct diag_edit *edit = &d->fix.at[i];

		if (edit->span.start < from || edit->span.end > to)
			continue;
		buf_add(out, text.ptr + at, edit->span.start - at);
		buf_str(out, edit->text);
		at = edit->span.end;
	}
	buf_add(out, text.ptr + at, to - at);
}

static int by_place(const void *left, const void *right)
{
	const struct diag_edit *a = left, *b = right;

	return (a->span.start > b->span.start) - (a->span.start < b->span.start);
}

/* Two edits of one place, or of overlapping ones, can't both be meant. */
static bool is_free(const struct diag *taken, const struct diag *d)
{
	for (size_t i = 0; i < d->fix.count; i++) {
		struct span a = d->fix.at[i].span;

		for (size_t j = 0; j < taken->fix.count; j++) {
			struct span b = taken->fix.at[j].span;

			if ((a.start < b.end && b.start < a.end) || a.start == b.start)
				return false;
		}
	}
	return true;
}

size_t diags_fix(const struct diags *d, const struct sources *s, uint32_t source, struct buf *out)
{
	struct str text = s->all.at[source].text;
	struct diag taken = { 0 };
	size_t made = 0;

	for (size_t i = 0; i < d->all.count; i++) {
		const struct diag *one = &d->all.at[i];

		if (!one->fix.count || one->span.source != source || !is_free(&taken, one))
			continue;
		for (size_t j = 0; j < one->fix.count; j++)
			vec_push(&taken.fix, one->fix.at[j]);
		made++;
	}
	if (taken.fix.count)
		qsort(taken.fix.at, taken.fix.count, sizeof(*taken.fix.at), by_place);
	diag_fixed(&taken, text, 0, (uint32_t)text.len, out);
	vec_clear(&taken.fix);
	return made;
}
