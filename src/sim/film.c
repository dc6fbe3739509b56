#include "film.h"

#include "h264.h"
#include "mp4.h"
#include "picture.h"
#include "words.h"

#include "kiefs/buf.h"

#include <errno.h>
#include <string.h>

#define LONG_SIDE 320
#define RATE 12
#define FRAMES 24
#define FILM_MAX ((size_t)64 << 20)

static uint8_t clamp(double value)
{
	return (uint8_t)(value < 16 ? 16 : value > 235 ? 235 : value);
}

/* BT.601, limited range. */
static void convert(gdImagePtr image, struct h264_frame *frame)
{
	for (int y = 0; y < frame->height; y++) {
		for (int x = 0; x < frame->width; x++) {
			int color = gdImageTrueColorPixel(image, x, y);
			int r = gdTrueColorGetRed(color);
			int g = gdTrueColorGetGreen(color);
			int b = gdTrueColorGetBlue(color);
			size_t half =
				(size_t)(y / 2) * (size_t)(frame->width / 2) + (size_t)(x / 2);

			frame->y[(size_t)y * (size_t)frame->width + (size_t)x] =
				clamp(16 + 0.257 * r + 0.504 * g + 0.098 * b);
			if (x % 2 || y % 2)
				continue;
			frame->u[half] = clamp(128 - 0.148 * r - 0.291 * g + 0.439 * b);
			frame->v[half] = clamp(128 + 0.439 * r - 0.368 * g - 0.071 * b);
		}
	}
}

/* A ball crosses the picture, and a bar below shows how much of the film has passed. */
static void move(gdImagePtr image, const struct words *words, int number)
{
	int width = gdImageSX(image);
	int height = gdImageSY(image);
	int size = height / 5;
	int x = (number * width / FRAMES + (int)words_pick(words, 70, (unsigned)width)) % width;
	int bounce = number * 4 % FRAMES - FRAMES / 2;
	int y = height - size -
		height / 3 * (FRAMES * FRAMES / 4 - bounce * bounce) / (FRAMES * FRAMES / 4);

	gdImageFilledEllipse(image, x, y, size, size, gdTrueColorAlpha(255, 220, 90, 60));
	gdImageFilledRectangle(image, 0, height - 4, (number + 1) * width / FRAMES, height - 1,
		gdTrueColor(255, 220, 90));
}

static int add_frames(const struct words *words, gdImagePtr ground, struct h264_frame frames[2],
	struct buf *samples, uint32_t sizes[FRAMES])
{
	for (int i = 0; i < FRAMES; i++) {
		size_t before = samples->len;
		gdImagePtr image = gdImageClone(ground);

		if (!image)
			return -ENOMEM;
		move(image, words, i);
		convert(image, &frames[i % 2]);
		gdImageDestroy(image);
		int r = h264_add_slice(
			samples, &frames[i % 2], i ? &frames[(i + 1) % 2] : NULL, (unsigned)i);
		if (r < 0)
			return r;
		sizes[i] = (uint32_t)(samples->len - before);
	}
	return 0;
}

int film_make(const struct words *words, enum format_id format, const cJSON *input,
	uint64_t padded_to, struct buf *out)
{
	struct h264_frame frames[2] = {{0}};
	struct buf samples;
	struct buf sps;
	struct buf pps;
	uint32_t sizes[FRAMES];
	struct mp4_film film = {.format = format,
		.rate = RATE,
		.sizes = sizes,
		.count = FRAMES,
		.samples = &samples,
		.sps = &sps,
		.pps = &pps,
		.padded_to = padded_to};
	int r = -ENOMEM;

	buf_init(&samples, FILM_MAX);
	buf_init(&sps, 256);
	buf_init(&pps, 256);
	format_size(input, LONG_SIDE, 16, &film.width, &film.height);
	gdImagePtr ground = picture_draw(words, film.width, film.height);
	if (!ground || h264_frame_init(&frames[0], film.width, film.height) < 0 ||
		h264_frame_init(&frames[1], film.width, film.height) < 0)
		goto out;
	r = add_frames(words, ground, frames, &samples, sizes);
	if (r == 0)
		r = h264_add_sps(&sps, film.width, film.height);
	if (r == 0)
		r = h264_add_pps(&pps);
	if (r == 0)
		r = mp4_make(&film, out);
out:
	if (ground)
		gdImageDestroy(ground);
	h264_frame_finish(&frames[0]);
	h264_frame_finish(&frames[1]);
	buf_finish(&samples);
	buf_finish(&sps);
	buf_finish(&pps);
	return r;
}
