"""Kills the daemon at random moments under load; nothing may be lost or sent twice.

  test_kill.py [--kills N] [--seed N]
"""

import argparse
import errno
import hashlib
import json
import os
import random
import struct
import subprocess
import sys
import threading
import time
import urllib.parse
import zlib

from rig import Rig

MODELS = (
    ("z-image", {}),
    ("bytedance/seedream-v4-text-to-image", {"max_images": 3}),
    ("grok-imagine/text-to-image", {"aspect_ratio": "1:1"}),
)
MEDIA = "google/nano-banana-edit"  # takes the pictures that lie in its directory
FOLLOW = "grok-imagine/upscale"  # goes on from what was written first
FIRST = "../text-to-image/first"
SONG = "dedicated/suno/generate"
STYLE = "dedicated/suno/style"  # its answer is its result
CHAT = "claude/claude-sonnet-4-5"
KINDS = [model for model, _ in MODELS] + [MEDIA, FOLLOW, SONG, STYLE, CHAT]
PICTURES = 3
WRITERS = 4
# What a call on a dying or dead mount may say.
DEATHS = {
    errno.ENOTCONN, errno.ECONNREFUSED, errno.ECONNABORTED, errno.ENOENT, errno.EIO,
    errno.ENODEV, errno.EINTR,
}  # fmt: skip
FAULTS = (
    {"kind": "lost", "probability": 0.02},
    {"kind": "drop", "probability": 0.01},
    {"kind": "code", "code": 429, "http": 429, "probability": 0.05, "path": "createTask"},
    {"kind": "code", "code": 429, "http": 429, "probability": 0.05, "path": "suno"},
    {"kind": "slow", "ms": 200, "probability": 0.05},
    {"kind": "truncate", "probability": 0.1},
    {"kind": "throttle", "bytes": 40000, "probability": 0.1},
    {"kind": "expired", "probability": 0.004},
)


def picture(number):
    """A PNG of one pixel, another one for each number."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(bytes([0, number, 0, 7])))
        + chunk(b"IEND", b"")
    )


class Request:
    """One prompt: where it goes, and what its writer was told."""

    def __init__(self, number, rng):
        self.prompt = f"kite number {number} over a hill"
        self.model, self.fields = self.choose(rng)
        self.way = rng.choice(("python", "rename", "cp", "echo"))
        self.wrong = rng.random() < 0.03
        text = {FOLLOW: None, STYLE: "content"}.get(self.model, "prompt")
        fields = dict(self.fields, **({text: self.prompt} if text else {}))
        if self.wrong:
            fields[text or "task_id"] = [self.prompt]
        if self.fields or self.wrong:
            self.name, self.text = f"r{number}.json", json.dumps(fields)
        else:
            self.name, self.text = f"r{number}.txt", self.prompt + "\n"
        if self.wrong:
            self.way = "python"
        self.number = number
        self.taken = False  # its close() or rename() succeeded
        self.refused = False  # and this one said EINVAL

    def choose(self, rng):
        """Half of them are plain, the others one of each sort."""
        return rng.choice(
            [rng.choice(MODELS)] * 6
            + [
                (MEDIA, {"image_urls": [f"p{rng.randrange(PICTURES)}.png"]}),
                (FOLLOW, {"task_id": FIRST}),
                (SONG, {"customMode": False, "instrumental": False, "model": "V5"}),
                (STYLE, {}),
                (CHAT, {}),
                (CHAT, {}),
            ]
        )


class Turn:
    """What was said in a conversation: the same words again would be another turn."""

    refused = wrong = False

    def __init__(self, number):
        self.model, self.talk, self.number = CHAT, "talk", number
        self.text = f"turn number {number}, please"
        self.taken = False


class Load:
    def __init__(self, rig, seed):
        self.rig = rig
        self.seed = seed
        self.deaths = 0  # counted up before each kill
        self.over = threading.Event()
        self.up = threading.Event()  # there may be a mount
        self.requests = []
        self.turns = []
        self.lock = threading.Lock()
        self.failure = None
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(WRITERS)]
        self.threads.append(threading.Thread(target=self.run_talk))

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        if self.failure:
            raise self.failure

    def run(self, number):
        rng = random.Random(self.seed * 1000 + number)
        try:
            while not self.over.is_set():
                self.one(rng)
                self.over.wait(rng.uniform(0.02, 0.12))
        except BaseException as failure:
            self.failure = failure
            self.over.set()

    def run_talk(self):
        """One turn after the other; what may have been heard is not said again."""
        folder = self.rig.at("models", CHAT, "talk")
        try:
            while not self.over.is_set():
                turn = Turn(len(self.turns))
                self.turns.append(turn)
                while not self.over.wait(0.05) and not self.say(turn, folder):
                    pass
        except BaseException as failure:
            self.failure = failure
            self.over.set()

    def say(self, turn, folder):
        """False: it was certainly not taken."""
        self.up.wait(5)
        try:
            os.mkdir(folder)
        except OSError as error:
            if error.errno != errno.EEXIST:
                return False
        try:
            self.python(turn, f"{folder}/prompt")
        except OSError as error:
            if error.errno != errno.EBUSY and error.errno not in DEATHS:
                raise AssertionError(f"turn {turn.number}: {error}") from error
            return error.errno != errno.EBUSY
        return True

    def one(self, rng):
        with self.lock:
            request = Request(len(self.requests), rng)
            self.requests.append(request)
        # A user tries again when the mount is back: the same bytes under the same name.
        tries = rng.choice((1, 9))
        for _ in range(tries):
            self.up.wait(5)
            self.write(request)
            if request.taken or request.refused or self.over.wait(rng.uniform(0.005, 0.05)):
                return

    def write(self, request):
        path = self.rig.at("models", request.model, request.name)
        try:
            getattr(self, request.way)(request, path)
        except OSError as error:
            if request.wrong and error.errno == errno.EINVAL:
                request.refused = True
            elif error.errno not in DEATHS:
                raise AssertionError(f"{request.way} {path}: {error}") from error
        else:
            assert not request.wrong, f"{path} was taken"

    def python(self, request, path):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            os.write(file, request.text.encode())
        finally:
            os.close(file)
        request.taken = True

    def rename(self, request, path):
        aside = f"{path}.part"
        with open(aside, "w", encoding="utf-8") as file:
            file.write(request.text)
        os.rename(aside, path)
        request.taken = True

    def cp(self, request, path):
        source = self.rig.path(f"source-{request.number}")
        with open(source, "w", encoding="utf-8") as file:
            file.write(request.text)
        status = subprocess.run(["cp", source, path], check=False, stderr=subprocess.DEVNULL)
        os.unlink(source)
        request.taken = status.returncode == 0

    def echo(self, request, path):
        before = self.deaths
        words = ["sh", "-c", 'printf %s "$1" >"$2"', "sh", request.text, path]
        status = subprocess.run(words, check=False, stderr=subprocess.DEVNULL)
        # A shell does not hear an error of close(); without a kill there was none.
        request.taken = status.returncode == 0 and before == self.deaths


def wait_done(rig, load, model):
    """However slow the machine: some lives are long enough for a task of each kind to end."""

    def count():
        return rig.rows("SELECT count(*) FROM task WHERE model = ? AND state = 'done'", model)

    before = count()
    rig.wait_until(lambda: load.failure or count() != before, 120, f"another {model} is done")


def kill_often(rig, load, kills, rng):
    start_s = 0.3
    for number in range(kills):
        began = time.monotonic()
        ready = rig.start()
        # Now and then in the middle of mounting, else soon after, seldom late.
        late = number % 25 == 24
        early = not late and rng.random() < 0.4
        if early:
            rig.wait_ready(ready, rng.uniform(0, start_s))
        else:
            assert rig.wait_ready(ready)
            start_s = time.monotonic() - began
        load.up.set()
        if late:
            wait_done(rig, load, KINDS[number // 25 % len(KINDS)])
        load.over.wait(rng.uniform(0, 0.02 if early else 0.4))
        os.close(ready)
        load.deaths += 1
        load.up.clear()
        rig.kill()
        rig.unmount()
        if load.failure:
            break
        if number % 50 == 49:
            print(f"# {number + 1} kills, {len(load.requests)} requests", flush=True)


def check_sent(rig, task, state, sent):
    """What went out for the task is taken off `sent`."""
    body = rig.read("tasks/all", str(task), "request.json")
    digest = hashlib.sha256(body).hexdigest()
    count = min(sent.get(digest, 0), 1)
    sent[digest] = sent.get(digest, 0) - count
    if state == "done":
        assert count == 1, f"task {task} is done and was not sent"
    return body


def check_one(rig, sim, request, tasks, sent):
    """Its state; what it has and what was sent must fit."""
    if request.refused:
        assert not tasks, f"{request.name} was refused and has {tasks}"
    if request.taken:
        assert tasks, f"{request.name} ({request.way}) was taken and has no task"
    assert len(tasks) <= 1, f"{request.name} ({request.way}) has {tasks}"
    if not tasks:
        return None
    task, state = tasks[0]
    check_sent(rig, task, state, sent)
    if state in ("uncertain", "failed"):
        error = rig.read("models", request.model, request.name.rsplit(".", 1)[0] + ".error")
        assert (b"resend" if state == "uncertain" else b"broke") in error or b"ended" in error, error
    else:
        assert state == "done", f"{request.name} is {state}"
        check_results(rig, request, task)
        if request.model not in (SONG, STYLE, CHAT):
            check_made(rig, sim, request, task)
    return state


def check_results(rig, request, task):
    results = rig.meta(task)["results"]
    names = dict(rig.rows("SELECT idx, name FROM entry WHERE kind = 2 AND task = ?", task))
    assert results, f"{request.name} is done and has nothing"
    indexes = rig.rows("SELECT idx FROM result WHERE task = ? ORDER BY idx", task)
    for result, (index,) in zip(results, indexes):
        assert result["whole"], result
        content = rig.read("tasks/all", str(task), result["file"])
        assert hashlib.sha256(content).hexdigest() == result["sha256"], result
        assert rig.read("models", request.model, names.pop(index)) == content, result
        if request.model == CHAT:
            assert request.prompt.encode() in content, content
    assert not names, f"{request.name}: {names}"


def check_talk(rig, load, tasks, sent):
    """Each turn at most once, and each knows those that were answered before it."""
    said = rig.rows("SELECT task, prompt, reply FROM turn ORDER BY task")
    states = dict(tasks)
    heard = [prompt for _, prompt, _ in said]
    before = []
    for turn in load.turns:
        assert heard.count(turn.text) <= 1, f"{turn.text}: heard {heard.count(turn.text)} times"
        assert not turn.taken or turn.text in heard, f"{turn.text}: taken and not heard"
    for task, prompt, reply in said:
        state = states.pop(task)
        body = json.loads(check_sent(rig, task, state, sent))
        told = json.dumps([message for message in body["messages"] if message["role"] == "user"])
        for earlier in before + [prompt]:
            assert earlier in told, f"{prompt}: {earlier} is not in {told}"
        assert (reply is not None) == (state == "done"), (prompt, state, reply)
        if reply:
            assert prompt in reply, reply
            before.append(prompt)
    assert not states, f"turns of nobody: {states}"


def check_made(rig, sim, request, task):
    results = rig.meta(task)["results"]
    record = json.loads(rig.read("tasks/all", str(task), "record.json"))
    urls = json.loads(record["data"]["resultJson"])["resultUrls"]
    stem = request.name.rsplit(".", 1)[0]
    assert len(results) == len(urls) > 0, results
    for number, (result, url) in enumerate(zip(results, urls), 1):
        assert result["whole"], result
        content = rig.read("tasks/all", str(task), result["file"])
        digest = hashlib.sha256(content).hexdigest()
        assert digest == result["sha256"], result
        made = sim.fetch(url)[2]
        assert hashlib.sha256(made).hexdigest() == digest, (request.name, url)
        extension = result["file"].rsplit(".", 1)[1]
        beside = f"{stem}-{number}.{extension}" if len(urls) > 1 else f"{stem}.{extension}"
        assert rig.read("models", request.model, beside) == content, beside


def is_done(tasks, request):
    return any(state == "done" for _, state in tasks.get(request.name, []))


def check(rig, load):
    sim = rig.sim
    sent = json.loads(sim.request("GET", "/sim/requests")[2])["by_body"]
    tasks = {}
    for task, name, state in rig.rows("SELECT id, name, state FROM task"):
        tasks.setdefault(name, []).append((task, state))
    [(task, state)] = tasks.pop("first.txt")
    check_sent(rig, task, state, sent)
    states = {}
    check_talk(rig, load, tasks.pop("prompt", []), sent)
    # Some are alike: what went out is first of all that of those which are done.
    for request in sorted(load.requests, key=lambda request: not is_done(tasks, request)):
        state = check_one(rig, sim, request, tasks.pop(request.name, []), sent)
        kinds = states.setdefault(request.model, {})
        kinds[state] = kinds.get(state, 0) + 1
    assert not tasks, f"tasks of nobody: {tasks}"
    sent = {body: count for body, count in sent.items() if count}
    assert not sent, f"sent too often, or for nobody: {sent}"
    twice = rig.rows(
        "SELECT task, idx, count(*) FROM entry WHERE kind = 2 GROUP BY 1, 2 HAVING count(*) > 1"
    )
    assert not twice, f"results with two names: {twice}"
    assert rig.rows("SELECT count(*) FROM stage") == [(0,)]
    parts = [
        name
        for _, _, names in os.walk(rig.path("store/results"))
        for name in names
        if name.endswith(".part")
    ]
    assert not parts, f"left over: {parts}"
    assert rig.rows("PRAGMA integrity_check") == [("ok",)]
    return states


def all_ended(rig):
    states = set(rig.rows("SELECT DISTINCT state, model = ? FROM task", CHAT))
    # An answer that broke off is not asked for again.
    bad = {("failed", 0), ("lost", 0), ("lost", 1), ("cancelled", 0), ("cancelled", 1)}
    assert not states & bad, rig.rows("SELECT id, model, state, error FROM task")
    return not {state for state, _ in states} - {"done", "uncertain", "failed"}


def prepare(rig):
    """What the requests of the load name."""
    rig.mount()
    for number in range(PICTURES):
        with open(rig.at("models", MEDIA, f"p{number}.png"), "wb") as file:
            file.write(picture(number))
    first = rig.at("models", FOLLOW, FIRST)
    with open(f"{first}.txt", "w", encoding="utf-8") as file:
        file.write("the first of all kites")
    with open(f"{first}.wait", encoding="utf-8") as file:
        assert "done" in file.read()
    rig.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    args = parser.parse_args()
    print(f"# --kills {args.kills} --seed {args.seed}", flush=True)
    rng = random.Random(args.seed)
    sim_options = ("--rate=0", "--task-ms=300", "--credits=1e9", f"--seed={args.seed}")
    with Rig(sim_options, submit_rate=256, max_running=100000, poll_rate=1000) as rig:
        prepare(rig)
        for fault in FAULTS:
            rig.sim.fault(count=-1, **fault)
        load = Load(rig, args.seed)
        load.start()
        try:
            kill_often(rig, load, args.kills, rng)
        finally:
            load.stop()
        rig.sim.request("DELETE", "/sim/faults")
        rig.mount()
        rig.wait_until(lambda: all_ended(rig), 120, "every task has ended")
        states = check(rig, load)
        rig.end()
    print(f"# {len(load.requests)} requests, {len(load.turns)} turns: {states}")
    for model, kinds in states.items():
        kinds.pop(None, None)
        assert kinds.get("done") or sum(kinds.values()) < 20, f"{model}: {kinds}"


if __name__ == "__main__":
    sys.exit(main())
