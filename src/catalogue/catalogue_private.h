/* What the catalogue is made of, for the files that load, print and extend it. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "kiefs/catalogue.h"

struct buf;
struct error;
struct upload_service;

struct entry {
	struct model model;
	const char *service;
	const char *file;
	const cJSON *object; /* as it stands in the file */
	size_t list_count;   /* catalogue::lists that were known when it was read */
};

struct service_entry {
	struct service service;
	const cJSON *object;
};

struct catalogue {
	atomic_int references;
	cJSON **documents;
	char **files;
	size_t document_count;
	const cJSON **lists;
	size_t list_count;
	struct service_entry **services;
	size_t service_count;
	struct upload_service **uploads;
	size_t upload_count;
	cJSON **overlays; /* entries of services that are like others */
	size_t overlay_count;
	struct entry *entries;
	size_t entry_count;
	const cJSON *open_model; /* what a model that nobody described starts from, or NULL */
	struct account_entry account;
	const char *account_service;
	const char *account_file;
	const cJSON *callback;	 /* paths, or NULL */
	const cJSON *listing;	 /* how the API is asked for its models, or NULL */
	char *mapping_report;	 /* heap, or NULL */
};

/* Takes ownership of `document`, also on failure. `weak`: what is known already stays as it is. */
int catalogue_add(struct catalogue *catalogue, const char *file, cJSON *document, bool weak,
	struct error *err);
/* The entry of this id, while loading: NULL when there is none. */
const struct model *catalogue_has(const struct catalogue *catalogue, const char *id);
/* {"form": 1, "models": {ID: the open model with these members over it}}; `members` may be NULL and
 * stays the caller's. NULL: out of memory. */
cJSON *open_model_make(const cJSON *open_model, const char *id, const cJSON *members);
