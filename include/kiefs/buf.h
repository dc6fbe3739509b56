/* A growing byte buffer with a hard maximum given at init. */
#pragma once

#include <stddef.h>

/*
 * `data` is NUL-terminated once anything was added (the NUL is not counted in `len`). The first
 * failure stays in `error` (-ENOMEM, or -EFBIG past `max`), and later calls do nothing, so a
 * writer may add many pieces and look at `error` once.
 */
struct buf {
	char *data;
	size_t len;
	size_t capacity;
	size_t max;
	int error;
};

void buf_init(struct buf *buf, size_t max);
/* Frees; accepts NULL and a zeroed struct. */
void buf_finish(struct buf *buf);
/* Empties and forgets the error; keeps the memory. */
void buf_clear(struct buf *buf);

/* All return 0 or the buffer's error. */
int buf_add(struct buf *buf, const void *data, size_t len);
int buf_adds(struct buf *buf, const char *text);
int buf_addf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Hands the bytes to the caller, who frees them ("" when nothing was added), and empties the
 * buffer. NULL when out of memory. */
char *buf_take(struct buf *buf);
