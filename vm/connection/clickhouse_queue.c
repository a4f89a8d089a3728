/* clickhouse_queue.c - the queue of ON CLUSTER: which entries are a statement's, who answered */
#include "vm/connection/clickhouse_queue.h"
#include "vm/base/log.h"
#include "vm/base/os.h"
#include "vm/base/sql.h"
#include "vm/connection/clickhouse_kind.h"
#include "vm/connection/clickhouse_text.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>

#define QUEUE "/clickhouse/task_queue/ddl" /* as every server is delivered */
#define ENTRY "query-"
#define NO_NODE "No node"
#define PAUSE_MS 200
#define AWAY_MS 30000
#define SAY_EVERY_MS 60000

/* ---- reading ---- */

static enum outcome read_nodes(struct queue *q, struct str path, const char *below,
			       const char *condition, const struct watch *watch, struct result *r,
			       struct error *err)
{
	struct buf sql = { 0 }, whole = { 0 };

	buf_format(&whole, "%.*s%s", STR_ARG(path), below);
	buf_text(&sql, "SELECT name, value FROM system.zookeeper WHERE path = ");
	clickhouse_text_literal(&sql, CELL_STRING, buf_view(&whole));
	buf_text(&sql, condition);
	enum outcome o = clickhouse_ask_server(q->c, buf_view(&sql), watch, r, err);
	if (o != OUTCOME_OK && err->message && strstr(err->message, NO_NODE)) {
		error_clear(err);
		o = OUTCOME_OK;
	}
	buf_clear(&whole);
	buf_clear(&sql);
	return o;
}

int64_t clickhouse_queue_next(struct connection *c, const struct watch *watch)
{
	struct result r = { 0 };
	struct error err = { 0 };
	int64_t next = -1;
	enum outcome o = clickhouse_ask_server(
		c, STR("SELECT max(name) FROM system.zookeeper WHERE path = '" QUEUE "'"), watch,
		&r, &err);

	if (o == OUTCOME_OK && r.rows.count == 1) {
		struct str name = r.rows.at[0][0];
		int64_t last;

		if (name.len == 0)
			next = 0;
		else if (str_starts(name, STR(ENTRY)) &&
			 str_to_int((struct str){ name.ptr + strlen(ENTRY),
						  name.len - strlen(ENTRY) },
				    &last))
			next = last + 1;
	} else if (o != OUTCOME_OK && strstr(err.message, NO_NODE)) {
		next = 0; /* nobody has said ON CLUSTER yet */
	}
	error_clear(&err);
	result_clear(&r);
	return next;
}

/* "hosts: [...]\n" of an entry: what follows the word. */
static struct str line_of(struct str value, const char *word)
{
	while (value.len) {
		const char *end = memchr(value.ptr, '\n', value.len);
		struct str line = { value.ptr, end ? (size_t)(end - value.ptr) : value.len };

		if (str_starts(line, str_c(word)))
			return (struct str){ line.ptr + strlen(word), line.len - strlen(word) };
		value.ptr += line.len + (end ? 1 : 0);
		value.len -= line.len + (end ? 1 : 0);
	}
	return STR("");
}

/* 127%2E0%2E0%2E1:9000 */
static struct str unescape(struct arena *a, struct str name)
{
	char *out = arena_alloc(a, name.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < name.len; i++) {
		char hex[3] = { 0 };

		out[n] = name.ptr[i];
		if (name.ptr[i] == '%' && i + 2 < name.len &&
		    isxdigit((unsigned char)name.ptr[i + 1]) &&
		    isxdigit((unsigned char)name.ptr[i + 2])) {
			memcpy(hex, name.ptr + i + 1, 2);
			out[n] = (char)strtol(hex, NULL, 16);
			i += 2;
		}
		n++;
	}
	return (struct str){ out, n };
}

static void add_entry(struct queue *q, struct str path, struct str value)
{
	struct str hosts = line_of(value, "hosts: ");
	struct queue_host *more;
	size_t count = 0;

	for (size_t i = 0; i < hosts.len; i++)
		count += hosts.ptr[i] == '\'';
	more = arena_array(&q->arena, struct queue_host, q->host_count + count / 2 + 1);
	if (q->host_count)
		memcpy(more, q->hosts, q->host_count * sizeof(*more));
	q->hosts = more;
	for (const char *at = hosts.ptr, *end = hosts.ptr + hosts.len; at < end; at++) {
		const char *close;

		if (*at != '\'')
			continue;
		close = memchr(at + 1, '\'', (size_t)(end - at - 1));
		if (!close)
			break;
		q->hosts[q->host_count++] = (struct queue_host){
			.entry = q->paths.count,
			.name = unescape(&q->arena,
					 (struct str){ at + 1, (size_t)(close - at - 1) }),
		};
		at = close;
	}
	vec_push(&q->paths, arena_str(&q->arena, path));
}

/* ---- which entries may be a statement's ---- */

/* CREATE TABLE [IF NOT EXISTS] db.t ON CLUSTER …: its first two words, and the last name before ON.
 * The server writes statements anew, with other spaces and all names in full. */
struct head { struct str words[2], name; };

static struct str bare(struct str token)
{
	if (token.len >= 2 && (token.ptr[0] == '`' || token.ptr[0] == '"'))
		return (struct str){ token.ptr + 1, token.len - 2 };
	return token;
}

static struct head head_of(struct str sql)
{
	struct sql_scan scan = { SQL_CLICKHOUSE, sql };
	struct head h = { .words = { STR(""), STR("") }, .name = STR("") };
	struct str token;
	size_t n = 0;

	for (enum sql_token kind; (kind = sql_token(&scan, &token)) != SQL_TOKEN_END; n++) {
		if (kind != SQL_TOKEN_WORD && kind != SQL_TOKEN_QUOTED)
			continue;
		if (token.len == 2 && strncasecmp(token.ptr, "on", 2) == 0)
			break;
		if (n < 2)
			h.words[n] = token;
		h.name = bare(token);
	}
	return h;
}

static bool same_word(struct str a, struct str b)
{
	return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

static bool may_be_its(const struct queue *q, struct str value)
{
	struct head ours = head_of(q->sql), theirs = head_of(line_of(value, "query: "));
	struct str id = line_of(value, "initial_query_id: ");

	if (id.len)
		return str_eq(id, str_c(q->id));
	return same_word(ours.words[0], theirs.words[0]) &&
	       same_word(ours.words[1], theirs.words[1]) && str_eq(ours.name, theirs.name);
}

static enum outcome find(struct queue *q, const struct watch *watch, struct error *err)
{
	struct result r = { 0 };
	struct buf condition = { 0 }, path = { 0 };
	struct str queue = STR(QUEUE), name = q->path;
	enum outcome o;

	if (q->path.len) {
		while (queue.len = name.len, name.len && name.ptr[name.len - 1] != '/')
			name.len--;
		queue = (struct str){ q->path.ptr, name.len ? name.len - 1 : 0 };
		name = (struct str){ q->path.ptr + name.len, q->path.len - name.len };
		buf_text(&condition, " AND name = ");
		clickhouse_text_literal(&condition, CELL_STRING, name);
	} else {
		buf_format(&condition, " AND name >= '" ENTRY "%010lld' ORDER BY name",
			   (long long)q->from);
	}
	o = read_nodes(q, queue, "", condition.ptr, watch, &r, err);
	for (size_t i = 0; o == OUTCOME_OK && i < r.rows.count; i++) {
		if (!q->path.len && !may_be_its(q, r.rows.at[i][1]))
			continue;
		buf_reset(&path);
		buf_format(&path, "%.*s/%.*s", STR_ARG(queue), STR_ARG(r.rows.at[i][0]));
		add_entry(q, buf_view(&path), r.rows.at[i][1]);
	}
	q->found = o == OUTCOME_OK;
	buf_clear(&path);
	buf_clear(&condition);
	result_clear(&r);
	return o;
}

/* ---- who has answered ---- */

/* a: for the call. Looks are many, and what they need must not stay. */
static struct queue_host *host_of(struct queue *q, size_t entry, struct arena *a, struct str name)
{
	struct str plain = unescape(a, name);

	for (size_t i = 0; i < q->host_count; i++)
		if (q->hosts[i].entry == entry && str_eq(q->hosts[i].name, plain))
			return &q->hosts[i];
	return NULL;
}

/* "0", or a code, a line feed and a text. */
static void end_host(struct queue *q, struct queue_host *h, struct str value)
{
	const char *line = memchr(value.ptr, '\n', value.len);
	struct str code = { value.ptr, line ? (size_t)(line - value.ptr) : value.len };

	h->state = str_eq(str_trim(code), STR("0")) ? HOST_DONE : HOST_FAILED;
	h->code = arena_str(&q->arena, str_trim(code));
	h->text = line ? arena_str(&q->arena, str_trim((struct str){
							   line + 1, value.len - code.len - 1 }))
		       : STR("");
}

static enum outcome look_at(struct queue *q, size_t entry, const struct watch *watch,
			    struct error *err)
{
	struct result ended = { 0 }, active = { 0 };
	enum outcome o = read_nodes(q, q->paths.at[entry], "/active", "", watch, &active, err);

	if (o == OUTCOME_OK)
		o = read_nodes(q, q->paths.at[entry], "/finished", "", watch, &ended, err);
	for (size_t i = 0; o == OUTCOME_OK && i < q->host_count; i++)
		if (q->hosts[i].entry == entry && q->hosts[i].state == HOST_WORKS)
			q->hosts[i].state = HOST_WAITS;
	for (size_t i = 0; o == OUTCOME_OK && i < active.rows.count; i++) {
		struct queue_host *h = host_of(q, entry, &active.arena, active.rows.at[i][0]);

		if (h && h->state == HOST_WAITS)
			h->state = HOST_WORKS;
	}
	for (size_t i = 0; o == OUTCOME_OK && i < ended.rows.count; i++) {
		struct queue_host *h = host_of(q, entry, &ended.arena, ended.rows.at[i][0]);

		if (h && h->state != HOST_DONE && h->state != HOST_FAILED)
			end_host(q, h, ended.rows.at[i][1]);
	}
	result_clear(&ended);
	result_clear(&active);
	return o;
}

static size_t count_hosts(const struct queue *q, enum host_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < q->host_count; i++)
		n += q->hosts[i].state == state;
	return n;
}

static void say(const struct queue *q)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < q->host_count; i++)
		if (q->hosts[i].state == HOST_WAITS || q->hosts[i].state == HOST_WORKS)
			buf_format(&text, "%s%.*s", text.len ? ", " : "",
				   STR_ARG(q->hosts[i].name));
	log_warning("connection %s: ON CLUSTER waits for %s", q->c->name,
		    text.len ? text.ptr : "the queue");
	buf_clear(&text);
}

/* What is known; *away: the server has not answered since. */
static bool look(struct queue *q, const struct watch *watch, int64_t *away_since)
{
	struct error err = { 0 };
	enum outcome o = q->found ? OUTCOME_OK : find(q, watch, &err);

	for (size_t i = 0; o == OUTCOME_OK && i < q->paths.count; i++)
		o = look_at(q, i, watch, &err);
	if (o == OUTCOME_UNREACHABLE)
		*away_since = *away_since ? *away_since : os_monotonic_ms();
	else
		*away_since = 0;
	error_clear(&err);
	return o == OUTCOME_OK && !count_hosts(q, HOST_WAITS) && !count_hosts(q, HOST_WORKS);
}

enum outcome clickhouse_queue_wait(struct queue *q, int64_t deadline_ms, int64_t idle_ms,
				   const struct watch *watch, struct error *err)
{
	const struct timespec pause = { 0, PAUSE_MS * 1000000L };
	int64_t away_since = 0, said = os_monotonic_ms(), worked = said;

	while (!look(q, watch, &away_since)) {
		enum watch_wish wish = watch_ask(watch);
		int64_t now = os_monotonic_ms();
		bool working = count_hosts(q, HOST_WORKS) > 0;

		if (wish == WATCH_ABANDON) {
			error_set(err, OUTCOME_STOPPED, "gave up waiting for ON CLUSTER");
			err->class = ERROR_UNKNOWN;
			return OUTCOME_STOPPED;
		}
		worked = working ? now : worked;
		if ((wish == WATCH_CANCEL && !working) || (deadline_ms && now >= deadline_ms) ||
		    (idle_ms && now - worked >= idle_ms) ||
		    (away_since && now - away_since >= AWAY_MS))
			break;
		if (now - said >= SAY_EVERY_MS) {
			say(q);
			said = now;
		}
		nanosleep(&pause, NULL);
	}
	return OUTCOME_OK;
}

void clickhouse_queue_clear(struct queue *q)
{
	vec_clear(&q->paths);
	arena_clear(&q->arena);
	*q = (struct queue){ 0 };
}
