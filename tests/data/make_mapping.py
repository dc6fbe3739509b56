#!/usr/bin/env python3
"""Writes mapping.json, a mapping file with every kind of mistake that machine-made ones have:
make_mapping.py > mapping.json. All names in it are invented but those of models that are built in.
"""

import json
import sys

TASKS = "/api/v1/jobs/createTask"
WRONG = "/api/v1/aleph/record-info"
BUILT_IN = ["z-image", "google/nano-banana", "topaz/image-upscale", "topaz/video-upscale",
            "qwen/text-to-image", "recraft/crisp-upscale"]


def entry(name, ids, path=TASKS, method="POST", category="image", required=None, optional=None,
          **more):
    return {
        "name": name, "category": category, "endpoint": path,
        "full_url": "https://api.kie.ai" + path if isinstance(path, str) else path,
        "method": method, "modelIds": ids,
        "parameters": {"required": required or {}, "optional": optional or {}}, **more,
    }


def parameter(kind, example=None, description=""):
    return {"type": kind, "example": example, "description": description}


PLAIN = {
    "model": parameter("string", "fable/any", "Which model"),
    "input": parameter("object", {"prompt": "A boat", "seed": 7}, "What it is given"),
    "webhook_url": parameter("string", "https://example.com/hook"),
    "callBackUrl": parameter("string", "https://example.com/hook"),
}


def entries():
    # Good ones, though the fields of the input stand beside it.
    for number in range(1, 21):
        yield entry(f"Fable Ink {number}", [f"fable/ink-{number}"], required=PLAIN, optional={
            "prompt": parameter("string", "A boat on a lake", "<b>What</b> to draw &amp; how"),
            "duration": parameter("number", "5", "Seconds"),
            "seed": parameter("string", 42),
            "image_url": parameter("string", "https://example.com/boat.png"),
            "input.strength": parameter("number", 0.5),
        }, pricing={"credits": 4 if number == 3 else None})
    # Known ones.
    for id in BUILT_IN * 3:
        yield entry(f"{id} page", [id], required=PLAIN)
    # One path that is wrong, again and again.
    for number in range(40):
        yield entry(f"Reel {number}", [f"reel/r-{number}"], WRONG, category="video")
    # Details and callbacks.
    for number in range(12):
        yield entry(f"Get details {number}", [], "/api/v1/jobs/recordInfo", "GET")
        yield entry(f"Song {number} callbacks", [f"song/c-{number}"], category="audio")
    # Ids that are titles, tags, paths, nothing, no text.
    for id in ["fable-2.6---text-to-video", "sable-pro---image-to-video", "<code>", "<b>fable/bold</b>",
               "Fable Two", "fable/storyboard/index", "", " ", "/lead", "a//b", "../up", "é",
               "x" * 300, 5, None, ["a"], {"a": 1}, "fable/&lt;id&gt;"]:
        yield entry("An id", [id], required=PLAIN)
    # Twice, and several at once.
    yield entry("Fable Ink 1 again", ["fable/ink-1"])
    yield entry("Fable family", ["fable/first", "fable/second", "z-image", "fable/first"],
                category="Video generation")
    # Parameters of every wrong shape.
    yield entry("Odd", ["fable/odd"], category=None, required={
        "": parameter("string", "x"),
        "two words": parameter("string", "x"),
        "<i>tag</i>": parameter("string", "x"),
        "prompt": "a text, not an object",
        "count": parameter("integer", 3),
        "list": parameter("array", [1, 2]),
        "deep": parameter("array", [[1]]),
        "shots": parameter("array", [{"text": "x"}]),
        "input_urls": parameter("array", ["https://example.com/a.png"]),
        "clip_video_url": parameter("file", None),
        "flag": parameter("string", True),
        "thing": parameter("object", "{"),
        "kind": parameter("enum", "a"),
        "none": None,
    }, pricing={"credits": "12"})
    yield entry("Lists for objects", ["fable/lists"], required=[], optional=[1, "a"])
    yield {"name": "No parameters", "modelIds": ["fable/none"], "endpoint": TASKS, "method": "post"}
    yield {"name": "Whole address only", "modelIds": ["fable/whole"], "method": "POST",
           "full_url": "https://api.kie.ai" + TASKS + "?from=page"}
    yield {"name": "No path", "modelIds": ["fable/nowhere"], "method": "POST"}
    yield {"name": "Number for a path", "modelIds": ["fable/n"], "endpoint": 4, "method": "POST"}
    yield {"modelIds": "fable/text", "endpoint": TASKS}
    yield {}
    yield "a text"
    yield 7
    yield None
    yield []


made = list(entries())
filler = 146 - len(made)
assert filler >= 0, filler
made += [entry(f"Elsewhere {n}", [f"else/e-{n}"], f"/api/v9/else/{n}") for n in range(filler)]
json.dump({"version": "2.0.0", "total_endpoints": len(made), "categories": {"image": 1},
           "most_common_parameters": {"model": 81}, "endpoints": made}, sys.stdout, indent=1)
print()
