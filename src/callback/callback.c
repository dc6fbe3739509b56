/*
 * The listener. One thread of libmicrohttpd's runs everything here but start, stop and the two
 * prints; they meet at the atomic counters. Connections are few and short: a body has a maximum and
 * a deadline, and when there are too many connections the oldest gives way, so that whoever holds
 * them open keeps nobody out.
 */
#include "kiefs/callback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <nettle/memops.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kiefs/buf.h"
#include "kiefs/error.h"

/* The callback repeats the request, prompts and all. */
#define BODY_MAX ((size_t)1 << 20)
#define CONNECTIONS_MAX 32
/* Room for those that were told to go and have not gone yet. */
#define CONNECTIONS_SPARE 32
#define IDLE_S 10
#define DEADLINE_MS 10000
#define ORIGIN_SIZE (INET6_ADDRSTRLEN + 32)

struct connection {
	int fd;		 /* -1: free */
	uint64_t serial; /* the lower the older */
};

struct callback {
	struct callback_options options;
	char *key, *token;
	char origin[ORIGIN_SIZE];
	struct MHD_Daemon *daemon;
	struct connection connections[CONNECTIONS_MAX + CONNECTIONS_SPARE];
	int open; /* of them */
	uint64_t serial;
	atomic_ullong received, verdicts[CALLBACK_VERDICTS];
};

/* One request on its way. */
struct exchange {
	struct buf body;
	int64_t until_ms;
};

static const struct {
	const char *name;
	unsigned status; /* HTTP; 0: the connection is just closed */
} verdicts[CALLBACK_VERDICTS] = {
	[CALLBACK_ACCEPTED] = {"accepted", 200},
	/* The service would send it again after any other answer. */
	[CALLBACK_ENDED] = {"ended", 200},
	[CALLBACK_UNKNOWN] = {"unknown", 200},
	[CALLBACK_BUSY] = {"busy", 200},
	[CALLBACK_PATH] = {"path", 404},
	[CALLBACK_METHOD] = {"method", 405},
	[CALLBACK_LARGE] = {"large", 413},
	[CALLBACK_SLOW] = {"slow", 0},
	[CALLBACK_FORM] = {"form", 400},
	[CALLBACK_UNSIGNED] = {"unsigned", 401},
	[CALLBACK_STALE] = {"stale", 401},
};

static enum MHD_Result reply(
	struct callback *callback, struct MHD_Connection *connection, enum callback_verdict verdict)
{
	static char good[] = "{\"code\":200,\"msg\":\"success\"}";
	static char bad[] = "{\"code\":400,\"msg\":\"refused\"}";
	unsigned status = verdicts[verdict].status;
	char *text = status == 200 ? good : bad;

	atomic_fetch_add(&callback->verdicts[verdict], 1);
	if (status == 0)
		return MHD_NO;
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_PERSISTENT);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	enum MHD_Result done = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return done;
}

/* A proxy may have put anything before it. */
static bool is_ours(const struct callback *callback, const char *path)
{
	const char *last = strrchr(path, '/');
	size_t len = strlen(callback->token);

	return last && strlen(last + 1) == len && memeql_sec(last + 1, callback->token, len);
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* What can be told before the body comes. */
static enum callback_verdict look_at_head(const struct callback *callback,
	struct MHD_Connection *connection, const char *path, const char *method)
{
	const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);

	if (!is_ours(callback, path))
		return CALLBACK_PATH;
	if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
		return CALLBACK_METHOD;
	if (length && strtoull(length, NULL, 10) > BODY_MAX)
		return CALLBACK_LARGE;
	return CALLBACK_ACCEPTED;
}

static enum callback_verdict look_at_body(const struct callback *callback,
	struct MHD_Connection *connection, const struct exchange *exchange)
{
	const struct callback_options *options = &callback->options;
	enum callback_verdict verdict = CALLBACK_ACCEPTED;
	char *id = NULL;
	int r = callback_task_id(options->paths, exchange->body.data ? exchange->body.data : "",
		exchange->body.len, &id);

	if (r < 0)
		return CALLBACK_FORM;
	if (callback->key)
		verdict =
			callback_check(callback->key, id, header(connection, "X-Webhook-Timestamp"),
				header(connection, "X-Webhook-Signature"),
				options->clock(options->context));
	if (verdict == CALLBACK_ACCEPTED)
		verdict = options->found(id, options->context);
	free(id);
	return verdict;
}

static enum MHD_Result begin(struct callback *callback, struct MHD_Connection *connection,
	const char *path, const char *method, void **state)
{
	enum callback_verdict verdict = look_at_head(callback, connection, path, method);
	struct exchange *exchange;

	atomic_fetch_add(&callback->received, 1);
	if (verdict != CALLBACK_ACCEPTED)
		return reply(callback, connection, verdict);
	exchange = calloc(1, sizeof(*exchange));
	if (!exchange)
		return MHD_NO;
	buf_init(&exchange->body, BODY_MAX);
	exchange->until_ms = callback->options.clock(callback->options.context) + DEADLINE_MS;
	*state = exchange;
	return MHD_YES;
}

static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *path,
	const char *method, const char *version, const char *upload, size_t *upload_len,
	void **state)
{
	struct callback *callback = user;
	struct exchange *exchange = *state;

	if (!exchange)
		return begin(callback, connection, path, method, state);
	if (callback->options.clock(callback->options.context) > exchange->until_ms)
		return reply(callback, connection, CALLBACK_SLOW);
	if (*upload_len == 0)
		return reply(callback, connection, look_at_body(callback, connection, exchange));
	if (buf_add(&exchange->body, upload, *upload_len) < 0) {
		/* In the middle of a body nothing can be answered. */
		atomic_fetch_add(&callback->verdicts[CALLBACK_LARGE], 1);
		return MHD_NO;
	}
	*upload_len = 0;
	return MHD_YES;
}

static void complete(void *user, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode code)
{
	struct exchange *exchange = *state;

	if (!exchange)
		return;
	buf_finish(&exchange->body);
	free(exchange);
	*state = NULL;
}

/* The oldest connection ends; libmicrohttpd finds that out by itself. */
static void make_room(struct callback *callback)
{
	struct connection *oldest = NULL;

	for (size_t i = 0; i < CONNECTIONS_MAX + CONNECTIONS_SPARE; i++) {
		struct connection *this = &callback->connections[i];
		if (this->fd >= 0 && (!oldest || this->serial < oldest->serial))
			oldest = this;
	}
	if (!oldest)
		return;
	shutdown(oldest->fd, SHUT_RDWR);
	oldest->serial = UINT64_MAX; /* told already */
	atomic_fetch_add(&callback->verdicts[CALLBACK_SLOW], 1);
}

static void came(struct callback *callback, struct MHD_Connection *connection, void **slot)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (callback->open >= CONNECTIONS_MAX)
		make_room(callback);
	for (size_t i = 0; i < CONNECTIONS_MAX + CONNECTIONS_SPARE; i++) {
		struct connection *this = &callback->connections[i];
		if (this->fd >= 0)
			continue;
		*this = (struct connection){info ? (int)info->connect_fd : -1, callback->serial++};
		callback->open++;
		*slot = this;
		return;
	}
}

static void changed(void *user, struct MHD_Connection *connection, void **slot,
	enum MHD_ConnectionNotificationCode code)
{
	struct callback *callback = user;
	struct connection *this = *slot;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		came(callback, connection, slot);
		return;
	}
	if (!this)
		return;
	this->fd = -1;
	callback->open--;
	*slot = NULL;
}

/* "127.0.0.1:8080" or "[::1]:8080"; the configuration has checked its form. */
static int parse_address(const char *listen, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	const char *colon = strrchr(listen, ':');
	char host[INET6_ADDRSTRLEN + 2];
	size_t len = colon ? (size_t)(colon - listen) : 0;

	memset(out, 0, sizeof(*out));
	if (len == 0 || len >= sizeof(host))
		return -EINVAL;
	memcpy(host, listen, len);
	host[len] = '\0';
	uint16_t port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		in6->sin6_family = AF_INET6;
		in6->sin6_port = port;
		return inet_pton(AF_INET6, host + 1, &in6->sin6_addr) == 1 ? 0 : -EINVAL;
	}
	in->sin_family = AF_INET;
	in->sin_port = port;
	return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? 0 : -EINVAL;
}

static int listen_at(struct callback *callback, const char *listen, struct error *err)
{
	struct sockaddr_storage address;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD;

	if (parse_address(listen, &address) < 0)
		return error_set(err, -EINVAL, "callback_listen: %s is no address.", listen);
	if (address.ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	errno = 0;
	callback->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, callback,
		MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_NOTIFY_COMPLETED,
		complete, NULL, MHD_OPTION_NOTIFY_CONNECTION, changed, callback,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX + CONNECTIONS_SPARE,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_END);
	if (!callback->daemon) {
		int code = errno ? -errno : -EIO;
		return error_set(err, code, "callback_listen: nothing can listen at %s: %s.",
			listen, strerror(-code));
	}
	snprintf(callback->origin, sizeof(callback->origin), "http://%.*s:%u",
		(int)(strrchr(listen, ':') - listen), listen,
		(unsigned)MHD_get_daemon_info(callback->daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	return 0;
}

int callback_start(const struct callback_options *options, struct callback **out, struct error *err)
{
	struct callback *callback = calloc(1, sizeof(*callback));
	int r = -ENOMEM;

	if (!callback)
		return error_set(err, r, "Out of memory.");
	callback->options = *options;
	for (size_t i = 0; i < CONNECTIONS_MAX + CONNECTIONS_SPARE; i++)
		callback->connections[i].fd = -1;
	callback->token = strdup(options->token);
	callback->options.paths = cJSON_Duplicate(options->paths, true);
	callback->key = options->key ? strdup(options->key) : NULL;
	if (!callback->token || (options->paths && !callback->options.paths) ||
		(options->key && !callback->key))
		error_set(err, r, "Out of memory.");
	else
		r = listen_at(callback, options->listen, err);
	if (r < 0)
		callback_stop(callback);
	else
		*out = callback;
	return r;
}

void callback_stop(struct callback *callback)
{
	if (!callback)
		return;
	if (callback->daemon)
		MHD_stop_daemon(callback->daemon);
	if (callback->key)
		explicit_bzero(callback->key, strlen(callback->key));
	cJSON_Delete((cJSON *)callback->options.paths);
	free(callback->key);
	free(callback->token);
	free(callback);
}

const char *callback_origin(const struct callback *callback)
{
	return callback->origin;
}

int callback_print(const struct callback *callback, const char *address, struct buf *out)
{
	if (!callback)
		return buf_adds(out, "off: callback_listen is not set\n");
	buf_addf(out, "listening: %s\n", callback->origin);
	buf_addf(out, "address in requests: %s\n", address ? address : "none: set callback_url");
	buf_addf(out, "signatures: %s\n",
		callback->key ? "checked" : "not checked: there is no key");
	buf_addf(out, "received: %llu\n", (unsigned long long)atomic_load(&callback->received));
	for (int i = 0; i < CALLBACK_VERDICTS; i++)
		buf_addf(out, "%s: %llu\n", verdicts[i].name,
			(unsigned long long)atomic_load(&callback->verdicts[i]));
	return out->error;
}

int callback_stats(const struct callback *callback, struct buf *out)
{
	buf_adds(out, "# HELP kiefs_callbacks_total Callbacks by what became of them.\n"
		      "# TYPE kiefs_callbacks_total counter\n");
	for (int i = 0; i < CALLBACK_VERDICTS; i++)
		buf_addf(out, "kiefs_callbacks_total{verdict=\"%s\"} %llu\n", verdicts[i].name,
			callback ? (unsigned long long)atomic_load(&callback->verdicts[i]) : 0ULL);
	return out->error;
}
