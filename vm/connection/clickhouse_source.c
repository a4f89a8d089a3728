/*
 * clickhouse_source.c - rows out of ClickHouse, as TabSeparated
 *
 * A server of most versions that fails in the middle of an answer writes the error behind the rows
 * and ends as if all were well. So it is asked for extremes: behind the last row come an empty line
 * and two more, which only a query that came to its end has. In front of them nothing is given out
 * that could be the beginning of an error.
 */
#include "vm/connection/clickhouse_answer.h"
#include "vm/connection/clickhouse_kind.h"
#include "vm/connection/clickhouse_source.h"
#include "vm/connection/clickhouse_text.h"
#include <ctype.h>
#include <stdlib.h>

#define EXTREMES_LINES 3
/* So many bytes behind what looks like an error's beginning, it is none. */
#define ERROR_MAX_BYTES ((size_t)256 << 10)

struct source {
	struct pipe pipe;
	bool is_open;
	struct statement statement;
	struct request request;
	struct buf sql;
	struct buf held;	/* came, and not given out */
	size_t cleared;		/* of it: looked through for errors */
	bool any;		/* a row was given out */
	bool has_extremes;
};

static struct source *source_of(const struct stream *s)
{
	return s->state;
}

static enum outcome give_id(const struct source *s, struct error *err, enum outcome o)
{
	if (o != OUTCOME_OK && err->class == ERROR_UNKNOWN)
		err->class = ERROR_TRANSIENT;	/* reading changes nothing */
	return connection_give_id(&s->statement, err, o);
}

/* ---- opening ---- */

static enum outcome describe(struct connection *c, struct str sql, const struct watch *watch,
			     struct stream *out, struct error *err)
{
	struct buf text = { 0 };
	struct result r = { 0 };
	enum outcome o;

	buf_format(&text, "DESCRIBE TABLE (%.*s\n)", STR_ARG(sql));
	o = clickhouse_ask_server(c, buf_view(&text), watch, &r, err);
	if (o == OUTCOME_OK && (r.column_count < 2 || r.rows.count == 0))
		o = error_set(err, OUTCOME_FAILED, "the query's columns cannot be learned");
	if (o == OUTCOME_OK) {
		out->column_count = r.rows.count;
		out->columns = arena_array(&out->arena, struct stream_column, out->column_count);
	}
	for (size_t i = 0; o == OUTCOME_OK && i < out->column_count; i++) {
		struct str type = arena_str(&out->arena, r.rows.at[i][1]);

		out->columns[i].name = arena_str(&out->arena, r.rows.at[i][0]);
		clickhouse_type_read(&out->arena, type, &out->columns[i].type);
		for (size_t k = 0; k < i; k++)
			if (str_eq(out->columns[k].name, out->columns[i].name))
				o = error_set(err, OUTCOME_FAILED,
					      "two columns of the query are called %.*s",
					      STR_ARG(out->columns[i].name));
	}
	result_clear(&r);
	buf_clear(&text);
	return o;
}

/* The number of digits that its number has behind a second: 0, 6 or 9. */
static int unit_of(const struct stream_type *t)
{
	return t->scale == 0 ? 0 : t->scale <= 6 ? 6 : 9;
}

/* Times as numbers: no server's zone is in them. */
static void print_query(struct stream *s, struct str sql, struct buf *out)
{
	static const char *const words[] = { [0] = "toUnixTimestamp",
					     [6] = "toUnixTimestamp64Micro",
					     [9] = "toUnixTimestamp64Nano" };
	bool any = false;

	for (size_t i = 0; i < s->column_count; i++)
		any |= s->columns[i].type.family == FAMILY_INSTANT;
	if (!any) {
		buf_str(out, sql);
		return;
	}
	buf_text(out, "SELECT ");
	for (size_t i = 0; i < s->column_count; i++) {
		struct stream_type *t = &s->columns[i].type;

		buf_text(out, i ? ", " : "");
		if (t->family == FAMILY_INSTANT) {
			t->scale = unit_of(t);
			buf_format(out, "%s(", words[t->scale]);
		}
		clickhouse_text_ident(out, s->columns[i].name);
		buf_text(out, t->family == FAMILY_INSTANT ? ")" : "");
	}
	buf_format(out, " FROM (%.*s\n)", STR_ARG(sql));
}

enum outcome clickhouse_source_open(struct connection *c, const struct statement *s,
				    const struct watch *watch, struct stream *out,
				    struct error *err)
{
	static const struct connection_setting extremes = { { "extremes", 8 }, { "1", 1 } };
	struct source *source = must_alloc(sizeof(*source));
	struct clickhouse *h = c->state;
	struct connection_setting *all;
	enum outcome o;

	*source = (struct source){ .statement = *s };
	*out = (struct stream){ .kind = &clickhouse_kind, .c = c, .state = source };
	o = describe(c, s->sql, watch, out, err);
	if (o == OUTCOME_OK)
		print_query(out, s->sql, &source->sql);
	source->request = (struct request){ .query_id = s->query_id,
					    .sql = buf_view(&source->sql),
					    .reading = true,
					    .streaming = true,
					    .timeout_ms = s->timeout_ms };
	if (o == OUTCOME_OK)
		o = clickhouse_take_settings(c, s, watch, &source->request, err);
	source->has_extremes = !h->can.readonly;
	if (o == OUTCOME_OK && source->has_extremes) {
		struct request *r = &source->request;

		all = must_alloc(sizeof(*all) * (r->setting_count + 1));
		if (r->setting_count)
			memcpy(all, r->settings, sizeof(*all) * r->setting_count);
		all[r->setting_count++] = extremes;
		free(r->settings);
		r->settings = all;
	}
	return give_id(source, err, o);
}

enum outcome clickhouse_source_start(struct stream *s, const struct watch *watch UNUSED,
				     struct error *err)
{
	struct source *source = source_of(s);

	if (source->is_open)
		pipe_close(&source->pipe);
	source->is_open = true;
	source->any = false;
	source->cleared = 0;
	buf_reset(&source->held);
	return give_id(source, err,
		       pipe_open(&source->pipe, s->c->state, &source->request, err));
}

/* ---- reading ---- */

static const char *end_of_lines(const char *from, const char *to, size_t lines)
{
	while (lines-- > 0 && to > from) {
		to = memrchr(from, '\n', (size_t)(to - from));
		if (!to)
			return from;
	}
	return to > from ? to + 1 : from;
}

/* Where in the text an error may begin, or -1. */
static ptrdiff_t find_error(struct str text)
{
	static const char *const beginnings[] = { "Code: ", "__exception__" };
	ptrdiff_t first = -1;

	for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++) {
		const char *at =
			memmem(text.ptr, text.len, beginnings[i], strlen(beginnings[i]));

		if (at && (first < 0 || at - text.ptr < first))
			first = at - text.ptr;
	}
	return first;
}

/* How much of what is held are rows, surely: up to the end of a line. */
static size_t sure_length(struct source *source, size_t columns)
{
	const char *from = source->held.ptr, *to = from + source->held.len, *cut;
	size_t back = strlen("__exception__");
	size_t at = source->cleared > back ? source->cleared - back : 0;
	ptrdiff_t error;

	if (!source->held.len)
		return 0;
	for (;; at += (size_t)error + 1) {
		error = find_error((struct str){ from + at, source->held.len - at });
		if (error < 0 || source->held.len - (at + (size_t)error) < ERROR_MAX_BYTES)
			break;
	}
	source->cleared = error < 0 ? source->held.len : at + (size_t)error;
	if (error >= 0)
		to = from + source->cleared;
	cut = end_of_lines(from, to, 1);
	if (source->has_extremes && columns == 1) {
		cut = end_of_lines(from, cut, EXTREMES_LINES + 1);
	} else if (source->has_extremes) {
		const char *blank = from[0] == '\n' ? from
						    : memmem(from, (size_t)(cut - from), "\n\n", 2);

		if (blank)
			cut = from[0] == '\n' ? from : blank + 1;
	}
	return (size_t)(cut - from);
}

static void give(struct source *source, struct buf *out, size_t len)
{
	if (!len)
		return;
	buf_add(out, source->held.ptr, len);
	memmove(source->held.ptr, source->held.ptr + len, source->held.len - len);
	source->held.len -= len;
	source->cleared -= source->cleared < len ? source->cleared : len;
	source->any = true;
}

static size_t count_of(struct str text, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += text.ptr[i] == c;
	return n;
}

/* The rest of the answer: rows that were held back, and the end that tells. */
static bool is_whole(struct source *source, size_t columns, size_t *rows)
{
	const char *from = source->held.ptr, *to = from + source->held.len, *at;
	struct str tail;

	*rows = source->held.len;
	if (!source->held.len)
		return !source->any || !source->has_extremes;
	if (to[-1] != '\n')
		return false;
	if (!source->has_extremes)
		return find_error(buf_view(&source->held)) < 0;
	at = end_of_lines(from, to - 1, EXTREMES_LINES);
	tail = (struct str){ at, (size_t)(to - at) };
	*rows = (size_t)(at - from);
	return count_of(tail, '\n') == EXTREMES_LINES && tail.ptr[0] == '\n' &&
	       count_of(tail, '\t') == 2 * (columns - 1) &&
	       count_of((struct str){ tail.ptr + 1,
				      (size_t)((const char *)memchr(tail.ptr + 1, '\n',
								    tail.len - 1) -
					       tail.ptr - 1) },
			'\t') == columns - 1;
}

static enum outcome fail_tail(struct source *source, struct error *err)
{
	struct str held = buf_view(&source->held);
	ptrdiff_t at = find_error(held);
	struct answer a = { .status = 200 };
	enum outcome o = OUTCOME_OK;

	if (at >= 0) {
		memcpy(a.code, source->pipe.answer.code, sizeof(a.code));
		memcpy(a.tag, source->pipe.answer.tag, sizeof(a.tag));
		a.status = str_starts((struct str){ held.ptr + at, held.len - (size_t)at },
				      STR("Code: "))
				   ? 500
				   : 200;
		buf_add(&a.body, held.ptr + at, held.len - (size_t)at);
		o = clickhouse_answer_check(&a, &source->request, err);
		clickhouse_answer_clear(&a);
	}
	if (o == OUTCOME_OK) {
		error_set(err, OUTCOME_UNREACHABLE, "the server's answer ends too early");
		err->class = ERROR_TRANSIENT;
	}
	return err->outcome;
}

static enum outcome end_answer(struct stream *s, struct buf *out, struct error *err)
{
	struct source *source = source_of(s);
	struct pipe *p = &source->pipe;
	size_t rows;

	if (p->rc != CURLE_OK)
		return clickhouse_http_fail(p->h, p->easy, p->rc, p->why, &p->answer, err);
	if (p->answer.status != 200)
		return clickhouse_answer_check(&p->answer, &source->request, err);
	if (!is_whole(source, s->column_count, &rows))
		return fail_tail(source, err);
	give(source, out, rows);
	return OUTCOME_OK;
}

enum outcome clickhouse_source_read(struct stream *s, struct buf *out, bool *end,
				    const struct watch *watch, struct error *err)
{
	struct source *source = source_of(s);
	struct pipe *p = &source->pipe;
	enum outcome o = OUTCOME_OK;

	*end = false;
	while (p->is_running) {
		size_t sure;

		o = pipe_read(p, &source->held, STREAM_CHUNK_BYTES, watch, err);
		if (o != OUTCOME_OK)
			return give_id(source, err, o);
		sure = sure_length(source, s->column_count);
		if (sure) {
			give(source, out, sure);
			return OUTCOME_OK;
		}
		if (source->held.len > STREAM_ROW_CAP_BYTES) {
			error_set(err, OUTCOME_FAILED, "it is longer than %zu MiB",
				  STREAM_ROW_CAP_BYTES >> 20);
			return give_id(source, err, err->outcome);
		}
	}
	*end = true;
	return give_id(source, err, end_answer(s, out, err));
}

void clickhouse_source_close(struct stream *s)
{
	struct source *source = source_of(s);

	if (source->is_open && source->pipe.is_running)
		clickhouse_http_kill(s->c->state, source->statement.query_id, false);
	if (source->is_open)
		pipe_close(&source->pipe);
	free(source->request.settings);
	buf_clear(&source->sql);
	buf_clear(&source->held);
	free(source);
}
