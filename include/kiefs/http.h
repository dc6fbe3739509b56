/*
 * HTTP transfers around one curl multi handle. No JSON, no tasks.
 *
 * Thread: all calls come from the one thread that made the handle, except http_wakeup().
 * HTTP/2 where the server offers it, connections are reused. https only, except to a loopback
 * address that the user configured as the API's or the upload's, and to any loopback address when
 * the API itself is on loopback. Redirects (GET only, 3 at most) stay within these rules and take
 * the key to no other host. No private, loopback or link-local address is ever connected to,
 * whatever name leads there, except the configured ones, and all of them when the API's address
 * spells such an address itself. Proxies as curl's environment variables say, never for loopback.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct http;

enum http_outcome {
	HTTP_ANSWERED,	/* a whole answer arrived: look at `status` */
	HTTP_NOT_SENT,	/* no connection stood, or no byte of a body to be sent once left this
			   machine: safe to send again */
	HTTP_NO_ANSWER, /* some of it left, and no whole answer came: the outcome is unknown */
	HTTP_CUT,	/* a download ended early; `received` bytes of it are in the file */
	HTTP_TOO_LARGE, /* the answer is larger than `max_bytes` */
	HTTP_REFUSED,	/* not tried: address not allowed (scheme, private address, bad URL) */
	HTTP_LOCAL,	/* the file could not be written, or read: see `local_errno` */
};

/* One part of a multipart body: a text, or a file. */
struct http_part {
	const char *name;
	const char *text;     /* NULL: the file */
	int fd;		      /* read by place, from its start; open until done */
	int64_t size;	      /* bytes of it that go; fewer in the file: HTTP_LOCAL */
	const char *filename; /* as the far side is told */
};

struct http_request {
	const char *method; /* "GET" or "POST" */
	const char *url;
	const char *body; /* POST body, borrowed until done; NULL: none */
	size_t body_len;
	/* In place of a body; the array and its texts are borrowed until http_start() returns. Not
	 * with `once`. At most one of them is a file. */
	const struct http_part *parts;
	size_t part_count;
	/* How much of the parts' file has been handed out. NULL: nobody wants to know. Called from
	 * http_perform(). */
	void (*progress)(int64_t sent, int64_t size, void *user);
	/* True: the Authorization header goes along. Only the API's and the upload's origins
	 * ever get it; for any other the request is HTTP_REFUSED. */
	bool authorized;
	/* True: the body must reach the server at most once. It is never sent again on another
	 * connection once a byte of it was handed out. */
	bool once;
	int fd;		/* >= 0: the answer's body goes to this file from `offset`; -1: memory */
	int64_t offset; /* resume from here with Range; the file is cut to 0 when the server
			   answers with the whole (200) or with another part (HTTP_CUT with
			   `received` 0). A 416 that says the whole is just `offset` bytes long
			   is reported as a 206 with nothing left to come. */
	const char *if_range; /* ETag or date that must still hold for a resume, or NULL */
	int64_t max_bytes; /* of the answer's body (a file counts from its start); further bytes are
			      HTTP_TOO_LARGE */
	int connect_ms;	   /* 0: default 10 s */
	int total_ms;	   /* 0: no limit on the whole, but under 1 B/s for 30 s it ends */
	/* A file is about to be written from its start: `etag` as in the answer. Who notes it can
	 * resume after a crash. NULL: nobody wants to know. Called from http_perform(). */
	void (*begun)(const char *etag, void *user);
	void *user; /* given back in the answer */
};

struct http_answer {
	enum http_outcome outcome;
	int status;	  /* HTTP status, 0 when none came */
	const char *body; /* memory sink, NUL-terminated; valid during the callback only. Of a
			     request with a file: what came with a status other than 2xx
			     (the file is then as it was), its first 64 KiB. */
	size_t body_len;
	int64_t received;	  /* bytes of the file that are good now, from its start */
	int64_t length;		  /* of the whole content, -1 when the server did not tell */
	int64_t retry_after_ms;	  /* Retry-After (seconds or date), -1 when absent */
	const char *content_type; /* "" when absent; during the callback only */
	const char *etag;	  /* ETag, else Last-Modified; "" when absent */
	int local_errno;
	const char *detail; /* one sentence for the log; holds no secret */
	void *user;
};

typedef void http_done_fn(const struct http_answer *answer, void *context);

struct http_options {
	const char *api_url; /* "https://api.kie.ai" */
	const char *upload_url;
	const char *user_agent;
	http_done_fn *done; /* called from http_perform(); may start others, not destroy */
	void *context;
};

/* -EINVAL: an address is neither https nor http on loopback (`err` says which); -ENOMEM. */
int http_create(const struct http_options *options, struct http **out, struct error *err);
/* Drops running transfers without calling back. Accepts NULL. */
void http_destroy(struct http *http);

/* The bearer key for authorized requests, copied; NULL: none. Replaces the earlier one, which is
 * wiped. An answer that quotes the key shows asterisks instead. -EINVAL: it holds white space or
 * anything but printable ASCII; -ENOMEM. */
int http_set_key(struct http *http, const char *key);

/* 0 or -ENOMEM; `done` is called later, never from within. */
int http_start(struct http *http, const struct http_request *request);

/* Transfers under way. */
size_t http_running(const struct http *http);

/* Waits up to `timeout_ms` (-1: without end), or until a transfer moves or http_wakeup(), and calls
 * `done` for each that ended. 0 or -errno. */
int http_perform(struct http *http, int timeout_ms);

/* From any thread: a waiting http_perform() returns. */
void http_wakeup(struct http *http);
