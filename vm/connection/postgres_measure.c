/*
 * postgres_measure.c - how far a command of PostgreSQL's has come, as its views of progress tell
 *
 * Asked from the watch of the command that runs, over a session of its own that is opened when it
 * is first needed: the server is given little time for an answer, and none is no harm.
 */
#include "vm/base/os.h"
#include "vm/connection/postgres_kind.h"
#include "vm/connection/postgres_text.h"
#include <stdlib.h>

#define PATIENCE_MS 500
#define SHARES 10000

static const struct view {
	const char *name, *share, *rows;
} views[] = {
#define PROGRESS(name, share, rows) { name, share, rows },
#include "vm/connection/postgres_progress.def"
#undef PROGRESS
};

static enum watch_wish ask_patience(void *until)
{
	return os_monotonic_ms() < *(const int64_t *)until ? WATCH_GO_ON : WATCH_ABANDON;
}

/* Which of the views the server has. */
static enum outcome learn_views(struct postgres *aside, const struct watch *watch, char **sql,
				struct error *err)
{
	struct buf text = { 0 };
	PGresult *answer;
	enum outcome o;

	for (size_t i = 0; i < ARRAY_SIZE(views); i++)
		buf_format(&text, "%sto_regclass('pg_catalog.pg_stat_progress_%s') IS NOT NULL",
			   i ? ", " : "SELECT ", views[i].name);
	o = postgres_query(aside, text.ptr, watch, &answer, err);
	buf_reset(&text);
	if (o != OUTCOME_OK) {
		buf_clear(&text);
		return o;
	}
	buf_format(&text, "SELECT (%d * max(p.share))::bigint, max(p.rows)::bigint FROM (", SHARES);
	for (size_t i = 0, n = 0; i < ARRAY_SIZE(views); i++)
		if (PQgetvalue(answer, 0, (int)i)[0] == 't')
			buf_format(&text,
				   "%sSELECT pid, (%s)::float8 AS share, %s AS rows FROM "
				   "pg_catalog.pg_stat_progress_%s",
				   n++ ? " UNION ALL " : "", views[i].share, views[i].rows,
				   views[i].name);
	buf_text(&text, ") AS p JOIN pg_catalog.pg_stat_activity AS a USING (pid) WHERE "
			"starts_with(a.query, '/* ' || $1 || ' */') HAVING count(*) > 0");
	PQclear(answer);
	*sql = buf_take(&text);
	return o;
}

static enum outcome ask(struct postgres_state *s, const char *query_id, const struct watch *watch,
			PGresult **out, struct error *err)
{
	enum outcome o = OUTCOME_OK;

	if (!s->aside.conninfo)
		o = postgres_open(&s->aside, s->own.conninfo, "amig", watch, err);
	else if (!postgres_is_alive(&s->aside))
		o = postgres_reopen(&s->aside, watch, err);
	if (o == OUTCOME_OK && !s->measure)
		o = learn_views(&s->aside, watch, &s->measure, err);
	if (o == OUTCOME_OK)
		o = postgres_query_params(&s->aside, s->measure, 1, &query_id, watch, out, err);
	return o;
}

bool postgres_measure(struct connection *c, const char *query_id, struct measure *out)
{
	int64_t until = os_monotonic_ms() + PATIENCE_MS;
	const struct watch watch = { ask_patience, &until };
	struct error ignored = { 0 };
	PGresult *answer = NULL;
	bool good = ask(c->state, query_id, &watch, &answer, &ignored) == OUTCOME_OK &&
		    PQntuples(answer) == 1;

	*out = (struct measure){ .to_read = SHARES };
	good = good && str_to_int(str_c(PQgetvalue(answer, 0, 0)), &out->read) &&
	       str_to_int(str_c(PQgetvalue(answer, 0, 1)), &out->written);
	PQclear(answer);
	error_clear(&ignored);
	return good;
}
