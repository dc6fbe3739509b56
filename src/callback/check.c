/* What a callback must be before anybody looks for its task. Pure. */
#include <errno.h>
#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/callback.h"
#include "kiefs/error.h"
#include "kiefs/json.h"
#include "kiefs/jsonpath.h"

_Static_assert(BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE) == CALLBACK_SIGNATURE_SIZE - 1,
	"base64 of a digest, and a NUL");

/* No service's task id is longer. */
#define ID_MAX 256
#define SIGNATURE_SIZE (CALLBACK_SIGNATURE_SIZE - 1)

int callback_task_id(const cJSON *paths, const char *body, size_t len, char **out)
{
	struct error err = {0};
	cJSON *root = NULL;
	char *id = NULL;
	const cJSON *path;
	int r = json_parse(body, len, &root, &err);

	error_finish(&err);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(path, paths)
	{
		if (!id)
			id = json_path_string(root, path->valuestring);
	}
	cJSON_Delete(root);
	if (!id || strlen(id) > ID_MAX) {
		free(id);
		return -EINVAL;
	}
	*out = id;
	return 0;
}

void callback_sign(
	const char *key, const char *id, const char *timestamp, char out[CALLBACK_SIGNATURE_SIZE])
{
	struct hmac_sha256_ctx hmac;
	uint8_t digest[SHA256_DIGEST_SIZE];

	hmac_sha256_set_key(&hmac, strlen(key), (const uint8_t *)key);
	hmac_sha256_update(&hmac, strlen(id), (const uint8_t *)id);
	hmac_sha256_update(&hmac, 1, (const uint8_t *)".");
	hmac_sha256_update(&hmac, strlen(timestamp), (const uint8_t *)timestamp);
	hmac_sha256_digest(&hmac, sizeof(digest), digest);
	base64_encode_raw(out, sizeof(digest), digest);
	out[CALLBACK_SIGNATURE_SIZE - 1] = '\0';
	explicit_bzero(&hmac, sizeof(hmac));
}

/* Seconds since 1970; -1: that is none. */
static int64_t parse_seconds(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > 12 || strspn(text, "0123456789") != len)
		return -1;
	return strtoll(text, NULL, 10);
}

enum callback_verdict callback_check(const char *key, const char *id, const char *timestamp,
	const char *signature, int64_t now_ms)
{
	char wanted[CALLBACK_SIGNATURE_SIZE];
	int64_t seconds = timestamp ? parse_seconds(timestamp) : -1;

	if (seconds < 0 || !signature || strlen(signature) != SIGNATURE_SIZE)
		return CALLBACK_UNSIGNED;
	callback_sign(key, id, timestamp, wanted);
	if (!memeql_sec(wanted, signature, SIGNATURE_SIZE))
		return CALLBACK_UNSIGNED;
	if (llabs(now_ms - seconds * 1000) > CALLBACK_WINDOW_MS)
		return CALLBACK_STALE;
	return CALLBACK_ACCEPTED;
}
