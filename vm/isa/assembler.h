/*
 * assembler.h - the assembler's inside: a draft of the module, and the words of the line being read
 *
 * assemble_word.c cuts lines into words and reads numbers and types, assemble.c knows what lines
 * mean.
 */
#ifndef VM_ISA_ASSEMBLER_H
#define VM_ISA_ASSEMBLER_H

#include "vm/isa/assemble.h"

#define WORDS_MAX 64

struct word {
	struct str text;
	bool quoted;
};

struct label { struct str name; uint32_t pc; };
struct fixup { struct str label; uint32_t pc; uint32_t line; };

struct draft {
	struct function f;
	VEC(uint32_t) locals;
	VEC(struct instruction) code;
	VEC(uint32_t) lines;
};

struct assembler {
	struct module *m;
	struct buf *why;
	uint32_t line;
	struct word words[WORDS_MAX];
	uint32_t count, at;		/* words of the line, the next one */
	VEC(struct str) names;		/* of all functions, in order */
	VEC(struct draft) drafts;
	struct draft *now;		/* the function being written */
	VEC(struct label) labels;
	VEC(struct fixup) fixups;
	VEC(struct constant) constants;
	VEC(struct template) templates;
	VEC(struct str) template_names;
	VEC(struct need) needs;
	VEC(struct param) params;
	VEC(struct frozen) frozens;
	VEC(struct operation) operations;
	VEC(struct check) checks;
	VEC(struct str) depends;
};

/* Says why and on which line, the first time. Gives false. */
bool assembler_wrong(struct assembler *a, const char *format, ...) PRINTF_LIKE(2, 3);
bool assembler_split(struct assembler *a, struct str line);
/* The next word of the line, and what it means. */
bool assembler_take(struct assembler *a, struct str *out);
bool assembler_number(struct assembler *a, int64_t *out);
bool assembler_type(struct assembler *a, uint32_t *out);
/* Takes the next word if it is this one. */
bool assembler_next(struct assembler *a, const char *word);

#endif
