/* gate.c - whether the application may go to a version: every migration whose range ends before it
 * must be completed */
#include "vm/run/session.h"

static enum outcome look(struct store *store, const struct bundle_entry *e, struct semver version,
			 const char *app_version, struct gate *out, struct error *err)
{
	struct module head;
	struct semver last;
	struct migration_row row = { .status = STATUS_NOT_STARTED };
	bool found;
	enum outcome o = module_open_head(&head, e->image, err);

	if (o != OUTCOME_OK)
		return o;
	if (semver_parse(head.migration.max_version, &last) && semver_compare(version, last) > 0) {
		o = store_migration(store, e->name, &out->arena, &row, &found, err);
		if (o == OUTCOME_OK && (!found || row.status != STATUS_COMPLETED)) {
			struct gate_entry *g = &out->entries[out->count++];

			g->name = arena_str(&out->arena, e->name);
			g->min_version = arena_str(&out->arena, head.migration.min_version);
			g->max_version = arena_str(&out->arena, head.migration.max_version);
			g->status = found ? row.status : STATUS_NOT_STARTED;
			g->runs_now = app_version && version_suits(&head.migration, app_version);
		}
	}
	module_clear(&head);
	return o;
}

enum outcome run_gate(struct store *store, const struct bundle *bundle, struct str version,
		      const char *app_version, struct gate *out, struct error *err)
{
	struct semver v;

	*out = (struct gate){ 0 };
	if (!semver_parse(version, &v)) {
		error_set(err, OUTCOME_USAGE, "\"%.*s\" is not a version", STR_ARG(version));
		error_hint(err, "write it as 1.35.0");
		return OUTCOME_USAGE;
	}
	out->entries = arena_array(&out->arena, struct gate_entry, bundle->count + 1);
	for (uint32_t i = 0; i < bundle->count; i++) {
		enum outcome o = look(store, &bundle->entries[i], v, app_version, out, err);

		if (o != OUTCOME_OK)
			return o;
	}
	if (!out->count)
		return OUTCOME_OK;
	return error_set(err, OUTCOME_NOT_NOW, "Async migrations are not completed.");
}

void gate_print(const struct gate *g, const char *app_version, struct buf *out)
{
	size_t now = 0;

	if (!g->count)
		return;
	buf_text(out, "List of async migrations to be applied:\n");
	for (size_t i = 0; i < g->count; i++) {
		buf_format(out, "- %.*s - Available on versions %.*s - %.*s\n",
			   STR_ARG(g->entries[i].name), STR_ARG(g->entries[i].min_version),
			   STR_ARG(g->entries[i].max_version));
		now += g->entries[i].runs_now;
	}
	buf_text(out, "Async migrations are not completed.\n");
	if (now) {
		buf_format(out, "Run now, on version %s:\n", app_version);
		for (size_t i = 0; i < g->count; i++)
			if (g->entries[i].runs_now)
				buf_format(out, "  amigrun run %.*s\n",
					   STR_ARG(g->entries[i].name));
	}
	if (now == g->count)
		return;
	buf_text(out,
		 now ? "Then go through these versions:\n" : "Go through these versions first:\n");
	for (size_t i = 0; i < g->count; i++)
		if (!g->entries[i].runs_now)
			buf_format(out, "  %.*s - %.*s: amigrun run %.*s\n",
				   STR_ARG(g->entries[i].min_version),
				   STR_ARG(g->entries[i].max_version), STR_ARG(g->entries[i].name));
}

void gate_clear(struct gate *g)
{
	arena_clear(&g->arena);
	*g = (struct gate){ 0 };
}
