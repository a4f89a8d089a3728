/*
 * store_postgres.c - the store in PostgreSQL, schema amig
 *
 * Everything that is run() waits in libpq's buffer and goes out with the next read() or the commit,
 * as one pipeline of prepared statements with one sync: a step is one round trip. A batch is one
 * implicit transaction.
 */
#include "vm/driver/postgres.h"
#include "vm/store/backend.h"
#include <stdio.h>
#include <stdlib.h>

#define QUEUE_MAX 128 /* answers must fit into the sockets' buffers while we still send */
#define NO_SUCH_PREPARED "26000"
#define NULL_REFUSED "23502"
#define READ_ONLY "25006"
#define TYPE_BOOL 16
#define TYPE_BYTES 17
#define TYPE_BIGINT 20
#define TYPE_INT 23

struct queued {
	enum statement_id id;
	bool is_prepare;
};

struct postgres_store {
	struct store base;
	struct postgres session;
	bool prepared[STATEMENT_COUNT];
	/* one implicit transaction: must not be flushed before its end */
	bool batch;
	struct queued queue[QUEUE_MAX + 4];
	size_t count;
	/* A commit that waits for the next statement of the session, and what became of it until
	 * wait() tells. */
	bool deferred;
	enum outcome owed;
	struct error owed_error;
	const struct watch *watch; /* while answers are read */
	bool committing; /* what was sent includes the end of a transaction */
	/* read-only: it stays so when the database, or the one that took over from it, is not any
	 * more */
	bool stale;
};

static struct postgres_store *own(struct store *s)
{
	return (struct postgres_store *)s;
}

/* What the driver calls a failed statement means damage here, as nobody but the store wrote these
 * statements; a COMMIT, and a conflict of transactions, can fail for the sake of the effect in the
 * same transaction. */
static enum outcome fail(struct postgres_store *p, enum statement_id id, struct error *err)
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
	if (!postgres_is_alive(&p->session))
		err->class = p->committing ? ERROR_UNKNOWN : ERROR_TRANSIENT;
	error_prefix(err, "state store: ");
	return err->outcome;
}

/* ---- the pipeline ---- */

static enum outcome lost(struct postgres_store *p, struct error *err)
{
	postgres_fail(&p->session, NULL, err);
	return fail(p, STATEMENT_COUNT, err);
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
		return lost(p, err);
	p->queue[p->count++] = (struct queued){ id, true };
	return OUTCOME_OK;
}

/* Texts and bytes go as they are, numbers as digits. */
static enum outcome send(struct postgres_store *p, enum statement_id id, const struct field *fields,
			 size_t count, struct error *err)
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
		return lost(p, err);
	p->queue[p->count++] = (struct queued){ id, false };
	return OUTCOME_OK;
}

/* The first of a pipeline: enters the mode, and sends the BEGIN that is due. */
static enum outcome enter(struct postgres_store *p, struct error *err)
{
	struct postgres *session = &p->session;
	postgres_settle(session);
	if (session->in_pipeline)
		return OUTCOME_OK;
	session->sent = false;
	p->committing = false;
	p->count = 0;
	if (!postgres_is_alive(session) || !PQenterPipelineMode(session->pg))
		return lost(p, err);
	session->in_pipeline = true;
	session->shift = 0;
	if (!session->begin_due)
		return OUTCOME_OK;
	session->begin_due = false;
	return send(p, STATEMENT_BEGIN, NULL, 0, err);
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
		return o != OUTCOME_OK ? fail(p, q->id, err) : lost(p, err);
	}
	enum miss miss = missed(q, first);
	if (miss != MISS_NONE) {
		o = store_miss(&p->base, miss, err);
	} else if (postgres_result_failed(first)) {
		postgres_fail(&p->session, first, err);
		/* Somebody dropped them all (DISCARD, DEALLOCATE). */
		if (strcmp(err->code, NO_SUCH_PREPARED) == 0)
			memset(p->prepared, 0, sizeof(p->prepared));
		o = fail(p, q->id, err);
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

/* The answers to all that is queued; result: of the last statement. failed: what is known already.
 */
static enum outcome answers(struct postgres_store *p, enum outcome failed, PGresult **result,
			    struct error *err)
{
	for (size_t i = 0; i < p->count && postgres_is_alive(&p->session); i++) {
		struct error after = { 0 };
		PQclear(*result);
		enum outcome o =
			answer(p, &p->queue[i], result, failed == OUTCOME_OK ? err : &after);
		error_clear(&after);
		failed = failed == OUTCOME_OK ? o : failed;
	}
	return failed;
}

/* Sends what is queued and reads all answers. last: the result of the last statement, or NULL. */
static enum outcome flush(struct postgres_store *p, PGresult **last, struct error *err)
{
	enum outcome failed = OUTCOME_OK;
	PGresult *result = NULL;
	if (!postgres_is_alive(&p->session) || !PQpipelineSync(p->session.pg))
		failed = lost(p, err);
	failed = answers(p, failed, &result, err);
	struct error late = { 0 };
	PGresult *sync = NULL;
	if (postgres_is_alive(&p->session) &&
	    postgres_result(&p->session, NULL, &sync, &late) != OUTCOME_OK &&
	    failed == OUTCOME_OK) {
		error_take(err, &late);
		failed = fail(p, STATEMENT_COUNT, err);
	}
	error_clear(&late);
	/* An implicit transaction commits at the sync: an error there is its answer. */
	if (failed == OUTCOME_OK && sync && postgres_result_failed(sync)) {
		postgres_fail(&p->session, sync, err);
		failed = fail(p, STATEMENT_COMMIT, err);
	} else if (failed == OUTCOME_OK && !sync) {
		failed = lost(p, err);
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

/* ---- the backend ---- */

static enum outcome open_store(struct store **out, const char *where, struct error *err)
{
	struct postgres_store *p = must_alloc(sizeof(*p));
	*p = (struct postgres_store){ 0 };
	enum outcome o = postgres_open(&p->session, where, "amig", NULL, err);
	/* A commit is durable when it is told: the setting of a database or role must not weaken
	 * that. */
	if (o == OUTCOME_OK)
		o = postgres_keep(&p->session,
				  "SELECT set_config('synchronous_commit', 'on', false) "
				  "WHERE current_setting('synchronous_commit') = 'off'; SET "
				  "client_encoding = 'UTF8'; "
				  "SET client_min_messages = 'warning'",
				  err);
	/* Who waits for a NOTIFY, and keeps statements prepared, needs one session. */
	if (o == OUTCOME_OK)
		o = postgres_own_backend(&p->session, NULL, err);
	if (o != OUTCOME_OK) {
		if (o == OUTCOME_FAILED)
			err->outcome = o = OUTCOME_UNREACHABLE;
		error_prefix(err, "state store: ");
		postgres_close(&p->session);
		free(p);
		return o;
	}
	*out = &p->base;
	return OUTCOME_OK;
}

static void close_store(struct store *s)
{
	error_clear(&own(s)->owed_error);
	postgres_close(&own(s)->session);
	free(s);
}

static void *session(struct store *s)
{
	return &own(s)->session;
}

static enum outcome script(struct store *s, const char *sql, struct error *err)
{
	struct postgres_store *p = own(s);
	enum outcome o = postgres_query(&p->session, sql, NULL, NULL, err);
	if (o == OUTCOME_FAILED)
		err->outcome = o = OUTCOME_UNREACHABLE;
	if (o != OUTCOME_OK)
		error_prefix(err, "state store: ");
	return o;
}

static enum outcome run(struct store *s, enum statement_id id, const struct field *fields,
			size_t count, struct error *err)
{
	struct postgres_store *p = own(s);
	enum outcome o = enter(p, err);
	if (o == OUTCOME_OK)
		o = send(p, id, fields, count, err);
	if (o == OUTCOME_OK && p->count >= QUEUE_MAX) {
		if (p->batch)
			BUG("a batch of more than %d statements", QUEUE_MAX);
		o = flush(p, NULL, err);
	}
	return o;
}

static struct field cell(const PGresult *result, int row, int column, struct arena *a)
{
	if (PQgetisnull(result, row, column))
		return field_null();
	char *text = PQgetvalue(result, row, column);
	int64_t number = 0;
	switch (PQftype(result, column)) {
	case TYPE_BOOL:
		return field_int(*text == 't');
	case TYPE_INT:
	case TYPE_BIGINT:
		if (!str_to_int(str_c(text), &number))
			BUG("a number that PostgreSQL sent can't be read");
		return field_int(number);
	case TYPE_BYTES: {
		size_t len = 0;
		unsigned char *bytes = PQunescapeBytea((const unsigned char *)text, &len);
		if (!bytes)
			BUG("out of memory");
		struct str copy = arena_str(a, (struct str){ (const char *)bytes, len });
		PQfreemem(bytes);
		return field_bytes(copy);
	}
	default:
		return field_text(arena_str(
			a, (struct str){ text, (size_t)PQgetlength(result, row, column) }));
	}
}

static enum outcome read(struct store *s, enum statement_id id, const struct field *fields,
			 size_t count, struct arena *a, struct rows *rows, struct error *err)
{
	PGresult *result = NULL;
	*rows = (struct rows){ 0 };
	enum outcome o = enter(own(s), err);
	if (o == OUTCOME_OK)
		o = send(own(s), id, fields, count, err);
	if (o == OUTCOME_OK)
		o = flush(own(s), &result, err);
	if (o != OUTCOME_OK)
		return o;
	rows->count = (size_t)PQntuples(result);
	rows->columns = (size_t)PQnfields(result);
	rows->fields = arena_array(a, struct field, arena_bytes(rows->count, rows->columns));
	for (size_t i = 0; i < rows->count; i++)
		for (size_t c = 0; c < rows->columns; c++)
			rows->fields[i * rows->columns + c] = cell(result, (int)i, (int)c, a);
	PQclear(result);
	return OUTCOME_OK;
}

/* A session that was lost while nothing was in it is opened anew: what is known of the state was
 * committed before, and what follows is conditional on it. */
static enum outcome revive(struct postgres_store *p, struct error *err)
{
	bool usable = postgres_is_alive(&p->session) && !p->stale;
	if (usable || p->deferred || p->owed != OUTCOME_OK)
		return OUTCOME_OK;
	p->stale = false;
	memset(p->prepared, 0, sizeof(p->prepared));
	p->count = 0;
	enum outcome o = postgres_reopen(&p->session, NULL, err);
	if (o == OUTCOME_OK)
		return o;
	error_prefix(err, "state store: ");
	return err->outcome = OUTCOME_UNREACHABLE;
}

static enum outcome begin(struct store *s, enum begin_kind kind, struct error *err)
{
	struct postgres_store *p = own(s);
	struct rows ignored;
	enum outcome o = revive(p, err);
	if (o != OUTCOME_OK)
		return o;
	p->batch = kind == BEGIN_BATCH;
	if (!p->deferred)
		p->committing = false;
	if (!postgres_is_alive(&p->session))
		return lost(p, err);
	switch (kind) {
	case BEGIN_BATCH:
		return OUTCOME_OK;
	case BEGIN_WRITE:
		postgres_begin(&p->session);
		return OUTCOME_OK;
	case BEGIN_READ:
		return run(s, STATEMENT_BEGIN_READ, NULL, 0, err);
	case BEGIN_UPGRADE:
		postgres_begin(&p->session);
		return read(s, STATEMENT_LOCK_UPGRADE, NULL, 0, &s->scratch, &ignored, err);
	}
	BUG("no such transaction");
}

static enum outcome commit(struct store *s, struct error *err)
{
	struct postgres_store *p = own(s);
	enum outcome o = p->batch ? OUTCOME_OK : run(s, STATEMENT_COMMIT, NULL, 0, err);
	p->committing = true;
	if (o == OUTCOME_OK && p->session.in_pipeline)
		o = flush(p, NULL, err);
	p->batch = false;
	return o;
}

/* A postgres_owner_fn. */
static bool read_owed(void *context, const struct watch *watch, bool synced)
{
	struct postgres_store *p = context;
	PGresult *result = NULL;
	p->watch = watch;
	if (!synced) {
		bool due = p->session.begin_due;
		p->owed = flush(p, NULL, &p->owed_error);
		p->session.begin_due = false;
		if (p->owed != OUTCOME_OK)
			postgres_rollback(&p->session);
		p->session.begin_due = due && postgres_is_alive(&p->session);
	} else if (!postgres_is_alive(&p->session)) {
		p->owed = lost(p, &p->owed_error);
	} else {
		p->owed = answers(p, OUTCOME_OK, &result, &p->owed_error);
		PQclear(result);
		p->count = 0;
	}
	p->watch = NULL;
	p->deferred = p->committing = false;
	return p->owed == OUTCOME_OK;
}

static enum outcome commit_later(struct store *s, struct error *err)
{
	struct postgres_store *p = own(s);
	enum outcome o = run(s, STATEMENT_COMMIT, NULL, 0, err);
	p->committing = true;
	if (o != OUTCOME_OK)
		return o;
	p->deferred = true;
	postgres_owe(&p->session, read_owed, p);
	return OUTCOME_OK;
}

static enum outcome wait(struct store *s, struct error *err)
{
	struct postgres_store *p = own(s);
	postgres_settle(&p->session);
	enum outcome o = p->owed;
	p->owed = OUTCOME_OK;
	if (o != OUTCOME_OK)
		error_take(err, &p->owed_error);
	return o;
}

static void rollback(struct store *s)
{
	struct postgres_store *p = own(s);
	struct error ignored = { 0 };
	postgres_settle(&p->session);
	if (p->session.in_pipeline && p->batch)
		postgres_abandon(&p->session); /* a sync would commit what is queued */
	else if (p->session.in_pipeline)
		flush(p, NULL, &ignored);
	error_clear(&ignored);
	postgres_rollback(&p->session);
	p->batch = false;
}

static enum outcome listen_to_others(struct store *s, struct error *err)
{
	enum outcome o = postgres_keep(&own(s)->session, "LISTEN amig", err);
	return o == OUTCOME_OK ? o : fail(own(s), STATEMENT_COUNT, err);
}

static void be_patient(struct store *s, int64_t until_ms)
{
	own(s)->session.patience_until_ms = until_ms;
}

static enum outcome hear(struct store *s, int timeout_ms, bool *heard, struct error *err)
{
	struct postgres_store *p = own(s);
	postgres_settle(&p->session);
	if (!postgres_hear(&p->session, timeout_ms, heard))
		return lost(p, err);
	return OUTCOME_OK;
}

static bool still_begun(struct store *s)
{
	const struct postgres *session = &own(s)->session;
	return session->begin_due ||
	       (postgres_is_alive(session) && PQtransactionStatus(session->pg) == PQTRANS_INTRANS);
}

const struct backend store_postgres = {
	.kind = "postgres",
	.dialect = DIALECT_POSTGRES,
	.open = open_store,
	.close = close_store,
	.session = session,
	.script = script,
	.begin = begin,
	.run = run,
	.read = read,
	.commit = commit,
	.commit_later = commit_later,
	.wait = wait,
	.rollback = rollback,
	.listen = listen_to_others,
	.be_patient = be_patient,
	.hear = hear,
	.still_begun = still_begun,
};
