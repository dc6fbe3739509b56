#include "kiefs/entry.h"

#include <string.h>

#include "kiefs/inode.h"

uint64_t entry_dir_inode(int64_t id)
{
	return inode_entry(id);
}

bool entry_name_is_free(const char *name)
{
	static const char *const taken[] = {
		"README.md", "schema.json", "example.json", "defaults.json"};

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(name, taken[i]) == 0)
			return false;
	return true;
}
