/*
 * resume.c - going on with a run from what the store holds of it, and nothing else
 *
 * Everything is read and verified before the migration is claimed, so that a damaged state changes
 * nothing.
 */
#include "vm/base/mutant.h"
#include "vm/base/os.h"
#include "vm/run/block.h"
#include "vm/run/host.h"
#include "vm/run/lane.h"
#include "vm/run/strand.h"
#include "vm/run/tune.h"

enum outcome resume_check_owner(const struct migration_row *row, bool *dead, struct error *err)
{
	*dead = status_is_active(row->status);
	if (!*dead || !row->lease_left_ms || session_owner_died(row))
		return OUTCOME_OK;
	error_set(err, OUTCOME_NOT_NOW, "\"%.*s\" is running in the process %.*s",
		  STR_ARG(row->name), STR_ARG(row->lease_owner));
	error_hint(err,
		   "`amigrun stop %.*s` stops it resumably; if that process is gone, its lease is "
		   "over in a moment (AMIG_LEASE)",
		   STR_ARG(row->name));
	return OUTCOME_NOT_NOW;
}

static enum outcome check_types(struct run *r, struct error *err)
{
	for (uint32_t i = 0; i < r->module.param_count; i++)
		if (!value_is(r->params[i], &r->module.types, r->module.params[i].type))
			return error_set(err, OUTCOME_DAMAGED,
					 "the stored parameter %.*s is of another type",
					 STR_ARG(r->module.params[i].name));
	for (uint32_t i = 0; i < r->module.frozen_count; i++)
		if (!value_is(r->frozens[i], &r->module.types, r->module.frozens[i].type))
			return error_set(err, OUTCOME_DAMAGED,
					 "the stored value of %.*s is of another type",
					 STR_ARG(r->module.frozens[i].name));
	return OUTCOME_OK;
}

static enum outcome restore(struct run *r, struct error *err)
{
	const struct hash *missing;
	enum outcome o;

	if (!!strands_are_in(r->checkpoint) != (r->phase == PHASE_FORWARD && block_is_at(r)))
		return error_set(err, OUTCOME_DAMAGED,
				 "the checkpoint does not go with operation %lld: of operations "
				 "that go at once it has all that are under way",
				 (long long)r->index);
	o = strands_are_in(r->checkpoint) ? strands_restore(r, r->checkpoint, err)
					  : step_restore(r, r->checkpoint, err);
	missing = blobs_missing(r->journal.blobs);
	if (o != OUTCOME_OK && missing)
		return store_blob_is_missing(r->store, r->id, *missing, err);
	return o;
}

/* What windows at once have left open when they were to be undone: any of their effects, and the
 * checkpoint tells of none. */
static enum outcome load_left(struct run *r, struct error *err)
{
	struct effect_row *rows;
	size_t count;
	enum outcome o = store_open_effects(r->store, r->id, &r->arena, &rows, &count, err);

	if (count) {
		r->open_effect = rows[0];
		r->touched = true;
	}
	return o;
}

static enum outcome load_run(struct run *r, const struct migration_row *row, struct error *err)
{
	struct run_state state = { 0 };
	enum outcome o = store_load(r->store, row->current_run, &r->arena, &state, err);

	if (o == OUTCOME_OK && !str_eq(state.run.migration, r->name))
		o = error_set(err, OUTCOME_DAMAGED, "run %lld is of \"%.*s\"",
			      (long long)row->current_run, STR_ARG(state.run.migration));
	if (o == OUTCOME_OK)
		o = session_load_module(r, state.module_image, err);
	if (o == OUTCOME_OK && !hash_eq(r->module.identity, state.run.module_hash))
		o = error_set(err, OUTCOME_DAMAGED,
			      "the stored module is not the one that the run began with");
	if (o == OUTCOME_OK)
		o = decode_values(r, state.run.params, r->module.param_count, &r->params,
				  "parameters", err);
	if (o == OUTCOME_OK)
		o = decode_values(r, state.run.frozens, r->module.frozen_count, &r->frozens,
				  "frozen values", err);
	if (o == OUTCOME_OK)
		o = check_types(r, err);
	if (o != OUTCOME_OK)
		return o;
	r->id = state.run.id;
	r->plan = state.plan;
	r->count = state.run.operation_count - r->endings.count;
	if (r->count < 0)
		return error_set(err, OUTCOME_DAMAGED,
				 "the stored plan is shorter than what its module adds to it");
	r->phase = state.run.phase;
	r->next_effect = state.run.next_effect;
	r->index = row->current_operation_index;
	r->durable_index = r->index;
	r->checkpoint = state.checkpoint;
	r->open_effect = state.open_effect;
	r->journal.stored_checkpoint = state.checkpoint.len > 0;
	r->touched = state.checkpoint.len > 0 || state.open_effect.number > 0;
	o = lock_load(r, err);
	if (o != OUTCOME_OK)
		return o;
	journal_load_blobs(r, &state);
	session_set_values(r);
	if (r->checkpoint.len)
		o = restore(r, err);
	if (o == OUTCOME_OK && block_is_at(r))
		o = strands_load(r, err);
	else if (o == OUTCOME_OK && r->lanes)
		o = lanes_load(r, err);
	else if (o == OUTCOME_OK && !r->open_effect.number && rollback_is_of_current(r) &&
		 !mutant(MUTANT_STILL_OPEN))
		o = load_left(r, err);
	if (r->strands)
		r->checkpoint = (struct str){ 0 };
	return o == OUTCOME_OK ? session_begin(r, err) : o;
}

static enum outcome load(struct run *r, const struct migration_row *row, struct error *err)
{
	enum outcome o = load_run(r, row, err);

	if (o == OUTCOME_OK)
		o = tune_check(r->store, r->name, err);
	if (o == OUTCOME_DAMAGED && !err->hint)
		error_hint(err, "nothing was changed; what a run began with can only be restored "
				"from a backup (docs/state.md)");
	return o;
}

/* What does not go together with a row that was read before, or was itself read in pieces, is no
 * damage if another process has gone on meanwhile: each of its commits renews its lease. */
static enum outcome or_moved(struct run *r, const struct migration_row *row, struct error *err)
{
	struct migration_row now = { 0 };
	struct error lost = { 0 };
	bool found = false;
	enum outcome o = store_migration(r->store, r->name, &r->arena, &now, &found, &lost);

	if (o != OUTCOME_OK) {
		error_take(err, &lost);
		return o;
	}
	if (!found || mutant(MUTANT_STALE_ROW) ||
	    (now.epoch == row->epoch && now.status == row->status &&
	     now.current_run == row->current_run &&
	     now.lease_expires_at == row->lease_expires_at))
		return err->outcome;
	error_set(err, OUTCOME_NOT_NOW,
		  "another process works on \"%.*s\" at this moment: it is %s now",
		  STR_ARG(r->name), status_label(now.status));
	error_hint(err, "`amigrun status %.*s` shows how it stands", STR_ARG(r->name));
	return OUTCOME_NOT_NOW;
}

static void say_so(struct run *r, bool dead, const struct migration_row *row)
{
	if (dead)
		journal_event(r, EVENT_TAKEN_OVER, "from %.*s, at operation %lld of %lld%s",
			      STR_ARG(row->lease_owner), (long long)r->index, (long long)r->count,
			      r->phase == PHASE_BACKWARD ? ", rolling back" : "");
	else
		journal_event(r, EVENT_RESUMED, "at operation %lld of %lld%s", (long long)r->index,
			      (long long)r->count,
			      r->phase == PHASE_BACKWARD ? ", rolling back" : "");
}

/* A rollback undoes the operation whether its effect has happened or not: it only must not be
 * running any more. */
static enum outcome begin_rollback(struct run *r, struct error *err)
{
	enum outcome o = r->strands ? strands_fence(r, err) : OUTCOME_OK;

	if (o != OUTCOME_OK)
		return o;
	if (r->open_effect.number) {
		o = r->lanes ? lanes_fence(r, err) : doubt_fence_effect(r, &r->open_effect, err);
		if (o != OUTCOME_OK)
			return o;
	}
	if (r->open_effect.number && !r->lanes)
		journal_outcome(r, r->open_effect.number, r->open_effect.attempt, false, -1, NULL);
	rollback_mark(r);
	return journal_commit(r, err);
}

/* The same of all operations that go at once: each connection once. */
static enum outcome end_predecessors(struct run *r, struct error *err)
{
	bool *ended = arena_array(&r->arena, bool, (size_t)host_places(r) + 1);
	enum outcome o = OUTCOME_OK;
	int64_t begin, end;

	block_of(r, r->index, &begin, &end);
	for (int64_t i = begin; i < end && o == OUTCOME_OK; i++) {
		struct str connection = r->plan[i].connection;
		uint32_t place = connection.len ? host_find(r, connection) : NO_INDEX;

		if (r->plan[i].completion || place == NO_INDEX || ended[place])
			continue;
		ended[place] = true;
		o = doubt_fence(r, connection, err);
	}
	return o;
}

/* What the process before left running at the target of the current operation is ended, also where
 * no intent tells of it: an effect in the store's own database is in the store's transaction. */
static enum outcome end_predecessor(struct run *r, struct error *err)
{
	struct str connection;
	enum outcome o = OUTCOME_OK;

	if (r->open_effect.number)
		return OUTCOME_OK;
	if (block_is_at(r) && r->phase == PHASE_FORWARD)
		return end_predecessors(r, err);
	for (uint32_t i = 0; finally_is_begun(r) && i < r->module.need_count; i++)
		if (o == OUTCOME_OK)
			o = doubt_fence(r, r->module.needs[i].name, err);
	if (r->index >= r->count)
		return o;
	connection = r->plan[r->index].connection;
	return connection.len ? doubt_fence(r, connection, err) : OUTCOME_OK;
}

static bool comes_late(const struct effect_row *e)
{
	return e->number && !query_id_is_marked(e->query_id) && !query_id_is_guarded(e->query_id);
}

static bool is_on_its_way(const struct run *r)
{
	for (size_t i = 0; r->lanes && i < r->lanes->count; i++)
		if (r->lanes->at[i].open && comes_late(&r->lanes->at[i].attempt.effect))
			return true;
	if (r->strands && strands_are_on_their_way(r))
		return true;
	return comes_late(&r->open_effect);
}

/* What nothing at the target refuses was sent while the lease lasted, and counts as arrived when it
 * is over: who sees on this machine that its sender is dead waits for that end all the same. */
static void wait_for_arrival(struct run *r, const struct migration_row *row)
{
	if (!row->lease_left_ms || !is_on_its_way(r))
		return;
	session_tell(r, EVENT_LOGGED, STR(""),
		     STR("waiting for the end of the lease of the process before: what it has sent "
			 "may be on its way"));
	r->lease.arrives_by_ms = os_monotonic_ms() + row->lease_left_ms;
	lease_await_arrival(r);
}

enum outcome resume_check_undo(struct run *r, const struct migration_row *row, struct error *err)
{
	enum outcome o = load(r, row, err);

	if (o == OUTCOME_OK && r->phase != PHASE_BACKWARD && !rollback_possible(r, err))
		o = err->outcome;
	return o;
}

static enum outcome or_ended(struct run *r, const struct migration_row *row, struct error *err)
{
	error_set(err, OUTCOME_DAMAGED, "\"%.*s\" is %s, but its run %lld has ended",
		  STR_ARG(r->name), status_label(row->status), (long long)r->id);
	return or_moved(r, row, err);
}

enum outcome resume_look(struct run *r, const struct migration_row *row, struct error *err)
{
	enum outcome o = load(r, row, err);

	if (o == OUTCOME_OK && r->phase == PHASE_ENDED && row->status != STATUS_COMPLETED &&
	    row->status != STATUS_ROLLING_BACK)
		return or_ended(r, row, err);
	return o == OUTCOME_DAMAGED ? or_moved(r, row, err) : o;
}

enum outcome resume_run(struct run *r, const struct migration_row *row, bool to_rollback,
			struct error *err)
{
	bool dead, asked = to_rollback;
	enum outcome o = resume_check_owner(row, &dead, err);

	if (o != OUTCOME_OK)
		return o;
	if (r->options->param_count)
		return error_set(err, OUTCOME_USAGE,
				 "the run of %.*s has begun: its parameters stay as they were then",
				 STR_ARG(r->name));
	o = load(r, row, err);
	if (o != OUTCOME_OK) {
		error_prefix(err, "cannot go on with %.*s: ", STR_ARG(r->name));
		return o == OUTCOME_DAMAGED ? or_moved(r, row, err) : o;
	}
	/* One that died between taking the migration to roll it back and beginning to is rolled
	 * back now. */
	to_rollback =
		(to_rollback || row->status == STATUS_ROLLING_BACK) && r->phase != PHASE_BACKWARD;
	if (r->phase == PHASE_ENDED && !to_rollback)
		return or_ended(r, row, err);
	if (to_rollback && !rollback_possible(r, err)) {
		error_prefix(err, "\"%.*s\" cannot be rolled back: ", STR_ARG(r->name));
		return err->outcome;
	}
	r->status = to_rollback || r->phase == PHASE_BACKWARD ? STATUS_ROLLING_BACK
							       : STATUS_RUNNING;
	o = session_claim(r, row, r->status, err);
	/* Another run may have taken a lock up to then. */
	if (o == OUTCOME_OK && r->locks.stored && !mutant(MUTANT_OLD_LOCKS))
		o = lock_load(r, err);
	if (o == OUTCOME_OK && dead)
		wait_for_arrival(r, row);
	if (o == OUTCOME_OK && dead)
		o = end_predecessor(r, err);
	if (o != OUTCOME_OK)
		return o;
	if (to_rollback) {
		o = begin_rollback(r, err);
		return o == OUTCOME_OK ? rollback_go(r, err) : o;
	}
	say_so(r, dead, row);
	o = journal_commit(r, err);
	if (o == OUTCOME_OK && notice_is_owed(r))
		return session_settle_owed(r, err);
	if (o == OUTCOME_OK)
		o = doubt_resolve_loaded(r, err);
	if (o != OUTCOME_OK)
		return o;
	if (r->phase != PHASE_BACKWARD) {
		health_begin(r, true);
		return forward_go(r, err);
	}
	o = rollback_go(r, err);
	if (o != OUTCOME_OK || asked)
		return o;
	/* Who asked for a run must not take this for one that went well. */
	error_set(err, OUTCOME_FAILED,
		  "the run was being rolled back: it did not go on, and is rolled back now");
	error_hint(err,
		   "`amigrun errors %.*s` says if it failed; `amigrun run %.*s` starts it anew",
		   STR_ARG(r->name), STR_ARG(r->name));
	return OUTCOME_FAILED;
}
