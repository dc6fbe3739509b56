"""Names that are no requests: scratch of all kinds works as on any disk and never costs anything.
And what is not possible says so."""

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

# These touch a request's name and make no task.
NOTHING = [
    ("touch", "touch r.txt"),
    ("truncate", "truncate -s 0 r.txt"),
    ("empty", ": > r.txt"),
    ("blank", "printf ' \\n\\t\\n' > r.txt"),
    ("blank_json", "echo > r.json"),
    ("cp_empty", "cp /dev/null r.txt"),
    ("touch_existing_scratch", "echo x > t; touch t; chmod 600 t"),
    ("generated_names", "echo x > r.status.x; echo x > r.error.x"),
]


def refused(name, command, status, words):
    def check(bench):
        common = bench.common.open()
        folder = common.folder(f"refused-{name}")
        ended = run(command, status, cwd=folder)
        contains(ended.err, words)
        common.settled(0)

    return name, check


def nothing(name, command):
    def check(bench):
        common = bench.common.open()
        folder = common.folder(f"nothing-{name}")
        run(command, cwd=folder)
        common.settled(0)
        equal([entry for entry in names(folder) if entry.endswith((".error", ".status"))], [])

    return f"nothing_{name}", check


TABLE = (
    [scratch(name) for name in SCRATCH]
    + [refused(*row) for row in REFUSED if row[0] != "status_by_hand"]
    + [nothing(*row) for row in NOTHING]
)

if __name__ == "__main__":
    main(TABLE)
