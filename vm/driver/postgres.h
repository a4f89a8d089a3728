/*
 * postgres.h - one libpq session, used by the store and by connections of kind postgres
 *
 * Knows libpq, nothing of amig. Never blocks longer than a slice: while it waits it polls the
 * socket and asks the watch. No secret in any error: the connection string is never printed.
 *
 * Error classes: the server's refusals by their SQLSTATE. A session that is lost before anything
 * was sent is TRANSIENT, after that UNKNOWN; who knows that no COMMIT was among what was sent may
 * call it TRANSIENT. A lost or abandoned session stays lost (postgres_is_alive) until
 * postgres_reopen().
 */
#ifndef VM_DRIVER_POSTGRES_H
#define VM_DRIVER_POSTGRES_H

#include "vm/base/error.h"
#include "vm/base/str.h"
#include "vm/driver/watch.h"
#include <libpq-fe.h>
#include <pthread.h>

#define POSTGRES_STATE_SCHEMA "amig"
/* The search path without "$user". */
#define POSTGRES_PATH                                                                              \
	"regexp_replace(current_setting('search_path'), '\"\\$user\"\\s*,?\\s*', '')"

/* Reads the answers that are owed. synced: the caller has sent the pipeline's sync and reads what
 * is behind them; else the pipeline is to be ended as well. false: a statement among them failed,
 * and nothing behind it was run. */
typedef bool (*postgres_owner_fn)(void *context, const struct watch *watch, bool synced);
/* Sends what is to run behind a statement; false: the session is lost. */
typedef bool (*postgres_follower_fn)(void *context);

struct postgres {
	PGconn *pg;
	char *conninfo;
	char *application_name;		/* or NULL */
	char *kept;			/* SQL of postgres_keep(), or NULL */
	int64_t patience_until_ms; /* monotonic: a silent server is given up then; 0 never */
	int server_version;		/* 150020 */
	bool in_pipeline;		/* by whoever owes its answers */
	postgres_owner_fn owner; /* of an open pipeline whose answers are owed; or NULL */
	postgres_follower_fn follower; /* of the next statement that is joined; or NULL */
	postgres_owner_fn follower_owner;
	bool followed;			/* a join is under way without a sync */
	int64_t joined_at_us;		/* monotonic */
	bool is_quick;			/* so was the statement that was joined last */
	void *owner_context, *follower_context;
	bool begin_due;			/* BEGIN goes out in front of the next statement */
	bool begin_prepared; /* for postgres_join(), as far as is known */
	bool sent;			/* something is on its way whose end has not been seen */
	long shift; /* characters in front of the caller's SQL, taken off error positions */
	int64_t asked_at, cancelled_at;	/* monotonic ms */
	int64_t answered_us;		/* monotonic, when an answer was last there */
	bool cancelling;		/* `canceller` is to be joined */
	pthread_t canceller;
};

/* application_name may be NULL. Connect timeout 10 s unless the conninfo says otherwise. */
enum outcome postgres_open(struct postgres *s, const char *conninfo, const char *application_name,
			   const struct watch *watch, struct error *err) MUST_USE;
/* Closes what is left and opens the same anew: a new session, nothing of the old one's transaction
 * or settings. */
enum outcome postgres_reopen(struct postgres *s, const struct watch *watch,
			     struct error *err) MUST_USE;
/* Runs SQL that makes the session what it must be, now and after each postgres_reopen(). */
enum outcome postgres_keep(struct postgres *s, const char *sql, struct error *err) MUST_USE;
void postgres_close(struct postgres *s);
/* Whether the process of the server that this session is connected to is the one that says it has
 * this id; else a pooler (PgBouncer) stands between. */
bool postgres_is_backend(const struct postgres *s, int pid);
/* Refuses a session that is not the same one of the server from one transaction to the next, as far
 * as that shows. */
enum outcome postgres_own_backend(struct postgres *s, const struct watch *watch,
				  struct error *err) MUST_USE;
bool postgres_is_alive(const struct postgres *s);
/* Whether a transaction is open, one that has failed and one that is only due included. */
bool postgres_in_transaction(const struct postgres *s);

/* Opens a transaction without a round trip: BEGIN goes out together with the next statement. */
void postgres_begin(struct postgres *s);
/* Ends an open transaction, failed or not, if there is one; never fails: a session that cannot roll
 * back is lost. */
void postgres_rollback(struct postgres *s);

/* One simple-protocol query (may hold several statements); the last result, owned by the caller
 * (PQclear). */
enum outcome postgres_query(struct postgres *s, const char *sql, const struct watch *watch,
			    PGresult **out, struct error *err) MUST_USE;
/* As above with text parameters (NULL elements are NULL), by the extended protocol: one statement.
 */
enum outcome postgres_query_params(struct postgres *s, const char *sql, int count,
				   const char *const *values, const struct watch *watch,
				   PGresult **out, struct error *err) MUST_USE;

/*
 * Owed answers: who has filled a pipeline (postgres_result() and libpq's own calls) need not send
 * it at once. postgres_owe() leaves it to go out with the next statement, by postgres_join(); every
 * other use of the session sends it first and has its owner read the answers (postgres_settle()).
 * The server tells them before the statement that was joined begins, unless the last one was over
 * so soon that this would cost more than it: then in a session that is lost meanwhile they are
 * unknown, and in doubt if a COMMIT is among them.
 */
void postgres_owe(struct postgres *s, postgres_owner_fn owner, void *context);
/* false: what was owed failed. */
bool postgres_settle(struct postgres *s);
/* Sends what is owed, a BEGIN if one is due, then prefix and sql (one statement
 * without NUL, no COPY), and reads all answers but the last statement's: these come from
 * postgres_result() until it gives NULL, row by row. postgres_join_end() must follow in any case,
 * with what became of the statement; it gives that back, or what a late cancel has made of it.
 */
enum outcome postgres_join(struct postgres *s, const char *prefix, struct str sql,
			   const struct watch *watch, struct error *err) MUST_USE;
enum outcome postgres_join_end(struct postgres *s, enum outcome o, struct error *err) MUST_USE;
/*
 * The next postgres_join() has more behind its statement, in the same transaction: follower sends
 * it then, and it runs while the statement's answer is on its way, or not at all when that failed.
 * Its answers are owed afterwards, by owner, who may add to the pipeline before they are read: it
 * has had no sync. NULL: nothing follows.
 */
void postgres_follow(struct postgres *s, postgres_follower_fn follower, postgres_owner_fn owner,
		     void *context);

/* For those who read results one by one: sends prefix and sql as one simple query (positions in
 * errors count from the beginning of sql), then postgres_result() until it gives NULL. row_by_row:
 * as PGRES_SINGLE_TUPLE. */
enum outcome postgres_send(struct postgres *s, const char *prefix, struct str sql,
			   const char *suffix, bool row_by_row, struct error *err) MUST_USE;
/* Waits until a result is there, polling the watch; a request to cancel is sent on. NULL result:
 * end of the query. A result that is an error is given like any other. */
enum outcome postgres_result(struct postgres *s, const struct watch *watch, PGresult **out,
			     struct error *err) MUST_USE;
bool postgres_result_failed(const PGresult *result);
/* Fills err from a result (or the session if NULL): code, class, message, detail, hint, position.
 */
enum outcome postgres_fail(struct postgres *s, const PGresult *result, struct error *err);
/* Asks the server to cancel what runs now (PQcancel, on a thread); its end is seen by the caller's
 * own wait. */
void postgres_cancel(struct postgres *s);
/* Waits for its thread: a cancel that arrives late must not hit the statement after the one it was
 * meant for. */
void postgres_join_canceller(struct postgres *s);
/* Waits until a NOTIFY of a channel that the session listens to has arrived, timeout_ms have passed
 * or a signal comes; false: the session is lost. Only while nothing runs in it. */
bool postgres_hear(struct postgres *s, int timeout_ms, bool *heard);
/* Drops the session at once, whatever runs in it. */
void postgres_abandon(struct postgres *s);

#endif
