/* See offspring.h. A hash table that doubles; one mutex. */
#include "offspring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 256

struct child {
	struct child *next;
	char id[TASK_ID_SIZE];
	char name[];
};

void offspring_init(struct offspring *offspring)
{
	*offspring = (struct offspring){0};
	pthread_mutex_init(&offspring->lock, NULL);
}

static void forget(struct offspring *offspring)
{
	for (size_t i = 0; i < offspring->size; i++) {
		while (offspring->slots[i]) {
			struct child *child = offspring->slots[i];

			offspring->slots[i] = child->next;
			free(child);
		}
	}
	free(offspring->slots);
	offspring->slots = NULL;
	offspring->count = offspring->size = 0;
}

void offspring_finish(struct offspring *offspring)
{
	forget(offspring);
	pthread_mutex_destroy(&offspring->lock);
}

void offspring_clear(struct offspring *offspring)
{
	pthread_mutex_lock(&offspring->lock);
	forget(offspring);
	pthread_mutex_unlock(&offspring->lock);
}

static size_t slot_of(const char *name, size_t size)
{
	size_t hash = 5381;

	for (const char *c = name; *c; c++)
		hash = hash * 33 + (unsigned char)*c;
	return hash & (size - 1);
}

static const struct child *find(const struct offspring *offspring, const char *name)
{
	if (offspring->size == 0)
		return NULL;
	for (struct child *child = offspring->slots[slot_of(name, offspring->size)]; child;
		child = child->next) {
		if (strcmp(child->name, name) == 0)
			return child;
	}
	return NULL;
}

static int grow(struct offspring *offspring)
{
	size_t size = offspring->size ? offspring->size * 2 : SLOTS_MIN;
	struct child **slots = calloc(size, sizeof(struct child *));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < offspring->size; i++) {
		while (offspring->slots[i]) {
			struct child *child = offspring->slots[i];
			struct child **to = &slots[slot_of(child->name, size)];

			offspring->slots[i] = child->next;
			child->next = *to;
			*to = child;
		}
	}
	free(offspring->slots);
	offspring->slots = slots;
	offspring->size = size;
	return 0;
}

bool offspring_find(struct offspring *offspring, const char *name, char id[TASK_ID_SIZE])
{
	pthread_mutex_lock(&offspring->lock);
	const struct child *child = find(offspring, name);
	if (child)
		memcpy(id, child->id, TASK_ID_SIZE);
	pthread_mutex_unlock(&offspring->lock);
	return child != NULL;
}

static int add(struct offspring *offspring, const char *name, const char *id)
{
	struct child *child;

	if (find(offspring, name))
		return -EEXIST;
	if (offspring->count >= offspring->size && grow(offspring) < 0)
		return -ENOMEM;
	child = malloc(sizeof(*child) + strlen(name) + 1);
	if (!child)
		return -ENOMEM;
	struct child **slot = &offspring->slots[slot_of(name, offspring->size)];
	strcpy(child->name, name);
	snprintf(child->id, sizeof(child->id), "%s", id);
	child->next = *slot;
	*slot = child;
	offspring->count++;
	return 0;
}

int offspring_add(struct offspring *offspring, const char *name, const char *id)
{
	pthread_mutex_lock(&offspring->lock);
	int r = add(offspring, name, id);
	pthread_mutex_unlock(&offspring->lock);
	return r;
}
