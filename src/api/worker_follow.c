/*
 * What a request takes over from earlier tasks: their ids, and the ids of their tracks. Both stand
 * in the index already, so this asks nobody; a retry finds them anew.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/catalogue.h"
#include "kiefs/input.h"
#include "kiefs/protocol.h"
#include "worker_private.h"

#define RECORD_MAX_BYTES (16u << 20)

/*
 * Which result of the parent's last run, from 1; 0: its first. -ENOENT: one of an earlier run, of
 * which the ids are no longer known.
 */
static int number_in_run(struct worker *worker, const struct input *input, int *out)
{
	int base = 0;
	int r = store_task_base(worker->options.store, input->parent, &base);

	if (r < 0)
		return r;
	if (input->result && input->result <= base)
		return -ENOENT;
	*out = input->result ? input->result - base : 0;
	return 0;
}

/* As JSON of the field's type. */
static int spell_index(struct worker *worker, const struct task *task, int number, char **out)
{
	const struct model *model = catalogue_find(worker->options.catalogue, task->model);
	const struct field *field = model ? model_result_index(model) : NULL;
	const char *quote = field && field->type == FIELD_STRING ? "\"" : "";

	if (asprintf(out, "%s%d%s", quote, number > 0 ? number - 1 : 0, quote) < 0) {
		*out = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* The value of one input. 0, -ENODATA: the parent is not so far; -ENOENT: it has none. */
static int find_value(
	struct worker *worker, const struct task *task, const struct input *input, char **out)
{
	struct store *store = worker->options.store;
	const struct model *model;
	struct task parent = {0};
	struct buf record;
	int number = 0;
	int r = store_task_get(store, input->parent, &parent);

	buf_init(&record, RECORD_MAX_BYTES);
	if (r == 0)
		r = number_in_run(worker, input, &number);
	if (r == 0 && !task_is_final(parent.state) && parent.state != TASK_FETCHING)
		r = -ENODATA;
	if (r == 0 && input->kind == INPUT_TASK) {
		*out = parent.remote_id ? strdup(parent.remote_id) : NULL;
		r = !parent.remote_id ? -ENOENT : *out ? 0 : -ENOMEM;
	} else if (r == 0 && input->kind == INPUT_INDEX) {
		r = spell_index(worker, task, number, out);
	} else if (r == 0) {
		model = catalogue_find(worker->options.catalogue, parent.model);
		r = model ? store_task_record(store, parent.id, &record) : -ENOENT;
		if (r == 0)
			r = protocol_track_id(
				model, record.data ? record.data : "", record.len, number, out);
	}
	task_finish(&parent);
	buf_finish(&record);
	return r;
}

/* The task is not sent: it waits, or it cannot ever go. */
static int stop(struct worker *worker, const struct task *task, const struct input *input, int why)
{
	struct task_event event =
		worker_event(why == -ENODATA ? EVENT_LACK : EVENT_REFUSED, worker_random(worker));
	char text[512], line[160];

	if (input->parent == 0)
		snprintf(text, sizeof(text), "It waits for %.300s.", input->name);
	else if (why == -ENODATA)
		snprintf(text, sizeof(text), "It waits for task %lld (%.300s).",
			(long long)input->parent, input->name);
	else
		snprintf(text, sizeof(text),
			"It was to go on from \"%.200s\" (task %lld), but the service named no id "
			"for %s. It was not sent and cost nothing.",
			input->name, (long long)input->parent,
			input->kind == INPUT_TRACK ? "that result" : "that task");
	snprintf(line, sizeof(line), "not sent: %s",
		why == -ENODATA ? "incomplete" : "what it was to go on from has no id");
	const struct task_update update = {.log = line};
	event.text = text;
	int r = worker_apply(worker, task, &event, &update);
	return r == -ESTALE ? 0 : r;
}

static int follow_one(
	struct worker *worker, const struct task *task, const struct input *input, bool *ready)
{
	char *value = NULL;
	int r = 0;

	if (input->kind == INPUT_MEDIA && (input->entry || input->parent || input->value))
		return 0;
	if (input->kind != INPUT_MEDIA && input->value)
		return 0;
	r = input->parent ? find_value(worker, task, input, &value) : -ENODATA;
	if (r == 0)
		r = store_input_set(worker->options.store, task->id, input->index, value);
	free(value);
	if (r != -ENODATA && r != -ENOENT)
		return r;
	*ready = false;
	return stop(worker, task, input, r);
}

int follow_values(struct worker *worker, const struct task *task, bool *ready)
{
	struct input *inputs = calloc(INPUTS_MAX, sizeof(*inputs));
	int n, r = 0;

	*ready = true;
	if (!inputs)
		return -ENOMEM;
	n = store_input_list(worker->options.store, task->id, inputs, INPUTS_MAX);
	for (int i = 0; i < n; i++) {
		if (r == 0 && *ready)
			r = follow_one(worker, task, &inputs[i], ready);
		input_finish(&inputs[i]);
	}
	free(inputs);
	return n < 0 ? n : r;
}
