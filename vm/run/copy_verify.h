/*
 * copy_verify.h - `copy … verify`: the rows that were sent against those that the table has more
 *
 * open; before() in front of the target's begin(), sent() of all that is written, after() behind
 * its settle() or, where it has none, its finish().
 */
#ifndef VM_RUN_COPY_VERIFY_H
#define VM_RUN_COPY_VERIFY_H

#include "vm/connection/convert.h"
#include "vm/connection/row_hash.h"
#include "vm/run/session.h"

struct copy_verify {
	bool is_wanted;		/* if not, all that is called does nothing */
	bool is_whole;		/* nothing is known of before: all of the table is compared */
	struct buf sql;		/* the question to the target */
	char query_id[QUERY_ID_SIZE + 4];
	struct statement question;
	struct row_hasher sent, there;
	struct row_sum given, had, has;
};

/* Refuses columns of which it can't be told. where: of the table's rows those that the copy is
 * about, in the target's dialect; empty: all. */
enum outcome copy_verify_open(struct copy_verify *v, const struct converter *c,
			      const struct stream *target, const struct stream_target *table,
			      struct str where, const struct statement *s,
			      struct error *err) MUST_USE;
enum outcome copy_verify_before(struct copy_verify *v, struct stream *target,
				const struct watch *watch, struct error *err) MUST_USE;
void copy_verify_sent(struct copy_verify *v, struct str rows);
/* One of them that the target has not taken. */
void copy_verify_unsent(struct copy_verify *v, struct str row);
enum outcome copy_verify_after(struct copy_verify *v, struct stream *target,
			       const struct watch *watch, struct error *err) MUST_USE;
/* Not before(): all that the question asks for. */
enum outcome copy_verify_compare(struct copy_verify *v, struct stream *target, bool *same,
				 const struct watch *watch, struct error *err) MUST_USE;
void copy_verify_clear(struct copy_verify *v);

#endif
