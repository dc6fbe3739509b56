#include "http_transfer.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define CONNECT_MS 10000
#define STALL_S 30
/* A service that has a large file stores it before it answers. */
#define PARTS_STALL_S 180
#define MAX_REDIRECTS 3
#define MAX_HEADER_BYTES (256u << 10)
#define FILE_BUFFER_BYTES (512L << 10)
/* A connection idle for longer may be closed by the far side just as a request goes out, which
 * leaves a request that must be sent once without an answer. */
#define ONCE_IDLE_S 20L
#define RETRY_AFTER_MAX_S 86400
#define KEY_MASK_MIN 8

static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *t = user;
	/* Through a proxy this is the proxy's address, which the user chose. */
	bool checked = !t->trusted && !t->rules->proxied;

	if (checked && address_is_private(&address->addr)) {
		t->blocked = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Runs when a connection stands and the request is about to go out on it: also when curl, by
 * itself, sends it again because a reused connection turned out to be dead. */
static int before_request(void *user, char *peer, char *local, int peer_port, int local_port)
{
	struct transfer *t = user;
	bool body_is_whole = t->request.body_len > 0 && t->body_at == 0;

	if (t->request.once && t->reached && !body_is_whole)
		return CURL_PREREQFUNC_ABORT;
	t->reached = true;
	return CURL_PREREQFUNC_OK;
}

/* Gives the body out once: without a seek function curl cannot rewind it. */
static size_t read_body(char *out, size_t size, size_t count, void *user)
{
	struct transfer *t = user;
	size_t left = t->request.body_len - t->body_at;
	size_t n = size * count < left ? size * count : left;

	if (n)
		memcpy(out, t->request.body + t->body_at, n);
	t->body_at += n;
	return n;
}

static size_t read_header(char *data, size_t size, size_t count, void *user)
{
	struct transfer *t = user;

	/* curl takes a connection that ends amid the headers for the end of an empty body. */
	if (size * count >= 5 && memcmp(data, "HTTP/", 5) == 0)
		t->head_is_whole = false;
	else if (size * count <= 2 && (data[0] == '\r' || data[0] == '\n'))
		t->head_is_whole = true;
	t->header_bytes += size * count;
	if (t->header_bytes <= MAX_HEADER_BYTES)
		return size * count;
	t->sink.stopped = true;
	t->sink.outcome = HTTP_TOO_LARGE;
	return 0;
}

static const char *header(const struct transfer *t, const char *name)
{
	struct curl_header *found;

	if (!t->easy || curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &found) != CURLHE_OK)
		return NULL;
	return found->value;
}

/* "" when absent, or with control characters in it (curl leaves the CR of an empty value). */
static const char *header_text(const struct transfer *t, const char *name)
{
	const char *value = header(t, name);

	for (const char *c = value; c && *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return "";
	return value ? value : "";
}

static int status_of(const struct transfer *t)
{
	long status = 0;

	if (t->easy)
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

/* What must still hold for a resume; "" when the server told nothing. */
static const char *etag(const struct transfer *t)
{
	const char *text = header_text(t, "ETag");

	return text[0] ? text : header_text(t, "Last-Modified");
}

static bool begin_body(struct transfer *t)
{
	curl_off_t length = -1;

	curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	if (!sink_begin(&t->sink, status_of(t), length, header(t, "Content-Range")))
		return false;
	if (t->sink.to_file && t->sink.status != 206 && t->request.begun)
		t->request.begun(etag(t), t->request.user);
	return true;
}

static size_t write_body(char *data, size_t size, size_t count, void *user)
{
	struct transfer *t = user;

	if (!t->sink.begun && !begin_body(t))
		return 0;
	return sink_write(&t->sink, data, size * count) ? size * count : 0;
}

static int refuse(struct transfer *t, const char *why)
{
	snprintf(t->detail, sizeof(t->detail), "%s.", why);
	return -EACCES;
}

static bool is_configured(const struct http_rules *rules, const struct origin *origin)
{
	return origin_equal(origin, &rules->api) || origin_equal(origin, &rules->upload);
}

/* Sets `origin` and `trusted` for the address of this hop. */
static int check_address(struct transfer *t)
{
	const struct http_rules *rules = t->rules;
	struct origin origin = {0};

	int r = origin_parse(t->request.url, &origin);
	if (r == -EINVAL)
		return refuse(t, "The address is no plain https address");
	if (r < 0)
		return r;
	origin_finish(&t->origin);
	t->origin = origin;
	bool configured = is_configured(rules, &origin);
	t->trusted = configured || rules->api_is_private;
	if (strcmp(origin.scheme, "http") == 0) {
		if (!origin_is_loopback(&origin) || (!configured && !rules->api_is_loopback))
			return refuse(t, "Plain http is not allowed, only https");
	} else if (strcmp(origin.scheme, "https") != 0) {
		return refuse(t, "Only https addresses are allowed");
	}
	if (t->request.authorized && !configured)
		return refuse(t, "The key goes to the API's own hosts only");
	if (!t->trusted && origin_is_private(&origin))
		return refuse(t, "The address is private or on this machine");
	return 0;
}

static int add_header(struct transfer *t, const char *name, const char *value)
{
	char *line = NULL;

	if (asprintf(&line, "%s%s", name, value) < 0)
		return -ENOMEM;
	struct curl_slist *longer = curl_slist_append(t->headers, line);
	explicit_bzero(line, strlen(line));
	free(line);
	if (!longer)
		return -ENOMEM;
	t->headers = longer;
	return 0;
}

/* One of them holds the key. */
static void free_headers(struct transfer *t)
{
	for (struct curl_slist *line = t->headers; line; line = line->next)
		explicit_bzero(line->data, strlen(line->data));
	curl_slist_free_all(t->headers);
	t->headers = NULL;
}

static int set_headers(struct transfer *t)
{
	int r = 0;

	free_headers(t);
	if (t->request.authorized && t->rules->key)
		r = add_header(t, "Authorization: Bearer ", t->rules->key);
	if (r == 0 && t->sink.resume > 0 && t->request.if_range)
		r = add_header(t, "If-Range: ", t->request.if_range);
	if (r == 0 && t->request.body)
		r = add_header(t, "Content-Type: ", "application/json");
	/* Waiting for "100 Continue" would leave room for a second sending; before a large file
	 * it spares sending it to somebody who does not want it. */
	if (r == 0 && !t->request.part_count)
		r = add_header(t, "Expect:", "");
	if (r == 0)
		curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	return r;
}

static bool is_post(const struct transfer *t)
{
	return strcmp(t->request.method, "POST") == 0;
}

static int set_method(struct transfer *t)
{
	curl_off_t length = (curl_off_t)t->request.body_len;

	if (!is_post(t)) {
		curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L);
		return 0;
	}
	if (t->request.part_count)
		return parts_set(&t->parts, t->easy, &t->request);
	curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, length);
	if (t->request.once && length > 0) {
		curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, read_body);
		curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
	} else {
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, length ? t->request.body : "");
	}
	if (t->request.once)
		curl_easy_setopt(t->easy, CURLOPT_MAXAGE_CONN, ONCE_IDLE_S);
	return 0;
}

static void set_times(struct transfer *t)
{
	long connect_ms = t->request.connect_ms > 0 ? t->request.connect_ms : CONNECT_MS;

	curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	if (t->request.total_ms > 0) {
		curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)t->request.total_ms);
	} else {
		curl_easy_setopt(t->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(t->easy, CURLOPT_LOW_SPEED_TIME,
			(long)(t->request.part_count ? PARTS_STALL_S : STALL_S));
	}
}

static void set_sink(struct transfer *t)
{
	char range[32];

	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, write_body);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, read_header);
	curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	if (t->request.fd < 0) {
		curl_easy_setopt(t->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
		return;
	}
	curl_easy_setopt(t->easy, CURLOPT_BUFFERSIZE, FILE_BUFFER_BYTES);
	if (t->sink.resume > 0) {
		snprintf(range, sizeof(range), "%lld-", (long long)t->sink.resume);
		curl_easy_setopt(t->easy, CURLOPT_RANGE, range);
	}
}

static void set_connection(struct transfer *t)
{
	curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, t->origin.scheme);
	curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(t->easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(t->easy, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(t->easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, before_request);
	curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
	/* This machine is never reached through a proxy. A stranger's address always is when
	 * there is one, or the exceptions from it would lead past the check of the peer. */
	if (origin_is_loopback(&t->origin))
		curl_easy_setopt(t->easy, CURLOPT_NOPROXY, "*");
	else if (!t->trusted && t->rules->proxied)
		curl_easy_setopt(t->easy, CURLOPT_NOPROXY, "");
}

/* For the first address and for each redirect; the handle in use before is gone. */
static int set_up(struct transfer *t)
{
	int r = check_address(t);

	if (r < 0)
		return r;
	t->easy = curl_easy_init();
	if (!t->easy)
		return -ENOMEM;
	t->header_bytes = 0;
	t->head_is_whole = false;
	t->error[0] = '\0';
	sink_finish(&t->sink);
	sink_init(&t->sink, &t->request);
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(t->easy, CURLOPT_USERAGENT, t->rules->user_agent);
	set_connection(t);
	set_times(t);
	set_sink(t);
	r = set_method(t);
	if (r < 0)
		return r;
	/* curl keeps its own copy of the address. */
	if (curl_easy_setopt(t->easy, CURLOPT_URL, t->request.url) != CURLE_OK)
		return -ENOMEM;
	return set_headers(t);
}

int transfer_create(
	const struct http_rules *rules, const struct http_request *request, struct transfer **out)
{
	struct transfer *t = calloc(1, sizeof(*t));
	int r = -ENOMEM;

	if (!t)
		return -ENOMEM;
	t->rules = rules;
	t->request = *request;
	t->request.url = strdup(request->url);
	t->request.if_range = request->if_range ? strdup(request->if_range) : NULL;
	if (t->request.url && (t->request.if_range || !request->if_range))
		r = set_up(t);
	if (r == -ENOMEM)
		transfer_destroy(t);
	else
		*out = t;
	return r;
}

void transfer_destroy(struct transfer *t)
{
	if (!t)
		return;
	curl_easy_cleanup(t->easy);
	parts_finish(&t->parts);
	free_headers(t);
	sink_finish(&t->sink);
	origin_finish(&t->origin);
	free((char *)t->request.url);
	free((char *)t->request.if_range);
	free(t);
}

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

int transfer_redirect(struct transfer *t, CURLM *multi)
{
	char *url = NULL;
	struct origin from = t->origin;

	if (is_post(t) || !is_redirect(status_of(t)))
		return 0;
	curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &url);
	if (!url)
		return 0;
	if (++t->redirects > MAX_REDIRECTS)
		return refuse(t, "The address is redirected too often");
	url = strdup(url);
	if (!url)
		return -ENOMEM;
	curl_multi_remove_handle(multi, t->easy);
	curl_easy_cleanup(t->easy);
	t->easy = NULL;
	free((char *)t->request.url);
	t->request.url = url;
	/* The key stays with the host that it was meant for, even among those that may have it. */
	struct origin to = {0};
	int r = origin_parse(url, &to);
	if (r == -ENOMEM)
		return r;
	if (r < 0 || !origin_equal(&from, &to))
		t->request.authorized = false;
	origin_finish(&to);
	r = set_up(t);
	return r < 0 ? r : 1;
}

/* A server may well quote the key in its complaint about it. */
static void mask_key(const char *key, char *body, size_t len)
{
	size_t n = key ? strlen(key) : 0;
	char *end = body + len;

	if (n < KEY_MASK_MIN || !body)
		return;
	for (char *at = body; (at = memmem(at, (size_t)(end - at), key, n)); at += n)
		memset(at, '*', n);
}

static int64_t retry_after_ms(const struct transfer *t)
{
	const char *text = header(t, "Retry-After");
	char *end;

	if (!text)
		return -1;
	errno = 0;
	long long seconds = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno) {
		time_t date = curl_getdate(text, NULL);
		if (date < 0)
			return -1;
		seconds = (long long)date - (long long)time(NULL);
	}
	if (seconds < 0)
		seconds = 0;
	if (seconds > RETRY_AFTER_MAX_S)
		seconds = RETRY_AFTER_MAX_S;
	return seconds * 1000;
}

static enum http_outcome outcome_of(struct transfer *t, CURLcode result)
{
	const struct sink *sink = &t->sink;

	bool answered = result == CURLE_OK && t->head_is_whole;
	if (answered && !sink->begun)
		begin_body(t);
	if (sink->stopped)
		return sink->outcome;
	if (!answered && t->parts.error) {
		t->sink.local_errno = -t->parts.error;
		return HTTP_LOCAL;
	}
	if (answered) {
		bool is_short =
			sink->to_file && sink->length >= 0 && sink->received != sink->length;
		return is_short ? HTTP_CUT : HTTP_ANSWERED;
	}
	/* A name that leads to a private address now (a login network's, say) may lead elsewhere
	 * later; what is spelled in the address itself was refused before. */
	if (t->blocked && !t->reached)
		return HTTP_NOT_SENT;
	/* Without a byte of its body a request that has one cannot have been taken. */
	if (!t->reached || (t->request.once && t->request.body_len > 0 && t->body_at == 0))
		return HTTP_NOT_SENT;
	return t->request.fd >= 0 ? HTTP_CUT : HTTP_NO_ANSWER;
}

static void describe(struct transfer *t, enum http_outcome outcome, CURLcode result)
{
	const char *why = t->error[0] ? t->error : curl_easy_strerror(result);

	if (t->blocked && !t->reached)
		why = "the host's name leads to a private address";
	else if (result == CURLE_SEND_FAIL_REWIND || result == CURLE_ABORTED_BY_CALLBACK)
		why = "the connection was closed";

	if (result == CURLE_OK && !t->head_is_whole)
		why = "The connection ended amid the answer's headers";

	switch (outcome) {
	case HTTP_ANSWERED:
		snprintf(t->detail, sizeof(t->detail), "HTTP %d.", t->sink.status);
		break;
	case HTTP_TOO_LARGE:
		snprintf(t->detail, sizeof(t->detail), "The answer is larger than allowed.");
		break;
	case HTTP_LOCAL:
		snprintf(t->detail, sizeof(t->detail),
			t->parts.error ? "The file could not be read: %s."
				       : "The answer could not be stored: %s.",
			strerror(t->sink.local_errno));
		break;
	case HTTP_REFUSED:
		refuse(t, "The host's address is private or on this machine");
		break;
	case HTTP_CUT:
		if ((result == CURLE_OK && t->head_is_whole) || t->sink.stopped)
			why = "the answer is not the part that was asked for, or ends early";
		snprintf(t->detail, sizeof(t->detail), "The download was cut: %s.", why);
		break;
	case HTTP_NOT_SENT:
	case HTTP_NO_ANSWER:
		snprintf(t->detail, sizeof(t->detail), "%s.", why);
		break;
	}
}

void transfer_answer(struct transfer *t, CURLcode result, struct http_answer *out)
{
	enum http_outcome outcome = outcome_of(t, result);
	struct sink *sink = &t->sink;

	describe(t, outcome, result);
	if (t->request.authorized)
		mask_key(t->rules->key, sink->memory.data, sink->memory.len);
	*out = (struct http_answer){
		.outcome = outcome,
		.status = sink->begun ? sink->status : status_of(t),
		.body = sink->memory.data ? sink->memory.data : "",
		.body_len = sink->memory.len,
		.received = t->request.fd >= 0 ? sink->received : 0,
		.length = sink->length,
		.retry_after_ms = retry_after_ms(t),
		.content_type = header_text(t, "Content-Type"),
		.etag = etag(t),
		.local_errno = sink->local_errno,
		.detail = t->detail,
		.user = t->request.user,
	};
}

void transfer_refused(struct transfer *t, struct http_answer *out)
{
	*out = (struct http_answer){
		.outcome = HTTP_REFUSED,
		.body = "",
		.received = t->request.fd >= 0 ? t->request.offset : 0,
		.length = -1,
		.retry_after_ms = -1,
		.content_type = "",
		.etag = "",
		.detail = t->detail,
		.user = t->request.user,
	};
}
