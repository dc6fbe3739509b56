#include "kiefs/digest.h"

#include <errno.h>
#include <nettle/base16.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <unistd.h>

static void finish(struct sha256_ctx *ctx, char hex[DIGEST_HEX_SIZE])
{
	uint8_t raw[SHA256_DIGEST_SIZE];

	sha256_digest(ctx, sizeof(raw), raw);
	base16_encode_update(hex, sizeof(raw), raw);
	hex[DIGEST_HEX_SIZE - 1] = '\0';
}

void digest_bytes(const void *data, size_t len, char hex[DIGEST_HEX_SIZE])
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, len, data);
	finish(&ctx, hex);
}

void digest_bytes_base64(const void *data, size_t len, char base64[DIGEST_BASE64_SIZE])
{
	uint8_t raw[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, len, data);
	sha256_digest(&ctx, sizeof(raw), raw);
	base64_encode_raw(base64, sizeof(raw), raw);
	base64[DIGEST_BASE64_SIZE - 1] = '\0';
}

int digest_file(int fd, char hex[DIGEST_HEX_SIZE])
{
	struct sha256_ctx ctx;
	uint8_t block[65536];
	off_t offset = 0;

	sha256_init(&ctx);
	for (;;) {
		ssize_t n = pread(fd, block, sizeof(block), offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		sha256_update(&ctx, (size_t)n, block);
		offset += n;
	}
	finish(&ctx, hex);
	return 0;
}

struct digest {
	struct sha256_ctx ctx;
};

struct digest *digest_create(void)
{
	struct digest *digest = malloc(sizeof(*digest));

	if (digest)
		sha256_init(&digest->ctx);
	return digest;
}

void digest_add(struct digest *digest, const void *data, size_t len)
{
	sha256_update(&digest->ctx, len, data);
}

void digest_end(struct digest *digest, char hex[DIGEST_HEX_SIZE])
{
	finish(&digest->ctx, hex);
	free(digest);
}

void digest_destroy(struct digest *digest)
{
	free(digest);
}
