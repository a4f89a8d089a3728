/*
 * http_proxy.c - a request by way of a proxy that the instance names
 *
 * A proxy looks names up itself, and could reach what may not be reached. So the name is looked up
 * here, each of its addresses is looked at, and the proxy is asked for a tunnel to one of them;
 * whom it leads to is seen by the certificate still. A host that the instance allows to be anywhere
 * is the proxy's to find.
 */
#include "vm/base/os.h"
#include "vm/connection/http.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct look_up {
	struct gaicb ask;
	struct addrinfo hints;
	char *host, *port;
};

static void look_up_free(struct look_up *l)
{
	if (l->ask.ar_result)
		freeaddrinfo(l->ask.ar_result);
	free(l->host);
	free(l->port);
	free(l);
}

/* "[2a00::1]", as it stands in URLs, is the address itself. */
static char *bare_host(const char *host)
{
	size_t len = strlen(host);
	char *bare = must_strdup(host);

	if (len > 2 && host[0] == '[') {
		memmove(bare, bare + 1, len - 2);
		bare[len - 2] = '\0';
	}
	return bare;
}

/* The watch is heard meanwhile. 0, a code of getaddrinfo(), or EAI_CANCELED. */
static int wait_for(struct look_up *l, int64_t left_ms, const struct watch *watch)
{
	const struct gaicb *const list[] = { &l->ask };
	const int64_t until = os_monotonic_ms() + left_ms;
	const struct timespec slice = { 0, WATCH_SLICE_MS * 1000000L };

	while (gai_error(&l->ask) == EAI_INPROGRESS) {
		gai_suspend(list, 1, &slice);
		if (watch_ask(watch) != WATCH_GO_ON)
			return EAI_CANCELED;
		if (os_monotonic_ms() >= until)
			return EAI_AGAIN;
	}
	return gai_error(&l->ask);
}

/* One of them, if all are the internet's; else the first that is not. */
static bool choose(const struct addrinfo *all, struct buf *address)
{
	const struct addrinfo *a = all;

	while (a && a->ai_next && http_address_is_public(a->ai_addr))
		a = a->ai_next;
	if (a && http_address_is_public(a->ai_addr))
		a = all;
	else if (!a)
		return false;
	if (a->ai_family == AF_INET6)
		buf_byte(address, '[');
	http_address_print(a->ai_addr, address);
	if (a->ai_family == AF_INET6)
		buf_byte(address, ']');
	return http_address_is_public(a->ai_addr);
}

enum http_found http_proxy_look_up(const struct http_url *u, int64_t left_ms,
				   const struct watch *watch, struct buf *address,
				   const char **why)
{
	struct look_up *l = must_alloc(sizeof(*l));
	struct gaicb *list[] = { &l->ask };
	enum http_found found = HTTP_FOUND_NOTHING;
	int code;

	*l = (struct look_up){ .host = bare_host(u->host), .port = must_strdup(u->port),
			       .hints = { .ai_socktype = SOCK_STREAM } };
	l->ask = (struct gaicb){ .ar_name = l->host, .ar_service = l->port,
				 .ar_request = &l->hints };
	code = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
	if (code == 0)
		code = wait_for(l, left_ms, watch);
	*why = gai_strerror(code);
	if (code == 0)
		found = choose(l->ask.ar_result, address) ? HTTP_FOUND_PUBLIC : HTTP_FOUND_OTHER;
	else if (code == EAI_CANCELED)
		found = HTTP_FOUND_GIVEN_UP;
	/* One that goes on still writes there when it ends. */
	if (gai_error(&l->ask) != EAI_INPROGRESS || gai_cancel(&l->ask) == EAI_CANCELED)
		look_up_free(l);
	return found;
}
