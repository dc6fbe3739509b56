/* Tables for protocol: addresses, submissions, polls, results, and services that are data only. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/catalogue.h"
#include "kiefs/error.h"
#include "kiefs/http.h"
#include "kiefs/protocol.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* The built-in services, and two invented ones that are nothing but a file. */
static struct catalogue *catalogue;

#define JOBS "z-image"
#define PAINT "invented/paint"
#define SAY "invented/say"

static int load(void **state)
{
	static const char *const extra[] = {TEST_DATA "/invented.json"};
	struct error err = {0};
	int r = catalogue_load(NULL, extra, COUNT(extra), &catalogue, &err);

	if (r < 0)
		print_error("%s\n", error_text(&err));
	error_finish(&err);
	return r;
}

static int unload(void **state)
{
	catalogue_destroy(catalogue);
	return 0;
}

static const struct model *model(const char *id)
{
	const struct model *found = catalogue_find(catalogue, id);

	assert_non_null(found);
	return found;
}

static struct http_answer answered(int status, const char *body)
{
	return (struct http_answer){
		.outcome = HTTP_ANSWERED,
		.status = status,
		.body = body,
		.body_len = strlen(body),
		.retry_after_ms = -1,
		.content_type = "",
		.etag = "",
		.detail = "",
	};
}

static void test_addresses(void **state)
{
	static const struct {
		const char *id, *task, *submit, *poll;
	} cases[] = {
		{JOBS, "task_1", "https://api/api/v1/jobs/createTask",
			"https://api/api/v1/jobs/recordInfo?taskId=task_1"},
		{JOBS, "a b/../?&=%#\n\xc3\xa4", "https://api/api/v1/jobs/createTask",
			"https://api/api/v1/jobs/recordInfo?taskId="
			"a%20b%2F..%2F%3F%26%3D%25%23%0A%C3%A4"},
		{PAINT, "7/8", "https://up/v9/paint", "https://up/v9/paint/7%2F8/state"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct service *service = model(cases[i].id)->service;
		char *submit = protocol_submit_url(service, "https://api", "https://up");
		char *poll = protocol_poll_url(service, "https://api", "https://up", cases[i].task);
		assert_string_equal(submit, cases[i].submit);
		assert_string_equal(poll, cases[i].poll);
		free(submit);
		free(poll);
	}
}

struct submit_case {
	int status;
	const char *body;
	enum submit_verdict verdict;
	const char *task_id;
	int code;
	const char *says; /* part of the message */
};

static void check_submit(const struct model *asked, const struct submit_case *want)
{
	struct http_answer answer = answered(want->status, want->body);
	struct submit_answer got = {0};

	assert_int_equal(protocol_read_submit(asked, &answer, &got), 0);
	if (got.verdict != want->verdict || got.code != want->code)
		fail_msg("%d %s: verdict %d code %d %s", want->status, want->body, got.verdict,
			got.code, got.message ? got.message : "");
	if (want->task_id)
		assert_string_equal(got.task_id, want->task_id);
	else
		assert_null(got.task_id);
	if (got.verdict != SUBMIT_ACCEPTED) {
		assert_non_null(got.message);
		assert_int_equal(got.message[strlen(got.message) - 1], '.');
		assert_null(strchr(got.message, '\n'));
	}
	if (want->says && !strstr(got.message, want->says))
		fail_msg("\"%s\" lacks \"%s\"", got.message, want->says);
	submit_answer_finish(&got);
}

#define DEEP "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["

static const struct submit_case jobs_submits[] = {
	{200, "{\"code\":200,\"msg\":\"success\",\"data\":{\"taskId\":\"task_qwen_1765\"}}",
		SUBMIT_ACCEPTED, "task_qwen_1765", 200, NULL},
	{200, "{\"code\":200,\"msg\":\"success\",\"data\":{\"taskId\":\"t_1\",\"recordId\":\"1\"}}",
		SUBMIT_ACCEPTED, "t_1", 200, NULL},
	{200, "{\"code\":\"200\",\"data\":{\"taskId\":\"\",\"recordId\":17}}", SUBMIT_ACCEPTED,
		"17", 200, NULL},
	{200, "{\"data\":{\"taskId\":\"t\"}}", SUBMIT_ACCEPTED, "t", 0, NULL},
	{500, "{\"code\":200,\"data\":{\"taskId\":\"t\"}}", SUBMIT_ACCEPTED, "t", 200, NULL},
	/* An error beside an id: the id is the safe thing to believe. */
	{200, "{\"code\":422,\"msg\":\"success\",\"data\":{\"taskId\":\"t\"}}", SUBMIT_ACCEPTED,
		"t", 422, NULL},
	{200, "{\"code\":402,\"msg\":\"none\",\"data\":{\"taskId\":\"t\"}}", SUBMIT_HELD_CREDITS,
		NULL, 402, NULL},
	/* Errors inside HTTP 200, and with HTTP's own status. */
	{200, "{\"code\":401,\"msg\":\"Unauthorized\"}", SUBMIT_HELD_KEY, NULL, 401,
		"set a valid key"},
	{401, "{\"code\":401,\"msg\":\"You do not have access permissions\"}", SUBMIT_HELD_KEY,
		NULL, 401, "\"You do not have access permissions\""},
	{200, "{\"code\":402,\"msg\":\"Credits insufficient\",\"data\":null}", SUBMIT_HELD_CREDITS,
		NULL, 402, "\"Credits insufficient\" (code 402)"},
	{200, "{\"code\":433,\"msg\":\"sub-key limit\"}", SUBMIT_HELD_QUOTA, NULL, 433, "limit"},
	{200, "{\"code\":429,\"msg\":\"Rate limit exceeded\"}", SUBMIT_LATER, NULL, 429, NULL},
	{200, "{\"code\":405,\"msg\":\"slow down\"}", SUBMIT_LATER, NULL, 405, NULL},
	{200, "{\"code\":455,\"msg\":\"maintenance\"}", SUBMIT_LATER, NULL, 455, NULL},
	{200,
		"{\"code\":422,\"msg\":\"The model name you specified is not "
		"supported.\",\"data\":null}",
		SUBMIT_REFUSED, NULL, 422, "not supported"},
	{200, "{\"code\":500,\"msg\":\"This field is required\"}", SUBMIT_REFUSED, NULL, 500,
		"This field is required"},
	{500, "{\"code\":500,\"msg\":\"Server Error\",\"data\":null}", SUBMIT_REFUSED, NULL, 500,
		NULL},
	{503, "{\"code\":455,\"message\":\"closed\"}", SUBMIT_LATER, NULL, 455, "closed"},
	{200, "{\"code\":777,\"msg\":\"new\"}", SUBMIT_REFUSED, NULL, 777, "new"},
	{200, "{\"code\":500,\"msg\":\"a\\u0000b\"}", SUBMIT_REFUSED, NULL, 500, "\"a\""},
	{200, "{\"code\":500,\"msg\":\"a\\nb\\u001b[31m\\tc\"}", SUBMIT_REFUSED, NULL, 500,
		"\"a b [31m c\""},
	/* HTTP alone. */
	{429, "slow down", SUBMIT_LATER, NULL, 0, NULL},
	{429, "", SUBMIT_LATER, NULL, 0, "HTTP 429"},
	{401, "<html>", SUBMIT_HELD_KEY, NULL, 0, NULL},
	{402, "{}", SUBMIT_HELD_CREDITS, NULL, 0, NULL},
	{403, "<html>forbidden</html>", SUBMIT_REFUSED, NULL, 0, "HTTP 403"},
	{404, "{\"code\":\"internal_error\",\"msg\":\"gateway\"}", SUBMIT_REFUSED, NULL, 0,
		"gateway"},
	{413, "", SUBMIT_REFUSED, NULL, 0, NULL},
	{408, "", SUBMIT_UNCERTAIN, NULL, 0, "resend"},
	{301, "", SUBMIT_UNCERTAIN, NULL, 0, NULL},
	{500, "", SUBMIT_UNCERTAIN, NULL, 0, NULL},
	{502, "<html>Bad Gateway</html>", SUBMIT_UNCERTAIN, NULL, 0, "HTTP 502"},
	{504, "{\"status\":504,\"error\":\"Gateway Timeout\"}", SUBMIT_UNCERTAIN, NULL, 0, NULL},
	/* Success that is none. */
	{200, "", SUBMIT_UNCERTAIN, NULL, 0, NULL},
	{200, "OK", SUBMIT_UNCERTAIN, NULL, 0, NULL},
	{200, "<html><body>Sign in to the hotel network</body></html>", SUBMIT_UNCERTAIN, NULL, 0,
		NULL},
	{200, "null", SUBMIT_UNCERTAIN, NULL, 0, NULL},
	{200, "[]", SUBMIT_UNCERTAIN, NULL, 0, NULL},
	{200, "{\"code\":200,\"msg\":\"success\",\"data\":null}", SUBMIT_UNCERTAIN, NULL, 200,
		NULL},
	{200, "{\"code\":200,\"data\":{\"taskId\":null}}", SUBMIT_UNCERTAIN, NULL, 200, NULL},
	{200, "{\"code\":200,\"data\":{\"taskId\":{\"a\":1}}}", SUBMIT_UNCERTAIN, NULL, 200, NULL},
	{200, "{\"code\":200,\"data\":{\"taskId\":\"abc", SUBMIT_UNCERTAIN, NULL, 0, NULL},
	{200, "{\"code\":1e999}", SUBMIT_UNCERTAIN, NULL, 0, NULL},
	{200, "{\"code\":-1e300}", SUBMIT_UNCERTAIN, NULL, 0, NULL},
	{200, "{\"code\":true}", SUBMIT_UNCERTAIN, NULL, 0, NULL},
	{200, "{\"code\":200.5}", SUBMIT_UNCERTAIN, NULL, 0, NULL},
	{200, "{\"code\":201}", SUBMIT_UNCERTAIN, NULL, 201, NULL},
	{200, DEEP DEEP DEEP, SUBMIT_UNCERTAIN, NULL, 0, NULL},
};

static void test_submissions(void **state)
{

	for (size_t i = 0; i < COUNT(jobs_submits); i++)
		check_submit(model(JOBS), &jobs_submits[i]);
}

static void test_submission_outcomes(void **state)
{
	static const struct {
		enum http_outcome outcome;
		enum submit_verdict verdict;
		const char *says;
	} cases[] = {
		{HTTP_NOT_SENT, SUBMIT_LATER, "no connection could be made: Could not resolve)."},
		{HTTP_NO_ANSWER, SUBMIT_UNCERTAIN, "resend"},
		{HTTP_CUT, SUBMIT_UNCERTAIN, "cut off"},
		{HTTP_TOO_LARGE, SUBMIT_UNCERTAIN, "larger than allowed"},
		{HTTP_REFUSED, SUBMIT_REFUSED, "not allowed"},
		{HTTP_LOCAL, SUBMIT_UNCERTAIN, "stored"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_answer answer = {
			.outcome = cases[i].outcome,
			.retry_after_ms = 4000,
			.detail = "Could not resolve.",
		};
		struct submit_answer got = {0};
		assert_int_equal(protocol_read_submit(model(JOBS), &answer, &got), 0);
		assert_int_equal(got.verdict, cases[i].verdict);
		assert_int_equal(got.retry_after_ms, 4000);
		if (!strstr(got.message, cases[i].says))
			fail_msg("%s", got.message);
		submit_answer_finish(&got);
	}
}

static void test_long_messages_are_cut(void **state)
{
	char body[5000] = "{\"code\":422,\"msg\":\"";
	struct submit_answer got = {0};

	while (strlen(body) < 4000)
		strcat(body, "\xc3\xa4");
	strcat(body, "\xff\"}");
	struct http_answer answer = answered(200, body);
	assert_int_equal(protocol_read_submit(model(JOBS), &answer, &got), 0);
	assert_int_equal(got.verdict, SUBMIT_REFUSED);
	assert_true(strlen(got.message) < 750);
	assert_non_null(strstr(got.message, "\xc3\xa4...\" (code 422)."));
	submit_answer_finish(&got);
}

struct poll_case {
	int status;
	const char *body;
	enum poll_verdict verdict;
	const char *state;
	bool known;
	const char *results; /* "kind value label|..." */
	const char *says;
	const char *code;
	double credits;
};

/* "0 https://a/1|4 hello score" */
static void list_results(const struct poll_answer *answer, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < answer->result_count; i++) {
		const struct poll_result *result = &answer->results[i];
		size_t n = strlen(out);
		snprintf(out + n, size - n, "%s%d %s%s%s", i ? "|" : "", result->kind,
			result->value, result->label ? " " : "",
			result->label ? result->label : "");
	}
}

static void check_poll(const struct model *asked, const struct poll_case *want)
{
	struct http_answer answer = answered(want->status, want->body);
	struct poll_answer got = {0};
	char results[1024];

	assert_int_equal(protocol_read_poll(asked, &answer, &got), 0);
	list_results(&got, results, sizeof(results));
	if (got.verdict != want->verdict || got.known_state != want->known)
		fail_msg("%d %s: verdict %d known %d %s", want->status, want->body, got.verdict,
			got.known_state, got.message ? got.message : "");
	assert_string_equal(got.state ? got.state : "", want->state ? want->state : "");
	assert_string_equal(results, want->results ? want->results : "");
	assert_string_equal(got.code ? got.code : "", want->code ? want->code : "");
	if (want->says && (!got.message || !strstr(got.message, want->says)))
		fail_msg("\"%s\" lacks \"%s\"", got.message ? got.message : "", want->says);
	if (want->credits != 0 && got.credits != want->credits)
		fail_msg("%s: credits %g", want->body, got.credits);
	poll_answer_finish(&got);
}

static const struct poll_case jobs_polls[] = {
	{200,
		"{\"code\":200,\"data\":{\"state\":\"waiting\",\"resultJson\":\"\",\"failCode\":"
		"null}}",
		POLL_RUNNING, "waiting", true, NULL, NULL, NULL, -1},
	{200, "{\"code\":200,\"data\":{\"state\":\"generating\",\"creditsConsumed\":3.5}}",
		POLL_RUNNING, "generating", true, NULL, NULL, NULL, 3.5},
	{200, "{\"code\":200,\"data\":{\"state\":\"dreaming\"}}", POLL_RUNNING, "dreaming", false,
		NULL, NULL, NULL, 0},
	{200, "{\"code\":200,\"data\":{\"state\":17}}", POLL_RUNNING, "17", false, NULL, NULL, NULL,
		0},
	{200, "{\"code\":200,\"data\":{\"state\":null}}", POLL_RUNNING, NULL, false, NULL, NULL,
		NULL, 0},
	{200, "{\"data\":{\"state\":\"dreaming\"}}", POLL_RUNNING, "dreaming", false, NULL, NULL,
		NULL, 0},
	/* A slip of the API: the state is right, the code is not. */
	{200, "{\"code\":505,\"msg\":\"success\",\"data\":{\"state\":\"queuing\"}}", POLL_RUNNING,
		"queuing", true, NULL, NULL, NULL, 0},
	/* Success, in every shape. */
	{200,
		"{\"code\":200,\"message\":\"success\",\"data\":{\"state\":\"success\","
		"\"resultJson\":"
		"\"{\\\"resultUrls\\\":[\\\"https://e.com/a.jpg\\\"]}\",\"failCode\":\"\","
		"\"costTime\":15000}}",
		POLL_SUCCEEDED, "success", true, "0 https://e.com/a.jpg", NULL, NULL, -1},
	{200,
		"{\"code\":200,\"data\":{\"state\":\"success\",\"consumeCredits\":100,"
		"\"resultJson\":"
		"{\"resultUrls\":[\"https://e.com/a\",\"https://e.com/b\",\"https://e.com/a\"],"
		"\"firstFrameUrl\":\"https://e.com/f\"}}}",
		POLL_SUCCEEDED, "success", true,
		"0 https://e.com/a|0 https://e.com/b|1 https://e.com/f firstframe", NULL, NULL,
		100},
	{200,
		"{\"code\":200,\"data\":{\"state\":\"success\",\"resultJson\":\"{"
		"\\\"resultUrls\\\":"
		"[\\\"https://e.com/i.jpg\\\"],\\\"resultWaterMarkUrls\\\":[\\\"https://e.com/"
		"w\\\"]}"
		"\"}}",
		POLL_SUCCEEDED, "success", true,
		"0 https://e.com/i.jpg|0 https://e.com/w watermark", NULL, NULL, 0},
	{200,
		"{\"code\":200,\"data\":{\"state\":\"success\",\"resultJson\":\"{\\\"character_"
		"id\\\":"
		"\\\"example_1\\\"}\"}}",
		POLL_SUCCEEDED, "success", true, "4 example_1 character", NULL, NULL, 0},
	{200,
		"{\"code\":200,\"data\":{\"state\":\"success\",\"resultJson\":\"{"
		"\\\"resultObject\\\":"
		"{\\\"character_id\\\":\\\"x\\\"}}\"}}",
		POLL_SUCCEEDED, "success", true, "5 {\n\t\"character_id\":\t\"x\"\n} object", NULL,
		NULL, 0},
	/* A mirror counts only when nothing else was found. */
	{200,
		"{\"code\":200,\"data\":{\"state\":\"success\",\"resultJson\":\"{"
		"\\\"resultUrls\\\":"
		"[\\\"https://e.com/a\\\"]}\",\"response\":{\"resultUrls\":[\"https://e.com/"
		"b\"]}}}",
		POLL_SUCCEEDED, "success", true, "0 https://e.com/a", NULL, NULL, 0},
	{200,
		"{\"code\":200,\"data\":{\"state\":\"success\",\"resultJson\":null,"
		"\"response\":{\"resultUrls\":[\"https://e.com/b\"]}}}",
		POLL_SUCCEEDED, "success", true, "0 https://e.com/b", NULL, NULL, 0},
	/* Success without a result, and with none that can be used. */
	{200, "{\"code\":200,\"data\":{\"state\":\"success\",\"resultJson\":\"\"}}", POLL_SUCCEEDED,
		"success", true, NULL, NULL, NULL, 0},
	{200, "{\"code\":200,\"data\":{\"state\":\"success\",\"resultJson\":\"not json\"}}",
		POLL_SUCCEEDED, "success", true, NULL, NULL, NULL, 0},
	{200,
		"{\"code\":200,\"data\":{\"state\":\"success\",\"resultJson\":\"{"
		"\\\"resultUrls\\\":"
		"[\\\"file:///etc/passwd\\\",\\\"\\\",null,7,\\\"https://e.com/a b\\\"]}\"}}",
		POLL_SUCCEEDED, "success", true, NULL, "\"file:///etc/passwd\"", NULL, 0},
	/* Failure. */
	{200,
		"{\"code\":200,\"message\":\"success\",\"data\":{\"state\":\"fail\",\"failCode\":"
		"\"422\","
		"\"failMsg\":\"Invalid prompt: prompt contains prohibited content\"}}",
		POLL_FAILED, "fail", true, NULL, "prohibited content\" (code 422).", "422", 0},
	{200, "{\"code\":200,\"msg\":\"success\",\"data\":{\"state\":\"fail\",\"failMsg\":null}}",
		POLL_FAILED, "fail", true, NULL, "gave no reason", NULL, 0},
	{200,
		"{\"code\":501,\"msg\":\"Playground task failed.\",\"data\":{\"state\":\"fail\","
		"\"failCode\":\"GENERATION_FAILED\",\"failMsg\":\"The generation task failed.\","
		"\"creditsConsumed\":0}}",
		POLL_FAILED, "fail", true, NULL, "The generation task failed.", "GENERATION_FAILED",
		0},
	{200, "{\"code\":501,\"msg\":\"Playground task failed.\"}", POLL_FAILED, NULL, true, NULL,
		"Playground task failed.", NULL, 0},
	/* Not known. */
	{200, "{\"code\":200,\"msg\":\"success\",\"data\":null}", POLL_MISSING, NULL, true, NULL,
		NULL, NULL, 0},
	{200, "{\"code\":404,\"msg\":\"Task not found\"}", POLL_MISSING, NULL, true, NULL,
		"Task not found", NULL, 0},
	{200, "{\"code\":422,\"msg\":\"recordInfo is null\",\"data\":null}", POLL_MISSING, NULL,
		true, NULL, NULL, NULL, 0},
	/* Ask again. */
	{200, "{\"code\":400,\"msg\":\"taskId parameter is required\"}", POLL_LATER, NULL, true,
		NULL, NULL, NULL, 0},
	{200, "{\"code\":429,\"msg\":\"Rate limit exceeded\"}", POLL_LATER, NULL, true, NULL, NULL,
		NULL, 0},
	{200, "{\"code\":455,\"msg\":\"closed\"}", POLL_LATER, NULL, true, NULL, NULL, NULL, 0},
	{500, "{\"code\":500,\"msg\":\"Server Error\",\"data\":null}", POLL_LATER, NULL, true, NULL,
		"Server Error", NULL, 0},
	{200, "{\"code\":999}", POLL_LATER, NULL, true, NULL, NULL, NULL, 0},
	{404, "<html>", POLL_LATER, NULL, true, NULL, "HTTP 404", NULL, 0},
	{502, "<html>Bad Gateway</html>", POLL_LATER, NULL, true, NULL, NULL, NULL, 0},
	{200, "", POLL_LATER, NULL, true, NULL, NULL, NULL, 0},
	{200, "{\"code\":200,\"data\":", POLL_LATER, NULL, true, NULL, NULL, NULL, 0},
	{200, "[1,2]", POLL_LATER, NULL, true, NULL, NULL, NULL, 0},
	/* The key. */
	{200, "{\"code\":401,\"msg\":\"Unauthorized\"}", POLL_KEY, NULL, true, NULL,
		"set a valid key", NULL, 0},
	{401, "", POLL_KEY, NULL, true, NULL, NULL, NULL, 0},
};

static void test_polls(void **state)
{

	for (size_t i = 0; i < COUNT(jobs_polls); i++)
		check_poll(model(JOBS), &jobs_polls[i]);
}

static void test_progress(void **state)
{
	static const struct {
		const char *progress;
		int want;
	} cases[] = {{"40", 40}, {"\"55\"", 55}, {"150", 100}, {"-3", -1}, {"1e999", -1},
		{"\"soon\"", -1}, {"null", -1}, {"{}", -1}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct poll_answer got = {0};
		char body[200];
		snprintf(body, sizeof(body),
			"{\"code\":200,\"data\":{\"state\":\"generating\",\"progress\":%s}}",
			cases[i].progress);
		struct http_answer answer = answered(200, body);
		assert_int_equal(protocol_read_poll(model(JOBS), &answer, &got), 0);
		assert_int_equal(got.progress, cases[i].want);
		poll_answer_finish(&got);
	}
}

static void test_poll_without_answer(void **state)
{
	struct http_answer answer = {
		.outcome = HTTP_NO_ANSWER, .retry_after_ms = 7000, .detail = "timed out"};
	struct poll_answer got = {0};

	assert_int_equal(protocol_read_poll(model(JOBS), &answer, &got), 0);
	assert_int_equal(got.verdict, POLL_LATER);
	assert_int_equal(got.retry_after_ms, 7000);
	assert_non_null(strstr(got.message, "timed out"));
	poll_answer_finish(&got);
}

static void test_a_service_with_flags_and_no_code(void **state)
{
	static const struct submit_case submits[] = {
		{201, "{\"job\":{\"number\":81}}", SUBMIT_ACCEPTED, "81", 0, NULL},
		{200, "{\"job\":{}}", SUBMIT_UNCERTAIN, NULL, 0, NULL},
		{418, "{\"error\":{\"text\":\"short and stout\"}}", SUBMIT_LATER, NULL, 0,
			"\"short and stout\" (HTTP 418)"},
		{403, "", SUBMIT_HELD_QUOTA, NULL, 0, NULL},
		{400, "{\"error\":{\"text\":\"no colour\"}}", SUBMIT_REFUSED, NULL, 0, "no colour"},
		{500, "{\"error\":{\"text\":\"oops\"}}", SUBMIT_UNCERTAIN, NULL, 0, "oops"},
	};
	static const struct poll_case polls[] = {
		{200, "{\"job\":{\"flag\":0}}", POLL_RUNNING, "0", true, NULL, NULL, NULL, 0},
		{200, "{\"job\":{\"flag\":\"0\"}}", POLL_RUNNING, "0", true, NULL, NULL, NULL, 0},
		{200,
			"{\"job\":{\"flag\":1,\"sounds\":[{\"at\":\"https://e.com/1\"},{},"
			"{\"at\":\"https://e.com/2\"}],\"score\":\"c d e\"}}",
			POLL_SUCCEEDED, "1", true,
			"3 https://e.com/1|3 https://e.com/2|4 c d e score", NULL, NULL, 0},
		{200, "{\"job\":{\"flag\":true}}", POLL_SUCCEEDED, "true", true, NULL, NULL, NULL,
			0},
		{200, "{\"job\":{\"flag\":2,\"why\":9,\"because\":\"no paint\"}}", POLL_FAILED, "2",
			true, NULL, "\"no paint\" (code 9)", "9", 0},
		{200, "{\"job\":{\"flag\":3}}", POLL_RUNNING, "3", false, NULL, NULL, NULL, 0},
		{200, "{\"job\":null}", POLL_MISSING, NULL, true, NULL, NULL, NULL, 0},
		{404, "{\"error\":{\"text\":\"gone\"}}", POLL_MISSING, NULL, true, NULL, "gone",
			NULL, 0},
		{503, "", POLL_LATER, NULL, true, NULL, NULL, NULL, 0},
	};

	for (size_t i = 0; i < COUNT(submits); i++)
		check_submit(model(PAINT), &submits[i]);
	for (size_t i = 0; i < COUNT(polls); i++)
		check_poll(model(PAINT), &polls[i]);
}

static void test_a_service_that_answers_at_once(void **state)
{
	static const struct submit_case submits[] = {
		{200, "{\"status\":{\"code\":0},\"answer\":\"hello\"}", SUBMIT_FINISHED, NULL, 0,
			NULL},
		{200, "{\"status\":{\"code\":0},\"answer\":\"\"}", SUBMIT_UNCERTAIN, NULL, 0, NULL},
		{200, "{\"status\":{\"code\":7,\"text\":\"poor\"}}", SUBMIT_HELD_CREDITS, NULL, 7,
			"poor"},
		{200, "{\"status\":{\"code\":\"7\"}}", SUBMIT_HELD_CREDITS, NULL, 7, NULL},
	};
	static const struct poll_case read_again = {200,
		"{\"status\":{\"code\":0},\"answer\":\"hello\"}", POLL_SUCCEEDED, NULL, true,
		"4 hello", NULL, NULL, 0};

	for (size_t i = 0; i < COUNT(submits); i++)
		check_submit(model(SAY), &submits[i]);
	check_poll(model(SAY), &read_again);
}

/* A model whose entry has result paths of its own. */
static void test_result_paths_of_a_model(void **state)
{
	static const struct poll_case of_speech = {200,
		"{\"code\":200,\"data\":{\"state\":\"success\",\"resultJson\":"
		"\"{\\\"transcript\\\":\\\"good morning\\\"}\"}}",
		POLL_SUCCEEDED, "success", true, "4 good morning", NULL, NULL, 0};

	check_poll(model("elevenlabs/speech-to-text"), &of_speech);
}

/* Every prefix of a good answer, and every byte of it broken: never a crash, never a false end. */
static void test_broken_answers(void **state)
{
	char body[] = "{\"code\":200,\"data\":{\"state\":\"generating\",\"resultJson\":"
		      "\"{\\\"resultUrls\\\":[\\\"https://e.com/a\\\"]}\",\"taskId\":\"t\"}}";

	for (size_t i = 0; i < strlen(body) * 2; i++) {
		char broken[sizeof(body)];
		memcpy(broken, body, sizeof(body));
		if (i < strlen(body))
			broken[i] = '\0';
		else
			broken[i - strlen(body)] ^= 0x15;
		struct http_answer answer = answered(200, broken);
		struct submit_answer submit = {0};
		struct poll_answer poll = {0};
		assert_int_equal(protocol_read_submit(model(JOBS), &answer, &submit), 0);
		assert_int_equal(protocol_read_poll(model(JOBS), &answer, &poll), 0);
		assert_true(poll.verdict != POLL_SUCCEEDED && poll.verdict != POLL_FAILED);
		submit_answer_finish(&submit);
		poll_answer_finish(&poll);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_submissions),
		cmocka_unit_test(test_submission_outcomes),
		cmocka_unit_test(test_long_messages_are_cut),
		cmocka_unit_test(test_polls),
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_poll_without_answer),
		cmocka_unit_test(test_a_service_with_flags_and_no_code),
		cmocka_unit_test(test_a_service_that_answers_at_once),
		cmocka_unit_test(test_result_paths_of_a_model),
		cmocka_unit_test(test_broken_answers),
	};

	return cmocka_run_group_tests_name("protocol", tests, load, unload);
}
