/*
 * The glue to libmicrohttpd.
 *
 * Threads: a pool of two runs epoll loops, and each connection stays with its thread. A handler
 * must not wait: what takes time (a file to be made, a delay asked for) suspends the connection,
 * and the thread of products or of delay wakes it; the library then calls again where it was
 * suspended. Each part of struct sim locks for itself, so the handlers of both threads run side by
 * side.
 */
#include "server.h"

#include "fetch.h"
#include "send.h"
#include "sim.h"

#include "kiefs/error.h"
#include "kiefs/upload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define CONNECTIONS_MAX 8192
#define IDLE_TIMEOUT_S 300

struct server {
	struct sim *sim;
	struct MHD_Daemon *daemon;
	MHD_socket listener;
};

/* One request on its way; lives from its first line to its end. */
struct exchange {
	struct buf body;
	struct intake *intake; /* in place of `body`; NULL: none */
	struct fetch *fetch;
	struct reply reply;
	bool answered; /* the reply is complete, only its delay may be left */
	bool delayed;
};

const char *request_query(const struct request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *request_header(const struct request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

static bool is_loopback(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	if (!info || !info->client_addr)
		return false;
	if (info->client_addr->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)info->client_addr;

		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	}
	const struct sockaddr_in6 *in6 = (const void *)info->client_addr;
	return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

static const char *bearer_key(const struct request *request)
{
	const char *header = request_header(request, "Authorization");

	if (!header || strncasecmp(header, "Bearer ", 7) != 0)
		return NULL;
	header += 7 + strspn(header + 7, " ");
	return *header ? header : NULL;
}

/* 0, or what the handler returns; -EAGAIN when the connection was suspended. */
static int answer(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	if (!route)
		return reply_json(reply, 404,
			cJSON_Parse("{\"code\":404,\"msg\":\"Not found\",\"data\":null}"));
	if (route->control && !request->loopback)
		return reply_json(reply, 403, cJSON_Parse("{\"error\":\"loopback only\"}"));
	if (request->body_len > BODY_MAX)
		return reply_envelope(reply, 413, "The request body is too large", NULL);
	if (route->needs_key && (!request->key || account_is_bad(&sim->account, request->key)))
		return reply_envelope(reply, 401,
			"Unauthorized – Authentication failed. Please check that your "
			"Authorization and Content-Type headers are correctly set.",
			NULL);
	/* The others ask the rules themselves, since they know the model or the task. */
	if (route->stage == STAGE_OTHER) {
		reply->fault_count = fault_rules_meet(&sim->faults, route->stage, request->path,
			NULL, NULL, reply->faults, reply->fault_count);
		if (reply_refused(reply))
			return 0;
	}
	return route->handle(sim, route, request, reply);
}

static int run(struct sim *sim, const struct request *request, struct exchange *exchange)
{
	struct reply *reply = &exchange->reply;
	const struct route *route = routes_find(&sim->routes, request->method, request->path);
	int r = answer(sim, route, request, reply);

	if (r == -EAGAIN) {
		reply->fault_count = 0;
		return r;
	}
	if (r < 0)
		r = reply_envelope(reply, 500, "Server exception, please try again later", NULL);
	if (r == 0 && !reply->file)
		r = reply_spoil(reply);
	if (route && !route->control)
		ledger_add(
			&sim->ledger, route->stage, sim_clock_now_ms(&sim->clock), request, reply);
	exchange->answered = true;
	return r;
}

static enum MHD_Result finish(
	struct sim *sim, const struct request *request, struct exchange *exchange)
{
	const struct fault *slow = reply_fault(&exchange->reply, FAULT_SLOW);

	if (slow && !exchange->delayed) {
		exchange->delayed = true;
		if (delay_connection(
			    &sim->delay, request->connection, slow->ms ? slow->ms : 3000) == 0)
			return MHD_YES;
	}
	return send_reply(sim, request, &exchange->reply);
}

/* Where a file is to come, who has no key is told so before it does. */
static enum MHD_Result begin(struct sim *sim, struct MHD_Connection *connection, const char *path,
	const char *method, struct exchange *exchange)
{
	const struct route *route = routes_find(&sim->routes, method, path);
	struct request request = {.connection = connection,
		.method = method,
		.path = path,
		.body = "",
		.fetch = &exchange->fetch};

	if (!route || !route->upload || route->upload->form != UPLOAD_STREAM)
		return MHD_YES;
	request.key = bearer_key(&request);
	if (request.key && !account_is_bad(&sim->account, request.key)) {
		exchange->intake = intake_create(route->upload, &request, sim->options.upload_max);
		return MHD_YES;
	}
	return run(sim, &request, exchange) < 0 ? MHD_NO : finish(sim, &request, exchange);
}

static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *path,
	const char *method, const char *version, const char *upload, size_t *upload_len,
	void **state)
{
	struct sim *sim = user;
	struct exchange *exchange = *state;

	if (!exchange) {
		exchange = calloc(1, sizeof(*exchange));
		if (!exchange)
			return MHD_NO;
		buf_init(&exchange->body, BODY_MAX);
		reply_init(&exchange->reply);
		*state = exchange;
		return begin(sim, connection, path, method, exchange);
	}
	if (*upload_len) {
		if (!exchange->intake)
			buf_add(&exchange->body, upload, *upload_len);
		else if (!intake_feed(exchange->intake, upload, *upload_len))
			return MHD_NO;
		*upload_len = 0;
		return MHD_YES;
	}
	struct request request = {.connection = connection,
		.method = method,
		.path = path,
		.body = exchange->body.data ? exchange->body.data : "",
		.body_len = exchange->body.error ? BODY_MAX + 1 : exchange->body.len,
		.loopback = is_loopback(connection),
		.fetch = &exchange->fetch,
		.intake = exchange->intake};
	request.key = bearer_key(&request);
	if (!exchange->answered) {
		int r = run(sim, &request, exchange);

		if (r < 0)
			return r == -EAGAIN ? MHD_YES : MHD_NO;
	}
	return finish(sim, &request, exchange);
}

static void complete(void *user, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode code)
{
	struct sim *sim = user;
	struct exchange *exchange = *state;

	if (!exchange)
		return;
	products_put(&sim->products, exchange->reply.file);
	reply_finish(&exchange->reply);
	buf_finish(&exchange->body);
	intake_destroy(exchange->intake);
	fetch_destroy(exchange->fetch);
	free(exchange);
	*state = NULL;
}

static int make_address(const struct options *options, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, options->listen, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)options->port);
		return 0;
	}
	if (inet_pton(AF_INET6, options->listen, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)options->port);
		return 0;
	}
	return -EINVAL;
}

int server_start(struct sim *sim, struct server **out, struct error *err)
{
	struct sockaddr_storage address;
	struct server *server = calloc(1, sizeof(*server));
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;

	if (!server)
		return -ENOMEM;
	*server = (struct server){.sim = sim, .listener = MHD_INVALID_SOCKET};
	if (make_address(&sim->options, &address) < 0) {
		free(server);
		return error_set(
			err, -EINVAL, "--listen: %s is no IP address", sim->options.listen);
	}
	if (address.ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	errno = 0;
	server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, sim, MHD_OPTION_SOCK_ADDR,
		(struct sockaddr *)&address, MHD_OPTION_NOTIFY_COMPLETED, complete, sim,
		MHD_OPTION_THREAD_POOL_SIZE, 2u, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S,
		MHD_OPTION_END);
	if (!server->daemon) {
		int code = errno ? -errno : -EIO;

		free(server);
		return error_set(err, code, "Cannot listen on %s port %u: %s", sim->options.listen,
			sim->options.port, strerror(-code));
	}
	sim->options.port = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	*out = server;
	return 0;
}

void server_quiesce(struct server *server)
{
	if (server)
		server->listener = MHD_quiesce_daemon(server->daemon);
}

void server_stop(struct server *server)
{
	if (!server)
		return;
	MHD_stop_daemon(server->daemon);
	if (server->listener != MHD_INVALID_SOCKET)
		close(server->listener);
	free(server);
}
