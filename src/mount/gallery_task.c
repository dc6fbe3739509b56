/* A task as gallery.html shows it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs.h"
#include "gallery.h"
#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/clock.h"
#include "kiefs/files.h"
#include "kiefs/request.h"
#include "kiefs/script.h"

/* What is shown of longer ones (bytes). */
#define PROMPT_SHOWN 2000
#define ERROR_SHOWN 600
#define TEXT_SHOWN 1200
/* A page holds many requests: the prompt of one that is larger is not looked for (bytes). */
#define BODY_READ (256u << 10)
/* Results of one task that are shown; the rest is counted. */
#define RESULTS_SHOWN 24

/* Cut between characters. */
static void add_cut(struct buf *out, const char *text, size_t len, size_t max)
{
	if (len > max) {
		len = max;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	script_add_text(out, text, len);
}

static int add_prompt(struct fs *fs, const struct task *task, struct buf *out)
{
	const struct model *model = catalogue_find(fs_catalogue(fs), task->model);
	struct buf body;
	char *prompt = NULL;

	buf_init(&body, BODY_READ);
	int r = store_task_body(fs->store, task->id, &body);
	if (r == 0)
		r = request_prompt(model, body.data ? body.data : "", body.len, &prompt);
	buf_finish(&body);
	if (r == 0) {
		buf_adds(out, ",\"prompt\":");
		add_cut(out, prompt, strlen(prompt), PROMPT_SHOWN);
	}
	free(prompt);
	return r == -ENOENT || r == -EFBIG ? 0 : r;
}

/* Where the request stands, as long as it does. */
static int add_request(struct fs *fs, const struct task *task, const char *folder, struct buf *out)
{
	char path[PATH_SIZE + ENTRY_NAME_MAX + 1];
	struct entry entry;
	int r = *folder ? store_entry_lookup(fs->store, task->dir, task->name, &entry) : -ENOENT;

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s%s", folder, task->name);
	buf_adds(out, ",\"request\":");
	return script_add_address(out, path);
}

/* The beginning of an answer in text. */
static int add_excerpt(struct fs *fs, const struct result *result, struct buf *out)
{
	char text[TEXT_SHOWN + 1];
	int fd = files_open_result(fs->files, result->task, result->index, 0);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	ssize_t n = pread(fd, text, sizeof(text), 0);
	close(fd);
	if (n < 0)
		return -EIO;
	buf_adds(out, ",\"text\":");
	add_cut(out, text, (size_t)n, TEXT_SHOWN);
	return 0;
}

/* The name that the result has beside its request, or wherever it was moved. */
static int add_named(
	struct fs *fs, const struct result *result, const char *fallback, struct buf *out)
{
	char path[PATH_SIZE + ENTRY_NAME_MAX + 1] = "";
	struct entry entry;
	int r = result->entry ? store_entry_get(fs->store, result->entry, &entry) : -ENOENT;

	if (r == 0)
		r = place_path(fs, entry.dir, path, PATH_SIZE);
	if (r == -ENOENT || r == -ENAMETOOLONG) {
		buf_adds(out, ",\"name\":");
		return script_add_string(out, fallback);
	}
	if (r < 0)
		return r;
	strcat(path, entry.name);
	buf_adds(out, ",\"named\":");
	script_add_address(out, path);
	buf_adds(out, ",\"name\":");
	return script_add_string(out, entry.name);
}

static int add_result(
	struct fs *fs, const struct result *results, int count, int at, struct buf *out)
{
	const struct result *result = &results[at];
	char name[RESULT_NAME_SIZE], path[RESULT_NAME_SIZE + 48];

	result_name(results, count, at, name);
	snprintf(path, sizeof(path), "tasks/all/%lld/%s", (long long)result->task, name);
	buf_adds(out, "{\"file\":");
	script_add_address(out, path);
	buf_adds(out, ",\"type\":");
	script_add_string(out, result->mime);
	buf_addf(out, ",\"size\":%lld", (long long)result->size);
	int r = add_named(fs, result, name, out);
	if (r == 0 && (strncmp(result->mime, "text/", 5) == 0 ||
			      strcmp(result->mime, "application/json") == 0))
		r = add_excerpt(fs, result, out);
	buf_adds(out, "}");
	return r;
}

static int add_results(struct fs *fs, const struct task *task, struct buf *out)
{
	struct result *results = calloc(RESULTS_MAX, sizeof(*results));
	int shown = 0, more = 0, r = 0;

	if (!results)
		return -ENOMEM;
	int n = store_result_list(fs->store, task->id, results, RESULTS_MAX);
	buf_adds(out, ",\"results\":[");
	for (int i = 0; i < n && r == 0; i++) {
		if (!results[i].whole || results[i].removed)
			continue;
		if (shown == RESULTS_SHOWN) {
			more++;
			continue;
		}
		buf_adds(out, shown++ ? "," : "");
		r = add_result(fs, results, n, i, out);
	}
	buf_addf(out, "],\"more\":%d", more);
	for (int i = 0; i < n; i++)
		result_finish(&results[i]);
	free(results);
	return n < 0 ? n : r;
}

static void add_facts(const struct task *task, struct buf *out)
{
	buf_addf(out, "{\"task\":%lld,\"state\":\"%s\",\"model\":", (long long)task->id,
		task_state_name(task->state));
	script_add_string(out, task->model);
	buf_adds(out, ",\"name\":");
	script_add_string(out, task->name);
	buf_addf(out, ",\"created\":%lld,\"submitted\":%lld,\"ended\":%lld",
		(long long)task->created_ms, (long long)task->submitted_ms,
		(long long)task->ended_ms);
	buf_adds(out, ",\"price\":");
	script_add_number(out, task->estimate);
	buf_adds(out, ",\"credits\":");
	script_add_number(out, task->credits);
	if (task->error) {
		buf_adds(out, ",\"error\":");
		add_cut(out, task->error, strlen(task->error), ERROR_SHOWN);
	}
}

static void add_progress(const struct task *task, struct buf *out)
{
	char line[TASK_STATUS_MAX + 1];

	task_status_line(task, clock_now_ms(), line, sizeof(line));
	buf_adds(out, ",\"status\":");
	script_add_string(out, line);
	buf_addf(out, ",\"progress\":%d", task->progress);
}

int gallery_task(struct fs *fs, int64_t id, bool live, struct buf *out)
{
	struct task task = {0};
	char folder[PATH_SIZE] = "";
	int r = store_task_get(fs->store, id, &task);

	if (r < 0)
		return r;
	/* The model may have gone from the catalogue, and its directory with it. */
	if (!task.attached || place_path(fs, task.dir, folder, sizeof(folder)) < 0)
		*folder = '\0';
	add_facts(&task, out);
	if (live)
		add_progress(&task, out);
	r = add_prompt(fs, &task, out);
	if (r == 0)
		r = add_request(fs, &task, folder, out);
	if (r == 0)
		r = add_results(fs, &task, out);
	buf_adds(out, "}");
	task_finish(&task);
	return r < 0 ? r : out->error;
}
