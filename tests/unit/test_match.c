/* What a search means, over the built-in catalogue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "kiefs/match.h"

static void test_words(void **state)
{
	static const struct {
		const char *model, *words;
		bool meant;
	} cases[] = {
		{"google/nano-banana", "nano", true},
		{"google/nano-banana", "BANANA Nano", true},
		{"google/nano-banana", "nano,banana", true},
		{"google/nano-banana", "google+nano-banana", true},
		{"google/nano-banana", "  nano\t", true},
		{"google/nano-banana", "nano video", false},
		{"google/nano-banana", "", false},
		{"google/nano-banana", " ,+", false},
		{"google/nano-banana", "google", true}, /* provider and id */
		{"z-image", "image", true},		/* category, too */
		{"topaz/video-upscale", "video_url", true},
		{"topaz/image-upscale", "video_url", false},
		{"elevenlabs/text-to-dialogue-v3", "voice", true}, /* a field of a field */
		{"sora-2-text-to-video", "sora", false},
		{"sora-2-text-to-video", "sora retired", true},
		{"sora-2-text-to-video", "RETIRED", true},
		{"z-image", "retired", false},
		{"z-image", "picture", true},
		{"z-image", "Photos", true},
		{"z-image", "film", false},
		{"topaz/video-upscale", "films upscale", true},
		{"topaz/video-upscale", "filmx", false},
		{"elevenlabs/text-to-dialogue-v3", "sound", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct model *model = catalogue_find(catalogue, cases[i].model);
		assert_non_null(model);
		if (match_model(model, cases[i].words) != cases[i].meant)
			fail_msg("%s, \"%s\"", cases[i].model, cases[i].words);
	}
}

static void test_any(void **state)
{
	assert_true(match_any(catalogue, "kling"));
	assert_false(match_any(catalogue, "klingg"));
	assert_false(match_any(catalogue, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_any),
	};

	return cmocka_run_group_tests(tests, builtin_load, builtin_free);
}
