/* Files that are made when looked at: from the catalogue, the index, the daemon's own state. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs.h"
#include "gallery.h"
#include "kiefs/buf.h"
#include "kiefs/callback.h"
#include "kiefs/catalogue.h"
#include "kiefs/clock.h"
#include "kiefs/describe.h"
#include "kiefs/inode.h"
#include "kiefs/input.h"
#include "kiefs/store_upload.h"
#include "kiefs/utf8.h"

#define LOG_LINES 1000

/* A file of the state directory that may not be there yet. */
static int text_file(const char *path, struct buf *out)
{
	char block[4096];
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = 0;

	if (fd < 0)
		return path && errno != ENOENT ? -errno : 0;
	while ((n = read(fd, block, sizeof(block))) > 0)
		buf_add(out, block, (size_t)n);
	int r = n < 0 ? -errno : out->error;
	close(fd);
	return r;
}

static int model_text(struct fs *fs, const struct model *model, struct buf *out)
{
	int r = describe_readme(model, out);

	return r < 0 ? r : describe_follow(fs_catalogue(fs), model, out);
}

static int static_text(struct fs *fs, const struct tree_node *node, struct buf *out)
{
	switch (node->kind) {
	case TREE_README:
		return node->model ? model_text(fs, node->model, out)
				   : describe_mount(fs_catalogue(fs), out);
	case TREE_SCHEMA:
		return describe_schema(node->model, out);
	case TREE_EXAMPLE:
		return describe_example(node->model, out);
	case TREE_STATS:
		return stats_print(fs, out);
	case TREE_LOG:
		return store_log_tail(fs->store, LOG_LINES, out);
	case TREE_ERRORS:
		errors_print(fs, out);
		return out->error;
	case TREE_CATALOG:
		return catalogue_print(fs_catalogue(fs), out);
	case TREE_MAPPING_REPORT:
		return buf_adds(out, catalogue_mapping_report(fs_catalogue(fs)));
	case TREE_CATALOG_REPORT:
		return text_file(fs->report_path, out);
	case TREE_CONFIG:
		return buf_adds(out, fs->config_text);
	case TREE_PAGE:
		return gallery_page(out);
	case TREE_CALLBACK:
		return callback_print(fs->callback, fs->callback_address, out);
	case TREE_CREDITS:
	case TREE_ACCOUNT_STATUS:
	case TREE_SPEND:
	case TREE_LIMITS:
		return account_text(fs, node->kind, out);
	default:
		return -EISDIR;
	}
}

static void add_time(cJSON *object, const char *name, int64_t ms)
{
	char when[32];

	if (ms == 0) {
		cJSON_AddNullToObject(object, name);
		return;
	}
	clock_format(ms, when, sizeof(when));
	cJSON_AddStringToObject(object, name, when);
}

static void add_number(cJSON *object, const char *name, double value)
{
	if (value < 0)
		cJSON_AddNullToObject(object, name);
	else
		cJSON_AddNumberToObject(object, name, value);
}

/* A file's name need not be UTF-8, but JSON must be. */
static void add_text(cJSON *object, const char *name, const char *text)
{
	char *plain;

	if (!text) {
		cJSON_AddNullToObject(object, name);
		return;
	}
	if (utf8_is_valid(text, strlen(text))) {
		cJSON_AddStringToObject(object, name, text);
		return;
	}
	plain = strdup(text);
	for (char *c = plain; c && *c; c++)
		if (*c & 0x80)
			*c = '?';
	cJSON_AddStringToObject(object, name, plain ? plain : "");
	free(plain);
}

static int add_results(struct fs *fs, int64_t task, cJSON *object)
{
	struct result *results = calloc(RESULTS_MAX, sizeof(*results));
	cJSON *array = cJSON_AddArrayToObject(object, "results");
	char name[RESULT_NAME_SIZE];

	if (!results)
		return -ENOMEM;
	int n = store_result_list(fs->store, task, results, RESULTS_MAX);
	for (int i = 0; i < n; i++) {
		cJSON *item = cJSON_CreateObject();
		result_name(results, n, i, name);
		add_text(item, "file", results[i].whole && !results[i].removed ? name : NULL);
		cJSON_AddBoolToObject(item, "whole", results[i].whole);
		cJSON_AddBoolToObject(item, "removed", results[i].removed);
		add_text(item, "type", results[i].mime);
		cJSON_AddNumberToObject(item, "size", (double)results[i].size);
		add_text(item, "sha256", results[i].sha256);
		cJSON_AddItemToArray(array, item);
	}
	for (int i = 0; i < n; i++)
		result_finish(&results[i]);
	free(results);
	return n < 0 ? n : 0;
}

static int add_inputs(struct fs *fs, int64_t task, cJSON *object)
{
	static const char *const kinds[] = {"file", "task", "track", "index"};
	struct input *inputs = calloc(INPUTS_MAX, sizeof(*inputs));
	cJSON *array = cJSON_AddArrayToObject(object, "inputs");

	if (!inputs)
		return -ENOMEM;
	int n = store_input_list(fs->store, task, inputs, INPUTS_MAX);
	for (int i = 0; i < n; i++) {
		cJSON *item = cJSON_CreateObject();
		add_text(item, "kind", kinds[inputs[i].kind]);
		add_text(item, "place", inputs[i].place);
		add_text(item, "name", inputs[i].name);
		if (inputs[i].parent)
			cJSON_AddNumberToObject(item, "task", (double)inputs[i].parent);
		add_text(item, "value", inputs[i].value);
		cJSON_AddItemToArray(array, item);
		input_finish(&inputs[i]);
	}
	free(inputs);
	return n < 0 ? n : 0;
}

static int meta_text(struct fs *fs, const struct task *task, struct buf *out)
{
	cJSON *meta = cJSON_CreateObject();

	cJSON_AddNumberToObject(meta, "task", (double)task->id);
	add_text(meta, "model", task->model);
	add_text(meta, "name", task->name);
	add_text(meta, "state", task_state_name(task->state));
	add_text(meta, "held_for", task->state == TASK_HELD ? task_hold_name(task->hold) : NULL);
	add_text(meta, "remote_id", task->remote_id);
	add_text(meta, "remote_state", task->remote_state);
	add_number(meta, "progress", task->progress);
	add_time(meta, "created", task->created_ms);
	add_time(meta, "submitted", task->submitted_ms);
	add_time(meta, "ended", task->ended_ms);
	if (task->estimate < 0)
		add_text(meta, "price", "unknown");
	else
		cJSON_AddNumberToObject(meta, "price", task->estimate);
	add_number(meta, "credits", task->credits);
	add_text(meta, "source_sha256", task->source_sha);
	int r = add_inputs(fs, task->id, meta);
	if (r == 0)
		r = add_results(fs, task->id, meta);
	char *text = r == 0 ? cJSON_Print(meta) : NULL;
	if (r == 0)
		r = text ? buf_addf(out, "%s\n", text) : -ENOMEM;
	cJSON_free(text);
	cJSON_Delete(meta);
	return r;
}

static int status_text(struct fs *fs, const struct task *task, int64_t now_ms, struct buf *out)
{
	char line[128];
	int64_t size = task->state == TASK_RUNNING ? talk_size(fs, task->id) : -1;

	task_status_line(task, now_ms, line, sizeof(line));
	if (size >= 1024)
		return buf_addf(out, "%s %.1f KB\n", line, (double)size / 1024);
	if (size >= 0)
		return buf_addf(out, "%s %lld B\n", line, (long long)size);
	return buf_addf(out, "%s\n", line);
}

static int upload_status(struct fs *fs, int64_t id, int64_t now_ms, struct buf *out)
{
	struct entry entry;
	int r = store_entry_get(fs->store, id, &entry);

	return r < 0 ? r : store_outgoing_status(fs->store, entry.owner, now_ms, out);
}

int text_status(struct fs *fs, int64_t id, int64_t entry, int64_t now_ms, struct buf *out)
{
	struct task task = {0};
	int r;

	if (!id)
		return upload_status(fs, entry, now_ms, out);
	r = store_task_get(fs->store, id, &task);
	if (r == 0)
		r = status_text(fs, &task, now_ms, out);
	task_finish(&task);
	return r;
}

static int error_text_of(const struct task *task, struct buf *out)
{
	char advice[TASK_TEXT_SIZE];

	if (!task->error)
		return 0;
	task_advice(task, advice, sizeof(advice));
	return buf_addf(out, "%s\n%s", task->error, advice);
}

static int task_text(struct fs *fs, int64_t id, int slot, struct buf *out)
{
	struct task task = {0};
	int r = store_task_get(fs->store, id, &task);

	if (r < 0)
		return r;
	switch (slot) {
	case SLOT_REQUEST:
		/* As it is sent; before that some values are not known yet. */
		r = store_input_body(fs->store, id, out);
		if (r == -ENODATA)
			r = store_task_body(fs->store, id, out);
		break;
	case SLOT_STATUS:
		r = status_text(fs, &task, clock_now_ms(), out);
		break;
	case SLOT_LOG:
		r = store_log_task(fs->store, id, out);
		break;
	case SLOT_RECORD:
		r = store_task_record(fs->store, id, out);
		break;
	case SLOT_META:
		r = meta_text(fs, &task, out);
		break;
	case SLOT_ERROR:
		r = error_text_of(&task, out);
		break;
	default:
		r = -EINVAL;
		break;
	}
	task_finish(&task);
	return r;
}

static int entry_text(struct fs *fs, int64_t id, struct buf *out)
{
	struct entry entry;
	int64_t mtime_ms;
	int r = store_entry_get(fs->store, id, &entry);

	if (r < 0)
		return r;
	if (entry.kind == ENTRY_ERROR || entry.kind == ENTRY_URL)
		return store_entry_text(fs->store, id, out);
	if (entry.kind == ENTRY_TALK)
		return talk_make(fs, &entry, out, &mtime_ms);
	return entry.kind == ENTRY_STATUS
		       ? text_status(fs, entry.task, entry.id, clock_now_ms(), out)
		       : -EINVAL;
}

int text_make(struct fs *fs, uint64_t inode, struct buf *out)
{
	const struct tree_node *node;

	switch (inode_kind(inode)) {
	case INODE_STATIC:
		node = tree_find(fs_tree(fs), inode);
		return node ? static_text(fs, node, out) : -ENOENT;
	case INODE_TASK:
		return task_text(fs, inode_task_id(inode), inode_task_slot(inode), out);
	case INODE_ENTRY:
		return entry_text(fs, inode_entry_id(inode), out);
	case INODE_GALLERY:
		return gallery_data(fs, inode, out);
	case INODE_LINK:
	case INODE_DAY:
	case INODE_DAY_LINK:
	case INODE_HOME:
	case INODE_WAIT:
	case INODE_SEARCH:
		break;
	}
	return -EINVAL;
}
