/* Any bytes as a mapping file over the built-in catalogue: refused with a sentence, or a report. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kiefs/catalogue.h"
#include "kiefs/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[64];
	struct catalogue_sources sources = {.mapping = path};
	struct catalogue *catalogue;
	struct error err = {0};

	if (!*path)
		snprintf(path, sizeof(path), "/tmp/fuzz_mapping.%ld", (long)getpid());
	FILE *file = fopen(path, "w");
	demand(file && fwrite(data, 1, size, file) == size && fclose(file) == 0);
	int r = catalogue_load_sources(&sources, &catalogue, &err);
	demand(r == 0 || (r == -EINVAL && *error_text(&err)));
	if (r == 0) {
		demand(*catalogue_mapping_report(catalogue));
		catalogue_destroy(catalogue);
	}
	error_finish(&err);
	unlink(path);
	return 0;
}
