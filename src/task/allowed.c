#include "allowed.h"

#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/findings.h"
#include "kiefs/media.h"

const char *allowed_media(const struct field *field)
{
	return media_words(field_media(field));
}

static void add_range(const struct field *field, struct buf *out)
{
	if (field->has_min && field->has_max)
		buf_addf(out, " from %.15g to %.15g", field->min, field->max);
	else if (field->has_min)
		buf_addf(out, " of at least %.15g", field->min);
	else if (field->has_max)
		buf_addf(out, " of at most %.15g", field->max);
	if (field->step > 0 && (field->type != FIELD_INTEGER || field->step != 1))
		buf_addf(out, " in steps of %.15g", field->step);
}

/* `what` takes an "s" for more than one. */
static void add_count(long min, long max, const char *what, struct buf *out)
{
	if (min > 0 && max == min)
		buf_addf(out, " of %ld %s%s", max, what, max == 1 ? "" : "s");
	else if (min > 0 && max >= 0)
		buf_addf(out, " of %ld to %ld %ss", min, max, what);
	else if (min > 0)
		buf_addf(out, " of at least %ld %s%s", min, what, min == 1 ? "" : "s");
	else if (max >= 0)
		buf_addf(out, " of at most %ld %s%s", max, what, max == 1 ? "" : "s");
}

static void describe_string(const struct field *field, struct buf *out)
{
	if (field->media != MEDIA_NONE) {
		buf_addf(out,
			"a web address (https://...) of %s, or the name of a file here "
			"(\"me.%s\")",
			allowed_media(field), media_extension(field->media));
	} else if (field->numeric_string) {
		buf_adds(out, "a number in quotes");
		add_range(field, out);
	} else {
		buf_adds(out, "a string");
		add_count(field->min_length, field->max_length, "character", out);
	}
}

static void describe_array(const struct field *field, struct buf *out)
{
	if (field_media(field) == MEDIA_NONE) {
		buf_adds(out, "an array [...]");
		add_count(field->min_items, field->max_items, "element", out);
	} else {
		buf_adds(out, "an array [\"https://...\"]");
		add_count(field->min_items, field->max_items, "element", out);
		buf_addf(out,
			", each the web address of %s, or the name of a file here (\"me.%s\")",
			allowed_media(field), media_extension(field_media(field)));
	}
}

static void describe_members(const struct field *field, struct buf *out)
{
	buf_adds(out, "an object {...}");
	for (size_t i = 0; i < field->member_count; i++)
		buf_addf(out, "%s\"%s\"", i ? ", " : " with ", field->members[i].name);
}

static void describe(const struct field *field, struct buf *out)
{
	if (field->values) {
		if (cJSON_GetArraySize(field->values) > 1)
			buf_adds(out, "one of ");
		show_list(field->values, out);
	} else {
		switch (field->type) {
		case FIELD_STRING:
			describe_string(field, out);
			break;
		case FIELD_INTEGER:
			buf_adds(out, "a whole number");
			add_range(field, out);
			break;
		case FIELD_NUMBER:
			buf_adds(out, "a number");
			add_range(field, out);
			break;
		case FIELD_BOOLEAN:
			buf_adds(out, "true or false");
			break;
		case FIELD_ARRAY:
			describe_array(field, out);
			break;
		case FIELD_OBJECT:
			describe_members(field, out);
			break;
		}
	}
	if (field->also) {
		buf_adds(out, ", or ");
		show_list(field->also, out);
	}
}

char *allowed_describe(const struct field *field)
{
	struct buf out;
	char *text = NULL;

	buf_init(&out, 1u << 16);
	describe(field, &out);
	if (out.error == 0)
		text = buf_take(&out);
	buf_finish(&out);
	return text;
}
