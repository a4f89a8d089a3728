/*
 * stream.h - rows out of a database and into one, as bytes: what `copy` is made of
 *
 * A source describes the columns of a query and then gives its rows; a target describes columns of
 * a table and then takes rows. Rows are lines of fields with tabs between them, in which backslash
 * stands in front of what could be taken for something else (\t \n \r \b \f \v \0 \\ \'), and \N is
 * NULL: the form that COPY of PostgreSQL and TabSeparated of ClickHouse share. What a field says is
 * its kind's own; convert.h makes one from the other:
 *
 *             postgres           clickhouse             sqlite: a letter in front, then
 *   BOOL      t f                1 0                     i1 i0
 *   FLOAT     Infinity NaN       inf nan                 r0.5
 *   BYTES     \\x00ff            the bytes               bBYTES
 *   INSTANT   2026-… 08:00+00    seconds since 1970      tTEXT
 *   ARRAY     {1,NULL,"a"}       [1,NULL,'a']
 *
 * One source and one target at a time on a connection, and both may be of the same. Whatever waits
 * asks the watch; its wish ends it with OUTCOME_STOPPED.
 */
#ifndef VM_CONNECTION_STREAM_H
#define VM_CONNECTION_STREAM_H

#include "vm/connection/connection.h"

/* A longer row is refused. About five times of it are in memory for a moment. */
#define STREAM_ROW_CAP_BYTES ((size_t)64 << 20)
#define STREAM_CHUNK_BYTES ((size_t)256 << 10)

enum stream_family {
#define FAMILY(name, words) FAMILY_##name,
#include "vm/connection/stream_family.def"
#undef FAMILY
};

struct stream_type {
	enum stream_family family;
	struct str name;	/* the server's own word */
	bool is_nullable;	/* as far as its side's catalogs tell */
	bool is_signed;		/* INT */
	int bits;		/* INT, FLOAT; ENUM, BOOL: of what is stored */
	int precision;		/* DECIMAL: digits, 0 any number of them */
	int scale;		/* DECIMAL, TIMESTAMP, INSTANT: digits behind the point */
	int64_t length;		/* TEXT, BYTES: exactly so many bytes; 0 any number */
	bool is_raw;		/* TEXT that may be any bytes */
	bool is_numeric;	/* a target of SQLite that makes numbers of texts like them */
	struct str first, last;	/* DATE, INSTANT: what it can hold, as text; empty: anything */
	/* Of a source of PostgreSQL: its number there, and how a value comes in a tuple. */
	unsigned oid;
	int form;
	bool is_inexact;	/* FLOAT: read by a server that may miss the last digit */
	struct stream_type *element;	/* ARRAY */
};

struct stream_column {
	struct str name;
	struct stream_type type;
};

struct stream {
	const struct connection_kind *kind;
	struct connection *c;
	struct arena arena;	/* what columns refer to */
	struct stream_column *columns;
	size_t column_count;
	bool is_source;
	/* Of a source that can give tuples (postgres_binary.h), and of a target that can take
	 * rows of RowBinary. Set before start(), or begin(): whether its rows are those. */
	bool can_be_binary, is_binary;
	bool is_kept;	/* a target that settle() will be called of: it ends by finish() only */
	/* A target that has not come to its end, and will not, although some of what it was given
	 * may be there: class UNKNOWN then says no more than that. */
	bool is_partial;
	/* Set before begin(): a target that can go on without a row that it refuses tells of it, by
	 * its number in this write() from 0; OUTCOME_OK: it goes on. NULL: that ends the copy. */
	enum outcome (*set_aside)(void *context, int64_t nth, struct str row, struct error *why);
	void *context;
	void *state;		/* the kind's own */
};

/* A table and columns of it. */
struct stream_target {
	const struct str *table;	/* the parts of its name */
	size_t part_count;
	const struct str *columns;
	size_t column_count;
};

/* Hears rows that were read from a target's table, with the stream that describes how they are
 * written. */
typedef void (*stream_ear_fn)(void *context, const struct stream *described, struct str rows);

struct stream_kind {
	/* Opens a source: s->sql is a query. Its columns are described, nothing is read. */
	enum outcome (*open_source)(struct connection *c, const struct statement *s,
				    const struct watch *watch, struct stream *out,
				    struct error *err);
	/* Begins to read, from the first row on; may be done again after the end. */
	enum outcome (*start)(struct stream *s, const struct watch *watch, struct error *err);
	/* Appends whole rows. *end: there are no more, and it is known that these were all. */
	enum outcome (*read)(struct stream *s, struct buf *out, bool *end,
			     const struct watch *watch, struct error *err);
	/* Opens a target: describes the columns, and refuses a table that is not there, that lacks
	 * one, has more that must be given, or may not be written to. */
	enum outcome (*open_target)(struct connection *c, const struct stream_target *t,
				    const struct statement *s, const struct watch *watch,
				    struct stream *out, struct error *err);
	/* Begins the statement that s says: id, timeout, settings, marker; may be done again after
	 * finish(). */
	enum outcome (*begin)(struct stream *t, const struct statement *s,
			      const struct watch *watch, struct error *err);
	/* Takes whole rows. */
	enum outcome (*write)(struct stream *t, struct str rows, int64_t count,
			      const struct watch *watch, struct error *err);
	/* Ends the statement: all of them are there when it returns OUTCOME_OK. An error's class
	 * says whether any are. */
	enum outcome (*finish)(struct stream *t, const struct watch *watch, struct error *err);
	/* Of a target that is a transaction, or NULL: between the last write and finish(). All rows
	 * are in the table then, as read_back() sees it, and close() takes them back. is_kept of
	 * the stream was set before begin(). */
	enum outcome (*settle)(struct stream *t, const struct watch *watch, struct error *err);
	/* What a query on the target gives, in its transaction where one is open: before begin(),
	 * behind settle(), or behind finish() where there is none. s: the query and its id. */
	enum outcome (*read_back)(struct stream *t, const struct statement *s, stream_ear_fn hear,
				  void *context, const struct watch *watch, struct error *err);
	/* stream_close() of what is the kind's own, in whatever state. What was begun and not
	 * finished does not happen any more; *err, if it is not NULL, is a failure from elsewhere
	 * whose class becomes UNKNOWN where a part of it may have happened. */
	void (*close)(struct stream *s, struct error *err);
	/* What stands for the target's statement in the journal and in messages. */
	void (*print_target)(struct buf *out, const struct stream_target *t);
};

extern const struct stream_kind clickhouse_stream, postgres_stream, sqlite_stream;

/* Also of one that was never opened. */
void stream_close(struct stream *s, struct error *err);

const char *stream_family_words(enum stream_family f);

/* ---- fields ---- */

/* Takes the next field of a line; false: there was none. *line is what is left, .ptr NULL at the
 * end. */
bool stream_field(struct str *line, struct str *field);
static inline bool stream_is_null(struct str field)
{
	return field.len == 2 && field.ptr[0] == '\\' && field.ptr[1] == 'N';
}
/* Writes bytes as a field, and back. */
void stream_escape(struct buf *out, struct str bytes);
void stream_unescape(struct buf *out, struct str field);
/* Takes an element from the front of an array's text, up to the comma or bracket behind it: the
 * text of a kind that quotes elements so and keeps their escapes. */
void stream_element(struct str *text, char quote, char close, struct buf *word, bool *is_null);
/* A field as ClickHouse's type of it begins it, whose words are escaped as fields are: 'a' = in
 * Enum8('a' = 1, 'b' = 2). */
void stream_print_enum(struct buf *out, struct str field);
/* The table's name as an author would write it. */
void stream_print_name(struct buf *out, const struct stream_target *t);
/* "schema"."table" ("column", "other": what follows is the caller's. */
void stream_print_columns(struct buf *out, const struct stream_target *t,
			  void (*quote)(struct buf *out, struct str part));

#endif
