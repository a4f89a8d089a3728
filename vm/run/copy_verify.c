/*
 * copy_verify.c - `copy … verify`: what a table holds more is compared with what was sent to it
 *
 * The rows are hashed here as they go, in the form that the target gives to their values, and those
 * of the table as they are read back. What it held before is taken off, as sums can be. Nobody else
 * may change those rows meanwhile. In a target with transactions all of it is one: a copy that is
 * not as it should be is not committed. In another its rows are there, and the operation counts as
 * half done.
 */
#include "vm/run/copy_verify.h"

#include <stdio.h>

static enum outcome refuse(const struct conversion *c, const char *why, struct error *err)
{
	error_set(err, OUTCOME_FAILED, "column %.*s (%.*s into %.*s) can't be verified: %s",
		  STR_ARG(c->name), STR_ARG(c->from->name), STR_ARG(c->to->name), why);
	error_hint(err, "copy it as a text, or verify the table by a postcheck of your own");
	return err->outcome;
}

static void print_question(struct copy_verify *v, const struct connection_kind *kind,
			   const struct stream_target *t, struct str where)
{
	for (size_t i = 0; i < t->column_count; i++) {
		buf_text(&v->sql, i ? ", " : "SELECT ");
		kind->quote_ident(&v->sql, t->columns[i]);
	}
	for (size_t i = 0; i < t->part_count; i++) {
		buf_text(&v->sql, i ? "." : " FROM ");
		kind->quote_ident(&v->sql, t->table[i]);
	}
	if (where.len)
		buf_format(&v->sql, " WHERE %.*s", STR_ARG(where));
}

enum outcome copy_verify_open(struct copy_verify *v, const struct converter *c,
			      const struct stream *target, const struct stream_target *table,
			      struct str where, const struct statement *s, struct error *err)
{
	if (!v->is_wanted)
		return OUTCOME_OK;
	for (size_t i = 0; i < c->count; i++) {
		const struct conversion *column = &c->columns[i];
		const char *why = row_hash_lacks(column->from_kind, column->from, column->to_kind,
						 column->to);

		if (why)
			return refuse(column, why, err);
	}
	print_question(v, target->kind, table, where);
	snprintf(v->query_id, sizeof(v->query_id), "%s:v", s->query_id);
	v->question = (struct statement){ .sql = buf_view(&v->sql),
					  .query_id = v->query_id,
					  .timeout_ms = s->timeout_ms };
	v->sent = (struct row_hasher){ .kind = target->kind,
				       .columns = target->columns,
				       .count = target->column_count };
	v->there = (struct row_hasher){ .kind = target->kind,
					.count = target->column_count,
					.is_read = true };
	return OUTCOME_OK;
}

struct hearing {
	struct row_hasher *hasher;
	struct row_sum *sum;
};

static void hear(void *context, const struct stream *described, struct str rows)
{
	struct hearing *h = context;

	h->hasher->columns = described->columns;
	row_hash_add(h->hasher, rows, h->sum);
}

static enum outcome read_back(struct copy_verify *v, struct stream *target, struct row_sum *sum,
			      const struct watch *watch, struct error *err)
{
	struct hearing h = { &v->there, sum };
	enum outcome o;

	*sum = (struct row_sum){ 0 };
	o = target->kind->stream->read_back(target, &v->question, hear, &h, watch, err);
	if (o != OUTCOME_OK && o != OUTCOME_STOPPED)
		error_prefix(err, "reading the table for `verify`: ");
	return o;
}

enum outcome copy_verify_before(struct copy_verify *v, struct stream *target,
				const struct watch *watch, struct error *err)
{
	target->is_kept = v->is_wanted;
	return v->is_wanted && !v->is_whole ? read_back(v, target, &v->had, watch, err)
					    : OUTCOME_OK;
}

void copy_verify_sent(struct copy_verify *v, struct str rows)
{
	if (v->is_wanted)
		row_hash_add(&v->sent, rows, &v->given);
}

void copy_verify_unsent(struct copy_verify *v, struct str row)
{
	struct row_sum one = { 0 };

	if (!v->is_wanted)
		return;
	row_hash_add(&v->sent, row, &one);
	v->given = row_sum_less(v->given, one);
}

static enum outcome tell(const struct copy_verify *v, const struct stream *target,
			 struct row_sum more, struct error *err)
{
	struct buf given = { 0 }, there = { 0 };

	row_sum_print(&given, v->given);
	row_sum_print(&there, more);
	error_set(err, OUTCOME_FAILED, "`verify`: sent were %.*s; the table has %.*s%s%s",
		  STR_ARG(buf_view(&given)), STR_ARG(buf_view(&there)),
		  v->had.rows ? " more than before" : "",
		  target->kind->stream->settle ? ": nothing of the copy was kept"
		  : v->is_whole ? " in all: what was before is not known"
				: ", which are there");
	error_hint(err, "somebody else may have changed the table meanwhile, or it changes what it "
			"is given, by a trigger or its engine");
	buf_clear(&given);
	buf_clear(&there);
	return err->outcome;
}

enum outcome copy_verify_after(struct copy_verify *v, struct stream *target,
			       const struct watch *watch, struct error *err)
{
	struct row_sum more;
	enum outcome o;

	if (!v->is_wanted)
		return OUTCOME_OK;
	o = read_back(v, target, &v->has, watch, err);
	if (o != OUTCOME_OK) {
		/* Where it is not taken back, it has happened. */
		if (!target->kind->stream->settle)
			err->class = ERROR_UNKNOWN;
		return o;
	}
	more = row_sum_less(v->has, v->had);
	return row_sum_eq(more, v->given) ? OUTCOME_OK : tell(v, target, more, err);
}

enum outcome copy_verify_compare(struct copy_verify *v, struct stream *target, bool *same,
				 const struct watch *watch, struct error *err)
{
	enum outcome o = read_back(v, target, &v->has, watch, err);

	*same = o == OUTCOME_OK && row_sum_eq(v->has, v->given);
	return o;
}

void copy_verify_clear(struct copy_verify *v)
{
	buf_clear(&v->sql);
	row_hasher_clear(&v->sent);
	row_hasher_clear(&v->there);
}
