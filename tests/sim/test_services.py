"""The dedicated services: each operation, its states over time, its results, its refusals."""

import http.server
import json
import queue
import threading
import unittest

from operations import CALLBACK, DEDICATED, UNIFIED
from world import TASK_MS, World

MUSIC = "/api/v1/generate/record-info"

# What each operation leaves to be fetched; a model that is not named leaves nothing.
KINDS = {
    "suno/midi": [], "suno/lyrics": [], "suno/voice-validate": [], "suno/voice-regenerate": [],
    "suno/voice-generate": [], "suno/wav": ["audio/wav"], "suno/mp4": ["video/mp4"],
    "suno/vocal-removal": ["audio/mpeg"], "suno/recovery": ["audio/mpeg"],
    "suno/cover-image": ["image/png"], "4o-image/generate": ["image/png"],
    "flux-kontext/generate": ["image/jpeg"], "midjourney/generate": ["image/jpeg"],
    "runway/generate": ["image/png", "video/mp4"], "runway/extend": ["image/png", "video/mp4"],
    "aleph/generate": ["image/png", "video/mp4"], "luma/modify": ["video/mp4"],
    "veo/generate": ["video/mp4"], "veo/extend": ["video/mp4"], "veo/get-4k-video": ["video/mp4"],
    "ai-music-api/convert-to-wav-format": ["audio/wav"], "veo-3-1": ["video/mp4"],
    "ai-music-api/create-music-video": ["video/mp4"], "ai-music-api/cover-generate": ["image/png"],
    "ai-music-api/separate-vocals": ["audio/mpeg"], "4o-image-api": ["image/png"],
    "ai-music-api/suno-recovery-audio": ["audio/mpeg"], "flux1-kontext": ["image/jpeg"],
    "runway": ["video/mp4"], "runway/extend-ai-video": ["video/mp4"],
    "runway/gen4-aleph": ["video/mp4"], "veo/get-1080p-video": ["video/mp4"],
} | dict.fromkeys([
    "suno/generate", "suno/extend", "suno/upload-cover", "suno/upload-extend",
    "suno/add-instrumental", "suno/add-vocals", "suno/replace-section", "suno/mashup",
    "suno/sounds", "ai-music-api/generate", "ai-music-api/extend", "ai-music-api/mashup",
    "ai-music-api/upload-and-cover-audio", "ai-music-api/upload-and-extend-audio",
    "ai-music-api/add-instrumental", "ai-music-api/add-vocals", "ai-music-api/replace-section",
    "ai-music-api/sounds"], ["audio/mpeg", "image/jpeg"])


class Case(unittest.TestCase):
    options = []

    def setUp(self):
        self.sim = self.enterContext(World(*self.options))

    def kind(self, url):
        status, headers, body = self.sim.fetch(url)
        self.assertEqual((status, len(body) > 100), (200, True), url)
        return headers["Content-Type"]

    def kinds(self, answer):
        return sorted({self.kind(url) for url in self.sim.urls(answer)})


class Whole(Case):
    """Every operation from its request to its files."""

    def test_every_operation_is_here(self):
        self.assertEqual(set(DEDICATED), set(self.sim.operations))
        self.assertEqual(set(UNIFIED), set(self.sim.models))

    def test_dedicated(self):
        for name, about in self.sim.operations.items():
            with self.subTest(name):
                if "record" not in about:
                    continue
                task = self.sim.make(name)
                self.sim.advance(TASK_MS)
                self.assertEqual(self.kinds(self.sim.poll(task)), KINDS[name])

    def test_unified(self):
        for name in self.sim.models:
            with self.subTest(name):
                task = self.sim.make_unified(name)
                self.assertEqual(self.sim.record(task)["data"]["resultJson"], "")
                self.sim.advance(TASK_MS)
                record = self.sim.record(task)["data"]
                self.assertEqual((record["state"], record["model"]), ("success", name))
                self.assertTrue(json.loads(record["resultJson"]))
                self.assertEqual(self.kinds(record), KINDS.get(name, []))

    def test_at_once(self):
        persona = self.sim.send("suno/generate-persona", self.sim.body("suno/generate-persona"))
        self.assertEqual(persona["data"]["name"], "Kite")
        words = self.sim.send("suno/get-timestamped-lyrics",
                              self.sim.body("suno/get-timestamped-lyrics"))
        self.assertTrue(words["data"]["alignedWords"][0]["success"])
        style = self.sim.send("suno/style", self.sim.body("suno/style"))
        self.assertEqual(style["data"]["successFlag"], "成功")
        voice = self.sim.send("suno/voice-check", self.sim.body("suno/voice-check"))
        self.assertEqual(voice["data"], {"isAvailable": True})
        for name in ("omni/audio-create", "omni/character-create"):
            self.assertTrue(self.sim.make(name))


class Immediate(Whole):
    """The same when tasks take no time."""

    def setUp(self):
        self.sim = self.enterContext(World("--task-ms=0"))

    def test_unified(self):
        for name in self.sim.models:
            record = self.sim.record(self.sim.make_unified(name))["data"]
            self.assertEqual(record["state"], "success", name)


class Time(Case):
    """What is told while a task runs."""

    def states(self, task, path, field, query="taskId"):
        seen = []
        for _ in range(11):
            answer = self.sim.ask("GET", f"{path}?{query}={task}")
            seen.append(field(answer))
            self.sim.advance(TASK_MS / 10)
        return list(dict.fromkeys(seen))

    def test_states(self):
        def status(answer):
            return answer["data"]["status"]

        def flag(answer):
            return answer["data"]["successFlag"]

        for name, path, field, wanted in [
                ("suno/lyrics", "lyrics/record-info", status, ["PENDING", "SUCCESS"]),
                ("suno/wav", "wav/record-info", flag, ["PENDING", "SUCCESS"]),
                ("suno/mp4", "mp4/record-info", flag, ["PENDING", "SUCCESS"]),
                ("suno/vocal-removal", "vocal-removal/record-info", flag, ["PENDING", "SUCCESS"]),
                ("suno/midi", "midi/record-info", flag, [0, 1]),
                ("suno/cover-image", "suno/cover/record-info", flag, [0, 2, 1]),
                ("suno/voice-validate", "voice/validate-info", status,
                 ["wait_processing", "processing_validate", "wait_validating"]),
                ("suno/voice-generate", "voice/record-info", status,
                 ["wait_processing", "wait_validating", "success"]),
                ("veo/generate", "veo/record-info", flag, [0, 1]),
                ("runway/generate", "runway/record-detail", lambda answer: answer["data"]["state"],
                 ["wait", "queueing", "generating", "success"]),
                ("4o-image/generate", "gpt4o-image/record-info", status,
                 ["GENERATING", "SUCCESS"])]:
            task = self.sim.make(name)
            self.assertEqual(self.states(task, "/api/v1/" + path, field), wanted, name)
        task = self.sim.make("suno/recovery")
        codes = self.states(task, "/api/v1/suno/recovery/record-info",
                            lambda answer: (answer["code"], bool(answer["data"])), "task_id")
        self.assertEqual(codes, [(201, False), (200, True)])

    def test_song_in_parts(self):
        task = self.sim.make("suno/generate")
        seen = []
        for _ in range(11):
            data = self.sim.ask("GET", f"{MUSIC}?taskId={task}")["data"]
            tracks = (data["response"] or {}).get("sunoData") or []
            seen.append((data["status"], tuple(bool(track["audioUrl"]) for track in tracks)))
            for track in tracks:
                self.assertEqual(self.kind(track["streamAudioUrl"]), "audio/mpeg")
            self.sim.advance(TASK_MS / 10)
        self.assertEqual(
            list(dict.fromkeys(seen)),
            [("PENDING", ()), ("TEXT_SUCCESS", (False, False)), ("FIRST_SUCCESS", (True, False)),
             ("SUCCESS", (True, True))])

    def test_progress(self):
        task = self.sim.make("4o-image/generate", nVariants=2)
        self.sim.advance(TASK_MS / 2)
        self.assertRegex(self.sim.poll(task)["data"]["progress"], r"^0\.5\d$")
        self.sim.advance(TASK_MS / 2)
        urls = self.sim.poll(task)["data"]["response"]["resultUrls"]
        self.assertEqual(len(set(urls)), 2)
        fresh = self.sim.ask("POST", "/api/v1/gpt4o-image/download-url",
                             {"taskId": task, "url": urls[0]})["data"]
        self.assertEqual(self.kind(fresh), "image/png")

    def test_1080p_ripens(self):
        film = self.sim.make("veo/generate")
        ask = {"taskId": film}
        self.assertEqual(self.sim.send("veo/get-1080p-video", ask)["msg"], "Record does not exist")
        self.sim.advance(TASK_MS)
        unripe = self.sim.send("veo/get-1080p-video", ask)
        self.assertEqual((unripe["code"], unripe["data"]), (422, None))
        self.sim.advance(TASK_MS)
        made = self.sim.send("veo/get-1080p-video", ask)
        self.assertEqual(self.kind(made["data"]["resultUrl"]), "video/mp4")

    def test_4k_by_asking_again(self):
        film = self.sim.make("veo/generate")
        self.sim.advance(TASK_MS)
        first = self.sim.send("veo/get-4k-video", {"taskId": film})
        self.assertEqual((first["code"], first["data"]["resultUrls"]), (200, None))
        again = self.sim.send("veo/get-4k-video", {"taskId": film})
        self.assertEqual((again["code"], again["data"]["resultUrls"]), (422, None))
        self.assertIn("processing", again["msg"])
        self.sim.advance(TASK_MS)
        made = self.sim.send("veo/get-4k-video", {"taskId": film})
        self.assertEqual(made["code"], 422)
        self.assertIn("generated successfully", made["msg"])
        self.assertEqual(self.kind(made["data"]["resultUrls"][0]), "video/mp4")
        self.assertEqual(self.kind(made["data"]["imageUrls"][0]), "image/jpeg")


class Caller(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.server.told.put(json.loads(body)["data"])

    def log_message(self, *_):
        pass


class Callbacks(Case):
    def test_song_is_told_of_three_times(self):
        caller = http.server.HTTPServer(("127.0.0.1", 0), Caller)
        caller.told = queue.Queue()
        thread = threading.Thread(target=caller.serve_forever)
        thread.start()
        self.addCleanup(lambda: (caller.shutdown(), thread.join(), caller.server_close()))
        task = self.sim.make("suno/generate",
                             callBackUrl=f"http://127.0.0.1:{caller.server_port}/")
        for wanted in [("text", 0), ("first", 1), ("complete", 2)]:
            self.sim.advance(TASK_MS / 2.2)
            told = caller.told.get(timeout=20)
            self.assertEqual((told["callbackType"], len(told["data"])), wanted)
            self.assertEqual(told["task_id"], task)


class Refusals(Case):
    def refused(self, name, code, message, **more):
        answer = self.sim.send(name, self.sim.body(name, **more))
        self.assertEqual((answer["code"], answer["msg"]), (code, message), name)

    def test_fields(self):
        outside = "is not within the range of allowed options"
        for name, code, message, more in [
                ("suno/generate", 422, "Please enter callBackUrl.", {"callBackUrl": None}),
                ("suno/generate", 422, "Please enter style.", {"customMode": True}),
                ("suno/generate", 413, "prompt exceeds the maximum length", {"prompt": "x" * 3001}),
                ("suno/generate", 422, f"model {outside}", {"model": "V3"}),
                ("suno/generate", 422, "instrumental has an invalid type", {"instrumental": 1}),
                ("suno/mashup", 422, "uploadUrlList has too few items", {"uploadUrlList": ["x"]}),
                ("suno/vocal-removal", 422, "Please enter stemName.",
                 {"type": "split_stem_advanced"}),
                ("suno/replace-section", 422, "Please enter taskId.", {"audioId": None}),
                ("suno/replace-section", 422, "taskId excludes other fields",
                 {"uploadUrl": "https://x/y", "model": "V5"}),
                ("runway/generate", 422, f"duration {outside}", {"duration": 10,
                                                                 "quality": "1080p"}),
                ("runway/generate", 422, "Please enter aspectRatio.", {"aspectRatio": None}),
                ("veo/generate", 422, "Please enter imageUrls.",
                 {"generationType": "REFERENCE_2_VIDEO"}),
                ("4o-image/generate", 422, "Please enter prompt.", {"prompt": ""})]:
            with self.subTest(name, message=message):
                self.refused(name, code, message, **more)
        for body in ("[]", '"x"'):
            answer = json.loads(self.sim.request("POST", "/api/v1/generate", body)[2])
            self.assertEqual(answer["code"], 422)

    def test_no_such_task(self):
        asked = "0" * 32
        for path, query, wanted in [
                ("generate/record-info", "taskId", (200, "success")),
                ("lyrics/record-info", "taskId", (200, "success")),
                ("veo/record-info", "taskId", (422, f"Record not found for taskId: {asked}")),
                ("gpt4o-image/record-info", "taskId", (422, "The record does not exist")),
                ("runway/record-detail", "taskId", (200, "success")),
                ("wav/record-info", "taskId", (422, "Record does not exist")),
                ("suno/recovery/record-info", "task_id", (200, "success"))]:
            answer = self.sim.ask("GET", f"/api/v1/{path}?{query}={asked}")
            self.assertEqual(((answer["code"], answer["msg"]), answer["data"]), (wanted, None))

    def test_somebody_elses_task(self):
        song = self.sim.make("suno/generate")
        self.assertIsNone(self.sim.ask("GET", f"/api/v1/lyrics/record-info?taskId={song}")["data"])
        self.assertEqual(self.sim.record(song)["code"], 422)
        self.sim.advance(TASK_MS)
        answer = self.sim.send("veo/extend", {"taskId": song, "prompt": "on"})
        self.assertEqual((answer["code"], answer["msg"]), (422, "Record does not exist"))

    def test_parts_of_another_task(self):
        task, track = self.sim.parent("suno/generate", self.sim.make)
        other, _ = self.sim.parent("suno/generate", self.sim.make)
        body = {"callBackUrl": CALLBACK, "audioId": track}
        self.assertEqual(self.sim.send("suno/wav", body | {"taskId": other})["code"], 422)
        self.assertEqual(self.sim.send("suno/wav", body | {"taskId": task})["code"], 200)

    def test_only_once(self):
        for name in ("suno/wav", "suno/mp4", "suno/generate-persona"):
            body = self.sim.body(name)
            self.assertEqual(self.sim.send(name, body)["code"], 200)
            self.assertEqual(self.sim.send(name, body)["code"], 409)
        body = self.sim.body("suno/cover-image")
        first = self.sim.send("suno/cover-image", body)
        again = self.sim.send("suno/cover-image", body)
        self.assertEqual((again["code"], again["data"]), (400, first["data"]))

    def test_taken_and_failed_later(self):
        for name, more in [("suno/extend", {"audioId": "nobody"}),
                           ("runway/extend", {"taskId": "nobody"})]:
            task = self.sim.make(name, **more)
            before = self.sim.ask("GET", "/api/v1/chat/credit")["data"]
            self.sim.advance(TASK_MS)
            data = self.sim.poll(task)["data"]
            self.assertIn("fail", (data.get("status") or data["state"]).lower())
            self.assertEqual(data.get("errorCode") or data["failCode"], 400)
            self.assertGreater(self.sim.ask("GET", "/api/v1/chat/credit")["data"], before)

    def test_credits(self):
        self.sim.ask("POST", "/sim/credits", {"balance": 1})
        self.refused("suno/generate", 402,
                     "Credits insufficient: Your current balance isn't enough to run this request. "
                     "Please top up to continue.")


class Faults(Case):
    def end(self, name, word, **more):
        task = self.sim.make(name, prompt=f"a kite {word}", **more)
        self.sim.advance(TASK_MS)
        return self.sim.poll(task)["data"]

    def test_failures(self):
        for name, word, path, wanted in [
                ("suno/generate", "sim:fail", "status", "GENERATE_AUDIO_FAILED"),
                ("suno/generate", "sim:moderation", "status", "SENSITIVE_WORD_ERROR"),
                ("suno/lyrics", "sim:fail", "status", "GENERATE_LYRICS_FAILED"),
                ("veo/generate", "sim:fail", "successFlag", 3),
                ("veo/generate", "sim:moderation", "successFlag", 2),
                ("flux-kontext/generate", "sim:fail", "successFlag", 3),
                ("runway/generate", "sim:fail", "state", "fail"),
                ("luma/modify", "sim:exception", "successFlag", 4),
                ("suno/generate", "sim:exception", "status", "CALLBACK_EXCEPTION")]:
            with self.subTest(name, word=word):
                data = self.end(name, word)
                self.assertEqual(data[path], wanted)
                failed = "exception" not in word
                self.assertEqual(bool(data.get("errorMessage") or data.get("failMsg")), failed)
                self.assertEqual(any(self.sim.urls(data)), not failed)
        self.assertEqual(self.end("veo/generate", "sim:fail=531")["errorCode"], 531)

    def test_unified_failure(self):
        task = self.sim.make_unified("ai-music-api/generate", prompt="a kite sim:fail=451")
        self.sim.advance(TASK_MS)
        record = self.sim.record(task)["data"]
        self.assertEqual((record["state"], record["failCode"], record["resultJson"]),
                         ("fail", "451", None))

    def test_nothing_and_nonsense(self):
        for name in ("suno/generate", "veo/generate", "4o-image/generate", "runway/generate",
                     "flux-kontext/generate", "aleph/generate", "luma/modify"):
            data = self.end(name, "sim:empty")
            self.assertFalse(any(self.sim.urls(data)), name)
            data = self.end(name, "sim:state")
            self.assertIn("reticulating", data.values(), name)

    def test_rules(self):
        self.sim.fault(kind="code", path="/api/v1/generate", code=455)
        self.assertEqual(self.sim.send("suno/generate", self.sim.body("suno/generate"))["code"], 455)
        self.sim.fault(kind="fail", model="veo/generate", code=501)
        self.assertEqual(self.end("veo/generate", "")["successFlag"], 3)
        self.sim.fault(kind="code", path="record-info", code=500)
        task = self.sim.make("suno/generate")
        self.assertEqual(self.sim.ask("GET", f"{MUSIC}?taskId={task}")["code"], 500)
        self.assertEqual(self.sim.ask("GET", f"{MUSIC}?taskId={task}")["code"], 200)


if __name__ == "__main__":
    unittest.main()
