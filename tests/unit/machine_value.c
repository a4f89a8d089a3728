/* machine_value.c - values as bytes, as JSON, as parameters, compared and copied */
#include "vm/machine/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static struct types types;

static uint32_t type_of(const char *name)
{
	uint32_t type;
	size_t len = strlen(name);
	if (name[0] == '[')
		return types_list(&types, type_of((char[2]){ name[1] }));
	if (name[len - 1] == '?' && strcmp(name, "int?") == 0)
		return types_optional(&types, TYPE_INT);
	if (strcmp(name, "string?") == 0)
		return types_optional(&types, TYPE_STRING);
	if (strcmp(name, "i") == 0)
		return TYPE_INT;
	if (strcmp(name, "record") == 0) {
		struct type_field fields[] = { { STR("a"), TYPE_INT },
					       { STR("b"), types_optional(&types, TYPE_STRING) } };
		return types_record(&types, fields, 2);
	}
	assert_true(types_scalar(str_c(name), &type));
	return type;
}

static void parses_what_an_operator_writes(void **state)
{
	static const struct { const char *text, *type, *json;
	} cases[] = {
		{ "5", "int", "5" },
		{ " 5 ", "int", "5" },
		{ "1.5GiB", "int", "1610612736" },
		{ "1.5", "int", "! expected int, found \"1.5\"" },
		{ "9223372036854775808", "int", "! expected int, found \"9223372036854775808\"" },
		{ "2", "float", "2.0" },
		{ "2.5", "float", "2.5" },
		{ "two", "float", "! expected float as JSON: invalid token near 'two'" },
		{ "true", "bool", "true" },
		{ "1", "bool", "! expected bool, found a whole number" },
		{ "Berlin", "string", "\"Berlin\"" },
		{ "\"Berlin\"", "string", "\"Berlin\"" },
		{ "123", "string", "\"123\"" },
		{ "5m", "duration", "\"5m\"" },
		{ "\"5m\"", "duration", "\"5m\"" },
		{ "5 apples", "duration", "! expected duration, found \"5 apples\"" },
		{ "1.2.3", "version", "\"1.2.3\"" },
		{ "1.2", "version", "! expected version, found \"1.2\"" },
		{ "2026-11-22T08:00:00Z", "timestamp", "\"2026-11-22T08:00:00.000000Z\"" },
		{ "null", "int?", "null" },
		{ "7", "int?", "7" },
		{ "null", "int", "! expected int, found \"null\"" },
		{ "x", "string?", "\"x\"" },
		{ "[1, 2]", "[i]", "[1, 2]" },
		{ "[1, null]", "[i]", "! expected int, found null (element 1)" },
		{ "[1, 2", "[i]", "! expected [int] as JSON: ']' expected near end of file" },
		{ "{\"b\": \"x\", \"a\": 1}", "record", "{\"a\": 1, \"b\": \"x\"}" },
		{ "{\"a\": 1}", "record", "{\"a\": 1, \"b\": null}" },
		{ "{\"b\": \"x\"}", "record",
		  "! expected {a: int, b: string?}, found a record without it (field a)" },
		{ "{\"a\": 1, \"c\": 2}", "record",
		  "! expected {a: int, b: string?}, found a record with other fields" },
		{ "db", "ident", "\"db\"" },
		{ "[\"db\", \"t\"]", "ident", "\"db.t\"" },
		{ "{\"x\": [1.5, true]}", "any", "{\"x\": [1.5, true]}" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct heap h = { 0 };
		struct value v;
		struct buf out = { 0 }, why = { 0 };
		uint32_t type = type_of(cases[i].type);
		if (value_parse(str_c(cases[i].text), &types, type, &h, &v, &why)) {
			assert_true(value_is(v, &types, type));
			value_json(v, &types, type, &out);
		} else {
			buf_format(&out, "! %s", buf_view(&why).ptr);
		}
		if (!str_eq(buf_view(&out), str_c(cases[i].json)))
			fail_msg("%s as %s: %s", cases[i].text, cases[i].type, buf_view(&out).ptr);
		buf_clear(&out);
		buf_clear(&why);
		heap_clear(&h);
	}
}

static const struct str names[] = { { "a", 1 }, { "b", 1 } };

static struct value sample(struct heap *h)
{
	struct value pair[] = { value_int(INT64_MIN), value_string(h, STR("x\0y")) };
	struct value text = value_string(h, STR("SELECT "));
	struct value parts[] = {
		value_null(),
		value_bool(true),
		value_int(-1),
		value_int(INT64_MAX),
		value_float(-0.5),
		value_string(h, STR("")),
		value_bytes(h, STR("\xff\x00")),
		value_duration(-5),
		value_timestamp(7),
		value_version(h, STR("1.2.3")),
		value_ident(h, &text, 1),
		value_sql(h, (struct value[]){ text, value_int(4), text }, 3),
		value_record(h, names, pair, 2),
		value_record(h, names, pair, 2),
		value_record(h, NULL, pair, 2),
		value_record(h, NULL, NULL, 0),
		value_list(h, NULL, 0),
		value_connection(3),
	};
	return value_list(h, parts, ARRAY_SIZE(parts));
}

static void comes_back_from_bytes(void **state)
{
	(void)state;
	struct heap h = { 0 }, other = { 0 };
	struct buf bytes = { 0 }, again = { 0 };
	struct value v = sample(&h), back;
	value_encode(v, &bytes);
	struct reader r = reader_of(buf_view(&bytes));
	assert_true(value_decode(&r, &other, &back));
	assert_int_equal(reader_left(&r), 0);
	assert_true(value_equal(v, back));
	value_encode(back, &again);
	assert_true(str_eq(buf_view(&bytes), buf_view(&again)));
	assert_string_equal(back.list->store->at[13].record->names[1].ptr, "b");
	for (size_t len = 0; len < bytes.len; len++) {
		r = reader_of((struct str){ bytes.ptr, len });
		assert_false(value_decode(&r, &other, &back));
	}
	buf_clear(&bytes);
	buf_clear(&again);
	heap_clear(&h);
	heap_clear(&other);
}

static void refuses_bytes_that_are_no_value(void **state)
{
	static const struct { const char *what; struct str bytes; } cases[] = {
		{ "an unknown kind", { "\x63", 1 } },
		{ "a bool of 2", { "\x01\x02", 2 } },
		{ "an ident of an int", { "\x09\x01\x02\x02", 4 } },
		{ "an ident of nothing", { "\x09\x00", 2 } },
		{ "SQL that ends with a hole", { "\x0a\x02\x04\x00\x00", 5 } },
		{ "SQL whose text is an int", { "\x0a\x01\x02\x02", 4 } },
		{ "a list longer than its bytes", { "\x0b\xff\xff\xff\xff\x0f", 6 } },
		{ "names as before, and none before", { "\x0c\x01\x02\x00", 4 } },
	};
	(void)state;
	struct heap h = { 0 };
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reader r = reader_of(cases[i].bytes);
		struct value v;
		if (value_decode(&r, &h, &v))
			fail_msg("%s was let through", cases[i].what);
	}
	heap_clear(&h);
}

/* VALUE_DEPTH_MAX lists within each other are a value, one more is not. */
static void bounds_the_depth(void **state)
{
	(void)state;
	for (int more = 0; more < 2; more++) {
		struct heap h = { 0 };
		struct buf bytes = { 0 };
		struct value v;
		for (int i = 0; i < VALUE_DEPTH_MAX + more; i++)
			buf_add(&bytes, "\x0b\x01", 2);
		buf_byte(&bytes, 0);
		struct reader r = reader_of(buf_view(&bytes));
		assert_int_equal(value_decode(&r, &h, &v), !more);
		if (!more)
			assert_int_equal(value_depth(v), VALUE_DEPTH_MAX);
		buf_clear(&bytes);
		heap_clear(&h);
	}
}

static void a_copy_needs_nothing_of_the_old_heap(void **state)
{
	(void)state;
	struct heap h = { 0 }, other = { 0 }, third = { 0 };
	struct value copy = value_copy(&other, sample(&h));
	heap_clear(&h);
	assert_true(value_equal(copy, sample(&third)));
	heap_clear(&other);
	heap_clear(&third);
}

static void shared_parts_stay_shared_in_a_copy(void **state)
{
	(void)state;
	struct heap h = { 0 }, other = { 0 };
	struct value v = value_string(&h, STR("x"));
	for (int i = 0; i < 60; i++)
		v = value_list(&h, (struct value[]){ v, v }, 2);
	v = value_copy(&other, v);
	assert_ptr_equal(v.list->store->at[0].list, v.list->store->at[1].list);
	assert_true(value_bytes_held(v) > VALUE_BYTES_MAX);
	heap_clear(&h);
	heap_clear(&other);
}

static void floats_show_what_they_are(void **state)
{
	static const struct { double real; const char *text;
	} cases[] = {
		{ 0.1, "0.1" },	  { 1e300, "1e+300" },
		{ 100, "100.0" }, { 1.0 / 3, "0.3333333333333333" },
		{ -0.0, "-0.0" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf out = { 0 };
		value_print(value_float(cases[i].real), &out);
		assert_string_equal(buf_view(&out).ptr, cases[i].text);
		buf_clear(&out);
	}
}

static void a_record_is_of_a_type_only_in_its_order(void **state)
{
	(void)state;
	struct heap h = { 0 };
	static const struct str turned[] = { { "b", 1 }, { "a", 1 } };
	struct value at[] = { value_int(1), value_null() }, back[] = { value_null(), value_int(1) };
	uint32_t type = type_of("record");
	assert_true(value_is(value_record(&h, names, at, 2), &types, type));
	assert_true(value_is(value_record(&h, NULL, at, 2), &types, type));
	assert_false(value_is(value_record(&h, turned, back, 2), &types, type));
	assert_false(value_is(value_record(&h, names, back, 2), &types, type));
	assert_false(value_is(value_record(&h, names, at, 1), &types, type));
	heap_clear(&h);
}

static int make_types(void **state)
{
	(void)state;
	types_init(&types);
	return 0;
}

static int drop_types(void **state)
{
	(void)state;
	types_clear(&types);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_what_an_operator_writes),
		cmocka_unit_test(comes_back_from_bytes),
		cmocka_unit_test(refuses_bytes_that_are_no_value),
		cmocka_unit_test(bounds_the_depth),
		cmocka_unit_test(a_copy_needs_nothing_of_the_old_heap),
		cmocka_unit_test(shared_parts_stay_shared_in_a_copy),
		cmocka_unit_test(floats_show_what_they_are),
		cmocka_unit_test(a_record_is_of_a_type_only_in_its_order),
	};
	return cmocka_run_group_tests(tests, make_types, drop_types);
}
