/*
 * parallel.h - independent pieces of work, done by several threads
 *
 * The pieces are taken in order, each by the thread that is free next. The work of one must touch
 * nothing that another one writes. All of them are done when the call returns.
 */
#ifndef VM_BASE_PARALLEL_H
#define VM_BASE_PARALLEL_H

#include "vm/base/attr.h"
#include <stddef.h>

#define PARALLEL_JOBS_MAX 64u

/* jobs: at most so many threads, the caller's own among them. When no more can be had, fewer do the
 * work. */
void parallel_for(unsigned jobs, size_t count, void (*work)(void *context, size_t piece),
		  void *context);
unsigned parallel_processors(void);	/* of this machine, 1 … PARALLEL_JOBS_MAX */

#endif
