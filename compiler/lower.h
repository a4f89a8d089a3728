/*
 * lower.h - from checked trees to the module image of a migration
 *
 *   lower_migration ── setup, required, leaves, params, checks     lower_migration.c
 *        ├── plan ── operations' functions, includes in place       lower_plan.c
 *        │     └── statements                                       lower_statement.c
 *        │           │                                              lower_effect.c
 *        │           └── expressions, operators, calls, templates   lower_expression.c
 *        │                                                 lower_operator.c lower_call.c
 *        │                                                 lower_list.c
 *        └── the library functions that these reached, in the order in which they were met
 *
 * The unit has no errors, and lowering finds only those of size: more locals in a function,
 * larger types than an image may have. Where a value goes to a place of a wider type, WIDEN says
 * so. All of a function's state is in its locals between two statements, so that a checkpoint
 * holds it: `for` keeps its list and its position in hidden ones.
 */
#ifndef COMPILER_LOWER_H
#define COMPILER_LOWER_H

#include "compiler/check.h"
#include "compiler/emit.h"

/* Without `every`, a healthcheck runs this often. */
#define HEALTHCHECK_EVERY_MS 60000

/* The unit must have been checked without errors. paths: for each of its sources the path that
 * the image shows, NULL: that of the source. stamp: a counter that all migrations of a unit
 * share, 0 at first. */
void lower_migration(struct unit *u, const struct unit_migration *m, const struct str *paths,
		     uint32_t *stamp, struct buf *image);

/*
 * The parts. Symbols are bound to what they are in the module by their mark and slot: a local of
 * a function under that function's stamp; a library function, and a connection that an `include`
 * passes on, under the migration's.
 */
struct lower {
	struct unit *unit;
	const struct unit_migration *migration;
	const struct str *paths;
	uint32_t *stamps;
	uint32_t stamp;				/* of this migration */
	struct emit emit;
	uint32_t *source_map;			/* the unit's source → the module's + 1 */
	VEC(struct symbol *) reached;		/* fns and consts whose functions have numbers */
};

struct body {					/* a function being written */
	struct lower *lower;
	struct code code;
	uint32_t stamp;
	uint32_t result;			/* its type, in the unit's numbers */
	/* The unit's: places in others are those of what brought them here. */
	uint32_t source;
};

/* lower_migration.c */
void body_begin(struct body *b, struct lower *l, struct operand_function function, struct str name,
		uint32_t result, uint32_t source);
struct operand_local body_bind(struct body *b, struct symbol *s);	/* a new local for it */
void body_parameter(struct body *b, struct symbol *s);
/* With a RETURN, if its end can be reached and it gives nothing. */
void body_end(struct body *b);
void body_place(struct body *b, struct span at);
/* The function of a FN or CONST. */
struct operand_function lower_reached(struct lower *l, struct symbol *s);
struct str lower_text(struct lower *l, struct span at);		/* what stands there, on one line */

/* lower_expression.c */
void lower_expression(struct body *b, const struct expression *e);
/* For a place of that type. */
void lower_value(struct body *b, const struct expression *e, uint32_t type);
void lower_widen(struct body *b, uint32_t from, uint32_t to);
void lower_symbol(struct body *b, struct symbol *s);
/* A copy: the table moves when it grows. */
struct type lower_type(const struct body *b, uint32_t type);
void lower_int(struct body *b, int64_t number);
void lower_duration(struct body *b, int64_t ms);
void lower_string(struct body *b, struct str text);
/* Strings that wait on the stack to be one: when they are many, they are joined now. Gives how
 * many wait then. */
uint32_t lower_joined_so_far(struct body *b, uint32_t waiting);

/* lower_operator.c */
void lower_operator(struct body *b, const struct expression *e);	/* UNARY, BINARY */
void lower_jump_unless(struct body *b, const struct expression *e, struct label *to);
void lower_jump_if(struct body *b, const struct expression *e, struct label *to);
/* Jumps if the condition does not hold; else its `let` is bound. */
void lower_condition(struct body *b, const struct condition *c, struct label *otherwise);

/* lower_call.c */
void lower_call(struct body *b, const struct expression *e);
void lower_interpolation(struct body *b, const struct part *parts);
void lower_sql(struct body *b, const struct part *parts);
/* A NEED, or a parameter bound to one. */
struct operand_need lower_need(const struct body *b, const struct symbol *s);
void lower_connection(struct body *b, const struct symbol *s);
void lower_default(struct body *b, const struct parameter *p, uint32_t type);

/* lower_statement.c */
void lower_block(struct body *b, const struct block *block);
/* What `for` writes before and after its body, there or in a plan. */
struct loop {
	struct label top, end;
	struct operand_local list, index;
};
/* False: the list is [], no body. */
bool loop_begin(struct body *b, struct loop *loop, const struct expression *list,
		struct symbol *element, struct span at);
/* The same with a list that a local holds. */
void loop_over(struct body *b, struct loop *loop, struct operand_local list,
	       struct symbol *element, struct span at);
void loop_end(struct body *b, struct loop *loop, struct span at);
void lower_let(struct body *b, const struct statement *s);

/* lower_effect.c */
void lower_effect(struct body *b, const struct statement *s);

/* lower_list.c */
void lower_list_function(struct body *b, const struct expression *e, enum special special);

/* lower_plan.c */
struct operand_function lower_plan(struct lower *l);

#endif
