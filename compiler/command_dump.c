/* command_dump.c - `amigc dump`: the code of a bundle beside its source */
#include "compiler/command.h"
#include "compiler/stdlib.h"
#include "vm/isa/module.h"
#include <stdio.h>

struct texts {
	const struct module *module;
	struct arena arena;
};

static bool is_text_of(const struct texts *t, struct str path, struct str text)
{
	for (uint32_t i = 0; i < t->module->source_count; i++) {
		if (str_eq(t->module->sources[i].path, path))
			return hash_eq(t->module->sources[i].hash, hash_of(text));
	}
	return false;
}

/* The text that the code was made of, or nothing: another one's lines would mislead. */
static struct str find_text(void *context, struct str path)
{
	struct texts *t = context;
	struct buf text = {0};
	struct error err = {0};
	struct str found = STR("");

	for (const struct stdlib_module *m = stdlib_modules; m->name; m++) {
		struct str own = { m->text, m->len };

		if (str_eq(str_c(m->path), path) && is_text_of(t, path, own))
			return own;
	}
	if (os_read_file(arena_c(&t->arena, path), SOURCE_MAX_BYTES, &text, &err) == OUTCOME_OK &&
	    is_text_of(t, path, buf_view(&text)))
		found = arena_str(&t->arena, buf_view(&text));
	buf_clear(&text);
	error_clear(&err);
	return found;
}

static enum exit_status list(const struct bundle_entry *entry, const char *path)
{
	struct module m;
	struct error err = {0};
	struct buf out = {0};
	struct texts texts = { .module = &m };
	enum exit_status status = STATUS_CLEAN;

	if (module_open(&m, entry->image, &err) != OUTCOME_OK ||
	    module_verify(&m, &err) != OUTCOME_OK) {
		status = command_failed(STATUS_FILES, "%s: %s", path, err.message);
	} else {
		module_list(&m, find_text, &texts, &out);
		fwrite(buf_view(&out).ptr, 1, out.len, stdout);
	}
	error_clear(&err);
	module_clear(&m);
	arena_clear(&texts.arena);
	buf_clear(&out);
	return status;
}

static enum exit_status list_bundle(const struct bundle *b, const char *path, const char *name)
{
	enum exit_status status = STATUS_CLEAN;
	const struct bundle_entry *only = NULL;

	if (name) {
		only = bundle_find(b, str_c(name));
		if (!only)
			return command_failed(STATUS_USAGE, "%s has no migration \"%s\"", path,
					      name);
		return list(only, path);
	}
	for (uint32_t i = 0; i < b->count && status == STATUS_CLEAN; i++) {
		if (i)
			putchar('\n');
		status = list(&b->entries[i], path);
	}
	return status;
}

enum exit_status command_dump(const struct command_line *line)
{
	const char *path = line->arguments.at[0];
	const char *name = line->arguments.count > 1 ? line->arguments.at[1] : NULL;
	struct bundle bundle = {0};
	struct error err = {0};
	enum exit_status status;

	if (bundle_read(&bundle, path, &err) != OUTCOME_OK)
		status = command_failed(STATUS_FILES, "%s", err.message);
	else
		status = list_bundle(&bundle, path, name);
	error_clear(&err);
	bundle_clear(&bundle);
	return status;
}
