#include "bar.h"

#include <langinfo.h>
#include <string.h>
#include <wchar.h>

#include "kiefs/buf.h"

#define EIGHTHS 8

bool bar_has_blocks(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* One character of `text`: its bytes and columns. What cannot be shown is one "?". */
static size_t next(const char *text, mbstate_t *state, int *columns, bool *shown)
{
	wchar_t wide;
	size_t n = mbrtowc(&wide, text, strlen(text), state);

	*shown = n != (size_t)-1 && n != (size_t)-2 && wcwidth(wide) >= 0;
	*columns = *shown ? wcwidth(wide) : 1;
	if (n == (size_t)-1 || n == (size_t)-2) {
		*state = (mbstate_t){0};
		return 1;
	}
	return n;
}

static void add_blanks(struct buf *out, int count)
{
	if (count > 0)
		buf_addf(out, "%*s", count, "");
}

void column_add(struct buf *out, const char *text, int width, enum column column)
{
	mbstate_t state = {0};
	struct buf part;
	int used = 0, columns;
	bool shown;

	buf_init(&part, out->max);
	while (*text) {
		size_t n = next(text, &state, &columns, &shown);
		if (used + columns > width)
			break;
		buf_add(&part, shown ? text : "?", shown ? n : 1);
		used += columns;
		text += n;
	}
	if (column == COLUMN_RIGHT)
		add_blanks(out, width - used);
	buf_add(out, part.data ? part.data : "", part.len);
	if (column == COLUMN_LEFT)
		add_blanks(out, width - used);
	buf_finish(&part);
}

const char *column_tail(const char *text, int width)
{
	mbstate_t state = {0};
	int all = 0, columns;
	bool shown;

	for (const char *at = text; *at; all += columns)
		at += next(at, &state, &columns, &shown);
	state = (mbstate_t){0};
	for (; all > width; all -= columns)
		text += next(text, &state, &columns, &shown);
	return text;
}

static void add_blocks(struct buf *out, int percent, int width)
{
	static const char *const parts[EIGHTHS] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	int eighths = percent * width * EIGHTHS / 100;
	int whole = eighths / EIGHTHS, rest = eighths % EIGHTHS;

	for (int i = 0; i < whole; i++)
		buf_adds(out, "█");
	buf_adds(out, parts[rest]);
	for (int i = whole + (rest > 0); i < width; i++)
		buf_adds(out, "░");
}

void bar_add(struct buf *out, int percent, int width, bool blocks)
{
	if (percent > 100)
		percent = 100;
	if (percent < 0) {
		for (int i = 0; i < width; i++)
			buf_adds(out, blocks ? "·" : ".");
		return;
	}
	if (blocks) {
		add_blocks(out, percent, width);
		return;
	}
	for (int i = 0; i < width; i++)
		buf_adds(out, i < percent * width / 100 ? "#" : "-");
}
