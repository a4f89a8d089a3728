/*
 * check.h - what a program means: names, types, rules; the tree is annotated for lowering
 *
 * What is set on a tree without errors:
 *   expression.type     of every expression, a number in unit.types. Where a value goes to a place
 *                       of a wider type (null or T to T?, anything to any, [] to [T]) the
 *                       expression keeps its own type and the place its own: lowering widens.
 *   expression.symbol   NAME: what it stands for. FIELD: the CONST of a module (module.name); NULL:
 *                       a record's field. CALL: the FN, OPERATIONS, BUILTIN or SPECIAL that is
 *                       called, whatever way it was written.
 *   call.values         value_count of them, in the order of the parameters: names sorted out, the
 *                       receiver of a method first, NULL where a parameter's default is to be used.
 *                       ident(a, b): one LIST. cluster() and on_cluster(): always their connection,
 *                       written or not.
 *   condition.symbol    of `if let`: the variable, of the value's type without `?`.
 *   statement.symbol    LET, VAR, FOR: the variable. ASSIGN: the one assigned to. EXEC: the
 *                       connection (a NEED, or a parameter of a connection type).
 *   operation.number    its place in the migration or in the `operations`, counting inner ones of
 *                       `for` and `if`.
 *   operation.captures  the symbols (symbol_is_captured) that its clauses forward, rollback and
 *                       done when use, each once, in the order of their first use.
 *   on                  a NAME of a NEED, or of a PLAN_PARAMETER of a connection type.
 *   declaration, parameter, need, param .symbol
 *
 * Rules that lowering may rely on: connections are only passed, never stored; `any` is only
 * produced, kept in local lets, passed to fns and taken by `as`; calls of OPERATIONS stand in
 * STATEMENT_INCLUDE only, which never include themselves; only forward and rollback have EXEC and
 * calls of SPECIAL_EXEC; const values and params' default, within and one of hold no queries and
 * call nothing but built-ins; every way through a fn with a result returns; check.every, settings'
 * names and the literal texts that module.h wants to be fixed are so (expression_fold).
 */
#ifndef COMPILER_CHECK_H
#define COMPILER_CHECK_H

#include "compiler/unit.h"

/* The value of an expression that the compiler can know: literals, consts, and + - * / % of ints
 * and durations. */
struct folded {
	/* BOOL, INT, DURATION: number; STRING, VERSION: text; FLOAT: real */
	enum type_kind kind;
	int64_t number;
	double real;
	struct str text;
};
bool expression_fold(const struct expression *e, struct folded *out);
/* Of a STRING without holes: its text; else false. */
bool expression_text(const struct expression *e, struct str *out);
/* The text of a STRING with its holes as an author writes them, "copy ${month}": for labels. Holes
 * that are not plain names are shown as ${…}. */
struct str expression_label(struct arena *arena, const struct expression *e);
/* The connection that `on` of an operation names, or NULL. */
struct symbol *operation_connection(const struct operation_syntax *o);
/* Letters, digits, `_`, `-` and `.`, and not too many. */
bool migration_name_is_good(struct str name);
/* The place of a field in a record type, or NO_FIELD. */
uint32_t record_field(const struct types *types, uint32_t type, struct str name);
#define NO_FIELD UINT32_MAX

#endif
