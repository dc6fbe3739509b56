/* What the API says of a model that the catalogue lacks, as a model of the catalogue's form. Pure. */
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>

struct catalogue;

/* Texts of the API's list; each but `id` may be NULL. */
struct import_said {
	const char *id;
	const char *title, *provider;
	const char *kind; /* any word for what it makes: "image-to-video" */
	const char *price;
};

/* In place of an OpenAPI document, how it comes that there is none. */
#define IMPORT_HOW_SIZE 300

/*
 * `document` is an OpenAPI document, or NULL: then the model is an open one. One that cannot be used
 * makes an open one too. `how` says in a few words what was made of it. `*out` is the value of a
 * file's "models" under the id; the caller frees it.
 * -EINVAL: no model can have this id, or the catalogue has no open model (`how` says which);
 * -ENOMEM.
 */
int import_model(const struct catalogue *catalogue, const struct import_said *said,
	const cJSON *document, cJSON **out, char how[IMPORT_HOW_SIZE]);
