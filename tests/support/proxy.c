/*
 * proxy.c - a TCP proxy that harms what goes through it, for the crash tests
 *
 *   proxy PORT HOST:PORT [--seed N] [--within BYTES] [--times N] [--cut] [--reset] [--half-close]
 *                        [--delay MS]
 *
 * Listens on 127.0.0.1:PORT (0: a free one), prints the port it got, and forwards to HOST:PORT (an
 * IPv4 address). With --cut, --reset, --half-close one of those named befalls a connection at a
 * byte drawn from the seed, at most --within bytes from its beginning, counted over both
 * directions; --times of them, then all are left alone. Small numbers are drawn more often than
 * large ones, for a session's first bytes are its most various ones. --delay holds each piece back
 * for up to so many milliseconds. The same seed and the same traffic give the same harm.
 *
 * SIGUSR1 takes the link away: no byte passes and nobody is told, as when a cable is pulled;
 * SIGUSR2 puts it back, and what waited goes on. Each harm is a line on standard error.
 */
#include "vm/base/attr.h"
#include "vm/base/os.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIRS_MAX 128
#define PIECE_BYTES 16384
#define WITHIN_DEFAULT 20000
#define BACKLOG 64
#define SLICE_MS 1000

enum harm { HARM_CUT, HARM_RESET, HARM_HALF_CLOSE, HARM_COUNT };

static const char *const harm_words[HARM_COUNT] = { "cut", "reset", "half-close" };

/* From fd[i] of its pair to fd[1 - i]. */
struct flow {
	char piece[PIECE_BYTES];
	size_t begin, end;
	int64_t due_ms; /* when the piece may go on */
	bool ended;	/* nothing more comes */
	bool told;	/* and the other side knows */
	bool deaf;	/* what comes is thrown away */
};

struct pair {
	int fd[2]; /* 0 the client's, 1 the server's; -1: free */
	struct flow flow[2];
	bool harmed; /* left: bytes until then */
	int64_t left;
	enum harm harm;
};

static struct proxy {
	struct sockaddr_in target;
	enum harm harms[HARM_COUNT];
	size_t harm_count;
	uint64_t random;
	int64_t within, times, delay_ms;
} proxy = { .random = 1, .within = WITHIN_DEFAULT, .times = INT64_MAX };

static struct pair pairs[PAIRS_MAX];
static volatile sig_atomic_t is_away;

static void on_signal(int number)
{
	is_away = number == SIGUSR1;
}

/* splitmix64 */
static uint64_t draw(uint64_t below)
{
	uint64_t z = proxy.random += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % below;
}

static NO_RETURN void give_up(const char *what)
{
	fprintf(stderr, "proxy: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- one connection ---- */

static void close_pair(struct pair *p, bool reset)
{
	struct linger at_once = { .l_onoff = 1 };

	for (size_t i = 0; i < 2; i++) {
		if (reset)
			setsockopt(p->fd[i], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		close(p->fd[i]);
		p->fd[i] = -1;
	}
}

static void do_harm(struct pair *p, size_t from)
{
	p->harmed = false;
	fprintf(stderr, "proxy: %s, %s\n", harm_words[p->harm],
		from ? "towards the client" : "towards the server");
	switch (p->harm) {
	case HARM_CUT:
		close_pair(p, false);
		return;
	case HARM_RESET:
		close_pair(p, true);
		return;
	case HARM_HALF_CLOSE:
		shutdown(p->fd[1 - from], SHUT_WR);
		p->flow[from].deaf = p->flow[from].told = true;
		p->flow[from].begin = p->flow[from].end;
		return;
	case HARM_COUNT:
		break;
	}
}

static void take(struct pair *p, size_t from)
{
	struct flow *f = &p->flow[from];
	ssize_t n = read(p->fd[from], f->piece, sizeof(f->piece));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		close_pair(p, true);
		return;
	}
	f->begin = 0;
	f->end = f->deaf ? 0 : (size_t)n;
	f->ended = n == 0;
	f->due_ms = os_monotonic_ms();
	if (proxy.delay_ms)
		f->due_ms += (int64_t)draw((uint64_t)proxy.delay_ms + 1);
}

static void give(struct pair *p, size_t from)
{
	struct flow *f = &p->flow[from];
	size_t len = f->end - f->begin;
	ssize_t n;

	if (p->harmed && (int64_t)len > p->left)
		len = (size_t)p->left;
	n = len ? send(p->fd[1 - from], f->piece + f->begin, len, MSG_NOSIGNAL) : 0;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		close_pair(p, true);
		return;
	}
	f->begin += (size_t)n;
	p->left -= n;
	if (p->harmed && p->left == 0)
		do_harm(p, from);
}

/* Passes on that nothing more comes. */
static void tell_ends(struct pair *p)
{
	for (size_t i = 0; i < 2; i++) {
		struct flow *f = &p->flow[i];

		if (f->ended && f->begin == f->end && !f->told) {
			shutdown(p->fd[1 - i], SHUT_WR);
			f->told = true;
		}
	}
	if (p->flow[0].ended && p->flow[0].told && p->flow[1].ended && p->flow[1].told)
		close_pair(p, false);
}

static void set_nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void welcome(int listener)
{
	int client = accept(listener, NULL, NULL), server;
	struct pair *p = pairs;

	if (client < 0)
		return;
	while (p < pairs + PAIRS_MAX && p->fd[0] >= 0)
		p++;
	server = p < pairs + PAIRS_MAX ? socket(AF_INET, SOCK_STREAM, 0) : -1;
	if (server < 0 || connect(server, (struct sockaddr *)&proxy.target, sizeof(proxy.target))) {
		if (server >= 0)
			close(server);
		close(client);
		return;
	}
	set_nonblocking(client);
	set_nonblocking(server);
	memset(p, 0, sizeof(*p));
	p->fd[0] = client;
	p->fd[1] = server;
	if (!proxy.harm_count || !proxy.times)
		return;
	proxy.times--;
	p->harmed = true;
	p->harm = proxy.harms[draw(proxy.harm_count)];
	p->left = 1 + (int64_t)draw(1 + draw((uint64_t)proxy.within));
}

/* ---- all of them ---- */

/* A socket with nothing to do is left out: one that has hung up would wake us for ever. */
static void add(struct pollfd *fds, size_t at, const struct pair *p, size_t side, int64_t now,
		int64_t *wait_ms)
{
	const struct flow *in = &p->flow[side], *out = &p->flow[1 - side];
	short events = 0;

	if (in->begin == in->end && !in->ended)
		events |= POLLIN;
	if (out->begin < out->end && out->due_ms <= now)
		events |= POLLOUT;
	else if (out->begin < out->end && out->due_ms - now < *wait_ms)
		*wait_ms = out->due_ms - now;
	fds[at] = (struct pollfd){ .fd = events ? p->fd[side] : -1, .events = events };
}

static void serve(struct pair *p, const struct pollfd *fds)
{
	for (size_t side = 0; side < 2 && p->fd[0] >= 0; side++) {
		if (fds[side].revents & POLLOUT)
			give(p, 1 - side);
		else if (fds[side].revents && fds[side].events & POLLIN)
			take(p, side);
		else if (fds[side].revents)
			close_pair(p, true);
	}
	if (p->fd[0] >= 0)
		tell_ends(p);
}

static void turn(int listener)
{
	struct pollfd fds[1 + 2 * PAIRS_MAX];
	int64_t now = os_monotonic_ms(), wait_ms = SLICE_MS;

	if (is_away) {
		poll(NULL, 0, SLICE_MS / 100);
		return;
	}
	fds[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
	for (size_t i = 0; i < PAIRS_MAX; i++)
		for (size_t side = 0; side < 2; side++) {
			fds[1 + 2 * i + side] = (struct pollfd){ .fd = -1 };
			if (pairs[i].fd[0] >= 0)
				add(fds, 1 + 2 * i + side, &pairs[i], side, now, &wait_ms);
		}
	if (poll(fds, ARRAY_SIZE(fds), (int)wait_ms) <= 0 || is_away)
		return;
	for (size_t i = 0; i < PAIRS_MAX; i++)
		if (pairs[i].fd[0] >= 0)
			serve(&pairs[i], &fds[1 + 2 * i]);
	if (fds[0].revents)
		welcome(listener);
}

/* ---- the beginning ---- */

static NO_RETURN void refuse(const char *what)
{
	fprintf(stderr, "proxy: %s\nusage: proxy PORT HOST:PORT [--seed N] [--within BYTES] "
			"[--times N] [--cut] [--reset] [--half-close] [--delay MS]\n",
		what);
	exit(2);
}

static int64_t number(const char *text)
{
	char *end = NULL;
	long long n = text ? strtoll(text, &end, 10) : -1;

	if (n < 0 || *end)
		refuse("a number is missing");
	return n;
}

static void read_option(char **words, int *at)
{
	const char *word = words[*at];

	for (size_t i = 0; i < HARM_COUNT; i++)
		if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, harm_words[i]) == 0) {
			if (proxy.harm_count == HARM_COUNT)
				refuse(word);
			proxy.harms[proxy.harm_count++] = (enum harm)i;
			return;
		}
	if (strcmp(word, "--seed") == 0)
		proxy.random = (uint64_t)number(words[++*at]);
	else if (strcmp(word, "--within") == 0)
		proxy.within = number(words[++*at]) + 1;
	else if (strcmp(word, "--times") == 0)
		proxy.times = number(words[++*at]);
	else if (strcmp(word, "--delay") == 0)
		proxy.delay_ms = number(words[++*at]);
	else
		refuse(word);
}

static struct sockaddr_in address(const char *host, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, host, &a.sin_addr) != 1)
		refuse("the host must be an IPv4 address");
	a.sin_port = htons((uint16_t)number(port));
	return a;
}

static int listen_at(const char *port)
{
	struct sockaddr_in a = address("127.0.0.1", port);
	socklen_t size = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;

	if (fd < 0)
		give_up("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&a, size) || listen(fd, BACKLOG) ||
	    getsockname(fd, (struct sockaddr *)&a, &size))
		give_up("cannot listen");
	set_nonblocking(fd);
	printf("%d\n", ntohs(a.sin_port));
	fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	char *colon = argc > 2 ? strrchr(argv[2], ':') : NULL;
	int listener;

	if (!colon)
		refuse("two addresses are needed");
	*colon = 0;
	proxy.target = address(argv[2], colon + 1);
	for (int i = 3; i < argc; i++)
		read_option(argv, &i);
	for (size_t i = 0; i < PAIRS_MAX; i++)
		pairs[i].fd[0] = pairs[i].fd[1] = -1;
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	listener = listen_at(argv[1]);
	for (;;)
		turn(listener);
}
