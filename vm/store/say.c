/* say.c - what an operator says of an effect that is in doubt */
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
