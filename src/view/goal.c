#include "goal.h"

#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "kiefs/error.h"
#include "root.h"

/* Folders that are open at once while one is walked. */
#define WALK_FDS 16

/* "DIR/NAME" with another ending; NULL: out of memory. */
static char *beside(const char *path, const char *ending)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(slash ? slash + 1 : path, '.');
	char *out = NULL;

	int len = dot ? (int)(dot - path) : (int)strlen(path);
	return asprintf(&out, "%.*s%s", len, path, ending) < 0 ? NULL : out;
}

static bool is_there(const char *path, const char *ending)
{
	char *other = beside(path, ending);
	bool there = other && access(other, F_OK) == 0;

	free(other);
	return there;
}

/* The task's directory by the link beside the request. Asked before all else: the lookup waits for
 * a close() that is under way. NULL: there is none. */
static char *by_link(const char *path)
{
	char *link = beside(path, ".task");
	char *folder = link ? realpath(link, NULL) : NULL;

	free(link);
	return folder;
}

/* The task's directory by the attribute that requests and results have. NULL: it has none. */
static char *by_attribute(const char *path)
{
	char number[32], root[PATH_MAX];
	char *out = NULL;
	ssize_t n = getxattr(path, "user.kiefs.task", number, sizeof(number) - 1);

	if (n <= 0 || root_find(path, root, NULL) < 0)
		return NULL;
	number[n] = '\0';
	return asprintf(&out, "%s/tasks/all/%s", root, number) < 0 ? NULL : out;
}

static char *as_task_directory(const char *path)
{
	char control[PATH_MAX];

	if ((size_t)snprintf(control, sizeof(control), "%s/meta.json", path) >= sizeof(control) ||
		access(control, F_OK) < 0)
		return NULL;
	return realpath(path, NULL);
}

int goal_look(struct goal *goal)
{
	char *folder = by_link(goal->path);

	if (!folder)
		folder = by_attribute(goal->path);
	goal->kind = GOAL_TASK;
	if (!folder && is_there(goal->path, ".wait")) {
		goal->kind = GOAL_PENDING;
		return 0;
	}
	if (!folder && is_there(goal->path, ".error")) {
		goal->kind = GOAL_REFUSED;
		folder = beside(goal->path, ".error");
	}
	free(goal->folder);
	goal->folder = folder;
	return folder ? 0 : -ENOENT;
}

static bool has(const struct goals *goals, const struct goal *goal)
{
	for (size_t i = 0; goal->folder && i < goals->count; i++)
		if (goals->all[i].folder && strcmp(goals->all[i].folder, goal->folder) == 0)
			return true;
	return false;
}

/* Takes ownership of what is in `goal`. */
static int add(struct goals *goals, struct goal *goal)
{
	if (has(goals, goal)) {
		free(goal->path);
		free(goal->folder);
		return 0;
	}
	if (goals->count == goals->capacity) {
		size_t capacity = goals->capacity ? 2 * goals->capacity : 16;
		struct goal *all = reallocarray(goals->all, capacity, sizeof(*all));
		if (!all) {
			free(goal->path);
			free(goal->folder);
			return -ENOMEM;
		}
		goals->all = all;
		goals->capacity = capacity;
	}
	goals->all[goals->count++] = *goal;
	return 0;
}

static int add_file(struct goals *goals, const char *path)
{
	struct goal goal = {.path = strdup(path)};

	if (!goal.path)
		return -ENOMEM;
	int r = goal_look(&goal);
	if (r == 0)
		return add(goals, &goal);
	free(goal.path);
	return r;
}

/* nftw() tells its callback nothing of ours. */
static struct goals *walked;

/* What tells of a request is not looked at beside it. */
static int walk(const char *path, const struct stat *st, int type, struct FTW *at)
{
	const char *dot = strrchr(path + at->base, '.');

	if (type != FTW_F || path[at->base] == '.')
		return 0;
	if (dot && (strcmp(dot, ".error") == 0 || strcmp(dot, ".status") == 0))
		return 0;
	int r = add_file(walked, path);
	return r == -ENOENT ? 0 : r;
}

static int add_folder(struct goals *goals, const char *path)
{
	size_t before = goals->count;

	walked = goals;
	int r = nftw(path, walk, WALK_FDS, FTW_PHYS);
	if (r < 0 && r != -ENOMEM)
		r = -errno;
	return r == 0 && goals->count == before ? -ENOENT : r;
}

int goals_add(struct goals *goals, const char *path, struct error *err)
{
	struct goal goal = {.kind = GOAL_TASK, .folder = as_task_directory(path)};
	struct stat st;
	int r;

	if (goal.folder) {
		goal.path = strdup(path);
		r = goal.path ? add(goals, &goal) : -ENOMEM;
	} else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		r = add_folder(goals, path);
	} else {
		r = add_file(goals, path);
	}
	if (r == -ENOENT)
		error_set(err, r,
			"%s is no request that was sent, nothing that came of one, and no folder "
			"with any. Name a request (fox.txt), a result, a folder of them, or "
			"tasks/all/N.",
			path);
	else if (r < 0)
		error_set(err, r, "%s: %s.", path, strerror(-r));
	return r;
}

void goals_finish(struct goals *goals)
{
	for (size_t i = 0; i < goals->count; i++) {
		free(goals->all[i].path);
		free(goals->all[i].folder);
	}
	free(goals->all);
	*goals = (struct goals){0};
}
