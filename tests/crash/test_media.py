"""Killed while a file is uploaded, and while a request waits for what it stands on.

  test_media.py [--kills N] [--seed SEED]
"""

import argparse
import json
import os
import random

from rig import Rig

MODEL = "google/nano-banana-edit"
UPLOAD = "/api/file-stream-upload"
SUBMIT = "/api/v1/jobs/createTask"
ENDLESS_MS = 600000


def picture(rng):
    """Told by its first bytes; no two are the same."""
    return b"\xff\xd8\xff\xe0\0\x10JFIF\0" + rng.randbytes(rng.choice((64, 3000, 700000)))


class Run:
    def __init__(self, rig, seed):
        self.rig, self.rng = rig, random.Random(seed)
        self.pictures = {}  # by name
        self.requests = {}  # name of the request: the file or task that it names

    def count(self, path):
        return self.rig.sim.ask("GET", "/sim/requests")["by_path"].get(path, 0)

    def put(self, name):
        self.pictures[name] = picture(self.rng)
        with open(self.rig.at("models", MODEL, name), "wb") as file:
            file.write(self.pictures[name])

    def ask(self, name, given):
        body = {"prompt": name, "image_urls": [given]}
        self.rig.write(json.dumps(body), "models", MODEL, f"{name}.json")
        self.requests[name] = given

    def look_around(self):
        """For as long as chance has it."""
        for _ in range(self.rng.randrange(20)):
            os.listdir(self.rig.at("tasks/all"))

    def while_uploading(self, number):
        before = self.count(UPLOAD)
        self.rig.sim.fault(kind="slow", path=UPLOAD, ms=ENDLESS_MS, count=1)
        self.put(f"p{number}.jpg")
        self.ask(f"up{number}", f"p{number}.jpg")
        if self.rng.random() < 0.5:
            self.ask(f"too{number}", f"p{number}.jpg")
        self.rig.wait_until(lambda: self.count(UPLOAD) > before, 30, "the file is on its way")
        self.look_around()
        self.restart()
        self.settle()

    def while_incomplete(self, number):
        """A prompt waits for its picture, and another request for that one's result."""
        self.rig.write(f"w{number}", "models", MODEL, f"w{number}.txt")
        self.requests[f"w{number}"] = f"w{number}.png"
        # One task for each request before it, and it has been taken: read() of its status says so.
        assert b"incomplete" in self.rig.read("models", MODEL, f"w{number}.status")
        task = os.readlink(self.rig.at("models", MODEL, f"w{number}.task")).rsplit("/", 1)[1]
        self.ask(f"next{number}", f"tasks/all/{task}")
        self.look_around()
        self.restart()
        for name in (f"w{number}", f"next{number}"):
            said = self.rig.read("models", MODEL, f"{name}.status").decode()
            assert said.startswith("incomplete") and "waits for" in said, said
        self.put(f"w{number}.png")
        # The next kill is to find no submission under way: that would be uncertain, and rightly so.
        self.settle()

    def restart(self):
        self.rig.kill()
        self.rig.unmount()
        self.rig.mount()

    def settle(self):
        for name in self.requests:
            assert self.rig.read("models", MODEL, f"{name}.wait"), name

    def check(self):
        self.settle()
        numbers = sorted(int(name) for name in os.listdir(self.rig.at("tasks/all")))
        assert numbers == list(range(1, len(self.requests) + 1)), numbers
        assert self.count(SUBMIT) == len(numbers), (self.count(SUBMIT), len(numbers))
        contents = {}
        for number in numbers:
            name = self.rig.meta(number)["name"].rsplit(".", 1)[0]
            sent = json.loads(self.rig.read("tasks/all", str(number), "request.json"))
            [address] = sent["input"]["image_urls"]
            status, _, data = self.rig.sim.fetch(address)
            assert status == 200, address
            given = self.requests.pop(name)
            if given in self.pictures:
                assert data == self.pictures[given], name
            else:
                result = self.rig.meta(int(given.rsplit("/", 1)[1]))["results"][0]["file"]
                assert data == self.rig.read(given, result), name
            assert contents.setdefault(data, address) == address, f"{name}: uploaded twice"
        assert not self.requests, self.requests


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    with Rig(("--rate=0", "--task-ms=0"), submit_rate=256) as rig:
        rig.mount()
        run = Run(rig, args.seed)
        for number in range(args.kills):
            (run.while_uploading if number % 2 else run.while_incomplete)(number)
        run.check()
        rig.end()


if __name__ == "__main__":
    main()
