#include "fake_service.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kiefs/http.h"

#define LONG_WAIT_MS 100000
#define IDLE_MAX 200

struct transfer {
	struct http_request request;
	char *url, *if_range, *body;
	bool upload;
	struct http_part file;
	char name[64];
	int64_t ready_at;
	struct transfer *next;
};

struct http {
	struct http_options options;
	struct transfer *first; /* transfer::next */
	pthread_mutex_t lock;
	pthread_cond_t woken;
	bool wake;
};

struct fake fake;

void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.now = FAKE_START;
	fake.latency_ms = 50;
	fake.polls_until_done = 2;
	fake.result_count = 1;
	fake.result_size = 3000;
	fake.balance = 1234.5;
	fake.cost = 4;
}

int http_create(const struct http_options *options, struct http **out, struct error *err)
{
	struct http *http = calloc(1, sizeof(*http));

	assert_non_null(http);
	http->options = *options;
	pthread_mutex_init(&http->lock, NULL);
	pthread_cond_init(&http->woken, NULL);
	*out = http;
	return 0;
}

static void drop(struct transfer *transfer)
{
	free(transfer->url);
	free(transfer->if_range);
	free(transfer->body);
	free(transfer);
}

int http_set_key(struct http *http, const char *key)
{
	if (key && strchr(key, ' '))
		return -EINVAL;
	snprintf(fake.key, sizeof(fake.key), "%s", key ? key : "");
	return 0;
}

static void take_parts(struct transfer *transfer)
{
	bool folder = false;

	transfer->file.fd = -1;
	for (size_t i = 0; i < transfer->request.part_count; i++) {
		const struct http_part *part = &transfer->request.parts[i];
		if (!part->text)
			transfer->file = *part;
		else if (strcmp(part->name, "fileName") == 0)
			snprintf(transfer->name, sizeof(transfer->name), "%s", part->text);
		folder = folder || strcmp(part->name, "uploadPath") == 0;
	}
	assert_int_equal(folder, transfer->request.part_count > 0);
	if (folder)
		assert_string_equal(transfer->file.filename, transfer->name);
	transfer->request.parts = NULL;
}

int http_start(struct http *http, const struct http_request *request)
{
	struct transfer *transfer = calloc(1, sizeof(*transfer)), **end = &http->first;

	assert_non_null(transfer);
	transfer->request = *request;
	transfer->url = strdup(request->url);
	transfer->if_range = request->if_range ? strdup(request->if_range) : NULL;
	transfer->body = request->body ? strndup(request->body, request->body_len) : NULL;
	transfer->ready_at = fake.now + fake.latency_ms;
	/* Only what costs money is sent once, and only the API gets the key. */
	transfer->upload = strstr(request->url, "://upload.test/") != NULL;
	assert_int_equal(request->once, strcmp(request->method, "POST") == 0 && !transfer->upload);
	take_parts(transfer);
	assert_int_equal(request->authorized, request->fd < 0);
	if (request->once) {
		assert_in_range(fake.posts, 0, FAKE_TASKS - 1);
		fake.post_times[fake.posts++] = fake.now;
	}
	while (*end)
		end = &(*end)->next;
	*end = transfer;
	return 0;
}

size_t http_running(const struct http *http)
{
	size_t n = 0;

	for (const struct transfer *t = http->first; t; t = t->next)
		n++;
	return n;
}

void http_wakeup(struct http *http)
{
	pthread_mutex_lock(&http->lock);
	http->wake = true;
	pthread_cond_signal(&http->woken);
	pthread_mutex_unlock(&http->lock);
}

/* ---- the service ---- */

static const char page[] = "<html><body>oops</body></html>";
static char text[2048];

static int prompt_of(const char *from, const char *mark)
{
	const char *at = strstr(from, mark);
	int prompt = -1;

	assert_non_null(at);
	assert_int_equal(sscanf(at + strlen(mark), "%d", &prompt), 1);
	assert_in_range(prompt, 0, FAKE_TASKS - 1);
	return prompt;
}

static void say(struct http_answer *answer, int status, const char *body)
{
	answer->outcome = HTTP_ANSWERED;
	answer->status = status;
	answer->body = body;
	answer->body_len = strlen(body);
}

/* True when the plan is one that any kind of call may meet. */
static bool play_common(const struct fake_plan *plan, struct http_answer *answer)
{
	switch (plan->fault) {
	case FAULT_NOT_SENT:
		answer->outcome = HTTP_NOT_SENT;
		return true;
	case FAULT_LOST:
	case FAULT_LOST_TAKEN:
		answer->outcome = HTTP_NO_ANSWER;
		return true;
	case FAULT_STATUS:
		say(answer, plan->number, page);
		return true;
	case FAULT_CODE:
		snprintf(text, sizeof(text), "{\"code\":%d,\"msg\":\"told so\",\"data\":null}",
			plan->number);
		say(answer, 200, text);
		return true;
	case FAULT_BODY:
		say(answer, 200, plan->body);
		return true;
	case FAULT_TOO_LARGE:
		answer->outcome = HTTP_TOO_LARGE;
		return true;
	default:
		return false;
	}
}

static void play_submit(
	const struct fake_call *call, const struct fake_plan *plan, struct http_answer *answer)
{
	fake.posted[call->prompt]++;
	if (plan->fault == FAULT_LOST_TAKEN || plan->fault == FAULT_NONE)
		fake.taken[call->prompt]++;
	if (play_common(plan, answer))
		return;
	snprintf(text, sizeof(text),
		"{\"code\":200,\"msg\":\"success\",\"data\":{\"taskId\":\"t%d-%d\"}}", call->prompt,
		fake.taken[call->prompt]);
	say(answer, 200, text);
}

static void note_poll(int prompt)
{
	int64_t gap = fake.now - fake.polled_at[prompt];

	if (fake.polled_at[prompt] && gap > fake.longest_gap)
		fake.longest_gap = gap;
	fake.polled_at[prompt] = fake.now;
	fake.polled[prompt]++;
}

static void play_poll(
	const struct fake_call *call, const struct fake_plan *plan, struct http_answer *answer)
{
	char urls[1024] = "";

	note_poll(call->prompt);
	if (play_common(plan, answer))
		return;
	if (fake.polled[call->prompt] <= fake.polls_until_done) {
		say(answer, 200,
			"{\"code\":200,\"data\":{\"state\":\"generating\",\"progress\":40}}");
		return;
	}
	for (int i = 1; i <= fake.result_count; i++) {
		size_t len = strlen(urls);
		snprintf(urls + len, sizeof(urls) - len,
			"%s\\\"https://files.test/t%d/%d/link%d.mp4\\\"", i > 1 ? "," : "",
			call->prompt, i, fake.polled[call->prompt]);
	}
	snprintf(text, sizeof(text),
		"{\"code\":200,\"data\":{\"state\":\"success\",\"creditsConsumed\":%g,"
		"\"resultJson\":\"{\\\"resultUrls\\\":[%s]}\"}}",
		fake.cost, urls);
	say(answer, 200, text);
}

static void play_account(const struct fake_plan *plan, struct http_answer *answer)
{
	fake.asked_at = fake.now;
	if (play_common(plan, answer))
		return;
	snprintf(text, sizeof(text), "{\"code\":200,\"msg\":\"success\",\"data\":%.15g}",
		fake.balance);
	say(answer, 200, text);
}

/* A picture by its first bytes, whatever its address says. */
static unsigned char byte_at(int64_t i)
{
	static const unsigned char head[] = "\x89PNG\r\n\x1a\n";

	return i < 8 ? head[i] : (unsigned char)(i * 31);
}

/* No answer at all: not even an end. */
#define VANISHED ((enum http_outcome)99)

static void play_fetch(const struct fake_call *call, const struct fake_plan *plan,
	const struct http_request *request, struct http_answer *answer)
{
	bool resumes = call->offset > 0 && call->if_range &&
		       strcmp(call->if_range, "\"e1\"") == 0 && plan->fault != FAULT_STALE;
	int64_t at = resumes ? call->offset : 0;
	int64_t end = plan->fault == FAULT_EMPTY ? 0 : fake.result_size;

	answer->received = call->offset;
	if (play_common(plan, answer))
		return;
	if (plan->fault == FAULT_REFUSED || plan->fault == FAULT_LOCAL) {
		answer->outcome = plan->fault == FAULT_LOCAL ? HTTP_LOCAL : HTTP_REFUSED;
		answer->local_errno = plan->number;
		return;
	}
	answer->outcome = HTTP_ANSWERED;
	if (plan->fault == FAULT_PAGE) {
		assert_int_equal(ftruncate(request->fd, 0), 0);
		assert_int_equal(pwrite(request->fd, page, strlen(page), 0), strlen(page));
		answer->status = 200;
		answer->received = (int64_t)strlen(page);
		return;
	}
	if (plan->fault == FAULT_CUT || plan->fault == FAULT_VANISH) {
		answer->outcome = plan->fault == FAULT_CUT ? HTTP_CUT : VANISHED;
		end = at + plan->number < end ? at + plan->number : end - 1;
	}
	if (!resumes) {
		assert_int_equal(ftruncate(request->fd, 0), 0);
		if (request->begun)
			request->begun("\"e1\"", request->user);
	}
	unsigned char block[4096];
	while (at < end) {
		size_t n = 0;
		while (n < sizeof(block) && at + (int64_t)n < end) {
			block[n] = byte_at(at + (int64_t)n);
			n++;
		}
		assert_int_equal(pwrite(request->fd, block, n, at), n);
		at += (int64_t)n;
	}
	answer->status = resumes ? 206 : 200;
	answer->received = end;
	answer->length = plan->fault == FAULT_EMPTY ? -1 : fake.result_size;
	answer->content_type = "video/mp4";
	answer->etag = "\"e1\"";
}

static void play_upload(const struct transfer *transfer, const struct fake_call *call,
	const struct fake_plan *plan, struct http_answer *answer)
{
	char expires[64] = "";
	char byte;

	if (transfer->request.progress) {
		transfer->request.progress(
			transfer->file.size / 2, transfer->file.size, transfer->request.user);
		for (int64_t at = 0; at < transfer->file.size; at++)
			assert_int_equal(pread(transfer->file.fd, &byte, 1, at), 1);
	}
	if (plan->fault == FAULT_VANISH)
		answer->outcome = VANISHED;
	if (plan->fault == FAULT_VANISH || play_common(plan, answer))
		return;
	snprintf(fake.uploaded, sizeof(fake.uploaded), "%s", transfer->name);
	fake.upload_bytes += transfer->file.size;
	if (fake.upload_life_ms)
		snprintf(expires, sizeof(expires), ",\"expiresAt\":%lld",
			(long long)(fake.now + fake.upload_life_ms));
	snprintf(text, sizeof(text),
		"{\"success\":true,\"code\":200,\"msg\":\"ok\",\"data\":{\"downloadUrl\":"
		"\"https://up.test/%d\"%s}}",
		call->serial, expires);
	say(answer, 200, text);
}

static void play(const struct transfer *transfer, struct http_answer *answer)
{
	struct fake_call call = {
		.url = transfer->url,
		.offset = transfer->request.offset,
		.if_range = transfer->if_range,
	};
	struct fake_plan plan = {0};

	if (transfer->upload) {
		call.kind = CALL_UPLOAD;
	} else if (transfer->request.once) {
		call.kind = CALL_SUBMIT;
		snprintf(fake.body, sizeof(fake.body), "%s", transfer->body);
		call.prompt = prompt_of(transfer->body, "\"prompt\":\"n");
	} else if (strstr(transfer->url, "/chat/credit")) {
		call.kind = CALL_ACCOUNT;
	} else if (transfer->request.fd < 0) {
		call.kind = CALL_POLL;
		call.prompt = prompt_of(transfer->url, "taskId=t");
	} else {
		call.kind = CALL_FETCH;
		call.prompt = prompt_of(transfer->url, "files.test/t");
		call.result = prompt_of(strrchr(transfer->url, '/') - 2, "/");
	}
	call.serial = fake.calls[call.kind]++;
	if (fake.plan)
		plan = fake.plan(&call);
	if (plan.retry_after_ms)
		answer->retry_after_ms = plan.retry_after_ms;
	if (call.kind == CALL_UPLOAD)
		play_upload(transfer, &call, &plan, answer);
	else if (call.kind == CALL_SUBMIT)
		play_submit(&call, &plan, answer);
	else if (call.kind == CALL_POLL)
		play_poll(&call, &plan, answer);
	else if (call.kind == CALL_ACCOUNT)
		play_account(&plan, answer);
	else
		play_fetch(&call, &plan, &transfer->request, answer);
}

/* What is on its way when the process dies still arrives. */
void http_destroy(struct http *http)
{
	if (!http)
		return;
	while (http->first) {
		struct transfer *transfer = http->first;
		http->first = transfer->next;
		if (transfer->request.once) {
			struct http_answer unheard = {0};
			play(transfer, &unheard);
		}
		drop(transfer);
	}
	pthread_mutex_destroy(&http->lock);
	pthread_cond_destroy(&http->woken);
	free(http);
}

static struct transfer *take_ready(struct http *http)
{
	for (struct transfer **link = &http->first; *link; link = &(*link)->next) {
		struct transfer *transfer = *link;
		if (transfer->ready_at > fake.now)
			continue;
		*link = transfer->next;
		return transfer;
	}
	return NULL;
}

static bool deliver(struct http *http)
{
	struct transfer *transfer = take_ready(http);
	bool any = transfer != NULL;

	for (; transfer; transfer = take_ready(http)) {
		struct http_answer answer = {
			.length = -1,
			.retry_after_ms = -1,
			.content_type = "",
			.etag = "",
			.detail = "The fake ended it.",
			.body = "",
			.user = transfer->request.user,
		};
		play(transfer, &answer);
		if (answer.outcome != VANISHED)
			http->options.done(&answer, http->options.context);
		drop(transfer);
	}
	return any;
}

static void wait_for_wakeup(struct http *http)
{
	pthread_mutex_lock(&http->lock);
	while (!http->wake)
		pthread_cond_wait(&http->woken, &http->lock);
	http->wake = false;
	pthread_mutex_unlock(&http->lock);
}

int http_perform(struct http *http, int timeout_ms)
{
	int64_t until = fake.now + timeout_ms;

	if (deliver(http)) {
		fake.idle = 0;
		return 0;
	}
	/* A loop that spins without an answer or time passing would burn a core. */
	fake.idle = timeout_ms == 0 ? fake.idle + 1 : 0;
	assert_in_range(fake.idle, 0, IDLE_MAX);
	for (const struct transfer *t = http->first; t; t = t->next) {
		if (t->ready_at < until)
			until = t->ready_at;
	}
	if (fake.threaded && !http->first && timeout_ms >= LONG_WAIT_MS)
		wait_for_wakeup(http);
	else
		fake.now = until;
	deliver(http);
	return 0;
}
