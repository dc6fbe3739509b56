#include "kiefs/findings.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* FINDINGS_MAX sentences of shown values and allowed lists stay far below this (bytes). */
#define TEXT_MAX (1u << 20)

/* Characters of a value that are shown, and values of a list. */
#define SHOWN_CHARACTERS 40
#define SHOWN_VALUES 12

void findings_init(struct findings *findings, bool warn_only)
{
	*findings = (struct findings){.warn_only = warn_only};
	buf_init(&findings->faults, TEXT_MAX);
	buf_init(&findings->warnings, TEXT_MAX);
}

void findings_finish(struct findings *findings)
{
	if (!findings)
		return;
	buf_finish(&findings->faults);
	buf_finish(&findings->warnings);
}

__attribute__((format(printf, 3, 0))) static void add(
	struct buf *to, size_t *count, const char *format, va_list args)
{
	char *text;

	if ((*count)++ >= FINDINGS_MAX)
		return;
	if (vasprintf(&text, format, args) < 0) {
		to->error = -ENOMEM;
		return;
	}
	if (to->len > 0)
		buf_adds(to, "\n");
	buf_adds(to, text);
	free(text);
}

int findings_form(struct findings *findings, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(&findings->faults, &findings->fault_count, format, args);
	va_end(args);
	return -EINVAL;
}

void findings_value(struct findings *findings, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (findings->warn_only)
		add(&findings->warnings, &findings->warning_count, format, args);
	else
		add(&findings->faults, &findings->fault_count, format, args);
	va_end(args);
}

void findings_warn(struct findings *findings, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(&findings->warnings, &findings->warning_count, format, args);
	va_end(args);
}

bool findings_warnings_full(const struct findings *findings)
{
	return findings->warning_count >= FINDINGS_MAX;
}

bool findings_values_full(const struct findings *findings)
{
	return findings->warn_only ? findings_warnings_full(findings)
				   : findings->fault_count >= FINDINGS_MAX;
}

static void end(struct buf *text, size_t count, const char *what)
{
	if (count > FINDINGS_MAX)
		buf_addf(text, "\nAnd %zu more %s.", count - FINDINGS_MAX, what);
}

int findings_end(struct findings *findings)
{
	end(&findings->faults, findings->fault_count, "faults");
	end(&findings->warnings, findings->warning_count, "warnings");
	return findings->faults.error ? findings->faults.error : findings->warnings.error;
}

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
