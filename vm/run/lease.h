/*
 * lease.h - how long this process may take the run for its own
 *
 * A run belongs to one process by a lease, which ends by the state store's clock unless a step or a
 * renewal makes it last; only then may another one take the run over. This process cannot ask that
 * clock while it is cut off, so it counts by its own monotonic clock from before it sent what made
 * the lease last: its lease never seems longer to it than it is. No wall clock decides anything.
 *
 * The epoch in the store refuses every commit of a process that was taken over, whatever it
 * believes. The lease is for what the store cannot refuse: statements on other databases.
 */
#ifndef VM_RUN_LEASE_H
#define VM_RUN_LEASE_H

#include "vm/store/store.h"

struct run;

struct lease {
	int64_t length_ms;
	int64_t ends_at_ms; /* monotonic: nobody can have taken the run over before */
	int64_t asked_at_ms; /* monotonic, of the last renewal, successful or not; 0 none yet */
	int64_t arrives_by_ms; /* monotonic: what was sent after the last lease_is_safe() */
	bool lost;
};

/* Something made it last; sent_at_ms: the monotonic time right before it was sent. */
void lease_lasts(struct run *r, int64_t sent_at_ms);
/* Called all the time: renews the lease when a part of it has gone by, and hears on the way what is
 * asked of the run. A lease that could not be renewed until it ended, or that another process has
 * taken, is lost. */
void lease_tick(struct run *r);
/* Before a statement goes out that nothing but the lease keeps from coming too late: whether it
 * lasts for long enough; renews it if need be. */
bool lease_is_safe(struct run *r);
/* Waits as long as what was sent after the last such look, by this process or the one before, may
 * still be on its way to the target: what takes longer than the margin is the one limit that
 * docs/protocol.md tells of. A stop is heard after it. */
void lease_await_arrival(struct run *r);
/* The error of a run whose lease is lost. */
enum outcome lease_fail(const struct run *r, struct error *err);

#endif
