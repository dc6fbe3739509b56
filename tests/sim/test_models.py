"""Every model of the catalogue: its example is taken, and its result paths find something."""

import json
import os
import unittest

from simulator import Simulator

MAGIC = {
    "png": (0, b"\x89PNG\r\n\x1a\n"),
    "jpg": (0, b"\xff\xd8\xff"),
    "webp": (8, b"WEBP"),
    "mp4": (4, b"ftypisom"),
    "mov": (4, b"ftypqt  "),
    "mp3": (0, b"\xff\xfb"),
    "wav": (8, b"WAVE"),
}


def walk(item, path):
    """What stands at a path of the catalogue's language."""
    if item is None:
        return []
    if path == "":
        return [item]
    if path.startswith("[]"):
        return [found for part in item for found in walk(part, path[2:])]
    if path[0] == ">":
        return walk(json.loads(item) if item else None, path[1:])
    if path[0] == ".":
        path = path[1:]
    end = min((path + mark).index(mark) for mark in (".", ">", "["))
    return walk(item.get(path[:end]) if isinstance(item, dict) else None, path[end:])


class Models(unittest.TestCase):
    def test_every_model_answers_along_its_paths(self):
        with open(os.environ["KIEFS_CATALOGUE"], encoding="utf-8") as file:
            catalogue = json.load(file)
        service = catalogue["services"]["jobs"]
        self.assertGreaterEqual(len(catalogue["models"]), 169)
        with Simulator("--task-ms=0", "--rate=0", "--credits=1e6") as sim:
            for model, entry in catalogue["models"].items():
                if entry["service"] != "jobs":
                    continue
                with self.subTest(model=model):
                    self.check(sim, model, entry, entry.get("results") or service["results"])

    def check(self, sim, model, entry, results):
        created = sim.create(model, entry["example"])
        self.assertEqual(created["code"], 200, created)
        answer = sim.record(created["data"]["taskId"])
        self.assertEqual(answer["data"]["state"], "success")
        needed = [r for r in results if not r.get("optional") and not r.get("mirror")]
        for result in needed:
            found = walk(answer, result["path"])
            self.assertTrue(found, result)
            for item in found:
                if result["kind"] not in ("text", "json"):
                    self.check_file(sim, item)

    def check_file(self, sim, url):
        status, headers, body = sim.fetch(url)
        extension = url.split("?")[0].rsplit(".", 1)[1]
        at, magic = MAGIC[extension]
        self.assertEqual(status, 200)
        self.assertEqual(int(headers["Content-Length"]), len(body))
        self.assertEqual(body[at : at + len(magic)], magic)


if __name__ == "__main__":
    unittest.main()
