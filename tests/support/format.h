/* format.h - a text laid out as `amigc fmt` does it, for tests and fuzzers */
#ifndef TESTS_SUPPORT_FORMAT_H
#define TESTS_SUPPORT_FORMAT_H

#include "grammar/format.h"

/* Appends to `out`, which the caller clears; false: the text has errors. */
static inline bool format_text(struct str text, struct buf *out)
{
	struct sources sources = { 0 };
	struct diags diags = { 0 };
	uint32_t source = sources_add(&sources, STR("t.amig"), text);
	bool done = format_source(&sources, source, &diags, out);

	diags_clear(&diags);
	sources_clear(&sources);
	return done;
}

#endif
