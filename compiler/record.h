/*
 * record.h - what a bundle was made from, at its end: so that the next build knows what has changed
 *
 *   hash of the compiler (fingerprint.h)
 *   varint libraries: each  name, shown path, hash of its text            sorted by name
 *   varint files: each      shown path, hash of its text,                 sorted by shown path
 *                           varint 0 or its migration's place in the bundle + 1,
 *                           varint count and numbers of the libraries that it uses, at any depth
 *
 * A file about which a build had something to say, by itself, is not in it: it is compiled every
 * time, so that a warning does not vanish. Nor is one that has a test of another file's migration.
 * Strings are a varint length and their bytes.
 */
#ifndef COMPILER_RECORD_H
#define COMPILER_RECORD_H

#include "vm/base/map.h"
#include "vm/isa/module.h"

struct record_library {
	struct str name, shown;
	struct hash hash;
};

struct record_file {
	struct str shown;
	struct hash hash;
	const struct bundle_entry *entry;	/* of its migration; NULL: it has none */
	uint32_t use_count;
	const uint32_t *uses;
};

struct record {
	struct arena arena;
	uint32_t library_count;
	struct record_library *libraries;
	uint32_t file_count;
	struct record_file *files;
	struct map by_shown;			/* shown path → struct record_file */
};

/* False, and the record is empty: there is none that this compiler can use. Strings are those of
 * the bundle. */
bool record_read(struct record *r, const struct bundle *b);
void record_clear(struct record *r);
/* files and libraries sorted; entries: those that the files' point into. */
void record_write(const struct record *r, const struct bundle_entry *entries, struct buf *out);

#endif
