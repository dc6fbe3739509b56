"""Everything at once for some seconds, then the mount goes while readers wait: for a build with
-Db_sanitize=thread.

  test_threads.py [--seconds N] [--seed N]
"""

import argparse
import errno
import os
import random
import signal
import subprocess
import sys
import threading

from rig import Rig

MODELS = ("z-image", "grok-imagine/text-to-image")
WORKERS = 4
WAITERS = 3
# Names come and go while others look; a removed request's wait ends; a refused write says EINVAL.
EXPECTED = {errno.ENOENT, errno.ENODATA, errno.EIO, errno.EINVAL, errno.EEXIST, errno.EISDIR}
GOING = EXPECTED | {errno.ECONNABORTED, errno.ECONNREFUSED, errno.ENOTCONN, errno.EINTR, errno.ENODEV}


class Crowd:
    def __init__(self, rig, seed):
        self.rig = rig
        self.over = threading.Event()
        self.failure = None
        self.done = 0
        self.threads = [
            threading.Thread(target=self.run, args=(n, random.Random(seed + n)))
            for n in range(WORKERS)
        ]

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

    def run(self, number, rng):
        steps = (
            self.write, self.write, self.refused, self.rename, self.remove, self.list, self.read,
            self.tasks, self.wait, self.control, self.xattr, self.scratch,
        )  # fmt: skip
        try:
            while not self.over.is_set():
                try:
                    rng.choice(steps)(number, rng)
                except OSError as error:
                    if error.errno not in EXPECTED:
                        raise
                self.done += 1
        except BaseException as failure:
            self.failure = failure
            self.over.set()

    def path(self, rng, extension):
        return self.rig.at("models", rng.choice(MODELS), f"r{rng.randrange(20)}{extension}")

    def write(self, number, rng):
        with open(self.path(rng, ".txt"), "w", encoding="utf-8") as file:
            file.write(f"{number} {rng.randrange(1000)}\n")

    def refused(self, number, rng):
        with open(self.path(rng, ".json"), "w", encoding="utf-8") as file:
            file.write('{"prompt": 5, "aspect_ratio": "9:1"}')

    def rename(self, number, rng):
        aside = self.path(rng, f".{number}.part")
        with open(aside, "w", encoding="utf-8") as file:
            file.write(f"renamed {rng.randrange(1000)}\n")
        os.rename(aside, self.path(rng, ".txt"))

    def remove(self, number, rng):
        os.unlink(self.path(rng, rng.choice((".txt", ".json", ".png", "-2.png"))))

    def list(self, number, rng):
        folder = self.rig.at(rng.choice(("models/z-image", "tasks/active", "tasks/done", ".kiefs")))
        for entry in os.scandir(folder):
            entry.stat(follow_symlinks=False)

    def read(self, number, rng):
        name = rng.choice((".kiefs/stats", ".kiefs/log", ".kiefs/errors", "models/z-image/README.md"))
        self.rig.read(name)

    def tasks(self, number, rng):
        task = self.rig.at("tasks/all", str(rng.randrange(1, 200)))
        for name in os.listdir(task):
            if name not in ("wait", "control"):
                with open(os.path.join(task, name), "rb") as file:
                    file.read()

    def wait(self, number, rng):
        if number == 0:
            self.rig.read(self.path(rng, ".wait"))

    def control(self, number, rng):
        self.rig.daemon.send_signal(signal.SIGHUP)
        self.rig.write(rng.choice(("poll", "retry", "resend")), "tasks/latest/control")

    def xattr(self, number, rng):
        path = self.path(rng, ".txt")
        for name in os.listxattr(path):
            os.getxattr(path, name)

    def scratch(self, number, rng):
        folder = self.rig.at("models/z-image", f"folder{number}")
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/a.tmp", "w+b") as file:
            file.write(rng.randbytes(5000))
            file.truncate(100)
            os.unlink(f"{folder}/a.tmp")
        os.rmdir(folder)


def park(rig, failures):
    """Readers of a task that never ends; the mount's end must answer them."""

    def read():
        try:
            rig.read("models/z-image/stuck.wait")
            failures.append("a task that never ends has ended")
        except OSError as error:
            if error.errno not in GOING:
                failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(WAITERS)]
    for thread in threads:
        thread.start()
    return threads


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    args = parser.parse_args()
    print(f"# --seconds {args.seconds} --seed {args.seed}", flush=True)
    options = {"submit_rate": 256, "max_running": 1000, "poll_rate": 500}
    failures = []
    with Rig(("--rate=0", "--task-ms=50", "--credits=1e9"), **options) as rig:
        rig.mount()
        with Crowd(rig, args.seed) as crowd:
            crowd.over.wait(args.seconds)
        rig.write("sim:stuck", "models/z-image/stuck.txt")
        parked = park(rig, failures)
        rig.wait_until(lambda: rig.rows("SELECT 1 FROM task WHERE name = 'stuck.txt'"), 30, "sent")
        rig.end()
        for thread in parked:
            thread.join()
        # And the way a user unmounts.
        rig.mount()
        subprocess.run(["fusermount3", "-u", rig.mnt], check=True)
        assert rig.daemon.wait(timeout=30) == 0
        rig.daemon = None
    assert not failures, failures
    print(f"# {crowd.done} operations")


if __name__ == "__main__":
    sys.exit(main())
