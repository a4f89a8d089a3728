/* postgres_notify.c - waiting for what other sessions tell by NOTIFY */
#include "vm/driver/postgres.h"
#include <poll.h>

/* Takes what has arrived from libpq. */
static bool take(struct postgres *s, bool *heard)
{
	PGnotify *n;

	if (!postgres_is_alive(s) || !PQconsumeInput(s->pg))
		return false;
	while ((n = PQnotifies(s->pg)) != NULL) {
		*heard = true;
		PQfreemem(n);
	}
	return true;
}

bool postgres_hear(struct postgres *s, int timeout_ms, bool *heard)
{
	struct pollfd fd = { .events = POLLIN };

	*heard = false;
	if (!take(s, heard))
		return false;
	fd.fd = PQsocket(s->pg);
	if (*heard || poll(&fd, 1, timeout_ms) <= 0)
		return true;
	return take(s, heard);
}
