/*
 * type.h - the types that a source writes, and those of the built-in functions' signatures
 *
 * TYPE_NEVER is the type of what is wrong: it goes with everything, so that one mistake gives one
 * message.
 */
#ifndef COMPILER_TYPE_H
#define COMPILER_TYPE_H

#include "compiler/unit.h"

#define TYPE_WEIGHT_MAX 1000u	/* parts of one type, counting those of its parts */
#define SIGNATURE_MAX 8

/* A row of builtins.def, cut up: "(text: string, list: [T]) -> T". */
struct signature {
	uint32_t count;
	struct str names[SIGNATURE_MAX], patterns[SIGNATURE_MAX];
	struct str result;
};

/* The type that a syntax stands for; TYPE_NEVER after a diagnostic. */
uint32_t type_resolve(struct unit *u, struct scope *scope, const struct type_syntax *syntax);
/* Of list and record types, unless they would be too large: then a diagnostic and TYPE_NEVER. */
uint32_t type_list(struct unit *u, struct span span, uint32_t element);
uint32_t type_record(struct unit *u, struct span span, const struct type_field *fields,
		     uint32_t count);
/* as an author writes it, in the unit's arena */
const char *type_text(struct unit *u, uint32_t type);
enum type_kind type_kind_of(const struct unit *u, uint32_t type);
/* itself or a part of it */
bool type_has(const struct types *types, uint32_t type, enum type_kind kind);
/* whether a query's answer can be taken `as` it */
bool type_is_answer(const struct types *types, uint32_t type);
bool type_is_connection_kind(struct str name);
extern const char *const type_connection_kinds[];	/* NULL after the last */

void signature_read(const char *text, struct signature *out);
/* Whether a type may stand where a pattern is written; T is bound by its first use (*bound NO_TYPE
 * before). */
bool pattern_takes(struct types *types, struct str pattern, uint32_t type, uint32_t *bound);
uint32_t pattern_type(struct types *types, struct str pattern, uint32_t bound);
#define NO_TYPE UINT32_MAX

#endif
