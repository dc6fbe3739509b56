/* Prices at the request's own parameters, from the built-in catalogue and from a made-up file. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/catalogue.h"
#include "kiefs/error.h"
#include "kiefs/price.h"

/* `want` is in credits; a negative one means that the catalogue cannot tell. */
static const struct {
	const char *model, *input;
	double want;
} cases[] = {
	/* A picture, one price. */
	{"z-image", "{\"prompt\":\"a\",\"aspect_ratio\":\"1:1\"}", 0.8},
	{"google/nano-banana", "{\"prompt\":\"a\"}", 4},
	{"recraft/remove-background", "{\"image\":\"https://e.x/a.png\"}", 1},
	{"qwen2/text-to-image", "{\"prompt\":\"a\"}", 6},
	{"grok-imagine-image-2-0/segment-map", "{\"task_id\":\"a\"}", 0},
	/* A picture, by a parameter or its default. */
	{"nano-banana-2", "{\"prompt\":\"a\"}", 8},
	{"nano-banana-2", "{\"prompt\":\"a\",\"resolution\":\"4K\"}", 18},
	{"nano-banana-pro", "{\"prompt\":\"a\",\"resolution\":\"2K\"}", 18},
	{"flux-2/flex-text-to-image", "{\"prompt\":\"a\",\"resolution\":\"2K\"}", 24},
	{"gpt-image-2-text-to-image", "{\"prompt\":\"a\"}", 6},
	{"gpt-image-2-text-to-image", "{\"prompt\":\"a\",\"resolution\":\"4K\"}", 16},
	{"gpt-image-2-text-to-image", "{\"prompt\":\"a\",\"resolution\":\"9K\"}", -1},
	{"grok-imagine/text-to-image", "{\"prompt\":\"a\",\"aspect_ratio\":\"3:2\"}", 4},
	{"grok-imagine/text-to-image", "{\"prompt\":\"a\",\"enable_pro\":true}", 5},
	/* Several pictures: a number, a string that spells one, a default, nothing. */
	{"wan/2-7-image", "{\"prompt\":\"a\",\"n\":1}", 4.8},
	{"wan/2-7-image", "{\"prompt\":\"a\",\"n\":3}", 14.4},
	{"wan/2-7-image-pro", "{\"prompt\":\"a\"}", 48},
	{"ideogram/character", "{\"prompt\":\"a\",\"num_images\":\"2\"}", 36},
	{"ideogram/character", "{\"prompt\":\"a\",\"rendering_speed\":\"TURBO\"}", 12},
	{"ideogram/v3-remix", "{\"prompt\":\"a\"}", 7},
	{"ideogram/v3-remix",
		"{\"prompt\":\"a\",\"num_images\":\"4\",\"rendering_speed\":\"QUALITY\"}", 40},
	{"bytedance/seedream-v4-text-to-image", "{\"prompt\":\"a\",\"max_images\":6}", 30},
	/* Pictures that are put in. */
	{"qwen3/image-to-image", "{\"image_urls\":[\"a\"]}", 5.3},
	{"qwen3/image-to-image", "{\"image_urls\":[\"a\",\"b\",\"c\"]}", 6.3},
	{"qwen3/pro-image-to-image", "{\"image_urls\":[\"a\",\"b\"],\"resolution\":\"2K\"}", 13},
	{"seedream/5-pro-image-to-image", "{\"image_urls\":[\"a\"],\"quality\":\"basic\"}", 7},
	{"seedream/5-pro-image-to-image",
		"{\"image_urls\":[\"a\",\"b\",\"c\"],\"quality\":\"high\"}", 15},
	/* Seconds of a film: number, string, default, the model's own choice. */
	{"bytedance/seedance-2", "{\"prompt\":\"a\"}", 205},
	{"bytedance/seedance-2", "{\"prompt\":\"a\",\"duration\":4,\"resolution\":\"480p\"}", 76},
	{"bytedance/seedance-2", "{\"reference_video_urls\":[\"a\"]}", -1},
	{"bytedance/seedance-2", "{\"prompt\":\"a\",\"reference_video_urls\":[]}", 205},
	{"bytedance/seedance-2-5", "{\"prompt\":\"a\",\"duration\":-1}", -1},
	{"bytedance/v1-lite-text-to-video",
		"{\"prompt\":\"a\",\"duration\":\"10\",\"resolution\":\"1080p\"}", 100},
	{"grok-imagine/text-to-video", "{\"prompt\":\"a\",\"duration\":\"6\"}", 14.4},
	{"grok-imagine/text-to-video", "{\"prompt\":\"a\",\"duration\":6}", 14.4},
	{"grok-imagine/text-to-video", "{\"prompt\":\"a\"}", -1},
	{"kling-3.0/video", "{\"prompt\":\"a\",\"mode\":\"4K\",\"duration\":\"3\"}", 201},
	{"kling-3.0/video", "{\"prompt\":\"a\",\"sound\":true}", 135},
	{"kling-3.0-omni/image-to-video", "{\"prompt\":\"a\"}", 70},
	{"kling-3.0-omni/image-to-video", "{\"prompt\":\"a\",\"audio\":true}", 90},
	{"wan/2-7-videoedit", "{\"video_url\":\"a\"}", -1},
	{"wan/2-7-videoedit", "{\"video_url\":\"a\",\"duration\":5}", 120},
	{"wan/3-0-video", "{\"prompt\":\"a\"}", 160},
	{"wan/3-0-video", "{\"prompt\":\"a\",\"reference_video_urls\":[\"a\"]}", -1},
	/* Seconds that only the service knows. */
	{"kling/ai-avatar-pro", "{\"prompt\":\"a\"}", -1},
	{"topaz/video-upscale", "{\"video_url\":\"a\"}", -1},
	/* A film at a fixed price. */
	{"kling/v2-1-pro", "{\"prompt\":\"a\"}", 50},
	{"kling/v2-1-pro", "{\"prompt\":\"a\",\"duration\":\"10\"}", 100},
	{"kling/v2-1-pro", "{\"prompt\":\"a\",\"duration\":10}", 100},
	{"hailuo/2-3-image-to-video-pro", "{\"duration\":\"10\",\"resolution\":\"1080P\"}", -1},
	{"gemini-omni-video", "{\"duration\":\"4\",\"resolution\":\"4k\"}", 70},
	{"gemini-omni-video",
		"{\"duration\":\"4\",\"resolution\":\"720p\",\"video_list\":[{\"url\":\"a\"}]}",
		80},
	{"google/gemini-omni-flash-1-1", "{\"duration\":\"6\",\"resolution\":\"1080p\"}", 84},
	{"google/gemini-omni-flash-1-1", "{\"duration\":\"6\",\"resolution\":\"4k\"}", -1},
	{"grok-imagine/extend", "{\"extend_times\":\"10\"}", 45},
	/* Characters, counted as such and not as bytes. */
	{"elevenlabs/text-to-speech-turbo-2-5", "{\"text\":\"0123456789\"}", 0.06},
	{"elevenlabs/text-to-speech-turbo-2-5",
		"{\"text\":"
		"\"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc-\"}",
		0.06},
	{"elevenlabs/text-to-dialogue-v3",
		"{\"dialogue\":[{\"text\":\"01234\",\"voice\":\"a\"},{\"text\":\"56789\"}]}", 0.14},
	/* Sound by the second; tokens; nothing known. */
	{"elevenlabs/sound-effect-v2", "{\"text\":\"a\",\"duration_seconds\":3}", 0.72},
	{"elevenlabs/sound-effect-v2", "{\"text\":\"a\"}", -1},
	{"elevenlabs/audio-isolation", "{\"audio_url\":\"a\"}", -1},
	{"google/gemini-3-8-flash-tts", "{\"speakers\":[]}", -1},
	{"4o-image-api", "{\"size\":\"1:1\"}", -1},
	{"topaz/image-upscale", "{\"image_url\":\"a\",\"upscale_factor\":\"2\"}", -1},
};

static void test_price_follows_the_parameters(void **state)
{
	struct catalogue *catalogue = NULL;
	struct error err = {0};

	if (catalogue_load(NULL, NULL, 0, &catalogue, &err) < 0)
		fail_msg("%s", error_text(&err));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct model *model = catalogue_find(catalogue, cases[i].model);
		assert_non_null(model);
		cJSON *input = cJSON_Parse(cases[i].input);
		assert_non_null(input);
		double credits = -7;
		int r = price_of(model, input, &credits);
		if (cases[i].want < 0 ? r != -ENODATA || credits != -7
				      : r != 0 || fabs(credits - cases[i].want) > 1e-6)
			fail_msg("%s %s: %d, %g, not %g", cases[i].model, cases[i].input, r,
				credits, cases[i].want);
		cJSON_Delete(input);
	}
	catalogue_destroy(catalogue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_price_follows_the_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
