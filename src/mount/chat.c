/*
 * Conversations: a folder in the directory of a model that chats, from the first `prompt` on.
 *
 * The turns are rows of the index; what the folder shows of them is made when it is looked at. An
 * answer that is coming in is read from its file, as far as it has come.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs.h"
#include "intake.h"
#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/chat.h"
#include "kiefs/clock.h"
#include "kiefs/error.h"
#include "kiefs/files.h"
#include "kiefs/inode.h"
#include "kiefs/input.h"
#include "kiefs/utf8.h"
#include "talk_pictures.h"

#define PAGE 16
#define TALK_MAX (64u << 20)

bool talk_is_place(struct fs *fs, uint64_t dir)
{
	struct place place;

	return inode_kind(dir) == INODE_ENTRY && place_of(fs, dir, &place) == 0 && place.model &&
	       place.model->service->chat;
}

int64_t talk_size(struct fs *fs, int64_t task)
{
	struct stat st;
	int index;

	if (store_chat_index(fs->store, task, &index) < 0)
		return -1;
	return files_stat_result(fs->files, task, index, &st) == 0 ? st.st_size : 0;
}

/* ---- all turns of a folder ---- */

struct talk {
	struct turn *turns;
	size_t count;
};

static void talk_finish(struct talk *talk)
{
	for (size_t i = 0; i < talk->count; i++)
		turn_finish(&talk->turns[i]);
	free(talk->turns);
	*talk = (struct talk){0};
}

static int talk_read(struct fs *fs, uint64_t dir, struct talk *out)
{
	struct talk talk = {0};
	int n;

	do {
		int64_t after = talk.count ? talk.turns[talk.count - 1].task : 0;
		struct turn *more = realloc(talk.turns, (talk.count + PAGE) * sizeof(*talk.turns));
		if (!more) {
			talk_finish(&talk);
			return -ENOMEM;
		}
		talk.turns = more;
		n = store_turn_list(fs->store, dir, after, talk.turns + talk.count, PAGE);
		talk.count += n > 0 ? (size_t)n : 0;
	} while (n == PAGE);
	if (n < 0) {
		talk_finish(&talk);
		return n;
	}
	*out = talk;
	return 0;
}

/* What there is of the answer. */
static int add_answer(struct fs *fs, const struct turn *turn, struct buf *out)
{
	char block[16384];
	ssize_t n;

	if (turn->reply)
		return buf_adds(out, turn->reply);
	if (turn->result == 0)
		return 0;
	int fd = files_open_result(fs->files, turn->task, turn->result, O_RDONLY);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	while ((n = read(fd, block, sizeof(block))) > 0)
		buf_add(out, block, (size_t)n);
	int r = n < 0 ? -errno : out->error;
	close(fd);
	return r;
}

/* ---- what the folder shows ---- */

static int add_shown(const struct turn *turn, struct buf *out)
{
	cJSON *pictures;
	const cJSON *picture;
	int r = talk_pictures_of(turn, &pictures);

	cJSON_ArrayForEach(picture, pictures)
	{
		buf_addf(out, "![](<%s>)\n\n", talk_picture_name(picture));
	}
	cJSON_Delete(pictures);
	return r;
}

static int add_history(struct fs *fs, const struct talk *talk, struct buf *out)
{
	int r = 0;

	for (size_t i = 0; i < talk->count && r == 0; i++) {
		const struct turn *turn = &talk->turns[i];
		buf_addf(out, "%s## %zu\n\n%s\n\n", i ? "\n\n" : "", i + 1, turn->prompt);
		r = add_shown(turn, out);
		buf_adds(out, "### Answer\n\n");
		if (r == 0)
			r = add_answer(fs, turn, out);
		if (r == 0 && task_is_final(turn->state) && turn->state != TASK_DONE)
			buf_addf(out,
				"\n\n*(Not whole and not part of the conversation: see "
				"tasks/all/%lld/error.)*",
				(long long)turn->task);
		if (r == 0 && task_is_final(turn->state) && i + 1 == talk->count)
			buf_adds(out, "\n");
	}
	return r < 0 ? r : out->error;
}

/* The user's file `system` in the folder; empty when there is none. */
static int read_system(struct fs *fs, uint64_t dir, struct buf *out)
{
	struct entry entry;
	int r = store_entry_lookup(fs->store, dir, TALK_SYSTEM, &entry);

	if (r == 0 && entry.kind == ENTRY_FILE)
		r = intake_read(fs, entry.id, out);
	while (r == 0 && out->len > 0 && strchr(" \t\r\n", out->data[out->len - 1]))
		out->data[--out->len] = '\0';
	return r == -ENOENT ? 0 : r;
}

/* A turn that is being made. */
struct saying {
	const char *prompt;
	cJSON *here;	 /* the pictures in the folder */
	cJSON *fresh;	 /* those of them that no answered turn has shown: they go with this one */
	struct buf gone; /* a line for each that was shown and is not in the folder any more */
};

/* One turn as it is sent. */
struct said {
	cJSON *pictures;
	const char *names[INPUTS_MAX + 1];
	struct chat_turn turn;
};

/* One more than may be sent: the person is then told how many may. */
static void add_picture(const cJSON *picture, struct said *said)
{
	if (said->turn.image_count <= INPUTS_MAX)
		said->names[said->turn.image_count++] = talk_picture_name(picture);
}

/* What `turn` has shown. Of what is not there any more the model is not shown anything. */
static int recall(const struct turn *turn, struct saying *saying, struct said *said)
{
	const cJSON *picture;
	int r = talk_pictures_of(turn, &said->pictures);

	cJSON_ArrayForEach(picture, said->pictures)
	{
		if (!saying || talk_pictures_hold(saying->here, picture))
			add_picture(picture, said);
		else
			buf_addf(&saying->gone,
				"%s%s, which went with an earlier turn, is not here as it was: "
				"the model is not shown it again.",
				saying->gone.len ? "\n" : "", talk_picture_name(picture));
	}
	said->turn.prompt = turn->prompt;
	said->turn.reply = turn->reply;
	return r < 0 ? r : saying ? saying->gone.error : 0;
}

static int pick_fresh(struct saying *saying, const struct said *list, size_t count)
{
	cJSON *picture, *next;

	saying->fresh = cJSON_Duplicate(saying->here, true);
	if (!saying->fresh)
		return -ENOMEM;
	for (picture = saying->fresh->child; picture; picture = next) {
		bool shown = false;
		next = picture->next;
		for (size_t i = 0; i < count && !shown; i++)
			shown = talk_pictures_hold(list[i].pictures, picture);
		if (shown)
			cJSON_Delete(cJSON_DetachItemViaPointer(saying->fresh, picture));
	}
	return 0;
}

static int fill_turns(
	const struct talk *talk, struct saying *saying, struct said *list, size_t *count)
{
	const cJSON *picture;
	int r = 0;

	for (size_t i = 0; r == 0 && i < talk->count; i++)
		if (talk->turns[i].reply)
			r = recall(&talk->turns[i], saying, &list[(*count)++]);
	if (r < 0 || !saying)
		return r;
	r = pick_fresh(saying, list, *count);
	struct said *last = &list[(*count)++];
	last->turn.prompt = saying->prompt;
	cJSON_ArrayForEach(picture, saying->fresh)
	{
		add_picture(picture, last);
	}
	return r;
}

/* The turns that are answered to their end, and after them `saying` unless it is NULL. */
static int make_input(struct fs *fs, uint64_t dir, const struct model *model,
	const struct talk *talk, struct saying *saying, cJSON **out)
{
	struct said *list = calloc(talk->count + 1, sizeof(*list));
	struct chat_turn *turns = calloc(talk->count + 1, sizeof(*turns));
	struct buf system;
	size_t count = 0;
	int r = list && turns ? 0 : -ENOMEM;

	buf_init(&system, REQUEST_MAX_BYTES);
	if (r == 0)
		r = fill_turns(talk, saying, list, &count);
	for (size_t i = 0; i < count; i++) {
		turns[i] = list[i].turn;
		turns[i].images = list[i].names;
	}
	if (r == 0)
		r = read_system(fs, dir, &system);
	if (r == 0 && system.len > 0 && !utf8_is_valid(system.data, system.len))
		r = -EILSEQ;
	if (r == 0)
		r = chat_input(model, system.len ? system.data : NULL, turns, count, out);
	buf_finish(&system);
	for (size_t i = 0; i < count; i++)
		cJSON_Delete(list[i].pictures);
	free(list);
	free(turns);
	return r;
}

static int add_messages(struct fs *fs, uint64_t dir, const struct talk *talk, struct buf *out)
{
	struct place place;
	cJSON *input = NULL;
	char *text = NULL;
	int r = place_of(fs, dir, &place);

	if (r == 0 && !(place.model && place.model->service->chat))
		r = -ENOENT;
	if (r == 0)
		r = make_input(fs, dir, place.model, talk, NULL, &input);
	if (r == 0) {
		text = cJSON_Print(input);
		r = text ? buf_addf(out, "%s\n", text) : -ENOMEM;
	}
	cJSON_free(text);
	cJSON_Delete(input);
	/* Whatever stands in `system`, or the folder's place, this is JSON. */
	return r == -ENOENT || r == -EILSEQ ? buf_adds(out, "{}\n") : r;
}

int talk_make(struct fs *fs, const struct entry *entry, struct buf *out, int64_t *mtime_ms)
{
	struct talk talk;
	struct task task = {0};
	int r = talk_read(fs, entry->dir, &talk);

	if (r < 0)
		return r;
	const struct turn *last = talk.count ? &talk.turns[talk.count - 1] : NULL;
	*mtime_ms = entry->mtime_ns / 1000000;
	if (last && store_task_get(fs->store, last->task, &task) == 0)
		*mtime_ms = task.ended_ms ? task.ended_ms : clock_now_ms();
	task_finish(&task);
	if (entry->index == TALK_REPLY)
		r = last ? add_answer(fs, last, out) : 0;
	else if (entry->index == TALK_HISTORY)
		r = add_history(fs, &talk, out);
	else
		r = add_messages(fs, entry->dir, &talk, out);
	talk_finish(&talk);
	return r;
}

int talk_stat(struct fs *fs, const struct entry *entry, struct stat *st)
{
	struct buf text;
	int64_t mtime_ms = 0;

	buf_init(&text, TALK_MAX);
	int r = talk_make(fs, entry, &text, &mtime_ms);
	if (r == 0)
		node_fill(
			fs, inode_entry(entry->id), S_IFREG | 0444, (off_t)text.len, mtime_ms, st);
	buf_finish(&text);
	return r;
}

/* ---- a turn is written ---- */

static int refuse_busy(struct fs *fs, uint64_t dir, int64_t active, struct error *err)
{
	struct task task = {0};
	char line[128] = "";

	if (store_task_get(fs->store, active, &task) == 0)
		task_status_line(&task, clock_now_ms(), line, sizeof(line));
	task_finish(&task);
	return error_set(err, -EBUSY,
		"The turn was not taken: the one before it is not answered yet (%s).\n"
		"Read prompt.wait, which returns when it is, and write again; or end it by "
		"`echo cancel > tasks/all/%lld/control` while it is held.",
		line, (long long)active);
}

int talk_may_write(struct fs *fs, const struct entry *entry)
{
	struct error err = {0};
	int64_t active;
	int r;

	if (!talk_is_place(fs, entry->dir))
		return 0;
	r = store_turn_active(fs->store, entry->dir, 0, &active);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = refuse_busy(fs, entry->dir, active, &err);
	if (r == -EBUSY)
		intake_refuse(fs, entry->id, entry->dir, entry->name, &err);
	error_finish(&err);
	return r;
}

/* The text without a byte order mark and the blanks at its end. */
static int read_prompt(const struct buf *bytes, char **out, struct error *err)
{
	const char *text = bytes->data;
	size_t len = bytes->len;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3, len -= 3;
	while (len > 0 && strchr(" \t\r\n\v\f", text[len - 1]))
		len--;
	if (memchr(text, '\0', len) || !utf8_is_valid(text, len))
		return error_set(err, -EINVAL, "The prompt is not UTF-8 text. Save it as UTF-8.");
	*out = strndup(text, len);
	return *out ? 0 : -ENOMEM;
}

static int begin_saying(struct fs *fs, uint64_t dir, const struct model *model,
	const struct buf *bytes, char **prompt, struct saying *out, struct error *err)
{
	int r = read_prompt(bytes, prompt, err);

	out->prompt = *prompt;
	if (r == 0 && chat_takes_images(model))
		return talk_pictures(fs, dir, &out->here);
	if (r == 0)
		out->here = cJSON_CreateArray();
	return r < 0 ? r : out->here ? 0 : -ENOMEM;
}

/* What is kept of the turn beside its body. */
static int keep_saying(struct saying *saying, char **prompt, struct request *out)
{
	char *both;

	if (saying->fresh->child) {
		out->images = cJSON_PrintUnformatted(saying->fresh);
		if (!out->images)
			return -ENOMEM;
	}
	if (saying->gone.len) {
		if (asprintf(&both, "%s%s%s", out->warnings ? out->warnings : "",
			    out->warnings ? "\n" : "", saying->gone.data) < 0)
			return -ENOMEM;
		free(out->warnings);
		out->warnings = both;
	}
	out->prompt = *prompt;
	*prompt = NULL;
	return 0;
}

int talk_build(struct fs *fs, uint64_t dir, const struct model *model, const struct buf *bytes,
	const struct buf *defaults, struct request *out, struct error *err)
{
	const struct request_rules rules = {.warn_only = fs->warn_only};
	bool has_defaults = !request_is_blank(defaults->data ? defaults->data : "", defaults->len);
	char *prompt = NULL, *text = NULL;
	struct saying saying = {0};
	struct talk talk = {0};
	cJSON *input = NULL;
	int64_t active;
	int r = store_turn_active(fs->store, dir, 0, &active);

	if (r == 0)
		return refuse_busy(fs, dir, active, err);
	if (r != -ENOENT)
		return r;
	buf_init(&saying.gone, REQUEST_MAX_BYTES);
	r = begin_saying(fs, dir, model, bytes, &prompt, &saying, err);
	if (r == 0)
		r = talk_read(fs, dir, &talk);
	if (r == 0)
		r = make_input(fs, dir, model, &talk, &saying, &input);
	if (r == -EILSEQ)
		r = error_set(err, -EINVAL,
			"The file system in this folder is not UTF-8 text. Save it as UTF-8.");
	if (r == 0) {
		text = cJSON_PrintUnformatted(input);
		r = text ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = request_build(model, REQUEST_JSON, text, strlen(text),
			has_defaults ? defaults->data : NULL, has_defaults ? defaults->len : 0,
			&rules, out, err);
	if (r == 0)
		r = keep_saying(&saying, &prompt, out);
	cJSON_free(text);
	cJSON_Delete(input);
	cJSON_Delete(saying.here);
	cJSON_Delete(saying.fresh);
	buf_finish(&saying.gone);
	talk_finish(&talk);
	free(prompt);
	return r;
}
