/*
 * scope.h - names and what they stand for
 *
 * A scope is a frame of a chain: file, migration, function or operation, block. Four kinds of names
 * live side by side and never hide one another: values, callables, types and modules; only the
 * place of a name says which of them is meant. Within the values nothing hides anything: a name
 * that is still visible can't be declared again. Symbols live in the unit's arena and are compared
 * by address.
 */
#ifndef COMPILER_SCOPE_H
#define COMPILER_SCOPE_H

#include "grammar/ast.h"
#include "grammar/diag.h"
#include "vm/base/arena.h"
#include "vm/base/map.h"
#include "vm/isa/isa.h"

enum symbol_kind {
	/* values */
	SYMBOL_ERROR,		/* declared, but wrong: has every type, gives no second message */
	SYMBOL_CONST,		/* of a file: `declaration`; its value is put wherever it is used */
	SYMBOL_LET,		/* a local of a function body or block; also `if let` there */
	SYMBOL_VAR,
	SYMBOL_LOOP,		/* the variable of `for` in a body */
	SYMBOL_WINDOW,		/* the same of `for … in batches` */
	SYMBOL_PARAMETER,	/* of a fn; a local */
	SYMBOL_PARAM,		/* of the migration: opcode PARAM `number` */
	SYMBOL_FROZEN,		/* a `let` of the migration: opcode FROZEN `number` */
	SYMBOL_NEED,		/* a connection of the migration: opcode CONNECTION `number` */
	/* in a body of a plan's `for` or `if`, in `operations`; `if let` of a plan: captured */
	SYMBOL_PLAN_LET,
	SYMBOL_PLAN_LOOP,	/* the variable of a plan's `for`: captured */
	/* of `operations`: captured; of a connection type: resolved to a need at each include */
	SYMBOL_PLAN_PARAMETER,
	/* callables */
	SYMBOL_FN,		/* `declaration` */
	SYMBOL_OPERATIONS,	/* `declaration` */
	SYMBOL_BUILTIN,		/* opcode BUILTIN `number` */
	SYMBOL_SPECIAL,		/* `number`: enum special */
	/* the others */
	SYMBOL_TYPE,		/* `type` */
	SYMBOL_MODULE,		/* `module` */
};

/* What the language itself knows how to call. SPECIAL_VALUE … SPECIAL_EXISTS are in the order of
 * enum query_shape. */
enum special {
#define SPECIAL(NAME, name, place, signature, doc) SPECIAL_##NAME,
#include "stdlib/specials.def"
#undef SPECIAL
	SPECIAL_COUNT,
};

struct unit_module;

struct symbol {
	enum symbol_kind kind;
	struct str name;
	/* of the name where it is declared; nowhere for what the language brings */
	struct span span;
	uint32_t type;			/* of the value; FN: of the result */
	/* PARAM, FROZEN, NEED: its place in the migration; BUILTIN, SPECIAL */
	uint32_t number;
	/* that declares it; MODULE: that it stands for; NULL: the language */
	struct unit_module *module;
	struct declaration *declaration;	/* CONST, TYPE, FN, OPERATIONS */
	struct need_syntax *need;	/* NEED */
	struct param_syntax *param;	/* PARAM */
	struct parameter *parameter;	/* PARAMETER, PLAN_PARAMETER */
	struct expression *value;	/* CONST, LET, VAR, FROZEN, PLAN_LET: what it is set to */
	/* FN, OPERATIONS */
	uint32_t parameter_count;
	struct symbol **parameters;	/* in order; each has its type */
	uint32_t state;			/* the checker's */
	uint32_t parallel;		/* OPERATIONS: check_parallel.c */
	bool used;			/* somewhere in its file: lint_file.c */
	uint32_t mark, slot;		/* free for lowering; zero */
};

enum name_space { NAMES_VALUE, NAMES_CALLABLE, NAMES_TYPE, NAMES_MODULE, NAMES_COUNT };

struct scope {
	struct scope *parent;
	struct map names[NAMES_COUNT];
	struct scope *made_before;	/* the unit's list of all, to free their maps */
};

enum name_space symbol_name_space(const struct symbol *s);
/* Whether a clause of an operation that uses it gets it as a captured value. */
bool symbol_is_captured(const struct symbol *s, const struct types *types);
/* "a parameter of the migration", for messages */
const char *symbol_words(const struct symbol *s);

/* here and outwards; NULL */
struct symbol *scope_find(const struct scope *s, enum name_space space, struct str name);
struct symbol *scope_find_here(const struct scope *s, enum name_space space, struct str name);
void scope_add(struct scope *s, struct symbol *symbol);
/* The visible name nearest to one that is not there. */
struct nearest scope_nearest(const struct scope *s, enum name_space space, struct str name);

#endif
