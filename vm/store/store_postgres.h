/*
 * store_postgres.h - the two halves of the store in PostgreSQL: its pipeline, and steps as one
 * statement
 *
 * Inside of vm/store only.
 */
#ifndef VM_STORE_STORE_POSTGRES_H
#define VM_STORE_STORE_POSTGRES_H

#include "vm/driver/postgres.h"
#include "vm/store/backend.h"

#define QUEUE_MAX 128 /* answers must fit into the sockets' buffers while we still send */
#define STEP_STATEMENTS_MAX 10
#define STEP_FIELDS_MAX 96
#define SHAPES_MAX 48 /* kinds of steps that are kept prepared */

struct queued {
	enum statement_id id; /* STATEMENT_COUNT: a step of the shape */
	bool is_prepare;
	size_t shape;
};

/* What a step consists of: its statements, in order. */
struct shape {
	enum statement_id ids[STEP_STATEMENTS_MAX];
	size_t count;
	bool prepared;
};

/* The statements that are waiting to become one. */
struct gathered {
	struct shape shape;
	struct field fields[STEP_FIELDS_MAX];
	size_t field_count;
	struct arena arena; /* of the fields' texts */
};

struct postgres_store {
	struct store base;
	struct postgres session;
	bool prepared[STATEMENT_COUNT];
	struct shape shapes[SHAPES_MAX];
	size_t shape_count;
	struct gathered gathered;
	/* one implicit transaction: must not be flushed before its end */
	bool batch;
	struct queued queue[QUEUE_MAX + 4];
	size_t count;
	/* A commit that waits for the next statement of the session, and what became of it until
	 * wait() tells. */
	bool deferred;
	enum outcome owed;
	struct error owed_error;
	const struct watch *watch; /* while answers are read */
	bool committing; /* what was sent includes the end of a transaction */
};

/* Keeps a statement for later; false: there is no room. */
bool gather(struct gathered *g, enum statement_id id, const struct field *fields, size_t count);
void gathered_clear(struct gathered *g);
/* The number of the shape, made if need be; SHAPES_MAX when there are too many. */
size_t shape_number(struct postgres_store *p, const struct shape *shape);
/* One statement that does what all of them do, and that the server refuses, with everything undone,
 * if one of them finds no row that must: by reading a word as a number, which says what was
 * missing. */
void shape_sql(struct buf *out, struct store *s, const struct shape *shape);
#define MISS_WORD "amig-miss-"
enum miss miss_of(const struct error *err);

#endif
