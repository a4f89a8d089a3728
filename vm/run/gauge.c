/*
 * gauge.c - how far the effect that runs has come, as its server tells
 *
 * The rows that were written and the share of the work that is done are kept with the operation,
 * for `status`, by commits of their own: nothing else waits in the journal while an effect runs.
 * They are for people; what was done is said by the effect's outcome.
 */
#include "vm/base/os.h"
#include "vm/run/gauge.h"

#define EVERY_MS 2000

void gauge_begin(struct run *r, const struct act *a, struct connection *c)
{
	if (!c->kind->measure || r->asks_for)
		return;
	r->gauge = (struct gauge){ .c = c,
				   .act = a,
				   .alone = doubt_has_one_effect(&r->module, a->function),
				   .asked_ms = os_monotonic_ms() };
}

void gauge_end(struct run *r)
{
	r->gauge = (struct gauge){ 0 };
}

static void keep(struct run *r, const struct measure *m)
{
	struct act shown = *r->gauge.act;
	struct error ignored = { 0 };
	enum operation_status status = shown.backward ? OPERATION_STATUS_ROLLING_BACK
						      : OPERATION_STATUS_RUNNING;

	if (r->journal.pending || r->journal.in_transaction || r->journal.owed.is || r->lease.lost)
		return;
	if (m->written > 0)
		shown.rows = (shown.rows > 0 ? shown.rows : 0) + m->written;
	/* A store that fails here fails at the next commit too, and says so there. One that says
	 * nothing is not waited for beyond the lease: then what runs is to be ended. */
	if (journal_operation(r, &shown, status, false, &ignored) == OUTCOME_OK) {
		journal_migration(r, r->status);
		store_be_patient(r->store, r->lease.ends_at_ms);
		if (journal_commit(r, &ignored) != OUTCOME_OK)
			journal_forget(r);
		store_be_patient(r->store, 0);
	}
	error_clear(&ignored);
}

void gauge_watch(struct run *r)
{
	struct gauge *g = &r->gauge;
	struct measure m;

	if (!g->c || os_monotonic_ms() - g->asked_ms < EVERY_MS)
		return;
	/* Nothing could be kept, the effect being a part of it. */
	if (r->journal.in_transaction)
		return;
	if (g->c->kind->measure(g->c, r->journal.query_id, &m)) {
		if (g->alone && m.to_read > 0 && m.read <= m.to_read)
			r->share = (double)m.read / (double)m.to_read;
		keep(r, &m);
	}
	g->asked_ms = os_monotonic_ms();
}
