/* run_arithmetic.c - retries, progress, version ranges, the gate's words, where a connection is */
#include "vm/run/instance.h"
#include "vm/run/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void only_what_surely_did_not_happen_is_tried_again(void **state UNUSED)
{
	struct retry r = retry_default();
	struct error transient = { .class = ERROR_TRANSIENT },
		     permanent = { .class = ERROR_PERMANENT };
	struct error unknown = { .class = ERROR_UNKNOWN };

	assert_true(retry_wanted(&r, 1, &transient));
	assert_true(retry_wanted(&r, 3, &transient));
	assert_false(retry_wanted(&r, 4, &transient));
	assert_false(retry_wanted(&r, 1, &permanent));
	assert_false(retry_wanted(&r, 1, &unknown));
	r.times = 0;
	assert_false(retry_wanted(&r, 1, &transient));
}

static void waits_double_up_to_the_maximum_with_the_upper_half_at_random(void **state UNUSED)
{
	struct retry r = { 10, 1000, 5000 };
	static const struct {
		int64_t attempt, least, most;
	} cases[] = {
		{ 1, 500, 1000 },  { 2, 1000, 2000 },  { 3, 2000, 4000 },
		{ 4, 2500, 5000 }, { 60, 2500, 5000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(retry_wait_ms(&r, cases[i].attempt, 0), cases[i].least);
		assert_in_range(retry_wait_ms(&r, cases[i].attempt, UINT32_MAX), cases[i].most - 2,
				cases[i].most);
	}
	assert_int_equal(retry_wait_ms(&(struct retry){ 1, 0, 0 }, 1, UINT32_MAX), 0);
}

static void progress_is_the_share_of_operations_rounded_down(void **state UNUSED)
{
	int64_t before[8];
	static const int64_t ones[] = { 1, 1, 1, 1, 1, 1, 1 };
	struct progress p;

	progress_init(&p, before, ones, 7);
	for (int64_t i = 0; i <= 7; i++)
		assert_int_equal(progress_percent(&p, i, 0), 100 * i / 7);
	assert_int_equal(progress_percent(&p, 6, 1), 99);
	assert_int_equal(progress_percent(&p, 0, 0.5), 7);
	assert_int_equal(progress_percent(&p, -1, 0), 0);
	assert_int_equal(progress_percent(&p, 0, -3), 0);
}

static void heavier_operations_count_for_more(void **state UNUSED)
{
	int64_t before[4];
	static const int64_t weights[] = { 1, 8, 1 };
	struct progress p;

	progress_init(&p, before, weights, 3);
	assert_int_equal(progress_percent(&p, 1, 0), 10);
	assert_int_equal(progress_percent(&p, 1, 0.5), 50);
	assert_int_equal(progress_percent(&p, 2, 0), 90);
	progress_init(&p, before, weights, 0);
	assert_int_equal(progress_percent(&p, 0, 0), 100);
}

static void a_range_holds_what_all_its_comparators_admit(void **state UNUSED)
{
	static const struct {
		const char *version, *range;
		bool in;
	} cases[] = {
		{ "12.1.2", "", true },
		{ "12.1.2", "== 14.0.0", false },
		{ "12.1.2", "== 12.1.2", true },
		{ "12.1.2", ">= 12.0.0, < 12.1.2", false },
		{ "12.1.2", ">= 12.0.0, <= 12.1.2", true },
		{ "12.1.2", ">= 11.0.0, <= 13.0.0", true },
		{ "18.16.1", ">= 21.6.0", false },
		{ "21.6.0", ">= 21.6.0", true },
		{ "21.6.0", "> 21.6.0", false },
		{ "21.6.0", "!= 21.6.0", false },
		{ "21.6.0", ">= nonsense", false },
		{ "21.6.0", "~ 21.6.0", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct semver v;

		assert_true(semver_parse(str_c(cases[i].version), &v));
		if (version_in_range(v, str_c(cases[i].range)) != cases[i].in)
			fail_msg("%s in %s", cases[i].version, cases[i].range);
	}
}

static void the_gate_lists_what_is_to_be_applied_and_says_how(void **state UNUSED)
{
	struct gate_entry entries[] = {
		{ STR("0123_migration_name_1"), STR("1.35.0"), STR("1.40.9"), STATUS_NOT_STARTED,
		  true },
		{ STR("0124_migration_name_2"), STR("1.37.0"), STR("1.40.9"), STATUS_ERRORED,
		  false },
	};
	struct gate g = { .entries = entries, .count = 2 };
	struct buf out = { 0 };

	gate_print(&g, "1.36.0", &out);
	assert_string_equal(out.ptr,
			    "List of async migrations to be applied:\n"
			    "- 0123_migration_name_1 - Available on versions 1.35.0 - 1.40.9\n"
			    "- 0124_migration_name_2 - Available on versions 1.37.0 - 1.40.9\n"
			    "Async migrations are not completed.\n"
			    "Run now, on version 1.36.0:\n"
			    "  amigrun run 0123_migration_name_1\n"
			    "Then go through these versions:\n"
			    "  1.37.0 - 1.40.9: amigrun run 0124_migration_name_2\n");
	buf_reset(&out);
	g.count = 0;
	gate_print(&g, "1.36.0", &out);
	assert_int_equal(out.len, 0);
	buf_clear(&out);
}

static void a_connection_of_another_name_has_its_own_variable_or_that_of_its_kind(
	void **state UNUSED)
{
	struct error err = { 0 };

	unsetenv("AMIG_SQLITE");
	unsetenv("AMIG_SHOP_URL");
	assert_null(instance_url(STR("shop"), STR("sqlite"), &err));
	assert_non_null(strstr(err.hint, "AMIG_SHOP_URL or AMIG_SQLITE"));
	error_clear(&err);
	setenv("AMIG_SQLITE", "a.db", 1);
	assert_string_equal(instance_url(STR("shop"), STR("sqlite"), &err), "a.db");
	setenv("AMIG_SHOP_URL", "b.db", 1);
	assert_string_equal(instance_url(STR("shop"), STR("sqlite"), &err), "b.db");
	assert_string_equal(instance_url(STR("sqlite"), STR("sqlite"), &err), "a.db");
}

static void a_migration_reads_only_the_variables_that_are_allowed(void **state UNUSED)
{
	struct instance i = { .allowed_env = "REGION, ZONE" };
	bool allowed;

	setenv("ZONE", "z", 1);
	assert_string_equal(instance_env(&i, STR("ZONE"), &allowed), "z");
	assert_true(allowed);
	assert_null(instance_env(&i, STR("ZON"), &allowed));
	assert_false(allowed);
	i.allowed_env = NULL;
	assert_null(instance_env(&i, STR("ZONE"), &allowed));
	assert_false(allowed);
}

static void an_owner_is_told_alive_from_dead_and_from_strangers(void **state UNUSED)
{
	char self[300], other[400];
	bool known;

	session_owner(self, sizeof(self));
	assert_false(session_owner_lives(str_c(self), &known));
	assert_true(known);
	snprintf(other, sizeof(other), "elsewhere.%s", self);
	assert_false(session_owner_lives(str_c(other), &known));
	assert_false(known);
	assert_false(session_owner_lives(STR("nonsense"), &known));
	assert_false(session_owner_lives(STR(""), &known));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_surely_did_not_happen_is_tried_again),
		cmocka_unit_test(waits_double_up_to_the_maximum_with_the_upper_half_at_random),
		cmocka_unit_test(progress_is_the_share_of_operations_rounded_down),
		cmocka_unit_test(heavier_operations_count_for_more),
		cmocka_unit_test(a_range_holds_what_all_its_comparators_admit),
		cmocka_unit_test(the_gate_lists_what_is_to_be_applied_and_says_how),
		cmocka_unit_test(
			a_connection_of_another_name_has_its_own_variable_or_that_of_its_kind),
		cmocka_unit_test(a_migration_reads_only_the_variables_that_are_allowed),
		cmocka_unit_test(an_owner_is_told_alive_from_dead_and_from_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
