#include "kiefs/show.h"

#include <stdio.h>
#include <stdlib.h>

#include "kiefs/buf.h"

/* Characters of a value that are shown, and values of a list. */
#define SHOWN_CHARACTERS 40
#define SHOWN_VALUES 12

/* Adds the characters of `text`, escaped so that they stay on one line, and a "..." if cut. */
static size_t add_escaped(char *out, size_t at, const char *text)
{
	for (size_t shown = 0; *text; shown++) {
		unsigned char c = (unsigned char)*text;

		/* Room for the longest character or escape, "...", a quote and the NUL. */
		if (shown == SHOWN_CHARACTERS || at + 12 > SHOWN_SIZE)
			return at + (size_t)snprintf(out + at, SHOWN_SIZE - at, "...");
		if (c == '"' || c == '\\') {
			out[at++] = '\\';
			out[at++] = *text++;
		} else if (c == '\n' || c == '\t') {
			out[at++] = '\\';
			out[at++] = c == '\n' ? 'n' : 't';
			text++;
		} else if (c < 0x20 || c == 0x7f) {
			at += (size_t)snprintf(out + at, SHOWN_SIZE - at, "\\u%04x", c);
			text++;
		} else {
			do {
				out[at++] = *text++;
			} while (((unsigned char)*text & 0xc0) == 0x80 && at + 6 < SHOWN_SIZE);
		}
	}
	out[at] = '\0';
	return at;
}

const char *show_name(const char *name, char out[SHOWN_SIZE])
{
	add_escaped(out, 0, name);
	return out;
}

const char *show_value(const cJSON *value, char out[SHOWN_SIZE])
{
	if (cJSON_IsString(value)) {
		out[0] = '"';
		size_t at = add_escaped(out, 1, value->valuestring);
		snprintf(out + at, SHOWN_SIZE - at, "\"");
	} else if (cJSON_IsNumber(value)) {
		for (int digits = 15; digits <= 17; digits++) {
			snprintf(out, SHOWN_SIZE, "%.*g", digits, value->valuedouble);
			if (strtod(out, NULL) == value->valuedouble)
				break;
		}
	} else if (cJSON_IsBool(value)) {
		snprintf(out, SHOWN_SIZE, "%s", cJSON_IsTrue(value) ? "true" : "false");
	} else {
		snprintf(out, SHOWN_SIZE, "%s",
			cJSON_IsArray(value)	? "an array"
			: cJSON_IsObject(value) ? "an object"
						: "null");
	}
	return out;
}

void show_list(const cJSON *values, struct buf *out)
{
	char shown[SHOWN_SIZE];
	int at = 0, count = cJSON_GetArraySize(values);
	const cJSON *value;

	cJSON_ArrayForEach(value, values)
	{
		if (at == SHOWN_VALUES && count > SHOWN_VALUES + 1) {
			buf_addf(out, " ... (%d in all, listed in schema.json)", count);
			return;
		}
		if (at > 0)
			buf_adds(out, at + 1 == count ? " or " : ", ");
		buf_adds(out, show_value(value, shown));
		at++;
	}
}
