"""Requests that go on from earlier ones, by name."""

import errno
import json

from mount import *

FIRST = "models/grok-imagine/text-to-image"
UPSCALE = "models/grok-imagine/upscale"
PLAIN = "models/z-image"


def fails(number, action):
    try:
        action()
    except OSError as error:
        equal(errno.errorcode[error.errno], errno.errorcode[number])
        return
    raise AssertionError(f"no {errno.errorcode[number]}")


def sent_id(mount, task):
    return json.loads(task_file(mount, task, "request.json"))["input"]["task_id"]


def case_an_earlier_request_is_named(bench):
    mount = bench.mount(bench.simulator())
    write(mount.path(FIRST, "kite.txt"), "A kite.")
    read(mount.path(FIRST, "kite.wait"))
    folder = mount.path(UPSCALE)
    parent = meta(mount, 1)["remote_id"]
    result = [name for name in names(mount.path(FIRST)) if name.startswith("kite") and not name.endswith("txt")][0]
    for number, name in enumerate(
        ["../text-to-image/kite", "../text-to-image/kite.txt", f"../text-to-image/{result}", "tasks/all/1",
         "../text-to-image/kite.task", mount.path("tasks/all/1")], 2
    ):
        write(f"{folder}/r{number}.json", json.dumps({"task_id": name}))
        read(f"{folder}/r{number}.wait")
        equal(sent_id(mount, number), parent, name)
        equal(meta(mount, number)["inputs"][0]["task"], 1)


def case_the_name_of_a_result_says_which(bench):
    mount = bench.mount(bench.simulator())
    write(mount.path(FIRST, "kite.txt"), "A kite.")
    read(mount.path(FIRST, "kite.wait"))
    film = mount.path("models/grok-imagine/image-to-video")
    results = sorted(name for name in names(mount.path(FIRST)) if name.startswith("kite-"))
    assert len(results) > 1, results
    asked = [(f"../text-to-image/{name}", {}, number) for number, name in enumerate(results)]
    # What a request says itself stays; a task alone says nothing.
    asked += [(f"../text-to-image/{results[1]}", {"index": 0}, 0), ("../text-to-image/kite", {}, 0)]
    for number, (name, more, index) in enumerate(asked, 2):
        write(f"{film}/f{number}.json", json.dumps({"task_id": name, "prompt": "It flies.", **more}))
        read(f"{film}/f{number}.wait")
        body = json.loads(task_file(mount, number, "request.json"))["input"]
        equal(body["task_id"], meta(mount, 1)["remote_id"], name)
        equal(body.get("index", 0), index, name)
        equal("index" in body, bool(more) or index > 0, name)
    veo = mount.path("models/veo/get-1080p-video")
    contains(read(f"{veo}/README.md"), "`film-2.mp4` is 1")


def case_a_running_parent_is_waited_for(bench):
    mount = bench.mount(bench.simulator("--speed", "1"))
    write(mount.path(FIRST, "kite.txt"), "A kite.")
    write(mount.path(UPSCALE, "big.json"), json.dumps({"task_id": "../text-to-image/kite"}))
    read(mount.path(UPSCALE, "big.wait"))
    equal(sent_id(mount, 2), meta(mount, 1)["remote_id"])


def case_wrong_parents_are_refused(bench):
    mount = bench.mount(bench.simulator())
    write(mount.path(PLAIN, "a.txt"), "A kite.")
    read(mount.path(PLAIN, "a.wait"))
    folder = mount.path(UPSCALE)
    fails(errno.EOPNOTSUPP, lambda: write(f"{folder}/r.json", json.dumps({"task_id": "../../z-image/a"})))
    contains(read(f"{folder}/r.error"), "z-image", "does not go on")
    fails(errno.ENOENT, lambda: write(f"{folder}/s.json", json.dumps({"task_id": "../none"})))
    equal(len(tasks(mount)), 1)


def case_a_track_of_another_service_is_refused(bench):
    mount = bench.mount(bench.simulator())
    write(mount.path(PLAIN, "a.txt"), "A kite.")
    read(mount.path(PLAIN, "a.wait"))
    folder = mount.path("models/dedicated/suno/extend")
    fails(errno.EOPNOTSUPP, lambda: write(f"{folder}/r.json", json.dumps(
        {"defaultParamFlag": False, "audioId": "../../../z-image/a.txt", "model": "V5"})))
    contains(read(f"{folder}/r.error"), "z-image", "does not go on")
    contains(read(f"{folder}/README.md"), "the name of an earlier result", "suno-music")
    equal(len(tasks(mount)), 1)


def case_a_poll_that_repeats_the_request_has_the_id(bench):
    mount = bench.mount(bench.simulator())
    veo = mount.path("models/dedicated/veo")
    write(f"{veo}/generate/boat.txt", "A paper boat.")
    read(f"{veo}/generate/boat.wait")
    write(f"{veo}/get-4k-video/boat.json", json.dumps({"taskId": "../generate/boat"}))
    wait_done(f"{veo}/get-4k-video/boat")
    contains(" ".join(names(f"{veo}/get-4k-video")), "boat.mp4")


def case_a_cancelled_parent_is_refused(bench):
    mount = bench.mount(key=None)
    write(mount.path(FIRST, "kite.txt"), "A kite.")
    write(mount.path(UPSCALE, "big.json"), json.dumps({"task_id": "../text-to-image/kite"}))
    wait_state(mount, 2, "incomplete")
    contains(read(mount.path(UPSCALE, "big.status")), "incomplete", "task 1")
    write(mount.path("tasks/all/1/control"), "cancel\n")
    wait_state(mount, 2, "failed")
    contains(read(mount.path(UPSCALE, "big.error")), "cancelled", "cost nothing")
    fails(errno.ECANCELED, lambda: write(mount.path(UPSCALE, "more.json"), json.dumps({"task_id": "tasks/all/1"})))


if __name__ == "__main__":
    main()
