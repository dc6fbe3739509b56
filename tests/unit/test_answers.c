/* Answers and records as the services document and send them, each read as what its name says. */
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
#include "sample.h"

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

/* Answers to submissions. */
static const struct submit_row {
	const char *file, *model;
	enum submit_verdict verdict;
	const char *says; /* the task's id, or a part of the message */
} submits[] = {
	{"4o-image-generate-submit", "dedicated/4o-image/generate", SUBMIT_ACCEPTED, "task12345"},
	{"4o-image-downloadUrl-success", "dedicated/4o-image/download-url", SUBMIT_FINISHED, NULL},
	{"aleph-generate-submit", "dedicated/aleph/generate", SUBMIT_ACCEPTED,
		"ee603959-debb-48d1-98c4-a6d1c717eba6"},
	{"common-download-url-success-doc", "dedicated/common/download-url", SUBMIT_FINISHED, NULL},
	{"common-auth-401-doc", "dedicated/veo/generate", SUBMIT_HELD_KEY, "access permissions"},
	{"common-error-500-doc", "dedicated/suno/generate", SUBMIT_REFUSED, "unexpected error"},
	{"flux-kontext-generate-submit", "dedicated/flux-kontext/generate", SUBMIT_ACCEPTED,
		"task12345"},
	{"jobs-createTask-success-doc", "z-image", SUBMIT_ACCEPTED, "task_qwen_1765179676651"},
	{"market-elevenlabs-sound-effect-v2-response", "elevenlabs/sound-effect-v2",
		SUBMIT_ACCEPTED, "task_elevenlabs_1765185379603"},
	{"market-error-500-response", "z-image", SUBMIT_REFUSED, "unexpected error"},
	{"market-flux-2-flex-text-to-image-response", "flux-2/flex-text-to-image", SUBMIT_ACCEPTED,
		"task_flux-2_1765175490366"},
	{"market-grok-imagine-image-to-video-response", "grok-imagine/image-to-video",
		SUBMIT_ACCEPTED, "281e5b0*********************f39b9"},
	{"market-ideogram-v3-reframe-response", "ideogram/v3-reframe", SUBMIT_ACCEPTED,
		"task_ideogram_1765177570132"},
	{"market-kling-2.6-motion-control-response", "kling-2.6/motion-control", SUBMIT_ACCEPTED,
		"task_kling-2.6_1767693973938"},
	{"market-sora-2-characters-pro-response", "sora-2-characters-pro", SUBMIT_ACCEPTED,
		"task_sora-2-characters-pro_1765174270120"},
	{"market-sora-2-characters-response", "sora-2-characters", SUBMIT_ACCEPTED,
		"task_sora-2-characters_1765174270120"},
	{"market-sora-2-image-to-video-response", "sora-2-image-to-video", SUBMIT_ACCEPTED,
		"task_sora-2-image-to-video_1765184045509"},
	{"market-sora-2-pro-image-to-video-response", "sora-2-pro-image-to-video", SUBMIT_ACCEPTED,
		"task_sora-2-pro-image-to-video_1765183474472"},
	{"market-sora-2-pro-storyboard-response", "sora-2-pro-storyboard", SUBMIT_ACCEPTED,
		"task_sora-2-pro-storyboard_1765188271139"},
	{"market-sora-2-pro-text-to-video-response", "sora-2-pro-text-to-video", SUBMIT_ACCEPTED,
		"task_sora-2-pro-text-to-video_1765183463848"},
	{"market-sora-watermark-remover-response", "sora-watermark-remover", SUBMIT_ACCEPTED,
		"task_sora-watermark-remover_1765183831860"},
	{"market-wan-2-2-a14b-image-to-video-turbo-response", "wan/2-2-a14b-image-to-video-turbo",
		SUBMIT_ACCEPTED, "task_wan_1765172522239"},
	{"market-wan-2-6-text-to-video-response", "wan/2-6-text-to-video", SUBMIT_ACCEPTED,
		"task_wan_1765967707657"},
	{"market-wan-2-6-video-to-video-response", "wan/2-6-video-to-video", SUBMIT_ACCEPTED,
		"task_wan_1765967743009"},
	{"market-wan-3-0-video-response", "wan/3-0-video", SUBMIT_ACCEPTED,
		"task_wan_1765180586443"},
	{"runway-extend-submit", "dedicated/runway/extend", SUBMIT_ACCEPTED,
		"ee603959-debb-48d1-98c4-a6d1c717eba6"},
	{"runway-generate-submit", "dedicated/runway/generate", SUBMIT_ACCEPTED,
		"ee603959-debb-48d1-98c4-a6d1c717eba6"},
	{"suno-any-submit", "dedicated/suno/extend", SUBMIT_ACCEPTED, "5c79****be8e"},
	{"suno-cover-submit", "dedicated/suno/cover-image", SUBMIT_ACCEPTED,
		"21aee3c3c2a01fa5e030b3799fa4dd56"},
	{"suno-midi-submit", "dedicated/suno/midi", SUBMIT_ACCEPTED, "5c79****be8e"},
	/* The documentation's slips: a code of 0 and no id; a refusal beside an id. */
	{"suno-mp4-submit-doc", "dedicated/suno/mp4", SUBMIT_REFUSED, "code 0"},
	{"suno-sounds-submit-doc", "dedicated/suno/sounds", SUBMIT_ACCEPTED,
		"task38695****935u9043u"},
	{"suno-timestampedLyrics-success", "dedicated/suno/get-timestamped-lyrics", SUBMIT_FINISHED,
		NULL},
	{"veo-extend-submit", "dedicated/veo/extend", SUBMIT_ACCEPTED, "veo_extend_task_xyz789"},
	{"veo-generate-submit", "dedicated/veo/generate", SUBMIT_ACCEPTED, "veo_task_abcdef123456"},
	{"veo-get1080p-success", "dedicated/veo/get-1080p-video", SUBMIT_FINISHED, NULL},
	{"veo-get4k-submit", "dedicated/veo/get-4k-video", SUBMIT_ACCEPTED,
		"veo_task_abcdef123456"},
	{"veo-get4k-processing-422", "dedicated/veo/get-4k-video", SUBMIT_ACCEPTED,
		"veo_task_example123"},
	{"veo-get4k-already-generated-422", "dedicated/veo/get-4k-video", SUBMIT_FINISHED, NULL},
};

/* Answers about tasks, and finished answers read for their results. */
static const struct poll_row {
	const char *file, *model;
	enum poll_verdict verdict;
	const char *state;
	const char *results; /* "label=value" in order, values cut at the last "/", or a count */
	const char *says;
} polls[] = {
	{"4o-image-recordInfo-fail", "dedicated/4o-image/generate", POLL_FAILED, "2", "",
		"Generation failed"},
	{"4o-image-recordInfo-generating", "dedicated/4o-image/generate", POLL_RUNNING, "0", "",
		NULL},
	{"4o-image-recordInfo-success", "dedicated/4o-image/generate", POLL_SUCCEEDED, "1",
		"=image1.png", NULL},
	{"4o-image-recordInfo-success-quickstart", "dedicated/4o-image/generate", POLL_SUCCEEDED,
		"1", "=generated-image.png", NULL},
	{"4o-image-downloadUrl-success", "dedicated/4o-image/download-url", POLL_SUCCEEDED, NULL,
		NULL, NULL},
	{"aleph-recordInfo-success", "dedicated/aleph/generate", POLL_SUCCEEDED, "1",
		"=xxxxxxx.mp4|cover=xxxxxxxx.png", NULL},
	{"common-download-url-success-doc", "dedicated/common/download-url", POLL_SUCCEEDED, NULL,
		NULL, NULL},
	{"flux-kontext-recordInfo-success", "dedicated/flux-kontext/generate", POLL_SUCCEEDED, "1",
		"=result.jpg|original=original.jpg", NULL},
	{"jobs-recordInfo-error-400-missing-taskId", "z-image", POLL_LATER, NULL, "",
		"taskId parameter is required"},
	{"jobs-recordInfo-error-401-unauthorized", "z-image", POLL_KEY, NULL, "", "Unauthorized"},
	{"jobs-recordInfo-error-404-not-found", "z-image", POLL_MISSING, NULL, "",
		"Task not found"},
	{"jobs-recordInfo-error-422-record-null", "z-image", POLL_MISSING, NULL, "",
		"recordInfo is null"},
	{"jobs-recordInfo-error-429-rate-limited", "z-image", POLL_LATER, NULL, "", "Rate limit"},
	{"jobs-recordInfo-error-500-server-error", "z-image", POLL_LATER, NULL, "",
		"unexpected error"},
	{"jobs-recordInfo-fail-doc-2026-01", "z-image", POLL_FAILED, "fail", "", "(code 422)"},
	{"jobs-recordInfo-success-doc-2026-01", "z-image", POLL_SUCCEEDED, "success", NULL, NULL},
	{"jobs-recordInfo-success-doc", "z-image", POLL_SUCCEEDED, "success", NULL, NULL},
	{"luma-recordInfo-success", "dedicated/luma/modify", POLL_SUCCEEDED, "1",
		"=f782018c-6be4-4990-96ba-7231cd5a39e7.mp4|original=1755074605154fqb0m8ge.mp4",
		NULL},
	{"midjourney-recordInfo-success-doc", "dedicated/midjourney/generate", POLL_SUCCEEDED, "1",
		NULL, NULL},
	{"runway-recordDetail-success-quickstart", "dedicated/runway/generate", POLL_SUCCEEDED,
		"success", "=xxxxxxx.mp4|cover=xxxxxxxx.png", NULL},
	{"suno-cover-recordInfo-success", "dedicated/suno/cover-image", POLL_SUCCEEDED, "1",
		"=1753958521_6c1b3015141849d1a9bf17b738ce9347.png|="
		"1753958524_c153143acc6340908431cf0e90cbce9e.png",
		NULL},
	{"suno-lyrics-recordInfo-success", "dedicated/suno/lyrics", POLL_SUCCEEDED, "SUCCESS", NULL,
		NULL},
	{"suno-midi-recordInfo-success", "dedicated/suno/midi", POLL_SUCCEEDED, "1", NULL, NULL},
	{"suno-mp4-recordInfo-success", "dedicated/suno/mp4", POLL_SUCCEEDED, "SUCCESS",
		"=04e6****e727.mp4", NULL},
	{"suno-recordInfo-success-doc", "dedicated/suno/generate", POLL_SUCCEEDED, "SUCCESS", NULL,
		NULL},
	{"suno-recordInfo-success-quickstart-doc", "dedicated/suno/generate", POLL_SUCCEEDED,
		"SUCCESS", "1=****.mp3|1-cover=****.jpeg|1-lyrics=A calm and relaxing piano track",
		NULL},
	{"suno-timestampedLyrics-success", "dedicated/suno/get-timestamped-lyrics", POLL_SUCCEEDED,
		NULL, NULL, NULL},
	{"suno-vocalRemoval-recordInfo-separate-success", "dedicated/suno/vocal-removal",
		POLL_SUCCEEDED, "SUCCESS",
		"vocals=3d7021c9-fa8b-4eda-91d1-3b9297ddb172_Vocals.mp3|"
		"instrumental=d92a13bf-c6f4-4ade-bb47-f69738435528_Instrumental.mp3",
		NULL},
	{"suno-vocalRemoval-recordInfo-split-success", "dedicated/suno/vocal-removal",
		POLL_SUCCEEDED, "SUCCESS", NULL, NULL},
	/* The state is a list of all states here: none of them, so asked again. */
	{"suno-voiceRecordInfo-doc", "dedicated/suno/voice-generate", POLL_RUNNING, NULL, "", NULL},
	{"suno-voiceValidateInfo-doc", "dedicated/suno/voice-validate", POLL_RUNNING, NULL, "",
		NULL},
	{"suno-wav-recordInfo-success", "dedicated/suno/wav", POLL_SUCCEEDED, "SUCCESS",
		"=04e6****e727.wav", NULL},
	{"veo-get1080p-success", "dedicated/veo/get-1080p-video", POLL_SUCCEEDED, NULL,
		"=42f4f8facbb040c0ade87c27cb2d5e58_1749711595.mp4", NULL},
	{"veo-get4k-submit", "dedicated/veo/get-4k-video", POLL_RUNNING, NULL, "", NULL},
	{"veo-get4k-processing-422", "dedicated/veo/get-4k-video", POLL_RUNNING, NULL, "", NULL},
	{"veo-get4k-already-generated-422", "dedicated/veo/get-4k-video", POLL_SUCCEEDED, NULL,
		"=example_task_1234567890.mp4|cover=example_task_1234567890.jpg", NULL},
	{"veo-recordInfo-success-doc", "dedicated/veo/generate", POLL_SUCCEEDED, "1",
		"=full_result.mp4|original=original_video1.mp4", NULL},
};

/* How many results each has, where they are not spelled out above. */
static const struct {
	const char *file;
	size_t count;
} counts[] = {
	{"4o-image-downloadUrl-success", 1},
	{"common-download-url-success-doc", 1},
	{"jobs-recordInfo-success-doc-2026-01", 1},
	{"jobs-recordInfo-success-doc", 1},
	{"midjourney-recordInfo-success-doc", 4},
	{"suno-lyrics-recordInfo-success", 2},
	{"suno-midi-recordInfo-success", 1},
	{"suno-recordInfo-success-doc", 3},
	{"suno-timestampedLyrics-success", 1},
	{"suno-vocalRemoval-recordInfo-split-success", 12},
};

/* Answers about the account. */
static const struct account_row {
	const char *file;
	double credits;
} accounts[] = {
	{"common-credit-success-doc", 100},
};

/* What a record holds as text within its text. */
static const struct inner_row {
	const char *file, *model, *results;
} inners[] = {
	{"market-sora-2-characters-resultJson", "sora-2-characters", "=example_123456789"},
};

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

static const struct model *find_model(const char *id)
{
	const struct model *found = catalogue_find(catalogue, id);

	if (!found)
		fail_msg("no model %s", id);
	return found;
}

static void test_submissions(void **state)
{
	for (size_t i = 0; i < COUNT(submits); i++) {
		const struct submit_row *row = &submits[i];
		char *body = sample_read(row->file);
		struct http_answer answer = answered(body);
		struct submit_answer got = {0};

		assert_int_equal(protocol_read_submit(find_model(row->model), &answer, &got), 0);
		if (got.verdict != row->verdict)
			fail_msg("%s: verdict %d: %s", row->file, got.verdict,
				got.message ? got.message : "");
		if (row->verdict == SUBMIT_ACCEPTED)
			assert_string_equal(got.task_id, row->says);
		else if (row->says && !strstr(got.message, row->says))
			fail_msg("%s: \"%s\" lacks \"%s\"", row->file, got.message, row->says);
		submit_answer_finish(&got);
		free(body);
	}
}

static void list_results(const struct poll_answer *got, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < got->result_count; i++) {
		const struct poll_result *result = &got->results[i];
		const char *cut = strrchr(result->value, '/');
		size_t n = strlen(out);

		snprintf(out + n, size - n, "%s%s=%s", i ? "|" : "",
			result->label ? result->label : "", cut ? cut + 1 : result->value);
	}
}

static size_t count_of(const char *file)
{
	for (size_t i = 0; i < COUNT(counts); i++)
		if (strcmp(counts[i].file, file) == 0)
			return counts[i].count;
	fail_msg("%s: no count", file);
	return 0;
}

static void test_records(void **state)
{
	static char found[1 << 16];

	for (size_t i = 0; i < COUNT(polls); i++) {
		const struct poll_row *row = &polls[i];
		char *body = sample_read(row->file);
		struct http_answer answer = answered(body);
		struct poll_answer got = {0};

		assert_int_equal(protocol_read_poll(find_model(row->model), &answer, &got), 0);
		if (got.verdict != row->verdict)
			fail_msg("%s: verdict %d: %s", row->file, got.verdict,
				got.message ? got.message : "");
		if (row->state)
			assert_string_equal(got.state, row->state);
		list_results(&got, found, sizeof(found));
		if (row->results && strcmp(found, row->results) != 0)
			fail_msg("%s: results %s", row->file, found);
		if (!row->results && got.result_count != count_of(row->file))
			fail_msg("%s: %zu results: %s", row->file, got.result_count, found);
		if (row->says && (!got.message || !strstr(got.message, row->says)))
			fail_msg("%s: \"%s\" lacks \"%s\"", row->file,
				got.message ? got.message : "", row->says);
		poll_answer_finish(&got);
		free(body);
	}
}

static void test_track_ids(void **state)
{
	static const struct {
		const char *file, *model;
		int number;
		const char *id;
	} cases[] = {
		{"suno-recordInfo-success-doc", "dedicated/suno/generate", 0,
			"e231****-****-****-****-****8cadc7dc"},
		{"suno-recordInfo-success-doc", "dedicated/suno/generate", 1,
			"e231****-****-****-****-****8cadc7dc"},
		{"suno-recordInfo-success-doc", "dedicated/suno/generate", 3,
			"e231****-****-****-****-****8cadc7dc"},
		{"suno-recordInfo-success-doc", "dedicated/suno/generate", 9, NULL},
		/* Stems have their names in one place and their ids in another. */
		{"suno-vocalRemoval-recordInfo-separate-success", "dedicated/suno/vocal-removal", 1,
			"3d7021c9-fa8b-4eda-91d1-3b9297ddb172"},
		{"suno-vocalRemoval-recordInfo-separate-success", "dedicated/suno/vocal-removal", 2,
			"d92a13bf-c6f4-4ade-bb47-f69738435528"},
		{"veo-recordInfo-success-doc", "dedicated/veo/generate", 1, NULL},
		{"suno-voiceRecordInfo-doc", "dedicated/suno/voice-generate", 0, NULL},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char *body = sample_read(cases[i].file), *id = NULL;
		int r = protocol_track_id(
			find_model(cases[i].model), body, strlen(body), cases[i].number, &id);

		assert_int_equal(r, cases[i].id ? 0 : -2);
		if (cases[i].id)
			assert_string_equal(id, cases[i].id);
		free(id);
		free(body);
	}
}

static void test_accounts(void **state)
{
	for (size_t i = 0; i < COUNT(accounts); i++) {
		char *body = sample_read(accounts[i].file), *message = NULL;
		struct http_answer answer = answered(body);
		double credits = -1;

		assert_int_equal(protocol_read_account(
					 catalogue_account(catalogue), &answer, &credits, &message),
			0);
		assert_null(message);
		assert_true(credits == accounts[i].credits);
		free(body);
	}
}

/* A record of a finished task around `inner`, heap. */
static char *wrap(const char *inner)
{
	cJSON *root = cJSON_CreateObject();
	cJSON *data = cJSON_AddObjectToObject(root, "data");

	cJSON_AddNumberToObject(root, "code", 200);
	cJSON_AddStringToObject(data, "state", "success");
	cJSON_AddStringToObject(data, "resultJson", inner);
	char *text = cJSON_PrintUnformatted(root);
	cJSON_Delete(root);
	assert_non_null(text);
	return text;
}

static void test_inner_results(void **state)
{
	char found[1024];

	for (size_t i = 0; i < COUNT(inners); i++) {
		char *inner = sample_read(inners[i].file), *body = wrap(inner);
		struct http_answer answer = answered(body);
		struct poll_answer got = {0};

		assert_int_equal(protocol_read_poll(find_model(inners[i].model), &answer, &got), 0);
		assert_int_equal(got.verdict, POLL_SUCCEEDED);
		list_results(&got, found, sizeof(found));
		assert_string_equal(found, inners[i].results);
		poll_answer_finish(&got);
		cJSON_free(body);
		free(inner);
	}
}

static void print_names(void)
{
	sample_names(&submits[0].file, COUNT(submits), sizeof(submits[0]));
	sample_names(&polls[0].file, COUNT(polls), sizeof(polls[0]));
	sample_names(&accounts[0].file, COUNT(accounts), sizeof(accounts[0]));
	sample_names(&inners[0].file, COUNT(inners), sizeof(inners[0]));
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_submissions),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_track_ids),
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_inner_results),
	};

	if (sample_names_wanted(argc, argv)) {
		print_names();
		return 0;
	}
	return cmocka_run_group_tests(tests, load, unload);
}
