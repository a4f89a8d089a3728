/* lane_settle.c - the effects of lanes that ended together, or were open when the run was loaded */
#include "vm/base/mutant.h"
#include "vm/run/lane.h"

/* What is to be known of an effect for its doubt to be settled, of the lane that is looked at. */
static bool is_refused_late(const struct effect_row *e)
{
	return query_id_is_marked(e->query_id) || query_id_is_guarded(e->query_id);
}

static enum outcome commit(struct run *r, struct error *err)
{
	journal_checkpoint(r, r->vm);
	journal_migration(r, r->status);
	return journal_commit(r, err);
}

/* The outcome of one that ended while another one ended the lanes, as far as it is known. */
static enum outcome record(struct run *r, struct act *a, struct lane *l, struct error *err)
{
	const struct effect_row *e = &l->attempt.effect;

	lane_look_at(r, l);
	l->state = LANE_READY;
	if (l->sent == OUTCOME_OK) {
		if (l->rows >= 0)
			a->rows = (a->rows > 0 ? a->rows : 0) + l->rows;
		journal_outcome(r, e->number, e->attempt, true, l->rows, NULL);
		machine_answer(r->vm, l->rows >= 0 ? value_int(l->rows) : value_null(), STR(""));
		r->touched = true;
	} else if (l->error.class != ERROR_UNKNOWN) {
		journal_outcome(r, e->number, e->attempt, false, -1, &l->error);
	} else {
		if (!is_refused_late(e))
			lease_await_arrival(r);
		error_clear(&l->error);
		return OUTCOME_OK;
	}
	error_clear(&l->error);
	return commit(r, err);
}

/* Another one has failed, and half of this one may be there: who goes on undoes it first. */
static enum step_end leave_half(struct run *r, const struct act *a, enum step_end end,
				struct error *err)
{
	if (end != STEP_FAILED || !effect_may_be_outlived(r, a))
		return end;
	if (++r->undone_times <= a->policy.retry.times)
		return STEP_UNDO;
	return effect_end_over_half(r, err);
}

/* One that is in doubt. What is not known then stays open, and the next look at it is the
 * resume's. */
static enum step_end resolve(struct run *r, struct act *a, struct lane *l, enum step_end end,
			     struct error *err)
{
	const struct effect_row *e = &l->attempt.effect;
	struct error why = { 0 }, lost = { 0 };
	enum verdict v = l->verdict; /* found out already, if it was open when the run was loaded */

	lane_look_at(r, l);
	if (v == VERDICT_NONE) {
		doubt_fence_once(r, e, &why);
		v = doubt_resolve(r, a, e, &why);
	}
	if (v == VERDICT_DONE) {
		journal_outcome(r, e->number, e->attempt, true, -1, NULL);
		machine_run(r->vm, 0); /* to the request, where it has not come to since then */
		machine_answer(r->vm, value_null(), STR(""));
		r->touched = true;
	} else if (v == VERDICT_AGAIN) {
		r->touched = true;
		journal_outcome(r, e->number, e->attempt, false, -1, NULL);
	} else {
		if (v == VERDICT_OPEN) {
			error_prefix(&why, "%s\n", err->message ? err->message : "");
			error_take(err, &why);
			end = STEP_DOUBT;
		} else if (v == VERDICT_NONE && end != STEP_DOUBT) {
			end = STEP_STOPPED; /* and no code that outlives it goes on over it */
		} else if (v == VERDICT_UNDO) {
			end = leave_half(r, a, end, err);
		}
		error_clear(&why);
		return end;
	}
	error_clear(&why);
	if (commit(r, &lost) == OUTCOME_OK)
		return end;
	error_take(err, &lost);
	return STEP_LOST;
}

/* Whether the doubts are to be settled now: a stop leaves them to the resume. */
static bool settles_doubts(enum step_end end)
{
	switch (end) {
	case STEP_FAILED:
	case STEP_UNHEALTHY:
	case STEP_DOUBT:
		return true;
	case STEP_DONE:
	case STEP_STOPPED:
	case STEP_UNDO:
	case STEP_LOST:
		return false;
	}
	return false;
}

enum step_end lanes_settle(struct run *r, struct act *a, enum step_end end, struct error *err)
{
	struct lanes *all = r->lanes;
	struct lane *at_fault = all->looked_at;
	struct error lost = { 0 };
	enum outcome o = OUTCOME_OK;
	bool parted = false;

	/* That the operation is undone is durable before anything that is undone counts as ended:
	 * begin_undo() of forward.c, then lanes_close(). */
	if (end == STEP_LOST || end == STEP_UNDO)
		return end;
	/* What the one that ended them has in the journal goes first. */
	if (r->journal.pending)
		o = commit(r, &lost);
	for (size_t i = 0; i < all->count && o == OUTCOME_OK; i++)
		if (all->at[i].state == LANE_SENT)
			o = record(r, a, &all->at[i], &lost);
	for (size_t i = 0; i < all->count && o == OUTCOME_OK && settles_doubts(end); i++) {
		struct lane *l = &all->at[i];

		if (!l->open || (end == STEP_DOUBT && l == at_fault))
			continue;
		if (!parted)
			o = doubt_part(r, &lost);
		parted = true;
		if (o == OUTCOME_OK)
			end = resolve(r, a, l, end, err);
		if (end == STEP_LOST || end == STEP_UNDO)
			return end;
	}
	if (o == OUTCOME_OK && machine_stands(at_fault->vm)) {
		lane_look_at(r, at_fault);
		journal_checkpoint(r, r->vm);
	}
	if (o == OUTCOME_OK)
		return end;
	error_take(err, &lost);
	return STEP_LOST;
}

enum outcome lanes_close(struct run *r, struct error *err)
{
	struct lanes *all = r->lanes;
	enum outcome o = OUTCOME_OK;

	for (size_t i = 0; all && i < all->count && o == OUTCOME_OK; i++) {
		const struct effect_row *e = &all->at[i].attempt.effect;

		if (!all->at[i].open)
			continue;
		journal_outcome(r, e->number, e->attempt, false, -1, NULL);
		o = journal_commit(r, err);
	}
	lanes_free(r);
	return o;
}

enum outcome lanes_fence(struct run *r, struct error *err)
{
	enum outcome o = OUTCOME_OK;

	for (size_t i = 0; i < r->lanes->count && o == OUTCOME_OK; i++)
		if (r->lanes->at[i].open)
			o = doubt_fence_effect(r, &r->lanes->at[i].attempt.effect, err);
	return o;
}

/* ---- after a load ---- */

static const struct effect_row *find(const struct effect_row *rows, size_t count,
				     const struct effect_row *wanted)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].number == wanted->number && rows[i].attempt == wanted->attempt)
			return &rows[i];
	return NULL;
}

enum outcome lanes_load(struct run *r, struct error *err)
{
	struct effect_row *rows;
	size_t count;
	enum outcome o = store_open_effects(r->store, r->id, &r->arena, &rows, &count, err);

	r->open_effect = (struct effect_row){ 0 };
	for (size_t i = 0; i < r->lanes->count && o == OUTCOME_OK; i++) {
		struct lane *l = &r->lanes->at[i];
		const struct effect_row *row = find(rows, count, &l->attempt.effect);

		if (!l->open)
			continue;
		if (!row)
			return error_set(err, OUTCOME_DAMAGED,
					 "the checkpoint says that effect %lld is under way, and "
					 "the journal does not",
					 (long long)l->attempt.effect.number);
		l->attempt.effect = *row;
		r->open_effect = *row;
	}
	return o;
}

enum verdict lanes_resolve_loaded(struct run *r, struct act *a, struct error *err)
{
	for (size_t i = 0; i < r->lanes->count; i++) {
		struct lane *l = &r->lanes->at[i];
		const struct effect_row *e = &l->attempt.effect;

		if (!l->open)
			continue;
		lane_look_at(r, l);
		if (doubt_await_target(r, a, e, err) == STEP_STOPPED)
			return VERDICT_NONE;
		l->verdict = mutant(MUTANT_LANE_VERDICT) && i ? r->lanes->at[0].verdict
							      : doubt_resolve(r, a, e, err);
		r->open_effect = *e;
		if (l->verdict != VERDICT_DONE && l->verdict != VERDICT_AGAIN)
			return l->verdict;
	}
	return VERDICT_DONE;
}
