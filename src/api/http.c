/* The multi handle and its transfers. One thread owns all of it; only the wake-up is shared. */
#include "kiefs/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/error.h"

#include "http_address.h"
#include "http_transfer.h"

/* Connections kept open for reuse. */
#define MAX_IDLE_CONNECTIONS 32L

struct http {
	CURLM *multi;
	struct http_rules rules;
	http_done_fn *done;
	void *context;
	struct transfer *transfers; /* in `multi`; transfer.next */
	struct transfer *refused;   /* ended before they began; transfer.next, newest first */
	size_t running;
};

static CURLcode global_result;

static void init_curl(void)
{
	global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int read_origin(const char *url, const char *what, struct origin *out, struct error *err)
{
	if (!url)
		return 0;
	int r = origin_parse(url, out);
	if (r == -ENOMEM)
		return r;
	if (r == 0 && strcmp(out->scheme, "https") == 0)
		return 0;
	if (r == 0 && strcmp(out->scheme, "http") == 0 && origin_is_loopback(out))
		return 0;
	origin_finish(out);
	return error_set(err, -EINVAL,
		"The %s address \"%s\" is neither https nor http on this machine. Give an address "
		"such as https://api.example.org.",
		what, url);
}

static bool environment_has_proxy(void)
{
	static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);
		if (value && value[0])
			return true;
	}
	return false;
}

static void free_key(struct http *http)
{
	if (http->rules.key)
		explicit_bzero(http->rules.key, strlen(http->rules.key));
	free(http->rules.key);
	http->rules.key = NULL;
}

int http_create(const struct http_options *options, struct http **out, struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http *http = NULL;
	int r = -ENOMEM;

	pthread_once(&once, init_curl);
	if (global_result != CURLE_OK)
		return error_set(err, -ENOMEM, "The HTTP library could not be started.");
	http = calloc(1, sizeof(*http));
	if (!http)
		return -ENOMEM;
	http->done = options->done;
	http->context = options->context;
	r = read_origin(options->api_url, "API's", &http->rules.api, err);
	if (r == 0)
		r = read_origin(options->upload_url, "upload", &http->rules.upload, err);
	if (r < 0)
		goto out;
	if (http->rules.api.host) {
		http->rules.api_is_loopback = origin_is_loopback(&http->rules.api);
		http->rules.api_is_private = origin_is_private(&http->rules.api);
	}
	http->rules.proxied = environment_has_proxy();
	http->rules.user_agent = strdup(options->user_agent ? options->user_agent : "kiefs");
	http->multi = curl_multi_init();
	r = http->rules.user_agent && http->multi ? 0 : -ENOMEM;
	if (r < 0)
		goto out;
	curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, MAX_IDLE_CONNECTIONS);
out:
	if (r < 0)
		http_destroy(http);
	else
		*out = http;
	return r;
}

static void unlink_transfer(struct http *http, struct transfer *t)
{
	if (t->prev)
		t->prev->next = t->next;
	else
		http->transfers = t->next;
	if (t->next)
		t->next->prev = t->prev;
	if (t->easy)
		curl_multi_remove_handle(http->multi, t->easy);
	http->running--;
}

void http_destroy(struct http *http)
{
	struct transfer *t;

	if (!http)
		return;
	while ((t = http->transfers)) {
		unlink_transfer(http, t);
		transfer_destroy(t);
	}
	while ((t = http->refused)) {
		http->refused = t->next;
		transfer_destroy(t);
	}
	curl_multi_cleanup(http->multi);
	origin_finish(&http->rules.api);
	origin_finish(&http->rules.upload);
	free(http->rules.user_agent);
	free_key(http);
	free(http);
}

int http_set_key(struct http *http, const char *key)
{
	char *copy = NULL;

	for (const char *c = key; c && *c; c++)
		if (*c <= ' ' || *c > '~')
			return -EINVAL;
	if (key) {
		copy = strdup(key);
		if (!copy)
			return -ENOMEM;
	}
	free_key(http);
	http->rules.key = copy;
	return 0;
}

int http_start(struct http *http, const struct http_request *request)
{
	struct transfer *t = NULL;
	int r = transfer_create(&http->rules, request, &t);

	if (r == -EACCES) {
		t->next = http->refused;
		http->refused = t;
		http->running++;
		return 0;
	}
	if (r < 0)
		return r;
	if (curl_multi_add_handle(http->multi, t->easy) != CURLM_OK) {
		transfer_destroy(t);
		return -ENOMEM;
	}
	t->next = http->transfers;
	if (t->next)
		t->next->prev = t;
	http->transfers = t;
	http->running++;
	return 0;
}

size_t http_running(const struct http *http)
{
	return http->running;
}

/* Those there are now; what `done` starts is for the next time. */
static bool deliver_refused(struct http *http)
{
	struct transfer *t = http->refused, *oldest = NULL, *next;
	struct http_answer answer;

	http->refused = NULL;
	for (; t; t = next) {
		next = t->next;
		t->next = oldest;
		oldest = t;
	}
	for (t = oldest; t; t = next) {
		next = t->next;
		http->running--;
		transfer_refused(t, &answer);
		http->done(&answer, http->context);
		transfer_destroy(t);
	}
	return oldest != NULL;
}

/* True when `done` was called. */
static bool finish_transfer(struct http *http, struct transfer *t, CURLcode result)
{
	struct http_answer answer;
	int r = result == CURLE_OK ? transfer_redirect(t, http->multi) : 0;

	if (r == 1 && curl_multi_add_handle(http->multi, t->easy) == CURLM_OK)
		return false;
	if (r == 0) {
		transfer_answer(t, result, &answer);
	} else if (r == -EACCES) {
		transfer_refused(t, &answer);
	} else {
		transfer_refused(t, &answer);
		answer.outcome = HTTP_LOCAL;
		answer.local_errno = ENOMEM;
	}
	unlink_transfer(http, t);
	http->done(&answer, http->context);
	transfer_destroy(t);
	return true;
}

static int move(struct http *http, bool *delivered)
{
	int left;
	const CURLMsg *message;

	CURLMcode code = curl_multi_perform(http->multi, &left);
	if (code != CURLM_OK)
		return code == CURLM_OUT_OF_MEMORY ? -ENOMEM : -EIO;
	while ((message = curl_multi_info_read(http->multi, &left))) {
		struct transfer *t;
		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode result = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
		if (finish_transfer(http, t, result))
			*delivered = true;
	}
	return 0;
}

int http_perform(struct http *http, int timeout_ms)
{
	bool delivered = deliver_refused(http);

	int r = move(http, &delivered);
	if (r < 0 || delivered)
		return r;
	if (timeout_ms < 0)
		timeout_ms = INT_MAX;
	if (curl_multi_poll(http->multi, NULL, 0, timeout_ms, NULL) != CURLM_OK)
		return -EIO;
	return move(http, &delivered);
}

void http_wakeup(struct http *http)
{
	curl_multi_wakeup(http->multi);
}
