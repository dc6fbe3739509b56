/* What an upload service is sent, and what its answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/error.h"
#include "kiefs/http.h"
#include "kiefs/upload.h"
#include "sample.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define START 1700000000000LL
#define DAYS3 (72LL * 3600 * 1000)

static struct catalogue *catalogue;

static int setup(void **state)
{
	struct error err = {0};

	return catalogue_load(NULL, NULL, 0, &catalogue, &err);
}

static int teardown(void **state)
{
	catalogue_destroy(catalogue);
	return 0;
}

static void test_answers(void **state)
{
	static const struct {
		enum http_outcome outcome;
		int status;
		const char *body;
		enum upload_verdict verdict;
		const char *address; /* or a part of the message */
		int64_t life_ms;     /* 0: as the catalogue says */
	} cases[] = {
		{HTTP_ANSWERED, 200,
			"{\"success\":true,\"code\":200,\"data\":{\"downloadUrl\":\"https://a/"
			"b\"}}",
			UPLOAD_DONE, "https://a/b", 0},
		{HTTP_ANSWERED, 200,
			"{\"success\":true,\"code\":200,\"data\":{\"fileUrl\":\"https://a/c\","
			"\"expiresAt\":\"2023-11-15T22:13:20Z\"}}",
			UPLOAD_DONE, "https://a/c", 24LL * 3600 * 1000},
		{HTTP_ANSWERED, 200,
			"{\"code\":200,\"data\":{\"downloadUrl\":\"https://a/b\","
			"\"expiresAt\":\"2023-11-15T23:13:20.500+01:00\"}}",
			UPLOAD_DONE, "https://a/b", 24LL * 3600 * 1000},
		{HTTP_ANSWERED, 200,
			"{\"code\":200,\"data\":{\"downloadUrl\":\"https://a/b\","
			"\"expiresAt\":1700000060}}",
			UPLOAD_DONE, "https://a/b", 60000},
		/* Another clock than ours, or none. */
		{HTTP_ANSWERED, 200,
			"{\"code\":200,\"data\":{\"downloadUrl\":\"https://a/b\","
			"\"expiresAt\":\"2001-01-01T00:00:00Z\"}}",
			UPLOAD_DONE, "https://a/b", 0},
		{HTTP_ANSWERED, 200,
			"{\"code\":200,\"data\":{\"downloadUrl\":\"https://a/b\","
			"\"expiresAt\":\"soon\"}}",
			UPLOAD_DONE, "https://a/b", 0},
		{HTTP_ANSWERED, 200,
			"{\"success\":false,\"code\":400,\"msg\":\"Missing required parameter\"}",
			UPLOAD_REFUSED, "Missing required parameter", 0},
		{HTTP_ANSWERED, 200, "{\"success\":false,\"code\":401,\"msg\":\"no\"}", UPLOAD_KEY,
			"key", 0},
		{HTTP_ANSWERED, 401, "<html>", UPLOAD_KEY, "key", 0},
		{HTTP_ANSWERED, 413, "<html>too large", UPLOAD_REFUSED, "413", 0},
		{HTTP_ANSWERED, 200, "{\"success\":false,\"code\":500,\"msg\":\"oh\"}",
			UPLOAD_LATER, "oh", 0},
		{HTTP_ANSWERED, 429, "", UPLOAD_LATER, "429", 0},
		{HTTP_ANSWERED, 503, "busy", UPLOAD_LATER, "503", 0},
		{HTTP_ANSWERED, 302, "", UPLOAD_LATER, "302", 0},
		{HTTP_ANSWERED, 200, "{\"success\":true,\"code\":200,\"data\":{}}", UPLOAD_LATER,
			"lacks", 0},
		{HTTP_ANSWERED, 200,
			"{\"success\":false,\"code\":200,\"data\":{\"downloadUrl\":\"https://a/"
			"b\"}}",
			UPLOAD_LATER, "", 0},
		{HTTP_ANSWERED, 200, "{\"code\":200,\"data\":{\"downloadUrl\":\"file:///etc\"}}",
			UPLOAD_LATER, "", 0},
		{HTTP_ANSWERED, 200, "{\"code\":200,\"data\":{\"downloadUrl\":\"https://a/ b\"}}",
			UPLOAD_LATER, "", 0},
		{HTTP_ANSWERED, 200, "[1]", UPLOAD_LATER, "", 0},
		{HTTP_NOT_SENT, 0, "", UPLOAD_LATER, "no connection", 0},
		{HTTP_NO_ANSWER, 0, "", UPLOAD_LATER, "ended", 0},
		{HTTP_TOO_LARGE, 200, "", UPLOAD_LATER, "larger", 0},
		{HTTP_REFUSED, 0, "", UPLOAD_REFUSED, "not allowed", 0},
	};
	const struct upload_service *service = catalogue_upload(catalogue, UPLOAD_STREAM);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct http_answer answer = {
			.outcome = cases[i].outcome,
			.status = cases[i].status,
			.body = cases[i].body,
			.body_len = strlen(cases[i].body),
			.retry_after_ms = 7,
			.detail = "So.",
		};
		struct upload_answer said = {0};

		assert_int_equal(upload_read(service, &answer, START, &said), 0);
		assert_int_equal(said.verdict, cases[i].verdict);
		assert_int_equal(said.retry_after_ms, 7);
		if (said.verdict == UPLOAD_DONE) {
			int64_t life = cases[i].life_ms ? cases[i].life_ms : DAYS3;
			assert_string_equal(said.address, cases[i].address);
			assert_int_equal(said.expires_ms, START + life);
			assert_null(said.message);
		} else {
			assert_null(said.address);
			assert_non_null(strstr(said.message, cases[i].address));
		}
		upload_answer_finish(&said);
	}
}

/* The day of the one answer that tells how long its address holds. */
#define SAMPLE_START 1736937000000LL

static const struct sample_row {
	const char *file;
	enum upload_form form;
	enum upload_verdict verdict;
	const char *says; /* the address, or a part of the message */
} samples[] = {
	{"upload-any-success-quickstart-doc", UPLOAD_STREAM, UPLOAD_DONE,
		"https://kieai.redpandaai.co/download/file_abc123456"},
	{"upload-base64-error-400-invalid-format", UPLOAD_BASE64, UPLOAD_REFUSED,
		"Invalid Base64 format"},
	{"upload-base64-error-400-missing-parameter", UPLOAD_BASE64, UPLOAD_REFUSED,
		"Missing required parameter: uploadPath"},
	{"upload-base64-error-401", UPLOAD_BASE64, UPLOAD_KEY, "Invalid API Key"},
	{"upload-base64-error-500", UPLOAD_BASE64, UPLOAD_LATER, "Internal server error"},
	{"upload-base64-success-doc", UPLOAD_BASE64, UPLOAD_DONE,
		"https://tempfile.redpandaai.co/xxx/images/user-uploads/uploaded-image.png"},
	{"upload-stream-success-doc", UPLOAD_STREAM, UPLOAD_DONE,
		"https://tempfile.redpandaai.co/xxx/images/user-uploads/uploaded-image.png"},
	{"upload-url-success-doc", UPLOAD_URL, UPLOAD_DONE,
		"https://tempfile.redpandaai.co/xxx/images/user-uploads/uploaded-image.png"},
};

/* Three days: what the catalogue holds of those that do not tell, and what the one tells. */
static void test_documented_answers(void **state)
{
	for (size_t i = 0; i < COUNT(samples); i++) {
		char *body = sample_read(samples[i].file);
		const struct http_answer answer = {
			.outcome = HTTP_ANSWERED,
			.status = 200,
			.body = body,
			.body_len = strlen(body),
			.retry_after_ms = -1,
			.detail = "",
		};
		struct upload_answer said = {0};

		assert_int_equal(upload_read(catalogue_upload(catalogue, samples[i].form), &answer,
					 SAMPLE_START, &said),
			0);
		if (said.verdict != samples[i].verdict)
			fail_msg("%s: verdict %d", samples[i].file, said.verdict);
		if (said.verdict == UPLOAD_DONE) {
			assert_string_equal(said.address, samples[i].says);
			assert_int_equal(said.expires_ms, SAMPLE_START + DAYS3);
		} else if (!strstr(said.message, samples[i].says)) {
			fail_msg("%s: %s", samples[i].file, said.message);
		}
		upload_answer_finish(&said);
		free(body);
	}
}

static void test_bodies(void **state)
{
	char *body =
		upload_body(catalogue_upload(catalogue, UPLOAD_URL), "https://a/\"b\"", "name.png");

	assert_string_equal(body, "{\"fileUrl\":\"https://a/\\\"b\\\"\",\"uploadPath\":\"kiefs\","
				  "\"fileName\":\"name.png\"}");
	cJSON_free(body);
	body = upload_body(catalogue_upload(catalogue, UPLOAD_BASE64), "AAAA", "x");
	assert_non_null(strstr(body, "\"base64Data\":\"AAAA\""));
	cJSON_free(body);
}

static void test_names(void **state)
{
	static const struct {
		const char *extension, *end;
	} cases[] = {
		{"png", ".png"},
		{"JPEG", ".jpeg"},
		{"", "00000004"},
		{"../../etc", ".etc"},
		{"a b%2f", ".ab2f"},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaa"},
	};
	static const uint32_t random[4] = {1, 2, 3, 4};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[UPLOAD_NAME_SIZE];

		upload_name(random, cases[i].extension, name);
		assert_memory_equal(name, "00000001000000020000000300000004", 32);
		assert_string_equal(name + strlen(name) - strlen(cases[i].end), cases[i].end);
		assert_in_range(strlen(name), 32, UPLOAD_NAME_SIZE - 1);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_documented_answers),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_names),
	};

	if (sample_names_wanted(argc, argv)) {
		sample_names(&samples[0].file, COUNT(samples), sizeof(samples[0]));
		return 0;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
