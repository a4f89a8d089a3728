/*
 * row_hash.h - how many rows, and a sum of their hashes: what `copy … verify` compares
 *
 * The sum is the same in whatever order rows come, and sums of parts add up. A row is hashed by
 * what its values are in the target, not by how they are written there: what was sent to a table
 * and what is read from it give the same if, and only if, all came to be what it was to be. So the
 * form of a value (row_value.c) forgets what a table of that kind may write in another way, zeros
 * behind a point say, and nothing else.
 */
#ifndef VM_CONNECTION_ROW_HASH_H
#define VM_CONNECTION_ROW_HASH_H

#include "vm/connection/stream.h"

struct row_sum {
	int64_t rows;
	uint64_t hash;	/* modulo 2^64 */
};

struct row_hasher {
	const struct connection_kind *kind;	/* the target's */
	/* Of the target's stream, or, of rows that were read from its table, of that stream. */
	const struct stream_column *columns;
	size_t count;
	bool is_read;
	struct buf line, value, scratch[2];	/* the caller keeps them for the next rows */
};

/* Why a value of the source's type, put into a column of this target, can't be told from another
 * by what is read from it; NULL: it can. */
const char *row_hash_lacks(const struct connection_kind *from_kind, const struct stream_type *from,
			   const struct connection_kind *to_kind, const struct stream_type *to);
/* Adds whole rows. */
void row_hash_add(struct row_hasher *h, struct str rows, struct row_sum *sum);
void row_hasher_clear(struct row_hasher *h);
/* What there is more of in `all` than in `before`. */
struct row_sum row_sum_less(struct row_sum all, struct row_sum before);
bool row_sum_eq(struct row_sum a, struct row_sum b);
/* 12 rows, checksum 0123456789abcdef */
void row_sum_print(struct buf *out, struct row_sum sum);

/* row_value.c: the form of a field that is not NULL; appended to out. */
void row_value(struct row_hasher *h, const struct stream_type *t, struct str field,
	       struct buf *out);

#endif
