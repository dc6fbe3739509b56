/* The kinds of fault, and the words that call them from a prompt. */
#include "fault.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define ANY (STAGE_SUBMIT | STAGE_POLL | STAGE_RESULT | STAGE_OTHER)

/* What the VALUE of "sim:KIND=VALUE" sets. */
enum value {
	VALUE_NONE,
	VALUE_CODE,
	VALUE_MS,
	VALUE_BYTES,
};

static const struct {
	const char *name;
	unsigned stages; /* where a word in a prompt takes effect */
	bool of_task;
	enum value value;
} kinds[] = {
	[FAULT_CODE] = {"code", STAGE_SUBMIT, false, VALUE_CODE},
	[FAULT_DROP] = {"drop", STAGE_SUBMIT, false, VALUE_NONE},
	[FAULT_LOST] = {"lost", STAGE_SUBMIT, false, VALUE_NONE},
	[FAULT_CUT] = {"cut", STAGE_SUBMIT, false, VALUE_BYTES},
	[FAULT_SLOW] = {"slow", STAGE_SUBMIT | STAGE_POLL, false, VALUE_MS},
	[FAULT_HTML] = {"html", STAGE_POLL, false, VALUE_NONE},
	[FAULT_HALF] = {"half", STAGE_POLL, false, VALUE_NONE},
	[FAULT_TYPES] = {"types", STAGE_POLL, false, VALUE_NONE},
	[FAULT_NULL] = {"null", STAGE_POLL, false, VALUE_NONE},
	[FAULT_STATE] = {"state", STAGE_POLL, false, VALUE_NONE},
	[FAULT_EMPTY] = {"empty", STAGE_POLL, false, VALUE_NONE},
	[FAULT_FAIL] = {"fail", 0, true, VALUE_CODE},
	[FAULT_MODERATION] = {"moderation", 0, true, VALUE_NONE},
	[FAULT_STUCK] = {"stuck", 0, true, VALUE_NONE},
	[FAULT_LATE] = {"late", 0, true, VALUE_MS},
	[FAULT_THROTTLE] = {"throttle", STAGE_RESULT, false, VALUE_BYTES},
	[FAULT_TRUNCATE] = {"truncate", STAGE_RESULT, false, VALUE_BYTES},
	[FAULT_EXPIRED] = {"expired", STAGE_RESULT, false, VALUE_CODE},
	[FAULT_BIG] = {"big", 0, true, VALUE_BYTES},
	[FAULT_CALLBACK_NEVER] = {"callback-never", 0, true, VALUE_NONE},
	[FAULT_CALLBACK_TWICE] = {"callback-twice", 0, true, VALUE_NONE},
	[FAULT_CALLBACK_FORGED] = {"callback-forged", 0, true, VALUE_NONE},
};

_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == FAULT_COUNT, "a kind has no name");

const char *fault_name(enum fault_kind kind)
{
	return kinds[kind].name;
}

bool fault_is_of_task(enum fault_kind kind)
{
	return kinds[kind].of_task;
}

bool fault_meets(enum fault_kind kind, enum stage stage)
{
	return (kinds[kind].stages & stage) != 0;
}

bool fault_parse_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "kMGT";
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	unsigned long long value = strtoull(text, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;
	unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
	if ((*end && !unit) || (unit && end[1]) || value > (UINT64_MAX >> 1) >> shift)
		return false;
	*bytes = (uint64_t)value << shift;
	return true;
}

static bool set_value(struct fault *fault, const char *text)
{
	uint64_t number;

	if (!fault_parse_size(text, &number))
		return false;
	switch (kinds[fault->kind].value) {
	case VALUE_NONE:
		return false;
	case VALUE_CODE:
		fault->code = (long)number;
		return number <= 999;
	case VALUE_MS:
		fault->ms = (long)number;
		return number <= 1000 * 1000 * 1000;
	case VALUE_BYTES:
		fault->bytes = number;
		return true;
	}
	return false;
}

/* `word` is what follows "sim:". */
static bool read_word(const char *word, struct fault *out)
{
	struct fault fault = {0};
	uint64_t code;

	if (fault_parse_size(word, &code)) {
		*out = (struct fault){.kind = FAULT_CODE, .code = (long)(code % 1000)};
		out->http = out->code == 429 ? 429 : 200;
		return true;
	}
	for (unsigned kind = 0; kind < FAULT_COUNT; kind++) {
		size_t len = strlen(kinds[kind].name);

		if (strncmp(word, kinds[kind].name, len) != 0)
			continue;
		if (word[len] != '\0' && word[len] != '=')
			continue;
		fault.kind = kind;
		if (word[len] == '=' && !set_value(&fault, word + len + 1))
			return false;
		*out = fault;
		return true;
	}
	return false;
}

static unsigned read_text(const char *text, struct fault out[FAULT_MAX], unsigned count)
{
	for (const char *at = strstr(text, "sim:"); at; at = strstr(at + 4, "sim:")) {
		char word[64];
		size_t len = strcspn(at + 4, " \t\r\n\"'.,;:!?()[]{}<>");

		if (count == FAULT_MAX || len >= sizeof(word) ||
			(at > text && isalnum((unsigned char)at[-1])))
			continue;
		memcpy(word, at + 4, len);
		word[len] = '\0';
		count += read_word(word, &out[count]);
	}
	return count;
}

static unsigned read_item(const cJSON *item, struct fault out[FAULT_MAX], unsigned count)
{
	const cJSON *member;

	if (cJSON_IsString(item))
		return read_text(item->valuestring, out, count);
	cJSON_ArrayForEach(member, item) count = read_item(member, out, count);
	return count;
}

unsigned fault_read_words(const cJSON *input, struct fault out[FAULT_MAX])
{
	return read_item(input, out, 0);
}
