#include "root.h"

#include <errno.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kiefs/buf.h"
#include "kiefs/error.h"

#define MOUNTS_MAX 65536

static bool is_root(const char *path)
{
	char stats[PATH_MAX + 16];

	snprintf(stats, sizeof(stats), "%s/.kiefs/stats", path);
	return access(stats, R_OK) == 0;
}

static int find_above(const char *path, char out[PATH_MAX], struct error *err)
{
	if (!realpath(path, out))
		return error_set(err, -errno, "%s: %s.", path, strerror(errno));
	while (!is_root(out)) {
		char *slash = strrchr(out, '/');
		if (!slash || slash == out)
			return error_set(err, -ENOENT,
				"%s is not in a kiefs mount. Name a mount or a path in one.", path);
		*slash = '\0';
	}
	return 0;
}

static int choose(size_t count, const char *list, struct error *err)
{
	if (count == 0)
		return error_set(err, -ENOENT,
			"There is no kiefs mount. Make one (kiefs MOUNTPOINT), or name the path of "
			"one.");
	return error_set(
		err, -ENOENT, "There are %zu kiefs mounts; name one of them:%s.", count, list);
}

static int find_only(char out[PATH_MAX], struct error *err)
{
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	const struct mntent *mount;
	struct buf list;
	size_t count = 0;

	if (!mounts)
		return error_set(
			err, -errno, "/proc/self/mounts cannot be read: %s.", strerror(errno));
	buf_init(&list, MOUNTS_MAX);
	while ((mount = getmntent(mounts))) {
		if (strcmp(mount->mnt_type, "fuse.kiefs") != 0)
			continue;
		buf_addf(&list, " %s", mount->mnt_dir);
		snprintf(out, PATH_MAX, "%s", mount->mnt_dir);
		count++;
	}
	endmntent(mounts);
	int r = count == 1 ? 0 : choose(count, list.data ? list.data : "", err);
	buf_finish(&list);
	return r;
}

int root_find(const char *path, char out[PATH_MAX], struct error *err)
{
	return path ? find_above(path, out, err) : find_only(out, err);
}
