/*
 * clickhouse_ask.c - what became of a statement, by the server's own log
 *
 * Rows of system.query_log are written some time after what they tell of, and
 * those of a server that is killed are lost with it. So a row proves something,
 * and that there is none proves nothing, but where the log is seen to be whole
 * over the time in question:
 *
 *   - the fence's first raise by this run is in it, and came before the
 * statement could be sent;
 *   - the server has not been started since that raise (by its own clock);
 *   - a question that we ask now is in it as well, and the log is written in
 * order.
 *
 * Even then a request may still be on its way: that none is there says "not
 * begun" only of a statement that carried its condition, which refuses it when
 * it comes. A row "exception before start" says it of an INSERT … SELECT; 18.16
 * writes one for an ALTER or OPTIMIZE that it then carries out.
 */
#include "vm/base/os.h"
#include "vm/connection/clickhouse_ddl.h"
#include "vm/connection/clickhouse_guard.h"
#include "vm/connection/clickhouse_kind.h"
#include "vm/connection/clickhouse_text.h"
#include <time.h>

#define LOG "system.query_log"
#define LOG_DAYS 30
#define FLUSH_WAIT_MS 10000 /* a log is written every 7.5 s unless it is told otherwise */
#define FLUSH_PAUSE_MS 200
#define RESTART_MARGIN_S 2 /* times in seconds */

/* What the log holds of a statement, and of what frames it. */
struct record {
	int64_t begun, finished, refused, failed, before, after;
};

static enum outcome run(struct connection *c, const char *sql, const char *id,
			const struct watch *watch, struct error *err)
{
	const struct statement s = { .sql = str_c(sql), .query_id = id };
	int64_t rows;

	return c->kind->exec(c, &s, watch, &rows, err);
}

static void count(struct buf *sql, const char *id, const char *condition)
{
	buf_text(sql, sql->len ? ", countIf(" : "SELECT countIf(");
	clickhouse_text_id_condition(sql, id, false);
	buf_format(sql, " AND %s)", condition);
}

/* 216 is the answer to a second request of the same id while the first runs. */
#define REFUSED "toInt8(type) = 3 AND position(exception, 'Code: 216') = 0"

static enum outcome read_record(struct connection *c, const char *id, const char *before,
				const char *after, const struct watch *watch, struct record *out,
				struct error *err)
{
	int64_t *const cells[] = { &out->begun,	 &out->finished, &out->refused,
				   &out->failed, &out->before,	 &out->after };
	struct buf sql = { 0 };
	struct result r = { 0 };

	count(&sql, id, "toInt8(type) = 1");
	count(&sql, id, "toInt8(type) = 2");
	count(&sql, id, REFUSED);
	count(&sql, id, "toInt8(type) > 2 AND NOT (" REFUSED ")");
	count(&sql, before, "toInt8(type) = 2");
	count(&sql, after, "toInt8(type) = 2");
	buf_format(&sql, " FROM " LOG " WHERE event_date >= today() - %d", LOG_DAYS);
	enum outcome o = clickhouse_ask_server(c, buf_view(&sql), watch, &r, err);
	if (o == OUTCOME_OK && (r.rows.count != 1 || r.column_count != ARRAY_SIZE(cells)))
		o = error_set(err, OUTCOME_FAILED, "it does not answer as it should");
	for (size_t i = 0; o == OUTCOME_OK && i < ARRAY_SIZE(cells); i++)
		if (!str_to_int(r.rows.at[0][i], cells[i]))
			o = error_set(err, OUTCOME_FAILED, "it does not count");
	result_clear(&r);
	buf_clear(&sql);
	return o;
}

/* Under which id the run first raised the fence, if the server has not been
 * started since. */
static bool find_first_raise(struct connection *c, const struct target_fence *f,
			     const struct watch *watch, struct buf *id)
{
	struct buf sql = { 0 };
	struct result r = { 0 };
	struct error ignored = { 0 };
	int64_t epoch = 0;
	bool good;

	buf_format(&sql,
		   "SELECT epoch, toInt64(toUInt32(raised_at)) >= "
		   "toInt64(toUInt32(now())) - "
		   "toInt64(uptime()) + %d AND toDate(raised_at) > today() - %d "
		   "FROM " CLICKHOUSE_FENCE " WHERE run = ",
		   RESTART_MARGIN_S, LOG_DAYS);
	clickhouse_text_literal(&sql, CELL_STRING, str_c(f->run));
	buf_text(&sql, " ORDER BY raised_at, epoch LIMIT 1");
	good = clickhouse_ask_server(c, buf_view(&sql), watch, &r, &ignored) == OUTCOME_OK &&
	       r.rows.count == 1 && str_to_int(r.rows.at[0][0], &epoch) &&
	       str_eq(r.rows.at[0][1], STR("1"));
	if (good)
		clickhouse_fence_id(f, epoch, id);
	error_clear(&ignored);
	result_clear(&r);
	buf_clear(&sql);
	return good;
}

/* Waits until the log holds what was asked after the statement: it holds all
 * before it as well. */
static enum outcome read_flushed(struct connection *c, const char *id, const char *before,
				 const char *after, const struct watch *watch, struct record *out,
				 struct error *err)
{
	const struct timespec pause = { 0, FLUSH_PAUSE_MS * 1000000L };
	const int64_t until = os_monotonic_ms() + FLUSH_WAIT_MS;
	struct error ignored = { 0 };
	struct buf flush = { 0 };
	enum outcome o;

	if (run(c, "SELECT 1", after, watch, &ignored) != OUTCOME_OK)
		error_clear(&ignored);
	/* Who may not have it written now waits until the server does so by itself.
	 */
	buf_format(&flush, "%s:flush", after);
	if (run(c, "SYSTEM FLUSH LOGS", flush.ptr, watch, &ignored) != OUTCOME_OK)
		error_clear(&ignored);
	buf_clear(&flush);
	for (;;) {
		o = read_record(c, id, before, after, watch, out, err);
		if (o != OUTCOME_OK || out->finished || out->after || os_monotonic_ms() >= until ||
		    watch_ask(watch) == WATCH_ABANDON)
			return o;
		nanosleep(&pause, NULL);
	}
}

#define NO_PROOF ", which for such a statement is no proof that nothing happened"

static enum fate judge(const struct record *r, bool insert, bool whole, struct buf *seen)
{
	if (r->finished) {
		buf_text(seen, LOG " says that it finished");
		return FATE_FINISHED;
	}
	if (r->begun || r->failed) {
		buf_format(seen, LOG " says that it %s",
			   r->failed ? "ended with an error, which is no proof that nothing "
				     "happened"
				     : "began, and nothing of its end");
		return FATE_UNKNOWN;
	}
	if (r->refused) {
		buf_format(seen, LOG " says that it was refused before it started%s",
			   insert ? "" : NO_PROOF);
		return insert ? FATE_NOT_BEGUN : FATE_UNKNOWN;
	}
	buf_format(seen, LOG " says nothing of it%s",
		   whole ? " and is whole over its time" : ", but need not have all of its time");
	return whole ? FATE_NOT_BEGUN : FATE_UNKNOWN;
}

enum fate clickhouse_ask(struct connection *c, const struct statement *s, bool guarded,
			 const struct target_fence *f, const struct watch *watch, struct buf *seen)
{
	struct record record = { 0 };
	struct guard_place place;
	struct buf before = { 0 }, after = { 0 };
	struct error err = { 0 };
	enum fate fate = FATE_UNKNOWN;
	char unique[37];

	if (clickhouse_is_on_cluster(s->sql))
		return clickhouse_ddl_fate(c, s, watch, seen);
	bool insert = clickhouse_guard_place(s->sql, &place) && !place.mutation;
	bool framed = guarded && find_first_raise(c, f, watch, &before);

	os_uuid(unique);
	buf_format(&after, "%slook:%s", f->run, unique);
	if (read_flushed(c, s->query_id, before.ptr ? before.ptr : "", after.ptr, watch, &record,
			 &err) == OUTCOME_OK)
		fate = judge(&record, insert, framed && record.before && record.after, seen);
	else
		buf_format(seen, LOG " cannot be asked: %s", err.message);
	error_clear(&err);
	buf_clear(&before);
	buf_clear(&after);
	return fate;
}
