/* What a result is, by its content. Pure. */
#pragma once

#include <stddef.h>

/* As many first bytes of a file as are worth giving. */
#define CONTENT_HEAD 4096

struct content {
	const char *extension; /* "png", without a dot; static */
	const char *mime;      /* "image/png"; static */
};

/*
 * The first bytes decide; where they tell nothing, the Content-Type; where that tells nothing, the
 * kind of result the model makes. The address has no say. Always fills `*out`; "bin" when nothing
 * is known.
 *
 * `head` is the file's first `len` bytes; `type` a Content-Type with or without parameters, or
 * NULL; `output` a model's "image", "video", "audio", "text", "json", or NULL.
 */
void content_identify(
	const void *head, size_t len, const char *type, const char *output, struct content *out);
