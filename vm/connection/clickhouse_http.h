/*
 * clickhouse_http.h - one request to a ClickHouse server over HTTP, and what it answered
 *
 * User and password go in headers and are in no URL, error or log. While a request runs the watch
 * is asked; a wish to cancel kills the query by its id over a second socket, and its end is
 * awaited.
 */
#ifndef VM_CONNECTION_CLICKHOUSE_HTTP_H
#define VM_CONNECTION_CLICKHOUSE_HTTP_H

#include "vm/connection/clickhouse_capability.h"
#include "vm/connection/connection.h"
#include <curl/curl.h>

/* A setting that an author has named, and whether the server knows it. */
struct named_setting {
	char *name;
	bool known;
};

/* A table into which something is inserted. */
struct known_table {
	char *name;		/* as authors write it */
	bool is_here;		/* on this server, whole */
};

/* A server of the cluster that is not reached under its own name and the URL's port. */
struct reached_host {
	char *name;		/* host:port of its native protocol, as in system.clusters */
	char *at;		/* host:port of its HTTP interface */
};

struct clickhouse {
	char *base;			/* scheme://host:port/ */
	char *host;			/* host:port, for messages */
	char *database;
	char *authority;		/* a file with who vouches for it; NULL: the system's */
	char *proxy;			/* by way of which the server is reached; or NULL */
	char *compress;			/* "1": results come compressed; or NULL */
	char *time_zone;		/* of the server */
	struct curl_slist *headers;
	CURLM *multi;
	CURL *reader, *changer;		/* kept: a socket serves one request after another */
	struct clickhouse_capabilities can;
	VEC(struct named_setting) named;	/* asked for once per session */
	VEC(struct known_table) tables;	/* asked for once per session */
	VEC(struct reached_host) reached;
};

struct request {
	const char *query_id;		/* NULL: the server makes one up */
	struct str sql;
	bool reading;
	bool streaming; /* rows come or go as TabSeparated, whole or with an end that tells */
	bool bare; /* no setting from the table: nothing is known of the server yet */
	int64_t timeout_ms;		/* of the statement, on the server */
	long limit_ms;			/* after which the socket is closed; 0 never */
	struct connection_setting *settings;	/* all known to the server */
	size_t setting_count;
};

struct answer {
	long status;
	struct buf body;
	bool sent;			/* at least a part of the request is on its way */
	unsigned sendings;		/* how often curl set out to send it */
	bool too_large;
	char code[12];			/* X-ClickHouse-Exception-Code, "" */
	char tag[40];			/* X-ClickHouse-Exception-Tag, "" */
	int64_t written_rows;		/* X-ClickHouse-Summary, -1 */
};

enum outcome clickhouse_http_open(struct clickhouse *h, const char *url, char **cluster,
				  struct error *err) MUST_USE;
/* Leads to a host of the cluster from now on, nothing having been asked yet. */
void clickhouse_http_aim(struct clickhouse *h, struct str host);
void clickhouse_http_close(struct clickhouse *h);
/* OK: an answer is there, whatever its status. Else the transport failed: class TRANSIENT when
 * nothing was sent. */
enum outcome clickhouse_http_ask(struct clickhouse *h, const struct request *r,
				 const struct watch *watch, struct answer *a,
				 struct error *err) MUST_USE;
void clickhouse_answer_clear(struct answer *a);
/* Whether results and rows go compressed, as the URL wants it. */
bool clickhouse_is_compressed(const struct clickhouse *h);
/* What it is made of, for who leads the request by himself. compose: the URL, and of the SQL what
 * is not in there. */
enum outcome clickhouse_http_compose(struct clickhouse *h, CURL *easy, const struct request *r,
				     struct buf *url, struct str *body, struct error *err) MUST_USE;
void clickhouse_http_prepare(const struct clickhouse *h, CURL *easy, const char *url,
			     struct str body, struct answer *a, char *why);
enum outcome clickhouse_http_fail(const struct clickhouse *h, CURL *easy, CURLcode rc,
				  const char *why, struct answer *a, struct error *err);
/* KILL QUERY … ASYNC of what has this id, or an id that begins with it. Best effort. */
void clickhouse_http_kill(struct clickhouse *h, const char *query_id, bool prefix);
/* Over a socket of its own, while another request waits for its answer. */
bool clickhouse_http_ask_aside(struct clickhouse *h, struct str sql, long limit_ms,
			       struct answer *a);

#endif
