/* sqlite_kind.h - what the files of the kind sqlite have in common */
#ifndef VM_CONNECTION_SQLITE_KIND_H
#define VM_CONNECTION_SQLITE_KIND_H

#include "vm/connection/stream.h"
#include "vm/driver/sqlite.h"

struct sqlite_state {
	struct sqlite own;
	struct sqlite *session;		/* &own, or the store's */
	char *path;			/* as it was opened */
};

/* Transactions are the runner's business, and an attached file would not commit together with this
 * one. */
enum outcome sqlite_refuse_control(struct connection *c, struct str sql, bool *changes_schema,
				   struct error *err) MUST_USE;

/* sqlite_inspect.c: inspect() of the kind. */
void sqlite_inspect(const struct inspection *in, struct findings *f);

#endif
