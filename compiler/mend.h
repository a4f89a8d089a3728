/*
 * mend.h - the fixes of what the checker refuses, where only one can be meant
 *
 * Inside compiler/ only. Each adds a fix to the diagnostic of that number, or none when the author
 * may have meant something else.
 */
#ifndef COMPILER_MEND_H
#define COMPILER_MEND_H

#include "compiler/checker.h"

/* A literal written as one of the wanted type: 100 → 100.0, "2d" → 2d, "DROP …" → sql"DROP …". */
void mend_literal(struct checker *c, size_t number, const struct expression *e, uint32_t wanted);
/* `x as T` without the `as`. */
void mend_needless_as(struct checker *c, size_t number, const struct expression *e);
/* text.upper(a) → upper(text, a) */
void mend_method(struct checker *c, size_t number, const struct expression *call);
/* list.length → len(list), for a list or a text */
void mend_length(struct checker *c, size_t number, const struct expression *field, uint32_t type);
/* '${x}' → ${x}, where the quotes hold nothing else */
void mend_quoted_hole(struct checker *c, size_t number, struct span hole);
/* The `let` that declares the symbol becomes a `var`. */
void mend_let(struct checker *c, size_t number, const struct symbol *symbol);
/* `on NAME` behind the label, where the migration has one connection only. */
void mend_on(struct checker *c, size_t number, const struct operation_syntax *o);
/* An element of a list, with the comma before it, is taken out. */
void mend_element(struct unit *u, size_t number, struct span element);

/* What is no list: of an expression behind `in`, of an index. */
void mend_list(struct checker *c, size_t number, const struct expression *e);
void mend_index(struct checker *c, size_t number, const struct expression *e);
/* An unknown NAME where the name of a table should stand. */
void mend_table(struct checker *c, size_t number, const struct expression *e);
/* `left ?? right`, where the left one is never null */
void mend_never_null(struct checker *c, size_t number, const struct expression *left,
		     const struct expression *right);

#endif
