/* retry.c - exponential backoff with jitter */
#include "vm/run/retry.h"

struct retry retry_default(void)
{
	return (struct retry){ RETRY_TIMES_DEFAULT, RETRY_BACKOFF_MIN_MS, RETRY_BACKOFF_MAX_MS };
}

bool retry_wanted(const struct retry *r, int64_t attempt, const struct error *err)
{
	return err->class == ERROR_TRANSIENT && attempt <= r->times;
}

int64_t retry_wait_ms(const struct retry *r, int64_t attempt, uint32_t random)
{
	int64_t wait = r->backoff_min_ms > 0 ? r->backoff_min_ms : 0;
	int64_t most = r->backoff_max_ms > wait ? r->backoff_max_ms : wait;
	int64_t half;

	for (int64_t i = 1; i < attempt && wait < most; i++)
		wait = wait > most / 2 ? most : wait * 2;
	half = wait / 2;
	return wait - half + (int64_t)((double)half * ((double)random / 4294967296.0));
}
