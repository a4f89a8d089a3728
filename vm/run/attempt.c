/* attempt.c - what sees to it that an attempt that comes late changes nothing: asked for, and put
 * around the statement */
#include "vm/run/attempt.h"

#include "vm/base/mutant.h"

bool attempt_is_transactional(const struct run *r, const struct act *a, const struct connection *c,
			      struct str sql)
{
	if (attempt_is_whole(r))
		return true;
	return !(a->operation->flags & OPERATION_NO_TRANSACTION) &&
	       (!c->kind->transactional || c->kind->transactional(sql));
}

/* What goes along with an effect, or around it, so that it changes nothing when it comes late. */
static void prove(struct run *r, const struct connection *c, int64_t number, enum proof proof,
		  struct statement *s, struct buf *text)
{
	const struct target_fence f = fence_of(r);

	switch (proof) {
	case PROOF_NONE:
		break;
	case PROOF_MARKER:
		if (mutant(MUTANT_NO_MARKER))
			break;
		marker_print(r, c->kind, number, text);
		s->marker = buf_view(text);
		break;
	case PROOF_FENCE:
		c->kind->guard(s->sql, &f, s->query_id, text);
		s->sql = buf_view(text);
		break;
	}
}

void attempt_fill(struct run *r, const struct act *a, const struct connection *c, int64_t number,
		  enum proof proof, struct statement *s, struct buf *text)
{
	s->timeout_ms = a->policy.timeout_ms;
	s->settings = a->policy.settings;
	s->setting_count = a->policy.setting_count;
	s->no_transaction = c->kind->transactional && !attempt_is_transactional(r, a, c, s->sql);
	prove(r, c, number, proof, s, text);
}

/* What nothing on the target refuses when it comes late goes out only while nobody else can have
 * taken the run over. */
enum outcome attempt_may_go(struct run *r, enum proof proof, struct error *err)
{
	if (proof != PROOF_NONE || lease_is_safe(r))
		return OUTCOME_OK;
	error_set(err, OUTCOME_FAILED,
		  "the statement was not sent: the lease on the run has too little time left");
	err->class = ERROR_TRANSIENT;
	return OUTCOME_FAILED;
}

/* Whether the effect leaves a marker. One that could, and went without for a connection that broke
 * for a moment, would be in doubt later for nothing. */
static enum step_end ask_marker(struct run *r, const struct act *a, uint32_t need,
				struct connection *c, bool *marked, struct error *err)
{
	for (int64_t attempt = 1;; attempt++) {
		enum step_end end;

		if (marker_possible(r, need, c, marked, err) == OUTCOME_OK)
			return STEP_DONE;
		if (err->class == ERROR_UNKNOWN)
			err->class = ERROR_TRANSIENT;
		if (!r->stop.cancelled && !retry_wanted(&a->policy.retry, attempt, err)) {
			journal_checkpoint_after(r);
			return STEP_FAILED;
		}
		end = r->stop.cancelled ? STEP_STOPPED : effect_wait(r, a, attempt, err);
		if (end == STEP_DONE)
			continue;
		journal_checkpoint(r, r->vm);
		return end;
	}
}

enum step_end attempt_choose_proof(struct run *r, const struct act *a, struct connection *c,
				   uint32_t need, enum proof *out, struct error *err)
{
	bool marked = false;
	enum step_end asked = STEP_DONE;

	if (attempt_is_transactional(r, a, c, buf_view(&r->sql)) && !c->shared)
		asked = ask_marker(r, a, need, c, &marked, err);
	if (asked != STEP_DONE)
		return asked;
	*out = marked ? PROOF_MARKER : PROOF_NONE;
	if (attempt_is_whole(r) && !marked) {
		transaction_refuse(c, err);
		return STEP_FAILED;
	}
	if (c->kind->raise_fence && r->fences[need] == FENCE_UNKNOWN && r->journal.pending &&
	    step_commit(r, err) != OUTCOME_OK)
		return STEP_LOST;
	for (int64_t attempt = 1; fence_raise(r, need, c, err) != OUTCOME_OK; attempt++) {
		enum step_end end;

		if (err->outcome == OUTCOME_NOT_NOW)
			return STEP_LOST;
		if (r->stop.cancelled)
			return STEP_STOPPED;
		/* The effect itself has not been sent. */
		if (err->class == ERROR_UNKNOWN)
			err->class = ERROR_TRANSIENT;
		if (!retry_wanted(&a->policy.retry, attempt, err))
			return STEP_FAILED;
		end = effect_wait(r, a, attempt, err);
		if (end != STEP_DONE)
			return end;
	}
	if (fence_guards(r, need, c, buf_view(&r->sql)))
		*out = PROOF_FENCE;
	return STEP_DONE;
}
