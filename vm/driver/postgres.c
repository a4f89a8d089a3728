/* postgres.c - a libpq session that never blocks longer than a slice */
#include "vm/driver/postgres.h"
#include "vm/base/buf.h"
#include "vm/base/os.h"
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <time.h>

#define CANCEL_AGAIN_MS 2000
#define CANCEL_JOIN_S 5
#define AWAKE_US 500

enum sqlstate_class { STATE_PERMANENT, STATE_TRANSIENT, STATE_LOST };

static const struct sqlstate {
	const char *prefix;
	enum sqlstate_class class;
	enum outcome outcome;
} sqlstates[] = {
#define SQLSTATE(prefix, class, outcome) { prefix, STATE_##class, OUTCOME_##outcome },
#include "vm/driver/sqlstate.def"
#undef SQLSTATE
};

bool postgres_is_alive(const struct postgres *s)
{
	return s && s->pg && PQstatus(s->pg) == CONNECTION_OK;
}

bool postgres_in_transaction(const struct postgres *s)
{
	if (s->begin_due)
		return true;
	if (!postgres_is_alive(s))
		return false;
	PGTransactionStatusType status = PQtransactionStatus(s->pg);
	return status == PQTRANS_INTRANS || status == PQTRANS_INERROR || status == PQTRANS_ACTIVE;
}

bool postgres_result_failed(const PGresult *result)
{
	switch (PQresultStatus(result)) {
	case PGRES_EMPTY_QUERY:
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_SINGLE_TUPLE:
	case PGRES_NONFATAL_ERROR:
	case PGRES_PIPELINE_SYNC:
		return false;
	case PGRES_COPY_OUT:
	case PGRES_COPY_IN:
	case PGRES_COPY_BOTH:
	case PGRES_BAD_RESPONSE:
	case PGRES_FATAL_ERROR:
	case PGRES_PIPELINE_ABORTED:
		return true;
	}
	return true;
}

static enum outcome fail_lost(struct postgres *s, struct error *err)
{
	const char *why = s->pg ? PQerrorMessage(s->pg) : "";
	struct str text = str_trim(str_c(why));
	error_set(err, OUTCOME_UNREACHABLE, "the connection to PostgreSQL was lost%s%.*s",
		  text.len ? ": " : "", STR_ARG(text));
	err->class = s->sent ? ERROR_UNKNOWN : ERROR_TRANSIENT;
	snprintf(err->code, sizeof(err->code), "08006");
	return err->outcome;
}

static void classify(struct postgres *s, const char *state, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(sqlstates); i++) {
		const struct sqlstate *row = &sqlstates[i];
		if (!str_starts(str_c(state), str_c(row->prefix)))
			continue;
		err->outcome = row->outcome;
		switch (row->class) {
		case STATE_PERMANENT: err->class = ERROR_PERMANENT; break;
		case STATE_TRANSIENT: err->class = ERROR_TRANSIENT; break;
		case STATE_LOST: err->class = s->sent ? ERROR_UNKNOWN : ERROR_TRANSIENT; break;
		}
		return;
	}
}

enum outcome postgres_fail(struct postgres *s, const PGresult *result, struct error *err)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	if (result && PQresultStatus(result) == PGRES_PIPELINE_ABORTED)
		return error_set(err, OUTCOME_FAILED, "not run: a statement before it failed");
	if (!result || !state || !*state) {
		if (result && postgres_is_alive(s))
			return error_set(err, OUTCOME_FAILED, "PostgreSQL: %.*s",
					 STR_ARG(str_trim(str_c(PQresultErrorMessage(result)))));
		return fail_lost(s, err);
	}
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
	const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
	const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
	error_set(err, OUTCOME_FAILED, "%s%s%s%s%s", primary ? primary : "error without a message",
		  detail ? "\n" : "", detail ? detail : "", context ? "\n" : "",
		  context ? context : "");
	snprintf(err->code, sizeof(err->code), "%s", state);
	err->class = ERROR_PERMANENT;
	classify(s, state, err);
	if (hint)
		error_hint(err, "%s", hint);
	int64_t at;
	if (position && str_to_int(str_c(position), &at) && at > s->shift)
		err->position = (long)at - s->shift;
	return err->outcome;
}

void postgres_abandon(struct postgres *s)
{
	if (s->pg)
		PQfinish(s->pg);
	s->pg = NULL;
	s->in_pipeline = s->begin_due = s->begin_prepared = s->followed = false;
	s->follower = NULL;
}

static void *run_canceller(void *request)
{
	char why[256];
	/* its failure shows as a query that goes on: asked for again later */
	PQcancel(request, why, sizeof(why));
	PQfreeCancel(request);
	return NULL;
}

void postgres_join_canceller(struct postgres *s)
{
	if (!s->cancelling)
		return;
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += CANCEL_JOIN_S;
	if (pthread_timedjoin_np(s->canceller, NULL, &until) != 0)
		pthread_detach(s->canceller);
	s->cancelling = false;
}

void postgres_cancel(struct postgres *s)
{
	if (!postgres_is_alive(s))
		return;
	postgres_join_canceller(s);
	PGcancel *request = PQgetCancel(s->pg);
	if (!request)
		return;
	s->cancelled_at = os_monotonic_ms();
	if (pthread_create(&s->canceller, NULL, run_canceller, request) != 0) {
		PQfreeCancel(request);
		return;
	}
	s->cancelling = true;
}

/* Asks the watch if a slice has passed since it was last asked. */
static enum outcome look(struct postgres *s, const struct watch *watch, struct error *err)
{
	int64_t now = os_monotonic_ms();
	if (now - s->asked_at < WATCH_SLICE_MS)
		return OUTCOME_OK;
	s->asked_at = now;
	switch (watch_ask(watch)) {
	case WATCH_GO_ON:
		break;
	case WATCH_CANCEL:
		if (s->cancelled_at == 0 || now - s->cancelled_at >= CANCEL_AGAIN_MS)
			postgres_cancel(s);
		break;
	case WATCH_ABANDON:
		postgres_abandon(s);
		error_set(err, OUTCOME_STOPPED, "gave up waiting for PostgreSQL");
		err->class = s->sent ? ERROR_UNKNOWN : ERROR_TRANSIENT;
		return err->outcome;
	}
	return OUTCOME_OK;
}

/* Awake for the first moment where one statement follows the other: to be woken takes longer than a
 * small one on a near server. Who else could run meanwhile does. */
static int poll_awake(const struct postgres *s, struct pollfd *p)
{
	if (os_monotonic_us() - s->answered_us > AWAKE_US)
		return 0;
	int64_t until = os_monotonic_us() + AWAKE_US;
	int ready = poll(p, 1, 0);
	while (ready == 0 && os_monotonic_us() < until) {
		sched_yield();
		ready = poll(p, 1, 0);
	}
	return ready;
}

static enum outcome wait_for_answer(struct postgres *s, const struct watch *watch,
				    struct error *err)
{
	for (bool first = true;; first = false) {
		int left = PQflush(s->pg);
		if (left < 0 && PQstatus(s->pg) != CONNECTION_OK && !PQconsumeInput(s->pg))
			return OUTCOME_OK;	/* PQgetResult has the reason */
		if (!PQisBusy(s->pg)) {
			s->answered_us = os_monotonic_us();
			return OUTCOME_OK;
		}
		int fd = PQsocket(s->pg);
		if (fd < 0)
			return fail_lost(s, err);
		short events = left > 0 ? POLLIN | POLLOUT : POLLIN;
		struct pollfd p = { .fd = fd, .events = events };
		int ready = first ? poll_awake(s, &p) : 0;
		if (ready == 0)
			ready = poll(&p, 1, WATCH_SLICE_MS);
		if (ready < 0 && errno != EINTR)
			return error_set(err, OUTCOME_UNREACHABLE, "poll: %s", strerror(errno));
		if (ready > 0 && (p.revents & ~POLLOUT) && !PQconsumeInput(s->pg) &&
		    PQisBusy(s->pg))
			return fail_lost(s, err);
		enum outcome o = look(s, watch, err);
		if (o == OUTCOME_OK && s->patience_until_ms &&
		    os_monotonic_ms() >= s->patience_until_ms) {
			postgres_abandon(s);
			return fail_lost(s, err);
		}
		if (o != OUTCOME_OK)
			return o;
	}
}

/* COPY to or from the client has no place here: the server is told so and the query ends as an
 * error. */
static enum outcome refuse_copy(struct postgres *s, ExecStatusType status,
				const struct watch *watch, struct error *err)
{
	if (status == PGRES_COPY_IN || status == PGRES_COPY_BOTH) {
		PQputCopyEnd(s->pg, "COPY FROM STDIN has no input here");
		return OUTCOME_OK;
	}
	for (;;) {
		char *row = NULL;
		int n = PQgetCopyData(s->pg, &row, 1);
		if (n > 0) {
			PQfreemem(row);
			continue;
		}
		if (n < 0)
			return OUTCOME_OK;
		struct pollfd p = { .fd = PQsocket(s->pg), .events = POLLIN };
		poll(&p, 1, WATCH_SLICE_MS);
		if (!PQconsumeInput(s->pg))
			return fail_lost(s, err);
		enum outcome o = look(s, watch, err);
		if (o != OUTCOME_OK)
			return o;
	}
}

enum outcome postgres_result(struct postgres *s, const struct watch *watch, PGresult **out,
			     struct error *err)
{
	*out = NULL;
	if (!s->pg)
		return fail_lost(s, err);
	enum outcome o = wait_for_answer(s, watch, err);
	if (o != OUTCOME_OK)
		return o;
	*out = PQgetResult(s->pg);
	if (!*out) {
		if (!s->in_pipeline) {
			postgres_join_canceller(s);
			s->cancelled_at = 0;
			if (PQstatus(s->pg) != CONNECTION_OK)
				return fail_lost(s, err);
			s->sent = false;
		}
		return OUTCOME_OK;
	}
	ExecStatusType status = PQresultStatus(*out);
	if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
		return refuse_copy(s, status, watch, err);
	return OUTCOME_OK;
}

static long characters(const char *text)
{
	long n = 0;
	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

enum outcome postgres_send(struct postgres *s, const char *prefix, struct str sql,
			   const char *suffix, bool row_by_row, struct error *err)
{
	postgres_settle(s);
	if (!postgres_is_alive(s)) {
		s->sent = false;
		return fail_lost(s, err);
	}
	if (memchr(sql.ptr ? sql.ptr : "", 0, sql.len))
		return error_set(err, OUTCOME_FAILED,
				 "a PostgreSQL statement cannot hold the character U+0000");
	struct buf text = {0};
	if (s->begin_due)
		buf_text(&text, "BEGIN;");
	buf_text(&text, prefix);
	s->shift = text.ptr ? characters(text.ptr) : 0;
	buf_str(&text, sql);
	buf_text(&text, suffix);
	enum outcome o = OUTCOME_OK;
	s->sent = false;
	s->asked_at = os_monotonic_ms();
	if (text.failed) {
		o = error_set(err, OUTCOME_FAILED, "the statement is too long");
	} else if (!PQsendQuery(s->pg, text.ptr ? text.ptr : "")) {
		s->sent = true;		/* a part may be on its way */
		o = fail_lost(s, err);
	} else {
		s->sent = true;
		s->begin_due = false;
		if (row_by_row)
			PQsetSingleRowMode(s->pg);
	}
	buf_clear(&text);
	return o;
}

/* Reads to the end of the query; keeps the last good result, and the first error. */
static enum outcome collect(struct postgres *s, const struct watch *watch, PGresult **out,
			    struct error *err)
{
	PGresult *last = NULL;
	enum outcome failed = OUTCOME_OK;
	for (;;) {
		PGresult *result;
		struct error lost = {0};
		enum outcome o = postgres_result(s, watch, &result, &lost);
		if (o != OUTCOME_OK) {
			PQclear(result);
			PQclear(last);
			/* The server's last word says more than the closed socket after it. */
			if (failed == OUTCOME_OK || lost.outcome == OUTCOME_STOPPED) {
				error_take(err, &lost);
				return o;
			}
			error_clear(&lost);
			return failed;
		}
		error_clear(&lost);
		if (!result)
			break;
		if (failed == OUTCOME_OK && postgres_result_failed(result) &&
		    PQresultStatus(result) != PGRES_COPY_IN &&
		    PQresultStatus(result) != PGRES_COPY_OUT)
			failed = postgres_fail(s, result, err);
		PQclear(last);
		last = result;
	}
	if (failed != OUTCOME_OK) {
		PQclear(last);
		return failed;
	}
	if (out)
		*out = last;
	else
		PQclear(last);
	return OUTCOME_OK;
}

enum outcome postgres_query(struct postgres *s, const char *sql, const struct watch *watch,
			    PGresult **out, struct error *err)
{
	if (out)
		*out = NULL;
	enum outcome o = postgres_send(s, "", str_c(sql), "", false, err);
	return o == OUTCOME_OK ? collect(s, watch, out, err) : o;
}

enum outcome postgres_query_params(struct postgres *s, const char *sql, int count,
				   const char *const *values, const struct watch *watch,
				   PGresult **out, struct error *err)
{
	if (out)
		*out = NULL;
	enum outcome o = OUTCOME_OK;
	if (s->begin_due)
		o = postgres_query(s, "", watch, NULL, err);
	if (o != OUTCOME_OK)
		return o;
	postgres_settle(s);
	s->sent = false;
	if (!postgres_is_alive(s))
		return fail_lost(s, err);
	s->shift = 0;
	s->sent = true;
	s->asked_at = os_monotonic_ms();
	if (!PQsendQueryParams(s->pg, sql, count, NULL, values, NULL, NULL, 0))
		return fail_lost(s, err);
	return collect(s, watch, out, err);
}

void postgres_begin(struct postgres *s)
{
	if (s->begin_due || (!s->owner && postgres_in_transaction(s)))
		BUG("BEGIN inside a transaction");
	s->begin_due = true;
}

void postgres_rollback(struct postgres *s)
{
	if (s->begin_due) {
		s->begin_due = false;
		return;
	}
	if (!postgres_is_alive(s))
		return;
	PGTransactionStatusType status = PQtransactionStatus(s->pg);
	if (status == PQTRANS_IDLE)
		return;
	struct error ignored = {0};
	if (status == PQTRANS_ACTIVE ||
	    postgres_query(s, "ROLLBACK", NULL, NULL, &ignored) != OUTCOME_OK)
		postgres_abandon(s);
	error_clear(&ignored);
}
