/*
 * One transfer: a curl easy handle set up for a request, followed through its redirects.
 *
 * Redirects are followed here and not by curl, so that every address goes through the same check
 * and the key goes to no other host.
 */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "kiefs/http.h"

#include "http_address.h"
#include "http_parts.h"
#include "http_sink.h"

/* What the transfers of one `struct http` share. */
struct http_rules {
	struct origin api;
	struct origin upload; /* zeroed when there is none */
	bool api_is_loopback; /* plain http is allowed to any loopback address */
	bool api_is_private;  /* results may come from private addresses */
	bool proxied;	      /* the environment names a proxy for https */
	char *user_agent;
	char *key; /* NULL: none */
};

struct transfer {
	struct transfer *next, *prev; /* http.transfers */
	const struct http_rules *rules;
	struct http_request request; /* its url and if_range are owned, its body is borrowed */
	CURL *easy;
	struct curl_slist *headers;
	struct origin origin;
	bool trusted;	     /* a host the user configured: any address will do */
	bool blocked;	     /* an address was refused while connecting */
	bool reached;	     /* a connection stood and the request was about to go out */
	size_t body_at;	     /* bytes of the body handed to curl */
	size_t header_bytes; /* of the answer */
	bool head_is_whole;  /* the empty line after the headers came */
	int redirects;
	struct parts parts;
	struct sink sink;
	char error[CURL_ERROR_SIZE];
	char detail[512];
};

/* 0, -EACCES (the address is not allowed: `detail` says why, `easy` is NULL) or -ENOMEM; the
 * transfer must be destroyed in each case but -ENOMEM. */
int transfer_create(
	const struct http_rules *rules, const struct http_request *request, struct transfer **out);
/* `easy` must not be in a multi handle. Accepts NULL. */
void transfer_destroy(struct transfer *transfer);

/* After a transfer ended well: 1 when it was sent elsewhere and `easy` is new and ready, 0 when
 * the answer is the last, -EACCES and -ENOMEM as above. */
int transfer_redirect(struct transfer *transfer, CURLM *multi);

/* What became of it. The answer points into the transfer. */
void transfer_answer(struct transfer *transfer, CURLcode result, struct http_answer *out);
/* The answer of a transfer that was refused. */
void transfer_refused(struct transfer *transfer, struct http_answer *out);
