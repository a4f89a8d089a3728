/*
 * marker.c - a row in the target that is committed together with an effect
 *
 * Its key is the run and the number of the effect, the same for every attempt: what two attempts of
 * it both try to commit, only one can. Query ids of marked effects end with "m".
 */
#include "vm/base/fault.h"
#include "vm/base/mutant.h"
#include "vm/run/session.h"

#include <stdio.h>

#define POSTGRES_NULL_REFUSED "23502"
#define SQLITE_NULL_REFUSED "NOT NULL constraint failed"

static enum outcome query(struct run *r, struct connection *c, const char *sql, bool *any,
			  struct error *err)
{
	char query_id[QUERY_ID_SIZE];
	struct statement s = { .sql = str_c(sql), .query_id = query_id };
	struct result result = { 0 };
	enum outcome o;

	snprintf(query_id, sizeof(query_id), "%smarker:%s.%llu", r->prefix, r->token,
		 (unsigned long long)++r->reads);
	session_busy(r, c);
	fault_pass(FAULT_BEFORE_READ);
	o = c->kind->query(c, &s, &r->watch, &result, err);
	fault_pass(FAULT_AFTER_READ);
	session_idle(r);
	*any = o == OUTCOME_OK && result.rows.count > 0;
	result_clear(&result);
	return o;
}

static enum outcome make_table(struct run *r, struct connection *c, const char *sql,
			       struct error *err)
{
	struct statement s = { .sql = str_c(sql) };
	int64_t rows;
	char query_id[QUERY_ID_SIZE];
	enum outcome o;

	snprintf(query_id, sizeof(query_id), "%smarker:%s", r->prefix, r->token);
	s.query_id = query_id;
	session_busy(r, c);
	o = c->kind->exec(c, &s, &r->watch, &rows, err);
	session_idle(r);
	return o;
}

static bool may_pass(const struct error *err)
{
	return err->class != ERROR_PERMANENT && !mutant(MUTANT_UNASKED);
}

/* There after this, or refused. A connection that breaks meanwhile says nothing of either. */
static enum outcome have_table(struct run *r, struct connection *c, const char *look,
			       const char *make, bool *refused, struct error *err)
{
	bool any;
	enum outcome o = query(r, c, look, &any, err);

	if (o == OUTCOME_OK || may_pass(err))
		return o;
	error_clear(err);
	o = make_table(r, c, make, err);
	if (o == OUTCOME_OK || may_pass(err))
		return o;
	error_clear(err);
	/* Another process may have made it at the same moment. */
	o = query(r, c, look, &any, err);
	if (o == OUTCOME_OK || may_pass(err))
		return o;
	error_clear(err);
	*refused = true;
	return OUTCOME_OK;
}

/* Who may not make the tables goes without: then the operation must say how a doubt is resolved. */
static enum outcome make_tables(struct run *r, struct connection *c, bool states,
				enum marking *marking, struct error *err)
{
	static const char *const tables[][2] = {
		{ "SELECT effect FROM amig_marker WHERE effect = ''",
		  "CREATE TABLE amig_marker (effect varchar(60) NOT NULL PRIMARY KEY)" },
		{ "SELECT run FROM amig_fence WHERE run = ''",
		  "CREATE TABLE amig_fence (run varchar(60) NOT NULL PRIMARY KEY, "
		  "epoch bigint NOT NULL)" },
		{ "SELECT operation FROM amig_transaction WHERE operation = ''",
		  "CREATE TABLE amig_transaction (operation varchar(60) NOT NULL PRIMARY KEY, "
		  "effect bigint NOT NULL, state bytea NOT NULL)" },
	};
	size_t count = ARRAY_SIZE(tables) - !states;
	bool refused = false;

	for (size_t i = 0; i < count && !refused; i++) {
		enum outcome o =
			have_table(r, c, tables[i][0], tables[i][1], &refused, err);

		if (o != OUTCOME_OK)
			return o;
	}
	*marking = refused ? MARKING_REFUSED : states ? MARKING_STATES : MARKING_POSSIBLE;
	return OUTCOME_OK;
}

enum outcome marker_possible(struct run *r, uint32_t need, struct connection *c, bool *possible,
			     struct error *err)
{
	enum marking *marking = &r->markings[need];
	bool states = machine_request(r->vm)->op == OP_TRANSACTION;
	enum outcome o = OUTCOME_OK;

	*possible = false;
	if (!(c->kind->capabilities & CAN_TRANSACTION))
		return OUTCOME_OK;
	if (*marking == MARKING_UNKNOWN || (*marking == MARKING_POSSIBLE && states))
		o = make_tables(r, c, states, marking, err);
	if (o != OUTCOME_OK)
		error_prefix(err, "the marker's table could not be looked for: ");
	*possible = *marking == MARKING_STATES || (*marking == MARKING_POSSIBLE && !states);
	return o;
}

static void print_key(const struct run *r, const struct connection_kind *kind, int64_t number,
		      struct buf *out)
{
	struct buf key = { 0 };

	number = mutant(MUTANT_SAME_MARKER) ? number / 2 : number;
	buf_format(&key, "%s%lld", r->prefix, (long long)number);
	kind->quote_literal(out, CELL_STRING, buf_view(&key));
	buf_clear(&key);
}

void marker_print(const struct run *r, const struct connection_kind *kind, int64_t number,
		  struct buf *out)
{
	buf_text(out, "INSERT INTO amig_marker (effect) SELECT CASE WHEN NOT EXISTS ("
		      "SELECT 1 FROM amig_fence WHERE run = ");
	kind->quote_literal(out, CELL_STRING, str_c(r->prefix));
	buf_format(out, " AND epoch > %lld) THEN ", (long long)r->epoch);
	print_key(r, kind, number, out);
	buf_text(out, " END");
}

/* The guard of marker_print() has made the key NULL. */
bool marker_is_fenced(const struct error *err)
{
	return err->class == ERROR_PERMANENT && err->message &&
	       strstr(err->message, "amig_marker") != NULL &&
	       (strcmp(err->code, POSTGRES_NULL_REFUSED) == 0 ||
		strstr(err->message, SQLITE_NULL_REFUSED) != NULL);
}

enum outcome marker_raise_fence(struct run *r, uint32_t need, struct connection *c,
				struct error *err)
{
	struct statement s = { 0 };
	struct buf sql = { 0 };
	char query_id[QUERY_ID_SIZE];
	int64_t rows;
	bool possible;
	enum outcome o;

	if (c->shared || mutant(MUTANT_NO_RAISE))
		return OUTCOME_OK;
	o = marker_possible(r, need, c, &possible, err);
	if (o != OUTCOME_OK || !possible)
		return o;
	buf_text(&sql, "INSERT INTO amig_fence (run, epoch) VALUES (");
	c->kind->quote_literal(&sql, CELL_STRING, str_c(r->prefix));
	buf_format(&sql,
		   ", %lld) ON CONFLICT (run) DO UPDATE SET epoch = excluded.epoch "
		   "WHERE amig_fence.epoch < excluded.epoch",
		   (long long)r->epoch);
	snprintf(query_id, sizeof(query_id), "%sfence:%s", r->prefix, r->token);
	s.sql = buf_view(&sql);
	s.query_id = query_id;
	session_busy(r, c);
	o = c->kind->exec(c, &s, &r->watch, &rows, err);
	session_idle(r);
	buf_clear(&sql);
	if (o != OUTCOME_OK)
		error_prefix(err, "the process before could not be fenced off: ");
	return o;
}

enum outcome marker_look(struct run *r, struct str connection, int64_t number, bool *there,
			 struct error *err)
{
	for (uint32_t i = 0; i < r->module.need_count; i++) {
		struct connection *c;
		struct buf sql = { 0 };
		enum outcome o;

		if (!str_eq(r->module.needs[i].name, connection))
			continue;
		o = session_connection(r, i, &c, err);
		if (o != OUTCOME_OK)
			return o;
		buf_text(&sql, "SELECT effect FROM amig_marker WHERE effect = ");
		print_key(r, c->kind, number, &sql);
		o = query(r, c, sql.ptr, there, err);
		buf_clear(&sql);
		return o;
	}
	return error_set(err, OUTCOME_DAMAGED, "the migration has no connection %.*s",
			 STR_ARG(connection));
}

bool query_id_is_marked(struct str query_id)
{
	return str_ends(query_id, STR("m"));
}
