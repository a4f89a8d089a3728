/* strand.c - the operations of a block, each carried out by whichever strand is free */
#include "vm/base/mutant.h"
#include "vm/base/os.h"
#include "vm/run/block.h"
#include "vm/run/forward.h"
#include "vm/run/gauge.h"
#include "vm/run/host.h"
#include "vm/run/strand.h"

#include <signal.h>

/* ---- one operation ---- */

/* An effect of it is in doubt and it wants to be undone and begun anew. */
static enum step_end undo(struct run *r, struct strand *s, struct error *err)
{
	enum step_end end = STEP_DONE;

	if (plan_act(r, s->act.index, true, &s->act, err) != OUTCOME_OK)
		return STEP_LOST;
	s->all->undoing++;
	r->health.held = true;
	if (s->act.operation->rollback_kind == ROLLBACK_CODE)
		end = step_operation(r, &s->act, err);
	r->health.held = --s->all->undoing > 0;
	if (end != STEP_DONE)
		return end;
	if (journal_operation(r, &s->act, OPERATION_STATUS_PENDING, false, err) != OUTCOME_OK)
		return STEP_LOST;
	set_restore(r, &s->act);
	journal_checkpoint_empty(r);
	r->touched = false;
	return journal_commit(r, err) == OUTCOME_OK ? STEP_UNDO : STEP_LOST;
}

static enum step_end forward(struct run *r, struct strand *s, struct error *err)
{
	enum step_end end;
	enum outcome o = plan_act(r, s->act.index, false, &s->act, err);

	if (o != OUTCOME_OK)
		return STEP_LOST;
	end = step_operation(r, &s->act, err);
	if (end == STEP_FAILED && forward_passes_over(&s->act, err)) {
		o = forward_pass_over(r, &s->act, err);
		end = STEP_DONE;
	} else if (end == STEP_DONE) {
		o = forward_finish(r, &s->act, err);
	} else if (end == STEP_UNDO) {
		o = forward_begin_undo(r, &s->act, err);
	}
	return o == OUTCOME_OK ? end : STEP_LOST;
}

/* A commit that was refused because of the effect in it: nothing has happened. */
static enum step_end refused(struct run *r, struct strand *s, struct error *err)
{
	if (r->inside.index != s->act.index || !session_was_refused(r, err))
		return STEP_LOST;
	r->touched = s->durable.len > 0;
	if (r->stop.cancelled)
		return STEP_STOPPED;
	if (!forward_passes_over(&s->act, err))
		return STEP_FAILED;
	return forward_pass_over(r, &s->act, err) == OUTCOME_OK ? STEP_DONE : STEP_LOST;
}

/* What it has in the journal when it ends: where it is to be resumed. */
static enum step_end leave(struct run *r, enum step_end end, struct error *err)
{
	struct error lost = { 0 };

	if (end == STEP_DONE || end == STEP_LOST || !r->journal.pending ||
	    journal_commit(r, &lost) == OUTCOME_OK)
		return end;
	error_take(err, &lost);
	return STEP_LOST;
}

static void carry_out(struct run *r, struct strand *s)
{
	enum step_end end;

	do {
		if (r->plan[s->act.index].status == OPERATION_STATUS_ROLLING_BACK)
			end = undo(r, s, &s->error);
		else
			end = forward(r, s, &s->error);
	} while (end == STEP_UNDO);
	if (end == STEP_LOST)
		end = refused(r, s, &s->error);
	s->end = leave(r, end, &s->error);
	if (s->end == STEP_DONE) {
		r->share = 0;
		s->has_act = false;
		return;
	}
	s->all->ending = true;
}

/* ---- one strand ---- */

static void enter(struct run *r, struct strand *s, int64_t index)
{
	struct strands *all = s->all;

	all->given[index - all->begin] = true;
	s->act = (struct act){ .index = index };
	s->has_act = true;
	r->undone_times = 0;
	r->verdict = VERDICT_NONE;
	r->open_effect = (struct effect_row){ 0 };
	r->checkpoint = (struct str){ 0 };
	buf_reset(&s->saved);
	buf_reset(&s->durable);
	for (size_t i = 0; i < all->loaded_count; i++) {
		struct loaded *l = &all->loaded[i];

		if (l->index != index)
			continue;
		l->taken = true;
		r->open_effect = l->open;
		r->verdict = l->verdict;
		buf_str(&s->saved, buf_view(&l->machine));
		buf_str(&s->durable, buf_view(&l->machine));
		r->checkpoint = buf_view(&l->machine);
	}
}

/* The next operation for it. false: there is none, or no more is begun. */
static bool next(struct run *r, struct strand *s)
{
	const struct strands *all = s->all;
	int64_t under_way = 1;

	for (size_t i = 0; i < all->count; i++)
		under_way += all->at[i].has_act;
	if (all->ending || stop_wanted(r) || health_is_bad(r) ||
	    (r->options->operations_max && r->done_here + under_way > r->options->operations_max))
		return false;
	for (int64_t i = r->index; i < all->end; i++)
		if (i >= all->begin && !all->given[i - all->begin] && !r->plan[i].completion) {
			enter(r, s, i);
			return true;
		}
	return false;
}

static void *body(void *arg)
{
	struct strand *s = arg;
	struct strands *all = s->all;

	turn_take(all, s);
	while (s->end == STEP_DONE && next(all->r, s))
		carry_out(all->r, s);
	pthread_mutex_lock(&all->lock);
	all->over++;
	pthread_mutex_unlock(&all->lock);
	turn_give(all);
	return NULL;
}

/* While it is away: how far its effect has come is asked by its own thread, if nobody has the
 * turn. */
static enum watch_wish ask(void *context)
{
	struct strand *s = context;

	if (atomic_load(&s->all->cancel))
		return WATCH_CANCEL;
	if (s->mine.gauge.c && turn_try(s)) {
		gauge_watch(s->all->r);
		turn_give(s->all);
	}
	return WATCH_GO_ON;
}

/* ---- all of them ---- */

/* Signals are the run's own thread's to hear. */
static void launch(struct strand *s)
{
	sigset_t every, before;

	s->watch = (struct watch){ ask, s };
	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	s->has_thread = pthread_create(&s->thread, NULL, body, s) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!s->has_thread)
		s->all->over++;
}

static int64_t left_in(const struct strands *all)
{
	int64_t left = 0;

	for (int64_t i = all->begin; i < all->end; i++)
		left += !all->r->plan[i].completion;
	return left;
}

/* No thread can be started: one operation after the other. */
static void carry_out_here(struct strands *all)
{
	session_tell(all->r, EVENT_LOGGED, STR(""),
		     STR("the operations go one after the other: no thread can be started"));
	all->over--;
	all->at[0].watch = all->r->watch;
	turn_give(all);
	body(&all->at[0]);
	turn_take(all, NULL);
}

static void lead(struct run *r)
{
	struct strands *all = r->strands;
	int64_t wanted = r->plan[r->index].at_once, left = left_in(all);

	for (int64_t i = 0; i < wanted && i < left; i++)
		launch(strands_add(r, all));
	if (all->over == all->count)
		carry_out_here(all);
	while (all->over < all->count) {
		if (stop_watch(r) != WATCH_GO_ON)
			atomic_store(&all->cancel, true);
		turn_pass(all);
	}
	for (size_t i = 0; i < all->count; i++)
		if (all->at[i].has_thread) {
			pthread_join(all->at[i].thread, NULL);
			all->at[i].has_thread = false;
		}
	all->ending = false;
}

/* How much it matters how one ended, where several did. */
static int gravity(enum step_end end)
{
	switch (end) {
	case STEP_LOST:
		return 5;
	case STEP_DOUBT:
		return 4;
	case STEP_FAILED:
		return 3;
	case STEP_UNHEALTHY:
		return 2;
	case STEP_STOPPED:
		return 1;
	case STEP_DONE:
	case STEP_UNDO:
		return 0;
	}
	return 0;
}

static struct strand *cause_of(struct strands *all)
{
	struct strand *worst = NULL;

	for (size_t i = 0; i < all->count; i++)
		if (gravity(all->at[i].end) > (worst ? gravity(worst->end) : 0))
			worst = &all->at[i];
	return worst;
}

/* Besides the one that is told by whoever asked for the run. */
static enum outcome record(struct run *r, struct strand *s, struct error *err)
{
	struct error *why = &s->error;
	enum outcome o = OUTCOME_OK;

	error_prefix(why, "Operation %lld \"%.*s\" failed too: ", (long long)s->act.index,
		     STR_ARG(r->plan[s->act.index].label));
	turn_give(r->strands);
	turn_take(r->strands, s);
	journal_error(r, s->act.index, why);
	journal_event(r, EVENT_OPERATION_FAILED, "%s", why->message);
	if (s->end == STEP_FAILED) {
		if (!r->touched)
			journal_checkpoint_empty(r);
		o = journal_operation(r, &s->act,
				      s->act.backward ? OPERATION_STATUS_ROLLING_BACK
						      : OPERATION_STATUS_FAILED,
				      false, err);
	}
	return o == OUTCOME_OK ? journal_commit(r, err) : o;
}

/* All have come to rest, and not all are over: the run is as if *a had been alone. */
static enum step_end settle(struct run *r, struct act *a, struct error *err)
{
	struct strands *all = r->strands;
	struct strand *cause = cause_of(all);
	enum outcome o = OUTCOME_OK;

	for (size_t i = 0; cause && i < all->count && o == OUTCOME_OK; i++)
		if (&all->at[i] != cause && cause->end != STEP_LOST &&
		    gravity(all->at[i].end) >= gravity(STEP_FAILED))
			o = record(r, &all->at[i], err);
	if (o != OUTCOME_OK)
		return STEP_LOST;
	turn_give(all);
	turn_take(all, cause);
	if (cause) {
		*a = cause->act;
		error_take(err, &cause->error);
		return cause->end;
	}
	/* What is to be undone first is so still. */
	if (plan_act(r, r->index, r->plan[r->index].status == OPERATION_STATUS_ROLLING_BACK, a,
		     err) != OUTCOME_OK)
		return STEP_LOST;
	return health_is_bad(r) && !r->stop.cancelled ? STEP_UNHEALTHY : STEP_STOPPED;
}

enum step_end strands_go(struct run *r, struct act *a, struct error *err)
{
	int64_t end;

	if (journal_commit(r, err) != OUTCOME_OK)
		return STEP_LOST;
	r->inside = (struct act){ .index = -1 };
	end = (r->strands ? r->strands : strands_new(r))->end;
	lead(r);
	if (r->index < end)
		return settle(r, a, err);
	strands_free(r);
	return STEP_DONE;
}

int64_t strands_index(const struct run *r)
{
	const struct strand *s = r->strands ? r->strands->holder : NULL;

	return s && s->has_act ? s->act.index : r->index;
}

double strands_share(const struct run *r)
{
	const struct strands *all = r->strands;
	double share = 0;

	for (size_t i = 0; all && i < all->count; i++) {
		const struct strand *s = &all->at[i];
		double one = s == all->holder ? r->share : s->mine.share;
		const int64_t *before = r->progress.before;

		if (s->has_act && one > 0)
			share += (one < 1 ? one : 1) *
				 (double)(before[s->act.index + 1] - before[s->act.index]);
	}
	return share;
}
