/* forward.h - how one operation of the plan ends, for who carries it out alone or with others */
#ifndef VM_RUN_FORWARD_H
#define VM_RUN_FORWARD_H

#include "vm/run/session.h"

/* Each leaves the run behind the operation, or where it begins anew. */
enum outcome forward_finish(struct run *r, struct act *a, struct error *err) MUST_USE;
enum outcome forward_begin_undo(struct run *r, struct act *a, struct error *err) MUST_USE;
/* `continue on error`: whether it failed for good, which is kept, and the run goes on. */
bool forward_passes_over(const struct act *a, const struct error *err);
enum outcome forward_pass_over(struct run *r, struct act *a, struct error *err) MUST_USE;

#endif
