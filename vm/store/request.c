/* request.c - what is asked of whoever runs a migration, its lease, and waking each other */
#include "vm/store/backend.h"

const char *const wanted_words[WANTED_COUNT] = {
#define WANTED(name, word) [WANTED_##name] = word,
#include "vm/store/wanted.def"
#undef WANTED
};

void store_set_lease(struct store *s, int64_t ms)
{
	s->lease_ms = ms;
}

static struct stop_wish wish_of(const struct rows *rows)
{
	return (struct stop_wish){ rows_at(rows, 0, 0)->number != 0,
				   rows_at(rows, 0, 1)->number != 0,
				   rows_at(rows, 0, 2)->number != 0 };
}

enum outcome store_renew(struct store *s, struct str name, int64_t epoch, struct stop_wish *wish,
			 struct error *err)
{
	struct rows rows = { 0 };
	enum outcome o = s->backend->begin(s, BEGIN_WRITE, err);

	if (o == OUTCOME_OK)
		o = store_read(s, STATEMENT_RENEW, &s->scratch, &rows, err, field_text(name),
			       field_int(epoch), field_int(s->lease_ms));
	*wish = o == OUTCOME_OK && rows.count ? wish_of(&rows) : (struct stop_wish){ 0 };
	return store_end(s, o, err);
}

enum outcome store_raise_epoch(struct store *s, struct str name, int64_t *epoch, struct error *err)
{
	enum outcome o = s->backend->begin(s, BEGIN_BATCH, err);

	if (o == OUTCOME_OK)
		o = store_run(s, STATEMENT_RAISE, err, field_text(name), field_int(*epoch),
			      field_int(s->lease_ms));
	o = store_end(s, o, err);
	*epoch += o == OUTCOME_OK;
	return o;
}

/* An update that says whether it found its row, and wakes who listens. */
static enum outcome update_and_notify(struct store *s, enum statement_id id,
				      const struct field *fields, size_t count, bool *found,
				      struct error *err)
{
	struct rows rows = { 0 };
	enum outcome o = s->backend->begin(s, BEGIN_WRITE, err);

	if (o == OUTCOME_OK)
		o = store_ask(s, id, fields, count, &s->scratch, &rows, err);
	*found = o == OUTCOME_OK && rows.count > 0;
	if (o == OUTCOME_OK)
		o = s->backend->run(s, STATEMENT_NOTIFY, NULL, 0, err);
	return store_end(s, o, err);
}

enum outcome store_request_stop(struct store *s, struct str name, struct stop_wish wish,
				bool *was_running, struct error *err)
{
	const struct field fields[] = { field_text(name), field_bool(wish.now),
					field_bool(wish.rollback) };

	return update_and_notify(s, STATEMENT_REQUEST_STOP, fields, ARRAY_SIZE(fields),
				 was_running, err);
}

enum outcome store_stop_requested(struct store *s, struct str name, struct stop_wish *out,
				  struct error *err)
{
	struct rows rows;
	enum outcome o =
		store_read(s, STATEMENT_STOP_REQUESTED, &s->scratch, &rows, err, field_text(name));

	*out = o == OUTCOME_OK && rows.count ? wish_of(&rows) : (struct stop_wish){ 0 };
	if (!s->begun)
		arena_clear(&s->scratch);
	return o;
}

enum outcome store_want(struct store *s, struct str name, enum wanted wanted, bool *was_idle,
			struct error *err)
{
	const struct field fields[] = { field_text(name), field_text(str_c(wanted_words[wanted])) };

	return update_and_notify(s, STATEMENT_WANT, fields, ARRAY_SIZE(fields), was_idle, err);
}

enum outcome store_forget(struct store *s, struct str name, int64_t epoch, enum wanted wanted,
			  struct error *err)
{
	enum outcome o = s->backend->begin(s, BEGIN_BATCH, err);

	if (o == OUTCOME_OK)
		o = store_run(s, STATEMENT_FORGET, err, field_text(name), field_int(epoch),
			      field_text(str_c(wanted_words[wanted])));
	return store_end(s, o, err);
}

enum outcome store_tune(struct store *s, const struct migration_row *migration,
			const struct tuned_row *rows, size_t count, const struct event_row *event,
			struct error *err)
{
	const struct field name = field_text(migration->name);
	enum outcome o = s->backend->begin(s, BEGIN_BATCH, err);

	for (size_t i = 0; i < count && o == OUTCOME_OK; i++)
		o = rows[i].value.len
			    ? store_run(s, STATEMENT_SET_PARAMETER, err, name,
					field_text(rows[i].name), field_text(rows[i].value))
			    : store_run(s, STATEMENT_DROP_PARAMETER, err, name,
					field_text(rows[i].name));
	if (o == OUTCOME_OK)
		o = store_run(s, STATEMENT_ADD_EVENT, err, name,
			      field_int(migration->current_run), field_text(event->kind),
			      field_clean(s, event->who, TEXT_CAP_BYTES),
			      field_clean(s, event->detail, TEXT_CAP_BYTES));
	return store_end(s, o, err);
}

enum outcome store_listen(struct store *s, struct error *err)
{
	return s->backend->listen ? s->backend->listen(s, err) : OUTCOME_OK;
}

void store_be_patient(struct store *s, int64_t until_ms)
{
	if (s->backend->be_patient)
		s->backend->be_patient(s, until_ms);
}

enum outcome store_hear(struct store *s, int timeout_ms, bool *heard, struct error *err)
{
	return s->backend->hear(s, timeout_ms, heard, err);
}
