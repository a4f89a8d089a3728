/*
 * health.c - healthchecks while the run is at work: between operations, and on time while a
 * statement runs or something is waited for
 *
 * The run's own sessions may be busy then, so each check is asked by a second run that has
 * connections of its own to the same databases, opened when they are first needed, and shares
 * everything else. Whoever waits for a statement calls stop_watch(), that calls health_watch(), and
 * what a check asks is waited for with the same stop_watch(): `held` keeps that from asking again.
 *
 * A check that fails is bad news of the database; one that can't be asked for a passing reason is
 * no news. It is asked again as often and as soon as the default policy has it, then after its
 * interval, while the run goes on.
 */
#include "vm/base/os.h"
#include "vm/run/session.h"

#include <stdlib.h>
#include <string.h>

/* Whatever a module says. */
static int64_t interval_ms(const struct check *check)
{
	const int64_t most = (int64_t)365 * 24 * 3600 * 1000;

	if (check->every_ms < WATCH_SLICE_MS)
		return WATCH_SLICE_MS;
	return check->every_ms < most ? check->every_ms : most;
}

static void find_due(struct health *h, const struct module *m)
{
	h->due_ms = INT64_MAX;
	for (uint32_t i = 0; i < m->check_count; i++)
		if (m->checks[i].kind == CHECK_HEALTH && h->pulses[i].due_ms < h->due_ms)
			h->due_ms = h->pulses[i].due_ms;
}

void health_begin(struct run *r, bool at_once)
{
	struct health *h = &r->health;
	int64_t now = os_monotonic_ms();

	h->pulses = arena_array(&r->arena, struct pulse, (size_t)r->module.check_count + 1);
	for (uint32_t i = 0; i < r->module.check_count; i++) {
		const struct check *c = &r->module.checks[i];

		h->pulses[i] = (struct pulse){ now + (at_once ? 0 : interval_ms(c)), 0 };
		if (c->kind == CHECK_HEALTH)
			h->state = HEALTH_GOOD;
	}
	find_due(h, &r->module);
}

static struct run *asker_of(struct run *r)
{
	struct run *a = r->health.asker;

	if (a)
		return a;
	a = must_alloc(sizeof(*a));
	*a = (struct run){ .instance = r->instance,
			   .options = r->options,
			   .name = r->name,
			   .module = r->module,
			   .params = r->params,
			   .frozens = r->frozens,
			   .watch = r->watch,
			   .asks_for = r };
	memcpy(a->prefix, r->prefix, sizeof(a->prefix));
	memcpy(a->token, r->token, sizeof(a->token));
	a->connections =
		arena_array(&r->arena, struct connection, (size_t)r->module.need_count + 1);
	r->health.asker = a;
	return a;
}

static bool is_no_news(const struct error *err)
{
	return err->class == ERROR_TRANSIENT || err->class == ERROR_UNKNOWN ||
	       err->outcome == OUTCOME_UNREACHABLE;
}

static void ask_later(struct run *r, const struct check *check, struct pulse *p,
		      const struct error *err)
{
	struct retry retry = retry_default();
	uint32_t random;

	os_random(&random, sizeof(random));
	session_tell(r, EVENT_HEALTH_UNKNOWN, check->label, str_c(err->message));
	if (++p->attempt <= retry.times) {
		p->due_ms = os_monotonic_ms() + retry_wait_ms(&retry, p->attempt, random);
		return;
	}
	p->attempt = 0;
	p->due_ms = os_monotonic_ms() + interval_ms(check);
}

static void ask(struct run *r, const struct check *check, struct pulse *p)
{
	struct error err = { 0 };
	int64_t asked = os_monotonic_ms();
	struct run *asker = asker_of(r);
	enum outcome o = evaluate(asker, check->function, NULL, NULL, NULL, NULL, &err);

	arena_clear(&asker->arena);
	if (o == OUTCOME_OK) {
		*p = (struct pulse){ asked + interval_ms(check), 0 };
	} else if (o == OUTCOME_STOPPED || r->stop.cancelled) {
		*p = (struct pulse){ INT64_MAX, 0 }; /* the run is about to stop */
	} else if (is_no_news(&err)) {
		ask_later(r, check, p, &err);
	} else {
		error_prefix(&err, "Healthcheck \"%.*s\" failed: ", STR_ARG(check->label));
		error_take(&r->health.error, &err);
		r->health.state = HEALTH_CANCELS;
	}
	error_clear(&err);
}

void health_watch(struct run *r)
{
	struct health *h = &r->health;

	if (h->state != HEALTH_GOOD || h->held || os_monotonic_ms() < h->due_ms)
		return;
	h->held = true;
	for (uint32_t i = 0; i < r->module.check_count && h->state == HEALTH_GOOD; i++)
		if (r->module.checks[i].kind == CHECK_HEALTH &&
		    os_monotonic_ms() >= h->pulses[i].due_ms)
			ask(r, &r->module.checks[i], &h->pulses[i]);
	h->held = false;
	find_due(h, &r->module);
}

void health_take(struct run *r, struct error *err)
{
	struct run *a = r->health.asker;

	error_clear(err);
	error_take(err, &r->health.error);
	buf_reset(&r->failed_sql);
	if (a && a->failed_sql.len)
		request_remember_sql(r, buf_view(&a->failed_sql), a->failed_query_id);
	r->health.state = HEALTH_OFF;
}

void health_end(struct run *r)
{
	struct run *a = r->health.asker;

	error_clear(&r->health.error);
	if (!a)
		return;
	for (uint32_t i = 0; i < a->module.need_count; i++)
		if (a->connections[i].kind)
			connection_close(&a->connections[i]);
	arena_clear(&a->heap.arena);
	arena_clear(&a->arena);
	buf_clear(&a->sql);
	buf_clear(&a->failed_sql);
	free(a);
	r->health.asker = NULL;
}
