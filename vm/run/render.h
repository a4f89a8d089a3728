/*
 * render.h - an SQL value and a dialect become text
 *
 * Holes are never pasted: a scalar is written as a literal, a list as a parenthesised list, an
 * ident as a quoted name, SQL as a fragment. A duration is written as its number of seconds. What
 * has no form in SQL (a record, an empty list, a connection) is refused.
 */
#ifndef VM_RUN_RENDER_H
#define VM_RUN_RENDER_H

#include "vm/connection/connection.h"
#include "vm/machine/value.h"

#define RENDER_CAP_BYTES ((size_t)64 << 20)

/* Appends to out. OUTCOME_FAILED: what can't be written, and why. */
enum outcome render_sql(struct value sql, const struct connection_kind *dialect, struct buf *out,
			struct error *err) MUST_USE;

#endif
