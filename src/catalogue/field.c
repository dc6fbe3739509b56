#include "field.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "field_task.h"
#include "form.h"
#include "kiefs/catalogue.h"
#include "kiefs/error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const type_names[] = {
	[FIELD_STRING] = "string",
	[FIELD_INTEGER] = "integer",
	[FIELD_NUMBER] = "number",
	[FIELD_BOOLEAN] = "boolean",
	[FIELD_ARRAY] = "array",
	[FIELD_OBJECT] = "object",
};

static const char *const media_names[] = {
	[MEDIA_NONE] = "none",
	[MEDIA_IMAGE] = "image",
	[MEDIA_VIDEO] = "video",
	[MEDIA_AUDIO] = "audio",
	[MEDIA_FILE] = "file",
};

/* A field as it stands in the file. */
struct raw_field {
	const char *type, *media;
	const cJSON *also_types, *values, *min, *max, *step, *max_file_mb, *max_total_mb, *items,
		*members, *limits;
	struct field field;
};

#define RAW(member) offsetof(struct raw_field, member)
#define FIELD(member) offsetof(struct raw_field, field.member)

static const struct form_key keys[] = {
	{"type", FORM_TEXT, RAW(type), true},
	{"also_types", FORM_TEXTS, RAW(also_types), false},
	{"required", FORM_FLAG, FIELD(required), false},
	{"default", FORM_ANY, FIELD(initial), false},
	{"values", FORM_ANY, RAW(values), false},
	{"also", FORM_ANY, FIELD(also), false},
	{"min", FORM_NUMBER, RAW(min), false},
	{"max", FORM_NUMBER, RAW(max), false},
	{"step", FORM_NUMBER, RAW(step), false},
	{"min_length", FORM_COUNT, FIELD(min_length), false},
	{"max_length", FORM_COUNT, FIELD(max_length), false},
	{"min_items", FORM_COUNT, FIELD(min_items), false},
	{"max_items", FORM_COUNT, FIELD(max_items), false},
	{"max_text", FORM_COUNT, FIELD(max_text), false},
	{"items", FORM_OBJECT, RAW(items), false},
	{"members", FORM_OBJECT, RAW(members), false},
	{"numeric", FORM_FLAG, FIELD(numeric_string), false},
	{"pattern", FORM_TEXT, FIELD(pattern), false},
	{"media", FORM_TEXT, RAW(media), false},
	{"scheme", FORM_TEXT, FIELD(scheme), false},
	{"max_file_mb", FORM_NUMBER, RAW(max_file_mb), false},
	{"max_total_mb", FORM_NUMBER, RAW(max_total_mb), false},
	{"accept", FORM_TEXTS, FIELD(accepted), false},
	{"required_when", FORM_ANY, FIELD(required_when), false},
	{"only_when", FORM_ANY, FIELD(only_when), false},
	{"unused_when", FORM_ANY, FIELD(unused_when), false},
	{"limits", FORM_LIST, RAW(limits), false},
	{"task", FORM_OBJECT, FIELD(task), false},
	{"track", FORM_FLAG, FIELD(track), false},
	{"result_index", FORM_FLAG, FIELD(result_index), false},
	{"deprecated", FORM_FLAG, FIELD(deprecated), false},
	{"note", FORM_TEXT, FIELD(note), false},
};

const char *field_type_name(enum field_type type)
{
	return type_names[type];
}

enum media_kind field_media(const struct field *field)
{
	return field->item ? field->item->media : field->media;
}

static int read_types(const struct scope *scope, const struct raw_field *raw, struct field *out,
	struct error *err)
{
	int r = form_word(scope, "type", raw->type, type_names, COUNT(type_names), err);

	if (r < 0)
		return r;
	out->type = (enum field_type)r;
	for (const cJSON *i = raw->also_types ? raw->also_types->child : NULL; i; i = i->next) {
		r = form_word(
			scope, "also_types", i->valuestring, type_names, COUNT(type_names), err);
		if (r < 0)
			return r;
		out->also_types |= 1u << r;
	}
	if (!raw->media)
		return 0;
	r = form_word(scope, "media", raw->media, media_names + 1, COUNT(media_names) - 1, err);
	if (r < 0)
		return r;
	out->media = (enum media_kind)(r + 1);
	return 0;
}

int field_list(const struct scope *scope, const struct lists *lists, const char *key,
	const cJSON *value, const cJSON **out, struct error *err)
{
	if (!value)
		return 0;
	if (cJSON_IsString(value)) {
		const cJSON *list = NULL;

		for (size_t i = lists->count; i > 0 && !list; i--)
			list = cJSON_GetObjectItemCaseSensitive(
				lists->objects[i - 1], value->valuestring);
		if (!list)
			return form_fail(scope, err,
				"\"%s\" names the list \"%s\", which is not "
				"under \"values\" at the top of a file.",
				key, value->valuestring);
		value = list;
	}
	if (!cJSON_IsArray(value) || !value->child)
		return form_fail(scope, err,
			"\"%s\" must be an array with at least one value, or a list's name.", key);
	*out = value;
	return 0;
}

static void read_numbers(const struct raw_field *raw, struct field *out)
{
	out->has_min = raw->min;
	out->min = raw->min ? raw->min->valuedouble : 0;
	out->has_max = raw->max;
	out->max = raw->max ? raw->max->valuedouble : 0;
	out->step = raw->step ? raw->step->valuedouble : 0;
	out->max_file_mb = raw->max_file_mb ? raw->max_file_mb->valuedouble : 0;
	out->max_total_mb = raw->max_total_mb ? raw->max_total_mb->valuedouble : 0;
}

/* A limit that does not belong to the type would be silently without effect. */
static int check_belongs(const struct scope *scope, const struct field *field, struct error *err)
{
	bool text = field->type == FIELD_STRING;
	bool array = field->type == FIELD_ARRAY;
	bool number = field->type == FIELD_NUMBER || field->type == FIELD_INTEGER ||
		      field->numeric_string;
	const struct {
		bool given, allowed;
		const char *key;
	} table[] = {
		{field->has_min || field->has_max || field->step != 0, number, "min, max, step"},
		{field->min_length >= 0 || field->max_length >= 0, text, "min_length, max_length"},
		{field->pattern, text, "pattern"},
		{field->numeric_string, text, "numeric"},
		{field->media != MEDIA_NONE, text, "media"},
		{field->scheme || field->max_file_mb > 0 || field->accepted,
			field->media != MEDIA_NONE, "scheme, max_file_mb, accept"},
		{field->task || field->track, text, "task, track"},
		{field->result_index, text || field->type == FIELD_INTEGER, "result_index"},
		{field->min_items >= 0 || field->max_items >= 0 || field->max_text >= 0, array,
			"min_items, max_items, max_text"},
		{field->max_total_mb != 0, array && field_media(field) != MEDIA_NONE,
			"max_total_mb"},
		{field->item, array || (field->also_types & 1u << FIELD_ARRAY), "items"},
		{field->members, field->type == FIELD_OBJECT, "members"},
	};

	for (size_t i = 0; i < COUNT(table); i++)
		if (table[i].given && !table[i].allowed)
			return form_fail(scope, err,
				"\"%s\" does not belong to a field of type %s%s.", table[i].key,
				type_names[field->type], text ? " like this one" : "");
	return 0;
}

static int check_inner(const struct scope *scope, const struct field *field, struct error *err)
{
	if (field->type == FIELD_ARRAY && !field->item)
		return form_fail(scope, err, "an array needs \"items\".");
	if (field->type == FIELD_OBJECT && !field->members)
		return form_fail(scope, err, "an object needs \"members\".");
	return 0;
}

static int check_limits(const struct scope *scope, const struct field *field, struct error *err)
{
	regex_t regex;
	char why[128];

	if ((field->has_min && field->has_max && field->min > field->max) ||
		(field->max_length >= 0 && field->min_length > field->max_length) ||
		(field->max_items >= 0 && field->min_items > field->max_items))
		return form_fail(scope, err, "a minimum is above its maximum.");
	if (field->step < 0 || field->max_file_mb < 0 || field->max_total_mb < 0)
		return form_fail(scope, err,
			"\"step\", \"max_file_mb\" and \"max_total_mb\" cannot be negative.");
	if (field->pattern) {
		int r = regcomp(&regex, field->pattern, REG_EXTENDED | REG_NOSUB);
		if (r != 0) {
			regerror(r, &regex, why, sizeof(why));
			return form_fail(scope, err,
				"\"pattern\" is not a POSIX extended regular expression: %s.", why);
		}
		regfree(&regex);
	}
	return 0;
}

static int check_values(const struct scope *scope, const struct field *field, struct error *err)
{
	struct field free_form = *field;

	free_form.values = NULL;
	for (const cJSON *i = field->values ? field->values->child : NULL; i; i = i->next) {
		struct scope inner = {scope, "key", "values"};
		int r = value_check(&inner, &free_form, i, err);
		if (r < 0)
			return r;
	}
	for (const cJSON *i = field->also ? field->also->child : NULL; i; i = i->next) {
		struct scope inner = {scope, "key", "also"};
		int r = value_check(&inner, field, i, err);
		if (r < 0)
			return r;
	}
	struct scope inner = {scope, "key", "default"};
	return field->initial ? value_check(&inner, field, field->initial, err) : 0;
}

int field_check(const struct scope *scope, const struct field *field, struct error *err)
{
	int r = check_belongs(scope, field, err);

	if (r < 0)
		return r;
	r = check_limits(scope, field, err);
	return r < 0 ? r : check_values(scope, field, err);
}

static void field_finish(struct field *field)
{
	if (field->item) {
		field_finish((struct field *)field->item);
		free((struct field *)field->item);
	}
	fields_free((struct field *)field->members, field->member_count);
	field_limits_free(field);
}

/* `out->name` is set; on failure what was allocated is freed. */
static int field_read(const struct scope *scope, const struct lists *lists, const cJSON *object,
	struct field *out, struct error *err)
{
	struct raw_field raw = {.field = {.min_length = -1,
					.max_length = -1,
					.min_items = -1,
					.max_items = -1,
					.max_text = -1}};
	struct field *item = NULL, *members = NULL;

	int r = form_read(scope, object, keys, COUNT(keys), &raw, err);
	if (r < 0)
		return r;
	struct field field = raw.field;
	field.name = out->name;
	read_numbers(&raw, &field);
	r = read_types(scope, &raw, &field, err);
	if (r < 0)
		goto out;
	r = field_list(scope, lists, "values", raw.values, &field.values, err);
	if (r < 0)
		goto out;
	r = field_list(scope, lists, "also", raw.field.also, &field.also, err);
	if (r < 0)
		goto out;
	if (raw.items) {
		struct scope inner = {scope, "key", "items"};
		item = calloc(1, sizeof(*item));
		if (!item) {
			r = error_set(err, -ENOMEM, "Out of memory.");
			goto out;
		}
		item->name = "";
		r = field_read(&inner, lists, raw.items, item, err);
		if (r < 0) {
			free(item);
			goto out;
		}
		field.item = item;
	}
	if (raw.members) {
		r = fields_read(scope, lists, raw.members, &members, &field.member_count, err);
		if (r < 0)
			goto out;
		field.members = members;
	}
	r = check_inner(scope, &field, err);
	if (r == 0)
		r = field_task_check(scope, &field, err);
	if (r == 0)
		r = field_check(scope, &field, err);
	if (r == 0)
		r = field_limits_read(scope, lists, raw.limits, &field, err);
	if (r < 0)
		goto out;
	*out = field;
	return 0;
out:
	field_finish(&field);
	return r;
}

int fields_read(const struct scope *scope, const struct lists *lists, const cJSON *object,
	struct field **out, size_t *count, struct error *err)
{
	size_t size = (size_t)cJSON_GetArraySize(object), done = 0;
	int r = 0;

	struct field *fields = calloc(size ? size : 1, sizeof(*fields));
	if (!fields)
		return error_set(err, -ENOMEM, "Out of memory.");
	for (const cJSON *i = object->child; i; i = i->next) {
		struct scope inner = {scope, "field", i->string};

		fields[done].name = i->string;
		r = field_read(&inner, lists, i, &fields[done], err);
		if (r < 0)
			goto out;
		done++;
	}
	*out = fields;
	*count = size;
	return 0;
out:
	fields_free(fields, done);
	return r;
}

void fields_free(struct field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
		field_finish(&fields[i]);
	free(fields);
}
