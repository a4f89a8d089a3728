/*
 * linter.h - what the lint_*.c share: where the look stands, and what an operation sends
 *
 *   lint_files ── allows ── for each file: for each operation: its effects ── lint.def's functions
 *
 * All memory here lasts as long as the lint of a unit.
 */
#ifndef COMPILER_LINTER_H
#define COMPILER_LINTER_H

#include "compiler/check.h"
#include "compiler/lint.h"
#include "compiler/walk.h"
#include "vm/base/sql.h"

struct lint_allow {
	const struct allow_syntax *syntax;
	struct span inside;	/* where it holds */
	enum diag_code code;
	bool used;
};

/* Where a part of a template stands in the text of the effect. */
struct lint_place {
	size_t at;
	const struct part *part;
};

/* A template that an operation sends. Its text reads like what the server will get: values that
 * are not known are constants, names that are not known are "hole N" (the same N for the same
 * expression), SQL that is not known is left out. */
struct lint_effect {
	const struct operation_syntax *operation;
	const struct expression *sql;
	bool backward;			/* of the rollback */
	enum sql_dialect dialect;
	struct str text;
	bool incomplete;		/* SQL was left out, or the text was cut off */
	struct span transaction;	/* the block that it stands in; end 0: none */
	VEC(struct lint_place) places;
};

struct lint_effects {
	VEC(struct lint_effect) all;	/* the forward's, then the rollback's */
};

struct lint {
	struct unit *unit;
	struct arena arena;
	VEC(struct lint_allow) allows;
	struct unit_module *file;
	VEC(struct expression *) expressions;	/* of the file, in the order of the source */
	const struct lint_effects *effects;	/* of the operation at hand */
	struct map holes;		/* of a declaration: text of an expression → its number */
	/* PostgreSQL: tables that an operation before this one made; checks and columns that
	 * are known not to be null (lint_postgres.h) */
	struct map made, checks, not_null;
	bool on_cluster;		/* the declaration says on_cluster() somewhere */
	struct span declaration;
};

/* Whether the code is to be told at the place: nobody allows it. Says so to who allows it. What
 * follows are the arguments of diag_add(). */
bool lint_speaks(struct lint *l, struct span span, enum diag_code code, ...);
/* A migration's syntax, with its places, for a lint of all files together: of most of them no more
 * than the head is known. What the file allows is known after that too. */
const struct migration_syntax *lint_syntax(struct lint *l, struct unit_migration *m);
/* Adds a warning and gives its number, or LINT_SILENT where it is allowed. What is fastened to a
 * diagnostic besides (a note, a help of its own, a fix) is fastened to that number. */
#define lint_warn(l, span, ...)                                                                    \
	(lint_speaks((l), (span), __VA_ARGS__) ? diag_add(&(l)->unit->diags, (span), __VA_ARGS__)  \
					       : LINT_SILENT)
#define LINT_SILENT SIZE_MAX
/* A C string with the memory of the lint. */
const char *lint_c(struct lint *l, struct str text);

/* lint_text.c: the effects of an operation, read. */
void lint_effects_read(struct lint *l, const struct operation_syntax *o, struct lint_effects *out);
void lint_effects_clear(struct lint_effects *effects);
/* Where a piece of an effect's text stands in the source, as near as its part. */
struct span lint_span(const struct lint *l, const struct lint_effect *e, struct str piece);

/* lint_postgres.c, lint_clickhouse.c: all lints of the kind, and what is learned from an effect. */
void lint_postgres(struct lint *l, const struct lint_effect *e);
void lint_clickhouse(struct lint *l, const struct lint_effect *e);

#define LINT_OPERATION(name)                                                                       \
	void lint_##name(struct lint *l, const struct operation_syntax *o,                         \
			 const struct lint_effects *effects);
#define LINT_FILE(name) void lint_##name(struct lint *l);
#define LINT_UNIT(name) void lint_##name(struct lint *l);
#include "compiler/lint.def"

#endif
