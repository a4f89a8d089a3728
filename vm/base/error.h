/*
 * error.h - what went wrong in the world, told once by the function that knows
 *
 * Functions that can fail return enum outcome and take a struct error * as their last parameter. On
 * anything but OUTCOME_OK the error is filled. The caller owns it: zero it before, error_clear() it
 * after. No secret is ever put into an error.
 */
#ifndef VM_BASE_ERROR_H
#define VM_BASE_ERROR_H

#include "vm/base/attr.h"

enum outcome {
#define OUTCOME(name, status, words) OUTCOME_##name = status,
#include "vm/base/outcome.def"
#undef OUTCOME
};

/* What a failure of a database means for what was asked of it. */
enum error_class {
	ERROR_PERMANENT,	/* it was refused; asking again gives the same */
	ERROR_TRANSIENT,	/* it did not happen; asking again may help */
	ERROR_UNKNOWN,		/* it may have happened: in doubt */
};

struct error {
	enum outcome outcome;
	enum error_class class;
	char code[24];		/* the server's own code: SQLSTATE, ClickHouse number; "" if none */
	long position;		/* 1-based character in the SQL, 0 if not told */
	char *message;		/* what failed and why, one or more lines, no final newline */
	char *hint;		/* what to do next, or NULL */
	char *query_id;		/* or NULL */
	int64_t wait_ms;	/* the server wants to be left alone so long; 0: it does not say */
};

/* Fills err (freeing what it held) and returns outcome, so that callers can `return error_set(…)`.
 */
enum outcome error_set(struct error *err, enum outcome outcome, const char *format, ...)
	PRINTF_LIKE(3, 4);
void error_hint(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);
/* Puts words in front of the message: "cannot open state: " + message. */
void error_prefix(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);
/* Moves what `from` holds into `to`; `from` is empty afterwards. */
void error_take(struct error *to, struct error *from);
void error_clear(struct error *err);
const char *outcome_words(enum outcome outcome);
const char *error_class_word(enum error_class class);	/* "permanent" */

#endif
