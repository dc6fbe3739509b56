"""Files by name in requests, files that are to come, and files that are requests themselves."""

import errno
import json
import signal
import struct
import subprocess
import zlib

from mount import *

EDIT = "models/google/nano-banana-edit"
SINGLE = "models/recraft/remove-background"
PLAIN = "models/z-image"


def picture(number=0):
    """A PNG of one pixel; another one for each number."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixel = bytes([0, number & 255, number >> 8, 7])
    return (
        PNG
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(pixel))
        + chunk(b"IEND", b"")
    )


def put(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return path


def fails(number, action):
    try:
        action()
    except OSError as error:
        equal(errno.errorcode[error.errno], errno.errorcode[number])
        return
    raise AssertionError(f"no {errno.errorcode[number]}")


def task_count(mount):
    return len(names(mount.path("tasks/all")))


def request(mount, number):
    return json.loads(read(mount.path(f"tasks/all/{number}/request.json")))


def case_a_named_file_is_sent_as_an_address(bench):
    mount = bench.mount(bench.simulator())
    folder = mount.path(EDIT)
    put(f"{folder}/me.png", picture())
    write(f"{folder}/fox.json", json.dumps({"prompt": "A hat.", "image_urls": ["me.png"]}))
    read(f"{folder}/fox.wait")
    [address] = request(mount, 1)["input"]["image_urls"]
    contains(address, "http")
    equal(meta(mount, 1)["inputs"][0]["name"], "me.png")
    assert any(name.startswith("fox.") and name != "fox.json" for name in names(folder))
    # The same bytes again, and the same with another picture.
    write(f"{folder}/fox.json", json.dumps({"prompt": "A hat.", "image_urls": ["me.png"]}))
    equal(task_count(mount), 1)
    put(f"{folder}/me.png", picture(1))
    equal(task_count(mount), 1)
    write(f"{folder}/fox.json", json.dumps({"prompt": "A hat.", "image_urls": ["me.png"]}))
    until(lambda: task_count(mount) == 2, "a second task")


def case_wrong_names_are_refused_each_by_its_own_errno(bench):
    mount = bench.mount(key=None)
    folder = mount.path(EDIT)
    os.mkdir(f"{folder}/sub")
    put(f"{folder}/text.png", b"no picture\n")
    put(f"{folder}/empty.png", b"")

    def ask(name):
        write(f"{folder}/r.json", json.dumps({"prompt": "x", "image_urls": [name]}))

    for name, number in [
        ("none.png", errno.ENOENT),
        ("../../../../etc/passwd", errno.EXDEV),
        ("/etc/passwd", errno.EXDEV),
        ("sub", errno.EISDIR),
        ("text.png", errno.EMEDIUMTYPE),
        ("empty.png", errno.ENODATA),
        ("README.md", errno.EMEDIUMTYPE),
        ("data:image/png;base64,AAAA", errno.EINVAL),
        ("file:///etc/passwd", errno.EINVAL),
    ]:
        fails(number, lambda name=name: ask(name))
        contains(read(f"{folder}/r.error"), "image_urls[0]")
    equal(task_count(mount), 0)


def case_paths_of_every_form_lead_to_the_file(bench):
    mount = bench.mount(key=None)
    folder = mount.path(EDIT)
    os.mkdir(f"{folder}/sub")
    put(f"{folder}/sub/in.png", picture(1))
    put(f"{folder}/here.png", picture(2))
    for number, name in enumerate(
        ["here.png", "./here.png", "sub/in.png", "sub/../here.png", f"{folder}/here.png",
         "models/google/nano-banana-edit/here.png", "../nano-banana-edit/here.png"], 1
    ):
        write(f"{folder}/r{number}.json", json.dumps({"prompt": "x", "image_urls": [name]}))
        until(lambda number=number: number in tasks(mount), "its task")
        equal(meta(mount, number)["inputs"][0]["name"], name)
    write(f"{folder}/sub/up.json", json.dumps({"prompt": "x", "image_urls": ["../here.png"]}))
    until(lambda: task_count(mount) == 8, "the last task")


def case_a_refused_request_goes_on_when_its_file_arrives(bench):
    mount = bench.mount(key=None)
    folder = mount.path(EDIT)
    text = json.dumps({"prompt": "x", "image_urls": ["late.png"]})
    fails(errno.ENOENT, lambda: write(f"{folder}/r.json", text))
    equal(task_count(mount), 0)
    put(f"{folder}/other.png", picture())
    equal(task_count(mount), 0)
    put(f"{folder}/late.png", picture())
    until(lambda: task_count(mount) == 1, "the task")
    until(lambda: "r.error" not in names(folder) or "key" in read(f"{folder}/r.error"), "the error to go")


def case_a_prompt_waits_for_its_picture(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    folder = mount.path(EDIT)
    write(f"{folder}/cat.txt", "A hat.")
    until(lambda: "incomplete" in read(f"{folder}/cat.status"), "an incomplete task")
    contains(read(f"{folder}/cat.status"), "cat.png")
    equal(simulator.sent(), 0)
    mount.process.send_signal(signal.SIGKILL)
    mount.abandon()
    mount = bench.mount(simulator)
    folder = mount.path(EDIT)
    contains(read(f"{folder}/cat.status"), "incomplete", "cat.png")
    put(f"{folder}/half", picture())
    os.rename(f"{folder}/half", f"{folder}/cat.png")
    read(f"{folder}/cat.wait")
    equal(task_count(mount), 1)
    contains(request(mount, 1)["input"]["image_urls"][0], "http")


def case_half_a_prompt_is_not_sent(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    folder = mount.path(EDIT)
    write(f"{folder}/cat.txt", "A hat.")
    os.mkdir(f"{folder}/d")
    write(f"{folder}/d/defaults.json", json.dumps({"image_urls": ["me.png"]}))
    fails(errno.ENOENT, lambda: write(f"{folder}/d/r.txt", "A hat."))
    program = "import sys; f = open(sys.argv[1], 'w'); f.write(sys.argv[2]); f.flush(); print('ready', flush=True); sys.stdin.read()"
    for name, text, dies in ("cat.txt", "Half of", False), ("d/r.txt", "Half", False), ("cat.txt", "Half a", True):
        writer = subprocess.Popen(
            ["python3", "-c", program, f"{folder}/{name}", text],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        equal(writer.stdout.readline(), b"ready\n")
        if dies:
            mount.process.send_signal(signal.SIGKILL)
            mount.abandon()
        writer.kill()
        writer.wait()
        writer.stdin.close()
        writer.stdout.close()
        if not dies:
            error = f"{folder}/{name.split('.')[0]}.error"
            until(lambda: os.path.exists(error) and "signal 9" in read(error), "the word that it was not sent")
    mount = bench.mount(simulator)
    folder = mount.path(EDIT)
    put(f"{folder}/d/me.png", picture())
    put(f"{folder}/cat.png", picture(1))
    equal(task_count(mount), 1)
    equal(simulator.sent(), 0)
    write(f"{folder}/cat.txt", "A hat.")
    read(f"{folder}/cat.wait")
    equal(request(mount, 1)["input"]["prompt"], "A hat.")


def case_several_files_go_by_number(bench):
    mount = bench.mount(key=None)
    folder = mount.path(EDIT)
    for name in ["set-10.png", "set-2.png", "set.png", "set-1.jpg", "settle.png"]:
        put(f"{folder}/{name}", picture(len(name)))
    write(f"{folder}/set.txt", "All of them.")
    until(lambda: tasks(mount) == [1], "the task")
    got = [row["name"] for row in meta(mount, 1)["inputs"]]
    equal(got, ["set.png", "set-1.jpg", "set-2.png", "set-10.png"])


def case_a_dropped_file_is_a_request(bench):
    mount = bench.mount(bench.simulator())
    folder = mount.path(SINGLE)
    put(f"{folder}/photo.png", picture())
    read(f"{folder}/photo.wait")
    equal(task_count(mount), 1)
    contains(" ".join(names(folder)), "photo-1.png")
    put(f"{folder}/photo.png", picture())
    equal(task_count(mount), 1)
    put(f"{folder}/photo.png", picture(1))
    until(lambda: task_count(mount) == 2, "a task of the other bytes")
    read(f"{folder}/photo.wait")
    os.rename(f"{folder}/photo-1.png", f"{folder}/kept.png")
    equal(task_count(mount), 2)


def case_a_copied_result_is_no_request(bench):
    mount = bench.mount(bench.simulator())
    folder = mount.path(SINGLE)
    os.mkdir(f"{folder}/a")
    put(f"{folder}/a/photo.png", picture())
    read(f"{folder}/a/photo.wait")
    run(["cp", "-r", f"{folder}/a", f"{folder}/b"])
    read(f"{folder}/b/photo.wait")
    contains(" ".join(names(f"{folder}/b")), "photo-1.png", "photo-2.png")
    equal(task_count(mount), 2)


def case_a_dropped_file_may_be_renamed_into_place(bench):
    mount = bench.mount(bench.simulator())
    folder = mount.path(SINGLE)
    put(bench.path("photo.png"), picture())
    run(["rsync", "-a", bench.path("photo.png"), folder])
    read(f"{folder}/photo.wait")
    put(f"{folder}/other.png.part", picture(1))
    os.rename(f"{folder}/other.png.part", f"{folder}/other.png")
    read(f"{folder}/other.wait")
    equal([meta(mount, task)["inputs"][0]["name"] for task in (1, 2)], ["photo.png", "other.png"])
    equal(task_count(mount), 2)
    put(f"{folder}/words.png.part", b"no picture\n")
    fails(errno.EMEDIUMTYPE, lambda: os.rename(f"{folder}/words.png.part", f"{folder}/words.png"))


def case_a_file_of_a_request_does_not_run_alone(bench):
    mount = bench.mount(key=None)
    folder = mount.path(SINGLE)
    fails(errno.ENOENT, lambda: write(f"{folder}/r.json", json.dumps({"image": "photo.png"})))
    put(f"{folder}/photo.png", picture())
    until(lambda: task_count(mount) == 1, "the task of the request")
    equal(meta(mount, 1)["name"], "r.json")


def case_half_a_file_does_not_submit(bench):
    mount = bench.mount(key=None)
    folder = mount.path(SINGLE)
    half = "import sys; f = open(sys.argv[1], 'wb'); f.write(bytes.fromhex(sys.argv[2])); f.flush(); print('ready', flush=True); sys.stdin.read()"
    writer = subprocess.Popen(
        ["python3", "-c", half, f"{folder}/photo.png", picture().hex()],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    equal(writer.stdout.readline(), b"ready\n")
    writer.kill()
    writer.wait()
    writer.stdin.close()
    writer.stdout.close()
    until(lambda: "photo.error" in names(folder), "the word that it was not sent")
    contains(read(f"{folder}/photo.error"), "signal 9")
    equal(task_count(mount), 0)


def case_media_that_is_taken_nowhere_is_refused(bench):
    mount = bench.mount(bench.simulator())
    folder = mount.path(PLAIN)
    for name in ["a.png", "a.mp4", "a.mp3"]:
        fails(errno.EINVAL, lambda name=name: put(f"{folder}/{name}", b"x"))
    contains(read(mount.path(".kiefs/errors")), "a.png", "nowhere")
    put(f"{folder}/a.png.part", b"x")
    fails(errno.EINVAL, lambda: os.rename(f"{folder}/a.png.part", f"{folder}/a.png"))
    write(f"{folder}/kite.txt", "A kite.")
    read(f"{folder}/kite.wait")
    result = [name for name in names(folder) if name.startswith("kite.") and name != "kite.txt"][0]
    ending = result.rsplit(".", 1)[1]
    subprocess.run(["cp", f"{folder}/{result}", f"{folder}/copy.{ending}"], check=True)
    subprocess.run(["mv", f"{folder}/{result}", f"{folder}/moved.{ending}"], check=True)
    subprocess.run(["mv", f"{folder}/copy.{ending}", f"{folder}/again.{ending}"], check=True)
    equal(task_count(mount), 1)


if __name__ == "__main__":
    main()
