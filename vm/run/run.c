/* run.c - what is to be done with a migration, by its status */
#include "vm/base/mutant.h"
#include "vm/run/session.h"

static enum outcome no_such(const struct bundle *b, struct str name, struct error *err)
{
	struct buf names = { 0 };

	for (uint32_t i = 0; b && i < b->count && i < 20; i++)
		buf_format(&names, "%s%.*s", i ? ", " : "", STR_ARG(b->entries[i].name));
	error_set(err, OUTCOME_USAGE, "there is no migration \"%.*s\"", STR_ARG(name));
	if (names.len)
		error_hint(err, "the bundle has %.*s%s", STR_ARG(buf_view(&names)),
			   b->count > 20 ? ", …" : "");
	buf_clear(&names);
	return OUTCOME_USAGE;
}

static enum outcome register_migration(struct store *store, const struct bundle_entry *entry,
				       struct error *err)
{
	struct module head;
	enum outcome o = module_open_head(&head, entry->image, err);

	if (o != OUTCOME_OK)
		return o;
	o = store_register(store, entry->name, head.migration.description,
			   head.migration.min_version, head.migration.max_version, err);
	module_clear(&head);
	return o;
}

static enum outcome find_row(struct store *store, const struct bundle *bundle,
			     const struct bundle_entry *entry, struct str name, struct arena *a,
			     struct migration_row *row, struct error *err)
{
	bool found;
	enum outcome o = store_migration(store, name, a, row, &found, err);

	if (o == OUTCOME_OK && !found) {
		if (!entry)
			return no_such(bundle, name, err);
		o = register_migration(store, entry, err);
		if (o == OUTCOME_OK)
			o = store_migration(store, name, a, row, &found, err);
	}
	return o;
}

/* What a worker found to do may have been done by another one before it came to it, and undone; and
 * what somebody was about, whom it took for dead, may have come to its end. */
static bool is_as_found(const struct work *w, const struct migration_row *row)
{
	return (row->status == w->status || mutant(MUTANT_STALE_FIND)) &&
	       (row->wanted == w->wanted || mutant(MUTANT_OLD_WORD));
}

static enum outcome check_found(const struct run_options *options, const struct migration_row *row,
				struct error *err)
{
	if (!options->found || is_as_found(options->found, row))
		return OUTCOME_OK;
	return error_set(err, OUTCOME_NOT_NOW, "another process was faster: \"%.*s\" is %s",
			 STR_ARG(row->name), status_label(row->status));
}

static enum outcome begin(struct run *r, const struct bundle_entry *entry,
			  const struct migration_row *row, struct error *err)
{
	bool dead;
	enum outcome o;

	switch (row->status) {
	case STATUS_COMPLETED:
		return OUTCOME_OK;
	case STATUS_NOT_STARTED:
	case STATUS_ROLLED_BACK:
	case STATUS_FAILED_AT_STARTUP:
	case STATUS_STARTING:
		o = resume_check_owner(row, &dead, err);
		if (o != OUTCOME_OK)
			return o;
		if (r->options->stop_at_once)
			return start_give_up(r, row, err);
		if (!entry)
			return start_without_definition(r, row, err);
		o = register_migration(r->store, entry, err);
		return o == OUTCOME_OK ? start_run(r, row, entry->image, err) : o;
	case STATUS_RUNNING:
	case STATUS_STOPPING:
	case STATUS_STOPPED:
	case STATUS_ERRORED:
	case STATUS_ROLLING_BACK:
		return resume_run(r, row, false, err);
	case STATUS_COUNT:
		break;
	}
	BUG("status %d", (int)row->status);
}

enum outcome run_migration(struct store *store, const struct instance *instance,
			   const struct bundle *bundle, struct str name,
			   const struct run_options *options, struct error *err)
{
	const struct bundle_entry *entry = bundle ? bundle_find(bundle, name) : NULL;
	struct arena arena = { 0 };
	struct migration_row row = { 0 };
	struct run r;
	enum outcome o = find_row(store, bundle, entry, name, &arena, &row, err);

	if (o == OUTCOME_OK)
		o = check_found(options, &row, err);
	if (o == OUTCOME_OK) {
		session_open(&r, store, instance, name, options);
		o = begin(&r, entry, &row, err);
		session_close(&r);
	}
	arena_clear(&arena);
	return o;
}

static enum outcome check_run(const struct migration_row *row, struct error *err)
{
	if (row->current_run && row->status != STATUS_NOT_STARTED &&
	    row->status != STATUS_STARTING && row->status != STATUS_FAILED_AT_STARTUP)
		return OUTCOME_OK;
	return error_set(err, OUTCOME_NOT_NOW, "\"%.*s\" is %s: there is nothing to roll back",
			 STR_ARG(row->name), status_label(row->status));
}

/* Whether the run could be undone, of one that nobody is at work on. */
static enum outcome check_undo(struct store *store, const struct instance *instance,
			       const struct migration_row *row, struct error *err)
{
	const struct run_options options = { 0 };
	struct run r;
	enum outcome o = check_run(row, err);

	if (o != OUTCOME_OK || status_is_active(row->status) || row->status == STATUS_ROLLED_BACK)
		return o;
	session_open(&r, store, instance, row->name, &options);
	o = resume_check_undo(&r, row, err);
	session_close(&r);
	return o;
}

enum outcome run_want(struct store *store, const struct instance *instance,
		      const struct bundle *bundle, struct str name, enum wanted wanted,
		      struct error *err)
{
	const struct bundle_entry *entry = bundle ? bundle_find(bundle, name) : NULL;
	struct arena arena = { 0 };
	struct migration_row row = { 0 };
	bool was_idle;
	enum outcome o = find_row(store, bundle, entry, name, &arena, &row, err);

	if (o == OUTCOME_OK && wanted == WANTED_ROLLBACK)
		o = check_undo(store, instance, &row, err);
	if (o == OUTCOME_OK)
		o = store_want(store, name, wanted, &was_idle, err);
	if (o == OUTCOME_OK && !was_idle)
		o = error_set(err, OUTCOME_NOT_NOW, "\"%.*s\" is %s already", STR_ARG(name),
			      status_label(row.status));
	arena_clear(&arena);
	return o;
}

enum outcome run_rollback(struct store *store, const struct instance *instance, struct str name,
			  const struct run_options *options, struct error *err)
{
	struct arena arena = { 0 };
	struct migration_row row = { 0 };
	struct run r;
	enum outcome o = find_row(store, NULL, NULL, name, &arena, &row, err);

	if (o == OUTCOME_OK)
		o = check_found(options, &row, err);
	if (o != OUTCOME_OK)
		goto out;
	if (row.status == STATUS_ROLLED_BACK)
		goto out;
	o = check_run(&row, err);
	if (o != OUTCOME_OK)
		goto out;
	session_open(&r, store, instance, name, options);
	o = resume_run(&r, &row, true, err);
	session_close(&r);
out:
	arena_clear(&arena);
	return o;
}
