/*
 * The catalogue's path language into an answer.
 *
 *   data.taskId                  member after member from the root
 *   data.urls[]                  every element of an array
 *   data.tracks[].audio_url      a member of every element
 *   data.resultJson>resultUrls[] the string at data.resultJson is JSON itself: parse it, go on
 *
 * A path that leads nowhere is no error: the API leaves fields out at will.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

/* Called for each item found; the item lives only during the call. A negative return ends the
 * walk and is returned by json_path_each(). */
typedef int json_path_fn(const cJSON *item, void *user);

/* Returns 0, what `each` returned, or -ENOMEM. JSON null is not reported. */
int json_path_each(const cJSON *root, const char *path, json_path_fn *each, void *user);

/* The first non-empty string (or number, as text) at the path; heap, owned by the caller; NULL
 * when there is none. */
char *json_path_string(const cJSON *root, const char *path);

/* True and `*out` set when a number (or a string that is one) stands at the path. */
bool json_path_number(const cJSON *root, const char *path, double *out);
