/* First bytes, Content-Type and kind of output to a type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/content.h"

#define BYTES(text) text, sizeof(text) - 1

static const struct {
	const char *head;
	size_t len;
	const char *type, *output, *extension, *mime;
} cases[] = {
	{BYTES("\x89PNG\r\n\x1a\n\0\0"), "image/jpeg", "video", "png", "image/png"},
	{BYTES("\xff\xd8\xff\xe0\0\x10JFIF"), NULL, NULL, "jpg", "image/jpeg"},
	{BYTES("RIFF\x10\0\0\0WEBPVP8 "), "image/png", NULL, "webp", "image/webp"},
	{BYTES("RIFF\x10\0\0\0WAVEfmt "), NULL, NULL, "wav", "audio/wav"},
	{BYTES("RIFF\x10\0\0\0AVI LIST"), NULL, NULL, "avi", "video/x-msvideo"},
	{BYTES("RIFF\x10\0\0\0"), "audio/x-wav", NULL, "wav", "audio/wav"},
	{BYTES("GIF89a\1\0"), NULL, NULL, "gif", "image/gif"},
	{BYTES("BM\x46\0\0\0\0\0\0\0\x36\0\0\0"), NULL, NULL, "bmp", "image/bmp"},
	{BYTES("BMW is a maker of cars"), NULL, NULL, "txt", "text/plain"},
	{BYTES("II*\0\x08\0"), NULL, NULL, "tiff", "image/tiff"},
	{BYTES("MM\0*\0\0"), NULL, NULL, "tiff", "image/tiff"},
	{BYTES("\0\0\0\x1c"
	       "ftypavif\0\0\0\0"),
		NULL, NULL, "avif", "image/avif"},
	{BYTES("\0\0\0\x1c"
	       "ftypmif1\0\0\0\0mif1avif"),
		NULL, NULL, "avif", "image/avif"},
	{BYTES("\0\0\0\x18"
	       "ftypheic\0\0\0\0mif1"),
		NULL, NULL, "heic", "image/heic"},
	{BYTES("\0\0\0\x18"
	       "ftypisom\0\0\0\0avif"),
		NULL, NULL, "mp4", "video/mp4"},
	{BYTES("\0\0\0\x14"
	       "ftypM4A \0\0\0\0"),
		NULL, NULL, "m4a", "audio/mp4"},
	{BYTES("\0\0\0\x14"
	       "ftypqt  \0\0\0\0"),
		NULL, NULL, "mov", "video/quicktime"},
	{BYTES("\x1a\x45\xdf\xa3\x9f\x42\x86\x81\1\x42\x82\x84webm"), NULL, NULL, "webm",
		"video/webm"},
	{BYTES("\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska"), NULL, NULL, "mkv", "video/x-matroska"},
	{BYTES("ID3\4\0\0"), NULL, NULL, "mp3", "audio/mpeg"},
	{BYTES("\xff\xfb\x90\x64"), NULL, NULL, "mp3", "audio/mpeg"},
	{BYTES("\xff\xf1\x50\x80"), NULL, NULL, "aac", "audio/aac"},
	{BYTES("\xff\xff\xff\xff"), NULL, NULL, "bin", "application/octet-stream"},
	{BYTES("OggS\0\2"), NULL, NULL, "ogg", "audio/ogg"},
	{BYTES("fLaC\0\0"), NULL, NULL, "flac", "audio/flac"},
	{BYTES("MThd\0\0\0\6"), NULL, NULL, "mid", "audio/midi"},
	{BYTES("PK\3\4"), NULL, NULL, "zip", "application/zip"},
	{BYTES("%PDF-1.7"), NULL, NULL, "pdf", "application/pdf"},
	{BYTES("<svg xmlns=\"http://www.w3.org/2000/svg\">"), NULL, NULL, "svg", "image/svg+xml"},
	{BYTES("<?xml version=\"1.0\"?>\n<!-- x -->\n<svg/>"), NULL, NULL, "svg", "image/svg+xml"},
	{BYTES("<!DOCTYPE html><html>"), "image/png", "image", "html", "text/html"},
	{BYTES("\xef\xbb\xbf  {\"a\": 1}"), NULL, NULL, "json", "application/json"},
	{BYTES("[\n {\"a\":1}]"), NULL, NULL, "json", "application/json"},
	{BYTES("[Verse 1]\nLa la"), NULL, "text", "txt", "text/plain"},
	{BYTES("{curly} words"), NULL, NULL, "txt", "text/plain"},
	{BYTES("Gr\xc3\xbc\xc3\x9f"
	       "e\n"),
		"application/octet-stream", NULL, "txt", "text/plain"},
	{BYTES("Gr\xfc\xdf\n"), "image/webp; q=1", "text", "webp", "image/webp"},
	{BYTES("\1\2\3\4"), "IMAGE/JPG", NULL, "jpg", "image/jpeg"},
	{BYTES("\1\2\3\4"), "audio/x-m4a;codecs=x", NULL, "m4a", "audio/mp4"},
	{BYTES("\1\2\3\4"), "application/octet-stream", "video", "mp4", "video/mp4"},
	{BYTES("\1\2\3\4"), "application/x-unheard-of", "audio", "mp3", "audio/mpeg"},
	{BYTES("\1\2\3\4"), "", "sculpture", "bin", "application/octet-stream"},
	{BYTES("\1\2\3\4"), NULL, NULL, "bin", "application/octet-stream"},
	{BYTES(""), "image/png", NULL, "png", "image/png"},
	{BYTES(""), NULL, NULL, "bin", "application/octet-stream"},
};

static void test_table(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* On the heap, exactly as long: reading past the end is seen. */
		char *head = malloc(cases[i].len ? cases[i].len : 1);
		struct content got;

		assert_non_null(head);
		memcpy(head, cases[i].head, cases[i].len);
		content_identify(head, cases[i].len, cases[i].type, cases[i].output, &got);
		free(head);
		if (strcmp(got.extension, cases[i].extension) != 0 ||
			strcmp(got.mime, cases[i].mime) != 0)
			fail_msg("case %zu: %s, %s", i, got.extension, got.mime);
	}
}

static void test_every_prefix_is_safe(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t len = 0; len <= cases[i].len; len++) {
			char *head = malloc(len ? len : 1);
			struct content got;

			assert_non_null(head);
			memcpy(head, cases[i].head, len);
			content_identify(head, len, NULL, NULL, &got);
			free(head);
			assert_non_null(got.mime);
		}
	}
}

static void test_text_cut_inside_a_character(void **state)
{
	char head[CONTENT_HEAD];
	struct content got;

	memset(head, 'a', sizeof(head));
	head[sizeof(head) - 2] = (char)0xe2;
	head[sizeof(head) - 1] = (char)0x82;
	content_identify(head, sizeof(head), NULL, NULL, &got);
	assert_string_equal(got.extension, "txt");
	content_identify(head, sizeof(head) - 1, NULL, NULL, &got);
	assert_string_equal(got.extension, "bin");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_every_prefix_is_safe),
		cmocka_unit_test(test_text_cut_inside_a_character),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
