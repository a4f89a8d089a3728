/*
 * interpreter.h - the machine's inside: its state, and how instruction bodies are written
 *
 *   values:  | locals | stack ... | locals | stack ...          one array, a frame after the other
 *              ^ base of frame 0    ^ cursor.locals  ^ cursor.sp
 *
 * A call's arguments become the first locals of the callee where they lie. Each instruction has one
 * body, do_NAME(), an inline function of operation_*.h, that moves the cursor on and returns true;
 * or returns false and leaves the machine in another state (failed, asking, returned). Bodies that
 * may allocate go through heavy(), which saves the cursor and first lets the heap be compacted:
 * nothing may point into the heap across it but the values below sp.
 *
 * What runs is a copy of the code in which frequent sequences are fused (fusion.def); when the
 * machine stands still, the cursor is in the module's own. A place has the same number in both.
 *
 * The verifier has proved types, depths and operands: bodies check only what depends on values.
 */
#ifndef VM_MACHINE_INTERPRETER_H
#define VM_MACHINE_INTERPRETER_H

#include "vm/machine/machine.h"

#define ORIGINS_KEPT 32u
#define REGEXES_KEPT 16u
#define HEAP_FIRST_THRESHOLD ((size_t)4 << 20)

struct cursor {
	const struct instruction *at;
	struct value *sp;		/* one behind the top */
	struct value *locals;
	const struct instruction *code;	/* of the function */
};

/* A caller that waits: its CALL instruction and where its locals begin. */
struct frame {
	uint32_t function, pc;
	size_t base;
};

struct regex {
	struct str pattern;		/* malloc'd */
	void *code;			/* pcre2_code */
};

struct machine {
	const struct module *m;
	enum machine_state state;
	struct cursor cursor;		/* while not running, and for heavy bodies */
	uint32_t function;
	/* By function: its code with sequences fused (fusion.c), NULL until it is entered; its code
	 * as it is; and which of the two runs now. */
	const struct instruction **fused, **plain, **codes;
	struct value *values;
	size_t room;
	struct frame frames[MACHINE_FRAMES_MAX];
	uint32_t frame_count;		/* callers; the running function is not among them */
	struct heap heap;
	size_t threshold;		/* compact when the heap is larger */
	size_t heap_max;
	struct heap constant_heap;	/* lives as long as the machine */
	struct heap param_heap, frozen_heap;
	struct value *params, *frozens;	/* NULL until set */
	struct value *constants;	/* made when first used: kind NULL until then */
	struct value **pieces;		/* of templates, likewise */
	const struct str **names;	/* of record types, likewise */
	size_t type_count;
	struct machine_request request;
	struct value result;
	char *failure;
	uint32_t failed_function, failed_pc;
	bool thrown;
	char failure_class[24], failure_code[24];
	struct str origins[ORIGINS_KEPT]; /* malloc'd; origin n is at n % ORIGINS_KEPT as long as n
					     is recent */
	uint32_t last_origin;
	struct regex regexes[REGEXES_KEPT];
	uint32_t next_regex;
	struct blobs *blobs;		/* borrowed; NULL: none */
};

/* Of a checkpoint behind its head, "" if it has none. */
struct str checkpoint_body(struct str bytes);

/* The class and code of the failure that was just told, in place of "failed" and "". */
void machine_failed_as(struct machine *vm, struct str class, struct str code);
/* A machine that has failed goes on where that is caught; false: nowhere. */
bool machine_catch(struct machine *vm);
/* Gives false, with the machine failed at vm->cursor: for bodies behind heavy(). */
bool machine_fail_here(struct machine *vm, const char *format, ...) PRINTF_LIKE(2, 3);
/* Likewise at the instruction of c. The cursor goes over by value: one whose address is known
 * elsewhere would not stay in registers. */
#define machine_fail(vm, c, ...) ((vm)->cursor = *(c), machine_fail_here((vm), __VA_ARGS__))
/* Forgets all but params and frozens. */
void machine_reset(struct machine *vm);
/* Compacts the heap if that is due. Fails if what lives is above the limit. */
bool machine_tidy(struct machine *vm);
/* Fails if a value just made is too deep or too large to be handled further. */
bool machine_check_value(struct machine *vm, struct value v);
/* Fails if so many bytes can't be made room for. */
bool machine_check_room(struct machine *vm, uint64_t bytes);
/* Room for values[0..needed); moves the cursor with the array. */
bool machine_reserve(struct machine *vm, struct cursor *c, size_t needed);
/* Runs until something stops it, or the fuel is used up, which goes down with each step. */
void machine_loop(struct machine *vm, uint64_t *fuel);
/* A function's code, fused. */
const struct instruction *machine_fused(struct machine *vm, uint32_t function);
const struct str *machine_names(struct machine *vm, uint32_t record_type);
struct str machine_origin(const struct machine *vm, uint32_t origin);

/* The out-of-line bodies: they work on vm->cursor and move it. */
bool make_constant(struct machine *vm);
bool make_concat(struct machine *vm);
bool make_string(struct machine *vm);
bool make_list(struct machine *vm);
bool make_append(struct machine *vm);
bool make_record(struct machine *vm);
bool make_sql(struct machine *vm);
bool take_as(struct machine *vm);
bool call_builtin(struct machine *vm);
bool enter_function(struct machine *vm);
bool throw_failure(struct machine *vm);
bool raise_failure(struct machine *vm);
bool make_caught(struct machine *vm);
bool make_sorted(struct machine *vm);
bool ask(struct machine *vm);

/* The body of a built-in function: args lie on the stack and stay there; fails by
 * machine_fail_here(). */
typedef bool (*builtin_fn)(struct machine *vm, const struct value *args, struct value *out);
#define BUILTIN(number, name, c_name, signature, doc) \
	bool builtin_##c_name(struct machine *vm, const struct value *args, struct value *out);
#include "stdlib/builtins.def"
#undef BUILTIN
void regexes_clear(struct machine *vm);

/* A value as two numbers: read as one so soon after its halves were written, it would have to wait
 * for them. */
static inline void value_move(struct value *to, const struct value *from)
{
	uint64_t head;
	int64_t number = from->number;
	memcpy(&head, from, sizeof(head));
	memcpy(to, &head, sizeof(head));
	to->number = number;
}

static ALWAYS_INLINE bool heavy(struct machine *vm, struct cursor *c,
				bool (*body)(struct machine *vm))
{
	vm->cursor = *c;
	bool going = (vm->heap.arena.total_bytes <= vm->threshold || machine_tidy(vm)) && body(vm);
	*c = vm->cursor;
	return going;
}

#endif
