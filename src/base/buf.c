#include "kiefs/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){.max = max};
}

void buf_finish(struct buf *buf)
{
	if (!buf)
		return;
	free(buf->data);
	*buf = (struct buf){0};
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->error = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

static int reserve(struct buf *buf, size_t more)
{
	if (buf->error)
		return buf->error;
	if (more > buf->max || buf->len > buf->max - more)
		return buf->error = -EFBIG;
	size_t need = buf->len + more + 1;
	if (need <= buf->capacity)
		return 0;
	size_t capacity = buf->capacity ? buf->capacity : 256;
	while (capacity < need)
		capacity += capacity / 2;
	char *data = realloc(buf->data, capacity);
	if (!data)
		return buf->error = -ENOMEM;
	buf->data = data;
	buf->capacity = capacity;
	return 0;
}

int buf_add(struct buf *buf, const void *data, size_t len)
{
	int r = reserve(buf, len);

	if (r < 0)
		return r;
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return 0;
}

int buf_adds(struct buf *buf, const char *text)
{
	return buf_add(buf, text, strlen(text));
}

int buf_addf(struct buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		return buf->error ? buf->error : (buf->error = -EINVAL);
	int r = reserve(buf, (size_t)n);
	if (r < 0)
		return r;
	va_start(args, format);
	vsnprintf(buf->data + buf->len, (size_t)n + 1, format, args);
	va_end(args);
	buf->len += (size_t)n;
	return 0;
}

char *buf_take(struct buf *buf)
{
	char *data = buf->data ? buf->data : calloc(1, 1);

	buf->data = NULL;
	buf->len = buf->capacity = 0;
	buf->error = 0;
	return data;
}
