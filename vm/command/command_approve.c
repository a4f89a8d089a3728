/* command_approve.c - approve */
#include "vm/command/command.h"

#include <jansson.h>

static void print_approved(const struct context *c, struct str label, bool active)
{
	json_t *o;

	if (c->options.json) {
		o = json_object();
		json_object_set_new(o, "name", json_string(c->options.name));
		json_object_set_new(o, "approved", json_stringn(label.ptr, label.len));
		json_dumpf(o, stdout, JSON_COMPACT);
		fputc('\n', stdout);
		json_decref(o);
	} else if (!c->options.quiet) {
		printf("%s: \"%.*s\" is approved", c->options.name, STR_ARG(label));
		if (!active)
			printf("; `amigrun resume %s` goes on", c->options.name);
		printf("\n");
	}
}

enum outcome command_approve(struct context *c, struct error *err)
{
	struct arena a = { 0 };
	struct str label = { 0 };
	bool active;
	enum outcome o = want_name(c, "approve", err);

	if (o == OUTCOME_OK)
		o = context_open_store(c, err);
	if (o == OUTCOME_OK)
		o = run_approve(c->store, str_c(c->options.name), &a, &label, &active, err);
	if (o == OUTCOME_OK)
		print_approved(c, label, active);
	arena_clear(&a);
	return o;
}
