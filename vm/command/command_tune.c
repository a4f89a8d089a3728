/* command_tune.c - tune */
#include "vm/command/command.h"

#include <jansson.h>

/* What counts now, as it is stored. */
static enum outcome show(struct context *c, struct error *err)
{
	const struct str begin = STR(STORE_TUNED);
	struct arena a = { 0 };
	json_t *all = json_object();
	struct str(*rows)[2];
	size_t count = 0, shown = 0;
	enum outcome o = store_parameters(c->store, str_c(c->options.name), &a, &rows, &count, err);

	for (size_t i = 0; o == OUTCOME_OK && i < count; i++) {
		if (!str_starts(rows[i][0], begin))
			continue;
		if (c->options.json)
			json_object_setn_new(all, rows[i][0].ptr + begin.len,
					     rows[i][0].len - begin.len,
					     json_stringn(rows[i][1].ptr, rows[i][1].len));
		else if (!c->options.quiet)
			printf("%s%.*s=%.*s", shown ? " " : "",
			       (int)(rows[i][0].len - begin.len), rows[i][0].ptr + begin.len,
			       STR_ARG(rows[i][1]));
		shown++;
	}
	if (o == OUTCOME_OK && c->options.json) {
		json_dumpf(all, stdout, JSON_COMPACT);
		fputc('\n', stdout);
	} else if (o == OUTCOME_OK && !c->options.quiet) {
		printf("%s\n", shown ? "" : "the windows go as the migration says");
	}
	json_decref(all);
	arena_clear(&a);
	return o;
}

enum outcome command_tune(struct context *c, struct error *err)
{
	const struct option_pairs *set = &c->options.tuned;
	enum outcome o = want_name(c, "tune", err);

	if (o == OUTCOME_OK)
		o = context_open_store(c, err);
	if (o == OUTCOME_OK)
		o = run_tune(c->store, str_c(c->options.name), c->options.reset, set->at,
			     set->count, err);
	return o == OUTCOME_OK ? show(c, err) : o;
}
