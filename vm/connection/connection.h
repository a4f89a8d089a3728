/*
 * connection.h - a database that a migration works on, whatever its kind
 *
 * The runner knows this interface only. A kind is a struct connection_kind in a file of its own and
 * a row in kinds.def. One statement at a time on a connection. Not for several threads.
 *
 * Where the target is the state store's own database, kind->share() makes the connection's effects
 * part of the store's transactions: while one is open in the store's session, exec and query work
 * inside it and never end it; BEGIN and COMMIT are the store's business. After an exec that failed
 * there, that transaction is dead, whatever is left of it: the store rolls it back (store_abort).
 * With none open, a shared connection works by itself as any other.
 */
#ifndef VM_CONNECTION_CONNECTION_H
#define VM_CONNECTION_CONNECTION_H

#include "vm/base/buf.h"
#include "vm/base/semver.h"
#include "vm/driver/watch.h"
#include "vm/base/error.h"
#include "vm/base/vec.h"

struct connection_setting { struct str name, value; };

/* What is asked of a database. All borrowed for the call. */
struct statement {
	struct str sql;				/* rendered */
	const char *query_id;			/* never NULL: seen by the server */
	int64_t timeout_ms;			/* 0: none */
	const struct connection_setting *settings;
	size_t setting_count;
	/* exec, CAN_TRANSACTION, outside of the store's transaction: an INSERT that belongs to the
	 * same transaction, goes first and is not counted; may be empty. */
	struct str marker;
	bool no_transaction;			/* must not be in one (CREATE INDEX CONCURRENTLY) */
};

enum cell_type { CELL_STRING, CELL_BOOL, CELL_INT, CELL_FLOAT, CELL_BYTES, CELL_TIMESTAMP };

struct column {
	struct str name;
	enum cell_type type;			/* what its texts can be read as */
	struct str type_name;			/* the server's own word, for messages */
};

/*
 * A result in memory. Cells are texts: BOOL "true"/"false", INT decimal (a UInt64 beyond int64 is a
 * STRING column's cell: the kind decides), FLOAT as strtod reads, TIMESTAMP
 * 2026-11-22T08:00:00.000000Z, BYTES raw, NULL: ptr NULL.
 */
struct result {
	struct arena arena;
	struct column *columns;
	size_t column_count;
	VEC(struct str *) rows;			/* each column_count cells */
	int64_t affected;			/* of an exec; -1: the database does not tell */
};
void result_clear(struct result *r);
#define RESULT_CAP_BYTES                                                                           \
	((size_t)64 << 20) /* a larger result is an error: `copy` is for big data */

/* CAN_AT_ONCE: several sessions change things at the same time; exec may be of another thread than
 * the one that opened the connection. */
enum capability { CAN_TRANSACTION = 1, CAN_SHARE = 2, CAN_ASK_RUNNING = 4, CAN_AT_ONCE = 8 };

struct connection;

/*
 * The fence of a target without transactions: a table there in which who takes a run over writes
 * its higher epoch before anything else, and a condition on it in every statement that can carry
 * one.
 */
struct target_fence {
	const char *run;	/* the prefix of the run's query ids */
	int64_t epoch;		/* of who sends */
};

/* What a server knows of a statement of which nothing runs any more. */
enum fate {
	FATE_UNKNOWN,
	FATE_FINISHED,		/* to its end */
	FATE_NOT_BEGUN,		/* and it never will */
};

struct stream_kind;
struct inspection;
struct findings;
/* A server of a connection's cluster. */
struct cluster_host {
	struct str name;	/* host:port, as the cluster's servers call it */
	int64_t shard, replica;
};

/* How far a statement has come: what it has read of all that it will, in rows or whatever its
 * server counts, and the rows that it has written. */
struct measure { int64_t read, to_read, written; };	/* 0: not told */

struct connection_kind {
	const char *name;			/* "clickhouse" */
	unsigned capabilities;
	/* Opens and learns the version. url: as the operator gave it; secrets in it never leave
	 * here. */
	enum outcome (*open)(struct connection *c, const char *url, const struct watch *watch,
			     struct error *err);
	void (*close)(struct connection *c);
	/* The next two are there together, or NULL. The hosts of the connection's cluster, by shard
	 * and replica; none where it has no cluster. */
	enum outcome (*hosts)(struct connection *c, const struct watch *watch, struct arena *a,
			      struct cluster_host **out, size_t *count, struct error *err);
	/* open() of one of them, with what else the URL says; it is a server by itself then. */
	enum outcome (*open_host)(struct connection *c, const char *url, struct str host,
				  const struct watch *watch, struct error *err);
	/* Reads only; the database is made to enforce it where it can. */
	enum outcome (*query)(struct connection *c, const struct statement *s,
			      const struct watch *watch, struct result *out, struct error *err);
	/* Changes something. By itself: one transaction where there are such, committed on return;
	 * in the store's open transaction: a part of it. An error's class says whether it happened.
	 * affected: rows of the last INSERT, UPDATE or DELETE, -1 where it is not told. */
	enum outcome (*exec)(struct connection *c, const struct statement *s,
			     const struct watch *watch, int64_t *affected, struct error *err);
	/* The next three are there together, or NULL: a transaction of several statements, outside
	 * of the store's. From begin, which does s->marker first, to commit or abandon, exec and
	 * query are inside of it. commit does s->sql in front of the end; a failure of class
	 * ERROR_UNKNOWN: it may be committed. After any failure, of exec and query too, only
	 * abandon may follow, which can't fail. */
	enum outcome (*begin)(struct connection *c, const struct statement *s,
			      const struct watch *watch, struct error *err);
	enum outcome (*commit)(struct connection *c, const struct statement *s,
			       const struct watch *watch, struct error *err);
	void (*abandon)(struct connection *c);
	/* Ends, or waits out, everything on the server whose query id begins with prefix; returns
	 * when none runs any more. "amig:1:" and not "amig:1", which amig:12 begins with as well.
	 */
	enum outcome (*fence)(struct connection *c, const char *prefix, const struct watch *watch,
			      struct error *err);
	void (*quote_ident)(struct buf *out, struct str part);		/* one part of a name */
	/* A literal: text with its cell type, NULL as ptr NULL. */
	void (*quote_literal)(struct buf *out, enum cell_type type, struct str text);
	/* Whether a statement of this text can be inside a transaction. NULL: there are none. */
	bool (*transactional)(struct str sql);
	/* A question that gives a row if an index of the server keeps these columns unique in all
	 * of a table. table: the parts of its name. NULL: nothing does so there. */
	void (*print_unique)(struct buf *out, const struct str *table, size_t parts,
			     const struct str *columns, size_t count);
	/* Codes of errors that say that a statement was about too much at once: its time or the
	 * server's memory was over, and nothing was changed; behind a blank, what the message has
	 * then. NULL-terminated, or NULL. */
	const char *const *too_much;
	/* CAN_SHARE: works from now on in this open session (a struct postgres * or struct sqlite *
	 * of the store, which must outlive the connection) if it is the same database, under the
	 * same role and search_path, and sets `shared`; false: it is another. */
	bool (*share)(struct connection *c, void *session);
	/* The next four are there together, or NULL. Raises the fence to this epoch, and makes it
	 * where it is missing. *refused: it can't be made there, err says why; statements carry no
	 * condition then. OUTCOME_NOT_NOW: it stands higher. A failure: it is not known to stand.
	 */
	enum outcome (*raise_fence)(struct connection *c, const struct target_fence *f,
				    const struct watch *watch, bool *refused, struct error *err);
	/* Whether a statement carries a condition, which its shape and its table decide. */
	bool (*can_guard)(struct connection *c, struct str sql, const struct watch *watch);
	/* Such a statement with its condition: it throws when the fence stands higher, before
	 * anything is changed. */
	void (*guard)(struct str sql, const struct target_fence *f, const char *query_id,
		      struct buf *out);
	/* What became of a statement. guarded: it carried its condition, the fence is raised, and
	 * so it can't begin late. What the server's log says goes into seen, for people. Only what
	 * is proof makes it known. */
	enum fate (*ask)(struct connection *c, const struct statement *s, bool guarded,
			 const struct target_fence *f, const struct watch *watch,
			 struct buf *seen);
	/* Waits for what a statement that runs no more has set going and that goes on without it,
	 * as other hosts do; as far as it can be seen. NULL: nothing does so. */
	void (*linger)(struct connection *c, const struct statement *s, const struct watch *watch);
	/* From the watch of a statement that runs: how far it has come, by its query id. Briefly,
	 * over a socket of its own. false: the server does not tell. NULL: it never does. */
	bool (*measure)(struct connection *c, const char *query_id, struct measure *out);
	const struct stream_kind *stream; /* stream.h: rows out and in */
	/* inspect.h. Opens it by itself. */
	void (*inspect)(const struct inspection *in, struct findings *f);
};

struct connection {
	const struct connection_kind *kind;
	char *name;				/* as the migration calls it */
	char *version_text;			/* as the server says */
	char *cluster;				/* or NULL */
	bool shared; /* its effects are part of the store's transactions */
	void *state;				/* the kind's own */
};

/* A failure of s has its query id. Returns o. */
enum outcome connection_give_id(const struct statement *s, struct error *err, enum outcome o);

const struct connection_kind *connection_kind_find(struct str name);	/* NULL: no such kind */
const struct connection_kind *connection_kind_at(size_t i);		/* NULL: no more of them */
enum outcome connection_open(struct connection *c, const char *name,
			     const struct connection_kind *kind, const char *url,
			     const struct watch *watch, struct error *err) MUST_USE;
/* The same of a host of the cluster that the URL leads to. */
enum outcome connection_open_host(struct connection *c, const char *name,
				  const struct connection_kind *kind, const char *url,
				  struct str host, const struct watch *watch,
				  struct error *err) MUST_USE;
void connection_close(struct connection *c);

extern const struct connection_kind clickhouse_kind, postgres_kind, sqlite_kind, chdb_kind;

#endif
