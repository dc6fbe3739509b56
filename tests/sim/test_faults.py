"""What goes wrong on request, by rules and by words in a prompt."""

import http.client
import json
import time
import unittest

from simulator import Simulator


class Faults(unittest.TestCase):
    def setUp(self):
        self.sim = self.enterContext(Simulator("--task-ms=0", "--rate=0"))

    def created(self):
        return self.sim.ask("GET", "/sim/requests")["created"]

    def create(self, prompt="a kite"):
        return self.sim.create("z-image", {"prompt": prompt, "aspect_ratio": "1:1"})

    def test_codes_queue_up(self):
        self.sim.fault(path="createTask", kind="code", code=500, count=2, after=1)
        self.sim.fault(path="createTask", kind="code", code=455, count=1)
        self.assertEqual([self.create()["code"] for _ in range(5)], [455, 500, 500, 200, 200])
        self.assertEqual(self.created(), 2)

    def test_rules_can_be_listed_and_cleared(self):
        self.sim.fault(path="createTask", kind="code", code=500, count=-1)
        self.create()
        listed = self.sim.ask("GET", "/sim/faults")
        self.assertEqual((listed[0]["kind"], listed[0]["used"]), ("code", 1))
        self.sim.ask("DELETE", "/sim/faults")
        self.assertEqual(self.sim.ask("GET", "/sim/faults"), [])
        self.assertEqual(self.create()["code"], 200)

    def test_rate_limited_with_retry_after(self):
        self.sim.fault(path="recordInfo", kind="code", code=429, http=429, retry_after=7)
        status, headers, body = self.sim.request("GET", "/api/v1/jobs/recordInfo?taskId=x")
        self.assertEqual((status, headers["Retry-After"]), (429, "7"))
        self.assertEqual(json.loads(body)["code"], 429)

    def test_other_paths(self):
        self.sim.fault(path="credit", kind="code", code=500)
        self.assertEqual(self.sim.ask("GET", "/api/v1/chat/credit")["code"], 500)
        self.assertEqual(self.sim.ask("GET", "/api/v1/chat/credit")["code"], 200)

    def test_lost_answers(self):
        for kind, created in [("lost", 1), ("drop", 1)]:
            self.sim.fault(path="createTask", kind=kind)
            with self.assertRaises((http.client.RemoteDisconnected, ConnectionResetError)):
                self.create()
            self.assertEqual(self.created(), created)

    def test_cut_answer(self):
        self.sim.fault(path="createTask", kind="cut", bytes=20)
        with self.assertRaises(http.client.IncompleteRead) as raised:
            self.create()
        self.assertEqual(len(raised.exception.partial), 20)
        self.assertEqual(self.created(), 1)

    def test_slow_answers_hold_up_nobody(self):
        self.sim.fault(path="createTask", kind="slow", ms=600, count=8)
        start = time.monotonic()
        slow = [http.client.HTTPConnection("127.0.0.1", self.sim.port) for _ in range(8)]
        body = json.dumps({"model": "z-image", "input": {"prompt": "x", "aspect_ratio": "1:1"}})
        for connection in slow:
            connection.request("POST", "/api/v1/jobs/createTask", body,
                               {"Authorization": "Bearer k"})
        while self.created() < 8:
            self.assertLess(time.monotonic() - start, 0.6)
        for connection in slow:
            self.assertEqual(connection.getresponse().status, 200)
            connection.close()
        self.assertGreaterEqual(time.monotonic() - start, 0.6)

    def test_ending_while_answers_wait(self):
        with Simulator("--rate=0") as sim:
            sim.fault(path="createTask", kind="slow", ms=10**6)
            connection = http.client.HTTPConnection("127.0.0.1", sim.port)
            connection.request("POST", "/api/v1/jobs/createTask", "{}", {"Authorization": "Bearer k"})
            while sim.ask("GET", "/sim/requests")["total"] == 0:
                pass
        connection.close()

    def test_garbage(self):
        task = self.sim.task()
        path = f"/api/v1/jobs/recordInfo?taskId={task}"
        self.sim.fault(path="recordInfo", kind="html")
        self.assertIn(b"<html>", self.sim.request("GET", path)[2])
        self.sim.fault(path="recordInfo", kind="half")
        with self.assertRaises(json.JSONDecodeError):
            self.sim.record(task)
        self.sim.fault(path="recordInfo", kind="null")
        self.assertIsNone(self.sim.record(task)["data"])
        self.sim.fault(path="recordInfo", kind="types")
        self.assertEqual(self.sim.record(task)["data"]["state"], [7])
        self.sim.fault(path="recordInfo", kind="state")
        self.assertEqual(self.sim.state(task), "reticulating")
        self.sim.fault(path="recordInfo", kind="empty")
        self.assertEqual(self.sim.record(task)["data"]["resultJson"], "")
        self.assertEqual(len(self.sim.urls(task)), 1)

    def test_success_without_result(self):
        task = self.sim.task(prompt="a kite sim:empty")
        record = self.sim.record(task)["data"]
        self.assertEqual((record["state"], record["resultJson"]), ("success", ""))

    def test_failures(self):
        record = self.sim.record(self.sim.task(prompt="please sim:fail"))["data"]
        self.assertEqual((record["state"], record["failCode"]), ("fail", "500"))
        self.assertEqual((record["creditsConsumed"], record["resultJson"]), (0, None))
        record = self.sim.record(self.sim.task(prompt="please sim:fail=422."))["data"]
        self.assertEqual(record["failCode"], "422")
        record = self.sim.record(self.sim.task(prompt="sim:moderation"))["data"]
        self.assertEqual((record["state"], record["failCode"]), ("fail", "400"))
        self.assertGreater(record["creditsConsumed"], 0)
        self.sim.fault(kind="fail", model="z-image")
        self.assertEqual(self.sim.state(self.sim.task()), "fail")
        self.assertEqual(self.sim.state(self.sim.task()), "success")

    def test_words_refuse(self):
        self.assertEqual(self.create("sim:402")["code"], 402)
        self.assertEqual(self.create("sim:code=433")["code"], 433)
        self.assertEqual(self.create("muslim:402")["code"], 200)
        self.assertEqual(self.create("sim:nonsense")["code"], 200)

    def test_stuck_and_late(self):
        task = self.sim.task(prompt="sim:stuck")
        late = self.sim.task(prompt="sim:late=60000")
        self.sim.advance(59000)
        self.assertEqual((self.sim.state(task), self.sim.state(late)), ("generating",) * 2)
        self.sim.advance(10**9)
        self.assertEqual((self.sim.state(task), self.sim.state(late)), ("generating", "success"))

    def test_downloads(self):
        url = self.sim.urls(self.sim.task())[0]
        whole = self.sim.fetch(url)[2]
        for status in (403, 404, 410):
            self.sim.fault(path="results", kind="expired", code=status)
            self.assertEqual(self.sim.fetch(url)[0], status)
        self.sim.fault(path="results", kind="truncate", bytes=1000)
        with self.assertRaises(http.client.IncompleteRead) as raised:
            self.sim.fetch(url)
        self.assertEqual(raised.exception.partial, whole[:1000])
        rest = self.sim.fetch(url, headers={"Range": "bytes=1000-"})[2]
        self.assertEqual(rest, whole[1000:])
        self.sim.fault(path="results", kind="throttle", bytes=len(whole) * 2)
        start = time.monotonic()
        self.assertEqual(self.sim.fetch(url)[2], whole)
        self.assertGreater(time.monotonic() - start, 0.3)

    def test_big_result(self):
        given = {"prompt": "sim:big=3G", "aspect_ratio": "16:9", "resolution": "720p"}
        answer = self.sim.create("grok-imagine/text-to-video", given)
        self.assertEqual(answer["code"], 200, answer)
        url = self.sim.urls(answer["data"]["taskId"])[0]
        self.assertEqual(int(self.sim.fetch(url, "HEAD")[1]["Content-Length"]), 3 << 30)
        status, _, body = self.sim.fetch(url, headers={"Range": f"bytes={(3 << 30) - 5}-"})
        self.assertEqual((status, body), (206, b"\0" * 5))

    def test_probability(self):
        self.sim.fault(path="createTask", kind="code", count=-1, probability=0.5)
        refused = [self.create()["code"] for _ in range(60)].count(500)
        self.assertTrue(5 < refused < 55, refused)


if __name__ == "__main__":
    unittest.main()
