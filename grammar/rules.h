/*
 * rules.h - what the actions of amig.y share: places, operators, and how a broken list goes on
 *
 * Inside of the parser that bison writes: the macros use its variables.
 */
#ifndef GRAMMAR_RULES_H
#define GRAMMAR_RULES_H

#include "grammar/tree.h"

/* An empty rule stands between its neighbours: it takes no place. */
#define YYLLOC_DEFAULT(current, rhs, n) \
	do { \
		if (n) { \
			(current) = YYRHSLOC(rhs, 1); \
			(current).end = YYRHSLOC(rhs, n).end; \
		} else { \
			(current) = YYRHSLOC(rhs, 0); \
			(current).start = (current).end; \
		} \
	} while (0)
#define YYMAXDEPTH 20000

#define UNARY(op, place, e) expression_unary(p, place, OPERATOR_##op, e)
#define BINARY(op, place, l, r) expression_binary(p, place, OPERATOR_##op, l, r)

/* From `error` to the end of the statement: the offending token is dropped or the end already. */
#define RECOVER(depth) \
	do { \
		scan_skip(&p->scan, depth); \
		yyclearin; \
		yyerrok; \
	} while (0)

/* To the next line that begins a declaration. */
#define RECOVER_DECLARATION() \
	do { \
		scan_skip_to_declaration(&p->scan); \
		yyclearin; \
		yyerrok; \
	} while (0)

/* To the block that follows on the line. Where there is none, an empty one is made up. */
#define RECOVER_BLOCK(depth) \
	do { \
		scan_skip_to_block(&p->scan, depth); \
		yyclearin; \
		yyerrok; \
	} while (0)

static inline struct span between(struct span a, struct span b)
{
	return (struct span){ a.source, a.start, b.end };
}

#endif
