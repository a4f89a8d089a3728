/* settle.c - a stop, a failure, a doubt becomes the state of the run, and an error for whoever
 * started it */
#include "vm/base/mutant.h"
#include "vm/run/block.h"
#include "vm/run/setting.h"
#include "vm/run/strand.h"

/* `stop --rollback`: what was begun is undone. */
static enum outcome settle_undone(struct run *r, struct error *err)
{
	enum outcome o;

	r->stop = (struct stop){ 0 };
	if (!rollback_possible(r, err) || doubt_close_left(r, err) != OUTCOME_OK) {
		struct error lost = { 0 };

		error_prefix(err, "stopped on request, but not rolled back: ");
		journal_migration(r, STATUS_STOPPED);
		journal_event(r, EVENT_STOPPED, "%s", err->message);
		if (journal_commit(r, &lost) != OUTCOME_OK)
			error_take(err, &lost);
		return err->outcome;
	}
	if (!mutant(MUTANT_HEARD_TWICE)) /* meanwhile */
		r->stop = (struct stop){ 0 };
	rollback_mark(r);
	r->journal.step.forget_stop = true;
	o = journal_commit(r, err);
	if (o == OUTCOME_OK)
		o = rollback_go(r, err);
	if (o != OUTCOME_OK)
		return o;
	return error_set(err, OUTCOME_STOPPED, "stopped on request and rolled back");
}

/* A worker that is told to end leaves the run to the others, as it is. */
static enum outcome settle_released(struct run *r, struct error *err)
{
	enum outcome o;

	journal_migration(r, r->status);
	r->journal.step.release = true;
	o = journal_commit(r, err);
	if (o != OUTCOME_OK)
		return o;
	return error_set(err, OUTCOME_STOPPED,
			 "left at operation %lld of %lld: another worker goes on with it",
			 (long long)r->index, (long long)r->count);
}

/* The migration itself wants it. */
static enum outcome settle_halted(struct run *r, const struct act *a, struct error *err)
{
	enum outcome o;

	journal_migration(r, STATUS_STOPPED);
	journal_instruct(r, buf_view(&r->halt));
	journal_event(r, EVENT_HALTED, "%.*s", STR_ARG(buf_view(&r->halt)));
	o = journal_commit(r, err);
	if (o != OUTCOME_OK)
		return o;
	error_set(err, OUTCOME_STOPPED, "halted in operation %lld of %lld \"%.*s\": %.*s",
		  (long long)a->index, (long long)r->count, STR_ARG(r->plan[a->index].label),
		  STR_ARG(buf_view(&r->halt)));
	error_hint(err, "when that is done, `amigrun resume %.*s` goes on", STR_ARG(r->name));
	return OUTCOME_STOPPED;
}

static enum outcome settle_stopped(struct run *r, const struct act *a, struct error *err)
{
	enum outcome o;

	error_clear(err);
	if (r->lease.lost)
		return lease_fail(r, err);
	if (r->stop.wish.rollback && r->phase != PHASE_BACKWARD)
		return settle_undone(r, err);
	if (r->halt.len)
		return settle_halted(r, a, err);
	if (r->options->release_on_signal && !r->stop.wish.requested && !mutant(MUTANT_STOPS))
		return settle_released(r, err);
	journal_migration(r, STATUS_STOPPED);
	journal_event(r, EVENT_STOPPED, "at operation %lld of %lld", (long long)r->index,
		      (long long)r->count);
	o = journal_commit(r, err);
	if (o != OUTCOME_OK)
		return o;
	error_set(err, OUTCOME_STOPPED, "stopped on request%s at operation %lld of %lld%s%.*s%s",
		  r->phase == PHASE_BACKWARD ? " while rolling back" : "", (long long)r->index,
		  (long long)r->count, a ? " \"" : "",
		  STR_ARG(a ? r->plan[a->index].label : STR("")), a ? "\"" : "");
	error_hint(err, "`amigrun resume %.*s` goes on there", STR_ARG(r->name));
	return OUTCOME_STOPPED;
}

/* Whether the instance wants failed runs undone; a setting that can't be read is no reason to undo.
 */
static bool wants_rollback(struct run *r)
{
	struct error ignored = { 0 };
	int64_t wanted;

	if (r->options->no_auto_rollback)
		return false;
	if (setting_read(r->store, SETTING_auto_rollback, &wanted, &ignored) != OUTCOME_OK)
		wanted = 0;
	error_clear(&ignored);
	return wanted;
}

/* Whether the run can be undone now: nothing of it may take effect after that. */
static bool can_undo(struct run *r, struct error *err)
{
	if (!rollback_possible(r, err))
		return false;
	return mutant(MUTANT_SICK_OPEN) || doubt_close_left(r, err) == OUTCOME_OK;
}

/* err is the failure, which is recorded, or about to be in the next commit. The run is undone now
 * if that is wanted: its outcome stays that of the failure. */
static enum outcome settle_recorded(struct run *r, bool undo, struct error *err)
{
	struct error lost = { 0 };
	enum outcome o = err->outcome;

	r->journal.step.set_finished = true;
	if (undo)
		rollback_mark(r);
	else
		journal_migration(r, STATUS_ERRORED);
	if (journal_commit(r, &lost) != OUTCOME_OK) {
		error_take(err, &lost);
		return err->outcome;
	}
	if (!undo) {
		if (!err->hint)
			error_hint(err,
				   "mend the cause, then `amigrun resume %.*s` goes on there, "
				   "`amigrun rollback %.*s` undoes it",
				   STR_ARG(r->name), STR_ARG(r->name));
		return o;
	}
	if (rollback_go(r, &lost) != OUTCOME_OK) {
		enum outcome worse = lost.outcome;

		error_prefix(&lost, "%s\n", err->message);
		error_take(err, &lost);
		return worse;
	}
	error_hint(
		err,
		"the run was rolled back; mend the cause, then `amigrun run %.*s` starts it anew",
		STR_ARG(r->name));
	return o;
}

/* err is the failure. */
static enum outcome settle_error(struct run *r, int64_t index, bool undo, struct error *err)
{
	struct error against = { 0 }, lost = { 0 };

	undo = undo && err->outcome != OUTCOME_UNREACHABLE && wants_rollback(r);
	if (undo && !can_undo(r, &against)) {
		undo = false;
		error_hint(err, "it is not rolled back: %s", against.message);
	}
	error_clear(&against);
	journal_error(r, index, err);
	journal_instruct(r, STR(""));
	journal_event(r, EVENT_ERRORED, "%s", err->message);
	if (notice_error(r, &lost) != OUTCOME_OK) {
		error_take(err, &lost);
		return err->outcome;
	}
	return settle_recorded(r, undo, err);
}

/* Whether what the store says of the failure is of a kind that is undone. */
static bool is_undoable(const struct run *r)
{
	bool of_operation = r->index < r->count &&
			    r->plan[r->index].status == OPERATION_STATUS_FAILED;

	if (r->phase == PHASE_FORWARD && block_is_at(r))
		return !r->strands || !strands_are_open(r);
	return r->phase != PHASE_BACKWARD && !finally_is_begun(r) &&
	       (of_operation || (!r->open_effect.number && !r->lanes));
}

enum outcome session_settle_owed(struct run *r, struct error *err)
{
	struct error_row *errors = NULL;
	struct error against = { 0 };
	size_t count = 0;
	bool undo = is_undoable(r) && wants_rollback(r);
	enum outcome o = store_errors(r->store, r->name, &r->arena, &errors, &count, err);

	if (o == OUTCOME_OK)
		o = notice_give_owed(r, err);
	if (o != OUTCOME_OK)
		return o;
	error_set(err, OUTCOME_FAILED, "%.*s",
		  STR_ARG(count ? errors[0].description : STR("the run had failed")));
	r->left_open = r->open_effect.number > 0;
	if (undo && !can_undo(r, &against)) {
		undo = false;
		error_hint(err, "it is not rolled back: %s", against.message);
	}
	error_clear(&against);
	return settle_recorded(r, undo, err);
}

static enum outcome settle_failed(struct run *r, const struct act *a, struct error *err)
{
	struct error lost = { 0 };

	if (a->backward)
		error_prefix(err,
			     "At operation %lld rollback failed with error:", (long long)a->index);
	else if (a->index >= r->count)
		error_prefix(err, "`%.*s` failed: ", STR_ARG(r->plan[a->index].label));
	else
		error_prefix(err, "Operation %lld \"%.*s\" failed: ", (long long)a->index,
			     STR_ARG(r->plan[a->index].label));
	if (!r->touched)
		journal_checkpoint_empty(r);
	if (journal_operation(r, a,
			      r->phase == PHASE_FORWARD && a->backward
				      ? OPERATION_STATUS_ROLLING_BACK
				      : OPERATION_STATUS_FAILED,
			      false, &lost) != OUTCOME_OK) {
		error_take(err, &lost);
		return err->outcome;
	}
	return settle_error(r, a->index, !a->backward && a->index < r->count, err);
}

static enum outcome settle_doubt(struct run *r, const struct act *a, struct error *err)
{
	struct error lost = { 0 };

	journal_error(r, a->index, err);
	journal_event(r, EVENT_IN_DOUBT, "operation %lld: %.*s", (long long)a->index,
		      STR_ARG(str_c(r->failed_query_id)));
	if (notice_error(r, &lost) != OUTCOME_OK) {
		error_take(err, &lost);
		return err->outcome;
	}
	return settle_recorded(r, false, err);
}

/*
 * A commit that failed. Mostly the store is out of reach and nothing more can be said to it. But
 * where it refused the effect that was in its transaction (a deferred constraint), nothing
 * happened, and the operation has failed like any other; or, where a stop cancelled it, is still
 * to be done.
 */
bool session_was_refused(struct run *r, const struct error *err)
{
	if (err->outcome != OUTCOME_FAILED || err->class == ERROR_UNKNOWN || !r->inside.operation)
		return false;
	journal_forget(r);
	r->index = r->durable_index;
	/* Effects of the operation that were committed before stay done. */
	r->touched = r->journal.stored_checkpoint;
	r->plan[r->inside.index].finished_at = 0;
	block_step_back(r, r->inside.index);
	request_remember_sql(r, buf_view(&r->sql), r->journal.query_id);
	return true;
}

static enum outcome settle_lost(struct run *r, struct error *err)
{
	if (!session_was_refused(r, err))
		return err->outcome;
	if (r->stop.cancelled)
		return settle_stopped(r, &r->inside, err);
	return settle_failed(r, &r->inside, err);
}

enum outcome session_settle(struct run *r, const struct act *a, enum step_end end,
			    struct error *err)
{
	switch (end) {
	case STEP_STOPPED:
		return settle_stopped(r, a, err);
	case STEP_FAILED:
		return settle_failed(r, a, err);
	case STEP_DOUBT:
		return settle_doubt(r, a, err);
	case STEP_UNHEALTHY:
		health_take(r, err);
		return settle_error(r, r->index < r->count ? r->index : -1, true, err);
	case STEP_LOST:
		return settle_lost(r, err);
	case STEP_DONE:
	case STEP_UNDO:
		break;
	}
	BUG("step end %d is nothing to settle", (int)end);
}

enum outcome session_settle_check(struct run *r, struct error *err)
{
	if (err->outcome == OUTCOME_STOPPED || r->stop.cancelled)
		return settle_stopped(r, NULL, err);
	return settle_error(r, -1, true, err);
}
