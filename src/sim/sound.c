#include "sound.h"

#include "words.h"

#include "kiefs/buf.h"

#include <errno.h>
#include <lame/lame.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define RATE 44100
#define SAMPLES (2 * RATE)
#define NOTES 8

/* Eight notes of a scale that sounds well in any order, each dying away. */
static int16_t *play(const struct words *words)
{
	static const int pentatonic[] = {0, 2, 4, 7, 9, 12, 14, 16};
	int16_t *samples = malloc(SAMPLES * sizeof(*samples));
	double base = 196 * pow(2, words_pick(words, 50, 12) / 12.0);

	for (int i = 0; samples && i < SAMPLES; i++) {
		unsigned note = (unsigned)i / (SAMPLES / NOTES);
		int step = pentatonic[words_pick(words, 60 + note, 8)];
		double pitch = base * pow(2, step / 12.0);
		double t = (double)(i % (SAMPLES / NOTES)) / RATE;
		double attack = fmin(1, t * 200);
		double value = sin(2 * M_PI * pitch * t) + 0.3 * sin(4 * M_PI * pitch * t);

		samples[i] = (int16_t)(9000 * attack * exp(-7 * t) * value);
	}
	return samples;
}

static int add_little(struct buf *out, uint32_t value, int bytes)
{
	unsigned char text[4];

	for (int i = 0; i < bytes; i++)
		text[i] = (unsigned char)(value >> 8 * i);
	return buf_add(out, text, (size_t)bytes);
}

int sound_make_wav(const struct words *words, struct buf *out)
{
	int16_t *samples = play(words);

	if (!samples)
		return -ENOMEM;
	buf_adds(out, "RIFF");
	add_little(out, 36 + SAMPLES * 2, 4);
	buf_adds(out, "WAVEfmt ");
	add_little(out, 16, 4);
	add_little(out, 1, 2); /* PCM */
	add_little(out, 1, 2);
	add_little(out, RATE, 4);
	add_little(out, RATE * 2, 4);
	add_little(out, 2, 2);
	add_little(out, 16, 2);
	buf_adds(out, "data");
	add_little(out, SAMPLES * 2, 4);
	for (int i = 0; i < SAMPLES; i++)
		add_little(out, (uint16_t)samples[i], 2);
	free(samples);
	return out->error;
}

static int encode(lame_t lame, int16_t *samples, struct buf *out)
{
	/* What lame's documentation asks for: 1.25 bytes a sample and 7200 more. */
	static const int room = SAMPLES * 5 / 4 + 7200;
	unsigned char *bytes = malloc((size_t)room);
	int r = -ENOMEM;

	if (!bytes)
		return r;
	int len = lame_encode_buffer(lame, samples, NULL, SAMPLES, bytes, room);
	r = len < 0 ? -EIO : buf_add(out, bytes, (size_t)len);
	if (r == 0) {
		len = lame_encode_flush(lame, bytes, room);
		r = len < 0 ? -EIO : buf_add(out, bytes, (size_t)len);
	}
	free(bytes);
	return r;
}

int sound_make_mp3(const struct words *words, struct buf *out)
{
	int16_t *samples = play(words);
	lame_t lame = lame_init();
	int r = -ENOMEM;

	if (!samples || !lame)
		goto out;
	lame_set_in_samplerate(lame, RATE);
	lame_set_num_channels(lame, 1);
	lame_set_mode(lame, MONO);
	lame_set_brate(lame, 64);
	lame_set_quality(lame, 7);
	lame_set_bWriteVbrTag(lame, 0);
	r = lame_init_params(lame) < 0 ? -EIO : encode(lame, samples, out);
out:
	if (lame)
		lame_close(lame);
	free(samples);
	return r;
}
