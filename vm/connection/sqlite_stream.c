/*
 * sqlite_stream.c - rows out of a SQLite file and into one
 *
 * A source has a session of its own, so that it reads what was committed when it began, whatever
 * is written meanwhile. A target is one transaction: its own, or the store's that is open.
 */
#include "vm/connection/sqlite_kind.h"
#include "vm/connection/literal.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct state {
	struct sqlite reader;	/* of a source */
	struct sqlite *db;
	struct statement statement;
	struct buf sql, value;
	sqlite3_stmt *prepared;
	bool is_begun;		/* a transaction of ours is open */
	int64_t rows;
};

static struct state *state_of(const struct stream *s)
{
	return s->state;
}

static struct state *new_state(struct stream *out, struct connection *c, const struct statement *s)
{
	struct state *state = must_alloc(sizeof(*state));

	*state = (struct state){ .statement = *s };
	*out = (struct stream){ .kind = &sqlite_kind, .c = c, .state = state };
	return state;
}

/* ---- a source ---- */

static enum outcome prepare_query(struct state *s, struct error *err)
{
	struct str rest = s->statement.sql;
	sqlite3_stmt *second;
	enum outcome o = sqlite_next(s->db, s->statement.sql, &rest, &s->prepared, err);

	if (o != OUTCOME_OK)
		return o;
	if (!s->prepared || sqlite3_column_count(s->prepared) == 0)
		return error_set(err, OUTCOME_FAILED, "the statement gives no rows to copy");
	if (!sqlite3_stmt_readonly(s->prepared))
		return error_set(err, OUTCOME_FAILED, "a query must not change anything");
	o = sqlite_next(s->db, s->statement.sql, &rest, &second, err);
	if (o == OUTCOME_OK && second)
		o = error_set(err, OUTCOME_FAILED, "`copy` takes one query");
	sqlite3_finalize(second);
	return o;
}

static enum outcome open_source(struct connection *c, const struct statement *s,
				const struct watch *watch UNUSED, struct stream *out,
				struct error *err)
{
	struct sqlite_state *of = c->state;
	struct state *state = new_state(out, c, s);
	bool ignored;
	enum outcome o = sqlite_refuse_control(c, s->sql, &ignored, err);

	if (o == OUTCOME_OK)
		o = sqlite_open(&state->reader, of->path, err);
	state->db = &state->reader;
	if (o == OUTCOME_OK)
		o = prepare_query(state, err);
	if (o != OUTCOME_OK)
		return connection_give_id(&state->statement, err, o);
	out->column_count = (size_t)sqlite3_column_count(state->prepared);
	out->columns = arena_array(&out->arena, struct stream_column, out->column_count);
	for (size_t i = 0; i < out->column_count; i++) {
		const char *type = sqlite3_column_decltype(state->prepared, (int)i);
		const char *name = sqlite3_column_name(state->prepared, (int)i);

		out->columns[i].name = arena_str(&out->arena, str_c(name));
		out->columns[i].type = (struct stream_type){
			.family = FAMILY_ANY,
			.name = arena_str(&out->arena, str_c(type ? type : "any")),
			.is_nullable = true,
			.bits = 64,
			.is_raw = true,
		};
	}
	return OUTCOME_OK;
}

static enum outcome start(struct stream *s, const struct watch *watch UNUSED,
			  struct error *err UNUSED)
{
	sqlite3_reset(state_of(s)->prepared);
	return OUTCOME_OK;
}

static void add_value(sqlite3_stmt *prepared, int i, struct buf *out)
{
	char text[40];
	struct str bytes;

	switch (sqlite3_column_type(prepared, i)) {
	case SQLITE_NULL:
		buf_text(out, "\\N");
		return;
	case SQLITE_INTEGER:
		snprintf(text, sizeof(text), "i%lld",
			 (long long)sqlite3_column_int64(prepared, i));
		buf_text(out, text);
		return;
	case SQLITE_FLOAT:
		snprintf(text, sizeof(text), "r%.17g", sqlite3_column_double(prepared, i));
		buf_text(out, text);
		return;
	case SQLITE_BLOB:
		buf_byte(out, 'b');
		bytes.ptr = sqlite3_column_blob(prepared, i);
		break;
	default:
		buf_byte(out, 't');
		bytes.ptr = (const char *)sqlite3_column_text(prepared, i);
	}
	bytes.len = (size_t)sqlite3_column_bytes(prepared, i);
	if (bytes.len)
		stream_escape(out, bytes);
}

static enum outcome add_row(struct stream *s, struct buf *out, struct error *err)
{
	size_t first = out->len;

	for (size_t i = 0; i < s->column_count; i++) {
		if (i)
			buf_byte(out, '\t');
		add_value(state_of(s)->prepared, (int)i, out);
	}
	buf_byte(out, '\n');
	if (out->len - first <= STREAM_ROW_CAP_BYTES && !out->failed)
		return OUTCOME_OK;
	out->len = first;
	return error_set(err, OUTCOME_FAILED, "it is longer than %zu MiB",
			 STREAM_ROW_CAP_BYTES >> 20);
}

static enum outcome read_rows(struct stream *s, struct buf *out, bool *end,
			      const struct watch *watch, struct error *err)
{
	struct state *state = state_of(s);
	size_t first = out->len;
	enum outcome o = OUTCOME_OK;
	int rc = SQLITE_ROW;

	*end = false;
	sqlite_watch(state->db, watch, state->statement.timeout_ms);
	while (o == OUTCOME_OK && out->len - first < STREAM_CHUNK_BYTES) {
		rc = sqlite3_step(state->prepared);
		if (rc != SQLITE_ROW)
			break;
		o = add_row(s, out, err);
	}
	if (o == OUTCOME_OK && rc != SQLITE_ROW && rc != SQLITE_DONE)
		o = sqlite_fail(state->db, err);
	sqlite_unwatch(state->db);
	*end = rc == SQLITE_DONE;
	return connection_give_id(&state->statement, err, o);
}

/* ---- a target ---- */

static void print_insert(struct buf *out, const struct stream_target *t)
{
	buf_text(out, "INSERT INTO ");
	stream_print_columns(out, t, sqlite_kind.quote_ident);
	buf_text(out, ") VALUES (");
	for (size_t i = 0; i < t->column_count; i++)
		buf_text(out, i ? ", ?" : "?");
	buf_byte(out, ')');
}

static bool holds(const char *type, const char *word)
{
	return strcasestr(type, word) != NULL;
}

/* By the rules of SQLite's affinity. */
static void read_type(struct arena *a, const char *type, struct stream_type *t)
{
	*t = (struct stream_type){ .family = FAMILY_ANY,
				   .name = arena_str(a, str_c(*type ? type : "any")),
				   .bits = 64,
				   .is_signed = true };
	if (holds(type, "INT")) {
		t->family = FAMILY_INT;
	} else if (holds(type, "CHAR") || holds(type, "CLOB") || holds(type, "TEXT")) {
		t->family = FAMILY_TEXT;
	} else if (holds(type, "BLOB")) {
		t->family = FAMILY_BYTES;
	} else if (holds(type, "REAL") || holds(type, "FLOA") || holds(type, "DOUB")) {
		t->family = FAMILY_FLOAT;
	} else if (holds(type, "BOOL")) {
		t->family = FAMILY_BOOL;
	} else {
		t->is_numeric = *type != '\0' && strcasecmp(type, "any") != 0;
	}
}

enum { INFO_NAME = 1, INFO_TYPE, INFO_NOT_NULL, INFO_DEFAULT, INFO_KEY, INFO_HIDDEN };

static const char *cell(sqlite3_stmt *info, int column)
{
	const char *text = (const char *)sqlite3_column_text(info, column);

	return text ? text : "";
}

static enum outcome take_info(const struct stream_target *t, sqlite3_stmt *info, struct stream *out,
			      struct error *err)
{
	struct str name = str_c(cell(info, INFO_NAME));
	bool required = sqlite3_column_int(info, INFO_NOT_NULL);
	bool listed = false;

	for (size_t i = 0; i < t->column_count; i++) {
		struct stream_column *column = &out->columns[i];

		if (t->columns[i].len != name.len ||
		    strncasecmp(t->columns[i].ptr, name.ptr, name.len) != 0)
			continue;
		listed = true;
		if (sqlite3_column_int(info, INFO_HIDDEN) > 1)
			return error_set(err, OUTCOME_FAILED,
					 "column %.*s is generated and can't be given",
					 STR_ARG(name));
		column->name = arena_str(&out->arena, t->columns[i]);
		read_type(&out->arena, cell(info, INFO_TYPE), &column->type);
		column->type.is_nullable = !required;
	}
	if (!listed && required && sqlite3_column_type(info, INFO_DEFAULT) == SQLITE_NULL &&
	    !sqlite3_column_int(info, INFO_KEY))
		return error_set(err, OUTCOME_FAILED,
				 "column %.*s of the table can't be NULL, has no default and is "
				 "not among the columns that are copied",
				 STR_ARG(name));
	return OUTCOME_OK;
}

static enum outcome describe_table(struct state *s, const struct stream_target *t,
				   struct stream *out, struct error *err)
{
	sqlite3_stmt *info;
	enum outcome o = OUTCOME_OK;
	bool any = false;
	int rc;

	out->column_count = t->column_count;
	out->columns = arena_array(&out->arena, struct stream_column, t->column_count + 1);
	if (sqlite3_prepare_v2(s->db->db, "SELECT * FROM pragma_table_xinfo(?, ?)", -1, &info,
			       NULL) != SQLITE_OK)
		return sqlite_fail(s->db, err);
	sqlite3_bind_text(info, 1, t->table[t->part_count - 1].ptr,
			  (int)t->table[t->part_count - 1].len, SQLITE_STATIC);
	if (t->part_count > 1)
		sqlite3_bind_text(info, 2, t->table[0].ptr, (int)t->table[0].len, SQLITE_STATIC);
	while (o == OUTCOME_OK && (rc = sqlite3_step(info)) == SQLITE_ROW) {
		any = true;
		o = take_info(t, info, out, err);
	}
	if (o == OUTCOME_OK && rc != SQLITE_DONE)
		o = sqlite_fail(s->db, err);
	sqlite3_finalize(info);
	if (o == OUTCOME_OK && !any)
		o = error_set(err, OUTCOME_FAILED, "there is no such table");
	for (size_t i = 0; o == OUTCOME_OK && i < t->column_count; i++)
		if (!out->columns[i].type.name.ptr)
			o = error_set(err, OUTCOME_FAILED, "the table has no column %.*s",
				      STR_ARG(t->columns[i]));
	return o;
}

static enum outcome open_target(struct connection *c, const struct stream_target *t,
				const struct statement *s, const struct watch *watch UNUSED,
				struct stream *out, struct error *err)
{
	struct sqlite_state *of = c->state;
	struct state *state = new_state(out, c, s);

	state->db = of->session;
	print_insert(&state->sql, t);
	return connection_give_id(&state->statement, err, describe_table(state, t, out, err));
}

static enum outcome run(struct sqlite *db, struct str sql, struct error *err)
{
	struct str rest = sql;
	sqlite3_stmt *one;
	enum outcome o = sqlite_next(db, sql, &rest, &one, err);

	if (o == OUTCOME_OK && one && sqlite3_step(one) != SQLITE_DONE)
		o = sqlite_fail(db, err);
	sqlite3_finalize(one);
	return o;
}

static enum outcome begin(struct stream *t, const struct statement *s, const struct watch *watch,
			  struct error *err)
{
	struct state *state = state_of(t);
	struct str rest;
	bool inside = sqlite_in_transaction(state->db);
	enum outcome o = OUTCOME_OK;

	sqlite3_finalize(state->prepared);
	state->prepared = NULL;
	state->statement = *s;
	sqlite_watch(state->db, watch, s->timeout_ms);
	if (!inside)
		o = run(state->db, STR("BEGIN IMMEDIATE"), err);
	state->is_begun = !inside && o == OUTCOME_OK;
	if (o == OUTCOME_OK && !inside && s->marker.len)
		o = run(state->db, s->marker, err);
	rest = buf_view(&state->sql);
	if (o == OUTCOME_OK)
		o = sqlite_next(state->db, buf_view(&state->sql), &rest, &state->prepared, err);
	sqlite_unwatch(state->db);
	return connection_give_id(&state->statement, err, o);
}

/* The text of a field ends with a tab or a line, where numbers end as well. */
static int bind(struct state *s, int number, struct str field, struct buf *value)
{
	char letter = field.ptr[0];
	struct str text = { field.ptr + 1, field.len - 1 };

	if (stream_is_null(field))
		return sqlite3_bind_null(s->prepared, number);
	if (letter == 'i')
		return sqlite3_bind_int64(s->prepared, number, strtoll(text.ptr, NULL, 10));
	if (letter == 'r')
		return sqlite3_bind_double(s->prepared, number, strtod(text.ptr, NULL));
	if (memchr(text.ptr, '\\', text.len)) {
		size_t first = value->len;

		stream_unescape(value, text);
		text = (struct str){ value->ptr + first, value->len - first };
	}
	if (letter == 'b')
		return text.len ? sqlite3_bind_blob64(s->prepared, number, text.ptr, text.len,
						      SQLITE_TRANSIENT)
				: sqlite3_bind_zeroblob(s->prepared, number, 0);
	return sqlite3_bind_text64(s->prepared, number, text.ptr, text.len, SQLITE_TRANSIENT,
				   SQLITE_UTF8);
}

static enum outcome insert_line(struct state *s, struct str line, struct error *err)
{
	struct str field;
	int n = 0, rc = SQLITE_OK;

	buf_reset(&s->value);
	while (rc == SQLITE_OK && stream_field(&line, &field))
		rc = bind(s, ++n, field, &s->value);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s->prepared);
	s->rows++;
	if (rc != SQLITE_DONE)
		sqlite_fail(s->db, err);
	sqlite3_reset(s->prepared);
	return rc == SQLITE_DONE ? OUTCOME_OK : err->outcome;
}

/* The statement was undone, and the transaction stands. */
static bool is_about_row(const struct state *s)
{
	int code = sqlite3_errcode(s->db->db) & 0xff;

	return (code == SQLITE_CONSTRAINT || code == SQLITE_MISMATCH || code == SQLITE_TOOBIG) &&
	       sqlite_in_transaction(s->db);
}

static enum outcome write_rows(struct stream *t, struct str rows, int64_t count UNUSED,
			       const struct watch *watch, struct error *err)
{
	struct state *s = state_of(t);
	enum outcome o = OUTCOME_OK;

	sqlite_watch(s->db, watch, s->statement.timeout_ms);
	for (int64_t nth = 0; o == OUTCOME_OK && rows.len; nth++) {
		const char *end = memchr(rows.ptr, '\n', rows.len);
		size_t len = end ? (size_t)(end - rows.ptr) : rows.len;
		struct str line = { rows.ptr, len };

		o = insert_line(s, line, err);
		if (o != OUTCOME_OK && t->set_aside && is_about_row(s)) {
			o = t->set_aside(t->context, nth, line, err);
			sqlite_watch(s->db, watch, s->statement.timeout_ms);
		} else if (o != OUTCOME_OK) {
			error_prefix(err, "row %lld: ", (long long)s->rows);
		}
		rows.ptr += len + 1;
		rows.len -= len + 1;
	}
	sqlite_unwatch(s->db);
	return connection_give_id(&s->statement, err, o);
}

static enum outcome finish(struct stream *t, const struct watch *watch UNUSED, struct error *err)
{
	struct state *s = state_of(t);
	enum outcome o = OUTCOME_OK;

	sqlite3_finalize(s->prepared);
	s->prepared = NULL;
	if (s->is_begun)
		o = run(s->db, STR("COMMIT"), err);
	if (o == OUTCOME_OK)
		s->is_begun = false;
	return connection_give_id(&s->statement, err, o);
}

/* Every row is in the table when it was written. */
static enum outcome settle(struct stream *t UNUSED, const struct watch *watch UNUSED,
			   struct error *err UNUSED)
{
	return OUTCOME_OK;
}

static enum outcome read_back(struct stream *t, const struct statement *s, stream_ear_fn hear,
			      void *context, const struct watch *watch, struct error *err)
{
	struct state *state = state_of(t), reading = { .db = state->db, .statement = *s };
	struct stream described = *t;
	struct buf rows = { 0 };
	enum outcome o;
	bool end = false;

	described.state = &reading;
	sqlite_watch(state->db, watch, s->timeout_ms);
	o = prepare_query(&reading, err);
	while (o == OUTCOME_OK && !end) {
		buf_reset(&rows);
		o = read_rows(&described, &rows, &end, watch, err);
		if (o == OUTCOME_OK && rows.len)
			hear(context, t, buf_view(&rows));
	}
	sqlite3_finalize(reading.prepared);
	sqlite_unwatch(state->db);
	buf_clear(&rows);
	return connection_give_id(s, err, o);
}

static void close_stream(struct stream *t, struct error *err UNUSED)
{
	struct state *s = state_of(t);

	if (!s)
		return;
	sqlite3_finalize(s->prepared);
	if (s->is_begun)
		sqlite_rollback(s->db);
	sqlite_close(&s->reader);
	buf_clear(&s->sql);
	buf_clear(&s->value);
	free(s);
}

const struct stream_kind sqlite_stream = {
	.open_source = open_source,
	.start = start,
	.read = read_rows,
	.open_target = open_target,
	.begin = begin,
	.write = write_rows,
	.finish = finish,
	.settle = settle,
	.read_back = read_back,
	.close = close_stream,
	.print_target = print_insert,
};
