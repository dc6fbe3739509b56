/* A task in words: the names of its states, its status line, the sentences of an unknown outcome.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kiefs/task.h"

static const char *const state_names[TASK_STATE_COUNT] = {
	[TASK_STAGED] = "staged",
	[TASK_INCOMPLETE] = "incomplete",
	[TASK_HELD] = "held",
	[TASK_QUEUED] = "queued",
	[TASK_UPLOADING] = "uploading",
	[TASK_SUBMITTING] = "submitting",
	[TASK_UNCERTAIN] = "uncertain",
	[TASK_RUNNING] = "running",
	[TASK_FETCHING] = "fetching",
	[TASK_DONE] = "done",
	[TASK_FAILED] = "failed",
	[TASK_LOST] = "lost",
	[TASK_CANCELLED] = "cancelled",
};

static const char *const hold_names[HOLD_COUNT] = {
	[HOLD_NONE] = "none",
	[HOLD_KEY] = "key",
	[HOLD_CREDITS] = "credits",
	[HOLD_QUOTA] = "quota",
	[HOLD_LIMIT] = "limit",
};

static const char *const hold_reasons[HOLD_COUNT] = {
	[HOLD_NONE] = "held",
	[HOLD_KEY] = "no key, or the key was refused",
	[HOLD_CREDITS] = "no credits",
	[HOLD_QUOTA] = "the key's limit is reached",
	[HOLD_LIMIT] = "your own limit is reached",
};

static int find_name(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return -EINVAL;
}

const char *task_state_name(enum task_state state)
{
	return (unsigned)state < TASK_STATE_COUNT ? state_names[state] : "unknown";
}

int task_state_from(const char *name, enum task_state *out)
{
	int i = find_name(state_names, TASK_STATE_COUNT, name);

	if (i < 0)
		return i;
	*out = (enum task_state)i;
	return 0;
}

const char *task_hold_name(enum task_hold hold)
{
	return (unsigned)hold < HOLD_COUNT ? hold_names[hold] : "unknown";
}

int task_hold_from(const char *name, enum task_hold *out)
{
	int i = find_name(hold_names, HOLD_COUNT, name);

	if (i < 0)
		return i;
	*out = (enum task_hold)i;
	return 0;
}

/* Cuts at the end, never inside a character, and makes control characters blanks. */
static void tidy(char *text, size_t max)
{
	size_t len = strlen(text);

	if (len > max) {
		while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
			max--;
		text[max] = '\0';
	}
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = ' ';
	}
}

/* mm:ss, from an hour on h:mm:ss. */
static void put_span(int64_t seconds, char *out, size_t size)
{
	long long s = seconds > 0 ? seconds : 0;

	if (s < 3600)
		snprintf(out, size, "%02lld:%02lld", s / 60, s % 60);
	else
		snprintf(out, size, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
}

static int first_sentence(const char *text)
{
	const char *dot = strstr(text, ". ");
	size_t len = strcspn(text, "\r\n");

	if (dot && (size_t)(dot - text) < len)
		return (int)(dot - text);
	if (len > 0 && text[len - 1] == '.')
		len--;
	return (int)len;
}

/* The service's own word, when it is one: some services number their states. */
static void put_running(const struct task *task, const char *span, char *out, size_t size)
{
	const char *word = task->remote_state ? task->remote_state : "";
	char percent[16] = "";

	if (!isalpha((unsigned char)*word) && (unsigned char)*word < 0x80)
		word = "running";
	if (task->progress >= 0)
		snprintf(percent, sizeof(percent), " %d%%", task->progress);
	snprintf(out, size, "%.80s%s %s", word, percent, span);
}

void task_status_line(const struct task *task, int64_t now_ms, char *out, int size)
{
	const char *name = task_state_name(task->state);
	const char *error = task->error ? task->error : "";
	char line[4 * TASK_STATUS_MAX];
	char span[32], wait[32];
	size_t max = TASK_STATUS_MAX;

	if (size <= 0)
		return;
	int64_t left_ms = task->due_ms - now_ms; /* due_ms may be the end of time */
	put_span(((task->ended_ms ? task->ended_ms : now_ms) - task->submitted_ms) / 1000, span,
		sizeof(span));
	put_span(left_ms / 1000 + (left_ms % 1000 > 0), wait, sizeof(wait));
	switch (task->state) {
	case TASK_QUEUED:
		if (task->due_ms > now_ms)
			snprintf(line, sizeof(line), "%s: next try in %s", name, wait);
		else
			snprintf(line, sizeof(line), "%s", name);
		break;
	case TASK_HELD:
		snprintf(line, sizeof(line), "%s: %s", name,
			(unsigned)task->hold < HOLD_COUNT ? hold_reasons[task->hold] : "held");
		break;
	case TASK_RUNNING:
		put_running(task, span, line, sizeof(line));
		break;
	case TASK_UPLOADING:
		put_span((now_ms - task->due_ms) / 1000, span, sizeof(span));
		if (task->progress >= 0)
			snprintf(line, sizeof(line), "%s %d%% %s", name, task->progress, span);
		else
			snprintf(line, sizeof(line), "%s %s", name, span);
		break;
	case TASK_SUBMITTING:
	case TASK_FETCHING:
	case TASK_DONE:
		snprintf(line, sizeof(line), "%s %s", name, span);
		break;
	case TASK_UNCERTAIN:
		snprintf(line, sizeof(line), "%s: it may have been paid, see the error file", name);
		break;
	case TASK_INCOMPLETE:
	case TASK_FAILED:
	case TASK_LOST:
		snprintf(line, sizeof(line), "%s%s%.*s", name, *error ? ": " : "",
			first_sentence(error), error);
		break;
	default:
		snprintf(line, sizeof(line), "%s", name);
	}
	if (max > (size_t)size - 1)
		max = (size_t)size - 1;
	tidy(line, max);
	memcpy(out, line, strlen(line) + 1);
}

void task_doubt_text(int64_t id, const char *why, char *out, int size)
{
	char sentence[512];

	snprintf(sentence, sizeof(sentence), "%s", why);
	tidy(sentence, sizeof(sentence) - 8);
	snprintf(out, (size_t)size,
		"%s\n"
		"It may have been accepted and paid, so it is not sent again by itself: look at "
		"the service's log page (https://kie.ai/logs).\n"
		"`echo resend > tasks/all/%lld/control` sends it again.",
		sentence, (long long)id);
}

void task_advice(const struct task *task, char *out, int size)
{
	long long id = (long long)task->id;

	*out = '\0';
	if (task->state == TASK_FAILED)
		snprintf(out, (size_t)size,
			"Mend the request and save it, or send the same once more by "
			"`echo retry > tasks/all/%lld/control`; either is paid as new.\n",
			id);
	else if (task->state == TASK_LOST)
		snprintf(out, (size_t)size,
			"`echo fetch > tasks/all/%lld/control` asks the service for it once more, "
			"at no "
			"cost; what it said last is in record.json there. `retry` in place of "
			"`fetch` "
			"sends the request as new, which is paid again.\n",
			id);
}
