/* Request files against models made by hand, so that no change of the data changes the answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "kiefs/catalogue.h"
#include "kiefs/request.h"

/* The trees behind the tables, freed at the end. */
static cJSON *trees[64];
static size_t tree_count;

static const cJSON *tree(const char *text)
{
	assert_true(tree_count < sizeof(trees) / sizeof(trees[0]));
	trees[tree_count] = cJSON_Parse(text);
	assert_non_null(trees[tree_count]);
	return trees[tree_count++];
}

static struct field address = {.name = "", .type = FIELD_STRING, .media = MEDIA_IMAGE};
static struct field whole = {.name = "", .type = FIELD_INTEGER};
static struct field turn_members[] = {
	{.name = "text", .type = FIELD_STRING, .required = true},
	{.name = "voice", .type = FIELD_STRING, .required = true},
	{.name = "mood", .type = FIELD_STRING},
};
static struct field turn = {
	.name = "", .type = FIELD_OBJECT, .members = turn_members, .member_count = 3};

enum {
	PROMPT,
	ASPECT,
	RESOLUTION,
	STRENGTH,
	STEPS,
	DURATION,
	SECONDS,
	N,
	SEED,
	LOOP,
	SOUND,
	IMAGES,
	IMAGE,
	CLIP,
	DIALOGUE,
	COLOUR,
	BACKGROUND,
	SIZE,
	VOICE,
	BOXES,
	PHOTO,
};
static struct field fields[] = {
	[PROMPT] = {.name = "prompt", .type = FIELD_STRING, .required = true, .max_length = 20},
	[ASPECT] = {.name = "aspect_ratio", .type = FIELD_STRING, .required = true},
	[RESOLUTION] = {.name = "resolution", .type = FIELD_STRING},
	[STRENGTH] = {.name = "strength",
		.type = FIELD_NUMBER,
		.has_min = true,
		.min = 0.1,
		.has_max = true,
		.max = 1,
		.step = 0.1},
	[STEPS] = {.name = "num_steps",
		.type = FIELD_INTEGER,
		.has_min = true,
		.min = 2,
		.has_max = true,
		.max = 30},
	[DURATION] = {.name = "duration", .type = FIELD_STRING},
	[SECONDS] = {.name = "seconds",
		.type = FIELD_STRING,
		.numeric_string = true,
		.has_min = true,
		.min = 3,
		.has_max = true,
		.max = 15},
	[N] = {.name = "n",
		.type = FIELD_INTEGER,
		.has_min = true,
		.min = 1,
		.has_max = true,
		.max = 4},
	[SEED] = {.name = "seed", .type = FIELD_INTEGER},
	[LOOP] = {.name = "loop", .type = FIELD_BOOLEAN},
	[SOUND] = {.name = "sound", .type = FIELD_BOOLEAN, .also_types = 1u << FIELD_STRING},
	[IMAGES] = {.name = "image_urls", .type = FIELD_ARRAY, .item = &address, .max_items = 2},
	[IMAGE] = {.name = "image_url",
		.type = FIELD_STRING,
		.media = MEDIA_IMAGE,
		.scheme = "asset://",
		.also_types = 1u << FIELD_ARRAY},
	[CLIP] = {.name = "clip_urls", .type = FIELD_ARRAY, .media = MEDIA_VIDEO, .min_items = 1},
	[DIALOGUE] = {.name = "dialogue", .type = FIELD_ARRAY, .item = &turn, .max_text = 30},
	[COLOUR] = {.name = "colour", .type = FIELD_STRING, .pattern = "^#[0-9A-Fa-f]{6}$"},
	[BACKGROUND] = {.name = "background", .type = FIELD_STRING},
	[SIZE] = {.name = "image_size", .type = FIELD_STRING, .deprecated = true},
	[VOICE] = {.name = "voice", .type = FIELD_STRING, .min_length = 3},
	[BOXES] = {.name = "boxes", .type = FIELD_ARRAY, .item = &whole, .min_items = 2},
	[PHOTO] = {.name = "photo", .type = FIELD_STRING, .media = MEDIA_IMAGE},
};

static struct service service = {.name = "jobs"};
static struct model full = {.id = "acme/full",
	.service = &service,
	.fields = fields,
	.field_count = sizeof(fields) / sizeof(fields[0])};

static struct field either_fields[] = {
	{.name = "prompt", .type = FIELD_STRING},
	{.name = "image_url", .type = FIELD_STRING, .media = MEDIA_IMAGE},
	{.name = "mask_url", .type = FIELD_STRING, .media = MEDIA_IMAGE},
};
static struct model any = {
	.id = "acme/any", .service = &service, .fields = either_fields, .field_count = 3};
static struct model one = {
	.id = "acme/one", .service = &service, .fields = either_fields, .field_count = 3};
static struct model pairs = {
	.id = "acme/pairs", .service = &service, .fields = either_fields, .field_count = 3};
static struct model silent = {
	.id = "acme/silent", .service = &service, .fields = either_fields + 1, .field_count = 1};
static struct model talk = {
	.id = "acme/talk", .service = &service, .fields = &fields[DIALOGUE], .field_count = 1};
static struct model slow = {.id = "acme/slow",
	.service = &service,
	.fields = fields,
	.field_count = sizeof(fields) / sizeof(fields[0])};
static struct model gone = {.id = "acme/gone",
	.service = &service,
	.fields = either_fields,
	.field_count = 1,
	.retired = true,
	.note = "Use acme/full."};
/* A service of another shape, and a model whose field has the name of a part of the body. */
static struct service flat = {.name = "flat"};
static struct model other = {
	.id = "acme/other", .service = &flat, .fields = either_fields, .field_count = 1};

static void lift_limits(struct field *first, size_t count)
{
	for (struct field *field = first; field < first + count; field++) {
		long *limits[] = {&field->min_length, &field->max_length, &field->min_items,
			&field->max_items, &field->max_text};

		for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
			if (*limits[i] == 0)
				*limits[i] = -1;
	}
}

static int make_models(void **state)
{
	lift_limits(fields, full.field_count);
	lift_limits(either_fields, 3);
	lift_limits(turn_members, 3);
	lift_limits(&address, 1);
	lift_limits(&whole, 1);
	lift_limits(&turn, 1);
	service.body = tree(
		"{\"model\": \"$model\", \"callBackUrl\": \"$callback\", \"input\": \"$input\"}");
	flat.body = tree("{\"v\": 2, \"of\": [\"$model\", {\"hook\": \"$callback\"}], "
			 "\"in\": {\"deep\": \"$input\"}}");
	fields[ASPECT].values = tree("[\"1:1\", \"16:9\", \"auto\"]");
	fields[ASPECT].initial = tree("\"1:1\"");
	fields[RESOLUTION].values = tree("[\"480p\", \"720p\", \"1080p\"]");
	fields[RESOLUTION].initial = tree("\"720p\"");
	fields[DURATION].values = tree("[\"5\", \"10\"]");
	fields[N].initial = tree("1");
	fields[SEED].also = tree("[\"random\", -1]");
	fields[SEED].has_min = true;
	fields[BACKGROUND].values = tree("[\"opaque\", \"clear\"]");
	fields[BACKGROUND].only_when = tree("{\"resolution\": [\"480p\", \"720p\"]}");
	fields[BACKGROUND].initial = tree("\"opaque\"");
	fields[SIZE].initial = tree("\"1:1\"");
	fields[LOOP].initial = tree("false");
	turn_members[1].values = tree("[\"ann\", \"bob\"]");
	turn_members[1].initial = tree("\"ann\"");
	full.prompt = tree("{\"prompt\": \"$prompt\"}");
	full.price =
		tree("{\"unit\": \"image\", \"count\": \"n\", \"table\": ["
		     "{\"when\": {\"resolution\": \"720p\"}, \"credits\": 2}, {\"when\": "
		     "{\"background\": \"clear\", \"image_size\": \"1:1\"}, \"credits\": 9}]}");
	any.prompt = one.prompt = gone.prompt = other.prompt = full.prompt;
	any.any_of = tree("[[\"prompt\"], [\"image_url\", \"mask_url\"]]");
	one.one_of = tree("[[\"prompt\"], [\"image_url\"]]");
	pairs.one_of = tree("[[\"image_url\", \"mask_url\"], [\"prompt\"]]");
	talk.prompt = tree("{\"dialogue\": [{\"text\": \"$prompt\"}]}");
	slow.prompt = tree("{\"prompt\": \"$prompt\", \"n\": 2, \"seed\": 7}");
	return 0;
}

static int free_models(void **state)
{
	while (tree_count > 0)
		cJSON_Delete(trees[--tree_count]);
	return 0;
}

/* What the defaults add to every request for "acme/full", behind what the request says. */
#define ADDED "\"aspect_ratio\":\"1:1\",\"resolution\":\"720p\",\"n\":1"
#define BODY(input) "{\"model\":\"acme/full\",\"input\":{" input "}}"
#define FULL(input) BODY(input "," ADDED)
#define P "{\"prompt\": \"x\", "
#define X "\"prompt\":\"x\","

struct accepted {
	const char *name;
	const struct model *model;
	const char *text; /* starts with "{" or "[" or is_json: JSON, else a prompt */
	const char *defaults;
	const char *body;
	const char *warnings;
};

static const struct accepted accepted[] = {
	/* Prompts. */
	{"prompt", &full, "a kite", NULL, FULL("\"prompt\":\"a kite\""), NULL},
	{"trailing newlines", &full, "a kite\n\r\n \t\n", NULL, FULL("\"prompt\":\"a kite\""),
		NULL},
	{"leading space stays", &full, "  a\nb\n", NULL, FULL("\"prompt\":\"  a\\nb\""), NULL},
	{"byte order mark", &full,
		"\xef\xbb\xbf"
		"a kite",
		NULL, FULL("\"prompt\":\"a kite\""), NULL},
	{"quotes and letters", &full, "\"\\ \xc3\xa9", NULL,
		FULL("\"prompt\":\"\\\"\\\\ \xc3\xa9\""), NULL},
	{"twenty characters of two bytes", &full,
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
		NULL,
		FULL("\"prompt\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		     "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3"
		     "\xa9\xc3\xa9\xc3\xa9\""),
		NULL},
	{"prompt deep in the input, with a member's default", &talk, "hello", NULL,
		"{\"model\":\"acme/talk\",\"input\":{\"dialogue\":[{\"text\":\"hello\","
		"\"voice\":\"ann\"}]}}",
		NULL},
	{"a word of the template is only a word", &full, "$input", NULL,
		FULL("\"prompt\":\"$input\""), NULL},

	{"what the template sets gives way to defaults.json", &slow, "x", "{\"n\": 3}",
		"{\"model\":\"acme/slow\",\"input\":{" X "\"n\":3,\"seed\":7,"
		"\"aspect_ratio\":\"1:1\"}}",
		NULL},
	{"the template comes before the catalogue's defaults", &slow, "x", NULL,
		"{\"model\":\"acme/slow\",\"input\":{" X "\"n\":2,\"seed\":7,"
		"\"aspect_ratio\":\"1:1\"}}",
		NULL},

	/* Forms of JSON. */
	{"bare input", &full, "{\"prompt\": \"x\"}", NULL, FULL("\"prompt\":\"x\""), NULL},
	{"byte order mark before JSON", &full, "\xef\xbb\xbf{\"prompt\": \"x\"}", NULL,
		FULL("\"prompt\":\"x\""), NULL},
	{"whole body", &full,
		"{\"model\": \"acme/full\", \"callBackUrl\": \"https://h/c\", \"input\": " P
		"\"n\": 2}}",
		NULL,
		"{\"model\":\"acme/full\",\"callBackUrl\":\"https://h/c\",\"input\":{" X
		"\"n\":2,\"aspect_ratio\":\"1:1\",\"resolution\":\"720p\"}}",
		NULL},
	{"model beside the fields", &full, "{\"model\": \"acme/full\", \"prompt\": \"x\"}", NULL,
		FULL("\"prompt\":\"x\""), NULL},
	{"webhook_url beside input", &full,
		"{\"webhook_url\": \"https://h/c\", \"input\": {\"prompt\": \"x\"}}", NULL,
		"{\"model\":\"acme/full\",\"callBackUrl\":\"https://h/c\",\"input\":{" X ADDED "}}",
		NULL},
	{"webhook_url inside input", &full,
		"{\"input\": {\"prompt\": \"x\", \"webhook_url\": \"https://h/c\"}}", NULL,
		"{\"model\":\"acme/full\",\"callBackUrl\":\"https://h/c\",\"input\":{" X ADDED "}}",
		NULL},
	{"webhook_url in a bare input", &full, P "\"webhook_url\": \"http://h/c\"}", NULL,
		"{\"model\":\"acme/full\",\"callBackUrl\":\"http://h/c\",\"input\":{" X ADDED "}}",
		NULL},
	{"the same callback twice", &full,
		P "\"webhook_url\": \"http://h/c\", \"callBackUrl\": \"http://h/c\"}", NULL,
		"{\"model\":\"acme/full\",\"callBackUrl\":\"http://h/c\",\"input\":{" X ADDED "}}",
		NULL},
	{"an empty callback", &full, P "\"callBackUrl\": \"\"}", NULL, FULL("\"prompt\":\"x\""),
		"callBackUrl is empty and was left out."},
	{"null for parts of the body", &full,
		"{\"model\": null, \"callBackUrl\": null, \"input\": {\"prompt\": \"x\"}}", NULL,
		FULL("\"prompt\":\"x\""), NULL},
	{"known fields beside input", &full, "{\"input\": {\"prompt\": \"x\"}, \"n\": 3}", NULL,
		BODY(X "\"n\":3,\"aspect_ratio\":\"1:1\",\"resolution\":\"720p\""), NULL},
	{"the same field inside and beside", &full,
		"{\"input\": {\"prompt\": \"x\"}, \"prompt\": \"x\"}", NULL,
		FULL("\"prompt\":\"x\""), NULL},
	{"unknown keys beside input", &full,
		"{\"input\": {\"prompt\": \"x\"}, \"progressCallBackUrl\": \"https://h\"}", NULL,
		"{\"model\":\"acme/full\",\"input\":{" X ADDED "},"
		"\"progressCallBackUrl\":\"https://h\"}",
		"progressCallBackUrl stands beside input and is not a field that the catalogue "
		"knows; it was sent there as it is."},
	{"input as a JSON string", &full, "{\"input\": \"{\\\"prompt\\\": \\\"x\\\"}\"}", NULL,
		FULL("\"prompt\":\"x\""), NULL},
	{"another template", &other, "{\"prompt\": \"x\", \"webhook_url\": \"https://h\"}", NULL,
		"{\"v\":2,\"of\":[\"acme/other\",{\"hook\":\"https://h\"}],"
		"\"in\":{\"deep\":{\"prompt\":\"x\"}}}",
		NULL},
	{"another template without callback", &other, "x", NULL,
		"{\"v\":2,\"of\":[\"acme/other\",{}],\"in\":{\"deep\":{\"prompt\":\"x\"}}}", NULL},
	{"an unknown field", &full, P "\"stile\": {\"a\": null}}", NULL,
		FULL(X "\"stile\":{\"a\":null}"),
		"stile is not a field that the catalogue knows; it was sent as it is."},
	{"an unknown field that is a slip", &full, P "\"Seed\": 1, \"num_step\": 2}", NULL,
		FULL(X "\"Seed\":1,\"num_step\":2"),
		"Seed is not a field that the catalogue knows; it was sent as it is. Did you mean "
		"seed?\n"
		"num_step is not a field that the catalogue knows; it was sent as it is. Did you "
		"mean num_steps?"},
	{"retired", &gone, "x", NULL, "{\"model\":\"acme/gone\",\"input\":{\"prompt\":\"x\"}}",
		"acme/gone is retired, so the API may refuse or fail it. Use acme/full."},

	/* Defaults. */
	{"defaults.json under a prompt", &full, "x", "{\"resolution\": \"480p\", \"n\": 2}",
		BODY(X "\"resolution\":\"480p\",\"n\":2,\"aspect_ratio\":\"1:1\""), NULL},
	{"the request wins", &full, P "\"n\": 4}", "{\"n\": 2, \"prompt\": \"y\"}",
		BODY(X "\"n\":4,\"aspect_ratio\":\"1:1\",\"resolution\":\"720p\""), NULL},
	{"a blank defaults.json", &full, "x", " \n", FULL("\"prompt\":\"x\""), NULL},
	{"a whole body as defaults.json", &full, "x",
		"{\"model\": \"acme/full\", \"input\": {\"n\": 2}, \"webhook_url\": \"https://h\", "
		"\"more\": 1}",
		"{\"model\":\"acme/full\",\"callBackUrl\":\"https://h\",\"input\":{" X
		"\"n\":2,\"aspect_ratio\":\"1:1\",\"resolution\":\"720p\"},\"more\":1}",
		"defaults.json: more stands beside input and is not a field that the catalogue "
		"knows; it was sent there as it is."},
	{"null takes a default away", &full, P "\"resolution\": null, \"seed\": null}",
		"{\"seed\": 3, \"n\": null}", BODY(X "\"aspect_ratio\":\"1:1\""), NULL},

	/* Values as they are, and mended. */
	{"numbers", &full, P "\"a\": [0.1, 1e-7, 9007199254740991, -1, 5.0, -0, 123456.789]}", NULL,
		FULL(X "\"a\":[0.1,1e-07,9007199254740991,-1,5,0,123456.789]"),
		"a is not a field that the catalogue knows; it was sent as it is."},
	{"an integer with a point", &full, P "\"num_steps\": 5.0}", NULL, FULL(X "\"num_steps\":5"),
		NULL},
	{"numbers for digits", &full, P "\"duration\": 10, \"seconds\": 7.5}", NULL,
		FULL(X "\"duration\":\"10\",\"seconds\":\"7.5\""), NULL},
	{"digits for numbers", &full, P "\"num_steps\": \"12\", \"strength\": \"0.3\"}", NULL,
		FULL(X "\"num_steps\":12,\"strength\":0.3"), NULL},
	{"steps of a tenth", &full, P "\"strength\": 0.7}", NULL, FULL(X "\"strength\":0.7"), NULL},
	{"values beside the range", &full, P "\"seed\": -1}", NULL, FULL(X "\"seed\":-1"), NULL},
	{"digits of a value beside the range", &full, P "\"seed\": \"-1\"}", NULL,
		FULL(X "\"seed\":\"-1\""), NULL},
	{"a word beside the range", &full, P "\"seed\": \"random\"}", NULL,
		FULL(X "\"seed\":\"random\""), NULL},
	{"a further type", &full, P "\"sound\": \"true\"}", NULL, FULL(X "\"sound\":\"true\""),
		NULL},
	{"booleans", &full, P "\"sound\": true, \"loop\": false}", NULL,
		FULL(X "\"sound\":true,\"loop\":false"), NULL},
	{"addresses", &full, P "\"image_urls\": [\"https://h/a.png\", \"HTTP://h/b\"]}", NULL,
		FULL(X "\"image_urls\":[\"https://h/a.png\",\"HTTP://h/b\"]"), NULL},
	{"an address of the field's own form", &full, P "\"image_url\": \"asset://1\"}", NULL,
		FULL(X "\"image_url\":\"asset://1\""), NULL},
	{"an array where the API takes it too", &full, P "\"image_url\": [\"asset://1\"]}", NULL,
		FULL(X "\"image_url\":[\"asset://1\"]"), NULL},
	{"an empty choice and address", &full, P "\"resolution\": \"\", \"photo\": \"\"}", NULL,
		BODY(X "\"aspect_ratio\":\"1:1\",\"n\":1"),
		"resolution is empty and was left out, since the API refuses it empty.\n"
		"photo is empty and was left out, since the API refuses it empty."},
	{"an empty text", &full, "{\"prompt\": \"\"}", NULL, FULL("\"prompt\":\"\""), NULL},
	{"objects in an array", &full,
		P "\"dialogue\": [{\"text\": \"a\", \"mood\": null}, {\"text\": \"b\", \"voice\": "
		  "\"bob\", \"pace\": 2}]}",
		NULL,
		FULL(X "\"dialogue\":[{\"text\":\"a\",\"voice\":\"ann\"},{\"text\":\"b\",\"voice\":"
		       "\"bob\",\"pace\":2}]"),
		"dialogue[1].pace is not a field that the catalogue knows; it was sent as it is."},
	{"a form", &full, P "\"colour\": \"#12abEF\"}", NULL, FULL(X "\"colour\":\"#12abEF\""),
		NULL},
	{"company by default", &full, P "\"background\": \"clear\"}", NULL,
		FULL(X "\"background\":\"clear\""), NULL},
	{"one set of any", &any, "{\"image_url\": \"https://h\", \"mask_url\": \"https://h\"}",
		NULL,
		"{\"model\":\"acme/any\",\"input\":{\"image_url\":\"https://h\",\"mask_url\":"
		"\"https://h\"}}",
		NULL},
	{"a name with a blank at an end", &full, "{\"prompt \": \"x\"}", NULL,
		FULL("\"prompt\":\"x\""),
		"\"prompt \" has a blank at an end; it was sent as prompt."},
	{"exactly one set", &one, "x", NULL,
		"{\"model\":\"acme/one\",\"input\":{\"prompt\":\"x\"}}", NULL},
};

static enum request_form form_of(const char *text)
{
	size_t at = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	return strchr("{[\"4", text[at]) && strcmp(text, "\"\\ \xc3\xa9") != 0 ? REQUEST_JSON
									       : REQUEST_PROMPT;
}

static void accepts(void **state)
{
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		const struct accepted *row = &accepted[i];
		struct request request = {0};
		struct error err = {0};
		int r = request_build(row->model, form_of(row->text), row->text, strlen(row->text),
			row->defaults, row->defaults ? strlen(row->defaults) : 0, NULL, &request,
			&err);

		if (r != 0)
			fail_msg("%s: refused: %s", row->name, error_text(&err));
		if (strcmp(request.body, row->body) != 0)
			fail_msg("%s:\n%s\nin place of\n%s", row->name, request.body, row->body);
		if (strcmp(request.warnings ? request.warnings : "",
			    row->warnings ? row->warnings : "") != 0)
			fail_msg("%s: warnings: %s", row->name, request.warnings);
		assert_int_equal(request.body_len, strlen(request.body));
		assert_null(err.text);
		request_finish(&request);
	}
}

struct refused {
	const char *name;
	const struct model *model;
	const char *text;
	const char *defaults;
	const char *sentences;
};

static const struct refused refused[] = {
	/* Form. */
	{"no JSON", &full, "{\"prompt\": x}", NULL,
		"Not JSON: unexpected \"x}\" at line 1, column 12."},
	{"open JSON", &full, "{\"prompt\": \"x\"", NULL,
		"Not JSON: the text ends at line 1, column 15 before the value is complete; a "
		"bracket or quote is still open."},
	{"a key twice", &full, "{\"n\": 1, \"n\": 2}", NULL,
		"The key \"n\" stands twice in one object. Keep one of them."},
	{"an array", &full, "[1]", NULL,
		"It is an array, but it must be an object {...} with the model's fields; "
		"example.json shows one."},
	{"a string", &full, "\"x\"", NULL,
		"It is \"x\", but it must be an object {...} with the model's fields; "
		"example.json shows one."},
	{"a number", &full, "42", NULL,
		"It is 42, but it must be an object {...} with the model's fields; "
		"example.json shows one."},
	{"another model", &full, "{\"model\": \"acme/any\", \"prompt\": \"x\"}", NULL,
		"model is \"acme/any\", but this directory is for \"acme/full\". Write the file "
		"into "
		"the directory of the model you mean, or leave model out."},
	{"a model of the wrong type", &full, "{\"model\": 5, \"prompt\": \"x\"}", NULL,
		"model is 5, but it must be \"acme/full\", or be left out."},
	{"input of the wrong type", &full, "{\"input\": [1]}", NULL,
		"input is an array, but it must be an object {...} with the model's fields."},
	{"input a string that is no JSON", &full, "{\"input\": \"{\\\"a\\\": x}\"}", NULL,
		"input: Not JSON: unexpected \"x}\" at line 1, column 7."},
	{"input a string of another type", &full, "{\"input\": \"[]\"}", NULL,
		"input: It is an array, but it must be an object {...} with the model's fields; "
		"example.json shows one."},
	{"inside and beside", &full, "{\"input\": {\"prompt\": \"x\"}, \"prompt\": \"y\"}", NULL,
		"prompt stands inside input and beside it with different values. Keep the one "
		"inside."},
	{"two callbacks", &full,
		P "\"webhook_url\": \"http://h/c\", \"callBackUrl\": \"http://h/d\"}", NULL,
		"webhook_url is \"http://h/c\", but another address for the same purpose is given "
		"too. Keep one."},
	{"a callback that is no address", &full, P "\"callBackUrl\": \"h\"}", NULL,
		"callBackUrl is \"h\", but it must be a web address (https://...). Leave it out if "
		"nothing is to be called."},
	{"an escaped NUL", &full, "{\"prompt\": \"a\\u0000b\"}", NULL,
		"It holds \\u0000, a NUL character, which text cannot hold. Remove it."},
	{"a prompt for a model without one", &silent, "x", NULL,
		"acme/silent takes no prompt. Write a .json file in place of this one with the "
		"fields it needs (image_url); example.json shows one."},
	{"a prompt that is not UTF-8", &full, "a\nb\xff", NULL,
		"Line 2 of the prompt is not UTF-8 text. Save the file as UTF-8."},
	{"a large integer", &full, P "\"seed\": 9007199254740993, \"a\": [{\"b\": -1e300}]}", NULL,
		"seed is a number beyond 9007199254740991, which JSON readers round to another "
		"one. "
		"Write a smaller one, or put it in quotes where text is taken.\n"
		"b is a number beyond 9007199254740991, which JSON readers round to another one. "
		"Write a smaller one, or put it in quotes where text is taken."},
	{"an infinite number", &full, P "\"a\": 1e999}", NULL,
		"a is a number too large to be sent. Write a smaller one."},

	/* defaults.json. */
	{"defaults.json no JSON", &full, "x", "{",
		"defaults.json: Not JSON: the text ends at line 1, column 2 before the value is "
		"complete; a bracket or quote is still open."},
	{"defaults.json an array", &full, "x", "[]",
		"defaults.json: It is an array, but it must be an object {...} with the "
		"model's fields; example.json shows one."},
	{"defaults.json for another model", &full, "x", "{\"model\": \"acme/any\"}",
		"defaults.json: model is \"acme/any\", but this directory is for \"acme/full\". "
		"Write "
		"the file into the directory of the model you mean, or leave model out."},
	{"a value in defaults.json", &full, "x", "{\"n\": 9}",
		"defaults.json: n is 9, but it must be a whole number from 1 to 4."},
	{"faults in both", &full, P "\"loop\": 1}", "{\"n\": 9, \"x\": 1e999}",
		"defaults.json: x is a number too large to be sent. Write a smaller one.\n"
		"defaults.json: n is 9, but it must be a whole number from 1 to 4.\n"
		"loop is 1, but it must be true or false."},
	{"a broken defaults.json does not hide the rest", &full, P "\"loop\": 1}", "[]",
		"defaults.json: It is an array, but it must be an object {...} with the "
		"model's fields; example.json shows one.\n"
		"loop is 1, but it must be true or false."},

	/* Values. */
	{"missing", &full, "{\"n\": 1}", NULL,
		"prompt is missing and required: give a string of at most 20 characters."},
	{"missing by a slip", &full, "{\"promt\": \"x\"}", NULL,
		"prompt is missing and required: give a string of at most 20 characters. Is promt "
		"meant to be it?"},
	{"required but null", &full, P "\"aspect_ratio\": null}", NULL,
		"aspect_ratio is missing and required: give one of \"1:1\", \"16:9\" or \"auto\"."},
	{"type of a text", &full, "{\"prompt\": 5}", NULL,
		"prompt is 5, but it must be a string of at most 20 characters. Put it in quotes."},
	{"type of a text: array", &full, "{\"prompt\": [\"x\"]}", NULL,
		"prompt is an array, but it must be a string of at most 20 characters. Write one "
		"value without brackets."},
	{"type of a boolean", &full, P "\"loop\": \"true\"}", NULL,
		"loop is \"true\", but it must be true or false. Write it without quotes."},
	{"type of an integer", &full, P "\"num_steps\": 5.5}", NULL,
		"num_steps is 5.5, but it must be a whole number from 2 to 30."},
	{"type of a number: text", &full, P "\"strength\": \"much\"}", NULL,
		"strength is \"much\", but it must be a number from 0.1 to 1 in steps of 0.1."},
	{"type of a number: boolean", &full, P "\"strength\": true}", NULL,
		"strength is true, but it must be a number from 0.1 to 1 in steps of 0.1."},
	{"type of an array", &full, P "\"image_urls\": \"https://h\"}", NULL,
		"image_urls is \"https://h\", but it must be an array [\"https://...\"] of at most "
		"2 elements, each the web address of an image, or the name of a file here "
		"(\"me.png\"). "
		"Put it in brackets: [\"...\"]."},
	{"type of an element", &full, P "\"boxes\": [1, \"a\", null]}", NULL,
		"boxes[1] is \"a\", but it must be a whole number.\n"
		"boxes[2] is null, but it must be a whole number."},
	{"type of an object", &full, P "\"dialogue\": [\"a\"]}", NULL,
		"dialogue[0] is \"a\", but it must be an object {...} with \"text\", \"voice\", "
		"\"mood\"."},
	{"a choice", &full, P "\"resolution\": \"4K\"}", NULL,
		"resolution is \"4K\", but it must be one of \"480p\", \"720p\" or \"1080p\"."},
	{"a choice in the wrong case", &full, P "\"resolution\": \"720P\"}", NULL,
		"resolution is \"720P\", but it must be one of \"480p\", \"720p\" or \"1080p\". "
		"Did "
		"you mean \"720p\"?"},
	{"a choice misspelled", &full, P "\"aspect_ratio\": \"16x9\"}", NULL,
		"aspect_ratio is \"16x9\", but it must be one of \"1:1\", \"16:9\" or \"auto\". "
		"Did "
		"you mean \"16:9\"?"},
	{"a choice as a number", &full, P "\"resolution\": 720}", NULL,
		"resolution is 720, but it must be one of \"480p\", \"720p\" or \"1080p\". Did you "
		"mean \"720p\"? Put it in quotes."},
	{"a choice of digits", &full, P "\"duration\": 7}", NULL,
		"duration is \"7\", but it must be one of \"5\" or \"10\"."},
	{"an empty choice that is required", &full, P "\"aspect_ratio\": \"\"}", NULL,
		"aspect_ratio is \"\", but it must be one of \"1:1\", \"16:9\" or \"auto\"."},
	{"below the range", &full, P "\"num_steps\": 1}", NULL,
		"num_steps is 1, but it must be a whole number from 2 to 30."},
	{"above the range", &full, P "\"strength\": 1.1}", NULL,
		"strength is 1.1, but it must be a number from 0.1 to 1 in steps of 0.1."},
	{"between the steps", &full, P "\"strength\": 0.15}", NULL,
		"strength is 0.15, but it must be a number from 0.1 to 1 in steps of 0.1."},
	{"range of digits", &full, P "\"seconds\": \"20\"}", NULL,
		"seconds is \"20\", but it must be a number in quotes from 3 to 15."},
	{"digits that are none", &full, P "\"seconds\": \"ten\"}", NULL,
		"seconds is \"ten\", but it must be a number in quotes from 3 to 15."},
	{"an exception named with the range", &full, P "\"seed\": -2}", NULL,
		"seed is -2, but it must be a whole number of at least 0, or \"random\" or -1."},
	{"too long", &full, "{\"prompt\": \"123456789012345678901\"}", NULL,
		"prompt has 21 characters, but at most 20 are allowed. Shorten it by 1."},
	{"too short", &full, P "\"voice\": \"a\"}", NULL,
		"voice has 1 character, but at least 3 are needed. Write more."},
	{"too many", &full, P "\"image_urls\": [\"https://a\", \"https://b\", \"https://c\"]}",
		NULL, "image_urls has 3 elements, but at most 2 are allowed. Remove 1."},
	{"too few", &full, P "\"boxes\": [1]}", NULL,
		"boxes has 1 element, but at least 2 are needed. Add 1."},
	{"none", &full, P "\"clip_urls\": []}", NULL,
		"clip_urls has 0 elements, but at least 1 is needed. Add 1."},
	{"too much text", &full,
		P "\"dialogue\": [{\"text\": \"0123456789abcdef\"}, {\"text\": "
		  "\"0123456789abcde\"}]}",
		NULL,
		"dialogue holds 31 characters of text in all, but at most 30 are allowed. Shorten "
		"it by 1."},
	{"members", &full, P "\"dialogue\": [{\"text\": 1, \"voice\": \"Ann\"}, {\"voice\": 5}]}",
		NULL,
		"dialogue[0].text is 1, but it must be a string. Put it in quotes.\n"
		"dialogue[0].voice is \"Ann\", but it must be one of \"ann\" or \"bob\". Did you "
		"mean "
		"\"ann\"?\n"
		"dialogue[1].text is missing and required: give a string.\n"
		"dialogue[1].voice is 5, but it must be one of \"ann\" or \"bob\". Put it in "
		"quotes."},
	{"a form", &full, P "\"colour\": \"red\"}", NULL,
		"colour is \"red\", but it must have the form ^#[0-9A-Fa-f]{6}$."},
	{"another scheme", &full, P "\"image_url\": \"ftp://h/a\"}", NULL,
		"image_url is \"ftp://h/a\", but it must be a web address (https://... or "
		"asset://...) of an image, without spaces, or the name of a file here "
		"(\"me.png\"). Copy the file into this "
		"directory and give its name."},
	{"an address of nothing", &full, P "\"clip_urls\": [\"https://\"]}", NULL,
		"clip_urls[0] is \"https://\", but it must be a web address (https://...) of a "
		"video, "
		"without spaces, or the name of a file here (\"me.mp4\"). Copy the file into this "
		"directory and give its name."},
	{"an empty address", &full, P "\"image_urls\": [\"\"]}", NULL,
		"image_urls[0] is empty, but it must be a web address (https://...) of an image, "
		"or the name of a file here (\"me.png\")."},
	{"company", &full, P "\"background\": \"clear\", \"resolution\": \"1080p\"}", NULL,
		"background is only allowed when resolution is \"480p\" or \"720p\", but "
		"resolution is "
		"\"1080p\". Leave background out, or change resolution."},
	{"company in defaults.json", &full, P "\"resolution\": \"1080p\"}",
		"{\"background\": \"clear\"}",
		"defaults.json: background is only allowed when resolution is \"480p\" or "
		"\"720p\", "
		"but resolution is \"1080p\". Leave background out, or change resolution."},
	{"none of any", &any, "{\"image_url\": \"https://h\"}", NULL,
		"Something is missing: give at least one of these: prompt, or image_url + "
		"mask_url."},
	{"none of one", &one, "{\"prompt\": \"\"}", NULL,
		"Something is missing: give exactly one of these: prompt, or image_url."},
	{"both of one", &one, "{\"prompt\": \"x\", \"image_url\": \"https://h\"}", NULL,
		"Only one of these may be given: prompt, or image_url. Keep one."},
	{"part of another one", &pairs, "{\"prompt\": \"x\", \"image_url\": \"https://h\"}", NULL,
		"Only one of these may be given: image_url + mask_url, or prompt. Leave out "
		"image_url."},
	{"a long value is cut", &full,
		P "\"resolution\": \"1234567890123456789012345678901234567890123456789\"}", NULL,
		"resolution is \"1234567890123456789012345678901234567890...\", but it must be one "
		"of \"480p\", \"720p\" or \"1080p\"."},
	{"control characters stay on the line", &full, P "\"resolution\": \"a\\nb\\u0007\\\"\"}",
		NULL,
		"resolution is \"a\\nb\\u0007\\\"\", but it must be one of \"480p\", \"720p\" or "
		"\"1080p\"."},
	{"all faults at once", &full,
		"{\"model\": \"acme/any\", \"callBackUrl\": 1, \"input\": {\"resolution\": "
		"\"720P\", "
		"\"strength\": 2, \"loop\": \"yes\", \"image_urls\": [\"ftp://a b\"], \"n\": 0}}",
		NULL,
		"model is \"acme/any\", but this directory is for \"acme/full\". Write the file "
		"into "
		"the directory of the model you mean, or leave model out.\n"
		"callBackUrl is 1, but it must be a web address (https://...). Leave it out if "
		"nothing is to be called.\n"
		"prompt is missing and required: give a string of at most 20 characters.\n"
		"resolution is \"720P\", but it must be one of \"480p\", \"720p\" or \"1080p\". "
		"Did "
		"you mean \"720p\"?\n"
		"strength is 2, but it must be a number from 0.1 to 1 in steps of 0.1.\n"
		"n is 0, but it must be a whole number from 1 to 4.\n"
		"loop is \"yes\", but it must be true or false.\n"
		"image_urls[0] is \"ftp://a b\", but it must be a web address (https://...) of an "
		"image, "
		"without spaces, or the name of a file here (\"me.png\"). Copy the file into this "
		"directory and give its name."},
};

static void refuses(void **state)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const struct refused *row = &refused[i];
		struct request request = {.credits = 77};
		struct error err = {0};
		int r = request_build(row->model, form_of(row->text), row->text, strlen(row->text),
			row->defaults, row->defaults ? strlen(row->defaults) : 0, NULL, &request,
			&err);

		if (r == 0)
			fail_msg("%s: accepted: %s", row->name, request.body);
		assert_int_equal(r, -EINVAL);
		assert_int_equal(err.code, -EINVAL);
		assert_true(request.credits == 77 && !request.body);
		if (strcmp(error_text(&err), row->sentences) != 0)
			fail_msg("%s:\n%s\nin place of\n%s", row->name, error_text(&err),
				row->sentences);
		error_finish(&err);
	}
}

/* validate=warn: the catalogue's limits are warnings, the form stays as strict. */
static void warns(void **state)
{
	static const struct request_rules rules = {.warn_only = true};
	struct request request = {0};
	struct error err = {0};
	const char *text = "{\"resolution\": \"8K\", \"n\": 9}";

	assert_int_equal(request_build(&full, REQUEST_JSON, text, strlen(text), NULL, 0, &rules,
				 &request, &err),
		0);
	assert_string_equal(
		request.body, BODY("\"resolution\":\"8K\",\"n\":9,\"aspect_ratio\":\"1:1\""));
	assert_string_equal(request.warnings,
		"prompt is missing and required: give a string of at most 20 characters.\n"
		"resolution is \"8K\", but it must be one of \"480p\", \"720p\" or \"1080p\".\n"
		"n is 9, but it must be a whole number from 1 to 4.");
	request_finish(&request);
	text = "{\"model\": \"a\", \"n\": 9}";
	assert_int_equal(request_build(&full, REQUEST_JSON, text, strlen(text), NULL, 0, &rules,
				 &request, &err),
		-EINVAL);
	assert_non_null(strstr(error_text(&err), "model is \"a\""));
	assert_null(strstr(error_text(&err), "n is 9"));
	error_finish(&err);
}

static void sizes(void **state)
{
	size_t len = REQUEST_MAX_BYTES + 1;
	char *text = malloc(len);
	struct request request = {0};
	struct error err = {0};

	assert_non_null(text);
	memset(text, 'a', len);
	assert_int_equal(
		request_build(&full, REQUEST_PROMPT, text, len, NULL, 0, NULL, &request, &err),
		-EFBIG);
	assert_string_equal(error_text(&err),
		"The request has 16777217 bytes, but at most 16777216 are allowed. Give files by "
		"their web address, not inside the request.");
	assert_int_equal(
		request_build(&full, REQUEST_PROMPT, text, len - 1, NULL, 0, NULL, &request, &err),
		-EINVAL);
	assert_string_equal(error_text(&err),
		"prompt has 16777216 characters, but at most 20 are allowed. Shorten it by "
		"16777196.");
	assert_int_equal(
		request_build(&full, REQUEST_PROMPT, "a\0b", 3, NULL, 0, NULL, &request, &err),
		-EINVAL);
	assert_string_equal(error_text(&err),
		"Line 1 of the prompt holds a NUL byte, so this is no text file. Save it as plain "
		"UTF-8 text.");
	error_finish(&err);
	free(text);
}

/* Faults beyond the first fifty are counted. */
static void many_faults(void **state)
{
	char text[512] = "{\"prompt\": \"x\", \"boxes\": [";
	struct request request = {0};
	struct error err = {0};

	for (int i = 0; i < 60; i++)
		strcat(text, i ? ",true" : "true");
	strcat(text, "]}");
	assert_int_equal(request_build(&full, REQUEST_JSON, text, strlen(text), NULL, 0, NULL,
				 &request, &err),
		-EINVAL);
	assert_non_null(strstr(error_text(&err), "boxes[49] is true"));
	assert_null(strstr(error_text(&err), "boxes[50]"));
	assert_non_null(strstr(error_text(&err), "\nAnd 10 more faults."));
	error_finish(&err);
}

static void prices(void **state)
{
	struct request request = {0};

	assert_int_equal(
		request_build(&full, REQUEST_PROMPT, "x", 1, "{\"n\": 3}", 8, NULL, &request, NULL),
		0);
	assert_true(request.credits == 6);
	request_finish(&request);
	assert_int_equal(
		request_build(&any, REQUEST_PROMPT, "x", 1, NULL, 0, NULL, &request, NULL), 0);
	assert_true(request.credits == -1);
	request_finish(&request);
	request_finish(NULL);
}

static cJSON *whole_body(const struct model *model)
{
	cJSON *body = cJSON_CreateObject();

	cJSON_AddStringToObject(body, "model", model->id);
	cJSON_AddStringToObject(body, "callBackUrl", "https://example.com/hook");
	cJSON_AddItemToObject(body, "input", cJSON_Duplicate(model->example, true));
	return body;
}

/* Frees `value`. Returns what request_build() returned; `text` receives what it said or built. */
static int build_tree(const struct model *model, cJSON *value, char **text)
{
	char *bytes = cJSON_PrintUnformatted(value);
	struct request request = {0};
	struct error err = {0};
	int r = request_build(
		model, REQUEST_JSON, bytes, strlen(bytes), NULL, 0, NULL, &request, &err);

	*text = strdup(r == 0 ? request.body : error_text(&err));
	if (r == 0 && !model->retired && request.warnings)
		fail_msg("%s: %s", model->id, request.warnings);
	request_finish(&request);
	error_finish(&err);
	cJSON_free(bytes);
	cJSON_Delete(value);
	return r;
}

/* What the example says must arrive unchanged at the API. */
static void assert_carried(const struct model *model, const char *body)
{
	cJSON *sent = cJSON_Parse(body);
	/* A chat's fields stand in the body itself. */
	const cJSON *input =
		model->service->chat ? sent : cJSON_GetObjectItemCaseSensitive(sent, "input");
	const cJSON *member;

	cJSON_ArrayForEach(member, model->example)
	{
		const cJSON *arrived =
			cJSON_GetObjectItemCaseSensitive(input ? input : sent, member->string);

		if (!cJSON_Compare(member, arrived, true))
			fail_msg("%s: %s was changed: %s", model->id, member->string, body);
	}
	cJSON_Delete(sent);
}

/* The task may follow from a track of it: whether it does is seen when the name is looked up. */
static bool follows_from_a_track(const struct model *model, const struct field *field)
{
	for (size_t i = 0; field->task && i < model->field_count; i++)
		if (model->fields[i].track &&
			cJSON_HasObjectItem(model->example, model->fields[i].name))
			return true;
	return false;
}

static void test_missing(const struct model *model, const struct field *field)
{
	if (follows_from_a_track(model, field))
		return;
	cJSON *input = cJSON_Duplicate(model->example, true);
	char *text, sentence[256];
	int r;

	cJSON_DeleteItemFromObjectCaseSensitive(input, field->name);
	r = build_tree(model, input, &text);
	snprintf(sentence, sizeof(sentence), "%s is missing and required: give ", field->name);
	if (field->initial && r != 0)
		fail_msg("%s without %s, which has a default: %s", model->id, field->name, text);
	if (!field->initial && (r != -EINVAL || strncmp(text, sentence, strlen(sentence)) != 0))
		fail_msg("%s without %s: %s", model->id, field->name, text);
	free(text);
}

static bool takes_callback(const struct model *model)
{
	char *body = cJSON_PrintUnformatted(model->service->body);
	bool takes = strstr(body, "$callback") != NULL;

	cJSON_free(body);
	return takes;
}

/* The built-in catalogue and this checker agree on every model. */
static void every_model(void **state)
{
	struct catalogue *catalogue = NULL;
	struct error err = {0};

	assert_int_equal(catalogue_load(NULL, NULL, 0, &catalogue, &err), 0);
	assert_true(catalogue_count(catalogue) >= 169);
	for (size_t i = 0; i < catalogue_count(catalogue); i++) {
		const struct model *model = catalogue_at(catalogue, i);
		char *text;

		if (build_tree(model, cJSON_Duplicate(model->example, true), &text) != 0)
			fail_msg("%s: %s", model->id, text);
		assert_carried(model, text);
		free(text);
		/* A chat's body is its input: there is nothing beside it. */
		if (!model->service->chat) {
			if (build_tree(model, whole_body(model), &text) != 0)
				fail_msg("%s: %s", model->id, text);
			assert_carried(model, text);
			if (takes_callback(model))
				assert_non_null(strstr(text, "\":\"https://example.com/hook\""));
			free(text);
		}
		for (size_t j = 0; j < model->field_count; j++)
			if (model->fields[j].required)
				test_missing(model, &model->fields[j]);
	}
	catalogue_destroy(catalogue);
}

/* A prompt is enough, or what else is needed is named. */
static void every_prompt(void **state)
{
	struct catalogue *catalogue = NULL;
	size_t enough = 0;

	assert_int_equal(catalogue_load(NULL, NULL, 0, &catalogue, NULL), 0);
	for (size_t i = 0; i < catalogue_count(catalogue); i++) {
		const struct model *model = catalogue_at(catalogue, i);
		struct request request = {0};
		struct error err = {0};
		int r = request_build(
			model, REQUEST_PROMPT, "a red kite\n", 11, NULL, 0, NULL, &request, &err);

		if (r == 0)
			enough++;
		else if (!strstr(error_text(&err), "missing") &&
			 !strstr(error_text(&err), "takes no prompt"))
			fail_msg("%s: %s", model->id, error_text(&err));
		request_finish(&request);
		error_finish(&err);
	}
	assert_true(enough > 60);
	catalogue_destroy(catalogue);
}

/* How many more allocations of cJSON succeed. */
static size_t memory_left;

static void *scarce_malloc(size_t size)
{
	if (memory_left == 0)
		return NULL;
	memory_left--;
	return malloc(size);
}

/* Wherever memory ends, the answer is -ENOMEM, and nothing leaks (JSON that cannot be held in
 * memory looks damaged to cJSON). */
static void out_of_memory(void **state)
{
	static const char text[] =
		"{\"input\": \"{\\\"prompt\\\": \\\"x\\\"}\", \"n\": 2, \"seed\": \"5\", "
		"\"more\": [1], \"webhook_url\": \"https://h\"}";
	static const char defaults[] = "{\"dialogue\": [{\"text\": \"a\"}], \"duration\": 5}";
	cJSON_Hooks scarce = {scarce_malloc, free};
	int r = -ENOMEM;

	for (size_t memory = 0; r != 0; memory++) {
		struct request request = {0};

		assert_true(memory < 500);
		memory_left = memory;
		cJSON_InitHooks(&scarce);
		r = request_build(&full, REQUEST_JSON, text, sizeof(text) - 1, defaults,
			sizeof(defaults) - 1, NULL, &request, NULL);
		cJSON_InitHooks(NULL);
		assert_true(r == 0 || r == -ENOMEM || r == -EINVAL);
		request_finish(&request);
	}
	r = -ENOMEM;
	for (size_t memory = 0; r != 0; memory++) {
		struct request request = {0};

		assert_true(memory < 500);
		memory_left = memory;
		cJSON_InitHooks(&scarce);
		r = request_build(&slow, REQUEST_PROMPT, "x", 1, NULL, 0, NULL, &request, NULL);
		cJSON_InitHooks(NULL);
		assert_true(r == 0 || r == -ENOMEM);
		request_finish(&request);
	}
}

static void names(void **state)
{
	static const struct {
		const char *name;
		enum request_form form;
		size_t stem;
	} rows[] = {
		{"a.txt", REQUEST_PROMPT, 1},
		{"a.md", REQUEST_PROMPT, 1},
		{"a.prompt", REQUEST_PROMPT, 1},
		{"a.json", REQUEST_JSON, 1},
		{"A.TXT", REQUEST_PROMPT, 1},
		{"a.b.Json", REQUEST_JSON, 3},
		{"tmpabc.txt", REQUEST_PROMPT, 6},
		{"a b.txt", REQUEST_PROMPT, 3},
		{"\xc3\xa9.md", REQUEST_PROMPT, 2},
		{"a..txt", REQUEST_PROMPT, 2},
		{"a", REQUEST_NONE, 1},
		{"", REQUEST_NONE, 0},
		{"txt", REQUEST_NONE, 3},
		{".txt", REQUEST_NONE, 4},
		{".a.txt", REQUEST_NONE, 6},
		{"._a.txt", REQUEST_NONE, 7},
		{".goutputstream-ABC123", REQUEST_NONE, 21},
		{"README.md", REQUEST_NONE, 9},
		{"readme.MD", REQUEST_NONE, 9},
		{"schema.json", REQUEST_NONE, 11},
		{"example.json", REQUEST_NONE, 12},
		{"defaults.json", REQUEST_NONE, 13},
		{"a.txt~", REQUEST_NONE, 6},
		{"a.txt.swp", REQUEST_NONE, 9},
		{"a.txt.part", REQUEST_NONE, 10},
		{"a.txt.lock", REQUEST_NONE, 10},
		{"a.tmp", REQUEST_NONE, 5},
		{"4913", REQUEST_NONE, 4},
		{"sedAbC123", REQUEST_NONE, 9},
		{"tmpab12cd34", REQUEST_NONE, 11},
		{"Thumbs.db", REQUEST_NONE, 9},
		{"#a.txt#", REQUEST_NONE, 7},
		{"a.png", REQUEST_NONE, 1},
		{"a.b.WebP", REQUEST_NONE, 3},
		{".a.png", REQUEST_NONE, 6},
		{"a.status", REQUEST_NONE, 8},
		{"a.task", REQUEST_NONE, 6},
		{"a.txt ", REQUEST_NONE, 6},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (request_form(rows[i].name) != rows[i].form)
			fail_msg("form of %s", rows[i].name);
		if (request_stem_length(rows[i].name) != rows[i].stem)
			fail_msg("stem of %s", rows[i].name);
	}
}

static void blanks(void **state)
{
	assert_true(request_is_blank("", 0));
	assert_true(request_is_blank(NULL, 0));
	assert_true(request_is_blank(" \t\r\n\v\f", 6));
	assert_true(request_is_blank("\xef\xbb\xbf\n", 4));
	assert_false(request_is_blank("a", 1));
	assert_true(request_is_blank("\0\0 \0\n", 5));
	assert_false(request_is_blank("\0a", 2));
	assert_false(request_is_blank("\xef\xbb", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts),
		cmocka_unit_test(refuses),
		cmocka_unit_test(warns),
		cmocka_unit_test(sizes),
		cmocka_unit_test(many_faults),
		cmocka_unit_test(prices),
		cmocka_unit_test(every_model),
		cmocka_unit_test(every_prompt),
		cmocka_unit_test(out_of_memory),
		cmocka_unit_test(names),
		cmocka_unit_test(blanks),
	};

	return cmocka_run_group_tests(tests, make_models, free_models);
}
