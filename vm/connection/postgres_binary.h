/*
 * postgres_binary.h - rows as COPY … (FORMAT binary) sends them: tuples
 *
 * They cost the server a quarter less than text, and whoever writes bytes has nothing to parse. A
 * stream has them without the header and the trailer around them. Printed, they are the lines of
 * stream.h, with the zone of an INSTANT left out: it is UTC. Format: PostgreSQL's manual, COPY,
 * "Binary Format"; of each type what its send function writes, the same since version 9.
 */
#ifndef VM_CONNECTION_POSTGRES_BINARY_H
#define VM_CONNECTION_POSTGRES_BINARY_H

#include "vm/connection/stream.h"

/* How a value comes: `form` of a column's stream_type. NONE: it can't be read here. */
enum postgres_form {
	BINARY_NONE, BINARY_BOOL, BINARY_INT16, BINARY_INT32, BINARY_UINT32, BINARY_INT64,
	BINARY_FLOAT32, BINARY_FLOAT64, BINARY_NUMERIC, BINARY_TEXT, BINARY_BYTES, BINARY_DATE,
	BINARY_TIME, BINARY_UUID, BINARY_JSONB,
};

/* Takes what is no tuple out of the messages of one COPY. */
struct postgres_frame {
	bool is_behind_header, is_over;
};

/* Appends the tuples of a message, which has whole ones; for postgres_copy_read(). false: these are
 * no such bytes. */
bool postgres_frame_take(void *frame, struct str message, struct buf *out);
/* The next tuple's fields, .ptr NULL for NULL; false: there is none of so many. */
bool postgres_tuple(struct str *tuples, size_t count, struct str *fields);
/* A value of a form, which is not NULL, as a field of a line; false: it is none. */
bool postgres_binary_print(int form, struct str value, struct buf *out);

/* ---- values, of the length that their form has ---- */

#define POSTGRES_EPOCH_DAYS 10957	/* 2000-01-01, in days since 1970 */
#define POSTGRES_US_A_DAY (INT64_C(86400) * 1000000)

uint16_t postgres_read_16(const char *at);
uint32_t postgres_read_32(const char *at);
uint64_t postgres_read_64(const char *at);
/* How many bytes a value of a form has; 0: any number. */
size_t postgres_form_bytes(int form);
/* INT16 to INT64. */
int64_t postgres_read_int(int form, const char *at);
/* FLOAT32 and FLOAT64. */
double postgres_read_float(int form, const char *at);
/* DATE: days, and TIME: microseconds, since 2000. false: infinity, *out its sign. */
bool postgres_read_date(const char *at, int64_t *days);
bool postgres_read_time(const char *at, int64_t *us);
/* JSONB: without the version in front. */
bool postgres_read_jsonb(struct str *value);

#define POSTGRES_GROUP_DIGITS 4
struct postgres_numeric {
	const char *groups;	/* of four digits; postgres_group() */
	size_t count;
	int weight;		/* of the first: groups between it and the point, -1 behind it */
	bool is_negative;
	size_t scale;		/* digits behind the point that are shown */
	const char *word;	/* NaN or an infinity, which has no digits; or NULL */
};
bool postgres_read_numeric(struct str value, struct postgres_numeric *n);
/* The i-th group; 0 in front of the first and behind the last. */
unsigned postgres_group(const struct postgres_numeric *n, int i);

#endif
