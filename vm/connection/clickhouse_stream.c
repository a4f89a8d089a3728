/*
 * clickhouse_stream.c - rows into ClickHouse, and the table of its stream
 *
 * A server puts what it has parsed into the table block by block, and what is in one stays when
 * the statement fails later. So as long as less than a block was sent, a statement that was not
 * ended has changed nothing; beyond that, every failure leaves it in doubt.
 */
#include "vm/connection/clickhouse_answer.h"
#include "vm/connection/clickhouse_binary.h"
#include "vm/connection/clickhouse_kind.h"
#include "vm/connection/clickhouse_source.h"
#include "vm/connection/clickhouse_text.h"
#include <stdlib.h>

/* Below what is sent as max_insert_block_size and min_insert_block_size_*, the latter in memory,
 * where a row may be larger than its text. */
#define BLOCK_ROWS 1000000
#define BLOCK_BYTES ((int64_t)32 << 20)
/* NULL is three bytes of text and one here, of as many in memory. */
#define BINARY_COUNTS 3

struct target {
	struct pipe pipe;
	bool is_open, is_ended;
	struct statement statement;
	struct request request;
	struct buf sql;
	struct buf question;	/* after the table's columns */
	size_t insert_bytes;	/* of it, what stands in front of the format */
	bool packs;		/* the lines that come; else they are sent as they are */
	struct buf packed;	/* of one write */
	int64_t rows, bytes;
	bool has_own_blocks;	/* the author's settings say how large they are */
};

static struct target *target_of(const struct stream *s)
{
	return s->state;
}

/* ---- opening ---- */

static void print_insert(struct buf *out, const struct stream_target *t)
{
	buf_text(out, "INSERT INTO ");
	stream_print_columns(out, t, clickhouse_text_ident);
	buf_byte(out, ')');
}

/* The last day that this server's dates know, too: servers differ, and those that do not know one
 * take the first for it. */
static void print_question(struct buf *sql, const struct stream_target *t)
{
	buf_text(sql, "SELECT name, type, default_kind, toString(toDate(65535)) FROM "
		      "system.columns WHERE database = ");
	if (t->part_count > 1)
		clickhouse_text_literal(sql, CELL_STRING, t->table[0]);
	else
		buf_text(sql, "currentDatabase()");
	buf_text(sql, " AND table = ");
	clickhouse_text_literal(sql, CELL_STRING, t->table[t->part_count - 1]);
}

static enum outcome ask_columns(struct stream *s, const struct watch *watch, struct result *r,
				struct error *err)
{
	enum outcome o = clickhouse_ask_server(s->c, buf_view(&target_of(s)->question), watch, r,
					       err);

	if (o == OUTCOME_OK && r->rows.count == 0)
		o = error_set(err, OUTCOME_FAILED, "there is no such table");
	return o;
}

static const struct str *find_column(const struct result *r, struct str name)
{
	for (size_t i = 0; i < r->rows.count; i++)
		if (str_eq(r->rows.at[i][0], name))
			return r->rows.at[i];
	return NULL;
}

static enum outcome take_column(const struct result *r, struct str name, struct stream *out,
				struct stream_column *column, struct error *err)
{
	const struct str *row = find_column(r, name);
	struct str type;

	if (!row)
		return error_set(err, OUTCOME_FAILED, "the table has no column %.*s",
				 STR_ARG(name));
	if (str_eq(row[2], STR("MATERIALIZED")) || str_eq(row[2], STR("ALIAS")))
		return error_set(err, OUTCOME_FAILED,
				 "column %.*s is made by the server and can't be given",
				 STR_ARG(name));
	column->name = arena_str(&out->arena, name);
	type = arena_str(&out->arena, row[1]);
	clickhouse_type_read(&out->arena, type, &column->type);
	if (column->type.family == FAMILY_DATE && str_eq(row[3], STR("2149-06-06")) &&
	    str_eq(column->type.last, STR("2105-12-31")))
		column->type.last = STR("2149-06-06");
	return OUTCOME_OK;
}

static bool reads_floats_exactly(const struct connection *c)
{
	const struct clickhouse *h = c->state;

	return clickhouse_can(&h->can, CLICKHOUSE_CAN_EXACT_FLOATS);
}

static void mark_inexact(struct stream_type *t, bool is_inexact)
{
	for (; t->family == FAMILY_ARRAY; t = t->element)
		;
	t->is_inexact = t->family == FAMILY_FLOAT && is_inexact;
}

/* Text where that says all, bytes where it does not and they can. */
static void choose_format(struct stream *s)
{
	struct target *t = target_of(s);
	bool is_inexact = !reads_floats_exactly(s->c);

	for (size_t i = 0; i < s->column_count; i++)
		mark_inexact(&s->columns[i].type, is_inexact);
	t->packs = is_inexact && clickhouse_binary_wanted(s);
	for (size_t i = 0; t->packs && i < s->column_count; i++)
		mark_inexact(&s->columns[i].type, false);
	s->can_be_binary = true;
}

static enum outcome open_target(struct connection *c, const struct stream_target *t,
				const struct statement *s, const struct watch *watch,
				struct stream *out, struct error *err)
{
	struct target *target = must_alloc(sizeof(*target));
	struct result r = { 0 };
	enum outcome o;

	*target = (struct target){ .statement = *s };
	*out = (struct stream){ .kind = &clickhouse_kind, .c = c, .state = target };
	print_insert(&target->sql, t);
	target->insert_bytes = target->sql.len;
	print_question(&target->question, t);
	o = ask_columns(out, watch, &r, err);
	out->column_count = t->column_count;
	out->columns = arena_array(&out->arena, struct stream_column, t->column_count + 1);
	for (size_t i = 0; o == OUTCOME_OK && i < t->column_count; i++)
		o = take_column(&r, t->columns[i], out, &out->columns[i], err);
	if (o == OUTCOME_OK)
		choose_format(out);
	result_clear(&r);
	return connection_give_id(&target->statement, err, o);
}

/* ---- writing ---- */

/* A row that can't be parsed is never passed over, whatever a profile says. */
static enum outcome add_settings(struct connection *c, struct target *t, const struct watch *watch,
				 struct error *err)
{
	static const struct connection_setting own[] = {
		{ { "input_format_allow_errors_num", 29 }, { "0", 1 } },
		{ { "input_format_allow_errors_ratio", 31 }, { "0", 1 } },
		{ { "max_insert_block_size", 21 }, { "1048576", 7 } },
		{ { "min_insert_block_size_rows", 26 }, { "1048576", 7 } },
		{ { "min_insert_block_size_bytes", 27 }, { "268435456", 9 } },
	};
	struct request *r = &t->request;
	struct connection_setting *all;
	enum outcome o = clickhouse_take_settings(c, &t->statement, watch, r, err);
	size_t authors = r->setting_count;

	if (o != OUTCOME_OK)
		return o;
	all = must_alloc(sizeof(*all) * (authors + ARRAY_SIZE(own)));
	if (authors)
		memcpy(all, r->settings, sizeof(*all) * authors);
	for (size_t i = 0; i < authors; i++)
		t->has_own_blocks |= str_find(all[i].name, STR("_block_size")) >= 0;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		bool said = false;

		for (size_t k = 0; k < authors; k++)
			said |= str_eq(all[k].name, own[i].name);
		if (!said)
			all[r->setting_count++] = own[i];
	}
	free(r->settings);
	r->settings = all;
	return OUTCOME_OK;
}

static enum outcome begin(struct stream *s, const struct statement *statement,
			  const struct watch *watch, struct error *err)
{
	struct target *t = target_of(s);
	enum outcome o;

	pipe_close(&t->pipe);
	free(t->request.settings);
	t->rows = t->bytes = 0;
	t->sql.len = t->insert_bytes;
	buf_text(&t->sql, t->packs || s->is_binary ? " FORMAT RowBinary" : " FORMAT TabSeparated");
	t->is_ended = t->has_own_blocks = s->is_partial = false;
	t->statement = *statement;
	t->request = (struct request){ .query_id = statement->query_id,
				       .sql = buf_view(&t->sql),
				       .streaming = true,
				       .timeout_ms = statement->timeout_ms };
	o = add_settings(s->c, t, watch, err);
	if (o == OUTCOME_OK) {
		t->is_open = true;
		o = pipe_open(&t->pipe, s->c->state, &t->request, err);
	}
	if (o != OUTCOME_OK && err->class == ERROR_UNKNOWN)
		err->class = ERROR_TRANSIENT;
	return connection_give_id(&t->statement, err, o);
}

static bool may_have_landed(const struct target *t)
{
	return t->rows >= (t->has_own_blocks ? 1 : BLOCK_ROWS) || t->bytes >= BLOCK_BYTES;
}

/* Errors of the text that was sent, where nothing of its block is in the table, and of rights,
 * which are looked at before. Others may come when some of it is, in a view's table say. */
static bool is_about_text(const char *code)
{
	static const char *const codes[] = { "6",   "26",  "27",	 "32",	"33",  "38", "41",
					     "53",  "60",  "62",  "69",	"70",  "72", "117",
					     "131", "164", "291", "354", "497" };

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

/* The server has answered, or cannot any more. */
static enum outcome judge(struct stream *s, const struct watch *watch, struct error *err)
{
	struct target *t = target_of(s);
	struct pipe *p = &t->pipe;
	enum outcome o;

	if (p->rc != CURLE_OK) {
		o = clickhouse_http_fail(p->h, p->easy, p->rc, p->why, &p->answer, err);
		if (!t->is_ended && err->class == ERROR_UNKNOWN && !may_have_landed(t))
			err->class = ERROR_TRANSIENT;
		else if (t->is_ended && err->class == ERROR_UNKNOWN)
			o = clickhouse_follow(p->h, &t->request, watch, err);
		return o;
	}
	o = clickhouse_answer_check(&p->answer, &t->request, err);
	if (o == OUTCOME_OK && !t->is_ended) {
		error_set(err, OUTCOME_UNREACHABLE, "the server has answered before the end");
		err->class = ERROR_UNKNOWN;
		s->is_partial = false;
		return err->outcome;
	}
	/* An answer that says no: it has not come to its end. */
	s->is_partial = o != OUTCOME_OK && may_have_landed(t) && err->class != ERROR_UNKNOWN;
	if (o != OUTCOME_OK && may_have_landed(t))
		err->class = ERROR_UNKNOWN;
	else if (o != OUTCOME_OK && t->is_ended && err->class == ERROR_PERMANENT &&
		 !is_about_text(err->code))
		err->class = ERROR_UNKNOWN;
	return o;
}

static enum outcome write_rows(struct stream *s, struct str rows, int64_t count,
			       const struct watch *watch, struct error *err)
{
	struct target *t = target_of(s);
	const bool is_binary = t->packs || s->is_binary;
	enum outcome o;
	size_t column;

	if (t->packs && !s->is_binary) {
		buf_reset(&t->packed);
		if (!clickhouse_binary_rows(s, rows, &t->packed, &column))
			return error_set(err, OUTCOME_FAILED,
					 "column %.*s: a value is none of %.*s, behind row %lld",
					 STR_ARG(s->columns[column].name),
					 STR_ARG(s->columns[column].type.name), (long long)t->rows);
		rows = buf_view(&t->packed);
	}
	t->rows += count;
	t->bytes += (int64_t)rows.len * (is_binary ? BINARY_COUNTS : 1);
	s->is_partial = may_have_landed(t);
	o = pipe_write(&t->pipe, rows, watch, err);
	if (o == OUTCOME_OK && !t->pipe.is_running) {
		o = judge(s, watch, err);
		t->is_open = false;
	}
	return connection_give_id(&t->statement, err, o);
}

/* Bytes say nothing of their types, so those of the table must still be the ones that were looked
 * at. The statement has begun, and is made as the table is now; nothing is there before its end. */
static enum outcome check_types(struct stream *s, const struct watch *watch, struct error *err)
{
	struct target *t = target_of(s);
	struct result r = { 0 };
	enum outcome o = ask_columns(s, watch, &r, err);

	for (size_t i = 0; o == OUTCOME_OK && i < s->column_count; i++) {
		const struct str *row = find_column(&r, s->columns[i].name);

		if (!row || !str_eq(row[1], s->columns[i].type.name))
			o = error_set(err, OUTCOME_FAILED,
				      "the types of the table's columns were changed meanwhile");
	}
	result_clear(&r);
	if (o != OUTCOME_OK)
		err->class = may_have_landed(t) ? ERROR_UNKNOWN : ERROR_TRANSIENT;
	return connection_give_id(&t->statement, err, o);
}

static enum outcome finish(struct stream *s, const struct watch *watch, struct error *err)
{
	struct target *t = target_of(s);
	enum outcome o = OUTCOME_OK;

	if (t->packs || s->is_binary)
		o = check_types(s, watch, err);
	if (o != OUTCOME_OK)
		return o;
	t->is_ended = true;
	s->is_partial = false;
	o = pipe_end(&t->pipe, watch, err);
	if (o == OUTCOME_OK)
		o = judge(s, watch, err);
	else
		err->class = ERROR_UNKNOWN;
	if (o != OUTCOME_STOPPED)
		t->is_open = false;
	return connection_give_id(&t->statement, err, o);
}

static void close_target(struct stream *s, struct error *err)
{
	struct target *t = target_of(s);

	if (t->is_open && t->pipe.is_running) {
		if (err && (may_have_landed(t) || t->is_ended))
			err->class = ERROR_UNKNOWN;
		clickhouse_http_kill(s->c->state, t->statement.query_id, false);
	}
	pipe_close(&t->pipe);
	free(t->request.settings);
	buf_clear(&t->sql);
	buf_clear(&t->question);
	buf_clear(&t->packed);
	free(t);
}

static enum outcome open_source(struct connection *c, const struct statement *s,
				const struct watch *watch, struct stream *out, struct error *err)
{
	enum outcome o = clickhouse_source_open(c, s, watch, out, err);

	out->is_source = true;
	return o;
}

static enum outcome read_back(struct stream *t, const struct statement *s, stream_ear_fn hear,
			      void *context, const struct watch *watch, struct error *err)
{
	struct stream source = { 0 };
	struct buf rows = { 0 };
	enum outcome o = open_source(t->c, s, watch, &source, err);
	bool end = false;

	if (o == OUTCOME_OK)
		o = clickhouse_source_start(&source, watch, err);
	while (o == OUTCOME_OK && !end) {
		buf_reset(&rows);
		o = clickhouse_source_read(&source, &rows, &end, watch, err);
		if (o == OUTCOME_OK && rows.len)
			hear(context, &source, buf_view(&rows));
	}
	stream_close(&source, NULL);
	buf_clear(&rows);
	return o;
}

static void close_stream(struct stream *s, struct error *err)
{
	if (s->state && s->is_source)
		clickhouse_source_close(s);
	else if (s->state)
		close_target(s, err);
}

const struct stream_kind clickhouse_stream = {
	.open_source = open_source,
	.start = clickhouse_source_start,
	.read = clickhouse_source_read,
	.open_target = open_target,
	.begin = begin,
	.write = write_rows,
	.finish = finish,
	.read_back = read_back,
	.close = close_stream,
	.print_target = print_insert,
};
