/*
 * lint.h - what is no mistake of the language, but known to hurt in production: warnings
 *
 * Looks at a checked unit without errors; libraries that came by `use` are not looked at. Each
 * lint is a row of grammar/diag.def (W…) with what it says, and an entry of docs/lints.md. An
 * `allow W0102 "why"` in an operation silences it there, in a migration in the whole file.
 */
#ifndef COMPILER_LINT_H
#define COMPILER_LINT_H

#include "compiler/unit.h"

/* Add to the unit's diagnostics, which are sorted afterwards; say nothing about a unit with errors.
 * After unit_check_files, what can be seen in each file by itself; after unit_check_together, what
 * only all of them show. */
void lint_files(struct unit *u);
void lint_together(struct unit *u);
/* Whether a lint is of those that depend on which files were given. */
bool lint_is_between_files(enum diag_code code);

#endif
