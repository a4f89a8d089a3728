/* command_run.c - run, resume, rollback */
#include "vm/command/command.h"

#include "vm/base/map.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

enum outcome want_name(const struct context *c, const char *command, struct error *err)
{
	if (c->options.name)
		return OUTCOME_OK;
	error_set(err, OUTCOME_USAGE, "say which migration");
	error_hint(err, "amigrun %s NAME; `amigrun status` lists them", command);
	return OUTCOME_USAGE;
}

/* {"name", "status", "progress", "current_operation_index"} of a migration after a command. */
void print_result(struct context *c, struct str name)
{
	struct arena a = { 0 };
	struct migration_row row;
	struct error err = { 0 };
	bool found;

	if (store_migration(c->store, name, &a, &row, &found, &err) == OUTCOME_OK && found) {
		json_t *o = json_object();

		json_object_set_new(o, "name", json_stringn(row.name.ptr, row.name.len));
		json_object_set_new(o, "status", json_string(status_word(row.status)));
		json_object_set_new(o, "progress", json_integer(row.progress));
		json_object_set_new(o, "current_operation_index",
				    json_integer(row.current_operation_index));
		json_dumpf(o, stdout, JSON_COMPACT);
		fputc('\n', stdout);
		json_decref(o);
	}
	error_clear(&err);
	arena_clear(&a);
}

static enum outcome run_one(struct context *c, struct str name, struct error *err)
{
	struct run_options options = context_run_options(c);
	struct bar bar;
	enum outcome o;

	bar_init(&bar, c->options.quiet || c->options.json);
	options.listener = bar.listener.hear ? &bar.listener : NULL;
	o = run_migration(c->store, &c->instance, c->has_bundle ? &c->bundle : NULL, name, &options,
			  err);
	bar_end(&bar);
	if (c->options.json)
		print_result(c, name);
	return o;
}

static enum outcome status_of(struct context *c, struct str name, enum migration_status *out,
			      struct error *err)
{
	struct arena a = { 0 };
	struct migration_row row = { .status = STATUS_NOT_STARTED };
	bool found;
	enum outcome o = store_migration(c->store, name, &a, &row, &found, err);

	*out = found ? row.status : STATUS_NOT_STARTED;
	arena_clear(&a);
	return o;
}

/* Dependencies first, else by name. The graph is acyclic as amigc made it; `seen` guards against a
 * bundle that lies. */
static enum outcome run_with_dependencies(struct context *c, const struct bundle_entry *e,
					  struct map *seen, struct error *err)
{
	struct module head;
	enum migration_status status;
	enum outcome o;

	if (map_has(seen, e->name))
		return OUTCOME_OK;
	map_add(seen, e->name, seen);
	o = module_open_head(&head, e->image, err);
	if (o != OUTCOME_OK)
		return o;
	for (uint32_t i = 0; i < head.migration.depends_count && o == OUTCOME_OK; i++) {
		const struct bundle_entry *d = bundle_find(&c->bundle, head.migration.depends[i]);

		if (d)
			o = run_with_dependencies(c, d, seen, err);
	}
	module_clear(&head);
	if (o == OUTCOME_OK)
		o = status_of(c, e->name, &status, err);
	if (o != OUTCOME_OK || status == STATUS_COMPLETED)
		return o;
	return run_one(c, e->name, err);
}

static enum outcome run_all(struct context *c, struct error *err)
{
	struct map seen = { 0 };
	enum outcome o = OUTCOME_OK;

	for (uint32_t i = 0; i < c->bundle.count && o == OUTCOME_OK; i++)
		o = run_with_dependencies(c, &c->bundle.entries[i], &seen, err);
	map_clear(&seen);
	return o;
}

enum outcome command_run(struct context *c, struct error *err)
{
	enum migration_status status;
	enum outcome o = c->options.all ? OUTCOME_OK : want_name(c, "run", err);

	if (o == OUTCOME_OK && c->options.all && c->options.name)
		o = error_set(err, OUTCOME_USAGE, "either NAME or --all");
	if (o == OUTCOME_OK)
		o = context_open_bundle(c, !c->options.all, err);
	if (o == OUTCOME_OK)
		o = context_open_store(c, err);
	if (o != OUTCOME_OK)
		return o;
	run_catch_signals();
	if (c->options.all)
		return run_all(c, err);
	o = status_of(c, str_c(c->options.name), &status, err);
	if (o == OUTCOME_OK && status == STATUS_COMPLETED && !c->options.quiet && !c->options.json)
		printf("%s: already completed\n", c->options.name);
	return o == OUTCOME_OK ? run_one(c, str_c(c->options.name), err) : o;
}

enum outcome command_resume(struct context *c, struct error *err)
{
	enum migration_status status = STATUS_NOT_STARTED;
	enum outcome o = want_name(c, "resume", err);

	if (o == OUTCOME_OK)
		o = context_open_store(c, err);
	if (o == OUTCOME_OK)
		o = status_of(c, str_c(c->options.name), &status, err);
	if (o != OUTCOME_OK)
		return o;
	switch (status) {
	case STATUS_RUNNING:
	case STATUS_STOPPING:
	case STATUS_STOPPED:
	case STATUS_ERRORED:
	case STATUS_ROLLING_BACK:
		run_catch_signals();
		return run_one(c, str_c(c->options.name), err);
	case STATUS_NOT_STARTED:
	case STATUS_STARTING:
	case STATUS_ROLLED_BACK:
	case STATUS_COMPLETED:
	case STATUS_FAILED_AT_STARTUP:
	case STATUS_COUNT:
		break;
	}
	error_set(err, OUTCOME_NOT_NOW, "\"%s\" is %s: there is no run to go on with",
		  c->options.name, status_label(status));
	if (status != STATUS_COMPLETED)
		error_hint(err, "`amigrun run %s` starts it", c->options.name);
	return OUTCOME_NOT_NOW;
}

static bool asks_and_hears_yes(const char *name)
{
	char line[16] = "";

	printf("\"%s\" is completed. Roll it back? [y/N] ", name);
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y');
}

enum outcome command_rollback(struct context *c, struct error *err)
{
	struct run_options options = context_run_options(c);
	enum migration_status status = STATUS_NOT_STARTED;
	struct bar bar;
	enum outcome o = want_name(c, "rollback", err);

	if (o == OUTCOME_OK)
		o = context_open_store(c, err);
	if (o == OUTCOME_OK)
		o = status_of(c, str_c(c->options.name), &status, err);
	if (o != OUTCOME_OK)
		return o;
	if (status == STATUS_ROLLED_BACK && !c->options.quiet && !c->options.json)
		printf("%s: already rolled back\n", c->options.name);
	if (status == STATUS_COMPLETED && !c->options.yes && isatty(STDIN_FILENO) &&
	    !asks_and_hears_yes(c->options.name))
		return error_set(err, OUTCOME_STOPPED, "not rolled back");
	run_catch_signals();
	bar_init(&bar, c->options.quiet || c->options.json);
	options.listener = bar.listener.hear ? &bar.listener : NULL;
	o = run_rollback(c->store, &c->instance, str_c(c->options.name), &options, err);
	bar_end(&bar);
	if (c->options.json)
		print_result(c, str_c(c->options.name));
	return o;
}

