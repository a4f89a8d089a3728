/*
 * format.h - a source in the one layout of the language
 *
 * It works on tokens, and knows nothing of statements: what is between two tokens is laid out
 * anew, the tokens stay. Line breaks stay where the author put them, but there is none between `}`
 * and `else`, and a block of several lines shares none of them with its braces; several empty lines
 * become one, and there is none where a block begins or ends. A line is
 * two spaces deeper than the line that opened the innermost bracket around it, and two more when it
 * goes on with a statement. Comments stay before the token that they stood before. The lines of a
 * """…""" move with their statement, and what the text of it is stays the same. On lines that
 * follow each other, each of them one whole statement, these stand in one column: the `=` of
 * `let`s without a type, of such `var`s, of such `const`s; what follows `depends on`, `versions`
 * and `needs`; what follows `forward` and `rollback`; and the comments at the end of neighbouring
 * lines.
 *
 * Formatting what was formatted changes nothing, and what is compiled is the same.
 */
#ifndef GRAMMAR_FORMAT_H
#define GRAMMAR_FORMAT_H

#include "grammar/diag.h"

/* False: the source has errors, or would grow beyond SOURCE_MAX_BYTES; diags say so, and nothing
 * is in *out. */
bool format_source(struct sources *sources, uint32_t source, struct diags *diags, struct buf *out);
/* Some tokens of a source without errors, on one line but for the text of templates, without
 * comments: however they were laid out, it is the same. */
void format_phrase(struct str text, struct buf *out);

#endif
