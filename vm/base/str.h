/*
 * str.h - a borrowed run of bytes
 *
 * Never owns, not NUL-terminated, may hold NULs. Who keeps one beyond the call copies it
 * (arena_str).
 */
#ifndef VM_BASE_STR_H
#define VM_BASE_STR_H

#include "vm/base/attr.h"
#include <string.h>

struct str {
	const char *ptr;
	size_t len;
};

#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })
/* For printf: "%.*s" */
#define STR_ARG(s) (int)(s).len, (s).ptr

static inline struct str str_c(const char *text)
{
	return (struct str){ text, text ? strlen(text) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Bytewise order: <0, 0, >0. */
int str_compare(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Offset of the first occurrence, or -1. */
ptrdiff_t str_find(struct str s, struct str needle);
struct str str_trim(struct str s);
/* Whole text as a decimal int64; false if it is anything else or out of range. */
bool str_to_int(struct str s, int64_t *out);
bool str_is_utf8(struct str s);
/* How many bytes come before the first that is not ASCII. */
size_t str_ascii_length(struct str s);

#endif
