#include "http_address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

static int part(CURLU *parsed, CURLUPart what, unsigned flags, char **out)
{
	char *text = NULL;

	if (curl_url_get(parsed, what, &text, flags) != CURLUE_OK)
		return -EINVAL;
	*out = strdup(text);
	curl_free(text);
	if (!*out)
		return -ENOMEM;
	for (char *c = *out; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return 0;
}

static bool has_part(CURLU *parsed, CURLUPart what)
{
	char *text = NULL;
	bool has = curl_url_get(parsed, what, &text, 0) == CURLUE_OK;

	curl_free(text);
	return has;
}

int origin_parse(const char *url, struct origin *out)
{
	struct origin origin = {0};
	CURLU *parsed = curl_url();
	int r = -ENOMEM;

	if (!parsed)
		return -ENOMEM;
	CURLUcode code = curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
	if (code != CURLUE_OK) {
		r = code == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
		goto out;
	}
	r = -EINVAL;
	if (has_part(parsed, CURLUPART_USER) || has_part(parsed, CURLUPART_PASSWORD))
		goto out;
	r = part(parsed, CURLUPART_SCHEME, 0, &origin.scheme);
	if (r == 0)
		r = part(parsed, CURLUPART_HOST, 0, &origin.host);
	if (r == 0)
		r = part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT, &origin.port);
out:
	curl_url_cleanup(parsed);
	if (r < 0)
		origin_finish(&origin);
	else
		*out = origin;
	return r;
}

void origin_finish(struct origin *origin)
{
	if (!origin)
		return;
	free(origin->scheme);
	free(origin->host);
	free(origin->port);
	*origin = (struct origin){0};
}

bool origin_equal(const struct origin *a, const struct origin *b)
{
	return a->host && b->host && strcmp(a->scheme, b->scheme) == 0 &&
	       strcmp(a->host, b->host) == 0 && strcmp(a->port, b->port) == 0;
}

/* The address that the host spells, if it spells one. */
static bool literal(const char *host, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	char inner[INET6_ADDRSTRLEN];

	memset(out, 0, sizeof(*out));
	v4->sin_family = AF_INET;
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1)
		return true;
	size_t n = strcspn(host, "]%");
	if (host[0] != '[' || n < 2 || n - 1 >= sizeof(inner))
		return false;
	memcpy(inner, host + 1, n - 1);
	inner[n - 1] = '\0';
	v6->sin6_family = AF_INET6;
	return inet_pton(AF_INET6, inner, &v6->sin6_addr) == 1;
}

static bool is_localhost(const char *host)
{
	static const char name[] = "localhost";
	size_t n = strlen(host);

	if (n && host[n - 1] == '.')
		n--;
	if (n == strlen(name))
		return strncmp(host, name, n) == 0;
	return n > strlen(name) && host[n - strlen(name) - 1] == '.' &&
	       strncmp(host + n - strlen(name), name, strlen(name)) == 0;
}

bool origin_is_loopback(const struct origin *origin)
{
	struct sockaddr_storage address;

	if (is_localhost(origin->host))
		return true;
	if (!literal(origin->host, &address))
		return false;
	if (address.ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&address)->sin6_addr);
	return ntohl(((struct sockaddr_in *)&address)->sin_addr.s_addr) >> 24 == 127;
}

bool origin_is_private(const struct origin *origin)
{
	struct sockaddr_storage address;

	return is_localhost(origin->host) ||
	       (literal(origin->host, &address) &&
		       address_is_private((const struct sockaddr *)&address));
}

static bool is_private_v4(uint32_t address)
{
	static const struct {
		uint32_t net;
		int bits;
	} blocks[] = {
		{0x00000000, 8},  /* this network */
		{0x0a000000, 8},  /* private */
		{0x64400000, 10}, /* shared by a carrier's customers */
		{0x7f000000, 8},  /* loopback */
		{0xa9fe0000, 16}, /* link-local */
		{0xac100000, 12}, /* private */
		{0xc0000000, 24}, /* protocol assignments */
		{0xc0a80000, 16}, /* private */
		{0xc6120000, 15}, /* benchmarks */
		{0xe0000000, 3},  /* multicast, reserved, broadcast */
	};

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if ((address ^ blocks[i].net) >> (32 - blocks[i].bits) == 0)
			return true;
	return false;
}

static uint32_t v4_at(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static bool is_private_v6(const uint8_t bytes[16])
{
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
	static const uint8_t zero[12];

	if ((bytes[0] & 0xfe) == 0xfc || bytes[0] == 0xff)
		return true; /* unique local, multicast */
	if (bytes[0] == 0xfe && (bytes[1] & 0x80) == 0x80)
		return true; /* link-local and the old site-local */
	if (memcmp(bytes, nat64, 12) == 0)
		return is_private_v4(v4_at(bytes + 12));
	if (bytes[0] == 0x20 && bytes[1] == 0x02)
		return is_private_v4(v4_at(bytes + 2)); /* 6to4 */
	if (memcmp(bytes, zero, 10) == 0 && bytes[10] == 0xff && bytes[11] == 0xff)
		return is_private_v4(v4_at(bytes + 12)); /* IPv4-mapped */
	/* Unspecified, loopback and IPv4-compatible. */
	return memcmp(bytes, zero, 12) == 0;
}

bool address_is_private(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return is_private_v4(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
	if (address->sa_family == AF_INET6)
		return is_private_v6(((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr);
	return true;
}
