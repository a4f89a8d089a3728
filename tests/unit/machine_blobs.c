/* machine_blobs.c - large values of checkpoints: once, by hash, at a cost that does not grow */
#include "tests/unit/machine_fixture.h"
#include "vm/base/vec.h"

/* ---- a store of blobs ---- */

struct shelf { VEC(struct hashed) at; size_t bytes_written, dropped; };

static void shelf_clear(struct shelf *s)
{
	for (size_t i = 0; i < s->at.count; i++)
		free((void *)(uintptr_t)s->at.at[i].bytes.ptr);
	vec_clear(&s->at);
}

static void drop(struct shelf *s, struct hash hash)
{
	for (size_t i = 0; i < s->at.count; i++) {
		if (!hash_eq(s->at.at[i].hash, hash))
			continue;
		free((void *)(uintptr_t)s->at.at[i].bytes.ptr);
		s->at.at[i] = s->at.at[--s->at.count];
		s->dropped++;
		return;
	}
	fail_msg("what is swept was not stored");
}

/* A commit of this checkpoint. */
static void commit(struct blobs *b, struct shelf *s, struct str checkpoint)
{
	size_t count;
	const struct hash *dead = blobs_sweep(b, checkpoint, &count);
	for (size_t i = 0; i < count; i++)
		drop(s, dead[i]);
	const struct hashed *pending = blobs_pending(b, &count);
	for (size_t i = 0; i < count; i++) {
		char *copy = must_alloc(pending[i].bytes.len);
		memcpy(copy, pending[i].bytes.ptr, pending[i].bytes.len);
		assert_true(hash_eq(hash_of(pending[i].bytes), pending[i].hash));
		vec_push(&s->at,
			 (struct hashed){ pending[i].hash, { copy, pending[i].bytes.len } });
		s->bytes_written += pending[i].bytes.len;
	}
	blobs_stored(b);
}

static size_t pending_of(const struct blobs *b)
{
	size_t count;
	blobs_pending(b, &count);
	return count;
}

/* ---- values ---- */

static uint64_t seed;
static uint64_t any_number(uint64_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % below;
}

static struct value any_text(struct heap *h, size_t len)
{
	struct buf text = { 0 };
	uint64_t kinds = 1 + any_number(20);
	for (size_t i = 0; i < len; i++)
		buf_byte(&text, (char)('a' + any_number(kinds)));
	struct value v = any_number(4) ? value_string(h, buf_view(&text)) :
					 value_bytes(h, buf_view(&text));
	buf_clear(&text);
	return v;
}

static struct value any_value(struct heap *h, int depth)
{
	static const struct str names[] = { { "id", 2 }, { "name", 4 }, { "rest", 4 } };
	struct value parts[3], list = value_list(h, NULL, 0);
	switch (any_number(depth > 0 ? 12 : 7)) {
	case 0:		return value_null();
	case 1:		return value_bool(any_number(2));
	case 2:		return value_int((int64_t)(any_number(1u << 30) * any_number(1u << 30)));
	case 3:		return value_float((double)any_number(1000) / 7);
	case 4:		return value_timestamp((int64_t)any_number(1u << 30));
	case 5:		return any_text(h, any_number(40));
	case 6:		return any_text(h, any_number(any_number(9) ? 300 : 9000));
	case 7:
	case 8:
		for (int i = 0; i < 3; i++)
			parts[i] = any_value(h, depth - 1);
		return value_record(h, any_number(3) ? names : NULL, parts, 3);
	case 9:
		parts[0] = any_value(h, depth - 1);
		for (uint64_t i = any_number(60); i > 0; i--)
			list = value_append(h, list, any_number(3) ? any_value(h, 0) : parts[0]);
		return list;
	default:
		for (uint64_t i = any_number(any_number(20) ? 9 : 2000); i > 0; i--)
			list = value_append(h, list, any_value(h, any_number(9) ? 0 : depth - 1));
		return list;
	}
}

static const char same[] = "function f any -> any\nLOAD 0\nRETURN\nend\n";

static void save(struct machine *vm, struct blobs *b, struct buf *out)
{
	machine_keep_blobs(vm, b);
	buf_reset(out);
	machine_save(vm, out);
}

/* The checkpoint and the blobs give the value again, and saved again the same bytes and no blob
 * more. */
static void goes_through(const struct fixture *f, struct value v, size_t limit)
{
	struct blobs *b = blobs_new(limit), *again = blobs_new(limit);
	struct shelf shelf = { 0 };
	struct buf one = { 0 }, two = { 0 };
	struct error err = { 0 };
	struct machine *other = machine_new(&f->m);
	machine_start(f->vm, 0, &v);
	save(f->vm, b, &one);
	commit(b, &shelf, buf_view(&one));
	if (v.kind == VALUE_LIST || v.kind == VALUE_RECORD || v.kind == VALUE_STRING)
		assert_true(one.len < 70 + limit);
	blobs_load(again, shelf.at.at, shelf.at.count);
	machine_keep_blobs(other, again);
	if (machine_restore(other, buf_view(&one), &err) != OUTCOME_OK)
		fail_msg("%s", err.message);
	save(other, again, &two);
	assert_true(str_eq(buf_view(&one), buf_view(&two)));
	assert_int_equal(pending_of(again), 0);
	assert_int_equal(machine_run(other, 0), MACHINE_RETURNED);
	assert_true(value_equal(machine_result(other), v));
	machine_free(other);
	machine_keep_blobs(f->vm, NULL);
	blobs_free(b);
	blobs_free(again);
	shelf_clear(&shelf);
	buf_clear(&one);
	buf_clear(&two);
}

static void any_value_goes_through_a_checkpoint_and_its_blobs(void **state)
{
	(void)state;
	static const size_t limits[] = { 4, 30, BLOBS_LIMIT_BYTES };
	struct fixture f;
	set_up(&f, same);
	for (seed = 1; seed < 200;) {
		uint64_t of = seed;
		struct value v = any_value(&f.heap, 4);
		goes_through(&f, v, limits[of % ARRAY_SIZE(limits)]);
		heap_clear(&f.heap);
		seed = of + 1;
	}
	tear_down(&f);
}

static void a_checkpoint_with_a_long_list_is_small(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f, "function f [string] int string any -> any\nLOAD 3\nRETURN\nend\n");
	struct blobs *b = blobs_new(0);
	struct buf bytes = { 0 };
	struct value list = value_list(&f.heap, NULL, 0);
	for (int i = 0; i < 100000; i++)
		list = value_append(&f.heap, list, any_text(&f.heap, 30));
	for (size_t i = 0; i < list.list->count; i++)
		list.list->store->at[i].kind = VALUE_STRING;
	struct value args[] = { list, value_int(7), value_string(&f.heap, STR("seven")),
				any_text(&f.heap, 300000) };
	machine_start(f.vm, 0, args);
	save(f.vm, b, &bytes);
	assert_true(bytes.len < 200);
	/* Few and not too small: they are rows of a table. */
	assert_in_range(pending_of(b), 10, 200);
	machine_keep_blobs(f.vm, NULL);
	buf_clear(&bytes);
	blobs_free(b);
	tear_down(&f);
}

/* ---- a loop ---- */

static const char loop[] =
	"function f effect\nlocal int\nlocal [int]\nlocal string\n"
	"INT 0\nSTORE 0\nLIST int 0\nSTORE 1\nCONSTANT \"\"\nSTORE 2\n"
	"again:\nNOW\nPOP\nLOAD 1\nLOAD 0\nLIST_APPEND\nSTORE 1\n"
	"LOAD 0\nINT 1\nADD_INT\nSTORE 0\nJUMP again\nend\n";

/* One iteration and its commit. */
static void step(struct fixture *f, struct blobs *b, struct shelf *shelf, struct buf *bytes)
{
	assert_int_equal(machine_run(f->vm, 0), MACHINE_ASKS);
	buf_reset(bytes);
	machine_save(f->vm, bytes);
	assert_true(bytes->len < 700);
	commit(b, shelf, buf_view(bytes));
	machine_answer(f->vm, value_timestamp(1), STR(""));
}

static void must_restore(const struct fixture *f, const struct shelf *shelf, struct str bytes)
{
	struct machine *other = machine_new(&f->m);
	struct blobs *b = blobs_new(0);
	struct error err = { 0 };
	blobs_load(b, shelf->at.at, shelf->at.count);
	machine_keep_blobs(other, b);
	if (machine_restore(other, bytes, &err) != OUTCOME_OK)
		fail_msg("%s", err.message);
	assert_int_equal(machine_run(other, 0), MACHINE_ASKS);
	machine_free(other);
	blobs_free(b);
}

static void a_list_that_grows_costs_the_same_at_every_length(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f, loop);
	struct blobs *b = blobs_new(0);
	struct shelf shelf = { 0 };
	struct buf bytes = { 0 };
	size_t early = 0, late = 0, most = 0;
	machine_start(f.vm, 0, NULL);
	machine_keep_blobs(f.vm, b);
	for (int i = 0; i < 9000; i++) {
		size_t before = shelf.bytes_written;
		step(&f, b, &shelf, &bytes);
		early += i >= 1000 && i < 3000 ? shelf.bytes_written - before : 0;
		late += i >= 7000 ? shelf.bytes_written - before : 0;
		most = shelf.at.count > most ? shelf.at.count : most;
	}
	/* On average little more than the list's end and the hashes of its pieces. */
	assert_in_range(early / 2000, 100, 1500);
	assert_in_range(late / 2000, 100, 1500);
	assert_true(shelf.dropped > 5000);
	assert_in_range(most, 1, 1000);

	must_restore(&f, &shelf, buf_view(&bytes));
	/* The store has none any more: what is known of the list is no reason to leave any out. */
	blobs_forget(b);
	shelf_clear(&shelf);
	step(&f, b, &shelf, &bytes);
	must_restore(&f, &shelf, buf_view(&bytes));
	machine_keep_blobs(f.vm, NULL);
	blobs_free(b);
	shelf_clear(&shelf);
	buf_clear(&bytes);
	tear_down(&f);
}

static const char walk[] =
	"function f effect any\nlocal int\nlocal string\nINT 0\nSTORE 1\n"
	"again:\nNOW\nPOP\n"
	"CONSTANT \"01234567890123456789012345678901234567890123456789\"\nSTORE 2\n"
	"LOAD 2\nLOAD 2\nLOAD 2\nLOAD 2\nCONCAT 4\nSTORE 2\n"
	"LOAD 1\nINT 1\nADD_INT\nSTORE 1\nJUMP again\nend\n";

/* The heap moves many times: what lies elsewhere then is no new value. */
static void a_value_that_stays_is_written_once(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f, walk);
	struct blobs *b = blobs_new(0);
	struct shelf shelf = { 0 };
	struct buf bytes = { 0 };
	struct value parts[] = { any_text(&f.heap, 100000), value_list(&f.heap, NULL, 0) };
	for (int i = 0; i < 3000; i++)
		parts[1] = value_append(&f.heap, parts[1], any_text(&f.heap, 50));
	struct value v = value_record(&f.heap, NULL, parts, 2);
	machine_start(f.vm, 0, &v);
	machine_limit_heap(f.vm, 1 << 20);
	machine_keep_blobs(f.vm, b);
	step(&f, b, &shelf, &bytes);
	size_t once = shelf.bytes_written;
	assert_true(once > 200000);
	for (int i = 0; i < 6000; i++)
		step(&f, b, &shelf, &bytes);
	assert_int_equal(shelf.bytes_written, once);
	machine_keep_blobs(f.vm, NULL);
	blobs_free(b);
	shelf_clear(&shelf);
	buf_clear(&bytes);
	tear_down(&f);
}

static const char turns[] =
	"function f effect\nlocal int\nlocal string\nlocal string\n"
	"INT 0\nSTORE 0\nCONSTANT \"\"\nSTORE 1\n"
	"again:\nNOW\nPOP\nCONSTANT \"01234567890123456789012345678901234567890123456789\"\n"
	"STORE 2\nLOAD 2\nLOAD 2\nLOAD 2\nLOAD 2\nLOAD 2\nLOAD 2\nCONCAT 6\nSTORE 2\n"
	"LOAD 2\nLOAD 2\nLOAD 2\nLOAD 2\nLOAD 2\nLOAD 2\nCONCAT 6\nSTORE 2\n"
	"LOAD 0\nTO_STRING\nLOAD 2\nLOAD 2\nLOAD 2\nLOAD 2\nCONCAT 5\nSTORE 1\n"
	"LOAD 0\nINT 1\nADD_INT\nSTORE 0\nJUMP again\nend\n";

/* Where one value was another one is later: beside a machine that begins to save at each step. */
static void what_comes_to_lie_at_the_same_place_is_another_value(void **state)
{
	(void)state;
	struct fixture f, beside;
	set_up(&f, turns);
	set_up(&beside, turns);
	struct blobs *b = blobs_new(0);
	struct shelf shelf = { 0 };
	struct buf bytes = { 0 }, wanted = { 0 };
	machine_start(f.vm, 0, NULL);
	machine_start(beside.vm, 0, NULL);
	machine_keep_blobs(f.vm, b);
	for (int i = 0; i < 2000; i++) {
		struct blobs *once = blobs_new(0);
		step(&f, b, &shelf, &bytes);
		assert_int_equal(machine_run(beside.vm, 0), MACHINE_ASKS);
		save(beside.vm, once, &wanted);
		machine_answer(beside.vm, value_timestamp(1), STR(""));
		assert_true(str_eq(buf_view(&bytes), buf_view(&wanted)));
		machine_keep_blobs(beside.vm, NULL);
		blobs_free(once);
	}
	machine_keep_blobs(f.vm, NULL);
	blobs_free(b);
	shelf_clear(&shelf);
	buf_clear(&bytes);
	buf_clear(&wanted);
	tear_down(&f);
	tear_down(&beside);
}

/* ---- commits that fail, and damage ---- */

static void what_was_not_committed_comes_again(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f, same);
	struct blobs *b = blobs_new(0);
	struct buf bytes = { 0 };
	struct value v = any_text(&f.heap, 5000);
	machine_start(f.vm, 0, &v);
	save(f.vm, b, &bytes);
	assert_int_equal(pending_of(b), 1);
	save(f.vm, b, &bytes);
	assert_int_equal(pending_of(b), 1);
	blobs_stored(b);
	save(f.vm, b, &bytes);
	assert_int_equal(pending_of(b), 0);
	/* The operation has ended; the next one has the same value. */
	blobs_forget(b);
	save(f.vm, b, &bytes);
	assert_int_equal(pending_of(b), 1);
	machine_keep_blobs(f.vm, NULL);
	blobs_free(b);
	buf_clear(&bytes);
	tear_down(&f);
}

/* Without any one of them it is refused, by its hash; and any one with other bytes breaks
 * nothing. */
static void a_missing_or_another_blob_is_refused(void **state)
{
	(void)state;
	struct fixture f;
	set_up(&f, same);
	struct blobs *b = blobs_new(20);
	struct shelf shelf = { 0 };
	struct buf bytes = { 0 };
	seed = 7;
	struct value list = value_list(&f.heap, NULL, 0);
	for (int i = 0; i < 60; i++)
		list = value_append(&f.heap, list, any_value(&f.heap, 2));
	machine_start(f.vm, 0, &list);
	save(f.vm, b, &bytes);
	commit(b, &shelf, buf_view(&bytes));
	assert_true(shelf.at.count > 50);
	for (size_t i = 0; i < shelf.at.count; i++) {
		struct machine *vm = machine_new(&f.m);
		struct blobs *less = blobs_new(20);
		struct error err = { 0 };
		char hex[HASH_HEX_SIZE];
		blobs_load(less, shelf.at.at, i);
		blobs_load(less, shelf.at.at + i + 1, shelf.at.count - i - 1);
		machine_keep_blobs(vm, less);
		assert_int_equal(machine_restore(vm, buf_view(&bytes), &err), OUTCOME_DAMAGED);
		hash_hex(shelf.at.at[i].hash, hex);
		assert_non_null(strstr(err.message, hex));
		assert_true(hash_eq(*blobs_missing(less), shelf.at.at[i].hash));
		error_clear(&err);
		struct hashed forged = { shelf.at.at[i].hash,
					 shelf.at.at[any_number(shelf.at.count)].bytes };
		blobs_load(less, &forged, 1);
		if (machine_restore(vm, buf_view(&bytes), &err) != OUTCOME_OK)
			assert_int_equal(err.outcome, OUTCOME_DAMAGED);
		error_clear(&err);
		machine_free(vm);
		blobs_free(less);
	}
	machine_keep_blobs(f.vm, NULL);
	blobs_free(b);
	shelf_clear(&shelf);
	buf_clear(&bytes);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_value_goes_through_a_checkpoint_and_its_blobs),
		cmocka_unit_test(a_checkpoint_with_a_long_list_is_small),
		cmocka_unit_test(a_list_that_grows_costs_the_same_at_every_length),
		cmocka_unit_test(a_value_that_stays_is_written_once),
		cmocka_unit_test(what_comes_to_lie_at_the_same_place_is_another_value),
		cmocka_unit_test(what_was_not_committed_comes_again),
		cmocka_unit_test(a_missing_or_another_blob_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
