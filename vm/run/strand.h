/*
 * strand.h - operations of a block (block.h) that are carried out at once
 *
 *   strand 0: ─ operation 3 ──── away: its effect runs ──── operation 6 ─
 *   strand 1: ─ operation 4 ─ away ─ operation 5 ─ away: it waits ───────
 *   the turn:  0  0  1  the run's own thread  1  0  1  0 …
 *
 * A strand is a thread with a machine and sessions of its own, which carries out operations of the
 * block one after the other just as they are carried out alone (step_operation): with reads, waits,
 * `copy`, `batches`, `http`, retries. One thread at a time has the turn, and only who has it
 * touches the run, the store and what is common. It is away, and the others have the turn, while
 * its statement runs at a database or while it waits; all that it has done is committed then. The
 * run's own thread has the turn now and then to hear of stops, to renew the lease, to ask
 * healthchecks.
 *
 * What of struct run is an operation's own is exchanged when the turn goes to another. A session
 * that is one with the store's, or to a database that has one writer at a time, belongs to all:
 * what goes through it keeps the turn, so that such operations follow one another.
 *
 * One that fails, is in doubt or is stopped ends them all: nothing more is begun, what is under way
 * is waited for (or cancelled, by `stop --now`, a healthcheck, a lost lease), each is resumed where
 * it was. A checkpoint has the machines of all; each operation has one open effect at most, which
 * is resolved by itself, when nothing of the others is under way.
 */
#ifndef VM_RUN_STRAND_H
#define VM_RUN_STRAND_H

#include "vm/run/session.h"

#include <pthread.h>
#include <stdatomic.h>

struct strand {
	struct strands *all;
	pthread_t thread;
	bool has_thread;
	struct run mine; /* what of it is this one's, while it has not the turn */

	/* Its operation. */
	struct act act;
	bool has_act;
	enum step_end end; /* DONE: nothing ended it otherwise than well */
	struct error error;
	/* Encoded machines: of the checkpoint that is being committed, and of the last one that
	 * was. Empty: at the operation's beginning. */
	struct buf saved, durable;

	/* By place (host.h). kind NULL: not open. borrowed: it uses the run's own. */
	struct connection *connections;
	bool *borrowed;
	struct watch watch; /* while it is away */
};

/* An operation that was under way when the run was loaded. */
struct loaded {
	int64_t index;
	struct buf machine; /* empty: at its beginning */
	struct effect_row open; /* number 0: none */
	enum verdict verdict;
	bool taken; /* by a strand */
};

struct strands {
	struct run *r;
	int64_t begin, end; /* of the block */
	bool *given;	    /* to a strand, by operation of the block */
	size_t count, over;
	struct strand at[AT_ONCE_MAX];
	size_t loaded_count;
	struct loaded loaded[AT_ONCE_MAX];

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t news;
	bool turn;		/* somebody has it */
	struct strand *holder;	/* who; NULL: the run's own thread */
	struct strand *alone;	/* what of the others is away comes back, and waits */
	size_t away;
	atomic_bool cancel;	/* what is away is to be ended */

	size_t undoing;		/* so many undo an operation that begins anew */
	bool ending;		/* nothing more is begun */
	bool undone;		/* all of it is: a checkpoint is empty */
};

/* strand.c */
/* Carries out the block at the run's index, from where it was loaded or from its beginning.
 * STEP_DONE: all of it is over, the index is behind it. Else *a is what ended it, and the run is as
 * if that operation had been carried out alone; the others are as they are to be resumed. */
enum step_end strands_go(struct run *r, struct act *a, struct error *err);
/* Which operation is carried out at this moment, for people. */
int64_t strands_index(const struct run *r);
/* How much of what is under way is done, by weight. */
double strands_share(const struct run *r);

/* strand_turn.c */
void turn_take(struct strands *all, struct strand *s);
void turn_give(struct strands *all);
/* Takes it if nobody has it. */
bool turn_try(struct strand *s);
/* The turn goes to whoever wants it until somebody is over, or for a moment. Of the run's own. */
void turn_pass(struct strands *all);
/* Before a statement on c (and also, NULL: none), whether it can go while others have the turn;
 * *watch is what to give to it. NULL, or what strand_back() wants after it. */
struct strand *strand_away(struct run *r, const struct connection *c,
			   const struct connection *also, const struct watch **watch);
void strand_back(struct strand *s);
/* Waits so long, the others have the turn. false: the run has no strands. */
bool strand_rests(struct run *r, int64_t ms);
/* From now on until strand_together() nothing of the others is under way. */
void strand_alone(struct run *r);
void strand_together(struct run *r);
/* Whether the strand that has the turn is to come to its end. */
bool strand_is_to_end(const struct run *r);
/* The session to a place for who has the turn. */
struct connection *strand_connection(struct run *r, uint32_t place);

/* strand_state.c */
struct strands *strands_new(struct run *r);
struct strand *strands_add(struct run *r, struct strands *all);
void strands_free(struct run *r);
/* The checkpoint of all of them; empty where there is nothing in it. */
void strands_save(struct run *r, struct buf *out);
/* The operation of who has the turn is at its beginning again, or over. */
void strands_save_without(struct run *r, struct buf *out);
void strands_committed(struct run *r);
void strands_forget(struct run *r);
bool strands_are_in(struct str checkpoint);
enum outcome strands_restore(struct run *r, struct str checkpoint, struct error *err) MUST_USE;

/* strand_settle.c */
/* When the run was loaded: its effects that are open, all of them; also of a block that is being
 * undone. */
enum outcome strands_load(struct run *r, struct error *err) MUST_USE;
/* Whether any of them is. */
bool strands_are_open(const struct run *r);
/* Whether something of them may be on its way to a target that does not refuse it. */
bool strands_are_on_their_way(const struct run *r);
/* Nothing of them runs any more at any target. */
enum outcome strands_fence(struct run *r, struct error *err) MUST_USE;
/* After a load: what became of each of their effects. DONE: it is known of all. STOPPED, DOUBT: *a
 * is of which operation. */
enum step_end strands_resolve_loaded(struct run *r, struct act *a, struct error *err);
/* Whether an operation of a block may have changed something. */
bool strands_have_touched(const struct run *r, int64_t index);
/* Once it is durable that they are undone: ends what is open in the journal and puts them away. */
enum outcome strands_close(struct run *r, struct error *err) MUST_USE;

#endif
