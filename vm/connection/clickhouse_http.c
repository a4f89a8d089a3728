/* clickhouse_http.c - one request to a ClickHouse server over HTTP */
#include "vm/connection/clickhouse_http.h"
#include "vm/connection/clickhouse_text.h"
#include "vm/base/os.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define CONNECT_TIMEOUT_MS 10000L
#define KILL_TIMEOUT_MS 5000L
#define KILL_AGAIN_MS 3000
/* A socket that has gone stale would leave a change in doubt: servers keep one for 3 s and more. */
#define KEPT_FOR_CHANGE_S 1L
#define DEADLINE_GRACE_MS 3000		/* the server's own limit comes first and says more */
#define ANSWER_CAP_BYTES (RESULT_CAP_BYTES + ((size_t)1 << 20))

/* ---- opening ---- */

static char *part(CURLU *u, CURLUPart what, unsigned flags)
{
	char *text = NULL;
	if (curl_url_get(u, what, &text, flags) != CURLUE_OK || !text)
		return must_strdup("");
	char *copy = must_strdup(text);
	curl_free(text);
	return copy;
}

static enum outcome refuse_url(struct error *err)
{
	error_set(err, OUTCOME_UNREACHABLE, "the ClickHouse URL is malformed");
	error_hint(err, "write http://user:password@host:port/database, special characters as "
			"%%XX; ?cluster=NAME may follow, and &host=SERVER:PORT=HOST:PORT where a "
			"server of the cluster is reached elsewhere");
	return err->outcome;
}

static void add_header(struct clickhouse *h, const char *name, const char *value)
{
	struct buf line = {0};
	buf_format(&line, "%s %s", name, value);
	h->headers = curl_slist_append(h->headers, line.ptr);
	explicit_bzero(line.ptr, line.len);
	buf_clear(&line);
}

static bool is_clean(const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			return false;
	return true;
}

/* ch1:9000=10.0.0.5:8123 */
static bool read_reached(struct clickhouse *h, char *text)
{
	char *at = strchr(text, '=');
	if (!at || at == text || strpbrk(at, "/@?#") || !strchr(at, ':') || !is_clean(text))
		return false;
	*at++ = '\0';
	vec_push(&h->reached, (struct reached_host){ must_strdup(text), must_strdup(at) });
	return true;
}

static enum outcome read_options(struct clickhouse *h, char *query, char **cluster,
				 struct error *err)
{
	char *rest = NULL;
	for (char *pair = strtok_r(query, "&", &rest); pair; pair = strtok_r(NULL, "&", &rest)) {
		char *value = strchr(pair, '=');
		if (!value)
			return refuse_url(err);
		*value++ = '\0';
		char *text = curl_easy_unescape(h->reader, value, 0, NULL);
		char **where = NULL;
		if (strcmp(pair, "cluster") == 0)
			where = cluster;
		else if (strcmp(pair, "database") == 0)
			where = &h->database;
		else if (strcmp(pair, "ca") == 0)
			where = &h->authority;
		else if (strcmp(pair, "compress") == 0)
			where = &h->compress;
		else if (strcmp(pair, "proxy") == 0)
			where = &h->proxy;
		bool known = where != NULL;
		if (where && text) {
			free(*where);
			*where = must_strdup(text);
		} else if (text && strcmp(pair, "host") == 0) {
			known = read_reached(h, text);
		}
		curl_free(text);
		if (!known)
			return error_set(err, OUTCOME_UNREACHABLE,
					 "the ClickHouse URL may have ?cluster=, &database=, &ca=, "
					 "&compress=, &proxy= and &host=SERVER:PORT=HOST:PORT, "
					 "nothing else");
	}
	return OUTCOME_OK;
}

static enum outcome read_url(struct clickhouse *h, CURLU *u, char **cluster, struct error *err)
{
	char *scheme = part(u, CURLUPART_SCHEME, 0), *host = part(u, CURLUPART_HOST, 0);
	char *port = part(u, CURLUPART_PORT, 0), *path = part(u, CURLUPART_PATH, CURLU_URLDECODE);
	char *user = part(u, CURLUPART_USER, CURLU_URLDECODE);
	char *password = part(u, CURLUPART_PASSWORD, CURLU_URLDECODE);
	char *query = part(u, CURLUPART_QUERY, 0);
	bool tls = strcmp(scheme, "https") == 0;
	enum outcome o = OUTCOME_OK;
	if ((!tls && strcmp(scheme, "http") != 0) || !*host || path[0] != '/' ||
	    strpbrk(path + 1, "@/") || !is_clean(user) || !is_clean(password))
		o = refuse_url(err);
	struct buf text = {0};
	buf_format(&text, "%s:%s", host, *port ? port : tls ? "8443" : "8123");
	h->host = buf_take(&text);
	buf_format(&text, "%s://%s/", scheme, h->host);
	h->base = buf_take(&text);
	h->database = must_strdup(*path ? path + 1 : "");
	if (*user)
		add_header(h, "X-ClickHouse-User:", user);
	if (*password)
		add_header(h, "X-ClickHouse-Key:", password);
	if (o == OUTCOME_OK)
		o = read_options(h, query, cluster, err);
	explicit_bzero(password, strlen(password));
	free(scheme), free(host), free(port), free(path), free(user), free(password), free(query);
	return o;
}

enum outcome clickhouse_http_open(struct clickhouse *h, const char *url, char **cluster,
				  struct error *err)
{
	*h = (struct clickhouse){0};
	curl_global_init(CURL_GLOBAL_DEFAULT);
	h->multi = curl_multi_init();
	h->reader = curl_easy_init();
	h->changer = curl_easy_init();
	CURLU *u = curl_url();
	if (!h->multi || !h->reader || !h->changer || !u)
		BUG("curl has no memory");
	add_header(h, "Expect:", "");
	add_header(h, "Content-Type:", "text/plain");
	enum outcome o;
	if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK)
		o = refuse_url(err);
	else
		o = read_url(h, u, cluster, err);
	curl_url_cleanup(u);
	return o;
}

/* Under its name and the port of the URL, unless that says where it is reached. */
void clickhouse_http_aim(struct clickhouse *h, struct str host)
{
	const char *port = strrchr(h->host, ':'), *rest = strstr(h->base, "://");
	struct buf at = {0}, base = {0};
	size_t name = host.len;
	while (name && host.ptr[name - 1] != ':')
		name--;
	buf_format(&at, "%.*s%s", name ? (int)name - 1 : 0, host.ptr, port);
	for (size_t i = 0; i < h->reached.count; i++)
		if (str_eq(str_c(h->reached.at[i].name), host)) {
			buf_reset(&at);
			buf_text(&at, h->reached.at[i].at);
		}
	buf_format(&base, "%.*s://%s/", (int)(rest - h->base), h->base, at.ptr);
	free(h->host);
	free(h->base);
	h->host = buf_take(&at);
	h->base = buf_take(&base);
}

void clickhouse_http_close(struct clickhouse *h)
{
	if (h->reader)
		curl_easy_cleanup(h->reader);
	if (h->changer)
		curl_easy_cleanup(h->changer);
	if (h->multi)
		curl_multi_cleanup(h->multi);
	for (struct curl_slist *line = h->headers; line; line = line->next)
		explicit_bzero(line->data, strlen(line->data));
	curl_slist_free_all(h->headers);
	free(h->base);
	free(h->host);
	free(h->database);
	free(h->authority);
	if (h->proxy)
		explicit_bzero(h->proxy, strlen(h->proxy));
	free(h->proxy);
	free(h->compress);
	free(h->time_zone);
	for (size_t i = 0; i < h->named.count; i++)
		free(h->named.at[i].name);
	vec_clear(&h->named);
	for (size_t i = 0; i < h->reached.count; i++) {
		free(h->reached.at[i].name);
		free(h->reached.at[i].at);
	}
	vec_clear(&h->reached);
	for (size_t i = 0; i < h->tables.count; i++)
		free(h->tables.at[i].name);
	vec_clear(&h->tables);
	*h = (struct clickhouse){0};
}

void clickhouse_answer_clear(struct answer *a)
{
	buf_clear(&a->body);
	*a = (struct answer){0};
}

/* ---- the request ---- */

static void add_pair(struct buf *url, CURL *easy, struct str name, struct str value)
{
	char *n = curl_easy_escape(easy, name.ptr, (int)name.len);
	char *v = value.len ? curl_easy_escape(easy, value.ptr, (int)value.len) : NULL;
	buf_format(url, "%c%s=%s", strchr(url->ptr, '?') ? '&' : '?', n ? n : "", v ? v : "");
	curl_free(n);
	curl_free(v);
}

bool clickhouse_is_compressed(const struct clickhouse *h)
{
	return h->compress && strcmp(h->compress, "1") == 0;
}

static void add_settings(struct buf *url, const struct clickhouse *h, CURL *easy,
			 const struct request *r)
{
	char seconds[32];
	const struct clickhouse_setting *own;
	for (size_t i = 0; (own = clickhouse_setting_at(i)) != NULL; i++)
		if (clickhouse_setting_goes(&h->can, i, r->reading ? FOR_READ : FOR_CHANGE))
			add_pair(url, easy, str_c(own->name), str_c(own->value));
	/* also 0: a profile's limit must not end a step of two days */
	snprintf(seconds, sizeof(seconds), "%lld", (long long)((r->timeout_ms + 999) / 1000));
	add_pair(url, easy, STR("max_execution_time"), str_c(seconds));
	if (r->sql.len > 200000) {
		snprintf(seconds, sizeof(seconds), "%zu", r->sql.len + 65536);
		add_pair(url, easy, STR("max_query_size"), str_c(seconds));
	}
	for (size_t i = 0; i < r->setting_count; i++)
		add_pair(url, easy, r->settings[i].name, r->settings[i].value);
	if (r->reading && clickhouse_is_compressed(h))
		add_pair(url, easy, STR("enable_http_compression"), STR("1"));
	if (r->reading)
		add_pair(url, easy, STR("readonly"), STR("2"));
}

/* A read's statement is the body. A change's is in the URL as far as it must be
 * (clickhouse_text_split). */
enum outcome clickhouse_http_compose(struct clickhouse *h, CURL *easy, const struct request *r,
				     struct buf *url, struct str *body, struct error *err)
{
	buf_text(url, h->base);
	if (*h->database)
		add_pair(url, easy, STR("database"), str_c(h->database));
	if (r->query_id)
		add_pair(url, easy, STR("query_id"), str_c(r->query_id));
	add_pair(url, easy, STR("default_format"),
		 r->streaming ? STR("TabSeparated") : STR("TabSeparatedWithNamesAndTypes"));
	bool whole = !(r->streaming && r->reading);
	add_pair(url, easy, STR("wait_end_of_query"), whole ? STR("1") : STR("0"));
	/* Without it the server puts what it holds back into a file, even an empty answer: more
	 * than its own buffer of 1 MiB has it begin in memory. */
	if (whole)
		add_pair(url, easy, STR("buffer_size"), STR("1048577"));
	if (!r->bare && !h->can.readonly)
		add_settings(url, h, easy, r);
	*body = r->sql;
	if (r->reading)
		return OUTCOME_OK;
	size_t head;
	size_t room = url->len < CLICKHOUSE_URL_BYTES ? CLICKHOUSE_URL_BYTES - url->len : 0;
	if (!clickhouse_text_split(r->sql, room, &head)) {
		error_set(err, OUTCOME_FAILED,
			  "the statement is too long to be sent safely: %zu bytes", r->sql.len);
		error_hint(err, "cut off by a broken connection it could run as a shorter one; one "
				"of up to "
				"10 kB cannot, nor one that ends in the parenthesis that makes it "
				"long");
		return err->outcome;
	}
	add_pair(url, easy, STR("query"), (struct str){ r->sql.ptr, head });
	body->ptr += head;
	body->len -= head;
	return OUTCOME_OK;
}

static size_t receive_body(char *bytes, size_t size, size_t count, void *context)
{
	struct answer *a = context;
	if (a->body.len + size * count > ANSWER_CAP_BYTES) {
		a->too_large = true;
		return 0;
	}
	buf_add(&a->body, bytes, size * count);
	return size * count;
}

static bool header_value(struct str line, const char *name, struct str *value)
{
	size_t n = strlen(name);
	if (line.len <= n || strncasecmp(line.ptr, name, n) != 0 || line.ptr[n] != ':')
		return false;
	*value = str_trim((struct str){ line.ptr + n + 1, line.len - n - 1 });
	return true;
}

static size_t receive_header(char *bytes, size_t size, size_t count, void *context)
{
	struct answer *a = context;
	struct str line = { bytes, size * count }, value;
	if (header_value(line, "X-ClickHouse-Exception-Code", &value)) {
		snprintf(a->code, sizeof(a->code), "%.*s", STR_ARG(value));
	} else if (header_value(line, "X-ClickHouse-Exception-Tag", &value)) {
		snprintf(a->tag, sizeof(a->tag), "%.*s", STR_ARG(value));
	} else if (header_value(line, "X-ClickHouse-Summary", &value)) {
		static const char key[] = "\"written_rows\":\"";
		ptrdiff_t at = str_find(value, str_c(key));
		if (at >= 0)
			a->written_rows = strtoll(value.ptr + at + sizeof(key) - 1, NULL, 10);
	}
	return size * count;
}

/* When a kept socket breaks before the first byte of an answer curl sends the request again over
 * another one. The server may have executed it: a change is sent once. */
static int before_sending(void *context, char *ip, char *local_ip, int port, int local_port)
{
	struct answer *a = context;
	(void)ip, (void)local_ip, (void)port, (void)local_port;
	return ++a->sendings > 1 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

void clickhouse_http_prepare(const struct clickhouse *h, CURL *easy, const char *url,
			     struct str body, struct answer *a, char *why)
{
	curl_easy_reset(easy);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.ptr ? body.ptr : "");
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, h->headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, a);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, a);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* a proxy in the environment is meant for the web, not for databases; one of the connection
	 * passes bytes on, and nothing that it could cut short or keep back */
	curl_easy_setopt(easy, CURLOPT_PROXY, h->proxy ? h->proxy : "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, h->proxy ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	if (clickhouse_is_compressed(h))
		curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	if (h->authority)
		curl_easy_setopt(easy, CURLOPT_CAINFO, h->authority);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 60L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 10L);
}

enum outcome clickhouse_http_fail(const struct clickhouse *h, CURL *easy, CURLcode rc,
				  const char *why, struct answer *a, struct error *err)
{
	long sent = 0, tunnel = 0, sockets = 0;
	curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
	curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &tunnel);
	curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &sockets);
	/* What went to a proxy that made no tunnel went no further. */
	if (h->proxy && a->sendings == 0 && sockets > 0 && tunnel != 200)
		sent = 0;
	a->sent = sent > 0 || a->sendings > 1;
	if (a->too_large)
		return error_set(err, OUTCOME_FAILED, "the result is larger than %zu MiB",
				 RESULT_CAP_BYTES >> 20);
	error_set(err, OUTCOME_UNREACHABLE, "%s ClickHouse at %s: %s",
		  a->sent ? "lost the connection to" : "cannot reach", h->host,
		  *why ? why : curl_easy_strerror(rc));
	bool refused = rc == CURLE_PEER_FAILED_VERIFICATION || rc == CURLE_SSL_CACERT_BADFILE;
	err->class = refused ? ERROR_PERMANENT : a->sent ? ERROR_UNKNOWN : ERROR_TRANSIENT;
	return err->outcome;
}

/* Asks the watch about every slice; its wish to cancel, or the deadline, kills the query on the
 * server. */
static enum outcome look(struct clickhouse *h, const struct request *r, const struct watch *watch,
			 int64_t deadline, int64_t *killed_at, struct error *err)
{
	int64_t now = os_monotonic_ms();
	enum watch_wish wish = watch_ask(watch);
	if (wish == WATCH_ABANDON) {
		error_set(err, OUTCOME_STOPPED, "gave up waiting for ClickHouse");
		err->class = ERROR_UNKNOWN;
		return err->outcome;
	}
	bool due = wish == WATCH_CANCEL || (deadline && now >= deadline);
	if (due && r->query_id && (*killed_at == 0 || now - *killed_at >= KILL_AGAIN_MS)) {
		clickhouse_http_kill(h, r->query_id, false);
		*killed_at = os_monotonic_ms();
	}
	return OUTCOME_OK;
}

static enum outcome perform(struct clickhouse *h, CURL *easy, const struct request *r,
			    const struct watch *watch, CURLcode *rc, struct error *err)
{
	int64_t asked = os_monotonic_ms(), killed_at = 0;
	int64_t deadline = r->timeout_ms > 0 ? asked + r->timeout_ms + DEADLINE_GRACE_MS : 0;
	enum outcome o = OUTCOME_OK;
	int running = 1;
	curl_multi_add_handle(h->multi, easy);
	for (;;) {
		curl_multi_perform(h->multi, &running);
		if (!running)
			break;
		curl_multi_poll(h->multi, NULL, 0, WATCH_SLICE_MS, NULL);
		if (os_monotonic_ms() - asked < WATCH_SLICE_MS)
			continue;
		o = look(h, r, watch, deadline, &killed_at, err);
		if (o != OUTCOME_OK)
			break;
		asked = os_monotonic_ms();
	}
	int left;
	*rc = CURLE_OK;
	for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left)); )
		if (m->msg == CURLMSG_DONE)
			*rc = m->data.result;
	curl_multi_remove_handle(h->multi, easy);
	return o;
}

enum outcome clickhouse_http_ask(struct clickhouse *h, const struct request *r,
				 const struct watch *watch, struct answer *a, struct error *err)
{
	*a = (struct answer){ .written_rows = -1 };
	CURL *easy = r->reading ? h->reader : h->changer;
	char why[CURL_ERROR_SIZE] = "";
	struct buf url = {0};
	struct str body;
	CURLcode rc = CURLE_OK;
	enum outcome o = clickhouse_http_compose(h, easy, r, &url, &body, err);
	if (o == OUTCOME_OK) {
		clickhouse_http_prepare(h, easy, url.ptr, body, a, why);
		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, r->limit_ms);
		if (!r->reading) {
			curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_sending);
			curl_easy_setopt(easy, CURLOPT_PREREQDATA, a);
			curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, KEPT_FOR_CHANGE_S);
		}
		o = perform(h, easy, r, watch, &rc, err);
		a->sent = true;
		if (o == OUTCOME_OK && rc != CURLE_OK)
			o = clickhouse_http_fail(h, easy, rc, why, a, err);
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &a->status);
	}
	buf_clear(&url);
	return o;
}

bool clickhouse_http_ask_aside(struct clickhouse *h, struct str sql, long limit_ms,
			       struct answer *a)
{
	char why[CURL_ERROR_SIZE] = "";
	CURL *easy = curl_easy_init();
	long status = 0;
	*a = (struct answer){ .written_rows = -1 };
	clickhouse_http_prepare(h, easy, h->base, sql, a, why);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, limit_ms);
	bool there = curl_easy_perform(easy) == CURLE_OK;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(easy);
	return there && status == 200;
}

void clickhouse_http_kill(struct clickhouse *h, const char *query_id, bool prefix)
{
	struct buf sql = {0};
	struct answer a;
	buf_text(&sql, "KILL QUERY WHERE ");
	clickhouse_text_id_condition(&sql, query_id, prefix);
	buf_text(&sql, " ASYNC");
	/* if it fails the query goes on, and is killed again later */
	clickhouse_http_ask_aside(h, buf_view(&sql), KILL_TIMEOUT_MS, &a);
	clickhouse_answer_clear(&a);
	buf_clear(&sql);
}
