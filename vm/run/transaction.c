/* transaction.c - see transaction.h */
#include "vm/run/transaction.h"

#include "vm/base/fault.h"
#include "vm/base/mutant.h"
#include "vm/base/os.h"
#include "vm/run/session.h"

#include <stdio.h>

#define FUEL 1000000
#define TEXT_CAP_BYTES ((size_t)64 << 10) /* the journal is for people */

void transaction_clear(struct transaction *t)
{
	buf_clear(&t->before);
	buf_clear(&t->after);
	buf_clear(&t->text);
	buf_clear(&t->sql);
}

const char *transaction_failed_as(const struct run *r, const struct error *err)
{
	bool own = machine_request(r->vm)->op == OP_TRANSACTION && r->transaction.failed_as[0];

	return own ? r->transaction.failed_as : error_class_word(err->class);
}

/* Whole: what the store holds of large values is not known where it is read. */
static void keep(struct run *r, struct buf *out)
{
	buf_reset(out);
	machine_keep_blobs(r->vm, NULL);
	machine_save(r->vm, out);
	machine_keep_blobs(r->vm, r->journal.blobs);
}

static enum outcome put_back(struct run *r, struct str state, struct error *err)
{
	enum outcome o;

	machine_keep_blobs(r->vm, NULL);
	o = machine_restore(r->vm, state, err);
	machine_keep_blobs(r->vm, r->journal.blobs);
	return o;
}

static void must_put_back(struct run *r, const struct buf *state)
{
	struct error err = { 0 };

	/* It asks again at once. */
	if (put_back(r, buf_view(state), &err) != OUTCOME_OK ||
	    machine_run(r->vm, FUEL) != MACHINE_ASKS)
		BUG("the machine can't be put back: %s", err.message ? err.message : "");
}

enum outcome transaction_describe(struct run *r, const struct connection *c, struct error *err)
{
	const struct machine_request *q = machine_request(r->vm);

	buf_reset(&r->sql);
	buf_text(&r->sql, "transaction at ");
	module_place(&r->module, q->function, q->pc, &r->sql);
	if (c->kind->begin)
		return OUTCOME_OK;
	return error_set(err, OUTCOME_FAILED,
			 "`transaction` needs a database that has transactions: %s is %s", c->name,
			 c->kind->name);
}

/* ---- inside ---- */

static enum outcome refuse(const char *what, struct error *err)
{
	return error_set(err, OUTCOME_FAILED, "%s cannot be inside of a transaction", what);
}

static void note(struct transaction *t, struct str sql)
{
	sql = str_trim(sql);
	if (t->text.len + sql.len > TEXT_CAP_BYTES)
		return;
	buf_format(&t->text, "%s%.*s", t->text.len ? ";\n" : "", STR_ARG(sql));
}

static enum outcome exec(struct run *r, const struct act *a, struct connection *c,
			 int64_t *rows, struct error *err)
{
	struct transaction *t = &r->transaction;
	const struct machine_request *q = machine_request(r->vm);
	struct statement s = { .query_id = r->journal.query_id,
			       .timeout_ms = a->policy.timeout_ms,
			       .settings = a->policy.settings,
			       .setting_count = a->policy.setting_count };
	struct connection *target;
	int64_t affected = -1;
	enum outcome o = session_connection(r, q->need, &target, err);

	if (o == OUTCOME_OK && target != c)
		o = refuse("an effect on another connection", err);
	if (o == OUTCOME_OK)
		o = request_render(r, q, c->kind, &t->sql, err);
	s.sql = buf_view(&t->sql);
	if (o == OUTCOME_OK && c->kind->transactional && !c->kind->transactional(s.sql))
		o = refuse("this statement", err);
	if (o == OUTCOME_OK)
		o = c->kind->exec(c, &s, &r->watch, &affected, err);
	if (o != OUTCOME_OK) {
		request_remember_sql(r, s.sql, s.query_id);
		return o;
	}
	note(t, s.sql);
	if (affected >= 0)
		*rows = (*rows > 0 ? *rows : 0) + affected;
	machine_answer(r->vm, affected >= 0 ? value_int(affected) : value_null(), STR(""));
	return OUTCOME_OK;
}

/* The code's own failure, which comes to ABANDON. */
static enum outcome abandoned(struct run *r, struct error *err)
{
	struct str parts[3];

	if (!machine_abandons(r->vm, parts))
		return error_set(err, OUTCOME_FAILED, "the transaction was abandoned");
	error_set(err, OUTCOME_FAILED, "%.*s", STR_ARG(parts[2]));
	snprintf(r->transaction.failed_as, sizeof(r->transaction.failed_as), "%.*s",
		 STR_ARG(parts[0]));
	snprintf(err->code, sizeof(err->code), "%.*s", STR_ARG(parts[1]));
	return OUTCOME_FAILED;
}

static enum outcome answer(struct run *r, const struct act *a, struct connection *c,
			   int64_t *rows, struct error *err)
{
	const struct machine_request *q = machine_request(r->vm);
	/* What fails inside is not asked again by itself: all of it begins anew. */
	struct policy once = a->policy;

	once.retry.times = 0;
	switch ((int)q->op) {
	case OP_EXEC:
		return exec(r, a, c, rows, err);
	case OP_ABANDON:
		return abandoned(r, err);
	default:
		if (opcode_table[q->op].world != WORLD_READ || q->op == OP_SLEEP ||
		    q->op == OP_PLAN)
			return refuse(opcode_table[q->op].name, err);
		return request_answer(r, r->vm, a->index, &once, err);
	}
}

/* Between statements, too, somebody may want it to end. */
static enum outcome look_up(struct run *r, struct error *err)
{
	if (stop_watch(r) == WATCH_GO_ON)
		return OUTCOME_OK;
	return error_set(err, OUTCOME_STOPPED, "the transaction was abandoned on request");
}

/* From TRANSACTION to COMMIT. */
static enum outcome walk(struct run *r, const struct act *a, struct connection *c, int64_t *rows,
			 struct error *err)
{
	enum outcome o = OUTCOME_OK;

	machine_answer(r->vm, value_null(), STR(""));
	while (o == OUTCOME_OK) {
		switch (machine_run(r->vm, FUEL)) {
		case MACHINE_RETURNED:
		case MACHINE_IDLE:
			return refuse("the end of the code", err);
		case MACHINE_FAILED:
			return request_machine_failure(r, r->vm, err);
		case MACHINE_PAUSED:
			o = look_up(r, err);
			continue;
		case MACHINE_ASKS:
			if (machine_request(r->vm)->op == OP_COMMIT)
				return OUTCOME_OK;
			o = look_up(r, err);
			if (o == OUTCOME_OK)
				o = answer(r, a, c, rows, err);
			continue;
		}
	}
	return o;
}

/* ---- in another database than the store's ---- */

static void print_key(const struct run *r, const struct act *a, const struct connection_kind *kind,
		      struct buf *out)
{
	struct buf key = { 0 };

	buf_format(&key, "%s%lld", r->prefix, (long long)a->index);
	kind->quote_literal(out, CELL_STRING, buf_view(&key));
	buf_clear(&key);
}

/* One row for each operation of a run: the last transaction's. */
static void print_state(const struct run *r, const struct act *a,
			const struct connection_kind *kind, int64_t number, struct buf *out)
{
	buf_text(out, "INSERT INTO amig_transaction (operation, effect, state) VALUES (");
	print_key(r, a, kind, out);
	buf_format(out, ", %lld, ", (long long)number);
	kind->quote_literal(out, CELL_BYTES, buf_view(&r->transaction.after));
	buf_text(out, ") ON CONFLICT (operation) DO UPDATE SET effect = excluded.effect, "
		      "state = excluded.state");
}

static enum outcome commit(struct run *r, const struct act *a, struct connection *c,
			   int64_t number, const struct statement *s, struct error *err)
{
	struct transaction *t = &r->transaction;
	struct statement end = *s;
	struct buf sql = { 0 };
	enum outcome o;

	keep(r, &t->after);
	if (t->after.len > TRANSACTION_STATE_MAX_BYTES)
		return error_set(err, OUTCOME_FAILED,
				 "the variables are larger than %zu MiB, which is too much to go "
				 "through a transaction", TRANSACTION_STATE_MAX_BYTES >> 20);
	print_state(r, a, c->kind, number, &sql);
	end.sql = buf_view(&sql);
	o = c->kind->commit(c, &end, &r->watch, err);
	buf_clear(&sql);
	return o;
}

enum outcome transaction_send(struct run *r, const struct act *a, struct connection *c,
			      int64_t number, const struct statement *s, int64_t *rows,
			      struct error *err)
{
	struct transaction *t = &r->transaction;
	enum outcome o = OUTCOME_OK;

	keep(r, &t->before);
	buf_reset(&t->after);
	buf_reset(&t->text);
	t->failed_as[0] = 0;
	t->open = true;
	t->since_ms = os_monotonic_ms();
	if (!c->shared)
		o = c->kind->begin(c, s, &r->watch, err);
	if (o == OUTCOME_OK)
		o = walk(r, a, c, rows, err);
	if (o == OUTCOME_OK && !c->shared)
		o = commit(r, a, c, number, s, err);
	t->open = false;
	if (o == OUTCOME_OK)
		return o;
	if (err->class != ERROR_UNKNOWN)
		buf_reset(&t->after);
	if (!c->shared)
		c->kind->abandon(c);
	must_put_back(r, &t->before);
	return o;
}

void transaction_take(struct run *r)
{
	must_put_back(r, &r->transaction.after);
}

enum outcome transaction_refuse(const struct connection *c, struct error *err)
{
	error_set(err, OUTCOME_FAILED,
		  "`transaction` on %s needs the tables amig_marker, amig_fence and "
		  "amig_transaction there, which cannot be made", c->name);
	error_hint(err, "grant CREATE in the schema, or make them beforehand: docs/operations.md");
	return OUTCOME_FAILED;
}

static enum outcome load(struct run *r, const struct act *a, struct connection *c,
			 int64_t number, struct error *err)
{
	struct result result = { 0 };
	struct buf sql = { 0 };
	char query_id[QUERY_ID_SIZE];
	enum outcome o;

	buf_text(&sql, "SELECT state FROM amig_transaction WHERE operation = ");
	print_key(r, a, c->kind, &sql);
	buf_format(&sql, " AND effect = %lld", (long long)number);
	o = request_query(r, c, buf_view(&sql), a->index, &a->policy, query_id, &result, err);
	if (o == OUTCOME_OK && (result.rows.count != 1 || !result.rows.at[0][0].ptr))
		o = error_set(err, OUTCOME_DAMAGED,
			      "effect %lld is committed on %s, but the row of it in "
			      "amig_transaction is gone", (long long)number, c->name);
	if (o == OUTCOME_OK)
		o = put_back(r, result.rows.at[0][0], err);
	if (o == OUTCOME_OK && (machine_run(r->vm, FUEL) != MACHINE_ASKS ||
				machine_request(r->vm)->op != OP_COMMIT))
		o = error_set(err, OUTCOME_DAMAGED,
			      "the row of effect %lld in amig_transaction on %s is of something "
			      "else", (long long)number, c->name);
	buf_clear(&sql);
	result_clear(&result);
	return o;
}

enum outcome transaction_load(struct run *r, const struct act *a, int64_t number,
			      struct error *err)
{
	struct connection *c;
	enum outcome o =
		request_connection(r, machine_request(r->vm)->need, &a->policy, &c, err);

	if (o != OUTCOME_OK || mutant(MUTANT_WHOLE_AGAIN))
		return o;
	return load(r, a, c, number, err);
}

bool transaction_goes_again(struct run *r, const struct error *err)
{
	struct transaction *t = &r->transaction;
	const struct act *a = &r->inside;

	if (!t->inside || !a->operation || r->stop.cancelled)
		return false;
	t->refused = t->refused_index == a->index + 1 ? t->refused + 1 : 1;
	t->refused_index = a->index + 1;
	if (!retry_wanted(&a->policy.retry, t->refused, err) || !session_was_refused(r, err))
		return false;
	r->plan[a->index].status = OPERATION_STATUS_RUNNING;
	/* As a run that had died would go on: where the store says it stands, or from the
	 * operation's beginning. */
	if (r->journal.stored_checkpoint)
		r->checkpoint = arena_str(&r->arena, buf_view(&t->before));
	return true;
}
