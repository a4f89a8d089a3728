/*
 * convert.h - a row of one kind's fields becomes a row of another's (stream.h)
 *
 * Each column goes through up to three functions: from what its source writes to a common text,
 * from the source's type to the target's, and to what its target reads. Where none of them is
 * needed, for any column, the bytes go through as they are. What can't be kept is refused: by the
 * types, before anything is read, or by the value, with its row.
 *
 * The common text: BOOL t or f; numbers in digits, FLOAT also inf, -inf and nan; times
 * 2026-11-22 08:00:00.25 in UTC; BYTES and TEXT themselves, escaped.
 *
 * Tuples of PostgreSQL may become RowBinary of ClickHouse with no text in between, where every
 * column can: convert_pack.c. No more is refused or kept there, nor less.
 */
#ifndef VM_CONNECTION_CONVERT_H
#define VM_CONNECTION_CONVERT_H

#include "vm/connection/stream.h"

struct conversion;
/* Writes what a field becomes, which is not NULL; or says why it can't be, and false. */
typedef bool (*convert_fn)(const struct conversion *c, struct str field, struct buf *out,
			   struct buf *why);

/* Writes what a value of a tuple is in RowBinary, if it can be. */
typedef bool (*pack_fn)(const struct conversion *c, struct str value, struct buf *out);

struct conversion {
	struct str name;	/* of the target's column */
	const struct stream_type *from, *to;
	const struct connection_kind *from_kind, *to_kind;
	convert_fn decode, check, encode;	/* each may be NULL */
	bool by_value;		/* whether it works is known by the value only */
	struct conversion *element;
	pack_fn pack;		/* or NULL */
	int64_t first, last;	/* of its type, in days or seconds since 1970 */
};

/* Hears of a row that is refused, by its number, and why; OUTCOME_OK: it is left out. */
typedef enum outcome (*leave_out_fn)(void *context, int64_t number, struct str row,
				     struct error *why);

struct converter {
	struct conversion *columns;
	size_t count;
	bool passes;		/* bytes may go through, if none of the next two is in them */
	bool refuses_null, refuses_zero;	/* in some column */
	bool by_value;		/* a row may be refused */
	bool from_tuples;	/* what comes is binary, as the source's is_binary says */
	bool packs;		/* and so is what is made of it: the target's is_binary */
	bool can_pack;
	struct str *fields;	/* of a tuple */
	int64_t rows;		/* so far */
	leave_out_fn leave_out;	/* NULL: a row that is refused ends it */
	void *context;
	int64_t first;		/* rows before the last call's */
	VEC(int64_t) left_out;	/* numbers of those that are not in its result */
	struct buf scratch[2], why, line, spare;
	struct arena arena;
};

/* The plan for a source and a target; an error names the column, both types and what is lost. */
enum outcome converter_init(struct converter *c, const struct stream *from, const struct stream *to,
			    struct error *err) MUST_USE;
void converter_clear(struct converter *c);
/* Whole rows; the result is *view, either the rows themselves or what was put into out. */
enum outcome converter_rows(struct converter *c, struct str rows, struct buf *out, struct str *view,
			    int64_t *count, struct error *err) MUST_USE;

/* How many of them there are. */
int64_t converter_count(struct converter *c, struct str rows);
/* The number of a row of the last result, from 0 there. */
int64_t converter_number(const struct converter *c, int64_t nth);

/* convert_rule.c: fills check and by_value of a conversion; words why not, or NULL. */
const char *convert_rule(struct conversion *c, struct arena *a);
/* One type of one kind of database: nothing is to be done. */
bool convert_is_same(const struct conversion *c);
/* All three functions. */
const char *convert_plan(struct conversion *c, struct arena *a);
/* One field that is not NULL through all of them. */
bool convert_field(const struct conversion *c, struct str field, struct buf scratch[2],
		   struct buf *out, struct buf *why);
/* convert_text.c: what each kind writes and reads; NULL: the common text. */
convert_fn convert_decoder(const struct conversion *c);
convert_fn convert_encoder(const struct conversion *c);
/* convert_sqlite.c */
bool convert_from_sqlite(const struct conversion *c, struct str field, struct buf *out,
			 struct buf *why);
bool convert_to_sqlite(const struct conversion *c, struct str field, struct buf *out,
		       struct buf *why);
/* convert_array.c */
bool convert_array(const struct conversion *c, struct str field, struct buf *out, struct buf *why);
/* convert_pack.c: fills pack where there is one. */
void convert_pack_plan(struct conversion *c);
/* c->fields as a row of RowBinary; false: it has a value that is refused. */
bool convert_pack_row(const struct converter *c, struct buf *out);
/* convert_time.c */
/* Seconds since 1970 of a date or a time of day. */
int64_t convert_seconds(struct str text);
bool convert_is_time(struct str text, bool with_clock, size_t *fraction_digits);
bool convert_from_epoch(const struct conversion *c, struct str field, struct buf *out,
			struct buf *why);
bool convert_to_epoch(const struct conversion *c, struct str field, struct buf *out,
		      struct buf *why);
bool convert_time(const struct conversion *c, struct str field, struct buf *out, struct buf *why);

#endif
