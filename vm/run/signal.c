/* signal.c - SIGTERM and SIGINT; their count is the only global: there is no other way from a
 * handler to the code. One thread hears them, each strand asks. */
#include "vm/run/run.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_int signals;

static void on_signal(int number)
{
	(void)number;
	if (atomic_fetch_add(&signals, 1) > 0)
		_exit(OUTCOME_STOPPED);
}

void run_catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

bool run_is_told_to_end(void)
{
	return atomic_load(&signals) != 0;
}
