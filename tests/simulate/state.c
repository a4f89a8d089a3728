/*
 * state.c - the state store: a backend of vm/store like PostgreSQL's, over one SQLite database in
 * memory
 *
 * A transaction gathers its statements and is carried out at once when it has arrived: between two
 * processes it is one moment, as it would be by the lock of the migration's row. A schedule is one
 * SQLite transaction that is rolled back at its end, so that each begins with the same rows.
 */
#include "tests/simulate/database.h"

#include <stdio.h>
#include <stdlib.h>

#define TIMEOUT_US (20 * SECOND) /* of TCP */

struct queued {
	enum statement_id id;
	size_t count;
	struct field *fields;
};

struct transaction {
	struct arena arena;
	VEC(struct queued) statements;
	VEC(struct change) changes;
	bool open, in_savepoint;
};

struct session {
	struct store base;
	int64_t incarnation, patient_until_us;
	bool broken;
	struct transaction now;
	/* A commit that goes out with the next statement. */
	struct {
		bool is, carried_out;
		struct transaction t;
		enum outcome outcome;
		struct error error;
	} owed;
};

/* A commit that arrives when whoever sent it has given it up. */
struct late {
	int64_t at;
	struct session *session; /* a copy, for carrying it out */
	struct transaction t;
};

static struct session *session_of(struct store *s)
{
	return (struct session *)s;
}

void state_prepare(void)
{
	struct store *s;
	struct error err = { 0 };

	database_open();
	world = (struct simulation){ .now = SECOND };
	if (store_open(&s, "postgresql://simulated", &err) != OUTCOME_OK)
		BUG("%s", err.message);
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		database_prepare(s, (enum statement_id)i);
	store_close(s);
}

void state_begin(void)
{
	database_script("BEGIN");
	if (world.plan->locked)
		database_add_contender();
	if (world.plan->then)
		database_set("auto_start", true);
	if (one_in(4))
		database_set("auto_rollback", false);
}

static void transaction_clear(struct transaction *t)
{
	if (t->in_savepoint)
		database_script("ROLLBACK TO w; RELEASE w");
	arena_clear(&t->arena);
	vec_clear(&t->statements);
	vec_clear(&t->changes);
	*t = (struct transaction){ 0 };
}

void state_end(void)
{
	if (world.late) {
		transaction_clear(&world.late->t);
		free(world.late);
		world.late = NULL;
	}
	database_script("ROLLBACK");
}

/* ---- transactions ---- */

static enum outcome carry_out(struct session *s, enum statement_id id, const struct field *fields,
			      size_t count, struct arena *a, struct rows *rows, struct error *err)
{
	return database_carry_out(&s->base, s->incarnation, id, fields, count, a, rows, err);
}

static enum outcome carry_out_queued(struct session *s, struct transaction *t, struct error *err)
{
	enum outcome o = OUTCOME_OK;

	if (!t->in_savepoint)
		database_script("SAVEPOINT w");
	t->in_savepoint = true;
	for (size_t i = 0; i < t->statements.count && o == OUTCOME_OK; i++) {
		const struct queued *q = &t->statements.at[i];

		o = carry_out(s, q->id, q->fields, q->count, NULL, NULL, err);
	}
	t->statements.count = 0;
	return o;
}

/* One moment: all of it, or nothing. */
static enum outcome carry_out_commit(struct session *s, struct transaction *t, struct error *err)
{
	enum outcome o = carry_out_queued(s, t, err);

	if (o == OUTCOME_OK) {
		database_script("RELEASE w");
		t->in_savepoint = false;
		for (size_t i = 0; i < t->changes.count; i++)
			ledger_apply(TARGET_STORE, &t->changes.at[i]);
		database_look_at_row();
	}
	transaction_clear(t);
	return o;
}

static void send_owed(struct session *s)
{
	if (!s->owed.is || s->owed.carried_out)
		return;
	s->owed.carried_out = true;
	s->owed.outcome = carry_out_commit(s, &s->owed.t, &s->owed.error);
	trace("the commit that was owed: %s", outcome_words(s->owed.outcome));
}

/* ---- the network ---- */

static enum outcome unreachable(struct session *s, bool commits, struct error *err)
{
	s->broken = true;
	error_set(err, OUTCOME_UNREACHABLE, "state store: the connection was lost");
	err->class = commits ? ERROR_UNKNOWN : ERROR_TRANSIENT;
	return OUTCOME_UNREACHABLE;
}

static bool is_gone(const struct session *s)
{
	return s->broken || is_dead() || s->incarnation != me()->incarnation;
}

/* A commit is on its way although nobody waits for it any more. */
static void leave_behind(struct session *s, int64_t delay_us)
{
	struct late *late;

	if (world.late || !s->now.statements.count || s->now.in_savepoint)
		return;
	late = must_alloc(sizeof(*late) + sizeof(*s));
	late->session = (struct session *)(late + 1);
	*late->session = *s;
	late->session->base.scratch = (struct arena){ 0 };
	late->t = s->now;
	s->now = (struct transaction){ .open = true };
	late->at = world.now + delay_us;
	memset(late->session->base.sql, 0, sizeof(late->session->base.sql));
	late->session->base.id = NULL;
	world.late = late;
	trace("a commit stays under way");
}

int64_t state_late_at(void)
{
	return world.late ? world.late->at : INT64_MAX;
}

void state_deliver_late(void)
{
	struct late *late = world.late;
	struct error err = { 0 };
	enum outcome o = carry_out_commit(late->session, &late->t, &err);

	trace("a late commit: %s", o == OUTCOME_OK ? "done" : err.message);
	error_clear(&err);
	arena_clear(&late->session->base.scratch);
	free(late);
	world.late = NULL;
}

/* The way there. */
static enum outcome send(struct session *s, bool commits, struct error *err)
{
	struct process *f = me();
	int64_t patience = TIMEOUT_US;

	if (is_gone(s))
		return unreachable(s, commits, err);
	if (!point("before a request to the store") || !give_way(between_us(MS / 2, 20 * MS))) {
		/* It may have been sent the moment before. */
		if (commits && one_in(2))
			leave_behind(s, between_us(MS, 200 * MS));
		return unreachable(s, commits, err);
	}
	if (s->patient_until_us && s->patient_until_us - monotonic_us(f) < patience)
		patience = s->patient_until_us - monotonic_us(f);
	if (f->store_cut_until > world.now) {
		if (patience > 0 && f->store_cut_until - world.now < patience && one_in(2))
			return give_way(f->store_cut_until - world.now) ?
				       OUTCOME_OK :
				       unreachable(s, commits, err);
		trace("the store does not answer");
		if (commits)
			leave_behind(s, between_us(MS, 60 * SECOND));
		give_way(patience);
		return unreachable(s, commits, err);
	}
	return OUTCOME_OK;
}

/* The way back. */
static enum outcome receive(struct session *s, bool commits, enum outcome o, struct error *err)
{
	bool lives = point("before the store's answer");

	if (!lives || !give_way(between_us(MS / 2, 20 * MS)) ||
	    me()->store_cut_until > world.now) {
		trace("the store's answer is lost");
		error_clear(err);
		return unreachable(s, commits, err);
	}
	return o;
}

/* ---- the backend ---- */

static enum outcome open_session(struct store **out, const char *where UNUSED,
				 struct error *err)
{
	struct session *s;

	if (world.running && (is_dead() || !give_way(between_us(MS, 20 * MS)) ||
			      me()->store_cut_until > world.now))
		return error_set(err, OUTCOME_UNREACHABLE, "state store: no connection");
	s = must_alloc(sizeof(*s));
	*s = (struct session){ 0 };
	if (world.running)
		s->incarnation = me()->incarnation;
	*out = &s->base;
	return OUTCOME_OK;
}

static void close_session(struct store *store)
{
	struct session *s = session_of(store);

	transaction_clear(&s->now);
	transaction_clear(&s->owed.t);
	error_clear(&s->owed.error);
	free(s);
}

static void *session(struct store *s)
{
	return s;
}

static enum outcome script(struct store *s UNUSED, const char *sql, struct error *err UNUSED)
{
	database_script(sql);
	return OUTCOME_OK;
}

static enum outcome begin(struct store *store, enum begin_kind kind UNUSED, struct error *err)
{
	struct session *s = session_of(store);

	if (world.running && is_gone(s))
		return unreachable(s, false, err);
	s->now.open = true;
	return OUTCOME_OK;
}

static void queue(struct transaction *t, enum statement_id id, const struct field *fields,
		  size_t count)
{
	struct queued q = { .id = id, .count = count,
			    .fields = arena_array(&t->arena, struct field, count) };

	for (size_t i = 0; i < count; i++) {
		q.fields[i] = fields[i];
		if (fields[i].kind == FIELD_TEXT || fields[i].kind == FIELD_BYTES)
			q.fields[i].text = arena_str(&t->arena, fields[i].text);
	}
	vec_push(&t->statements, q);
}

static enum outcome run(struct store *store, enum statement_id id, const struct field *fields,
			size_t count, struct error *err)
{
	struct session *s = session_of(store);

	if (!world.running || s->now.in_savepoint)
		return carry_out(s, id, fields, count, NULL, NULL, err);
	if (is_gone(s))
		return unreachable(s, false, err);
	queue(&s->now, id, fields, count);
	return OUTCOME_OK;
}

/* Between the first read of a transaction and its end there is only one moment. */
static enum outcome read(struct store *store, enum statement_id id, const struct field *fields,
			 size_t count, struct arena *a, struct rows *rows, struct error *err)
{
	struct session *s = session_of(store);
	enum outcome o;

	if (!world.running)
		return carry_out(s, id, fields, count, a, rows, err);
	if (!s->now.in_savepoint) {
		o = send(s, false, err);
		if (o != OUTCOME_OK)
			return o;
		send_owed(s);
	}
	if (s->now.open && !s->now.in_savepoint) {
		o = carry_out_queued(s, &s->now, err);
		if (o != OUTCOME_OK)
			return o;
	}
	o = carry_out(s, id, fields, count, a, rows, err);
	return s->now.open ? o : receive(s, false, o, err);
}

static enum outcome commit(struct store *store, struct error *err)
{
	struct session *s = session_of(store);
	enum outcome o = OUTCOME_OK;

	if (!world.running) {
		transaction_clear(&s->now);
		return OUTCOME_OK;
	}
	if (!s->now.in_savepoint) {
		o = send(s, true, err);
		if (o != OUTCOME_OK)
			return o;
		send_owed(s);
	}
	o = carry_out_commit(s, &s->now, err);
	trace("commits: %s", o == OUTCOME_OK ? "done" : err->message);
	return receive(s, true, o, err);
}

static enum outcome commit_later(struct store *store, struct error *err)
{
	struct session *s = session_of(store);

	if (is_gone(s))
		return unreachable(s, true, err);
	send_owed(s);
	error_clear(&s->owed.error);
	s->owed.is = true;
	s->owed.carried_out = false;
	s->owed.t = s->now;
	s->now = (struct transaction){ 0 };
	return OUTCOME_OK;
}

static enum outcome wait(struct store *store, struct error *err)
{
	struct session *s = session_of(store);
	enum outcome o;

	if (!s->owed.is)
		return OUTCOME_OK;
	if (!s->owed.carried_out) {
		o = send(s, true, err);
		if (o != OUTCOME_OK) {
			s->owed.is = false;
			transaction_clear(&s->owed.t);
			return o;
		}
		send_owed(s);
	}
	s->owed.is = false;
	if (is_gone(s))
		return unreachable(s, true, err);
	if (s->owed.outcome != OUTCOME_OK)
		error_take(err, &s->owed.error);
	return s->owed.outcome;
}

static void rollback(struct store *store)
{
	transaction_clear(&session_of(store)->now);
}

static void be_patient(struct store *store, int64_t until_ms)
{
	session_of(store)->patient_until_us = until_ms * MS;
}

static enum outcome hear(struct store *store, int timeout_ms, bool *heard, struct error *err)
{
	struct session *s = session_of(store);
	struct fiber *f = world.running;
	bool lives;

	*heard = false;
	if (is_gone(s))
		return unreachable(s, false, err);
	f->hears = true;
	lives = give_way(timeout_ms * MS);
	f->hears = false;
	return lives ? OUTCOME_OK : unreachable(s, false, err);
}

static bool still_begun(struct store *store)
{
	return session_of(store)->now.open;
}

bool state_is_begun(void *of)
{
	return session_of(of)->now.open;
}

bool state_send_owed(void *of)
{
	struct session *s = session_of(of);

	if (is_gone(s))
		return false;
	send_owed(s);
	return true;
}

bool state_add_change(void *of, const struct change *c)
{
	struct session *s = session_of(of);

	if (is_gone(s) || !s->now.open)
		return false;
	if (mutant(MUTANT_APART))
		ledger_apply(TARGET_STORE, c);
	else
		vec_push(&s->now.changes, *c);
	return true;
}

#define FUNCTIONS                                                                              \
	.dialect = DIALECT_SQLITE, .open = open_session, .close = close_session,               \
	.session = session, .script = script, .begin = begin, .run = run, .read = read,        \
	.commit = commit, .commit_later = commit_later, .wait = wait, .rollback = rollback,    \
	.be_patient = be_patient, .hear = hear, .still_begun = still_begun

const struct backend store_postgres = { .kind = "postgres", FUNCTIONS };
const struct backend store_sqlite = { .kind = "sqlite", FUNCTIONS };
