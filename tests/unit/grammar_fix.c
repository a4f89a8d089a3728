/* grammar_fix.c - fixes as they are collected and made in a text */
#include "grammar/diag.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct sources sources;
static struct diags diags;

static int begin(void **state)
{
	(void)state;
	sources_add(&sources, STR("a.amig"), STR("0123456789"));
	sources_add(&sources, STR("b.amig"), STR("abc"));
	return 0;
}

static int end(void **state)
{
	(void)state;
	diags_clear(&diags);
	sources_clear(&sources);
	return 0;
}

static struct span at(uint32_t start, uint32_t stop)
{
	return (struct span){ 0, start, stop };
}

static void expect(const char *text, size_t made)
{
	struct buf out = { 0 };

	assert_int_equal(diags_fix(&diags, &sources, 0, &out), made);
	assert_string_equal(out.ptr, text);
	buf_clear(&out);
}

static void edits_are_made_together_in_the_order_of_places(void **state)
{
	size_t number = diag_add(&diags, at(3, 4), DIAG_SEMICOLON);

	(void)state;
	diag_fix(&diags, number, at(8, 9), "%s", "");
	diag_fix(&diags, number, at(2, 4), "<%d>", 23);
	diag_fix(&diags, number, at(10, 10), "!");
	assert_int_equal(diags.all.at[number].fix.at[0].span.start, 2);
	expect("01<23>45679!", 1);
}

static void an_edit_that_overlaps_another_of_its_fix_is_dropped(void **state)
{
	size_t number = diag_add(&diags, at(3, 4), DIAG_SEMICOLON);

	(void)state;
	diag_fix(&diags, number, at(2, 5), "x");
	diag_fix(&diags, number, at(2, 5), "x");
	diag_fix(&diags, number, at(4, 6), "y");
	diag_fix(&diags, number, at(1, 3), "z");
	assert_int_equal(diags.all.at[number].fix.count, 1);
	expect("01x56789", 1);
}

static void of_two_fixes_that_touch_the_same_text_the_first_is_made_whole(void **state)
{
	size_t first = diag_add(&diags, at(1, 2), DIAG_SEMICOLON),
	       second = diag_add(&diags, at(4, 5), DIAG_SEMICOLON),
	       third = diag_add(&diags, at(8, 9), DIAG_SEMICOLON);

	(void)state;
	diag_fix(&diags, first, at(1, 5), "x");
	diag_fix(&diags, second, at(4, 6), "y");
	diag_fix(&diags, second, at(7, 8), "y");
	diag_fix(&diags, third, at(7, 9), "z");
	expect("0x56z9", 2);
}

static void two_that_are_put_in_at_one_place_are_not_both_made(void **state)
{
	size_t first = diag_add(&diags, at(1, 2), DIAG_SEMICOLON),
	       second = diag_add(&diags, at(1, 2), DIAG_STRAY, "x");

	(void)state;
	diag_fix(&diags, first, at(1, 1), "a");
	diag_fix(&diags, second, at(1, 1), "b");
	expect("0a123456789", 1);
}

static void fixes_of_other_sources_are_left_alone(void **state)
{
	size_t number = diag_add(&diags, (struct span){ 1, 0, 1 }, DIAG_SEMICOLON);

	(void)state;
	diag_fix(&diags, number, (struct span){ 1, 0, 1 }, "x");
	expect("0123456789", 0);
}

static void what_is_left_out_has_no_fix_and_no_help(void **state)
{
	size_t number;

	(void)state;
	diags.limit = 1;
	diag_add(&diags, at(1, 2), DIAG_SEMICOLON);
	number = diag_add(&diags, at(3, 4), DIAG_SEMICOLON);
	diag_fix(&diags, number, at(3, 4), "x");
	diag_help(&diags, number, "x");
	diag_note(&diags, number, at(3, 4), "x");
	assert_int_equal(diags.all.at[number].code, DIAG_TOO_MANY);
	assert_int_equal(diags.all.at[number].notes.count, 0);
	assert_false(str_eq(diags.all.at[number].help, STR("x")));
	expect("0123456789", 0);
}

static void only_one_near_name_without_another_number_is_certain(void **state)
{
	static const struct str names[] = { { "events", 6 }, { "event_1", 7 }, { "abd", 3 },
		{ "column_a", 8 }, { "column_b", 8 } };

	(void)state;
	assert_true(diag_nearest(STR("evnets"), names, 5).is_only);
	assert_false(diag_nearest(STR("event_2"), names, 5).is_only);
	assert_true(str_eq(diag_nearest(STR("event_2"), names, 5).name, STR("event_1")));
	assert_false(diag_nearest(STR("abc"), names, 5).is_only);
	assert_true(str_eq(diag_nearest(STR("abc"), names, 5).name, STR("abd")));
	assert_false(diag_nearest(STR("column_c"), names, 5).is_only);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(edits_are_made_together_in_the_order_of_places),
		TEST(an_edit_that_overlaps_another_of_its_fix_is_dropped),
		TEST(of_two_fixes_that_touch_the_same_text_the_first_is_made_whole),
		TEST(two_that_are_put_in_at_one_place_are_not_both_made),
		TEST(fixes_of_other_sources_are_left_alone),
		TEST(what_is_left_out_has_no_fix_and_no_help),
		TEST(only_one_near_name_without_another_number_is_certain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
