"""Figures of a mount, against a reference of the same run. A release build, please.

  mount.py polls|names|files|many|spend|callback [--tasks N] [--seconds N]

KIEFS and KIEFS_SIM name the programs, KIEFS_SIM_TESTS the folder tests/sim.
"""

import argparse
import os
import random
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "crash"))
from rig import Rig  # noqa: E402

MODEL = "z-image"
BODY = '{"model":"z-image","input":{"prompt":"a kite","aspect_ratio":"1:1"}}'
BLOCK = 1 << 20


def timed(what, call, times=1):
    began = time.perf_counter()
    for _ in range(times):
        call()
    seconds = (time.perf_counter() - began) / times
    print(f"{what:<48} {seconds * 1e3:10.3f} ms", flush=True)
    return seconds


def ratio(what, ours, reference):
    print(f"{what:<48} {ours / reference:10.2f} x", flush=True)


def make_tables(rig):
    rig.mount()
    rig.end()


def add_tasks(rig, count, state, remote_ids=None):
    """Rows as the daemon would have written them, each with a result and a line of its log."""
    now = int(time.time() * 1000)
    index = sqlite3.connect(rig.index)
    with index:
        index.executemany(
            "INSERT INTO task (id, state, model, dir, name, attached, source_sha, remote_id, due_ms,"
            " created_ms, submitted_ms, ended_ms, body) VALUES (?,?,?,1,?,0,?,?,?,?,?,?,?)",
            (
                (n, state, MODEL, f"r{n}.txt", f"{n:064x}",
                 remote_ids[n - 1] if remote_ids else f"{n:032x}", now, now, now,
                 now if state == "done" else 0, BODY)
                for n in range(1, count + 1)
            ),  # fmt: skip
        )
        if state == "done":
            index.executemany(
                "INSERT INTO result (task, idx, kind, value, whole, due_ms, extension, mime, size)"
                " VALUES (?, 1, 1, 'https://x.example/a.png', 1, 0, 'png', 'image/png', 1000)",
                ((n,) for n in range(1, count + 1)),
            )
        index.executemany(
            "INSERT INTO log (task, at_ms, text) VALUES (?, ?, 'done')",
            ((n, now) for n in range(1, count + 1)),
        )
    index.close()


def memory(rig):
    with open(f"/proc/{rig.daemon.pid}/status", encoding="utf-8") as file:
        lines = dict(line.split(":", 1) for line in file)
    return int(lines["VmRSS"].split()[0])


def polls(args):
    with Rig(("--rate=0", "--task-ms=1000000000", "--credits=1e9"), max_running=100000) as rig:
        ids = [rig.sim.task() for _ in range(args.tasks or 5000)]
        make_tables(rig)
        add_tasks(rig, len(ids), "running", ids)
        rig.mount()
        before, began = rig.usage()[0], time.monotonic()
        time.sleep(args.seconds)
        after, passed = rig.usage()[0], time.monotonic() - began
        share = 100 * (after - before) / passed
        stats = rig.read(".kiefs/stats").decode()
        print(f"{len(ids)} running tasks, {passed:.0f} s: {share:.2f} % of a core")
        print("\n".join(line for line in stats.splitlines() if line.startswith("kiefs_poll")))
        rig.end()


def names(args):
    files = 10000
    with Rig(("--rate=0",)) as rig:
        make_tables(rig)
        add_tasks(rig, args.tasks or 100000, "done")
        plain = rig.path("plain")
        os.mkdir(plain)
        rig.mount()
        ours = rig.at("models", MODEL)
        took = {}
        for folder in (plain, ours):
            def make(folder=folder):
                for n in range(files):
                    with open(f"{folder}/n{n}.tmp", "w", encoding="utf-8") as file:
                        file.write("x")

            took[folder, "make"] = timed(f"create, write, close {files} in {folder[-14:]}", make)
            for what, command in (("stat", ["ls", "-l"]), ("names", ["ls", "-f"])):
                took[folder, what] = timed(
                    f"{' '.join(command)} of {files} in {folder[-14:]}",
                    lambda c=command, f=folder: subprocess.run(
                        [*c, f], stdout=subprocess.DEVNULL, check=True
                    ),
                    3,
                )
            took[folder, "one"] = timed(
                f"stat of one in {folder[-14:]}", lambda f=folder: os.stat(f"{f}/n5.tmp"), 10000
            )

            def read(folder=folder):
                with open(f"{folder}/n5.tmp", "rb") as file:
                    file.read()

            took[folder, "read"] = timed(f"open, read, close in {folder[-14:]}", read, 2000)
        for what in ("make", "stat", "names", "one", "read"):
            ratio(f"{what}: mount against plain directory", took[ours, what], took[plain, what])
        count = iter(range(1 << 30))
        timed(
            "create, write, close of a request",
            lambda: rig.write(f"kite {next(count)}", "models/bytedance/seedream", f"q{next(count)}.txt"),
            500,
        )
        timed("ls of tasks/all", lambda: os.listdir(rig.at("tasks/all")))
        timed("ls -l of tasks/all", lambda: subprocess.run(
            ["ls", "-l", rig.at("tasks/all")], stdout=subprocess.DEVNULL, check=True))  # fmt: skip
        print(f"memory {memory(rig)} KiB, peak {rig.usage()[1]} KiB")
        rig.end()


def read_all(path):
    with open(path, "rb", buffering=0) as file:
        while file.read(BLOCK):
            pass


def read_some(path, rng):
    size = os.path.getsize(path)
    with open(path, "rb", buffering=0) as file:
        for _ in range(2000):
            file.seek(rng.randrange(size - 65536))
            file.read(65536)


def drop_cache(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def files(args):
    with Rig(("--rate=0", "--task-ms=0", "--result-bytes=512M")) as rig:
        rig.mount()
        rig.write("a film", "models/bytedance/v1-lite-text-to-video/a.txt")
        rig.read("models/bytedance/v1-lite-text-to-video/a.wait")
        ours = rig.at("models/bytedance/v1-lite-text-to-video/a.mp4")
        stored = rig.path("store/results/0/1-1")
        # The store's file is in the page cache for both: what is measured is the way through.
        read_all(stored)
        for what, call in (
            ("all of 512 MiB", read_all),
            ("2000 x 64 KiB at random", lambda path: read_some(path, random.Random(1))),
        ):
            drop_cache(ours)
            took = timed(f"mount: {what}, first time", lambda: call(ours))
            again = timed(f"mount: {what}, again", lambda: call(ours))
            plain = timed(f"store: {what}", lambda: call(stored))
            ratio(f"{what}, first time against the store", took, plain)
            ratio(f"{what}, again against the store", again, plain)
        rig.end()


def many(args):
    with Rig(("--rate=0",)) as rig:
        make_tables(rig)
        count = args.tasks or 1000000
        timed(f"(making {count} rows)", lambda: add_tasks(rig, count, "done"))
        print(f"index: {os.path.getsize(rig.index) >> 20} MiB")
        timed("mount", rig.mount)
        print(f"memory after mounting {memory(rig)} KiB")
        timed("end", rig.end)
        timed("mount after an orderly end", rig.mount)
        rig.kill()
        rig.unmount()
        timed("mount after a kill", rig.mount)
        timed("stats", lambda: rig.read(".kiefs/stats"))
        timed("stat of one task", lambda: os.stat(rig.at("tasks/all", str(count // 2))))
        timed("ls -f of tasks/all", lambda: subprocess.run(
            ["ls", "-f", rig.at("tasks/all")], stdout=subprocess.DEVNULL, check=True))  # fmt: skip
        print(f"memory {memory(rig)} KiB, peak {rig.usage()[1]} KiB")
        rig.end()


def spend(args):
    """A million charges over three years and all models of a busy account."""
    with Rig(("--rate=0",)) as rig:
        make_tables(rig)
        count = args.tasks or 1000000
        day = int(time.time() // 86400)
        index = sqlite3.connect(rig.index)
        with index:
            index.executemany(
                "INSERT INTO charge (task, day, model, estimate, credits) VALUES (?,?,?,?,?)",
                ((n, day - n % 1000, f"acme/model-{n % 50}", 0.8, 0.8 if n % 3 else -1)
                 for n in range(1, count + 1)),  # fmt: skip
            )
        index.close()
        rig.mount()
        timed(f"account/spend.csv of {count} charges", lambda: rig.read("account/spend.csv"), 5)
        rows = rig.read("account/spend.csv").count(b"\n") - 1
        print(f"{rows} rows")
        timed("account/limits", lambda: rig.read("account/limits"), 20)
        timed("stat of account/spend.csv", lambda: os.stat(rig.at("account/spend.csv")), 5)
        rig.end()


def callback(args):
    """From the simulator's posting to the result's name being there, by the wall clock."""
    took = []
    with Rig(("--rate=0", "--task-ms=1200"), callback_listen="0") as rig:
        rig.mount()
        # The work of making a picture is the simulator's, and cached by its words.
        rig.write("a kite", f"models/{MODEL}/warm.txt")
        rig.read(f"models/{MODEL}/warm.wait")
        for n in range(args.tasks or 50):
            place = f"models/{MODEL}/c{n}"
            rig.write(f"a kite {n}", place + ".txt")
            rig.read(place + ".wait")
            seen = time.time() * 1000
            assert os.path.exists(rig.at(place + ".png"))
            said = rig.sim.ask("GET", "/sim/callbacks")["last"][-1]
            took.append(seen - said["at_ms"])
        verdicts = [line for line in rig.read(".kiefs/callback").decode().splitlines()
                    if line.startswith(("received", "accepted"))]  # fmt: skip
        rig.end()
    took.sort()
    print(", ".join(verdicts))
    print(f"callback to result: median {took[len(took) // 2]:.1f} ms, "
          f"90 % {took[len(took) * 9 // 10]:.1f} ms, worst {took[-1]:.1f} ms")  # fmt: skip


def main():
    what = {"polls": polls, "names": names, "files": files, "many": many, "spend": spend,
            "callback": callback}  # fmt: skip
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=what)
    parser.add_argument("--tasks", type=int)
    parser.add_argument("--seconds", type=float, default=20)
    args = parser.parse_args()
    what[args.what](args)


if __name__ == "__main__":
    sys.exit(main())
