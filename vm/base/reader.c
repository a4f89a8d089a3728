#include "vm/base/buf.h"

static const uint8_t *need(struct reader *r, size_t len)
{
	const uint8_t *at = r->at;

	if (r->failed || reader_left(r) < len) {
		r->failed = true;
		return NULL;
	}
	r->at += len;
	return at;
}

static uint64_t little_endian(struct reader *r, size_t bytes)
{
	const uint8_t *at = need(r, bytes);
	uint64_t v = 0;

	if (!at)
		return 0;
	for (size_t i = 0; i < bytes; i++)
		v |= (uint64_t)at[i] << (8 * i);
	return v;
}

uint8_t reader_u8(struct reader *r)
{
	return (uint8_t)little_endian(r, 1);
}

uint16_t reader_u16(struct reader *r)
{
	return (uint16_t)little_endian(r, 2);
}

uint32_t reader_u32(struct reader *r)
{
	return (uint32_t)little_endian(r, 4);
}

uint64_t reader_u64(struct reader *r)
{
	return little_endian(r, 8);
}

uint64_t reader_varint(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = reader_u8(r);

		if (shift == 63 && byte > 1)
			r->failed = true;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80) || r->failed)
			return r->failed ? 0 : v;
	}
	r->failed = true;
	return 0;
}

struct str reader_bytes(struct reader *r, size_t len)
{
	const uint8_t *at = need(r, len);

	return at ? (struct str){ (const char *)at, len } : (struct str){ "", 0 };
}

struct str reader_sized(struct reader *r)
{
	uint64_t len = reader_varint(r);

	if (len > reader_left(r)) {
		r->failed = true;
		return (struct str){ "", 0 };
	}
	return reader_bytes(r, (size_t)len);
}
