/*
 * clock.h - the time that code sees and waits for, by the store's clock
 *
 * Whoever goes on with a run on another machine waits until the same moment: a wait is kept as the
 * time of its end, and the clocks of two machines need not agree.
 */
#ifndef VM_RUN_CLOCK_H
#define VM_RUN_CLOCK_H

#include "vm/base/error.h"

struct run;

struct clock {
	int64_t us;	    /* the store's, when it was read */
	int64_t read_at_us; /* when that was, monotonic; 0: not yet */
};

/* Microseconds since 1970 UTC. */
enum outcome clock_now(struct run *r, int64_t *us, struct error *err) MUST_USE;

#endif
