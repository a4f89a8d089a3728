/* strand_settle.c - the effects of strands that are open: when the run was loaded, and when what
 * was begun is undone */
#include "vm/base/mutant.h"
#include "vm/run/block.h"
#include "vm/run/strand.h"

/* ---- after a load ---- */

static enum outcome disagree(const struct effect_row *e, const char *why, struct error *err)
{
	return error_set(err, OUTCOME_DAMAGED, "effect %lld is open for operation %lld, %s",
			 (long long)e->number, (long long)e->operation_index, why);
}

static struct loaded *find(struct strands *all, int64_t index)
{
	for (size_t i = 0; i < all->loaded_count; i++)
		if (all->loaded[i].index == index)
			return &all->loaded[i];
	if (all->loaded_count == AT_ONCE_MAX)
		return NULL;
	all->loaded[all->loaded_count] = (struct loaded){ .index = index };
	return &all->loaded[all->loaded_count++];
}

static enum outcome add(struct run *r, const struct effect_row *e, struct error *err)
{
	struct loaded *l = find(r->strands ? r->strands : strands_new(r), e->operation_index);

	if (!l)
		return disagree(e, "and more are open than go at once", err);
	if (l->open.number)
		return disagree(e, "and another one is too", err);
	if (r->phase == PHASE_FORWARD && r->plan[e->operation_index].completion)
		return disagree(e, "which has come to its end", err);
	l->open = *e;
	return OUTCOME_OK;
}

enum outcome strands_load(struct run *r, struct error *err)
{
	struct effect_row *rows;
	size_t count;
	enum outcome o = store_open_effects(r->store, r->id, &r->arena, &rows, &count, err);

	for (size_t i = 0; i < count && o == OUTCOME_OK; i++) {
		if (rows[i].number == r->open_effect.number)
			r->open_effect = (struct effect_row){ 0 };
		/* The rollback's own, one after the other as what stands alone: its code is in the
		 * checkpoint. Else it is of an operation that was to begin anew. */
		if (r->phase == PHASE_BACKWARD && rows[i].backward &&
		    (r->checkpoint.len || mutant(MUTANT_OLD_UNDO)))
			r->open_effect = rows[i];
		else
			o = add(r, &rows[i], err);
	}
	return o;
}

static bool comes_late(const struct effect_row *e)
{
	return e->number && !query_id_is_marked(e->query_id) && !query_id_is_guarded(e->query_id);
}

bool strands_are_open(const struct run *r)
{
	for (size_t i = 0; i < r->strands->loaded_count; i++)
		if (r->strands->loaded[i].open.number)
			return true;
	return false;
}

bool strands_are_on_their_way(const struct run *r)
{
	for (size_t i = 0; i < r->strands->loaded_count; i++)
		if (comes_late(&r->strands->loaded[i].open))
			return true;
	return false;
}

/* Ends the effect of an operation that is being undone. */
static enum outcome close_undone(struct run *r, struct loaded *l, struct error *err)
{
	enum outcome o = doubt_fence(r, l->open.connection, err);

	if (o != OUTCOME_OK)
		return o;
	journal_outcome(r, l->open.number, l->open.attempt, false, -1, NULL);
	l->open.number = 0;
	return journal_commit(r, err);
}

/* Its operation is undone first, and begins anew. */
static enum outcome begin_undo(struct run *r, const struct act *a, struct loaded *l,
			       struct error *err)
{
	enum outcome o;

	journal_outcome(r, l->open.number, l->open.attempt, false, -1, NULL);
	buf_reset(&l->machine);
	l->open.number = 0;
	journal_checkpoint_empty(r);
	o = journal_operation(r, a, OPERATION_STATUS_ROLLING_BACK, false, err);
	return o == OUTCOME_OK ? journal_commit(r, err) : o;
}

static enum step_end resolve(struct run *r, struct act *a, struct loaded *l, struct error *err)
{
	struct effect_row *e = &l->open;
	enum outcome o = plan_act(r, e->operation_index, e->backward, a, err);

	a->begun = true;
	if (o == OUTCOME_OK && !e->backward &&
	    r->plan[e->operation_index].status == OPERATION_STATUS_ROLLING_BACK)
		return close_undone(r, l, err) == OUTCOME_OK ? STEP_DONE : STEP_LOST;
	if (o != OUTCOME_OK)
		return STEP_LOST;
	if (doubt_await_target(r, a, e, err) == STEP_STOPPED)
		return STEP_STOPPED;
	/* What can be asked of the target may be said by where the code is. */
	r->checkpoint = buf_view(&l->machine);
	l->verdict = doubt_resolve(r, a, e, err);
	r->checkpoint = (struct str){ 0 };
	switch (l->verdict) {
	case VERDICT_NONE:
		return STEP_STOPPED;
	case VERDICT_OPEN:
		return STEP_DOUBT;
	case VERDICT_UNDO:
		l->verdict = VERDICT_NONE;
		o = begin_undo(r, a, l, err);
		break;
	case VERDICT_DONE:
	case VERDICT_AGAIN:
		o = journal_commit(r, err);
		break;
	}
	return o == OUTCOME_OK ? STEP_DONE : STEP_LOST;
}

enum step_end strands_resolve_loaded(struct run *r, struct act *a, struct error *err)
{
	struct strands *all = r->strands;
	enum step_end end = STEP_DONE;

	for (size_t i = 0; i < all->loaded_count && end == STEP_DONE; i++)
		if (all->loaded[i].open.number)
			end = resolve(r, a, &all->loaded[i], err);
	return end;
}

/* ---- what was left open ---- */

/* What of the run is a strand's own. */
static const struct run *own(const struct strands *all, size_t i)
{
	return &all->at[i] == all->holder ? all->r : &all->at[i].mine;
}

/* The i-th of all, those first that nobody has taken. NULL: nothing is open there. */
static const struct effect_row *open_of(const struct strands *all, size_t i, bool *happened)
{
	const struct run *r;

	*happened = false;
	if (i < all->loaded_count) {
		const struct loaded *l = &all->loaded[i];

		*happened = l->verdict == VERDICT_DONE;
		return l->open.number && !l->taken ? &l->open : NULL;
	}
	r = own(all, i - all->loaded_count);
	*happened = r->verdict == VERDICT_DONE;
	return r->open_effect.number && (r->left_open || r->verdict != VERDICT_NONE)
		       ? &r->open_effect
		       : NULL;
}

bool strands_have_touched(const struct run *r, int64_t index)
{
	const struct strands *all = r->strands;

	if (r->plan[index].completion)
		return true;
	for (size_t i = 0; all && i < all->loaded_count; i++)
		if (!all->loaded[i].taken && all->loaded[i].index == index)
			return true;
	for (size_t i = 0; all && i < all->count; i++)
		if (all->at[i].has_act && all->at[i].act.index == index)
			return own(all, i)->touched || own(all, i)->open_effect.number;
	return false;
}

enum outcome strands_fence(struct run *r, struct error *err)
{
	const struct strands *all = r->strands;
	enum outcome o = OUTCOME_OK;
	bool happened;

	for (size_t i = 0; i < all->loaded_count + all->count && o == OUTCOME_OK; i++) {
		const struct effect_row *e = open_of(all, i, &happened);

		if (e)
			o = doubt_fence_effect(r, e, err);
	}
	return o;
}

enum outcome strands_close(struct run *r, struct error *err)
{
	const struct strands *all = r->strands;
	enum outcome o = OUTCOME_OK;
	bool happened;

	for (size_t i = 0; i < all->loaded_count + all->count && o == OUTCOME_OK; i++) {
		const struct effect_row *e = open_of(all, i, &happened);

		if (!e)
			continue;
		journal_outcome(r, e->number, e->attempt, happened, -1, NULL);
		o = journal_commit(r, err);
	}
	strands_free(r);
	return o;
}
