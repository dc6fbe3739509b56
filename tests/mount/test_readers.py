"""Programs that look at everything: nothing is sent, nothing blocks, everything agrees.

One mount holds finished, running, failed, incomplete and held tasks, folders, a conversation,
scratch and uploads. Each program goes over all of it. What has a clock in it (MOVING) may differ
from one look to the next; nothing else may.
"""

import hashlib
import os
import re
import stat
import subprocess
import tarfile
import threading

from mount import *

DEAR = "models/kling/v2-1-master-text-to-video"
FAILING = "models/qwen/text-to-image"
EDIT = "models/google/nano-banana-edit"
STUCK = "models/google/nano-banana"
TALK = "models/claude/claude-sonnet-4-5/talk"
# All but most of the models' directories, for programs that take their time over each file.
PART = ".kiefs README.md account tasks uploads models/z-image models/google models/dedicated"
# Asked for by the daemon itself: the state of running tasks, and the balance.
OWN = ("/api/v1/jobs/recordInfo", "/api/v1/chat/credit")


def fill(common):
    simulator, mount = common.simulator, common.mount
    simulator.fault("stuck", model="google/nano-banana", count=2)
    simulator.fault("fail", model="qwen/text-to-image", code=500)
    requests = {
        "models/z-image/kite.txt": "A red kite.",
        "models/z-image/a folder/in it/tree.txt": "A tree.",
        "models/z-image/a folder/boat.json": '{"prompt": "A boat.", "aspect_ratio": "16:9"}',
        "models/dedicated/suno/generate/song.txt": "A song of the sea.",
        f"{DEAR}/film.txt": "A kite in the wind.",
        f"{TALK}/prompt": "Hello.",
        f"{FAILING}/lost.txt": "A lost kite.",
        f"{STUCK}/long.txt": "A long wait.",
        f"{STUCK}/longer.txt": "A longer wait.",
        f"{EDIT}/cat.txt": "A hat.",
        f"{DEAR}/more.txt": "More than may be spent.",
        "models/z-image/.hidden.txt": "Scratch.",
        "models/z-image/kite.txt~": "Scratch.",
        "models/z-image/a folder/empty.txt": "",
        "uploads/note.pdf": "A note.",
    }
    for path, text in requests.items():
        os.makedirs(mount.path(os.path.dirname(path)), exist_ok=True)
        write(mount.path(path), text)
    run(["cp", common.bench.file("bad", '{"prompt": 7, "aspect_ratio": "9:99"}'),
         mount.path("models/z-image/refused.json")], status=1)
    until(lambda: os.path.exists(mount.path("uploads/note.pdf.url")), "the upload is there")
    states = {"models/z-image/kite": "done", f"{FAILING}/lost": "failed", f"{STUCK}/long": "running",
              f"{STUCK}/longer": "running", f"{DEAR}/film": "done", f"{DEAR}/more": "held",
              f"{TALK}/prompt": "done", "models/z-image/a folder/in it/tree": "done",
              "models/z-image/a folder/boat": "done", "models/dedicated/suno/generate/song": "done"}
    for path, state in states.items():
        link = mount.path(f"{path}.task")
        until(lambda: os.path.exists(link), f"{path} is a task")
        wait_state(mount, int(os.path.basename(os.readlink(link))), state)


def world(bench):
    common = bench.common.open(limit_per_day=250, unknown_price="allow")
    if not common.filled:
        fill(common)
        common.filled = True
    return common


def asked(simulator):
    """What was sent by the daemon, but for what it asks by itself."""
    return sum(n for path, n in simulator.counts()["by_path"].items() if path not in OWN)


def moving(mount):
    """Paths of what has a clock in it, from the mount's root; all below one that ends in /."""
    paths = {".kiefs/stats", ".kiefs/log", "account/credits", "account/status"}
    for task in tasks(mount, "active"):
        paths |= {f"tasks/all/{task}/{name}" for name in ("status", "meta.json", "record.json")}
    return paths | {f"{STUCK}/long.status", f"{STUCK}/longer.status"}


def files(mount):
    """Every regular file, from the mount's root."""
    for folder, _, found in os.walk(mount.point):
        for name in found:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                yield os.path.relpath(path, mount.point)


def still(mount, lines):
    """The lines that name nothing of what moves."""
    names = moving(mount)
    return [line for line in lines if not any(name in line for name in names)]


# ---- what must agree ----

def sizes(bench, mount):
    moves = moving(mount)
    count = 0
    for path in files(mount):
        with open(mount.path(path), "rb") as file:
            told, text = os.fstat(file.fileno()), file.read()
        equal(told.st_size, len(text), path)
        if path not in moves:
            equal(os.lstat(mount.path(path)).st_size, len(text), path)
        count += 1
    assert count > 1000, count


def kinds(bench, mount):
    for folder, folders, found in os.walk(mount.point):
        with os.scandir(folder) as listing:
            for entry in listing:
                seen = os.lstat(entry.path)
                equal((entry.is_dir(follow_symlinks=False), entry.is_symlink()),
                      (stat.S_ISDIR(seen.st_mode), stat.S_ISLNK(seen.st_mode)), entry.path)
                equal(entry.inode(), seen.st_ino, entry.path)


def listings(bench, mount):
    show = "find . -printf '%P|%y|%m|%n|%U|%G|%i|%s|%T@|%C@|%l\\n'"
    first, again = (still(mount, run(show, cwd=mount.point).out.splitlines()) for _ in "12")
    equal(first, again)
    listed = run("ls -lRi --time-style=full-iso", cwd=mount.point).out
    equal(still_words(mount, listed),
          still_words(mount, run("ls -lRi --time-style=full-iso", cwd=mount.point).out))


def still_words(mount, text):
    """The lines of ls -lR without those of files that move: they have times of this second."""
    moving_names = {os.path.basename(path) for path in moving(mount)}
    return [line for line in text.splitlines() if line.rpartition(" ")[2] not in moving_names]


def checksums(bench, mount):
    out = run("find . -type f -print0 | xargs -0 md5sum", cwd=mount.point).out
    moves, count = moving(mount), 0
    for line in out.splitlines():
        digest, path = line.split("  ./", 1)
        if path not in moves:
            equal(hashlib.md5(read_bytes(mount.path(path))).hexdigest(), digest, path)
            count += 1
    assert count > 1000, count


def tar(bench, mount):
    """Nothing is said to have changed or shrunk, and what is in it is what is there."""
    ended = run(f"tar cf {bench.path('all.tar')} .", cwd=mount.point)
    equal(ended.err, "")
    equal(run("tar cf - . | tar tf - | sort | md5sum", cwd=mount.point).out,
          run("find . -printf '%p%y\\n' | sed 's|d$|/|; s|[fl]$||' | sort | md5sum",
              cwd=mount.point).out)
    moves = moving(mount)
    with tarfile.open(bench.path("all.tar")) as archive:
        for member in archive:
            path = os.path.relpath(member.name, ".")
            if member.isfile() and path not in moves:
                equal(archive.extractfile(member).read(), read_bytes(mount.path(path)), path)


def rsync(bench, mount):
    line = f"rsync -ai . {bench.path('copy')}"
    run(line, cwd=mount.point)
    equal(still(mount, run(line, cwd=mount.point).out.splitlines()), [])
    differs = run(f"diff -r --no-dereference . {bench.path('copy')}", cwd=mount.point, status=None).out
    equal([line for line in still(mount, differs.splitlines()) if line.startswith("diff")], [])


def git(bench, mount):
    env = {"GIT_DIR": bench.path("repository"), "GIT_WORK_TREE": mount.point, "HOME": bench.home}
    contains(run("git status", cwd=mount.point, status=128, env={"HOME": bench.home}).err,
             "not a git repository")
    run("git init -q && git add -A", cwd=mount.point, env=env)
    changed = run("git -c core.quotePath=off status --porcelain", cwd=mount.point, env=env).out
    equal([line for line in still(mount, changed.splitlines()) if line[1] != " "], [])


def updatedb(bench, mount):
    run(f"updatedb.plocate -U {mount.point} -o {bench.path('db')} --require-visibility no "
        "--prunefs '' --prunepaths ''")
    found = set(run(["plocate", "-d", bench.path("db"), mount.point]).out.splitlines())
    there = set(run(f"find {mount.point} -mindepth 1").out.splitlines())
    equal(found, there)


def borg(bench, mount):
    env = {"BORG_REPO": bench.path("borg"), "BORG_BASE_DIR": bench.home}
    create = "borg create --list --filter AMCE ::%s " + PART
    # What is as new as the newest file is looked at again by the next run.
    write(mount.path("models/z-image/.newest"), "Scratch.")
    run("borg init -e none", env=env)
    run(create % "one", cwd=mount.point, env=env)
    again = still(mount, run(create % "two", cwd=mount.point, env=env).err.splitlines())
    equal([line for line in again if ".newest" not in line], [])
    os.mkdir(bench.path("back"))
    run("borg extract ::two models/z-image", cwd=bench.path("back"), env=env)
    run(["diff", "-r", bench.path("back/models/z-image"), mount.path("models/z-image")])


def restic(bench, mount):
    env = {"RESTIC_REPOSITORY": bench.path("restic"), "RESTIC_PASSWORD": "word",
           "RESTIC_CACHE_DIR": bench.path("cache"), "HOME": bench.home, "GOMAXPROCS": "2"}
    run("restic init", env=env)
    run("restic backup " + PART, cwd=mount.point, env=env)
    again = run("restic backup -v -v " + PART, cwd=mount.point, env=env).out
    equal([line for line in still(mount, again.splitlines())
           if re.match("(new|modified) .*[^/], saved", line)], [])
    run(f"restic restore latest --target {bench.path('back')} --include models/z-image", env=env)


def thumbnails(bench, mount):
    for path in (f"{DEAR}/film.mp4", "models/z-image/kite.png"):
        out = bench.path("small.png")
        run(["ffmpegthumbnailer", "-i", mount.path(path), "-o", out, "-s", "64"])
        contains(run(["file", out]).out, "PNG image data")
        os.unlink(out)


def session(bench, line):
    """Runs a line of bash on a message bus of its own, at home in the bench's directory."""
    for folder in ("run", "temporary"):
        os.makedirs(bench.path(folder), exist_ok=True)
    os.chmod(bench.path("run"), 0o700)
    env = {"HOME": bench.home, "XDG_RUNTIME_DIR": bench.path("run"), "TMPDIR": bench.path("temporary"),
           "GSETTINGS_BACKEND": "keyfile", "LOOKS": str(20 * DEADLINE_S)}
    for name in ("CACHE", "CONFIG", "DATA"):
        env[f"XDG_{name}_HOME"] = bench.path(name.lower())
    return run(["dbus-run-session", "--", "bash", "-c", line], env=env)


# Looks every 20th of a second until the command before it has found something.
UNTIL = """
until_true() { local i; for ((i = 0; i < LOOKS; i++)); do "$@" && return; sleep 0.05; done; false; }
"""


def tumbler(bench, mount):
    name = "org.freedesktop.thumbnails.Thumbnailer1"
    files = [mount.path("models/z-image/kite.png"), mount.path("models/z-image/a folder/boat.png")]
    session(bench, UNTIL + f"""
gdbus call --session --dest {name} --object-path /{name.replace('.', '/')} --method {name}.Queue \
    "{['file://' + path.replace(' ', '%20') for path in files]}" "['image/png', 'image/png']" \
    normal default 0 &&
made() {{ (($(find "$XDG_CACHE_HOME" -name '*.png' 2>/dev/null | wc -l) == 2)); }} && until_true made
""")


def tracker(bench, mount):
    """Indexes models/z-image and the tasks, and finds a request by its words."""
    session(bench, UNTIL + f"""
settings() {{ gsettings set org.freedesktop.Tracker3.Miner.Files "$@"; }}
settings index-recursive-directories "['{mount.path("models/z-image")}', '{mount.path("tasks")}']"
settings index-single-directories "[]"
settings index-applications false
settings initial-sleep 0
found() {{ tracker3 search kite | grep -q z-image/kite.txt; }}
until_true found
""")


def refuse(mount, word):
    """Adds a line to .kiefs/errors."""
    run(f"echo {word} > .kiefs/control", cwd=mount.point, status=1)


def case_an_open_text_stays(bench):
    """Whoever reads a text sees one text, with its size, whatever happens meanwhile; who follows
    it sees what comes."""
    mount = bench.mount(key=None)
    path = mount.path(".kiefs/errors")
    refuse(mount, "one")
    with open(path, "rb", buffering=0) as file:
        before = os.fstat(file.fileno())
        refuse(mount, "two")
        after = os.fstat(file.fileno())
        equal((after.st_size, after.st_mtime_ns, after.st_ctime_ns),
              (before.st_size, before.st_mtime_ns, before.st_ctime_ns))
        assert os.stat(path, follow_symlinks=False).st_size == before.st_size
        equal(file.read().count(b"\n"), 1)
        equal(int(run(["stat", "-c", "%s", path]).out), 2 * before.st_size)
        until(lambda: os.fstat(file.fileno()).st_size == 2 * before.st_size, "the truth is told")
        contains(os.pread(file.fileno(), 4096, before.st_size).decode(), "two")
    with subprocess.Popen(["tail", "-n", "+1", "-f", path], stdout=subprocess.PIPE) as tail:
        contains(tail.stdout.readline().decode() + tail.stdout.readline().decode(), "one", "two")
        refuse(mount, "three")
        contains(tail.stdout.readline().decode(), "three")
        end(tail)


def case_an_open_text_outlives_its_name(bench):
    mount = bench.mount(key=None)
    request = write(mount.path("models/z-image/kite.txt"), "A kite.")
    wait_state(mount, 1, "held")
    with open(request[:-3] + "status", "rb") as file:
        os.unlink(request)
        until(lambda: not os.path.exists(file.name), "the name is gone")
        size = os.fstat(file.fileno()).st_size
        text = file.read()
        contains(text.decode(), "held")
        equal(size, len(text))


def case_tar_while_tasks_run(bench):
    """Results, status lines and answers come and grow under its hands."""
    simulator = bench.simulator("--task-ms", "300")
    mount = bench.mount(simulator, max_running=100)
    talks = mount.path("models/gpt-5-2")
    stop = threading.Event()

    def work():
        for number in range(1000):
            if stop.is_set():
                return
            write(mount.path("models/z-image", f"kite-{number}.txt"), f"Kite {number}.")
            write(f"{talks}/talk-{number}.txt", f"Talk {number}. sim:big=20k sim:throttle=50k")
            until(lambda: os.path.exists(mount.path("models/z-image", f"kite-{number}.png")),
                  "a result")

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for number in range(10):
            ended = run(f"tar cf {bench.path('all.tar')} .kiefs account models/z-image "
                        "models/gpt-5-2 tasks", cwd=mount.point, status=None)
            # A status line that has gone is no fault of anybody's.
            equal([line for line in ended.err.splitlines() if "removed before" not in line], [],
                  f"tar {number}")
    finally:
        stop.set()
        worker.join()


# Programs that only have to end well and say nothing of errors.
PLAIN = {
    "ls": "ls -lR . > /dev/null",
    "ls_full": "ls -laiZRs . > /dev/null",
    "find": "find . -size +0 -newermt 2000-01-01 -perm -4 | grep -q kite",
    "grep": "grep -rIl 'red kite' . | grep -q models/z-image/kite.txt",
    "du": "du -a --apparent-size . > /dev/null && du -sh .",
    "tree": "tree -a --du -s . | tail -1",
    "file": "find . -type f -print0 | xargs -0 file -b | sort | uniq -c",
    "ripgrep": "rg -uuu -l 'red kite' . | grep -q models/z-image/kite.txt",
    "wc": "find . -type f -print0 | xargs -0 wc -c | tail -1",
    "cp_a": "cp -a . $TMP/copied",
}

CHECKS = [sizes, kinds, listings, checksums, tar, rsync, git, updatedb, borg, restic, thumbnails,
          tumbler, tracker]


def looks(check):
    def case(bench):
        common = world(bench)
        before = asked(common.simulator)
        count = len(tasks(common.mount))
        check(bench, common.mount)
        equal(asked(common.simulator), before, "requests")
        equal(len(tasks(common.mount)), count, "tasks")

    return case


def plain(line):
    def check(bench, mount):
        ended = run(line, cwd=mount.point, env={"TMP": bench.home})
        equal(ended.err, "")

    return check


def cases():
    for name, line in PLAIN.items():
        yield name, looks(plain(line))
    for check in CHECKS:
        yield check.__name__, looks(check)


if __name__ == "__main__":
    main(list(cases()))
