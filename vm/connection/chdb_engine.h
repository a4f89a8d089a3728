/*
 * chdb_engine.h - ClickHouse's engine inside of this process: libchdb, loaded when it is needed
 *
 * The library is a process's, not a caller's: it works in one folder at a time, which no other
 * process may have open meanwhile. Its sessions are connections to that engine; each runs one
 * statement at a time, on a thread of its own, while the caller waits and stays responsive. After
 * the first session was opened the process must not fork.
 *
 * libchdb.so is where AMIG_CHDB_LIBRARY says, else where the loader finds it.
 */
#ifndef VM_CONNECTION_CHDB_ENGINE_H
#define VM_CONNECTION_CHDB_ENGINE_H

#include "vm/connection/connection.h"

#define CHDB_PACKAGE "@chdb/lib-linux-x64-gnu@26.5.3"	/* of npm: the one that is tested */

struct chdb_session;

enum outcome chdb_session_open(const char *folder, struct chdb_session **out,
			       struct error *err) MUST_USE;
/* The last one's end closes the engine. NULL is accepted. */
void chdb_session_close(struct chdb_session *s);

struct chdb_reply {
	struct str text;	/* TabSeparatedWithNamesAndTypes, or what is wrong */
	bool failed;
	int64_t written;	/* rows; -1: not told */
	void *result;		/* what the text is in */
};

/* How a statement is ended when the watch wants it: by the other session. */
struct chdb_ending {
	struct chdb_session *by;
	struct str words;	/* a statement */
	int64_t deadline_ms;	/* when it ends anyway, monotonic; 0 never */
};

/* Its end is awaited, whatever the watch wants. How: NULL, it can't be ended. */
void chdb_session_run(struct chdb_session *s, struct str sql, const struct chdb_ending *how,
		      const struct watch *watch, struct chdb_reply *out);
void chdb_reply_clear(struct chdb_reply *r);

#endif
