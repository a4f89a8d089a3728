/*
 * types.h - the types of the language, interned in a table
 *
 * A type is a number: an index into a struct types. Equal types have equal numbers within one
 * table. The scalar types have the same number in every table: that of their kind. The checker, the
 * emitter and the verifier share this table; each module image carries those of its entries that it
 * uses (in this order: an entry refers only to earlier ones).
 */
#ifndef VM_ISA_TYPES_H
#define VM_ISA_TYPES_H

#include "vm/base/arena.h"
#include "vm/base/buf.h"
#include "vm/base/map.h"
#include "vm/base/vec.h"

enum type_kind {
	TYPE_NEVER,		/* no value: what `fail` gives, and the element of [] */
	TYPE_NOTHING,		/* what a function without -> gives; never on the stack */
	TYPE_NULL,
	TYPE_BOOL,
	TYPE_INT,
	TYPE_FLOAT,
	TYPE_STRING,
	TYPE_BYTES,
	TYPE_DURATION,
	TYPE_TIMESTAMP,
	TYPE_VERSION,
	TYPE_IDENT,
	TYPE_SQL,
	TYPE_ANY,		/* from a query, until `as` */
	TYPE_SCALAR_COUNT,
	TYPE_LIST = TYPE_SCALAR_COUNT,
	TYPE_OPTIONAL,		/* never of an optional, null, any or never */
	TYPE_RECORD,
	TYPE_CONNECTION,	/* of a kind: "clickhouse" */
	TYPE_KIND_COUNT,
};

struct type_field {
	struct str name;
	uint32_t type;
};

struct type {
	enum type_kind kind;
	uint32_t element;		/* LIST, OPTIONAL */
	uint32_t field_count;		/* RECORD; in the order written, names unique */
	const struct type_field *fields;
	struct str connection;		/* CONNECTION: its dialect */
};

struct types {
	struct arena arena;
	VEC(struct type) all;
	struct map by_key;		/* what it is made of → number + 1 */
};

void types_init(struct types *t);		/* fills in the scalars */
void types_clear(struct types *t);
/* Valid until a type is added. */
const struct type *types_get(const struct types *t, uint32_t type);
/* "int" → TYPE_INT; false: no scalar has this name */
bool types_scalar(struct str name, uint32_t *out);
uint32_t types_list(struct types *t, uint32_t element);
/* T? of T? is T?; of null, any, never: itself */
uint32_t types_optional(struct types *t, uint32_t element);
uint32_t types_record(struct types *t, const struct type_field *fields, uint32_t count);
/* Of its dialect: a connection of one kind stands wherever one of another is wanted that speaks the
 * same SQL. */
uint32_t types_connection(struct types *t, struct str kind);
/* The kind whose SQL a kind speaks, and whose words in the standard library are its: mostly itself.
 */
struct str types_dialect(struct str kind);
/* Whether a value of `from` may stand where `to` is wanted, without a conversion: equal; never to
 * all; null and T to T?; anything without a connection in it to any; lists and records by their
 * parts. */
bool types_assignable(const struct types *t, uint32_t from, uint32_t to);
/* The least type that both are assignable to; TYPE_KIND_COUNT-free answer: returns false if there
 * is none but any. */
bool types_join(struct types *t, uint32_t a, uint32_t b, uint32_t *out);
/* as an author writes it: [int], {a: int}, int? */
void types_print(const struct types *t, uint32_t type, struct buf *out);

#endif
