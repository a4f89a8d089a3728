/*
 * run.h - the runner: carries a compiled migration out, step by step, so that dying anywhere loses
 * nothing
 *
 *   run_migration()   starts what was not started, goes on with what was begun: forward or, if it
 * was being undone, back run_rollback()    undoes from the current operation down to the first
 *   run_resolve()     keeps what an operator says of an effect in doubt
 *   run_tune()        changes the windows of a run under way
 *   run_preview()     what a run would do; changes nothing
 *   run_gate()        what must be completed before the application may go to a version
 *
 * All take the open store and an instance (what the environment says about connections) and answer
 * with an outcome whose number is the exit status. Not for several threads; one run at a time in a
 * process.
 */
#ifndef VM_RUN_RUN_H
#define VM_RUN_RUN_H

#include "vm/base/units.h"
#include "vm/isa/module.h"
#include "vm/run/instance.h"
#include "vm/store/store.h"

enum run_event {
#define EVENT(name, word, kept, sentence) EVENT_##name,
#include "vm/run/event.def"
#undef EVENT
	EVENT_COUNT
};
const char *run_event_word(enum run_event e);

/* What the listener hears. Borrowed for the call. */
struct run_news {
	enum run_event event;
	struct str migration;
	int64_t index, count; /* current operation, of how many; count 0: no plan yet */
	bool backward;
	struct str label; /* of the operation or check */
	int progress;	  /* 0–100 */
	struct str text;  /* what there is to say, may be empty */
};

struct run_listener {
	void (*hear)(void *context, const struct run_news *news);
	void *context;
};

struct run_assignment {
	struct str name, value;
};

struct work;
struct run_options {
	bool ignore_app_version; /* run although the application's version is out of the migration's
				    range */
	bool skip_postchecks;
	bool no_auto_rollback;
	/* A signal makes this process give the run up, not stop it: whoever wants to may go on with
	 * it at once. */
	bool release_on_signal;
	bool stop_at_once; /* a run that is gone on with is stopped before its next effect */
	const struct run_assignment *params; /* --param k=v */
	size_t param_count;
	const struct run_assignment *accepts; /* --accept NAME=VERSION */
	size_t accept_count;
	/* What a worker found: where it is so no more, somebody was faster, and nothing is done.
	 * NULL: however it is. */
	const struct work *found;
	int64_t operations_max; /* stop resumably after so many operations; 0: no limit */
	const struct run_listener *listener; /* or NULL */
};

/* OUTCOME_OK: completed, or nothing was to be done. Else err says what failed, why, and what to do
 * next. bundle may lack the migration if a run of it is to be resumed: that needs the store only.
 */
enum outcome run_migration(struct store *store, const struct instance *instance,
			   const struct bundle *bundle, struct str name,
			   const struct run_options *options, struct error *err) MUST_USE;
enum outcome run_rollback(struct store *store, const struct instance *instance, struct str name,
			  const struct run_options *options, struct error *err) MUST_USE;

/* Leaves word for a worker to run (or go on with) a migration, or to roll it back, if that can be
 * done. */
enum outcome run_want(struct store *store, const struct instance *instance,
		      const struct bundle *bundle, struct str name, enum wanted wanted,
		      struct error *err) MUST_USE;

/* worker.c: what is to be done next by whoever has nothing to do. */
struct work {
	struct arena arena;
	struct str name; /* "" nothing */
	enum wanted what;
	/* How the migration was. */
	enum migration_status status;
	enum wanted wanted; /* NOTHING: nobody has asked for it in words */
	int64_t epoch;
	int64_t again_in_ms; /* look again by then, whether there are news or not */
};
enum outcome work_find(struct store *store, const struct bundle *bundle,
		       const struct instance *instance, struct work *out,
		       struct error *err) MUST_USE;
void work_clear(struct work *w);
/* Does it, as options say, which are of the caller but for `found`. */
enum outcome work_do(struct store *store, const struct instance *instance,
		     const struct bundle *bundle, const struct work *w,
		     const struct run_options *options, struct error *err) MUST_USE;
/* After that: a word that led to nothing is forgotten. One that was followed is so since the claim,
 * and what was said later stays. */
enum outcome work_forget(struct store *store, const struct work *w, struct error *err) MUST_USE;
/* Whether the migration is in the hands of a process that is gone, as far as can be known here. */
bool work_is_orphaned(const struct migration_row *row);

/* What the operator says of the effect that is in doubt: it has happened, or is to be made again.
 * Kept in the state with who said it, for the next run_migration(). *effect: which it is, for
 * people, in the arena. OUTCOME_NOT_NOW: nothing is in doubt, or a process has the run. */
enum outcome run_resolve(struct store *store, struct str name, bool done, struct arena *a,
			 struct str *effect, struct error *err) MUST_USE;

/* The operator's yes to the `approval` that the run waits at, kept with who gave it; label: of it,
 * in the arena; *active: somebody is at work who goes on now. OUTCOME_NOT_NOW: it waits for none.
 */
enum outcome run_approve(struct store *store, struct str name, struct arena *a, struct str *label,
			 bool *active, struct error *err) MUST_USE;

/* tune.c: what an operator changes in the windows of the run under way, by KEY=VALUE of tune.def;
 * VALUE "default": as the migration says. With `reset` all of it first;
 * with nothing at all it only sees that the migration is there. The run hears of it before
 * its next window. OUTCOME_NOT_NOW: nothing is under way. */
enum outcome run_tune(struct store *store, struct str name, bool reset,
		      const struct run_assignment *set, size_t count,
		      struct error *err) MUST_USE;

enum run_statement_kind {
	STATEMENT_KNOWN,
	STATEMENT_UNKNOWN, /* why it can't be told before earlier operations have run */
	STATEMENT_REMARK,  /* words of ours */
};

/* One statement that a run would send, or what is said in its place. */
struct run_statement {
	struct str connection;
	struct str sql;
	enum run_statement_kind what;
};

struct run_preview_operation {
	struct str label, connection;
	int64_t block, at_once; /* those of a block go at once, so many at a time; 0: alone */
	struct run_statement *forward, *backward;
	size_t forward_count, backward_count;
	enum rollback_kind rollback_kind;
	struct str rollback_why;
};

struct run_preview {
	struct arena arena;
	bool required;
	struct run_preview_operation *operations;
	size_t operation_count;
};

enum outcome run_preview(struct store *store, const struct instance *instance,
			 const struct bundle *bundle, struct str name,
			 const struct run_options *options, struct run_preview *out,
			 struct error *err) MUST_USE;
void run_preview_clear(struct run_preview *p);

/* What stands in the way of an application version: a migration whose range ends before it and is
 * not completed. */
struct gate_entry {
	struct str name, min_version, max_version;
	enum migration_status status;
	bool runs_now; /* the present application version is in its range */
};

struct gate {
	struct arena arena;
	struct gate_entry *entries; /* by name */
	size_t count;
};

/* app_version: the present one, NULL unknown. OUTCOME_NOT_NOW if the gate is closed (entries are
 * there then). */
enum outcome run_gate(struct store *store, const struct bundle *bundle, struct str version,
		      const char *app_version, struct gate *out, struct error *err) MUST_USE;
/* The message for people: the list, then what to do. */
void gate_print(const struct gate *g, const char *app_version, struct buf *out);
void gate_clear(struct gate *g);

/* From now on SIGTERM and SIGINT stop the run resumably; the second one ends the process at once.
 */
void run_catch_signals(void);
bool run_is_told_to_end(void); /* a signal has come */

#endif
