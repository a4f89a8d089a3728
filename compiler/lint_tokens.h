/*
 * lint_tokens.h - the tokens of one SQL statement, for lints of databases that have no parser here
 *
 * Words are compared whatever their case; a name is one or more words or quoted names joined by
 * dots, and is compared without quotes.
 */
#ifndef COMPILER_LINT_TOKENS_H
#define COMPILER_LINT_TOKENS_H

#include "compiler/linter.h"

struct lint_token {
	enum sql_token kind;
	struct str text;
	unsigned depth;		/* of parentheses around it */
};

struct lint_tokens {
	VEC(struct lint_token) all;
	struct str text;	/* of the statement */
};

/* False, and nothing to clear, when nothing is left. */
bool tokens_next(struct sql_scan *rest, struct lint_tokens *out);
void tokens_clear(struct lint_tokens *t);
bool token_is(const struct lint_tokens *t, size_t i, const char *word);
/* The words, separated by single spaces, from token i on; how many they are, or 0. */
size_t tokens_match(const struct lint_tokens *t, size_t i, const char *words);
/* The first token from `from` on that is the word, outside of parentheses or anywhere; else the
 * count. */
size_t tokens_find(const struct lint_tokens *t, size_t from, const char *word, bool anywhere);
/* Takes a name at *i; "a.b" in the arena, or "" and *i where it was. */
struct str tokens_name(struct lint *l, const struct lint_tokens *t, size_t *i);
/* What follows the last dot. */
struct str name_last(struct str name);
/* IF EXISTS, IF NOT EXISTS at i: what follows them. */
size_t tokens_after_if(const struct lint_tokens *t, size_t i);

#endif
