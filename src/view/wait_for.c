/*
 * `kiefs wait`: until all the requests have ended. On a terminal each that is under way has a bar,
 * drawn in place; elsewhere a line tells of each change. So many are looked at together; the
 * others have their turn when one of these has ended, since all must end.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bar.h"
#include "goal.h"
#include "kiefs/buf.h"
#include "kiefs/error.h"
#include "kiefs/view.h"
#include "screen.h"
#include "seen.h"

#define TEXT_MAX (1u << 20)
#define LIVE_MAX SCREEN_FDS_MAX
#define BAR_WIDTH 20
#define STATUS_WIDTH 30
/* Times on a terminal go on by themselves; elsewhere this is for requests still being written. */
#define LOOK_MS 1000

struct live {
	struct goal *goal;
	struct seen seen;
	char *word; /* of the status that was last told */
	int fd;	    /* of the status, which becomes readable when it has changed; -1 */
};

struct wait_for {
	struct goals goals;
	struct screen screen;
	struct live live[LIVE_MAX];
	int live_count;
	size_t next; /* of goals: the first that is not looked at yet */
	size_t ended, failed;
	int drawn; /* lines of bars on the terminal */
	bool quiet;
	struct buf out;
};

static void erase(struct wait_for *w)
{
	if (w->drawn > 0)
		buf_addf(&w->out, "\r\033[%dA\033[J", w->drawn);
	w->drawn = 0;
}

static void tell(struct wait_for *w, const char *path, const char *what)
{
	if (w->quiet)
		return;
	erase(w);
	if (w->screen.is_terminal)
		column_add(&w->out, path, INT_MAX, COLUMN_LAST); /* names do not steer it */
	else
		buf_adds(&w->out, path);
	buf_addf(&w->out, ": %s\n", what);
}

static void live_end(struct wait_for *w, int at)
{
	struct live *live = &w->live[at];

	if (live->fd >= 0)
		close(live->fd);
	free(live->word);
	seen_finish(&live->seen);
	w->live[at] = w->live[--w->live_count];
	w->ended++;
}

/* Why it failed goes to standard error too when nothing else is told. */
static void fail(struct wait_for *w, const char *path, const char *word, const char *reason)
{
	char *text = NULL;

	w->failed++;
	if (asprintf(&text, "%s%s%s", word, *reason ? ": " : "", reason) < 0)
		return;
	if (w->quiet)
		fprintf(stderr, "kiefs: %s: %s\n", path, text);
	else
		tell(w, path, text);
	free(text);
}

static void end_refused(struct wait_for *w, int at)
{
	struct goal *goal = w->live[at].goal;
	char *slash = strrchr(goal->folder, '/');
	char *reason = NULL;

	if (slash)
		*slash = '\0';
	if (seen_text(slash ? goal->folder : ".", slash ? slash + 1 : goal->folder, &reason) == 0)
		reason[strcspn(reason, "\n")] = '\0';
	fail(w, goal->path, "refused", reason ? reason : "");
	free(reason);
	live_end(w, at);
}

static void end_task(struct wait_for *w, int at)
{
	struct live *live = &w->live[at];
	char *reason = live->seen.done ? NULL : seen_reason(live->goal->folder);

	if (live->seen.done)
		tell(w, live->goal->path, live->seen.line);
	else
		fail(w, live->goal->path, live->seen.word, reason ? reason : "");
	free(reason);
	live_end(w, at);
}

/* Read before the rest is looked at: what changes in between makes it readable again. */
static void watch(struct live *live)
{
	char path[PATH_MAX + 16], line[128];

	snprintf(path, sizeof(path), "%s/status", live->goal->folder);
	if (live->fd < 0)
		live->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (live->fd >= 0 && pread(live->fd, line, sizeof(line), 0) < 0) {
		close(live->fd);
		live->fd = -1;
	}
}

static void tell_change(struct wait_for *w, struct live *live)
{
	if (live->word && strcmp(live->word, live->seen.word) == 0)
		return;
	free(live->word);
	live->word = strdup(live->seen.word);
	/* The line was read later and may be of another state by now. */
	bool same = strncmp(live->seen.line, live->seen.word, strlen(live->seen.word)) == 0;
	if (!w->screen.is_terminal)
		tell(w, live->goal->path, same ? live->seen.line : live->seen.word);
}

/* 1: it has ended and is no longer live; -errno: the mount cannot be read. */
static int look(struct wait_for *w, int at)
{
	struct live *live = &w->live[at];
	struct seen seen;

	if (live->goal->kind == GOAL_PENDING && goal_look(live->goal) < 0) {
		fail(w, live->goal->path, "gone", "the request was removed");
		live_end(w, at);
		return 1;
	}
	if (live->goal->kind == GOAL_PENDING)
		return 0;
	if (live->goal->kind == GOAL_REFUSED) {
		end_refused(w, at);
		return 1;
	}
	watch(live);
	int r = seen_read(live->goal->folder, &seen);
	if (r < 0)
		return r;
	seen_finish(&live->seen);
	live->seen = seen;
	if (seen.over) {
		end_task(w, at);
		return 1;
	}
	tell_change(w, live);
	return 0;
}

static int look_all(struct wait_for *w)
{
	int r = 0;

	for (int at = 0; at < w->live_count && r >= 0;) {
		r = look(w, at);
		at += r == 0;
	}
	while (r >= 0 && w->live_count < LIVE_MAX && w->next < w->goals.count) {
		w->live[w->live_count++] =
			(struct live){.goal = &w->goals.all[w->next++], .fd = -1};
		r = look(w, w->live_count - 1);
	}
	return r < 0 ? r : 0;
}

static void draw_live(struct wait_for *w, const struct live *live)
{
	int columns = w->screen.columns - 1;
	int bar = columns >= 70 ? BAR_WIDTH : 0;
	int name = columns - STATUS_WIDTH - 1 - (bar ? bar + 1 : 0);

	if (name < 8)
		name = 8;
	column_add(&w->out, column_tail(live->goal->path, name), name, COLUMN_LEFT);
	if (bar) {
		buf_adds(&w->out, " ");
		bar_add(&w->out, live->seen.progress, bar, w->screen.blocks);
	}
	buf_adds(&w->out, " ");
	column_add(&w->out, live->seen.line ? live->seen.line : "being written", STATUS_WIDTH,
		COLUMN_LEFT);
	buf_adds(&w->out, "\n");
}

static void draw(struct wait_for *w)
{
	if (!w->screen.is_terminal || w->quiet)
		return;
	screen_measure(&w->screen);
	erase(w);
	for (int i = 0; i < w->live_count && w->drawn < w->screen.rows - 2; i++, w->drawn++)
		draw_live(w, &w->live[i]);
	if (w->goals.count > 1 && w->live_count > 0) {
		buf_addf(&w->out, "%zu of %zu ended\n", w->ended, w->goals.count);
		w->drawn++;
	}
}

static bool put(struct wait_for *w)
{
	bool heard = screen_put(&w->out);

	buf_clear(&w->out);
	return heard;
}

static int gather(const struct wait_for *w, int fds[SCREEN_FDS_MAX])
{
	int count = 0;

	for (int i = 0; i < w->live_count; i++)
		if (w->live[i].fd >= 0)
			fds[count++] = w->live[i].fd;
	return count;
}

static int run(struct wait_for *w)
{
	int fds[SCREEN_FDS_MAX];
	int r = 0;

	while (!screen_ended()) {
		r = look_all(w);
		if (r < 0)
			break;
		draw(w);
		if (!put(w))
			return EXIT_FAILURE;
		if (w->live_count == 0)
			break;
		screen_wait(&w->screen, fds, gather(w, fds), LOOK_MS);
	}
	if (r < 0) {
		fprintf(stderr, "kiefs: The mount cannot be read any more: %s.\n", strerror(-r));
		return EXIT_FAILURE;
	}
	if (screen_ended())
		return 128 + screen_ended();
	return w->failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int usage(void)
{
	fputs("usage: kiefs wait [-q] PATH...\n"
	      "Waits until the requests have ended. PATH is a request, a result, a folder of them, "
	      "or\n"
	      "tasks/all/N. Exit status 1 when one of them failed.\n"
	      "  -q, --quiet  say only which failed\n",
		stderr);
	return VIEW_USAGE;
}

static int add_all(struct wait_for *w, char **paths)
{
	struct error err = {0};
	int r = 0;

	for (; *paths; paths++) {
		if (goals_add(&w->goals, *paths, &err) == 0)
			continue;
		fprintf(stderr, "kiefs: %s\n", error_text(&err));
		error_finish(&err);
		r = VIEW_USAGE;
	}
	return r;
}

int view_wait(int argc, char **argv)
{
	static const struct option options[] = {{"quiet", no_argument, NULL, 'q'}, {0}};
	struct wait_for w = {0};
	int c;

	setlocale(LC_CTYPE, "");
	while ((c = getopt_long(argc, argv, "q", options, NULL)) != -1) {
		if (c != 'q')
			return usage();
		w.quiet = true;
	}
	if (optind == argc)
		return usage();
	buf_init(&w.out, TEXT_MAX);
	int status = add_all(&w, argv + optind);
	if (status == 0) {
		screen_open(&w.screen, false);
		status = run(&w);
	}
	while (w.live_count > 0)
		live_end(&w, 0);
	goals_finish(&w.goals);
	buf_finish(&w.out);
	return status;
}
