/* Rows of inputs: what a body lacks before it can be sent. */
#include "kiefs/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/json.h"
#include "store_private.h"

void input_finish(struct input *input)
{
	if (!input)
		return;
	free(input->place);
	free(input->name);
	free(input->value);
	*input = (struct input){0};
}

static int read_input(sqlite3_stmt *s, struct input *out)
{
	*out = (struct input){
		.task = sqlite3_column_int64(s, 0),
		.index = sqlite3_column_int(s, 1),
		.kind = (enum input_kind)sqlite3_column_int(s, 2),
		.place = store_column(s, 3),
		.name = store_column(s, 4),
		.entry = sqlite3_column_int64(s, 5),
		.parent = sqlite3_column_int64(s, 6),
		.result = sqlite3_column_int(s, 7),
		.value = store_column(s, 8),
	};
	bool told = sqlite3_column_type(s, 8) != SQLITE_NULL;
	return out->place && out->name && (!told || out->value) ? 0 : -ENOMEM;
}

int input_list_locked(struct store *store, int64_t task, struct input *out, int max)
{
	sqlite3_stmt *s = store_statement(store, SQL_INPUT_LIST);
	int n = 0, r = store_bind(store, s, "ii", task, (int64_t)max);

	while (r == 0 && n < max && (r = store_step(store, s)) > 0)
		r = read_input(s, &out[n++]);
	if (s)
		sqlite3_reset(s);
	if (r < 0)
		while (n > 0)
			input_finish(&out[--n]);
	return r < 0 ? r : n;
}

int store_input_list(struct store *store, int64_t task, struct input *out, int max)
{
	store_lock(store);
	int r = input_list_locked(store, task, out, max);
	store_unlock(store);
	return r;
}

int input_stage_locked(struct store *store, const struct stage *stage)
{
	int r = 0;

	for (size_t i = 0; i < stage->input_count && r == 0; i++) {
		const struct input *input = &stage->inputs[i];

		r = store_exec(store, SQL_INPUT_STAGE, "iiissiiis", stage->entry, (int64_t)i + 1,
			(int64_t)input->kind, input->place, input->name, input->entry,
			input->parent, (int64_t)input->result, input->value);
	}
	return r;
}

int store_input_set(struct store *store, int64_t task, int index, const char *value)
{
	int r = store_begin(store);

	if (r < 0)
		return r;
	r = store_exec(store, SQL_INPUT_SET, "sii", value, task, (int64_t)index);
	if (r == 0 && store_changed(store) == 0)
		r = -ENOENT;
	return store_end(store, r);
}

/* What the request left out: `value` is JSON. */
static int put_index(cJSON *body, const struct input *input)
{
	const char *key = strrchr(input->place, '/');
	char *around = key ? strndup(input->place, (size_t)(key - input->place)) : NULL;
	cJSON *object = around ? json_at(body, around) : NULL;
	cJSON *value = cJSON_Parse(input->value);
	int r = 0;

	if (!value || !cJSON_IsObject(object))
		r = key && around && value ? -EIO : -ENOMEM;
	else if (cJSON_AddItemToObject(object, key + 1, value))
		value = NULL;
	else
		r = -ENOMEM;
	cJSON_Delete(value);
	free(around);
	return r;
}

static int put_value(cJSON *body, const struct input *input)
{
	cJSON *at = json_at(body, input->place);
	char *value;

	if (!input->value)
		return -ENODATA;
	if (input->kind == INPUT_INDEX)
		return put_index(body, input);
	if (!cJSON_IsString(at))
		return -EIO; /* rows and body are written together */
	value = strdup(input->value);
	if (!value)
		return -ENOMEM;
	cJSON_free(at->valuestring);
	at->valuestring = value;
	return 0;
}

static int print_filled(
	const struct buf *raw, const struct input *inputs, int count, struct buf *out)
{
	cJSON *body = NULL;
	char *text = NULL;
	int r = json_parse(raw->data ? raw->data : "", raw->len, &body, NULL);

	if (r == -EINVAL)
		r = -EIO;
	for (int i = 0; i < count && r == 0; i++)
		r = put_value(body, &inputs[i]);
	if (r == 0)
		r = json_spell_numbers(body);
	if (r == 0) {
		text = cJSON_PrintUnformatted(body);
		r = text ? buf_adds(out, text) : -ENOMEM;
	}
	cJSON_free(text);
	cJSON_Delete(body);
	return r;
}

int store_input_body(struct store *store, int64_t task, struct buf *out)
{
	struct input *inputs = calloc(INPUTS_MAX, sizeof(*inputs));
	struct buf raw;
	int n = -ENOMEM, r;

	buf_init(&raw, out->max);
	if (inputs)
		n = store_input_list(store, task, inputs, INPUTS_MAX);
	r = n < 0 ? n : store_task_body(store, task, n > 0 ? &raw : out);
	if (r == 0 && n > 0)
		r = print_filled(&raw, inputs, n, out);
	for (int i = 0; i < n; i++)
		input_finish(&inputs[i]);
	free(inputs);
	buf_finish(&raw);
	return r;
}
