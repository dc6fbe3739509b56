"""Uploads as a client meets them: three forms, two shapes of answer, addresses that end."""

import base64
import hashlib
import http.server
import json
import threading
import unittest

from simulator import Simulator

DAY_MS = 24 * 3600 * 1000
STREAM = "/api/file-stream-upload"
BASE64 = "/api/file-base64-upload"
URL = "/api/file-url-upload"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8


def multipart(fields, data, filename="x.png", boundary="b0undary"):
    """Returns the headers and the body; `data` None: no file."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    if data is not None:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"'
        parts.append(head.encode() + b"\r\nContent-Type: image/png\r\n\r\n" + data + b"\r\n")
    parts.append(f"--{boundary}--\r\n".encode())
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}, b"".join(parts)


class Uploads(unittest.TestCase):
    def setUp(self):
        self.sim = self.enterContext(Simulator("--task-ms=0"))

    def stream(self, data=PNG, key="k", sim=None, **fields):
        sim = sim or self.sim
        headers, body = multipart(fields, data)
        _, _, text = sim.request("POST", STREAM, body, key, headers)
        return json.loads(text)

    def test_stream(self):
        answer = self.stream(uploadPath="images/me", fileName="a b.png")
        self.assertEqual((answer["success"], answer["code"]), (True, 200))
        data = answer["data"]
        self.assertEqual(data["fileName"], "a b.png")
        self.assertRegex(data["filePath"], r"^kieai/\d+/images/me/a b\.png$")
        self.assertEqual((data["fileSize"], data["mimeType"]), (len(PNG), "image/png"))
        status, headers, body = self.sim.fetch(data["downloadUrl"])
        self.assertEqual((status, headers["Content-Type"], body), (200, "image/png", PNG))
        part = self.sim.fetch(data["downloadUrl"], headers={"Range": "bytes=8-11"})
        self.assertEqual((part[0], part[2]), (206, PNG[8:12]))

    def test_base64(self):
        text = base64.b64encode(PNG).decode()
        for given in (text, "data:image/png;base64," + text):
            answer = self.sim.ask("POST", BASE64, {"base64Data": given, "uploadPath": "x"})
            self.assertEqual(answer["code"], 200)
            self.assertTrue(answer["data"]["fileName"].endswith(".png"))
            self.assertEqual(self.sim.fetch(answer["data"]["downloadUrl"])[2], PNG)

    def test_url(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if self.path == "/kite.png" else 404)
                self.end_headers()
                self.wfile.write(PNG)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        there = f"http://127.0.0.1:{server.server_port}/"
        answer = self.sim.ask("POST", URL, {"fileUrl": there + "kite.png", "uploadPath": "x"})
        self.assertEqual(self.sim.fetch(answer["data"]["downloadUrl"])[2], PNG)
        # Its own files, too.
        again = self.sim.ask(
            "POST", URL, {"fileUrl": answer["data"]["downloadUrl"], "uploadPath": "y"}
        )
        self.assertEqual(self.sim.fetch(again["data"]["downloadUrl"])[2], PNG)
        for bad in (there + "none.png", "ftp://127.0.0.1/x", "nonsense"):
            answer = self.sim.ask("POST", URL, {"fileUrl": bad, "uploadPath": "x"})
            self.assertEqual((answer["success"], answer["code"]), (False, 400), bad)

    def test_the_other_shape(self):
        with Simulator("--upload-short") as sim:
            data = self.stream(sim=sim, uploadPath="x", fileName="a.png")["data"]
            self.assertNotIn("downloadUrl", data)
            self.assertRegex(data["expiresAt"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            self.assertEqual(sim.fetch(data["fileUrl"])[2], PNG)

    def test_refusals(self):
        for key in (None, "bad"):
            self.sim.ask("POST", "/sim/keys", {"bad": ["bad"]})
            answer = self.stream(key=key, uploadPath="x")
            self.assertEqual((answer["success"], answer["code"]), (False, 401))
            self.assertEqual(self.sim.ask("POST", BASE64, {}, key=key)["code"], 401)
        self.assertEqual(
            self.stream()["msg"], "Missing required parameter: uploadPath"
        )
        self.assertEqual(self.stream(data=None, uploadPath="x")["code"], 400)
        for folder in ("/x", "x/", "a/../b"):
            self.assertEqual(self.stream(uploadPath=folder)["code"], 400, folder)
        answer = self.sim.ask("POST", BASE64, {"base64Data": "?!", "uploadPath": "x"})
        self.assertEqual(answer["msg"], "Base64 decoding failed: Invalid Base64 format")
        status, _, _ = self.sim.request("POST", STREAM, "{}", headers={"Content-Type": "text/x"})
        self.assertEqual(status, 200)

    def test_too_large(self):
        with Simulator("--upload-max=1k") as sim:
            self.assertEqual(self.stream(sim=sim, uploadPath="x")["code"], 413)
            self.assertEqual(self.stream(data=b"x" * 1000, sim=sim, uploadPath="x")["code"], 200)

    def test_the_same_name_overwrites(self):
        first = self.stream(uploadPath="x", fileName="a.png")["data"]["downloadUrl"]
        second = self.stream(data=b"new", uploadPath="x", fileName="a.png")["data"]["downloadUrl"]
        self.assertEqual(first, second)
        self.assertEqual(self.sim.fetch(first)[2], b"new")

    def test_addresses_end(self):
        url = self.stream(uploadPath="x")["data"]["downloadUrl"]
        self.sim.advance(3 * DAY_MS - 60000)
        self.assertEqual(self.sim.fetch(url)[0], 200)
        self.sim.advance(120000)
        self.assertEqual(self.sim.fetch(url)[0], 404)

    def test_a_task_reads_what_it_names(self):
        url = self.stream(uploadPath="x")["data"]["downloadUrl"]
        given = {"image": url}
        task = self.sim.create("recraft/remove-background", given)["data"]["taskId"]
        self.assertEqual(self.sim.state(task), "success")
        gone = {"image": url.replace("/x/", "/y/")}
        task = self.sim.create("recraft/remove-background", gone)["data"]["taskId"]
        record = self.sim.record(task)["data"]
        self.assertEqual((record["state"], str(record["failCode"])), ("fail", "451"))
        self.sim.advance(4 * DAY_MS)
        task = self.sim.create("recraft/remove-background", given)["data"]["taskId"]
        self.assertEqual(self.sim.state(task), "fail")

    def test_faults_and_the_log(self):
        self.sim.fault(kind="code", code=500, path=STREAM, count=1)
        self.assertEqual(self.stream(uploadPath="x")["code"], 500)
        self.assertEqual(self.stream(uploadPath="x")["code"], 200)
        line = self.sim.ask("GET", "/sim/requests?full=1")["requests"][-1]
        self.assertEqual((line["path"], line["bytes"]), (STREAM, len(PNG)))
        self.assertEqual(line["sha256"], hashlib.sha256(PNG).hexdigest())
        self.assertNotIn("body", line)

    def test_memory_stays_small(self):
        size = 100 << 20
        self.stream(data=b"\0" * size, uploadPath="x", fileName="big.bin")
        with open(f"/proc/{self.sim.process.pid}/status", encoding="ascii") as file:
            peak = [line for line in file if line.startswith("VmHWM")][0]
        self.assertLess(int(peak.split()[1]), (size >> 10) // 2 + 100000, peak)


if __name__ == "__main__":
    unittest.main()
