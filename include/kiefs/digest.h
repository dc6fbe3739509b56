/* SHA-256, as lower-case hex where nothing else is said. */
#pragma once

#include <stddef.h>

#define DIGEST_HEX_SIZE 65

void digest_bytes(const void *data, size_t len, char hex[DIGEST_HEX_SIZE]);
#define DIGEST_BASE64_SIZE 45
void digest_bytes_base64(const void *data, size_t len, char base64[DIGEST_BASE64_SIZE]);

/* Of a file's content from its start; the offset of `fd` is left as it was. 0 or -errno. */
int digest_file(int fd, char hex[DIGEST_HEX_SIZE]);

/* A digest made piece by piece. NULL: out of memory. */
struct digest *digest_create(void);
void digest_add(struct digest *digest, const void *data, size_t len);
/* Tells and frees. */
void digest_end(struct digest *digest, char hex[DIGEST_HEX_SIZE]);
/* Frees; accepts NULL. */
void digest_destroy(struct digest *digest);
