/* base_text.c - strings, buffers, readers, versions, units */
#include "vm/base/buf.h"
#include "vm/base/arena.h"
#include "vm/base/map.h"
#include "vm/base/hash.h"
#include "vm/base/semver.h"
#include "vm/base/units.h"
#include "vm/base/error.h"
#include "vm/base/os.h"
#include "vm/base/parallel.h"

#include <setjmp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static void a_decimal_is_read_over_the_whole_int64_range(void **state UNUSED)
{
	static const struct { const char *text; bool ok; int64_t value; } cases[] = {
		{ "0", true, 0 }, { "-1", true, -1 }, { "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN }, { "9223372036854775808", false, 0 },
		{ "-9223372036854775809", false, 0 }, { "", false, 0 }, { "-", false, 0 },
		{ "1x", false, 0 },
		{ " 1", false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t value = 7;

		assert_int_equal(str_to_int(str_c(cases[i].text), &value), cases[i].ok);
		if (cases[i].ok)
			assert_true(value == cases[i].value);
	}
}

static void utf8_is_recognised_without_overlong_forms_and_surrogates(void **state UNUSED)
{
	assert_true(str_is_utf8(STR("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80")));
	assert_false(str_is_utf8(STR("\xc0\xaf")));
	assert_false(str_is_utf8(STR("\xed\xa0\x80")));
	assert_false(str_is_utf8(STR("\xf5\x80\x80\x80")));
	assert_false(str_is_utf8(STR("\xe2\x82")));
}

static void a_buffer_past_its_cap_fails_and_keeps_what_it_had(void **state UNUSED)
{
	struct buf b = { .cap_bytes = 8 };

	buf_text(&b, "12345678");
	assert_false(b.failed);
	buf_byte(&b, '9');
	assert_true(b.failed);
	buf_text(&b, "x");
	assert_string_equal(b.ptr, "12345678");
	buf_clear(&b);
}

static void what_is_written_is_read_back_and_nothing_beyond_the_end(void **state UNUSED)
{
	struct buf b = { 0 };
	struct reader r;
	static const uint64_t numbers[] = { 0, 127, 128, 300, UINT32_MAX, UINT64_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		buf_varint(&b, numbers[i]);
	buf_u16(&b, 0x1234);
	buf_u32(&b, 0xdeadbeef);
	buf_u64(&b, UINT64_MAX - 1);
	buf_sized(&b, STR("text"));
	r = reader_of(buf_view(&b));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		assert_true(reader_varint(&r) == numbers[i]);
	assert_int_equal(reader_u16(&r), 0x1234);
	assert_true(reader_u32(&r) == 0xdeadbeef);
	assert_true(reader_u64(&r) == UINT64_MAX - 1);
	assert_true(str_eq(reader_sized(&r), STR("text")));
	assert_false(r.failed);
	assert_int_equal(reader_u8(&r), 0);
	assert_true(r.failed);
	buf_clear(&b);
}

static void json_text_is_escaped_and_always_utf8(void **state UNUSED)
{
	struct buf b = { 0 };

	buf_json(&b, STR("a\"\\\n\x01\xc3\xa4\xff"));
	assert_string_equal(b.ptr, "\"a\\\"\\\\\\n\\u0001\xc3\xa4\xef\xbf\xbd\"");
	buf_clear(&b);
}

static void a_map_keeps_the_first_value_and_the_order(void **state UNUSED)
{
	struct map m = { 0 };
	struct arena a = { 0 };
	static int values[1000];

	for (int i = 0; i < 1000; i++)
		assert_null(map_add(&m, arena_format(&a, "key %d", i), &values[i]));
	assert_ptr_equal(map_add(&m, STR("key 7"), &values[8]), &values[7]);
	assert_ptr_equal(map_get(&m, STR("key 999")), &values[999]);
	assert_null(map_get(&m, STR("key 1000")));
	assert_true(str_eq(m.entries[500].key, STR("key 500")));
	map_clear(&m);
	arena_clear(&a);
}

static void versions_are_ordered_as_semver_org_says(void **state UNUSED)
{
	static const char *const sorted[] = { "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
					      "1.0.0-beta",  "1.0.0-beta.2",  "1.0.0-beta.11",
					      "1.0.0-rc.1",  "1.0.0",	      "1.2.0",
					      "1.10.0",	     "2.0.0" };

	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(sorted); j++) {
			struct semver a = { 0 }, b = { 0 };
			int order;

			assert_true(semver_parse(str_c(sorted[i]), &a) &&
				    semver_parse(str_c(sorted[j]), &b));
			order = semver_compare(a, b);
			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
		}
	}
}

static void what_servers_call_their_version_is_cut_to_three_numbers(void **state UNUSED)
{
	static const char *const cases[][2] = { { "14", "14.0.0" },
						{ "14.1", "14.1.0" },
						{ "14.1.2", "14.1.2" },
						{ "14.1.2.5", "14.1.2" },
						{ "15.0.0-alpha", "15.0.0" },
						{ "16.0.0.2-alpha", "16.0.0" },
						{ "11.13 (Ubuntu 11.13-2.heroku1+1)", "11.13.0" } };
	static const char *const bad[] = { "",		 "1",	    "1.2",     "1.2.3-",
					   "1.2.3-a..b", "1.2.3+b", "1.2.3.4", "v1.2.3" };
	struct semver v;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf b = { 0 };

		assert_true(semver_of_server(str_c(cases[i][0]), &v));
		semver_print(&b, v);
		assert_string_equal(b.ptr, cases[i][1]);
		buf_clear(&b);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(semver_parse(str_c(bad[i]), &v));
}

static void durations_and_sizes_are_exact_or_refused(void **state UNUSED)
{
	static const struct { const char *text; int64_t ms; const char *printed;
	} good[] = {
		{ "250ms", 250, "250ms" },  { "90s", 90000, "90s" }, { "1.5s", 1500, "1500ms" },
		{ "48h", 172800000, "2d" }, { "0s", 0, "0s" },	     { "1_000ms", 1000, "1s" },
	};
	static const char *const bad[] = {
		"5", "5x", "s", "0.0001s", "99999999999999999d", "1..5s"
	};
	int64_t got;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct buf b = { 0 };

		assert_true(duration_parse(str_c(good[i].text), &got));
		assert_true(got == good[i].ms);
		duration_print(&b, got);
		assert_string_equal(b.ptr, good[i].printed);
		buf_clear(&b);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(duration_parse(str_c(bad[i]), &got));
	assert_true(size_parse(STR("1.5GiB"), &got) && got == 1610612736);
	assert_true(size_parse(STR("100KB"), &got) && got == 100000);
	assert_false(size_parse(STR("100KX"), &got));
}

static void times_are_printed_and_read_back(void **state UNUSED)
{
	static const struct { int64_t us; const char *text; } cases[] = {
		{ 0, "1970-01-01T00:00:00.000000Z" }, { -1, "1969-12-31T23:59:59.999999Z" },
		{ INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z" },
		{ INT64_C(4294967296123456), "2106-02-07T06:28:16.123456Z" },
	};
	int64_t us;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf b = { 0 };

		timestamp_print(&b, cases[i].us);
		assert_string_equal(b.ptr, cases[i].text);
		assert_true(timestamp_parse(buf_view(&b), &us) && us == cases[i].us);
		buf_clear(&b);
	}
	assert_true(timestamp_parse(STR("2000-01-01 00:00:01.5"), &us) &&
		    us == INT64_C(946684801500000));
	assert_false(timestamp_parse(STR("2001-02-29T00:00:00Z"), &us));
	assert_false(timestamp_parse(STR("2001-02-28T24:00:00Z"), &us));
}

static void an_error_keeps_one_message_and_can_be_prefixed(void **state UNUSED)
{
	struct error err = { 0 }, other = { 0 };

	assert_int_equal(error_set(&err, OUTCOME_DAMAGED, "%s", "it broke"), OUTCOME_DAMAGED);
	error_prefix(&err, "state %d: ", 7);
	error_set(&err, OUTCOME_DAMAGED, "again: %s", err.message);
	assert_string_equal(err.message, "again: state 7: it broke");
	error_take(&other, &err);
	assert_null(err.message);
	error_clear(&other);
}

static void a_hash_survives_its_hexadecimal_form(void **state UNUSED)
{
	struct hash h = hash_of(STR("amig")), back;
	char hex[HASH_HEX_SIZE];

	hash_hex(h, hex);
	assert_true(hash_from_hex(str_c(hex), &back) && hash_eq(h, back));
	hex[3] = 'g';
	assert_false(hash_from_hex(str_c(hex), &back));
	assert_false(hash_from_hex(STR("12"), &back));
}

static void a_file_is_replaced_whole_or_not_at_all(void **state UNUSED)
{
	char path[] = "/tmp/amig-file-XXXXXX";
	struct stat is;
	struct buf b = { 0 };
	struct error err = { 0 };
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0640), 0);
	close(fd);
	assert_int_equal(os_write_file(path, STR("new"), &err), OUTCOME_OK);
	assert_int_equal(os_read_file(path, 0, &b, &err), OUTCOME_OK);
	assert_int_equal(stat(path, &is), 0);
	assert_int_equal(is.st_mode & 07777, 0640);
	assert_string_equal(b.ptr, "new");
	assert_int_equal(os_read_file(path, 2, &b, &err), OUTCOME_UNREACHABLE);
	assert_int_equal(os_write_file("/nonexistent/folder/file", STR("x"), &err),
			 OUTCOME_UNREACHABLE);
	error_clear(&err);
	buf_clear(&b);
	unlink(path);
}

static void the_start_of_a_file_can_be_read_alone(void **state UNUSED)
{
	char path[] = "/tmp/amig-file-XXXXXX";
	struct buf b = { 0 };
	struct error err = { 0 };
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(os_write_file(path, STR("a file"), &err), OUTCOME_OK);
	for (size_t most = 0; most < 9; most++) {
		assert_int_equal(os_read_start(path, most, &b, &err), OUTCOME_OK);
		assert_int_equal(b.len, most < 6 ? most : 6);
		assert_memory_equal(buf_view(&b).ptr, "a file", b.len);
	}
	/* It has no end. */
	assert_int_equal(os_read_start("/dev/zero", 200000, &b, &err), OUTCOME_OK);
	assert_int_equal(b.len, 200000);
	assert_int_equal(os_read_start("/nonexistent", 9, &b, &err), OUTCOME_UNREACHABLE);
	error_clear(&err);
	buf_clear(&b);
	unlink(path);
}

static void count_up(void *context, size_t piece)
{
	unsigned *done = context;

	done[piece]++;
}

static void every_piece_of_work_is_done_once(void **state UNUSED)
{
	static const unsigned jobs[] = { 0, 1, 2, 7, 1000 };

	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		unsigned done[500] = { 0 };

		parallel_for(jobs[i], 499, count_up, done);
		for (size_t piece = 0; piece < 499; piece++)
			assert_int_equal(done[piece], 1);
		assert_int_equal(done[499], 0);
		parallel_for(jobs[i], 0, count_up, NULL);
	}
	assert_true(parallel_processors() >= 1);
}

static void an_arena_takes_what_another_one_holds(void **state UNUSED)
{
	struct arena a = { 0 }, b = { 0 }, none = { 0 };
	char *one = arena_c(&a, STR("one")), *two = arena_c(&b, STR("two"));

	arena_alloc(&b, 100000);
	arena_absorb(&a, &none);
	arena_absorb(&a, &b);
	assert_null(b.chunk);
	assert_string_equal(one, "one");
	assert_string_equal(two, "two");
	arena_absorb(&none, &a);
	assert_string_equal(two, "two");
	for (int i = 0; i < 100; i++)
		arena_alloc(&none, 10000);
	arena_reset(&none);
	assert_int_equal(none.total_bytes, 0);
	assert_string_equal(arena_c(&none, STR("three")), "three");
	arena_clear(&none);
	arena_reset(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_decimal_is_read_over_the_whole_int64_range),
		cmocka_unit_test(utf8_is_recognised_without_overlong_forms_and_surrogates),
		cmocka_unit_test(a_buffer_past_its_cap_fails_and_keeps_what_it_had),
		cmocka_unit_test(what_is_written_is_read_back_and_nothing_beyond_the_end),
		cmocka_unit_test(json_text_is_escaped_and_always_utf8),
		cmocka_unit_test(a_map_keeps_the_first_value_and_the_order),
		cmocka_unit_test(versions_are_ordered_as_semver_org_says),
		cmocka_unit_test(what_servers_call_their_version_is_cut_to_three_numbers),
		cmocka_unit_test(durations_and_sizes_are_exact_or_refused),
		cmocka_unit_test(times_are_printed_and_read_back),
		cmocka_unit_test(an_error_keeps_one_message_and_can_be_prefixed),
		cmocka_unit_test(a_hash_survives_its_hexadecimal_form),
		cmocka_unit_test(a_file_is_replaced_whole_or_not_at_all),
		cmocka_unit_test(the_start_of_a_file_can_be_read_alone),
		cmocka_unit_test(every_piece_of_work_is_done_once),
		cmocka_unit_test(an_arena_takes_what_another_one_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
