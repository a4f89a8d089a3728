/* forward.c - through the plan from the current operation to the end, and what a stop or a failure
 * makes of the run */
#include "vm/run/block.h"
#include "vm/run/forward.h"
#include "vm/run/lane.h"
#include "vm/run/strand.h"

#define FAILED_SHOWN 20

enum outcome forward_finish(struct run *r, struct act *a, struct error *err)
{
	enum outcome o;

	block_step(r, a->index);
	o = journal_operation(r, a, OPERATION_STATUS_DONE, true, err);
	if (o != OUTCOME_OK)
		return o;
	journal_checkpoint_empty(r);
	session_tell(r, EVENT_OPERATION_DONE, r->plan[a->index].label, STR(""));
	r->share = 0;
	r->done_here++;
	r->undone_times = 0;
	r->touched = false;
	journal_migration(r, r->status);
	if (r->strands)
		return journal_commit(r, err);
	/* The end of the last operation waits for the end of the run. */
	if (r->journal.in_transaction && r->index < r->count)
		return journal_commit_later(r, err);
	return OUTCOME_OK;
}

/* An effect is in doubt: that the operation is to be undone first is durable before it is. */
enum outcome forward_begin_undo(struct run *r, struct act *a, struct error *err)
{
	enum outcome o = journal_operation(r, a, OPERATION_STATUS_ROLLING_BACK, false, err);

	if (o != OUTCOME_OK)
		return o;
	journal_checkpoint_empty(r);
	error_clear(err);
	o = journal_commit(r, err);
	return o == OUTCOME_OK && r->lanes ? lanes_close(r, err) : o;
}

static bool has_checks(const struct run *r, enum check_kind kind)
{
	for (uint32_t i = 0; i < r->module.check_count; i++)
		if (r->module.checks[i].kind == kind)
			return true;
	return false;
}

bool forward_passes_over(const struct act *a, const struct error *err)
{
	return a->operation->flags & OPERATION_CONTINUE_ON_ERROR && err->outcome == OUTCOME_FAILED;
}

/* `continue on error`: what failed for good is kept, and the run goes on behind it. */
enum outcome forward_pass_over(struct run *r, struct act *a, struct error *err)
{
	enum outcome o;

	error_prefix(err, "Operation %lld \"%.*s\" failed: ", (long long)a->index,
		     STR_ARG(r->plan[a->index].label));
	journal_error(r, a->index, err);
	journal_event(r, EVENT_OPERATION_FAILED, "%s", err->message);
	error_clear(err);
	block_step(r, a->index);
	o = journal_operation(r, a, OPERATION_STATUS_FAILED, false, err);
	if (o != OUTCOME_OK)
		return o;
	journal_checkpoint_empty(r);
	r->share = 0;
	r->done_here++;
	r->undone_times = 0;
	r->touched = false;
	journal_migration(r, r->status);
	return journal_commit(r, err);
}

/* The operations that failed and were passed over, for people. */
static void print_failed(const struct run *r, struct buf *out)
{
	int64_t count = 0;

	for (int64_t i = 0; i < r->count; i++) {
		if (r->plan[i].status != OPERATION_STATUS_FAILED)
			continue;
		if (count < FAILED_SHOWN)
			buf_format(out, "%s%lld \"%.*s\"", count ? ", " : ", but these failed: ",
				   (long long)i, STR_ARG(r->plan[i].label));
		count++;
	}
	if (count > FAILED_SHOWN)
		buf_format(out, " and %lld more", (long long)(count - FAILED_SHOWN));
}

/* What ended the run's way, or *again true: it goes on. A commit that was refused because of an
 * operation that may fail is that operation's failure. */
static enum outcome lost(struct run *r, bool *again, struct error *err)
{
	struct act a = r->inside;

	if (transaction_goes_again(r, err)) {
		*again = effect_wait(r, &a, r->transaction.refused, err) == STEP_DONE;
		return *again ? OUTCOME_OK : session_settle(r, &a, STEP_STOPPED, err);
	}
	if (!a.operation || !forward_passes_over(&a, err) || r->stop.cancelled ||
	    !session_was_refused(r, err))
		return session_settle(r, NULL, STEP_LOST, err);
	*again = forward_pass_over(r, &a, err) == OUTCOME_OK;
	return *again ? OUTCOME_OK : session_settle(r, NULL, STEP_LOST, err);
}

static enum outcome check(struct run *r, bool *again, struct error *err)
{
	enum outcome o = OUTCOME_OK;

	if (!r->options->skip_postchecks && has_checks(r, CHECK_POST)) {
		journal_migration(r, r->status);
		journal_phase(r, PHASE_POSTCHECK);
		o = journal_commit(r, err);
		if (o != OUTCOME_OK)
			return lost(r, again, err);
		o = evaluate_checks(r, CHECK_POST, "Postcheck", err);
		if (o != OUTCOME_OK && health_is_bad(r))
			return session_settle(r, NULL, STEP_UNHEALTHY, err);
		if (o != OUTCOME_OK)
			return session_settle_check(r, err);
	}
	return o;
}

/* `finally`, and `on complete`. */
static enum outcome come_to_end(struct run *r, bool fresh, bool *again, struct error *err)
{
	struct act a;
	enum step_end end = finally_go(r, &a, fresh, err);

	if (end == STEP_DONE)
		end = notice_complete(r, &a, err);
	if (end == STEP_DONE)
		return OUTCOME_OK;
	return end == STEP_LOST ? lost(r, again, err) : session_settle(r, &a, end, err);
}

static enum outcome complete(struct run *r, bool *again, struct error *err)
{
	struct buf failed = { 0 };
	bool checked = finally_is_begun(r);
	enum outcome o = checked ? OUTCOME_OK : check(r, again, err);

	if (o == OUTCOME_OK && !*again)
		o = come_to_end(r, !checked, again, err);
	if (o != OUTCOME_OK || *again)
		return o;
	journal_migration(r, STATUS_COMPLETED);
	journal_phase(r, PHASE_ENDED);
	r->journal.step.set_finished = true;
	print_failed(r, &failed);
	journal_event(r, EVENT_COMPLETED, "%lld operations%.*s", (long long)r->count,
		      STR_ARG(buf_view(&failed)));
	buf_clear(&failed);
	o = journal_commit(r, err);
	return o == OUTCOME_OK ? o : lost(r, again, err);
}

/* The operations at the index that go at once. */
static enum outcome go_at_once(struct run *r, bool *again, struct error *err)
{
	struct act a;
	enum step_end end = strands_go(r, &a, err);

	*again = end == STEP_DONE;
	if (*again)
		return OUTCOME_OK;
	if (end == STEP_LOST)
		r->inside = (struct act){ 0 };
	return session_settle(r, &a, end, err);
}

/* The operation at the index. *again: the run goes on behind it. */
static enum outcome go(struct run *r, bool *again, struct error *err)
{
	struct act a;
	enum step_end end;
	enum outcome o = plan_act(r, r->index, false, &a, err);

	if (o != OUTCOME_OK)
		return o;
	if (stop_wanted(r) ||
	    (r->options->operations_max && r->done_here >= r->options->operations_max))
		return session_settle(r, &a, STEP_STOPPED, err);
	health_watch(r);
	if (health_is_bad(r)) {
		o = journal_settled(r, err);
		return o == OUTCOME_OK ? session_settle(r, &a, STEP_UNHEALTHY, err)
				       : lost(r, again, err);
	}
	end = step_operation(r, &a, err);
	if (end == STEP_DONE)
		o = forward_finish(r, &a, err);
	else if (end == STEP_UNDO)
		o = forward_begin_undo(r, &a, err);
	else if (end == STEP_FAILED && forward_passes_over(&a, err))
		o = forward_pass_over(r, &a, err);
	else
		return end == STEP_LOST ? lost(r, again, err) : session_settle(r, &a, end, err);
	*again = o == OUTCOME_OK;
	return *again ? o : lost(r, again, err);
}

enum outcome forward_go(struct run *r, struct error *err)
{
	enum outcome o;
	bool again;

	do {
		again = false;
		if (r->index == r->count) {
			o = complete(r, &again, err);
		} else if (block_is_at(r)) {
			o = go_at_once(r, &again, err);
		} else if (r->plan[r->index].status == OPERATION_STATUS_ROLLING_BACK) {
			o = rollback_undo_current(r, err);
			again = o == OUTCOME_OK;
		} else {
			o = go(r, &again, err);
		}
	} while (again);
	return o;
}
