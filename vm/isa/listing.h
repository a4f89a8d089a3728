/* listing.h - what the files of the listing share */
#ifndef VM_ISA_LISTING_H
#define VM_ISA_LISTING_H

#include "vm/base/vec.h"
#include "vm/isa/module.h"

/* A text cut into lines by where they begin, so that any of them is found at once. */
struct lines {
	struct str text;
	VEC(size_t) starts;
};

struct listing {
	const struct module *m;
	/* as many as the module has; empty where there is no text */
	struct lines *sources;
	struct buf *out;
};

/* Without its end and at most some 160 bytes of it; empty where it is not known. */
struct str listing_line(const struct listing *l, uint32_t source, uint32_t line);
void listing_operation_name(struct listing *l, const struct operation *o);
/* The plan's operations, in the loops, ifs and parallels in which they stand. */
void listing_plan(struct listing *l);

#endif
