/* How the API is asked for its own models, as the catalogue says ("listing" in kiefs(5)). */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

struct catalogue;
struct service;

/* Paths are below the service's host; paths into answers in the language of kiefs/jsonpath.h. */
struct listing {
	const struct service *service; /* whose envelope and host the answers have */
	const char *list;	       /* path of the list */
	const cJSON *models; /* array of paths: the models in its answer, first hit wins */
	const cJSON *id;     /* arrays of paths in one of the models */
	const cJSON *title, *provider, *kind, *price; /* NULL: not told */
	const char *schema;    /* path of one model's schema, with {model} in it */
	const cJSON *document; /* array of paths: the OpenAPI document in that answer */
};

/* False when the catalogue does not say. Points into the catalogue. */
bool catalogue_listing(const struct catalogue *catalogue, struct listing *out);
