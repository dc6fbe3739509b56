#include "kiefs/findings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FINDINGS_MAX sentences of shown values and allowed lists stay far below this (bytes). */
#define TEXT_MAX (1u << 20)

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

__attribute__((format(printf, 4, 0))) static void add(
	struct buf *to, size_t *count, const char *reason, const char *format, va_list args)
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
	if (reason)
		buf_addf(to, " %s", reason);
	free(text);
}

int findings_form(struct findings *findings, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(&findings->faults, &findings->fault_count, NULL, format, args);
	va_end(args);
	return -EINVAL;
}

void findings_value(struct findings *findings, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (findings->warn_only || findings->soft)
		add(&findings->warnings, &findings->warning_count, findings->reason, format, args);
	else
		add(&findings->faults, &findings->fault_count, findings->reason, format, args);
	va_end(args);
}

void findings_warn(struct findings *findings, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(&findings->warnings, &findings->warning_count, NULL, format, args);
	va_end(args);
}

bool findings_warnings_full(const struct findings *findings)
{
	return findings->warning_count >= FINDINGS_MAX;
}

bool findings_values_full(const struct findings *findings)
{
	return findings->warn_only || findings->soft ? findings_warnings_full(findings)
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
