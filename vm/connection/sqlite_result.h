/* sqlite_result.h - the rows of a SQLite statement as a result */
#ifndef VM_CONNECTION_SQLITE_RESULT_H
#define VM_CONNECTION_SQLITE_RESULT_H

#include "vm/connection/connection.h"
#include "vm/driver/sqlite.h"

/* Steps the statement to its end. What out held before is replaced, unless the statement gives no
 * columns. */
enum outcome sqlite_result_read(struct sqlite *db, sqlite3_stmt *statement, struct result *out,
				struct error *err) MUST_USE;

#endif
