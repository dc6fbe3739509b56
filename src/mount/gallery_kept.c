/*
 * The scripts that were made last. A browser looks a file up, opens it and asks for its size: all
 * three get the same text, made once, unless something in the index has changed in between. There
 * is room for as many as a browser loads at a time, and a script that is larger than usual is not
 * kept.
 */
#include <stdlib.h>
#include <string.h>

#include "fs.h"
#include "gallery.h"
#include "kiefs/buf.h"
#include "kiefs/clock.h"

/* What is told of time and the catalogue in a script may be as old as this. */
#define KEPT_MS 1000
#define KEPT_BYTES (256u << 10)

static bool is_fresh(const struct kept_script *script, uint64_t inode, int64_t stamp, int64_t now)
{
	return script->text && script->inode == inode && script->stamp == stamp &&
	       now >= script->at_ms && now - script->at_ms < KEPT_MS;
}

static bool find(struct kept *kept, uint64_t inode, int64_t stamp, struct buf *out)
{
	int64_t now = clock_now_ms();
	bool found = false;

	pthread_mutex_lock(&kept->lock);
	for (int i = 0; i < SCRIPTS_KEPT && !found; i++) {
		const struct kept_script *script = &kept->scripts[i];
		found = is_fresh(script, inode, stamp, now);
		if (found)
			buf_add(out, script->text, script->len);
	}
	pthread_mutex_unlock(&kept->lock);
	return found;
}

static void keep(struct kept *kept, uint64_t inode, int64_t stamp, const struct buf *text)
{
	struct kept_script script = {.inode = inode,
		.stamp = stamp,
		.at_ms = clock_now_ms(),
		.len = text->len,
		.text = malloc(text->len)};

	if (!script.text)
		return;
	memcpy(script.text, text->data, text->len);
	pthread_mutex_lock(&kept->lock);
	struct kept_script *place = &kept->scripts[kept->next++ % SCRIPTS_KEPT];
	free(place->text);
	*place = script;
	pthread_mutex_unlock(&kept->lock);
}

int gallery_data(struct fs *fs, uint64_t inode, struct buf *out)
{
	int64_t stamp;
	int r = store_stamp(fs->store, &stamp);

	if (r < 0 || find(&fs->kept, inode, stamp, out))
		return r < 0 ? r : out->error;
	r = gallery_make(fs, inode, out);
	if (r == 0 && out->len <= KEPT_BYTES)
		keep(&fs->kept, inode, stamp, out);
	return r;
}

void gallery_finish(struct fs *fs)
{
	for (int i = 0; i < SCRIPTS_KEPT; i++)
		free(fs->kept.scripts[i].text);
}
