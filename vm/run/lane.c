/* lane.c - windows at once: cut, carried out each in its lane, looked at as they end */
#include "vm/run/lane.h"

#include "vm/base/fault.h"
#include "vm/base/os.h"
#include "vm/run/host.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#define FUEL 10000000

bool lanes_possible(struct run *r, const struct act *a)
{
	const struct machine_request *q = machine_request(r->vm);
	struct error ignored = { 0 };
	struct connection *c;
	const char *why = NULL;
	int64_t wanted = window_parallel(r, r->vm);

	/* Whatever is wrong with it is told where the windows go one after the other. */
	if (!wanted || request_connection(r, q->need, &a->policy, &c, &ignored) != OUTCOME_OK) {
		error_clear(&ignored);
		return false;
	}
	if (r->strands)
		why = "the operations go at once";
	else if (!(c->kind->capabilities & CAN_AT_ONCE))
		why = "the database has one writer at a time";
	else if (c->shared)
		why = "the state is in the same database, and each is one commit with it";
	if (why && wanted > 1 && !r->window.told) {
		struct buf words = { 0 };

		buf_format(&words, "the windows go one after the other: %s", why);
		session_tell(r, EVENT_LOGGED, STR(""), buf_view(&words));
		buf_clear(&words);
	}
	r->window.told = true;
	return !why;
}

/* ---- the sending ---- */

static void *carry(void *arg)
{
	struct lane *l = arg;
	enum outcome o = l->attempt.c->kind->exec(l->attempt.c, &l->statement, &l->watch, &l->rows,
						  &l->error);

	pthread_mutex_lock(&l->all->lock);
	l->sent = o;
	l->ended = true;
	pthread_cond_signal(&l->all->news);
	pthread_mutex_unlock(&l->all->lock);
	return NULL;
}

/* Signals are the run's own thread's to hear. */
static void launch(struct run *r, struct lane *l)
{
	sigset_t every, before;
	struct watch for_all;

	l->ended = false;
	l->rows = -1;
	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	l->has_thread = pthread_create(&l->thread, NULL, carry, l) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (l->has_thread)
		return;
	for_all = l->watch;
	l->watch = r->watch;
	carry(l);
	l->watch = for_all;
}

static void keep(struct buf *out, struct str s)
{
	buf_reset(out);
	buf_str(out, s);
}

/* r->sql goes out: its intent is durable. */
static enum step_end begin(struct run *r, struct act *a, struct lane *l, struct error *err)
{
	enum step_end end;

	l->open = true;
	end = attempt_begin(r, a, &l->attempt, err);
	if (end != STEP_DONE)
		return end;
	memcpy(l->query_id, r->journal.query_id, sizeof(l->query_id));
	keep(&l->sql, buf_view(&r->sql));
	l->attempt.effect.query_id = str_c(l->query_id);
	l->attempt.effect.sql = buf_view(&l->sql);
	l->statement =
		(struct statement){ .sql = buf_view(&l->sql), .query_id = l->query_id };
	buf_reset(&l->text);
	attempt_fill(r, a, l->attempt.c, l->attempt.effect.number, l->attempt.proof,
		     &l->statement, &l->text);
	l->state = LANE_SENT;
	l->sent = attempt_may_go(r, l->attempt.proof, &l->error);
	if (l->sent != OUTCOME_OK) {
		l->ended = true;
		return STEP_DONE;
	}
	fault_pass(FAULT_BEFORE_EFFECT);
	fault_begin(FAULT_DURING_EFFECT);
	launch(r, l);
	return STEP_DONE;
}

static enum outcome own_connection(struct run *r, struct lane *l, uint32_t place,
				   struct connection **out, struct error *err)
{
	/* Only now all places are known, also in a run that was loaded. */
	if (!l->connections)
		l->connections = arena_array(&r->arena, struct connection,
					     (size_t)host_places(r) + 1);
	*out = &l->connections[place];
	return (*out)->kind ? OUTCOME_OK : session_open_connection(r, place, *out, err);
}

/* What the lane's machine asks for is sent; or it has happened, as is known. */
static enum step_end send(struct run *r, struct act *a, struct lane *l, struct error *err)
{
	const struct machine_request *q = machine_request(r->vm);
	const uint32_t place = host_place(r, q->need);
	struct connection *c;
	enum step_end end;

	if (l->verdict == VERDICT_DONE) {
		l->verdict = VERDICT_NONE;
		r->open_effect = l->attempt.effect;
		r->verdict = VERDICT_DONE;
		return step_effect(r, a, err);
	}
	if (stop_wanted(r))
		return STEP_STOPPED;
	if (own_connection(r, l, place, &c, err) != OUTCOME_OK ||
	    request_render(r, q, c->kind, &r->sql, err) != OUTCOME_OK)
		return stop_wanted(r) ? STEP_STOPPED : STEP_FAILED;
	r->verdict = l->verdict;
	r->open_effect = l->attempt.effect;
	l->attempt.c = c;
	end = attempt_choose_proof(r, a, c, place, &l->attempt.proof, err);
	if (end != STEP_DONE) {
		r->verdict = VERDICT_NONE; /* the lane has it still */
		return end;
	}
	l->verdict = VERDICT_NONE;
	l->attempt.effect = (struct effect_row){ 0 };
	return begin(r, a, l, err);
}

/* ---- the waiting ---- */

static struct lane *find_ended(struct lanes *all)
{
	struct lane *found = NULL;

	pthread_mutex_lock(&all->lock);
	for (size_t i = 0; i < all->count && !found; i++)
		if (all->at[i].state == LANE_SENT && all->at[i].ended)
			found = &all->at[i];
	pthread_mutex_unlock(&all->lock);
	return found;
}

/* Under the lock: one whose thread has come to its end, NULL: none; *any: a thread is there. */
static struct lane *find_left(struct lanes *all, bool *any)
{
	*any = false;
	for (size_t i = 0; i < all->count; i++) {
		*any = *any || all->at[i].has_thread;
		if (all->at[i].has_thread && all->at[i].ended)
			return &all->at[i];
	}
	return NULL;
}

/* Until a thread comes to its end, or for a moment. What was sent without one has ended before
 * anybody waits. */
static void wait_for_news(struct lanes *all)
{
	struct timespec until;
	bool any;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)WATCH_SLICE_MS * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&all->lock);
	if (!find_left(all, &any))
		pthread_cond_timedwait(&all->news, &all->lock, &until);
	pthread_mutex_unlock(&all->lock);
}

static void join(struct lane *l)
{
	if (l->has_thread)
		pthread_join(l->thread, NULL);
	l->has_thread = false;
}

/* One that has ended; what is under way goes on unless a stop or a healthcheck cancels it. */
static struct lane *await_one(struct run *r)
{
	struct lanes *all = r->lanes;
	struct lane *l;

	for (l = find_ended(all); !l; l = find_ended(all)) {
		if (stop_watch(r) != WATCH_GO_ON)
			atomic_store(&all->cancel, true);
		wait_for_news(all);
	}
	join(l);
	fault_end();
	fault_pass(FAULT_AFTER_EFFECT);
	return l;
}

/* Nothing is under way after that; what has ended is still to be looked at. */
static void drain(struct run *r)
{
	struct lanes *all = r->lanes;
	struct lane *l;
	bool any;

	for (;;) {
		pthread_mutex_lock(&all->lock);
		l = find_left(all, &any);
		pthread_mutex_unlock(&all->lock);
		if (!any)
			break;
		if (l) {
			join(l);
			continue;
		}
		if (r->lease.lost || stop_watch(r) != WATCH_GO_ON)
			atomic_store(&all->cancel, true);
		wait_for_news(all);
	}
	session_idle(r);
}

/* ---- one lane ---- */

/* Its effect has ended. */
static enum step_end look(struct run *r, struct act *a, struct lane *l, struct error *err)
{
	enum step_end end;
	bool again;

	/* A second outcome needs a commit first. */
	if (r->journal.pending && step_commit(r, err) != OUTCOME_OK)
		return STEP_LOST;
	lane_look_at(r, l);
	keep(&r->sql, buf_view(&l->sql));
	memcpy(r->journal.query_id, l->query_id, sizeof(l->query_id));
	error_take(err, &l->error);
	if (l->sent != OUTCOME_OK) {
		/* What is to be found out, and ended, is that of all lanes. */
		drain(r);
		request_remember_sql(r, buf_view(&l->sql), l->query_id);
	}
	end = attempt_end(r, a, &l->attempt, l->sent, l->rows, &again, err);
	l->state = LANE_READY;
	if (end == STEP_DONE && again) {
		keep(&r->sql, buf_view(&l->sql));
		return begin(r, a, l, err);
	}
	if (end == STEP_DONE)
		buf_reset(&r->window.given.before);
	if (end == STEP_FAILED && window_halve(r, l->attempt.c->kind, err)) {
		window_split(r, l);
		end = STEP_DONE;
	}
	return end;
}

static enum step_end refuse(struct run *r, const char *what, struct error *err)
{
	const struct machine_request *q = machine_request(r->vm);
	struct buf place = { 0 };

	module_place(&r->module, q->function, q->pc, &place);
	error_set(err, OUTCOME_FAILED, "%.*s: %s can't be in a window of `batches … parallel`",
		  STR_ARG(buf_view(&place)), what);
	buf_clear(&place);
	return STEP_FAILED;
}

/* A window was given to it: there may be more of them, for as many lanes as are wanted now. */
static enum step_end widen(struct run *r, int64_t wanted, struct error *err)
{
	struct lanes *all = r->lanes;

	for (size_t i = 0; i < all->count; i++)
		if (all->at[i].state == LANE_OVER && (int64_t)i < wanted)
			all->at[i].state = LANE_READY;
	while ((int64_t)all->count < wanted) {
		struct lane *more = lanes_add(r, all, NULL);

		buf_str(&more->saved, buf_view(&r->window.given.before));
		if (machine_restore(more->vm, buf_view(&more->saved), err) != OUTCOME_OK)
			return STEP_LOST;
	}
	return STEP_DONE;
}

/* A lane that is one too many waits at its WINDOW, but the first. */
static enum step_end next_window(struct run *r, struct act *a, struct lane *l, struct error *err)
{
	int64_t wanted = window_parallel(r, l->vm);
	bool given = false, too_many = l - r->lanes->at >= wanted && l != r->lanes->at;

	if (!window_may_come(r) || stop_wanted(r))
		return STEP_STOPPED;
	if (too_many && !l->until.len) {
		l->state = LANE_OVER;
		return STEP_DONE;
	}
	if (window_cut(r, l, a->index, &a->policy, &given, err) != OUTCOME_OK)
		return r->stop.cancelled ? STEP_STOPPED : STEP_FAILED;
	if (given)
		return widen(r, wanted, err);
	l->state = LANE_OVER;
	return STEP_DONE;
}

static enum step_end rest(struct run *r, struct act *a, struct error *err)
{
	int64_t since_ms = os_monotonic_ms();
	enum outcome o;

	journal_checkpoint(r, r->vm);
	journal_migration(r, r->status);
	if (journal_commit(r, err) != OUTCOME_OK)
		return STEP_LOST;
	o = request_answer(r, r->vm, a->index, &a->policy, err);
	window_rests(r, os_monotonic_ms() - since_ms);
	return o == OUTCOME_OK ? STEP_DONE : STEP_STOPPED;
}

static enum step_end answer(struct run *r, struct act *a, struct lane *l, struct error *err)
{
	const struct machine_request *q = machine_request(r->vm);

	switch ((int)q->op) {
	case OP_EXEC:
		return send(r, a, l, err);
	case OP_SLEEP:
		return rest(r, a, err);
	case OP_LOCK:
	case OP_UNLOCK:
		return refuse(r, "`with lock`", err);
	default:
		break;
	}
	if (opcode_table[q->op].world == WORLD_EFFECT) {
		if (q->op != OP_WINDOW)
			return refuse(r, "this", err);
	}
	if (!request_is_quick(q) && step_commit(r, err) != OUTCOME_OK)
		return STEP_LOST;
	if (q->op == OP_WINDOW)
		return next_window(r, a, l, err);
	if (request_answer(r, r->vm, a->index, &a->policy, err) == OUTCOME_OK)
		return STEP_DONE;
	return r->stop.cancelled ? STEP_STOPPED : STEP_FAILED;
}

/* Until its effect is under way, or there is no window for it. */
static enum step_end go(struct run *r, struct act *a, struct lane *l, struct error *err)
{
	enum step_end end = STEP_DONE;

	lane_look_at(r, l);
	while (l->state == LANE_READY && end == STEP_DONE) {
		switch (machine_run(r->vm, FUEL)) {
		case MACHINE_RETURNED:
			error_set(err, OUTCOME_FAILED,
				  "a window of `batches … parallel` can't return");
			return STEP_FAILED;
		case MACHINE_FAILED:
			request_machine_failure(r, r->vm, err);
			return STEP_FAILED;
		case MACHINE_PAUSED:
			end = stop_wanted(r) ? STEP_STOPPED : STEP_DONE;
			continue;
		case MACHINE_ASKS:
			end = answer(r, a, l, err);
			continue;
		case MACHINE_IDLE:
			break;
		}
		BUG("a lane's machine is idle");
	}
	return end;
}

/* ---- all of them ---- */

/* One that has something to do: *l NULL: all are over. */
static enum step_end advance(struct run *r, struct act *a, struct lane **l, struct error *err)
{
	struct lanes *all = r->lanes;
	bool under_way = false;

	*l = find_ended(all);
	for (size_t i = 0; i < all->count && !*l; i++) {
		under_way = under_way || all->at[i].state == LANE_SENT;
		if (all->at[i].state == LANE_READY) {
			*l = &all->at[i];
			return go(r, a, *l, err);
		}
	}
	if (!*l && !under_way)
		return STEP_DONE;
	*l = await_one(r);
	return look(r, a, *l, err);
}

/* All of them wait at the end: the code goes on behind the windows with the first. */
static enum step_end leave(struct run *r, struct error *err)
{
	lane_look_at(r, &r->lanes->at[0]);
	if (r->journal.pending && step_commit(r, err) != OUTCOME_OK)
		return STEP_LOST;
	lanes_free(r);
	buf_reset(&r->window.given.before);
	machine_answer(r->vm, value_null(), STR(""));
	return STEP_DONE;
}

enum step_end lanes_go(struct run *r, struct act *a, struct error *err)
{
	struct lane *l = NULL;
	enum step_end end = STEP_DONE;

	if (!r->lanes) {
		const struct value before = machine_request(r->vm)->operands[4];

		lane_look_at(r, lanes_add(r, lanes_new(r), r->vm));
		if (before.kind != VALUE_NULL)
			value_encode(before, &r->lanes->cursor);
	}
	for (;;) {
		end = advance(r, a, &l, err);
		if (end == STEP_DONE && !l)
			return leave(r, err);
		if (end == STEP_DONE && !a->backward)
			health_watch(r);
		if (end == STEP_DONE && step_is_unhealthy(r, a))
			end = STEP_UNHEALTHY;
		if (end != STEP_DONE)
			break;
	}
	drain(r);
	end = lanes_settle(r, a, end, err);
	if (l && end != STEP_LOST)
		lane_look_at(r, l);
	return end;
}
