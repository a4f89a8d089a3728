/* http_kind.c - sending a request, and what its answer says of it */
#include "vm/base/os.h"
#include "vm/base/version.h"
#include "vm/connection/http.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define CONNECT_TIMEOUT_MS 10000L
#define SHOWN_BYTES 300 /* of an answer, in an error */
#define VARIABLE "env:"

struct http {
	CURLM *multi;
	CURL *easy;
	struct http_url url, proxy;	/* proxy.url NULL: none */
	char method[8];		/* "POST" */
	char *variable;		/* that the URL came from, or NULL */
	struct buf body;
	bool local;		/* its host may be at any address */
	const char *authority;	/* a file with who vouches for servers; NULL: the system's */
	bool doubted;		/* an attempt is in doubt */
	bool goes_again;	/* after the last failure */
	/* Of one request. */
	struct buf answer, refused; /* an address that is not public */
	unsigned sendings;
	bool cancelled;
};

/* ---- what is to be sent ---- */

bool http_is_target(struct str connection)
{
	return memchr(connection.ptr ? connection.ptr : "", ':', connection.len) != NULL;
}

struct str http_variable(struct str url)
{
	struct str name = { url.ptr + sizeof(VARIABLE) - 1, url.len - (sizeof(VARIABLE) - 1) };

	return str_starts(url, STR(VARIABLE)) ? name : STR("");
}

static void forget(struct http *h)
{
	http_url_clear(&h->url);
	http_url_clear(&h->proxy);
	free(h->variable);
	h->variable = NULL;
	buf_reset(&h->body);
	h->doubted = false;
}

static enum outcome open_http(struct connection *c, const char *url UNUSED,
			      const struct watch *watch UNUSED, struct error *err UNUSED)
{
	struct http *h = must_alloc(sizeof(*h));

	*h = (struct http){ 0 };
	c->state = h;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	h->multi = curl_multi_init();
	h->easy = curl_easy_init();
	if (!h->multi || !h->easy)
		BUG("curl has no memory");
	return OUTCOME_OK;
}

static void close_http(struct connection *c)
{
	struct http *h = c->state;

	curl_easy_cleanup(h->easy);
	curl_multi_cleanup(h->multi);
	forget(h);
	buf_clear(&h->body);
	buf_clear(&h->answer);
	buf_clear(&h->refused);
	free(h);
}

static enum outcome refuse_url(const struct http_order *o, struct error *err)
{
	struct str name = http_variable(o->url);

	if (name.len && !o->variable)
		error_set(err, OUTCOME_FAILED, "`http` wants the address in %.*s, which is not set",
			  STR_ARG(name));
	else
		error_set(err, OUTCOME_FAILED, "the address%s%.*s of `http` is no URL",
			  name.len ? " in " : "", STR_ARG(name));
	error_hint(err, "write http://host/path or https://host/path, special characters as %%XX");
	return err->outcome;
}

static bool read_url(struct http *h, const struct http_order *o)
{
	struct str name = http_variable(o->url);
	char *text;
	bool good;

	if (name.len) {
		h->variable = must_alloc(name.len + 1);
		memcpy(h->variable, name.ptr, name.len);
		h->variable[name.len] = '\0';
		return o->variable && http_url_read(&h->url, o->variable);
	}
	if (!o->url.len || memchr(o->url.ptr, '\0', o->url.len))
		return false;
	text = must_alloc(o->url.len + 1);
	memcpy(text, o->url.ptr, o->url.len);
	text[o->url.len] = '\0';
	good = http_url_read(&h->url, text);
	explicit_bzero(text, o->url.len);
	free(text);
	return good;
}

enum outcome http_prepare(struct connection *c, const struct http_order *o, struct error *err)
{
	struct http *h = c->state;
	struct buf name = { 0 };
	size_t n = 0;

	if (!h && connection_open(c, "http", &http_kind, "", NULL, err) != OUTCOME_OK)
		return err->outcome;
	h = c->state;
	forget(h);
	if (!read_url(h, o))
		return refuse_url(o, err);
	if (o->proxy && !http_url_read(&h->proxy, o->proxy)) {
		error_set(err, OUTCOME_FAILED, "the address in AMIG_HTTP_PROXY is no URL");
		error_hint(err, "write http://host:port or http://user:password@host:port");
		return err->outcome;
	}
	if (o->body.len > HTTP_BODY_CAP_BYTES)
		return error_set(err, OUTCOME_FAILED, "the body of `http` is larger than %zu MiB",
				 HTTP_BODY_CAP_BYTES >> 20);
	for (; n < o->method.len && n + 1 < sizeof(h->method); n++)
		h->method[n] = (char)toupper((unsigned char)o->method.ptr[n]);
	h->method[n] = '\0';
	buf_str(&h->body, o->body);
	h->local = http_url_is_listed(&h->url, o->local);
	h->authority = o->authority;
	h->doubted = o->doubted;
	buf_format(&name, "%s%s", h->variable ? VARIABLE : "",
		   h->variable ? h->variable : h->url.origin);
	free(c->name);
	c->name = buf_take(&name);
	return OUTCOME_OK;
}

static void print_target(const struct http *h, struct buf *out)
{
	buf_format(out, "%s %s%s", h->method, h->variable ? VARIABLE : "",
		   h->variable ? h->variable : h->url.shown);
}

void http_describe(const struct connection *c, struct buf *out)
{
	const struct http *h = c->state;

	print_target(h, out);
	if (h->body.len)
		buf_format(out, " (%zu bytes)", h->body.len);
}

void http_doubt(struct connection *c)
{
	struct http *h = c->state;

	h->doubted = true;
}

bool http_goes_again(const struct connection *c)
{
	const struct http *h = c->state;

	return h->goes_again;
}

void http_keep_doubt(const struct connection *c, struct error *err)
{
	struct http *h = c->state;

	if (c->kind != &http_kind || !h->doubted || err->class == ERROR_UNKNOWN)
		return;
	h->goes_again = err->class == ERROR_TRANSIENT;
	err->class = ERROR_UNKNOWN;
}

/* ---- the request ---- */

/* The answer is read as far as it may be of interest; its status says what became of the request.
 */
static size_t receive(char *bytes, size_t size, size_t count, void *context)
{
	struct http *h = context;

	buf_add(&h->answer, bytes, size * count);
	return h->answer.len > HTTP_ANSWER_CAP_BYTES ? 0 : size * count;
}

/* Asked with each address before anything goes there. */
static curl_socket_t open_socket(void *context, curlsocktype purpose UNUSED,
				 struct curl_sockaddr *a)
{
	struct http *h = context;

	/* The proxy may be anywhere; where it leads to was looked at before. */
	if (!h->local && !h->proxy.url && !http_address_is_public(&a->addr)) {
		buf_reset(&h->refused);
		http_address_print(&a->addr, &h->refused);
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* curl itself sends a request again when a socket breaks early: here that is the runner's to say.
 */
static int before_sending(void *context, char *ip UNUSED, char *local_ip UNUSED, int port UNUSED,
			  int local_port UNUSED)
{
	struct http *h = context;

	return ++h->sendings > 1 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static void set_body(struct http *h)
{
	if (!h->body.len && strcmp(h->method, "DELETE") == 0) {
		curl_easy_setopt(h->easy, CURLOPT_HTTPGET, 1L);
	} else {
		curl_easy_setopt(h->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, buf_view(&h->body).ptr);
		curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)h->body.len);
	}
	curl_easy_setopt(h->easy, CURLOPT_CUSTOMREQUEST, h->method);
}

/* The query id without its attempt. */
static struct curl_slist *make_headers(const struct http *h, const char *query_id)
{
	struct str body = str_trim(buf_view(&h->body));
	bool json = body.len && (body.ptr[0] == '{' || body.ptr[0] == '[');
	const char *end = strrchr(query_id, ':');
	struct curl_slist *list = NULL;
	struct buf line = { 0 };

	buf_format(&line, "Idempotency-Key: %.*s",
		   end ? (int)(end - query_id) : (int)strlen(query_id), query_id);
	list = curl_slist_append(list, line.ptr);
	list = curl_slist_append(list, "Expect:");
	if (h->body.len)
		list = curl_slist_append(list, json ? "Content-Type: application/json"
						    : "Content-Type: text/plain; charset=utf-8");
	buf_clear(&line);
	return list;
}

/* What the environment says of proxies is for programs whose requests may go anywhere. */
static void set_proxy(struct http *h, struct curl_slist *tunnel)
{
	CURL *e = h->easy;

	curl_easy_setopt(e, CURLOPT_PROXY, h->proxy.url ? h->proxy.origin : "");
	curl_easy_setopt(e, CURLOPT_NOPROXY, "");
	if (!h->proxy.url)
		return;
	if (*h->proxy.user || *h->proxy.password) {
		curl_easy_setopt(e, CURLOPT_PROXYUSERNAME, h->proxy.user);
		curl_easy_setopt(e, CURLOPT_PROXYPASSWORD, h->proxy.password);
	}
	if (h->authority)
		curl_easy_setopt(e, CURLOPT_PROXY_CAINFO, h->authority);
	if (tunnel) {
		curl_easy_setopt(e, CURLOPT_CONNECT_TO, tunnel);
		curl_easy_setopt(e, CURLOPT_HTTPPROXYTUNNEL, 1L);
	}
}

static void prepare(struct http *h, const struct http_url *u, struct curl_slist *headers,
		    int64_t left_ms, char *why)
{
	CURL *e = h->easy;

	curl_easy_reset(e);
	set_body(h);
	curl_easy_setopt(e, CURLOPT_URL, u->url);
	if (*h->url.user || *h->url.password) {
		curl_easy_setopt(e, CURLOPT_USERNAME, h->url.user);
		curl_easy_setopt(e, CURLOPT_PASSWORD, h->url.password);
	}
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "amigrun/" AMIG_VERSION);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, h);
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, before_sending);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, h);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	if (h->authority)
		curl_easy_setopt(e, CURLOPT_CAINFO, h->authority);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
			 left_ms < CONNECT_TIMEOUT_MS ? (long)left_ms : CONNECT_TIMEOUT_MS);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)left_ms);
	/* The look-up of a name may take longer than anybody waits for it. */
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
}

static CURLcode perform(struct http *h, const struct watch *watch)
{
	int64_t asked = os_monotonic_ms();
	CURLcode rc = CURLE_OK;
	int running = 1, left;

	curl_multi_add_handle(h->multi, h->easy);
	while (!h->cancelled) {
		curl_multi_perform(h->multi, &running);
		if (!running)
			break;
		curl_multi_poll(h->multi, NULL, 0, WATCH_SLICE_MS, NULL);
		if (os_monotonic_ms() - asked < WATCH_SLICE_MS)
			continue;
		h->cancelled = watch_ask(watch) != WATCH_GO_ON;
		asked = os_monotonic_ms();
	}
	for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left));)
		if (m->msg == CURLMSG_DONE)
			rc = m->data.result;
	curl_multi_remove_handle(h->multi, h->easy);
	return rc;
}

/* ---- its answer ---- */

static enum outcome fail_unanswered(const struct http *h, CURLcode rc, const char *why,
				    struct error *err)
{
	bool refused = rc == CURLE_PEER_FAILED_VERIFICATION || rc == CURLE_SSL_CACERT_BADFILE;
	struct buf text = { 0 };

	print_target(h, &text);
	if (h->refused.len && !h->sendings && !h->cancelled) {
		error_set(err, OUTCOME_FAILED,
			  "%s is not sent: %s is not an address of the internet, and "
			  "AMIG_ALLOW_LOCAL does not list its host",
			  text.ptr, h->refused.ptr);
	} else if (h->cancelled) {
		error_set(err, OUTCOME_STOPPED, "%s was given up %s", text.ptr,
			  h->sendings ? "before its answer" : "before it was sent");
		err->class = h->sendings ? ERROR_UNKNOWN : ERROR_TRANSIENT;
	} else {
		struct buf masked = { 0 };

		http_url_mask(&h->url, h->variable != NULL,
			      str_c(*why ? why : curl_easy_strerror(rc)), &masked);
		error_set(err, OUTCOME_UNREACHABLE, "%s %s: %s", text.ptr,
			  h->sendings ? "was sent and not answered" : "could not be sent",
			  masked.ptr);
		err->class = refused	   ? ERROR_PERMANENT
			     : h->sendings ? ERROR_UNKNOWN
					   : ERROR_TRANSIENT;
		buf_clear(&masked);
	}
	buf_clear(&text);
	return err->outcome;
}

/* Its first line that says something. */
static void print_answer(const struct http *h, struct buf *out)
{
	struct str text = str_trim(buf_view(&h->answer));
	struct buf masked = { 0 };
	size_t len;

	if (text.len > SHOWN_BYTES)
		text.len = SHOWN_BYTES;
	http_url_mask(&h->url, h->variable != NULL, text, &masked);
	for (len = 0; len < masked.len; len++)
		if (iscntrl((unsigned char)masked.ptr[len]))
			break;
	while (len && !str_is_utf8((struct str){ masked.ptr, len }))
		len--;
	if (len)
		buf_format(out, ": %.*s", (int)len, masked.ptr);
	buf_clear(&masked);
}

static enum error_class class_of(long status)
{
	switch (status) {
	case 408:
	case 425:
	case 429:
		return ERROR_TRANSIENT;
	case 501:
	case 505:
		return ERROR_PERMANENT;
	default:
		return status >= 500 ? ERROR_UNKNOWN : ERROR_PERMANENT;
	}
}

static enum outcome fail_answered(const struct http *h, long status, const char *to,
				  struct error *err)
{
	struct buf text = { 0 };
	curl_off_t seconds = 0;

	print_target(h, &text);
	buf_format(&text, " was answered with %ld", status);
	if (to)
		buf_format(&text, ", a redirect to %s, which is not followed", to);
	else
		print_answer(h, &text);
	error_set(err, OUTCOME_FAILED, "%s", text.ptr);
	err->class = class_of(status);
	snprintf(err->code, sizeof(err->code), "%ld", status);
	if (curl_easy_getinfo(h->easy, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK &&
	    seconds > 0 && err->class != ERROR_PERMANENT)
		err->wait_ms = seconds < HTTP_RETRY_AFTER_MAX_MS / 1000 ? seconds * 1000
									: HTTP_RETRY_AFTER_MAX_MS;
	buf_clear(&text);
	return err->outcome;
}

/* Where the answer sends the request: only 307 and 308 say that it was not carried out and is to be
 * sent there as it is. *to is filled where there is a place at all; false: it is not followed. */
static bool is_redirect(const struct http *h, const struct http_url *at, long status,
			struct http_url *to)
{
	char *place = NULL;

	if (status < 300 || status > 399 ||
	    curl_easy_getinfo(h->easy, CURLINFO_REDIRECT_URL, &place) != CURLE_OK || !place ||
	    !http_url_read(to, place))
		return false;
	return (status == 307 || status == 308) && http_url_is_same_site(at, to);
}

/* By way of a proxy: where to, which is looked at. *tunnel stays NULL where it may be anywhere. */
static enum outcome find_way(struct http *h, const struct http_url *u, int64_t left_ms,
			     const struct watch *watch, struct curl_slist **tunnel,
			     struct error *err)
{
	struct buf address = { 0 }, to = { 0 };
	const char *why;

	if (!h->proxy.url || h->local)
		return OUTCOME_OK;
	switch (http_proxy_look_up(u, left_ms, watch, &address, &why)) {
	case HTTP_FOUND_PUBLIC:
		buf_format(&to, "::%s:%s", address.ptr, u->port);
		*tunnel = curl_slist_append(NULL, to.ptr);
		break;
	case HTTP_FOUND_OTHER:
		buf_str(&h->refused, buf_view(&address));
		fail_unanswered(h, CURLE_COULDNT_CONNECT, "", err);
		break;
	case HTTP_FOUND_GIVEN_UP:
		h->cancelled = true;
		fail_unanswered(h, CURLE_COULDNT_CONNECT, "", err);
		break;
	case HTTP_FOUND_NOTHING:
		fail_unanswered(h, CURLE_COULDNT_RESOLVE_HOST, why, err);
		error_hint(err, "AMIG_ALLOW_LOCAL may list a host that only the proxy can look up");
		break;
	}
	buf_clear(&address);
	buf_clear(&to);
	return *tunnel ? OUTCOME_OK : err->outcome;
}

/* One request. *followed: it is to be made again with what is in u now. */
static enum outcome attempt(struct http *h, struct http_url *u, struct curl_slist *headers,
			    int64_t left_ms, const struct watch *watch, bool *followed,
			    struct error *err)
{
	char why[CURL_ERROR_SIZE] = "";
	struct http_url to = { 0 };
	struct curl_slist *tunnel = NULL;
	enum outcome o;
	long status = 0;
	CURLcode rc;

	buf_reset(&h->answer);
	buf_reset(&h->refused);
	h->sendings = 0;
	h->cancelled = *followed = false;
	o = find_way(h, u, left_ms, watch, &tunnel, err);
	if (o != OUTCOME_OK)
		return o;
	prepare(h, u, headers, left_ms, why);
	set_proxy(h, tunnel);
	rc = perform(h, watch);
	curl_slist_free_all(tunnel);
	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200) {
		o = fail_unanswered(h, rc, why, err);
	} else if (status >= 300) {
		*followed = is_redirect(h, u, status, &to);
		if (!*followed)
			o = fail_answered(h, status, to.shown, err);
	}
	if (*followed) {
		http_url_clear(u);
		*u = to;
	} else {
		http_url_clear(&to);
	}
	return o;
}

static enum outcome exec_http(struct connection *c, const struct statement *s,
			      const struct watch *watch, int64_t *affected, struct error *err)
{
	struct http *h = c->state;
	struct curl_slist *headers = make_headers(h, s->query_id);
	int64_t until = os_monotonic_ms() + (s->timeout_ms > 0 ? s->timeout_ms : HTTP_TIMEOUT_MS);
	struct http_url at = { 0 };
	bool followed = true;
	enum outcome o = OUTCOME_OK;

	*affected = -1;
	if (!http_url_read(&at, h->url.url))
		BUG("a URL that was read cannot be read");
	for (int hops = 0; followed && o == OUTCOME_OK; hops++) {
		int64_t left_ms = until - os_monotonic_ms();

		if (hops > HTTP_REDIRECTS_MAX)
			o = error_set(err, OUTCOME_FAILED,
				      "%s was redirected more than %d times", at.shown,
				      HTTP_REDIRECTS_MAX);
		else
			o = attempt(h, &at, headers, left_ms > 1 ? left_ms : 1, watch, &followed,
				    err);
	}
	h->goes_again = o != OUTCOME_OK && err->class != ERROR_PERMANENT;
	http_url_clear(&at);
	curl_slist_free_all(headers);
	return o;
}

/* A request that reaches its server late is known there by its key. */
static enum outcome fence_http(struct connection *c UNUSED, const char *prefix UNUSED,
			       const struct watch *watch UNUSED, struct error *err UNUSED)
{
	return OUTCOME_OK;
}

static enum outcome query_http(struct connection *c UNUSED, const struct statement *s UNUSED,
			       const struct watch *watch UNUSED, struct result *out UNUSED,
			       struct error *err UNUSED)
{
	BUG("a request is no question");
}

static void print_text(struct buf *out, struct str text)
{
	buf_str(out, text);
}

static void print_literal(struct buf *out, enum cell_type type UNUSED, struct str text)
{
	buf_str(out, text);
}

const struct connection_kind http_kind = {
	.name = "http",
	.open = open_http,
	.close = close_http,
	.query = query_http,
	.exec = exec_http,
	.fence = fence_http,
	.quote_ident = print_text,
	.quote_literal = print_literal,
};
