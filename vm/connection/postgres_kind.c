/* postgres_kind.c - connections to PostgreSQL */
#include "vm/connection/connection.h"
#include "vm/connection/postgres_kind.h"
#include "vm/connection/postgres_text.h"
#include "vm/connection/postgres_result.h"
#include "vm/base/os.h"
#include "vm/base/sql.h"
#include "vm/driver/postgres.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DEADLINE_GRACE_MS 1000		/* the server's own timeout comes first and says more */
#define FENCE_PAUSE_MS 50

static struct postgres_state *state_of(const struct connection *c)
{
	return c->state;
}

/* ---- a watch with a deadline ---- */

struct limit {
	const struct watch *inner;
	int64_t deadline;
};

static enum watch_wish ask_limit(void *context)
{
	const struct limit *limit = context;
	enum watch_wish wish = watch_ask(limit->inner);
	if (wish == WATCH_GO_ON && limit->deadline && os_monotonic_ms() >= limit->deadline)
		return WATCH_CANCEL;
	return wish;
}

static struct limit limit_of(const struct statement *s, const struct watch *watch)
{
	int64_t deadline =
		s->timeout_ms > 0 ? os_monotonic_ms() + s->timeout_ms + DEADLINE_GRACE_MS : 0;
	return (struct limit){ watch, deadline };
}

/* ---- opening ---- */

static enum outcome learn_server(struct connection *c, const struct watch *watch, struct error *err)
{
	struct postgres_state *s = state_of(c);
	enum outcome o = postgres_learn_session(s, watch, err);
	if (o != OUTCOME_OK)
		return o;
	const char *version = PQparameterStatus(s->own.pg, "server_version");
	free(c->version_text);
	c->version_text = must_strdup(version ? version : "");
	return OUTCOME_OK;
}

static enum outcome open_server(struct connection *c, const char *url, const struct watch *watch,
				struct error *err)
{
	struct postgres_state *s = must_alloc(sizeof(*s));
	*s = (struct postgres_state){0};
	c->state = s;
	enum outcome o = postgres_open(&s->own, url, "amig", watch, err);
	return o == OUTCOME_OK ? learn_server(c, watch, err) : o;
}

static void close_server(struct connection *c)
{
	struct postgres_state *s = state_of(c);
	postgres_close(&s->own);
	postgres_close(&s->reader);
	postgres_close(&s->aside);
	free(s->measure);
	free(s->path);
	free(s);
	c->state = NULL;
}

enum outcome postgres_wake(struct connection *c, const struct watch *watch, struct error *err)
{
	struct postgres_state *s = state_of(c);
	if (postgres_is_alive(&s->own) && (s->is_held || !postgres_in_transaction(&s->own)))
		return OUTCOME_OK;
	enum outcome o = postgres_reopen(&s->own, watch, err);
	return o == OUTCOME_OK ? learn_server(c, watch, err) : o;
}

/* What must be equal for two sessions to be one database under one name: also the role and where
 * names are looked up. */
static char *identity_of(struct postgres *session)
{
	static const char *const questions[] = {
		"SELECT extract(epoch FROM pg_postmaster_start_time()), d.oid, current_user, "
		"current_setting('search_path'),"
		" pg_is_in_recovery() FROM pg_database d WHERE d.datname = current_database()",
		"SELECT system_identifier FROM pg_control_system()", /* not for every role */
	};
	struct buf text = {0};
	for (size_t q = 0; q < ARRAY_SIZE(questions); q++) {
		struct error err = {0};
		PGresult *answer = NULL;
		enum outcome o = postgres_query(session, questions[q], NULL, &answer, &err);
		if (o == OUTCOME_OK && PQntuples(answer) == 1)
			for (int i = 0; i < PQnfields(answer); i++)
				buf_format(&text, "%s\n", PQgetvalue(answer, 0, i));
		else if (q == 0)
			buf_clear(&text);
		PQclear(answer);
		error_clear(&err);
		if (q == 0 && !text.len)
			return NULL;
	}
	return buf_take(&text);
}

static bool share_session(struct connection *c, void *session)
{
	struct postgres_state *s = state_of(c);
	struct postgres *store = session;
	if (!postgres_is_alive(store) || postgres_in_transaction(store) ||
	    !postgres_is_alive(&s->own))
		return false;
	char *ours = identity_of(&s->own), *theirs = identity_of(store);
	bool same = ours && theirs && strcmp(ours, theirs) == 0;
	free(ours);
	free(theirs);
	if (!same)
		return false;
	struct buf settings = { 0 };
	struct error ignored = { 0 };
	postgres_text_shared(&settings);
	enum outcome o = postgres_keep(store, settings.ptr, &ignored);
	buf_clear(&settings);
	error_clear(&ignored);
	if (o != OUTCOME_OK)
		return false;
	s->store = store;
	c->shared = true;
	return true;
}

/* ---- one statement ---- */

static void count_rows(PGresult *result, int64_t *affected)
{
	static const char *const counting[] = { "INSERT", "UPDATE", "DELETE", "MERGE", "COPY" };
	struct str tag = str_c(PQcmdStatus(result));
	for (size_t i = 0; i < ARRAY_SIZE(counting); i++)
		if (str_starts(tag, str_c(counting[i])) &&
		    !str_to_int(str_c(PQcmdTuples(result)), affected))
			*affected = -1;
}

/* Reads the answers to the end. rows: where the last statement's with columns go (NULL: they are
 * dropped). */
static enum outcome read_answers(struct postgres *session, const struct watch *watch,
				 struct result *rows, int64_t *affected, struct error *err)
{
	enum outcome failed = OUTCOME_OK;
	bool fresh = true;
	for (;;) {
		PGresult *answer;
		struct error lost = {0};
		enum outcome o = postgres_result(session, watch, &answer, &lost);
		if (o != OUTCOME_OK && (failed == OUTCOME_OK || o == OUTCOME_STOPPED)) {
			error_take(err, &lost);
			failed = o;
		}
		error_clear(&lost);
		if (o != OUTCOME_OK || !answer) {
			PQclear(answer);
			return failed;
		}
		ExecStatusType status = PQresultStatus(answer);
		if (failed == OUTCOME_OK && status == PGRES_COPY_OUT) {
			failed =
				error_set(err, OUTCOME_FAILED, "COPY TO STDOUT has no reader here");
		} else if (failed == OUTCOME_OK && status != PGRES_COPY_IN &&
			   postgres_result_failed(answer)) {
			failed = postgres_fail(session, answer, err);
		} else if (failed == OUTCOME_OK &&
			   (status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK)) {
			if (rows && fresh)
				result_clear(rows);
			fresh = status == PGRES_TUPLES_OK;
			if (rows && !postgres_result_add(rows, answer)) {
				failed = error_set(err, OUTCOME_FAILED,
						   "the result is larger than %zu MiB",
						   RESULT_CAP_BYTES >> 20);
				postgres_cancel(session);
			} else if (rows && fresh) {
				postgres_result_settle(rows, answer);
			}
		}
		if (failed == OUTCOME_OK && affected)
			count_rows(answer, affected);
		PQclear(answer);
	}
}

static enum outcome send_and_read(struct postgres *session, const struct statement *s,
				  const char *prefix, const char *suffix, const struct watch *watch,
				  struct result *rows, int64_t *affected, struct error *err)
{
	struct limit limit = limit_of(s, watch);
	struct watch limited = { ask_limit, &limit };
	enum outcome o = postgres_send(session, prefix, s->sql, suffix, true, err);
	return o == OUTCOME_OK ? read_answers(session, &limited, rows, affected, err) : o;
}

static enum outcome run_query(struct connection *c, const struct statement *s,
			      const struct watch *watch, struct result *out, struct error *err)
{
	struct postgres_state *state = state_of(c);
	if (state->store)
		postgres_settle(state->store);
	bool shared = state->store && postgres_in_transaction(state->store);
	bool inside = shared || state->open;
	struct postgres *session = shared ? state->store : &state->own;
	struct buf prefix = {0};
	enum outcome o = postgres_text_check(s, true, err);
	if (o == OUTCOME_OK && !inside)
		o = postgres_wake(c, watch, err);
	if (o != OUTCOME_OK)
		return connection_give_id(s, err, o);
	/* Inside the store's transaction a savepoint keeps it alive whatever the query does. */
	postgres_text_prefix(&prefix, session->pg, s, inside ? TEXT_READ_INSIDE : TEXT_READ);
	if (!inside)
		postgres_print_pooled(state, &prefix);
	out->affected = -1;
	o = send_and_read(session, s, prefix.ptr,
			  inside ? "\n;ROLLBACK TO amig_read;RELEASE amig_read" : "", watch, out,
			  NULL, err);
	buf_clear(&prefix);
	out->affected = -1;
	if (o != OUTCOME_OK) {
		struct error ignored = {0};
		result_clear(out);
		if (inside && postgres_is_alive(session) &&
		    postgres_query(session, "ROLLBACK TO amig_read;RELEASE amig_read", NULL, NULL,
				   &ignored) != OUTCOME_OK)
			postgres_rollback(session);
		error_clear(&ignored);
		if (err->class == ERROR_UNKNOWN)
			err->class = ERROR_TRANSIENT;	/* reading changes nothing */
	}
	return connection_give_id(s, err, o);
}

/* Alone, with what it needs set for the session in front of it and reset behind it, where the
 * session is ours. */
static enum outcome run_outside(struct connection *c, const struct statement *s,
				const struct watch *watch, int64_t *affected, struct error *err)
{
	struct postgres_state *state = state_of(c);
	struct postgres *session = &state->own;
	struct buf text = {0};
	enum outcome o = postgres_wake(c, watch, err);
	if (o == OUTCOME_OK)
		o = postgres_check_outside(state, s, watch, err);
	if (o != OUTCOME_OK)
		return o;
	if (!state->is_pooled) {
		postgres_text_prefix(&text, session->pg, s, TEXT_SESSION);
		if (state->commits_lightly && !postgres_text_is_durable(s))
			buf_text(&text, "SET synchronous_commit=local;");
		o = postgres_query(session, text.ptr, watch, NULL, err);
		buf_reset(&text);
	}
	postgres_text_comment(&text, s->query_id);
	if (o == OUTCOME_OK)
		o = postgres_drop_invalid(session, s, watch, err);
	if (o == OUTCOME_OK) {
		o = send_and_read(session, s, text.ptr, "", watch, NULL, affected, err);
		/* It is made of several transactions: an error does not say that nothing was
		 * changed. */
		if (o != OUTCOME_OK && err->class == ERROR_TRANSIENT)
			err->class = ERROR_UNKNOWN;
	}
	buf_reset(&text);
	if (state->commits_lightly)
		buf_text(&text, "RESET synchronous_commit;");
	postgres_text_reset(&text, s);
	struct error ignored = {0};
	if (!state->is_pooled && postgres_is_alive(session) &&
	    postgres_query(session, text.ptr, NULL, NULL, &ignored) != OUTCOME_OK)
		postgres_abandon(session);
	error_clear(&ignored);
	buf_clear(&text);
	return o;
}

/* Together with the store's commit before it: in one round trip. */
static enum outcome run_joined(struct postgres *session, const struct statement *s,
			       const struct watch *watch, int64_t *affected, struct error *err)
{
	struct buf comment = { 0 };
	postgres_text_comment(&comment, s->query_id);
	enum outcome o = postgres_join(session, comment.ptr, s->sql, watch, err);
	buf_clear(&comment);
	if (o == OUTCOME_OK)
		o = read_answers(session, watch, NULL, affected, err);
	return postgres_join_end(session, o, err);
}

static enum outcome run_inside(struct postgres *session, const struct statement *s,
			       const struct watch *watch, int64_t *affected, struct error *err)
{
	if (session->begin_due && session->owner && postgres_text_joins(session->pg, s))
		return run_joined(session, s, watch, affected, err);
	if (!postgres_settle(session))
		return error_set(err, OUTCOME_FAILED, "not run: the commit before it failed");
	struct buf prefix = { 0 };
	postgres_text_prefix(&prefix, session->pg, s, TEXT_INSIDE);
	enum outcome o = send_and_read(session, s, prefix.ptr, "", watch, NULL, affected, err);
	buf_clear(&prefix);
	return o;
}

/* In front of all that a transaction of its own changes. The marker is a SELECT, so that its row is
 * not counted. */
void postgres_print_beginning(const struct postgres_state *state, const struct statement *s,
			      struct buf *out)
{
	postgres_print_pooled(state, out);
	if (state->commits_lightly && !postgres_text_is_durable(s))
		buf_text(out, "SET LOCAL synchronous_commit=local;");
	if (s->marker.len)
		buf_format(out, "WITH marker AS (%.*s RETURNING 1) SELECT FROM marker;",
			   STR_ARG(s->marker));
}

static enum outcome run_exec(struct connection *c, const struct statement *s,
			     const struct watch *watch, int64_t *affected, struct error *err)
{
	struct postgres_state *state = state_of(c);
	bool shared = state->store && postgres_in_transaction(state->store);
	bool inside = shared || state->open;
	*affected = -1;
	enum outcome o = postgres_text_check(s, false, err);
	if (o != OUTCOME_OK)
		return connection_give_id(s, err, o);
	if (s->no_transaction)
		return connection_give_id(s, err, run_outside(c, s, watch, affected, err));
	if (inside) {
		o = run_inside(shared ? state->store : &state->own, s, watch, affected, err);
		if (o != OUTCOME_OK && err->class == ERROR_UNKNOWN)
			err->class = ERROR_TRANSIENT; /* no COMMIT was sent: it did not happen */
		return connection_give_id(s, err, o);
	}
	struct buf prefix = {0};
	o = postgres_wake(c, watch, err);
	if (o != OUTCOME_OK)
		return connection_give_id(s, err, o);
	postgres_text_prefix(&prefix, state->own.pg, s, TEXT_CHANGE);
	postgres_print_beginning(state, s, &prefix);
	o = send_and_read(&state->own, s, prefix.ptr, "", watch, NULL, affected, err);
	buf_clear(&prefix);
	return connection_give_id(s, err, o);
}

/* ---- several statements as one ---- */

static void abandon_block(struct connection *c)
{
	struct postgres_state *state = state_of(c);

	postgres_rollback(&state->own);
	state->open = false;
}

static enum outcome begin_block(struct connection *c, const struct statement *s,
				const struct watch *watch, struct error *err)
{
	struct postgres_state *state = state_of(c);
	struct buf text = { 0 };
	enum outcome o = postgres_wake(c, watch, err);

	if (o != OUTCOME_OK)
		return connection_give_id(s, err, o);
	postgres_text_prefix(&text, state->own.pg, s, TEXT_CHANGE);
	postgres_print_beginning(state, s, &text);
	postgres_begin(&state->own);
	state->open = true;
	o = postgres_query(&state->own, buf_view(&text).ptr, watch, NULL, err);
	buf_clear(&text);
	if (o != OUTCOME_OK && err->class == ERROR_UNKNOWN)
		err->class = ERROR_TRANSIENT; /* no COMMIT was sent */
	return connection_give_id(s, err, o);
}

/* By one message, so that a COMMIT never goes out behind a statement that failed. */
static enum outcome commit_block(struct connection *c, const struct statement *s,
				 const struct watch *watch, struct error *err)
{
	struct postgres_state *state = state_of(c);
	struct buf text = { 0 };
	enum outcome o;

	if (!postgres_is_alive(&state->own) ||
	    PQtransactionStatus(state->own.pg) != PQTRANS_INTRANS) {
		error_set(err, OUTCOME_FAILED, "the transaction ended before its COMMIT");
		err->class = ERROR_TRANSIENT;
		return connection_give_id(s, err, OUTCOME_FAILED);
	}
	postgres_text_comment(&text, s->query_id);
	o = postgres_send(&state->own, buf_view(&text).ptr, s->sql, ";COMMIT", false, err);
	if (o == OUTCOME_OK)
		o = read_answers(&state->own, watch, NULL, NULL, err);
	buf_clear(&text);
	state->open = o != OUTCOME_OK;
	return connection_give_id(s, err, o);
}

/* ---- fencing ---- */

static enum outcome fence_prefix(struct connection *c, const char *prefix,
				 const struct watch *watch, struct error *err)
{
	static const char sql[] = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
				  "WHERE pid <> pg_backend_pid() AND state <> 'idle'"
				  " AND (starts_with(query, '/* ' || $1) OR starts_with(query, "
				  "'BEGIN;/* ' || $1)"
				  " OR starts_with(application_name, $1))";
	struct postgres *session = &state_of(c)->own;
	const struct timespec pause = { 0, FENCE_PAUSE_MS * 1000000L };
	enum outcome o = postgres_wake(c, watch, err);
	while (o == OUTCOME_OK) {
		PGresult *answer;
		o = postgres_query_params(session, sql, 1, &prefix, watch, &answer, err);
		if (o != OUTCOME_OK)
			break;
		bool none = strcmp(PQgetvalue(answer, 0, 0), "0") == 0;
		PQclear(answer);
		if (none)
			return OUTCOME_OK;
		nanosleep(&pause, NULL);
		if (watch_ask(watch) != WATCH_GO_ON) {
			o = error_set(err, OUTCOME_STOPPED,
				      "stopped while waiting for %s to end on the server", prefix);
			err->class = ERROR_TRANSIENT;
		}
	}
	return o;
}

static void print_unique(struct buf *out, const struct str *table, size_t parts,
			 const struct str *columns, size_t count)
{
	struct buf name = { 0 };

	for (size_t i = 0; i < parts; i++) {
		buf_text(&name, i ? "." : "");
		postgres_text_ident(&name, table[i]);
	}
	buf_text(out, "SELECT 1 FROM pg_index i WHERE i.indrelid = to_regclass(");
	postgres_text_literal(out, CELL_STRING, buf_view(&name));
	buf_text(out, ") AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND "
		      "i.indexprs IS NULL AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE "
		      "a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - "
		      "1]) AND a.attname NOT IN (");
	for (size_t i = 0; i < count; i++) {
		buf_text(out, i ? ", " : "");
		postgres_text_literal(out, CELL_STRING, columns[i]);
	}
	buf_text(out, ")) LIMIT 1");
	buf_clear(&name);
}

/* query_canceled, out_of_memory, disk_full by a sort of the window and not by its rows,
 * configuration_limit_exceeded */
static const char *const too_much[] = { "57014", "53200", "53100 pgsql_tmp", "53400", NULL };

const struct connection_kind postgres_kind = {
	.name = "postgres",
	.capabilities = CAN_TRANSACTION | CAN_SHARE | CAN_ASK_RUNNING | CAN_AT_ONCE,
	.open = open_server,
	.close = close_server,
	.query = run_query,
	.exec = run_exec,
	.begin = begin_block,
	.commit = commit_block,
	.abandon = abandon_block,
	.fence = fence_prefix,
	.quote_ident = postgres_text_ident,
	.quote_literal = postgres_text_literal,
	.transactional = sql_is_transactional,
	.print_unique = print_unique,
	.too_much = too_much,
	.share = share_session,
	.measure = postgres_measure,
	.stream = &postgres_stream,
	.inspect = postgres_inspect,
};
