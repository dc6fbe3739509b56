#include "upload_body.h"

#include "kiefs/upload.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <nettle/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POST_BUFFER 65536
#define TEXT_MAX 4096
#define FETCH_TIMEOUT_S 30L

int body_file_begin(struct body_file *file, uint64_t max)
{
	const char *folder = getenv("TMPDIR");

	*file = (struct body_file){.fd = -1, .max = max};
	file->digest = digest_create();
	file->fd = open(folder ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (!file->digest)
		file->error = -ENOMEM;
	else if (file->fd < 0)
		file->error = -errno;
	return file->error;
}

int body_file_add(struct body_file *file, const char *data, size_t len)
{
	if (file->error == 0 && file->max && file->size + len > file->max)
		file->error = -EFBIG;
	if (file->error)
		return file->error;
	digest_add(file->digest, data, len);
	while (len > 0) {
		ssize_t n = pwrite(file->fd, data, len, (off_t)file->size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return file->error = n < 0 ? -errno : -EIO;
		file->size += (uint64_t)n;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int body_file_decode(struct body_file *file, const char *text)
{
	struct base64_decode_ctx context;
	uint8_t block[BASE64_DECODE_LENGTH(4096)];

	if (strncmp(text, "data:", 5) == 0) {
		const char *mark = strstr(text, ";base64,");
		if (!mark)
			return -EINVAL;
		text = mark + 8;
	}
	base64_decode_init(&context);
	for (size_t left = strlen(text); left > 0;) {
		size_t n = left < 4096 ? left : 4096, made = sizeof(block);
		if (!base64_decode_update(&context, &made, block, n, text))
			return -EINVAL;
		if (body_file_add(file, (char *)block, made) < 0)
			return file->error;
		text += n;
		left -= n;
	}
	return base64_decode_final(&context) ? 0 : -EINVAL;
}

static size_t take_fetched(char *data, size_t size, size_t count, void *user)
{
	return body_file_add(user, data, size * count) == 0 ? size * count : 0;
}

static int watch(void *user, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
	return atomic_load((atomic_bool *)user);
}

int body_file_fetch(struct body_file *file, const char *url, atomic_bool *stop)
{
	CURL *easy = curl_easy_init();
	CURLcode code;

	if (!easy)
		return -ENOMEM;
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, FETCH_TIMEOUT_S);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, watch);
	curl_easy_setopt(easy, CURLOPT_XFERINFODATA, stop);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_fetched);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, file);
	code = curl_easy_setopt(easy, CURLOPT_URL, url);
	if (code == CURLE_OK)
		code = curl_easy_perform(easy);
	curl_easy_cleanup(easy);
	if (file->error)
		return file->error;
	return code == CURLE_OK ? 0 : code == CURLE_UNSUPPORTED_PROTOCOL ? -EINVAL : -EIO;
}

void body_file_end(struct body_file *file, char sha256[DIGEST_HEX_SIZE])
{
	digest_end(file->digest, sha256);
	file->digest = NULL;
}

void body_file_finish(struct body_file *file)
{
	digest_destroy(file->digest);
	if (file->fd >= 0)
		close(file->fd);
	*file = BODY_FILE_NONE;
}

const char *body_word_name(const struct upload_service *service, const char *word)
{
	const cJSON *template = service->parts ? service->parts : service->body;

	for (const cJSON *i = template->child; i; i = i->next)
		if (strcmp(i->valuestring, word) == 0)
			return i->string;
	return NULL;
}

char *body_unescape(const char *text)
{
	char *out = strndup(text, strcspn(text, "?#"));

	if (out)
		MHD_http_unescape(out);
	return out;
}

struct intake {
	const struct upload_service *service;
	struct MHD_PostProcessor *post;
	struct body_file file;
	struct buf folder, name;
	uint64_t max;
	bool has_folder;
};

static bool is_word(const struct intake *intake, const char *key, const char *word)
{
	const char *name = body_word_name(intake->service, word);

	return name && strcmp(name, key) == 0;
}

static enum MHD_Result take_part(void *user, enum MHD_ValueKind kind, const char *key,
	const char *filename, const char *type, const char *encoding, const char *data,
	uint64_t offset, size_t size)
{
	struct intake *intake = user;

	if (is_word(intake, key, "$file")) {
		if (offset == 0 && intake->file.fd < 0)
			body_file_begin(&intake->file, intake->max);
		body_file_add(&intake->file, data, size);
	} else if (is_word(intake, key, "$folder")) {
		intake->has_folder = true;
		buf_add(&intake->folder, data, size);
	} else if (is_word(intake, key, "$name")) {
		buf_add(&intake->name, data, size);
	}
	return MHD_YES;
}

struct intake *intake_create(
	const struct upload_service *service, const struct request *request, uint64_t max_bytes)
{
	struct intake *intake = calloc(1, sizeof(*intake));

	if (!intake)
		return NULL;
	intake->service = service;
	intake->max = max_bytes;
	intake->file = BODY_FILE_NONE;
	buf_init(&intake->folder, TEXT_MAX);
	buf_init(&intake->name, TEXT_MAX);
	intake->post =
		MHD_create_post_processor(request->connection, POST_BUFFER, take_part, intake);
	if (intake->post)
		return intake;
	intake_destroy(intake);
	return NULL;
}

bool intake_feed(struct intake *intake, const char *data, size_t len)
{
	return MHD_post_process(intake->post, data, len) == MHD_YES;
}

struct body_file *intake_read(struct intake *intake, const char **folder, const char **name)
{
	*folder = intake->has_folder && intake->folder.data ? intake->folder.data : NULL;
	*name = intake->name.data ? intake->name.data : "";
	return &intake->file;
}

void intake_destroy(struct intake *intake)
{
	if (!intake)
		return;
	if (intake->post)
		MHD_destroy_post_processor(intake->post);
	body_file_finish(&intake->file);
	buf_finish(&intake->folder);
	buf_finish(&intake->name);
	free(intake);
}
