/* command_doctor.c - doctor: all of the state that makes no sense, not only the first of it */
#include "vm/command/command.h"

#include "vm/run/setting.h"

#include <jansson.h>

struct report {
	bool json, quiet;
	json_t *list;
	size_t looked_at, wrong;
};

static void tell(struct report *r, struct str what, struct error *err)
{
	r->looked_at++;
	r->wrong += err->message != NULL;
	if (r->json) {
		json_t *o = json_object();

		json_object_set_new(o, "name", json_stringn(what.ptr, what.len));
		json_object_set_new(o, "problem",
				    err->message ? json_string(err->message) : json_null());
		json_object_set_new(o, "hint", err->hint ? json_string(err->hint) : json_null());
		json_array_append_new(r->list, o);
	} else if (err->message) {
		printf("%.*s: %s\n", STR_ARG(what), err->message);
		if (err->hint)
			show_indented(stdout, "    ", str_c(err->hint));
	} else if (!r->quiet) {
		printf("%.*s: in order\n", STR_ARG(what));
	}
	error_clear(err);
}

static enum outcome look_at_settings(struct context *c, struct report *r, struct error *err)
{
	for (size_t i = 0; i < SETTINGS_COUNT; i++) {
		struct error found = { 0 };
		int64_t ignored;
		enum outcome o = setting_read(c->store, (enum setting)i, &ignored, &found);

		if (o == OUTCOME_DAMAGED) {
			tell(r, STR("settings"), &found);
		} else if (o != OUTCOME_OK) {
			error_take(err, &found);
			return o;
		}
	}
	return OUTCOME_OK;
}

/* A store that cannot be reached any more ends it; all else is told and the next one looked at. */
static enum outcome look_at_migrations(struct context *c, struct report *r, struct error *err)
{
	struct arena a = { 0 };
	struct str *names;
	size_t count;
	enum outcome o = store_names(c->store, &a, &names, &count, err);

	for (size_t i = 0; i < count && o == OUTCOME_OK; i++) {
		struct error found = { 0 };

		if (c->options.name && !str_eq(names[i], str_c(c->options.name)))
			continue;
		o = run_look(c->store, &c->instance, names[i], &found);
		if (o == OUTCOME_UNREACHABLE) {
			error_take(err, &found);
			break;
		}
		o = OUTCOME_OK;
		tell(r, names[i], &found);
	}
	arena_clear(&a);
	return o;
}

enum outcome command_doctor(struct context *c, struct error *err)
{
	struct report r = { .json = c->options.json,
			    .quiet = c->options.quiet,
			    .list = json_array() };
	enum outcome o = context_open_store(c, err);

	if (o == OUTCOME_OK)
		o = look_at_migrations(c, &r, err);
	if (o == OUTCOME_OK && c->options.name && !r.looked_at)
		o = error_set(err, OUTCOME_USAGE, "there is no migration \"%s\"",
			      c->options.name);
	if (o == OUTCOME_OK && !c->options.name)
		o = look_at_settings(c, &r, err);
	if (r.json && o == OUTCOME_OK) {
		json_dumpf(r.list, stdout, JSON_INDENT(2));
		fputc('\n', stdout);
	}
	json_decref(r.list);
	if (o != OUTCOME_OK || !r.wrong)
		return o;
	error_set(err, OUTCOME_DAMAGED, "the state is damaged at %zu place%s", r.wrong,
		  r.wrong == 1 ? "" : "s");
	error_hint(err, "docs/state.md says how each is mended");
	return OUTCOME_DAMAGED;
}
