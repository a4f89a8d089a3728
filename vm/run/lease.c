/* lease.c - see lease.h */
#include "vm/run/lease.h"

/* Who has an epoch has claimed the run. */
bool lease_is_safe(struct run *r)
{
	return r->epoch > 0;
}
