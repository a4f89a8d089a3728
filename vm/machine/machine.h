/*
 * machine.h - the interpreter: pure computation that stops to ask
 *
 * It does no I/O and knows no clock. machine_run() goes on until the code needs the outside (a
 * request, which the runner answers), returns, fails, or has used its fuel. At any of these stops
 * its whole state can be saved as bytes and restored in another process with the same module.
 *
 *  start ─▶ run ─▶ MACHINE_ASKS ─answer─▶ run … ─▶ RETURNED | FAILED
 *             └─▶ MACHINE_PAUSED (out of fuel) ─▶ run …
 */
#ifndef VM_MACHINE_MACHINE_H
#define VM_MACHINE_MACHINE_H

#include "vm/machine/blobs.h"
#include "vm/machine/value.h"

#define MACHINE_FRAMES_MAX 200
#define MACHINE_STACK_MAX 65536
/* With less fuel than this the machine goes by single instructions. */
#define MACHINE_FUSED_FUEL_MIN 1000
#define MACHINE_HEAP_MAX_BYTES ((size_t)1 << 30)

enum machine_state { MACHINE_IDLE, MACHINE_ASKS, MACHINE_RETURNED, MACHINE_FAILED, MACHINE_PAUSED };

struct machine_request {
	/* an instruction whose world is READ or EFFECT */
	enum opcode op;
	uint32_t need;			/* the first operand, if that is a connection */
	enum query_shape shape;		/* QUERY */
	bool ends; /* EXEC: whatever the answer is, the code drops it and is at its end */
	/* all operands, the first one first */
	const struct value *operands;
	uint32_t operand_count;
	/* QUERY, EXEC: the SQL; SETTING, ENV: the name; LOG: the text; PROGRESS: the share; PLAN:
	 * the label; SLEEP: until when */
	struct value value;
	/* PLAN: a record of the operation's options type, or null */
	struct value options;
	const struct value *captures;	/* PLAN: as many as the operation has */
	uint32_t operation;		/* PLAN */
	uint32_t function, pc;		/* where, for module_place() */
};

struct machine;

/* The module must be verified and outlive the machine. */
struct machine *machine_new(const struct module *m);
void machine_free(struct machine *vm);
/* Below MACHINE_HEAP_MAX_BYTES, e.g. for tests. What lives may be so large; for a moment the heap
 * may be a few times it. */
void machine_limit_heap(struct machine *vm, size_t bytes);
/* Copied. As many as the module has of each; before start or after restore. Each must be of its
 * type: what comes from the store is to be looked at with value_is() before. Code that asks for one
 * that was not set fails. */
void machine_set_params(struct machine *vm, const struct value *params);
void machine_set_frozens(struct machine *vm, const struct value *frozens);
/* Forgets what it did before. args (copied) must be of the function's parameter types. */
void machine_start(struct machine *vm, uint32_t function, const struct value *args);
/* fuel: steps to run at most, 0 no limit. A step is an instruction, or a few that belong together
 * (fusion.def). */
enum machine_state machine_run(struct machine *vm, uint64_t fuel);
/* valid until the answer */
const struct machine_request *machine_request(const struct machine *vm);
/* The heap to build the answer in; what is built is the machine's. */
struct heap *machine_heap(struct machine *vm);
/*
 * Gives the answer: for requests that push nothing, null. `origin` (may be empty) says what it
 * comes from, for the message of a failing `as`: the SQL's beginning, and of a VALUE or COLUMN the
 * column. The message goes on with ": ", the element and column within the answer, and "expected
 * int, found string …". `as` takes a record's columns by name, in any order, and drops those that
 * the type does not have; one that it wants and does not find fails. It converts nothing.
 */
void machine_answer(struct machine *vm, struct value answer, struct str origin);
/* The request failed: the machine fails at this place, or goes on where that is caught. */
void machine_answer_failure(struct machine *vm, struct str class, struct str code,
			    struct str message);
/* Whether the code would go on from a failure where the machine stands. A block that only gives
 * something back on its way out (`with lock`) does not. */
bool machine_outlives(const struct machine *vm);
/* At an ABANDON that a failure came to: its class, code and message, valid until the answer. false:
 * it was none. */
bool machine_abandons(const struct machine *vm, struct str out[3]);
struct value machine_result(const struct machine *vm);
/* MACHINE_FAILED: why, and where. `thrown`: the author's own FAIL (require, fail), not a run-time
 * error. */
struct str machine_failure(const struct machine *vm, uint32_t *function, uint32_t *pc,
			   bool *thrown);

/* Large values of saved states go there (blobs.h), borrowed; NULL, as at first: nowhere. */
void machine_keep_blobs(struct machine *vm, struct blobs *b);
/*
 * State. Not the params and frozens: they are the run's. machine_save() may be called at
 * MACHINE_ASKS, _PAUSED, after machine_start() and after machine_answer() before the next
 * machine_run(); a state saved at MACHINE_ASKS asks the same again when run after the restore.
 * machine_restore() refuses bytes of another module or format, and damaged ones: OUTCOME_DAMAGED.
 */
bool machine_stands(const struct machine *vm); /* whether it is at one of these */
void machine_save(const struct machine *vm, struct buf *out);
enum outcome machine_restore(struct machine *vm, struct str bytes, struct error *err) MUST_USE;

#endif
