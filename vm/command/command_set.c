/* command_set.c - set, settings */
#include "vm/command/command.h"

#include "vm/run/setting.h"

#include <jansson.h>
#include <string.h>

enum outcome command_set(struct context *c, struct error *err)
{
	const char *text = c->options.name, *equals = text ? strchr(text, '=') : NULL;
	struct str name;
	enum outcome o;

	if (!equals || equals == text) {
		error_set(err, OUTCOME_USAGE, "say which setting and its value");
		error_hint(err, "amigrun set auto_start=true; `amigrun settings` lists them");
		return OUTCOME_USAGE;
	}
	name = (struct str){ text, (size_t)(equals - text) };
	o = context_open_store(c, err);
	if (o == OUTCOME_OK)
		o = setting_change(c->store, name, str_c(equals + 1), err);
	if (o == OUTCOME_OK && !c->options.quiet && !c->options.json)
		printf("%s\n", text);
	return o;
}

/* What migrations have set. */
static enum outcome show_others(struct context *c, struct arena *a, json_t *all, struct error *err)
{
	struct str(*rows)[2];
	size_t count = 0;
	enum outcome o = store_settings(c->store, a, &rows, &count, err);

	for (size_t i = 0; o == OUTCOME_OK && i < count; i++) {
		if (!setting_is_other(rows[i][0]))
			continue;
		if (c->options.json)
			json_object_setn_new(all, rows[i][0].ptr, rows[i][0].len,
					     json_stringn(rows[i][1].ptr, rows[i][1].len));
		else
			printf("%-14.*s %-6.*s A migration has made it. (set)\n",
			       STR_ARG(rows[i][0]), STR_ARG(rows[i][1]));
	}
	return o;
}

enum outcome command_settings(struct context *c, struct error *err)
{
	struct arena a = { 0 };
	json_t *all = json_object();
	enum outcome o = context_open_store(c, err);

	for (size_t i = 0; i < SETTINGS_COUNT && o == OUTCOME_OK; i++) {
		struct setting_shown s;

		o = setting_show(c->store, (enum setting)i, &a, &s, err);
		if (o != OUTCOME_OK)
			break;
		if (c->options.json)
			json_object_set_new(all, s.name, json_stringn(s.value.ptr, s.value.len));
		else
			printf("%-14s %-6.*s %s%s\n", s.name, STR_ARG(s.value), s.sentence,
			       s.is_default ? "" : " (set)");
	}
	if (o == OUTCOME_OK)
		o = show_others(c, &a, all, err);
	if (o == OUTCOME_OK && c->options.json) {
		json_dumpf(all, stdout, JSON_INDENT(2));
		fputc('\n', stdout);
	}
	json_decref(all);
	arena_clear(&a);
	return o;
}
