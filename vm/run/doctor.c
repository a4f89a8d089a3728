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

enum outcome doctor_migration(struct store *store, const struct instance *instance,
			      struct str name, struct error *err)
{
	const struct run_options options = { 0 };
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
	}
	arena_clear(&arena);
	return o;
}
