/*
 * checker.h - what the check_*.c share: where the check stands, and the checks that call each other
 *
 * TYPE_NEVER is the type of what was wrong; everything takes it in silence, so that one mistake
 * gives one message.
 */
#ifndef COMPILER_CHECKER_H
#define COMPILER_CHECKER_H

#include "compiler/check.h"
#include "compiler/module.h"
#include "compiler/type.h"

/* What the place allows beyond plain computation. */
enum {
	ALLOW_CALL = 1,		/* fns of the author */
	ALLOW_READ = 2,		/* queries, and what else may answer differently another time */
	ALLOW_EFFECT = 4,
	ALLOW_NOTICE = 8,	/* http */
};

#define PARAMETERS_MAX 64u
/* blocks and expressions in each other; the parser bounds each of them */
#define CHECK_DEPTH_MAX 500

struct captures {
	VEC(struct symbol *) all;
};

struct checker {
	struct unit *unit;
	struct unit_module *module;
	struct unit_migration *migration;	/* or NULL */
	struct scope *scope;
	unsigned allowed;			/* ALLOW_… */
	const char *place;			/* "a precheck", for messages */
	bool planning;				/* names that are declared belong to the plan */
	uint32_t result;			/* what `return` gives; TYPE_NOTHING */
	struct symbol *owner;			/* the FN or OPERATIONS that is checked, or NULL */
	struct symbol *on;			/* the connection of the operation, or NULL */
	struct symbol *receiver;		/* of the query whose SQL is checked, or NULL */
	/* of the `transaction` that is checked, or NULL */
	struct symbol *transaction;
	const char *inside;			/* "`transaction`", "`with lock`"; or NULL */
	const struct scope *lane;		/* of the window of `batches … parallel`, or NULL */
	bool in_parallel;
	bool including;				/* the call that comes next is an `include`'s */
	/* where uses of the plan's values are noted, or NULL */
	struct captures *captures;
	uint32_t operation_count;
	struct map labels;			/* of the plan; values are the label expressions */
	unsigned depth;
};

#define wrong(c, span, ...) diag_add(&(c)->unit->diags, (span), __VA_ARGS__)
/* diag.def writes names with %s: a C string of the unit's arena. */
const char *kept(struct unit *u, struct str text);
const char *phrase(struct checker *c, const char *format, ...) PRINTF_LIKE(2, 3);
void suggest(struct checker *c, size_t number, struct nearest near);	/* see diag_suggest */
/* Whether a line that was not understood has the name in it: it may be what declares it. */
bool is_in_broken_line(struct unit *u, struct name name);

/* check_name.c: declaring and finding values */
struct symbol *declare(struct checker *c, enum symbol_kind kind, struct name name, uint32_t type);
bool is_free(struct checker *c, const struct symbol *symbol);	/* else says who has the name */
uint32_t check_name(struct checker *c, struct expression *e);
uint32_t check_field(struct checker *c, struct expression *e);
/* that a NAME stands for, or NULL */
struct symbol *name_connection(struct checker *c, const struct expression *e);
struct scope *scope_open(struct checker *c);			/* gives the one to go back to */

/* check_expression.c */
/* also a connection, or nothing */
uint32_t check_expression(struct checker *c, struct expression *e);
/* something that can be kept */
uint32_t check_value(struct checker *c, struct expression *e);
/* A value for a place of a type; what: "the timeout", for messages. */
void check_wanted(struct checker *c, struct expression *e, uint32_t wanted, const char *what);
/* Says that a type is not the wanted one, in the words that help most. */
void mismatch(struct checker *c, const struct expression *e, uint32_t wanted, const char *what);
/* Says what is wrong with a value of type any or T? where a plain one is needed; false: it is
 * neither. */
bool unfinished(struct checker *c, const struct expression *e);
/* What a `for` goes through; returns the type of its elements, TYPE_NEVER if it is no list. */
uint32_t check_loop_list(struct checker *c, struct expression *e);
/* its `let` is declared in the present scope */
void check_condition(struct checker *c, struct condition *condition);
bool is_too_deep(struct checker *c, struct span span);	/* says so once */
/* of an untyped let, var */
bool check_kept_type(struct checker *c, struct name name, struct span span, uint32_t type);

/* check_operator.c, check_template.c, check_call.c, check_special.c, check_fold.c */
uint32_t check_unary(struct checker *c, struct expression *e);
uint32_t check_binary(struct checker *c, struct expression *e);
void check_string(struct checker *c, struct expression *e);
/* A text that the tools show before anything runs has no holes. */
void check_plain(struct checker *c, const struct expression *e, const char *what);
void check_sql(struct checker *c, struct expression *e);
void check_pattern(struct checker *c, const struct expression *e);	/* a regular expression */
uint32_t check_call(struct checker *c, struct expression *e);
uint32_t check_special(struct checker *c, struct expression *e, enum special special);
bool place_allows(struct checker *c, struct span span, unsigned what, const char *name);
struct expression *implied_connection(struct checker *c, struct span span, const char *name);

/* check_arguments.c: sorts a call's arguments by its parameters into call.values. names: of the
 * parameters; optional[i]: may be left out. receiver: the first value of a method, or NULL. Each
 * value is checked as an expression. */
struct parameter_list {
	const char *function;
	uint32_t count;
	const struct str *names;
	const bool *optional;
};
bool sort_arguments(struct checker *c, struct expression *call, struct expression *receiver,
		    const struct parameter_list *parameters);

/* check_statement.c */
void check_block(struct checker *c, struct block *block);		/* in a scope of its own */
void check_statements(struct checker *c, struct block *block);	/* in the present one */
/* every way through it returns or fails */
bool block_ends(const struct block *block);
void check_let(struct checker *c, struct statement *s, enum symbol_kind kind);

/* check_effect.c */
void check_effect(struct checker *c, struct statement *s);
/* What may not stand in a `transaction` or behind a lock is told. */
void check_return_inside(struct checker *c, struct span span);
void check_exec_inside(struct checker *c, struct span span, const struct symbol *connection);
uint32_t error_type(struct unit *u);		/* of what `catch` names */

/* check_list.c */
uint32_t check_list_function(struct checker *c, struct expression *e, enum special special,
			     const char *name);

/* check_test.c: when all migrations are known */
void check_test(struct unit *u, struct unit_module *m, struct declaration *d);

/* check_plan.c */
void check_plan(struct checker *c, struct statement *first);
void check_operation(struct checker *c, struct operation_syntax *o);

/* check_declaration.c */
/* once, when first met */
void check_const(struct unit *u, struct symbol *symbol, struct span used_at);
void check_signature(struct unit *u, struct unit_module *m, struct declaration *d);
void check_declarations(struct unit *u, struct unit_module *m);
/* check_migration.c */
void check_migration(struct unit *u, struct unit_module *m, struct declaration *d);

#endif
