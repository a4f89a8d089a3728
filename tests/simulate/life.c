/* life.c - what a worker and an operator do: `amigrun worker` as command_worker.c has it, and
 * somebody who starts, stops and undoes things until nothing is left to be done */
#include "tests/simulate/database.h"

#include <stdio.h>

static const struct instance instance = {
	.state = "postgresql://simulated",
	.lease_ms = LEASE_LENGTH_MS,
	.stop_grace_ms = 5000,
};

static void hear_news(void *context, const struct run_news *news)
{
	(void)context;
	if (news->event != EVENT_TICK)
		trace("%s: %.*s%s%.*s", run_event_word(news->event), STR_ARG(news->label),
		      news->label.len && news->text.len ? ": " : "", STR_ARG(news->text));
}

static struct store *open_store(void)
{
	struct store *s = NULL;
	struct error err = { 0 };

	while (!s && !is_dead() && !run_is_told_to_end()) {
		if (store_open(&s, instance.state, &err) != OUTCOME_OK) {
			s = NULL;
			give_way(between_us(500 * MS, 10 * SECOND));
		}
		error_clear(&err);
	}
	return s;
}

/* ---- a worker ---- */

static enum outcome carry_out(struct process *p, struct store *store, const struct work *w)
{
	static const struct run_listener listener = { hear_news, NULL };
	struct run_options options = { .release_on_signal = true,
				       .listener = &listener };
	struct error err = { 0 };
	enum outcome o;

	p->busy = true;
	trace("takes %.*s to %s", STR_ARG(w->name),
	      w->what == WANTED_ROLLBACK ? "undo it" : "run it");
	o = work_do(store, &instance, &world.bundle, w, &options, &err);
	trace("ended: %s", o == OUTCOME_OK ? "well" : err.message);
	p->busy = false;
	if (!p->dead)
		invariant_outcome(o, &err, w->name);
	if (o == OUTCOME_NOT_NOW || o == OUTCOME_USAGE || o == OUTCOME_DAMAGED)
		give_way(SECOND);
	error_clear(&err);
	o = o == OUTCOME_NOT_NOW ? OUTCOME_OK : work_forget(store, w, &err);
	error_clear(&err);
	return o;
}

static enum outcome turn(struct process *p, struct store *store)
{
	struct work w;
	struct error err = { 0 };
	bool heard;
	enum outcome o = work_find(store, &world.bundle, &instance, &w, &err);

	if (o == OUTCOME_OK && w.name.len)
		o = carry_out(p, store, &w);
	else if (o == OUTCOME_OK && !run_is_told_to_end())
		o = store_hear(store, (int)w.again_in_ms + 1, &heard, &err);
	work_clear(&w);
	error_clear(&err);
	return o;
}

static void work(struct process *p)
{
	while (!p->dead && !p->told) {
		struct store *store = open_store();

		while (store && !p->dead && !p->told && turn(p, store) == OUTCOME_OK)
			;
		store_close(store);
	}
}

/* ---- the operator ---- */

static bool is_quiet(void)
{
	return world.now >= world.quiet_at || !world.faults_left;
}

static void want(struct store *store, struct str name, enum wanted wanted)
{
	struct error err = { 0 };

	trace("wants %.*s %s", STR_ARG(name), wanted == WANTED_ROLLBACK ? "undone" : "to run");
	if (run_want(store, &instance, &world.bundle, name, wanted, &err) !=
	    OUTCOME_OK)
		trace("in vain: %s", err.message);
	error_clear(&err);
}

static void stop(struct store *store, struct str name)
{
	struct stop_wish wish = { true, one_in(2), one_in(2) };
	struct error err = { 0 };
	bool was_running;

	trace("wants %.*s stopped%s%s", STR_ARG(name), wish.now ? " at once" : "",
	      wish.rollback ? " and undone" : "");
	if (store_request_stop(store, name, wish, &was_running, &err) != OUTCOME_OK)
		trace("in vain: %s", err.message);
	error_clear(&err);
}

static void approve(struct store *store, const struct migration_row *row)
{
	struct arena arena = { 0 };
	struct error err = { 0 };
	struct str label;
	int64_t before = world.yes;
	enum outcome o;
	bool active;

	/* It may be heard although the answer is lost. */
	world.yes = row->current_run;
	o = run_approve(store, row->name, &arena, &label, &active, &err);
	if (o == OUTCOME_NOT_NOW)
		world.yes = before;
	trace("says yes: %s", o == OUTCOME_OK ? "done" : err.message);
	error_clear(&err);
	arena_clear(&arena);
}

static bool has_happened(const struct change *c)
{
	bool there = true, some = false;

	for (int i = 0; i < KEYS; i++) {
		if (!(c->keys & bit(i)))
			continue;
		there &= ledger_count(i) > 0;
		some |= ledger_count(i) > 0;
	}
	return c->kind == CHANGE_DELETE ? !some : there && c->kind != CHANGE_NOTHING;
}

/* By the last error; the effect that it tells of, if it is open. */
static bool is_asked_to_say(struct store *store, struct str name, int64_t run, struct arena *arena,
			    struct effect_row *out)
{
	struct error_row *errors;
	struct effect_row *open;
	struct error err = { 0 };
	size_t count = 0, open_count = 0;
	bool asked = store_errors(store, name, arena, &errors, &count, &err) ==
			     OUTCOME_OK &&
		     count && str_find(errors[0].description, STR("`amigrun resolve")) >= 0 &&
		     store_open_effects(store, run, arena, &open, &open_count, &err) == OUTCOME_OK;

	error_clear(&err);
	for (size_t i = 0; asked && i < open_count; i++)
		if (str_eq(open[i].query_id, errors[0].query_id)) {
			*out = open[i];
			return true;
		}
	return false;
}

/* Looks at the target, and says of the effect that is in doubt what is true. False: there is none.
 */
static bool say(struct store *store, struct str name, int64_t run)
{
	struct arena arena = { 0 };
	struct effect_row open;
	struct error err = { 0 };
	struct str effect, id;
	struct change change;
	bool says = is_asked_to_say(store, name, run, &arena, &open);

	if (says) {
		id = open.query_id;
		change_parse(open.sql, &change);
		trace("says that %.*s %s", STR_ARG(id),
		      has_happened(&change) ? "has happened" : "is to be made again");
		if (run_resolve(store, name, has_happened(&change), &arena, &effect,
				&err) == OUTCOME_OK)
			snprintf(world.said, sizeof(world.said), "%.*s", STR_ARG(id));
		else
			trace("in vain: %s", err.message);
	}
	error_clear(&err);
	arena_clear(&arena);
	return says;
}

static bool all_are_idle(void)
{
	for (int i = 0; i < WORKERS; i++)
		if (world.processes[i].busy)
			return false;
	return !world.late && server_is_idle();
}

/* Another one that depends on it may have begun. */
static bool is_begun_upon(struct str name)
{
	return world.plan->then && str_eq(name, str_c(world.plan->name));
}

/* What has come to an end has nothing under way. */
static void check_ended(struct store *store, const struct migration_row *row)
{
	struct arena arena = { 0 };
	struct error err = { 0 };
	struct effect_row *open;
	size_t count;

	if (store_open_effects(store, row->current_run, &arena, &open, &count, &err) ==
		    OUTCOME_OK &&
	    count)
		violated("the run is %s, and effect %lld is open", status_label(row->status),
			 (long long)open[0].number);
	error_clear(&err);
	arena_clear(&arena);
}

/* True: it has come to an end, and nothing more is wanted of it. */
static bool look_after(struct store *store, const struct migration_row *row, int tries)
{
	enum migration_status status = row->status;
	bool again = !world.plan->may_stay, undo = !is_begun_upon(row->name);

	switch (status) {
	case STATUS_STARTING:
	case STATUS_RUNNING:
	case STATUS_STOPPING:
	case STATUS_ROLLING_BACK:
		if (!is_quiet() && one_in(4))
			stop(store, row->name);
		return false;
	case STATUS_NOT_STARTED:
		if (!world.plan->then)
			want(store, row->name, WANTED_RUN);
		return false;
	case STATUS_FAILED_AT_STARTUP:
		want(store, row->name, WANTED_RUN);
		return false;
	case STATUS_STOPPED:
		want(store, row->name, undo && one_in(4) ? WANTED_ROLLBACK : WANTED_RUN);
		return false;
	case STATUS_ERRORED:
		if (!one_in(3) && say(store, row->name, row->current_run))
			want(store, row->name, WANTED_RUN);
		else if (world.plan->fails || world.plan->may_stay || tries > 3 || one_in(4))
			want(store, row->name, WANTED_ROLLBACK);
		else
			want(store, row->name, WANTED_RUN);
		return false;
	case STATUS_COMPLETED:
	case STATUS_ROLLED_BACK:
		check_ended(store, row);
		if (world.plan->then && status == STATUS_ROLLED_BACK)
			want(store, row->name, WANTED_RUN);
		else if (!is_quiet() && one_in(3) && (status == STATUS_COMPLETED ? undo : again))
			want(store, row->name,
			     status == STATUS_COMPLETED ? WANTED_ROLLBACK : WANTED_RUN);
		else
			return all_are_idle();
		return false;
	case STATUS_COUNT:
		break;
	}
	BUG("status %d", (int)status);
}

static bool visit(struct store *store, struct str name, int tries, bool *completed)
{
	struct arena arena = { 0 };
	struct migration_row row = { 0 };
	struct error err = { 0 };
	bool found, at_rest = false;

	if (store_migration(store, name, &arena, &row, &found, &err) == OUTCOME_OK) {
		if (found && world.plan->approved && row.status == STATUS_RUNNING && one_in(2))
			approve(store, &row);
		if (found)
			at_rest = look_after(store, &row, tries);
		else if (!world.plan->then)
			want(store, name, WANTED_RUN);
	}
	*completed = row.status == STATUS_COMPLETED;
	error_clear(&err);
	arena_clear(&arena);
	return at_rest;
}

static void operate(struct process *p)
{
	struct store *store = open_store();

	for (int tries = 0; !p->dead && !world.over; tries++) {
		bool at_rest = true, completed = false;

		for (int i = 0; i < TOGETHER && world.watched[i].name; i++)
			at_rest &= visit(store, str_c(world.watched[i].name),
					 is_quiet() ? tries : 0, &completed);
		if (at_rest && !p->dead)
			invariant_end(completed);
		if (world.plan->locked)
			database_contend();
		give_way(between_us(200 * MS, 30 * SECOND));
	}
	store_close(store);
}

void life_of(struct process *p)
{
	p->incarnation = ++world.incarnations;
	p->alive = true;
	p->dead = p->told = p->busy = false;
	p->dead_us = 0;
	if (p->number == OPERATOR)
		operate(p);
	else
		work(p);
	p->alive = p->dead = p->busy = false;
	p->paused_until = 0;
	world.running->wake_at = world.now + between_us(10 * MS, 30 * SECOND);
}
