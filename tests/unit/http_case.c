#include "http_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/error.h"

void keep(const struct http_answer *answer, void *context)
{
	struct got *got = context;

	got->count++;
	got->answer = *answer;
	snprintf(got->body, sizeof(got->body), "%s", answer->body);
	snprintf(got->detail, sizeof(got->detail), "%s", answer->detail);
	snprintf(got->etag, sizeof(got->etag), "%s", answer->etag);
	snprintf(got->type, sizeof(got->type), "%s", answer->content_type);
}

struct http *new_http(const char *api_url, struct got *got)
{
	struct http_options options = {
		.api_url = api_url, .user_agent = "test", .done = keep, .context = got};
	struct http *http = NULL;
	struct error err = {0};

	memset(got, 0, sizeof(*got));
	if (http_create(&options, &http, &err) < 0)
		fail_msg("%s", error_text(&err));
	assert_int_equal(http_set_key(http, KEY), 0);
	return http;
}

struct http *new_http_at(struct tiny_server *server, struct got *got, char url[64])
{
	snprintf(url, 64, "http://127.0.0.1:%d", tiny_port(server));
	return new_http(url, got);
}

void run(struct http *http, struct http_request request)
{
	if (!request.method)
		request.method = "GET";
	if (request.max_bytes == 0)
		request.max_bytes = 1 << 20;
	assert_int_equal(http_start(http, &request), 0);
	for (int i = 0; i < 10000 && http_running(http) > 0; i++)
		assert_int_equal(http_perform(http, 10000), 0);
	assert_int_equal(http_running(http), 0);
}

void expect(const struct got *got, enum http_outcome outcome, int status)
{
	if (got->answer.outcome != outcome || got->answer.status != status)
		fail_msg("outcome %d status %d: %s", got->answer.outcome, got->answer.status,
			got->detail);
	assert_non_null(got->answer.detail);
	assert_null(strstr(got->detail, KEY));
}

/* The server's side, by path. */

void send_text(int fd, const char *headers, const char *body)
{
	tiny_sendf(fd, "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n%s", headers, strlen(body),
		body);
}

static bool answer_file(int fd, const struct tiny_request *request)
{
	static const char whole[] = "0123456789";
	char range[64], if_range[64];
	unsigned long from = 0;

	tiny_header(request, "Range", range, sizeof(range));
	tiny_header(request, "If-Range", if_range, sizeof(if_range));
	if (sscanf(range, "bytes=%lu-", &from) != 1 ||
		(if_range[0] && strcmp(if_range, "\"v2\""))) {
		send_text(fd, "ETag: \"v2\"\r\nContent-Type: image/png\r\n", whole);
	} else if (from >= strlen(whole)) {
		tiny_sendf(fd,
			"HTTP/1.1 416 No\r\nContent-Range: bytes */%zu\r\n"
			"Content-Length: 0\r\n\r\n",
			strlen(whole));
	} else {
		tiny_sendf(fd,
			"HTTP/1.1 206 Part\r\nContent-Range: bytes %lu-%zu/%zu\r\nETag: \"v2\"\r\n"
			"Content-Length: %zu\r\n\r\n%s",
			from, strlen(whole) - 1, strlen(whole), strlen(whole) - from, whole + from);
	}
	return true;
}

const unsigned char packed[PACKED_SIZE] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02,
	0x03, 0x4b, 0x4c, 0x1c, 0x05, 0xa3, 0x60, 0x14, 0x0c, 0x77, 0x00, 0x00, 0x03, 0xda, 0x38,
	0x9a, 0xe8, 0x03, 0x00, 0x00};

bool by_path(int fd, const struct tiny_request *request, void *context)
{
	const char *raw = context;
	char key[128];

	if (strcmp(request->path, "/hello") == 0) {
		send_text(fd, "Content-Type: text/plain\r\nLast-Modified: yesterday\r\n", "hello");
	} else if (strcmp(request->path, "/echo") == 0) {
		tiny_header(request, "Authorization", key, sizeof(key));
		char said[9000];
		snprintf(said, sizeof(said), "%s|%s|%s", request->method, key, request->body);
		send_text(fd, "", said);
	} else if (strcmp(request->path, "/file") == 0) {
		return answer_file(fd, request);
	} else if (strcmp(request->path, "/packed") == 0) {
		tiny_header(request, "Accept-Encoding", key, sizeof(key));
		tiny_sendf(fd,
			"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
			"ETag: %s\r\nContent-Length: %zu\r\n\r\n",
			key, sizeof(packed));
		tiny_send(fd, packed, sizeof(packed));
	} else if (strcmp(request->path, "/close") == 0) {
		return false;
	} else if (strcmp(request->path, "/stall") == 0) {
		tiny_stall(fd);
		return false;
	} else if (strncmp(request->path, "/to/", 4) == 0) {
		tiny_sendf(fd,
			"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 4\r\n\r\nmove",
			request->path + 4);
	} else {
		tiny_sendf(fd, "%s", raw);
		return false;
	}
	return true;
}
