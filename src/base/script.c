#include "kiefs/script.h"

#include <string.h>

#include "kiefs/buf.h"
#include "kiefs/percent.h"
#include "kiefs/utf8.h"

/* LINE SEPARATOR and PARAGRAPH SEPARATOR end a line in a script. */
static int separator(const char *character, size_t len)
{
	if (len != 3 || memcmp(character, "\xe2\x80", 2) != 0)
		return 0;
	return character[2] == '\xa8' ? 0x2028 : character[2] == '\xa9' ? 0x2029 : 0;
}

static void add_character(struct buf *out, const char *character, size_t len)
{
	unsigned char c = (unsigned char)*character;

	if (len == 0)
		buf_adds(out, "\\ufffd");
	else if (separator(character, len))
		buf_addf(out, "\\u%04x", separator(character, len));
	else if (c == '\n')
		buf_adds(out, "\\n");
	else if (c < 0x20 || c == 0x7f || strchr("\"\\<>&'", c))
		buf_addf(out, "\\u%04x", c);
	else
		buf_add(out, character, len);
}

int script_add_text(struct buf *out, const char *text, size_t len)
{
	buf_adds(out, "\"");
	for (size_t at = 0; at < len;) {
		size_t n = text[at] ? utf8_sequence(text + at, len - at) : 1;
		add_character(out, text + at, n);
		at += n ? n : 1;
	}
	return buf_adds(out, "\"");
}

int script_add_string(struct buf *out, const char *text)
{
	return text ? script_add_text(out, text, strlen(text)) : buf_adds(out, "null");
}

int script_add_number(struct buf *out, double value)
{
	return value < 0 ? buf_adds(out, "null") : buf_addf(out, "%.12g", value);
}

int script_add_address(struct buf *out, const char *path)
{
	buf_adds(out, "\"");
	percent_add(out, path, "/");
	return buf_adds(out, "\"");
}
