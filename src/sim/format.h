/* The kinds of file the simulator makes. Pure. */
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>

struct model;

enum format_id {
	FORMAT_PNG,
	FORMAT_JPEG,
	FORMAT_WEBP,
	FORMAT_MP4,
	FORMAT_MOV,
	FORMAT_MP3,
	FORMAT_WAV,
	FORMAT_JSON,
	FORMAT_TEXT,
};

struct format {
	enum format_id id;
	const char *kind; /* image, video, audio, text, json */
	const char *extension;
	const char *type; /* Content-Type */
};

/* The format that the input asks for (a member whose name holds "format"), or else the model's
 * default, or else the first of its kind. `model` and `input` may be NULL. Never NULL. */
const struct format *format_of(const char *kind, const struct model *model, const cJSON *input);
/* NULL for an extension that is none of ours. */
const struct format *format_by_extension(const char *extension);

/* A size of about `long_side` in the shape that the input asks for ("16:9", "portrait_4_3",
 * "768x1024"), a square when it does not say; both are multiples of `grain`. */
void format_size(const cJSON *input, int long_side, int grain, int *width, int *height);
/* The longest text of the input: what there is to show. "" when there is none. */
const char *format_words(const cJSON *input);
