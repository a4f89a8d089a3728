/* window_rest.c - between two windows: an operator is heard, who may have them wait */
#include "vm/base/os.h"
#include "vm/run/ahead.h"
#include "vm/run/session.h"

#define TUNED_EVERY_MS 1000

/* At most once a second. A store that fails here fails at the next commit too, and says so
 * there. */
static void hear_operator(struct run *r)
{
	struct error ignored = { 0 };
	struct tuning now;
	int64_t ms = os_monotonic_ms();

	if (r->window.tuned_at_ms && ms - r->window.tuned_at_ms < TUNED_EVERY_MS)
		return;
	r->window.tuned_at_ms = ms;
	store_be_patient(r->store, r->lease.ends_at_ms);
	if (tune_read(r->store, r->name, &now, &ignored) == OUTCOME_OK)
		r->window.tuned = now;
	store_be_patient(r->store, 0);
	error_clear(&ignored);
}

bool window_is_paused(struct run *r)
{
	hear_operator(r);
	return r->window.tuned.pause;
}

bool window_may_come(struct run *r)
{
	int64_t since = os_monotonic_ms();
	bool said = false;

	for (hear_operator(r); r->window.tuned.pause; hear_operator(r)) {
		if (!said)
			session_tell(r, EVENT_LOGGED, STR(""),
				     STR("it waits: an operator has paused the windows (`amigrun "
					 "tune NAME pause=false` lets it go on)"));
		said = true;
		ahead_drop(r); /* it may have a query open */
		if (!stop_sleep(r, TUNED_EVERY_MS))
			return false;
	}
	window_rests(r, os_monotonic_ms() - since);
	return true;
}

void window_rests(struct run *r, int64_t ms)
{
	if (r->window.given.ms)
		r->window.given.ms += ms;
}
