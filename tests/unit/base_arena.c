/* base_arena.c - memory with one lifetime, and memory that is emptied over and over */
#include "vm/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define MIB ((size_t)1 << 20)

/* The new arena is as good as zeroed memory, though it is used again. */
static void recycled_memory_is_zeroed(void **state)
{
	struct arena from = { 0 }, to = { 0 };
	(void)state;
	for (int i = 0; i < 4; i++)
		memset(arena_alloc(&from, MIB), 'x', MIB);
	arena_recycle(&from, &to, 8 * MIB);
	assert_int_equal(from.total_bytes, 0);
	assert_null(from.chunk);
	assert_non_null(to.spare);
	const char *again = arena_alloc(&to, MIB);
	for (size_t i = 0; i < MIB; i++)
		assert_int_equal(again[i], 0);
	assert_int_equal(to.total_bytes, MIB);
	arena_clear(&to);
	assert_null(to.spare);
}

static size_t spare_count(const struct arena *a)
{
	struct arena all = *a;
	size_t count = 0;
	/* Each spare chunk has room for exactly one of these. */
	for (; all.spare; count++)
		arena_alloc(&all, MIB);
	all.spare = NULL;
	arena_clear(&all);
	return count;
}

static void no_more_is_kept_than_was_said(void **state)
{
	struct arena from = { 0 }, to = { 0 };
	(void)state;
	for (int i = 0; i < 10; i++)
		arena_alloc(&from, MIB);
	arena_recycle(&from, &to, 3 * MIB);
	for (int i = 0; i < 10; i++)
		arena_alloc(&from, MIB);
	arena_recycle(&from, &to, 5 * MIB);
	assert_int_equal(spare_count(&to), 5);
}

/* What would rarely fit again goes back at once. */
static void chunks_of_another_size_are_freed(void **state)
{
	struct arena from = { 0 }, to = { 0 };
	(void)state;
	arena_alloc(&from, 100);
	arena_alloc(&from, 5 * MIB);
	arena_recycle(&from, &to, 64 * MIB);
	assert_null(to.spare);
	arena_clear(&to);
}

static void a_chunk_too_small_stays_spare(void **state)
{
	struct arena from = { 0 }, to = { 0 };
	(void)state;
	arena_alloc(&from, MIB);
	arena_recycle(&from, &to, MIB);
	arena_alloc(&to, 2 * MIB);
	assert_non_null(to.spare);
	arena_clear(&to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recycled_memory_is_zeroed),
		cmocka_unit_test(no_more_is_kept_than_was_said),
		cmocka_unit_test(chunks_of_another_size_are_freed),
		cmocka_unit_test(a_chunk_too_small_stays_spare),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
