/* progress.h - how much of a run is done: the weighted share of its operations */
#ifndef VM_RUN_PROGRESS_H
#define VM_RUN_PROGRESS_H

#include "vm/base/attr.h"

#define PROGRESS_WEIGHT_MAX 1000000

struct progress {
	int64_t *before; /* before[i]: the weights of all operations under i; count + 1 of them */
	int64_t count;
};

/* Fills p from weights (each 1 to PROGRESS_WEIGHT_MAX); before has room for count + 1. */
void progress_init(struct progress *p, int64_t *before, const int64_t *weights, int64_t count);
/* 0–100 when `index` operations are done and `share` (0 to 1) of the next; 100 only when all are.
 * With equal weights and no share it is 100 * index / count, rounded down. */
int progress_percent(const struct progress *p, int64_t index, double share);

/* The same when all below `index` is done, and so much of what comes behind that. */
int progress_between(const struct progress *p, int64_t index, double done);

#endif
