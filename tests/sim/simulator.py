"""Starts kiefs-sim for a test and speaks to it as a client would."""

import http.client
import json
import os
import subprocess
import urllib.parse


class Simulator:
    """One running simulator; use it in a with statement. Its stderr must stay empty."""

    def __init__(self, *options):
        self.options = options

    def __enter__(self):
        read_end, write_end = os.pipe()
        self.process = subprocess.Popen(
            [os.environ["KIEFS_SIM"], "--die-with-parent", f"--ready-fd={write_end}", *self.options],
            pass_fds=[write_end],
            stderr=subprocess.PIPE,
        )
        os.close(write_end)
        with os.fdopen(read_end) as ready:
            self.port = int(ready.read())
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        return self

    def __exit__(self, *failure):
        self.connection.close()
        self.process.terminate()
        _, stderr = self.process.communicate(timeout=30)
        if failure[0] is None:
            assert self.process.returncode == 0, self.process.returncode
            assert stderr == b"", stderr.decode()

    def request(self, method, path, body=None, key="k", headers=None):
        """Returns status, headers and bytes; a cut answer raises."""
        sent = {"Authorization": f"Bearer {key}"} if key is not None else {}
        sent.update(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        try:
            self.connection.request(method, path, body, sent)
            answer = self.connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except Exception:
            self.connection.close()
            raise

    def ask(self, method, path, body=None, key="k"):
        return json.loads(self.request(method, path, body, key)[2])

    def create(self, model, given, key="k"):
        return self.ask("POST", "/api/v1/jobs/createTask", {"model": model, "input": given}, key)

    def task(self, model="z-image", prompt="a kite"):
        given = {"prompt": prompt, "aspect_ratio": "1:1"}
        return self.create(model, given)["data"]["taskId"]

    def record(self, task):
        return self.ask("GET", f"/api/v1/jobs/recordInfo?taskId={task}")

    def state(self, task):
        return self.record(task)["data"]["state"]

    def urls(self, task):
        return json.loads(self.record(task)["data"]["resultJson"])["resultUrls"]

    def fetch(self, url, method="GET", headers=None):
        parts = urllib.parse.urlsplit(url)
        return self.request(method, f"{parts.path}?{parts.query}", key=None, headers=headers)

    def advance(self, ms):
        self.ask("POST", "/sim/time", {"advance_ms": ms})

    def fault(self, **rule):
        answer = self.ask("POST", "/sim/faults", rule)
        assert answer == {"ok": True}, answer
