/*
 * The smallest part of H.264 that makes a film: blocks of 16x16 are sent as they are (I_PCM) or
 * repeat what stood there before (P_Skip). It needs no encoder library, costs no time, and every
 * player takes it. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct buf;

/* One picture, 4:2:0; `width` and `height` are multiples of 16. */
struct h264_frame {
	int width;
	int height;
	uint8_t *y; /* width * height, values from 16 to 235 */
	uint8_t *u; /* a quarter of that each, values from 16 to 240 */
	uint8_t *v;
};

int h264_frame_init(struct h264_frame *frame, int width, int height);
void h264_frame_finish(struct h264_frame *frame);

/* The parameter sets as NAL units without start codes. The buffer's error is returned. */
int h264_add_sps(struct buf *out, int width, int height);
int h264_add_pps(struct buf *out);
/* The NAL unit of a picture; `before` is the one before it, NULL for the first. `number` counts
 * from 0. */
int h264_add_slice(struct buf *out, const struct h264_frame *frame, const struct h264_frame *before,
	unsigned number);
