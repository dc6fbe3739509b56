"""Rules between the fields of a request: refused on the spot with both fields named, as schema.json says too."""

import json
import os

import jsonschema

from mount import *

URL = "https://example.com/a.png"
TURN = {"speaker_id": "Speaker 1", "text": "Hello."}
SPEAKER = {"speaker_id": "Speaker 1", "voice_name": "Puck", "accent": "Neutral"}

# name, model, request, words of the error file (None: accepted), whether a schema can say it
ROWS = [
    ("required_when", "gpt-image-2-text-to-image", {"prompt": "x", "resolution": "2K"},
     ["aspect_ratio", "resolution", '"2K"'], True),
    ("limit", "gpt-image-2-text-to-image", {"prompt": "x", "resolution": "4K", "aspect_ratio": "1:1"},
     ["aspect_ratio", '"1:1"', "resolution", '"4K"'], True),
    ("limit_kept", "gpt-image-2-text-to-image", {"prompt": "x", "resolution": "4K", "aspect_ratio": "16:9"}, None, True),
    ("only_when", "volcengine/video-to-video-lip-sync",
     {"mode": "lite", "video_url": URL, "audio_url": URL, "open_scenedet": True},
     ["open_scenedet", "mode", '"basic"', '"lite"'], True),
    ("only_when_idle", "volcengine/video-to-video-lip-sync",
     {"mode": "lite", "video_url": URL, "audio_url": URL, "open_scenedet": False}, None, True),
    ("only_given", "bytedance/seedance-2-5", {"prompt": "xxx", "last_frame_url": URL},
     ["last_frame_url", "first_frame_url", "not given"], True),
    ("items", "qwen2-1/image-to-image", {"prompt": "x", "image_urls": [URL, URL], "mask_url": URL},
     ["image_urls", "2 elements", "at most 1", "mask_url"], True),
    ("length", "hailuo/2-3-image-to-video-pro",
     {"prompt": "x", "image_url": URL, "duration": "10", "resolution": "1080P"},
     ["duration", '"10"', "resolution", '"1080P"'], True),
    ("default_counts", "hailuo/2-3-image-to-video-pro", {"prompt": "x", "image_url": URL, "duration": "10"}, None, True),
    ("either_or", "wan/3-0-video", {"first_frame_url": URL, "reference_image_urls": [URL]},
     ["first_frame_url", "reference_image_urls", "do not go together"], True),
    ("any_needs_more", "kling-3.0-omni/reference-to-video", {"prompt": "x", "video_urls": [URL]},
     ["audio is missing", "aspect_ratio is missing", "video_urls"], True),
    ("multi_shots", "kling-3.0/video",
     {"sound": False, "duration": "5", "aspect_ratio": "16:9", "mode": "pro", "multi_shots": True},
     ["multi_prompt", "multi_shots"], True),
    ("multi_shots_kept", "kling-3.0/video",
     {"sound": False, "duration": "5", "aspect_ratio": "16:9", "mode": "pro", "multi_shots": True,
      "multi_prompt": [{"prompt": "x", "duration": 3}]}, None, True),
    ("sum", "sora-2-pro-storyboard",
     {"n_frames": "10", "upload_method": "s3", "shots": [{"Scene": "x", "duration": 6}, {"Scene": "y", "duration": 6}]},
     ["shots[].duration", "12", "10", "n_frames"], False),
    ("count", "gemini-omni-video",
     {"prompt": "x", "duration": "4", "image_urls": [URL] * 6, "video_list": [{"url": URL, "start": 0, "ends": 5}]},
     ["image_urls", "video_list", "8", "7"], False),
    ("part", "gemini-omni-video",
     {"prompt": "x", "duration": "4", "video_list": [{"url": URL, "start": 2, "ends": 15}]},
     ["video_list[0].ends (15)", "video_list[0].start (2)", "10"], False),
    ("listed", "google/gemini-3-1-flash-tts",
     {"speakers": [SPEAKER], "dialogue_turns": [TURN, {"speaker_id": "Speaker 2", "text": "Who?"}]},
     ["dialogue_turns[].speaker_id", '"Speaker 2"', "speakers[].speaker_id", '"Speaker 1"'], False),
    ("several", "wan/2-7-image-pro",
     {"prompt": "x", "resolution": "4K", "enable_sequential": True, "thinking_mode": True, "n": 2},
     ["resolution", '"4K"', "thinking_mode", "enable_sequential"], True),
]


def schema_takes(folder, value):
    """null and the like aside, whether schema.json accepts it."""
    schema = json.loads(read(f"{folder}/schema.json"))
    return not list(jsonschema.Draft202012Validator(schema).iter_errors(value))


def rule(name, model, value, words, sayable):
    def check(bench):
        common = bench.common.open()
        folder = common.mount.path("models", model)
        with open(bench.path("source"), "w") as out:
            json.dump(value, out)
        before = len(tasks(common.mount))
        ended = run(["cp", bench.path("source"), f"{folder}/{name}.json"], 1 if words else 0)
        if words:
            contains(ended.err, "Invalid argument")
            contains(read(f"{folder}/{name}.error"), *words)
            equal(len(tasks(common.mount)), before)
        else:
            read(f"{folder}/{name}.wait")
        if sayable:
            equal(schema_takes(folder, value), not words, read(f"{folder}/schema.json"))

    return name, check


def case_examples_fit_their_schemas(bench):
    mount = bench.mount()
    path = os.path.join(os.path.dirname(__file__), "../../src/catalogue/builtin/market.json")
    wrong = []
    for model in json.loads(read(path))["models"]:
        folder = mount.path("models", model)
        jsonschema.Draft202012Validator.check_schema(json.loads(read(f"{folder}/schema.json")))
        if not schema_takes(folder, json.loads(read(f"{folder}/example.json"))):
            wrong.append(model)
    equal(wrong, [])


def case_a_warning_is_in_the_log(bench):
    mount = bench.mount()
    folder = mount.path("models/wan/2-7-r2v")
    with open(bench.path("source"), "w") as out:
        json.dump({"prompt": "x", "reference_image": [URL], "first_frame": URL, "aspect_ratio": "1:1"}, out)
    run(["cp", bench.path("source"), f"{folder}/w.json"])
    contains(read(f"{folder}/w.task/log"), "aspect_ratio is not used when first_frame is given")


def case_readme_says_the_rules(bench):
    mount = bench.mount()
    contains(read(mount.path("models/wan/3-0-video/README.md")), "At most one of:", "`reference_link_urls`")
    contains(read(mount.path("models/volcengine/video-to-video-lip-sync/README.md")), 'Only when mode is "basic".')


if __name__ == "__main__":
    main([rule(*row) for row in ROWS])
