/*
 * verify.h - the parts of the verifier
 *
 *   verify.c         every instruction's operands lie within the module's tables
 *   verify_tables.c  what the tables name has the right type: functions of the migration,
 *                    operations, checks, params
 *   verify_flow.c    follows every path of a function: stack, types, locals
 *   verify_try.c     where failures may be caught
 *   verify_effect.c  what one instruction does to the types on the stack, by its row in opcodes.def
 */
#ifndef VM_ISA_VERIFY_H
#define VM_ISA_VERIFY_H

#include "vm/isa/module.h"
#include "vm/isa/pattern.h"

/* Steps that a function may cost. */
#define VERIFY_WORK_MAX UINT64_C(50000000)

/* What is known before an instruction. */
struct flow_state {
	uint32_t depth;
	uint32_t *stack;		/* types, the top one last */
	uint64_t *stored;		/* a bit for each local: stored to on every way here */
};

struct verifier {
	const struct module *m;
	struct types *types;		/* the module's; grows */
	struct error *err;
	uint32_t function;
	uint32_t pc;
	uint32_t max_stack;
	/* steps left before the function is refused as too tangled */
	uint64_t work;
	struct arena arena;		/* what following one function takes */
};

/* Before any function is followed; several threads may. */
void verify_prepare(void);
/* Fills the error: "function 3 (name), instruction 7 (ADD_INT): …". Gives false. */
bool verify_refuse(struct verifier *v, const char *format, ...) PRINTF_LIKE(2, 3);
bool verify_refuse_table(struct verifier *v, const char *format, ...) PRINTF_LIKE(2, 3);
bool verify_tables(struct verifier *v);
/* Sets v->max_stack. */
bool verify_flow(struct verifier *v, uint32_t function);
/* Where the regions of TRY lie. */
bool verify_tries(struct verifier *v, uint32_t function);
/* What is known before pc, of a function that passed; false: no path comes there. */
bool verify_flow_at(struct verifier *v, uint32_t function, uint32_t pc, struct arena *a,
		    struct frame_map *out);
/* Applies the pops of the instruction at v->pc, then the pushes; between them a jump leaves. */
bool verify_pops(struct verifier *v, struct flow_state *s, uint32_t bound[2], uint32_t *field);
bool verify_pushes(struct verifier *v, struct flow_state *s, const uint32_t bound[2],
		   uint32_t field);

#endif
