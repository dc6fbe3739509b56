"""The services with paths of their own: each operation from its request to its files."""

import json
import os

from mount import *

SONG = ("mp3", "jpg", "jpeg", "txt")


def record(mount, path):
    return json.loads(read(f"{path}.task/record.json"))


def remote_id(path):
    return json.loads(read(f"{path}.task/meta.json"))["remote_id"]


def order(folder, name, **request):
    path = f"{folder}/{name}"
    write(f"{path}.json", json.dumps(request))
    return path


def results(folder, name):
    return [mine for mine in names(folder) if mine.startswith(name) and mine != f"{name}.json"
            and mine != f"{name}.txt"]


def case_a_song_and_what_follows(bench):
    simulator = bench.simulator("--credits", "1000000000")
    mount = bench.mount(simulator, poll_rate=1000)
    suno = mount.path("models/dedicated/suno")
    write(f"{suno}/generate/song.txt", "A calm piano piece for a rainy evening.")
    wait_done(f"{suno}/generate/song")
    have = results(f"{suno}/generate", "song")
    for number in "12":
        for part in (f"song-{number}.mp3", f"song-{number}-cover.j", f"song-{number}-lyrics.txt"):
            assert any(name.startswith(part) for name in have), (part, have)
    listed = os.listdir(f"{suno}/generate/song.task/")
    equal(sorted(listed), sorted(set(listed)))
    song = remote_id(f"{suno}/generate/song")
    track = record(mount, f"{suno}/generate/song")["data"]["response"]["sunoData"][0]["id"]
    for operation, extension in (("wav", "wav"), ("mp4", "mp4")):
        path = order(f"{suno}/{operation}", "x", taskId=song, audioId=track)
        wait_done(path)
        equal(results(f"{suno}/{operation}", "x"), [f"x.{extension}"])
    path = order(f"{suno}/vocal-removal", "x", taskId=song, audioId=track, type="separate_vocal")
    wait_done(path)
    equal(results(f"{suno}/vocal-removal", "x"), ["x-instrumental.mp3", "x-vocals.mp3"])
    path = order(f"{suno}/midi", "x", taskId=remote_id(path))
    wait_done(path)
    assert json.loads(read(f"{path}.json")), "the request"
    assert results(f"{suno}/midi", "x"), names(f"{suno}/midi")
    path = order(f"{suno}/cover-image", "x", taskId=song)
    wait_done(path)
    contains(" ".join(results(f"{suno}/cover-image", "x")), "x-1.", "x-2.")


def case_answers_at_once(bench):
    simulator = bench.simulator("--credits", "1000000000")
    mount = bench.mount(simulator, poll_rate=1000)
    suno = mount.path("models/dedicated/suno")
    write(f"{suno}/style/mood.txt", "calm piano, rain")
    wait_done(f"{suno}/style/mood")
    assert results(f"{suno}/style", "mood"), names(f"{suno}/style")
    contains(read(f"{suno}/style/mood.task/log"), "answered at once")


def case_a_film_made_larger(bench):
    simulator = bench.simulator("--credits", "1000000000")
    mount = bench.mount(simulator, poll_rate=1000)
    veo = mount.path("models/dedicated/veo")
    write(f"{veo}/generate/boat.txt", "A paper boat.")
    wait_done(f"{veo}/generate/boat")
    contains(" ".join(results(f"{veo}/generate", "boat")), "boat.mp4")
    path = order(f"{veo}/get-4k-video", "boat", taskId=remote_id(f"{veo}/generate/boat"), index=0)
    until(lambda: "accepted" in read(f"{path}.task/log") or "answered" in read(f"{path}.task/log"),
          "an answer")


def case_asking_again_names_the_film(bench):
    simulator = bench.simulator("--credits", "1000000000", "--speed", "50")
    mount = bench.mount(simulator, poll_rate=1000)
    veo = mount.path("models/dedicated/veo")
    write(f"{veo}/generate/boat.txt", "A paper boat.")
    wait_done(f"{veo}/generate/boat")
    order(f"{veo}/get-4k-video", "boat", taskId="../generate/boat", index=0)

    def asked():
        return [item["body"] for item in simulator.requests() if "get-4k-video" in item["path"]]

    until(lambda: len(asked()) > 1, "asked again")
    equal(json.loads(asked()[1])["taskId"], remote_id(f"{veo}/generate/boat"))


def case_wrong_requests(bench):
    mount = bench.mount()
    for model, request, sentence in (
            ("suno/generate", {"prompt": "a"}, "customMode is missing"),
            ("suno/generate", {"prompt": "a", "customMode": True, "instrumental": False,
                               "model": "V5"}, "style"),
            ("runway/generate", {"prompt": "a", "duration": 10, "quality": "1080p",
                                 "aspectRatio": "1:1"}, "duration"),
            ("suno/replace-section", {"taskId": "t", "audioId": "a", "prompt": "p", "tags": "t",
                                      "title": "t", "infillStartS": 1, "infillEndS": 5,
                                      "fullLyrics": "x"}, "infillEndS"),
            ("suno/vocal-removal", {"audioUrl": "https://example.com/a.mp3", "taskId": "t"},
             "Leave out taskId"),
            # The track is missing, which no file beside the request can mend.
            ("suno/vocal-removal", {"taskId": "t"}, "Something is missing"),
            ("suno/extend", {"audioId": "a", "defaultParamFlag": True, "instrumental": True,
                             "prompt": "a", "style": "s", "title": "t", "continueAt": 3,
                             "model": "V5"}, "prompt is only allowed"),
            ("common/download-url", {"url": "kite.png"}, "A web address, as record.json"),
            ("../gemini-2.5-flash", {"messages": [{"role": "user", "content": "x"}],
                                     "tools": [{"type": "function"}],
                                     "response_format": {"type": "json_object"}},
             "response_format is only allowed when tools is not given"),
            ("../flux1-kontext", {"prompt": "a", "input_image": "https://example.com/a.png",
                                  "safety_tolerance": 3}, "safety_tolerance is 3")):
        folder = mount.path("models/dedicated", model)
        ended = run(["cp", bench.file("wrong.json", json.dumps(request)), f"{folder}/w.json"],
                    status=1)
        contains(ended.err, "Invalid argument")
        contains(read(f"{folder}/w.error"), sentence)


if __name__ == "__main__":
    main()
