/* See mp4.h. The names of boxes and their fields are those of ISO/IEC 14496-12 and -15. */
#include "mp4.h"

#include "kiefs/buf.h"

#include <string.h>

#define NAL_LENGTH 4

static void add_number(struct buf *out, uint64_t value, int bytes)
{
	unsigned char text[8];

	for (int i = 0; i < bytes; i++)
		text[i] = (unsigned char)(value >> 8 * (bytes - 1 - i));
	buf_add(out, text, (size_t)bytes);
}

static void add_zeros(struct buf *out, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_add(out, "", 1);
}

/* Returns where the box begins, for end_box(). */
static size_t begin_box(struct buf *out, const char *type)
{
	size_t at = out->len;

	add_number(out, 0, 4);
	buf_adds(out, type);
	return at;
}

static size_t begin_full_box(struct buf *out, const char *type, unsigned flags)
{
	size_t at = begin_box(out, type);

	add_number(out, flags, 4);
	return at;
}

static void put_number(struct buf *out, size_t at, uint64_t value)
{
	for (int i = 0; i < 4 && !out->error; i++)
		out->data[at + (size_t)i] = (char)(value >> 8 * (3 - i));
}

static void end_box(struct buf *out, size_t at)
{
	put_number(out, at, out->len - at);
}

static void add_matrix(struct buf *out)
{
	static const unsigned matrix[] = {0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000};

	for (size_t i = 0; i < sizeof(matrix) / sizeof(matrix[0]); i++)
		add_number(out, matrix[i], 4);
}

static void add_ftyp(struct buf *out, enum format_id format)
{
	size_t at = begin_box(out, "ftyp");

	buf_adds(out, format == FORMAT_MOV ? "qt  " : "isom");
	add_number(out, 0x200, 4);
	buf_adds(out, format == FORMAT_MOV ? "qt  " : "isomavc1mp41");
	end_box(out, at);
}

static void add_mvhd(struct buf *out, const struct mp4_film *film)
{
	size_t at = begin_full_box(out, "mvhd", 0);

	add_zeros(out, 8);
	add_number(out, film->rate, 4); /* timescale */
	add_number(out, film->count, 4);
	add_number(out, 0x10000, 4);
	add_number(out, 0x100, 2);
	add_zeros(out, 10);
	add_matrix(out);
	add_zeros(out, 24);
	add_number(out, 2, 4); /* next_track_ID */
	end_box(out, at);
}

static void add_tkhd(struct buf *out, const struct mp4_film *film)
{
	size_t at = begin_full_box(out, "tkhd", 3); /* enabled, in the movie */

	add_zeros(out, 8);
	add_number(out, 1, 4);
	add_zeros(out, 4);
	add_number(out, film->count, 4);
	add_zeros(out, 16);
	add_matrix(out);
	add_number(out, (uint64_t)film->width << 16, 4);
	add_number(out, (uint64_t)film->height << 16, 4);
	end_box(out, at);
}

static void add_mdhd_and_hdlr(struct buf *out, const struct mp4_film *film)
{
	size_t at = begin_full_box(out, "mdhd", 0);

	add_zeros(out, 8);
	add_number(out, film->rate, 4);
	add_number(out, film->count, 4);
	add_number(out, 0x55c4, 2); /* language: undetermined */
	add_zeros(out, 2);
	end_box(out, at);
	at = begin_full_box(out, "hdlr", 0);
	add_zeros(out, 4);
	buf_adds(out, "vide");
	add_zeros(out, 12);
	buf_add(out, "video", 6);
	end_box(out, at);
}

static void add_avcc(struct buf *out, const struct mp4_film *film)
{
	size_t at = begin_box(out, "avcC");

	add_number(out, 1, 1);
	buf_add(out, film->sps->data + 1, 3); /* profile, compatibility, level */
	add_number(out, 0xfc | (NAL_LENGTH - 1), 1);
	add_number(out, 0xe0 | 1, 1);
	add_number(out, film->sps->len, 2);
	buf_add(out, film->sps->data, film->sps->len);
	add_number(out, 1, 1);
	add_number(out, film->pps->len, 2);
	buf_add(out, film->pps->data, film->pps->len);
	end_box(out, at);
}

static void add_stsd(struct buf *out, const struct mp4_film *film)
{
	size_t at = begin_full_box(out, "stsd", 0);

	add_number(out, 1, 4);
	size_t entry = begin_box(out, "avc1");
	add_zeros(out, 6);
	add_number(out, 1, 2); /* data_reference_index */
	add_zeros(out, 16);
	add_number(out, (uint64_t)film->width, 2);
	add_number(out, (uint64_t)film->height, 2);
	add_number(out, 0x480000, 4); /* 72 dpi */
	add_number(out, 0x480000, 4);
	add_zeros(out, 4);
	add_number(out, 1, 2); /* frame_count */
	add_zeros(out, 32);
	add_number(out, 24, 2);
	add_number(out, 0xffff, 2);
	add_avcc(out, film);
	end_box(out, entry);
	end_box(out, at);
}

/* Returns where the offset of the samples is to be put. */
static size_t add_stbl(struct buf *out, const struct mp4_film *film)
{
	size_t stbl = begin_box(out, "stbl");

	add_stsd(out, film);
	size_t at = begin_full_box(out, "stts", 0);
	add_number(out, 1, 4);
	add_number(out, film->count, 4);
	add_number(out, 1, 4);
	end_box(out, at);
	at = begin_full_box(out, "stss", 0); /* only the first picture stands alone */
	add_number(out, 1, 4);
	add_number(out, 1, 4);
	end_box(out, at);
	at = begin_full_box(out, "stsc", 0); /* one chunk holds all */
	add_number(out, 1, 4);
	add_number(out, 1, 4);
	add_number(out, film->count, 4);
	add_number(out, 1, 4);
	end_box(out, at);
	at = begin_full_box(out, "stsz", 0);
	add_number(out, 0, 4);
	add_number(out, film->count, 4);
	for (unsigned i = 0; i < film->count; i++)
		add_number(out, film->sizes[i] + NAL_LENGTH, 4);
	end_box(out, at);
	at = begin_full_box(out, "stco", 0);
	add_number(out, 1, 4);
	size_t offset = out->len;
	add_number(out, 0, 4);
	end_box(out, at);
	end_box(out, stbl);
	return offset;
}

static size_t add_minf(struct buf *out, const struct mp4_film *film)
{
	size_t minf = begin_box(out, "minf");
	size_t at = begin_full_box(out, "vmhd", 1);

	add_zeros(out, 8);
	end_box(out, at);
	at = begin_box(out, "dinf");
	size_t dref = begin_full_box(out, "dref", 0);
	add_number(out, 1, 4);
	end_box(out, begin_full_box(out, "url ", 1)); /* in this file */
	end_box(out, dref);
	end_box(out, at);
	size_t offset = add_stbl(out, film);
	end_box(out, minf);
	return offset;
}

static size_t add_moov(struct buf *out, const struct mp4_film *film)
{
	size_t moov = begin_box(out, "moov");

	add_mvhd(out, film);
	size_t trak = begin_box(out, "trak");
	add_tkhd(out, film);
	size_t mdia = begin_box(out, "mdia");
	add_mdhd_and_hdlr(out, film);
	size_t offset = add_minf(out, film);
	end_box(out, mdia);
	end_box(out, trak);
	end_box(out, moov);
	return offset;
}

int mp4_make(const struct mp4_film *film, struct buf *out)
{
	size_t used = 0;

	add_ftyp(out, film->format);
	size_t offset = add_moov(out, film);
	size_t mdat = begin_box(out, "mdat");
	put_number(out, offset, out->len);
	for (unsigned i = 0; i < film->count; i++) {
		add_number(out, film->sizes[i], NAL_LENGTH);
		buf_add(out, film->samples->data + used, film->sizes[i]);
		used += film->sizes[i];
	}
	end_box(out, mdat);
	if (film->padded_to >= out->len + 16) {
		uint64_t size = film->padded_to - out->len;

		add_number(out, 1, 4); /* the size stands behind the type */
		buf_adds(out, "free");
		add_number(out, size, 8);
	}
	return out->error;
}
