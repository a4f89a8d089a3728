/* postgres_result.h - PostgreSQL's rows as a result */
#ifndef VM_CONNECTION_POSTGRES_RESULT_H
#define VM_CONNECTION_POSTGRES_RESULT_H

#include "vm/connection/connection.h"
#include <libpq-fe.h>

/* Adds the rows of one PGresult: the columns are described by the first. false: the result has
 * grown over its cap. */
bool postgres_result_add(struct result *out, const PGresult *rows);
/* After the last row: columns get the type that all of their cells can be read as. source describes
 * the columns. */
void postgres_result_settle(struct result *out, const PGresult *source);

#endif
