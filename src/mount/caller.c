/*
 * From /proc: proc(5) has both fields. `exit_code`, the last one of stat, is set before a dying
 * process's files are closed, and its low seven bits are the signal.
 */
#include "caller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAT_SIZE 4096
/* Counted from the field after the name in brackets, which is the third. */
#define EXIT_CODE_FIELD (52 - 3)

static pid_t process_of(pid_t thread)
{
	char path[64], line[256];
	pid_t process = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", thread);
	FILE *status = fopen(path, "re");
	if (!status)
		return 0;
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "Tgid: %d", &process) == 1)
			break;
	fclose(status);
	return process;
}

static int signal_of(pid_t thread)
{
	char path[64], text[STAT_SIZE];

	snprintf(path, sizeof(path), "/proc/%d/stat", thread);
	FILE *stat = fopen(path, "re");
	if (!stat)
		return 0;
	size_t n = fread(text, 1, sizeof(text) - 1, stat);
	fclose(stat);
	text[n] = '\0';
	/* The name may hold brackets and spaces itself. */
	char *field = strrchr(text, ')');
	for (int i = -1; field && i < EXIT_CODE_FIELD; i++)
		field = strchr(field + 1, ' ');
	return field ? atoi(field + 1) & 0x7f : 0;
}

struct caller caller_of(pid_t thread)
{
	struct caller caller = {0};

	if (thread > 0) {
		caller.process = process_of(thread);
		caller.killed_by = signal_of(thread);
	}
	return caller;
}
