/* database.c - the one SQLite database of all simulated processes, and what its statements say for
 * the invariants */
#include "tests/simulate/database.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static sqlite3 *database;
static sqlite3_stmt *prepared[STATEMENT_COUNT], *row_statement;

static int now_for_sqlite(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
	(void)vfs;
	*out = INT64_C(210866760000000) + INT64_C(1767225600000) +
	       (world.now + world.server_skew_us) / MS;
	return SQLITE_OK;
}

void database_script(const char *sql)
{
	char *words = NULL;

	if (sqlite3_exec(database, sql, NULL, NULL, &words) != SQLITE_OK)
		BUG("%s: %s", sql, words ? words : "?");
}

/* The guards that stand in SQL. */
static const struct guard {
	enum mutant mutant;
	enum statement_id id;
	const char *text, *without;
} guards[] = {
	{ MUTANT_EPOCH, STATEMENT_STEP_MIGRATION, "CASE WHEN epoch = ", "CASE WHEN epoch >=" },
	{ MUTANT_EPOCH, STATEMENT_STEP_GUARD, "CASE WHEN epoch = ", "CASE WHEN epoch >=" },
	{ MUTANT_RENEW, STATEMENT_RENEW, "CASE WHEN epoch = ", "CASE WHEN epoch >=" },
	{ MUTANT_MOVED, STATEMENT_CLAIM, "?10 = ", "?10 <=" },
	{ MUTANT_STEALS, STATEMENT_LOCK_HOLDER, "outcome IS NULL", "outcome IS 'no'" },
	{ MUTANT_FORGETS, STATEMENT_FORGET, "epoch = ", "epoch >=" },
};

static char *without_guard(enum statement_id id, const char *sql)
{
	char *copy = must_strdup(sql);

	for (size_t i = 0; i < ARRAY_SIZE(guards); i++) {
		const struct guard *g = &guards[i];
		char *at = id == g->id && mutant(g->mutant) ? strstr(copy, g->text) : NULL;

		if (at)
			memcpy(at, g->without, strlen(g->without));
	}
	return copy;
}

static sqlite3_stmt *statement_of(struct store *s, enum statement_id id)
{
	if (!prepared[id]) {
		char *sql = without_guard(id, s->sql[id]);

		if (sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared[id],
				       NULL) != SQLITE_OK)
			BUG("%s: %s", sql, sqlite3_errmsg(database));
		free(sql);
	}
	return prepared[id];
}

void database_open(void)
{
	static sqlite3_vfs vfs;

	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_initialize();
	vfs = *sqlite3_vfs_find(NULL);
	vfs.zName = "simulated";
	vfs.xCurrentTimeInt64 = now_for_sqlite;
	sqlite3_vfs_register(&vfs, 0);
	if (sqlite3_open_v2(":memory:", &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
			    "simulated") != SQLITE_OK)
		BUG("SQLite: %s", sqlite3_errmsg(database));
	sqlite3_extended_result_codes(database, 1);
}

void database_prepare(struct store *s, enum statement_id id)
{
	statement_of(s, id);
}

static void bind(sqlite3_stmt *st, const struct field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct field *f = &fields[i];
		int at = (int)i + 1;

		switch (f->kind) {
		case FIELD_NULL:
			sqlite3_bind_null(st, at);
			break;
		case FIELD_INT:
		case FIELD_BOOL:
			sqlite3_bind_int64(st, at, f->number);
			break;
		case FIELD_TEXT:
			sqlite3_bind_text64(st, at, f->text.ptr, f->text.len, SQLITE_STATIC,
					    SQLITE_UTF8);
			break;
		case FIELD_BYTES:
			sqlite3_bind_blob64(st, at, f->text.ptr, f->text.len, SQLITE_STATIC);
			break;
		}
	}
}

static struct field cell(sqlite3_stmt *st, int column, struct arena *a)
{
	struct str text = { NULL, (size_t)sqlite3_column_bytes(st, column) };

	switch (sqlite3_column_type(st, column)) {
	case SQLITE_NULL:
		return field_null();
	case SQLITE_INTEGER:
		return field_int(sqlite3_column_int64(st, column));
	case SQLITE_BLOB:
		text.ptr = sqlite3_column_blob(st, column);
		return field_bytes(arena_str(a, text));
	default:
		text.ptr = (const char *)sqlite3_column_text(st, column);
		return field_text(arena_str(a, text));
	}
}

static void keep(sqlite3_stmt *st, struct arena *a, struct rows *rows, size_t *room)
{
	rows->columns = (size_t)sqlite3_column_count(st);
	if (rows->count == *room) {
		struct field *more;

		*room = *room ? *room * 2 : 4;
		more = arena_array(a, struct field, arena_bytes(*room, rows->columns));
		if (rows->count)
			memcpy(more, rows->fields, rows->count * rows->columns * sizeof(*more));
		rows->fields = more;
	}
	for (size_t i = 0; i < rows->columns; i++)
		rows->fields[rows->count * rows->columns + i] = cell(st, (int)i, a);
	rows->count++;
}

/* What a statement of a run says for the invariants. */
static void look_at(const struct store *s, int64_t incarnation, enum statement_id id,
		    const struct field *fields)
{
	int64_t lease_us = s->lease_ms * MS;

	if (id == STATEMENT_ADD_EVENT || id == STATEMENT_CLAIM || id == STATEMENT_SETTLE ||
	    id == STATEMENT_SAY_MIGRATION || id == STATEMENT_STEP_MIGRATION ||
	    id == STATEMENT_STEP_GUARD || id == STATEMENT_RENEW ||
	    id == STATEMENT_START_MIGRATION || id == STATEMENT_RAISE)
		world.seen = watched_of(fields[0].text);
	if (id == STATEMENT_CLAIM) {
		invariant_claimed(incarnation, fields[1].number + 1,
				  str_eq(fields[3].text, STR("rolling_back")));
	} else if (id == STATEMENT_STEP_MIGRATION || id == STATEMENT_STEP_GUARD ||
		   id == STATEMENT_RENEW || id == STATEMENT_START_MIGRATION) {
		invariant_wrote("a step or renewal", fields[1].number);
		if (id == STATEMENT_STEP_MIGRATION && fields[8].number)
			lease_us = 0;
	} else if (id == STATEMENT_RAISE) {
		invariant_wrote("a new epoch", fields[1].number);
		world.seen->epoch = fields[1].number + 1;
	} else if (id == STATEMENT_ADD_EVENT && str_eq(fields[2].text, STR("in_doubt"))) {
		invariant_doubt(fields[4].text);
		return;
	} else if (id == STATEMENT_SAY_MIGRATION) {
		invariant_wrote("an operator's word", fields[1].number);
		world.seen->epoch = fields[1].number + 1;
		return;
	} else if (id == STATEMENT_SETTLE) {
		invariant_wrote("a settlement", fields[1].number);
		lease_us = 0;
	} else {
		return;
	}
	world.seen->lease_until = lease_us ? world.now + lease_us : 0;
}

enum outcome database_carry_out(struct store *s, int64_t incarnation, enum statement_id id,
				const struct field *fields, size_t count, struct arena *a,
				struct rows *rows, struct error *err)
{
	sqlite3_stmt *st = statement_of(s, id);
	enum miss miss = statement_miss(id);
	enum outcome o = OUTCOME_OK;
	size_t room = 0;
	int rc;

	if (rows)
		*rows = (struct rows){ 0 };
	bind(st, fields, count);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		if (rows)
			keep(st, a, rows, &room);
	if (miss != MISS_NONE && (rc == SQLITE_DONE ? sqlite3_changes64(database) == 0 :
						      rc == SQLITE_CONSTRAINT_NOTNULL))
		o = store_miss(s, miss, err);
	else if (rc != SQLITE_DONE)
		o = error_set(err, OUTCOME_DAMAGED, "state store: %s", sqlite3_errmsg(database));
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	if (o == OUTCOME_OK)
		look_at(s, incarnation, id, fields);
	if (o == OUTCOME_OK && id == STATEMENT_NOTIFY)
		for (int i = 0; i < FIBERS; i++)
			if (world.fibers[i].hears)
				wake(&world.fibers[i], between_us(MS, 50 * MS));
	return o;
}

/* Its run is at work while it has the lock. */
void database_add_contender(void)
{
	database_script("INSERT INTO amig_migration (name, description, min_version, max_version, "
			"status, current_run) VALUES ('other', '', '', '', 'completed', 999);"
			"INSERT INTO amig_setting (name, value, changed_at) "
			"VALUES ('max_running', '2', '2026-01-01T00:00:00.000Z')");
}

/* What workers do by themselves. */
void database_set(const char *name, bool on)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO amig_setting (name, value, changed_at) "
		 "VALUES ('%s', '%s', '2026-01-01T00:00:00.000Z')",
		 name, on ? "true" : "false");
	trace("%s is %s", name, on ? "on" : "off");
	database_script(sql);
}

void database_contend(void)
{
	sqlite3_stmt *st = prepared[STATEMENT_LOCK_HOLDER];
	bool is_mine = false, may = true;

	sqlite3_bind_text(st, 1, "l", -1, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW) {
		is_mine = strcmp((const char *)sqlite3_column_text(st, 2), "other") == 0;
		may = !sqlite3_column_int(st, 3);
	}
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	if (is_mine) {
		trace("another run gives the lock back");
		database_script("DELETE FROM amig_lock WHERE migration = 'other';"
				"UPDATE amig_migration SET status = 'completed', lease_owner = '', "
				"lease_expires_at = NULL WHERE name = 'other'");
	} else if (may && world.now < world.quiet_at) {
		trace("another run takes the lock");
		database_script("UPDATE amig_lock SET held = 0 WHERE name = 'l' AND held;"
				"INSERT INTO amig_lock VALUES (999, 1, 'l', 'other', 1, 1, "
				"'2026-01-01T00:00:00.000Z');"
				"UPDATE amig_migration SET status = 'running', "
				"lease_owner = 'elsewhere:1:1', "
				"lease_expires_at = '2036-01-01T00:00:00.000Z' "
				"WHERE name = 'other'");
	}
}

bool database_has_lock(void)
{
	static sqlite3_stmt *st;
	bool has;

	if (!st)
		sqlite3_prepare_v3(database,
				   "SELECT 1 FROM amig_lock WHERE name = 'l' AND held AND "
				   "migration <> 'other'",
				   -1, SQLITE_PREPARE_PERSISTENT, &st, NULL);
	has = sqlite3_step(st) == SQLITE_ROW;
	sqlite3_reset(st);
	return has;
}

bool database_is_done_before(int index, int other)
{
	static sqlite3_stmt *st;
	int64_t completions[2] = { 0 };

	if (!st)
		sqlite3_prepare_v3(database,
				   "SELECT completion FROM amig_operation WHERE run = ?1 AND "
				   "operation_index = ?2",
				   -1, SQLITE_PREPARE_PERSISTENT, &st, NULL);
	for (int i = 0; i < 2; i++) {
		sqlite3_bind_int64(st, 1, world.watched[0].run);
		sqlite3_bind_int(st, 2, i ? other : index);
		if (sqlite3_step(st) == SQLITE_ROW)
			completions[i] = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
	}
	return !completions[1] || (completions[0] && completions[0] < completions[1]);
}

static bool is_text(int column, const char *word)
{
	return strcmp((const char *)sqlite3_column_text(row_statement, column), word) == 0;
}

static void look_at_words(void)
{
	struct row_seen seen = { .stop = sqlite3_column_int(row_statement, 6) };

	while (seen.status < STATUS_COUNT - 1 &&
	       !is_text(4, status_word((enum migration_status)seen.status)))
		seen.status++;
	while (seen.wanted < WANTED_COUNT - 1 && !is_text(5, wanted_words[seen.wanted]))
		seen.wanted++;
	seen.active = status_is_active((enum migration_status)seen.status);
	invariant_words(&seen);
}

void database_look_at_row(void)
{
	if (!row_statement)
		sqlite3_prepare_v2(database,
				   "SELECT epoch, current_run, current_operation_index, "
				   "COALESCE(phase = 'backward', 0) OR status IN ('rolled_back', "
				   "'starting', 'not_started', 'failed_at_startup'), "
				   "status, wanted, stop_requested, name "
				   "FROM amig_migration LEFT JOIN amig_run ON id = current_run "
				   "WHERE name <> 'other'",
				   -1, &row_statement, NULL);
	while (sqlite3_step(row_statement) == SQLITE_ROW) {
		world.seen =
			watched_of(str_c((const char *)sqlite3_column_text(row_statement, 7)));
		if (!world.seen)
			continue;
		invariant_row(sqlite3_column_int64(row_statement, 0),
			      sqlite3_column_int64(row_statement, 1),
			      sqlite3_column_int64(row_statement, 2),
			      sqlite3_column_int(row_statement, 3));
		look_at_words();
	}
	sqlite3_reset(row_statement);
	if (world.plan->locked && one_in(8))
		database_contend();
}
