"""Names that are no requests: scratch of all kinds works as on any disk and never costs anything.
And what is not possible says so."""

import json
import os
import stat

from mount import *

SCRATCH = [
    ".r.txt.swp", ".r.txt.swx", "r.txt~", "4913", "sedAbC123", "tmpabcd1234", ".goutputstream-XYZ123",
    "._r.txt", ".DS_Store", "Thumbs.db", "r.txt.part", "r.lock", ".hidden.txt", ".hidden.json",
    "r.txt.bak", "#r.txt#", "notes", "r.TXT.orig", ".r.json.AbC123", "r.txt.crdownload",
]
SETATTR = "setfattr -n user.note -v word NAME && getfattr --only-values -n user.note NAME"


def scratch(name):
    def check(bench):
        common = bench.common.open()
        folder = common.folder(f"scratch-{SCRATCH.index(name)}")
        path = f"{folder}/{name}"
        write(path, "A red kite.")
        equal(read(path), "A red kite.")
        equal(os.stat(path).st_size, 11)
        with open(path, "a", encoding="utf-8") as file:
            file.write(" Two.")
        equal(read(path), "A red kite. Two.")
        os.truncate(path, 5)
        equal(read(path), "A red")
        os.chmod(path, 0o600)
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        os.utime(path, ns=(10**18, 10**18 + 5))
        equal(os.stat(path).st_mtime_ns, 10**18 + 5)
        os.setxattr(path, "user.note", b"word")
        equal(os.getxattr(path, "user.note"), b"word")
        equal(os.listxattr(path), ["user.note"])
        os.removexattr(path, "user.note")
        equal(os.listxattr(path), [])
        with open(path, "r+b") as file:
            os.unlink(path)
            file.write(b"still")
            file.seek(0)
            equal(file.read(), b"still")
            equal(os.fstat(file.fileno()).st_size, 5)
        equal(names(folder), [])
        write(path, "A red kite.")
        os.rename(path, f"{folder}/.other")
        os.replace(f"{folder}/.other", path)
        equal(names(folder), [name])
        with open(path, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 4096)
        equal(os.stat(path).st_size, 4096)
        os.unlink(path)
        os.rmdir(folder)
        common.settled(0)

    return f"scratch_{name}", check


# name, command, exit status, words
REFUSED = [
    ("symlink", "ln -s /etc/hostname x.txt", 1, "Operation not permitted"),
    ("hard_link", "echo x > t; ln t x.txt", 1, "Operation not permitted"),
    ("fifo", "mkfifo x.txt", 1, "Operation not permitted"),
    ("chown", "echo x > t; chown 12345 t", 1, "Operation not permitted"),
    ("mv_folder_into_itself", "mkdir -p a/b; mv a a/b", 1, "subdirectory of itself"),
    ("rmdir_full", "mkdir a; echo x > a/t; rmdir a", 1, "Directory not empty"),
    ("mkdir_twice", "mkdir a; mkdir a", 1, "File exists"),
    ("rm_folder", "mkdir a; rm a", 1, "Is a directory"),
    ("long_name", "touch $(printf 'x%.0s' {1..256})", 1, "File name too long"),
    ("status_by_hand", "echo x > README.md", 1, "Read-only file system"),
]

def refused(name, command, status, words):
    def check(bench):
        common = bench.common.open()
        folder = common.folder(f"refused-{name}")
        ended = run(command, status, cwd=folder)
        contains(ended.err, words)
        common.settled(0)

    return name, check


# Names of requests, without their extension.
ODD = [
    ("utf8", "Ein groß\u00e9r Drachen 🐉"), ("composed", "caf\u00e9"), ("decomposed", "cafe\u0301"),
    ("spaces", "  a  kite "), ("quotes", "it's \"red\" `x` $HOME"), ("newline", "a kite\nof two lines"),
    ("tab", "a\tkite"), ("escape", "\x1b[31mred"), ("right_to_left", "\u202etik"),
    ("backslash", "a\\nb"), ("dash", "-rf"), ("dashes", "--help"), ("stars", "*?[a-z]"),
    ("percent", "100%s%n%%"), ("shell", "a;touch x&|<>(b)"), ("colon", "a:b"), ("hash", "#1"),
    ("dots", "a..b."), ("double", "r.json"), ("temporary", "tmp"), ("number", "4913"),
    ("not_utf8", os.fsdecode(b"caf\xe9")), ("status", "r.status"), ("wait", "r.wait"),
]


def odd(name, stem):
    def check(bench):
        common = bench.common.open()
        folder = common.folder(f"odd-{name}")
        path = f"{folder}/{stem}.txt"
        ended = run(["cp", bench.file("long", "kite " * 300), path], 1)
        contains(ended.err, "Invalid argument")
        contains(read(f"{folder}/{stem}.error"), "1000")
        run(["cp", bench.file("short", "A red kite."), path])
        line = wait_done(f"{folder}/{stem}.txt")
        contains(line, "done")
        common.settled(1)
        until(lambda: names(folder) == sorted([f"{stem}.png", f"{stem}.txt"]),
              lambda: f"request and result: {names(folder)}")
        equal(read_bytes(f"{folder}/{stem}.png")[:8], PNG)
        contains(read(f"{folder}/{stem}.task/request.json"), "A red kite.")
        told = json.loads(read(f"{folder}/{stem}.task/meta.json"))
        equal(told["state"], "done")
        if name != "not_utf8":  # JSON cannot hold that
            equal(told["name"], f"{stem}.txt")
        # Whatever is in a name, what is told of it are lines that begin with the time.
        for place in (".kiefs/errors", ".kiefs/log"):
            for line in read_bytes(common.mount.path(place)).split(b"\n")[:-1]:
                assert line.startswith(b"20") and b"\x1b" not in line, line
        run(["rm", "-r", folder])

    return f"odd_{name}", check


# Stems for which `.status` or `-1.png` would be too long a name, and what is made of them instead.
LONG = [
    ("longest", "x" * 251, "x" * 249, "x" * 251),
    ("longest_utf8", "ü" * 125 + "x", "ü" * 124, "ü" * 125 + "x"),
    ("room_for_error", "x" * 249, "x" * 249, "x" * 249),
]


def long(name, stem, cut, whole):
    def check(bench):
        common = bench.common.open()
        folder = common.folder(f"long-{name}")
        path = f"{folder}/{stem}.txt"
        for text in ("kite " * 300, "kite " * 301):
            contains(run(["cp", bench.file("long", text), path], 1).err, "Invalid argument")
            equal(names(folder), sorted([f"{cut}.error", f"{stem}.txt"]))
            contains(read(f"{folder}/{cut}.error"), str(len(text) - 1))
        results = []
        for turn in ("One.", "Two.", "Three."):
            run(["cp", bench.file("short", turn), path])
            read(f"{folder}/{stem}.task/wait")
            common.settled(1)
            number = f"-{len(results)}" if results else ""
            number = number and f"-{len(results) + 1}"
            results.append(whole[:len(whole) - max(0, len(f"{whole}{number}.png".encode()) - 255)])
            results[-1] += f"{number}.png"
            until(lambda: names(folder) == sorted([*results, f"{stem}.txt"]),
                  lambda: f"{results} in {names(folder)}")
        run(["rm", "-r", folder])

    return f"long_{name}", check


def case_case_twins(bench):
    """Upper and lower case are two names."""
    common = bench.common.open()
    folder = common.folder("twins")
    for stem in ("kite", "Kite", "KITE"):
        run(["cp", bench.file("source", f"A {stem}."), f"{folder}/{stem}.txt"])
    for stem in ("kite", "Kite", "KITE"):
        wait_done(f"{folder}/{stem}.txt")
        contains(read(f"{folder}/{stem}.task/request.json"), f"A {stem}.")
    run(["cp", bench.file("source", "A shout."), f"{folder}/r.TXT"])
    wait_done(f"{folder}/r")
    common.settled(4)
    until(lambda: names(folder) == sorted(["KITE.png", "KITE.txt", "Kite.png", "Kite.txt",
                                           "kite.png", "kite.txt", "r.TXT", "r.png"]),
          lambda: f"all in {names(folder)}")


def case_names_of_generated_files(bench):
    """What the mount would call a file of its own is there already, or is asked for."""
    common = bench.common.open()
    folder = common.folder("generated")
    mine = ["r.status", "r.error", "r.md", "r-1.status"]
    for name in ("r.status", "r.error", "r-1.status"):
        write(f"{folder}/{name}", f"My {name}.")
    run(["cp", bench.file("long", "kite " * 300), f"{folder}/r.txt"], 1)
    contains(read(f"{folder}/r-1.error"), "1000")
    run(["cp", bench.file("short", "A red kite."), f"{folder}/r.txt"])
    wait_done(f"{folder}/r.txt")
    common.settled(1)
    until(lambda: names(folder) == ["r-1.status", "r.error", "r.png", "r.status", "r.txt"],
          lambda: f"mine and r.png: {names(folder)}")
    for name in ("r.status", "r.error", "r-1.status"):
        equal(read(f"{folder}/{name}"), f"My {name}.")
    for name in ("README.md", "schema.json", "example.json"):
        path = common.mount.path("models/z-image", name)
        for command in (["cp", bench.file("x", "x"), path], ["mv", bench.file("x", "x"), path]):
            contains(run(command, 1).err, denied("Read-only file system"))
        contains(run(["rm", "-f", path], 1).err, denied("Read-only file system"))
    common.settled(0)


MANY = 2000


def case_thousands_in_a_folder(bench):
    """Scratch, and requests that wait, each with its status."""
    mount = bench.mount(key=None)
    folder = mount.path("models/z-image/many")
    os.mkdir(folder)
    for number in range(MANY):
        write(f"{folder}/{number:05}.part", "x")
    for number in range(MANY // 10):
        write(f"{folder}/r{number:05}.txt", f"Kite {number}.")
    wanted = [f"{number:05}.part" for number in range(MANY)]
    for number in range(MANY // 10):
        wanted += [f"r{number:05}.{end}" for end in ("error", "status", "txt")]
    until(lambda: names(folder) == sorted(wanted), lambda: f"all of {len(names(folder))}")
    equal(len(run(["find", folder, "-type", "f"]).out.splitlines()), len(wanted))
    equal(len(run(["ls", "-f", "-1", folder]).out.splitlines()), len(wanted) + 2)
    equal(len(run(["ls", "-l", folder]).out.splitlines()), len(wanted) + 1)
    run(["rm", "-r", folder])
    equal(len(os.listdir(mount.path("models/z-image"))), 4)
    equal(tasks(mount, "held"), [])


TABLE = (
    [scratch(name) for name in SCRATCH]
    + [refused(*row) for row in REFUSED if row[0] != "status_by_hand"]
    + [odd(*row) for row in ODD]
    + [long(*row) for row in LONG]
)

if __name__ == "__main__":
    main(TABLE)
