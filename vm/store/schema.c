/* schema.c - makes and upgrades the tables; safe when several processes open a store at once */
#include "vm/base/os.h"
#include "vm/store/backend.h"
#include <stdlib.h>

static const struct schema_step {
	int64_t version;
	const char *sql;
} steps[] = {
#define SCHEMA_STEP(version, sql) { version, sql },
#include "vm/store/schema.def"
#undef SCHEMA_STEP
};
#define NEWEST (steps[ARRAY_SIZE(steps) - 1].version)

/* 0: there are no tables yet. */
static enum outcome read_version(struct store *s, int64_t *version, struct error *err)
{
	struct rows rows;
	*version = 0;
	enum outcome o = store_read_all(s, STATEMENT_EXISTS, &s->scratch, &rows, err);
	if (o != OUTCOME_OK || rows_at(&rows, 0, 0)->number == 0)
		return o;
	o = store_read_all(s, STATEMENT_VERSION, &s->scratch, &rows, err);
	if (o != OUTCOME_OK)
		return o;
	if (rows.count != 1 || rows_at(&rows, 0, 1)->text.len == 0)
		return damaged(s, err, "store", "one = 1",
			       "it is missing or has no id: this is not a state store of "
			       "amig, or restore it from a backup");
	*version = rows_at(&rows, 0, 0)->number;
	free(s->id);
	s->id = must_strdup(rows_at(&rows, 0, 1)->text.ptr);
	if (*version > NEWEST || *version < 1) {
		error_set(err, OUTCOME_DAMAGED,
			  "the state store has schema version %lld; this amigrun knows 1 to %lld",
			  (long long)*version, (long long)NEWEST);
		error_hint(err,
			   "use the amigrun that wrote it, or a newer one; nothing was changed");
		return OUTCOME_DAMAGED;
	}
	return OUTCOME_OK;
}

static enum outcome run_step(struct store *s, const struct schema_step *step, struct error *err)
{
	struct buf sql = { 0 };
	dialect_format(&sql, s->backend->dialect, step->sql);
	enum outcome o = s->backend->script(s, sql.ptr, err);
	buf_clear(&sql);
	return o;
}

static enum outcome write_version(struct store *s, bool is_new, struct error *err)
{
	char id[37];
	enum outcome o = OUTCOME_OK;
	os_uuid(id);
	if (is_new)
		o = store_run(s, STATEMENT_SET_ID, err, field_text(str_c(id)));
	if (o == OUTCOME_OK)
		o = store_run(s, STATEMENT_SET_VERSION, err, field_int(NEWEST));
	return o;
}

/* All that is missing, in one transaction: another process may have done it meanwhile. */
static enum outcome upgrade(struct store *s, struct error *err)
{
	int64_t version;
	enum outcome o = s->backend->begin(s, BEGIN_UPGRADE, err);
	if (o == OUTCOME_OK)
		o = read_version(s, &version, err);
	for (size_t i = 0; i < ARRAY_SIZE(steps) && o == OUTCOME_OK; i++)
		if (steps[i].version > version)
			o = run_step(s, &steps[i], err);
	if (o == OUTCOME_OK && version < NEWEST)
		o = write_version(s, version == 0, err);
	if (o != OUTCOME_OK && o != OUTCOME_DAMAGED)
		error_prefix(err, "cannot make the state store's tables: ");
	return store_end(s, o, err);
}

enum outcome schema_open(struct store *s, struct error *err)
{
	int64_t version;
	enum outcome o = read_version(s, &version, err);
	if (o == OUTCOME_OK && version < NEWEST)
		o = upgrade(s, err);
	if (o == OUTCOME_OK && version < NEWEST)
		o = read_version(s, &version, err);
	arena_clear(&s->scratch);
	return o;
}

enum outcome schema_look(struct store *s, struct store_stand *stand, struct error *err)
{
	stand->newest = NEWEST;
	enum outcome o = read_version(s, &stand->version, err);
	arena_clear(&s->scratch);
	return o;
}
