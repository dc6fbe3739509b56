/* The catalogue: the built-in one is whole, files extend and replace it, bad files are refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kiefs/catalogue.h"
#include "kiefs/error.h"
#include "model_ids.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct catalogue *load(void)
{
	struct catalogue *catalogue = NULL;
	struct error err = {0};

	if (catalogue_load(NULL, NULL, 0, &catalogue, &err) < 0)
		fail_msg("%s", error_text(&err));
	return catalogue;
}

static void test_builtin_holds_every_model(void **state)
{
	struct catalogue *catalogue = load();

	assert_true(catalogue_count(catalogue) >= COUNT(model_ids) + COUNT(dedicated_ids));
	for (size_t i = 0; i < COUNT(model_ids); i++) {
		const struct model *model = catalogue_find(catalogue, model_ids[i]);
		assert_non_null(model);
		assert_string_equal(model->id, model_ids[i]);
		assert_string_equal(model->service->name, "jobs");
		assert_true(model->field_count > 0);
		assert_non_null(model->example);
		assert_true(!model->retired || model->note);
	}
	for (size_t i = 0; i < COUNT(dedicated_ids); i++)
		assert_non_null(catalogue_find(catalogue, dedicated_ids[i]));
	for (size_t i = 1; i < catalogue_count(catalogue); i++)
		assert_true(strcmp(catalogue_at(catalogue, i - 1)->id,
				    catalogue_at(catalogue, i)->id) < 0);
	assert_null(catalogue_find(catalogue, "no/such"));
	catalogue_destroy(catalogue);
}

/* A file of the given text, removed by drop_file(). */
static char *make_file(const char *text)
{
	char *path = strdup("/tmp/kiefs-catalogue-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

static void drop_file(char *path)
{
	unlink(path);
	free(path);
}

#define SUBMIT "\"submit\":{\"method\":\"POST\",\"path\":\"/go\",\"body\":{\"q\":\"$input\"}}"
#define RESULTS "\"results\":[{\"path\":\"out.file\",\"kind\":\"image\"}]"
#define SERVICE(parts) "{\"form\":1,\"services\":{\"acme\":{\"host\":\"api\"," parts "}}}"
#define UPLOAD(parts)                                                                              \
	"{\"form\":1,\"uploads\":{\"up\":{\"host\":\"upload\",\"path\":\"/up\"," parts "}}}"
#define HEAD "\"title\":\"T\",\"category\":\"image\",\"output\":\"image\",\"service\":\"jobs\""
#define MODEL(id, parts) "{\"form\":1,\"models\":{\"" id "\":{" HEAD "," parts "}}}"
#define FIELD(parts) MODEL("a/b", "\"fields\":{\"f\":{" parts "}},\"example\":{}")
#define TEXT "\"fields\":{\"p\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\",\"max\":4}}"
#define PRICE(parts) MODEL("a", TEXT ",\"example\":{},\"price\":{" parts "}")

/* The text of a file, and what its error must say. */
static const struct {
	const char *text, *want[3];
} bad[] = {
	{"", {"Not JSON"}},
	{"{\"form\":1,}", {"line 1, column"}},
	{"[]", {"must be an object"}},
	{"{}", {"\"form\" is missing"}},
	{"{\"form\":2}", {"\"form\" is 2", "reads form 1"}},
	{"{\"form\":1,\"model\":{}}", {"\"model\" is not known", "services, uploads, models"}},
	{"{\"form\":1,\"models\":[]}", {"\"models\" must be an object"}},
	{"{\"form\":1,\"values\":{\"x\":3}}", {"\"x\" must be an array"}},
	{"{\"form\":1,\"models\":{\"a\":{},\"a\":{}}}", {"\"a\" stands twice"}},
	/* Uploads. */
	{UPLOAD("\"address\":[\"a\"],\"hours\":1"), {"upload \"up\"", "\"parts\" or \"body\""}},
	{UPLOAD("\"address\":[\"a\"],\"hours\":1,\"parts\":{\"f\":\"x\"}"), {"stands in it once"}},
	{UPLOAD("\"address\":[\"a\"],\"hours\":1,\"parts\":{\"f\":\"$url\"}"), {"parts", "$file"}},
	{UPLOAD("\"address\":[\"a\"],\"hours\":1,\"body\":{\"f\":7}"), {"must be a text"}},
	{UPLOAD("\"address\":[\"a..b\"],\"hours\":1,\"body\":{\"f\":\"$url\"}"),
		{"\"a..b\" is not a path"}},
	{UPLOAD("\"address\":[\"a\"],\"hours\":0,\"body\":{\"f\":\"$url\"}"),
		{"\"hours\" must be more"}},
	{UPLOAD("\"address\":[\"a\"],\"body\":{\"f\":\"$url\"}"), {"\"hours\" is missing"}},
	/* Services. */
	{SERVICE(SUBMIT), {"service \"acme\"", "\"results\" is missing"}},
	{SERVICE(SUBMIT "," RESULTS ",\"pol\":{}"), {"\"pol\" is not known", "poll"}},
	{SERVICE(SUBMIT ",\"results\":[]"), {"at least one result"}},
	{SERVICE(SUBMIT ",\"results\":[{\"path\":\"a..b\",\"kind\":\"image\"}]"),
		{"\"a..b\" is not a path"}},
	{SERVICE(SUBMIT ",\"results\":[{\"path\":\"a[0]\",\"kind\":\"image\"}]"),
		{"\"a[0]\" is not a path"}},
	{SERVICE(SUBMIT ",\"results\":[{\"path\":\"a\",\"kind\":\"picture\"}]"),
		{"\"kind\" is \"picture\"", "media, image, video"}},
	{SERVICE(SUBMIT ",\"results\":[{\"path\":\"a\",\"kind\":\"text\",\"name\":\"../x\"}]"),
		{"\"name\" is \"../x\""}},
	{SERVICE(SUBMIT "," RESULTS ",\"like\":\"nobody\""),
		{"\"like\" is \"nobody\"", "before this one"}},
	{SERVICE(SUBMIT ",\"results\":[{\"path\":[],\"kind\":\"text\"}]"),
		{"a path or an array of paths"}},
	{SERVICE(SUBMIT ",\"results\":[{\"path\":[\"a\",\"b..c\"],\"kind\":\"text\"}]"),
		{"\"b..c\" is not a path"}},
	{SERVICE(SUBMIT ",\"results\":[{\"path\":\"a\",\"each\":[{\"path\":\"b\",\"kind\":"
			"\"text\"}]}]"),
		{"\"path\" is \"a\"", "ends in \"[]\""}},
	{SERVICE(SUBMIT ",\"results\":[{\"path\":\"a[]\",\"each\":[]}]"),
		{"\"each\" holds 1 to 10"}},
	{SERVICE(SUBMIT ",\"results\":[{\"path\":\"a[]\",\"each\":[{\"path\":\"b\",\"kind\":"
			"\"song\"}]}]"),
		{"key \"each\"", "\"kind\" is \"song\""}},
	{SERVICE(SUBMIT ",\"results\":[{\"path\":\"a[]\",\"kind\":\"text\",\"each\":[{}]}]"),
		{"\"kind\" is not known"}},
	{SERVICE(SUBMIT "," RESULTS ",\"answer\":{\"messages\":[{\"text\":\"x\"}]}"),
		{"key \"messages\"", "\"class\" is missing"}},
	{SERVICE(SUBMIT "," RESULTS
			",\"answer\":{\"messages\":[{\"text\":\"x\",\"class\":\"y\"}]}"),
		{"\"class\" is \"y\"", "ok, running, later"}},
	{SERVICE("\"submit\":{\"method\":\"POST\",\"path\":\"/\",\"body\":{},\"callback\":\"must\"}"
		 "," RESULTS),
		{"\"callback\" is \"must\"", "optional, required"}},
	{SERVICE("\"submit\":{\"method\":\"POST\",\"path\":\"/\",\"body\":{},\"retry_s\":-1}"
		 "," RESULTS),
		{"\"retry_s\" is a number of seconds"}},
	{SERVICE(SUBMIT "," RESULTS
			",\"poll\":{\"method\":\"GET\",\"path\":\"/q/{task}\",\"repeat\":true}"),
		{"\"repeat\""}},
	{SERVICE(SUBMIT "," RESULTS
			",\"poll\":{\"method\":\"GET\",\"path\":\"/q/{task}\",\"state\":\"s\"}"),
		{"\"state\" and \"states\" belong together"}},
	{SERVICE(SUBMIT "," RESULTS ",\"answer\":{\"classes\":{\"402\":\"broke\"}}"),
		{"\"broke\"", "credits"}},
	{SERVICE(SUBMIT "," RESULTS ",\"answer\":{\"classes\":{\"x\":\"auth\"}}"),
		{"\"x\" is not a code"}},
	{SERVICE(SUBMIT
		 "," RESULTS
		 ",\"poll\":{\"method\":\"GET\",\"path\":\"/q\",\"state\":\"s\",\"states\":{}}"),
		{"{task}", "\"query\""}},
	{SERVICE(SUBMIT
		 "," RESULTS
		 ",\"poll\":{\"method\":\"GET\",\"path\":\"/q/{task}\",\"state\":\"s\",\"states\":{"
		 "\"ok\":\"done\"}}"),
		{"\"states\" is \"done\"", "running, success, fail, ended"}},
	{SERVICE(SUBMIT
		 "," RESULTS
		 ",\"poll\":{\"method\":\"GET\",\"path\":\"/q/{task}\",\"state\":\"s\",\"states\":{"
		 "}}"),
		{"needs \"task_id\""}},
	{SERVICE("\"submit\":{\"method\":\"PUT\",\"path\":\"/\",\"body\":{}}," RESULTS),
		{"\"method\" is \"PUT\"", "GET, POST"}},
	{SERVICE("\"submit\":{\"method\":\"GET\",\"path\":\"go\",\"body\":{}}," RESULTS),
		{"starts with \"/\""}},
	{SERVICE("\"submit\":{\"method\":\"GET\",\"path\":\"/"
		 "\",\"body\":{\"a\":\"$inputs\"}}," RESULTS),
		{"\"$inputs\"", "$model, $input, $callback"}},
	{"{\"form\":1,\"services\":{\"a\":{\"host\":\"www\"," SUBMIT "," RESULTS "}}}",
		{"\"host\" is \"www\"", "api, upload"}},
	/* Ids. */
	{MODEL("a/../b", TEXT), {"a/../b", "starts with a dot"}},
	{MODEL(".a", TEXT), {"starts with a dot"}},
	{MODEL("/a", TEXT), {"no empty part"}},
	{MODEL("a//b", TEXT), {"no empty part"}},
	{MODEL("a/", TEXT), {"no empty part"}},
	{MODEL("", TEXT), {"1 to 200 characters"}},
	{MODEL("a b", TEXT), {"letters, digits"}},
	/* Models. */
	{MODEL("a", TEXT), {"model \"a\"", "\"example\" is missing"}},
	{MODEL("a", TEXT ",\"exampel\":{}"), {"\"exampel\" is not known", "example"}},
	{MODEL("a", TEXT ",\"example\":{},\"retired\":1"), {"\"retired\" must be true or false"}},
	{MODEL("a", TEXT ",\"example\":{\"q\":1}"), {"key \"example\"", "no field \"q\""}},
	{MODEL("a", TEXT ",\"example\":{\"p\":1}"), {"field \"p\"", "type string"}},
	{MODEL("a", TEXT ",\"example\":{\"n\":1.5}"), {"type integer"}},
	{MODEL("a", TEXT ",\"example\":{\"n\":5}"), {"5 is above \"max\", 4"}},
	{MODEL("a", TEXT ",\"example\":{},\"any_of\":[[\"p\"],[\"n\"]]"), {"any_of"}},
	{MODEL("a", TEXT ",\"example\":{\"p\":\"\",\"n\":1},\"one_of\":[[\"p\"],[\"n\"]]"),
		{"one_of"}},
	{MODEL("a", TEXT ",\"example\":{},\"any_of\":[[\"x\"]]"), {"\"any_of\" names \"x\""}},
	{MODEL("a", TEXT ",\"example\":{},\"one_of\":[\"p\"]"), {"array of arrays"}},
	{MODEL("a", TEXT ",\"example\":{},\"prompt\":{\"p\":\"x\"}"), {"must hold \"$prompt\""}},
	{MODEL("a", TEXT ",\"example\":{},\"prompt\":{\"x\":\"$prompt\"}"),
		{"\"prompt\" names \"x\""}},
	{MODEL("a", "\"fields\":{\"p\":{\"type\":\"string\",\"required\":true}},\"example\":{}"),
		{"required field \"p\" is missing"}},
	{"{\"form\":1,\"models\":{\"a\":{\"title\":\"T\",\"category\":\"pics\",\"output\":"
	 "\"image\","
	 "\"service\":\"jobs\"," TEXT ",\"example\":{}}}}",
		{"\"category\" is \"pics\"", "image, video, audio, chat, other"}},
	{"{\"form\":1,\"models\":{\"a\":{\"title\":\"T\",\"category\":\"image\",\"output\":"
	 "\"image\","
	 "\"service\":\"jobz\"," TEXT ",\"example\":{}}}}",
		{"model \"a\"", "\"service\" is \"jobz\""}},
	/* Fields. */
	{FIELD("\"typ\":\"string\""), {"field \"f\"", "\"typ\" is not known"}},
	{FIELD("\"type\":\"text\""), {"\"type\" is \"text\"", "string, integer, number"}},
	{FIELD("\"type\":\"string\",\"also_types\":[\"int\"]"), {"\"also_types\" is \"int\""}},
	{FIELD("\"type\":\"string\",\"media\":\"picture\""),
		{"\"media\" is \"picture\"", "image, video, audio, file"}},
	{FIELD("\"type\":\"string\",\"pattern\":\"(a\""), {"not a POSIX extended regular"}},
	{FIELD("\"type\":\"string\",\"min\":1"), {"\"min, max, step\" does not belong"}},
	{FIELD("\"type\":\"integer\",\"max_length\":1"), {"does not belong"}},
	{FIELD("\"type\":\"string\",\"accept\":[\"image/png\"]"), {"does not belong"}},
	{FIELD("\"type\":\"string\",\"media\":\"image\",\"max_total_mb\":1"),
		{"\"max_total_mb\" does not belong"}},
	{FIELD("\"type\":\"array\",\"items\":{\"type\":\"string\"},\"max_total_mb\":1"),
		{"\"max_total_mb\" does not belong"}},
	{FIELD("\"type\":\"string\",\"max_length\":-1"), {"\"max_length\" must be a whole number"}},
	{FIELD("\"type\":\"number\",\"min\":2,\"max\":1"), {"minimum is above"}},
	{FIELD("\"type\":\"array\""), {"an array needs \"items\""}},
	{FIELD("\"type\":\"object\""), {"an object needs \"members\""}},
	{FIELD("\"type\":\"array\",\"items\":{\"type\":\"strin\"}"),
		{"key \"items\"", "\"strin\""}},
	{FIELD("\"type\":\"string\",\"values\":\"shapes\""), {"the list \"shapes\""}},
	{FIELD("\"type\":\"string\",\"values\":[]"), {"at least one value"}},
	{FIELD("\"type\":\"string\",\"values\":[1]"), {"type string"}},
	{FIELD("\"type\":\"string\",\"values\":[\"a\"],\"default\":\"b\""),
		{"key \"default\"", "not one of \"values\""}},
	{FIELD("\"type\":\"boolean\",\"default\":\"true\""), {"type boolean"}},
	{FIELD("\"type\":\"string\",\"numeric\":true,\"default\":\"x\""), {"spell a number"}},
	{FIELD("\"type\":\"string\",\"only_when\":{\"g\":[1]}"),
		{"\"only_when\"", "\"g\", and there is no such field"}},
	{FIELD("\"type\":\"string\",\"only_when\":{\"f\":1}"),
		{"\"only_when\"", "must be of type string"}},
	/* Conditions and checks. */
	{FIELD("\"type\":\"string\",\"required_when\":\"f\""),
		{"key \"required_when\"", "must be an object"}},
	{FIELD("\"type\":\"string\",\"only_when\":{}"), {"must be an object"}},
	{FIELD("\"type\":\"string\",\"only_when\":[\"f\"]"), {"every element must be an object"}},
	{FIELD("\"type\":\"string\",\"unused_when\":{\"f\":[]}"), {"a value or an array"}},
	{FIELD("\"type\":\"string\",\"unused_when\":{\"f\":{}}"), {"an empty test"}},
	{FIELD("\"type\":\"string\",\"only_when\":{\"f\":{\"is\":\"x\"}}"),
		{"the key \"is\" is not known", "min_items"}},
	{FIELD("\"type\":\"string\",\"values\":[\"a\"],\"only_when\":{\"f\":\"b\"}"),
		{"not one of \"values\""}},
	{FIELD("\"type\":\"string\",\"limits\":[{\"max_length\":3}]"), {"\"when\" is missing"}},
	{FIELD("\"type\":\"string\",\"limits\":[{\"when\":{\"f\":\"a\"},\"max_items\":3}]"),
		{"\"min_items, max_items, max_text\" does not belong"}},
	{FIELD("\"type\":\"string\",\"limits\":[{\"when\":{\"f\":\"a\"},\"values\":[\"a\"],"
	       "\"default\":\"b\"}]"),
		{"key \"limits\"", "not one of \"values\""}},
	{FIELD("\"type\":\"string\",\"limits\":[{\"when\":{\"g\":\"a\"},\"max_length\":3}]"),
		{"\"g\", and there is no such field"}},
	{MODEL("a", TEXT ",\"example\":{},\"checks\":[{}]"), {"one of these keys is needed"}},
	{MODEL("a", TEXT
		 ",\"example\":{},\"checks\":[{\"unique\":\"p\",\"listed\":\"p\",\"in\":\"p\"}]"),
		{"one of these keys is needed"}},
	{MODEL("a", TEXT ",\"example\":{},\"checks\":[{\"at_most_one\":[\"p\"]}]"),
		{"array of arrays"}},
	{MODEL("a", TEXT ",\"example\":{},\"checks\":[{\"all_or_none\":[\"p\",\"x\"]}]"),
		{"\"all_or_none\" names \"x\""}},
	{MODEL("a", TEXT ",\"example\":{},\"checks\":[{\"sum\":{\"p\":1}}]"),
		{"\"sum\" needs fields, and \"min\" or \"max\""}},
	{MODEL("a", TEXT ",\"example\":{},\"checks\":[{\"sum\":{\"p\":\"1\"},\"max\":3}]"),
		{"must give a factor"}},
	{MODEL("a", TEXT ",\"example\":{},\"checks\":[{\"count\":{\"p\":1},\"max\":\"x\"}]"),
		{"must be a number or a field's name"}},
	{MODEL("a", TEXT ",\"example\":{},\"checks\":[{\"listed\":\"p[].a\"}]"),
		{"\"listed\" needs \"in\""}},
	{MODEL("a", TEXT ",\"example\":{},\"checks\":[{\"unique\":\"x[].a\"}]"),
		{"\"unique\" names \"x[].a\""}},
	{MODEL("a", TEXT ",\"example\":{},\"checks\":[{\"unique\":\"p\",\"when\":{\"x\":1}}]"),
		{"key \"checks\"", "\"x\", and there is no such field"}},
	/* Prices and results of a model. */
	{PRICE("\"table\":[]"), {"key \"price\"", "\"unit\" is missing"}},
	{PRICE("\"unit\":\"image\",\"table\":[{}]"), {"\"credits\" is missing"}},
	{PRICE("\"unit\":\"image\",\"table\":[{\"credits\":-1}]"), {"cannot be negative"}},
	{PRICE("\"unit\":\"image\",\"table\":[{\"when\":{\"x\":1},\"credits\":1}]"),
		{"key \"when\": this names \"x\""}},
	{PRICE("\"unit\":\"image\",\"table\":[],\"count\":\"x\""), {"\"count\" names \"x\""}},
	{PRICE("\"unit\":\"image\",\"table\":[],\"count\":0"), {"above 0"}},
	{PRICE("\"unit\":\"image\",\"table\":[],\"per\":9"), {"go together"}},
	{PRICE("\"unit\":\"image\",\"table\":[],\"extra\":{\"field\":\"x\",\"credits\":1}"),
		{"\"extra\" names \"x\""}},
	{MODEL("a", TEXT ",\"example\":{},\"results\":[{\"path\":\"x\"}]"),
		{"key \"results\"", "\"kind\" is missing"}},
};

static void test_bad_files_are_refused(void **state)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct catalogue *catalogue = NULL;
		struct error err = {0};
		char *path = make_file(bad[i].text);
		const char *const extra[] = {path};

		assert_int_equal(catalogue_load(NULL, extra, 1, &catalogue, &err), -EINVAL);
		assert_null(catalogue);
		if (strncmp(error_text(&err), path, strlen(path)) != 0)
			fail_msg("%s: no file named: %s", bad[i].text, error_text(&err));
		for (size_t j = 0; j < COUNT(bad[i].want) && bad[i].want[j]; j++)
			if (!strstr(error_text(&err), bad[i].want[j]))
				fail_msg("%s: no \"%s\" in: %s", bad[i].text, bad[i].want[j],
					error_text(&err));
		error_finish(&err);
		drop_file(path);
	}
}

static void test_missing_file(void **state)
{
	const char *const extra[] = {"/nonexistent/catalogue.json"};
	struct catalogue *catalogue = NULL;
	struct error err = {0};

	assert_int_equal(catalogue_load(NULL, extra, 1, &catalogue, &err), -ENOENT);
	assert_non_null(strstr(error_text(&err), extra[0]));
	error_finish(&err);
	assert_int_equal(catalogue_load("/tmp", NULL, 0, &catalogue, &err), -EINVAL);
	error_finish(&err);
	assert_null(catalogue);
}

static const char invented[] =
	"{\"form\":1,\"about\":\"An invented service.\","
	"\"values\":{\"shapes\":[\"round\",\"square\"]},"
	"\"services\":{\"acme\":{\"host\":\"api\","
	"\"submit\":{\"method\":\"POST\",\"path\":\"/acme/v2/paint\","
	"\"body\":{\"kind\":\"$model\",\"order\":\"$input\",\"tell\":\"$callback\"},"
	"\"task_id\":[\"job.number\"]},"
	"\"answer\":{\"code\":\"status.code\",\"success\":0,\"message\":[\"status.text\"],"
	"\"classes\":{\"7\":\"credits\",\"-3\":\"rate\"}},"
	"\"poll\":{\"method\":\"GET\",\"path\":\"/acme/v2/job/{task}\",\"state\":\"job.phase\","
	"\"states\":{\"drying\":\"running\",\"hung\":\"success\",\"torn\":\"fail\"},"
	"\"progress\":\"job.percent\",\"fail_code\":\"job.why.code\","
	"\"fail_message\":[\"job.why.text\"],\"credits\":[\"job.paid\"]},"
	"\"results\":[{\"path\":\"job.wall[].picture\",\"kind\":\"image\"},"
	"{\"path\":\"job.frame>color\",\"kind\":\"text\",\"name\":\"frame\",\"optional\":true}]}},"
	"\"models\":{\"acme/painter\":{\"title\":\"Painter\",\"category\":\"image\","
	"\"output\":\"image\",\"service\":\"acme\",\"prompt\":{\"motif\":\"$prompt\"},"
	"\"fields\":{\"motif\":{\"type\":\"string\",\"required\":true,\"max_length\":9},"
	"\"shape\":{\"type\":\"string\",\"values\":\"shapes\",\"also\":[\"oval\"]},"
	"\"dots\":{\"type\":\"array\",\"max_items\":2,\"items\":{\"type\":\"object\","
	"\"members\":{\"x\":{\"type\":\"integer\",\"required\":true,\"min\":0}}}}},"
	"\"example\":{\"motif\":\"a kite\",\"shape\":\"oval\",\"dots\":[{\"x\":1}]}},"
	"\"z-image\":{\"title\":\"Mine\",\"category\":\"other\",\"output\":\"json\","
	"\"service\":\"jobs\",\"fields\":{},\"example\":{}}}}";

static void check_acme(const struct service *service)
{
	assert_string_equal(service->name, "acme");
	assert_string_equal(service->submit_path, "/acme/v2/paint");
	assert_string_equal(service->code_path, "status.code");
	assert_true(service->success_code == 0);
	assert_string_equal(cJSON_GetObjectItem(service->classes, "-3")->valuestring, "rate");
	assert_string_equal(service->task_id->child->valuestring, "job.number");
	assert_string_equal(service->poll_path, "/acme/v2/job/{task}");
	assert_null(service->poll_query);
	assert_string_equal(service->state_path, "job.phase");
	assert_string_equal(cJSON_GetObjectItem(service->states, "hung")->valuestring, "success");
	assert_int_equal(cJSON_GetArraySize(service->results), 2);
}

static void test_invented_service_by_a_file(void **state)
{
	char *path = make_file(invented);
	const char *const extra[] = {path};
	struct catalogue *catalogue = NULL;
	struct error err = {0};

	if (catalogue_load(NULL, extra, 1, &catalogue, &err) < 0)
		fail_msg("%s", error_text(&err));
	assert_true(catalogue_count(catalogue) > COUNT(model_ids));
	const struct model *model = catalogue_find(catalogue, "acme/painter");
	assert_non_null(model);
	check_acme(model->service);
	const struct field *shape = model_field(model, "shape");
	assert_string_equal(shape->values->child->valuestring, "round");
	const struct field *dots = model_field(model, "dots");
	assert_int_equal(dots->item->members[0].type, FIELD_INTEGER);
	assert_null(model_field(model, "x"));
	model = catalogue_find(catalogue, "z-image");
	assert_string_equal(model->title, "Mine");
	assert_string_equal(model->service->name, "jobs");
	catalogue_destroy(catalogue);

	/* In place of the built-in one it lacks the service that z-image names. */
	assert_int_equal(catalogue_load(path, NULL, 0, &catalogue, &err), -EINVAL);
	assert_non_null(strstr(error_text(&err), "\"jobs\""));
	error_finish(&err);
	drop_file(path);
}

static void test_later_service_replaces(void **state)
{
	char *path = make_file("{\"form\":1,\"services\":{\"jobs\":{\"host\":\"upload\"," SUBMIT
			       "," RESULTS "}}}");
	const char *const extra[] = {path};
	struct catalogue *catalogue = NULL;
	struct error err = {0};

	if (catalogue_load(NULL, extra, 1, &catalogue, &err) < 0)
		fail_msg("%s", error_text(&err));
	const struct model *model = catalogue_find(catalogue, "z-image");
	assert_string_equal(model->service->host, "upload");
	assert_null(model->service->poll_path);
	catalogue_destroy(catalogue);
	drop_file(path);
}

static void test_fields_keep_what_the_facts_give(void **state)
{
	struct catalogue *catalogue = load();
	const struct field *field;

	field = model_field(catalogue_find(catalogue, "wan/2-7-image"), "bbox_list");
	assert_int_equal(field->item->type, FIELD_ARRAY);
	assert_int_equal(field->item->item->min_items, 4);
	assert_int_equal(field->item->item->item->type, FIELD_INTEGER);
	field = model_field(
		catalogue_find(catalogue, "bytedance/seedance-2"), "reference_image_urls");
	assert_int_equal(field_media(field), MEDIA_IMAGE);
	assert_string_equal(field->item->scheme, "asset://");
	assert_int_equal(field->max_items, 9);
	field = model_field(catalogue_find(catalogue, "kling-3.0/video"), "multi_prompt");
	assert_false(field->required);
	field = model_field(catalogue_find(catalogue, "grok-imagine/text-to-video"), "duration");
	assert_int_equal(field->also_types, 1u << FIELD_STRING);
	field = model_field(catalogue_find(catalogue, "bytedance/seedance-2-5"), "duration");
	assert_int_equal(field->also->child->valueint, -1);
	field = model_field(
		catalogue_find(catalogue, "elevenlabs/text-to-speech-turbo-2-5"), "voice");
	assert_int_equal(cJSON_GetArraySize(field->values), 67);
	assert_string_equal(field->also->child->valuestring, "Rachel");
	field = model_field(catalogue_find(catalogue, "happyhorse/image-to-video"), "image_urls");
	assert_non_null(field);
	catalogue_destroy(catalogue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_builtin_holds_every_model),
		cmocka_unit_test(test_bad_files_are_refused),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_invented_service_by_a_file),
		cmocka_unit_test(test_later_service_replaces),
		cmocka_unit_test(test_fields_keep_what_the_facts_give),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
