/* say.c - what an operator says of an effect that is in doubt, and to what waits for a yes */
#include "vm/store/backend.h"

const char *const said_words[3] = {
	[SAID_NOTHING] = "", [SAID_DONE] = "done", [SAID_AGAIN] = "again"
};

enum outcome store_say(struct store *s, const struct migration_row *read,
		       const struct effect_row *effect, enum effect_said said,
		       const struct event_row *event, struct error *err)
{
	struct field who = field_clean(s, event->who, TEXT_CAP_BYTES);
	enum outcome o = s->backend->begin(s, BEGIN_BATCH, err);

	if (o == OUTCOME_OK)
		o = store_run(s, STATEMENT_SAY_MIGRATION, err, field_text(read->name),
			      field_int(read->epoch), field_int(read->current_run));
	if (o == OUTCOME_OK)
		o = store_run(s, STATEMENT_SAY_EFFECT, err, field_int(read->current_run),
			      field_int(effect->number), field_int(effect->attempt),
			      field_text(str_c(said_words[said])), who);
	if (o == OUTCOME_OK)
		o = store_run(s, STATEMENT_ADD_EVENT, err, field_text(read->name),
			      field_int(read->current_run), field_text(event->kind), who,
			      field_clean(s, event->detail, TEXT_CAP_BYTES));
	return store_end(s, o, err);
}

enum outcome store_approval(struct store *s, int64_t run, int64_t index, enum approval *out,
			    struct error *err)
{
	struct rows rows = { 0 };
	enum outcome o = store_read(s, STATEMENT_APPROVAL, &s->scratch, &rows, err, field_int(run),
				    field_int(index));
	const struct field *by = o == OUTCOME_OK && rows.count ? rows_at(&rows, 0, 0) : NULL;

	*out = !by || by->kind == FIELD_NULL ? APPROVAL_UNASKED
	       : by->text.len		     ? APPROVAL_GIVEN
					     : APPROVAL_ASKED;
	if (!s->begun)
		arena_clear(&s->scratch);
	return o;
}

enum outcome store_approve(struct store *s, const struct migration_row *read,
			   const struct event_row *event, struct arena *a, struct str *label,
			   bool *asked, struct error *err)
{
	struct field who = field_clean(s, event->who, TEXT_CAP_BYTES);
	struct rows rows = { 0 };
	enum outcome o = s->backend->begin(s, BEGIN_WRITE, err);

	*asked = false;
	if (o == OUTCOME_OK)
		o = store_read(s, STATEMENT_APPROVE, a, &rows, err, field_int(read->current_run),
			       field_int(read->current_operation_index), who);
	if (o == OUTCOME_OK && rows.count) {
		*asked = true;
		*label = rows_at(&rows, 0, 0)->text;
		o = store_run(s, STATEMENT_ADD_EVENT, err, field_text(read->name),
			      field_int(read->current_run), field_text(event->kind), who,
			      field_clean(s, *label, TEXT_CAP_BYTES));
		if (o == OUTCOME_OK)
			o = s->backend->run(s, STATEMENT_NOTIFY, NULL, 0, err);
	}
	return store_end(s, o, err);
}
