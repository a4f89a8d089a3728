/* step.c - what a step changes, in one commit */
#include "vm/store/backend.h"

/* The journal is for people: a statement that carries megabytes of values is kept by its
 * beginning. */
#define JOURNAL_CAP_BYTES ((size_t)256 << 10)

static struct field words(struct store *s, struct str text)
{
	return field_clean(s, text, JOURNAL_CAP_BYTES);
}

static bool is_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_same_migration(const struct step *a, const struct step *b)
{
	return a->status == b->status && a->progress == b->progress &&
	       a->current_operation_index == b->current_operation_index &&
	       is_text(a->current_query_id, b->current_query_id) &&
	       a->set_finished == b->set_finished && a->forget_stop == b->forget_stop &&
	       a->release == b->release;
}

/* First of all: it says whether the run is still this runner's, and holds the row until the
 * commit. */
static enum outcome put_migration(struct store *s, const struct step *step, struct error *err)
{
	if (!step->set_migration)
		return store_run(s, STATEMENT_STEP_GUARD, err, field_text(step->migration),
				 field_int(step->epoch), field_int(step->run),
				 field_int(s->lease_ms));
	if (s->expected.sent && is_same_migration(&s->expected.step, step))
		return OUTCOME_OK;
	struct field query_id =
		step->current_query_id ? field_text(str_c(step->current_query_id)) : field_null();
	return store_run(s, STATEMENT_STEP_MIGRATION, err, field_text(step->migration),
			 field_int(step->epoch), field_int(step->run),
			 field_text(str_c(status_word(step->status))), field_int(step->progress),
			 field_int(step->current_operation_index), query_id,
			 field_bool(step->set_finished),
			 field_bool(step->release || !status_is_active(step->status)),
			 field_int(s->lease_ms), field_bool(step->forget_stop));
}

static enum outcome put_outcome(struct store *s, const struct step *step, struct error *err)
{
	const struct effect_outcome *o = step->outcome;
	return store_run(s, STATEMENT_STEP_OUTCOME, err, field_int(step->run), field_int(o->number),
			 field_int(o->attempt), field_text(o->ok ? STR("done") : STR("failed")),
			 field_int(o->rows), words(s, o->error_code), words(s, o->error_text),
			 words(s, o->sql));
}

static enum outcome put_intent(struct store *s, const struct step *step, struct error *err)
{
	const struct effect_intent *i = step->intent;
	return store_run(s, STATEMENT_STEP_INTENT, err, field_int(step->run), field_int(i->number),
			 field_int(i->attempt), field_int(i->operation_index),
			 field_bool(i->backward), field_text(str_c(i->query_id)), words(s, i->sql),
			 field_text(i->connection));
}

/* An effect inside the store's own transaction: begun and ended by one row. */
static enum outcome put_whole(struct store *s, const struct step *step, struct error *err)
{
	const struct effect_intent *i = step->intent;
	const struct effect_outcome *o = step->outcome;
	return store_run(s, STATEMENT_STEP_WHOLE, err, field_int(step->run), field_int(i->number),
			 field_int(i->attempt), field_int(i->operation_index),
			 field_bool(i->backward), field_text(str_c(i->query_id)),
			 words(s, o->sql.len ? o->sql : i->sql),
			 field_text(i->connection), field_text(o->ok ? STR("done") : STR("failed")),
			 field_int(o->rows), words(s, o->error_code), words(s, o->error_text));
}

/* The effect's row is there, with the rows that were expected. */
static enum outcome put_rows(struct store *s, const struct step *step, struct error *err)
{
	const struct effect_outcome *o = step->outcome, *expected = &s->expected.outcome;
	if (!o || o->number != expected->number || o->attempt != expected->attempt || !o->ok)
		BUG("effect %lld was expected", (long long)expected->number);
	if (o->rows == expected->rows)
		return OUTCOME_OK;
	return store_run(s, STATEMENT_STEP_ROWS, err, field_int(step->run), field_int(o->number),
			 field_int(o->attempt), field_int(o->rows));
}

static enum outcome put_effects(struct store *s, const struct step *step, struct error *err)
{
	const struct effect_intent *i = step->intent;
	const struct effect_outcome *out = step->outcome;
	if (s->expected.sent)
		return put_rows(s, step, err);
	if (i && out && i->number == out->number && i->attempt == out->attempt)
		return put_whole(s, step, err);
	enum outcome o = OUTCOME_OK;
	if (out)
		o = put_outcome(s, step, err);
	if (i && o == OUTCOME_OK)
		o = put_intent(s, step, err);
	return o;
}

static bool is_same_operation(const struct operation_change *a, const struct operation_change *b)
{
	return a->index == b->index && a->status == b->status && a->attempts == b->attempts &&
	       a->rows == b->rows && a->started == b->started && a->finished == b->finished &&
	       a->completion == b->completion;
}

static enum outcome put_operations(struct store *s, const struct step *step, struct error *err)
{
	enum outcome o = OUTCOME_OK;
	if (step->operation_count == 2 && step->operations[0].index == step->operations[1].index)
		BUG("a step changes operation %lld twice", (long long)step->operations[0].index);
	for (size_t i = 0; i < step->operation_count && o == OUTCOME_OK; i++) {
		const struct operation_change *c = &step->operations[i];
		const struct operation_change *expected = &s->expected.step.operations[0];
		bool again = s->expected.sent && c->index == expected->index;
		if (again && is_same_operation(c, expected))
			continue;
		o = store_run(s, again ? STATEMENT_STEP_OPERATION_AGAIN : STATEMENT_STEP_OPERATION,
			      err, field_int(step->run),
			      field_int(c->index),
			      field_text(str_c(operation_status_words[c->status])),
			      field_int(c->attempts), field_int(c->rows), field_bool(c->started),
			      field_bool(c->finished),
			      c->completion ? field_int(c->completion) : field_null());
	}
	return o;
}

static enum outcome put_checkpoint(struct store *s, const struct step *step, struct error *err)
{
	char seal[HASH_HEX_SIZE];
	checkpoint_seal(s, step->run, step->checkpoint, seal);
	return store_run(s,
			 step->set_migration ? STATEMENT_STEP_CHECKPOINT
					     : STATEMENT_STEP_CHECKPOINT_THERE,
			 err, field_int(step->run), field_bytes(step->checkpoint),
			 field_text(str_c(seal)),
			 step->set_migration ? field_int(step->current_operation_index)
					     : field_text(step->migration));
}

static enum outcome put_settings(struct store *s, const struct step *step, struct error *err)
{
	const struct field run = field_int(step->run);
	const struct field index = field_int(step->setting_index);
	const struct field name = field_text(step->setting), value = words(s, step->setting_value);
	enum outcome o = OUTCOME_OK;

	if (step->restore_settings) {
		o = store_run(s, STATEMENT_STEP_RESTORE_SETTINGS, err, run, index);
		if (o == OUTCOME_OK)
			o = store_run(s, STATEMENT_STEP_REMOVE_SETTINGS, err, run, index);
		if (o == OUTCOME_OK)
			o = store_run(s, STATEMENT_STEP_FORGET_SETTINGS, err, run, index);
	}
	if (o == OUTCOME_OK && step->keep_setting)
		o = store_run(s, STATEMENT_STEP_KEEP_SETTING, err, run, index, name, value);
	if (o == OUTCOME_OK && step->setting.len)
		o = store_run(s, STATEMENT_SET_SETTING, err, name, value);
	return o == OUTCOME_OK ? s->backend->run(s, STATEMENT_NOTIFY, NULL, 0, err) : o;
}

static enum outcome put_notes(struct store *s, struct str migration, int64_t run,
			      const struct error_row *error, const struct event_row *event,
			      struct error *err)
{
	enum outcome o = OUTCOME_OK;
	if (error)
		o = store_run(s, STATEMENT_ADD_ERROR, err, field_text(migration), field_int(run),
			      field_int(error->operation_index), words(s, error->description),
			      words(s, error->code), words(s, error->sql),
			      words(s, error->query_id));
	if (event && o == OUTCOME_OK)
		o = store_run(s, STATEMENT_ADD_EVENT, err, field_text(migration), field_int(run),
			      field_text(event->kind), words(s, event->who),
			      words(s, event->detail));
	return o;
}

static enum outcome put_expected(struct store *s, struct error *err)
{
	return step_write(s, &s->expected.step, err);
}

void store_expect(struct store *s, const struct step *step)
{
	if (!s->backend->behind)
		return;
	s->expected.step = *step;
	s->expected.intent = *step->intent;
	s->expected.outcome = *step->outcome;
	s->expected.step.intent = &s->expected.intent;
	s->expected.step.outcome = &s->expected.outcome;
	s->backend->behind(s, put_expected);
}

enum outcome store_begin(struct store *s, struct error *err)
{
	if (s->begun)
		BUG("store_begin() within a transaction");
	enum outcome o = s->backend->begin(s, BEGIN_WRITE, err);
	s->begun = o == OUTCOME_OK;
	return o;
}

void store_abort(struct store *s)
{
	s->backend->rollback(s);
	s->begun = s->expected.sent = false;
}

/* More than this is no batch, which is held whole until its commit. */
#define BATCH_BLOBS_MAX 64u

static enum outcome open_transaction(struct store *s, const struct step *step, struct error *err)
{
	if (!s->begun)
		return s->backend->begin(s,
					 step->blob_count + step->dropped_count > BATCH_BLOBS_MAX ?
						 BEGIN_WRITE :
						 BEGIN_BATCH,
					 err);
	if (s->backend->still_begun(s))
		return OUTCOME_OK;
	error_set(err, OUTCOME_FAILED, "the transaction ended before its effect was journaled");
	error_hint(err,
		   "the effect's SQL must not commit, roll back or begin a transaction itself");
	err->class = ERROR_UNKNOWN;
	return OUTCOME_FAILED;
}

enum outcome step_write(struct store *s, const struct step *step, struct error *err)
{
	enum outcome o = put_migration(s, step, err);
	if (o == OUTCOME_OK)
		o = put_effects(s, step, err);
	if (o == OUTCOME_OK)
		o = put_operations(s, step, err);
	if (o == OUTCOME_OK)
		o = run_blobs_put(s, step, err);
	if (o == OUTCOME_OK && step->set_checkpoint)
		o = put_checkpoint(s, step, err);
	if (o == OUTCOME_OK && step->set_phase)
		o = store_run(s, STATEMENT_STEP_PHASE, err, field_int(step->run),
			      field_text(str_c(phase_words[step->phase])),
			      field_bool(step->phase == PHASE_ENDED));
	if (o == OUTCOME_OK && step->set_instruction)
		o = store_run(s, STATEMENT_STEP_INSTRUCTION, err, field_text(step->migration),
			      words(s, step->instruction));
	if (o == OUTCOME_OK && (step->setting.len || step->restore_settings))
		o = put_settings(s, step, err);
	if (o == OUTCOME_OK && step->ask)
		o = store_run(s, STATEMENT_STEP_ASK, err, field_int(step->run),
			      field_int(step->current_operation_index));
	if (o == OUTCOME_OK && step->set_locks)
		o = store_run(s, STATEMENT_STEP_UNLOCK, err, field_int(step->run),
			      field_int(step->locks));
	if (o == OUTCOME_OK)
		o = put_notes(s, step->migration, step->run, step->error, step->event, err);
	if (o == OUTCOME_OK && step->set_migration &&
	    (step->release || !status_is_active(step->status)))
		o = s->backend->run(s, STATEMENT_NOTIFY, NULL, 0, err);
	return o;
}

static enum outcome put_step(struct store *s, const struct step *step, struct error *err)
{
	enum outcome o = open_transaction(s, step, err);
	return o == OUTCOME_OK ? step_write(s, step, err) : o;
}

enum outcome store_step(struct store *s, const struct step *step, struct error *err)
{
	return store_end(s, put_step(s, step, err), err);
}

enum outcome store_step_later(struct store *s, const struct step *step, bool *later,
			      struct error *err)
{
	*later = s->begun && s->backend->commit_later;
	if (!*later)
		return store_step(s, step, err);
	enum outcome o = put_step(s, step, err);
	if (o == OUTCOME_OK)
		o = s->backend->commit_later(s, err);
	if (o != OUTCOME_OK) {
		*later = false;
		return store_end(s, o, err);
	}
	s->begun = s->expected.sent = false;
	arena_clear(&s->scratch);
	return OUTCOME_OK;
}

enum outcome store_wait(struct store *s, struct error *err)
{
	return s->backend->wait ? s->backend->wait(s, err) : OUTCOME_OK;
}

enum outcome store_settle(struct store *s, struct str name, int64_t epoch,
			  enum migration_status status, int progress, const struct error_row *error,
			  const struct event_row *event, struct error *err)
{
	enum outcome o = s->backend->begin(s, BEGIN_BATCH, err);
	if (o == OUTCOME_OK)
		o = store_run(s, STATEMENT_SETTLE, err, field_text(name), field_int(epoch),
			      field_text(str_c(status_word(status))), field_int(progress));
	if (o == OUTCOME_OK)
		o = put_notes(s, name, 0, error, event, err);
	return store_end(s, o, err);
}
