/* journal.c - gathers what the next commit holds, so that a step costs one */
#include "vm/base/fault.h"
#include "vm/base/mutant.h"
#include "vm/base/os.h"
#include "vm/run/block.h"
#include "vm/run/lane.h"
#include "vm/run/strand.h"

#include <stdio.h>

static void reset(struct journal *j)
{
	j->step = (struct step){ 0 };
	j->pending = false;
	j->note_count = 0;
	buf_reset(&j->checkpoint);
	buf_reset(&j->after);
}

static enum outcome pass_on(struct run *r, struct error *err);

static void complete_step(struct run *r)
{
	struct journal *j = &r->journal;

	j->step.run = r->id;
	j->step.epoch = r->epoch;
	j->step.migration = r->name;
	j->step.checkpoint = buf_view(&j->checkpoint);
	/* Locks of blocks that this checkpoint is not in any more are given back with it. */
	j->step.set_locks = j->step.set_checkpoint && j->locks < r->locks.stored;
	j->step.locks = j->locks;
	if (!j->step.set_checkpoint || j->checkpoint.len == 0)
		return;
	/* First, so that what was never stored and is not wanted any more does not come either. */
	j->step.dropped = blobs_sweep(j->blobs, j->step.checkpoint, &j->step.dropped_count);
	j->step.blobs = blobs_pending(j->blobs, &j->step.blob_count);
	j->stored_blobs = j->stored_blobs || j->step.blob_count > 0;
}

/* From when the lease lasts, of a step that is sent now. */
static int64_t lasts_from(const struct journal *j)
{
	return j->in_transaction && j->expected_at_ms ? j->expected_at_ms : os_monotonic_ms();
}

static enum outcome say_where(int64_t index, enum outcome o, struct error *err)
{
	if (o != OUTCOME_OK)
		error_prefix(err, "cannot record the step of operation %lld: ", (long long)index);
	return o;
}

static enum outcome committed(struct run *r, int64_t sent_at_ms, struct error *err)
{
	struct journal *j = &r->journal;
	enum outcome o;

	lease_lasts(r, sent_at_ms);
	r->durable_index = r->index;
	if (j->step.set_checkpoint)
		j->stored_checkpoint = j->checkpoint.len > 0;
	if (j->step.set_checkpoint && r->strands)
		strands_committed(r);
	if (j->step.set_locks)
		r->locks.stored = j->step.locks;
	if (j->step.drop_blobs && !j->step.blob_count)
		j->stored_blobs = false;
	if (j->step.blob_count)
		blobs_stored(j->blobs);
	o = j->note_count ? pass_on(r, err) : OUTCOME_OK;
	reset(j);
	return o;
}

enum outcome journal_commit(struct run *r, struct error *err)
{
	struct journal *j = &r->journal;
	int64_t sent_at_ms;
	enum outcome o = journal_settled(r, err);

	if (o != OUTCOME_OK || !j->pending)
		return o;
	complete_step(r);
	fault_pass(FAULT_BEFORE_COMMIT);
	sent_at_ms = lasts_from(j);
	o = store_step(r->store, &j->step, err);
	fault_pass(FAULT_AFTER_COMMIT);
	j->in_transaction = false;
	return o == OUTCOME_OK ? committed(r, sent_at_ms, err) : say_where(r->index, o, err);
}

enum outcome journal_commit_lock(struct run *r, struct str name, int64_t depth, bool *taken,
				 struct buf *holder, struct error *err)
{
	struct journal *j = &r->journal;
	struct arena arena = { 0 };
	struct str migration = { 0 };
	int64_t sent_at_ms;
	enum outcome o = journal_settled(r, err);

	if (o != OUTCOME_OK)
		return o;
	complete_step(r);
	fault_pass(FAULT_BEFORE_COMMIT);
	sent_at_ms = os_monotonic_ms();
	o = store_step_lock(r->store, &j->step, name, depth, &arena, taken, &migration, err);
	fault_pass(FAULT_AFTER_COMMIT);
	buf_reset(holder);
	buf_str(holder, migration);
	arena_clear(&arena);
	if (o != OUTCOME_OK)
		return say_where(r->index, o, err);
	if (!*taken)
		return OUTCOME_OK;
	o = committed(r, sent_at_ms, err);
	if (r->locks.stored < depth)
		r->locks.stored = depth;
	return o;
}

enum outcome journal_commit_later(struct run *r, struct error *err)
{
	struct journal *j = &r->journal;
	bool later, empty = j->checkpoint.len == 0;
	enum outcome o;

	if (j->note_count || !j->pending || !j->in_transaction || !empty ||
	    r->locks.stored > j->locks)
		return journal_commit(r, err);
	complete_step(r);
	fault_pass(FAULT_BEFORE_COMMIT);
	j->owed.sent_at_ms = lasts_from(j);
	o = store_step_later(r->store, &j->step, &later, err);
	j->in_transaction = false;
	if (o != OUTCOME_OK)
		return say_where(r->index, o, err);
	j->owed.is = true;
	j->owed.index = r->index;
	j->owed.set_checkpoint = j->step.set_checkpoint;
	j->owed.stored_checkpoint = !empty;
	j->owed.dropped_blobs = j->step.drop_blobs;
	buf_reset(&j->owed.sql);
	buf_str(&j->owed.sql, buf_view(&r->sql));
	snprintf(j->owed.query_id, sizeof(j->owed.query_id), "%s", j->query_id);
	reset(j);
	return later ? OUTCOME_OK : journal_settled(r, err);
}

enum outcome journal_settled(struct run *r, struct error *err)
{
	struct journal *j = &r->journal;
	enum outcome o;

	if (!j->owed.is)
		return OUTCOME_OK;
	o = store_wait(r->store, err);
	fault_pass(FAULT_AFTER_COMMIT);
	j->owed.is = false;
	if (o != OUTCOME_OK) {
		buf_reset(&r->sql);
		buf_str(&r->sql, buf_view(&j->owed.sql));
		snprintf(j->query_id, sizeof(j->query_id), "%s", j->owed.query_id);
		return say_where(j->owed.index, o, err);
	}
	lease_lasts(r, j->owed.sent_at_ms);
	r->durable_index = j->owed.index;
	if (j->owed.set_checkpoint)
		j->stored_checkpoint = j->owed.stored_checkpoint;
	if (j->owed.dropped_blobs)
		j->stored_blobs = false;
	return OUTCOME_OK;
}

void journal_forget(struct run *r)
{
	reset(&r->journal);
	if (r->strands)
		strands_forget(r);
}

static void save(struct run *r, const struct machine *vm, struct buf *out)
{
	if (r->strands)
		strands_save(r, out);
	else if (r->lanes)
		lanes_save(r, out);
	else
		machine_save(vm, out);
}

void journal_checkpoint(struct run *r, const struct machine *vm)
{
	buf_reset(&r->journal.checkpoint);
	save(r, vm, &r->journal.checkpoint);
	r->journal.locks = r->locks.depth;
	r->journal.step.set_checkpoint = true;
	r->journal.pending = true;
}

void journal_after(struct run *r)
{
	struct journal *j = &r->journal;

	buf_reset(&j->after);
	save(r, r->vm, &j->after);
	j->after_locks = r->locks.depth;
}

void journal_checkpoint_after(struct run *r)
{
	struct journal *j = &r->journal;

	if (!j->after.len)
		return;
	buf_reset(&j->checkpoint);
	buf_str(&j->checkpoint, buf_view(&j->after));
	j->locks = j->after_locks;
	j->step.set_checkpoint = true;
	j->pending = true;
}

void journal_checkpoint_empty(struct run *r)
{
	buf_reset(&r->journal.checkpoint);
	buf_reset(&r->journal.after);
	r->journal.locks = 0;
	if (r->strands)
		strands_save_without(r, &r->journal.checkpoint);
	r->journal.step.set_checkpoint = r->journal.stored_checkpoint || r->locks.stored > 0;
	r->journal.step.drop_blobs = r->journal.stored_blobs;
	blobs_forget(r->journal.blobs);
	r->journal.pending = true;
}

void journal_load_blobs(struct run *r, const struct run_state *state)
{
	blobs_load(r->journal.blobs, state->blobs, state->blob_count);
	/* An operator may have emptied the checkpoint by hand. */
	r->journal.stored_blobs = true;
}

/* Changes of the same operation become one; a third operation needs a commit first. */
enum outcome journal_operation(struct run *r, const struct act *a, enum operation_status status,
			       bool finished, struct error *err)
{
	struct step *step = &r->journal.step;
	struct operation_change *change = NULL;

	for (size_t i = 0; i < step->operation_count; i++)
		if (step->operations[i].index == a->index)
			change = &step->operations[i];
	if (!change && step->operation_count == STEP_CHANGES_MAX) {
		enum outcome o = journal_commit(r, err);

		if (o != OUTCOME_OK)
			return o;
	}
	if (!change) {
		change = &step->operations[step->operation_count++];
		*change = (struct operation_change){ .index = a->index };
	}
	change->status = status;
	change->attempts = a->attempts;
	change->rows = a->rows;
	change->started = change->started || !a->begun;
	change->finished = finished;
	change->completion = mutant(MUTANT_FORGETS_ABOVE) ? 0 : r->plan[a->index].completion;
	if (finished)
		r->plan[a->index].finished_at = os_wall_us();
	r->plan[a->index].status = status;
	r->plan[a->index].attempts = a->attempts;
	r->journal.pending = true;
	return OUTCOME_OK;
}

void journal_migration(struct run *r, enum migration_status status)
{
	struct step *step = &r->journal.step;

	r->status = status;
	step->set_migration = true;
	step->status = status;
	step->current_operation_index = r->index;
	/* `finally` behind a rollback: nothing of the operations is done any more. */
	step->progress = r->phase == PHASE_BACKWARD && r->index >= r->count ? 0 : block_progress(r);
	step->current_query_id = r->journal.query_id[0] ? r->journal.query_id : NULL;
	r->journal.pending = true;
}

void journal_instruct(struct run *r, struct str text)
{
	struct journal *j = &r->journal;

	buf_reset(&j->instruction);
	buf_str(&j->instruction, text);
	j->step.set_instruction = true;
	j->step.instruction = buf_view(&j->instruction);
	j->pending = true;
}

void journal_phase(struct run *r, enum run_phase phase)
{
	r->phase = phase;
	r->journal.step.set_phase = true;
	r->journal.step.phase = phase;
	r->journal.pending = true;
}

/* What ends something is told when it is durable. */
static bool is_ending(enum run_event e)
{
	return e == EVENT_COMPLETED || e == EVENT_ROLLED_BACK || e == EVENT_ERRORED ||
	       e == EVENT_STOPPED || e == EVENT_HALTED;
}

void journal_event(struct run *r, enum run_event event, const char *format, ...)
{
	struct journal *j = &r->journal;
	struct note *n;
	va_list args;

	if (j->note_count == JOURNAL_NOTES_MAX)
		j->note_count--;
	n = &j->notes[j->note_count++];
	buf_reset(&n->text);
	va_start(args, format);
	buf_vformat(&n->text, format, args);
	va_end(args);
	n->event = event;
	n->row = (struct event_row){ .kind = str_c(run_event_word(event)),
				     .who = STR("amigrun"),
				     .detail = buf_view(&n->text) };
	j->step.event = &j->notes[0].row;
	j->pending = true;
	if (!is_ending(event))
		session_tell(r, event, STR(""), n->row.detail);
}

/* After a commit: the notes that had no room in the step, and telling of what is durable now. */
static enum outcome pass_on(struct run *r, struct error *err)
{
	struct journal *j = &r->journal;
	enum outcome o = OUTCOME_OK;

	for (size_t i = 0; i < j->note_count && o == OUTCOME_OK; i++) {
		if (is_ending(j->notes[i].event))
			session_tell(r, j->notes[i].event, STR(""), j->notes[i].row.detail);
		if (i > 0)
			o = store_add_event(r->store, r->name, &j->notes[i].row, err);
	}
	return o;
}

void journal_error(struct run *r, int64_t index, const struct error *err)
{
	struct journal *j = &r->journal;

	buf_reset(&j->error_text);
	buf_text(&j->error_text, err->message);
	if (err->hint)
		buf_format(&j->error_text, "\nhint: %s", err->hint);
	j->error = (struct error_row){ .operation_index = index,
				       .description = buf_view(&j->error_text),
				       .code = str_c(err->code),
				       .sql = buf_view(&r->failed_sql),
				       .query_id =
					       str_c(r->failed_sql.len ? r->failed_query_id : "") };
	j->step.error = &j->error;
	j->pending = true;
}

void journal_outcome(struct run *r, int64_t number, int64_t attempt, bool ok, int64_t rows,
		     const struct error *err)
{
	struct journal *j = &r->journal;

	buf_reset(&j->outcome_text);
	j->outcome_code[0] = 0;
	if (err) {
		buf_text(&j->outcome_text, err->message ? err->message : "");
		snprintf(j->outcome_code, sizeof(j->outcome_code), "%s", err->code);
	}
	j->outcome = (struct effect_outcome){ .number = number,
					      .attempt = attempt,
					      .ok = ok,
					      .rows = rows,
					      .error_code = str_c(j->outcome_code),
					      .error_text = buf_view(&j->outcome_text) };
	j->step.outcome = &j->outcome;
	j->pending = true;
	for (size_t i = 0; r->lanes && i < r->lanes->count; i++)
		if (r->lanes->at[i].attempt.effect.number == number)
			r->lanes->at[i].open = false;
}

/* The statement's text is r->sql, which stays until the commit. */
void journal_intent(struct run *r, const struct act *a, int64_t number, int64_t attempt,
		    const struct connection *c)
{
	struct journal *j = &r->journal;

	j->intent = (struct effect_intent){ .number = number,
					    .operation_index = a->index,
					    .attempt = attempt,
					    .backward = a->backward,
					    .query_id = j->query_id,
					    .sql = buf_view(&r->sql),
					    .connection = str_c(c->name) };
	j->step.intent = &j->intent;
	j->pending = true;
}

/* As finish_operation() makes it of an effect that went as the last one did. */
void journal_expect(struct run *r, const struct act *a, int64_t number, int64_t attempt,
		    const struct connection *c)
{
	struct journal *j = &r->journal;
	int64_t rows = r->usual_rows;
	struct effect_outcome outcome = { .number = number,
					  .attempt = attempt,
					  .ok = true,
					  .rows = rows,
					  .error_code = STR(""),
					  .error_text = STR("") };
	struct effect_intent intent = { .number = number,
					.operation_index = a->index,
					.attempt = attempt,
					.query_id = j->query_id,
					.sql = buf_view(&r->sql),
					.connection = str_c(c->name) };
	struct step step = { .run = r->id,
			     .epoch = r->epoch,
			     .migration = r->name,
			     .intent = &intent,
			     .outcome = &outcome,
			     .set_migration = true,
			     .status = r->status,
			     .current_operation_index = r->index + 1,
			     .progress = progress_percent(&r->progress, r->index + 1, 0),
			     .current_query_id = j->query_id,
			     .operation_count = 1 };

	j->expected_at_ms = 0;
	/* The end of the last operation waits for the end of the run. */
	if (a->backward || !machine_request(r->vm)->ends || r->index + 1 >= r->count || r->strands)
		return;
	step.operations[0] = (struct operation_change){
		.index = a->index,
		.status = OPERATION_STATUS_DONE,
		.attempts = a->attempts,
		.rows = rows < 0 ? a->rows : (a->rows > 0 ? a->rows : 0) + rows,
		.started = !a->begun,
		.finished = true
	};
	j->expected_at_ms = os_monotonic_ms();
	store_expect(r->store, &step);
}
