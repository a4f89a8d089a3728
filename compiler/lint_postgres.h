/*
 * lint_postgres.h - what the lint_postgres*.c share: a statement as libpg_query reads it
 *
 * A template is parsed only if the first word of one of its statements is one that a lint knows,
 * and if it is not so long that the recursion of the library could run out of stack. What does not
 * parse is not looked at: the holes may be the reason, and the server will say it better. A table
 * that the migration itself has made holds nothing that anyone else waits for, so that most lints
 * are silent about it.
 */
#ifndef COMPILER_LINT_POSTGRES_H
#define COMPILER_LINT_POSTGRES_H

#include "compiler/linter.h"
#include <pg_query/pg_query.pb-c.h>

struct lint_postgres {
	struct lint *l;
	const struct lint_effect *effect;
	const PgQuery__ParseResult *all;
	const PgQuery__Node *node;	/* the statement */
	struct span span;		/* of it */
	bool in_session;		/* it runs outside of a transaction */
	int64_t lock_timeout_ms;	/* that holds for it; 0: none */
};

/* Whether there was no such table before the migration. */
bool postgres_is_made(const struct lint_postgres *s, const PgQuery__RangeVar *table);
/* Of an ALTER TABLE, or NULL. */
const PgQuery__AlterTableStmt *postgres_alter(const PgQuery__Node *node);
/* A key for the maps of struct lint, in their arena. */
struct str postgres_key(struct lint *l, const PgQuery__RangeVar *table, const char *part);
/* What a statement says about checks and columns that are never null. */
void postgres_learn_alter(struct lint *l, const PgQuery__AlterTableStmt *alter);
/* Whether it takes a lock that others wait for until the end of the transaction. */
bool postgres_locks(const PgQuery__Node *node, const PgQuery__RangeVar **table);

#define LINT_POSTGRES(name) void lint_##name(const struct lint_postgres *s);
#include "compiler/lint.def"

#endif
