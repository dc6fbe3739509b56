/*
 * See chat.h. The answer says what was read: each turn by its role and first words, and the
 * pictures that came along, by their size and digest, so that a test can tell whether all of it
 * arrived and in what order.
 */
#include "chat.h"

#include "chat_form.h"
#include "sim.h"
#include "uploads.h"
#include "validate.h"

#include "kiefs/catalogue.h"
#include "kiefs/chat.h"
#include "kiefs/digest.h"
#include "kiefs/error.h"
#include "kiefs/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX ((size_t)64 << 20)
#define SHOWN 60   /* characters of a turn that are repeated */
#define RATE 12000 /* bytes of a stream in a second, unless tasks take no time */
#define CREDITS_MIN 0.01

/* A model of this service that has this name. */
static const struct model *find_model(
	const struct catalogue *catalogue, const struct service *service, const char *name)
{
	for (size_t i = 0; name && i < catalogue_count(catalogue); i++) {
		const struct model *model = catalogue_at(catalogue, i);
		if (model->service == service && strcmp(model_name(model), name) == 0)
			return model;
	}
	return NULL;
}

/* By the path or, where that names none, by the body. */
static const struct model *model_of(struct sim *sim, const struct route *route,
	const struct request *request, const cJSON *body)
{
	const char *hole = strstr(route->path, ROUTE_MODEL);
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, "model"));
	char *part = NULL;

	if (hole) {
		size_t before = (size_t)(hole - route->path);
		size_t after = strlen(hole + strlen(ROUTE_MODEL));
		size_t len = strlen(request->path);
		part = strndup(request->path + before, len - before - after);
		name = part;
	}
	const struct model *model = find_model(sim->catalogue, route->service, name);
	free(part);
	return model;
}

/* ---- what was asked ---- */

struct heard {
	struct sim *sim;
	const struct request *request;
	struct buf turns; /* a line for each */
	const char *last; /* text of the last turn that is no answer; borrowed from `said` */
	struct buf said, pictures; /* of the turn that is being read */
	int count;
	size_t bytes;
};

/* An address, a data: URL, or base64 alone. */
static void hear_picture(const char *text, struct heard *heard)
{
	char hex[DIGEST_HEX_SIZE];

	buf_adds(&heard->pictures, "   picture: ");
	if (strncmp(text, "data:", 5) == 0 || !strstr(text, "://")) {
		digest_bytes(text, strlen(text), hex);
		buf_addf(&heard->pictures, "in the request, %zu characters, \"%s\"", strlen(text),
			hex);
	} else {
		uploads_tell(heard->sim, heard->request, text, &heard->pictures);
	}
	buf_adds(&heard->pictures, "\n");
}

/* Texts and pictures of one turn's content, wherever they stand in it. */
static void hear_content(const cJSON *part, const char *name, struct heard *heard)
{
	const cJSON *inner;

	if (cJSON_IsString(part) &&
		(!name || strcmp(name, "content") == 0 || strcmp(name, "text") == 0)) {
		buf_adds(&heard->said, part->valuestring);
		heard->bytes += strlen(part->valuestring);
	} else if (cJSON_IsString(part) &&
		   (strstr(name, "url") || strstr(name, "uri") || strcmp(name, "data") == 0)) {
		hear_picture(part->valuestring, heard);
	}
	cJSON_ArrayForEach(inner, part)
	{
		hear_content(inner, inner->string ? inner->string : name, heard);
	}
}

static void add_line(const char *role, const char *text, struct heard *heard)
{
	char shown[4 * SHOWN + 1];
	size_t n = 0, count = 0;

	while (text[n] && count < SHOWN && n + 4 < sizeof(shown)) {
		shown[n] = text[n] == '\n' ? '/' : text[n];
		n++;
		while (((unsigned char)text[n] & 0xc0) == 0x80) {
			shown[n] = text[n];
			n++;
		}
		count++;
	}
	shown[n] = '\0';
	buf_addf(&heard->turns, "%d %s: %s\n%s", heard->count, role, shown,
		heard->pictures.data ? heard->pictures.data : "");
}

static void hear_turn(const cJSON *turn, struct heard *heard)
{
	const char *role = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(turn, "role"));

	buf_clear(&heard->said);
	buf_clear(&heard->pictures);
	hear_content(turn, cJSON_IsString(turn) ? "content" : "turn", heard);
	heard->count++;
	add_line(role ? role : "user", heard->said.data && heard->said.len ? heard->said.data : "",
		heard);
}

static int hear(const struct model *model, const cJSON *body, struct heard *heard)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(body, chat_list_name(model)), *turn;
	const cJSON *system = cJSON_GetObjectItemCaseSensitive(body, "system");

	buf_init(&heard->turns, ANSWER_MAX);
	buf_init(&heard->said, ANSWER_MAX);
	buf_init(&heard->pictures, ANSWER_MAX);
	if (cJSON_IsString(system))
		buf_addf(&heard->turns, "system: %.*s\n", SHOWN, system->valuestring);
	if (cJSON_IsString(list))
		hear_turn(list, heard);
	else
		cJSON_ArrayForEach(turn, list) hear_turn(turn, heard);
	heard->last = heard->said.len ? heard->said.data : "";
	return heard->turns.error ? heard->turns.error : heard->said.error;
}

/* ---- what is answered ---- */

static int make_text(const struct heard *heard, const struct reply *reply, struct buf *out)
{
	const struct fault *big = reply_fault(reply, FAULT_BIG);

	buf_addf(out, "I have read %d turn%s:\n%s", heard->count, heard->count == 1 ? "" : "s",
		heard->turns.data ? heard->turns.data : "");
	for (int i = 1; big && out->len < big->bytes && !out->error; i++)
		buf_addf(out, "More words follow here, line %d.\n", i);
	return out->error;
}

static int answer(struct sim *sim, const struct model *model, const cJSON *body,
	const struct heard *heard, struct reply *reply)
{
	const struct chat_form *form = chat_form_of(model);
	const cJSON *stream = cJSON_GetObjectItemCaseSensitive(body, "stream");
	const cJSON *limit = cJSON_GetObjectItemCaseSensitive(body, "max_tokens");
	const struct fault *throttle = reply_fault(reply, FAULT_THROTTLE);
	struct buf text;
	char id[24];
	int r;

	if (!form)
		return reply_envelope(reply, 500, "Server exception, please try again later", NULL);
	buf_init(&text, ANSWER_MAX);
	r = reply_fault(reply, FAULT_EMPTY) ? buf_adds(&text, "") : make_text(heard, reply, &text);
	snprintf(id, sizeof(id), "%016llx",
		(unsigned long long)(sim->options.seed + (uint64_t)heard->bytes));
	struct chat_words words = {
		.id = id,
		.model = model_name(model),
		.text = text.data ? text.data : "",
		.stop = reply_fault(reply, FAULT_MODERATION) ? CHAT_FILTERED : CHAT_ALL_SAID,
		.asked = (long)(heard->bytes / 4 + 1),
		.answered = (long)(text.len / 4 + 1),
		.time_s = sim_clock_now_ms(&sim->clock) / 1000,
	};
	if (cJSON_IsNumber(limit) && words.answered > limit->valuedouble &&
		limit->valuedouble > 0) {
		words.answered = (long)limit->valuedouble;
		text.data[words.answered * 4] = '\0';
		words.stop = CHAT_TOO_LONG;
	}
	words.credits = CREDITS_MIN * (double)(1 + (words.asked + words.answered) / 10);
	if (r == 0)
		r = account_charge(&sim->account, words.credits, sim_clock_now_ms(&sim->clock), 0);
	if (r == -EDQUOT) {
		buf_finish(&text);
		return reply_envelope(reply, 402,
			"Credits insufficient: Your current balance isn't enough to run this "
			"request. Please top up to continue.",
			NULL);
	}
	reply->status = 200;
	reply->code = 200;
	reply->created = true;
	/* Streaming is what the documented services do unless told not to. */
	if (r == 0 && (!stream || cJSON_IsTrue(stream))) {
		r = chat_form_stream(form, &words, reply_fault(reply, FAULT_TYPES),
			reply_fault(reply, FAULT_FAIL) ? "The upstream model broke off" : NULL,
			&reply->body);
		reply->type = "text/event-stream";
		reply->streamed = true;
		reply->rate = throttle		     ? throttle->bytes ? throttle->bytes : 4096
			      : sim->options.task_ms ? RATE
						     : 0;
	} else if (r == 0) {
		r = chat_form_whole(form, &words, &reply->body);
		reply->type = "text/plain";
	}
	buf_finish(&text);
	return r;
}

/* ---- the request ---- */

static int take(struct sim *sim, const struct route *route, const struct request *request,
	const cJSON *body, struct reply *reply)
{
	const struct model *model = model_of(sim, route, request, body);
	char message[VALIDATE_MESSAGE_SIZE];
	struct fault words[FAULT_MAX];
	struct heard heard = {.sim = sim, .request = request};
	cJSON *last = NULL;
	int r;

	if (!model)
		return reply_envelope(reply, 422,
			"The model name you specified is not supported. Please verify your input "
			"and use one of the supported models provided by KIE.",
			NULL);
	reply->model = model->id;
	r = hear(model, body, &heard);
	if (r == 0) {
		last = cJSON_CreateString(heard.last);
		reply->fault_count = last ? fault_read_words(last, words) : 0;
		memcpy(reply->faults, words, reply->fault_count * sizeof(words[0]));
		reply->fault_count = fault_rules_meet(&sim->faults, STAGE_SUBMIT, request->path,
			model->id, NULL, reply->faults, reply->fault_count);
	}
	if (r == 0 && !reply_refused(reply)) {
		int code = validate_input(model, body, message);
		if (code)
			r = reply_envelope(reply, code, message, NULL);
		else if (heard.count == 0)
			r = reply_envelope(reply, 422, "This field is required", NULL);
		else
			r = answer(sim, model, body, &heard, reply);
	}
	cJSON_Delete(last);
	buf_finish(&heard.turns);
	buf_finish(&heard.said);
	buf_finish(&heard.pictures);
	return r;
}

int chat_submit(struct sim *sim, const struct route *route, const struct request *request,
	struct reply *reply)
{
	struct error err = {0};
	cJSON *body = NULL;
	int64_t wait_ms = 0;
	int r = account_admit(&sim->account, request->key, sim_clock_now_ms(&sim->clock), &wait_ms);

	if (r == -EAGAIN)
		return reply_envelope(reply, 429,
			"Your call frequency is too high. Please try again later.", NULL);
	if (r == 0)
		r = json_parse(request->body, request->body_len, &body, &err);
	if (r == -EINVAL)
		r = reply_envelope(reply, 400, error_text(&err), NULL);
	else if (r == 0)
		r = take(sim, route, request, body, reply);
	error_finish(&err);
	cJSON_Delete(body);
	return r;
}
