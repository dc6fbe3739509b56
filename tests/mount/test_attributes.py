"""Attributes of files, and the files that tell about the mount. The key stands in none of them."""

import calendar
import os
import stat
import subprocess
import time

from mount import *

MODEL = "models/z-image"


def done(mount, name="r"):
    write(mount.path(MODEL, f"{name}.txt"), "A red kite.")
    until(lambda: tasks(mount), "a task")
    read(mount.path(MODEL, f"{name}.wait"))


def case_extended_attributes(bench):
    mount = bench.mount(bench.simulator())
    done(mount)
    for name in ("r.txt", "r.png"):
        given = run(["getfattr", "--absolute-names", "-d", mount.path(MODEL, name)]).out
        contains(given, 'user.kiefs.task="1"', 'user.kiefs.state="done"',
                 'user.kiefs.model="z-image"', 'user.kiefs.credits="0.8"')
    equal(os.getxattr(mount.path(MODEL, "r.png"), "user.mime_type"), b"image/png")
    equal(os.getxattr(mount.path("tasks/all/1/result.png"), "user.mime_type"), b"image/png")
    refused = "Operation not permitted"
    for change, said in (("setfattr -n user.kiefs.state -v x r.txt", refused),
                         ("setfattr -x user.kiefs.state r.txt", refused),
                         ("setfattr -n user.note -v x r.png", denied(refused))):
        contains(run(change, 1, cwd=mount.path(MODEL)).err, said)
    run("setfattr -n user.note -v mine r.txt", cwd=mount.path(MODEL))
    equal(os.getxattr(mount.path(MODEL, "r.txt"), "user.note"), b"mine")
    contains(run("getfattr -n user.none r.txt", 1, cwd=mount.path(MODEL)).err, "No such attribute")
    run(["cp", "-a", mount.path(MODEL, "r.png"), bench.path("copy.png")])
    equal(os.getxattr(bench.path("copy.png"), "user.kiefs.task"), b"1")


def case_times_and_modes(bench):
    mount = bench.mount(bench.simulator())
    done(mount)
    text, picture = (os.stat(mount.path(MODEL, name)) for name in ("r.txt", "r.png"))
    now = os.stat(bench.file("now", "")).st_mtime
    assert text.st_mtime <= picture.st_mtime <= now, (text, picture, now)
    assert now - text.st_mtime < DEADLINE_S, (text, now)
    equal(stat.filemode(picture.st_mode), "-r--r--r--")
    equal(stat.filemode(os.stat(mount.path(MODEL)).st_mode), "drwxr-xr-x")
    equal(stat.filemode(os.stat(mount.path("tasks/all/1")).st_mode), "dr-xr-xr-x")
    # The notifier makes directories of models there, as the user who mounted.
    equal(stat.filemode(os.stat(mount.path("models")).st_mode), "drwxr-xr-x")
    for made in ("mkdir models/x", "echo x > models/x.txt"):
        contains(run(made, None, cwd=mount.point).err, "Operation not permitted")
    contains(read(mount.path(".kiefs/errors")), "x: Only a model's directory", "add-model")
    equal(stat.filemode(os.stat(mount.path("tasks")).st_mode), "dr-xr-xr-x")
    for folder, folders, files in os.walk(mount.path("tasks")):
        for name in folders + files:
            seen = os.lstat(os.path.join(folder, name))
            equal((seen.st_uid, seen.st_gid), (os.getuid(), os.getgid()), name)
    run("umask 027; echo x > s.part; stat -c %a s.part", cwd=mount.path(MODEL))
    equal(stat.S_IMODE(os.stat(mount.path(MODEL, "s.part")).st_mode), 0o640)
    for private in ("state", "store"):
        equal(stat.S_IMODE(os.stat(bench.path(private)).st_mode), 0o700, private)
        for folder, folders, files in os.walk(bench.path(private)):
            for name in folders + files:
                mode = os.stat(os.path.join(folder, name)).st_mode
                equal(mode & 0o077, 0, os.path.join(folder, name))


def case_result_is_as_old_as_it_is(bench):
    """Not as the request, nor as the last look, nor as the mount."""
    mount = bench.mount(bench.simulator())
    write(mount.path(MODEL, "r.txt"), "A red kite.")
    run(["touch", "-d", "2001-02-03T00:00Z", mount.path(MODEL, "r.txt")])
    read(mount.path(MODEL, "r.wait"))
    until(lambda: os.path.exists(mount.path(MODEL, "r.png")), "the result")
    ended = meta(mount, 1)["ended"]
    made = os.stat(mount.path(MODEL, "r.png")).st_mtime_ns
    seconds = calendar.timegm(time.strptime(ended, "%Y-%m-%dT%H:%M:%SZ"))
    assert abs(made / 10**9 - seconds) <= 2, (made, ended)
    equal(os.stat(mount.path("tasks/all/1/result.png")).st_mtime_ns, made)
    # Programs that set times are not refused, but the time stays; copies take it along.
    run("touch r.png; cp -p r.png ../../uploads/; cp -p r.png copy.png", cwd=mount.path(MODEL))
    read_bytes(mount.path(MODEL, "r.png"))
    for name in (f"{MODEL}/r.png", f"{MODEL}/copy.png", "uploads/r.png"):
        equal(os.stat(mount.path(name)).st_mtime_ns, made, name)
    equal(os.stat(mount.path(MODEL, "r.txt")).st_mtime, 981158400)
    equal(mount.unmount(), 0)
    bench.mounts.remove(mount)
    mount = bench.mount(bench.simulator())
    equal(os.stat(mount.path(MODEL, "r.png")).st_mtime_ns, made)


def case_reading_leaves_times(bench):
    """Also of defaults.json that nobody has written yet: tar says so when a file changes."""
    mount = bench.mount()
    path = mount.path(MODEL, "defaults.json")
    before = run(["stat", "-c", "%y %z %s", path]).out
    equal(read(path), "")
    mount.unmount()
    mount = bench.mount()
    equal(run(["stat", "-c", "%y %z %s", path]).out, before)
    write(path, "{}\n")
    equal(read(path), "{}\n")


def case_directory_mtime_moves(bench):
    mount = bench.mount(bench.simulator())
    before = os.stat(mount.path(MODEL)).st_mtime_ns
    done(mount)
    until(lambda: os.stat(mount.path(MODEL)).st_mtime_ns > before, "a newer directory")


def case_free_space(bench):
    mount = bench.mount()
    seen, below = os.statvfs(mount.point), os.statvfs(bench.path("store"))
    equal((seen.f_bsize, seen.f_blocks, seen.f_namemax), (below.f_bsize, below.f_blocks, 255))
    equal((seen.f_frsize, seen.f_files), (below.f_frsize, below.f_files))
    # Others write on the same disk meanwhile.
    assert abs(seen.f_bavail - below.f_bavail) < below.f_blocks / 100, (seen, below)
    assert abs(seen.f_ffree - below.f_ffree) < below.f_files / 100, (seen, below)
    assert seen.f_bavail > 0
    contains(run(["df", "-T", mount.point]).out, "fuse.kiefs", "kiefs")


def case_what_the_mount_tells(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    done(mount)
    contains(read(mount.path(".kiefs/config")), f"base_url = {simulator.url}",
             f"state = {bench.path('state')}", "submit_rate = 256")
    contains(read(mount.path(".kiefs/log")), "task 1", "committed", "done")
    stats = read(mount.path(".kiefs/stats"))
    contains(stats, 'kiefs_tasks{state="done"} 1', "kiefs_submissions_total 1",
             "kiefs_downloads_total 1", "kiefs_key_present 1", "kiefs_models ")
    for line in stats.splitlines():
        assert line.startswith("# ") or len(line.split()) == 2, line
    equal(read(mount.path(".kiefs/errors")), "")


def case_key_is_nowhere(bench):
    simulator = bench.simulator()
    simulator.fault("html", path="recordInfo")
    simulator.fault("code", code=500, path="recordInfo")
    mount = bench.mount(simulator)
    done(mount)
    simulator.ask("POST", "/sim/keys", {"bad": [KEY]})
    write(mount.path(MODEL, "s.txt"), "Another kite.")
    until(lambda: tasks(mount, "held") == [2], "a held task")
    equal(simulator.requests()[0]["key"], KEY)
    places = [mount.point, bench.path("state"), bench.path("store")]
    found = run(["grep", "-rlaF", KEY, *places], 1)
    equal((found.out, found.err), ("", ""))
    for name in ("cmdline", "comm", "limits"):
        assert KEY.encode() not in read_bytes(f"/proc/{mount.process.pid}/{name}"), name


def case_watchers_see_results(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    watcher = subprocess.Popen(
        ["inotifywait", "-m", "-q", "-e", "create,close_write", "--format", "%e %f",
         mount.path(MODEL)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        seen = []
        until(lambda: watching(watcher), "inotifywait watches")
        write(mount.path(MODEL, "r.txt"), "A red kite.")
        while "CLOSE_WRITE,CLOSE r.png" not in seen:
            seen.append(watcher.stdout.readline().strip())
        for wanted in ("CREATE r.txt", "CREATE r.status", "CREATE r.png"):
            assert wanted in seen, seen
    finally:
        end(watcher)
        watcher.stdout.close()
        watcher.stderr.close()


if __name__ == "__main__":
    main()
