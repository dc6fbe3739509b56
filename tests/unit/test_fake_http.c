/* The fake far side keeps its word: order, clock, files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_http.h"

struct heard {
	struct http *http;
	char bodies[256];
	struct http_answer last;
};

static void hear(const struct http_answer *answer, void *context)
{
	struct heard *heard = context;

	heard->last = *answer;
	strncat(heard->bodies, answer->body, sizeof(heard->bodies) - strlen(heard->bodies) - 2);
	strcat(heard->bodies, "|");
}

static void begin(struct heard *heard)
{
	struct http_options options = {.done = hear, .context = heard};

	fake_http_reset(5000);
	memset(heard, 0, sizeof(*heard));
	assert_int_equal(http_create(&options, &heard->http, NULL), 0);
}

static void end(struct heard *heard)
{
	http_destroy(heard->http);
	fake_http_reset(0);
}

static void get(struct heard *heard, const char *url, int fd, int64_t offset)
{
	struct http_request request = {
		.method = "GET", .url = url, .fd = fd, .offset = offset, .max_bytes = 100};

	assert_int_equal(http_start(heard->http, &request), 0);
}

static void test_answers_come_by_the_fake_clock(void **state)
{
	struct heard heard;

	begin(&heard);
	fake_http_reply(&(struct fake_reply){.url = "/late", .body = "late", .delay_ms = 900});
	fake_http_reply(&(struct fake_reply){.url = "/soon", .body = "soon", .delay_ms = 100});
	fake_http_reply(&(struct fake_reply){.uses = -1, .body = "now"});
	get(&heard, "https://a/late", -1, 0);
	get(&heard, "https://a/soon", -1, 0);
	get(&heard, "https://a/soon", -1, 0);
	assert_string_equal(heard.bodies, "");
	assert_int_equal(http_running(heard.http), 3);
	http_perform(heard.http, 1000);
	assert_string_equal(heard.bodies, "now|");
	assert_int_equal(fake_http_now_ms(), 5000);
	http_perform(heard.http, 50);
	assert_int_equal(fake_http_now_ms(), 5050);
	http_perform(heard.http, 1000);
	assert_int_equal(fake_http_now_ms(), 5100);
	http_wakeup(heard.http);
	http_perform(heard.http, 1000);
	assert_int_equal(fake_http_now_ms(), 5100);
	http_perform(heard.http, -1);
	assert_string_equal(heard.bodies, "now|soon|late|");
	assert_int_equal(fake_http_now_ms(), 5900);
	http_perform(heard.http, -1);
	assert_int_equal(fake_http_now_ms(), 5900);
	assert_true(fake_http_script_done());
	assert_int_equal(fake_http_count(NULL), 3);
	assert_int_equal(fake_http_count("/soon"), 2);
	assert_int_equal(fake_http_request("/soon", 0)->answered_ms, 5100);
	assert_null(fake_http_request("/soon", 2));
	end(&heard);
}

static void test_files_are_cut_and_resumed(void **state)
{
	struct heard heard;
	char content[16] = "";
	int fd = memfd_create("result", MFD_CLOEXEC);

	begin(&heard);
	fake_http_reply(&(struct fake_reply){.body = "0123456789", .cut_at = 4});
	fake_http_reply(&(struct fake_reply){.body = "0123456789"});
	fake_http_reply(&(struct fake_reply){.status = 404, .body = "gone"});
	fake_http_reply(&(struct fake_reply){.body = "abc", .no_resume = true});
	get(&heard, "https://a/f", fd, 0);
	http_perform(heard.http, 0);
	assert_int_equal(heard.last.outcome, HTTP_CUT);
	assert_int_equal(heard.last.received, 4);
	get(&heard, "https://a/f", fd, 4);
	http_perform(heard.http, 0);
	assert_int_equal(heard.last.outcome, HTTP_ANSWERED);
	assert_int_equal(heard.last.status, 206);
	assert_int_equal(heard.last.received, 10);
	get(&heard, "https://a/f", fd, 10);
	http_perform(heard.http, 0);
	assert_int_equal(heard.last.status, 404);
	assert_int_equal(pread(fd, content, sizeof(content) - 1, 0), 10);
	assert_string_equal(content, "0123456789");
	get(&heard, "https://a/f", fd, 10);
	http_perform(heard.http, 0);
	assert_int_equal(heard.last.received, 3);
	assert_int_equal(pread(fd, content, sizeof(content) - 1, 0), 3);
	end(&heard);
	close(fd);
}

static bool handle(const struct fake_request *request, struct fake_reply *reply, void *context)
{
	reply->outcome = strcmp(request->body, "lost") ? HTTP_ANSWERED : HTTP_NO_ANSWER;
	reply->body = context;
	return true;
}

static void test_a_handler_answers_the_rest(void **state)
{
	struct heard heard;
	struct http_request request = {.method = "POST",
		.url = "https://a/createTask",
		.body = "lost",
		.body_len = 4,
		.once = true,
		.authorized = true,
		.fd = -1,
		.max_bytes = 10};

	begin(&heard);
	fake_http_handler(handle, (void *)"yes");
	http_start(heard.http, &request);
	http_perform(heard.http, 0);
	assert_int_equal(heard.last.outcome, HTTP_NO_ANSWER);
	fake_http_allow_double(true);
	http_start(heard.http, &request);
	http_perform(heard.http, 0);
	request.body = "other";
	request.body_len = 5;
	fake_http_allow_double(false);
	http_start(heard.http, &request);
	http_perform(heard.http, 0);
	assert_string_equal(heard.bodies, "||yes|");
	assert_string_equal(fake_http_request(NULL, 2)->body, "other");
	assert_true(fake_http_request(NULL, 2)->authorized);
	end(&heard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_come_by_the_fake_clock),
		cmocka_unit_test(test_files_are_cut_and_resumed),
		cmocka_unit_test(test_a_handler_answers_the_rest),
	};

	return cmocka_run_group_tests_name("fake_http", tests, NULL, NULL);
}
