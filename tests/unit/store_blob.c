/* store_blob.c - what checkpoints refer to: stored with them, gone with their run, of no other */
#include "tests/unit/store_fixture.h"

static struct hashed blob_of(const char *text)
{
	return (struct hashed){ hash_of(str_c(text)), str_c(text) };
}

static void put(struct place *p, struct step *step, const struct hashed *blobs, size_t count)
{
	step->set_checkpoint = true;
	step->checkpoint = STR("frames");
	step->blobs = blobs;
	step->blob_count = count;
	must(store_step(p->s, step, err));
}

static size_t loaded(struct place *p, int64_t run, struct run_state *out)
{
	must(store_load(p->s, run, &p->arena, out, err));
	return out->blob_count;
}

static void they_come_back_with_their_bytes(void **state)
{
	struct place *p = *state;
	struct hashed blobs[] = { blob_of("one"), blob_of("two"), { hash_of(STR("")), STR("") },
				  { hash_of(STR("\0\xff")), STR("\0\xff") } };
	struct step step = started(p);
	struct run_state r;
	put(p, &step, blobs, 4);
	/* Again, as after a commit that was not told. */
	put(p, &step, blobs, 4);
	reopen(p);
	assert_int_equal(loaded(p, step.run, &r), 4);
	for (size_t i = 0; i < 4; i++)
		for (size_t n = 0; n < 4; n++)
			if (hash_eq(r.blobs[i].hash, blobs[n].hash))
				assert_true(str_eq(r.blobs[i].bytes, blobs[n].bytes));
	step.dropped = &blobs[1].hash;
	step.dropped_count = 1;
	step.blob_count = 0;
	must(store_step(p->s, &step, err));
	assert_int_equal(loaded(p, step.run, &r), 3);
	/* The next operation's first checkpoint: all go, and some come. */
	step.dropped_count = 0;
	step.drop_blobs = true;
	put(p, &step, &blobs[1], 1);
	assert_int_equal(loaded(p, step.run, &r), 1);
	assert_str(r.blobs[0].bytes, "two");
	/* One that somebody spoiled is mended when it is stored again. */
	behind(p, "UPDATE @run_blob SET bytes = (SELECT frozens FROM @run)");
	step.drop_blobs = false;
	put(p, &step, &blobs[1], 1);
	assert_int_equal(loaded(p, step.run, &r), 1);
}

/* More than a batch of statements holds, alone and in an effect's transaction. */
static void there_may_be_many_in_a_step(void **state)
{
	struct place *p = *state;
	enum { MANY = 1000 };
	static char texts[MANY][16];
	static struct hashed blobs[MANY];
	static struct hash hashes[MANY];
	struct step step = started(p);
	struct run_state r;
	for (int i = 0; i < MANY; i++) {
		snprintf(texts[i], sizeof(texts[i]), "t%d", i);
		blobs[i] = blob_of(texts[i]);
		hashes[i] = blobs[i].hash;
	}
	put(p, &step, blobs, MANY / 2);
	must(store_begin(p->s, err));
	put(p, &step, blobs + MANY / 2, MANY / 2);
	assert_int_equal(loaded(p, step.run, &r), MANY);
	step.blob_count = 0;
	step.dropped = hashes;
	step.dropped_count = MANY - 1;
	must(store_step(p->s, &step, err));
	assert_int_equal(loaded(p, step.run, &r), 1);
}

static void who_was_replaced_stores_none(void **state)
{
	struct place *p = *state;
	struct hashed blobs[100];
	struct step step = started(p), late = step;
	struct run_state r;
	for (size_t i = 0; i < 100; i++)
		blobs[i] = blob_of("of the one who sleeps");
	blobs[99] = blob_of("another");
	put(p, &step, blobs, 1);
	late.epoch--;
	late.set_checkpoint = true;
	late.checkpoint = STR("late");
	late.drop_blobs = true;
	late.blobs = blobs;
	for (late.blob_count = 1; late.blob_count <= 100; late.blob_count += 99)
		must_refuse(OUTCOME_NOT_NOW, "took the migration over",
			    store_step(p->s, &late, err));
	assert_int_equal(loaded(p, step.run, &r), 1);
	assert_str(r.checkpoint, "frames");
}

static void a_run_leaves_none_to_the_next_and_takes_none_from_another(void **state)
{
	struct place *p = *state;
	struct hashed blob = blob_of("the same value");
	struct step step = started(p), other = { .migration = STR("0002_later") };
	struct run_row run = { .migration = other.migration, .operation_count = PLAN_COUNT };
	struct run_state r;
	must(store_register(p->s, run.migration, STR(""), STR(""), STR(""), err));
	must(claim(p->s, run.migration, FROM_ANY, STATUS_STARTING, 9, "o", &other.epoch, err));
	must(store_start(p->s, &run, IMAGE, plan_of_three, other.epoch, err));
	other.run = run.id;
	put(p, &step, &blob, 1);
	put(p, &other, &blob, 1);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @run_blob"), 2);
	/* It ends in a way that empties nothing; the next run of it begins. */
	struct run_row next = { .migration = NAME, .operation_count = PLAN_COUNT };
	must(claim(p->s, NAME, FROM_ANY, STATUS_STARTING, 9, "o", &step.epoch, err));
	must(store_start(p->s, &next, IMAGE, plan_of_three, step.epoch, err));
	assert_int_equal(number_of(p, "SELECT count(*) FROM @run_blob"), 1);
	assert_int_equal(loaded(p, other.run, &r), 1);
	assert_str(r.blobs[0].bytes, "the same value");
	/* The module is as it was. */
	assert_int_equal(number_of(p, "SELECT count(*) FROM @blob"), 1);
}

static void a_missing_one_is_told_by_its_row(void **state)
{
	struct place *p = *state;
	must_refuse(OUTCOME_DAMAGED,
		    "run_blob, row run = 7, hash = '99aa06d3014798d86001c324468d497f': "
		    "it is missing",
		    store_blob_is_missing(p->s, 7, hash_of(STR("")), err));
}

/* A store of the version before: a run of it goes on. */
static void a_store_of_the_first_version_is_upgraded(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	struct hashed blob = blob_of("one");
	struct run_state r;
	put(p, &step, NULL, 0);
	int64_t newest = number_of(p, "SELECT version FROM @store");
	store_close(p->s);
	p->s = NULL;
	back_to_version_1(p);
	must(store_open(&p->s, p->where, err));
	assert_int_equal(number_of(p, "SELECT version FROM @store"), newest);
	assert_int_equal(loaded(p, step.run, &r), 0);
	assert_str(r.checkpoint, "frames");
	put(p, &step, &blob, 1);
	assert_int_equal(loaded(p, step.run, &r), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(they_come_back_with_their_bytes),
		BOTH(there_may_be_many_in_a_step),
		BOTH(who_was_replaced_stores_none),
		BOTH(a_run_leaves_none_to_the_next_and_takes_none_from_another),
		BOTH(a_missing_one_is_told_by_its_row),
		BOTH(a_store_of_the_first_version_is_upgraded),
	};
	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
