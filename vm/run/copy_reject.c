/*
 * copy_reject.c - rows that a target refuses are set aside
 *
 * Few of them are held here at a time: they go to their table while the copy goes on, by a stream
 * of their own.
 */
#include "vm/run/copy_reject.h"

#include <stdio.h>

#define HELD_BYTES ((size_t)1 << 20)
#define SHOWN_BYTES 200

enum { COLUMN_ID, COLUMN_NUMBER, COLUMN_ERROR, COLUMN_TEXT };

static enum outcome in_table(const struct copy_reject *j, enum outcome o, struct error *err)
{
	struct buf name = { 0 };

	if (o == OUTCOME_OK || o == OUTCOME_STOPPED)
		return o;
	stream_print_name(&name, &j->table);
	error_prefix(err, "into %.*s of %s, for rows that are refused: ", STR_ARG(buf_view(&name)),
		     j->to->name);
	buf_clear(&name);
	return o;
}

static enum outcome check_columns(const struct stream *s, struct error *err)
{
	for (size_t i = 0; i < s->column_count; i++) {
		const struct stream_type *t = &s->columns[i].type;
		enum stream_family wanted = i == COLUMN_NUMBER ? FAMILY_INT : FAMILY_TEXT;

		if (t->family != wanted || (wanted == FAMILY_INT && t->bits < 64) || t->length)
			return error_set(err, OUTCOME_FAILED, "column %.*s is %.*s, and not %s",
					 STR_ARG(s->columns[i].name), STR_ARG(t->name),
					 wanted == FAMILY_INT ? "a whole number of 64 bits"
							      : "a text of any length");
	}
	return OUTCOME_OK;
}

static enum outcome open_table(struct copy_reject *j, const struct statement *s, struct stream *out,
			       struct error *err)
{
	enum outcome o = j->to->kind->stream->open_target(j->to, &j->table, s, j->watch, out, err);

	if (o != OUTCOME_OK && !err->code[0])
		error_hint(err, "it is a table with the columns query_id, row_number, error and "
				"row_text");
	return o;
}

enum outcome copy_reject_open(struct copy_reject *j, struct connection *to,
			      const struct str *table, size_t part_count,
			      const struct statement *s, const struct watch *watch,
			      struct error *err)
{
	struct stream target = { 0 };
	enum outcome o;

	j->to = to;
	j->statement = s;
	j->watch = watch;
	j->columns[COLUMN_ID] = STR("query_id");
	j->columns[COLUMN_NUMBER] = STR("row_number");
	j->columns[COLUMN_ERROR] = STR("error");
	j->columns[COLUMN_TEXT] = STR("row_text");
	j->table = (struct stream_target){ .table = table,
					   .part_count = part_count,
					   .columns = j->columns,
					   .column_count = ARRAY_SIZE(j->columns) };
	snprintf(j->query_id, sizeof(j->query_id), "%s:j", s->query_id);
	o = open_table(j, s, &target, err);
	if (o == OUTCOME_OK)
		o = check_columns(&target, err);
	stream_close(&target, NULL);
	return in_table(j, o, err);
}

/* ---- a row ---- */

/* Fields as people read them; SQLite's have a letter in front. */
static void print_row(struct buf *out, const struct connection_kind *kind, struct str row)
{
	struct str field;

	while (stream_field(&row, &field)) {
		if (kind == &sqlite_kind && !stream_is_null(field))
			field.ptr++, field.len--;
		buf_str(out, field);
		if (row.ptr)
			buf_byte(out, '\t');
	}
}

/* As a field of the table: bytes that are no text by their numbers. */
static void add_text(struct copy_reject *j, struct str text)
{
	struct buf plain = { 0 };
	bool is_text = str_is_utf8(text);

	if (j->to->kind == &sqlite_kind)
		buf_byte(&j->rows, 't');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c == 0 || (c >= 0x80 && !is_text))
			buf_format(&plain, "\\x%02x", c);
		else
			buf_byte(&plain, text.ptr[i]);
	}
	stream_escape(&j->rows, buf_view(&plain));
	buf_clear(&plain);
}

static enum outcome fail(const struct copy_reject *j, int64_t number, struct str text,
			 struct error *why)
{
	struct str shown = text;

	if (shown.len > SHOWN_BYTES) {
		shown.len = SHOWN_BYTES;
		while (shown.len && ((unsigned char)shown.ptr[shown.len] & 0xc0) == 0x80)
			shown.len--;
	}
	error_prefix(why, "row %lld is refused, and %lld were set aside already, as many as may "
			  "be (row: %.*s%s): ",
		     (long long)number, (long long)j->count, STR_ARG(shown),
		     shown.len < text.len ? "…" : "");
	return why->outcome;
}

enum outcome copy_reject_add(struct copy_reject *j, const struct connection_kind *kind,
			     int64_t number, struct str row, struct error *why)
{
	struct buf text = { 0 };
	enum outcome o = OUTCOME_OK;

	print_row(&text, kind, row);
	if (j->count >= j->limit && !j->only_counts) {
		o = fail(j, number, buf_view(&text), why);
	} else if (!j->only_counts) {
		add_text(j, str_c(j->statement->query_id));
		buf_format(&j->rows, "\t%s%lld\t", j->to->kind == &sqlite_kind ? "i" : "",
			   (long long)number);
		add_text(j, str_c(why->message));
		buf_byte(&j->rows, '\t');
		add_text(j, buf_view(&text));
		buf_byte(&j->rows, '\n');
		j->row_count++;
	}
	buf_clear(&text);
	if (o != OUTCOME_OK)
		return o;
	j->count++;
	error_clear(why);
	return j->rows.len > HELD_BYTES ? copy_reject_flush(j, why) : OUTCOME_OK;
}

enum outcome copy_reject_flush(struct copy_reject *j, struct error *err)
{
	struct statement s = { .query_id = j->query_id };
	const struct stream_kind *kind;
	struct stream target = { 0 };
	enum outcome o;

	if (!j->row_count)
		return OUTCOME_OK;
	kind = j->to->kind->stream;
	s.sql = j->statement->sql;
	s.timeout_ms = j->statement->timeout_ms;
	o = open_table(j, &s, &target, err);
	if (o == OUTCOME_OK)
		o = kind->begin(&target, &s, j->watch, err);
	if (o == OUTCOME_OK)
		o = kind->write(&target, buf_view(&j->rows), j->row_count, j->watch, err);
	if (o == OUTCOME_OK)
		o = kind->finish(&target, j->watch, err);
	stream_close(&target, NULL);
	buf_reset(&j->rows);
	j->row_count = 0;
	/* Nothing of the copy itself has happened by that. */
	if (o != OUTCOME_OK && err->class == ERROR_UNKNOWN)
		err->class = ERROR_TRANSIENT;
	return in_table(j, o, err);
}

void copy_reject_clear(struct copy_reject *j)
{
	buf_clear(&j->rows);
}
