#include "kiefs/media.h"

#include <string.h>
#include <strings.h>

#include "kiefs/chat.h"

static const struct {
	const char *extension;
	enum media_kind kind;
} extensions[] = {
	{"png", MEDIA_IMAGE},
	{"jpg", MEDIA_IMAGE},
	{"jpeg", MEDIA_IMAGE},
	{"webp", MEDIA_IMAGE},
	{"gif", MEDIA_IMAGE},
	{"bmp", MEDIA_IMAGE},
	{"tif", MEDIA_IMAGE},
	{"tiff", MEDIA_IMAGE},
	{"avif", MEDIA_IMAGE},
	{"heic", MEDIA_IMAGE},
	{"heif", MEDIA_IMAGE},
	{"svg", MEDIA_IMAGE},
	{"mp4", MEDIA_VIDEO},
	{"m4v", MEDIA_VIDEO},
	{"mov", MEDIA_VIDEO},
	{"webm", MEDIA_VIDEO},
	{"mkv", MEDIA_VIDEO},
	{"avi", MEDIA_VIDEO},
	{"mp3", MEDIA_AUDIO},
	{"wav", MEDIA_AUDIO},
	{"ogg", MEDIA_AUDIO},
	{"opus", MEDIA_AUDIO},
	{"flac", MEDIA_AUDIO},
	{"m4a", MEDIA_AUDIO},
	{"aac", MEDIA_AUDIO},
};

enum media_kind media_of_name(const char *name)
{
	const char *dot = strrchr(name, '.');

	if (!dot || dot == name || *name == '.')
		return MEDIA_NONE;
	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
		if (strcasecmp(dot + 1, extensions[i].extension) == 0)
			return extensions[i].kind;
	return MEDIA_NONE;
}

enum media_kind media_of_mime(const char *mime)
{
	if (strncmp(mime, "image/", 6) == 0)
		return MEDIA_IMAGE;
	if (strncmp(mime, "video/", 6) == 0)
		return MEDIA_VIDEO;
	return strncmp(mime, "audio/", 6) == 0 ? MEDIA_AUDIO : MEDIA_FILE;
}

const char *media_extension(enum media_kind kind)
{
	return kind == MEDIA_VIDEO ? "mp4" : kind == MEDIA_AUDIO ? "mp3" : "png";
}

const char *media_words(enum media_kind kind)
{
	switch (kind) {
	case MEDIA_IMAGE:
		return "an image";
	case MEDIA_VIDEO:
		return "a video";
	case MEDIA_AUDIO:
		return "a sound file";
	case MEDIA_FILE:
	case MEDIA_NONE:
		break;
	}
	return "a file";
}

static bool field_takes(const struct field *field, enum media_kind kind)
{
	if (field->media == kind || field->media == MEDIA_FILE ||
		(field->item && field_takes(field->item, kind)))
		return true;
	for (size_t i = 0; i < field->member_count; i++)
		if (field_takes(&field->members[i], kind))
			return true;
	return false;
}

bool model_takes(const struct model *model, enum media_kind kind)
{
	for (size_t i = 0; i < model->field_count; i++)
		if (field_takes(&model->fields[i], kind))
			return true;
	return kind == MEDIA_IMAGE && model->service && model->service->chat &&
	       chat_takes_images(model);
}

const struct field *model_single(const struct model *model)
{
	const struct field *only = NULL;

	if (model->prompt || model->any_of || model->one_of)
		return NULL;
	for (size_t i = 0; i < model->field_count; i++) {
		const struct field *field = &model->fields[i];

		if (!field->required || (field->initial && !cJSON_IsNull(field->initial)))
			continue;
		if (only || field_media(field) == MEDIA_NONE)
			return NULL;
		only = field;
	}
	return only;
}
