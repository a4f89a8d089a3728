/* lease.c - see lease.h */
#include "vm/base/mutant.h"
#include "vm/base/os.h"
#include "vm/run/session.h"

/* A lease is renewed when a third of it has gone by, so that two failures are survived; a statement
 * needs a quarter of it to be sent. */
#define RENEW_PARTS 3
#define MARGIN_PARTS 4
#define AGAIN_MS 200 /* after a renewal that failed */

void lease_lasts(struct run *r, int64_t sent_at_ms)
{
	struct lease *l = &r->lease;

	if (mutant(MUTANT_LEASE_LATE))
		sent_at_ms = os_monotonic_ms();
	l->lost = false;
	if (sent_at_ms + l->length_ms <= l->ends_at_ms) /* it was renewed since */
		return;
	l->ends_at_ms = sent_at_ms + l->length_ms;
	l->asked_at_ms = sent_at_ms;
}

/* The store's session, or a second one while the first is busy. NULL: there is none now. A session
 * in whose file a transaction of this process writes can't be written to, nor claimed from. */
static struct store *free_store(struct run *r)
{
	bool writes = r->journal.in_transaction || r->journal.owed.is ||
		      (r->store_busy && !r->store_reads);

	if (!writes && !r->store_busy)
		return r->store;
	if (writes && strcmp(store_kind(r->store), "sqlite") == 0)
		return NULL;
	return session_second_store(r);
}

static void renew(struct run *r, int64_t now)
{
	struct lease *l = &r->lease;
	struct store *store = free_store(r);
	struct stop_wish wish;
	struct error err = { 0 };
	enum outcome o;

	if (!store)
		return;
	l->asked_at_ms = now;
	store_be_patient(store, l->ends_at_ms > now ? l->ends_at_ms : now + AGAIN_MS);
	o = store_renew(store, r->name, r->epoch, &wish, &err);
	store_be_patient(store, 0);
	if (o == OUTCOME_OK) {
		lease_lasts(r, now);
		stop_hear(r, wish);
	} else if (o == OUTCOME_NOT_NOW) {
		l->lost = true;
	} else if (store == r->second) {
		store_close(r->second);
		r->second = NULL;
	}
	error_clear(&err);
}

/* A transaction in the store's own database needs no lease: its commit says whether it may. */
static bool is_needed(const struct run *r)
{
	return !r->journal.in_transaction;
}

void lease_tick(struct run *r)
{
	struct lease *l = &r->lease;
	int64_t now = os_monotonic_ms(), part = l->length_ms / RENEW_PARTS;

	if (!r->epoch || l->lost || !l->length_ms)
		return;
	if (now - l->asked_at_ms >= (l->ends_at_ms - now < l->length_ms - part ? AGAIN_MS : part) &&
	    l->ends_at_ms - now < l->length_ms - part)
		renew(r, now);
	if (l->ends_at_ms <= os_monotonic_ms() && is_needed(r))
		l->lost = true;
}

bool lease_is_safe(struct run *r)
{
	struct lease *l = &r->lease;
	int64_t margin = l->length_ms / MARGIN_PARTS;

	int64_t now = os_monotonic_ms();

	if (l->ends_at_ms - now < margin)
		renew(r, now);
	l->arrives_by_ms = os_monotonic_ms() + margin;
	return (!l->lost && l->ends_at_ms - os_monotonic_ms() >= margin) ||
	       mutant(MUTANT_NO_LOOK);
}

void lease_await_arrival(struct run *r)
{
	int64_t left;

	while ((left = r->lease.arrives_by_ms - os_monotonic_ms()) > 0 && !r->lease.lost &&
	       !mutant(MUTANT_NO_ARRIVAL)) {
		os_sleep_ms(left < WATCH_SLICE_MS ? left : WATCH_SLICE_MS);
		lease_tick(r);
	}
}

enum outcome lease_fail(const struct run *r, struct error *err)
{
	error_set(err, OUTCOME_NOT_NOW,
		  "this process has lost its lease on \"%.*s\": the state store could not be "
		  "reached in time, or another process has taken the run over",
		  STR_ARG(r->name));
	error_hint(err, "`amigrun status %.*s` shows who has it; the run is resumable",
		   STR_ARG(r->name));
	return OUTCOME_NOT_NOW;
}
