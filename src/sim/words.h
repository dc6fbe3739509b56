/* What a result shows, and the colours and notes that follow from it. Pure. */
#pragma once

#include <stdint.h>

struct words {
	const char *text;
	const char *model_id;
	unsigned number; /* of the result within its task */
	uint64_t seed;	 /* words_seed() of the rest */
};

uint64_t words_seed(const struct words *words);
/* A number below `limit` that depends on the seed and `what` only. */
unsigned words_pick(const struct words *words, unsigned what, unsigned limit);
