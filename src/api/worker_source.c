/* The files that go up: opening them, telling what is in them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kiefs/content.h"
#include "kiefs/digest.h"
#include "kiefs/files.h"
#include "kiefs/store_upload.h"
#include "worker_private.h"

/* Bytes of a file that is read through without leaving the loop waiting. */
#define DIGEST_AT_ONCE (4 << 20)
#define EXTENSION_MAX 8

/* What is wrong with one file must not look like what is wrong with the index. */
static int file_error(int r)
{
	return r == -EIO || r == -ESTALE || r == -ETIMEDOUT || r == -EMFILE || r == -ENFILE ? -EBUSY
											    : r;
}

/* The number of the task's first result when `index` is 0. -ENOENT: it is not on disk. */
static int find_result(struct worker *worker, int64_t task, int index, struct result *out)
{
	struct result *all;
	int n, r = -ENOENT;

	if (index > 0) {
		r = store_result_get(worker->options.store, task, index, out);
		if (r == 0 && (!out->whole || out->removed)) {
			result_finish(out);
			r = -ENOENT;
		}
		return r;
	}
	all = calloc(RESULTS_MAX, sizeof(*all));
	if (!all)
		return -ENOMEM;
	n = store_result_list(worker->options.store, task, all, RESULTS_MAX);
	for (int i = 0; i < n; i++) {
		if (r == -ENOENT && all[i].whole && !all[i].removed) {
			*out = all[i];
			r = 0;
		} else {
			result_finish(&all[i]);
		}
	}
	free(all);
	return n < 0 ? n : r;
}

int source_open(struct worker *worker, const struct source *source, int *fd)
{
	struct result result = {0};
	int r = 0;

	if (source->entry) {
		r = file_error(files_open_entry(worker->options.files, source->entry, O_RDONLY));
	} else if (source->parent) {
		r = find_result(worker, source->parent, source->result, &result);
		if (r == 0)
			r = file_error(files_open_result(
				worker->options.files, result.task, result.index, O_RDONLY));
		result_finish(&result);
	} else {
		r = -ENOENT;
	}
	if (r < 0)
		return r;
	*fd = r;
	return 0;
}

int source_stat(int fd, int64_t *size, int64_t *changed_ns)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return file_error(-errno);
	*size = st.st_size;
	*changed_ns = st.st_ctim.tv_sec * 1000000000LL + st.st_ctim.tv_nsec;
	return 0;
}

int source_digest(
	struct worker *worker, const struct source *source, int fd, bool look, char sha256[65])
{
	struct result result = {0};
	int64_t size = 0, changed_ns = 0;
	int r;

	if (!source->entry) {
		r = find_result(worker, source->parent, source->result, &result);
		if (r == 0)
			snprintf(sha256, 65, "%s", result.sha256);
		result_finish(&result);
		return r;
	}
	r = source_stat(fd, &size, &changed_ns);
	if (r == 0)
		r = store_digest_get(
			worker->options.store, source->entry, size, changed_ns, sha256);
	if (r != -ENOENT)
		return r;
	if (!look || size > DIGEST_AT_ONCE)
		return -EAGAIN;
	r = file_error(digest_file(fd, sha256));
	return r < 0 ? r
		     : store_digest_put(
			       worker->options.store, source->entry, size, changed_ns, sha256);
}

static bool is_extension(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

	return len > 0 && len <= EXTENSION_MAX && text[len] == '\0';
}

/* The user's own, as that is what a request's field was checked by. */
void source_extension(
	struct worker *worker, const struct source *source, int fd, char *out, size_t size)
{
	char head[CONTENT_HEAD];
	struct content content;
	struct entry entry;
	const char *dot = NULL;

	if (source->entry && store_entry_get(worker->options.store, source->entry, &entry) == 0)
		dot = strrchr(entry.name, '.');
	if (dot && is_extension(dot + 1)) {
		snprintf(out, size, "%s", dot + 1);
		return;
	}
	ssize_t n = pread(fd, head, sizeof(head), 0);
	content_identify(head, n > 0 ? (size_t)n : 0, NULL, NULL, &content);
	snprintf(out, size, "%s", content.extension);
}
