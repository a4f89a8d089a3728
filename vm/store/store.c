/* store.c - opening the store, and the rows of migrations, errors, events, parameters and
 * settings */
#include "vm/store/backend.h"
#include <stdlib.h>

static const char *const statements[] = {
#define STATEMENT(name, miss, sql) sql,
#include "vm/store/statement.def"
#undef STATEMENT
};

#define LEASE_MS 10000

/* With its statements, and without a look at its tables. */
static enum outcome open_backend(struct store **out, const char *where, struct error *err)
{
	const struct backend *backend = &store_postgres;
	const char *rest = where;
	*out = NULL;
	if (str_starts(str_c(where), STR("sqlite:"))) {
		backend = &store_sqlite;
		rest = where + strlen("sqlite:");
	} else if (!str_starts(str_c(where), STR("postgresql://")) &&
		   !str_starts(str_c(where), STR("postgres://"))) {
		error_set(err, OUTCOME_USAGE,
			  "the state store is neither postgresql://… nor sqlite:PATH");
		error_hint(err, "set AMIG_STATE, for example AMIG_STATE=sqlite:./amig.db");
		return OUTCOME_USAGE;
	}
	struct store *s;
	enum outcome o = backend->open(&s, rest, err);
	if (o != OUTCOME_OK)
		return o;
	s->backend = backend;
	s->lease_ms = LEASE_MS;
	for (size_t i = 0; i < STATEMENT_COUNT; i++) {
		struct buf sql = { 0 };
		dialect_format(&sql, backend->dialect, statements[i]);
		s->sql[i] = buf_take(&sql);
	}
	*out = s;
	return OUTCOME_OK;
}

enum outcome store_open(struct store **out, const char *where, struct error *err)
{
	enum outcome o = open_backend(out, where, err);
	if (o == OUTCOME_OK)
		o = schema_open(*out, err);
	if (o == OUTCOME_OK)
		return o;
	store_close(*out);
	*out = NULL;
	return o;
}

enum outcome store_look(struct store **out, const char *where, struct store_stand *stand,
			struct error *err)
{
	enum outcome o = open_backend(out, where, err);
	*stand = (struct store_stand){ 0 };
	if (o == OUTCOME_OK)
		o = schema_look(*out, stand, err);
	if (o == OUTCOME_OK && stand->version == stand->newest)
		return o;
	store_close(*out);
	*out = NULL;
	return o;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	char *sql[STATEMENT_COUNT];
	memcpy(sql, s->sql, sizeof(sql));
	free(s->id);
	arena_clear(&s->scratch);
	s->backend->close(s);
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		free(sql[i]);
}

void *store_session(struct store *s)
{
	return s->backend->session(s);
}

const char *store_kind(const struct store *s)
{
	return s->backend->kind;
}

/* One writing statement that is a transaction of its own. */
#define write_alone(s, id, err, ...)                                     \
	(s->backend->begin(s, BEGIN_BATCH, err) == OUTCOME_OK            \
		 ? store_end(s, store_run(s, id, err, __VA_ARGS__), err) \
		 : err->outcome)

enum outcome store_migration(struct store *s, struct str name, struct arena *a,
			     struct migration_row *out, bool *found, struct error *err)
{
	struct rows rows;
	*found = false;
	enum outcome o = store_read(s, STATEMENT_MIGRATION, a, &rows, err, field_text(name));
	if (o != OUTCOME_OK || rows.count == 0)
		return o;
	*found = true;
	struct reading r = { .store = s, .rows = &rows, .table = "migration", .err = err };
	return reading_migration(&r, out);
}

static int by_name(const void *a, const void *b)
{
	const struct migration_row *x = a, *y = b;
	return str_compare(x->name, y->name);
}

enum outcome store_migrations(struct store *s, struct arena *a, struct migration_row **out,
			      size_t *count, struct error *err)
{
	struct rows rows;
	*count = 0;
	*out = NULL;
	enum outcome o = store_read_all(s, STATEMENT_MIGRATIONS, a, &rows, err);
	if (o != OUTCOME_OK)
		return o;
	*out = arena_array(a, struct migration_row, rows.count);
	struct reading r = { .store = s, .rows = &rows, .table = "migration", .err = err };
	for (; r.row < rows.count && o == OUTCOME_OK; r.row++)
		o = reading_migration(&r, &(*out)[r.row]);
	if (o != OUTCOME_OK)
		return o;
	*count = rows.count;
	if (rows.count > 1)
		qsort(*out, rows.count, sizeof(**out), by_name);
	return OUTCOME_OK;
}

enum outcome store_clock(struct store *s, int64_t *us, struct error *err)
{
	struct arena a = { 0 };
	struct rows rows = { 0 };
	enum outcome o = store_read_all(s, STATEMENT_CLOCK, &a, &rows, err);

	if (o == OUTCOME_OK)
		*us = rows_at(&rows, 0, 0)->number;
	arena_clear(&a);
	return o;
}

enum outcome store_names(struct store *s, struct arena *a, struct str **out, size_t *count,
			 struct error *err)
{
	struct rows rows = { 0 };
	enum outcome o = store_read_all(s, STATEMENT_NAMES, a, &rows, err);

	*count = o == OUTCOME_OK ? rows.count : 0;
	*out = arena_array(a, struct str, *count + 1);
	for (size_t i = 0; i < *count; i++)
		(*out)[i] = rows_at(&rows, i, 0)->text;
	return o;
}

/* Whether the row says what it would say anyway: then it isn't written. */
static enum outcome is_registered(struct store *s, const struct field *wanted, bool *same,
				  struct error *err)
{
	static const size_t columns[] = { 0, 1, 8, 9 };
	struct rows rows;
	enum outcome o = store_read(s, STATEMENT_MIGRATION, &s->scratch, &rows, err, wanted[0]);
	*same = o == OUTCOME_OK && rows.count == 1;
	for (size_t i = 0; *same && i < ARRAY_SIZE(columns); i++)
		*same = str_eq(rows_at(&rows, 0, columns[i])->text, wanted[i].text);
	return o;
}

enum outcome store_register(struct store *s, struct str name, struct str description,
			    struct str min_version, struct str max_version, struct error *err)
{
	const struct field wanted[] = {
		field_text(name),
		field_clean(s, description, TEXT_CAP_BYTES),
		field_text(min_version),
		field_text(max_version),
	};
	bool same;
	enum outcome o = is_registered(s, wanted, &same, err);
	if (o == OUTCOME_OK && !same)
		o = write_alone(s, STATEMENT_REGISTER, err, wanted[0], wanted[1], wanted[2],
				wanted[3]);
	arena_clear(&s->scratch);
	return o;
}

enum outcome store_errors(struct store *s, struct str name, struct arena *a, struct error_row **out,
			  size_t *count, struct error *err)
{
	struct rows rows;
	*count = 0;
	enum outcome o = store_read(s, STATEMENT_ERRORS, a, &rows, err, field_text(name));
	if (o != OUTCOME_OK)
		return o;
	*out = arena_array(a, struct error_row, rows.count);
	struct reading r = {
		.store = s, .rows = &rows, .table = "error", .name = "of this migration", .err = err
	};
	for (; r.row < rows.count; r.row++)
		(*out)[r.row] = (struct error_row){
			.operation_index = reading_int(&r, 0, "operation_index", -1, INT64_MAX),
			.description = reading_text(&r, 1),
			.code = reading_text(&r, 2),
			.sql = reading_text(&r, 3),
			.query_id = reading_text(&r, 4),
			.created_at = reading_time(&r, 5, "created_at"),
		};
	*count = rows.count;
	return r.failed;
}

enum outcome store_events(struct store *s, struct str name, struct arena *a, struct event_row **out,
			  size_t *count, struct error *err)
{
	struct rows rows;
	*count = 0;
	enum outcome o = store_read(s, STATEMENT_EVENTS, a, &rows, err, field_text(name));
	if (o != OUTCOME_OK)
		return o;
	*out = arena_array(a, struct event_row, rows.count);
	struct reading r = {
		.store = s, .rows = &rows, .table = "event", .name = "of this migration", .err = err
	};
	for (; r.row < rows.count; r.row++)
		(*out)[r.row] = (struct event_row){
			.kind = reading_text(&r, 0),
			.who = reading_text(&r, 1),
			.detail = reading_text(&r, 2),
			.at = reading_time(&r, 3, "created_at"),
		};
	*count = rows.count;
	return r.failed;
}

enum outcome store_add_event(struct store *s, struct str name, const struct event_row *event,
			     struct error *err)
{
	return write_alone(s, STATEMENT_ADD_EVENT, err, field_text(name), field_int(0),
			   field_text(event->kind), field_clean(s, event->who, TEXT_CAP_BYTES),
			   field_clean(s, event->detail, TEXT_CAP_BYTES));
}

enum outcome store_set_parameter(struct store *s, struct str migration, struct str name,
				 struct str json, struct error *err)
{
	return write_alone(s, STATEMENT_SET_PARAMETER, err, field_text(migration), field_text(name),
			   field_text(json));
}

static int by_key(const void *a, const void *b)
{
	const struct str *x = a, *y = b;
	return str_compare(x[0], y[0]);
}

/* Rows of a name and a value. */
static enum outcome pairs_of(const struct rows *rows, struct arena *a, struct str (**out)[2],
			     size_t *count)
{
	struct str(*pairs)[2] = arena_alloc(a, arena_bytes(sizeof(*pairs), rows->count));
	for (size_t i = 0; i < rows->count; i++) {
		pairs[i][0] = rows_at(rows, i, 0)->text;
		pairs[i][1] = rows_at(rows, i, 1)->text;
	}
	if (rows->count > 1)
		qsort(pairs, rows->count, sizeof(*pairs), by_key);
	*out = pairs;
	*count = rows->count;
	return OUTCOME_OK;
}

enum outcome store_parameters(struct store *s, struct str migration, struct arena *a,
			      struct str (**out)[2], size_t *count, struct error *err)
{
	struct rows rows;
	*count = 0;
	enum outcome o = store_read(s, STATEMENT_PARAMETERS, a, &rows, err, field_text(migration));
	return o == OUTCOME_OK ? pairs_of(&rows, a, out, count) : o;
}

enum outcome store_settings(struct store *s, struct arena *a, struct str (**out)[2], size_t *count,
			    struct error *err)
{
	struct rows rows;
	*count = 0;
	enum outcome o = store_read_all(s, STATEMENT_SETTINGS, a, &rows, err);
	return o == OUTCOME_OK ? pairs_of(&rows, a, out, count) : o;
}

enum outcome store_setting(struct store *s, struct str name, struct arena *a, struct str *value,
			   bool *found, struct error *err)
{
	struct rows rows;
	*found = false;
	enum outcome o = store_read(s, STATEMENT_SETTING, a, &rows, err, field_text(name));
	if (o != OUTCOME_OK || rows.count == 0)
		return o;
	*found = true;
	*value = rows_at(&rows, 0, 0)->text;
	return OUTCOME_OK;
}

enum outcome store_set_setting(struct store *s, struct str name, struct str value,
			       struct error *err)
{
	return write_alone(s, STATEMENT_SET_SETTING, err, field_text(name), field_text(value));
}

enum outcome store_add_setting(struct store *s, struct str name, struct str value,
			       struct error *err)
{
	return write_alone(s, STATEMENT_ADD_SETTING, err, field_text(name), field_text(value));
}
