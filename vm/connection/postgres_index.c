/*
 * postgres_index.c - what a CREATE INDEX CONCURRENTLY that broke off has left
 *
 * An index of that name that is not valid: the same statement fails over it, and with IF NOT EXISTS
 * takes it for the index. So it is dropped first, unless somebody builds it right now.
 */
#include "vm/base/sql.h"
#include "vm/connection/postgres_kind.h"
#include "vm/connection/postgres_text.h"

static bool is_word(enum sql_token token, struct str text, const char *word)
{
	return token == SQL_TOKEN_WORD && text.len == strlen(word) &&
	       strncasecmp(text.ptr, word, text.len) == 0;
}

/* Whether the next token is this word, which is passed over then. */
static bool skip(struct sql_scan *scan, const char *word)
{
	struct sql_scan ahead = *scan;
	struct str text;
	enum sql_token token = sql_token(&ahead, &text);

	if (!is_word(token, text, word))
		return false;
	*scan = ahead;
	return true;
}

static bool is_part(enum sql_token token, struct str text)
{
	return token == SQL_TOKEN_WORD || token == SQL_TOKEN_QUOTED ||
	       (token == SQL_TOKEN_OTHER && str_eq(text, STR(".")));
}

/* The parts of a name and the dots between them, as they are written. */
static void take_name(struct sql_scan *scan, struct buf *name)
{
	struct sql_scan ahead = *scan;
	struct str text;
	bool dotted = true;

	for (;;) {
		enum sql_token token = sql_token(&ahead, &text);
		bool dot = token == SQL_TOKEN_OTHER;

		if (!is_part(token, text) || dot == dotted)
			return;
		buf_str(name, text);
		dotted = dot;
		*scan = ahead;
	}
}

/* CREATE [UNIQUE] INDEX CONCURRENTLY [IF NOT EXISTS] index ON [ONLY] table */
static bool read_statement(struct str sql, struct buf *index, struct buf *table)
{
	struct sql_scan scan = { SQL_POSTGRES, sql };

	if (!skip(&scan, "create"))
		return false;
	skip(&scan, "unique");
	if (!skip(&scan, "index") || !skip(&scan, "concurrently"))
		return false;
	if (skip(&scan, "if") && !(skip(&scan, "not") && skip(&scan, "exists")))
		return false;
	take_name(&scan, index);
	if (!skip(&scan, "on"))
		return false;
	skip(&scan, "only");
	take_name(&scan, table);
	return index->len && table->len;
}

enum outcome postgres_drop_invalid(struct postgres *session, const struct statement *s,
				   const struct watch *watch, struct error *err)
{
	static const char sql[] =
		"SELECT format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_index AS i "
		"JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid JOIN "
		"pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relname = "
		"(parse_ident($1))[1] AND i.indrelid = to_regclass($2) AND NOT i.indisvalid "
		"AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_stat_progress_create_index AS p "
		"WHERE p.index_relid = c.oid)";
	struct buf index = { 0 }, table = { 0 }, drop = { 0 };
	PGresult *answer = NULL;
	enum outcome o = OUTCOME_OK;

	if (read_statement(s->sql, &index, &table))
		o = postgres_query_params(session, sql, 2,
					  (const char *const[]){ index.ptr, table.ptr }, watch,
					  &answer, err);
	if (o == OUTCOME_OK && answer && PQntuples(answer) == 1) {
		postgres_text_comment(&drop, s->query_id);
		buf_format(&drop, "DROP INDEX CONCURRENTLY IF EXISTS %s",
			   PQgetvalue(answer, 0, 0));
		o = postgres_query(session, drop.ptr, watch, NULL, err);
	}
	if (o != OUTCOME_OK) {
		error_prefix(err, "what is left of an index that broke off could not be dropped: ");
		if (err->class == ERROR_UNKNOWN)
			err->class = ERROR_TRANSIENT;
	}
	PQclear(answer);
	buf_clear(&index);
	buf_clear(&table);
	buf_clear(&drop);
	return o;
}
