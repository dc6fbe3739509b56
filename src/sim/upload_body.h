/* Bodies of uploads as they come in: to a file without a name, digested on the way. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "uploads.h"

struct digest;

struct body_file {
	int fd; /* -1: none */
	uint64_t size, max;
	struct digest *digest;
	int error; /* -EFBIG beyond `max`, or another -errno; later bytes are dropped */
};
#define BODY_FILE_NONE ((struct body_file){.fd = -1})

/* 0 or -errno. */
int body_file_begin(struct body_file *file, uint64_t max);
int body_file_add(struct body_file *file, const char *data, size_t len);
/* Base64, or a data: URL of it. -EINVAL: it is not. */
int body_file_decode(struct body_file *file, const char *text);
/* What is at the address. -EINVAL: no http or https address; -EIO: it cannot be fetched, or `*stop`
 * became true. */
int body_file_fetch(struct body_file *file, const char *url, atomic_bool *stop);
void body_file_end(struct body_file *file, char sha256[DIGEST_HEX_SIZE]);
void body_file_finish(struct body_file *file);

/* The member or part that this word stands for in the service's entry; NULL: none does. */
const char *body_word_name(const struct upload_service *service, const char *word);

/* Percent-escapes undone, up to "?"; heap, NULL when out of memory. */
char *body_unescape(const char *text);

/* What came in; `*folder` is NULL and `*name` "" when they did not. */
struct body_file *intake_read(struct intake *intake, const char **folder, const char **name);
