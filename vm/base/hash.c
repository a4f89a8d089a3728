#include "vm/base/hash.h"

#include <xxhash.h>

struct hash hash_of(struct str s)
{
	XXH128_canonical_t canonical;
	struct hash h;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits(s.len ? s.ptr : "", s.len));
	memcpy(h.bytes, canonical.digest, sizeof(h.bytes));
	return h;
}

uint64_t hash_64(struct str s)
{
	return XXH3_64bits(s.len ? s.ptr : "", s.len);
}

bool hash_eq(struct hash a, struct hash b)
{
	return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

void hash_hex(struct hash h, char out[HASH_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof(h.bytes); i++) {
		out[2 * i] = digits[h.bytes[i] >> 4];
		out[2 * i + 1] = digits[h.bytes[i] & 15];
	}
	out[HASH_HEX_SIZE - 1] = '\0';
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool hash_from_hex(struct str hex, struct hash *out)
{
	if (hex.len != HASH_HEX_SIZE - 1)
		return false;
	for (size_t i = 0; i < sizeof(out->bytes); i++) {
		int high = digit_value(hex.ptr[2 * i]), low = digit_value(hex.ptr[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out->bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}
