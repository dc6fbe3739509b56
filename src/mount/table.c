/*
 * A mount that was taken off lazily, or that another mount namespace has a copy of, lives on in the
 * kernel: the daemon's loop is told nothing. It is seen in the table of mounts alone.
 */
#include "table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TABLE_PATH "/proc/self/mountinfo"

/* Blanks, newlines and backslashes stand as \ooo. */
static void unescape(char *text)
{
	char *out = text;

	for (; *text; text++) {
		unsigned code;
		if (*text == '\\' && sscanf(text + 1, "%3o", &code) == 1) {
			*out++ = (char)code;
			text += 3;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

/* "36 35 98:0 /root /mount/point options - type source options" */
static bool read_line(char *line, unsigned device[2], char **mountpoint)
{
	int at = 0;

	if (sscanf(line, "%*u %*u %u:%u %*s %n", &device[0], &device[1], &at) < 2 || at == 0)
		return false;
	*mountpoint = line + at;
	(*mountpoint)[strcspn(*mountpoint, " ")] = '\0';
	unescape(*mountpoint);
	return true;
}

int table_open(struct table *table, const char *mountpoint)
{
	FILE *file = fopen(TABLE_PATH, "re");
	char *line = NULL, *point;
	unsigned device[2];
	size_t size = 0;
	int r = -ENOENT;

	table->fd = -1;
	if (!file)
		return -errno;
	while (getline(&line, &size, file) > 0) {
		if (!read_line(line, device, &point) || strcmp(point, mountpoint) != 0)
			continue;
		memcpy(table->device, device, sizeof(device));
		r = 0;
	}
	free(line);
	fclose(file);
	if (r == 0)
		table->fd = open(TABLE_PATH, O_RDONLY | O_CLOEXEC);
	return r == 0 && table->fd < 0 ? -errno : r;
}

bool table_is_gone(const struct table *table)
{
	FILE *file = table->fd < 0 ? NULL : fopen(TABLE_PATH, "re");
	char *line = NULL, *point;
	unsigned device[2];
	bool found = false;
	size_t size = 0;

	if (!file)
		return false;
	while (!found && getline(&line, &size, file) > 0)
		found = read_line(line, device, &point) &&
			memcmp(device, table->device, sizeof(device)) == 0;
	bool whole = !ferror(file);
	free(line);
	fclose(file);
	return whole && !found;
}

void table_close(struct table *table)
{
	if (table->fd >= 0)
		close(table->fd);
	table->fd = -1;
}
