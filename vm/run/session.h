/*
 * session.h - a run in the hands of this process: what all of the runner's files share
 *
 *   start.c resume.c     make a run ready        forward.c rollback.c   go through the plan
 *   step.c effect.c      one operation           journal.c              what is to be committed
 *   evaluate.c           functions that only read    request.c   answers to what the machine asks
 *   doubt.c              whether it has happened     stop.c              requests to stop
 *   gauge.c              how far the effect that runs has come
 *   host.c               `per shard`, `per replica`
 *   block.c strand.c     operations at once
 *   transaction.c        `transaction`
 *   lock.c               `with lock`             health.c               checks of the running run
 *
 * Memory: everything lives in run.arena or run.heap until session_close(). Errors are the caller's.
 */
#ifndef VM_RUN_SESSION_H
#define VM_RUN_SESSION_H

#include "vm/connection/connection.h"
#include "vm/machine/machine.h"
#include "vm/run/ending.h"
#include "vm/run/clock.h"
#include "vm/run/lease.h"
#include "vm/run/progress.h"
#include "vm/run/retry.h"
#include "vm/run/run.h"
#include "vm/run/transaction.h"
#include "vm/run/tune.h"

#define QUERY_ID_SIZE 64 /* what PostgreSQL's application_name holds, with the NUL */

/* How an operation is carried out: its options record, read. */
struct policy {
	int64_t timeout_ms;
	struct retry retry;
	int64_t weight;
	struct connection_setting *settings;
	size_t setting_count;
};

#define JOURNAL_NOTES_MAX 4

/*
 * The journal: what the next commit will hold. Outcome of an effect, checkpoint, end of an
 * operation and the intent of the next effect gather here until something must not happen before
 * they are durable; then journal_commit() writes them at once.
 */
struct journal {
	bool pending;	     /* there is something to commit */
	bool in_transaction; /* store_begin() was done: an effect on the store's own database is
				part of it */
	struct step step;
	struct effect_outcome outcome;
	struct effect_intent intent;
	struct error_row error;
	struct note {
		enum run_event event;
		struct event_row row;
		struct buf text;
	} notes[JOURNAL_NOTES_MAX]; /* the first goes into the step, more of them right behind it */
	size_t note_count;
	struct buf checkpoint;
	bool stored_checkpoint; /* the store's newest checkpoint is not empty */
	struct blobs *blobs;	/* what checkpoints refer to */
	bool stored_blobs;	/* the store may hold some of the run */
	/* A step whose commit goes out with the next effect (journal_commit_later): what it was,
	 * for when its outcome is told. */
	struct {
		bool is; /* there is one */
		int64_t index;
		bool set_checkpoint, stored_checkpoint, dropped_blobs;
		int64_t sent_at_ms;
		struct buf sql;
		char query_id[QUERY_ID_SIZE];
	} owed;
	int64_t locks;	  /* of the run, when the machine was as in the checkpoint */
	struct buf after; /* the machine right after the last effect's answer; len 0: no effect
			     since the last commit */
	int64_t after_locks;
	int64_t expected_at_ms; /* what was expected of this transaction may have been written from
				   then on; 0: nothing was */
	char query_id[QUERY_ID_SIZE];
	char outcome_code[24];
	struct buf outcome_text, error_text, instruction, setting, setting_value;
};

/* What is being carried out: an operation in one direction. */
struct act {
	int64_t index;
	bool backward; /* its rollback */
	const struct operation *operation;
	uint32_t function;
	struct policy policy;
	int64_t attempts, rows;
	bool begun; /* the store knows that it began */
};

/* What is known of the effect that was open when the run was loaded. */
enum verdict { VERDICT_NONE, VERDICT_DONE, VERDICT_AGAIN, VERDICT_UNDO, VERDICT_OPEN };

/* The checks of the running migration (health.c). */
struct health {
	enum health_state {
		HEALTH_OFF,	/* none is asked */
		HEALTH_GOOD,	/* each is asked when it is due */
		HEALTH_CANCELS, /* one failed: what runs at this moment is to be cancelled */
		HEALTH_BAD,	/* it was */
	} state;
	bool held; /* none is asked while one is being asked, or a doubt is being settled */
	struct pulse {
		int64_t due_ms;	 /* monotonic */
		int64_t attempt; /* could not be asked so often in a row */
	} *pulses;	       /* by check */
	int64_t due_ms;	       /* the first of them */
	struct run *asker;     /* NULL: not needed so far */
	struct error error;    /* of the one that failed */
};

struct stop {
	bool heard;	       /* told to the listener */
	struct stop_wish wish; /* through the store */
	int64_t heard_at_ms, polled_at_ms, looked_at_ms;
	bool news; /* somebody has told of something; who waits for that resets it */
	bool cancelled; /* the effect that ran was cancelled for it, or for a lost lease */
};

/* The window that was given last. */
struct window_given {
	int64_t ms; /* when; 0: not by this process */
	/* The machine before it was given, as long as nothing was done in it. */
	struct buf before;
	int64_t size;
};

struct run {
	struct store *store;
	const struct instance *instance;
	const struct run_options *options;
	struct arena arena;
	struct str name;

	struct module module;
	struct heap heap; /* params, frozens, captures */
	struct value *params, *frozens;
	struct machine *vm;		/* of the operations */
	struct connection *connections; /* by place (host.h); kind NULL: not open yet */
	struct connection http;		/* for the requests of `http` */
	/* STATES: and those of transactions can be asked. */
	enum marking { MARKING_UNKNOWN, MARKING_POSSIBLE, MARKING_STATES,
		       MARKING_REFUSED } *markings; /* by need */
	enum fencing { FENCE_UNKNOWN, FENCE_RAISED, FENCE_REFUSED } *fences; /* by need */
	/* The hosts of the plan, and the one at which what is carried out now is; NULL: none. */
	struct run_host *hosts;
	uint32_t host_count;
	const struct run_host *here;
	struct watch watch;
	bool store_busy; /* a statement runs in the store's session: it can't be asked anything else
			  */
	bool store_reads; /* and it only reads: another session can write, in SQLite too */
	int64_t busy_since_ms;
	struct store
		*second; /* opened when a stop is to be heard while the first is busy for long */

	struct lease lease;
	struct clock clock;
	int64_t id, epoch;
	struct operation_row *plan;
	int64_t count, index; /* operations; plan has what ending.h says behind them */
	struct endings endings;
	bool sets; /* the module has a `set setting` */
	struct progress progress;
	double share; /* of the current operation, as it tells */
	int64_t copied; /* rows of the `copy` that is under way */
	/* Of the one that failed last: it has not come to its end and some of its rows may be in
	 * the table; and for a reason that would be there again. */
	bool copied_in_part, copied_refused;
	struct {
		uint32_t function, pc; /* the question of the code that was answered last */
		bool known;    /* this process has looked at its table */
		bool unique;   /* an index of the server keeps the key so */
		double first;  /* the first key of the table, where keys are numbers */
		struct window_given given;
		int64_t halved; /* what the size is to be now; 0: as always */
		bool told; /* why there are no lanes */
		struct tuning tuned;
		int64_t tuned_at_ms; /* when it was read; 0: not yet */
		int64_t took_size; /* what `tune size` said when it was followed last */
	} window;
	struct {
		int64_t depth;	/* that the machine is in */
		int64_t stored; /* rows of the run in the store */
		int64_t pause_ms; /* before the last look at one that another has; 0: none */
		struct lock_row *loaded; /* as the run was found; NULL: it began here */
	} locks;
	struct ahead *ahead; /* ahead.h; NULL: nothing was read ahead yet */
	struct transaction transaction;
	struct buf halt; /* the instruction of the `halt` that the machine has come to */
	struct lanes *lanes; /* lane.h; NULL: one window after the other */
	struct strands *strands; /* strand.h; NULL: one operation after the other */
	int64_t completions; /* of operations of blocks (block.h), so far */
	enum run_phase phase;
	enum migration_status status;
	int64_t next_effect;
	struct str checkpoint;	       /* loaded; consumed by the first operation */
	struct effect_row open_effect; /* loaded; number 0: none */
	enum verdict verdict;	       /* on it, once reached */
	bool left_open; /* it is of this process, and a stop came before it was settled */
	struct act inside;	       /* whose effect is in the store's open transaction */
	int64_t durable_index;	       /* as of the last commit */
	bool touched;	      /* the current operation may have changed something already */
	int64_t usual_rows;   /* of the last effect */
	int64_t undone_times; /* in a row, because of effects in doubt */
	int64_t done_here;    /* operations finished by this process */

	struct journal journal;
	/* Of the effect that runs, where its server tells how far it has come; c NULL: none. */
	struct gauge {
		struct connection *c;
		const struct act *act;
		bool alone; /* it is all that its operation does */
		int64_t asked_ms;
	} gauge;
	struct stop stop;
	struct health health;
	/* NULL, or the run that this one only asks healthchecks for: it shares no session, waits
	 * for no retry and stops when that one does. */
	struct run *asks_for;
	char prefix[32]; /* "amig:STORE.RUN:" of all query ids */
	char token[9];	 /* of this process, in the query ids of reads */
	uint64_t reads;
	struct buf sql;	       /* of the effect that runs or ran last */
	struct buf failed_sql; /* of the one that failed; reset by whoever starts something that may
				  fail */
	char failed_query_id[QUERY_ID_SIZE];
};

/* session.c */
void session_open(struct run *r, struct store *store, const struct instance *instance,
		  struct str name, const struct run_options *options);
void session_close(struct run *r);
/* Opens and verifies the image (copied if it is not kept by the caller), makes the machine. */
enum outcome session_load_module(struct run *r, struct str image, struct error *err) MUST_USE;
/* After params and frozens are known. */
void session_set_values(struct run *r);
/* After plan and id are known: progress, query ids. */
enum outcome session_begin(struct run *r, struct error *err) MUST_USE;
enum outcome session_connection(struct run *r, uint32_t need, struct connection **out,
				struct error *err) MUST_USE;
/* That of a place, which may not be open. */
struct connection *session_at(struct run *r, uint32_t place);
/* One more session to what is at a place (host.h), which nothing shares. */
enum outcome session_open_connection(struct run *r, uint32_t place, struct connection *c,
				     struct error *err) MUST_USE;
/* Around a statement on c: whether the store's own session is busy with it. */
void session_busy(struct run *r, const struct connection *c);
void session_idle(struct run *r);
void session_tell(struct run *r, enum run_event event, struct str label, struct str text);
const char *session_owner(char *out, size_t size);
/* Whether an owner is a living process; *known false: it is of another machine. */
bool session_owner_lives(struct str owner, bool *known);
/* Whether somebody had the migration who is known to be dead: its lease need not be waited for. */
bool session_owner_died(const struct migration_row *row);
/* The claim must be the very next thing that happens to the row after it was read. */
enum outcome session_claim(struct run *r, const struct migration_row *row,
			   enum migration_status to, struct error *err) MUST_USE;
/* A second session of the store, for while the first is busy; opened at the first call. NULL: it
 * can't be. */
struct store *session_second_store(struct run *r);
enum outcome session_settings(struct run *r, const char *name, struct str *value, bool *found,
			      struct error *err) MUST_USE;
void encode_values(const struct value *values, size_t count, struct buf *out);
enum outcome decode_values(struct run *r, struct str bytes, size_t count, struct value **out,
			   const char *what, struct error *err) MUST_USE;

/* operator.c: USER@HOST, for the events of what people say. */
void operator_print(struct buf *out);

/* policy.c */
void policy_read(const struct run *r, const struct operation *op, struct value options,
		 struct policy *out, struct arena *a);

/* request.c */
/* Answers what vm asks, anything but EXEC and PLAN. index: the operation for query ids, -1 none. */
enum outcome request_answer(struct run *r, struct machine *vm, int64_t index,
			    const struct policy *policy, struct error *err) MUST_USE;
/* Asks a question that changes nothing, as the operation's policy says; its id, for errors, is put
 * into query_id. */
enum outcome request_query(struct run *r, struct connection *c, struct str sql, int64_t index,
			   const struct policy *policy, char query_id[QUERY_ID_SIZE],
			   struct result *result, struct error *err) MUST_USE;
/* window.c: whether the failure is that the window that it came first in was too much at once. */
bool window_is_too_much(const struct run *r, const struct connection_kind *kind,
			const struct error *err);
/* Then goes back before that window, and takes half of it. */
bool window_halve(struct run *r, const struct connection_kind *kind, struct error *err);
/* Before it: whether it is to be given now. false: a stop came while an operator had the batches
 * wait. */
bool window_may_come(struct run *r);
/* Whether an operator has it wait. */
bool window_is_paused(struct run *r);
/* Time that passed since the last window was given and was no work in it. */
void window_rests(struct run *r, int64_t ms);
/* Answers a WINDOW of vm. */
enum outcome window_answer(struct run *r, struct machine *vm, int64_t index,
			   const struct policy *policy, struct error *err) MUST_USE;
/* Whether answering takes no time and no I/O. */
/* session_connection(), and what passes by itself is tried again as the policy's retry says (NULL:
 * not at all). */
enum outcome request_connection(struct run *r, uint32_t need, const struct policy *policy,
				struct connection **out, struct error *err);
bool request_is_quick(const struct machine_request *q);
/* The SQL of a QUERY or EXEC in the dialect of its connection. */
enum outcome request_render(struct run *r, const struct machine_request *q,
			    const struct connection_kind *kind, struct buf *out,
			    struct error *err) MUST_USE;
/* The machine's failure as an error with its place. */
enum outcome request_machine_failure(struct run *r, const struct machine *vm, struct error *err);
void request_remember_sql(struct run *r, struct str sql, const char *query_id);

/* evaluate.c: a function that changes nothing, in a machine of its own; the result is in r->heap.
 * planned: hears PLAN, PARALLEL and PARALLEL_END. */
typedef enum outcome (*planned_fn)(void *context, const struct machine_request *q,
				   struct error *err);
enum outcome evaluate(struct run *r, uint32_t function, const struct value *args,
		      struct value *result, planned_fn planned, void *context,
		      struct error *err) MUST_USE;
/* All checks of a kind, told one by one; a failed one says its label. index: for the messages' sake
 * -1. */
enum outcome evaluate_checks(struct run *r, enum check_kind kind, const char *word,
			     struct error *err) MUST_USE;

/* params.c: stored values, --param, defaults; typed and checked. */
enum outcome params_collect(struct run *r, struct error *err) MUST_USE;
/* OUTCOME_DAMAGED: a row of the state makes no sense as a parameter. */
enum outcome params_look(struct run *r, struct error *err) MUST_USE;

/* version.c */
enum outcome version_check_app(const struct run *r, struct error *err) MUST_USE;
enum outcome version_check_services(struct run *r, struct error *err) MUST_USE;
bool version_in_range(struct semver v, struct str range);
/* Whether an application's version is in the range that a migration says; NULL: not known. */
bool version_suits(const struct migration *m, const char *app_version);

/* plan.c: setup and plan functions; fills frozens, plan. */
enum outcome plan_setup(struct run *r, struct error *err) MUST_USE;
enum outcome plan_make(struct run *r, struct error *err) MUST_USE;
/* The captured values of a plan row, decoded. */
enum outcome plan_captures(struct run *r, const struct operation_row *row, const struct value **out,
			   struct error *err) MUST_USE;
enum outcome plan_act(struct run *r, int64_t index, bool backward, struct act *out,
		      struct error *err) MUST_USE;

/* journal.c */
/* Commits what is pending, if anything is. On failure the run's state in the store is what it was,
 * or unknown. */
enum outcome journal_commit(struct run *r, struct error *err) MUST_USE;
/* The end of an operation whose effect is in the store's own transaction: its commit may go out
 * with the next effect. Until journal_settled() has told, nothing but that effect's store_begin()
 * and exec may be done. */
enum outcome journal_commit_later(struct run *r, struct error *err) MUST_USE;
/* What became of it, OUTCOME_OK if there is none. A failure is the failure of that commit, and the
 * run's SQL is that effect's again. journal_commit() does it by itself. */
enum outcome journal_settled(struct run *r, struct error *err) MUST_USE;
/* The same together with taking a lock; *taken false: the migration `holder` has it, nothing was
 * written. */
enum outcome journal_commit_lock(struct run *r, struct str name, int64_t depth, bool *taken,
				 struct buf *holder, struct error *err) MUST_USE;
/* Of a run that was loaded: what its checkpoint refers to. */
void journal_load_blobs(struct run *r, const struct run_state *state);
void journal_checkpoint(struct run *r, const struct machine *vm);
void journal_after(struct run *r); /* the machine is right behind an effect, or what failed */
void journal_checkpoint_after(struct run *r); /* as it was after the last effect, if there was one
						 since the last commit */
void journal_checkpoint_empty(struct run *r);
enum outcome journal_operation(struct run *r, const struct act *a, enum operation_status status,
			       bool finished, struct error *err) MUST_USE;
void journal_migration(struct run *r,
		       enum migration_status status); /* with r->index and the progress */
/* What an operator is to do now; empty: nothing. */
void journal_instruct(struct run *r, struct str text);
void journal_phase(struct run *r, enum run_phase phase);
void journal_event(struct run *r, enum run_event event, const char *format, ...) PRINTF_LIKE(3, 4);
void journal_error(struct run *r, int64_t index, const struct error *err);
/* err NULL if ok */
void journal_outcome(struct run *r, int64_t number, int64_t attempt, bool ok, int64_t rows,
		     const struct error *err);
/* Forgets what is pending: its transaction is gone. */
void journal_forget(struct run *r);
/* Before an effect inside the store's transaction: what its step will be, if that can be told. */
void journal_expect(struct run *r, const struct act *a, int64_t number, int64_t attempt,
		    const struct connection *c);
void journal_intent(struct run *r, const struct act *a, int64_t number, int64_t attempt,
		    const struct connection *c);

/* step.c: machine_restore() of what journal_checkpoint() has saved, of lanes too. */
enum outcome step_restore(struct run *r, struct str checkpoint, struct error *err) MUST_USE;
/* A failure that the code outlives: it goes on from there, and so does a run that dies now. */
void step_outlive(struct run *r, struct error *err);
enum step_end {
	STEP_DONE,    /* returned; its last outcome may be pending in the journal */
	STEP_FAILED,  /* it failed: err says how; the journal may hold the failed outcome */
	STEP_STOPPED, /* a stop was heard at a place where it can be resumed */
	STEP_UNDO,  /* an effect is in doubt and the operation wants to be undone and begun anew */
	STEP_DOUBT, /* an effect is in doubt and stays so: err says which */
	STEP_UNHEALTHY, /* a healthcheck failed: it can go on from there */
	STEP_LOST, /* the store failed or the run is somebody else's: nothing more may be written */
};
enum step_end step_operation(struct run *r, struct act *a, struct error *err);
/* What sees to it on the target that an effect that comes late changes nothing. */
enum proof { PROOF_NONE, PROOF_MARKER, PROOF_FENCE };
/* effect.c: makes the effect that the machine asks for, and answers it. */
enum step_end step_effect(struct run *r, struct act *a, struct error *err);
/* One of its own: its intent is durable before it goes out. r->sql is what the journal shows. */
enum step_end effect_alone(struct run *r, struct act *a, struct connection *c, enum proof proof,
			   struct error *err);
/* Waits before the next attempt. STEP_DONE: now. */
enum step_end effect_wait(struct run *r, const struct act *a, int64_t attempt, struct error *err);
/* It ends before it was settled: whoever resumes the run settles it, or a rollback does. Returns
 * STEP_STOPPED. */
enum step_end effect_leave_open(struct run *r, const struct effect_row *effect);
/* Whether code of the operation, or the next operation, goes on after a failure. */
bool effect_may_be_outlived(const struct run *r, const struct act *a);
/* An effect can't even be asked for: STEP_FAILED. One that was to be made again is given up. */
enum step_end effect_end_unasked(struct run *r, const struct act *a, struct error *err);
/* Where half of an effect may be there nothing goes on over it: STEP_DOUBT. */
enum step_end effect_end_over_half(const struct run *r, struct error *err);
/* A healthcheck has failed that ends what runs. */
bool step_is_unhealthy(const struct run *r, const struct act *a);
/* Commits what is pending with a checkpoint, or waits for the commit that is under way. */
enum outcome step_commit(struct run *r, struct error *err) MUST_USE;
void query_id_print(const struct run *r, int64_t index, int64_t number, int64_t attempt,
		    enum proof proof, char out[QUERY_ID_SIZE]);

/* set.c: `set setting`; what is undone is put back together with the end of its rollback. */
enum step_end set_change(struct run *r, struct act *a, struct error *err);
void set_init(struct run *r); /* when the module is known */
void set_restore(struct run *r, const struct act *a);
/* ending.c: the run has come to `finally`. */
bool finally_is_begun(const struct run *r);
/* Carries it out, if there is one; fresh: from its beginning. Its end waits for the next commit. */
enum step_end finally_go(struct run *r, struct act *a, bool fresh, struct error *err);
/* notice.c: `on complete`, before the run counts as completed. */
enum step_end notice_complete(struct run *r, struct act *a, struct error *err);
/* `on error`: commits what is pending, with the error, as owed; then gives the notice. */
enum outcome notice_error(struct run *r, struct error *err) MUST_USE;
/* Of a run that was loaded: its process has died in between. */
bool notice_is_owed(const struct run *r);
enum outcome notice_give_owed(struct run *r, struct error *err) MUST_USE;
/* halt.c: `halt`, and `approval`, which waits for `amigrun approve`. */
enum step_end halt_stop(struct run *r, struct act *a, struct error *err);
enum step_end approval_wait(struct run *r, struct act *a, struct error *err);

/* http.c: `http`, whose idempotency key makes it repeatable. */
enum step_end http_send(struct run *r, struct act *a, struct error *err);
/* A request outside of the journal, which whoever gets it knows by this key. */
enum outcome http_notify(struct run *r, const struct machine_request *q, const char *key,
			 struct error *err) MUST_USE;
/* Whether an effect that is in doubt is sent again, as nothing in the operation says otherwise. */
bool http_repeats(const struct act *a, const struct effect_row *effect);
/* The end of an attempt is not known: *again, or it is left open, for a resume or a rollback. */
enum step_end http_settle(struct run *r, const struct act *a, const struct effect_row *effect,
			  bool *again, struct error *err);
/* For a preview: the request, with its body. */
enum outcome http_preview(struct run *r, const struct machine_request *q, struct buf *target,
			  struct buf *text, struct error *err) MUST_USE;

/* health.c */
/* From now on the healthchecks are asked: after their interval, or all of them at once. */
void health_begin(struct run *r, bool at_once);
/* Asks those that are due, in sessions of their own. Cheap when none is. */
void health_watch(struct run *r);
/* Moves what failed to err and asks none any more. */
void health_take(struct run *r, struct error *err);
void health_end(struct run *r);
static inline bool health_is_bad(const struct run *r)
{
	return r->health.state >= HEALTH_CANCELS;
}

/* lock.c: `with lock`. A lock lasts as long as the checkpoint is inside of its block. */
enum step_end lock_take(struct run *r, struct act *a, struct error *err);
void lock_give_back(struct run *r);
/* In the middle of an operation that was loaded: those that were taken over meanwhile. */
enum step_end lock_regain(struct run *r, struct error *err);
enum outcome lock_load(struct run *r, struct error *err) MUST_USE;

/* marker.c: an effect on a transactional database that is not the store's leaves a row there in its
 * own transaction, so that afterwards the target itself says whether it was committed. */
/* The row says, too, that nobody has taken the run over: who does raises the run's fence there
 * first, and what the process before sends after that is refused. */
/* Whether effects on the connection of this need can be marked; the first call makes the tables. An
 * error is one that passes: nothing is known then. */
enum outcome marker_possible(struct run *r, uint32_t need, struct connection *c, bool *possible,
			     struct error *err) MUST_USE;
void marker_print(const struct run *r, const struct connection_kind *kind, int64_t number,
		  struct buf *out);
/* *there: whether the effect was committed. */
enum outcome marker_look(struct run *r, struct str connection, int64_t number, bool *there,
			 struct error *err) MUST_USE;
/* Whether a marked effect was refused because of the fence. */
bool marker_is_fenced(const struct error *err);
/* Raises the fence to this run's epoch, on a database where effects are marked. */
enum outcome marker_raise_fence(struct run *r, uint32_t need, struct connection *c,
				struct error *err) MUST_USE;
bool query_id_is_marked(struct str query_id);

/* fence.c: struct target_fence of connection.h. */
struct target_fence fence_of(const struct run *r);
/* Raises it once in this process, where the kind has one; that it can't be made there is told as an
 * event. */
enum outcome fence_raise(struct run *r, uint32_t need, struct connection *c,
			 struct error *err) MUST_USE;
/* Whether a statement carries its condition. */
bool fence_guards(struct run *r, uint32_t need, struct connection *c, struct str sql);
bool query_id_is_guarded(struct str query_id);

/* Whether a function can make one effect at most, by its code. */
bool doubt_has_one_effect(const struct module *m, uint32_t function);
/* doubt.c: in front of doubt_resolve(). A target that is out of reach for a moment can't be asked
 * what became of an effect: it is waited for, until it is fenced, as the operation's retries say.
 * STEP_STOPPED: a stop came; STEP_DONE: ask now; why: it could not be fenced. */
enum step_end doubt_await_target(struct run *r, const struct act *a,
				 const struct effect_row *effect, struct error *why);
/* The same without patience. */
void doubt_fence_once(struct run *r, const struct effect_row *effect, struct error *why);
/* Finds out what became of an effect. *err: why the target could not be fenced, empty where it is;
 * then, only with VERDICT_OPEN, why it is not known. VERDICT_NONE: a stop came first. */
enum verdict doubt_resolve(struct run *r, const struct act *a, const struct effect_row *effect,
			   struct error *err);
/* The same for the effect that was open when the run was loaded, before anything else is done. */
enum outcome doubt_resolve_loaded(struct run *r, struct error *err) MUST_USE;
/* Makes a new epoch, in which a fence keeps out what this process sent before: an attempt whose
 * answer was lost may be on its way still, also after all that runs was ended. */
enum outcome doubt_part(struct run *r, struct error *err) MUST_USE;
/* Ends the effect that was left open, for a rollback: it does not happen any more. */
enum outcome doubt_close_left(struct run *r, struct error *err) MUST_USE;
/* Raises the target's fence and sees to it that nothing of this run runs on a connection any
 * more. */
enum outcome doubt_fence(struct run *r, struct str connection, struct error *err) MUST_USE;
/* The same where an effect is known, which may have set something going on other hosts: that is
 * waited for as well. */
enum outcome doubt_fence_effect(struct run *r, const struct effect_row *e,
				struct error *err) MUST_USE;

/* start.c, resume.c: the two ways to begin, once the migration's row is known. */
enum outcome start_run(struct run *r, const struct migration_row *row, struct str image,
		       struct error *err) MUST_USE;
/* One whose process died while it started: Not started again, nothing was changed. */
enum outcome start_give_up(struct run *r, const struct migration_row *row,
			   struct error *err) MUST_USE;
/* A migration that the state knows and the bundle does not: Failed at startup. */
enum outcome start_without_definition(struct run *r, const struct migration_row *row,
				    struct error *err) MUST_USE;
/* Loads the run of the row. OUTCOME_NOT_NOW: what is done in it is irreversible. */
enum outcome resume_check_undo(struct run *r, const struct migration_row *row,
			       struct error *err) MUST_USE;
/* Whether there is a run to go on with, and all of it makes sense; loads it. */
enum outcome resume_look(struct run *r, const struct migration_row *row,
			 struct error *err) MUST_USE;
enum outcome resume_run(struct run *r, const struct migration_row *row, bool to_rollback,
			struct error *err) MUST_USE;
/* Refuses if the process that has the migration is alive; *dead: there was one and it died. */
enum outcome resume_check_owner(const struct migration_row *row, bool *dead,
				struct error *err) MUST_USE;

/* forward.c, rollback.c: from where the run stands to its end. */
enum outcome forward_go(struct run *r, struct error *err) MUST_USE;
enum outcome rollback_go(struct run *r, struct error *err) MUST_USE;
/* Whether everything from the current operation down can be undone; else err says what stands
 * against it. */
bool rollback_possible(const struct run *r, struct error *err);
/* Whether the current operation is being undone: in a rollback, or to begin anew. */
bool rollback_is_of_current(const struct run *r);
/* Puts into the journal that the rollback begins. */
void rollback_mark(struct run *r);
/* Undoes one operation that is in doubt, so that it can begin anew. */
enum outcome rollback_undo_current(struct run *r, struct error *err) MUST_USE;
/* What is common to both: a stop, a failure, a doubt becomes the run's state; returns the outcome
 * for the caller. */
enum outcome session_settle(struct run *r, const struct act *a, enum step_end end,
			    struct error *err);
/* Whether a commit that failed was refused because of the effect in it (run.inside), which has not
 * happened then: the run stands where it stood before. */
bool session_was_refused(struct run *r, const struct error *err);
/* A process has died between an error and its consequences: these are drawn now. */
enum outcome session_settle_owed(struct run *r, struct error *err);
/* A check after the last operation failed. */
enum outcome session_settle_check(struct run *r, struct error *err);

/* stop.c */
/* Asked between things; cheap. True, too, when the lease is lost. */
bool stop_wanted(struct run *r);
void stop_hear(struct run *r, struct stop_wish wish);
enum watch_wish stop_watch(void *run);	    /* struct watch's ask */
bool stop_sleep(struct run *r, int64_t ms); /* false: woken by a stop, or bad health */

#endif
