/*
 * http.h - a request that changes something, as an effect: `http post url body text`
 *
 * It is sent through a struct connection like every other effect, though no migration can need one:
 * http_prepare() says what the next exec sends, and gives the connection its name, which has a
 * colon and so is no need's.
 *
 * Each request carries an Idempotency-Key: its query id without the attempt, so the same for all
 * attempts of one effect, in whatever process. That makes it repeatable: what is in doubt is sent
 * again. Once an attempt is in doubt no failure of a later one says any more that nothing happened.
 *
 * Nothing is sent to an address that is not public, unless the instance allows its host; the
 * address looked at is the one that is connected to, or that a proxy is told to. User, password
 * and query of the URL, and all of one that came from a variable, are in no name, error or log.
 */
#ifndef VM_CONNECTION_HTTP_H
#define VM_CONNECTION_HTTP_H

#include "vm/connection/connection.h"

struct sockaddr;

#define HTTP_TIMEOUT_MS 60000		/* where the operation has none */
#define HTTP_REDIRECTS_MAX 5		/* within the host */
#define HTTP_BODY_CAP_BYTES ((size_t)16 << 20)
#define HTTP_ANSWER_CAP_BYTES ((size_t)64 << 10)	/* what comes after that is not read */
#define HTTP_RETRY_AFTER_MAX_MS (3600 * (int64_t)1000)

/* All borrowed for the call. */
struct http_order {
	struct str method;	/* "post" */
	struct str url;		/* or "env:NAME": what that variable holds is the URL */
	const char *variable;	/* its value then; NULL: it is not set */
	struct str body;
	bool doubted;		/* an attempt of it is in doubt already */
	const char *local;	/* AMIG_ALLOW_LOCAL or NULL */
	const char *authority;	/* AMIG_HTTP_CA or NULL; outlives the connection */
	const char *proxy;	/* AMIG_HTTP_PROXY or NULL */
};

extern const struct connection_kind http_kind;

/* Makes the connection ready to send this, and opens it when it is not. Fails for what is no URL
 * and what is too large. */
enum outcome http_prepare(struct connection *c, const struct http_order *o,
			  struct error *err) MUST_USE;
/* "POST https://host/path?… (12 bytes)": for people and for the journal. */
void http_describe(const struct connection *c, struct buf *out);
/* Whether a connection's name is that of a request. */
bool http_is_target(struct str connection);
/* The NAME of "env:NAME"; else empty. */
struct str http_variable(struct str url);

/* An attempt is in doubt; and whether another may help. */
void http_doubt(struct connection *c);
bool http_goes_again(const struct connection *c);
/* What was in doubt stays so, whatever has failed after it. */
void http_keep_doubt(const struct connection *c, struct error *err);

/* http_address.c: whether it is one of the internet's, and not of this machine, its network or
 * special use; forms of IPv6 that hold an IPv4 address are looked through. */
bool http_address_is_public(const struct sockaddr *a);
/* "10.1.2.3" */
void http_address_print(const struct sockaddr *a, struct buf *out);

/* http_url.c */
struct http_url {
	char *url;		/* without user, password and fragment */
	char *scheme, *host, *port;
	char *path;
	char *user, *password;	/* decoded; "" if there are none */
	char *query;		/* as it is written; "" if there is none */
	char *shown;		/* "https://host:port/path?…" */
	char *origin;		/* "https://host:port" */
};
/* false: it is no http:// or https:// URL. */
bool http_url_read(struct http_url *u, const char *text);
/* The same host and port, and nothing is lost: https does not become http. */
bool http_url_is_same_site(const struct http_url *from, const struct http_url *to);
/* Whether a list, names separated by commas, has the host, or host:port. */
bool http_url_is_listed(const struct http_url *u, const char *list);
/* Adds a text of somebody else's with what is secret in the URL left out; all: its path, too. */
void http_url_mask(const struct http_url *u, bool all, struct str text, struct buf *out);
void http_url_clear(struct http_url *u);

/* http_proxy.c: where a proxy is to make a tunnel to. */
enum http_found {
	HTTP_FOUND_PUBLIC,	/* address: one that may be gone to */
	HTTP_FOUND_OTHER,	/* address: one that may not */
	HTTP_FOUND_NOTHING,	/* *why */
	HTTP_FOUND_GIVEN_UP,	/* as the watch wants */
};
enum http_found http_proxy_look_up(const struct http_url *u, int64_t left_ms,
				   const struct watch *watch, struct buf *address,
				   const char **why);

#endif
