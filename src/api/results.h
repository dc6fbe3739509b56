/* The results in an answer, by the paths of the catalogue's entry. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "kiefs/protocol.h"

struct model;

/* Zeroed: none. */
struct result_list {
	struct poll_result *items;
	size_t count;
	size_t capacity;
	char *message; /* what was left out and why, one sentence, heap or NULL */
};

/* 0 or -ENOMEM. No address stands twice. `early`: only those that are final although the task
 * still runs. `root` may be NULL. */
int results_read(
	const struct model *model, const cJSON *root, bool early, struct result_list *out);
void result_list_finish(struct result_list *list);
