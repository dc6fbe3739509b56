/* A request on its way from bytes to a body. Private to request*.c. */
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>

struct buf;
struct findings;
struct model;
struct request_rules;

/* A zeroed struct is empty. Objects and strings are owned, and NULL while there is none. */
struct draft {
	cJSON *input;	  /* object */
	cJSON *callback;  /* string: where the service is to report */
	cJSON *extra;	  /* object: what stands beside `input` and is passed through */
	cJSON *template;  /* object: what a prompt's template sets besides the text */
	cJSON *defaulted; /* object: a member for each one of `input` that defaults.json gave */
	cJSON *implied;	  /* ... for which files beside the request are taken */
	cJSON *derived;	  /* ... that follows from another field */
	/* Of a model that chats: what is said, while it is no turn in `input` yet. */
	char *prompt, *system;
	cJSON *images; /* array of names and addresses */
};

/* Accepts NULL and a zeroed struct. */
void draft_finish(struct draft *draft);

/*
 * request_read.c: bytes to a draft; nothing is checked against the catalogue yet. `label` is put
 * before each sentence ("" or "defaults.json: "). Faults go to `findings`; -EINVAL when one of
 * them stops the reading, and the draft then has no input. The draft must be empty.
 */
int draft_read_prompt(const struct model *model, const char *bytes, size_t len, struct draft *draft,
	struct findings *findings);
int draft_read_json(const struct model *model, const char *label, const char *bytes, size_t len,
	struct draft *draft, struct findings *findings);

/* request_defaults.c: fills what is missing from defaults.json's draft (its members are moved). */
int draft_merge(struct draft *draft, struct draft *defaults);
/* ... and then from the prompt's template and the catalogue's defaults. */
int draft_complete(const struct model *model, struct draft *draft);

/*
 * request_media.c. A dropped file as the request that it is; the model must have a model_single().
 * 0 or -ENOMEM.
 */
int draft_read_file(const struct model *model, const char *name, size_t len, struct draft *draft);
/* Gives the media fields that are needed and missing the names of files beside the request, or of
 * those that are to come. 0 or -ENOMEM. */
int draft_add_media(
	const struct model *model, const struct request_rules *rules, struct draft *draft);
/* A track alone names its task too. 0 or -ENOMEM. */
int draft_add_task(const struct model *model, struct draft *draft);

/*
 * request_chat.c. {"prompt", "system", "images"} in place of the turns, for models that chat and
 * have no such fields: taken out of the input. Faults go to `findings`. 0 or -ENOMEM.
 */
int draft_take_prompt(
	const struct model *model, const char *label, struct draft *draft, struct findings *findings);
/* Makes a turn of it, with the pictures beside the request unless it names some. 0 or -ENOMEM. */
int draft_make_turn(
	const struct model *model, const struct request_rules *rules, struct draft *draft);

/* request_callback.c: reads the callback out of `object`, under any of the names it may have there;
 * and what it is when the request has none. 0 or -ENOMEM. */
void draft_take_callback(const struct model *model, cJSON *object, const char *label,
	struct draft *draft, struct findings *findings);
int draft_set_callback(const struct model *model, const char *callback, struct draft *draft);

/* request_check.c: the input against the model's fields and their rules. 0 or -ENOMEM. */
int draft_check(const struct model *model, struct draft *draft, struct findings *findings);

/* request_body.c: the body to send, heap; NULL when out of memory. Takes numbers apart from their
 * values: the draft is good for nothing else afterwards. */
char *draft_print(const struct model *model, struct draft *draft);

/* Where the body's template puts the input, as a JSON pointer. -ENOENT: nowhere. */
int body_input_place(const struct model *model, struct buf *out);

/* Moves `member` of `from` into `to` under its own name; it is freed on failure. 0 or -ENOMEM. */
int object_move(cJSON *to, cJSON *from, cJSON *member);

/* The member `name`, taken out of `object`; NULL when there is none or it is null. */
cJSON *object_take(cJSON *object, const char *name);

/* Copies `value` into `object` under `name`. 0 or -ENOMEM. */
int object_add_copy(cJSON *object, const char *name, const cJSON *value);
