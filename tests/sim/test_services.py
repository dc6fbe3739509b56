"""The dedicated services, each operation as its documentation has it."""

import json
import unittest

from simulator import Simulator

CALLBACK = "http://127.0.0.1:9/none"
SONG = {"prompt": "a kite", "customMode": False, "instrumental": False, "model": "V5",
        "callBackUrl": CALLBACK}
MUSIC = "/api/v1/generate/record-info"


class Services(unittest.TestCase):
    options = ["--task-ms=5000", "--rate=0", "--credits=100000"]

    def setUp(self):
        self.sim = self.enterContext(Simulator(*self.options))

    def post(self, path, **body):
        return self.sim.ask("POST", path, body)

    def task(self, path, **body):
        answer = self.post(path, **body)
        self.assertEqual(answer["code"], 200, answer)
        return answer["data"]["taskId"]

    def poll(self, path, task):
        return self.sim.ask("GET", f"{path}?taskId={task}")

    def fetched(self, url):
        status, headers, body = self.sim.fetch(url)
        self.assertEqual(status, 200, url)
        return headers["Content-Type"], body

    def test_song_over_time(self):
        task = self.task("/api/v1/generate", **SONG)
        seen = []
        for _ in range(11):
            data = self.poll(MUSIC, task)["data"]
            tracks = (data["response"] or {}).get("sunoData") or []
            seen.append((data["status"], [bool(track["audioUrl"]) for track in tracks]))
            for track in tracks:
                self.fetched(track["streamAudioUrl"])
            self.sim.advance(500)
        self.assertEqual(
            list(dict.fromkeys((state, tuple(audio)) for state, audio in seen)),
            [("PENDING", ()), ("TEXT_SUCCESS", (False, False)), ("FIRST_SUCCESS", (True, False)),
             ("SUCCESS", (True, True))])
        track = self.poll(MUSIC, task)["data"]["response"]["sunoData"][1]
        self.assertEqual(self.fetched(track["audioUrl"])[0], "audio/mpeg")
        self.assertEqual(self.fetched(track["imageUrl"])[0], "image/jpeg")

    def test_film(self):
        task = self.task("/api/v1/veo/generate", prompt="a kite", model="veo3_fast")
        path = "/api/v1/veo/record-info"
        self.assertEqual(self.poll(path, task)["data"]["successFlag"], 0)
        self.assertEqual(self.post("/api/v1/veo/extend", taskId=task, prompt="on")["code"], 422)
        self.sim.advance(5000)
        data = self.poll(path, task)["data"]
        self.assertEqual(data["successFlag"], 1)
        self.assertEqual(self.fetched(data["response"]["resultUrls"][0])[0], "video/mp4")
        self.assertIsNone(data["response"]["originUrls"])

    def test_pictures(self):
        task = self.task("/api/v1/gpt4o-image/generate", prompt="a kite", size="1:1", nVariants=2)
        path = "/api/v1/gpt4o-image/record-info"
        self.sim.advance(2500)
        self.assertEqual(self.poll(path, task)["data"]["progress"], "0.50")
        self.sim.advance(2500)
        data = self.poll(path, task)["data"]
        self.assertEqual((data["successFlag"], data["status"]), (1, "SUCCESS"))
        self.assertEqual(len(set(data["response"]["resultUrls"])), 2)
        url = self.post("/api/v1/gpt4o-image/download-url", taskId=task,
                        url=data["response"]["resultUrls"][0])["data"]
        self.assertEqual(self.fetched(url)[0], "image/png")


if __name__ == "__main__":
    unittest.main()
