/*
 * A task's HTTP requests, and what an answer means, by the catalogue's entry. Pure: no sockets,
 * no clock, and no service known by name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct account_entry;
struct http_answer;
struct model;
struct service;

/* What kind of "no" an answer is; spelled in the catalogue's `classes`. */
enum answer_class {
	CLASS_OK,
	CLASS_RUNNING,	   /* "running" */
	CLASS_CLIENT,	   /* "client": the request is wrong; sending it again will not help */
	CLASS_AUTH,	   /* "auth": key missing or refused */
	CLASS_CREDITS,	   /* "credits" */
	CLASS_QUOTA,	   /* "quota": a limit set on this key */
	CLASS_RATE,	   /* "rate": not taken, try later; so will others be */
	CLASS_LATER,	   /* "later": this one comes too early, try it again */
	CLASS_MAINTENANCE, /* "maintenance": not taken, try later */
	CLASS_SERVER,	   /* "server": the service failed; it said so itself */
	CLASS_TASK,	   /* "task": this task failed */
	CLASS_UNKNOWN,	   /* nothing that can be understood */
};

/* What the answer to a submission says. */
enum submit_verdict {
	SUBMIT_ACCEPTED, /* task_id is set, even when an error stands beside it: asking after it
			    costs nothing */
	SUBMIT_FINISHED, /* the results stand in the same answer: read them with
			    protocol_read_poll(); task_id is set where there is one */
	SUBMIT_LATER,	 /* certainly not taken: rate limit, maintenance, no connection */
	SUBMIT_EARLY,	 /* certainly not taken, for a reason of this request alone */
	SUBMIT_HELD_KEY, /* certainly not taken: key */
	SUBMIT_HELD_CREDITS,
	SUBMIT_HELD_QUOTA,
	SUBMIT_REFUSED,	  /* certainly not taken: the service answered with an error of its own */
	SUBMIT_UNCERTAIN, /* it may have been taken */
};

struct submit_answer {
	enum submit_verdict verdict;
	char *task_id;		/* heap or NULL */
	char *message;		/* one sentence for a person, heap; never NULL unless ACCEPTED */
	int code;		/* the service's own code, 0 when none */
	int64_t retry_after_ms; /* -1: not told */
};

enum poll_verdict {
	POLL_RUNNING,	/* with progress, when told; results are those that are final already */
	POLL_SUCCEEDED, /* results are set; there may be none; `message` names what was left out */
	POLL_FAILED,	/* the task failed: message, code */
	POLL_LATER,	/* no usable answer this time; ask again */
	POLL_MISSING,	/* the service does not know the task (now) */
	POLL_KEY,	/* the key was refused */
};

enum result_kind {
	RESULT_MEDIA, /* an address of unknown kind */
	RESULT_IMAGE,
	RESULT_VIDEO,
	RESULT_AUDIO,
	RESULT_TEXT, /* content, not an address */
	RESULT_JSON,
};

struct poll_result {
	enum result_kind kind;
	char *value; /* address (http or https, no two alike) or content, heap */
	char *label; /* the entry's "name" for it ("firstframe", "1-cover"), NULL for the main
			results */
	char *id;    /* the service's id of it, heap or NULL */
	int number;  /* from 1, 0: its place among the others; the same in a later answer with more results. Numbers may be left
			out: those of results that are not there */
};

struct poll_answer {
	enum poll_verdict verdict;
	char *state;	  /* the service's own word, heap or NULL */
	bool known_state; /* false: a word the catalogue does not list */
	int progress;	  /* 0-100, -1: not told */
	double credits;	  /* what it cost, negative: not told */
	char *message;	  /* heap or NULL */
	char *code;	  /* the service's code of the failure, heap or NULL */
	int64_t retry_after_ms;
	struct poll_result *results; /* owned array */
	size_t result_count;
};

/* Whole addresses; heap, NULL when out of memory. `api_url`, `upload_url` without "/" at the end.
 */
char *protocol_submit_url(
	const struct service *service, const char *api_url, const char *upload_url);
/* The body of a request whose method is GET as a query, "?" included; what is no text, number or
 * boolean is left out. Heap; NULL when out of memory. */
char *protocol_query(const char *body, size_t body_len);
char *protocol_poll_url(const struct service *service, const char *api_url, const char *upload_url,
	const char *task_id);

/* Messages quote the service's own words, without control characters and cut to 300 characters.
 * Both return 0 or -ENOMEM, and fill `*out` (finish with the functions below). */
int protocol_read_submit(
	const struct model *model, const struct http_answer *answer, struct submit_answer *out);
int protocol_read_poll(
	const struct model *model, const struct http_answer *answer, struct poll_answer *out);
/* The service's id of result `number` (0: the first that has one) in a task's last answer.
 * 0, -ENOENT when the answer names no id for it, -ENOMEM. `*out` is heap. */
int protocol_track_id(const struct model *model, const char *record, size_t record_len, int number,
	char **out);
void submit_answer_finish(struct submit_answer *answer);
void poll_answer_finish(struct poll_answer *answer);

/* The account's balance. The address is heap, NULL when out of memory. Reading sets `*credits`
 * (negative: not told, and then `*message` says why, heap); 0 or -ENOMEM. */
char *protocol_account_url(
	const struct account_entry *account, const char *api_url, const char *upload_url);
int protocol_read_account(const struct account_entry *account, const struct http_answer *answer,
	double *credits, char **message);

/* "auth" -> CLASS_AUTH; CLASS_UNKNOWN for any other word. */
enum answer_class answer_class_from(const char *word);
