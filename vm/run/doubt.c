/*
 * doubt.c - an effect whose intent is durable and whose end is not known
 *
 * First the target is fenced: nothing of this run runs there any more, so that what is found out
 * stays true. Then, in this order: the marker that a transactional target holds says it; a person
 * has said it (`amigrun resolve`); the operation's `done when` says it, as far as it can; the
 * server's own log says it, where it is proof; of a `copy` in `batches` the table says it
 * (copy_window.c); `idempotent`: again; `in doubt undo`: its rollback,
 * then anew; else a person must look.
 */
#include "vm/base/mutant.h"
#include "vm/base/os.h"
#include "vm/connection/http.h"
#include "vm/run/copy.h"
#include "vm/run/host.h"
#include "vm/run/lane.h"
#include "vm/run/strand.h"

#include <stdio.h>

static enum outcome find_connection(struct run *r, struct str name, uint32_t *need,
				    struct connection **c, struct error *err)
{
	*need = host_find(r, name);
	if (*need != NO_INDEX)
		return session_connection(r, *need, c, err);
	return error_set(err, OUTCOME_DAMAGED,
			 "the journal names connection %.*s, which the migration does not have",
			 STR_ARG(name));
}

/* Raised first: what begins after that is refused, what began before is seen and ended. */
enum outcome doubt_fence(struct run *r, struct str connection, struct error *err)
{
	struct connection *c;
	uint32_t need;
	enum outcome o;

	if (http_is_target(connection)) /* what comes late is known there by its key */
		return OUTCOME_OK;
	o = find_connection(r, connection, &need, &c, err);
	if (o == OUTCOME_OK)
		o = fence_raise(r, need, c, err);
	if (o == OUTCOME_OK)
		o = marker_raise_fence(r, need, c, err);
	if (o != OUTCOME_OK || mutant(MUTANT_NO_END))
		return o;
	return c->kind->fence(c, r->prefix, &r->watch, err);
}

/* What an effect has set going on other hosts, of a target that is fenced, is waited for. */
static enum outcome linger(struct run *r, const struct effect_row *e, struct error *err)
{
	struct connection *c;
	char id[QUERY_ID_SIZE];
	uint32_t need;
	const struct statement s = { .sql = e->sql, .query_id = id };
	enum outcome o;

	if (http_is_target(e->connection))
		return OUTCOME_OK;
	o = find_connection(r, e->connection, &need, &c, err);
	if (o != OUTCOME_OK || !c->kind->linger)
		return o;
	snprintf(id, sizeof(id), "%.*s", STR_ARG(e->query_id));
	c->kind->linger(c, &s, &r->watch);
	return OUTCOME_OK;
}

enum outcome doubt_fence_effect(struct run *r, const struct effect_row *e, struct error *err)
{
	enum outcome o = doubt_fence(r, e->connection, err);

	return o == OUTCOME_OK ? linger(r, e, err) : o;
}

void doubt_fence_once(struct run *r, const struct effect_row *e, struct error *why)
{
	bool held = r->health.held;

	r->health.held = true; /* what ends something there must not be cancelled */
	if (doubt_fence(r, e->connection, why) != OUTCOME_OK && why->class == ERROR_UNKNOWN)
		why->class = ERROR_TRANSIENT;
	r->health.held = held;
}

enum step_end doubt_await_target(struct run *r, const struct act *a, const struct effect_row *e,
				 struct error *why)
{
	enum step_end end = STEP_DONE;

	for (int64_t attempt = 1; end == STEP_DONE; attempt++) {
		doubt_fence_once(r, e, why);
		if (!why->message)
			return STEP_DONE;
		if (r->stop.cancelled)
			end = STEP_STOPPED;
		else if (!retry_wanted(&a->policy.retry, attempt, why))
			return STEP_DONE;
		else
			end = effect_wait(r, a, attempt, why);
	}
	error_clear(why);
	return end;
}

/* What runs there under the run's name might be a successor's, which the store says. */
enum outcome doubt_part(struct run *r, struct error *err)
{
	int64_t sent_at_ms = os_monotonic_ms();
	enum outcome o = journal_settled(r, err);

	if (o == OUTCOME_OK && !mutant(MUTANT_NO_PART))
		o = store_raise_epoch(r->store, r->name, &r->epoch, err);
	if (o == OUTCOME_OK)
		lease_lasts(r, sent_at_ms);
	for (uint32_t i = 0; o == OUTCOME_OK && i < host_places(r); i++)
		if (r->fences[i] == FENCE_RAISED)
			r->fences[i] = FENCE_UNKNOWN;
	return o;
}

enum outcome doubt_close_left(struct run *r, struct error *err)
{
	const struct effect_row *e = &r->open_effect;
	enum outcome o;

	if (!(r->left_open || r->lanes || r->strands) || mutant(MUTANT_LEFT_OPEN))
		return OUTCOME_OK;
	o = doubt_part(r, err);
	if (r->strands)
		return o == OUTCOME_OK ? strands_fence(r, err) : o;
	if (o == OUTCOME_OK)
		o = r->lanes ? lanes_fence(r, err) : doubt_fence_effect(r, e, err);
	r->left_open = r->left_open && !r->lanes;
	if (o != OUTCOME_OK || !r->left_open)
		return o;
	journal_outcome(r, e->number, e->attempt, false, -1, NULL);
	r->left_open = false;
	return OUTCOME_OK;
}

static void open_doubt(struct run *r, const struct act *a, const struct effect_row *e, bool fenced,
		       struct str seen, struct error *err)
{
	bool away = err->outcome == OUTCOME_UNREACHABLE;
	struct buf cause = { 0 };

	if (err->message)
		buf_format(&cause, " (%s)", err->message);
	request_remember_sql(r, e->sql, "");
	snprintf(r->failed_query_id, sizeof(r->failed_query_id), "%.*s", STR_ARG(e->query_id));
	error_set(err, away ? OUTCOME_UNREACHABLE : OUTCOME_IN_DOUBT,
		  "%s operation %lld \"%.*s\": it is not known whether effect %lld on %.*s has "
		  "happened%.*s\nquery id: %.*s%s%.*s\nSQL: %.*s",
		  e->backward ? "rolling back" : "in", (long long)a->index,
		  STR_ARG(r->plan[a->index].label), (long long)e->number, STR_ARG(e->connection),
		  STR_ARG(buf_view(&cause)), STR_ARG(e->query_id), seen.len ? "; " : "",
		  STR_ARG(seen), STR_ARG(str_trim(e->sql)));
	/* A look at what may run still tells nothing either. */
	if (away || !fenced)
		error_hint(err, "nobody need decide it: as soon as %.*s can be reached `amigrun "
				"resume %.*s` finds it out and goes on", STR_ARG(e->connection),
			   STR_ARG(r->name));
	else
		error_hint(err,
		   "look on %.*s whether the statement took effect, then say so: `amigrun resolve "
		   "%.*s --done` or `--again`, and `amigrun resume %.*s` goes on. `amigrun "
		   "rollback %.*s` undoes the operation whether it did or not. With `done when`, "
		   "`idempotent` or `in doubt undo` in the operation amigrun decides this by "
		   "itself",
		   STR_ARG(e->connection), STR_ARG(r->name), STR_ARG(r->name), STR_ARG(r->name));
	buf_clear(&cause);
}

/* Whether a function can make one effect at most, by its code: not what its loops or calls make of
 * it. */
bool doubt_has_one_effect(const struct module *m, uint32_t function)
{
	const struct function *f = &m->functions[function];
	uint32_t effects = 0;

	for (uint32_t pc = 0; pc < f->code_count; pc++) {
		const struct instruction *at = &f->code[pc];

		if (at->op == OP_EXEC || at->op == OP_COPY || at->op == OP_HTTP)
			effects++;
		else if (opcode_table[at->op].world == WORLD_JUMP && at->a <= pc)
			return false;
		else if (at->op == OP_CALL && m->functions[at->a].flags & FUNCTION_EFFECT)
			return false;
	}
	return effects <= 1;
}

/*
 * `done when` speaks of the whole operation. That it holds says that all of the forward's effects
 * have happened; that it does not hold says only of an operation of one effect that this has not,
 * and where a half of it must be undone first, not even that it has changed nothing.
 */
static enum verdict decide_by_probe(struct run *r, const struct act *a, bool done)
{
	if (done && !a->backward)
		return VERDICT_DONE;
	if (!doubt_has_one_effect(&r->module, a->function))
		return VERDICT_OPEN;
	/* What was never completed does not hold for that reason already. */
	if (!done && a->backward)
		return r->plan[a->index].finished_at ? VERDICT_DONE : VERDICT_AGAIN;
	return a->operation->flags & OPERATION_IN_DOUBT_UNDO ? VERDICT_OPEN : VERDICT_AGAIN;
}

/* What was done before it must be there too: who took the target's place may not have got it. */
static enum outcome check_before(struct run *r, const struct effect_row *e, struct error *err)
{
	struct effect_row before;
	bool there = true;
	enum outcome o = store_marked_before(r->store, r->id, e->connection, e->number, &r->arena,
					     &before, err);

	if (o == OUTCOME_OK && before.number)
		o = marker_look(r, e->connection, before.number, &there, err);
	if (o != OUTCOME_OK || there)
		return o;
	return error_set(err, OUTCOME_FAILED,
			 "%.*s has lost effect %lld of operation %lld, which was done: a replica "
			 "was promoted that had not got it, the database was restored, or "
			 "amig_marker was emptied",
			 STR_ARG(e->connection), (long long)before.number,
			 (long long)before.operation_index);
}

static enum verdict ask_marker(struct run *r, const struct effect_row *e, struct error *err)
{
	bool committed;
	enum outcome o = marker_look(r, e->connection, e->number, &committed, err);

	if (o == OUTCOME_OK && committed)
		return VERDICT_DONE;
	if (o == OUTCOME_OK)
		return check_before(r, e, err) == OUTCOME_OK ? VERDICT_AGAIN : VERDICT_OPEN;
	error_prefix(err, "its marker could not be looked for: ");
	return VERDICT_OPEN;
}

static enum verdict ask_probe(struct run *r, const struct act *a, struct error *err)
{
	const struct value *captures;
	const struct run_host *before = host_enter(r, a->index);
	struct value there;
	bool asked;

	asked = plan_captures(r, &r->plan[a->index], &captures, err) == OUTCOME_OK &&
		evaluate(r, a->operation->done_when, captures, &there, NULL, NULL, err) ==
			OUTCOME_OK;
	r->here = before;
	if (asked)
		return decide_by_probe(r, a, there.flag);
	error_prefix(err, "`done when` could not be asked: ");
	return VERDICT_OPEN;
}

/* What the server has recorded of it. */
static enum verdict ask_server(struct run *r, const struct effect_row *e, struct buf *seen,
			       struct error *err)
{
	const struct target_fence f = fence_of(r);
	struct statement s = { .sql = e->sql };
	struct connection *c;
	char id[QUERY_ID_SIZE];
	uint32_t need;
	bool guarded;

	if (find_connection(r, e->connection, &need, &c, err) != OUTCOME_OK || !c->kind->ask)
		return VERDICT_OPEN;
	snprintf(id, sizeof(id), "%.*s", STR_ARG(e->query_id));
	s.query_id = id;
	guarded = query_id_is_guarded(e->query_id) && r->fences[need] == FENCE_RAISED;
	switch (c->kind->ask(c, &s, guarded, &f, &r->watch, seen)) {
	case FATE_FINISHED:
		return VERDICT_DONE;
	case FATE_NOT_BEGUN:
		return VERDICT_AGAIN;
	case FATE_UNKNOWN:
		break;
	}
	return VERDICT_OPEN;
}

static enum verdict ask_window(struct run *r, const struct act *a, const struct effect_row *e,
			       struct buf *seen, struct error *err)
{
	struct connection *c;
	uint32_t need;

	if (find_connection(r, e->connection, &need, &c, err) != OUTCOME_OK)
		return VERDICT_OPEN;
	return copy_ask_window(r, a, c, seen, err);
}

/* The rungs of the ladder below the fence. A marker is proof; what a person said comes before
 * whatever else could be found out. */
static enum verdict decide(struct run *r, const struct act *a, const struct effect_row *e,
			   struct buf *seen, struct error *err)
{
	const struct operation *op = a->operation;
	bool marked = query_id_is_marked(e->query_id);
	enum verdict v = marked ? ask_marker(r, e, err) : VERDICT_OPEN;

	if (v == VERDICT_OPEN && e->said != SAID_NOTHING && !mutant(MUTANT_DEAF))
		v = e->said == SAID_DONE ? VERDICT_DONE : VERDICT_AGAIN;
	if (v != VERDICT_OPEN)
		error_clear(err);
	if (v != VERDICT_OPEN || marked)
		return v;
	if (op->done_when != NO_INDEX) {
		v = ask_probe(r, a, err);
		if (v != VERDICT_OPEN || err->message)
			return v;
	}
	if (http_repeats(a, e))
		return VERDICT_AGAIN;
	if (!http_is_target(e->connection)) {
		v = ask_server(r, e, seen, err);
		/* What may be made again over itself needs nothing taken out. */
		if (v == VERDICT_OPEN && !err->message && !(op->flags & OPERATION_IDEMPOTENT))
			v = ask_window(r, a, e, seen, err);
	}
	if (v != VERDICT_OPEN || err->message || r->stop.cancelled)
		return v;
	if (op->flags & OPERATION_IDEMPOTENT)
		return VERDICT_AGAIN;
	if (op->flags & OPERATION_IN_DOUBT_UNDO)
		return a->backward ? VERDICT_AGAIN : VERDICT_UNDO;
	return VERDICT_OPEN;
}

static void tell(struct run *r, const struct act *a, const struct effect_row *e, enum verdict v,
		 struct str seen)
{
	static const char *const words[] = {
		[VERDICT_DONE] = "it has happened",
		[VERDICT_AGAIN] = "it is made again",
		[VERDICT_UNDO] = "the operation is undone and begins anew",
	};

	journal_event(r, EVENT_DOUBT_RESOLVED, "operation %lld, effect %lld (%.*s): %s%s%.*s",
		      (long long)a->index, (long long)e->number, STR_ARG(e->query_id), words[v],
		      seen.len ? "; " : "", STR_ARG(seen));
}

/* What could not be asked to its end because of a stop is no doubt that somebody must decide. */
static bool is_cut_short(struct run *r, const struct error *err)
{
	if (mutant(MUTANT_DOUBTS_STOP))
		return false;
	return r->stop.cancelled || (err->message && stop_wanted(r));
}

enum verdict doubt_resolve(struct run *r, const struct act *a, const struct effect_row *e,
			   struct error *err)
{
	enum verdict v = VERDICT_OPEN;
	bool held = r->health.held, fenced = !err->message;
	struct buf seen = { 0 };

	r->health.held = true; /* what is found out here must not be cancelled */
	/* The server's log is asked with as much patience as a probe needs here. */
	if (fenced && a->operation->done_when != NO_INDEX)
		fenced = linger(r, e, err) == OUTCOME_OK;
	if (fenced)
		v = decide(r, a, e, &seen, err);
	else
		error_prefix(err, "the connection could not be fenced: ");
	r->health.held = held;
	if (v == VERDICT_OPEN && is_cut_short(r, err)) {
		error_clear(err);
		v = VERDICT_NONE;
	} else if (v == VERDICT_OPEN) {
		open_doubt(r, a, e, fenced, buf_view(&seen), err);
	} else {
		tell(r, a, e, v, buf_view(&seen));
	}
	buf_clear(&seen);
	return v;
}

static enum outcome close_undone(struct run *r, struct act *a, struct error *err)
{
	journal_outcome(r, r->open_effect.number, r->open_effect.attempt, false, -1, NULL);
	journal_checkpoint_empty(r);
	r->checkpoint = (struct str){ 0 };
	return journal_operation(r, a, OPERATION_STATUS_ROLLING_BACK, false, err);
}

/* Of what is being undone nothing is to be found out. */
static bool is_undone(const struct run *r)
{
	return !r->open_effect.backward && rollback_is_of_current(r);
}

/* Of windows at once several may be left. */
static enum outcome close_left(struct run *r, struct error *err)
{
	struct effect_row *rows;
	size_t count;
	enum outcome o = store_open_effects(r->store, r->id, &r->arena, &rows, &count, err);

	for (size_t i = 0; i < count && o == OUTCOME_OK; i++) {
		o = doubt_fence(r, rows[i].connection, err);
		if (o != OUTCOME_OK)
			break;
		journal_outcome(r, rows[i].number, rows[i].attempt, false, -1, NULL);
		o = journal_commit(r, err);
	}
	return o;
}

static enum outcome resolve_lanes(struct run *r, struct act *a, struct error *err)
{
	enum outcome o;

	switch (lanes_resolve_loaded(r, a, err)) {
	case VERDICT_NONE:
		return session_settle(r, a, STEP_STOPPED, err);
	case VERDICT_OPEN:
		return session_settle(r, a, STEP_DOUBT, err);
	case VERDICT_UNDO:
		o = close_undone(r, a, err);
		if (o == OUTCOME_OK)
			o = journal_commit(r, err);
		return o == OUTCOME_OK ? lanes_close(r, err) : o;
	case VERDICT_DONE:
	case VERDICT_AGAIN:
		break;
	}
	return journal_commit(r, err);
}

static enum outcome resolve_strands(struct run *r, struct error *err)
{
	struct act a;
	enum step_end end;
	enum outcome o;

	if (r->phase != PHASE_BACKWARD) {
		end = strands_resolve_loaded(r, &a, err);
		if (end == STEP_LOST)
			return err->outcome;
		return end == STEP_DONE ? OUTCOME_OK : session_settle(r, &a, end, err);
	}
	o = strands_fence(r, err);
	return o == OUTCOME_OK ? strands_close(r, err) : o;
}

enum outcome doubt_resolve_loaded(struct run *r, struct error *err)
{
	const struct effect_row *e = &r->open_effect;
	struct act a;
	enum outcome o = r->strands ? resolve_strands(r, err) : OUTCOME_OK;

	if (o != OUTCOME_OK)
		return o;
	if (!e->number)
		return OUTCOME_OK;
	if (e->operation_index != r->index)
		return error_set(
			err, OUTCOME_DAMAGED,
			"effect %lld is open for operation %lld, but the run is at operation %lld",
			(long long)e->number, (long long)e->operation_index, (long long)r->index);
	o = plan_act(r, e->operation_index, e->backward, &a, err);
	if (o != OUTCOME_OK)
		return o;
	a.begun = true;
	if (r->lanes)
		return resolve_lanes(r, &a, err);
	if (is_undone(r))
		return close_left(r, err);
	if (doubt_await_target(r, &a, e, err) == STEP_STOPPED) {
		r->left_open = true;
		return session_settle(r, &a, STEP_STOPPED, err);
	}
	r->verdict = doubt_resolve(r, &a, e, err);
	if (r->verdict == VERDICT_NONE) {
		r->left_open = true;
		return session_settle(r, &a, STEP_STOPPED, err);
	}
	if (r->verdict == VERDICT_OPEN)
		return session_settle(r, &a, STEP_DOUBT, err);
	if (r->verdict == VERDICT_UNDO) {
		r->verdict = VERDICT_NONE;
		o = close_undone(r, &a, err);
	}
	return o == OUTCOME_OK ? journal_commit(r, err) : o;
}
