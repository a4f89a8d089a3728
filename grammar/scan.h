/*
 * scan.h - tokens, with newlines where a statement ends
 *
 * Inside grammar/ only. amig.l finds shapes, scan.c gives them their meaning: it keeps the open
 * brackets and templates, reads numbers and words, reports what is wrong in single tokens, and
 * decides which newlines the grammar sees: one that stands right inside `{ }` or outside of all
 * brackets, follows a token that can end a statement, and is not followed by `}` or `else`.
 *
 * The depth of a token is the number of brackets open with it: an opening one counts itself, a
 * closing one too. Recovery finds the end of a broken statement by it (scan_skip).
 */
#ifndef GRAMMAR_SCAN_H
#define GRAMMAR_SCAN_H

#include "grammar/ast.h"
#include "grammar/diag.h"
#include "grammar/parse.h"

enum { SCAN_CAN_END = 1, SCAN_RESERVED = 2, SCAN_CLAUSE = 4 };

struct token {
	int kind; /* of bison */
	unsigned flags;
	struct span span;
	uint32_t depth;
	int64_t number; /* INT, DURATION */
	double real;	/* FLOAT */
};

struct bracket {
	int kind; /* '(' '[' T_LBRACE T_HOLE_BEGIN T_STRING_BEGIN T_SQL_BEGIN */
	struct span span;
	uint32_t indent; /* of the line that it stands on */
	bool triple;
};

struct doc { /* a block of ## lines, and the token that follows */
	struct str text;
	uint32_t before;
};

struct scan {
	void *raw; /* flex's state */
	struct arena *arena;
	struct diags *diags;
	uint32_t source;
	struct str text;
	uint32_t start, end;		/* of what flex matched last */
	struct token token;		/* being made */
	struct token first;		/* of the statement */
	struct token previous, current; /* the last two that the grammar took */
	struct token held;		/* found behind a newline that the grammar sees first */
	bool is_holding;
	unsigned made_up; /* how many of `{` and `}` are yet to come before it */
	uint32_t made_up_depth;
	bool lone_return;  /* one was told of */
	uint32_t runs_on;  /* the closing quote of a template that should have three; 0: none */
	bool hole_told;	   /* of the line: a hole of its template is never closed */
	bool owes_brace; /* a `{` was taken for the end of an unterminated label */
	bool again;	 /* the current token is to be taken once more */
	bool newline;	 /* one that counts stands before the token being made */
	bool newline_in_parens;
	bool skipping; /* to the end of what is wrong: brackets say nothing */
	bool muted;    /* to there: signs of another language are a part of it */
	bool failed; /* unterminated, too deep: nothing more comes, and it has been said */
	uint32_t depth;
	struct bracket brackets[PARSE_DEPTH_MAX];
	struct bracket suspect; /* a `{` whose `}` seems to be missing, by indentation; kind 0: none
				 */
	VEC(struct str) doc_lines; /* of the block being read */
	uint32_t doc_end;	   /* where its last line ended */
	VEC(struct doc) docs;
	struct str file_doc;
};

void scan_init(struct scan *s, struct arena *arena, struct diags *diags, uint32_t source,
	struct str text);
void scan_clear(struct scan *s);
/* Valid until the next one is asked for. */
const struct token *scan_next(struct scan *s);
/* Goes on from the current token to the end of the statement that stands right inside `depth` open
 * brackets: a newline there, or the `}` that closes it, or the end. That token is the next one
 * then. */
void scan_skip(struct scan *s, uint32_t depth);
/* Goes on to the `{` that stands inside `depth` open brackets in the same statement; two that are
 * made up come where none is. */
void scan_skip_to_block(struct scan *s, uint32_t depth);
/* Whether a word begins a declaration of a file. */
bool scan_begins_declaration(int kind);
/* The same to the next token that may begin a declaration. */
void scan_skip_to_declaration(struct scan *s);
/* The ## block right before the token at `offset`; "" if there is none. */
struct str scan_doc_before(const struct scan *s, uint32_t offset);
struct span scan_span(const struct scan *s, uint32_t start, uint32_t end);
struct str scan_text(const struct scan *s, struct span span);
/* The `{`, `(` … that is still open, to be named at the end of the file; NULL if none. */
const struct bracket *scan_unclosed(const struct scan *s);

/* ---- what amig.l calls ---- */
int raw_lex(void *scanner);
void scan_advance(struct scan *s, uint32_t length);
/* True: the newline ends a template whose hole is open; it is to be read again, and a T_INVALID
 * stands for the rest. */
bool scan_newline(struct scan *s);
void scan_doc(struct scan *s);
void scan_semicolon(struct scan *s);
void scan_foreign_comment(struct scan *s);
int scan_int(struct scan *s);
int scan_float(struct scan *s);
int scan_quantity(struct scan *s);
int scan_version(struct scan *s);
int scan_word(struct scan *s);
int scan_open(struct scan *s, int kind);
int scan_close(struct scan *s, int kind);
int scan_sign(struct scan *s);
int scan_foreign(struct scan *s, int kind, const char *ours);
int scan_compound(struct scan *s);
int scan_single_quoted(struct scan *s);
int scan_typographic(struct scan *s); /* “…” */
void scan_invisible(struct scan *s);  /* blanks of other kinds, marks without a width */
int scan_stray(struct scan *s);
/* In a template of one line, at the line's end: true, and the template goes on, if it is closed on
 * a later line, as one with three quotes; said and mended. */
bool scan_runs_on(struct scan *s);
int scan_unterminated(struct scan *s); /* at the end of a line, which is to be read again */
int scan_unterminated_file(struct scan *s);
int scan_end(struct scan *s);
bool scan_in_triple(const struct scan *s);

#endif
