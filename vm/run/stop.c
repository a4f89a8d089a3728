/*
 * stop.c - requests to stop: a signal to this process, or `amigrun stop` through the store
 *
 * Either lets the current effect be finished; one that outlasts the grace period is cancelled.
 */
#include "vm/base/os.h"
#include "vm/run/session.h"
#include "vm/run/strand.h"

#include <poll.h>
#include <stdio.h>

#define STORE_POLL_MS 100 /* between questions whether there are news: they cost next to nothing */
#define STORE_LOOK_MS 2000 /* the request itself is read then even if nothing was heard */
#define SECOND_STORE_MS 1000

void stop_hear(struct run *r, struct stop_wish wish)
{
	/* Who asks for what is being done is answered when it is. */
	if (wish.rollback && r->phase == PHASE_BACKWARD)
		return;
	r->stop.wish.requested |= wish.requested;
	r->stop.wish.now |= wish.now;
	r->stop.wish.rollback |= wish.rollback;
}

/* Whether another session has told of something, or it is time to look anyway. */
static bool has_news(struct run *r, int64_t now)
{
	struct error ignored = { 0 };
	bool heard = false;

	if (now - r->stop.looked_at_ms >= STORE_LOOK_MS)
		return true;
	if (store_hear(r->store, 0, &heard, &ignored) != OUTCOME_OK)
		error_clear(&ignored);
	return heard;
}

/*
 * While a statement runs in the store's session, a second one hears requests, if it takes long
 * enough to matter. A store that fails here fails at the next commit too, and says so there.
 */
static void poll_store(struct run *r, int64_t now)
{
	struct error ignored = { 0 };
	struct store *store = r->store;
	struct stop_wish wish;
	bool busy = r->store_busy || r->journal.in_transaction;

	r->stop.polled_at_ms = now;
	if (busy && (!r->store_busy || now - r->busy_since_ms < SECOND_STORE_MS))
		return;
	if (!busy && !has_news(r, now))
		return;
	r->stop.looked_at_ms = now;
	r->stop.news = true;
	if (busy)
		store = session_second_store(r);
	if (store)
		store_be_patient(store, r->lease.ends_at_ms);
	if (store && store_stop_requested(store, r->name, &wish, &ignored) == OUTCOME_OK)
		stop_hear(r, wish);
	if (store)
		store_be_patient(store, 0);
	error_clear(&ignored);
}

bool stop_wanted(struct run *r)
{
	int64_t now;

	if (r->asks_for)
		return stop_wanted(r->asks_for);
	lease_tick(r);
	if (r->lease.lost || strand_is_to_end(r))
		return true;
	if (!run_is_told_to_end()) {
		now = os_monotonic_ms();
		if (!r->stop.polled_at_ms)
			r->stop.polled_at_ms = now;
		if (now - r->stop.polled_at_ms >= STORE_POLL_MS)
			poll_store(r, now);
		if (!r->stop.wish.requested)
			return false;
	}
	if (!r->stop.heard) {
		r->stop.heard = true;
		r->stop.heard_at_ms = os_monotonic_ms();
		session_tell(r, EVENT_STOP_HEARD, STR(""), STR(""));
	}
	return true;
}

/* While rows are copied, how many so far. */
static void tick(struct run *r)
{
	char text[40] = "";

	if (r->copied)
		snprintf(text, sizeof(text), "%lld rows", (long long)r->copied);
	session_tell(r, EVENT_TICK, STR(""), str_c(text));
}

enum watch_wish stop_watch(void *run)
{
	struct run *r = run;

	gauge_watch(r);
	tick(r);
	health_watch(r);
	if (!stop_wanted(r) ||
	    (!r->lease.lost && !r->stop.wish.now &&
	     os_monotonic_ms() - r->stop.heard_at_ms < r->instance->stop_grace_ms))
		return r->health.state == HEALTH_CANCELS ? WATCH_CANCEL : WATCH_GO_ON;
	r->stop.cancelled = true;
	return WATCH_CANCEL;
}

bool stop_sleep(struct run *r, int64_t ms)
{
	int64_t until = os_monotonic_ms() + ms;

	while (!stop_wanted(r)) {
		int64_t left = until - os_monotonic_ms();

		if (left <= 0)
			return true;
		health_watch(r);
		if (r->health.state == HEALTH_CANCELS)
			return false;
		left = left < WATCH_SLICE_MS ? left : WATCH_SLICE_MS;
		if (!strand_rests(r, left))
			poll(NULL, 0, (int)left);
		session_tell(r, EVENT_TICK, STR(""), STR(""));
	}
	return false;
}
