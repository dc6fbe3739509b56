#include "kiefs/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int error_set(struct error *err, int code, const char *format, ...)
{
	va_list args;
	char *text = NULL;

	if (!err)
		return code;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	free(err->text);
	err->text = text;
	err->code = code;
	return code;
}

int error_add(struct error *err, int code, const char *format, ...)
{
	va_list args;
	char *text = NULL, *both = NULL;

	if (!err)
		return code;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (err->code == 0)
		err->code = code;
	if (!err->text) {
		err->text = text;
	} else if (text && asprintf(&both, "%s\n%s", err->text, text) >= 0) {
		free(err->text);
		free(text);
		err->text = both;
	} else {
		free(text);
	}
	return err->code;
}

const char *error_text(const struct error *err)
{
	if (err->text)
		return err->text;
	return err->code ? strerror(-err->code) : "";
}

void error_finish(struct error *err)
{
	if (!err)
		return;
	free(err->text);
	*err = (struct error){0};
}
