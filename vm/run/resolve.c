/* resolve.c - the word of an operator: on the effect that is in doubt, to what waits for a yes */
#include "vm/base/mutant.h"
#include "vm/run/session.h"

static enum outcome nothing_in_doubt(const struct migration_row *row, struct error *err)
{
	error_set(err, OUTCOME_NOT_NOW, "\"%.*s\" is %s, and no effect of it is in doubt",
		  STR_ARG(row->name), status_label(row->status));
	error_hint(err, "`amigrun status %.*s` shows where it stands", STR_ARG(row->name));
	return OUTCOME_NOT_NOW;
}

static enum outcome keep(struct store *store, const struct migration_row *row,
			 const struct effect_row *e, bool done, struct error *err)
{
	struct buf who = { 0 }, detail = { 0 };
	struct event_row event = { .kind = str_c(run_event_word(EVENT_RESOLVED)) };
	enum outcome o;

	operator_print(&who);
	buf_format(&detail, "operation %lld, effect %lld (%.*s): %s", (long long)e->operation_index,
		   (long long)e->number, STR_ARG(e->query_id),
		   done ? "it has happened" : "it is to be made again");
	event.who = buf_view(&who);
	event.detail = buf_view(&detail);
	o = store_say(store, row, e, done && !mutant(MUTANT_SAYS_AGAIN) ? SAID_DONE : SAID_AGAIN,
		      &event, err);
	buf_clear(&who);
	buf_clear(&detail);
	return o;
}

/* What the run has ended over, and its last error tells of, is what an operator has looked at, also
 * when this is said once more; another that is open may be one that the run settles by itself. If
 * no error tells of one that is open: the first of which nobody has spoken, else the last. */
static enum outcome choose(struct store *store, const struct migration_row *row,
			   const struct effect_row *open, size_t count, struct arena *a,
			   size_t *which, struct error *err)
{
	struct error_row *errors;
	size_t error_count;
	enum outcome o = store_errors(store, row->name, a, &errors, &error_count, err);

	*which = 0;
	if (mutant(MUTANT_OTHER_WORD))
		error_count = 0;
	for (size_t i = 0; o == OUTCOME_OK && error_count && i < count; i++)
		if (str_eq(open[i].query_id, errors[0].query_id)) {
			*which = i;
			return o;
		}
	while (*which + 1 < count && open[*which].said != SAID_NOTHING)
		++*which;
	return o;
}

enum outcome run_resolve(struct store *store, struct str name, bool done, struct arena *a,
			 struct str *effect, struct error *err)
{
	struct migration_row row = { 0 };
	struct effect_row *open = NULL;
	struct buf text = { 0 };
	size_t count = 0, which = 0;
	bool found, dead;
	enum outcome o = store_migration(store, name, a, &row, &found, err);

	if (o == OUTCOME_OK && !found)
		o = error_set(err, OUTCOME_USAGE, "there is no migration \"%.*s\"", STR_ARG(name));
	if (o == OUTCOME_OK)
		o = resume_check_owner(&row, &dead, err);
	if (o == OUTCOME_OK && !row.current_run)
		o = nothing_in_doubt(&row, err);
	if (o == OUTCOME_OK)
		o = store_open_effects(store, row.current_run, a, &open, &count, err);
	if (o == OUTCOME_OK && !count)
		o = nothing_in_doubt(&row, err);
	if (o == OUTCOME_OK)
		o = choose(store, &row, open, count, a, &which, err);
	if (o == OUTCOME_OK)
		o = keep(store, &row, &open[which], done, err);
	if (o != OUTCOME_OK)
		return o;
	buf_format(&text, "effect %lld of operation %lld on %.*s", (long long)open[which].number,
		   (long long)open[which].operation_index, STR_ARG(open[which].connection));
	*effect = arena_str(a, buf_view(&text));
	buf_clear(&text);
	return OUTCOME_OK;
}

enum outcome run_approve(struct store *store, struct str name, struct arena *a, struct str *label,
			 bool *active, struct error *err)
{
	struct event_row event = { .kind = str_c(run_event_word(EVENT_APPROVED)) };
	struct migration_row row = { 0 };
	struct buf who = { 0 };
	bool found, asked = false;
	enum outcome o = store_migration(store, name, a, &row, &found, err);

	if (o == OUTCOME_OK && !found)
		o = error_set(err, OUTCOME_USAGE, "there is no migration \"%.*s\"", STR_ARG(name));
	if (o != OUTCOME_OK)
		return o;
	operator_print(&who);
	event.who = buf_view(&who);
	*active = status_is_active(row.status);
	if (row.status != STATUS_ROLLED_BACK && row.status != STATUS_ROLLING_BACK)
		o = store_approve(store, &row, &event, a, label, &asked, err);
	buf_clear(&who);
	if (o != OUTCOME_OK || asked)
		return o;
	error_set(err, OUTCOME_NOT_NOW, "\"%.*s\" is %s, and waits for no approval",
		  STR_ARG(name), status_label(row.status));
	error_hint(err, "`amigrun status %.*s` shows where it stands", STR_ARG(name));
	return OUTCOME_NOT_NOW;
}
