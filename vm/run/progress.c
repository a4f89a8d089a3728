/* progress.c - the weighted share of completed operations */
#include "vm/run/progress.h"

void progress_init(struct progress *p, int64_t *before, const int64_t *weights, int64_t count)
{
	p->before = before;
	p->count = count;
	before[0] = 0;
	for (int64_t i = 0; i < count; i++)
		before[i + 1] = before[i] + weights[i];
}

int progress_percent(const struct progress *p, int64_t index, double share)
{
	int64_t total = p->count > 0 ? p->before[p->count] : 0;
	int64_t done, weight;
	int percent;

	if (index >= p->count)
		return 100;
	if (index < 0)
		index = 0;
	if (!(share > 0))
		share = 0;
	if (share > 1)
		share = 1;
	done = p->before[index];
	weight = p->before[index + 1] - done;
	percent = (int)((100 * done + (int64_t)(100.0 * share * (double)weight)) / total);
	return percent > 99 ? 99 : percent;
}

int progress_between(const struct progress *p, int64_t index, double done)
{
	double total = (double)p->before[p->count];
	int percent = (int)(100.0 * ((double)p->before[index] + done) / total);

	return percent > 99 ? 99 : percent;
}
