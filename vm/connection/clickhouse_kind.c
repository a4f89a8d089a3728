/* clickhouse_kind.c - connections to ClickHouse: reading, changing, following what was lost sight
 * of, fencing */
#include "vm/connection/clickhouse_answer.h"
#include "vm/connection/clickhouse_ddl.h"
#include "vm/connection/clickhouse_http.h"
#include "vm/connection/clickhouse_kind.h"
#include "vm/connection/clickhouse_measure.h"
#include "vm/connection/clickhouse_text.h"
#include "vm/connection/stream.h"
#include "vm/base/log.h"
#include "vm/base/os.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ASK_LIMIT_MS 15000		/* a server that takes longer for its own catalog hangs */
#define FOLLOW_PAUSE_MS 200
#define FOLLOW_UNREACHABLE_MS                                                                      \
	30000 /* so long a server may be away before the outcome is called unknown */
#define FENCE_KILL_AGAIN_MS 3000

static struct clickhouse *state_of(const struct connection *c)
{
	return c->state;
}

static enum outcome ask_server(struct clickhouse *h, struct str sql, bool bare,
			       const struct watch *watch, struct result *out, struct error *err)
{
	struct request r = { .sql = sql, .reading = true, .bare = bare, .limit_ms = ASK_LIMIT_MS };
	struct answer a;
	enum outcome o = clickhouse_http_ask(h, &r, watch, &a, err);
	if (o == OUTCOME_OK)
		o = clickhouse_answer_check(&a, &r, err);
	if (o == OUTCOME_OK)
		o = clickhouse_answer_rows(buf_view(&a.body), h->time_zone, out, err);
	clickhouse_answer_clear(&a);
	if (o != OUTCOME_OK && err->class == ERROR_UNKNOWN)
		err->class = ERROR_TRANSIENT;
	return o;
}

enum outcome clickhouse_ask_server(struct connection *c, struct str sql, const struct watch *watch,
				   struct result *out, struct error *err)
{
	return ask_server(state_of(c), sql, false, watch, out, err);
}

/* ---- opening ---- */

static enum outcome learn_server(struct connection *c, const struct watch *watch, struct error *err)
{
	struct clickhouse *h = state_of(c);
	struct buf sql = {0};
	struct result r = {0};
	clickhouse_capability_ask(&sql);
	enum outcome o = ask_server(h, buf_view(&sql), true, watch, &r, err);
	if (o == OUTCOME_OK &&
	    !clickhouse_capability_learn(&r, &h->can, &c->version_text, &h->time_zone))
		o = error_set(err, OUTCOME_UNREACHABLE, "%s answers, but not as ClickHouse does",
			      h->host);
	if (o != OUTCOME_OK)
		err->outcome = o = o == OUTCOME_STOPPED ? o : OUTCOME_UNREACHABLE;
	result_clear(&r);
	buf_clear(&sql);
	return o;
}

static enum outcome open_server(struct connection *c, const char *url, const struct watch *watch,
				struct error *err)
{
	struct clickhouse *h = must_alloc(sizeof(*h));
	c->state = h;
	enum outcome o = clickhouse_http_open(h, url, &c->cluster, err);
	return o == OUTCOME_OK ? learn_server(c, watch, err) : o;
}

static enum outcome open_host(struct connection *c, const char *url, struct str host,
			      const struct watch *watch, struct error *err)
{
	struct clickhouse *h = must_alloc(sizeof(*h));
	c->state = h;
	enum outcome o = clickhouse_http_open(h, url, &c->cluster, err);
	if (o != OUTCOME_OK)
		return o;
	clickhouse_http_aim(h, host);
	free(c->cluster);
	c->cluster = NULL;
	return learn_server(c, watch, err);
}

static void close_server(struct connection *c)
{
	clickhouse_http_close(state_of(c));
	free(c->state);
	c->state = NULL;
}

/* ---- one statement ---- */

static struct named_setting *find_named(struct clickhouse *h, struct str name)
{
	for (size_t i = 0; i < h->named.count; i++)
		if (str_eq(name, str_c(h->named.at[i].name)))
			return &h->named.at[i];
	return NULL;
}

/*
 * Asks, once for each name, which of an author's settings this server knows. What it does not know
 * is left out, and said so: a setting tunes, and one migration serves servers of many versions.
 */
static enum outcome learn_named(struct connection *c, const struct statement *s,
				const struct watch *watch, struct error *err)
{
	struct clickhouse *h = state_of(c);
	struct buf sql = { 0 };
	struct result r = { 0 };
	size_t first = h->named.count;
	buf_text(&sql, "SELECT name FROM system.settings WHERE name IN (");
	for (size_t i = 0; i < s->setting_count; i++) {
		struct str name = s->settings[i].name;
		struct buf copy = { 0 };
		if (find_named(h, name))
			continue;
		buf_text(&sql, h->named.count > first ? ", " : "");
		clickhouse_text_literal(&sql, CELL_STRING, name);
		buf_str(&copy, name);
		vec_push(&h->named, (struct named_setting){ buf_take(&copy), false });
	}
	buf_byte(&sql, ')');
	enum outcome o = OUTCOME_OK;
	if (h->named.count > first)
		o = ask_server(h, buf_view(&sql), false, watch, &r, err);
	for (size_t i = 0; o == OUTCOME_OK && i < r.rows.count; i++) {
		struct named_setting *named = find_named(h, r.rows.at[i][0]);
		if (named)
			named->known = true;
	}
	for (size_t i = first; o == OUTCOME_OK && i < h->named.count; i++)
		if (!h->named.at[i].known)
			log_warning("connection %s: ClickHouse %s does not know the setting %s: "
				    "left out",
				    c->name, c->version_text, h->named.at[i].name);
	while (o != OUTCOME_OK && h->named.count > first)
		free(h->named.at[--h->named.count].name);	/* to be asked again */
	result_clear(&r);
	buf_clear(&sql);
	return o;
}

/* The author's settings that the server knows, into request->settings; freed by the caller. */
enum outcome clickhouse_take_settings(struct connection *c, const struct statement *s,
				      const struct watch *watch, struct request *r,
				      struct error *err)
{
	enum outcome o = s->setting_count ? learn_named(c, s, watch, err) : OUTCOME_OK;
	if (o != OUTCOME_OK || !s->setting_count)
		return o;
	struct connection_setting *known = must_alloc(sizeof(*known) * s->setting_count);
	for (size_t i = 0; i < s->setting_count; i++)
		if (find_named(state_of(c), s->settings[i].name)->known)
			known[r->setting_count++] = s->settings[i];
	r->settings = known;
	return OUTCOME_OK;
}

static struct request request_of(const struct statement *s, bool reading)
{
	return (struct request){
		.query_id = s->query_id,
		.sql = s->sql,
		.reading = reading,
		.timeout_ms = s->timeout_ms,
	};
}

static enum outcome run_query(struct connection *c, const struct statement *s,
			      const struct watch *watch, struct result *out, struct error *err)
{
	struct clickhouse *h = state_of(c);
	struct request r = request_of(s, true);
	struct answer a = {0};
	out->affected = -1;
	enum outcome o = clickhouse_check_statement(s, err);
	if (o == OUTCOME_OK)
		o = clickhouse_take_settings(c, s, watch, &r, err);
	if (o == OUTCOME_OK)
		o = clickhouse_http_ask(h, &r, watch, &a, err);
	if (o == OUTCOME_OK)
		o = clickhouse_answer_check(&a, &r, err);
	if (o == OUTCOME_OK)
		o = clickhouse_answer_rows(buf_view(&a.body), h->time_zone, out, err);
	clickhouse_answer_clear(&a);
	free(r.settings);
	if (o != OUTCOME_OK) {
		result_clear(out);
		if (err->class == ERROR_UNKNOWN)
			err->class = ERROR_TRANSIENT;	/* reading changes nothing */
	}
	return connection_give_id(s, err, o);
}

/* ---- following a statement whose connection was lost ---- */

/* Sleeps a slice; false when the watch wants no more of it. */
static bool pause_slice(const struct watch *watch, enum watch_wish *wish)
{
	const struct timespec slice = { 0, FOLLOW_PAUSE_MS * 1000000L };
	nanosleep(&slice, NULL);
	*wish = watch_ask(watch);
	return *wish != WATCH_ABANDON;
}

/* Waits until nothing with this id (or prefix) runs. false: the watch gave up, or the server stayed
 * away. */
static bool wait_until_gone(struct clickhouse *h, const char *id, bool prefix, bool killing,
			    const struct watch *watch)
{
	struct buf sql = {0};
	int64_t away_since = 0, killed_at = 0;
	bool gone = false;
	enum watch_wish wish = WATCH_GO_ON;
	buf_text(&sql, "SELECT count() FROM system.processes WHERE ");
	clickhouse_text_id_condition(&sql, id, prefix);
	do {
		struct result r = {0};
		struct error ignored = {0};
		int64_t now = os_monotonic_ms();
		if (ask_server(h, buf_view(&sql), false, watch, &r, &ignored) == OUTCOME_OK &&
		    r.rows.count == 1) {
			away_since = 0;
			gone = str_eq(r.rows.at[0][0], STR("0"));
		} else if (!away_since) {
			away_since = now;
		}
		error_clear(&ignored);
		result_clear(&r);
		if (!gone && (killing || wish == WATCH_CANCEL) &&
		    (!killed_at || now - killed_at >= FENCE_KILL_AGAIN_MS)) {
			clickhouse_http_kill(h, id, prefix);
			killed_at = now;
		}
		if (away_since && now - away_since > FOLLOW_UNREACHABLE_MS)
			break;
	} while (!gone && pause_slice(watch, &wish));
	buf_clear(&sql);
	return gone;
}

/* What the server's log says of a statement that runs no more: OK if it finished; else err stays,
 * made more exact. */
static enum outcome look_up_end(struct clickhouse *h, const struct request *r,
				const struct watch *watch, struct error *err)
{
	struct request flush = { .sql = STR("SYSTEM FLUSH LOGS"), .limit_ms = ASK_LIMIT_MS };
	struct answer a;
	struct error ignored = {0};
	struct buf sql = {0};
	struct result rows = {0};
	enum outcome o = err->outcome;
	if (clickhouse_http_ask(h, &flush, watch, &a, &ignored) != OUTCOME_OK)
		error_clear(&ignored);
	clickhouse_answer_clear(&a);
	buf_text(&sql, "SELECT toInt8(type) AS kind, exception FROM system.query_log WHERE "
		       "event_date >= today() - 30 AND ");
	clickhouse_text_id_condition(&sql, r->query_id, false);
	buf_text(&sql, " AND toInt8(type) > 1 ORDER BY event_time DESC LIMIT 1");
	if (ask_server(h, buf_view(&sql), false, watch, &rows, &ignored) == OUTCOME_OK &&
	    rows.rows.count == 1) {
		if (str_eq(rows.rows.at[0][0], STR("2"))) {
			log_info("query %s lost its connection and was followed to its end: it "
				 "finished",
				 r->query_id);
			error_clear(err);
			o = OUTCOME_OK;
		} else {
			error_prefix(err, "it ended with \"%.*s\"; before that: ",
				     STR_ARG(rows.rows.at[0][1]));
		}
	}
	error_clear(&ignored);
	result_clear(&rows);
	buf_clear(&sql);
	return o;
}

enum outcome clickhouse_follow(struct clickhouse *h, const struct request *r,
			       const struct watch *watch, struct error *err)
{
	log_warning("the connection of query %s was lost: following it by its id", r->query_id);
	if (!wait_until_gone(h, r->query_id, false, false, watch))
		return err->outcome;
	return look_up_end(h, r, watch, err);
}

static enum outcome run_exec(struct connection *c, const struct statement *s,
			     const struct watch *watch, int64_t *affected, struct error *err)
{
	struct clickhouse *h = state_of(c);
	struct request r = request_of(s, false);
	struct answer a = {0};
	*affected = -1;
	struct ddl ddl = {0};
	enum outcome o = clickhouse_check_statement(s, err);
	if (o == OUTCOME_OK)
		o = clickhouse_take_settings(c, s, watch, &r, err);
	if (o == OUTCOME_OK) {
		clickhouse_ddl_begin(c, &r, watch, &ddl);
		o = clickhouse_http_ask(h, &r, watch, &a, err);
		if (o == OUTCOME_OK)
			o = clickhouse_answer_check(&a, &r, err);
		else if (o != OUTCOME_STOPPED && err->class == ERROR_UNKNOWN)
			o = clickhouse_follow(h, &r, watch, err);
		else if (a.too_large)		/* it ran, to the end or not */
			err->class = ERROR_UNKNOWN;
		if (ddl.is)
			o = clickhouse_ddl_end(c, &r, &ddl, &a, o, watch, err);
	}
	if (o == OUTCOME_OK && a.written_rows > 0)
		*affected = a.written_rows;
	clickhouse_answer_clear(&a);
	clickhouse_ddl_clear(&ddl);
	free(r.settings);
	return connection_give_id(s, err, o);
}

static enum outcome fence_prefix(struct connection *c, const char *prefix,
				 const struct watch *watch, struct error *err)
{
	if (wait_until_gone(state_of(c), prefix, true, true, watch))
		return OUTCOME_OK;
	error_set(err, OUTCOME_UNREACHABLE,
		  "queries whose id begins with %s could not be seen to end", prefix);
	err->class = ERROR_TRANSIENT;
	return err->outcome;
}

const struct connection_kind clickhouse_kind = {
	.name = "clickhouse",
	.capabilities = CAN_ASK_RUNNING | CAN_AT_ONCE,
	.open = open_server,
	.close = close_server,
	.hosts = clickhouse_hosts,
	.open_host = open_host,
	.query = run_query,
	.exec = run_exec,
	.fence = fence_prefix,
	.quote_ident = clickhouse_text_ident,
	.too_much = clickhouse_too_much,
	.quote_literal = clickhouse_text_literal,
	.transactional = NULL,
	.share = NULL,
	.raise_fence = clickhouse_raise_fence,
	.can_guard = clickhouse_can_guard,
	.guard = clickhouse_guard,
	.ask = clickhouse_ask,
	.linger = clickhouse_linger,
	.measure = clickhouse_measure,
	.stream = &clickhouse_stream,
	.inspect = clickhouse_inspect,
};
