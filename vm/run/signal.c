/* signal.c - SIGTERM and SIGINT; their count is the only global: there is no other way from a
 * handler to the code */
#include "vm/run/run.h"

#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
	(void)number;
	if (signals++)
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
	return signals != 0;
}
