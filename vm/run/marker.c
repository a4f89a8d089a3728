/*
 * marker.c - a row in the target that is committed together with an effect
 *
 * Its key is the run and the number of the effect, the same for every attempt: what two attempts of
 * it both try to commit, only one can. Query ids of marked effects end with "m".
 */
#include "vm/run/session.h"

#include <stdio.h>

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
	o = c->kind->query(c, &s, &r->watch, &result, err);
	session_idle(r);
	*any = o == OUTCOME_OK && result.rows.count > 0;
	result_clear(&result);
	return o;
}

/* Who may not make the table goes without: then the operation must say how a doubt is resolved. */
static enum marking make_table(struct run *r, struct connection *c)
{
	struct statement s = {
		.sql = STR("CREATE TABLE amig_marker (effect varchar(60) PRIMARY KEY)")
	};
	struct error err = { 0 };
	int64_t rows;
	bool any;
	char query_id[QUERY_ID_SIZE];
	enum outcome o =
		query(r, c, "SELECT effect FROM amig_marker WHERE effect = ''", &any, &err);

	if (o != OUTCOME_OK) {
		error_clear(&err);
		snprintf(query_id, sizeof(query_id), "%smarker:%s", r->prefix, r->token);
		s.query_id = query_id;
		session_busy(r, c);
		o = c->kind->exec(c, &s, &r->watch, &rows, &err);
		session_idle(r);
	}
	error_clear(&err);
	return o == OUTCOME_OK ? MARKING_POSSIBLE : MARKING_REFUSED;
}

bool marker_possible(struct run *r, uint32_t need, struct connection *c)
{
	if (!(c->kind->capabilities & CAN_TRANSACTION))
		return false;
	if (r->markings[need] == MARKING_UNKNOWN)
		r->markings[need] = make_table(r, c);
	return r->markings[need] == MARKING_POSSIBLE;
}

static void print_key(const struct run *r, const struct connection_kind *kind, int64_t number,
		      struct buf *out)
{
	struct buf key = { 0 };

	buf_format(&key, "%s%lld", r->prefix, (long long)number);
	kind->quote_literal(out, CELL_STRING, buf_view(&key));
	buf_clear(&key);
}

void marker_print(const struct run *r, const struct connection_kind *kind, int64_t number,
		  struct buf *out)
{
	buf_text(out, "INSERT INTO amig_marker (effect) VALUES (");
	print_key(r, kind, number, out);
	buf_text(out, ")");
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
