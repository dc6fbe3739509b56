#include "delay.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <time.h>

struct waiting {
	int64_t due_ms;
	struct MHD_Connection *connection;
};

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void swap(struct waiting *a, struct waiting *b)
{
	struct waiting kept = *a;

	*a = *b;
	*b = kept;
}

static void sift_up(struct delay *delay, size_t i)
{
	while (i > 0 && delay->waiting[i].due_ms < delay->waiting[(i - 1) / 2].due_ms) {
		swap(&delay->waiting[i], &delay->waiting[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

static struct waiting take_first(struct delay *delay)
{
	struct waiting first = delay->waiting[0];
	size_t i = 0;

	delay->waiting[0] = delay->waiting[--delay->count];
	while (2 * i + 1 < delay->count) {
		size_t child = 2 * i + 1;

		if (child + 1 < delay->count &&
			delay->waiting[child + 1].due_ms < delay->waiting[child].due_ms)
			child++;
		if (delay->waiting[i].due_ms <= delay->waiting[child].due_ms)
			break;
		swap(&delay->waiting[i], &delay->waiting[child]);
		i = child;
	}
	return first;
}

static void wait_for_change(struct delay *delay)
{
	if (delay->count == 0) {
		pthread_cond_wait(&delay->changed, &delay->lock);
		return;
	}
	int64_t due_ms = delay->waiting[0].due_ms;
	struct timespec until = {due_ms / 1000, due_ms % 1000 * 1000000};
	pthread_cond_timedwait(&delay->changed, &delay->lock, &until);
}

static void *run(void *user)
{
	struct delay *delay = user;

	pthread_mutex_lock(&delay->lock);
	while (!delay->stopping || delay->count) {
		if (delay->count == 0 ||
			(!delay->stopping && delay->waiting[0].due_ms > monotonic_ms())) {
			wait_for_change(delay);
			continue;
		}
		struct waiting first = take_first(delay);

		pthread_mutex_unlock(&delay->lock);
		MHD_resume_connection(first.connection);
		pthread_mutex_lock(&delay->lock);
	}
	pthread_mutex_unlock(&delay->lock);
	return NULL;
}

int delay_start(struct delay *delay)
{
	pthread_condattr_t attributes;

	*delay = (struct delay){0};
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&delay->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&delay->lock, NULL);
	int r = pthread_create(&delay->thread, NULL, run, delay);
	delay->running = r == 0;
	return -r;
}

void delay_stop(struct delay *delay)
{
	if (!delay->running)
		return;
	pthread_mutex_lock(&delay->lock);
	delay->stopping = true;
	pthread_cond_signal(&delay->changed);
	pthread_mutex_unlock(&delay->lock);
	pthread_join(delay->thread, NULL);
	pthread_cond_destroy(&delay->changed);
	pthread_mutex_destroy(&delay->lock);
	free(delay->waiting);
	*delay = (struct delay){.stopping = true};
}

static int reserve(struct delay *delay)
{
	if (delay->stopping)
		return -ESHUTDOWN;
	if (delay->count < delay->capacity)
		return 0;
	size_t capacity = delay->capacity ? delay->capacity * 2 : 16;
	struct waiting *waiting = realloc(delay->waiting, capacity * sizeof(*waiting));
	if (!waiting)
		return -ENOMEM;
	delay->waiting = waiting;
	delay->capacity = capacity;
	return 0;
}

int delay_connection(struct delay *delay, struct MHD_Connection *connection, int64_t ms)
{
	pthread_mutex_lock(&delay->lock);
	int r = reserve(delay);
	if (r == 0) {
		/* Suspended before the thread can see it, so that it is never woken too early. */
		MHD_suspend_connection(connection);
		delay->waiting[delay->count++] = (struct waiting){monotonic_ms() + ms, connection};
		sift_up(delay, delay->count - 1);
		pthread_cond_signal(&delay->changed);
	}
	pthread_mutex_unlock(&delay->lock);
	return r;
}
