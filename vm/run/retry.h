/* retry.h - how often and how soon a failed attempt is made again: pure arithmetic */
#ifndef VM_RUN_RETRY_H
#define VM_RUN_RETRY_H

#include "vm/base/error.h"

#define RETRY_TIMES_DEFAULT 3
#define RETRY_BACKOFF_MIN_MS 1000
#define RETRY_BACKOFF_MAX_MS 30000

struct retry {
	int64_t times; /* attempts after the first */
	int64_t backoff_min_ms, backoff_max_ms;
};

struct retry retry_default(void);
/* Only what surely did not happen and may go well another time is tried again by itself. attempt:
 * the one that failed, from 1. */
bool retry_wanted(const struct retry *r, int64_t attempt, const struct error *err);
/* Before attempt + 1: the minimum doubled with each attempt, at most the maximum; of that the upper
 * half at random (a number below 2^32), so that those who failed together do not come back
 * together. */
int64_t retry_wait_ms(const struct retry *r, int64_t attempt, uint32_t random);

#endif
