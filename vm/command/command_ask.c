/* command_ask.c - start, stop: what is asked of whoever runs a migration */
#include "vm/command/command.h"

#include "vm/base/os.h"

#define LOOK_MS 50

enum outcome command_start(struct context *c, struct error *err)
{
	enum wanted what = c->options.rollback ? WANTED_ROLLBACK : WANTED_RUN;
	enum outcome o = want_name(c, "start", err);

	if (o == OUTCOME_OK)
		o = context_open_bundle(c, true, err);
	if (o == OUTCOME_OK)
		o = context_open_store(c, err);
	if (o == OUTCOME_OK)
		o = run_want(c->store, &c->instance, c->has_bundle ? &c->bundle : NULL,
			     str_c(c->options.name), what, err);
	if (o != OUTCOME_OK)
		return o;
	if (c->options.json)
		print_result(c, str_c(c->options.name));
	else if (!c->options.quiet)
		printf("%s: the next worker that is free %s\n", c->options.name,
		       what == WANTED_ROLLBACK ? "rolls it back" : "runs it");
	return OUTCOME_OK;
}

/* The process that had it is gone: this one takes the run, sees to it that nothing of it goes on,
 * and stops it. */
static enum outcome stop_orphan(struct context *c, struct error *err)
{
	struct run_options options = { .stop_at_once = true };
	struct str name = str_c(c->options.name);
	enum outcome o;

	if (c->options.rollback)
		o = run_rollback(c->store, &c->instance, name, &(struct run_options){ 0 }, err);
	else
		o = run_migration(c->store, &c->instance, NULL, name, &options, err);
	if (o == OUTCOME_STOPPED || o == OUTCOME_NOT_NOW) {
		error_clear(err);
		return OUTCOME_OK;
	}
	return o;
}

/* What is printed is true when it is: the run is looked at until nobody is at work on it. */
static enum outcome wait_for_end(struct context *c, struct error *err)
{
	for (;;) {
		struct arena a = { 0 };
		struct migration_row row = { 0 };
		bool found, active, orphaned;
		enum outcome o =
			store_migration(c->store, str_c(c->options.name), &a, &row, &found, err);

		active = o == OUTCOME_OK && found && status_is_active(row.status);
		orphaned = active && work_is_orphaned(&row);
		if (o == OUTCOME_OK && !active && !c->options.json && !c->options.quiet)
			printf("%s: %s, at operation %lld\n", c->options.name,
			       status_label(row.status), (long long)row.current_operation_index);
		arena_clear(&a);
		if (orphaned)
			o = stop_orphan(c, err);
		if (o != OUTCOME_OK || !active)
			return o;
		if (run_is_told_to_end())
			return error_set(err, OUTCOME_STOPPED,
					 "\"%s\" is asked to stop, but has not yet",
					 c->options.name);
		os_sleep_ms(LOOK_MS);
	}
}

enum outcome command_stop(struct context *c, struct error *err)
{
	struct stop_wish wish = { true, c->options.now, c->options.rollback };
	bool was_running = false;
	enum outcome o = want_name(c, "stop", err);

	if (o == OUTCOME_OK)
		o = context_open_store(c, err);
	if (o == OUTCOME_OK)
		o = store_request_stop(c->store, str_c(c->options.name), wish, &was_running, err);
	if (o != OUTCOME_OK)
		return o;
	if (!was_running)
		return error_set(err, OUTCOME_NOT_NOW, "\"%s\" is not running", c->options.name);
	if (!c->options.no_wait) {
		run_catch_signals();
		o = wait_for_end(c, err);
	} else if (!c->options.quiet && !c->options.json) {
		printf("%s: asked to stop\n", c->options.name);
	}
	if (o == OUTCOME_OK && c->options.json)
		print_result(c, str_c(c->options.name));
	return o;
}
