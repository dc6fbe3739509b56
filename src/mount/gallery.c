/*
 * .kiefs/gallery: the tasks as scripts, which gallery.html loads.
 *
 * A page that was opened as a file may load no other file but scripts, pictures and the like, so
 * the tasks come as calls of a function of the page's. They come by the hundred, by their numbers:
 * the page asks for the newest, and for older ones as far as somebody scrolls or searches. Each
 * script is made of the index when it is looked at, and costs the same however many tasks there
 * are. The scripts are looked up and never listed, so nothing that walks the tree
 * has them made.
 *
 *   now.js     what is under way, how many tasks there are, the balance
 *   spend.js   credits by day, and the models that were used
 *   N.js       the tasks from 100 (N - 1) + 1 to 100 N, the newest first
 */
#include "gallery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs.h"
#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/clock.h"
#include "kiefs/describe.h"
#include "kiefs/inode.h"
#include "kiefs/quota.h"
#include "kiefs/script.h"
#include "kiefs/worker.h"

#define PAGE_TASKS 100
#define ACTIVE_SHOWN 60
#define HELD_SHOWN 30
#define SPEND_DAYS 90
#define MODELS_SHOWN 1000
#define BALANCE_MAX 64
/* Scripts are filled up with blanks to a multiple of this: a browser asks for the size and reads
 * afterwards, so it should seldom change when a digit does. */
#define FILL 512

static const char *const part_names[] = {[GALLERY_NOW] = "now.js", [GALLERY_SPEND] = "spend.js"};

static int last_page(struct fs *fs, int64_t *out)
{
	int64_t latest = 0;
	int r = store_task_latest(fs->store, &latest);

	if (r == 0)
		*out = (latest + PAGE_TASKS - 1) / PAGE_TASKS;
	return r;
}

/* "12.js" */
static int find_page(struct fs *fs, const char *name, uint64_t *inode)
{
	char number[24];
	int64_t page, last = 0;
	const char *dot = strrchr(name, '.');

	if (!dot || strcmp(dot, ".js") != 0 || (size_t)(dot - name) >= sizeof(number))
		return -ENOENT;
	snprintf(number, sizeof(number), "%.*s", (int)(dot - name), name);
	int r = name_number(number, &page);
	if (r == 0)
		r = last_page(fs, &last);
	if (r == 0 && page > last)
		r = -ENOENT;
	if (r == 0)
		*inode = inode_gallery(GALLERY_PAGE, page);
	return r;
}

int gallery_find(struct fs *fs, const char *name, uint64_t *inode)
{
	for (int part = 0; part < GALLERY_PAGE; part++) {
		if (strcmp(part_names[part], name) == 0) {
			*inode = inode_gallery((enum gallery_part)part, 0);
			return 0;
		}
	}
	return find_page(fs, name, inode);
}

static int add_tasks(struct fs *fs, const int64_t *ids, int count, bool live, struct buf *out)
{
	int r = 0;

	buf_adds(out, "[");
	for (int i = 0; i < count && r == 0; i++) {
		buf_adds(out, i ? ",\n" : "\n");
		r = gallery_task(fs, ids[i], live, out);
	}
	buf_adds(out, "]");
	return r;
}

static int page_script(struct fs *fs, int64_t page, struct buf *out)
{
	int64_t ids[PAGE_TASKS], newest_first[PAGE_TASKS];
	int count = 0;
	int n = store_task_list(fs->store, GROUP_ALL, (page - 1) * PAGE_TASKS, ids, PAGE_TASKS);

	for (int i = n - 1; i >= 0; i--)
		if (ids[i] <= page * PAGE_TASKS)
			newest_first[count++] = ids[i];
	buf_addf(out, "gallery.page(%lld,", (long long)page);
	int r = n < 0 ? n : add_tasks(fs, newest_first, count, false, out);
	buf_adds(out, ");");
	return r;
}

static int add_group(
	struct fs *fs, const char *name, enum task_group group, int max, struct buf *out)
{
	int64_t ids[ACTIVE_SHOWN];
	int n = store_task_list(fs->store, group, 0, ids, max);

	buf_addf(out, ",\n\"%s\":", name);
	return n < 0 ? n : add_tasks(fs, ids, n, true, out);
}

static int add_counts(struct fs *fs, struct buf *out)
{
	int64_t counts[TASK_STATE_COUNT], groups[GROUP_COUNT] = {0};
	int r = store_task_counts(fs->store, counts);

	for (int state = 0; state < TASK_STATE_COUNT && r == 0; state++)
		for (int group = 0; group < GROUP_COUNT; group++)
			if (task_in_group((enum task_state)state, (enum task_group)group))
				groups[group] += counts[state];
	buf_addf(out, ",\"active_count\":%lld,\"held_count\":%lld,\"ended_count\":%lld",
		(long long)groups[GROUP_ACTIVE], (long long)groups[GROUP_HELD],
		(long long)(groups[GROUP_DONE] + groups[GROUP_FAILED]));
	return r;
}

static int add_balance(struct fs *fs, struct buf *out)
{
	struct buf value;
	int64_t at_ms;

	buf_init(&value, BALANCE_MAX);
	int r = store_fact_get(fs->store, FACT_CREDITS, &value, &at_ms);
	buf_adds(out, ",\"balance\":");
	script_add_string(out, r == 0 ? value.data : NULL);
	buf_finish(&value);
	return r == -ENOENT ? 0 : r;
}

/* The model of the first picture, for whoever has made none yet. */
static void add_first(struct fs *fs, struct buf *out)
{
	double credits;
	const struct model *model = describe_first(fs_catalogue(fs), &credits);

	buf_adds(out, ",\"first\":");
	script_add_string(out, model ? model->id : NULL);
}

static int now_script(struct fs *fs, struct buf *out)
{
	int64_t last = 0, latest = 0;
	int r = last_page(fs, &last);

	if (r == 0)
		r = store_task_latest(fs->store, &latest);
	buf_addf(out, "gallery.now({\"pages\":%lld,\"page_tasks\":%d,\"latest\":%lld",
		(long long)last, PAGE_TASKS, (long long)latest);
	if (r == 0)
		r = add_counts(fs, out);
	if (r == 0)
		r = add_balance(fs, out);
	if (latest == 0)
		add_first(fs, out);
	if (r == 0)
		r = add_group(fs, "active", GROUP_ACTIVE, ACTIVE_SHOWN, out);
	if (r == 0)
		r = add_group(fs, "held", GROUP_HELD, HELD_SHOWN, out);
	buf_adds(out, "});");
	return r;
}

static int add_days(struct fs *fs, int64_t today, struct buf *out)
{
	struct spend_day days[SPEND_DAYS];
	int n = store_spend_days(fs->store, today - SPEND_DAYS + 1, days, SPEND_DAYS);

	buf_adds(out, ",\"days\":[");
	for (int i = 0; i < n; i++)
		buf_addf(out, "%s[%lld,%lld,%.12g,%lld,%lld]", i ? "," : "", (long long)days[i].day,
			(long long)days[i].spend.tasks, days[i].spend.credits,
			(long long)days[i].spend.estimated, (long long)days[i].spend.unknown);
	buf_adds(out, "]");
	return n < 0 ? n : 0;
}

static int add_models(struct fs *fs, struct buf *out)
{
	char **models = calloc(MODELS_SHOWN, sizeof(*models));

	if (!models)
		return -ENOMEM;
	int n = store_spend_models(fs->store, models, MODELS_SHOWN);
	buf_adds(out, ",\"models\":[");
	for (int i = 0; i < n; i++) {
		buf_adds(out, i ? "," : "");
		script_add_string(out, models[i]);
		free(models[i]);
	}
	buf_adds(out, "]");
	free(models);
	return n < 0 ? n : 0;
}

static int spend_script(struct fs *fs, struct buf *out)
{
	int64_t today = quota_day(clock_now_ms());

	buf_addf(out, "gallery.spend({\"today\":%lld", (long long)today);
	int r = add_days(fs, today, out);
	if (r == 0)
		r = add_models(fs, out);
	buf_adds(out, "});");
	return r;
}

static void fill(struct buf *out)
{
	while (out->error == 0 && out->len % FILL != FILL - 1)
		buf_adds(out, " ");
	buf_adds(out, "\n");
}

int gallery_make(struct fs *fs, uint64_t inode, struct buf *out)
{
	int r = -EINVAL;

	switch (inode_gallery_part(inode)) {
	case GALLERY_NOW:
		r = now_script(fs, out);
		break;
	case GALLERY_SPEND:
		r = spend_script(fs, out);
		break;
	case GALLERY_PAGE:
		r = page_script(fs, inode_gallery_page(inode), out);
		break;
	}
	fill(out);
	return r < 0 ? r : out->error;
}
