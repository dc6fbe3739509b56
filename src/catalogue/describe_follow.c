/* The part of a model's README.md on requests that go on from earlier tasks. */
#include <stdbool.h>

#include "kiefs/buf.h"
#include "kiefs/catalogue.h"
#include "kiefs/describe.h"

static void add_makers(
	const struct catalogue *catalogue, const struct field *field, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < catalogue_count(catalogue); i++) {
		const struct model *maker = catalogue_at(catalogue, i);

		if (!field_takes_task(field, maker))
			continue;
		buf_addf(out, "%s`%s`", any ? ", " : " Of these models: ", maker->id);
		any = true;
	}
	buf_adds(out, any ? ".\n" : "\n");
}

int describe_follow(const struct catalogue *catalogue, const struct model *model, struct buf *out)
{
	const struct field *task = NULL, *index = model_result_index(model);
	bool headed = false;

	for (size_t i = 0; i < model->field_count && !task; i++)
		if (model->fields[i].task)
			task = &model->fields[i];
	for (size_t i = 0; i < model->field_count; i++) {
		const struct field *field = &model->fields[i];

		if (!field->task && !field->track)
			continue;
		buf_adds(out, headed ? "" : "\n## What it goes on from\n\n");
		headed = true;
		if (field->task) {
			buf_addf(out,
				"- `%s` is the name of an earlier request or of one of its "
				"results, as `../generate/song`, a path into `tasks/`, or an id "
				"of the service's.",
				field->name);
			add_makers(catalogue, field, out);
			continue;
		}
		buf_addf(out,
			"- `%s` is the name of one result, as `../generate/song-1.mp3`, or its id "
			"at the service.",
			field->name);
		if (task)
			buf_addf(out,
				" Given by name, it says `%s` too, which may then be left out.",
				task->name);
		buf_adds(out, "\n");
	}
	if (task && index)
		buf_addf(out,
			"- `%s` may be left out where `%s` names a result: `film-2.mp4` is 1.\n",
			index->name, task->name);
	return out->error;
}
