/*
 * effect.c - one effect of an operation, made durable around what it does to the world
 *
 * An effect on the store's own database is part of the store's transaction: effect, outcome, what
 * the machine computes up to its next question, and the end of the operation if it came to that,
 * are one commit, which goes out with the next such effect if nothing is asked in between. Any
 * other effect goes out after its intent is durable; its outcome waits in the journal for the next
 * commit, which is at the latest the one before the next thing that takes time.
 */
#include "vm/base/fault.h"
#include "vm/base/mutant.h"
#include "vm/base/os.h"
#include "vm/connection/http.h"
#include "vm/run/attempt.h"
#include "vm/run/copy.h"
#include "vm/run/gauge.h"
#include "vm/run/host.h"
#include "vm/run/strand.h"

#include <stdio.h>

void query_id_print(const struct run *r, int64_t index, int64_t number, int64_t attempt,
		    enum proof proof, char out[QUERY_ID_SIZE])
{
	static const char *const ends[] = {
		[PROOF_NONE] = "", [PROOF_MARKER] = "m", [PROOF_FENCE] = "f"
	};

	snprintf(out, QUERY_ID_SIZE, "%s%lld:%lld:%lld%s", r->prefix, (long long)index,
		 (long long)number, (long long)attempt, ends[proof]);
}

enum outcome step_commit(struct run *r, struct error *err)
{
	if (!r->journal.pending)
		return journal_settled(r, err);
	journal_checkpoint(r, r->vm);
	return journal_commit(r, err);
}

/* The effect has happened: the machine goes on with the rows, null where they are not told. */
static void go_on(struct run *r, struct act *a, int64_t number, int64_t attempt, int64_t rows)
{
	if (rows >= 0)
		a->rows = (a->rows > 0 ? a->rows : 0) + rows;
	r->usual_rows = rows;
	journal_outcome(r, number, attempt, true, rows, NULL);
	if (machine_request(r->vm)->op == OP_COMMIT)
		r->journal.outcome.sql = buf_view(&r->transaction.text);
	machine_answer(r->vm, rows >= 0 ? value_int(rows) : value_null(), STR(""));
	journal_after(r);
	r->touched = true;
}

static enum outcome send(struct run *r, const struct act *a, struct connection *c, int64_t number,
			 enum proof proof, int64_t *rows, struct error *err)
{
	struct buf text = { 0 };
	char query_id[QUERY_ID_SIZE];
	struct statement s = { .sql = buf_view(&r->sql), .query_id = query_id };
	const struct watch *watch;
	struct strand *strand;
	enum outcome o;

	*rows = -1;
	memcpy(query_id, r->journal.query_id, sizeof(query_id));
	attempt_fill(r, a, c, number, proof, &s, &text);
	buf_reset(&r->failed_sql);
	fault_pass(FAULT_BEFORE_EFFECT);
	session_busy(r, c);
	gauge_begin(r, a, c);
	fault_begin(FAULT_DURING_EFFECT);
	if (machine_request(r->vm)->op == OP_COPY) {
		o = copy_send(r, c, &s, &r->watch, rows, err);
	} else if (attempt_is_whole(r)) {
		o = transaction_send(r, a, c, number, &s, rows, err);
	} else {
		strand = strand_away(r, c, NULL, &watch);
		o = c->kind->exec(c, &s, watch, rows, err);
		strand_back(strand);
	}
	fault_end();
	gauge_end(r);
	session_idle(r);
	fault_pass(FAULT_AFTER_EFFECT);
	buf_clear(&text);
	if (o != OUTCOME_OK && !(attempt_is_whole(r) && r->failed_sql.len))
		request_remember_sql(r, buf_view(&r->sql), s.query_id);
	return o;
}

/* What runs forward ends when a healthcheck has failed. */
bool step_is_unhealthy(const struct run *r, const struct act *a)
{
	return !a->backward && health_is_bad(r) && !r->stop.cancelled;
}

enum step_end effect_wait(struct run *r, const struct act *a, int64_t attempt, struct error *err)
{
	int64_t wait_ms;
	uint32_t random;

	os_random(&random, sizeof(random));
	session_tell(r, EVENT_RETRIED, r->plan[a->index].label, str_c(err->message));
	wait_ms = retry_wait_ms(&a->policy.retry, attempt, random);
	if (!stop_sleep(r, wait_ms > err->wait_ms ? wait_ms : err->wait_ms))
		return STEP_STOPPED;
	error_clear(err);
	return STEP_DONE;
}

/* What was too much at once would be again. */
static bool goes_again(const struct run *r, const struct act *a, const struct connection *c,
		       int64_t attempt, const struct error *err)
{
	return !window_is_too_much(r, c->kind, err) && retry_wanted(&a->policy.retry, attempt, err);
}

/* Inside the store's transaction: what fails has not happened. */
static enum step_end effect_inside(struct run *r, struct act *a, struct connection *c,
				   struct error *err)
{
	struct journal *j = &r->journal;
	bool whole = attempt_is_whole(r);
	int64_t rows;

	for (int64_t attempt = 1;; attempt++) {
		const int64_t number = r->next_effect; /* others may have had theirs meanwhile */
		struct error late = { 0 };
		enum step_end end;
		enum outcome o;

		a->attempts += attempt > 1;
		query_id_print(r, a->index, number, attempt, PROOF_NONE, j->query_id);
		if (store_begin(r->store, err) != OUTCOME_OK)
			return STEP_LOST;
		j->in_transaction = true;
		journal_expect(r, a, number, attempt, c);
		o = send(r, a, c, number, PROOF_NONE, &rows, err);
		/* The commit before it went out with it. */
		if (journal_settled(r, &late) != OUTCOME_OK) {
			store_abort(r->store);
			j->in_transaction = false;
			error_take(err, &late);
			return STEP_LOST;
		}
		if (o == OUTCOME_OK) {
			journal_intent(r, a, number, attempt, c);
			r->next_effect = number + 1;
			go_on(r, a, number, attempt, rows);
			journal_migration(r, r->status);
			if (journal_operation(r, a,
					      a->backward ? OPERATION_STATUS_ROLLING_BACK
							  : OPERATION_STATUS_RUNNING,
					      false, err) != OUTCOME_OK)
				return STEP_LOST;
			a->begun = true;
			r->inside = *a;
			r->transaction.inside = whole;
			return STEP_DONE;
		}
		store_abort(r->store);
		j->in_transaction = false;
		if (r->stop.cancelled || step_is_unhealthy(r, a))
			return STEP_STOPPED;
		if (err->class == ERROR_UNKNOWN)
			err->class = ERROR_TRANSIENT;
		if (!goes_again(r, a, c, attempt, err)) {
			r->next_effect = number + 1; /* the code may outlive it and go on */
			return STEP_FAILED;
		}
		end = effect_wait(r, a, attempt, err);
		if (end != STEP_DONE)
			return end;
	}
}

static bool is_refused_late(const struct effect_row *effect)
{
	return query_id_is_marked(effect->query_id) || query_id_is_guarded(effect->query_id);
}

/* They end what runs at the target, and could not end what is still on its way there. */
enum step_end effect_leave_open(struct run *r, const struct effect_row *effect)
{
	if (!is_refused_late(effect) && !mutant(MUTANT_LEFT_EARLY))
		lease_await_arrival(r);
	r->open_effect = *effect;
	r->open_effect.query_id = arena_str(&r->arena, effect->query_id);
	r->open_effect.connection = arena_str(&r->arena, effect->connection);
	r->open_effect.sql = arena_str(&r->arena, effect->sql);
	r->left_open = true;
	return STEP_STOPPED;
}

/* To where a transaction that has happened leaves the machine: as the last attempt has computed it,
 * or as the target keeps it of another one, which may be another process's. */
static enum step_end take_whole(struct run *r, const struct act *a, const struct effect_row *e,
				struct error *err)
{
	if (!attempt_is_whole(r))
		return STEP_DONE;
	if (r->transaction.after.len)
		transaction_take(r);
	else if (transaction_load(r, a, e->number, err) != OUTCOME_OK)
		return stop_wanted(r) ? effect_leave_open(r, e) : STEP_DOUBT;
	return STEP_DONE;
}

/* Done, as was found out, and half done only if `verify` says so. */
static enum step_end go_on_found(struct run *r, struct act *a, const struct effect_row *e,
				 struct error *err)
{
	enum step_end end = copy_settle_found(r, a, e, err);

	if (end == STEP_DONE)
		end = take_whole(r, a, e, err);
	if (end == STEP_DONE)
		go_on(r, a, e->number, e->attempt, -1);
	return end;
}

bool effect_may_be_outlived(const struct run *r, const struct act *a)
{
	return machine_outlives(r->vm) || (a->operation->flags & OPERATION_CONTINUE_ON_ERROR);
}

enum step_end effect_end_over_half(const struct run *r, struct error *err)
{
	error_hint(err, "half of it may be there: `amigrun resume %.*s` undoes the operation and "
			"begins it anew", STR_ARG(r->name));
	return STEP_DOUBT;
}

/* It was undone as often as it may be, and half of it may be there again. It stays open, so that
 * who goes on undoes it first. */
static enum step_end leave_half(struct run *r, const struct act *a,
				const struct effect_row *effect, struct error *err)
{
	r->touched = true;
	if (mutant(MUTANT_OVER_HALF)) {
		journal_outcome(r, effect->number, effect->attempt, false, -1, err);
		return STEP_FAILED;
	}
	effect_leave_open(r, effect);
	return effect_may_be_outlived(r, a) ? effect_end_over_half(r, err) : STEP_FAILED;
}

/* What to do about an effect whose end is not known. STEP_DONE: it has happened, *again false, or
 * is to be made again. */
static enum step_end settle_doubt(struct run *r, struct act *a, const struct connection *c,
				  const struct effect_row *effect, bool *again, struct error *err)
{
	struct error why = { 0 };
	enum step_end end;
	enum verdict v;

	*again = false;
	if (r->stop.cancelled)
		return effect_leave_open(r, effect);
	if (http_repeats(a, effect))
		return http_settle(r, a, effect, again, err);
	strand_alone(r);
	if (doubt_part(r, &why) != OUTCOME_OK) {
		error_take(err, &why);
		return STEP_LOST;
	}
	if (!is_refused_late(effect))
		lease_await_arrival(r);
	if (doubt_await_target(r, a, effect, &why) != STEP_DONE)
		return effect_leave_open(r, effect);
	v = doubt_resolve(r, a, effect, &why);
	strand_together(r);
	switch (v) {
	case VERDICT_DONE:
		return go_on_found(r, a, effect, err);
	case VERDICT_AGAIN:
		/* Or half of it, where all of it was too much. */
		if (window_is_too_much(r, c->kind, err) || r->copied_refused)
			err->class = ERROR_PERMANENT;
		*again = err->class != ERROR_PERMANENT &&
			 effect->attempt <= a->policy.retry.times && !step_is_unhealthy(r, a);
		if (*again) {
			end = effect_wait(r, a, effect->attempt, err);
			return end == STEP_STOPPED ? effect_leave_open(r, effect) : end;
		}
		/* `idempotent` says that it may be made again, not that it has not happened. */
		if (a->operation->flags & OPERATION_IDEMPOTENT &&
		    !query_id_is_marked(effect->query_id))
			r->touched = true;
		journal_outcome(r, effect->number, effect->attempt, false, -1, err);
		return STEP_FAILED;
	case VERDICT_UNDO:
		if (window_is_too_much(r, c->kind, err)) {
			r->window.halved = r->window.given.size / 2;
			r->undone_times = 0;
		}
		if (++r->undone_times > a->policy.retry.times)
			return leave_half(r, a, effect, err);
		journal_outcome(r, effect->number, effect->attempt, false, -1, err);
		return STEP_UNDO;
	case VERDICT_NONE:
		return effect_leave_open(r, effect);
	case VERDICT_OPEN:
		break;
	}
	if (copy_settle_part(r, a, effect, &why, err))
		return STEP_FAILED;
	error_hint(&why, "%s%sthe server's answer was: %s", why.hint ? why.hint : "",
		   why.hint ? "; " : "", err->message);
	error_take(err, &why);
	return STEP_DOUBT;
}

/* An attempt before this one, looked for when it had not come through yet, may have done so since:
 * then its marker has refused this one. *there: the effect has happened. */
static void look_again(struct run *r, const struct effect_row *effect, bool *there,
		       struct error *err)
{
	struct error why = { 0 };

	*there = false;
	if (!query_id_is_marked(effect->query_id) || effect->attempt < 2 ||
	    err->class == ERROR_UNKNOWN)
		return;
	if (marker_look(r, effect->connection, effect->number, there, &why) != OUTCOME_OK)
		err->class = ERROR_UNKNOWN;
	if (*there)
		error_clear(err);
	error_clear(&why);
}

/* The effect that the machine asks for, or what is known to be made again of it. */
static void open_attempt(const struct run *r, const struct act *a, struct attempt *t)
{
	bool known = r->verdict == VERDICT_AGAIN;

	t->effect = (struct effect_row){ .number = known ? r->open_effect.number : r->next_effect,
					 .attempt = known ? r->open_effect.attempt : 0,
					 .operation_index = a->index,
					 .backward = a->backward,
					 .sql = buf_view(&r->sql),
					 .connection = str_c(t->c->name) };
}

enum step_end attempt_begin(struct run *r, struct act *a, struct attempt *t, struct error *err)
{
	struct journal *j = &r->journal;
	struct effect_row *effect = &t->effect;

	if (!effect->number)
		open_attempt(r, a, t);
	r->verdict = VERDICT_NONE;
	a->attempts += ++effect->attempt > 1;
	query_id_print(r, a->index, effect->number, effect->attempt, t->proof, j->query_id);
	effect->query_id = str_c(j->query_id);
	if (journal_operation(r, a,
			      a->backward ? OPERATION_STATUS_ROLLING_BACK
					  : OPERATION_STATUS_RUNNING,
			      false, err) != OUTCOME_OK)
		return STEP_LOST;
	journal_intent(r, a, effect->number, effect->attempt, t->c);
	if (!mutant(MUTANT_NO_CHECKPOINT))
		journal_checkpoint(r, r->vm);
	journal_migration(r, r->status);
	if (mutant(MUTANT_OUTCOME_FIRST))
		go_on(r, a, effect->number, effect->attempt, -1);
	if (!mutant(MUTANT_NO_INTENT) && journal_commit(r, err) != OUTCOME_OK)
		return STEP_LOST;
	a->begun = true;
	if (effect->number >= r->next_effect && !mutant(MUTANT_SAME_NUMBER))
		r->next_effect = effect->number + 1;
	return STEP_DONE;
}

enum step_end attempt_end(struct run *r, struct act *a, struct attempt *t, enum outcome sent,
			  int64_t rows, bool *again, struct error *err)
{
	struct effect_row *effect = &t->effect;
	bool there;

	*again = false;
	if (sent == OUTCOME_OK) {
		go_on(r, a, effect->number, effect->attempt, rows);
		return STEP_DONE;
	}
	if (t->proof == PROOF_MARKER && marker_is_fenced(err)) {
		lease_fail(r, err);
		return STEP_LOST;
	}
	if (mutant(MUTANT_GUESS) && err->class == ERROR_UNKNOWN)
		err->class = ERROR_TRANSIENT;
	look_again(r, effect, &there, err);
	if (there) {
		enum step_end end = take_whole(r, a, effect, err);

		if (end == STEP_DONE)
			go_on(r, a, effect->number, effect->attempt, -1);
		return end;
	}
	if (err->class == ERROR_UNKNOWN) {
		enum step_end end = settle_doubt(r, a, t->c, effect, again, err);

		strand_together(r);
		return end;
	}
	journal_outcome(r, effect->number, effect->attempt, false, -1, err);
	if (r->stop.cancelled || step_is_unhealthy(r, a))
		return STEP_STOPPED;
	if (!goes_again(r, a, t->c, effect->attempt, err))
		return STEP_FAILED;
	/* Which effects of lanes are open stands in the checkpoint. */
	if (r->lanes && !mutant(MUTANT_LANE_OPEN))
		journal_checkpoint(r, r->vm);
	if (journal_commit(r, err) != OUTCOME_OK)
		return STEP_LOST;
	*again = true;
	return effect_wait(r, a, effect->attempt, err);
}

enum step_end effect_alone(struct run *r, struct act *a, struct connection *c, enum proof proof,
			   struct error *err)
{
	struct attempt t = { .c = c, .proof = proof };

	for (bool again = true; again;) {
		enum step_end end = attempt_begin(r, a, &t, err);
		enum outcome sent;
		int64_t rows;

		if (end != STEP_DONE)
			return end;
		if (mutant(MUTANT_OUTCOME_FIRST))
			return send(r, a, c, t.effect.number, PROOF_NONE, &rows, err) == OUTCOME_OK
				       ? STEP_DONE
				       : STEP_LOST;
		rows = -1;
		sent = attempt_may_go(r, t.proof, err);
		if (sent == OUTCOME_OK)
			sent = send(r, a, c, t.effect.number, t.proof, &rows, err);
		if (sent != OUTCOME_OK)
			http_keep_doubt(c, err);
		end = attempt_end(r, a, &t, sent, rows, &again, err);
		if (end != STEP_DONE)
			return end;
	}
	return STEP_DONE;
}

static enum outcome render(struct run *r, const struct act *a, const struct machine_request *q,
			   struct connection *c, struct error *err)
{
	if (q->op == OP_TRANSACTION)
		return transaction_describe(r, c, err);
	return q->op == OP_COPY ? copy_render(r, q, &a->policy, c, &r->sql, err)
				: request_render(r, q, c->kind, &r->sql, err);
}

enum step_end effect_end_unasked(struct run *r, const struct act *a, struct error *err)
{
	const struct effect_row *e = &r->open_effect;

	r->touched |= r->verdict == VERDICT_AGAIN;
	/* Where the run goes on behind it, nobody would come back to the one that was open. */
	if (r->verdict == VERDICT_AGAIN && effect_may_be_outlived(r, a)) {
		journal_outcome(r, e->number, e->attempt, false, -1, err);
		r->verdict = VERDICT_NONE;
	}
	journal_checkpoint_after(r);
	return STEP_FAILED;
}

enum step_end step_effect(struct run *r, struct act *a, struct error *err)
{
	const struct machine_request *q = machine_request(r->vm);
	struct connection *c;
	uint32_t need = host_place(r, copy_need(q));
	enum proof proof = PROOF_NONE;
	enum step_end end;

	if (r->verdict == VERDICT_DONE) {
		buf_reset(&r->transaction.after); /* not of this process */
		r->verdict = VERDICT_NONE;
		return go_on_found(r, a, &r->open_effect, err);
	}
	if (r->journal.in_transaction && step_commit(r, err) != OUTCOME_OK)
		return STEP_LOST;
	if (stop_wanted(r)) {
		journal_checkpoint(r, r->vm);
		return STEP_STOPPED;
	}
	if (q->op == OP_HTTP)
		return http_send(r, a, err);
	if (request_connection(r, copy_need(q), &a->policy, &c, err) != OUTCOME_OK ||
	    render(r, a, q, c, err) != OUTCOME_OK) {
		if (!stop_wanted(r))
			return effect_end_unasked(r, a, err);
		journal_checkpoint(r, r->vm);
		return STEP_STOPPED;
	}
	if (c->shared && r->verdict == VERDICT_NONE &&
	    attempt_is_transactional(r, a, c, buf_view(&r->sql))) {
		if (r->journal.pending && step_commit(r, err) != OUTCOME_OK)
			return STEP_LOST;
		/* Its source, in another session, is to see what is being committed. */
		if (q->op == OP_COPY && journal_settled(r, err) != OUTCOME_OK)
			return STEP_LOST;
		return effect_inside(r, a, c, err);
	}
	end = attempt_choose_proof(r, a, c, need, &proof, err);
	if (end == STEP_FAILED)
		return effect_end_unasked(r, a, err);
	if (end == STEP_STOPPED)
		journal_checkpoint(r, r->vm);
	return end == STEP_DONE ? effect_alone(r, a, c, proof, err) : end;
}
