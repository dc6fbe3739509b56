"""What may stand where a field wants a file's address, for every model; and what is wrong with it."""

import errno
import hashlib
import json

from mount import *
from test_media import fails, picture, put

EDIT = "models/google/nano-banana-edit"

# A file of each kind, told by its first bytes: extension, and what comes before a number.
FORMS = {
    "image/png": ("png", None),
    "image/jpeg": ("jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0"),
    "video/mp4": ("mp4", b"\0\0\0\x18ftypisom\0\0\2\0isommp42"),
    "audio/mpeg": ("mp3", b"ID3\4\0\0\0\0\0\0"),
    "audio/wav": ("wav", b"RIFF\x24\0\0\0WAVEfmt "),
}
USUAL = {"image": "image/png", "video": "video/mp4", "audio": "audio/mpeg", "file": "image/png"}


def leaf(field):
    """The field of media that this one is or is a list of."""
    while field and "media" not in field and "items" in field:
        field = field["items"]
    return field if field and "media" in field else None


def media_fields(model):
    return {name: field for name, field in model.get("fields", {}).items() if leaf(field)}


def bytes_for(field, number):
    inner = leaf(field)
    mime = USUAL[inner["media"]]
    if mime not in inner.get("accept", [mime]):
        mime = next(form for form in inner["accept"] if form in FORMS)
    extension, start = FORMS[mime]
    return extension, (start + number.to_bytes(4, "big") * 8) if start else picture(number)


def tries(model, name, value):
    """The example with the field; then with what it needs beside it, or without what it excludes."""
    media = media_fields(model)
    example = model["example"]
    needed = {
        other: value
        for other, condition in media[name].get("only_when", {}).items()
        if condition == {"given": True} and other in media
    }
    yield {**example, name: value}
    yield {**example, name: value, **needed}
    for other, field in model["fields"].items():
        if name in field.get("required_when", {}) and other not in example:
            yield {**example, name: value, other: field.get("values", [False])[0]}
        for choice in field.get("values", []) if other in example else []:
            yield {**example, name: value, other: choice}
    # What stands in the same set, of those that exclude each other.
    beside = {
        other: model["fields"][other]["values"][0]
        for chosen in model.get("one_of", []) if name in chosen
        for other in chosen if "values" in model["fields"][other]
    }
    for unwanted in [[gone] for gone in media] + [list(media)] + model.get("one_of", []):
        if name not in unwanted or unwanted == list(media):
            kept = {key: given for key, given in example.items() if key not in unwanted}
            yield {**kept, **beside, name: value}


def accepted(path, model, name, value):
    """Writes the first form of the request that is taken; returns what was said when none is."""
    said = ""
    for body in tries(model, name, value):
        try:
            write(path, json.dumps(body))
            return ""
        except OSError:
            said = read(path.removesuffix(".json") + ".error")
    return said


def at(document, pointer):
    for part in pointer.split("/")[1:]:
        document = document[int(part) if isinstance(document, list) else part]
    return document


def case_every_field_of_the_catalogue(bench):
    """A name of the right kind is taken, and what is sent in its place serves these very bytes."""
    simulator = bench.simulator()
    mount = bench.mount(simulator, max_running=1000)
    models = json.loads(read(mount.path(".kiefs/catalog.json")))["models"]
    asked = []
    refused = []
    for identity, model in models.items():
        folder = mount.path("models", identity, "given")
        for name, field in {} if model.get("retired") else media_fields(model).items():
            number = len(asked) + len(refused) + 1
            os.makedirs(folder, exist_ok=True)
            extension, data = bytes_for(field, number)
            file = f"kept-{number}.{extension}"
            os.makedirs(f"{mount.path('uploads')}/given", exist_ok=True)
            put(mount.path("uploads/given", file), data)
            count = max(1, field.get("min_items", 1))
            value = [f"uploads/given/{file}"] * count if "items" in field else f"uploads/given/{file}"
            said = accepted(f"{folder}/r{number}.json", model, name, value)
            if said:
                refused.append(f"{identity} {name}: {said}")
            else:
                asked.append((f"{folder}/r{number}", file, data))
    equal(refused, [])
    assert len(asked) > 150, len(asked)
    for stem, file, data in asked:
        try:
            read(stem + ".wait")
        except OSError:
            pass  # the example names a task that the simulator does not have
        task = os.readlink(stem + ".task").rsplit("/", 1)[1]
        sent = json.loads(task_file(mount, task, "request.json"))
        rows = [row for row in meta(mount, task)["inputs"] if row["name"].endswith("/" + file)]
        assert rows, stem
        for row in rows:
            address = at(sent, row["place"])
            equal(address, row["value"], stem)
            equal(hashlib.sha256(fetch(address)).hexdigest(), hashlib.sha256(data).hexdigest(), stem)


def kite(mount):
    """Task 1, and its one result's bytes."""
    folder = mount.path("models/z-image")
    write(f"{folder}/kite.txt", "A kite.")
    read(f"{folder}/kite.wait")
    [name] = meta(mount, 1)["results"]
    return name["file"], read_bytes(mount.path("tasks/all/1", name["file"]))


def uploads(simulator):
    return [line for line in simulator.requests() if line["path"].endswith("-upload")]


def addresses(mount, task):
    return json.loads(task_file(mount, task, "request.json"))["input"]["image_urls"]


def case_results_stand_for_files(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    result, data = kite(mount)
    extension = result.rsplit(".", 1)[1]
    folder = mount.path(EDIT)
    run(["cp", mount.path("tasks/all/1", result), mount.path(f"uploads/kite.{extension}")])
    given = [
        f"tasks/latest/{result}",
        f"tasks/all/1/{result}",
        f"../../z-image/kite.{extension}",
        f"../../z-image/kite.task/{result}",
        mount.path(f"models/z-image/kite.{extension}"),
        "tasks/all/1",
        f"uploads/kite.{extension}",
        f"kite.{extension}",
    ]
    for task, name in enumerate(given, 2):
        write(f"{folder}/r{task}.json", json.dumps({"prompt": "A hat.", "image_urls": [name]}))
        read(f"{folder}/r{task}.wait")
        [address] = addresses(mount, task)
        equal(fetch(address), data, name)
        if task == 2:
            # The newest task is another one from here on.
            assert os.path.exists(mount.path("tasks/latest/request.json"))
    several = [f"../../z-image/kite.{extension}", "https://example.com/a.png", "me.png"]
    put(f"{folder}/me.png", picture(7))
    write(f"{folder}/all.json", json.dumps({"prompt": "A hat.", "image_urls": several}))
    read(f"{folder}/all.wait")
    first, second, third = addresses(mount, len(given) + 2)
    equal((fetch(first), second, fetch(third)), (data, several[1], picture(7)))
    # Whoever names it, a content is uploaded once.
    equal(len(uploads(simulator)), 2)


def case_what_is_wrong_is_neither_sent_nor_uploaded(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    folder = mount.path(EDIT)
    os.mkdir(f"{folder}/sub")
    put(f"{folder}/text.png", b"no picture\n")
    put(f"{folder}/film.mp4.part", FORMS["video/mp4"][1] + b"film")
    put(f"{folder}/film.png", FORMS["video/mp4"][1] + b"film")
    put(f"{folder}/huge.png", picture() + bytes(10 << 20))
    put(f"{folder}/good.png", picture(3))
    outside = bench.path("outside.png")
    put(outside, picture(4))
    for name, number, words in [
        ("none.png", errno.ENOENT, ["no file of that name", "goes on by itself"]),
        ("text.png", errno.EMEDIUMTYPE, ["an image"]),
        ("film.png", errno.EMEDIUMTYPE, ["an image"]),
        ("huge.png", errno.EFBIG, ["10"]),
        ("sub", errno.EISDIR, ["a folder", "Name one file"]),
        (outside, errno.EXDEV, ["leads out of the mount"]),
        ("schema.json", errno.EMEDIUMTYPE, ["a text of this mount"]),
    ]:
        body = json.dumps({"prompt": "x", "image_urls": ["good.png", name]})
        fails(number, lambda body=body: write(f"{folder}/r.json", body))
        contains(read(f"{folder}/r.error"), "image_urls[1]", *words)
    # Each of the two is small enough, but both are too large together.
    together = mount.path("models/ideogram/character")
    for name in ("one.png", "two.png"):
        put(f"{together}/{name}", picture() + bytes(6 << 20))
    body = json.dumps({"prompt": "x", "reference_image_urls": ["one.png", "two.png"]})
    fails(errno.EFBIG, lambda: write(f"{together}/r.json", body))
    contains(read(f"{together}/r.error"), "reference_image_urls[1] is one too much", "12.0 MB")
    try:
        os.symlink(outside, f"{folder}/link.png")
    except PermissionError:
        pass  # no links are made here
    else:
        raise AssertionError("a link out of the mount was made")
    write(f"{folder}/r.json", json.dumps({"prompt": "x", "image_urls": ["good.png"]}))
    read(f"{folder}/r.wait")
    equal((simulator.sent(), len(uploads(simulator)), tasks(mount)), (1, 1, [1]))


def case_many_requests_of_one_file(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    folder = mount.path(EDIT)
    put(f"{folder}/me.png", picture())
    put(f"{folder}/same.png", picture())
    for number in range(12):
        name = ["me.png", "same.png"][number % 2]
        write(f"{folder}/r{number}.json", json.dumps({"prompt": f"{number}.", "image_urls": [name]}))
    for number in range(12):
        read(f"{folder}/r{number}.wait")
    equal((simulator.sent(), len(uploads(simulator))), (12, 1))
    equal(len({addresses(mount, task)[0] for task in range(1, 13)}), 1)


if __name__ == "__main__":
    main()
