/*
 * emit.h - a module under construction: interned tables, and functions made of instructions
 *
 * struct emit gathers what one migration uses; struct code is one function while its instructions
 * are written. For every row of opcodes.def there is a constructor, emit_NAME(code, a, b), whose
 * arguments have a type for each operand kind, so that a wrong operand does not compile. Code
 * that nothing can reach is not written: after a jump, RETURN or FAIL instructions are dropped
 * until a label is placed to which something jumps.
 *
 *	struct label end = {0};
 *	emit_JUMP_IF_FALSE(c, &end);
 *	…
 *	label_place(c, &end);
 *
 * Types are given in numbers of the compilation's table and brought into the module's own by
 * emit_type(). Everything lies in the emit's arena until emit_clear().
 */
#ifndef COMPILER_EMIT_H
#define COMPILER_EMIT_H

#include "vm/isa/module.h"

struct label {
	uint32_t at;		/* where it was placed */
	/* The last jump to it that waits for its place, + 1; each holds the one before. */
	uint32_t chain;
	bool placed;
};

struct operand_count { uint32_t n; };
struct operand_number { int32_t n; };
struct operand_flag { bool n; };
struct operand_local { uint32_t n; };
struct operand_constant { uint32_t n; };
struct operand_type { uint32_t n; };
struct operand_function { uint32_t n; };
struct operand_builtin { uint32_t n; };
struct operand_template { uint32_t n; };
struct operand_field { uint32_t n; };
struct operand_param { uint32_t n; };
struct operand_frozen { uint32_t n; };
struct operand_need { uint32_t n; };
struct operand_operation { uint32_t n; };
struct operand_shape { enum query_shape n; };

struct emit;

struct code {
	struct emit *emit;
	struct str name;
	uint32_t number;		/* of the function */
	uint32_t flags;
	uint32_t source;		/* of the module */
	uint32_t param_count;
	uint32_t result;		/* of the module's types */
	uint32_t line;			/* for the instructions to come */
	bool dead;			/* nothing gets here */
	VEC(uint32_t) local_types;
	VEC(struct instruction) code;
	VEC(uint32_t) lines;
};

struct emit {
	struct arena arena;
	const struct types *from;	/* the compilation's types */
	struct types types;		/* the module's own */
	uint32_t *type_map;		/* from-number → own number + 1 */
	uint32_t type_map_count;
	struct map interned;		/* constants and templates by content → number + 1 */
	struct buf key;			/* of what is looked up there */
	VEC(struct constant) constants;
	VEC(struct template) templates;
	VEC(struct function) functions;
	VEC(struct operation) operations;
	VEC(struct source) sources;
	struct code spare;		/* the room of a function that has ended */
};

void emit_init(struct emit *e, const struct types *from);
void emit_clear(struct emit *e);
struct operand_type emit_type(struct emit *e, uint32_t type);
struct operand_constant emit_constant_number(struct emit *e, enum constant_kind kind,
					     int64_t number);
struct operand_constant emit_constant_text(struct emit *e, enum constant_kind kind,
					   struct str text);
/* pieces: holes + 1; hole types in the module's numbers. All are copied. */
struct operand_template emit_template(struct emit *e, const struct str *pieces,
				      const uint32_t *hole_types, uint32_t hole_count);
/* Reserves a function's number; its code may follow later. */
struct operand_function emit_function(struct emit *e);

/* The name is borrowed. Types in the compilation's numbers. The first param_count locals are the
 * parameters: the caller makes them and counts them in c->param_count. */
void code_begin(struct code *c, struct emit *e, struct operand_function function, struct str name,
		uint32_t result);
struct operand_local code_local(struct code *c, uint32_t type);
void code_end(struct code *c);		/* puts the function into the module and empties c */
void label_place(struct code *c, struct label *l);

void code_add(struct code *c, enum opcode op, uint32_t a, uint32_t b);
void code_add_jump(struct code *c, enum opcode op, struct label *to);

#define TAKES_NONE(v)
#define TAKES_COUNT(v) , struct operand_count v
#define TAKES_NUMBER(v) , struct operand_number v
#define TAKES_FLAG(v) , struct operand_flag v
#define TAKES_LOCAL(v) , struct operand_local v
#define TAKES_CONSTANT(v) , struct operand_constant v
#define TAKES_TYPE(v) , struct operand_type v
#define TAKES_TARGET(v) , struct label *v
#define TAKES_FUNCTION(v) , struct operand_function v
#define TAKES_BUILTIN(v) , struct operand_builtin v
#define TAKES_TEMPLATE(v) , struct operand_template v
#define TAKES_FIELD(v) , struct operand_field v
#define TAKES_PARAM(v) , struct operand_param v
#define TAKES_FROZEN(v) , struct operand_frozen v
#define TAKES_NEED(v) , struct operand_need v
#define TAKES_OPERATION(v) , struct operand_operation v
#define TAKES_SHAPE(v) , struct operand_shape v
/* The first operand decides whether it is a jump; the second one is a small number or nothing. */
#define WRITES_NONE(c, op, second) code_add(c, op, 0, second)
#define WRITES_PLAIN(c, op, second) code_add(c, op, (uint32_t)a.n, second)
#define WRITES_COUNT WRITES_PLAIN
#define WRITES_NUMBER WRITES_PLAIN
#define WRITES_FLAG WRITES_PLAIN
#define WRITES_LOCAL WRITES_PLAIN
#define WRITES_CONSTANT WRITES_PLAIN
#define WRITES_TYPE WRITES_PLAIN
#define WRITES_TARGET(c, op, second) code_add_jump(c, op, a)
#define WRITES_FUNCTION WRITES_PLAIN
#define WRITES_BUILTIN WRITES_PLAIN
#define WRITES_TEMPLATE WRITES_PLAIN
#define WRITES_FIELD WRITES_PLAIN
#define WRITES_PARAM WRITES_PLAIN
#define WRITES_FROZEN WRITES_PLAIN
#define WRITES_NEED WRITES_PLAIN
#define WRITES_OPERATION WRITES_PLAIN
#define SECOND_NONE 0
#define SECOND_COUNT b.n
#define SECOND_SHAPE (uint32_t)b.n

#define OPCODE(number, name, first, second, pops, pushes, world, sentence) \
	static inline void emit_##name(struct code *c TAKES_##first(a) TAKES_##second(b)) \
	{ \
		WRITES_##first(c, OP_##name, SECOND_##second); \
	}
#include "vm/isa/opcodes.def"
#undef OPCODE

#endif
