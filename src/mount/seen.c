/*
 * When a text that the daemon makes of its own state last changed: when somebody first saw it
 * differ. Only its digest is kept, one for each such file. Any thread.
 */
#include <string.h>

#include "fs.h"
#include "kiefs/clock.h"

int64_t seen_since(struct fs *fs, enum tree_kind kind, const void *text, size_t len)
{
	struct seen *seen = &fs->seen;
	char digest[DIGEST_HEX_SIZE];
	int64_t last_ms = fs->started_ms;

	/* Nobody has seen it yet, and this is the last that happened. */
	store_log_last(fs->store, 0, &last_ms);
	if (last_ms < fs->started_ms)
		last_ms = fs->started_ms;
	digest_bytes(text, len, digest);
	pthread_mutex_lock(&seen->lock);
	if (strcmp(seen->texts[kind].digest, digest) != 0) {
		seen->texts[kind].since_ms = *seen->texts[kind].digest ? clock_now_ms() : last_ms;
		memcpy(seen->texts[kind].digest, digest, sizeof(digest));
	}
	int64_t since_ms = seen->texts[kind].since_ms;
	pthread_mutex_unlock(&seen->lock);
	return since_ms;
}
