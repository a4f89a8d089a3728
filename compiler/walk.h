/*
 * walk.h - visiting everything below a declaration, an operation, an expression
 *
 * In the order of the source; what holds a thing is visited before it. Either function may be NULL.
 * The depth is bounded by the parser's (PARSE_DEPTH_MAX).
 */
#ifndef COMPILER_WALK_H
#define COMPILER_WALK_H

#include "grammar/ast.h"

struct walk {
	void (*expression)(void *context, struct expression *e);
	void (*statement)(void *context, struct statement *s);
	void *context;
};

/* All of them accept NULL. */
void walk_expression(const struct walk *w, struct expression *e);
void walk_statements(const struct walk *w, struct statement *first);
void walk_operation(const struct walk *w, struct operation_syntax *o);
void walk_action(const struct walk *w, struct action *action);
void walk_declaration(const struct walk *w, struct declaration *d);

#endif
