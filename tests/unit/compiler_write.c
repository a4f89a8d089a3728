/* compiler_write.c - what is said of a file decides whether the record holds it; what is said of
 * several units can be put together; the bytes do not depend on the order of files */
#include "compiler/write.h"
#include "tests/support/bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define STEP(name, use) \
	use "migration \"" name "\" {\n  needs db: sqlite\n  operation \"o\" on db {\n" \
	    "    forward sql\"SELECT 1\"\n    rollback nothing\n  }\n}\n"

static struct str read_module(void *context, struct str name, struct str *path)
{
	(void)context;
	*path = name;
	if (str_eq(name, STR("upper")))
		return STR("use lower\nfn up() -> int { return lower.low() }\n");
	if (str_eq(name, STR("lower")))
		return STR("fn low() -> int { return 1 }\n");
	return (struct str){ NULL, 0 };
}

/* Three migrations and a file of words; the first one uses both libraries, the second the lower. */
static void check(struct unit *u)
{
	unit_init(u);
	u->read_module = read_module;
	unit_add_text(u, STR("in/c.amig"), STR(STEP("c", "use upper\n")));
	unit_add_text(u, STR("in/a.amig"), STR(STEP("a", "use lower\n")));
	unit_add_text(u, STR("in/b.amig"), STR(STEP("b", "")));
	unit_add_text(u, STR("in/words.amig"), STR("const x = 1\n"));
	unit_check(u);
	assert_int_equal(u->diags.error_count, 0);
}

/* Says something of a source that is no error. */
static void warn(struct unit *u, uint32_t source)
{
	diag_add(&u->diags, (struct span){ source, 0, 3 }, DIAG_STRAY, "x");
	u->diags.error_count = 0;
	u->diags.warning_count = 1;
}

static void write_all(struct unit *u, struct written *out)
{
	struct str shown[6];

	for (size_t i = 0; i < u->sources.all.count; i++)
		shown[i] = u->sources.all.at[i].path;
	write_images(u, shown, out);
}

static void files_are_written_with_what_they_use(void **state)
{
	struct unit u;
	struct written w;

	(void)state;
	check(&u);
	write_all(&u, &w);
	assert_int_equal(w.file_count, 4);
	assert_int_equal(w.library_count, 2);
	assert_int_equal(w.files[0].use_count, 2);
	assert_int_equal(w.files[1].use_count, 1);
	assert_true(str_eq(w.libraries[w.files[1].uses[0]].name, STR("lower")));
	assert_int_equal(w.files[2].use_count, 0);
	assert_true(str_eq(w.files[2].head->name, STR("b")));
	assert_null(w.files[3].head);
	for (size_t i = 0; i < 4; i++)
		assert_true(w.files[i].is_silent);
	written_clear(&w);
	unit_clear(&u);
}

static void what_is_spoken_of_is_not_silent(void **state)
{
	static const struct {
		uint32_t source;
		bool silent[4];
	} cases[] = {
		{ 1, { true, false, true, true } },
		{ 3, { true, true, true, false } },
		{ 4, { false, true, true, true } },	/* upper */
		{ 5, { false, false, true, true } },	/* lower */
	};

	(void)state;
	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct unit u;
		struct written w;
		struct bundle_parts parts;
		struct buf bytes = {0};
		struct bundle b;
		struct record r;
		struct error err = {0};

		check(&u);
		warn(&u, cases[n].source);
		write_all(&u, &w);
		write_bundle(w.files, w.file_count, &parts);
		bundle_join(&parts, &bytes);
		assert_int_equal(bundle_open(&b, buf_view(&bytes), &err), OUTCOME_OK);
		assert_int_equal(b.count, 3);
		assert_true(record_read(&r, &b));
		for (size_t i = 0; i < 4; i++) {
			assert_int_equal(w.files[i].is_silent, cases[n].silent[i]);
			assert_int_equal(map_has(&r.by_shown, w.files[i].shown),
					 cases[n].silent[i]);
		}
		record_clear(&r);
		bundle_clear(&b);
		buf_clear(&bytes);
		written_clear(&w);
		unit_clear(&u);
	}
}

static void the_order_of_files_makes_no_difference(void **state)
{
	struct unit u;
	struct written w;
	struct written_file turned[4];
	struct bundle_parts parts;
	struct buf one = {0}, other = {0};

	(void)state;
	check(&u);
	write_all(&u, &w);
	for (size_t i = 0; i < 4; i++)
		turned[i] = w.files[3 - i];
	write_bundle(w.files, 4, &parts);
	bundle_join(&parts, &one);
	write_bundle(turned, 4, &parts);
	bundle_join(&parts, &other);
	assert_true(str_eq(buf_view(&one), buf_view(&other)));
	buf_clear(&one);
	buf_clear(&other);
	written_clear(&w);
	unit_clear(&u);
}

static void what_is_said_of_several_units_is_put_together(void **state)
{
	static const uint32_t first[] = { 0, 2 }, second[] = { 1 };
	struct diags all = {0}, a = {0}, b = {0};

	(void)state;
	diag_note(&a, diag_add(&a, (struct span){ 1, 5, 6 }, DIAG_STRAY, "late"),
		  (struct span){ 0, 1, 2 }, "a note");
	diag_add(&b, (struct span){ 0, 3, 4 }, DIAG_STRAY, "middle");
	diag_add(&a, (struct span){ 0, 7, 8 }, DIAG_STRAY, "early");
	diags_take(&all, &a, first);
	diags_take(&all, &b, second);
	diags_sort(&all);
	assert_int_equal(a.all.count, 0);
	assert_int_equal(all.error_count, 3);
	assert_int_equal(all.all.count, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(all.all.at[i].span.source, i);
	assert_int_equal(all.all.at[1].span.start, 3);
	assert_int_equal(all.all.at[2].notes.at[0].span.source, 0);
	/* Sorted, each is found again. */
	assert_int_equal(diag_add(&all, (struct span){ 2, 5, 6 }, DIAG_STRAY, "again"), 2);
	diags_clear(&a);
	diags_clear(&b);
	diags_clear(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_written_with_what_they_use),
		cmocka_unit_test(what_is_spoken_of_is_not_silent),
		cmocka_unit_test(the_order_of_files_makes_no_difference),
		cmocka_unit_test(what_is_said_of_several_units_is_put_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
