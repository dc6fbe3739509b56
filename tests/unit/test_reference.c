/* What requests name instead of giving, and what they mean without naming it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/error.h"
#include "kiefs/media.h"
#include "kiefs/reference.h"
#include "kiefs/request.h"

#define NO_LIMIT                                                                                   \
	.min_length = -1, .max_length = -1, .min_items = -1, .max_items = -1, .max_text = -1
#define MEMBER(called, kind)                                                                       \
	{                                                                                          \
		.name = called, .type = kind, NO_LIMIT
#define FILE_OF(called, what)                                                                      \
	MEMBER(called, FIELD_STRING), .media = what                                                \
	}
#define LIST_OF(called, of) .name = called, .type = FIELD_ARRAY, .item = of

static cJSON *trees[16];
static size_t tree_count;

static const cJSON *tree(const char *text)
{
	assert_true(tree_count < sizeof(trees) / sizeof(trees[0]));
	trees[tree_count] = cJSON_Parse(text);
	assert_non_null(trees[tree_count]);
	return trees[tree_count++];
}

static struct service service = {.name = "jobs"};
static struct field picture = FILE_OF("", MEDIA_IMAGE);
static struct field shot_members[] = {FILE_OF("image", MEDIA_IMAGE), MEMBER("text", FIELD_STRING)}
}
;
static struct field shot = {
	.name = "", .type = FIELD_OBJECT, NO_LIMIT, .members = shot_members, .member_count = 2};

static struct field edit_fields[] = {MEMBER("prompt", FIELD_STRING), .required = true},
		    {NO_LIMIT, LIST_OF("image_urls", &picture), .required = true},
		    FILE_OF("video_url", MEDIA_VIDEO), FILE_OF("voice", MEDIA_AUDIO),
		    {NO_LIMIT, LIST_OF("shots", &shot)}, MEMBER("task_id", FIELD_STRING)
}
, MEMBER("audio_id", FIELD_STRING), .track = true
}
,
}
;
static struct model edit = {.id = "acme/edit",
	.service = &service,
	.fields = edit_fields,
	.field_count = sizeof(edit_fields) / sizeof(edit_fields[0])};

static struct field film_fields[] = {MEMBER("prompt", FIELD_STRING)},
		    FILE_OF("first_frame", MEDIA_IMAGE), FILE_OF("last_frame", MEDIA_IMAGE),
		    FILE_OF("video_url", MEDIA_VIDEO),
}
;
static struct model any = {
	.id = "acme/any", .service = &service, .fields = film_fields, .field_count = 4};
static struct model one = {
	.id = "acme/one", .service = &service, .fields = film_fields, .field_count = 4};

static struct model halves = {
	.id = "acme/halves", .service = &service, .fields = film_fields, .field_count = 4};

static struct field pair_fields[] = {MEMBER("prompt", FIELD_STRING)},
		    {NO_LIMIT, LIST_OF("images", &picture), .required = true},
}
;
static struct model pair = {
	.id = "acme/pair", .service = &service, .fields = pair_fields, .field_count = 2};

static struct field alone_fields[] = {
	MEMBER("image", FIELD_STRING), .media = MEDIA_IMAGE, .required = true},
}
;
static struct model alone = {
	.id = "acme/alone", .service = &service, .fields = alone_fields, .field_count = 1};

static int make_models(void **state)
{
	service.body = tree("{\"model\": \"$model\", \"input\": \"$input\"}");
	edit.prompt = any.prompt = one.prompt = pair.prompt = tree("{\"prompt\": \"$prompt\"}");
	any.any_of = tree("[[\"first_frame\", \"last_frame\"], [\"video_url\"]]");
	one.one_of = tree("[[\"first_frame\"], [\"video_url\"]]");
	halves.one_of = tree("[[\"first_frame\", \"last_frame\"], [\"video_url\"]]");
	edit_fields[3].scheme = "asset://";
	edit_fields[3].also = tree("[\"Rachel\"]");
	edit_fields[5].task = tree("{\"services\": [\"jobs\"]}");
	pair_fields[1].min_items = 2;
	pair_fields[1].max_items = 3;
	return 0;
}

static int free_models(void **state)
{
	while (tree_count > 0)
		cJSON_Delete(trees[--tree_count]);
	return 0;
}

static void names(void **state)
{
	static const struct {
		const char *text;
		bool name;
	} table[] = {
		{"me.png", true},
		{"../faces/me.png", true},
		{"/mnt/kie/uploads/me.png", true},
		{"tasks/latest/result.png", true},
		{"a file: of mine.png", true},
		{"database.png", true},
		{"", false},
		{"https://h/a.png", false},
		{"ftp://h/a.png", false},
		{"file:///etc/passwd", false},
		{"data:image/png;base64,AAAA", false},
		{"DATA:,x", false},
		{"asset://7", false},
		{"a\nb.png", false},
		{"a\x7f.png", false},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (reference_is_name(&edit_fields[3], table[i].text) != table[i].name)
			fail_msg("\"%s\": %d", table[i].text, !table[i].name);
}

/* "image_urls[0]=me.png at /input/image_urls/0", "?" behind what is implied, "!" derived. */
static char *told(const struct references *references)
{
	struct buf out;

	buf_init(&out, 1u << 16);
	for (size_t i = 0; i < references->count; i++) {
		const struct reference *one_of_them = &references->list[i];

		buf_addf(&out, "%s%s%s=%s%s%s at %s", i ? "\n" : "",
			one_of_them->kind == INPUT_MEDIA  ? ""
			: one_of_them->kind == INPUT_TASK ? "task "
							  : "track ",
			one_of_them->path, one_of_them->name, one_of_them->implied ? "?" : "",
			one_of_them->derived ? "!" : "", one_of_them->place);
	}
	assert_int_equal(out.error, 0);
	return references->count ? buf_take(&out) : strdup("");
}

#define SIBLINGS(...)                                                                              \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

static const struct {
	const char *name;
	const struct model *model;
	enum request_form form;
	const char *text, *stem;
	const char *const *siblings;
	size_t sibling_count;
	const char *references;
} requests[] = {
	{"addresses are none", &edit, REQUEST_JSON,
		"{\"prompt\":\"x\",\"image_urls\":[\"https://h/a.png\"],\"voice\":\"Rachel\"}",
		"fox", NULL, 0, ""},
	{"names in a list", &edit, REQUEST_JSON,
		"{\"prompt\":\"x\",\"image_urls\":[\"a.png\",\"https://h/b.png\",\"c.png\"]}",
		"fox", SIBLINGS("fox.png"), 1,
		"image_urls[0]=a.png at /input/image_urls/0\n"
		"image_urls[2]=c.png at /input/image_urls/2"},
	{"names in objects", &edit, REQUEST_JSON,
		"{\"prompt\":\"x\",\"image_urls\":[\"https://h/"
		"a\"],\"shots\":[{\"text\":\"a.png\"},"
		"{\"image\":\"b.png\"}]}",
		"fox", NULL, 0, "shots[1].image=b.png at /input/shots/1/image"},
	{"a task", &edit, REQUEST_JSON,
		"{\"prompt\":\"x\",\"image_urls\":[\"https://h/a\"],\"task_id\":\"../song\"}",
		"fox", NULL, 0, "task task_id=../song at /input/task_id"},
	{"a track names its task", &edit, REQUEST_JSON,
		"{\"prompt\":\"x\",\"image_urls\":[\"https://h/a\"],\"audio_id\":\"song-1.mp3\"}",
		"fox", NULL, 0,
		"task task_id=song-1.mp3! at /input/task_id\n"
		"track audio_id=song-1.mp3 at /input/audio_id"},
	{"a track beside its task", &edit, REQUEST_JSON,
		"{\"prompt\":\"x\",\"image_urls\":[\"https://h/a\"],\"audio_id\":\"b\","
		"\"task_id\":\"a\"}",
		"fox", NULL, 0,
		"task task_id=a at /input/task_id\ntrack audio_id=b at /input/audio_id"},
	{"one file beside it", &edit, REQUEST_PROMPT, "A hat.", "fox", SIBLINGS("fox.png"), 1,
		"image_urls[0]=fox.png? at /input/image_urls/0"},
	{"several beside it, of which some are of another kind", &edit, REQUEST_PROMPT, "A hat.",
		"fox", SIBLINGS("fox.mp4", "fox-1.png", "fox-2.jpg"), 3,
		"image_urls[0]=fox-1.png? at /input/image_urls/0\n"
		"image_urls[1]=fox-2.jpg? at /input/image_urls/1"},
	{"none beside it yet", &edit, REQUEST_PROMPT, "A hat.", "fox", NULL, 0,
		"image_urls[0]=fox.png? at /input/image_urls/0"},
	{"too few beside it", &pair, REQUEST_PROMPT, "A hat.", "fox", SIBLINGS("fox.png"), 1,
		"images[0]=fox.png? at /input/images/0\nimages[1]=fox-1.png? at /input/images/1"},
	{"more beside it than it takes", &pair, REQUEST_PROMPT, "A hat.", "fox",
		SIBLINGS("fox.png", "fox-1.png", "fox-2.png", "fox-3.png"), 4,
		"images[0]=fox.png? at /input/images/0\nimages[1]=fox-1.png? at /input/images/1\n"
		"images[2]=fox-2.png? at /input/images/2"},
	{"the set that a file lies there for", &any, REQUEST_PROMPT, "A hat.", "fox",
		SIBLINGS("fox.mp4"), 1, "video_url=fox.mp4? at /input/video_url"},
	{"the first set when there is none", &any, REQUEST_PROMPT, "A hat.", "fox", NULL, 0,
		"first_frame=fox.png? at /input/first_frame\n"
		"last_frame=fox-1.png? at /input/last_frame"},
	{"no file goes into two fields", &any, REQUEST_PROMPT, "A hat.", "fox",
		SIBLINGS("fox-1.png"), 1,
		"first_frame=fox-1.png? at /input/first_frame\n"
		"last_frame=fox.png? at /input/last_frame"},
	{"a set that is begun", &any, REQUEST_JSON, "{\"first_frame\":\"https://h/a\"}", "fox",
		SIBLINGS("fox.png"), 1, "last_frame=fox.png? at /input/last_frame"},
	{"a set that is begun rules out the others", &halves, REQUEST_JSON,
		"{\"first_frame\":\"https://h/a\"}", "fox", SIBLINGS("fox.mp4"), 1,
		"last_frame=fox.png? at /input/last_frame"},
	{"a set that is whole", &one, REQUEST_JSON, "{\"video_url\":\"a.mp4\"}", "fox",
		SIBLINGS("fox.png"), 1, "video_url=a.mp4 at /input/video_url"},
	{"one of two sets", &one, REQUEST_PROMPT, "A hat.", "fox", SIBLINGS("fox.mp4"), 1,
		"video_url=fox.mp4? at /input/video_url"},
};

static void meant(void **state)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		const struct request_rules rules = {.stem = requests[i].stem,
			.siblings = requests[i].siblings,
			.sibling_count = requests[i].sibling_count};
		struct request request = {0};
		struct error err = {0};

		if (request_build(requests[i].model, requests[i].form, requests[i].text,
			    strlen(requests[i].text), NULL, 0, &rules, &request, &err) < 0)
			fail_msg("%s: %s", requests[i].name, error_text(&err));
		char *text = told(&request.references);
		if (strcmp(text, requests[i].references) != 0)
			fail_msg("%s: %s", requests[i].name, text);
		free(text);
		request_finish(&request);
	}
}

static void single(void **state)
{
	assert_ptr_equal(model_single(&alone), &alone_fields[0]);
	assert_null(model_single(&edit));
	assert_null(model_single(&any));
	assert_true(model_takes(&edit, MEDIA_AUDIO));
	assert_false(model_takes(&alone, MEDIA_AUDIO));
}

static void too_many(void **state)
{
	cJSON *input = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(input, "image_urls");
	struct references found = {0};

	for (int i = 0; i < INPUTS_MAX; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString("a.png"));
	assert_int_equal(references_collect(&edit, input, "", NULL, NULL, &found), 0);
	assert_int_equal(found.count, INPUTS_MAX);
	references_finish(&found);
	cJSON_AddItemToArray(list, cJSON_CreateString("a.png"));
	assert_int_equal(references_collect(&edit, input, "", NULL, NULL, &found), -E2BIG);
	assert_int_equal(found.count, 0);
	cJSON_Delete(input);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(meant),
		cmocka_unit_test(single),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, make_models, free_models);
}
