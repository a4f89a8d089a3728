/*
 * layout.h - the parts of the formatter
 *
 *   source ── pieces_read ──▶ pieces ── format.c, format_template.c ──▶ lines
 *          lines ── layout_print ──▶ text
 *
 * Inside grammar/ only. A piece is a token with what its neighbours say about it; a line is a piece
 * of the layout's text that still waits for its indentation, its columns and its comment.
 */
#ifndef GRAMMAR_LAYOUT_H
#define GRAMMAR_LAYOUT_H

#include "grammar/template.h"

enum {
	PIECE_STARTS = 1,  /* the first of a statement, a clause, a declaration */
	PIECE_OPERAND = 2, /* what follows it does not begin an operand */
	PIECE_WORD = 4,	   /* the word of a clause or a name: only the grammar could tell */
	PIECE_SIGN = 8,	   /* a `-` that belongs to what follows */
	PIECE_RECORD = 16, /* a `{` with keys in it */
	PIECE_LEAST = 32,  /* the least int, whose `-` must stand right before it */
	PIECE_TALL = 64,   /* a `{` or `}` of a block that has lines of its own */
};

struct piece {
	uint32_t start, end;
	int kind; /* of bison */
	unsigned marks;
};

struct pieces {
	struct str text;
	VEC(struct piece) all; /* the end of the file is the last one */
};

/* Of a text without errors. */
void pieces_read(struct pieces *p, struct str text);
void pieces_clear(struct pieces *p);
/* The same tokens, whatever is between them. */
bool pieces_eq(const struct pieces *a, const struct pieces *b);
/* Whether what lies between two neighbours is the text of a template. */
bool piece_is_template(const struct piece *a, const struct piece *b);
bool piece_opens(const struct piece *p);  /* a bracket, a template, a hole */
bool piece_closes(const struct piece *p); /* a bracket or a hole */
/* Whether a space stands between two on one line. */
bool piece_space(const struct piece *a, const struct piece *b);

/* What lines have in one column. */
enum column {
	COLUMN_NONE,
	COLUMN_LET,
	COLUMN_VAR,
	COLUMN_CONST,
	COLUMN_HEADER,
	COLUMN_ACTION,
};

struct line {
	size_t start, end; /* in layout.text */
	struct str comment;
	uint32_t indent;
	uint32_t cell; /* where in the line its column begins */
	uint32_t pad;  /* spaces that come there */
	uint32_t comment_pad;
	enum column column;
	bool blank_before;
	bool is_whole; /* one statement, and all of it */
};

struct open { /* a bracket or template */
	int kind;
	uint32_t indent; /* of the line that it was opened on */
	bool is_record, is_triple;
	struct template_frame frame; /* of a triple one */
};

struct layout {
	struct pieces pieces;
	struct arena arena;
	struct buf text;
	VEC(struct line) lines; /* the last one is being written */
	struct open open[PARSE_DEPTH_MAX + 1]; /* [0]: the file */
	uint32_t depth;
	/* Of the line being written. */
	uint32_t indent; /* what is opened on it counts from here */
	size_t first;	 /* its first piece */
	uint32_t first_depth;
	bool starts; /* with a statement */
};

/* Begins a line; the one before it is done. */
struct line *layout_line(struct layout *l, uint32_t indent, bool blank_before);
/* format_template.c: knows the template that begins with piece `at`; writes its text before piece
 * `at`. */
void layout_frame(struct layout *l, size_t at, struct open *open);
void layout_text(struct layout *l, size_t at);
/* format_line.c: puts things into columns and prints. */
void layout_print(struct layout *l, struct buf *out);

#endif
