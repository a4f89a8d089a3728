/* sqlite_kind.c - connections to a SQLite file: reading, changing, sharing the store's session */
#include "vm/connection/sqlite_kind.h"
#include "vm/connection/literal.h"
#include "vm/base/sql.h"
#include "vm/connection/sqlite_result.h"
#include "vm/driver/sqlite.h"
#include <stdio.h>
#include <stdlib.h>

static struct sqlite_state *state_of(const struct connection *c)
{
	return c->state;
}

static enum outcome open_file(struct connection *c, const char *url,
			      const struct watch *watch UNUSED, struct error *err)
{
	struct sqlite_state *s = must_alloc(sizeof(*s));
	*s = (struct sqlite_state){ .session = &s->own };
	c->state = s;
	enum outcome o = sqlite_open(&s->own, sqlite_path(url), err);
	if (o != OUTCOME_OK)
		return o;
	s->path = must_strdup(s->own.path);
	c->version_text = must_strdup(sqlite3_libversion());
	return OUTCOME_OK;
}

static void close_file(struct connection *c)
{
	struct sqlite_state *s = state_of(c);
	sqlite_close(&s->own);
	free(s->path);
	free(s);
	c->state = NULL;
}

static bool share_session(struct connection *c, void *session)
{
	struct sqlite_state *s = state_of(c);
	struct sqlite *store = session;
	if (!sqlite_same_file(s->path, store->path))
		return false;
	sqlite_close(&s->own);
	s->session = store;
	c->shared = true;
	return true;
}

/* ---- what a statement is ---- */

/* PRAGMAs that mean nothing, or something else, inside a transaction. */
static const char *const outside_pragmas[] = {
	"foreign_keys", "journal_mode", "synchronous",	"wal_checkpoint",
	"auto_vacuum",	"page_size",	"locking_mode", "incremental_vacuum",
};

static bool is_pragma_of(const struct sql_statement *statement, const char *const *names,
			 size_t count)
{
	if (!sql_is(statement, 0, "pragma"))
		return false;
	for (size_t i = 0; i < count; i++)		/* PRAGMA [schema.]name */
		if (sql_is(statement, 1, names[i]) || sql_is(statement, 2, names[i]))
			return true;
	return false;
}

static bool is_transactional(struct str sql)
{
	struct sql_scan scan = { SQL_SQLITE, sql };
	struct sql_statement statement;
	while (sql_next(&scan, &statement))
		if (sql_is(&statement, 0, "vacuum") ||
		    is_pragma_of(&statement, outside_pragmas, ARRAY_SIZE(outside_pragmas)))
			return false;
	return true;
}

enum outcome sqlite_refuse_control(struct connection *c, struct str sql, bool *changes_schema,
				   struct error *err)
{
	static const char *const words[] = {
		"begin", "commit", "end", "rollback", "savepoint", "release", "attach", "detach",
	};
	struct sql_scan scan = { SQL_SQLITE, sql };
	struct sql_statement statement;
	while (sql_next(&scan, &statement)) {
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if (sql_is(&statement, 0, words[i])) {
				error_set(err, OUTCOME_FAILED, "%.*s is not for a migration to say",
					  STR_ARG(statement.words[0]));
				error_hint(err, i < 6 ? "every effect is one transaction already" :
					   "declare the other file as a connection of its own");
				return err->outcome;
			}
		static const char *const durable[] = { "journal_mode", "synchronous",
						       "locking_mode" };
		if (c->shared && is_pragma_of(&statement, durable, ARRAY_SIZE(durable)) &&
		    statement.word_count > 2)
			return error_set(err, OUTCOME_FAILED,
					 "PRAGMA %.*s cannot be changed in the file of the state "
					 "store",
					 STR_ARG(statement.words[1]));
		if (sql_is(&statement, 0, "drop") || sql_is(&statement, 0, "alter"))
			*changes_schema = true;
	}
	return OUTCOME_OK;
}

/* A PRAGMA in a query only tells: without a value, or one whose value says what to tell about. Some
 * set at the moment they are prepared, so this is known from the text. */
static bool only_tells(struct str sql)
{
	static const char *const about[] = {
		"table_info",	   "table_xinfo", "table_list",	      "index_list",
		"index_info",	   "index_xinfo", "foreign_key_list", "foreign_key_check",
		"integrity_check", "quick_check",
	};
	struct sql_scan scan = { SQL_SQLITE, sql };
	struct sql_statement s;
	while (sql_next(&scan, &s)) {
		if (!sql_is(&s, 0, "pragma") || is_pragma_of(&s, about, ARRAY_SIZE(about)))
			continue;
		if (memchr(s.text.ptr, '=', s.text.len) || memchr(s.text.ptr, '(', s.text.len))
			return false;
	}
	return true;
}

static enum outcome refuse_change(struct error *err)
{
	error_set(err, OUTCOME_FAILED, "a query must not change anything");
	snprintf(err->code, sizeof(err->code), "SQLITE_READONLY");
	return err->outcome;
}

static enum outcome refuse_settings(const struct statement *s, struct error *err)
{
	if (s->setting_count == 0)
		return OUTCOME_OK;
	return error_set(err, OUTCOME_FAILED,
			 "SQLite has no settings for a statement: \"%.*s\" is not known",
			 STR_ARG(s->settings[0].name));
}

/* ---- reading ---- */

static enum outcome run_query(struct connection *c, const struct statement *s,
			      const struct watch *watch, struct result *out, struct error *err)
{
	struct sqlite *db = state_of(c)->session;
	struct str rest = s->sql;
	bool ignored;
	enum outcome o = refuse_settings(s, err);
	if (o == OUTCOME_OK)
		o = sqlite_refuse_control(c, s->sql, &ignored, err);
	if (o == OUTCOME_OK && !only_tells(s->sql))
		o = refuse_change(err);
	out->affected = -1;
	sqlite_watch(db, watch, s->timeout_ms);
	for (bool any = false; o == OUTCOME_OK; any = true) {
		sqlite3_stmt *statement;
		o = sqlite_next(db, s->sql, &rest, &statement, err);
		if (o != OUTCOME_OK)
			break;
		if (!statement) {
			if (!any)
				o = error_set(err, OUTCOME_FAILED, "there is no statement to run");
			break;
		}
		if (sqlite3_stmt_readonly(statement))
			o = sqlite_result_read(db, statement, out, err);
		else
			o = refuse_change(err);
		sqlite3_finalize(statement);
	}
	sqlite_unwatch(db);
	if (o != OUTCOME_OK)
		result_clear(out);
	return connection_give_id(s, err, o);
}

/* ---- changing ---- */

/* *done: how many of them ran to their end. */
static enum outcome run_counted(struct sqlite *db, struct str sql, int64_t *affected, size_t *done,
				struct error *err)
{
	struct str rest = sql;
	for (*done = 0;; ++*done) {
		sqlite3_stmt *statement;
		enum outcome o = sqlite_next(db, sql, &rest, &statement, err);
		if (o != OUTCOME_OK || !statement)
			return o;
		int rc;
		while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
			;
		if (rc != SQLITE_DONE)
			o = sqlite_fail(db, err);
		else if (sqlite_counts_rows(statement))
			*affected = sqlite3_changes64(db->db);
		sqlite3_finalize(statement);
		if (o != OUTCOME_OK)
			return o;
	}
}

static enum outcome run_statements(struct sqlite *db, struct str sql, int64_t *affected,
				   struct error *err)
{
	size_t done;
	return run_counted(db, sql, affected, &done, err);
}

/* How many rows point to nothing, -1 on failure; the first of them in words. */
static int64_t count_orphans(struct sqlite *db, struct buf *words)
{
	sqlite3_stmt *check;
	int64_t n = 0;
	int rc;
	if (sqlite3_prepare_v2(db->db, "PRAGMA foreign_key_check", -1, &check, NULL) != SQLITE_OK)
		return -1;
	while ((rc = sqlite3_step(check)) == SQLITE_ROW) {
		if (n++ == 0 && words)
			buf_format(words, "row %lld of %s points to a row of %s that is not there",
				   (long long)sqlite3_column_int64(check, 1),
				   (const char *)sqlite3_column_text(check, 0),
				   (const char *)sqlite3_column_text(check, 2));
	}
	sqlite3_finalize(check);
	return rc == SQLITE_DONE ? n : -1;
}

/* DROP and ALTER (and anything while foreign keys are off) can leave rows without a parent; no
 * commit of ours does. */
static enum outcome run_checked(struct sqlite *db, struct str sql, bool check, int64_t *affected,
				struct error *err)
{
	int64_t before = check ? count_orphans(db, NULL) : 0;
	if (before < 0)
		return sqlite_fail(db, err);
	enum outcome o = run_statements(db, sql, affected, err);
	if (o != OUTCOME_OK || !check)
		return o;
	struct buf words = {0};
	int64_t after = count_orphans(db, &words);
	if (after < 0) {
		o = sqlite_fail(db, err);
	} else if (after > before) {
		o = error_set(err, OUTCOME_FAILED, "a foreign key would be broken: %s",
			      buf_view(&words).ptr);
		snprintf(err->code, sizeof(err->code), "SQLITE_CONSTRAINT");
	}
	buf_clear(&words);
	return o;
}

static enum outcome step_alone(struct sqlite *db, const char *sql, struct error *err)
{
	return sqlite3_exec(db->db, sql, NULL, NULL, NULL) == SQLITE_OK ? OUTCOME_OK
									: sqlite_fail(db, err);
}

static enum outcome run_own(struct sqlite *db, struct str marker, struct str sql, bool check,
			    int64_t *affected, struct error *err)
{
	int64_t ignored;
	enum outcome o = step_alone(db, "BEGIN IMMEDIATE", err);
	if (o == OUTCOME_OK && marker.len)
		o = run_statements(db, marker, &ignored, err);
	if (o == OUTCOME_OK)
		o = run_checked(db, sql, check, affected, err);
	if (o == OUTCOME_OK)
		o = step_alone(db, "COMMIT", err);
	if (o != OUTCOME_OK)
		sqlite_rollback(db);
	return o;
}

/*
 * Without a transaction around all: PRAGMA foreign_keys=OFF in front switches them off for the
 * rest, which is then one transaction like any other (the recipe for rebuilding a table); other
 * statements that want none run one by one.
 */
static enum outcome run_outside(struct sqlite *db, struct str sql, int64_t *affected,
				struct error *err)
{
	struct sql_scan scan = { SQL_SQLITE, sql };
	struct sql_statement first;
	bool rebuild = sql_next(&scan, &first) && is_pragma_of(&first, outside_pragmas, 1) &&
		       (sql_has(&first, "off") || sql_has(&first, "0") ||
			sql_has(&first, "no") || sql_has(&first, "false"));
	enum outcome o;
	if (rebuild) {
		o = step_alone(db, "PRAGMA foreign_keys=OFF", err);
		if (o == OUTCOME_OK)
			o = run_own(db, STR(""), scan.rest, true, affected, err);
	} else {
		size_t done;
		o = run_counted(db, sql, affected, &done, err);
		if (o != OUTCOME_OK && done > 0)
			err->class = ERROR_UNKNOWN; /* a part of it is done */
	}
	/* Whatever was switched meanwhile, the session goes on as it began. */
	sqlite3_exec(db->db, "PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL", NULL, NULL, NULL);
	return o;
}

static enum outcome run_exec(struct connection *c, const struct statement *s,
			     const struct watch *watch, int64_t *affected, struct error *err)
{
	struct sqlite *db = state_of(c)->session;
	bool check = false;
	*affected = -1;
	enum outcome o = refuse_settings(s, err);
	if (o == OUTCOME_OK)
		o = sqlite_refuse_control(c, s->sql, &check, err);
	if (o != OUTCOME_OK)
		return connection_give_id(s, err, o);
	bool inside = sqlite_in_transaction(db);
	if (s->no_transaction && inside) {
		o = error_set(err, OUTCOME_FAILED,
			      "this statement cannot be inside a transaction, and one is open");
		return connection_give_id(s, err, o);
	}
	sqlite_watch(db, watch, s->timeout_ms);
	if (s->no_transaction)
		o = run_outside(db, s->sql, affected, err);
	else if (inside)
		o = run_checked(db, s->sql, check, affected, err);
	else
		o = run_own(db, s->marker, s->sql, check, affected, err);
	sqlite_unwatch(db);
	return connection_give_id(s, err, o);
}

/* ---- several statements as one ---- */

static void abandon_block(struct connection *c)
{
	sqlite_rollback(state_of(c)->session);
}

static enum outcome begin_block(struct connection *c, const struct statement *s,
				const struct watch *watch, struct error *err)
{
	struct sqlite *db = state_of(c)->session;
	int64_t ignored;
	enum outcome o = refuse_settings(s, err);

	sqlite_watch(db, watch, s->timeout_ms);
	if (o == OUTCOME_OK)
		o = step_alone(db, "BEGIN IMMEDIATE", err);
	if (o == OUTCOME_OK && s->marker.len)
		o = run_statements(db, s->marker, &ignored, err);
	sqlite_unwatch(db);
	return connection_give_id(s, err, o);
}

static enum outcome commit_block(struct connection *c, const struct statement *s,
				 const struct watch *watch, struct error *err)
{
	struct sqlite *db = state_of(c)->session;
	int64_t ignored;
	enum outcome o = OUTCOME_OK;

	if (!sqlite_in_transaction(db))
		o = error_set(err, OUTCOME_FAILED, "the transaction ended before its COMMIT");
	sqlite_watch(db, watch, s->timeout_ms);
	if (o == OUTCOME_OK)
		o = run_statements(db, s->sql, &ignored, err);
	if (o == OUTCOME_OK)
		o = step_alone(db, "COMMIT", err);
	sqlite_unwatch(db);
	return connection_give_id(s, err, o);
}

/* Nothing outlives its session: what a dead process ran has ended with it. */
static enum outcome fence_nothing(struct connection *c UNUSED, const char *prefix UNUSED,
				  const struct watch *watch UNUSED, struct error *err UNUSED)
{
	return OUTCOME_OK;
}

/* ---- writing values ---- */

static void quote_name(struct buf *out, struct str part)
{
	literal_doubled(out, '"', part);
}

static void quote_value(struct buf *out, enum cell_type type, struct str text)
{
	bool fraction;
	if (!text.ptr) {
		buf_text(out, "NULL");
		return;
	}
	switch (type) {
	case CELL_STRING:
		if (!memchr(text.ptr, 0, text.len)) {
			literal_doubled(out, '\'', text);
			return;
		}
		buf_text(out, "CAST(x'");
		literal_hex(out, text);
		buf_text(out, "' AS TEXT)");
		return;
	case CELL_BOOL:
		buf_text(out, literal_bool(text) ? "TRUE" : "FALSE");
		return;
	case CELL_INT:
		literal_number(out, text);
		return;
	case CELL_FLOAT:
		if (!literal_float(out, text))
			buf_text(out,
				 memchr(text.ptr, 'n', text.len) && !memchr(text.ptr, 'f', text.len)
					 ? "NULL"
				 : text.ptr[0] == '-' ? "(-9e999)"
						      : "9e999");
		return;
	case CELL_BYTES:
		buf_text(out, "x'");
		literal_hex(out, text);
		buf_byte(out, '\'');
		return;
	case CELL_TIMESTAMP:
		buf_byte(out, '\'');
		literal_time(out, text, &fraction);
		buf_byte(out, '\'');
		return;
	}
}

/* The arguments of a pragma that is asked as a table: a name, and its database. */
static void print_pragma(struct buf *out, const char *name, const struct str *table, size_t parts)
{
	buf_format(out, "%s(", name);
	quote_value(out, CELL_STRING, table[parts - 1]);
	if (parts > 1) {
		buf_text(out, ", ");
		quote_value(out, CELL_STRING, table[parts - 2]);
	}
	buf_text(out, ")");
}

static void print_others(struct buf *out, const char *column, const struct str *columns,
			 size_t count)
{
	buf_format(out, "%s COLLATE NOCASE NOT IN (", column);
	for (size_t i = 0; i < count; i++) {
		buf_text(out, i ? ", " : "");
		quote_value(out, CELL_STRING, columns[i]);
	}
	buf_text(out, ")");
}

/* Its primary key, or an index of all rows over columns alone. */
static void print_unique(struct buf *out, const struct str *table, size_t parts,
			 const struct str *columns, size_t count)
{
	buf_text(out, "SELECT 1 WHERE EXISTS (SELECT 1 FROM ");
	print_pragma(out, "pragma_table_info", table, parts);
	buf_text(out, " WHERE pk > 0) AND NOT EXISTS (SELECT 1 FROM ");
	print_pragma(out, "pragma_table_info", table, parts);
	buf_text(out, " WHERE pk > 0 AND ");
	print_others(out, "name", columns, count);
	buf_text(out, ") UNION ALL SELECT 1 FROM ");
	print_pragma(out, "pragma_index_list", table, parts);
	buf_text(out, " AS l WHERE l.\"unique\" AND NOT l.partial AND NOT EXISTS (SELECT 1 FROM "
		      "pragma_index_info(l.name) AS i WHERE i.name IS NULL OR ");
	print_others(out, "i.name", columns, count);
	buf_text(out, ") LIMIT 1");
}

const struct connection_kind sqlite_kind = {
	.name = "sqlite",
	.capabilities = CAN_TRANSACTION | CAN_SHARE,
	.open = open_file,
	.close = close_file,
	.query = run_query,
	.exec = run_exec,
	.begin = begin_block,
	.commit = commit_block,
	.abandon = abandon_block,
	.fence = fence_nothing,
	.quote_ident = quote_name,
	.quote_literal = quote_value,
	.transactional = is_transactional,
	.print_unique = print_unique,
	.share = share_session,
	.stream = &sqlite_stream,
	.inspect = sqlite_inspect,
};
