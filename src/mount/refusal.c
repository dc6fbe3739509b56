/*
 * Who was refused what. File managers remove a file that they could not write and say no more than
 * that: what was wrong must then outlive the file. Whoever else removes it has read it, or may.
 */
#include "fs.h"
#include "kiefs/clock.h"

/* A program that clears up does so at once. */
#define FRESH_MS 5000

void refusal_keep(struct fs *fs, int64_t entry, pid_t process)
{
	struct refusals *refusals = &fs->refusals;

	pthread_mutex_lock(&refusals->lock);
	refusals->kept[refusals->next++ % REFUSALS_KEPT] =
		(struct refusal){.entry = entry, .process = process, .when_ms = clock_now_ms()};
	pthread_mutex_unlock(&refusals->lock);
}

bool refusal_is_fresh(struct fs *fs, int64_t entry, pid_t process)
{
	struct refusals *refusals = &fs->refusals;
	int64_t since_ms = clock_now_ms() - FRESH_MS;
	bool fresh = false;

	pthread_mutex_lock(&refusals->lock);
	for (unsigned i = 0; process && i < REFUSALS_KEPT; i++) {
		const struct refusal *kept = &refusals->kept[i];
		if (kept->entry == entry && kept->process == process && kept->when_ms > since_ms)
			fresh = true;
	}
	pthread_mutex_unlock(&refusals->lock);
	return fresh;
}
