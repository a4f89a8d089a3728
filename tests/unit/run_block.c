/* run_block.c - operations at once: which of a plan, where the index is, in which order they are
 * undone */
#include "vm/run/block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define PLAN_MAX 16

/* blocks: a letter for each operation, '.' stands alone. */
static struct run run_of(struct operation_row *plan, const char *blocks)
{
	struct run r = { .plan = plan };

	memset(plan, 0, PLAN_MAX * sizeof(*plan));
	for (; blocks[r.count]; r.count++) {
		plan[r.count].index = r.count;
		plan[r.count].block = blocks[r.count] == '.' ? 0 : blocks[r.count] - 'a' + 1;
	}
	return r;
}

static void done(struct run *r, int64_t index)
{
	r->plan[index].status = OPERATION_STATUS_DONE;
	block_step(r, index);
}

static void the_index_is_the_lowest_that_has_not_come_to_its_end(void **state UNUSED)
{
	struct operation_row plan[PLAN_MAX];
	struct run r = run_of(plan, ".aaa.bb");
	static const int64_t steps[][2] = { { 0, 1 }, { 3, 1 }, { 1, 2 }, { 2, 4 },
					    { 4, 5 }, { 6, 5 }, { 5, 7 } };

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		done(&r, steps[i][0]);
		assert_int_equal(r.index, steps[i][1]);
	}
	assert_int_equal(plan[3].completion, 1);
	assert_int_equal(plan[2].completion, 3);
	assert_int_equal(plan[6].completion, 4);
	assert_int_equal(plan[4].completion, 0);
	assert_false(block_is_at(&r));
}

static void an_end_that_was_not_recorded_is_taken_back(void **state UNUSED)
{
	struct operation_row plan[PLAN_MAX];
	struct run r = run_of(plan, "aaa");

	done(&r, 1);
	done(&r, 0);
	block_step_back(&r, 0);
	assert_int_equal(plan[0].completion, 0);
	assert_int_equal(r.completions, 1);
	block_step_back(&r, 2);
	assert_int_equal(r.completions, 1);
}

static void undone(struct run *r, const char *expected)
{
	char got[PLAN_MAX + 1] = "";
	size_t n = 0;

	for (int64_t i = block_undo_first(r); i >= 0; i = block_undo_next(r, i)) {
		r->plan[i].status = OPERATION_STATUS_ROLLED_BACK;
		got[n++] = (char)('0' + i);
	}
	assert_string_equal(got, expected);
}

static void what_is_half_done_is_undone_first_and_then_what_ended_last(void **state UNUSED)
{
	struct operation_row plan[PLAN_MAX];
	struct run r = run_of(plan, ".aaaaa.");

	done(&r, 0);
	done(&r, 4);
	done(&r, 2);
	plan[1].status = OPERATION_STATUS_RUNNING;
	plan[3].status = OPERATION_STATUS_FAILED;
	undone(&r, "31240");
}

static void what_has_not_begun_is_left_alone(void **state UNUSED)
{
	struct operation_row plan[PLAN_MAX];
	struct run r = run_of(plan, ".aabb");

	done(&r, 0);
	undone(&r, "0");
	r = run_of(plan, "aabb");
	undone(&r, "");
	for (int64_t i = 0; i < 4; i++)
		done(&r, i);
	undone(&r, "3210");
	r = run_of(plan, "...");
	r.index = 1;
	undone(&r, "10");
}

/* One that alone has a lock goes by itself, and a block of one is none. */
static void blocks_are_cut_where_one_goes_alone(void **state UNUSED)
{
	struct instruction lock = { .op = OP_LOCK }, other = { .op = OP_EXEC };
	struct function functions[] = { { .code = &other, .code_count = 1 },
					{ .code = &lock, .code_count = 1 } };
	struct operation operations[] = { { .forward = 0, .rollback = NO_INDEX },
					  { .forward = 1, .rollback = NO_INDEX } };
	struct module m = { .functions = functions, .operations = operations };
	struct operation_row plan[PLAN_MAX] = { 0 };
	static const uint32_t which[] = { 0, 0, 1, 0, 1, 0, 0 };
	static const int64_t blocks[] = { 1, 1, 0, 0, 0, 2, 2 };
	struct block_plan p = { .wanted = 3 };

	for (size_t i = 0; i < ARRAY_SIZE(which); i++) {
		plan[i].operation = which[i];
		block_plan_add(&p, &m, &plan[i], false, true);
	}
	block_plan_end(plan, ARRAY_SIZE(which));
	for (size_t i = 0; i < ARRAY_SIZE(which); i++) {
		assert_int_equal(plan[i].block, blocks[i]);
		assert_int_equal(plan[i].at_once, blocks[i] ? 3 : 0);
	}
}

/* Two operations for three hosts each. */
static void hosts_are_a_block_for_each_operation(void **state UNUSED)
{
	struct instruction other = { .op = OP_EXEC };
	struct function functions[] = { { .code = &other, .code_count = 1 } };
	struct operation operations[] = { { .forward = 0, .rollback = NO_INDEX } };
	struct module m = { .functions = functions, .operations = operations };
	struct operation_row plan[PLAN_MAX] = { 0 };
	struct block_plan p = { 0 };

	for (size_t i = 0; i < 6; i++)
		block_plan_add(&p, &m, &plan[i], true, i % 3 == 0);
	block_plan_add(&p, &m, &plan[6], false, true);
	block_plan_end(plan, 7);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(plan[i].block, i < 6 ? i / 3 + 1 : 0);
	assert_int_equal(plan[0].at_once, AT_ONCE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_index_is_the_lowest_that_has_not_come_to_its_end),
		cmocka_unit_test(an_end_that_was_not_recorded_is_taken_back),
		cmocka_unit_test(what_is_half_done_is_undone_first_and_then_what_ended_last),
		cmocka_unit_test(what_has_not_begun_is_left_alone),
		cmocka_unit_test(blocks_are_cut_where_one_goes_alone),
		cmocka_unit_test(hosts_are_a_block_for_each_operation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
