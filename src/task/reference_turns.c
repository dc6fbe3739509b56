/*
 * Pictures that turns of a conversation name. Where one stands is what the service's own form of a
 * picture says: "$url" in it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/chat.h"
#include "kiefs/json.h"
#include "kiefs/reference.h"

/* A place or path longer than this is no picture's (bytes). */
#define PLACE_MAX 4096

static const struct field picture = {
	.name = "",
	.type = FIELD_STRING,
	.min_length = -1,
	.max_length = -1,
	.min_items = -1,
	.max_items = -1,
	.max_text = -1,
	.media = MEDIA_IMAGE,
};

/* Where the walk is; both are cut again on the way back. */
struct walk {
	const cJSON *form; /* of a picture */
	struct buf place, path;
	struct references *out;
};

struct mark {
	size_t place, path;
};

static struct mark enter(struct walk *walk, const cJSON *item, int index)
{
	struct mark mark = {walk->place.len, walk->path.len};
	char digits[16];

	snprintf(digits, sizeof(digits), "%d", index);
	json_place_add(&walk->place, item->string ? item->string : digits);
	if (item->string)
		buf_addf(&walk->path, "%s%s", walk->path.len ? "." : "", item->string);
	else
		buf_addf(&walk->path, "[%d]", index);
	return mark;
}

static void cut(struct buf *buf, size_t len)
{
	buf->len = len;
	if (buf->data)
		buf->data[len] = '\0';
}

static void leave(struct walk *walk, struct mark mark)
{
	cut(&walk->place, mark.place);
	cut(&walk->path, mark.path);
}

/* The words of the form are free, all else must be the same. */
static bool fits(const cJSON *form, const cJSON *value)
{
	const cJSON *inner;

	if (cJSON_IsString(form) && *form->valuestring == '$')
		return !value || cJSON_IsString(value);
	if (!value)
		return false;
	if (!cJSON_IsObject(form))
		return cJSON_Compare(form, value, true);
	cJSON_ArrayForEach(inner, form)
	{
		if (!fits(inner, cJSON_GetObjectItemCaseSensitive(value, inner->string)))
			return false;
	}
	return cJSON_IsObject(value);
}

static int add(struct walk *walk, const char *name)
{
	struct references *out = walk->out;
	struct reference *grown;

	if (walk->place.error || walk->path.error)
		return walk->place.error ? walk->place.error : walk->path.error;
	if (out->count == INPUTS_MAX)
		return -E2BIG;
	grown = realloc(out->list, (out->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	out->list = grown;
	struct reference *last = &grown[out->count++];
	*last = (struct reference){
		.kind = INPUT_MEDIA,
		.place = strdup(walk->place.data ? walk->place.data : ""),
		.path = strdup(walk->path.data ? walk->path.data : ""),
		.name = strdup(name),
		.field = &picture,
		.owner = &picture,
	};
	return last->place && last->path && last->name ? 0 : -ENOMEM;
}

/* `value` has the form: what stands for "$url" in it. */
static int take(struct walk *walk, const cJSON *form, const cJSON *value)
{
	const cJSON *inner;
	int r = 0;

	if (cJSON_IsString(form) && strcmp(form->valuestring, "$url") == 0)
		return value && reference_is_name(&picture, value->valuestring)
			       ? add(walk, value->valuestring)
			       : 0;
	cJSON_ArrayForEach(inner, form)
	{
		if (r < 0 || !cJSON_IsObject(value))
			break;
		struct mark mark = enter(walk, inner, 0);
		r = take(walk, inner, cJSON_GetObjectItemCaseSensitive(value, inner->string));
		leave(walk, mark);
	}
	return r;
}

static int visit(struct walk *walk, const cJSON *value)
{
	const cJSON *inner;
	int index = 0, r = 0;

	if (cJSON_IsObject(value) && fits(walk->form, value))
		return take(walk, walk->form, value);
	cJSON_ArrayForEach(inner, value)
	{
		if (r < 0)
			break;
		struct mark mark = enter(walk, inner, index++);
		r = visit(walk, inner);
		leave(walk, mark);
	}
	return r;
}

int references_collect_turns(
	const struct model *model, const cJSON *input, const char *prefix, struct references *out)
{
	struct walk walk = {.out = out};
	const cJSON *list;
	int r = 0;

	if (!model->service || !model->service->chat || !chat_takes_images(model))
		return 0;
	walk.form = cJSON_GetObjectItemCaseSensitive(model->service->chat, "image");
	list = cJSON_GetObjectItemCaseSensitive(input, chat_list_name(model));
	if (!list)
		return 0;
	buf_init(&walk.place, PLACE_MAX);
	buf_init(&walk.path, PLACE_MAX);
	buf_adds(&walk.place, prefix);
	enter(&walk, list, 0);
	r = visit(&walk, list);
	buf_finish(&walk.place);
	buf_finish(&walk.path);
	if (r < 0)
		references_finish(out);
	return r;
}
