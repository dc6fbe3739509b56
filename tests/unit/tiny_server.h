/*
 * A web server for tests: HTTP/1.1 on 127.0.0.1, a thread per connection, no rules of its own.
 * The handler writes whatever it likes to the socket, and may close, cut or stall.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct tiny_server;

struct tiny_request {
	char method[16];
	char path[512];
	char head[8192];
	char body[8192];
	size_t body_len;
	int connection; /* from 1 */
	int number;	/* from 1, over all connections */
};

/* Runs in a connection's thread. False ends the connection. */
typedef bool tiny_handler_fn(int fd, const struct tiny_request *request, void *context);

struct tiny_server *tiny_start(tiny_handler_fn *handler, void *context);
/* Ends every connection and thread. */
void tiny_stop(struct tiny_server *server);

int tiny_port(const struct tiny_server *server);
int tiny_connections(struct tiny_server *server);
int tiny_requests(struct tiny_server *server);

/* Copies the header's value; "" when it is absent. */
void tiny_header(const struct tiny_request *request, const char *name, char *out, size_t size);
void tiny_send(int fd, const void *data, size_t len);
void tiny_sendf(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Waits until the far side closes. */
void tiny_stall(int fd);
