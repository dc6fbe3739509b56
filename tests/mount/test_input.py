"""Bad input: each gets its own sentence, and nothing is sent or damaged."""

import json
import os
import shutil
import signal
import sqlite3

from mount import *

MODEL = "models/z-image"
REQUIRED = "models/bytedance/seedance-2"

# name, model, file, text, words of the error file
REQUESTS = [
    ("json_broken", MODEL, "r.json", '{\n  "prompt": "x",\n  "aspect_ratio": }\n', ["line 3", "column"]),
    ("json_cut", MODEL, "r.json", '{"prompt": "x"', ["line 1"]),
    ("json_twice", MODEL, "r.json", '{"prompt": "x"} {"prompt": "y"}', ["line 1"]),
    ("json_array", MODEL, "r.json", '["x"]', ["object"]),
    ("json_number", MODEL, "r.json", "5", ["object"]),
    ("wrong_type", MODEL, "r.json", '{"prompt": 5}', ["prompt", "5", "string"]),
    ("missing", MODEL, "r.json", '{"aspect_ratio": "1:1"}', ["prompt", "missing"]),
    ("enum", MODEL, "r.json", '{"prompt": "x", "aspect_ratio": "9:99"}', ["aspect_ratio", "9:99", "16:9"]),
    ("too_long", MODEL, "r.json", '{"prompt": "' + "x" * 1001 + '"}', ["prompt", "1000", "1001"]),
    ("prompt_too_long", MODEL, "r.txt", "x" * 1001, ["prompt", "1000", "1001"]),
    ("all_at_once", MODEL, "r.json", '{"aspect_ratio": "9:99", "nsfw_checker": "perhaps"}',
     ["prompt", "aspect_ratio", "9:99", "nsfw_checker", "perhaps"]),
    ("other_model", MODEL, "r.json", '{"model": "veo/generate", "input": {"prompt": "x"}}',
     ["veo/generate", "z-image"]),
    ("not_utf8", MODEL, "r.txt", b"A red \xff kite", ["UTF-8"]),
    ("range", "models/elevenlabs/text-to-speech-turbo-2-5", "r.json",
     '{"text": "x", "stability": 7}', ["stability", "7", "1"]),
]


def request(name, model, file, text, words):
    def check(bench):
        common = bench.common.open()
        folder = common.mount.path(model, f"input-{name}")
        os.mkdir(folder)
        source = bench.path("source")
        with open(source, "wb") as out:
            out.write(text if isinstance(text, bytes) else text.encode())
        ended = run(["cp", source, f"{folder}/{file}"], 1)
        contains(ended.err, "Invalid argument")
        error = read(f"{folder}/r.error")
        contains(error, *words)
        assert error.endswith("\n"), error
        contains(read(common.mount.path(".kiefs/errors")), error.splitlines()[0])
        equal(read_bytes(f"{folder}/{file}"), read_bytes(source))
        common.settled(0)

    return name, check


def case_huge_request(bench):
    mount = bench.mount()
    folder = mount.path(MODEL)
    with open(bench.path("huge"), "wb") as file:
        file.truncate(100 << 20)
    for program in ("cp {} r.json", "cat {} > r.txt", "dd if={} of=s.txt bs=1M status=none", "truncate -s 100M r.md"):
        contains(run(program.format(bench.path("huge")), 1, cwd=folder).err, "File too large")
    equal(tasks(mount), [])
    contains(read(mount.path(".kiefs/errors")), "16 MiB")
    run(["cp", bench.path("huge"), f"{folder}/scratch"])


def case_unknown_model(bench):
    mount = bench.mount()
    ended = run("cp /etc/hostname models/acme/new/r.txt", 1, cwd=mount.point)
    contains(ended.err, "No such file or directory")


def case_no_key_is_held_then_goes(bench):
    simulator = bench.simulator()
    key = bench.path("key")
    mount = bench.mount(simulator, key=None, api_key_file=key)
    mount.expected = f"kiefs: The key file {key} cannot be opened: No such file or directory. Requests are held until there is a key.\n"
    folder = mount.path(MODEL)
    for number in (1, 2):
        write(f"{folder}/r{number}.txt", f"Kite {number}.")
        until(lambda: tasks(mount, "held") == list(range(1, number + 1)), "held")
    contains(read(f"{folder}/r1.status"), "held")
    contains(read(f"{folder}/r1.error"), "key")
    contains(read(mount.path(".kiefs/log")), "key")
    contains(read(mount.path(".kiefs/stats")), "kiefs_key_present 0", 'kiefs_tasks{state="held"} 2')
    equal(simulator.total(), 0)
    write(key, KEY)
    os.chmod(key, 0o600)
    run("echo reload > .kiefs/control", cwd=mount.point)
    for number in (1, 2):
        read(f"{folder}/r{number}.wait")
    assert not os.path.exists(f"{folder}/r1.error")
    equal(simulator.sent(), 2)


def case_key_comes_with_sighup(bench):
    simulator = bench.simulator()
    key = bench.path("key")
    mount = bench.mount(simulator, key=None, api_key_file=key)
    folder = mount.path(MODEL)
    mount.expected = mount.words()
    write(f"{folder}/r.txt", "Kite.")
    until(lambda: tasks(mount, "held") == [1], "a held task")
    os.chmod(bench.file("key", KEY), 0o600)
    mount.process.send_signal(signal.SIGHUP)
    read(f"{folder}/r.wait")
    equal(simulator.sent(), 1)


def index(bench):
    """An index with a held task in it, closed."""
    mount = bench.mount(key=None)
    write(mount.path(MODEL, "r.txt"), "A red kite.")
    until(lambda: tasks(mount, "held") == [1], "a held task")
    equal(mount.unmount(), 0)
    bench.mounts.remove(mount)
    return bench.path("state/index.sqlite")


def snapshot(bench):
    return {
        name: read_bytes(bench.path("state", name))
        for name in names(bench.path("state"))
        if os.path.isfile(bench.path("state", name))
    }


def damaged(harm, words):
    def check(bench):
        path = index(bench)
        harm(path)
        before = snapshot(bench)
        bench.refused(path, *words)
        equal(snapshot(bench) == before, True, "nothing was touched")

    return check


def cut(path):
    os.truncate(path, os.path.getsize(path) // 2)


def spoil(path):
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"garbage " * 2048)


def overwrite(path):
    write(path, "This is no database at all.\n")


def replace_by_folder(path):
    os.unlink(path)
    os.mkdir(path)


def age(path):
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()


DAMAGED = [
    ("index_cut", damaged(cut, ["damaged"])),
    ("index_spoiled", damaged(spoil, ["damaged"])),
    ("index_garbage", damaged(overwrite, ["not a SQLite database"])),
    ("index_folder", damaged(replace_by_folder, ["not a SQLite database"])),
    ("index_newer", damaged(age, ["newer", "99"])),
]


def case_index_of_no_bytes_is_new(bench):
    path = index(bench)
    os.unlink(path)
    write(path, "")
    equal(tasks(bench.mount()), [])


def made(mount, name):
    """Makes a picture; its bytes, which are those that the service has."""
    path = write(mount.path(MODEL, f"{name}.txt"), f"A kite called {name}.")
    wait_done(path)
    record = json.loads(read(mount.path(MODEL, f"{name}.task/record.json")))
    [url] = json.loads(record["data"]["resultJson"])["resultUrls"]
    content = read_bytes(mount.path(MODEL, f"{name}.png"))
    equal(content == fetch(url), True, f"{name}.png is what was made")
    return content


def case_index_gone_and_restored(bench):
    """What was paid for stays in the store, and no new task takes its place."""
    simulator, store = bench.simulator(), bench.path("store/results/0")

    def life(work):
        mount = bench.mount(simulator)
        content = work(mount)
        log = read(mount.path(".kiefs/log"))
        equal(mount.unmount(), 0)
        bench.mounts.remove(mount)
        return content, log

    first, log = life(lambda mount: made(mount, "first"))
    equal("the store holds files" in log, False, log)
    shutil.copytree(bench.path("state"), bench.path("backup"))
    second, log = life(lambda mount: made(mount, "second"))
    equal("the store holds files" in log, False, log)
    shutil.rmtree(bench.path("state"))
    third, log = life(lambda mount: made(mount, "third"))
    contains(log, "the store holds files")
    shutil.rmtree(bench.path("state"))
    shutil.copytree(bench.path("backup"), bench.path("state"))
    fourth, log = life(lambda mount: made(mount, "fourth"))
    contains(log, "the store holds files")
    for task, content in enumerate((first, second, third, fourth), 1):
        equal(read_bytes(f"{store}/{task}-1") == content, True, f"result of task {task}")
    equal(life(lambda mount: tasks(mount))[0], [1, 4])


def case_mount_point_missing(bench):
    ended = run([bench.kiefs, "-f", "-o", f"state={bench.path('s')},store={bench.path('d')}",
                 bench.path("none")], 1, env=bench.env)
    equal(ended.err.count("\n"), 1, ended.err)
    contains(ended.err, bench.path("none"), "No such file", "mkdir")


def case_mount_point_not_empty(bench):
    bench.folder("kie")
    bench.file("kie/letter", "mine")
    bench.refused(bench.path("kie"), "not empty")
    equal(read(bench.path("kie/letter")), "mine")


def case_mount_point_a_file(bench):
    ended = run([bench.kiefs, "-f", "-o", f"state={bench.path('s')},store={bench.path('d')}",
                 bench.file("f", "")], 1, env=bench.env)
    equal(ended.err.count("\n"), 1, ended.err)
    contains(ended.err, "not a directory")


def case_mount_point_in_use(bench):
    bench.mount()
    bench.refused("already mounted", "fusermount3 -u", state=bench.path("s2"), store=bench.path("d2"))


def case_mount_of_a_dead_daemon(bench):
    mount = bench.mount()
    mount.process.kill()
    mount.process.wait()
    bench.refused("fusermount3 -u", mount.point, state=bench.path("s2"), store=bench.path("d2"))
    run(["fusermount3", "-u", mount.point])
    bench.mounts.remove(mount)
    equal(tasks(bench.mount()), [])


def case_second_daemon(bench):
    mount = bench.mount()
    bench.refused("Another kiefs", bench.path("state"), name="second")
    bench.refused("Another kiefs", bench.path("store"), name="second", state=bench.path("s2"))
    equal(tasks(mount), [])


def case_options(bench):
    for options, words in [
        ("poll_rat=5", ["poll_rat", "poll_rate"]),
        ("nonsense", ["nonsense"]),
        ("submit_rate=0", ["submit_rate", "1 to 256"]),
        ("submit_rate=many", ["many"]),
        ("max_result_size=5Q", ["5Q"]),
        ("validate=perhaps", ["perhaps", "strict"]),
        ("base_url=http://example.com", ["https"]),
        ("ro", ["ro"]),
        ("store=", ["store"]),
    ]:
        ended = run([bench.kiefs, "-f", "-o", options, bench.folder("kie")], 2, env=bench.env)
        contains(ended.err, "kiefs: ", *words)
        equal(ended.err.count("\n"), 1, ended.err)
    contains(run([bench.kiefs], 2, env=bench.env).err, "mount point")
    contains(run([bench.kiefs, "--help"], env=bench.env).out, "usage", "submit_rate")
    contains(run([bench.kiefs, "--version"], env=bench.env).out, "kiefs ")


def case_key_file_open_to_others(bench):
    key = bench.file("key", KEY)
    os.chmod(key, 0o644)
    said = bench.refused(key, "chmod 600", key=None, api_key_file=key)
    assert KEY not in said, said


def case_control_words(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    contains(run("echo explode > .kiefs/control", 1, cwd=mount.point).err, "Invalid argument")
    contains(read(mount.path(".kiefs/errors")), "explode", "reload")
    write(mount.path(MODEL, "r.txt"), "A red kite.")
    until(lambda: tasks(mount) == [1], "a task")
    read(mount.path(MODEL, "r.wait"))
    for word in ("resend", "retry", "cancel", "nonsense"):
        contains(run(f"echo {word} > tasks/all/1/control", 1, cwd=mount.point).err, "Invalid argument")
        contains(read(mount.path(".kiefs/errors")).splitlines()[-1], word)
    equal(simulator.sent(), 1)


TABLE = [request(*row) for row in REQUESTS] + DAMAGED

if __name__ == "__main__":
    main(TABLE)
