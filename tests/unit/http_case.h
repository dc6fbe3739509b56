/* What the HTTP tests share: a client that keeps its last answer, and a server that answers by
 * path. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "kiefs/http.h"

#include "tiny_server.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define KEY "sk-0123456789abcdef"

/* What the last answers said; the texts are copies. */
struct got {
	int count;
	struct http_answer answer;
	char body[4096];
	char detail[512];
	char etag[128];
	char type[128];
};

/* An http_done_fn; the context is a struct got. */
void keep(const struct http_answer *answer, void *context);
struct http *new_http(const char *api_url, struct got *got);
/* With the server as the API; its address goes to `url`. */
struct http *new_http_at(struct tiny_server *server, struct got *got, char url[64]);
/* Starts one transfer and runs until all have ended. GET and 1 MiB unless the request says. */
void run(struct http *http, struct http_request request);
/* Also that the key is not in the sentence for the log. */
void expect(const struct got *got, enum http_outcome outcome, int status);

/* 200 with a length. `headers` is "" or whole lines. */
void send_text(int fd, const char *headers, const char *body);
/* 1000 times "a", by gzip. */
#define PACKED_SIZE 29
extern const unsigned char packed[PACKED_SIZE];
/*
 * A tiny_handler_fn: /hello, /echo (method, Authorization, body), /file (ten bytes, with ranges),
 * /packed, /close, /stall, /to/ADDRESS (302). Any other path gets the bytes that stand as context,
 * and the end of the connection.
 */
bool by_path(int fd, const struct tiny_request *request, void *context);
