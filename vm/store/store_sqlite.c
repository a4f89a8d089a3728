/* store_sqlite.c - the store in one SQLite file */
#include "vm/base/os.h"
#include "vm/driver/sqlite.h"
#include "vm/store/backend.h"
#include <limits.h>
#include <poll.h>
#include <stdlib.h>

struct sqlite_store {
	struct store base;
	struct sqlite session;
	int64_t changes; /* of other sessions, as hear() saw them last */
};

#define LOOK_MS 200

static struct sqlite *session_of(struct store *s)
{
	return &((struct sqlite_store *)s)->session;
}

/* What the driver calls a failed statement means damage here: nobody but the store wrote these
 * statements. In a transaction of store_begin() a COMMIT can fail for the effect's sake (a deferred
 * foreign key): that stays FAILED. */
static enum outcome fail(struct store *s, enum statement_id id, struct error *err)
{
	sqlite_fail(session_of(s), err);
	if (err->outcome == OUTCOME_FAILED && id != STATEMENT_COMMIT)
		err->outcome =
			err->class == ERROR_TRANSIENT ? OUTCOME_UNREACHABLE : OUTCOME_DAMAGED;
	error_prefix(err, "state store %s: ", session_of(s)->path);
	return err->outcome;
}

static enum outcome open_store(struct store **out, const char *where, struct error *err)
{
	struct sqlite_store *s = must_alloc(sizeof(*s));
	*s = (struct sqlite_store){ 0 };
	enum outcome o = sqlite_open(&s->session, where, err);
	if (o != OUTCOME_OK) {
		error_prefix(err, "state store: ");
		free(s);
		return o;
	}
	*out = &s->base;
	return OUTCOME_OK;
}

static void close_store(struct store *s)
{
	sqlite_close(session_of(s));
	free(s);
}

static void *session(struct store *s)
{
	return session_of(s);
}

static enum outcome script(struct store *s, const char *sql, struct error *err)
{
	if (sqlite3_exec(session_of(s)->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail(s, STATEMENT_COUNT, err);
	return OUTCOME_OK;
}

static int bind(sqlite3_stmt *st, const struct field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct field *f = &fields[i];
		int at = (int)i + 1, rc = SQLITE_OK;
		switch (f->kind) {
		case FIELD_NULL:
			rc = sqlite3_bind_null(st, at);
			break;
		case FIELD_INT:
		case FIELD_BOOL:
			rc = sqlite3_bind_int64(st, at, f->number);
			break;
		case FIELD_TEXT:
			rc = sqlite3_bind_text64(st, at, f->text.ptr, f->text.len, SQLITE_STATIC,
						 SQLITE_UTF8);
			break;
		case FIELD_BYTES:
			rc = sqlite3_bind_blob64(st, at, f->text.ptr, f->text.len, SQLITE_STATIC);
			break;
		}
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static struct field cell(sqlite3_stmt *st, int column, struct arena *a)
{
	struct str text;
	switch (sqlite3_column_type(st, column)) {
	case SQLITE_NULL:
		return field_null();
	case SQLITE_INTEGER:
		return field_int(sqlite3_column_int64(st, column));
	case SQLITE_BLOB:
		text.ptr = sqlite3_column_blob(st, column);
		text.len = (size_t)sqlite3_column_bytes(st, column);
		return field_bytes(arena_str(a, text));
	default:
		text.ptr = (const char *)sqlite3_column_text(st, column);
		text.len = (size_t)sqlite3_column_bytes(st, column);
		return field_text(arena_str(a, text));
	}
}

static void keep(sqlite3_stmt *st, struct arena *a, struct rows *rows, size_t *room)
{
	rows->columns = (size_t)sqlite3_column_count(st);
	if (rows->count == *room) {
		*room = *room ? *room * 2 : 4;
		struct field *more =
			arena_array(a, struct field, arena_bytes(*room, rows->columns));
		if (rows->count)
			memcpy(more, rows->fields, rows->count * rows->columns * sizeof(*more));
		rows->fields = more;
	}
	for (size_t i = 0; i < rows->columns; i++)
		rows->fields[rows->count * rows->columns + i] = cell(st, (int)i, a);
	rows->count++;
}

static enum outcome read(struct store *s, enum statement_id id, const struct field *fields,
			 size_t count, struct arena *a, struct rows *rows, struct error *err)
{
	struct sqlite *db = session_of(s);
	sqlite3_stmt *st;
	size_t room = 0;
	if (rows)
		*rows = (struct rows){ 0 };
	if (sqlite_prepare_kept(db, s->sql[id], &st, err) != OUTCOME_OK ||
	    bind(st, fields, count) != SQLITE_OK)
		return fail(s, id, err);
	int rc;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		if (rows)
			keep(st, a, rows, &room);
	enum miss miss = statement_miss(id);
	bool missed = miss != MISS_NONE && (rc == SQLITE_DONE ?
			sqlite3_changes64(db->db) == 0 :
			sqlite3_extended_errcode(db->db) == SQLITE_CONSTRAINT_NOTNULL);
	enum outcome o = missed		    ? store_miss(s, miss, err) :
			 rc == SQLITE_DONE ? OUTCOME_OK :
					     fail(s, id, err);
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return o;
}

static enum outcome run(struct store *s, enum statement_id id, const struct field *fields,
			size_t count, struct error *err)
{
	return read(s, id, fields, count, NULL, NULL, err);
}

static enum outcome begin(struct store *s, enum begin_kind kind, struct error *err)
{
	return run(s, kind == BEGIN_READ ? STATEMENT_BEGIN_READ : STATEMENT_BEGIN, NULL, 0, err);
}

static enum outcome commit(struct store *s, struct error *err)
{
	return run(s, STATEMENT_COMMIT, NULL, 0, err);
}

static void rollback(struct store *s)
{
	sqlite_rollback(session_of(s));
}

/* Nothing tells one process of another's commit: the file is looked at. */
static enum outcome hear(struct store *s, int timeout_ms, bool *heard, struct error *err)
{
	struct sqlite_store *own = (struct sqlite_store *)s;
	int64_t until = os_monotonic_ms() + timeout_ms, left;

	for (;;) {
		struct rows rows;
		int64_t changes;
		enum outcome o = store_read_all(s, STATEMENT_CHANGES, &s->scratch, &rows, err);

		if (o != OUTCOME_OK)
			return o;
		changes = rows_at(&rows, 0, 0)->number;
		arena_clear(&s->scratch);
		*heard = changes != own->changes;
		own->changes = changes;
		left = until - os_monotonic_ms();
		if (*heard || left <= 0)
			return OUTCOME_OK;
		if (poll(NULL, 0, (int)(left < LOOK_MS ? left : LOOK_MS)) < 0)
			return OUTCOME_OK;
	}
}

static bool still_begun(struct store *s)
{
	return sqlite_in_transaction(session_of(s));
}

const struct backend store_sqlite = {
	.kind = "sqlite",
	.dialect = DIALECT_SQLITE,
	.open = open_store,
	.close = close_store,
	.session = session,
	.script = script,
	.begin = begin,
	.run = run,
	.read = read,
	.commit = commit,
	.rollback = rollback,
	.hear = hear,
	.still_begun = still_begun,
};
