#include "kiefs/inode.h"

#define KIND_SHIFT 60
#define LOW_BITS ((UINT64_C(1) << KIND_SHIFT) - 1)
#define TASK_BITS ((UINT64_C(1) << 48) - 1)

static uint64_t tag(enum inode_kind kind, uint64_t low)
{
	return (uint64_t)kind << KIND_SHIFT | (low & LOW_BITS);
}

static uint64_t hash_of(const char *text)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return hash ^ hash >> KIND_SHIFT;
}

uint64_t inode_static(const char *path)
{
	return *path == '\0' ? 1 : tag(INODE_STATIC, hash_of(path));
}

uint64_t inode_search(const char *words)
{
	return tag(INODE_SEARCH, hash_of(words));
}

uint64_t inode_entry(int64_t id)
{
	return tag(INODE_ENTRY, (uint64_t)id);
}

uint64_t inode_task(int64_t task, int slot)
{
	return tag(INODE_TASK, (uint64_t)slot << 48 | ((uint64_t)task & TASK_BITS));
}

uint64_t inode_link(int group, int64_t task)
{
	return tag(INODE_LINK, (uint64_t)group << 48 | ((uint64_t)task & TASK_BITS));
}

uint64_t inode_home(int depth, int64_t task)
{
	return tag(INODE_HOME, (uint64_t)depth << 48 | ((uint64_t)task & TASK_BITS));
}

uint64_t inode_gallery(enum gallery_part part, int64_t page)
{
	return tag(INODE_GALLERY, (uint64_t)part << 48 | ((uint64_t)page & TASK_BITS));
}

uint64_t inode_day(int64_t day)
{
	return tag(INODE_DAY, (uint64_t)day);
}

uint64_t inode_day_link(int64_t task)
{
	return tag(INODE_DAY_LINK, (uint64_t)task & TASK_BITS);
}

uint64_t inode_wait(int64_t entry)
{
	return tag(INODE_WAIT, (uint64_t)entry);
}

enum inode_kind inode_kind(uint64_t inode)
{
	return inode == 1 ? INODE_STATIC : (enum inode_kind)(inode >> KIND_SHIFT);
}

int64_t inode_entry_id(uint64_t inode)
{
	return (int64_t)(inode & LOW_BITS);
}

int64_t inode_task_id(uint64_t inode)
{
	return (int64_t)(inode & TASK_BITS);
}

static int middle(uint64_t inode)
{
	return (int)((inode & LOW_BITS) >> 48);
}

int inode_task_slot(uint64_t inode)
{
	return middle(inode);
}

int inode_home_depth(uint64_t inode)
{
	return middle(inode);
}

enum gallery_part inode_gallery_part(uint64_t inode)
{
	return (enum gallery_part)middle(inode);
}

int64_t inode_gallery_page(uint64_t inode)
{
	return inode_task_id(inode);
}

int64_t inode_day_number(uint64_t inode)
{
	return (int64_t)(inode & LOW_BITS);
}
