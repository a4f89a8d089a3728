/*
 * postgres_aside.h - rows into PostgreSQL by COPY, without those that it refuses
 *
 * A COPY is refused as a whole. So each piece of rows is one behind a savepoint; one that is
 * refused is cut in two and tried again, until it is a single row that is refused alone, behind all
 * that come before it. Where the server tells the line the cut is made there.
 */
#ifndef VM_CONNECTION_POSTGRES_ASIDE_H
#define VM_CONNECTION_POSTGRES_ASIDE_H

#include "vm/connection/stream.h"
#include "vm/driver/postgres.h"

/* Made in the transaction before the first row. */
#define POSTGRES_ASIDE_SAVEPOINT "SAVEPOINT amig_row"

struct postgres_aside {
	struct postgres *session;
	struct str copy;		/* COPY … FROM STDIN */
	struct stream *target;		/* whose set_aside() is told */
	const struct watch *watch;
	bool holds;			/* there are rows behind the savepoint that stay */
	bool is_open;			/* a COPY is under way */
};

enum outcome postgres_aside_write(struct postgres_aside *a, struct str rows,
				  struct error *err) MUST_USE;

#endif
