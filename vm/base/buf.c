#include "vm/base/buf.h"
#include "vm/base/arena.h"

#include <stdio.h>
#include <stdlib.h>

static bool grow(struct buf *b, size_t more)
{
	size_t room;

	room = b->room ? b->room : 64;
	while (room - b->len <= more)
		room *= 2;
	b->ptr = must_realloc(b->ptr, room);
	b->room = room;
	return true;
}

static inline bool reserve(struct buf *b, size_t more)
{
	size_t cap = b->cap_bytes ? b->cap_bytes : BUF_CAP_BYTES;

	if (b->failed || b->len > cap || more > cap - b->len) {
		b->failed = true;
		return false;
	}
	return b->room - b->len > more || grow(b, more);	/* one byte is the final NUL's */
}

void buf_clear(struct buf *b)
{
	free(b->ptr);
	*b = (struct buf){ .cap_bytes = b->cap_bytes };
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->ptr)
		b->ptr[0] = '\0';
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
	if (!reserve(b, len))
		return;
	if (len)
		memcpy(b->ptr + b->len, bytes, len);
	b->len += len;
	b->ptr[b->len] = '\0';
}

char *buf_room(struct buf *b, size_t len)
{
	return reserve(b, len) ? b->ptr + b->len : NULL;
}

void buf_filled(struct buf *b, size_t len)
{
	b->len += len;
	b->ptr[b->len] = '\0';
}

void buf_str(struct buf *b, struct str s)
{
	buf_add(b, s.ptr, s.len);
}

void buf_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_byte(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

/* Most texts are short and are written once; the length of others must be known before. */
void buf_vformat(struct buf *b, const char *format, va_list args)
{
	char text[256];
	va_list again;
	int len;

	va_copy(again, args);
	len = vsnprintf(text, sizeof(text), format, again);
	va_end(again);
	if (len < 0)
		BUG("format %s", format);
	if ((size_t)len < sizeof(text)) {
		buf_add(b, text, (size_t)len);
	} else if (reserve(b, (size_t)len)) {
		vsnprintf(b->ptr + b->len, (size_t)len + 1, format, args);
		b->len += (size_t)len;
	}
}

void buf_format(struct buf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vformat(b, format, args);
	va_end(args);
}

/* What an image is made of: millions of them, so each is written where it stays. */
static inline void little_endian(struct buf *b, uint64_t v, size_t bytes)
{
	char *at = buf_room(b, bytes);

	if (!at)
		return;
	for (size_t i = 0; i < bytes; i++)
		at[i] = (char)(v >> (8 * i));
	buf_filled(b, bytes);
}

void buf_u8(struct buf *b, uint8_t v)
{
	little_endian(b, v, 1);
}

void buf_u16(struct buf *b, uint16_t v)
{
	little_endian(b, v, 2);
}

void buf_u32(struct buf *b, uint32_t v)
{
	little_endian(b, v, 4);
}

void buf_u64(struct buf *b, uint64_t v)
{
	little_endian(b, v, 8);
}

void buf_varint(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		little_endian(b, v | 0x80, 1);
	little_endian(b, v, 1);
}

void buf_sized(struct buf *b, struct str s)
{
	buf_varint(b, s.len);
	buf_str(b, s);
}

void buf_align(struct buf *b, size_t to)
{
	while (b->len % to != 0 && !b->failed)
		buf_u8(b, 0);
}

static void json_character(struct buf *b, struct str s, size_t *at)
{
	unsigned char c = (unsigned char)s.ptr[*at];
	size_t len = 1;

	if (c == '"' || c == '\\') {
		buf_byte(b, '\\');
		buf_byte(b, (char)c);
	} else if (c == '\n') {
		buf_text(b, "\\n");
	} else if (c == '\t') {
		buf_text(b, "\\t");
	} else if (c == '\r') {
		buf_text(b, "\\r");
	} else if (c < 0x20 || c == 0x7f) {
		buf_format(b, "\\u%04x", c);
	} else if (c < 0x80) {
		buf_byte(b, (char)c);
	} else {
		while (len < 4 && *at + len < s.len &&
		       ((unsigned char)s.ptr[*at + len] & 0xc0) == 0x80)
			len++;
		while (len > 1 && !str_is_utf8((struct str){ s.ptr + *at, len }))
			len--;
		if (len > 1)
			buf_add(b, s.ptr + *at, len);
		else
			buf_text(b, "\xef\xbf\xbd");
	}
	*at += len;
}

void buf_json(struct buf *b, struct str s)
{
	buf_byte(b, '"');
	for (size_t at = 0; at < s.len;)
		json_character(b, s, &at);
	buf_byte(b, '"');
}

char *buf_take(struct buf *b)
{
	char *taken = b->ptr ? b->ptr : must_strdup("");

	*b = (struct buf){ .cap_bytes = b->cap_bytes };
	return taken;
}
