/* thread.c - the threads of a worker: coroutines that have its life, its clocks and its faults (the
 * linker's --wrap leads here)
 *
 * None gives way while it has a mutex, but by waiting on a condition, so that none ever waits for a
 * mutex. Who is woken, and who of several comes first, is the seed's to say.
 */
#include "tests/simulate/simulate.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#define THREADS (FIBERS - PROCESSES)
#define SOON_US 300

int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*body)(void *),
			  void *argument);
int __real_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*body)(void *),
			  void *argument);
int __wrap_pthread_join(pthread_t thread, void **result);
int __real_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_mutex_lock(pthread_mutex_t *m);
int __wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m);
int __wrap_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *t);
int __wrap_pthread_cond_signal(pthread_cond_t *c);
int __wrap_pthread_cond_broadcast(pthread_cond_t *c);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);
int __real_clock_gettime(clockid_t clock, struct timespec *out);

static struct fiber *find_free(void)
{
	for (int i = PROCESSES; i < FIBERS; i++)
		if (!world.fibers[i].process)
			return &world.fibers[i];
	return NULL;
}

/* It runs at once: nothing comes between a look at the lease and what a thread sends after it. */
int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*body)(void *),
			  void *argument)
{
	struct fiber *creator = world.running, *f = creator ? find_free() : NULL;

	if (!creator)
		return __real_pthread_create(out, attr, body, argument);
	if (!f || is_dead() || (fault_now() && one_in(4))) {
		trace("no thread can be started");
		return EAGAIN;
	}
	fiber_begin(f, creator->process);
	f->body = body;
	f->argument = argument;
	*out = (pthread_t)(f - world.fibers);
	creator->wake_at = world.now;
	world.next = f;
	to_world(creator);
	return 0;
}

void thread_carry_out(struct fiber *f)
{
	f->body(f->argument);
	f->over = true;
	f->wake_at = INT64_MAX;
	if (f->joined_by)
		f->joined_by->wake_at = world.now;
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
	struct fiber *f;

	if (!world.running)
		return __real_pthread_join(thread, result);
	f = &world.fibers[thread];
	while (!f->over) {
		f->joined_by = world.running;
		world.running->wake_at = INT64_MAX;
		to_world(world.running);
	}
	f->process = NULL;
	return 0;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *m)
{
	int busy = pthread_mutex_trylock(m);

	if (busy)
		BUG("a thread gives way while it has a mutex");
	return 0;
}

static void wait(pthread_cond_t *c, pthread_mutex_t *m, int64_t until)
{
	struct fiber *f = world.running;

	pthread_mutex_unlock(m);
	f->waits_on = c;
	f->wake_at = until;
	to_world(f);
	f->waits_on = NULL;
	__wrap_pthread_mutex_lock(m);
}

int __wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
	wait(c, m, INT64_MAX);
	return 0;
}

/* On its way out, too, the others of the process have their turn. */
int __wrap_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *t)
{
	int64_t until = (int64_t)t->tv_sec * SECOND + t->tv_nsec / 1000;
	int64_t left = until - monotonic_us(me());

	wait(c, m, world.now + (is_dead() || left < 1 ? 1 : left));
	return is_dead() || monotonic_us(me()) >= until ? ETIMEDOUT : 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *c)
{
	for (int i = 0; i < FIBERS; i++)
		if (world.fibers[i].process && world.fibers[i].waits_on == c)
			wake(&world.fibers[i], (int64_t)chance(SOON_US));
	return 0;
}

/* Whoever waits looks whether it was meant. */
int __wrap_pthread_cond_signal(pthread_cond_t *c)
{
	return __wrap_pthread_cond_broadcast(c);
}

/* Of the runner's, only for how long it waits on a condition. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	int64_t us;

	if (!world.running)
		return __real_clock_gettime(clock, out);
	us = monotonic_us(me());
	out->tv_sec = us / SECOND;
	out->tv_nsec = us % SECOND * 1000;
	return 0;
}
