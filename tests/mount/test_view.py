"""`kiefs top` and `kiefs wait`: what they show on a terminal and in a pipe, and how they end."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from mount import *

MODEL = "models/z-image"
HOUR_MS = 3600000
UTF8 = {"LC_ALL": "C.UTF-8", "TERM": "xterm"}


class Terminal:
    """A program on a terminal of its own; `seen` is all that it has written."""

    def __init__(self, command, rows=24, columns=100, cwd=None):
        self.process, self.master = pty.fork()
        if self.process == 0:
            os.chdir(cwd or "/")
            os.execvpe(command[0], command, {**os.environ, **UTF8})
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.seen = ""
        self.status = None

    def read(self):
        """What is there; false at the end."""
        if not select.select([self.master], [], [], PAUSE_S)[0]:
            return True
        try:
            piece = os.read(self.master, 65536)
        except OSError:  # Linux's way to say that the other side is closed
            piece = b""
        self.seen += piece.decode(errors="replace")
        return piece != b""

    def until(self, words, what=None):
        """Until it has written what matches, from now on or before."""
        return until(lambda: (self.read(), re.search(words, self.seen))[1], what or words)

    def type(self, keys):
        os.write(self.master, keys)

    def end(self):
        """Its exit status, once it has ended by itself; as subprocess has it."""
        until(lambda: not self.read(), "the end of the program")
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        os.close(self.master)
        return self.status

    def abandon(self):
        if self.status is None:
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)


@contextlib.contextmanager
def terminal(*arguments, **more):
    opened = Terminal(*arguments, **more)
    try:
        yield opened
    finally:
        opened.abandon()


def slow(bench, **options):
    """A mount whose tasks run until time() is told to go on."""
    simulator = bench.simulator()
    simulator.fault("late", ms=HOUR_MS, count=-1)
    return simulator, bench.mount(simulator, **options)


def go_on(simulator):
    simulator.ask("POST", "/sim/time", {"advance_ms": HOUR_MS})


def ask(mount, *names):
    """Requests of which each is known to run."""
    for name in names:
        write(mount.path(MODEL, f"{name}.txt"), f"A red kite called {name}.")
    until(lambda: len(tasks(mount, "active")) == len(names), "the tasks are under way")
    for task in tasks(mount, "active"):
        wait_state(mount, task, "running")


def lines(*arguments, **more):
    """A program whose lines can be read as they come."""
    return subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
    )


def case_top_once(bench):
    simulator, mount = slow(bench, limit_per_day=50)
    ask(mount, "fox")
    shown = run([bench.kiefs, "top", "-1", mount.point]).out
    contains(shown, "1 running, 0 queued, 0 held, 0 done, 0 failed", "spent today: 0.8 of 50")
    contains(shown, mount.point, "z-image", "fox.txt")
    assert not re.search(r" $", shown, re.MULTILINE), shown
    go_on(simulator)
    wait_done(mount.path(MODEL, "fox.txt"))
    # Any path in the mount will do.
    shown = run([bench.kiefs, "top", "--once", "."], cwd=mount.path(MODEL)).out
    contains(shown, "0 running, 0 queued, 0 held, 1 done, 0 failed")
    assert re.search(r"1 z-image +fox.txt +#{12} done \d\d:\d\d +0.8$", shown, re.MULTILINE), shown


def case_top_of_which(bench):
    """There may be other mounts on this machine; here are two for certain."""
    one = bench.mount(bench.simulator(), name="one", state=bench.path("s1"), store=bench.path("d1"))
    two = bench.mount(bench.simulator(), name="two", state=bench.path("s2"), store=bench.path("d2"))
    ended = run([bench.kiefs, "top", "-1"], 2)
    contains(ended.err, "kiefs mounts; name one of them:", one.point, two.point)


def case_top_in_place(bench):
    simulator, mount = slow(bench)
    ask(mount, "fox", "owl")
    with terminal([bench.kiefs, "top", "-n", "0.1", mount.point]) as top:
        top.until(r"2 running")
        top.until(r"fox\.txt[^\n]*(waiting|queuing|generating)")
        top.until(r"owl\.txt")
        go_on(simulator)
        top.until(r"2 done")
        top.until(r"fox\.txt +█{12} done")
        equal(top.seen.count("\x1b[?1049h"), 1, "own screens")
        # Not one line more than the terminal has, or it would scroll.
        for frame in top.seen.split("\x1b[H")[1:]:
            assert frame.count("\n") < 24, frame
        top.type(b"q")
        equal(top.end(), 0)
        assert top.seen.endswith("\x1b[?25h\x1b[?1049l"), top.seen[-40:]


def case_top_ends_by_ctrl_c(bench):
    mount = bench.mount(bench.simulator())
    with terminal([bench.kiefs, "top", mount.point]) as top:
        top.until("0 running")
        top.type(b"\x03")
        equal(top.end(), 0)
        assert top.seen.endswith("\x1b[?25h\x1b[?1049l"), top.seen[-40:]


def case_top_narrow(bench):
    """Nothing wider than the terminal, whatever the names are."""
    simulator, mount = slow(bench)
    ask(mount, "a" * 200, "two\nlines", "狐" * 40)
    for columns in (40, 72, 100):
        with terminal([bench.kiefs, "top", mount.point], columns=columns) as top:
            top.until("3 running")
            top.until("\x1b\\[J")
            for line in re.sub("\x1b\\[[?0-9]*[a-zA-Z]", "", top.seen).split("\n"):
                width = sum(2 if ord(c) > 0x2fff else 1 for c in line.strip("\r"))
                assert width <= columns, (columns, width, line)
            top.type(b"q")
            equal(top.end(), 0)
    go_on(simulator)


def case_top_lines(bench):
    """In a pipe, a line for each event, until it is ended."""
    simulator, mount = slow(bench)
    top = lines(bench.kiefs, "top", "-n", "0.1", mount.point)
    seen = b""

    def sees(words):
        nonlocal seen
        if select.select([top.stdout], [], [], PAUSE_S)[0]:
            seen += os.read(top.stdout.fileno(), 65536)
        return re.search(words, seen.decode(), re.MULTILINE)

    # What was before it looks for the first time is no event: ask until one is seen.
    def asks():
        write(mount.path(MODEL, f"fox{len(tasks(mount)) + 1}.txt"), "A fox.")
        return sees(r"^\S+Z task \d+ z-image/fox\d+.txt: .")

    try:
        until(asks, "an event is told")
        task = tasks(mount)[-1]
        wait_state(mount, task, "running")
        go_on(simulator)
        until(lambda: sees(rf"^\S+Z task {task} z-image/fox\d+.txt: done\n"), "the last one is done")
    finally:
        equal(end(top), 0)
    equal(top.stderr.read(), "")


def case_top_when_the_mount_goes(bench):
    mount = bench.mount(bench.simulator())
    with terminal([bench.kiefs, "top", "-n", "0.1", mount.point]) as top:
        top.until("0 running")
        equal(mount.unmount(), 0)  # it keeps nothing open
        equal(top.end(), 1)
        contains(top.seen, "cannot be read any more")


def case_wait_lines(bench):
    simulator, mount = slow(bench)
    ask(mount, "fox", "owl")
    wait = lines(bench.kiefs, "wait", "fox.txt", "owl", cwd=mount.path(MODEL))
    try:
        contains(wait.stdout.readline(), "fox.txt: ")
        contains(wait.stdout.readline(), "owl: ")
        go_on(simulator)
        rest, error = wait.communicate(timeout=DEADLINE_S)
    finally:
        end(wait)
    equal((wait.returncode, error), (0, ""))
    for name in ("fox.txt", "owl"):
        assert re.search(rf"^{name}: done \d\d:\d\d$", rest, re.MULTILINE), rest
    # Once more: it is over at once. A result, a task and a folder will do as well.
    for path in ("fox.png", "fox.task", "../../tasks/latest", ".", "../z-image"):
        run([bench.kiefs, "wait", "-q", path], cwd=mount.path(MODEL))


def case_wait_bars(bench):
    simulator, mount = slow(bench)
    ask(mount, "fox", "owl")
    with terminal([bench.kiefs, "wait", "fox.txt", "owl.txt"], cwd=mount.path(MODEL)) as wait:
        wait.until(r"fox\.txt[^\n]*(waiting|queuing|generating)")
        wait.until(r"0 of 2 ended")
        go_on(simulator)
        equal(wait.end(), 0)
        assert re.search(r"fox.txt: done \d\d:\d\d\r\n", wait.seen), wait.seen
        assert "2 of 2" not in wait.seen.split("\x1b[J")[-1], wait.seen


def case_wait_interrupted(bench):
    simulator, mount = slow(bench)
    ask(mount, "fox")
    with terminal([bench.kiefs, "wait", mount.path(MODEL, "fox.txt")]) as wait:
        wait.until("fox.txt")
        wait.type(b"\x03")
        equal(wait.end(), 130)
    go_on(simulator)


def case_wait_failures(bench):
    """One that failed, one that was refused and one that is done: status 1, and why."""
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    folder = mount.path(MODEL)
    write(f"{folder}/good.txt", "A red kite.")
    run("cp /dev/stdin bad.json", 1, cwd=folder, stdin=b'{"prompt": "x", "aspect_ratio": "1:2"}')
    wait_done(f"{folder}/good.txt")
    simulator.fault("fail", count=1)
    write(f"{folder}/poor.txt", "A poor kite.")
    ended = run([bench.kiefs, "wait", "good.txt", "bad.json", "poor.txt"], 1, cwd=folder)
    assert re.search(r"^good.txt: done ", ended.out, re.MULTILINE), ended.out
    assert re.search(r"^bad.json: refused: aspect_ratio ", ended.out, re.MULTILINE), ended.out
    assert re.search(r"^poor.txt: failed: .{10}", ended.out, re.MULTILINE), ended.out
    ended = run([bench.kiefs, "wait", "-q", folder], 1)
    equal(ended.out, "")
    equal(sorted(line.split(": ")[2] for line in ended.err.splitlines()), ["failed", "refused"])


def case_wait_for_many(bench):
    """More than are looked at together; none is told twice."""
    mount = bench.mount(bench.simulator(), max_running=1000)
    folder = mount.path(MODEL, "many")
    os.mkdir(folder)
    for number in range(150):
        write(f"{folder}/{number}.txt", f"Kite {number}.")
    ended = run([bench.kiefs, "wait", "."], cwd=folder)
    done = re.findall(r"^\./(\d+)\.\w+: done", ended.out, re.MULTILINE)
    equal(sorted(map(int, done)), list(range(150)))


def case_wait_while_it_is_written(bench):
    mount = bench.mount(bench.simulator())
    path = mount.path(MODEL, "slow.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.write("A kite")
        file.flush()
        until(lambda: os.path.exists(path.replace(".txt", ".wait")) or os.dup(1) < 0, "a wait file")
        wait = lines(bench.kiefs, "wait", path)
        file.write(" in the wind")
    try:
        out, error = wait.communicate(timeout=DEADLINE_S)
    finally:
        end(wait)
    equal((wait.returncode, error), (0, ""))
    contains(out, "slow.txt: done ")


def case_wrong_words(bench):
    mount = bench.mount(bench.simulator())
    file = bench.file("elsewhere.txt", "A kite.")
    for arguments, status, words in (
        (["wait"], 2, "usage: kiefs wait"),
        (["wait", "-x", "y"], 2, "usage: kiefs wait"),
        (["wait", mount.path(MODEL, "nothing.txt")], 2, "nothing.txt is no request"),
        (["wait", mount.path(MODEL)], 2, "no request"),
        (["wait", mount.path(MODEL, "README.md")], 2, "no request"),
        (["wait", file], 2, "no request"),
        (["top", "a", "b"], 2, "usage: kiefs top"),
        (["top", "-n", "0", mount.point], 2, "-n takes seconds from 0.1 to 3600"),
        (["top", "-n", "nan", mount.point], 2, "-n takes seconds"),
        (["top", bench.home], 2, "is not in a kiefs mount"),
        (["top", bench.path("nowhere")], 2, "No such file or directory"),
    ):
        ended = run([bench.kiefs, *arguments], status)
        contains(ended.err, words)
    equal(mount.unmount(), 0)


main()
