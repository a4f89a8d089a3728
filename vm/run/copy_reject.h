/*
 * copy_reject.h - `copy … reject into T limit n`: rows that the target refuses are kept in T
 *
 * T is a table of the target, with the columns query_id, row_number, error and row_text. What goes
 * there is part of the copy's transaction where there is one; elsewhere it is there before the copy
 * ends.
 */
#ifndef VM_RUN_COPY_REJECT_H
#define VM_RUN_COPY_REJECT_H

#include "vm/connection/stream.h"
#include "vm/run/session.h"

struct copy_reject {
	bool is_wanted;		/* if not, a row that is refused ends the copy */
	bool only_counts;	/* they were kept already */
	int64_t limit, count;
	struct connection *to;
	struct stream_target table;
	struct str columns[4];
	const struct statement *statement;	/* the copy's */
	const struct watch *watch;
	char query_id[QUERY_ID_SIZE + 4];
	struct buf rows;	/* to be written, in the target's form */
	int64_t row_count;
};

/* table: the parts of its name, which stay the caller's. Refuses one that can't hold them. */
enum outcome copy_reject_open(struct copy_reject *j, struct connection *to,
			      const struct str *table, size_t part_count,
			      const struct statement *s, const struct watch *watch,
			      struct error *err) MUST_USE;
/* Takes a row, a line of a stream of this kind, and why it is refused, which is cleared; or, where
 * there are too many, makes that the copy's failure. */
enum outcome copy_reject_add(struct copy_reject *j, const struct connection_kind *kind,
			     int64_t number, struct str row, struct error *why) MUST_USE;
/* Writes what is not written yet. */
enum outcome copy_reject_flush(struct copy_reject *j, struct error *err) MUST_USE;
void copy_reject_clear(struct copy_reject *j);

#endif
