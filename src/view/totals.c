#include "totals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seen.h"

/* The number behind the first line that begins with `key`; `otherwise` when there is none. */
static double number_of(const char *text, const char *key, double otherwise)
{
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		char *end;
		line += *line == '\n';
		if (strncmp(line, key, len) != 0)
			continue;
		double number = strtod(line + len, &end);
		return end > line + len ? number : otherwise;
	}
	return otherwise;
}

static long tasks_of(const char *stats, const char *state)
{
	char key[64];

	snprintf(key, sizeof(key), "kiefs_tasks{state=\"%s\"}", state);
	return (long)number_of(stats, key, 0);
}

static void take_stats(const char *stats, struct totals *out)
{
	out->running = tasks_of(stats, "running") + tasks_of(stats, "fetching") +
		       tasks_of(stats, "submitting");
	out->queued = tasks_of(stats, "queued") + tasks_of(stats, "uploading") +
		      tasks_of(stats, "incomplete");
	out->held = tasks_of(stats, "held");
	out->uncertain = tasks_of(stats, "uncertain");
	out->done = tasks_of(stats, "done");
	out->failed = tasks_of(stats, "failed") + tasks_of(stats, "lost");
	out->sent = (long)number_of(stats, "kiefs_submissions_total", 0);
}

int totals_read(const char *root, struct totals *out)
{
	char *stats = NULL, *config = NULL, *limits = NULL, *credits = NULL;
	int r = seen_text(root, ".kiefs/stats", &stats);

	if (r == 0)
		r = seen_text(root, ".kiefs/config", &config);
	if (r == 0)
		r = seen_text(root, "account/limits", &limits);
	if (r == 0)
		r = seen_text(root, "account/credits", &credits);
	if (r == 0) {
		take_stats(stats, out);
		out->rate = (int)number_of(config, "submit_rate =", 0);
		out->spent = number_of(limits, "spent_today:", 0);
		out->limit = number_of(limits, "limit_per_day:", -1);
		snprintf(out->credits, sizeof(out->credits), "%s", credits);
	}
	free(stats);
	free(config);
	free(limits);
	free(credits);
	return r;
}
