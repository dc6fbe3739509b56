#include "pace.h"

#include <stdlib.h>

struct paced {
	struct paced *next;
	uint64_t inode;
	int64_t due_ms;
};

void pace_add(struct pace *pace, uint64_t inode, int64_t now_ms)
{
	for (const struct paced *p = pace->first; p; p = p->next)
		if (p->inode == inode)
			return;
	struct paced *paced = calloc(1, sizeof(*paced));
	if (!paced)
		return;
	paced->inode = inode;
	paced->due_ms = now_ms + PACE_MS;
	if (pace->last)
		pace->last->next = paced;
	else
		pace->first = paced;
	pace->last = paced;
}

int64_t pace_due(const struct pace *pace)
{
	return pace->first ? pace->first->due_ms : INT64_MAX;
}

uint64_t pace_take(struct pace *pace, int64_t now_ms)
{
	struct paced *first = pace->first;

	if (!first || first->due_ms > now_ms)
		return 0;
	uint64_t inode = first->inode;
	pace->first = first->next;
	if (!pace->first)
		pace->last = NULL;
	free(first);
	return inode;
}

void pace_finish(struct pace *pace)
{
	while (pace_take(pace, INT64_MAX))
		;
}
