/* postgres_kind.h - what the files of the kind postgres have in common */
#ifndef VM_CONNECTION_POSTGRES_KIND_H
#define VM_CONNECTION_POSTGRES_KIND_H

#include "vm/connection/stream.h"
#include "vm/driver/postgres.h"

struct postgres_state {
	struct postgres own;
	struct postgres *store;		/* when the target is the store's own database */
	struct postgres reader;		/* of streams; opened when the first is */
	bool open;			/* a transaction of several statements, in own */
	struct postgres aside;		/* for postgres_measure(); opened when it is first asked */
	char *measure;			/* its question, of what the server has; or NULL */
	bool commits_lightly;		/* synchronous_commit is off here */
	bool is_held;			/* a target of rows has a transaction open in `own` */
	bool is_pooled;			/* no session of the server's is ours */
	char *path;			/* of pooled sessions: the search path to set; or NULL */
};

/* postgres_kind.c */
/* A session that was lost is opened anew before it is used: what was in it is over, and was
 * reported when it broke. */
enum outcome postgres_wake(struct connection *c, const struct watch *watch,
			   struct error *err) MUST_USE;

/* What a transaction of its own begins with, behind postgres_text_prefix(). */
void postgres_print_beginning(const struct postgres_state *state, const struct statement *s,
			      struct buf *out);

/* postgres_pooled.c */
enum outcome postgres_learn_session(struct postgres_state *s, const struct watch *watch,
				    struct error *err) MUST_USE;
/* What stands in front of every statement in a transaction of its own behind a pooler. */
void postgres_print_pooled(const struct postgres_state *s, struct buf *out);
/* Around questions that belong together; ended also when they failed. */
enum outcome postgres_look_begin(const struct postgres_state *s, struct postgres *session,
				 const struct watch *watch, struct error *err) MUST_USE;
void postgres_look_end(const struct postgres_state *s, struct postgres *session);
/* Refuses what can't be had outside of transactions behind a pooler. */
enum outcome postgres_check_outside(struct postgres_state *s, const struct statement *statement,
				    const struct watch *watch, struct error *err) MUST_USE;

/* postgres_index.c: in front of a statement outside of transactions. */
enum outcome postgres_drop_invalid(struct postgres *session, const struct statement *s,
				   const struct watch *watch, struct error *err) MUST_USE;

/* postgres_measure.c */
bool postgres_measure(struct connection *c, const char *query_id, struct measure *out);

/* postgres_inspect.c: inspect() of the kind. */
void postgres_inspect(const struct inspection *in, struct findings *f);

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
