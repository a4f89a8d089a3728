/* gauge.h - how far the effect that runs has come */
#ifndef VM_RUN_GAUGE_H
#define VM_RUN_GAUGE_H

#include "vm/run/session.h"

/* Around an effect; and while it runs: asks now and then how far it has come, and keeps
 * that for `status`. */
void gauge_begin(struct run *r, const struct act *a, struct connection *c);
void gauge_watch(struct run *r);
void gauge_end(struct run *r);

#endif
