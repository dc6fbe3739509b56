#include "fake_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kiefs/error.h"

#define MAX_SCRIPT 256
#define MAX_REQUESTS 100000

/* A request under way. */
struct pending {
	struct pending *next;
	size_t record; /* in far.requests */
	struct fake_reply reply;
	int64_t due_ms;
	int fd;
	int64_t offset, max_bytes;
	int (*piece)(const char *bytes, size_t len, const char *content_type, void *user);
	size_t next_piece;
	void *user;
};

struct http {
	http_done_fn *done;
	void *context;
	struct pending *pending; /* pending.next, by due time */
	size_t running;
	atomic_bool woken;
};

/* The far side is one for the whole program, as the real one is. */
static struct {
	int64_t now_ms;
	struct fake_reply script[MAX_SCRIPT];
	int uses_left[MAX_SCRIPT];
	size_t script_count;
	fake_handler_fn *handler;
	void *context;
	bool allow_double;
	struct fake_request *requests;
	bool *taken; /* by request: the far side may have taken it */
	size_t request_count;
	char *key;
} far;

static char *copy(const char *text, size_t len)
{
	char *out = calloc(1, len + 1);

	assert_non_null(out);
	if (len)
		memcpy(out, text, len);
	return out;
}

static char *copy_text(const char *text)
{
	return copy(text, text ? strlen(text) : 0);
}

void fake_http_reset(int64_t now_ms)
{
	for (size_t i = 0; i < far.request_count; i++) {
		free(far.requests[i].method);
		free(far.requests[i].url);
		free(far.requests[i].body);
		free(far.requests[i].if_range);
	}
	free(far.requests);
	free(far.taken);
	free(far.key);
	memset(&far, 0, sizeof(far));
	far.now_ms = now_ms;
}

void fake_http_reply(const struct fake_reply *reply)
{
	assert_true(far.script_count < MAX_SCRIPT);
	far.script[far.script_count] = *reply;
	far.uses_left[far.script_count++] = reply->uses ? reply->uses : 1;
}

void fake_http_handler(fake_handler_fn *handler, void *context)
{
	far.handler = handler;
	far.context = context;
}

void fake_http_allow_double(bool allow)
{
	far.allow_double = allow;
}

int64_t fake_http_now_ms(void)
{
	return far.now_ms;
}

void fake_http_advance(int64_t ms)
{
	far.now_ms += ms;
}

size_t fake_http_count(const char *url)
{
	size_t count = 0;

	for (size_t i = 0; i < far.request_count; i++)
		count += !url || strstr(far.requests[i].url, url);
	return count;
}

const struct fake_request *fake_http_request(const char *url, size_t index)
{
	for (size_t i = 0; i < far.request_count; i++) {
		if (url && !strstr(far.requests[i].url, url))
			continue;
		if (index-- == 0)
			return &far.requests[i];
	}
	return NULL;
}

const char *fake_http_key(void)
{
	return far.key;
}

bool fake_http_script_done(void)
{
	for (size_t i = 0; i < far.script_count; i++)
		if (far.uses_left[i] > 0)
			return false;
	return true;
}

/* http.h */

int http_create(const struct http_options *options, struct http **out, struct error *err)
{
	struct http *http = calloc(1, sizeof(*http));

	assert_non_null(http);
	http->done = options->done;
	http->context = options->context;
	*out = http;
	return 0;
}

void http_destroy(struct http *http)
{
	if (!http)
		return;
	while (http->pending) {
		struct pending *next = http->pending->next;
		free(http->pending);
		http->pending = next;
	}
	free(http);
}

int http_set_key(struct http *http, const char *key)
{
	free(far.key);
	far.key = key ? copy_text(key) : NULL;
	return 0;
}

static bool holds(const char *text, const char *part)
{
	return !part || strstr(text, part);
}

static struct fake_reply choose_reply(const struct fake_request *request)
{
	struct fake_reply reply = {0};

	for (size_t i = 0; i < far.script_count; i++) {
		const struct fake_reply *entry = &far.script[i];
		if (far.uses_left[i] == 0 || !holds(request->url, entry->url) ||
			!holds(request->body, entry->request_body) ||
			(entry->method && strcmp(entry->method, request->method) != 0))
			continue;
		if (far.uses_left[i] > 0)
			far.uses_left[i]--;
		return *entry;
	}
	if (!far.handler || !far.handler(request, &reply, far.context))
		fail_msg("nobody answers %s %s", request->method, request->url);
	return reply;
}

static void refuse_double(const struct fake_request *request)
{
	for (size_t i = 0; i + 1 < far.request_count; i++)
		if (far.requests[i].once && far.taken[i] &&
			strcmp(far.requests[i].url, request->url) == 0 &&
			strcmp(far.requests[i].body, request->body) == 0)
			fail_msg("sent twice: %s %s", request->url, request->body);
}

static size_t record(const struct http_request *request)
{
	size_t at = far.request_count;

	assert_true(at < MAX_REQUESTS);
	if ((at & (at - 1)) == 0) {
		size_t room = at ? at * 2 : 1;
		far.requests = reallocarray(far.requests, room, sizeof(*far.requests));
		far.taken = reallocarray(far.taken, room, sizeof(*far.taken));
		assert_non_null(far.requests);
		assert_non_null(far.taken);
	}
	far.requests[at] = (struct fake_request){
		.method = copy_text(request->method),
		.url = copy_text(request->url),
		.body = copy(request->body, request->body ? request->body_len : 0),
		.if_range = copy_text(request->if_range),
		.authorized = request->authorized,
		.once = request->once,
		.has_file = request->fd >= 0,
		.offset = request->offset,
		.max_bytes = request->max_bytes,
		.at_ms = far.now_ms,
		.answered_ms = -1,
	};
	far.taken[at] = false;
	far.request_count++;
	return at;
}

static bool may_be_taken(const struct fake_reply *reply)
{
	if (reply->outcome == HTTP_ANSWERED)
		return reply->status == 0 || (reply->status >= 200 && reply->status < 300);
	return reply->outcome != HTTP_NOT_SENT && reply->outcome != HTTP_REFUSED;
}

static void insert(struct http *http, struct pending *pending)
{
	struct pending **at = &http->pending;

	while (*at && (*at)->due_ms <= pending->due_ms)
		at = &(*at)->next;
	pending->next = *at;
	*at = pending;
}

int http_start(struct http *http, const struct http_request *request)
{
	struct pending *pending = calloc(1, sizeof(*pending));

	assert_non_null(pending);
	pending->record = record(request);
	if (request->once && !far.allow_double)
		refuse_double(&far.requests[pending->record]);
	pending->reply = choose_reply(&far.requests[pending->record]);
	far.taken[pending->record] = may_be_taken(&pending->reply);
	pending->due_ms = far.now_ms + pending->reply.delay_ms;
	pending->fd = request->fd;
	pending->offset = request->offset;
	pending->max_bytes = request->max_bytes;
	pending->user = request->user;
	pending->piece = request->piece;
	insert(http, pending);
	http->running++;
	return 0;
}

size_t http_running(const struct http *http)
{
	return http->running;
}

/* What the real sink does with the whole content of `len` bytes. */
static void write_file(
	const struct pending *pending, const char *body, size_t len, struct http_answer *answer)
{
	const struct fake_reply *reply = &pending->reply;
	int64_t whole = (int64_t)len, end = whole, from = pending->offset;

	if (reply->no_resume || from > whole) {
		assert_int_equal(ftruncate(pending->fd, 0), 0);
		from = 0;
	}
	if (reply->cut_at > 0 && reply->cut_at < whole) {
		end = reply->cut_at > from ? reply->cut_at : from;
		answer->outcome = HTTP_CUT;
	}
	if (whole > pending->max_bytes) {
		answer->outcome = HTTP_TOO_LARGE;
		end = from;
	}
	if (from == 0)
		assert_int_equal(ftruncate(pending->fd, 0), 0);
	assert_int_equal(pwrite(pending->fd, body + from, (size_t)(end - from), from), end - from);
	if (answer->status == 200 && from > 0)
		answer->status = 206;
	answer->received = end;
	answer->length = whole;
}

static void fill_answer(const struct pending *pending, struct http_answer *answer)
{
	const struct fake_reply *reply = &pending->reply;
	const char *body = reply->body ? reply->body : "";
	size_t len = reply->body_len ? reply->body_len : strlen(body);
	bool answered = reply->outcome == HTTP_ANSWERED;

	*answer = (struct http_answer){
		.outcome = reply->outcome,
		.status = reply->status ? reply->status : (answered ? 200 : 0),
		.body = "",
		.length = -1,
		.received = pending->fd >= 0 ? pending->offset : 0,
		.retry_after_ms = reply->retry_after_ms ? reply->retry_after_ms : -1,
		.content_type = reply->content_type ? reply->content_type : "",
		.etag = reply->etag ? reply->etag : "",
		.local_errno = reply->local_errno,
		.detail = reply->detail ? reply->detail : "The test says so.",
		.user = pending->user,
	};
	if (!answered)
		return;
	if (pending->fd >= 0 && answer->status >= 200 && answer->status < 300) {
		write_file(pending, body, len, answer);
		return;
	}
	answer->length = (int64_t)len;
	if (pending->fd < 0 && (int64_t)len > pending->max_bytes) {
		answer->outcome = HTTP_TOO_LARGE;
		return;
	}
	answer->body = body;
	answer->body_len = len;
}

/* One piece of an answer that comes bit by bit; false: there is none left. */
static bool give_piece(struct http *http, struct pending *pending)
{
	const struct fake_reply *reply = &pending->reply;
	const char *piece = reply->pieces ? reply->pieces[pending->next_piece] : NULL;

	if (!piece)
		return false;
	assert_non_null(pending->piece);
	int r = pending->piece(piece, strlen(piece), reply->content_type ? reply->content_type : "",
		pending->user);
	if (r < 0) {
		pending->reply.outcome = HTTP_LOCAL;
		pending->reply.local_errno = -r;
		return false;
	}
	assert_int_equal(r, 1);
	pending->next_piece++;
	pending->due_ms = far.now_ms + reply->piece_ms;
	insert(http, pending);
	return true;
}

/* Those due now; what `done` starts is for the next call, as in the real one. */
static bool deliver(struct http *http)
{
	struct pending *due = NULL, **end = &due;

	while (http->pending && http->pending->due_ms <= far.now_ms) {
		*end = http->pending;
		http->pending = http->pending->next;
		end = &(*end)->next;
		*end = NULL;
	}
	bool any = due != NULL;
	while (due) {
		struct pending *pending = due;
		struct http_answer answer;
		due = pending->next;
		if (give_piece(http, pending))
			continue;
		http->running--;
		far.requests[pending->record].answered_ms = far.now_ms;
		fill_answer(pending, &answer);
		http->done(&answer, http->context);
		free(pending);
	}
	return any;
}

int http_perform(struct http *http, int timeout_ms)
{
	if (deliver(http) || atomic_exchange(&http->woken, false))
		return 0;
	int64_t next = http->pending ? http->pending->due_ms : INT64_MAX;
	if (timeout_ms < 0 && next == INT64_MAX)
		return 0;
	if (timeout_ms >= 0 && next > far.now_ms + timeout_ms)
		next = far.now_ms + timeout_ms;
	far.now_ms = next;
	deliver(http);
	return 0;
}

void http_wakeup(struct http *http)
{
	atomic_store(&http->woken, true);
}
