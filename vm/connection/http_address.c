/* http_address.c - which addresses are the internet's */
#include "vm/connection/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct range4 {
	uint8_t first[4];
	unsigned bits;
};

/* IANA's registry of special-purpose addresses, and multicast. */
static const struct range4 special4[] = {
	{ { 0, 0, 0, 0 }, 8 },	     { { 10, 0, 0, 0 }, 8 },	 { { 100, 64, 0, 0 }, 10 },
	{ { 127, 0, 0, 0 }, 8 },     { { 169, 254, 0, 0 }, 16 }, { { 172, 16, 0, 0 }, 12 },
	{ { 192, 0, 0, 0 }, 24 },    { { 192, 0, 2, 0 }, 24 },	 { { 192, 88, 99, 0 }, 24 },
	{ { 192, 168, 0, 0 }, 16 },  { { 198, 18, 0, 0 }, 15 },	 { { 198, 51, 100, 0 }, 24 },
	{ { 203, 0, 113, 0 }, 24 },  { { 224, 0, 0, 0 }, 3 },
};

static bool begins(const uint8_t *bytes, const uint8_t *first, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(bytes, first, whole) != 0)
		return false;
	return !rest || (bytes[whole] ^ first[whole]) >> (8 - rest) == 0;
}

static bool is_public4(const uint8_t *bytes)
{
	for (size_t i = 0; i < ARRAY_SIZE(special4); i++)
		if (begins(bytes, special4[i].first, special4[i].bits))
			return false;
	return true;
}

/* Prefixes behind which stands an IPv4 address that packets may end at. */
static const struct {
	uint8_t first[12];
	unsigned bits, at;
} holding4[] = {
	{ { 0 }, 96, 12 },					       /* ::127.0.0.1 */
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 96, 12 },     /* ::ffff:127.0.0.1 */
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0 }, 96, 12 },     /* ::ffff:0:127.0.0.1 */
	{ { 0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0 }, 96, 12 },  /* 64:ff9b::127.0.0.1 */
	{ { 0x20, 0x02 }, 16, 2 },				       /* 2002:7f00:1:: */
};

/* All of today's internet is in 2000::/3; what is special in it is named. */
static bool is_public6(const uint8_t *bytes)
{
	static const uint8_t unicast[] = { 0x20 }, teredo[] = { 0x20, 0x01, 0, 0 },
			     special[] = { 0x20, 0x01, 0 }, shown[] = { 0x20, 0x01, 0x0d, 0xb8 },
			     shown2[] = { 0x3f, 0xff, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(holding4); i++)
		if (begins(bytes, holding4[i].first, holding4[i].bits))
			return is_public4(bytes + holding4[i].at);
	return begins(bytes, unicast, 3) && !begins(bytes, teredo, 32) &&
	       !begins(bytes, special, 23) && !begins(bytes, shown, 32) &&
	       !begins(bytes, shown2, 20);
}

bool http_address_is_public(const struct sockaddr *a)
{
	struct sockaddr_in four;
	struct sockaddr_in6 six;

	if (a->sa_family == AF_INET) {
		memcpy(&four, a, sizeof(four));
		return is_public4((const uint8_t *)&four.sin_addr);
	}
	if (a->sa_family == AF_INET6) {
		memcpy(&six, a, sizeof(six));
		return is_public6(six.sin6_addr.s6_addr);
	}
	return false;
}

void http_address_print(const struct sockaddr *a, struct buf *out)
{
	char text[INET6_ADDRSTRLEN] = "?";
	struct sockaddr_in four;
	struct sockaddr_in6 six;

	if (a->sa_family == AF_INET) {
		memcpy(&four, a, sizeof(four));
		inet_ntop(AF_INET, &four.sin_addr, text, sizeof(text));
	} else if (a->sa_family == AF_INET6) {
		memcpy(&six, a, sizeof(six));
		inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof(text));
	}
	buf_text(out, text);
}
