/*
 * simulate.h - the runner in a world that is made of a seed
 *
 *   world.c      time, chance, the workers as coroutines and what happens next
 *   thread.c     the threads of a worker, as coroutines too
 *   system.c     the functions of the system that the runner calls: clocks, sleep, randomness, who
 *                it is
 *   state.c      the state store: a backend of vm/store over one SQLite database in memory
 *   database.c   its rows, and another run that wants the same lock
 *   target.c     the databases that migrations work on: kinds of connections over ledgers
 *   stream.c     rows of a `copy`
 *   table.c      a table there that `batches` go along
 *   server.c     what happens to a statement there after it was sent
 *   life.c       what a worker and an operator do
 *   invariant.c  what must be true, looked at after every commit and every effect
 *   simulate.c   the program: schedules by their seeds, mutants
 *
 * A schedule is everything that follows from a seed: the migration, the faults, every delay. Only
 * one coroutine runs at a time, and gives way where the runner waits for the world: at a request to
 * the store, a statement, a sleep, another of its threads. Whoever is killed goes on without a
 * world: all that it asks for fails at once and changes nothing, until the stacks of all of its
 * threads are empty and its memory freed.
 */
#ifndef TESTS_SIMULATE_SIMULATE_H
#define TESTS_SIMULATE_SIMULATE_H

#include "vm/base/mutant.h"
#include "vm/connection/connection.h"
#include "vm/run/run.h"
#include "vm/store/backend.h"

#include <ucontext.h>

#define MS INT64_C(1000)
#define SECOND (1000 * MS)
#define LEASE_LENGTH_MS 10000

#define WORKERS 3
#define OPERATOR WORKERS
#define PROCESSES (WORKERS + 1)
#define FIBERS (PROCESSES + 12) /* the rest are further threads */
#define KEYS 48		 /* of a ledger */
#define KEYS_A_GROUP 8	 /* one operation's */
#define STATEMENTS_MAX 64 /* on all targets, that are not over */

enum target_id { TARGET_STORE, TARGET_FAR, TARGET_PLAIN, TARGETS };

struct process {
	int number;
	int64_t incarnation; /* unique in a schedule */
	bool alive, dead;    /* it is there; it was killed and is on its way out */
	bool told;	     /* to end: SIGTERM */
	bool busy;	     /* has a migration in its hands */
	int64_t paused_until;
	int64_t wall_skew_us, monotonic_us; /* what its clocks are ahead of the time */
	int64_t dead_us;		    /* since it died, on its way out */
	int64_t store_cut_until, target_cut_until;
};

/* A thread. */
struct fiber {
	struct process *process; /* NULL: it is free */
	int64_t wake_at;	 /* INT64_MAX: when another thread wakes it */
	bool hears;		 /* sleeps until there are news */
	struct sent *awaits;	 /* or the answer of this */
	const void *waits_on;	 /* a condition of pthread_cond_wait() */
	/* But of the first of a process: */
	void *(*body)(void *);
	void *argument;
	bool over;
	struct fiber *joined_by;
	ucontext_t context;
	char *stack;
	void *fake_stack; /* of AddressSanitizer */
};

/* A change of a ledger. */
struct change {
	enum { CHANGE_NOTHING, CHANGE_INSERT, CHANGE_ONCE, CHANGE_DELETE } kind;
	uint64_t keys; /* a bit each */
	int64_t value;
};

static inline uint64_t bit(int key)
{
	return UINT64_C(1) << key;
}

/* A statement that was sent to a target and is not over. */
struct sent {
	bool used;
	enum target_id target;
	enum { SENT_ON_ITS_WAY, SENT_RUNS, SENT_OVER } state;
	int64_t next_at; /* arrives, or ends */
	int64_t runs_us;
	char query_id[80];
	struct change change;
	bool refused; /* its author was wrong */
	char marker[64]; /* "" none */
	int64_t epoch;
	bool fence_asked, is_fenced;
	int64_t order; /* of arrival */
	bool cancelled;
	/* a transaction of several statements */
	bool is_open;	 /* its commit was not sent so far */
	bool is_begun;	 /* that was answered */
	bool is_dropped; /* by whoever began it */
	struct kept *kept; /* what is committed with it */
	/* the answer, once it is over */
	enum outcome outcome;
	enum error_class class;
	char code[8];
	const char *words;
	struct fiber *client; /* whoever waits; NULL: nobody does any more */
	int64_t incarnation;
};

/* A row of amig_transaction. */
struct kept {
	char operation[64]; /* "": it is free */
	int64_t effect;
	bool committed;
	struct buf state;
};

struct ledger {
	int count[KEYS];
	int64_t value[KEYS];
};

/* What stands in the migration's row. */
struct row_seen {
	bool active, stop;
	int status, wanted; /* enum migration_status, enum wanted */
};

/* A migration's row, as the last commit left it. */
struct watched {
	const char *name; /* NULL: there is none */
	int64_t epoch, lease_until, index, run;
	bool backward;
	struct row_seen row;
	bool claimed; /* since then */
	int64_t owner; /* an incarnation */
};

#define MARKERS_MAX 256
#define TOGETHER 2
#define KEPT_MAX 64
struct simulation {
	uint64_t seed, random;
	int64_t now, quiet_at;
	int64_t steps;
	bool trace, over;
	const char *violation; /* what was seen, or NULL */
	char words[400];
	struct process processes[PROCESSES];
	struct fiber fibers[FIBERS]; /* the first of each process come first */
	struct fiber *running; /* NULL: the world itself */
	struct fiber *next;    /* is to run at once */
	ucontext_t context;
	void *fake_stack;
	int64_t incarnations;
	int faults_left, rate; /* a fault happens at one of `rate` points */
	struct bundle bundle; /* of the schedule's migrations */
	struct bundle_entry entries[TOGETHER];
	const struct plan *plan; /* the migration */
	struct ledger ledgers[TARGETS];
	struct sent sent[STATEMENTS_MAX];
	int64_t arrivals;
	char markers[MARKERS_MAX][64];
	int marker_count;
	char fenced[MARKERS_MAX / 16][64];
	int64_t fence_epochs[MARKERS_MAX / 16];
	int fenced_count;
	struct kept kept[KEPT_MAX];
	bool has_tables;
	struct watched watched[TOGETHER]; /* the plan's migration and the one behind it */
	struct watched *seen; /* of which something is seen at this moment */
	int64_t yes; /* the run that the operator has said yes to */
	char said[80];	 /* the effect that the operator has said something of */
	struct late *late;
	int64_t server_skew_us;
};
extern struct simulation world;

/* What a migration does; plan.def. */
struct plan {
	const char *name;
	unsigned weight;
	uint64_t keys; /* that are there when it is completed */
	bool fails;
	uint64_t may_stay;
	uint64_t locked;
	uint64_t at_once;
	const char *then;
	uint64_t approved;
	int64_t last;
	bool doubts;
};
extern const struct plan plans[];
extern const size_t plan_count;

/* world.c */
uint64_t chance(uint64_t below);		/* 0 to below - 1 */
bool one_in(uint64_t n);
int64_t between_us(int64_t low, int64_t high);	/* mostly near low */
bool fault_now(void);				/* uses one up */
void trace(const char *format, ...) PRINTF_LIKE(1, 2);
/* The running coroutine gives way for so long. False: it was killed. */
bool give_way(int64_t us);
/* A place where a process can be killed or paused. False: it was killed. */
bool point(const char *where);
bool is_dead(void); /* the running one */
void kill_process(struct process *p);
struct process *me(void); /* of the running one */
int64_t monotonic_us(const struct process *p);
void wake(struct fiber *f, int64_t in_us);
/* Not yet at work. */
void fiber_begin(struct fiber *f, struct process *p);
void to_world(struct fiber *f); /* until it is woken */
int ledger_count(int key); /* on all targets */
struct watched *watched_of(struct str name); /* NULL: it is not looked at */
/* Runs the schedule of a seed. False: an invariant was violated. */
bool world_run(uint64_t seed, const struct bundle *bundle, bool trace);

/* life.c: what a process does, again and again; returns when it is over. */
void life_of(struct process *p);

/* thread.c: the body of a further thread. */
void thread_carry_out(struct fiber *f);

/* state.c */
void state_prepare(void);
void state_begin(void); /* of a schedule */
void state_end(void);
void state_deliver_late(void);
int64_t state_late_at(void); /* INT64_MAX: nothing is under way */
/* What an effect that is part of the store's open transaction does when it is committed; false:
 * there is none open. */
bool state_add_change(void *session, const struct change *c);
bool state_is_begun(void *session);
bool state_send_owed(void *session);

/* server.c */
struct sent *server_send(enum target_id target, const struct statement *s, int64_t delay_us);
/* A transaction: it is open until one of the two behind it. */
struct sent *server_begin(enum target_id target, const struct statement *s, int64_t delay_us);
void server_commit(struct sent *s, struct str operation, int64_t effect, struct str state,
		   int64_t delay_us);
void server_drop(struct sent *s, int64_t delay_us);
/* NULL: there is no such row. */
const struct kept *server_kept(struct str operation, int64_t effect);
void server_clear(void); /* at the end of a schedule */
int64_t server_next(struct sent **which);
void server_happen(struct sent *s);
/* Ends or awaits what runs. */
bool server_end(enum target_id target, struct str prefix);
bool server_has_marker(struct str key);
void server_raise(struct str run, int64_t epoch);
bool server_is_idle(void);
void change_parse(struct str sql, struct change *out);
uint64_t keys_named(struct str sql);
#define PARTIAL_CODE "241" /* of a failure that may leave a part of it there */
void ledger_apply(enum target_id target, const struct change *c);

/* target.c: how often the target has a key. */
int target_count(const struct connection *c, int key);

/* stream.c */
extern const struct stream_kind simulated_stream;

/* table.c: the answer to a question about it, a key; false: there is no row. */
bool table_answer(struct str sql, int64_t *key);
/* The ledger's keys that are between those of a condition. */
uint64_t table_keys(struct str sql);

/* invariant.c */
void violated(const char *format, ...) PRINTF_LIKE(1, 2);
void invariant_change(enum target_id target, const struct change *c);
/* An effect is in doubt: what the event says. */
void invariant_doubt(struct str detail);
void invariant_claimed(int64_t incarnation, int64_t epoch, bool to_rollback);
void invariant_wrote(const char *what, int64_t epoch);
void invariant_row(int64_t epoch, int64_t run, int64_t index, bool backward);
void invariant_words(const struct row_seen *now);
void invariant_outcome(enum outcome o, const struct error *err, struct str name);
void invariant_end(bool completed);

#endif
