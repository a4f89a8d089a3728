/* store_refusal.c - states that make no sense are refused, and a database that fails loses
 * nothing */
#include "tests/unit/store_fixture.h"
#include <sys/mount.h>
#include <sys/stat.h>

/* ---- damage ---- */

/* After a run at operation 1 of 3 with a checkpoint and an open effect, and the run of another
 * migration. */
static const struct damage {
	const char *name;
	const char *sql; /* %RUN%: the run's number; the other run is the next one */
	const char *words; /* the refusal names table, column and what is wrong */
} damages[] = {
	{ "an unknown status",
	  "UPDATE @migration SET status = 'runing' WHERE name = '0001_example'",
	  "row name = '0001_example': column status: 'runing' is unknown; it is one of "
	  "not_started, starting" },
	{ "a progress beyond the end",
	  "UPDATE @migration SET progress = 101 WHERE name = '0001_example'",
	  "column progress: 101 is not between 0 and 100" },
	{ "a negative index",
	  "UPDATE @migration SET current_operation_index = -1 WHERE name = '0001_example'",
	  "column current_operation_index: -1 is not between" },
	{ "an index outside of the plan",
	  "UPDATE @migration SET current_operation_index = 4 WHERE name = '0001_example'",
	  "column current_operation_index: 4 is outside of the plan of 3 operations" },
	{ "an index without its checkpoint",
	  "UPDATE @migration SET current_operation_index = 2 WHERE name = '0001_example'",
	  "written inside operation 1, but the migration's current_operation_index is 2" },
	{ "a module hash that is none",
	  "UPDATE @migration SET module_hash = 'xyz' WHERE name = '0001_example'",
	  "column module_hash: 'xyz' is not a hash" },
	{ "the module hash of another",
	  "UPDATE @migration SET module_hash = '00112233445566778899aabbccddeeff' "
	  "WHERE name = '0001_example'",
	  "column module_hash: it is not that of run" },
	{ "the run of another",
	  "UPDATE @migration SET current_run = current_run + 1 WHERE name = '0001_example'",
	  "parts of different runs don't go together" },
	{ "a run of another migration", "UPDATE @run SET migration = '0002_later' WHERE id = %RUN%",
	  "row name = '0002_later': column current_run" },
	{ "a run of no migration", "UPDATE @run SET migration = 'gone' WHERE id = %RUN%",
	  "row name = 'gone': it is missing" },
	{ "no run", "DELETE FROM @run WHERE id = %RUN%", "of run %RUN%: it is missing" },
	{ "an unknown phase", "UPDATE @run SET phase = 'sideways' WHERE id = %RUN%",
	  "column phase: 'sideways' is unknown; it is one of forward, postcheck, backward, ended" },
	{ "a plan hash that is none", "UPDATE @run SET plan_hash = '' WHERE id = %RUN%",
	  "column plan_hash: ''" },
	{ "another operation count", "UPDATE @run SET operation_count = 2 WHERE id = %RUN%",
	  "there are 3, but the plan has 2 operations" },
	{ "a missing operation", "DELETE FROM @operation WHERE run = %RUN% AND operation_index = 2",
	  "there are 2, but the plan has 3 operations" },
	{ "an operation that was moved",
	  "UPDATE @operation SET operation_index = 7 WHERE run = %RUN% AND operation_index = 2",
	  "operation_index = 2: column operation_index: 7 is not between 2 and 2" },
	{ "an edited label",
	  "UPDATE @operation SET label = 'other' WHERE run = %RUN% AND operation_index = 2",
	  "its plan_hash differs" },
	{ "edited captures",
	  "UPDATE @operation SET captures = (SELECT captures FROM @operation WHERE run = %RUN% AND "
	  "operation_index = 1) "
	  "WHERE run = %RUN% AND operation_index = 0",
	  "its plan_hash differs" },
	{ "operations of another order",
	  "UPDATE @operation SET operation_index = -1 WHERE run = %RUN% AND operation_index = 0;"
	  "UPDATE @operation SET operation_index = 0 WHERE run = %RUN% AND operation_index = 1;"
	  "UPDATE @operation SET operation_index = 1 WHERE run = %RUN% AND operation_index = -1",
	  "its plan_hash differs" },
	{ "an unknown operation status",
	  "UPDATE @operation SET status = 'finished' WHERE run = %RUN% AND operation_index = 0",
	  "operation_index = 0: column status: 'finished' is unknown; it is one of pending" },
	{ "no checkpoint", "DELETE FROM @checkpoint WHERE run = %RUN%",
	  "checkpoint, row of run %RUN%: it is missing" },
	{ "the checkpoint of another run",
	  "UPDATE @checkpoint SET state = (SELECT state FROM @checkpoint WHERE run = %RUN% + 1), "
	  "seal = (SELECT seal FROM @checkpoint WHERE run = %RUN% + 1) WHERE run = %RUN%",
	  "column state: these bytes are of another run" },
	{ "a checkpoint of another store", "UPDATE @store SET id = 'another'",
	  "these bytes are of another run" },
	{ "a seal that is none", "UPDATE @checkpoint SET seal = 'zz' WHERE run = %RUN%",
	  "column seal: 'zz' is not a hash" },
	{ "no module", "DELETE FROM @blob", "the module of run %RUN% is missing" },
	{ "another module",
	  "UPDATE @blob SET bytes = (SELECT state FROM @checkpoint WHERE run = %RUN%)",
	  "column bytes: the module of run %RUN% was changed" },
	{ "the name of another module", "UPDATE @run SET module_blob = 'f' WHERE id = %RUN%",
	  "column module_blob: 'f'" },
	{ "a changed blob",
	  "UPDATE @run_blob SET bytes = (SELECT state FROM @checkpoint WHERE run = %RUN%)",
	  "row run = %RUN%, hash = '" },
	{ "the blob of another hash",
	  "UPDATE @run_blob SET hash = '00112233445566778899aabbccddeeff'",
	  "hash = '00112233445566778899aabbccddeeff': column bytes: it was changed" },
	{ "a blob of no hash", "UPDATE @run_blob SET hash = 'xyz'",
	  "run_blob, row of run %RUN%: column hash: 'xyz' is not a hash" },
	{ "an unknown outcome", "UPDATE @effect SET outcome = 'perhaps'",
	  "column outcome: 'perhaps' is unknown" },
	{ "an effect outside of the plan", "UPDATE @effect SET operation_index = 3",
	  "3 is outside of the plan" },
	{ "the number of no effect", "UPDATE @effect SET number = 0",
	  "column number: 0 is not between 1" },
	{ "a missing column", "ALTER TABLE @checkpoint DROP COLUMN seal", "seal" },
	{ "a missing table", "DROP TABLE @operation", "operation" },
};

/* Puts the run's number for %RUN%. */
static char *with_run(const char *text, int64_t run)
{
	struct buf b = { 0 };
	while (*text) {
		if (strncmp(text, "%RUN%", 5) == 0) {
			buf_format(&b, "%lld", (long long)run);
			text += 5;
		} else {
			buf_byte(&b, *text++);
		}
	}
	return buf_take(&b);
}

static void other_run(struct place *p)
{
	int64_t epoch;
	struct run_row run = { .migration = STR("0002_later"), .operation_count = PLAN_COUNT };
	must(store_register(p->s, run.migration, STR(""), STR(""), STR(""), err));
	must(claim(p->s, run.migration, FROM_ANY, STATUS_STARTING, 9, "o", &epoch, err));
	must(store_start(p->s, &run, IMAGE, plan_of_three, epoch, err));
	struct step step = {
		.run = run.id, .epoch = epoch, .migration = run.migration, .set_checkpoint = true
	};
	step.checkpoint = STR("frames of another");
	must(store_step(p->s, &step, err));
}

static int64_t run_to_damage(struct place *p)
{
	struct effect_intent intent = {
		.number = 1, .attempt = 1, .operation_index = 1, .query_id = "q"
	};
	struct hashed blob = { hash_of(STR("a large value")), STR("a large value") };
	struct step step = started(p);
	other_run(p);
	step.set_migration = step.set_checkpoint = true;
	step.status = STATUS_RUNNING;
	step.current_operation_index = 1;
	step.checkpoint = STR("frames");
	step.intent = &intent;
	step.blobs = &blob;
	step.blob_count = 1;
	must(store_step(p->s, &step, err));
	return step.run;
}

static void every_damage_is_refused_with_what_and_where(void **state)
{
	struct place *p = *state;
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		const struct damage *d = &damages[i];
		struct run_state r;
		struct error e = { 0 };
		int64_t run = run_to_damage(p);
		must(store_load(p->s, run, &p->arena, &r, err));
		char *sql = with_run(d->sql, run), *words = with_run(d->words, run);
		behind(p, sql);
		store_close(p->s);
		must(store_open(&p->s, p->where, err));
		enum outcome o = store_load(p->s, run, &p->arena, &r, &e);
		if (o != OUTCOME_DAMAGED || !e.message || !strstr(e.message, words))
			fail_msg("%s: outcome %d, '%s'; expected '%s'", d->name, (int)o,
				 e.message ? e.message : "", words);
		error_clear(&e);
		free(sql);
		free(words);
		store_close(p->s);
		wipe(p);
		must(store_open(&p->s, p->where, err));
	}
}

static void what_may_be_mended_is_believed(void **state)
{
	struct place *p = *state;
	struct run_state r;
	int64_t run = run_to_damage(p);
	behind(p, "UPDATE @migration SET current_operation_index = 2, status = 'stopped' WHERE "
		  "name = '0001_example'");
	behind(p, p->dialect == DIALECT_SQLITE
			  ? "UPDATE @checkpoint SET state = x'' WHERE operation_index = 1"
			  : "UPDATE @checkpoint SET state = '' WHERE operation_index = 1");
	must(store_load(p->s, run, &p->arena, &r, err));
	assert_int_equal(r.checkpoint.len, 0);
	assert_int_equal(r.blob_count, 0);
	assert_int_equal(row_of(p).status, STATUS_STOPPED);
	assert_int_equal(row_of(p).current_operation_index, 2);
}

static void rows_that_vanish_during_a_run_are_noticed(void **state)
{
	static const struct {
		const char *sql, *words;
	} cases[] = {
		{ "DELETE FROM @operation WHERE operation_index = 0",
		  "a row of the plan is missing" },
		{ "DELETE FROM @checkpoint", "checkpoint, row of this run: the row is missing" },
		{ "DELETE FROM @run", "run, row of this run: the row is missing" },
		{ "DELETE FROM @migration", "took the migration over" },
	};
	struct place *p = *state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct step step = started(p);
		step.operations[0] = (struct operation_change){ .status = OPERATION_STATUS_DONE };
		step.operation_count = 1;
		step.set_checkpoint = step.set_phase = true;
		step.checkpoint = STR("frames");
		must(store_step(p->s, &step, err));
		behind(p, cases[i].sql);
		struct error e = { 0 };
		enum outcome o = store_step(p->s, &step, &e);
		assert_int_equal(o, i < 3 ? OUTCOME_DAMAGED : OUTCOME_NOT_NOW);
		assert_non_null(strstr(e.message, cases[i].words));
		error_clear(&e);
		store_close(p->s);
		wipe(p);
		must(store_open(&p->s, p->where, err));
	}
}

static void a_newer_schema_is_refused(void **state)
{
	struct place *p = *state;
	store_close(p->s);
	behind(p, "UPDATE @store SET version = version + 1");
	must_refuse(OUTCOME_DAMAGED, "; this amigrun knows 1 to ",
		    store_open(&p->s, p->where, err));
	assert_null(p->s);
	behind(p, "UPDATE @store SET version = version - 1");
	must(store_open(&p->s, p->where, err));
	store_close(p->s);
	behind(p, "DELETE FROM @store");
	must_refuse(OUTCOME_DAMAGED, "it is missing or has no id",
		    store_open(&p->s, p->where, err));
}

/* ---- databases that fail ---- */

/* One step that adds an event. */
static enum outcome note(struct place *p, const struct step *step, struct error *err)
{
	struct step with_event = *step;
	struct event_row event = { .kind = STR("note") };
	with_event.event = &event;
	return store_step(p->s, &with_event, err);
}

static void a_store_that_cannot_be_reached_is_told(void **state)
{
	struct place *p = *state;
	struct store *s;
	char where[600];
	const char *url = places[DIALECT_POSTGRES].where;
	(void)p;
	must_refuse(OUTCOME_UNREACHABLE, "state store",
		    store_open(&s, "postgresql://nobody@127.0.0.1:1/x", err));
	const char *at = strchr(url, '@');
	assert_non_null(at);
	snprintf(where, sizeof(where), "postgresql://amig:wr0ng%s", at);
	struct error e = { 0 };
	assert_int_equal(store_open(&s, where, &e), OUTCOME_UNREACHABLE);
	assert_non_null(strstr(e.message, "password"));
	assert_null(strstr(e.message, "wr0ng"));
	error_clear(&e);
	snprintf(where, sizeof(where), "%s_is_not_there", url);
	must_refuse(OUTCOME_UNREACHABLE, "does not exist", store_open(&s, where, err));
	must_refuse(OUTCOME_UNREACHABLE, "/nowhere/at/all/x.db",
		    store_open(&s, "sqlite:/nowhere/at/all/x.db", err));
	must_refuse(OUTCOME_UNREACHABLE, "/tmp", store_open(&s, "sqlite:/tmp", err));
	must_refuse(OUTCOME_USAGE, "neither postgresql://", store_open(&s, "mysql://x", err));
	assert_null(s);
}

static void a_session_that_is_ended_loses_nothing(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	char sql[128];
	must(effect(p->s, "CREATE TABLE t (n INTEGER)", err));
	for (int begun = 0; begun < 2; begun++) {
		struct error e = { 0 };
		if (begun) {
			must(store_begin(p->s, err));
			must(effect(p->s, "INSERT INTO t VALUES (1)", err));
		}
		const struct postgres *session = store_session(p->s);
		snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d, 5000)",
			 PQbackendPID(session->pg));
		behind(p, sql);
		assert_int_equal(note(p, &step, &e), OUTCOME_UNREACHABLE);
		assert_int_not_equal(e.class, ERROR_PERMANENT);
		error_clear(&e);
		/* Nothing was in the new session that the next step begins. */
		assert_int_equal(number_of(p, "SELECT count(*) FROM @event"), begun);
		must(note(p, &step, err));
	}
	assert_int_equal(number_of(p, "SELECT count(*) FROM t"), 0);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @event"), 2);
}

static void a_read_only_server_is_told(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	must(effect(p->s, "SET default_transaction_read_only = on", err));
	must_refuse(OUTCOME_UNREACHABLE, "read-only", note(p, &step, err));
	must(effect(p->s, "SET default_transaction_read_only = off", err));
	must(note(p, &step, err));
	assert_int_equal(number_of(p, "SELECT count(*) FROM @event"), 1);
}

static void a_role_without_rights_is_told(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	char sql[200];
	snprintf(sql, sizeof(sql), "CREATE ROLE %s_reader; GRANT USAGE ON SCHEMA amig TO %s_reader",
		 database, database);
	must(effect(p->s, sql, err));
	snprintf(sql, sizeof(sql), "SET ROLE %s_reader", database);
	must(effect(p->s, sql, err));
	must_refuse(OUTCOME_UNREACHABLE, "permission denied", note(p, &step, err));
	snprintf(sql, sizeof(sql),
		 "RESET ROLE; REVOKE USAGE ON SCHEMA amig FROM %s_reader; DROP ROLE %s_reader",
		 database, database);
	must(effect(p->s, sql, err));
	must(note(p, &step, err));
}

static void prepared_statements_that_were_dropped_are_made_anew(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	must(note(p, &step, err));
	must(effect(p->s, "DEALLOCATE ALL", err));
	must_refuse(OUTCOME_UNREACHABLE, "does not exist", note(p, &step, err));
	must(note(p, &step, err));
	assert_int_equal(number_of(p, "SELECT count(*) FROM @event"), 2);
}

static void a_locked_file_is_told(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	sqlite3 *other;
	struct sqlite *session = store_session(p->s);
	assert_int_equal(sqlite3_open(p->file, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_busy_timeout(session->db, 20);
	struct error e = { 0 };
	assert_int_equal(note(p, &step, &e), OUTCOME_UNREACHABLE);
	assert_int_equal(e.class, ERROR_TRANSIENT);
	assert_non_null(strstr(e.message, "locked"));
	error_clear(&e);
	must_refuse(OUTCOME_UNREACHABLE, "locked", store_begin(p->s, err));
	sqlite3_close(other);
	must(note(p, &step, err));
	assert_int_equal(number_of(p, "SELECT count(*) FROM @event"), 1);
}

static void a_file_of_something_else_is_refused(void **state)
{
	struct place *p = *state;
	store_close(p->s);
	p->s = NULL;
	wipe(p);
	FILE *f = fopen(p->file, "w");
	for (int i = 0; i < 1000; i++)
		fputs("this is no database ", f);
	fclose(f);
	must_refuse(OUTCOME_DAMAGED, "not a SQLite database", store_open(&p->s, p->where, err));
	struct stat st;
	assert_int_equal(stat(p->file, &st), 0);
	assert_int_equal(st.st_size, 20000);
}

/* A small file system of its own; false: this machine doesn't let us. */
static bool mount_small(const char *folder, const char *options)
{
	return mkdir(folder, 0700) == 0 && mount("tmpfs", folder, "tmpfs", 0, options) == 0;
}

/* Steps until the disk is full; then nothing of the failed step is there, and with room again it
 * goes on. */
static void a_full_disk_is_told(void **state)
{
	struct place *p = *state;
	struct place full = { .dialect = DIALECT_SQLITE };
	char folder[200];
	snprintf(folder, sizeof(folder), "%s/full", scratch_folder);
	bool mounted = mount_small(folder, "size=700k");
	snprintf(full.file, sizeof(full.file), "%s/s.db", folder);
	snprintf(full.where, sizeof(full.where), "sqlite:%s", full.file);
	must(store_open(&full.s, full.where, err));
	struct step step = started(&full);
	struct sqlite *session = store_session(full.s);
	if (!mounted) /* SQLite's own limit gives the same code */
		assert_int_equal(
			sqlite3_exec(session->db, "PRAGMA max_page_count=60", NULL, NULL, NULL),
			SQLITE_OK);
	static char text[20000];
	memset(text, 'x', sizeof(text));
	struct event_row event = { .kind = STR("note"), .detail = { text, sizeof(text) } };
	struct error e = { 0 };
	int64_t steps = 0;
	step.event = &event;
	while (steps < 1000 && store_step(full.s, &step, &e) == OUTCOME_OK)
		steps++;
	assert_int_equal(e.outcome, OUTCOME_UNREACHABLE);
	assert_non_null(strstr(e.message, "full"));
	error_clear(&e);
	assert_in_range(steps, 2, 999);
	assert_int_equal(number_of(&full, "SELECT count(*) FROM @event"), steps);
	if (mounted)
		assert_int_equal(mount("tmpfs", folder, "tmpfs", MS_REMOUNT, "size=8m"), 0);
	else
		sqlite3_exec(session->db, "PRAGMA max_page_count=100000", NULL, NULL, NULL);
	must(store_step(full.s, &step, err));
	assert_int_equal(number_of(&full, "SELECT count(*) FROM @event"), steps + 1);
	store_close(full.s);
	arena_clear(&full.arena);
	wipe(&full);
	if (mounted)
		umount(folder);
	rmdir(folder);
	(void)p;
}

static void a_read_only_file_is_told(void **state)
{
	struct place *p = *state;
	char folder[200], where[300];
	snprintf(folder, sizeof(folder), "%s/read", scratch_folder);
	snprintf(where, sizeof(where), "sqlite:%s/s.db", folder);
	struct store *s;
	bool mounted = mount_small(folder, "size=4m");
	must(store_open(&s, where, err));
	store_close(s);
	if (mounted)
		mounted = mount("tmpfs", folder, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=4m") == 0;
	else
		chmod(strchr(where, '/'), 0400);
	bool is_denied = access(strchr(where, '/'), W_OK) != 0;
	if (is_denied)
		must_refuse(OUTCOME_UNREACHABLE, "read", store_open(&s, where, err));
	umount2(folder, 0);
	unlink(strchr(where, '/'));
	rmdir(folder);
	(void)p;
	if (!is_denied)
		fail_msg("nothing is read-only to root: let it mount, or run as another user");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(every_damage_is_refused_with_what_and_where),
		BOTH(what_may_be_mended_is_believed),
		BOTH(rows_that_vanish_during_a_run_are_noticed),
		BOTH(a_newer_schema_is_refused),
		ONLY(a_store_that_cannot_be_reached_is_told, DIALECT_SQLITE),
		ONLY(a_session_that_is_ended_loses_nothing, DIALECT_POSTGRES),
		ONLY(a_read_only_server_is_told, DIALECT_POSTGRES),
		ONLY(a_role_without_rights_is_told, DIALECT_POSTGRES),
		ONLY(prepared_statements_that_were_dropped_are_made_anew, DIALECT_POSTGRES),
		ONLY(a_locked_file_is_told, DIALECT_SQLITE),
		ONLY(a_file_of_something_else_is_refused, DIALECT_SQLITE),
		ONLY(a_full_disk_is_told, DIALECT_SQLITE),
		ONLY(a_read_only_file_is_told, DIALECT_SQLITE),
	};
	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
