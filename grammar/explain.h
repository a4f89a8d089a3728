/*
 * explain.h - what a diagnostic means, with a source that is refused for it and one that is not
 *
 * example.def: EXAMPLE(NAME, "wrong", "right"), a row for each row of diag.def. Both are whole
 * sources, and the tests compile them: the wrong one gives this diagnostic and no other, the right
 * one none. A line `# file NAME.amig` begins a further file; the first one is `a.amig`, and the
 * others can be used by `use`. UNSHOWN(NAME, "why") is a row for what no short
 * text can show.
 */
#ifndef GRAMMAR_EXPLAIN_H
#define GRAMMAR_EXPLAIN_H

#include "grammar/diag.h"

/* For a terminal. */
void explain_text(enum diag_code code, struct buf *out);
/* docs/diagnostics.md: a page for each row, in Markdown. */
void explain_manual(struct buf *out);

#endif
