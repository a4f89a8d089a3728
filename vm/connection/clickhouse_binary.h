/*
 * clickhouse_binary.h - rows for ClickHouse as RowBinary
 *
 * A server without precise_float_parsing makes another number of a float's text now and then; its
 * bytes it takes as they are. A row is either all text or all bytes, so this knows every type that
 * such a server has and `copy` writes to.
 */
#ifndef VM_CONNECTION_CLICKHOUSE_BINARY_H
#define VM_CONNECTION_CLICKHOUSE_BINARY_H

#include "vm/connection/stream.h"

/* A type that is written so, by what writes it. */
bool clickhouse_binary_knows(const struct stream_type *t);
/* Whether rows of these columns are to be written so: a float is among them that would be read
 * inexactly, and none that is not known here. */
bool clickhouse_binary_wanted(const struct stream *target);
/* Whole rows of the target's fields; false: a field is no value of its type, *column says which. */
bool clickhouse_binary_rows(const struct stream *target, struct str rows, struct buf *out,
			    size_t *column);
/* One field. */
bool clickhouse_binary_value(const struct stream_type *t, struct str field, struct buf *out);
/* A whole number of 8 to 64 bits, the lowest byte first. */
void clickhouse_binary_put(struct buf *out, uint64_t number, int bits);

#endif
