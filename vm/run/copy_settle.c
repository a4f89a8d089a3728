/* copy_settle.c - what became of a copy into a database without transactions */
#include "vm/run/copy.h"

enum step_end copy_settle_found(struct run *r, const struct act *a, const struct effect_row *e,
				struct error *err)
{
	for (int64_t attempt = 1;; attempt++) {
		enum step_end end;

		error_clear(err);
		if (copy_verify_now(r, a, e, err) == OUTCOME_OK)
			return STEP_DONE;
		if (r->stop.cancelled)
			return effect_leave_open(r, e);
		if (!retry_wanted(&a->policy.retry, attempt, err))
			break;
		end = effect_wait(r, a, attempt, err);
		if (end != STEP_DONE)
			return end == STEP_STOPPED ? effect_leave_open(r, e) : end;
	}
	journal_outcome(r, e->number, e->attempt, false, -1, err);
	r->touched = true;
	return STEP_FAILED;
}

/* The target is fenced: what of it runs there was ended. Nothing may go on behind what is open. */
bool copy_settle_part(struct run *r, const struct act *a, const struct effect_row *e,
		      struct error *why, struct error *err)
{
	if (!r->copied_in_part || why->outcome != OUTCOME_IN_DOUBT ||
	    effect_may_be_outlived(r, a))
		return false;
	error_clear(why);
	error_set(why, OUTCOME_FAILED,
		  "%s%s%s%s\nit did not come to its end, and some of its rows may be in the table",
		  err->message, err->code[0] ? " (code " : "", err->code,
		  err->code[0] ? ")" : "");
	error_take(err, why);
	effect_leave_open(r, e);
	r->touched = true;
	return true;
}
