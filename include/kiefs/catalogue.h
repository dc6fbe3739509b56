/*
 * The catalogue: what services and models there are, as data.
 *
 * One JSON document of the project's own form (described in kiefs(5), "CATALOGUE") holds services
 * (how a task is submitted, asked after and answered) and models (the fields of a request, their
 * limits, prices, an example). It is built in, and files of the same form extend or replace it.
 * No code knows a service or a model by name.
 *
 * Read only after loading, so any thread may read it without a lock. All pointers below live as
 * long as the catalogue. A changed catalogue is another one: whoever goes on using models of this
 * one meanwhile holds a share of it (catalogue_share()).
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct error;

enum field_type {
	FIELD_STRING,
	FIELD_INTEGER,
	FIELD_NUMBER,
	FIELD_BOOLEAN,
	FIELD_ARRAY,
	FIELD_OBJECT,
};

enum media_kind {
	MEDIA_NONE,
	MEDIA_IMAGE,
	MEDIA_VIDEO,
	MEDIA_AUDIO,
	MEDIA_FILE, /* any kind */
};

/* One input field of a model, or one field of the objects in an array. */
struct field {
	const char *name;
	enum field_type type;
	unsigned also_types; /* bit 1u << enum field_type: types the API takes as well */
	bool required;	     /* the API refuses a request without it */
	bool deprecated;
	bool numeric_string;   /* a string that must spell a number; range applies to it */
	const cJSON *initial;  /* the documented default, NULL when there is none */
	const cJSON *values;   /* array: the only values allowed; NULL when free */
	const cJSON *also;     /* array: values accepted beside `values` or the range; or NULL */
	bool has_min, has_max; /* range of a number */
	double min, max;
	double step;	 /* 0: any */
	long min_length; /* characters of a string, -1: no limit */
	long max_length;
	long min_items; /* elements of an array, -1: no limit */
	long max_items;
	long max_text;		     /* characters of all strings inside an array, -1: no limit */
	const struct field *item;    /* what an array's elements are (name ""), or NULL;
				    of a field that also takes an array, too */
	const struct field *members; /* what an object holds */
	size_t member_count;
	const char *pattern;   /* POSIX extended regular expression a string must match, or NULL */
	enum media_kind media; /* the string is the address of such a file; of an array, its `item`
				  has it: see field_media() */
	const char *scheme;    /* a further address form it takes, such as "asset://", or NULL */
	double max_file_mb;    /* 0: unknown */
	double max_total_mb;   /* of all files in an array together; 0: unknown */
	const cJSON *accepted; /* array of MIME types taken, or NULL */
	/* Conditions (condition.h), NULL when there is none. */
	const cJSON *required_when; /* the API refuses a request without it where this holds */
	const cJSON *only_when;	    /* the API refuses it where this does not hold */
	const cJSON *unused_when;   /* the API takes it and does nothing with it */
	const struct limit *limits; /* narrower limits under conditions */
	size_t limit_count;
	const cJSON *task; /* the string is the id of an earlier task: {"services": [names],
			      "models": [ids, "*" at the end for any rest]}, at least one of
			      the two, and such a task fits both where both stand; or NULL */
	bool track;	   /* the string is the service's id of one result of a task, see
			      protocol_track_id(): the one that the field beside it names,
			      or else one that `task` allows */
	bool result_index; /* says which result, from 0, of the task that the field beside it
			      names */
	const char *note;  /* one sentence for the model's README, or NULL */
};

/* What a field allows where `when` holds, beside what it allows always. */
struct limit {
	const cJSON *when;
	bool warn; /* the facts are unsure: a value beyond it is only warned of */
	/* The field's name and types, and only what is narrower; `initial` is the default that
	 * takes the place of the field's own, or NULL. */
	const struct field *field;
};

enum rule_kind {
	RULE_ANY_OF,	  /* at least one of the sets is given whole */
	RULE_ONE_OF,	  /* exactly one is */
	RULE_AT_MOST_ONE, /* fields of at most one set are given */
	RULE_ALL_OR_NONE, /* all of the names, or none */
	RULE_SUM,	  /* numbers at paths, times their factors, lie in a range */
	RULE_COUNT,	  /* elements of fields, times their factors, lie in a range */
	RULE_SAME_COUNT,  /* the arrays that are given have equally many elements */
	RULE_LISTED,	  /* every value at one path stands at another path too */
	RULE_UNIQUE,	  /* no value at the path stands there twice */
};

/* What several fields must be together. */
struct rule {
	enum rule_kind kind;
	const cJSON *when;  /* condition, or NULL: always */
	bool warn;	    /* the facts are unsure: a breach is only warned of */
	const cJSON *sets;  /* ANY_OF, ONE_OF, AT_MOST_ONE: arrays of field names */
	const cJSON *names; /* ALL_OR_NONE, SAME_COUNT: field names */
	const cJSON *terms; /* SUM, COUNT: {"path": factor} */
	/* SUM: the array whose elements are looked at one by one; the paths lead into an element.
	 * NULL: the paths lead into the request. */
	const char *each;
	const cJSON *min, *max; /* SUM, COUNT: a number, a field's name, or NULL */
	const char *path, *in;	/* LISTED, UNIQUE: paths (jsonpath.h) */
	const char *note;	/* a sentence to follow what is said of a breach; or NULL */
};

/* How a service is spoken to; paths in the language of kiefs/jsonpath.h. */
struct service {
	const char *name;
	const cJSON *entry; /* its whole entry, with what it is like */
	const char *host;   /* "api" or "upload": which base address the paths are under */
	/* Submitting. */
	const char *submit_method;
	const char *submit_path; /* may contain {model}: the model's name */
	const cJSON *body; /* template: "$model", "$input" and "$callback" are replaced; a member
			      whose replacement is missing is left out; under the name "..." the
			      members of an object are put in its place. With GET the members
			      of what comes out are the query */
	bool callback_required; /* the API refuses a request without an address to report to */
	const cJSON *task_id;	/* array of paths, first hit wins */
	long retry_ms; /* how long a request that comes too early is put off, 0: as usual */
	/* The envelope that every answer wears. */
	const char *code_path; /* path of the result code, NULL when there is none */
	const cJSON *message;  /* array of paths */
	double success_code;
	const cJSON *classes;  /* {"402": "credits", ...}: see enum answer_class in protocol.h */
	const cJSON *messages; /* array of {"text", "class", "code"?}: what words in the message
				  make of the code; the first that fits counts */
	/* Asking after a task. */
	const char *poll_method; /* NULL: answers at once */
	const char *poll_path;	 /* may contain {task} */
	const char *poll_query;	 /* name of the query parameter that takes the task id, or NULL */
	bool poll_repeats;	 /* asking is sending the request's body to poll_path again */
	const char *state_path;	 /* NULL: done when a result is there */
	const cJSON *states;	 /* {"waiting": "running", "success": "success", "fail": "fail"}; or
				    "ended": success with a result, else failure */
	const char *progress_path; /* or NULL */
	double progress_max;	   /* the number there that means all of it */
	const char *fail_code_path;
	bool fail_code_decides;	   /* a failure's code makes a running state one of failure */
	const cJSON *fail_message; /* array of paths */
	const cJSON *credits;	   /* array of paths: what the task cost */
	const cJSON *chat;	   /* how turns and streams of text look, see chat.h; or NULL */
	const cJSON *results;	   /* see kiefs(5); checked by results_check() */
};

struct model {
	const char *id;	  /* "google/nano-banana": the path below models/ */
	const char *name; /* the API's word for it; NULL: the id, see model_name() */
	const char *title;
	const char *provider;
	const char *category; /* image, video, audio, chat, other */
	const char *output;   /* image, video, audio, text, json */
	bool multiple;	      /* one task may have several results */
	bool retired;	      /* the API has withdrawn it, or is known to fail it */
	bool open;	   /* nobody has described it: what seems wrong in a request is a warning */
	const char *note;  /* why it is retired, what it is now called; or NULL */
	const char *as_of; /* date of the facts, "2026-08-19" */
	const struct service *service;
	const struct field *fields;
	size_t field_count;
	const cJSON
		*prompt;     /* how a bare prompt becomes input: an object in which "$prompt" stands
				for the text, {"prompt": "$prompt"}; NULL: the model takes no prompt */
	const cJSON *any_of; /* array of arrays of field names: at least one whole set; or NULL */
	const cJSON *one_of; /* array of arrays of field names: exactly one whole set; or NULL */
	const struct rule *checks; /* how fields depend on each other */
	size_t check_count;
	const cJSON *rules;   /* sentences on what nobody can check before sending; or NULL */
	const cJSON *price;   /* see price.h; NULL: unknown */
	const cJSON *example; /* an input that is accepted as it stands */
	const cJSON *results; /* paths that replace the service's, or NULL */
};

/* Where the balance of the account is told: asked with GET and the key. */
struct account_entry {
	const struct service *service; /* whose host and envelope the answer has */
	const char *path;
	const cJSON *credits; /* array of paths, first hit wins */
};

struct catalogue;

/*
 * Loads the built-in catalogue (or `base_path` in its place when not NULL), then each file of
 * `extra` in order; a later service or model of the same name replaces the earlier one.
 * Errors: -EINVAL (`err` names the file, the entry, what is wrong), -ENOENT and other -errno of
 * reading, -ENOMEM. `*out` is untouched on failure; the caller frees it with catalogue_destroy().
 */
int catalogue_load(const char *base_path, const char *const *extra, size_t extra_count,
	struct catalogue **out, struct error *err);

/* Where a catalogue comes from, in the order in which it is read. Borrowed. */
struct catalogue_sources {
	const char *base;	  /* in place of the built-in catalogue, or NULL */
	const char *const *extra; /* files that add and replace */
	size_t extra_count;
	const char *const *more; /* files that add models which are not known yet; may be missing */
	size_t more_count;
	const char *mapping; /* a mapping file (mapping.h) that adds likewise, or NULL */
};
/* As catalogue_load(). */
int catalogue_load_sources(
	const struct catalogue_sources *sources, struct catalogue **out, struct error *err);
/* One share more; the same pointer. Any thread. */
const struct catalogue *catalogue_share(const struct catalogue *catalogue);
/* Gives a share back; the last one frees it. Accepts NULL. Any thread. */
void catalogue_destroy(const struct catalogue *catalogue);
/* What became of each entry of the mapping file, line by line; "" when there is none. */
const char *catalogue_mapping_report(const struct catalogue *catalogue);
/* The whole catalogue as one file of the project's own form. 0 or the buffer's error. */
struct buf;
int catalogue_print(const struct catalogue *catalogue, struct buf *out);
/* Why `id` can be no model's id; 0 or -EINVAL. */
int model_id_check(const char *id, struct error *err);

/* Sorted by id. */
size_t catalogue_count(const struct catalogue *catalogue);
const struct model *catalogue_at(const struct catalogue *catalogue, size_t index);
/* NULL when there is no such model. */
const struct model *catalogue_find(const struct catalogue *catalogue, const char *id);

/* NULL when no file says where. */
const struct account_entry *catalogue_account(const struct catalogue *catalogue);
/* Array of the paths at which a callback may name its task; NULL when no file says so. */
const cJSON *catalogue_callback(const struct catalogue *catalogue);

const struct field *model_field(const struct model *model, const char *name);
/* The API's word for it. */
const char *model_name(const struct model *model);
/* "string", "integer", ... */
const char *field_type_name(enum field_type type);
/* The field of a model that needs one file and nothing else, and takes no prompt: dropping the file
 * is the request. NULL for any other model. */
const struct field *model_single(const struct model *model);

/* Whether the field may hold the id of a task of this model. */
/* The model's field that says which result of a task is meant, or NULL. */
const struct field *model_result_index(const struct model *model);
bool field_takes_task(const struct field *field, const struct model *model);
/* What kind of file the field, or each element of its array, is the address of. */
enum media_kind field_media(const struct field *field);
