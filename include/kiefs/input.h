/*
 * What a task's body still lacks before it can be sent: the address of a file that must be
 * uploaded first, or the id of another task or of a track of it.
 *
 * A request names files and tasks by name; its body is stored with those names in place. Beside it
 * the index keeps one row for each such place (INDEX: one that the request left out). When the
 * task's turn comes, each value is found (by an upload, or in the other task's record) and written
 * into its row; the body that is sent has the values in the places.
 */
#pragma once

#include <stdint.h>

struct buf;
struct store;

enum input_kind {
	INPUT_MEDIA, /* a file's bytes: the value is an address */
	INPUT_TASK,  /* another task: the value is the service's id of it */
	INPUT_TRACK, /* one result of another task: the value is the service's id of it */
	INPUT_INDEX, /* one result of another task: the value is which one, from 0, as JSON; the
			body has nothing in this place until then */
};

/* One place. Strings are owned; input_finish() frees them. */
struct input {
	int64_t task;
	int index; /* from 1, in the order of the body */
	enum input_kind kind;
	char *place;	 /* JSON pointer into the body, "/input/image_urls/0" */
	char *name;	 /* as the request spells it */
	int64_t entry;	 /* MEDIA: the file's entry; 0 when it is a result or has yet to arrive */
	int64_t parent;	 /* the task whose result, id or track it is; 0 none */
	int result;	 /* which result of `parent`, from 1; 0: its first */
	char *value;	 /* NULL: not known yet */
};
void input_finish(struct input *input);

#define INPUTS_MAX 64 /* of one task */

/* ---- store_input.c; returns and errors as in store.h ---- */

/* All of a task, by index. Returns how many, or -errno. */
int store_input_list(struct store *store, int64_t task, struct input *out, int max);
/* Writes the value down; -ENOENT: no such place. */
int store_input_set(struct store *store, int64_t task, int index, const char *value);
/* The task's body with every known value in its place. -ENODATA: one is not known yet. */
int store_input_body(struct store *store, int64_t task, struct buf *out);
