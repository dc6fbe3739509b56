/* MP4 and QuickTime files around H.264 pictures. Pure. */
#pragma once

#include "format.h"

#include <stddef.h>
#include <stdint.h>

struct buf;

struct mp4_film {
	enum format_id format; /* FORMAT_MP4 or FORMAT_MOV */
	int width;
	int height;
	unsigned rate;	       /* pictures a second */
	const uint32_t *sizes; /* of the NAL units in `samples`, one for each picture */
	unsigned count;
	const struct buf *samples; /* the NAL units, one after another */
	const struct buf *sps;
	const struct buf *pps;
	uint64_t padded_to; /* 0: as it comes; else the file ends in a box of zeros that reaches
			       there, of which only the head is written */
};

/* Appends the whole file to an empty buffer. The buffer's error is returned. */
int mp4_make(const struct mp4_film *film, struct buf *out);
