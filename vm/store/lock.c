/* lock.c - locks that one run at a time holds: rows, so that they outlive sessions and processes */
#include "vm/store/backend.h"
#include <stdio.h>

enum outcome store_locks(struct store *s, int64_t run, struct arena *a, struct lock_row **out,
			 size_t *count, struct error *err)
{
	struct rows rows;
	enum outcome o = store_read(s, STATEMENT_LOCKS, a, &rows, err, field_int(run));
	*count = 0;
	if (o != OUTCOME_OK)
		return o;
	struct reading r = { .store = s, .rows = &rows, .table = "lock", .err = err };
	*out = arena_array(a, struct lock_row, rows.count + 1);
	for (; r.row < rows.count; r.row++) {
		struct lock_row *row = &(*out)[r.row];
		snprintf(r.name, sizeof(r.name), "of run %lld, depth %zu", (long long)run,
			 r.row + 1);
		/* Nothing but 1, 2, 3 … can be told from the blocks that the run is in. */
		row->depth = reading_int(&r, 0, "depth", (int64_t)r.row + 1, (int64_t)r.row + 1);
		row->name = reading_text(&r, 1);
		row->held = reading_bool(&r, 2);
	}
	*count = rows.count;
	return r.failed;
}

/* Who has the name, as far as it matters to a run that wants it at a depth. */
enum holder { HOLDER_NONE, HOLDER_ITSELF, HOLDER_IDLE, HOLDER_AT_WORK };

static enum outcome find_holder(struct store *s, int64_t run, struct str name, int64_t depth,
				struct arena *a, enum holder *out, struct str *migration,
				struct error *err)
{
	struct rows rows;
	enum outcome o = store_read(s, STATEMENT_LOCK_HOLDER, a, &rows, err, field_text(name));
	*out = HOLDER_NONE;
	if (o != OUTCOME_OK || rows.count == 0)
		return o;
	*migration = rows_at(&rows, 0, 2)->text;
	if (rows_at(&rows, 0, 0)->number == run)
		*out = rows_at(&rows, 0, 1)->number < depth ? HOLDER_ITSELF : HOLDER_IDLE;
	else
		*out = rows_at(&rows, 0, 3)->number ? HOLDER_AT_WORK : HOLDER_IDLE;
	return OUTCOME_OK;
}

static enum outcome take(struct store *s, const struct step *step, struct str name, int64_t depth,
			 enum holder holder, struct error *err)
{
	enum outcome o = step_write(s, step, err);
	if (o == OUTCOME_OK && holder == HOLDER_IDLE)
		o = store_run(s, STATEMENT_LOCK_LOSE, err, field_text(name));
	if (o == OUTCOME_OK)
		o = store_run(s, STATEMENT_LOCK_TAKE, err, field_int(step->run), field_int(depth),
			      field_text(name), field_text(step->migration), field_int(step->epoch),
			      field_bool(holder != HOLDER_ITSELF));
	return o;
}

/* Claims wait for the same row, so that whoever has the lock stays at work or idle meanwhile. */
enum outcome store_step_lock(struct store *s, const struct step *step, struct str name,
			     int64_t depth, struct arena *a, bool *taken, struct str *holder,
			     struct error *err)
{
	struct rows ignored;
	enum holder who = HOLDER_NONE;
	*taken = false;
	enum outcome o = s->backend->begin(s, BEGIN_WRITE, err);
	if (o == OUTCOME_OK)
		o = store_read_all(s, STATEMENT_LOCK_CLAIMS, &s->scratch, &ignored, err);
	if (o == OUTCOME_OK)
		o = find_holder(s, step->run, name, depth, a, &who, holder, err);
	if (o == OUTCOME_OK && who == HOLDER_AT_WORK) {
		s->backend->rollback(s);
		arena_clear(&s->scratch);
		return OUTCOME_OK;
	}
	if (o == OUTCOME_OK)
		o = take(s, step, name, depth, who, err);
	o = store_end(s, o, err);
	*taken = o == OUTCOME_OK;
	return o;
}
