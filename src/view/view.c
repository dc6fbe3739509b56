#include "kiefs/view.h"

#include <stddef.h>
#include <string.h>

view_fn *view_find(const char *name)
{
	static const struct {
		const char *name;
		view_fn *run;
	} commands[] = {
		{"top", view_top},
		{"wait", view_wait},
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].run;
	return NULL;
}
