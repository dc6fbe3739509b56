/* See h264.h. The numbers of clauses and the names of syntax elements are those of ITU-T H.264. */
#include "h264.h"

#include "kiefs/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAL_SLICE 0x41 /* nal_ref_idc 2, type 1 */
#define NAL_IDR 0x65
#define NAL_SPS 0x67
#define NAL_PPS 0x68
#define FRAME_NUM_BITS 4
#define MB 16

struct bits {
	struct buf *out;
	unsigned pending; /* bits not yet written, the newest lowest */
	int count;
	int zeros; /* zero bytes at the end of what was written */
};

/* 7.4.1: no NAL unit may hold 00 00 followed by a byte below 4. */
static void put_byte(struct bits *bits, unsigned byte)
{
	unsigned char text = (unsigned char)byte;

	if (bits->zeros == 2 && byte < 4) {
		buf_add(bits->out, "\3", 1);
		bits->zeros = 0;
	}
	buf_add(bits->out, &text, 1);
	bits->zeros = byte == 0 ? bits->zeros + 1 : 0;
}

static void put(struct bits *bits, unsigned value, int count)
{
	for (int i = count - 1; i >= 0; i--) {
		bits->pending = bits->pending << 1 | (value >> i & 1);
		if (++bits->count == 8) {
			put_byte(bits, bits->pending & 0xff);
			bits->count = 0;
			bits->pending = 0;
		}
	}
}

/* 9.1: ue(v) */
static void put_ue(struct bits *bits, unsigned value)
{
	int len = 0;

	while ((value + 1) >> (len + 1))
		len++;
	put(bits, 0, len);
	put(bits, value + 1, len + 1);
}

static void put_align(struct bits *bits, unsigned first)
{
	if (first)
		put(bits, 1, 1);
	while (bits->count)
		put(bits, 0, 1);
}

int h264_frame_init(struct h264_frame *frame, int width, int height)
{
	size_t size = (size_t)width * (size_t)height;

	*frame = (struct h264_frame){.width = width, .height = height, .y = malloc(size * 3 / 2)};
	if (!frame->y)
		return -ENOMEM;
	frame->u = frame->y + size;
	frame->v = frame->u + size / 4;
	return 0;
}

void h264_frame_finish(struct h264_frame *frame)
{
	free(frame->y);
	*frame = (struct h264_frame){0};
}

int h264_add_sps(struct buf *out, int width, int height)
{
	struct bits bits = {.out = out};

	put_byte(&bits, NAL_SPS);
	put(&bits, 66, 8);   /* profile_idc: Baseline */
	put(&bits, 0xc0, 8); /* constraint_set0 and 1: Constrained Baseline */
	put(&bits, 30, 8);   /* level_idc 3.0 */
	put_ue(&bits, 0);    /* seq_parameter_set_id */
	put_ue(&bits, FRAME_NUM_BITS - 4);
	put_ue(&bits, 2); /* pic_order_cnt_type: output order is decoding order */
	put_ue(&bits, 1); /* max_num_ref_frames */
	put(&bits, 0, 1); /* gaps_in_frame_num_value_allowed_flag */
	put_ue(&bits, (unsigned)width / MB - 1);
	put_ue(&bits, (unsigned)height / MB - 1);
	put(&bits, 1, 1); /* frame_mbs_only_flag */
	put(&bits, 1, 1); /* direct_8x8_inference_flag */
	put(&bits, 0, 1); /* frame_cropping_flag */
	put(&bits, 0, 1); /* vui_parameters_present_flag */
	put_align(&bits, 1);
	return out->error;
}

int h264_add_pps(struct buf *out)
{
	struct bits bits = {.out = out};

	put_byte(&bits, NAL_PPS);
	put_ue(&bits, 0); /* pic_parameter_set_id */
	put_ue(&bits, 0); /* seq_parameter_set_id */
	put(&bits, 0, 1); /* entropy_coding_mode_flag: CAVLC */
	put(&bits, 0, 1); /* bottom_field_pic_order_in_frame_present_flag */
	put_ue(&bits, 0); /* num_slice_groups_minus1 */
	put_ue(&bits, 0); /* num_ref_idx_l0_default_active_minus1 */
	put_ue(&bits, 0); /* num_ref_idx_l1_default_active_minus1 */
	put(&bits, 0, 1); /* weighted_pred_flag */
	put(&bits, 0, 2); /* weighted_bipred_idc */
	put_ue(&bits, 0); /* pic_init_qp_minus26 */
	put_ue(&bits, 0); /* pic_init_qs_minus26 */
	put_ue(&bits, 0); /* chroma_qp_index_offset */
	put(&bits, 1, 1); /* deblocking_filter_control_present_flag */
	put(&bits, 0, 1); /* constrained_intra_pred_flag */
	put(&bits, 0, 1); /* redundant_pic_cnt_present_flag */
	put_align(&bits, 1);
	return out->error;
}

static void put_slice_header(struct bits *bits, bool idr, unsigned number)
{
	put_byte(bits, idr ? NAL_IDR : NAL_SLICE);
	put_ue(bits, 0);	   /* first_mb_in_slice */
	put_ue(bits, idr ? 7 : 5); /* slice_type: all I, all P */
	put_ue(bits, 0);	   /* pic_parameter_set_id */
	put(bits, number % (1u << FRAME_NUM_BITS), FRAME_NUM_BITS);
	if (idr) {
		put_ue(bits, 0); /* idr_pic_id */
		put(bits, 0, 1); /* no_output_of_prior_pics_flag */
		put(bits, 0, 1); /* long_term_reference_flag */
	} else {
		put(bits, 0, 1); /* num_ref_idx_active_override_flag */
		put(bits, 0, 1); /* ref_pic_list_modification_flag_l0 */
		put(bits, 0, 1); /* adaptive_ref_pic_marking_mode_flag */
	}
	put_ue(bits, 0); /* slice_qp_delta: se(v) spells 0 alike */
	put_ue(bits, 1); /* disable_deblocking_filter_idc */
}

struct plane {
	const uint8_t *data;
	const uint8_t *before;
	int stride;
	int size; /* of the macroblock's part */
};

static void planes_of(const struct h264_frame *frame, const struct h264_frame *before, int x, int y,
	struct plane out[3])
{
	size_t luma = (size_t)y * MB * (size_t)frame->width + (size_t)x * MB;
	size_t chroma = (size_t)y * MB / 2 * (size_t)frame->width / 2 + (size_t)x * MB / 2;

	out[0] =
		(struct plane){frame->y + luma, before ? before->y + luma : NULL, frame->width, MB};
	out[1] = (struct plane){
		frame->u + chroma, before ? before->u + chroma : NULL, frame->width / 2, MB / 2};
	out[2] = (struct plane){
		frame->v + chroma, before ? before->v + chroma : NULL, frame->width / 2, MB / 2};
}

static bool is_same(const struct plane planes[3])
{
	for (int p = 0; p < 3; p++) {
		for (int row = 0; planes[p].before && row < planes[p].size; row++) {
			size_t at = (size_t)row * (size_t)planes[p].stride;

			if (memcmp(planes[p].data + at, planes[p].before + at,
				    (size_t)planes[p].size) != 0)
				return false;
		}
	}
	return planes[0].before != NULL;
}

static void put_pcm(struct bits *bits, const struct plane planes[3])
{
	put_align(bits, 0);
	for (int p = 0; p < 3; p++) {
		for (int row = 0; row < planes[p].size; row++)
			buf_add(bits->out, planes[p].data + row * planes[p].stride,
				(size_t)planes[p].size);
	}
	/* No sample is zero, so no byte of them needs escaping. */
	bits->zeros = 0;
}

int h264_add_slice(struct buf *out, const struct h264_frame *frame, const struct h264_frame *before,
	unsigned number)
{
	struct bits bits = {.out = out};
	unsigned skipped = 0;

	put_slice_header(&bits, !before, number);
	for (int y = 0; y < frame->height / MB; y++) {
		for (int x = 0; x < frame->width / MB; x++) {
			struct plane planes[3];

			planes_of(frame, before, x, y, planes);
			if (is_same(planes)) {
				skipped++;
				continue;
			}
			if (before)
				put_ue(&bits, skipped);	 /* mb_skip_run */
			put_ue(&bits, before ? 30 : 25); /* mb_type: I_PCM */
			put_pcm(&bits, planes);
			skipped = 0;
		}
	}
	if (skipped)
		put_ue(&bits, skipped);
	put_align(&bits, 1);
	return out->error;
}
