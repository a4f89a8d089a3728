/*
 * chdb_kind.c - ClickHouse's dialect without a server: statements for the engine in this process
 *
 * What goes to it and what comes back is ClickHouse's, and so are the functions for that. What a
 * server has and this has not: query ids (a statement begins with its id as a comment, by which it
 * is killed), a query log (so only the operation's own words settle a doubt), other clients (the
 * folder is this process's while it is open, so nothing has to be fenced but mutations, which the
 * engine takes up again by itself).
 */
#include "vm/base/log.h"
#include "vm/base/os.h"
#include "vm/base/sql.h"
#include "vm/connection/chdb_engine.h"
#include "vm/connection/clickhouse_answer.h"
#include "vm/connection/clickhouse_kind.h"
#include "vm/connection/clickhouse_measure.h"
#include "vm/connection/clickhouse_text.h"

#include <stdio.h>
#include <stdlib.h>

#define DEADLINE_GRACE_MS 3000 /* the engine's own limit comes first and says more */
#define PAUSE_MS 200

struct desk {
	struct chdb_session *session;
	enum clickhouse_when when;
	int64_t timeout_ms; /* that is set in it */
};

struct chdb {
	struct desk reader, changer;
	struct chdb_session *killer;
	struct clickhouse_capabilities can;
	char *time_zone;
};

static struct chdb *state_of(const struct connection *c)
{
	return c->state;
}

/* ---- one statement ---- */

static enum outcome fail(const struct chdb_reply *reply, const struct request *r, struct error *err)
{
	struct answer a = { .status = 500 };
	enum outcome o;

	if (!str_starts(reply->text, STR("Code: "))) {
		error_set(err, OUTCOME_FAILED, "%.*s", STR_ARG(reply->text));
		err->class = r->reading ? ERROR_TRANSIENT : ERROR_UNKNOWN;
		return err->outcome;
	}
	buf_str(&a.body, reply->text);
	o = clickhouse_answer_check(&a, r, err);
	clickhouse_answer_clear(&a);
	return o;
}

/* One of our own, that is short. */
static enum outcome run_own(struct chdb_session *s, const char *sql, struct chdb_reply *reply,
			    struct error *err)
{
	const struct request r = { .sql = str_c(sql), .reading = true };

	chdb_session_run(s, r.sql, NULL, NULL, reply);
	return reply->failed ? fail(reply, &r, err) : OUTCOME_OK;
}

static enum outcome say(struct chdb_session *s, const char *sql, struct error *err)
{
	struct chdb_reply reply;
	enum outcome o = run_own(s, sql, &reply, err);

	chdb_reply_clear(&reply);
	return o;
}

static enum outcome set(struct chdb_session *s, struct str name, struct str value, bool is_default,
			struct error *err)
{
	struct buf sql = { 0 };
	enum outcome o;

	buf_format(&sql, "SET %.*s = ", STR_ARG(name));
	if (is_default)
		buf_text(&sql, "DEFAULT");
	else
		clickhouse_text_literal(&sql, CELL_STRING, value);
	o = say(s, sql.ptr, err);
	buf_clear(&sql);
	return o;
}

/* ---- opening ---- */

static enum outcome learn_engine(struct connection *c, struct chdb_session *s, struct error *err)
{
	struct chdb *h = state_of(c);
	struct chdb_reply reply;
	struct buf sql = { 0 };
	struct result r = { 0 };
	enum outcome o;

	clickhouse_capability_ask(&sql);
	o = run_own(s, sql.ptr, &reply, err);
	if (o == OUTCOME_OK)
		o = clickhouse_answer_rows(reply.text, NULL, &r, err);
	if (o == OUTCOME_OK &&
	    !clickhouse_capability_learn(&r, &h->can, &c->version_text, &h->time_zone))
		o = error_set(err, OUTCOME_UNREACHABLE, "chDB answers, but not as ClickHouse does");
	chdb_reply_clear(&reply);
	result_clear(&r);
	buf_clear(&sql);
	return o;
}

static enum outcome open_desk(struct connection *c, const char *folder, const char *database,
			      struct desk *d, struct error *err)
{
	struct chdb *h = state_of(c);
	const struct clickhouse_setting *own;
	struct buf sql = { 0 };
	enum outcome o = chdb_session_open(folder, &d->session, err);

	if (o == OUTCOME_OK && !c->version_text)
		o = learn_engine(c, d->session, err);
	for (size_t i = 0; o == OUTCOME_OK && (own = clickhouse_setting_at(i)) != NULL; i++)
		if (clickhouse_setting_goes(&h->can, i, d->when))
			o = set(d->session, str_c(own->name), str_c(own->value), false, err);
	if (o == OUTCOME_OK && database) {
		buf_text(&sql, "USE ");
		clickhouse_text_ident(&sql, str_c(database));
		o = say(d->session, sql.ptr, err);
	}
	/* From here on nothing can be changed in it, but settings. */
	if (o == OUTCOME_OK && d->when == FOR_READ)
		o = say(d->session, "SET readonly = 2", err);
	buf_clear(&sql);
	return o;
}

char *chdb_folder(const char *url, const char **database)
{
	static const char scheme[] = "chdb:", option[] = "?database=";
	bool has_scheme = strncmp(url, scheme, strlen(scheme)) == 0;
	char *folder = must_strdup(has_scheme ? url + strlen(scheme) : url);
	char *mark = strstr(folder, option);

	*database = mark ? mark + strlen(option) : NULL;
	if (mark)
		*mark = '\0';
	return folder;
}

static enum outcome open_engine(struct connection *c, const char *url,
				const struct watch *watch UNUSED, struct error *err)
{
	struct chdb *h = must_alloc(sizeof(*h));
	const char *database;
	char *folder = chdb_folder(url, &database);
	enum outcome o;

	*h = (struct chdb){ .reader.when = FOR_READ, .changer.when = FOR_CHANGE };
	c->state = h;
	o = *folder ? OUTCOME_OK
		    : error_set(err, OUTCOME_UNREACHABLE, "chDB wants a folder to work in");
	if (o == OUTCOME_OK)
		o = open_desk(c, folder, database, &h->reader, err);
	if (o == OUTCOME_OK)
		o = open_desk(c, folder, database, &h->changer, err);
	if (o == OUTCOME_OK)
		o = chdb_session_open(folder, &h->killer, err);
	if (o != OUTCOME_OK)
		err->outcome = o = OUTCOME_UNREACHABLE;
	free(folder);
	return o;
}

static void close_engine(struct connection *c)
{
	struct chdb *h = state_of(c);

	chdb_session_close(h->reader.session);
	chdb_session_close(h->changer.session);
	chdb_session_close(h->killer);
	free(h->time_zone);
	free(h);
	c->state = NULL;
}

/* ---- an author's statement ---- */

/* The engine would run several one after the other; a server refuses them. What stands behind
 * FORMAT is data. */
static enum outcome refuse_several(struct str sql, struct error *err)
{
	struct sql_scan scan = { SQL_CLICKHOUSE, sql };
	struct sql_statement s;

	if (!sql_next(&scan, &s) || (sql_is(&s, 0, "insert") && sql_has(&s, "format")) ||
	    !sql_next(&scan, &s))
		return OUTCOME_OK;
	error_set(err, OUTCOME_FAILED, "several statements at once are not allowed");
	error_hint(err, "write an `exec` for each");
	snprintf(err->code, sizeof(err->code), "62");
	return err->outcome;
}

static const char *own_value(struct str name, enum clickhouse_when when)
{
	const struct clickhouse_setting *own;

	for (size_t i = 0; (own = clickhouse_setting_at(i)) != NULL; i++)
		if (own->when & when && str_eq(name, str_c(own->name)))
			return own->value;
	return NULL;
}

static enum outcome knows(struct desk *d, struct str name, bool *known, struct error *err)
{
	struct chdb_reply reply;
	struct result r = { 0 };
	struct buf sql = { 0 };
	enum outcome o;

	buf_text(&sql, "SELECT name FROM system.settings WHERE name = ");
	clickhouse_text_literal(&sql, CELL_STRING, name);
	o = run_own(d->session, sql.ptr, &reply, err);
	if (o == OUTCOME_OK)
		o = clickhouse_answer_rows(reply.text, NULL, &r, err);
	*known = r.rows.count > 0;
	chdb_reply_clear(&reply);
	result_clear(&r);
	buf_clear(&sql);
	return o;
}

static enum outcome set_timeout(struct desk *d, int64_t ms, struct error *err)
{
	char seconds[32];
	enum outcome o;

	if (ms < 0)
		ms = 0;
	if (ms == d->timeout_ms)
		return OUTCOME_OK;
	snprintf(seconds, sizeof(seconds), "%lld.%03lld", (long long)(ms / 1000),
		 (long long)(ms % 1000));
	o = set(d->session, STR("max_execution_time"), str_c(seconds), false, err);
	if (o == OUTCOME_OK)
		d->timeout_ms = ms;
	return o;
}

/* The author's settings; what the engine does not know is left out and said so. */
static enum outcome set_all(const struct connection *c, struct desk *d, const struct statement *s,
			    struct error *err)
{
	enum outcome o = set_timeout(d, s->timeout_ms, err);

	for (size_t i = 0; o == OUTCOME_OK && i < s->setting_count; i++) {
		struct str name = s->settings[i].name;
		bool known;

		o = knows(d, name, &known, err);
		if (o == OUTCOME_OK && known)
			o = set(d->session, name, s->settings[i].value, false, err);
		else if (o == OUTCOME_OK)
			log_warning("connection %s: chDB %s does not know the setting %.*s: "
				    "left out", c->name, c->version_text, STR_ARG(name));
	}
	return o;
}

static void unset_all(struct desk *d, const struct statement *s)
{
	struct error ignored = { 0 };

	for (size_t i = 0; i < s->setting_count; i++) {
		const char *own = own_value(s->settings[i].name, d->when);

		if (set(d->session, s->settings[i].name, str_c(own), !own, &ignored) != OUTCOME_OK)
			error_clear(&ignored);
	}
}

static enum outcome run(struct connection *c, struct desk *d, const struct statement *s,
			const struct watch *watch, struct chdb_reply *reply, struct error *err)
{
	struct request r = { .sql = s->sql, .reading = d->when == FOR_READ };
	struct buf sql = { 0 }, mark = { 0 }, end = { 0 };
	struct chdb_ending how = { .by = state_of(c)->killer };
	enum outcome o = clickhouse_check_statement(s, err);

	*reply = (struct chdb_reply){ 0 };
	if (o == OUTCOME_OK)
		o = refuse_several(s->sql, err);
	if (o == OUTCOME_OK)
		o = set_all(c, d, s, err);
	if (o == OUTCOME_OK) {
		buf_format(&mark, "/* %s */ ", s->query_id);
		buf_str(&sql, buf_view(&mark));
		buf_str(&sql, s->sql);
		buf_text(&end, "KILL QUERY WHERE startsWith(query, ");
		clickhouse_text_literal(&end, CELL_STRING, str_trim(buf_view(&mark)));
		buf_text(&end, ") ASYNC");
		how.words = buf_view(&end);
		if (s->timeout_ms > 0)
			how.deadline_ms = os_monotonic_ms() + s->timeout_ms + DEADLINE_GRACE_MS;
		chdb_session_run(d->session, buf_view(&sql), &how, watch, reply);
		r.sql = buf_view(&sql);
		if (reply->failed)
			o = fail(reply, &r, err);
		if (reply->failed && err->position > (long)mark.len)
			err->position -= (long)mark.len;
	}
	unset_all(d, s);
	if (o != OUTCOME_OK && !err->query_id)
		err->query_id = must_strdup(s->query_id);
	buf_clear(&sql);
	buf_clear(&mark);
	buf_clear(&end);
	return o;
}

static enum outcome run_query(struct connection *c, const struct statement *s,
			      const struct watch *watch, struct result *out, struct error *err)
{
	struct chdb *h = state_of(c);
	struct chdb_reply reply;
	enum outcome o = run(c, &h->reader, s, watch, &reply, err);

	out->affected = -1;
	if (o == OUTCOME_OK && reply.text.len > RESULT_CAP_BYTES)
		o = error_set(err, OUTCOME_FAILED, "the result is larger than %zu MiB",
			      RESULT_CAP_BYTES >> 20);
	if (o == OUTCOME_OK)
		o = clickhouse_answer_rows(reply.text, h->time_zone, out, err);
	chdb_reply_clear(&reply);
	if (o != OUTCOME_OK)
		result_clear(out);
	return o;
}

static enum outcome run_exec(struct connection *c, const struct statement *s,
			     const struct watch *watch, int64_t *affected, struct error *err)
{
	struct chdb_reply reply;
	enum outcome o = run(c, &state_of(c)->changer, s, watch, &reply, err);

	*affected = o == OUTCOME_OK && reply.written > 0 ? reply.written : -1;
	chdb_reply_clear(&reply);
	return o;
}

/* ---- what is left running ---- */

/* Mutations that are not done, and why the first of them fails if it does. */
static enum outcome count_mutations(struct chdb *h, int64_t *left, struct buf *why,
				    struct error *err)
{
	struct chdb_reply reply;
	struct result r = { 0 };
	enum outcome o = run_own(h->reader.session,
				 "SELECT count(), anyIf(concat(database, '.', table, ': ', "
				 "latest_fail_reason), latest_fail_reason != '') "
				 "FROM system.mutations WHERE NOT is_done", &reply, err);

	if (o == OUTCOME_OK)
		o = clickhouse_answer_rows(reply.text, NULL, &r, err);
	if (o == OUTCOME_OK && (r.rows.count != 1 || !str_to_int(r.rows.at[0][0], left)))
		o = error_set(err, OUTCOME_FAILED, "chDB does not count its mutations");
	buf_reset(why);
	if (o == OUTCOME_OK && r.rows.at[0][1].ptr)
		buf_str(why, r.rows.at[0][1]);
	chdb_reply_clear(&reply);
	result_clear(&r);
	return o;
}

/* Statements end with their process; a mutation goes on when the folder is opened again. */
static enum outcome await_mutations(struct connection *c, const char *prefix UNUSED,
				    const struct watch *watch, struct error *err)
{
	struct buf why = { 0 };
	int64_t left = 0;
	enum outcome o;

	for (;;) {
		o = count_mutations(state_of(c), &left, &why, err);
		if (o != OUTCOME_OK || !left)
			break;
		if (why.len) {
			o = error_set(err, OUTCOME_FAILED, "a mutation goes on failing: %s",
				      why.ptr);
			error_hint(err, "KILL MUTATION ends it");
			break;
		}
		if (watch_ask(watch) != WATCH_GO_ON) {
			o = error_set(err, OUTCOME_UNREACHABLE,
				      "a mutation could not be seen to end");
			err->class = ERROR_TRANSIENT;
			break;
		}
		os_sleep_ms(PAUSE_MS);
	}
	buf_clear(&why);
	return o;
}

/* Of a mutation, which its statement waits for: nobody else has any in this folder. */
static bool measure(struct connection *c, const char *query_id UNUSED, struct measure *out)
{
	struct chdb *h = state_of(c);
	struct chdb_reply reply;
	struct error ignored = { 0 };
	struct result r = { 0 };
	struct buf sql = { 0 };
	enum outcome o;

	*out = (struct measure){ 0 };
	clickhouse_measure_mutations(&sql, &h->can, NULL);
	o = run_own(h->reader.session, sql.ptr, &reply, &ignored);
	if (o == OUTCOME_OK)
		o = clickhouse_answer_rows(reply.text, NULL, &r, &ignored);
	bool good = o == OUTCOME_OK && r.rows.count == 1 && r.column_count == 2 &&
		    str_to_int(r.rows.at[0][0], &out->read) &&
		    str_to_int(r.rows.at[0][1], &out->to_read);
	chdb_reply_clear(&reply);
	error_clear(&ignored);
	result_clear(&r);
	buf_clear(&sql);
	return good;
}

const struct connection_kind chdb_kind = {
	.name = "chdb",
	.open = open_engine,
	.close = close_engine,
	.query = run_query,
	.exec = run_exec,
	.fence = await_mutations,
	.quote_ident = clickhouse_text_ident,
	.quote_literal = clickhouse_text_literal,
	.too_much = clickhouse_too_much,
	.measure = measure,
	.inspect = chdb_inspect,
};
