/*
 * buf.h - a growing run of bytes with a cap
 *
 * {0} is a valid empty buffer with the default cap (BUF_CAP_BYTES). Appending past the cap sets
 * `failed`, drops the bytes and everything after, so that a caller may check once at the end.
 * Running out of memory aborts.
 */
#ifndef VM_BASE_BUF_H
#define VM_BASE_BUF_H

#include "vm/base/str.h"
#include <stdarg.h>

#define BUF_CAP_BYTES ((size_t)1 << 30)

struct buf {
	char *ptr;		/* always NUL-terminated when not NULL */
	size_t len;
	size_t room;
	size_t cap_bytes;	/* 0: BUF_CAP_BYTES */
	bool failed;
};

void buf_clear(struct buf *b);			/* frees; the buffer is empty and usable again */
void buf_reset(struct buf *b);			/* keeps the memory, forgets the bytes */
void buf_add(struct buf *b, const void *bytes, size_t len);
/* Room for so many bytes behind the last one, to be filled by the caller, who then tells how many
 * came; NULL: past the cap. */
char *buf_room(struct buf *b, size_t len);
void buf_filled(struct buf *b, size_t len);
void buf_str(struct buf *b, struct str s);
void buf_text(struct buf *b, const char *text);
void buf_byte(struct buf *b, char c);
void buf_format(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_vformat(struct buf *b, const char *format, va_list args) PRINTF_LIKE(2, 0);
/* Little-endian integers, for formats. */
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
void buf_varint(struct buf *b, uint64_t v);	/* LEB128 */
void buf_sized(struct buf *b, struct str s);	/* varint length, then the bytes */
void buf_align(struct buf *b, size_t to);	/* zero bytes up to a multiple */
/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void buf_json(struct buf *b, struct str s);
static inline struct str buf_view(const struct buf *b)
{
	return (struct str){ b->ptr ? b->ptr : "", b->len };
}
/* Hands the bytes over as a malloc'd C string; the buffer is empty afterwards. */
char *buf_take(struct buf *b);

/* The reading side: every read is checked; after the first one past the end `failed` stays set and
 * zeros come. */
struct reader {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

static inline struct reader reader_of(struct str s)
{
	return (struct reader){ (const uint8_t *)s.ptr, (const uint8_t *)s.ptr + s.len, false };
}
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
uint64_t reader_varint(struct reader *r);
struct str reader_bytes(struct reader *r, size_t len);	/* borrowed from the input */
struct str reader_sized(struct reader *r);
static inline size_t reader_left(const struct reader *r)
{
	return (size_t)(r->end - r->at);
}

#endif
