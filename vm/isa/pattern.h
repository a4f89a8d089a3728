/*
 * pattern.h - the small language of opcodes.def's stack effects and builtins.def's signatures,
 * parsed
 *
 * opcodes.def says what its words mean. A pattern is a few items, bottom first. Read by the
 * verifier and the listing.
 */
#ifndef VM_ISA_PATTERN_H
#define VM_ISA_PATTERN_H

#include "vm/isa/isa.h"

#define PATTERN_ITEMS_MAX 8

enum pattern_word {
	WORD_SCALAR,		/* number: its type */
	WORD_VARIABLE,		/* number: 0 T, 1 U */
	WORD_SORTED,
	WORD_RECORD,
	WORD_CONNECTION,
	WORD_TYPE,
	WORD_LOCAL,
	WORD_CONSTANT,
	WORD_PARAM,
	WORD_FROZEN,
	WORD_NEED,
	WORD_FIELD,
	WORD_PARAMS,
	WORD_RESULT,
	WORD_OWN_RESULT,
	WORD_HOLES,
	WORD_FIELDS,
	WORD_OPTIONS,
	WORD_CAPTURES,
	WORD_ANSWER,
	WORD_COUNT
};

enum pattern_wrap { WRAP_NONE, WRAP_LIST, WRAP_OPTIONAL };
enum pattern_repeat { REPEAT_ONCE, REPEAT_A, REPEAT_B };

struct pattern_item {
	enum pattern_word word;
	uint32_t number;
	enum pattern_wrap wrap;
	enum pattern_repeat repeat;
};

struct pattern {
	uint32_t count;
	struct pattern_item items[PATTERN_ITEMS_MAX];
};

/* "[T] int". False: it is none. */
bool pattern_parse(const char *text, struct pattern *out);
/* "(list: [T], at: int) -> T" */
bool signature_parse(const char *text, struct pattern *params, struct pattern_item *result);

#endif
