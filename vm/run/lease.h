/*
 * lease.h - whether the lease of a run has time enough left for something that can't be taken back
 */
#ifndef VM_RUN_LEASE_H
#define VM_RUN_LEASE_H

#include "vm/run/session.h"

/* Asked right before a statement goes out that nothing on its target refuses when it comes late.
 * On the monotonic clock; asks nobody. */
bool lease_is_safe(struct run *r);

#endif
