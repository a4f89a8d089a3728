/* world.c - time, chance, the coroutines, and what happens next */
#include "tests/simulate/simulate.h"

#include <stdarg.h>
#include <stdio.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

#define STACK_BYTES ((size_t)512 << 10)
#define QUIET_AFTER (240 * SECOND) /* no fault begins later */
#define END_AFTER (4 * 3600 * SECOND)
#define STEPS_MAX 400000

struct simulation world;

const struct plan plans[] = {
#define PLAN(name, weight, keys, fails, may_stay, locked, at_once, then, approved, last, doubts)   \
	{ name, weight, keys, fails, may_stay, locked, at_once, then, approved, last, doubts },
#include "tests/simulate/plan.def"
#undef PLAN
};
const size_t plan_count = ARRAY_SIZE(plans);

/* splitmix64 */
static uint64_t next_random(void)
{
	uint64_t z = world.random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t chance(uint64_t below)
{
	return next_random() % below;
}

bool one_in(uint64_t n)
{
	return chance(n) == 0;
}

int64_t between_us(int64_t low, int64_t high)
{
	int64_t span = high - low;

	if (!one_in(4))
		span /= 16;
	return low + (int64_t)chance((uint64_t)span + 1);
}

bool fault_now(void)
{
	if (world.now >= world.quiet_at || !world.faults_left || !one_in((uint64_t)world.rate))
		return false;
	world.faults_left--;
	return true;
}

void trace(const char *format, ...)
{
	va_list args;

	if (!world.trace)
		return;
	printf("%11.6f ", (double)world.now / (double)SECOND);
	if (world.running) {
		const struct process *p = me();

		printf("%s%d.%lld%s", p->number == OPERATOR ? "operator " : "worker ", p->number,
		       (long long)p->incarnation, p->dead ? " (dead)" : "");
		if (world.running - world.fibers >= PROCESSES)
			printf(", thread %d", (int)(world.running - world.fibers) - PROCESSES);
		putchar(' ');
	}
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

/* ---- coroutines ---- */

/* AddressSanitizer must be told whose stack is next. */
static void switch_to(ucontext_t *from, void **from_fake, ucontext_t *to)
{
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_start_switch_fiber(from_fake, to->uc_stack.ss_sp, to->uc_stack.ss_size);
	swapcontext(from, to);
	__sanitizer_finish_switch_fiber(*from_fake, NULL, NULL);
#else
	(void)from_fake;
	swapcontext(from, to);
#endif
}

void to_world(struct fiber *f)
{
	world.running = NULL;
	switch_to(&f->context, &f->fake_stack, &world.context);
}

static void enter(unsigned number)
{
	struct fiber *f = &world.fibers[number];

#ifdef __SANITIZE_ADDRESS__
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(NULL, &bottom, &size);
	world.context.uc_stack.ss_sp = (void *)(uintptr_t)bottom;
	world.context.uc_stack.ss_size = size;
#endif
	for (;;) {
		if (f->body)
			thread_carry_out(f);
		else
			life_of(f->process);
		to_world(f);
	}
}

void fiber_begin(struct fiber *f, struct process *p)
{
	static char *stacks[FIBERS];
	unsigned number = (unsigned)(f - world.fibers);

	if (!stacks[number])
		stacks[number] = must_alloc(STACK_BYTES);
	*f = (struct fiber){ .process = p, .stack = stacks[number] };
	getcontext(&f->context);
	f->context.uc_stack.ss_sp = f->stack;
	f->context.uc_stack.ss_size = STACK_BYTES;
	f->context.uc_link = NULL;
	makecontext(&f->context, (void (*)(void))(uintptr_t)enter, 1, number);
}

static void process_begin(int number)
{
	struct process *p = &world.processes[number];

	p->number = number;
	fiber_begin(&world.fibers[number], p);
	world.fibers[number].wake_at = between_us(0, 5 * SECOND);
	p->wall_skew_us = (int64_t)chance(3600 * SECOND) - 1800 * SECOND;
	p->monotonic_us = (int64_t)chance(1000000 * SECOND) + SECOND;
}

struct process *me(void)
{
	return world.running->process;
}

bool is_dead(void)
{
	return me()->dead;
}

/* Its threads go on without a world; who waits for another of them is woken by that one. */
void kill_process(struct process *p)
{
	p->dead = true;
	p->paused_until = 0;
	for (int i = 0; i < FIBERS; i++) {
		struct fiber *f = &world.fibers[i];

		if (f->process == p && f != world.running && f->wake_at != INT64_MAX)
			f->wake_at = world.now;
	}
}

bool give_way(int64_t us)
{
	if (is_dead())
		return false;
	world.running->wake_at = world.now + (us > 0 ? us : 0);
	to_world(world.running);
	return !is_dead();
}

void wake(struct fiber *f, int64_t in_us)
{
	if (f->wake_at > world.now + in_us)
		f->wake_at = world.now + in_us;
}

int64_t monotonic_us(const struct process *p)
{
	return world.now + p->monotonic_us + p->dead_us;
}

/* All of its threads. */
static bool pause(struct process *p)
{
	p->paused_until = world.now + between_us(SECOND, 90 * SECOND);
	return give_way(0);
}

bool point(const char *where)
{
	struct process *p = me();

	if (p->dead || p->number == OPERATOR || !fault_now())
		return !p->dead;
	switch (chance(7)) {
	case 0:
	case 1:
		trace("killed %s", where);
		kill_process(p);
		return false;
	case 2:
	case 3:
		trace("paused %s", where);
		return pause(p);
	case 4:
		trace("is told to end %s", where);
		p->told = true;
		return true;
	default:
		p->wall_skew_us += (int64_t)chance(600 * SECOND) - 300 * SECOND;
		if (one_in(2))
			p->store_cut_until = world.now + between_us(SECOND, 90 * SECOND);
		else
			p->target_cut_until = world.now + between_us(SECOND, 60 * SECOND);
		trace("cut off from %s %s",
		      p->store_cut_until > world.now ? "the store" : "the targets", where);
		return true;
	}
}

/* ---- a schedule ---- */

static int64_t wakes_at(const struct fiber *f)
{
	int64_t paused_until = f->process->paused_until;

	return f->wake_at > paused_until ? f->wake_at : paused_until;
}

/* Of this process, or of any. */
static struct fiber *next_fiber(const struct process *p, int64_t *at)
{
	struct fiber *next = world.next;

	world.next = NULL;
	*at = world.now;
	if (next)
		return next;
	*at = INT64_MAX;
	for (int i = 0; i < FIBERS; i++) {
		struct fiber *f = &world.fibers[i];

		if (f->process && (!p || f->process == p) && wakes_at(f) < *at) {
			next = f;
			*at = wakes_at(f);
		}
	}
	return next;
}

static void enter_fiber(struct fiber *f)
{
	world.running = f;
	switch_to(&world.context, &world.fake_stack, &f->context);
}

static void step(void)
{
	struct sent *s;
	int64_t server_at = server_next(&s), late_at = state_late_at(), at;
	struct fiber *f = next_fiber(NULL, &at);

	at = at < server_at ? at : server_at;

	at = at < late_at ? at : late_at;
	if (at > world.now)
		world.now = at;
	if (at == late_at) {
		state_deliver_late();
	} else if (at == server_at) {
		server_happen(s);
	} else {
		enter_fiber(f);
	}
}

struct watched *watched_of(struct str name)
{
	for (int i = 0; i < TOGETHER; i++)
		if (world.watched[i].name && str_eq(name, str_c(world.watched[i].name)))
			return &world.watched[i];
	return NULL;
}

/* A worker sees nothing of the others' migrations. */
static void choose(const struct bundle *bundle)
{
	uint64_t at, all = 0;

	for (size_t i = 0; i < plan_count; i++)
		all += plans[i].weight;
	at = chance(all);
	for (world.plan = plans; at >= world.plan->weight; world.plan++)
		at -= world.plan->weight;
	world.watched[0].name = world.plan->name;
	world.watched[1].name = world.plan->then;
	world.bundle = *bundle;
	world.bundle.entries = world.entries;
	world.bundle.count = 0;
	for (uint32_t i = 0; i < bundle->count; i++)
		if (watched_of(bundle->entries[i].name))
			world.entries[world.bundle.count++] = bundle->entries[i];
}

static void begin(uint64_t seed, const struct bundle *bundle, bool tracing)
{
	world = (struct simulation){ .seed = seed, .trace = tracing };
	world.random = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
	world.now = SECOND;
	world.quiet_at = QUIET_AFTER;
	choose(bundle);
	world.faults_left = (int)chance(9);
	world.rate = 5 + (int)chance(40);
	world.has_tables = one_in(2);
	world.server_skew_us = (int64_t)chance(3600 * SECOND);
	state_begin();
	for (int i = 0; i < PROCESSES; i++)
		process_begin(i);
	trace("seed %llu: %s, %d faults", (unsigned long long)seed, world.plan->name,
	      world.faults_left);
}

/* Whoever still lives is killed, so that what it holds is freed. */
static void end(void)
{
	for (int i = 0; i < PROCESSES; i++) {
		struct process *p = &world.processes[i];

		if (p->alive)
			kill_process(p);
		while (p->alive) {
			int64_t at;
			struct fiber *f = next_fiber(p, &at);

			if (!f)
				BUG("seed %llu: threads wait for each other",
				    (unsigned long long)world.seed);
			enter_fiber(f);
		}
	}
	world.running = NULL;
	server_clear();
	state_end();
}

bool world_run(uint64_t seed, const struct bundle *bundle, bool tracing)
{
	begin(seed, bundle, tracing);
	while (!world.over && !world.violation) {
		step();
		if (world.now > END_AFTER || ++world.steps > STEPS_MAX)
			violated("no end was reached");
	}
	end();
	return !world.violation;
}
