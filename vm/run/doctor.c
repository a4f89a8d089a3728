/* doctor.c - looking for what a start, a resume or a rollback would refuse */
#include "vm/run/doctor.h"
#include "vm/run/session.h"

static bool has_run(const struct migration_row *row)
{
	switch (row->status) {
	case STATUS_RUNNING:
	case STATUS_STOPPING:
	case STATUS_STOPPED:
	case STATUS_ERRORED:
	case STATUS_ROLLING_BACK:
		return true;
	case STATUS_COMPLETED: /* without one, where it was not required */
		return row->current_run != 0;
	case STATUS_NOT_STARTED:
	case STATUS_STARTING:
	case STATUS_ROLLED_BACK:
	case STATUS_FAILED_AT_STARTUP:
	case STATUS_COUNT:
		return false;
	}
	return false;
}

/* What is stored for the next run, as the bundle's migration would read it. */
static enum outcome look_ahead(struct run *r, struct str image, struct error *err)
{
	struct str(*rows)[2];
	size_t count;
	enum outcome o = store_parameters(r->store, r->name, &r->arena, &rows, &count, err);

	if (o == OUTCOME_OK && count)
		o = session_load_module(r, image, err);
	return o == OUTCOME_OK && count ? params_look(r, err) : o;
}

enum outcome doctor_migration(struct store *store, const struct instance *instance,
			      const struct bundle *bundle, struct str name, struct error *err)
{
	const struct run_options options = { 0 };
	const struct bundle_entry *entry = bundle ? bundle_find(bundle, name) : NULL;
	struct arena arena = { 0 };
	struct migration_row row = { 0 };
	struct run r;
	bool found = false;
	enum outcome o = store_migration(store, name, &arena, &row, &found, err);

	if (o == OUTCOME_OK && found && has_run(&row)) {
		session_open(&r, store, instance, name, &options);
		o = resume_look(&r, &row, err);
		session_close(&r);
		/* Who is at work on it has gone on meanwhile, and has looked himself. */
		if (o == OUTCOME_NOT_NOW) {
			error_clear(err);
			o = OUTCOME_OK;
		}
	} else if (o == OUTCOME_OK && entry) {
		session_open(&r, store, instance, name, &options);
		o = look_ahead(&r, entry->image, err);
		session_close(&r);
	}
	arena_clear(&arena);
	return o;
}
