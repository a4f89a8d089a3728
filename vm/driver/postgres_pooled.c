/* postgres_pooled.c - whether a pooler stands between a session and its server */
#include "vm/base/os.h"
#include "vm/driver/postgres.h"
#include <stdlib.h>

#define OTHERS 4
#define PATIENCE_MS 2000

static int backend_of(struct postgres *s, const struct watch *watch, struct error *err)
{
	PGresult *answer;
	int pid = -1;

	if (postgres_query(s, "SELECT pg_backend_pid()", watch, &answer, err) != OUTCOME_OK)
		return pid;
	pid = atoi(PQgetvalue(answer, 0, 0));
	PQclear(answer);
	return pid;
}

/* A pooler makes up the process id that cancels are sent with. */
bool postgres_is_backend(const struct postgres *s, int pid)
{
	return PQbackendPID(s->pg) == pid;
}

/* What another session is given while it is in a transaction; -1: nothing, within a moment (a pool
 * of whole sessions may have no more). */
static int backend_of_another(struct postgres *other, const struct postgres *s,
			      const struct watch *watch)
{
	struct error ignored = { 0 };
	int pid = -1;

	if (postgres_open(other, s->conninfo, "amig", watch, &ignored) == OUTCOME_OK) {
		other->patience_until_ms = os_monotonic_ms() + PATIENCE_MS;
		postgres_begin(other);
		pid = backend_of(other, watch, &ignored);
	}
	error_clear(&ignored);
	return pid;
}

/* One that pools whole sessions leaves us ours, also while others ask. Else one of them is given it
 * when nothing else is free. */
static bool is_shared_out(struct postgres *s, int pid, const struct watch *watch)
{
	struct postgres others[OTHERS] = { 0 };
	struct error ignored = { 0 };
	int again = backend_of(s, watch, &ignored), given = 0;
	bool shared = again >= 0 && again != pid;

	for (size_t i = 0; i < OTHERS && !shared && given >= 0; i++) {
		given = backend_of_another(&others[i], s, watch);
		shared = given == pid;
	}
	for (size_t i = 0; i < OTHERS; i++)
		postgres_close(&others[i]);
	error_clear(&ignored);
	return shared;
}

enum outcome postgres_own_backend(struct postgres *s, const struct watch *watch, struct error *err)
{
	int pid = backend_of(s, watch, err);

	if (pid < 0)
		return err->outcome;
	if (postgres_is_backend(s, pid) || !is_shared_out(s, pid, watch))
		return OUTCOME_OK;
	error_set(err, OUTCOME_UNREACHABLE,
		  "a pooler gives this connection another of the server's sessions for each "
		  "transaction");
	error_hint(err, "let the URL name the server itself, or a pool of whole sessions");
	return err->outcome;
}
