/* The HTTP module against a server in this process: outcomes, bodies sent once, files, threads. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "http_case.h"

static void test_answers_and_reuses_the_connection(void **state)
{
	struct tiny_server *server = tiny_start(by_path, NULL);
	struct got got;
	char url[64], hello[80];
	struct http *http = new_http_at(server, &got, url);

	snprintf(hello, sizeof(hello), "%s/hello", url);
	for (int i = 0; i < 5; i++) {
		run(http, (struct http_request){.url = hello, .fd = -1, .user = &got});
		expect(&got, HTTP_ANSWERED, 200);
		assert_string_equal(got.body, "hello");
		assert_string_equal(got.type, "text/plain");
		assert_string_equal(got.etag, "yesterday");
		assert_int_equal(got.answer.retry_after_ms, -1);
		assert_ptr_equal(got.answer.user, &got);
	}
	assert_int_equal(got.count, 5);
	assert_int_equal(tiny_connections(server), 1);
	http_destroy(http);
	tiny_stop(server);
}

static void test_post_carries_body_and_key(void **state)
{
	struct tiny_server *server = tiny_start(by_path, NULL);
	struct got got;
	char url[64], echo[80];
	struct http *http = new_http_at(server, &got, url);
	struct http_request request = {.method = "POST",
		.url = echo,
		.body = "{\"a\":1}",
		.body_len = 7,
		.authorized = true,
		.fd = -1};

	snprintf(echo, sizeof(echo), "%s/echo", url);
	for (int once = 0; once < 2; once++) {
		request.once = once;
		run(http, request);
		expect(&got, HTTP_ANSWERED, 200);
		/* The server quoted the key; nobody gets to see it. */
		assert_string_equal(got.body, "POST|Bearer *******************|{\"a\":1}");
	}
	request.authorized = false;
	run(http, request);
	assert_string_equal(got.body, "POST||{\"a\":1}");
	assert_int_equal(http_set_key(http, NULL), 0);
	request.authorized = true;
	run(http, request);
	assert_string_equal(got.body, "POST||{\"a\":1}");
	assert_int_equal(http_set_key(http, "two\r\nlines"), -EINVAL);
	http_destroy(http);
	tiny_stop(server);
}

static void test_raw_answers(void **state)
{
	static const struct {
		const char *raw;
		enum http_outcome outcome;
		int status;
		int64_t retry_after_ms;
	} cases[] = {
		{"HTTP/1.1 200 OK\r\nContent-Le", HTTP_NO_ANSWER, 200, -1},
		{"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nshort", HTTP_NO_ANSWER, 200, -1},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", HTTP_NO_ANSWER,
			200, -1},
		{"", HTTP_NO_ANSWER, 0, -1},
		{"not http at all\r\n\r\n", HTTP_NO_ANSWER, 0, -1},
		{"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\nx", HTTP_TOO_LARGE, 200, -1},
		{"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n12345678901234567", HTTP_TOO_LARGE,
			200, -1},
		{"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n1234567890123456", HTTP_ANSWERED, 200,
			-1},
		{"HTTP/1.1 100 Wait\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
		 "Trailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n",
			HTTP_ANSWERED, 200, -1},
		{"HTTP/1.1 100 Wait\r\n\r\nHTTP/1.1 200 OK\r\nX-A: 1\r\n", HTTP_NO_ANSWER, 200, -1},
		{"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", HTTP_ANSWERED,
			429, 7000},
		{"HTTP/1.1 503 No\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n", HTTP_ANSWERED,
			503, 0},
		{"HTTP/1.1 503 No\r\nRetry-After: -9\r\nContent-Length: 0\r\n\r\n", HTTP_ANSWERED,
			503, 0},
		{"HTTP/1.1 503 No\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n"
		 "\r\n",
			HTTP_ANSWERED, 503, -1},
		{"HTTP/1.1 503 No\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n", HTTP_ANSWERED,
			503, -1},
		{"HTTP/1.1 503 No\r\nRetry-After: Thu, 01 Jan 1998 00:00:00 GMT\r\n"
		 "Content-Length: 0\r\n\r\n",
			HTTP_ANSWERED, 503, 0},
		{"HTTP/1.1 503 No\r\nRetry-After: Thu, 01 Jan 2099 00:00:00 GMT\r\n"
		 "Content-Length: 0\r\n\r\n",
			HTTP_ANSWERED, 503, 86400000},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct tiny_server *server = tiny_start(by_path, (void *)cases[i].raw);
		struct got got;
		char url[64], raw[80];
		struct http *http = new_http_at(server, &got, url);
		snprintf(raw, sizeof(raw), "%s/raw", url);
		run(http, (struct http_request){.url = raw, .fd = -1, .max_bytes = 16});
		if (got.answer.outcome != cases[i].outcome ||
			got.answer.retry_after_ms != cases[i].retry_after_ms)
			fail_msg("case %zu: outcome %d, retry %lld: %s", i, got.answer.outcome,
				(long long)got.answer.retry_after_ms, got.detail);
		assert_int_equal(got.answer.status, cases[i].status);
		http_destroy(http);
		tiny_stop(server);
	}
}

static void test_header_flood_ends(void **state)
{
	size_t size = 400000;
	char *raw = malloc(size), *at = raw;
	struct got got;
	char url[64], path[80];

	at += sprintf(at, "HTTP/1.1 200 OK\r\n");
	while (at + 100 < raw + size)
		at += sprintf(at, "X-%d: %064d\r\n", (int)(at - raw), 0);
	struct tiny_server *server = tiny_start(by_path, raw);
	struct http *http = new_http_at(server, &got, url);
	snprintf(path, sizeof(path), "%s/raw", url);
	run(http, (struct http_request){.url = path, .fd = -1});
	assert_true(got.answer.outcome == HTTP_TOO_LARGE || got.answer.outcome == HTTP_NO_ANSWER);
	http_destroy(http);
	tiny_stop(server);
	free(raw);
}

static void test_silence_ends_by_its_limit(void **state)
{
	struct tiny_server *server = tiny_start(by_path, NULL);
	struct got got;
	char url[64], path[80];
	struct http *http = new_http_at(server, &got, url);

	snprintf(path, sizeof(path), "%s/stall", url);
	run(http, (struct http_request){.url = path, .fd = -1, .total_ms = 50});
	expect(&got, HTTP_NO_ANSWER, 0);
	http_destroy(http);
	tiny_stop(server);
}

static void test_refused_connection_is_not_sent(void **state)
{
	struct tiny_server *server = tiny_start(by_path, NULL);
	struct got got;
	char url[64], path[80];
	struct http *http = new_http_at(server, &got, url);

	tiny_stop(server);
	snprintf(path, sizeof(path), "%s/hello", url);
	run(http, (struct http_request){.method = "POST",
			  .url = path,
			  .body = "x",
			  .body_len = 1,
			  .once = true,
			  .fd = -1});
	expect(&got, HTTP_NOT_SENT, 0);
	run(http, (struct http_request){.url = path, .fd = -1});
	expect(&got, HTTP_NOT_SENT, 0);
	http_destroy(http);
}

/* Answers the first request and keeps the connection; reads every later one and hangs up. */
static bool answer_first_only(int fd, const struct tiny_request *request, void *context)
{
	int *second_connection = context;

	if (request->number == 2)
		*second_connection = request->connection;
	if (request->number > 1)
		return false;
	send_text(fd, "", "ok");
	return true;
}

static void test_a_body_is_never_sent_twice(void **state)
{
	static const char body[] = "{\"prompt\":\"a paid picture\"}";
	int second_connection = 0;
	struct tiny_server *server = tiny_start(answer_first_only, &second_connection);
	struct got got;
	char url[64];
	struct http *http = new_http_at(server, &got, url);
	struct http_request request = {.method = "POST",
		.url = url,
		.body = body,
		.body_len = strlen(body),
		.once = true,
		.fd = -1};

	run(http, request);
	expect(&got, HTTP_ANSWERED, 200);
	run(http, request);
	expect(&got, HTTP_NO_ANSWER, 0);
	http_destroy(http);
	assert_int_equal(tiny_requests(server), 2);
	tiny_stop(server);
	assert_int_equal(second_connection, 1);
}

/* The same hazard for a request that may be repeated: shows that the test above can fail. */
static void test_a_repeatable_body_is_sent_again(void **state)
{
	int second_connection = 0;
	struct tiny_server *server = tiny_start(answer_first_only, &second_connection);
	struct got got;
	char url[64];
	struct http *http = new_http_at(server, &got, url);
	struct http_request request = {
		.method = "POST", .url = url, .body = "again", .body_len = 5, .fd = -1};

	run(http, request);
	run(http, request);
	assert_int_equal(got.answer.outcome, HTTP_NO_ANSWER);
	assert_int_equal(tiny_requests(server), 3);
	http_destroy(http);
	tiny_stop(server);
}

static void test_a_large_body_goes_out_whole(void **state)
{
	static char body[8000];
	struct tiny_server *server = tiny_start(by_path, NULL);
	struct got got;
	char url[64], echo[80];
	struct http *http = new_http_at(server, &got, url);

	memset(body, 'b', sizeof(body));
	snprintf(echo, sizeof(echo), "%s/echo", url);
	run(http, (struct http_request){.method = "POST",
			  .url = echo,
			  .body = body,
			  .body_len = sizeof(body),
			  .once = true,
			  .fd = -1});
	expect(&got, HTTP_ANSWERED, 200);
	assert_int_equal(got.answer.body_len, strlen("POST||") + sizeof(body));
	http_destroy(http);
	tiny_stop(server);
}

/* Files. */

struct file_case {
	const char *path, *raw;
	const char *before; /* in the file already; its length is the offset */
	const char *if_range;
	int64_t max_bytes;
	enum http_outcome outcome;
	int status;
	const char *after;
	int64_t received, length;
};

static const struct file_case file_cases[] = {
	{"/file", NULL, "", NULL, 100, HTTP_ANSWERED, 200, "0123456789", 10, 10},
	{"/file", NULL, "0123", "\"v2\"", 100, HTTP_ANSWERED, 206, "0123456789", 10, 10},
	{"/file", NULL, "0123", NULL, 100, HTTP_ANSWERED, 206, "0123456789", 10, 10},
	/* Another version: the whole comes, and what was there goes. */
	{"/file", NULL, "old and longer", "\"v1\"", 100, HTTP_ANSWERED, 200, "0123456789", 10, 10},
	/* Nothing is left to come, or too much was there. */
	{"/file", NULL, "0123456789", "\"v2\"", 100, HTTP_ANSWERED, 206, "0123456789", 10, 10},
	{"/file", NULL, "0123456789ab", "\"v2\"", 100, HTTP_CUT, 416, "", 0, -1},
	{"/file", NULL, "", NULL, 9, HTTP_TOO_LARGE, 200, "", 0, 10},
	{"/file", NULL, "0123", NULL, 9, HTTP_TOO_LARGE, 206, "0123", 4, 10},
	/* Cut, then of unknown length. */
	{"/raw", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234", "", NULL, 100, HTTP_CUT, 200,
		"01234", 5, 10},
	{"/raw", "HTTP/1.1 206 P\r\nContent-Range: bytes 2-9/10\r\nContent-Length: 8\r\n\r\n234",
		"01", NULL, 100, HTTP_CUT, 206, "01234", 5, 10},
	{"/raw", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n01234", "", NULL, 100, HTTP_ANSWERED,
		200, "01234", 5, -1},
	{"/raw", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n01234", "", NULL, 3, HTTP_TOO_LARGE,
		200, "", 0, -1},
	{"/raw", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", NULL, 3, HTTP_ANSWERED, 200,
		"", 0, 0},
	/* Less than the rest. */
	{"/raw", "HTTP/1.1 206 P\r\nContent-Range: bytes 2-3/10\r\nContent-Length: 2\r\n\r\n23",
		"01", NULL, 100, HTTP_CUT, 206, "0123", 4, 10},
	/* Not the part that was asked for. */
	{"/raw", "HTTP/1.1 206 P\r\nContent-Range: bytes 0-3/10\r\nContent-Length: 4\r\n\r\n0123",
		"01", NULL, 100, HTTP_CUT, 206, "", 0, -1},
	{"/raw", "HTTP/1.1 206 P\r\nContent-Length: 4\r\n\r\n0123", "01", NULL, 100, HTTP_CUT, 206,
		"", 0, -1},
	/* An error page never gets into the file. */
	{"/raw", "HTTP/1.1 403 No\r\nContent-Length: 7\r\n\r\nexpired", "01", NULL, 100,
		HTTP_ANSWERED, 403, "01", 2, 7},
	{"/close", NULL, "01", NULL, 100, HTTP_CUT, 0, "01", 2, -1},
	{"/to/file", NULL, "01", "\"v2\"", 100, HTTP_ANSWERED, 206, "0123456789", 10, 10},
};

static void note_etag(const char *etag, void *user)
{
	struct got *got = user;

	assert_int_equal(got->count, 0);
	snprintf(got->etag, sizeof(got->etag), "began %s", etag);
}

/* Told before the answer, when the file is written from its start, and only then. */
static void test_a_file_tells_that_it_began(void **state)
{
	static const struct {
		const char *path, *before, *want;
	} cases[] = {{"/file", "", "began \"v2\""}, {"/file", "0123", ""}, {"/close", "", ""}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct tiny_server *server = tiny_start(by_path, NULL);
		int fd = memfd_create("result", MFD_CLOEXEC);
		struct got got, before = {0};
		char url[64], path[80];
		struct http *http = new_http_at(server, &got, url);

		assert_int_equal(write(fd, cases[i].before, strlen(cases[i].before)),
			strlen(cases[i].before));
		snprintf(path, sizeof(path), "%s%s", url, cases[i].path);
		run(http, (struct http_request){.url = path,
				  .fd = fd,
				  .offset = (int64_t)strlen(cases[i].before),
				  .if_range = "\"v2\"",
				  .max_bytes = 100,
				  .begun = note_etag,
				  .user = &before});
		assert_string_equal(before.etag, cases[i].want);
		http_destroy(http);
		tiny_stop(server);
		close(fd);
	}
}

static void test_files(void **state)
{
	for (size_t i = 0; i < COUNT(file_cases); i++) {
		const struct file_case *want = &file_cases[i];
		struct tiny_server *server = tiny_start(by_path, (void *)want->raw);
		int fd = memfd_create("result", MFD_CLOEXEC);
		struct got got;
		char url[64], path[80], content[64] = "";
		struct http *http = new_http_at(server, &got, url);

		assert_int_equal(
			write(fd, want->before, strlen(want->before)), strlen(want->before));
		snprintf(path, sizeof(path), "%s%s", url,
			strcmp(want->path, "/to/file") ? want->path : "/to//file");
		run(http, (struct http_request){.url = path,
				  .fd = fd,
				  .offset = (int64_t)strlen(want->before),
				  .if_range = want->if_range,
				  .max_bytes = want->max_bytes});
		assert_true(pread(fd, content, sizeof(content) - 1, 0) >= 0);
		if (got.answer.outcome != want->outcome || got.answer.status != want->status ||
			got.answer.received != want->received ||
			got.answer.length != want->length || strcmp(content, want->after) != 0)
			fail_msg("case %zu: outcome %d status %d received %lld length %lld "
				 "\"%s\": %s",
				i, got.answer.outcome, got.answer.status,
				(long long)got.answer.received, (long long)got.answer.length,
				content, got.detail);
		if (want->status == 403)
			assert_string_equal(got.body, "expired");
		http_destroy(http);
		tiny_stop(server);
		close(fd);
	}
}

static void test_a_file_that_cannot_be_written(void **state)
{
	struct tiny_server *server = tiny_start(by_path, NULL);
	struct got got;
	char url[64], path[80];
	struct http *http = new_http_at(server, &got, url);
	int fd = memfd_create("result", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_WRITE), 0);
	snprintf(path, sizeof(path), "%s/file", url);
	run(http, (struct http_request){.url = path, .fd = fd});
	expect(&got, HTTP_LOCAL, 200);
	assert_int_equal(got.answer.local_errno, EPERM);
	http_destroy(http);
	tiny_stop(server);
	close(fd);
}

static void test_only_memory_takes_packed_answers(void **state)
{
	struct tiny_server *server = tiny_start(by_path, NULL);
	struct got got;
	char url[64], path[80], content[64];
	struct http *http = new_http_at(server, &got, url);
	int fd = memfd_create("result", MFD_CLOEXEC);

	snprintf(path, sizeof(path), "%s/packed", url);
	run(http, (struct http_request){.url = path, .fd = -1});
	expect(&got, HTTP_ANSWERED, 200);
	assert_int_equal(got.answer.body_len, 1000);
	assert_string_equal(got.etag, "gzip");
	/* The limit is on what it unpacks to. */
	run(http, (struct http_request){.url = path, .fd = -1, .max_bytes = 999});
	expect(&got, HTTP_TOO_LARGE, 200);
	run(http, (struct http_request){.url = path, .fd = fd});
	expect(&got, HTTP_ANSWERED, 200);
	assert_string_equal(got.etag, "");
	assert_int_equal(got.answer.received, sizeof(packed));
	assert_int_equal(pread(fd, content, sizeof(content), 0), sizeof(packed));
	assert_memory_equal(content, packed, sizeof(packed));
	http_destroy(http);
	tiny_stop(server);
	close(fd);
}

static void *wake(void *user)
{
	http_wakeup(user);
	return NULL;
}

static void test_wakeup_from_another_thread(void **state)
{
	struct got got;
	struct http *http = new_http("https://example.invalid", &got);
	struct timespec before, after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	for (int i = 0; i < 20; i++) {
		pthread_t thread;
		assert_int_equal(pthread_create(&thread, NULL, wake, http), 0);
		assert_int_equal(http_perform(http, 60000), 0);
		pthread_join(thread, NULL);
	}
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec < 30);
	assert_int_equal(got.count, 0);
	http_destroy(http);
}

/* Starts the next transfer from within `done`, as the worker does. */
struct chain {
	struct http *http;
	const char *url;
	int left;
};

static void start_next(const struct http_answer *answer, void *context)
{
	struct chain *chain = context;
	struct http_request request = {
		.method = "GET", .url = chain->url, .fd = -1, .max_bytes = 100};

	if (chain->left-- > 0)
		assert_int_equal(http_start(chain->http, &request), 0);
}

static void test_done_may_start_others(void **state)
{
	struct tiny_server *server = tiny_start(by_path, NULL);
	char url[64], hello[80];
	struct chain chain = {.url = hello, .left = 10};

	snprintf(url, sizeof(url), "http://127.0.0.1:%d", tiny_port(server));
	snprintf(hello, sizeof(hello), "%s/hello", url);
	struct http_options options = {.api_url = url, .done = start_next, .context = &chain};
	assert_int_equal(http_create(&options, &chain.http, NULL), 0);
	start_next(NULL, &chain);
	for (int i = 0; i < 1000 && http_running(chain.http) > 0; i++)
		assert_int_equal(http_perform(chain.http, 10000), 0);
	assert_int_equal(chain.left, -1);
	chain.url = "https://10.0.0.1/";
	chain.left = 3;
	start_next(NULL, &chain);
	for (int i = 0; i < 100 && http_running(chain.http) > 0; i++)
		assert_int_equal(http_perform(chain.http, 10000), 0);
	assert_int_equal(chain.left, -1);
	http_destroy(chain.http);
	tiny_stop(server);
}

static void test_destroy_drops_what_runs(void **state)
{
	struct tiny_server *server = tiny_start(by_path, NULL);
	struct got got;
	char url[64], path[80];
	struct http *http = new_http_at(server, &got, url);
	struct http_request request = {.method = "GET", .url = path, .fd = -1, .max_bytes = 1};

	snprintf(path, sizeof(path), "%s/stall", url);
	for (int i = 0; i < 3; i++)
		assert_int_equal(http_start(http, &request), 0);
	request.url = "https://10.0.0.1/ and so on";
	assert_int_equal(http_start(http, &request), 0);
	assert_int_equal(http_running(http), 4);
	http_destroy(http);
	http_destroy(NULL);
	assert_int_equal(got.count, 0);
	tiny_stop(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_and_reuses_the_connection),
		cmocka_unit_test(test_post_carries_body_and_key),
		cmocka_unit_test(test_raw_answers),
		cmocka_unit_test(test_header_flood_ends),
		cmocka_unit_test(test_silence_ends_by_its_limit),
		cmocka_unit_test(test_refused_connection_is_not_sent),
		cmocka_unit_test(test_a_body_is_never_sent_twice),
		cmocka_unit_test(test_a_repeatable_body_is_sent_again),
		cmocka_unit_test(test_a_large_body_goes_out_whole),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_a_file_tells_that_it_began),
		cmocka_unit_test(test_a_file_that_cannot_be_written),
		cmocka_unit_test(test_only_memory_takes_packed_answers),
		cmocka_unit_test(test_wakeup_from_another_thread),
		cmocka_unit_test(test_done_may_start_others),
		cmocka_unit_test(test_destroy_drops_what_runs),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
