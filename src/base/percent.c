#include "kiefs/percent.h"

#include <stdbool.h>
#include <string.h>

#include "kiefs/buf.h"

int percent_add(struct buf *out, const char *text, const char *keep)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			     (*c >= '0' && *c <= '9') || strchr("-._~", *c) || strchr(keep, *c);
		if (plain)
			buf_add(out, c, 1);
		else
			buf_addf(out, "%%%02X", *c);
	}
	return out->error;
}
