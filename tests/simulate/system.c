/* system.c - what the runner takes for the system: clocks, sleep, randomness, who it is (the
 * linker's --wrap leads here) */
#include "tests/simulate/simulate.h"
#include "vm/base/os.h"

#include <poll.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#define PID_BASE 1000
#define DEAD_STEP (SECOND / 2) /* on its way out time flies: no loop waits for ever */
#define WALL_BASE (INT64_C(1767225600) * SECOND) /* 2026-01-01 */

int64_t __wrap_os_monotonic_us(void);
int64_t __wrap_os_monotonic_ms(void);
int64_t __wrap_os_wall_us(void);
void __wrap_os_sleep_ms(int64_t ms);
void __wrap_os_random(void *out, size_t len);
void __wrap_os_uuid(char out[37]);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
pid_t __wrap_getpid(void);
int __wrap_gethostname(char *name, size_t len);
bool __wrap_run_is_told_to_end(void);
enum outcome __wrap_os_read_file(const char *path, size_t cap_bytes, struct buf *out,
				 struct error *err);
enum outcome __real_os_read_file(const char *path, size_t cap_bytes, struct buf *out,
				 struct error *err);

int64_t __wrap_os_monotonic_us(void)
{
	if (!world.running)
		return SECOND;
	if (is_dead())
		me()->dead_us += DEAD_STEP;
	return monotonic_us(me());
}

int64_t __wrap_os_monotonic_ms(void)
{
	return __wrap_os_monotonic_us() / 1000;
}

int64_t __wrap_os_wall_us(void)
{
	return WALL_BASE + world.now + (world.running ? me()->wall_skew_us : 0);
}

void __wrap_os_sleep_ms(int64_t ms)
{
	if (point("before a sleep"))
		give_way(ms * MS);
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	(void)fds;
	(void)count;
	__wrap_os_sleep_ms(timeout_ms);
	return 0;
}

void __wrap_os_random(void *out, size_t len)
{
	unsigned char *at = out;

	for (size_t i = 0; i < len; i++)
		at[i] = (unsigned char)chance(256);
}

void __wrap_os_uuid(char out[37])
{
	snprintf(out, 37, "00000000-0000-7000-8000-%012llx",
		 (unsigned long long)chance(UINT64_C(1) << 48));
}

/* Every process has a number of its own, and started when its number says. The first two workers
 * are on one machine and see each other's processes; each life of the third one is a container of
 * its own. */
pid_t __wrap_getpid(void)
{
	return (pid_t)(PID_BASE + (world.running ? me()->incarnation : 0));
}

bool __wrap_run_is_told_to_end(void)
{
	return world.running && me()->told;
}

static bool shares_host(const struct process *a, const struct process *b)
{
	return a == b || (a->number < 2 && b->number < 2);
}

int __wrap_gethostname(char *name, size_t len)
{
	if (!world.running || me()->number < 2)
		snprintf(name, len, "host");
	else
		snprintf(name, len, "container%lld", (long long)me()->incarnation);
	return 0;
}

enum outcome __wrap_os_read_file(const char *path, size_t cap_bytes, struct buf *out,
				 struct error *err)
{
	long pid;

	if (!world.running || sscanf(path, "/proc/%ld/stat", &pid) != 1)
		return __real_os_read_file(path, cap_bytes, out, err);
	for (int i = 0; i < PROCESSES; i++) {
		const struct process *p = &world.processes[i];

		if (!p->alive || p->dead || p->incarnation + PID_BASE != pid ||
		    !shares_host(p, me()))
			continue;
		buf_format(out, "%ld (amigrun) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 %ld ",
			   pid, pid);
		return OUTCOME_OK;
	}
	return error_set(err, OUTCOME_UNREACHABLE, "there is no process %ld", pid);
}
