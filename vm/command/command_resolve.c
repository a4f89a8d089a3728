/* command_resolve.c - resolve */
#include "vm/command/command.h"

#include <jansson.h>

static void print_resolved(const struct context *c, struct str effect)
{
	const char *word = c->options.done ? "done" : "again";
	json_t *o;

	if (c->options.json) {
		o = json_object();
		json_object_set_new(o, "name", json_string(c->options.name));
		json_object_set_new(o, "effect", json_stringn(effect.ptr, effect.len));
		json_object_set_new(o, "resolved", json_string(word));
		json_dumpf(o, stdout, JSON_COMPACT);
		fputc('\n', stdout);
		json_decref(o);
	} else if (!c->options.quiet) {
		printf("%s: %.*s %s; `amigrun resume %s` goes on\n", c->options.name,
		       STR_ARG(effect), c->options.done ? "counts as done" : "will be made again",
		       c->options.name);
	}
}

enum outcome command_resolve(struct context *c, struct error *err)
{
	struct arena a = { 0 };
	struct str effect = { 0 };
	enum outcome o = OUTCOME_OK;

	if (!c->options.name || c->options.done == c->options.again) {
		error_set(err, OUTCOME_USAGE, "say of which migration, and --done or --again");
		error_hint(err, "amigrun resolve NAME --done | --again; `amigrun errors NAME` "
				"shows what is in doubt");
		return OUTCOME_USAGE;
	}
	o = context_open_store(c, err);
	if (o == OUTCOME_OK)
		o = run_resolve(c->store, str_c(c->options.name), c->options.done, &a, &effect,
				err);
	if (o == OUTCOME_OK)
		print_resolved(c, effect);
	arena_clear(&a);
	return o;
}
