/*
 * clickhouse_fence.c - the table amig_fence: raising a run's epoch in it, and
 * who asks for it
 *
 * One row for each raise, of which the highest counts: nothing is ever changed
 * in it, so that a plain MergeTree of any version serves, whose single rows are
 * written whole or not at all. It is of one server: behind a balancer of
 * several it guards only what comes to the same one.
 */
#include "vm/connection/clickhouse_guard.h"
#include "vm/connection/clickhouse_http.h"
#include "vm/connection/clickhouse_kind.h"
#include "vm/connection/clickhouse_text.h"

#define UNKNOWN_TABLE "60"

void clickhouse_fence_id(const struct target_fence *f, int64_t epoch, struct buf *out)
{
	buf_format(out, "%sfence:%lld", f->run, (long long)epoch);
}

/* VALUES and not SELECT: what the server says of it then means that it was not
 * done. */
static enum outcome insert(struct connection *c, const struct target_fence *f,
			   const struct watch *watch, struct error *err)
{
	struct buf sql = { 0 }, id = { 0 };
	int64_t rows;

	buf_text(&sql, "INSERT INTO " CLICKHOUSE_FENCE " (run, epoch, raised_at) VALUES (");
	clickhouse_text_literal(&sql, CELL_STRING, str_c(f->run));
	buf_format(&sql, ", %lld, now())", (long long)f->epoch);
	clickhouse_fence_id(f, f->epoch, &id);
	const struct statement s = { .sql = buf_view(&sql), .query_id = id.ptr };
	enum outcome o = c->kind->exec(c, &s, watch, &rows, err);
	buf_clear(&sql);
	buf_clear(&id);
	return o;
}

static enum outcome make(struct connection *c, const struct target_fence *f,
			 const struct watch *watch, struct error *err)
{
	struct buf id = { 0 };
	int64_t rows;

	buf_format(&id, "%sfence:%lld:table", f->run, (long long)f->epoch);
	const struct statement s = {
		.sql = STR("CREATE TABLE IF NOT EXISTS " CLICKHOUSE_FENCE
			   " (run String, epoch UInt64, raised_at DateTime)"
			   " ENGINE = MergeTree ORDER BY (run, epoch)"),
		.query_id = id.ptr,
	};
	enum outcome o = c->kind->exec(c, &s, watch, &rows, err);
	buf_clear(&id);
	return o;
}

static enum outcome refuse_late(const struct connection *c, const struct target_fence *f,
				int64_t highest, struct error *err)
{
	error_set(err, OUTCOME_NOT_NOW,
		  "another process has taken the run over: its epoch on %s is %lld, and that of "
		  "this one %lld",
		  c->name, (long long)highest, (long long)f->epoch);
	error_hint(err,
		   "if the state is an older copy that was put back, raise `epoch` of the "
		   "migration in it to %lld",
		   (long long)highest);
	return OUTCOME_NOT_NOW;
}

/* Reads it back, as the conditions will: who may write it and not read it has
 * no fence. */
static enum outcome check(struct connection *c, const struct target_fence *f,
			  const struct watch *watch, struct error *err)
{
	struct buf sql = { 0 };
	struct result r = { 0 };
	int64_t highest;

	buf_text(&sql, "SELECT max(epoch) FROM " CLICKHOUSE_FENCE " WHERE run = ");
	clickhouse_text_literal(&sql, CELL_STRING, str_c(f->run));
	enum outcome o = clickhouse_ask_server(c, buf_view(&sql), watch, &r, err);
	if (o == OUTCOME_OK &&
	    (r.rows.count != 1 || !str_to_int(r.rows.at[0][0], &highest) || highest < f->epoch))
		o = error_set(err, OUTCOME_FAILED, "it does not hold what was written to it");
	else if (o == OUTCOME_OK && highest > f->epoch)
		o = refuse_late(c, f, highest, err);
	result_clear(&r);
	buf_clear(&sql);
	return o;
}

enum outcome clickhouse_raise_fence(struct connection *c, const struct target_fence *f,
				    const struct watch *watch, bool *refused, struct error *err)
{
	enum outcome o = insert(c, f, watch, err);

	*refused = false;
	if (o != OUTCOME_OK && strcmp(err->code, UNKNOWN_TABLE) == 0) {
		error_clear(err);
		o = make(c, f, watch, err);
		if (o == OUTCOME_OK)
			o = insert(c, f, watch, err);
	}
	if (o == OUTCOME_OK)
		o = check(c, f, watch, err);
	if (o == OUTCOME_OK || o == OUTCOME_NOT_NOW)
		return o;
	/* What is only not known to stand is no reason to go without it. */
	*refused = err->class == ERROR_PERMANENT && o != OUTCOME_STOPPED;
	error_prefix(err, "the table " CLICKHOUSE_FENCE " on %s: ", c->name);
	return o;
}

/* 't', `t` or "t" as a literal. A name with escapes is not worth understanding.
 */
static bool print_name(struct str name, struct buf *out)
{
	if (name.ptr[0] == '`' || name.ptr[0] == '"')
		name = (struct str){ name.ptr + 1, name.len - 2 };
	if (memchr(name.ptr, '\\', name.len) || memchr(name.ptr, '`', name.len) ||
	    memchr(name.ptr, '"', name.len))
		return false;
	clickhouse_text_literal(out, CELL_STRING, name);
	return true;
}

/* "": there is no such table, or it can't be asked for. */
static void find_engine(struct connection *c, const struct guard_place *place,
			const struct watch *watch, struct buf *engine)
{
	struct buf sql = { 0 };
	struct result r = { 0 };
	struct error ignored = { 0 };
	bool named = true;

	buf_text(&sql, "SELECT engine FROM system.tables WHERE database = ");
	if (place->database.len)
		named = print_name(place->database, &sql);
	else
		buf_text(&sql, "currentDatabase()");
	buf_text(&sql, " AND name = ");
	named = print_name(place->table, &sql) && named;
	if (named && clickhouse_ask_server(c, buf_view(&sql), watch, &r, &ignored) == OUTCOME_OK &&
	    r.rows.count == 1)
		buf_str(engine, r.rows.at[0][0]);
	error_clear(&ignored);
	result_clear(&r);
	buf_clear(&sql);
}

/* A mutation of a replicated table is carried out on servers that have no such
 * fence. */
static bool mutates_here(struct connection *c, const struct guard_place *place,
			 const struct watch *watch)
{
	struct buf engine = { 0 };
	bool here;

	find_engine(c, place, watch, &engine);
	here = str_ends(buf_view(&engine), STR("MergeTree")) &&
	       !str_starts(buf_view(&engine), STR("Replicated")) &&
	       !str_starts(buf_view(&engine), STR("Shared"));
	buf_clear(&engine);
	return here;
}

/* An INSERT … SELECT into a distributed table may be carried out by other
 * servers. */
static bool inserts_here(struct connection *c, const struct guard_place *place,
			 const struct watch *watch)
{
	struct clickhouse *h = c->state;
	struct buf name = { 0 }, engine = { 0 };
	bool here = false, known = false;

	buf_format(&name, "%.*s.%.*s", STR_ARG(place->database), STR_ARG(place->table));
	for (size_t i = 0; i < h->tables.count && !known; i++) {
		known = str_eq(str_c(h->tables.at[i].name), buf_view(&name));
		here = h->tables.at[i].is_here;
	}
	if (!known) {
		find_engine(c, place, watch, &engine);
		here = engine.len > 0 && !str_eq(buf_view(&engine), STR("Distributed"));
		if (engine.len)
			vec_push(&h->tables, (struct known_table){ buf_take(&name), here });
	}
	buf_clear(&name);
	buf_clear(&engine);
	return here;
}

#define ROOM_BYTES (CLICKHOUSE_URL_BYTES - 4000) /* of a URL, without settings and names */

/* A long statement must end in the parenthesis that makes it long
 * (clickhouse_text_split): with a condition behind that it could not be sent.
 */
static bool can_be_sent(struct str sql, const struct guard_place *place)
{
	const struct target_fence any = { .run = "amig:01234567.12345678:", .epoch = INT64_MAX };
	struct buf text = { 0 };
	size_t head;
	bool can;

	clickhouse_guard_print(sql, place, &any, any.run, &text);
	can = clickhouse_text_split(buf_view(&text), ROOM_BYTES, &head);
	buf_clear(&text);
	return can;
}

bool clickhouse_can_guard(struct connection *c, struct str sql, const struct watch *watch)
{
	struct guard_place place;

	if (!clickhouse_guard_place(sql, &place) || !can_be_sent(sql, &place))
		return false;
	return place.mutation ? mutates_here(c, &place, watch) : inserts_here(c, &place, watch);
}

void clickhouse_guard(struct str sql, const struct target_fence *f, const char *query_id,
		      struct buf *out)
{
	struct guard_place place;

	if (!clickhouse_guard_place(sql, &place))
		BUG("a statement that carries no condition is given one");
	clickhouse_guard_print(sql, &place, f, query_id, out);
}
