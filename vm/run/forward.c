/* forward.c - through the plan from the current operation to the end, and what a stop or a failure
 * makes of the run */
#include "vm/run/session.h"

static enum outcome finish_operation(struct run *r, struct act *a, struct error *err)
{
	enum outcome o = journal_operation(r, a, OPERATION_STATUS_DONE, true, err);

	if (o != OUTCOME_OK)
		return o;
	journal_checkpoint_empty(r);
	session_tell(r, EVENT_OPERATION_DONE, r->plan[a->index].label, STR(""));
	r->index++;
	r->share = 0;
	r->done_here++;
	r->undone_times = 0;
	r->touched = false;
	journal_migration(r, r->status);
	/* The end of the last operation waits for the end of the run. */
	if (r->journal.in_transaction && r->index < r->count)
		return journal_commit_later(r, err);
	return OUTCOME_OK;
}

/* An effect is in doubt: that the operation is to be undone first is durable before it is. */
static enum outcome begin_undo(struct run *r, struct act *a, struct error *err)
{
	enum outcome o = journal_operation(r, a, OPERATION_STATUS_ROLLING_BACK, false, err);

	if (o != OUTCOME_OK)
		return o;
	journal_checkpoint_empty(r);
	error_clear(err);
	return journal_commit(r, err);
}

static bool has_checks(const struct run *r, enum check_kind kind)
{
	for (uint32_t i = 0; i < r->module.check_count; i++)
		if (r->module.checks[i].kind == kind)
			return true;
	return false;
}

static enum outcome complete(struct run *r, struct error *err)
{
	enum outcome o;

	if (!r->options->skip_postchecks && has_checks(r, CHECK_POST)) {
		journal_migration(r, r->status);
		journal_phase(r, PHASE_POSTCHECK);
		o = journal_commit(r, err);
		if (o == OUTCOME_OK) {
			o = evaluate_checks(r, CHECK_POST, "Postcheck", err);
			if (o != OUTCOME_OK)
				return session_settle_check(r, err);
		}
		if (o != OUTCOME_OK)
			return session_settle(r, NULL, STEP_LOST, err);
	}
	journal_migration(r, STATUS_COMPLETED);
	journal_phase(r, PHASE_ENDED);
	r->journal.step.set_finished = true;
	journal_event(r, EVENT_COMPLETED, "%lld operations", (long long)r->count);
	o = journal_commit(r, err);
	if (o != OUTCOME_OK)
		return session_settle(r, NULL, STEP_LOST, err);
	return OUTCOME_OK;
}

enum outcome forward_go(struct run *r, struct error *err)
{
	while (r->index < r->count) {
		struct act a;
		enum step_end end;
		enum outcome o;

		if (r->plan[r->index].status == OPERATION_STATUS_ROLLING_BACK) {
			o = rollback_undo_current(r, err);
			if (o != OUTCOME_OK)
				return o;
			continue;
		}
		o = plan_act(r, r->index, false, &a, err);
		if (o != OUTCOME_OK)
			return o;
		if (stop_wanted(r) ||
		    (r->options->operations_max && r->done_here >= r->options->operations_max))
			return session_settle(r, &a, STEP_STOPPED, err);
		end = step_operation(r, &a, err);
		if (end == STEP_DONE)
			o = finish_operation(r, &a, err);
		else if (end == STEP_UNDO)
			o = begin_undo(r, &a, err);
		else
			return session_settle(r, &a, end, err);
		if (o != OUTCOME_OK)
			return session_settle(r, &a, STEP_LOST, err);
	}
	return complete(r, err);
}
