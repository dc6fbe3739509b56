#include "send.h"

#include "sim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK (256 * 1024)
/* A throttled download gets this many portions a second. */
#define PORTIONS 20
#define SILENCE_MS (60 * 60 * 1000)

/* Bytes on their way: a part of a product, or a text of which not all is sent. */
struct outflow {
	struct sim *sim;
	struct MHD_Connection *connection;
	struct product *product; /* NULL: text */
	char *text;
	uint64_t start;	     /* of the range, in the product */
	uint64_t stop;	     /* the connection ends here, counted from `start` */
	uint64_t rate;	     /* bytes a second, 0: all at once */
	uint64_t allowed_to; /* how far the rate has come */
	uint64_t end;	     /* of a text of unknown length: nothing follows; 0: no such end */
	uint64_t silent_at;  /* here nothing follows for SILENCE_MS; 0: never */
};

static size_t read_flow(const struct outflow *flow, uint64_t at, char *out, size_t max)
{
	if (flow->product)
		return product_read(flow->product, flow->start + at, out, max);
	memcpy(out, flow->text + at, max);
	return max;
}

static ssize_t give(void *user, uint64_t at, char *out, size_t max)
{
	struct outflow *flow = user;

	if (at >= flow->stop)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (flow->end && at >= flow->end)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (flow->end && max > flow->end - at)
		max = (size_t)(flow->end - at);
	if (flow->silent_at && at >= flow->silent_at) {
		flow->silent_at = 0;
		return delay_connection(&flow->sim->delay, flow->connection, SILENCE_MS) < 0
			       ? MHD_CONTENT_READER_END_WITH_ERROR
			       : 0;
	}
	if (flow->silent_at && max > flow->silent_at - at)
		max = (size_t)(flow->silent_at - at);
	if (max > flow->stop - at)
		max = (size_t)(flow->stop - at);
	if (flow->rate) {
		if (at >= flow->allowed_to) {
			flow->allowed_to = at + (flow->rate + PORTIONS - 1) / PORTIONS;
			if (delay_connection(&flow->sim->delay, flow->connection, 1000 / PORTIONS) <
				0)
				return MHD_CONTENT_READER_END_WITH_ERROR;
			return 0;
		}
		if (max > flow->allowed_to - at)
			max = (size_t)(flow->allowed_to - at);
	}
	return (ssize_t)read_flow(flow, at, out, max);
}

static void finish_flow(void *user)
{
	struct outflow *flow = user;

	free(flow->text);
	free(flow);
}

static uint64_t cut_at(const struct reply *reply, enum fault_kind kind, uint64_t size)
{
	const struct fault *fault = reply_fault(reply, kind);

	if (!fault)
		return UINT64_MAX;
	return fault->bytes && fault->bytes < size ? fault->bytes : size / 2;
}

/* Digits at `*at`, which moves behind them; UINT64_MAX when there are none or too many. */
static uint64_t read_digits(const char **at)
{
	char *end;

	if (**at < '0' || **at > '9')
		return UINT64_MAX;
	errno = 0;
	uint64_t value = strtoull(*at, &end, 10);
	*at = end;
	return errno ? UINT64_MAX - 1 : value;
}

/* `text` is one range behind "bytes=". Sets the part of the file that it asks for; it is empty when
 * the file has no such part. False: this is no range. */
static bool read_range(const char *text, uint64_t size, uint64_t *start, uint64_t *end)
{
	uint64_t first = read_digits(&text);

	if (*text++ != '-')
		return false;
	uint64_t last = read_digits(&text);
	if (*text || (first == UINT64_MAX && last == UINT64_MAX) ||
		(first != UINT64_MAX && last < first))
		return false;
	if (first == UINT64_MAX) {
		*start = last < size ? size - last : 0;
		*end = size;
	} else {
		*start = first < size ? first : size;
		*end = last < size ? last + 1 : size;
	}
	return true;
}

/* Whether a Range header of the one kind that is served asks for a part, and is not outdated by
 * If-Range. */
static bool wants_range(const struct request *request, const struct product *product,
	uint64_t *start, uint64_t *end)
{
	const char *range = request_header(request, "Range");
	const char *if_range = request_header(request, "If-Range");

	if (!range || strncmp(range, "bytes=", 6) != 0)
		return false;
	if (if_range && strcmp(if_range, product_etag(product)) != 0)
		return false;
	return read_range(range + 6, product_size(product), start, end);
}

static struct MHD_Response *make_file(
	struct sim *sim, const struct request *request, const struct reply *reply, unsigned *status)
{
	uint64_t size = product_size(reply->file);
	uint64_t start = 0;
	uint64_t end = size;
	bool partial = wants_range(request, reply->file, &start, &end);
	const struct fault *throttle = reply_fault(reply, FAULT_THROTTLE);
	char text[96];

	*status = MHD_HTTP_OK;
	snprintf(text, sizeof(text), "bytes */%" PRIu64, size);
	if (partial && start == end) {
		*status = MHD_HTTP_RANGE_NOT_SATISFIABLE;
	} else if (partial) {
		*status = MHD_HTTP_PARTIAL_CONTENT;
		snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, start,
			end - 1, size);
	}
	struct outflow *flow = malloc(sizeof(*flow));
	if (!flow)
		return NULL;
	*flow = (struct outflow){.sim = sim,
		.connection = request->connection,
		.product = reply->file,
		.start = start,
		.stop = cut_at(reply, FAULT_TRUNCATE, end - start)};
	if (throttle)
		flow->rate = throttle->bytes ? throttle->bytes : 4096;
	struct MHD_Response *response =
		MHD_create_response_from_callback(end - start, BLOCK, give, flow, finish_flow);
	if (!response) {
		finish_flow(flow);
		return NULL;
	}
	if (*status != MHD_HTTP_OK)
		MHD_add_response_header(response, "Content-Range", text);
	MHD_add_response_header(response, "Accept-Ranges", "bytes");
	MHD_add_response_header(response, "ETag", product_etag(reply->file));
	return response;
}

/* Announces the whole text and sends a part of it. */
static struct MHD_Response *make_cut_text(const struct request *request, const struct reply *reply)
{
	struct outflow *flow = malloc(sizeof(*flow));

	if (!flow)
		return NULL;
	*flow = (struct outflow){.connection = request->connection,
		.text = malloc(reply->body.len + 1),
		.stop = cut_at(reply, FAULT_CUT, reply->body.len)};
	struct MHD_Response *response = NULL;
	if (flow->text) {
		memcpy(flow->text, reply->body.data, reply->body.len);
		response = MHD_create_response_from_callback(
			reply->body.len, BLOCK, give, flow, finish_flow);
	}
	if (!response)
		finish_flow(flow);
	return response;
}

/* Comes bit by bit, of unknown length. */
static struct MHD_Response *make_stream(
	struct sim *sim, const struct request *request, const struct reply *reply)
{
	struct outflow *flow = malloc(sizeof(*flow));

	if (!flow)
		return NULL;
	*flow = (struct outflow){
		.sim = sim,
		.connection = request->connection,
		.text = malloc(reply->body.len),
		.stop = cut_at(reply, FAULT_CUT, reply->body.len),
		.end = reply->body.len,
		.rate = reply->rate,
		.silent_at = reply_fault(reply, FAULT_STUCK) ? reply->body.len / 2 + 1 : 0,
	};
	struct MHD_Response *response = NULL;
	if (flow->text) {
		memcpy(flow->text, reply->body.data, reply->body.len);
		response = MHD_create_response_from_callback(
			MHD_SIZE_UNKNOWN, BLOCK, give, flow, finish_flow);
	}
	if (!response)
		finish_flow(flow);
	return response;
}

enum MHD_Result send_reply(
	struct sim *sim, const struct request *request, const struct reply *reply)
{
	unsigned status = reply->status;
	struct MHD_Response *response;
	char seconds[24];

	if (reply_fault(reply, FAULT_DROP) || reply_fault(reply, FAULT_LOST))
		return MHD_NO;
	if (reply->file)
		response = make_file(sim, request, reply, &status);
	else if (reply->streamed && reply->body.len)
		response = make_stream(sim, request, reply);
	else if (reply_fault(reply, FAULT_CUT) && reply->body.len)
		response = make_cut_text(request, reply);
	else
		response = MHD_create_response_from_buffer(
			reply->body.len, reply->body.data, MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(
		response, "Content-Type", reply->type ? reply->type : "application/json");
	if (reply->retry_after_s) {
		snprintf(seconds, sizeof(seconds), "%ld", reply->retry_after_s);
		MHD_add_response_header(response, "Retry-After", seconds);
	}
	enum MHD_Result result = MHD_queue_response(request->connection, status, response);
	MHD_destroy_response(response);
	return result;
}
