/*
 * `kiefs top`: tasks under way with bars, and what all of them are and cost. Drawn anew each
 * second on a terminal; elsewhere a line for each event. Only reads the mount, and keeps nothing
 * open there between two looks, so that it can be unmounted.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bar.h"
#include "follow.h"
#include "kiefs/buf.h"
#include "kiefs/error.h"
#include "kiefs/view.h"
#include "root.h"
#include "screen.h"
#include "seen.h"
#include "totals.h"

#define SCREEN_MAX (1u << 20)
/* Rows at most; of a group's tasks no more are looked at. */
#define ROWS_MAX 256
#define HEAD_ROWS 5
/* Of the window of the submission limit (s). */
#define WINDOW_S 10

struct rate {
	struct {
		time_t at;
		long sent;
	} looks[WINDOW_S + 1];
	int count;
};

struct top {
	char root[PATH_MAX];
	struct screen screen;
	struct rate rate;
	int interval_ms;
	bool once;
};

/* Submissions in the last 10 s, as far as they were watched; -1: not watched for so long. */
static long rate_add(struct rate *rate, long sent)
{
	time_t now = time(NULL);
	int keep = 0;

	/* The latest look that is 10 s old stays: what came since is the rate. */
	while (keep + 1 < rate->count && rate->looks[keep + 1].at <= now - WINDOW_S)
		keep++;
	memmove(rate->looks, rate->looks + keep,
		(size_t)(rate->count - keep) * sizeof(rate->looks[0]));
	rate->count -= keep;
	if (rate->count == 0 || rate->looks[rate->count - 1].at < now) {
		if (rate->count == WINDOW_S + 1)
			rate->count--;
		rate->looks[rate->count].at = now;
		rate->looks[rate->count++].sent = sent;
	}
	return sent - rate->looks[0].sent;
}

static void print_totals(struct top *top, struct buf *out)
{
	struct totals totals = {0};
	struct buf line;

	if (totals_read(top->root, &totals) < 0)
		return;
	buf_init(&line, SCREEN_MAX);
	buf_addf(&line, "%ld running, %ld queued, %ld held, %ld done, %ld failed", totals.running,
		totals.queued, totals.held, totals.done, totals.failed);
	if (totals.uncertain > 0)
		buf_addf(&line, ", %ld uncertain", totals.uncertain);
	column_add(out, line.data ? line.data : "", top->screen.columns, COLUMN_LAST);
	buf_clear(&line);
	buf_addf(&line, "credits: %s   spent today: %.6g", totals.credits, totals.spent);
	if (totals.limit >= 0)
		buf_addf(&line, " of %.6g", totals.limit);
	buf_addf(&line, "   sent in %d s: %ld of %d", WINDOW_S, rate_add(&top->rate, totals.sent),
		totals.rate);
	buf_adds(out, "\n");
	column_add(out, line.data ? line.data : "", top->screen.columns, COLUMN_LAST);
	buf_adds(out, "\n");
	buf_finish(&line);
}

struct widths {
	int number, model, name, bar, status, price;
};

/* What is left over goes to the request's name; on a narrow terminal less is shown. */
static struct widths fit(int columns)
{
	struct widths w = {.number = 6, .price = 8, .status = columns >= 60 ? 24 : 16};

	w.bar = columns >= 72 ? 12 : 0;
	w.model = columns >= 100 ? 26 : 0;
	int used = w.number + w.price + w.status + 2;
	used += w.bar ? w.bar + 1 : 0;
	used += w.model ? w.model + 1 : 0;
	w.name = columns > used ? columns - used : 0;
	return w;
}

static void print_head(const struct top *top, struct buf *out)
{
	struct widths w = fit(top->screen.columns);

	column_add(out, "task", w.number, COLUMN_RIGHT);
	if (w.model) {
		buf_adds(out, " ");
		column_add(out, "model", w.model, COLUMN_LEFT);
	}
	buf_adds(out, " ");
	column_add(out, "request", w.name, COLUMN_LEFT);
	if (w.bar)
		buf_addf(out, " %*s", w.bar, "");
	buf_adds(out, " ");
	column_add(out, "status", w.status, COLUMN_LEFT);
	buf_adds(out, " ");
	column_add(out, "credits", w.price - 1, COLUMN_RIGHT);
	buf_adds(out, "\n");
}

static void print_row(const struct top *top, const struct seen *seen, struct buf *out)
{
	struct widths w = fit(top->screen.columns);
	char number[24], price[24] = "?";

	snprintf(number, sizeof(number), "%lld", (long long)seen->task);
	if (seen->price >= 0)
		snprintf(price, sizeof(price), "%.6g", seen->price);
	column_add(out, number, w.number, COLUMN_RIGHT);
	if (w.model) {
		buf_adds(out, " ");
		column_add(out, seen->model, w.model, COLUMN_LEFT);
	}
	buf_adds(out, " ");
	column_add(out, seen->name, w.name, COLUMN_LEFT);
	if (w.bar) {
		buf_adds(out, " ");
		if (seen->over && !seen->done)
			buf_addf(out, "%*s", w.bar, "");
		else
			bar_add(out, seen->done ? 100 : seen->progress, w.bar, top->screen.blocks);
	}
	buf_adds(out, " ");
	column_add(out, seen->line, w.status, COLUMN_LEFT);
	buf_adds(out, " ");
	column_add(out, price, w.price - 1, COLUMN_RIGHT);
	buf_adds(out, "\n");
}

/* Rows of the numbers; how many of them there are (a task may have gone meanwhile). */
static int print_task(const struct top *top, const char *number, struct buf *out)
{
	char folder[PATH_MAX + 300];
	struct seen seen;

	snprintf(folder, sizeof(folder), "%s/tasks/all/%s", top->root, number);
	if (seen_read(folder, &seen) < 0)
		return 0;
	print_row(top, &seen, out);
	seen_finish(&seen);
	return 1;
}

/* The first of a group, which are the oldest. */
static int print_group(const struct top *top, const char *group, int rows, struct buf *out)
{
	char folder[PATH_MAX + 32];
	const struct dirent *entry;
	int count = 0;

	snprintf(folder, sizeof(folder), "%s/tasks/%s", top->root, group);
	DIR *dir = opendir(folder);
	while (dir && count < rows && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			count += print_task(top, entry->d_name, out);
	if (dir)
		closedir(dir);
	return count;
}

static int64_t latest(const struct top *top)
{
	char path[PATH_MAX + 32], target[64];

	snprintf(path, sizeof(path), "%s/tasks/latest", top->root);
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	const char *slash = strrchr(target, '/');
	return slash ? strtoll(slash + 1, NULL, 10) : 0;
}

/* The newest that are over. */
static void print_ended(const struct top *top, int rows, struct buf *out)
{
	char folder[PATH_MAX + 64];
	struct seen seen;
	int64_t last = latest(top);

	for (int64_t task = last; task > 0 && task > last - ROWS_MAX && rows > 0; task--) {
		snprintf(folder, sizeof(folder), "%s/tasks/all/%lld", top->root, (long long)task);
		if (seen_read(folder, &seen) < 0)
			continue;
		if (seen.over) {
			print_row(top, &seen, out);
			rows--;
		}
		seen_finish(&seen);
	}
}

static int print_view(struct top *top, struct buf *out)
{
	char when[16], title[PATH_MAX + 32];
	time_t now = time(NULL);
	struct tm local;
	int rows = top->screen.rows - HEAD_ROWS;

	if (rows > ROWS_MAX || !top->screen.is_terminal)
		rows = ROWS_MAX;
	localtime_r(&now, &local);
	strftime(when, sizeof(when), "%H:%M:%S", &local);
	snprintf(title, sizeof(title), "%s  %s", when, top->root);
	column_add(out, title, top->screen.columns, COLUMN_LAST);
	buf_adds(out, "\n");
	size_t before = out->len;
	print_totals(top, out);
	if (out->len == before)
		return -ENOTCONN;
	buf_adds(out, "\n");
	print_head(top, out);
	rows -= print_group(top, "active", rows, out);
	rows -= print_group(top, "held", rows, out);
	print_ended(top, rows, out);
	return out->error;
}

/* Each line clears what stood to its right, and the last one what stood below. */
static void overlay(const struct buf *text, struct buf *out)
{
	const char *line = text->data;

	buf_adds(out, "\033[H");
	while (line && *line) {
		size_t len = strcspn(line, "\n");
		const char *next = line + len + (line[len] == '\n');
		buf_add(out, line, len);
		buf_adds(out, *next ? "\033[K\n" : "\033[K");
		line = next;
	}
	buf_adds(out, "\033[J");
}

static int gone(const struct top *top, int r)
{
	fprintf(stderr, "kiefs: %s cannot be read any more: %s.\n", top->root, strerror(-r));
	return EXIT_FAILURE;
}

static int draw(struct top *top)
{
	struct buf text, whole;
	int r = 0;

	buf_init(&text, SCREEN_MAX);
	buf_init(&whole, 2 * SCREEN_MAX);
	do {
		screen_measure(&top->screen);
		buf_clear(&text);
		buf_clear(&whole);
		r = print_view(top, &text);
		if (r == 0)
			overlay(&text, &whole);
		if (r < 0 || !screen_put(&whole))
			break;
	} while (screen_wait(&top->screen, NULL, 0, top->interval_ms) != 'q' && !screen_ended());
	screen_close(&top->screen);
	buf_finish(&text);
	buf_finish(&whole);
	return r < 0 ? gone(top, r) : EXIT_SUCCESS;
}

/* "TIME task N: text" with the model and the name behind the number. */
static void print_event(const struct top *top, const char *line, size_t len, struct buf *out)
{
	char folder[PATH_MAX + 64];
	const char *mark = memmem(line, len, " task ", 6);
	char *end = NULL;
	struct seen seen;
	long long task = mark ? strtoll(mark + 6, &end, 10) : 0;

	if (task > 0 && end < line + len && *end == ':') {
		snprintf(folder, sizeof(folder), "%s/tasks/all/%lld", top->root, task);
		if (seen_read(folder, &seen) == 0) {
			buf_add(out, line, (size_t)(end - line));
			buf_addf(out, " %s/%s", seen.model, seen.name);
			buf_add(out, end, len - (size_t)(end - line));
			buf_adds(out, "\n");
			seen_finish(&seen);
			return;
		}
	}
	buf_add(out, line, len);
	buf_adds(out, "\n");
}

static bool put_events(const struct top *top, const char *was, const char *is)
{
	struct buf out;
	bool missed;

	buf_init(&out, SCREEN_MAX);
	const char *line = follow_new(was, is, &missed);
	if (missed)
		buf_adds(&out, "(so much happened at once that some is left out here)\n");
	while (*line) {
		size_t len = strcspn(line, "\n");
		if (len > 0)
			print_event(top, line, len, &out);
		line += len + (line[len] == '\n');
	}
	bool heard = screen_put(&out);
	buf_finish(&out);
	return heard;
}

static int put_lines(struct top *top)
{
	char *was = NULL, *is = NULL;
	bool heard = true;
	int r = seen_text(top->root, ".kiefs/log", &was);

	while (r == 0 && heard) {
		screen_wait(&top->screen, NULL, 0, top->interval_ms);
		if (screen_ended())
			break;
		r = seen_text(top->root, ".kiefs/log", &is);
		if (r < 0)
			break;
		heard = put_events(top, was, is);
		free(was);
		was = is;
	}
	free(was);
	return r < 0 ? gone(top, r) : EXIT_SUCCESS;
}

static int put_once(struct top *top)
{
	struct buf text;

	buf_init(&text, SCREEN_MAX);
	top->screen.columns = 120;
	int r = print_view(top, &text);
	bool heard = screen_put(&text);
	buf_finish(&text);
	return r < 0 ? gone(top, r) : heard ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int usage(void)
{
	fputs("usage: kiefs top [-1] [-n SECONDS] [PATH]\n"
	      "Shows the tasks of the mount that PATH is in, until q or Ctrl-C. Where it is not "
	      "on\n"
	      "a terminal, prints a line for each event. Without PATH: of the only mount there "
	      "is.\n"
	      "  -1, --once             show it once\n"
	      "  -n, --interval=SECONDS look so often (1)\n",
		stderr);
	return VIEW_USAGE;
}

/* False: the words are off. */
static bool read_options(int argc, char **argv, struct top *top)
{
	static const struct option options[] = {
		{"once", no_argument, NULL, '1'},
		{"interval", required_argument, NULL, 'n'},
		{0},
	};
	char *end;
	int c;

	while ((c = getopt_long(argc, argv, "1n:", options, NULL)) != -1) {
		if (c == '1') {
			top->once = true;
			continue;
		}
		double seconds = c == 'n' ? strtod(optarg, &end) : 0;
		if (c != 'n' || *end || !(seconds >= 0.1 && seconds <= 3600)) {
			if (c == 'n')
				fputs("kiefs top: -n takes seconds from 0.1 to 3600.\n", stderr);
			return false;
		}
		top->interval_ms = (int)(seconds * 1000);
	}
	return argc - optind <= 1;
}

int view_top(int argc, char **argv)
{
	struct top top = {.interval_ms = 1000};
	struct error err = {0};

	setlocale(LC_CTYPE, "");
	if (!read_options(argc, argv, &top))
		return usage();
	int r = root_find(argv[optind], top.root, &err);
	if (r < 0) {
		fprintf(stderr, "kiefs: %s\n", error_text(&err));
		error_finish(&err);
		return VIEW_USAGE;
	}
	screen_open(&top.screen, !top.once);
	if (top.once)
		return put_once(&top);
	return top.screen.is_terminal ? draw(&top) : put_lines(&top);
}
