/*
 * clickhouse_inspect.c - what an operator should know of a ClickHouse before anything is run on it,
 * be it a server or chDB's engine
 */
#include "vm/base/os.h"
#include "vm/connection/clickhouse_answer.h"
#include "vm/connection/clickhouse_guard.h"
#include "vm/connection/clickhouse_http.h"
#include "vm/connection/clickhouse_kind.h"
#include "vm/connection/clickhouse_text.h"
#include "vm/connection/inspect.h"

#include <stdio.h>
#include <sys/stat.h>

#define LEAST ((struct semver){ .major = 18, .minor = 16 })
#define ASK_LIMIT_MS 15000
#define LOG_WAIT_MS 2000
#define LOG_PAUSE_MS 100
#define UNKNOWN_TABLE "60"
#define SYNTAX_ERROR "62"
#define ACCESS_DENIED "497"

static bool failed_as(const struct error *err, const char *code)
{
	return strcmp(err->code, code) == 0;
}

/* A question with one number for an answer. */
static enum outcome ask_number(struct connection *c, const struct inspection *in, const char *sql,
			       int64_t *out, struct error *err)
{
	struct result r;
	enum outcome o = inspect_ask(c, sql, in->watch, &r, err);

	*out = 0;
	if (o == OUTCOME_OK &&
	    (!r.rows.count || !r.rows.at[0][0].ptr || !str_to_int(r.rows.at[0][0], out)))
		o = error_set(err, OUTCOME_FAILED, "it does not answer %s with a number", sql);
	result_clear(&r);
	return o;
}

/* The first question in the database that the URL names. */
static bool look_where(struct connection *c, const struct inspection *in, const char *at,
		       struct findings *f)
{
	struct result r;
	struct error err = { 0 };
	struct buf mend = { 0 };
	bool good = inspect_ask(c, "SELECT currentDatabase(), currentUser()", in->watch, &r,
				&err) == OUTCOME_OK &&
		    r.rows.count == 1;

	if (!good && failed_as(&err, "46")) { /* 18.16 does not know who asks */
		error_clear(&err);
		result_clear(&r);
		good = inspect_ask(c, "SELECT currentDatabase(), ''", in->watch, &r, &err) ==
			       OUTCOME_OK &&
		       r.rows.count == 1;
	}
	buf_format(&mend, "see whether %s names the right database", in->variable);
	if (good)
		finding_add(f, CHECK_REACH, FINDING_FINE, NULL, "database %.*s at %s%s%.*s",
			    STR_ARG(r.rows.at[0][0]), at, r.rows.at[0][1].len ? " as " : "",
			    STR_ARG(r.rows.at[0][1]));
	else
		finding_error(f, CHECK_REACH, FINDING_WRONG, mend.ptr, &err);
	buf_clear(&mend);
	result_clear(&r);
	return good;
}

/* With no setting of ours: what the user's own profile says. */
static enum outcome ask_bare(struct connection *c, const struct inspection *in, struct str sql,
			     struct result *out, struct error *err)
{
	struct clickhouse *h = c->state;
	struct request r = { .sql = sql, .reading = true, .bare = true, .limit_ms = ASK_LIMIT_MS };
	struct answer a;
	enum outcome o = clickhouse_http_ask(h, &r, in->watch, &a, err);

	*out = (struct result){ 0 };
	if (o == OUTCOME_OK)
		o = clickhouse_answer_check(&a, &r, err);
	if (o == OUTCOME_OK)
		o = clickhouse_answer_rows(buf_view(&a.body), h->time_zone, out, err);
	clickhouse_answer_clear(&a);
	return o;
}

/* Whether anything may be changed. *ddl: and made. */
static bool look_writes(struct connection *c, const struct inspection *in, bool *ddl,
			struct findings *f)
{
	const struct str sql = STR(
		"SELECT toInt64(sum(toInt64OrZero(value) * (name = 'readonly'))), "
		"toInt64(sum((name = 'allow_ddl') * (value = '0'))) FROM system.settings "
		"WHERE name IN ('readonly', 'allow_ddl')");
	struct result r;
	struct error err = { 0 };
	bool writes = false;

	*ddl = false;
	if (ask_bare(c, in, sql, &r, &err) != OUTCOME_OK || r.rows.count != 1) {
		finding_error(f, CHECK_WRITE, FINDING_WRONG, NULL, &err);
	} else if (!str_eq(r.rows.at[0][0], STR("0"))) {
		finding_add(f, CHECK_WRITE, FINDING_WRONG,
			    "name a user whose profile has readonly = 0",
			    "the user may only read (readonly = %.*s)", STR_ARG(r.rows.at[0][0]));
	} else {
		writes = true;
		*ddl = str_eq(r.rows.at[0][1], STR("0"));
		finding_add(f, CHECK_WRITE, FINDING_FINE, NULL, "the user may change data%s",
			    *ddl ? " and tables" : ", but no tables (allow_ddl = 0)");
	}
	result_clear(&r);
	return writes;
}

/* Servers before 20.4 have no grants, and later ones can be asked about them only since 24. */
static void look_grant(struct connection *c, const struct inspection *in, struct findings *f)
{
	struct error err = { 0 };
	int64_t granted;

	if (ask_number(c, in, "CHECK GRANT CREATE TABLE, INSERT, SELECT ON " CLICKHOUSE_FENCE,
		       &granted, &err) != OUTCOME_OK)
		finding_add(f, CHECK_RECORDS, FINDING_UNKNOWN, NULL,
			    "the table " CLICKHOUSE_FENCE " is not there yet: the first run makes "
			    "it, or says in an event (not_fenced) that it may not");
	else if (granted)
		finding_add(f, CHECK_RECORDS, FINDING_FINE, NULL,
			    "the table " CLICKHOUSE_FENCE " can be made");
	else
		finding_add(f, CHECK_RECORDS, FINDING_WARNING,
			    "GRANT CREATE TABLE, INSERT, SELECT ON " CLICKHOUSE_FENCE
			    " to the user",
			    "the table " CLICKHOUSE_FENCE " can't be made: late statements of a "
			    "process that was paused are not refused");
	error_clear(&err);
}

static void look_fence(struct connection *c, const struct inspection *in, bool ddl,
		       struct findings *f)
{
	struct error err = { 0 };
	int64_t rows;

	if (ask_number(c, in, "SELECT toInt64(count()) FROM " CLICKHOUSE_FENCE, &rows, &err) ==
	    OUTCOME_OK)
		finding_add(f, CHECK_RECORDS, FINDING_FINE, NULL,
			    "the table " CLICKHOUSE_FENCE " is there");
	else if (!failed_as(&err, UNKNOWN_TABLE))
		finding_error(f, CHECK_RECORDS, FINDING_WARNING,
			      "GRANT INSERT, SELECT ON " CLICKHOUSE_FENCE " to the user", &err);
	else if (ddl)
		look_grant(c, in, f);
	else
		finding_add(f, CHECK_RECORDS, FINDING_WARNING,
			    "set allow_ddl = 1 for the user, or make the table for it: "
			    "(run String, epoch UInt64, raised_at DateTime) ENGINE = MergeTree "
			    "ORDER BY (run, epoch)",
			    "the table " CLICKHOUSE_FENCE " is not there and can't be made: late "
			    "statements of a process that was paused are not refused");
	error_clear(&err);
}

/* Who sees his own queries may end them, on every version. */
static void look_cancels(struct connection *c, const struct inspection *in, struct findings *f)
{
	struct error err = { 0 };
	int64_t rows, ignored;
	char id[INSPECT_ID_SIZE];
	const struct statement kill = {
		.sql = STR("KILL QUERY WHERE query_id = 'amig:doctor:none' TEST"),
		.query_id = id,
	};

	inspect_id(id);

	if (ask_number(c, in, "SELECT toInt64(count()) FROM system.processes", &rows, &err) !=
	    OUTCOME_OK)
		finding_error(f, CHECK_CANCEL, FINDING_WRONG,
			      "GRANT SELECT ON system.processes to the user: without it no run can "
			      "be stopped or taken over",
			      &err);
	else if (c->kind->exec(c, &kill, in->watch, &ignored, &err) != OUTCOME_OK)
		finding_error(f, CHECK_CANCEL, FINDING_WRONG,
			      "let the user KILL its own queries: without that no run can be "
			      "stopped or taken over",
			      &err);
	else
		finding_add(f, CHECK_CANCEL, FINDING_FINE, NULL,
			    "what runs here can be seen and killed");
	error_clear(&err);
}

/* Whether the log comes to hold a statement that is made now. */
static enum outcome await_row(struct connection *c, const struct inspection *in, bool *there,
			      struct error *err)
{
	const int64_t until = os_monotonic_ms() + LOG_WAIT_MS;
	struct statement s = { .sql = STR("SELECT 1") };
	struct error ignored = { 0 };
	struct buf sql = { 0 };
	char query_id[INSPECT_ID_SIZE], flush_id[INSPECT_ID_SIZE];
	int64_t rows = 0;

	inspect_id(query_id);
	inspect_id(flush_id);
	s.query_id = query_id;
	enum outcome o = c->kind->exec(c, &s, in->watch, &rows, err);
	buf_text(&sql, "SELECT toInt64(count()) FROM system.query_log WHERE event_date >= "
		       "today() - 1 AND ");
	clickhouse_text_id_condition(&sql, query_id, false);
	/* The columns that a run asks for: a user may be allowed fewer. */
	buf_text(&sql, " AND toInt8(type) = 2 AND exception = ''");
	s.sql = STR("SYSTEM FLUSH LOGS");
	s.query_id = flush_id;
	if (o == OUTCOME_OK && c->kind->exec(c, &s, in->watch, &rows, &ignored) != OUTCOME_OK)
		error_clear(&ignored);
	for (rows = 0; o == OUTCOME_OK;) {
		o = ask_number(c, in, sql.ptr, &rows, err);
		if (o != OUTCOME_OK || rows || os_monotonic_ms() >= until ||
		    watch_ask(in->watch) != WATCH_GO_ON)
			break;
		os_sleep_ms(LOG_PAUSE_MS);
	}
	*there = rows > 0;
	buf_clear(&sql);
	return o;
}

static void look_log(struct connection *c, const struct inspection *in, struct findings *f)
{
	static const char mend[] =
		"turn <query_log> on in the server's configuration; without it an effect that is "
		"in doubt must be settled by `done when`, `idempotent`, `in doubt undo` or by hand";
	struct error err = { 0 };
	bool there = false;

	if (await_row(c, in, &there, &err) == OUTCOME_OK && there)
		finding_add(f, CHECK_LOG, FINDING_FINE, NULL,
			    "system.query_log holds what is asked");
	else if (!err.message)
		finding_add(f, CHECK_LOG, FINDING_WARNING,
			    "see whether the user's profile lets log_queries be 1; a log that is "
			    "written seldom, and can't be flushed, is waited for longer in a run",
			    "system.query_log is there, but does not hold what was asked %.1f s "
			    "ago",
			    LOG_WAIT_MS / 1000.0);
	else if (failed_as(&err, UNKNOWN_TABLE))
		finding_add(f, CHECK_LOG, FINDING_WARNING, mend,
			    "there is no system.query_log: the server keeps none");
	else
		finding_error(f, CHECK_LOG, FINDING_WARNING,
			      failed_as(&err, ACCESS_DENIED)
				      ? "GRANT SELECT ON system.query_log to the user"
				      : mend,
			      &err);
	error_clear(&err);
}

static void look_clock(struct connection *c, const struct inspection *in, struct findings *f)
{
	struct error err = { 0 };
	int64_t before = os_wall_us(), now;

	if (ask_number(c, in, "SELECT toInt64(toUInt32(now()))", &now, &err) == OUTCOME_OK)
		finding_clock(f, now * 1000000, before, os_wall_us(), 1000000);
	else
		finding_error(f, CHECK_CLOCK, FINDING_WARNING, NULL, &err);
}

static void look_disks(struct connection *c, const struct inspection *in, struct findings *f)
{
	struct error err = { 0 };
	struct result r;

	if (inspect_ask(c, "SELECT name, toInt64(least(free_space, 9000000000000000000)) FROM "
			   "system.disks ORDER BY name",
			in->watch, &r, &err) != OUTCOME_OK)
		finding_add(f, CHECK_DISK, FINDING_UNKNOWN, NULL,
			    failed_as(&err, UNKNOWN_TABLE)
				    ? "this version does not tell how much room its disks have: "
				      "look on its machine"
				    : "how much room its disks have is not told to this user");
	for (size_t i = 0; i < r.rows.count; i++) {
		struct buf where = { 0 };
		int64_t bytes = 0;

		buf_format(&where, "the disk %.*s", STR_ARG(r.rows.at[i][0]));
		if (str_to_int(r.rows.at[i][1], &bytes))
			finding_disk(f, buf_view(&where), bytes);
		buf_clear(&where);
	}
	error_clear(&err);
	result_clear(&r);
}

void clickhouse_inspect(const struct inspection *in, struct findings *f)
{
	struct connection c;
	bool ddl;

	if (!inspect_open(in, &clickhouse_kind, &c, f))
		return;
	if (look_where(&c, in, ((struct clickhouse *)c.state)->host, f)) {
		finding_version(f, "ClickHouse", c.version_text, LEAST);
		if (look_writes(&c, in, &ddl, f)) {
			look_fence(&c, in, ddl, f);
			look_cancels(&c, in, f);
			look_log(&c, in, f);
		}
		look_clock(&c, in, f);
		look_disks(&c, in, f);
	}
	connection_close(&c);
}

/* Nothing is to be fenced and no log is kept; who opens a folder that is not there would make it.
 */
void chdb_inspect(const struct inspection *in, struct findings *f)
{
	struct connection c;
	struct stat s;
	const char *ignored;
	char *path = chdb_folder(in->url, &ignored);
	bool there;

	there = stat(path, &s) == 0;
	if (!there)
		finding_add(f, CHECK_REACH, FINDING_UNKNOWN, NULL,
			    "the folder %s is not there yet: the first run makes it", path);
	if (there && inspect_open(in, &chdb_kind, &c, f)) {
		if (look_where(&c, in, path, f)) {
			finding_version(f, "chDB", c.version_text, LEAST);
			look_disks(&c, in, f);
		}
		connection_close(&c);
	}
	free(path);
}
