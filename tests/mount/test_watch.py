"""Programs that wait for changes: poll(2) and its kin, inotify, and what is built on it."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time

from mount import *

MODEL = "models/z-image"
HOUR_MS = 3600000
SHORT_MS = 50
# On a FUSE filesystem, as on one of another machine, tail looks again and again.
TAIL = ["-n", "+1", "-s", "0.1", "-F"]


def running(bench, **options):
    """A task that goes on until the simulator's clock is moved: its mount, and its path."""
    simulator = bench.simulator()
    simulator.fault("late", ms=HOUR_MS)
    mount = bench.mount(simulator, **options)
    path = write(mount.path(MODEL, "r.txt"), "A red kite.")[: -len(".txt")]
    wait_state(mount, 1, "running")
    return simulator, mount, path


def polled(fd, wait_ms=DEADLINE_S * 1000):
    """What poll(2) says of it; 0: nothing in that time."""
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    return dict(poller.poll(wait_ms)).get(fd, 0)


def selected(fd, wait_ms=DEADLINE_S * 1000):
    return bool(select.select([fd], [], [], wait_ms / 1000)[0]) and select.POLLIN


class Epoll:
    """As `polled`, by one epoll set that lasts."""

    def __init__(self, fd, flags=0):
        self.epoll = select.epoll()
        self.epoll.register(fd, select.EPOLLIN | flags)

    def __call__(self, fd, wait_ms=DEADLINE_S * 1000):
        return dict(self.epoll.poll(wait_ms / 1000)).get(fd, 0)


def sleeps(thread):
    """Whether a thread of this program waits in the kernel."""
    return read(f"/proc/self/task/{thread.native_id}/stat").rpartition(")")[2].split()[0] == "S"


def sleeps_at(pid, call):
    """Whether the program waits in that call of the kernel."""
    with contextlib.suppress(OSError):
        return call in read(f"/proc/{pid}/wchan")


def line_of(fd):
    return os.pread(fd, 200, 0).decode()


def settle(fd, ask):
    """Reads until there is nothing new; the last line."""
    line = line_of(fd)
    while ask(fd, SHORT_MS):
        line = line_of(fd)
    return line


def case_sleepers(bench):
    """Readers sleep until the line has changed, by whatever call, and hear of the end."""
    simulator, mount, path = running(bench)
    until(lambda: read(f"{path}.status").startswith("waiting"), "asked after once")
    woken, threads = {}, []
    for status in (f"{path}.status", mount.path("tasks/all/1/status")):
        for kind in (lambda fd: polled, lambda fd: selected, Epoll,
                     lambda fd: Epoll(fd, select.EPOLLET)):
            fd = os.open(status, os.O_RDONLY | os.O_NONBLOCK)
            ask = kind(fd)
            assert ask(fd) & select.POLLIN, "not read yet"
            contains(settle(fd, ask), "waiting 00:")
            thread = threading.Thread(target=lambda fd, ask: woken.update({fd: ask(fd)}),
                                      args=[fd, ask])
            thread.start()
            until(lambda: sleeps(thread), "it sleeps")
            threads.append(thread)
    simulator.ask("POST", "/sim/time", {"advance_ms": HOUR_MS // 3})
    for thread in threads:
        thread.join()
    equal(len(woken), 8)
    for fd, events in woken.items():
        assert events & select.POLLIN, woken
        contains(line_of(fd), "generating 00:")
    simulator.ask("POST", "/sim/time", {"advance_ms": HOUR_MS})
    for fd in woken:
        until(lambda: "done" in line_of(fd), "the last line, though the name is gone")
        equal(polled(fd), select.POLLHUP)
        os.close(fd)


def case_ready(bench):
    """What never waits is always ready; a wait file is when a read would not block."""
    simulator, mount, path = running(bench)
    folder = mount.path(MODEL)
    for name in ("README.md", "r.txt", "defaults.json"):
        fd = os.open(f"{folder}/{name}", os.O_RDONLY)
        equal(polled(fd), select.POLLIN, name)
        os.close(fd)
    with open(f"{folder}/notes", "w", encoding="utf-8") as file:
        equal(select.select([], [file], [], DEADLINE_S)[1], [file])
    fd = os.open(f"{path}.wait", os.O_RDONLY)
    equal(polled(fd, SHORT_MS), 0)
    simulator.ask("POST", "/sim/time", {"advance_ms": HOUR_MS})
    equal(polled(fd), select.POLLIN)
    contains(os.read(fd, 200).decode(), "done")
    os.close(fd)


def case_killed_sleeper(bench):
    """Whoever sleeps can be killed, and the next one sleeps as well; the daemon's end wakes all."""
    simulator, mount, path = running(bench)
    command = [sys.executable, "-c", "import select, sys; p = select.poll(); f = open(sys.argv[1]);"
               "p.register(f, select.POLLIN)\nwhile True: f.seek(0); f.read(); print(p.poll())",
               mount.path("tasks/all/1/status")]
    for number in (signal.SIGKILL, signal.SIGINT, None):
        with open(bench.path("said"), "w+", encoding="utf-8") as said:
            sleeper = subprocess.Popen(command, stdout=said, stderr=said)
        until(lambda: sleeps_at(sleeper.pid, "poll"), "it sleeps")
        if number:
            end(sleeper, number)
    equal(end(mount.process), 0)
    equal(sleeper.wait(DEADLINE_S), 1)
    contains(read(bench.path("said")), "not connected")


class Watcher:
    """A program that prints what it sees, until it is ended."""

    def __init__(self, bench, *command, **more):
        self.path = bench.path(f"seen-{command[0]}")
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=out,
                                            env=bench.env, **more)
        bench.programs.append(self.process)

    def ready(self, names=b""):
        if names:
            self.process.stdin.write(names)
            self.process.stdin.close()
        until(lambda: watching(self.process), f"{self.process.args[0]} watches")
        return self

    def seen(self):
        return read(self.path)

    def sees(self, *words):
        """In this order."""
        def found():
            at = 0
            for word in words:
                at = self.seen().find(word, at) + len(word)
                if at < len(word):
                    return False
            return True
        until(found, f"{words} in {self.seen()!r}")

    def end(self):
        end(self.process)
        return self.seen()


def inotify(bench, *paths):
    return Watcher(bench, "inotifywait", "-m", "--format", "%e %w%f", *paths).ready()


def case_a_result_arrives(bench):
    """Each watcher sees the whole life of a request's names, and the account's."""
    simulator, mount, path = running(bench)
    folder = mount.path(MODEL)
    files = inotify(bench, folder, mount.path("account"))
    gio = Watcher(bench, "gio", "monitor", folder).ready()
    log = Watcher(bench, "tail", *TAIL, mount.path("tasks/all/1/log"))
    log.sees("submitting")
    simulator.ask("POST", "/sim/time", {"advance_ms": HOUR_MS})
    files.sees(f"CREATE {path}.png", f"CLOSE_WRITE,CLOSE {path}.png")
    files.sees(f"DELETE {path}.status")
    files.sees(f"MODIFY {mount.path('account/spend.csv')}", "CLOSE_WRITE")
    gio.sees(f"{path}.png: created", f"{path}.png: changes done")
    gio.sees(f"{path}.status: deleted")
    log.sees("result 1", "done")


def case_status_changes(bench):
    """A state or percentage is a change of the file, its clock is none."""
    simulator, mount, path = running(bench)
    files = inotify(bench, mount.path(MODEL))
    simulator.ask("POST", "/sim/time", {"advance_ms": HOUR_MS // 3})
    files.sees(f"MODIFY {path}.status", f"CLOSE_WRITE,CLOSE {path}.status")
    until(lambda: read(f"{path}.status").startswith("generating"), "it goes on")
    before = read(f"{path}.status")
    until(lambda: read(f"{path}.status") != before, "the clock goes on")
    told = files.seen().count("MODIFY")
    assert told <= 2, files.seen()


def case_an_error_changes(bench):
    mount = bench.mount(key=None)
    path = mount.path(MODEL, "bad")
    files = inotify(bench, mount.path(MODEL))
    run(["cp", bench.file("one", '{"prompt": 5}'), f"{path}.json"], 1)
    # Watchers hear a moment later, and the next change is to be told as one.
    files.sees(f"CREATE {path}.error", f"CLOSE_WRITE,CLOSE {path}.error")
    contains(read(f"{path}.error"), "prompt")
    run(["cp", bench.file("two", '{"prompt": "a", "aspect_ratio": "17:3"}'), f"{path}.json"], 1)
    files.sees(f"OPEN {path}.error", f"MODIFY {path}.error", f"CLOSE_WRITE,CLOSE {path}.error")
    contains(read(f"{path}.error"), "aspect_ratio")
    equal(files.seen().count(f"CREATE {path}.error"), 1, files.seen())


def case_an_answer_grows(bench):
    """Watchers hear that it grows, at a bounded rate, and that it is whole."""
    mount = bench.mount(bench.simulator())
    folder = mount.path("models/gpt-5-2")
    files = inotify(bench, folder)
    gio = Watcher(bench, "gio", "monitor", folder).ready()
    began = time.monotonic()
    path = write(f"{folder}/long.txt", "Tell me. sim:big=30k sim:throttle=400k")[: -len(".txt")]
    until(lambda: os.path.exists(f"{path}.md"), "the answer begins")
    tail = Watcher(bench, "tail", *TAIL, f"{path}.md")
    again = Watcher(bench, "entr", "-n", "wc", "-c", f"{path}.md").ready(f"{path}.md\n".encode())
    contains(read(f"{path}.wait"), "done")
    took = time.monotonic() - began
    whole = read(f"{path}.md")
    until(lambda: whole in tail.seen(), "tail has all")
    until(lambda: f"{len(whole.encode())} {path}.md" in again.seen(), "entr was told of the end")
    files.sees(f"CREATE {path}.md", f"MODIFY {path}.md", f"CLOSE_WRITE,CLOSE {path}.md")
    gio.sees(f"{path}.md: created", f"{path}.md: changed", f"{path}.md: changes done")
    told = files.seen().count(f"MODIFY {path}.md")
    assert 2 <= told <= 2 * took + 3, f"{told} times in {took} s"
    assert told == files.seen().count(f"CLOSE_WRITE,CLOSE {path}.md") - 1, "each is whole"


def case_a_conversation_grows(bench):
    mount = bench.mount(bench.simulator())
    folder = mount.path("models/gpt-5-2/talk")
    os.mkdir(folder)
    write(f"{folder}/prompt", "Hello.")
    contains(read(f"{folder}/prompt.wait"), "done")
    files = inotify(bench, folder)
    write(f"{folder}/prompt", "Tell me. sim:big=30k sim:throttle=400k")
    for name in ("reply", "history.md", "messages.json"):
        files.sees(f"MODIFY {folder}/{name}", f"CLOSE_WRITE,CLOSE {folder}/{name}")
    contains(read(f"{folder}/prompt.wait"), "done")


def case_an_upload_gets_on(bench):
    """Its status tells of the percentage, and hangs up when the file has its address."""
    simulator = bench.simulator()
    simulator.fault("slow", ms=3000, path="file-stream-upload")
    mount = bench.mount(simulator)
    files = inotify(bench, mount.path("uploads"))
    with open(mount.path("uploads/kite.png"), "wb") as file:
        file.write(PNG + bytes(100000))
    path = mount.path("uploads/kite.png.status")
    until(lambda: os.path.exists(path), "it waits")
    fd = os.open(path, os.O_RDONLY)
    contains(settle(fd, polled), "waiting")
    while not polled(fd) & select.POLLHUP:
        line_of(fd)
    equal(line_of(fd), "")
    os.close(fd)
    files.sees(f"DELETE {path}")
    files.sees(f"CREATE {mount.path('uploads/kite.png.url')}")
    contains(read(mount.path("uploads/kite.png.url")), "http")


if __name__ == "__main__":
    main()
