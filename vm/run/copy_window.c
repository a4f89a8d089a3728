/*
 * copy_window.c - a `copy` in `batches` whose end is not known, into a database without
 * transactions: what the table holds of its window decides
 *
 * The window's condition stands in the copy's query. Its keys are columns that are copied, so it
 * says the same of the table. Nothing of the window there: the copy is made again. Something: its
 * rows are counted and hashed as they are in the table, and as the query gives them now. The same:
 * the copy has happened. Others, or where that can't be told: they are taken out by the window, and
 * the copy is made again.
 */
#include "vm/base/mutant.h"
#include "vm/base/os.h"
#include "vm/run/copy.h"
#include "vm/run/host.h"
#include "vm/run/lane.h"
#include "vm/run/render.h"
#include "vm/run/session.h"
#include "vm/run/window.h"

#include <stdio.h>

#define FUEL 10000000
#define LOOK_MS 200
#define GONE_WITHIN_MS 600000

struct looking {
	struct run *r;
	const struct act *a;
	const struct machine_request *q;
	struct connection *c;
	const struct list *condition, *table, *columns;
	struct buf name, where, sql, sum;
	char query_id[QUERY_ID_SIZE];
};

/* Whether a fragment compares columns with values, and says nothing else. */
static bool is_condition(const struct list *pieces)
{
	bool ends = false;

	for (size_t i = 0; i < pieces->count; i++) {
		struct value v = pieces->store->at[i];
		struct str text;

		if (i % 2 == 1 && (v.kind == VALUE_SQL || v.kind == VALUE_LIST))
			return false;
		if (i % 2 == 1)
			continue;
		text = value_text(v);
		ends |= str_find(text, STR("<= ")) >= 0;
		for (size_t k = 0; k < text.len; k++)
			if (!strchr("(), <>=AND", text.ptr[k]))
				return false;
	}
	return ends && pieces->count > 1 && pieces->store->at[1].kind == VALUE_IDENT;
}

static const struct list *find_condition(const struct list *pieces)
{
	for (size_t i = 1; i < pieces->count; i += 2) {
		struct value v = pieces->store->at[i];

		if (v.kind == VALUE_SQL && is_condition(v.list))
			return v.list;
	}
	return NULL;
}

static bool is_copied(const struct looking *l, struct str key)
{
	for (size_t i = 0; i < l->columns->count; i++)
		if (str_eq(value_text(l->columns->store->at[i]), key))
			return true;
	return false;
}

/* Each key by its own name, in the query and in the table. */
static bool names_are_copied(const struct looking *l)
{
	for (size_t i = 1; i < l->condition->count; i += 2) {
		struct value v = l->condition->store->at[i];

		if (v.kind == VALUE_IDENT && (v.list->count != 1 ||
					      !is_copied(l, value_text(v.list->store->at[0]))))
			return false;
	}
	return true;
}

static bool is_of_window(struct looking *l, const struct machine_request *q)
{
	if (q->op != OP_COPY || !window_is_in(&l->r->module, q->function))
		return false;
	l->condition = find_condition(q->operands[1].list);
	l->table = q->operands[3].list;
	l->columns = q->operands[4].list;
	return l->condition && names_are_copied(l);
}

bool copy_window_condition(struct run *r, const struct machine_request *q, struct value *out)
{
	struct looking l = { .r = r };

	if (!is_of_window(&l, q))
		return false;
	*out = (struct value){ .kind = VALUE_SQL, .list = l.condition };
	return true;
}

/* ---- the table ---- */

static enum outcome count(struct looking *l, bool *any, struct error *err)
{
	struct result result = { 0 };
	enum outcome o;

	buf_reset(&l->sql);
	buf_format(&l->sql, "SELECT 1 FROM %.*s WHERE %.*s LIMIT 1", STR_ARG(buf_view(&l->name)),
		   STR_ARG(buf_view(&l->where)));
	o = request_query(l->r, l->c, buf_view(&l->sql), l->a->index, &l->a->policy, l->query_id,
			  &result, err);
	*any = o == OUTCOME_OK && result.rows.count > 0;
	result_clear(&result);
	return o;
}

/* What has arrived does not run any more. */
static bool is_over(struct looking *l)
{
	struct error why = { 0 };
	bool over = doubt_fence(l->r, str_c(l->c->name), &why) == OUTCOME_OK;

	error_clear(&why);
	return over;
}

/* Nothing refuses it when it comes late, and then it would take out what is copied anew: neither
 * this process nor the next goes on before it has arrived. */
static enum outcome delete_window(struct looking *l, const struct statement *s, struct error *err)
{
	int64_t ignored;

	for (int64_t attempt = 1;; attempt++) {
		enum outcome o = attempt_may_go(l->r, PROOF_NONE, err);

		if (o == OUTCOME_OK)
			o = l->c->kind->exec(l->c, s, &l->r->watch, &ignored, err);
		if (o != OUTCOME_OK && err->class == ERROR_UNKNOWN)
			lease_await_arrival(l->r);
		if (o == OUTCOME_OK || err->class == ERROR_PERMANENT ||
		    attempt > l->a->policy.retry.times)
			return o;
		if (err->class == ERROR_UNKNOWN && !mutant(MUTANT_OUT_TWICE) && !is_over(l))
			return o;
		if (effect_wait(l->r, l->a, attempt, err) != STEP_DONE)
			return error_set(err, OUTCOME_STOPPED, "stopped on request");
	}
}

static enum outcome take_out(struct looking *l, struct error *err)
{
	struct statement s = { .query_id = l->query_id };
	int64_t until = os_monotonic_ms() + GONE_WITHIN_MS;
	enum outcome o;
	bool any;

	buf_reset(&l->sql);
	buf_format(&l->sql, "ALTER TABLE %.*s DELETE WHERE %.*s", STR_ARG(buf_view(&l->name)),
		   STR_ARG(buf_view(&l->where)));
	snprintf(l->query_id, sizeof(l->query_id), "%s%lld:out:%s", l->r->prefix,
		 (long long)l->a->index, l->r->token);
	s.sql = buf_view(&l->sql);
	o = delete_window(l, &s, err);
	for (;;) {
		if (o == OUTCOME_OK)
			o = count(l, &any, err);
		if (o != OUTCOME_OK || !any)
			return o;
		if (os_monotonic_ms() > until)
			return error_set(err, OUTCOME_FAILED,
					 "its rows are not gone after 10 minutes: see "
					 "system.mutations");
		if (!stop_sleep(l->r, LOOK_MS))
			return error_set(err, OUTCOME_STOPPED, "stopped on request");
	}
}

/* *why: what stands against it that the table has all of it; empty: nothing. */
static enum outcome compare(struct looking *l, struct buf *why, struct error *err)
{
	const struct run_host *before = host_enter(l->r, l->a->index);
	struct row_sum there = { 0 };
	bool same = false;
	enum outcome o = OUTCOME_OK;

	if (mutant(MUTANT_HALF_WINDOW)) {
		same = true;
	} else if (copy_is_comparable(l->q)) {
		snprintf(l->query_id, sizeof(l->query_id), "%s%lld:same:%s.%llu", l->r->prefix,
			 (long long)l->a->index, l->r->token, (unsigned long long)++l->r->reads);
		o = copy_compare(l->r, l->a, l->q, l->c, l->query_id, &same, &there, err);
	}
	l->r->here = before;
	if (o != OUTCOME_OK && (err->outcome == OUTCOME_STOPPED || err->class != ERROR_PERMANENT))
		return o;
	if (same)
		row_sum_print(&l->sum, there);
	else if (o != OUTCOME_OK)
		buf_format(why, "had rows of its window, which can't be compared (%s)",
			   err->message);
	else if (copy_is_comparable(l->q))
		buf_text(why, "had rows of its window that are not the query's");
	else
		buf_text(why, "had rows of its window, and others may have been set aside");
	if (why->len)
		buf_text(why, " and were taken out");
	error_clear(err);
	return OUTCOME_OK;
}

static enum verdict tell(struct looking *l, bool any, struct str why, struct buf *seen)
{
	buf_text(seen, seen->len ? ", and the table " : "the table ");
	if (any && !why.len) {
		buf_format(seen, "has its window as the query gives it: %.*s",
			   STR_ARG(buf_view(&l->sum)));
		return VERDICT_DONE;
	}
	buf_str(seen, any ? why : STR("has none of its window"));
	return VERDICT_AGAIN;
}

static enum verdict decide(struct looking *l, struct buf *seen, struct error *err)
{
	struct value condition = { .kind = VALUE_SQL, .list = l->condition };
	enum outcome o = render_sql(condition, l->c->kind, &l->where, err);
	enum verdict v = VERDICT_OPEN;
	struct buf why = { 0 };
	bool any = false;

	for (size_t i = 0; i < l->table->count; i++) {
		buf_text(&l->name, i ? "." : "");
		l->c->kind->quote_ident(&l->name, value_text(l->table->store->at[i]));
	}
	if (o == OUTCOME_OK)
		o = count(l, &any, err);
	if (o == OUTCOME_OK && any)
		o = compare(l, &why, err);
	if (o == OUTCOME_OK && any && why.len)
		o = take_out(l, err);
	if (o == OUTCOME_OK)
		v = tell(l, any, buf_view(&why), seen);
	else
		error_prefix(err, "what the table has of its window: ");
	buf_clear(&why);
	return v;
}

/* The machine as it was when the copy was sent: of a run that was loaded it is not running yet. */
static enum verdict look(struct run *r, const struct act *a, struct connection *c,
			 struct machine *vm, struct buf *seen, struct error *err)
{
	struct looking l = { .r = r, .a = a, .q = machine_request(vm), .c = c };
	enum verdict v = VERDICT_OPEN;

	if (is_of_window(&l, l.q))
		v = decide(&l, seen, err);
	buf_clear(&l.name);
	buf_clear(&l.where);
	buf_clear(&l.sql);
	buf_clear(&l.sum);
	return v;
}

enum verdict copy_ask_window(struct run *r, const struct act *a, struct connection *c,
			     struct buf *seen, struct error *err)
{
	enum verdict v = VERDICT_OPEN;
	struct machine *vm;

	/* Windows that go at once have no copies in them. */
	if (c->kind->capabilities & CAN_TRANSACTION || lanes_are_in(r->checkpoint))
		return VERDICT_OPEN;
	if (!r->checkpoint.len)
		return look(r, a, c, r->vm, seen, err);
	vm = machine_new(&r->module);
	machine_keep_blobs(vm, r->journal.blobs);
	if (r->params)
		machine_set_params(vm, r->params);
	if (r->frozens)
		machine_set_frozens(vm, r->frozens);
	if (machine_restore(vm, r->checkpoint, err) == OUTCOME_OK &&
	    machine_run(vm, FUEL) == MACHINE_ASKS)
		v = look(r, a, c, vm, seen, err);
	machine_free(vm);
	return v;
}
