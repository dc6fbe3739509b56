#include "tiny_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 64

struct connection {
	struct tiny_server *server;
	pthread_t thread;
	int fd;
	int number;
};

/* `lock` guards the counts and the descriptors, which tiny_stop() shuts down from outside. */
struct tiny_server {
	tiny_handler_fn *handler;
	void *context;
	int fd;
	int port;
	pthread_t thread;
	pthread_mutex_t lock;
	bool stopping;
	int connection_count;
	int request_count;
	struct connection connections[MAX_CONNECTIONS];
};

/* The bytes of one line end or body arrive in any pieces; false at the end of the stream. */
static bool read_request(int fd, struct tiny_request *request)
{
	size_t len = 0, head_len, body_len;
	char *end = NULL;

	while (!end && len < sizeof(request->head) - 1) {
		ssize_t n = recv(fd, request->head + len, 1, 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
		request->head[len] = '\0';
		end = strstr(request->head, "\r\n\r\n");
	}
	head_len = len;
	if (!head_len || sscanf(request->head, "%15s %511s", request->method, request->path) != 2)
		return false;
	char length[32];
	tiny_header(request, "Content-Length", length, sizeof(length));
	body_len = strtoul(length, NULL, 10);
	while (request->body_len < body_len && request->body_len < sizeof(request->body) - 1) {
		size_t room = sizeof(request->body) - 1 - request->body_len;
		size_t want = body_len - request->body_len;
		ssize_t n =
			recv(fd, request->body + request->body_len, want < room ? want : room, 0);
		if (n <= 0)
			return false;
		request->body_len += (size_t)n;
	}
	return true;
}

static void *serve(void *user)
{
	struct connection *connection = user;
	struct tiny_server *server = connection->server;
	bool keep = true;

	while (keep) {
		struct tiny_request request = {.connection = connection->number};
		if (!read_request(connection->fd, &request))
			break;
		pthread_mutex_lock(&server->lock);
		request.number = ++server->request_count;
		pthread_mutex_unlock(&server->lock);
		keep = server->handler(connection->fd, &request, server->context);
	}
	pthread_mutex_lock(&server->lock);
	close(connection->fd);
	connection->fd = -1;
	pthread_mutex_unlock(&server->lock);
	return NULL;
}

static void *accept_all(void *user)
{
	struct tiny_server *server = user;

	for (;;) {
		int fd = accept(server->fd, NULL, NULL);
		if (fd < 0)
			return NULL;
		pthread_mutex_lock(&server->lock);
		bool refuse = server->stopping || server->connection_count == MAX_CONNECTIONS;
		if (!refuse) {
			struct connection *connection =
				&server->connections[server->connection_count++];
			connection->server = server;
			connection->fd = fd;
			connection->number = server->connection_count;
			pthread_create(&connection->thread, NULL, serve, connection);
		}
		pthread_mutex_unlock(&server->lock);
		if (refuse)
			close(fd);
	}
}

struct tiny_server *tiny_start(tiny_handler_fn *handler, void *context)
{
	struct tiny_server *server = calloc(1, sizeof(*server));
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);

	if (!server)
		abort();
	server->handler = handler;
	server->context = context;
	pthread_mutex_init(&server->lock, NULL);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server->fd < 0 || bind(server->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(server->fd, 64) < 0 ||
		getsockname(server->fd, (struct sockaddr *)&address, &size) < 0)
		abort();
	server->port = ntohs(address.sin_port);
	pthread_create(&server->thread, NULL, accept_all, server);
	return server;
}

void tiny_stop(struct tiny_server *server)
{
	pthread_mutex_lock(&server->lock);
	server->stopping = true;
	shutdown(server->fd, SHUT_RDWR);
	for (int i = 0; i < server->connection_count; i++)
		if (server->connections[i].fd >= 0)
			shutdown(server->connections[i].fd, SHUT_RDWR);
	pthread_mutex_unlock(&server->lock);
	pthread_join(server->thread, NULL);
	for (int i = 0; i < server->connection_count; i++)
		pthread_join(server->connections[i].thread, NULL);
	close(server->fd);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

int tiny_port(const struct tiny_server *server)
{
	return server->port;
}

int tiny_connections(struct tiny_server *server)
{
	pthread_mutex_lock(&server->lock);
	int count = server->connection_count;
	pthread_mutex_unlock(&server->lock);
	return count;
}

int tiny_requests(struct tiny_server *server)
{
	pthread_mutex_lock(&server->lock);
	int count = server->request_count;
	pthread_mutex_unlock(&server->lock);
	return count;
}

void tiny_header(const struct tiny_request *request, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);

	out[0] = '\0';
	for (const char *line = strstr(request->head, "\r\n"); line && line[2];
		line = strstr(line + 2, "\r\n")) {
		const char *at = line + 2;
		if (strncasecmp(at, name, n) != 0 || at[n] != ':')
			continue;
		at += n + 1;
		at += strspn(at, " ");
		snprintf(out, size, "%.*s", (int)strcspn(at, "\r"), at);
		return;
	}
}

void tiny_send(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		at += n;
		len -= (size_t)n;
	}
}

void tiny_sendf(int fd, const char *format, ...)
{
	char text[8192];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n > 0 && (size_t)n < sizeof(text))
		tiny_send(fd, text, (size_t)n);
}

void tiny_stall(int fd)
{
	char byte;

	while (recv(fd, &byte, 1, 0) > 0)
		;
}
