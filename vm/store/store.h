/*
 * store.h - the durable state of every run: one interface, in PostgreSQL (schema amig) and in
 * SQLite (tables amig_…)
 *
 * The tables are in schema.def. Everything a step changes is one struct step, written by one
 * commit. Where the target of an effect is the store's own database, store_begin() … effect …
 * store_step() is one transaction with it; without store_begin(), store_step() is a transaction of
 * its own. Every commit is durable on return.
 *
 * A state that cannot be understood (unknown status, newer schema, index out of range, checkpoint
 * of another run) is refused with OUTCOME_DAMAGED; a store that cannot be reached, is full or
 * read-only: OUTCOME_UNREACHABLE. In both cases nothing was changed, except that after a failed
 * COMMIT it is not known (class ERROR_UNKNOWN).
 */
#ifndef VM_STORE_STORE_H
#define VM_STORE_STORE_H

#include "vm/base/error.h"
#include "vm/base/hash.h"
#include "vm/base/vec.h"
#include "vm/driver/watch.h"

/* status.def: STATUS(NAME, "word in the database", "Words for people"). */
enum migration_status {
#define STATUS(name, word, label) STATUS_##name,
#include "vm/store/status.def"
#undef STATUS
	STATUS_COUNT
};
const char *status_word(enum migration_status s);
const char *status_label(enum migration_status s);
/* Somebody is at work on it, or has died over it. */
bool status_is_active(enum migration_status s);

struct store;

/* where: "postgresql://…", "postgres://…", "sqlite:PATH". Makes and upgrades the tables (by its
 * own versioned steps, in one transaction each, safe when two start at once). */
enum outcome store_open(struct store **out, const char *where, struct error *err) MUST_USE;
/* Opens it without making or upgrading its tables. *out NULL: they are not those that this amigrun
 * works with. */
struct store_stand {
	int64_t version, newest; /* of the tables, 0 there are none; that this amigrun makes */
};
enum outcome store_look(struct store **out, const char *where, struct store_stand *stand,
			struct error *err) MUST_USE;
void store_close(struct store *s);
/* The open session, for connection_share(): a struct postgres * or struct sqlite *; kind is
 * "postgres" or "sqlite". */
void *store_session(struct store *s);
const char *store_kind(const struct store *s);

/* The database's clock, in microseconds since 1970 UTC. */
enum outcome store_clock(struct store *s, int64_t *us, struct error *err) MUST_USE;

/* How long a lease lasts from each claim, step and renewal of this session; 10 s unless told. */
void store_set_lease(struct store *s, int64_t ms);

/* What operators ask of whoever runs a migration. */
struct stop_wish {
	bool requested;
	bool now;	/* cancels what runs instead of letting it be finished */
	bool rollback;	/* undoes the run when it has stopped */
};

/* wanted.def: WANTED(NAME, "word in the database"): what a worker is to do with a migration. */
enum wanted {
#define WANTED(name, word) WANTED_##name,
#include "vm/store/wanted.def"
#undef WANTED
	WANTED_COUNT
};

/* A row of table migration. Texts live in the arena given to the reading call. Times: microseconds
 * since 1970 UTC, 0 none. */
struct migration_row {
	struct str name, description;
	enum migration_status status;
	int progress; /* 0–100 */
	int64_t current_operation_index;
	struct str current_query_id;
	int64_t started_at, finished_at;
	struct str min_version, max_version;
	struct hash module_hash; /* of the current run's module; zero none */
	struct str lease_owner;
	int64_t epoch, lease_expires_at;
	int64_t current_run; /* 0 none */
	struct stop_wish stop;
	enum wanted wanted;
	struct str instruction; /* what an operator is to do; "" nothing */
	int64_t lease_left_ms; /* by the database's clock; 0: it is over, or there is none */
};

/* Makes the row if there is none; updates description and version range. */
enum outcome store_register(struct store *s, struct str name, struct str description,
			    struct str min_version, struct str max_version,
			    struct error *err) MUST_USE;
/* false in *found: no such row. */
enum outcome store_migration(struct store *s, struct str name, struct arena *a,
			     struct migration_row *out, bool *found, struct error *err) MUST_USE;
enum outcome store_migrations(struct store *s, struct arena *a, struct migration_row **out,
			      size_t *count, struct error *err) MUST_USE; /* by name */
/* Of all rows, also of those that make no sense. */
enum outcome store_names(struct store *s, struct arena *a, struct str **out, size_t *count,
			 struct error *err) MUST_USE;

/* One operation of a plan. */
enum operation_status {
#define OPERATION_STATUS(name, word) OPERATION_STATUS_##name,
/* PENDING RUNNING DONE FAILED ROLLING_BACK ROLLED_BACK */
#include "vm/store/operation_status.def"
#undef OPERATION_STATUS
	OPERATION_STATUS_COUNT
};
const char *operation_status_word(enum operation_status s);
struct operation_row {
	int64_t index;
	struct str label;
	uint32_t operation;	      /* number of the operation in the module */
	struct str options, captures; /* encoded values */
	struct str connection;	      /* name, "" none */
	enum operation_status status;
	int64_t attempts, rows; /* rows -1: not told */
	int64_t started_at, finished_at;
	/* Those of a block, which stand behind one another, go at once, so many at a time; 0: it
	 * stands alone. */
	int64_t block, at_once;
	/* Of a block: as which of the run's it came to its end, from 1; 0: it has not. */
	int64_t completion;
};
#define AT_ONCE_MAX 64

enum run_phase { /* what a run is doing; kept in table run */
#define RUN_PHASE(name, word) PHASE_##name,
#include "vm/store/phase.def" /* FORWARD POSTCHECK BACKWARD ENDED */
#undef RUN_PHASE
		 PHASE_COUNT
};
struct run_row {
	int64_t id;
	struct str migration, app_version;
	struct hash module_hash;
	struct str params, frozens; /* encoded values (a list each) */
	int64_t operation_count;
	/* over the plan's rows: a plan edited by hand is refused */
	struct hash plan_hash;
	enum run_phase phase;
	/* reading only: one more than the highest effect number in the journal */
	int64_t next_effect;
	int64_t started_at, finished_at;
};

enum claim_way {
	CLAIM_FROM_DEAD = 1, /* its owner is known to be dead, and the lease with it */
	CLAIM_KEEPS_STOP = 2, /* what its owner was asked to do, its successor is */
};
/* Takes the migration whose row was read to status `to` (Starting; Running or Rolling back when a
 * run is resumed), with ways of claim_way, unless anything was done to it or asked for since, its
 * lease is not over, or max_running others are Starting, Running, Stopping or Rolling back: then
 * OUTCOME_NOT_NOW with the reason, TRANSIENT for max_running. Raises the epoch, sets the lease and
 * its owner, forgets what was asked for. */
enum outcome store_claim_read(struct store *s, const struct migration_row *read,
			      enum migration_status to, int max_running, const char *owner,
			      unsigned ways, int64_t *epoch, struct error *err) MUST_USE;
/* Lets the lease last from now on; wish: what was asked for meanwhile. OUTCOME_NOT_NOW when the
 * epoch has moved on. Not while a statement runs in the store's session, nor between store_begin()
 * and its end. */
enum outcome store_renew(struct store *s, struct str name, int64_t epoch, struct stop_wish *wish,
			 struct error *err) MUST_USE;
/* A new epoch for whoever has the migration, which stays theirs: what they sent in the one before
 * can be told from what they send now. Raises *epoch. A failure of class ERROR_UNKNOWN: it may
 * have moved on. */
enum outcome store_raise_epoch(struct store *s, struct str name, int64_t *epoch,
			       struct error *err) MUST_USE;
/* Stores module (as blob), run and plan, removes what earlier runs of the migration have left in
 * run_blob, and sets it to Running at index 0: one transaction. Sets run->id. */
enum outcome store_start(struct store *s, struct run_row *run, struct str module_image,
			 const struct operation_row *plan, int64_t epoch,
			 struct error *err) MUST_USE;
/* What an operator has said of an effect that is in doubt. */
enum effect_said { SAID_NOTHING, SAID_DONE, SAID_AGAIN };
struct run_state {
	struct run_row run;
	struct operation_row *plan; /* run.operation_count */
	struct str module_image;    /* 8-aligned */
	/* checkpoint: state of the machine inside the current operation; bytes empty: at the
	 * operation's beginning */
	struct str checkpoint;
	/* what it may refer to, and maybe more; each is what its hash says. None with an empty
	 * checkpoint. */
	struct hashed *blobs;
	size_t blob_count;
	/* the effect whose intent is durable and whose outcome is not: number 0 none */
	struct effect_row {
		int64_t number, operation_index, attempt;
		bool backward; /* an effect of the rollback */
		struct str query_id, sql, connection;
		int64_t intent_at;
		enum effect_said said; /* SAID_NOTHING once its outcome is known */
	} open_effect;
};
/* Reads a run back, plan and newest checkpoint with it. Checks plan_hash and that every part
 * belongs together. */
enum outcome store_load(struct store *s, int64_t run, struct arena *a, struct run_state *out,
			struct error *err) MUST_USE;
/* The refusal of a checkpoint that refers to what the run does not have. */
enum outcome store_blob_is_missing(struct store *s, int64_t run, struct hash hash,
				   struct error *err);
/* All that are open of the operation that the run is at, and of those of its block, by number:
 * several, where windows or operations go at once. */
enum outcome store_open_effects(struct store *s, int64_t run, struct arena *a,
				struct effect_row **out, size_t *count,
				struct error *err) MUST_USE;
/* The last effect on a connection before this number that is done and has left a marker there;
 * number 0: none. */
enum outcome store_marked_before(struct store *s, int64_t run, struct str connection,
				 int64_t number, struct arena *a, struct effect_row *out,
				 struct error *err) MUST_USE;
/* The journal of a run, in order. */
struct effect_record {
	struct effect_row effect;
	bool ended, ok; /* ended: its outcome is known */
	int64_t rows;	/* -1 not told */
	struct str error_code, error_text;
	int64_t outcome_at;
};
enum outcome store_effects(struct store *s, int64_t run, struct arena *a,
			   struct effect_record **out, size_t *count, struct error *err) MUST_USE;

/* ---- steps ---- */
struct effect_outcome {
	/* as in its intent: a retry keeps the number and raises the attempt */
	int64_t number, attempt;
	bool ok;
	int64_t rows; /* -1 not told */
	struct str error_code, error_text;
	struct str sql; /* what it was, if that was not known at its intent; else empty */
};
/* also written whole by an effect inside the store's transaction: with its outcome */
struct effect_intent {
	/* A further attempt of an effect keeps its number and has a higher attempt: the journal
	 * keeps a row of each, and only the last row can be the open effect. A long sql is kept by
	 * its beginning. */
	int64_t number, operation_index, attempt;
	bool backward;
	const char *query_id;
	struct str sql, connection;
};
struct operation_change {
	int64_t index;
	enum operation_status status;
	int64_t attempts, rows;
	bool started, finished; /* set the times to now */
	int64_t completion; /* 0: as it is */
};
struct error_row {
	int64_t operation_index; /* -1 none */
	struct str description;	 /* the whole text for people */
	struct str code, sql, query_id;
	int64_t created_at; /* reading only */
};
struct event_row {
	struct str kind, who, detail; /* kinds: vm/run/event.def */
	int64_t at;		      /* reading only */
};
#define STEP_CHANGES_MAX 2 /* operations that a step changes */
struct step {
	int64_t run, epoch;
	struct str migration;
	/* any of these may be absent */
	const struct effect_outcome *outcome; /* ends the effect of that number */
	/* begins the next (with outcome of the same number: both at once) */
	const struct effect_intent *intent;
	struct operation_change operations[STEP_CHANGES_MAX];
	size_t operation_count;
	bool set_checkpoint;
	struct str checkpoint; /* empty: at an operation's beginning */
	/* What checkpoints of the run refer to, by hash. First all of it goes that was there
	 * before, if drop_blobs; then `dropped` goes, and `blobs` come, which may be there. */
	bool drop_blobs;
	const struct hash *dropped;
	size_t dropped_count;
	const struct hashed *blobs;
	size_t blob_count;
	bool set_migration;
	enum migration_status status;
	int progress;
	int64_t current_operation_index;
	const char *current_query_id; /* NULL: as it is */
	bool set_finished;	      /* finished_at := now */
	bool forget_stop; /* the request to stop is dealt with */
	bool release; /* gives the lease up: whoever wants to may go on with the run at once */
	bool set_phase;
	enum run_phase phase;
	bool set_instruction;
	struct str instruction;
	struct str setting, setting_value; /* a setting that changes; name "": none */
	int64_t setting_index; /* the operation that the next two are about */
	bool keep_setting;     /* what it was before, for who undoes the operation */
	bool restore_settings; /* what the operation has set is again what it was */
	bool ask; /* the current operation waits for an operator's yes from now on */
	bool set_locks; /* the run keeps its outermost `locks` locks and gives the others back */
	int64_t locks;
	const struct error_row *error;
	const struct event_row *event;
};
/* Conditional on the epoch: OUTCOME_NOT_NOW ("another runner took over") when it has moved on,
 * nothing written. store_step() ends the transaction of store_begin() in any case. OUTCOME_FAILED:
 * the transaction could not be committed for the effect's sake (a deferred constraint, a
 * serialization failure), nothing happened; or, with class ERROR_UNKNOWN, the effect's own SQL
 * ended the transaction before its journal was written. The two operations are different ones. */
enum outcome store_begin(struct store *s, struct error *err) MUST_USE;
/*
 * After store_begin(), before the effect: what its step is going to be if nothing out of the
 * ordinary happens (an effect with both intent and outcome, one operation, the migration; its texts
 * live until the transaction ends). Where the database can, that is written while the effect's
 * answer is on its way, and the step then writes what came otherwise: the lease lasts from then.
 */
void store_expect(struct store *s, const struct step *step);
/* commits */
enum outcome store_step(struct store *s, const struct step *step, struct error *err) MUST_USE;
/*
 * The same for a transaction of store_begin(), except that where the database can, the commit goes
 * out together with the next statement in the store's session (*later true): one round trip less.
 * Until store_wait() has told its outcome it may not have happened, and nobody may rely on it. The
 * next store_begin() may come before that; store_wait() must come before the next step. Every other
 * use of the store's session sends it first. Of a store that is closed before that, it may happen.
 */
enum outcome store_step_later(struct store *s, const struct step *step, bool *later,
			      struct error *err) MUST_USE;
enum outcome store_wait(struct store *s, struct error *err) MUST_USE;
void store_abort(struct store *s); /* rolls back what store_begin() opened */

/* ---- locks: one run at a time holds a name (lock.c) ---- */
struct lock_row {
	struct str name;
	int64_t depth; /* from 1: how far in, of those that its run has */
	bool held;     /* false: it was taken over, or lies in another of its name */
};
/* Those of a run, outermost first. */
enum outcome store_locks(struct store *s, int64_t run, struct arena *a, struct lock_row **out,
			 size_t *count, struct error *err) MUST_USE;
/*
 * Commits a step (never of store_begin()) together with the taking of a lock at a depth, or nothing
 * at all: *taken false when a run that is at work has it; holder is its migration then. From a run
 * that is stopped, has failed or has ended it is taken over, unless the last effect of that run is
 * in doubt and so may be under way. A lock that the run itself has further out is taken once more.
 */
enum outcome store_step_lock(struct store *s, const struct step *step, struct str name,
			     int64_t depth, struct arena *a, bool *taken, struct str *holder,
			     struct error *err) MUST_USE;

/* A change of the row alone, without a run (Failed at startup, not required → Completed, mark):
 * conditional on the epoch. */
enum outcome store_settle(struct store *s, struct str name, int64_t epoch,
			  enum migration_status status, int progress, const struct error_row *error,
			  const struct event_row *event, struct error *err) MUST_USE;
/* Keeps what an operator says of the open effect of the run that `read` is at, with the event of
 * it, and raises the epoch: OUTCOME_NOT_NOW if anybody has taken the run since `read` was read, or
 * the effect has ended. */
enum outcome store_say(struct store *s, const struct migration_row *read,
		       const struct effect_row *effect, enum effect_said said,
		       const struct event_row *event, struct error *err) MUST_USE;
/* What an operator has said of an operation that waits for it. */
enum approval { APPROVAL_UNASKED, APPROVAL_ASKED, APPROVAL_GIVEN };
enum outcome store_approval(struct store *s, int64_t run, int64_t index, enum approval *out,
			    struct error *err) MUST_USE;
/* The yes to the operation that the run of `read` is at, with its event; label: of it, in the
 * arena. *asked false: nothing is waited for, nothing was written. */
enum outcome store_approve(struct store *s, const struct migration_row *read,
			   const struct event_row *event, struct arena *a, struct str *label,
			   bool *asked, struct error *err) MUST_USE;
/* Adds to what was requested before. */
enum outcome store_request_stop(struct store *s, struct str name, struct stop_wish wish,
				bool *was_running, struct error *err) MUST_USE;
/* Not while a statement runs in the store's session (from a watch): that takes a store of its
 * own. */
enum outcome store_stop_requested(struct store *s, struct str name, struct stop_wish *out,
				  struct error *err) MUST_USE;
/* Until when (monotonic ms; 0: for ever) a store that is silent is waited for; then it counts as
 * unreachable, and its session is lost. */
void store_be_patient(struct store *s, int64_t until_ms);
/* Leaves word for a worker; *was_idle false: it runs, nothing was written. */
enum outcome store_want(struct store *s, struct str name, enum wanted wanted, bool *was_idle,
			struct error *err) MUST_USE;
/* The word that was left in that epoch, unless there is another one since or a claim. */
enum outcome store_forget(struct store *s, struct str name, int64_t epoch, enum wanted wanted,
			  struct error *err) MUST_USE;

/* From now on store_hear() hears of requests, words for workers and ends of runs. */
enum outcome store_listen(struct store *s, struct error *err) MUST_USE;
/* Waits for news until timeout_ms have passed or a signal arrives; *heard: there may be some. */
enum outcome store_hear(struct store *s, int timeout_ms, bool *heard,
			struct error *err) MUST_USE;

enum outcome store_errors(struct store *s, struct str name, struct arena *a, struct error_row **out,
			  size_t *count, struct error *err) MUST_USE; /* newest first */
enum outcome store_events(struct store *s, struct str name, struct arena *a, struct event_row **out,
			  size_t *count, struct error *err) MUST_USE; /* newest first */
enum outcome store_add_event(struct store *s, struct str name, const struct event_row *event,
			     struct error *err) MUST_USE;
/* Parameters that an operator set before a run: name and JSON text. */
enum outcome store_set_parameter(struct store *s, struct str migration, struct str name,
				 struct str json, struct error *err) MUST_USE;
enum outcome store_parameters(struct store *s, struct str migration, struct arena *a,
			      struct str (**out)[2], size_t *count, struct error *err) MUST_USE;
/* How an operator wants the run under way to go: parameters whose names begin so, which no name of
 * a migration's own does. The next run begins without them. */
#define STORE_TUNED "batches."
struct tuned_row {
	struct str name; /* with what it begins with */
	struct str value; /* "": it is as the migration says again */
};
enum outcome store_tune(struct store *s, const struct migration_row *migration,
			const struct tuned_row *rows, size_t count, const struct event_row *event,
			struct error *err) MUST_USE;
enum outcome store_setting(struct store *s, struct str name, struct arena *a, struct str *value,
			   bool *found, struct error *err) MUST_USE;
/* All of them, by name: name and value. */
enum outcome store_settings(struct store *s, struct arena *a, struct str (**out)[2], size_t *count,
			    struct error *err) MUST_USE;
/* Only if there is none of that name. */
enum outcome store_add_setting(struct store *s, struct str name, struct str value,
			       struct error *err) MUST_USE;
enum outcome store_set_setting(struct store *s, struct str name, struct str value,
			       struct error *err) MUST_USE;

#endif
