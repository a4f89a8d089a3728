/*
 * value.h - what the machine computes with
 *
 * A value is 16 bytes: its kind and a number or a pointer to something immutable in a heap. Heaps are bump memory
 * with one lifetime; value_copy() brings a value into another heap (that is also how a machine's heap is compacted).
 * Values nest at most VALUE_DEPTH_MAX deep.
 */
#ifndef VM_MACHINE_VALUE_H
#define VM_MACHINE_VALUE_H

#include "vm/isa/module.h"

#define VALUE_DEPTH_MAX 64

enum value_kind {
	VALUE_NULL, VALUE_BOOL, VALUE_INT, VALUE_FLOAT, VALUE_STRING, VALUE_BYTES, VALUE_DURATION, VALUE_TIMESTAMP,
	VALUE_VERSION, VALUE_IDENT, VALUE_SQL, VALUE_LIST, VALUE_RECORD, VALUE_CONNECTION, VALUE_KIND_COUNT
};

struct value {
	enum value_kind kind;
	union {
		bool flag;
		int64_t number;			/* INT, DURATION (ms), TIMESTAMP (us since 1970 UTC) */
		double real;
		uint32_t need;			/* CONNECTION: index into the module's needs */
		const struct text *text;	/* STRING, BYTES, VERSION */
		const struct list *list;	/* LIST; IDENT: its parts, strings; SQL: pieces (see below) */
		const struct record *record;
	};
};

struct text {
	size_t len;
	char bytes[];				/* NUL-terminated behind its end */
};

/* A list shows the first `count` elements of a store that may be shared by longer lists. */
struct list {
	size_t count;
	struct list_store *store;		/* store->at[0..count) */
};

struct list_store {
	size_t used, room;
	struct value at[];
};

/*
 * A record of a record type: fields in the type's order. One that came from a query has the columns' names;
 * one that the code made has names NULL (the type knows them).
 */
struct record {
	uint32_t count;
	const struct str *names;
	struct value at[];
};

/*
 * SQL: a list in which SQL text alternates with values: text (a STRING taken as SQL), hole, text, hole, …, text.
 * A hole that is itself SQL is a nested list. Rendering quotes the holes by dialect: see connection.h.
 */

struct heap {
	struct arena arena;
};

struct str value_text(struct value v);		/* STRING, BYTES, VERSION */
struct value value_null(void);
struct value value_bool(bool flag);
struct value value_int(int64_t number);
struct value value_float(double real);
struct value value_duration(int64_t ms);
struct value value_timestamp(int64_t us);
struct value value_connection(uint32_t need);
struct value value_string(struct heap *h, struct str s);
struct value value_bytes(struct heap *h, struct str s);
struct value value_version(struct heap *h, struct str s);
/* Copies the array of values (not deep: they must be of the same heap). */
struct value value_list(struct heap *h, const struct value *at, size_t count);
struct value value_ident(struct heap *h, const struct value *parts, size_t count);
struct value value_sql(struct heap *h, const struct value *pieces, size_t count);
struct value value_record(struct heap *h, const struct str *names, const struct value *at, uint32_t count);
struct value value_copy(struct heap *to, struct value v);	/* deep */
bool value_equal(struct value a, struct value b);		/* names of record fields don't matter, their order does */
int value_compare(struct value a, struct value b);		/* of the sorted kinds, both the same */
/* Whether a value is one of a type, part by part. For records of queries: by name, in any order; `as` re-orders them. */
bool value_is(struct value v, const struct types *types, uint32_t type);
/* As interpolation shows it; lists and records as the language writes them. */
void value_print(struct value v, struct buf *out);
void value_json(struct value v, const struct types *types, uint32_t type, struct buf *out);
/*
 * JSON text as a value of a type (durations as "5m", sizes as numbers, timestamps as text); false with a reason.
 * Used for the parameters that an operator gives: a bare word is taken for a string where a string is wanted.
 */
bool value_parse(struct str text, const struct types *types, uint32_t type, struct heap *h, struct value *out,
		 struct buf *reason);

/* One byte sequence for one value; the form of checkpoints, captures and frozen values in the store. */
void value_encode(struct value v, struct buf *out);
bool value_decode(struct reader *r, struct heap *h, struct value *out);

#endif
