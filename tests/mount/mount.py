"""Real mounts for tests: starts kiefs-sim and kiefs in a directory of their own, runs programs on
the mount, ends everything, and prints TAP.

A case is a function with one argument, a Bench. `main()` runs all of a file's cases or, with
--case NAME, one. Nothing waits for time: either a descriptor tells, or a condition is looked at
again until DEADLINE_S.
"""

import argparse
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse

DEADLINE_S = 60
PAUSE_S = 0.01
SAID_LINES = 40  # of a daemon, when a case has failed
KEY = "key-0123456789abcdef-of-the-tests"
NO_KEY = (
    "kiefs: There is no API key: set api_key_file or api_key_command in the configuration, or "
    "$KIE_API_KEY. Requests are held until there is a key.\n"
)
PNG = b"\x89PNG\r\n\x1a\n"


def until(condition, what):
    """Looks until `condition()` is true and returns its value; `what` was awaited, or says so."""
    end = time.monotonic() + DEADLINE_S
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            awaited = what() if callable(what) else what
            raise AssertionError(f"in {DEADLINE_S} s this did not come true: {awaited}")
        time.sleep(PAUSE_S)


def equal(got, wanted, what=""):
    assert got == wanted, f"{what + ': ' if what else ''}{got!r}, wanted {wanted!r}"


def contains(text, *words):
    for word in words:
        assert word in text, f"no {word!r} in {text!r}"


def denied(to_root):
    """What a mode of the mount denies; root gets past the mode and hears the mount itself."""
    return to_root if os.geteuid() == 0 else "Permission denied"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def fetch(url):
    """The bytes at an address."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=DEADLINE_S)
    with contextlib.closing(connection):
        connection.request("GET", urllib.parse.urlunsplit(("", "", parts.path, parts.query, "")))
        answer = connection.getresponse()
        equal(answer.status, 200, url)
        return answer.read()


def names(path):
    return sorted(os.listdir(path))


def start_ready(arguments, ready, **more):
    """Starts a program that writes a line to the descriptor `ready % number`, and reads it.
    Returns the process and the line; "" when it ended without."""
    read_end, write_end = os.pipe()
    arguments = [argument.replace("READY_FD", str(write_end)) for argument in arguments] + [
        part.replace("READY_FD", str(write_end)) for part in ready
    ]
    process = subprocess.Popen(
        arguments, pass_fds=[write_end], stdin=subprocess.DEVNULL, **more
    )
    os.close(write_end)
    with os.fdopen(read_end) as line:
        return process, line.readline().strip()


def end(process, number=signal.SIGTERM):
    """Ends a process by its id and returns its exit status."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        return process.wait(DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError(f"{process.args[0]} did not end after {number!r}") from None


def watching(process):
    """Whether the program has an inotify watch set."""
    with contextlib.suppress(OSError):
        return any("inotify wd" in read(f"/proc/{process.pid}/fdinfo/{fd}")
                   for fd in os.listdir(f"/proc/{process.pid}/fdinfo"))


class Simulator:
    def __init__(self, program, *options):
        self.stderr = tempfile.TemporaryFile()
        self.process, port = start_ready(
            [program, "--port", "0", "--ready-fd", "READY_FD", "--die-with-parent", *options],
            [],
            stderr=self.stderr,
        )
        assert port, "kiefs-sim did not start"
        self.url = f"http://127.0.0.1:{port}"
        self.address = ("127.0.0.1", int(port))

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(*self.address, timeout=DEADLINE_S)
        with contextlib.closing(connection):
            connection.request(method, path, json.dumps(body) if body is not None else None)
            answer = json.loads(connection.getresponse().read())
        assert "error" not in answer, answer
        return answer

    def requests(self):
        return self.ask("GET", "/sim/requests?full=1")["requests"]

    def counts(self):
        return self.ask("GET", "/sim/requests")

    def sent(self):
        """How often a task was submitted, taken or not."""
        return self.counts()["by_path"].get("/api/v1/jobs/createTask", 0)

    def total(self):
        """All that was asked for but the balance, which is asked for in the background."""
        counts = self.counts()
        return counts["total"] - counts["by_path"].get("/api/v1/chat/credit", 0)

    def fault(self, kind, **more):
        self.ask("POST", "/sim/faults", {"kind": kind, **more})

    def finish(self):
        status = end(self.process)
        self.stderr.seek(0)
        said = self.stderr.read().decode()
        equal((status, said), (0, ""), "kiefs-sim at its end")


class Mount:
    """A running `kiefs -f`. `options` go after -o; values of None are left out, and
    True stands for a name alone."""

    def __init__(self, program, point, options, env, ready=True, flags=("-f",)):
        self.point = point
        self.expected = ""
        self.said = tempfile.TemporaryFile()
        given = [name if value is True else f"{name}={value}"
                 for name, value in options.items() if value is not None]
        given.append("ready_fd=READY_FD")
        self.process, line = start_ready(
            [program, *flags],
            [part for option in given for part in ("-o", option)] + [point],
            stdout=self.said,
            stderr=self.said,
            env=env,
        )
        self.is_ready = line == "ready"
        if ready and not self.is_ready:
            raise AssertionError(f"kiefs did not start: {end(self.process)}: {self.words()}")

    def words(self):
        self.said.seek(0)
        return self.said.read().decode(errors="replace")

    def path(self, *parts):
        return os.path.join(self.point, *parts)

    def unmount(self):
        """As a user does; returns the daemon's exit status. Busy for a moment is a daemon that
        tells the watchers of its own mount something."""
        command = ["fusermount3", "-u", self.point]
        until(lambda: run(command, None).status == 0, "unmounted")
        try:
            return self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError("kiefs goes on after its mount has gone") from None

    def finish(self):
        """Ends it, if it has not ended, and checks that it had nothing else to say."""
        status = end(self.process)
        equal((status, self.words()), (0, self.expected), "kiefs at its end")

    def abandon(self):
        """Whatever state it is in: no process and no mount remain."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        subprocess.run(
            ["fusermount3", "-uzq", self.point], stderr=subprocess.DEVNULL, check=False
        )


class Ended:
    """What a program left: its exit status and words."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err


def run(command, status=0, cwd=None, env=None, stdin=None):
    """Runs a program (a list) or a line of bash; `status` None: any."""
    if isinstance(command, str):
        command = ["bash", "-c", command]
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "LC_ALL": "C", **(env or {})},
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )
    ended = Ended(
        done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    )
    if status is not None:
        assert ended.status == status, f"{command}: exit {ended.status}: {ended.err}{ended.out}"
    return ended


class Bench:
    """What one case has: a directory, and what it started there."""

    def __init__(self, kiefs, sim, common):
        self.kiefs, self.sim_program, self.common = kiefs, sim, common
        self.home = tempfile.mkdtemp(prefix="kiefs-test-")
        self.mounts, self.sims = [], []
        self.programs = []  # that are to end before what they look at
        self.env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("KIE_", "XDG_", "CREDENTIALS_"))
        }
        self.env.update(HOME=self.home, LC_ALL="C")

    def path(self, *parts):
        return os.path.join(self.home, *parts)

    def file(self, name, text):
        return write(self.path(name), text)

    def folder(self, name):
        os.makedirs(self.path(name), exist_ok=True)
        return self.path(name)

    def simulator(self, *options):
        """Tasks end at once and nothing is limited, unless `options` say so."""
        simulator = Simulator(self.sim_program, "--task-ms", "0", "--rate", "0", *options)
        self.sims.append(simulator)
        return simulator

    def mount(self, simulator=None, key=KEY, name="kie", ready=True, **options):
        """Mounts on `simulator`; without one, on a port where nobody listens. `options` are those
        of kiefs -o; the state, the store and the key are this case's own."""
        url = simulator.url if simulator else "http://127.0.0.1:1"
        settings = {
            "base_url": url,
            "upload_url": url,
            "state": self.path("state"),
            "store": self.path("store"),
            "catalog_dir": self.path("catalog.d"),
            "submit_rate": 256,
            "poll_rate": 100,
            **options,
        }
        env = dict(self.env)
        if key:
            env["KIE_API_KEY"] = key
        point = self.path(name)
        with contextlib.suppress(FileExistsError):
            os.mkdir(point)
        mount = Mount(self.kiefs, point, settings, env, ready)
        if ready and not key and not settings.get("api_key_file"):
            mount.expected = NO_KEY
        self.mounts.append(mount)
        return mount

    def refused(self, *words, **options):
        """A mount that must not come about: exit status 1 after one sentence with these words."""
        mount = self.mount(ready=False, **options)
        assert not mount.is_ready, "it mounted"
        equal(end(mount.process), 1, "exit status")
        self.mounts.remove(mount)
        said = mount.words()
        equal(said.count("\n"), 1, f"lines in {said!r}")
        contains(said, "kiefs: ", *words)
        return said

    def finish(self):
        for program in self.programs:
            end(program)
        for mount in self.mounts:
            if mount.process.returncode is None:
                mount.finish()
        for simulator in self.sims:
            if simulator.process.returncode is None:
                simulator.finish()

    def clean(self):
        for program in self.programs:
            if program.poll() is None:
                program.kill()
                program.wait()
        for mount in self.mounts:
            mount.abandon()
        for simulator in self.sims:
            if simulator.process.poll() is None:
                simulator.process.kill()
                simulator.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)


def tasks(mount, group="all"):
    return sorted(int(name) for name in os.listdir(mount.path("tasks", group)))


def task_file(mount, task, name):
    """The release that makes the task follows the close() of its request."""
    folder = mount.path("tasks/all", str(task))
    until(lambda: os.path.exists(folder), f"task {task} is there")
    return read(f"{folder}/{name}")


def meta(mount, task):
    return json.loads(task_file(mount, task, "meta.json"))


def wait_state(mount, task, *states):
    """Until the task's state is one of these; returns it."""
    return until(
        lambda: (state := meta(mount, task)["state"]) in states and state,
        f"task {task} is {states}; it is: {meta(mount, task)['state']}",
    )


def wait_done(path):
    """Reads <name>.wait: returns its line, raises OSError when the task failed."""
    return read(re.sub(r"\.(txt|md|prompt|json)$", "", path) + ".wait")


class Common:
    """One mount for the cases of a table. A case that fails takes it down, and the next one that
    needs it starts another."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.bench = None
        self.used = False

    def open(self, **options):
        """`options` are for the mount, when it is to be made."""
        if self.bench is None:
            self.used = True
            self.bench = Bench(self.arguments.kiefs, self.arguments.sim, None)
            self.simulator = self.bench.simulator()
            self.mount = self.bench.mount(self.simulator, max_running=10000, **options)
            self.filled = False
            self.sent = 0
        return self

    def folder(self, name):
        """A new folder in a model's directory."""
        folder = self.mount.path("models/z-image", name)
        os.mkdir(folder)
        return folder

    def settled(self, sent):
        """So many requests were sent since the last time, and no more are on their way: the next
        to arrive is one that is written only now."""
        self.sent += sent
        until(lambda: self.simulator.sent() >= self.sent, f"{self.sent} requests sent")
        write(self.mount.path("models/qwen/text-to-image", f"mark-{self.sent}.txt"), "A mark.")
        self.sent += 1
        until(lambda: self.simulator.sent() >= self.sent, f"{self.sent} requests sent")
        equal(self.simulator.sent(), self.sent, "requests sent in all")
        equal(len(tasks(self.mount)), self.sent, "tasks in the index")

    def close(self, failed):
        """None, or what went wrong."""
        bench, self.bench = self.bench, None
        return bench and close(bench, failed)


def close(bench, failed):
    fault = None
    try:
        if not failed:
            bench.finish()
    except Exception:
        fault = traceback.format_exc()
    if failed or fault:
        fault = fault or ""
        for mount in bench.mounts:
            lines = mount.words().splitlines()[:SAID_LINES]
            fault += "".join(f"kiefs: {line}\n" for line in lines)
    bench.clean()
    return fault


def run_case(function, arguments, common):
    """None, or what went wrong."""
    bench = Bench(arguments.kiefs, arguments.sim, common)
    fault = None
    try:
        function(bench)
    except BaseException:  # what it started must end in any case
        fault = traceback.format_exc()
    more = close(bench, fault is not None)
    if fault is not None:
        more = (more or "") + (common.close(True) or "")
    return fault + more if fault is not None else more


def report(number, name, fault):
    print(f"{'ok' if fault is None else 'not ok'} {number} - {name}")
    for line in (fault or "").splitlines():
        print(f"# {line}")
    sys.stdout.flush()
    return fault is not None


def main(table=()):
    """Runs the case_* functions of the program and those in `table`, of (name, function)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kiefs", required=True, type=os.path.abspath)
    parser.add_argument("--sim", required=True, type=os.path.abspath)
    parser.add_argument("--case")
    arguments = parser.parse_args()
    members = vars(sys.modules["__main__"]).items()
    cases = [(name[5:], value) for name, value in members if name.startswith("case_")]
    cases += table
    if arguments.case:
        cases = [item for item in cases if item[0] == arguments.case]
        assert cases, f"there is no case {arguments.case}"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK) or not shutil.which("fusermount3"):
        print("Bail out! Nothing can be mounted: it takes /dev/fuse, readable and writable, "
              "and fusermount3.")
        sys.exit(1)
    common = Common(arguments)
    failed = 0
    for number, (name, function) in enumerate(cases, 1):
        failed += report(number, name, run_case(function, arguments, common))
    if common.used:
        cases.append(None)
        failed += report(len(cases), "end of the common mount", common.close(False))
    print(f"1..{len(cases)}")
    sys.exit(1 if failed else 0)
