/*
 * template.h - which part of a """…""" is its text
 *
 * Inside grammar/ only. The line of the opening quotes and that of the closing ones are no text
 * when nothing else stands on them. The indentation that all lines have in common is none either;
 * lines of blanks don't count for it, unless a hole follows on them. Lines within a hole are not
 * lines of the text.
 *
 *	sql"""          start is behind this line
 *	    SELECT ${x}  indent: what these have in common
 *	      FROM t     stop is at the end of this line
 *	"""
 */
#ifndef GRAMMAR_TEMPLATE_H
#define GRAMMAR_TEMPLATE_H

#include "grammar/tree.h"

struct template_frame {
	uint32_t start, stop; /* of the text, holes included */
	bool at_line;	      /* the text starts on a line of its own */
	bool has_lines;	      /* a line was seen that counts */
	struct str indent;    /* common to all that count */
};

/* Of the template whose quotes stand at `begin` and `end`; both are three. */
struct template_frame template_frame(struct str text, struct span begin, const struct hole *holes,
	struct span end);
/* Past the common indentation of the line that begins at `at`, or to where a line that has less
 * ends to have it. */
uint32_t template_skip_indent(const struct template_frame *f, struct str text, uint32_t at,
	uint32_t end);

#endif
