/* postgres_inspect.c - what an operator should know of a PostgreSQL before anything is run on it */
#include "vm/base/os.h"
#include "vm/connection/inspect.h"
#include "vm/connection/postgres_kind.h"
#include "vm/connection/postgres_text.h"

#define LEAST ((struct semver){ .major = 12 })

/* One row, of so many columns. A failure is a finding. */
static struct str *ask(struct connection *c, const struct inspection *in, enum checked check,
		       const char *sql, struct result *r, struct findings *f)
{
	struct error err = { 0 };

	if (inspect_ask(c, sql, in->watch, r, &err) != OUTCOME_OK) {
		finding_error(f, check, FINDING_WRONG, NULL, &err);
		return NULL;
	}
	return r->rows.count ? r->rows.at[0] : NULL;
}

static bool is_true(struct str cell)
{
	return str_eq(cell, STR("true"));
}

static void look_where(struct connection *c, const struct inspection *in, struct findings *f)
{
	const struct postgres_state *s = c->state;
	PGconn *pg = s->own.pg;

	finding_add(f, CHECK_REACH, FINDING_FINE, NULL, "database %s at %s:%s as %s%s", PQdb(pg),
		    PQhost(pg), PQport(pg), PQuser(pg),
		    s->is_pooled ? ", through a pooler of transactions" : "");
	if (s->is_pooled && in->is_state)
		finding_add(f, CHECK_REACH, FINDING_WRONG,
			    "let AMIG_STATE name the server itself, or a pool of whole sessions",
			    "the state can't be behind a pooler of transactions");
}

static void look_writes(struct connection *c, const struct inspection *in, struct findings *f)
{
	struct result r;
	struct str *row = ask(c, in, CHECK_WRITE,
			      "SELECT pg_is_in_recovery(), "
			      "current_setting('default_transaction_read_only')::boolean",
			      &r, f);

	if (row && is_true(row[0]))
		finding_add(f, CHECK_WRITE, FINDING_WRONG,
			    "name the primary, or several hosts and "
			    "target_session_attrs=read-write",
			    "it is a replica, which takes no changes");
	else if (row && is_true(row[1]))
		finding_add(f, CHECK_WRITE, FINDING_WRONG,
			    "ALTER ROLE … SET default_transaction_read_only = off, or the "
			    "database's",
			    "default_transaction_read_only is on: it takes no changes");
	else if (row)
		finding_add(f, CHECK_WRITE, FINDING_FINE, NULL, "it takes changes");
	result_clear(&r);
}

/* Of the tables that effects leave their markers in, those that are there and can't be used, and
 * how many there are. */
static void look_markers(struct connection *c, const struct inspection *in, struct findings *f)
{
	static const char mend[] =
		"GRANT CREATE ON SCHEMA … to the role, or make the tables for it; without them "
		"an effect that is in doubt must be settled by `done when`, `idempotent` or by "
		"hand, and `transaction` is refused";
	struct result r;
	struct str *row = ask(
		c, in, CHECK_RECORDS,
		"SELECT string_agg(n, ', ') FILTER (WHERE NOT (has_table_privilege(t, 'SELECT') "
		"AND has_table_privilege(t, 'INSERT') AND (n <> 'amig_fence' OR "
		"has_table_privilege(t, 'UPDATE')))), count(t) = 3, current_schema(), "
		"coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) "
		"FROM (SELECT n, to_regclass(n)::oid AS t FROM unnest(ARRAY['amig_marker', "
		"'amig_fence', 'amig_transaction']) AS n) AS all_of_them",
		&r, f);

	if (row && row[0].ptr)
		finding_add(f, CHECK_RECORDS, FINDING_WARNING,
			    "GRANT SELECT, INSERT, UPDATE ON them TO the role",
			    "the role may not use %.*s", STR_ARG(row[0]));
	else if (row && is_true(row[1]))
		finding_add(f, CHECK_RECORDS, FINDING_FINE, NULL,
			    "amig_marker, amig_fence and amig_transaction are there");
	else if (row && is_true(row[3]))
		finding_add(f, CHECK_RECORDS, FINDING_FINE, NULL,
			    "tables can be made in the schema %.*s", STR_ARG(row[2]));
	else if (row && !row[2].ptr)
		finding_add(f, CHECK_RECORDS, FINDING_WARNING, mend,
			    "no schema of the role's search_path is there: no table can be made");
	else if (row)
		finding_add(f, CHECK_RECORDS, FINDING_WARNING, mend,
			    "the role may make no tables in the schema %.*s", STR_ARG(row[2]));
	result_clear(&r);
}

static void look_state(struct connection *c, const struct inspection *in, struct findings *f)
{
	struct result r;
	struct str *row = ask(
		c, in, CHECK_RECORDS,
		"SELECT s IS NOT NULL, has_database_privilege(current_database(), 'CREATE'), "
		"coalesce(has_schema_privilege(s, 'USAGE') AND has_schema_privilege(s, 'CREATE'), "
		"false), (SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class WHERE "
		"relnamespace = s AND relkind = 'r' AND NOT (has_table_privilege(oid, 'SELECT') "
		"AND has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE') AND "
		"has_table_privilege(oid, 'DELETE'))) FROM (SELECT to_regnamespace('amig')::oid "
		"AS s) AS schema",
		&r, f);

	if (row && !is_true(row[0]) && !is_true(row[1]))
		finding_add(f, CHECK_RECORDS, FINDING_WRONG,
			    "CREATE SCHEMA amig AUTHORIZATION …, or GRANT CREATE ON DATABASE",
			    "there is no schema amig, and the role may make none");
	else if (row && is_true(row[0]) && row[3].ptr)
		finding_add(f, CHECK_RECORDS, FINDING_WRONG,
			    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA amig TO "
			    "the role, or use the role that owns them",
			    "the role may not use these tables of the schema amig: %.*s",
			    STR_ARG(row[3]));
	else if (row && is_true(row[0]) && !is_true(row[2]))
		finding_add(f, CHECK_RECORDS, FINDING_WARNING,
			    "ALTER SCHEMA amig OWNER TO the role, or GRANT USAGE, CREATE ON it",
			    "the role may make nothing in the schema amig: an upgrade of its "
			    "tables will fail");
	else if (row)
		finding_add(f, CHECK_RECORDS, FINDING_FINE, NULL,
			    is_true(row[0]) ? "the schema amig is there, and the role may use it"
					    : "the schema amig can be made");
	result_clear(&r);
}

/* Of another role's session only the application's name is seen. The state's are not meant: they
 * leave nothing running. */
static void look_cancels(struct connection *c, const struct inspection *in, struct findings *f)
{
	struct buf sql = { 0 };
	struct result r;
	struct str *row;

	buf_text(&sql, "SELECT current_setting('track_activities')::boolean, current_user, "
		       "(SELECT string_agg(DISTINCT usename::text, ', ') FROM pg_stat_activity "
		       "WHERE datname = current_database() AND application_name = 'amig' AND "
		       "NOT pg_has_role(usesysid, 'MEMBER') AND "
		       "NOT pg_has_role('pg_signal_backend', 'MEMBER') AND usename <> ");
	postgres_text_literal(&sql, CELL_STRING, str_c(in->state_user ? in->state_user : ""));
	buf_text(&sql, ")");
	row = ask(c, in, CHECK_CANCEL, sql.ptr, &r, f);
	buf_clear(&sql);
	if (row && !is_true(row[0]))
		finding_add(f, CHECK_CANCEL, FINDING_WARNING,
			    "ALTER ROLE … SET track_activities = on",
			    "track_activities is off: what a process that died has left running is "
			    "found by its session's name only");
	if (row && row[2].ptr)
		finding_add(f, CHECK_CANCEL, FINDING_WARNING,
			    "let all workers use one role, or GRANT pg_signal_backend, "
			    "pg_read_all_stats TO each",
			    "sessions of amigrun are here as %.*s: %.*s can't see nor end what "
			    "they leave running",
			    STR_ARG(row[2]), STR_ARG(row[1]));
	else if (row && is_true(row[0]))
		finding_add(f, CHECK_CANCEL, FINDING_FINE, NULL,
			    "what runs here as %.*s can be seen and ended", STR_ARG(row[1]));
	result_clear(&r);
}

static void look_clock(struct connection *c, const struct inspection *in, struct findings *f)
{
	struct result r;
	int64_t before = os_wall_us(), now;
	struct str *row = ask(c, in, CHECK_CLOCK,
			      "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
			      &r, f);

	if (row && str_to_int(row[0], &now))
		finding_clock(f, now, before, os_wall_us(), 0);
	result_clear(&r);
}

void postgres_inspect(const struct inspection *in, struct findings *f)
{
	struct connection c;

	if (!inspect_open(in, &postgres_kind, &c, f))
		return;
	look_where(&c, in, f);
	finding_version(f, "PostgreSQL", c.version_text, LEAST);
	look_writes(&c, in, f);
	if (in->is_state)
		look_state(&c, in, f);
	else
		look_markers(&c, in, f);
	if (!in->is_state)
		look_cancels(&c, in, f);
	look_clock(&c, in, f);
	finding_add(f, CHECK_DISK, FINDING_UNKNOWN, NULL,
		    "PostgreSQL does not tell how much room its disk has: look on its machine");
	connection_close(&c);
}
