#include "words.h"

static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	return hash;
}

uint64_t words_seed(const struct words *words)
{
	uint64_t hash = hash_text(0xcbf29ce484222325u, words->text);

	return hash_text(hash, words->model_id) + words->number * 0x9e3779b97f4a7c15u;
}

unsigned words_pick(const struct words *words, unsigned what, unsigned limit)
{
	uint64_t x = (words->seed + what) * 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
	return (unsigned)((x ^ x >> 32) % limit);
}
