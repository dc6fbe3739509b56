/* Multipart bodies over real sockets: texts and a file that is read as it goes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "http_case.h"

static int64_t told_sent, told_size;

static void tell(int64_t sent, int64_t size, void *user)
{
	assert_true(sent > told_sent);
	told_sent = sent;
	told_size = size;
}

static int file_of(const char *text)
{
	char path[] = "/tmp/kiefs-parts-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void send_parts(struct http *http, const char *url, int fd, int64_t size)
{
	const struct http_part parts[] = {
		{.name = "uploadPath", .text = "some/where", .fd = -1},
		{.name = "file", .fd = fd, .size = size, .filename = "n.png"},
	};
	char echo[80];

	snprintf(echo, sizeof(echo), "%s/echo", url);
	told_sent = told_size = 0;
	run(http, (struct http_request){.method = "POST",
			  .url = echo,
			  .parts = parts,
			  .part_count = 2,
			  .progress = tell,
			  .authorized = true,
			  .fd = -1});
}

static void test_texts_and_a_file(void **state)
{
	struct tiny_server *server = tiny_start(by_path, NULL);
	struct got got;
	char url[64];
	struct http *http = new_http_at(server, &got, url);
	int fd = file_of("the bytes of it");

	/* The file's own offset does not count. */
	send_parts(http, url, fd, 15);
	expect(&got, HTTP_ANSWERED, 200);
	const char *path = strstr(got.body, "name=\"uploadPath\"\r\n\r\nsome/where\r\n--");
	const char *file = strstr(got.body, "name=\"file\"; filename=\"n.png\"\r\n");
	assert_non_null(path);
	assert_non_null(file);
	assert_true(path < file);
	assert_non_null(strstr(file, "\r\n\r\nthe bytes of it\r\n--"));
	assert_non_null(strstr(got.body, "Bearer ***"));
	assert_int_equal(told_sent, 15);
	assert_int_equal(told_size, 15);
	close(fd);
	http_destroy(http);
	tiny_stop(server);
}

static void test_a_file_that_became_shorter(void **state)
{
	struct tiny_server *server = tiny_start(by_path, NULL);
	struct got got;
	char url[64];
	struct http *http = new_http_at(server, &got, url);
	int fd = file_of("short");

	send_parts(http, url, fd, 6);
	assert_int_equal(got.answer.outcome, HTTP_LOCAL);
	assert_int_equal(got.answer.local_errno, ESTALE);
	assert_non_null(strstr(got.detail, "could not be read"));
	close(fd);
	http_destroy(http);
	tiny_stop(server);
}

static void test_only_to_the_configured_hosts(void **state)
{
	struct got got;
	struct http *http = new_http("https://api.test", &got);
	int fd = file_of("secret");

	send_parts(http, "https://elsewhere.test", fd, 6);
	assert_int_equal(got.answer.outcome, HTTP_REFUSED);
	assert_int_equal(told_sent, 0);
	close(fd);
	http_destroy(http);
}

static void test_nobody_there(void **state)
{
	struct got got;
	struct http *http = new_http("http://127.0.0.1:1", &got);
	int fd = file_of("bytes");

	send_parts(http, "http://127.0.0.1:1", fd, 5);
	assert_int_equal(got.answer.outcome, HTTP_NOT_SENT);
	close(fd);
	http_destroy(http);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts_and_a_file),
		cmocka_unit_test(test_a_file_that_became_shorter),
		cmocka_unit_test(test_only_to_the_configured_hosts),
		cmocka_unit_test(test_nobody_there),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
