/* hash.h - XXH3-128, the identity of everything that is stored */
#ifndef VM_BASE_HASH_H
#define VM_BASE_HASH_H

#include "vm/base/str.h"

struct hash { uint8_t bytes[16]; };	/* canonical (big-endian) form: the same on any machine */

/* Bytes that go by their hash. */
struct hashed { struct hash hash; struct str bytes; };

#define HASH_HEX_SIZE 33		/* with the NUL */

struct hash hash_of(struct str s);
/* Of bytes that lie in several places: that of all in one. */
struct hash hash_of_parts(const struct str *parts, size_t count);
uint64_t hash_64(struct str s);
bool hash_eq(struct hash a, struct hash b);
void hash_hex(struct hash h, char out[HASH_HEX_SIZE]);
bool hash_from_hex(struct str hex, struct hash *out);

#endif
