/* connection_proxy.h - a proxy in front of a server, which loses the connection of the statement
 * that it was told to, and counts bytes */
#ifndef TESTS_UNIT_CONNECTION_PROXY_H
#define TESTS_UNIT_CONNECTION_PROXY_H

#include "tests/unit/connection_test.h"
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

struct proxy {
	atomic_size_t asked, answered; /* bytes of the client, of the server */
	int listener;
	int server_port;
	/* The connection whose request holds this is cut before the answer. NULL: none */
	_Atomic(const char *) marker;
	atomic_bool before; /* … before the request reaches the server */
	atomic_int cut;
	atomic_int accepted;
	pthread_t thread, pumps[64]; /* one for each that was accepted */
};

struct client {
	struct proxy *proxy;
	int fd;
};

static inline void *pump(void *context)
{
	struct client *mine = context;
	struct proxy *p = mine->proxy;
	int client = mine->fd;
	free(mine);
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)p->server_port) };
	char bytes[65536];
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int server = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(server, (struct sockaddr *)&to, sizeof(to)) != 0)
		abort();
	struct pollfd fds[2] = { { client, POLLIN, 0 }, { server, POLLIN, 0 } };
	for (;;) {
		poll(fds, 2, 10000);
		int from = fds[0].revents ? 0 : 1;
		ssize_t n = read(fds[from].fd, bytes, sizeof(bytes));
		if (n <= 0)
			break;
		const char *marker = p->marker;
		bool marked = from == 0 && marker &&
			      memmem(bytes, (size_t)n, marker, strlen(marker));
		if (marked && p->before) {
			p->cut++;
			break;
		}
		*(from ? &p->answered : &p->asked) += (size_t)n;
		if (write(fds[1 - from].fd, bytes, (size_t)n) != n)
			break;
		if (marked) {
			p->cut++;
			usleep(50000);
			break;
		}
	}
	close(server);
	close(client);
	return NULL;
}

static inline void *serve(void *proxy)
{
	struct proxy *p = proxy;
	for (int client; (client = accept(p->listener, NULL, NULL)) >= 0; ) {
		struct client *c = malloc(sizeof(*c));
		*c = (struct client){ p, client };
		if (p->accepted == ARRAY_SIZE(p->pumps) ||
		    pthread_create(&p->pumps[p->accepted], NULL, pump, c) != 0)
			abort();
		p->accepted++;
	}
	return NULL;
}

static inline void start_proxy(struct proxy *p, const char *url, char *through, size_t size)
{
	struct sockaddr_in here = { .sin_family = AF_INET };
	socklen_t len = sizeof(here);
	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	p->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(p->listener, (struct sockaddr *)&here, sizeof(here)), 0);
	assert_int_equal(listen(p->listener, 16), 0);
	getsockname(p->listener, (struct sockaddr *)&here, &len);
	const char *port = strrchr(url, ':') + 1, *path = strchr(port, '/');
	p->server_port = atoi(port);
	snprintf(through, size, "%.*s%d%s", (int)(port - url), url, ntohs(here.sin_port),
		 path ? path : "");
	pthread_create(&p->thread, NULL, serve, p);
}

/* When its clients are gone. */
static inline void stop_proxy(struct proxy *p)
{
	shutdown(p->listener, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	close(p->listener);
	for (int i = 0; i < p->accepted; i++)
		pthread_join(p->pumps[i], NULL);
}

#endif
