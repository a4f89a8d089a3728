/*
 * sqlite.h - one SQLite database file, used by the store and by connections of kind sqlite
 *
 * WAL, synchronous=FULL, foreign keys on, busy timeout 10 s. Knows libsqlite3, nothing of amig.
 * While a statement runs or waits for a lock, the watch is asked; both of its wishes interrupt.
 *
 * Any error may have ended the whole transaction (an interrupted or a full disk's write does): look
 * at sqlite_in_transaction() after each, never go on as if it were open.
 */
#ifndef VM_DRIVER_SQLITE_H
#define VM_DRIVER_SQLITE_H

#include "vm/base/error.h"
#include "vm/base/str.h"
#include "vm/base/vec.h"
#include "vm/driver/watch.h"
#include <sqlite3.h>

#define SQLITE_BUSY_TIMEOUT_MS 10000

struct sqlite_kept {
	const char *sql;
	sqlite3_stmt *statement;
};

struct sqlite {
	sqlite3 *db;
	char *path;			/* as opened, made absolute */
	struct watch watch; /* of the running statement; asked by the progress and busy handlers */
	int64_t asked_at;		/* monotonic ms */
	int64_t deadline; /* monotonic ms at which the running statement is interrupted; 0 none */
	bool expired;			/* it was */
	VEC(struct sqlite_kept) kept;
};

/* Of "sqlite:PATH" or PATH; within url. */
const char *sqlite_path(const char *url);
/* Makes the file if it is not there. The address of *s must not change while it is open. */
enum outcome sqlite_open(struct sqlite *s, const char *path, struct error *err) MUST_USE;
void sqlite_close(struct sqlite *s);
/* From now on this watch is asked, until sqlite_unwatch(). For those who step statements
 * themselves. watch: NULL none. */
void sqlite_watch(struct sqlite *s, const struct watch *watch, int64_t timeout_ms);
void sqlite_unwatch(struct sqlite *s);
/* The next statement of *rest, which moves on behind it. NULL: only space and comments are left.
 * Positions in errors count from the beginning of `whole`. The caller finalizes. */
enum outcome sqlite_next(struct sqlite *s, struct str whole, struct str *rest, sqlite3_stmt **out,
			 struct error *err) MUST_USE;
/* Whether the statement is INSERT, UPDATE, DELETE or REPLACE: then sqlite3_changes64() tells of it.
 */
bool sqlite_counts_rows(sqlite3_stmt *statement);
/* A statement prepared once and kept for the life of the session (by the address of its text: pass
 * a literal). Comes reset and without bindings. */
enum outcome sqlite_prepare_kept(struct sqlite *s, const char *sql, sqlite3_stmt **out,
				 struct error *err) MUST_USE;
bool sqlite_in_transaction(const struct sqlite *s);
/* Ends an open transaction, if there is one; never fails. */
void sqlite_rollback(struct sqlite *s);
/* Fills err from the last failure. SQLITE_BUSY/LOCKED: TRANSIENT; FULL, IOERR, CANTOPEN, CORRUPT,
 * NOTADB by their outcome. */
enum outcome sqlite_fail(struct sqlite *s, struct error *err);
/* Whether two paths are one file (device and inode). */
bool sqlite_same_file(const char *a, const char *b);

#endif
