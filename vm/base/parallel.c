#include "vm/base/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

struct pool {
	atomic_size_t next;
	size_t count;
	void (*work)(void *context, size_t piece);
	void *context;
};

static void *work_off(void *arg)
{
	struct pool *pool = arg;

	for (;;) {
		size_t piece = atomic_fetch_add(&pool->next, 1);

		if (piece >= pool->count)
			return NULL;
		pool->work(pool->context, piece);
	}
}

void parallel_for(unsigned jobs, size_t count, void (*work)(void *context, size_t piece),
		  void *context)
{
	struct pool pool = { .count = count, .work = work, .context = context };
	pthread_t threads[PARALLEL_JOBS_MAX];
	unsigned started = 0;

	if (jobs > PARALLEL_JOBS_MAX)
		jobs = PARALLEL_JOBS_MAX;
	while (started + 1 < jobs && started + 1 < count &&
	       pthread_create(&threads[started], NULL, work_off, &pool) == 0)
		started++;
	work_off(&pool);
	while (started > 0)
		pthread_join(threads[--started], NULL);
}

unsigned parallel_processors(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	if (count < 1)
		return 1;
	return count > (long)PARALLEL_JOBS_MAX ? PARALLEL_JOBS_MAX : (unsigned)count;
}
