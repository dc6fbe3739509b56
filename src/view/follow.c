#include "follow.h"

#include <string.h>

const char *follow_new(const char *was, const char *is, bool *missed)
{
	size_t len = strlen(is);

	*missed = false;
	/* The longest end of the one with which the other begins. */
	for (const char *from = was; *from;) {
		size_t left = strlen(from);
		if (left <= len && memcmp(from, is, left) == 0 &&
			(is[left] == '\n' || is[left] == '\0'))
			return is + left;
		const char *newline = strchr(from, '\n');
		from = newline ? newline + 1 : from + left;
	}
	*missed = *was != '\0';
	return is;
}
