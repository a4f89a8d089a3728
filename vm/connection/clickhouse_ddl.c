/* clickhouse_ddl.c - a statement that says ON CLUSTER: sent, and what each host answers */
#include "vm/connection/clickhouse_ddl.h"
#include "vm/base/os.h"
#include "vm/base/sql.h"
#include "vm/connection/clickhouse_answer.h"
#include "vm/connection/clickhouse_kind.h"
#include "vm/connection/clickhouse_queue.h"
#include "vm/connection/clickhouse_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* The server waits so long itself; what is not done by then is followed in the queue. */
#define SERVER_WAIT_S "5"
/* So long a host that is not at work may take to begin, where its answer is asked for later. */
#define LATER_IDLE_MS 15000

static bool is_word(struct str token, const char *word)
{
	return token.len == strlen(word) && strncasecmp(token.ptr, word, token.len) == 0;
}

bool clickhouse_is_on_cluster(struct str sql)
{
	struct sql_scan scan = { SQL_CLICKHOUSE, sql };
	struct sql_statement first;
	struct str token, before = STR(""), cluster = STR("");
	enum sql_token kind;

	if (!sql_next(&(struct sql_scan){ SQL_CLICKHOUSE, sql }, &first) ||
	    sql_is(&first, 0, "select") || sql_is(&first, 0, "insert") || sql_is(&first, 0, "with"))
		return false;
	while ((kind = sql_token(&scan, &token)) != SQL_TOKEN_END) {
		/* a name must follow: `ON cluster = 1` is none */
		if (cluster.len && (kind != SQL_TOKEN_OTHER || token.ptr[0] == '\''))
			return true;
		cluster = is_word(before, "on") && is_word(token, "cluster") ? token : STR("");
		before = token;
	}
	return false;
}

void clickhouse_ddl_begin(struct connection *c, struct request *r, const struct watch *watch,
			  struct ddl *d)
{
	const struct connection_setting wait = { STR("distributed_ddl_task_timeout"),
						 STR(SERVER_WAIT_S) };

	*d = (struct ddl){ .is = clickhouse_is_on_cluster(r->sql), .from = -1 };
	if (!d->is)
		return;
	d->from = clickhouse_queue_next(c, watch);
	if (r->timeout_ms > 0)
		d->deadline_ms = os_monotonic_ms() + r->timeout_ms;
	/* That the server stops waiting ends nothing. */
	r->timeout_ms = 0;
	if (d->from < 0)
		return;
	buf_format(&d->id, "%s.d%lld", r->query_id, (long long)d->from);
	r->query_id = d->id.ptr;
	struct connection_setting *more = must_alloc(sizeof(*more) * (r->setting_count + 1));
	more[0] = wait; /* an author's own comes behind it, and counts */
	for (size_t i = 0; i < r->setting_count; i++)
		more[i + 1] = r->settings[i];
	free(r->settings);
	r->settings = more;
	r->setting_count++;
}

/* Whether the answer has a good row of every host. */
static bool all_hosts_answered(struct str body)
{
	struct result r = { 0 };
	struct error ignored = { 0 };
	size_t status = SIZE_MAX, remaining = SIZE_MAX;
	bool good = clickhouse_answer_rows(body, NULL, &r, &ignored) == OUTCOME_OK;

	error_clear(&ignored);
	for (size_t i = 0; i < r.column_count; i++) {
		status = str_eq(r.columns[i].name, STR("status")) ? i : status;
		remaining = str_eq(r.columns[i].name, STR("num_hosts_remaining")) ? i : remaining;
	}
	good = good && status != SIZE_MAX && remaining != SIZE_MAX && r.rows.count > 0;
	for (size_t i = 0; good && i < r.rows.count; i++)
		good = str_eq(r.rows.at[i][status], STR("0")) ||
		       str_eq(r.rows.at[i][status], STR("OK"));
	good = good && str_eq(r.rows.at[r.rows.count - 1][remaining], STR("0"));
	result_clear(&r);
	return good;
}

/* Whether an error came before the statement was in the queue. */
static bool is_refused(const struct answer *a, const struct error *err)
{
	return err->class != ERROR_UNKNOWN &&
	       str_find(buf_view(&a->body), STR("There was an error on [")) < 0 &&
	       str_find(buf_view(&a->body), STR("Watching task ")) < 0;
}

/* "Watching task /clickhouse/task_queue/ddl/query-0000000003 is executing …" */
static struct str path_in(struct str text)
{
	static const char before[] = "Watching task ";
	ptrdiff_t at = str_find(text, str_c(before));
	struct str path = STR("");

	if (at < 0)
		return path;
	path.ptr = text.ptr + at + sizeof(before) - 1;
	while (path.ptr + path.len < text.ptr + text.len && path.ptr[path.len] != ' ')
		path.len++;
	return path;
}

static void print_names(struct buf *out, const char *before, const struct queue *q,
			enum host_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < q->host_count; i++)
		if (q->hosts[i].state == state)
			buf_format(out, "%s%.*s", n++ ? ", " : before,
				   STR_ARG(q->hosts[i].name));
}

/* Who has done it, who could not and why, and of whom nothing is known. */
static void print_hosts(struct buf *out, const struct request *r, const struct queue *q)
{
	for (size_t i = 0; i < q->host_count; i++) {
		const struct queue_host *h = &q->hosts[i];
		struct error why = { 0 };

		if (h->state != HOST_FAILED)
			continue;
		clickhouse_answer_fail(r, h->code, h->text, &why);
		buf_format(out, "%son %.*s: %s", out->len ? "; " : "", STR_ARG(h->name),
			   why.message);
		error_clear(&why);
	}
	print_names(out, out->len ? "; not yet done on " : "not yet done on ", q, HOST_WAITS);
	print_names(out, out->len ? "; still at work: " : "still at work: ", q, HOST_WORKS);
	print_names(out, out->len ? "; done on " : "done on ", q, HOST_DONE);
}

/* The least that is known of all failures: that nothing happened is sure only where it is so on
 * every host. */
static enum error_class class_of(const struct request *r, const struct queue *q)
{
	enum error_class class = ERROR_TRANSIENT;

	for (size_t i = 0; i < q->host_count; i++) {
		struct error why = { 0 };

		if (q->hosts[i].state != HOST_FAILED)
			return ERROR_UNKNOWN;
		clickhouse_answer_fail(r, q->hosts[i].code, q->hosts[i].text, &why);
		if (why.class == ERROR_UNKNOWN || class == ERROR_TRANSIENT)
			class = why.class;
		error_clear(&why);
		if (class == ERROR_UNKNOWN)
			break;
	}
	return class;
}

static enum outcome judge(const struct request *r, const struct queue *q, struct error *err)
{
	struct buf text = { 0 };
	bool done = q->host_count > 0, failed = false;

	for (size_t i = 0; i < q->host_count; i++) {
		done = done && q->hosts[i].state == HOST_DONE;
		if (q->hosts[i].state == HOST_FAILED && !failed) {
			failed = true;
			snprintf(err->code, sizeof(err->code), "%.*s", STR_ARG(q->hosts[i].code));
		}
	}
	if (done) {
		error_clear(err);
		return OUTCOME_OK;
	}
	if (!q->host_count) {
		error_prefix(err, "it is not to be found in the queue of ON CLUSTER; ");
		err->class = ERROR_UNKNOWN;
		return err->outcome;
	}
	print_hosts(&text, r, q);
	char code[sizeof(err->code)];
	memcpy(code, err->code, sizeof(code));
	error_set(err, OUTCOME_FAILED, "ON CLUSTER, %.*s", STR_ARG(buf_view(&text)));
	if (failed)
		memcpy(err->code, code, sizeof(code));
	err->class = class_of(r, q);
	buf_clear(&text);
	return err->outcome;
}

enum outcome clickhouse_ddl_end(struct connection *c, const struct request *r, const struct ddl *d,
				const struct answer *a, enum outcome o, const struct watch *watch,
				struct error *err)
{
	struct queue q = { .c = c, .from = d->from, .sql = r->sql, .id = r->query_id };

	if (o == OUTCOME_STOPPED || (o != OUTCOME_OK && is_refused(a, err)))
		return o;
	if (o == OUTCOME_OK && all_hosts_answered(buf_view(&a->body)))
		return o;
	if (o == OUTCOME_OK)
		o = error_set(err, OUTCOME_FAILED, "the answer does not tell of every host");
	err->class = ERROR_UNKNOWN;
	q.path = path_in(buf_view(&a->body));
	if (q.path.len || q.from >= 0) {
		o = clickhouse_queue_wait(&q, d->deadline_ms, 0, watch, err);
		o = o == OUTCOME_STOPPED ? o : judge(r, &q, err);
	}
	clickhouse_queue_clear(&q);
	return o;
}

void clickhouse_ddl_clear(struct ddl *d)
{
	buf_clear(&d->id);
	*d = (struct ddl){ 0 };
}

/* ---- what became of one that was sent by another process, or some time ago ---- */

/* The server's log of it: that it finished before an error, an error before that it began. */
static bool read_log(struct connection *c, const struct statement *s, struct result *r)
{
	struct buf sql = { 0 }, id = { 0 };
	struct error ignored = { 0 };
	int64_t rows;

	buf_format(&id, "%s.flush", s->query_id);
	const struct statement flush = { .sql = STR("SYSTEM FLUSH LOGS"), .query_id = id.ptr };
	if (c->kind->exec(c, &flush, NULL, &rows, &ignored) != OUTCOME_OK)
		error_clear(&ignored);
	buf_reset(&id);
	buf_format(&id, "%s.d", s->query_id);
	buf_text(&sql, "SELECT query_id, toInt8(type) AS kind, exception FROM system.query_log "
		       "WHERE event_date >= today() - 30 AND ");
	clickhouse_text_id_condition(&sql, id.ptr, true);
	buf_text(&sql, " ORDER BY kind = 2 DESC, kind DESC LIMIT 1");
	bool there = clickhouse_ask_server(c, buf_view(&sql), NULL, r, &ignored) == OUTCOME_OK &&
		     r->rows.count == 1;
	error_clear(&ignored);
	buf_clear(&sql);
	buf_clear(&id);
	return there;
}

static int64_t number_in(struct str id)
{
	int64_t number;

	while (id.len && id.ptr[id.len - 1] != 'd')
		id.len--;
	const char *digits = id.ptr + id.len;
	return str_to_int(str_c(digits), &number) ? number : -1;
}

enum fate clickhouse_ddl_fate(struct connection *c, const struct statement *s,
			      const struct watch *watch, struct buf *seen)
{
	const struct request request = { .sql = s->sql, .query_id = s->query_id };
	struct queue q = { .c = c, .from = -1, .sql = s->sql };
	struct result log = { 0 };
	struct error err = { 0 };
	enum fate fate = FATE_UNKNOWN;

	if (!read_log(c, s, &log)) {
		buf_text(seen, "system.query_log says nothing of it");
	} else if (str_eq(log.rows.at[0][1], STR("2"))) {
		buf_text(seen, "system.query_log says that it finished");
		fate = FATE_FINISHED;
	} else {
		q.id = log.rows.at[0][0].ptr;
		q.from = number_in(log.rows.at[0][0]);
		q.path = path_in(log.rows.at[0][2]);
		error_set(&err, OUTCOME_FAILED, "its server waits for it no more");
		if (clickhouse_queue_wait(&q, 0, LATER_IDLE_MS, watch, &err) == OUTCOME_OK &&
		    judge(&request, &q, &err) == OUTCOME_OK)
			fate = FATE_FINISHED;
		buf_text(seen, fate == FATE_FINISHED ? "every host has done it" : err.message);
	}
	error_clear(&err);
	clickhouse_queue_clear(&q);
	result_clear(&log);
	return fate;
}

void clickhouse_linger(struct connection *c, const struct statement *s, const struct watch *watch)
{
	struct buf ignored = { 0 };

	if (clickhouse_is_on_cluster(s->sql))
		clickhouse_ddl_fate(c, s, watch, &ignored);
	buf_clear(&ignored);
}
