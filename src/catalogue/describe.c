#include "kiefs/describe.h"

#include <string.h>

#include "check.h"
#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/price.h"
#include "kiefs/show.h"
#include "words.h"

/* Longer lists are cut in the README; schema.json has all of them. */
#define VALUES_SHOWN 12

struct output_words {
	const char *output, *thing, *extension;
};

static const struct output_words outputs[] = {
	{"image", "a picture", "png"},
	{"video", "a video", "mp4"},
	{"audio", "a sound file", "mp3"},
	{"text", "a text", "txt"},
	{"json", "a JSON document", "json"},
};

static const struct output_words *output_words(const struct model *model)
{
	for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++)
		if (strcmp(outputs[i].output, model->output) == 0)
			return &outputs[i];
	return &outputs[0];
}

static const char *const kind_words[] = {
	[MEDIA_NONE] = "a text",
	[MEDIA_IMAGE] = "a picture",
	[MEDIA_VIDEO] = "a video",
	[MEDIA_AUDIO] = "a sound file",
	[MEDIA_FILE] = "a file",
};

static void add_list(const char *const *words, size_t count, struct buf *out)
{
	for (size_t i = 0; i < count; i++)
		buf_addf(out, "%s%s", i == 0 ? "" : i + 1 == count ? " and " : ", ", words[i]);
}

/* " from a prompt and a picture and, if you like, a sound file" */
static void add_sources(const struct model *model, struct buf *out)
{
	const char *needed[1 + MEDIA_FILE], *more[MEDIA_FILE];
	size_t needed_count = 0, more_count = 0;

	if (model->prompt)
		needed[needed_count++] = "a prompt";
	for (int i = MEDIA_IMAGE; i <= MEDIA_FILE; i++) {
		enum media_kind kind = (enum media_kind)i;

		if (model_takes_media(model, kind, true))
			needed[needed_count++] = kind_words[kind];
		else if (model_takes_media(model, kind, false))
			more[more_count++] = kind_words[kind];
	}
	if (needed_count + more_count == 0)
		return;
	buf_adds(out, " from ");
	add_list(needed, needed_count, out);
	if (needed_count && more_count)
		buf_adds(out, " and, if you like, ");
	add_list(more, more_count, out);
}

static void add_head(const struct model *model, struct buf *out)
{
	buf_addf(out, "# %s\n\n", model->title);
	if (model->retired)
		buf_addf(out, "**Retired.** %s\n\n",
			model->note ? model->note : "The service no longer offers this model.");
	buf_addf(out, "`%s`", model->id);
	if (model->provider)
		buf_addf(out, ", by %s,", model->provider);
	buf_addf(out, " makes %s", output_words(model)->thing);
	if (model->multiple)
		buf_adds(out, " (or several)");
	add_sources(model, out);
	buf_adds(out, ".");
	if (model->as_of)
		buf_addf(out, " What is said here is as of %s.", model->as_of);
	buf_adds(out, "\n");
	if (!model->retired && model->note)
		buf_addf(out, "\n%s\n", model->note);
}

/* Names of fields that a bare prompt leaves open, and nothing else fills: no file beside it. */
static size_t add_missing(const struct model *model, struct buf *out)
{
	size_t count = 0;

	for (size_t i = 0; i < model->field_count; i++) {
		const struct field *field = &model->fields[i];
		if (!field->required || field->initial || field_media(field) != MEDIA_NONE ||
			cJSON_GetObjectItemCaseSensitive(model->prompt, field->name))
			continue;
		buf_addf(out, "%s`%s`", count++ ? ", " : "", field->name);
	}
	return count;
}

/* What must be chosen, and is chosen for a bare prompt. */
static void add_chosen(const struct model *model, struct buf *out)
{
	char shown[SHOWN_SIZE];
	size_t count = 0;

	for (size_t i = 0; i < model->field_count; i++) {
		const struct field *field = &model->fields[i];
		const cJSON *value = cJSON_GetObjectItemCaseSensitive(model->prompt, field->name);

		if (!field->required || field->initial || !value || cJSON_IsArray(value) ||
			cJSON_IsObject(value) ||
			(cJSON_IsString(value) && strcmp(value->valuestring, "$prompt") == 0))
			continue;
		buf_addf(out, "%s`%s` %s", count++ ? ", " : " Sent along: ", field->name,
			show_value(value, shown));
	}
	if (count > 0)
		buf_adds(out, "; to choose otherwise write JSON, or put the value into "
			      "`defaults.json`.");
}

static void add_prompt_command(const struct model *model, struct buf *out)
{
	struct buf missing;

	if (!model->prompt)
		return;
	buf_init(&missing, out->max);
	size_t count = add_missing(model, &missing);
	const char *them = count > 1 ? "them" : "it";
	buf_addf(out,
		"Write a prompt:\n\n    echo '%s' > first.txt\n\n"
		"or copy one that you have: `cp ~/prompt.txt first.txt`.",
		model->service->chat ? "Why does a kite stay up in the air?"
				     : "A red kite over a green hill at noon.");
	if (count > 0 && missing.data)
		buf_addf(out,
			" A prompt alone is not enough here: %s %s needed too. Write JSON (below), "
			"or "
			"put %s into `defaults.json` once, and every prompt in this directory uses "
			"%s.",
			missing.data, count > 1 ? "are" : "is", them, them);
	else if (!words_beside(model) && !sets_met(model, model->prompt))
		buf_adds(out, " A prompt alone is not enough here: see the rules below for what "
			      "goes with it. Write JSON, or put that into `defaults.json`.");
	if (words_beside(model))
		buf_adds(out, " The file that goes with it lies beside it: see Files below.");
	add_chosen(model, out);
	buf_adds(out, "\n\n");
	buf_finish(&missing);
}

/* Whether it holds addresses or ids of nothing. */
static bool example_is_made_up(const struct model *model)
{
	for (size_t i = 0; i < model->field_count; i++) {
		const struct field *field = &model->fields[i];

		if ((field_media(field) != MEDIA_NONE || field->task || field->track) &&
			cJSON_HasObjectItem(model->example, field->name))
			return true;
	}
	return false;
}

static const char *result_extension(const struct model *model)
{
	return model->service && model->service->chat ? "md" : output_words(model)->extension;
}

static void add_commands(const struct model *model, struct buf *out)
{
	const char *extension = result_extension(model);
	const char *stem = model->prompt ? "first" : "second";

	buf_adds(out, "\n## Try it\n\n");
	add_prompt_command(model, out);
	words_alone(model, extension, out);
	if (example_is_made_up(model))
		buf_adds(out,
			"Write JSON; the addresses and ids in `example.json` are made up, so put "
			"the names of your files and requests, or addresses and ids of your own, "
			"in their place first:\n\n"
			"    cp example.json ~/second.json\n"
			"    ${EDITOR:-vi} ~/second.json\n"
			"    cp ~/second.json .\n\n");
	else
		buf_adds(out, "Write JSON:\n\n    cp example.json second.json\n\n");
	buf_addf(out,
		"Wait until it is done:\n\n    cat %s.wait\n\n"
		"The result appears beside the request, as `%s.%s` or with the extension of what "
		"the "
		"model made",
		stem, stem, extension);
	if (model->multiple)
		buf_addf(out, "; several are `%s-1.%s`, `%s-2.%s` and so on", stem, extension, stem,
			extension);
	buf_addf(out,
		". While it runs, `%s.status` says how far it is. If it fails, `%s.error` says why "
		"and what to do.\n",
		stem, stem);
	if (!model->service || !model->service->chat)
		return;
	buf_adds(out, "\nTalk, in a folder of its own, turn by turn:\n\n"
		      "    mkdir talk\n"
		      "    echo 'Hello.' > talk/prompt\n"
		      "    cat talk/prompt.wait talk/reply\n");
	if (cJSON_GetObjectItemCaseSensitive(model->service->chat, "image"))
		buf_addf(out,
			"\nPictures go along: put `%s.png` here before `%s.txt`, or any picture "
			"into "
			"the folder before a turn. In JSON, give names or addresses: `{\"prompt\": "
			"\"...\", \"images\": [\"cat.png\"]}`.\n",
			stem, stem);
}

static void add_cell(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			buf_adds(out, "\\|");
		else
			buf_add(out, *text == '\n' ? " " : text, 1);
	}
}

static void add_values(const struct field *field, struct buf *out)
{
	int count = cJSON_GetArraySize(field->values), shown = 0;

	for (const cJSON *i = field->values->child; i; i = i->next) {
		if (count > VALUES_SHOWN + 2 && shown == VALUES_SHOWN) {
			buf_addf(out, " and %d more, see `schema.json`", count - shown);
			return;
		}
		buf_adds(out, shown++ ? ", " : "");
		words_value(i, out);
	}
}

/* "up to 30", "1 to 8", "at least 1" */
static void add_span(
	struct buf *out, bool has_min, double min, bool has_max, double max, const char *unit)
{
	if (has_min && has_max && min == max)
		buf_addf(out, "exactly %.10g", max);
	else if (has_min && has_max)
		buf_addf(out, "%.10g to %.10g", min, max);
	else if (has_max)
		buf_addf(out, "up to %.10g", max);
	else
		buf_addf(out, "at least %.10g", min);
	buf_addf(out, "%s%s", unit, *unit && (has_max ? max : min) != 1 ? "s" : "");
}

static void separate(struct buf *out, size_t start)
{
	if (out->len > start)
		buf_adds(out, "; ");
}

/* Takes back what was added after the first `len` bytes. */
static void cut(struct buf *out, size_t len)
{
	if (out->error || !out->data)
		return;
	out->len = len;
	out->data[len] = '\0';
}

static void add_media(const struct field *field, struct buf *out)
{
	buf_addf(out, "the name or address of %s", kind_words[field->media]);
	if (field->max_file_mb > 0)
		buf_addf(out, ", up to %.10g MB", field->max_file_mb);
	for (const cJSON *i = field->accepted ? field->accepted->child : NULL; i; i = i->next) {
		const char *slash = strchr(i->valuestring, '/');
		buf_addf(out, "%s%s", i == field->accepted->child ? " (" : ", ",
			slash ? slash + 1 : i->valuestring);
	}
	buf_adds(out, field->accepted ? ")" : "");
	if (field->scheme)
		buf_addf(out, ", or `%s...`", field->scheme);
}

/* Whose tasks a field goes on from: ", of models `a` or `b`". */
static void add_task(const struct field *field, struct buf *out)
{
	const cJSON *models = cJSON_GetObjectItemCaseSensitive(field->task, "models");
	const cJSON *list =
		models ? models : cJSON_GetObjectItemCaseSensitive(field->task, "services");

	buf_adds(out, field->track ? "the name of an earlier result (`song-1.mp3`) or the id of "
				     "its track"
				   : "the name of an earlier request or result, or the id of its "
				     "task");
	for (const cJSON *i = list ? list->child : NULL; i; i = i->next)
		buf_addf(out, "%s`%s`",
			i != list->child ? " or "
			: models	 ? ", of "
					 : ", of service ",
			i->valuestring);
}

/* What is allowed, in one cell. */
static void add_limits(const struct field *field, size_t start, struct buf *out)
{
	if (field->values) {
		separate(out, start);
		add_values(field, out);
	} else if (field->has_min || field->has_max) {
		separate(out, start);
		add_span(out, field->has_min, field->min, field->has_max, field->max, "");
		if (field->step > 0)
			buf_addf(out, " in steps of %.10g", field->step);
	}
	for (const cJSON *i = field->also ? field->also->child : NULL; i; i = i->next) {
		buf_adds(out,
			i == field->also->child ? (out->len > start ? "; also " : "also ") : ", ");
		words_value(i, out);
	}
	if (field->media != MEDIA_NONE) {
		separate(out, start);
		add_media(field, out);
	}
	if (field->task || field->track) {
		separate(out, start);
		add_task(field, out);
	}
	if (field->min_length >= 0 || field->max_length >= 0) {
		separate(out, start);
		add_span(out, field->min_length > 0, (double)field->min_length,
			field->max_length >= 0, (double)field->max_length, " character");
	}
	if (field->pattern) {
		separate(out, start);
		buf_adds(out, "matches `");
		add_cell(out, field->pattern);
		buf_adds(out, "`");
	}
	if (field->min_items >= 0 || field->max_items >= 0) {
		separate(out, start);
		add_span(out, field->min_items > 0, (double)field->min_items, field->max_items >= 0,
			(double)field->max_items, " element");
	}
	if (field->max_text >= 0) {
		separate(out, start);
		buf_addf(out, "%ld characters in all", field->max_text);
	}
	if (field->max_total_mb > 0) {
		separate(out, start);
		buf_addf(out, "files of up to %.10g MB in all", field->max_total_mb);
	}
	if (field->item) {
		size_t item_start = out->len;

		if (out->len > start)
			buf_adds(out, "; each ");
		size_t after = out->len;
		add_limits(field->item, after, out);
		if (out->len == after)
			cut(out, item_start);
	}
}

void words_limits(const struct field *field, struct buf *out)
{
	add_limits(field, out->len, out);
}

static void add_type(const struct field *field, struct buf *out)
{
	buf_adds(out, field_type_name(field->type));
	if (field->item && field->type == FIELD_ARRAY)
		buf_addf(out, " of %s", field_type_name(field->item->type));
	for (int type = FIELD_STRING; type <= FIELD_OBJECT; type++)
		if (field->also_types & (1u << type))
			buf_addf(out, " or %s", field_type_name((enum field_type)type));
	if (field->item && field->type != FIELD_ARRAY)
		buf_addf(out, " of %s", field_type_name(field->item->type));
	if (field->numeric_string)
		buf_adds(out, " that spells a number");
}

/* The field's row, and then those of what it holds. */
static void add_field(const struct field *field, const char *prefix, struct buf *out)
{
	const struct field *inner = field;
	struct buf path;

	buf_addf(out, "| `%s%s` | ", prefix, field->name);
	add_type(field, out);
	buf_addf(out, " | %s | ", !field->required ? "" : field->initial ? "filled in" : "yes");
	if (field->initial)
		words_value(field->initial, out);
	buf_adds(out, " | ");
	add_limits(field, out->len, out);
	buf_adds(out, " | ");
	size_t start = out->len;
	if (field->deprecated)
		buf_addf(out, "Out of use.%s", field->note ? " " : "");
	if (field->note)
		add_cell(out, field->note);
	words_conditions(field, start, out);
	buf_adds(out, " |\n");

	buf_init(&path, out->max);
	buf_addf(&path, "%s%s", prefix, field->name);
	for (; inner->item; inner = inner->item)
		buf_adds(&path, "[]");
	buf_adds(&path, ".");
	for (size_t i = 0; i < inner->member_count && path.data; i++)
		add_field(&inner->members[i], path.data, out);
	if (path.error)
		out->error = path.error;
	buf_finish(&path);
}

static void add_fields(const struct model *model, struct buf *out)
{
	buf_adds(out, "\n## Fields\n\n"
		      "| Field | Type | Needed | Default | Allowed | Remarks |\n"
		      "| --- | --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < model->field_count; i++)
		add_field(&model->fields[i], "", out);
	if (!model->any_of && !model->one_of && !model->rules && model->check_count == 0)
		return;
	buf_adds(out, "\n## Rules\n\n");
	words_checks(model, out);
	for (const cJSON *i = model->rules ? model->rules->child : NULL; i; i = i->next)
		buf_addf(out, "- %s\n", i->valuestring);
}

int describe_readme(const struct model *model, struct buf *out)
{
	add_head(model, out);
	add_commands(model, out);
	words_media(model, result_extension(model), out);
	add_fields(model, out);
	words_price(model, out);
	return out->error;
}

int describe_example(const struct model *model, struct buf *out)
{
	return words_json(model->example, out);
}
