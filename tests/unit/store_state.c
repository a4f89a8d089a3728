/* store_state.c - what the store keeps, the same in PostgreSQL and in SQLite */
#include "tests/unit/store_fixture.h"
#include "vm/base/os.h"

/* ---- tables ---- */

static void tables_are_made_once_and_kept(void **state)
{
	struct place *p = *state;
	must(store_set_setting(p->s, STR("auto_rollback"), STR("off"), err));
	int64_t version = number_of(p, "SELECT version FROM @store");
	reopen(p);
	struct str value;
	bool found;
	must(store_setting(p->s, STR("auto_rollback"), &p->arena, &value, &found, err));
	assert_true(found);
	assert_str(value, "off");
	assert_int_equal(number_of(p, "SELECT version FROM @store"), version);
}

static void a_row_is_registered_once_and_follows_the_bundle(void **state)
{
	struct place *p = *state;
	struct migration_row row, *rows;
	bool found;
	size_t count;
	must(store_migration(p->s, NAME, &p->arena, &row, &found, err));
	assert_false(found);
	must(store_register(p->s, STR("0002_later"), STR("Later"), STR("2.0.0"), STR("3.0.0"),
			    err));
	must(store_register(p->s, NAME,
			    STR("An ex\xff"
				"ample"),
			    STR("1.0.0"), STR("1.9.0"), err));
	row = row_of(p);
	assert_str(row.description, "An ex\xef\xbf\xbd"
				    "ample");
	assert_int_equal(row.status, STATUS_NOT_STARTED);
	assert_int_equal(row.started_at, 0);
	assert_int_equal(row.current_run, 0);
	must(store_register(p->s, NAME, STR("Better"), STR("1.0.0"), STR("1.10.0"), err));
	must(store_migrations(p->s, &p->arena, &rows, &count, err));
	assert_int_equal(count, 2);
	assert_str(rows[0].description, "Better");
	assert_str(rows[0].max_version, "1.10.0");
	assert_str(rows[1].name, "0002_later");
}

/* ---- claim ---- */

static void a_claim_raises_the_epoch_and_names_the_owner(void **state)
{
	struct place *p = *state;
	int64_t epoch;
	must(store_register(p->s, NAME, STR(""), STR(""), STR(""), err));
	struct migration_row before = row_of(p), none = { .name = STR("0009") };
	must(claim(p->s, NAME, 1u << STATUS_NOT_STARTED, STATUS_STARTING, 1, "host:7", &epoch,
		   err));
	assert_int_equal(epoch, 1);
	struct migration_row row = row_of(p);
	assert_int_equal(row.epoch, 1);
	assert_int_equal(row.status, STATUS_STARTING);
	assert_str(row.lease_owner, "host:7");
	must_refuse(OUTCOME_NOT_NOW, "is 'Starting', taken by host:7",
		    store_claim_read(p->s, &before, STATUS_STARTING, 1, "host:8", CLAIM_FROM_DEAD,
				     &epoch, err));
	must_refuse(OUTCOME_USAGE, "no migration '0009'",
		    store_claim_read(p->s, &none, STATUS_STARTING, 1, "host:8", CLAIM_FROM_DEAD,
				     &epoch, err));
	/* What was left by a runner that died may be claimed by whoever says so. */
	must(claim(p->s, NAME, 1u << STATUS_STARTING, STATUS_RUNNING, 1, "host:8", &epoch, err));
	assert_int_equal(epoch, 2);
	assert_int_equal(row_of(p).status, STATUS_RUNNING);
}

static void a_claim_by_what_was_read_fails_when_something_was_done_since(void **state)
{
	struct place *p = *state;
	int64_t epoch, ours;
	must(store_register(p->s, NAME, STR(""), STR(""), STR(""), err));
	struct migration_row read = row_of(p);
	must(store_claim_read(p->s, &read, STATUS_STARTING, 1, "host:7", CLAIM_FROM_DEAD, &epoch,
			      err));
	read.status = STATUS_STARTING;
	must_refuse(OUTCOME_NOT_NOW, "another process works on migration 0001_example",
		    store_claim_read(p->s, &read, STATUS_STARTING, 1, "host:8", CLAIM_FROM_DEAD,
				     &ours, err));
	must(store_settle(p->s, NAME, epoch, STATUS_NOT_STARTED, 0, NULL, NULL, err));
	struct step step = started(p);
	read = row_of(p);
	step.set_migration = true;
	step.status = STATUS_RUNNING;
	step.current_query_id = "amig:1.1:0:1:1";
	must(store_step(p->s, &step, err));
	must_refuse(OUTCOME_NOT_NOW, "at this moment: host:1",
		    store_claim_read(p->s, &read, STATUS_RUNNING, 1, "host:8", CLAIM_FROM_DEAD,
				     &ours, err));
	must(store_step(p->s, &step, err));
	read = row_of(p);
	must(store_claim_read(p->s, &read, STATUS_RUNNING, 1, "host:8", CLAIM_FROM_DEAD, &ours,
			      err));
	assert_int_equal(ours, step.epoch + 1);
}

static void at_most_max_running_are_claimed(void **state)
{
	struct place *p = *state;
	int64_t epoch;
	started(p);
	must(store_register(p->s, STR("0002_later"), STR(""), STR(""), STR(""), err));
	must_refuse(OUTCOME_NOT_NOW, "migration 0001_example is running, and at most 1 may run",
		    claim(p->s, STR("0002_later"), FROM_ANY, STATUS_STARTING, 1, "o", &epoch, err));
	must(claim(p->s, STR("0002_later"), FROM_ANY, STATUS_STARTING, 2, "o", &epoch, err));
}

static void a_settled_migration_is_free_again(void **state)
{
	struct place *p = *state;
	int64_t epoch;
	struct error_row e = { .operation_index = -1, .description = STR("no room") };
	must(store_register(p->s, NAME, STR(""), STR(""), STR(""), err));
	must(claim(p->s, NAME, FROM_ANY, STATUS_STARTING, 1, "o", &epoch, err));
	must_refuse(OUTCOME_NOT_NOW, "took the migration over",
		    store_settle(p->s, NAME, epoch + 1, STATUS_COMPLETED, 100, &e, NULL, err));
	must(store_settle(p->s, NAME, epoch, STATUS_FAILED_AT_STARTUP, 0, &e, NULL, err));
	struct migration_row row = row_of(p);
	assert_int_equal(row.status, STATUS_FAILED_AT_STARTUP);
	assert_str(row.lease_owner, "");
	assert_true(row.finished_at > 0);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @error"), 1);
}

/* ---- a run ---- */

static void a_run_is_read_back_as_it_was_stored(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	struct run_state r;
	int64_t now = os_wall_us();
	reopen(p);
	must(store_load(p->s, step.run, &p->arena, &r, err));
	assert_str(r.run.migration, "0001_example");
	assert_str(r.run.app_version, "1.2.3");
	assert_true(hash_eq(r.run.module_hash, hash_of(STR("identity"))));
	assert_true(str_eq(r.run.params, STR("\0params")));
	assert_str(r.run.frozens, "frozens");
	assert_true(str_eq(r.module_image, IMAGE));
	assert_int_equal((uintptr_t)r.module_image.ptr % 8, 0);
	assert_int_equal(r.run.phase, PHASE_FORWARD);
	assert_int_equal(r.run.next_effect, 1);
	assert_int_equal(r.open_effect.number, 0);
	assert_int_equal(r.checkpoint.len, 0);
	assert_true(r.run.started_at > now - 60000000 && r.run.started_at < now + 60000000);
	assert_int_equal(r.run.operation_count, PLAN_COUNT);
	for (size_t i = 0; i < PLAN_COUNT; i++) {
		assert_int_equal(r.plan[i].index, i);
		assert_true(str_eq(r.plan[i].label, plan_of_three[i].label));
		assert_int_equal(r.plan[i].operation, plan_of_three[i].operation);
		assert_true(str_eq(r.plan[i].options, plan_of_three[i].options));
		assert_true(str_eq(r.plan[i].captures, plan_of_three[i].captures));
		assert_true(str_eq(r.plan[i].connection, plan_of_three[i].connection));
		assert_int_equal(r.plan[i].status, OPERATION_STATUS_PENDING);
		assert_int_equal(r.plan[i].rows, -1);
	}
	struct migration_row row = row_of(p);
	assert_int_equal(row.status, STATUS_RUNNING);
	assert_int_equal(row.current_run, step.run);
	assert_true(hash_eq(row.module_hash, r.run.module_hash));
}

static void a_plan_of_thousands_is_kept(void **state)
{
	struct place *p = *state;
	enum { COUNT = 3000 };
	static struct operation_row plan[COUNT];
	int64_t epoch;
	struct run_state r;
	struct run_row run = { .migration = NAME, .operation_count = COUNT };
	for (int64_t i = 0; i < COUNT; i++)
		plan[i] = (struct operation_row){ .index = i,
						  .label = STR("one of many"),
						  .rows = -1 };
	must(store_register(p->s, NAME, STR(""), STR(""), STR(""), err));
	must(claim(p->s, NAME, FROM_ANY, STATUS_STARTING, 1, "o", &epoch, err));
	must_refuse(OUTCOME_NOT_NOW, "took the migration over",
		    store_start(p->s, &run, IMAGE, plan, epoch - 1, err));
	assert_int_equal(number_of(p, "SELECT count(*) FROM @operation"), 0);
	must(store_start(p->s, &run, IMAGE, plan, epoch, err));
	must(store_load(p->s, run.id, &p->arena, &r, err));
	assert_int_equal(r.run.operation_count, COUNT);
	assert_int_equal(r.plan[COUNT - 1].index, COUNT - 1);
}

/* ---- steps ---- */

static void a_step_writes_all_its_parts(void **state)
{
	struct place *p = *state;
	struct run_state r;
	struct step step = started(p);
	struct effect_intent intent = {
		.number = 1,
		.operation_index = 0,
		.attempt = 1,
		.query_id = "amig-1-0-1-1",
		.sql = STR("ALTER …"),
		.connection = STR("db"),
	};
	step.intent = &intent;
	step.operation_count = 1;
	step.operations[0] =
		(struct operation_change){ 0, OPERATION_STATUS_RUNNING, 1, -1, true, false, 0 };
	step.set_migration = true;
	step.status = STATUS_RUNNING;
	step.current_query_id = "amig-1-0-1-1";
	must(store_step(p->s, &step, err));
	must(store_load(p->s, step.run, &p->arena, &r, err));
	assert_int_equal(r.open_effect.number, 1);
	assert_str(r.open_effect.query_id, "amig-1-0-1-1");
	assert_str(r.open_effect.sql, "ALTER …");
	assert_str(r.open_effect.connection, "db");
	assert_true(r.open_effect.intent_at > 0);
	assert_int_equal(r.plan[0].status, OPERATION_STATUS_RUNNING);
	assert_true(r.plan[0].started_at > 0);
	assert_int_equal(r.plan[0].finished_at, 0);

	struct effect_outcome outcome = { .number = 1, .attempt = 1, .ok = true, .rows = 42 };
	struct effect_intent second = intent;
	second.number = 2;
	second.operation_index = 1;
	second.query_id = "amig-1-1-2-1";
	step.outcome = &outcome;
	step.intent = &second;
	step.operation_count = 2;
	step.operations[0] =
		(struct operation_change){ 0, OPERATION_STATUS_DONE, 1, 42, false, true, 0 };
	step.operations[1] =
		(struct operation_change){ 1, OPERATION_STATUS_RUNNING, 1, -1, true, false, 0 };
	step.set_checkpoint = true;
	step.checkpoint = STR("\0frames\xff");
	step.progress = 33;
	step.current_operation_index = 1;
	step.current_query_id = NULL;
	must(store_step(p->s, &step, err));
	reopen(p);
	must(store_load(p->s, step.run, &p->arena, &r, err));
	assert_true(str_eq(r.checkpoint, STR("\0frames\xff")));
	assert_int_equal(r.open_effect.number, 2);
	assert_int_equal(r.run.next_effect, 3);
	assert_int_equal(r.plan[0].status, OPERATION_STATUS_DONE);
	assert_int_equal(r.plan[0].rows, 42);
	assert_true(r.plan[0].finished_at >= r.plan[0].started_at);
	struct migration_row row = row_of(p);
	assert_int_equal(row.progress, 33);
	assert_int_equal(row.current_operation_index, 1);
	assert_str(row.current_query_id, "amig-1-0-1-1");
}

static void what_is_said_of_an_open_effect_is_kept_until_it_ends(void **state)
{
	struct place *p = *state;
	struct run_state r;
	struct migration_row row;
	struct step step = started(p);
	struct effect_intent intent = { 1, 0, 1, false, "q", STR("ALTER"), STR("db") };
	struct effect_outcome outcome = { .number = 1, .attempt = 1, .ok = true, .rows = -1 };
	const struct event_row event = { STR("resolved"), STR("me here"), STR("it has"), 0 };
	bool found;

	step.intent = &intent;
	must(store_step(p->s, &step, err));
	must(store_load(p->s, step.run, &p->arena, &r, err));
	assert_int_equal(r.open_effect.said, SAID_NOTHING);
	must(store_migration(p->s, step.migration, &p->arena, &row, &found, err));
	must(store_say(p->s, &row, &r.open_effect, SAID_DONE, &event, err));
	must(store_load(p->s, step.run, &p->arena, &r, err));
	assert_int_equal(r.open_effect.said, SAID_DONE);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @event WHERE who = 'me here'"), 1);
	/* Who has read the row before, or had the run, is too late. */
	must_refuse(OUTCOME_NOT_NOW, "", store_say(p->s, &row, &r.open_effect, SAID_AGAIN, &event,
						   err));
	step.intent = NULL;
	step.outcome = &outcome;
	must_refuse(OUTCOME_NOT_NOW, "", store_step(p->s, &step, err));
	step.epoch++;
	must(store_step(p->s, &step, err));
	must(store_load(p->s, step.run, &p->arena, &r, err));
	assert_int_equal(r.open_effect.number, 0);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @effect WHERE error_code = ''"), 1);
	/* What has ended is not spoken of. */
	row.epoch++;
	r.open_effect = (struct effect_row){ .number = 1, .attempt = 1 };
	must_refuse(OUTCOME_DAMAGED, "", store_say(p->s, &row, &r.open_effect, SAID_AGAIN, &event,
						   err));
	assert_int_equal(number_of(p, "SELECT count(*) FROM @event WHERE who = 'me here'"), 1);
}

static void the_journal_keeps_every_attempt(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	struct effect_intent intent = {
		.number = 1, .attempt = 1, .query_id = "q1", .sql = STR("S"), .backward = true
	};
	struct effect_outcome failed = { .number = 1,
					 .attempt = 1,
					 .rows = -1,
					 .error_code = STR("57014"),
					 .error_text = STR("bad \xff\0 text") };
	struct effect_record *journal;
	struct run_state r;
	size_t count;
	step.intent = &intent;
	must(store_step(p->s, &step, err));
	step.outcome = &failed;
	step.intent = &(struct effect_intent){
		.number = 1, .attempt = 2, .query_id = "q2", .sql = STR("S")
	};
	must(store_step(p->s, &step, err));
	must(store_load(p->s, step.run, &p->arena, &r, err));
	assert_int_equal(r.open_effect.number, 1);
	assert_int_equal(r.open_effect.attempt, 2);
	step.outcome = &(struct effect_outcome){ .number = 1, .attempt = 2, .ok = true, .rows = 0 };
	step.intent = NULL;
	must(store_step(p->s, &step, err));
	/* Inside the store's own transaction: intent and outcome in one. */
	step.outcome = &(struct effect_outcome){ .number = 2, .attempt = 1, .ok = true, .rows = 5 };
	step.intent = &(struct effect_intent){
		.number = 2, .attempt = 1, .query_id = "q3", .sql = STR("T")
	};
	must(store_step(p->s, &step, err));
	must(store_effects(p->s, step.run, &p->arena, &journal, &count, err));
	assert_int_equal(count, 3);
	assert_true(journal[0].ended && !journal[0].ok && journal[0].effect.backward);
	assert_str(journal[0].error_code, "57014");
	assert_str(journal[0].error_text, "bad \xef\xbf\xbd\xef\xbf\xbd text");
	assert_true(journal[1].ok && journal[1].effect.attempt == 2 && !journal[1].effect.backward);
	assert_int_equal(journal[2].rows, 5);
	assert_true(journal[2].outcome_at >= journal[2].effect.intent_at &&
		    journal[2].effect.intent_at > 0);
	/* An effect ends once. */
	step.intent = NULL;
	must_refuse(OUTCOME_DAMAGED, "has an outcome already", store_step(p->s, &step, err));
}

static void a_long_statement_is_kept_by_its_beginning(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	struct buf sql = { 0 };
	for (int i = 0; i < 100000; i++)
		buf_text(&sql, "ééé");
	step.intent = &(struct effect_intent){
		.number = 1, .attempt = 1, .query_id = "q", .sql = buf_view(&sql)
	};
	must(store_step(p->s, &step, err));
	struct run_state r;
	must(store_load(p->s, step.run, &p->arena, &r, err));
	assert_true(r.open_effect.sql.len < 263000 &&
		    str_ends(r.open_effect.sql, STR("… (600000 bytes in all)")));
	buf_clear(&sql);
}

static void a_step_of_a_runner_that_lost_the_run_writes_nothing(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	int64_t epoch;
	struct event_row event = { .kind = STR("done") };
	struct effect_intent intent = { .number = 9, .query_id = "" };
	must(effect(p->s, "CREATE TABLE t (n INTEGER)", err));
	must(claim(p->s, NAME, FROM_ANY, STATUS_RUNNING, 1, "host:2", &epoch, err));
	step.event = &event;
	step.intent = &intent;
	for (int with_row = 0; with_row < 2; with_row++) {
		for (int begun = 0; begun < 2; begun++) {
			if (begun) {
				must(store_begin(p->s, err));
				must(effect(p->s, "INSERT INTO t VALUES (1)", err));
			}
			step.set_migration = with_row;
			step.status = STATUS_COMPLETED;
			step.operation_count = 1;
			step.operations[0].status = OPERATION_STATUS_DONE;
			must_refuse(OUTCOME_NOT_NOW, "another runner took",
				    store_step(p->s, &step, err));
		}
	}
	assert_int_equal(number_of(p, "SELECT count(*) FROM t"), 0);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @event"), 0);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @effect"), 0);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @operation WHERE status = 'done'"), 0);
	step.epoch = epoch;
	must(store_step(p->s, &step, err));
	assert_str(row_of(p).lease_owner, "");
}

static void effect_and_state_are_one_transaction(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	struct error e = { 0 };
	must(effect(p->s, "CREATE TABLE t (n INTEGER PRIMARY KEY)", err));
	step.set_checkpoint = true;
	for (int64_t i = 1; i <= 50; i++) {
		char sql[64];
		struct effect_outcome outcome = {
			.number = i, .attempt = 1, .ok = true, .rows = 1
		};
		struct effect_intent intent = { .number = i, .attempt = 1, .query_id = "q" };
		snprintf(sql, sizeof(sql), "INSERT INTO t VALUES (%d)", (int)i);
		step.outcome = &outcome;
		step.intent = &intent;
		must(store_begin(p->s, err));
		must(effect(p->s, sql, err));
		if (i % 5 == 0) { /* given up, then done anew */
			store_abort(p->s);
			must(store_begin(p->s, err));
			assert_int_not_equal(effect(p->s, "INSERT INTO t VALUES (1)", &e),
					     OUTCOME_OK);
			store_abort(p->s);
			must(store_begin(p->s, err));
			must(effect(p->s, sql, err));
		}
		must(store_step(p->s, &step, err));
	}
	error_clear(&e);
	assert_int_equal(number_of(p, "SELECT count(*) FROM t"), 50);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @effect WHERE outcome = 'done'"), 50);
	/* Nothing between begin and step, or between begin and abort. */
	step.intent = NULL;
	step.outcome = NULL;
	must(store_begin(p->s, err));
	must(store_step(p->s, &step, err));
	must(store_begin(p->s, err));
	store_abort(p->s);
	must(store_step(p->s, &step, err));
}

static void an_effect_that_ends_the_transaction_is_told(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	struct error e = { 0 };
	must(store_begin(p->s, err));
	must(effect(p->s, "COMMIT", err));
	assert_int_equal(store_step(p->s, &step, &e), OUTCOME_FAILED);
	assert_int_equal(e.class, ERROR_UNKNOWN);
	assert_non_null(e.hint);
	error_clear(&e);
	must(store_step(p->s, &step, err));
}

static void a_commit_that_the_effect_spoils_is_the_effects_failure(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	must(effect(p->s, "CREATE TABLE a (n INTEGER PRIMARY KEY)", err));
	must(effect(p->s, "CREATE TABLE b (n INTEGER REFERENCES a DEFERRABLE INITIALLY DEFERRED)",
		    err));
	must(store_begin(p->s, err));
	must(effect(p->s, "INSERT INTO b VALUES (7)", err));
	step.event = &(struct event_row){ .kind = STR("done") };
	struct error e = { 0 };
	assert_int_equal(store_step(p->s, &step, &e), OUTCOME_FAILED);
	assert_int_equal(e.class, ERROR_PERMANENT);
	error_clear(&e);
	assert_int_equal(number_of(p, "SELECT count(*) FROM b"), 0);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @event"), 0);
	must(store_step(p->s, &step, err));
}

static void the_end_of_a_run_is_kept(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	struct error_row *errors;
	struct event_row *events;
	size_t count;
	struct run_state r;
	step.set_phase = true;
	step.phase = PHASE_ENDED;
	step.set_migration = step.set_finished = true;
	step.status = STATUS_ERRORED;
	step.progress = 40;
	step.current_operation_index = 2;
	step.error = &(struct error_row){
		2, STR("it failed"), STR("23505"), STR("INSERT"), STR("q-1"), 0
	};
	step.event = &(struct event_row){ STR("errored"), STR("host:1"), STR("…"), 0 };
	must(store_step(p->s, &step, err));
	step.error = &(struct error_row){ -1, STR("again"), STR(""), STR(""), STR(""), 0 };
	must(store_step(p->s, &step, err));
	must(store_add_event(p->s, NAME, &(struct event_row){ STR("note"), STR("me"), STR(""), 0 },
			     err));
	must(store_errors(p->s, NAME, &p->arena, &errors, &count, err));
	assert_int_equal(count, 2);
	assert_str(errors[0].description, "again");
	assert_int_equal(errors[0].operation_index, -1);
	assert_str(errors[1].code, "23505");
	assert_str(errors[1].sql, "INSERT");
	assert_true(errors[1].created_at > 0);
	must(store_events(p->s, NAME, &p->arena, &events, &count, err));
	assert_int_equal(count, 3);
	assert_str(events[0].kind, "note");
	assert_true(row_of(p).finished_at > 0);
	must(store_load(p->s, step.run, &p->arena, &r, err));
	assert_int_equal(r.run.phase, PHASE_ENDED);
	assert_true(r.run.finished_at > 0);
	/* The next one begins with a clean row. */
	struct step second = started(p);
	assert_int_equal(second.run, step.run + 1);
	assert_int_equal(row_of(p).finished_at, 0);
	assert_int_equal(row_of(p).progress, 0);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @blob"), 1);
}

static void parameters_and_settings_are_replaced(void **state)
{
	struct place *p = *state;
	struct str(*pairs)[2], value;
	size_t count;
	bool found;
	must(store_setting(p->s, STR("x"), &p->arena, &value, &found, err));
	assert_false(found);
	must(store_set_setting(p->s, STR("x"), STR("1"), err));
	must(store_set_setting(p->s, STR("x"), STR("2"), err));
	must(store_setting(p->s, STR("x"), &p->arena, &value, &found, err));
	assert_str(value, "2");
	must(store_add_setting(p->s, STR("x"), STR("3"), err));
	must(store_add_setting(p->s, STR("y"), STR("4"), err));
	must(store_setting(p->s, STR("x"), &p->arena, &value, &found, err));
	assert_str(value, "2");
	must(store_setting(p->s, STR("y"), &p->arena, &value, &found, err));
	assert_str(value, "4");
	must(store_set_parameter(p->s, NAME, STR("rows"), STR("10"), err));
	must(store_set_parameter(p->s, NAME, STR("Table"), STR("\"t\""), err));
	must(store_set_parameter(p->s, NAME, STR("rows"), STR("20"), err));
	must(store_parameters(p->s, NAME, &p->arena, &pairs, &count, err));
	assert_int_equal(count, 2);
	assert_str(pairs[0][0], "Table");
	assert_str(pairs[1][1], "20");
}

static void what_an_operator_tunes_is_kept_with_its_event(void **state)
{
	struct place *p = *state;
	const struct migration_row row = { .name = NAME, .current_run = 7 };
	const struct tuned_row set[] = { { STR(STORE_TUNED "size"), STR("10") },
					 { STR(STORE_TUNED "target"), STR("2s") } };
	const struct tuned_row dropped = { STR(STORE_TUNED "size"), STR("") };
	const struct event_row event = { .kind = STR("tuned"), .who = STR("me"),
					 .detail = STR("size") };
	struct str(*pairs)[2];
	struct event_row *events;
	size_t count;

	must(store_set_parameter(p->s, NAME, STR("rows"), STR("10"), err));
	must(store_tune(p->s, &row, set, 2, &event, err));
	must(store_tune(p->s, &row, &dropped, 1, &event, err));
	must(store_parameters(p->s, NAME, &p->arena, &pairs, &count, err));
	assert_int_equal(count, 2);
	assert_str(pairs[0][0], STORE_TUNED "target");
	assert_str(pairs[0][1], "2s");
	assert_str(pairs[1][0], "rows");
	must(store_events(p->s, NAME, &p->arena, &events, &count, err));
	assert_int_equal(count, 2);
	assert_str(events[0].who, "me");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(tables_are_made_once_and_kept),
		BOTH(a_row_is_registered_once_and_follows_the_bundle),
		BOTH(a_claim_raises_the_epoch_and_names_the_owner),
		BOTH(a_claim_by_what_was_read_fails_when_something_was_done_since),
		BOTH(at_most_max_running_are_claimed),
		BOTH(a_settled_migration_is_free_again),
		BOTH(a_run_is_read_back_as_it_was_stored),
		BOTH(a_plan_of_thousands_is_kept),
		BOTH(a_step_writes_all_its_parts),
		BOTH(what_is_said_of_an_open_effect_is_kept_until_it_ends),
		BOTH(the_journal_keeps_every_attempt),
		BOTH(a_long_statement_is_kept_by_its_beginning),
		BOTH(a_step_of_a_runner_that_lost_the_run_writes_nothing),
		BOTH(effect_and_state_are_one_transaction),
		BOTH(an_effect_that_ends_the_transaction_is_told),
		BOTH(a_commit_that_the_effect_spoils_is_the_effects_failure),
		BOTH(the_end_of_a_run_is_kept),
		BOTH(parameters_and_settings_are_replaced),
		BOTH(what_an_operator_tunes_is_kept_with_its_event),
	};
	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
