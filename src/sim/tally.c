#include "ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tally_entry {
	char *text; /* NULL in a free slot */
	uint64_t count;
};

static uint64_t hash(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	return hash;
}

static struct tally_entry *find_slot(struct tally_entry *entries, size_t size, const char *text)
{
	size_t i = hash(text) & (size - 1);

	while (entries[i].text && strcmp(entries[i].text, text) != 0)
		i = (i + 1) & (size - 1);
	return &entries[i];
}

static int grow(struct tally *tally)
{
	size_t size = tally->size ? tally->size * 2 : 64;
	struct tally_entry *entries = calloc(size, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < tally->size; i++) {
		if (tally->entries[i].text)
			*find_slot(entries, size, tally->entries[i].text) = tally->entries[i];
	}
	free(tally->entries);
	tally->entries = entries;
	tally->size = size;
	return 0;
}

int tally_count(struct tally *tally, const char *text)
{
	if (tally->count * 2 >= tally->size) {
		int r = grow(tally);
		if (r < 0)
			return r;
	}
	struct tally_entry *entry = find_slot(tally->entries, tally->size, text);
	if (!entry->text) {
		entry->text = strdup(text);
		if (!entry->text)
			return -ENOMEM;
		tally->count++;
	}
	entry->count++;
	return 0;
}

cJSON *tally_json(const struct tally *tally)
{
	cJSON *json = cJSON_CreateObject();

	for (size_t i = 0; json && i < tally->size; i++) {
		const struct tally_entry *entry = &tally->entries[i];

		if (entry->text)
			cJSON_AddNumberToObject(json, entry->text, (double)entry->count);
	}
	return json;
}

void tally_finish(struct tally *tally)
{
	for (size_t i = 0; i < tally->size; i++)
		free(tally->entries[i].text);
	free(tally->entries);
	*tally = (struct tally){0};
}
