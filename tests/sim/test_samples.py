"""What the simulator sends has the shape of the bodies that were recorded or are documented."""

import json
import os
import pathlib
import unittest

from world import TASK_MS, World

SAMPLES = pathlib.Path(os.environ["KIEFS_SAMPLES"])

# Members that may be missing from ours, by the sample's words, and why.
QUICKSTART = "an older page; the service page has other names"
MISSING = {
    "4o-image-recordInfo-success-quickstart": ({"data.response.result_urls"}, QUICKSTART),
    "4o-image-recordInfo-fail": ({"data.response.result_urls"}, QUICKSTART),
    "jobs-callback-success-doc-2025": ({"data.consumeCredits", "data.remainedCredits"},
                                       "creditsConsumed took their place"),
    "jobs-callback-fail-doc-2025": ({"data.consumeCredits", "data.remainedCredits",
                                     "data.completeTime", "data.createTime", "data.updateTime"},
                                    "creditsConsumed took their place, times went from failures"),
    "jobs-recordInfo-success-doc": ({"data.updateTime"}, "in no recording"),
    "jobs-recordInfo-success-doc-2026-01": ({"message", "data.updateTime"}, "in no recording"),
    "jobs-recordInfo-fail-doc-2026-01": ({"message", "data.updateTime"}, "in no recording"),
    "suno-replaceSection-callback-fail": ({"data.error"}, "the other pages have data null"),
    "veo-recordInfo-success-doc": ({"data.response.fullResultUrls[]"}, "only extensions have it"),
}
# Members that may have another type than the sample's, and why.
TIMES = "times are numbers in all recordings, text in examples"
TYPES = {
    "completeTime": TIMES, "createTime": TIMES,
    "errorCode": "null, 0 or the code: the pages do not agree",
    "errorMessage": "null or empty: the pages do not agree",
    "failCode": "null or empty while nothing failed", "failMsg": "null or empty",
    "start": "numbers and texts stand side by side", "end": "numbers and texts stand side by side",
}


def paths(value, at=""):
    """Every member with its type; elements of an array count as one."""
    kinds = {dict: "object", list: "array", str: "text", bool: "flag", int: "number",
             float: "number", type(None): "null"}
    if at:
        yield at, kinds[type(value)]
    if isinstance(value, dict):
        for name, item in value.items():
            yield from paths(item, f"{at}.{name}" if at else name)
    elif isinstance(value, list):
        for item in value:
            yield from paths(item, at + "[]")


def shape(value):
    found = {}
    for path, kind in paths(value):
        found.setdefault(path, set()).add(kind)
    return found


def read(name):
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


class Samples(unittest.TestCase):
    def setUp(self):
        self.sim = self.enterContext(World())

    def compare(self, name, ours):
        sample, made = shape(read(name)), shape(ours)
        allowed, _ = MISSING.get(name, (set(), ""))
        gone = {path for path in sample if path not in made
                and not any(path.startswith(one) for one in allowed)}
        self.assertEqual(gone, set(), name)
        for path, kinds in sample.items():
            if path.rsplit(".", 1)[-1] not in TYPES and path in made:
                self.assertTrue(kinds & made[path], f"{name}: {path}: {kinds} {made[path]}")

    def ended(self, operation, **more):
        task = self.sim.make(operation, **more)
        self.sim.advance(TASK_MS)
        return self.sim.poll(task)

    def test_records(self):
        fail = {"prompt": "a kite sim:fail"}
        for name, operation, more in [
                ("4o-image-recordInfo-success", "4o-image/generate", {}),
                ("4o-image-recordInfo-success-quickstart", "4o-image/generate", {}),
                ("4o-image-recordInfo-fail", "4o-image/generate", fail),
                ("aleph-recordInfo-success", "aleph/generate", {}),
                ("flux-kontext-recordInfo-success", "flux-kontext/generate", {}),
                ("luma-recordInfo-success", "luma/modify", {}),
                ("midjourney-recordInfo-success-doc", "midjourney/generate", {}),
                ("runway-recordDetail-success-quickstart", "runway/generate", {}),
                ("suno-recordInfo-success-doc", "suno/generate", {}),
                ("suno-recordInfo-success-quickstart-doc", "suno/generate", {}),
                ("suno-cover-recordInfo-success", "suno/cover-image", {}),
                ("suno-lyrics-recordInfo-success", "suno/lyrics", {}),
                ("suno-midi-recordInfo-success", "suno/midi", {}),
                ("suno-mp4-recordInfo-success", "suno/mp4", {}),
                ("suno-vocalRemoval-recordInfo-separate-success", "suno/vocal-removal", {}),
                ("suno-vocalRemoval-recordInfo-split-success", "suno/vocal-removal",
                 {"type": "split_stem"}),
                ("suno-voiceRecordInfo-doc", "suno/voice-generate", {}),
                ("suno-voiceValidateInfo-doc", "suno/voice-validate", {}),
                ("suno-wav-recordInfo-success", "suno/wav", {}),
                ("veo-recordInfo-success-doc", "veo/generate", {})]:
            with self.subTest(name):
                self.compare(name, self.ended(operation, **more))
        running = self.sim.poll(self.sim.make("4o-image/generate"))
        self.compare("4o-image-recordInfo-generating", running)

    def test_submissions(self):
        for name, operation in [
                ("4o-image-generate-submit", "4o-image/generate"),
                ("aleph-generate-submit", "aleph/generate"),
                ("flux-kontext-generate-submit", "flux-kontext/generate"),
                ("runway-extend-submit", "runway/extend"),
                ("runway-generate-submit", "runway/generate"),
                ("suno-any-submit", "suno/generate"), ("suno-cover-submit", "suno/cover-image"),
                ("suno-midi-submit", "suno/midi"), ("suno-mp4-submit-doc", "suno/mp4"),
                ("suno-sounds-submit-doc", "suno/sounds"), ("veo-extend-submit", "veo/extend"),
                ("veo-generate-submit", "veo/generate"), ("veo-get4k-submit", "veo/get-4k-video"),
                ("suno-timestampedLyrics-success", "suno/get-timestamped-lyrics")]:
            with self.subTest(name):
                self.compare(name, self.sim.send(operation, self.sim.body(operation)))

    def test_films_afterwards(self):
        body = self.sim.body("veo/get-4k-video")
        self.sim.send("veo/get-4k-video", body)
        self.compare("veo-get4k-processing-422", self.sim.send("veo/get-4k-video", body))
        self.sim.advance(TASK_MS)
        self.compare("veo-get4k-already-generated-422", self.sim.send("veo/get-4k-video", body))
        self.compare("veo-get1080p-success", self.sim.send("veo/get-1080p-video", body))

    def test_tasks(self):
        task = self.sim.task()
        self.sim.advance(TASK_MS)
        record = self.sim.record(task)
        self.compare("jobs-recordInfo-success-doc", record)
        self.compare("jobs-recordInfo-success-doc-2026-01", record)
        created = self.sim.create("z-image", {"prompt": "x", "aspect_ratio": "1:1"})
        self.compare("jobs-createTask-success-doc", created)
        task = self.sim.task(prompt="sim:fail")
        self.sim.advance(TASK_MS)
        failed = self.sim.record(task)
        failed["data"]["resultJson"] = failed["data"]["resultJson"] or ""
        self.compare("jobs-recordInfo-fail-doc-2026-01", failed)

    def test_account(self):
        self.compare("common-credit-success-doc", self.sim.ask("GET", "/api/v1/chat/credit"))
        film = self.ended("veo/generate")
        url = next(self.sim.urls(film))
        fresh = self.sim.ask("POST", "/api/v1/common/download-url", {"url": url})
        self.compare("common-download-url-success-doc", fresh)
        task = film["data"]["taskId"]
        fresh = self.sim.ask("POST", "/api/v1/gpt4o-image/download-url", {"taskId": task, "url": url})
        self.compare("4o-image-downloadUrl-success", fresh)

    def test_errors(self):
        record = "/api/v1/jobs/recordInfo"
        refused = [
            ("common-auth-401-doc", self.sim.ask("GET", record, key=None)),
            ("jobs-recordInfo-error-401-unauthorized", self.sim.ask("GET", record, key=None)),
            ("jobs-recordInfo-error-400-missing-taskId", self.sim.ask("GET", record)),
            ("jobs-recordInfo-error-422-record-null", self.sim.ask("GET", record + "?taskId=x")),
        ]
        for name, code in [("jobs-recordInfo-error-404-not-found", 404),
                           ("jobs-recordInfo-error-429-rate-limited", 429),
                           ("jobs-recordInfo-error-500-server-error", 500),
                           ("common-error-500-doc", 500), ("market-error-500-response", 500)]:
            self.sim.fault(kind="code", path="recordInfo", code=code)
            refused.append((name, self.sim.ask("GET", record + "?taskId=x")))
        for name, answer in refused:
            with self.subTest(name):
                self.compare(name, answer)
                self.assertEqual(answer["code"], read(name)["code"])


if __name__ == "__main__":
    unittest.main()
