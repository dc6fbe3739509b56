/* See callbacks.h. The list is in order of time; the lock guards it and the counters, and is held
 * over nothing that waits. Transfers belong to the thread. */
#include "callbacks.h"

#include "sim.h"
#include "tasks.h"

#include "kiefs/callback.h"
#include "kiefs/clock.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAITING_MAX 100000
#define POSTS_MAX 64 /* at once */
#define TIMEOUT_MS 15000L
#define TRIES 4
#define RETRY_MS 1000 /* doubled each time */
#define KEPT 200
#define NAP_MAX_MS 60000

struct post {
	struct post *next;
	int64_t due_ms;
	char *url, *body; /* body NULL: to be made */
	char task[TASK_ID_SIZE];
	unsigned stage;
	callback_make_fn *make;
	int tries;
	CURL *easy;
	struct curl_slist *headers;
};

struct told {
	char task[TASK_ID_SIZE];
	int64_t at_ms; /* wall clock: when it was posted */
	long status;
};

struct callbacks {
	struct sim *sim;
	pthread_t thread;
	pthread_mutex_t lock;
	CURLM *multi;
	bool stopping;
	struct post *first; /* post::next */
	size_t waiting;
	struct post *running; /* post::next; the thread's */
	unsigned under_way;
	uint64_t posted, answered, failed;
	struct told last[KEPT]; /* a ring */
	uint64_t told;
};

static void free_post(struct post *post)
{
	if (post->easy)
		curl_easy_cleanup(post->easy);
	curl_slist_free_all(post->headers);
	free(post->url);
	free(post->body);
	free(post);
}

static int put(struct callbacks *callbacks, struct post *post)
{
	struct post **at = &callbacks->first;
	int r = 0;

	pthread_mutex_lock(&callbacks->lock);
	if (callbacks->waiting >= WAITING_MAX) {
		r = -ENOSPC;
	} else {
		while (*at && (*at)->due_ms <= post->due_ms)
			at = &(*at)->next;
		post->next = *at;
		*at = post;
		callbacks->waiting++;
	}
	pthread_mutex_unlock(&callbacks->lock);
	if (r == 0)
		curl_multi_wakeup(callbacks->multi);
	return r;
}

static int add(struct callbacks *callbacks, const char *url, const char *task, unsigned stage,
	int64_t due_ms, callback_make_fn *make, const char *body)
{
	struct post *post = calloc(1, sizeof(*post));
	int r = -ENOMEM;

	if (!post)
		return r;
	post->due_ms = due_ms;
	post->stage = stage;
	post->make = make;
	snprintf(post->task, sizeof(post->task), "%s", task);
	post->url = strdup(url);
	post->body = body ? strdup(body) : NULL;
	if (post->url && (post->body || !body))
		r = put(callbacks, post);
	if (r < 0)
		free_post(post);
	return r;
}

int callbacks_plan(struct callbacks *callbacks, const char *url, const char *task, unsigned stage,
	int64_t due_ms, callback_make_fn *make)
{
	return add(callbacks, url, task, stage, due_ms, make, NULL);
}

int sim_callback_send(struct sim *sim, const char *url, const char *task, const char *body)
{
	return add(sim->callbacks, url, task, 0, sim_clock_now_ms(&sim->clock), NULL, body);
}

void callbacks_wake(struct callbacks *callbacks)
{
	curl_multi_wakeup(callbacks->multi);
}

void callbacks_clear(struct callbacks *callbacks)
{
	pthread_mutex_lock(&callbacks->lock);
	while (callbacks->first) {
		struct post *post = callbacks->first;
		callbacks->first = post->next;
		free_post(post);
	}
	callbacks->waiting = 0;
	pthread_mutex_unlock(&callbacks->lock);
}

/* The first whose time has come; else how long until then. */
static struct post *take(struct callbacks *callbacks, int64_t *wait_ms)
{
	int64_t now = sim_clock_now_ms(&callbacks->sim->clock);
	struct post *post;

	*wait_ms = NAP_MAX_MS;
	pthread_mutex_lock(&callbacks->lock);
	post = callbacks->first;
	if (post && post->due_ms <= now) {
		callbacks->first = post->next;
		callbacks->waiting--;
	} else if (post) {
		*wait_ms = post->due_ms - now < NAP_MAX_MS ? post->due_ms - now : NAP_MAX_MS;
		post = NULL;
	}
	pthread_mutex_unlock(&callbacks->lock);
	return post;
}

/* Bodies that are made know their task's faults: never, twice, and one about a task of somebody
 * else before it. Returns whether anything is to be posted. */
static bool obey_faults(struct callbacks *callbacks, struct post *post)
{
	struct task task = {0};
	char other[] = "{\"code\":200,\"msg\":\"success\",\"data\":{\"taskId\":"
		       "\"00000000000000000000000000000000\",\"state\":\"success\"}}";

	if (!post->make || tasks_get(&callbacks->sim->tasks, post->task, TASK_LOOK, &task) < 0)
		return !post->make;
	bool never = task_fault(&task, FAULT_CALLBACK_NEVER);
	bool twice = task_fault(&task, FAULT_CALLBACK_TWICE);
	bool forged = task_fault(&task, FAULT_CALLBACK_FORGED);

	task_finish(&task);
	if (never)
		return false;
	if (forged)
		add(callbacks, post->url, "00000000000000000000000000000000", 0, post->due_ms, NULL,
			other);
	if (twice && post->body)
		add(callbacks, post->url, post->task, 0, post->due_ms, NULL, post->body);
	return true;
}

static int make_body(struct callbacks *callbacks, struct post *post)
{
	cJSON *json = NULL;
	int r = post->make(callbacks->sim, post->task, post->stage, &json);

	if (r == 0 && json) {
		char *text = cJSON_PrintUnformatted(json);
		post->body = text ? strdup(text) : NULL;
		cJSON_free(text);
		r = post->body ? 0 : -ENOMEM;
	}
	cJSON_Delete(json);
	return r;
}

static int add_headers(struct callbacks *callbacks, struct post *post)
{
	const char *key = callbacks->sim->options.callback_key;
	char signature[CALLBACK_SIGNATURE_SIZE], seconds[24], line[160];
	struct curl_slist *more =
		curl_slist_append(post->headers, "Content-Type: application/json");

	if (!more)
		return -ENOMEM;
	post->headers = more;
	if (!key)
		return 0;
	snprintf(seconds, sizeof(seconds), "%" PRId64, clock_now_ms() / 1000);
	callback_sign(key, post->task, seconds, signature);
	snprintf(line, sizeof(line), "X-Webhook-Timestamp: %s", seconds);
	more = curl_slist_append(post->headers, line);
	if (!more)
		return -ENOMEM;
	post->headers = more;
	snprintf(line, sizeof(line), "X-Webhook-Signature: %s", signature);
	more = curl_slist_append(post->headers, line);
	if (!more)
		return -ENOMEM;
	post->headers = more;
	return 0;
}

static size_t ignore(char *data, size_t size, size_t count, void *user)
{
	return size * count;
}

static int start(struct callbacks *callbacks, struct post *post)
{
	int r = add_headers(callbacks, post);

	post->easy = r == 0 ? curl_easy_init() : NULL;
	if (!post->easy)
		return -ENOMEM;
	curl_easy_setopt(post->easy, CURLOPT_URL, post->url);
	curl_easy_setopt(post->easy, CURLOPT_POSTFIELDS, post->body);
	curl_easy_setopt(post->easy, CURLOPT_HTTPHEADER, post->headers);
	curl_easy_setopt(post->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(post->easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
	curl_easy_setopt(post->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(post->easy, CURLOPT_WRITEFUNCTION, ignore);
	curl_easy_setopt(post->easy, CURLOPT_PRIVATE, post);
	if (curl_multi_add_handle(callbacks->multi, post->easy) != CURLM_OK)
		return -ENOMEM;
	post->tries++;
	post->next = callbacks->running;
	callbacks->running = post;
	callbacks->under_way++;
	pthread_mutex_lock(&callbacks->lock);
	callbacks->posted++;
	struct told *told = &callbacks->last[callbacks->told++ % KEPT];
	snprintf(told->task, sizeof(told->task), "%s", post->task);
	told->at_ms = clock_now_ms();
	told->status = 0;
	pthread_mutex_unlock(&callbacks->lock);
	return 0;
}

static void begin(struct callbacks *callbacks, struct post *post)
{
	int r = post->body ? 0 : make_body(callbacks, post);

	if (r == 0 && post->body && obey_faults(callbacks, post))
		r = start(callbacks, post);
	if (!post->easy || r < 0)
		free_post(post);
}

static void note(struct callbacks *callbacks, const struct post *post, long status, bool last)
{
	pthread_mutex_lock(&callbacks->lock);
	callbacks->answered += status == 200;
	callbacks->failed += status != 200 && last;
	for (uint64_t i = callbacks->told; i > 0 && i + KEPT > callbacks->told; i--) {
		struct told *told = &callbacks->last[(i - 1) % KEPT];
		if (strcmp(told->task, post->task) != 0)
			continue;
		told->status = status ? status : -1;
		break;
	}
	pthread_mutex_unlock(&callbacks->lock);
}

/* Posted well, or once more later. */
static void finish(struct callbacks *callbacks, CURL *easy)
{
	struct post *post = NULL, **at = &callbacks->running;
	long status = 0;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &post);
	while (*at != post)
		at = &(*at)->next;
	*at = post->next;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_multi_remove_handle(callbacks->multi, easy);
	callbacks->under_way--;
	note(callbacks, post, status, post->tries >= TRIES);
	curl_easy_cleanup(post->easy);
	post->easy = NULL;
	curl_slist_free_all(post->headers);
	post->headers = NULL;
	post->make = NULL;
	post->due_ms =
		sim_clock_now_ms(&callbacks->sim->clock) + ((int64_t)RETRY_MS << (post->tries - 1));
	if (status == 200 || post->tries >= TRIES || put(callbacks, post) < 0)
		free_post(post);
}

static void collect(struct callbacks *callbacks)
{
	CURLMsg *message;
	int left, running;

	curl_multi_perform(callbacks->multi, &running);
	while ((message = curl_multi_info_read(callbacks->multi, &left)))
		if (message->msg == CURLMSG_DONE)
			finish(callbacks, message->easy_handle);
}

static bool goes_on(struct callbacks *callbacks)
{
	pthread_mutex_lock(&callbacks->lock);
	bool on = !callbacks->stopping;
	pthread_mutex_unlock(&callbacks->lock);
	return on;
}

static void *run(void *user)
{
	struct callbacks *callbacks = user;
	struct post *post;

	while (goes_on(callbacks)) {
		int64_t wait_ms = NAP_MAX_MS;
		while (callbacks->under_way < POSTS_MAX && (post = take(callbacks, &wait_ms)))
			begin(callbacks, post);
		collect(callbacks);
		curl_multi_poll(callbacks->multi, NULL, 0, (int)wait_ms, NULL);
	}
	return NULL;
}

int callbacks_start(struct sim *sim, struct callbacks **out)
{
	struct callbacks *callbacks = calloc(1, sizeof(*callbacks));

	if (!callbacks)
		return -ENOMEM;
	callbacks->sim = sim;
	pthread_mutex_init(&callbacks->lock, NULL);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	callbacks->multi = curl_multi_init();
	int r = callbacks->multi ? -pthread_create(&callbacks->thread, NULL, run, callbacks)
				 : -ENOMEM;
	if (r < 0) {
		curl_multi_cleanup(callbacks->multi);
		pthread_mutex_destroy(&callbacks->lock);
		free(callbacks);
		return r;
	}
	*out = callbacks;
	return 0;
}

/* Whoever does not answer keeps nobody from ending. */
static void drop_transfers(struct callbacks *callbacks)
{
	while (callbacks->running) {
		struct post *post = callbacks->running;
		callbacks->running = post->next;
		curl_multi_remove_handle(callbacks->multi, post->easy);
		free_post(post);
	}
}

void callbacks_stop(struct callbacks *callbacks)
{
	if (!callbacks)
		return;
	pthread_mutex_lock(&callbacks->lock);
	callbacks->stopping = true;
	pthread_mutex_unlock(&callbacks->lock);
	curl_multi_wakeup(callbacks->multi);
	pthread_join(callbacks->thread, NULL);
	drop_transfers(callbacks);
	callbacks_clear(callbacks);
	curl_multi_cleanup(callbacks->multi);
	pthread_mutex_destroy(&callbacks->lock);
	free(callbacks);
}

cJSON *callbacks_json(struct callbacks *callbacks)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *last = cJSON_AddArrayToObject(json, "last");

	pthread_mutex_lock(&callbacks->lock);
	cJSON_AddNumberToObject(json, "posted", (double)callbacks->posted);
	cJSON_AddNumberToObject(json, "answered", (double)callbacks->answered);
	cJSON_AddNumberToObject(json, "failed", (double)callbacks->failed);
	cJSON_AddNumberToObject(json, "waiting", (double)callbacks->waiting);
	uint64_t from = callbacks->told > KEPT ? callbacks->told - KEPT : 0;
	for (uint64_t i = from; i < callbacks->told; i++) {
		const struct told *told = &callbacks->last[i % KEPT];
		cJSON *item = cJSON_CreateObject();
		cJSON_AddStringToObject(item, "task", told->task);
		cJSON_AddNumberToObject(item, "at_ms", (double)told->at_ms);
		cJSON_AddNumberToObject(item, "status", (double)told->status);
		cJSON_AddItemToArray(last, item);
	}
	pthread_mutex_unlock(&callbacks->lock);
	return json;
}
