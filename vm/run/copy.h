/* copy.h - `copy`, an effect whose statement is a stream of rows */
#ifndef VM_RUN_COPY_H
#define VM_RUN_COPY_H

#include "vm/connection/row_hash.h"
#include "vm/run/session.h"

/* On which connection an EXEC or COPY has its effect. */
uint32_t copy_need(const struct machine_request *q);
/* What stands for it in the journal and in messages: the target's statement, and the query. Opens
 * the source's connection; what can't be carried out is refused. */
enum outcome copy_render(struct run *r, const struct machine_request *q,
			 const struct policy *policy, struct connection *to, struct buf *out,
			 struct error *err) MUST_USE;
/* Carries out what the machine asks, in the place of the kind's exec(). s: id, timeout, settings
 * and marker, for the target. */
enum outcome copy_send(struct run *r, struct connection *to, const struct statement *s,
		       const struct watch *watch, int64_t *rows, struct error *err) MUST_USE;

/* The rows' query, to be rendered for its connection; and without what would end it too soon. */
enum outcome copy_print_query(struct run *r, const struct machine_request *q,
			      const struct connection *from, struct buf *out,
			      struct error *err) MUST_USE;
struct str copy_trim_query(struct str sql);

/* Of a copy with `verify` that has happened, into a database without transactions: compares now. */
enum outcome copy_verify_now(struct run *r, const struct act *a, const struct effect_row *e,
			     struct error *err) MUST_USE;

/* copy_settle.c: what else is to be done about an effect of which it was found out that it has
 * happened: a copy with `verify` is verified now. Where it is not as it should be, or that can't
 * be told, STEP_FAILED, and the operation is half done. */
enum step_end copy_settle_found(struct run *r, const struct act *a, const struct effect_row *e,
				struct error *err);
/* Whether the effect of which nothing else can tell is a copy that has not come to its end: then it
 * has failed, err says so, and the operation is half done. It stays open: a rollback closes it,
 * and who resumes the run is asked. why is cleared then. */
bool copy_settle_part(struct run *r, const struct act *a, const struct effect_row *e,
		      struct error *why, struct error *err);

/* Whether of a copy that may have happened it can be asked if it has: not where rows may have been
 * set aside. */
bool copy_is_comparable(const struct machine_request *q);
/* *same: the rows of its window in the target are those of its query, by number and checksum. An
 * error that is permanent: that can't be told of such columns, or there is no reading them. */
enum outcome copy_compare(struct run *r, const struct act *a, const struct machine_request *q,
			  struct connection *to, const char *query_id, bool *same,
			  struct row_sum *there, struct error *err) MUST_USE;

/* copy_window.c: the condition of the window that a copy is of, if its keys are copied. */
bool copy_window_condition(struct run *r, const struct machine_request *q, struct value *out);
/* Whether a copy in `batches` is to be made again, on a connection without
 * transactions that is fenced; VERDICT_OPEN: it is none, or err says why it can't be told. */
enum verdict copy_ask_window(struct run *r, const struct act *a, struct connection *c,
			     struct buf *seen, struct error *err);

#endif
