/* postgres_pooled.c - whether a pooler stands between a session and its server */
#include "vm/driver/postgres.h"
#include <stdlib.h>

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

enum outcome postgres_own_backend(struct postgres *s, const struct watch *watch, struct error *err)
{
	struct postgres other = { 0 };
	struct error ignored = { 0 };
	int pid = backend_of(s, watch, err), others = -1;

	if (pid < 0)
		return err->outcome;
	if (postgres_is_backend(s, pid))
		return OUTCOME_OK;
	/* One that pools sessions leaves us ours while another asks. */
	if (postgres_open(&other, s->conninfo, "amig", watch, &ignored) == OUTCOME_OK)
		others = backend_of(&other, watch, &ignored);
	postgres_close(&other);
	error_clear(&ignored);
	if (others != pid)
		return OUTCOME_OK;
	error_set(err, OUTCOME_UNREACHABLE,
		  "a pooler gives this connection another of the server's sessions for each "
		  "transaction");
	error_hint(err, "let the URL name the server itself, or a pool of whole sessions");
	return err->outcome;
}
