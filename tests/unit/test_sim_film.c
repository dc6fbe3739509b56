#include "film.h"
#include "h264.h"
#include "picture.h"
#include "sound.h"
#include "words.h"

#include "kiefs/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct words words = {.text = "a kite", .model_id = "z-image", .seed = 5};

static uint64_t big_endian(const char *at, int bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < bytes; i++)
		value = value << 8 | (unsigned char)at[i];
	return value;
}

/* The boxes of the file follow one on the other, up to `size`. */
static void check_boxes(const struct buf *film, uint64_t size, const char *const *types)
{
	uint64_t at = 0;

	for (; *types; types++) {
		assert_true(at + 16 <= film->len);
		const char *box = film->data + at;
		uint64_t len = big_endian(box, 4);

		assert_memory_equal(box + 4, *types, 4);
		at += len == 1 ? big_endian(box + 8, 8) : len;
	}
	assert_true(at == size);
}

static void test_boxes(void **state)
{
	static const char *const plain[] = {"ftyp", "moov", "mdat", NULL};
	static const char *const padded[] = {"ftyp", "moov", "mdat", "free", NULL};
	struct buf film;

	buf_init(&film, 1 << 26);
	assert_int_equal(film_make(&words, FORMAT_MP4, NULL, 0, &film), 0);
	check_boxes(&film, film.len, plain);
	buf_clear(&film);
	assert_int_equal(film_make(&words, FORMAT_MOV, NULL, (uint64_t)5 << 30, &film), 0);
	check_boxes(&film, (uint64_t)5 << 30, padded);
	buf_finish(&film);
}

/* ITU-T H.264, 7.4.1: no NAL unit holds a start code. */
static void test_no_start_code_inside(void **state)
{
	struct h264_frame frame;
	struct buf nal;

	assert_int_equal(h264_frame_init(&frame, 320, 176), 0);
	memset(frame.y, 16, 320 * 176 * 3 / 2);
	buf_init(&nal, 1 << 20);
	for (unsigned number = 0; number < 40; number++) {
		buf_clear(&nal);
		assert_int_equal(h264_add_slice(&nal, &frame, number ? &frame : NULL, number), 0);
		for (size_t i = 2; i < nal.len; i++)
			assert_false(nal.data[i - 2] == 0 && nal.data[i - 1] == 0 &&
				     (unsigned char)nal.data[i] < 3);
	}
	/* A picture that repeats the one before is a few bytes. */
	assert_true(nal.len < 16);
	buf_finish(&nal);
	h264_frame_finish(&frame);
}

static void test_results_follow_from_the_words(void **state)
{
	struct words other = words;
	struct buf a;
	struct buf b;

	buf_init(&a, 1 << 24);
	buf_init(&b, 1 << 24);
	assert_int_equal(picture_make(&words, FORMAT_PNG, NULL, &a), 0);
	assert_int_equal(picture_make(&words, FORMAT_PNG, NULL, &b), 0);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	buf_clear(&b);
	other.seed++;
	assert_int_equal(picture_make(&other, FORMAT_PNG, NULL, &b), 0);
	assert_true(a.len != b.len || memcmp(a.data, b.data, a.len) != 0);
	buf_finish(&a);
	buf_finish(&b);
}

static void test_sound(void **state)
{
	struct buf out;

	buf_init(&out, 1 << 24);
	assert_int_equal(sound_make_wav(&words, &out), 0);
	assert_int_equal(out.len, 44 + 2 * 2 * 44100);
	buf_clear(&out);
	assert_int_equal(sound_make_mp3(&words, &out), 0);
	assert_true(out.len > 8000);
	assert_int_equal((unsigned char)out.data[0], 0xff);
	buf_finish(&out);
}

/* Text without a space, without letters, of any length. */
static void test_any_text_can_be_drawn(void **state)
{
	static char lengthy[20001];
	static const char *const texts[] = {"", " ", "\n\n", "\xc3\xa9", "%s%n", lengthy};
	struct words given = {.model_id = "m"};

	memset(lengthy, 'm', sizeof(lengthy) - 1);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		given.text = texts[i];
		gdImagePtr image = picture_draw(&given, 64, 512);
		assert_non_null(image);
		gdImageDestroy(image);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boxes),
		cmocka_unit_test(test_no_start_code_inside),
		cmocka_unit_test(test_results_follow_from_the_words),
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_any_text_can_be_drawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
