/* First bytes to a type. One table of marks, a few containers that need a second look. */
#include "kiefs/content.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "kiefs/utf8.h"

static const struct content types[] = {
	{"png", "image/png"},
	{"jpg", "image/jpeg"},
	{"webp", "image/webp"},
	{"gif", "image/gif"},
	{"bmp", "image/bmp"},
	{"tiff", "image/tiff"},
	{"avif", "image/avif"},
	{"heic", "image/heic"},
	{"svg", "image/svg+xml"},
	{"mp4", "video/mp4"},
	{"mov", "video/quicktime"},
	{"webm", "video/webm"},
	{"mkv", "video/x-matroska"},
	{"avi", "video/x-msvideo"},
	{"mp3", "audio/mpeg"},
	{"wav", "audio/wav"},
	{"ogg", "audio/ogg"},
	{"flac", "audio/flac"},
	{"m4a", "audio/mp4"},
	{"aac", "audio/aac"},
	{"mid", "audio/midi"},
	{"zip", "application/zip"},
	{"pdf", "application/pdf"},
	{"json", "application/json"},
	{"html", "text/html"},
	{"txt", "text/plain"},
	{"bin", "application/octet-stream"},
};
#define TYPES (sizeof(types) / sizeof(types[0]))

/* Other spellings of a Content-Type. */
static const struct {
	const char *mime, *extension;
} also[] = {
	{"image/jpg", "jpg"},
	{"image/heif", "heic"},
	{"image/x-ms-bmp", "bmp"},
	{"audio/mp3", "mp3"},
	{"audio/x-wav", "wav"},
	{"audio/wave", "wav"},
	{"audio/vnd.wave", "wav"},
	{"audio/x-flac", "flac"},
	{"audio/x-m4a", "m4a"},
	{"audio/m4a", "m4a"},
	{"audio/x-midi", "mid"},
	{"audio/mid", "mid"},
	{"audio/opus", "ogg"},
	{"application/ogg", "ogg"},
	{"video/x-m4v", "mp4"},
	{"video/avi", "avi"},
	{"application/x-zip-compressed", "zip"},
	{"text/json", "json"},
};

static const struct {
	const char *output, *extension;
} outputs[] = {
	{"image", "png"},
	{"video", "mp4"},
	{"audio", "mp3"},
	{"text", "txt"},
	{"json", "json"},
};

static const struct {
	size_t offset, len;
	const char *bytes, *extension;
} marks[] = {
	{0, 8, "\x89PNG\r\n\x1a\n", "png"},
	{0, 3, "\xff\xd8\xff", "jpg"},
	{0, 6, "GIF87a", "gif"},
	{0, 6, "GIF89a", "gif"},
	{0, 4, "II*\0", "tiff"},
	{0, 4, "MM\0*", "tiff"},
	{0, 3, "ID3", "mp3"},
	{0, 4, "OggS", "ogg"},
	{0, 4, "fLaC", "flac"},
	{0, 4, "MThd", "mid"},
	{0, 4, "PK\3\4", "zip"},
	{0, 4, "PK\5\6", "zip"},
	{0, 5, "%PDF-", "pdf"},
};

/* RIFF and ISO files name their kind at byte 8. */
static const struct {
	const char *brand, *extension;
} riffs[] = {{"WEBP", "webp"}, {"WAVE", "wav"}, {"AVI ", "avi"}};

static const struct {
	const char *brand, *extension;
} brands[] = {
	{"avif", "avif"},
	{"avis", "avif"},
	{"heic", "heic"},
	{"heix", "heic"},
	{"hevc", "heic"},
	{"mif1", "heic"},
	{"msf1", "heic"},
	{"M4A ", "m4a"},
	{"M4B ", "m4a"},
	{"qt  ", "mov"},
};

static const struct content *by_extension(const char *extension)
{
	for (size_t i = 0; i < TYPES; i++) {
		if (strcmp(types[i].extension, extension) == 0)
			return &types[i];
	}
	return NULL;
}

static bool stands_at(const unsigned char *head, size_t len, size_t offset, const char *bytes)
{
	return len >= offset + 4 && memcmp(head + offset, bytes, 4) == 0;
}

/* A HEIF picture may say "mif1" first and "avif" among its further brands. */
static const char *iso_kind(const unsigned char *head, size_t len)
{
	size_t box = (size_t)head[2] << 8 | head[3];
	const char *kind = "mp4";

	for (size_t i = 0; i < sizeof(brands) / sizeof(brands[0]); i++) {
		if (memcmp(head + 8, brands[i].brand, 4) == 0)
			kind = brands[i].extension;
	}
	for (size_t at = 16; strcmp(kind, "heic") == 0 && at + 4 <= len && at + 4 <= box; at += 4) {
		if (memcmp(head + at, "avif", 4) == 0)
			kind = "avif";
	}
	return kind;
}

static const char *matroska_kind(const unsigned char *head, size_t len)
{
	return memmem(head, len < 64 ? len : 64, "webm", 4) ? "webm" : "mkv";
}

/* MPEG audio frame or ADTS: eleven set bits are little, so the header's other fields must be
 * legal too. */
static const char *frame_kind(const unsigned char *head, size_t len)
{
	if (len < 4 || head[0] != 0xff || (head[1] & 0xe0) != 0xe0)
		return NULL;
	if ((head[1] & 0xf6) == 0xf0)
		return "aac";
	bool legal = (head[1] & 0x18) != 0x08 && (head[1] & 0x06) != 0 &&
		     (head[2] & 0xf0) != 0xf0 && (head[2] & 0x0c) != 0x0c;
	return legal ? "mp3" : NULL;
}

static const char *binary_kind(const unsigned char *head, size_t len)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (len >= marks[i].offset + marks[i].len &&
			memcmp(head + marks[i].offset, marks[i].bytes, marks[i].len) == 0)
			return marks[i].extension;
	}
	if (stands_at(head, len, 0, "RIFF")) {
		for (size_t i = 0; i < sizeof(riffs) / sizeof(riffs[0]); i++) {
			if (stands_at(head, len, 8, riffs[i].brand))
				return riffs[i].extension;
		}
	}
	if (stands_at(head, len, 4, "ftyp") && len >= 12)
		return iso_kind(head, len);
	if (stands_at(head, len, 4, "moov") || stands_at(head, len, 4, "wide"))
		return "mov";
	if (stands_at(head, len, 0, "\x1a\x45\xdf\xa3"))
		return matroska_kind(head, len);
	/* The size in a BMP's header is the file's: no text has four zero bytes there. */
	if (len >= 14 && memcmp(head, "BM", 2) == 0 && memcmp(head + 6, "\0\0\0\0", 4) == 0)
		return "bmp";
	return frame_kind(head, len);
}

/* The last character may be cut off by the end of the head. */
static bool is_text(const unsigned char *head, size_t len)
{
	size_t end = len;

	for (size_t i = 0; i < len; i++) {
		if (head[i] < 0x20 && head[i] != '\t' && head[i] != '\n' && head[i] != '\r' &&
			head[i] != '\f')
			return false;
	}
	for (int back = 0; back < 4; back++, end--) {
		if (utf8_is_valid((const char *)head, end))
			return true;
		if (len < CONTENT_HEAD || end == 0)
			break;
	}
	return false;
}

static bool begins(const char *text, size_t len, const char *word)
{
	return len >= strlen(word) && strncasecmp(text, word, strlen(word)) == 0;
}

/* A song's words may begin with "[Verse]". */
static bool looks_like_json(const char *text, size_t len)
{
	size_t at = 1;

	if (len < 2 || (*text != '{' && *text != '['))
		return false;
	while (at < len && isspace((unsigned char)text[at]))
		at++;
	return at < len && strchr(*text == '{' ? "\"}" : "\"{[]-0123456789", text[at]);
}

static const char *text_kind(const char *text, size_t len)
{
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	while (len > 0 && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	if (begins(text, len, "<!doctype html") || begins(text, len, "<html"))
		return "html";
	if (begins(text, len, "<svg") ||
		((begins(text, len, "<?xml") || begins(text, len, "<!--") ||
			 begins(text, len, "<!doctype svg")) &&
			memmem(text, len, "<svg", 4)))
		return "svg";
	return looks_like_json(text, len) ? "json" : "txt";
}

/* application/octet-stream and the like tell nothing. */
static const struct content *by_type(const char *type)
{
	size_t len = type ? strcspn(type, "; \t") : 0;

	for (size_t i = 0; len && i < TYPES; i++) {
		if (strlen(types[i].mime) == len && strncasecmp(types[i].mime, type, len) == 0)
			return strcmp(types[i].extension, "bin") == 0 ? NULL : &types[i];
	}
	for (size_t i = 0; len && i < sizeof(also) / sizeof(also[0]); i++) {
		if (strlen(also[i].mime) == len && strncasecmp(also[i].mime, type, len) == 0)
			return by_extension(also[i].extension);
	}
	return NULL;
}

static const struct content *by_output(const char *output)
{
	for (size_t i = 0; output && i < sizeof(outputs) / sizeof(outputs[0]); i++) {
		if (strcmp(outputs[i].output, output) == 0)
			return by_extension(outputs[i].extension);
	}
	return by_extension("bin");
}

void content_identify(
	const void *head, size_t len, const char *type, const char *output, struct content *out)
{
	const char *kind = binary_kind(head, len);
	const struct content *found;

	if (!kind && len > 0 && is_text(head, len))
		kind = text_kind(head, len);
	found = kind ? by_extension(kind) : by_type(type);
	*out = found ? *found : *by_output(output);
}
