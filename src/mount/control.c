/* Words written to control files, the list of refusals, and the statistics. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs.h"
#include "kiefs/buf.h"
#include "kiefs/callback.h"
#include "kiefs/catalogue.h"
#include "kiefs/clock.h"
#include "kiefs/error.h"
#include "kiefs/worker.h"

static const struct {
	const char *word;
	enum task_event_kind event;
	const char *log;
	const char *needs; /* what the task must be */
	bool alone;
} task_words[] = {
	{"resend", EVENT_RESEND, "resend: the user's word", "uncertain", true},
	{"retry", EVENT_RETRY, "retry: the user's word", "failed, lost or cancelled", true},
	{"fetch", EVENT_REFRESH, "fetch: the user's word", "lost", false},
	{"cancel", EVENT_CANCEL, "cancelled by the user", "not sent yet", false},
};

static int refuse_word(struct fs *fs, const char *where, const char *word, const char *known)
{
	char text[400];

	snprintf(text, sizeof(text), "\"%.100s\" is no control word here; known are: %s.", word,
		known);
	errors_add(fs, where, text);
	return -EINVAL;
}

static void refuse_turn(struct fs *fs, int64_t id, const char *word)
{
	char where[48], text[300];
	int64_t other = 0;
	uint64_t dir;

	if (store_turn_dir(fs->store, id, &dir) < 0 ||
		store_turn_active(fs->store, dir, id, &other) < 0)
		other = 0;
	snprintf(where, sizeof(where), "tasks/all/%lld/control", (long long)id);
	snprintf(text, sizeof(text),
		"%s was not done: another turn of the same conversation (task %lld) is not "
		"answered yet. Read its prompt.wait, which returns when it is, then write %s "
		"again.",
		word, (long long)other, word);
	errors_add(fs, where, text);
}

static int task_event(struct fs *fs, int64_t id, size_t which)
{
	struct task_event event = {
		.kind = task_words[which].event, .progress = -1, .credits = -1, .wait_ms = -1};
	struct task_update update = {
		.log = task_words[which].log, .alone = task_words[which].alone};
	struct changes changes = {0};
	struct task task = {0}, next;
	char where[48], text[200];
	int r;

	/* The worker may move the task between the reading and the writing: look again. */
	do {
		task_finish(&task);
		r = store_task_get(fs->store, id, &task);
		if (r == 0)
			r = task_step(&task, &event, clock_now_ms(), &next);
		if (r == 0)
			r = store_task_apply(
				fs->store, &task, &next, &update, clock_now_ms(), &changes);
	} while (r == -ESTALE);
	if (r == -EBUSY)
		refuse_turn(fs, id, task_words[which].word);
	if (r == -EPROTO) {
		snprintf(where, sizeof(where), "tasks/all/%lld/control", (long long)id);
		snprintf(text, sizeof(text), "%s is for a task that is %s; this one is %s.",
			task_words[which].word, task_words[which].needs,
			task_state_name(task.state));
		errors_add(fs, where, text);
		r = -EINVAL;
	}
	task_finish(&task);
	if (r == 0) {
		notifier_queue(fs, &changes);
		worker_wake(fs->worker);
	}
	return r;
}

/* "add-model acme/new" */
static int mount_command(struct fs *fs, char *word)
{
	struct error err = {0};
	char *argument = word + strcspn(word, " \t");

	if (*argument)
		*argument++ = '\0';
	argument += strspn(argument, " \t");
	int r = fs->command(word, argument, fs->context, &err);
	if (r < 0)
		errors_add(fs, ".kiefs/control", error_text(&err));
	error_finish(&err);
	return r;
}

int control_write(struct fs *fs, int64_t task, const char *text, size_t len)
{
	char word[256];

	while (len > 0 && strchr(" \t\r\n", text[len - 1]))
		len--;
	while (len > 0 && strchr(" \t", *text))
		text++, len--;
	if (len == 0)
		return 0;
	if (len >= sizeof(word))
		return -EINVAL;
	memcpy(word, text, len);
	word[len] = '\0';
	if (task == 0)
		return mount_command(fs, word);
	for (size_t i = 0; i < sizeof(task_words) / sizeof(task_words[0]); i++)
		if (strcmp(word, task_words[i].word) == 0)
			return task_event(fs, task, i);
	return refuse_word(fs, "control", word, "resend, retry, fetch, cancel");
}

void errors_add(struct fs *fs, const char *where, const char *text)
{
	struct errors *errors = &fs->errors;
	char when[32], *line = NULL;

	clock_format(clock_now_ms(), when, sizeof(when));
	if (asprintf(&line, "%s %s: %s", when, where, text) < 0)
		return;
	size_t said = strlen(when);
	/* A name may hold anything; a line is a line. */
	for (char *p = line + said; p < line + said + 1 + strlen(where); p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	pthread_mutex_lock(&errors->lock);
	/* The write that completes a document and the close refuse the same thing. */
	unsigned last = (errors->next + ERRORS_KEPT - 1) % ERRORS_KEPT;
	if (!errors->lines[last] || strlen(errors->lines[last]) < said ||
		strcmp(errors->lines[last] + said, line + said) != 0)
		last = errors->next++ % ERRORS_KEPT;
	free(errors->lines[last]);
	errors->lines[last] = line;
	pthread_mutex_unlock(&errors->lock);
}

void errors_print(struct fs *fs, struct buf *out)
{
	struct errors *errors = &fs->errors;

	pthread_mutex_lock(&errors->lock);
	for (unsigned i = 0; i < ERRORS_KEPT; i++) {
		const char *line = errors->lines[(errors->next + i) % ERRORS_KEPT];
		if (line)
			buf_addf(out, "%s\n", line);
	}
	pthread_mutex_unlock(&errors->lock);
}

void errors_finish(struct fs *fs)
{
	for (unsigned i = 0; i < ERRORS_KEPT; i++)
		free(fs->errors.lines[i]);
}

static void counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
	buf_addf(out, "# HELP kiefs_%s %s\n# TYPE kiefs_%s counter\nkiefs_%s %llu\n", name, help,
		name, name, (unsigned long long)value);
}

int stats_print(struct fs *fs, struct buf *out)
{
	int64_t counts[TASK_STATE_COUNT];
	struct worker_stats stats = {0};
	int r = store_task_counts(fs->store, counts);

	if (r < 0)
		return r;
	if (fs->worker)
		worker_stats_get(fs->worker, &stats);
	buf_adds(out, "# HELP kiefs_tasks Tasks by state.\n# TYPE kiefs_tasks gauge\n");
	for (int state = 0; state < TASK_STATE_COUNT; state++)
		if (state != TASK_STAGED)
			buf_addf(out, "kiefs_tasks{state=\"%s\"} %lld\n",
				task_state_name((enum task_state)state), (long long)counts[state]);
	buf_addf(out,
		"# HELP kiefs_models Models in the catalogue.\n# TYPE kiefs_models gauge\n"
		"kiefs_models %zu\n",
		catalogue_count(fs_catalogue(fs)));
	counter(out, "submissions_total", "Requests that were sent.", stats.submissions);
	counter(out, "accepted_total", "Requests that the service took.", stats.accepted);
	counter(out, "polls_total", "Questions after running tasks.", stats.polls);
	counter(out, "downloads_total", "Results that were fetched.", stats.downloads);
	counter(out, "download_bytes_total", "Bytes of results.", stats.download_bytes);
	counter(out, "uploads_total", "Files that were uploaded.", stats.uploads);
	counter(out, "upload_bytes_total", "Bytes of them.", stats.upload_bytes);
	counter(out, "rate_limited_total", "Answers that said: too fast.", stats.rate_limited);
	callback_stats(fs->callback, out);
	counter(out, "errors_total", "Answers that could not be used.", stats.errors);
	buf_addf(out,
		"# HELP kiefs_key_present Whether there is an API key.\n"
		"# TYPE kiefs_key_present gauge\nkiefs_key_present %d\n",
		stats.key_present);
	buf_addf(out,
		"# HELP kiefs_uptime_seconds Since the mount.\n"
		"# TYPE kiefs_uptime_seconds gauge\nkiefs_uptime_seconds %lld\n",
		(long long)((clock_now_ms() - fs->started_ms) / 1000));
	return out->error;
}
