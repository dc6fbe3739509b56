/*
 * Finished files: made when first asked for, by a thread of their own, and kept while there is
 * room. A file is a function of its order, so making it again gives the same bytes.
 */
#pragma once

#include "format.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct MHD_Connection;

struct product_key {
	uint64_t task;
	unsigned number;
	enum format_id format;
};

struct product_order {
	struct product_key key;
	const struct format *format;
	const char *model_id;
	const char *input;  /* JSON text */
	uint64_t padded_to; /* 0: as it comes */
};

struct products {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wanted;
	struct product *newest; /* product::older */
	size_t bytes;		/* of the finished ones */
	size_t max_bytes;
	bool running;
	bool stopping;
};

int products_start(struct products *products, size_t max_bytes);
/* Lets waiting connections go (their file is given up) and ends the thread. */
void products_stop(struct products *products);
/* Frees the cache; no reference may be held any more. */
void products_finish(struct products *products);

/*
 * Sets `*out` to the file, with a reference for the caller, or suspends `connection` until it is
 * made and returns -EAGAIN. -ENOMEM, -ESHUTDOWN, -EIO when it could not be made.
 */
int products_get(struct products *products, const struct product_order *order,
	struct MHD_Connection *connection, struct product **out);
void products_put(struct products *products, struct product *product);

/* Another reference to a finished file. */
void products_ref(struct products *products, struct product *product);
/* A file that is there already, with one reference; gone with the last. `fd` is taken over. NULL
 * when out of memory (then it is not). */
struct product *product_of_file(int fd, uint64_t size, const char *sha256);

uint64_t product_size(const struct product *product);
/* Copies up to `max` bytes from `at`; returns how many, 0 at the end. */
size_t product_read(const struct product *product, uint64_t at, char *out, size_t max);
/* With the quotes. */
const char *product_etag(const struct product *product);
