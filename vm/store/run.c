/* run.c - taking a migration, storing a run's beginning, reading it back and believing only what
 * fits together */
#include "vm/base/mutant.h"
#include "vm/store/backend.h"
#include <stdio.h>
#include <string.h>

/* ---- claim ---- */

static enum outcome read_migration(struct store *s, struct str name, struct arena *a,
				   struct migration_row *out, struct error *err)
{
	bool found;
	enum outcome o = store_migration(s, name, a, out, &found, err);
	if (o == OUTCOME_OK && !found)
		return error_set(err, OUTCOME_USAGE, "the state knows no migration '%.*s'",
				 STR_ARG(name));
	return o;
}

/* The reason why it can't be taken now, if there is one. */
static enum outcome check_claim(struct store *s, const struct migration_row *read,
				const struct migration_row *row, int max_running, struct error *err)
{
	if (row->status != read->status) {
		error_set(err, OUTCOME_NOT_NOW, "migration %.*s is '%s'%s%.*s", STR_ARG(row->name),
			  status_label(row->status), row->lease_owner.len ? ", taken by " : "",
			  STR_ARG(row->lease_owner));
		return OUTCOME_NOT_NOW;
	}
	struct rows rows;
	enum outcome o =
		store_read(s, STATEMENT_ACTIVE, &s->scratch, &rows, err, field_text(row->name));
	if (o != OUTCOME_OK || (int64_t)rows.count < max_running)
		return o;
	struct str other = rows_at(&rows, 0, 0)->text, status = rows_at(&rows, 0, 1)->text;
	error_set(err, OUTCOME_NOT_NOW, "migration %.*s is %.*s, and at most %d may run at once",
		  STR_ARG(other), STR_ARG(status), max_running);
	error_hint(err, "wait for it, stop it, or raise the setting max_running");
	err->class = ERROR_TRANSIENT;
	return OUTCOME_NOT_NOW;
}

/* Each commit of a runner moves one of these; all renew its lease, also the one that arrives when
 * its process is known to be dead. */
static enum outcome check_unmoved(const struct migration_row *read, const struct migration_row *now,
				  struct error *err)
{
	if (mutant(MUTANT_MOVED))
		return OUTCOME_OK;
	if (read->wanted != now->wanted && !mutant(MUTANT_OLD_WORD))
		return error_set(err, OUTCOME_NOT_NOW,
				 "something else has been asked for migration %.*s meanwhile",
				 STR_ARG(now->name));
	if (read->epoch == now->epoch && read->current_run == now->current_run &&
	    read->current_operation_index == now->current_operation_index &&
	    str_eq(read->current_query_id, now->current_query_id) &&
	    read->lease_expires_at == now->lease_expires_at)
		return OUTCOME_OK;
	error_set(err, OUTCOME_NOT_NOW,
		  "another process works on migration %.*s at this moment%s%.*s",
		  STR_ARG(now->name), now->lease_owner.len ? ": " : "", STR_ARG(now->lease_owner));
	return OUTCOME_NOT_NOW;
}

static enum outcome check_lease(const struct migration_row *now, struct error *err)
{
	if (!now->lease_left_ms)
		return OUTCOME_OK;
	return error_set(err, OUTCOME_NOT_NOW, "migration %.*s is in the hands of %.*s",
			 STR_ARG(now->name), STR_ARG(now->lease_owner));
}

enum outcome store_claim_read(struct store *s, const struct migration_row *read,
			      enum migration_status to, int max_running, const char *owner,
			      unsigned ways, int64_t *epoch, struct error *err)
{
	struct migration_row row = { 0 };
	struct rows ignored;
	bool force = ways & CLAIM_FROM_DEAD;
	enum outcome o = s->backend->begin(s, BEGIN_WRITE, err);
	if (o == OUTCOME_OK)
		o = store_read_all(s, STATEMENT_LOCK_CLAIMS, &s->scratch, &ignored, err);
	if (o == OUTCOME_OK)
		o = read_migration(s, read->name, &s->scratch, &row, err);
	if (o == OUTCOME_OK)
		o = check_claim(s, read, &row, max_running, err);
	if (o == OUTCOME_OK)
		o = check_unmoved(read, &row, err);
	if (o == OUTCOME_OK && !force)
		o = check_lease(&row, err);
	if (o == OUTCOME_OK)
		o = store_run(s, STATEMENT_CLAIM, err, field_text(read->name), field_int(row.epoch),
			      field_text(str_c(status_word(row.status))),
			      field_text(str_c(status_word(to))), field_text(str_c(owner)),
			      field_bool(force), field_int(s->lease_ms),
			      field_text(str_c(wanted_words[row.wanted])),
			      field_bool(ways & CLAIM_KEEPS_STOP),
			      field_int(read->lease_expires_at));
	*epoch = row.epoch + 1;
	return store_end(s, o, err);
}

/* ---- start ---- */

static void fields_of(int64_t run, const struct operation_row *operation,
		      struct field out[START_COLUMNS])
{
	const struct field fields[START_COLUMNS] = {
		field_int(run),
		field_int(operation->index),
		field_text(operation->label),
		field_int(operation->operation),
		field_bytes(operation->options),
		field_bytes(operation->captures),
		field_text(operation->connection),
		field_text(str_c(operation_status_words[operation->status])),
		field_int(operation->block),
		field_int(operation->at_once),
	};
	memcpy(out, fields, sizeof(fields));
}

static enum outcome add_plan(struct store *s, const struct run_row *run,
			     const struct operation_row *plan, struct error *err)
{
	struct field fields[START_ROWS * START_COLUMNS];
	int64_t count = run->operation_count, left;
	enum outcome o = OUTCOME_OK;
	for (int64_t i = 0; i < count; i++)
		if (plan[i].index != i)
			BUG("operation %lld of the plan has the index %lld", (long long)i,
			    (long long)plan[i].index);
	for (int64_t i = 0; (left = count - i) > 0 && o == OUTCOME_OK;) {
		bool many = left >= START_ROWS;
		int64_t rows = many ? START_ROWS : 1;
		for (int64_t row = 0; row < rows; row++)
			fields_of(run->id, &plan[i + row], fields + row * START_COLUMNS);
		o = s->backend->run(s,
				    many ? STATEMENT_START_OPERATIONS : STATEMENT_START_OPERATION,
				    fields, (size_t)rows * START_COLUMNS, err);
		i += rows;
	}
	return o;
}

static enum outcome add_run(struct store *s, struct run_row *run, struct str module_image,
			    struct error *err)
{
	char module[HASH_HEX_SIZE], blob[HASH_HEX_SIZE], plan[HASH_HEX_SIZE];
	struct rows rows;
	hash_hex(run->module_hash, module);
	hash_hex(hash_of(module_image), blob);
	hash_hex(run->plan_hash, plan);
	enum outcome o = store_run(s, STATEMENT_START_BLOB, err, field_text(str_c(blob)),
				   field_bytes(module_image));
	if (o == OUTCOME_OK)
		o = store_run(s, STATEMENT_START_DROP_BLOBS, err, field_text(run->migration));
	if (o == OUTCOME_OK)
		o = store_run(s, STATEMENT_START_UNTUNE, err, field_text(run->migration));
	if (o == OUTCOME_OK)
		o = store_read(s, STATEMENT_START_RUN, &s->scratch, &rows, err,
			       field_text(run->migration), field_text(run->app_version),
			       field_text(str_c(module)), field_text(str_c(blob)),
			       field_bytes(run->params), field_bytes(run->frozens),
			       field_int(run->operation_count), field_text(str_c(plan)),
			       field_text(str_c(phase_words[run->phase])));
	if (o == OUTCOME_OK)
		run->id = rows_at(&rows, 0, 0)->number;
	return o;
}

enum outcome store_start(struct store *s, struct run_row *run, struct str module_image,
			 const struct operation_row *plan, int64_t epoch, struct error *err)
{
	char module[HASH_HEX_SIZE], seal[HASH_HEX_SIZE];
	plan_hash(plan, (size_t)run->operation_count, &run->plan_hash);
	hash_hex(run->module_hash, module);
	enum outcome o = s->backend->begin(s, BEGIN_WRITE, err);
	if (o == OUTCOME_OK)
		o = add_run(s, run, module_image, err);
	if (o == OUTCOME_OK)
		o = add_plan(s, run, plan, err);
	checkpoint_seal(s, run->id, STR(""), seal);
	if (o == OUTCOME_OK)
		o = store_run(s, STATEMENT_START_CHECKPOINT, err, field_int(run->id),
			      field_bytes(STR("")), field_text(str_c(seal)));
	if (o == OUTCOME_OK)
		o = store_run(s, STATEMENT_START_MIGRATION, err, field_text(run->migration),
			      field_int(epoch), field_text(str_c(module)), field_int(run->id),
			      field_int(s->lease_ms));
	return store_end(s, o, err);
}

/* ---- load ---- */

static struct reading reading_of(struct store *s, const struct rows *rows, const char *table,
				 int64_t run, struct error *err)
{
	struct reading r = { .store = s, .rows = rows, .table = table, .err = err };
	snprintf(r.name, sizeof(r.name), "of run %lld", (long long)run);
	return r;
}

/* Reads the run's row; blob: the name of its module's bytes. */
static enum outcome load_run(struct store *s, struct arena *a, struct run_row *run,
			     struct hash *blob, struct error *err)
{
	struct rows rows;
	enum outcome o = store_read(s, STATEMENT_RUN, a, &rows, err, field_int(run->id));
	struct reading r = reading_of(s, &rows, "run", run->id, err);
	if (o != OUTCOME_OK)
		return o;
	if (rows.count == 0)
		return damaged(s, err, r.table, r.name, "it is missing");
	run->migration = reading_text(&r, 0);
	run->app_version = reading_text(&r, 1);
	run->module_hash = reading_hash(&r, 2, "module_hash", false);
	*blob = reading_hash(&r, 3, "module_blob", false);
	run->params = reading_text(&r, 4);
	run->frozens = reading_text(&r, 5);
	run->operation_count = reading_int(&r, 6, "operation_count", 0, INT32_MAX);
	run->plan_hash = reading_hash(&r, 7, "plan_hash", false);
	run->phase = (enum run_phase)reading_word(&r, 8, "phase", phase_words, PHASE_COUNT);
	run->started_at = reading_time(&r, 9, "started_at");
	run->finished_at = reading_time(&r, 10, "finished_at");
	return r.failed;
}

/* The migration's row must speak of this run. */
static enum outcome load_migration(struct store *s, struct arena *a, const struct run_row *run,
				   struct migration_row *row, struct error *err)
{
	char name[160];
	bool found;
	snprintf(name, sizeof(name), "name = '%.*s'", STR_ARG(run->migration));
	enum outcome o = store_migration(s, run->migration, a, row, &found, err);
	if (o != OUTCOME_OK)
		return o;
	if (!found)
		return damaged(s, err, "migration", name,
			       "it is missing, but run %lld belongs to it", (long long)run->id);
	if (row->current_run != run->id)
		return damaged(s, err, "migration", name,
			       "column current_run: %lld, but run %lld was asked for; "
			       "parts of different runs don't go together",
			       (long long)row->current_run, (long long)run->id);
	if (!hash_eq(row->module_hash, run->module_hash))
		return damaged(s, err, "migration", name,
			       "column module_hash: it is not that of run %lld",
			       (long long)run->id);
	if (row->current_operation_index > run->operation_count)
		return damaged(s, err, "migration", name,
			       "column current_operation_index: %lld is outside of the plan of "
			       "%lld operations; "
			       "write 0 to %lld",
			       (long long)row->current_operation_index,
			       (long long)run->operation_count, (long long)run->operation_count);
	return OUTCOME_OK;
}

static enum outcome load_plan(struct store *s, struct arena *a, struct run_state *out,
			      struct error *err)
{
	struct rows rows;
	enum outcome o = store_read(s, STATEMENT_PLAN, a, &rows, err, field_int(out->run.id));
	struct reading r = reading_of(s, &rows, "operation", out->run.id, err);
	if (o != OUTCOME_OK)
		return o;
	if ((int64_t)rows.count != out->run.operation_count)
		return damaged(s, err, r.table, r.name,
			       "there are %zu, but the plan has %lld operations", rows.count,
			       (long long)out->run.operation_count);
	out->plan = arena_array(a, struct operation_row, rows.count);
	for (; r.row < rows.count; r.row++) {
		snprintf(r.name, sizeof(r.name), "run = %lld, operation_index = %zu",
			 (long long)out->run.id, r.row);
		out->plan[r.row] = (struct operation_row){
			.index = reading_int(&r, 0, "operation_index", (int64_t)r.row,
					     (int64_t)r.row),
			.label = reading_text(&r, 1),
			.operation = (uint32_t)reading_int(&r, 2, "operation", 0, UINT32_MAX),
			.options = reading_text(&r, 3),
			.captures = reading_text(&r, 4),
			.connection = reading_text(&r, 5),
			.status = (enum operation_status)reading_word(
				&r, 6, "status", operation_status_words, OPERATION_STATUS_COUNT),
			.attempts = reading_int(&r, 7, "attempts", 0, INT64_MAX),
			.rows = reading_int(&r, 8, "rows", -1, INT64_MAX),
			.started_at = reading_time(&r, 9, "started_at"),
			.finished_at = reading_time(&r, 10, "finished_at"),
			.block = reading_int(&r, 11, "block", 0, (int64_t)rows.count),
			.at_once = reading_int(&r, 12, "at_once", 0, AT_ONCE_MAX),
			.completion = reading_int(&r, 13, "completion", 0, (int64_t)rows.count),
		};
	}
	if (r.failed != OUTCOME_OK)
		return r.failed;
	struct hash h;
	plan_hash(out->plan, rows.count, &h);
	snprintf(r.name, sizeof(r.name), "of run %lld", (long long)out->run.id);
	if (!hash_eq(h, out->run.plan_hash))
		return damaged(s, err, r.table, r.name,
			       "the plan is not the one that the run began with (its plan_hash "
			       "differs): a label, "
			       "operation, connection, options, captures or block were edited");
	return OUTCOME_OK;
}

static enum outcome load_checkpoint(struct store *s, struct arena *a,
				    const struct migration_row *row, struct run_state *out,
				    struct error *err)
{
	struct rows rows;
	int64_t run = out->run.id;
	enum outcome o = store_read(s, STATEMENT_CHECKPOINT, a, &rows, err, field_int(run));
	struct reading r = reading_of(s, &rows, "checkpoint", run, err);
	if (o != OUTCOME_OK)
		return o;
	if (rows.count == 0)
		return damaged(s, err, r.table, r.name, "it is missing");
	int64_t index = reading_int(&r, 0, "operation_index", 0, INT64_MAX);
	struct hash seal = reading_hash(&r, 2, "seal", false), wanted;
	out->checkpoint = reading_text(&r, 1);
	if (r.failed != OUTCOME_OK || out->checkpoint.len == 0)
		return r.failed;
	char hex[HASH_HEX_SIZE];
	checkpoint_seal(s, run, out->checkpoint, hex);
	if (!hash_from_hex(str_c(hex), &wanted) || !hash_eq(seal, wanted))
		return damaged(s, err, r.table, r.name,
			       "column state: these bytes are of another run, or were edited "
			       "(the seal differs)");
	if (index != row->current_operation_index)
		return damaged(s, err, r.table, r.name,
			       "column operation_index: it was written inside operation %lld, but "
			       "the migration's "
			       "current_operation_index is %lld; to begin operation %lld anew, set "
			       "state = %s",
			       (long long)index, (long long)row->current_operation_index,
			       (long long)row->current_operation_index,
			       s->backend->dialect == DIALECT_SQLITE ? "x''" : "''");
	return OUTCOME_OK;
}

static enum outcome load_blob(struct store *s, struct arena *a, struct hash name,
			      struct run_state *out, struct error *err)
{
	char hex[HASH_HEX_SIZE], row[80];
	struct rows rows;
	hash_hex(name, hex);
	snprintf(row, sizeof(row), "hash = '%s'", hex);
	enum outcome o = store_read(s, STATEMENT_BLOB, a, &rows, err, field_text(str_c(hex)));
	if (o != OUTCOME_OK)
		return o;
	if (rows.count == 0)
		return damaged(s, err, "blob", row, "the module of run %lld is missing",
			       (long long)out->run.id);
	out->module_image = rows_at(&rows, 0, 0)->text;
	if (!hash_eq(hash_of(out->module_image), name))
		return damaged(
			s, err, "blob", row,
			"column bytes: the module of run %lld was changed (its hash differs)",
			(long long)out->run.id);
	return OUTCOME_OK;
}

static void read_effect(struct reading *r, struct effect_record *out)
{
	static const char *const outcomes[] = { "done", "failed" };
	*out = (struct effect_record){
		.effect = {
			.number = reading_int(r, 0, "number", 1, INT64_MAX),
			.attempt = reading_int(r, 1, "attempt", 0, INT64_MAX),
			.operation_index = reading_int(r, 2, "operation_index", -1, INT64_MAX),
			.backward = reading_bool(r, 3),
			.query_id = reading_text(r, 4),
			.sql = reading_text(r, 5),
			.connection = reading_text(r, 6),
			.intent_at = reading_time(r, 7, "intent_at"),
		},
		.ended = rows_at(r->rows, r->row, 8)->kind != FIELD_NULL,
		.rows = -1,
	};
	if (!out->ended) {
		if (reading_text(r, 10).len)
			out->effect.said = (enum effect_said)reading_word(
				r, 10, "error_code", said_words, ARRAY_SIZE(said_words));
		return;
	}
	out->ok = reading_word(r, 8, "outcome", outcomes, ARRAY_SIZE(outcomes)) == 0;
	out->rows = reading_int(r, 9, "rows", -1, INT64_MAX);
	out->error_code = reading_text(r, 10);
	out->error_text = reading_text(r, 11);
	out->outcome_at = reading_time(r, 12, "outcome_at");
}

enum outcome store_effects(struct store *s, int64_t run, struct arena *a,
			   struct effect_record **out, size_t *count, struct error *err)
{
	struct rows rows;
	*count = 0;
	enum outcome o = store_read(s, STATEMENT_EFFECTS, a, &rows, err, field_int(run));
	if (o != OUTCOME_OK)
		return o;
	*out = arena_array(a, struct effect_record, rows.count);
	struct reading r = reading_of(s, &rows, "effect", run, err);
	for (; r.row < rows.count; r.row++)
		read_effect(&r, &(*out)[r.row]);
	*count = rows.count;
	return r.failed;
}

enum outcome store_open_effects(struct store *s, int64_t run, struct arena *a,
				struct effect_row **out, size_t *count, struct error *err)
{
	struct rows rows;
	*count = 0;
	enum outcome o = store_read(s, STATEMENT_OPEN_EFFECTS, a, &rows, err, field_int(run));
	if (o != OUTCOME_OK)
		return o;
	*out = arena_array(a, struct effect_row, rows.count);
	struct reading r = reading_of(s, &rows, "effect", run, err);
	for (; r.row < rows.count; r.row++) {
		struct effect_record record;
		read_effect(&r, &record);
		(*out)[r.row] = record.effect;
	}
	*count = rows.count;
	return r.failed;
}

enum outcome store_marked_before(struct store *s, int64_t run, struct str connection,
				 int64_t number, struct arena *a, struct effect_row *out,
				 struct error *err)
{
	struct rows rows;
	*out = (struct effect_row){ 0 };
	enum outcome o = store_read(s, STATEMENT_MARKED_BEFORE, a, &rows, err, field_int(run),
				    field_text(connection), field_int(number));
	if (o != OUTCOME_OK || rows.count == 0)
		return o;
	struct reading r = reading_of(s, &rows, "effect", run, err);
	struct effect_record record;
	read_effect(&r, &record);
	*out = record.effect;
	return r.failed;
}

/* Where one effect follows the other only the journal's last row can be open: a further attempt is
 * begun when what became of the one before is known. */
static enum outcome load_effect(struct store *s, struct arena *a, struct run_state *out,
				struct error *err)
{
	struct rows rows;
	enum outcome o =
		store_read(s, STATEMENT_LAST_EFFECT, a, &rows, err, field_int(out->run.id));
	out->run.next_effect = 1;
	if (o != OUTCOME_OK || rows.count == 0)
		return o;
	struct reading r = reading_of(s, &rows, "effect", out->run.id, err);
	struct effect_record last;
	read_effect(&r, &last);
	if (last.effect.operation_index >= out->run.operation_count)
		return damaged(s, err, r.table, r.name,
			       "column operation_index: %lld is outside of the plan",
			       (long long)last.effect.operation_index);
	out->run.next_effect = last.effect.number + 1;
	if (!last.ended)
		out->open_effect = last.effect;
	return r.failed;
}

enum outcome store_load(struct store *s, int64_t run, struct arena *a, struct run_state *out,
			struct error *err)
{
	struct migration_row row;
	struct hash blob = { { 0 } };
	*out = (struct run_state){ .run.id = run };
	enum outcome o = s->backend->begin(s, BEGIN_READ, err);
	if (o == OUTCOME_OK)
		o = load_run(s, a, &out->run, &blob, err);
	if (o == OUTCOME_OK)
		o = load_migration(s, a, &out->run, &row, err);
	if (o == OUTCOME_OK)
		o = load_plan(s, a, out, err);
	if (o == OUTCOME_OK)
		o = blocks_check(s, &row, out, err);
	if (o == OUTCOME_OK)
		o = load_checkpoint(s, a, &row, out, err);
	if (o == OUTCOME_OK && out->checkpoint.len > 0)
		o = run_blobs_load(s, a, out, err);
	if (o == OUTCOME_OK)
		o = load_blob(s, a, blob, out, err);
	if (o == OUTCOME_OK)
		o = load_effect(s, a, out, err);
	return store_end(s, o, err);
}
