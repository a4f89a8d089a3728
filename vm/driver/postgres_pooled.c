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

/* One that pools whole sessions leaves us ours, also while another asks. */
static bool is_shared_out(struct postgres *s, int pid, const struct watch *watch)
{
	struct postgres other = { 0 };
	struct error ignored = { 0 };
	int again = backend_of(s, watch, &ignored), others = -1;

	if (postgres_open(&other, s->conninfo, "amig", watch, &ignored) == OUTCOME_OK)
		others = backend_of(&other, watch, &ignored);
	postgres_close(&other);
	error_clear(&ignored);
	return (again >= 0 && again != pid) || others == pid;
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
