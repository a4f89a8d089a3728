/*
 * source.h - the texts of a compilation
 *
 * Lines and columns are looked up only when something is printed. Columns count code points from 1.
 */
#ifndef GRAMMAR_SOURCE_H
#define GRAMMAR_SOURCE_H

#include "grammar/span.h"
#include "vm/base/buf.h"
#include "vm/base/error.h"
#include "vm/base/hash.h"
#include "vm/base/vec.h"

#define SOURCE_MAX_BYTES ((size_t)16 << 20)

struct source_text {
	struct str path;		/* as given, for messages */
	struct str text;
	struct hash hash;
	uint32_t *line_starts;		/* made at the first look-up */
	uint32_t line_count;
	size_t ascii;			/* bytes before the first that is not; as line_starts */
	/* The last look-up: the next is mostly near. Code points from the start of the line. */
	struct { uint32_t line, offset, before; } last;
};

struct sources {
	struct arena arena;
	VEC(struct source_text) all;
};

/* The bytes of a source, at most one more than SOURCE_MAX_BYTES of them. */
enum outcome source_read(const char *path, struct buf *text, struct error *err) MUST_USE;
/* Reads a file; its number in *source. Not UTF-8 or too large is a diagnostic of the parser, not an
 * error here. */
enum outcome sources_read(
	struct sources *s, const char *path, uint32_t *source, struct error *err) MUST_USE;
uint32_t sources_add(struct sources *s, struct str path, struct str text);	/* copies both */
/* Both are borrowed, and must last as long as the sources; hash is that of the text. */
uint32_t sources_lend(struct sources *s, struct str path, struct str text, struct hash hash);
/* Reads the text of one that was lent without it, from its path, a C string. False: it can't be
 * read or is another one. */
bool sources_recall(struct sources *s, uint32_t source);
void sources_clear(struct sources *s);
struct place { uint32_t line, column; struct str line_text; };
struct place source_place(struct sources *s, uint32_t source, uint32_t offset);

#endif
