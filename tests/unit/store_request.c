/* store_request.c - requests, words for workers, leases, the same in PostgreSQL and in SQLite */
#include "tests/unit/store_fixture.h"
#include "vm/base/os.h"

static void a_stop_is_requested_and_seen_and_forgotten(void **state)
{
	struct place *p = *state;
	struct stop_wish wish, plain = { true, false, false }, now = { true, true, false };
	bool was_running;
	int64_t epoch;
	must(store_register(p->s, NAME, STR(""), STR(""), STR(""), err));
	must(store_request_stop(p->s, NAME, now, &was_running, err));
	assert_false(was_running);
	struct step step = started(p);
	must(store_stop_requested(p->s, NAME, &wish, err));
	assert_false(wish.requested || wish.now || wish.rollback);
	must(store_request_stop(p->s, NAME, now, &was_running, err));
	assert_true(was_running);
	/* What was asked for before still counts. */
	must(store_request_stop(p->s, NAME, plain, &was_running, err));
	must(store_stop_requested(p->s, NAME, &wish, err));
	assert_true(wish.requested && wish.now && !wish.rollback);
	assert_int_equal(row_of(p).status, STATUS_STOPPING);
	/* A step that doesn't know of it yet leaves it so. */
	step.set_migration = true;
	step.status = STATUS_RUNNING;
	must(store_step(p->s, &step, err));
	assert_int_equal(row_of(p).status, STATUS_STOPPING);
	step.status = STATUS_STOPPED;
	must(store_step(p->s, &step, err));
	assert_int_equal(row_of(p).status, STATUS_STOPPED);
	must(claim(p->s, NAME, 1u << STATUS_STOPPED, STATUS_RUNNING, 1, "o", &epoch, err));
	must(store_stop_requested(p->s, NAME, &wish, err));
	assert_false(wish.requested || wish.now || wish.rollback);
}

/* What was to be cancelled at once is ended by any successor. */
static void a_stop_is_handed_on(void **state)
{
	struct place *p = *state;
	struct stop_wish wish, all = { true, true, true };
	struct migration_row read;
	bool was_running;
	int64_t epoch;

	started(p);
	must(store_request_stop(p->s, NAME, all, &was_running, err));
	read = row_of(p);
	must(store_claim_read(p->s, &read, STATUS_RUNNING, 1, "heir",
			      CLAIM_FROM_DEAD | CLAIM_KEEPS_STOP, &epoch, err));
	must(store_stop_requested(p->s, NAME, &wish, err));
	assert_true(wish.requested && wish.rollback && !wish.now);
	read = row_of(p);
	must(store_claim_read(p->s, &read, STATUS_RUNNING, 1, "heir", CLAIM_FROM_DEAD, &epoch,
			      err));
	must(store_stop_requested(p->s, NAME, &wish, err));
	assert_false(wish.requested || wish.rollback);
}

/* Who has read the row takes it when its lease is over, or its owner known to be dead. */
static void a_lease_lasts_as_long_as_it_is_renewed(void **state)
{
	struct place *p = *state;
	struct error error = { 0 };
	struct stop_wish wish;
	int64_t epoch;
	store_set_lease(p->s, 60000);
	struct step step = started(p);
	struct migration_row row = row_of(p);
	assert_true(row.lease_left_ms > 50000 && row.lease_left_ms <= 60000);
	assert_int_equal(store_claim_read(p->s, &row, STATUS_RUNNING, 1, "other", 0, &epoch,
					  &error),
			 OUTCOME_NOT_NOW);
	error_clear(&error);
	store_set_lease(p->s, 1);
	must(store_renew(p->s, NAME, step.epoch, &wish, err));
	os_sleep_ms(5);
	row = row_of(p);
	assert_int_equal(row.lease_left_ms, 0);
	store_set_lease(p->s, 60000);
	must(store_renew(p->s, NAME, step.epoch, &wish, err));
	assert_int_equal(store_claim_read(p->s, &row, STATUS_RUNNING, 1, "other", 0, &epoch,
					  &error),
			 OUTCOME_NOT_NOW);
	error_clear(&error);
	/* Somebody's commit has come since the row was read, and with it more than the row. */
	assert_int_equal(store_claim_read(p->s, &row, STATUS_RUNNING, 1, "other", CLAIM_FROM_DEAD,
					  &epoch, &error),
			 OUTCOME_NOT_NOW);
	error_clear(&error);
	row = row_of(p);
	must(store_claim_read(p->s, &row, STATUS_RUNNING, 1, "other", CLAIM_FROM_DEAD, &epoch,
			      err));
	assert_int_equal(epoch, step.epoch + 1);
	assert_int_equal(store_renew(p->s, NAME, step.epoch, &wish, &error), OUTCOME_NOT_NOW);
	error_clear(&error);
	assert_true(row_of(p).lease_left_ms > 50000);
}

/* A step makes the lease last, one that ends the run or gives it up ends the lease. */
static void a_step_renews_the_lease_and_the_last_one_ends_it(void **state)
{
	struct place *p = *state;
	store_set_lease(p->s, 1);
	struct step step = started(p);
	os_sleep_ms(5);
	assert_int_equal(row_of(p).lease_left_ms, 0);
	store_set_lease(p->s, 60000);
	must(store_step(p->s, &step, err));
	assert_true(row_of(p).lease_left_ms > 50000);
	step.set_migration = true;
	step.status = STATUS_RUNNING;
	must(store_step(p->s, &step, err));
	assert_true(row_of(p).lease_left_ms > 50000);
	step.release = true;
	must(store_step(p->s, &step, err));
	assert_int_equal(row_of(p).lease_left_ms, 0);
	assert_int_equal(row_of(p).status, STATUS_RUNNING);
	assert_int_equal(row_of(p).lease_owner.len, 0);
}

static void words_for_workers_are_kept_until_the_claim(void **state)
{
	struct place *p = *state;
	bool was_idle, heard;
	struct store *other;
	must(store_open(&other, p->where, err));
	must(store_register(p->s, NAME, STR(""), STR(""), STR(""), err));
	must(store_listen(other, err));
	must(store_hear(other, 0, &heard, err));
	must(store_hear(other, 0, &heard, err));
	assert_false(heard);
	must(store_want(p->s, NAME, WANTED_ROLLBACK, &was_idle, err));
	assert_true(was_idle);
	must(store_hear(other, 5000, &heard, err));
	assert_true(heard);
	store_close(other);
	assert_int_equal(row_of(p).wanted, WANTED_ROLLBACK);
	started(p);
	assert_int_equal(row_of(p).wanted, WANTED_NOTHING);
	must(store_want(p->s, NAME, WANTED_RUN, &was_idle, err));
	assert_false(was_idle);
	assert_int_equal(row_of(p).wanted, WANTED_NOTHING);
}

/* Of two words the later one stays, whatever becomes of the one before. */
static void what_was_asked_for_later_is_not_forgotten(void **state)
{
	struct place *p = *state;
	struct migration_row read;
	struct error error = { 0 };
	int64_t epoch;
	bool was_idle;

	must(store_register(p->s, NAME, STR(""), STR(""), STR(""), err));
	must(store_want(p->s, NAME, WANTED_RUN, &was_idle, err));
	read = row_of(p);
	must(store_forget(p->s, NAME, read.epoch + 1, WANTED_RUN, err));
	must(store_forget(p->s, NAME, read.epoch, WANTED_ROLLBACK, err));
	assert_int_equal(row_of(p).wanted, WANTED_RUN);
	must(store_want(p->s, NAME, WANTED_ROLLBACK, &was_idle, err));
	assert_int_equal(store_claim_read(p->s, &read, STATUS_STARTING, 1, "host:7",
					  CLAIM_FROM_DEAD, &epoch, &error),
			 OUTCOME_NOT_NOW);
	assert_non_null(strstr(error.message, "something else has been asked for"));
	error_clear(&error);
	assert_int_equal(row_of(p).wanted, WANTED_ROLLBACK);
	must(store_forget(p->s, NAME, read.epoch, WANTED_ROLLBACK, err));
	assert_int_equal(row_of(p).wanted, WANTED_NOTHING);
}

/* Who has a migration gets a new epoch and keeps it; who had it before gets none. */
static void an_epoch_is_raised_by_its_owner_only(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	int64_t epoch = step.epoch, old = step.epoch;
	must(store_raise_epoch(p->s, NAME, &epoch, err));
	assert_int_equal(epoch, step.epoch + 1);
	assert_int_equal(row_of(p).epoch, epoch);
	must_refuse(OUTCOME_NOT_NOW, "took the migration over",
		    store_raise_epoch(p->s, NAME, &old, err));
	assert_int_equal(old, step.epoch);
	must_refuse(OUTCOME_NOT_NOW, "took the migration over", store_step(p->s, &step, err));
	step.epoch = epoch;
	must(store_step(p->s, &step, err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_stop_is_requested_and_seen_and_forgotten),
		BOTH(a_stop_is_handed_on),
		BOTH(a_lease_lasts_as_long_as_it_is_renewed),
		BOTH(a_step_renews_the_lease_and_the_last_one_ends_it),
		BOTH(words_for_workers_are_kept_until_the_claim),
		BOTH(what_was_asked_for_later_is_not_forgotten),
		BOTH(an_epoch_is_raised_by_its_owner_only),
	};
	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
