/*
 * answer.h - a database's result becomes the value that a query asked for
 *
 * VALUE wants one row of one cell, ROW one row; no row or several fail and say so. Rows are records
 * with the columns' names.
 */
#ifndef VM_RUN_ANSWER_H
#define VM_RUN_ANSWER_H

#include "vm/connection/connection.h"
#include "vm/machine/value.h"

/* Built in h. origin: what the answer comes from, for the messages of a failing `as`; appended to.
 */
enum outcome answer_value(const struct result *result, enum query_shape shape, struct str sql,
			  struct heap *h, struct value *out, struct buf *origin,
			  struct error *err) MUST_USE;

#endif
