/*
 * lane.h - windows of `batches … parallel n` that are carried out at once
 *
 *   cut ─▶ lane 0: machine ─ effect ─▶ thread ┐
 *     ├──▶ lane 1: machine ─ effect ─▶ thread ├─▶ outcome, next effect: a commit each
 *     └──▶ lane 2: …                          ┘
 *
 * Each lane is a machine of its own, which has come to the same WINDOW of the code, and a session
 * to each database that it changes. One thread has the run: it cuts the windows one after the
 * other, lets the machines compute, commits, and settles what went wrong, which it does when
 * nothing is under way any more. Only the sending of an effect is of a thread of the lane's.
 *
 * A checkpoint has all the lanes, with the numbers of their effects that are under way: each is
 * resumed where it was, and each doubt is settled by itself.
 */
#ifndef VM_RUN_LANE_H
#define VM_RUN_LANE_H

#include "vm/run/attempt.h"

#include <pthread.h>
#include <stdatomic.h>

#define LANES_MAX AT_ONCE_MAX

enum lane_state {
	LANE_READY, /* its machine goes on */
	LANE_SENT,  /* its effect is under way, or has ended and was not looked at yet */
	LANE_OVER,  /* it waits at WINDOW: there is none for it */
};

struct lane {
	struct lanes *all;
	enum lane_state state;
	struct machine *vm; /* lane 0: the run's own */
	struct buf saved;   /* it, as the next checkpoint has it */
	struct connection *connections; /* by place (host.h); kind NULL: not open; NULL: none is */

	/* Its effect. open: the store knows that it was to be made, and of no outcome. */
	struct attempt attempt;
	bool open;
	enum verdict verdict; /* of one that was open when the run was loaded */
	struct buf sql, text;
	char query_id[QUERY_ID_SIZE];

	/* Of the thread, until `ended`, which is looked at under the lock of all. */
	struct statement statement;
	struct watch watch;
	pthread_t thread;
	bool has_thread, ended;
	enum outcome sent;
	int64_t rows;
	struct error error;

	/* Its window: what run.window has of the lane that is looked at. */
	struct window_given given;
	/* Encoded keys: of a window that was halved, what is left of it. until empty: nothing. */
	struct buf from, until;
	struct buf window; /* encoded: the last that it was given */
};

struct lanes {
	size_t count;
	struct lane at[LANES_MAX];
	struct lane *looked_at;
	struct buf cursor; /* encoded: the window that was cut last; empty: none */
	pthread_mutex_t lock;
	pthread_cond_t news;
	atomic_bool cancel; /* what is under way is to be ended */
};

/* lane.c */
/* At a WINDOW: whether its windows can go in lanes. What stands against it is told. */
bool lanes_possible(struct run *r, const struct act *a);
/* From the WINDOW at which r->vm stands, or from the lanes that were loaded, to the end of the
 * windows: STEP_DONE, r->vm is answered that there are no more. What else ends it leaves nothing
 * under way, the checkpoint in the journal and r->vm the lane's that ended it. */
enum step_end lanes_go(struct run *r, struct act *a, struct error *err);

/* lane_state.c */
struct lanes *lanes_new(struct run *r);
struct lane *lanes_add(struct run *r, struct lanes *all, struct machine *vm);
void lanes_free(struct run *r);
/* r->vm, r->window and what is known of an open effect become the lane's. */
void lane_look_at(struct run *r, struct lane *l);
/* Whether a checkpoint has lanes. */
bool lanes_are_in(struct str checkpoint);
void lanes_save(struct run *r, struct buf *out);
enum outcome lanes_restore(struct run *r, struct str checkpoint, struct error *err) MUST_USE;

/* lane_settle.c */
/* After lanes_restore(): the effects that are open, from the journal. */
enum outcome lanes_load(struct run *r, struct error *err) MUST_USE;
/* What became of each of them. DONE: it is known of all, and each lane has its own. UNDO, OPEN: of
 * one it is that, which r->open_effect is; for OPEN err says how. NONE: a stop came. */
enum verdict lanes_resolve_loaded(struct run *r, struct act *a, struct error *err);
/* Raises the fences of those that are open, and sees to it that nothing of them runs any more. */
enum outcome lanes_fence(struct run *r, struct error *err) MUST_USE;
/* Once it is durable that they are undone: ends those that are open in the journal, and puts the
 * lanes away. */
enum outcome lanes_close(struct run *r, struct error *err) MUST_USE;
/* When nothing is under way any more and the lanes end so: the outcomes of the others, and what is
 * to be done about those that are in doubt. */
enum step_end lanes_settle(struct run *r, struct act *a, enum step_end end, struct error *err);

/* window.c: cuts the next window for the lane that is looked at, behind all that were cut;
 * *given false: there is none. Answers the machine with it. */
enum outcome window_cut(struct run *r, struct lane *l, int64_t index, const struct policy *policy,
			bool *given, struct error *err) MUST_USE;
/* After window_halve(): the lane takes its window in pieces. */
void window_split(struct run *r, struct lane *l);
/* What the code at this WINDOW says of `parallel`; 0: nothing. */
int64_t window_parallel(const struct run *r, const struct machine *vm);

#endif
