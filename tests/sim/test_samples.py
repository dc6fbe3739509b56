"""What the simulator sends has the shape of the bodies that were recorded or are documented."""

import base64
import json
import os
import pathlib
import unittest

from world import TASK_MS, World

SAMPLES = pathlib.Path(os.environ["KIEFS_SAMPLES"])

# Members that may be missing from ours, by the sample's words, and why.
TOOLS = "it calls no tools and keeps no cache"
CLAUDE = {"content[].input", "content[].caller", "content[].name", "content[].id",
          "usage.cache_creation", "usage.cache_creation_input_tokens",
          "usage.cache_read_input_tokens", "usage.service_tier", "usage.inference_geo"}
QUICKSTART = "an older page; the service page has other names"
MISSING = {
    "4o-image-recordInfo-success-quickstart": ({"data.response.result_urls"}, QUICKSTART),
    "4o-image-recordInfo-fail": ({"data.response.result_urls"}, QUICKSTART),
    "jobs-callback-success-doc-2025": ({"data.consumeCredits", "data.remainedCredits"},
                                       "creditsConsumed took their place"),
    "jobs-callback-fail-doc-2025": ({"data.consumeCredits", "data.remainedCredits"},
                                    "creditsConsumed took their place"),
    "jobs-recordInfo-success-doc": ({"data.updateTime"}, "in no recording"),
    "jobs-recordInfo-success-doc-2026-01": ({"message", "data.updateTime"}, "in no recording"),
    "jobs-recordInfo-fail-doc-2026-01": ({"message", "data.updateTime"}, "in no recording"),
    "chat-claude-opus-4-5-success-doc": (CLAUDE, TOOLS),
    "chat-claude-sonnet-4-5-success-doc": (CLAUDE, TOOLS),
    "chat-codex-gpt-5-4-success-doc": ({"output[].summary", "usage.total_tokens"},
                                       "it thinks without a summary"),
    "chat-gemini-3-1-pro-success-doc": ({"usage.completion_tokens_details"}, "counts are whole"),
    "chat-gemini-native-success-doc": ({
        "candidates[].content.parts[].functionCall",
        "candidates[].content.parts[].thoughtSignature", "usageMetadata.thoughtsTokenCount",
    }, TOOLS),
    "upload-any-success-quickstart-doc": ({
        "data.fileId", "data.originalName", "data.uploadPath", "data.downloadUrl",
    }, QUICKSTART),
    "suno-replaceSection-callback-fail": ({"data.error"}, "the other pages have data null"),
    "veo-recordInfo-success-doc": ({"data.response.fullResultUrls"}, "only extensions have it"),
}
# Requests that are refused, and in which words.
OLD = "upload_method is required"
REFUSED = {
    # It had another meaning until August 2026.
    "market-grok-imagine-image-2-0-image-edit-request-2026-08": "image_urls is required",
    # An example without what its own page calls required.
    "market-sora-2-characters-pro-request-b": "origin_task_id is required",
    # From before the field was there.
    "market-sora-2-image-to-video-request-2025-12": OLD,
    "market-sora-2-pro-image-to-video-request-2025-12": OLD,
    "market-sora-2-pro-text-to-video-request-2025-12": OLD,
    "market-sora-2-text-to-video-request-2025-12": OLD,
    "market-sora-watermark-remover-request-2025-12": OLD,
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


# Callbacks: who is told so, in which place of those it gets, and what goes wrong with its task.
FAIL = {"prompt": "a kite sim:fail"}
FLAGGED = {"prompt": "a kite sim:moderation"}
NOTED = {"note": "sim:fail"}
CALLBACKS = [
    ("4o-image-callback-success", "4o-image/generate", 0, {}),
    ("4o-image-callback-fail", "4o-image/generate", 0, FLAGGED),
    ("aleph-callback-success", "aleph/generate", 0, {}),
    ("aleph-callback-fail", "aleph/generate", 0, FLAGGED),
    ("flux-kontext-callback-success", "flux-kontext/generate", 0, {}),
    ("flux-kontext-callback-error-500", "flux-kontext/generate", 0, {"prompt": "sim:fail=500"}),
    ("flux-kontext-callback-fail-501", "flux-kontext/generate", 0, FAIL),
    ("flux-kontext-callback-violation-400", "flux-kontext/generate", 0, FLAGGED),
    ("runway-extend-callback-fail", "runway/extend", 0, {"taskId": "nobody"}),
    ("runway-extend-callback-success", "runway/extend", 0, {}),
    ("runway-generate-callback-fail", "runway/generate", 0, FLAGGED),
    ("runway-generate-callback-success", "runway/generate", 0, {}),
    ("suno-cover-callback-success", "suno/cover-image", 0, {}),
    ("suno-cover-callback-fail", "suno/cover-image", 0, NOTED),
    ("suno-generate-callback-success", "suno/generate", 2, {}),
    ("suno-generate-callback-fail", "suno/generate", 2, FAIL),
    ("suno-lyrics-callback-success", "suno/lyrics", 0, {}),
    ("suno-lyrics-callback-fail", "suno/lyrics", 0, FLAGGED),
    ("suno-midi-callback-success", "suno/midi", 0, {}),
    ("suno-midi-callback-fail", "suno/midi", 0, NOTED),
    ("suno-mp4-callback-success", "suno/mp4", 0, {}),
    ("suno-mp4-callback-fail", "suno/mp4", 0, NOTED),
    ("suno-replaceSection-callback-success", "suno/replace-section", 2, {}),
    ("suno-replaceSection-callback-fail", "suno/replace-section", 2, FAIL),
    ("suno-vocalRemoval-callback-separate-success", "suno/vocal-removal", 0, {}),
    ("suno-vocalRemoval-callback-separate-fail", "suno/vocal-removal", 0, NOTED),
    ("suno-vocalRemoval-callback-split-success", "suno/vocal-removal", 0, {"type": "split_stem"}),
    ("suno-vocalRemoval-callback-split-fail", "suno/vocal-removal", 0,
     NOTED | {"type": "split_stem"}),
    ("suno-voiceValidate-callback-success", "suno/voice-validate", 0, {}),
    ("suno-voiceValidate-callback-fail", "suno/voice-validate", 0, NOTED),
    ("suno-wav-callback-success", "suno/wav", 0, {}),
    ("suno-wav-callback-fail", "suno/wav", 0, NOTED),
    ("veo-generate-callback-success", "veo/generate", 0, {}),
    ("veo-generate-callback-fallback-success", "veo/generate", 0, {}),
    ("veo-generate-callback-fail", "veo/generate", 0, FLAGGED),
    ("veo-generate-callback-fallback-fail", "veo/generate", 0, FLAGGED),
    ("veo-get4k-callback-success", "veo/get-4k-video", 0, {}),
    ("veo-get4k-callback-fail", "veo/get-4k-video", 0, NOTED),
] + [
    (f"suno-{sample}-callback-{stage}", f"suno/{operation}", number, more)
    for sample, operation in [
        ("addInstrumental", "add-instrumental"), ("addVocals", "add-vocals"), ("extend", "extend"),
        ("uploadCover", "upload-cover"), ("uploadExtend", "upload-extend")]
    for stage, number, more in [
        ("text", 0, {}), ("first", 1, {}), ("complete", 2, {}), ("fail", 2, {"style": "sim:fail"})]
]


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
    seen = set()

    @classmethod
    def tearDownClass(cls):
        missed = {path.stem for path in SAMPLES.glob("*.json")} - cls.seen
        assert not missed, f"no test reads {sorted(missed)}"

    def setUp(self):
        self.sim = self.enterContext(World())

    def compare(self, name, ours):
        self.seen.add(name)
        sample, made = shape(read(name)), shape(ours)
        allowed, _ = MISSING.get(name, (set(), ""))
        gone = {path for path in sample if path not in made
                and not any(path.startswith(one) for one in allowed)}
        self.assertEqual(gone, set(), name)
        for path, kinds in sample.items():
            known = path.rsplit(".", 1)[-1] in TYPES or path in allowed
            if path in made and not known:
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

    def test_callbacks(self):
        for name, operation, number, more in CALLBACKS:
            with self.subTest(name):
                task = self.sim.make(operation, **more)
                self.sim.advance(TASK_MS)
                told = self.sim.ask("GET", f"/sim/callback?task={task}")[number]["body"]
                self.compare(name, told)
                self.assertEqual(told["code"] == 200, read(name)["code"] == 200)

    def test_callbacks_of_the_task_api(self):
        names = sorted(path.stem for kind in ("jobs", "market")
                       for path in SAMPLES.glob(f"{kind}-*-callback-*.json"))
        names += sorted(path.stem for path in SAMPLES.glob("jobs-callback-*.json"))
        for name in names:
            with self.subTest(name):
                good = read(name)["code"] == 200
                task = self.sim.make_unified("veo-3-1", **({} if good else FAIL))
                self.sim.advance(TASK_MS)
                told = self.sim.ask("GET", f"/sim/callback?task={task}")
                self.compare(name, told[-1]["body"])

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
        for name in ["jobs-createTask-success-doc"] + sorted(
                path.stem for path in SAMPLES.glob("market-*-response.json")):
            if read(name)["code"] == 200:
                self.compare(name, created)
        created = self.sim.ask("POST", "/api/v1/jobs/createTask",
                               read("market-sora-2-characters-request"))
        self.sim.advance(TASK_MS)
        result = json.loads(self.sim.record(created["data"]["taskId"])["data"]["resultJson"])
        self.compare("market-sora-2-characters-resultJson", result)
        task = self.sim.task(prompt="sim:fail")
        self.sim.advance(TASK_MS)
        failed = self.sim.record(task)
        failed["data"]["resultJson"] = failed["data"]["resultJson"] or ""
        self.compare("jobs-recordInfo-fail-doc-2026-01", failed)

    def test_requests(self):
        for path in sorted(SAMPLES.glob("market-*-request*.json")):
            with self.subTest(path.stem):
                answer = self.sim.ask("POST", "/api/v1/jobs/createTask", read(path.stem))
                self.seen.add(path.stem)
                said = None if answer["code"] == 200 else answer["msg"]
                self.assertEqual(said, REFUSED.get(path.stem))

    def test_chats(self):
        turn = {"role": "user", "content": "Hello"}
        native = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
        for name, path, body in [
                ("chat-gemini-3-1-pro-success-doc", "/gemini-3.1-pro/v1/chat/completions",
                 {"messages": [turn]}),
                ("chat-codex-gpt-5-4-success-doc", "/codex/v1/responses",
                 {"model": "gpt-5-4", "input": [turn]}),
                ("chat-claude-opus-4-5-success-doc", "/claude/v1/messages",
                 {"model": "claude-opus-4-5", "messages": [turn]}),
                ("chat-claude-sonnet-4-5-success-doc", "/claude/v1/messages",
                 {"model": "claude-sonnet-4-5", "messages": [turn]}),
                ("chat-gemini-native-success-doc",
                 "/gemini/v1/models/gemini-3-flash-v1betamodels:streamGenerateContent", native)]:
            with self.subTest(name):
                self.compare(name, self.sim.ask("POST", path, body | {"stream": False}))
        path = "/gemini-2.5-flash/v1/chat/completions"
        self.sim.fault(kind="code", path=path, code=500)
        refused = self.sim.ask("POST", path, {"messages": [turn]})
        self.compare("chat-gemini-2-5-flash-error-500-doc", refused)
        self.assertEqual(refused["code"], 500)

    def test_uploads(self):
        path = "/api/file-base64-upload"
        data = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(100)).decode()
        body = {"base64Data": data, "uploadPath": "images"}
        answer = self.sim.ask("POST", path, body)
        # The three ways have one shape of answer, and one of old.
        for name in ("upload-base64-success-doc", "upload-stream-success-doc",
                     "upload-url-success-doc"):
            with self.subTest(name):
                self.compare(name, answer)
        with World("--upload-short") as old:
            self.compare("upload-any-success-quickstart-doc", old.ask("POST", path, body))
        self.sim.fault(kind="code", path=path, code=500)
        for name, body, key in [
                ("upload-base64-error-500", body, "k"),
                ("upload-base64-error-401", body, None),
                ("upload-base64-error-400-invalid-format", body | {"base64Data": "?"}, "k"),
                ("upload-base64-error-400-missing-parameter", {"base64Data": data}, "k")]:
            with self.subTest(name):
                answer = self.sim.ask("POST", path, body, key)
                self.compare(name, answer)
                self.assertEqual(answer["code"], read(name)["code"])

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
