/*
 * write.h - from a checked unit to images, and from the images of all units to a bundle
 *
 *   unit ── write_images ──▶ struct written ─┐
 *   unit ── write_images ──▶ struct written ─┼── write_bundle ──▶ bundle, with its record
 *   the bundle before ── record_read ────────┘
 */
#ifndef COMPILER_WRITE_H
#define COMPILER_WRITE_H

#include "compiler/record.h"
#include "compiler/unit.h"

struct written_file {			/* what became of a source; strings are borrowed */
	struct str shown;		/* its path, as an image has it */
	struct hash hash;		/* of its text */
	/* Nothing was said about it by itself, nor about what it uses, and it is not `outward`: the
	 * record may hold it. */
	bool is_silent;
	/* What other migrations may see of its own: name, depends, versions. NULL: it has none. */
	const struct migration *head;
	struct str image;
	struct hash identity;
	uint32_t use_count;
	const uint32_t *uses;		/* numbers in `libraries` */
	struct record_library *libraries;
};

/* Lasts longer than the unit. */
struct written {
	struct arena arena;
	struct buf images;
	uint32_t library_count;
	struct record_library *libraries;
	uint32_t file_count;
	struct written_file *files;	/* the given ones, in their order */
};

/* Lowers each migration of a checked unit and proves the image. shown: for each source the path
 * that an image has of it. A migration that is larger than an image can hold is a diagnostic; with
 * errors there is nothing written. */
void write_images(struct unit *u, const struct str *shown, struct written *out);
void written_clear(struct written *w);
/* A copy for `head`, in the arena. */
const struct migration *written_head(struct arena *arena, const struct migration *m);

/* Every migration once; the images are borrowed from the files. Nothing of it depends on the order
 * of the files. */
void write_bundle(const struct written_file *files, size_t count, struct bundle_parts *out);

#endif
