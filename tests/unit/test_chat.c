/* Answers in text as each service spells them, cut at every byte; turns as each wants them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/catalogue.h"
#include "kiefs/chat.h"
#include "kiefs/error.h"
#include "sample.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int load(void **state)
{
	struct catalogue *catalogue = NULL;
	struct error err = {0};

	if (catalogue_load(NULL, NULL, 0, &catalogue, &err) < 0)
		fail_msg("%s", error_text(&err));
	*state = catalogue;
	return 0;
}

static int unload(void **state)
{
	catalogue_destroy(*state);
	return 0;
}

static const struct model *model_of(void **state, const char *id)
{
	const struct model *model = catalogue_find(*state, id);

	assert_non_null(model);
	return model;
}

/* `stop`, `error` NULL: none. */
static const struct {
	const char *model, *stream, *text, *stop, *error;
	bool ended;
	double credits;
} streams[] = {
	{"gpt-5-2",
		"data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n"
		"data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n"
		": keep-alive\n\n"
		"data: {\"choices\":[{\"delta\":{\"content\":\"lo\"},\"finish_reason\":"
		"\"stop\"}],\"credits_consumed\":0.5}\n\ndata: [DONE]\n\n",
		"Hello", "stop", NULL, true, 0.5},
	{"claude/claude-sonnet-4-5",
		"event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{}}\r\n\r\n"
		"event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"delta\":"
		"{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}}\r\n\r\n"
		"event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"delta\":"
		"{\"type\":\"text_delta\",\"text\":\"H\\u00e4\"}}\r\n\r\n"
		"event: message_delta\r\ndata: {\"type\":\"message_delta\",\"delta\":"
		"{\"stop_reason\":\"max_tokens\"},\"credits_consumed\":2}\r\n\r\n"
		"event: message_stop\r\ndata: {\"type\":\"message_stop\"}\r\n\r\n",
		"H\xc3\xa4", "max_tokens", NULL, true, 2},
	{"codex/gpt-5-4",
		"data: "
		"{\"type\":\"response.created\",\"response\":{\"status\":\"in_progress\"}}\r\r"
		"data: {\"type\":\"response.reasoning_summary_text.delta\",\"delta\":\"hm\"}\r\r"
		"data: {\"type\":\"response.output_text.delta\",\"delta\":\"A \"}\r\r"
		"data: {\"type\":\"response.output_text.delta\",\"delta\":\"b\"}\r\r"
		"data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"},"
		"\"credits_consumed\":1}\r\r",
		"A b", "completed", NULL, true, 1},
	{"gemini/gemini-3-flash",
		"data: "
		"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hm\",\"thought\":true},"
		"{\"text\":\"Yes\"}]}}]}\n\n"
		"data: {\"candidates\":[{\"finishReason\":\"STOP\"}],\"credits_consumed\":0.01}",
		"Yes", "STOP", NULL, false, 0.01},
	/* Cut, broken, odd. */
	{"gpt-5-2", "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\ndata: {\"choi",
		"Hel", NULL, NULL, false, -1},
	{"gpt-5-2",
		"data: {\"choices\":\ndata: [{\"delta\":{\"content\":\"x\"}}]}\n\n"
		"data: {broken\n\ndata: 7\n\nid: 3\nretry: 5\n\n"
		"data:{\"error\":{\"message\":\"It\\nfell\"}}\n\n",
		"x", NULL, "It fell", false, -1},
	{"grok/grok-4-3", "data: {\"code\":500,\"msg\":\"Server exception\"}\n\n", "", NULL,
		"Server exception", false, -1},
	{"grok/grok-4-3", "data: {\"type\":\"error\",\"message\":\"No more\"}\n\n", "", NULL,
		"No more", false, -1},
};

static void same_text(const char *got, const char *want)
{
	if (want)
		assert_string_equal(got, want);
	else
		assert_null(got);
}

static void check_stream(const struct model *model, size_t which, size_t first, size_t step)
{
	const char *bytes = streams[which].stream;
	size_t len = strlen(bytes);
	struct chat_reader reader;

	chat_reader_init(&reader, model);
	for (size_t at = 0, n = first; at < len; at += n, n = step) {
		if (n == 0 || n > len - at)
			n = len - at;
		assert_int_equal(chat_reader_feed(&reader, bytes + at, n), 0);
	}
	assert_int_equal(chat_reader_end(&reader), 0);
	assert_string_equal(
		reader.answer.text.len ? reader.answer.text.data : "", streams[which].text);
	same_text(reader.answer.stop, streams[which].stop);
	same_text(reader.answer.error, streams[which].error);
	assert_int_equal(reader.answer.ended, streams[which].ended);
	assert_true(reader.answer.credits == streams[which].credits);
	assert_int_equal(reader.raw.len, len);
	assert_int_equal(reader.refusal.len > 0, reader.events == 0 && reader.answer.error);
	chat_reader_finish(&reader);
}

static void test_streams(void **state)
{
	for (size_t i = 0; i < COUNT(streams); i++) {
		const struct model *model = model_of(state, streams[i].model);
		size_t len = strlen(streams[i].stream);
		check_stream(model, i, len, len);
		check_stream(model, i, 1, 1);
		for (size_t at = 1; at < len; at++)
			check_stream(model, i, at, 0);
	}
}

static const struct {
	const char *model, *file, *text, *stop;
	bool found, calls;
	double credits;
} wholes[] = {
	{"gemini-3.1-pro", "chat-gemini-3-1-pro-success-doc", "Hello! How can I help you today?",
		"stop", true, false, 27},
	{"codex/gpt-5-4", "chat-codex-gpt-5-4-success-doc", "Hello! How can I help you today?",
		"completed", true, false, 0.48},
	{"claude/claude-opus-4-5", "chat-claude-opus-4-5-success-doc", "", "tool_use", true, true,
		0.25},
	{"claude/claude-sonnet-4-5", "chat-claude-sonnet-4-5-success-doc", "", "tool_use", true,
		true, 0.25},
	{"gemini/gemini-3-flash", "chat-gemini-native-success-doc", "", "STOP", true, true, 0.01},
	{"gemini-2.5-flash", "chat-gemini-2-5-flash-error-500-doc", "", NULL, false, false, -1},
};

static void test_documented_answers(void **state)
{
	for (size_t i = 0; i < COUNT(wholes); i++) {
		const struct model *model = model_of(state, wholes[i].model);
		struct chat_answer answer;
		char *body = sample_read(wholes[i].file);
		bool found;

		assert_int_equal(chat_read_whole(model, body, strlen(body), &answer, &found), 0);
		assert_int_equal(found, wholes[i].found);
		assert_string_equal(answer.text.len ? answer.text.data : "", wholes[i].text);
		same_text(answer.stop, wholes[i].stop);
		assert_int_equal(answer.calls != NULL, wholes[i].calls);
		assert_int_equal(answer.error != NULL, !wholes[i].found);
		assert_true(answer.credits == wholes[i].credits);
		assert_true(chat_stop_is_natural(model, answer.stop));
		chat_answer_finish(&answer);
		free(body);
	}
}

static void test_no_answers(void **state)
{
	static const char *const bodies[] = {
		"", "<html>", "[]", "{}", "7", "{\"choices\":[]}", "{\"code\":200,\"msg\":\"ok\"}"};
	const struct model *model = model_of(state, "gpt-5-2");

	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct chat_answer answer;
		bool found = true;
		assert_int_equal(
			chat_read_whole(model, bodies[i], strlen(bodies[i]), &answer, &found), 0);
		assert_false(found);
		chat_answer_finish(&answer);
	}
	assert_false(chat_stop_is_natural(model, "length"));
	assert_true(chat_stop_is_natural(model, NULL));
}

static const struct {
	const char *model, *input;
} inputs[] = {
	{"gpt-5-2",
		"{\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\","
		"\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"},{\"role\":\"user\","
		"\"content\":[{\"type\":\"text\",\"text\":\"c\"},{\"type\":\"image_url\","
		"\"image_url\":{\"url\":\"https://x/1.png\"}}]}]}"},
	{"claude/claude-sonnet-4-5",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"S\\n\\na\"},{\"role\":"
		"\"assistant\",\"content\":\"b\"},{\"role\":\"user\",\"content\":[{\"type\":"
		"\"text\",\"text\":\"c\"},{\"type\":\"image\",\"source\":{\"type\":\"url\","
		"\"url\":\"https://x/1.png\"}}]}]}"},
	{"anthropic/claude-sonnet-4-5",
		"{\"system\":\"S\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":"
		"\"assistant\",\"content\":\"b\"},{\"role\":\"user\",\"content\":[{\"type\":"
		"\"text\",\"text\":\"c\"},{\"type\":\"image\",\"source\":{\"type\":\"url\","
		"\"url\":\"https://x/1.png\"}}]}]}"},
	{"grok/grok-4-3",
		"{\"input\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\","
		"\"content\":"
		"\"a\"},{\"role\":\"assistant\",\"content\":\"b\"},{\"role\":\"user\",\"content\":["
		"{"
		"\"type\":\"input_text\",\"text\":\"c\"},{\"type\":\"input_image\",\"image_url\":"
		"\"https://x/1.png\"}]}]}"},
};

static void test_turns(void **state)
{
	const char *const images[] = {"https://x/1.png"};
	const struct chat_turn turns[] = {
		{.prompt = "a", .reply = "b"},
		{.prompt = "c", .images = images, .image_count = 1},
	};

	for (size_t i = 0; i < COUNT(inputs); i++) {
		const struct model *model = model_of(state, inputs[i].model);
		cJSON *input = NULL;
		assert_int_equal(chat_input(model, "S", turns, 2, &input), 0);
		char *text = cJSON_PrintUnformatted(input);
		assert_string_equal(text, inputs[i].input);
		cJSON_free(text);
		cJSON_Delete(input);
		assert_true(chat_takes_images(model));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_streams, load, unload),
		cmocka_unit_test_setup_teardown(test_documented_answers, load, unload),
		cmocka_unit_test_setup_teardown(test_no_answers, load, unload),
		cmocka_unit_test_setup_teardown(test_turns, load, unload),
	};

	if (sample_names_wanted(argc, argv)) {
		sample_names(&wholes[0].file, COUNT(wholes), sizeof(wholes[0]));
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
