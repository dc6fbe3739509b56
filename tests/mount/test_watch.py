"""Programs that wait for changes: poll(2) and its kin, inotify, and what is built on it."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading

from mount import *

MODEL = "models/z-image"
HOUR_MS = 3600000
SHORT_MS = 50


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


if __name__ == "__main__":
    main()
