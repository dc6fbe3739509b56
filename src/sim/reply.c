#include "reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_MAX ((size_t)256 << 20)

void reply_init(struct reply *reply)
{
	*reply = (struct reply){0};
	buf_init(&reply->body, REPLY_MAX);
}

void reply_finish(struct reply *reply)
{
	buf_finish(&reply->body);
}

static int set_text(struct reply *reply, unsigned status, const char *text)
{
	buf_clear(&reply->body);
	reply->status = status;
	return buf_adds(&reply->body, text);
}

int reply_json(struct reply *reply, unsigned status, cJSON *json)
{
	char *text = json ? cJSON_PrintUnformatted(json) : NULL;
	int r = text ? set_text(reply, status, text) : -ENOMEM;

	cJSON_free(text);
	cJSON_Delete(json);
	return r;
}

int reply_envelope(struct reply *reply, int code, const char *msg, cJSON *data)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddNumberToObject(json, "code", code);
	cJSON_AddStringToObject(json, "msg", msg);
	if (!cJSON_AddItemToObject(json, "data", data ? data : cJSON_CreateNull())) {
		cJSON_Delete(data);
		cJSON_Delete(json);
		return -ENOMEM;
	}
	reply->code = code;
	return reply_json(reply, code == 429 ? 429 : 200, json);
}

const struct fault *reply_fault(const struct reply *reply, enum fault_kind kind)
{
	for (unsigned i = 0; i < reply->fault_count; i++) {
		if (reply->faults[i].kind == kind)
			return &reply->faults[i];
	}
	return NULL;
}

static const char *message_of(int code)
{
	static const struct {
		int code;
		const char *message;
	} messages[] = {
		{400, "Your prompt was flagged as violating content policies."},
		{401, "Unauthorized – Authentication failed. Please check that your "
		      "Authorization and Content-Type headers are correctly set."},
		{402, "Credits insufficient: Your current balance isn't enough to run this "
		      "request. Please top up to continue."},
		{404, "Not found"},
		{408, "Upstream gave no result for 10 minutes"},
		{422, "Validation error"},
		{429, "Your call frequency is too high. Please try again later."},
		{433, "Sub-key usage exceeds the limit"},
		{451, "Failed to fetch the media file"},
		{455, "Service unavailable: the system is under maintenance"},
		{500, "Server exception, please try again later"},
		{501, "Generation failed"},
		{505, "Feature disabled"},
	};

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		if (messages[i].code == code)
			return messages[i].message;
	}
	return "Server exception, please try again later";
}

bool reply_refused(struct reply *reply)
{
	const struct fault *fault = reply_fault(reply, FAULT_CODE);

	if (reply_fault(reply, FAULT_DROP))
		return true;
	if (!fault)
		return false;
	int code = fault->code ? (int)fault->code : 500;
	reply_envelope(reply, code, message_of(code), NULL);
	if (fault->http)
		reply->status = (unsigned)fault->http;
	reply->retry_after_s = fault->retry_after_s;
	return true;
}

static int spoil_json(struct reply *reply, enum fault_kind kind)
{
	cJSON *json = cJSON_Parse(reply->body.data ? reply->body.data : "");
	cJSON *data = cJSON_GetObjectItemCaseSensitive(json, "data");

	if (!json)
		return 0;
	if (kind == FAULT_NULL) {
		cJSON_ReplaceItemInObjectCaseSensitive(json, "data", cJSON_CreateNull());
	} else if (kind == FAULT_TYPES) {
		const cJSON *member;
		cJSON *wrong = cJSON_CreateObject();

		cJSON_ArrayForEach(member, data) cJSON_AddItemToArray(
			cJSON_AddArrayToObject(wrong, member->string), cJSON_CreateNumber(7));
		cJSON_ReplaceItemInObjectCaseSensitive(json, "data", wrong);
		cJSON_ReplaceItemInObjectCaseSensitive(json, "code", cJSON_CreateString("200"));
	}
	return reply_json(reply, reply->status, json);
}

int reply_spoil(struct reply *reply)
{
	static const char page[] =
		"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>"
		"<body><h1>502 Bad Gateway</h1></body></html>\n";
	int r = 0;

	for (unsigned i = 0; i < reply->fault_count && r == 0; i++) {
		switch (reply->faults[i].kind) {
		case FAULT_HTML:
			r = set_text(reply, reply->status, page);
			reply->type = "text/html";
			break;
		case FAULT_HALF:
			reply->body.len /= 2;
			break;
		case FAULT_NULL:
		case FAULT_TYPES:
			r = spoil_json(reply, reply->faults[i].kind);
			break;
		default:
			break;
		}
	}
	return r;
}
