"""The same random operations in a model's directory and in a plain one: the same answers.

  test_names.py [--steps N] [--seed N]
"""

import argparse
import errno
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile

from rig import Rig

MODEL = "z-image"
# Scratch all of them: none becomes a request.
FILES = ("a.tmp", "b~", ".c", "d.part", "4913", "sedAbC123")
FOLDERS = ("one", "two")
GENERATED = {"README.md", "schema.json", "example.json", "defaults.json"}
SIZE_MAX = 20000


def shape(seen):
    """What must be the same of a stat; a folder's size and links are the filesystem's own."""
    folder = stat.S_ISDIR(seen.st_mode)
    return seen.st_mode, None if folder else (seen.st_size, seen.st_nlink)


class Pair:
    """The two directories; each step is done in both."""

    def __init__(self, ours, plain, rng):
        self.tops = (ours, plain)
        self.rng = rng
        self.handles = []  # pairs of descriptors, some of removed files

    def path(self):
        parts = [self.rng.choice(FOLDERS) for _ in range(self.rng.choice((0, 0, 1, 1, 2)))]
        parts.append(self.rng.choice(FILES + FOLDERS))
        return os.path.join(*parts)

    def both(self, what, call):
        """Does it in both; the results or errnos must be the same. None when it failed."""
        results = []
        for side, top in enumerate(self.tops):
            try:
                results.append((0, call(side, top)))
            except OSError as error:
                results.append((error.errno, None))
        ours, plain = results
        said = [errno.errorcode.get(number, "ok") for number, _ in results]
        assert ours[0] == plain[0], f"{what}: {said[0]}, wanted {said[1]}"
        return None if ours[0] else (ours[1], plain[1])

    def same(self, what, call):
        got = self.both(what, call)
        if got:
            assert got[0] == got[1], f"{what}: {got[0]!r:.200}, wanted {got[1]!r:.200}"

    def data(self):
        return self.rng.randbytes(self.rng.choice((0, 1, 17, 4096, self.rng.randrange(SIZE_MAX))))

    def create(self):
        path, data = self.path(), self.data()
        flags = os.O_WRONLY | os.O_CREAT | self.rng.choice((0, os.O_EXCL, os.O_TRUNC, os.O_APPEND))

        def call(_, top):
            file = os.open(os.path.join(top, path), flags, 0o644)
            try:
                return os.write(file, data)
            finally:
                os.close(file)

        self.same(f"create {path} {flags:#x}", call)

    def open(self):
        path = self.path()
        flags = self.rng.choice((os.O_RDONLY, os.O_RDWR, os.O_RDWR | os.O_CREAT))
        if len(self.handles) > 8:
            self.close()
        got = self.both(
            f"open {path} {flags:#x}", lambda _, top: os.open(os.path.join(top, path), flags, 0o600)
        )
        if not got:
            return
        self.handles.append(got)
        # A folder's handle is not of use; a removed one's stat is ENOENT in the mount.
        if stat.S_ISDIR(os.fstat(got[1]).st_mode):
            self.close(-1)

    def close(self, which=None):
        if self.handles:
            which = self.rng.randrange(len(self.handles)) if which is None else which
            for file in self.handles.pop(which):
                os.close(file)

    def handle(self):
        if not self.handles:
            return
        files = self.rng.choice(self.handles)
        at, data = self.rng.randrange(SIZE_MAX), self.data()
        what = self.rng.choice(("pwrite", "pread", "ftruncate", "fstat", "fsync"))
        calls = {
            "pwrite": lambda side, _: os.pwrite(files[side], data, at),
            "pread": lambda side, _: os.pread(files[side], 5000, at),
            "ftruncate": lambda side, _: os.ftruncate(files[side], at),
            "fstat": lambda side, _: shape(os.fstat(files[side])),
            "fsync": lambda side, _: os.fsync(files[side]),
        }
        self.same(f"{what} of an open file at {at}", calls[what])

    def truncate(self):
        path, size = self.path(), self.rng.randrange(SIZE_MAX)
        self.same(f"truncate {path} {size}", lambda _, top: os.truncate(f"{top}/{path}", size))

    def unlink(self):
        path = self.path()
        self.same(f"unlink {path}", lambda _, top: os.unlink(f"{top}/{path}"))

    def mkdir(self):
        path = self.path()
        self.same(f"mkdir {path}", lambda _, top: os.mkdir(f"{top}/{path}", 0o755))

    def rmdir(self):
        path = self.path()
        self.same(f"rmdir {path}", lambda _, top: os.rmdir(f"{top}/{path}"))

    def rename(self):
        old, new = self.path(), self.path()
        self.same(f"rename {old} {new}", lambda _, top: os.rename(f"{top}/{old}", f"{top}/{new}"))

    def chmod(self):
        path, mode = self.path(), self.rng.choice((0o600, 0o644, 0o755))
        self.same(f"chmod {path}", lambda _, top: os.chmod(f"{top}/{path}", mode))

    def utime(self):
        path, when = self.path(), self.rng.randrange(1 << 31)
        self.same(f"utime {path}", lambda _, top: os.utime(f"{top}/{path}", (when, when)))

    def look(self):
        path = self.path()

        self.same(f"stat {path}", lambda _, top: shape(os.stat(f"{top}/{path}")))

    def list(self):
        path = os.path.dirname(self.path())

        def call(_, top):
            return sorted(name for name in os.listdir(f"{top}/{path}") if name not in GENERATED)

        self.same(f"list {path or '.'}", call)

    def compare(self):
        """All names, kinds, modes, sizes and bytes."""

        def call(_, top):
            found = {}
            for folder, folders, files in os.walk(top):
                at = os.path.relpath(folder, top)
                for name in folders + files:
                    path = os.path.join(folder, name)
                    if at == "." and name in GENERATED:
                        continue
                    content = None
                    if name in files:
                        with open(path, "rb") as file:
                            content = file.read()
                    found[os.path.normpath(f"{at}/{name}")] = (os.stat(path).st_mode, content)
            return found

        self.same("the whole tree", call)

    def step(self):
        steps = (
            (self.create, 20), (self.open, 8), (self.close, 6), (self.handle, 20),
            (self.truncate, 5), (self.unlink, 8), (self.mkdir, 8), (self.rmdir, 6),
            (self.rename, 15), (self.chmod, 2), (self.utime, 2), (self.look, 5), (self.list, 5),
        )  # fmt: skip
        self.rng.choices([do for do, _ in steps], [weight for _, weight in steps])[0]()

    def finish(self):
        while self.handles:
            self.close()


def run(rig, plain, steps, rng):
    pair = Pair(rig.at("models", MODEL), plain, rng)
    try:
        for number in range(steps):
            try:
                pair.step()
                if number % 100 == 99:
                    pair.compare()
            except AssertionError as wrong:
                raise AssertionError(f"step {number}: {wrong}") from wrong
        pair.finish()
        # A new daemon knows the same.
        rig.end()
        rig.mount()
        pair.compare()
    finally:
        pair.finish()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    args = parser.parse_args()
    print(f"# --steps {args.steps} --seed {args.seed}", flush=True)
    plain = tempfile.mkdtemp(prefix="kiefs-plain-", dir="/dev/shm")
    try:
        with Rig(("--rate=0",)) as rig:
            rig.mount()
            run(rig, plain, args.steps, random.Random(args.seed))
            assert rig.rows("SELECT count(*) FROM task") == [(0,)]
            rig.end()
    finally:
        # The steps took rights away, also those to remove.
        subprocess.run(["chmod", "-R", "u+rwx", plain], check=True)
        shutil.rmtree(plain)


if __name__ == "__main__":
    sys.exit(main())
