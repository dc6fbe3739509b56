/* The media files that lie beside a request. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inputs.h"
#include "kiefs/media.h"
#include "kiefs/request.h"

/* A result that this very request has made is no input of it. */
static bool is_own_result(struct fs *fs, const struct asker *asker, const struct entry *entry)
{
	struct task task = {0};
	bool own;

	if (entry->kind != ENTRY_RESULT)
		return false;
	if (store_task_get(fs->store, entry->task, &task) < 0)
		return true;
	own = task.dir == asker->dir && strcmp(task.name, asker->name) == 0;
	task_finish(&task);
	return own || (entry->owner && entry->owner == asker->entry);
}

/* -1: not of the stem; 0: `fox.png`; N: `fox-N.png`. */
static long number_of(const char *name, size_t stem)
{
	char *end;

	if (name[stem] == '.')
		return strchr(name + stem + 1, '.') ? -1 : 0;
	if (name[stem] != '-' || name[stem + 1] < '1' || name[stem + 1] > '9')
		return -1;
	long number = strtol(name + stem + 1, &end, 10);
	return *end == '.' && !strchr(end + 1, '.') && number < 100000 ? number : -1;
}

struct sibling {
	long number;
	char *name;
};

static int by_number(const void *a, const void *b)
{
	const struct sibling *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* `fox-1.png` belongs to `fox-1.txt` when that stands there too. */
static bool has_own_request(struct fs *fs, uint64_t dir, const char *name)
{
	char stem[ENTRY_NAME_MAX + 1];
	struct entry request;

	snprintf(stem, sizeof(stem), "%.*s", (int)(strrchr(name, '.') - name), name);
	return store_entry_by_stem(fs->store, dir, stem, &request) == 0 &&
	       request_form(request.name) != REQUEST_NONE;
}

#define SIBLINGS_AT_ONCE 64

static int add_siblings(struct fs *fs, const struct asker *asker, size_t stem,
	const struct entry *entries, int n, struct sibling *list, size_t *count)
{
	for (int i = 0; i < n && *count < INPUTS_MAX; i++) {
		const struct entry *entry = &entries[i];
		long number = number_of(entry->name, stem);

		if (number < 0 || entry->id == asker->entry ||
			media_of_name(entry->name) == MEDIA_NONE ||
			(entry->kind != ENTRY_FILE && entry->kind != ENTRY_RESULT) ||
			is_own_result(fs, asker, entry) ||
			(number > 0 && has_own_request(fs, asker->dir, entry->name)))
			continue;
		list[*count] = (struct sibling){number, strdup(entry->name)};
		if (!list[(*count)++].name)
			return -ENOMEM;
	}
	return 0;
}

int inputs_siblings(struct fs *fs, const struct asker *asker, char ***names, size_t *count)
{
	size_t stem = request_stem_length(asker->name), found = 0;
	struct sibling *list = calloc(INPUTS_MAX, sizeof(*list));
	struct entry *entries = calloc(SIBLINGS_AT_ONCE, sizeof(*entries));
	char **out = calloc(INPUTS_MAX, sizeof(*out));
	char after[ENTRY_NAME_MAX + 1] = "", stem_text[ENTRY_NAME_MAX + 1];
	int n = SIBLINGS_AT_ONCE, r = list && entries && out ? 0 : -ENOMEM;

	snprintf(stem_text, sizeof(stem_text), "%.*s", (int)stem, asker->name);
	while (r == 0 && n == SIBLINGS_AT_ONCE && found < INPUTS_MAX) {
		n = store_entry_siblings(
			fs->store, asker->dir, stem_text, after, entries, SIBLINGS_AT_ONCE);
		r = n < 0 ? n : add_siblings(fs, asker, stem, entries, n, list, &found);
		if (n > 0)
			snprintf(after, sizeof(after), "%s", entries[n - 1].name);
	}
	if (found)
		qsort(list, found, sizeof(*list), by_number);
	for (size_t i = 0; i < found; i++)
		if (r == 0)
			out[i] = list[i].name;
		else
			free(list[i].name);
	free(list);
	free(entries);
	if (r < 0) {
		free(out);
		return r;
	}
	*names = out;
	*count = found;
	return 0;
}

void inputs_free_names(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}
