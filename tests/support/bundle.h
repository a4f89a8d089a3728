/* bundle.h - the bytes of a bundle in one place */
#ifndef TESTS_SUPPORT_BUNDLE_H
#define TESTS_SUPPORT_BUNDLE_H

#include "vm/isa/module.h"

/* Appends the bytes, and clears the parts. */
static inline void bundle_join(struct bundle_parts *parts, struct buf *out)
{
	for (size_t i = 0; i < parts->all.count; i++)
		buf_str(out, parts->all.at[i]);
	bundle_parts_clear(parts);
}

#endif
