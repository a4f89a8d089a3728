/*
 * amig.pml - leases, journal, take-over and the target's fence: two workers on one run of two effects
 *
 * What docs/protocol.md says, for spin. tests/model/run.sh checks it with every guard, and with each
 * guard left out. A worker that is not scheduled is a paused one; it may die before each of its steps
 * and comes back knowing nothing; its lease may run out at any moment; what was sent may arrive, run
 * and happen later than all that. Nothing of this is counted: epochs are only compared, so that they
 * are renumbered without gaps at each claim. The bounds are two workers, two operations of one
 * effect each, and SLOTS statements under way at once.
 *
 * A label or an inline here is this in the code:
 *   start         resume_check_owner() and load() in vm/run/resume.c
 *   claim         store_claim_read() in vm/store/run.c: check_unmoved(), STATEMENT_CLAIM
 *   raise         the target's fence is raised to the owner's epoch
 *   quiet         doubt_fence() in vm/run/doubt.c, the function `fence` of a connection kind
 *   resolve       doubt_resolve(), decide(): marker_look() in vm/run/marker.c, or a probe
 *   back          begin_rollback() in vm/run/resume.c, rollback_mark() in vm/run/rollback.c
 *   has_happened  go_on() in vm/run/effect.c
 *   record        commit_at(): an outcome alone, before a read or a wait
 *   intend        effect_alone(): the intent, with the outcome of the effect before and the checkpoint
 *   send          send(); of kind SAME effect_inside()
 *   await         the answer: look_again(); when nothing is known settle_doubt(): as after a
 *                 take-over, with a new epoch
 *   finish        complete() in vm/run/forward.c, end() in vm/run/rollback.c
 *   keep()        store_step() in vm/store/step.c, with the conditions of STATEMENT_STEP_…
 *   world         the network, the target's server, the store's clock
 * A commit of the store is one step, although its worker may die while it is under way: for all
 * others that is a worker which is paused, commits, and dies.
 *
 * KIND is what the target is:
 *   TRANSACTIONAL  another database: marker and epoch are looked at in the effect's transaction
 *   SAME           the store's own: effect, outcome and checkpoint are one transaction
 *   CONDITIONAL    ClickHouse, a statement that carries the condition epoch = fence, looked at when
 *                  it begins
 *   UNCONDITIONAL  ClickHouse, a statement without: sent only by who sees time left in its lease
 * WITHOUT_… leaves a guard out. STRICT also checks what is promised without being needed: only the
 * owner changes the store, an effect happens only while its intent is open.
 */
#define TRANSACTIONAL 1
#define SAME	      2
#define CONDITIONAL   3
#define UNCONDITIONAL 4

#define SLOTS 2
#define OPERATIONS 2
#define NOBODY	   2 /* not one of the workers 0 and 1 */

/* Effects 1 and 2 go forward, 3 and 4 undo them. */
#define undo_of(operation) (OPERATIONS + (operation))

/* The store: the migration's row, the open effect, the phase of the run. */
byte epoch;
byte owner = NOBODY; /* one who is dead is as good as none */
byte position; /* forward: operations done; backward: the operation that is undone next */
byte open;     /* the effect whose intent is durable and whose outcome is not; 0 none */
bit backward;
bit over;
#if KIND == UNCONDITIONAL
bit lease[2]; /* time is left in the lease that the worker took last */
#endif

/* The target. */
byte fence;
bit happened[5]; /* by effect. Of kind TRANSACTIONAL the markers say the same */

/* Statements under way. One whose sender has died or hung up has the sender NOBODY. */
#define FREE 0
#define WIRE 1 /* sent; the server knows nothing of it */
#define RUNS 2
/* Where marker and epoch are looked at when it happens, it is all the same whether the server runs it. */
#if KIND == TRANSACTIONAL
#define UNDER_WAY RUNS
#define WITHOUT_QUIET
#else
#define UNDER_WAY WIRE
#endif
typedef statement {
	byte state;
	byte effect;
	byte epoch;
	byte sender
};
statement sent[SLOTS];

#define NONE	0
#define DONE	1
#define TAKEN	2 /* refused: the epoch has moved on */
#define MARKED	3 /* refused: its marker is there */
byte answer[2];

/* The workers. */
byte mine[2];	 /* the epoch that it took; 0: it is not at work */
bit has_read[2]; /* it has read the run, and what a claim compares is as it was then */
byte at[2];	 /* the position, as far as it knows */
byte effect[2];	 /* that it is at; 0 none */
byte outcome[2]; /* the effect that its next commit ends; 0 none */
bit undoing[2];

bit calm; /* from here on nothing goes wrong any more: the run must end */
byte n;	  /* 0 between steps */

/* A lease that nobody looks at but who wants to claim need not run out before it is claimed. */
#if defined(WITHOUT_LEASE)
#define is_claimable true
#elif KIND == UNCONDITIONAL
#define is_claimable (owner == NOBODY || !lease[owner])
#else
#define is_claimable (!calm || owner == NOBODY)
#endif
#if KIND == UNCONDITIONAL
#define renew_lease lease[me] = 1
#else
#define renew_lease skip
#endif
#ifdef WITHOUT_EPOCH
#define is_owner(me) true
#else
#define is_owner(me) (mine[me] == epoch)
#endif

#define each(what) (what(0) || what(1))
#define runs(slot)     (sent[slot].state == RUNS)
#define is_free(slot)  (sent[slot].state == FREE)
#define has_epoch(slot) (sent[slot].epoch == n)

#define close_gap(e) e = (e > n -> e - 1 : e)

/* The claim of who has read the row before this will be refused: what it has read does not matter. */
inline move_on()
{
#ifdef WITHOUT_UNMOVED
	skip
#else
	if
	:: has_read[1 - me] ->
		has_read[1 - me] = 0;
		at[1 - me] = 0;
		effect[1 - me] = 0;
		undoing[1 - me] = 0
	:: else
	fi
#endif
}

/* Takes the next epoch. One that is nobody's any more is given up, and those above it move down. */
inline take_epoch()
{
	d_step {
		epoch++;
		mine[me] = epoch;
		owner = me;
		renew_lease;
		has_read[me] = 0;
		move_on();
		n = 1;
		do
		:: n >= epoch -> break
		:: n < epoch && (n == fence || n == mine[0] || n == mine[1] || each(has_epoch)) -> n++
		:: else ->
			close_gap(epoch);
			close_gap(fence);
			close_gap(mine[0]);
			close_gap(mine[1]);
			close_gap(sent[0].epoch);
			close_gap(sent[1].epoch)
		od;
		n = 0
	}
}

/* It happens: never twice, not after it was undone, not when all is over. */
inline apply(it)
{
	assert(!happened[it]);
	assert(!over);
	assert(it > OPERATIONS || !happened[undo_of(it)]);
#ifdef STRICT
	assert(KIND == SAME || open == it);
#endif
	happened[it] = 1
}

/* Which of the two places a statement has makes no difference: one order stands for both. */
#define weight(slot) (((sent[slot].state * 8 + sent[slot].effect) * 8 + sent[slot].epoch) * 4 + sent[slot].sender)
#define swap(field) n = sent[0].field; sent[0].field = sent[1].field; sent[1].field = n
inline sort()
{
	d_step {
		if
		:: weight(0) > weight(1) ->
			swap(state);
			swap(effect);
			swap(epoch);
			swap(sender)
		:: else
		fi;
		n = 0
	}
}

inline reply(slot, what)
{
	if
	:: sent[slot].sender != NOBODY -> answer[sent[slot].sender] = what
	:: else
	fi;
	sent[slot].state = FREE;
	sent[slot].effect = 0;
	sent[slot].epoch = 0;
	sent[slot].sender = 0;
	sort()
}

/* The connection is gone. What was sent through it may still arrive, run and happen. */
inline hang_up()
{
	d_step {
		n = 0;
		do
		:: n == SLOTS -> break
		:: n < SLOTS ->
			if
			:: sent[n].state != FREE && sent[n].sender == me -> sent[n].sender = NOBODY
			:: else
			fi;
			n++
		od;
		n = 0;
		answer[me] = NONE
	}
	sort()
}

inline forget()
{
	hang_up();
	owner = (owner == me -> NOBODY : owner);
#if KIND == UNCONDITIONAL
	lease[me] = 0;
#endif
	mine[me] = 0;
	has_read[me] = 0;
	at[me] = 0;
	effect[me] = 0;
	outcome[me] = 0;
	undoing[me] = 0
}

/* Dead, or told that the run is another's. */
#define MAY_DIE	!calm -> forget(); goto start
#define LOST	!may_keep -> forget(); goto start

/*
 * A commit of the store: only under the epoch, and what it ends must not have an outcome. The index
 * goes on, or down when the run is rolled back.
 */
#ifdef WITHOUT_INTENT_FIRST
#define may_keep is_owner(me)
#else
#define may_keep (is_owner(me) && (outcome[me] == 0 || open == outcome[me]))
#endif
inline keep(new_open, new_over)
{
#ifdef STRICT
	assert(owner == me && mine[me] == epoch);
#endif
	assert(!over);
	assert(!backward || undoing[me]);
	assert((backward && at[me] <= position) || (!backward && (undoing[me] || at[me] >= position)));
	position = at[me];
	open = new_open;
	backward = undoing[me];
	over = new_over;
	renew_lease;
	outcome[me] = 0
}

inline step_on()
{
	at[me] = (undoing[me] -> at[me] - 1 : at[me] + 1)
}

inline put(how)
{
	d_step {
		n = 0;
		do
		:: sent[n].state == FREE -> break
		:: else -> n++
		od;
		sent[n].state = how;
		sent[n].effect = effect[me];
		sent[n].epoch = mine[me];
		sent[n].sender = me;
		n = 0
	}
	sort()
}

proctype worker(bit me)
{
start:
	atomic {
		over || is_claimable;
		if
		:: over -> goto ended
		:: else
		fi;
		at[me] = position;
		effect[me] = open;
		undoing[me] = backward;
		has_read[me] = 1
	}
claim:
	atomic {
		if
		:: !over && is_claimable && has_read[me] -> take_epoch()
		:: else -> forget(); goto start
		fi;
#if KIND == SAME
		goto next
#endif
	}

raise:
#if defined(WITHOUT_FENCE) || defined(WITHOUT_FENCE_FIRST) || KIND == UNCONDITIONAL
	skip;
#else
	atomic {
		if
		:: MAY_DIE
		:: fence < mine[me] -> fence = mine[me]
		:: fence >= mine[me]
		fi
	}
#endif
quiet:
#ifndef WITHOUT_QUIET
	atomic {
		if
		:: MAY_DIE
		:: !each(runs)
		fi
	}
#endif
#ifdef WITHOUT_FENCE_FIRST
	/* What is there is looked for below, and may come to be there between these two. */
	if
	:: effect[me] && happened[effect[me]] -> outcome[me] = effect[me]
	:: else
	fi;
	atomic {
		if
		:: fence < mine[me] -> fence = mine[me]
		:: fence >= mine[me]
		fi;
		if
		:: outcome[me] -> goto has_happened
		:: !outcome[me] && effect[me] -> goto intend
		:: else
		fi
	}
#endif
resolve:
	atomic {
		if
		:: MAY_DIE
		:: !undoing[me] -> outcome[me] = effect[me]; goto back
		:: effect[me] == 0 -> goto next
#if defined(WITHOUT_MARKER) || defined(WITHOUT_PROBE)
		:: effect[me] != 0 -> goto intend
#else
		:: effect[me] != 0 && happened[effect[me]] -> goto has_happened
		:: effect[me] != 0 && !happened[effect[me]] -> goto intend
#endif
		fi
	}

	/* From the operation at the index, which may be half done, down to the first. */
back:
	atomic {
		if
		:: MAY_DIE
		:: LOST
		:: may_keep ->
			at[me] = (at[me] < OPERATIONS -> at[me] + 1 : OPERATIONS);
			undoing[me] = 1;
			effect[me] = 0;
			keep(0, 0);
			move_on();
			goto next
		fi
	}

has_happened:
	atomic {
#ifndef WITHOUT_OUTCOME_LAST
		outcome[me] = effect[me];
#endif
		step_on()
	}
next:
	atomic {
		effect[me] = 0;
		if
		:: undoing[me] && at[me] == 0 -> goto finish
		:: !undoing[me] && at[me] == OPERATIONS -> goto finish
		:: undoing[me] && at[me] > 0 -> effect[me] = undo_of(at[me])
		:: !undoing[me] && at[me] < OPERATIONS -> effect[me] = at[me] + 1
		:: outcome[me] != 0 -> goto record
		:: !undoing[me] && outcome[me] == 0 -> goto back
		fi;
#if KIND == SAME
		goto send
#else
		goto intend
#endif
	}
record:
	atomic {
		if
		:: MAY_DIE
		:: LOST
		:: may_keep -> keep(0, 0); goto next
		fi
	}
finish:
	atomic {
		if
		:: MAY_DIE
		:: LOST
		:: may_keep ->
			keep(0, 1);
			assert(undoing[me] || (happened[1] && happened[2] && !happened[3] && !happened[4]));
			assert(!undoing[me] || (happened[1] <= happened[3] && happened[2] <= happened[4]));
			forget();
			goto ended
		fi
	}

intend:
#ifndef WITHOUT_INTENT_FIRST
	atomic {
		if
		:: MAY_DIE
		:: LOST
		:: may_keep ->
			move_on();
#ifdef WITHOUT_OUTCOME_LAST
			/* With the intent stands already what is hoped for. */
			step_on();
			keep(0, 0);
			at[me] = (undoing[me] -> at[me] + 1 : at[me] - 1)
#else
			keep(effect[me], 0)
#endif
		fi
	}
#endif
send:
	atomic {
		if
		:: MAY_DIE
#if KIND == SAME
		:: LOST
		:: may_keep ->
#if defined(WITHOUT_OUTCOME_LAST)
			step_on();
			move_on();
			keep(0, 0)
#elif defined(WITHOUT_ONE_TRANSACTION)
			apply(effect[me])
#else
			apply(effect[me]);
			step_on();
			move_on();
			keep(0, 0);
			goto next
#endif
#elif KIND != UNCONDITIONAL
		:: each(is_free) -> put(UNDER_WAY)
#elif defined(WITHOUT_LOOK)
		:: each(is_free) -> put(RUNS)
#elif defined(PAUSE_AFTER_LOOK)
		:: lease[me]
		:: !lease[me] -> goto renew
#else
		:: lease[me] && each(is_free) -> put(RUNS)
		:: !lease[me] -> goto renew
#endif
		fi
	}
#if KIND == SAME
	atomic {
		if
		:: MAY_DIE
		:: LOST
		:: may_keep ->
#if defined(WITHOUT_OUTCOME_LAST)
			apply(effect[me]);
#else
			step_on();
			move_on();
			keep(0, 0);
#endif
			goto next
		fi
	}
#else
#ifdef PAUSE_AFTER_LOOK
	atomic {
		if
		:: MAY_DIE
		:: each(is_free) -> put(RUNS)
		fi
	}
#endif
await:
	atomic {
		if
		:: MAY_DIE
		:: answer[me] == DONE || answer[me] == MARKED -> answer[me] = NONE; goto has_happened
		:: answer[me] == TAKEN -> forget(); goto start
		:: !calm -> hang_up()
		fi;
		if
		:: LOST
		:: may_keep ->
#ifdef WITHOUT_NEW_EPOCH
			goto quiet
#else
			take_epoch();
			goto raise
#endif
		fi
	}
#if KIND == UNCONDITIONAL
renew:
	atomic {
		if
		:: MAY_DIE
		:: LOST
		:: may_keep -> lease[me] = 1; goto send
		fi
	}
#endif
#endif
ended:
	skip
}

/* The server begins with what has arrived. */
inline arrive(slot)
{
#if KIND == CONDITIONAL && !defined(WITHOUT_FENCE)
	if
	:: sent[slot].epoch != fence -> reply(slot, TAKEN)
	:: else -> sent[slot].state = RUNS; sort()
	fi
#else
	sent[slot].state = RUNS;
	sort()
#endif
}

inline work_on(slot)
{
	if
#if KIND == TRANSACTIONAL
#ifndef WITHOUT_FENCE
	:: sent[slot].epoch < fence -> reply(slot, TAKEN)
#endif
#ifndef WITHOUT_MARKER
	:: happened[sent[slot].effect] -> reply(slot, MARKED)
#endif
#endif
	:: else -> apply(sent[slot].effect); reply(slot, DONE)
	fi
}

#define SLOT(slot)                                                             \
	:: atomic { sent[slot].state == WIRE -> arrive(slot) }                 \
	:: atomic { sent[slot].state == RUNS -> work_on(slot) }                \
	:: atomic { !calm && sent[slot].state != FREE && sent[slot].sender == NOBODY -> reply(slot, NONE) }

active proctype world()
{
	atomic {
		run worker(0);
		run worker(1)
	}
end:
	do
	SLOT(0)
	SLOT(1)
#if KIND == UNCONDITIONAL
	:: atomic { lease[0] && !calm -> lease[0] = 0 }
	:: atomic { lease[1] && !calm -> lease[1] = 0 }
#endif
	:: atomic { !calm && !over -> calm = 1 }
	od
}

ltl it_ends { []<>(!calm || over) }
