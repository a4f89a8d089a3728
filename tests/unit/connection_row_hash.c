/* connection_row_hash.c - rows that hold the same have one hash, however they are written */
#include "tests/unit/connection_test.h"
#include "vm/connection/row_hash.h"

static struct row_sum sum_of(const struct connection_kind *kind, struct stream_type type,
			     bool is_read, const char *rows)
{
	const struct stream_column column = { .name = STR("a"), .type = type };
	struct row_hasher h = {
		.kind = kind, .columns = &column, .count = 1, .is_read = is_read
	};
	struct row_sum sum = { 0 };

	row_hash_add(&h, str_c(rows), &sum);
	row_hasher_clear(&h);
	return sum;
}

static struct stream_type int_element = { .family = FAMILY_INT, .bits = 32 };
static struct stream_type text_element = { .family = FAMILY_TEXT };

static const struct pair {
	const struct connection_kind *kind;
	struct stream_type type;
	const char *sent, *read;
	int read_scale;
	bool differ;
} pairs[] = {
	{ &postgres_kind, { .family = FAMILY_DECIMAL }, "1.5\n", "1.5000\n", 0, false },
	{ &postgres_kind, { .family = FAMILY_DECIMAL }, "-0.0\n", "0\n", 0, false },
	{ &postgres_kind, { .family = FAMILY_DECIMAL }, "100\n", "1\n", 0, true },
	{ &postgres_kind, { .family = FAMILY_FLOAT, .bits = 64 }, "0.10\n", "1e-1\n", 0, false },
	{ &postgres_kind, { .family = FAMILY_FLOAT, .bits = 64 }, "inf\n", "Infinity\n", 0, false },
	{ &postgres_kind, { .family = FAMILY_FLOAT, .bits = 64 }, "0.1\n",
	  "0.10000000000000002\n", 0, true },
	{ &postgres_kind, { .family = FAMILY_TEXT }, "a\\tb\n", "a\\tb\n", 0, false },
	{ &postgres_kind, { .family = FAMILY_TEXT }, "\\N\n", "\\\\N\n", 0, true },
	{ &postgres_kind, { .family = FAMILY_TEXT }, "\\N\n", "\n", 0, true },
	{ &postgres_kind, { .family = FAMILY_TEXT, .name = { "character(3)", 12 } }, "a\n",
	  "a  \n", 0, false },
	{ &postgres_kind, { .family = FAMILY_TEXT }, "a\n", "a  \n", 0, true },
	{ &postgres_kind, { .family = FAMILY_INSTANT }, "2026-11-22 08:00:00.50\n",
	  "2026-11-22 08:00:00.5+00\n", 0, false },
	{ &postgres_kind, { .family = FAMILY_ARRAY, .element = &int_element },
	  "{\"1\",NULL,{\"02\"}}\n", "{1,NULL,{2}}\n", 0, false },
	{ &postgres_kind, { .family = FAMILY_ARRAY, .element = &text_element },
	  "{\"NULL\",\"]\",\"a\\\\\"\"}\n", "{\"NULL\",],\"a\\\\\"\"}\n", 0, false },
	{ &postgres_kind, { .family = FAMILY_ARRAY, .element = &text_element }, "{\"NULL\"}\n",
	  "{NULL}\n", 0, true },
	{ &postgres_kind, { .family = FAMILY_ARRAY, .element = &text_element }, "{\"a,b\"}\n",
	  "{a,b}\n", 0, true },
	{ &clickhouse_kind, { .family = FAMILY_INSTANT }, "0000000001\n", "1\n", 0, false },
	{ &clickhouse_kind, { .family = FAMILY_INSTANT, .scale = 3 }, "0000000001.25\n",
	  "1250000\n", 6, false },
	{ &clickhouse_kind, { .family = FAMILY_INSTANT, .scale = 3 }, "0000000001.25\n",
	  "1250001\n", 6, true },
	{ &clickhouse_kind, { .family = FAMILY_BOOL }, "1\n", "true\n", 0, false },
	{ &clickhouse_kind, { .family = FAMILY_DATE }, "1970-01-01\n", "0000-00-00\n", 0, false },
	{ &clickhouse_kind, { .family = FAMILY_TEXT }, "it's\n", "it\\'s\n", 0, false },
	{ &clickhouse_kind, { .family = FAMILY_ARRAY, .element = &text_element },
	  "['a\\'b',NULL,'']\n", "['a\\'b',NULL,'']\n", 0, false },
	{ &sqlite_kind, { .family = FAMILY_FLOAT }, "i5\n", "r5\n", 0, false },
	{ &sqlite_kind, { .family = FAMILY_INT }, "t05\n", "i5\n", 0, false },
	{ &sqlite_kind, { .family = FAMILY_TEXT }, "r0.5\n", "t0.5\n", 0, false },
	{ &sqlite_kind, { .family = FAMILY_TEXT }, "t05\n", "t5\n", 0, true },
	{ &sqlite_kind, { .family = FAMILY_BYTES }, "ba\n", "ta\n", 0, true },
	{ &sqlite_kind, { .family = FAMILY_FLOAT }, "i9007199254740993\n",
	  "r9007199254740992\n", 0, true },
	{ &sqlite_kind, { .family = FAMILY_TEXT }, "t\n", "\\N\n", 0, true },
};

static void what_was_sent_and_what_is_read_are_told_by_their_values(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		const struct pair *p = &pairs[i];
		struct stream_type read = p->type;
		struct row_sum a, b;

		read.scale = p->read_scale;
		a = sum_of(p->kind, p->type, false, p->sent);
		b = sum_of(p->kind, read, true, p->read);
		if (row_sum_eq(a, b) == p->differ)
			fail_msg("%zu: %s and %s", i, p->sent, p->read);
	}
}

static void the_order_of_rows_says_nothing_and_their_number_does(void **state UNUSED)
{
	const struct stream_type text = { .family = FAMILY_TEXT };
	struct row_sum all = sum_of(&postgres_kind, text, false, "a\nb\nb\n");
	struct row_sum turned = sum_of(&postgres_kind, text, false, "b\na\nb\n");
	struct row_sum less = sum_of(&postgres_kind, text, false, "b\na\n");
	struct row_sum rest = row_sum_less(all, less);

	assert_true(row_sum_eq(all, turned));
	assert_false(row_sum_eq(all, less));
	assert_true(row_sum_eq(rest, sum_of(&postgres_kind, text, false, "b\n")));
	assert_int_equal(rest.rows, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_sent_and_what_is_read_are_told_by_their_values),
		cmocka_unit_test(the_order_of_rows_says_nothing_and_their_number_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
