/* See telling.h. */
#include "telling.h"

#include "callbacks.h"
#include "scene.h"
#include "services.h"
#include "sim.h"

#include <errno.h>

/* Stages come before the end, of which there is one. */
static int make_callback(struct scene *scene, unsigned number, int64_t *due_ms, cJSON **out)
{
	const struct task *task = scene->task;
	double at = 1;
	bool past_end = number > 0 && scene_stage(scene, number - 1, NULL, NULL) == -ENOENT;
	int r = scene_stage(scene, number, &at, out);

	if (r == -ENOENT && !past_end)
		r = scene_callback(scene, out);
	if (r == 0)
		*due_ms = task->created_ms + (int64_t)(at * (double)task->duration_ms);
	return r;
}

int telling_make(struct sim *sim, const char *id, unsigned number, int64_t *due_ms, cJSON **out)
{
	struct scene scene = {0};
	struct task task;
	int r = tasks_get(&sim->tasks, id, TASK_LOOK, &task);

	if (r < 0)
		return r;
	r = task.operation && task.operation->report ? scene_init(&scene, sim, NULL, &task, id)
						     : -ENOENT;
	if (r == 0)
		r = make_callback(&scene, number, due_ms, out);
	scene_finish(&scene);
	task_finish(&task);
	return r;
}

/* For the callbacks' thread. */
static int make(struct sim *sim, const char *id, unsigned number, cJSON **out)
{
	int64_t due_ms = 0;
	int r = telling_make(sim, id, number, &due_ms, out);

	/* A task that was forgotten tells nothing. */
	return r == -ENOENT ? 0 : r;
}

static int plan(struct sim *sim, const char *url, const char *id, unsigned number)
{
	cJSON *body = NULL;
	int64_t due_ms = 0;
	int r = telling_make(sim, id, number, &due_ms, &body);

	cJSON_Delete(body);
	if (r < 0)
		return r;
	r = callbacks_plan(sim->callbacks, url, id, number, due_ms, make);
	/* A list that is full drops callbacks, as a busy service may. */
	return r == -ENOSPC ? 0 : r;
}

int telling_plan(struct sim *sim, const char *id)
{
	struct task task;
	int r = tasks_get(&sim->tasks, id, TASK_LOOK, &task);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	bool tells = task.callback && !task_fault(&task, FAULT_STUCK);
	for (unsigned number = 0; tells && r == 0; number++)
		r = plan(sim, task.callback, id, number);
	task_finish(&task);
	return r == -ENOENT ? 0 : r;
}
