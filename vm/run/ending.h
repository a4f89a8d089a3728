/*
 * ending.h - what a migration says of its run's end: `finally`, `on complete`, `on error`
 *
 * Each of them that it has is a row of the plan behind its last operation, in this order, with its
 * own status. `finally` is carried out like an operation: its effects are journaled, it is
 * resumed, and it has failed when one of them has. The other two only give notice: they are
 * carried out in a machine of their own, from their beginning, and a death in between gives
 * the same notice again, with the same keys. What fails in them is told and changes nothing.
 */
#ifndef VM_RUN_ENDING_H
#define VM_RUN_ENDING_H

#include "vm/isa/module.h"

struct run;
struct act;
struct operation_row;

enum ending { ENDING_FINALLY, ENDING_COMPLETE, ENDING_ERROR, ENDING_COUNT };

struct endings {
	struct operation operations[ENDING_COUNT]; /* forward NO_INDEX: the migration has none */
	int64_t count;				   /* of those that it has */
};

/* When the module is known. */
void ending_init(struct run *r);
/* Its row in the plan; -1: there is none. */
int64_t ending_at(const struct run *r, enum ending e);
/* The row itself, but for its index. */
struct operation_row ending_row(struct run *r, enum ending e);
/* The operation of a row of the plan, one of these or the module's; NULL: there is no such. */
const struct operation *ending_operation(const struct run *r, uint32_t number);

#endif
