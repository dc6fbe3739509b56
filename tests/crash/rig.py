"""A daemon on a simulator in a directory of its own, to be killed and mounted again."""

import contextlib
import json
import os
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.environ["KIEFS_SIM_TESTS"])
from simulator import Simulator  # noqa: E402

# What a sanitizer says, whatever the exit status.
COMPLAINTS = (b"Sanitizer", b"runtime error", b"Assertion")


class Rig:
    """Directories, a simulator, and one daemon at a time; use it in a with statement."""

    def __init__(self, sim_options=(), **options):
        self.options = options
        self.sim_options = sim_options
        self.daemon = None

    def __enter__(self):
        self.top = tempfile.mkdtemp(prefix="kiefs-crash-", dir=os.environ.get("KIEFS_TEST_DIR"))
        for name in ("mnt", "config"):
            os.mkdir(self.path(name))
        # libfuse 3.14 loses the pipe of a splicing thread that ends together with the session.
        with open(self.path("leaks"), "w", encoding="utf-8") as file:
            file.write("leak:libfuse3.so\n")
        self.mnt = self.path("mnt")
        self.index = self.path("state/index.sqlite")
        self.said = open(self.path("stderr"), "w+b")
        self.sim = Simulator(*self.sim_options).__enter__()
        return self

    def __exit__(self, *failure):
        try:
            if self.daemon:
                self.kill()
            self.unmount()
            self.sim.__exit__(*failure)
            self.said.seek(0)
            said = self.said.read()
            if any(word in said for word in COMPLAINTS) or failure[0]:
                sys.stderr.write(said[-20000:].decode(errors="replace"))
            assert not any(word in said for word in COMPLAINTS)
        finally:
            self.said.close()
            shutil.rmtree(self.top, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.top, name)

    def start(self):
        """Starts a daemon; returns the pipe on which it says that it is ready."""
        read_end, write_end = os.pipe()
        options = {
            "base_url": f"http://127.0.0.1:{self.sim.port}",
            "upload_url": f"http://127.0.0.1:{self.sim.port}",
            "state": self.path("state"),
            "store": self.path("store"),
            "ready_fd": write_end,
            **self.options,
        }
        listed = ",".join(f"{name}={value}" for name, value in options.items())
        self.daemon = subprocess.Popen(
            [os.environ["KIEFS"], "-f", "-o", listed, self.mnt],
            pass_fds=[write_end],
            stdin=subprocess.DEVNULL,
            stderr=self.said,
            env={
                **os.environ,
                "XDG_CONFIG_HOME": self.path("config"),
                "KIE_API_KEY": "k",
                "LSAN_OPTIONS": f"suppressions={self.path('leaks')}:print_suppressions=0",
            },
        )
        os.close(write_end)
        return read_end

    def wait_ready(self, ready, timeout=30):
        """False when the time is over first."""
        seen = select.select([ready], [], [], timeout)[0]
        if seen and not os.read(ready, 6):
            raise AssertionError(f"the daemon ended: {self.daemon.wait()}")
        return bool(seen)

    def mount(self):
        ready = self.start()
        assert self.wait_ready(ready), "the daemon is not ready"
        os.close(ready)

    def kill(self):
        self.daemon.kill()
        self.daemon.wait()
        self.daemon = None

    def is_mounted(self):
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            return any(line.split()[4] == self.mnt for line in file)

    def is_mounting(self):
        """Who may not mount has fusermount3 do it, which outlives a killed daemon."""
        for entry in os.scandir("/proc"):
            with contextlib.suppress(OSError):
                if entry.name.isdigit():
                    with open(f"{entry.path}/cmdline", "rb") as file:
                        words = file.read().split(b"\0")
                    if b"fusermount3" in words[0] and self.mnt.encode() in words:
                        return True
        return False

    def unmount(self):
        while self.is_mounting() or self.is_mounted():
            if self.is_mounted():
                subprocess.run(["fusermount3", "-uz", self.mnt], check=False, stderr=self.said)

    def end(self):
        """Ends the daemon the regular way."""
        self.daemon.send_signal(signal.SIGTERM)
        status = self.daemon.wait(timeout=30)
        self.daemon = None
        assert status == 0, status
        assert not self.is_mounted()

    def usage(self):
        """Seconds of processor time and the daemon's peak of memory in KiB."""
        with open(f"/proc/{self.daemon.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        with open(f"/proc/{self.daemon.pid}/status", encoding="utf-8") as file:
            lines = dict(line.split(":", 1) for line in file)
        return seconds, int(lines["VmHWM"].split()[0])

    def rows(self, sql, *values):
        """Asks the index itself."""
        index = sqlite3.connect(self.index, timeout=30)
        try:
            return index.execute(sql, values).fetchall()
        finally:
            index.close()

    def at(self, *parts):
        return os.path.join(self.mnt, *parts)

    def read(self, *parts):
        with open(self.at(*parts), "rb") as file:
            return file.read()

    def meta(self, task):
        return json.loads(self.read("tasks/all", str(task), "meta.json"))

    def write(self, text, *parts):
        with open(self.at(*parts), "w", encoding="utf-8") as file:
            file.write(text)

    def wait_until(self, happened, timeout, what):
        """For states that no file can be waited for."""
        end = time.monotonic() + timeout
        while not happened():
            assert time.monotonic() < end, f"not in {timeout} s: {what}"
            time.sleep(0.05)
