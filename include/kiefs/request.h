/*
 * From the bytes of a request file to a checked request. Pure: no file, clock or network.
 *
 * Two forms. A prompt (.txt, .md, .prompt) fills the model's text field. JSON is either the bare
 * input object or the whole body {"model", "input", "callBackUrl"}. Under both, the directory's
 * defaults.json and then the catalogue's defaults fill what is missing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "kiefs/error.h"

struct model;

enum request_form {
	REQUEST_NONE, /* not a request name: scratch */
	REQUEST_PROMPT,
	REQUEST_JSON,
};

/* A request file larger than this is refused (bytes). */
#define REQUEST_MAX_BYTES (16u << 20)

struct request_rules {
	bool warn_only; /* validate=warn: a value the catalogue does not allow is only a warning */
};

/* A checked request. All strings are owned; free with request_finish(). */
struct request {
	char *body;	   /* the exact body to send */
	size_t body_len;
	char *warnings;	   /* one sentence per line, NULL when there is none */
	double credits;	   /* estimated price; negative: unknown */
};

/*
 * Which form a name in a model's directory has. REQUEST_NONE for everything not on the
 * allow-list: dotfiles, generated names (README.md, schema.json, example.json, defaults.json) and
 * any other extension.
 */
enum request_form request_form(const char *name);

/* The name without its request extension, for `<name>.status` and results; length in bytes. */
size_t request_stem_length(const char *name);

/* White space only, or nothing: such a file is nothing. */
bool request_is_blank(const char *bytes, size_t len);

/*
 * Checks everything and names every fault, not the first only: field, value, what is allowed,
 * what to do. `defaults` (defaults.json) may be NULL; a fault in it says so by that name.
 * Errors: -EINVAL, -EFBIG (over REQUEST_MAX_BYTES), -ENOMEM. `*out` is untouched on failure.
 */
int request_build(const struct model *model, enum request_form form, const char *bytes, size_t len,
	const char *defaults, size_t defaults_len, const struct request_rules *rules,
	struct request *out, struct error *err);
void request_finish(struct request *request);
