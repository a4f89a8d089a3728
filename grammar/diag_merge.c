/* diag_merge.c - what was said of several compilations, put together */
#include "grammar/diag.h"

void diags_take(struct diags *to, struct diags *from, const uint32_t *sources)
{
	for (size_t i = 0; i < from->all.count; i++) {
		struct diag *d = &from->all.at[i];

		d->span.source = sources[d->span.source];
		for (size_t n = 0; n < d->notes.count; n++)
			d->notes.at[n].span.source = sources[d->notes.at[n].span.source];
		for (size_t n = 0; n < d->fix.count; n++)
			d->fix.at[n].span.source = d->span.source;
		vec_push(&to->all, *d);
	}
	to->error_count += from->error_count;
	to->warning_count += from->warning_count;
	arena_absorb(&to->arena, &from->arena);
	vec_clear(&from->all);
	map_clear(&from->known);
	vec_clear(&from->per_source);
	from->error_count = from->warning_count = 0;
}
