/*
 * From the bytes of a request file to a checked request. Pure: no file, clock or network.
 *
 * Two forms. A prompt (.txt, .md, .prompt), without white space at its end, fills the model's text
 * field. JSON is either the bare input object or the whole body {"model", "input", "callBackUrl"},
 * in which `input` may be a JSON string, `webhook_url` means `callBackUrl`, fields beside `input`
 * are moved into it, and other keys beside it are passed through.
 *
 * What is missing is filled, field by field, from
 *   1. the directory's defaults.json, of the same form as a JSON request;
 *   2. what the model's prompt template sets besides the text (prompts only);
 *   3. the catalogue's defaults: those of required fields, and those of optional fields that the
 *      price depends on, because what is left out is chosen, and billed, by the service. Never of
 *      a field that is deprecated, bound to another field's value, or one of several to choose
 *      from. The service fills the rest with the same defaults.
 * Of a model that chats, JSON may hold "prompt" in place of the turns, with "system" and "images"
 * (names or addresses) beside it. Pictures beside a prompt, in either form, go with it unless it
 * names some.
 *
 * null counts as given: the field is left out, and no default takes its place.
 *
 * Numbers are sent with all their digits. A number beyond 2^53 - 1 cannot be and is refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "kiefs/error.h"
#include "kiefs/reference.h"

struct model;

enum request_form {
	REQUEST_NONE, /* not a request name: scratch */
	REQUEST_PROMPT,
	REQUEST_JSON,
	REQUEST_TURN, /* of a conversation, where the name stands in a folder that can be one */
	REQUEST_FILE, /* a media file of a model that needs nothing else: see model_single() */
};

/* A request file larger than this is refused (bytes). */
#define REQUEST_MAX_BYTES (16u << 20)

struct request_rules {
	/* validate=warn: what the catalogue does not allow (values, types, missing fields) is only
	 * a warning. What is wrong with the form (no JSON, another model) stays a fault. */
	bool warn_only;
	/* Of a request that names no media although the model needs some, files beside it are
	 * taken: `siblings`, in the order in which they are; when there are too few, names made of
	 * `stem` stand for those that are to come. NULL: none are looked for. */
	const char *stem;
	const char *const *siblings;
	size_t sibling_count;
	/* Where the service is to report when a task is done, unless the request says it; NULL: to
	 * nobody. A service that demands one then gets REQUEST_NO_CALLBACK. */
	const char *callback;
};

/* Reserved by RFC 2606: reaches nobody. */
#define REQUEST_NO_CALLBACK "https://kiefs.invalid/callback"

/* A checked request. All strings are owned; free with request_finish(). */
struct request {
	char *body; /* the exact body to send */
	size_t body_len;
	char *warnings;		      /* one sentence per line, NULL when there is none */
	double credits;		      /* estimated price; -1: unknown */
	struct references references; /* what `body` names and does not give */
	char *prompt;		      /* of a conversation's turn: what was written; else NULL */
	char *images; /* ... and the pictures that go with it, as in struct turn; or NULL */
};

/*
 * Which form a name in a model's directory has. REQUEST_NONE for everything not on the
 * allow-list: dotfiles, generated names (README.md, schema.json, example.json, defaults.json) and
 * any other extension; never REQUEST_FILE, for which the model has a say. Upper and lower case are
 * the same, so that a "Readme.md" out of an archive costs nothing.
 */
enum request_form request_form(const char *name);

/* The name without its request or media extension, for `<name>.status` and results; length in
 * bytes. */
size_t request_stem_length(const char *name);

/* White space only, or nothing, or the NUL bytes of space that was made for what is to come: such a
 * file is nothing. */
bool request_is_blank(const char *bytes, size_t len);

/*
 * Of REQUEST_FILE the bytes are the file's name.
 *
 * Checks everything and names every fault, not the first only: field, value, what is allowed,
 * what to do; of more than FINDINGS_MAX (findings.h) the rest is counted. `defaults`
 * (defaults.json) may be NULL; a fault in it says so by that name. `rules` NULL is strict, `err`
 * may be NULL.
 * Errors: -EINVAL, -EFBIG (over REQUEST_MAX_BYTES), -ENOMEM. `*out` is untouched on failure.
 */
int request_build(const struct model *model, enum request_form form, const char *bytes, size_t len,
	const char *defaults, size_t defaults_len, const struct request_rules *rules,
	struct request *out, struct error *err);
/*
 * The prompt in the body of a request, where the model's entry says that one stands; of a
 * conversation that of its last turn. `model` NULL: where most have it. Heap. 0, -ENOENT, -ENOMEM.
 */
int request_prompt(const struct model *model, const char *body, size_t len, char **out);
/* Accepts NULL and a zeroed struct. */
void request_finish(struct request *request);
