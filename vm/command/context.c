/* context.c - opening what a command works with, not more */
#include "vm/command/command.h"

#include <stdlib.h>
#include <unistd.h>

#define BUNDLE_DEFAULT "./migrations.amb"

enum outcome context_open_store(struct context *c, struct error *err)
{
	enum outcome o = store_open(&c->store, c->instance.state, err);

	if (o != OUTCOME_OK && c->options.name)
		error_prefix(err, "%s: ", c->options.name);
	return o;
}

enum outcome context_open_bundle(struct context *c, bool optional, struct error *err)
{
	const char *path = c->options.bundle, *env = getenv("AMIG_BUNDLE");
	enum outcome o;

	if (!path && env && *env)
		path = env;
	if (!path && optional && access(BUNDLE_DEFAULT, F_OK) != 0)
		return OUTCOME_OK;
	if (!path && access(BUNDLE_DEFAULT, F_OK) != 0) {
		error_set(err, OUTCOME_UNREACHABLE, "there is no bundle " BUNDLE_DEFAULT);
		error_hint(err, "name one with --bundle FILE or AMIG_BUNDLE; `amigc build PATH -o "
				"FILE` makes it");
		return OUTCOME_UNREACHABLE;
	}
	o = bundle_read(&c->bundle, path ? path : BUNDLE_DEFAULT, err);
	c->has_bundle = o == OUTCOME_OK;
	return o;
}

void context_close_bundle(struct context *c)
{
	bundle_clear(&c->bundle);
	c->has_bundle = false;
}

void context_close(struct context *c)
{
	store_close(c->store);
	c->store = NULL;
	context_close_bundle(c);
}

struct run_options context_run_options(const struct context *c)
{
	const struct options *o = &c->options;

	return (struct run_options){
		.ignore_app_version = o->ignore_app_version,
		.skip_postchecks = o->skip_postchecks,
		.no_auto_rollback = o->no_auto_rollback,
		.params = o->params.at,
		.param_count = o->params.count,
		.accepts = o->accepts.at,
		.accept_count = o->accepts.count,
		.operations_max = o->operations,
	};
}
