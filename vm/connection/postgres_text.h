/* postgres_text.h - the SQL text that goes to PostgreSQL: what stands around a statement, literals,
 * what may be said */
#ifndef VM_CONNECTION_POSTGRES_TEXT_H
#define VM_CONNECTION_POSTGRES_TEXT_H

#include "vm/connection/connection.h"
#include <libpq-fe.h>

enum text_place {
	TEXT_READ,		/* one simple query, a transaction that cannot write */
	TEXT_READ_INSIDE,	/* behind savepoint amig_read of an open transaction */
	TEXT_CHANGE,		/* one simple query, a transaction of its own */
	TEXT_INSIDE,		/* in an open transaction of the store's session */
	TEXT_SESSION,		/* set for the session: the statement follows alone */
};

/* What stands in front of the statement: its id as a comment, then settings. Ends in ';' or the
 * comment. */
void postgres_text_prefix(struct buf *out, PGconn *pg, const struct statement *s,
			  enum text_place place);
/* Whether an exec as the first statement of an open transaction needs no prefix but its comment, so
 * that it may go out by postgres_join(). */
bool postgres_text_joins(PGconn *pg, const struct statement *s);
/* The settings of a session of the store that effects share, made once: a step is spared them. */
void postgres_text_shared(struct buf *out);
void postgres_text_comment(struct buf *out, const char *query_id);
/* Undoes TEXT_SESSION. */
void postgres_text_reset(struct buf *out, const struct statement *s);
/* Whether its settings say how its commit is waited for. */
bool postgres_text_is_durable(const struct statement *s);
/* Refuses what is not an author's to say: the ends of transactions, commits that are not waited
 * for, and in a query what would let it write. */
enum outcome postgres_text_check(const struct statement *s, bool reading,
				 struct error *err) MUST_USE;
void postgres_text_ident(struct buf *out, struct str part);
void postgres_text_literal(struct buf *out, enum cell_type type, struct str text);

#endif
