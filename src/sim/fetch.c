#include "fetch.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

struct fetch {
	struct fetches *fetches;
	struct MHD_Connection *connection;
	pthread_t thread;
	char *url;
	struct body_file file;
	int error;
};

void fetches_init(struct fetches *fetches)
{
	pthread_mutex_init(&fetches->lock, NULL);
	pthread_cond_init(&fetches->ended, NULL);
	fetches->running = 0;
	atomic_store(&fetches->stopping, false);
}

void fetches_stop(struct fetches *fetches)
{
	atomic_store(&fetches->stopping, true);
	pthread_mutex_lock(&fetches->lock);
	while (fetches->running > 0)
		pthread_cond_wait(&fetches->ended, &fetches->lock);
	pthread_mutex_unlock(&fetches->lock);
}

void fetches_finish(struct fetches *fetches)
{
	pthread_mutex_destroy(&fetches->lock);
	pthread_cond_destroy(&fetches->ended);
}

static void *run(void *user)
{
	struct fetch *fetch = user;
	struct fetches *fetches = fetch->fetches;

	fetch->error = body_file_fetch(&fetch->file, fetch->url, &fetches->stopping);
	MHD_resume_connection(fetch->connection);
	pthread_mutex_lock(&fetches->lock);
	fetches->running--;
	pthread_cond_signal(&fetches->ended);
	pthread_mutex_unlock(&fetches->lock);
	return NULL;
}

struct fetch *fetch_start(struct fetches *fetches, struct MHD_Connection *connection,
	const char *url, uint64_t max_bytes)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));

	if (!fetch || atomic_load(&fetches->stopping)) {
		free(fetch);
		return NULL;
	}
	fetch->fetches = fetches;
	fetch->connection = connection;
	fetch->url = strdup(url);
	int r = body_file_begin(&fetch->file, max_bytes);
	if (r < 0 || !fetch->url)
		goto fail;
	pthread_mutex_lock(&fetches->lock);
	fetches->running++;
	pthread_mutex_unlock(&fetches->lock);
	/* Suspended first, so that it is never resumed too early. */
	MHD_suspend_connection(connection);
	if (pthread_create(&fetch->thread, NULL, run, fetch) == 0)
		return fetch;
	MHD_resume_connection(connection);
	pthread_mutex_lock(&fetches->lock);
	fetches->running--;
	pthread_mutex_unlock(&fetches->lock);
fail:
	body_file_finish(&fetch->file);
	free(fetch->url);
	free(fetch);
	return NULL;
}

struct body_file *fetch_file(struct fetch *fetch, int *error)
{
	*error = fetch->error;
	return &fetch->file;
}

void fetch_destroy(struct fetch *fetch)
{
	if (!fetch)
		return;
	pthread_join(fetch->thread, NULL);
	body_file_finish(&fetch->file);
	free(fetch->url);
	free(fetch);
}
