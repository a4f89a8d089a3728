/*
 * copy.c - `copy c sql"…" into d T columns (…)`: the rows of a query go into a table
 *
 * It is an effect on d like any other (effect.c); what is sent is a stream of rows. First both
 * sides' catalogs are asked and every type is compared; then the first rows are awaited, so that
 * nothing stands open at the target while the source is still sorting; then it begins there.
 */
#include "vm/run/copy.h"

#include "vm/base/fault.h"
#include "vm/base/mutant.h"
#include "vm/base/os.h"
#include "vm/connection/convert.h"
#include "vm/run/ahead.h"
#include "vm/run/attempt.h"
#include "vm/run/copy_operand.h"
#include "vm/run/copy_reject.h"
#include "vm/run/copy_verify.h"
#include "vm/run/host.h"
#include "vm/run/render.h"
#include "vm/run/strand.h"

#include <stdio.h>

#define DEADLINE_GRACE_MS 2000 /* the servers' own limits come first and say more */
/* The run's watch, with an end to the operation's patience. */
struct patience {
	const struct watch *inner;
	int64_t ends_at_ms;
	bool is_over;
};

struct copying {
	struct run *r;
	const struct machine_request *q;
	struct connection *from, *to;
	const struct statement *statement;
	struct statement query;
	struct stream_target table;
	struct arena arena;
	struct buf sql, chunk, made;
	char query_id[QUERY_ID_SIZE + 2];
	struct stream source, target;
	const struct stream *rows_of;	/* the source, or one that was read ahead */
	bool is_ahead;
	struct converter converter;
	struct copy_verify verify;
	struct copy_reject reject;
	bool only_verifies;	/* it has been copied already */
	bool only_compares;	/* whether it has is what is asked */
	bool is_same;
	struct patience patience;
	struct watch watch;
	int64_t rows;
	struct strand *strand; /* that is away meanwhile, and others have the run; or NULL */
	bool has_touched;
};

static enum watch_wish ask_patience(void *context)
{
	struct patience *p = context;
	enum watch_wish wish = watch_ask(p->inner);

	if (wish != WATCH_GO_ON || !p->ends_at_ms || os_monotonic_ms() < p->ends_at_ms)
		return wish;
	p->is_over = true;
	return WATCH_CANCEL;
}

/* By place, as INSERT … SELECT has it; but names that stand at another place than they do in the
 * query are a mistake. */
static enum outcome match(struct copying *c, struct error *err)
{
	const struct stream *from = c->rows_of, *to = &c->target;
	struct buf names = { 0 };

	for (size_t i = 0; i < from->column_count; i++)
		buf_format(&names, "%s%.*s", i ? ", " : "", STR_ARG(from->columns[i].name));
	if (from->column_count != to->column_count)
		error_set(err, OUTCOME_FAILED,
			  "the query gives %zu columns (%.*s), and %zu are listed",
			  from->column_count, STR_ARG(buf_view(&names)), to->column_count);
	buf_clear(&names);
	if (from->column_count != to->column_count)
		return err->outcome;
	for (size_t i = 0; i < from->column_count; i++)
		for (size_t k = 0; k < to->column_count; k++)
			if (k != i && str_eq(from->columns[i].name, to->columns[k].name) &&
			    !str_eq(from->columns[i].name, to->columns[i].name))
				return error_set(err, OUTCOME_FAILED,
						 "column %.*s is number %zu of the query and "
						 "number %zu of those that are listed",
						 STR_ARG(from->columns[i].name), i + 1, k + 1);
	return OUTCOME_OK;
}

static enum outcome from_source(struct copying *c, enum outcome o, struct error *err)
{
	if (o != OUTCOME_OK && o != OUTCOME_STOPPED)
		error_prefix(err, "reading from %s: ", c->from->name);
	return o;
}

/* In windows only rows of the window are looked at. */
static enum outcome open_verify(struct copying *c, struct error *err)
{
	const struct machine_request *q = c->q;
	struct buf where = { 0 };
	struct value condition;
	enum outcome o = OUTCOME_OK;

	if (!c->verify.is_wanted)
		return OUTCOME_OK;
	if (copy_window_condition(c->r, q, &condition))
		o = render_sql(condition, c->to->kind, &where, err);
	if (o == OUTCOME_OK)
		o = copy_verify_open(&c->verify, &c->converter, &c->target, &c->table,
				     buf_view(&where), c->statement, err);
	buf_clear(&where);
	return o;
}

/* A row that can't be converted. */
static enum outcome leave_out(void *context, int64_t number, struct str row, struct error *why)
{
	struct copying *c = context;

	return copy_reject_add(&c->reject, c->from->kind, number, row, why);
}

/* A row that was converted, and that the target does not take. */
static enum outcome set_aside(void *context, int64_t nth, struct str row, struct error *why)
{
	struct copying *c = context;

	copy_verify_unsent(&c->verify, row);
	c->rows--;
	return copy_reject_add(&c->reject, c->to->kind, converter_number(&c->converter, nth), row,
			       why);
}

static enum outcome open_reject(struct copying *c, struct error *err)
{
	const struct machine_request *q = c->q;
	const struct value *table = copy_option(q, VALUE_IDENT);
	const struct value *limit = copy_option(q, VALUE_INT);

	c->target.set_aside = NULL;
	if (!table || !limit)
		return OUTCOME_OK;
	c->reject.is_wanted = true;
	c->reject.only_counts = c->only_verifies;
	c->reject.limit = limit->number;
	c->converter.leave_out = leave_out;
	c->converter.context = c;
	c->target.set_aside = set_aside;
	c->target.context = c;
	return copy_reject_open(&c->reject, c->to, copy_texts(&c->arena, table->list),
				table->list->count, c->statement, &c->watch, err);
}

/* Bytes go straight from the one to the other where nobody is to see them as text. What was read
 * ahead has been begun. */
static void choose_form(struct copying *c)
{
	const bool binary = c->converter.can_pack && !c->verify.is_wanted;

	if (!c->is_ahead)
		c->source.is_binary = binary;
	c->converter.from_tuples = c->rows_of->is_binary;
	c->converter.packs = c->target.is_binary = binary && c->rows_of->is_binary;
}

static enum outcome open_both(struct copying *c, struct error *err)
{
	struct buf name = { 0 };
	enum outcome o = OUTCOME_OK;

	c->rows_of = c->only_verifies || c->strand
				      ? NULL
				      : ahead_take(c->r, host_place(c->r, c->q->need),
						   c->query.sql);
	c->is_ahead = c->rows_of != NULL;
	if (!c->is_ahead) {
		c->rows_of = &c->source;
		o = c->from->kind->stream->open_source(c->from, &c->query, &c->watch, &c->source,
						       err);
	}
	o = from_source(c, o, err);
	if (o != OUTCOME_OK)
		return o;
	if (!c->is_ahead || !ahead_give_target(c->r, &c->table, c->to, &c->target))
		o = c->to->kind->stream->open_target(c->to, &c->table, c->statement, &c->watch,
						     &c->target, err);
	if (o == OUTCOME_OK)
		o = match(c, err);
	if (o == OUTCOME_OK)
		o = converter_init(&c->converter, c->rows_of, &c->target, err);
	if (o == OUTCOME_OK)
		choose_form(c);
	if (o == OUTCOME_OK)
		o = open_verify(c, err);
	if (o == OUTCOME_OK)
		return open_reject(c, err);
	stream_print_name(&name, &c->table);
	error_prefix(err, "into %.*s of %s: ", STR_ARG(buf_view(&name)), c->to->name);
	buf_clear(&name);
	return o;
}

/* The next rows, as the target takes them. */
static enum outcome next(struct copying *c, struct str *rows, int64_t *count, bool *end,
			 struct error *err)
{
	enum outcome o;

	buf_reset(&c->chunk);
	o = c->is_ahead ? ahead_read(c->r, &c->chunk, end, &c->watch, err)
			: c->from->kind->stream->read(&c->source, &c->chunk, end, &c->watch, err);
	if (o != OUTCOME_OK) {
		int64_t before = c->converter.rows +
				 converter_count(&c->converter, buf_view(&c->chunk));

		if (before && o != OUTCOME_STOPPED)
			error_prefix(err, "behind row %lld: ", (long long)before);
		return from_source(c, o, err);
	}
	return converter_rows(&c->converter, buf_view(&c->chunk), &c->made, rows, count, err);
}

/* What was verified is known to be so before it is final, where that can be. */
static enum outcome finish(struct copying *c, struct error *err)
{
	const struct stream_kind *target = c->to->kind->stream;
	bool settles = c->verify.is_wanted && target->settle;
	enum outcome o = copy_reject_flush(&c->reject, err);

	if (o == OUTCOME_OK && c->only_compares)
		return copy_verify_compare(&c->verify, &c->target, &c->is_same, &c->watch, err);
	if (o != OUTCOME_OK)
		return o;
	if (!c->only_verifies && !c->strand)
		ahead_begin(c->r, c->statement, c->rows, c->rows_of->is_binary);
	if (settles)
		o = target->settle(&c->target, &c->watch, err);
	else if (!c->only_verifies)
		o = target->finish(&c->target, &c->watch, err);
	if (o != OUTCOME_OK)
		return o;
	o = copy_verify_after(&c->verify, &c->target, &c->watch, err);
	/* Its rows are there. */
	c->has_touched = o != OUTCOME_OK && !settles;
	if (o == OUTCOME_OK && settles)
		o = target->finish(&c->target, &c->watch, err);
	if (o == OUTCOME_OK && !c->only_verifies && !c->strand)
		ahead_keep_target(c->r, &c->table, &c->target);
	return o;
}

/* The look at the lease was before the source was asked, which may have taken its time. Of one that
 * is away the journal is others', and so is a transaction in it. */
static enum outcome may_begin(struct copying *c, struct error *err)
{
	struct strand *strand = c->strand;
	enum outcome o;

	if (c->statement->marker.len || (!strand && c->r->journal.in_transaction) ||
	    mutant(MUTANT_COPY_LATE))
		return OUTCOME_OK;
	strand_back(strand);
	o = attempt_may_go(c->r, PROOF_NONE, err);
	if (strand)
		c->strand = strand_away(c->r, c->to, c->from, &c->patience.inner);
	return o;
}

static enum outcome begin(struct copying *c, struct error *err)
{
	enum outcome o = copy_verify_before(&c->verify, &c->target, &c->watch, err);

	if (o == OUTCOME_OK && !c->only_verifies)
		o = may_begin(c, err);
	if (o == OUTCOME_OK && !c->only_verifies)
		o = c->to->kind->stream->begin(&c->target, c->statement, &c->watch, err);
	return o;
}

static enum outcome pump(struct copying *c, struct error *err)
{
	const struct stream_kind *target = c->to->kind->stream;
	struct str rows;
	int64_t count;
	bool end = false;
	enum outcome o = OUTCOME_OK;

	fault_pass(FAULT_BEFORE_READ);
	if (!c->is_ahead)
		o = c->from->kind->stream->start(&c->source, &c->watch, err);
	o = from_source(c, o, err);
	if (o == OUTCOME_OK)
		o = next(c, &rows, &count, &end, err);
	if (o == OUTCOME_OK)
		o = begin(c, err);
	while (o == OUTCOME_OK) {
		copy_verify_sent(&c->verify, rows);
		c->rows += count;
		if (rows.len && !c->only_verifies)
			o = target->write(&c->target, rows, count, &c->watch, err);
		if (o != OUTCOME_OK)
			break;
		if (!c->strand)
			c->r->copied = c->rows;
		if (end)
			return finish(c, err);
		o = next(c, &rows, &count, &end, err);
	}
	return o;
}

/* A timeout is told as the target's own would be. */
static void tell_end_of_patience(struct copying *c, struct error *err)
{
	const char *const *too_much = c->to->kind->too_much;
	enum error_class class = err->class;

	if (!c->patience.is_over || err->outcome != OUTCOME_STOPPED)
		return;
	error_set(err, OUTCOME_FAILED, "it took longer than its timeout, after %lld rows",
		  (long long)c->rows);
	err->class = class;
	if (too_much)
		snprintf(err->code, sizeof(err->code), "%s", too_much[0]);
}

static void clear(struct copying *c, struct error *err)
{
	stream_close(&c->target, err);
	stream_close(&c->source, NULL);
	converter_clear(&c->converter);
	copy_verify_clear(&c->verify);
	copy_reject_clear(&c->reject);
	buf_clear(&c->sql);
	buf_clear(&c->chunk);
	buf_clear(&c->made);
	arena_clear(&c->arena);
}

static void tell_rejected(const struct copying *c)
{
	struct buf name = { 0 };

	if (c->reject.count == 0 || c->only_verifies)
		return;
	stream_print_name(&name, &c->reject.table);
	journal_event(c->r, EVENT_REJECTED, "%lld rows that were refused are in %.*s of %s",
		      (long long)c->reject.count, STR_ARG(buf_view(&name)), c->to->name);
	buf_clear(&name);
}

static void tell_verified(const struct copying *c)
{
	struct buf text = { 0 };

	if (!c->verify.is_wanted)
		return;
	stream_print_name(&text, &c->table);
	buf_format(&text, " of %s has what was copied: ", c->to->name);
	row_sum_print(&text, c->verify.given);
	journal_event(c->r, EVENT_VERIFIED, "%.*s", STR_ARG(buf_view(&text)));
	buf_clear(&text);
}

static enum outcome carry_out(struct copying *c, const struct watch *watch, struct error *err)
{
	const struct machine_request *q = c->q;
	const struct statement *s = c->statement;
	enum outcome o = session_connection(c->r, q->need, &c->from, err);

	if (o == OUTCOME_OK)
		o = copy_print_query(c->r, q, c->from, &c->sql, err);
	c->table = copy_table(q, &c->arena);
	c->verify.is_wanted = copy_wants_verify(q) || c->only_compares;
	c->verify.is_whole = c->only_verifies;
	snprintf(c->query_id, sizeof(c->query_id), "%s:r", s->query_id);
	c->query = (struct statement){ .sql = copy_trim_query(buf_view(&c->sql)),
				       .query_id = c->query_id,
				       .timeout_ms = s->timeout_ms };
	if (s->timeout_ms > 0)
		c->patience.ends_at_ms = os_monotonic_ms() + s->timeout_ms + DEADLINE_GRACE_MS;
	c->watch = (struct watch){ ask_patience, &c->patience };
	c->r->copied = 0;
	if (o == OUTCOME_OK && !c->only_verifies)
		ahead_prepare(c->r, c->from, c->to);
	if (o == OUTCOME_OK)
		c->strand = strand_away(c->r, c->to, c->from, &c->patience.inner);
	if (o == OUTCOME_OK && !c->strand)
		c->patience.inner = watch;
	if (o == OUTCOME_OK)
		o = open_both(c, err);
	if (o == OUTCOME_OK)
		o = pump(c, err);
	strand_back(c->strand);
	c->r->touched |= c->has_touched;
	if (o == OUTCOME_OK && !c->only_compares) {
		tell_rejected(c);
		tell_verified(c);
	}
	c->r->copied_in_part = o != OUTCOME_OK && c->target.is_partial;
	c->r->copied_refused = c->r->copied_in_part && err->class == ERROR_PERMANENT;
	clear(c, o == OUTCOME_OK ? NULL : err);
	if (o != OUTCOME_OK)
		ahead_drop(c->r);
	if (o != OUTCOME_OK)
		tell_end_of_patience(c, err);
	c->r->copied = 0;
	return o;
}

enum outcome copy_send(struct run *r, struct connection *to, const struct statement *s,
		       const struct watch *watch, int64_t *rows, struct error *err)
{
	struct copying c = { .r = r, .q = machine_request(r->vm), .to = to, .statement = s };
	enum outcome o = carry_out(&c, watch, err);

	*rows = o == OUTCOME_OK ? c.rows : -1;
	return o;
}

enum outcome copy_verify_now(struct run *r, const struct act *a, const struct effect_row *e,
			     struct error *err)
{
	const struct machine_request *q = machine_request(r->vm);
	char id[QUERY_ID_SIZE];
	struct statement s = { .query_id = id, .timeout_ms = a->policy.timeout_ms };
	struct copying c = { .r = r, .q = q, .statement = &s, .only_verifies = true };
	enum outcome o;

	if (q->op != OP_COPY || !copy_wants_verify(q) || e->said == SAID_DONE)
		return OUTCOME_OK;
	o = request_connection(r, copy_need(q), &a->policy, &c.to, err);
	/* What a transaction has committed was verified in it. */
	if (o != OUTCOME_OK || c.to->kind->stream->settle)
		return o;
	snprintf(id, sizeof(id), "%.*s", STR_ARG(e->query_id));
	session_busy(r, c.to);
	o = carry_out(&c, &r->watch, err);
	session_idle(r);
	if (o != OUTCOME_OK && err->class == ERROR_UNKNOWN)
		err->class = ERROR_TRANSIENT;	/* looking changes nothing */
	return o;
}

enum outcome copy_compare(struct run *r, const struct act *a, const struct machine_request *q,
			  struct connection *to, const char *query_id, bool *same,
			  struct row_sum *there, struct error *err)
{
	struct statement s = { .query_id = query_id, .timeout_ms = a->policy.timeout_ms };
	struct copying c = { .r = r, .q = q, .to = to, .statement = &s, .only_verifies = true,
			     .only_compares = true };
	enum outcome o;

	session_busy(r, to);
	o = carry_out(&c, &r->watch, err);
	session_idle(r);
	*same = o == OUTCOME_OK && c.is_same;
	*there = c.verify.has;
	return o;
}
