/*
 * worker.c - what a worker finds to do
 *
 * First what somebody began and died over; then what an operator has asked for; then, if the
 * setting auto_start is on, what has never run and whose dependencies are completed. Of two that
 * find the same at the same moment one loses the claim, and looks again.
 */
#include "vm/base/mutant.h"
#include "vm/run/session.h"
#include "vm/run/setting.h"

#define LOOK_AGAIN_MS 10000 /* for a bundle that was replaced, and words that got lost */

bool work_is_orphaned(const struct migration_row *row)
{
	return status_is_active(row->status) && (!row->lease_left_ms || session_owner_died(row));
}

static const struct migration_row *find(const struct migration_row *rows, size_t count,
					struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(rows[i].name, name))
			return &rows[i];
	return NULL;
}

static bool is_completed(const struct migration_row *row)
{
	return row && row->status == STATUS_COMPLETED;
}

/* Whether nothing stands against starting it by itself. */
static enum outcome may_start(const struct bundle_entry *e, const struct migration_row *rows,
			      size_t count, const struct instance *instance, bool *may,
			      struct error *err)
{
	const struct migration_row *row = find(rows, count, e->name);
	struct module head;
	enum outcome o;

	*may = !row || row->status == STATUS_NOT_STARTED;
	if (!*may)
		return OUTCOME_OK;
	o = module_open_head(&head, e->image, err);
	if (o != OUTCOME_OK)
		return o;
	*may = version_suits(&head.migration, instance->app_version);
	for (uint32_t i = 0; i < head.migration.depends_count; i++)
		*may &= is_completed(find(rows, count, head.migration.depends[i])) ||
			mutant(MUTANT_EARLY);
	module_clear(&head);
	return OUTCOME_OK;
}

static void take(struct work *w, const struct migration_row *row, enum wanted what)
{
	w->name = arena_str(&w->arena, row->name);
	w->what = what;
	w->epoch = row->epoch;
	w->status = row->status;
	w->wanted = row->wanted;
}

/* What has a run goes on by what the store has of it; the rest waits for its bundle. */
static bool can_do(const struct migration_row *row, bool has_bundle)
{
	switch (row->status) {
	case STATUS_NOT_STARTED:
	case STATUS_STARTING:
	case STATUS_ROLLED_BACK:
	case STATUS_FAILED_AT_STARTUP:
		return has_bundle;
	case STATUS_RUNNING:
	case STATUS_STOPPING:
	case STATUS_STOPPED:
	case STATUS_ERRORED:
	case STATUS_ROLLING_BACK:
	case STATUS_COMPLETED:
	case STATUS_COUNT:
		return true;
	}
	return true;
}

static bool find_begun(const struct migration_row *rows, size_t count, bool has_bundle,
		       struct work *w)
{
	for (size_t i = 0; i < count; i++) {
		if (work_is_orphaned(&rows[i])) {
			if (!can_do(&rows[i], has_bundle))
				continue;
			take(w, &rows[i], WANTED_RUN);
			return true;
		}
		/* It may be one soon. */
		if (status_is_active(rows[i].status) && rows[i].lease_left_ms < w->again_in_ms)
			w->again_in_ms = rows[i].lease_left_ms;
	}
	return false;
}

static bool find_wanted(const struct migration_row *rows, size_t count, bool has_bundle,
			struct work *w)
{
	for (size_t i = 0; i < count; i++)
		if (!status_is_active(rows[i].status) && rows[i].wanted != WANTED_NOTHING &&
		    can_do(&rows[i], has_bundle)) {
			take(w, &rows[i], rows[i].wanted);
			return true;
		}
	return false;
}

static enum outcome find_startable(struct store *store, const struct bundle *bundle,
				   const struct migration_row *rows, size_t count,
				   const struct instance *instance, struct work *w,
				   struct error *err)
{
	int64_t may = 0;
	enum outcome o = setting_read(store, SETTING_auto_start, &may, err);

	for (uint32_t i = 0; may && o == OUTCOME_OK && i < bundle->count; i++) {
		bool starts;

		o = may_start(&bundle->entries[i], rows, count, instance, &starts, err);
		if (o == OUTCOME_OK && starts) {
			const struct migration_row none = { .name = bundle->entries[i].name };
			const struct migration_row *row = find(rows, count, none.name);

			take(w, row ? row : &none, WANTED_RUN);
			break;
		}
	}
	return o;
}

enum outcome work_find(struct store *store, const struct bundle *bundle,
		       const struct instance *instance, struct work *out, struct error *err)
{
	struct migration_row *rows;
	size_t count;
	enum outcome o;

	*out = (struct work){ .again_in_ms = LOOK_AGAIN_MS };
	o = store_migrations(store, &out->arena, &rows, &count, err);
	if (o != OUTCOME_OK || find_begun(rows, count, bundle != NULL, out) ||
	    find_wanted(rows, count, bundle != NULL, out))
		return o;
	return bundle ? find_startable(store, bundle, rows, count, instance, out, err)
		      : OUTCOME_OK;
}

void work_clear(struct work *w)
{
	arena_clear(&w->arena);
	*w = (struct work){ 0 };
}

enum outcome work_do(struct store *store, const struct instance *instance,
		     const struct bundle *bundle, const struct work *w,
		     const struct run_options *options, struct error *err)
{
	struct run_options mine = *options;

	mine.found = w;
	if (w->what == WANTED_ROLLBACK)
		return run_rollback(store, instance, w->name, &mine, err);
	return run_migration(store, instance, bundle, w->name, &mine, err);
}

enum outcome work_forget(struct store *store, const struct work *w, struct error *err)
{
	if (w->wanted == WANTED_NOTHING)
		return OUTCOME_OK;
	return store_forget(store, w->name, w->epoch, w->wanted, err);
}
