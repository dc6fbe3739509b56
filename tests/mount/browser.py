"""A headless Chromium for tests, driven by chromedriver over HTTP."""

import base64
import http.client
import json
import os
import re
import shutil
import subprocess
import tempfile

from mount import DEADLINE_S, end, until


class Browser:
    """One window."""

    def __init__(self, width=1280, height=900):
        self.home = home = tempfile.mkdtemp(prefix="kiefs-browser-")
        env = {**os.environ, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home}
        self.process = subprocess.Popen(
            ["chromedriver", "--port=0"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env=env,
        )  # fmt: skip
        self.session = None
        self.asked, self.said = [], []
        line = next((line for line in self.process.stdout if "successfully" in line), "")
        port = re.search(r"on port (\d+)", line)
        assert port, "chromedriver did not start"
        self.address = ("127.0.0.1", int(port[1]))
        arguments = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage",
                     "--hide-scrollbars", "--no-first-run", f"--user-data-dir={home}/chromium",
                     f"--window-size={width},{height}"]  # fmt: skip
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        wanted = {
            "goog:chromeOptions": {"binary": "/usr/bin/chromium", "args": arguments},
            "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"},
        }
        try:
            self.session = self.ask(
                "POST", "/session", {"capabilities": {"alwaysMatch": wanted}}
            )["sessionId"]
        except BaseException:
            self.finish()
            raise

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(*self.address, timeout=DEADLINE_S)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None)
            value = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        assert not (isinstance(value, dict) and "error" in value), value
        return value

    def tell(self, command, body):
        return self.ask("POST", f"/session/{self.session}/{command}", body)

    def leave(self):
        """No page; what the last one has asked for and said is forgotten."""
        self.tell("url", {"url": "about:blank"})
        self.requests()
        self.complaints()
        self.asked, self.said = [], []

    def open(self, path):
        self.leave()
        self.tell("url", {"url": path if "://" in path else f"file://{path}"})

    def run(self, script, *arguments):
        """The value of an expression in the page."""
        return self.tell("execute/sync", {"script": f"return {script}", "args": list(arguments)})

    def until(self, script, what=None):
        return until(lambda: self.run(script), what or script)

    def devtools(self, command, **parameters):
        return self.tell("goog/cdp/execute", {"cmd": command, "params": parameters})

    def look(self, width, height, dark=False):
        """A screen of this size, in light or dark."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=1, mobile=width < 600)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.devtools("Emulation.setEmulatedMedia", features=[scheme])

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            self.devtools("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                          text="\r" if key == "Enter" and kind == "keyDown" else "",
                          windowsVirtualKeyCode={"Tab": 9, "Enter": 13, "Escape": 27,
                                                 "ArrowLeft": 37, "ArrowRight": 39}[key])  # fmt: skip

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.ask("GET", f"/session/{self.session}/screenshot")))

    def requests(self):
        """All addresses that pages have asked for, but for those of the browser itself."""
        for entry in self.tell("se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            told = message["params"]
            if message["method"] == "Network.requestWillBeSent" and not told[
                "documentURL"
            ].startswith("chrome:"):
                self.asked.append(told["request"]["url"])
        return self.asked

    def complaints(self):
        """What the console was told: errors of scripts, of loading, of the page's policy."""
        self.said += [entry["message"] for entry in self.tell("se/log", {"type": "browser"})]
        return self.said

    def finish(self):
        try:
            if self.session:
                self.ask("DELETE", f"/session/{self.session}")
        finally:
            self.process.stdout.close()
            end(self.process)
            shutil.rmtree(self.home, ignore_errors=True)
