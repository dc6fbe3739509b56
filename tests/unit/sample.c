#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BODY_MAX (1u << 20)

char *sample_read(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.json", SAMPLES, name);
	FILE *file = fopen(path, "re");
	if (!file)
		fail_msg("%s cannot be read", path);
	char *body = calloc(1, BODY_MAX);
	assert_non_null(body);
	size_t length = fread(body, 1, BODY_MAX, file);
	fclose(file);
	if (length == 0 || length == BODY_MAX)
		fail_msg("%s is empty or larger than a body", path);
	return body;
}

int sample_names_wanted(int argc, char **argv)
{
	return argc == 2 && strcmp(argv[1], "--names") == 0;
}

void sample_names(const char *const *first, size_t count, size_t row_size)
{
	for (size_t i = 0; i < count; i++)
		puts(*(const char *const *)((const char *)first + i * row_size));
}
