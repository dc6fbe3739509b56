"""A large film: cut in the middle, resumed, streamed to disk, read by seeks while others work.

  test_film.py [--size SIZE] [--rss KIB]
"""

import argparse
import hashlib
import os
import random
import shutil
import sys
import threading

from rig import Rig

MODEL = "bytedance/v1-lite-text-to-video"
UNITS = {"k": 1 << 10, "M": 1 << 20, "G": 1 << 30}
BLOCK = 1 << 20


def digest_of(path):
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            sha.update(block)
    return sha.hexdigest()


class Others:
    """Readers that seek, and one that lists, until the second film is there."""

    def __init__(self, rig, film, stored):
        self.rig, self.film, self.stored = rig, film, stored
        self.over = threading.Event()
        self.failure = None
        self.reads = self.listings = 0
        runs = [lambda n=n: self.seek(n) for n in range(3)] + [self.list]
        self.threads = [threading.Thread(target=self.guard, args=(run,)) for run in runs]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *failure):
        self.over.set()
        for thread in self.threads:
            thread.join()
        if self.failure:
            raise self.failure

    def guard(self, run):
        try:
            run()
        except BaseException as failure:
            self.failure = failure

    def seek(self, number):
        rng = random.Random(number)
        size = os.path.getsize(self.stored)
        # Past the page cache's reach every now and then: other offsets each time.
        with open(self.film, "rb") as seen, open(self.stored, "rb") as kept:
            while not self.over.is_set():
                at = rng.choice((0, size - BLOCK // 2, rng.randrange(size)))
                seen.seek(at)
                kept.seek(at)
                assert seen.read(BLOCK) == kept.read(BLOCK), f"other bytes at {at}"
                self.reads += 1

    def list(self):
        while not self.over.is_set():
            os.listdir(self.rig.at("tasks/all"))
            for name in os.listdir(self.rig.at("models", MODEL)):
                try:
                    os.stat(self.rig.at("models", MODEL, name))
                except FileNotFoundError:
                    pass  # a status that has gone
            self.listings += 1


def check_film(rig, task, size):
    meta = rig.meta(task)
    result = meta["results"][0]
    assert meta["state"] == "done" and result["size"] == size, meta
    assert os.stat(rig.at("tasks/all", str(task), result["file"])).st_size == size
    return result["sha256"]


def run(rig, size):
    # Every answer to a download ends here; after that the others run to their end.
    rig.sim.fault(kind="truncate", bytes=size // 2 + 12345)
    rig.mount()
    rig.write("a long film", "models", MODEL, "one.txt")
    assert rig.read("models", MODEL, "one.wait")
    film = rig.at("models", MODEL, "one.mp4")
    stored = rig.path("store/results/0/1-1")
    digest = check_film(rig, 1, size)
    assert digest_of(film) == digest
    log = rig.read("tasks/all/1/log").decode()
    assert f"cut at {size // 2 + 12345} bytes, resumed" in log, log
    with Others(rig, film, stored) as others:
        rig.write("another one", "models", MODEL, "two.txt")
        assert rig.read("models", MODEL, "two.wait")
    check_film(rig, 2, size)
    assert others.reads and others.listings
    return others


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", default="256M")
    parser.add_argument("--rss", type=int, help="most KiB of memory the daemon may ever have")
    args = parser.parse_args()
    size = int(args.size[:-1]) * UNITS[args.size[-1]]
    free = shutil.disk_usage(os.environ.get("KIEFS_TEST_DIR", "/tmp")).free
    assert free > 3 * size, f"{3 * size} bytes of disk are needed, {free} are free"
    with Rig(("--rate=0", "--task-ms=0", f"--result-bytes={size}")) as rig:
        others = run(rig, size)
        seconds, peak = rig.usage()
        rig.end()
    print(f"# 2 x {size} bytes, {others.reads} reads and {others.listings} listings meanwhile")
    print(f"# peak memory {peak} KiB, {seconds:.1f} s of processor time")
    assert not args.rss or peak <= args.rss, f"{peak} KiB of memory"


if __name__ == "__main__":
    sys.exit(main())
