/*
 * value.h - what the machine computes with
 *
 * A value is 16 bytes: its kind and a number or a pointer to something immutable in a heap. Heaps
 * are bump memory with one lifetime; value_copy() brings a value into another heap (that is also
 * how a machine's heap is compacted). Values nest at most VALUE_DEPTH_MAX deep and, with everything
 * shared counted each time, have at most VALUE_BYTES_MAX: lists, records and SQL know both, so that
 * the machine can refuse a value before anybody walks it.
 */
#ifndef VM_MACHINE_VALUE_H
#define VM_MACHINE_VALUE_H

#include "vm/isa/module.h"

#define VALUE_DEPTH_MAX 64
#define VALUE_BYTES_MAX ((uint64_t)256 << 20)

enum value_kind {
	VALUE_NULL, VALUE_BOOL, VALUE_INT, VALUE_FLOAT, VALUE_STRING, VALUE_BYTES, VALUE_DURATION,
	VALUE_TIMESTAMP, VALUE_VERSION, VALUE_IDENT, VALUE_SQL, VALUE_LIST, VALUE_RECORD,
	VALUE_CONNECTION, VALUE_KIND_COUNT
};

struct value {
	enum value_kind kind;
	/* of a machine's answer: what it came from, for messages; 0 unknown */
	uint32_t origin;
	union {
		bool flag;
		/* INT, DURATION (ms), TIMESTAMP (us since 1970 UTC) */
		int64_t number;
		double real;
		uint32_t need;			/* CONNECTION: index into the module's needs */
		const struct text *text;	/* STRING, BYTES, VERSION */
		/* LIST; IDENT: its parts, strings; SQL: pieces (see below) */
		const struct list *list;
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
	uint64_t bytes;				/* as value_bytes_held() tells */
	uint32_t depth;
};

struct list_store {
	size_t used, room;
	struct value at[];
};

/*
 * A record: of a record type, its fields in the type's order; of a query, the columns in theirs,
 * and `as` puts them into the type's order. names may be NULL where the type is known. They are
 * borrowed: as long-lived as the heap.
 */
struct record {
	uint32_t count;
	uint32_t depth;
	uint64_t bytes;
	const struct str *names;
	struct value at[];
};

/*
 * SQL: a list in which SQL text alternates with values: text (a STRING taken as SQL), hole, text,
 * hole, …, text. A hole that is itself SQL is a nested list. Rendering quotes the holes by
 * dialect: see connection.h.
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
struct value value_record(struct heap *h, const struct str *names, const struct value *at,
			  uint32_t count);
/* The list with one more element, in the store of the old one where that has room behind its end.
 * Both of heap h. */
struct value value_append(struct heap *h, struct value list, struct value element);
uint64_t value_bytes_held(struct value v);	/* about how long it is when encoded */
uint32_t value_depth(struct value v);		/* 0 a scalar */
/* Deep; what is shared among the parts stays shared. */
struct value value_copy(struct heap *to, struct value v);
/* In place; what is shared among all of them stays so too. keep_room: growing lists keep their room
 * to grow. */
void value_copy_all(struct heap *to, struct value *at, size_t count, bool keep_room);
void heap_clear(struct heap *h);
/* names of record fields don't matter, their order does */
bool value_equal(struct value a, struct value b);
/* Of the sorted kinds, both the same. NaN comes after all other floats and equals itself. */
int value_compare(struct value a, struct value b);
/* Whether a value is one of a type, part by part; a record's names, where it has them, in the
 * type's order. */
bool value_is(struct value v, const struct types *types, uint32_t type);
/* As interpolation shows it; lists and records as the language writes them. */
void value_print(struct value v, struct buf *out);
void value_json(struct value v, const struct types *types, uint32_t type, struct buf *out);
/*
 * JSON text as a value of a type (durations as "5m", sizes as numbers, timestamps as text); false
 * with a reason. Used for the parameters that an operator gives: a bare word is taken for a string
 * where a string is wanted.
 */
bool value_parse(struct str text, const struct types *types, uint32_t type, struct heap *h,
		 struct value *out, struct buf *reason);

/* One byte sequence for one value; the form of checkpoints, captures and frozen values in the
 * store. */
void value_encode(struct value v, struct buf *out);
bool value_decode(struct reader *r, struct heap *h, struct value *out);
/*
 * The same for several values in a row, some parts of which are kept elsewhere (blobs.h). refer()
 * is asked before each part is written, and says whether it has written it in its own way: a byte
 * VALUE_REFERENCE | kind, and what fetch() reads behind that. depth: of what the values are parts
 * of. fetch() answers for depth and size of what it gives.
 */
#define VALUE_REFERENCE 0x80u
struct value_refs {
	void *context;
	bool (*refer)(void *context, struct value v, struct buf *out);
	bool (*fetch)(void *context, enum value_kind kind, uint32_t depth, struct reader *r,
		      struct value *out);
};
void value_encode_parts(const struct value *at, size_t count, const struct value_refs *refs,
			struct buf *out);
bool value_decode_parts(struct reader *r, struct heap *h, const struct value_refs *refs,
			uint32_t depth, struct value *at, size_t count);

#endif
