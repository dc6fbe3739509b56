/* What somebody waits for: tasks, by the paths that stand for them in a mount. */
#pragma once

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum goal_kind {
	GOAL_TASK,
	GOAL_PENDING, /* a request that somebody is still writing */
	GOAL_REFUSED, /* not acceptable: nothing comes of it */
};

struct goal {
	enum goal_kind kind;
	char *path;   /* as it was named, or found in a folder that was */
	char *folder; /* .../tasks/all/N of a task; of what was refused, its .error file; or NULL */
};

struct goals {
	struct goal *all;
	size_t count, capacity;
};

/*
 * Adds what the path stands for: a request, a result, a task's directory, a conversation's prompt,
 * or a folder with any of these in it. No task twice. -ENOENT: it stands for none, and `err` says
 * so; -ENOMEM.
 */
int goals_add(struct goals *goals, const char *path, struct error *err);
/* Looks again at one that was pending. */
int goal_look(struct goal *goal);
/* Frees; accepts a zeroed struct. */
void goals_finish(struct goals *goals);
