/*
 * The far side for tests of the worker: the functions of kiefs/http.h without a network, and with
 * a clock of their own. Link `fake_http` in place of `http`.
 *
 *   fake_http_reset(1000000);                              first thing in each test
 *   fake_http_reply(&(struct fake_reply){
 *           .url = "createTask", .status = 200, .body = "{...}", .delay_ms = 300});
 *   ... worker_create(), with a clock that returns fake_http_now_ms() ...
 *   worker_step(worker, 1000);
 *   assert_int_equal(fake_http_count("createTask"), 1);
 *
 * Each request takes the first reply of the script that fits it and has uses left; failing that
 * the handler's; failing that the test fails. Its answer is delivered when the fake clock gets to
 * its time: http_perform() never sleeps but sets the clock forward to the next answer that is
 * due within `timeout_ms`, or by `timeout_ms` when none is (not at all for -1, nor after
 * http_wakeup()). So answers come late, and out of order, by their `delay_ms`.
 *
 * A `once` request with the address and body of an earlier one that the far side may have taken
 * (a 2xx, or no answer to it) fails the test: that is a user paying twice. Where it is right
 * ("resend", two tasks alike) say so with fake_http_allow_double().
 *
 * One thread, but for http_wakeup(). Texts given to the fake are borrowed until the next reset.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kiefs/http.h"

/* Zeroed members mean what the comment says last. */
struct fake_reply {
	const char *url;	   /* part of the address; NULL: any */
	const char *method;	   /* NULL: any */
	const char *request_body;  /* part of the request's body; NULL: any */
	int uses;		   /* how many requests it answers; -1: all; 0: one */
	int64_t delay_ms;	   /* from the request's start */
	enum http_outcome outcome; /* HTTP_ANSWERED */
	int status;		   /* 0: 200 when answered */
	const char *body;	   /* what comes; for a file sink it is the whole file; NULL: "" */
	size_t body_len;	   /* 0: strlen(body) */
	/* Before the answer these go to the request's `piece`, one each `piece_ms` after the other
	 * from `delay_ms` on; ends with NULL. All must be taken; the answer comes after the last.
	 * NULL: none */
	const char *const *pieces;
	int64_t piece_ms;
	int64_t cut_at;		  /* a file ends after so many bytes, HTTP_CUT; 0: whole */
	bool no_resume;		  /* a file comes from its start, whatever was asked for */
	int64_t retry_after_ms;	  /* 0: absent */
	const char *content_type; /* NULL: absent */
	const char *etag;	  /* NULL: absent */
	const char *detail;	  /* NULL: made up */
	int local_errno;	  /* with HTTP_LOCAL */
};

/* A request as it came; the texts are copies. */
struct fake_request {
	char *method;
	char *url;
	char *body;	/* "" when none */
	char *if_range; /* "" when none */
	bool authorized;
	bool once;
	bool has_file;
	int64_t offset;
	int64_t max_bytes;
	int64_t at_ms;	     /* of the fake clock */
	int64_t answered_ms; /* -1: not yet */
};

/* Fills `*reply` (zeroed before the call) for a request that no script fits. False: fail the test.
 */
typedef bool fake_handler_fn(
	const struct fake_request *request, struct fake_reply *reply, void *context);

/* Forgets everything, frees the records, sets the clock. Every `struct http` must be gone. */
void fake_http_reset(int64_t now_ms);
/* Adds to the end of the script. */
void fake_http_reply(const struct fake_reply *reply);
void fake_http_handler(fake_handler_fn *handler, void *context);
void fake_http_allow_double(bool allow);

int64_t fake_http_now_ms(void);
void fake_http_advance(int64_t ms);

/* Requests so far whose address holds `url` (NULL: all), and the `index`th of them (from 0; NULL
 * when there are fewer). */
size_t fake_http_count(const char *url);
const struct fake_request *fake_http_request(const char *url, size_t index);
/* The key as last set, NULL when none. */
const char *fake_http_key(void);
/* No script entry has uses left (those with -1 do not count). */
bool fake_http_script_done(void);
