/* store_lock.c - locks are taken with a step or not at all, by one run at a time */
#include "tests/unit/store_fixture.h"

static bool take(struct place *p, const struct step *step, const char *name, int64_t depth)
{
	struct str holder;
	bool taken;
	must(store_step_lock(p->s, step, str_c(name), depth, &p->arena, &taken, &holder, err));
	if (!taken)
		assert_str(holder, "0002_other");
	return taken;
}

static int64_t held(struct place *p, const char *name)
{
	char sql[160];
	snprintf(sql, sizeof(sql),
		 "SELECT COALESCE(sum(run * 10 + depth), 0) FROM @lock WHERE held AND name = '%s'",
		 name);
	return number_of(p, sql);
}

/* Another migration, with a run 99 that has lock "a" and one effect. */
static void other_has_it(struct place *p, const char *status, bool in_doubt)
{
	char sql[700];
	snprintf(sql, sizeof(sql),
		 "INSERT INTO @migration (name, description, min_version, max_version, status, "
		 "current_run) VALUES ('0002_other', '', '', '', '%s', 99);"
		 "INSERT INTO @lock (run, depth, name, migration, epoch, held, taken_at) "
		 "VALUES (99, 1, 'a', '0002_other', 1, %s, CURRENT_TIMESTAMP);"
		 "INSERT INTO @effect (run, number, attempt, operation_index, backward, query_id, "
		 "sql, connection, intent_at, outcome) VALUES (99, 1, 1, 0, %s, '', '', '', "
		 "CURRENT_TIMESTAMP, %s);",
		 status, p->dialect == DIALECT_POSTGRES ? "true" : "1",
		 p->dialect == DIALECT_POSTGRES ? "false" : "0", in_doubt ? "NULL" : "'done'");
	behind(p, sql);
}

static void a_lock_is_taken_with_its_step_and_read_back(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	struct lock_row *rows;
	size_t count;
	step.set_checkpoint = true;
	step.checkpoint = STR("inside");
	assert_true(take(p, &step, "a", 1));
	assert_int_equal(number_of(p, "SELECT count(*) FROM @checkpoint WHERE length(state) = 6"),
			 1);
	assert_true(take(p, &step, "b", 2));
	must(store_locks(p->s, step.run, &p->arena, &rows, &count, err));
	assert_int_equal(count, 2);
	assert_str(rows[0].name, "a");
	assert_str(rows[1].name, "b");
	assert_true(rows[0].held && rows[1].held);
	assert_int_equal(rows[1].depth, 2);
	/* A step that keeps the outer one. */
	step.set_locks = true;
	step.locks = 1;
	must(store_step(p->s, &step, err));
	must(store_locks(p->s, step.run, &p->arena, &rows, &count, err));
	assert_int_equal(count, 1);
	step.locks = 0;
	must(store_step(p->s, &step, err));
	assert_int_equal(number_of(p, "SELECT count(*) FROM @lock"), 0);
}

static void a_run_takes_its_own_lock_once_more(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	struct lock_row *rows;
	size_t count;
	assert_true(take(p, &step, "a", 1));
	assert_true(take(p, &step, "a", 2));
	must(store_locks(p->s, step.run, &p->arena, &rows, &count, err));
	assert_int_equal(count, 2);
	assert_true(rows[0].held && !rows[1].held);
	/* What lies at the same place is of a block that was begun anew. */
	assert_true(take(p, &step, "b", 1));
	assert_int_equal(held(p, "b"), step.run * 10 + 1);
	assert_int_equal(held(p, "a"), 0);
}

static void who_was_replaced_takes_nothing(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	struct str holder;
	bool taken;
	behind(p, "UPDATE @migration SET epoch = epoch + 1");
	must_refuse(OUTCOME_NOT_NOW, "another runner took the migration over",
		    store_step_lock(p->s, &step, STR("a"), 1, &p->arena, &taken, &holder, err));
	assert_false(taken);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @lock"), 0);
}

static void who_is_at_work_keeps_it(void **state)
{
	static const char *const statuses[] = { "starting", "running", "stopping",
						"rolling_back" };
	struct place *p = *state;
	struct step step = started(p);
	struct event_row event = { .kind = STR("k"), .who = STR("w"), .detail = STR("d") };
	other_has_it(p, "running", false);
	step.event = &event;
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		char sql[120];
		snprintf(sql, sizeof(sql),
			 "UPDATE @migration SET status = '%s' WHERE name = '0002_other'",
			 statuses[i]);
		behind(p, sql);
		assert_false(take(p, &step, "a", 1));
	}
	assert_int_equal(held(p, "a"), 991);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @event"), 0);
	/* Another lock is another lock. */
	assert_true(take(p, &step, "b", 1));
	assert_int_equal(number_of(p, "SELECT count(*) FROM @event"), 1);
	/* The migration is at work, but its run is another one now. */
	behind(p, "UPDATE @migration SET current_run = 100 WHERE name = '0002_other'");
	assert_true(take(p, &step, "a", 2));
	assert_int_equal(held(p, "a"), step.run * 10 + 2);
}

static void who_is_not_at_work_loses_it(void **state)
{
	static const char *const statuses[] = { "stopped", "errored", "rolled_back", "completed" };
	struct place *p = *state;
	struct step step = started(p);
	other_has_it(p, "running", false);
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		char sql[200];
		snprintf(sql, sizeof(sql),
			 "UPDATE @migration SET status = '%s' WHERE name = '0002_other';"
			 "DELETE FROM @lock WHERE run <> 99;UPDATE @lock SET held = (1 = 1)",
			 statuses[i]);
		behind(p, sql);
		assert_true(take(p, &step, "a", 1));
		assert_int_equal(held(p, "a"), step.run * 10 + 1);
		assert_int_equal(number_of(p, "SELECT count(*) FROM @lock WHERE NOT held"), 1);
	}
}

static void what_is_in_doubt_keeps_it(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	other_has_it(p, "errored", true);
	assert_false(take(p, &step, "a", 1));
	behind(p, "UPDATE @effect SET outcome = 'failed'");
	assert_true(take(p, &step, "a", 1));
}

static void rows_with_a_gap_are_refused(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	struct lock_row *rows;
	size_t count;
	assert_true(take(p, &step, "a", 1));
	assert_true(take(p, &step, "b", 2));
	behind(p, "DELETE FROM @lock WHERE depth = 1");
	must_refuse(OUTCOME_DAMAGED, "column depth",
		    store_locks(p->s, step.run, &p->arena, &rows, &count, err));
}

static void an_older_store_gets_the_table(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	int64_t newest = number_of(p, "SELECT version FROM @store");
	store_close(p->s);
	back_to_version_1(p);
	must(store_open(&p->s, p->where, err));
	assert_int_equal(number_of(p, "SELECT version FROM @store"), newest);
	assert_true(take(p, &step, "a", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_lock_is_taken_with_its_step_and_read_back),
		BOTH(a_run_takes_its_own_lock_once_more),
		BOTH(who_was_replaced_takes_nothing),
		BOTH(who_is_at_work_keeps_it),
		BOTH(who_is_not_at_work_loses_it),
		BOTH(what_is_in_doubt_keeps_it),
		BOTH(rows_with_a_gap_are_refused),
		BOTH(an_older_store_gets_the_table),
	};
	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
