/* Which addresses a transfer may go to. */
#pragma once

#include <stdbool.h>

struct sockaddr;

/* Scheme, host and port of a URL. Zeroed: none. */
struct origin {
	char *scheme; /* lower case */
	char *host;   /* lower case, an IPv6 address with its brackets */
	char *port;   /* the scheme's own when the URL names none */
};

/* 0, -EINVAL (no absolute URL, or one with a user or password in it) or -ENOMEM. */
int origin_parse(const char *url, struct origin *out);
void origin_finish(struct origin *origin);
bool origin_equal(const struct origin *a, const struct origin *b);

/* The host is "localhost" or spells a loopback address. */
bool origin_is_loopback(const struct origin *origin);
/* The host is such a name or spells an address that address_is_private(). */
bool origin_is_private(const struct origin *origin);

/* Loopback, link-local, private, shared (RFC 6598), multicast, unspecified or reserved, also
 * inside an IPv6 address that carries an IPv4 one; and any family but these two. */
bool address_is_private(const struct sockaddr *address);
