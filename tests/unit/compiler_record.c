/* compiler_record.c - the record of a bundle: what was written is read again, and nothing else is
 * believed */
#include "compiler/fingerprint.h"
#include "compiler/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct bundle_entry entries[] = {
	{ .name = { "a", 1 } },
	{ .name = { "b", 1 } },
};

static void write_one(struct buf *out)
{
	static const uint32_t uses[] = { 0, 1 };
	struct record_library libraries[] = {
		{ STR("disk"), STR("stdlib/disk.amig"), hash_of(STR("x")) },
		{ STR("own"), STR("lib/own.amig"), hash_of(STR("y")) },
	};
	struct record_file files[] = {
		{ .shown = STR("m/a.amig"), .hash = hash_of(STR("1")), .entry = &entries[1],
		  .use_count = 2, .uses = uses },
		{ .shown = STR("m/words.amig"), .hash = hash_of(STR("2")), .use_count = 1,
		  .uses = uses + 1 },
	};
	struct record r = { .libraries = libraries, .library_count = 2, .files = files,
			    .file_count = 2 };

	record_write(&r, entries, out);
}

static struct bundle bundle_of(const struct buf *record)
{
	return (struct bundle){ .count = 2, .entries = entries, .record = buf_view(record) };
}

static void what_is_written_is_read_again(void **state)
{
	struct buf bytes = {0};
	struct record r;
	struct bundle b;
	const struct record_file *file;

	(void)state;
	write_one(&bytes);
	b = bundle_of(&bytes);
	assert_true(record_read(&r, &b));
	assert_int_equal(r.library_count, 2);
	assert_true(str_eq(r.libraries[1].name, STR("own")));
	assert_true(str_eq(r.libraries[1].shown, STR("lib/own.amig")));
	assert_true(hash_eq(r.libraries[1].hash, hash_of(STR("y"))));
	file = map_get(&r.by_shown, STR("m/a.amig"));
	assert_non_null(file);
	assert_ptr_equal(file->entry, &entries[1]);
	assert_true(hash_eq(file->hash, hash_of(STR("1"))));
	assert_int_equal(file->use_count, 2);
	file = map_get(&r.by_shown, STR("m/words.amig"));
	assert_non_null(file);
	assert_null(file->entry);
	assert_int_equal(file->uses[0], 1);
	record_clear(&r);
	buf_clear(&bytes);
}

static void a_record_of_another_compiler_is_not_used(void **state)
{
	struct buf bytes = {0};
	struct record r;
	struct bundle b;

	(void)state;
	assert_int_equal(strlen(compiler_fingerprint), 64);
	write_one(&bytes);
	bytes.ptr[3] ^= 1;
	b = bundle_of(&bytes);
	assert_false(record_read(&r, &b));
	assert_int_equal(r.file_count, 0);
	buf_clear(&bytes);
	b = bundle_of(&bytes);
	assert_false(record_read(&r, &b));
}

/* The bundle's hash keeps accidents out; what is left must not be able to do harm. */
static void no_bytes_break_it(void **state)
{
	struct buf bytes = {0};
	struct record r;
	struct bundle b;

	(void)state;
	write_one(&bytes);
	for (size_t len = 0; len < bytes.len; len++) {
		b = bundle_of(&bytes);
		b.record.len = len;
		assert_false(record_read(&r, &b));
	}
	for (size_t at = 16; at < bytes.len; at++) {
		char before = bytes.ptr[at];

		for (unsigned value = 0; value < 256; value++) {
			bytes.ptr[at] = (char)value;
			b = bundle_of(&bytes);
			if (record_read(&r, &b)) {
				for (uint32_t i = 0; i < r.file_count; i++)
					for (uint32_t n = 0; n < r.files[i].use_count; n++)
						assert_true(r.files[i].uses[n] < r.library_count);
				record_clear(&r);
			}
		}
		bytes.ptr[at] = before;
	}
	buf_byte(&bytes, 0);
	b = bundle_of(&bytes);
	assert_false(record_read(&r, &b));
	buf_clear(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(a_record_of_another_compiler_is_not_used),
		cmocka_unit_test(no_bytes_break_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
