/*
 * http.c - `http post url body text`: a request as an effect
 *
 * It goes the way of every effect that is one of its own (effect_alone): its intent is durable
 * before it is sent. What the server knows it by again is its key, so an end that is not known is
 * no reason to ask anybody: it is sent again, with the same key, by this process or the next. Only
 * where the operation says how a doubt is settled, that is done. When the retries are over, the
 * effect stays open: a resume sends it with its key still, a rollback closes it.
 */
#include "vm/base/os.h"
#include "vm/connection/http.h"
#include "vm/run/session.h"

#include <stdio.h>

static enum outcome prepare(struct run *r, const struct machine_request *q, bool doubted,
			    struct error *err)
{
	struct http_order order = { .method = value_text(q->operands[0]),
				    .url = value_text(q->operands[1]),
				    .doubted = doubted,
				    .local = r->instance->local,
				    .authority = r->instance->authority,
				    .proxy = r->instance->proxy };
	struct str variable = http_variable(order.url);
	bool allowed = true;

	if (q->operands[2].kind != VALUE_NULL)
		order.body = value_text(q->operands[2]);
	if (variable.len)
		order.variable = instance_env(r->instance, variable, &allowed);
	if (allowed)
		return http_prepare(&r->http, &order, err);
	error_set(err, OUTCOME_FAILED,
		  "this instance does not allow migrations to read the variable %.*s",
		  STR_ARG(variable));
	error_hint(err, "add it to AMIG_ALLOW_ENV if it may be read");
	return OUTCOME_FAILED;
}

enum step_end http_send(struct run *r, struct act *a, struct error *err)
{
	const struct machine_request *q = machine_request(r->vm);
	struct buf place = { 0 };

	if (prepare(r, q, r->verdict == VERDICT_AGAIN, err) == OUTCOME_OK) {
		buf_reset(&r->sql);
		http_describe(&r->http, &r->sql);
		return effect_alone(r, a, &r->http, PROOF_NONE, err);
	}
	module_place(&r->module, q->function, q->pc, &place);
	error_prefix(err, "%.*s: ", STR_ARG(buf_view(&place)));
	buf_clear(&place);
	buf_reset(&r->failed_sql);
	return effect_end_unasked(r, a, err);
}

enum outcome http_notify(struct run *r, const struct machine_request *q, const char *key,
			 struct error *err)
{
	const struct retry retry = retry_default();
	bool doubted = false;

	for (int64_t attempt = 1;; attempt++) {
		char id[QUERY_ID_SIZE];
		struct statement s = { .query_id = id };
		int64_t ignored;
		uint32_t random;
		enum outcome o = prepare(r, q, doubted, err);

		if (o != OUTCOME_OK)
			return o;
		snprintf(id, sizeof(id), "%s:%lld", key, (long long)attempt);
		o = r->http.kind->exec(&r->http, &s, &r->watch, &ignored, err);
		if (o == OUTCOME_OK || err->class == ERROR_PERMANENT || attempt > retry.times)
			return o;
		doubted |= err->class == ERROR_UNKNOWN;
		session_tell(r, EVENT_RETRIED, STR(""), str_c(err->message));
		os_random(&random, sizeof(random));
		if (!stop_sleep(r, retry_wait_ms(&retry, attempt, random)))
			return o;
		error_clear(err);
	}
}

bool http_repeats(const struct act *a, const struct effect_row *effect)
{
	return http_is_target(effect->connection) && a->operation->done_when == NO_INDEX &&
	       (a->operation->flags & OPERATION_IDEMPOTENT ||
		!(a->operation->flags & OPERATION_IN_DOUBT_UNDO));
}

enum step_end http_settle(struct run *r, const struct act *a, const struct effect_row *effect,
			  bool *again, struct error *err)
{
	enum step_end end = STEP_DONE;

	http_doubt(&r->http);
	r->touched = true;
	*again = http_goes_again(&r->http) && effect->attempt <= a->policy.retry.times &&
		 !step_is_unhealthy(r, a);
	if (*again)
		end = effect_wait(r, a, effect->attempt, err);
	if (end != STEP_DONE)
		return effect_leave_open(r, effect);
	if (*again)
		return STEP_DONE;
	/* Where the run goes on behind it, nobody would come back to it. */
	if (effect_may_be_outlived(r, a))
		journal_outcome(r, effect->number, effect->attempt, false, -1, err);
	else
		effect_leave_open(r, effect);
	return STEP_FAILED;
}

enum outcome http_preview(struct run *r, const struct machine_request *q, struct buf *target,
			  struct buf *text, struct error *err)
{
	enum outcome o = prepare(r, q, false, err);

	if (o != OUTCOME_OK)
		return o;
	buf_text(target, r->http.name);
	http_describe(&r->http, text);
	if (q->operands[2].kind != VALUE_NULL)
		buf_format(text, "\n%.*s", STR_ARG(value_text(q->operands[2])));
	return OUTCOME_OK;
}
