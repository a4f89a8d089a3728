/* store_crash.c - processes that are killed at any moment, and processes that race */
#include "tests/unit/store_fixture.h"
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define STEPS_WANTED 4000
#define KILLS_WANTED 25
#define KILLS_MAX 2000

static void leave(const char *what, const struct error *err)
{
	fprintf(stderr, "child: %s: %s\n", what, err->message ? err->message : "");
	_exit(1);
}

#define child_must(call)                   \
	do {                               \
		struct error err_ = { 0 }; \
		struct error *err = &err_; \
		if ((call) != OUTCOME_OK)  \
			leave(#call, err); \
	} while (0)

/* One effect: every third in a transaction of its own behind a durable intent, the others together
 * with the state. Ends with the checkpoint's text being the number of effects that are done. */
static void one_effect(struct store *s, struct step *step, int64_t number)
{
	char text[32], sql[64];
	struct effect_intent intent = {
		.number = number, .attempt = 1, .query_id = "q", .operation_index = number % 3
	};
	struct effect_outcome outcome = { .number = number, .attempt = 1, .ok = true, .rows = 1 };
	snprintf(text, sizeof(text), "%lld", (long long)number);
	snprintf(sql, sizeof(sql), "INSERT INTO t VALUES (%lld)", (long long)number);
	step->intent = &intent;
	step->outcome = NULL;
	step->set_checkpoint = step->set_migration = false;
	step->operation_count = 0;
	if (number % 3 == 0) {
		child_must(store_step(s, step, err));
		step->intent = NULL;
	}
	child_must(store_begin(s, err));
	child_must(effect(s, sql, err));
	step->outcome = &outcome;
	step->set_checkpoint = step->set_migration = true;
	step->checkpoint = str_c(text);
	step->status = STATUS_RUNNING;
	step->current_operation_index = number % 3;
	step->operation_count = 1;
	step->operations[0] =
		(struct operation_change){ number % 3, OPERATION_STATUS_RUNNING, number, number, 0,
					   0, 0 };
	child_must(store_step(s, step, err));
}

static void work_until_killed(const struct place *p, struct step step, int64_t next, int told)
{
	struct store *s;
	child_must(store_open(&s, p->where, err));
	for (;; next++) {
		one_effect(s, &step, next);
		if (write(told, &next, sizeof(next)) != sizeof(next))
			_exit(1);
	}
}

/* Lets a child work, kills it, and returns the last effect that it knew to be done. */
static int64_t work_and_kill(const struct place *p, struct step step, int64_t next)
{
	int ends[2], status;
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		work_until_killed(p, step, next, ends[1]);
	}
	close(ends[1]);
	int64_t last = next - 1, number;
	struct timespec some = { 0, (long)(rand() % 300) * 1000 };
	/* At least one step, as opening takes longer than that; then some time more, down to within
	 * one step. */
	int64_t until = last + 1 + rand() % 200;
	while (last < until && read(ends[0], &number, sizeof(number)) == sizeof(number))
		last = number;
	nanosleep(&some, NULL);
	kill(pid, SIGKILL);
	while (read(ends[0], &number, sizeof(number)) == sizeof(number))
		last = number;
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return last;
}

/* Effects, journal, checkpoint and index all tell of the same moment, not before the last that was
 * told. */
static int64_t check_prefix(struct place *p, const struct step *step, int64_t told)
{
	struct run_state r;
	int64_t done = 0;
	must(store_load(p->s, step->run, &p->arena, &r, err));
	if (r.checkpoint.len)
		assert_true(str_to_int(r.checkpoint, &done));
	assert_in_range(done, told, told + 1);
	assert_int_equal(number_of(p, "SELECT count(*) FROM t"), done);
	assert_int_equal(number_of(p, "SELECT COALESCE(max(n), 0) FROM t"), done);
	assert_int_equal(number_of(p, "SELECT count(*) FROM @effect WHERE outcome = 'done'"), done);
	assert_int_equal(row_of(p).current_operation_index, done % 3);
	if (done)
		assert_int_equal(r.plan[done % 3].rows, done);
	if (r.open_effect.number) {
		assert_int_equal(r.open_effect.number, done + 1);
		assert_int_equal((done + 1) % 3, 0);
	}
	assert_int_equal(r.run.next_effect, done + 1 + (r.open_effect.number != 0));
	arena_clear(&p->arena);
	return done;
}

static void what_is_left_after_a_kill_is_a_committed_prefix(void **state)
{
	struct place *p = *state;
	struct step step = started(p);
	int64_t done = 0;
	int kills = 0, open = 0;
	unsigned seed = (unsigned)time(NULL);
	printf("seed %u\n", seed);
	srand(seed);
	must(effect(p->s, "CREATE TABLE t (n BIGINT PRIMARY KEY)", err));
	while ((done < STEPS_WANTED || kills < KILLS_WANTED) && kills < KILLS_MAX) {
		int64_t told = work_and_kill(p, step, done + 1);
		kills++;
		must(claim(p->s, NAME, 1u << STATUS_RUNNING, STATUS_RUNNING, 1, "next",
			   &step.epoch, err));
		done = check_prefix(p, &step, told);
		/* An open effect is resolved before the next child begins: it did not happen. */
		struct step resolve = step;
		struct effect_outcome undone = { .number = done + 1, .attempt = 1 };
		resolve.outcome = &undone;
		if (number_of(p, "SELECT count(*) FROM @effect WHERE outcome IS NULL")) {
			open++;
			must(store_step(p->s, &resolve, err));
			behind(p, "DELETE FROM @effect WHERE outcome = 'failed'");
		}
	}
	printf("%d kills, %lld effects, %d of them found open\n", kills, (long long)done, open);
	assert_true(done >= STEPS_WANTED);
}

/* ---- races ---- */

#define RACERS 4
#define ROUNDS 60

static void race(void (*run)(const struct place *p, int number), const struct place *p)
{
	pid_t pids[RACERS];
	int failed = 0;
	for (int i = 0; i < RACERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			run(p, i);
			_exit(0);
		}
	}
	for (int i = 0; i < RACERS; i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	}
	assert_int_equal(failed, 0);
}

/* Takes and gives back one of two migrations; whoever has one is alone, or the key in `inside`
 * refuses it. */
static void claim_in_turns(const struct place *p, int number)
{
	struct store *s;
	child_must(store_open(&s, p->where, err));
	for (int won = 0, tries = 0; won < ROUNDS; tries++) {
		struct str name = (tries + number) % 2 ? NAME : STR("0002_later");
		struct error e = { 0 };
		int64_t epoch;
		enum outcome o =
			claim(s, name, 1u << STATUS_NOT_STARTED | 1u << STATUS_STOPPED,
			      STATUS_STARTING, 1, "racer", &epoch, &e);
		if (o == OUTCOME_OK) {
			child_must(effect(s, "INSERT INTO inside VALUES (1)", err));
			child_must(effect(s, "DELETE FROM inside", err));
			child_must(
				store_settle(s, name, epoch, STATUS_STOPPED, 0, NULL, NULL, err));
			won++;
		} else if (o != OUTCOME_NOT_NOW) {
			leave("claim", &e);
		}
		error_clear(&e);
	}
	store_close(s);
}

static void only_one_of_many_has_a_migration(void **state)
{
	struct place *p = *state;
	must(store_register(p->s, NAME, STR(""), STR(""), STR(""), err));
	must(store_register(p->s, STR("0002_later"), STR(""), STR(""), STR(""), err));
	must(effect(p->s, "CREATE TABLE inside (n INTEGER PRIMARY KEY)", err));
	race(claim_in_turns, p);
	assert_int_equal(number_of(p, "SELECT CAST(sum(epoch) AS @int) FROM @migration"),
			 RACERS * ROUNDS);
}

static void open_new(const struct place *p, int number)
{
	struct store *s;
	(void)number;
	child_must(store_open(&s, p->where, err));
	child_must(store_set_setting(s, STR("who"), STR("me"), err));
	store_close(s);
}

static void tables_are_made_once_by_many_at_once(void **state)
{
	struct place *p = *state;
	for (int i = 0; i < 8; i++) {
		store_close(p->s);
		p->s = NULL;
		wipe(p);
		race(open_new, p);
		must(store_open(&p->s, p->where, err));
		assert_int_equal(number_of(p, "SELECT count(*) FROM @store"), 1);
		assert_int_equal(number_of(p, "SELECT count(*) FROM @setting"), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(tables_are_made_once_by_many_at_once),
		BOTH(only_one_of_many_has_a_migration),
		BOTH(what_is_left_after_a_kill_is_a_committed_prefix),
	};
	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
