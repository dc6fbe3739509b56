#include "picture.h"

#include "words.h"

#include "kiefs/buf.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONG_SIDE 512
#define FONT "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
#define LINES_MAX 40
#define LINE_SIZE 256

struct text {
	char lines[LINES_MAX][LINE_SIZE];
	int count;
};

/* A pen writes at a size with the font file, or with gd's own letters when there is none. */
struct pen {
	gdImagePtr image;
	double points; /* 0: gd's own letters */
	int ink;
};

static int line_height(const struct pen *pen)
{
	return pen->points > 0 ? (int)(pen->points * 1.8) : gdFontGetLarge()->h + 2;
}

static int text_width(const struct pen *pen, const char *text)
{
	int box[8];
	/* gd takes a char * that it does not write to. */
	char copy[LINE_SIZE];

	if (pen->points <= 0)
		return (int)strlen(text) * gdFontGetLarge()->w;
	snprintf(copy, sizeof(copy), "%s", text);
	char font[] = FONT;
	if (gdImageStringFT(NULL, box, pen->ink, font, pen->points, 0, 0, 0, copy))
		return (int)strlen(text) * (int)pen->points;
	return box[2] - box[0];
}

static void write_line(const struct pen *pen, int x, int y, const char *text)
{
	char copy[LINE_SIZE];
	char font[] = FONT;

	snprintf(copy, sizeof(copy), "%s", text);
	if (pen->points > 0) {
		gdImageStringFT(pen->image, NULL, pen->ink, font, pen->points, 0, x,
			y + (int)(pen->points * 1.3), copy);
		return;
	}
	for (char *c = copy; *c; c++)
		*c = (unsigned char)*c < 0x80 ? *c : '?';
	gdImageString(pen->image, gdFontGetLarge(), x, y, (unsigned char *)copy, pen->ink);
}

/* The length of the word (or of one character of a word that is a line by itself) at `text`. */
static size_t next_piece(const char *text, bool by_character)
{
	size_t len = 1;

	if (!by_character)
		return strcspn(text, " \t\r\n");
	while (((unsigned char)text[len] & 0xc0) == 0x80)
		len++;
	return len;
}

/* Adds the piece to the last line, or to a new one when it does not fit. False: it is full. */
static bool add_piece(struct text *out, const struct pen *pen, int width, const char *piece,
	size_t len, bool spaced)
{
	char *line = out->lines[out->count - 1];
	char tried[LINE_SIZE * 2];

	if (len >= LINE_SIZE / 2)
		len = LINE_SIZE / 2;
	snprintf(tried, sizeof(tried), "%s%s%.*s", line, *line && spaced ? " " : "", (int)len,
		piece);
	if (strlen(tried) < LINE_SIZE && (!*line || text_width(pen, tried) <= width)) {
		strcpy(line, tried);
		return true;
	}
	if (out->count == LINES_MAX)
		return false;
	snprintf(out->lines[out->count++], LINE_SIZE, "%.*s", (int)len, piece);
	return true;
}

static void wrap(struct text *out, const struct pen *pen, int width, const char *text)
{
	out->count = 1;
	out->lines[0][0] = '\0';
	while (*text) {
		char word[LINE_SIZE];
		size_t len = next_piece(text, false);

		snprintf(word, sizeof(word), "%.*s", (int)len, text);
		/* A word wider than the picture, and text without spaces, break anywhere. */
		bool wide = len >= LINE_SIZE / 2 || text_width(pen, word) > width;
		const char *end = text + len;
		bool spaced = true;
		while (text < end) {
			size_t piece = wide ? next_piece(text, true) : len;

			if (!add_piece(out, pen, width, text, piece, spaced))
				return;
			text += piece;
			spaced = false;
		}
		text += strspn(text, " \t\r\n");
	}
}

static void draw_ground(gdImagePtr image, const struct words *words)
{
	int width = gdImageSX(image);
	int height = gdImageSY(image);
	int top[3];
	int bottom[3];

	for (int i = 0; i < 3; i++) {
		top[i] = 20 + (int)words_pick(words, (unsigned)i, 120);
		bottom[i] = 20 + (int)words_pick(words, 3 + (unsigned)i, 120);
	}
	for (int y = 0; y < height; y++) {
		int c[3];

		for (int i = 0; i < 3; i++)
			c[i] = top[i] + (bottom[i] - top[i]) * y / height;
		gdImageLine(image, 0, y, width - 1, y, gdTrueColor(c[0], c[1], c[2]));
	}
	for (unsigned i = 0; i < 5; i++) {
		int size = height / 6 + (int)words_pick(words, 10 + i, (unsigned)height / 3);
		int x = (int)words_pick(words, 20 + i, (unsigned)width);
		int y = (int)words_pick(words, 30 + i, (unsigned)height);

		gdImageFilledEllipse(image, x, y, size, size, gdTrueColorAlpha(255, 255, 255, 112));
	}
}

/* A size to begin with: large, or such that letters half as wide as high would fill the space. */
static double first_points(int width, int height, const char *words)
{
	double by_area = 0.9 * sqrt((double)width * height / (double)(strlen(words) + 1));

	return fmin(width / 13.0, fmax(by_area, 8));
}

/* The largest letters in which the words fill no more than the space. */
static void fit(struct text *text, struct pen *pen, int width, int height, const char *words)
{
	double smallest = pen->points > 0 ? 7 : 0;

	for (;;) {
		wrap(text, pen, width, words);
		if (text->count * line_height(pen) <= height || pen->points <= smallest)
			return;
		pen->points *= 0.85;
	}
}

gdImagePtr picture_draw(const struct words *words, int width, int height)
{
	gdImagePtr image = gdImageCreateTrueColor(width, height);
	struct text *text = malloc(sizeof(*text));
	char foot[160];

	if (!image || !text) {
		if (image)
			gdImageDestroy(image);
		free(text);
		return NULL;
	}
	draw_ground(image, words);
	bool has_font = access(FONT, R_OK) == 0;
	int margin = width / 20;
	struct pen small = {image, has_font ? 8 : 0, gdTrueColor(225, 225, 225)};
	struct pen pen = {image, 0, gdTrueColor(255, 255, 255)};
	int foot_height = line_height(&small);
	int space = height - foot_height - 2 * margin;
	if (has_font)
		pen.points = first_points(width - 2 * margin, space, words->text);
	fit(text, &pen, width - 2 * margin, space, words->text);
	int y = margin + (space - text->count * line_height(&pen)) / 2;
	if (y < margin)
		y = margin;
	for (int i = 0; i < text->count && y + line_height(&pen) <= height - foot_height; i++) {
		int x = (width - text_width(&pen, text->lines[i])) / 2;

		write_line(&pen, x > margin ? x : margin, y, text->lines[i]);
		y += line_height(&pen);
	}
	snprintf(foot, sizeof(foot), "%s  #%u", words->model_id, words->number + 1);
	write_line(&small, margin, height - foot_height - 2, foot);
	free(text);
	return image;
}

int picture_make(
	const struct words *words, enum format_id format, const cJSON *input, struct buf *out)
{
	int width;
	int height;
	int len = 0;
	void *bytes = NULL;

	format_size(input, LONG_SIDE, 8, &width, &height);
	gdImagePtr image = picture_draw(words, width, height);
	if (!image)
		return -ENOMEM;
	if (format == FORMAT_JPEG)
		bytes = gdImageJpegPtr(image, &len, 88);
	else if (format == FORMAT_WEBP)
		bytes = gdImageWebpPtrEx(image, &len, 85);
	else
		bytes = gdImagePngPtrEx(image, &len, 1);
	gdImageDestroy(image);
	int r = bytes ? buf_add(out, bytes, (size_t)len) : -ENOMEM;
	gdFree(bytes);
	return r;
}
