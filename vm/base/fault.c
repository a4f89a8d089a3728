/* fault.c - counts passages of the places in fault.def and dies at the one that AMIG_FAULT names */
#include "vm/base/fault.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

const char *const fault_words[FAULT_COUNT] = {
#define FAULT(name, word, sentence) word,
#include "vm/base/fault.def"
#undef FAULT
};

#ifdef AMIG_FAULTS
/* Passages left until death by place, 0 none: read from the environment once. It is the process
 * that dies, so the count is the process's. */
static long left[FAULT_COUNT];
static bool known, armed;
static int signal_number = SIGKILL;

#define FAULT_DELAY_US 3000

static void learn(void)
{
	const char *text = getenv("AMIG_FAULT");
	const char *colon = text ? strchr(text, ':') : NULL;

	known = true;
	if (!colon)
		return;
	if (strchr(colon + 1, ':') && strcmp(strchr(colon + 1, ':'), ":stop") == 0)
		signal_number = SIGSTOP;
	for (size_t i = 0; i < FAULT_COUNT; i++) {
		size_t len = strlen(fault_words[i]);

		if (len == (size_t)(colon - text) && memcmp(text, fault_words[i], len) == 0)
			left[i] = strtol(colon + 1, NULL, 10);
	}
}

static bool is_due(enum fault f)
{
	if (!known)
		learn();
	return left[f] > 0 && --left[f] == 0;
}

void fault_pass(enum fault f)
{
	if (is_due(f))
		raise(signal_number);
}

static void die(int number)
{
	(void)number;
	raise(signal_number);
}

void fault_begin(enum fault f)
{
	struct itimerval soon = { .it_value = { 0, FAULT_DELAY_US } };

	if (!is_due(f))
		return;
	armed = true;
	signal(SIGALRM, die);
	setitimer(ITIMER_REAL, &soon, NULL);
}

void fault_end(void)
{
	if (armed)
		raise(signal_number);
	armed = false;
}
#endif
