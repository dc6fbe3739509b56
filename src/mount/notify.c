/*
 * The thread that tells the kernel and parked readers what changed.
 *
 * It holds nothing while it tells: a notification may wait for a request that is being served in
 * the same directory, and that request may want a lock. It answers no request but parked ones.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs.h"
#include "kiefs/inode.h"

struct note {
	struct note *next;
	struct changes changes;
};

/* What the kernel does not have cached, it need not be told: -ENOENT is no error here. */
static void tell(struct fs *fs, const struct changes *changes)
{
	for (int i = 0; i < changes->count; i++) {
		const struct name_change *name = &changes->names[i];
		if (!name->added)
			fuse_lowlevel_notify_inval_entry(
				fs->session, name->dir, name->name, strlen(name->name));
		else if (name->entry)
			fuse_lowlevel_notify_inval_inode(
				fs->session, inode_entry(name->entry), -1, 0);
		fuse_lowlevel_notify_inval_inode(fs->session, name->dir, -1, 0);
	}
	wait_check(fs);
}

static void *run(void *context)
{
	struct fs *fs = context;
	struct notifier *notifier = &fs->notifier;

	pthread_mutex_lock(&notifier->lock);
	while (!notifier->stop) {
		struct note *note = notifier->first;
		if (!note) {
			pthread_cond_wait(&notifier->more, &notifier->lock);
			continue;
		}
		notifier->first = note->next;
		if (!notifier->first)
			notifier->last = NULL;
		pthread_mutex_unlock(&notifier->lock);
		tell(fs, &note->changes);
		free(note);
		pthread_mutex_lock(&notifier->lock);
	}
	pthread_mutex_unlock(&notifier->lock);
	return NULL;
}

int notifier_start(struct fs *fs)
{
	int r = pthread_create(&fs->notifier.thread, NULL, run, fs);

	fs->notifier.started = r == 0;
	return -r;
}

void notifier_stop(struct fs *fs)
{
	struct notifier *notifier = &fs->notifier;

	if (!notifier->started)
		return;
	pthread_mutex_lock(&notifier->lock);
	notifier->stop = true;
	pthread_cond_signal(&notifier->more);
	pthread_mutex_unlock(&notifier->lock);
	pthread_join(notifier->thread, NULL);
	notifier->started = false;
	while (notifier->first) {
		struct note *note = notifier->first;
		notifier->first = note->next;
		free(note);
	}
	notifier->last = NULL;
}

void notifier_queue(struct fs *fs, const struct changes *changes)
{
	struct notifier *notifier = &fs->notifier;

	if (changes->count == 0 && changes->task == 0)
		return;
	/* Lost for want of memory: the names' timeouts make up for it. */
	struct note *note = malloc(sizeof(*note));
	if (!note)
		return;
	note->changes = *changes;
	note->next = NULL;
	pthread_mutex_lock(&notifier->lock);
	if (notifier->last)
		notifier->last->next = note;
	else
		notifier->first = note;
	notifier->last = note;
	pthread_cond_signal(&notifier->more);
	pthread_mutex_unlock(&notifier->lock);
}
