/* step.c - one operation in one direction: the machine computes, what it asks for is answered */
#include "vm/base/mutant.h"
#include "vm/base/os.h"
#include "vm/run/ahead.h"
#include "vm/run/copy.h"
#include "vm/run/host.h"
#include "vm/run/lane.h"

#define FUEL 10000000

/* A wait goes on where it was: when it ends is durable before it begins. */
static enum step_end rest(struct run *r, struct act *a, struct error *err)
{
	int64_t since_ms = os_monotonic_ms();
	enum step_end end;

	if (journal_operation(r, a,
			      a->backward ? OPERATION_STATUS_ROLLING_BACK
					  : OPERATION_STATUS_RUNNING,
			      false, err) != OUTCOME_OK)
		return STEP_LOST;
	journal_checkpoint(r, r->vm);
	journal_migration(r, r->status);
	if (journal_commit(r, err) != OUTCOME_OK)
		return STEP_LOST;
	a->begun = true;
	end = request_answer(r, r->vm, a->index, &a->policy, err) == OUTCOME_OK ? STEP_DONE
										: STEP_STOPPED;
	window_rests(r, os_monotonic_ms() - since_ms);
	return end;
}

void step_outlive(struct run *r, struct error *err)
{
	/* The code's own failure in a `transaction` is caught as what it was. */
	const char *class = transaction_failed_as(r, err);

	lanes_free(r);
	session_tell(r, EVENT_CAUGHT, STR(""), str_c(err->message));
	machine_answer_failure(r->vm, str_c(class), str_c(err->code),
			       str_c(err->message));
	error_clear(err);
	journal_after(r);
}

static bool is_effect(enum opcode op)
{
	return op == OP_EXEC || op == OP_COPY || op == OP_HTTP || op == OP_TRANSACTION;
}

/* A window that was found already: what was done is committed with what is done in it. */
static bool is_at_hand(struct run *r, const struct machine_request *q)
{
	return q->op == OP_WINDOW && ahead_has_window(r) && !window_is_paused(r);
}

static enum step_end answer(struct run *r, struct act *a, struct error *err)
{
	const struct machine_request *q = machine_request(r->vm);

	if (is_effect(q->op))
		return step_effect(r, a, err);
	if (q->op == OP_SLEEP)
		return rest(r, a, err);
	if (q->op == OP_UNLOCK) {
		lock_give_back(r);
		return STEP_DONE;
	}
	if (!request_is_quick(q) && !is_at_hand(r, q) && step_commit(r, err) != OUTCOME_OK)
		return STEP_LOST;
	if (q->op == OP_LOCK)
		return lock_take(r, a, err);
	if (q->op == OP_HALT)
		return halt_stop(r, a, err);
	if (q->op == OP_SET_SETTING)
		return set_change(r, a, err);
	if (q->op == OP_APPROVAL)
		return approval_wait(r, a, err);
	if (q->op == OP_WINDOW && !window_may_come(r)) {
		journal_checkpoint(r, r->vm);
		return STEP_STOPPED;
	}
	if (q->op == OP_WINDOW && lanes_possible(r, a))
		return lanes_go(r, a, err);
	if (request_answer(r, r->vm, a->index, &a->policy, err) == OUTCOME_OK)
		return STEP_DONE;
	journal_checkpoint_after(r);
	return r->stop.cancelled ? STEP_STOPPED : STEP_FAILED;
}

/* What came of an answer when a healthcheck has failed. A doubt and an undoing come first. */
static enum step_end end_unhealthy(struct run *r, enum step_end end, struct error *err)
{
	switch (end) {
	case STEP_DONE:
		journal_checkpoint(r, r->vm);
		return STEP_UNHEALTHY;
	case STEP_STOPPED:
		/* What `halt` says is not said twice. */
		return r->halt.len ? end : STEP_UNHEALTHY;
	case STEP_FAILED:
	case STEP_UNHEALTHY:
		return STEP_UNHEALTHY;
	case STEP_DOUBT:
		error_prefix(err, "%s\n", r->health.error.message);
		return end;
	case STEP_UNDO:
	case STEP_LOST:
		return end;
	}
	BUG("step end %d", (int)end);
}

/* A failure in a window that is caught around all of them leaves them. */
static enum step_end end_lanes(struct run *r, const struct act *a, enum step_end end,
			       struct error *err)
{
	if (step_is_unhealthy(r, a))
		return end_unhealthy(r, end, err);
	if (end != STEP_FAILED || !machine_outlives(r->vm))
		return end;
	step_outlive(r, err);
	return STEP_DONE;
}

/* Answers what the machine asks, and says whether it goes on. */
static enum step_end go(struct run *r, struct act *a, struct error *err)
{
	enum opcode op = machine_request(r->vm)->op;
	uint32_t need = copy_need(machine_request(r->vm));
	enum step_end end = answer(r, a, err);

	if (end == STEP_DONE && (is_effect(op) || op == OP_LOCK))
		buf_reset(&r->window.given.before);
	if (end == STEP_DONE && !a->backward)
		health_watch(r);
	if (step_is_unhealthy(r, a))
		return end_unhealthy(r, end, err);
	if (end == STEP_FAILED && is_effect(op) && op != OP_HTTP &&
	    window_halve(r, session_at(r, host_place(r, need))->kind, err))
		return STEP_DONE;
	if (end != STEP_FAILED || !machine_outlives(r->vm))
		return end;
	step_outlive(r, err);
	return STEP_DONE;
}

enum outcome step_restore(struct run *r, struct str checkpoint, struct error *err)
{
	lanes_free(r);
	return lanes_are_in(checkpoint) ? lanes_restore(r, checkpoint, err)
					: machine_restore(r->vm, checkpoint, err);
}

static enum outcome begin(struct run *r, struct act *a, struct error *err)
{
	const struct value *captures;
	enum outcome o;

	r->share = 0;
	buf_reset(&r->window.given.before);
	a->attempts += !a->backward;
	r->locks.depth = 0;
	if (r->checkpoint.len) {
		r->locks.depth = r->locks.stored;
		/* Of lanes that were loaded it is known already what became of their effects. */
		o = r->lanes ? OUTCOME_OK : step_restore(r, r->checkpoint, err);
		r->checkpoint = (struct str){ 0 };
		a->begun = true;
		r->touched = true;
		return o;
	}
	r->touched = false;
	lanes_free(r);
	o = plan_captures(r, &r->plan[a->index], &captures, err);
	if (o == OUTCOME_OK)
		machine_start(r->vm, a->function, captures);
	return o;
}

static enum step_end go_through(struct run *r, struct act *a, struct error *err)
{
	enum step_end end;

	if (begin(r, a, err) != OUTCOME_OK)
		return STEP_LOST;
	session_tell(r, EVENT_OPERATION_BEGUN, r->plan[a->index].label, STR(""));
	end = lock_regain(r, err);
	if (end != STEP_DONE)
		return step_is_unhealthy(r, a) ? end_unhealthy(r, end, err) : end;
	if (r->lanes) {
		end = end_lanes(r, a, lanes_go(r, a, err), err);
		if (end != STEP_DONE)
			return end;
	}
	for (;;) {
		switch (machine_run(r->vm, FUEL)) {
		case MACHINE_RETURNED:
			return STEP_DONE;
		case MACHINE_FAILED:
			journal_checkpoint_after(r);
			request_machine_failure(r, r->vm, err);
			return STEP_FAILED;
		case MACHINE_PAUSED:
			if (journal_settled(r, err) != OUTCOME_OK)
				return STEP_LOST;
			if (!stop_wanted(r))
				continue;
			journal_checkpoint(r, r->vm);
			return STEP_STOPPED;
		case MACHINE_ASKS:
			end = go(r, a, err);
			if (end != STEP_DONE)
				return end;
			continue;
		case MACHINE_IDLE:
			break;
		}
		BUG("the machine is idle in the middle of operation %lld", (long long)a->index);
	}
}

enum step_end step_operation(struct run *r, struct act *a, struct error *err)
{
	const struct run_host *before = host_enter(r, a->index);
	enum step_end end = go_through(r, a, err);

	ahead_drop(r);
	r->here = before;
	return end;
}
