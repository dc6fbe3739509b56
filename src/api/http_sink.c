#include "http_sink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of an error page that came instead of a file. */
#define ERROR_BODY_MAX 65536

void sink_init(struct sink *sink, const struct http_request *request)
{
	*sink = (struct sink){
		.fd = request->fd,
		.resume = request->fd >= 0 && request->offset > 0 ? request->offset : 0,
		.max_bytes = request->max_bytes,
		.length = -1,
	};
	sink->received = sink->resume;
	if (sink->max_bytes < 0)
		sink->max_bytes = 0;
	buf_init(&sink->memory, request->fd >= 0 ? ERROR_BODY_MAX : (size_t)sink->max_bytes);
}

void sink_finish(struct sink *sink)
{
	buf_finish(&sink->memory);
}

static bool stop(struct sink *sink, enum http_outcome outcome, int local_errno)
{
	sink->stopped = true;
	sink->outcome = outcome;
	sink->local_errno = local_errno;
	return false;
}

static bool restart_file(struct sink *sink)
{
	if (ftruncate(sink->fd, 0) < 0)
		return stop(sink, HTTP_LOCAL, errno);
	sink->received = 0;
	return true;
}

/* "bytes 100-199/200", "bytes 0-9/" "*", "bytes " "*" "/200"; -1 for a part that is not told. */
static bool read_range(const char *text, int64_t *start, int64_t *total)
{
	long long from, to, whole;

	*start = *total = -1;
	if (!text)
		return false;
	if (sscanf(text, "bytes */%lld", &whole) == 1) {
		*total = whole;
		return whole >= 0;
	}
	int n = sscanf(text, "bytes %lld-%lld/%lld", &from, &to, &whole);
	if (n < 2 || from < 0 || to < from)
		return false;
	*start = from;
	if (n == 3 && whole > to)
		*total = whole;
	return n == 2 || whole > to;
}

static bool begin_part(struct sink *sink, int64_t content_length, const char *content_range)
{
	int64_t start, total;

	/* Bytes of another place would be a silent corruption; start over instead. */
	if (!read_range(content_range, &start, &total) || start != sink->resume) {
		if (restart_file(sink))
			stop(sink, HTTP_CUT, 0);
		return false;
	}
	sink->length = total;
	if (total < 0 && content_length >= 0)
		sink->length = sink->resume + content_length;
	return true;
}

/* Nothing follows the offset: the file is whole when it is as long as the server's. */
static bool begin_unsatisfiable(struct sink *sink, const char *content_range)
{
	int64_t start, total;

	if (read_range(content_range, &start, &total) && total == sink->resume) {
		sink->status = 206;
		sink->length = total;
		return true;
	}
	if (restart_file(sink))
		stop(sink, HTTP_CUT, 0);
	return false;
}

bool sink_begin(struct sink *sink, int status, int64_t content_length, const char *content_range)
{
	sink->begun = true;
	sink->status = status;
	if (sink->fd < 0 || status < 200 || (status >= 300 && status != 416)) {
		sink->length = content_length;
		if (sink->fd < 0 && content_length > sink->max_bytes)
			return stop(sink, HTTP_TOO_LARGE, 0);
		return true;
	}
	if (status == 416)
		return sink->resume > 0 ? begin_unsatisfiable(sink, content_range) : true;
	sink->to_file = true;
	if (status == 206) {
		if (!begin_part(sink, content_length, content_range))
			return false;
	} else {
		sink->length = content_length;
		if (!restart_file(sink))
			return false;
	}
	if (sink->length > sink->max_bytes)
		return stop(sink, HTTP_TOO_LARGE, 0);
	return true;
}

static bool write_file(struct sink *sink, const char *data, size_t len)
{
	if ((int64_t)len > sink->max_bytes - sink->received)
		return stop(sink, HTTP_TOO_LARGE, 0);
	while (len > 0) {
		ssize_t n = pwrite(sink->fd, data, len, sink->received);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return stop(sink, HTTP_LOCAL, n < 0 ? errno : EIO);
		sink->received += n;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

bool sink_write(struct sink *sink, const char *data, size_t len)
{
	if (sink->stopped)
		return false;
	if (sink->to_file)
		return write_file(sink, data, len);
	if (sink->fd >= 0) {
		/* An error page: its start is enough. */
		size_t room = sink->memory.max - sink->memory.len;
		buf_add(&sink->memory, data, len < room ? len : room);
		return true;
	}
	int r = buf_add(&sink->memory, data, len);
	if (r == -EFBIG)
		return stop(sink, HTTP_TOO_LARGE, 0);
	return r == 0 ? true : stop(sink, HTTP_LOCAL, -r);
}

int sink_offer(struct sink *sink, const struct http_request *request, const char *data, size_t len,
	const char *content_type)
{
	if ((int64_t)len > sink->max_bytes - sink->received) {
		stop(sink, HTTP_TOO_LARGE, 0);
		return -1;
	}
	int taken = request->piece(data, len, content_type, request->user);
	if (taken < 0)
		stop(sink, HTTP_LOCAL, -taken);
	else if (taken > 0)
		sink->received += (int64_t)len;
	return taken < 0 ? -1 : taken;
}
