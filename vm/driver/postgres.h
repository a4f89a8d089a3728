/*
 * postgres.h - one libpq session, used by the store and by connections of kind postgres
 *
 * Knows libpq, nothing of amig. Never blocks longer than `slice`: while it waits it polls the socket and asks the watch.
 * No secret in any error: the connection string is never printed.
 */
#ifndef VM_DRIVER_POSTGRES_H
#define VM_DRIVER_POSTGRES_H

#include "vm/base/error.h"
#include "vm/driver/watch.h"
#include <libpq-fe.h>

struct postgres {
	PGconn *pg;
	char *conninfo;
	int server_version;		/* 150020 */
	bool in_pipeline;
};

/* application_name may be NULL. Connect timeout 10 s unless the conninfo says otherwise. */
enum outcome postgres_open(struct postgres *s, const char *conninfo, const char *application_name,
			   const struct watch *watch, struct error *err) MUST_USE;
void postgres_close(struct postgres *s);
/* One simple-protocol query (may hold several statements); the last result, owned by the caller (PQclear). */
enum outcome postgres_query(struct postgres *s, const char *sql, const struct watch *watch, PGresult **out,
			    struct error *err) MUST_USE;
/* As above with text parameters (NULL elements are NULL), by the extended protocol. */
enum outcome postgres_query_params(struct postgres *s, const char *sql, int count, const char *const *values,
				   const struct watch *watch, PGresult **out, struct error *err) MUST_USE;
/* Fills err from a result (or the session if NULL): code, class, message, detail, hint, position. */
enum outcome postgres_fail(struct postgres *s, const PGresult *result, struct error *err);
/* Asks the server to cancel what runs now (PQcancel); its end is seen by the caller's own wait. */
void postgres_cancel(struct postgres *s);
/* Waits until a result is there, polling the watch; a request to cancel is sent on. NULL result: end of the query. */
enum outcome postgres_result(struct postgres *s, const struct watch *watch, PGresult **out, struct error *err) MUST_USE;

#endif
