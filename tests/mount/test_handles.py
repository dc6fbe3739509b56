"""File handles, as NFS servers keep them: what a handle names is found again after the kernel has
forgotten it, and after another mount."""

import contextlib
import ctypes
import errno
import stat

from machine import *

MODEL = "models/z-image"
HANDLE_SIZE = 128
LIBC = ctypes.CDLL(None, use_errno=True)
# Of each kind of name one: by path, by entry, by task.
NAMES = [
    "", "README.md", "models", "models/google", MODEL, f"{MODEL}/README.md", f"{MODEL}/defaults.json",
    f"{MODEL}/r.txt", f"{MODEL}/r.png", f"{MODEL}/r.wait", f"{MODEL}/d", f"{MODEL}/d/e",
    f"{MODEL}/d/e/s.part", f"{MODEL}/bad.error", "uploads", "uploads/r.png", "uploads/r.png.url",
    "tasks/all", "tasks/all/1", "tasks/all/1/request.json", "tasks/all/1/result.png",
    "tasks/all/1/control", ".kiefs/stats", "account/credits",
]


class Handle(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint), ("type", ctypes.c_int),
                ("data", ctypes.c_ubyte * HANDLE_SIZE)]


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def handle_of(path):
    handle, mount_id = Handle(size=HANDLE_SIZE), ctypes.c_int()
    checked(LIBC.name_to_handle_at(-100, path.encode(), ctypes.byref(handle),
                                   ctypes.byref(mount_id), 0))
    return handle


@contextlib.contextmanager
def opened(mount, handle, flags=os.O_RDONLY):
    point = os.open(mount.point, os.O_RDONLY | os.O_DIRECTORY)
    try:
        file = checked(LIBC.open_by_handle_at(point, ctypes.byref(handle), flags))
    finally:
        os.close(point)
    try:
        yield file
    finally:
        os.close(file)


def forget():
    """The kernel drops all names and inodes that nobody uses."""
    os.sync()
    write("/proc/sys/vm/drop_caches", "2")


def is_stale(mount, handle):
    try:
        with opened(mount, handle):
            return False
    except OSError as error:
        equal(error.errno, errno.ESTALE, error)
        return True


def look(mount, handle):
    """What the file is, and what is in it where that stays the same."""
    with opened(mount, handle) as file:
        seen = os.fstat(file)
        if stat.S_ISDIR(seen.st_mode):
            return seen.st_ino, sorted(os.listdir(file))
        return seen.st_ino, seen.st_mode, seen.st_size and os.pread(file, 4096, 0)


def prepare(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    folder = mount.path(MODEL)
    write(f"{folder}/r.txt", "A red kite.")
    run("echo '{\"nonsense\": 1, \"prompt\": 3}' > bad.json; mkdir -p d/e; echo x > d/e/s.part",
        status=None, cwd=folder)
    wait_done(f"{folder}/r.txt")
    shutil.copy(f"{folder}/r.png", mount.path("uploads"))
    until(lambda: os.path.exists(mount.path("uploads/r.png.url")), "an address")
    return simulator, mount


def case_found_again(bench):
    simulator, mount = prepare(bench)
    handles = {name: handle_of(mount.path(name)) for name in NAMES}
    seen = {name: look(mount, handle) for name, handle in handles.items()
            if not name.startswith((".kiefs", "account")) and not name.endswith(".wait")}
    for again in (False, True):
        if again:
            mount.unmount()
            mount = bench.mount(simulator)
        forget()
        for name, handle in handles.items():
            with opened(mount, handle) as file:
                equal(os.fstat(file).st_ino, os.stat(mount.path(name)).st_ino, name)
        for name, was in seen.items():
            forget()
            equal(look(mount, handles[name]), was, name)
            # The way up is found as well, and so the path.
            if os.path.isdir(mount.path(name)):
                with opened(mount, handles[name]) as file:
                    equal(os.readlink(f"/proc/self/fd/{file}"), mount.path(name).rstrip("/"))
    equal(simulator.sent(), 1)


def case_a_handle_follows_its_file(bench):
    simulator, mount = prepare(bench)
    folder = mount.path(MODEL)
    request, scratch, deep = (
        handle_of(f"{folder}/{name}") for name in ("r.txt", "d/e/s.part", "d/e"))
    run("mv r.txt d/moved.txt; mv d/e f", cwd=folder)
    forget()
    with opened(mount, request) as file:
        equal(os.read(file, 99), b"A red kite.")
    with opened(mount, deep) as file:
        equal(os.readlink(f"/proc/self/fd/{file}"), f"{folder}/f")
    run("rm f/s.part; rmdir f", cwd=folder)
    forget()
    assert is_stale(mount, scratch) and is_stale(mount, deep)
    equal(simulator.sent(), 1)


def case_written_by_its_handle(bench):
    """An NFS server opens a file by its handle to write, and to close."""
    simulator, mount = prepare(bench)
    request = handle_of(mount.path(MODEL, "r.txt"))
    forget()
    with opened(mount, request, os.O_WRONLY | os.O_TRUNC) as file:
        os.write(file, b"A blue kite.")
    until(lambda: simulator.sent() == 2, "another request")
    equal(read(mount.path(MODEL, "r.txt")), "A blue kite.")


def case_searches_go_stale(bench):
    """Only their words name them, and those are not kept."""
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    search = handle_of(mount.path("search/kling"))
    mount.unmount()
    assert is_stale(bench.mount(simulator), search)


if __name__ == "__main__":
    enter()
    main()
