/*
 * store_pipeline.c - the store's statements in PostgreSQL's pipeline
 *
 * Everything that is sent waits in libpq's buffer until it is flushed, as prepared statements with
 * one sync: one round trip.
 */
#include "vm/store/store_postgres.h"
#include <stdio.h>

#define NO_SUCH_PREPARED "26000"
#define NULL_REFUSED "23502"
#define READ_ONLY "25006"

/* What the driver calls a failed statement means damage here, as nobody but the store wrote these
 * statements; a COMMIT, and a conflict of transactions, can fail for the sake of the effect in the
 * same transaction. */
enum outcome pipeline_fail(struct postgres_store *p, enum statement_id id, struct error *err)
{
	if (err->outcome == OUTCOME_FAILED &&
	    !((p->base.begun || p->deferred) &&
	      (id == STATEMENT_COMMIT || err->class == ERROR_TRANSIENT))) {
		bool ours = err->class == ERROR_PERMANENT && strcmp(err->code, "42501") != 0 &&
			    (strncmp(err->code, "42", 2) == 0 || strncmp(err->code, "22", 2) == 0 ||
			     strncmp(err->code, "23", 2) == 0);
		err->outcome = ours ? OUTCOME_DAMAGED : OUTCOME_UNREACHABLE;
	}
	p->stale |= strcmp(err->code, READ_ONLY) == 0;
	/* The server's last word may be read before the end of its session shows. */
	if (err->class == ERROR_UNKNOWN || !postgres_is_alive(&p->session))
		err->class = p->committing ? ERROR_UNKNOWN : ERROR_TRANSIENT;
	error_prefix(err, "state store: ");
	return err->outcome;
}

enum outcome pipeline_lost(struct postgres_store *p, struct error *err)
{
	postgres_fail(&p->session, NULL, err);
	return pipeline_fail(p, STATEMENT_COUNT, err);
}

static void name_of(enum statement_id id, char out[24])
{
	snprintf(out, 24, "amig_%d", (int)id);
}

static bool is_being_prepared(const struct postgres_store *p, enum statement_id id)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->queue[i].is_prepare && p->queue[i].id == id)
			return true;
	return false;
}

static enum outcome prepare(struct postgres_store *p, enum statement_id id, struct error *err)
{
	if (p->prepared[id] || is_being_prepared(p, id))
		return OUTCOME_OK;
	char name[24];
	name_of(id, name);
	if (!PQsendPrepare(p->session.pg, name, p->base.sql[id], 0, NULL))
		return pipeline_lost(p, err);
	p->queue[p->count++] = (struct queued){ id, true };
	return OUTCOME_OK;
}

/* Texts and bytes go as they are, numbers as digits. */
enum outcome pipeline_send(struct postgres_store *p, enum statement_id id,
			   const struct field *fields, size_t count, struct error *err)
{
	const char *values[FIELDS_MAX];
	int lengths[FIELDS_MAX], formats[FIELDS_MAX];
	char digits[FIELDS_MAX][24], name[24];
	enum outcome o = prepare(p, id, err);
	if (o != OUTCOME_OK)
		return o;
	for (size_t i = 0; i < count; i++) {
		const struct field *f = &fields[i];
		bool raw = f->kind == FIELD_TEXT || f->kind == FIELD_BYTES;
		if (raw && f->text.len > BUF_CAP_BYTES)
			return error_set(err, OUTCOME_USAGE,
					 "state store: a value is larger than PostgreSQL takes");
		if (f->kind == FIELD_BOOL)
			strcpy(digits[i], f->number ? "t" : "f");
		else if (f->kind == FIELD_INT)
			snprintf(digits[i], sizeof(digits[i]), "%lld", (long long)f->number);
		values[i] = f->kind == FIELD_NULL ? NULL : raw ? f->text.ptr : digits[i];
		lengths[i] = raw ? (int)f->text.len : 0;
		formats[i] = raw;
	}
	name_of(id, name);
	p->session.sent = true;
	if (!PQsendQueryPrepared(p->session.pg, name, (int)count, values, lengths, formats, 0))
		return pipeline_lost(p, err);
	p->queue[p->count++] = (struct queued){ id, false };
	return OUTCOME_OK;
}

enum outcome pipeline_enter(struct postgres_store *p, bool goes_on, struct error *err)
{
	struct postgres *session = &p->session;
	if (!goes_on)
		postgres_settle(session);
	if (session->in_pipeline)
		return OUTCOME_OK;
	session->sent = false;
	p->committing = false;
	p->count = 0;
	if (!postgres_is_alive(session) || !PQenterPipelineMode(session->pg))
		return pipeline_lost(p, err);
	session->in_pipeline = true;
	session->shift = 0;
	if (!session->begin_due)
		return OUTCOME_OK;
	session->begin_due = false;
	return pipeline_send(p, STATEMENT_BEGIN, NULL, 0, err);
}

/* What it means that the statement found no row, or that what it is conditional on does not hold: a
 * condition makes a column NULL that must not be. Only the latter undoes the transaction. */
static enum miss missed(const struct queued *q, PGresult *result)
{
	enum miss miss = q->is_prepare ? MISS_NONE : statement_miss(q->id);
	if (miss == MISS_NONE)
		return MISS_NONE;
	if (!postgres_result_failed(result))
		return strcmp(PQcmdTuples(result), "0") == 0 ? miss : MISS_NONE;
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	return state && strcmp(state, NULL_REFUSED) == 0 ? miss : MISS_NONE;
}

/* Reads the answer to one queued statement; result: its rows, of the last statement only. */
static enum outcome answer(struct postgres_store *p, const struct queued *q, PGresult **result,
			   struct error *err)
{
	PGresult *first = NULL, *next;
	*result = NULL;
	enum outcome o = postgres_result(&p->session, p->watch, &first, err);
	if (o != OUTCOME_OK || !first) {
		PQclear(first);
		return o != OUTCOME_OK ? pipeline_fail(p, q->id, err) : pipeline_lost(p, err);
	}
	enum miss miss = missed(q, first);
	if (miss != MISS_NONE) {
		o = store_miss(&p->base, miss, err);
	} else if (postgres_result_failed(first)) {
		postgres_fail(&p->session, first, err);
		/* Somebody dropped them all (DISCARD, DEALLOCATE). */
		if (strcmp(err->code, NO_SUCH_PREPARED) == 0) {
			memset(p->prepared, 0, sizeof(p->prepared));
			p->session.begin_prepared = false;
		}
		o = pipeline_fail(p, q->id, err);
	} else {
		p->prepared[q->id] |= q->is_prepare;
		*result = first;
		first = NULL;
	}
	PQclear(first);
	struct error ignored = { 0 };
	while (postgres_result(&p->session, p->watch, &next, &ignored) == OUTCOME_OK && next)
		PQclear(next);
	error_clear(&ignored);
	return o;
}

enum outcome pipeline_answers(struct postgres_store *p, size_t count, enum outcome failed,
			      PGresult **result, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		struct error after = { 0 };
		if (!postgres_is_alive(&p->session))
			return failed == OUTCOME_OK ? pipeline_lost(p, err) : failed;
		PQclear(*result);
		enum outcome o =
			answer(p, &p->queue[i], result, failed == OUTCOME_OK ? err : &after);
		error_clear(&after);
		failed = failed == OUTCOME_OK ? o : failed;
	}
	return failed;
}

enum outcome pipeline_flush(struct postgres_store *p, PGresult **last, struct error *err)
{
	enum outcome failed = OUTCOME_OK;
	PGresult *result = NULL;
	p->session.owner = NULL;
	if (!postgres_is_alive(&p->session) || !PQpipelineSync(p->session.pg))
		failed = pipeline_lost(p, err);
	failed = pipeline_answers(p, p->count, failed, &result, err);
	struct error late = { 0 };
	PGresult *sync = NULL;
	if (postgres_is_alive(&p->session) &&
	    postgres_result(&p->session, NULL, &sync, &late) != OUTCOME_OK &&
	    failed == OUTCOME_OK) {
		error_take(err, &late);
		failed = pipeline_fail(p, STATEMENT_COUNT, err);
	}
	error_clear(&late);
	/* An implicit transaction commits at the sync: an error there is its answer. */
	if (failed == OUTCOME_OK && sync && postgres_result_failed(sync)) {
		postgres_fail(&p->session, sync, err);
		failed = pipeline_fail(p, STATEMENT_COMMIT, err);
	} else if (failed == OUTCOME_OK && !sync) {
		failed = pipeline_lost(p, err);
	}
	PQclear(sync);
	if (p->session.pg && !PQexitPipelineMode(p->session.pg))
		postgres_abandon(&p->session);
	p->session.in_pipeline = false;
	p->session.sent = false;
	p->count = 0;
	if (failed != OUTCOME_OK || !last)
		PQclear(result);
	else
		*last = result;
	return failed;
}
