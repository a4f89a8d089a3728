#include "vm/base/hash.h"

#include <xxhash.h>

static struct hash canonical(XXH128_hash_t value)
{
	XXH128_canonical_t bytes;
	struct hash h;

	XXH128_canonicalFromHash(&bytes, value);
	memcpy(h.bytes, bytes.digest, sizeof(h.bytes));
	return h;
}

struct hash hash_of(struct str s)
{
	return canonical(XXH3_128bits(s.len ? s.ptr : "", s.len));
}

struct hash hash_of_parts(const struct str *parts, size_t count)
{
	XXH3_state_t *state = XXH3_createState();
	struct hash h;

	if (!state || XXH3_128bits_reset(state) != XXH_OK)
		BUG("no memory for a hash");
	for (size_t i = 0; i < count; i++)
		if (parts[i].len)
			XXH3_128bits_update(state, parts[i].ptr, parts[i].len);
	h = canonical(XXH3_128bits_digest(state));
	XXH3_freeState(state);
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
