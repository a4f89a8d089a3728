/*
 * store_postgres.c - the store in PostgreSQL, schema amig
 *
 * What is run() goes out with the next read() or the commit (store_pipeline.c): a step is one round
 * trip. A batch is one implicit transaction.
 */
#include "vm/store/store_postgres.h"
#include <stdlib.h>

#define TYPE_BOOL 16
#define TYPE_BYTES 17
#define TYPE_BIGINT 20
#define TYPE_INT 23

static struct postgres_store *own(struct store *s)
{
	return (struct postgres_store *)s;
}

/* Tells a failure once. */
static enum outcome tell(enum outcome *kept, struct error *why, struct error *err)
{
	enum outcome o = *kept;
	*kept = OUTCOME_OK;
	if (o != OUTCOME_OK)
		error_take(err, why);
	return o;
}

static bool read_behind(void *context, const struct watch *watch, bool synced);

/* Whether the pipeline that is owed has no end yet, so that more may be added. */
static bool is_behind(const struct postgres_store *p)
{
	return p->session.owner == read_behind;
}

static enum outcome enter(struct postgres_store *p, struct error *err)
{
	enum outcome o = pipeline_enter(p, p->following || is_behind(p), err);
	return p->broken == OUTCOME_OK ? o : tell(&p->broken, &p->broken_error, err);
}

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
	error_clear(&own(s)->broken_error);
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
		o = pipeline_send(p, id, fields, count, err);
	if (o == OUTCOME_OK && p->count >= QUEUE_MAX) {
		if (p->batch || p->following)
			BUG("more than %d statements that must go out at once", QUEUE_MAX);
		o = pipeline_flush(p, NULL, err);
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
		o = pipeline_send(own(s), id, fields, count, err);
	if (o == OUTCOME_OK)
		o = pipeline_flush(own(s), &result, err);
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
		return pipeline_lost(p, err);
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

/* Together with the statement that they were sent in front of. What was sent behind it stays
 * queued. */
static enum outcome read_joined(struct postgres_store *p, struct error *err)
{
	size_t count = p->following ? p->before : p->count;
	PGresult *result = NULL;
	p->following = false;
	if (!postgres_is_alive(&p->session))
		return pipeline_lost(p, err);
	enum outcome o = pipeline_answers(p, count, OUTCOME_OK, &result, err);
	PQclear(result);
	memmove(p->queue, p->queue + count, (p->count - count) * sizeof(p->queue[0]));
	p->count -= count;
	return o;
}

static enum outcome read_alone(struct postgres_store *p, struct error *err)
{
	bool due = p->session.begin_due;
	enum outcome o = pipeline_flush(p, NULL, err);
	p->session.begin_due = false;
	if (o != OUTCOME_OK)
		postgres_rollback(&p->session);
	p->session.begin_due = due && postgres_is_alive(&p->session);
	return o;
}

/* A postgres_owner_fn. */
static bool read_owed(void *context, const struct watch *watch, bool synced)
{
	struct postgres_store *p = context;
	enum outcome *kept = p->deferred ? &p->owed : &p->broken;
	struct error *why = p->deferred ? &p->owed_error : &p->broken_error;
	p->watch = watch;
	*kept = synced ? read_joined(p, why) : read_alone(p, why);
	p->watch = NULL;
	p->deferred = p->committing = false;
	return *kept == OUTCOME_OK;
}

/* A postgres_follower_fn. */
static bool send_behind(void *context)
{
	struct postgres_store *p = context;
	struct error ignored = { 0 };
	p->before = p->count;
	p->following = true;
	enum outcome o = p->follower(&p->base, &ignored);
	error_clear(&ignored);
	p->base.expected.sent = o == OUTCOME_OK;
	return o == OUTCOME_OK;
}

/* A postgres_owner_fn: the statement that they were sent behind has happened. */
static bool read_behind(void *context, const struct watch *watch, bool synced)
{
	return read_owed(context, watch, synced);
}

static void behind(struct store *s, enum outcome (*put)(struct store *s, struct error *err))
{
	struct postgres_store *p = own(s);
	p->follower = put;
	postgres_follow(&p->session, put ? send_behind : NULL, read_behind, p);
}

static enum outcome commit(struct store *s, struct error *err)
{
	struct postgres_store *p = own(s);
	enum outcome o = p->batch ? OUTCOME_OK : run(s, STATEMENT_COMMIT, NULL, 0, err);
	behind(s, NULL);
	p->committing = true;
	if (o == OUTCOME_OK && p->session.in_pipeline)
		o = pipeline_flush(p, NULL, err);
	p->batch = false;
	return o;
}

static enum outcome commit_later(struct store *s, struct error *err)
{
	struct postgres_store *p = own(s);
	enum outcome o = run(s, STATEMENT_COMMIT, NULL, 0, err);
	behind(s, NULL);
	p->committing = true;
	if (o != OUTCOME_OK)
		return o;
	p->deferred = true;
	p->session.owner = NULL; /* read_behind(), if anything: it is all one now */
	postgres_owe(&p->session, read_owed, p);
	return OUTCOME_OK;
}

static enum outcome wait(struct store *s, struct error *err)
{
	struct postgres_store *p = own(s);
	if (p->deferred)
		postgres_settle(&p->session);
	return tell(&p->owed, &p->owed_error, err);
}

static void rollback(struct store *s)
{
	struct postgres_store *p = own(s);
	struct error ignored = { 0 };
	postgres_settle(&p->session);
	if (p->session.in_pipeline && p->batch)
		postgres_abandon(&p->session); /* a sync would commit what is queued */
	else if (p->session.in_pipeline)
		pipeline_flush(p, NULL, &ignored);
	error_clear(&ignored);
	postgres_rollback(&p->session);
	behind(s, NULL);
	p->following = p->batch = false;
	p->broken = OUTCOME_OK;
	error_clear(&p->broken_error);
}

static enum outcome listen_to_others(struct store *s, struct error *err)
{
	enum outcome o = postgres_keep(&own(s)->session, "LISTEN amig", err);
	return o == OUTCOME_OK ? o : pipeline_fail(own(s), STATEMENT_COUNT, err);
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
		return pipeline_lost(p, err);
	return OUTCOME_OK;
}

static bool still_begun(struct store *s)
{
	const struct postgres *session = &own(s)->session;
	/* What is broken or lost is told by the next run(). */
	return session->begin_due || is_behind(own(s)) || own(s)->broken != OUTCOME_OK ||
	       !postgres_is_alive(session) || PQtransactionStatus(session->pg) == PQTRANS_INTRANS;
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
	.behind = behind,
	.rollback = rollback,
	.listen = listen_to_others,
	.be_patient = be_patient,
	.hear = hear,
	.still_begun = still_begun,
};
