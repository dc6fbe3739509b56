#include "part_id.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Odd, so that no two numbers give the same. */
#define STRIDE 0x9e3779b97f4a7c15u

void part_id_make(const char *task, unsigned number, char out[PART_ID_SIZE])
{
	uint64_t half[2] = {0};

	sscanf(task, "%16" SCNx64 "%16" SCNx64, &half[0], &half[1]);
	half[1] ^= (number + 1) * STRIDE;
	snprintf(out, PART_ID_SIZE,
		"%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64,
		half[0] >> 32, half[0] >> 16 & 0xffff, half[0] & 0xffff, half[1] >> 48,
		half[1] & 0xffffffffffff);
}

void part_id_task(const char *text, unsigned number, char task[33])
{
	uint64_t piece[5] = {0};

	*task = '\0';
	if (strlen(text) != PART_ID_SIZE - 1 ||
		sscanf(text, "%8" SCNx64 "-%4" SCNx64 "-%4" SCNx64 "-%4" SCNx64 "-%12" SCNx64,
			&piece[0], &piece[1], &piece[2], &piece[3], &piece[4]) != 5)
		return;
	uint64_t low = (piece[3] << 48 | piece[4]) ^ (number + 1) * STRIDE;
	snprintf(task, 33, "%08" PRIx64 "%04" PRIx64 "%04" PRIx64 "%016" PRIx64,
		piece[0] & 0xffffffff, piece[1] & 0xffff, piece[2] & 0xffff, low);
}
