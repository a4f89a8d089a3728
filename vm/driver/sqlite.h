/*
 * sqlite.h - one SQLite database file, used by the store and by connections of kind sqlite
 *
 * WAL, synchronous=FULL, foreign keys on, busy timeout 10 s. Knows libsqlite3, nothing of amig.
 */
#ifndef VM_DRIVER_SQLITE_H
#define VM_DRIVER_SQLITE_H

#include "vm/base/error.h"
#include "vm/base/str.h"
#include "vm/driver/watch.h"
#include <sqlite3.h>

struct sqlite {
	sqlite3 *db;
	char *path;			/* as opened, made absolute */
	struct watch watch;		/* of the running statement; asked by the progress handler */
};

enum outcome sqlite_open(struct sqlite *s, const char *path, struct error *err) MUST_USE;
void sqlite_close(struct sqlite *s);
/* Runs every statement in the text. rows (may be NULL): how many the last changing statement changed. */
enum outcome sqlite_exec(struct sqlite *s, struct str sql, const struct watch *watch, int64_t *rows, struct error *err) MUST_USE;
/* A statement prepared once and kept for the life of the session (by the address of its text: pass a literal). */
enum outcome sqlite_prepare_kept(struct sqlite *s, const char *sql, sqlite3_stmt **out, struct error *err) MUST_USE;
/* Fills err from the last failure. SQLITE_BUSY/LOCKED: TRANSIENT; FULL, IOERR, CANTOPEN, CORRUPT, NOTADB by their outcome. */
enum outcome sqlite_fail(struct sqlite *s, struct error *err);
/* Whether two paths are one file (device and inode). */
bool sqlite_same_file(const char *a, const char *b);

#endif
