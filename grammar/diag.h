/*
 * diag.h - what is wrong with a source: collected, sorted by place, printed at the end
 *
 * diag.def: DIAG(code, SEVERITY, NAME, "message with %s", "help or \"\"", "explanation") - one row
 * a diagnostic. E01xx lexical, E02xx syntax and shape of clauses, E03xx names and modules, E04xx
 * types, E05xx templates and SQL, E06xx migrations, plan and graph, E07xx limits; W….: lints. The
 * enum constant is DIAG_NAME.
 */
#ifndef GRAMMAR_DIAG_H
#define GRAMMAR_DIAG_H

#include "grammar/source.h"
#include "vm/base/map.h"

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

enum diag_code {
#define DIAG(code, severity, name, message, help, explanation) DIAG_##name,
#include "grammar/diag.def"
#undef DIAG
	DIAG_COUNT
};

struct diag_note {
	struct span span;
	struct str text;
}; /* a second place: "declared here" */

struct diag_edit {
	struct span span; /* what is replaced; empty where something is put in */
	struct str text;
};

struct diag {
	enum diag_code code;
	struct span span;
	struct str message;
	struct str help; /* "" none */
	VEC(struct diag_note) notes;
	/* What certainly mends it, all of it together: in the order of places, none overlapping
	 * another, all in the source of `span`. Empty where only the author can know. */
	VEC(struct diag_edit) fix;
	bool blames_block; /* a block that is not closed before it may be the reason */
};

struct diags {
	struct arena arena;
	VEC(struct diag) all;
	struct map known; /* code and span → number + 1 */
	size_t error_count, warning_count;
	VEC(unsigned) per_source; /* errors of each source, those left out included */
	size_t limit; /* errors kept per source; 0: 200. One more says how many were left out */
};

/* The arguments fill the message of diag.def. Returns the new one's number, for the calls below; a
 * second one of the same code at the same place is dropped. */
size_t diag_add(struct diags *d, struct span span, enum diag_code code, ...);
/* Instead of the help of the row. */
void diag_help(struct diags *d, size_t number, const char *format, ...) PRINTF_LIKE(3, 4);
void diag_note(struct diags *d, size_t number, struct span span, const char *format, ...)
	PRINTF_LIKE(4, 5);
/* A block was never closed; the diagnostic that says so is the last one. The first of those behind
 * its `{` that blame a block becomes a note of it, the others go: all are of one mistake. */
void diag_blame(struct diags *d, size_t number);
/* Adds an edit to the fix. Only what is certain is one: `amigc check --fix` asks nobody. */
void diag_fix(struct diags *d, size_t number, struct span span, const char *format, ...)
	PRINTF_LIKE(4, 5);
void diags_sort(struct diags *d); /* by source, place, code */
void diags_print_text(const struct diags *d, struct sources *s, bool colour, struct buf *out);
void diags_print_json(const struct diags *d, struct sources *s, struct buf *out);
void diags_print_sarif(const struct diags *d, struct sources *s, struct buf *out);
void diags_print_github(const struct diags *d, struct sources *s, struct buf *out);
/* The text of a source with the fixes of its diagnostics made. Of two that touch the same text the
 * first one is made; the other may come the next time. Returns how many were made. */
size_t diags_fix(const struct diags *d, const struct sources *s, uint32_t source, struct buf *out);
/* The text from `from` to `to` with the edits of one fix made; both are at no edit's inside. */
void diag_fixed(const struct diag *d, struct str text, uint32_t from, uint32_t to, struct buf *out);
/* diag_merge.c: moves all of them over; what was source n there is sources[n] here. Both lists are
 * complete: errors are counted per source no more. diags_sort() must follow. */
void diags_take(struct diags *to, struct diags *from, const uint32_t *sources);
void diags_clear(struct diags *d);
enum severity diag_severity(enum diag_code code);
const char *diag_code_text(enum diag_code code); /* "E0207" */
enum diag_code diag_code_find(struct str code);	 /* DIAG_COUNT: none */
const char *diag_explanation(enum diag_code code);

struct nearest {
	struct str name;	/* "" when none is near enough to suggest */
	bool is_only;		/* nothing else is as near, or can be meant */
};
/* The candidate nearest to name by edit distance. */
struct nearest diag_nearest(struct str name, const struct str *candidates, size_t count);
/* "did you mean …", and where only one can be meant the fix, in the place of the diagnostic. */
void diag_suggest(struct diags *d, size_t number, struct nearest near);

#endif
