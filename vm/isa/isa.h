/* isa.h - instructions and what is known of each: the table opcodes.def in C */
#ifndef VM_ISA_ISA_H
#define VM_ISA_ISA_H

#include "vm/isa/types.h"

enum opcode {
#define OPCODE(number, name, a, b, pops, pushes, world, sentence) OP_##name = number,
#include "vm/isa/opcodes.def"
#undef OPCODE
};

enum operand_kind {
	OPERAND_NONE,		/* must be 0 */
	OPERAND_COUNT,
	OPERAND_NUMBER,		/* signed */
	OPERAND_FLAG,		/* 0 or 1 */
	OPERAND_LOCAL,		/* a local of the function */
	/* in the module's constants, as the kinds below in its other tables */
	OPERAND_CONSTANT,
	OPERAND_TYPE,
	OPERAND_TARGET,		/* an instruction of the function, counted from its first */
	OPERAND_FUNCTION,
	OPERAND_BUILTIN,	/* a number of builtins.def */
	OPERAND_TEMPLATE,
	OPERAND_FIELD,		/* position in the record type on the stack */
	OPERAND_PARAM,
	OPERAND_FROZEN,
	OPERAND_NEED,
	OPERAND_OPERATION,
	OPERAND_SHAPE,		/* enum query_shape */
};

enum world { WORLD_PURE, WORLD_READ, WORLD_EFFECT, WORLD_JUMP, WORLD_END };

enum query_shape {
	SHAPE_VALUE,		/* the one cell of the one row */
	SHAPE_ROW,		/* the one row, as a record */
	SHAPE_ROWS,		/* a list of records */
	SHAPE_COLUMN,		/* a list of the first column's cells */
	SHAPE_EXISTS,		/* whether there is a row: bool */
	SHAPE_COUNT,
};

/* Limits of one function; amigc keeps within them, the verifier refuses more. */
#define FUNCTION_LOCALS_MAX 4096u
#define FUNCTION_STACK_MAX 32768u

/* One instruction, as it lies in the image (little-endian). */
struct instruction {
	uint8_t op;
	uint8_t zero;
	uint16_t b;
	uint32_t a;
};

struct opcode_info {
	const char *name;	/* NULL: no such opcode */
	enum operand_kind a, b;
	const char *pops, *pushes;
	enum world world;
	const char *sentence;
};

/* By number, 0..255. */
extern const struct opcode_info opcode_table[256];

struct builtin_info {
	const char *name;	/* as in the language */
	const char *signature;	/* "(string, string) -> bool" */
	const char *doc;
};

#define BUILTIN_MAX 255
/* by number; name NULL: none */
extern const struct builtin_info builtin_table[BUILTIN_MAX + 1];

#endif
