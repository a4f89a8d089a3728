/*
 * clock.c - the time that code sees and waits for, by the store's clock
 *
 * Whoever goes on with a run on another machine waits until the same moment: a wait is kept as the
 * time of its end, and the clocks of two machines need not agree.
 */
#include "vm/base/os.h"
#include "vm/run/session.h"

#define READ_AGAIN_US (60 * INT64_C(1000000))

enum outcome clock_now(struct run *r, int64_t *us, struct error *err)
{
	/* A check is asked while a statement may run in the store's session. */
	struct run *owner = r->asks_for ? r->asks_for : r;
	int64_t now = os_monotonic_us();

	if (owner == r && !r->store_busy &&
	    (!r->clock.read_at_us || now - r->clock.read_at_us > READ_AGAIN_US)) {
		enum outcome o = store_clock(r->store, &r->clock.us, err);

		if (o != OUTCOME_OK)
			return o;
		r->clock.read_at_us = now = os_monotonic_us();
	}
	*us = owner->clock.read_at_us ? owner->clock.us + now - owner->clock.read_at_us
				      : os_wall_us();
	return OUTCOME_OK;
}
