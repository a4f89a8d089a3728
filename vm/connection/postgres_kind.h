/* postgres_kind.h - what the files of the kind postgres have in common */
#ifndef VM_CONNECTION_POSTGRES_KIND_H
#define VM_CONNECTION_POSTGRES_KIND_H

#include "vm/connection/stream.h"
#include "vm/driver/postgres.h"

struct postgres_state {
	struct postgres own;
	struct postgres *store;		/* when the target is the store's own database */
	struct postgres reader;		/* of streams; opened when the first is */
	bool commits_lightly;		/* synchronous_commit is off here */
	bool is_held;			/* a target of rows has a transaction open in `own` */
};

/* postgres_kind.c */
/* A session that was lost is opened anew before it is used: what was in it is over, and was
 * reported when it broke. */
enum outcome postgres_wake(struct connection *c, const struct watch *watch,
			   struct error *err) MUST_USE;

/* postgres_catalog.c */
/* The columns of a query, prepared in this session. */
enum outcome postgres_describe_query(struct postgres *session, struct str sql,
				     const struct watch *watch, struct stream *out,
				     struct error *err) MUST_USE;
/* The columns of a table that rows go into. */
enum outcome postgres_describe_table(struct postgres *session, const struct stream_target *t,
				     const struct watch *watch, struct stream *out,
				     struct error *err) MUST_USE;

#endif
