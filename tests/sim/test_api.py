"""The task API as a client meets it: the envelope, states, credits, limits and results."""

import json
import os
import re
import subprocess
import unittest

from simulator import Simulator

KITE = {"prompt": "a kite", "aspect_ratio": "16:9"}


class Api(unittest.TestCase):
    def setUp(self):
        self.sim = self.enterContext(Simulator("--task-ms=5000"))

    def test_envelope_and_ids(self):
        answer = self.sim.create("z-image", KITE)
        self.assertEqual(answer["code"], 200)
        self.assertEqual(answer["msg"], "success")
        self.assertEqual(answer["data"]["taskId"], answer["data"]["recordId"])
        self.assertRegex(answer["data"]["taskId"], "^[0-9a-f]{32}$")

    def test_states_over_time(self):
        task = self.sim.task()
        seen = []
        for _ in range(12):
            seen.append(self.sim.state(task))
            self.sim.advance(500)
        order = list(dict.fromkeys(seen))
        self.assertEqual(order, ["waiting", "queuing", "generating", "success"])

    def test_record_as_recorded(self):
        task = self.sim.task(prompt='a "kite"')
        record = self.sim.record(task)["data"]
        self.assertEqual(
            list(record)[:10],
            ["taskId", "model", "state", "param", "resultJson", "failCode", "failMsg", "costTime",
             "completeTime", "createTime"],
        )
        self.assertEqual(record["resultJson"], "")
        for name in ("failCode", "failMsg", "costTime", "completeTime"):
            self.assertIsNone(record[name])
        given = json.loads(json.loads(record["param"])["input"])
        self.assertEqual(given["prompt"], 'a "kite"')
        self.sim.advance(5000)
        record = self.sim.record(task)["data"]
        self.assertEqual(record["costTime"], 5)
        self.assertEqual(record["completeTime"], record["createTime"] + 5000)
        self.assertEqual(len(json.loads(record["resultJson"])["resultUrls"]), 1)

    def test_progress_of_a_film(self):
        given = {"prompt": "a kite", "aspect_ratio": "landscape", "n_frames": "10",
                 "upload_method": "s3"}
        task = self.sim.create("sora-2-text-to-video", given)["data"]["taskId"]
        self.sim.advance(2500)
        self.assertIn(self.sim.record(task)["data"]["progress"], range(50, 60))

    def test_unknown_tasks(self):
        for path in ("recordInfo?taskId=00000000000000000000000000000000", "recordInfo?taskId=x"):
            answer = self.sim.ask("GET", "/api/v1/jobs/" + path)
            self.assertEqual(answer, {"code": 422, "msg": "recordInfo is null", "data": None})
        self.assertEqual(self.sim.ask("GET", "/api/v1/jobs/recordInfo")["code"], 400)
        self.assertEqual(self.sim.request("GET", "/nowhere")[0], 404)

    def test_refusals(self):
        cases = [
            ("nobody/nothing", {"prompt": "x"}, 422, "The model name you specified is not supp"),
            ("z-image", {"aspect_ratio": "1:1"}, 500, "prompt is required"),
            ("z-image", {"prompt": "x", "aspect_ratio": "7:1"}, 500,
             "aspect_ratio is not within the range of allowed options"),
            ("z-image", {"prompt": "x" * 1001, "aspect_ratio": "1:1"}, 500,
             "prompt exceeds the maximum length"),
            ("z-image", {"prompt": 7, "aspect_ratio": "1:1"}, 500, "prompt has an invalid type"),
            ("z-image", "x", 422, "The input cannot be null"),
        ]
        for model, given, code, message in cases:
            answer = self.sim.create(model, given)
            self.assertEqual(answer["code"], code, answer)
            self.assertTrue(answer["msg"].startswith(message), answer)
            self.assertIsNone(answer["data"])
        answer = self.sim.ask("POST", "/api/v1/jobs/createTask", '{"model":')
        self.assertEqual(answer["code"], 400)

    def test_unknown_members_are_dropped(self):
        task = self.sim.create("z-image", KITE | {"novelty": 1})["data"]["taskId"]
        param = json.loads(self.sim.record(task)["data"]["param"])
        self.assertEqual(json.loads(param["input"]), KITE)

    def test_keys(self):
        self.assertEqual(self.sim.ask("GET", "/api/v1/chat/credit", key=None)["code"], 401)
        self.sim.ask("POST", "/sim/keys", {"bad": ["thief"]})
        self.assertEqual(self.sim.ask("GET", "/api/v1/chat/credit", key="thief")["code"], 401)
        self.assertEqual(self.sim.ask("GET", "/api/v1/chat/credit")["code"], 200)
        self.sim.ask("POST", "/sim/keys", {"bad": []})
        self.assertEqual(self.sim.ask("GET", "/api/v1/chat/credit", key="thief")["code"], 200)

    def credits(self):
        return self.sim.ask("GET", "/api/v1/chat/credit")["data"]

    def test_credits(self):
        self.assertEqual(self.credits(), 10000)
        self.sim.task()
        self.assertAlmostEqual(self.credits(), 9999.2)
        self.sim.task(prompt="sim:fail")
        self.assertAlmostEqual(self.credits(), 9998.4)
        self.sim.advance(5000)
        self.assertAlmostEqual(self.credits(), 9999.2)
        self.sim.ask("POST", "/sim/credits", {"balance": 0.5})
        answer = self.sim.create("z-image", KITE)
        self.assertEqual(answer["code"], 402)

    def test_rate_limit(self):
        body = {"model": "z-image", "input": KITE}
        for _ in range(20):
            self.assertEqual(self.sim.create("z-image", KITE)["code"], 200)
        status, headers, answer = self.sim.request("POST", "/api/v1/jobs/createTask", body)
        self.assertEqual((status, json.loads(answer)["code"]), (429, 429))
        self.assertNotIn("Retry-After", headers)
        self.assertEqual(self.sim.create("z-image", KITE, key="other")["code"], 200)
        self.sim.advance(10000)
        self.assertEqual(self.sim.create("z-image", KITE)["code"], 200)

    def test_downloads(self):
        task = self.sim.task()
        self.sim.advance(5000)
        url = self.sim.urls(task)[0]
        status, headers, whole = self.sim.fetch(url)
        self.assertEqual((status, headers["Content-Type"]), (200, "image/png"))
        status, headers, body = self.sim.fetch(url, "HEAD")
        self.assertEqual((status, body), (200, b""))
        self.assertEqual(int(headers["Content-Length"]), len(whole))
        size = len(whole)
        for text, start, end in [("bytes=0-0", 0, 1), ("bytes=100-", 100, size),
                                 ("bytes=-7", size - 7, size), (f"bytes=9-{size * 2}", 9, size)]:
            status, answer, body = self.sim.fetch(url, headers={"Range": text})
            self.assertEqual(status, 206)
            self.assertEqual(answer["Content-Range"], f"bytes {start}-{end - 1}/{size}")
            self.assertEqual(body, whole[start:end])
        status, answer, body = self.sim.fetch(url, headers={"Range": f"bytes={size}-"})
        self.assertEqual((status, answer["Content-Range"]), (416, f"bytes */{size}"))
        for text in ("bytes=", "bytes=-", "bytes=5", "bytes=9-3", "bytes=0-1,3-4", "items=0-3"):
            self.assertEqual(self.sim.fetch(url, headers={"Range": text})[0], 200, text)
        for text in ("bytes=-0", f"bytes={2**64}-"):
            self.assertEqual(self.sim.fetch(url, headers={"Range": text})[0], 416, text)
        for tag, wanted in [(headers["ETag"], 206), ('"other"', 200)]:
            asked = {"Range": "bytes=1-", "If-Range": tag}
            self.assertEqual(self.sim.fetch(url, headers=asked)[0], wanted)

    def test_links_expire(self):
        task = self.sim.task()
        self.sim.advance(5000)
        url = self.sim.urls(task)[0]
        self.sim.advance(24 * 3600 * 1000)
        self.assertEqual(self.sim.fetch(url)[0], 403)
        fresh = self.sim.ask("POST", "/api/v1/common/download-url", {"url": url})["data"]
        self.assertEqual(self.sim.fetch(fresh)[0], 200)
        self.assertEqual(self.sim.fetch(self.sim.urls(task)[0])[0], 200)
        self.sim.advance(20 * 60 * 1000)
        self.assertEqual(self.sim.fetch(fresh)[0], 403)
        for wrong in ("https://example.com/a.png", 7):
            answer = self.sim.ask("POST", "/api/v1/common/download-url", {"url": wrong})
            self.assertEqual((answer["code"], answer["msg"]), (422, "url is wrong"))

    def test_formats_and_numbers(self):
        given = {"prompt": "a kite", "image_size": "portrait_16_9", "num_images": "3"}
        answer = self.sim.create("qwen/image-edit", given | {"image_url": "https://e.x/a.png",
                                                             "output_format": "jpeg"})
        self.assertEqual(answer["code"], 200, answer)
        self.sim.advance(5000)
        urls = self.sim.urls(answer["data"]["taskId"])
        self.assertEqual(len(urls), 3)
        bodies = {self.sim.fetch(url)[2] for url in urls}
        self.assertEqual(len(bodies), 3)
        for body in bodies:
            self.assertTrue(body.startswith(b"\xff\xd8\xff"))

    def test_results_are_deterministic(self):
        task = self.sim.task()
        self.sim.advance(5000)
        url = self.sim.urls(task)[0]
        self.assertEqual(self.sim.fetch(url)[2], self.sim.fetch(url)[2])

    def test_last_frame_when_asked_for(self):
        given = {"prompt": "a kite flies", "return_last_frame": True}
        answer = self.sim.create("bytedance/seedance-2", given)
        self.sim.advance(5000)
        result = json.loads(self.sim.record(answer["data"]["taskId"])["data"]["resultJson"])
        self.assertIn("lastFrameUrl", result)
        self.assertNotIn("firstFrameUrl", result)

    def test_models(self):
        listed = self.sim.ask("GET", "/api/v1/models")["data"]
        self.assertIn("z-image", [item["model"] for item in listed["models"]])
        self.assertEqual(listed["total"], len(listed["models"]))
        price = self.sim.ask("GET", "/api/v1/models/google/nano-banana/price")
        self.assertGreater(price["data"]["credits"], 0)
        answer = self.sim.ask("GET", "/api/v1/models/z-image/schema")["data"]["openapi"]
        schema = answer["components"]["schemas"]["Input"]
        self.assertIn("prompt", schema["required"])
        self.assertEqual(self.sim.ask("GET", "/api/v1/models/no/such/schema")["code"], 404)

    def test_ledger(self):
        task = self.sim.task()
        self.sim.record(task)
        report = self.sim.ask("GET", "/sim/requests?full=1")
        self.assertEqual((report["created"], report["polls"], report["downloads"]), (1, 1, 0))
        self.assertEqual(report["by_model"], {"z-image": 1})
        line = report["requests"][0]
        self.assertEqual(report["by_body"], {line["sha256"]: 1})
        self.assertEqual(json.loads(line["body"])["model"], "z-image")
        self.assertEqual(report["by_task"][task]["polls"], 1)
        self.sim.ask("POST", "/sim/reset")
        self.assertEqual(self.sim.ask("GET", "/sim/requests")["created"], 0)
        self.assertEqual(self.sim.record(task)["code"], 422)

    def test_too_large_a_body(self):
        answer = self.sim.ask("POST", "/api/v1/jobs/createTask", b" " * (17 << 20))
        self.assertEqual(answer["code"], 413)

    def test_wrong_control_bodies(self):
        for path, body in [("/sim/credits", {}), ("/sim/time", {"advance_ms": -1}),
                           ("/sim/keys", {"bad": 1}), ("/sim/faults", {"kind": "magic"}),
                           ("/sim/faults", {"kind": "code", "often": 2}), ("/sim/time", "{")]:
            self.assertEqual(self.sim.request("POST", path, body)[0], 400, path)


class Options(unittest.TestCase):
    def test_another_service_by_a_file(self):
        with Simulator("--catalog", os.environ["KIEFS_INVENTED"], "--task-ms=1000") as sim:
            task = sim.ask("POST", "/v9/paint", {"what": {"prompt": "red"}})["job"]["number"]
            self.assertEqual(sim.ask("GET", f"/v9/paint/{task}/state")["job"]["flag"], 0)
            sim.advance(1000)
            job = sim.ask("GET", f"/v9/paint/{task}/state")["job"]
            self.assertEqual((job["flag"], job["score"]), (1, "red"))
            self.assertEqual(sim.fetch(job["sounds"][0]["at"])[1]["Content-Type"], "audio/mpeg")
            task = sim.ask("POST", "/v9/paint", {"what": {"prompt": "sim:fail"}})["job"]["number"]
            sim.advance(1000)
            job = sim.ask("GET", f"/v9/paint/{task}/state")["job"]
            self.assertEqual((job["flag"], job["why"]), (2, "500"))
            self.assertEqual(sim.request("POST", "/api/v1/jobs/createTask", {})[0], 404)

    def test_wrong_options(self):
        for options in (["--port", "x"], ["--port=65536"], ["--speed=0"], ["--nonsense"], ["x"],
                        ["--port"], ["--help=1"], ["--rate=1.5"]):
            ran = subprocess.run([os.environ["KIEFS_SIM"], *options], capture_output=True,
                                 check=False)
            self.assertEqual((ran.returncode, ran.stdout), (2, b""), options)
            self.assertRegex(ran.stderr, rb"\Akiefs-sim: [^\n]+\n\Z")

    def test_cannot_start(self):
        for options in (["--listen=nowhere"], ["--catalog=/nonexistent"]):
            ran = subprocess.run([os.environ["KIEFS_SIM"], *options], capture_output=True,
                                 check=False)
            self.assertEqual((ran.returncode, ran.stdout), (1, b""), options)
            self.assertRegex(ran.stderr, rb"\Akiefs-sim: [^\n]+\n\Z")

    def test_port_in_use(self):
        with Simulator() as sim:
            ran = subprocess.run([os.environ["KIEFS_SIM"], f"--port={sim.port}"],
                                 capture_output=True, check=False)
            self.assertEqual(ran.returncode, 1)
            self.assertIn(b"in use", ran.stderr)

    def test_help_and_version(self):
        for option, wanted in (("--help", b"usage:"), ("--version", b"kiefs-sim 0.")):
            ran = subprocess.run([os.environ["KIEFS_SIM"], option], capture_output=True,
                                 check=True)
            self.assertTrue(ran.stdout.startswith(wanted))

    def test_the_oldest_task_is_forgotten(self):
        with Simulator("--max-tasks=3", "--rate=0", "--any-model") as sim:
            tasks = [sim.create("acme/new", {"x": 1})["data"]["taskId"] for _ in range(4)]
            self.assertEqual(sim.record(tasks[0])["code"], 422)
            for task in tasks[1:]:
                self.assertEqual(sim.record(task)["code"], 200)
            self.assertEqual(len(set(tasks)), 4)

    def test_seed_repeats_ids(self):
        ids = []
        for _ in range(2):
            with Simulator("--seed=7") as sim:
                ids.append(sim.task())
        self.assertEqual(ids[0], ids[1])

    def test_retry_after(self):
        with Simulator("--rate=1", "--retry-after") as sim:
            sim.task()
            body = {"model": "z-image", "input": KITE}
            _, headers, _ = sim.request("POST", "/api/v1/jobs/createTask", body)
            self.assertTrue(re.fullmatch("[1-9]|10", headers["Retry-After"]))


if __name__ == "__main__":
    unittest.main()
