/* run_lane_state.c - windows at once go through a checkpoint, and no other bytes are let in */
#include "vm/isa/assemble.h"
#include "vm/run/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define HASH_AT (4 + 1 + 16) /* behind the magic, the format and the module */
#define BODY_AT (HASH_AT + 8)

static const char source[] = "need c sqlite\ntemplate t \"DELETE \" int \"\"\n"
			     "function f effect -> int\nlocal int\n"
			     "INT 0\nSTORE 0\n"
			     "again:\nCONNECTION c\nLOAD 0\nSQL t\nEXEC\nPOP\n"
			     "LOAD 0\nINT 1\nADD_INT\nSTORE 0\nJUMP again\n"
			     "end\n";

struct loaded {
	struct run r;
	char *image;
	struct buf checkpoint;
};

/* A machine that asks for its nth effect. */
static void go_to(struct machine *vm, int n)
{
	machine_start(vm, 0, NULL);
	for (int i = 1; machine_run(vm, 0) == MACHINE_ASKS && i < n; i++)
		machine_answer(vm, value_int(1), STR(""));
}

static void load(struct loaded *w)
{
	struct buf why = { 0 };
	struct error err = { 0 };

	*w = (struct loaded){ 0 };
	if (!assemble_module(str_c(source), &w->r.module, &w->image, &why))
		fail_msg("%s", buf_view(&why).ptr);
	if (module_verify(&w->r.module, &err) != OUTCOME_OK)
		fail_msg("%s", err.message);
	w->r.vm = machine_new(&w->r.module);
}

static void unload(struct loaded *w)
{
	lanes_free(&w->r);
	machine_free(w->r.vm);
	module_clear(&w->r.module);
	buf_clear(&w->checkpoint);
	free(w->image);
}

/* Three lanes: an effect under way, a window that was halved, and nothing. */
static int set_up(void **state)
{
	struct loaded *w = must_alloc(sizeof(*w));
	struct lanes *all;

	load(w);
	all = lanes_new(&w->r);
	lanes_add(&w->r, all, w->r.vm);
	for (int i = 1; i < 3; i++)
		lanes_add(&w->r, all, NULL);
	for (int i = 0; i < 3; i++) {
		go_to(all->at[i].vm, i + 2);
		machine_save(all->at[i].vm, &all->at[i].saved);
	}
	all->at[0].open = true;
	all->at[0].attempt.effect.number = 7;
	all->at[0].attempt.effect.attempt = 2;
	value_encode(value_int(40), &all->at[1].from);
	value_encode(value_int(80), &all->at[1].until);
	value_encode(value_int(90), &all->cursor);
	lanes_save(&w->r, &w->checkpoint);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	unload(*state);
	free(*state);
	return 0;
}

/* Into a run of its own, which is saved again if it is taken. */
static enum outcome restore(struct str bytes, struct buf *again)
{
	struct loaded w;
	struct error err = { 0 };
	enum outcome o = OUTCOME_DAMAGED;

	load(&w);
	if (lanes_are_in(bytes))
		o = lanes_restore(&w.r, bytes, &err);
	if (o == OUTCOME_OK)
		lanes_save(&w.r, again);
	else if (lanes_are_in(bytes))
		assert_non_null(err.message);
	error_clear(&err);
	unload(&w);
	return o;
}

static void what_was_saved_comes_back(void **state)
{
	struct loaded *w = *state;
	struct buf again = { 0 };

	assert_int_equal(restore(buf_view(&w->checkpoint), &again), OUTCOME_OK);
	assert_true(str_eq(buf_view(&again), buf_view(&w->checkpoint)));
	buf_clear(&again);
}

static void what_is_cut_off_is_damaged(void **state)
{
	struct loaded *w = *state;
	struct buf none = { 0 };

	for (size_t len = 0; len < w->checkpoint.len; len++) {
		char *cut = must_alloc(len + 1); /* so that the sanitizer sees its end */

		memcpy(cut, w->checkpoint.ptr, len);
		assert_int_equal(restore((struct str){ cut, len }, &none), OUTCOME_DAMAGED);
		free(cut);
	}
}

static void a_byte_that_changed_is_damage(void **state)
{
	struct loaded *w = *state;
	struct buf none = { 0 };

	for (size_t i = 0; i < w->checkpoint.len; i++)
		for (int bit = 0; bit < 8; bit += 3) {
			w->checkpoint.ptr[i] ^= (char)(1 << bit);
			assert_int_equal(restore(buf_view(&w->checkpoint), &none), OUTCOME_DAMAGED);
			w->checkpoint.ptr[i] ^= (char)(1 << bit);
		}
}

static void set_hash(struct buf *b)
{
	uint64_t hash = hash_64((struct str){ b->ptr + BODY_AT, b->len - BODY_AT });

	for (int i = 0; i < 8; i++)
		b->ptr[HASH_AT + i] = (char)(hash >> (8 * i));
}

/* Somebody's own hash lets bytes in, and nothing that can't be gone on from. */
static void bytes_with_a_right_hash_are_looked_at(void **state)
{
	struct loaded *w = *state;
	struct buf again = { 0 };
	int refused = 0;

	for (size_t i = BODY_AT; i < w->checkpoint.len; i++)
		for (int changed = 0; changed < 256; changed += 5) {
			char before = w->checkpoint.ptr[i];
			enum outcome o;

			w->checkpoint.ptr[i] = (char)changed;
			set_hash(&w->checkpoint);
			buf_reset(&again);
			o = restore(buf_view(&w->checkpoint), &again);
			assert_true(o == OUTCOME_OK || o == OUTCOME_DAMAGED);
			refused += o == OUTCOME_DAMAGED;
			w->checkpoint.ptr[i] = before;
		}
	set_hash(&w->checkpoint);
	assert_int_equal(restore(buf_view(&w->checkpoint), &again), OUTCOME_OK);
	assert_true(refused > 100);
	buf_clear(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_saved_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_cut_off_is_damaged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_byte_that_changed_is_damage, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bytes_with_a_right_hash_are_looked_at, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
