/*
 * image.h - how a module image is laid out: what module.c, module_tables.c and image.c agree on
 *
 * See module.h for the header; section.def for the sections. Sections begin at multiples of 8, one
 * right after the other with zeros between, so that the same module has one image only.
 */
#ifndef VM_ISA_IMAGE_H
#define VM_ISA_IMAGE_H

#include "vm/isa/module.h"

enum section_id {
#define SECTION(id, name, sentence) SECTION_##name = id,
#include "vm/isa/section.def"
#undef SECTION
	SECTION_END
};

#define SECTION_COUNT ((uint32_t)(SECTION_END - 1))
#define SECTION_ENTRY_BYTES 40u
#define IMAGE_HEAD_BYTES 40u		/* magic, format, count of sections, size, hash */
#define IMAGE_HASHED_FROM 40u		/* the hash is of everything from here on */
#define BUNDLE_HEAD_BYTES 40u
#define BUNDLE_ENTRY_BYTES 40u

/* A record of records of … may be short in an image and endless when printed: refused above this
 * many parts. */
#define TYPE_PARTS_MAX 4096u
#define TYPE_NEST_MAX 48u

/* Reads the format of a thing ("bundle") and refuses any but this amigrun's. */
enum outcome format_read(struct reader *r, const char *thing, struct error *err);
/* Reads the sections' bytes into m's tables; on failure what was allocated is in m for
 * module_clear(). */
enum outcome tables_read(struct module *m, const struct str sections[SECTION_END],
			 struct error *err);
enum outcome tables_read_migration(struct module *m, struct str section, struct error *err);

#endif
