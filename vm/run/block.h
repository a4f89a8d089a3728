/*
 * block.h - operations of the plan that go at once: which of them, and in which order they are
 * undone
 *
 * A block is operations of the plan that stand behind one another. While they are carried out the
 * run's index is the lowest of them that has not come to its end; those that have, above it too,
 * are told by their `completion`. What must go by itself is of no block.
 */
#ifndef VM_RUN_BLOCK_H
#define VM_RUN_BLOCK_H

#include "vm/run/session.h"

/* plan.c: while the plan is made. */
struct block_plan {
	int64_t count;	/* blocks so far */
	int64_t wanted; /* so many at once, of what is planned now; 0: one after the other */
	bool open;	/* the last operation that was planned is of the block `count` */
};
/* The block of one more operation. per_host: it is for one of several hosts; first: of them. */
void block_plan_add(struct block_plan *p, const struct module *m, struct operation_row *row,
		    bool per_host, bool first);
/* After all: a block of one is none. */
void block_plan_end(struct operation_row *plan, int64_t count);

/* Whether operations go at once at the run's index. */
bool block_is_at(const struct run *r);
/* The operations of the block of one: from *begin to before *end. */
void block_of(const struct run *r, int64_t index, int64_t *begin, int64_t *end);
/* The operation has come to its end, also one that failed and is passed over: the index moves. */
void block_step(struct run *r, int64_t index);
/* Its end could not be recorded, and it has not happened. */
void block_step_back(struct run *r, int64_t index);
/* How much is done, in percent: the weights of what is, in a block; elsewhere
 * those below the index. */
int block_progress(const struct run *r);

/* What is undone first, from the run's index down; -1: nothing is. */
int64_t block_undo_first(const struct run *r);
/* And after an operation that was. */
int64_t block_undo_next(const struct run *r, int64_t index);

#endif
