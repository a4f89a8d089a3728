/*
 * postgres_pooled.c - PostgreSQL behind a pooler of transactions (PgBouncer)
 *
 * Each transaction may go to another session of the server there, which other clients had before
 * and have after us: nothing is set that would outlive a transaction, and what belongs together is
 * asked in one. Who stands behind a pooler of whole sessions is treated alike.
 */
#include "vm/base/sql.h"
#include "vm/connection/postgres_kind.h"
#include "vm/connection/postgres_text.h"
#include <stdlib.h>

enum outcome postgres_learn_session(struct postgres_state *s, const struct watch *watch,
				    struct error *err)
{
	PGresult *answer;
	enum outcome o = postgres_query(&s->own,
					"SELECT current_setting('synchronous_commit'), "
					"pg_backend_pid(), " POSTGRES_PATH,
					watch, &answer, err);

	if (o != OUTCOME_OK)
		return o;
	s->commits_lightly = strcmp(PQgetvalue(answer, 0, 0), "off") == 0;
	s->is_pooled = !postgres_is_backend(&s->own, atoi(PQgetvalue(answer, 0, 1)));
	free(s->path);
	s->path = NULL;
	if (s->is_pooled && strcmp(PQuser(s->own.pg), POSTGRES_STATE_SCHEMA) == 0)
		s->path = must_strdup(PQgetvalue(answer, 0, 2));
	PQclear(answer);
	return OUTCOME_OK;
}

void postgres_print_pooled(const struct postgres_state *s, struct buf *out)
{
	if (s->path)
		buf_format(out, "SET LOCAL search_path=%s;", *s->path ? s->path : "''");
}

enum outcome postgres_look_begin(const struct postgres_state *s, struct postgres *session,
				 const struct watch *watch, struct error *err)
{
	struct buf sql = { 0 };
	enum outcome o = OUTCOME_OK;

	if (!s->is_pooled)
		return o;
	buf_text(&sql, "BEGIN READ ONLY;");
	postgres_print_pooled(s, &sql);
	o = postgres_query(session, sql.ptr, watch, NULL, err);
	buf_clear(&sql);
	return o;
}

void postgres_look_end(const struct postgres_state *s, struct postgres *session)
{
	if (s->is_pooled)
		postgres_rollback(session);
}

/* What a direct session sets for such a statement must be so already. */
enum outcome postgres_check_outside(struct postgres_state *s, const struct statement *statement,
				    const struct watch *watch, struct error *err)
{
	struct sql_scan scan = { SQL_POSTGRES, statement->sql };
	struct sql_statement first;
	PGresult *answer;
	enum outcome o;
	bool waits;

	if (!s->is_pooled)
		return OUTCOME_OK;
	if (statement->setting_count) {
		error_set(err, OUTCOME_FAILED,
			  "behind a pooler no setting can be made for a statement outside of "
			  "transactions");
		error_hint(err, "give it to the role (ALTER ROLE … SET %.*s), or let the URL name "
				"the server itself",
			   STR_ARG(statement->settings[0].name));
		return err->outcome;
	}
	if (s->commits_lightly) {
		error_set(err, OUTCOME_FAILED,
			  "synchronous_commit is off for the role or the database, and behind a "
			  "pooler amigrun can't set it: a crash of the server could undo what it "
			  "had told as done");
		error_hint(err, "ALTER ROLE … SET synchronous_commit = on, or let the URL name the "
				"server itself");
		return err->outcome;
	}
	if (!sql_next(&scan, &first) || !sql_has(&first, "concurrently"))
		return OUTCOME_OK;
	o = postgres_query(&s->own, "SELECT current_setting('lock_timeout')", watch, &answer, err);
	if (o != OUTCOME_OK)
		return o;
	waits = strcmp(PQgetvalue(answer, 0, 0), "0") == 0;
	PQclear(answer);
	if (waits)
		return OUTCOME_OK;
	error_set(err, OUTCOME_FAILED,
		  "lock_timeout is set for the role or the database, and behind a pooler amigrun "
		  "can't unset it: an index made CONCURRENTLY would be left invalid");
	error_hint(err, "ALTER ROLE … SET lock_timeout = 0, or let the URL name the server itself");
	return err->outcome;
}
