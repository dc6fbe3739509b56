"""Every model's example.json, copied as it stands, becomes a finished result of its kind."""

import json
import os
import re

from mount import *

KINDS = {
    "image": ("image/png", "image/jpeg", "image/webp"),
    "video": ("video/mp4", "video/webm"),
    "audio": ("audio/mpeg", "audio/x-wav", "audio/wav", "audio/midi"),
    "text": ("text/plain",),
    "json": ("application/json", "text/plain"),
}


def catalogue():
    path = os.path.join(os.path.dirname(__file__), "../../src/catalogue/builtin/market.json")
    return json.loads(read(path))["models"]


def case_every_example(bench):
    models = catalogue()
    simulator = bench.simulator("--credits", "1000000000")
    mount = bench.mount(simulator, max_running=1000, max_downloads=64, poll_rate=1000)
    for model in models:
        folder = mount.path("models", model)
        run(["cp", f"{folder}/example.json", f"{folder}/x.json"])
    until(lambda: tasks(mount) == list(range(1, len(models) + 1)), "a task for each")
    wrong = []
    for model, entry in models.items():
        folder = mount.path("models", model)
        try:
            read(f"{folder}/x.wait")
        except OSError as fault:
            wrong.append(f"{model}: {fault}: {read(f'{folder}/x.error')}")
            continue
        results = [name for name in names(f"{folder}/x.task/") if name.startswith("result")]
        # What else is told with a result has a word in its name: result-object.json.
        main = [name for name in results if re.fullmatch(r"result(-\d+)?\.\w+", name)]
        if not main:
            wrong.append(f"{model}: no result: {names(f'{folder}/x.task/')}")
        for name in main:
            kind = run(["file", "-b", "--mime-type", f"{folder}/x.task/{name}"]).out.strip()
            if kind not in KINDS[entry["output"]]:
                wrong.append(f"{model}: {name} is {kind}, not {entry['output']}")
            beside = [mine for mine in names(folder) if mine.startswith("x") and not mine == "x.json"]
            if len(beside) < len(results):
                wrong.append(f"{model}: {results} but {beside}")
    equal(wrong, [])
    equal(simulator.sent(), len(models))
    equal(simulator.counts()["created"], len(models))


def case_films_and_sounds_play(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    for model, stream in (("sora-2-text-to-video", "video"), ("elevenlabs/text-to-speech-turbo-2-5", "audio")):
        folder = mount.path("models", model)
        run(["cp", f"{folder}/example.json", f"{folder}/x.json"])
        read(f"{folder}/x.wait")
        [name] = [name for name in names(folder) if name.startswith("x.") and name != "x.json"]
        seen = run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0", f"{folder}/{name}"])
        contains(seen.out, stream)
        equal(seen.err, "")


if __name__ == "__main__":
    main()
