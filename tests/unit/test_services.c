/* The services with paths of their own: every form of state, of "no such task" and of results that
 * their entries know, and what is sent to them. */
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
#include "kiefs/request.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct catalogue *catalogue;

static int load(void **state)
{
	struct error err = {0};
	int r = catalogue_load(NULL, NULL, 0, &catalogue, &err);

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

static const struct model *find(const char *name)
{
	char id[200];

	snprintf(id, sizeof(id), "dedicated/%s", name);
	const struct model *model = catalogue_find(catalogue, id);
	if (!model)
		model = catalogue_find(catalogue, name);
	if (!model)
		fail_msg("no model %s", name);
	return model;
}

/* The tables spell JSON with ' for ". */
static char *json(const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	return copy;
}

static struct http_answer answered(const char *body)
{
	return (struct http_answer){
		.outcome = HTTP_ANSWERED,
		.status = 200,
		.body = body,
		.body_len = strlen(body),
		.retry_after_ms = -1,
		.content_type = "",
		.etag = "",
		.detail = "",
	};
}

#define DATA(text) "{'code':200,'msg':'success','data':{" text "}}"
#define TRACKS(text) "'response':{'sunoData':[" text "]}"
#define TRACK(n, audio)                                                                            \
	"{'id':'id" n "','audioUrl':'" audio "','streamAudioUrl':'https://e/stream" n              \
	"','imageUrl':'https://e/" n ".jpeg','prompt':'words " n "'}"

static const struct {
	const char *model, *body;
	enum poll_verdict verdict;
	const char *results; /* "number label value|..." */
} polls[] = {
	/* Flags that are numbers. */
	{"veo/generate", DATA("'successFlag':0"), POLL_RUNNING, ""},
	{"veo/generate", DATA("'successFlag':2,'errorMessage':'no'"), POLL_FAILED, ""},
	{"veo/generate", DATA("'successFlag':3"), POLL_FAILED, ""},
	{"luma/modify", DATA("'successFlag':4,'response':{'resultUrls':['https://e/a']}"),
		POLL_SUCCEEDED, "1  https://e/a"},
	{"aleph/generate", DATA("'successFlag':0,'errorCode':0"), POLL_RUNNING, ""},
	{"aleph/generate", DATA("'successFlag':0,'errorCode':null"), POLL_RUNNING, ""},
	{"aleph/generate", DATA("'successFlag':0,'errorCode':500"), POLL_FAILED, ""},
	{"aleph/generate", DATA("'successFlag':3,'errorCode':500"), POLL_FAILED, ""},
	/* The same flags with another meaning. */
	{"suno/cover-image", DATA("'successFlag':0"), POLL_RUNNING, ""},
	{"suno/cover-image", DATA("'successFlag':2"), POLL_RUNNING, ""},
	{"suno/cover-image", DATA("'successFlag':3"), POLL_FAILED, ""},
	{"suno/cover-image",
		DATA("'successFlag':1,'errorCode':200,'response':{'images':['https://e/a']}"),
		POLL_SUCCEEDED, "1  https://e/a"},
	/* Flags that are words, states that are words. */
	{"suno/wav", DATA("'successFlag':'PENDING'"), POLL_RUNNING, ""},
	{"suno/wav", DATA("'successFlag':'GENERATE_WAV_FAILED'"), POLL_FAILED, ""},
	{"suno/mp4", DATA("'successFlag':'GENERATE_MP4_FAILED'"), POLL_FAILED, ""},
	{"suno/generate", DATA("'status':'PENDING'"), POLL_RUNNING, ""},
	{"suno/generate", DATA("'status':'SENSITIVE_WORD_ERROR'"), POLL_FAILED, ""},
	{"suno/lyrics", DATA("'status':'GENERATE_LYRICS_FAILED'"), POLL_FAILED, ""},
	{"runway/generate", DATA("'state':'wait'"), POLL_RUNNING, ""},
	{"runway/generate", DATA("'state':'queueing'"), POLL_RUNNING, ""},
	{"runway/generate", DATA("'state':'fail','failMsg':'no'"), POLL_FAILED, ""},
	{"suno/voice-validate", DATA("'status':'wait_validating','validateInfo':'la la'"),
		POLL_SUCCEEDED, "1  la la"},
	{"suno/voice-generate", DATA("'status':'wait_validating'"), POLL_RUNNING, ""},
	{"suno/voice-generate", DATA("'status':'processing_validate_fail'"), POLL_FAILED, ""},
	{"suno/voice-generate", DATA("'status':'success','voiceId':'v1'"), POLL_SUCCEEDED, "1  v1"},
	/* The envelope's code is the state. */
	{"suno/recovery", "{'code':201,'msg':'running','data':null}", POLL_RUNNING, ""},
	{"suno/recovery",
		"{'code':200,'data':[{'id':'a','audio_url':'https://e/1','status':'success'},"
		"{'id':'b','audio_url':null,'error':'gone'},"
		"{'id':'c','audio_url':'https://e/3'}]}",
		POLL_SUCCEEDED, "1 1 https://e/1|3 3 https://e/3"},
	{"suno/recovery", "{'code':500,'msg':'no'}", POLL_FAILED, ""},
	{"suno/recovery", "{'code':422,'msg':'Record does not exist'}", POLL_MISSING, ""},
	/* No such task, in every way of saying it. */
	{"suno/generate", "{'code':200,'msg':'success','data':null}", POLL_MISSING, ""},
	{"runway/generate", "{'code':200,'msg':'success','data':null}", POLL_MISSING, ""},
	{"aleph/generate", "{'code':200,'msg':'success','data':null}", POLL_MISSING, ""},
	{"veo/generate", "{'code':422,'msg':'Record not found for taskId: x'}", POLL_MISSING, ""},
	{"4o-image/generate", "{'code':422,'msg':'The record does not exist'}", POLL_MISSING, ""},
	/* Tracks: what is final is there before the rest, under the number that it keeps. */
	{"suno/generate", DATA("'status':'TEXT_SUCCESS'," TRACKS(TRACK("1", ""))), POLL_RUNNING,
		""},
	{"suno/generate",
		DATA("'status':'FIRST_SUCCESS'," TRACKS(
			TRACK("1", "") "," TRACK("2", "https://e/2.mp3"))),
		POLL_RUNNING, "4 2 https://e/2.mp3|5 2-cover https://e/2.jpeg|6 2-lyrics words 2"},
	{"suno/generate",
		DATA("'status':'SUCCESS'," TRACKS(
			TRACK("1", "https://e/1.mp3") "," TRACK("2", "https://e/2.mp3"))),
		POLL_SUCCEEDED,
		"1 1 https://e/1.mp3|2 1-cover https://e/1.jpeg|3 1-lyrics words 1|"
		"4 2 https://e/2.mp3|5 2-cover https://e/2.jpeg|6 2-lyrics words 2"},
	/* Over: well with a track, badly without. */
	{"suno/generate",
		DATA("'status':'CALLBACK_EXCEPTION'," TRACKS(TRACK("1", "https://e/1.mp3"))),
		POLL_SUCCEEDED,
		"1 1 https://e/1.mp3|2 1-cover https://e/1.jpeg|3 1-lyrics words 1"},
	{"suno/generate", DATA("'status':'CALLBACK_EXCEPTION'," TRACKS(TRACK("1", ""))),
		POLL_FAILED, ""},
	{"suno/generate", DATA("'status':'CALLBACK_EXCEPTION','response':null"), POLL_FAILED, ""},
	/* The better address first; a list that is spelled as text. */
	{"veo/extend",
		DATA("'successFlag':1,'response':{'resultUrls':null,"
		     "'fullResultUrls':['https://e/f']}"),
		POLL_SUCCEEDED, "1  https://e/f"},
	{"veo/generate", DATA("'successFlag':1,'response':{'resultUrls':'[\\'https://e/a\\']'}"),
		POLL_SUCCEEDED, "1  https://e/a"},
	{"4o-image/generate", DATA("'successFlag':1,'response':{'result_urls':['https://e/a']}"),
		POLL_SUCCEEDED, "1  https://e/a"},
	/* Stems: by their fields, and those that stand only in the list by their own name. */
	{"suno/vocal-removal",
		DATA("'successFlag':'SUCCESS','response':{'vocalUrl':'https://e/v',"
		     "'drumsUrl':null,'originData':["
		     "{'id':'x','audio_url':'https://e/other','stem_type_group_name':'Vocals'},"
		     "{'id':'y','audio_url':'https://e/k','stem_type_group_name':'Drum Kit'}]}"),
		POLL_SUCCEEDED, "1 vocals https://e/v|3 drum-kit https://e/k"},
	{"suno/vocal-removal",
		DATA("'successFlag':'SUCCESS','response':{'vocal_removal_info':"
		     "{'backing_vocals_url':'https://e/b'}}"),
		POLL_SUCCEEDED, "1 backing-vocals https://e/b"},
	/* Notes that never came: success without a result. */
	{"suno/midi", DATA("'successFlag':1,'midiData':''"), POLL_SUCCEEDED, ""},
	{"suno/midi", DATA("'successFlag':1,'midiData':{'state':'complete'}"), POLL_SUCCEEDED,
		"1  {\n\t'state':\t'complete'\n}"},
	/* 4K is asked after by asking for it again. */
	{"veo/get-4k-video", "{'code':422,'msg':'4k is processing.','data':{'taskId':'t'}}",
		POLL_RUNNING, ""},
	{"veo/get-4k-video", "{'code':422,'msg':'Record does not exist'}", POLL_MISSING, ""},
	/* The same operations as tasks. */
	{"ai-music-api/generate",
		DATA("'state':'success','resultJson':'{\\'data\\':[{\\'id\\':\\'i\\',"
		     "\\'audio_url\\':\\'https://e/1\\'}]}'"),
		POLL_SUCCEEDED, "1 1 https://e/1"},
	{"ai-music-api/boost-music-style",
		DATA("'state':'success','resultJson':'{\\'resultObject\\':{\\'a\\':1}}'"),
		POLL_SUCCEEDED, "1  {\n\t'a':\t1\n}"},
};

static void test_polls(void **state)
{
	for (size_t i = 0; i < COUNT(polls); i++) {
		char *body = json(polls[i].body), *want = json(polls[i].results);
		struct http_answer answer = answered(body);
		struct poll_answer got = {0};
		char found[1024] = "";

		assert_int_equal(protocol_read_poll(find(polls[i].model), &answer, &got), 0);
		for (size_t j = 0; j < got.result_count; j++)
			snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%d %s %s",
				j ? "|" : "", got.results[j].number,
				got.results[j].label ? got.results[j].label : "",
				got.results[j].value);
		if (got.verdict != polls[i].verdict || strcmp(found, want) != 0)
			fail_msg("%s %s: verdict %d: %s", polls[i].model, body, got.verdict, found);
		poll_answer_finish(&got);
		free(want);
		free(body);
	}
}

static const struct {
	const char *model, *body;
	enum submit_verdict verdict;
	int64_t retry_after_ms;
} submits[] = {
	/* Too early is no refusal, and nothing for the other requests to wait for. */
	{"veo/get-1080p-video", "{'code':422,'msg':'not ready'}", SUBMIT_EARLY, 25000},
	{"veo/get-1080p-video", "{'code':500,'msg':'try again'}", SUBMIT_EARLY, 25000},
	{"veo/get-1080p-video", "<html>", SUBMIT_EARLY, 25000},
	{"veo/get-1080p-video", "{'code':422,'msg':'Record does not exist'}", SUBMIT_REFUSED, -1},
	{"veo/get-1080p-video", "{'code':401,'msg':'key'}", SUBMIT_HELD_KEY, -1},
	{"veo/get-4k-video", "{'code':422,'msg':'Record does not exist'}", SUBMIT_REFUSED, -1},
	{"veo/get-4k-video", "<html>", SUBMIT_UNCERTAIN, -1},
	{"suno/style", DATA("'taskId':'x','result':'calm piano','successFlag':'?'"),
		SUBMIT_FINISHED, -1},
	{"suno/generate-persona", DATA("'personaId':'p','name':'n'"), SUBMIT_FINISHED, -1},
	{"suno/generate-persona", "{'code':409,'msg':'exists'}", SUBMIT_REFUSED, -1},
	{"suno/voice-check", DATA("'isAvailable':false"), SUBMIT_FINISHED, -1},
	{"omni/audio-create", DATA("'taskId':'voice_1'"), SUBMIT_FINISHED, -1},
	/* The same code with other words. */
	{"suno/generate", "{'code':429,'msg':'Insufficient credits'}", SUBMIT_HELD_CREDITS, -1},
	{"suno/midi", "{'code':429,'msg':'Insufficient credits'}", SUBMIT_HELD_CREDITS, -1},
	{"suno/cover-image", "{'code':429,'msg':'Insufficient credits'}", SUBMIT_HELD_CREDITS, -1},
	{"suno/voice-check", "{'code':429,'msg':'Insufficient credits'}", SUBMIT_HELD_CREDITS, -1},
	{"suno/generate", "{'code':429,'msg':'too many'}", SUBMIT_LATER, -1},
	{"suno/generate", "{'code':430,'msg':'too often'}", SUBMIT_LATER, -1},
	{"suno/generate", "{'code':422,'msg':'Please enter callBackUrl.'}", SUBMIT_REFUSED, -1},
	/* There is one already: it is the one to ask after. */
	{"suno/cover-image", "{'code':400,'msg':'exists','data':{'taskId':'old'}}", SUBMIT_ACCEPTED,
		-1},
};

static void test_submissions(void **state)
{
	for (size_t i = 0; i < COUNT(submits); i++) {
		char *body = json(submits[i].body);
		struct http_answer answer = answered(body);
		struct submit_answer got = {0};

		assert_int_equal(protocol_read_submit(find(submits[i].model), &answer, &got), 0);
		if (got.verdict != submits[i].verdict ||
			got.retry_after_ms != submits[i].retry_after_ms)
			fail_msg("%s %s: verdict %d, retry %lld", submits[i].model, body,
				got.verdict, (long long)got.retry_after_ms);
		submit_answer_finish(&got);
		free(body);
	}
}

static void test_bodies(void **state)
{
	static const struct {
		const char *model, *callback, *request, *body;
	} cases[] = {
		/* Flat, with or without somebody to report to. */
		{"veo/generate", NULL, "{'prompt':'a','model':'veo3'}",
			"{'prompt':'a','model':'veo3'}"},
		{"veo/generate", "https://me/cb", "{'prompt':'a','model':'veo3'}",
			"{'prompt':'a','model':'veo3','callBackUrl':'https://me/cb'}"},
		/* Demanded by the service, under its own spelling; what the request says wins. */
		{"suno/wav", NULL, "{'taskId':'t','audioId':'a'}",
			"{'taskId':'t','audioId':'a','callBackUrl':'" REQUEST_NO_CALLBACK "'}"},
		{"suno/wav", "https://me/cb", "{'taskId':'t','audioId':'a'}",
			"{'taskId':'t','audioId':'a','callBackUrl':'https://me/cb'}"},
		{"suno/wav", "https://me/cb",
			"{'taskId':'t','audioId':'a','callBackUrl':'https://you/cb'}",
			"{'taskId':'t','audioId':'a','callBackUrl':'https://you/cb'}"},
		{"suno/voice-regenerate", NULL, "{'taskId':'t'}",
			"{'taskId':'t','calBackUrl':'" REQUEST_NO_CALLBACK "'}"},
		{"suno/voice-regenerate", NULL, "{'taskId':'t','calBackUrl':'https://you/cb'}",
			"{'taskId':'t','calBackUrl':'https://you/cb'}"},
		{"suno/recovery", "https://me/cb", "{'task_id':'t'}",
			"{'task_id':'t','call_back_url':'https://me/cb'}"},
		{"suno/voice-check", "https://me/cb", "{'task_id':'t'}", "{'task_id':'t'}"},
		/* A model of that name is the directory's, another one is a field. */
		{"ai-music-api/sounds", NULL,
			"{'model':'ai-music-api/sounds','input':{'prompt':'p','model':'V6'}}",
			"{'model':'ai-music-api/sounds','input':{'prompt':'p','model':'V6'}}"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char *text = json(cases[i].request), *want = json(cases[i].body);
		const struct request_rules rules = {.callback = cases[i].callback};
		struct request request = {0};
		struct error err = {0};

		if (request_build(find(cases[i].model), REQUEST_JSON, text, strlen(text), NULL, 0,
			    &rules, &request, &err) < 0)
			fail_msg("%s: %s", cases[i].model, error_text(&err));
		cJSON *sent = cJSON_Parse(request.body), *expected = cJSON_Parse(want);
		if (!cJSON_Compare(sent, expected, true))
			fail_msg("%s: %s", cases[i].model, request.body);
		cJSON_Delete(sent);
		cJSON_Delete(expected);
		request_finish(&request);
		error_finish(&err);
		free(want);
		free(text);
	}
}

static void test_queries(void **state)
{
	static const struct {
		const char *body, *query;
	} cases[] = {
		{"{}", ""},
		{"{'taskId':'a b&c','index':0,'deep':{'x':1},'on':true,'none':null}",
			"?taskId=a%20b%26c&index=0&on=true"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char *body = json(cases[i].body);
		char *query = protocol_query(body, strlen(body));
		assert_string_equal(query, cases[i].query);
		free(query);
		free(body);
	}
}

/* A bare prompt is a request wherever a model takes one and needs nothing else. */
static void test_prompts(void **state)
{
	static const char *const models[] = {"veo/generate", "4o-image/generate",
		"flux-kontext/generate", "runway/generate", "midjourney/generate", "suno/generate",
		"suno/lyrics", "suno/sounds", "suno/style", "ai-music-api/generate",
		"ai-music-api/generate-lyrics", "ai-music-api/sounds", "runway", "veo-3-1"};

	for (size_t i = 0; i < COUNT(models); i++) {
		struct request request = {0};
		struct error err = {0};

		if (request_build(find(models[i]), REQUEST_PROMPT, "Rain", 4, NULL, 0, NULL,
			    &request, &err) < 0)
			fail_msg("%s: %s", models[i], error_text(&err));
		request_finish(&request);
		error_finish(&err);
	}
}

static void test_whose_tasks(void **state)
{
	static const struct {
		const char *model, *field, *other;
		bool fits;
	} cases[] = {
		{"suno/wav", "taskId", "suno/generate", true},
		{"suno/wav", "taskId", "suno/extend", true},
		{"suno/wav", "taskId", "veo/generate", false},
		{"suno/wav", "taskId", "ai-music-api/generate", false},
		{"suno/midi", "taskId", "suno/vocal-removal", true},
		{"suno/midi", "taskId", "suno/generate", false},
		{"veo/extend", "taskId", "dedicated/veo/extend", true},
		{"dedicated/veo/get-4k-video", "taskId", "dedicated/runway/generate", false},
		{"ai-music-api/mashup", "prompt", "suno/generate", false},
		{"grok-imagine/extend", "task_id", "grok-imagine/text-to-video", true},
		{"grok-imagine/extend", "task_id", "z-image", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct field *field = model_field(find(cases[i].model), cases[i].field);
		assert_non_null(field);
		if (field_takes_task(field, find(cases[i].other)) != cases[i].fits)
			fail_msg("%s of %s", cases[i].model, cases[i].other);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_polls),
		cmocka_unit_test(test_submissions),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_prompts),
		cmocka_unit_test(test_whose_tasks),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
