"""An MCP server for KIE, made by others, has its pictures, songs, films and uploads from kiefs-sim."""

import base64
import json
import os
import subprocess
import tempfile
import unittest
import zlib

from installed import install
from simulator import Simulator

# It takes no address with a port from anybody; the names lead nowhere, the paths to the simulator.
FILES = "https://files.kie.example"


class Client:
    """The server, spoken to in JSON-RPC over its stdin and stdout."""

    def __init__(self, port, directory):
        node, program = install()
        base = f"http://127.0.0.1:{port}"
        environment = {"PATH": os.environ["PATH"], "HOME": directory, "KIE_AI_API_KEY": "k",
                       "KIE_AI_BASE_URL": f"{base}/api/v1", "KIE_AI_FILE_UPLOAD_BASE_URL": base,
                       "KIE_AI_DB_PATH": os.path.join(directory, "tasks.db"),
                       "KIE_AI_CALLBACK_URL": f"{FILES}/callback",
                       "KIE_AI_ALLOW_DIRECT_GENERATION": "true"}
        self.process = subprocess.Popen([node, program], cwd=directory, env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.sent = 0
        self.ask("initialize", protocolVersion="2025-06-18", capabilities={},
                 clientInfo={"name": "test", "version": "1"})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.terminate()
        self.process.wait(30)

    def send(self, message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def ask(self, method, **params):
        self.sent += 1
        self.send({"jsonrpc": "2.0", "id": self.sent, "method": method, "params": params})
        for line in self.process.stdout:
            answer = json.loads(line)
            if answer.get("id") == self.sent:
                assert "error" not in answer, answer
                return answer["result"]
        raise AssertionError("the client ended")

    def call(self, name, **arguments):
        answer = self.ask("tools/call", name=name, arguments=arguments)
        text = answer["content"][0]["text"]
        assert not answer.get("isError"), text
        return json.loads(text)


def picture():
    """A whole PNG file of one pixel."""
    def chunk(kind, data):
        return (len(data).to_bytes(4, "big") + kind + data
                + zlib.crc32(kind + data).to_bytes(4, "big"))
    head = chunk(b"IHDR", bytes([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def texts_in(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts_in(item)


def urls_in(value):
    if isinstance(value, str):
        if value.startswith(FILES + "/results/"):
            yield value
        elif value.startswith("{"):
            yield from urls_in(json.loads(value))
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from urls_in(item)


class Mcp(unittest.TestCase):
    def setUp(self):
        self.sim = self.enterContext(
            Simulator("--task-ms=600000", "--credits=1000", f"--files-url={FILES}"))
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.client = Client(self.sim.port, directory)
        self.addCleanup(self.client.close)

    def made(self, tool, kinds, state, **arguments):
        """Makes one, sees it run and end, and fetches every address that the client then shows.
        `state` takes the state from the API's answer."""
        made = self.client.call(tool, **arguments)
        task = made.get("task_id") or made["response"]["data"]["taskId"]
        running = self.client.call("get_task_status", task_id=task)
        self.sim.advance(600000)
        shown = self.client.call("get_task_status", task_id=task)
        states = [state(status["api_response"]["data"]) for status in (running, shown)]
        self.assertEqual(list(urls_in(running)), [])
        kept = [line for line in self.client.call("list_tasks")["tasks"] if line["task_id"] == task]
        self.assertEqual(len(kept), 1, kept)
        found = set()
        for url in urls_in(shown):
            status, headers, body = self.sim.fetch(url)
            self.assertEqual((status, len(body) > 100), (200, True), url)
            found.add(headers["Content-Type"])
        self.assertEqual(found, kinds)
        return task, states

    def wait(self, task):
        done = self.client.call("wait_for_task", task_id=task, interval_seconds=1)
        self.assertEqual(done["status"], "completed")
        for url in done["result_urls"]:
            self.assertEqual(self.sim.fetch(url)[0], 200)
        self.assertTrue(done["result_urls"])

    def test_picture(self):
        task, states = self.made("nano_banana_image", {"image/png"}, lambda data: data["state"],
                                 prompt="a kite", output_format="png")
        self.assertEqual(states, ["waiting", "success"])
        self.wait(task)

    def test_song(self):
        task, states = self.made("suno_generate_music", {"audio/mpeg", "image/jpeg"},
                                 lambda data: data["status"], prompt="a kite", customMode=False,
                                 instrumental=False, model="V5")
        self.assertEqual(states, ["PENDING", "SUCCESS"])
        self.wait(task)

    def test_film(self):
        # Its wait_for_task looks for a word that answers about films do not have, so that one is
        # waited for with get_task_status.
        _, states = self.made("veo3_generate_video", {"video/mp4"},
                              lambda data: data["successFlag"], prompt="a kite", model="veo3_fast")
        self.assertEqual(states, [0, 1])

    def test_upload(self):
        sent = picture()
        shown = self.client.call("upload_file", file_name="dot.png", content_type="image/png",
                                 file_base64=base64.b64encode(sent).decode())
        url = next(text for text in texts_in(shown) if text.startswith(FILES))
        status, headers, body = self.sim.fetch(url)
        self.assertEqual((status, headers["Content-Type"], body), (200, "image/png", sent))


if __name__ == "__main__":
    unittest.main()
