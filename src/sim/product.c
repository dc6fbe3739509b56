/*
 * See product.h. Threads: requests come from the server's threads, files are made by one thread;
 * the mutex guards the list and every product's state, and is not held while a file is made. The
 * bytes of a finished product never change, so they are read without it.
 *
 * state   | meaning                         | valid
 * WANTED  | waits to be made                | order, waiting
 * MAKING  | being made, without the lock    | order, waiting
 * READY   | finished                        | data
 * FAILED  | could not be made               | goes when told to the first who asks again
 */
#include "product.h"

#include "film.h"
#include "picture.h"
#include "sound.h"
#include "words.h"

#include "kiefs/buf.h"

#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PRODUCT_MAX ((size_t)64 << 20)

enum product_state {
	PRODUCT_WANTED,
	PRODUCT_MAKING,
	PRODUCT_READY,
	PRODUCT_FAILED,
};

struct waiter {
	struct MHD_Connection *connection;
	struct waiter *next;
};

struct product {
	struct product_key key;
	enum product_state state;
	unsigned references;
	const struct format *format;
	char *model_id;
	char *input;
	uint64_t padded_to;
	struct buf data;
	bool loose; /* a file that was given: in no list */
	int fd;	    /* of it */
	uint64_t size;
	char etag[80];
	struct waiter *waiting; /* waiter::next; suspended connections */
	struct product *older;
};

static void free_product(struct product *product)
{
	if (!product)
		return;
	free(product->model_id);
	free(product->input);
	buf_finish(&product->data);
	if (product->loose)
		close(product->fd);
	free(product);
}

static int make_bytes(struct product *product)
{
	cJSON *input = cJSON_Parse(product->input);
	struct words words = {.text = format_words(input),
		.model_id = product->model_id,
		.number = product->key.number};
	int r = -ENOMEM;

	if (!input)
		return -ENOMEM;
	words.seed = words_seed(&words);
	switch (product->format->id) {
	case FORMAT_PNG:
	case FORMAT_JPEG:
	case FORMAT_WEBP:
		r = picture_make(&words, product->format->id, input, &product->data);
		break;
	case FORMAT_MP4:
	case FORMAT_MOV:
		r = film_make(
			&words, product->format->id, input, product->padded_to, &product->data);
		break;
	case FORMAT_MP3:
		r = sound_make_mp3(&words, &product->data);
		break;
	case FORMAT_WAV:
		r = sound_make_wav(&words, &product->data);
		break;
	case FORMAT_TEXT:
		r = buf_addf(&product->data, "%s\n", words.text);
		break;
	case FORMAT_JSON:
		r = buf_adds(&product->data, product->input);
		break;
	}
	cJSON_Delete(input);
	snprintf(product->etag, sizeof(product->etag), "\"%" PRIx64 "-%x-%zx\"", product->key.task,
		product->key.number * 16 + product->key.format, product->data.len);
	return r;
}

/* Drops what nobody reads, oldest use first, until there is room. */
static void make_room(struct products *products)
{
	while (products->bytes > products->max_bytes) {
		struct product **last = NULL;

		for (struct product **at = &products->newest; *at; at = &(*at)->older) {
			if ((*at)->references == 0 && (*at)->state == PRODUCT_READY)
				last = at;
		}
		if (!last)
			return;
		struct product *product = *last;
		*last = product->older;
		products->bytes -= product->data.len;
		free_product(product);
	}
}

static struct waiter *finish_making(struct products *products, struct product *product, int r)
{
	struct waiter *waiting = product->waiting;

	product->waiting = NULL;
	product->state = r == 0 ? PRODUCT_READY : PRODUCT_FAILED;
	if (r == 0)
		products->bytes += product->data.len;
	return waiting;
}

static void resume(struct waiter *waiting)
{
	while (waiting) {
		struct waiter *next = waiting->next;

		MHD_resume_connection(waiting->connection);
		free(waiting);
		waiting = next;
	}
}

/* The one that was asked for first. */
static struct product *find_wanted(const struct products *products)
{
	struct product *found = NULL;

	for (struct product *p = products->newest; p; p = p->older) {
		if (p->state == PRODUCT_WANTED)
			found = p;
	}
	return found;
}

static void *run(void *user)
{
	struct products *products = user;

	pthread_mutex_lock(&products->lock);
	while (!products->stopping) {
		struct product *product = find_wanted(products);

		if (!product) {
			pthread_cond_wait(&products->wanted, &products->lock);
			continue;
		}
		product->state = PRODUCT_MAKING;
		pthread_mutex_unlock(&products->lock);
		int r = make_bytes(product);
		pthread_mutex_lock(&products->lock);
		struct waiter *waiting = finish_making(products, product, r);
		pthread_mutex_unlock(&products->lock);
		resume(waiting);
		pthread_mutex_lock(&products->lock);
		make_room(products);
	}
	pthread_mutex_unlock(&products->lock);
	return NULL;
}

int products_start(struct products *products, size_t max_bytes)
{
	*products = (struct products){.max_bytes = max_bytes};
	pthread_mutex_init(&products->lock, NULL);
	pthread_cond_init(&products->wanted, NULL);
	int r = pthread_create(&products->thread, NULL, run, products);
	products->running = r == 0;
	return -r;
}

void products_stop(struct products *products)
{
	if (!products->running)
		return;
	pthread_mutex_lock(&products->lock);
	products->stopping = true;
	pthread_cond_signal(&products->wanted);
	pthread_mutex_unlock(&products->lock);
	pthread_join(products->thread, NULL);
	products->running = false;
	for (struct product *p = products->newest; p; p = p->older) {
		resume(p->waiting);
		p->waiting = NULL;
	}
}

void products_finish(struct products *products)
{
	while (products->newest) {
		struct product *product = products->newest;

		products->newest = product->older;
		free_product(product);
	}
	pthread_mutex_destroy(&products->lock);
	pthread_cond_destroy(&products->wanted);
}

static bool same_key(const struct product *product, const struct product_order *order)
{
	return product->key.task == order->key.task && product->key.number == order->key.number &&
	       product->key.format == order->key.format;
}

/* Moves it to the front of the list, where the newest use stands. */
static struct product *find(struct products *products, const struct product_order *order)
{
	for (struct product **at = &products->newest; *at; at = &(*at)->older) {
		struct product *product = *at;

		if (!same_key(product, order))
			continue;
		*at = product->older;
		product->older = products->newest;
		products->newest = product;
		return product;
	}
	return NULL;
}

/* NULL when out of memory. */
static struct product *add(struct products *products, const struct product_order *order)
{
	struct product *product = calloc(1, sizeof(*product));

	if (!product)
		return NULL;
	product->key = order->key;
	product->format = order->format;
	product->padded_to = order->padded_to;
	product->model_id = strdup(order->model_id);
	product->input = strdup(order->input);
	buf_init(&product->data, PRODUCT_MAX);
	if (!product->model_id || !product->input) {
		free_product(product);
		return NULL;
	}
	product->older = products->newest;
	products->newest = product;
	return product;
}

/* `product` stands first in the list, where find() put it. */
static int give_up(struct products *products, struct product *product)
{
	products->newest = product->older;
	free_product(product);
	return -EIO;
}

static int wait_for(
	struct products *products, struct product *product, struct MHD_Connection *connection)
{
	struct waiter *waiter = products->stopping ? NULL : malloc(sizeof(*waiter));

	if (!waiter)
		return products->stopping ? -ESHUTDOWN : -ENOMEM;
	/* Suspended before the making thread can see it, so that it is never woken too early. */
	MHD_suspend_connection(connection);
	*waiter = (struct waiter){connection, product->waiting};
	product->waiting = waiter;
	pthread_cond_signal(&products->wanted);
	return -EAGAIN;
}

int products_get(struct products *products, const struct product_order *order,
	struct MHD_Connection *connection, struct product **out)
{
	int r = 0;

	pthread_mutex_lock(&products->lock);
	struct product *product = find(products, order);
	if (!product)
		product = add(products, order);
	if (!product) {
		r = -ENOMEM;
	} else if (product->state == PRODUCT_READY) {
		product->references++;
		*out = product;
	} else if (product->state == PRODUCT_FAILED) {
		r = give_up(products, product);
	} else {
		r = wait_for(products, product, connection);
	}
	pthread_mutex_unlock(&products->lock);
	return r;
}

void products_put(struct products *products, struct product *product)
{
	if (!product)
		return;
	pthread_mutex_lock(&products->lock);
	bool gone = --product->references == 0 && product->loose;
	make_room(products);
	pthread_mutex_unlock(&products->lock);
	if (gone)
		free_product(product);
}

void products_ref(struct products *products, struct product *product)
{
	pthread_mutex_lock(&products->lock);
	product->references++;
	pthread_mutex_unlock(&products->lock);
}

struct product *product_of_file(int fd, uint64_t size, const char *sha256)
{
	struct product *product = calloc(1, sizeof(*product));

	if (!product)
		return NULL;
	product->state = PRODUCT_READY;
	product->references = 1;
	product->loose = true;
	product->fd = fd;
	product->size = size;
	buf_init(&product->data, 0);
	snprintf(product->etag, sizeof(product->etag), "\"%s\"", sha256);
	return product;
}

uint64_t product_size(const struct product *product)
{
	if (product->loose)
		return product->size;
	return product->padded_to > product->data.len ? product->padded_to : product->data.len;
}

size_t product_read(const struct product *product, uint64_t at, char *out, size_t max)
{
	uint64_t size = product_size(product);

	if (at >= size)
		return 0;
	if (max > size - at)
		max = (size_t)(size - at);
	if (product->loose) {
		ssize_t n = pread(product->fd, out, max, (off_t)at);
		return n < 0 ? 0 : (size_t)n;
	}
	size_t real = at >= product->data.len ? 0 : product->data.len - (size_t)at;
	if (real > max)
		real = max;
	if (real)
		memcpy(out, product->data.data + at, real);
	memset(out + real, 0, max - real);
	return max;
}

const char *product_etag(const struct product *product)
{
	return product->etag;
}
