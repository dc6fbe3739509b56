#include "kiefs/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool journal;

void say_start(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	/* Whoever redirects standard error leaves the variable as it was. */
	journal = stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
		  fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

bool say_is_journal(void)
{
	return journal;
}

void say(enum say_level level, const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	int r = vasprintf(&text, format, args);
	va_end(args);
	if (r < 0)
		return;
	if (!journal)
		fprintf(stderr, "kiefs: %s\n", text);
	for (const char *at = text; journal && *at;) {
		int len = (int)strcspn(at, "\n");
		fprintf(stderr, "<%d>%.*s\n", (int)level, len, at);
		at += len + (at[len] != '\0');
	}
	free(text);
}

void say_log(enum say_level level, int64_t task, const char *line)
{
	if (!journal)
		return;
	if (task)
		fprintf(stderr, "<%d>task %lld: %s\n", (int)level, (long long)task, line);
	else
		fprintf(stderr, "<%d>%s\n", (int)level, line);
}
