/*
 * attempt.h - one attempt at an effect whose transaction is not the store's
 *
 *   choose_proof ─▶ begin (the intent is durable) ─▶ may_go, fill, exec ─▶ end ─again─▶ begin …
 *
 * effect.c does it one after the other, lane.c sends several at once; all but exec is of the thread
 * that has the run. What is asked is in r->sql and r->vm, the query id in the journal.
 */
#ifndef VM_RUN_ATTEMPT_H
#define VM_RUN_ATTEMPT_H

#include "vm/run/session.h"

struct attempt {
	struct connection *c;
	enum proof proof;
	struct effect_row effect; /* number 0: not begun; its texts are the caller's */
};

/* Whether it is all of a `transaction`. */
static inline bool attempt_is_whole(const struct run *r)
{
	return machine_request(r->vm)->op == OP_TRANSACTION;
}
/* Whether a statement may be in a transaction of its kind. */
bool attempt_is_transactional(const struct run *r, const struct act *a, const struct connection *c,
			      struct str sql);
/* Which proof an effect of its own can have. Asks the target once in a process, or once a table:
 * that is tried again as the effect itself would be. */
enum step_end attempt_choose_proof(struct run *r, const struct act *a, struct connection *c,
				   uint32_t need, enum proof *out, struct error *err);
enum step_end attempt_begin(struct run *r, struct act *a, struct attempt *t, struct error *err);
/* What only the lease keeps from coming late goes out while nobody else can have taken the run. */
enum outcome attempt_may_go(struct run *r, enum proof proof, struct error *err) MUST_USE;
/* s has its SQL and query id; text: what it is made of besides, kept until it was sent. */
void attempt_fill(struct run *r, const struct act *a, const struct connection *c, int64_t number,
		  enum proof proof, struct statement *s, struct buf *text);
/* What became of it. STEP_DONE: it has happened and the machine is answered, or *again. */
enum step_end attempt_end(struct run *r, struct act *a, struct attempt *t, enum outcome sent,
			  int64_t rows, bool *again, struct error *err);

#endif
