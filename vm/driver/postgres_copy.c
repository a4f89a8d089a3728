/* postgres_copy.c - COPY over a libpq session, by slices */
#include "vm/driver/postgres_copy.h"
#include "vm/base/os.h"
#include <errno.h>
#include <poll.h>

#define GIVE_UP_MS 5000

static enum outcome ask(struct postgres *s, const struct watch *watch, struct error *err)
{
	int64_t now = os_monotonic_ms();

	if (now - s->asked_at < WATCH_SLICE_MS)
		return OUTCOME_OK;
	s->asked_at = now;
	if (watch_ask(watch) == WATCH_GO_ON)
		return OUTCOME_OK;
	error_set(err, OUTCOME_STOPPED, "stopped while rows were copied");
	err->class = ERROR_TRANSIENT;
	return err->outcome;
}

static enum outcome wait_socket(struct postgres *s, bool to_write, const struct watch *watch,
				struct error *err)
{
	struct pollfd p = { .fd = PQsocket(s->pg),
			    .events = to_write ? POLLIN | POLLOUT : POLLIN };
	int ready;

	if (p.fd < 0)
		return postgres_fail(s, NULL, err);
	ready = poll(&p, 1, WATCH_SLICE_MS);
	if (ready < 0 && errno != EINTR)
		return error_set(err, OUTCOME_UNREACHABLE, "poll: %s", strerror(errno));
	if (ready > 0 && (p.revents & ~POLLOUT) && !PQconsumeInput(s->pg))
		return postgres_fail(s, NULL, err);
	return ask(s, watch, err);
}

enum outcome postgres_copy_begin(struct postgres *s, bool out, PGresult **columns,
				 const struct watch *watch, struct error *err)
{
	const ExecStatusType wanted = out ? PGRES_COPY_OUT : PGRES_COPY_IN;

	for (;;) {
		enum outcome o = OUTCOME_OK;
		PGresult *answer;
		int left;

		while ((left = PQflush(s->pg)) > 0 || PQisBusy(s->pg)) {
			o = wait_socket(s, left > 0, watch, err);
			if (o != OUTCOME_OK)
				return o;
		}
		answer = PQgetResult(s->pg);
		if (!answer)
			return error_set(err, OUTCOME_FAILED, "the statement copies nothing");
		if (PQresultStatus(answer) == wanted) {
			PQclear(answer);
			return OUTCOME_OK;
		}
		if (postgres_result_failed(answer))
			o = postgres_fail(s, answer, err);
		if (columns && o == OUTCOME_OK && PQnfields(answer) > 0) {
			PGresult *before = *columns;

			*columns = answer;
			answer = before;
		}
		PQclear(answer);
		if (o != OUTCOME_OK)
			return o;
	}
}

enum outcome postgres_copy_answers(struct postgres *s, const struct watch *watch,
				   struct error *err)
{
	enum outcome failed = OUTCOME_OK;

	for (;;) {
		struct error lost = { 0 };
		PGresult *answer = NULL;
		enum outcome o = postgres_result(s, watch, &answer, &lost);

		if (o == OUTCOME_OK && answer && postgres_result_failed(answer))
			o = postgres_fail(s, answer, &lost);
		if (o != OUTCOME_OK && failed == OUTCOME_OK) {
			error_take(err, &lost);
			failed = o;
		}
		error_clear(&lost);
		if (!answer)
			return failed;
		PQclear(answer);
	}
}

static enum outcome take_row(const struct postgres_rows *rows, struct str row, struct buf *out,
			     struct error *err)
{
	size_t before = out->len;

	if (row.len <= rows->cap_bytes && !rows->take)
		buf_str(out, row);
	else if (row.len <= rows->cap_bytes && !rows->take(rows->context, row, out))
		return error_set(err, OUTCOME_FAILED, "the server sends what is no row");
	if (row.len > rows->cap_bytes || out->len - before > rows->cap_bytes)
		return error_set(err, OUTCOME_FAILED, "it is longer than %zu MiB",
				 rows->cap_bytes >> 20);
	return OUTCOME_OK;
}

enum outcome postgres_copy_read(struct postgres *s, const struct postgres_rows *rows,
				struct buf *out, bool *end, const struct watch *watch,
				struct error *err)
{
	size_t first = out->len;

	*end = false;
	while (out->len - first < rows->want_bytes) {
		char *row = NULL;
		int n = PQgetCopyData(s->pg, &row, 1);
		enum outcome o;

		if (n > 0) {
			o = take_row(rows, (struct str){ row, (size_t)n }, out, err);
			PQfreemem(row);
			if (o != OUTCOME_OK)
				return o;
			continue;
		}
		if (n == -1) {
			*end = true;
			return postgres_copy_answers(s, watch, err);
		}
		if (n < 0)
			return postgres_fail(s, NULL, err);
		if (out->len > first)
			break;
		o = wait_socket(s, false, watch, err);
		if (o != OUTCOME_OK)
			return o;
	}
	return ask(s, watch, err);
}

/* A server that has refused a row says so while it is still being sent to. */
static enum outcome flush(struct postgres *s, const struct watch *watch, struct error *err)
{
	for (;;) {
		int left = PQflush(s->pg);
		enum outcome o;

		if (left == 0)
			return ask(s, watch, err);
		if (left < 0)
			return postgres_fail(s, NULL, err);
		o = wait_socket(s, true, watch, err);
		if (o != OUTCOME_OK)
			return o;
	}
}

enum outcome postgres_copy_write(struct postgres *s, struct str bytes, const struct watch *watch,
				 struct error *err)
{
	if (PQputCopyData(s->pg, bytes.ptr, (int)bytes.len) != 1)
		return postgres_fail(s, NULL, err);
	return flush(s, watch, err);
}

enum outcome postgres_copy_end(struct postgres *s, const struct watch *watch, struct error *err)
{
	if (PQputCopyEnd(s->pg, NULL) != 1)
		return postgres_fail(s, NULL, err);
	return flush(s, watch, err);
}

static void count_notice(void *ear, const PGresult *notice)
{
	struct postgres_ear *e = ear;

	e->notices++;
	if (e->before)
		e->before(e->before_context, notice);
}

void postgres_copy_listen(struct postgres *s, struct postgres_ear *ear)
{
	*ear = (struct postgres_ear){ 0 };
	ear->before = PQsetNoticeReceiver(s->pg, count_notice, ear);
}

void postgres_copy_unlisten(struct postgres *s, struct postgres_ear *ear)
{
	if (s->pg && ear->before)
		PQsetNoticeReceiver(s->pg, ear->before, ear->before_context);
	*ear = (struct postgres_ear){ 0 };
}

/* Half a notice may have come: it is whole at the next look. */
bool postgres_copy_is_refused(struct postgres *s, struct postgres_ear *ear)
{
	struct pollfd p = { .fd = PQsocket(s->pg), .events = POLLIN };
	bool had_heard = ear->has_heard;

	if (p.fd >= 0 && poll(&p, 1, 0) > 0 && PQconsumeInput(s->pg))
		ear->has_heard = true;
	if (!ear->has_heard)
		return false;
	PQisBusy(s->pg); /* notices that have come are given out */
	if (ear->notices == ear->notices_then)
		return had_heard;
	ear->notices_then = ear->notices;
	ear->has_heard = false;
	return false;
}

void postgres_copy_refuse(struct postgres *s)
{
	PQputCopyEnd(s->pg, "the rest is not sent: a row was refused");
}

void postgres_copy_give_up(struct postgres *s)
{
	const int64_t until = os_monotonic_ms() + GIVE_UP_MS;
	bool asked = false;

	while (postgres_is_alive(s) && os_monotonic_ms() < until) {
		struct pollfd p = { .fd = PQsocket(s->pg), .events = POLLIN };
		PGresult *answer;
		char *row = NULL;
		int n;

		if (!asked) {
			postgres_cancel(s);
			asked = true;
		}
		n = PQgetCopyData(s->pg, &row, 1);
		PQfreemem(row);
		if (n > 0)
			continue;
		if (n == 0 || PQflush(s->pg) > 0 || PQisBusy(s->pg)) {
			p.events = PQflush(s->pg) > 0 ? POLLIN | POLLOUT : POLLIN;
			poll(&p, 1, WATCH_SLICE_MS);
			if (!PQconsumeInput(s->pg))
				break;
			continue;
		}
		answer = PQgetResult(s->pg);
		if (!answer) {
			postgres_join_canceller(s);
			s->cancelled_at = 0;
			s->sent = false;
			return;
		}
		if (PQresultStatus(answer) == PGRES_COPY_IN)
			PQputCopyEnd(s->pg, "given up");
		PQclear(answer);
	}
	postgres_abandon(s);
}
