#include "talk_pictures.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "kiefs/digest.h"
#include "kiefs/files.h"
#include "kiefs/input.h"
#include "kiefs/json.h"
#include "kiefs/media.h"

#define ENTRIES_AT_ONCE 32

const char *talk_picture_name(const cJSON *picture)
{
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(picture, "name"));

	return name ? name : "";
}

static int add(struct fs *fs, const struct entry *entry, cJSON *list)
{
	char hex[DIGEST_HEX_SIZE];
	int fd = files_open_entry(fs->files, entry->id, O_RDONLY), r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = digest_file(fd, hex);
	close(fd);
	if (r < 0)
		return r;
	cJSON *one = cJSON_CreateObject();
	if (one && cJSON_AddStringToObject(one, "name", entry->name) &&
		cJSON_AddStringToObject(one, "sha256", hex) && cJSON_AddItemToArray(list, one))
		return 0;
	cJSON_Delete(one);
	return -ENOMEM;
}

int talk_pictures(struct fs *fs, uint64_t dir, cJSON **out)
{
	struct entry entries[ENTRIES_AT_ONCE];
	cJSON *list = cJSON_CreateArray();
	int n = ENTRIES_AT_ONCE, count = 0, r = list ? 0 : -ENOMEM;
	int64_t after = 0;

	while (r == 0 && n == ENTRIES_AT_ONCE) {
		n = store_entry_list(fs->store, dir, false, after, entries, ENTRIES_AT_ONCE);
		r = n < 0 ? n : 0;
		/* One more than a request may have: the person is then told so. */
		for (int i = 0; i < n && r == 0 && count <= INPUTS_MAX; i++) {
			after = entries[i].id;
			if (entries[i].kind != ENTRY_FILE ||
				media_of_name(entries[i].name) != MEDIA_IMAGE ||
				draft_is_unfinished(fs, &entries[i]))
				continue;
			r = add(fs, &entries[i], list);
			count++;
		}
		if (count > INPUTS_MAX)
			break;
	}
	if (r < 0)
		cJSON_Delete(list);
	else
		*out = list;
	return r;
}

bool talk_pictures_hold(const cJSON *list, const cJSON *picture)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, list)
	{
		if (cJSON_Compare(one, picture, true))
			return true;
	}
	return false;
}

int talk_pictures_of(const struct turn *turn, cJSON **out)
{
	int r;

	*out = NULL;
	if (!turn->images)
		return 0;
	r = json_parse(turn->images, strlen(turn->images), out, NULL);
	return r == -EINVAL ? -EIO : r;
}
