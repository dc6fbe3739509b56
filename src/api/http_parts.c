#include "http_parts.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define BUFFER_BYTES (512L << 10)

static size_t read_file(char *out, size_t size, size_t count, void *user)
{
	struct parts *parts = user;
	int64_t left = parts->size - parts->at;
	size_t want = (int64_t)(size * count) < left ? size * count : (size_t)left;
	ssize_t n;

	if (want == 0)
		return 0;
	do
		n = pread(parts->fd, out, want, parts->at);
	while (n < 0 && errno == EINTR);
	if (n <= 0) {
		parts->error = n < 0 ? -errno : -ESTALE;
		return CURL_READFUNC_ABORT;
	}
	parts->at += n;
	if (parts->progress)
		parts->progress(parts->at, parts->size, parts->user);
	return (size_t)n;
}

/* curl begins anew when a connection that it had kept turns out to be dead. */
static int seek_file(void *user, curl_off_t offset, int origin)
{
	struct parts *parts = user;

	if (origin != SEEK_SET || offset < 0 || offset > parts->size)
		return CURL_SEEKFUNC_CANTSEEK;
	parts->at = offset;
	return CURL_SEEKFUNC_OK;
}

static CURLcode add_part(struct parts *parts, const struct http_part *part)
{
	curl_mimepart *added = curl_mime_addpart(parts->mime);
	CURLcode code = added ? curl_mime_name(added, part->name) : CURLE_OUT_OF_MEMORY;

	if (code == CURLE_OK && part->text)
		return curl_mime_data(added, part->text, CURL_ZERO_TERMINATED);
	parts->fd = part->fd;
	parts->size = part->size;
	if (code == CURLE_OK)
		code = curl_mime_filename(added, part->filename);
	if (code == CURLE_OK)
		code = curl_mime_data_cb(added, part->size, read_file, seek_file, NULL, parts);
	return code;
}

int parts_set(struct parts *parts, CURL *easy, const struct http_request *request)
{
	CURLcode code = CURLE_OK;

	*parts = (struct parts){
		.mime = curl_mime_init(easy),
		.fd = -1,
		.progress = request->progress,
		.user = request->user,
	};
	if (!parts->mime)
		return -ENOMEM;
	for (size_t i = 0; i < request->part_count && code == CURLE_OK; i++)
		code = add_part(parts, &request->parts[i]);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_MIMEPOST, parts->mime);
	if (code == CURLE_OK)
		curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, BUFFER_BYTES);
	return code == CURLE_OK ? 0 : -ENOMEM;
}

void parts_finish(struct parts *parts)
{
	curl_mime_free(parts->mime);
	*parts = (struct parts){0};
}
