#include "chat_form.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/catalogue.h"
#include "kiefs/chat.h"

#define WHOLE_MAX ((size_t)128 << 20)

/* In the templates @TEXT is a JSON string, @STOP a word, @IN, @OUT, @ALL, @COST and @TIME numbers,
 * @ID and @MODEL parts of strings. */
struct chat_form {
	const char *whole, *begin, *piece, *finish, *error;
	const char *stops[CHAT_STOP_COUNT];
};

#define CHUNK                                                                                      \
	"{\"id\":\"chatcmpl-@ID\",\"object\":\"chat.completion.chunk\",\"created\":@TIME,"         \
	"\"model\":\"@MODEL\",\"choices\":[{\"index\":0,\"delta\":"
#define USAGE "{\"prompt_tokens\":@IN,\"completion_tokens\":@OUT,\"total_tokens\":@ALL}"
#define TOKENS "{\"input_tokens\":@IN,\"output_tokens\":@OUT}"
#define COUNTS "{\"promptTokenCount\":@IN,\"candidatesTokenCount\":@OUT,\"totalTokenCount\":@ALL}"
#define MESSAGE                                                                                    \
	"{\"type\":\"message\",\"id\":\"msg_@ID\",\"role\":\"assistant\",\"status\":"              \
	"\"completed\","                                                                           \
	"\"content\":[{\"type\":\"output_text\",\"text\":@TEXT}]}"
#define RESPONSE(state)                                                                            \
	"{\"id\":\"resp_@ID\",\"object\":\"response\",\"model\":\"@MODEL\",\"status\":" state

static const struct chat_form forms[] = {
	{
		.whole =
			"{\"id\":\"chatcmpl-@ID\",\"object\":\"chat.completion\",\"created\":@TIME,"
			"\"model\":\"@MODEL\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
			"\"assistant\",\"content\":@TEXT},\"finish_reason\":\"@STOP\"}],"
			"\"usage\":" USAGE ",\"credits_consumed\":@COST}",
		.begin = "data: " CHUNK
			 "{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
		.piece = "data: " CHUNK "{\"content\":@TEXT},\"finish_reason\":null}]}\n\n",
		.finish = "data: " CHUNK "{},\"finish_reason\":\"@STOP\"}],\"usage\":" USAGE
			  ",\"credits_consumed\":@COST}\n\ndata: [DONE]\n\n",
		.error = "data: {\"error\":{\"message\":@TEXT,\"type\":\"server_error\"}}\n\n",
		.stops = {"stop", "length", "content_filter"},
	},
	{
		.whole =
			"{\"id\":\"msg_@ID\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
			"\"@MODEL\",\"content\":[{\"type\":\"text\",\"text\":@TEXT}],"
			"\"stop_reason\":\"@STOP\",\"usage\":" TOKENS
			",\"credits_consumed\":@COST}",
		.begin = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{"
			 "\"id\":\"msg_@ID\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
			 "\"@MODEL\",\"content\":[],\"stop_reason\":null,\"usage\":" TOKENS "}}\n\n"
			 "event: content_block_start\ndata: {\"type\":\"content_block_start\","
			 "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
			 "event: ping\ndata: {\"type\":\"ping\"}\n\n",
		.piece = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
			 "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":@TEXT}}\n\n",
		.finish = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\","
			  "\"index\":0}\n\n"
			  "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{"
			  "\"stop_reason\":\"@STOP\"},\"usage\":" TOKENS
			  ",\"credits_consumed\":@COST}\n\n"
			  "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
		.error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
			 "\"overloaded_error\",\"message\":@TEXT}}\n\n",
		.stops = {"end_turn", "max_tokens", "refusal"},
	},
	{
		.whole = RESPONSE("\"@STOP\"") ",\"output\":[" MESSAGE "],\"usage\":" TOKENS
					       ",\"credits_consumed\":@COST}",
		.begin = "event: response.created\ndata: {\"type\":\"response.created\","
			 "\"response\":" RESPONSE("\"in_progress\"") ",\"output\":[]}}\n\n",
		.piece =
			"event: response.output_text.delta\ndata: {\"type\":"
			"\"response.output_text.delta\",\"item_id\":\"msg_@ID\",\"output_index\":0,"
			"\"content_index\":0,\"delta\":@TEXT}\n\n",
		.finish = "event: response.@STOP\ndata: "
			  "{\"type\":\"response.@STOP\",\"response\":" RESPONSE(
				  "\"@STOP\"") ",\"usage\":" TOKENS "},\"credits_consumed\":"
					       "@COST}\n\n",
		.error = "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\","
			 "\"message\":@TEXT}\n\n",
		.stops = {"completed", "incomplete", "incomplete"},
	},
	{
		.whole = "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":"
			 "@TEXT}]},\"finishReason\":\"@STOP\",\"index\":0}],"
			 "\"usageMetadata\":" COUNTS
			 ",\"modelVersion\":\"@MODEL\",\"credits_consumed\":@COST,\"responseId\":"
			 "\"@ID\"}",
		.begin = "",
		.piece = "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{"
			 "\"text\":@TEXT}]},\"index\":0}],\"modelVersion\":\"@MODEL\"}\n\n",
		.finish = "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{"
			  "\"text\":\"\"}]},\"finishReason\":\"@STOP\",\"index\":0}],"
			  "\"usageMetadata\":" COUNTS ",\"credits_consumed\":@COST}\n\n",
		.error = "data: {\"error\":{\"code\":503,\"message\":@TEXT,\"status\":"
			 "\"UNAVAILABLE\"}}\n\n",
		.stops = {"STOP", "MAX_TOKENS", "SAFETY"},
	},
};

static int add_string(const char *text, struct buf *out)
{
	cJSON *string = cJSON_CreateString(text);
	char *printed = string ? cJSON_PrintUnformatted(string) : NULL;
	int r = printed ? buf_adds(out, printed) : -ENOMEM;

	cJSON_free(printed);
	cJSON_Delete(string);
	return r;
}

static int add_word(const struct chat_form *form, const struct chat_words *words, const char **at,
	struct buf *out)
{
	static const char *const names[] = {
		"@TEXT", "@STOP", "@IN", "@OUT", "@ALL", "@COST", "@TIME", "@ID", "@MODEL"};
	size_t i = 0;

	while (strncmp(*at, names[i], strlen(names[i])) != 0)
		i++;
	*at += strlen(names[i]);
	switch (i) {
	case 0:
		return add_string(words->text, out);
	case 1:
		return buf_adds(out, form->stops[words->stop]);
	case 2:
		return buf_addf(out, "%ld", words->asked);
	case 3:
		return buf_addf(out, "%ld", words->answered);
	case 4:
		return buf_addf(out, "%ld", words->asked + words->answered);
	case 5:
		return buf_addf(out, "%.6g", words->credits);
	case 6:
		return buf_addf(out, "%ld", words->time_s);
	case 7:
		return buf_adds(out, words->id);
	default:
		return buf_adds(out, words->model);
	}
}

static int fill(const struct chat_form *form, const char *template, const struct chat_words *words,
	struct buf *out)
{
	while (*template) {
		size_t n = strcspn(template, "@");
		buf_add(out, template, n);
		template += n;
		int r = *template ? add_word(form, words, &template, out) : 0;
		if (r < 0)
			return r;
	}
	return out->error;
}

int chat_form_whole(const struct chat_form *form, const struct chat_words *words, struct buf *out)
{
	return fill(form, form->whole, words, out);
}

/* A word with the blanks behind it. */
static size_t piece_length(const char *text)
{
	size_t n = strcspn(text, " \n");

	return n + strspn(text + n, " \n");
}

int chat_form_stream(const struct chat_form *form, const struct chat_words *words, bool garbage,
	const char *error, struct buf *out)
{
	struct chat_words piece = *words;
	const char *text = words->text, *middle = text + strlen(text) / 2;
	int r = fill(form, form->begin, words, out);

	while (r == 0 && *text) {
		if (garbage && text >= middle) {
			garbage = false;
			buf_adds(out, "data: {\"half\": \n\n\xff\xfe\n\n: a remark\n\n");
		}
		if (error && text >= middle) {
			piece.text = error;
			return fill(form, form->error, &piece, out);
		}
		char *part = strndup(text, piece_length(text));
		if (!part)
			return -ENOMEM;
		piece.text = part;
		r = fill(form, form->piece, &piece, out);
		text += strlen(part);
		free(part);
	}
	return r == 0 ? fill(form, form->finish, words, out) : r;
}

static bool fits(const struct chat_form *form, const struct model *model)
{
	const struct chat_words words = {.id = "1", .model = "m", .text = "w", .credits = 1};
	struct chat_answer answer = {0};
	struct buf whole;
	bool found = false;

	buf_init(&whole, WHOLE_MAX);
	if (chat_form_whole(form, &words, &whole) == 0)
		chat_read_whole(model, whole.data, whole.len, &answer, &found);
	found = found && answer.any_text;
	chat_answer_finish(&answer);
	buf_finish(&whole);
	return found;
}

const struct chat_form *chat_form_of(const struct model *model)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (fits(&forms[i], model))
			return &forms[i];
	return NULL;
}
