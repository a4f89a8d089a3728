/* strand_turn.c - who has the turn, and what of the run goes with it */
#include "vm/base/mutant.h"
#include "vm/run/host.h"
#include "vm/run/strand.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

/* ---- what is an operation's own ---- */

static void exchange_bytes(void *a, void *b, size_t size)
{
	unsigned char *x = a, *y = b;

	for (size_t i = 0; i < size; i++) {
		unsigned char z = x[i];

		x[i] = y[i];
		y[i] = z;
	}
}

#define EXCHANGE(field) exchange_bytes(&r->field, &mine->field, sizeof(r->field))

static void exchange(struct run *r, struct run *mine)
{
	EXCHANGE(vm);
	EXCHANGE(here);
	EXCHANGE(share);
	EXCHANGE(copied);
	EXCHANGE(window);
	EXCHANGE(checkpoint);
	EXCHANGE(open_effect);
	EXCHANGE(verdict);
	EXCHANGE(left_open);
	EXCHANGE(touched);
	EXCHANGE(undone_times);
	EXCHANGE(gauge);
	EXCHANGE(sql);
	EXCHANGE(failed_sql);
	EXCHANGE(failed_query_id);
	EXCHANGE(journal.query_id);
}

/* ---- the turn ---- */

static bool may_take(const struct strands *all, const struct strand *s)
{
	return !all->turn && (!s || !all->alone || all->alone == s);
}

static void take(struct strands *all, struct strand *s)
{
	while (!may_take(all, s))
		pthread_cond_wait(&all->news, &all->lock);
	all->turn = true;
	all->holder = s;
	if (s)
		exchange(all->r, &s->mine);
}

static void give(struct strands *all)
{
	if (all->holder)
		exchange(all->r, &all->holder->mine);
	all->turn = false;
	all->holder = NULL;
	pthread_cond_broadcast(&all->news);
}

void turn_take(struct strands *all, struct strand *s)
{
	pthread_mutex_lock(&all->lock);
	take(all, s);
	pthread_mutex_unlock(&all->lock);
}

bool turn_try(struct strand *s)
{
	bool may;

	pthread_mutex_lock(&s->all->lock);
	may = may_take(s->all, s);
	if (may)
		take(s->all, s);
	pthread_mutex_unlock(&s->all->lock);
	return may;
}

void turn_give(struct strands *all)
{
	pthread_mutex_lock(&all->lock);
	give(all);
	pthread_mutex_unlock(&all->lock);
}

void turn_pass(struct strands *all)
{
	struct timespec until;
	size_t over;
	int failed = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)WATCH_SLICE_MS * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&all->lock);
	over = all->over;
	give(all);
	while (all->over == over && failed != ETIMEDOUT)
		failed = pthread_cond_timedwait(&all->news, &all->lock, &until);
	take(all, NULL);
	pthread_mutex_unlock(&all->lock);
}

/* ---- away ---- */

static bool goes_apart(const struct connection *c)
{
	return c->kind->capabilities & CAN_AT_ONCE && !c->shared;
}

struct strand *strand_away(struct run *r, const struct connection *c,
			   const struct connection *also, const struct watch **watch)
{
	struct strands *all = r->strands;
	struct strand *s = all ? all->holder : NULL;

	*watch = &r->watch;
	if (!s || !goes_apart(c) || (also && !goes_apart(also)))
		return NULL;
	*watch = &s->watch;
	pthread_mutex_lock(&all->lock);
	all->away++;
	give(all);
	pthread_mutex_unlock(&all->lock);
	return s;
}

void strand_back(struct strand *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->all->lock);
	s->all->away--;
	pthread_cond_broadcast(&s->all->news);
	take(s->all, s);
	pthread_mutex_unlock(&s->all->lock);
}

bool strand_rests(struct run *r, int64_t ms)
{
	struct strands *all = r->strands;
	struct strand *s = all ? all->holder : NULL;

	if (!s)
		return false;
	turn_give(all);
	poll(NULL, 0, (int)ms);
	turn_take(all, s);
	return true;
}

void strand_alone(struct run *r)
{
	struct strands *all = r->strands;
	struct strand *s = all ? all->holder : NULL;

	if (!s || mutant(MUTANT_NOT_ALONE))
		return;
	pthread_mutex_lock(&all->lock);
	all->alone = s;
	while (all->away > 0) {
		give(all);
		pthread_cond_wait(&all->news, &all->lock);
		take(all, s);
	}
	/* A healthcheck that has failed cancelled what was away, and not what is found out now; a
	 * stop is heard anew. */
	if (r->health.state == HEALTH_CANCELS)
		r->health.state = HEALTH_BAD;
	atomic_store(&all->cancel, false);
	pthread_mutex_unlock(&all->lock);
}

void strand_together(struct run *r)
{
	struct strands *all = r->strands;

	if (!all || !all->holder || all->alone != all->holder)
		return;
	pthread_mutex_lock(&all->lock);
	all->alone = NULL;
	pthread_cond_broadcast(&all->news);
	pthread_mutex_unlock(&all->lock);
}

/* A doubt is settled to its end. */
bool strand_is_to_end(const struct run *r)
{
	const struct strands *all = r->strands;

	return all && all->holder && all->ending && all->alone != all->holder;
}

/* ---- sessions ---- */

static bool is_borrowed(const struct strands *all, uint32_t place)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->at[i].borrowed && all->at[i].borrowed[place])
			return true;
	return false;
}

/* The run's own as long as nobody else has it: mostly there is one strand for a host. */
struct connection *strand_connection(struct run *r, uint32_t place)
{
	struct strand *s = r->strands->holder;
	struct connection *common = &r->connections[place];

	if (!s || (common->kind && !goes_apart(common)))
		return common;
	if (s->borrowed[place])
		return common;
	if (s->connections[place].kind)
		return &s->connections[place];
	if (is_borrowed(r->strands, place))
		return &s->connections[place];
	/* Whose it is to be is known when it is open, and asked again then. */
	s->borrowed[place] = common->kind != NULL;
	return common;
}
