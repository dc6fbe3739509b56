"""search/ and by-category/; models that come and go while the mount is in use."""

import contextlib
import errno
import json
import os
import subprocess
import threading

from mount import *

EXTRA = {
    "form": 1,
    "models": {
        "acme/painter": {
            "title": "Painter", "category": "image", "output": "image", "service": "jobs",
            "provider": "Acme",
            "prompt": {"motif": "$prompt"},
            "fields": {"motif": {"type": "string", "required": True, "max_length": 40}},
            "example": {"motif": "A red kite."},
        }
    },
}


def extend(bench, models, name="acme.json"):
    bench.folder("catalog.d")
    return write(bench.path("catalog.d", name), json.dumps({"form": 1, "models": models}))


def control(mount, word):
    """None, or the errno of the write."""
    try:
        write(mount.path(".kiefs/control"), word + "\n")
    except OSError as error:
        return error.errno
    return None


def errors(mount):
    return read(mount.path(".kiefs/errors"))


def painter(**more):
    return {**EXTRA["models"]["acme/painter"], **more}


def case_by_category(bench):
    mount = bench.mount()
    equal(names(mount.path("by-category")), ["audio", "chat", "image", "other", "video"])
    link = mount.path("by-category/image/google+nano-banana")
    equal(os.readlink(link), "../../models/google/nano-banana")
    equal(os.lstat(link).st_size, len(os.readlink(link)))
    contains(read(f"{link}/README.md"), "Nano Banana")
    assert not os.path.lexists(mount.path("by-category/video/sora-2-text-to-video"))
    contains(run(["rm", link], status=1).err, denied("Read-only file system"))


def case_search(bench):
    mount = bench.mount()
    equal(names(mount.path("search")), [])
    equal(names(mount.path("search/upscale topaz")), ["topaz+image-upscale", "topaz+video-upscale"])
    equal(names(mount.path("search/TOPAZ,Upscale")), ["topaz+image-upscale", "topaz+video-upscale"])
    equal(run("cd 'search/topaz video' && ls -l . | wc -l && cat */README.md | head -1",
              cwd=mount.point).out, "2\n# Topaz - Video Upscale\n")
    assert "topaz+video-upscale" in names(mount.path("search/video_url"))
    contains(run("ls search/klingg", status=2, cwd=mount.point).err, "No such file or directory")
    contains(run("ls search/sora-2", status=2, cwd=mount.point).err, "No such file or directory")
    assert "sora-2-text-to-video" in names(mount.path("search/sora retired"))
    equal(os.path.realpath(mount.path("search/sora retired/sora-2-text-to-video")),
          mount.path("models/sora-2-text-to-video"))
    assert not os.path.lexists(mount.path("search/topaz/z-image"))
    contains(run("touch search/topaz/x", status=1, cwd=mount.point).err,
             denied("Operation not permitted"))
    equal(names(mount.path("search")), [])


def case_searches_are_forgotten_and_found_again(bench):
    mount = bench.mount()
    first = mount.path("search/topaz")
    held = os.open(first, os.O_RDONLY | os.O_DIRECTORY)
    wanted = names(first)
    for number in range(600):
        words = "topaz" + " " * (number % 200 + 1) + "," * (number // 200 + 1)
        equal(names(mount.path("search", words)), wanted)
    equal(names(first), wanted)
    equal(sorted(os.listdir(held)), wanted)
    os.close(held)


def case_reload_adds_changes_and_takes_away(bench):
    simulator = bench.simulator("--any-model")
    mount = bench.mount(simulator)
    file = extend(bench, EXTRA["models"])
    assert not os.path.exists(mount.path("models/acme"))
    equal(control(mount, "reload"), None)
    equal(names(mount.path("models/acme/painter")),
          ["README.md", "defaults.json", "example.json", "schema.json"])
    contains(read(mount.path("models/acme/painter/README.md")), "up to 40")
    equal(names(mount.path("search/acme")), ["acme+painter"])
    assert os.path.exists(mount.path("by-category/image/acme+painter/README.md"))
    write(mount.path("models/acme/painter/kite.txt"), "A red kite.")
    wait_done(mount.path("models/acme/painter/kite.txt"))
    before = os.stat(mount.path("models/acme/painter/README.md"))
    write(file, json.dumps({"form": 1, "models": {"acme/painter": painter(
        title="A much better painter", fields={"motif": {"type": "string", "max_length": 4000}})}}))
    equal(control(mount, "reload"), None)
    text = read(mount.path("models/acme/painter/README.md"))
    contains(text, "A much better painter", "up to 4000")
    until(lambda: os.stat(mount.path("models/acme/painter/README.md")).st_size == len(text),
          "its size is the new one")
    equal(os.stat(mount.path("models/acme/painter/README.md")).st_ino, before.st_ino)
    os.remove(file)
    equal(control(mount, "reload"), None)
    until(lambda: not os.path.exists(mount.path("models/acme")), "the model's directory went")
    assert "acme" not in names(mount.path("models"))
    assert not os.path.lexists(mount.path("search/acme"))
    equal(meta(mount, 1)["state"], "done")
    assert read_bytes(mount.path("tasks/all/1/result.png")).startswith(PNG)
    extend(bench, EXTRA["models"])
    equal(control(mount, "reload"), None)
    assert read_bytes(mount.path("models/acme/painter/kite.png")).startswith(PNG)


def case_a_file_that_cannot_be_used_changes_nothing(bench):
    mount = bench.mount()
    file = extend(bench, EXTRA["models"])
    equal(control(mount, "reload"), None)
    write(file, '{"form": 1,\n "models": }')
    equal(control(mount, "reload"), errno.EINVAL)
    contains(errors(mount), "acme.json", "line 2", ".kiefs/control")
    assert os.path.exists(mount.path("models/acme/painter/README.md"))
    write(file, json.dumps({"form": 1, "models": {"a": painter(service="nobody")}}))
    equal(control(mount, "reload"), errno.EINVAL)
    contains(errors(mount), "nobody")
    write(file, json.dumps({"form": 1, "models": {"z-image/README.md": painter()}}))
    equal(control(mount, "reload"), errno.EINVAL)
    assert os.path.exists(mount.path("models/acme/painter/README.md"))
    equal(control(mount, "rewind"), errno.EINVAL)
    contains(errors(mount), '"rewind" is no control word')
    equal(control(mount, "reload now"), errno.EINVAL)


def case_sighup_reloads(bench):
    mount = bench.mount()
    extend(bench, EXTRA["models"])
    mount.process.send_signal(signal.SIGHUP)
    until(lambda: os.path.exists(mount.path("models/acme/painter/README.md")), "it is read again")


def case_watchers_hear_of_models(bench):
    mount = bench.mount()
    for word, event in (("add-model acme/new", "CREATE,ISDIR acme"),
                        ("remove-model acme/new", "DELETE,ISDIR acme")):
        watcher = subprocess.Popen(
            ["inotifywait", "-q", "-t", str(DEADLINE_S), "-e", "create,delete", "--format", "%e %f",
             mount.path("models")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        until(lambda: watching(watcher), "inotifywait watches")
        equal(control(mount, word), None)
        equal(watcher.communicate(timeout=DEADLINE_S)[0].strip(), event)


def case_add_model(bench):
    simulator = bench.simulator("--any-model")
    mount = bench.mount(simulator)
    equal(control(mount, "add-model acme/new"), None)
    equal(control(mount, "add-model acme/new"), None)
    equal(control(mount, "add-model z-image"), None)
    folder = mount.path("models/acme/new")
    contains(read(f"{folder}/README.md"), "nothing in it is checked")
    assert "required" not in json.loads(read(f"{folder}/schema.json"))
    run(["cp", bench.file("p", "A red kite."), f"{folder}/kite.txt"])
    wait_done(f"{folder}/kite.txt")
    equal(json.loads(task_file(mount, 1, "request.json")),
          {"model": "acme/new", "input": {"prompt": "A red kite."}})
    run(["cp", bench.file("j", '{"prompt": ["a"], "size": {"w": 1}}'), f"{folder}/odd.json"])
    wait_done(f"{folder}/odd.json")
    equal(json.loads(task_file(mount, 2, "request.json"))["input"],
          {"prompt": ["a"], "size": {"w": 1}})
    contains(task_file(mount, 2, "log"), "warning", "Nobody has described acme/new")
    equal(control(mount, "remove-model acme/new"), errno.ENOTEMPTY)
    contains(errors(mount), "models/acme/new")
    equal(mount.unmount(), 0)
    mount = bench.mount(simulator)
    assert read_bytes(mount.path("models/acme/new/kite.png")).startswith(PNG)
    for name in names(mount.path("models/acme/new")):
        if name.startswith(("kite", "odd")):
            with contextlib.suppress(FileNotFoundError):
                os.remove(mount.path("models/acme/new", name))
    equal(control(mount, "remove-model acme/new"), None)
    until(lambda: not os.path.exists(mount.path("models/acme")), "it went")
    equal(control(mount, "remove-model acme/new"), errno.EINVAL)
    equal(control(mount, "remove-model z-image"), errno.EINVAL)
    contains(errors(mount), "was not added by add-model")
    equal(mount.unmount(), 0)
    mount = bench.mount(simulator)
    assert not os.path.exists(mount.path("models/acme"))


def case_add_model_refuses_bad_ids(bench):
    mount = bench.mount()
    before = names(mount.path("models"))
    for id in ("../x", "/x", "x/", "a//b", ".x", "a/.b", "a b", "ä", "x" * 201, "a/README.md",
               "a?b"):
        equal(control(mount, f"add-model {id}"), errno.EINVAL, id)
    equal(control(mount, "add-model"), errno.EINVAL)
    contains(errors(mount), "add-model", "letters, digits")
    write(mount.path("models/z-image/mine.txt"), "")
    equal(control(mount, "add-model z-image/mine.txt"), errno.EEXIST)
    contains(errors(mount), "models/z-image/mine.txt")
    equal(names(mount.path("models")), before)


def case_a_waiting_request_goes_out_when_its_model_comes(bench):
    simulator = bench.simulator("--any-model")
    extend(bench, EXTRA["models"])
    mount = bench.mount(simulator, key=None)
    write(mount.path("models/acme/painter/kite.txt"), "A red kite.")
    wait_state(mount, 1, "held")
    os.remove(bench.path("catalog.d/acme.json"))
    equal(mount.unmount(), 0)
    mount = bench.mount(simulator)
    until(lambda: "no such model" in task_file(mount, 1, "log"), "it was looked for")
    extend(bench, EXTRA["models"])
    equal(control(mount, "reload"), None)
    wait_state(mount, 1, "done")


def case_reload_while_requests_run(bench):
    simulator = bench.simulator("--any-model")
    mount = bench.mount(simulator)
    file = extend(bench, EXTRA["models"])
    equal(control(mount, "reload"), None)
    over = threading.Event()
    faults = []

    def look():
        while not over.is_set():
            try:
                for name in os.listdir(mount.path("search/image")):
                    os.path.exists(mount.path("search/image", name, "README.md"))
                read(mount.path(".kiefs/catalog.json"))
                read(mount.path("models/z-image/schema.json"))
            except Exception as error:
                faults.append(repr(error))
                return

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(12):
        write(mount.path(f"models/z-image/kite-{number}.txt"), f"Kite {number}.")
        write(mount.path(f"models/acme/painter/kite-{number}.txt"), f"Kite {number}.")
        write(file, json.dumps({"form": 1, "models": {
            "acme/painter": painter(title=f"Painter {number}"),
            f"acme/n{number}": painter()}}))
        equal(control(mount, "reload"), None)
        assert os.path.isdir(mount.path(f"models/acme/n{number}"))
    over.set()
    for thread in threads:
        thread.join()
    equal(faults, [])
    for task in range(1, 25):
        wait_state(mount, task, "done")
    equal(simulator.sent(), 24)


def offer(bench, models, *options):
    """A simulator that has these models beside those of the catalogue."""
    file = bench.file("offer.json", json.dumps({"form": 1, "models": models}))
    return bench.simulator("--extra-model", file, *options)


def refreshed(mount):
    """After a refresh: its report."""
    before = mount.path(".kiefs/log")
    count = read(before).count("refresh: asking")
    equal(control(mount, "refresh"), None)
    until(lambda: read(before).count("refresh: asking") > count, "it has begun")
    until(lambda: read(before).rstrip().endswith("see .kiefs/catalog-report")
          or "models, " in read(before).splitlines()[-1], "it has ended")
    return read(mount.path(".kiefs/catalog-report"))


NEWEST = {
    "acme/painter": painter(
        fields={
            "prompt": {"type": "string", "required": True, "max_length": 40, "min_length": 2},
            "size": {"type": "string", "values": ["big", "small"], "default": "big"},
            "count": {"type": "integer", "min": 1, "max": 4, "required": True},
            "image_urls": {"type": "array", "max_items": 3, "required": True,
                           "items": {"type": "string", "media": "image"}},
            "camera": {"type": "object", "members": {"zoom": {"type": "number", "max": 9}}},
        },
        prompt={"prompt": "$prompt", "count": 1},
        example={"prompt": "A kite.", "count": 1, "image_urls": ["https://example.com/a.png"]}),
    "acme/mystery": painter(open=True, fields={}, prompt=None, example={}),
}
del NEWEST["acme/mystery"]["prompt"]


def case_refresh(bench):
    simulator = offer(bench, NEWEST)
    mount = bench.mount(simulator)
    equal(read(mount.path(".kiefs/catalog-report")), "")
    simulator.fault("code", path="/schema", code=429, count=1)
    report = refreshed(mount)
    contains(report, "acme/painter: taken over, 5 fields", "acme/mystery: taken over, not described",
             "2 of them taken over")
    until(lambda: os.path.exists(mount.path("models/acme/painter/README.md")), "it is there")
    schema = json.loads(read(mount.path("models/acme/painter/schema.json")))
    equal(sorted(schema["required"]), ["count", "image_urls", "prompt"])
    fields = schema["properties"]
    equal((fields["prompt"]["minLength"], fields["prompt"]["maxLength"]), (2, 40))
    equal((fields["count"]["type"], fields["count"]["minimum"], fields["count"]["maximum"]),
          ("integer", 1, 4))
    equal((fields["size"]["enum"], fields["size"]["default"]), (["big", "small"], "big"))
    equal((fields["image_urls"]["maxItems"], fields["image_urls"]["items"]["format"]), (3, "uri-reference"))
    equal(fields["camera"]["properties"]["zoom"]["maximum"], 9)
    equal(names(mount.path("search/acme")), ["acme+mystery", "acme+painter"])
    assert os.path.lexists(mount.path("by-category/image/acme+painter"))
    wrong = bench.file("w", '{"prompt": "A kite.", "count": 5, "image_urls": ["https://x/a.png"]}')
    contains(run(["cp", wrong, mount.path("models/acme/painter/w.json")], status=1).err,
             "Invalid argument")
    run("cp models/acme/painter/example.json models/acme/painter/a.json", cwd=mount.point)
    wait_done(mount.path("models/acme/painter/a.json"))
    write(mount.path("models/acme/mystery/b.json"), '{"anything": [1]}')
    wait_done(mount.path("models/acme/mystery/b.json"))
    equal(simulator.sent(), 2)
    equal(mount.unmount(), 0)
    mount = bench.mount(simulator)
    assert os.path.exists(mount.path("models/acme/painter/a.png"))


def case_refresh_replaces_what_was_added_and_keeps_what_went(bench):
    simulator = offer(bench, NEWEST)
    mount = bench.mount(simulator)
    equal(control(mount, "add-model acme/painter"), None)
    contains(read(mount.path("models/acme/painter/README.md")), "Nobody has described")
    refreshed(mount)
    until(lambda: "2 to 40" in read(mount.path("models/acme/painter/README.md")), "it is described")
    equal(mount.unmount(), 0)
    simulator.finish()
    mount = bench.mount(bench.simulator())
    contains(refreshed(mount), "acme/painter: no longer listed; kept as retired")
    until(lambda: "Retired" in read(mount.path("models/acme/painter/README.md")), "it says so")


def case_refresh_without_a_key_or_an_answer(bench):
    simulator = offer(bench, NEWEST)
    mount = bench.mount(simulator, key=None)
    equal(control(mount, "refresh"), None)
    until(lambda: "refresh: there is no API key" in read(mount.path(".kiefs/log")), "it says so")
    equal(simulator.total(), 0)
    equal(mount.unmount(), 0)
    mount = bench.mount(simulator)
    simulator.fault("code", path="/api/v1/models", code=401, count=1)
    equal(control(mount, "refresh"), None)
    until(lambda: "refresh: given up" in read(mount.path(".kiefs/log")), "it says so")
    equal(read(mount.path(".kiefs/catalog-report")), "")


MAPPING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data/mapping.json")


def case_mapping(bench):
    simulator = bench.simulator("--any-model")
    mount = bench.mount(simulator, mapping=MAPPING)
    report = read(mount.path(".kiefs/mapping-report"))
    contains(report, "146 entries:", "known already")
    folder = mount.path("models/fable/ink-2")
    contains(read(f"{folder}/README.md"), "mapping file")
    run(["cp", bench.file("p", "A red kite."), f"{folder}/kite.txt"])
    wait_done(f"{folder}/kite.txt")
    equal(names(mount.path("search/fable first")), ["fable+first"])
    contains(read(mount.path(".kiefs/config")), "mapping = ", "mapping.json")


def case_a_mapping_that_is_none(bench):
    broken = bench.file("broken.json", '{"endpoints": [\n  {"name": }]}')
    bench.refused("broken.json", "line 2", "column 12", mapping=broken)
    bench.refused("other.json", "endpoints", mapping=bench.file("other.json", '{"a": 1}'))
    bench.refused("none.json", "No such file", mapping=bench.path("none.json"))
    file = bench.file("map.json", '{"endpoints": []}')
    mount = bench.mount(mapping=file)
    contains(read(mount.path(".kiefs/mapping-report")), "0 entries")
    write(file, '{"endpoints": 5}')
    equal(control(mount, "reload"), errno.EINVAL)
    contains(errors(mount), "map.json", "endpoints")
    contains(read(mount.path(".kiefs/mapping-report")), "0 entries")
    os.remove(file)
    equal(control(mount, "reload"), errno.EINVAL)


def case_catalog_json_is_a_catalogue(bench):
    extend(bench, EXTRA["models"])
    mount = bench.mount()
    equal(control(mount, "add-model acme/new"), None)
    whole = bench.file("whole.json", read(mount.path(".kiefs/catalog.json")))
    listed = run("find models -name schema.json -exec md5sum {} + | sort", cwd=mount.point).out
    equal(mount.unmount(), 0)
    os.remove(bench.path("catalog.d/acme.json"))
    mount = bench.mount(catalog=whole, state=bench.path("other"))
    equal(run("find models -name schema.json -exec md5sum {} + | sort", cwd=mount.point).out, listed)
    equal(read(mount.path(".kiefs/catalog.json")), read(whole))


if __name__ == "__main__":
    main()
