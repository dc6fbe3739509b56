"""What must not be sent: half a request, and a request that was taken back or replaced."""

import ctypes
import errno
import os
import signal
import subprocess

from mount import *

MODEL = "models/z-image"
RENAME_EXCHANGE = 2
AT_FDCWD = -100


def held(bench):
    mount = bench.mount(key=None)
    return mount, mount.path(MODEL)


def until_held(mount, task):
    """A close() returns before the release that makes the task is served."""
    until(lambda: task in tasks(mount), f"task {task}")
    wait_state(mount, task, "held")


def refused(mount, folder, name, *words):
    contains(read(f"{folder}/{name}.error"), *words)
    equal(tasks(mount), [])


def writer(program):
    """A python program that writes to the file named by its argument; the process, after it has
    said that the bytes are there."""
    process = subprocess.Popen(program, stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    equal(process.stdout.read(1), b"+")
    return process


HALF = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
file = open(sys.argv[1], "w")
file.write("half a reque")
file.flush()
print("+", end="", flush=True)
sys.stdin.read(1)
"""


def killed(number):
    def case(bench):
        mount, folder = held(bench)
        process = writer(["python3", "-c", HALF, f"{folder}/r.txt"])
        process.send_signal(number)
        process.communicate()
        refused(mount, folder, "r", "was not sent", f"signal {int(number)}")
        equal(read(f"{folder}/r.txt"), "half a reque")
        # A copy says that it is meant as it is.
        run("cp r.txt s.txt", cwd=folder)
        until(lambda: tasks(mount) == [1], "a task")

    return case


KILLED = [
    ("killed_by_ctrl_c", killed(signal.SIGINT)),
    ("killed_by_term", killed(signal.SIGTERM)),
    ("killed_for_good", killed(signal.SIGKILL)),
]


def case_a_writer_that_ends_without_closing(bench):
    mount, folder = held(bench)
    program = 'import os, sys; f = open(sys.argv[1], "w"); f.write("whole"); f.flush(); os._exit(3)'
    run(["python3", "-c", program, f"{folder}/r.txt"], 3)
    until(lambda: tasks(mount) == [1], "a task: nobody killed it")


def case_a_write_that_fails_spoils_the_request(bench):
    mount, folder = held(bench)
    fd = os.open(f"{folder}/r.txt", os.O_CREAT | os.O_RDWR)
    os.write(fd, b"a nice kite")
    for call in (lambda: os.pwrite(fd, b"x", 17 << 20), lambda: os.close(fd)):
        try:
            call()
            raise AssertionError("no error")
        except OSError as fault:
            equal(fault.errno, errno.EFBIG)
    refused(mount, folder, "r", "was not sent", "16 MiB")
    # Begun anew it is a request again.
    write(f"{folder}/r.txt", "a nice kite")
    until(lambda: tasks(mount) == [1], "a task")


def case_fsync_is_no_close(bench):
    mount, folder = held(bench)
    program = HALF.replace("print", "import os; os.fsync(file.fileno())\nprint")
    process = writer(["python3", "-c", program, f"{folder}/r.txt"])
    mount.process.kill()
    mount.process.wait()
    process.kill()
    process.communicate()
    subprocess.run(["fusermount3", "-u", "-z", mount.point], check=False)
    again, folder = held(bench)
    equal(read(f"{folder}/r.txt"), "half a reque")
    equal(tasks(again), [])


def case_truncate_by_path_is_seen(bench):
    mount, folder = held(bench)
    with open(f"{folder}/r.txt", "w", encoding="utf-8") as file:
        file.write("AAAA")
        file.flush()
        os.close(os.dup(file.fileno()))  # a close() has seen all four
        os.truncate(f"{folder}/r.txt", 2)
    until(lambda: tasks(mount) == [1], "a task")
    contains(task_file(mount, 1, "request.json"), '"prompt":"AA"')


def case_requests_are_not_exchanged(bench):
    mount, folder = held(bench)
    write(f"{folder}/r.txt", "one")
    write(f"{folder}/s.part", "two")
    until(lambda: tasks(mount) == [1], "a task")
    libc = ctypes.CDLL(None, use_errno=True)
    paths = [f"{folder}/{name}".encode() for name in ("r.txt", "s.part")]
    equal(libc.renameat2(AT_FDCWD, paths[0], AT_FDCWD, paths[1], RENAME_EXCHANGE), -1)
    equal(ctypes.get_errno(), errno.EINVAL)
    write(f"{folder}/t.part", "three")
    paths[0] = f"{folder}/t.part".encode()
    equal(libc.renameat2(AT_FDCWD, paths[0], AT_FDCWD, paths[1], RENAME_EXCHANGE), 0)
    equal((read(f"{folder}/s.part"), read(f"{folder}/t.part")), ("three", "two"))
    equal(tasks(mount), [1])


def case_a_held_request_that_is_edited_is_one_request(bench):
    mount, folder = held(bench)
    for number, text in enumerate(("one", "two", "three"), 1):
        write(f"{folder}/r.txt", text)
        until_held(mount, number)
    equal([meta(mount, n)["state"] for n in (1, 2, 3)], ["cancelled", "cancelled", "held"])
    equal([name for name in names(folder) if name.endswith(".status")], ["r.status"])
    run("sed -i s/three/four/ r.txt", cwd=folder)
    until_held(mount, 4)
    other = mount.path("models/qwen/text-to-image")
    os.rename(f"{folder}/r.txt", f"{other}/r.txt")
    until_held(mount, 5)
    equal(tasks(mount, "held"), [5])
    os.unlink(f"{other}/r.txt")
    equal(tasks(mount, "held"), [])


if __name__ == "__main__":
    main(KILLED)
