/*
 * transaction.h - `transaction { … }`: several effects on one connection that are one effect
 *
 * The machine stands at TRANSACTION when the effect is sent and at COMMIT when it has happened.
 * What goes wrong in between puts it back to TRANSACTION: nothing that it has computed inside
 * survives an attempt that came to nothing, and the next one begins with the first statement.
 *
 * In the store's own database all of it is part of the store's transaction. Elsewhere the target's
 * transaction holds the marker, and the machine as it is at COMMIT too: that is where a run goes on
 * that died before it knew of the commit.
 */
#ifndef VM_RUN_TRANSACTION_H
#define VM_RUN_TRANSACTION_H

#include "vm/connection/connection.h"
#include "vm/isa/isa.h"

struct run;
struct act;

/* Larger values of the machine do not go through a transaction in another database. */
#define TRANSACTION_STATE_MAX_BYTES ((size_t)16 << 20)

struct transaction {
	bool open;	       /* the machine is inside of the block */
	bool inside;	       /* run.inside is of one */
	int64_t since_ms;      /* when it was entered */
	struct buf before;     /* the machine at TRANSACTION */
	struct buf after;      /* and at COMMIT, of one whose end is not known; len 0: none */
	struct buf text;       /* its statements, for the journal */
	struct buf sql;	       /* the one that runs */
	char failed_as[24];    /* the class of the code's own failure inside; "" it was none */
	int64_t refused_index; /* the operation of which a commit was refused, and how often */
	int64_t refused;
};

static inline bool transaction_is(enum opcode op)
{
	return op == OP_TRANSACTION || op == OP_COMMIT || op == OP_ABANDON;
}

/* What stands for it in the journal before its statements are known, into r->sql. Refuses a
 * connection that has no transactions. */
enum outcome transaction_describe(struct run *r, const struct connection *c,
				  struct error *err) MUST_USE;
/* Sends it whole, as kind->exec() does one statement: what s says is of the attempt. On a failure
 * the machine stands where it stood before. */
enum outcome transaction_send(struct run *r, const struct act *a, struct connection *c,
			      int64_t number, const struct statement *s, int64_t *rows,
			      struct error *err) MUST_USE;
/* It has happened although the machine stands before it: takes what the last attempt computed. */
void transaction_take(struct run *r);
/* The same from the target, of the effect of this number, which another attempt has made. */
enum outcome transaction_load(struct run *r, const struct act *a, int64_t number,
			      struct error *err) MUST_USE;
/* The target can't keep what tells of it. */
enum outcome transaction_refuse(const struct connection *c, struct error *err);
/* The store's own database has refused the commit for a reason that passes, and undone it: whether
 * it is made again. The run stands before it then. */
bool transaction_goes_again(struct run *r, const struct error *err);
/* The class of a failure, for the code that outlives it. */
const char *transaction_failed_as(const struct run *r, const struct error *err);
void transaction_clear(struct transaction *t);

#endif
