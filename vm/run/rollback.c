/* rollback.c - back through the plan from the current operation, which may be half done, to the
 * first */
#include "vm/base/mutant.h"
#include "vm/run/block.h"
#include "vm/run/lane.h"
#include "vm/run/strand.h"

/* Whether an operation from the index down, or of the block there, may have changed something. */
static bool is_touched(const struct run *r, int64_t index)
{
	if (r->plan[index].block)
		return strands_have_touched(r, index);
	return index != r->index || r->touched;
}

bool rollback_possible(const struct run *r, struct error *err)
{
	int64_t begin, end = r->count;

	if (r->index < r->count)
		block_of(r, r->index, &begin, &end);
	for (int64_t i = end - 1; i >= 0; i--) {
		const struct operation *op = &r->module.operations[r->plan[i].operation];

		if (op->rollback_kind != ROLLBACK_IRREVERSIBLE || !is_touched(r, i))
			continue;
		error_set(err, OUTCOME_NOT_NOW, "operation %lld \"%.*s\" is irreversible: %.*s",
			  (long long)i, STR_ARG(r->plan[i].label), STR_ARG(op->rollback_why));
		return false;
	}
	return true;
}

bool rollback_is_of_current(const struct run *r)
{
	return r->index < r->count &&
	       (r->phase == PHASE_BACKWARD ||
		r->plan[r->index].status == OPERATION_STATUS_ROLLING_BACK);
}

void rollback_mark(struct run *r)
{
	r->health.state = HEALTH_OFF;
	/* What was found out of the effect that was open is of the forward's; the rollback's own
	 * first effect must not be taken for it. */
	if (r->verdict != VERDICT_NONE && !r->strands)
		journal_outcome(r, r->open_effect.number, r->open_effect.attempt,
				r->verdict == VERDICT_DONE, -1, NULL);
	if (!mutant(MUTANT_OLD_VERDICT) && !r->strands)
		r->verdict = VERDICT_NONE;
	buf_reset(&r->halt);
	r->index = block_undo_first(r);
	r->checkpoint = (struct str){ 0 };
	r->share = 0;
	if (r->index < 0)
		r->index = 0;
	journal_migration(r, STATUS_ROLLING_BACK);
	journal_phase(r, PHASE_BACKWARD);
	journal_instruct(r, STR(""));
	if (r->strands)
		r->strands->undone = true;
	journal_checkpoint_empty(r);
	journal_event(r, EVENT_ROLLBACK_STARTED, "from operation %lld", (long long)r->index);
}

static enum outcome finish(struct run *r, struct act *a, struct error *err)
{
	enum outcome o = journal_operation(r, a, OPERATION_STATUS_ROLLED_BACK, true, err);
	int64_t next = block_undo_next(r, a->index);

	if (o != OUTCOME_OK)
		return o;
	set_restore(r, a);
	journal_checkpoint_empty(r);
	session_tell(r, EVENT_OPERATION_DONE, r->plan[a->index].label, STR(""));
	r->done_here++;
	r->share = 0;
	r->touched = false;
	/* The end of the last one waits for the end of the rollback. */
	if (next < 0)
		return OUTCOME_OK;
	r->index = next;
	journal_migration(r, STATUS_ROLLING_BACK);
	return r->journal.in_transaction || r->sets ? journal_commit(r, err) : OUTCOME_OK;
}

static enum outcome end(struct run *r, struct error *err)
{
	r->index = 0;
	r->share = 0;
	journal_migration(r, STATUS_ROLLED_BACK);
	r->journal.step.progress = 0;
	journal_phase(r, PHASE_ENDED);
	r->journal.step.set_finished = true;
	journal_event(r, EVENT_ROLLED_BACK, "%lld operations in the plan", (long long)r->count);
	return journal_commit(r, err);
}

enum outcome rollback_go(struct run *r, struct error *err)
{
	bool at_end = finally_is_begun(r);
	enum step_end last;
	struct act a;

	if (r->lanes && lanes_close(r, err) != OUTCOME_OK)
		return session_settle(r, NULL, STEP_LOST, err);
	if (r->strands && strands_close(r, err) != OUTCOME_OK)
		return session_settle(r, NULL, STEP_LOST, err);
	for (int64_t i = at_end ? -1 : block_undo_first(r); i >= 0; i = block_undo_next(r, i)) {
		enum step_end how = STEP_DONE;
		enum outcome o = plan_act(r, i, true, &a, err);

		if (o != OUTCOME_OK)
			return o;
		if (stop_wanted(r) ||
		    (r->options->operations_max && r->done_here >= r->options->operations_max))
			return session_settle(r, &a, STEP_STOPPED, err);
		if (a.operation->rollback_kind == ROLLBACK_CODE)
			how = step_operation(r, &a, err);
		if (how != STEP_DONE)
			return session_settle(r, &a, how, err);
		o = finish(r, &a, err);
		if (o != OUTCOME_OK)
			return session_settle(r, &a, STEP_LOST, err);
	}
	last = mutant(MUTANT_NO_FINALLY) ? STEP_DONE : finally_go(r, &a, !at_end, err);
	if (last != STEP_DONE)
		return session_settle(r, last == STEP_LOST ? NULL : &a, last, err);
	if (end(r, err) != OUTCOME_OK)
		return session_settle(r, NULL, STEP_LOST, err);
	return OUTCOME_OK;
}

enum outcome rollback_undo_current(struct run *r, struct error *err)
{
	struct act a;
	enum step_end how = STEP_DONE;
	enum outcome o = plan_act(r, r->index, true, &a, err);

	if (o != OUTCOME_OK)
		return o;
	r->health.held = true;
	if (a.operation->rollback_kind == ROLLBACK_CODE)
		how = step_operation(r, &a, err);
	r->health.held = false;
	if (how != STEP_DONE)
		return session_settle(r, &a, how, err);
	o = journal_operation(r, &a, OPERATION_STATUS_PENDING, false, err);
	if (o != OUTCOME_OK)
		return o;
	set_restore(r, &a);
	journal_checkpoint_empty(r);
	r->touched = false;
	if (journal_commit(r, err) != OUTCOME_OK)
		return session_settle(r, &a, STEP_LOST, err);
	return OUTCOME_OK;
}
