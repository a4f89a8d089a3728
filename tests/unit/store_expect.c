/* store_expect.c - a step that is written while the answer to its effect is on its way */
#include "tests/unit/store_fixture.h"

/* The effect of an operation that ends with it, in the run of started(). */
struct done {
	struct step step;
	struct effect_intent intent;
	struct effect_outcome outcome;
};

static struct done done_of(struct step run, int64_t index, int64_t rows)
{
	struct done d = { .step = run };
	d.intent = (struct effect_intent){
		.number = index + 1, .operation_index = index, .attempt = 1, .query_id = "q"
	};
	d.outcome = (struct effect_outcome){
		.number = index + 1, .attempt = 1, .ok = true, .rows = rows
	};
	d.step.set_migration = true;
	d.step.status = STATUS_RUNNING;
	d.step.current_operation_index = index + 1;
	d.step.operations[0] = (struct operation_change){ .index = index,
							  .status = OPERATION_STATUS_DONE,
							  .attempts = 1,
							  .rows = rows,
							  .started = true,
							  .finished = true };
	d.step.operation_count = 1;
	return d;
}

static struct step *step_of(struct done *d)
{
	d->step.intent = &d->intent;
	d->step.outcome = &d->outcome;
	return &d->step;
}

/* As a connection does it, behind a commit that is owed, whose answer the server keeps until the
 * effect has ended. */
static enum outcome join_watched(struct place *p, const char *sql, const struct watch *watch,
				 int64_t *rows, struct error *err)
{
	struct postgres *session = store_session(p->s);
	PGresult *result;
	enum outcome o = postgres_join(session, "", str_c(sql), watch, err);
	while (o == OUTCOME_OK) {
		o = postgres_result(session, watch, &result, err);
		if (o != OUTCOME_OK || !result)
			break;
		if (postgres_result_failed(result))
			o = postgres_fail(session, result, err);
		else
			str_to_int(str_c(PQcmdTuples(result)), rows);
		PQclear(result);
	}
	return postgres_join_end(session, o, err);
}

static enum outcome join(struct place *p, const char *sql, int64_t *rows, struct error *err)
{
	return join_watched(p, sql, NULL, rows, err);
}

/* A run whose first operation is done, by a commit that is owed. */
static struct step first_is_owed(struct place *p)
{
	struct step run = started(p);
	struct done first = done_of(run, 0, -1);
	bool later;
	must(effect(p->s, "CREATE TABLE t (n INTEGER PRIMARY KEY)", err));
	must(store_begin(p->s, err));
	must(effect(p->s, "INSERT INTO t VALUES (0)", err));
	must(store_step_later(p->s, step_of(&first), &later, err));
	assert_true(later);
	must(store_begin(p->s, err));
	return run;
}

/* An effect of one row, with what is expected of it behind it. */
static void insert_and_expect(struct place *p, struct done *d)
{
	int64_t affected;
	store_expect(p->s, step_of(d));
	must(join(p, "INSERT INTO t VALUES (1)", &affected, err));
	must(store_wait(p->s, err));
}

static void begin_anew(struct place *p)
{
	store_close(p->s);
	p->s = NULL;
	wipe(p);
	must(store_open(&p->s, p->where, err));
}

static void expect_rows(struct place *p, int64_t rows)
{
	char sql[200];
	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM @effect e JOIN @operation o USING (operation_index) WHERE "
		 "number = 2 AND outcome = 'done' AND e.rows = %d AND o.rows = %d",
		 (int)rows, (int)rows);
	assert_int_equal(number_of(p, sql), 1);
}

/* Whether it was written before the step, and what the step is. */
static void as_expected_or_not(struct place *p, int64_t expected, int64_t rows)
{
	struct step run = first_is_owed(p);
	struct done second = done_of(run, 1, expected);
	char sql[100];
	int64_t affected = -1;
	bool later;
	snprintf(sql, sizeof(sql), "INSERT INTO t SELECT generate_series(1, %d)", (int)rows);
	store_expect(p->s, step_of(&second));
	must(join(p, sql, &affected, err));
	assert_int_equal(affected, rows);
	must(store_wait(p->s, err));
	/* It is in the transaction: nobody else sees it. */
	assert_int_equal(number_of(p, "SELECT count(*) FROM @effect"), 1);
	second = done_of(run, 1, rows);
	must(store_step_later(p->s, step_of(&second), &later, err));
	assert_true(later);
	must(store_wait(p->s, err));
	expect_rows(p, rows);
	assert_int_equal(row_of(p).current_operation_index, 2);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @operation WHERE status = 'done' AND "
				      "finished_at IS NOT NULL"),
			 2);
}

static void what_was_expected_is_written_once(void **state)
{
	as_expected_or_not(*state, 3, 3);
}

static void other_rows_than_expected_are_written(void **state)
{
	as_expected_or_not(*state, 1, 7);
}

static void an_operation_that_goes_on_has_not_ended(void **state)
{
	struct place *p = *state;
	struct step run = first_is_owed(p);
	struct done second = done_of(run, 1, 1);
	insert_and_expect(p, &second);
	second.step.current_operation_index = 1;
	second.step.operations[0].status = OPERATION_STATUS_RUNNING;
	second.step.operations[0].finished = false;
	second.step.set_checkpoint = true;
	second.step.checkpoint = STR("frames");
	must(store_step(p->s, step_of(&second), err));
	expect_rows(p, 1);
	assert_int_equal(row_of(p).current_operation_index, 1);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @operation WHERE operation_index = 1 "
				      "AND status = 'running' AND started_at IS NOT NULL AND "
				      "finished_at IS NULL"),
			 1);
	struct run_state r;
	must(store_load(p->s, run.run, &p->arena, &r, err));
	assert_str(r.checkpoint, "frames");
}

static void nothing_is_left_of_an_effect_that_failed(void **state)
{
	struct place *p = *state;
	struct step run = first_is_owed(p);
	struct done second = done_of(run, 1, 1);
	int64_t affected;
	store_expect(p->s, step_of(&second));
	must_refuse(OUTCOME_FAILED, "t_pkey", join(p, "INSERT INTO t VALUES (0)", &affected, err));
	must(store_wait(p->s, err));
	store_abort(p->s);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @effect"), 1);
	assert_int_equal(row_of(p).current_operation_index, 1);
	/* The session is as it was: another attempt. */
	second.intent.attempt = second.outcome.attempt = 2;
	must(store_begin(p->s, err));
	must(effect(p->s, "INSERT INTO t VALUES (1)", err));
	must(store_step(p->s, step_of(&second), err));
	expect_rows(p, 1);
}

static void nothing_runs_behind_a_commit_that_failed(void **state)
{
	struct place *p = *state;
	struct step run = first_is_owed(p);
	struct done second = done_of(run, 1, 1);
	int64_t affected;
	behind(p, "UPDATE @migration SET epoch = epoch + 1");
	store_expect(p->s, step_of(&second));
	must_refuse(OUTCOME_FAILED, "not run",
		    join(p, "INSERT INTO t VALUES (1)", &affected, err));
	must_refuse(OUTCOME_NOT_NOW, "another runner took", store_wait(p->s, err));
	store_abort(p->s);
	assert_int_equal(number_of(p, "SELECT count(*) FROM t"), 0);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @effect"), 0);
}

/* What was written behind the effect is refused: so is the commit, whenever that is seen. */
static void a_refusal_behind_the_effect_undoes_it(void **state)
{
	struct place *p = *state;
	struct step run = first_is_owed(p);
	struct done second = done_of(run, 1, 1);
	bool later;
	second.step.epoch++;
	insert_and_expect(p, &second);
	must(store_step_later(p->s, step_of(&second), &later, err));
	must_refuse(OUTCOME_NOT_NOW, "another runner took", store_wait(p->s, err));
	store_abort(p->s);
	assert_int_equal(number_of(p, "SELECT count(*) FROM t"), 1);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @effect"), 1);
}

/* The next effect is behind that commit in the pipeline. */
static void a_refusal_keeps_the_next_effect_from_running(void **state)
{
	struct place *p = *state;
	struct step run = first_is_owed(p);
	struct done second = done_of(run, 1, 1), third = done_of(run, 2, 1);
	int64_t affected;
	bool later;
	second.step.epoch++;
	insert_and_expect(p, &second);
	must(store_step_later(p->s, step_of(&second), &later, err));
	must(store_begin(p->s, err));
	store_expect(p->s, step_of(&third));
	must_refuse(OUTCOME_FAILED, "not run",
		    join(p, "INSERT INTO t VALUES (2)", &affected, err));
	must_refuse(OUTCOME_NOT_NOW, "another runner took", store_wait(p->s, err));
	store_abort(p->s);
	assert_int_equal(number_of(p, "SELECT count(*) FROM t"), 1);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @effect"), 1);
	must(store_step(p->s, &run, err));
}

/* A use of the session in between reads what is owed; a refusal is told by the step. */
static void the_session_may_be_used_before_the_step(void **state)
{
	for (int refused = 0; refused < 2; refused++) {
		struct place *p = *state;
		struct step run = first_is_owed(p);
		struct done second = done_of(run, 1, 1);
		second.step.epoch += refused;
		insert_and_expect(p, &second);
		assert_int_equal(postgres_settle(store_session(p->s)), !refused);
		if (refused) {
			must_refuse(OUTCOME_NOT_NOW, "another runner took",
				    store_step(p->s, step_of(&second), err));
		} else {
			must(store_step(p->s, step_of(&second), err));
			expect_rows(p, 1);
		}
		assert_int_equal(number_of(p, "SELECT count(*) FROM t"), refused ? 1 : 2);
		begin_anew(p);
	}
}

/* A cancel that comes when the effect has just ended meets what is behind it, or nothing. */
static void a_late_cancel_is_the_effects_failure_or_none(void **state)
{
	for (int met = 0; met < 2; met++) {
		struct place *p = *state;
		struct step run = first_is_owed(p);
		struct done second = done_of(run, 1, 1);
		struct postgres *session = store_session(p->s);
		int64_t affected;
		second.step.epoch += met; /* it fails as if it had been cancelled */
		store_expect(p->s, step_of(&second));
		session->cancelled_at = 1;
		if (met) {
			must_refuse(OUTCOME_FAILED, "canceled",
				    join(p, "INSERT INTO t VALUES (1)", &affected, err));
			must(store_wait(p->s, err));
			store_abort(p->s);
		} else {
			must(join(p, "INSERT INTO t VALUES (1)", &affected, err));
			must(store_wait(p->s, err));
			must(store_step(p->s, step_of(&second), err));
		}
		assert_int_equal(number_of(p, "SELECT count(*) FROM t"), met ? 1 : 2);
		assert_int_equal(number_of(p, "SELECT count(*) FROM @effect"), met ? 1 : 2);
		begin_anew(p);
	}
}

static enum watch_wish say_cancel(void *context UNUSED)
{
	return WATCH_CANCEL;
}

static void an_effect_that_is_cancelled_takes_along_what_is_behind_it(void **state)
{
	static const struct watch watch = { .ask = say_cancel };
	struct place *p = *state;
	struct step run = first_is_owed(p);
	struct done second = done_of(run, 1, 1);
	int64_t affected;
	store_expect(p->s, step_of(&second));
	must_refuse(OUTCOME_FAILED, "user request",
		    join_watched(p, "INSERT INTO t SELECT 1 FROM pg_sleep(20)", &watch, &affected,
				 err));
	must(store_wait(p->s, err));
	store_abort(p->s);
	/* The next attempt. */
	must(store_begin(p->s, err));
	store_expect(p->s, step_of(&second));
	must(effect(p->s, "INSERT INTO t VALUES (1)", err));
	must(store_step(p->s, step_of(&second), err));
	expect_rows(p, 1);
}

/* As many words of the server as fit into no socket's buffer, and rows that nobody wants. */
static void an_effect_that_says_much_is_heard_to_its_end(void **state)
{
	static const char much[] =
		"WITH said AS MATERIALIZED (SELECT n, say(n) FROM generate_series(1, 20000) AS n) "
		"SELECT n, repeat('x', 400) FROM said";
	struct place *p = *state;
	struct step run;
	struct done second;
	int64_t affected = -1;
	must(effect(p->s,
		    "CREATE FUNCTION say(n int) RETURNS void LANGUAGE plpgsql AS $$BEGIN "
		    "RAISE WARNING 'row % %', n, repeat('w', 400); END$$",
		    err));
	run = first_is_owed(p);
	second = done_of(run, 1, -1);
	store_expect(p->s, step_of(&second));
	must(join(p, much, &affected, err));
	must(store_wait(p->s, err));
	must(store_step(p->s, step_of(&second), err));
	expect_rows(p, -1);
}

/* The COMMIT refuses it, which goes out behind what was expected. */
static void a_deferred_constraint_undoes_all_of_it(void **state)
{
	struct place *p = *state;
	struct step run = first_is_owed(p);
	struct done second = done_of(run, 1, 1);
	int64_t affected;
	bool later;
	must(effect(p->s,
		    "CREATE TABLE u (n INTEGER REFERENCES t DEFERRABLE INITIALLY DEFERRED)", err));
	must(store_step_later(p->s, step_of(&second), &later, err));
	must(store_begin(p->s, err));
	second = done_of(run, 2, 1);
	store_expect(p->s, step_of(&second));
	must(join(p, "INSERT INTO u VALUES (7)", &affected, err));
	must(store_wait(p->s, err));
	must(store_step_later(p->s, step_of(&second), &later, err));
	must_refuse(OUTCOME_FAILED, "u_n_fkey", store_wait(p->s, err));
	store_abort(p->s);
	assert_int_equal(number_of(p, "SELECT count(*) FROM u"), 0);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @effect"), 2);
	assert_int_equal(row_of(p).current_operation_index, 2);
}

static void a_lost_session_has_written_nothing(void **state)
{
	struct place *p = *state;
	struct step run = first_is_owed(p);
	struct done second = done_of(run, 1, 1);
	int64_t affected;
	store_expect(p->s, step_of(&second));
	must_refuse(OUTCOME_UNREACHABLE, "terminating",
		    join(p, "SELECT pg_terminate_backend(pg_backend_pid())", &affected, err));
	must(store_wait(p->s, err));
	store_abort(p->s);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @effect"), 1);
	must(store_begin(p->s, err));
	must(effect(p->s, "INSERT INTO t VALUES (1)", err));
	must(store_step(p->s, step_of(&second), err));
	expect_rows(p, 1);
}

/* What the session has prepared is gone: what was sent behind the effect is refused, and with it
 * the effect. Made anew, it and what comes after it go as ever. */
static void an_effect_that_drops_what_is_prepared_is_refused_once(void **state)
{
	static const char drop[] = "DO $$BEGIN EXECUTE 'DEALLOCATE ALL'; END$$";
	struct place *p = *state;
	struct step run = first_is_owed(p);
	struct done second = done_of(run, 1, 1), third = done_of(run, 2, -1), fourth;
	int64_t affected;
	bool later;
	insert_and_expect(p, &second);
	must(store_step_later(p->s, step_of(&second), &later, err));
	must(store_begin(p->s, err));
	store_expect(p->s, step_of(&third));
	must(join(p, drop, &affected, err));
	must(store_wait(p->s, err));
	must(store_step_later(p->s, step_of(&third), &later, err));
	must_refuse(OUTCOME_UNREACHABLE, "does not exist", store_wait(p->s, err));
	store_abort(p->s);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @effect"), 2);

	must(store_begin(p->s, err));
	store_expect(p->s, step_of(&third));
	must(effect(p->s, drop, err));
	must(store_step_later(p->s, step_of(&third), &later, err));
	must(store_begin(p->s, err));
	fourth = done_of(run, 2, 1);
	fourth.intent.number = fourth.outcome.number = 4;
	must(join(p, "INSERT INTO t VALUES (3)", &affected, err));
	must(store_wait(p->s, err));
	must(store_step(p->s, step_of(&fourth), err));
	assert_int_equal(number_of(p, "SELECT count(*) FROM @effect"), 4);
}

/* That the session is gone shows before the step: nothing has happened, and no effect has ended the
 * transaction. */
static void a_session_lost_before_the_step_is_no_effects_fault(void **state)
{
	for (int joined = 0; joined < 2; joined++) {
		struct place *p = *state;
		struct step run = first_is_owed(p);
		struct done second = done_of(run, 1, 1);
		int64_t affected;
		struct error e = { 0 };
		if (joined) {
			store_expect(p->s, step_of(&second));
			must(join(p, "INSERT INTO t VALUES (1)", &affected, err));
		} else {
			must(effect(p->s, "INSERT INTO t VALUES (1)", err));
		}
		must(store_wait(p->s, err));
		behind(p, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
			  "application_name = 'amig' AND datname = current_database()");
		must_refuse(OUTCOME_UNREACHABLE, "", effect(p->s, "SELECT 1", err));
		assert_int_equal(store_step(p->s, step_of(&second), &e), OUTCOME_UNREACHABLE);
		assert_int_equal(e.class, ERROR_TRANSIENT);
		error_clear(&e);
		assert_int_equal(number_of(p, "SELECT count(*) FROM t"), 1);
		must(store_begin(p->s, err));
		must(effect(p->s, "INSERT INTO t VALUES (1)", err));
		must(store_step(p->s, step_of(&second), err));
		expect_rows(p, 1);
		begin_anew(p);
	}
}

/* Or not at all. */
static void what_is_owed_when_the_store_is_closed_is_whole(void **state)
{
	struct place *p = *state;
	struct step run = first_is_owed(p);
	struct done second = done_of(run, 1, 1);
	bool later;
	insert_and_expect(p, &second);
	must(store_step_later(p->s, step_of(&second), &later, err));
	reopen(p);
	must(store_step(p->s, &run, err));
	assert_int_equal(number_of(p, "SELECT count(*) FROM t"),
			 number_of(p, "SELECT count(*) FROM @effect"));
	assert_int_equal(number_of(p, "SELECT count(*) FROM t"),
			 row_of(p).current_operation_index);
}

/* However late the step comes: who counts from there is wrong. */
static void the_lease_lasts_from_the_effects_end(void **state)
{
	enum { LEASE_MS = 10000, PAUSE_US = 40000, SLACK_MS = 5 };
	struct place *p = *state;
	struct step run = first_is_owed(p);
	struct done second = done_of(run, 1, 1);
	store_set_lease(p->s, LEASE_MS);
	insert_and_expect(p, &second);
	usleep(PAUSE_US);
	must(store_step(p->s, step_of(&second), err));
	assert_true(row_of(p).lease_left_ms <= LEASE_MS - PAUSE_US / 1000 + SLACK_MS);
}

/* SQLite, and an effect that is not joined, write it all by the step. */
static void it_need_not_be_sent(void **state)
{
	struct place *p = *state;
	struct step run = started(p);
	struct done first = done_of(run, 0, 1);
	must(effect(p->s, "CREATE TABLE t (n INTEGER)", err));
	must(store_begin(p->s, err));
	store_expect(p->s, step_of(&first));
	must(effect(p->s, "INSERT INTO t VALUES (1)", err));
	first.outcome.rows = 4;
	must(store_step(p->s, step_of(&first), err));
	assert_int_equal(number_of(p, "SELECT rows FROM @effect"), 4);
	/* And does not go out with a later one. */
	must(store_begin(p->s, err));
	must(effect(p->s, "INSERT INTO t VALUES (2)", err));
	store_abort(p->s);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @effect"), 1);
}

/* Not when the effect has ended, which may be days later. */
static void the_commit_before_an_effect_that_lasts_is_told_at_once(void **state)
{
	struct place *p = *state;
	struct step run = first_is_owed(p);
	struct done second = done_of(run, 1, -1);
	struct postgres *session = store_session(p->s);
	PGconn *other = PQconnectdb(p->where);
	PGresult *result;
	/* If it were told at the end: the lock goes with its session then. */
	PQclear(PQexec(other, "SET idle_session_timeout = '5s'"));
	PQclear(PQexec(other, "SELECT pg_advisory_lock(1)"));
	must(postgres_join(session, "", STR("SELECT pg_advisory_lock(1)"), NULL, err));
	must(store_wait(p->s, err));
	assert_int_equal(number_of(p, "SELECT current_operation_index FROM @migration"), 1);
	result = PQexec(other, "SELECT pg_advisory_unlock(1)");
	assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
	PQclear(result);
	PQfinish(other);
	do {
		must(postgres_result(session, NULL, &result, err));
		PQclear(result);
	} while (result);
	must(postgres_join_end(session, OUTCOME_OK, err));
	must(store_step(p->s, step_of(&second), err));
	assert_int_equal(row_of(p).current_operation_index, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONLY(what_was_expected_is_written_once, DIALECT_POSTGRES),
		ONLY(other_rows_than_expected_are_written, DIALECT_POSTGRES),
		ONLY(an_operation_that_goes_on_has_not_ended, DIALECT_POSTGRES),
		ONLY(nothing_is_left_of_an_effect_that_failed, DIALECT_POSTGRES),
		ONLY(nothing_runs_behind_a_commit_that_failed, DIALECT_POSTGRES),
		ONLY(a_refusal_behind_the_effect_undoes_it, DIALECT_POSTGRES),
		ONLY(a_refusal_keeps_the_next_effect_from_running, DIALECT_POSTGRES),
		ONLY(the_session_may_be_used_before_the_step, DIALECT_POSTGRES),
		ONLY(a_late_cancel_is_the_effects_failure_or_none, DIALECT_POSTGRES),
		ONLY(an_effect_that_is_cancelled_takes_along_what_is_behind_it, DIALECT_POSTGRES),
		ONLY(an_effect_that_says_much_is_heard_to_its_end, DIALECT_POSTGRES),
		ONLY(a_deferred_constraint_undoes_all_of_it, DIALECT_POSTGRES),
		ONLY(a_lost_session_has_written_nothing, DIALECT_POSTGRES),
		ONLY(an_effect_that_drops_what_is_prepared_is_refused_once, DIALECT_POSTGRES),
		ONLY(a_session_lost_before_the_step_is_no_effects_fault, DIALECT_POSTGRES),
		ONLY(what_is_owed_when_the_store_is_closed_is_whole, DIALECT_POSTGRES),
		ONLY(the_lease_lasts_from_the_effects_end, DIALECT_POSTGRES),
		BOTH(it_need_not_be_sent),
		ONLY(the_commit_before_an_effect_that_lasts_is_told_at_once, DIALECT_POSTGRES),
	};
	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
