/* Pictures in the folder of a conversation. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "fs.h"

/* Those that are whole, in the order in which they came: [{"name", "sha256"}]. The caller frees
 * `*out`. 0 or -errno. */
int talk_pictures(struct fs *fs, uint64_t dir, cJSON **out);
/* Whether the same name with the same content is among them; a NULL list has none. */
bool talk_pictures_hold(const cJSON *list, const cJSON *picture);
/* A turn's own as they are in the index; `*out` is NULL when it has none. 0, -EIO or -ENOMEM. */
int talk_pictures_of(const struct turn *turn, cJSON **out);
const char *talk_picture_name(const cJSON *picture);
