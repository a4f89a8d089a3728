/*
 * lock.c - `with lock`: taken together with the checkpoint that is inside of its block, given back
 * with the first one that is not
 *
 * So a run that dies, stops or fails in the block has the lock still, and none is taken twice or
 * left behind. A run that is not at work can lose it to one that is; it takes the lock again before
 * it goes on.
 */
#include "vm/base/mutant.h"
#include "vm/run/session.h"

#define POLL_MIN_MS 100
#define POLL_MAX_MS 2000

/* Between two looks. The wait is durable: a run that dies in it waits on. */
static enum step_end wait(struct run *r, struct str name, const struct buf *holder,
			  struct error *err)
{
	int64_t *pause_ms = &r->locks.pause_ms;

	if (!*pause_ms) {
		journal_event(r, EVENT_LOCK_AWAITED, "lock \"%.*s\", which %.*s has",
			      STR_ARG(name), STR_ARG(buf_view(holder)));
		if (journal_commit(r, err) != OUTCOME_OK)
			return STEP_LOST;
	}
	journal_forget(r);
	*pause_ms = *pause_ms ? *pause_ms * 2 : POLL_MIN_MS;
	if (*pause_ms > POLL_MAX_MS)
		*pause_ms = POLL_MAX_MS;
	return stop_sleep(r, *pause_ms) ? STEP_DONE : STEP_STOPPED;
}

/* The machine goes on behind LOCK if the commit says so, else it is put back and asks again. */
static enum step_end try(struct run *r, struct act *a, struct str name, struct buf *holder,
			 struct error *err)
{
	struct buf before = { 0 };
	bool taken = false;
	enum outcome o;

	/* Whole: what the store holds of large values is not kept here. */
	machine_keep_blobs(r->vm, NULL);
	machine_save(r->vm, &before);
	machine_keep_blobs(r->vm, r->journal.blobs);
	machine_answer(r->vm, value_null(), STR(""));
	r->locks.depth++;
	journal_checkpoint(r, r->vm);
	o = journal_commit_lock(r, name, r->locks.depth, &taken, holder, err);
	if (o == OUTCOME_OK && !taken) {
		r->locks.depth--;
		machine_keep_blobs(r->vm, NULL);
		o = machine_restore(r->vm, buf_view(&before), err);
		machine_keep_blobs(r->vm, r->journal.blobs);
		if (o == OUTCOME_OK)
			journal_checkpoint(r, r->vm);
	}
	buf_clear(&before);
	if (o != OUTCOME_OK)
		return STEP_LOST;
	a->begun = true;
	if (!taken)
		return wait(r, name, holder, err);
	r->locks.pause_ms = 0;
	return STEP_DONE;
}

enum step_end lock_take(struct run *r, struct act *a, struct error *err)
{
	struct buf name = { 0 }, holder = { 0 };
	enum step_end end = STEP_LOST;

	/* The machine's own text moves when it goes on. */
	buf_str(&name, value_text(machine_request(r->vm)->value));
	if (journal_operation(r, a,
			      a->backward ? OPERATION_STATUS_ROLLING_BACK
					  : OPERATION_STATUS_RUNNING,
			      false, err) == OUTCOME_OK) {
		journal_migration(r, r->status);
		end = try(r, a, buf_view(&name), &holder, err);
	}
	buf_clear(&name);
	buf_clear(&holder);
	return end;
}

void lock_give_back(struct run *r)
{
	machine_answer(r->vm, value_null(), STR(""));
	if (r->locks.depth > 0)
		r->locks.depth--;
	r->journal.pending = true;
}

enum outcome lock_load(struct run *r, struct error *err)
{
	size_t count;
	enum outcome o = store_locks(r->store, r->id, &r->arena, &r->locks.loaded, &count, err);

	r->locks.stored = (int64_t)count;
	return o;
}

/* Whether the block lies in another of the same lock. */
static bool is_within_itself(const struct lock_row *rows, int64_t at)
{
	for (int64_t i = 0; i < at; i++)
		if (str_eq(rows[i].name, rows[at].name))
			return true;
	return false;
}

static enum step_end regain(struct run *r, const struct lock_row *row, struct buf *holder,
			    struct error *err)
{
	enum step_end end = STEP_DONE;
	bool taken = false;

	r->locks.pause_ms = 0;
	while (end == STEP_DONE && !taken) {
		if (journal_commit_lock(r, row->name, row->depth, &taken, holder, err) !=
		    OUTCOME_OK)
			return STEP_LOST;
		if (!taken)
			end = wait(r, row->name, holder, err);
	}
	r->locks.pause_ms = 0;
	return end;
}

enum step_end lock_regain(struct run *r, struct error *err)
{
	const struct lock_row *rows = r->locks.loaded;
	int64_t count = rows && !mutant(MUTANT_NO_REGAIN) ? r->locks.depth : 0;
	enum step_end end = STEP_DONE;
	struct buf holder = { 0 };

	r->locks.loaded = NULL;
	for (int64_t i = 0; i < count && end == STEP_DONE; i++)
		if (!rows[i].held && !is_within_itself(rows, i))
			end = regain(r, &rows[i], &holder, err);
	buf_clear(&holder);
	return end;
}
