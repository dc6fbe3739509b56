"""The services with paths of their own, and their twins of the job service, as their user has them:
every example, what goes on from what by name, and what comes early, late or not at all."""

import fnmatch
import functools
import json
import os

from mount import *

KINDS = {
    "image": ("image/png", "image/jpeg", "image/webp"),
    "video": ("video/mp4", "video/webm"),
    "audio": ("audio/mpeg", "audio/x-wav", "audio/wav", "audio/midi"),
    "text": ("text/plain",),
    "json": ("application/json", "text/plain"),
}
# The simulator makes no picture of a made-up address.
REFUSED = {
    "dedicated/4o-image/download-url": "url is wrong",
    "dedicated/common/download-url": "url is wrong",
}
SONG = "models/dedicated/suno/generate"
LONG_MS = 3600000


@functools.cache
def catalogue():
    path = os.path.join(os.path.dirname(__file__), "../../src/catalogue/builtin/dedicated.json")
    return json.loads(read(path))


def models():
    return catalogue()["models"]


def field_of(model, name):
    return models()[model]["fields"][name]


def gives_tracks(model):
    """Whether single results of the model have ids."""
    services = catalogue()["services"]
    about = services.get(models()[model]["service"], {})
    while "results" not in about:
        about = services.get(about.get("like"), {"results": []})
    return any("each" in entry and "id" in entry for entry in about["results"])


def named(model):
    """The fields of the example that name what was made before."""
    return [name for name in models()[model]["example"]
            if "task" in field_of(model, name) or "track" in field_of(model, name)]


def takes(task, model):
    return model in task.get("models", []) or any(
        fnmatch.fnmatch(models()[model]["service"], wanted) for wanted in task.get("services", []))


@functools.cache
def parent_of(model):
    """What a request to the model can go on from, by its fields; None: it needs nothing."""
    if not named(model):
        return None
    tasks_wanted = [field_of(model, name)["task"] for name in named(model)
                    if "task" in field_of(model, name)]
    if tasks_wanted:
        fit = [other for other in models() if takes(tasks_wanted[0], other)]
    else:
        fit = [other for other in models()
               if os.path.dirname(other) == os.path.dirname(model) and gives_tracks(other)]
    # One that needs least, and of these the plain one.
    return min((other for other in fit if other != model),
               key=lambda other: (len(named(other)), not other.endswith("generate")))


def level(model):
    return 0 if parent_of(model) is None else 1 + level(parent_of(model))


def beside(folder, stem, request="json"):
    """The results beside a request."""
    own = [f"{stem}.{kind}" for kind in (request, "error", "status")]
    return [name for name in names(folder) if name.startswith((f"{stem}.", f"{stem}-"))
            and name not in own]


def start(bench, *sim, **options):
    simulator = bench.simulator("--credits", "1000000000", *sim)
    return simulator, bench.mount(simulator, poll_rate=1000, max_running=1000, max_downloads=64,
                                  **options)


def order(folder, name, /, **request):
    return write(f"{folder}/{name}.json", json.dumps(request))


def body(path):
    return json.loads(read(f"{path}.task/request.json"))


def record(path):
    return json.loads(read(f"{path}.task/record.json"))


def about(path):
    return json.loads(read(f"{path}.task/meta.json"))


def track_ids(path):
    return [track["id"] for track in record(path)["data"]["response"]["sunoData"]]


# ---- every example ----


def example_of(mount, model):
    """The model's example.json with the ids of what it goes on from given by name."""
    folder = mount.path("models", model)
    request = json.loads(read(f"{folder}/example.json"))
    for name in named(model):
        home = mount.path("models", parent_of(model))
        target = "x"
        if "track" in field_of(model, name):
            target = next(result for result in beside(home, "x") if result.endswith(".mp3"))
        request[name] = os.path.relpath(f"{home}/{target}", folder)
    return request


def problems(mount, model):
    """What is wrong with the task of the model's example, in words."""
    folder = mount.path("models", model)
    try:
        read(f"{folder}/x.wait")
    except OSError as fault:
        why = read(f"{folder}/x.error")
        return [] if REFUSED.get(model, "\0") in why else [f"{fault}: {why}"]
    if model in REFUSED:
        return ["it was taken"]
    results = [name for name in names(f"{folder}/x.task/") if name.startswith("result")]
    kinds = {name: run(["file", "-b", "--mime-type", f"{folder}/x.task/{name}"]).out.strip()
             for name in results}
    wrong = []
    if not set(kinds.values()) & set(KINDS[models()[model]["output"]]):
        wrong.append(f"no {models()[model]['output']}: {kinds}")
    # x.json is the request, so a result that would be called so is x-1.json.
    wanted = sorted(f"x{name[6:]}" if name != "result.json" else "x-1.json" for name in results)
    if beside(folder, "x") != wanted:
        wrong.append(f"{results}, but beside the request {beside(folder, 'x')}")
    return wrong


def case_every_example(bench):
    simulator, mount = start(bench)
    wrong = []
    for depth in range(max(map(level, models())) + 1):
        here = [model for model in models() if level(model) == depth]
        for model in here:
            folder = mount.path("models", model)
            if depth:
                order(folder, "x", **example_of(mount, model))
            else:
                run(["cp", f"{folder}/example.json", f"{folder}/x.json"])
        for model in here:
            wrong += [f"{model}: {what}" for what in problems(mount, model)]
    equal(wrong, [])
    equal(len(tasks(mount)), len(models()))
    assert any(named(model) for model in models()), "follow-ups among them"


def case_a_download_address(bench):
    """The two that only answer with an address, asked after one that exists."""
    _, mount = start(bench)
    home = mount.path("models/dedicated/4o-image/generate")
    write(f"{home}/kite.txt", "A red kite.")
    wait_done(f"{home}/kite")
    url = record(f"{home}/kite")["data"]["response"]["resultUrls"][0]
    for model, request in (("4o-image", {"taskId": "../generate/kite"}), ("common", {})):
        folder = mount.path("models/dedicated", model, "download-url")
        wait_done(order(folder, "y", **request, url=url))
        equal(beside(folder, "y"), ["y.png"])
        equal(read_bytes(f"{folder}/y.png"), read_bytes(f"{home}/kite.png"))


# ---- names ----


def song(mount, name, text="A calm piano piece for a rainy evening."):
    return write(mount.path(SONG, f"{name}.txt"), text).removesuffix(".txt")


def case_a_track_is_enough(bench):
    """Where a task and its track are asked for, the track's name says both."""
    _, mount = start(bench)
    path = song(mount, "song")
    wait_done(path)
    parent, tracks = about(path)["remote_id"], track_ids(path)
    ways = ["../generate/song-2.mp3", "tasks/all/1/result-2.mp3", "../generate/song.task/result-2.mp3",
            "../generate/song-2-cover.jpg"]
    done = 0
    for model, entry in models().items():
        fields = {("task" if "task" in field_of(model, name) else "track"): name
                  for name in named(model)}
        if len(fields) != 2 or not model.startswith("dedicated/"):
            continue
        request = {name: value for name, value in entry["example"].items()
                   if name != fields["task"]}
        request[fields["track"]] = ways[done % len(ways)]
        folder = mount.path("models", model)
        wait_done(order(folder, "x", **request))
        sent = body(f"{folder}/x")
        equal((sent[fields["task"]], sent[fields["track"]]), (parent, tracks[1]), model)
        done += 1
    assert done >= len(ways), done


def case_tracks_of_a_second_run(bench):
    """A track came before the first run failed; the second run's have ids of their own."""
    simulator, mount = start(bench, "--task-ms", str(LONG_MS), callback_listen="0")
    simulator.fault("fail", model="suno/generate")
    path = song(mount, "song")
    wait_state(mount, 1, "running")
    first = f"{path}-1.mp3"
    advance(simulator, 0.7)
    until(lambda: os.path.exists(first), "the first track")
    advance(simulator, 0.5)
    wait_state(mount, 1, "failed")
    write(f"{path}.task/control", "retry\n")
    wait_state(mount, 1, "running")
    advance(simulator, 1.1)
    wait_state(mount, 1, "done")
    wav = mount.path("models/dedicated/suno/wav")
    contains(" ".join(names(f"{path}.task/")), "result-1.mp3", "result-1-2.mp3", "result-2.mp3")
    for number, name in enumerate(["song-1-2.mp3", "song-2.mp3"]):
        order(wav, f"w{number}", audioId=f"../generate/{name}")
        until(lambda: about(f"{wav}/w{number}")["remote_id"], "sent")
        equal(body(f"{wav}/w{number}")["audioId"], track_ids(path)[number], name)
    order(wav, "old", audioId="../generate/song-1.mp3")
    wait_state(mount, 4, "failed")
    contains(read(f"{wav}/old.error"), "song-1.mp3", "not sent")


# ---- what comes early, late, or not at all ----


def advance(simulator, part):
    """The simulator's clock by so much of a task; what it then has to tell it tells at once."""
    simulator.ask("POST", "/sim/time", {"advance_ms": int(LONG_MS * part)})


def fetched(simulator, path):
    url = [track for track in record(path)["data"]["response"]["sunoData"]][0]["audioUrl"]
    wanted = url.split("?")[0].removeprefix(simulator.url)
    return [one["path"].split("?")[0] for one in simulator.requests()].count(wanted)


def case_a_track_before_the_song_ends(bench):
    simulator, mount = start(bench, "--task-ms", str(LONG_MS), callback_listen="0")
    path = song(mount, "song")
    wait_state(mount, 1, "running")
    equal(beside(mount.path(SONG), "song", "txt"), [])
    advance(simulator, 0.7)
    until(lambda: os.path.exists(f"{path}-1.mp3"), "the first track")
    equal(about(path)["state"], "running")
    assert not os.path.exists(f"{path}-2.mp3"), names(mount.path(SONG))
    early = os.stat(f"{path}-1.mp3")
    bytes_then = read_bytes(f"{path}-1.mp3")
    advance(simulator, 0.5)
    wait_done(path)
    late = os.stat(f"{path}-1.mp3")
    equal((late.st_ino, late.st_mtime_ns), (early.st_ino, early.st_mtime_ns))
    equal(read_bytes(f"{path}-1.mp3"), bytes_then)
    equal(beside(mount.path(SONG), "song", "txt"),
          sorted(f"song-{n}{rest}" for n in "12" for rest in (".mp3", "-cover.jpg", "-lyrics.txt")))
    equal(fetched(simulator, path), 1)


def case_finished_although_the_callback_failed(bench):
    _, mount = start(bench)
    path = song(mount, "song", "A calm piano piece. sim:exception")
    wait_done(path)
    equal(record(path)["data"]["status"], "CALLBACK_EXCEPTION")
    contains(" ".join(beside(mount.path(SONG), "song", "txt")), "song-1.mp3", "song-2.mp3")
    luma = mount.path("models/dedicated/luma/modify")
    wait_done(order(luma, "x", prompt="Snow. sim:exception", videoUrl="https://example.com/a.mp4"))
    contains(" ".join(beside(luma, "x")), "x.mp4")


def case_done_without_results(bench):
    _, mount = start(bench)
    for path in (song(mount, "song", "A calm piano piece. sim:empty"),
                 write(mount.path("models/dedicated/runway/generate/x.json"), json.dumps(
                     {"prompt": "A boat. sim:empty", "duration": 5, "quality": "720p",
                      "aspectRatio": "16:9"})).removesuffix(".json")):
        until(lambda: "no result is named (1)" in read(f"{path}.task/log"), "the first look")
        equal(about(path)["state"], "running")


def case_recovery(bench):
    _, mount = start(bench)
    path = song(mount, "song")
    wait_done(path)
    folder = mount.path("models/dedicated/suno/recovery")
    wait_done(order(folder, "x", task_id="../generate/song"))
    equal(beside(folder, "x"), ["x-1.mp3", "x-2.mp3"])
    equal(body(f"{folder}/x")["task_id"], about(path)["remote_id"])


def quick(bench):
    """The catalogue, with services that are asked again after a second."""
    mount = bench.mount(bench.simulator(), name="first", state=bench.path("first-state"))
    whole = json.loads(read(mount.path(".kiefs/catalog.json")))
    equal(mount.unmount(), 0)
    for service in whole["services"].values():
        if service.get("submit", {}).get("retry_s"):
            service["submit"]["retry_s"] = 1
    return bench.file("quick.json", json.dumps(whole))


def film(mount, simulator):
    path = mount.path("models/dedicated/veo/generate/boat")
    write(f"{path}.txt", "A paper boat.")
    wait_state(mount, 1, "running")
    advance(simulator, 1.1)
    wait_done(path)
    return path


def case_1080p_is_not_ready_at_first(bench):
    simulator, mount = start(bench, "--task-ms", str(LONG_MS), callback_listen="0",
                             catalog=quick(bench))
    film(mount, simulator)
    folder = mount.path("models/dedicated/veo/get-1080p-video")
    order(folder, "x", taskId="../generate/boat")
    until(lambda: "1080p is processing" in read(f"{folder}/x.task/log"), "it is not ready")
    equal(beside(folder, "x"), [])
    advance(simulator, 1)
    wait_done(f"{folder}/x")
    equal(beside(folder, "x"), ["x.mp4"])


def case_4k_is_asked_for_until_it_is_there(bench):
    simulator, mount = start(bench, "--task-ms", str(LONG_MS), callback_listen="0",
                             catalog=quick(bench))
    boat = about(film(mount, simulator))["remote_id"]
    folder = mount.path("models/dedicated/veo/get-4k-video")
    order(folder, "x", taskId="../generate/boat", index=0)
    asked = lambda: [one for one in simulator.requests() if "get-4k-video" in one["path"]]
    until(lambda: len(asked()) >= 2, "asked again")
    equal({json.loads(one["body"])["taskId"] for one in asked()}, {boat})
    equal(about(f"{folder}/x")["state"], "running")
    advance(simulator, 1.1)
    wait_done(f"{folder}/x")
    equal(beside(folder, "x"), ["x-cover.jpg", "x.mp4"])
    wait_done(order(folder, "again", taskId="../generate/boat", index=0))
    contains(read(f"{folder}/again.task/record.json"), "generated successfully")
    equal(beside(folder, "again"), ["again-cover.jpg", "again.mp4"])


if __name__ == "__main__":
    main()
