/* SHA-256 as lower-case hex. */
#pragma once

#include <stddef.h>

#define DIGEST_HEX_SIZE 65

void digest_bytes(const void *data, size_t len, char hex[DIGEST_HEX_SIZE]);

/* Of a file's content from its start; the offset of `fd` is left as it was. 0 or -errno. */
int digest_file(int fd, char hex[DIGEST_HEX_SIZE]);
