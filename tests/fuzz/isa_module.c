/*
 * isa_module.c - no bytes break the reader, the verifier or the listing of a module, nor the
 * reader of a bundle
 *
 * The input is an image; a second try repairs its hashes, so that the fuzzer gets behind them. Or
 * it is text for the assembler, when it begins with ';'.
 */
#include "vm/isa/assemble.h"
#include "vm/isa/image.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void list(struct str bytes)
{
	struct module m;
	struct error err = { 0 };
	struct buf out = { .cap_bytes = 1 << 22 };
	if (module_open_head(&m, bytes, &err) == OUTCOME_OK)
		module_clear(&m);
	error_clear(&err);
	if (module_open(&m, bytes, &err) == OUTCOME_OK) {
		if (module_verify(&m, &err) == OUTCOME_OK) {
			module_list(&m, NULL, NULL, &out);
		} else if (!err.message) {
			abort();
		}
		module_clear(&m);
	} else if (!err.message) {
		abort();
	}
	error_clear(&err);
	buf_clear(&out);
}

static void put_u64(uint8_t *at, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get_u64(const uint8_t *at)
{
	uint64_t v = 0;
	for (int i = 7; i >= 0; i--)
		v = v << 8 | at[i];
	return v;
}

/* Right size, section places and hashes for whatever lies in the sections. */
static void repair(uint8_t *image, size_t size)
{
	put_u64(image + 16, size);
	for (uint32_t s = 0; s < SECTION_COUNT; s++) {
		uint8_t *entry = image + IMAGE_HEAD_BYTES + s * SECTION_ENTRY_BYTES;
		uint64_t offset = get_u64(entry + 8), length = get_u64(entry + 16);
		if (offset > size || length > size - offset)
			return;
		struct hash hash =
			hash_of((struct str){ (const char *)image + offset, (size_t)length });
		memcpy(entry + 24, hash.bytes, sizeof(hash.bytes));
	}
	struct hash hash = hash_of(
		(struct str){ (const char *)image + IMAGE_HASHED_FROM, size - IMAGE_HASHED_FROM });
	memcpy(image + 24, hash.bytes, sizeof(hash.bytes));
}

static void open_bundle(struct str bytes)
{
	struct bundle b;
	struct error err = { 0 };
	if (bundle_open(&b, bytes, &err) == OUTCOME_OK) {
		bundle_find(&b, STR("a"));
		bundle_clear(&b);
	}
	error_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 1 << 16)
		return 0;
	if (size > 0 && data[0] == ';') {
		struct module m;
		struct buf why = { 0 };
		char *image;
		if (assemble_module((struct str){ (const char *)data, size }, &m, &image, &why)) {
			list(m.bytes);
			module_clear(&m);
			free(image);
		}
		buf_clear(&why);
		return 0;
	}
	uint8_t *copy = must_alloc(size + 1);
	memcpy(copy, data, size);
	open_bundle((struct str){ (const char *)copy, size });
	list((struct str){ (const char *)copy, size });
	if (size >= IMAGE_HEAD_BYTES + SECTION_COUNT * SECTION_ENTRY_BYTES) {
		repair(copy, size);
		list((struct str){ (const char *)copy, size });
	}
	free(copy);
	return 0;
}
