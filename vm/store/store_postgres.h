/*
 * store_postgres.h - the store in PostgreSQL: its session, and what is queued in its pipeline
 *
 * Inside of vm/store only: store_postgres.c has the backend, store_pipeline.c the pipeline.
 */
#ifndef VM_STORE_STORE_POSTGRES_H
#define VM_STORE_STORE_POSTGRES_H

#include "vm/driver/postgres.h"
#include "vm/store/backend.h"

#define QUEUE_MAX 128 /* answers must fit into the sockets' buffers while we still send */

struct queued {
	enum statement_id id;
	bool is_prepare;
};

struct postgres_store {
	struct store base;
	struct postgres session;
	bool prepared[STATEMENT_COUNT];
	/* one implicit transaction: must not be flushed before its end */
	bool batch;
	struct queued queue[QUEUE_MAX + 4];
	size_t count;
	/* What is sent behind an effect. following: it was, the first `before` of the queue in
	 * front of the effect. When that has happened it is owed, by read_behind(). */
	enum outcome (*follower)(struct store *s, struct error *err);
	size_t before;
	bool following;
	enum outcome broken; /* of it, read before its commit was sent */
	struct error broken_error;
	/* A commit that waits for the next statement of the session, and what became of it until
	 * wait() tells. */
	bool deferred;
	enum outcome owed;
	struct error owed_error;
	const struct watch *watch; /* while answers are read */
	bool committing; /* what was sent includes the end of a transaction */
	/* read-only: it stays so when the database, or the one that took over from it, is not any
	 * more */
	bool stale;
};

/* Makes a failure of the session, or of one of the store's statements, what it means here. */
enum outcome pipeline_fail(struct postgres_store *p, enum statement_id id, struct error *err);
enum outcome pipeline_lost(struct postgres_store *p, struct error *err);
/* The first of a pipeline: enters the mode, and sends the BEGIN that is due. Settles what is owed,
 * unless that goes on. */
enum outcome pipeline_enter(struct postgres_store *p, bool goes_on, struct error *err);
enum outcome pipeline_send(struct postgres_store *p, enum statement_id id,
			   const struct field *fields, size_t count, struct error *err);
/* The answers to the first of what is queued; result: of the last of them. failed: what is known
 * already. */
enum outcome pipeline_answers(struct postgres_store *p, size_t count, enum outcome failed,
			      PGresult **result, struct error *err);
/* Sends what is queued and reads all answers. last: the result of the last statement, or NULL. */
enum outcome pipeline_flush(struct postgres_store *p, PGresult **last, struct error *err);

#endif
